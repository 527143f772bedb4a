//! Small lists with the same operations: list, make, change, remove.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use trunkline_db::{DbError, TenantTx, UserId};
use trunkline_journal::{Fault, Kind, NewEvent, Ref, Scope};
use uuid::Uuid;

use crate::audit::{self, Origin};
use crate::auth::Principal;
use crate::http::idempotency::{Answer, Effect, Idempotency};
use crate::http::{AppError, IfMatch, Page, Permission, tagged};
use crate::roles::Asking;
use crate::state::AppState;

/// One of these lists is another now; whoever shows it reads it again.
const CHANGED: Kind = Kind::from_static("inbox_tools.changed");

/// A thing of such a list.
pub(super) trait Thing: Serialize + Clone + Send + Sync + 'static {
    /// What somebody asks for: all of it but its id and times.
    type Wanted: Clone + Send + Sync + 'static;

    /// What it is called in the audit log and in events: `label`.
    const WHAT: &'static str;
    /// Actions in the audit log: made, changed, removed.
    const ACTIONS: [&'static str; 3];
    /// Most of a tenant's.
    const MOST: i64;

    fn updated_at(&self) -> DateTime<Utc>;
    /// Whose own it is; none: everybody's.
    fn owner(&self) -> Option<UserId> {
        None
    }
    /// Whether what is asked for is to be everybody's.
    fn shared(_: &Self::Wanted) -> bool {
        true
    }
    /// Refuses what does not fit, by its field.
    fn check(wanted: &mut Self::Wanted) -> Result<(), AppError>;
    /// What a refusal of the database means.
    fn refused(error: DbError) -> Fault<AppError> {
        Fault::Db(error)
    }

    fn list(tx: &mut TenantTx<'_>, by: UserId) -> impl Future<Output = Result<Vec<Self>, DbError>> + Send;
    /// Those that count against [`Self::MOST`].
    fn count(tx: &mut TenantTx<'_>) -> impl Future<Output = Result<i64, DbError>> + Send;
    fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> impl Future<Output = Result<Option<Self>, DbError>> + Send;
    fn put(
        tx: &mut TenantTx<'_>,
        id: Uuid,
        wanted: &Self::Wanted,
        by: UserId,
    ) -> impl Future<Output = Result<Self, DbError>> + Send;
    fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> impl Future<Output = Result<(), DbError>> + Send;
}

/// 403 unless they may change what is everybody's.
fn require_shared(by: &Principal) -> Result<(), AppError> {
    by.require(Permission::InboxToolsManage)
}

fn event<T: Thing>(id: Uuid, owner: Option<UserId>) -> NewEvent {
    let scope = owner.map_or(Scope::Tenant, |user| Scope::Agent(user.into()));
    NewEvent::new(CHANGED, Ref::new(T::WHAT, id), json!({ "what": T::WHAT, "id": id })).scopes([scope])
}

pub(super) async fn list<T: Thing>(state: &AppState, by: Principal) -> Result<axum::Json<Page<T>>, AppError> {
    let mut tx = state.db.tenant_snapshot(by.tenant).await?;
    let items = T::list(&mut tx, by.user).await?;
    let as_of_seq = tx.as_of_seq().await?;
    tx.commit().await?;
    Ok(axum::Json(Page { items, next_cursor: None, as_of_seq }))
}

pub(super) async fn make<T: Thing>(
    state: &AppState,
    origin: Origin,
    idempotency: Idempotency,
    mut wanted: T::Wanted,
) -> Result<Response, AppError> {
    let by = idempotency.principal();
    T::check(&mut wanted)?;
    if T::shared(&wanted) {
        require_shared(&by)?;
    }
    let asking = Asking { by, origin };
    let id = Uuid::now_v7();
    let answer = idempotency
        .command(state, move |tx| {
            let (asking, wanted) = (asking.clone(), wanted.clone());
            Box::pin(async move {
                if T::count(tx).await? >= T::MOST {
                    let words = format!("at most {} can be made", T::MOST);
                    return Err(AppError::conflict("too-many", words).into());
                }
                let made = T::put(tx, id, &wanted, asking.by.user).await.map_err(T::refused)?;
                let after = serde_json::to_value(&made).expect("plain values");
                let entry = asking.entry(T::ACTIONS[0], Ref::new(T::WHAT, id), None, Some(after));
                audit::append(tx, entry).await?;
                let event = event::<T>(id, made.owner());
                Ok((Effect { status: StatusCode::CREATED, body: made, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

/// The thing, if it is there, theirs or everybody's, and they may change it.
async fn theirs<T: Thing>(tx: &mut TenantTx<'_>, id: Uuid, by: &Principal) -> Result<T, Fault<AppError>> {
    let thing = T::lock(tx, id).await?.filter(|thing| thing.owner().is_none_or(|owner| owner == by.user));
    let thing = thing.ok_or_else(|| AppError::not_found(T::WHAT))?;
    if thing.owner().is_none() {
        require_shared(by)?;
    }
    Ok(thing)
}

pub(super) async fn change<T: Thing>(
    state: &AppState,
    origin: Origin,
    by: Principal,
    id: Uuid,
    seen: IfMatch,
    mut wanted: T::Wanted,
) -> Result<Response, AppError> {
    T::check(&mut wanted)?;
    if T::shared(&wanted) {
        require_shared(&by)?;
    }
    let asking = Asking { by, origin };
    let changed = state
        .journal
        .command(by.tenant, move |tx| {
            let (asking, wanted, seen) = (asking.clone(), wanted.clone(), seen.clone());
            Box::pin(async move {
                let before: T = theirs(tx, id, &asking.by).await?;
                seen.check(before.updated_at())?;
                let after = T::put(tx, id, &wanted, asking.by.user).await.map_err(T::refused)?;
                let values = [&before, &after].map(|thing| serde_json::to_value(thing).expect("plain values"));
                let [old, new] = values;
                let entry = asking.entry(T::ACTIONS[1], Ref::new(T::WHAT, id), Some(old), Some(new));
                audit::append(tx, entry).await?;
                // Whose it was, and whose it is now.
                let mut events = vec![event::<T>(id, after.owner())];
                if before.owner() != after.owner() {
                    events.push(event::<T>(id, before.owner()));
                }
                Ok(trunkline_journal::Outcome::new(after).events(events))
            })
        })
        .await?
        .value;
    Ok(tagged(changed.updated_at(), &changed))
}

pub(super) async fn remove<T: Thing>(
    state: &AppState,
    origin: Origin,
    by: Principal,
    id: Uuid,
) -> Result<Response, AppError> {
    let asking = Asking { by, origin };
    state
        .journal
        .command(by.tenant, move |tx| {
            let asking = asking.clone();
            Box::pin(async move {
                let thing: T = theirs(tx, id, &asking.by).await?;
                T::delete(tx, id).await?;
                let before = serde_json::to_value(&thing).expect("plain values");
                let entry = asking.entry(T::ACTIONS[2], Ref::new(T::WHAT, id), Some(before), None);
                audit::append(tx, entry).await?;
                Ok(trunkline_journal::Outcome::new(()).event(event::<T>(id, thing.owner())))
            })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A text without blanks around it, of 1 to `most` characters.
pub(super) fn text(field: &'static str, given: &str, most: usize) -> Result<String, AppError> {
    let text = given.trim();
    if (1..=most).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err(AppError::invalid_field(field, format!("must have 1 to {most} characters")))
    }
}

/// Writes the four operations of a list, with their lines of the OpenAPI document.
macro_rules! operations {
    (
        $thing:ty, $wanted:ty, $one:literal, $many:literal, path $path:literal, item $item:literal, write $write:literal,
        ids $list_id:literal $make_id:literal $change_id:literal $remove_id:literal
    ) => {
        /// Routes of these.
        pub(super) fn router() -> utoipa_axum::router::OpenApiRouter<crate::state::AppState> {
            utoipa_axum::router::OpenApiRouter::new()
                .routes(utoipa_axum::routes!(list, make))
                .routes(utoipa_axum::routes!(change, remove))
        }

        #[utoipa::path(
            get, path = $path, tag = "conversations", operation_id = $list_id, summary = concat!("List ", $many),
            responses((status = 200, description = "All of them", body = Page<$thing>)),
            extensions(("x-permission" = json!("conversations:read")))
        )]
        async fn list(
            axum::extract::State(state): axum::extract::State<crate::state::AppState>,
            by: crate::auth::Principal,
        ) -> Result<axum::Json<Page<$thing>>, crate::http::AppError> {
            super::shelf::list::<$thing>(&state, by).await
        }

        #[utoipa::path(
            post, path = $path, tag = "conversations", operation_id = $make_id, summary = concat!("Make ", $one), request_body = $wanted,
            params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat for 24 h")),
            responses(
                (status = 201, description = "It was made", body = $thing),
                (status = 409, description = "The name is taken, there are too many, or the Idempotency-Key is in use", body = crate::http::Problem, content_type = "application/problem+json"),
                (status = 422, description = "The body does not fit", body = crate::http::Problem, content_type = "application/problem+json"),
            ),
            extensions(("x-permission" = json!($write)))
        )]
        async fn make(
            axum::extract::State(state): axum::extract::State<crate::state::AppState>,
            origin: crate::audit::Origin,
            crate::http::idempotency::IdempotentJson(idempotency, wanted): crate::http::idempotency::IdempotentJson<$wanted>,
        ) -> Result<axum::response::Response, crate::http::AppError> {
            super::shelf::make::<$thing>(&state, origin, idempotency, wanted).await
        }

        #[utoipa::path(
            put, path = $item, tag = "conversations", operation_id = $change_id, summary = concat!("Change ", $one), request_body = $wanted,
            params(
                ("id" = uuid::Uuid, Path, description = "Which"),
                ("If-Match" = Option<String>, Header, description = "The ETag that was seen"),
            ),
            responses(
                (status = 200, description = "As it is now", body = $thing),
                (status = 404, description = "No such one, or not one's own", body = crate::http::Problem, content_type = "application/problem+json"),
                (status = 409, description = "The name is taken", body = crate::http::Problem, content_type = "application/problem+json"),
                (status = 412, description = "Changed since it was read", body = crate::http::Problem, content_type = "application/problem+json"),
                (status = 422, description = "The body does not fit", body = crate::http::Problem, content_type = "application/problem+json"),
            ),
            extensions(("x-permission" = json!($write)))
        )]
        async fn change(
            axum::extract::State(state): axum::extract::State<crate::state::AppState>,
            by: crate::auth::Principal,
            origin: crate::audit::Origin,
            crate::http::Path(id): crate::http::Path<uuid::Uuid>,
            seen: crate::http::IfMatch,
            crate::http::Json(wanted): crate::http::Json<$wanted>,
        ) -> Result<axum::response::Response, crate::http::AppError> {
            super::shelf::change::<$thing>(&state, origin, by, id, seen, wanted).await
        }

        #[utoipa::path(
            delete, path = $item, tag = "conversations", operation_id = $remove_id, summary = concat!("Remove ", $one),
            params(("id" = uuid::Uuid, Path, description = "Which")),
            responses(
                (status = 204, description = "Removed"),
                (status = 404, description = "No such one, or not one's own", body = crate::http::Problem, content_type = "application/problem+json"),
            ),
            extensions(("x-permission" = json!($write)))
        )]
        async fn remove(
            axum::extract::State(state): axum::extract::State<crate::state::AppState>,
            by: crate::auth::Principal,
            origin: crate::audit::Origin,
            crate::http::Path(id): crate::http::Path<uuid::Uuid>,
        ) -> Result<axum::response::Response, crate::http::AppError> {
            super::shelf::remove::<$thing>(&state, origin, by, id).await
        }
    };
}
pub(super) use operations;
