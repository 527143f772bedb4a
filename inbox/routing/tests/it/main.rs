//! The rules of routing as sentences, as properties over random histories, and against a naive router.

mod agents;
mod ending;
mod floor;
mod histories;
mod reference;
mod ringing;
mod serving;
