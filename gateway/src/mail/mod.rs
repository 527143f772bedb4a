//! E-mail: letters to people, written in their language, sent by a job.
//!
//! [`enqueue`] seals a [`Letter`] into a job of the caller's transaction, so that it is sent if, and only if, that is committed. What is in
//! a letter (a link that resets a password) stands encrypted in the database, and not at all once it was sent. Links only lead to
//! `public_url`.

mod model;
mod render;
mod service;
mod transport;
mod words;

pub use model::{Language, Letter, Notice, Template};
pub use render::{Rendered, render};
pub use service::{KIND, MailError, enqueue, handler};
pub use transport::{MailConfig, SmtpServer, Transport};
