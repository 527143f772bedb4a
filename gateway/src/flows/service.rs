//! Making, drawing, publishing and removing flows.

use serde_json::{Value, json};
use trunkline_calls::flow::{Fault as FlowFault, Flow as Definition, Severity, check};
use trunkline_db::{DbError, FlowId, TenantTx};
use trunkline_journal::{Fault, Kind, NewEvent, Ref};

use super::known_store::{self, House};
use super::model::{CreateFlow, Draft, Flow, Publish, Row};
use super::store;
use crate::audit;
use crate::http::{AppError, FieldError, IfMatch};
use crate::roles::Asking;

const CREATED: Kind = Kind::from_static("flow.created");
const CHANGED: Kind = Kind::from_static("flow.changed");
const PUBLISHED: Kind = Kind::from_static("flow.published");
const REMOVED: Kind = Kind::from_static("flow.removed");

/// Most flows of a tenant: call control has the published ones in memory.
const MAX_FLOWS: i64 = 200;
/// Faults that are told at once.
const MAX_FAULTS: usize = 200;

fn subject(id: FlowId) -> Ref {
    Ref::new("flow", id.uuid())
}

fn told(kind: Kind, id: FlowId, asking: &Asking, data: Value) -> NewEvent {
    NewEvent::new(kind, subject(id), data).actor(Ref::new("user", asking.by.user))
}

fn refused(error: DbError) -> Fault<AppError> {
    match error.constraint() {
        Some("flows_name_key") => AppError::conflict("name-taken", "a flow of this name is there").into(),
        Some("numbers_flow_fkey" | "numbers_closed_flow_fkey") => {
            AppError::conflict("in-use", "a number leads to this flow").into()
        }
        Some("flows_draft_check" | "flow_versions_definition_check") => {
            AppError::invalid_field("definition", "is too large").into()
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

/// What a new flow does: enough to be published as it is.
fn first() -> Definition {
    let definition = json!({
        "start": "hello", "language": "en", "nodes": [
            { "id": "hello", "name": "Greeting", "x": 80, "y": 80,
              "do": { "type": "play", "say": [{ "builtin": "hello-world" }], "next": "bye" } },
            { "id": "bye", "name": "Goodbye", "x": 400, "y": 80,
              "do": { "type": "hang_up", "say": [{ "builtin": "vm-goodbye" }], "reason": "completed" } },
        ]
    });
    serde_json::from_value(definition).expect("a flow of our own")
}

/// What is wrong with a definition, the errors first.
pub(super) fn faults(definition: &Definition, house: &House) -> Vec<FlowFault> {
    let mut faults = check(definition, house);
    faults.sort_by_key(|fault| fault.severity != Severity::Error);
    faults.truncate(MAX_FAULTS);
    faults
}

fn of_draft(draft: &Value, house: &House) -> Vec<FlowFault> {
    match serde_json::from_value::<Definition>(draft.clone()) {
        Ok(definition) => faults(&definition, house),
        Err(error) => vec![FlowFault {
            node: None,
            field: None,
            code: "bad_value".to_owned(),
            message: format!("it cannot be read: {error}"),
            severity: Severity::Error,
        }],
    }
}

pub(super) fn errors_in(draft: &Value, house: &House) -> usize {
    of_draft(draft, house).iter().filter(|fault| fault.severity == Severity::Error).count()
}

pub(super) async fn locked(tx: &mut TenantTx<'_>, id: FlowId) -> Result<Row, Fault<AppError>> {
    store::lock(tx, id).await?.ok_or_else(|| AppError::not_found("flow").into())
}

/// As the API shows it.
pub(super) async fn shown(tx: &mut TenantTx<'_>, row: Row) -> Result<Flow, DbError> {
    let house = known_store::read(tx).await?;
    let published = match row.published {
        Some(version) => store::versions(tx, row.id, Some(version), None, 1).await?.pop(),
        None => None,
    };
    let numbers = store::numbers(tx).await?.remove(&row.id).unwrap_or_default();
    let draft = row.draft.map(|definition| Draft {
        faults: of_draft(&definition, &house),
        definition,
        updated_at: row.draft_at.unwrap_or(row.updated_at),
        by: row.draft_by,
    });
    Ok(Flow { id: row.id, name: row.name, draft, published, numbers, updated_at: row.updated_at })
}

pub(super) async fn create(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &CreateFlow,
) -> Result<(Flow, NewEvent), Fault<AppError>> {
    let name = checked_name(&wanted.name)?;
    if store::count(tx).await? >= MAX_FLOWS {
        let words = format!("at most {MAX_FLOWS} flows can be made");
        return Err(AppError::conflict("too-many-flows", words).into());
    }
    let id = FlowId::new();
    let definition = json!(wanted.definition.clone().unwrap_or_else(first));
    store::insert(tx, id, &name, &definition, asking.by.user).await.map_err(refused)?;
    audit::append(tx, asking.entry("flow.created", subject(id), None, Some(json!({ "name": name })))).await?;
    let row = locked(tx, id).await?;
    Ok((shown(tx, row).await?, told(CREATED, id, asking, json!({ "name": name }))))
}

pub(super) async fn rename(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: FlowId,
    seen: &IfMatch,
    name: &str,
) -> Result<(Flow, Option<NewEvent>), Fault<AppError>> {
    let before = locked(tx, id).await?;
    seen.check(before.updated_at)?;
    let name = checked_name(name)?;
    if name == before.name {
        return Ok((shown(tx, before).await?, None));
    }
    store::rename(tx, id, &name).await.map_err(refused)?;
    let (old, new) = (json!({ "name": before.name }), json!({ "name": name }));
    audit::append(tx, asking.entry("flow.renamed", subject(id), Some(old), Some(new))).await?;
    let row = locked(tx, id).await?;
    Ok((shown(tx, row).await?, Some(told(CHANGED, id, asking, json!({ "name": name, "what": "name" })))))
}

/// Keeps what is being drawn, or throws it away. Drawing is not audited, publishing is.
pub(super) async fn draw(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: FlowId,
    seen: &IfMatch,
    definition: Option<&Definition>,
) -> Result<(Flow, NewEvent), Fault<AppError>> {
    let before = locked(tx, id).await?;
    seen.check(before.updated_at)?;
    if definition.is_none() && before.published.is_none() {
        let words = "it was never published: without its draft nothing would be left of it";
        return Err(AppError::conflict("never-published", words).into());
    }
    let draft = definition.map(|definition| json!(definition));
    store::draw(tx, id, draft.as_ref(), asking.by.user).await.map_err(refused)?;
    let row = locked(tx, id).await?;
    Ok((shown(tx, row).await?, told(CHANGED, id, asking, json!({ "name": before.name, "what": "draft" }))))
}

/// Publishes a definition: callers go through it from now on. Those who are in a flow stay in the version that they began.
async fn publish_definition(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    row: &Row,
    definition: &Value,
    note: &str,
) -> Result<(Flow, NewEvent), Fault<AppError>> {
    let note = note.trim();
    if note.chars().count() > 500 {
        return Err(AppError::invalid_field("note", "must have at most 500 characters").into());
    }
    let house = known_store::read(tx).await?;
    let faults = of_draft(definition, &house);
    let errors: Vec<FieldError> = faults
        .into_iter()
        .filter(|fault| fault.severity == Severity::Error)
        .map(|fault| {
            let node = fault.node.map_or_else(String::new, |node| format!("nodes.{node}"));
            let field = [node, fault.field.unwrap_or_default()].into_iter().filter(|part| !part.is_empty());
            FieldError { field: field.collect::<Vec<_>>().join("."), message: fault.message }
        })
        .collect();
    if !errors.is_empty() {
        return Err(AppError::invalid(errors).into());
    }
    let version = store::publish(tx, row.id, definition, note, asking.by.user).await.map_err(refused)?;
    let after = json!({ "name": row.name, "version": version, "note": note });
    let before = row.published.map(|version| json!({ "version": version }));
    audit::append(tx, asking.entry("flow.published", subject(row.id), before, Some(after))).await?;
    let shown = {
        let row = locked(tx, row.id).await?;
        shown(tx, row).await?
    };
    let event = told(PUBLISHED, row.id, asking, json!({ "name": row.name, "version": version }));
    Ok((shown, event))
}

pub(super) async fn publish(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: FlowId,
    seen: &IfMatch,
    wanted: &Publish,
) -> Result<(Flow, NewEvent), Fault<AppError>> {
    let row = locked(tx, id).await?;
    seen.check(row.updated_at)?;
    let Some(definition) = row.draft.clone() else {
        return Err(AppError::conflict("nothing-to-publish", "nothing is drawn that is not published").into());
    };
    publish_definition(tx, asking, &row, &definition, &wanted.note).await
}

/// Publishes a copy of an earlier version.
pub(super) async fn restore(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: FlowId,
    version: i32,
    wanted: &Publish,
) -> Result<(Flow, NewEvent), Fault<AppError>> {
    let row = locked(tx, id).await?;
    let earlier = store::versions(tx, id, Some(version), None, 1).await?.pop();
    let earlier = earlier.ok_or_else(|| AppError::not_found("version"))?;
    let note = if wanted.note.trim().is_empty() { format!("version {version} again") } else { wanted.note.clone() };
    publish_definition(tx, asking, &row, &earlier.definition, &note).await
}

pub(super) async fn remove(tx: &mut TenantTx<'_>, asking: &Asking, id: FlowId) -> Result<NewEvent, Fault<AppError>> {
    let row = locked(tx, id).await?;
    let led_from = store::led_from(tx, id).await?;
    if !led_from.is_empty() {
        let words = format!("other flows lead here: {}", led_from.join(", "));
        return Err(AppError::conflict("in-use", words).into());
    }
    store::remove(tx, id).await.map_err(refused)?;
    audit::append(tx, asking.entry("flow.removed", subject(id), Some(json!({ "name": row.name })), None)).await?;
    Ok(told(REMOVED, id, asking, json!({ "name": row.name })))
}
