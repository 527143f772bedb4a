//! Files of messages: <https://www.twilio.com/docs/messaging/api/media-resource>. The file itself leads on to another host with a signed address.

use super::api::rfc2822;
use super::{Inner, Media};
use crate::multipart::hex;
use crate::request::Reply;
use chrono::Utc;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// That host is a path here.
pub(super) const CONTENT: &str = "content";

pub(super) fn list(inner: &Inner, message: &str) -> Reply {
    let state = inner.state();
    let mine = state.media.iter().filter(|(_, media)| media.message == message);
    let mine: Vec<Value> = mine.map(|(id, media)| told(inner, id, media)).collect();
    Reply::json(200, &json!({ "media_list": mine, "page": 0, "page_size": 50, "next_page_uri": null }))
}

/// `…/Media/ME1.json` tells of it, `…/Media/ME1` is it.
pub(super) fn get(inner: &Inner, message: &str, id: &str) -> Option<Reply> {
    let state = inner.state();
    let (bare, is_description) = match id.strip_suffix(".json") {
        Some(bare) => (bare, true),
        None => (id, false),
    };
    let media = state.media.get(bare).filter(|media| media.message == message)?;
    if is_description {
        return Some(Reply::json(200, &told(inner, bare, media)));
    }
    let location = format!("{}/{CONTENT}/{bare}/{}", inner.core.base, signature(inner, bare));
    Some(Reply::new(307, "text/plain", "").with("location", location))
}

pub(super) fn content(inner: &Inner, id: &str, given: &str) -> Reply {
    let state = inner.state();
    match state.media.get(id) {
        Some(media) if given == signature(inner, id) => Reply::new(200, &media.mime, media.content.clone()),
        _ => Reply::new(403, "application/xml", "<Error><Code>AccessDenied</Code></Error>"),
    }
}

/// Nobody can guess it who has not been led there.
fn signature(inner: &Inner, id: &str) -> String {
    hex(&Sha256::digest(format!("{}/{id}", inner.options.auth_token)))
}

fn told(inner: &Inner, id: &str, media: &Media) -> Value {
    let account = &inner.options.account_sid;
    json!({
        "sid": id,
        "account_sid": account,
        "parent_sid": media.message,
        "content_type": media.mime,
        "date_created": rfc2822(Utc::now()),
        "date_updated": rfc2822(Utc::now()),
        "uri": format!("/2010-04-01/Accounts/{account}/Messages/{}/Media/{id}.json", media.message),
    })
}
