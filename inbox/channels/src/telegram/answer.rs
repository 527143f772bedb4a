//! What the Bot API answered (<https://core.telegram.org/bots/api#making-requests>): `ok` with a result, or a code, a description and sometimes parameters.

use super::Account;
use super::address::MessageId;
use super::json::{integer, object, owned, text};
use super::update::INLINE;
use crate::adapter::{Answer, Outcome};
use crate::model::{Failure, ProviderId, Why};
use http::HeaderMap;
use serde_json::Value;
use std::time::Duration;

pub(super) fn understand(account: &Account, name: &'static str, answer: Answer<'_>) -> Outcome {
    let makes_a_message = name == "answerGuestQuery" || (name.starts_with("send") && name != "sendChatAction");
    let Ok(told) = serde_json::from_slice::<Value>(answer.body) else {
        return without_json(answer, makes_a_message);
    };
    match told.get("ok").and_then(Value::as_bool) {
        Some(true) if name == "getFile" => found(account, &told),
        Some(true) => Outcome::Done { id: told.get("result").and_then(sent) },
        Some(false) => {
            let refusal = Refusal::read(&told, answer);
            match refusal.code {
                // What was wanted is so already.
                400 if refusal.says("message is not modified") || refusal.says("message to delete not found") => {
                    Outcome::Done { id: None }
                }
                // A server that lost its way may have passed the message on before.
                500.. if makes_a_message => Outcome::Unclear { detail: refusal.description },
                _ => refusal.outcome(),
            }
        }
        None => without_json(answer, makes_a_message),
    }
}

fn sent(result: &Value) -> Option<ProviderId> {
    if let Some(inline) = text(result, "inline_message_id") {
        return Some(ProviderId(format!("{INLINE}{inline}")));
    }
    let message = integer(result, "message_id")?;
    let chat = integer(object(result, "chat")?, "id")?;
    Some(MessageId { chat, business: owned(result, "business_connection_id"), message }.id())
}

/// A proxy on the way speaks HTML.
fn without_json(answer: Answer<'_>, makes_a_message: bool) -> Outcome {
    let why = match answer.status {
        429 => Why::TooMany,
        401 | 403 | 404 => Why::Account,
        413 => Why::NotAccepted,
        status if status >= 500 && !makes_a_message => Why::ProviderDown,
        status if (400..500).contains(&status) => Why::Unknown,
        status => return Outcome::Unclear { detail: format!("HTTP {status} without an answer that can be read") },
    };
    Outcome::Failed {
        failure: Failure { code: answer.status.to_string(), detail: format!("HTTP {}", answer.status), why },
        after: answer.retry_after(),
    }
}

/// `ok: false`.
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) description: String,
    pub(super) after: Option<Duration>,
    moved: Option<i64>,
}

impl Refusal {
    pub(super) fn read(told: &Value, answer: Answer<'_>) -> Self {
        let parameters = object(told, "parameters");
        let after = parameters
            .and_then(|parameters| integer(parameters, "retry_after"))
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map(Duration::from_secs);
        Self {
            code: integer(told, "error_code").unwrap_or_else(|| i64::from(answer.status)),
            description: owned(told, "description").unwrap_or_default(),
            after: after.or_else(|| answer.retry_after()),
            moved: parameters.and_then(|parameters| integer(parameters, "migrate_to_chat_id")),
        }
    }

    pub(super) fn says(&self, words: &str) -> bool {
        self.description.to_ascii_lowercase().contains(&words.to_ascii_lowercase())
    }

    fn why(&self) -> Why {
        match self.code {
            429 => return Why::TooMany,
            // A token that is withdrawn is 401, one that never was is 404.
            401 | 404 | 409 => return Why::Account,
            413 => return Why::NotAccepted,
            500.. => return Why::ProviderDown,
            _ => {}
        }
        let known = REFUSALS.iter().find(|(words, _)| self.says(words)).map(|(_, why)| *why);
        known.unwrap_or(if self.code == 403 { Why::Refused } else { Why::Unknown })
    }

    pub(super) fn outcome(self) -> Outcome {
        if let Some(new) = self.moved {
            let failure =
                Failure { code: format!("{MOVED}{new}"), detail: self.description, why: Why::NoSuchRecipient };
            return Outcome::Failed { failure, after: None };
        }
        let why = self.why();
        // Without a number of seconds a flood is given a moment.
        let after = self.after.or(if why == Why::TooMany { Some(Duration::from_secs(1)) } else { None });
        Outcome::Failed { failure: Failure { code: self.code.to_string(), detail: self.description, why }, after }
    }
}

const MOVED: &str = "migrate_to_chat_id:";

/// The supergroup that a group became, where that is why a message failed: the same message may be sent there.
pub fn moved_to(failure: &Failure) -> Option<i64> {
    failure.code.strip_prefix(MOVED)?.parse().ok()
}

/// Descriptions are the only thing that tells these apart: the code is 400 or 403 for all. Part of the description, without regard to case; the first that fits counts.
const REFUSALS: &[(&str, Why)] = &[
    ("bot was blocked by the user", Why::Refused),
    ("user is deactivated", Why::NoSuchRecipient),
    ("bot can't initiate conversation", Why::Refused),
    ("bot can't send messages to bots", Why::NoSuchRecipient),
    ("bot was kicked", Why::Refused),
    ("bot is not a member", Why::Refused),
    ("group chat was deactivated", Why::NoSuchRecipient),
    ("group chat was upgraded", Why::NoSuchRecipient),
    ("chat not found", Why::NoSuchRecipient),
    ("user not found", Why::NoSuchRecipient),
    ("PEER_ID_INVALID", Why::NoSuchRecipient),
    ("USER_IS_BLOCKED", Why::Refused),
    ("INPUT_USER_DEACTIVATED", Why::NoSuchRecipient),
    ("message thread not found", Why::NoSuchRecipient),
    ("TOPIC_CLOSED", Why::Refused),
    ("TOPIC_DELETED", Why::NoSuchRecipient),
    ("CHAT_WRITE_FORBIDDEN", Why::Refused),
    ("CHAT_RESTRICTED", Why::Refused),
    ("VOICE_MESSAGES_FORBIDDEN", Why::NotAccepted),
    ("not enough rights", Why::Refused),
    ("have no rights to send", Why::Refused),
    ("need administrator rights", Why::Refused),
    ("CHAT_ADMIN_REQUIRED", Why::Refused),
    ("BUSINESS_CONNECTION_INVALID", Why::Account),
    ("BUSINESS_CONNECTION_NOT_ALLOWED", Why::Account),
    ("business connection not found", Why::Account),
    ("BUSINESS_PEER_INVALID", Why::WindowClosed),
    ("BUSINESS_PEER_USAGE_MISSING", Why::WindowClosed),
    ("too long", Why::NotAccepted),
    ("text is empty", Why::NotAccepted),
    ("message text is empty", Why::NotAccepted),
    ("MEDIA_EMPTY", Why::NotAccepted),
    ("wrong file", Why::NotAccepted),
    ("wrong remote file", Why::NotAccepted),
    ("file is too big", Why::NotAccepted),
    ("file must be non-empty", Why::NotAccepted),
    ("failed to get HTTP URL content", Why::NotAccepted),
    ("wrong type of the web page content", Why::NotAccepted),
    ("IMAGE_PROCESS_FAILED", Why::NotAccepted),
    ("PHOTO_INVALID_DIMENSIONS", Why::NotAccepted),
    ("PHOTO_SAVE_FILE_INVALID", Why::NotAccepted),
    ("can't parse", Why::NotAccepted),
    ("BUTTON_DATA_INVALID", Why::NotAccepted),
    ("REACTION_INVALID", Why::NotAccepted),
    ("there is no text in the message to edit", Why::NotAccepted),
    ("message can't be", Why::NotAccepted),
    ("message to edit not found", Why::NotAccepted),
    ("message to react not found", Why::NotAccepted),
    ("message to be replied not found", Why::NotAccepted),
    ("query is too old", Why::NotAccepted),
    ("PAYMENT_REQUIRED", Why::Money),
    ("ALLOW_PAYMENT_REQUIRED", Why::Money),
    ("BALANCE_TOO_LOW", Why::Money),
];

/// `getFile`. The path is within the bot's folder, or, from a local server, on that server's disk.
fn found(account: &Account, told: &Value) -> Outcome {
    let Some(result) = object(told, "result") else {
        return Outcome::Unclear { detail: "getFile without a result".to_owned() };
    };
    let size = integer(result, "file_size").and_then(|size| u64::try_from(size).ok());
    let refused = |detail: &str| Outcome::Failed {
        failure: Failure { code: "file_path".to_owned(), detail: detail.to_owned(), why: Why::NotAccepted },
        after: None,
    };
    let Some(path) = text(result, "file_path") else {
        return refused("the server gives this file out to nobody: it is too large or expired");
    };
    // Whoever answers for the provider does not choose which of our files is read.
    if path.split(['/', '\\']).any(|part| part == "..") || path.contains('\0') {
        return refused("a path that leads out of its folder");
    }
    let url = if path.starts_with('/') {
        match account.local_root.as_deref().map(|root| root.trim_end_matches('/')) {
            Some(root) if path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/')) => {
                match url::Url::from_file_path(path) {
                    Ok(url) => url.to_string(),
                    Err(()) => return refused("a path that is no file's"),
                }
            }
            Some(_) => return refused("the local server's file lies outside of local_root"),
            // The server keeps a bot's files in a folder that is called by its token.
            None => match path.split_once(&format!("/{}/", account.bot_token)) {
                Some((_, within)) => download(account, within),
                None => return refused("a path on the local server's disk: set local_root to where it is seen here"),
            },
        }
    } else {
        download(account, path)
    };
    Outcome::Found { url, headers: HeaderMap::new(), mime: None, size, sha256: None }
}

fn download(account: &Account, path: &str) -> String {
    let mut url = format!("{}/file/bot{}", account.base(), account.token());
    for part in path.split('/').filter(|part| !part.is_empty()) {
        url.push('/');
        url.extend(url::form_urlencoded::byte_serialize(part.as_bytes()).map(|piece| piece.replace('+', "%20")));
    }
    url
}
