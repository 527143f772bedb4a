//! Making a tenant with its first admin, in one transaction.

use http::StatusCode;
use serde_json::json;
use trunkline_db::{AgentId, QueueId, Role, TenantId, TenantTx, UserId};
use trunkline_journal::{Kind, NewEvent, Ref};

use super::model::{CreateTenant, CreatedTenant, Limits};
use super::service::{state_of, taken};
use super::{slug, store};
use crate::auth::LANGUAGES;
use crate::http::idempotency::Effect;
use crate::http::{AppError, FieldError};
use crate::roles::Asking;
use crate::setup::make as parts;
use crate::state::AppState;
use crate::{audit, settings};

const TENANT_CREATED: Kind = Kind::from_static("tenant.created");
const USER_CREATED: Kind = Kind::from_static("user.created");
const QUEUE_CREATED: Kind = Kind::from_static("queue.created");

/// A tenant that will be made: everything is checked, and the one-time password hashed, while no transaction is open.
#[derive(Debug)]
pub(super) struct Ready {
    slug: String,
    name: String,
    time_zone: String,
    language: String,
    admin: parts::PlannedUser,
    queue: String,
    number: Option<String>,
    limits: Limits,
    one_time_password: String,
    hash: String,
}

/// Checks everything at once, and hashes a one-time password.
pub(super) async fn ready(state: &AppState, wanted: CreateTenant) -> Result<Ready, AppError> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: &str| {
        errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    };
    if let Err(message) = slug::check(&wanted.slug) {
        wrong("slug", message);
    }
    let name = parts::checked_name("name", &wanted.name, &mut wrong);
    if wanted.time_zone.parse::<chrono_tz::Tz>().is_err() {
        wrong("time_zone", "must be an IANA time zone such as Europe/Rome");
    }
    if !LANGUAGES.contains(&wanted.language.as_str()) {
        wrong("language", "must be one of en, ru, it");
    }
    let admin = parts::PlannedUser {
        name: parts::checked_name("admin.name", &wanted.admin.name, &mut wrong),
        email: wanted.admin.email.trim().to_lowercase(),
        role: Role::Admin,
        field: "admin.email".to_owned(),
    };
    if !parts::is_email(&admin.email) {
        wrong("admin.email", "must be an e-mail address");
    }
    let queue = parts::checked_name("queue", &wanted.queue, &mut wrong);
    let number = wanted.number.as_deref().map(str::trim).filter(|number| !number.is_empty());
    let number = number.and_then(|written| {
        let number = parts::e164(written);
        if number.is_none() {
            wrong("number", "must be an international number such as +390612345678 (a plus and 7 to 15 digits)");
        }
        number
    });
    if !errors.is_empty() {
        return Err(AppError::invalid(errors));
    }
    wanted.limits.check("limits.")?;
    let one_time_password = parts::one_time_password();
    let hash = parts::hashed(state, one_time_password.clone()).await?;
    let CreateTenant { slug, time_zone, language, limits, .. } = wanted;
    Ok(Ready { slug, name, time_zone, language, admin, queue, number, limits, one_time_password, hash })
}

/// Makes the tenant in the transaction that it is given, and gives that back as the asking person's.
pub(super) async fn make(
    tx: TenantTx<'static>,
    asking: Asking,
    ready: Ready,
) -> Result<(TenantTx<'static>, Effect<CreatedTenant, TenantId>), AppError> {
    let home = tx.tenant();
    let mut system = tx.into_system().await?;
    let (tenant, queue) = (TenantId::new(), QueueId::new());
    parts::insert_tenant(&mut system, tenant, &ready.slug, &ready.name).await.map_err(taken)?;
    store::set_limits(&mut system, tenant, ready.limits).await?;
    let known = store::person(&mut system, &ready.admin.email).await?;
    let is_new = known.is_none();
    let (admin, name) = if let Some(known) = known {
        known
    } else {
        let id = UserId::new();
        parts::insert_user(&mut system, id, &ready.admin, &ready.hash, true).await.map_err(taken)?;
        (id, ready.admin.name.clone())
    };
    let made = store::list(&mut system, Some(tenant), None, 1).await?.pop();
    let made = made.ok_or_else(|| AppError::not_found("tenant"))?;
    let subject = Ref::new("tenant", tenant);
    let entry = asking.entry("tenant.created", subject.clone(), None, Some(state_of(&made)));
    // Into the platform's chain and the tenant's: both are asked who did it.
    audit::append_system(&mut system, Some(tenant), entry.clone()).await?;
    audit::append_system(&mut system, None, entry).await?;
    let about_admin = json!({ "name": name, "email": ready.admin.email, "role": Role::Admin });
    let entry = asking.entry("user.created", Ref::new("user", admin), None, Some(about_admin.clone()));
    audit::append_system(&mut system, Some(tenant), entry).await?;

    let mut tx = system.into_tenant(tenant).await?;
    let member = parts::PlannedUser { name, ..ready.admin };
    // Until there are others the admin takes the calls, unless the tenant may have nobody who does.
    let takes_work = ready.limits.agents != Some(0);
    parts::insert_member(&mut tx, admin, &member, takes_work).await?;
    let agents: Vec<AgentId> = takes_work.then(|| AgentId::from(admin)).into_iter().collect();
    let number = ready.number.as_deref();
    parts::insert_queue(&mut tx, queue, &ready.queue, number, &agents).await.map_err(taken)?;
    settings::choose(&mut tx, asking.by.user, &ready.language, &ready.time_zone).await?;
    let about =
        json!({ "slug": ready.slug, "name": ready.name, "time_zone": ready.time_zone, "language": ready.language });
    let about_queue = json!({ "name": ready.queue, "extension": parts::EXTENSION, "number": ready.number });
    let by = Ref::new("user", asking.by.user);
    let events = [
        NewEvent::new(TENANT_CREATED, subject, about),
        NewEvent::new(USER_CREATED, Ref::new("user", admin), about_admin),
        NewEvent::new(QUEUE_CREATED, Ref::new("queue", queue), about_queue),
    ];
    parts::append_first_events(&mut tx, &events.map(|event| event.actor(by.clone()))).await?;

    let mut system = tx.into_system().await?;
    let made = store::list(&mut system, Some(tenant), None, 1).await?.pop();
    let made = made.ok_or_else(|| AppError::not_found("tenant"))?;
    let tx = system.into_tenant(home).await?;
    let one_time_password = is_new.then_some(ready.one_time_password);
    let body = CreatedTenant { tenant: made, admin_id: admin, one_time_password };
    Ok((tx, Effect { status: StatusCode::CREATED, body, value: tenant }))
}
