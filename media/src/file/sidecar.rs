//! What lies beside a recording while it runs, so that another process can go on with it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Gap;
use crate::clock::Beginning;
use crate::recorder::Anchor;

/// Content of `….wav.part.json`. It is written seldom (at the beginning, when a stream is tied anew, at gaps and pauses,
/// once a minute) and replaced as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sidecar {
    /// Of this format.
    pub(crate) version: u32,
    /// The recording.
    pub(crate) id: Uuid,
    /// When its first frame was.
    pub(crate) beginning: Beginning,
    /// Where the agent's stream lies.
    #[serde(default)]
    pub(crate) agent: Option<Anchor>,
    /// Where the customer's stream lies.
    #[serde(default)]
    pub(crate) customer: Option<Anchor>,
    /// Gaps until then.
    #[serde(default)]
    pub(crate) gaps: Vec<Gap>,
    /// The frame since which it is paused.
    #[serde(default)]
    pub(crate) paused_since: Option<u64>,
    /// RTP packets lost until then.
    #[serde(default)]
    pub(crate) lost_packets: u64,
    /// Frames dropped because of the disk until then.
    #[serde(default)]
    pub(crate) dropped_frames: u64,
}

impl Sidecar {
    /// The version that is written and understood.
    pub(crate) const VERSION: u32 = 1;

    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("plain data with string keys is always JSON")
    }

    /// `None` for what is not a sidecar of a version that is understood.
    pub(crate) fn from_json(json: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(json).ok().filter(|sidecar| sidecar.version == Self::VERSION)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::file::GapReason;

    fn sidecar() -> Sidecar {
        Sidecar {
            version: Sidecar::VERSION,
            id: Uuid::nil(),
            beginning: Beginning::before_now(Duration::ZERO),
            agent: Some(Anchor { ssrc: 1, timestamp: 2, position: 3 }),
            customer: None,
            gaps: vec![Gap { from_ms: 1, to_ms: 2, reason: GapReason::Outage }],
            paused_since: Some(7),
            lost_packets: 8,
            dropped_frames: 9,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let sidecar = sidecar();
        assert_eq!(Sidecar::from_json(&sidecar.to_json()), Some(sidecar));
    }

    #[test]
    fn another_version_is_not_understood() {
        let mut later = sidecar();
        later.version = 2;
        assert_eq!(Sidecar::from_json(&later.to_json()), None);
    }

    proptest! {
        #[test]
        fn damaged_files_are_refused_without_panic(cut in 0_usize..400, at in 0_usize..400, octet in any::<u8>()) {
            let mut json = sidecar().to_json();
            let length = json.len();
            json[at % length] = octet;
            json.truncate(cut);
            let _ = Sidecar::from_json(&json);
        }
    }
}
