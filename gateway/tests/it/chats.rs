//! Chats that wait in a queue, and the agents whom the router gives them to.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use trunkline::calls::{CallConfig, CallControl, CallMetrics};
use trunkline::metrics::Metrics;
use trunkline_conversations::{Assignee, Change, What, touch};
use trunkline_db::{AgentId, ConversationId, DbError, QueueId};
use trunkline_journal::{Filter, Item, Outcome, Start, Subscription};
use uuid::Uuid;

use crate::calls::queue;
use crate::platform::{ok, send};
use crate::support::{App, User, problem};

/// The demo's queue, and what becomes of its chats.
struct Inbox {
    app: App,
    queue: QueueId,
    account: Uuid,
    changes: Subscription,
}

impl Inbox {
    async fn open() -> Self {
        let app = App::start().await;
        let queue = queue(&app.admin().await, "sales").await;
        let account = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO channel_accounts (tenant_id, id, type, name, settings, secrets_sealed, queue_id, enabled)
             VALUES ($1, $2, 'whatsapp', 'Shop', '{}', '\\x00', $3, false)",
        )
        .bind(app.tenant)
        .bind(account)
        .bind(queue)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
        let kinds = ["conversation.assigned".parse().unwrap()];
        let filter = Filter::all().kinds(kinds);
        let changes = app.state.journal.hub().subscribe(app.tenant, Start::live(), filter).await.unwrap();
        Self { app, queue, account, changes }
    }

    /// Somebody writes for the first time.
    async fn opens(&self) -> ConversationId {
        let (chat, contact) = (ConversationId::new(), Uuid::now_v7());
        let (tenant, account, queue) = (self.app.tenant, self.account, self.queue);
        let opened = self.app.state.journal.command::<(), DbError, _>(tenant, move |tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO contacts (tenant_id, id, person_id, display_name) VALUES ($1, $2, $2, 'Carla')")
                    .bind(tenant)
                    .bind(contact)
                    .execute(tx.conn())
                    .await?;
                sqlx::query(
                    "INSERT INTO conversations (tenant_id, id, channel, account_id, contact_id, address, queue_id, opened_at, last_at,
                         waiting_since)
                     VALUES ($1, $2, 'whatsapp', $3, $4, $5, $6, now(), now(), now())",
                )
                .bind(tenant)
                .bind(chat)
                .bind(account)
                .bind(contact)
                .bind(chat.to_string())
                .bind(queue)
                .execute(tx.conn())
                .await?;
                Ok(Outcome::new(()).events(touch(tx, chat, Change::new(What::Opened)).await?))
            })
        });
        opened.await.unwrap();
        chat
    }

    async fn change(&self, chat: ConversationId, what: What) {
        let changed = self.app.state.journal.command::<(), DbError, _>(self.app.tenant, move |tx| {
            let what = what.clone();
            Box::pin(async move { Ok(Outcome::new(()).events(touch(tx, chat, Change::new(what)).await?)) })
        });
        changed.await.unwrap();
    }

    /// Waits until a chat is given to somebody: which, to whom, and what is told of it.
    async fn next_assigned(&mut self) -> (ConversationId, AgentId, Value) {
        let next = async {
            loop {
                for item in self.changes.next().await.items {
                    if let Item::Event(frame) = item {
                        let event: Value = serde_json::from_str(frame.event_str()).unwrap();
                        let id = |value: &Value| value.as_str().unwrap().parse().unwrap();
                        let agent = AgentId(id(&event["data"]["conversation"]["agent_id"]));
                        return (ConversationId(id(&event["subject"]["id"])), agent, event["data"].clone());
                    }
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), next).await.expect("a chat is given to somebody")
    }

    async fn agent_of(&self, chat: ConversationId) -> Option<AgentId> {
        sqlx::query_scalar("SELECT agent_id FROM conversations WHERE id = $1")
            .bind(chat)
            .fetch_one(&mut self.app.owner().await)
            .await
            .unwrap()
    }
}

async fn has_room_for(admin: &User, user: &User, chats: u8) -> Value {
    let path = format!("/api/v1/agents/{}/chat-capacity", user.id);
    ok(send(admin, Method::PUT, &path, &json!({ "chat_capacity": chats })).await).await
}

#[tokio::test]
async fn chats_are_shared_by_who_is_there_and_wait_while_all_hands_are_full() {
    let mut inbox = Inbox::open().await;
    let (admin, olga) = (inbox.app.admin().await, inbox.app.operator().await);
    let otto = inbox.app.sign_in("operator2@demo.test").await;
    for operator in [&olga, &otto] {
        assert_eq!(has_room_for(&admin, operator, 1).await["chat_capacity"], 1);
    }
    // It waited before anybody was there.
    let first = inbox.opens().await;
    olga.set_state("available").await;
    let (chat, agent, data) = inbox.next_assigned().await;
    assert_eq!((chat, agent), (first, AgentId::from(olga.id)));
    assert_eq!((&data["by"], data["waited_ms"].is_u64()), (&json!("router"), true), "{data}");

    otto.set_state("available").await;
    let second = inbox.opens().await;
    let (chat, agent, _) = inbox.next_assigned().await;
    assert_eq!((chat, agent), (second, AgentId::from(otto.id)), "who has less in hand");

    let third = inbox.opens().await;
    inbox.change(second, What::Resolved).await;
    let (chat, agent, _) = inbox.next_assigned().await;
    assert_eq!((chat, agent), (third, AgentId::from(otto.id)), "what is resolved makes room");

    // A pause: what comes then is for whoever has room and takes work.
    otto.set_state("paused").await;
    let fourth = inbox.opens().await;
    inbox.change(third, What::Pending).await;
    inbox.change(first, What::Snoozed { until: chrono::Utc::now() + chrono::TimeDelta::days(1) }).await;
    let (chat, agent, _) = inbox.next_assigned().await;
    assert_eq!((chat, agent), (fourth, AgentId::from(olga.id)), "not to who pauses, though they have room");
    let agents = olga.get_json("/api/v1/agents").await;
    let seen = agents["items"].as_array().unwrap().iter().find(|agent| agent["id"] == json!(olga.id)).unwrap();
    assert_ne!(seen["activity"], "on_contact", "chats are no contact that one is on: {seen}");
}

#[tokio::test]
async fn what_is_taken_by_hand_counts_and_what_is_given_back_goes_to_another() {
    let mut inbox = Inbox::open().await;
    let (admin, olga) = (inbox.app.admin().await, inbox.app.operator().await);
    let otto = inbox.app.sign_in("operator2@demo.test").await;
    has_room_for(&admin, &olga, 1).await;
    let (to_olga, queue) = (AgentId::from(olga.id), Some(inbox.queue));
    let own = inbox.opens().await;
    let by_hand = Assignee { agent_id: Some(to_olga), team_id: None, queue_id: queue };
    inbox.change(own, What::Assigned(by_hand)).await;
    assert_eq!(inbox.next_assigned().await.1, to_olga);
    olga.set_state("available").await;
    let other = inbox.opens().await;
    inbox.change(own, What::Assigned(Assignee { agent_id: None, ..by_hand })).await;
    let (chat, agent, _) = inbox.next_assigned().await;
    assert_eq!((chat, agent), (other, to_olga), "her hands were full, and what she gave back is not for her");
    otto.set_state("available").await;
    let (chat, agent, _) = inbox.next_assigned().await;
    assert_eq!((chat, agent), (own, AgentId::from(otto.id)));
}

#[tokio::test]
async fn a_gateway_that_starts_goes_on_with_what_the_records_say() {
    let mut inbox = Inbox::open().await;
    let (admin, olga) = (inbox.app.admin().await, inbox.app.operator().await);
    has_room_for(&admin, &olga, 1).await;
    olga.set_state("available").await;
    let first = inbox.opens().await;
    assert_eq!(inbox.next_assigned().await.0, first);
    let second = inbox.opens().await;
    let third = inbox.opens().await;
    inbox.app.stop().await;
    // Nobody tells of it.
    sqlx::query(
        "UPDATE conversations SET state = 'resolved', resolved_at = now(), version = version + 1 WHERE id = $1",
    )
    .bind(first)
    .execute(&mut inbox.app.owner().await)
    .await
    .unwrap();
    let (state, cancel) = (&inbox.app.state, CancellationToken::new());
    let config = CallConfig::new(&state.config, state.vault.clone());
    let metrics = CallMetrics::register(Metrics::new().registry()).unwrap();
    let (db, journal) = (state.db.clone(), state.journal.clone());
    let calls = CallControl::start(config, db, journal, metrics, cancel.clone()).await.unwrap();
    assert_eq!(inbox.next_assigned().await.0, second, "the oldest");
    assert_eq!(inbox.agent_of(third).await, None, "there was room for one");
    cancel.cancel();
    calls.stopped().await;
}

#[tokio::test]
async fn how_many_chats_an_agent_has_is_for_managers_to_say() {
    let app = App::start().await;
    let (admin, olga) = (app.admin().await, app.operator().await);
    let agents = olga.get_json("/api/v1/agents").await;
    assert_eq!(agents["items"][0]["chat_capacity"], 4);
    assert_eq!(has_room_for(&admin, &olga, 7).await["chat_capacity"], 7);
    // Said once more it is no news.
    has_room_for(&admin, &olga, 7).await;
    let events = admin.get_json("/api/v1/events?after=0&limit=1000").await;
    let changed = |event: &&Value| event["kind"] == "agent.chat_capacity_changed";
    let changed: Vec<&Value> = events["items"].as_array().unwrap().iter().filter(changed).collect();
    assert_eq!(changed.len(), 1, "{events}");
    assert_eq!((&changed[0]["data"]["chat_capacity"], &changed[0]["data"]["previous"]), (&json!(7), &json!(4)));
    let path = format!("/api/v1/agents/{}/chat-capacity", olga.id);
    let refused = problem(send(&admin, Method::PUT, &path, &json!({ "chat_capacity": 51 })).await).await;
    assert_eq!((refused["status"].as_u64(), &refused["errors"][0]["field"]), (Some(422), &"chat_capacity".into()));
    let refused = problem(send(&olga, Method::PUT, &path, &json!({ "chat_capacity": 1 })).await).await;
    assert_eq!(refused["status"], 403, "{refused}");
    let nobody = format!("/api/v1/agents/{}/chat-capacity", Uuid::now_v7());
    let refused = problem(send(&admin, Method::PUT, &nobody, &json!({ "chat_capacity": 1 })).await).await;
    assert_eq!(refused["status"], 404, "{refused}");
}
