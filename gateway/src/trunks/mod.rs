//! Trunks: the lines to carriers, as tenants connect them.
//!
//! What Asterisk is told of them is in `telephony::trunks`; how calls come and go by them in `trunkline_calls::lines`.

pub(crate) mod board;
pub(crate) mod directory_store;
mod http;
mod import;
mod model;
mod service;
mod store;

use trunkline_db::{TenantId, TrunkId};

pub use self::http::router;
use crate::secrets::Place;

/// Where a trunk's password is sealed for.
pub(crate) fn password_place(tenant: TenantId, trunk: TrunkId) -> Place {
    Place { tenant: Some(tenant), table: "trunks", column: "password_sealed", row: trunk.to_string() }
}
