//! Making a tenant in one transaction, and beginning the end of the demo.

use http::StatusCode;
use serde_json::json;
use trunkline_db::{AgentId, QueueId, SystemTx, TenantId, TenantTx, UserId};
use trunkline_journal::{Kind, NewEvent, Ref};

use super::model::{NewQueue, NewTenant, NewUser, SetUp};
use super::plan::{self, Plan, PlannedUser};
use super::removal;
use super::store::{self, Begun};
use crate::audit::{self, Actor, Entry, Origin};
use crate::auth::{PasswordError, Principal};
use crate::http::idempotency::Effect;
use crate::http::{AppError, FieldError};
use crate::settings;
use crate::state::AppState;

const TENANT_CREATED: Kind = Kind::from_static("tenant.created");
const USER_CREATED: Kind = Kind::from_static("user.created");
const QUEUE_CREATED: Kind = Kind::from_static("queue.created");
/// What phones dial to reach the first queue.
pub(crate) const EXTENSION: &str = "700";

/// A user with id and password, ready to be stored.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    id: UserId,
    user: PlannedUser,
    hash: String,
    one_time_password: Option<String>,
}

/// Chooses ids and one-time passwords and hashes them: no transaction is open meanwhile.
pub(super) async fn ready(state: &AppState, plan: &Plan, admin_password: String) -> Result<Vec<Ready>, AppError> {
    let mut ready = Vec::with_capacity(plan.users.len());
    let mut admin_password = Some(admin_password);
    for user in &plan.users {
        let one_time_password = if admin_password.is_some() { None } else { Some(one_time_password()) };
        let password = admin_password.take().or_else(|| one_time_password.clone()).unwrap_or_default();
        let hash = hashed(state, password).await?;
        ready.push(Ready { id: UserId::new(), user: user.clone(), hash, one_time_password });
    }
    Ok(ready)
}

/// The hash of a password.
pub(crate) async fn hashed(state: &AppState, password: String) -> Result<String, AppError> {
    state.passwords.hash(password).await.map_err(|error| match error {
        PasswordError::Busy => AppError::too_many("too many sign-ins at once; try again shortly", 2),
        error @ PasswordError::Hash(_) => AppError::internal(error),
    })
}

/// Sixteen characters in groups of four, of 31 that nobody mistakes for one another: 79 random bits.
pub(crate) fn one_time_password() -> String {
    const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let mut password = String::with_capacity(19);
    while password.len() < 19 {
        // Bytes beyond the last whole multiple would favour the first letters.
        let byte: u8 = rand::random();
        if byte >= 31 * 8 {
            continue;
        }
        if password.len() % 5 == 4 {
            password.push('-');
        }
        password.push(char::from(ALPHABET[usize::from(byte % 31)]));
    }
    password
}

/// Makes everything in the transaction that it is given, and gives it back as the founder's.
pub(super) async fn make(
    founder: Principal,
    origin: Origin,
    tx: TenantTx<'static>,
    plan: Plan,
    ready: Vec<Ready>,
) -> Result<(TenantTx<'static>, Effect<SetUp, TenantId>), AppError> {
    let mut system = tx.into_system().await?;
    if store::tenants(&mut system).await?.demo.map(|(demo, _)| demo) != Some(founder.tenant) {
        return Err(AppError::forbidden("only an admin of the demo tenant sets up another one"));
    }
    refuse_taken_addresses(&mut system, &plan).await?;
    let slug = if plan.slug_chosen { plan.slug.clone() } else { store::free_slug(&mut system, &plan.slug).await? };
    let (tenant, queue) = (TenantId::new(), QueueId::new());
    store::insert_tenant(&mut system, tenant, &slug, &plan.name).await.map_err(taken)?;
    for ready in &ready {
        let must_change = ready.one_time_password.is_some();
        store::insert_user(&mut system, ready.id, &ready.user, &ready.hash, must_change).await.map_err(taken)?;
    }
    let events = events(tenant, &slug, queue, &plan, &ready);
    for entry in entries(founder, &origin, &events) {
        audit::append_system(&mut system, Some(tenant), entry).await?;
    }
    // The platform's log knows of every tenant, also when that one is gone with its own.
    for entry in entries(founder, &origin, &events[..1]) {
        audit::append_system(&mut system, None, entry).await?;
    }

    let mut tx = system.into_tenant(tenant).await?;
    let (mut agents, admin) = (Vec::new(), ready[0].id);
    let has_operators = plan.users.iter().any(|user| user.role.takes_work());
    for ready in &ready {
        // Without operators the admin takes the calls, else nobody could.
        let takes_work = ready.user.role.takes_work() || (!has_operators && ready.id == admin);
        store::insert_member(&mut tx, ready.id, &ready.user, takes_work).await?;
        agents.extend(takes_work.then(|| AgentId::from(ready.id)));
    }
    let queue_slug = plan::slug_of(&plan.queue);
    store::insert_queue(&mut tx, queue, &queue_slug, &plan.queue, EXTENSION, plan.number.as_deref(), &agents)
        .await
        .map_err(taken)?;
    store::insert_hours(&mut tx, &plan.hours).await?;
    settings::choose(&mut tx, founder.user, &plan.language, &plan.time_zone).await?;
    store::append_first_events(&mut tx, &events).await?;

    let tx = tx.into_tenant(founder.tenant).await?;
    let number = plan.number.clone();
    let body = SetUp {
        tenant: NewTenant { id: tenant, slug, name: plan.name },
        queue: NewQueue { id: queue, name: plan.queue, extension: EXTENSION.to_owned(), number },
        users: ready
            .into_iter()
            .map(|ready| NewUser {
                id: ready.id,
                name: ready.user.name,
                email: ready.user.email,
                role: ready.user.role,
                one_time_password: ready.one_time_password,
            })
            .collect(),
    };
    Ok((tx, Effect { status: StatusCode::CREATED, body, value: tenant }))
}

/// Named one by one, while the form is before somebody's eyes.
async fn refuse_taken_addresses(system: &mut SystemTx, plan: &Plan) -> Result<(), AppError> {
    let emails: Vec<String> = plan.users.iter().map(|user| user.email.clone()).collect();
    let taken = store::taken(system, &emails).await?;
    let errors: Vec<FieldError> = plan
        .users
        .iter()
        .filter(|user| taken.contains(&user.email))
        .map(|user| FieldError { field: user.field.clone(), message: "belongs to a user already".to_owned() })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(AppError::invalid(errors)) }
}

/// What only the database can tell: somebody was quicker, or has it already.
fn taken(error: trunkline_db::DbError) -> AppError {
    match error.constraint() {
        Some("tenants_slug_key") => AppError::invalid_field("slug", "belongs to another tenant"),
        Some("numbers_number_key") => AppError::invalid_field("number", "belongs to another tenant"),
        Some("users_email_key" | "users_email_check") => {
            AppError::invalid_field("users", "one of the addresses belongs to a user already, or is none")
        }
        _ => error.into(),
    }
}

fn events(tenant: TenantId, slug: &str, queue: QueueId, plan: &Plan, ready: &[Ready]) -> Vec<NewEvent> {
    let admin = Ref::new("user", ready[0].id);
    let about_tenant = json!({
        "slug": slug,
        "name": plan.name,
        "time_zone": plan.time_zone,
        "language": plan.language,
    });
    let mut events = vec![NewEvent::new(TENANT_CREATED, Ref::new("tenant", tenant), about_tenant)];
    events.extend(ready.iter().map(|ready| {
        let data = json!({ "name": ready.user.name, "email": ready.user.email, "role": ready.user.role });
        NewEvent::new(USER_CREATED, Ref::new("user", ready.id), data)
    }));
    let about_queue = json!({ "name": plan.queue, "extension": EXTENSION, "number": plan.number });
    events.push(NewEvent::new(QUEUE_CREATED, Ref::new("queue", queue), about_queue));
    events.into_iter().map(|event| event.actor(admin.clone())).collect()
}

/// What the audit log says of them. Names of events are names of actions; the first one makes the tenant.
fn entries(founder: Principal, origin: &Origin, events: &[NewEvent]) -> Vec<Entry> {
    let entry = |event: &NewEvent| Entry {
        actor: Actor::of(&founder),
        action: match event.kind.as_str() {
            "tenant.created" => "tenant.created",
            "queue.created" => "queue.created",
            _ => "user.created",
        },
        subject: event.subject.clone(),
        before: None,
        after: Some(event.data.clone()),
        origin: origin.clone(),
    };
    events.iter().map(entry).collect()
}

/// What became of the wish to remove the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    /// Nothing is left of it, or there was none.
    Done,
    /// It goes on behind the answer.
    Underway,
}

/// How long the answer waits for the removal's end.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Removes the demo tenant. The removal itself goes on when the client goes away.
pub(super) async fn remove_demo(state: &AppState, principal: &Principal, origin: Origin) -> Result<Removal, AppError> {
    let mut tx = state.db.system().await?;
    let begun = store::begin_removal(&mut tx).await?;
    let (tenant, sessions) = match begun {
        Begun::Absent => return Ok(Removal::Done),
        Begun::Only => {
            return Err(AppError::conflict("only-tenant", "the demo is the only tenant; set up one of your own first"));
        }
        Begun::Calls(calls) => return Err(calls_run(calls)),
        Begun::Removing(tenant, sessions) => (tenant, sessions),
    };
    let entry = Entry {
        actor: Actor::of(principal),
        action: "tenant.removal_begun",
        subject: Ref::new("tenant", tenant),
        before: None,
        after: Some(json!({ "by_member_of": principal.tenant })),
        origin,
    };
    audit::append_system(&mut tx, None, entry).await?;
    tx.commit().await?;

    // From now on no number and no phone of it leads anywhere. A call may have come in just before.
    let forgotten = tokio::time::timeout(PATIENCE, state.calls.forgets_tenant(tenant)).await;
    let mut tx = state.db.system().await?;
    let calls = store::open_calls(&mut tx, tenant).await?;
    if calls > 0 || forgotten.is_err() {
        store::call_off_removal(&mut tx, tenant).await?;
        audit::append_system(&mut tx, None, removal_entry("tenant.removal_called_off", tenant)).await?;
        tx.commit().await?;
        return Err(calls_run(calls.max(1)));
    }
    tx.commit().await?;
    for session in sessions {
        state.sessions.end(session);
    }

    let removing = state.clone();
    let task = tokio::spawn(async move { removal::remove(&removing, tenant).await });
    match tokio::time::timeout(PATIENCE, task).await {
        Ok(Ok(Ok(_))) => Ok(Removal::Done),
        Ok(Ok(Err(error))) => Err(match error.downcast::<trunkline_db::DbError>() {
            Ok(error) => error.into(),
            Err(error) => AppError::internal(error),
        }),
        Ok(Err(panicked)) => Err(AppError::internal(panicked)),
        Err(_) => Ok(Removal::Underway),
    }
}

/// What the gateway does by itself in the course of a removal.
pub(crate) fn removal_entry(action: &'static str, tenant: TenantId) -> Entry {
    Entry {
        actor: Actor::system(),
        action,
        subject: Ref::new("tenant", tenant),
        before: None,
        after: None,
        origin: Origin::default(),
    }
}

fn calls_run(calls: i64) -> AppError {
    let words = if calls == 1 {
        "a call of the demo is running".to_owned()
    } else {
        format!("{calls} calls of the demo are running")
    };
    AppError::conflict("calls-running", format!("{words}; wait for the end, or hang up"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::weakness;

    #[test]
    fn a_one_time_password_can_be_read_out_and_is_strong_enough() {
        let password = one_time_password();
        assert_eq!(password.len(), 19);
        assert!(password.split('-').all(|group| group.len() == 4), "{password}");
        assert_eq!(weakness(&password, &[]), None);
        assert_ne!(password, one_time_password());
    }
}
