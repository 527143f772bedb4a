//! The gateway's side of Asterisk: what its events mean for call control, how a request is sent, which phones it has to
//! know, and the directory of who can be called.

pub(crate) mod barring;
pub(crate) mod directory_store;
pub(crate) mod endpoints;
mod line;
pub(crate) mod manager;
pub(crate) mod message_light;
pub(crate) mod missed;
pub(crate) mod peers;
pub(crate) mod phones;
pub(crate) mod registrations;
pub(crate) mod requests;
pub(crate) mod translate;
pub(crate) mod trunks;
