//! `/api/v1/skills`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_db::{DbError, SkillId};
use trunkline_journal::Ref;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store;
use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, IdempotentJson};
use crate::http::{AppError, IfMatch, Json, Page, PageQuery, Path, Problem, Query, tagged};
use crate::roles::{Asking, checked_name};
use crate::state::AppState;

/// Most skills of a tenant.
const MAX_SKILLS: i64 = 200;

/// Something that agents can be good at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Skill {
    /// The skill.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: SkillId,
    /// Its name.
    pub(super) name: String,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Body of `POST /skills` and `PATCH /skills/{id}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NameSkill {
    /// Its name, unlike any other's.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// Routes of skills.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_skills, create_skill)).routes(routes!(update_skill, delete_skill))
}

fn subject(id: SkillId) -> Ref {
    Ref::new("skill", id.uuid())
}

fn name_taken(error: DbError) -> AppError {
    if error.constraint() == Some("skills_name_key") {
        AppError::conflict("name-taken", "there is a skill with this name already")
    } else {
        error.into()
    }
}

/// List skills
#[utoipa::path(
    get, path = "/skills", tag = "queues", operation_id = "listSkills", params(PageQuery),
    responses((status = 200, description = "Skills by name", body = Page<Skill>)),
    extensions(("x-permission" = json!("queues:read")))
)]
async fn list_skills(
    State(state): State<AppState>,
    principal: Principal,
    Query(page): Query<PageQuery>,
) -> Result<axum::Json<Page<Skill>>, AppError> {
    let (limit, after) = (page.limit()?, page.position::<(String, SkillId)>()?);
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let skills = store::list(&mut tx, after.as_ref(), i64::from(limit) + 1).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(skills, limit, as_of_seq, |skill: &Skill| (skill.name.clone(), skill.id))))
}

/// Make a skill
#[utoipa::path(
    post, path = "/skills", tag = "queues", operation_id = "createSkill", request_body = NameSkill,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
    responses(
        (status = 201, description = "The skill", body = Skill),
        (status = 409, description = "The name is taken, there are too many, or the Idempotency-Key is in use", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("queues:manage")))
)]
async fn create_skill(
    State(state): State<AppState>,
    origin: Origin,
    IdempotentJson(idempotency, wanted): IdempotentJson<NameSkill>,
) -> Result<Response, AppError> {
    let asking = Asking { by: idempotency.principal(), origin };
    let name = checked_name(&wanted.name)?;
    let answer = idempotency
        .transaction(&state, |tx| {
            Box::pin(async move {
                if store::count(tx).await? >= MAX_SKILLS {
                    return Err(AppError::conflict(
                        "too-many-skills",
                        format!("at most {MAX_SKILLS} skills can be made"),
                    ));
                }
                let id = SkillId::new();
                let created_at = store::insert(tx, id, &name).await.map_err(name_taken)?;
                let after = json!({ "name": name });
                audit::append(tx, asking.entry("skill.created", subject(id), None, Some(after))).await?;
                let body = Skill { id, name, created_at, updated_at: created_at };
                Ok(Effect { status: StatusCode::CREATED, body, value: () })
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// Rename a skill
#[utoipa::path(
    patch, path = "/skills/{id}", tag = "queues", operation_id = "updateSkill", request_body = NameSkill,
    params(
        ("id" = uuid::Uuid, Path, description = "The skill"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
    ),
    responses(
        (status = 200, description = "The skill as it is now", body = Skill),
        (status = 404, description = "No such skill", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Changed since it was read", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The body does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("queues:manage")))
)]
async fn update_skill(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<SkillId>,
    seen: IfMatch,
    Json(wanted): Json<NameSkill>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let name = checked_name(&wanted.name)?;
    let mut tx = state.db.tenant(asking.by.tenant).await?;
    let mut skill = store::lock(&mut tx, id).await?.ok_or_else(|| AppError::not_found("skill"))?;
    seen.check(skill.updated_at)?;
    let before = json!({ "name": skill.name });
    skill.updated_at = store::rename(&mut tx, id, &name).await.map_err(name_taken)?;
    let after = json!({ "name": name });
    skill.name = name;
    audit::append(&mut tx, asking.entry("skill.updated", subject(id), Some(before), Some(after))).await?;
    tx.commit().await?;
    Ok(tagged(skill.updated_at, &skill))
}

/// Remove a skill
///
/// Also from the agents who have it. One that a queue asks for stays.
#[utoipa::path(
    delete, path = "/skills/{id}", tag = "queues", operation_id = "deleteSkill",
    params(("id" = uuid::Uuid, Path, description = "The skill")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such skill", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A queue asks for it", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("queues:manage")))
)]
async fn delete_skill(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(id): Path<SkillId>,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    let mut tx = state.db.tenant(asking.by.tenant).await?;
    let skill = store::lock(&mut tx, id).await?.ok_or_else(|| AppError::not_found("skill"))?;
    let queues = store::queues_asking(&mut tx, id).await?;
    if !queues.is_empty() {
        return Err(AppError::conflict("in-use", format!("these queues ask for it: {}", queues.join(", "))));
    }
    store::delete(&mut tx, id).await?;
    let before = json!({ "name": skill.name });
    audit::append(&mut tx, asking.entry("skill.deleted", subject(id), Some(before), None)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
