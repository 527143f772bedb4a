//! Meta's codes: <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes>. They come in the answer to a request
//! (`error`), in the webhook of a status (`errors`), or in both.

use super::{Account, media, read};
use crate::adapter::{Answer, Outcome};
use crate::model::{Failure, ProviderId, Why};
use serde_json::Value;
use std::time::Duration;

/// What a code means. Temporary is only what Meta says may be sent again as it is.
pub fn why(code: u64) -> Why {
    match code {
        // Throughput, of the app, of the account, of this pair of numbers; flows that are throttled.
        4 | 17 | 32 | 613 | 80_007 | 80_008 | 130_429 | 131_056 | 132_069 | 133_016 => Why::TooMany,
        // Overloaded or down; an account in maintenance.
        2 | 131_000 | 131_016 | 131_057 | 133_004 => Why::ProviderDown,
        131_021 | 131_026 | 131_030 => Why::NoSuchRecipient,
        // They do not want advertising from us.
        131_050 => Why::Refused,
        131_047 => Why::WindowClosed,
        // Not there in this language, not approved, paused, disabled.
        132_001 | 132_007 | 132_015 | 132_016 | 134_100..=134_102 => Why::TemplateWanting,
        // Parameters: of the request, of a template, of a flow; files of the wrong type; who can be told nothing of this kind (a BSUID and a code).
        33
        | 100
        | 131_001
        | 131_002
        | 131_006
        | 131_008
        | 131_009
        | 131_051..=131_053
        | 131_055
        | 131_062
        | 132_000
        | 132_005
        | 132_012
        | 132_018
        | 132_068
        | 135_000 => Why::NotAccepted,
        131_042 => Why::Money,
        // Too many blocked us; Meta's limit on advertising; an experiment of Meta's. Sending again makes it worse.
        130_472 | 131_048 | 131_049 => Why::Filtered,
        // Token, permissions, the number's registration, a ban, terms that wait for a signature.
        0
        | 3
        | 10
        | 190
        | 200..=299
        | 368
        | 130_497
        | 131_005
        | 131_031
        | 131_037
        | 131_045
        | 133_000..=133_003
        | 133_005..=133_015
        | 134_011 => Why::Account,
        _ => Why::Unknown,
    }
}

/// One error object, of an answer or of a webhook.
pub(super) fn failure(error: &Value) -> Failure {
    let code = read::whole(error, "code");
    let data = error.get("error_data").unwrap_or(&Value::Null);
    // Some answers carry `error_data` as text.
    let details = read::text(data, "details").or_else(|| data.as_str().filter(|text| !text.is_empty()));
    let said = [details, read::text(error, "details"), read::text(error, "message"), read::text(error, "title")];
    let mut detail = said.into_iter().flatten().next().unwrap_or_default().to_owned();
    // What Meta's support asks for.
    if let Some(trace) = read::text(error, "fbtrace_id") {
        detail = format!("{detail} (fbtrace_id {trace})");
    }
    let subcode = read::whole(error, "error_subcode").filter(|subcode| *subcode != 0);
    let name = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    let transient = error.get("is_transient").and_then(Value::as_bool) == Some(true);
    let why = match code.map(why) {
        None | Some(Why::Unknown) if transient => Why::ProviderDown,
        why => why.unwrap_or(Why::Unknown),
    };
    Failure { code: subcode.map_or(name.clone(), |subcode| format!("{name}/{subcode}")), detail, why }
}

/// It failed, and no error says why.
pub(super) fn unnamed() -> Failure {
    Failure { code: "none".to_owned(), detail: String::new(), why: Why::Unknown }
}

pub(super) fn understand(account: &Account, name: &'static str, answer: Answer<'_>) -> Outcome {
    let body: Option<Value> = serde_json::from_slice(answer.body).ok();
    let body = body.unwrap_or(Value::Null);
    let has_error = body.get("error").is_some_and(Value::is_object);
    match answer.status {
        200..=299 if !has_error => success(account, name, answer, &body),
        _ if has_error => failed(failure(&body["error"]), &answer),
        status => without_json(name, status, &answer),
    }
}

fn success(account: &Account, name: &'static str, answer: Answer<'_>, body: &Value) -> Outcome {
    let unclear =
        |what: &str| Outcome::Unclear { detail: format!("{} {what}: {}", answer.status, excerpt(answer.body)) };
    match name {
        "messages.send" | "messages.react" => {
            let id = read::list(body, "messages").first().and_then(|message| read::text(message, "id"));
            id.map_or_else(
                || unclear("without a message's id"),
                |id| Outcome::Done { id: Some(ProviderId(id.to_owned())) },
            )
        }
        "messages.read" | "messages.typing" if body.get("success").and_then(Value::as_bool) != Some(true) => {
            unclear("without success")
        }
        "media.upload" => {
            read::id(body, "id").map_or_else(|| unclear("without a file's id"), |media| Outcome::Uploaded { media })
        }
        "media.find" => match read::text(body, "url") {
            Some(url) => Outcome::Found {
                url: url.to_owned(),
                headers: account.headers(),
                mime: read::text(body, "mime_type").map(str::to_owned),
                size: read::whole(body, "file_size"),
                sha256: media::sha256(body),
            },
            None => unclear("without a file's address"),
        },
        _ => Outcome::Done { id: None },
    }
}

fn failed(failure: Failure, answer: &Answer<'_>) -> Outcome {
    let after = if failure.why.is_temporary() { answer.retry_after().or_else(|| regain(answer)) } else { None };
    Outcome::Failed { failure, after }
}

/// A page of a proxy, nothing at all, something cut off.
fn without_json(name: &'static str, status: u16, answer: &Answer<'_>) -> Outcome {
    let why = match status {
        401 | 403 => Why::Account,
        429 => Why::TooMany,
        413 | 415 => Why::NotAccepted,
        // Turned away at the door.
        503 => Why::ProviderDown,
        // What stood before Meta lost sight of the request: it may have been done. Where doing it twice does no harm, it is simply done again.
        500..=599 if name == "messages.send" => {
            return Outcome::Unclear { detail: format!("{status}: {}", excerpt(answer.body)) };
        }
        500..=599 | 408 => Why::ProviderDown,
        400..=499 => Why::Unknown,
        _ => return Outcome::Unclear { detail: format!("{status}: {}", excerpt(answer.body)) },
    };
    failed(Failure { code: format!("HTTP {status}"), detail: excerpt(answer.body), why }, answer)
}

/// `X-Business-Use-Case-Usage` says in how many minutes a limit is over: <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>.
fn regain(answer: &Answer<'_>) -> Option<Duration> {
    let header = answer.headers.get("x-business-use-case-usage")?.to_str().ok()?;
    let usage: Value = serde_json::from_str(header).ok()?;
    let lists = usage.as_object()?.values().filter_map(Value::as_array).flatten();
    let minutes = lists.filter_map(|one| read::whole(one, "estimated_time_to_regain_access")).max()?;
    (minutes > 0).then(|| Duration::from_secs(minutes.min(24 * 60) * 60))
}

/// The beginning of a body, for the one who looks closer.
fn excerpt(body: &[u8]) -> String {
    let start = body.get(..body.len().min(800)).unwrap_or_default();
    let text = String::from_utf8_lossy(start);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(200).collect()
}
