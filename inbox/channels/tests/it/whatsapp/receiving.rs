//! Webhooks: what is WhatsApp's alone.

use super::samples::{VERIFY, adapter, bare, change, id, value};
use crate::fixtures::walk;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use trunkline_channels::model::{By, Content, DeliveryState, Identity, Level, MediaAt, Message, Told, What};
use trunkline_channels::whatsapp::signature::handshake;
use trunkline_channels::whatsapp::window::{Window, free_entry, window};
use trunkline_channels::{Adapter as _, Refused};

fn parse(body: &[u8]) -> Vec<Told> {
    adapter().parse(body).unwrap()
}

fn messages(told: &[Told]) -> Vec<&Message> {
    told.iter()
        .filter_map(|one| if let What::Message(message) = &one.what { Some(message.as_ref()) } else { None })
        .collect()
}

#[test]
fn a_webhook_of_many_entries_tells_each_thing_in_its_order() {
    let line = |line: &str, texts: &[&str]| {
        let messages: Vec<Value> = texts
            .iter()
            .map(|id| {
                let mut message = bare("text", &json!({ "body": id }));
                message["id"] = json!(id);
                message
            })
            .collect();
        let mut value = value("messages", &json!(messages));
        value["metadata"]["phone_number_id"] = json!(line);
        json!({ "field": "messages", "value": value })
    };
    let body = json!({ "object": "whatsapp_business_account", "entry": [
        { "id": "1", "changes": [line("A", &["a", "b"]), line("B", &["c"])] },
        { "id": "2", "changes": [line("C", &["d"])] },
    ] });
    let told = parse(body.to_string().as_bytes());
    let seen: Vec<(&str, &str)> = told.iter().map(|one| (one.line.as_deref().unwrap(), one.key.as_str())).collect();
    assert_eq!(seen, [("A", "message:a"), ("A", "message:b"), ("B", "message:c"), ("C", "message:d")]);
    assert_eq!(told[0].at, DateTime::from_timestamp(1_760_000_001, 0));
}

#[test]
fn a_time_may_be_text_or_a_number() {
    for time in [json!("1760000001"), json!(1_760_000_001), json!("1760000001000"), json!(1_760_000_001_000_i64)] {
        let mut message = bare("text", &json!({ "body": "x" }));
        message["timestamp"] = time.clone();
        let told = parse(&change("messages", &value("messages", &json!([message]))));
        assert_eq!(told[0].at, DateTime::from_timestamp(1_760_000_001, 0), "{time}");
    }
    for time in [json!("soon"), json!(null), json!(i64::MAX), json!(-1.5), json!("99999999999999999999")] {
        let mut message = bare("text", &json!({ "body": "x" }));
        message["timestamp"] = time.clone();
        assert_eq!(parse(&change("messages", &value("messages", &json!([message]))))[0].at, None, "{time}");
    }
}

#[test]
fn who_keeps_the_number_to_themselves_is_known_by_the_user_id() {
    let mut all = value(
        "messages",
        &json!([{ "from_user_id": "DE.123abc", "id": "wamid.u", "timestamp": "1", "type": "text",
        "text": { "body": "Hello" } }]),
    );
    all["contacts"] = json!([{ "profile": { "name": "Ada", "username": "@ada" }, "user_id": "DE.123abc" }]);
    let told = parse(&change("messages", &all));
    let message = messages(&told)[0];
    assert_eq!(
        message.from.identities,
        [Identity::WhatsappUser("DE.123abc".to_owned()), Identity::Username("ada".to_owned())]
    );
    assert_eq!(message.chat.0, "DE.123abc");
}

#[test]
fn a_wa_id_goes_before_a_user_id_and_a_number_may_be_another() {
    let mut all = value(
        "messages",
        &json!([{ "from": "5511912345678", "from_user_id": "BR.9", "id": "wamid.u", "timestamp": "1",
        "type": "text", "text": { "body": "Hello" } }]),
    );
    // Brazil's ninth digit: the id is older than it.
    all["contacts"] = json!([{ "profile": { "name": "Bia" }, "wa_id": "551112345678", "user_id": "BR.9" }]);
    let told = parse(&change("messages", &all));
    let message = messages(&told)[0];
    let expected = [
        Identity::WhatsappId("551112345678".to_owned()),
        Identity::Phone("+5511912345678".to_owned()),
        Identity::WhatsappUser("BR.9".to_owned()),
    ];
    assert_eq!(message.from.identities, expected);
    assert_eq!(message.chat.0, "551112345678");
}

#[test]
fn a_message_in_a_group_is_answered_in_the_group() {
    let mut message = bare("text", &json!({ "body": "x" }));
    message["group_id"] = json!("Y2FwaV9ncm91cDox");
    let told = parse(&change("messages", &value("messages", &json!([message]))));
    assert_eq!(messages(&told)[0].chat.0, "Y2FwaV9ncm91cDox");
}

#[test]
fn a_new_number_and_a_new_user_id_are_evidence_that_two_are_one() {
    let system = |system: Value| {
        let mut value = value(
            "messages",
            &json!([{ "from": "491700000001", "id": "wamid.s", "timestamp": "1", "type": "system",
            "system": system }]),
        );
        value.as_object_mut().unwrap().remove("contacts");
        parse(&change("messages", &value)).into_iter().map(|one| one.what).collect::<Vec<_>>()
    };
    let body = "User A changed from 491700000001 to 491700000002".to_owned();
    let number = What::Moved {
        old: Identity::WhatsappId("491700000001".to_owned()),
        new: Identity::WhatsappId("491700000002".to_owned()),
        body: body.clone(),
    };
    let user = What::Moved {
        old: Identity::WhatsappUser("DE.1".to_owned()),
        new: Identity::WhatsappUser("DE.2".to_owned()),
        body: body.clone(),
    };
    let told = system(
        json!({ "type": "user_changed_number", "wa_id": "491700000002", "body": body, "user_id": "DE.2", "previous_user_id": "DE.1" }),
    );
    assert_eq!(told, [number.clone(), user.clone()]);
    let told =
        system(json!({ "type": "user_changed_user_id", "body": body, "user_id": "DE.2", "previous_user_id": "DE.1" }));
    assert_eq!(told, [user]);
    let told = system(json!({ "type": "customer_changed_number", "new_wa_id": "491700000002", "body": body }));
    assert_eq!(told, [number]);
    assert!(matches!(system(json!({ "type": "user_changed_number" })).as_slice(), [What::Unsupported { .. }]));
}

#[test]
fn history_is_told_as_history_with_how_far_each_message_had_come() {
    let mut all = value(
        "history",
        &json!([{ "metadata": { "phase": 0, "chunk_order": 1, "progress": 55 }, "threads": [{
        "id": "491700000001", "messages": [
            { "from": "15550100", "id": "wamid.1", "timestamp": "1759000000", "type": "text", "text": { "body": "Hi" },
              "history_context": { "status": "READ" } },
            { "from": "491700000001", "id": "wamid.2", "timestamp": "1759000001", "type": "media_placeholder",
              "history_context": { "status": "PLAYED" } },
        ] }] }]),
    );
    all.as_object_mut().unwrap().remove("contacts");
    let told = parse(&change("history", &all));
    let found = messages(&told);
    assert!(found.iter().all(|message| message.history && message.chat.0 == "491700000001"));
    assert_eq!(found.iter().map(|message| message.by).collect::<Vec<_>>(), [By::Us, By::Customer]);
    assert!(matches!(&found[1].content, Content::Media(media) if media.at == MediaAt::Gone));
    assert!(told.iter().any(|one| matches!(&one.what, What::Account(change) if change.value == "55 %")));
    let states: Vec<DeliveryState> = told
        .iter()
        .filter_map(|one| if let What::Status(status) = &one.what { Some(status.state) } else { None })
        .collect();
    assert_eq!(states, [DeliveryState::Read]);

    // The file comes later under the same id: it is not taken for a repetition of its placeholder.
    let later = value(
        "messages",
        &json!([{ "from": "491700000001", "id": "wamid.2", "timestamp": "1759000001", "type": "image",
        "image": { "id": "5" } }]),
    );
    let later = parse(&change("history", &later));
    assert!(messages(&later)[0].history);
    assert!(told.iter().all(|one| one.key != later[0].key));
}

#[test]
fn history_that_is_not_shared_is_said() {
    let all = value(
        "history",
        &json!([{ "errors": [{ "code": 2_593_109, "title": "t", "error_data": { "details": "turned off" } }] }]),
    );
    let told = parse(&change("history", &all));
    assert!(
        matches!(&told[0].what, What::Account(change) if change.level == Level::Warning && change.value == "2593109: turned off")
    );
}

#[test]
fn a_status_carries_our_reference_and_what_it_costs() {
    let body = super::samples::status(
        "delivered",
        &json!({ "biz_opaque_callback_data": "ref-9",
        "pricing": { "pricing_model": "PMP", "type": "regular", "category": "marketing" } }),
    );
    let told = parse(&body);
    let What::Status(status) = &told[0].what else { panic!("{told:?}") };
    assert_eq!((status.reference.as_deref(), &status.message), (Some("ref-9"), &id("wamid.ours")));
    let pricing = status.pricing.as_ref().unwrap();
    assert!(pricing.billable && pricing.category == "marketing" && pricing.model.as_deref() == Some("PMP"));
}

#[test]
fn an_event_again_at_another_time_is_another_event() {
    let value = json!({ "event": "VERIFIED_ACCOUNT" });
    let first = parse(&change("account_update", &value));
    let again = parse(&change("account_update", &value));
    let mut later: Value = serde_json::from_slice(&change("account_update", &value)).unwrap();
    later["entry"][0]["time"] = json!(1_770_000_000);
    let later = parse(later.to_string().as_bytes());
    assert_eq!(first[0].key, again[0].key);
    assert_ne!(first[0].key, later[0].key);
}

#[test]
fn what_cannot_be_read_says_where() {
    let error = adapter().parse(b"{\n \"entry\": [,]\n}").unwrap_err();
    assert_eq!(error.at, "byte 14");
    assert_eq!(adapter().parse(br#"{"entry":{}}"#).unwrap_err().at, "$.entry");
}

#[test]
fn the_handshake_is_answered_to_who_knows_the_token() {
    let ask = |mode: &str, token: &str, challenge: &str| {
        handshake(&format!("hub.mode={mode}&hub.verify_token={token}&hub.challenge={challenge}"), VERIFY)
    };
    assert_eq!(ask("subscribe", VERIFY, "1158201444"), Ok("1158201444".to_owned()));
    assert_eq!(ask("subscribe", "other", "1"), Err(Refused::Wrong));
    assert_eq!(ask("unsubscribe", VERIFY, "1"), Err(Refused::Wrong));
    assert_eq!(ask("subscribe", VERIFY, "%3Cscript%3E"), Err(Refused::Wrong));
    assert_eq!(handshake("", VERIFY), Err(Refused::Missing));
    assert_eq!(handshake("hub.mode=subscribe&hub.verify_token=&hub.challenge=1", ""), Err(Refused::Wrong));
}

#[test]
fn without_a_secret_nobody_signs() {
    let mut whatsapp = adapter();
    whatsapp.account.app_secret = String::new();
    let mut headers = http::HeaderMap::new();
    // HMAC-SHA256 of nothing with an empty key.
    let value = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    headers.insert("x-hub-signature-256", http::HeaderValue::from_static(value));
    let webhook = trunkline_channels::Webhook { url: "", headers: &headers, body: b"" };
    assert_eq!(whatsapp.verify(webhook), Err(Refused::Wrong));
}

#[test]
fn the_window_closes_a_day_after_they_wrote() {
    let at: DateTime<Utc> = DateTime::from_timestamp(1_760_000_000, 0).unwrap();
    let until = at + TimeDelta::hours(24);
    assert_eq!(window(Some(at), until - TimeDelta::seconds(1)), Window::Open { until });
    assert_eq!(window(Some(at), until), Window::Closed { since: Some(until) });
    assert_eq!(window(None, at), Window::Closed { since: None });
    assert_eq!(window(Some(DateTime::<Utc>::MAX_UTC), at), Window::Closed { since: None });
    let answered = at + TimeDelta::hours(23);
    let free = answered + TimeDelta::hours(72);
    assert_eq!(free_entry(at, answered, free - TimeDelta::seconds(1)), Some(free));
    assert_eq!(free_entry(at, answered, free), None);
    assert_eq!(free_entry(at, until, until), None);
}

#[test]
fn every_recorded_webhook_tells_something_known() {
    // What these samples are made of is not known to anybody, or is a placeholder where a number belongs.
    let kept_raw = ["messageDeleted", "unknown_notification", "location_notification", "order_notification"];
    for (name, body) in walk("whatsapp") {
        let told = adapter().parse(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!told.is_empty(), "{name}");
        for one in &told {
            let raw = matches!(one.what, What::Unsupported { .. });
            let expected = kept_raw.iter().any(|part| name.ends_with(&format!("{part}.json")));
            assert_eq!(raw, expected, "{name}: {:?}", one.what);
            assert!(!one.key.is_empty());
        }
        for end in 0..body.len() {
            let _ = adapter().parse(&body[..end]);
        }
    }
}
