use futures_util::StreamExt as _;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use trunkline_db::AgentId;
use trunkline_journal::Scope;

use crate::support::{App, User, problem};

#[tokio::test]
async fn the_journal_is_read_by_pages() {
    let app = App::start().await;
    let admin = app.admin().await;
    for _ in 0..5 {
        app.append(Scope::Tenant).await;
    }
    let first = admin.get_json("/api/v1/events?limit=3").await;
    assert_eq!((&first["next_after"], &first["as_of_seq"], &first["oldest"]), (&3.into(), &5.into(), &1.into()));
    let event = &first["items"][0];
    for field in ["seq", "id", "kind", "at", "subject", "data"] {
        assert!(!event[field].is_null(), "{field} in {event}");
    }
    let rest = admin.get_json("/api/v1/events?after=3&limit=1000").await;
    let seqs: Vec<_> = rest["items"].as_array().unwrap().iter().map(|event| event["seq"].clone()).collect();
    assert_eq!(seqs, [4, 5]);
    assert_eq!(rest["next_after"], 5);
    for (query, field) in
        [("limit=1001", "limit"), ("after=-1", "after"), ("kinds=CALL", "kinds"), ("after=x", "after")]
    {
        let refused = problem(admin.get(&format!("/api/v1/events?{query}")).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&400.into(), &field.into()), "{query}");
    }
}

#[tokio::test]
async fn pages_are_filtered_like_the_stream() {
    let app = App::start().await;
    let operator = app.operator().await;
    app.append(Scope::Agent(AgentId::new())).await;
    app.append(Scope::Agent(AgentId::from(operator.id))).await;
    let page = operator.get_json("/api/v1/events").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!((&page["items"][0]["seq"], &page["next_after"]), (&2.into(), &2.into()));
    let none = operator.get_json("/api/v1/events?kinds=recording.*").await;
    assert_eq!((&none["items"], &none["next_after"]), (&serde_json::json!([]), &2.into()));
}

#[tokio::test]
async fn a_position_that_cannot_be_resumed_is_gone() {
    let app = App::start().await;
    let admin = app.admin().await;
    let ahead = problem(admin.get("/api/v1/events?after=1").await).await;
    assert_eq!((&ahead["status"], &ahead["reason"]), (&410.into(), &"ahead".into()));
    let epoch = problem(admin.get(&format!("/api/v1/events?after=0&epoch={}", uuid::Uuid::now_v7())).await).await;
    assert_eq!(epoch["reason"], "epoch");
}

/// Messages of server-sent events, as (event, id, data).
struct Messages {
    body: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    buffer: String,
}

impl Messages {
    async fn open(user: &User, path: &str, last_event_id: Option<&str>) -> Self {
        let answer = Self::request(user, path, last_event_id).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { body: answer.bytes_stream().boxed(), buffer: String::new() }
    }

    async fn request(user: &User, path: &str, last_event_id: Option<&str>) -> Response {
        let mut request = user.request(Method::GET, path).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        request.send().await.unwrap()
    }

    /// The next message that has data.
    async fn next(&mut self) -> (String, String, Value) {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let field = |name: &str| {
                    block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
                };
                let message = field("data:").map(|data| {
                    let event = field("event:").unwrap_or_else(|| "message".to_owned());
                    (event, field("id:").unwrap_or_default(), serde_json::from_str(&data).unwrap())
                });
                self.buffer = String::from(rest);
                if let Some(message) = message {
                    return message;
                }
                continue;
            }
            let bytes = self.body.next().await.expect("the stream goes on").unwrap();
            self.buffer.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

#[tokio::test]
async fn server_sent_events_go_on_live_and_resume_by_their_last_id() {
    let app = App::start().await;
    let admin = app.admin().await;
    app.append(Scope::Tenant).await;
    let mut messages = Messages::open(&admin, "/api/v1/events?after=0", None).await;
    let (event, id, data) = messages.next().await;
    assert_eq!((event.as_str(), &data["seq"]), ("message", &1.into()));
    assert!(id.ends_with(":1"), "{id}");
    assert_eq!(messages.next().await.0, "caught_up");
    app.append(Scope::Tenant).await;
    let (_, last_id, data) = messages.next().await;
    assert_eq!(data["seq"], 2);
    drop(messages);

    app.append(Scope::Tenant).await;
    // A browser sends the same address again: the newer position holds.
    let mut messages = Messages::open(&admin, "/api/v1/events?after=0", Some(&last_id)).await;
    assert_eq!(messages.next().await.2["seq"], 3);
    assert_eq!(messages.next().await.0, "caught_up");
}

#[tokio::test]
async fn server_sent_events_tell_what_was_skipped_and_refuse_what_cannot_be_resumed() {
    let app = App::start().await;
    let operator = app.operator().await;
    app.append(Scope::Agent(AgentId::new())).await;
    let mut messages = Messages::open(&operator, "/api/v1/events?after=0", None).await;
    let (event, _, data) = messages.next().await;
    assert_eq!((event.as_str(), &data["through"]), ("skipped", &1.into()));
    let gone = Messages::request(&operator, "/api/v1/events?after=5", None).await;
    assert_eq!(problem(gone).await["status"], 410);
    let nonsense = Messages::request(&operator, "/api/v1/events", Some("nonsense")).await;
    assert_eq!(problem(nonsense).await["errors"][0]["field"], "Last-Event-ID");
}

#[tokio::test]
async fn server_sent_events_of_another_epoch_are_gone_and_their_number_means_nothing() {
    let app = App::start().await;
    let admin = app.admin().await;
    app.append(Scope::Tenant).await;
    let mut messages = Messages::open(&admin, "/api/v1/events?after=0", None).await;
    let (_, id, _) = messages.next().await;
    let (epoch, _) = id.split_once(':').expect("epoch:seq");
    // What a browser sends by itself after the journal was restored from a backup: a number that exists, of another past.
    let other = format!("{}:1", uuid::Uuid::now_v7());
    let gone = problem(Messages::request(&admin, "/api/v1/events?after=0", Some(&other)).await).await;
    assert_eq!((&gone["status"], &gone["reason"]), (&410.into(), &"epoch".into()));
    let ahead = format!("{epoch}:2");
    let gone = problem(Messages::request(&admin, "/api/v1/events?after=0", Some(&ahead)).await).await;
    assert_eq!((&gone["status"], &gone["reason"]), (&410.into(), &"ahead".into()));
    // A client that starts over, without the id, is served.
    let mut anew = Messages::open(&admin, "/api/v1/events?after=0", None).await;
    assert_eq!(anew.next().await.2["seq"], 1);
}
