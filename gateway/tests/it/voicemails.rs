//! Messages that callers leave: fetched once from the Asterisk that took them whatever dies, heard by those who see the call, and shown with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode as Status;
use axum::response::IntoResponse;
use axum::routing::get;
use chrono::{TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline::conversations::calls_consumer::{self, Step};
use trunkline_db::{CallId, QueueId};
use trunkline_jobs::NewJob;
use trunkline_journal::{Kind, NewEvent, Ref, Scope};
use uuid::Uuid;

use crate::calls::{Made, make_call, queue};
use crate::support::{App, Options, User, problem};

/// What an Asterisk has of recordings: enough of its API for who fetches them.
#[derive(Debug, Clone, Default)]
struct Asterisk(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    files: HashMap<String, Vec<u8>>,
    /// Still being written.
    live: Vec<String>,
    /// It answers nothing but this.
    broken: Option<u16>,
    asked: usize,
}

impl Asterisk {
    async fn start(&self) -> String {
        let router = axum::Router::new()
            .route("/ari/recordings/live/{name}", get(live))
            .route("/ari/recordings/stored/{name}/file", get(file))
            .route("/ari/recordings/stored/{name}", axum::routing::delete(forget))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}/ari")
    }

    fn held<T>(&self, look: impl FnOnce(&mut Held) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }
}

fn no_such() -> axum::response::Response {
    (Status::NOT_FOUND, axum::Json(json!({ "message": "Recording not found" }))).into_response()
}

async fn live(State(asterisk): State<Asterisk>, Path(name): Path<String>) -> axum::response::Response {
    asterisk.held(|held| {
        if held.live.contains(&name) {
            let body = json!({ "name": name, "format": "wav", "state": "recording", "target_uri": "channel:1" });
            axum::Json(body).into_response()
        } else {
            no_such()
        }
    })
}

async fn file(State(asterisk): State<Asterisk>, Path(name): Path<String>) -> axum::response::Response {
    asterisk.held(|held| {
        held.asked += 1;
        if let Some(status) = held.broken {
            return (Status::from_u16(status).unwrap(), "{}").into_response();
        }
        held.files.get(&name).map_or_else(no_such, |bytes| bytes.clone().into_response())
    })
}

async fn forget(State(asterisk): State<Asterisk>, Path(name): Path<String>) -> axum::response::Response {
    asterisk.held(
        |held| {
            if held.files.remove(&name).is_some() { Status::NO_CONTENT.into_response() } else { no_such() }
        },
    )
}

/// A WAV file of one channel with 8,000 samples a second.
fn wav(samples: usize) -> Vec<u8> {
    let data = u32::try_from(samples * 2).unwrap();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    bytes.extend(data.to_le_bytes());
    bytes.extend((0..samples).flat_map(|n| i16::try_from(n % 1000).unwrap().to_le_bytes()));
    bytes
}

struct Office {
    app: App,
    asterisk: Asterisk,
    admin: User,
    operator: User,
    sales: QueueId,
}

impl Office {
    async fn open() -> Self {
        let asterisk = Asterisk::default();
        let url = asterisk.start().await;
        let options =
            Options { config: vec![("ARI_URL", url), ("ARI_TRANSPORT", "http".to_owned())], ..Options::default() };
        let app = App::start_with(options).await;
        let (admin, operator) = (app.admin().await, app.operator().await);
        let sales = queue(&admin, "sales").await;
        Self { app, asterisk, admin, operator, sales }
    }

    /// Somebody has left a message, so long ago.
    async fn left(&self, age: TimeDelta) -> (Uuid, CallId) {
        let made = Made {
            queue: Some(self.sales),
            answered: false,
            end_reason: Some("voicemail"),
            started_at: Utc::now() - age,
            ..Made::default()
        };
        let call = make_call(&self.app, made).await;
        let id = left(&self.app, call.uuid(), Some(self.sales), age).await;
        let event = NewEvent::new(Kind::from_static("voicemail.left"), Ref::call(call), json!({}));
        self.app.state.journal.append(self.app.tenant, vec![event.scopes([Scope::Queue(self.sales)])]).await.unwrap();
        let mut tx = self.app.state.db.tenant(self.app.tenant).await.unwrap();
        let job = NewJob::new("voicemail.fetch", json!({ "voicemail_id": id })).max_attempts(60);
        trunkline_jobs::enqueue(&mut tx, job).await.unwrap();
        tx.commit().await.unwrap();
        (id, call)
    }

    async fn one(&self, id: Uuid) -> Value {
        self.admin.get_json(&format!("/api/v1/voicemails/{id}")).await
    }

    async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while !holds().await {
            assert!(tokio::time::Instant::now() < deadline, "{what} did not come");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn consume(&self) {
        loop {
            match calls_consumer::step(&self.app.state.db, &self.app.state.journal, self.app.tenant, 500).await.unwrap()
            {
                Step::Done(_) => {}
                Step::Level => return,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn kinds(&self, call: CallId) -> Vec<String> {
        let story = self.admin.get_json("/api/v1/events?after=0&kinds=voicemail.*&limit=200").await;
        let of_call = |event: &&Value| event["subject"]["id"] == json!(call);
        let items = story["items"].as_array().unwrap().iter().filter(of_call);
        items.map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    }
}

/// A message's row, which Asterisk has as `tl-<id>`.
pub(crate) async fn left(app: &App, call: Uuid, queue: Option<QueueId>, age: TimeDelta) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO voicemails (tenant_id, id, call_id, queue_id, at, asterisk, name, length_ms) VALUES ($1, $2, $3, $4, $5, 'asterisk', $6, 2000)",
    )
    .bind(app.tenant)
    .bind(id)
    .bind(call)
    .bind(queue)
    .bind(Utc::now() - age)
    .bind(format!("tl-{id}"))
    .execute(&mut app.owner().await)
    .await
    .unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_fetched_kept_and_only_then_forgotten_by_asterisk() {
    let mut office = Office::open().await;
    let (id, call) = office.left(TimeDelta::seconds(5)).await;
    let file = wav(12_000);
    office.asterisk.held(|held| held.files.insert(format!("tl-{id}"), file.clone()));
    assert_eq!(problem(office.admin.get(&format!("/api/v1/voicemails/{id}/audio")).await).await["code"], "not-here");
    office.app.work();
    office.until("the message", async || office.one(id).await["state"] == "ready").await;
    office.until("its removal", async || office.asterisk.held(|held| held.files.is_empty())).await;
    let one = office.one(id).await;
    assert_eq!((&one["length_ms"], &one["bytes"]), (&json!(1500), &json!(file.len())));

    let heard = office.operator.get(&format!("/api/v1/voicemails/{id}/audio")).await;
    assert_eq!(heard.headers()["content-type"], "audio/wav");
    assert_eq!(heard.bytes().await.unwrap(), file);
    let part = office.operator.request(Method::GET, &format!("/api/v1/voicemails/{id}/audio"));
    let part = part.header("range", "bytes=44-47").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), file[44..48]);
    assert_eq!(office.kinds(call).await, ["voicemail.left", "voicemail.ready"]);

    // It takes room, as recordings do.
    let used: i64 =
        sqlx::query_scalar("SELECT bytes FROM tenant_storage").fetch_one(&mut office.app.owner().await).await.unwrap();
    assert_eq!(used, i64::try_from(file.len()).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_when_recordings_of_its_age_do() {
    let mut office = Office::open().await;
    let (id, call) = office.left(TimeDelta::days(3)).await;
    office.asterisk.held(|held| held.files.insert(format!("tl-{id}"), wav(8000)));
    office.app.work();
    office.until("the message", async || office.one(id).await["state"] == "ready").await;
    let keep = office.admin.request(Method::PUT, "/api/v1/settings/tenant/recordings.keep_days");
    let kept = keep.json(&json!({ "value": 2 })).send().await.unwrap();
    assert!(kept.status().is_success(), "{kept:?}");
    let mut tx = office.app.state.db.system().await.unwrap();
    trunkline_jobs::enqueue_system(&mut tx, NewJob::new("system.sweep", Value::Null)).await.unwrap();
    tx.commit().await.unwrap();
    office.until("the sweep", async || office.one(id).await["state"] == "expired").await;
    assert_eq!(office.kinds(call).await, ["voicemail.left", "voicemail.ready", "voicemail.expired"]);
    assert_eq!(office.admin.get(&format!("/api/v1/voicemails/{id}/audio")).await.status(), StatusCode::NOT_FOUND);
    let used: i64 =
        sqlx::query_scalar("SELECT bytes FROM tenant_storage").fetch_one(&mut office.app.owner().await).await.unwrap();
    assert_eq!(used, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_still_written_is_waited_for_and_so_is_an_asterisk_that_fails() {
    let mut office = Office::open().await;
    let (id, _) = office.left(TimeDelta::hours(1)).await;
    let name = format!("tl-{id}");
    office.asterisk.held(|held| {
        held.live.push(name.clone());
        held.files.insert(name.clone(), wav(8000));
    });
    office.app.work();
    let says = async |word: &str| office.one(id).await["error"].as_str().is_some_and(|why| why.contains(word));
    office.until("a first attempt", async || says("writing").await).await;
    office.asterisk.held(|held| {
        held.live.clear();
        held.broken = Some(500);
    });
    office.until("attempts in vain", async || office.asterisk.held(|held| held.asked > 2)).await;
    assert_eq!(office.one(id).await["state"], "fetching");
    office.asterisk.held(|held| held.broken = None);
    office.until("the message", async || office.one(id).await["state"] == "ready").await;
    assert_eq!(office.one(id).await["error"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_asterisk_has_no_more_is_lost_and_told() {
    let mut office = Office::open().await;
    let (id, call) = office.left(TimeDelta::hours(1)).await;
    office.app.work();
    office.until("the end", async || office.one(id).await["state"] == "lost").await;
    assert_eq!(office.kinds(call).await, ["voicemail.left", "voicemail.lost"]);
    assert_eq!(office.admin.get(&format!("/api/v1/voicemails/{id}/audio")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_a_message_arrives_once() {
    use crate::support::Node;
    let office = Office::open().await;
    let file = wav(400_000);
    let mut ids = Vec::new();
    for _ in 0..6 {
        let (id, call) = office.left(TimeDelta::seconds(60)).await;
        office.asterisk.held(|held| held.files.insert(format!("tl-{id}"), file.clone()));
        ids.push((id, call));
    }
    // Each node dies as soon as it has asked for one more.
    for asked in 1..4 {
        let node = Node::start(&office.app).await;
        office.until("a question", async || office.asterisk.held(|held| held.asked >= asked)).await;
        drop(node);
    }
    let _node = Node::start(&office.app).await;
    office
        .until("all of them", async || {
            office.admin.get_json("/api/v1/voicemails").await["items"]
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["state"] == "ready")
        })
        .await;
    office.until("their removal", async || office.asterisk.held(|held| held.files.is_empty())).await;
    for (id, call) in ids {
        assert_eq!(office.kinds(call).await, ["voicemail.left", "voicemail.ready"]);
        let heard = office.admin.get(&format!("/api/v1/voicemails/{id}/audio")).await;
        assert_eq!(heard.bytes().await.unwrap(), file);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_is_done_with_it_and_it_can_be_taken_up_again() {
    let office = Office::open().await;
    let (id, _) = office.left(TimeDelta::seconds(5)).await;
    let ids = async |query: &str| -> usize {
        let page = office.operator.get_json(&format!("/api/v1/voicemails?{query}")).await;
        page["items"].as_array().unwrap().len()
    };
    assert_eq!((ids("state=open").await, ids("state=done").await), (1, 0));
    let done = office.operator.post(&format!("/api/v1/voicemails/{id}/done"), &json!({})).await;
    let done: Value = done.json().await.unwrap();
    assert_eq!(done["done_by"], json!(office.operator.id));
    assert_eq!((ids("state=open").await, ids("state=done").await), (0, 1));
    // Whoever is done with it later changes nothing.
    let again: Value =
        office.admin.post(&format!("/api/v1/voicemails/{id}/done"), &json!({})).await.json().await.unwrap();
    assert_eq!(again["done_by"], json!(office.operator.id));
    let open = office.admin.post(&format!("/api/v1/voicemails/{id}/reopen"), &json!({})).await;
    assert_eq!(open.json::<Value>().await.unwrap()["done_at"], Value::Null);
    assert_eq!(problem(office.admin.get("/api/v1/voicemails?state=heard").await).await["status"], 400);
    let other = queue(&office.admin, "support").await;
    assert_eq!(ids(&format!("queue_id={other}")).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_one_of_the_conversation_that_shows_its_call() {
    let mut office = Office::open().await;
    let (id, call) = office.left(TimeDelta::seconds(30)).await;
    office.asterisk.held(|held| held.files.insert(format!("tl-{id}"), wav(8000)));
    for kind in ["call.started", "call.ended"] {
        let event = NewEvent::new(kind.parse::<Kind>().unwrap(), Ref::call(call), json!({}));
        office.app.state.journal.append(office.app.tenant, vec![event]).await.unwrap();
    }
    office.consume().await;
    let conversation = office.one(id).await["conversation_id"].as_str().unwrap().to_owned();
    let line = office.admin.get_json(&format!("/api/v1/conversations/{conversation}")).await;
    assert_eq!((&line["state"], &line["channel"]), (&json!("open"), &json!("call")));
    assert!(line["waiting_since"].is_string(), "{line}");
    let messages = async || {
        let page = office.admin.get_json(&format!("/api/v1/conversations/{conversation}/messages")).await;
        let all = page["items"].as_array().unwrap().clone();
        all.into_iter().filter(|message| message["kind"] == "voicemail").collect::<Vec<_>>()
    };
    let before = messages().await;
    assert_eq!((before.len(), &before[0]["content"]["state"]), (1, &json!("fetching")));
    office.app.work();
    office.until("the message", async || office.one(id).await["state"] == "ready").await;
    office.consume().await;
    office.admin.post(&format!("/api/v1/voicemails/{id}/done"), &json!({})).await;
    office.consume().await;
    let after = messages().await;
    let content = &after[0]["content"];
    assert_eq!((after.len(), &content["state"], &content["voicemail_id"]), (1, &json!("ready"), &json!(id)));
    assert!(content["done_at"].is_string(), "{content}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_those_who_see_the_call_hear_what_was_left() {
    let office = Office::open().await;
    let (id, _) = office.left(TimeDelta::seconds(5)).await;
    let (_, stranger) = office.app.other_tenant().await;
    assert!(stranger.get_json("/api/v1/voicemails").await["items"].as_array().unwrap().is_empty());
    sqlx::query("DELETE FROM queue_members WHERE queue_id = $1")
        .bind(office.sales)
        .execute(&mut office.app.owner().await)
        .await
        .unwrap();
    for user in [&stranger, &office.operator] {
        for (method, path) in
            [(Method::GET, ""), (Method::GET, "/audio"), (Method::POST, "/done"), (Method::POST, "/reopen")]
        {
            let answer = user.request(method, &format!("/api/v1/voicemails/{id}{path}")).json(&json!({}));
            assert_eq!(problem(answer.send().await.unwrap()).await["status"], 404, "{path}");
        }
    }
}
