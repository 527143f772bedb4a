//! What is answered by itself.

use chrono::Duration;
use serde_json::{Value, json};
use trunkline_calls::hours::{Day, Hours, Opening};
use trunkline_channels::model::{By, Content};
use trunkline_conversations::{Channel, Rules};

use crate::support::{World, came, kinds, message, minute, said, text};

const TG: Channel = Channel::Telegram;

/// The day of `minute(0)` is a Sunday.
fn rules() -> Rules {
    let monday = Opening { day: Day::Monday, from: "09:00".to_owned(), to: "18:00".to_owned() };
    Rules {
        greeting: Some("Welcome".to_owned()),
        out_of_hours: Some("We are closed".to_owned()),
        hours: Some(Hours { time_zone: "UTC".to_owned(), week: vec![monday] }),
        ..Rules::default()
    }
}

async fn sent(world: &World) -> Vec<String> {
    let rows = world.all("SELECT text FROM messages WHERE direction = 'out' AND author_type = 'system' AND state = 'queued' ORDER BY at").await;
    rows.into_iter().map(|row| row["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_stranger_is_greeted_and_told_that_nobody_is_there_once() {
    let world = World::telegram().await.ruled(rules());
    let received = world.tell(said(TG, 1, "hi")).await;
    assert_eq!(kinds(&received)[2..], ["message.received", "message.queued", "message.queued"]);
    world.tell(said(TG, 2, "hello?")).await;
    assert_eq!(sent(&world).await, ["Welcome", "We are closed"]);
    let row = world.conversation().await;
    // An automatic reply is no answer: they wait, and the list shows what they said.
    assert_eq!((row["preview"].as_str(), row["last_out_at"].as_str()), (Some("hello?"), None));
    assert_ne!(row["waiting_since"], Value::Null);
    let jobs = world.jobs("message.send").await;
    assert_eq!(jobs, 2);
}

#[tokio::test]
async fn whom_we_know_is_not_greeted_again() {
    let world = World::telegram().await.ruled(Rules { out_of_hours: None, reopen_hours: 0, ..rules() });
    world.tell(said(TG, 1, "hi")).await;
    world.run("UPDATE conversations SET state = 'resolved', resolved_at = last_at").await;
    world.tell(said(TG, 9, "again")).await;
    assert_eq!(world.all("SELECT 1 FROM conversations").await.len(), 2);
    assert_eq!(sent(&world).await, ["Welcome"]);
}

#[tokio::test]
async fn while_somebody_is_there_nobody_is_told_otherwise() {
    let world = World::telegram().await.ruled(Rules { greeting: None, ..rules() });
    let mut monday = said(TG, 1, "hi");
    let at = minute(0) + Duration::hours(24);
    monday.at = Some(at);
    world.tell_at(monday, at).await;
    assert_eq!(sent(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn groups_the_history_and_what_was_said_long_ago_are_not_answered() {
    let world = World::telegram().await.ruled(rules());
    let mut group = message(TG, 1, By::Customer, text("hi"));
    (group.chat.0, group.id.0, group.title) = ("-5".to_owned(), "-5/1".to_owned(), Some("Board".to_owned()));
    world.tell(came(1, group)).await;
    let mut old = message(TG, 2, By::Customer, text("long ago"));
    old.history = true;
    world.tell(came(2, old)).await;
    world.tell_at(said(TG, 3, "before your outage"), minute(3) + Duration::hours(3)).await;
    assert_eq!(sent(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_bots_commands_are_answered() {
    let world = World::telegram().await.ruled(Rules {
        help: Some("Ask us anything".to_owned()),
        out_of_hours: None,
        ..rules()
    });
    let command = |n, name: &str| {
        let content = Content::Command { name: name.to_owned(), argument: String::new() };
        came(i64::from(n), message(TG, n, By::Customer, content))
    };
    world.tell(command(1, "start")).await;
    world.tell(command(2, "help")).await;
    let mut hasty = command(3, "help");
    hasty.at = Some(minute(2) + Duration::seconds(3));
    world.tell(hasty).await;
    world.tell(command(4, "start")).await;
    assert_eq!(sent(&world).await, ["Welcome", "Ask us anything"]);
    let first = world.one("SELECT kind, text, content FROM messages WHERE direction = 'in' ORDER BY at LIMIT 1").await;
    assert_eq!(first, json!({"kind": "command", "text": "/start", "content": {"name": "start", "argument": ""}}));
}
