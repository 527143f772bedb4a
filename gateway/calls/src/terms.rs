//! What call control and everybody who speaks with it have in common: agents' states, phones, and why a command fails.

use serde::{Deserialize, Serialize};
use trunkline_db::{AgentId, DeviceId, Secret, TenantId};
use trunkline_dialing::Rule;

/// Whether an agent wants work. What the agent is doing (ringing, on a call) is the call centre's own knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Takes offers.
    Available,
    /// Signed in, takes none for now.
    Paused,
    /// Not at work.
    Offline,
}

/// What kind of phone it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// A phone on a desk, or a program like one: SIP over UDP or TCP, plain RTP.
    Desk,
    /// A browser: SIP over WebSocket, WebRTC.
    Softphone,
}

/// A phone as Asterisk has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryDevice {
    /// The device's id.
    pub id: DeviceId,
    /// Whose device it is.
    pub tenant: TenantId,
    /// The agent whose calls ring here.
    pub agent: AgentId,
    /// SIP user name, the same as the PJSIP endpoint's, auth's and aor's name.
    pub username: String,
    /// Hex MD5 of `username:realm:password` (RFC 7616 §3.4.2); the password itself is nowhere.
    pub ha1: Secret,
    /// What kind of phone it is.
    pub kind: DeviceKind,
}

/// Why a command on a call could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallCommandError {
    /// No running call of this tenant has that id.
    #[error("no such running call")]
    NotFound,
    /// Not in the state that the call is in: nobody talks in it, or somebody is being asked already.
    #[error("not now: nobody talks in this call, or it is being handed on already")]
    NotNow,
    /// There is no such agent or queue.
    #[error("there is nobody of that kind to hand it to")]
    NoSuchTarget,
    /// No phone of theirs is signed in.
    #[error("no phone of that agent is signed in")]
    TargetAway,
    /// They have a call in hand.
    #[error("that agent is busy")]
    TargetBusy,
    /// The phone that was to ring is not signed in.
    #[error("this browser's phone is not signed in")]
    PhoneAway,
    /// The number may not be called.
    #[error(transparent)]
    NotDialled(#[from] DialRefusal),
    /// The call centre is shutting down.
    #[error("call control is not running")]
    Unavailable,
}

/// Why an agent's call was not begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialRefusal {
    /// A rule denies it.
    #[error("{words}")]
    Denied {
        /// Which.
        rule: Rule,
        /// The same in words.
        words: String,
    },
    /// Who asks is no agent of the tenant.
    #[error("only agents call")]
    NoAgent,
    /// None of the agent's phones can ring.
    #[error("none of the agent's phones is signed in")]
    PhoneAway,
    /// The agent is on a call already.
    #[error("the agent is on a call")]
    OnACall,
    /// The tenant has no trunk to the outside world.
    #[error("no trunk leads to the outside world")]
    NoTrunk,
    /// The tenant has used up its minutes.
    #[error("the minutes of this month are used up")]
    Spent,
    /// No such queue of the tenant's.
    #[error("no such queue")]
    NoQueue,
    /// No such agent of the tenant's.
    #[error("no such colleague")]
    NoColleague,
    /// The colleague has a call in hand.
    #[error("that colleague is on a call")]
    ColleagueBusy,
    /// No phone of the colleague's is signed in.
    #[error("no phone of that colleague is signed in")]
    ColleagueAway,
    /// The record could not be written, and nobody is called without one.
    #[error("the call could not be recorded in the database")]
    NotWritten,
    /// Call control is not running, or Asterisk is away.
    #[error("call control is not running")]
    Unavailable,
}
