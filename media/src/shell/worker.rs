//! A receiving thread: one socket, the recordings that listen on it, the clock.
//!
//! Nothing here blocks but the wait for the next event. The order within a round is the invariant that the timelines
//! ask for: first all datagrams that wait in the socket, then commands, then time goes on, to the moment at which the
//! socket was last seen empty. So a thread that was stalled for seconds loses nothing that the kernel kept for it.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::backlog::Backlog;
use super::recording::Recording;
use super::{FinishError, NoSuchRecording, RecordingSpec, RetargetError, StartError};
use crate::clock::Beginning;
use crate::file::Finished;
use crate::recorder::Side;
use crate::stats::Counters;
use crate::writer::{Ending, Lane, Opened, Writers};

/// How often time goes on.
const TICK: Duration = Duration::from_millis(100);
/// From so many streams on, the socket is read every [`PACE`] instead of at every datagram: the wake-ups would cost more
/// than the reading.
const BUSY_STREAMS: usize = 64;
/// Short against the jitter of any network, long enough for a hundred datagrams of a busy node.
const PACE: Duration = Duration::from_millis(2);
/// Datagrams read before anything else gets its turn.
const BATCH: usize = 4_096;
/// Time goes on although the socket is never seen empty: a flood must not stop the recordings. In µs.
const MOST_BEHIND: i64 = 2_000_000;
/// Longer datagrams are cut; no audio is so long.
const LONGEST: usize = 2_048;

/// What the handle asks of the thread that has the recording.
#[derive(Debug)]
pub(super) enum Command {
    /// Listen to the recording's sources from now on. Answered with when it began, and whether it is paused.
    Begin {
        spec: RecordingSpec,
        lane: Arc<Lane>,
        opened: Option<Box<Opened>>,
        reply: oneshot::Sender<Result<(Beginning, bool), StartError>>,
    },
    /// Is there such a recording?
    Knows {
        id: Uuid,
        reply: oneshot::Sender<bool>,
    },
    /// Its file could not be opened.
    Forget {
        id: Uuid,
    },
    Finish {
        id: Uuid,
        reply: oneshot::Sender<Result<Finished, FinishError>>,
    },
    /// Its streams come from other addresses from now on.
    Retarget {
        id: Uuid,
        agent: SocketAddr,
        customer: SocketAddr,
        reply: oneshot::Sender<Result<(), RetargetError>>,
    },
    Pause {
        id: Uuid,
        reply: oneshot::Sender<Result<(), NoSuchRecording>>,
    },
    EndPause {
        id: Uuid,
        reply: oneshot::Sender<Result<(), NoSuchRecording>>,
    },
    /// Leave all recordings to be continued; answered once for each by its writer.
    ParkAll {
        reply: oneshot::Sender<Vec<oneshot::Receiver<()>>>,
    },
}

/// The thread's state.
#[derive(Debug)]
pub(super) struct Worker {
    zero: Instant,
    writers: Writers,
    counters: Arc<Counters>,
    /// Places do not move, so that a source can name one.
    recordings: Vec<Option<Recording>>,
    by_id: HashMap<Uuid, usize>,
    by_source: HashMap<SocketAddr, (usize, Side)>,
    backlog: Backlog,
    /// When the socket was last seen empty, in µs since `zero`.
    empty_at: i64,
}

impl Worker {
    pub(super) fn new(writers: Writers, counters: Arc<Counters>) -> Self {
        Self {
            zero: Instant::now(),
            writers,
            counters,
            recordings: Vec::new(),
            by_id: HashMap::new(),
            by_source: HashMap::new(),
            backlog: Backlog::default(),
            empty_at: 0,
        }
    }

    /// Runs until the last handle is gone.
    pub(super) async fn run(mut self, socket: UdpSocket, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut buffer = vec![0; LONGEST];
        loop {
            let mut command = None;
            let mut tick = false;
            tokio::select! {
                biased;
                asked = commands.recv() => match asked {
                    Some(asked) => command = Some(asked),
                    None => break,
                },
                _ = ticks.tick() => tick = true,
                ready = socket.readable() => match ready {
                    // This thread has nothing else to do. An asynchronous sleep would be woken by every datagram.
                    Ok(()) if self.by_source.len() >= BUSY_STREAMS => thread::sleep(PACE),
                    Ok(()) => {}
                    Err(error) => {
                        tracing::error!(%error, "the RTP socket is gone");
                        break;
                    }
                },
            }
            self.drain(&socket, &mut buffer);
            if let Some(command) = command {
                self.obey(command);
            }
            if tick {
                self.go_on();
            }
        }
        for recording in self.recordings.into_iter().flatten() {
            recording.lane.abandon();
        }
    }

    /// Reads all that waits in the socket.
    fn drain(&mut self, socket: &UdpSocket, buffer: &mut [u8]) {
        let mut bytes = 0;
        for _ in 0..BATCH {
            let now = self.now();
            match socket.try_recv_from(buffer) {
                Ok((length, source)) => {
                    bytes += length as u64;
                    self.take_in(now, canonical(source), &buffer[..length]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.empty_at = now;
                    break;
                }
                // An ICMP error of something that was never sent from here, or a signal: nothing that the next read
                // would not tell again.
                Err(_) => {}
            }
        }
        self.counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.empty_at = self.empty_at.max(self.now() - MOST_BEHIND);
    }

    fn take_in(&mut self, now: i64, source: SocketAddr, datagram: &[u8]) {
        if let Some(&(place, side)) = self.by_source.get(&source)
            && let Some(recording) = &mut self.recordings[place]
        {
            recording.receive(now, side, datagram);
        } else {
            self.counters.unknown_source.fetch_add(1, Ordering::Relaxed);
            self.backlog.keep(now, source, datagram);
        }
    }

    /// Time goes on for every recording.
    fn go_on(&mut self) {
        for recording in self.recordings.iter_mut().flatten() {
            recording.advance(self.empty_at, &self.writers);
            let (since, dropped) = recording.take_counts();
            self.counters.add(&since, dropped);
        }
        self.backlog.expire(self.empty_at);
        self.writers.watch();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Begin { spec, lane, opened, reply } => {
                let begun = self.begin(&spec, lane, opened);
                let id = begun.as_ref().ok().map(|(id, _)| *id);
                if reply.send(begun.map(|(_, beginning)| beginning)).is_err() {
                    // Who asked is gone, and nobody else knows of it.
                    self.forget(id);
                }
            }
            Command::Knows { id, reply } => {
                let _ = reply.send(self.by_id.contains_key(&id));
            }
            Command::Forget { id } => self.forget(Some(id)),
            Command::Finish { id, reply } => match self.take(id) {
                Some(mut recording) => {
                    let summary = recording.finish(self.empty_at, &self.writers);
                    let (since, dropped) = recording.take_counts();
                    self.counters.add(&since, dropped);
                    self.end(&recording, Ending::Finish(Box::new(summary), reply));
                }
                None => drop(reply.send(Err(NoSuchRecording(id).into()))),
            },
            Command::Retarget { id, agent, customer, reply } => {
                let _ = reply.send(self.retarget(id, canonical(agent), canonical(customer)));
            }
            Command::Pause { id, reply } => {
                let now = self.empty_at;
                let _ = reply.send(self.find(id).map(|recording| recording.pause(now)));
            }
            Command::EndPause { id, reply } => {
                let now = self.empty_at;
                let _ = reply.send(self.find(id).map(|recording| recording.end_pause(now)));
            }
            Command::ParkAll { reply } => drop(reply.send(self.park_all())),
        }
    }

    fn begin(
        &mut self,
        spec: &RecordingSpec,
        lane: Arc<Lane>,
        opened: Option<Box<Opened>>,
    ) -> Result<(Uuid, (Beginning, bool)), StartError> {
        let id = spec.id;
        let (agent, customer) = (canonical(spec.agent), canonical(spec.customer));
        if self.by_id.contains_key(&id) {
            return Err(StartError::AlreadyRecording(id));
        }
        for source in [agent, customer] {
            if self.by_source.contains_key(&source) || agent == customer {
                return Err(StartError::SourceTaken(source));
            }
        }
        let now = self.empty_at;
        let early: Vec<_> = [(agent, Side::Agent), (customer, Side::Customer)]
            .map(|(source, side)| (side, self.backlog.claim(now, source)))
            .into();
        let from = early.iter().filter_map(|(_, packets)| packets.first()).map(|(at, _)| *at).min().unwrap_or(now);
        let mut recording = if let Some(opened) = opened {
            Recording::go_on(id, (agent, customer), lane, *opened, now, from)
        } else {
            let ago = Duration::from_micros(u64::try_from(self.now() - from).unwrap_or(0));
            Recording::begin(id, (agent, customer), lane, from, ago)
        };
        for (side, packets) in early {
            for (at, datagram) in packets {
                recording.receive(at, side, &datagram);
            }
        }
        let beginning = (recording.beginning().clone(), recording.is_paused());
        let place = self.recordings.iter().position(Option::is_none).unwrap_or_else(|| {
            self.recordings.push(None);
            self.recordings.len() - 1
        });
        self.recordings[place] = Some(recording);
        self.by_id.insert(id, place);
        self.by_source.insert(agent, (place, Side::Agent));
        self.by_source.insert(customer, (place, Side::Customer));
        self.count_active();
        Ok((id, beginning))
    }

    fn retarget(&mut self, id: Uuid, agent: SocketAddr, customer: SocketAddr) -> Result<(), RetargetError> {
        let place = *self.by_id.get(&id).ok_or(NoSuchRecording(id))?;
        for source in [agent, customer] {
            let taken = self.by_source.get(&source).is_some_and(|(owner, _)| *owner != place);
            if taken || agent == customer {
                return Err(RetargetError::SourceTaken(source));
            }
        }
        let now = self.empty_at;
        let recording = self.recordings[place].as_mut().ok_or(NoSuchRecording(id))?;
        recording.restart();
        let before = std::mem::replace(&mut recording.agent, agent);
        self.by_source.remove(&before);
        let before = [before, std::mem::replace(&mut recording.customer, customer)];
        self.by_source.remove(&before[1]);
        for source in before.into_iter().filter(|source| ![agent, customer].contains(source)) {
            self.backlog.mute(now, source);
        }
        for (source, side) in [(agent, Side::Agent), (customer, Side::Customer)] {
            self.by_source.insert(source, (place, side));
            for (at, datagram) in self.backlog.claim(now, source) {
                recording.receive(at, side, &datagram);
            }
        }
        Ok(())
    }

    fn park_all(&mut self) -> Vec<oneshot::Receiver<()>> {
        let ids: Vec<Uuid> = self.by_id.keys().copied().collect();
        let mut waits = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(mut recording) = self.take(id) {
                let (done, parked) = oneshot::channel();
                recording.park(self.empty_at, &self.writers);
                self.end(&recording, Ending::Park(done));
                waits.push(parked);
            }
        }
        waits
    }

    fn forget(&mut self, id: Option<Uuid>) {
        if let Some(recording) = id.and_then(|id| self.take(id)) {
            recording.lane.abandon();
        }
    }

    fn end(&self, recording: &Recording, ending: Ending) {
        if recording.lane.end(ending) {
            self.writers.schedule(&recording.lane);
        }
    }

    fn find(&mut self, id: Uuid) -> Result<&mut Recording, NoSuchRecording> {
        let place = self.by_id.get(&id).ok_or(NoSuchRecording(id))?;
        self.recordings[*place].as_mut().ok_or(NoSuchRecording(id))
    }

    fn take(&mut self, id: Uuid) -> Option<Recording> {
        let recording = self.recordings[self.by_id.remove(&id)?].take()?;
        for source in [recording.agent, recording.customer] {
            self.by_source.remove(&source);
            self.backlog.mute(self.empty_at, source);
        }
        self.count_active();
        Some(recording)
    }

    /// Before whoever asked gets the answer, so that what it then reads is true.
    fn count_active(&self) {
        self.counters.active.store(self.by_id.len() as u64, Ordering::Relaxed);
    }

    /// µs since this thread's zero.
    fn now(&self) -> i64 {
        self.zero.elapsed().as_micros() as i64
    }
}

/// A socket that listens on both families sees IPv4 sources as `::ffff:a.b.c.d`; they are the same sources.
fn canonical(source: SocketAddr) -> SocketAddr {
    match source {
        SocketAddr::V4(_) => source,
        SocketAddr::V6(_) => SocketAddr::new(source.ip().to_canonical(), source.port()),
    }
}
