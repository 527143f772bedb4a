//! Telegram and Twilio, held to what every adapter must do.

use crate::conformance::{Answered, Received, Subject, hold};
use crate::support::{form_of, json_of, outgoing, text, upload};
use crate::{telegram, twilio};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use sha1::Sha1;
use trunkline_channels::adapter::{Body, CannotSay, Outcome};
use trunkline_channels::model::{Choice, Content, DeliveryState, MediaSort, ProviderId, Say, Upload, What, Why};
use trunkline_channels::telegram::SECRET_HEADER;
use trunkline_channels::twilio::SIGNATURE_HEADER;

fn received(kind: &'static str, body: Vec<u8>, is_right: fn(&trunkline_channels::model::Message) -> bool) -> Received {
    Received { kind, body, is_right }
}

fn answered(
    what: &'static str,
    name: &'static str,
    status: u16,
    body: &Value,
    is_right: fn(&Outcome) -> bool,
) -> Answered {
    Answered { what, name, status, headers: Vec::new(), body: body.to_string().into_bytes(), is_right }
}

fn failed(outcome: &Outcome, why: Why) -> bool {
    matches!(outcome, Outcome::Failed { failure, .. } if failure.why == why)
}

/// A message of Ada's to the bot, with these fields.
fn update(id: i64, more: &Value) -> Vec<u8> {
    let mut message = json!({
        "message_id": id, "date": 1_790_000_000,
        "from": {"id": 4101, "is_bot": false, "first_name": "Ada"}, "chat": {"id": 4101, "first_name": "Ada", "type": "private"},
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"update_id": 9000 + id, "message": message}).to_string().into_bytes()
}

fn other_update(id: i64, kind: &str, value: &Value) -> Vec<u8> {
    let mut update = json!({"update_id": id});
    update[kind] = value.clone();
    update.to_string().into_bytes()
}

#[test]
fn telegram_is_held() {
    let account = telegram::bot();
    let ada = json!({"id": 4101, "is_bot": false, "first_name": "Ada"});
    let group = json!({"id": -1_002_001, "title": "Crew", "type": "supergroup"});
    let file = |more: &Value| {
        let mut file = json!({"file_id": "f", "file_unique_id": "u", "file_size": 5});
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        file
    };
    let member = |status: &str, was: &str| {
        json!({"chat": group, "from": ada, "date": 1_790_000_000, "old_chat_member": {"status": was, "user": ada},
            "new_chat_member": {"status": status, "user": ada}})
    };
    hold(&Subject {
        name: "telegram",
        debug: format!("{account:?}"),
        adapter: &account,
        secrets: vec!["a-secret", "hook-secret"],
        sign: |_| {
            let mut headers = HeaderMap::new();
            headers.insert(SECRET_HEADER, HeaderValue::from_static("hook-secret"));
            ("https://desk.example/webhooks/telegram/1".to_owned(), headers)
        },
        json: true,
        received: vec![
            received("text", update(1, &json!({"text": "Hello"})), |message| {
                message.content == Content::Text { text: "Hello".to_owned() }
            }),
            received(
                "photo",
                update(2, &json!({"photo": [file(&json!({"width": 9, "height": 9}))]})),
                |message| matches!(&message.content, Content::Media(media) if media.sort == MediaSort::Image),
            ),
            received(
                "voice",
                update(3, &json!({"voice": file(&json!({"duration": 2}))})),
                |message| matches!(&message.content, Content::Media(media) if media.seconds == Some(2)),
            ),
            received("location", update(4, &json!({"location": {"latitude": 1.5, "longitude": 2.5}})), |message| {
                matches!(message.content, Content::Location { .. })
            }),
            received("contact", update(5, &json!({"contact": {"phone_number": "+1", "first_name": "B"}})), |message| {
                matches!(message.content, Content::Contacts { .. })
            }),
            received("a dice", update(6, &json!({"dice": {"emoji": "🎲", "value": 3}})), |message| {
                matches!(message.content, Content::Notice { .. })
            }),
            received(
                "a press",
                other_update(7, "callback_query", &json!({"id": "88", "from": ada, "data": "b"})),
                |message| matches!(message.content, Content::Choice { .. }),
            ),
        ],
        told: vec![
            (
                "edited",
                other_update(
                    8,
                    "edited_message",
                    &json!({"message_id": 1, "date": 1, "edit_date": 2, "from": ada, "chat": {"id": 4101, "type": "private"}, "text": "x"}),
                ),
                |what| matches!(what, What::Edited { .. }),
            ),
            (
                "deleted",
                other_update(
                    9,
                    "deleted_business_messages",
                    &json!({"business_connection_id": "b", "chat": {"id": 1}, "message_ids": [1, 2]}),
                ),
                |what| matches!(what, What::Deleted { messages, .. } if messages.len() == 2),
            ),
            ("joined", other_update(10, "chat_member", &member("member", "left")), |what| {
                matches!(what, What::Member { joined: true, .. })
            }),
            (
                "reaction",
                other_update(
                    11,
                    "message_reaction",
                    &json!({"chat": group, "message_id": 4, "user": ada, "date": 1, "old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "👍"}]}),
                ),
                |what| matches!(what, What::Reacted { emoji, .. } if emoji == &["👍"]),
            ),
            ("a poll", other_update(12, "poll", &json!({"id": "1"})), |what| matches!(what, What::Ignored { .. })),
        ],
        // Telegram tells nothing of what becomes of a message.
        statuses: Vec::new(),
        failures: Vec::new(),
        twice: vec![
            (
                update(20, &json!({"chat": {"id": -4001, "type": "group"}, "migrate_to_chat_id": -1_004_001})),
                update(21, &json!({"chat": {"id": -1_004_001, "type": "supergroup"}, "migrate_from_chat_id": -4001})),
            ),
            (
                other_update(22, "chat_member", &member("left", "member")),
                update(23, &json!({"chat": group, "left_chat_member": ada})),
            ),
        ],
        unknown: vec![
            (other_update(30, "telepathy", &json!({"thought": "of tomorrow"})), "of tomorrow"),
            (update(31, &json!({"hologram": {"beams": "of tomorrow"}})), "of tomorrow"),
            (other_update(32, "chat_member", &member("hovering", "left")), "hovering"),
        ],
        unreadable: vec![Vec::new(), b"{".to_vec(), b"[]".to_vec(), b"{}".to_vec(), b"\xff".to_vec()],
        says: vec![
            ("text", outgoing("4101", text("Hello")), |request| json_of(request)["text"] == json!("Hello")),
            (
                "a file",
                outgoing(
                    "4101",
                    Say::File { sort: MediaSort::Image, file: upload("image/png", 5), caption: Some("c".to_owned()) },
                ),
                |request| matches!(&request.body, Body::File { field: "photo", size: 5, .. }),
            ),
            (
                "choices",
                outgoing(
                    "4101",
                    Say::Choices {
                        text: "Which?".to_owned(),
                        choices: vec![Choice { title: "A".to_owned(), payload: "a".to_owned(), description: None }],
                    },
                ),
                |request| json_of(request)["reply_markup"].is_object(),
            ),
            ("typing", outgoing("4101", Say::Typing { message: None }), |request| request.repeatable),
        ],
        refuses: vec![
            ("nothing", outgoing("4101", text("")), CannotSay::Empty),
            (
                "too long a text",
                outgoing("4101", text(&"x".repeat(4097))),
                CannotSay::TooLong { limit: 4096, is: 4097 },
            ),
            ("a stranger's address", outgoing("wa:1", text("x")), CannotSay::Address("wa:1".to_owned())),
        ],
        answers: vec![
            answered(
                "sent",
                "sendMessage",
                200,
                &json!({"ok": true, "result": {"message_id": 9, "chat": {"id": 4101}}}),
                |outcome| *outcome == Outcome::Done { id: Some(ProviderId("4101/9".to_owned())) },
            ),
            answered(
                "a flood",
                "sendMessage",
                429,
                &json!({"ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 5}}),
                |outcome| matches!(outcome, Outcome::Failed { after: Some(after), .. } if after.as_secs() == 5),
            ),
            answered(
                "blocked",
                "sendMessage",
                403,
                &json!({"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}),
                |outcome| failed(outcome, Why::Refused),
            ),
            answered(
                "found",
                "getFile",
                200,
                &json!({"ok": true, "result": {"file_id": "f", "file_path": "photos/1.jpg"}}),
                |outcome| matches!(outcome, Outcome::Found { .. }),
            ),
        ],
    });
}

/// A message from a mobile, with these fields.
fn message(sid: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([("MessageSid", sid), ("SmsStatus", "received"), ("From", "+15550142"), ("To", "+15550199")]);
    form.extend_pairs(more);
    form.finish().into_bytes()
}

fn status(state: &str, code: Option<&str>) -> Vec<u8> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([("MessageSid", "SM9"), ("MessageStatus", state), ("To", "+15550142")]);
    form.extend_pairs(code.map(|code| ("ErrorCode", code)));
    form.finish().into_bytes()
}

#[test]
fn twilio_is_held() {
    let account = twilio::account();
    let mobile = "+15550142";
    hold(&Subject {
        name: "twilio",
        debug: format!("{account:?}"),
        adapter: &account,
        secrets: vec!["a-token"],
        sign: |body| {
            let url = "https://desk.example/webhooks/twilio/1?reference=a-1";
            let mut fields: Vec<_> = url::form_urlencoded::parse(body).into_owned().collect();
            fields.sort();
            let mut mac = Hmac::<Sha1>::new_from_slice(b"a-token").unwrap();
            mac.update(url.as_bytes());
            for (name, value) in fields {
                mac.update((name + &value).as_bytes());
            }
            let signature = STANDARD.encode(mac.finalize().into_bytes());
            let mut headers = HeaderMap::new();
            headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(&signature).unwrap());
            (url.to_owned(), headers)
        },
        json: false,
        received: vec![
            received("text", message("SM1", &[("Body", "Hello")]), |message| {
                message.content == Content::Text { text: "Hello".to_owned() }
            }),
            received(
                "a picture",
                message(
                    "MM2",
                    &[("NumMedia", "1"), ("MediaUrl0", "https://m.example/0"), ("MediaContentType0", "image/png")],
                ),
                |message| matches!(&message.content, Content::Media(media) if media.sort == MediaSort::Image),
            ),
            received("location", message("SM3", &[("Latitude", "1.5"), ("Longitude", "2.5")]), |message| {
                matches!(message.content, Content::Location { .. })
            }),
            received(
                "a button on WhatsApp",
                b"MessageSid=SM4&SmsStatus=received&From=whatsapp:%2B15550142&Body=OK&ButtonText=OK&ButtonPayload=ok"
                    .to_vec(),
                |message| matches!(&message.content, Content::Choice { payload, .. } if payload == "ok"),
            ),
        ],
        told: vec![("STOP", message("SM5", &[("Body", "STOP"), ("OptOutType", "STOP")]), |what| {
            matches!(what, What::Consent { wanted: false, .. })
        })],
        statuses: vec![
            (DeliveryState::Accepted, status("queued", None)),
            (DeliveryState::Sent, status("sent", None)),
            (DeliveryState::Delivered, status("delivered", None)),
            (DeliveryState::Read, status("read", None)),
            (DeliveryState::Failed, status("undelivered", Some("30003"))),
        ],
        failures: vec![
            (status("failed", Some("21610")), Why::Refused),
            (status("undelivered", Some("30007")), Why::Filtered),
            (status("failed", Some("63016")), Why::WindowClosed),
            (status("failed", Some("12345")), Why::Unknown),
        ],
        // The same message with a field that was added since.
        twice: vec![(message("SM6", &[("Body", "x")]), message("SM6", &[("Body", "x"), ("New", "field")]))],
        unknown: vec![
            (status("pondering", None), "pondering"),
            (b"CallSid=CA1&CallStatus=of+tomorrow".to_vec(), "of tomorrow"),
            (b"{\"EventType\":\"of tomorrow\"}".to_vec(), "of tomorrow"),
        ],
        unreadable: vec![Vec::new(), b"Body=%zz".to_vec(), b"Body=%ff".to_vec(), b"{\"a\":".to_vec()],
        says: vec![
            ("text", outgoing(mobile, text("Hello")), |request| form_of(request).contains(&("Body", "Hello"))),
            (
                "a file",
                outgoing(
                    mobile,
                    Say::File {
                        sort: MediaSort::Image,
                        file: Upload { url: Some("https://f.example/a".to_owned()), ..upload("image/png", 5) },
                        caption: None,
                    },
                ),
                |request| form_of(request).contains(&("MediaUrl", "https://f.example/a")),
            ),
        ],
        refuses: vec![
            ("nothing", outgoing(mobile, text(" ")), CannotSay::Empty),
            (
                "too long a text",
                outgoing(mobile, text(&"x".repeat(1601))),
                CannotSay::TooLong { limit: 1600, is: 1601 },
            ),
        ],
        answers: vec![
            answered("taken", "messages.send", 201, &json!({"sid": "SM7", "status": "queued"}), |outcome| {
                *outcome == Outcome::Done { id: Some(ProviderId("SM7".to_owned())) }
            }),
            answered("no number", "messages.send", 400, &json!({"code": 21211, "message": "m"}), |outcome| {
                failed(outcome, Why::NoSuchRecipient)
            }),
            Answered {
                headers: vec![("retry-after", "5")],
                ..answered(
                    "a flood",
                    "messages.send",
                    429,
                    &json!({"code": 20429}),
                    |outcome| matches!(outcome, Outcome::Failed { after: Some(after), .. } if after.as_secs() == 5),
                )
            },
            answered("a list", "messages.list", 200, &json!({"messages": []}), |outcome| {
                *outcome == Outcome::Done { id: None }
            }),
        ],
    });
}
