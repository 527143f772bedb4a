//! `/api/v1/teams`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use trunkline_db::{TeamId, UserId};
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CreateTeam, SetMember, Team, UpdateTeam};
use super::{service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Problem, Query, tagged};
use crate::roles::Asking;
use crate::roster;
use crate::state::AppState;

/// Routes of teams.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_teams, create_team))
        .routes(routes!(update_team, delete_team))
        .routes(routes!(set_team_member, remove_team_member))
}

/// List teams
///
/// By name, with their members.
#[utoipa::path(
    get, path = "/teams", tag = "people", operation_id = "listTeams", params(PageQuery),
    responses((status = 200, description = "Teams", body = Page<Team>)),
    extensions(("x-permission" = json!("teams:read")))
)]
async fn list_teams(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Team>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, TeamId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let teams = store::list(&mut tx, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(teams, limit, as_of_seq, |team: &Team| (team.name.clone(), team.id))))
}

/// Make a team
#[utoipa::path(
    post, path = "/teams", tag = "people", operation_id = "createTeam", request_body = CreateTeam,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The team", body = Team),
        (status = 409, description = "The name is taken, there are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("teams:manage")))
)]
async fn create_team(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<CreateTeam>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let answer = idempotency
        .command(&state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                let (team, event) = service::create(tx, &asking, &wanted).await?;
                Ok((Effect { status: StatusCode::CREATED, body: team, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Rename a team
#[utoipa::path(
    patch, path = "/teams/{id}", tag = "people", operation_id = "updateTeam", request_body = UpdateTeam,
    params(
        ("id" = uuid::Uuid, Path, description = "The team"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The team as it is now", body = Team),
        (status = 404, description = "No such team", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("teams:manage")))
)]
async fn update_team(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<TeamId>,
    seen: IfMatch,
    Json(wanted): Json<UpdateTeam>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let (team, event) = service::update(tx, &asking, id, &seen, &wanted).await?;
                Ok(Outcome::new(team).events(event))
            })
        })
        .await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Remove a team
///
/// Its members stay; who led it sees their work no more.
#[utoipa::path(
    delete, path = "/teams/{id}", tag = "people", operation_id = "deleteTeam",
    params(("id" = uuid::Uuid, Path, description = "The team")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such team", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("teams:manage")))
)]
async fn delete_team(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<TeamId>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move { Ok(Outcome::new(()).event(service::remove(tx, &asking, id).await?)) })
        })
        .await?;
    roster::refresh(&state, Some(by.tenant)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Take somebody into a team
///
/// Or say whether they lead it. Only who sees the whole tenant says who leads.
#[utoipa::path(
    put, path = "/teams/{id}/members/{user_id}", tag = "people", operation_id = "setTeamMember", request_body = SetMember,
    params(("id" = uuid::Uuid, Path, description = "The team"), ("user_id" = uuid::Uuid, Path, description = "The user")),
    responses(
        (status = 200, description = "The team as it is now", body = Team),
        (status = 403, description = "Only who sees the whole tenant says who leads", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such team, or no such user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Too many members", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("teams:manage")))
)]
async fn set_team_member(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path((id, user)): Path<(TeamId, UserId)>,
    Json(SetMember { lead }): Json<SetMember>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let committed = state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let (team, event) = service::set_member(tx, &asking, id, user, lead).await?;
                Ok(Outcome::new(team).event(event))
            })
        })
        .await?;
    roster::refresh(&state, Some(by.tenant)).await?;
    Ok(tagged(committed.value.updated_at, &committed.value))
}

/// Take somebody out of a team
#[utoipa::path(
    delete, path = "/teams/{id}/members/{user_id}", tag = "people", operation_id = "removeTeamMember",
    params(("id" = uuid::Uuid, Path, description = "The team"), ("user_id" = uuid::Uuid, Path, description = "The user")),
    responses(
        (status = 204, description = "Out of it"),
        (status = 404, description = "No such team, or not in it", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("teams:manage")))
)]
async fn remove_team_member(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path((id, user)): Path<(TeamId, UserId)>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move { Ok(Outcome::new(()).event(service::remove_member(tx, &asking, id, user).await?)) })
        })
        .await?;
    roster::refresh(&state, Some(by.tenant)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
