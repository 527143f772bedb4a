//! `/api/v1/audit`.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;
use trunkline_db::DbError;
use trunkline_journal::Ref;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::export::{self, ExportQuery};
use super::query::{AuditEntry, AuditQuery};
use super::{Actor, Entry, Origin, append, store};
use crate::auth::Principal;
use crate::http::{AppError, Page, Permission, Problem, Query};
use crate::state::AppState;

/// Routes of the audit log.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_audit_entries)).routes(routes!(export_audit_entries))
}

/// A search that took too long can be made smaller.
fn in_words(error: DbError) -> AppError {
    if error.is_statement_timeout() {
        return AppError::bad_parameter(
            "q",
            "the search takes too long; narrow it with from and to, an action or an actor",
        );
    }
    error.into()
}

/// List the audit log
///
/// Who did what to which record, from where, before and after; the newest first. All filters that are given must fit.
#[utoipa::path(
    get, path = "/audit", tag = "administration", operation_id = "listAuditEntries", params(AuditQuery),
    responses(
        (status = 200, description = "Entries", body = Page<AuditEntry>),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an admin", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("audit:read")))
)]
async fn list_audit_entries(
    State(state): State<AppState>,
    principal: Principal,
    Query(query): Query<AuditQuery>,
) -> Result<axum::Json<Page<AuditEntry>>, AppError> {
    principal.require(Permission::AuditRead)?;
    let (limit, wanted) = query.parse()?;
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let entries = store::list(&mut tx, &wanted, i64::from(limit) + 1).await.map_err(in_words)?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page::new(entries, limit, as_of_seq, |entry: &AuditEntry| entry.seq)))
}

/// Export the audit log
///
/// All entries that fit, the newest first, as CSV or JSON Lines. That it was exported, by whom and with which filters, is an entry too.
#[utoipa::path(
    get, path = "/audit/export", tag = "administration", operation_id = "exportAuditEntries", params(ExportQuery, AuditQuery),
    responses(
        (status = 200, description = "The entries", content(
            (Vec<u8> = "text/csv"),
            (Vec<u8> = "application/x-ndjson"),
        )),
        (status = 400, description = "A parameter does not fit", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an admin", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("audit:read")))
)]
async fn export_audit_entries(
    State(state): State<AppState>,
    principal: Principal,
    origin: Origin,
    Query(ExportQuery { format }): Query<ExportQuery>,
    Query(query): Query<AuditQuery>,
    request: axum::extract::RawQuery,
) -> Result<Response, AppError> {
    principal.require(Permission::AuditRead)?;
    let (_, wanted) = query.parse()?;
    let filters: serde_json::Map<String, serde_json::Value> =
        url::form_urlencoded::parse(request.0.unwrap_or_default().as_bytes())
            .filter(|(name, _)| name != "format")
            .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
            .collect();
    let mut tx = state.db.tenant(principal.tenant).await?;
    let entry = Entry {
        actor: Actor::of(&principal),
        action: "audit.exported",
        subject: Ref::new("tenant", principal.tenant),
        before: None,
        after: Some(json!({ "format": format.as_str(), "filters": filters })),
        origin,
    };
    append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(export::answer(state, principal.tenant, wanted, format))
}
