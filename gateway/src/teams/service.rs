//! Making and changing teams.

use serde_json::json;
use trunkline_db::{DbError, TeamId, TenantTx, UserId};
use trunkline_journal::{Fault, Kind, NewEvent, Ref};

use super::model::{CreateTeam, Team, UpdateTeam};
use super::store;
use crate::audit;
use crate::auth::Principal;
use crate::http::{AppError, IfMatch};
use crate::roles::{Asking, checked_name};

const CREATED: Kind = Kind::from_static("team.created");
const UPDATED: Kind = Kind::from_static("team.updated");
const DELETED: Kind = Kind::from_static("team.deleted");

/// Most teams of a tenant.
const MAX_TEAMS: i64 = 200;
/// Most members of a team.
const MAX_MEMBERS: usize = 1_000;

fn subject(id: TeamId) -> Ref {
    Ref::new("team", id.uuid())
}

fn event(kind: Kind, id: TeamId, by: &Principal, data: serde_json::Value) -> NewEvent {
    NewEvent::new(kind, subject(id), data).actor(Ref::new("user", by.user))
}

fn name_taken(error: DbError) -> Fault<AppError> {
    if error.constraint() == Some("teams_name_key") {
        AppError::conflict("name-taken", "there is a team with this name already").into()
    } else {
        error.into()
    }
}

async fn locked(tx: &mut TenantTx<'_>, id: TeamId) -> Result<Team, Fault<AppError>> {
    store::lock(tx, id).await?.ok_or_else(|| AppError::not_found("team").into())
}

/// Makes a team without members.
pub(super) async fn create(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &CreateTeam,
) -> Result<(Team, NewEvent), Fault<AppError>> {
    let name = checked_name(&wanted.name)?;
    if store::count(tx).await? >= MAX_TEAMS {
        return Err(AppError::conflict("too-many-teams", format!("at most {MAX_TEAMS} teams can be made")).into());
    }
    let id = TeamId::new();
    let created_at = store::insert(tx, id, &name).await.map_err(name_taken)?;
    audit::append(tx, asking.entry("team.created", subject(id), None, Some(json!({ "name": name })))).await?;
    let event = event(CREATED, id, &asking.by, json!({ "name": name }));
    Ok((Team { id, name, members: Vec::new(), created_at, updated_at: created_at }, event))
}

/// Renames a team.
pub(super) async fn update(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: TeamId,
    seen: &IfMatch,
    wanted: &UpdateTeam,
) -> Result<(Team, Option<NewEvent>), Fault<AppError>> {
    let mut team = locked(tx, id).await?;
    seen.check(team.updated_at)?;
    let Some(name) = &wanted.name else { return Ok((team, None)) };
    let before = json!({ "name": team.name });
    team.name = checked_name(name)?;
    team.updated_at = store::rename(tx, id, &team.name).await.map_err(name_taken)?;
    let after = json!({ "name": team.name });
    audit::append(tx, asking.entry("team.updated", subject(id), Some(before), Some(after))).await?;
    let event = event(UPDATED, id, &asking.by, json!({ "name": team.name }));
    Ok((team, Some(event)))
}

/// Removes a team.
pub(super) async fn remove(tx: &mut TenantTx<'_>, asking: &Asking, id: TeamId) -> Result<NewEvent, Fault<AppError>> {
    let team = locked(tx, id).await?;
    store::remove(tx, id).await?;
    let before = json!({ "name": team.name, "members": team.members });
    audit::append(tx, asking.entry("team.removed", subject(id), Some(before), None)).await?;
    Ok(event(DELETED, id, &asking.by, json!({ "name": team.name })))
}

/// Takes somebody into a team, or says whether they lead it.
pub(super) async fn set_member(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: TeamId,
    user: UserId,
    lead: bool,
) -> Result<(Team, NewEvent), Fault<AppError>> {
    let team = locked(tx, id).await?;
    // Whoever leads sees more: nobody gives a sight that they do not have, themselves included.
    let led = team.members.iter().any(|member| member.lead);
    if (lead || led) && !asking.by.sees_all() {
        return Err(AppError::forbidden("who leads a team is said by those who see the whole tenant").into());
    }
    if team.members.len() >= MAX_MEMBERS && team.members.iter().all(|member| member.user_id != user) {
        return Err(AppError::conflict("too-many-members", format!("a team has at most {MAX_MEMBERS} members")).into());
    }
    match store::set_member(tx, id, user, lead).await {
        Ok(()) => {}
        Err(error) if error.constraint() == Some("team_members_member_fkey") => {
            return Err(AppError::not_found("user").into());
        }
        Err(error) => return Err(error.into()),
    }
    let before = team.members.iter().find(|member| member.user_id == user);
    let before = before.map(|member| json!({ "name": team.name, "user_id": user, "lead": member.lead }));
    let after = json!({ "name": team.name, "user_id": user, "lead": lead });
    audit::append(tx, asking.entry("team.member_set", subject(id), before, Some(after))).await?;
    let event = event(UPDATED, id, &asking.by, json!({ "name": team.name, "member": user, "lead": lead }));
    Ok((locked(tx, id).await?, event))
}

/// Takes somebody out of a team.
pub(super) async fn remove_member(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: TeamId,
    user: UserId,
) -> Result<NewEvent, Fault<AppError>> {
    let team = locked(tx, id).await?;
    if !store::remove_member(tx, id, user).await? {
        return Err(AppError::not_found("member of the team").into());
    }
    let before = json!({ "name": team.name, "user_id": user });
    audit::append(tx, asking.entry("team.member_removed", subject(id), Some(before), None)).await?;
    Ok(event(UPDATED, id, &asking.by, json!({ "name": team.name, "left": user })))
}
