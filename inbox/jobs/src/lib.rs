//! Jobs: work that is done outside of a transaction, at least once, by some node.
//!
//! - [`enqueue`] writes a [`NewJob`] in the caller's transaction: it exists if, and only if, that is committed. Workers are told after
//!   the commit (in this process at once, on other nodes by one `NOTIFY` per batch), and ask each second anyway.
//! - A [`Worker`] claims jobs in a short transaction, with a lease and an attempt number, and runs the handler of their kind with no
//!   transaction open. Whoever finishes a job proves with the attempt number that it is still theirs.
//! - What failed is tried again after a pause ([`Backoff`]), and is dead when it has used up its attempts or cannot succeed.
//! - A [`Schedule`] makes a job again and again: one, whatever the number of nodes.
//!
//! Invariants: a job runs at most once at a time; of a [key](NewJob::key) one job runs at a time, in the order in which they were enqueued;
//! a tenant's job waits for other tenants' running jobs at most, never for their waiting ones; a worker that dies loses its jobs to
//! others within [`WorkerConfig::lease`] and a poll. A handler may run again after it had its effect (its node died before it could say
//! so), so it must bear that.

mod heartbeat;
mod model;
mod peers;
mod policy;
mod schedule;
mod store;
mod worker;

use std::time::Duration;

use trunkline_db::{Db, DbError, JobId, SystemTx, TenantTx};

pub use model::{Backlog, Done, Failure, Found, Job, NewJob};
pub use policy::{Backoff, Verdict};
pub use schedule::Schedule;
pub use worker::{Observe, Outcome, Unobserved, Worker, WorkerConfig, Working};

/// What transactions announce when they made work for a worker.
pub(crate) const TOPIC: &str = "jobs";

/// Enqueues a job of the transaction's tenant.
pub async fn enqueue(tx: &mut TenantTx<'_>, job: NewJob) -> Result<JobId, DbError> {
    let id = JobId::new();
    store::enqueue(tx, id, &job).await?;
    tx.announce(TOPIC);
    Ok(id)
}

/// Enqueues a job that belongs to no tenant.
pub async fn enqueue_system(tx: &mut SystemTx, job: NewJob) -> Result<JobId, DbError> {
    let id = JobId::new();
    store::enqueue_system(tx, id, &job).await?;
    tx.announce(TOPIC);
    Ok(id)
}

/// A transaction in which jobs are enqueued, whichever of the two it is.
pub trait Enqueue {
    /// Enqueues a job: of the transaction's tenant, or of the installation.
    fn enqueue_job(&mut self, job: NewJob) -> impl Future<Output = Result<JobId, DbError>> + Send;
}

impl Enqueue for TenantTx<'_> {
    async fn enqueue_job(&mut self, job: NewJob) -> Result<JobId, DbError> {
        enqueue(self, job).await
    }
}

impl Enqueue for SystemTx {
    async fn enqueue_job(&mut self, job: NewJob) -> Result<JobId, DbError> {
        enqueue_system(self, job).await
    }
}

/// Has a job that is dead or waits for its time run now, with as many attempts as it was given at first. One that is running, done or
/// waits for its turn is left alone. `None`: the tenant has no such job.
pub async fn retry(tx: &mut TenantTx<'_>, id: JobId) -> Result<Option<Found>, DbError> {
    let found = store::retry(tx, id).await?;
    tx.announce(TOPIC);
    Ok(found)
}

/// Removes a job, unless it is running. `None`: the tenant has no such job.
pub async fn drop_job(tx: &mut TenantTx<'_>, id: JobId) -> Result<Option<Found>, DbError> {
    let found = store::drop_job(tx, id).await?;
    // A later job of its key may be next.
    tx.announce(TOPIC);
    Ok(found)
}

/// What waits, runs and is dead, by kind: for metrics. Reads every unfinished job.
pub async fn backlog(db: &Db) -> Result<Vec<Backlog>, DbError> {
    let mut tx = db.system().await?;
    let backlog = store::backlog(&mut tx).await?;
    tx.commit().await?;
    Ok(backlog)
}

/// Deletes what was done longer ago than `done`, and what died longer ago than `dead`, in steps of at most 500 rows.
pub async fn sweep(db: &Db, done: Duration, dead: Duration) -> Result<u64, DbError> {
    let mut total = 0;
    loop {
        let mut tx = db.system().await?;
        let rows = store::sweep(&mut tx, done, dead, 500).await?;
        tx.commit().await?;
        total += u64::from(rows.unsigned_abs());
        if rows < 500 {
            return Ok(total);
        }
    }
}
