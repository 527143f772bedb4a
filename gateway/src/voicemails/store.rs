//! SQL of messages that callers leave.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, CallId, DbError, QueueId, SystemTx, TenantId, TenantTx};
use uuid::Uuid;

use super::http::Voicemail;
use crate::queues;
use crate::roster::Sight;

/// A message that Asterisk still has.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) asterisk: String,
    pub(super) name: String,
    pub(super) at: DateTime<Utc>,
    pub(super) length_ms: i64,
}

pub(super) async fn waiting(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Waiting>, DbError> {
    Ok(sqlx::query_as!(
        Waiting,
        "SELECT asterisk, name, at, length_ms FROM voicemails WHERE id = $1 AND state = 'fetching'",
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// What is told of a message.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) id: Uuid,
    pub(super) call_id: CallId,
    pub(super) queue_id: Option<QueueId>,
    pub(super) number: String,
    pub(super) length_ms: i64,
    pub(super) state: String,
    pub(super) done_at: Option<DateTime<Utc>>,
    pub(super) asterisk: String,
    pub(super) name: String,
}

/// It is in the store of files. `None`: it is not waited for any more.
pub(super) async fn ready(
    tx: &mut TenantTx<'_>,
    id: Uuid,
    length_ms: i64,
    bytes: i64,
) -> Result<Option<Told>, DbError> {
    let done = sqlx::query!(
        "UPDATE voicemails SET state = 'ready', blob_id = id, length_ms = $2, bytes = $3, error = NULL, updated_at = now()
          WHERE id = $1 AND state = 'fetching'",
        id,
        length_ms,
        bytes,
    );
    let changed = done.execute(tx.conn()).await?.rows_affected() == 1;
    if changed { told(tx, id).await } else { Ok(None) }
}

/// It will never come. `None`: it is not waited for any more.
pub(super) async fn lost(tx: &mut TenantTx<'_>, id: Uuid, why: &str) -> Result<Option<Told>, DbError> {
    let done = sqlx::query!(
        "UPDATE voicemails SET state = 'lost', error = $2, updated_at = now() WHERE id = $1 AND state = 'fetching'",
        id,
        why,
    );
    let changed = done.execute(tx.conn()).await?.rows_affected() == 1;
    if changed { told(tx, id).await } else { Ok(None) }
}

/// Why it is not here yet.
pub(super) async fn note(tx: &mut TenantTx<'_>, id: Uuid, why: &str) -> Result<(), DbError> {
    sqlx::query!("UPDATE voicemails SET error = $2 WHERE id = $1 AND state = 'fetching'", id, why)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Asterisk has it no more.
pub(super) async fn removed(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("UPDATE voicemails SET removed_at = now() WHERE id = $1 AND removed_at IS NULL", id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn told(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Told>, DbError> {
    Ok(sqlx::query_as!(
        Told,
        r#"SELECT v.id, v.call_id AS "call_id: CallId", v.queue_id AS "queue_id: QueueId", c.from_number AS number, v.length_ms, v.state,
                  v.done_at, v.asterisk, v.name
             FROM voicemails v JOIN calls c ON c.id = v.call_id WHERE v.id = $1"#,
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Somebody is done with it. `false`: they were before.
pub(super) async fn mark_done(tx: &mut TenantTx<'_>, id: Uuid, by: AgentId) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE voicemails SET done_at = now(), done_by = $2, updated_at = now() WHERE id = $1 AND done_at IS NULL",
        id,
        by.uuid(),
    );
    Ok(done.execute(tx.conn()).await?.rows_affected() == 1)
}

/// There is something to be done with it again. `false`: there was.
pub(super) async fn reopen(tx: &mut TenantTx<'_>, id: Uuid) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE voicemails SET done_at = NULL, done_by = NULL, updated_at = now() WHERE id = $1 AND done_at IS NOT NULL",
        id,
    );
    Ok(done.execute(tx.conn()).await?.rows_affected() == 1)
}

/// Which messages a list asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) id: Option<Uuid>,
    /// Whether somebody is done with them; none: either.
    pub(super) done: Option<bool>,
    pub(super) queue: Option<Uuid>,
    /// Behind this one, the newest first.
    pub(super) before: Option<(DateTime<Utc>, Uuid)>,
    pub(super) limit: i64,
}

/// Messages of calls that the user may see: the rule is that of `/calls`.
pub(super) async fn list(tx: &mut TenantTx<'_>, wanted: &Wanted, sight: &Sight) -> Result<Vec<Voicemail>, DbError> {
    let queues: Vec<Uuid> = if sight.all {
        Vec::new()
    } else {
        queues::store::of_agent(tx, AgentId::from(sight.user)).await?.into_iter().map(QueueId::uuid).collect()
    };
    let (at, before) = wanted.before.unzip();
    Ok(sqlx::query_as!(
        Voicemail,
        r#"SELECT v.id, v.call_id, v.queue_id, c.from_number AS "from", c.to_number AS "to", c.contact_id,
                  k.display_name AS "contact_name?", m.conversation_id AS "conversation_id?", v.at, v.state, v.length_ms, v.bytes, v.error,
                  v.done_at, v.done_by, CASE WHEN v.done_by IS NOT NULL THEN member_name(v.done_by) END AS done_by_name
             FROM voicemails v
             JOIN calls c ON c.id = v.call_id
             LEFT JOIN contacts k ON k.id = c.contact_id
             LEFT JOIN messages m ON m.id = v.id
            WHERE ($1::uuid IS NULL OR v.id = $1)
              AND ($2::boolean IS NULL OR (v.done_at IS NOT NULL) = $2)
              AND ($3::uuid IS NULL OR v.queue_id = $3)
              AND ($4::timestamptz IS NULL OR (v.at, v.id) < ($4, $5::uuid))
              AND ($6 OR v.queue_id = ANY($7) OR c.queue_id = ANY($7) OR c.agent_id = ANY($8)
                   OR EXISTS (SELECT FROM call_legs l WHERE l.call_id = c.id AND l.agent_id = ANY($8)))
            ORDER BY v.at DESC, v.id DESC LIMIT $9"#,
        wanted.id,
        wanted.done,
        wanted.queue,
        at,
        before,
        sight.all,
        &queues,
        &sight.agents(),
        wanted.limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Tenants that are at work.
pub(super) async fn tenants(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    let tenants = sqlx::query_scalar!(r#"SELECT id AS "id: TenantId" FROM tenants WHERE removal_started_at IS NULL"#);
    Ok(tenants.fetch_all(tx.conn()).await?)
}

/// Some messages of before a moment that can be heard.
pub(super) async fn heard_before(tx: &mut TenantTx<'_>, end: DateTime<Utc>, limit: i64) -> Result<Vec<Uuid>, DbError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM voicemails WHERE state = 'ready' AND at < $1 ORDER BY at, id LIMIT $2",
        end,
        limit
    );
    Ok(ids.fetch_all(tx.conn()).await?)
}

/// It is kept no longer. `None`: it was not there.
pub(super) async fn expired(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Told>, DbError> {
    let done = sqlx::query!(
        "UPDATE voicemails SET state = 'expired', blob_id = NULL, bytes = NULL, updated_at = now(), done_at = coalesce(done_at, now())
          WHERE id = $1 AND state = 'ready'",
        id,
    );
    let changed = done.execute(tx.conn()).await?.rows_affected() == 1;
    if changed { told(tx, id).await } else { Ok(None) }
}

/// Some of a tenant's messages.
pub(super) async fn some(tx: &mut TenantTx<'_>, limit: i64) -> Result<Vec<Uuid>, DbError> {
    let ids = sqlx::query_scalar!("SELECT id FROM voicemails ORDER BY id LIMIT $1", limit);
    Ok(ids.fetch_all(tx.conn()).await?)
}

/// Forgets these.
pub(super) async fn delete(tx: &mut TenantTx<'_>, ids: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM voicemails WHERE id = ANY($1)", ids).execute(tx.conn()).await?;
    Ok(())
}
