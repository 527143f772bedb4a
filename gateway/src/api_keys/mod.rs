//! API keys: a program's way in.
//!
//! A key is `tlk_<prefix>_<secret>`. The prefix is shown in lists and logs; of the secret, 256 random bits, SHA-256 is kept and
//! nothing else, so it is shown once. A key acts for the member who made it, may what both it and its maker may, and ends with the
//! maker's membership. The [`Roster`](crate::roster::Roster) holds all keys, so no request asks the database.

mod http;
mod model;
mod secret;
mod service;
mod store;
mod usage;

pub use self::http::router;
pub(crate) use secret::{NewSecret, looks_like_one, parse_marked, random_prefix};
pub(crate) use usage::authenticate;
pub use usage::keep_count;
