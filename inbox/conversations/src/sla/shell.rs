//! Service levels in the database.

use chrono::{DateTime, Utc};
use trunkline_db::{ConversationId, Db, DbError, TenantId, TenantTx};

use super::goals::{choose, review};
use super::sla_store as store;

/// Has a conversation owe what it now owes; whether that changed anything. To be called in the transaction of whatever changed the conversation.
pub async fn review_conversation(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let before = store::goals(tx, id).await?;
    let policies = store::policies(tx).await?;
    // The usual case, and nothing more to read.
    if before.is_empty() && policies.is_empty() {
        return Ok(false);
    }
    let Some(facts) = store::facts(tx, id).await? else { return Ok(false) };
    let after = review(&facts, choose(&policies, &facts), &before, now);
    let changed = after.len() != before.len() || after.iter().any(|goal| !before.contains(goal));
    if changed {
        store::put(tx, id, &after).await?;
    }
    Ok(changed)
}

/// A goal that was missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// `first_reply`, `next_reply` or `resolution`.
    pub goal: String,
    /// By which policy.
    pub policy: String,
}

/// Conversations with a goal that fell due unmet, over all tenants: at most `limit`.
pub async fn overdue(db: &Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<(TenantId, ConversationId)>, DbError> {
    let mut tx = db.system().await?;
    let due = store::due(&mut tx, now, limit).await?;
    tx.commit().await?;
    Ok(due)
}

/// Notes what was missed of one conversation. Nothing, if somebody was quicker.
pub async fn breaches(tx: &mut TenantTx<'_>, id: ConversationId, now: DateTime<Utc>) -> Result<Vec<Breach>, DbError> {
    let missed = store::breach(tx, id, now).await?;
    Ok(missed.into_iter().map(|(goal, policy)| Breach { goal, policy }).collect())
}
