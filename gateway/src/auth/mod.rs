//! Sign-in: passwords, access tokens, refresh tokens that rotate, and the limits on guessing.

mod audit;
mod cookie;
mod http;
mod keys;
mod limit;
mod model;
mod password;
mod service;
mod sessions;
mod store;
mod switch;
pub mod token;

pub use self::http::router;
pub use keys::{Keys, digest, random_token};
pub use limit::LoginLimits;
pub use model::{Me, SignedIn, TenantView, UserView};
pub use password::{PasswordError, Passwords, weakness};
pub(crate) use service::{LANGUAGES, MAX_NAME_CHARS, sweep};
pub use sessions::Sessions;
pub use token::{ACCESS_TOKEN_SECONDS, Identity, Principal, Via};
