//! The jobs' SQL. What is hard to get right stands in the functions of `0010_jobs.sql`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::types::PgInterval;
use trunkline_db::{DbError, JobId, SystemTx, TenantId, TenantTx};
use uuid::Uuid;

use crate::model::{Backlog, Found, NewJob};

/// A job that was claimed.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) id: JobId,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) lane: Uuid,
    pub(crate) kind: String,
    pub(crate) payload: Value,
    pub(crate) attempt: i32,
    pub(crate) last_attempt: i32,
    pub(crate) max_attempts: i16,
    pub(crate) created_at: DateTime<Utc>,
}

/// Enqueues for the transaction's tenant.
pub(crate) async fn enqueue(tx: &mut TenantTx<'_>, id: JobId, job: &NewJob) -> Result<(), DbError> {
    sqlx::query!(
        "SELECT job_enqueue($1, $2, $3, $4, $5, $6, $7, $8)",
        id.uuid(),
        job.kind,
        job.payload.to_string(),
        job.sealed,
        job.key.as_deref(),
        job.priority,
        job.run_at,
        attempts(job),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Enqueues for the installation.
pub(crate) async fn enqueue_system(tx: &mut SystemTx, id: JobId, job: &NewJob) -> Result<(), DbError> {
    sqlx::query!(
        "SELECT job_enqueue_system($1, $2, $3, $4, $5, $6, $7, $8)",
        id.uuid(),
        job.kind,
        job.payload.to_string(),
        job.sealed,
        job.key.as_deref(),
        job.priority,
        job.run_at,
        attempts(job),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn attempts(job: &NewJob) -> i16 {
    i16::try_from(job.max_attempts.max(1)).unwrap_or(i16::MAX)
}

/// What a worker wants.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) owner: Uuid,
    pub(crate) lease: Duration,
    pub(crate) free: usize,
    pub(crate) kinds: &'a [String],
    /// The lane that was served last.
    pub(crate) after: Uuid,
    /// Lanes whose jobs the worker runs, and how many of each.
    pub(crate) lanes: &'a [Uuid],
    pub(crate) running: &'a [i32],
}

/// Claims jobs.
pub(crate) async fn claim(tx: &mut SystemTx, claim: &Claim<'_>) -> Result<Vec<Claimed>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", tenant_id, lane AS "lane!", kind AS "kind!", payload AS "payload!", attempt AS "attempt!",
                  last_attempt AS "last_attempt!", max_attempts AS "max_attempts!", created_at AS "created_at!"
             FROM job_claim($1, $2, $3, $4, $5, $6, $7)"#,
        claim.owner,
        interval(claim.lease),
        i32::try_from(claim.free).unwrap_or(i32::MAX),
        claim.kinds,
        claim.after,
        claim.lanes,
        claim.running,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            id: JobId(row.id),
            tenant: row.tenant_id.map(TenantId),
            lane: row.lane,
            kind: row.kind,
            payload: row.payload,
            attempt: row.attempt,
            last_attempt: row.last_attempt,
            max_attempts: row.max_attempts,
            created_at: row.created_at,
        })
        .collect())
}

/// Renews leases; the jobs that are still the owner's.
pub(crate) async fn renew(
    tx: &mut SystemTx,
    owner: Uuid,
    lease: Duration,
    ids: &[Uuid],
    attempts: &[i32],
) -> Result<Vec<JobId>, DbError> {
    let rows = sqlx::query_scalar!(
        r#"SELECT job AS "job!" FROM job_renew($1, $2, $3, $4) AS job"#,
        owner,
        interval(lease),
        ids,
        attempts,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(JobId).collect())
}

/// How an attempt ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending<'a> {
    Done,
    Dead(&'a str),
    Retry(&'a str, Duration),
}

/// Ends an attempt; `false` when the job is no longer this attempt's.
pub(crate) async fn finish(
    tx: &mut SystemTx,
    id: JobId,
    owner: Uuid,
    attempt: i32,
    ending: Ending<'_>,
) -> Result<bool, DbError> {
    let (state, error, after) = match ending {
        Ending::Done => ("done", None, None),
        Ending::Dead(error) => ("dead", Some(error), None),
        Ending::Retry(error, after) => ("scheduled", Some(error), Some(interval(after))),
    };
    Ok(sqlx::query_scalar!(
        r#"SELECT job_finish($1, $2, $3, $4, $5, $6) AS "finished!""#,
        id.uuid(),
        owner,
        attempt,
        state,
        error,
        after,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Gives everything of a worker back.
pub(crate) async fn release(tx: &mut SystemTx, owner: Uuid) -> Result<i32, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT job_release($1) AS "released!""#, owner).fetch_one(tx.conn()).await?)
}

/// See [`crate::retry`].
pub(crate) async fn retry(tx: &mut TenantTx<'_>, id: JobId) -> Result<Option<Found>, DbError> {
    let state = sqlx::query_scalar!("SELECT job_retry($1)", id.uuid()).fetch_one(tx.conn()).await?;
    Ok(state.map(|state| Found::from_state(&state)))
}

/// See [`crate::drop_job`].
pub(crate) async fn drop_job(tx: &mut TenantTx<'_>, id: JobId) -> Result<Option<Found>, DbError> {
    let state = sqlx::query_scalar!("SELECT job_drop($1)", id.uuid()).fetch_one(tx.conn()).await?;
    Ok(state.map(|state| Found::from_state(&state)))
}

/// Deletes some of what ended long ago; how many.
pub(crate) async fn sweep(tx: &mut SystemTx, done: Duration, dead: Duration, limit: i32) -> Result<i32, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT job_sweep($1, $2, $3) AS "swept!""#, interval(done), interval(dead), limit)
        .fetch_one(tx.conn())
        .await?)
}

/// What there is of each kind.
pub(crate) async fn backlog(tx: &mut SystemTx) -> Result<Vec<Backlog>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT kind,
                  count(*) FILTER (WHERE state IN ('scheduled', 'ready', 'held')) AS "waiting!",
                  count(*) FILTER (WHERE state = 'running') AS "running!",
                  count(*) FILTER (WHERE state = 'dead') AS "dead!",
                  coalesce(extract(epoch FROM clock_timestamp() - min(run_at) FILTER (WHERE state = 'ready')), 0)::float8 AS "oldest_due!"
             FROM jobs WHERE state <> 'done' GROUP BY kind"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Backlog {
            kind: row.kind,
            waiting: row.waiting.unsigned_abs(),
            running: row.running.unsigned_abs(),
            dead: row.dead.unsigned_abs(),
            oldest_due: Duration::try_from_secs_f64(row.oldest_due).unwrap_or_default(),
        })
        .collect())
}

/// Tells the other nodes.
pub(crate) async fn notify(tx: &mut SystemTx, channel: &str, payload: &str) -> Result<(), DbError> {
    sqlx::query!("SELECT pg_notify($1, $2)", channel, payload).execute(tx.conn()).await?;
    Ok(())
}

/// The server's time.
pub(crate) async fn now(tx: &mut SystemTx) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(tx.conn()).await?)
}

/// A schedule whose time has come.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) name: String,
    pub(crate) rule: String,
    pub(crate) next_at: DateTime<Utc>,
}

/// Makes a schedule known. One that is known keeps its time, unless its rule has changed.
pub(crate) async fn register_schedule(
    tx: &mut SystemTx,
    name: &str,
    rule: &str,
    next_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO job_schedules AS s (name, rule, next_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, next_at = excluded.next_at WHERE s.rule <> excluded.rule",
        name,
        rule,
        next_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The schedules whose time has come, but for those that another node is at.
pub(crate) async fn due_schedules(tx: &mut SystemTx, names: &[&str], now: DateTime<Utc>) -> Result<Vec<Due>, DbError> {
    Ok(sqlx::query_as!(
        Due,
        "SELECT name, rule, next_at FROM job_schedules WHERE name = ANY ($1) AND next_at <= $2 FOR UPDATE SKIP LOCKED",
        names as &[&str],
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Sets a schedule's next time.
pub(crate) async fn move_schedule(tx: &mut SystemTx, name: &str, next_at: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("UPDATE job_schedules SET last_at = next_at, next_at = $2 WHERE name = $1", name, next_at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The next time of any of these schedules.
pub(crate) async fn next_schedule(tx: &mut SystemTx, names: &[&str]) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!("SELECT min(next_at) FROM job_schedules WHERE name = ANY ($1)", names as &[&str])
        .fetch_one(tx.conn())
        .await?)
}

/// Whether a job of the installation with this key is waiting or running.
pub(crate) async fn is_unfinished(tx: &mut SystemTx, key: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        // Two questions, because two indexes answer them.
        r#"SELECT EXISTS (SELECT FROM jobs WHERE lane = 'ffffffff-ffff-ffff-ffff-ffffffffffff' AND key = $1
                             AND state IN ('scheduled', 'ready', 'held'))
               OR EXISTS (SELECT FROM jobs WHERE lane = 'ffffffff-ffff-ffff-ffff-ffffffffffff' AND key = $1
                             AND state = 'running') AS "unfinished!""#,
        key
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Microseconds are what PostgreSQL counts in.
fn interval(duration: Duration) -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2) }
}
