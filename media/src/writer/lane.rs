//! What one recording has for the disk.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, oneshot};
use uuid::Uuid;

use crate::file::{Finished, Gap, PartFile, Sidecar, Storage, WriteError, part_path, sidecar_path};
use crate::recorder::{LATENCY, millis};
use crate::rtp::StreamReport;
use crate::shell::{Event, FinishError};

/// Frames in one piece (16 KiB, half a second); with the first full piece the lane has something to write.
const PIECE: usize = 4_096;
/// Octets of a frame.
const FRAME: usize = 4;
/// Empty pieces kept for reuse.
const SPARE: usize = 4;

/// Sums over all lanes, for metrics.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// Audio that waits for the disk, in bytes.
    pub(crate) buffered: AtomicU64,
    /// Recordings that failed.
    pub(crate) failed: AtomicU64,
}

/// What became of frames that were handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// They will be written.
    Whole,
    /// The buffer is full; silence of their length will be written.
    AsSilence,
    /// The recording has failed; nothing more will be written.
    Not,
}

/// How to open the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenFile {
    /// A new one.
    New,
    /// The one that an earlier process left behind.
    LeftBehind,
}

/// What was found in the file.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Frames in it.
    pub(crate) frames: u64,
    /// How long ago its first frame was.
    pub(crate) age: Duration,
    /// The sidecar, where there was a sound one.
    pub(crate) sidecar: Option<Sidecar>,
}

/// What the timeline knows at the end.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) started_at: SystemTime,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) lost_packets: u64,
    pub(crate) dropped_ms: u64,
    pub(crate) agent: StreamReport,
    pub(crate) customer: StreamReport,
}

/// How it ends, after all frames are written.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Under its final name.
    Finish(Box<Summary>, oneshot::Sender<Result<Finished, FinishError>>),
    /// As a `.part`, to be continued.
    Park(oneshot::Sender<()>),
}

/// The hand-off of one recording.
#[derive(Debug)]
pub(crate) struct Lane {
    id: Uuid,
    path: PathBuf,
    storage: Arc<dyn Storage>,
    /// Most audio that may wait, in bytes.
    limit: usize,
    gauges: Arc<Gauges>,
    events: broadcast::Sender<Event>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<(OpenFile, oneshot::Sender<Result<Opened, WriteError>>)>,
    pieces: VecDeque<Piece>,
    /// Audio in pieces, those being written included, in bytes.
    buffered: usize,
    /// There was no room; nothing is taken until half of it is free, so that a struggling disk gives one long gap and
    /// not many short ones.
    full: bool,
    sidecar: Option<Sidecar>,
    ending: Option<Ending>,
    /// Here unless a writer has it.
    file: Option<PartFile>,
    /// In the writers' queue, or in the hands of one.
    scheduled: bool,
    failure: Option<Failure>,
    abandoned: bool,
    spare: Vec<Vec<[i16; 2]>>,
}

#[derive(Debug)]
enum Piece {
    Audio(Vec<[i16; 2]>),
    Silence(u64),
}

/// Why and where writing ended.
#[derive(Debug, Clone)]
struct Failure {
    error: WriteError,
    kept: PathBuf,
    duration_ms: u64,
}

impl From<Failure> for FinishError {
    fn from(failure: Failure) -> Self {
        let Failure { error, kept, duration_ms } = failure;
        Self::Failed { error, kept, duration_ms }
    }
}

/// What a writer does next with a lane.
enum Work {
    Open(OpenFile, oneshot::Sender<Result<Opened, WriteError>>),
    Write(PartFile, VecDeque<Piece>, Option<Sidecar>),
    End(PartFile, Ending),
}

impl Lane {
    pub(crate) fn new(
        id: Uuid,
        path: PathBuf,
        storage: Arc<dyn Storage>,
        limit: usize,
        gauges: Arc<Gauges>,
        events: broadcast::Sender<Event>,
    ) -> Self {
        Self { id, path, storage, limit, gauges, events, state: Mutex::default() }
    }

    /// A fresh lane of the same recording.
    pub(crate) fn again(&self) -> Self {
        Self::new(
            self.id,
            self.path.clone(),
            Arc::clone(&self.storage),
            self.limit,
            Arc::clone(&self.gauges),
            self.events.clone(),
        )
    }

    /// Asks for the file to be opened. Frames may be handed over before and meanwhile. Says whether the lane is to be
    /// scheduled.
    pub(crate) fn open(&self, how: OpenFile, reply: oneshot::Sender<Result<Opened, WriteError>>) -> bool {
        let mut state = self.lock();
        state.open = Some((how, reply));
        state.schedule()
    }

    /// Takes frames over; says too whether the lane is to be scheduled.
    pub(crate) fn audio(&self, frames: &[[i16; 2]]) -> (Taken, bool) {
        let mut state = self.lock();
        if state.is_over() {
            return (Taken::Not, false);
        }
        let bytes = frames.len() * FRAME;
        if state.buffered + bytes > self.limit {
            state.full = true;
        } else if state.buffered <= self.limit / 2 {
            state.full = false;
        }
        if state.full {
            state.push_silence(frames.len() as u64);
            return (Taken::AsSilence, state.schedule());
        }
        state.buffered += bytes;
        self.gauges.buffered.fetch_add(bytes as u64, Ordering::Relaxed);
        match state.pieces.back_mut() {
            Some(Piece::Audio(piece)) if piece.len() + frames.len() <= PIECE => piece.extend_from_slice(frames),
            _ => {
                let mut piece = state.spare.pop().unwrap_or_else(|| Vec::with_capacity(PIECE));
                piece.extend_from_slice(frames);
                state.pieces.push_back(Piece::Audio(piece));
            }
        }
        let ready = state.buffered >= PIECE * FRAME && state.schedule();
        (Taken::Whole, ready)
    }

    /// Takes silence over, which needs no room; says whether the lane is to be scheduled.
    pub(crate) fn silence(&self, frames: u64) -> bool {
        let mut state = self.lock();
        if state.is_over() {
            return false;
        }
        state.push_silence(frames);
        state.schedule()
    }

    /// Replaces the sidecar; says whether the lane is to be scheduled.
    pub(crate) fn sidecar(&self, sidecar: Sidecar) -> bool {
        let mut state = self.lock();
        if state.is_over() {
            return false;
        }
        state.sidecar = Some(sidecar);
        state.schedule()
    }

    /// Ends the lane after what it holds; says whether it is to be scheduled.
    pub(crate) fn end(&self, ending: Ending) -> bool {
        let mut state = self.lock();
        if let Some(failure) = state.failure.clone() {
            drop(state);
            ending.fail(failure);
            return false;
        }
        state.ending = Some(ending);
        state.schedule()
    }

    /// Forgets what is not written yet and closes the file as soon as no writer has it: as if the process had died.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.abandoned = true;
        let (file, ending) = (state.file.take(), state.ending.take());
        self.empty(&mut state);
        drop(state);
        drop((file, ending));
    }

    /// Does what there is to do. Only one writer at a time has a lane.
    pub(crate) fn work(&self) {
        while let Some(work) = self.next() {
            match work {
                Work::Open(how, reply) => self.do_open(how, reply),
                Work::Write(file, pieces, sidecar) => self.do_write(file, pieces, sidecar),
                Work::End(file, ending) => self.do_end(file, ending),
            }
        }
    }

    fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        if state.abandoned {
            state.scheduled = false;
            return None;
        }
        if let Some((how, reply)) = state.open.take() {
            return Some(Work::Open(how, reply));
        }
        let busy = !state.pieces.is_empty() || state.sidecar.is_some();
        let wanted = busy || state.ending.is_some();
        let Some(file) = state.file.take_if(|_| wanted) else {
            state.scheduled = false;
            return None;
        };
        if busy {
            let pieces = std::mem::take(&mut state.pieces);
            return Some(Work::Write(file, pieces, state.sidecar.take()));
        }
        let ending = state.ending.take();
        drop(state);
        // `take_if` above has seen one of both.
        ending.map(|ending| Work::End(file, ending))
    }

    fn do_open(&self, how: OpenFile, reply: oneshot::Sender<Result<Opened, WriteError>>) {
        let opened = match how {
            OpenFile::New => PartFile::create(Arc::clone(&self.storage), &self.path)
                .map(|file| (file, Opened { frames: 0, age: Duration::ZERO, sidecar: None })),
            OpenFile::LeftBehind => self.open_left_behind(),
        };
        let answer = match opened {
            Ok((file, opened)) => {
                let mut state = self.lock();
                if !state.abandoned {
                    state.file = Some(file);
                }
                Ok(opened)
            }
            Err(error) => {
                self.fail(error.clone(), 0, true);
                Err(error)
            }
        };
        // Who asked may have gone; the lane's owner abandons it then.
        let _ = reply.send(answer);
    }

    fn open_left_behind(&self) -> Result<(PartFile, Opened), WriteError> {
        let part = part_path(&self.path);
        let modified = self.storage.modified(&part).map_err(|error| WriteError::from_io(&part, &error))?;
        let file = PartFile::open(Arc::clone(&self.storage), &self.path)?;
        let frames = file.frames();
        let sidecar = self.storage.read(&sidecar_path(&self.path)).ok().and_then(|json| Sidecar::from_json(&json));
        let age = if let Some(sidecar) = &sidecar {
            sidecar.beginning.elapsed()
        } else {
            // As good as can be had without: what was written last was heard shortly before.
            tracing::warn!(recording = %self.id, "no sidecar: the recording's beginning is taken from its file");
            Duration::from_millis(millis(frames)) + LATENCY + modified.elapsed().unwrap_or_default()
        };
        Ok((file, Opened { frames, age, sidecar }))
    }

    fn do_write(&self, mut file: PartFile, pieces: VecDeque<Piece>, sidecar: Option<Sidecar>) {
        for piece in pieces {
            let written = match &piece {
                Piece::Audio(frames) => file.write(frames),
                Piece::Silence(frames) => file.silence(*frames),
            };
            let mut state = self.lock();
            if state.abandoned {
                return;
            }
            if let Err(error) = written {
                drop(state);
                return self.give_up(file, error);
            }
            if let Piece::Audio(mut frames) = piece {
                let bytes = frames.len() * FRAME;
                state.buffered -= bytes;
                self.gauges.buffered.fetch_sub(bytes as u64, Ordering::Relaxed);
                if state.spare.len() < SPARE {
                    frames.clear();
                    state.spare.push(frames);
                }
            }
        }
        if let Some(sidecar) = sidecar {
            self.write_sidecar(&sidecar);
        }
        let mut state = self.lock();
        if !state.abandoned {
            state.file = Some(file);
        }
    }

    fn write_sidecar(&self, sidecar: &Sidecar) {
        let path = sidecar_path(&self.path);
        if let Err(error) = self.storage.replace(&path, &sidecar.to_json()) {
            // The recording itself does not need it; a process that continues it would be less exact.
            tracing::warn!(recording = %self.id, %error, file = %path.display(), "cannot write a sidecar");
        }
    }

    fn do_end(&self, file: PartFile, ending: Ending) {
        let frames = file.frames();
        match ending {
            Ending::Park(reply) => {
                if let Err(error) = file.park() {
                    self.fail(error, frames, false);
                }
                let _ = reply.send(());
            }
            Ending::Finish(summary, reply) => {
                let finished = match file.finish() {
                    Ok(bytes) => Ok(summary.into_finished(self.path.clone(), frames, bytes)),
                    Err(error) => Err(FinishError::from(self.fail(error, frames, false))),
                };
                if let Ok(finished) = &finished {
                    self.tell(Event::Finished { id: self.id, finished: finished.clone() });
                }
                let _ = reply.send(finished);
            }
        }
    }

    fn give_up(&self, file: PartFile, error: WriteError) {
        let frames = file.frames();
        file.salvage();
        self.fail(error, frames, false);
    }

    /// Notes that nothing more will be written, and tells everybody, but for a file that could not even be opened:
    /// that is told to who asked for it.
    fn fail(&self, error: WriteError, frames: u64, at_opening: bool) -> Failure {
        let failure = Failure { error, kept: part_path(&self.path), duration_ms: millis(frames) };
        let mut state = self.lock();
        state.failure = Some(failure.clone());
        self.empty(&mut state);
        let ending = state.ending.take();
        drop(state);
        if !at_opening {
            tracing::error!(recording = %self.id, error = %failure.error, "recording failed");
            self.gauges.failed.fetch_add(1, Ordering::Relaxed);
            self.tell(Event::Failed {
                id: self.id,
                error: failure.error.clone(),
                kept: failure.kept.clone(),
                duration_ms: failure.duration_ms,
            });
        }
        if let Some(ending) = ending {
            ending.fail(failure.clone());
        }
        failure
    }

    fn empty(&self, state: &mut State) {
        state.pieces.clear();
        state.sidecar = None;
        self.gauges.buffered.fetch_sub(state.buffered as u64, Ordering::Relaxed);
        state.buffered = 0;
    }

    fn tell(&self, event: Event) {
        // An error means that nobody listens.
        let _ = self.events.send(event);
    }

    /// Held for moments only, never while something blocks: the receiving thread waits for it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.gauges.buffered.fetch_sub(state.buffered as u64, Ordering::Relaxed);
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.failure.is_some() || self.abandoned
    }

    fn push_silence(&mut self, frames: u64) {
        if let Some(Piece::Silence(silent)) = self.pieces.back_mut() {
            *silent += frames;
        } else {
            self.pieces.push_back(Piece::Silence(frames));
        }
    }

    /// Whether the lane is to be put into the queue now.
    fn schedule(&mut self) -> bool {
        // Without a file there is nothing to do yet; whoever has it looks again before letting go.
        let ready = !self.scheduled && (self.file.is_some() || self.open.is_some());
        self.scheduled |= ready;
        ready
    }
}

impl Ending {
    fn fail(self, failure: Failure) {
        match self {
            Self::Finish(_, reply) => drop(reply.send(Err(failure.into()))),
            Self::Park(reply) => drop(reply.send(())),
        }
    }
}

impl Summary {
    fn into_finished(self, path: PathBuf, frames: u64, bytes: u64) -> Finished {
        let Self { started_at, gaps, lost_packets, dropped_ms, agent, customer } = self;
        Finished {
            path,
            started_at: Some(started_at),
            duration_ms: millis(frames),
            bytes,
            gaps,
            lost_packets,
            dropped_ms,
            agent,
            customer,
        }
    }
}
