//! `/api/v1/canned-replies`: what is often said, under a short word.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{DbError, TenantTx, UserId};
use trunkline_journal::Fault;
use uuid::Uuid;

use super::canned_store as store;
use super::shelf::{self, Thing};
use crate::http::{AppError, Page};

/// Something that is often said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct CannedReply {
    /// The reply.
    pub(super) id: Uuid,
    /// What it is called by: typed behind a `/`.
    pub(super) shortcut: String,
    /// What is said. `{{contact.name}}`, `{{contact.first_name}}`, `{{agent.name}}` and `{{agent.first_name}}` are filled in when it is used.
    pub(super) text: String,
    /// Whose own it is; null: everybody's.
    pub(super) user_id: Option<Uuid>,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Body of `POST /canned-replies` and `PUT /canned-replies/{id}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteCannedReply {
    /// Letters, digits, `-` and `_`; unlike any other of the same owner.
    #[schema(min_length = 1, max_length = 40)]
    pub(super) shortcut: String,
    /// What is said.
    #[schema(min_length = 1, max_length = 4096)]
    pub(super) text: String,
    /// For oneself alone.
    #[serde(default)]
    pub(super) personal: bool,
}

impl Thing for CannedReply {
    type Wanted = WriteCannedReply;

    const WHAT: &'static str = "canned_reply";
    const ACTIONS: [&'static str; 3] = ["canned_reply.created", "canned_reply.updated", "canned_reply.deleted"];
    const MOST: i64 = 5_000;

    fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    fn owner(&self) -> Option<UserId> {
        self.user_id.map(UserId)
    }

    fn shared(wanted: &WriteCannedReply) -> bool {
        !wanted.personal
    }

    fn check(wanted: &mut WriteCannedReply) -> Result<(), AppError> {
        wanted.shortcut = shelf::text("shortcut", wanted.shortcut.trim_start_matches('/'), 40)?;
        if !wanted.shortcut.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            return Err(AppError::invalid_field("shortcut", "must be letters, digits, - and _"));
        }
        wanted.text = shelf::text("text", &wanted.text, 4_096)?;
        Ok(())
    }

    fn refused(error: DbError) -> Fault<AppError> {
        if error.constraint() == Some("canned_replies_shortcut_key") {
            return AppError::conflict("name-taken", "there is a reply with this shortcut already").into();
        }
        Fault::Db(error)
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

    async fn put(tx: &mut TenantTx<'_>, id: Uuid, wanted: &WriteCannedReply, by: UserId) -> Result<Self, DbError> {
        store::put(tx, id, wanted, wanted.personal.then_some(by)).await
    }

    async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
        store::delete(tx, id).await
    }
}

shelf::operations! {
    CannedReply, WriteCannedReply, "a canned reply", "canned replies", path "/canned-replies", item "/canned-replies/{id}", write "conversations:write",
    ids "listCannedReplies" "createCannedReply" "updateCannedReply" "deleteCannedReply"
}
