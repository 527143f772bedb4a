//! Whether an attempt without an answer was sent after all: the list of messages to this number
//! (<https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources>), newest first.

use super::Account;
use super::address::WHATSAPP;
use super::render::{render, sender};
use crate::adapter::{Answer, Body, Look, Request};
use crate::model::{Outgoing, ProviderId};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use http::Method;
use serde_json::Value;

/// Messages in one page of the list: as many as a moment's uncertainty can hide behind.
pub const MESSAGES_LISTED: usize = 200;

/// The provider's clock may differ from ours by so much.
const CLOCKS: TimeDelta = TimeDelta::minutes(2);

impl Account {
    /// As [`crate::Adapter::look_for`], from this day on (in UTC): a shorter list.
    pub fn look_for_since(&self, outgoing: &Outgoing, day: NaiveDate) -> Request {
        request(self, outgoing, Some(day))
    }
}

pub(super) fn request(account: &Account, outgoing: &Outgoing, day: Option<NaiveDate>) -> Request {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("To", &outgoing.to.0);
    // A Messaging Service picks the number itself, and the list cannot be asked by service.
    if let ("From", from) = sender(account, outgoing.to.0.starts_with(WHATSAPP)) {
        query.append_pair("From", &from);
    }
    if let Some(day) = day {
        // The parameter is called `DateSent>`, so that a request reads `DateSent>=2026-11-29`.
        query.append_pair("DateSent>", &day.format("%Y-%m-%d").to_string());
    }
    query.append_pair("PageSize", &MESSAGES_LISTED.to_string());
    let below = format!("/Messages.json?{}", query.finish());
    account.request(Method::GET, &below, Body::Empty, "messages.list", true)
}

/// Reads the list. Only one message of the same text, to the same number, of the time of the attempt is the attempt; two are one too many to tell.
pub(super) fn looked(
    account: &Account,
    outgoing: &Outgoing,
    (since, until): (DateTime<Utc>, DateTime<Utc>),
    answer: Answer<'_>,
) -> Look {
    let unclear = |detail: String| Look::Unclear { detail };
    if answer.status != 200 {
        return unclear(format!("HTTP {}", answer.status));
    }
    let Ok(told) = serde_json::from_slice::<Value>(answer.body) else {
        return unclear("a list that cannot be read".to_owned());
    };
    let Some(messages) = told.get("messages").and_then(Value::as_array) else {
        return unclear("an answer without a list".to_owned());
    };
    // What was sent is what is looked for: the same rendering says it.
    let Ok(Request { body: Body::Form(form), .. }) = render(account, outgoing) else {
        return unclear("this cannot have been sent".to_owned());
    };
    let sent = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if sent("ContentSid").is_some() {
        return unclear("a template's text is Twilio's".to_owned());
    }
    let body = sent("Body").unwrap_or_default();
    let files = i64::from(sent("MediaUrl").is_some());
    let (since, until) = (since - CLOCKS, until + CLOCKS);

    let mut found = Vec::new();
    let mut oldest: Option<DateTime<Utc>> = None;
    for message in messages {
        let word = |key: &str| message.get(key).and_then(Value::as_str);
        let Some(at) = word("date_created").or_else(|| word("date_sent")).and_then(time) else {
            return unclear("a message without a time".to_owned());
        };
        oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
        let ours = word("direction").is_some_and(|direction| direction.starts_with("outbound"))
            && word("to") == Some(outgoing.to.0.as_str())
            && word("body").is_some_and(|written| same_text(written, body))
            && message.get("num_media").and_then(number).unwrap_or(0) == files;
        let of_that_time = since <= at && at <= until;
        // An account that redacts its messages shows no text: it may be this one.
        if of_that_time
            && word("to") == Some(outgoing.to.0.as_str())
            && word("body").unwrap_or_default().is_empty()
            && !body.is_empty()
        {
            return unclear("a message whose text is not shown".to_owned());
        }
        if ours && of_that_time {
            match word("sid") {
                Some(sid) => found.push(sid.to_owned()),
                None => return unclear("a message without a sid".to_owned()),
            }
        }
    }
    match found.as_slice() {
        [sid] => Look::Sent { id: ProviderId(sid.clone()) },
        [] => {
            let goes_on = told.get("next_page_uri").is_some_and(|next| !next.is_null());
            if goes_on && oldest.is_none_or(|oldest| oldest >= since) {
                unclear("the list goes on past the attempt".to_owned())
            } else {
                Look::NotThere
            }
        }
        several => unclear(format!("{} messages of this text", several.len())),
    }
}

/// A trial account puts a sentence before each text, and "smart encoding" puts plain quotes and dashes in the place of others.
fn same_text(listed: &str, body: &str) -> bool {
    const TRIAL: &str = "Sent from your Twilio trial account - ";
    let listed = listed.strip_prefix(TRIAL).unwrap_or(listed);
    let letters = |text: &str| text.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    let (listed_letters, body_letters) = (letters(listed), letters(body));
    listed == body || (!body_letters.is_empty() && listed_letters == body_letters)
}

fn time(written: &str) -> Option<DateTime<Utc>> {
    let read = DateTime::parse_from_rfc2822(written).or_else(|_| DateTime::parse_from_rfc3339(written));
    read.ok().map(|at| at.with_timezone(&Utc))
}

/// Twilio writes the number of files as text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
