//! Surveys: the job that asks, the page that is answered on, and the list of answers.

use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use trunkline_conversations::csat;
use trunkline_db::{AgentId, ConversationId, TenantId};
use trunkline_jobs::{Done, Failure, Job};
use trunkline_journal::{CommandError, Fault, Outcome};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::csat_store as store;
use super::csat_words::{Words, words};
use crate::auth::{Keys, Principal};
use crate::channels::staff;
use crate::http::{AppError, ClientAddress, Page, PageQuery, Path, Permission, Query};
use crate::limits::Class;
use crate::state::AppState;

const CONTEXT: &str = "csat-survey";
/// Its own style and its own answer, and nothing else.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Where a survey is.
#[derive(Serialize, Deserialize)]
struct Inside {
    tenant: TenantId,
    survey: Uuid,
}

fn token(keys: &Keys, tenant: TenantId, survey: Uuid) -> String {
    let inside = serde_json::to_vec(&Inside { tenant, survey }).expect("plain values");
    URL_SAFE_NO_PAD.encode(keys.seal(CONTEXT, &inside))
}

fn opened(keys: &Keys, token: &str) -> Option<Inside> {
    let sealed = URL_SAFE_NO_PAD.decode(token.get(..512).map_or(token, |_| "")).ok()?;
    serde_json::from_slice(&keys.open(CONTEXT, &sealed)?).ok()
}

#[derive(Deserialize)]
struct Payload {
    conversation_id: ConversationId,
    resolved_at: DateTime<Utc>,
}

/// The job `csat.ask`.
pub async fn ask(state: AppState, job: Job) -> Result<Done, Failure> {
    let tenant = job.tenant.ok_or_else(|| Failure::dead("a survey belongs to a tenant"))?;
    let payload: Payload = serde_json::from_value(job.payload).map_err(|error| Failure::dead(error.to_string()))?;
    let shared = state.clone();
    let asked = state
        .journal
        .command::<(), DbFault, _>(tenant, move |tx| {
            let state = shared.clone();
            let (id, resolved_at) = (payload.conversation_id, payload.resolved_at);
            Box::pin(async move {
                let now = Utc::now();
                let Some(asking) = csat::begin(tx, id, resolved_at, now).await? else { return Ok(Outcome::new(())) };
                let link = format!(
                    "{}/csat/{}",
                    state.config.public_url.as_str().trim_end_matches('/'),
                    token(&state.keys, tenant, asking.survey)
                );
                let text = words(asking.language.as_deref()).asks.replace("{link}", &link);
                let events = csat::send(tx, id, text, now).await?;
                Ok(Outcome::new(()).events(events))
            })
        })
        .await;
    match asked {
        Ok(_) => Ok(Done),
        Err(CommandError::Rejected(never)) => match never {},
        Err(error) => Err(Failure::retry(error.to_string())),
    }
}

/// This command never says no.
#[derive(Debug)]
enum DbFault {}

impl std::fmt::Display for DbFault {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

/// The page that is answered on: it stands outside of the API, and needs no script.
pub fn pages() -> axum::Router<AppState> {
    axum::Router::new()
        .route("/csat/survey.css", get(style))
        .route("/csat/{token}", get(show).post(take).layer(axum::extract::DefaultBodyLimit::max(16 * 1024)))
}

async fn style() -> Response {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"))];
    (headers, include_str!("csat.css")).into_response()
}

#[derive(Debug, Deserialize)]
struct Answer {
    score: i16,
    #[serde(default)]
    comment: String,
}

async fn limited(state: &AppState, extensions: &http::Extensions, headers: &HeaderMap) -> Result<(), AppError> {
    let ClientAddress(address) = ClientAddress::of(state, extensions, headers)?;
    state.limits.address(Class::SignIn, address).await?;
    Ok(())
}

async fn show(
    State(state): State<AppState>,
    Path(token): Path<String>,
    extensions: http::Extensions,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    limited(&state, &extensions, &headers).await?;
    let words = words(headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()));
    let Some(inside) = opened(&state.keys, &token) else { return Ok(told(StatusCode::NOT_FOUND, words, words.gone)) };
    let mut tx = state.db.tenant(inside.tenant).await?;
    let survey = csat::find(&mut tx, inside.survey).await?;
    tx.commit().await?;
    Ok(match survey {
        Some(survey) if survey.score.is_some() => told(StatusCode::OK, words, words.thanks),
        Some(survey) if survey.expires_at > Utc::now() => page(StatusCode::OK, words, &form(words)),
        _ => told(StatusCode::NOT_FOUND, words, words.gone),
    })
}

async fn take(
    State(state): State<AppState>,
    Path(token): Path<String>,
    extensions: http::Extensions,
    headers: HeaderMap,
    Form(answer): Form<Answer>,
) -> Result<Response, AppError> {
    limited(&state, &extensions, &headers).await?;
    let words = words(headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()));
    let Some(inside) = opened(&state.keys, &token) else { return Ok(told(StatusCode::NOT_FOUND, words, words.gone)) };
    if !(1..=5).contains(&answer.score) {
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, words, &form(words)));
    }
    let within = state.clone();
    let answered = state
        .journal
        .command(inside.tenant, move |tx| {
            let (state, score, comment) = (within.clone(), answer.score, answer.comment.clone());
            Box::pin(async move {
                let event = csat::answer(tx, inside.survey, score, Some(&comment), Utc::now()).await?;
                if let Some(event) = &event {
                    staff::surveyed(&state, tx, event.subject.id, score, &comment).await?;
                }
                Ok::<_, Fault<AppError>>(Outcome::new(event.is_some()).events(event))
            })
        })
        .await?
        .value;
    if answered {
        return Ok(told(StatusCode::OK, words, words.thanks));
    }
    // Answered before, or over.
    let mut tx = state.db.tenant(inside.tenant).await?;
    let known = csat::find(&mut tx, inside.survey).await?.is_some_and(|survey| survey.score.is_some());
    tx.commit().await?;
    let (status, text) = if known { (StatusCode::OK, words.thanks) } else { (StatusCode::NOT_FOUND, words.gone) };
    Ok(told(status, words, text))
}

fn told(status: StatusCode, words: &Words, text: &str) -> Response {
    page(status, words, &format!("<p role=\"status\">{text}</p>"))
}

/// Every word of it is ours: nothing that somebody wrote is in it.
fn page(status: StatusCode, words: &Words, inside: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title}</title><link rel=\"stylesheet\" href=\"/csat/survey.css\">\
         <main><h1>{title}</h1>{inside}</main></html>",
        language = words.language,
        title = words.title,
    );
    let headers = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (status, headers, Html(html)).into_response()
}

fn form(words: &Words) -> String {
    let score = |(place, word): (usize, &&str)| {
        let score = place + 1;
        format!("<label><input type=\"radio\" name=\"score\" value=\"{score}\" required> {score} – {word}</label>")
    };
    let scores = words.scores.iter().enumerate().map(score).collect::<Vec<_>>().concat();
    format!(
        "<form method=\"post\"><fieldset><legend>{question}</legend>{scores}</fieldset>\
         <label for=\"comment\">{comment}</label><textarea id=\"comment\" name=\"comment\" maxlength=\"2000\" rows=\"4\"></textarea>\
         <button>{send}</button></form>",
        question = words.question,
        comment = words.comment,
        send = words.send,
    )
}

/// An answer to a survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct CsatAnswer {
    /// The survey.
    pub(super) id: Uuid,
    /// The conversation that it was about.
    #[schema(value_type = Uuid)]
    pub(super) conversation_id: ConversationId,
    /// Whose it was when it was resolved.
    #[schema(value_type = Option<Uuid>)]
    pub(super) agent_id: Option<AgentId>,
    /// 1 (bad) to 5 (very good).
    pub(super) score: i16,
    /// Their words.
    pub(super) comment: Option<String>,
    /// When they were asked.
    pub(super) asked_at: DateTime<Utc>,
    /// When they answered.
    pub(super) answered_at: DateTime<Utc>,
}

/// Routes of answers.
pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_answers))
}

/// List answers to surveys
///
/// The newest first, of conversations within one's reach.
#[utoipa::path(
    get, path = "/csat", tag = "conversations", operation_id = "listCsatAnswers", params(PageQuery),
    responses((status = 200, description = "Answers", body = Page<CsatAnswer>)),
    extensions(("x-permission" = json!("reports:read")))
)]
async fn list_answers(
    State(state): State<AppState>,
    by: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<CsatAnswer>>, AppError> {
    by.require(Permission::ReportsRead)?;
    let (limit, after) = (page.limit()?, page.position::<(DateTime<Utc>, Uuid)>()?);
    let sight = state.roster.sight(&by);
    let mut tx = state.db.tenant_snapshot(by.tenant).await?;
    let answers = store::list(&mut tx, &sight, after, i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(answers, limit, as_of_seq, |answer: &CsatAnswer| (answer.answered_at, answer.id))))
}
