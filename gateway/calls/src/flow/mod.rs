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
mod texts;
pub mod walk;

pub use check::{Fault, Known, Severity, check};
pub(crate) use check::{is_language, say_fault};
pub use model::Flow;
pub(crate) use say::spoken;
pub use walk::Walk;

/// The variables that a flow looks at.
pub fn reads(flow: &Flow) -> impl Iterator<Item = &str> {
    flow.nodes.iter().flat_map(|node| {
        let texts = node.action.templates();
        let filled = texts.into_iter().flat_map(|(_, text)| template::variables(text)).collect::<Vec<_>>();
        filled.into_iter().chain(node.action.looks_at())
    })
}

#[cfg(test)]
mod tests;
