//! Conversations: calls and messages of one contact over one channel, in one list.

mod model;
pub mod sla;

pub use model::{
    Assignee, AttachmentState, AttachmentView, Author, AuthorType, Channel, ContactShort, Conversation, Direction,
    FailureView, Label, MessageState, MessageView, Preview, Reaction, SlaView, State,
};
