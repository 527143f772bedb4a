//! What Twilio posts: a message that came (<https://www.twilio.com/docs/messaging/guides/webhook-request>) or a status of one of ours
//! (<https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks>).

use super::address::Party as Sender;
use super::errors;
use super::form::Form;
use super::{EVERYTHING, MAX_MEDIA};
use crate::adapter::Malformed;
use crate::json;
use crate::model::{
    Address, By, Content, DeliveryState, Media, MediaAt, MediaSort, Message, ProviderId, Referral, Status, Told, What,
};
use serde_json::Value;

pub(super) fn parse(body: &[u8], reference: Option<String>) -> Result<Vec<Told>, Malformed> {
    // Other products of Twilio's post JSON. No form begins like that.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'[')) {
        let raw: Value = json::read(body).map_err(|broken| Malformed {
            why: broken.to_string(),
            at: format!("line {} column {}", broken.line(), broken.column()),
        })?;
        let what =
            raw.get("EventType").or_else(|| raw.get("type")).and_then(Value::as_str).unwrap_or("json").to_owned();
        let key =
            format!("json/{what}/{}", raw.get("Sid").or_else(|| raw.get("id")).and_then(Value::as_str).unwrap_or(""));
        return Ok(vec![Told {
            at: None,
            key,
            line: None,
            what: What::Unsupported { what, from: None, chat: None, raw },
        }]);
    }
    let form = Form::read(body)?;
    if form.is_empty() {
        return Err(Malformed { why: "an empty form".to_owned(), at: "byte 0".to_owned() });
    }
    let Some(sid) = form.get("MessageSid").or_else(|| form.get("SmsSid")).or_else(|| form.get("SmsMessageSid")) else {
        return Ok(vec![unsupported(&form, "", "a webhook that is not about a message")]);
    };
    match form.get("MessageStatus").or_else(|| form.get("SmsStatus")) {
        Some(status) if !matches!(status, "received" | "receiving") => {
            Ok(vec![told_status(&form, sid, status, reference)])
        }
        Some(_) => came(&form, sid),
        None if form.get("From").is_some() => came(&form, sid),
        None => Ok(vec![unsupported(&form, sid, "a webhook without a status")]),
    }
}

fn unsupported(form: &Form, sid: &str, what: &str) -> Told {
    let from = form.get("From").and_then(|from| Sender::read(from, form.get("ExternalUserId"))).map(|sender| {
        let chat = sender.address();
        (sender.party(form.get("ProfileName")), chat)
    });
    let (from, chat) = from.unzip();
    Told {
        at: None,
        key: format!("{sid}/{what}"),
        line: form.owned("To"),
        what: What::Unsupported { what: what.to_owned(), from, chat, raw: form.to_json() },
    }
}

/// The state that a word of Twilio's stands for (<https://www.twilio.com/docs/messaging/api/message-resource#message-status-values>).
pub(super) fn state(status: &str) -> Option<DeliveryState> {
    Some(match status {
        "accepted" | "queued" | "scheduled" => DeliveryState::Accepted,
        "sending" | "sent" => DeliveryState::Sent,
        "delivered" => DeliveryState::Delivered,
        "read" => DeliveryState::Read,
        // A scheduled one that was called off will not come any more.
        "failed" | "undelivered" | "canceled" => DeliveryState::Failed,
        _ => return None,
    })
}

fn told_status(form: &Form, sid: &str, status: &str, reference: Option<String>) -> Told {
    let Some(state) = state(status) else {
        return unsupported(form, sid, &format!("MessageStatus {status}"));
    };
    let failure = (state == DeliveryState::Failed).then(|| {
        let detail = form
            .get("ErrorMessage")
            .or_else(|| form.get("ChannelStatusMessage"))
            .unwrap_or(if status == "canceled" { "canceled" } else { "" });
        errors::failure(form.get("ErrorCode").unwrap_or(status), detail)
    });
    Told {
        at: None,
        key: format!("{sid}/{status}"),
        line: form.owned("From").or_else(|| form.owned("MessagingServiceSid")),
        what: What::Status(Status {
            message: ProviderId(sid.to_owned()),
            state,
            reference,
            to: form.owned("To").map(Address),
            failure,
            pricing: None,
        }),
    }
}

fn came(form: &Form, sid: &str) -> Result<Vec<Told>, Malformed> {
    let from = form.get("From").ok_or_else(|| Malformed { why: "nobody sent it".to_owned(), at: "From".to_owned() })?;
    let Some(sender) = Sender::read(from, form.get("ExternalUserId")) else {
        return Ok(vec![unsupported(form, sid, "a sender that has no number and no id")]);
    };
    let party = sender.party(form.get("ProfileName"));
    let told = |key: String, what: What| Told { at: None, key, line: form.owned("To"), what };

    if form.get("MessageType") == Some("reaction")
        && let Some(message) = form.owned("OriginalRepliedMessageSid")
    {
        let reacted = What::Reacted {
            message: ProviderId(message),
            from: Some(party),
            chat: sender.address(),
            emoji: form.owned("Body").into_iter().collect(),
        };
        return Ok(vec![told(sid.to_owned(), reacted)]);
    }
    if form.get("MessageType") == Some("unsupported") {
        return Ok(vec![unsupported(form, sid, "MessageType unsupported")]);
    }

    let contents = contents(form, sender.is_whatsapp());
    let several = contents.len() > 1;
    let mut all = Vec::with_capacity(contents.len() + 1);
    for (at, content) in contents.into_iter().enumerate() {
        // The first keeps the provider's own id: a reply names it. The other files of one MMS get a number behind it.
        let id = if at == 0 { sid.to_owned() } else { format!("{sid}/{at}") };
        let message = Message {
            id: ProviderId(id.clone()),
            from: party.clone(),
            chat: sender.address(),
            title: None,
            by: By::Customer,
            history: false,
            content,
            reply_to: form.owned("OriginalRepliedMessageSid").map(ProviderId),
            forwarded: form.get("Forwarded") == Some("true") || form.get("FrequentlyForwarded") == Some("true"),
            album: several.then(|| sid.to_owned()),
            referral: referral(form),
        };
        all.push(told(id, What::Message(Box::new(message))));
    }
    // Beside the message: it is shown as well.
    let wanted = match form.get("OptOutType") {
        Some("STOP") => Some(false),
        Some("START") => Some(true),
        _ => None,
    };
    if let Some(wanted) = wanted {
        let consent = What::Consent { from: party, category: EVERYTHING.to_owned(), wanted };
        all.push(told(format!("{sid}/consent"), consent));
    }
    Ok(all)
}

/// Files each on their own, the text under the first of them.
fn contents(form: &Form, whatsapp: bool) -> Vec<Content> {
    let text = form.get("Body");
    let media = media(form, text);
    if !media.is_empty() {
        return media.into_iter().map(Content::Media).collect();
    }
    // Buttons are WhatsApp's: in an SMS such a field is somebody else's invention.
    let pressed = form.get("ButtonText").or_else(|| form.get("ListTitle")).filter(|_| whatsapp);
    if let Some(title) = pressed {
        let payload = form.get("ButtonPayload").or_else(|| form.get("ListId")).unwrap_or(title);
        return vec![Content::Choice { title: title.to_owned(), payload: payload.to_owned() }];
    }
    if let Some(data) = form.get("InteractiveData").or_else(|| form.get("FlowData")) {
        let answers = serde_json::from_str(data).unwrap_or_else(|_| Value::String(data.to_owned()));
        return vec![Content::Form { name: form.owned("Body"), answers }];
    }
    let coordinate =
        |name| form.get(name).and_then(|number| number.parse::<f64>().ok()).filter(|number| number.is_finite());
    if let (Some(latitude), Some(longitude)) = (coordinate("Latitude"), coordinate("Longitude")) {
        let name = form.owned("Label").or_else(|| form.owned("Body"));
        return vec![Content::Location { latitude, longitude, name, address: form.owned("Address") }];
    }
    vec![Content::Text { text: text.unwrap_or_default().to_owned() }]
}

/// `NumMedia` says how many there are; one whose URL is missing is shown as gone rather than not at all.
fn media(form: &Form, text: Option<&str>) -> Vec<Media> {
    let told = form.get("NumMedia").and_then(|count| count.parse::<usize>().ok()).unwrap_or(0).min(MAX_MEDIA);
    let mut all = Vec::new();
    for at in 0..MAX_MEDIA {
        let url = form.owned(&format!("MediaUrl{at}"));
        if url.is_none() && at >= told {
            break;
        }
        let mime = form.owned(&format!("MediaContentType{at}"));
        all.push(Media {
            sort: mime.as_deref().map_or(MediaSort::Document, sort),
            at: url.map_or(MediaAt::Gone, MediaAt::Url),
            mime,
            file_name: form.owned(&format!("MediaFileName{at}")),
            caption: if at == 0 { text.map(str::to_owned) } else { None },
            size: None,
            seconds: None,
            sha256: None,
        });
    }
    all
}

fn sort(mime: &str) -> MediaSort {
    match mime.split(';').next().unwrap_or_default().trim() {
        "image/gif" => MediaSort::Animation,
        other if other.starts_with("image/") => MediaSort::Image,
        other if other.starts_with("audio/") => MediaSort::Audio,
        other if other.starts_with("video/") => MediaSort::Video,
        _ => MediaSort::Document,
    }
}

fn referral(form: &Form) -> Option<Referral> {
    let referral = Referral {
        url: form.owned("ReferralSourceUrl"),
        title: form.owned("ReferralHeadline"),
        body: form.owned("ReferralBody"),
        source: form.owned("ReferralSourceId"),
    };
    let told = [&referral.url, &referral.title, &referral.body, &referral.source].iter().any(|part| part.is_some());
    told.then_some(referral)
}
