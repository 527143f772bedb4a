//! What the API shows of a recording.

use chrono::{DateTime, Utc};
use serde::Serialize;
use trunkline_db::{CallId, RecordingId};

/// The stereo recording of a call: left channel the agent, right the customer.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Recording {
    /// The recording.
    #[schema(value_type = uuid::Uuid)]
    pub id: RecordingId,
    /// Its call.
    #[schema(value_type = uuid::Uuid)]
    pub call_id: CallId,
    /// `recording`, `ready` or `failed`.
    pub state: String,
    /// The agent's answer.
    pub started_at: DateTime<Utc>,
    /// The end.
    pub ended_at: Option<DateTime<Utc>>,
    /// Length in ms, once it is ready.
    pub duration_ms: Option<i64>,
    /// Size of the WAV file in bytes, once it is ready.
    pub bytes: Option<i64>,
    /// Stretches of silence that stand for audio nobody received: `[{"from_ms","to_ms","reason"}]`.
    #[schema(value_type = Vec<RecordingGap>)]
    pub gaps: serde_json::Value,
    /// Packets that never came; each is 20 ms concealed.
    pub lost_packets: i64,
    /// What went wrong, when it failed.
    pub error: Option<String>,
}

/// Silence that stands for audio nobody received.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[allow(dead_code)] // The shape of stored JSON, named for the OpenAPI document.
pub(super) struct RecordingGap {
    /// Begin, in ms from the start of the recording.
    pub from_ms: u64,
    /// End, in ms from the start of the recording.
    pub to_ms: u64,
    /// Why.
    pub reason: String,
}
