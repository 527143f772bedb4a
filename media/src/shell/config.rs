//! What the caller says: where to listen, how much to buffer, what to record.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use crate::file::{Disk, Storage};

/// How [`Media`](crate::Media) listens and how much it may hold.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// UDP addresses, one receiving thread each. One is enough for thousands of streams; port 0 takes a free one.
    ///
    /// Keep them fixed in production: a restarted process that binds the same port goes on receiving the streams of
    /// the calls that outlived it.
    pub listen: Vec<SocketAddr>,
    /// Receive buffer asked of the kernel for each socket, in bytes. The kernel may give less (`net.core.rmem_max`).
    pub receive_buffer: usize,
    /// Audio of one recording that may wait for the disk, in bytes (32,000 bytes are one second). Past it, audio is
    /// replaced by silence of the same length and counted.
    pub buffer_per_recording: usize,
    /// Threads that write files. More are started when these are stuck, see [`max_writers`](Self::max_writers).
    pub writers: usize,
    /// Upper bound of writer threads while some of them wait for a frozen file.
    pub max_writers: usize,
    /// Where files live. [`Disk`] unless a test wants a disk that fails or freezes at will.
    pub storage: Arc<dyn Storage>,
}

impl MediaConfig {
    /// The defaults, listening on one address: 4 MiB socket buffer, 1 MiB (about 32 s) of audio per recording,
    /// 2 to 8 writer threads.
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen: vec![listen],
            receive_buffer: 4 << 20,
            buffer_per_recording: 1 << 20,
            writers: 2,
            max_writers: 8,
            storage: Arc::new(Disk),
        }
    }
}

/// One recording: two RTP streams, told apart by their source address, into one stereo file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingSpec {
    /// The caller's name for it.
    pub id: Uuid,
    /// The final file, `….wav`. While recording it is `….wav.part`, with `….wav.part.json` beside it.
    pub path: PathBuf,
    /// Source of the stream that goes to the **left** channel (for Asterisk: `UNICASTRTP_LOCAL_ADDRESS/PORT` of the
    /// external-media channel).
    pub agent: SocketAddr,
    /// Source of the stream that goes to the **right** channel.
    pub customer: SocketAddr,
    /// Go on with the `.part` that an earlier process left behind, with silence for the time between. Without such a
    /// file a new recording is begun.
    pub resume: bool,
}
