//! SQL of notes and tags.

use std::collections::HashMap;

use trunkline_db::{AgentId, CallId, DbError, QueueId, TenantTx};
use uuid::Uuid;

use super::notes::{CallNote, CallTag};

/// Most tags that are named: what is chosen from, not a report.
const MOST_TAGS: i64 = 200;

/// Whom a call concerns: the queue, and the agents who were asked or talked.
#[derive(Debug, Default)]
pub(super) struct Concerned {
    pub(super) queue: Option<QueueId>,
    pub(super) agents: Vec<AgentId>,
}

pub(super) async fn concerned(tx: &mut TenantTx<'_>, call: CallId) -> Result<Concerned, DbError> {
    let queue = sqlx::query_scalar!(r#"SELECT queue_id AS "queue: QueueId" FROM calls WHERE id = $1"#, call.uuid())
        .fetch_optional(tx.conn())
        .await?
        .flatten();
    let agents = sqlx::query_scalar!(
        r#"SELECT agent_id AS "agent!: AgentId" FROM call_legs WHERE call_id = $1 AND agent_id IS NOT NULL
            UNION SELECT agent_id FROM calls WHERE id = $1 AND agent_id IS NOT NULL"#,
        call.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Concerned { queue, agents })
}

/// How many notes a call has.
pub(super) async fn count(tx: &mut TenantTx<'_>, call: CallId) -> Result<i64, DbError> {
    let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM call_notes WHERE call_id = $1"#, call.uuid())
        .fetch_one(tx.conn())
        .await?;
    Ok(count)
}

pub(super) async fn add(tx: &mut TenantTx<'_>, call: CallId, note: &CallNote) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO call_notes (tenant_id, id, call_id, user_id, text, at) VALUES ($1, $2, $3, $4, $5, $6)",
        tx.tenant().uuid(),
        note.id,
        call.uuid(),
        note.user_id,
        note.text,
        note.at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Who wrote a note of this call.
pub(super) async fn author(tx: &mut TenantTx<'_>, call: CallId, note: Uuid) -> Result<Option<Uuid>, DbError> {
    let author =
        sqlx::query_scalar!("SELECT user_id FROM call_notes WHERE id = $1 AND call_id = $2", note, call.uuid())
            .fetch_optional(tx.conn())
            .await?;
    Ok(author)
}

pub(super) async fn remove(tx: &mut TenantTx<'_>, note: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM call_notes WHERE id = $1", note).execute(tx.conn()).await?;
    Ok(())
}

/// The call has these tags from now on; whether that is news.
pub(super) async fn put_tags(tx: &mut TenantTx<'_>, call: CallId, tags: &[String]) -> Result<bool, DbError> {
    let gone = sqlx::query!("DELETE FROM call_tags WHERE call_id = $1 AND tag <> ALL($2)", call.uuid(), tags)
        .execute(tx.conn())
        .await?
        .rows_affected();
    let new = sqlx::query!(
        "INSERT INTO call_tags (tenant_id, call_id, tag) SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        call.uuid(),
        tags,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    Ok(gone + new > 0)
}

/// The notes of these calls, the oldest first.
pub(super) async fn notes_of(tx: &mut TenantTx<'_>, calls: &[Uuid]) -> Result<HashMap<CallId, Vec<CallNote>>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT call_id AS "call_id: CallId", id, user_id, text, at FROM call_notes
            WHERE call_id = ANY($1) ORDER BY at, id"#,
        calls,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut notes: HashMap<CallId, Vec<CallNote>> = HashMap::new();
    for row in rows {
        let note = CallNote { id: row.id, user_id: row.user_id, text: row.text, at: row.at };
        notes.entry(row.call_id).or_default().push(note);
    }
    Ok(notes)
}

/// The tags of these calls, in order.
pub(super) async fn tags_of(tx: &mut TenantTx<'_>, calls: &[Uuid]) -> Result<HashMap<CallId, Vec<String>>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT call_id AS "call_id: CallId", tag FROM call_tags WHERE call_id = ANY($1) ORDER BY tag"#,
        calls,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut tags: HashMap<CallId, Vec<String>> = HashMap::new();
    for row in rows {
        tags.entry(row.call_id).or_default().push(row.tag);
    }
    Ok(tags)
}

/// The tags in use, the most frequent first.
pub(super) async fn used(tx: &mut TenantTx<'_>) -> Result<Vec<CallTag>, DbError> {
    let rows = sqlx::query_as!(
        CallTag,
        r#"SELECT tag, count(*) AS "calls!" FROM call_tags GROUP BY tag ORDER BY count(*) DESC, tag LIMIT $1"#,
        MOST_TAGS,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}
