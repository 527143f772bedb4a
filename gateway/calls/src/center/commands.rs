//! What people ask of a running call.

use trunkline_db::{AgentId, QueueId};

/// How a call is handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// Who hands it on is gone at once.
    Blind,
    /// Who hands it on asks first.
    Attended,
}

/// To whom a call is handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferTo {
    /// An agent.
    Agent(AgentId),
    /// Whoever serves a queue.
    Queue(QueueId),
    /// Somebody outside: the number as it was typed.
    Number(String),
}

/// How an attended transfer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferStep {
    /// The other takes the call.
    Complete,
    /// Talk to the other one of the two.
    Swap,
    /// All three talk.
    Merge,
    /// The call stays where it was.
    Cancel,
}

/// How a supervisor takes part in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuperviseMode {
    /// Hears all, and is heard by nobody.
    Listen,
    /// Hears all, and is heard by the agent alone.
    Whisper,
    /// Talks with all of them.
    Barge,
}

/// The phone on which somebody wants to take part. One that is named answers by itself: who asks has it in their hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum OnPhone {
    /// All of theirs ring.
    #[default]
    Any,
    /// The one with this user name.
    This(String),
    /// The same where it can ring; else all of theirs ring.
    Rather(String),
}

/// What somebody asks of a running call. The first seven are for who talks in it, or who sees all, for who is responsible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Let the other side wait.
    Hold,
    /// Talk to them again.
    Resume,
    /// Let nobody hear me.
    Mute,
    /// Let them hear me again.
    Unmute,
    /// Send these tones to the other side: 1 to 32 of `0-9A-D*#`.
    Dtmf(String),
    /// Record silence from now on.
    PauseRecording,
    /// Record what is said again.
    ResumeRecording,
    /// Let me hear the call; asked again, the mode changes.
    Supervise(SuperviseMode, OnPhone),
    /// I have heard enough.
    EndSupervision,
    /// Let me take the call over from the agent.
    TakeOver(OnPhone),
    /// Let it wait in another queue.
    Move(QueueId),
}
