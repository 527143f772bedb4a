//! One tenant's channel: what is shared by all who listen to it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, OnceCell};
use trunkline_db::{DbError, EventId, TenantId, UserId};

use super::{
    Inner, Reset,
    ring::{Bounds, Ring},
};
use crate::{
    event::Seq,
    frame::{Frame, Signal},
    journal::JournalConfig,
    store,
};

/// Most signals that are held for those who are about to take them.
const SIGNALS: usize = 64;
/// Rows that are read from the log at once.
pub(super) const LOG_PAGE: usize = 256;

/// A tenant's channel. It exists while somebody listens.
#[derive(Debug)]
pub(crate) struct Channel {
    tenant: TenantId,
    /// Who listens; guarded by the hub's lock.
    seats: AtomicUsize,
    /// Rises with every change, so that a waiting reader needs no lock to see that there is none.
    version: AtomicU64,
    wake: Notify,
    /// Somebody was shown nothing of what happened, and is to be told so in time.
    skips: AtomicBool,
    loaded: OnceCell<()>,
    /// Held by the one who reads back from the log for all.
    pub(super) warming: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// What the lock guards; held briefly, never across an await.
#[derive(Debug)]
pub(super) struct State {
    pub(super) ring: Ring,
    /// Whether the ring's head is known.
    known: bool,
    oldest: Seq,
    /// The newest event that is said to exist; beyond the ring's head there is a gap to be filled from the log.
    wanted: Seq,
    filling: bool,
    signals: VecDeque<Signal>,
    /// How many signals there were.
    signalled: u64,
    /// Rises with each reset of everybody.
    pub(super) generation: u32,
    /// Why the last one was.
    pub(super) reset: Reset,
    /// Nothing comes here any more.
    void: bool,
    /// How many changes of permissions there were, and each user's last.
    pub(super) permissions: u64,
    pub(super) permissions_of: HashMap<UserId, u64>,
}

impl State {
    /// The signals after the first `seen`, as far as they are still held.
    pub(super) fn signals_after(&self, seen: u64) -> impl Iterator<Item = &Signal> {
        let missed = usize::try_from(self.signalled - seen).unwrap_or(usize::MAX);
        self.signals.range(self.signals.len().saturating_sub(missed)..)
    }

    pub(super) fn signalled(&self) -> u64 {
        self.signalled
    }

    fn bump(&mut self, reset: Reset, head: Seq) {
        self.ring.restart(head);
        self.wanted = head;
        self.generation += 1;
        self.reset = reset;
    }
}

impl Channel {
    pub(super) fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            seats: AtomicUsize::new(0),
            version: AtomicU64::new(0),
            wake: Notify::new(),
            skips: AtomicBool::new(false),
            loaded: OnceCell::new(),
            warming: tokio::sync::Mutex::new(()),
            state: Mutex::new(State {
                ring: Ring::default(),
                known: false,
                oldest: Seq(1),
                wanted: Seq::ZERO,
                filling: false,
                signals: VecDeque::new(),
                signalled: 0,
                generation: 0,
                reset: Reset::Epoch,
                void: false,
                permissions: 0,
                permissions_of: HashMap::new(),
            }),
        }
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Relaxed: sitting down and standing up happen under the hub's lock.
    pub(super) fn sit(&self) {
        self.seats.fetch_add(1, Ordering::Relaxed);
    }

    /// True: it was the last one.
    pub(super) fn stand_up(&self) -> bool {
        self.seats.fetch_sub(1, Ordering::Relaxed) == 1
    }

    pub(super) fn seats(&self) -> usize {
        self.seats.load(Ordering::Relaxed)
    }

    /// Frames and bytes that are kept.
    pub(super) fn kept(&self) -> (usize, usize) {
        let state = self.state();
        (state.ring.len(), state.ring.bytes())
    }

    /// Head and oldest, as known here.
    pub(crate) fn standing(&self) -> (Seq, Seq) {
        let state = self.state();
        (state.ring.head(), state.oldest)
    }

    pub(super) fn id_at(&self, seq: Seq) -> Option<EventId> {
        self.state().ring.get(seq).map(Frame::id)
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Waits until the version is no longer `seen`.
    pub(super) async fn changed(&self, seen: u64) {
        let woken = self.wake.notified();
        tokio::pin!(woken);
        // Listening before looking: a change between the two is not missed.
        woken.as_mut().enable();
        if self.version() == seen {
            woken.await;
        }
    }

    fn wake(&self) {
        self.version.fetch_add(1, Ordering::Release);
        self.wake.notify_waiters();
    }

    /// Somebody is to be told of what it was not shown.
    pub(super) fn has_skips(&self) {
        self.skips.store(true, Ordering::Relaxed);
    }

    /// Wakes those who are to be told of what they were not shown.
    pub(crate) fn tick(&self) {
        if self.skips.swap(false, Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Learns where the journal stands; done once, by the first who listens, while the others wait.
    pub(super) async fn load(self: &Arc<Self>, hub: &Arc<Inner>) -> Result<(), DbError> {
        let load = async || {
            let known = self.standing().0;
            let mut tx = hub.db.tenant(self.tenant).await?;
            let head = tx.journal_head().await?;
            tx.commit().await?;
            if self.observe(known, Seq(head.seq), Seq(head.oldest)) {
                self.fill(hub);
            }
            Ok(())
        };
        self.loaded.get_or_try_init(load).await.copied()
    }

    /// Shows frames that follow each other. True: there is a gap to [`fill`](Self::fill).
    pub(crate) fn publish(&self, frames: Vec<Frame>, config: &JournalConfig) -> bool {
        let bounds = Bounds { frames: config.ring_frames, bytes: config.ring_bytes };
        let (Some(first), Some(last)) = (frames.first().map(Frame::seq), frames.last().map(Frame::seq)) else {
            return false;
        };
        let mut state = self.state();
        if !state.known {
            state.known = true;
            state.ring.restart(first.previous());
        }
        let mut gap = false;
        for frame in frames {
            let head = state.ring.head();
            if frame.seq() == head.next() {
                state.ring.push(frame, bounds);
            } else if frame.seq() > head {
                gap = true;
                break;
            } else if state.ring.get(frame.seq()).is_some_and(|shown| shown.id() != frame.id()) {
                // The database forgot what was shown and gave the place away again.
                tracing::error!(tenant = %self.tenant, seq = %frame.seq(), "the journal is not the one that was shown");
                state.bump(Reset::Diverged, last);
                break;
            }
        }
        state.wanted = state.wanted.max(last);
        let fill = gap && !state.filling;
        state.filling |= gap;
        drop(state);
        self.wake();
        fill
    }

    /// Takes note of where the database says that the journal stands; `known` is the head here before it was asked.
    /// True: there is a gap to [`fill`](Self::fill).
    pub(crate) fn observe(&self, known: Seq, head: Seq, oldest: Seq) -> bool {
        let mut state = self.state();
        state.oldest = state.oldest.max(oldest);
        if !state.known {
            state.known = true;
            state.ring.restart(head);
            return false;
        }
        if head < known {
            tracing::error!(tenant = %self.tenant, %head, shown = %known, "the journal ends before what was shown");
            state.bump(Reset::Diverged, head);
            drop(state);
            self.wake();
            return false;
        }
        state.wanted = state.wanted.max(head);
        let gap = state.wanted > state.ring.head();
        let fill = gap && !state.filling;
        state.filling |= gap;
        fill
    }

    /// Reads what another node wrote, until level with what is said to exist.
    pub(super) fn fill(self: &Arc<Self>, hub: &Arc<Inner>) {
        hub.tasks.spawn(fill(self.clone(), hub.clone()));
    }

    /// Its epoch has ended: everybody starts over, on another channel.
    pub(super) fn make_void(&self) {
        let mut state = self.state();
        let head = state.ring.head();
        state.bump(Reset::Epoch, head);
        state.void = true;
        drop(state);
        self.wake();
    }

    /// Whether its epoch has ended.
    pub(super) fn is_void(&self) -> bool {
        self.state().void
    }

    pub(super) fn signal(&self, signal: Signal) {
        let mut state = self.state();
        if state.signals.len() == SIGNALS {
            state.signals.pop_front();
        }
        state.signals.push_back(signal);
        state.signalled += 1;
        drop(state);
        self.wake();
    }

    pub(super) fn permissions_changed(&self, user: UserId) {
        let mut state = self.state();
        state.permissions += 1;
        let change = state.permissions;
        state.permissions_of.insert(user, change);
        drop(state);
        self.wake();
    }
}

async fn fill(channel: Arc<Channel>, hub: Arc<Inner>) {
    const SHORTEST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(1);
    let mut pause = SHORTEST;
    loop {
        let from = {
            let mut state = channel.state();
            let (head, wanted) = (state.ring.head(), state.wanted);
            if head >= wanted || channel.seats() == 0 {
                state.filling = false;
                return;
            }
            if wanted.get() - head.get() > hub.config.ring_frames as i64 {
                // More than it could hold: each reader takes it from the log itself.
                state.ring.restart(wanted);
                state.filling = false;
                drop(state);
                channel.wake();
                return;
            }
            head
        };
        match read_stretch(&hub, channel.tenant, from, LOG_PAGE).await {
            Ok(Some(stretch)) if !stretch.frames.is_empty() => {
                pause = SHORTEST;
                channel.publish(stretch.frames, &hub.config);
            }
            Ok(_) => {
                // It was said to exist, and does not: the poll will find out what is the matter.
                let mut state = channel.state();
                state.wanted = state.ring.head();
                state.filling = false;
                return;
            }
            Err(error) => {
                tracing::debug!(tenant = %channel.tenant, %error, "the log could not be read; trying again");
                tokio::select! {
                    () = hub.cancel.cancelled() => {
                        channel.state().filling = false;
                        return;
                    }
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST),
                }
            }
        }
    }
}

pub(super) async fn read_stretch(
    hub: &Inner,
    tenant: TenantId,
    after: Seq,
    limit: usize,
) -> Result<Option<store::Stretch>, DbError> {
    let mut tx = hub.db.tenant(tenant).await?;
    let stretch = store::stretch(&mut tx, after, limit).await?;
    tx.commit().await?;
    Ok(stretch)
}
