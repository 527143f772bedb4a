//! What nobody would write by accident.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use trunkline_channels::model::{
    Address, By, Content, Identity, Media, MediaAt, MediaSort, Message, Party, ProviderId, Told, What,
};
use trunkline_conversations::{Channel, Shown};

use crate::support::{World, came, message, minute, said, tell, text, told};

const TG: Channel = Channel::Telegram;

#[tokio::test]
async fn texts_of_any_length_and_signs_are_kept() {
    let world = World::telegram().await;
    world.tell(said(TG, 1, &"я\0".repeat(200_000))).await;
    let row = world.one("SELECT octet_length(text) AS bytes, right(text, 4) AS ending, content FROM messages").await;
    assert!(row["bytes"].as_i64().unwrap() <= 65_536 && row["bytes"].as_i64().unwrap() > 65_500, "{row}");
    assert_eq!((&row["ending"], &row["content"]), (&json!(" […]"), &json!({"cut": true})));
    let tricky = "pay\u{202E}gnp.\u{200B}exe\u{2066}";
    let received = world.tell(said(TG, 2, tricky)).await;
    assert_eq!(world.one("SELECT text FROM messages ORDER BY at DESC LIMIT 1").await["text"], tricky);
    for preview in [world.conversation().await["preview"].clone(), received.events[0].data["preview"].clone()] {
        let inner = preview.as_str().unwrap().trim_matches(['\u{2068}', '\u{2069}']).to_owned();
        assert_eq!(inner, "paygnp.exe");
    }
}

#[tokio::test]
async fn ids_names_and_files_keep_their_bounds() {
    let world = World::telegram().await;
    let mut long = message(TG, 1, By::Customer, text("x"));
    long.id = ProviderId("7/".to_owned() + &"1".repeat(2_000));
    long.reply_to = Some(ProviderId("9".repeat(2_000)));
    long.album = Some("a".repeat(2_000));
    long.title = Some("t\0\n".repeat(2_000));
    long.from.name = Some("n\u{202E}".repeat(2_000));
    long.content = Content::Media(Media {
        sort: MediaSort::Document,
        at: MediaAt::Url(format!("https://x.test/{}", "u".repeat(100_000))),
        mime: Some("m\n".repeat(5_000)),
        file_name: Some(format!("../../{}\u{202E}fdp.exe", "f".repeat(4_000))),
        caption: Some("c".to_owned()),
        size: Some(u64::MAX),
        seconds: Some(u32::MAX),
        sha256: None,
    });
    let mut told = came(1, long.clone());
    told.key = "k\0".repeat(100_000);
    assert_eq!(world.tell(told).await.shown, Shown::Applied);
    // The same under another key is the same still: its id is known by its digest.
    assert!(world.tell(came(1, long)).await.events.is_empty());
}

#[tokio::test]
async fn deep_and_wide_and_endless_json_is_bounded() {
    let world = World::telegram().await;
    let mut deep = json!(1);
    for _ in 0..500 {
        deep = json!([deep]);
    }
    let wide =
        json!((0..5_000).map(|n| (format!("k{n}"), "v".repeat(100))).collect::<std::collections::BTreeMap<_, _>>());
    let endless = json!(vec![1e300; 50_000]);
    for (n, raw) in [deep, wide, endless, json!("x".repeat(1_000_000))].into_iter().enumerate() {
        let n = u32::try_from(n).unwrap() + 1;
        let content = Content::Form { name: None, answers: raw.clone() };
        world.tell(came(i64::from(n), message(TG, n, By::Customer, content))).await;
        let from = Some(crate::support::ada(TG));
        let chat = Some(crate::support::address(TG));
        let unknown = What::Unsupported { what: "x".repeat(10_000), from, chat, raw: raw.clone() };
        world.tell(told(20 + i64::from(n), &format!("u{n}"), unknown)).await;
        // serde drops what is nested by recursion: taken apart by hand.
        unnest(raw);
    }
    assert_eq!(world.all("SELECT 1 FROM messages").await.len(), 8);
}

fn unnest(mut value: Value) {
    while let Value::Array(mut inner) = value {
        match inner.pop() {
            Some(next) => value = next,
            None => return,
        }
    }
}

#[tokio::test]
async fn a_chat_that_is_none_is_not_supported() {
    let world = World::telegram().await;
    for chat in ["", "\0", "abc", "7:", "@"] {
        let mut nowhere = message(TG, 1, By::Customer, text("x"));
        nowhere.chat = Address(chat.to_owned());
        nowhere.id = ProviderId(format!("x/{chat}"));
        let received = world.tell(came(1, nowhere)).await;
        assert_eq!((received.shown, received.events.len()), (Shown::Unsupported, 0), "{chat:?}");
    }
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,30}",
        "[\0\u{202E}\u{2066}\u{200B}\u{FEFF}\\n a]{0,30}",
        Just(String::new()),
        Just("\0".to_owned()),
        "[0-9+:@.~!-]{1,20}",
        (250_usize..520).prop_map(|n| "я".repeat(n)),
    ]
}

fn identity() -> impl Strategy<Value = Identity> {
    prop_oneof![
        words().prop_map(Identity::Phone),
        words().prop_map(Identity::WhatsappId),
        words().prop_map(Identity::WhatsappUser),
        any::<i64>().prop_map(Identity::TelegramId),
        words().prop_map(Identity::Username),
    ]
}

fn party() -> impl Strategy<Value = Party> {
    (prop::collection::vec(identity(), 1..4), prop::option::of(words()), prop::option::of(words()))
        .prop_map(|(identities, name, language)| Party { identities, name, language })
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        words().prop_map(|text| Content::Text { text }),
        (words(), words()).prop_map(|(title, payload)| Content::Choice { title, payload }),
        (words(), words()).prop_map(|(name, argument)| Content::Command { name, argument }),
        (words(), words()).prop_map(|(what, text)| Content::Notice { what, text }),
        (any::<f64>(), any::<f64>(), prop::option::of(words()))
            .prop_map(|(latitude, longitude, name)| { Content::Location { latitude, longitude, name, address: None } }),
        (prop::option::of(words()), words())
            .prop_map(|(name, answer)| Content::Form { name, answers: json!({ answer.clone(): answer }) }),
    ]
}

fn anything() -> impl Strategy<Value = What> {
    let id = || words().prop_map(ProviderId);
    let chat = || words().prop_map(Address);
    let by = prop_oneof![Just(By::Customer), Just(By::Us), Just(By::Bot)];
    let message =
        (id(), party(), chat(), prop::option::of(words()), by, any::<bool>(), content(), prop::option::of(id()));
    prop_oneof![
        message.prop_map(|(id, from, chat, title, by, history, content, reply_to)| {
            What::Message(Box::new(Message {
                id,
                from,
                chat,
                title,
                by,
                history,
                content,
                reply_to,
                forwarded: false,
                album: None,
                referral: None,
            }))
        }),
        (id(), chat(), content()).prop_map(|(message, chat, content)| What::Edited { message, chat, content }),
        (prop::collection::vec(id(), 0..3), chat()).prop_map(|(messages, chat)| What::Deleted { messages, chat }),
        (id(), prop::option::of(party()), chat(), prop::collection::vec(words(), 0..3))
            .prop_map(|(message, from, chat, emoji)| What::Reacted { message, from, chat, emoji }),
        (identity(), identity(), words()).prop_map(|(old, new, body)| What::Moved { old, new, body }),
        (party(), words(), any::<bool>()).prop_map(|(from, category, wanted)| What::Consent { from, category, wanted }),
        (chat(), prop::option::of(words()), party(), any::<bool>(), any::<bool>())
            .prop_map(|(chat, title, who, ours, joined)| What::Member { chat, title, who, ours, joined }),
        (words(), prop::option::of(words()), any::<bool>()).prop_map(|(phone, name, removed)| What::Book {
            phone,
            name,
            removed
        }),
        (words(), prop::option::of(party()), prop::option::of(chat()), words())
            .prop_map(|(what, from, chat, raw)| What::Unsupported { what, from, chat, raw: json!(raw) }),
    ]
}

#[expect(clippy::result_large_err, reason = "the error is proptest's own")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_can_be_told_fails() {
    let world = World::telegram().await;
    let mut accounts = Vec::new();
    for channel in [Channel::Whatsapp, Channel::Telegram, Channel::Sms] {
        accounts.push(crate::support::make_account(&world.db, world.account.tenant, channel).await);
    }
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let handle = Handle::current();
    let told = (
        anything(),
        words(),
        prop::option::of(words()),
        0_usize..3,
        prop::option::of(-9_000_000_000_i64..9_000_000_000),
    );
    let ran = tokio::task::block_in_place(|| {
        runner.run(&told, |(what, key, line, account, seconds)| {
            let at = seconds.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
            let told = Told { at, key, line, what };
            // Any database error panics within.
            let received = handle.block_on(tell(&world.db, &accounts[account], &told, minute(0)));
            for event in received.events {
                prop_assert!(event.data.to_string().len() <= trunkline_journal::MAX_DATA_BYTES);
                prop_assert!(!event.data.to_string().contains("\\u0000"));
            }
            Ok(())
        })
    });
    ran.unwrap_or_else(|wrong| panic!("{wrong}"));
}
