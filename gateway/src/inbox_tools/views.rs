//! `/api/v1/inbox-views`: lists with filters under a name.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trunkline_db::{DbError, TenantTx, UserId};
use uuid::Uuid;

use super::shelf::{self, Thing};
use super::views_store as store;
use crate::http::{AppError, Page};

/// What `GET /conversations` can be asked for.
const PARAMETERS: [&str; 15] = [
    "state",
    "mine",
    "unassigned",
    "agent_id",
    "team_id",
    "queue_id",
    "account_id",
    "channel",
    "label_id",
    "contact_id",
    "mentioned",
    "unread",
    "priority",
    "spam",
    "q",
];

/// A list with filters under a name.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct InboxView {
    /// The view.
    pub(super) id: Uuid,
    /// Its name.
    pub(super) name: String,
    /// Its place among the others.
    pub(super) place: i32,
    /// The query parameters of `GET /conversations`.
    #[schema(value_type = Object)]
    pub(super) filter: Value,
    /// Whose own it is; null: everybody's.
    pub(super) user_id: Option<Uuid>,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Body of `POST /inbox-views` and `PUT /inbox-views/{id}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteInboxView {
    /// Its name.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: String,
    /// Its place among the others.
    #[serde(default)]
    pub(super) place: i32,
    /// The query parameters of `GET /conversations`.
    #[schema(value_type = Object)]
    pub(super) filter: Map<String, Value>,
    /// For oneself alone.
    #[serde(default)]
    pub(super) personal: bool,
}

impl Thing for InboxView {
    type Wanted = WriteInboxView;

    const WHAT: &'static str = "inbox_view";
    const ACTIONS: [&'static str; 3] = ["inbox_view.created", "inbox_view.updated", "inbox_view.deleted"];
    const MOST: i64 = 5_000;

    fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    fn owner(&self) -> Option<UserId> {
        self.user_id.map(UserId)
    }

    fn shared(wanted: &WriteInboxView) -> bool {
        !wanted.personal
    }

    fn check(wanted: &mut WriteInboxView) -> Result<(), AppError> {
        wanted.name = shelf::text("name", &wanted.name, 60)?;
        if let Some(odd) = wanted.filter.keys().find(|key| !PARAMETERS.contains(&key.as_str())) {
            let words = format!("{odd:?} is not a filter of conversations; there are {}", PARAMETERS.join(", "));
            return Err(AppError::invalid_field("filter", words));
        }
        let plain = |value: &Value| match value {
            Value::Bool(_) | Value::Number(_) => true,
            Value::String(text) => text.len() <= 200,
            _ => false,
        };
        if !wanted.filter.values().all(plain) {
            return Err(AppError::invalid_field("filter", "each value must be a text, a number, true or false"));
        }
        Ok(())
    }

    async fn list(tx: &mut TenantTx<'_>, by: UserId) -> Result<Vec<Self>, DbError> {
        store::list(tx, by).await
    }

    async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
        store::count(tx).await
    }

    async fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Self>, DbError> {
        store::lock(tx, id).await
    }

    async fn put(tx: &mut TenantTx<'_>, id: Uuid, wanted: &WriteInboxView, by: UserId) -> Result<Self, DbError> {
        store::put(tx, id, wanted, wanted.personal.then_some(by)).await
    }

    async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
        store::delete(tx, id).await
    }
}

shelf::operations! {
    InboxView, WriteInboxView, "a view", "views", path "/inbox-views", item "/inbox-views/{id}", write "conversations:write",
    ids "listInboxViews" "createInboxView" "updateInboxView" "deleteInboxView"
}
