//! The WhatsApp adapter: the suite that all adapters pass, and what is WhatsApp's alone.

mod receiving;
pub(crate) mod samples;
mod sending;
mod templates;

use crate::conformance::{Answered, Received, Subject, hex, hold};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue};
use samples::{adapter, bare, change, id, message, outgoing, status, value};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;
use trunkline_channels::adapter::{Body, CannotSay, Outcome, Request};
use trunkline_channels::model::{
    By, Card, Choice, Content, DeliveryState, Identity, Level, MediaAt, MediaSort, Message, Say, TemplateButton,
    TemplateHeader, Upload, What, Why,
};

pub(crate) fn sign(body: &[u8]) -> (String, HeaderMap) {
    let mut mac = Hmac::<Sha256>::new_from_slice(samples::SECRET.as_bytes()).unwrap();
    mac.update(body);
    let hex = hex(&mac.finalize().into_bytes());
    let mut headers = HeaderMap::new();
    headers.insert("x-hub-signature-256", HeaderValue::from_str(&format!("sha256={hex}")).unwrap());
    ("https://inbox.example/webhooks/whatsapp/1".to_owned(), headers)
}

pub(crate) fn upload(mime: &str, size: u64, provider_id: Option<&str>) -> Upload {
    Upload {
        key: "blob/1".to_owned(),
        mime: mime.to_owned(),
        file_name: "plan.pdf".to_owned(),
        size,
        url: None,
        provider_id: provider_id.map(str::to_owned),
    }
}

fn file(sort: MediaSort, mime: &str, caption: Option<&str>) -> Say {
    Say::File { sort, file: upload(mime, 1000, Some("777")), caption: caption.map(str::to_owned) }
}

fn sent(request: &Request) -> &Value {
    match &request.body {
        Body::Json(value) => value,
        other => panic!("{other:?}"),
    }
}

fn choice(title: &str) -> Choice {
    Choice { title: title.to_owned(), payload: format!("p-{title}"), description: None }
}

fn is_media(content: &Content, sort: MediaSort) -> bool {
    matches!(content, Content::Media(media) if media.sort == sort && media.at == MediaAt::Id("555".to_owned()))
}

fn received() -> Vec<Received> {
    let one = |kind, content: Value, is_right: fn(&Message) -> bool| Received {
        kind,
        body: message(kind, &content),
        is_right,
    };
    let file =
        json!({ "id": "555", "mime_type": "image/jpeg", "sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" });
    let mut referred = bare("text", &json!({ "body": "Is it there?" }));
    referred["referral"] =
        json!({ "source_url": "https://fb.example/ad", "source_id": "ad-1", "headline": "Lamps", "body": "Half" });
    referred["context"] = json!({ "id": "wamid.before", "forwarded": true });
    vec![
        one("text", json!({ "body": "Hello" }), |m| {
            m.content == Content::Text { text: "Hello".to_owned() } && m.by == By::Customer && !m.history
        }),
        one("image", file.clone(), |m| {
            let Content::Media(media) = &m.content else { return false };
            // Base64 of the digest of nothing, as hex.
            media.sha256.as_deref() == Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
                && is_media(&m.content, MediaSort::Image)
        }),
        one("audio", file.clone(), |m| is_media(&m.content, MediaSort::Audio)),
        one("audio", json!({ "id": "555", "voice": true }), |m| is_media(&m.content, MediaSort::Voice)),
        one("voice", file.clone(), |m| is_media(&m.content, MediaSort::Voice)),
        one("video", file.clone(), |m| is_media(&m.content, MediaSort::Video)),
        one("document", json!({ "id": "555", "filename": "a.pdf", "caption": "Plan" }), |m| {
            let Content::Media(media) = &m.content else { return false };
            media.file_name.as_deref() == Some("a.pdf") && media.caption.as_deref() == Some("Plan")
        }),
        one("sticker", json!({ "id": "555", "animated": false }), |m| is_media(&m.content, MediaSort::Sticker)),
        one("location", json!({ "latitude": 52.5, "longitude": "13.4", "name": "Here" }), |m| {
            matches!(&m.content, Content::Location { latitude, longitude, name: Some(name), .. }
                if (*latitude, *longitude) == (52.5, 13.4) && name == "Here")
        }),
        one(
            "contacts",
            json!([{ "name": { "first_name": "Bo", "last_name": "Example" }, "phones": [{ "phone": "+49 30 1", "type": "WORK" }],
                "emails": [{ "email": "bo@example.com" }], "org": { "company": "Lamps" } }]),
            |m| {
                let Content::Contacts { cards } = &m.content else { return false };
                cards[0].name == "Bo Example" && cards[0].phones == ["+49 30 1"] && cards[0].organisation.is_some()
            },
        ),
        one("interactive", json!({ "type": "button_reply", "button_reply": { "id": "yes", "title": "Yes" } }), |m| {
            m.content == Content::Choice { title: "Yes".to_owned(), payload: "yes".to_owned() }
        }),
        one(
            "interactive",
            json!({ "type": "list_reply", "list_reply": { "id": "r1", "title": "Row", "description": "d" } }),
            |m| m.content == Content::Choice { title: "Row".to_owned(), payload: "r1".to_owned() },
        ),
        one(
            "interactive",
            json!({ "type": "nfm_reply", "nfm_reply": { "name": "flow", "body": "Sent", "response_json": "{\"day\":\"Monday\"}" } }),
            |m| {
                let Content::Form { name, answers } = &m.content else { return false };
                name.as_deref() == Some("flow") && answers["day"] == "Monday"
            },
        ),
        one("button", json!({ "payload": "STOP", "text": "Stop" }), |m| {
            m.content == Content::Choice { title: "Stop".to_owned(), payload: "STOP".to_owned() }
        }),
        one(
            "order",
            json!({ "catalog_id": "c", "text": "Soon, please", "product_items":
                [{ "product_retailer_id": "sku", "quantity": 2, "item_price": "9.5", "currency": "EUR" }] }),
            |m| {
                let Content::Order { items, note, .. } = &m.content else { return false };
                (items[0].quantity, items[0].price) == (2.0, 9.5) && note.as_deref() == Some("Soon, please")
            },
        ),
        one(
            "system",
            json!({ "type": "customer_identity_changed", "body": "Ada has a new phone" }),
            |m| matches!(&m.content, Content::Notice { what, .. } if what == "customer_identity_changed"),
        ),
        Received {
            kind: "request_welcome",
            body: message("request_welcome", &Value::Null),
            is_right: |m| matches!(&m.content, Content::Notice { what, .. } if what == "request_welcome"),
        },
        Received {
            kind: "referral",
            body: change("messages", &value("messages", &json!([referred]))),
            is_right: |m| {
                let referral = m.referral.as_ref().unwrap();
                m.forwarded && m.reply_to == Some(id("wamid.before")) && referral.source.as_deref() == Some("ad-1")
            },
        },
        Received {
            kind: "echo",
            body: change(
                "smb_message_echoes",
                &value(
                    "message_echoes",
                    &json!([{ "from": "15550100", "to": "+491700000001",
                "id": "wamid.echo", "timestamp": "1760000009", "type": "text", "text": { "body": "From the phone" } }]),
                ),
            ),
            is_right: |m| {
                m.by == By::Us
                    && m.chat.0 == "491700000001"
                    && m.from.identities[0] == Identity::WhatsappId("15550100".to_owned())
            },
        },
    ]
}

type Other = (&'static str, Vec<u8>, fn(&What) -> bool);

fn told() -> Vec<Other> {
    let event =
        |field: &'static str, value: Value, is_right: fn(&What) -> bool| (field, change(field, &value), is_right);
    let template = |more: Value| {
        let mut value = json!({ "message_template_id": 12, "message_template_name": "hello", "message_template_language": "en-US" });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        value
    };
    vec![
        (
            "reaction",
            message("reaction", &json!({ "message_id": "wamid.ours", "emoji": "👍" })),
            |what| matches!(what, What::Reacted { message, emoji, .. } if *message == id("wamid.ours") && emoji == &["👍"]),
        ),
        (
            "reaction removed",
            message("reaction", &json!({ "message_id": "wamid.ours" })),
            |what| matches!(what, What::Reacted { emoji, .. } if emoji.is_empty()),
        ),
        (
            "edit",
            message(
                "edit",
                &json!({ "original_message_id": "wamid.text", "message": { "type": "text", "text": { "body": "Better" } } }),
            ),
            |what| {
                let What::Edited { message, content, .. } = what else { return false };
                *message == id("wamid.text") && *content == Content::Text { text: "Better".to_owned() }
            },
        ),
        (
            "revoke",
            message("revoke", &json!({ "original_message_id": "wamid.text" })),
            |what| matches!(what, What::Deleted { messages, .. } if messages == &[id("wamid.text")]),
        ),
        event(
            "user_preferences",
            value(
                "user_preferences",
                &json!([{ "wa_id": "491700000001", "category": "marketing_messages",
            "value": "stop", "timestamp": 1_760_000_005 }]),
            ),
            |what| matches!(what, What::Consent { wanted: false, from, .. } if from.name.as_deref() == Some("Ada Example")),
        ),
        event(
            "smb_app_state_sync",
            value(
                "state_sync",
                &json!([{ "type": "contact", "action": "remove",
            "contact": { "full_name": "Bo", "phone_number": "491700000002" }, "metadata": { "timestamp": "1760000005" } }]),
            ),
            |what| matches!(what, What::Book { phone, removed: true, .. } if phone == "+491700000002"),
        ),
        event("message_template_status_update", template(json!({ "event": "REJECTED", "reason": "SCAM" })), |what| {
            matches!(what, What::Template(t) if (t.what.as_str(), t.value.as_str(), t.language.as_str()) == ("status", "REJECTED", "en_US")
                && t.reason.as_deref() == Some("SCAM"))
        }),
        event(
            "message_template_quality_update",
            template(json!({ "new_quality_score": "RED", "previous_quality_score": "GREEN" })),
            |what| matches!(what, What::Template(t) if (t.what.as_str(), t.value.as_str()) == ("quality", "RED")),
        ),
        event(
            "template_category_update",
            template(json!({ "new_category": "UTILITY", "correct_category": "MARKETING" })),
            |what| matches!(what, What::Template(t) if (t.what.as_str(), t.value.as_str()) == ("category", "MARKETING")),
        ),
        event(
            "message_template_components_update",
            template(json!({ "message_template_element": "Hi {{1}}" })),
            |what| matches!(what, What::Template(t) if (t.what.as_str(), t.value.as_str()) == ("components", "Hi {{1}}")),
        ),
        event(
            "account_update",
            json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "DISABLE" } }),
            |what| matches!(what, What::Account(change) if change.level == Level::Stopped),
        ),
        event(
            "account_update",
            json!({ "event": "VERIFIED_ACCOUNT" }),
            |what| matches!(what, What::Account(change) if change.level == Level::Note),
        ),
        event(
            "account_review_update",
            json!({ "decision": "REJECTED" }),
            |what| matches!(what, What::Account(change) if change.level == Level::Stopped),
        ),
        event(
            "phone_number_quality_update",
            json!({ "event": "FLAGGED", "current_limit": "TIER_1K" }),
            |what| matches!(what, What::Account(change) if change.level == Level::Warning && change.value == "FLAGGED TIER_1K"),
        ),
        event(
            "security",
            json!({ "event": "PIN_RESET_REQUEST" }),
            |what| matches!(what, What::Account(change) if change.level == Level::Warning),
        ),
    ]
}

fn subject(whatsapp: &trunkline_channels::whatsapp::WhatsApp) -> Subject<'_> {
    let error = |code: u32| json!({ "errors": [{ "code": code, "title": "t", "error_data": { "details": "d" } }] });
    let text = |text: &str| outgoing(Say::Text { text: text.to_owned() });
    let card = Card { name: "Bo".to_owned(), phones: vec!["+4930".to_owned()], emails: vec![], organisation: None };
    let mut reply = text("Hello");
    reply.reply_to = Some(id("wamid.text"));
    let mut twice = bare("text", &json!({ "body": "Hello" }));
    twice["timestamp"] = json!(1_760_000_001);
    let both = value("messages", &json!([twice, bare("image", &json!({ "id": "5" }))]));
    let template = Say::Template {
        name: "order".to_owned(),
        language: "en_US".to_owned(),
        header: Some(TemplateHeader::File { sort: MediaSort::Image, file: upload("image/png", 10, Some("777")) }),
        body: vec!["Ada".to_owned()],
        names: vec!["first_name".to_owned()],
        buttons: vec![TemplateButton { index: 1, sort: "url".to_owned(), value: "42".to_owned() }],
    };
    Subject {
        name: "whatsapp",
        adapter: whatsapp,
        debug: format!("{whatsapp:?}"),
        secrets: vec![samples::SECRET, samples::TOKEN, samples::VERIFY],
        sign,
        json: true,
        received: received(),
        told: told(),
        statuses: vec![
            (DeliveryState::Sent, status("sent", &json!({}))),
            (DeliveryState::Delivered, status("delivered", &json!({}))),
            (DeliveryState::Read, status("read", &json!({}))),
            (DeliveryState::Failed, status("failed", &error(131_026))),
        ],
        failures: vec![
            (status("failed", &error(131_047)), Why::WindowClosed),
            (status("failed", &error(131_026)), Why::NoSuchRecipient),
            (status("failed", &error(130_429)), Why::TooMany),
            (status("failed", &error(131_053)), Why::NotAccepted),
            (status("failed", &error(987_654)), Why::Unknown),
            (status("failed", &json!({})), Why::Unknown),
        ],
        twice: vec![
            (message("text", &json!({ "body": "Hello" })), change("messages", &both)),
            (status("read", &json!({})), status("read", &json!({ "timestamp": 1_760_000_002 }))),
        ],
        unknown: vec![
            (message("hologram", &json!({ "shape": "a-new-shape" })), "a-new-shape"),
            (message("unsupported", &json!({ "type": "poll_creation" })), "poll_creation"),
            (message("interactive", &json!({ "type": "a-new-reply" })), "a-new-reply"),
            (status("evaporated", &json!({})), "evaporated"),
            (change("a_new_field", &json!({ "a": "new" })), "a_new_field"),
            (br#"{"object":"page","entry":[{"id":"1","messaging":[{"a":"of-a-page"}]}]}"#.to_vec(), "of-a-page"),
        ],
        unreadable: vec![
            b"".to_vec(),
            b"{".to_vec(),
            b"[]".to_vec(),
            b"{}".to_vec(),
            br#"{"entry":5}"#.to_vec(),
            b"a=b".to_vec(),
        ],
        says: vec![
            ("text", text("See https://example.com"), |r| {
                let body = sent(r);
                body["text"] == json!({ "body": "See https://example.com", "preview_url": true })
                    && body["to"] == "+491700000001"
                    && body["recipient_type"] == "individual"
                    && body["biz_opaque_callback_data"] == "ref-1"
                    && r.url == "https://graph.facebook.com/v26.0/100200300/messages"
                    && !r.repeatable
            }),
            ("reply", reply, |r| sent(r)["context"] == json!({ "message_id": "wamid.text" })),
            ("image", outgoing(file(MediaSort::Image, "image/jpeg", Some("Look"))), |r| {
                sent(r)["image"] == json!({ "id": "777", "caption": "Look" })
            }),
            ("voice", outgoing(file(MediaSort::Voice, "audio/ogg; codecs=opus", None)), |r| {
                sent(r)["audio"] == json!({ "id": "777", "voice": true })
            }),
            ("video", outgoing(file(MediaSort::Video, "video/mp4", None)), |r| sent(r)["type"] == "video"),
            ("document", outgoing(file(MediaSort::Document, "application/pdf", None)), |r| {
                sent(r)["document"] == json!({ "id": "777", "filename": "plan.pdf" })
            }),
            ("sticker", outgoing(file(MediaSort::Sticker, "image/webp", None)), |r| sent(r)["type"] == "sticker"),
            (
                "upload",
                outgoing(Say::File {
                    sort: MediaSort::Image,
                    file: upload("image/png", 5 * 1024 * 1024, None),
                    caption: None,
                }),
                |r| {
                    r.name == "media.upload"
                        && r.url.ends_with("/100200300/media")
                        && matches!(&r.body, Body::File { key, field: "file", .. } if key == "blob/1")
                },
            ),
            ("location", outgoing(Say::Location { latitude: 52.5, longitude: 13.4, name: None, address: None }), |r| {
                sent(r)["location"] == json!({ "latitude": "52.5", "longitude": "13.4" })
            }),
            ("contacts", outgoing(Say::Contacts { cards: vec![card] }), |r| {
                sent(r)["contacts"][0]["name"]["first_name"] == "Bo"
            }),
            (
                "buttons",
                outgoing(Say::Choices { text: "Which?".to_owned(), choices: vec![choice("A"), choice("B")] }),
                |r| {
                    sent(r)["interactive"]["action"]["buttons"][1]
                        == json!({ "type": "reply", "reply": { "id": "p-B", "title": "B" } })
                },
            ),
            (
                "list",
                outgoing(Say::Choices {
                    text: "Which?".to_owned(),
                    choices: ["A", "B", "C", "D"].map(choice).to_vec(),
                }),
                |r| {
                    let list = &sent(r)["interactive"];
                    list["type"] == "list"
                        && list["action"]["button"] == "Choose"
                        && list["action"]["sections"][0]["rows"].as_array().unwrap().len() == 4
                },
            ),
            ("template", outgoing(template), |r| {
                sent(r)["template"]
                    == json!({ "name": "order", "language": { "code": "en_US" }, "components": [
                        { "type": "header", "parameters": [{ "type": "image", "image": { "id": "777" } }] },
                        { "type": "body", "parameters": [{ "type": "text", "parameter_name": "first_name", "text": "Ada" }] },
                        { "type": "button", "sub_type": "url", "index": "1", "parameters": [{ "type": "text", "text": "42" }] },
                    ] })
            }),
            ("reaction", outgoing(Say::React { message: id("wamid.text"), emoji: None }), |r| {
                sent(r)["reaction"] == json!({ "message_id": "wamid.text", "emoji": "" })
            }),
            ("read", outgoing(Say::Read { message: id("wamid.text") }), |r| {
                sent(r) == &json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.text" })
                    && r.repeatable
            }),
            ("typing", outgoing(Say::Typing { message: Some(id("wamid.text")) }), |r| {
                sent(r)["typing_indicator"] == json!({ "type": "text" })
            }),
        ],
        refuses: refusals(),
        answers: answers(),
    }
}

fn refusals() -> Vec<(&'static str, trunkline_channels::model::Outgoing, CannotSay)> {
    let text = |text: String| outgoing(Say::Text { text });
    let large = |sort, mime: &str, size| outgoing(Say::File { sort, file: upload(mime, size, None), caption: None });
    let choices = |choices| outgoing(Say::Choices { text: "Which?".to_owned(), choices });
    let many: Vec<Choice> = (0..11).map(|n| choice(&n.to_string())).collect();
    vec![
        ("nothing", text(" \n".to_owned()), CannotSay::Empty),
        ("a long text", text("ä".repeat(4097)), CannotSay::TooLong { limit: 4096, is: 4097 }),
        (
            "a large image",
            large(MediaSort::Image, "image/png", 5 * 1024 * 1024 + 1),
            CannotSay::TooLarge { limit: 5 * 1024 * 1024, is: 5 * 1024 * 1024 + 1 },
        ),
        (
            "a GIF",
            large(MediaSort::Image, "image/gif", 5),
            CannotSay::FileType { mime: "image/gif".to_owned(), allowed: &["image/jpeg", "image/png"] },
        ),
        ("no choices", choices(vec![]), CannotSay::Empty),
        ("many choices", choices(many), CannotSay::TooManyChoices { limit: 10, is: 11 }),
        ("a long title", choices(vec![choice(&"x".repeat(25))]), CannotSay::Field { field: "title", limit: 24 }),
        (
            "text under a sound",
            outgoing(file(MediaSort::Audio, "audio/mpeg", Some("x"))),
            CannotSay::NoSuchThing("text under a sound or a sticker"),
        ),
        (
            "an edit",
            outgoing(Say::Edit { message: id("1"), text: "x".to_owned() }),
            CannotSay::NoSuchThing("changing a message that was sent"),
        ),
        ("a deletion", outgoing(Say::Delete { message: id("1") }), CannotSay::NoSuchThing("taking a message back")),
        (
            "typing to who never wrote",
            outgoing(Say::Typing { message: None }),
            CannotSay::NoSuchThing("\"is writing\" before they have written"),
        ),
    ]
}

fn answers() -> Vec<Answered> {
    let one = |what, name, status, body: &str, is_right| Answered {
        what,
        name,
        status,
        headers: vec![],
        body: body.as_bytes().to_vec(),
        is_right,
    };
    vec![
        one(
            "sent",
            "messages.send",
            200,
            r#"{"messaging_product":"whatsapp","contacts":[{"input":"+49","wa_id":"49"}],"messages":[{"id":"wamid.new"}]}"#,
            |outcome| *outcome == Outcome::Done { id: Some(id("wamid.new")) },
        ),
        one("without an id", "messages.send", 200, r#"{"messages":[]}"#, |o| matches!(o, Outcome::Unclear { .. })),
        one("empty", "messages.send", 200, "", |o| matches!(o, Outcome::Unclear { .. })),
        one("a proxy's page", "messages.send", 502, "<html>Bad gateway</html>", |o| matches!(o, Outcome::Unclear { .. })),
        one("a proxy's page for a harmless one", "messages.read", 502, "<html>", |o| {
            matches!(o, Outcome::Failed { failure, .. } if failure.why == Why::ProviderDown)
        }),
        one("read", "messages.read", 200, r#"{"success":true}"#, |o| *o == Outcome::Done { id: None }),
        one("uploaded", "media.upload", 200, r#"{"id":"888"}"#, |o| *o == Outcome::Uploaded { media: "888".to_owned() }),
        one(
            "found",
            "media.find",
            200,
            r#"{"url":"https://lookaside.example/x","mime_type":"image/jpeg","sha256":"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855","file_size":"123","id":"5"}"#,
            |o| {
                let Outcome::Found { headers, size, sha256, .. } = o else { return false };
                headers.contains_key("authorization") && *size == Some(123) && sha256.as_ref().unwrap().starts_with("e3b0")
            },
        ),
        Answered {
            what: "too many",
            name: "messages.send",
            status: 400,
            headers: vec![("retry-after", "12")],
            body: br#"{"error":{"message":"(#130429) Rate limit hit","code":130429,"error_data":{"details":"slow"},"fbtrace_id":"A1"}}"#.to_vec(),
            is_right: |o| {
                let Outcome::Failed { failure, after } = o else { return false };
                failure.why.is_temporary() && *after == Some(Duration::from_secs(12)) && failure.detail == "slow (fbtrace_id A1)"
            },
        },
        Answered {
            what: "the account's limit, with its end",
            name: "messages.send",
            status: 400,
            headers: vec![("x-business-use-case-usage", r#"{"9":[{"type":"whatsapp","estimated_time_to_regain_access":3}]}"#)],
            body: br#"{"error":{"code":80007,"message":"m"}}"#.to_vec(),
            is_right: |o| matches!(o, Outcome::Failed { after: Some(after), .. } if after.as_secs() == 180),
        },
        one("token expired", "messages.send", 401, r#"{"error":{"code":190,"error_subcode":463,"message":"expired"}}"#, |o| {
            matches!(o, Outcome::Failed { failure, after: None } if failure.why == Why::Account && failure.code == "190/463")
        }),
        one("window", "messages.send", 400, r#"{"error":{"code":131047,"message":"m"}}"#, |o| {
            matches!(o, Outcome::Failed { failure, .. } if failure.why == Why::WindowClosed && !failure.why.is_temporary())
        }),
        one("down", "messages.send", 500, r#"{"error":{"code":131016,"message":"m"}}"#, |o| {
            matches!(o, Outcome::Failed { failure, .. } if failure.why == Why::ProviderDown)
        }),
        one("passing, by its own word", "messages.send", 500, r#"{"error":{"code":1,"message":"m","is_transient":true}}"#, |o| {
            matches!(o, Outcome::Failed { failure, .. } if failure.why == Why::ProviderDown)
        }),
    ]
}

#[test]
fn whatsapp_does_what_every_adapter_does() {
    let whatsapp = adapter();
    hold(&subject(&whatsapp));
}
