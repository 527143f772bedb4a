//! SQL of teams.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, DbError, TeamId, TenantTx, UserId};
use uuid::Uuid;

use super::model::{Team, TeamMember};

/// Teams by name, behind the position (name, id).
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    after: Option<&(String, TeamId)>,
    limit: i64,
) -> Result<Vec<Team>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: TeamId", name, created_at, updated_at FROM teams
            WHERE $1::text IS NULL OR (name, id) > ($1, $2)
            ORDER BY name, id LIMIT $3"#,
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let mut members = members(tx, &ids).await?;
    Ok(rows
        .into_iter()
        .map(|row| Team {
            members: members.remove(&row.id).unwrap_or_default(),
            id: row.id,
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
        .collect())
}

async fn members(tx: &mut TenantTx<'_>, teams: &[Uuid]) -> Result<HashMap<TeamId, Vec<TeamMember>>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT team_id AS "team_id: TeamId", user_id AS "user_id: UserId", lead FROM team_members
            WHERE team_id = ANY($1) ORDER BY lead DESC, user_id"#,
        teams,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut members: HashMap<TeamId, Vec<TeamMember>> = HashMap::new();
    for row in rows {
        members.entry(row.team_id).or_default().push(TeamMember { user_id: row.user_id, lead: row.lead });
    }
    Ok(members)
}

/// A team, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: TeamId) -> Result<Option<Team>, DbError> {
    let row = sqlx::query!("SELECT name, created_at, updated_at FROM teams WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let members = members(tx, &[id.uuid()]).await?.remove(&id).unwrap_or_default();
    Ok(Some(Team { id, name: row.name, members, created_at: row.created_at, updated_at: row.updated_at }))
}

/// How many there are.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM teams"#).fetch_one(tx.conn()).await?)
}

/// Makes a team. The violated constraint of a name that is taken is `teams_name_key`.
pub(super) async fn insert(tx: &mut TenantTx<'_>, id: TeamId, name: &str) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(
        "INSERT INTO teams (tenant_id, id, name) VALUES ($1, $2, $3) RETURNING created_at",
        tx.tenant().uuid(),
        id.uuid(),
        name,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Renames a team.
pub(super) async fn rename(tx: &mut TenantTx<'_>, id: TeamId, name: &str) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(
        "UPDATE teams SET name = $2, updated_at = now() WHERE id = $1 RETURNING updated_at",
        id.uuid(),
        name,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Removes a team; its members stay what they are.
pub(super) async fn remove(tx: &mut TenantTx<'_>, id: TeamId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM teams WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

/// Takes a member in, or says whether they lead. The violated constraint of no member of the tenant is `team_members_member_fkey`.
pub(super) async fn set_member(tx: &mut TenantTx<'_>, team: TeamId, user: UserId, lead: bool) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO team_members (tenant_id, team_id, user_id, lead) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, team_id, user_id) DO UPDATE SET lead = excluded.lead",
        tx.tenant().uuid(),
        team.uuid(),
        user.uuid(),
        lead,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a member out; false: was not in.
pub(super) async fn remove_member(tx: &mut TenantTx<'_>, team: TeamId, user: UserId) -> Result<bool, DbError> {
    let done = sqlx::query!("DELETE FROM team_members WHERE team_id = $1 AND user_id = $2", team.uuid(), user.uuid())
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The teams that a member belongs to.
pub(crate) async fn of_member(tx: &mut TenantTx<'_>, user: UserId) -> Result<Vec<TeamId>, DbError> {
    let ids = sqlx::query_scalar!("SELECT team_id FROM team_members WHERE user_id = $1 ORDER BY team_id", user.uuid())
        .fetch_all(tx.conn())
        .await?;
    Ok(ids.into_iter().map(TeamId).collect())
}

/// The other members of the teams that somebody leads: their work is seen too.
pub(crate) async fn led_by(tx: &mut TenantTx<'_>, user: UserId) -> Result<Vec<AgentId>, DbError> {
    let ids = sqlx::query_scalar!(
        "SELECT DISTINCT m.user_id
           FROM team_members l JOIN team_members m ON m.tenant_id = l.tenant_id AND m.team_id = l.team_id
          WHERE l.user_id = $1 AND l.lead AND m.user_id <> l.user_id ORDER BY m.user_id",
        user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids.into_iter().map(AgentId).collect())
}
