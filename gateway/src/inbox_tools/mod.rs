//! What makes an inbox quick: labels, canned replies, macros, service levels and saved views.
//!
//! Each is a small list of a tenant's (some rows are one person's own) with the same four operations: [`shelf`] has them once.

mod breach;
mod bulk;
mod bulk_store;
mod canned;
mod canned_store;
mod csat;
mod csat_store;
mod csat_words;
mod labels;
mod labels_store;
mod macros;
mod macros_store;
mod shelf;
mod sla;
mod sla_store;
mod steps;
mod views;
mod views_store;

use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;

pub use breach::{LOOK as LOOK_AT_SLAS, look as look_at_slas};
pub use csat::{ask as ask_csat, pages};
pub use macros::{Macro, Step};

/// Routes of all of them.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(bulk::router())
        .merge(csat::router())
        .merge(labels::router())
        .merge(canned::router())
        .merge(macros::router())
        .merge(sla::router())
        .merge(views::router())
}
