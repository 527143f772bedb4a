//! What every route shares: errors, extractors, pages, idempotency, the documents that describe it all.

mod csv;
mod database;
pub mod docs;
mod edge;
pub mod extract;
mod guard;
pub mod idempotency;
pub(crate) mod origin;
mod page;
mod patch;
mod permission;
mod principal;
mod problem;
mod revision;
mod router;

pub(crate) use csv::csv_cell;
pub use edge::RequestId;
pub use extract::{Json, Path, Query};
pub use idempotency::Idempotency;
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, Page, PageQuery};
pub use patch::Patch;
pub use permission::{Permission, Permissions, Reach, Rights};
pub use principal::{ClientAddress, authenticate, bearer, principal_of};
pub use problem::{AppError, Fault, FieldError, PROBLEM_JSON, Problem, Refusal};
pub use revision::{IfMatch, tagged};
pub use router::{api_router, openapi, router};
