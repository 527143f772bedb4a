//! How far our messages are, by their provider.

use serde_json::{Value, json};
use trunkline_channels::model::{DeliveryState, Failure, Pricing, ProviderId, Status, Told, What, Why};
use trunkline_conversations::{Channel, receive};
use uuid::Uuid;

use crate::support::{World, echoed, kinds, minute, said, status, told};

const WA: Channel = Channel::Whatsapp;

/// A message of ours that an attempt was made for, and whose answer never came.
async fn uncertain(world: &World, attempts: i16) -> Vec<Uuid> {
    world.tell(said(WA, 1, "hi")).await;
    world
        .run(
            "INSERT INTO messages (tenant_id, id, conversation_id, account_id, direction, author_type, kind, text, state, at)
             SELECT tenant_id, gen_random_uuid(), id, account_id, 'out', 'agent', 'text', 'hello', 'uncertain', last_at FROM conversations",
        )
        .await;
    let mut ids = Vec::new();
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    for number in 1..=attempts {
        let id = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO send_attempts (tenant_id, id, message_id, number, began_at, ended_at, outcome)
             SELECT tenant_id, $1, id, $2, $3, $3, 'uncertain' FROM messages WHERE direction = 'out'",
        )
        .bind(id)
        .bind(number)
        .bind(minute(1))
        .execute(tx.conn())
        .await
        .unwrap();
        ids.push(id);
    }
    tx.commit().await.unwrap();
    ids
}

fn with_reference(minutes: i64, id: &str, state: DeliveryState, reference: &str) -> Told {
    let what = Status {
        message: ProviderId(id.to_owned()),
        state,
        reference: Some(reference.to_owned()),
        to: None,
        failure: None,
        pricing: None,
    };
    told(minutes, &format!("{id}:{state:?}"), What::Status(what))
}

#[tokio::test]
async fn a_state_never_goes_back() {
    let world = World::whatsapp().await;
    world.tell(echoed(WA, 1, "hello")).await;
    let state = || async { world.one("SELECT state FROM messages").await["state"].as_str().unwrap().to_owned() };
    assert_eq!(kinds(&world.tell(status(WA, 3, 1, DeliveryState::Delivered)).await), ["message.delivered"]);
    assert!(world.tell(status(WA, 2, 1, DeliveryState::Sent)).await.events.is_empty());
    assert_eq!(state().await, "delivered");
    assert_eq!(kinds(&world.tell(status(WA, 5, 1, DeliveryState::Read)).await), ["message.read"]);
    assert!(world.tell(status(WA, 6, 1, DeliveryState::Failed)).await.events.is_empty());
    assert_eq!(state().await, "read");
    let times = world.one("SELECT sent_at, delivered_at, read_at FROM messages").await;
    let at = |name: &str| times[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!((at("sent_at"), at("delivered_at"), at("read_at")), (minute(1), minute(3), minute(5)));
}

#[tokio::test]
async fn a_failure_tells_why_until_it_is_known_better() {
    let world = World::whatsapp().await;
    world.tell(echoed(WA, 1, "hello")).await;
    let failure = Failure { code: "131049".to_owned(), detail: "x\0\ny".to_owned(), why: Why::Filtered };
    let pricing = Pricing { billable: true, category: "service".to_owned(), model: None };
    let mut failed = status(WA, 2, 1, DeliveryState::Failed);
    if let What::Status(status) = &mut failed.what {
        (status.failure, status.pricing) = (Some(failure), Some(pricing));
    }
    let received = world.tell(failed).await;
    assert_eq!(kinds(&received), ["message.failed"]);
    assert_eq!(received.events[0].data["failure"], json!({"code": "131049", "why": "filtered"}));
    let row = world.one("SELECT failure, pricing FROM messages").await;
    assert_eq!(row["failure"], json!({"code": "131049", "detail": "x y", "why": "filtered", "retry": true}));
    assert_eq!(row["pricing"]["category"], "service");
    world.tell(status(WA, 3, 1, DeliveryState::Delivered)).await;
    assert_eq!(world.one("SELECT state, failure FROM messages").await, json!({"state": "delivered", "failure": null}));
}

#[tokio::test]
async fn a_status_that_comes_first_waits_for_its_message() {
    let world = World::whatsapp().await;
    assert!(world.tell(status(WA, 2, 1, DeliveryState::Read)).await.events.is_empty());
    let received = world.tell(echoed(WA, 1, "hello")).await;
    assert_eq!(kinds(&received).last(), Some(&"message.read"));
    assert_eq!(world.one("SELECT state FROM messages").await, json!({"state": "read"}));
    assert_eq!(world.all("SELECT 1 FROM inbound_waiting").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_reference_settles_an_attempt_that_had_no_answer() {
    let world = World::whatsapp().await;
    let attempt = uncertain(&world, 1).await[0];
    // What came without the reference is known to be of it afterwards.
    world.tell(status(WA, 4, 9, DeliveryState::Delivered)).await;
    let received = world.tell(with_reference(3, "wamid.9", DeliveryState::Sent, &attempt.to_string())).await;
    assert_eq!(kinds(&received), ["message.delivered"]);
    let row = world.one("SELECT m.state, m.provider_id, a.outcome, a.provider_id AS attempted FROM messages m JOIN send_attempts a ON a.message_id = m.id").await;
    assert_eq!(row, json!({"state": "delivered", "provider_id": "wamid.9", "outcome": "sent", "attempted": "wamid.9"}));
}

#[tokio::test]
async fn a_reference_that_is_nobodys_settles_nothing() {
    let world = World::whatsapp().await;
    uncertain(&world, 1).await;
    for reference in ["not-one", &Uuid::now_v7().to_string()] {
        let mut status = with_reference(3, "wamid.9", DeliveryState::Sent, reference);
        status.key = reference.to_owned();
        assert!(world.tell(status).await.events.is_empty());
    }
    assert_eq!(world.one("SELECT state FROM messages WHERE direction = 'out'").await, json!({"state": "uncertain"}));
}

#[tokio::test]
async fn a_failure_of_an_earlier_attempt_does_not_fail_the_later() {
    let world = World::whatsapp().await;
    let attempts = uncertain(&world, 2).await;
    world.run("UPDATE messages SET state = 'sending' WHERE direction = 'out'").await;
    let first = attempts[0].to_string();
    world.tell(with_reference(3, "wamid.8", DeliveryState::Failed, &first)).await;
    assert_eq!(world.one("SELECT state FROM messages WHERE direction = 'out'").await, json!({"state": "sending"}));
    let outcome = world.one("SELECT outcome FROM send_attempts WHERE number = 1").await;
    assert_eq!(outcome, json!({"outcome": "failed"}));
}

#[tokio::test]
async fn a_status_of_theirs_is_nothing() {
    let world = World::whatsapp().await;
    world.tell(said(WA, 1, "hi")).await;
    assert!(world.tell(status(WA, 2, 1, DeliveryState::Read)).await.events.is_empty());
    assert_eq!(world.one("SELECT state FROM messages").await, json!({"state": "received"}));
}

#[tokio::test]
async fn another_accounts_status_is_not_of_ours() {
    let world = World::whatsapp().await;
    world.tell(echoed(WA, 1, "hello")).await;
    let other = crate::support::make_account(&world.db, world.account.tenant, WA).await;
    let mut tx = world.db.tenant(other.tenant).await.unwrap();
    let told = status(WA, 2, 1, DeliveryState::Read);
    assert!(receive(&mut tx, &other, &told, minute(2)).await.unwrap().events.is_empty());
    tx.commit().await.unwrap();
    assert_eq!(world.one("SELECT state FROM messages").await, json!({"state": "sent"}));
}
