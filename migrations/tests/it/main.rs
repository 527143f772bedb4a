//! The schema against a real PostgreSQL.

mod catalogue;
mod isolation;
mod journal_functions;
mod migrations;
mod support;
