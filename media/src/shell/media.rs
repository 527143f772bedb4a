//! [`Media`]: the handle.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::sync::broadcast;
use uuid::Uuid;

use super::{Event, MediaConfig, RecordingSpec, Started};
use crate::file::{Finished, WriteError};
use crate::stats::Stats;

/// The sockets could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// No address in [`MediaConfig::listen`].
    #[error("no address to listen on")]
    NoAddress,
    /// The socket of this address could not be opened (taken, not ours, not permitted).
    #[error("cannot receive RTP on {address}: {source}")]
    Socket {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a media thread: {0}")]
    Thread(io::Error),
}

/// A recording could not be begun. Nothing is left behind but what was there before.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A recording of this id is running.
    #[error("recording {0} is running already")]
    AlreadyRecording(Uuid),
    /// Another recording takes its audio from this address, or both sides were given the same one.
    #[error("the stream from {0} belongs to another recording")]
    SourceTaken(SocketAddr),
    /// The file, or its `.part`, exists already and `resume` was not asked for.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The file cannot be created, read or locked.
    #[error(transparent)]
    File(#[from] WriteError),
    /// [`Media`] is closed.
    #[error("media is closed")]
    Closed,
}

/// A recording could not be brought to its end.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// No recording of this id is running.
    #[error(transparent)]
    Unknown(#[from] NoSuchRecording),
    /// Writing had failed before, or failed now.
    #[error("recording failed after {duration_ms} ms: {error}")]
    Failed {
        /// Why.
        error: WriteError,
        /// The file that holds what was written until then.
        kept: PathBuf,
        /// Its length in ms.
        duration_ms: u64,
    },
    /// [`Media`] is closed.
    #[error("media is closed")]
    Closed,
}

/// No recording of this id is running here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no recording {0} is running")]
pub struct NoSuchRecording(pub Uuid);

/// Receives RTP and writes recordings. Cheap to clone; the last clone's drop stops it at once, leaving `.part` files
/// that a later `start` with `resume` continues ([`close`](Self::close) does the same without losing what is in
/// flight).
#[derive(Debug, Clone)]
pub struct Media {}

impl Media {
    /// Binds the sockets and starts the threads. Needs no async runtime; receiving has threads of its own, so that a
    /// busy caller cannot delay it.
    pub fn bind(config: MediaConfig) -> Result<Self, BindError> {
        let _ = config;
        todo!()
    }

    /// The address of the first socket.
    pub fn local_addr(&self) -> SocketAddr {
        todo!()
    }

    /// The address that both streams of this recording must be sent to. With one socket always
    /// [`local_addr`](Self::local_addr); with several, the same id has the same one in every process with the same
    /// configuration.
    pub fn address_for(&self, id: Uuid) -> SocketAddr {
        let _ = id;
        todo!()
    }

    /// What happens to recordings from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        todo!()
    }

    /// Begins or (with `spec.resume`) continues a recording; answers once its file is open. Audio counts from the
    /// call on, also while the disk is slow; packets that came from these sources up to 1 s before are in it too.
    pub async fn start(&self, spec: RecordingSpec) -> Result<Started, StartError> {
        let _ = spec;
        todo!()
    }

    /// Ends a recording now: writes what waits, sets the header right, syncs, renames to the final name.
    ///
    /// Waits for the disk. Dropping the future abandons only the answer.
    pub async fn finish(&self, id: Uuid) -> Result<Finished, FinishError> {
        let _ = id;
        todo!()
    }

    /// From now until [`resume`](Self::resume) the file holds silence on both sides, listed as a gap.
    pub async fn pause(&self, id: Uuid) -> Result<(), NoSuchRecording> {
        let _ = id;
        todo!()
    }

    /// Ends a pause. Without one it does nothing.
    pub async fn resume(&self, id: Uuid) -> Result<(), NoSuchRecording> {
        let _ = id;
        todo!()
    }

    /// Counters since `bind` and gauges of this moment.
    pub fn stats(&self) -> Stats {
        todo!()
    }

    /// Stops receiving, writes what waits and leaves every running recording as a `.part` to be continued: for a
    /// planned restart.
    pub async fn close(&self) {
        todo!()
    }
}
