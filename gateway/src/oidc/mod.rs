//! Signing in through a tenant's identity provider: OpenID Connect Core 1.0, authorization code with PKCE (RFC 7636).
//!
//! A provider speaks for the people of the tenant that named it, and for nobody elsewhere: a sign-in through it holds for that tenant
//! alone. What it says is believed only after its signature, issuer, audience, time and nonce were checked ([`id_token`]).

mod flow;
mod http;
mod id_token;
mod model;
mod provider;
mod settings;
mod store;

pub use self::http::router;
pub use provider::Providers;
