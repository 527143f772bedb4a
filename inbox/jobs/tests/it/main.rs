//! Jobs against a real PostgreSQL.

mod claiming;
mod ending;
mod fairness;
mod histories;
mod keys;
mod nodes;
mod schedules;
mod size;
mod support;
