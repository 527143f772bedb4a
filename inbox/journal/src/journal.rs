//! The journal's face: start it, write, read, and get the hub.

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trunkline_db::{CallId, Db, DbError, TenantId, TenantTx};
use uuid::Uuid;

use crate::{
    command::{CommandError, Committed, Failure, Fault, Job, Outcome, SeqRange, Typed, Unavailable, Work},
    epoch,
    event::{InvalidEvent, NewEvent, Sealed},
    filter::Filter,
    frame::Frame,
    hub::{Hub, ReadError, Start},
    lane::{Counters, Lane},
    log::{self, About, Page},
    peers,
};

/// How the journal is set up.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// Writer lanes; a tenant belongs to one. Each has a connection of its own.
    pub lanes: usize,
    /// Most commands of one transaction.
    pub batch_max: usize,
    /// Most commands that wait in a lane; a caller beyond waits for a place.
    pub queue: usize,
    /// This node's name among those on the same database.
    pub node: Uuid,
    /// Most frames that the hub keeps of one tenant.
    pub ring_frames: usize,
    /// Most bytes that the hub keeps of one tenant.
    pub ring_bytes: usize,
    /// How often the database is asked whether another node wrote, behind the `NOTIFY` that says so at once.
    pub poll_every: Duration,
    /// A reader that is shown nothing of what happens is told so at least this often.
    pub skipped_every: Duration,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self {
            lanes: 2,
            batch_max: 500,
            queue: 4096,
            node: Uuid::now_v7(),
            ring_frames: 1024,
            ring_bytes: 4 * 1024 * 1024,
            poll_every: Duration::from_secs(1),
            skipped_every: Duration::from_secs(5),
        }
    }
}

/// What the journal has done since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalStats {
    /// Commands and appends that were committed.
    pub commands: u64,
    /// Events that were committed.
    pub events: u64,
    /// Transactions that committed them.
    pub batches: u64,
    /// Transactions that were tried again after a deadlock or a lock time-out.
    pub contended: u64,
    /// Commands that were answered as unavailable.
    pub unavailable: u64,
    /// Commands whose outcome could not be found out.
    pub unknown: u64,
    /// Commands that wait in the lanes now.
    pub waiting: usize,
}

/// The journal. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    lanes: Vec<mpsc::Sender<Job>>,
    counters: Arc<Counters>,
    hub: Hub,
    tasks: TaskTracker,
}

impl Journal {
    /// Starts the lanes and the hub; reads the epoch, and begins one when there is none or the database is another.
    ///
    /// When `cancel` fires, the lanes finish what is waiting and stop; [`stopped`](Self::stopped) waits for that.
    pub async fn start(db: Db, config: JournalConfig, cancel: CancellationToken) -> Result<Self, DbError> {
        let epoch = epoch::ensure(&db).await?;
        let tasks = TaskTracker::new();
        let (hub, notes) = Hub::new(db.clone(), config.clone(), epoch, tasks.clone(), cancel.clone());
        peers::spawn(&hub, notes);
        let counters = Arc::<Counters>::default();
        let lanes = (0..config.lanes.max(1))
            .map(|number| {
                let (sender, receiver) = mpsc::channel(config.queue.max(1));
                let lane = Lane::new(number, db.clone(), hub.clone(), counters.clone(), config.batch_max);
                tasks.spawn(lane.run(receiver, cancel.clone()));
                sender
            })
            .collect();
        tasks.close();
        Ok(Self { inner: Arc::new(Inner { db, lanes, counters, hub, tasks }) })
    }

    /// Runs a command in the tenant's lane: its rows and its events commit together, or not at all.
    ///
    /// The closure may be run twice (after a lost race, its first run is undone), so it takes what it needs by clone.
    /// It shares a transaction with other tenants' commands: no long work, no waiting for anything but the database.
    pub async fn command<T, E, F>(&self, tenant: TenantId, run: F) -> Result<Committed<T>, CommandError<E>>
    where
        F: for<'t> Fn(&'t mut TenantTx<'_>) -> BoxFuture<'t, Result<Outcome<T>, Fault<E>>> + Send + Sync + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let command = Typed { run, answer, held: None };
        self.send(Job { tenant, work: Work::Command(Box::new(command)) }).await?;
        answered.await.unwrap_or(Err(CommandError::Unknown))
    }

    /// Appends events alone, 1 to [`MAX_EVENTS`](crate::MAX_EVENTS) of them: they get places in one row.
    pub async fn append(&self, tenant: TenantId, events: Vec<NewEvent>) -> Result<SeqRange, CommandError<Infallible>> {
        let events = Sealed::seal_all(events)?;
        if events.is_empty() {
            return Err(InvalidEvent::None.into());
        }
        let (answer, answered) = oneshot::channel();
        self.send(Job { tenant, work: Work::Append { events, answer } }).await?;
        match answered.await {
            Ok(Ok(placed)) => Ok(placed.range),
            Ok(Err(failure)) => Err(failure.into()),
            Err(_) => Err(Failure::Unknown.into()),
        }
    }

    /// Reads what the log says about these subjects (at most 1,000 events) from the call's `call.started` on, until `is_whole` says
    /// that no more can come, or to the head; then those of them that pass the filter.
    ///
    /// No index leads from a subject to its events: there are too many of them for what it would cost. The log is read on from the
    /// call's beginning, which takes as long as other things happened meanwhile.
    pub async fn call_story(
        &self,
        tenant: TenantId,
        call: CallId,
        subjects: &[Uuid],
        filter: &Filter,
        is_whole: impl Fn(&[Frame]) -> bool,
    ) -> Result<About, DbError> {
        log::call_story(&self.inner.db, tenant, call, subjects, filter, is_whole).await
    }

    /// Reads up to `limit` (at most 1,000) events after a position that pass the filter. [`Start::after`] of `None` begins with the
    /// oldest event that is kept.
    pub async fn read(
        &self,
        tenant: TenantId,
        start: impl Into<Start>,
        limit: usize,
        filter: &Filter,
    ) -> Result<Page, ReadError> {
        log::read(&self.inner.db, self.inner.hub.epoch(), tenant, start.into(), limit, filter).await
    }

    /// What happens, live.
    pub fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// The epoch in which sequence numbers mean something.
    pub fn epoch(&self) -> Uuid {
        self.inner.hub.epoch()
    }

    /// What it has done so far.
    pub fn stats(&self) -> JournalStats {
        let waiting = self.inner.lanes.iter().map(|lane| lane.max_capacity() - lane.capacity()).sum();
        self.inner.counters.read(waiting)
    }

    /// Waits until everything has stopped, after the token given to [`start`](Self::start) was cancelled.
    pub async fn stopped(&self) {
        self.inner.tasks.wait().await;
    }

    async fn send(&self, job: Job) -> Result<(), Unavailable> {
        let lanes = &self.inner.lanes;
        let lane = (job.tenant.uuid().as_u128() % lanes.len() as u128) as usize;
        lanes[lane].send(job).await.map_err(|_| Unavailable::Stopping)
    }
}
