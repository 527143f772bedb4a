//! SQL of grants.

use std::collections::HashMap;

use trunkline_db::{AgentId, DbError, QueueId, TeamId, TenantTx, UserId};

use super::Belongings;
use crate::http::{Permissions, Reach, Rights};

fn rights_of(role: &str, custom: Option<(Vec<String>, String)>) -> Option<Rights> {
    match custom {
        Some((permissions, reach)) => {
            Some(Rights { permissions: Permissions::of_names(&permissions), reach: Reach::parse(&reach) })
        }
        None => role.parse().ok().map(Rights::of),
    }
}

/// A user's rights, if the user is a member.
pub(super) async fn rights(tx: &mut TenantTx<'_>, user: UserId) -> Result<Option<Rights>, DbError> {
    let row = sqlx::query!(
        r#"SELECT m.role AS "role!", r.permissions AS "permissions?", r.reach AS "reach?"
             FROM memberships m LEFT JOIN roles r ON r.tenant_id = m.tenant_id AND r.id = m.custom_role_id
            WHERE m.user_id = $1"#,
        user.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| rights_of(&row.role, row.permissions.zip(row.reach))))
}

/// All members' rights.
pub(super) async fn all_rights(tx: &mut TenantTx<'_>) -> Result<HashMap<UserId, Rights>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT m.user_id AS "user_id!", m.role AS "role!", r.permissions AS "permissions?", r.reach AS "reach?"
             FROM memberships m LEFT JOIN roles r ON r.tenant_id = m.tenant_id AND r.id = m.custom_role_id"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((UserId(row.user_id), rights_of(&row.role, row.permissions.zip(row.reach))?)))
        .collect())
}

/// What all members belong to, each in the order in which one's are read.
pub(super) async fn all_belongings(tx: &mut TenantTx<'_>) -> Result<HashMap<UserId, Belongings>, DbError> {
    let mut all: HashMap<UserId, Belongings> = HashMap::new();
    let queues =
        sqlx::query!("SELECT agent_id, queue_id FROM queue_members ORDER BY queue_id").fetch_all(tx.conn()).await?;
    for row in queues {
        all.entry(UserId(row.agent_id)).or_default().queues.push(QueueId(row.queue_id));
    }
    let teams = sqlx::query!("SELECT user_id, team_id FROM team_members ORDER BY team_id").fetch_all(tx.conn()).await?;
    for row in teams {
        all.entry(UserId(row.user_id)).or_default().teams.push(TeamId(row.team_id));
    }
    let led = sqlx::query!(
        "SELECT DISTINCT l.user_id AS lead, m.user_id
           FROM team_members l JOIN team_members m ON m.tenant_id = l.tenant_id AND m.team_id = l.team_id
          WHERE l.lead AND m.user_id <> l.user_id ORDER BY m.user_id"
    )
    .fetch_all(tx.conn())
    .await?;
    for row in led {
        all.entry(UserId(row.lead)).or_default().led.push(AgentId(row.user_id));
    }
    Ok(all)
}
