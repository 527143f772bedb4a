//! Sockets: everything that the session must not know.

pub(crate) mod connection;
pub(crate) mod dial;
pub(crate) mod http;
pub(crate) mod rest;
