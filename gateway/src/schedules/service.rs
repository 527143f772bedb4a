//! Making, changing and removing opening hours, and deciding for now.

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_calls::hours::Hours;
use trunkline_calls::schedule::{self, Special, special_fault};
use trunkline_db::{DbError, ScheduleId, TenantTx};
use trunkline_journal::{Fault, Kind, NewEvent, Ref};

use super::model::{CreateSchedule, Decide, OpenState, Row, Schedule, UpdateSchedule};
use super::store;
use crate::audit;
use crate::http::{AppError, IfMatch};
use crate::roles::Asking;

const CREATED: Kind = Kind::from_static("schedule.created");
const CHANGED: Kind = Kind::from_static("schedule.changed");
const REMOVED: Kind = Kind::from_static("schedule.removed");

/// Most opening hours of a tenant: call control has them in memory.
const MAX_SCHEDULES: i64 = 500;

fn subject(id: ScheduleId) -> Ref {
    Ref::new("schedule", id.uuid())
}

fn state_of(row: &Row) -> serde_json::Value {
    json!({
        "name": row.name, "time_zone": row.hours.time_zone, "week": row.hours.week, "special": row.special,
        "override": row.decided,
    })
}

fn told(kind: Kind, id: ScheduleId, name: &str, asking: &Asking) -> NewEvent {
    NewEvent::new(kind, subject(id), json!({ "name": name })).actor(Ref::new("user", asking.by.user))
}

fn refused(error: DbError) -> Fault<AppError> {
    match error.constraint() {
        Some("schedules_name_key") => AppError::conflict("name-taken", "opening hours of this name are there").into(),
        Some("numbers_schedule_fkey") => {
            AppError::conflict("in-use", "a number goes by these opening hours; see used_by").into()
        }
        _ => error.into(),
    }
}

fn checked_name(name: &str) -> Result<String, AppError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(AppError::invalid_field("name", "must have 1 to 100 characters"));
    }
    Ok(name.to_owned())
}

fn check(hours: &Hours, special: &[Special]) -> Result<(), AppError> {
    if let Some(words) = hours.fault() {
        return Err(AppError::invalid_field("week", words));
    }
    if let Some(words) = special_fault(special) {
        return Err(AppError::invalid_field("special", words));
    }
    Ok(())
}

async fn locked(tx: &mut TenantTx<'_>, id: ScheduleId) -> Result<Row, Fault<AppError>> {
    store::lock(tx, id).await?.ok_or_else(|| AppError::not_found("schedule").into())
}

/// As the API shows it.
pub(super) async fn shown(tx: &mut TenantTx<'_>, row: Row) -> Result<Schedule, DbError> {
    let used_by = store::used_by(tx).await?.remove(&row.id).unwrap_or_default();
    Ok(row.shown(tx.tenant(), used_by, Utc::now()))
}

pub(super) async fn create(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &CreateSchedule,
) -> Result<(Schedule, NewEvent), Fault<AppError>> {
    let hours = Hours { time_zone: wanted.time_zone.clone(), week: wanted.week.clone() };
    check(&hours, &wanted.special)?;
    let row = Row {
        id: ScheduleId::new(),
        name: checked_name(&wanted.name)?,
        hours,
        special: wanted.special.clone(),
        decided: None,
        updated_at: Utc::now(),
    };
    if store::count(tx).await? >= MAX_SCHEDULES {
        let words = format!("at most {MAX_SCHEDULES} opening hours can be made");
        return Err(AppError::conflict("too-many-schedules", words).into());
    }
    store::insert(tx, &row).await.map_err(refused)?;
    let row = locked(tx, row.id).await?;
    audit::append(tx, asking.entry("schedule.created", subject(row.id), None, Some(state_of(&row)))).await?;
    let event = told(CREATED, row.id, &row.name, asking);
    Ok((shown(tx, row).await?, event))
}

pub(super) async fn update(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ScheduleId,
    seen: &IfMatch,
    wanted: &UpdateSchedule,
) -> Result<(Schedule, Option<NewEvent>), Fault<AppError>> {
    let before = locked(tx, id).await?;
    seen.check(before.updated_at)?;
    let mut after = before.clone();
    if let Some(name) = &wanted.name {
        after.name = checked_name(name)?;
    }
    if let Some(time_zone) = &wanted.time_zone {
        after.hours.time_zone.clone_from(time_zone);
    }
    if let Some(week) = &wanted.week {
        after.hours.week.clone_from(week);
    }
    if let Some(special) = &wanted.special {
        after.special.clone_from(special);
    }
    check(&after.hours, &after.special)?;
    if after == before {
        return Ok((shown(tx, before).await?, None));
    }
    store::update(tx, &after).await.map_err(refused)?;
    let after = locked(tx, id).await?;
    let entry = asking.entry("schedule.changed", subject(id), Some(state_of(&before)), Some(state_of(&after)));
    audit::append(tx, entry).await?;
    let event = told(CHANGED, id, &after.name, asking);
    Ok((shown(tx, after).await?, Some(event)))
}

pub(super) async fn remove(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ScheduleId,
) -> Result<NewEvent, Fault<AppError>> {
    let row = locked(tx, id).await?;
    let used = store::used_by(tx).await?.remove(&id).unwrap_or_default();
    if !used.queues.is_empty() || !used.flows.is_empty() {
        let words = "a queue or a flow goes by these opening hours; see used_by";
        return Err(AppError::conflict("in-use", words).into());
    }
    store::remove(tx, id).await.map_err(refused)?;
    audit::append(tx, asking.entry("schedule.removed", subject(id), Some(state_of(&row)), None)).await?;
    Ok(told(REMOVED, id, &row.name, asking))
}

/// What somebody wants for now.
fn decision(asking: &Asking, wanted: &Decide, now: DateTime<Utc>) -> Result<schedule::Override, AppError> {
    if wanted.until.is_some_and(|until| until <= now) {
        return Err(AppError::invalid_field("until", "must be in the future"));
    }
    let note = wanted.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > 200) {
        return Err(AppError::invalid_field("note", "must have at most 200 characters"));
    }
    Ok(schedule::Override {
        open: wanted.state == OpenState::Open,
        until: wanted.until,
        note: note.map(str::to_owned),
        by: Some(asking.by.user.uuid()),
        since: now,
    })
}

/// Decides for now, of one or of all of the tenant's; or ends it.
pub(super) async fn decide(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    one: Option<ScheduleId>,
    wanted: Option<&Decide>,
) -> Result<Vec<NewEvent>, Fault<AppError>> {
    let decided = wanted.map(|wanted| decision(asking, wanted, Utc::now())).transpose()?;
    if let Some(id) = one {
        locked(tx, id).await?;
    }
    let changed = store::decide(tx, one, decided.as_ref()).await?;
    let mut events = Vec::with_capacity(changed.len());
    for id in changed {
        let row = locked(tx, id).await?;
        let after = json!({ "override": decided });
        audit::append(tx, asking.entry("schedule.overridden", subject(id), None, Some(after))).await?;
        events.push(told(CHANGED, id, &row.name, asking));
    }
    Ok(events)
}

/// All of the tenant's, as the API shows them.
pub(super) async fn all(tx: &mut TenantTx<'_>) -> Result<Vec<Schedule>, DbError> {
    let mut used = store::used_by(tx).await?;
    let (tenant, now) = (tx.tenant(), Utc::now());
    let rows = store::list(tx, None, None, MAX_SCHEDULES).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let used_by = used.remove(&row.id).unwrap_or_default();
            row.shown(tenant, used_by, now)
        })
        .collect())
}
