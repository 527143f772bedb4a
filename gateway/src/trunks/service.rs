//! Connecting, changing and removing trunks.

use chrono::Utc;
use serde_json::{Value, json};
use trunkline_calls::lines::{TrunkSettings, is_password};
use trunkline_db::{DbError, TenantTx, TrunkId};
use trunkline_journal::{Fault, Kind, NewEvent, Ref};

use super::import;
use super::model::{CreateTrunk, ImportedTrunks, Trunk, UpdateTrunk};
use super::password_place;
use super::store::{self, Row};
use crate::audit;
use crate::http::{AppError, IfMatch, Patch};
use crate::roles::{Asking, checked_name};
use crate::state::AppState;

const CREATED: Kind = Kind::from_static("trunk.created");
const CHANGED: Kind = Kind::from_static("trunk.changed");
const REMOVED: Kind = Kind::from_static("trunk.removed");

/// Most trunks of a tenant.
const MAX_TRUNKS: i64 = 100;
/// Priority of a trunk of which nobody says which it has.
const USUAL_PRIORITY: i32 = 10;

fn subject(id: TrunkId) -> Ref {
    Ref::new("trunk", id.uuid())
}

/// A trunk as the API shows it.
pub(super) fn view(state: &AppState, row: Row) -> Result<Trunk, AppError> {
    let settings = settings_of(&row)?;
    Ok(Trunk {
        id: row.id,
        name: row.name,
        has_password: row.password_sealed.is_some(),
        priority: row.priority,
        status: if row.enabled { state.calls.trunks().of(row.id) } else { Vec::new() },
        enabled: row.enabled,
        settings,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

fn settings_of(row: &Row) -> Result<TrunkSettings, AppError> {
    serde_json::from_value(row.settings.clone()).map_err(AppError::internal)
}

/// What the audit log keeps: everything but the password, of which it says when it changed.
fn state_of(row: &Row) -> Value {
    json!({
        "name": row.name, "settings": row.settings, "has_password": row.password_sealed.is_some(),
        "priority": row.priority, "enabled": row.enabled,
    })
}

fn told(kind: Kind, asking: &Asking, row: &Row) -> NewEvent {
    let data = json!({ "name": row.name, "enabled": row.enabled });
    NewEvent::new(kind, subject(row.id), data).actor(Ref::new("user", asking.by.user))
}

fn name_taken(error: DbError) -> Fault<AppError> {
    if error.constraint() == Some("trunks_name_key") {
        AppError::conflict("name-taken", "there is a trunk with this name already").into()
    } else {
        error.into()
    }
}

fn check(settings: &TrunkSettings) -> Result<(), AppError> {
    settings.check().map_err(|invalid| AppError::invalid_field(format!("settings.{}", invalid.field), invalid.message))
}

fn checked_priority(priority: i32) -> Result<i32, AppError> {
    if (0..=1000).contains(&priority) {
        Ok(priority)
    } else {
        Err(AppError::invalid_field("priority", "must be 0 to 1000"))
    }
}

fn sealed(state: &AppState, tx: &TenantTx<'_>, id: TrunkId, password: &str) -> Result<Vec<u8>, AppError> {
    if !is_password(password) {
        return Err(AppError::invalid_field("password", "must have 1 to 256 characters, and no line breaks"));
    }
    Ok(state.vault.seal(&password_place(tx.tenant(), id), password.as_bytes()).into_bytes())
}

fn needs_password(settings: &TrunkSettings, has: bool) -> Result<(), AppError> {
    if settings.kind == trunkline_calls::lines::Kind::Registration && !has {
        return Err(AppError::invalid_field("password", "must be given: the carrier is signed in to with it"));
    }
    Ok(())
}

async fn locked(tx: &mut TenantTx<'_>, id: TrunkId) -> Result<Row, Fault<AppError>> {
    store::lock(tx, id).await?.ok_or_else(|| AppError::not_found("trunk").into())
}

/// Connects a trunk.
pub(super) async fn create(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &CreateTrunk,
) -> Result<(Trunk, NewEvent), Fault<AppError>> {
    let name = checked_name(&wanted.name)?;
    check(&wanted.settings)?;
    needs_password(&wanted.settings, wanted.password.is_some())?;
    if store::count(tx).await? >= MAX_TRUNKS {
        let words = format!("at most {MAX_TRUNKS} trunks can be connected");
        return Err(AppError::conflict("too-many-trunks", words).into());
    }
    let id = TrunkId::new();
    let password_sealed = wanted.password.as_deref().map(|password| sealed(state, tx, id, password)).transpose()?;
    let row = Row {
        id,
        name,
        settings: json!(wanted.settings),
        password_sealed,
        priority: checked_priority(wanted.priority.unwrap_or(USUAL_PRIORITY))?,
        enabled: wanted.enabled.unwrap_or(true),
        created_at: Utc::now(),
        updated_at: Utc::now(),
    };
    store::insert(tx, &row).await.map_err(name_taken)?;
    let row = locked(tx, id).await?;
    audit::append(tx, asking.entry("trunk.created", subject(id), None, Some(state_of(&row)))).await?;
    let event = told(CREATED, asking, &row);
    Ok((view(state, row)?, event))
}

/// Changes a trunk. Calls that run on it go on.
pub(super) async fn update(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: TrunkId,
    seen: &IfMatch,
    wanted: &UpdateTrunk,
) -> Result<(Trunk, Option<NewEvent>), Fault<AppError>> {
    let before = locked(tx, id).await?;
    seen.check(before.updated_at)?;
    let mut after = before.clone();
    if let Some(name) = &wanted.name {
        after.name = checked_name(name)?;
    }
    if let Some(settings) = &wanted.settings {
        check(settings)?;
        after.settings = json!(settings);
    }
    match &wanted.password {
        Patch::Keep => {}
        Patch::Clear => after.password_sealed = None,
        Patch::Set(password) => after.password_sealed = Some(sealed(state, tx, id, password)?),
    }
    needs_password(&settings_of(&after)?, after.password_sealed.is_some())?;
    after.priority = checked_priority(wanted.priority.unwrap_or(after.priority))?;
    after.enabled = wanted.enabled.unwrap_or(after.enabled);
    let (mut old, mut new) = audit::changed(&state_of(&before), &state_of(&after));
    if after.password_sealed != before.password_sealed {
        // An envelope is another each time; that one was given is all that is told.
        let noted = |value: Option<Value>, word: &str| {
            let mut value = value.unwrap_or_else(|| json!({}));
            value["password"] = json!(word);
            Some(value)
        };
        (old, new) = (noted(old, "before"), noted(new, "changed"));
    } else if old == new {
        return Ok((view(state, before)?, None));
    }
    store::update(tx, &after).await.map_err(name_taken)?;
    let after = locked(tx, id).await?;
    audit::append(tx, asking.entry("trunk.changed", subject(id), old, new)).await?;
    let event = told(CHANGED, asking, &after);
    Ok((view(state, after)?, Some(event)))
}

/// Removes a trunk. Calls that run on it go on; new ones find it gone.
pub(super) async fn remove(tx: &mut TenantTx<'_>, asking: &Asking, id: TrunkId) -> Result<NewEvent, Fault<AppError>> {
    let before = locked(tx, id).await?;
    store::remove(tx, id).await?;
    audit::append(tx, asking.entry("trunk.removed", subject(id), Some(state_of(&before)), None)).await?;
    Ok(told(REMOVED, asking, &before))
}

/// Reads a `pjsip.conf`, and makes the trunks that it describes if that is wanted. One whose name is taken gets a number behind it.
pub(super) async fn import(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    text: &str,
    apply: bool,
) -> Result<(ImportedTrunks, Vec<NewEvent>), Fault<AppError>> {
    let read = import::read(text).map_err(|message| AppError::invalid_field("text", message))?;
    let mut imported = ImportedTrunks { trunks: Vec::new(), not_understood: read.not_understood, created: Vec::new() };
    let mut events = Vec::new();
    let mut names: Vec<String> =
        store::list(tx, None, None, MAX_TRUNKS).await?.into_iter().map(|row| row.name.to_lowercase()).collect();
    for found in read.trunks {
        let mut proposal = found.proposal;
        let own = proposal.name.clone();
        let mut number = 2;
        while names.contains(&proposal.name.to_lowercase()) {
            proposal.name = format!("{own} {number}");
            number += 1;
        }
        names.push(proposal.name.to_lowercase());
        if apply && proposal.problem.is_none() {
            let wanted = CreateTrunk {
                name: proposal.name.clone(),
                settings: proposal.settings.clone(),
                password: found.password.map(|password| password.expose().to_owned()),
                priority: None,
                enabled: None,
            };
            let (trunk, event) = create(state, tx, asking, &wanted).await?;
            imported.created.push(trunk);
            events.push(event);
        }
        imported.trunks.push(proposal);
    }
    Ok((imported, events))
}
