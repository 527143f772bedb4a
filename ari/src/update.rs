//! What a session tells its owner.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::model::{Application, AsteriskInfo, Bridge, Channel, ChannelState};

/// One thing that a session tells, in order.
///
/// At each connect: `State(Connecting)`, `State(Syncing)`, `Gap` (not at the first), `Snapshot`, `Resynced` for each
/// difference from what the session knew, the events that came meanwhile and are not in the snapshot, `State(Live)`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Update {
    /// The session's state changed.
    State(State),
    /// One event.
    Event(Box<Event>),
    /// Events of this time were lost. What changed follows as `Resynced`; what only happened (a key pressed, a playback
    /// finished) cannot be had again.
    Gap(Gap),
    /// What Asterisk holds now.
    Snapshot(Box<Snapshot>),
    /// One difference between what the session knew and the snapshot.
    Resynced(Resynced),
}

/// Where a session stands.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// Opening the socket; a session that Asterisk calls waits for it here.
    Connecting,
    /// The socket is open, the snapshot is being fetched.
    Syncing,
    /// Everything that is known is current.
    Live,
    /// The connection failed or was lost.
    Backoff {
        /// When the next attempt is made.
        retry_in: Duration,
        /// Why.
        failure: Failure,
    },
    /// Another connection registered the application. The session does not fight for it; see
    /// [`crate::Updates::take_over`].
    Replaced {
        /// The application.
        application: String,
    },
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Failure {
    /// 401: wrong user name or password in `ari.conf`'s eyes.
    #[error("Asterisk refused the user name or password")]
    Unauthorized,
    /// The handshake was answered with another status than 101.
    #[error("Asterisk answered the handshake with status {status}")]
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// Nobody listens, no route, reset …
    #[error("cannot connect: {reason}")]
    Unreachable {
        /// What the system says.
        reason: String,
    },
    /// The connection was open and is not any more.
    #[error("connection lost: {reason}")]
    Lost {
        /// What is known of it.
        reason: String,
    },
    /// No frame came, not even the answer to a PING.
    #[error("no frame within {} s", .after.as_secs())]
    Silent {
        /// How long.
        after: Duration,
    },
    /// The socket is open and answers, but the application's events do not come: Asterisk does not count it as registered.
    #[error("Asterisk does not send the application's events, though the connection is open")]
    Deaf,
    /// The snapshot could not be fetched.
    #[error("cannot fetch the snapshot: {reason}")]
    Snapshot {
        /// Why not.
        reason: String,
    },
}

/// A time whose events were lost. By this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Up to here nothing was lost.
    pub from: DateTime<Utc>,
    /// From here on nothing is lost.
    pub to: DateTime<Utc>,
}

/// What one Asterisk held when a session connected. The parts are fetched one after another; the events that fell in
/// between follow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Version, entity id, start time.
    pub info: AsteriskInfo,
    /// All channels, also those of no application.
    pub channels: Vec<Channel>,
    /// All bridges.
    pub bridges: Vec<Bridge>,
    /// All applications with their subscriptions.
    pub applications: Vec<Application>,
    /// Asterisk's time before anything of this was read.
    #[serde(default)]
    pub read_from: Option<DateTime<Utc>>,
    /// Asterisk's time after all of it was read.
    #[serde(default)]
    pub read_until: Option<DateTime<Utc>>,
}

impl Snapshot {
    /// When this Asterisk was started; a change means that channels, bridges and objects of a memory wizard are gone.
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        self.info.status.as_ref()?.startup_time
    }
}

/// One difference between what a session knew before it lost events and what Asterisk holds now.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Resynced {
    /// It is another process than before.
    AsteriskRestarted {
        /// Start of the one that was known.
        before: DateTime<Utc>,
        /// Start of this one.
        now: DateTime<Utc>,
    },
    /// A channel that was known is gone. Its cause is not known.
    ChannelGone {
        /// Its id.
        id: String,
        /// Its name, e.g. `PJSIP/demo-trunk-00000001`.
        name: String,
        /// The last state that was known.
        state: ChannelState,
    },
    /// A channel is there that was not known.
    ChannelNew(Box<Channel>),
    /// A known channel is in another state.
    ChannelStateChanged {
        /// The channel as it is now.
        channel: Box<Channel>,
        /// The state that was known.
        before: ChannelState,
    },
    /// A bridge that was known is gone.
    BridgeGone {
        /// Its id.
        id: String,
        /// The channels that were known to be in it.
        channels: Vec<String>,
    },
    /// A bridge is there that was not known. Its channels are in it; no `BridgeEntered` follows for them.
    BridgeNew(Box<Bridge>),
    /// A channel is in a known bridge and was not.
    BridgeEntered {
        /// The bridge.
        bridge_id: String,
        /// The channel.
        channel_id: String,
    },
    /// A channel is not in a known bridge any more.
    BridgeLeft {
        /// The bridge.
        bridge_id: String,
        /// The channel.
        channel_id: String,
    },
    /// An application is there that was not known.
    ApplicationNew(Box<Application>),
    /// An application's subscriptions or filters are not what was known.
    ApplicationChanged(Box<Application>),
    /// An application that was known is gone.
    ApplicationGone {
        /// Its name.
        name: String,
    },
}

/// Counts since the session began. None of them ever falls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Text frames.
    pub frames: u64,
    /// Events delivered, those of unknown kind too.
    pub events: u64,
    /// Events whose name or shape is not known; delivered as [`Event::Unknown`].
    pub unknown: u64,
    /// Frames that were no JSON object with a `type`. Kept in the log, otherwise skipped.
    pub malformed: u64,
    /// Held events that the snapshot told already.
    pub deduplicated: u64,
    /// Frames dropped because nobody took them in time, and events held by a synchronisation that was cut off. A gap
    /// covers each of them.
    pub dropped: u64,
    /// Times that frames had to be dropped; each was answered with a gap and a resynchronisation.
    pub overflows: u64,
    /// Sockets opened.
    pub connects: u64,
    /// Attempts that failed, connections that were lost, and snapshots that could not be fetched.
    pub failures: u64,
    /// Times that the connection was given up because no frame came.
    pub silences: u64,
    /// Times that the connection was given up because an event that the session had sent itself did not come back.
    pub deaf: u64,
}
