//! Attempts: committed before they are made, and never made again by themselves when it is not known how they ended.

use chrono::{TimeDelta, Utc};
use trunkline_channels::model::{DeliveryState, Failure, ProviderId, Say, What, Why};
use trunkline_conversations::commands::{self, Reply};
use trunkline_conversations::compose::{Piece, Written, pieces};
use trunkline_conversations::send::{self, Attempt, Begun, Ended};
use trunkline_conversations::{Actor, Author, AuthorType, Channel, MessageState, messages};
use trunkline_db::{AgentId, ConversationId, MessageId};
use uuid::Uuid;

use crate::support::{World, said, status};

const WA: Channel = Channel::Whatsapp;

fn text(text: &str) -> Vec<Piece> {
    pieces(&Written { text: Some(text.to_owned()), ..Written::default() }, &[], None).unwrap()
}

/// A conversation in which somebody has written, and a message of ours whose time has come.
async fn written(world: &World) -> (ConversationId, MessageId) {
    world.tell(said(WA, 1, "hi")).await;
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    let id: Uuid = sqlx::query_scalar("SELECT id FROM conversations").fetch_one(tx.conn()).await.unwrap();
    let conversation = ConversationId(id);
    let agent = AgentId::new();
    let author = Author { kind: AuthorType::Agent, id: Some(agent.uuid()), name: Some("Grace".to_owned()) };
    let now = Utc::now();
    let reply = Reply {
        conversation,
        account: world.account.id,
        author: &author,
        by: Actor::Person(agent),
        reply_to: None,
        send_at: now - TimeDelta::seconds(1),
        now: now - TimeDelta::seconds(6),
    };
    let (first, events) = commands::write(&mut tx, &reply, &text("hello")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["message.queued"]);
    (conversation, first.unwrap())
}

async fn begin(world: &World, message: MessageId) -> Begun {
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    let (begun, _) = send::begin(&mut tx, message, Utc::now()).await.unwrap();
    tx.commit().await.unwrap();
    begun
}

async fn attempt(world: &World, message: MessageId) -> Box<Attempt> {
    match begin(world, message).await {
        Begun::Attempt(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

async fn end(world: &World, attempt: Uuid, ended: Ended) -> Vec<String> {
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    let event = send::end(&mut tx, attempt, ended, Utc::now()).await.unwrap();
    tx.commit().await.unwrap();
    event.into_iter().map(|event| event.kind.to_string()).collect()
}

async fn state(world: &World, message: MessageId) -> MessageState {
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    messages::views(&mut tx, &[message]).await.unwrap().remove(0).state
}

fn id(text: &str) -> ProviderId {
    ProviderId(text.to_owned())
}

#[tokio::test]
async fn a_message_is_sent_once_and_counted_once() {
    let world = World::whatsapp().await;
    let (_, message) = written(&world).await;
    assert_eq!(world.jobs(send::SEND).await, 1);
    let attempt = attempt(&world, message).await;
    assert_eq!(attempt.outgoing.say, Say::Text { text: "hello".to_owned() });
    assert_eq!(attempt.outgoing.reference, attempt.id.to_string());
    assert_eq!(end(&world, attempt.id, Ended::Sent(Some(id("wamid.1")))).await, ["message.sent"]);
    assert_eq!(state(&world, message).await, MessageState::Sent);
    // The job runs again: its worker died before it could say so.
    assert!(matches!(begin(&world, message).await, Begun::Nothing));
    assert_eq!(end(&world, attempt.id, Ended::Sent(Some(id("wamid.1")))).await, Vec::<String>::new());
    let usage = world.one("SELECT sum(messages)::bigint AS messages FROM tenant_usage").await;
    assert_eq!(usage["messages"], 2, "theirs and ours");
    let conversation = world.conversation().await;
    assert_eq!((&conversation["preview"], &conversation["waiting_since"]), (&"hello".into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn an_attempt_whose_end_nobody_knows_is_uncertain_and_only_a_person_sends_it_again() {
    let world = World::whatsapp().await;
    let (_, message) = written(&world).await;
    let first = attempt(&world, message).await;
    // Its worker dies here; another takes the job up.
    let Begun::Lost(lost) = begin(&world, message).await else { panic!("it is not lost") };
    assert_eq!(lost, first.id);
    assert_eq!(state(&world, message).await, MessageState::Uncertain);
    assert_eq!(world.jobs(send::LOOK).await, 1, "the provider is asked");
    assert!(matches!(begin(&world, message).await, Begun::Nothing), "nothing sends it again by itself");

    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    let by = Actor::Person(AgentId::new());
    let wrong = send::resend(&mut tx, message, MessageState::Failed, by, Utc::now()).await.unwrap();
    assert!(wrong.is_none());
    assert!(send::resend(&mut tx, message, MessageState::Uncertain, by, Utc::now()).await.unwrap().is_some());
    tx.commit().await.unwrap();
    let second = attempt(&world, message).await;
    assert_ne!(second.id, first.id, "each attempt has a reference of its own");
    end(&world, second.id, Ended::Sent(Some(id("wamid.2")))).await;
    assert_eq!(state(&world, message).await, MessageState::Sent);
}

#[tokio::test]
async fn a_status_with_the_reference_settles_what_was_uncertain() {
    let world = World::whatsapp().await;
    let (_, message) = written(&world).await;
    let attempt = attempt(&world, message).await;
    assert_eq!(end(&world, attempt.id, Ended::Uncertain("no answer".to_owned())).await, ["message.uncertain"]);
    let mut delivered = status(WA, 3, 9, DeliveryState::Delivered);
    if let What::Status(status) = &mut delivered.what {
        status.reference = Some(attempt.id.to_string());
    }
    let received = world.tell(delivered).await;
    assert_eq!(crate::support::kinds(&received), ["message.delivered"]);
    assert_eq!(state(&world, message).await, MessageState::Delivered);
    // The look at the provider comes later, and says nothing new.
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    assert!(send::doubt(&mut tx, attempt.id).await.unwrap().is_none());
    assert!(send::not_there(&mut tx, attempt.id, Utc::now()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_provider_had_not_taken_after_all_is_sent() {
    let world = World::whatsapp().await;
    let (_, message) = written(&world).await;
    let first = attempt(&world, message).await;
    end(&world, first.id, Ended::Uncertain("no answer".to_owned())).await;
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    let doubt = send::doubt(&mut tx, first.id).await.unwrap().expect("it is uncertain");
    assert_eq!(doubt.attempt.outgoing, first.outgoing, "what is looked for is what was said");
    assert!(send::not_there(&mut tx, first.id, Utc::now()).await.unwrap().is_some());
    tx.commit().await.unwrap();
    assert_eq!(state(&world, message).await, MessageState::Queued);
    assert_eq!(world.jobs(send::SEND).await, 2);
}

#[tokio::test]
async fn a_temporary_failure_is_tried_again_and_a_permanent_one_is_told() {
    let world = World::whatsapp().await;
    let (_, message) = written(&world).await;
    let first = attempt(&world, message).await;
    let again = Ended::Again { not_sent: false, detail: "busy".to_owned() };
    assert_eq!(end(&world, first.id, again).await, Vec::<String>::new());
    assert_eq!(state(&world, message).await, MessageState::Queued);
    let second = attempt(&world, message).await;
    let failure = Failure { code: "131026".to_owned(), detail: "not there".to_owned(), why: Why::NoSuchRecipient };
    assert_eq!(end(&world, second.id, Ended::Failed(failure)).await, ["message.failed"]);
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    let view = messages::views(&mut tx, &[message]).await.unwrap().remove(0);
    let failure = view.failure.unwrap();
    assert_eq!((view.state, failure.why, failure.retry), (MessageState::Failed, Why::NoSuchRecipient, false));
    drop(tx);
    let numbers = world.all("SELECT number, outcome FROM send_attempts ORDER BY number").await;
    assert_eq!(numbers.len(), 2);
}

#[tokio::test]
async fn what_waits_can_be_taken_back_and_what_was_begun_cannot() {
    let world = World::whatsapp().await;
    let (_, message) = written(&world).await;
    let by = Actor::Person(AgentId::new());
    let undo = async || {
        let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
        let undone = send::undo(&mut tx, message, by, Utc::now()).await.unwrap().is_some();
        tx.commit().await.unwrap();
        undone
    };
    assert!(undo().await);
    assert!(matches!(begin(&world, message).await, Begun::Nothing));
    assert_eq!(state(&world, message).await, MessageState::Canceled);
    let conversation = world.conversation().await;
    assert_eq!(conversation["preview"], "hi", "it was never said");
    assert!(!conversation["waiting_since"].is_null());
    assert!(!undo().await);
}
