//! The hub: a live view of the log.
//!
//! Per tenant that somebody listens to there is one channel with a ring of the newest frames. A subscription is a position:
//! within the ring it takes frames that all share; behind it, it reads the log.

mod channel;
mod ring;
mod subscription;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trunkline_db::{Db, DbError, EventId, TenantId, UserId};
use uuid::Uuid;

pub(crate) use self::channel::Channel;
pub use self::subscription::{Batch, Item, Items, Subscription};
use crate::{
    event::{Kind, Scope, Seq},
    filter::Filter,
    frame::{Frame, Signal},
    journal::JournalConfig,
    log::check_position,
    peers::Note,
    store,
};

/// Where a reader begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Start {
    /// After this event; `None` for a subscription: only what comes next.
    pub after: Option<Seq>,
    /// The epoch in which `after` was seen, when the reader knows it.
    pub epoch: Option<Uuid>,
    /// The id of the event at `after`, when the reader knows it.
    pub after_id: Option<EventId>,
}

impl Start {
    /// After an event.
    pub const fn after(seq: Seq) -> Self {
        Self { after: Some(seq), epoch: None, after_id: None }
    }

    /// Only what comes next.
    pub const fn live() -> Self {
        Self { after: None, epoch: None, after_id: None }
    }
}

impl From<Seq> for Start {
    fn from(seq: Seq) -> Self {
        Self::after(seq)
    }
}

/// Why a reader cannot go on from where it was: it starts over from a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reset {
    /// The position is of another epoch.
    #[error("the position is of another epoch")]
    Epoch,
    /// The position is beyond the head.
    #[error("the position is beyond the newest event")]
    Ahead,
    /// The events after the position are no longer kept.
    #[error("the events after the position are no longer kept")]
    Truncated,
    /// The event at the position is not the one that the reader saw.
    #[error("the event at the position is another one")]
    Diverged,
    /// What the reader may see has changed.
    #[error("the reader's permissions have changed")]
    Permissions,
}

impl Reset {
    /// The reason as the stream names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Ahead => "ahead",
            Self::Truncated => "truncated",
            Self::Diverged => "diverged",
            Self::Permissions => "permissions",
        }
    }
}

/// Why reading failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot go on from this position.
    #[error(transparent)]
    Reset(#[from] Reset),
    /// The database failed; [`DbError::is_unavailable`] tells whether it is away.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Where a tenant's journal stands: what the stream's `hello` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The epoch.
    pub epoch: Uuid,
    /// The newest event.
    pub head: Seq,
    /// The oldest event that is kept.
    pub oldest: Seq,
}

/// What the hub holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HubStats {
    /// Tenants that somebody listens to.
    pub tenants: usize,
    /// Who listens ([`Seat`]s).
    pub seats: usize,
    /// Frames that are kept.
    pub frames: usize,
    /// Their bytes, about.
    pub bytes: usize,
}

/// What happens, live. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) config: JournalConfig,
    pub(crate) cancel: CancellationToken,
    tasks: TaskTracker,
    notes: mpsc::UnboundedSender<Note>,
    committed: watch::Sender<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    epoch: Uuid,
    channels: HashMap<TenantId, Arc<Channel>>,
}

impl Inner {
    /// Held for a look-up at a time, never across an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    pub(crate) fn new(
        db: Db,
        config: JournalConfig,
        epoch: Uuid,
        tasks: TaskTracker,
        cancel: CancellationToken,
    ) -> (Self, mpsc::UnboundedReceiver<Note>) {
        let (notes, noted) = mpsc::unbounded_channel();
        let state = Mutex::new(State { epoch, channels: HashMap::new() });
        let committed = watch::Sender::new(());
        (Self { inner: Arc::new(Inner { db, config, cancel, tasks, notes, committed, state }) }, noted)
    }

    /// Sits down to listen to a tenant: from now on its channel is kept, and [`Seat::standing`] is what `hello` says.
    /// Fails when the database is away and nobody else listens to this tenant.
    pub async fn join(&self, tenant: TenantId) -> Result<Seat, DbError> {
        let channel = {
            let mut state = self.inner.state();
            let channel = state.channels.entry(tenant).or_insert_with(|| Arc::new(Channel::new(tenant)));
            channel.sit();
            channel.clone()
        };
        let seat = Seat { channel, hub: self.inner.clone() };
        seat.channel.load(&self.inner).await?;
        Ok(seat)
    }

    /// Listens to a tenant: [`join`](Self::join) and [`Seat::subscribe`] in one.
    pub async fn subscribe(&self, tenant: TenantId, start: Start, filter: Filter) -> Result<Subscription, ReadError> {
        self.join(tenant).await?.subscribe(start, filter).await
    }

    /// Where a tenant's journal stands.
    pub async fn standing(&self, tenant: TenantId) -> Result<Standing, DbError> {
        Ok(self.join(tenant).await?.standing())
    }

    /// Tells those who listen now, on this node, something that is not worth keeping.
    pub fn signal(&self, tenant: TenantId, scopes: &[Scope], kind: Kind, data: &Value) {
        if let Some(channel) = self.channel(tenant) {
            channel.signal(Signal::new(kind, scopes, data));
        }
    }

    /// A user's grants changed: the user's subscriptions on every node end with [`Reset::Permissions`].
    pub fn permissions_changed(&self, tenant: TenantId, user: UserId) {
        self.permissions_changed_here(tenant, user);
        let _ = self.inner.notes.send(Note::Permissions(tenant, user));
    }

    pub(crate) fn permissions_changed_here(&self, tenant: TenantId, user: UserId) {
        if let Some(channel) = self.channel(tenant) {
            channel.permissions_changed(user);
        }
    }

    /// The epoch in which sequence numbers mean something.
    pub fn epoch(&self) -> Uuid {
        self.inner.state().epoch
    }

    /// What it holds now.
    pub fn stats(&self) -> HubStats {
        let channels: Vec<_> = self.inner.state().channels.values().cloned().collect();
        channels.iter().fold(HubStats { tenants: channels.len(), ..HubStats::default() }, |mut stats, channel| {
            let (frames, bytes) = channel.kept();
            stats.seats += channel.seats();
            stats.frames += frames;
            stats.bytes += bytes;
            stats
        })
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn(task);
    }

    /// The tenant's channel, when somebody listens.
    pub(crate) fn channel(&self, tenant: TenantId) -> Option<Arc<Channel>> {
        self.inner.state().channels.get(&tenant).cloned()
    }

    pub(crate) fn channels(&self) -> Vec<Arc<Channel>> {
        self.inner.state().channels.values().cloned().collect()
    }

    /// Shows what was just committed here. `frames` follow each other.
    pub(crate) fn publish(&self, channel: &Arc<Channel>, frames: Vec<Frame>) {
        if channel.publish(frames, &self.inner.config) {
            channel.fill(&self.inner);
        }
    }

    /// Tells the other nodes of what was just committed here.
    pub(crate) fn note(&self, tenant: TenantId, last: Seq) {
        let _ = self.inner.notes.send(Note::Committed(tenant, last));
        self.inner.committed.send_replace(());
    }

    /// Changes whenever this node has committed events of any tenant: what a consumer waits for. What other nodes commit, their own
    /// consumers are told of.
    pub fn committed(&self) -> watch::Receiver<()> {
        self.inner.committed.subscribe()
    }

    /// Takes note of where the database says a tenant's journal stands. `known` is what this hub knew before it asked.
    pub(crate) fn observe(&self, channel: &Arc<Channel>, known: Seq, head: Seq, oldest: Seq) {
        if channel.observe(known, head, oldest) {
            channel.fill(&self.inner);
        }
    }

    /// A new epoch: every position is void.
    pub(crate) fn begin_epoch(&self, epoch: Uuid) {
        let channels: Vec<_> = {
            let mut state = self.inner.state();
            if state.epoch == epoch {
                return;
            }
            state.epoch = epoch;
            state.channels.drain().map(|(_, channel)| channel).collect()
        };
        // Those who sit there are told, and come back to a new channel.
        for channel in channels {
            channel.make_void();
        }
    }
}

/// A place among those who listen to a tenant: keeps its channel while it lives.
#[derive(Debug)]
pub struct Seat {
    channel: Arc<Channel>,
    hub: Arc<Inner>,
}

impl Seat {
    /// The tenant.
    pub fn tenant(&self) -> TenantId {
        self.channel.tenant()
    }

    /// Where the tenant's journal stands.
    pub fn standing(&self) -> Standing {
        let (head, oldest) = self.channel.standing();
        Standing { epoch: self.hub.state().epoch, head, oldest }
    }

    /// Begins to listen.
    pub async fn subscribe(self, start: Start, filter: Filter) -> Result<Subscription, ReadError> {
        let Standing { epoch, mut head, oldest } = self.standing();
        if self.channel.is_void() || start.epoch.is_some_and(|theirs| theirs != epoch) {
            return Err(Reset::Epoch.into());
        }
        let Some(after) = start.after else {
            return Ok(Subscription::new(self, head, filter));
        };
        if after > head {
            // Another node may have shown what has not come here yet.
            head = self.refresh().await?;
        }
        check_position(after, head, oldest)?;
        if let Some(id) = start.after_id
            && self.id_at(after).await? != Some(id)
        {
            return Err(Reset::Diverged.into());
        }
        Ok(Subscription::new(self, after, filter))
    }

    async fn refresh(&self) -> Result<Seq, DbError> {
        let known = self.standing().head;
        let mut tx = self.hub.db.tenant(self.tenant()).await?;
        let head = tx.journal_head().await?;
        tx.commit().await?;
        if self.channel.observe(known, Seq(head.seq), Seq(head.oldest)) {
            self.channel.fill(&self.hub);
        }
        Ok(Seq(head.seq))
    }

    async fn id_at(&self, seq: Seq) -> Result<Option<EventId>, DbError> {
        if let Some(id) = self.channel.id_at(seq) {
            return Ok(Some(id));
        }
        let mut tx = self.hub.db.tenant(self.tenant()).await?;
        let id = store::id_at(&mut tx, seq).await?;
        tx.commit().await?;
        Ok(id)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Under the lock that also guards sitting down: the last one to leave takes the channel away, frames and all.
        let mut state = self.hub.state();
        if self.channel.stand_up()
            && state.channels.get(&self.channel.tenant()).is_some_and(|channel| Arc::ptr_eq(channel, &self.channel))
        {
            state.channels.remove(&self.channel.tenant());
        }
    }
}
