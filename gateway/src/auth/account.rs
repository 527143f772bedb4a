//! Looking after one's account: forgotten passwords, the proof of an address, one-time codes, sign-ins elsewhere.

use std::time::Instant;

use chrono::{TimeDelta, Utc};
use trunkline_db::{SystemTx, TenantId, UserId};
use trunkline_journal::Ref;
use uuid::Uuid;

use super::account_store::{self as store, Person};
use super::model::{MySession, RecoveryCodes, SecondStep, SecondStepSecret};
use super::password::PasswordError;
use super::service::{self, Granted, Method, address_of, limits};
use super::strength::PRODUCT;
use super::{Principal, random_token, totp, weakness};
use crate::agents::random_text;
use crate::audit::{self, Actor, Entry, Origin};
use crate::http::AppError;
use crate::mail::{self, Language, Letter, Notice, Template};
use crate::secrets::{Place, Sealed};
use crate::state::AppState;

/// For how long a link to a new password works.
const RESET_MINUTES: u32 = 30;
/// For how long a link that proves an address works.
const VERIFY_HOURS: u32 = 24;
/// Recovery codes made at once.
const RECOVERY_CODES: usize = 10;
/// Characters of one (five bits each), without the dash.
const RECOVERY_CHARS: usize = 10;
/// Longest token that is looked at.
const MAX_TOKEN_CHARS: usize = 100;

pub(super) fn busy(error: PasswordError) -> AppError {
    match error {
        PasswordError::Busy => AppError::too_many("too many sign-ins at once; try again shortly", 2),
        error @ PasswordError::Hash(_) => AppError::internal(error),
    }
}

/// Without a mail server whoever asks is told so, before anything is looked up.
pub(crate) fn require_mail(state: &AppState) -> Result<(), AppError> {
    if state.config.mail.is_some() { Ok(()) } else { Err(mail::MailError::NotConfigured.into()) }
}

fn letter(person: &Person, template: Template) -> Option<Letter> {
    Some(Letter { to: person.email.parse().ok()?, language: Language::of(&person.language), template })
}

/// Tells the owner of an account what happened to it, where letters can be sent. What happened stands, whether or not it can be told.
pub(super) async fn tell(state: &AppState, tx: &mut SystemTx, person: &Person, what: Notice, origin: &Origin) {
    let template = Template::SecurityNotice {
        name: person.name.clone(),
        what,
        at: Utc::now(),
        address: origin.address.map(|address| address.to_string()),
        path: "/settings/security".to_owned(),
    };
    let Some(letter) = letter(person, template).filter(|_| state.config.mail.is_some()) else { return };
    if let Err(error) = mail::enqueue(state, tx, &letter).await {
        tracing::warn!(%error, user = %person.id, "a notice about an account could not be written");
    }
}

async fn tell_audit(
    tx: &mut SystemTx,
    actor: Actor,
    action: &'static str,
    user: UserId,
    origin: &Origin,
) -> Result<(), AppError> {
    for tenant in store::tenants_of(tx, user).await? {
        let entry = Entry {
            actor: actor.clone(),
            action,
            subject: Ref::new("user", user),
            before: None,
            after: None,
            origin: origin.clone(),
        };
        audit::append_system(tx, Some(tenant), entry).await?;
    }
    Ok(())
}

/// Counts a request for a letter like a failed sign-in, so that nobody fills a stranger's mailbox.
fn limit_letters(state: &AppState, origin: &Origin, email: &str) -> Result<(), AppError> {
    let (address, key, now) = (address_of(origin), format!("letter {email}"), Instant::now());
    let mut limits = limits(state);
    limits
        .check(address, None, &key, now)
        .map_err(|wait| AppError::too_many("too many letters were asked for; wait a moment", wait.as_secs() + 1))?;
    limits.failed(address, None, &key, now);
    Ok(())
}

/// Sends a link to a new password, if somebody has the address. The answer does not wait for that, so it is the same and takes the same
/// time whether or not.
pub(super) fn forgot(state: &AppState, origin: Origin, email: &str) -> Result<(), AppError> {
    require_mail(state)?;
    let email = service::email_of(email)?;
    limit_letters(state, &origin, &email)?;
    let state = state.clone();
    tokio::spawn(async move {
        if let Err(error) = send_reset(&state, &origin, &email).await {
            tracing::warn!(error = ?error.problem(), "a link to a new password could not be sent");
        }
    });
    Ok(())
}

async fn send_reset(state: &AppState, origin: &Origin, email: &str) -> Result<(), AppError> {
    let mut tx = state.db.system().await?;
    let Some(person) = store::person(&mut tx, None, Some(email)).await? else { return Ok(()) };
    let token = random_token();
    let until = Utc::now() + TimeDelta::minutes(i64::from(RESET_MINUTES));
    store::insert_link(&mut tx, &state.keys.hash_opaque(&token), person.id, "reset", &person.email, until).await?;
    let path = format!("/reset-password#{token}");
    let template = Template::PasswordReset { name: person.name.clone(), path, minutes: RESET_MINUTES };
    if let Some(letter) = letter(&person, template) {
        mail::enqueue(state, &mut tx, &letter).await?;
    }
    tell_audit(&mut tx, Actor::unknown(), "user.password_reset_asked", person.id, origin).await?;
    Ok(tx.commit().await?)
}

fn link_gone() -> AppError {
    AppError::conflict("link-void", "the link was used before, has expired, or is not complete; ask for a new one")
}

fn token_hash(state: &AppState, token: &str) -> Result<[u8; 32], AppError> {
    if token.is_empty() || token.len() > MAX_TOKEN_CHARS {
        return Err(link_gone());
    }
    Ok(state.keys.hash_opaque(token))
}

/// Gives the owner of a link a new password, and ends all sign-ins.
pub(super) async fn reset(state: &AppState, origin: &Origin, token: &str, new: String) -> Result<(), AppError> {
    let hash = token_hash(state, token)?;
    let mut tx = state.db.system().await?;
    let user = store::link(&mut tx, &hash, "reset").await?.ok_or_else(link_gone)?;
    let person = store::person(&mut tx, Some(user), None).await?.ok_or_else(link_gone)?;
    tx.commit().await?;
    if let Some(weakness) = weakness(&new, &[&person.name, &person.email, PRODUCT[0], PRODUCT[1]]) {
        return Err(AppError::invalid_field("new", weakness));
    }
    let new = state.passwords.hash(new).await.map_err(busy)?;
    let mut tx = state.db.system().await?;
    if !store::use_link(&mut tx, &hash).await? {
        return Err(link_gone());
    }
    store::reset_password(&mut tx, user, &new).await?;
    let ended = store::end_sessions(&mut tx, user, None, None, None).await?;
    tell_audit(&mut tx, Actor::user(user), "user.password_reset", user, origin).await?;
    tell(state, &mut tx, &person, Notice::PasswordChanged, origin).await;
    tx.commit().await?;
    end_here(state, ended);
    Ok(())
}

/// Tokens and sockets of sign-ins end at once.
pub(crate) fn end_here(state: &AppState, ended: Vec<Uuid>) {
    for session in ended {
        state.sessions.end(session);
    }
}

/// Sends a link that proves the signed-in person's address.
pub(super) async fn ask_verification(state: &AppState, origin: &Origin, user: UserId) -> Result<(), AppError> {
    require_mail(state)?;
    let mut tx = state.db.system().await?;
    let person = store::person(&mut tx, Some(user), None).await?.ok_or_else(gone)?;
    if person.verified {
        return Err(AppError::conflict("verified-already", "the address is proved already"));
    }
    limit_letters(state, origin, &person.email)?;
    let token = random_token();
    let until = Utc::now() + TimeDelta::hours(i64::from(VERIFY_HOURS));
    store::insert_link(&mut tx, &state.keys.hash_opaque(&token), user, "verify", &person.email, until).await?;
    let path = format!("/verify-email#{token}");
    let template = Template::VerifyEmail { name: person.name.clone(), path, hours: VERIFY_HOURS };
    if let Some(letter) = letter(&person, template) {
        mail::enqueue(state, &mut tx, &letter).await?;
    }
    Ok(tx.commit().await?)
}

/// The link was followed.
pub(super) async fn verify(state: &AppState, origin: &Origin, token: &str) -> Result<(), AppError> {
    let hash = token_hash(state, token)?;
    let mut tx = state.db.system().await?;
    let user = store::link(&mut tx, &hash, "verify").await?.ok_or_else(link_gone)?;
    if !store::use_link(&mut tx, &hash).await? {
        return Err(link_gone());
    }
    store::verify_email(&mut tx, user).await?;
    tell_audit(&mut tx, Actor::user(user), "user.email_verified", user, origin).await?;
    Ok(tx.commit().await?)
}

fn gone() -> AppError {
    AppError::unauthorized("the user may no longer sign in")
}

/// The sign-ins that a person may see from this one: a tenant's identity provider vouches for that tenant alone.
async fn reach(tx: &mut SystemTx, principal: &Principal) -> Result<Option<TenantId>, AppError> {
    let method = store::method_of(tx, principal.session).await?;
    Ok((method.as_deref() == Some(Method::Oidc.as_str())).then_some(principal.tenant))
}

pub(super) async fn sessions(state: &AppState, principal: &Principal) -> Result<Vec<MySession>, AppError> {
    let mut tx = state.db.system().await?;
    let within = reach(&mut tx, principal).await?;
    Ok(store::sessions(&mut tx, principal.user, within, principal.session).await?)
}

/// Ends one sign-in of the person, or all.
pub(super) async fn end_sessions(
    state: &AppState,
    origin: &Origin,
    principal: &Principal,
    only: Option<Uuid>,
) -> Result<(), AppError> {
    let mut tx = state.db.system().await?;
    let within = reach(&mut tx, principal).await?;
    let ended = store::end_sessions(&mut tx, principal.user, within, only, None).await?;
    if only.is_some() && ended.is_empty() {
        return Err(AppError::not_found("sign-in"));
    }
    let action = if only.is_some() { "sign_in.ended" } else { "user.signed_out_everywhere" };
    tell_audit(&mut tx, Actor::of(principal), action, principal.user, origin).await?;
    tx.commit().await?;
    end_here(state, ended);
    Ok(())
}

/// Goes on in another tenant: this sign-in ends, another begins.
pub(super) async fn switch(
    state: &AppState,
    origin: &Origin,
    principal: &Principal,
    slug: &str,
) -> Result<Granted, AppError> {
    let mut tx = state.db.system().await?;
    if reach(&mut tx, principal).await?.is_some() {
        return Err(AppError::forbidden(
            "the identity provider vouches for this tenant alone; sign in with your password",
        ));
    }
    let there = super::store::membership(&mut tx, principal.user, Some(slug)).await?;
    if there.as_ref().is_some_and(|(_, tenant)| tenant.id == principal.tenant) {
        return Err(AppError::conflict("current-tenant", "you are signed in to this tenant already"));
    }
    let ended = store::end_sessions(&mut tx, principal.user, None, Some(principal.session), None).await?;
    // A sign-in that has ended meanwhile begins no other.
    if there.is_none() || ended.is_empty() {
        return Err(AppError::not_found("tenant among yours"));
    }
    let granted = service::begin(state, &mut tx, principal.user, Some(slug), Method::Password, None, origin).await?;
    tx.commit().await?;
    end_here(state, ended);
    Ok(granted)
}

fn place(user: UserId) -> Place {
    Place { tenant: None, table: "account_totp", column: "secret_sealed", row: user.to_string() }
}

fn opened(state: &AppState, user: UserId, sealed: Vec<u8>) -> Result<Vec<u8>, AppError> {
    let sealed = Sealed::from(sealed);
    Ok(state.vault.open(&place(user), &sealed).map_err(AppError::internal)?.to_vec())
}

/// How a second step was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The person has none.
    None,
    Code,
    Recovery,
    /// Asked for, and not given.
    Missing,
    Wrong,
}

/// Takes a code of the person, if one is asked for. A code that is taken is used up with the transaction.
pub(super) async fn take_code(
    state: &AppState,
    tx: &mut SystemTx,
    user: UserId,
    code: Option<&str>,
) -> Result<Step, AppError> {
    let Some(totp) = store::lock_totp(tx, user).await?.filter(|totp| totp.confirmed_at.is_some()) else {
        return Ok(Step::None);
    };
    let Some(code) = code.map(str::trim).filter(|code| !code.is_empty()) else { return Ok(Step::Missing) };
    let secret = opened(state, user, totp.sealed)?;
    if let Some(step) = totp::accept(&secret, code, Utc::now().timestamp(), totp.last_step) {
        store::took_code(tx, user, step).await?;
        return Ok(Step::Code);
    }
    let used = store::use_recovery_code(tx, user, &recovery_hash(state, user, code)).await?;
    Ok(if used { Step::Recovery } else { Step::Wrong })
}

fn recovery_hash(state: &AppState, user: UserId, code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    state.keys.hash_opaque(&format!("recovery {user} {}", plain.to_ascii_lowercase()))
}

/// Whoever found an open panel must not take the account over: the password, where there is one, or else a code.
async fn confirm(
    state: &AppState,
    origin: &Origin,
    principal: &Principal,
    password: Option<String>,
) -> Result<Person, AppError> {
    principal.require_person()?;
    let mut tx = state.db.system().await?;
    let person = store::person(&mut tx, Some(principal.user), None).await?.ok_or_else(gone)?;
    tx.commit().await?;
    let Some(hash) = person.password_hash.clone() else { return Ok(person) };
    let (address, now) = (address_of(origin), Instant::now());
    limits(state)
        .check(address, None, &person.email, now)
        .map_err(|wait| AppError::too_many("too many wrong passwords; wait a moment", wait.as_secs() + 1))?;
    if state.passwords.verify(password.unwrap_or_default(), Some(hash)).await.map_err(busy)? {
        return Ok(person);
    }
    limits(state).failed(address, None, &person.email, now);
    Err(AppError::invalid_field("password", "is not the password"))
}

pub(super) async fn second_step(state: &AppState, principal: &Principal) -> Result<SecondStep, AppError> {
    let mut tx = state.db.system().await?;
    let (since, recovery_codes_left) = store::second_step(&mut tx, principal.user).await?;
    Ok(SecondStep { since, recovery_codes_left })
}

/// Makes a secret for an authenticator. It is asked for only after a first code of it was given.
pub(super) async fn begin_second_step(
    state: &AppState,
    origin: &Origin,
    principal: &Principal,
    password: Option<String>,
) -> Result<SecondStepSecret, AppError> {
    let person = confirm(state, origin, principal, password).await?;
    let secret: [u8; totp::SECRET_BYTES] = rand::random();
    let sealed = state.vault.seal(&place(person.id), &secret);
    let mut tx = state.db.system().await?;
    if !store::begin_totp(&mut tx, person.id, sealed.bytes()).await? {
        return Err(AppError::conflict("second-step-on", "one-time codes are in use already; switch them off first"));
    }
    tx.commit().await?;
    let uri = totp::uri(&secret, &person.email);
    let picture = totp::picture(&uri).unwrap_or_default();
    Ok(SecondStepSecret { secret: totp::base32(&secret), uri, picture })
}

fn new_codes(state: &AppState, user: UserId) -> (Vec<String>, Vec<Vec<u8>>) {
    let codes: Vec<String> = (0..RECOVERY_CODES)
        .map(|_| {
            let text = random_text(RECOVERY_CHARS);
            let (left, right) = text.split_at(RECOVERY_CHARS / 2);
            format!("{left}-{right}")
        })
        .collect();
    let hashes = codes.iter().map(|code| recovery_hash(state, user, code).to_vec()).collect();
    (codes, hashes)
}

/// The first code puts one-time codes to use, and gives recovery codes for the day when the phone is lost.
pub(super) async fn confirm_second_step(
    state: &AppState,
    origin: &Origin,
    principal: &Principal,
    code: &str,
) -> Result<RecoveryCodes, AppError> {
    principal.require_person()?;
    let user = principal.user;
    let mut tx = state.db.system().await?;
    let person = store::person(&mut tx, Some(user), None).await?.ok_or_else(gone)?;
    let waiting = store::lock_totp(&mut tx, user).await?.filter(|totp| totp.confirmed_at.is_none());
    let Some(waiting) = waiting else {
        return Err(AppError::conflict("second-step-not-begun", "begin with POST /api/v1/me/second-step"));
    };
    let secret = opened(state, user, waiting.sealed)?;
    let Some(step) = totp::accept(&secret, code, Utc::now().timestamp(), 0) else {
        return Err(AppError::invalid_field("code", "is not the code that the authenticator shows now"));
    };
    store::took_code(&mut tx, user, step).await?;
    let (recovery_codes, hashes) = new_codes(state, user);
    store::set_recovery_codes(&mut tx, user, &hashes).await?;
    tell_audit(&mut tx, Actor::of(principal), "user.second_step_enabled", user, origin).await?;
    tell(state, &mut tx, &person, Notice::TotpEnabled, origin).await;
    tx.commit().await?;
    Ok(RecoveryCodes { recovery_codes })
}

/// Switches one-time codes off.
pub(super) async fn end_second_step(
    state: &AppState,
    origin: &Origin,
    principal: &Principal,
    password: Option<String>,
) -> Result<(), AppError> {
    let person = confirm(state, origin, principal, password).await?;
    let mut tx = state.db.system().await?;
    if store::remove_totp(&mut tx, person.id).await? {
        tell_audit(&mut tx, Actor::of(principal), "user.second_step_disabled", person.id, origin).await?;
        tell(state, &mut tx, &person, Notice::TotpDisabled, origin).await;
    }
    Ok(tx.commit().await?)
}

/// One-time codes of somebody else are asked for no more, and the person is told. False: they were not in use.
pub(crate) async fn forget_second_step(
    state: &AppState,
    tx: &mut SystemTx,
    user: UserId,
    origin: &Origin,
) -> Result<bool, AppError> {
    let person = store::person(tx, Some(user), None).await?.ok_or_else(|| AppError::not_found("member"))?;
    if !store::remove_totp(tx, user).await? {
        return Ok(false);
    }
    tell(state, tx, &person, Notice::TotpDisabled, origin).await;
    Ok(true)
}

/// New recovery codes; the old ones are void.
pub(super) async fn new_recovery_codes(
    state: &AppState,
    origin: &Origin,
    principal: &Principal,
    password: Option<String>,
) -> Result<RecoveryCodes, AppError> {
    let person = confirm(state, origin, principal, password).await?;
    let mut tx = state.db.system().await?;
    if store::lock_totp(&mut tx, person.id).await?.is_none_or(|totp| totp.confirmed_at.is_none()) {
        return Err(AppError::conflict("second-step-off", "one-time codes are not in use"));
    }
    let (recovery_codes, hashes) = new_codes(state, person.id);
    store::set_recovery_codes(&mut tx, person.id, &hashes).await?;
    tell_audit(&mut tx, Actor::of(principal), "user.recovery_codes_made", person.id, origin).await?;
    tx.commit().await?;
    Ok(RecoveryCodes { recovery_codes })
}

/// Who acts, and in which tenant.
pub(crate) async fn member_and_tenant(
    tx: &mut SystemTx,
    principal: &Principal,
) -> Result<(super::UserView, super::TenantView), AppError> {
    super::store::membership_of(tx, principal.user, principal.tenant, principal.session).await?.ok_or_else(gone)
}

/// Whether a password of this account may be tried now.
pub(crate) fn check_guess(state: &AppState, origin: &Origin, email: &str, now: Instant) -> Result<(), AppError> {
    limits(state)
        .check(address_of(origin), None, email, now)
        .map_err(|wait| AppError::too_many("too many wrong passwords; wait a moment", wait.as_secs() + 1))
}

/// It was wrong.
pub(crate) fn note_wrong_guess(state: &AppState, origin: &Origin, email: &str, now: Instant) {
    limits(state).failed(address_of(origin), None, email, now);
}
