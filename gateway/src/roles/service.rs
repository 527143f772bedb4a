//! Making, changing and giving roles. Nobody gives what they do not have.

use serde_json::json;
use trunkline_db::{DbError, Role, RoleId, TenantTx, UserId};
use trunkline_journal::{Fault, Kind, NewEvent, Ref, Scope};

use super::model::{CreateRole, CustomRole, UpdateRole};
use super::{Assignment, store};
use crate::audit::{self, Actor, Entry, Origin, changed};
use crate::auth::Principal;
use crate::http::{AppError, IfMatch, Permission, Permissions, Rights};

const CREATED: Kind = Kind::from_static("role.created");
const UPDATED: Kind = Kind::from_static("role.updated");
const DELETED: Kind = Kind::from_static("role.deleted");
const ROLE_CHANGED: Kind = Kind::from_static("user.role_changed");

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 60;
/// Most roles of a tenant.
const MAX_ROLES: i64 = 100;

/// A name, checked.
pub(crate) fn name(text: &str) -> Result<String, AppError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_NAME_CHARS || text.chars().any(char::is_control) {
        return Err(AppError::invalid_field("name", format!("must have from 1 to {MAX_NAME_CHARS} characters")));
    }
    Ok(text.to_owned())
}

/// Names of permissions that may be given within a tenant, each once, in the table's order.
pub(crate) fn permissions(names: &[String]) -> Result<Permissions, AppError> {
    names
        .iter()
        .map(|name| {
            Permission::parse(name).filter(|permission| !permission.is_platforms()).ok_or_else(|| {
                let known = name.chars().take(60).collect::<String>();
                AppError::invalid_field("permissions", format!("{known:?} is none; GET /permissions lists them"))
            })
        })
        .collect()
}

fn stored(permissions: Permissions) -> Vec<String> {
    permissions.names().into_iter().map(str::to_owned).collect()
}

fn event(kind: Kind, id: RoleId, by: &Principal, data: serde_json::Value) -> NewEvent {
    // For those who see everything, and whoever did it.
    NewEvent::new(kind, Ref::new("role", id.uuid()), data)
        .actor(Ref::new("user", by.user))
        .scopes([Scope::Agent(by.user.into())])
}

/// Who asks, and from where: for the audit log.
#[derive(Debug, Clone)]
pub struct Asking {
    /// Who.
    pub by: Principal,
    /// From where.
    pub origin: Origin,
}

impl Asking {
    /// An entry of the audit log; `before` and `after` are whole states, of which it keeps what differs.
    pub(crate) fn entry(
        &self,
        action: &'static str,
        subject: Ref,
        before: Option<serde_json::Value>,
        after: Option<serde_json::Value>,
    ) -> Entry {
        let (before, after) = match (before, after) {
            (Some(before), Some(after)) => changed(&before, &after),
            one => one,
        };
        Entry { actor: Actor::of(&self.by), action, subject, before, after, origin: self.origin.clone() }
    }
}

/// What the audit log keeps of a role.
fn state_of(role: &CustomRole) -> serde_json::Value {
    json!({ "name": role.name, "permissions": role.permissions, "reach": role.reach })
}

fn name_taken(error: DbError) -> Fault<AppError> {
    if error.constraint() == Some("roles_name_key") {
        Fault::Rejected(AppError::conflict("name-taken", "there is a role with this name already"))
    } else {
        Fault::Db(error)
    }
}

/// Makes a role.
pub(super) async fn create(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &CreateRole,
) -> Result<(CustomRole, NewEvent), Fault<AppError>> {
    let by = &asking.by;
    let name = name(&wanted.name)?;
    let rights = Rights { permissions: permissions(&wanted.permissions)?, reach: wanted.reach };
    by.require_to_give(rights)?;
    if store::count(tx).await? >= MAX_ROLES {
        return Err(Fault::Rejected(AppError::conflict(
            "too-many-roles",
            format!("at most {MAX_ROLES} roles can be made"),
        )));
    }
    let (id, permissions) = (RoleId::new(), stored(rights.permissions));
    let created_at = store::insert(tx, id, &name, &permissions, rights.reach).await.map_err(name_taken)?;
    let role =
        CustomRole { id, name, permissions, reach: rights.reach, members: 0, created_at, updated_at: created_at };
    let entry = asking.entry("role.created", Ref::new("role", id.uuid()), None, Some(state_of(&role)));
    audit::append(tx, entry).await?;
    let event = event(CREATED, id, by, state_of(&role));
    Ok((role, event))
}

/// Changes a role.
pub(super) async fn update(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: RoleId,
    seen: &IfMatch,
    wanted: &UpdateRole,
) -> Result<(CustomRole, NewEvent), Fault<AppError>> {
    let by = &asking.by;
    let mut role = locked(tx, by, id).await?;
    seen.check(role.updated_at)?;
    let before = state_of(&role);
    if let Some(wanted) = &wanted.name {
        role.name = name(wanted)?;
    }
    if let Some(names) = &wanted.permissions {
        role.permissions = stored(permissions(names)?);
    }
    role.reach = wanted.reach.unwrap_or(role.reach);
    by.require_to_give(role.rights())?;
    role.updated_at = store::update(tx, id, &role.name, &role.permissions, role.reach).await.map_err(name_taken)?;
    let after = state_of(&role);
    let entry = asking.entry("role.updated", Ref::new("role", id.uuid()), Some(before), Some(after.clone()));
    audit::append(tx, entry).await?;
    Ok((role, event(UPDATED, id, by, after)))
}

/// Removes a role that nobody has.
pub(super) async fn remove(tx: &mut TenantTx<'_>, asking: &Asking, id: RoleId) -> Result<NewEvent, Fault<AppError>> {
    let by = &asking.by;
    let role = locked(tx, by, id).await?;
    match store::remove(tx, id).await {
        Ok(()) => {
            let entry = asking.entry("role.removed", Ref::new("role", id.uuid()), Some(state_of(&role)), None);
            audit::append(tx, entry).await?;
            Ok(event(DELETED, id, by, json!({ "name": role.name })))
        }
        Err(error) if error.constraint() == Some("memberships_custom_role_fkey") => Err(Fault::Rejected(
            AppError::conflict("role-in-use", "somebody has this role; give them another one first"),
        )),
        Err(error) => Err(Fault::Db(error)),
    }
}

/// A role that `by` may touch: one that may do no more than `by`.
async fn locked(tx: &mut TenantTx<'_>, by: &Principal, id: RoleId) -> Result<CustomRole, Fault<AppError>> {
    let role = store::lock(tx, id).await?.ok_or_else(|| Fault::Rejected(AppError::not_found("role")))?;
    by.require_to_give(role.rights())?;
    Ok(role)
}

/// What somebody with this role may do; a role of the tenant's own counts instead of the built-in one.
pub(crate) async fn rights_of(
    tx: &mut TenantTx<'_>,
    role: Role,
    custom: Option<RoleId>,
) -> Result<Rights, Fault<AppError>> {
    match custom {
        None => Ok(Rights::of(role)),
        Some(id) => Ok(store::lock(tx, id).await?.map_or(Rights::NONE, |role| role.rights())),
    }
}

/// 403 when the role may do more than `by`, 404 when the tenant has no such role; else its name, if it is one of the tenant's own.
pub(crate) async fn require_to_give(
    tx: &mut TenantTx<'_>,
    by: &Principal,
    role: Role,
    custom: Option<RoleId>,
) -> Result<Option<String>, AppError> {
    let Some(id) = custom else {
        by.require_to_give(Rights::of(role))?;
        return Ok(None);
    };
    let role = store::lock(tx, id).await?.ok_or_else(|| AppError::not_found("role"))?;
    by.require_to_give(role.rights())?;
    Ok(Some(role.name))
}

/// Gives a member of the transaction's tenant another role, and says so to the journal and the audit log. After the commit the roster has to be read
/// anew ([`crate::roster::refresh`]); the member's next request finds the new rights, whatever its token says.
///
/// 403 when the member may do more than `by`, or would; 404 for somebody else's member or role; 409 when nobody would be an admin
/// any more.
pub async fn assign(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    user: UserId,
    assignment: Assignment,
) -> Result<NewEvent, Fault<AppError>> {
    let by = &asking.by;
    let (role, custom) =
        store::lock_member(tx, user).await?.ok_or_else(|| Fault::Rejected(AppError::not_found("user")))?;
    by.require_to_give(rights_of(tx, role, custom).await?)?;
    let (rights, shown) = match assignment {
        Assignment::BuiltIn(role) => (Rights::of(role), json!({ "role": role })),
        Assignment::Custom(id) => {
            let role = store::lock(tx, id).await?.ok_or_else(|| Fault::Rejected(AppError::not_found("role")))?;
            (role.rights(), json!({ "role_id": id, "role_name": role.name }))
        }
    };
    by.require_to_give(rights)?;
    let stays_admin = assignment == Assignment::BuiltIn(Role::Admin);
    if role == Role::Admin && !stays_admin && store::other_admins(tx, user).await? == 0 {
        return Err(Fault::Rejected(AppError::conflict(
            "last-admin",
            "this is the tenant's last admin; make somebody else one first",
        )));
    }
    store::assign(tx, user, assignment).await?;
    let before = match custom {
        None => json!({ "role": role, "role_id": null }),
        Some(id) => json!({ "role": null, "role_id": id }),
    };
    let after = match assignment {
        Assignment::BuiltIn(role) => json!({ "role": role, "role_id": null }),
        Assignment::Custom(id) => json!({ "role": null, "role_id": id }),
    };
    let entry = asking.entry("user.role_changed", Ref::new("user", user), Some(before), Some(after));
    audit::append(tx, entry).await?;
    Ok(NewEvent::new(ROLE_CHANGED, Ref::new("user", user), shown)
        .actor(Ref::new("user", by.user))
        .scopes([Scope::Agent(user.into())]))
}
