//! `GET /api/v1/events`: the journal by pages, or live as server-sent events.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use trunkline_db::{CallId, EventId, RecordingId};
use trunkline_journal::{Filter, Frame, KindFilter, Page, ReadError, Seq, Start};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::client::{MAX_KINDS, parse_last_event_id};
use super::grants::Grants;
use super::{sse, tickets};
use crate::auth::Principal;
use crate::http::{AppError, ClientAddress, Permission, Problem, Query, authenticate, bearer};
use crate::state::AppState;

/// Most events of a page.
const MAX_LIMIT: usize = 1000;
/// Events of a page when no number is asked for.
const DEFAULT_LIMIT: usize = 100;

/// Routes of the journal's pages.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_events))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// The last `seq` that the client has; without it from the oldest event on.
    after: Option<i64>,
    /// Events on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
    /// Kinds to see, separated by commas: `call.ended`, or `call.*` for a family.
    kinds: Option<String>,
    /// The epoch in which the client has `after`.
    epoch: Option<Uuid>,
    /// Id of the event at `after`.
    after_id: Option<Uuid>,
    /// From `POST /stream/tickets`, in place of the header; for server-sent events in a browser.
    ticket: Option<String>,
}

/// An event of the journal.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)] // The shape of what the journal encodes itself, named for the OpenAPI document.
pub(crate) struct Event {
    /// Place in the tenant's journal: 1, 2, 3 … without a gap.
    seq: i64,
    /// The event.
    id: Uuid,
    /// What happened, such as `call.answered`.
    kind: String,
    /// When it happened.
    at: chrono::DateTime<chrono::Utc>,
    /// What it is about.
    subject: Reference,
    /// Who caused it, when somebody did.
    actor: Option<Reference>,
    /// What else there is to say.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// Something or somebody by type and id.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)]
pub(crate) struct Reference {
    /// `call`, `agent`, `recording` …
    r#type: String,
    /// Its id.
    id: Uuid,
}

/// A page of the journal.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code)]
struct EventsPage {
    /// The events that the user may see, in order.
    items: Vec<Event>,
    /// `after` of the next page: everything up to here was looked at.
    next_after: i64,
    /// The newest event when the page was read; level with `next_after` on the last page.
    as_of_seq: i64,
    /// Numbers mean something only within it.
    epoch: Uuid,
    /// The oldest `seq` that is still kept.
    oldest: i64,
}

/// Read the journal
///
/// With `Accept: text/event-stream` it goes on live: each event is a message with the id `epoch:seq`, and `Last-Event-ID` resumes.
#[utoipa::path(
    get, path = "/events", tag = "events", operation_id = "listEvents",
    params(EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "`epoch:seq`, for server-sent events")),
    responses(
        (status = 200, description = "The page, or the live stream", content((EventsPage = "application/json"), (String = "text/event-stream"))),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The position cannot be resumed; see reason", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many live streams", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("events:read")), ("x-credential" = json!("ticket")))
)]
async fn list_events(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let live = wants_event_stream(&headers);
    let principal = match (&query.ticket, bearer(&headers)) {
        (_, Some(token)) => authenticate(&state, token, address)?,
        (Some(ticket), None) if live => tickets::redeem(&state, ticket).await?,
        _ => return Err(AppError::unauthorized("send `Authorization: Bearer <access token>`")),
    };
    principal.require(Permission::EventsRead)?;
    let kinds = parse_kinds(query.kinds.as_deref())?;
    let start = position(&query, &headers, live)?;
    let (grants, filter) = filter_for(&state, &principal, kinds).await?;
    if live {
        return sse::open(state, principal, grants, filter, start).await;
    }
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(AppError::bad_parameter("limit", format!("must be from 1 to {MAX_LIMIT}")));
    }
    let page = state.journal.read(principal.tenant, start, limit, &filter).await?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], page_json(&page)).into_response())
}

/// Whether `text/event-stream` is asked for.
fn wants_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|entry| entry.split(';').next())
        .any(|media| media.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// A browser that reconnects sends the same address again and its newer position as `Last-Event-ID`: that one holds.
fn position(query: &EventsQuery, headers: &HeaderMap, live: bool) -> Result<Start, AppError> {
    if live && let Some(value) = headers.get("last-event-id") {
        let (epoch, seq) = value
            .to_str()
            .ok()
            .and_then(parse_last_event_id)
            .ok_or_else(|| AppError::bad_parameter("Last-Event-ID", "must be epoch:seq as it was sent"))?;
        return Ok(Start { after: Some(Seq(seq)), epoch: Some(epoch), after_id: None });
    }
    if query.after.is_some_and(|after| after < 0) {
        return Err(AppError::bad_parameter("after", "must be 0 or more"));
    }
    if query.after_id.is_some() && query.after.is_none() {
        return Err(AppError::bad_parameter("after_id", "goes with after"));
    }
    Ok(Start { after: query.after.map(Seq), epoch: query.epoch, after_id: query.after_id.map(EventId) })
}

fn parse_kinds(text: Option<&str>) -> Result<Vec<KindFilter>, AppError> {
    let kinds = text.unwrap_or("").split(',').map(str::trim).filter(|kind| !kind.is_empty());
    let kinds: Result<Vec<KindFilter>, _> = kinds.map(str::parse).collect();
    match kinds {
        Ok(kinds) if kinds.len() <= MAX_KINDS => Ok(kinds),
        _ => Err(AppError::bad_parameter(
            "kinds",
            format!("takes at most {MAX_KINDS} entries such as call.ended or call.*"),
        )),
    }
}

/// What the user may see, as it is now.
pub(super) async fn filter_for(
    state: &AppState,
    principal: &Principal,
    kinds: Vec<KindFilter>,
) -> Result<(Grants, Filter), AppError> {
    let mut tx = state.db.tenant(principal.tenant).await?;
    let grants = Grants::read(&mut tx, principal.user).await?;
    tx.commit().await?;
    let viewer = grants
        .viewer(principal.user)
        .ok_or_else(|| AppError::forbidden("the user is no member of the tenant any more"))?;
    Ok((grants, Filter::of(viewer).kinds(kinds)))
}

/// Answers with what the journal says of a call and its recording, as far as the user may see it: `{"items":[…],"as_of_seq":N}`.
pub(crate) async fn call_story(
    state: &AppState,
    principal: &Principal,
    call: CallId,
    recording: Option<RecordingId>,
) -> Result<Response, AppError> {
    let (_, filter) = filter_for(state, principal, Vec::new()).await?;
    let subjects: Vec<Uuid> = [Some(call.uuid()), recording.map(RecordingId::uuid)].into_iter().flatten().collect();
    // A call's last event is its end; that of its recording, if it has one, may come later.
    let is_whole = |frames: &[Frame]| {
        let has = |kinds: &[&str]| frames.iter().any(|frame| kinds.contains(&frame.kind().as_str()));
        has(&["call.ended"]) && (recording.is_none() || has(&["recording.ready", "recording.failed"]))
    };
    let about = state.journal.call_story(principal.tenant, call, &subjects, &filter, is_whole).await?;
    let mut json = items_json(&about.items);
    json.extend_from_slice(format!(r#","as_of_seq":{}}}"#, about.as_of_seq).as_bytes());
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response())
}

/// `{"items":[…]`: the events' own bytes, put together without encoding them again. The rest is the caller's.
fn items_json(items: &[Frame]) -> Vec<u8> {
    let events: usize = items.iter().map(|frame| frame.event_str().len() + 1).sum();
    let mut json = Vec::with_capacity(events + 192);
    json.extend_from_slice(br#"{"items":["#);
    for (index, frame) in items.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        json.extend_from_slice(frame.event_str().as_bytes());
    }
    json.push(b']');
    json
}

fn page_json(page: &Page) -> Vec<u8> {
    let mut json = items_json(&page.items);
    let rest = format!(
        r#","next_after":{},"as_of_seq":{},"epoch":"{}","oldest":{}}}"#,
        page.next_after, page.as_of_seq, page.epoch, page.oldest
    );
    json.extend_from_slice(rest.as_bytes());
    json
}

impl From<ReadError> for AppError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Reset(reset) => Self::reset(reset.as_str()),
            ReadError::Db(error) => error.into(),
        }
    }
}
