//! The REST interface: `/2010-04-01/Accounts/{sid}/…`.

use super::errors::{refuse, words};
use super::{Inner, Message, Receipts, media, segments, sid};
use crate::fetch::fetch;
use crate::request::{Reply, Request, first};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

const VERSION: &str = "2010-04-01";
/// UTF-16 units.
const TEXT_LIMIT: usize = 1600;
const MEDIA_LIMIT: usize = 10;

pub(super) fn name(method: &str, path: &str) -> &'static str {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        ("GET", [media::CONTENT, ..]) => "media.download",
        ("POST", [_, _, _, "Messages.json"]) => "messages.send",
        ("GET", [_, _, _, "Messages.json"]) => "messages.list",
        ("GET", [_, _, _, "Messages", _, "Media.json"]) => "media.list",
        ("GET", [_, _, _, "Messages", _, "Media", _]) => "media.get",
        ("GET", [_, _, _, "Messages", _]) => "messages.get",
        ("POST", [_, _, _, "Messages", _]) => "messages.change",
        ("GET", [_, "Accounts", _]) => "account.get",
        _ => "unknown",
    }
}

pub(super) fn answer(inner: &Arc<Inner>, request: &Request) -> Reply {
    let parts = request.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    // The files' own host: its addresses are signed, and nobody's credentials are wanted there.
    if let [media::CONTENT, id, signature] = parts.as_slice() {
        return media::content(inner, id, signature);
    }
    let is_ours = basic(request.header("authorization").unwrap_or_default())
        .is_some_and(|(user, password)| user == inner.options.account_sid && password == inner.options.auth_token);
    if !is_ours {
        return refuse(20_003, "Authenticate");
    }
    let not_found = || {
        let path = &request.path;
        refuse(20_404, &format!("The requested resource {path} was not found"))
    };
    let [VERSION, "Accounts", account, rest @ ..] = parts.as_slice() else { return not_found() };
    if account.trim_end_matches(".json") != inner.options.account_sid {
        return not_found();
    }
    match (request.method.as_str(), rest) {
        ("GET", []) => Reply::json(200, &self::account(inner)),
        ("POST", ["Messages.json"]) => match take(inner, request) {
            Ok(message) => Reply::json(201, &told(inner, &message)),
            Err((code, why)) => refuse(code, &why),
        },
        ("GET", ["Messages.json"]) => list(inner, request),
        ("GET", ["Messages", message, "Media.json"]) => media::list(inner, message),
        ("GET", ["Messages", message, "Media", id]) => media::get(inner, message, id).unwrap_or_else(not_found),
        (method @ ("GET" | "POST"), ["Messages", message]) => {
            let found = {
                let mut state = inner.state();
                let message = message.trim_end_matches(".json");
                let found = state.messages.iter_mut().find(|one| one.sid == message);
                found.map(|found| {
                    if method == "POST" {
                        change(found, request.body.form());
                    }
                    found.clone()
                })
            };
            found.map_or_else(not_found, |found| Reply::json(200, &told(inner, &found)))
        }
        _ => not_found(),
    }
}

/// Name and password.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn account(inner: &Inner) -> Value {
    let sid = &inner.options.account_sid;
    json!({
        "sid": sid,
        "friendly_name": "Stand-in",
        "status": "active",
        "type": "Full",
        "owner_account_sid": sid,
        "date_created": rfc2822(Utc::now()),
        "date_updated": rfc2822(Utc::now()),
        "uri": format!("/{VERSION}/Accounts/{sid}.json"),
        "subresource_uris": { "messages": format!("/{VERSION}/Accounts/{sid}/Messages.json") },
    })
}

/// An empty body takes the text away; a message that still waits can be called off.
fn change(message: &mut Message, form: &[(String, String)]) {
    if first(form, "Body") == Some("") {
        message.body.clear();
    }
    if first(form, "Status") == Some("canceled")
        && matches!(message.status.as_str(), "queued" | "accepted" | "scheduled")
    {
        "canceled".clone_into(&mut message.status);
    }
}

/// <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>
fn take(inner: &Arc<Inner>, request: &Request) -> Result<Message, (u32, String)> {
    let form = request.body.form();
    let given = |name: &str| first(form, name).map(str::trim).filter(|value| !value.is_empty());
    let to = given("To").ok_or((21_604, "A 'To' phone number is required.".to_owned()))?;
    let (service, from) = sender(inner, &given)?;
    let body = given("Body").unwrap_or_default();
    let links: Vec<String> = form.iter().filter(|(name, _)| name == "MediaUrl").map(|(_, link)| link.clone()).collect();
    if body.is_empty() && links.is_empty() && given("ContentSid").is_none() {
        return Err((21_602, "Message body is required.".to_owned()));
    }
    if body.encode_utf16().count() > TEXT_LIMIT {
        return Err((21_617, format!("The concatenated message body exceeds the {TEXT_LIMIT} character limit.")));
    }
    if links.len() > MEDIA_LIMIT {
        return Err((21_623, format!("Number of media files exceeds allowed limit of {MEDIA_LIMIT}.")));
    }
    let is_link = |link: &String| url::Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if let Some(wrong) = links.iter().find(|link| !is_link(link)) {
        return Err((21_620, format!("Invalid media URL(s): {wrong}")));
    }
    if let Some(sid) = given("ContentSid").filter(|sid| !(sid.starts_with("HX") && sid.len() == 34)) {
        return Err((21_655, format!("The ContentSid {sid} is invalid.")));
    }
    if let Some(variables) = given("ContentVariables") {
        let is_object = serde_json::from_str::<Value>(variables).is_ok_and(|variables| variables.is_object());
        if !is_object {
            return Err((21_656, "The ContentVariables parameter is invalid.".to_owned()));
        }
    }
    if let Some(seconds) = given("ValidityPeriod") {
        let is_good = seconds.parse::<u32>().is_ok_and(|seconds| (1..=36_000).contains(&seconds));
        if !is_good {
            return Err((21_664, "The ValidityPeriod must be 1 to 36000 seconds.".to_owned()));
        }
    }
    if let Some(url) = given("StatusCallback") {
        let is_good = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_good {
            return Err((21_609, format!("The StatusCallback URL {url} is not a valid URL.")));
        }
    }
    recipient(inner, &from, to)?;

    let has_files = !links.is_empty();
    let message = Message {
        seq: 0,
        sid: sid(if has_files { "MM" } else { "SM" }),
        created: Utc::now(),
        sent: None,
        inbound: false,
        from,
        to: to.to_owned(),
        body: body.to_owned(),
        segments: segments::count(body),
        media: links.clone(),
        status: if service.is_some() { "accepted" } else { "queued" }.to_owned(),
        service,
        error_code: None,
        status_callback: given("StatusCallback").map(str::to_owned),
        form: form.to_vec(),
        answered: request.is_answered(),
    };
    let message = inner.sent.push_with(|seq| Message { seq, ..message });
    let receipts = {
        let mut state = inner.state();
        state.messages.push(message.clone());
        state.receipts
    };
    for link in links {
        let later = Arc::clone(inner);
        inner.core.spawn(async move {
            let actual = later.core.deliverer.actual(&link);
            fetch(link, actual, &later.fetched).await;
        });
    }
    if receipts != Receipts::None {
        let (later, sid) = (Arc::clone(inner), message.sid.clone());
        inner.core.spawn(async move { later.tell_receipts(&sid, receipts).await });
    }
    Ok(message)
}

/// The service, and the number that it or the request itself names.
fn sender<'a>(
    inner: &Inner,
    given: &impl Fn(&str) -> Option<&'a str>,
) -> Result<(Option<String>, String), (u32, String)> {
    match (given("MessagingServiceSid"), given("From")) {
        (Some(service), from) => {
            if !inner.options.services.iter().any(|known| known == service) {
                return Err((21_701, "The Messaging Service does not exist.".to_owned()));
            }
            let number = from.map(str::to_owned).or_else(|| inner.options.senders.first().cloned());
            Ok((Some(service.to_owned()), number.unwrap_or_default()))
        }
        (None, Some(from)) if inner.options.senders.iter().any(|known| known == from) => Ok((None, from.to_owned())),
        (None, Some(from)) => Err((
            21_606,
            format!(
                "The 'From' phone number provided ({from}) is not a valid message-capable Twilio phone number for this destination."
            ),
        )),
        (None, None) => Err((21_603, "A 'From' phone number is required.".to_owned())),
    }
}

fn recipient(inner: &Inner, from: &str, to: &str) -> Result<(), (u32, String)> {
    let (channel, number) = to.split_at(to.find(':').map_or(0, |colon| colon + 1));
    let is_number = number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    });
    let is_user = channel == "whatsapp:" && number.as_bytes().get(2) == Some(&b'.');
    if !is_number && !is_user {
        return Err((21_211, format!("Invalid 'To' Phone Number: {to}")));
    }
    if from.starts_with("whatsapp:") != (channel == "whatsapp:") {
        return Err((63_007, "Twilio could not find a Channel with the specified From address".to_owned()));
    }
    if from == to {
        return Err((21_266, "'To' and 'From' number cannot be the same".to_owned()));
    }
    let state = inner.state();
    if state.landlines.contains(to) {
        return Err((21_614, format!("'To' number is not a valid mobile number: {to}")));
    }
    if state.opted_out.contains(&(from.to_owned(), to.to_owned())) {
        return Err((21_610, "Attempt to send to unsubscribed recipient".to_owned()));
    }
    Ok(())
}

/// <https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources>: the newest first.
fn list(inner: &Inner, request: &Request) -> Reply {
    let date = |name: &str| {
        let value = request.query(name)?;
        // A day, or a moment in it.
        value.get(..10)?.parse::<NaiveDate>().ok()
    };
    let wanted = |message: &&Message| {
        // What is not sent yet has no date of sending, and the day of its creation counts.
        let day = message.sent.unwrap_or(message.created).date_naive();
        request.query("To").is_none_or(|to| message.to == to)
            && request.query("From").is_none_or(|from| message.from == from)
            && date("DateSent").is_none_or(|wanted| day == wanted)
            && date("DateSent>").is_none_or(|from| day >= from)
            && date("DateSent<").is_none_or(|until| day <= until)
    };
    let found: Vec<Message> = inner.state().messages.iter().rev().filter(wanted).cloned().collect();
    let number = |name: &str| request.query(name).and_then(|value| value.parse::<usize>().ok());
    let size = number("PageSize").unwrap_or(50).clamp(1, 1000);
    let page = number("Page").unwrap_or(0);
    let start = page * size;
    let messages: Vec<Value> = found.iter().skip(start).take(size).map(|message| told(inner, message)).collect();
    let uri = |page: usize| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let kept = request.query.iter().filter(|(name, _)| !matches!(name.as_str(), "Page" | "PageSize" | "PageToken"));
        query.extend_pairs(kept).append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        if page > 0 {
            // Where the page begins; opaque to the caller.
            let token = found.get(page * size - 1).map(|last| format!("PA{}", last.sid));
            query.append_pair("PageToken", &token.unwrap_or_default());
        }
        format!("{}?{}", request.path, query.finish())
    };
    let goes_on = start + messages.len() < found.len();
    Reply::json(
        200,
        &json!({
            "page": page,
            "page_size": size,
            "start": start,
            "end": (start + messages.len()).saturating_sub(1),
            "uri": uri(page),
            "first_page_uri": uri(0),
            "previous_page_uri": if page > 0 { Value::from(uri(page - 1)) } else { Value::Null },
            "next_page_uri": if goes_on { Value::from(uri(page + 1)) } else { Value::Null },
            "messages": messages,
        }),
    )
}

/// A message as the API gives it: numbers of segments and files are texts.
pub(super) fn told(inner: &Inner, message: &Message) -> Value {
    let account = &inner.options.account_sid;
    let uri = format!("/{VERSION}/Accounts/{account}/Messages/{}", message.sid);
    // A service decides on the segments later.
    let segments = if message.service.is_some() && message.sent.is_none() { 0 } else { message.segments };
    json!({
        "account_sid": account,
        "api_version": VERSION,
        "body": message.body,
        "date_created": rfc2822(message.created),
        "date_sent": message.sent.map(rfc2822),
        "date_updated": rfc2822(message.sent.unwrap_or(message.created)),
        "direction": if message.inbound { "inbound" } else { "outbound-api" },
        "error_code": message.error_code,
        "error_message": message.error_code.map(words),
        "from": if message.service.is_some() && message.sent.is_none() { Value::Null } else { message.from.as_str().into() },
        "messaging_service_sid": message.service,
        "num_media": message.media.len().to_string(),
        "num_segments": segments.to_string(),
        "price": null,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": { "media": format!("{uri}/Media.json") },
        "to": message.to,
        "uri": format!("{uri}.json"),
    })
}

pub(super) fn rfc2822(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn credentials_are_read() {
        let header = format!("Basic {}", STANDARD.encode("AC1:a:b"));
        assert_eq!(basic(&header), Some(("AC1".to_owned(), "a:b".to_owned())));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_stumble(header in "\\PC{0,60}") {
            let _ = basic(&header);
            let _ = basic(&format!("Basic {header}"));
        }
    }
}
