//! Web push, with a local server that speaks for a browser's push service: it looks at who posts, and opens what was sealed for the browser.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response as Answer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::conversations::{Desk, hear_from};
use crate::support::{App, Options, User, problem};

const OPERATOR: i64 = 41;

/// A browser, and the service that it hears of its owner's news by.
struct Browser {
    secret: SecretKey,
    auth: [u8; 16],
    endpoint: String,
    service: Arc<Service>,
}

#[derive(Default)]
struct Service {
    posted: Mutex<Vec<(Uri, HeaderMap, Bytes)>>,
    /// What it answers next; then 201.
    answers: Mutex<VecDeque<u16>>,
}

impl Browser {
    async fn start() -> Self {
        let service = Arc::new(Service::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&service));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/push/{}", listener.local_addr().unwrap(), uuid::Uuid::new_v4());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut auth = [0; 16];
        auth.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Self { secret: key(), auth, endpoint, service }
    }

    fn subscription(&self) -> Value {
        let point = self.secret.public_key().to_encoded_point(false);
        let keys =
            json!({ "p256dh": URL_SAFE_NO_PAD.encode(point.as_bytes()), "auth": URL_SAFE_NO_PAD.encode(self.auth) });
        json!({ "endpoint": self.endpoint, "keys": keys, "device": "Firefox on Linux" })
    }

    async fn subscribe(&self, user: &User) -> Value {
        let made = user.post("/api/v1/push/subscriptions", &self.subscription()).await;
        assert_eq!(made.status(), StatusCode::CREATED, "{}", made.text().await.unwrap());
        made.json().await.unwrap()
    }

    fn answers(&self, statuses: &[u16]) {
        self.service.answers.lock().unwrap().extend(statuses);
    }

    fn posts(&self) -> usize {
        self.service.posted.lock().unwrap().len()
    }

    /// What the browser reads of a post; that it was ours is looked at before.
    fn opened(&self, place: usize, public: &str) -> (HeaderMap, Value) {
        let (uri, headers, body) = self.service.posted.lock().unwrap()[place].clone();
        let text = |name: &str| headers[name].to_str().unwrap();
        assert!(self.endpoint.ends_with(uri.path()));
        assert_eq!((text("content-encoding"), text("urgency")), ("aes128gcm", "high"));
        let (token, k) = text("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(k, public);
        let origin = self.endpoint.split("/push/").next().unwrap();
        let mut wanted = Validation::new(Algorithm::ES256);
        wanted.set_audience(&[origin]);
        let point = URL_SAFE_NO_PAD.decode(public).unwrap();
        jsonwebtoken::decode::<Value>(token, &DecodingKey::from_ec_der(&point), &wanted).unwrap();
        let plain = web_push_native::decrypt(body.to_vec(), &self.secret, &self.auth.into()).unwrap();
        assert!(plain.len() < 2_048);
        (headers, serde_json::from_slice(&plain).unwrap())
    }
}

/// A browser of somebody's, somewhere.
pub(crate) async fn subscribed(user: &User) -> String {
    let mut body = Browser::start().await.subscription();
    body["endpoint"] = json!("https://push.example.org/1");
    let made: Value = user.post("/api/v1/push/subscriptions", &body).await.json().await.unwrap();
    made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

fn key() -> SecretKey {
    let two = || *uuid::Uuid::new_v4().as_bytes();
    SecretKey::from_slice(&[two(), two()].concat()).unwrap()
}

async fn answer(State(service): State<Arc<Service>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Answer {
    service.posted.lock().unwrap().push((uri, headers, body));
    let status = service.answers.lock().unwrap().pop_front().unwrap_or(201);
    (StatusCode::from_u16(status).unwrap(), "because").into_response()
}

async fn desk() -> Desk {
    Desk::open_configured(vec![("PRIVATE_PUSH_SERVICES", "true".to_owned())]).await
}

async fn public(user: &User) -> String {
    user.get_json("/api/v1/push/key").await["public_key"].as_str().unwrap().to_owned()
}

async fn assign(desk: &Desk, conversation: &str, agent: &User) {
    let path = format!("/api/v1/conversations/{conversation}/assign");
    let done = desk.admin.post(&path, &json!({ "agent_id": agent.id })).await;
    assert!(done.status().is_success(), "{}", done.text().await.unwrap());
}

/// A conversation of the operator's, of whose assignment they were told.
async fn told_of_one(desk: &Desk, browser: &Browser) -> String {
    let id = desk.hear(1, "Is it open?").await;
    assign(desk, &id, &desk.operator).await;
    desk.until("the assignment is told", async || browser.posts() == 1).await;
    id
}

#[tokio::test]
async fn a_browser_is_told_of_what_is_its_owners_and_of_nothing_else() {
    let desk = desk().await;
    let (browser, other) = (Browser::start().await, Browser::start().await);
    let made = browser.subscribe(&desk.operator).await;
    assert_eq!((&made["service"], &made["device"]), (&"127.0.0.1".into(), &"Firefox on Linux".into()));
    other.subscribe(&desk.admin).await;
    assert_eq!(browser.subscribe(&desk.operator).await["id"], made["id"], "the same browser again");
    let public = public(&desk.operator).await;

    let id = told_of_one(&desk, &browser).await;
    let (headers, notice) = browser.opened(0, &public);
    assert_eq!((&notice["reason"], &notice["conversation_id"]), (&"assigned".into(), &id.as_str().into()));
    assert_eq!((&notice["name"], &notice["language"]), (&"Ada <b>Lovelace</b>".into(), &"en".into()));
    assert_eq!(headers["ttl"], "3600");
    assert_eq!(headers["topic"].len(), 32);

    hear_from(&desk.app, desk.account, 7, 2, "Hello? \u{202E}anybody", TimeDelta::zero()).await;
    desk.until("the message is told", async || browser.posts() == 2).await;
    let (_, notice) = browser.opened(1, &public);
    assert_eq!((&notice["reason"], &notice["preview"]), (&"message".into(), &"Hello? anybody".into()), "{notice}");
    // The admin, who did it, heard nothing of it; of a stranger's conversation, which is nobody's, both hear.
    assert_eq!(other.posts(), 0);
    hear_from(&desk.app, desk.account, OPERATOR, 1, "A stranger", TimeDelta::zero()).await;
    desk.until("both are told", async || browser.posts() == 3 && other.posts() == 1).await;
    assert_eq!(other.opened(0, &public).1["reason"], "unassigned");
    let listed = desk.operator.get_json("/api/v1/push/subscriptions").await;
    assert!(listed["items"][0]["last_sent_at"].is_string() && listed["items"][0]["problem"].is_null(), "{listed}");
}

#[tokio::test]
async fn what_was_read_taken_or_is_not_wished_is_no_news() {
    let desk = desk().await;
    let browser = Browser::start().await;
    browser.subscribe(&desk.operator).await;
    let public = public(&desk.operator).await;
    let id = told_of_one(&desk, &browser).await;

    // Each of these makes a job, which finds that there is nothing to tell any more.
    let stale = || {
        desk.app
            .state
            .metrics
            .registry()
            .gather()
            .iter()
            .filter(|family| family.name() == "trunkline_push_notifications_total")
            .flat_map(|family| family.get_metric().to_vec())
            .filter(|metric| metric.get_label().iter().any(|label| label.value() == "stale"))
            .map(|metric| metric.get_counter().get_value())
            .sum::<f64>()
    };
    let set = async |key: &str, value: Value| {
        let path = format!("/api/v1/settings/user/{key}");
        let set = desk.operator.request(Method::PUT, &path).json(&json!({ "value": value })).send().await.unwrap();
        assert!(set.status().is_success(), "{}", set.text().await.unwrap());
    };
    hear_from(&desk.app, desk.account, 7, 2, "Read at once", TimeDelta::zero()).await;
    let read = desk.operator.post(&format!("/api/v1/conversations/{id}/read"), &json!({})).await;
    assert!(read.status().is_success(), "{}", read.text().await.unwrap());
    desk.until("what was read is stale", async || stale() >= 1.0).await;

    set("inbox.notify_message", json!(false)).await;
    hear_from(&desk.app, desk.account, 7, 3, "Not wished", TimeDelta::zero()).await;
    desk.until("what is not wished is stale", async || stale() >= 2.0).await;
    set("inbox.notify_message", json!(true)).await;

    for (key, value) in [("quiet", json!(true)), ("quiet_from", json!("00:00")), ("quiet_until", json!("00:00"))] {
        set(&format!("inbox.{key}"), value).await;
    }
    hear_from(&desk.app, desk.account, 7, 4, "At night", TimeDelta::zero()).await;
    desk.until("at night nobody is told", async || stale() >= 3.0).await;
    set("inbox.quiet", json!(false)).await;

    // Of a burst the last one tells.
    for n in 5..=9 {
        hear_from(&desk.app, desk.account, 7, n, &format!("Burst {n}"), TimeDelta::zero()).await;
    }
    desk.until("the burst is told", async || browser.posts() == 2 && stale() >= 7.0).await;
    assert_eq!(browser.opened(1, &public).1["preview"], "Burst 9");

    // Whoever signs out is told no more.
    hear_from(&desk.app, desk.account, 7, 10, "After the end", TimeDelta::zero()).await;
    let out = desk.operator.post("/api/v1/auth/logout", &Value::Null).await;
    assert!(out.status().is_success());
    let again = desk.app.operator().await;
    desk.until("the browser is forgotten", async || {
        again.get_json("/api/v1/push/subscriptions").await["items"] == json!([])
    })
    .await;
    assert_eq!(browser.posts(), 2);
}

#[tokio::test]
async fn a_push_service_that_refuses_or_is_away_is_taken_at_its_word() {
    let desk = desk().await;
    let browser = Browser::start().await;
    let none = desk.operator.post("/api/v1/push/test", &json!({})).await;
    assert_eq!(problem(none).await["code"], "no-browser");
    browser.subscribe(&desk.operator).await;
    let tries = async || {
        let sent = desk.operator.post("/api/v1/push/test", &json!({})).await;
        assert_eq!(sent.status(), StatusCode::ACCEPTED);
    };
    let listed = async || desk.operator.get_json("/api/v1/push/subscriptions").await["items"].clone();

    browser.answers(&[503]);
    tries().await;
    desk.until("it is tried again", async || browser.posts() == 2).await;
    assert_eq!(browser.opened(1, &public(&desk.operator).await).1["reason"], "test");
    browser.answers(&[403]);
    tries().await;
    desk.until("the refusal is shown", async || {
        listed().await[0]["problem"] == "the push service answers 403: because"
    })
    .await;
    browser.answers(&[410]);
    tries().await;
    desk.until("a browser that is gone is forgotten", async || listed().await == json!([])).await;
}

#[tokio::test]
async fn what_is_no_browser_is_refused_and_private_networks_are_not_reached() {
    let app = App::start_with(Options { works: true, ..Options::default() }).await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    let browser = Browser::start().await;
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut body = browser.subscription();
        body["endpoint"] = json!("https://push.example.org/1");
        change(&mut body);
        let answer = operator.post("/api/v1/push/subscriptions", &body).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        problem(answer).await["errors"][0]["field"].clone()
    };
    for endpoint in ["http://push.example.org/1", "file:///etc/passwd", "push.example.org", "https://", ""] {
        assert_eq!(refused(&|body| body["endpoint"] = json!(endpoint)).await, "endpoint", "{endpoint}");
    }
    assert_eq!(refused(&|body| body["endpoint"] = json!(format!("https://a/{}", "x".repeat(2_048)))).await, "endpoint");
    let off_the_curve = URL_SAFE_NO_PAD.encode([&[4_u8][..], &[7; 64]].concat());
    for odd in [json!(""), json!("@@"), json!(off_the_curve), json!(URL_SAFE_NO_PAD.encode([4; 33]))] {
        assert_eq!(refused(&|body| body["keys"]["p256dh"] = odd.clone()).await, "keys.p256dh", "{odd}");
    }
    assert_eq!(refused(&|body| body["keys"]["auth"] = json!("AAAA")).await, "keys.auth");
    assert_eq!(refused(&|body| body["device"] = json!("x".repeat(121))).await, "device");

    let mut inside = browser.subscription();
    inside["endpoint"] = json!(browser.endpoint.replace("http://", "https://"));
    let made = operator.post("/api/v1/push/subscriptions", &inside).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: Value = made.json().await.unwrap();
    let path = format!("/api/v1/push/subscriptions/{}", made["id"].as_str().unwrap());
    assert_eq!(admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NOT_FOUND, "another's");
    assert_eq!(operator.post("/api/v1/push/test", &json!({})).await.status(), StatusCode::ACCEPTED);
    let shown = async || operator.get_json("/api/v1/push/subscriptions").await["items"][0]["problem"].clone();
    let looking = async {
        while shown().await != "its address leads into a private network" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), looking).await.expect("it is said why");
    assert_eq!(browser.posts(), 0);
    assert_eq!(operator.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
}
