//! Claims jobs and runs their handlers.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use trunkline_db::{Db, DbError};
use uuid::Uuid;

use crate::heartbeat::{self, Leases};
use crate::model::{Done, Failure, Job};
use crate::policy::{Backoff, Verdict};
use crate::schedule::{self, Schedule};
use crate::store::{self, Claim, Claimed, Ending};
use crate::{TOPIC, peers};

/// How long a handler may take when nothing else is said.
const TIME_LIMIT: Duration = Duration::from_mins(2);
/// The longest lease: so long the jobs of a worker that died may stay with it.
const LONGEST_LEASE: Duration = Duration::from_secs(30);
/// Most bytes that are kept of a failure's words.
const ERROR_BYTES: usize = 4096;

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Most jobs that run at the same time.
    pub slots: usize,
    /// For how long a job is a worker's; renewed while it runs. At most 30 s.
    pub lease: Duration,
    /// How often the database is asked for work, behind being told.
    pub poll_every: Duration,
    /// How long running jobs may go on once the worker stops.
    pub stop_patience: Duration,
    /// Pauses between attempts.
    pub backoff: Backoff,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            slots: 16,
            lease: Duration::from_secs(20),
            poll_every: Duration::from_secs(1),
            stop_patience: Duration::from_secs(7),
            backoff: Backoff::default(),
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did what was asked.
    Done,
    /// It failed, and the job is tried again.
    Retried,
    /// It failed, and the job is dead.
    Dead,
    /// The job was taken from it, since its lease could not be renewed.
    Lost,
    /// The worker stopped and gave the job back.
    Released,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] = [Self::Done, Self::Retried, Self::Dead, Self::Lost, Self::Released];

    /// Its name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried => "retried",
            Self::Dead => "dead",
            Self::Lost => "lost",
            Self::Released => "released",
        }
    }
}

/// Is told what a worker does; for metrics.
pub trait Observe: Send + Sync + fmt::Debug {
    /// An attempt of this kind ended, after so long.
    fn ended(&self, kind: &'static str, outcome: Outcome, took: Duration);
}

/// Nobody is told.
#[derive(Debug, Clone, Copy)]
pub struct Unobserved;

impl Observe for Unobserved {
    fn ended(&self, _: &'static str, _: Outcome, _: Duration) {}
}

type Handler = Arc<dyn Fn(Job) -> BoxFuture<'static, Result<Done, Failure>> + Send + Sync>;

struct Registered {
    kind: &'static str,
    limit: Duration,
    handler: Handler,
}

/// A worker that is being set up: handlers, schedules, then [`start`](Self::start).
pub struct Worker {
    db: Db,
    config: WorkerConfig,
    handlers: BTreeMap<&'static str, Arc<Registered>>,
    schedules: Vec<Schedule>,
    observer: Arc<dyn Observe>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("kinds", &self.handlers.keys())
            .field("schedules", &self.schedules)
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker without handlers, which claims nothing.
    pub fn new(db: Db, config: WorkerConfig) -> Self {
        Self { db, config, handlers: BTreeMap::new(), schedules: Vec::new(), observer: Arc::new(Unobserved) }
    }

    /// Runs jobs of this kind, two minutes each at most.
    #[must_use]
    pub fn handle<F, R>(self, kind: &'static str, handler: F) -> Self
    where
        F: Fn(Job) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Done, Failure>> + Send + 'static,
    {
        self.handle_within(kind, TIME_LIMIT, handler)
    }

    /// Runs jobs of this kind, so long each at most: what takes longer has failed, to be tried again.
    #[must_use]
    pub fn handle_within<F, R>(mut self, kind: &'static str, limit: Duration, handler: F) -> Self
    where
        F: Fn(Job) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Done, Failure>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |job| handler(job).boxed());
        self.handlers.insert(kind, Arc::new(Registered { kind, limit, handler }));
        self
    }

    /// Keeps a schedule.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedules.push(schedule);
        self
    }

    /// Who is told what happens.
    #[must_use]
    pub fn observe(mut self, observer: Arc<dyn Observe>) -> Self {
        self.observer = observer;
        self
    }

    /// The kinds that it runs.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.handlers.keys().copied()
    }

    /// Starts. When `cancel` fires it claims nothing more, lets running jobs go on for [`WorkerConfig::stop_patience`], and gives
    /// the rest back; [`Working::stopped`] waits for that.
    pub fn start(self, cancel: CancellationToken) -> Working {
        let Self { db, config, handlers, schedules, observer } = self;
        let lease = config.lease.clamp(Duration::from_millis(40), LONGEST_LEASE);
        let inner = Arc::new(Inner {
            db,
            kinds: handlers.keys().map(|kind| (*kind).to_owned()).collect(),
            handlers,
            observer,
            config: WorkerConfig { lease, slots: config.slots.max(1), ..config },
            owner: Uuid::now_v7(),
            leases: Leases::default(),
            heard: Notify::new(),
        });
        let tasks = TaskTracker::new();
        // Leases are renewed to the last: also while the worker stops.
        let beating = CancellationToken::new();
        let (this, stop) = (Arc::clone(&inner), beating.clone());
        tasks.spawn(async move { heartbeat::beat(this.db.clone(), &this.leases, this.owner, lease, stop).await });
        let (this, stop) = (Arc::clone(&inner), cancel.clone());
        tasks.spawn(async move { peers::listen(this.db.clone(), this.owner, &this.heard, stop).await });
        tasks.spawn(peers::tell(inner.db.clone(), inner.owner, cancel.clone()));
        tasks.spawn(schedule::keep(inner.db.clone(), schedules, cancel.clone()));
        tasks.spawn(async move {
            inner.work(cancel).await;
            beating.cancel();
        });
        tasks.close();
        Working { tasks }
    }
}

/// A worker that was started.
#[derive(Debug)]
pub struct Working {
    tasks: TaskTracker,
}

impl Working {
    /// Waits until everything has stopped, after the token given to [`Worker::start`] was cancelled.
    pub async fn stopped(&self) {
        self.tasks.wait().await;
    }
}

struct Inner {
    db: Db,
    config: WorkerConfig,
    handlers: BTreeMap<&'static str, Arc<Registered>>,
    kinds: Vec<String>,
    observer: Arc<dyn Observe>,
    /// This worker, in the jobs' rows. A new one at each start: what an earlier life left is not ours.
    owner: Uuid,
    leases: Leases,
    /// Another node says that there is work.
    heard: Notify,
}

impl Inner {
    async fn work(self: &Arc<Self>, cancel: CancellationToken) {
        let mut committed = self.db.committed(TOPIC);
        let mut running = JoinSet::new();
        // Each worker begins its rounds elsewhere.
        let mut after = Uuid::from_u128(rand::random());
        let mut failing = false;
        while !cancel.is_cancelled() {
            committed.mark_unchanged();
            while running.try_join_next().is_some() {}
            let free = self.config.slots - running.len();
            let mut more = false;
            if free > 0 && !self.kinds.is_empty() {
                match self.claim(free, &mut after).await {
                    Ok(claimed) => {
                        if std::mem::take(&mut failing) {
                            tracing::info!("jobs can be claimed again");
                        }
                        // As long as there is something: the claim may have looked at only so much.
                        more = !claimed.is_empty();
                        for (job, lost) in claimed {
                            running.spawn(Arc::clone(self).run(job, lost));
                        }
                    }
                    Err(error) => {
                        if !std::mem::replace(&mut failing, true) {
                            tracing::warn!(%error, "no jobs can be claimed; trying again");
                        }
                    }
                }
            }
            if more && running.len() < self.config.slots {
                continue;
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                _ = running.join_next(), if !running.is_empty() => {}
                _ = committed.changed(), if running.len() < self.config.slots => {}
                () = self.heard.notified(), if running.len() < self.config.slots => {}
                () = tokio::time::sleep(self.config.poll_every), if running.len() < self.config.slots => {}
            }
        }
        self.stop(running).await;
    }

    /// Claims, and notes the leases.
    async fn claim(&self, free: usize, after: &mut Uuid) -> Result<Vec<(Claimed, CancellationToken)>, DbError> {
        let (lanes, running): (Vec<Uuid>, Vec<i32>) = self.leases.by_lane().into_iter().unzip();
        let until = Instant::now() + self.config.lease;
        let mut tx = self.db.system().await?;
        let claim = Claim {
            owner: self.owner,
            lease: self.config.lease,
            free,
            kinds: &self.kinds,
            after: *after,
            lanes: &lanes,
            running: &running,
        };
        let claimed = store::claim(&mut tx, &claim).await?;
        tx.commit().await?;
        if let Some(last) = claimed.last() {
            *after = last.lane;
        }
        let begin = |job: Claimed| {
            let lost = self.leases.begin(job.id, job.lane, job.attempt, until);
            (job, lost)
        };
        Ok(claimed.into_iter().map(begin).collect())
    }

    /// One attempt, to its end.
    async fn run(self: Arc<Self>, claimed: Claimed, lost: CancellationToken) {
        let Some(registered) = self.handlers.get(claimed.kind.as_str()).cloned() else {
            // Only kinds of ours are claimed.
            return;
        };
        // Also when the task is aborted: the worker stops.
        let ending = Ended {
            inner: &self,
            claimed: &claimed,
            kind: registered.kind,
            begun: Instant::now(),
            outcome: Outcome::Released,
        };
        let result = tokio::select! {
            result = attempt(&registered, &claimed) => result,
            () = lost.cancelled() => return ending.with(Outcome::Lost),
        };
        let outcome = match &result {
            Ok(Done) => Outcome::Done,
            Err(failure) => {
                let error = failure.error();
                tracing::info!(job = %claimed.id, kind = registered.kind, attempt = claimed.attempt, error, "a job failed");
                Outcome::Retried
            }
        };
        // As long as the lease lasts, the database is told what came of it: else it would be done again.
        let told = tokio::select! {
            told = self.tell(&claimed, result, outcome) => told,
            () = lost.cancelled() => Outcome::Lost,
        };
        ending.with(told);
    }

    async fn tell(&self, claimed: &Claimed, result: Result<Done, Failure>, outcome: Outcome) -> Outcome {
        let error = result.as_ref().err().map(|failure| short(failure.error())).unwrap_or_default();
        let (ending, outcome) = match &result {
            Ok(Done) => (Ending::Done, outcome),
            Err(failure) => {
                let (attempt, is_last) = claimed.counted();
                match self.config.backoff.decide(failure, attempt, is_last, rand::random()) {
                    Verdict::Dead => (Ending::Dead(&error), Outcome::Dead),
                    Verdict::Retry(pause) => (Ending::Retry(&error, pause), outcome),
                }
            }
        };
        let mut pause = Duration::from_millis(20);
        loop {
            match self.finish(claimed, ending).await {
                Ok(true) => return outcome,
                Ok(false) => return Outcome::Lost,
                Err(error) => {
                    tracing::debug!(job = %claimed.id, %error, "the end of a job cannot be told; trying again");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn finish(&self, claimed: &Claimed, ending: Ending<'_>) -> Result<bool, DbError> {
        let mut tx = self.db.system().await?;
        let finished = store::finish(&mut tx, claimed.id, self.owner, claimed.attempt, ending).await?;
        tx.commit().await?;
        Ok(finished)
    }

    /// Lets running jobs go on for a while, then gives the rest back.
    async fn stop(&self, mut running: JoinSet<()>) {
        let ended = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(self.config.stop_patience, ended).await.is_ok() {
            return;
        }
        running.shutdown().await;
        let released = async {
            let mut tx = self.db.system().await?;
            let released = store::release(&mut tx, self.owner).await?;
            tx.commit().await?;
            Ok::<_, DbError>(released)
        };
        match released.await {
            Ok(jobs) => tracing::info!(jobs, "gave unfinished jobs back"),
            Err(error) => tracing::warn!(%error, "unfinished jobs are free when their leases have run out"),
        }
    }
}

impl Claimed {
    /// Which attempt it is since the job was enqueued or taken up again, from 1, and whether it is the last.
    fn counted(&self) -> (u32, bool) {
        let left = i64::from(self.last_attempt) - i64::from(self.attempt);
        let counted = i64::from(self.max_attempts) - left;
        (u32::try_from(counted.max(1)).unwrap_or(u32::MAX), left <= 0)
    }
}

/// Runs the handler; what panics or takes too long has failed.
async fn attempt(registered: &Registered, claimed: &Claimed) -> Result<Done, Failure> {
    let (_, is_last_attempt) = claimed.counted();
    let job = Job {
        id: claimed.id,
        tenant: claimed.tenant,
        payload: claimed.payload.clone(),
        attempt: claimed.attempt.unsigned_abs(),
        is_last_attempt,
        created_at: claimed.created_at,
    };
    let handled = AssertUnwindSafe(async { (registered.handler)(job).await }).catch_unwind();
    match tokio::time::timeout(registered.limit, handled).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Failure::retry("the handler panicked; the log says where")),
        Err(_) => Err(Failure::retry(format!("it took longer than {} s", registered.limit.as_secs_f32()))),
    }
}

/// Takes a job out of what runs when its attempt is over, however it ends.
struct Ended<'a> {
    inner: &'a Inner,
    claimed: &'a Claimed,
    kind: &'static str,
    begun: Instant,
    outcome: Outcome,
}

impl Ended<'_> {
    fn with(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.inner.leases.end(self.claimed.id, self.claimed.attempt);
        self.inner.observer.ended(self.kind, self.outcome, self.begun.elapsed());
    }
}

/// The beginning of a text, as much as is kept.
fn short(text: &str) -> String {
    let mut end = text.len().min(ERROR_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // PostgreSQL's text holds no NUL.
    text[..end].replace('\0', "\u{fffd}")
}
