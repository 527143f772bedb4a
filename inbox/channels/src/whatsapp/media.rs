//! Files: what a webhook says of one, where it is asked for, and what Meta takes:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media>.

use super::{Account, read};
use crate::adapter::{Body, CannotSay, Request};
use crate::model::{Media, MediaAt, MediaSort, Upload};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::Method;
use serde_json::Value;

/// The object under `image`, `audio` … of a message.
pub(super) fn media(sort: MediaSort, object: &Value) -> Media {
    let at = match (read::id(object, "id"), read::text(object, "url").or_else(|| read::text(object, "link"))) {
        (Some(id), _) => MediaAt::Id(id),
        (None, Some(url)) => MediaAt::Url(url.to_owned()),
        (None, None) => MediaAt::Gone,
    };
    let is_voice = sort == MediaSort::Audio && object.get("voice").and_then(Value::as_bool) == Some(true);
    Media {
        sort: if is_voice { MediaSort::Voice } else { sort },
        at,
        mime: read::text(object, "mime_type").map(str::to_owned),
        file_name: read::text(object, "filename").map(str::to_owned),
        caption: read::text(object, "caption").map(str::to_owned),
        size: read::whole(object, "file_size"),
        seconds: None,
        sha256: sha256(object),
    }
}

/// As lower-case hex. Webhooks carry it in base64, the media endpoint in hex.
pub(super) fn sha256(object: &Value) -> Option<String> {
    let text = read::text(object, "sha256")?.trim();
    if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(text.to_ascii_lowercase());
    }
    let bytes = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()?;
    (bytes.len() == 32).then(|| read::hex(&bytes))
}

/// Asks where a file is. Bound to this number: another account's file is refused.
pub(super) fn find(account: &Account, id: &str) -> Request {
    let path: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let number: String = url::form_urlencoded::byte_serialize(account.phone_number_id.as_bytes()).collect();
    Request {
        method: Method::GET,
        url: account.url(&format!("{path}?phone_number_id={number}")),
        headers: account.headers(),
        body: Body::Empty,
        name: "media.find",
        repeatable: true,
    }
}

/// Sends a file ahead of its message.
pub(super) fn upload(account: &Account, file: &Upload) -> Request {
    let mime = bare(&file.mime);
    Request {
        method: Method::POST,
        url: account.url(&format!("{}/media", account.phone_number_id)),
        headers: account.headers(),
        body: Body::File {
            fields: vec![("messaging_product".to_owned(), "whatsapp".to_owned()), ("type".to_owned(), mime.clone())],
            field: "file",
            key: file.key.clone(),
            file_name: file.file_name.clone(),
            mime,
            size: file.size,
        },
        name: "media.upload",
        repeatable: true,
    }
}

const MB: u64 = 1024 * 1024;

/// How Meta calls this sort of file; or why it would not take this one.
pub(super) fn accepted(sort: MediaSort, file: &Upload) -> Result<&'static str, CannotSay> {
    let (kind, allowed, limit): (_, &'static [&'static str], u64) = match sort {
        MediaSort::Image => ("image", &["image/jpeg", "image/png"], 5 * MB),
        MediaSort::Audio | MediaSort::Voice => {
            ("audio", &["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"], 16 * MB)
        }
        MediaSort::Video | MediaSort::VideoNote | MediaSort::Animation => {
            ("video", &["video/mp4", "video/3gpp"], 16 * MB)
        }
        // 100 KB where it does not move, which only a look into the file tells.
        MediaSort::Sticker => ("sticker", &["image/webp"], 500 * 1024),
        MediaSort::Document => (
            "document",
            &[
                "text/plain",
                "application/pdf",
                "application/msword",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.ms-excel",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "application/vnd.ms-powerpoint",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            ],
            100 * MB,
        ),
    };
    let mime = bare(&file.mime);
    if !allowed.contains(&mime.as_str()) {
        return Err(CannotSay::FileType { mime, allowed });
    }
    if file.size == 0 {
        return Err(CannotSay::Empty);
    }
    if file.size > limit {
        return Err(CannotSay::TooLarge { limit, is: file.size });
    }
    Ok(kind)
}

/// Without parameters: `audio/ogg; codecs=opus` is `audio/ogg`.
pub(super) fn bare(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
