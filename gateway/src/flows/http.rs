//! `/api/v1/flows`, and what is known of a call's way.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use trunkline_calls::directory::Directory;
use trunkline_calls::flow::simulate::Simulated;
use trunkline_calls::flow::walk::Step;
use trunkline_db::{CallId, FlowId, TenantId};
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CreateFlow, Flow, Publish, PutDraft, Short, UpdateFlow, Version, VersionShort};
use super::simulate::{self, Compared, SimulateCall, SimulateFlow};
use super::{known_store, service, store, trace_store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::calls::history_store as history;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Problem, Query, tagged};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of flows.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_flows, create_flow))
        .routes(routes!(get_flow, rename_flow, remove_flow))
        .routes(routes!(put_draft, remove_draft))
        .routes(routes!(publish_flow))
        .routes(routes!(list_versions))
        .routes(routes!(get_version))
        .routes(routes!(restore_version))
        .routes(routes!(simulate_flow))
        .routes(routes!(simulate_call))
        .routes(routes!(get_trace))
}

/// List flows
///
/// By name, with which version callers go through and which numbers lead there.
#[utoipa::path(
    get, path = "/flows", tag = "telephony", operation_id = "listFlows", params(PageQuery),
    responses((status = 200, description = "Flows", body = Page<Short>)),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn list_flows(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Short>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, FlowId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let rows = store::list(&mut tx, None, after.as_ref(), i64::from(limit) + 1).await?;
    let house = known_store::read(&mut tx).await?;
    let mut published = store::published(&mut tx).await?;
    let mut numbers = store::numbers(&mut tx).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let flows = rows.into_iter().map(|row| Short {
        id: row.id,
        published: published.remove(&row.id),
        has_draft: row.draft.is_some(),
        draft_faults: row.draft.map_or(0, |draft| service::errors_in(&draft, &house)),
        numbers: numbers.remove(&row.id).unwrap_or_default(),
        name: row.name,
        updated_at: row.updated_at,
    });
    Ok(axum::Json(Page::new(flows.collect(), limit, as_of_seq, |flow: &Short| (flow.name.clone(), flow.id))))
}

/// Get a flow
///
/// With what is being drawn, what is wrong with it, and what callers go through.
#[utoipa::path(
    get, path = "/flows/{id}", tag = "telephony", operation_id = "getFlow",
    params(("id" = Uuid, Path, description = "The flow")),
    responses(
        (status = 200, description = "The flow", body = Flow),
        (status = 404, description = "No such flow", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn get_flow(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<FlowId>,
) -> Result<Response, AppError> {
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let row = store::list(&mut tx, Some(id), None, 1).await?.pop().ok_or_else(|| AppError::not_found("flow"))?;
    let flow = service::shown(&mut tx, row).await?;
    tx.commit().await?;
    Ok(tagged(flow.updated_at, &flow))
}

/// Make a flow
///
/// It is a draft until it is published.
#[utoipa::path(
    post, path = "/flows", tag = "telephony", operation_id = "createFlow", request_body = CreateFlow,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The flow", body = Flow),
        (status = 409, description = "The name is taken, there are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn create_flow(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateFlow>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (flow, event) = service::create(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: flow, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Rename a flow
#[utoipa::path(
    patch, path = "/flows/{id}", tag = "telephony", operation_id = "renameFlow", request_body = UpdateFlow,
    params(
        ("id" = Uuid, Path, description = "The flow"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The flow as it is now", body = Flow),
        (status = 404, description = "No such flow", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn rename_flow(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<FlowId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateFlow>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (flow, event) = service::rename(tx, &asking, id, &seen, &wanted.name).await?;
                Ok(Outcome::new(flow).events(event))
            })
        })
        .await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Remove a flow
///
/// With all its versions. Not while a number or another flow leads there.
#[utoipa::path(
    delete, path = "/flows/{id}", tag = "telephony", operation_id = "removeFlow",
    params(("id" = Uuid, Path, description = "The flow")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such flow", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Something leads there", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn remove_flow(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<FlowId>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move { Ok(Outcome::new(()).event(service::remove(tx, &asking, id).await?)) })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn draw(
    state: &AppState,
    asking: Asking,
    id: FlowId,
    seen: IfMatch,
    wanted: Option<PutDraft>,
) -> Result<Response, AppError> {
    let tenant = asking.by.tenant;
    let committed = state
        .journal
        .command(tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let definition = wanted.as_ref().map(|wanted| &wanted.definition);
                let (flow, event) = service::draw(tx, &asking, id, &seen, definition).await?;
                Ok(Outcome::new(flow).event(event))
            })
        })
        .await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Keep a draft
///
/// A draft may have faults; they are told, and keep it from being published.
#[utoipa::path(
    put, path = "/flows/{id}/draft", tag = "telephony", operation_id = "putFlowDraft", request_body = PutDraft,
    params(
        ("id" = Uuid, Path, description = "The flow"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The flow as it is now", body = Flow),
        (status = 404, description = "No such flow", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn put_draft(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<FlowId>,
    seen: IfMatch,
    Json(wanted): Json<PutDraft>,
) -> Result<Response, AppError> {
    draw(&state, Asking { by, origin }, id, seen, Some(wanted)).await
}

/// Throw a draft away
///
/// What is published stays as it is.
#[utoipa::path(
    delete, path = "/flows/{id}/draft", tag = "telephony", operation_id = "removeFlowDraft",
    params(
        ("id" = Uuid, Path, description = "The flow"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The flow as it is now", body = Flow),
        (status = 404, description = "No such flow", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was never published", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn remove_draft(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<FlowId>,
    seen: IfMatch,
) -> Result<Response, AppError> {
    draw(&state, Asking { by, origin }, id, seen, None).await
}

/// Publish a draft
///
/// Callers go through it from now on; those who are in the flow at this moment go on in it, too. A draft with faults is not published.
#[utoipa::path(
    post, path = "/flows/{id}/publish", tag = "telephony", operation_id = "publishFlow", request_body = Publish,
    params(
        ("id" = Uuid, Path, description = "The flow"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The flow as it is now", body = Flow),
        (status = 404, description = "No such flow", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nothing is drawn that is not published", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It has faults: `errors` names them as `nodes.<id>.<field>`", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn publish_flow(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<FlowId>,
    seen: IfMatch,
    Json(wanted): Json<Publish>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (flow, event) = service::publish(tx, &asking, id, &seen, &wanted).await?;
                Ok(Outcome::new(flow).event(event))
            })
        })
        .await?;
    callers_go_through(&state, by.tenant, &committed.value).await;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Who is told that it is published can call: callers go through it.
async fn callers_go_through(state: &AppState, tenant: TenantId, flow: &Flow) {
    let version = flow.published.as_ref().map(|published| published.short.version);
    let there = |directory: &Directory| directory.flow(tenant, flow.id.uuid()).map(|flow| flow.version);
    state.calls.goes_by(|directory| there(directory) == version).await;
}

/// List versions
///
/// The newest first, without what they do.
#[utoipa::path(
    get, path = "/flows/{id}/versions", tag = "telephony", operation_id = "listFlowVersions",
    params(("id" = Uuid, Path, description = "The flow"), PageQuery),
    responses(
        (status = 200, description = "Versions", body = Page<VersionShort>),
        (status = 404, description = "No such flow", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn list_versions(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<FlowId>,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<VersionShort>>, AppError> {
    let (limit, before) = (page.limit()?, page.position::<i32>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    if store::list(&mut tx, Some(id), None, 1).await?.is_empty() {
        return Err(AppError::not_found("flow"));
    }
    let versions = store::versions(&mut tx, id, None, before, i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    let versions = versions.into_iter().map(|version| version.short).collect();
    Ok(axum::Json(Page::new(versions, limit, as_of_seq, |version: &VersionShort| version.version)))
}

/// Get a version
#[utoipa::path(
    get, path = "/flows/{id}/versions/{version}", tag = "telephony", operation_id = "getFlowVersion",
    params(("id" = Uuid, Path, description = "The flow"), ("version" = i32, Path, description = "Its number")),
    responses(
        (status = 200, description = "The version", body = Version),
        (status = 404, description = "No such version", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn get_version(
    State(state): State<AppState>,
    principal: Principal,
    Path((id, version)): Path<(FlowId, i32)>,
) -> Result<axum::Json<Version>, AppError> {
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let found = store::versions(&mut tx, id, Some(version), None, 1).await?.pop();
    tx.commit().await?;
    found.map(axum::Json).ok_or_else(|| AppError::not_found("version"))
}

/// Roll back to a version
///
/// A copy of it is published. What is being drawn is thrown away.
#[utoipa::path(
    post, path = "/flows/{id}/versions/{version}/restore", tag = "telephony", operation_id = "restoreFlowVersion", request_body = Publish,
    params(("id" = Uuid, Path, description = "The flow"), ("version" = i32, Path, description = "Its number")),
    responses(
        (status = 200, description = "The flow as it is now", body = Flow),
        (status = 404, description = "No such version", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It refers to what is gone: `errors` names it", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:manage")))
)]
async fn restore_version(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path((id, version)): Path<(FlowId, i32)>,
    Json(wanted): Json<Publish>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (flow, event) = service::restore(tx, &asking, id, version, &wanted).await?;
                Ok(Outcome::new(flow).event(event))
            })
        })
        .await?;
    callers_go_through(&state, by.tenant, &committed.value).await;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Try a flow
///
/// What somebody would hear who calls then and presses these keys. Nothing is called, and no program elsewhere is asked.
#[utoipa::path(
    post, path = "/flows/{id}/simulate", tag = "telephony", operation_id = "simulateFlow", request_body = SimulateFlow,
    params(("id" = Uuid, Path, description = "The flow")),
    responses(
        (status = 200, description = "The way", body = Simulated),
        (status = 404, description = "No such flow or version", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn simulate_flow(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<FlowId>,
    Json(wanted): Json<SimulateFlow>,
) -> Result<axum::Json<Simulated>, AppError> {
    Ok(axum::Json(simulate::flow(&state, &principal, id, wanted).await?))
}

/// Take a call through a flow
///
/// What would have become of a call that was: at its time, with the keys that its caller pressed.
#[utoipa::path(
    post, path = "/calls/{id}/simulate", tag = "telephony", operation_id = "simulateCall", request_body = SimulateCall,
    params(("id" = Uuid, Path, description = "The call")),
    responses(
        (status = 200, description = "The way that it took, and the way that it would take", body = Compared),
        (status = 404, description = "No such call in the user's sight, flow or version", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("telephony:read")))
)]
async fn simulate_call(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<CallId>,
    Json(wanted): Json<SimulateCall>,
) -> Result<axum::Json<Compared>, AppError> {
    Ok(axum::Json(simulate::call(&state, &principal, id, wanted).await?))
}

/// What was decided of a call, and why.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
struct CallTrace {
    /// The decisions, in order.
    steps: Vec<Step>,
}

/// Why a call went where it went
///
/// The decisions of its number and its flow, in order.
#[utoipa::path(
    get, path = "/calls/{id}/trace", tag = "calls", operation_id = "getCallTrace",
    params(("id" = Uuid, Path, description = "The call")),
    responses(
        (status = 200, description = "The decisions", body = CallTrace),
        (status = 404, description = "No such call in the user's sight", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calls:read")))
)]
async fn get_trace(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<CallId>,
) -> Result<axum::Json<CallTrace>, AppError> {
    let sight = state.roster.sight(&principal);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let call = history::find(&mut tx, id, &sight).await?;
    let steps = trace_store::steps(&mut tx, id).await?;
    tx.commit().await?;
    call.map(|_| axum::Json(CallTrace { steps })).ok_or_else(|| AppError::not_found("call"))
}
