//! `/api/v1/members` and `/api/v1/invitations`.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use trunkline_db::UserId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::model::{
    AcceptInvitation, Deactivated, InvitationView, Invitations, Invite, LookAtInvitation, Member, NewInvitation,
    SignInRules, UpdateMember,
};
use super::{invitations, service, store};
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::{AppError, Json, Page, PageQuery, Path, Problem, Query};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of members and invitations.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_members))
        .routes(routes!(update_member))
        .routes(routes!(deactivate_member))
        .routes(routes!(reactivate_member))
        .routes(routes!(end_member_sessions))
        .routes(routes!(reset_member_second_step))
        .routes(routes!(sign_in_rules, set_sign_in_rules))
        .routes(routes!(list_invitations, invite))
        .routes(routes!(withdraw_invitation))
        .routes(routes!(look_at_invitation))
        .routes(routes!(accept_invitation))
}

/// List members
///
/// By name; those too who may not come in any more.
#[utoipa::path(
    get, path = "/members", tag = "people", operation_id = "listMembers", params(PageQuery),
    responses((status = 200, description = "Members", body = Page<Member>)),
    extensions(("x-permission" = json!("members:read")))
)]
async fn list_members(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Member>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, UserId)>()?);
    let mut tx = state.db.tenant(principal.tenant).await?;
    let as_of_seq = tx.as_of_seq().await?;
    let mut tx = tx.into_system().await?;
    let members = store::list(&mut tx, principal.tenant, after.as_ref(), i64::from(limit) + 1).await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(members, limit, as_of_seq, |member: &Member| (member.name.clone(), member.id))))
}

/// Change a member's role
///
/// Nobody gives what they do not have, and a tenant keeps one admin.
#[utoipa::path(
    patch, path = "/members/{id}", tag = "people", operation_id = "updateMember", request_body = UpdateMember,
    params(("id" = Uuid, Path, description = "The member")),
    responses(
        (status = 204, description = "Changed; it holds from the next request on"),
        (status = 403, description = "Either role may do more than the caller", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such member or role", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The last admin", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("roles:manage")))
)]
async fn update_member(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<UserId>,
    Json(wanted): Json<UpdateMember>,
) -> Result<StatusCode, AppError> {
    service::change_role(&state, Asking { by, origin }, id, &wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a member in no more
///
/// Sign-ins, streams and API keys end at once; phones are removed; calls that ring for them ring for the next, and a conversation goes on
/// until its end. Everything that they did stays.
#[utoipa::path(
    post, path = "/members/{id}/deactivate", tag = "people", operation_id = "deactivateMember",
    params(("id" = Uuid, Path, description = "The member")),
    responses(
        (status = 200, description = "What ended", body = Deactivated),
        (status = 403, description = "The member may do more than the caller", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such member", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The last admin, or oneself", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:manage")))
)]
async fn deactivate_member(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<UserId>,
) -> Result<axum::Json<Deactivated>, AppError> {
    Ok(axum::Json(service::deactivate(&state, Asking { by, origin }, id).await?))
}

/// Let a member in again
#[utoipa::path(
    post, path = "/members/{id}/reactivate", tag = "people", operation_id = "reactivateMember",
    params(("id" = Uuid, Path, description = "The member")),
    responses(
        (status = 204, description = "May sign in; phones have to be made anew"),
        (status = 404, description = "No such member", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:manage")))
)]
async fn reactivate_member(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<UserId>,
) -> Result<StatusCode, AppError> {
    service::reactivate(&state, Asking { by, origin }, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a member's sign-ins
///
/// Those to this tenant: tokens are refused and streams closed at once.
#[utoipa::path(
    delete, path = "/members/{id}/sessions", tag = "people", operation_id = "endMemberSessions",
    params(("id" = Uuid, Path, description = "The member")),
    responses(
        (status = 204, description = "Ended"),
        (status = 404, description = "No such member", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:manage")))
)]
async fn end_member_sessions(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<UserId>,
) -> Result<StatusCode, AppError> {
    service::end_sessions(&state, &Asking { by, origin }, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take one-time codes from a member
///
/// For who lost phone and recovery codes. The person is told by e-mail, and sets codes up anew. Whoever belongs to other companies too is
/// refused: their sign-in is not this one's alone.
#[utoipa::path(
    delete, path = "/members/{id}/second-step", tag = "people", operation_id = "resetMemberSecondStep",
    params(("id" = Uuid, Path, description = "The member")),
    responses(
        (status = 204, description = "Codes are asked for no more"),
        (status = 403, description = "The member may do more than the caller", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such member", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Oneself, somebody who belongs elsewhere too, or codes that are not in use", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:manage")))
)]
async fn reset_member_second_step(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<UserId>,
) -> Result<StatusCode, AppError> {
    service::reset_second_step(&state, &Asking { by, origin }, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is asked of those who sign in
#[utoipa::path(
    get, path = "/sign-in-rules", tag = "people", operation_id = "signInRules",
    responses((status = 200, description = "The rules", body = SignInRules)),
    extensions(("x-permission" = json!("sign_in:manage")))
)]
async fn sign_in_rules(
    State(state): State<AppState>,
    principal: Principal,
) -> Result<axum::Json<SignInRules>, AppError> {
    Ok(axum::Json(service::sign_in_rules(&state, principal.tenant).await?))
}

/// Say what is asked of those who sign in
///
/// It counts when their access tokens are next renewed.
#[utoipa::path(
    put, path = "/sign-in-rules", tag = "people", operation_id = "setSignInRules", request_body = SignInRules,
    responses(
        (status = 204, description = "Set"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("sign_in:manage")))
)]
async fn set_sign_in_rules(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Json(rules): Json<SignInRules>,
) -> Result<StatusCode, AppError> {
    service::set_sign_in_rules(&state, &Asking { by, origin }, rules).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List open invitations
#[utoipa::path(
    get, path = "/invitations", tag = "people", operation_id = "listInvitations",
    responses((status = 200, description = "Open invitations", body = Invitations)),
    extensions(("x-permission" = json!("members:manage")))
)]
async fn list_invitations(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
) -> Result<axum::Json<Invitations>, AppError> {
    Ok(axum::Json(invitations::list(&state, &Asking { by, origin }).await?))
}

/// Invite somebody
///
/// Sends a letter. Where no letters can be sent, the link is in the answer, to be handed over. An open invitation of the same address is
/// replaced, so that asking twice leaves one.
#[utoipa::path(
    post, path = "/invitations", tag = "people", operation_id = "invite", request_body = Invite,
    responses(
        (status = 201, description = "Invited", body = NewInvitation),
        (status = 403, description = "The role may do more than the caller", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such role", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:manage")), ("x-rate-limit" = json!("sign_in")))
)]
async fn invite(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Json(wanted): Json<Invite>,
) -> Result<Response, AppError> {
    let made = invitations::invite(&state, &Asking { by, origin }, wanted).await?;
    let mut answer = (StatusCode::CREATED, axum::Json(made)).into_response();
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

/// Withdraw an invitation
#[utoipa::path(
    delete, path = "/invitations/{id}", tag = "people", operation_id = "withdrawInvitation",
    params(("id" = Uuid, Path, description = "The invitation")),
    responses(
        (status = 204, description = "Its link is void"),
        (status = 404, description = "No such open invitation", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("members:manage")))
)]
async fn withdraw_invitation(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, AppError> {
    invitations::withdraw(&state, &Asking { by, origin }, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Look at an invitation
#[utoipa::path(
    post, path = "/auth/invitations/look", tag = "sign-in", operation_id = "lookAtInvitation", security(()),
    request_body = LookAtInvitation,
    responses(
        (status = 200, description = "Who is invited to what", body = InvitationView),
        (status = 409, description = "The link is void", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public")), ("x-rate-limit" = json!("sign_in")))
)]
async fn look_at_invitation(
    State(state): State<AppState>,
    Json(wanted): Json<LookAtInvitation>,
) -> Result<axum::Json<InvitationView>, AppError> {
    Ok(axum::Json(invitations::look(&state, &wanted.token).await?))
}

/// Accept an invitation
///
/// Makes an account with this name and password; whoever has an account gives its password and joins with it. Sign in afterwards.
#[utoipa::path(
    post, path = "/auth/invitations/accept", tag = "sign-in", operation_id = "acceptInvitation", security(()),
    request_body = AcceptInvitation,
    responses(
        (status = 204, description = "A member now; sign in"),
        (status = 409, description = "The link is void", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The name or the password does not fit", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong passwords; see Retry-After", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public")), ("x-rate-limit" = json!("sign_in")))
)]
async fn accept_invitation(
    State(state): State<AppState>,
    origin: Origin,
    Json(wanted): Json<AcceptInvitation>,
) -> Result<StatusCode, AppError> {
    invitations::accept(&state, &origin, wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}
