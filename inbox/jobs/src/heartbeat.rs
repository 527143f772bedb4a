//! The jobs that a worker runs, and the renewal of their leases.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError, JobId};
use uuid::Uuid;

use crate::store;

/// One running job.
#[derive(Debug)]
struct Lease {
    lane: Uuid,
    attempt: i32,
    /// Until when it is ours for sure: counted from before the database was asked.
    until: Instant,
    /// Fires when it is not ours any more.
    lost: CancellationToken,
}

/// The jobs that a worker runs.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashMap<JobId, Lease>>);

impl Leases {
    /// Held for one look, never across an await.
    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a job that was claimed; the token fires when its lease is lost.
    pub(crate) fn begin(&self, id: JobId, lane: Uuid, attempt: i32, until: Instant) -> CancellationToken {
        let lost = CancellationToken::new();
        let lease = Lease { lane, attempt, until, lost: lost.clone() };
        if let Some(before) = self.lock().insert(id, lease) {
            // It was taken from us unnoticed, and came back: the older attempt is over.
            before.lost.cancel();
        }
        lost
    }

    /// Forgets an attempt that has ended.
    pub(crate) fn end(&self, id: JobId, attempt: i32) {
        let mut leases = self.lock();
        if leases.get(&id).is_some_and(|lease| lease.attempt == attempt) {
            leases.remove(&id);
        }
    }

    /// How many jobs run in each lane.
    pub(crate) fn by_lane(&self) -> HashMap<Uuid, i32> {
        let mut lanes = HashMap::new();
        for lease in self.lock().values() {
            *lanes.entry(lease.lane).or_default() += 1;
        }
        lanes
    }

    /// The attempts that run.
    fn attempts(&self) -> (Vec<Uuid>, Vec<i32>) {
        self.lock().iter().map(|(id, lease)| (id.uuid(), lease.attempt)).unzip()
    }

    /// These were renewed, of those that were asked for; the rest of them is lost.
    fn renewed(&self, asked: &[Uuid], attempts: &[i32], renewed: &[JobId], until: Instant) {
        let mut leases = self.lock();
        for (id, attempt) in asked.iter().zip(attempts) {
            let id = JobId(*id);
            let Some(lease) = leases.get_mut(&id).filter(|lease| lease.attempt == *attempt) else { continue };
            if renewed.contains(&id) {
                lease.until = until;
            } else {
                lease.lost.cancel();
            }
        }
    }

    /// Gives up what may be somebody else's by then.
    fn give_up_before(&self, then: Instant) {
        for (id, lease) in self.lock().iter() {
            if lease.until < then && !lease.lost.is_cancelled() {
                tracing::warn!(job = %id, "a lease could not be renewed in time; the attempt is given up");
                lease.lost.cancel();
            }
        }
    }
}

/// Renews what runs, four times within a lease, until `stop` fires.
pub(crate) async fn beat(db: Db, leases: &Leases, owner: Uuid, lease: Duration, stop: CancellationToken) {
    let period = lease / 4;
    while stop.run_until_cancelled(tokio::time::sleep(period)).await.is_some() {
        let (ids, attempts) = leases.attempts();
        if ids.is_empty() {
            continue;
        }
        let until = Instant::now() + lease;
        match tokio::time::timeout(period, renew(&db, owner, lease, &ids, &attempts)).await {
            Ok(Ok(renewed)) => leases.renewed(&ids, &attempts, &renewed, until),
            Ok(Err(error)) => tracing::debug!(%error, "leases could not be renewed; trying again"),
            Err(_) => tracing::debug!("leases could not be renewed in time; trying again"),
        }
        // By the time of the next look.
        leases.give_up_before(Instant::now() + period);
    }
}

async fn renew(db: &Db, owner: Uuid, lease: Duration, ids: &[Uuid], attempts: &[i32]) -> Result<Vec<JobId>, DbError> {
    let mut tx = db.system().await?;
    let renewed = store::renew(&mut tx, owner, lease, ids, attempts).await?;
    tx.commit().await?;
    Ok(renewed)
}
