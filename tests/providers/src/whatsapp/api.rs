//! The Graph API's part that a WhatsApp account uses.

use super::check::{Asked, check};
use super::errors::{Refusal, no_object};
use super::state::{File, Sent};
use super::{Inner, Number, Receipts, templates, wamid};
use crate::fetch::fetch;
use crate::request::{Payload, Reply, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// The host that files are on is another at Meta; here it is a path.
pub(super) const FILES: &str = "whatsapp_business";

/// How long a file's address is good.
const ADDRESS_GOOD: TimeDelta = TimeDelta::minutes(5);

pub(super) fn family(method: &str, path: &str) -> &'static str {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        ("GET", [FILES, ..]) => "media.download",
        ("POST", [_, _, "messages"]) => "messages",
        ("POST", [_, _, "media"]) => "media.upload",
        ("GET", [_, _, "message_templates"]) => "templates.list",
        ("GET", [_, _, "phone_numbers"]) => "numbers.list",
        (_, [_, _, "subscribed_apps"]) => "subscribed_apps",
        ("GET", [_, "debug_token"]) => "debug_token",
        // A number, an account or a file: their ids look alike.
        ("GET", [_, _]) => "object.get",
        ("DELETE", [_, _]) => "media.delete",
        _ => "unknown",
    }
}

pub(super) fn name(inner: &Inner, family: &str, path: &str, body: &Payload) -> String {
    let id = path.split('/').rfind(|part| !part.is_empty()).unwrap_or_default();
    match family {
        "messages" => {
            let has = |key: &str| body.json().is_some_and(|body| body.get(key).is_some());
            let name = match (has("status"), has("typing_indicator"), has("reaction")) {
                (true, true, _) => "typing",
                (true, false, _) => "read",
                (false, _, true) => "react",
                _ => "send",
            };
            format!("messages.{name}")
        }
        "object.get" if inner.number(id).is_some() => "number.get".to_owned(),
        "object.get" if inner.options.waba_id == id => "account.get".to_owned(),
        "object.get" => "media.find".to_owned(),
        other => other.to_owned(),
    }
}

pub(super) async fn answer(inner: Arc<Inner>, request: Request) -> Reply {
    let parts = request.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let sent_token = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let token = sent_token.or_else(|| request.query("access_token"));
    if token != Some(inner.options.access_token.as_str()) {
        let is_there = token.is_some_and(|token| !token.is_empty());
        let details = if is_there {
            "Invalid OAuth access token - Cannot parse access token"
        } else {
            "An access token is required to request this resource."
        };
        if parts.first() == Some(&FILES) {
            return Reply::new(401, "text/plain", "Authentication failed");
        }
        return Refusal::new(190, details).reply();
    }
    if parts.first() == Some(&FILES) {
        return download(&inner, &request);
    }
    let is_version = |part: &&str| {
        part.strip_prefix('v')
            .and_then(|version| version.split_once('.'))
            .is_some_and(|(major, minor)| major.parse::<u32>().is_ok() && minor.parse::<u32>().is_ok())
    };
    let Some((_, path)) = parts.split_first().filter(|(version, _)| is_version(version)) else {
        return Refusal::new(2500, "Unknown path components").reply();
    };
    match (request.method.as_str(), path) {
        ("POST", [number, "messages"]) => match inner.number(number).cloned() {
            Some(number) => send(&inner, &number, &request),
            None => no_object("post", number),
        },
        ("POST", [number, "media"]) => match inner.number(number) {
            Some(_) => upload(&inner, &request),
            None => no_object("post", number),
        },
        ("GET", [account, "message_templates"]) if inner.is_account(account) => {
            templates::list(&inner.state().templates, &request, &inner.core.base)
        }
        ("GET", [account, "phone_numbers"]) if inner.is_account(account) => {
            let numbers = inner.options.numbers.iter();
            let numbers: Vec<Value> =
                numbers.map(|number| templates::chosen(&number.told(), request.query("fields"))).collect();
            Reply::json(200, &json!({ "data": numbers, "paging": { "cursors": { "before": "MA", "after": "MA" } } }))
        }
        (method, [account, "subscribed_apps"]) if inner.is_account(account) => {
            subscriptions(&inner, method, &request).await
        }
        ("GET", ["debug_token"]) => {
            let expires = inner.options.token_expires_at.map_or(0, |at| at.timestamp());
            let is_valid = request.query("input_token") == Some(inner.options.access_token.as_str());
            Reply::json(
                200,
                &json!({ "data": {
                    "app_id": inner.options.app_id, "type": "SYSTEM_USER", "is_valid": is_valid, "expires_at": expires,
                    "scopes": ["whatsapp_business_management", "whatsapp_business_messaging"],
                } }),
            )
        }
        ("GET", [id]) => object(&inner, id, &request),
        ("DELETE", [id]) => match inner.state().files.remove(*id) {
            Some(_) => Reply::json(200, &json!({ "success": true })),
            None => no_object("delete", id),
        },
        (method, [id, ..]) => no_object(method, id),
        (_, []) => no_object("get", "/"),
    }
}

fn object(inner: &Inner, id: &str, request: &Request) -> Reply {
    if let Some(number) = inner.number(id) {
        return Reply::json(200, &templates::chosen(&number.told(), request.query("fields")));
    }
    if inner.is_account(id) {
        let account = json!({ "id": id, "name": "Stand-in", "timezone_id": "1", "message_template_namespace": "ns" });
        return Reply::json(200, &templates::chosen(&account, request.query("fields")));
    }
    // A file is bound to the number that it came to, if the one who asks names a number.
    let is_ours = request.query("phone_number_id").is_none_or(|number| inner.number(number).is_some());
    let state = inner.state();
    let Some(file) = state.files.get(id).filter(|_| is_ours) else { return no_object("get", id) };
    let expires = (Utc::now() + ADDRESS_GOOD).timestamp();
    let url = format!("{}/{FILES}/attachments/?mid={id}&ext={expires}&hash={}", inner.core.base, file.hash(expires));
    Reply::json(
        200,
        &json!({
            "messaging_product": "whatsapp",
            "url": url,
            "mime_type": file.mime,
            "sha256": file.sha256_hex(),
            "file_size": file.content.len(),
            "id": id,
        }),
    )
}

fn download(inner: &Inner, request: &Request) -> Reply {
    let state = inner.state();
    let file = request.query("mid").and_then(|id| state.files.get(id));
    let expires = request.query("ext").and_then(|at| at.parse::<i64>().ok()).unwrap_or(0);
    match file {
        Some(file) if Some(file.hash(expires).as_str()) != request.query("hash") => {
            Reply::new(403, "text/plain", "URL signature mismatch")
        }
        Some(_) if expires < Utc::now().timestamp() => Reply::new(404, "text/plain", "URL expired"),
        Some(file) => Reply::new(200, &file.mime, file.content.clone()),
        None => Reply::new(404, "text/plain", "Not found"),
    }
}

/// <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media>
fn upload(inner: &Inner, request: &Request) -> Reply {
    let field = |name: &str| request.body.part(name).map(crate::multipart::Part::text);
    if field("messaging_product").as_deref() != Some("whatsapp") {
        return Refusal::malformed("The parameter messaging_product is required.").reply();
    }
    let Some(part) = request.body.part("file").filter(|part| part.file_name.is_some()) else {
        return Refusal::malformed("The parameter file is required.").reply();
    };
    let mime = part.mime.clone().or_else(|| field("type")).unwrap_or_default();
    let mime = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match limit(&mime) {
        None => {
            let details = format!("Param file must be a file with one of the supported types - got {mime:?}.");
            return Refusal::malformed(details).reply();
        }
        Some(limit) if part.content.len() > limit => {
            return Refusal::malformed(format!("Param file must be at most {limit} bytes.")).reply();
        }
        Some(_) if part.content.is_empty() => return Refusal::malformed("Param file is empty.").reply(),
        Some(_) => {}
    }
    let id = super::number_id();
    let file = File { mime, file_name: part.file_name.clone(), content: part.content.clone(), uploaded: true };
    inner.state().files.insert(id.clone(), file);
    Reply::json(200, &json!({ "id": id }))
}

/// Bytes that Meta takes of a type.
fn limit(mime: &str) -> Option<usize> {
    Some(match mime {
        "image/jpeg" | "image/png" => 5 << 20,
        "image/webp" => 500 << 10,
        "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" | "video/mp4" | "video/3gpp" => 16 << 20,
        "text/plain"
        | "application/pdf"
        | "application/msword"
        | "application/vnd.ms-excel"
        | "application/vnd.ms-powerpoint" => 100 << 20,
        office if office.starts_with("application/vnd.openxmlformats-officedocument.") => 100 << 20,
        _ => return None,
    })
}

fn send(inner: &Arc<Inner>, number: &Number, request: &Request) -> Reply {
    let Some(body) = request.body.json() else {
        return Refusal::malformed("The body must be a JSON object").reply();
    };
    match check(body) {
        Err(refusal) => refusal.reply(),
        Ok(Asked::Read { message_id }) => {
            if !inner.state().received.contains(&message_id) {
                return Refusal::malformed(format!("Message with id {message_id} was not received.")).reply();
            }
            Reply::json(200, &json!({ "success": true }))
        }
        Ok(Asked::Message { kind, to, input }) => match take(inner, number, body, &kind, &to, request) {
            Ok((sent, contact)) => {
                let mut message = json!({ "id": sent.id });
                if kind == "template" {
                    message["message_status"] = "accepted".into();
                }
                let mut contacts = json!({ "input": input });
                contacts.as_object_mut().expect("an object").extend([contact]);
                Reply::json(
                    200,
                    &json!({ "messaging_product": "whatsapp", "contacts": [contacts], "messages": [message] }),
                )
            }
            Err(refusal) => refusal.reply(),
        },
    }
}

/// What the account, the window and the files say to a message that is well written.
fn take(
    inner: &Arc<Inner>,
    number: &Number,
    body: &Value,
    kind: &str,
    to: &str,
    request: &Request,
) -> Result<(Sent, (String, Value)), Refusal> {
    if to == number.digits() {
        return Err(Refusal::new(131_021, "The sender and the recipient are the same number"));
    }
    let content = &body[kind];
    let now = Utc::now();
    let (sent, link, late) = {
        let state = inner.state();
        let wa_id = state.wa_ids.get(to).cloned().unwrap_or_else(|| to.to_owned());
        let mut category = "service".to_owned();
        let mut files = vec![(kind, content)];
        if kind == "template" {
            category = templates::fits(&state.templates, content)?;
            for parameter in content["components"].as_array().into_iter().flatten() {
                let parameters = parameter["parameters"].as_array().into_iter().flatten();
                files.extend(parameters.filter_map(|one| Some((one["type"].as_str()?, &one[one["type"].as_str()?]))));
            }
        }
        for (kind, content) in &files {
            if let Some(id) = content["id"].as_str().filter(|_| is_media(kind)) {
                state.fits(kind, id)?;
            }
        }
        if kind == "reaction" {
            let to = content["message_id"].as_str().unwrap_or_default();
            let is_known = state.received.contains(to) || inner.sent.all().iter().any(|sent| sent.id == to);
            if !is_known {
                return Err(Refusal::value(format!("There is no message {to}")));
            }
        }
        let open = state.last_wrote.get(&wa_id).is_some_and(|at| now - *at < TimeDelta::hours(24));
        let closed = kind != "template" && !open;
        if closed && !state.window_told_later {
            return Err(window());
        }
        let link = files.iter().find_map(|(_, content)| content["link"].as_str()).map(str::to_owned);
        let sent = Sent {
            seq: 0,
            at: now,
            id: wamid(),
            phone_number_id: number.phone_number_id.clone(),
            to: wa_id,
            kind: kind.to_owned(),
            reference: body["biz_opaque_callback_data"].as_str().map(str::to_owned),
            category,
            body: body.clone(),
            answered: request.is_answered(),
        };
        (sent, link, closed)
    };
    if let Some(url) = link {
        let (inner, actual) = (Arc::clone(inner), inner.core.deliverer.actual(&url));
        inner.clone().core.spawn(async move { fetch(url, actual, &inner.fetched).await });
    }
    let sent = inner.sent.push_with(|seq| Sent { seq, ..sent });
    let contact = if sent.to.bytes().all(|byte| byte.is_ascii_digit()) { "wa_id" } else { "user_id" };
    let contact = (contact.to_owned(), Value::from(sent.to.clone()));
    let receipts = inner.state().receipts;
    let (inner_later, message) = (Arc::clone(inner), sent.clone());
    if late {
        inner.core.spawn(async move { inner_later.tell_failed(&message, &window()).await });
    } else if receipts != Receipts::None {
        inner.core.spawn(async move { inner_later.tell_receipts(&message, receipts).await });
    }
    Ok((sent, contact))
}

fn window() -> Refusal {
    Refusal::new(
        131_047,
        "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
    )
}

pub(super) fn is_media(kind: &str) -> bool {
    matches!(kind, "image" | "audio" | "video" | "document" | "sticker")
}

/// <https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/subscribed_apps/>
async fn subscriptions(inner: &Arc<Inner>, method: &str, request: &Request) -> Reply {
    match method {
        "GET" => {
            let state = inner.state();
            let app = json!({ "id": inner.options.app_id, "link": "https://apps.example/standin", "name": "Stand-in" });
            let mut entry = json!({ "whatsapp_business_api_data": app });
            if let Some(url) = &state.override_url {
                entry["override_callback_uri"] = url.as_str().into();
            }
            let data = if state.subscribed { vec![entry] } else { Vec::new() };
            Reply::json(200, &json!({ "data": data }))
        }
        "POST" => {
            let given = |name: &str| {
                let in_json = request.body.json().and_then(|body| body[name].as_str()).map(str::to_owned);
                let in_form = || crate::request::first(request.body.form(), name).map(str::to_owned);
                in_json.or_else(in_form).or_else(|| request.query(name).map(str::to_owned))
            };
            if let Some(url) = given("override_callback_uri") {
                let token = given("verify_token").unwrap_or_default();
                if let Err(why) = inner.handshake(&url, &token).await {
                    return Refusal::new(2200, format!("Callback verification failed: {why}")).reply();
                }
                inner.core.deliverer.set_url(Some(url.clone()));
                inner.state().override_url = Some(url);
            }
            inner.state().subscribed = true;
            Reply::json(200, &json!({ "success": true }))
        }
        "DELETE" => {
            inner.state().subscribed = false;
            Reply::json(200, &json!({ "success": true }))
        }
        other => no_object(other, "subscribed_apps"),
    }
}

impl File {
    /// A signature of the address, so that no other file can be had by it.
    fn hash(&self, expires: i64) -> String {
        let text = format!("{}{expires}", self.sha256_hex());
        URL_SAFE_NO_PAD.encode(Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes()).as_bytes())
    }
}
