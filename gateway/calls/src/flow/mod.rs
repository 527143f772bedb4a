//! Flows: what a caller hears and chooses before somebody speaks with them, as data.
//!
//! [`model`] is what people draw and publish, [`check`](fn@check) says what is wrong with it, [`walk`] is one caller's way through it, and [`simulate`]
//! walks one without a caller. The same code decides for a real call and for a simulated one.

mod check;
pub mod model;
mod parts;
mod say;
pub mod simulate;
mod template;
pub mod walk;

pub use check::{Fault, Known, Severity, check};
pub use model::Flow;
pub use walk::Walk;

#[cfg(test)]
mod tests;
