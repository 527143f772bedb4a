//! Two who do it at the same time.

use futures_util::future::join_all;
use serde_json::json;
use trunkline_conversations::{Channel, receive};

use crate::support::{World, minute, said, tell};

const TG: Channel = Channel::Telegram;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_webhooks_of_one_new_chat_make_one_conversation_and_one_contact() {
    let world = World::telegram().await;
    for round in 0..10_i64 {
        let told: Vec<_> = (1..=4)
            .map(|n| {
                let mut told = said(TG, n, "hi");
                told.key = format!("{round}/{n}");
                if let trunkline_channels::model::What::Message(message) = &mut told.what {
                    let user = 1_000 + round;
                    message.chat.0 = user.to_string();
                    message.id.0 = format!("{user}/{n}");
                    message.from.identities = vec![trunkline_channels::model::Identity::TelegramId(user)];
                }
                told
            })
            .collect();
        join_all(told.iter().map(|told| tell(&world.db, &world.account, told, minute(9)))).await;
    }
    let rows = world.all("SELECT count(*) AS n, sum(messages) AS messages, count(DISTINCT contact_id) AS contacts FROM conversations").await;
    assert_eq!(rows, [json!({"n": 10, "messages": 40, "contacts": 10})]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_told_by_two_at_once_is_applied_by_one() {
    let world = World::telegram().await;
    for n in 1..=10 {
        let told = said(TG, n, "hi");
        let received = join_all((0..3).map(|_| tell(&world.db, &world.account, &told, minute(20)))).await;
        assert_eq!(received.iter().filter(|received| !received.events.is_empty()).count(), 1);
    }
    assert_eq!(world.conversation().await["messages"], 10);
}

#[tokio::test]
async fn what_was_not_committed_was_not_told() {
    let world = World::telegram().await;
    let told = said(TG, 1, "hi");
    let mut tx = world.db.tenant(world.account.tenant).await.unwrap();
    assert_eq!(receive(&mut tx, &world.account, &told, minute(1)).await.unwrap().events.len(), 3);
    tx.rollback().await.unwrap();
    assert!(world.all("SELECT 1 FROM conversations").await.is_empty());
    assert_eq!(world.tell(told).await.events.len(), 3);
}
