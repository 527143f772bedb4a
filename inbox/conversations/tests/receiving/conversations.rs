//! Which conversation something belongs to, and what becomes of that.

use chrono::Duration;
use serde_json::{Value, json};
use trunkline_channels::model::{Address, By, Identity, Party, What};
use trunkline_conversations::{Channel, Rules};

use crate::support::{World, ada, came, echoed, kinds, message, minute, said, text, told};

const TG: Channel = Channel::Telegram;
const WA: Channel = Channel::Whatsapp;

const RESOLVE: &str = "UPDATE conversations SET state = 'resolved', resolved_at = last_at, waiting_since = NULL";

#[tokio::test]
async fn one_that_was_resolved_a_while_ago_is_taken_up_again_and_one_of_long_ago_is_not() {
    let world = World::telegram().await.ruled(Rules { reopen_hours: 2, ..Rules::default() });
    world.tell(said(TG, 1, "hi")).await;
    world.run(RESOLVE).await;
    let received = world.tell(said(TG, 100, "one more thing")).await;
    assert_eq!(kinds(&received), ["conversation.reopened", "message.received"]);
    assert_eq!(received.events[0].data["from"], "resolved");
    world.run(RESOLVE).await;
    let received = world.tell(said(TG, 221, "something else")).await;
    assert_eq!(kinds(&received), ["conversation.opened", "message.received"]);
    let rows = world.all("SELECT state, messages FROM conversations ORDER BY opened_at").await;
    assert_eq!(rows, [json!({"state": "resolved", "messages": 2}), json!({"state": "open", "messages": 1})]);
}

#[tokio::test]
async fn one_that_waits_or_sleeps_wakes_when_they_write() {
    let world = World::telegram().await;
    world.tell(said(TG, 1, "hi")).await;
    for (n, sql) in [
        (2, "UPDATE conversations SET state = 'pending'"),
        (3, "UPDATE conversations SET state = 'snoozed', snoozed_until = now() + interval '1 day'"),
    ] {
        world.run(sql).await;
        let received = world.tell(said(TG, n, "still there?")).await;
        assert_eq!(kinds(&received), ["conversation.reopened", "message.received"], "{sql}");
        let row = world.conversation().await;
        assert_eq!((&row["state"], &row["snoozed_until"]), (&json!("open"), &Value::Null));
    }
}

#[tokio::test]
async fn they_wait_since_the_first_that_we_did_not_answer() {
    let world = World::whatsapp().await;
    let waiting = || async {
        let row = world.conversation().await;
        row["waiting_since"].as_str().map(|at| at.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
    };
    world.tell(said(WA, 2, "one")).await;
    world.tell(said(WA, 4, "two")).await;
    assert_eq!(waiting().await, Some(minute(2)));
    // Our answer was given between the two, and is told late.
    world.tell(echoed(WA, 3, "yes?")).await;
    assert_eq!(waiting().await, Some(minute(4)));
    world.tell(echoed(WA, 5, "done")).await;
    assert_eq!(waiting().await, None);
    world.tell(said(WA, 1, "late, and older than our answer")).await;
    assert_eq!(waiting().await, None);
    assert_eq!(world.conversation().await["preview"], "done");
}

#[tokio::test]
async fn spam_and_the_blocked_are_kept_and_wake_nobody() {
    let world = World::telegram().await;
    world.tell(said(TG, 1, "buy")).await;
    world
        .run("UPDATE conversations SET spam = true, state = 'resolved', resolved_at = last_at, waiting_since = NULL")
        .await;
    let received = world.tell(said(TG, 200_000, "buy now")).await;
    assert_eq!(kinds(&received), ["message.received"]);
    assert_eq!(received.events[0].data["quiet"], true);
    let row = world.conversation().await;
    assert_eq!((&row["state"], &row["waiting_since"], &row["messages"]), (&json!("resolved"), &Value::Null, &json!(2)));

    let other = World::telegram().await.ruled(Rules { greeting: Some("Hello!".to_owned()), ..Rules::default() });
    other.tell(said(TG, 1, "first")).await;
    other.run("UPDATE contacts SET blocked_at = now()").await;
    other.run("UPDATE conversations SET state = 'resolved', resolved_at = last_at, waiting_since = NULL").await;
    other.run("UPDATE conversations SET resolved_at = resolved_at - interval '1 year'").await;
    let received = other.tell(said(TG, 2, "let me in")).await;
    assert_eq!(received.events.last().unwrap().data["quiet"], true);
    let rows = other.all("SELECT state, spam, waiting_since FROM conversations ORDER BY created_at").await;
    assert_eq!(rows[1], json!({"state": "resolved", "spam": true, "waiting_since": null}));
    assert_eq!(other.jobs("message.send").await, 1, "the greeting of the first time alone");
}

#[tokio::test]
async fn a_new_number_takes_the_chat_along() {
    let world = World::whatsapp().await;
    world.tell(said(WA, 1, "hi")).await;
    let moved = What::Moved {
        old: Identity::WhatsappId("14155550107".to_owned()),
        new: Identity::WhatsappId("14155550108".to_owned()),
        body: "Ada changed from 14155550107 to 14155550108".to_owned(),
    };
    world.tell(told(2, "moved", moved)).await;
    let row = world.conversation().await;
    assert_eq!(row["address"], "14155550108");
    let line = world.one("SELECT text, content FROM messages WHERE kind = 'moved'").await;
    assert_eq!(line["content"], json!({"from": "14155550107", "to": "14155550108"}));
    let mut again = message(WA, 3, By::Customer, text("me again"));
    (again.chat.0, again.from) = (
        "14155550108".to_owned(),
        Party { identities: vec![Identity::WhatsappId("14155550108".to_owned())], name: None, language: None },
    );
    assert_eq!(kinds(&world.tell(came(3, again)).await), ["message.received"]);
    assert_eq!(world.all("SELECT DISTINCT person_id FROM contacts").await.len(), 1);
}

#[tokio::test]
async fn two_chats_of_who_turn_out_to_be_one_stay_two_and_are_one_persons() {
    let world = World::whatsapp().await;
    world.tell(said(WA, 1, "hi")).await;
    let mut other = message(WA, 2, By::Customer, text("hi from my new phone"));
    other.chat = Address("14155550108".to_owned());
    other.from = Party { identities: vec![Identity::WhatsappId("14155550108".to_owned())], name: None, language: None };
    world.tell(came(2, other)).await;
    let moved = What::Moved {
        old: Identity::WhatsappId("14155550107".to_owned()),
        new: Identity::WhatsappId("14155550108".to_owned()),
        body: String::new(),
    };
    let received = world.tell(told(3, "moved", moved)).await;
    assert!(kinds(&received).contains(&"contact.merged"), "{:?}", kinds(&received));
    let chats = world.all("SELECT address FROM conversations ORDER BY address").await;
    assert_eq!(chats, [json!({"address": "14155550107"}), json!({"address": "14155550108"})]);
    assert_eq!(world.all("SELECT DISTINCT person_id FROM contacts").await.len(), 1);
}

#[tokio::test]
async fn what_they_said_last_of_what_they_want_counts() {
    let world = World::telegram().await;
    world.tell(said(TG, 1, "hi")).await;
    let consent = |minutes, wanted| {
        let what = What::Consent { from: ada(TG), category: "all".to_owned(), wanted };
        told(minutes, &format!("c{minutes}"), what)
    };
    let received = world.tell(consent(3, false)).await;
    assert_eq!(kinds(&received), ["contact.updated", "conversation.updated"]);
    world.tell(consent(2, true)).await;
    let out = "SELECT opted_out_at IS NOT NULL AS out FROM contacts";
    assert_eq!(world.one(out).await, json!({"out": true}));
    world.tell(consent(4, true)).await;
    assert_eq!(world.one(out).await, json!({"out": false}));
    let lines = world.all("SELECT kind FROM messages WHERE direction = 'event' ORDER BY at").await;
    assert_eq!(lines, [json!({"kind": "opted_out"}), json!({"kind": "opted_in"})]);
}

#[tokio::test]
async fn who_comes_and_goes_is_a_line_in_a_chat_that_is_there() {
    let world = World::telegram().await;
    let member = |minutes, joined| {
        let what = What::Member {
            chat: Address("-5".to_owned()),
            title: Some("Board 2".to_owned()),
            who: ada(TG),
            ours: false,
            joined,
        };
        told(minutes, &format!("m{minutes}"), what)
    };
    assert!(world.tell(member(1, true)).await.events.is_empty());
    assert!(world.all("SELECT 1 FROM conversations").await.is_empty());
    let mut line = message(TG, 2, By::Customer, text("hi"));
    (line.chat.0, line.id.0, line.title) = ("-5".to_owned(), "-5/2".to_owned(), Some("Board".to_owned()));
    world.tell(came(2, line)).await;
    assert_eq!(kinds(&world.tell(member(3, false)).await), ["conversation.updated"]);
    let row = world.one("SELECT m.kind, m.text, c.title, c.preview FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.kind = 'left'").await;
    assert_eq!(row, json!({"kind": "left", "text": "Ada", "title": "Board 2", "preview": "hi"}));
}

#[tokio::test]
async fn the_phones_address_book_says_what_people_are_called() {
    let world = World::whatsapp().await;
    let book = |minutes, name: Option<&str>, removed| {
        let what = What::Book { phone: "+14155550107".to_owned(), name: name.map(str::to_owned), removed };
        told(minutes, &format!("b{minutes}"), what)
    };
    assert_eq!(kinds(&world.tell(book(1, Some("Ada Lovelace"), false)).await), ["contact.created"]);
    assert!(world.tell(book(2, None, true)).await.events.is_empty());
    world.tell(said(WA, 3, "hi")).await;
    assert_eq!(world.all("SELECT 1 FROM contacts").await.len(), 1);
}

#[tokio::test]
async fn a_staff_group_is_no_conversation() {
    let world = World::telegram().await;
    world
        .run("INSERT INTO staff_chats (tenant_id, account_id, chat) SELECT tenant_id, id, '-5' FROM channel_accounts")
        .await;
    let mut line = message(TG, 2, By::Customer, text("/stats"));
    (line.chat.0, line.id.0, line.title) = ("-5".to_owned(), "-5/2".to_owned(), Some("Staff".to_owned()));
    assert!(world.tell(came(2, line)).await.events.is_empty());
    assert!(world.all("SELECT 1 FROM conversations").await.is_empty());
}

#[tokio::test]
async fn a_time_from_the_future_or_of_the_stone_age_is_the_time_of_receipt() {
    let world = World::telegram().await;
    let mut future = said(TG, 1, "tomorrow");
    future.at = Some(minute(1) + Duration::days(1));
    world.tell_at(future, minute(1)).await;
    let mut past = said(TG, 2, "1970");
    past.at = Some(chrono::DateTime::UNIX_EPOCH);
    world.tell_at(past, minute(2)).await;
    let row = world.conversation().await;
    assert_eq!(row["last_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), minute(2));
    assert_eq!(row["opened_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), minute(1));
}
