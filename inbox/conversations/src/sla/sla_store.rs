//! SQL of service levels.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_calls::hours::Hours;
use trunkline_db::{ChannelAccountId, ConversationId, DbError, QueueId, SystemTx, TenantId, TenantTx};

use super::goals::{Facts, Goal, GoalKind, Policy};
use crate::model::{Channel, State};

/// What is stored was written by us: what does not fit any more counts as absent.
fn read<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

fn word<T: serde::de::DeserializeOwned>(text: String) -> Option<T> {
    read(Value::String(text))
}

/// The tenant's policies, in the order in which they are tried.
pub(super) async fn policies(tx: &mut TenantTx<'_>) -> Result<Vec<Policy>, DbError> {
    let rows = sqlx::query!(
        "SELECT id, name, applies, first_reply_minutes, next_reply_minutes, resolution_minutes, hours, pauses
           FROM sla_policies ORDER BY place, created_at, id"
    )
    .fetch_all(tx.conn())
    .await?;
    let policies = rows.into_iter().filter_map(|row| {
        Some(Policy {
            id: row.id,
            name: row.name,
            applies: read(row.applies)?,
            first_reply_minutes: row.first_reply_minutes,
            next_reply_minutes: row.next_reply_minutes,
            resolution_minutes: row.resolution_minutes,
            hours: row.hours.and_then(read::<Hours>),
            pauses: row.pauses,
        })
    });
    Ok(policies.collect())
}

/// What decides what a conversation owes.
pub(super) async fn facts(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Option<Facts>, DbError> {
    let row = sqlx::query!(
        r#"SELECT channel, account_id AS "account: ChannelAccountId", queue_id AS "queue: QueueId", priority, spam, state,
                  coalesce(reopened_at, opened_at) AS "began_at!", last_in_at IS NOT NULL AS "they_wrote!",
                  CASE WHEN reopened_at IS NULL OR first_reply_at >= reopened_at THEN first_reply_at END AS first_reply_at,
                  waiting_since, resolved_at
             FROM conversations WHERE id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| {
        Some(Facts {
            channel: word::<Channel>(row.channel)?,
            account: row.account,
            queue: row.queue,
            priority: row.priority,
            spam: row.spam,
            state: word::<State>(row.state)?,
            began_at: row.began_at,
            they_wrote: row.they_wrote,
            first_reply_at: row.first_reply_at,
            waiting_since: row.waiting_since,
            resolved_at: row.resolved_at,
        })
    }))
}

/// What it owed.
pub(super) async fn goals(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Vec<Goal>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT goal, coalesce(policy_id, '00000000-0000-0000-0000-000000000000') AS "policy!", policy_name, hours, pauses, began_at,
                  due_at, left_ms, met_at, breached_at
             FROM conversation_slas WHERE conversation_id = $1"#,
        id.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    let goals = rows.into_iter().filter_map(|row| {
        Some(Goal {
            kind: GoalKind::parse(&row.goal)?,
            policy: row.policy,
            policy_name: row.policy_name,
            hours: row.hours.and_then(read::<Hours>),
            pauses: row.pauses,
            began_at: row.began_at,
            due_at: row.due_at,
            left_ms: row.left_ms,
            met_at: row.met_at,
            breached_at: row.breached_at,
        })
    });
    Ok(goals.collect())
}

/// It owes this from now on, and nothing else.
pub(super) async fn put(tx: &mut TenantTx<'_>, id: ConversationId, goals: &[Goal]) -> Result<(), DbError> {
    let kept: Vec<String> = goals.iter().map(|goal| goal.kind.as_str().to_owned()).collect();
    sqlx::query!("DELETE FROM conversation_slas WHERE conversation_id = $1 AND goal <> ALL($2)", id.uuid(), &kept)
        .execute(tx.conn())
        .await?;
    for goal in goals {
        let hours = goal.hours.as_ref().map(|hours| serde_json::to_value(hours).expect("hours are plain values"));
        sqlx::query!(
            "INSERT INTO conversation_slas (tenant_id, conversation_id, goal, policy_id, policy_name, hours, pauses, began_at, due_at,
                                            left_ms, met_at, breached_at)
             VALUES ($1, $2, $3, (SELECT p.id FROM sla_policies p WHERE p.id = $4), $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (tenant_id, conversation_id, goal) DO UPDATE
                SET policy_id = excluded.policy_id, policy_name = excluded.policy_name, hours = excluded.hours, pauses = excluded.pauses,
                    began_at = excluded.began_at, due_at = excluded.due_at, left_ms = excluded.left_ms, met_at = excluded.met_at,
                    breached_at = excluded.breached_at",
            tx.tenant().uuid(),
            id.uuid(),
            goal.kind.as_str(),
            goal.policy,
            goal.policy_name,
            hours,
            goal.pauses,
            goal.began_at,
            goal.due_at,
            goal.left_ms,
            goal.met_at,
            goal.breached_at,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// Conversations with a goal that fell due unmet, over all tenants.
pub(super) async fn due(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(TenantId, ConversationId)>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", conversation_id AS "conversation: ConversationId" FROM conversation_slas
            WHERE met_at IS NULL AND breached_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $2"#,
        now,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant, row.conversation)).collect())
}

/// Marks what fell due unmet as missed: which goals.
pub(super) async fn breach(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    now: DateTime<Utc>,
) -> Result<Vec<(String, String)>, DbError> {
    let rows = sqlx::query!(
        "UPDATE conversation_slas SET breached_at = due_at
          WHERE conversation_id = $1 AND met_at IS NULL AND breached_at IS NULL AND due_at <= $2 RETURNING goal, policy_name",
        id.uuid(),
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.goal, row.policy_name)).collect())
}
