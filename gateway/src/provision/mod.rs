//! Making tenants, users, queues and numbers: for the command line and the demo. Everything here may be run again.

mod demo;
mod store;

use serde_json::json;
use trunkline_db::{AgentId, Db, DbError, QueueId, Role, TenantId, UserId};
use trunkline_journal::Ref;

use crate::audit::{self, Actor, Entry, Origin};
use crate::auth::{PasswordError, Passwords, weakness};

pub use demo::{DEMO_PASSWORD, DEMO_TENANT, seed_demo};
pub use store::Member;

/// Why something could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// The database said no.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The password is too weak.
    #[error("the password {0}")]
    Weak(String),
    /// No tenant has that slug.
    #[error("there is no tenant {0:?}")]
    NoTenant(String),
    /// No user has that address.
    #[error("there is no user {0:?}")]
    NoUser(String),
    /// The user is there already.
    #[error("{email} is a member of {tenant:?} already")]
    AlreadyMember {
        /// The address.
        email: String,
        /// The tenant's slug.
        tenant: String,
    },
    /// The input does not fit.
    #[error("{0}")]
    Invalid(String),
}

/// A user to be made a member of a tenant.
#[derive(Debug, Clone, Copy)]
pub struct NewMember<'a> {
    /// E-mail address, in any case.
    pub email: &'a str,
    /// Name for colleagues.
    pub name: &'a str,
    /// Role within the tenant.
    pub role: Role,
    /// Whether the user takes work.
    pub takes_work: bool,
}

/// A queue to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewQueue<'a> {
    /// Short name.
    pub slug: &'a str,
    /// Name for people.
    pub name: &'a str,
    /// What phones dial.
    pub extension: &'a str,
    /// Numbers of the public network that lead to it, E.164.
    pub numbers: &'a [&'a str],
}

/// Makes a tenant, or finds the one with that slug.
pub async fn create_tenant(db: &Db, slug: &str, name: &str) -> Result<TenantId, ProvisionError> {
    let mut tx = db.system().await?;
    let tenant = store::create_tenant(&mut tx, slug, name).await.map_err(|error| match error.constraint() {
        Some("tenants_slug_check") => ProvisionError::Invalid(format!(
            "{slug:?} is no slug: 2 to 32 lower-case letters, digits and dashes, beginning with a letter"
        )),
        _ => error.into(),
    })?;
    tx.commit().await?;
    Ok(tenant)
}

/// The tenant with that slug.
pub async fn find_tenant(db: &Db, slug: &str) -> Result<TenantId, ProvisionError> {
    let mut tx = db.system().await?;
    let tenant = store::find_tenant(&mut tx, slug).await?;
    tx.commit().await?;
    tenant.ok_or_else(|| ProvisionError::NoTenant(slug.to_owned()))
}

/// Makes a user and the user's membership. A person who is known already (a member of another tenant) keeps name and password.
/// Gives `None` when the user is a member already.
pub async fn add_member(
    db: &Db,
    passwords: &Passwords,
    tenant: TenantId,
    member: NewMember<'_>,
    password: &str,
) -> Result<Option<UserId>, ProvisionError> {
    let email = member.email.trim().to_lowercase();
    if let Some(weakness) = weakness(password, &[member.name, member.email]) {
        return Err(ProvisionError::Weak(weakness));
    }
    if member.name.trim().is_empty() {
        return Err(ProvisionError::Invalid("the name must not be empty".to_owned()));
    }
    let mut tx = db.system().await?;
    let known = store::find_user(&mut tx, &email).await?;
    tx.commit().await?;
    // Hashed with no transaction open, and only when it will be stored.
    let hash = if known.is_none() { passwords.hash(password.to_owned()).await? } else { String::new() };

    let mut tx = db.system().await?;
    let user = match known {
        Some(user) => user,
        None => store::create_user(&mut tx, &email, member.name.trim(), &hash).await.map_err(|error| {
            match error.constraint() {
                Some("users_email_check") => ProvisionError::Invalid(format!("{email:?} is no e-mail address")),
                _ => error.into(),
            }
        })?,
    };
    let mut tx = tx.into_tenant(tenant).await?;
    let added = store::add_membership(&mut tx, user, member.role).await?;
    if added && member.takes_work {
        store::add_agent(&mut tx, AgentId::from(user), member.name.trim(), &email).await?;
    }
    if added {
        let fields =
            json!({ "name": member.name.trim(), "email": email, "role": member.role, "takes_work": member.takes_work });
        audit::append(&mut tx, by_hand("user.created", user, Some(fields))).await?;
    }
    tx.commit().await?;
    Ok(added.then_some(user))
}

/// Gives a user a new password and ends the user's sign-ins: who knew the old one stays in for the rest of an access token only.
pub async fn set_password(db: &Db, passwords: &Passwords, email: &str, password: &str) -> Result<(), ProvisionError> {
    if let Some(weakness) = weakness(password, &[email]) {
        return Err(ProvisionError::Weak(weakness));
    }
    let hash = passwords.hash(password.to_owned()).await?;
    let mut tx = db.system().await?;
    let Some(user) = store::set_password(&mut tx, &email.trim().to_lowercase(), &hash).await? else {
        return Err(ProvisionError::NoUser(email.to_owned()));
    };
    // A person stands above tenants, and so does the log.
    audit::append_system(&mut tx, None, by_hand("user.password_set", user, None)).await?;
    Ok(tx.commit().await?)
}

/// Says whether a user runs the platform.
pub async fn set_superadmin(db: &Db, email: &str, superadmin: bool) -> Result<(), ProvisionError> {
    let mut tx = db.system().await?;
    let Some((user, changed)) = store::set_superadmin(&mut tx, &email.trim().to_lowercase(), superadmin).await? else {
        return Err(ProvisionError::NoUser(email.to_owned()));
    };
    if changed {
        let action = if superadmin { "user.superadmin_given" } else { "user.superadmin_taken" };
        audit::append_system(&mut tx, None, by_hand(action, user, None)).await?;
    }
    Ok(tx.commit().await?)
}

/// What somebody at the machine's command line did.
fn by_hand(action: &'static str, user: UserId, after: Option<serde_json::Value>) -> Entry {
    Entry {
        actor: Actor::command_line(),
        action,
        subject: Ref::new("user", user),
        before: None,
        after,
        origin: Origin::default(),
    }
}

/// All members of all tenants.
pub async fn list_members(db: &Db) -> Result<Vec<Member>, ProvisionError> {
    let mut tx = db.system().await?;
    let members = store::list_members(&mut tx).await?;
    tx.commit().await?;
    Ok(members)
}

/// Makes a queue with its numbers, or finds the one with that slug; adds the members that it lacks.
pub async fn create_queue(
    db: &Db,
    tenant: TenantId,
    queue: NewQueue<'_>,
    members: &[AgentId],
) -> Result<QueueId, ProvisionError> {
    let mut tx = db.tenant(tenant).await?;
    let id = store::create_queue(&mut tx, queue.slug, queue.name, queue.extension).await?;
    for number in queue.numbers {
        store::add_number(&mut tx, number, id).await?;
    }
    for member in members {
        store::add_queue_member(&mut tx, id, *member).await?;
    }
    tx.commit().await?;
    Ok(id)
}
