//! [`Media`]: the handle.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use tokio::runtime;
use tokio::sync::{broadcast, mpsc, oneshot};
use uuid::Uuid;

use super::worker::{Command, Worker};
use super::{Event, MediaConfig, RecordingSpec, Started, socket};
use crate::file::{Finished, WriteError};
use crate::recorder::millis;
use crate::stats::{Counters, Stats};
use crate::writer::{Gauges, Lane, OpenFile, Opened, Writers};

/// Events that wait for a slow listener.
const EVENTS: usize = 4_096;

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

/// A recording's streams could not be taken from elsewhere; they come from where they came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetargetError {
    /// No recording of this id is running.
    #[error(transparent)]
    Unknown(#[from] NoSuchRecording),
    /// Another recording takes its audio from this address, or both sides were given the same one.
    #[error("the stream from {0} belongs to another recording")]
    SourceTaken(SocketAddr),
}

/// No recording of this id is running here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no recording {0} is running")]
pub struct NoSuchRecording(pub Uuid);

/// Receives RTP and writes recordings. Cheap to clone; the last clone's drop stops it at once, as if the process had
/// died: `.part` files are left that a later `start` with `resume` continues ([`close`](Self::close) does the same
/// without losing what is in flight).
#[derive(Debug, Clone)]
pub struct Media(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: MediaConfig,
    receivers: Vec<Receiver>,
    writers: Writers,
    gauges: Arc<Gauges>,
    events: broadcast::Sender<Event>,
    /// Of the sockets, to find their drops.
    inodes: Vec<u64>,
}

/// A receiving thread, seen from here.
#[derive(Debug)]
struct Receiver {
    address: SocketAddr,
    /// `None` only while it is dropped.
    commands: Option<mpsc::UnboundedSender<Command>>,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
}

impl Media {
    /// Binds the sockets and starts the threads. Needs no async runtime; receiving has threads of its own, so that a
    /// busy caller cannot delay it.
    pub fn bind(config: MediaConfig) -> Result<Self, BindError> {
        if config.listen.is_empty() {
            return Err(BindError::NoAddress);
        }
        let writers = Writers::start(config.writers, config.max_writers).map_err(BindError::Thread)?;
        let mut inner = Inner {
            receivers: Vec::new(),
            writers,
            gauges: Arc::default(),
            events: broadcast::channel(EVENTS).0,
            inodes: Vec::new(),
            config,
        };
        for &address in &inner.config.listen {
            let socket = socket::bind(address, inner.config.receive_buffer)
                .map_err(|source| BindError::Socket { address, source })?;
            inner.inodes.extend(socket::inode(&socket));
            inner.receivers.push(Receiver::start(address, socket, inner.writers.clone())?);
        }
        Ok(Self(Arc::new(inner)))
    }

    /// The address of the first socket.
    pub fn local_addr(&self) -> SocketAddr {
        self.0.receivers[0].address
    }

    /// The address that both streams of this recording must be sent to. With one socket always
    /// [`local_addr`](Self::local_addr); with several, the same id has the same one in every process with the same
    /// configuration.
    pub fn address_for(&self, id: Uuid) -> SocketAddr {
        self.receiver(id).address
    }

    /// What happens to recordings from now on. A receiver that falls 4,096 events behind is told that it has.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Begins or (with `spec.resume`) continues a recording; answers once its file is open. Audio counts from the
    /// call on, also while the disk is slow; packets that came from these sources up to 1 s before are in it too.
    ///
    /// Dropping the future leaves open whether it was begun; [`finish`](Self::finish) tells.
    pub async fn start(&self, spec: RecordingSpec) -> Result<Started, StartError> {
        let id = spec.id;
        let lane = Arc::new(Lane::new(
            id,
            spec.path.clone(),
            Arc::clone(&self.0.config.storage),
            self.0.config.buffer_per_recording,
            Arc::clone(&self.0.gauges),
            self.0.events.clone(),
        ));
        if spec.resume && self.knows(id).await? {
            return Err(StartError::AlreadyRecording(id));
        }
        let left_behind = if spec.resume { self.open_left_behind(&lane).await? } else { None };
        let resumed_after_ms = left_behind.as_ref().map(|opened| millis(opened.frames));
        let lane = match resumed_after_ms {
            // A lane whose opening failed is over.
            None if spec.resume => Arc::new(lane.again()),
            _ => lane,
        };
        let (reply, begun) = oneshot::channel();
        let begin = Command::Begin { spec, lane: Arc::clone(&lane), opened: left_behind.map(Box::new), reply };
        let begun = match self.ask(id, begin) {
            Ok(()) => begun.await.unwrap_or(Err(StartError::Closed)),
            Err(Closed) => Err(StartError::Closed),
        };
        let (beginning, paused) = begun.inspect_err(|_| lane.abandon())?;
        if resumed_after_ms.is_none()
            && let Err(error) = self.open(&lane, OpenFile::New).await
        {
            // Not asked for an answer: a closed Media has forgotten it already.
            let _ = self.ask(id, Command::Forget { id });
            return Err(error);
        }
        let started = Started { started_at: beginning.wall_time(), resumed_after_ms, paused };
        let _ = self.0.events.send(Event::Started { id, started });
        Ok(started)
    }

    /// Ends a recording now: writes what waits, sets the header right, syncs, renames to the final name.
    ///
    /// Waits for the disk. Dropping the future abandons only the answer.
    pub async fn finish(&self, id: Uuid) -> Result<Finished, FinishError> {
        let (reply, finished) = oneshot::channel();
        self.ask(id, Command::Finish { id, reply }).map_err(|Closed| FinishError::Closed)?;
        finished.await.unwrap_or(Err(FinishError::Closed))
    }

    /// From now on a running recording's streams come from these addresses: its taps were set up anew. It goes on in its
    /// file; what was not received meanwhile is silence. Packets that came from there up to 1 s before are in it.
    pub async fn retarget(&self, id: Uuid, agent: SocketAddr, customer: SocketAddr) -> Result<(), RetargetError> {
        let (reply, done) = oneshot::channel();
        self.ask(id, Command::Retarget { id, agent, customer, reply }).map_err(|Closed| NoSuchRecording(id))?;
        done.await.unwrap_or(Err(NoSuchRecording(id).into()))
    }

    /// From now until [`resume`](Self::resume) the file holds silence on both sides, listed as a gap.
    pub async fn pause(&self, id: Uuid) -> Result<(), NoSuchRecording> {
        let (reply, done) = oneshot::channel();
        self.ask(id, Command::Pause { id, reply }).map_err(|Closed| NoSuchRecording(id))?;
        done.await.unwrap_or(Err(NoSuchRecording(id)))
    }

    /// Ends a pause. Without one it does nothing.
    pub async fn resume(&self, id: Uuid) -> Result<(), NoSuchRecording> {
        let (reply, done) = oneshot::channel();
        self.ask(id, Command::EndPause { id, reply }).map_err(|Closed| NoSuchRecording(id))?;
        done.await.unwrap_or(Err(NoSuchRecording(id)))
    }

    /// Counters since `bind` and gauges of this moment. Reads a small file of `/proc`.
    pub fn stats(&self) -> Stats {
        let mut stats = Stats {
            socket_drops: socket::drops(&self.0.inodes),
            failed: self.0.gauges.failed.load(Ordering::Relaxed),
            buffered_bytes: self.0.gauges.buffered.load(Ordering::Relaxed),
            writer_threads: self.0.writers.threads() as u64,
            ..Stats::default()
        };
        for receiver in &self.0.receivers {
            receiver.counters.add_to(&mut stats);
        }
        stats
    }

    /// Writes what waits and leaves every running recording as a `.part` to be continued: for a planned restart.
    /// Waits for the disk.
    pub async fn close(&self) {
        for receiver in &self.0.receivers {
            let (reply, parked) = oneshot::channel();
            if receiver.ask(Command::ParkAll { reply }).is_ok() {
                for parked in parked.await.unwrap_or_default() {
                    // An error means that the lane is gone, and its file with it.
                    let _ = parked.await;
                }
            }
        }
    }

    async fn knows(&self, id: Uuid) -> Result<bool, StartError> {
        let (reply, known) = oneshot::channel();
        self.ask(id, Command::Knows { id, reply }).map_err(|Closed| StartError::Closed)?;
        known.await.map_err(|_| StartError::Closed)
    }

    /// `None` if no process has left such a file behind.
    async fn open_left_behind(&self, lane: &Arc<Lane>) -> Result<Option<Opened>, StartError> {
        match self.open(lane, OpenFile::LeftBehind).await {
            Ok(opened) => Ok(Some(opened)),
            Err(StartError::File(WriteError::NotFound { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn open(&self, lane: &Arc<Lane>, how: OpenFile) -> Result<Opened, StartError> {
        let (reply, opened) = oneshot::channel();
        if lane.open(how, reply) {
            self.0.writers.schedule(lane);
        }
        match opened.await {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(WriteError::Exists { path })) => Err(StartError::Exists(path)),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(StartError::Closed),
        }
    }

    fn receiver(&self, id: Uuid) -> &Receiver {
        // The same place in every process, whatever kind of id it is.
        let place = id.as_u128() % self.0.receivers.len() as u128;
        &self.0.receivers[place as usize]
    }

    fn ask(&self, id: Uuid, command: Command) -> Result<(), Closed> {
        self.receiver(id).ask(command)
    }
}

/// The receiving thread has ended.
#[derive(Debug)]
struct Closed;

impl Receiver {
    fn start(asked: SocketAddr, socket: UdpSocket, writers: Writers) -> Result<Self, BindError> {
        let refused = |source| BindError::Socket { address: asked, source };
        let address = socket.local_addr().map_err(refused)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(BindError::Thread)?;
        let socket = {
            let _entered = runtime.enter();
            tokio::net::UdpSocket::from_std(socket).map_err(refused)?
        };
        let counters = Arc::new(Counters::default());
        let worker = Worker::new(writers, Arc::clone(&counters));
        let (commands, asked) = mpsc::unbounded_channel();
        let thread = thread::Builder::new()
            .name("media-rtp".to_owned())
            .spawn(move || runtime.block_on(worker.run(socket, asked)))
            .map_err(BindError::Thread)?;
        Ok(Self { address, commands: Some(commands), counters, thread: Some(thread) })
    }

    fn ask(&self, command: Command) -> Result<(), Closed> {
        self.commands.as_ref().and_then(|commands| commands.send(command).ok()).ok_or(Closed)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // The thread ends with its commands, and never waits for a disk: afterwards the port is free.
        self.commands = None;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!(address = %self.address, "a receiving thread had panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.receivers.clear();
        self.writers.close();
    }
}
