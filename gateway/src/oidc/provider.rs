//! What a provider says of itself (OpenID Connect Discovery 1.0), its keys, and the exchange of a code for an ID token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::id_token::{self, Claims, Expected, IdTokenError};
use crate::fetch::{Fetch, FetchError};

/// For how long what a provider said of itself is believed.
const FRESH: Duration = Duration::from_mins(10);
/// How often keys are asked for again because a token names one that is not known.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// Providers remembered at most.
const MAX_KNOWN: usize = 1000;

/// Where a provider is to be asked for what.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Discovery {
    issuer: String,
    #[serde(deserialize_with = "address")]
    pub(super) authorization_endpoint: Url,
    #[serde(deserialize_with = "address")]
    token_endpoint: Url,
    #[serde(deserialize_with = "address")]
    jwks_uri: Url,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    Url::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

#[derive(Debug)]
struct Known {
    discovery: Discovery,
    keys: JwkSet,
    at: Instant,
}

/// Why a sign-in through a provider came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("it calls itself {0}")]
    OtherIssuer(String),
    #[error("an address of its own does not begin with https://")]
    PlainEndpoint,
    #[error("its ID token is not believed: {0}")]
    Token(#[from] IdTokenError),
    #[error("its answer about the person is about another")]
    OtherSubject,
}

/// The providers that were asked lately.
#[derive(Debug)]
pub struct Providers {
    fetch: Fetch,
    private: bool,
    // Held for a look, never across an await.
    known: Mutex<HashMap<String, Arc<Known>>>,
}

/// A code that came back, and what it was asked for with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) client_secret: Option<&'a str>,
    pub(super) redirect_uri: &'a str,
    pub(super) code: &'a str,
    pub(super) verifier: &'a str,
    pub(super) nonce: &'a str,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    email: Option<String>,
    email_verified: Option<bool>,
    name: Option<String>,
}

impl Providers {
    /// None known yet. `private`: whether providers may be in private networks and speak plain HTTP.
    pub fn new(private: bool) -> Self {
        Self { fetch: Fetch::new(private), private, known: Mutex::default() }
    }

    /// What the issuer says of itself.
    pub(super) async fn discovery(&self, issuer: &str) -> Result<Discovery, ProviderError> {
        Ok(self.known(issuer, FRESH).await?.discovery.clone())
    }

    async fn known(&self, issuer: &str, fresh: Duration) -> Result<Arc<Known>, ProviderError> {
        let remembered = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(issuer).cloned();
        if let Some(known) = remembered.filter(|known| known.at.elapsed() < fresh) {
            return Ok(known);
        }
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let address = Url::parse(&address).map_err(|_| FetchError::NotHttps)?;
        let discovery: Discovery = self.fetch.get(&address, HeaderMap::new()).await?;
        if discovery.issuer != issuer {
            return Err(ProviderError::OtherIssuer(discovery.issuer.chars().take(200).collect()));
        }
        if !self.private && discovery.authorization_endpoint.scheme() != "https" {
            return Err(ProviderError::PlainEndpoint);
        }
        let keys: JwkSet = self.fetch.get(&discovery.jwks_uri, HeaderMap::new()).await?;
        let known = Arc::new(Known { discovery, keys, at: Instant::now() });
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_KNOWN {
            all.retain(|_, known| known.at.elapsed() < FRESH);
        }
        if all.len() < MAX_KNOWN {
            all.insert(issuer.to_owned(), Arc::clone(&known));
        }
        Ok(known)
    }

    /// Who a code stands for.
    pub(super) async fn exchange(&self, wanted: Exchange<'_>) -> Result<Claims, ProviderError> {
        let known = self.known(wanted.issuer, FRESH).await?;
        let mut headers = HeaderMap::new();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", wanted.code),
            ("redirect_uri", wanted.redirect_uri),
            ("code_verifier", wanted.verifier),
        ];
        let methods = known.discovery.token_endpoint_auth_methods_supported.as_deref();
        // Without a list the first is meant (Discovery, section 3).
        let basic = methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
        match wanted.client_secret {
            Some(secret) if basic => {
                // RFC 6749 §2.3.1: both are form-encoded first.
                let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = STANDARD.encode(format!("{}:{}", encode(wanted.client_id), encode(secret)));
                if let Ok(value) = HeaderValue::from_str(&format!("Basic {pair}")) {
                    headers.insert(AUTHORIZATION, value);
                }
            }
            Some(secret) => form.extend([("client_id", wanted.client_id), ("client_secret", secret)]),
            None => form.push(("client_id", wanted.client_id)),
        }
        let tokens: Tokens = self.fetch.post_form(&known.discovery.token_endpoint, headers, &form).await?;
        let expected = Expected { issuer: wanted.issuer, client_id: wanted.client_id, nonce: wanted.nonce };
        let now = Utc::now().timestamp();
        let claims = match id_token::verify(&tokens.id_token, &known.keys, expected, now) {
            // The provider may have begun to use another key.
            Err(IdTokenError::UnknownKey) => {
                let known = self.known(wanted.issuer, ASK_AGAIN).await?;
                id_token::verify(&tokens.id_token, &known.keys, expected, now)?
            }
            other => other?,
        };
        self.completed(&known.discovery, claims, tokens.access_token).await
    }

    /// With the address, which many providers tell only when they are asked for it.
    async fn completed(
        &self,
        discovery: &Discovery,
        mut claims: Claims,
        access_token: Option<String>,
    ) -> Result<Claims, ProviderError> {
        let (None, Some(endpoint), Some(token)) = (&claims.email, &discovery.userinfo_endpoint, access_token) else {
            return Ok(claims);
        };
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&format!("Bearer {token}")) {
            headers.insert(AUTHORIZATION, value);
        }
        let endpoint = Url::parse(endpoint).map_err(|_| FetchError::NotHttps)?;
        let told: UserInfo = self.fetch.get(&endpoint, headers).await?;
        // Core, section 5.3.2: else it may be about somebody else.
        if told.sub != claims.sub {
            return Err(ProviderError::OtherSubject);
        }
        claims.email = told.email;
        claims.email_verified = told.email_verified;
        claims.name = claims.name.or(told.name);
        Ok(claims)
    }
}
