//! `/api/v1/labels`: what conversations are marked with.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{DbError, LabelId, TenantTx, UserId};
use trunkline_journal::Fault;
use uuid::Uuid;

use super::labels_store as store;
use super::shelf::{self, Thing};
use crate::http::{AppError, Page};

/// The panel's palette.
const COLOURS: [&str; 9] = ["grey", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink"];

/// A label of conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct InboxLabel {
    /// The label.
    #[schema(value_type = Uuid)]
    pub(super) id: LabelId,
    /// Its name, unlike any other's.
    pub(super) name: String,
    /// `grey`, `red`, `orange`, `yellow`, `green`, `teal`, `blue`, `purple` or `pink`.
    pub(super) colour: String,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Body of `POST /labels` and `PUT /labels/{id}`.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteLabel {
    /// Its name.
    #[schema(min_length = 1, max_length = 60)]
    pub(super) name: String,
    /// Of the palette; grey.
    pub(super) colour: Option<String>,
}

impl Thing for InboxLabel {
    type Wanted = WriteLabel;

    const WHAT: &'static str = "label";
    const ACTIONS: [&'static str; 3] = ["label.created", "label.updated", "label.deleted"];
    const MOST: i64 = 200;

    fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    fn check(wanted: &mut WriteLabel) -> Result<(), AppError> {
        wanted.name = shelf::text("name", &wanted.name, 60)?;
        if wanted.colour.as_deref().is_some_and(|colour| !COLOURS.contains(&colour)) {
            return Err(AppError::invalid_field("colour", format!("must be one of {}", COLOURS.join(", "))));
        }
        Ok(())
    }

    fn refused(error: DbError) -> Fault<AppError> {
        if error.constraint() == Some("labels_name_key") {
            return AppError::conflict("name-taken", "there is a label with this name already").into();
        }
        Fault::Db(error)
    }

    async fn list(tx: &mut TenantTx<'_>, _: UserId) -> Result<Vec<Self>, DbError> {
        store::list(tx).await
    }

    async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
        store::count(tx).await
    }

    async fn lock(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Self>, DbError> {
        store::lock(tx, id).await
    }

    async fn put(tx: &mut TenantTx<'_>, id: Uuid, wanted: &WriteLabel, _: UserId) -> Result<Self, DbError> {
        store::put(tx, id, wanted).await
    }

    async fn delete(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
        store::delete(tx, id).await
    }
}

shelf::operations! {
    InboxLabel, WriteLabel, "a label", "labels", path "/labels", item "/labels/{id}", write "inbox_tools:manage",
    ids "listLabels" "createLabel" "updateLabel" "deleteLabel"
}
