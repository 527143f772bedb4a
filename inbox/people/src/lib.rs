//! Who is this: what people are known by, which contacts are one person, and why.

mod seen;

pub use seen::{Evidence, Resolved, Seen};
