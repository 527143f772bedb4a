//! SQL of what admins see of their tenant's jobs, and of the jobs of the system itself.

use trunkline_db::{DbError, JobId, SystemTx, TenantTx};

use super::model::{Job, JobState, Row};

/// A list's query: of each state its own, so that the index that holds just these rows is read.
macro_rules! list {
    ($tx:expr, $kind:expr, $before:expr, $limit:expr, $condition:tt) => {
        sqlx::query_as!(
            Row,
            "SELECT id, kind, state, key, priority, attempt, last_attempt, run_at, created_at, started_at, finished_at, error, sealed, "
                + "NULL::json AS payload FROM jobs WHERE "
                + $condition
                + " AND ($1::text IS NULL OR kind = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
            $kind,
            $before,
            $limit,
        )
        .fetch_all($tx.conn())
        .await?
    };
}

/// The tenant's jobs, the newest first, before an id.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    state: Option<JobState>,
    kind: Option<&str>,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<Job>, DbError> {
    let before = before.map(JobId::uuid);
    let rows = match state {
        None => list!(tx, kind, before, limit, "true"),
        Some(JobState::Waiting) => list!(tx, kind, before, limit, "state IN ('scheduled', 'ready', 'held')"),
        Some(JobState::Running) => list!(tx, kind, before, limit, "state = 'running'"),
        Some(JobState::Done) => list!(tx, kind, before, limit, "state = 'done'"),
        Some(JobState::Dead) => list!(tx, kind, before, limit, "state = 'dead'"),
    };
    Ok(rows.into_iter().map(Job::from).collect())
}

/// One of the tenant's jobs, with what it was given unless that is sealed.
pub(super) async fn find(tx: &mut TenantTx<'_>, id: JobId) -> Result<Option<Job>, DbError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, kind, state, key, priority, attempt, last_attempt, run_at, created_at, started_at, finished_at, error, sealed,
                CASE WHEN sealed THEN NULL ELSE payload END AS payload
           FROM jobs WHERE id = $1",
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Job::from))
}

/// Analyses tables that have grown from nothing, or to twice their size. How many there were.
pub(super) async fn analyze_young_tables(tx: &mut SystemTx) -> Result<i32, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT analyze_young_tables() AS "tables!""#).fetch_one(tx.conn()).await?)
}
