//! What the rest of the gateway may ask of the running calls.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{AgentId, CallId, DeviceId, TenantId};

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

/// A desk phone as Asterisk has to know it.
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
    pub ha1: String,
}

/// Why a command on a call could not be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallCommandError {
    /// No running call of this tenant has that id.
    #[error("no such running call")]
    NotFound,
    /// The call centre is shutting down.
    #[error("call control is not running")]
    Unavailable,
}

/// Where the gateway stands with Asterisk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AsteriskStatus {
    /// `connecting`, `syncing`, `live`, `backoff` or `replaced`.
    pub state: &'static str,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Asterisk's version, once it told it.
    pub version: Option<String>,
    /// Why the last attempt failed, in words.
    pub detail: Option<String>,
}

/// A cheap handle to the running call centre.
#[derive(Debug, Clone)]
pub struct Handle {}

impl Handle {
    /// Hangs up both parties of a call.
    pub async fn hangup(&self, _tenant: TenantId, _call: CallId) -> Result<(), CallCommandError> {
        Err(CallCommandError::Unavailable)
    }

    /// Tells the router that an agent's state was changed (after the change was committed).
    pub fn agent_state_changed(&self, _tenant: TenantId, _agent: AgentId, _state: AgentState) {}

    /// Whether one of the agent's devices is registered with Asterisk.
    pub fn reachable(&self, _tenant: TenantId, _agent: AgentId) -> bool {
        false
    }

    /// Makes a phone known to Asterisk. Waits until Asterisk took it, for at most 2 s: past that, or while
    /// Asterisk is away, it is pushed as soon as Asterisk is there. Returns whether Asterisk has it.
    pub async fn push_device(&self, _device: DirectoryDevice) -> bool {
        false
    }

    /// Takes a phone from Asterisk.
    pub async fn remove_device(&self, _username: &str) {}

    /// Where the gateway stands with Asterisk.
    pub fn asterisk_status(&self) -> AsteriskStatus {
        AsteriskStatus { state: "connecting", since: Utc::now(), version: None, detail: None }
    }
}
