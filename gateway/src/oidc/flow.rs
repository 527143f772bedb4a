//! The way of a person to the provider and back. What has to be known when they are back travels with them, sealed, in a cookie.

use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use http::header::{HeaderValue, SET_COOKIE};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use trunkline_db::{Role, UserId};
use trunkline_journal::Ref;
use url::Url;

use super::id_token::Claims;
use super::provider::Exchange;
use super::settings::{opened_secret, redirect_uri};
use super::store;
use crate::audit::{self, Actor, Entry, Origin};
use crate::auth::{Granted, Method, begin_sign_in, email_of, random_token};
use crate::http::AppError;
use crate::members::store as members;
use crate::roster;
use crate::state::AppState;

/// Seconds that a person may take at the provider.
const PATIENCE: i64 = 600;
/// What the cookie is sealed for.
const CONTEXT: &str = "oidc/flow";
/// Longest place to go on to.
const MAX_NEXT_BYTES: usize = 500;

/// What is known of a sign-in that is under way.
#[derive(Serialize, Deserialize)]
struct Flow {
    state: String,
    nonce: String,
    verifier: String,
    slug: String,
    issuer: String,
    next: String,
    until: i64,
}

/// Why nobody was signed in; a word for the panel, which has texts for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The tenant has no provider, or has another one now.
    NoProvider,
    /// The provider could not be asked, or is not believed.
    Provider,
    /// The person, or the provider, said no.
    Denied,
    /// Not begun here, or too long ago.
    Stale,
    /// No address, one that the provider has not proved, or one of another domain.
    Address,
    /// Nobody here, and nobody is made.
    NoMember,
}

impl Refused {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::NoProvider => "no-provider",
            Self::Provider => "provider",
            Self::Denied => "denied",
            Self::Stale => "stale",
            Self::Address => "address",
            Self::NoMember => "no-member",
        }
    }
}

/// Why a step failed: a word for the person, or a fault of ours.
pub(super) enum Failed {
    Refused(Refused),
    Ours(AppError),
}

impl<E: Into<AppError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Ours(error.into())
    }
}

fn cookie(public: &Url) -> (&'static str, &'static str) {
    match public.scheme() {
        "https" => ("__Host-trunkline_oidc", "Path=/; Secure"),
        _ => ("trunkline_oidc", "Path=/api/v1/auth/oidc"),
    }
}

/// `Lax`: it comes back with the way back from the provider's page.
pub(super) fn set_cookie(public: &Url, answer: &mut Response, value: &str, max_age: i64) {
    let (name, scope) = cookie(public);
    let text = format!("{name}={value}; {scope}; Max-Age={max_age}; HttpOnly; SameSite=Lax");
    answer.headers_mut().append(SET_COOKIE, HeaderValue::from_str(&text).expect("base64url"));
}

/// A place of the panel; whatever leads elsewhere is its beginning.
pub(super) fn place(next: Option<&str>) -> String {
    let fits = |next: &&str| {
        next.len() <= MAX_NEXT_BYTES
            && next.starts_with('/')
            && !next.starts_with("//")
            && !next.contains(|c: char| c == '\\' || c.is_control() || c.is_whitespace() || !c.is_ascii())
    };
    next.filter(fits).unwrap_or("/").to_owned()
}

/// Where to send the browser, and the cookie that it takes along.
pub(super) async fn start(state: &AppState, slug: &str, next: Option<&str>) -> Result<(Url, String), Failed> {
    let mut tx = state.db.system().await?;
    let found = store::of_slug(&mut tx, slug).await?.ok_or(Failed::Refused(Refused::NoProvider))?;
    tx.commit().await?;
    let discovery = state.providers.discovery(&found.row.issuer).await.map_err(|error| {
        tracing::warn!(%error, tenant = %found.tenant, "the identity provider cannot be asked");
        Failed::Refused(Refused::Provider)
    })?;
    let flow = Flow {
        state: random_token(),
        nonce: random_token(),
        verifier: random_token(),
        slug: found.slug,
        issuer: found.row.issuer,
        next: place(next),
        until: Utc::now().timestamp() + PATIENCE,
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(flow.verifier.as_bytes()));
    let mut url = discovery.authorization_endpoint;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &found.row.client_id)
        .append_pair("redirect_uri", &redirect_uri(state))
        .append_pair("scope", "openid email profile")
        .append_pair("state", &flow.state)
        .append_pair("nonce", &flow.nonce)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    let plain = serde_json::to_vec(&flow).expect("a flow is plain values");
    Ok((url, URL_SAFE_NO_PAD.encode(state.keys.seal(CONTEXT, &plain))))
}

/// What the provider sent the browser back with.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Back {
    /// What is traded for an ID token.
    pub code: Option<String>,
    /// What the browser left with.
    pub state: Option<String>,
    /// The issuer (RFC 9207).
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

fn flow_of(state: &AppState, jar: &CookieJar) -> Option<Flow> {
    let sealed = URL_SAFE_NO_PAD.decode(jar.get(cookie(&state.config.public_url).0)?.value()).ok()?;
    let flow: Flow = serde_json::from_slice(&state.keys.open(CONTEXT, &sealed)?).ok()?;
    (flow.until > Utc::now().timestamp()).then_some(flow)
}

/// The person is back: who it is, and where to go on.
pub(super) async fn finish(
    state: &AppState,
    origin: &Origin,
    jar: &CookieJar,
    back: &Back,
) -> Result<(Granted, String), Failed> {
    let flow = flow_of(state, jar).ok_or(Failed::Refused(Refused::Stale))?;
    let given = back.state.as_deref().unwrap_or_default();
    if !bool::from(given.as_bytes().ct_eq(flow.state.as_bytes())) {
        return Err(Failed::Refused(Refused::Stale));
    }
    // RFC 9207: else one provider's code is traded with another.
    if back.iss.as_ref().is_some_and(|iss| *iss != flow.issuer) {
        return Err(Failed::Refused(Refused::Provider));
    }
    let Some(code) = back.code.as_deref().filter(|_| back.error.is_none()) else {
        return Err(Failed::Refused(Refused::Denied));
    };
    let mut tx = state.db.system().await?;
    let found = store::of_slug(&mut tx, &flow.slug)
        .await?
        .filter(|found| found.row.issuer == flow.issuer)
        .ok_or(Failed::Refused(Refused::NoProvider))?;
    tx.commit().await?;
    let secret = opened_secret(state, found.tenant, found.row.secret.clone())?;
    let exchange = Exchange {
        issuer: &found.row.issuer,
        client_id: &found.row.client_id,
        client_secret: secret.as_ref().map(crate::secrets::Secret::expose),
        redirect_uri: &redirect_uri(state),
        code,
        verifier: &flow.verifier,
        nonce: &flow.nonce,
    };
    let claims = state.providers.exchange(exchange).await.map_err(|error| {
        tracing::warn!(%error, tenant = %found.tenant, "a sign-in through the identity provider was refused");
        Failed::Refused(Refused::Provider)
    })?;
    let user = person(state, origin, &found, &claims).await?;
    let mut tx = state.db.system().await?;
    let granted = begin_sign_in(state, &mut tx, user, &found.slug, Method::Oidc, origin).await.map_err(|error| {
        // A member who may not come in.
        if error.status() == http::StatusCode::UNAUTHORIZED {
            Failed::Refused(Refused::NoMember)
        } else {
            Failed::Ours(error)
        }
    })?;
    tx.commit().await?;
    Ok((granted, flow.next))
}

/// Whom the claims mean: whoever was meant before, the member with that address, or somebody new where the tenant wants that.
async fn person(state: &AppState, origin: &Origin, found: &store::Found, claims: &Claims) -> Result<UserId, Failed> {
    let (tenant, row) = (found.tenant, &found.row);
    let mut tx = state.db.system().await?;
    if let Some(user) = store::user_of(&mut tx, tenant, &row.issuer, &claims.sub).await? {
        tx.commit().await?;
        return Ok(user);
    }
    let email = claims.email.as_deref().filter(|_| claims.email_verified == Some(true));
    let email = email.and_then(|email| email_of(email).ok()).ok_or(Failed::Refused(Refused::Address))?;
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
    if !row.allowed_domains.iter().any(|allowed| allowed == domain) {
        return Err(Failed::Refused(Refused::Address));
    }
    let known = store::account(&mut tx, tenant, &email).await?;
    let user = match known {
        Some((user, true)) => user,
        // An account of elsewhere joins by an invitation and its own password: a tenant's provider does not speak for it.
        Some((_, false)) => return Err(Failed::Refused(Refused::NoMember)),
        None => {
            let role = row.auto_role.ok_or(Failed::Refused(Refused::NoMember))?;
            return newcomer(state, origin, tx, found, claims, &email, role).await;
        }
    };
    let mut tx = tx.into_tenant(tenant).await?;
    store::link(&mut tx, &row.issuer, &claims.sub, user).await?;
    audit::append(&mut tx, entry("user.identity_linked", user, origin, json!({ "issuer": row.issuer }))).await?;
    tx.commit().await?;
    Ok(user)
}

async fn newcomer(
    state: &AppState,
    origin: &Origin,
    mut tx: trunkline_db::SystemTx,
    found: &store::Found,
    claims: &Claims,
    email: &str,
    role: Role,
) -> Result<UserId, Failed> {
    let given: String =
        claims.name.as_deref().unwrap_or_default().chars().filter(|c| !c.is_control()).take(100).collect();
    let name = if given.trim().is_empty() { email.split('@').next().unwrap_or(email) } else { given.trim() };
    let user = UserId::new();
    // The provider proved the address to this tenant, not to us.
    members::insert_account(&mut tx, user, email, name, None, false).await?;
    let mut tx = tx.into_tenant(found.tenant).await?;
    members::insert_member(&mut tx, user, role, None).await?;
    if role == Role::Operator {
        members::insert_agent(&mut tx, user, name, email).await?;
    }
    store::link(&mut tx, &found.row.issuer, &claims.sub, user).await?;
    let after = json!({ "name": name, "email": email, "role": role, "issuer": found.row.issuer });
    audit::append(&mut tx, entry("user.joined", user, origin, after)).await?;
    tx.commit().await?;
    roster::refresh(state, Some(found.tenant)).await?;
    Ok(user)
}

fn entry(action: &'static str, user: UserId, origin: &Origin, after: serde_json::Value) -> Entry {
    Entry {
        actor: Actor::user(user),
        action,
        subject: Ref::new("user", user),
        before: None,
        after: Some(after),
        origin: origin.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_goes_on_to_places_of_the_panel_alone() {
        assert_eq!(place(Some("/calls?state=active")), "/calls?state=active");
        for elsewhere in
            ["//evil.example", "/\\evil.example", "https://evil.example", "calls", "", "/a\nb", "/\t/evil.example"]
        {
            assert_eq!(place(Some(elsewhere)), "/", "{elsewhere:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_leads_elsewhere(next in "[/\\\\a-z.:?#\\t]{0,20}|\\PC{0,40}") {
            let base = Url::parse("https://calls.example/").unwrap();
            let url = base.join(&place(Some(&next))).unwrap();
            prop_assert_eq!(url.origin(), base.origin());
        }
    }
}
