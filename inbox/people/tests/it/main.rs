//! Who is who.

mod deciding;
mod identities;
mod meeting;
mod merging;

mod phones;
mod support;
