//! Sites: a tenant's outlets, with the numbers of the public network that are theirs. Channel accounts will belong to sites too, once
//! there are any.

mod http;
mod model;
mod service;
mod store;

pub use self::http::router;
