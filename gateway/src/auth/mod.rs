//! Sign-in: passwords, access tokens, refresh tokens that rotate, and the limits on guessing.

mod account;
mod account_http;
pub(crate) mod account_store;
mod audit;
mod cookie;
mod device;
mod http;
mod keys;
mod limit;
mod model;
mod password;
mod service;
mod sessions;
mod store;
mod strength;
pub mod token;
mod totp;

pub use self::http::router;
pub(crate) use self::http::set_refresh_cookie;
pub(crate) use account::{check_guess, end_here, forget_second_step, member_and_tenant, note_wrong_guess};
pub use keys::{Keys, digest, random_token};
pub use limit::LoginLimits;
pub use model::{Me, SignedIn, TenantView, UserView};
pub use password::{PasswordError, Passwords};
pub(crate) use service::{Granted, Method, begin_sign_in};
pub(crate) use service::{LANGUAGES, MAX_NAME_CHARS, email_of, sweep};
pub use sessions::Sessions;
pub use strength::{Strength, weakness};
pub use token::{ACCESS_TOKEN_SECONDS, Identity, Principal, Via};
