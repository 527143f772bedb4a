//! What a number is, and what may be called.

mod deciding;
mod histories;
mod numbers;
