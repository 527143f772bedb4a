//! What we say to Telegram, what it answers, polling, connecting, and the staff's commands.

use crate::support::{answer, json_of, outgoing, recorded, text, upload};
use crate::telegram::bot;
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use trunkline_channels::Adapter;
use trunkline_channels::adapter::{Body, CannotSay, Outcome};
use trunkline_channels::model::{Card, Choice, Failure, MediaSort, Outgoing, ProviderId, Say, Upload, Why};
use trunkline_channels::telegram::poll::{Poll, Polled};
use trunkline_channels::telegram::staff::{CustomerCommand, Lead, News, Period, StaffCommand, Stats, Topic, leads};
use trunkline_channels::telegram::{ALLOWED_UPDATES, moved_to, text::units};

fn said(to: &str, say: Say) -> (String, Value) {
    let request = bot().render(&outgoing(to, say)).unwrap();
    assert_eq!(request.method, http::Method::POST);
    let method = request.url.strip_prefix("https://api.telegram.org/bot7001:a-secret/").unwrap();
    assert_eq!(method, request.name);
    (method.to_owned(), json_of(&request).clone())
}

fn refused(to: &str, say: Say) -> CannotSay {
    bot().render(&outgoing(to, say)).unwrap_err()
}

fn id(id: &str) -> ProviderId {
    ProviderId(id.to_owned())
}

#[test]
fn text_goes_to_the_chat_the_topic_and_the_business() {
    assert_eq!(said("41", text("hi")), ("sendMessage".to_owned(), json!({"chat_id": 41, "text": "hi"})));
    assert_eq!(said("-1001:7", text("hi")).1, json!({"chat_id": -1001, "message_thread_id": 7, "text": "hi"}));
    assert_eq!(said("-1001~8", text("hi")).1, json!({"chat_id": -1001, "direct_messages_topic_id": 8, "text": "hi"}));
    assert_eq!(said("41@bc9", text("hi")).1, json!({"chat_id": 41, "business_connection_id": "bc9", "text": "hi"}));
    assert_eq!(refused("Ada", text("hi")), CannotSay::Address("Ada".to_owned()));
}

#[test]
fn an_answer_names_what_it_answers() {
    let reply = |to: &str, reply: &str| {
        let outgoing = Outgoing { reply_to: Some(id(reply)), ..outgoing(to, text("yes")) };
        bot().render(&outgoing).map(|request| json_of(&request)["reply_parameters"].clone())
    };
    let allowed = |more: Value| {
        let mut wanted = json!({"allow_sending_without_reply": true});
        wanted.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wanted
    };
    assert_eq!(reply("41", "41/9").unwrap(), allowed(json!({"message_id": 9})));
    assert_eq!(reply("41@bc9", "41@bc9/9").unwrap(), allowed(json!({"message_id": 9})));
    assert_eq!(reply("41", "-1001/9").unwrap(), allowed(json!({"message_id": 9, "chat_id": -1001})));
    // A press is no message that could be quoted.
    assert_eq!(reply("41", "press/88").unwrap(), Value::Null);
    assert_eq!(reply("41", "wamid").unwrap_err(), CannotSay::Address("wamid".to_owned()));
}

#[test]
fn length_is_counted_in_utf16() {
    assert_eq!(units("a😆"), 3);
    said("1", text(&"😆".repeat(2048)));
    assert_eq!(refused("1", text(&"😆".repeat(2049))), CannotSay::TooLong { limit: 4096, is: 4098 });
    assert_eq!(refused("1", text(" \n")), CannotSay::Empty);
    let caption =
        |caption: String| Say::File { sort: MediaSort::Image, file: upload("image/png", 5), caption: Some(caption) };
    assert!(bot().render(&outgoing("1", caption("x".repeat(1024)))).is_ok());
    assert_eq!(refused("1", caption("x".repeat(1025))), CannotSay::TooLong { limit: 1024, is: 1025 });
}

#[test]
fn a_file_goes_by_the_method_that_takes_it() {
    for (sort, mime, size, method, field) in [
        (MediaSort::Image, "image/jpeg", 5, "sendPhoto", "photo"),
        (MediaSort::Image, "image/jpeg", 11 << 20, "sendDocument", "document"),
        (MediaSort::Image, "image/svg+xml", 5, "sendDocument", "document"),
        (MediaSort::Image, "image/gif", 5, "sendAnimation", "animation"),
        (MediaSort::Voice, "audio/ogg; codecs=opus", 5, "sendVoice", "voice"),
        (MediaSort::Voice, "audio/webm", 5, "sendDocument", "document"),
        (MediaSort::Audio, "audio/mpeg", 5, "sendAudio", "audio"),
        (MediaSort::Video, "video/mp4", 5, "sendVideo", "video"),
        (MediaSort::Video, "video/x-matroska", 5, "sendDocument", "document"),
        (MediaSort::VideoNote, "video/mp4", 5, "sendVideoNote", "video_note"),
        (MediaSort::Animation, "video/mp4", 5, "sendAnimation", "animation"),
        (MediaSort::Sticker, "image/webp", 5, "sendSticker", "sticker"),
        (MediaSort::Document, "application/zip", 5, "sendDocument", "document"),
    ] {
        let say = Say::File { sort, file: upload(mime, size), caption: None };
        let request = bot().render(&outgoing("-1001:7", say)).unwrap();
        assert_eq!(request.name, method, "{sort:?} {mime}");
        assert!(!request.repeatable);
        let Body::File { fields, field: named, key, .. } = &request.body else { panic!("{:?}", request.body) };
        assert_eq!((*named, key.as_str()), (field, "blobs/1"));
        assert_eq!(fields[0], ("chat_id".to_owned(), "-1001".to_owned()));
        assert_eq!(fields[1], ("message_thread_id".to_owned(), "7".to_owned()));
    }
}

#[test]
fn a_file_that_telegram_has_or_fetches_is_named() {
    let file = Upload { provider_id: Some("AgAC".to_owned()), ..upload("image/png", 5) };
    let sent = said("1", Say::File { sort: MediaSort::Image, file, caption: Some("c".to_owned()) });
    assert_eq!(sent, ("sendPhoto".to_owned(), json!({"chat_id": 1, "photo": "AgAC", "caption": "c"})));
    let file = Upload { key: String::new(), url: Some("https://f.example/a".to_owned()), ..upload("image/png", 5) };
    let sent = said("1", Say::File { sort: MediaSort::Image, file, caption: None });
    assert_eq!(sent.1, json!({"chat_id": 1, "photo": "https://f.example/a"}));
}

#[test]
fn what_telegram_does_not_take_is_told_before() {
    let file = |sort, mime, size, caption: Option<&str>| Say::File {
        sort,
        file: upload(mime, size),
        caption: caption.map(str::to_owned),
    };
    let large = file(MediaSort::Document, "application/zip", 51 << 20, None);
    assert_eq!(refused("1", large.clone()), CannotSay::TooLarge { limit: 50 << 20, is: 51 << 20 });
    let mut local = bot();
    local.local = true;
    assert!(local.render(&outgoing("1", large)).is_ok());
    assert!(matches!(refused("1", file(MediaSort::Sticker, "image/png", 1, None)), CannotSay::FileType { .. }));
    assert!(matches!(refused("1", file(MediaSort::VideoNote, "video/mp4", 1, Some("x"))), CannotSay::NoSuchThing(_)));
    let template = Say::Template {
        name: "n".to_owned(),
        language: "en".to_owned(),
        header: None,
        body: Vec::new(),
        names: Vec::new(),
        buttons: Vec::new(),
    };
    assert!(matches!(refused("1", template), CannotSay::NoSuchThing(_)));
    assert!(matches!(refused("1", Say::Read { message: id("1/5") }), CannotSay::NoSuchThing(_)));
}

#[test]
fn choices_are_buttons_one_under_the_other() {
    let choice =
        |title: &str, payload: &str| Choice { title: title.to_owned(), payload: payload.to_owned(), description: None };
    let say = |choices| Say::Choices { text: "Which?".to_owned(), choices };
    let (method, body) = said("1", say(vec![choice("Berth", "b"), choice("Crane", "c")]));
    assert_eq!(method, "sendMessage");
    let keyboard = json!([[{"text": "Berth", "callback_data": "b"}], [{"text": "Crane", "callback_data": "c"}]]);
    assert_eq!(body["reply_markup"]["inline_keyboard"], keyboard);
    said("1", say(vec![choice("x", &"ö".repeat(32))]));
    assert_eq!(refused("1", say(vec![choice("x", &"ö".repeat(33))])), CannotSay::Field { field: "payload", limit: 64 });
    assert_eq!(refused("1", say(vec![choice("x", "y"); 101])), CannotSay::TooManyChoices { limit: 100, is: 101 });
    assert_eq!(refused("1", say(Vec::new())), CannotSay::Empty);
}

#[test]
fn places_and_people() {
    let place = |name: Option<&str>| Say::Location {
        latitude: 53.5,
        longitude: 8.25,
        name: name.map(str::to_owned),
        address: name.map(|_| "Quay 4".to_owned()),
    };
    assert_eq!(
        said("1", place(None)),
        ("sendLocation".to_owned(), json!({"chat_id": 1, "latitude": 53.5, "longitude": 8.25}))
    );
    let venue = said("1", place(Some("Slipway")));
    assert_eq!(
        (venue.0.as_str(), &venue.1["title"], &venue.1["address"]),
        ("sendVenue", &json!("Slipway"), &json!("Quay 4"))
    );

    let card = Card {
        name: "Cy Marsh".to_owned(),
        phones: vec!["+15550111".to_owned()],
        emails: vec!["cy@harbour.example\nTEL:+1999".to_owned()],
        organisation: None,
    };
    let (method, body) = said("1", Say::Contacts { cards: vec![card.clone()] });
    assert_eq!(method, "sendContact");
    assert_eq!((&body["first_name"], &body["last_name"]), (&json!("Cy"), &json!("Marsh")));
    // A value cannot begin a line of its own.
    assert_eq!(body["vcard"].as_str().unwrap().lines().filter(|line| line.starts_with("TEL")).count(), 1);
    assert!(matches!(refused("1", Say::Contacts { cards: vec![card.clone(), card] }), CannotSay::NoSuchThing(_)));
}

#[test]
fn what_is_done_to_a_message() {
    let react = |emoji: Option<&str>| Say::React { message: id("41/9"), emoji: emoji.map(str::to_owned) };
    assert_eq!(said("41", react(Some("👍"))).1["reaction"], json!([{"type": "emoji", "emoji": "👍"}]));
    assert_eq!(
        said("41", react(None)),
        ("setMessageReaction".to_owned(), json!({"chat_id": 41, "message_id": 9, "reaction": []}))
    );
    let edit = |message: &str| Say::Edit { message: id(message), text: "new".to_owned() };
    assert_eq!(
        said("41", edit("41/9")),
        ("editMessageText".to_owned(), json!({"chat_id": 41, "message_id": 9, "text": "new"}))
    );
    assert_eq!(said("41@bc9", edit("41@bc9/9")).1["business_connection_id"], json!("bc9"));
    assert_eq!(
        said("41", Say::Delete { message: id("41/9") }),
        ("deleteMessage".to_owned(), json!({"chat_id": 41, "message_id": 9}))
    );
    assert_eq!(
        said("41@bc9", Say::Delete { message: id("41@bc9/9") }),
        ("deleteBusinessMessages".to_owned(), json!({"business_connection_id": "bc9", "message_ids": [9]}))
    );
    assert_eq!(
        said("41@bc9", Say::Read { message: id("41@bc9/9") }),
        ("readBusinessMessage".to_owned(), json!({"business_connection_id": "bc9", "chat_id": 41, "message_id": 9}))
    );
    assert_eq!(
        said("-1001:7", Say::Typing { message: None }),
        ("sendChatAction".to_owned(), json!({"chat_id": -1001, "message_thread_id": 7, "action": "typing"}))
    );
    for press in ["press/88", "88"] {
        assert_eq!(
            said("41", Say::Pressed { press: press.to_owned(), text: Some("Noted".to_owned()) }),
            ("answerCallbackQuery".to_owned(), json!({"callback_query_id": "88", "text": "Noted"}))
        );
    }
    assert_eq!(refused("41", edit("SM9")), CannotSay::Address("SM9".to_owned()));
}

#[test]
fn a_guest_is_answered_once_and_the_answer_can_be_changed() {
    let (method, body) = said("-1001!q7", text("At noon"));
    assert_eq!(method, "answerGuestQuery");
    assert_eq!(body["guest_query_id"], json!("q7"));
    assert_eq!(body["result"]["input_message_content"], json!({"message_text": "At noon"}));
    assert!(matches!(refused("-1001!q7", Say::Typing { message: None }), CannotSay::NoSuchThing(_)));
    let answered = understood("answerGuestQuery", 200, r#"{"ok":true,"result":{"inline_message_id":"im7"}}"#);
    assert_eq!(answered, Outcome::Done { id: Some(id("inline/im7")) });
    let change = said("-1001!q7", Say::Edit { message: id("inline/im7"), text: "At one".to_owned() });
    assert_eq!(change, ("editMessageText".to_owned(), json!({"inline_message_id": "im7", "text": "At one"})));
}

#[test]
fn what_stands_under_a_file_is_changed_by_itself() {
    let request = bot().edit_caption(&id("41@bc9/9"), "the new mast").unwrap();
    assert_eq!(request.name, "editMessageCaption");
    let wanted = json!({"chat_id": 41, "message_id": 9, "business_connection_id": "bc9", "caption": "the new mast"});
    assert_eq!(json_of(&request), &wanted);
}

#[test]
fn only_what_makes_no_message_is_repeated() {
    let repeatable = |say| bot().render(&outgoing("41", say)).unwrap().repeatable;
    assert!(!repeatable(text("x")));
    assert!(repeatable(Say::Edit { message: id("41/9"), text: "x".to_owned() }));
    assert!(repeatable(Say::Typing { message: None }));
}

fn understood(name: &'static str, status: u16, body: &str) -> Outcome {
    bot().understand(name, answer(status, &HeaderMap::new(), body))
}

fn failed(body: &str) -> (Failure, Option<Duration>) {
    match understood("sendMessage", 400, body) {
        Outcome::Failed { failure, after } => (failure, after),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_that_was_sent_has_the_id_that_it_is_told_by() {
    let body = json!({"ok": true, "result": {"message_id": 9, "date": 1, "chat": {"id": 41, "type": "private"}}});
    assert_eq!(understood("sendMessage", 200, &body.to_string()), Outcome::Done { id: Some(id("41/9")) });
    let body = json!({"ok": true, "result": {"message_id": 9, "chat": {"id": 41}, "business_connection_id": "bc9"}});
    assert_eq!(understood("sendMessage", 200, &body.to_string()), Outcome::Done { id: Some(id("41@bc9/9")) });
    assert_eq!(understood("sendChatAction", 200, "{\"ok\":true,\"result\":true}"), Outcome::Done { id: None });
}

#[test]
fn refusals_by_their_description() {
    for (code, description, why) in [
        (400, "Bad Request: chat not found", Why::NoSuchRecipient),
        (400, "Bad Request: message is too long", Why::NotAccepted),
        (400, "Bad Request: wrong file_id or the file is temporarily unavailable", Why::NotAccepted),
        (400, "Bad Request: TOPIC_CLOSED", Why::Refused),
        (400, "Bad Request: something of tomorrow", Why::Unknown),
        (401, "Unauthorized", Why::Account),
        (404, "Not Found", Why::Account),
        (403, "Forbidden: bot was blocked by the user", Why::Refused),
        (403, "Forbidden: user is deactivated", Why::NoSuchRecipient),
        (403, "Forbidden: bot was kicked from the supergroup chat", Why::Refused),
        (403, "Forbidden: something of tomorrow", Why::Refused),
        (413, "Request Entity Too Large", Why::NotAccepted),
    ] {
        let body = json!({"ok": false, "error_code": code, "description": description}).to_string();
        let (failure, after) = failed(&body);
        assert_eq!((failure.why, after), (why, None), "{description}");
        assert_eq!((failure.code, failure.detail), (code.to_string(), description.to_owned()));
    }
}

#[test]
fn a_flood_says_how_long_and_a_moved_group_where_to() {
    let (failure, after) = failed(
        r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 14","parameters":{"retry_after":14}}"#,
    );
    assert_eq!((failure.why, after), (Why::TooMany, Some(Duration::from_secs(14))));
    let (failure, _) = failed(
        r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1004001}}"#,
    );
    assert_eq!((failure.why, moved_to(&failure)), (Why::NoSuchRecipient, Some(-1_004_001)));
}

#[test]
fn what_is_so_already_is_done() {
    let body = |words: &str| json!({"ok": false, "error_code": 400, "description": words}).to_string();
    let same = "Bad Request: message is not modified: specified new message content is the same";
    assert_eq!(understood("editMessageText", 400, &body(same)), Outcome::Done { id: None });
    let gone = "Bad Request: message to delete not found";
    assert_eq!(understood("deleteMessage", 400, &body(gone)), Outcome::Done { id: None });
}

#[test]
fn an_answer_that_says_neither_is_unclear_only_where_it_matters() {
    for body in ["<html>Bad Gateway</html>", "", r#"{"ok":false,"error_code":502,"description":"Bad Gateway"}"#] {
        assert!(matches!(understood("sendMessage", 502, body), Outcome::Unclear { .. }), "{body}");
        let Outcome::Failed { failure, .. } = understood("getFile", 502, body) else { panic!("{body}") };
        assert_eq!(failure.why, Why::ProviderDown);
    }
    assert!(matches!(understood("sendMessage", 200, "{\"ok\":tr"), Outcome::Unclear { .. }));
    let Outcome::Failed { failure, .. } = understood("sendDocument", 413, "<html>") else { panic!() };
    assert_eq!(failure.why, Why::NotAccepted);
}

#[test]
fn recorded_answers_are_understood() {
    let Some(files) = recorded("telegram") else { return };
    for (name, why) in [
        ("nutgram_resp_too_long", Why::NotAccepted),
        ("nutgram_resp_too_many_requests", Why::TooMany),
        ("nutgram_resp_user_deactivated", Why::NoSuchRecipient),
        ("nutgram_resp_wrong_file_id", Why::NotAccepted),
    ] {
        let body = &files.iter().find(|(file, _)| file == name).unwrap().1;
        let Outcome::Failed { failure, .. } = understood("sendMessage", 400, std::str::from_utf8(body).unwrap()) else {
            panic!("{name}")
        };
        assert_eq!(failure.why, why, "{name}");
    }
}

#[test]
fn a_file_is_found_where_it_may_be() {
    let found = |account: &trunkline_channels::telegram::Account, path: Option<&str>| {
        let body = json!({"ok": true, "result": {"file_id": "f", "file_size": 5, "file_path": path}}).to_string();
        match account.understand("getFile", answer(200, &HeaderMap::new(), &body)) {
            Outcome::Found { url, size, headers, .. } => {
                assert_eq!((size, headers.len()), (Some(5), 0));
                Ok(url)
            }
            Outcome::Failed { failure, .. } => Err(failure.why),
            other => panic!("{other:?}"),
        }
    };
    let mut account = bot();
    let request = account.media("f-1").unwrap();
    assert_eq!((request.name, json_of(&request)), ("getFile", &json!({"file_id": "f-1"})));
    assert_eq!(
        found(&account, Some("photos/file 1.jpg")).unwrap(),
        "https://api.telegram.org/file/bot7001:a-secret/photos/file%201.jpg"
    );
    assert_eq!(found(&account, None), Err(Why::NotAccepted));
    assert_eq!(found(&account, Some("../../etc/passwd")), Err(Why::NotAccepted));

    account.local = true;
    account.api_base = "http://127.0.0.1:8081".to_owned();
    let on_disk = "/srv/tg/7001:a-secret/documents/file_1.pdf";
    assert_eq!(
        found(&account, Some(on_disk)).unwrap(),
        "http://127.0.0.1:8081/file/bot7001:a-secret/documents/file_1.pdf"
    );
    assert_eq!(found(&account, Some("/etc/passwd")), Err(Why::NotAccepted));
    account.local_root = Some("/srv/tg/".to_owned());
    assert_eq!(found(&account, Some(on_disk)).unwrap(), "file:///srv/tg/7001:a-secret/documents/file_1.pdf");
    for outside in ["/etc/passwd", "/srv/tg/../../etc/passwd", "/srv/tgx/a"] {
        assert_eq!(found(&account, Some(outside)), Err(Why::NotAccepted), "{outside}");
    }
}

#[test]
fn nobody_can_ask_telegram_whether_it_was_sent() {
    assert_eq!(bot().look_for(&outgoing("41", text("hi"))), None);
}

#[test]
fn the_offset_moves_only_with_what_is_committed() {
    let account = bot();
    let headers = HeaderMap::new();
    let mut poll = Poll::new(None, Duration::from_secs(50));
    let first = poll.request(&account);
    assert_eq!((first.name, first.repeatable), ("getUpdates", true));
    assert_eq!(json_of(&first), &json!({"timeout": 50, "limit": 100, "allowed_updates": ALLOWED_UPDATES}));

    let batch = r#"{"ok":true,"result":[{"update_id":10, "message":{}},{"update_id":11,"poll":{}}]}"#;
    let Polled::Updates(updates) = poll.answered(answer(200, &headers, batch)) else { panic!() };
    // Each is kept as it came, letter by letter.
    assert_eq!((updates[0].id, updates[0].body.as_str()), (10, r#"{"update_id":10, "message":{}}"#));
    assert_eq!(poll.request(&account), first, "nothing is committed: the same is asked again");
    poll.committed(99);
    assert_eq!(poll.offset(), None);
    poll.committed(10);
    assert_eq!(json_of(&poll.request(&account))["offset"], json!(11));
    poll.committed(10);
    assert_eq!(poll.offset(), Some(11));
    poll.committed(11);
    assert_eq!(poll.offset(), Some(12));

    // After a quiet week the numbers go on somewhere else.
    poll.answered(answer(200, &headers, r#"{"ok":true,"result":[{"update_id":3,"message":{}}]}"#));
    poll.committed(3);
    assert_eq!(poll.offset(), Some(4));
    assert_eq!(poll.answered(answer(200, &headers, r#"{"ok":true,"result":[]}"#)), Polled::Updates(Vec::new()));
    assert_eq!(poll.offset(), Some(4));
}

#[test]
fn why_nothing_can_be_polled() {
    let headers = HeaderMap::new();
    let mut poll = Poll::new(Some(5), Duration::from_secs(1));
    let mut asked = |status, body: &str| poll.answered(answer(status, &headers, body));
    let refused = |code: u16, words: &str| json!({"ok": false, "error_code": code, "description": words}).to_string();
    let webhook =
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
    assert!(matches!(asked(409, &refused(409, webhook)), Polled::WebhookSet { .. }));
    let other = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
    assert!(matches!(asked(409, &refused(409, other)), Polled::AnotherPoller { .. }));
    let older = "Conflict: terminated by other long poll or webhook";
    assert!(matches!(asked(409, &refused(409, older)), Polled::AnotherPoller { .. }));
    let flood = r#"{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":3}}"#;
    assert_eq!(asked(429, flood), Polled::TooMany { after: Duration::from_secs(3) });
    assert!(matches!(asked(401, &refused(401, "Unauthorized")), Polled::Unauthorized { .. }));
    assert!(matches!(asked(502, "<html>"), Polled::Down { .. }));
    assert!(matches!(asked(200, "{\"ok\":true,\"result\":[{"), Polled::Down { .. }));
    assert_eq!(poll.offset(), Some(5));
}

#[test]
fn connecting_and_health() {
    let account = bot();
    let headers = HeaderMap::new();
    let set = account.set_webhook("https://desk.example/webhooks/telegram/1", 0);
    assert_eq!(
        json_of(&set),
        &json!({"url": "https://desk.example/webhooks/telegram/1", "secret_token": "hook-secret", "max_connections": 1, "allowed_updates": ALLOWED_UPDATES})
    );
    assert_eq!(json_of(&account.delete_webhook()), &json!({"drop_pending_updates": false}));
    assert_eq!(account.get_me().body, Body::Empty);
    let me = r#"{"ok":true,"result":{"id":7001,"is_bot":true,"first_name":"Desk","username":"desk_bot","can_join_groups":true,"can_read_all_group_messages":false,"can_connect_to_business":true}}"#;
    let me = account.read_me(answer(200, &headers, me)).unwrap();
    assert_eq!(
        (me.username.as_deref(), me.joins_groups, me.reads_groups, me.takes_business),
        (Some("desk_bot"), true, false, true)
    );
    let info = r#"{"ok":true,"result":{"url":"https://desk.example/x","pending_update_count":12,"last_error_date":1790000000,"last_error_message":"Wrong response from the webhook: 500 Internal Server Error","allowed_updates":["message"]}}"#;
    let info = account.read_webhook_info(answer(200, &headers, info)).unwrap();
    assert_eq!((info.pending, info.last_error.as_ref().unwrap().0.unwrap().timestamp()), (12, 1_790_000_000));
    assert!(info.not_sent().contains(&"chat_member") && !info.not_sent().contains(&"message"));
    let refused =
        account.read_me(answer(401, &headers, r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#));
    let Outcome::Failed { failure, .. } = *refused.unwrap_err() else { panic!() };
    assert_eq!(failure.why, Why::Account);
}

#[test]
fn commands_of_customers_and_staff() {
    let payload = Some("spring-26".to_owned());
    assert_eq!(CustomerCommand::read("start", " spring-26 "), CustomerCommand::Start { payload });
    assert_eq!(CustomerCommand::read("start", ""), CustomerCommand::Start { payload: None });
    assert_eq!(CustomerCommand::read("help", ""), CustomerCommand::Help);
    assert_eq!(CustomerCommand::read("stats", ""), CustomerCommand::Other);

    assert_eq!(StaffCommand::read("stats", ""), StaffCommand::Stats { period: Period::Today });
    assert_eq!(StaffCommand::read("stats", "Week"), StaffCommand::Stats { period: Period::Week });
    assert!(matches!(StaffCommand::read("stats", "decade"), StaffCommand::Misspelt { .. }));
    assert_eq!(StaffCommand::read("leads", ""), StaffCommand::Leads { count: 10 });
    assert_eq!(StaffCommand::read("leads", "50"), StaffCommand::Leads { count: 50 });
    for wrong in ["0", "51", "-1", "many", "99999999999999999999"] {
        assert!(matches!(StaffCommand::read("leads", wrong), StaffCommand::Misspelt { .. }), "{wrong}");
    }
    assert_eq!(StaffCommand::read("link", "K7-22"), StaffCommand::Link { code: "K7-22".to_owned() });
    assert!(matches!(StaffCommand::read("link", ""), StaffCommand::Misspelt { .. }));
    for topic in Topic::ALL {
        let hear = |wanted| StaffCommand::Hear { topic, wanted };
        assert_eq!(StaffCommand::read("mute", &topic.word().to_uppercase()), hear(false));
        assert_eq!(StaffCommand::read("unmute", topic.word()), hear(true));
    }
    assert!(matches!(StaffCommand::read("mute", "weather"), StaffCommand::Misspelt { .. }));
    assert_eq!(StaffCommand::read("dance", ""), StaffCommand::Other);
}

#[test]
fn figures_read_as_a_person_writes_them() {
    let stats = Stats {
        calls: 12,
        calls_answered: 10,
        calls_abandoned: 2,
        chats: 7,
        chats_resolved: 5,
        waiting_now: 1,
        agents_available: 3,
        average_wait_seconds: Some(95),
        first_reply_seconds: None,
        service_level: Some(0.834),
        new_leads: 4,
    };
    assert_eq!(
        stats.words(Period::Week),
        "Figures of the last 7 days\nCalls: 12 (10 answered, 2 abandoned)\nChats: 7 (5 resolved)\nAverage wait: 1 min\nService level: 83 %\nNew leads: 4\nNow: 1 waiting, 3 agents available"
    );
    let lead = Lead {
        name: "Ada\nQuill".to_owned(),
        channel: "WhatsApp".to_owned(),
        age_seconds: 7500,
        preview: Some("Is the boat\nready?".to_owned()),
        link: Some("https://desk.example/c/1".to_owned()),
    };
    assert_eq!(
        leads(std::slice::from_ref(&lead)),
        "New leads\n1. Ada Quill · WhatsApp · 2 h 05 min ago\n   Is the boat ready?\n   https://desk.example/c/1"
    );
    assert_eq!(leads(&[]), "No new leads");
    assert_eq!(
        News::NewLead(lead).words(),
        "New lead: Ada Quill · WhatsApp\nIs the boat ready?\nhttps://desk.example/c/1"
    );
    let survey =
        News::Survey { name: "Ada".to_owned(), score: 1, comment: Some("Nobody\nanswered".to_owned()), link: None };
    assert_eq!(
        (survey.words().as_str(), survey.topic()),
        ("Not content (1 of 5): Ada\nNobody answered", Topic::Surveys)
    );
    let works = News::ChannelWorks { account: "Desk".to_owned() };
    assert_eq!((works.words().as_str(), works.topic()), ("Desk works again", Topic::Channels));
}

proptest! {
    /// However many leads there are and whatever they wrote, it is one message.
    #[test]
    fn leads_fit_into_one_message(names in proptest::collection::vec(".{0,200}", 0..60), preview in ".{0,400}") {
        let all: Vec<Lead> = names.into_iter().map(|name| Lead {
            name,
            channel: "SMS".to_owned(),
            age_seconds: 5,
            preview: Some(preview.clone()),
            link: None,
        }).collect();
        prop_assert!(units(&leads(&all)) <= 4096);
    }

    #[test]
    fn no_answer_does_harm(status in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let headers = HeaderMap::new();
        let answer = trunkline_channels::adapter::Answer { status, headers: &headers, body: &body };
        for name in ["sendMessage", "getFile", "getUpdates"] {
            let _ = bot().understand(name, answer);
        }
        let _ = Poll::new(None, Duration::ZERO).answered(answer);
    }
}
