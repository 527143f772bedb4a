//! SQL of what was said with a person.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, CallId, ConversationId, DbError, QueueId, TenantTx};
use uuid::Uuid;

use crate::queues;
use crate::roster::Sight;

/// Most calls of a number that are looked at.
const MOST_OF_A_NUMBER: i32 = 1_000;

/// A place of the timeline.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry {
    Conversation(DateTime<Utc>, ConversationId),
    Call(DateTime<Utc>, CallId),
}

/// What of it the user may read at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) conversations: bool,
    pub(super) calls: bool,
}

/// The person's contacts, and calls that are known to be theirs by the number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose<'a> {
    pub(super) contacts: &'a [Uuid],
    pub(super) calls: &'a [Uuid],
}

/// Calls with one of these numbers on the other side. The digits are looked up by trigrams, the numbers then compared whole.
pub(super) async fn calls_of_numbers(tx: &mut TenantTx<'_>, numbers: &[String]) -> Result<Vec<Uuid>, DbError> {
    let mut calls = Vec::new();
    for number in numbers {
        let found = sqlx::query_scalar!(
            "SELECT k.id FROM calls_with_digits($1, NULL, $2) AS found (id) JOIN calls k ON k.id = found.id
              WHERE k.from_number = $3 OR k.to_number = $3",
            number.trim_start_matches('+'),
            MOST_OF_A_NUMBER,
            number,
        );
        calls.extend(found.fetch_all(tx.conn()).await?);
    }
    Ok(calls)
}

/// What of it the user may see, the newest first, behind the position.
pub(super) async fn page(
    tx: &mut TenantTx<'_>,
    sight: &Sight,
    whose: &Whose<'_>,
    shown: Shown,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Entry>, DbError> {
    let agents = sight.agents();
    let queues: Vec<Uuid> = if sight.all {
        Vec::new()
    } else {
        queues::store::of_agent(tx, AgentId::from(sight.user)).await?.into_iter().map(QueueId::uuid).collect()
    };
    let rows = sqlx::query!(
        r#"SELECT t.at AS "at!", t.id AS "id!", t.written AS "written!" FROM (
               SELECT c.last_at AS at, c.id, true AS written FROM conversations c
                WHERE $10 AND c.contact_id = ANY($1) AND c.channel <> 'call'
                  AND ($3 OR c.queue_id = ANY($4) OR c.agent_id = ANY($5) OR (c.queue_id IS NULL AND c.agent_id IS NULL)
                       OR EXISTS (SELECT FROM mentions m WHERE m.conversation_id = c.id AND m.user_id = $6))
               UNION ALL
               SELECT k.started_at, k.id, false FROM calls k
                WHERE $11 AND k.id IN (SELECT unnest($2::uuid[])
                               UNION
                               SELECT m.call_id FROM conversations c JOIN messages m ON m.conversation_id = c.id
                                WHERE c.contact_id = ANY($1) AND c.channel = 'call' AND m.call_id IS NOT NULL)
                  AND ($3 OR k.agent_id = ANY($5) OR k.queue_id = ANY($4)
                       OR k.id IN (SELECT l.call_id FROM call_legs l WHERE l.agent_id = ANY($5)))
           ) AS t
           WHERE $7::timestamptz IS NULL OR (t.at, t.id) < ($7, $8)
           ORDER BY t.at DESC, t.id DESC LIMIT $9"#,
        whose.contacts,
        whose.calls,
        sight.all,
        &queues,
        &agents,
        sight.user.uuid(),
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        limit,
        shown.conversations,
        shown.calls,
    )
    .fetch_all(tx.conn())
    .await?;
    let entry = rows.into_iter().map(|row| {
        if row.written {
            Entry::Conversation(row.at, ConversationId(row.id))
        } else {
            Entry::Call(row.at, CallId(row.id))
        }
    });
    Ok(entry.collect())
}
