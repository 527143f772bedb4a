//! `/api/v1/settings` and `/api/v1/platform/settings`.

use axum::extract::State;
use trunkline_journal::Outcome;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{SetSetting, SettingView, SettingsView};
use super::registry::Level;
use super::service;
use crate::audit::Origin;
use crate::auth::Principal;
use crate::http::{AppError, Json, Path, Problem};
use crate::roles::Asking;
use crate::state::AppState;

/// Routes of settings.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_settings))
        .routes(routes!(set_tenant_setting, reset_tenant_setting))
        .routes(routes!(set_own_setting, reset_own_setting))
        .routes(routes!(set_session_setting, reset_session_setting))
        .routes(routes!(list_platform_settings))
        .routes(routes!(set_platform_setting, reset_platform_setting))
}

type Answer = Result<axum::Json<SettingView>, AppError>;

/// List settings
///
/// Each with what it is for whoever asks, where that comes from, and what each level says.
#[utoipa::path(
    get, path = "/settings", tag = "administration", operation_id = "listSettings",
    responses((status = 200, description = "Settings, in the order of the registry", body = SettingsView)),
    extensions(("x-permission" = json!("signed-in")))
)]
async fn list_settings(State(state): State<AppState>, by: Principal) -> Result<axum::Json<SettingsView>, AppError> {
    let mut tx = state.db.tenant(by.tenant).await?;
    let settings = service::of_member(&mut tx, by.user, by.session).await?;
    tx.commit().await?;
    Ok(axum::Json(SettingsView { items: settings.views() }))
}

async fn change(state: &AppState, asking: Asking, level: Level, key: String, wanted: Option<SetSetting>) -> Answer {
    let committed = state
        .journal
        .command(asking.by.tenant, move |tx| {
            let (asking, key, wanted) = (asking.clone(), key.clone(), wanted.clone());
            Box::pin(async move {
                let (view, event) = service::change(tx, &asking, level, &key, wanted.as_ref()).await?;
                Ok(Outcome::new(view).events(event))
            })
        })
        .await?;
    Ok(axum::Json(committed.value))
}

/// Set a setting of the tenant
#[utoipa::path(
    put, path = "/settings/tenant/{key}", tag = "administration", operation_id = "setTenantSetting", request_body = SetSetting,
    params(("key" = String, Path, description = "The setting")),
    responses(
        (status = 200, description = "The setting as it is now", body = SettingView),
        (status = 404, description = "No such setting", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Locked by a level above, or not to be set on this one", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The value does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("settings:manage")))
)]
async fn set_tenant_setting(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(key): Path<String>,
    Json(wanted): Json<SetSetting>,
) -> Answer {
    change(&state, Asking { by, origin }, Level::Tenant, key, Some(wanted)).await
}

/// Have a setting of the tenant as the platform has it
#[utoipa::path(
    delete, path = "/settings/tenant/{key}", tag = "administration", operation_id = "resetTenantSetting",
    params(("key" = String, Path, description = "The setting")),
    responses(
        (status = 200, description = "The setting as it is now", body = SettingView),
        (status = 404, description = "No such setting", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Not to be set on this level", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("settings:manage")))
)]
async fn reset_tenant_setting(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(key): Path<String>,
) -> Answer {
    change(&state, Asking { by, origin }, Level::Tenant, key, None).await
}

/// Set a setting of one's own
#[utoipa::path(
    put, path = "/settings/user/{key}", tag = "administration", operation_id = "setOwnSetting", request_body = SetSetting,
    params(("key" = String, Path, description = "The setting")),
    responses(
        (status = 200, description = "The setting as it is now", body = SettingView),
        (status = 404, description = "No such setting", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Locked by a level above, or not to be set on this one", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The value does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")))
)]
async fn set_own_setting(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(key): Path<String>,
    Json(wanted): Json<SetSetting>,
) -> Answer {
    change(&state, Asking { by, origin }, Level::User, key, Some(wanted)).await
}

/// Have a setting of one's own as the tenant has it
#[utoipa::path(
    delete, path = "/settings/user/{key}", tag = "administration", operation_id = "resetOwnSetting",
    params(("key" = String, Path, description = "The setting")),
    responses(
        (status = 200, description = "The setting as it is now", body = SettingView),
        (status = 404, description = "No such setting", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Not to be set on this level", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")))
)]
async fn reset_own_setting(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(key): Path<String>,
) -> Answer {
    change(&state, Asking { by, origin }, Level::User, key, None).await
}

/// Set a setting for this sign-in
///
/// It ends with the sign-in.
#[utoipa::path(
    put, path = "/settings/session/{key}", tag = "administration", operation_id = "setSessionSetting", request_body = SetSetting,
    params(("key" = String, Path, description = "The setting")),
    responses(
        (status = 200, description = "The setting as it is now", body = SettingView),
        (status = 404, description = "No such setting", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Locked by a level above, or not to be set on this one", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The value does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")))
)]
async fn set_session_setting(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(key): Path<String>,
    Json(wanted): Json<SetSetting>,
) -> Answer {
    change(&state, Asking { by, origin }, Level::Session, key, Some(wanted)).await
}

/// Have a setting in this sign-in as it is elsewhere
#[utoipa::path(
    delete, path = "/settings/session/{key}", tag = "administration", operation_id = "resetSessionSetting",
    params(("key" = String, Path, description = "The setting")),
    responses(
        (status = 200, description = "The setting as it is now", body = SettingView),
        (status = 404, description = "No such setting", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Not to be set on this level", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("person")))
)]
async fn reset_session_setting(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(key): Path<String>,
) -> Answer {
    change(&state, Asking { by, origin }, Level::Session, key, None).await
}

/// List settings of the platform
#[utoipa::path(
    get, path = "/platform/settings", tag = "platform", operation_id = "listPlatformSettings",
    responses((status = 200, description = "Settings, in the order of the registry", body = SettingsView)),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn list_platform_settings(State(state): State<AppState>) -> Result<axum::Json<SettingsView>, AppError> {
    let mut tx = state.db.system().await?;
    let settings = service::of_platform(&mut tx).await?;
    tx.commit().await?;
    Ok(axum::Json(SettingsView { items: settings.views() }))
}

async fn change_platform(state: &AppState, asking: Asking, key: &str, wanted: Option<SetSetting>) -> Answer {
    let mut tx = state.db.system().await?;
    let view = service::change_platform(&mut tx, &asking, key, wanted.as_ref()).await?;
    tx.commit().await?;
    Ok(axum::Json(view))
}

/// Set a setting of the platform
#[utoipa::path(
    put, path = "/platform/settings/{key}", tag = "platform", operation_id = "setPlatformSetting", request_body = SetSetting,
    params(("key" = String, Path, description = "The setting")),
    responses(
        (status = 200, description = "The setting as it is now", body = SettingView),
        (status = 404, description = "No such setting", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The value does not fit", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn set_platform_setting(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(key): Path<String>,
    Json(wanted): Json<SetSetting>,
) -> Answer {
    change_platform(&state, Asking { by, origin }, &key, Some(wanted)).await
}

/// Have a setting of the platform as it was delivered
#[utoipa::path(
    delete, path = "/platform/settings/{key}", tag = "platform", operation_id = "resetPlatformSetting",
    params(("key" = String, Path, description = "The setting")),
    responses(
        (status = 200, description = "The setting as it is now", body = SettingView),
        (status = 404, description = "No such setting", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("platform:manage")))
)]
async fn reset_platform_setting(
    State(state): State<AppState>,
    by: Principal,
    origin: Origin,
    Path(key): Path<String>,
) -> Answer {
    change_platform(&state, Asking { by, origin }, &key, None).await
}
