//! A flow without a caller, and a call that was through another flow.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_calls::directory::{Directory, TenantView, e164};
use trunkline_calls::flow::Flow as Definition;
use trunkline_calls::flow::simulate::{Ends, HttpAnswer, Keys, Script, Simulated, simulate};
use trunkline_calls::flow::walk::{Published, Step};
use trunkline_db::{CallId, FlowId, TenantId};

use super::runner::facts;
use super::{store, trace, trace_store};
use crate::auth::Principal;
use crate::calls::history_store as history;
use crate::http::AppError;
use crate::state::AppState;
use crate::telephony::directory_store;

/// Which version of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = FlowWhich)]
pub(super) enum Which {
    /// This one.
    Number(i32),
    /// What is being drawn: `draft`.
    Word(DraftWord),
    /// What callers go through.
    #[default]
    Published,
}

/// `draft`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DraftWord {
    /// What is being drawn.
    Draft,
}

/// Body of `POST /flows/{id}/simulate`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SimulateFlow {
    /// A version's number, or `draft`; absent: what callers go through.
    #[serde(default)]
    #[schema(required = false)]
    version: Which,
    /// What is not even kept yet, in place of it.
    definition: Option<Definition>,
    /// Who calls.
    #[serde(default)]
    #[schema(required = false)]
    from: String,
    /// Which number.
    #[serde(default)]
    #[schema(required = false)]
    to: String,
    /// When; absent: now.
    at: Option<DateTime<Utc>>,
    /// What they press, in the order of being asked.
    #[serde(default)]
    #[schema(required = false)]
    keys: Vec<Keys>,
    /// What programs elsewhere answer.
    #[serde(default)]
    #[schema(required = false)]
    http: Vec<HttpAnswer>,
    /// Whether who is rung answers.
    #[serde(default)]
    #[schema(required = false)]
    picks_up: bool,
    /// What else is known: variables and their values.
    #[serde(default)]
    #[schema(required = false)]
    variables: BTreeMap<String, String>,
}

/// Body of `POST /calls/{id}/simulate`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SimulateCall {
    /// Through which flow.
    #[schema(value_type = Uuid)]
    flow_id: FlowId,
    /// A version's number, or `draft`; absent: what callers go through.
    #[serde(default)]
    #[schema(required = false)]
    version: Which,
}

/// A call's way, and another one's.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = CallSimulated)]
pub(super) struct Compared {
    /// The way that it took.
    was: Vec<Step>,
    /// The way that it would take.
    would: Vec<Step>,
    /// How that would end.
    ends: Ends,
    /// The first step in which they differ, counted from 0; null: none does.
    differs_at: Option<usize>,
}

/// Most keys and answers of one simulation.
const MOST_GIVEN: usize = 500;

async fn definition_of(
    state: &AppState,
    tenant: TenantId,
    id: FlowId,
    which: Which,
    drawn: Option<Definition>,
) -> Result<Arc<Published>, AppError> {
    let mut tx = state.db.tenant_snapshot(tenant).await?;
    let row = store::list(&mut tx, Some(id), None, 1).await?.pop().ok_or_else(|| AppError::not_found("flow"))?;
    let version = match which {
        Which::Number(version) => Some(version),
        Which::Word(DraftWord::Draft) => None,
        Which::Published => row.published,
    };
    let definition = match (drawn, version) {
        (Some(definition), _) => serde_json::json!(definition),
        (None, Some(version)) => {
            let found = store::versions(&mut tx, id, Some(version), None, 1).await?.pop();
            found.ok_or_else(|| AppError::not_found("version"))?.definition
        }
        (None, None) => row.draft.ok_or_else(|| AppError::not_found("draft"))?,
    };
    tx.commit().await?;
    let flow = serde_json::from_value(definition)
        .map_err(|error| AppError::invalid_field("definition", format!("cannot be read: {error}")))?;
    Ok(Arc::new(Published { id: id.uuid(), version: version.unwrap_or(0), name: row.name, flow }))
}

/// What is known of a caller: what the database knows, and what call control knows by itself.
async fn variables(
    state: &AppState,
    tenant: TenantId,
    directory: &Directory,
    from: &str,
    to: &str,
) -> Result<BTreeMap<String, String>, AppError> {
    let from = e164(from);
    let mut variables = if from.is_empty() { BTreeMap::new() } else { facts(&state.db, tenant, from.clone()).await? };
    let vip = directory.is_vip(tenant, &from);
    variables.insert("caller.vip".to_owned(), if vip { "yes".to_owned() } else { String::new() });
    variables.insert("caller.number".to_owned(), from);
    variables.insert("call.number".to_owned(), e164(to));
    Ok(variables)
}

/// Walks a flow.
pub(super) async fn flow(
    state: &AppState,
    principal: &Principal,
    id: FlowId,
    wanted: SimulateFlow,
) -> Result<Simulated, AppError> {
    if wanted.keys.len() > MOST_GIVEN || wanted.http.len() > MOST_GIVEN || wanted.variables.len() > MOST_GIVEN {
        return Err(AppError::invalid_field("keys", format!("at most {MOST_GIVEN} of each can be given")));
    }
    let tenant = principal.tenant;
    let directory = directory_store::for_flows(&state.db, tenant).await?;
    let published = definition_of(state, tenant, id, wanted.version, wanted.definition).await?;
    let mut known = variables(state, tenant, &directory, &wanted.from, &wanted.to).await?;
    known.extend(wanted.variables);
    let script = Script {
        at: wanted.at.unwrap_or_else(Utc::now),
        variables: known,
        keys: wanted.keys,
        http: wanted.http,
        picks_up: wanted.picks_up,
    };
    Ok(simulate(published, script, &TenantView { directory: &directory, tenant }))
}

/// Takes a call that was through a flow.
pub(super) async fn call(
    state: &AppState,
    principal: &Principal,
    id: CallId,
    wanted: SimulateCall,
) -> Result<Compared, AppError> {
    let tenant = principal.tenant;
    let mut tx = state.db.tenant_snapshot(tenant).await?;
    let sight = state.roster.sight(principal);
    let call = history::find(&mut tx, id, &sight).await?.ok_or_else(|| AppError::not_found("call"))?;
    let was = trace_store::steps(&mut tx, id).await?;
    tx.commit().await?;
    let directory = directory_store::for_flows(&state.db, tenant).await?;
    let published = definition_of(state, tenant, wanted.flow_id, wanted.version, None).await?;
    let known = variables(state, tenant, &directory, &call.from, &call.to).await?;
    let trace::Done { keys, http, picks_up } = trace::done(&was);
    let script = Script { at: call.started_at, variables: known, keys, http, picks_up };
    let simulated = simulate(published, script, &TenantView { directory: &directory, tenant });
    let was: Vec<Step> = was.into_iter().filter(|step| step.kind != "call").collect();
    let would = simulated.path;
    let same = |one: &Step, other: &Step| (&one.node, &one.what, &one.kind) == (&other.node, &other.what, &other.kind);
    let common = was.iter().zip(&would).take_while(|(one, other)| same(one, other)).count();
    let differs_at = (common < was.len() || common < would.len()).then_some(common);
    Ok(Compared { was, would, ends: simulated.ends, differs_at })
}
