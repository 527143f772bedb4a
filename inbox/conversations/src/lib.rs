//! Conversations: calls and messages of one contact over one channel, in one list.
//!
//! - [`list`] is what is read: pages of somebody's list, and how a conversation looks.
//! - [`change::touch`] is the one place where a conversation changes: it raises the version and gives the event.
//! - [`messages`] writes messages, and what they do to their conversation.
//! - [`send`] brings ours to their provider.
//! - [`receive()`] turns what a provider told into rows and events, exactly once.

pub mod change;
mod change_store;
pub mod commands;
mod commands_store;
pub mod compose;
pub mod list;
mod list_store;
pub mod messages;
mod messages_store;
mod model;
pub mod receive;
pub mod rules;
pub mod send;
pub mod words;

pub use change::{Actor, Change, What, touch};
pub use model::{
    Assignee, AttachmentState, AttachmentView, Author, AuthorType, Channel, ContactShort, Conversation, Direction,
    FailureView, Label, MessageState, MessageView, Preview, Reaction, SlaView, State,
};
pub use receive::{Account, Received, Rules, Shown, receive};
