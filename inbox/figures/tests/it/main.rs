//! Figures, from random histories and by the calendar.

mod calendar;
mod histories;
mod naive;
mod support;
