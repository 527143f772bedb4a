//! Who is who.

mod deciding;
mod identities;
mod merging;
mod meeting;
mod phones;
mod support;
