//! Conversations over HTTP, with a local server that speaks for Telegram: what is written arrives there once, and colleagues do not step on each other.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response as Answer};
use chrono::Utc;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_channels::model::{Address, By, Content, Identity, Message, Party, ProviderId, Told, What};
use trunkline_conversations::receive;
use trunkline_db::ChannelAccountId;
use trunkline_journal::Outcome;

use crate::support::{App, Options, User, problem};

const PATIENCE: Duration = Duration::from_secs(20);

/// What was asked of the stand-in, and how it answers.
#[derive(Debug, Default)]
struct Provider {
    asked: Mutex<Vec<(String, Value)>>,
    messages: AtomicI64,
    /// Answers that say neither yes nor no.
    mumbles: AtomicBool,
}

impl Provider {
    /// Its address.
    async fn start() -> (Arc<Self>, String) {
        let provider = Arc::new(Self::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&provider));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (provider, format!("http://{address}"))
    }

    fn texts(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let sent = asked.iter().filter(|(method, _)| method == "sendMessage");
        sent.map(|(_, body)| body["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn asked_for(&self, wanted: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(method, _)| method == wanted).count()
    }
}

async fn answer(State(provider): State<Arc<Provider>>, request: Request) -> Answer {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    provider.asked.lock().unwrap().push((method.clone(), body.clone()));
    if method == "sendMessage" && provider.mumbles.load(Ordering::SeqCst) {
        return "well".into_response();
    }
    let result = match method.as_str() {
        "sendMessage" => {
            let id = 1_000 + provider.messages.fetch_add(1, Ordering::SeqCst);
            let chat = json!({ "id": body["chat_id"], "type": "private" });
            json!({ "message_id": id, "date": Utc::now().timestamp(), "chat": chat, "text": body["text"] })
        }
        "getMe" => json!({ "id": 123_456, "is_bot": true, "first_name": "Desk", "username": "desk_bot" }),
        "getWebhookInfo" => json!({ "url": "", "has_custom_certificate": false, "pending_update_count": 0 }),
        _ => json!(true),
    };
    axum::Json(json!({ "ok": true, "result": result })).into_response()
}

/// A customer writes to a bot.
pub(crate) async fn hear(app: &App, account: ChannelAccountId, n: i64, text: &str) {
    hear_from(app, account, 7, n, text, chrono::TimeDelta::seconds(1)).await;
}

/// Somebody wrote to a bot so long ago.
pub(crate) async fn hear_from(
    app: &App,
    account: ChannelAccountId,
    who: i64,
    n: i64,
    text: &str,
    ago: chrono::TimeDelta,
) {
    let account = app.state.channels.get(account).unwrap().account.clone();
    let message = Message {
        id: ProviderId(format!("{who}/{n}")),
        from: Party {
            identities: vec![Identity::TelegramId(who)],
            name: Some("Ada <b>Lovelace</b>".to_owned()),
            language: None,
        },
        chat: Address(who.to_string()),
        title: None,
        by: By::Customer,
        history: false,
        content: Content::Text { text: text.to_owned() },
        reply_to: None,
        forwarded: false,
        album: None,
        referral: None,
    };
    let told = Told {
        at: Some(Utc::now() - ago),
        key: format!("m{who}/{n}"),
        line: None,
        what: What::Message(Box::new(message)),
    };
    let heard = app.state.journal.command::<_, Infallible, _>(app.tenant, move |tx| {
        let (account, told) = (account.clone(), told.clone());
        Box::pin(async move {
            let received = receive(tx, &account, &told, Utc::now()).await?;
            Ok(Outcome::new(()).events(received.events))
        })
    });
    heard.await.unwrap();
}

/// An edge that works, with one bot and what was told to it.
pub(crate) struct Desk {
    pub(crate) app: App,
    provider: Arc<Provider>,
    pub(crate) account: ChannelAccountId,
    pub(crate) admin: User,
    pub(crate) operator: User,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::open_with(&json!({})).await
    }

    /// With more settings of its account.
    pub(crate) async fn open_with(more: &Value) -> Self {
        Self::open_as(more, Vec::new()).await
    }

    /// With more of the configuration.
    pub(crate) async fn open_configured(config: Vec<(&'static str, String)>) -> Self {
        Self::open_as(&json!({}), config).await
    }

    async fn open_as(more: &Value, config: Vec<(&'static str, String)>) -> Self {
        let app = App::start_with(Options { works: true, config, ..Options::default() }).await;
        let (provider, address) = Provider::start().await;
        let (admin, operator) = (app.admin().await, app.operator().await);
        let mut settings = json!({ "bot_token": "123456:ABC-DEF", "api_base": address });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = json!({ "type": "telegram", "name": "Desk", "settings": settings });
        let made = admin.post("/api/v1/channel-accounts", &body).await;
        assert_eq!(made.status(), StatusCode::CREATED, "{}", made.text().await.unwrap());
        let account: Value = made.json().await.unwrap();
        let account: ChannelAccountId = account["id"].as_str().unwrap().parse().unwrap();
        let desk = Self { app, provider, account, admin, operator };
        desk.until("the account is known", async || desk.app.state.channels.get(account).is_some()).await;
        desk
    }

    pub(crate) async fn until(&self, what: &str, is: impl AsyncFn() -> bool) {
        let looking = async {
            while !is().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, looking).await.is_ok(), "not so within its time: {what}");
    }

    /// A customer writes; their conversation.
    pub(crate) async fn hear(&self, n: i64, text: &str) -> String {
        hear(&self.app, self.account, n, text).await;
        let list = self.operator.get_json("/api/v1/conversations").await;
        list["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A customer writes, whom nobody has to see.
    pub(crate) async fn hear_quietly(&self, n: i64, text: &str) {
        hear(&self.app, self.account, n, text).await;
    }

    /// What the provider was asked to send.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.provider.texts()
    }

    async fn say(&self, user: &User, conversation: &str, body: Value) -> Value {
        let answer = user.post(&format!("/api/v1/conversations/{conversation}/messages"), &body).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn thread(&self, conversation: &str) -> Vec<Value> {
        let thread = self.admin.get_json(&format!("/api/v1/conversations/{conversation}/messages")).await;
        thread["items"].as_array().unwrap().clone()
    }

    async fn state(&self, conversation: &str, message: &Value) -> Value {
        let thread = self.thread(conversation).await;
        thread.iter().find(|one| one["id"] == message["id"]).unwrap()["state"].clone()
    }
}

#[tokio::test]
async fn a_reply_arrives_once_and_a_colleague_is_told_before_they_answer_too() {
    let desk = Desk::open().await;
    let id = desk.hear(1, "Is it open?").await;
    let line = &desk.operator.get_json("/api/v1/conversations").await["items"][0];
    assert_eq!(
        (&line["unread"], &line["last"]["text"], &line["state"]),
        (&true.into(), &"Is it open?".into(), &"open".into())
    );
    let seen = desk.thread(&id).await.last().unwrap()["id"].clone();

    let reply = desk.say(&desk.operator, &id, json!({ "text": "Yes", "seen": seen })).await;
    assert_eq!(reply["state"], "scheduled");
    // Before it leaves, the colleague hears of it.
    let path = format!("/api/v1/conversations/{id}/messages");
    let refused = problem(desk.admin.post(&path, &json!({ "text": "No", "seen": seen })).await).await;
    assert_eq!((&refused["code"], &refused["errors"][0]["message"]), (&"replied-meanwhile".into(), &reply["id"]));
    let taken_back = desk.say(&desk.admin, &id, json!({ "text": "No", "seen": seen, "anyway": true })).await;
    let undo = format!("/api/v1/messages/{}/undo", taken_back["id"].as_str().unwrap());
    let undone: Value = desk.admin.post(&undo, &Value::Null).await.json().await.unwrap();
    assert_eq!(undone["state"], "canceled");

    desk.until("the reply is sent", async || desk.state(&id, &reply).await == "sent").await;
    assert_eq!(desk.provider.texts(), ["Yes"]);
    assert_eq!(
        problem(
            desk.operator.post(&format!("/api/v1/messages/{}/undo", reply["id"].as_str().unwrap()), &Value::Null).await
        )
        .await["code"],
        "too-late"
    );
    let line = &desk.operator.get_json("/api/v1/conversations").await["items"][0];
    assert_eq!(
        (&line["unread"], &line["last"]["text"], &line["waiting_since"]),
        (&false.into(), &"Yes".into(), &Value::Null)
    );

    // What was sent can be changed there, and its stranger cannot.
    let path = format!("/api/v1/messages/{}", reply["id"].as_str().unwrap());
    let edited = desk.operator.request(Method::PATCH, &path).json(&json!({ "text": "Yes!" })).send().await.unwrap();
    assert_eq!(edited.json::<Value>().await.unwrap()["text"], "Yes!");
    desk.until("the change is told", async || desk.provider.asked_for("editMessageText") == 1).await;
    let path = format!("/api/v1/messages/{}", seen.as_str().unwrap());
    let refused = desk.operator.request(Method::PATCH, &path).json(&json!({ "text": "x" })).send().await.unwrap();
    assert_eq!(problem(refused).await["code"], "not-possible");
}

#[tokio::test]
async fn what_may_have_been_sent_is_sent_again_by_a_person_alone() {
    let desk = Desk::open().await;
    let id = desk.hear(1, "Hello?").await;
    desk.provider.mumbles.store(true, Ordering::SeqCst);
    let reply = desk.say(&desk.operator, &id, json!({ "text": "Here" })).await;
    desk.until("it is uncertain", async || desk.state(&id, &reply).await == "uncertain").await;
    desk.provider.mumbles.store(false, Ordering::SeqCst);
    let message = reply["id"].as_str().unwrap();
    let refused = desk.operator.post(&format!("/api/v1/messages/{message}/retry"), &Value::Null).await;
    assert_eq!(problem(refused).await["code"], "wrong-state");
    assert_eq!(desk.provider.texts().len(), 1, "nothing sends it again by itself");
    let again = desk.operator.post(&format!("/api/v1/messages/{message}/resend"), &Value::Null).await;
    assert_eq!(again.status(), StatusCode::OK);
    desk.until("it is sent", async || desk.state(&id, &reply).await == "sent").await;
    assert_eq!(desk.provider.texts(), ["Here", "Here"]);
}

#[tokio::test]
async fn where_a_conversation_stands_is_told_and_guarded() {
    let desk = Desk::open().await;
    let id = desk.hear(1, "<script>alert(1)</script>").await;
    let path = |what: &str| format!("/api/v1/conversations/{id}/{what}");
    let act = async |what: &str, body: Value| desk.operator.post(&path(what), &body).await;

    let taken: Value = act("assign", json!({ "agent_id": desk.operator.id })).await.json().await.unwrap();
    assert_eq!(taken["agent_id"], json!(desk.operator.id));
    let nobody = act("assign", json!({ "agent_id": uuid::Uuid::now_v7() })).await;
    assert_eq!(problem(nobody).await["errors"][0]["field"], "agent_id");
    let past = act("snooze", json!({ "until": "2020-01-01T00:00:00Z" })).await;
    assert_eq!(problem(past).await["errors"][0]["field"], "until");
    let resolved: Value = act("resolve", Value::Null).await.json().await.unwrap();
    assert_eq!(resolved["state"], "resolved");
    assert!(desk.operator.get_json("/api/v1/conversations").await["items"].as_array().unwrap().is_empty());
    let reopened: Value = act("reopen", Value::Null).await.json().await.unwrap();
    assert!(reopened["version"].as_i64() > resolved["version"].as_i64());

    // A change of what was not seen is refused.
    let answer = desk.operator.get(&format!("/api/v1/conversations/{id}")).await;
    let tag = answer.headers()["etag"].clone();
    let detail: Value = answer.json().await.unwrap();
    assert_eq!((&detail["window"]["open"], &detail["abilities"]["edit"]), (&true.into(), &true.into()));
    let patch = async |body: Value| {
        let request = desk.operator.request(Method::PATCH, &format!("/api/v1/conversations/{id}"));
        request.header("if-match", tag.clone()).json(&body).send().await.unwrap().status()
    };
    assert_eq!(patch(json!({ "priority": 4 })).await, StatusCode::OK);
    assert_eq!(patch(json!({ "priority": 1 })).await, StatusCode::PRECONDITION_FAILED);
    assert_eq!(patch(json!({ "priority": 9 })).await, StatusCode::UNPROCESSABLE_ENTITY);

    // A draft is one's own; a note names people and stays among us.
    let kept =
        desk.operator.request(Method::PUT, &path("draft")).json(&json!({ "text": "Dear" })).send().await.unwrap();
    assert_eq!(kept.status(), StatusCode::OK);
    assert_eq!(desk.operator.get_json(&format!("/api/v1/conversations/{id}")).await["draft_text"]["text"], "Dear");
    assert!(desk.admin.get_json(&format!("/api/v1/conversations/{id}")).await["draft_text"].is_null());
    desk.say(&desk.operator, &id, json!({ "text": "Look", "private": true, "mentions": [desk.admin.id] })).await;
    let named = desk.admin.get_json("/api/v1/conversations?mentioned=true").await;
    assert_eq!(named["items"][0]["mentioned"], true);
    assert_eq!(desk.admin.post(&path("read"), &Value::Null).await.status(), StatusCode::NO_CONTENT);
    let seen = desk.admin.get_json("/api/v1/conversations?mentioned=true").await;
    assert_eq!(
        (seen["items"].as_array().unwrap().len(), &seen["items"][0]["mentioned"]),
        (1, &false.into()),
        "found again"
    );
    // Who takes no calls has a name all the same.
    let noted = desk.say(&desk.admin, &id, json!({ "text": "Seen", "private": true })).await;
    assert!(noted["author"]["name"].is_string(), "{noted}");
    assert!(desk.provider.texts().is_empty(), "none of it left the house");

    let page = desk.admin.get(&path("transcript?format=html")).await.text().await.unwrap();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>") && !page.contains("<b>Lovelace"), "{page}");
    assert!(!page.contains("Look"), "it may go to the customer");
    assert!(desk.admin.get(&path("transcript?notes=true")).await.text().await.unwrap().contains("(note): Look"));
    let (_, stranger) = desk.app.other_tenant().await;
    assert_eq!(stranger.get(&format!("/api/v1/conversations/{id}")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(stranger.get(&path("messages")).await.status(), StatusCode::NOT_FOUND);
    let kinds: Vec<Value> = desk.admin.get_json("/api/v1/events?kinds=conversation.*").await["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].clone())
        .collect();
    for kind in ["conversation.assigned", "conversation.resolved", "conversation.reopened", "conversation.updated"] {
        assert!(kinds.contains(&json!(kind)), "{kind} in {kinds:?}");
    }
}
