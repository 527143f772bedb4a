//! SQL of agents.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, DbError, TenantTx};

use super::model::Agent;
use crate::calls::AgentState;

/// An agent as stored; whether a phone is registered is Asterisk's knowledge.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: AgentId,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) state: AgentState,
    pub(super) reason: Option<String>,
    pub(super) state_since: DateTime<Utc>,
}

impl Row {
    pub(super) fn view(self, reachable: bool) -> Agent {
        let Self { id, name, email, state, reason, state_since } = self;
        Agent { id, name, email, state, reason, state_since, reachable }
    }
}

/// The column's text of a state.
pub(super) const fn state_text(state: AgentState) -> &'static str {
    match state {
        AgentState::Available => "available",
        AgentState::Paused => "paused",
        AgentState::Offline => "offline",
    }
}

/// The schema allows these three texts only.
pub(crate) fn state_of(text: &str) -> AgentState {
    match text {
        "available" => AgentState::Available,
        "paused" => AgentState::Paused,
        _ => AgentState::Offline,
    }
}

/// Agents by name, behind the position (name, id).
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    after: Option<&(String, AgentId)>,
    limit: i64,
) -> Result<Vec<Row>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id, name, email, state, reason, state_since FROM agents
            WHERE $1::text IS NULL OR (name, id) > ($1, $2)
            ORDER BY name, id LIMIT $3"#,
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Row {
            id: AgentId(row.id),
            name: row.name,
            email: row.email,
            state: state_of(&row.state),
            reason: row.reason,
            state_since: row.state_since,
        })
        .collect())
}

/// One agent, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: AgentId) -> Result<Option<Row>, DbError> {
    let row =
        sqlx::query!("SELECT name, email, state, reason, state_since FROM agents WHERE id = $1 FOR UPDATE", id.uuid())
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.map(|row| Row {
        id,
        name: row.name,
        email: row.email,
        state: state_of(&row.state),
        reason: row.reason,
        state_since: row.state_since,
    }))
}

/// Whether the tenant has this agent.
pub(super) async fn exists(tx: &mut TenantTx<'_>, id: AgentId) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM agents WHERE id = $1) AS "exists!""#, id.uuid())
        .fetch_one(tx.conn())
        .await?)
}

/// Sets a state that differs from the present one.
pub(super) async fn set_state(
    tx: &mut TenantTx<'_>,
    id: AgentId,
    state: AgentState,
    reason: Option<&str>,
    since: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE agents SET state = $2, reason = $3, state_since = $4 WHERE id = $1",
        id.uuid(),
        state_text(state),
        reason,
        since,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
