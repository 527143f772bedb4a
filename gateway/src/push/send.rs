//! The job that tells a browser: looks whether it is still news, encrypts it (RFC 8291), and posts it to the push service (RFC 8030).

use std::time::Duration;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use p256::PublicKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use trunkline_db::{TenantId, TenantTx};
use trunkline_jobs::{Done, Failure, Job};
use url::Url;
use uuid::Uuid;

use super::rule::{News, Reason, is_quiet};
use super::store::{self, Browser};
use crate::fetch::FetchError;
use crate::settings::Settings;
use crate::settings::registry::{
    LANGUAGE, NOTIFY_PUSH, QUIET, QUIET_FROM, QUIET_UNTIL, Setting, SettingValue, TIME_ZONE,
};
use crate::state::AppState;

/// The kind of job.
pub(crate) const SEND: &str = "push.send";
/// For how long a push service keeps what it cannot deliver, in seconds; older events are not sent either.
const KEEP: i64 = 3_600;
/// Within it a newer message of the same customer tells what an older one would.
const BURST: TimeDelta = TimeDelta::seconds(60);
/// Characters of a preview, and of a name.
const PREVIEW: usize = 120;
/// Longest that a push service may ask us to wait.
const PATIENCE: Duration = Duration::from_mins(10);

/// What the job is to do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) subscription_id: Uuid,
    /// The event, by its `seq`; none: a test.
    pub(super) news: Option<(i64, Reason)>,
}

/// What the browser's service worker gets.
#[derive(Debug, Serialize)]
struct Notice<'a> {
    v: u8,
    reason: &'a str,
    name: String,
    preview: String,
    conversation_id: Option<Uuid>,
    event_id: Uuid,
    language: String,
    at: DateTime<Utc>,
}

/// The job `push.send`.
pub(crate) async fn send(state: AppState, job: Job) -> Result<Done, Failure> {
    let tenant = job.tenant.ok_or_else(|| Failure::dead("a browser belongs to a tenant's person"))?;
    let payload: Payload = serde_json::from_value(job.payload).map_err(|error| Failure::dead(error.to_string()))?;
    let id = payload.subscription_id;
    let mut tx = state.db.tenant(tenant).await?;
    let Some(browser) = store::browser(&mut tx, id).await? else { return Ok(Done) };
    let notice = notice(&mut tx, &browser, payload.news, job.id.uuid()).await?;
    tx.commit().await?;
    let Some(notice) = notice else {
        state.push.metrics.count("stale");
        return Ok(Done);
    };
    let mut tx = state.db.system().await?;
    let signed_in = store::is_signed_in(&mut tx, browser.session).await?;
    tx.commit().await?;
    if !signed_in {
        return forget(&state, tenant, id).await;
    }
    let answer = post(&state, &browser, &notice).await;
    match answer {
        Err(Unfit(error)) => refused(&state, tenant, id, &error).await,
        Ok(Err(error @ (FetchError::NotHttps | FetchError::Private))) => {
            refused(&state, tenant, id, &error.to_string()).await
        }
        Ok(Err(error)) => {
            state.push.metrics.count("retried");
            Err(Failure::retry(error))
        }
        Ok(Ok(answer)) => judged(&state, tenant, id, &answer).await,
    }
}

async fn judged(state: &AppState, tenant: TenantId, id: Uuid, answer: &Response<Bytes>) -> Result<Done, Failure> {
    match answer.status().as_u16() {
        200..=299 => {
            state.push.metrics.count("sent");
            let mut tx = state.db.tenant(tenant).await?;
            store::sent(&mut tx, id).await?;
            tx.commit().await?;
            Ok(Done)
        }
        // RFC 8030, 7.3: it has ended.
        404 | 410 => forget(state, tenant, id).await,
        status @ (408 | 425 | 429 | 500..=599) => {
            state.push.metrics.count("retried");
            let error = format!("the push service answers {status}");
            let after = answer.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
            Err(match after {
                Some(seconds) => Failure::retry_after(error, Duration::from_secs(seconds).min(PATIENCE)),
                None => Failure::retry(error),
            })
        }
        status => {
            let said: String =
                String::from_utf8_lossy(answer.body()).chars().filter(|c| !c.is_control()).take(200).collect();
            refused(
                state,
                tenant,
                id,
                format!("the push service answers {status}: {said}").trim_end_matches([':', ' ']),
            )
            .await
        }
    }
}

/// The browser is not told any more.
async fn forget(state: &AppState, tenant: TenantId, id: Uuid) -> Result<Done, Failure> {
    state.push.metrics.count("gone");
    let mut tx = state.db.tenant(tenant).await?;
    store::remove(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Done)
}

/// Its person sees why.
async fn refused(state: &AppState, tenant: TenantId, id: Uuid, error: &str) -> Result<Done, Failure> {
    state.push.metrics.count("refused");
    let mut tx = state.db.tenant(tenant).await?;
    store::failed(&mut tx, id, error).await?;
    tx.commit().await?;
    Err(Failure::dead(error))
}

fn text<'a>(settings: &'a Settings, setting: &Setting, value: &'a mut Option<SettingValue>) -> &'a str {
    match value.insert(settings.value(setting)) {
        SettingValue::Text(text) => text,
        _ => "",
    }
}

/// What is to be shown; `None`: it is no news any more, or not wished.
async fn notice(
    tx: &mut TenantTx<'_>,
    browser: &Browser,
    news: Option<(i64, Reason)>,
    job: Uuid,
) -> Result<Option<Notice<'static>>, Failure> {
    // Of the person, whichever sign-in it is.
    let settings = crate::settings::of_member(tx, browser.user, Uuid::nil()).await?;
    let (mut language, now) = (None, Utc::now());
    let language = text(&settings, &LANGUAGE, &mut language).to_owned();
    let Some((seq, reason)) = news else {
        let (name, preview) = (String::new(), String::new());
        return Ok(Some(Notice {
            v: 1,
            reason: "test",
            name,
            preview,
            conversation_id: None,
            event_id: job,
            language,
            at: now,
        }));
    };
    let wishes = |setting| settings.value(setting) == SettingValue::Switch(true);
    if !wishes(&NOTIFY_PUSH) || !wishes(reason.setting()) {
        return Ok(None);
    }
    if wishes(&QUIET) {
        let (mut from, mut until, mut zone) = (None, None, None);
        let zone = text(&settings, &TIME_ZONE, &mut zone).parse().unwrap_or(Tz::UTC);
        let (from, until) = (text(&settings, &QUIET_FROM, &mut from), text(&settings, &QUIET_UNTIL, &mut until));
        if is_quiet(from, until, zone, now) {
            return Ok(None);
        }
    }
    let Some(event) = store::news(tx, seq - 1, seq, 1).await?.into_iter().next() else { return Ok(None) };
    let Some(conversation) = event.conversation() else { return Ok(None) };
    let Some(standing) = store::standing(tx, conversation, browser.user).await? else { return Ok(None) };
    let read = standing.read_at.is_some_and(|read| read >= event.at);
    let taken = match reason {
        Reason::Assigned | Reason::Message | Reason::Sla => standing.agent != Some(browser.user.uuid()),
        Reason::Unassigned => standing.agent.is_some() || standing.resolved,
        Reason::Mentioned => false,
    };
    let newer = standing.last_in_at.is_some_and(|last| last > event.at && last - event.at < BURST);
    let told_later = reason == Reason::Message && newer;
    if read || taken || told_later || standing.spam || now - event.at > TimeDelta::seconds(KEEP) {
        return Ok(None);
    }
    Ok(Some(Notice {
        v: 1,
        reason: word(reason),
        name: name_of(&event),
        preview: preview_of(&event),
        conversation_id: Some(conversation),
        event_id: event.id,
        language,
        at: event.at,
    }))
}

const fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Assigned => "assigned",
        Reason::Mentioned => "mentioned",
        Reason::Unassigned => "unassigned",
        Reason::Message => "message",
        Reason::Sla => "sla",
    }
}

/// Whom the conversation is with.
fn name_of(event: &News) -> String {
    let line = &event.data["conversation"];
    let names = [&line["title"], &line["contact"]["name"], &line["address"]];
    let name = names.into_iter().filter_map(Value::as_str).find(|name| !name.trim().is_empty());
    shown(name.unwrap_or_default())
}

fn preview_of(event: &News) -> String {
    // What we said last is nothing to be told of.
    let last = &event.data["conversation"]["last"];
    let theirs = if last["direction"] == "in" { last["text"].as_str() } else { None };
    shown(event.data["preview"].as_str().or(theirs).unwrap_or_default())
}

/// One short line, without marks that turn the direction of what stands around them.
fn shown(text: &str) -> String {
    let stays = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    text.replace(['\n', '\t'], " ").chars().filter(stays).take(PREVIEW).collect::<String>().trim().to_owned()
}

/// The browser's keys cannot be used.
struct Unfit(String);

async fn post(
    state: &AppState,
    browser: &Browser,
    notice: &Notice<'_>,
) -> Result<Result<Response<Bytes>, FetchError>, Unfit> {
    let url: Url = browser.endpoint.parse().map_err(|_| Unfit("its address is none".to_owned()))?;
    let body = encrypt(browser, notice)?;
    let mut headers = HeaderMap::new();
    let mut add = |name: HeaderName, value: String| {
        let value = HeaderValue::try_from(value).expect("plain letters");
        headers.insert(name, value);
    };
    add(AUTHORIZATION, state.push.vapid.authorization(&url, Utc::now()));
    add(CONTENT_ENCODING, "aes128gcm".to_owned());
    add(CONTENT_TYPE, "application/octet-stream".to_owned());
    add(HeaderName::from_static("ttl"), KEEP.to_string());
    add(HeaderName::from_static("urgency"), "high".to_owned());
    if let Some(conversation) = notice.conversation_id {
        // RFC 8030, 5.4: the newest of a conversation is what is kept for a browser that is away.
        let topic = URL_SAFE_NO_PAD.encode(&Sha256::digest(conversation.as_bytes())[..24]);
        add(HeaderName::from_static("topic"), topic);
    }
    Ok(state.push.fetch.post(&url, headers, body).await)
}

fn encrypt(browser: &Browser, notice: &Notice<'_>) -> Result<Bytes, Unfit> {
    let plain = serde_json::to_vec(notice).expect("plain values");
    let key =
        PublicKey::from_sec1_bytes(&browser.p256dh).map_err(|_| Unfit("its key is no point of P-256".to_owned()))?;
    let auth =
        <[u8; 16]>::try_from(browser.auth.as_slice()).map_err(|_| Unfit("its secret is too short".to_owned()))?;
    let sealed = web_push_native::encrypt(plain, &key, &auth.into()).map_err(|error| Unfit(error.to_string()))?;
    Ok(sealed.into())
}
