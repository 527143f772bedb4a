//! A writer lane: puts what is waiting into one transaction.
//!
//! Each command runs in its own savepoint, so one that fails is undone and answered alone. The tenants' heads are locked last, in the
//! tenants' order, by the one statement that appends all events; then comes COMMIT. After a deadlock or a lock time-out the
//! batch is tried again command by command.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError, LaneConnection, LaneTx, TenantId};

use crate::{
    command::{Ending, Failure, Job, Placed, Ran, SeqRange, Unavailable, Work},
    event::{MAX_EVENTS, Sealed, Seq},
    frame::Frame,
    hub::Hub,
    journal::JournalStats,
    store::{self, Appended},
};

/// A statement waits for a lock no longer than this: a lane has others to serve.
const LOCK_TIMEOUT: Duration = Duration::from_millis(200);
/// A statement runs no longer than this.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);
/// A transaction that takes longer is given up: the connection hangs, or a command waits for something else.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it is tried to find out what became of a transaction whose COMMIT was not answered.
const PROOF_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a command that is alone in its transaction is tried again after a lost race.
const RETRIES: u32 = 5;

/// What the lanes have done, together.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    commands: AtomicU64,
    events: AtomicU64,
    batches: AtomicU64,
    contended: AtomicU64,
    unavailable: AtomicU64,
    unknown: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self, waiting: usize) -> JournalStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        JournalStats {
            commands: read(&self.commands),
            events: read(&self.events),
            batches: read(&self.batches),
            contended: read(&self.contended),
            unavailable: read(&self.unavailable),
            unknown: read(&self.unknown),
            waiting,
        }
    }
}

fn count(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}

pub(crate) struct Lane {
    number: usize,
    db: Db,
    hub: Hub,
    counters: Arc<Counters>,
    batch_max: usize,
    connection: Option<LaneConnection>,
}

/// What a job gave before the transaction's end.
enum Verdict {
    /// An append: its events are the job's.
    Appends,
    Events(Vec<Sealed>),
    Refused,
    /// A statement of it failed, and it did not say so itself.
    Failed(DbError),
}

/// A transaction that was not committed, or not surely.
enum Undone {
    /// A lost race: may well succeed alone. Nothing was written.
    Contended(DbError),
    /// The transaction did not end in time. Nothing was written.
    TooSlow,
    /// The database refused it. Nothing was written.
    Refused(DbError),
    /// The connection broke before COMMIT was sent. Nothing was written.
    Broken(DbError),
    /// The connection broke around COMMIT, and the database could not be asked what became of it.
    Unknown,
}

impl From<DbError> for Undone {
    fn from(error: DbError) -> Self {
        if error.is_contention() {
            Self::Contended(error)
        } else if error.is_statement_timeout() {
            Self::TooSlow
        } else if error.is_unavailable() {
            Self::Broken(error)
        } else {
            Self::Refused(error)
        }
    }
}

impl Lane {
    pub(crate) fn new(number: usize, db: Db, hub: Hub, counters: Arc<Counters>, batch_max: usize) -> Self {
        Self { number, db, hub, counters, batch_max: batch_max.max(1), connection: None }
    }

    /// Serves until the journal is dropped or `cancel` fires; then what is waiting is still served.
    pub(crate) async fn run(mut self, mut waiting: mpsc::Receiver<Job>, cancel: CancellationToken) {
        let mut jobs = Vec::new();
        loop {
            tokio::select! {
                n = waiting.recv_many(&mut jobs, self.batch_max) => if n == 0 { break },
                () = cancel.cancelled(), if !waiting.is_closed() => {
                    waiting.close();
                    continue;
                }
            }
            let mut batch: VecDeque<Job> = jobs.drain(..).collect();
            while !batch.is_empty() {
                if let Err(error) = self.connect().await {
                    // Whoever waits is told at once rather than one time-out after the other.
                    while let Ok(job) = waiting.try_recv() {
                        batch.push_back(job);
                    }
                    tracing::warn!(lane = self.number, %error, commands = batch.len(), "the journal cannot be written");
                    self.fail_all(batch.drain(..), &error);
                } else {
                    self.serve(&mut batch).await;
                }
            }
        }
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    /// Carries out as many jobs from the front as fit in one transaction, and ends them.
    async fn serve(&mut self, jobs: &mut VecDeque<Job>) {
        let mut taken = 0;
        let mut undone = match self.transact(jobs, &mut taken).await {
            Ok(endings) => return end_all(jobs, endings),
            Err(undone) => undone,
        };
        if let Undone::Broken(_) = undone
            && self.connect().await.is_ok()
        {
            // An idle connection that the server had closed is found out only by its first use.
            undone = match self.transact(jobs, &mut taken).await {
                Ok(endings) => return end_all(jobs, endings),
                Err(undone) => undone,
            };
        }
        match undone {
            Undone::Broken(error) => self.fail_all(jobs.drain(..), &error),
            Undone::Unknown => self.end_unknown(jobs.drain(..taken)),
            Undone::TooSlow | Undone::Refused(_) if taken == 1 => {
                if let Some(job) = jobs.pop_front() {
                    self.give_up(job, undone);
                }
            }
            Undone::Contended(_) | Undone::TooSlow | Undone::Refused(_) => {
                count(&self.counters.contended, 1);
                let one_by_one: Vec<_> = jobs.drain(..taken).collect();
                for job in one_by_one {
                    self.serve_alone(job).await;
                }
            }
        }
    }

    /// Carries out one job in a transaction of its own; tries again after a lost race.
    async fn serve_alone(&mut self, job: Job) {
        let mut jobs = VecDeque::from([job]);
        let mut taken = 0;
        let mut attempt = 0;
        let undone = loop {
            attempt += 1;
            if let Err(error) = self.connect().await {
                break Undone::Broken(error);
            }
            match self.transact(&mut jobs, &mut taken).await {
                Ok(endings) => return end_all(&mut jobs, endings),
                Err(Undone::Contended(_) | Undone::Broken(_)) if attempt < RETRIES => {
                    count(&self.counters.contended, 1);
                    // Those who met must not meet again at once.
                    tokio::time::sleep(Duration::from_millis(rand::random_range(1..=10) * u64::from(attempt))).await;
                }
                Err(undone) => break undone,
            }
        };
        if let Some(job) = jobs.pop_front() {
            self.give_up(job, undone);
        }
    }

    /// One transaction: the jobs, the events, COMMIT, and the news of it. `taken` says how many jobs took part.
    async fn transact(&mut self, jobs: &mut VecDeque<Job>, taken: &mut usize) -> Result<Vec<Ending>, Undone> {
        *taken = 1;
        let Some(mut connection) = self.connection.take() else {
            return Err(Undone::Broken(DbError::from(sqlx::Error::WorkerCrashed)));
        };
        let deadline = Instant::now() + TRANSACTION_TIMEOUT;
        // Wherever this returns early without putting the connection back, it is dropped, and the server rolls back.
        let mut tx = timeout_at(deadline, connection.begin()).await.map_err(|_| Undone::TooSlow)??;
        let running = Box::pin(run_jobs(&mut tx, jobs, self.batch_max, taken));
        let verdicts = match timeout_at(deadline, running).await.unwrap_or(Err(Undone::TooSlow)) {
            Ok(verdicts) => verdicts,
            Err(undone) => {
                if !matches!(undone, Undone::Broken(_)) && in_time(tx.rollback()).await {
                    self.connection = Some(connection);
                }
                return Err(undone);
            }
        };
        let batches = by_tenant(jobs, &verdicts);
        let appending = Box::pin(append(&mut tx, &batches, &verdicts));
        let (appended, xid) = match timeout_at(deadline, appending).await.unwrap_or(Err(Undone::TooSlow)) {
            Ok(appended) => appended,
            Err(undone) => {
                if !matches!(undone, Undone::Broken(_)) && in_time(tx.rollback()).await {
                    self.connection = Some(connection);
                }
                return Err(undone);
            }
        };
        let lineage = tx.lineage().to_owned();
        if let Some(xid) = xid {
            match timeout_at(deadline, tx.commit()).await {
                Ok(Ok(())) => self.connection = Some(connection),
                Ok(Err(error)) if !error.is_unavailable() => {
                    // A clear no: the server has rolled back.
                    self.connection = Some(connection);
                    return Err(error.into());
                }
                Ok(Err(_)) | Err(_) => {
                    drop(connection);
                    match self.was_committed(&xid, &lineage).await {
                        Some(true) => {}
                        Some(false) => return Err(Undone::Broken(DbError::from(sqlx::Error::WorkerCrashed))),
                        None => return Err(Undone::Unknown),
                    }
                }
            }
        } else if in_time(tx.rollback()).await {
            // Nothing was written.
            self.connection = Some(connection);
        }
        self.show(&batches, &appended);
        let endings = endings(jobs, verdicts, &appended);
        count(&self.counters.batches, 1);
        count(&self.counters.commands, endings.len());
        Ok(endings)
    }

    /// Shows what was committed to those who listen, and tells the other nodes.
    fn show(&self, batches: &Batches<'_>, appended: &[Appended]) {
        for ((tenant, events), appended) in batches.iter().zip(appended) {
            count(&self.counters.events, events.len());
            let places = appended.first.get()..;
            // Without listeners nothing is encoded.
            if let Some(channel) = self.hub.channel(*tenant) {
                let frames = events.iter().zip(places).map(|(sealed, seq)| Frame::of(sealed, Seq(seq))).collect();
                self.hub.publish(&channel, frames);
            }
            self.hub.note(*tenant, Seq(appended.first.get() + events.len() as i64 - 1));
        }
    }

    /// Asks a new connection what became of a transaction. `None`: it cannot be known.
    async fn was_committed(&mut self, xid: &str, lineage: &str) -> Option<bool> {
        let deadline = Instant::now() + PROOF_TIMEOUT;
        while Instant::now() < deadline {
            if self.connect().await.is_ok()
                && let Some(mut connection) = self.connection.take()
            {
                if connection.lineage() != lineage {
                    // Another server's transactions have the same numbers and other meanings.
                    self.connection = Some(connection);
                    return None;
                }
                if let Ok(Ok(answer)) = timeout_at(deadline, connection.was_committed(xid)).await {
                    self.connection = Some(connection);
                    if answer.is_some() {
                        return answer;
                    }
                }
            }
            // The server is not back yet, or still at work on it.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }

    async fn connect(&mut self) -> Result<(), DbError> {
        if self.connection.is_none() {
            self.connection = Some(self.db.lane(LOCK_TIMEOUT, STATEMENT_TIMEOUT).await?);
        }
        Ok(())
    }

    fn give_up(&self, job: Job, undone: Undone) {
        let failure = match undone {
            Undone::Contended(error) => Failure::Unavailable(Unavailable::Contended(error.to_string())),
            Undone::TooSlow => Failure::Unavailable(Unavailable::TooSlow),
            Undone::Broken(error) => Failure::Unavailable(Unavailable::Database(error.to_string())),
            Undone::Refused(error) => Failure::Db(error),
            Undone::Unknown => Failure::Unknown,
        };
        match failure {
            Failure::Unavailable(_) => count(&self.counters.unavailable, 1),
            Failure::Unknown => count(&self.counters.unknown, 1),
            Failure::Db(_) => {}
        }
        job.end(Ending::Failed(failure));
    }

    fn fail_all(&self, jobs: impl Iterator<Item = Job>, error: &DbError) {
        for job in jobs {
            count(&self.counters.unavailable, 1);
            job.end(Ending::Failed(Failure::Unavailable(Unavailable::Database(error.to_string()))));
        }
    }

    fn end_unknown(&self, jobs: impl Iterator<Item = Job>) {
        for job in jobs {
            count(&self.counters.unknown, 1);
            job.end(Ending::Failed(Failure::Unknown));
        }
    }
}

/// The events of a transaction, tenant by tenant, in the tenants' order.
type Batches<'a> = Vec<(TenantId, Vec<&'a Sealed>)>;

/// Runs jobs from the front until the transaction is full. What each did is kept, or undone alone.
async fn run_jobs(
    tx: &mut LaneTx<'_>,
    jobs: &mut VecDeque<Job>,
    batch_max: usize,
    taken: &mut usize,
) -> Result<Vec<Verdict>, Undone> {
    let mut verdicts = Vec::new();
    let mut events = 0;
    let alone = jobs.len() == 1;
    for job in jobs.iter_mut().take(batch_max) {
        if events >= MAX_EVENTS {
            break;
        }
        let verdict = match &mut job.work {
            Work::Append { events: more, .. } => {
                if events > 0 && events + more.len() > MAX_EVENTS {
                    break;
                }
                events += more.len();
                Verdict::Appends
            }
            Work::Command(command) => {
                *taken = verdicts.len() + 1;
                // Role and tenant are set before the savepoint, so that they outlive a command that is undone.
                tx.tenant(job.tenant).await?;
                if !alone {
                    tx.savepoint().await?;
                }
                let ran = command.run(&mut tx.tenant(job.tenant).await?).await;
                match ran {
                    Ran::Stopped(error) => return Err(error.into()),
                    Ran::Done(_) | Ran::Refused if alone => match ran {
                        Ran::Done(sealed) => Verdict::Events(sealed),
                        _ => Verdict::Refused,
                    },
                    Ran::Done(sealed) => match tx.release().await {
                        Ok(()) => {
                            events += sealed.len();
                            Verdict::Events(sealed)
                        }
                        // A statement had failed, and the command went on as if it had not.
                        Err(error) if !error.is_unavailable() => {
                            tx.undo().await?;
                            Verdict::Failed(error)
                        }
                        Err(error) => return Err(error.into()),
                    },
                    Ran::Refused => {
                        tx.undo().await?;
                        Verdict::Refused
                    }
                }
            }
        };
        verdicts.push(verdict);
        *taken = verdicts.len();
    }
    Ok(verdicts)
}

fn events_of<'a>(job: &'a Job, verdict: &'a Verdict) -> &'a [Sealed] {
    match (verdict, &job.work) {
        (Verdict::Appends, Work::Append { events, .. }) | (Verdict::Events(events), _) => events,
        _ => &[],
    }
}

fn by_tenant<'a>(jobs: &'a VecDeque<Job>, verdicts: &'a [Verdict]) -> Batches<'a> {
    let mut batches: BTreeMap<TenantId, Vec<&Sealed>> = BTreeMap::new();
    for (job, verdict) in jobs.iter().zip(verdicts) {
        let events = events_of(job, verdict);
        if !events.is_empty() {
            batches.entry(job.tenant).or_default().extend(events);
        }
    }
    batches.into_iter().collect()
}

/// Appends all events at the transaction's end. Returns the places and the transaction's id; no id: nothing was written.
async fn append(
    tx: &mut LaneTx<'_>,
    batches: &Batches<'_>,
    verdicts: &[Verdict],
) -> Result<(Vec<Appended>, Option<String>), Undone> {
    if !batches.is_empty() {
        let (appended, xid) = store::append(tx.system().await?, batches).await.map_err(DbError::from)?;
        return Ok((appended, Some(xid)));
    }
    let xid = if verdicts.iter().any(|verdict| matches!(verdict, Verdict::Events(_))) { tx.xid().await? } else { None };
    Ok((Vec::new(), xid))
}

/// What each job is told, now that all is committed. A tenant's events stand in the order of its jobs.
fn endings(jobs: &VecDeque<Job>, verdicts: Vec<Verdict>, appended: &[Appended]) -> Vec<Ending> {
    let mut next: BTreeMap<TenantId, (Seq, DateTime<Utc>)> =
        appended.iter().map(|appended| (appended.tenant, (appended.first, appended.recorded_at))).collect();
    let mut place = |job: &Job, verdict: &Verdict| {
        let count = events_of(job, verdict).len() as i64;
        let (first, recorded_at) = next.get_mut(&job.tenant).filter(|_| count > 0)?;
        let range = SeqRange { first: *first, last: Seq(first.get() + count - 1) };
        *first = range.last.next();
        Some(Placed { range, recorded_at: *recorded_at })
    };
    jobs.iter()
        .zip(verdicts)
        .map(|(job, verdict)| match verdict {
            Verdict::Appends | Verdict::Events(_) => Ending::Committed(place(job, &verdict)),
            Verdict::Refused => Ending::Refused,
            Verdict::Failed(error) => Ending::Failed(Failure::Db(error)),
        })
        .collect()
}

fn end_all(jobs: &mut VecDeque<Job>, endings: Vec<Ending>) {
    for (job, ending) in jobs.drain(..endings.len()).zip(endings) {
        job.end(ending);
    }
}

/// Whether it was done well and soon.
async fn in_time(doing: impl Future<Output = Result<(), DbError>>) -> bool {
    matches!(timeout(Duration::from_secs(1), doing).await, Ok(Ok(())))
}
