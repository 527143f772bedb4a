//! What every route shares: errors, extractors, pages, idempotency, the documents that describe it all.

mod database;
pub mod docs;
mod edge;
pub mod extract;
pub mod idempotency;
pub(crate) mod origin;
mod page;
mod permission;
mod principal;
mod problem;
mod router;
pub(crate) mod served;

pub use edge::RequestId;
pub use extract::{Json, Path, Query};
pub use idempotency::Idempotency;
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, Page, PageQuery};
pub use permission::Permission;
pub use principal::{ClientAddress, authenticate, bearer};
pub use problem::{AppError, Fault, FieldError, PROBLEM_JSON, Problem, Refusal};
pub use router::{api_router, openapi, router};
