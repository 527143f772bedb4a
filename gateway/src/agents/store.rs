//! SQL of agents.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use trunkline_calls::model::AgentActivity;
use trunkline_calls::queueing::SkillLevel;
use trunkline_db::{AgentId, CallId, DbError, QueueId, SkillId, TenantTx};
use uuid::Uuid;

use super::model::{Agent, WrapUp};
use crate::calls::AgentState;

/// An agent as stored; whether a phone is registered is Asterisk's knowledge.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: AgentId,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) extension: Option<String>,
    pub(super) state: AgentState,
    pub(super) reason: Option<String>,
    pub(super) state_since: DateTime<Utc>,
    pub(super) activity: AgentActivity,
    pub(super) activity_since: DateTime<Utc>,
    pub(super) wrap_up: Option<WrapUp>,
    pub(super) skills: Vec<SkillLevel>,
    pub(super) chat_capacity: u8,
}

impl Row {
    pub(super) fn view(self, reachable: bool) -> Agent {
        let Self {
            id,
            name,
            email,
            extension,
            state,
            reason,
            state_since,
            activity,
            activity_since,
            wrap_up,
            skills,
            chat_capacity,
        } = self;
        Agent {
            id,
            name,
            email,
            extension,
            state,
            reason,
            state_since,
            reachable,
            activity,
            activity_since,
            wrap_up,
            skills,
            chat_capacity,
        }
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
        r#"SELECT id AS "id: AgentId", name, email, extension, state, reason, state_since, activity, activity_since, chat_capacity
             FROM agents
            WHERE $1::text IS NULL OR (name, id) > ($1, $2)
            ORDER BY name, id LIMIT $3"#,
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let mut more = more(tx, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let (wrap_up, skills) = more.remove(&row.id).unwrap_or_default();
            Row {
                id: row.id,
                name: row.name,
                email: row.email,
                extension: row.extension,
                state: state_of(&row.state),
                reason: row.reason,
                state_since: row.state_since,
                activity: AgentActivity::parse(&row.activity).unwrap_or_default(),
                activity_since: row.activity_since,
                wrap_up,
                skills,
                chat_capacity: places(row.chat_capacity),
            }
        })
        .collect())
}

/// What agents have to finish, the oldest of it, and what they can do.
async fn more(
    tx: &mut TenantTx<'_>,
    agents: &[Uuid],
) -> Result<HashMap<AgentId, (Option<WrapUp>, Vec<SkillLevel>)>, DbError> {
    let mut more: HashMap<AgentId, (Option<WrapUp>, Vec<SkillLevel>)> = HashMap::new();
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (w.agent_id) w.agent_id AS "agent: AgentId", w.call_id AS "call: CallId",
                  w.queue_id AS "queue: QueueId", w.until,
                  EXISTS (SELECT FROM dispositions d WHERE d.call_id = w.call_id AND d.agent_id = w.agent_id) AS "disposed!"
             FROM wrap_ups w WHERE w.agent_id = ANY($1) AND w.ended_at IS NULL
            ORDER BY w.agent_id, w.began_at"#,
        agents,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in rows {
        let wrap_up = WrapUp { call_id: row.call, queue_id: row.queue, until: row.until, disposed: row.disposed };
        more.entry(row.agent).or_default().0 = Some(wrap_up);
    }
    let rows = sqlx::query!(
        r#"SELECT s.agent_id AS "agent: AgentId", s.skill_id AS "skill: SkillId", s.level FROM agent_skills s
            WHERE s.agent_id = ANY($1) ORDER BY s.skill_id"#,
        agents,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in rows {
        let skill = SkillLevel { skill_id: row.skill, level: u8::try_from(row.level).unwrap_or(1) };
        more.entry(row.agent).or_default().1.push(skill);
    }
    Ok(more)
}

/// One agent, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: AgentId) -> Result<Option<Row>, DbError> {
    let row = sqlx::query!(
        "SELECT name, email, extension, state, reason, state_since, activity, activity_since, chat_capacity FROM agents WHERE id = $1 FOR NO KEY UPDATE",
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (wrap_up, skills) = more(tx, &[id.uuid()]).await?.remove(&id).unwrap_or_default();
    Ok(Some(Row {
        id,
        name: row.name,
        email: row.email,
        extension: row.extension,
        state: state_of(&row.state),
        reason: row.reason,
        state_since: row.state_since,
        activity: AgentActivity::parse(&row.activity).unwrap_or_default(),
        activity_since: row.activity_since,
        wrap_up,
        skills,
        chat_capacity: places(row.chat_capacity),
    }))
}

/// Says what an agent can do.
pub(super) async fn set_skills(tx: &mut TenantTx<'_>, id: AgentId, skills: &[SkillLevel]) -> Result<(), DbError> {
    let (ids, levels): (Vec<Uuid>, Vec<i16>) =
        skills.iter().map(|skill| (skill.skill_id.uuid(), i16::from(skill.level))).unzip();
    sqlx::query!("DELETE FROM agent_skills WHERE agent_id = $1 AND skill_id <> ALL($2)", id.uuid(), &ids)
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "INSERT INTO agent_skills (tenant_id, agent_id, skill_id, level)
         SELECT $1, $2, s.id, s.level FROM unnest($3::uuid[], $4::int2[]) AS s(id, level)
         ON CONFLICT (tenant_id, agent_id, skill_id) DO UPDATE SET level = excluded.level",
        tx.tenant().uuid(),
        id.uuid(),
        &ids,
        &levels,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The schema allows 0 to 50.
fn places(chats: i16) -> u8 {
    u8::try_from(chats).unwrap_or(0)
}

/// Says how many chats an agent has at once.
pub(super) async fn set_chat_capacity(tx: &mut TenantTx<'_>, id: AgentId, chats: u8) -> Result<(), DbError> {
    sqlx::query!("UPDATE agents SET chat_capacity = $2 WHERE id = $1", id.uuid(), i16::from(chats))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Gives an agent an extension, or takes it.
pub(super) async fn set_extension(tx: &mut TenantTx<'_>, id: AgentId, extension: Option<&str>) -> Result<(), DbError> {
    sqlx::query!("UPDATE agents SET extension = $2 WHERE id = $1", id.uuid(), extension).execute(tx.conn()).await?;
    Ok(())
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
