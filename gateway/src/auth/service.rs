//! Sign-in, refresh and logout, without HTTP.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::PoisonError;
use std::time::Instant;

use chrono::{TimeDelta, Utc};
use trunkline_db::{DbError, SystemTx, TenantId, UserId};
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref, Scope};
use uuid::Uuid;

use super::account::{self, Step, busy};
use super::account_store;
use super::audit as told;
use super::device::Device;
use super::model::{ChangePassword, LanguageChoice, LoginRequest, UpdateMe};
use super::password::{MAX_BYTES, PasswordError};
use super::strength::PRODUCT;
use super::{ACCESS_TOKEN_SECONDS, SignedIn, TenantView, UserView, random_token, store, token, weakness};
use crate::audit::{self, Actor, Origin};
use crate::http::AppError;
use crate::mail::Notice;
use crate::state::AppState;

/// Life of a refresh token; each use begins it anew.
pub(super) const REFRESH_DAYS: i64 = 30;
/// Longest name of a person, in characters.
pub(crate) const MAX_NAME_CHARS: usize = 100;
/// Languages of the panel.
pub(crate) const LANGUAGES: [&str; 3] = ["en", "ru", "it"];
const USER_UPDATED: Kind = Kind::from_static("user.updated");
const PASSWORD_CHANGED: Kind = Kind::from_static("user.password_changed");
/// Longest e-mail address (RFC 5321 §4.5.3.1).
const MAX_EMAIL_BYTES: usize = 254;
/// No browser: whoever guesses one-time codes.
const CODES: u128 = 0;

/// An answer and the refresh token that goes into the cookie.
pub(crate) struct Granted {
    pub(crate) signed_in: SignedIn,
    pub(crate) refresh_token: String,
    /// The browser, to be known from now on.
    pub(super) device: Option<Device>,
}

/// How a sign-in begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// With a password of ours.
    Password,
    /// Through the tenant's identity provider.
    Oidc,
}

impl Method {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Oidc => "oidc",
        }
    }
}

/// An address as it is stored.
pub(crate) fn email_of(text: &str) -> Result<String, AppError> {
    let email = text.trim().to_lowercase();
    let fits = email.len() <= MAX_EMAIL_BYTES
        && email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !email.contains(|c: char| c.is_whitespace() || c.is_control());
    if fits { Ok(email) } else { Err(AppError::invalid_field("email", "must be an e-mail address")) }
}

/// Begins a sign-in to a tenant of the user's, the oldest when none is named.
pub(super) async fn begin(
    state: &AppState,
    tx: &mut SystemTx,
    user: UserId,
    slug: Option<&str>,
    method: Method,
    step: Option<Step>,
    origin: &Origin,
) -> Result<Granted, AppError> {
    let (user, tenant) = store::membership(tx, user, slug).await?.ok_or_else(AppError::wrong_credentials)?;
    let user = UserView { must_set_up_second_step: user.must_set_up_second_step && method == Method::Password, ..user };
    let session = Uuid::now_v7();
    let stepped = matches!(step, Some(Step::Code | Step::Recovery));
    note(tx, session, &tenant, user.id, method, stepped, origin).await?;
    let after = serde_json::json!({ "method": method.as_str(), "second_step": stepped });
    let entry = audit::Entry { after: Some(after), ..told::entry("sign_in.succeeded", user.id, session, origin) };
    audit::append_system(tx, Some(tenant.id), entry).await?;
    Ok(grant(state, tx, user, tenant, session).await?)
}

/// The same for somebody whom the tenant's identity provider vouches for.
pub(crate) async fn begin_sign_in(
    state: &AppState,
    tx: &mut SystemTx,
    user: UserId,
    slug: &str,
    method: Method,
    origin: &Origin,
) -> Result<Granted, AppError> {
    let granted = begin(state, tx, user, Some(slug), method, None, origin).await?;
    state.metrics.logins.with_label_values(&["ok"]).inc();
    Ok(granted)
}

async fn note(
    tx: &mut SystemTx,
    session: Uuid,
    tenant: &TenantView,
    user: UserId,
    method: Method,
    second_step: bool,
    origin: &Origin,
) -> Result<(), DbError> {
    let address = origin.address.map(|address| address.to_string());
    let noted = account_store::SignIn {
        id: session,
        tenant: tenant.id,
        user,
        method: method.as_str(),
        second_step,
        address: address.as_deref(),
        user_agent: origin.user_agent.as_deref(),
    };
    account_store::note_sign_in(tx, &noted).await
}

/// Checks e-mail and password and begins a sign-in.
pub(super) async fn login(
    state: &AppState,
    origin: &Origin,
    device: Option<Device>,
    request: LoginRequest,
) -> Result<Granted, AppError> {
    let address = address_of(origin);
    let email = request.email.trim().to_lowercase();
    if email.is_empty() || email.len() > MAX_EMAIL_BYTES {
        return Err(AppError::invalid_field("email", "must be an e-mail address"));
    }
    if request.password.is_empty() || request.password.len() > MAX_BYTES {
        return Err(AppError::invalid_field("password", format!("must have from 1 to {MAX_BYTES} bytes")));
    }
    let count = |result: &str| state.metrics.logins.with_label_values(&[result]).inc();
    let known = device.as_ref().and_then(|device| device.known_to(&state.keys, &email));
    let allowed = limits(state).check(address, known, &email, Instant::now());
    if let Err(wait) = allowed {
        count("limited");
        told::refused_once(state, "sign_in.limited", &email, origin).await;
        return Err(AppError::too_many("too many failed sign-ins; wait a moment", wait.as_secs() + 1));
    }

    let mut tx = state.db.system().await?;
    let account = store::account(&mut tx, &email).await?;
    // No connection is held while the password is hashed.
    tx.commit().await?;
    let (user, hash) = account.map_or((None, None), |account| (Some(account.id), account.password_hash));
    let fits = match state.passwords.verify(request.password, hash).await {
        Ok(fits) => fits,
        Err(PasswordError::Busy) => {
            count("busy");
            return Err(AppError::too_many("too many sign-ins at once; try again shortly", 2));
        }
        Err(error @ PasswordError::Hash(_)) => return Err(AppError::internal(error)),
    };
    let slug = request.tenant.as_deref();
    let Some(user) = user.filter(|_| fits) else {
        return Err(refuse(state, origin, known, &email, slug).await);
    };

    let mut tx = state.db.system().await?;
    if store::membership(&mut tx, user, slug).await?.is_none() {
        // The password was right: they may know why.
        let suspension = store::suspension(&mut tx, user, slug).await?;
        tx.commit().await?;
        let refused = refuse(state, origin, known, &email, slug).await;
        return Err(suspension.map_or(refused, AppError::tenant_suspended));
    }
    // Codes are guessed by those alone who have the password: they share one count, wherever they are. It does not bind a browser that
    // the person is known to use: whoever has the password cannot keep its owner out.
    let (guessing, guesser) = (format!("code {email}"), Some(known.unwrap_or(CODES)));
    let now = Instant::now();
    let allowed = limits(state).check(address, guesser, &guessing, now);
    if let Err(wait) = allowed {
        count("limited");
        return Err(AppError::too_many("too many wrong codes; wait a moment", wait.as_secs() + 1));
    }
    let step = account::take_code(state, &mut tx, user, request.totp.as_deref()).await?;
    match step {
        Step::Missing => return Err(AppError::second_step_required()),
        Step::Wrong => {
            drop(tx);
            limits(state).failed(address, guesser, &guessing, now);
            told::refused(state, "sign_in.code_refused", &email, slug, origin).await;
            count("wrong");
            return Err(AppError::wrong_code());
        }
        Step::None | Step::Code | Step::Recovery => {}
    }
    if step == Step::Recovery
        && let Some(person) = account_store::person(&mut tx, Some(user), None).await?
    {
        account::tell(state, &mut tx, &person, Notice::RecoveryCodeUsed, origin).await;
    }
    let granted = begin(state, &mut tx, user, slug, Method::Password, Some(step), origin).await?;
    tx.commit().await?;
    limits(state).succeeded(address, known, &email, now);
    limits(state).succeeded(address, guesser, &guessing, now);
    count("ok");
    let device = Device::after_sign_in(device, &state.keys, &email);
    Ok(Granted { device: Some(device), ..granted })
}

async fn refuse(state: &AppState, origin: &Origin, known: Option<u128>, email: &str, slug: Option<&str>) -> AppError {
    limits(state).failed(address_of(origin), known, email, Instant::now());
    told::refused(state, "sign_in.failed", email, slug, origin).await;
    state.metrics.logins.with_label_values(&["wrong"]).inc();
    AppError::wrong_credentials()
}

/// Every request has one.
pub(super) fn address_of(origin: &Origin) -> IpAddr {
    origin.address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
}

pub(super) fn limits(state: &AppState) -> std::sync::MutexGuard<'_, super::LoginLimits> {
    state.login_limits.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Trades a refresh token for a new pair. One that was used before tells that somebody has a copy: its whole sign-in ends.
pub(super) async fn refresh(state: &AppState, origin: &Origin, refresh_token: &str) -> Result<Granted, AppError> {
    let count = |result: &str| state.metrics.refreshes.with_label_values(&[result]).inc();
    let mut tx = state.db.system().await?;
    let Some(presented) = store::lock_refresh_token(&mut tx, &state.keys.hash_opaque(refresh_token)).await? else {
        count("wrong");
        return Err(AppError::unauthorized("the refresh token is not valid"));
    };
    if presented.replaced && !presented.revoked {
        store::revoke_family(&mut tx, presented.family).await?;
        told::token_reused(&mut tx, presented.tenant, presented.user, presented.family, origin).await?;
        if let Some(person) = account_store::person(&mut tx, Some(presented.user), None).await? {
            account::tell(state, &mut tx, &person, Notice::SignInStolen, origin).await;
        }
        tx.commit().await?;
        state.sessions.end(presented.family);
        count("reused");
        tracing::warn!(user = %presented.user, session = %presented.family, "a refresh token was used twice; its sign-in is ended");
        return Err(AppError::unauthorized("the refresh token was used before; sign in again"));
    }
    if presented.replaced || presented.revoked || presented.expired {
        count("wrong");
        return Err(AppError::unauthorized("the sign-in has ended; sign in again"));
    }
    let Some((user, tenant)) =
        store::membership_of(&mut tx, presented.user, presented.tenant, presented.family).await?
    else {
        count("wrong");
        return Err(AppError::unauthorized("the user may no longer sign in"));
    };
    store::replace_refresh_token(&mut tx, presented.id).await?;
    note(&mut tx, presented.family, &tenant, user.id, Method::Password, false, origin).await?;
    let granted = grant(state, &mut tx, user, tenant, presented.family).await?;
    tx.commit().await?;
    count("ok");
    Ok(granted)
}

/// Ends the sign-in of a refresh token; an unknown one is no error, since it is ended already.
pub(super) async fn logout(state: &AppState, origin: &Origin, refresh_token: &str) -> Result<(), AppError> {
    let mut tx = state.db.system().await?;
    if let Some(presented) = store::lock_refresh_token(&mut tx, &state.keys.hash_opaque(refresh_token)).await? {
        end_session(state, origin, tx, presented.tenant, presented.user, presented.family).await?;
    }
    Ok(())
}

/// Ends the sign-in of an access token.
pub(super) async fn logout_session(
    state: &AppState,
    origin: &Origin,
    identity: &super::Identity,
) -> Result<(), AppError> {
    let tx = state.db.system().await?;
    Ok(end_session(state, origin, tx, identity.tenant, identity.user, identity.session).await?)
}

async fn end_session(
    state: &AppState,
    origin: &Origin,
    mut tx: SystemTx,
    tenant: TenantId,
    user: UserId,
    session: Uuid,
) -> Result<(), DbError> {
    if store::revoke_family(&mut tx, session).await? {
        audit::append_system(&mut tx, Some(tenant), told::entry("sign_in.ended", user, session, origin)).await?;
    }
    tx.commit().await?;
    state.sessions.end(session);
    Ok(())
}

/// What is known of a signed-in user now.
pub(super) async fn me(state: &AppState, principal: super::Principal) -> Result<(UserView, TenantView), AppError> {
    let mut tx = state.db.system().await?;
    store::membership_of(&mut tx, principal.user, principal.tenant, principal.session)
        .await?
        .ok_or_else(|| AppError::unauthorized("the user may no longer sign in"))
}

/// Changes the signed-in user's own name and language, and tells the journal.
pub(super) async fn update_me(
    state: &AppState,
    principal: super::Principal,
    origin: Origin,
    wanted: UpdateMe,
) -> Result<(UserView, TenantView), AppError> {
    let name = wanted.name.map(|name| name.trim().to_owned());
    if name.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > MAX_NAME_CHARS) {
        return Err(AppError::invalid_field("name", format!("must have from 1 to {MAX_NAME_CHARS} characters")));
    }
    let language = wanted.language;
    if let LanguageChoice::Own(language) = &language
        && !LANGUAGES.contains(&language.as_str())
    {
        return Err(AppError::invalid_field("language", format!("must be one of {}", LANGUAGES.join(", "))));
    }
    if name.is_some() || language != LanguageChoice::Keep {
        let before = me(state, principal).await?.0;
        let before = serde_json::json!({ "name": before.name, "language": before.language });
        state
            .journal
            .command(principal.tenant, move |tx| {
                let (name, language) = (name.clone(), language.clone());
                let (before, origin) = (before.clone(), origin.clone());
                Box::pin(async move {
                    if !store::update_member(tx, principal.user, name.as_deref(), &language).await? {
                        return Err(Fault::Rejected(AppError::unauthorized("the user may no longer sign in")));
                    }
                    let mut data = serde_json::Map::new();
                    data.extend(name.map(|name| ("name".to_owned(), name.into())));
                    let language = match language {
                        LanguageChoice::Keep => None,
                        LanguageChoice::Tenants => Some(serde_json::Value::Null),
                        LanguageChoice::Own(language) => Some(language.into()),
                    };
                    data.extend(language.map(|language| ("language".to_owned(), language)));
                    let user = Ref::new("user", principal.user);
                    let mut after = before.clone();
                    for (field, value) in &data {
                        after[field] = value.clone();
                    }
                    let (before, after) = audit::changed(&before, &after);
                    let entry = audit::Entry {
                        actor: Actor::of(&principal),
                        action: "user.updated",
                        subject: user.clone(),
                        before,
                        after,
                        origin,
                    };
                    audit::append(tx, entry).await?;
                    let event = NewEvent::new(USER_UPDATED, user.clone(), data.into()).actor(user);
                    Ok(Outcome::new(()).event(event))
                })
            })
            .await?;
    }
    me(state, principal).await
}

/// Gives the signed-in user a new password, ends the user's other sign-ins, and goes on with this one.
pub(super) async fn change_password(
    state: &AppState,
    origin: &Origin,
    principal: super::Principal,
    wanted: ChangePassword,
) -> Result<Granted, AppError> {
    let address = address_of(origin);
    let about = |action| audit::Entry {
        actor: Actor::of(&principal),
        action,
        subject: Ref::new("user", principal.user),
        before: None,
        after: None,
        origin: origin.clone(),
    };
    if wanted.new == wanted.current {
        return Err(AppError::invalid_field("new", "must be another than the current one"));
    }
    let mut tx = state.db.system().await?;
    let account = store::password_hash(&mut tx, principal.user).await?;
    tx.commit().await?;
    let gone = || AppError::unauthorized("the user may no longer sign in");
    let (email, name, old) = account.ok_or_else(gone)?;
    if let Some(weakness) = weakness(&wanted.new, &[&name, &email, PRODUCT[0], PRODUCT[1]]) {
        return Err(AppError::invalid_field("new", weakness));
    }
    let Some(old) = old else {
        return Err(AppError::conflict(
            "no-password",
            "you sign in elsewhere and have no password here; ask for a link to set one",
        ));
    };
    // A stolen access token must not be a way to guess the password.
    if let Err(wait) = limits(state).check(address, None, &email, Instant::now()) {
        return Err(AppError::too_many("too many wrong passwords; wait a moment", wait.as_secs() + 1));
    }
    let count = |result: &str| state.metrics.password_changes.with_label_values(&[result]).inc();
    if !state.passwords.verify(wanted.current, Some(old.clone())).await.map_err(busy)? {
        limits(state).failed(address, None, &email, Instant::now());
        count("wrong");
        let mut tx = state.db.tenant(principal.tenant).await?;
        audit::append(&mut tx, about("user.password_refused")).await?;
        tx.commit().await?;
        return Err(AppError::invalid_field("current", "is not the password"));
    }
    let new = state.passwords.hash(wanted.new).await.map_err(busy)?;
    let entry = about("user.password_changed");
    let committed = state
        .journal
        .command(principal.tenant, move |tx| {
            let (old, new, entry) = (old.clone(), new.clone(), entry.clone());
            Box::pin(async move {
                let ended = store::set_own_password(tx, principal.user, &old, &new, principal.session).await?;
                let Some(ended) = ended else {
                    return Err(Fault::Rejected(AppError::conflict(
                        "password-changed",
                        "the password was changed by somebody else in this moment",
                    )));
                };
                audit::append(tx, entry).await?;
                let user = Ref::new("user", principal.user);
                let own = Scope::Agent(principal.user.into());
                let event = NewEvent::new(PASSWORD_CHANGED, user.clone(), serde_json::json!({})).actor(user);
                Ok(Outcome::new(ended).event(event.scopes([own])))
            })
        })
        .await?;
    for session in committed.value {
        state.sessions.end(session);
    }
    count("ok");
    let mut tx = state.db.system().await?;
    let (user, tenant) =
        store::membership_of(&mut tx, principal.user, principal.tenant, principal.session).await?.ok_or_else(gone)?;
    if let Some(person) = account_store::person(&mut tx, Some(user.id), None).await? {
        account::tell(state, &mut tx, &person, Notice::PasswordChanged, origin).await;
    }
    let granted = grant(state, &mut tx, user, tenant, principal.session).await?;
    tx.commit().await?;
    Ok(granted)
}

pub(super) async fn grant(
    state: &AppState,
    tx: &mut SystemTx,
    user: UserView,
    tenant: TenantView,
    family: Uuid,
) -> Result<Granted, DbError> {
    let now = Utc::now();
    let refresh_token = random_token();
    let hash = state.keys.hash_opaque(&refresh_token);
    store::insert_refresh_token(tx, user.id, tenant.id, family, &hash, now + TimeDelta::days(REFRESH_DAYS)).await?;
    let life = TimeDelta::seconds(ACCESS_TOKEN_SECONDS);
    let issue = if user.must_change_password || user.must_set_up_second_step {
        token::issue_for_password_change
    } else {
        token::issue
    };
    let access_token = issue(&state.keys, tenant.id, user.id, user.role, family, now, life);
    let signed_in = SignedIn { access_token, token_type: "Bearer", expires_in: ACCESS_TOKEN_SECONDS, user, tenant };
    Ok(Granted { signed_in, refresh_token, device: None })
}

/// Removes what ended long ago; called now and then.
pub(crate) async fn sweep(db: &trunkline_db::Db) -> Result<(), DbError> {
    loop {
        let mut tx = db.system().await?;
        let removed = store::sweep_refresh_tokens(&mut tx).await?;
        account_store::sweep(&mut tx).await?;
        tx.commit().await?;
        if removed < 500 {
            return Ok(());
        }
    }
}
