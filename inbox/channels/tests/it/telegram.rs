//! What Telegram tells.

use crate::support::{deep_json, line, recorded, samples};
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Value, json};
use trunkline_channels::Adapter;
use trunkline_channels::adapter::{Refused, Webhook};
use trunkline_channels::model::{Content, Identity, Media, Told, What};
use trunkline_channels::telegram::address::{Chat, MessageId};
use trunkline_channels::telegram::{Account, PUBLIC_DOWNLOAD_LIMIT, SECRET_HEADER};

pub(crate) fn bot() -> Account {
    let mut account = Account::new("7001:a-secret", "hook-secret");
    account.username = Some("desk_bot".to_owned());
    account
}

fn told(update: &Value) -> Vec<Told> {
    bot().parse(&serde_json::to_vec(update).unwrap()).unwrap()
}

#[test]
fn each_sample_says_what_stands_beside_it() {
    let mut wrong = Vec::new();
    for sample in samples("telegram.json") {
        let is: Vec<String> = told(&sample["update"]).iter().map(|told| line(&told.what)).collect();
        let wanted: Vec<&str> = sample["is"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        if is != wanted {
            wrong.push(format!("{}\n  is     {is:?}\n  wanted {wanted:?}", sample["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn keys_tell_things_apart_and_the_same_update_has_the_same_ones() {
    let mut keys = std::collections::HashMap::new();
    for sample in samples("telegram.json") {
        let first: Vec<String> = told(&sample["update"]).into_iter().map(|told| told.key).collect();
        let again: Vec<String> = told(&sample["update"]).into_iter().map(|told| told.key).collect();
        assert_eq!(first, again);
        for key in first {
            let name = sample["name"].as_str().unwrap().to_owned();
            if let Some(other) = keys.insert(key.clone(), name.clone()) {
                // One coming, one going, one migration: told twice, in two updates.
                let same = ["migrated", "joined", "left"].iter().any(|word| other.starts_with(word));
                assert!(same, "{key}: {other} and {name}");
            }
        }
    }
}

#[test]
fn a_message_carries_who_when_and_where() {
    let update = samples("telegram.json").into_iter().find(|sample| sample["name"] == "business message").unwrap();
    let all = told(&update["update"]);
    let What::Message(message) = &all[0].what else { panic!("{all:?}") };
    assert_eq!(all[0].at.unwrap().timestamp(), 1_790_000_000);
    assert_eq!(all[0].line.as_deref(), Some("bc9"));
    assert!(message.id.0.starts_with("4101@bc9/"));
    assert_eq!(message.from.identities, [Identity::TelegramId(4101), Identity::Username("adaquill".to_owned())]);
    assert_eq!(message.from.name.as_deref(), Some("Ada Quill"));
    assert_eq!(message.from.language.as_deref(), Some("pt-BR"));
    assert_eq!(message.title, None);
}

/// What each recorded update becomes, by the part of its name; what is not listed is a message of some content.
#[test]
fn every_recorded_update_is_understood() {
    let Some(files) = recorded("telegram") else { return };
    let account = bot();
    let mut wrong = Vec::new();
    for (name, body) in files.iter().filter(|(name, _)| !name.contains("_resp_")) {
        let short = name.trim_start_matches("nutgram_");
        let all = account.parse(body).unwrap_or_else(|refused| panic!("{name}: {refused}"));
        let lines: Vec<String> = all.iter().map(|told| line(&told.what)).collect();
        let begins = match short {
            "inline_query"
            | "chosen_inline_result"
            | "poll"
            | "poll_answer"
            | "chat_boost"
            | "removed_chat_boost"
            | "managed_bot"
            | "chat_member"
            | "my_chat_member" => "ignored",
            "edited_message" | "edited_channel_post" | "edited_business_message" => "edited",
            "deleted_business_messages" => "deleted",
            "message_reaction" | "message_reaction_count" => "reacted",
            "business_connection" => "account",
            "new_chat_members" | "left_chat_member" => "member",
            "migrate_to_chat_id" | "migrate_from_chat_id" => "moved",
            _ => "message",
        };
        if !lines.iter().all(|line| line.starts_with(begins)) || lines.is_empty() {
            wrong.push(format!("{name}: {lines:?}"));
        }
        println!("{short}: {lines:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(files.len() > 100);
}

#[test]
fn recorded_updates_cut_anywhere_do_no_harm() {
    let mut bodies: Vec<Vec<u8>> =
        samples("telegram.json").iter().map(|sample| serde_json::to_vec(&sample["update"]).unwrap()).collect();
    bodies.extend(recorded("telegram").unwrap_or_default().into_iter().map(|(_, body)| body));
    let account = bot();
    for body in bodies {
        for end in 0..body.len() {
            if let Ok(told) = account.parse(&body[..end]) {
                // Only white space was cut off.
                assert!(!told.is_empty());
            }
        }
    }
}

#[test]
fn what_cannot_be_read_says_where() {
    let account = bot();
    for (body, at) in [
        (&b""[..], "line 1 column 0"),
        (b"[]", "$"),
        (b"{}", "$.update_id"),
        (b"{\"update_id\":\"7\"}", "$.update_id"),
        (b"{\"update_id\":7,", "line 1 column 15"),
        (b"\xff\xfe", "line 1 column 1"),
    ] {
        assert_eq!(account.parse(body).unwrap_err().at, at, "{}", String::from_utf8_lossy(body));
    }
    assert!(account.parse(&deep_json("{\"update_id\":1,\"message\":", "}")).is_err());
}

#[test]
fn ten_megabytes_are_read() {
    let update = json!({"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"},
        "from": {"id": 1, "first_name": "A"}, "text": "x".repeat(10_000_000),
        "entities": (0..2000).map(|at| json!({"type": "text_link", "offset": at * 10, "length": 3, "url": "u"})).collect::<Vec<_>>()}});
    let all = told(&update);
    let What::Message(message) = &all[0].what else { panic!() };
    let Content::Text { text } = &message.content else { panic!() };
    assert_eq!(text.matches(" (u)").count(), 2000);
}

#[test]
fn a_webhook_without_the_secret_is_refused() {
    let account = bot();
    let with = |secret: Option<&str>| {
        let mut headers = HeaderMap::new();
        if let Some(secret) = secret {
            headers.insert(SECRET_HEADER, secret.parse().unwrap());
        }
        headers
    };
    let verify = |account: &Account, headers: &HeaderMap| account.verify(Webhook { url: "", headers, body: b"{}" });
    assert_eq!(verify(&account, &with(Some("hook-secret"))), Ok(()));
    assert_eq!(verify(&account, &with(Some("hook-secre"))), Err(Refused::Wrong));
    assert_eq!(verify(&account, &with(Some("Hook-secret"))), Err(Refused::Wrong));
    assert_eq!(verify(&account, &with(None)), Err(Refused::Missing));
    // A bot without a secret believes nobody, not even an empty header.
    assert_eq!(verify(&Account::new("7001:a", ""), &with(Some(""))), Err(Refused::Wrong));
}

#[test]
fn neither_token_nor_secret_is_printed() {
    let printed = format!("{:?}", bot());
    assert!(!printed.contains("secret"), "{printed}");
}

#[test]
fn the_twenty_megabytes_are_known_before_the_question() {
    let mut account = bot();
    assert_eq!(account.download_limit(), Some(PUBLIC_DOWNLOAD_LIMIT));
    let sample = samples("telegram.json").into_iter().find(|sample| sample["name"] == "large document").unwrap();
    let all = told(&sample["update"]);
    let What::Message(message) = &all[0].what else { panic!() };
    let Content::Media(Media { size: Some(size), .. }) = message.content else { panic!() };
    assert!(size > PUBLIC_DOWNLOAD_LIMIT);
    account.local = true;
    assert_eq!(account.download_limit(), None);
}

#[test]
fn settings_are_read_as_they_are_stored() {
    let account: Account =
        serde_json::from_value(json!({"bot_token": "5:t", "secret_token": "s", "api_base": "http://127.0.0.1:9/"}))
            .unwrap();
    assert_eq!(account.bot_id(), Some(5));
    assert_eq!(account.get_me().url, "http://127.0.0.1:9/bot5:t/getMe");
    let account: Account = serde_json::from_value(json!({"bot_token": "../../x"})).unwrap();
    assert_eq!(account.get_me().url, "https://api.telegram.org/bot%2E%2E%2F%2E%2E%2Fx/getMe");
}

proptest! {
    #[test]
    fn no_bytes_do_harm(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = bot().parse(&body);
    }

    /// Any value in any place of a known update.
    #[test]
    fn no_value_does_harm(sample in 0_usize..60, place in 0_usize..60, value in odd_value()) {
        let samples = samples("telegram.json");
        let mut update = samples[sample % samples.len()]["update"].clone();
        let mut at = 0;
        replace(&mut update, place, &mut at, &value);
        if let Ok(all) = bot().parse(&serde_json::to_vec(&update).unwrap()) {
            prop_assert!(!all.is_empty());
            for told in all {
                // What is told can be stored and read again.
                let stored = serde_json::to_string(&told).unwrap();
                prop_assert_eq!(serde_json::from_str::<Told>(&stored).unwrap(), told);
            }
        }
    }

    #[test]
    fn addresses_are_read_as_they_are_written(
        id in any::<i64>(), topic in proptest::option::of(any::<i64>()), direct in proptest::option::of(any::<i64>()),
        business in proptest::option::of("[A-Za-z0-9_:~/-]{1,20}"), guest in proptest::option::of("[ -~]{1,20}"), message in any::<i64>(),
    ) {
        let chat = Chat { id, topic, direct, business: business.clone(), guest };
        prop_assert_eq!(chat.to_string().parse::<Chat>().unwrap(), chat);
        let id = MessageId { chat: id, business, message };
        prop_assert_eq!(id.id().0.parse::<MessageId>().unwrap(), id);
    }

    #[test]
    fn no_address_does_harm(written in ".{0,40}") {
        let _ = written.parse::<Chat>();
        let _ = written.parse::<MessageId>();
    }
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-4000_i32..4000).prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        ".{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[1, "a", {}], null])),
        Just(json!({"id": 3, "text": "t", "type": "x"})),
    ]
}

/// Puts a value into the place of this number, counted through the whole tree.
fn replace(tree: &mut Value, place: usize, at: &mut usize, value: &Value) {
    if *at == place {
        *tree = value.clone();
        *at += 1;
        return;
    }
    *at += 1;
    match tree {
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, place, at, value)),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, place, at, value)),
        _ => {}
    }
}
