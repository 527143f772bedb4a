//! Dialplan hooks: tokens, tenants apart, each hook, the deadline, and those who speak FastAGI wrongly.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::Connection as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use trunkline::hooks;
use trunkline_people::Identity;

use crate::contacts::meet;
use crate::support::{App, User, problem};

const SALES: &str = "+15550100";
/// What a machine under load may need beside the deadline.
const SLACK: Duration = Duration::from_millis(700);
const DEADLINE: Duration = Duration::from_millis(250);
const SOON: Duration = Duration::from_secs(10);

type Vars = Vec<(String, String)>;

fn get<'v>(vars: &'v Vars, name: &str) -> &'v str {
    vars.iter().find(|(known, _)| known == name).map_or_else(|| panic!("no {name} in {vars:?}"), |(_, value)| value)
}

/// FastAGI of this app, on a port of its own.
struct Agi {
    address: SocketAddr,
    cancel: CancellationToken,
}

impl Agi {
    async fn start(app: &App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, cancel) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(hooks::serve_agi(listener, app.state.clone(), cancel.clone()));
        Self { address, cancel }
    }

    /// Asks as Asterisk does, and takes in what is set.
    async fn ask(&self, hook: &str, lines: &[(&str, &str)], arguments: &[&str]) -> Vars {
        let mut text = format!("agi_network: yes\nagi_network_script: {hook}\nagi_extension: s\n");
        for (key, value) in lines {
            let _ = writeln!(text, "agi_{key}: {value}");
        }
        text.push_str("agi_threadid: 1\n");
        for (at, argument) in arguments.iter().enumerate() {
            let _ = writeln!(text, "agi_arg_{}: {argument}", at + 1);
        }
        text.push('\n');
        let socket = TcpStream::connect(self.address).await.unwrap();
        let (reading, mut writing) = socket.into_split();
        writing.write_all(text.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reading).lines();
        let mut vars = Vec::new();
        while let Some(line) = tokio::time::timeout(SOON, lines.next_line()).await.unwrap().unwrap() {
            let rest = line.strip_prefix("SET VARIABLE ").unwrap_or_else(|| panic!("{line}"));
            let (name, value) = rest.split_once(' ').unwrap();
            vars.push((name.to_owned(), value.trim_matches('"').to_owned()));
            writing.write_all(b"200 result=1\n").await.unwrap();
        }
        vars
    }

    /// What comes of bytes that are no FastAGI: nothing, and the end of the connection.
    async fn says_nothing_to(&self, bytes: &[u8]) -> Duration {
        let begun = Instant::now();
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        // It may be off before it has taken everything.
        let _ = socket.write_all(bytes).await;
        let mut said = Vec::new();
        let _ = tokio::time::timeout(SOON, socket.read_to_end(&mut said)).await.expect("the connection ends");
        assert!(said.is_empty(), "{}", String::from_utf8_lossy(&said));
        begun.elapsed()
    }
}

impl Drop for Agi {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn token(admin: &User) -> Value {
    let made = admin.post("/api/v1/hook-tokens", &json!({ "name": "Asterisk" })).await;
    assert_eq!((made.status(), &made.headers()["cache-control"]), (StatusCode::CREATED, &"no-store".parse().unwrap()));
    made.json().await.unwrap()
}

fn secret(made: &Value) -> String {
    made["token"].as_str().unwrap().to_owned()
}

/// Asks over HTTP, as JSON.
async fn http(app: &App, token: &str, hook: &str, query: &[(&str, &str)]) -> (StatusCode, Value) {
    let request = app.client.get(app.url(&format!("/hooks/dialplan/{hook}"))).bearer_auth(token).query(query);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn count(app: &App, admin: &User, kind: &str) -> usize {
    let _ = app;
    admin.get_json(&format!("/api/v1/events?kinds={kind}")).await["items"].as_array().unwrap().len()
}

async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < SOON, "not within {SOON:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_token_is_shown_once_and_only_its_hash_is_kept() {
    let app = App::start().await;
    let admin = app.admin().await;
    let made = token(&admin).await;
    let secret = secret(&made);
    let prefix = made["hook_token"]["prefix"].as_str().unwrap();
    assert!(secret.starts_with(&format!("tlh_{prefix}_")));
    let hidden = secret.rsplit('_').next().unwrap();
    for path in ["/api/v1/hook-tokens", "/api/v1/events", "/api/v1/audit"] {
        let text = admin.get_json(path).await.to_string();
        assert!(text.contains("Asterisk") && !text.contains(hidden), "{path}: {text}");
    }
    let row: (Value,) = sqlx::query_as("SELECT (SELECT json_agg(t) FROM hook_tokens t)")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert!(row.0.to_string().contains(prefix) && !row.0.to_string().contains(hidden), "{}", row.0);

    assert_eq!(http(&app, &secret, "hours", &[("called", SALES)]).await.0, StatusCode::OK);
    let id = made["hook_token"]["id"].as_str().unwrap();
    let revoked = admin.request(Method::DELETE, &format!("/api/v1/hook-tokens/{id}")).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    assert_eq!(http(&app, &secret, "hours", &[("called", SALES)]).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(admin.get_json("/api/v1/hook-tokens").await["items"], json!([]));
    let told = admin.get_json("/api/v1/audit?action=hook_token.revoked").await["items"][0].clone();
    assert_eq!((&told["subject"]["id"], &told["actor"]["id"]), (&made["hook_token"]["id"], &json!(admin.id)));
    let again = admin.request(Method::DELETE, &format!("/api/v1/hook-tokens/{id}")).send().await.unwrap();
    assert_eq!(problem(again).await["status"], 404);
}

#[tokio::test]
async fn nobody_but_an_admin_makes_tokens_and_there_is_an_end_to_them() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let refused = problem(operator.post("/api/v1/hook-tokens", &json!({ "name": "mine" })).await).await;
    assert_eq!(refused["status"], 403);
    for name in ["", " ", &"x".repeat(61)] {
        assert_eq!(problem(admin.post("/api/v1/hook-tokens", &json!({ "name": name })).await).await["status"], 422);
    }
    for number in 0..50 {
        let made = admin.post("/api/v1/hook-tokens", &json!({ "name": format!("{number}") })).await;
        assert_eq!(made.status(), StatusCode::CREATED);
    }
    let more = problem(admin.post("/api/v1/hook-tokens", &json!({ "name": "more" })).await).await;
    assert_eq!(more["code"], "too-many-tokens");
}

#[tokio::test]
async fn a_token_that_another_node_revokes_is_refused_soon() {
    let app = App::start().await;
    let admin = app.admin().await;
    tokio::spawn(hooks::watch_tokens(app.state.clone(), app.state.cancel.clone()));
    let secret = secret(&token(&admin).await);
    assert_eq!(http(&app, &secret, "hours", &[("called", SALES)]).await.0, StatusCode::OK);
    // The watch listens once the use is noted.
    eventually(async || {
        admin.get_json("/api/v1/hook-tokens").await["items"][0]["last_used_at"].is_string() || {
            sqlx::query("UPDATE hook_tokens SET secret_hash = secret_hash")
                .execute(&mut app.owner().await)
                .await
                .unwrap();
            false
        }
    })
    .await;
    sqlx::query("UPDATE hook_tokens SET revoked_at = now()").execute(&mut app.owner().await).await.unwrap();
    eventually(async || http(&app, &secret, "hours", &[("called", SALES)]).await.0 == StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn each_hook_says_the_same_by_fastagi_and_over_http() {
    let app = App::start().await;
    let (agi, admin) = (Agi::start(&app).await, app.admin().await);
    let secret = secret(&token(&admin).await);
    let contact =
        meet(&app, app.tenant, vec![Identity::Phone("+12125550123".to_owned())], Some("Ada, \"the\" ${EXTEN}")).await;
    let marked =
        admin.request(Method::PUT, "/api/v1/caller-marks/+12125550123").json(&json!({ "mark": "vip", "reason": "" }));
    assert_eq!(marked.send().await.unwrap().status(), StatusCode::OK);
    let caller = async || agi.ask("caller", &[("callerid", "12125550123"), ("dnid", SALES)], &[]).await;
    eventually(async || get(&caller().await, "TRUNKLINE_CALLER_VIP") == "1").await;
    let vars = caller().await;
    for (name, value) in [
        ("TRUNKLINE_CALLER_KNOWN", "1"),
        ("TRUNKLINE_CALLER_NUMBER", "+12125550123"),
        ("TRUNKLINE_CALLER_NAME", "Ada the EXTEN"),
        ("TRUNKLINE_CALLER_BLOCKED", "0"),
        ("TRUNKLINE_CONTACT_ID", &contact.to_string()),
        ("TRUNKLINE_LAST_AGENT", ""),
        ("TRUNKLINE_HOOK", "ok"),
    ] {
        assert_eq!(get(&vars, name), value, "{name}");
    }
    assert_eq!(vars.last().unwrap().0, "TRUNKLINE_HOOK", "how it went is told last");
    // However the carrier writes it: as a national number of the tenant's country, too.
    for from in ["+1 (212) 555-0123", "0012125550123", "2125550123"] {
        let vars = agi.ask("caller", &[("callerid", from), ("dnid", SALES)], &[]).await;
        assert_eq!((get(&vars, "TRUNKLINE_CALLER_KNOWN"), get(&vars, "TRUNKLINE_CALLER_VIP")), ("1", "1"), "{from}");
    }
    for from in ["anonymous", "unknown", "", "+12125550999"] {
        let vars = agi.ask("caller", &[("callerid", from), ("dnid", SALES)], &[]).await;
        assert_eq!((get(&vars, "TRUNKLINE_CALLER_KNOWN"), get(&vars, "TRUNKLINE_HOOK")), ("0", "ok"), "{from}");
    }
    for (hook, query) in [
        ("caller", vec![("from", "+12125550123"), ("called", SALES)]),
        ("hours", vec![("called", SALES)]),
        ("route", vec![("called", SALES), ("from", "+12125550123")]),
        ("route", vec![("queue", "701")]),
    ] {
        let arguments: Vec<String> =
            query.iter().map(|(key, value)| format!("{key}={}", value.replace('+', "%2B"))).collect();
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let with_token = format!("token={secret}");
        arguments.push(&with_token);
        let by_agi = agi.ask(hook, &[], &arguments).await;
        let (status, by_http) = http(&app, &secret, hook, &query).await;
        assert_eq!((status, &by_http["status"]), (StatusCode::OK, &"ok".into()), "{by_http}");
        for (name, value) in &by_agi {
            assert_eq!(by_http["variables"][name], value.as_str(), "{hook}: {name}");
        }
        let request = app.client.post(app.url(&format!("/hooks/dialplan/{hook}")));
        let lines = request
            .body(format!("format=vars&token={secret}"))
            .query(&query)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let expected = by_agi.iter().fold(String::new(), |text, (name, value)| text + &format!("{name}={value}\n"));
        assert_eq!(lines, expected, "{hook}");
    }
    let route = agi.ask("route", &[("callerid", "+12125550123")], &[SALES]).await;
    assert_eq!((get(&route, "TRUNKLINE_ROUTE"), get(&route, "TRUNKLINE_ROUTE_EXTEN")), ("queue", "700"));
    assert_eq!((get(&route, "TRUNKLINE_PRIORITY"), get(&route, "TRUNKLINE_ROUTE_NUMBER")), ("10", SALES));

    let vars = agi.ask("event", &[("callerid", "+12125550123"), ("dnid", SALES)], &["menu.chosen", "two"]).await;
    assert_eq!((get(&vars, "TRUNKLINE_EVENT"), get(&vars, "TRUNKLINE_HOOK")), ("written", "ok"));
    let event = admin.get_json("/api/v1/events?kinds=dialplan.*").await["items"][0].clone();
    assert_eq!((&event["kind"], &event["data"]["text"]), (&"dialplan.menu.chosen".into(), &"two".into()));
    assert_eq!((&event["data"]["from"], &event["subject"]["type"]), (&"+12125550123".into(), &"queue".into()));
    let (status, refused) = http(&app, &secret, "event", &[("called", SALES), ("name", "No Name")]).await;
    assert_eq!((status, &refused["status"]), (StatusCode::UNPROCESSABLE_ENTITY, &"failed".into()));
    let unknown = app.client.get(app.url("/hooks/dialplan/reboot")).bearer_auth(&secret).send().await.unwrap();
    assert_eq!(problem(unknown).await["status"], 404);
}

#[tokio::test]
async fn hours_and_the_last_agent_say_where_a_call_goes() {
    let app = App::start().await;
    let (agi, admin, operator) = (Agi::start(&app).await, app.admin().await, app.operator().await);
    let queues = admin.get_json("/api/v1/queues").await;
    let id = |slug: &str| {
        let queue = queues["items"].as_array().unwrap().iter().find(|queue| queue["slug"] == slug).unwrap();
        queue["id"].as_str().unwrap().to_owned()
    };
    let works = async |routing: Value| {
        let path = format!("/api/v1/queues/{}/routing", id("sales"));
        let set = admin.request(Method::PUT, &path).json(&json!({ "routing": routing })).send().await.unwrap();
        assert_eq!(set.status(), StatusCode::OK, "{:?}", set.text().await);
    };
    let ask = async |hook: &str| agi.ask(hook, &[("callerid", "+12125550123"), ("dnid", SALES)], &[]).await;
    let never = json!({ "time_zone": "Europe/Rome", "week": [] });
    works(json!({ "hours": never, "closed": { "to": "hang_up" } })).await;
    eventually(async || get(&ask("hours").await, "TRUNKLINE_OPEN") == "0").await;
    assert_eq!(get(&ask("hours").await, "TRUNKLINE_HOURS_REASON"), "out_of_hours");
    assert_eq!(get(&ask("route").await, "TRUNKLINE_ROUTE"), "voicemail");
    works(json!({ "hours": never, "closed": { "to": { "number": "+12125550177" } } })).await;
    eventually(async || get(&ask("route").await, "TRUNKLINE_ROUTE") == "number").await;
    assert_eq!(get(&ask("route").await, "TRUNKLINE_ROUTE_NUMBER"), "+12125550177");
    works(json!({ "hours": never, "closed": { "to": { "queue_id": id("support") } } })).await;
    eventually(async || get(&ask("route").await, "TRUNKLINE_ROUTE") == "queue").await;
    let route = ask("route").await;
    assert_eq!((get(&route, "TRUNKLINE_ROUTE_EXTEN"), get(&route, "TRUNKLINE_ROUTE_REASON")), ("701", "closed"));
    // The week has one opening, the day after tomorrow or so: the change is told in the place's own time.
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let week: Vec<Value> = days.iter().map(|day| json!({ "day": day, "from": "00:00", "to": "24:00" })).collect();
    works(json!({ "hours": { "time_zone": "Europe/Rome", "week": week }, "sticky_seconds": 30 })).await;
    eventually(async || get(&ask("hours").await, "TRUNKLINE_HOURS_REASON") == "in_hours").await;

    // A blocked caller goes nowhere; somebody whose agent cannot be reached goes to the queue.
    let contact = meet(&app, app.tenant, vec![Identity::Phone("+12125550123".to_owned())], Some("Ada")).await;
    sqlx::query(
        "INSERT INTO conversations (tenant_id, id, channel, contact_id, address, agent_id, opened_at, last_at)
         VALUES ($1, gen_random_uuid(), 'call', $2, '+12125550123', $3, now(), now())",
    )
    .bind(app.tenant)
    .bind(contact)
    .bind(operator.id)
    .execute(&mut app.owner().await)
    .await
    .unwrap();
    let caller = ask("caller").await;
    assert_eq!(
        (get(&caller, "TRUNKLINE_LAST_AGENT_ID"), get(&caller, "TRUNKLINE_HOOK")),
        (operator.id.to_string().as_str(), "ok")
    );
    assert!(!get(&caller, "TRUNKLINE_LAST_AGENT").is_empty() && !get(&caller, "TRUNKLINE_CONVERSATION_ID").is_empty());
    let route = ask("route").await;
    assert_eq!((get(&route, "TRUNKLINE_ROUTE"), get(&route, "TRUNKLINE_HOOK")), ("queue", "ok"));
    let marked = admin
        .request(Method::PUT, "/api/v1/caller-marks/+12125550123")
        .json(&json!({ "mark": "blocked", "reason": "" }));
    assert_eq!(marked.send().await.unwrap().status(), StatusCode::OK);
    eventually(async || get(&ask("route").await, "TRUNKLINE_ROUTE") == "hang_up").await;
    assert_eq!(get(&ask("caller").await, "TRUNKLINE_CALLER_BLOCKED"), "1");
}

#[tokio::test]
async fn a_number_says_whose_call_it_is_and_a_token_never_opens_anothers() {
    let app = App::start().await;
    let agi = Agi::start(&app).await;
    let (other, stranger) = app.other_tenant().await;
    let secret = secret(&token(&stranger).await);
    meet(&app, app.tenant, vec![Identity::Phone("+12125550123".to_owned())], Some("Ours")).await;
    meet(&app, other, vec![Identity::Phone("+12125550123".to_owned())], Some("Theirs")).await;
    let lines = [("callerid", "+12125550123"), ("dnid", SALES)];
    assert_eq!(get(&agi.ask("caller", &lines, &[]).await, "TRUNKLINE_CALLER_NAME"), "Ours");
    let by_token = format!("token={secret}");
    eventually(async || get(&agi.ask("caller", &lines, &[&by_token]).await, "TRUNKLINE_CALLER_NAME") == "Theirs").await;
    for hook in ["hours", "route"] {
        let vars = agi.ask(hook, &lines, &[&by_token]).await;
        assert_eq!(get(&vars, "TRUNKLINE_HOOK"), "unknown", "{hook}: our number is none of theirs");
        let (status, told) = http(&app, &secret, hook, &[("called", SALES), ("queue", "700")]).await;
        assert_eq!((status, &told["status"]), (StatusCode::OK, &"unknown".into()), "{told}");
    }
    let (_, told) = http(&app, &secret, "event", &[("called", SALES), ("name", "theirs")]).await;
    assert_eq!(told["status"], "ok");
    let admin = app.admin().await;
    assert_eq!((count(&app, &admin, "dialplan.theirs").await, count(&app, &stranger, "dialplan.theirs").await), (0, 1));
    // Without a number of anybody's, nobody is asked.
    for hook in ["caller", "hours", "route", "event"] {
        let vars = agi.ask(hook, &[("callerid", "+12125550123"), ("dnid", "+19995550000")], &["name=x"]).await;
        assert_eq!(get(&vars, "TRUNKLINE_HOOK"), "unknown", "{hook}");
    }
    for wrong in ["tlh_0123456789_0", &secret[..secret.len() - 1], "x", &format!("{}0", &secret[..secret.len() - 1])] {
        let vars = agi.ask("caller", &lines, &[&format!("token={wrong}")]).await;
        assert_eq!((get(&vars, "TRUNKLINE_HOOK"), get(&vars, "TRUNKLINE_CALLER_NAME")), ("denied", ""), "{wrong}");
    }
    let nobody = app.client.get(app.url("/hooks/dialplan/caller")).send().await.unwrap();
    assert_eq!(problem(nobody).await["status"], 401);
    let lines = app.client.get(app.url("/hooks/dialplan/event?format=vars&token=x")).send().await.unwrap();
    assert_eq!(lines.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(lines.text().await.unwrap(), "TRUNKLINE_EVENT=lost\nTRUNKLINE_HOOK=denied\n");
    // A suspended tenant's token opens nothing.
    sqlx::query("UPDATE tenants SET suspended_at = now(), suspended_reason = 'x' WHERE id = $1")
        .bind(other)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    eventually(async || http(&app, &secret, "caller", &[("from", "+12125550123")]).await.1["status"] == "unknown")
        .await;
}

#[tokio::test]
async fn past_the_deadline_the_answer_is_what_memory_knows() {
    let app = App::start().await;
    let (agi, admin) = (Agi::start(&app).await, app.admin().await);
    let secret = secret(&token(&admin).await);
    meet(&app, app.tenant, vec![Identity::Phone("+12125550123".to_owned())], Some("Ada")).await;
    let marked =
        admin.request(Method::PUT, "/api/v1/caller-marks/+12125550123").json(&json!({ "mark": "vip", "reason": "" }));
    assert_eq!(marked.send().await.unwrap().status(), StatusCode::OK);
    let lines = [("callerid", "+12125550123"), ("dnid", SALES)];
    eventually(async || get(&agi.ask("caller", &lines, &[]).await, "TRUNKLINE_CALLER_VIP") == "1").await;

    let mut owner = app.owner().await;
    let mut held = owner.begin().await.unwrap();
    sqlx::query("LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    sqlx::query("SELECT 1 FROM journal_heads FOR UPDATE").fetch_all(&mut *held).await.unwrap();
    // More at once than may wait for the database: none of them waits longer than the deadline.
    let asking = (0..40).map(async |number| {
        let begun = Instant::now();
        let vars = if number % 2 == 0 {
            agi.ask("caller", &lines, &[]).await
        } else {
            let (status, told) = http(&app, &secret, "caller", &[("from", "+12125550123"), ("called", SALES)]).await;
            assert_eq!(status, StatusCode::OK);
            let vars = told["variables"].as_object().unwrap().iter();
            vars.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
        };
        let took = begun.elapsed();
        assert!(took >= DEADLINE && took < DEADLINE + SLACK, "{took:?}");
        assert_eq!((get(&vars, "TRUNKLINE_HOOK"), get(&vars, "TRUNKLINE_CALLER_VIP")), ("partial", "1"));
        assert_eq!((get(&vars, "TRUNKLINE_CALLER_KNOWN"), get(&vars, "TRUNKLINE_CALLER_NAME")), ("0", ""));
    });
    futures_util::future::join_all(asking).await;
    let begun = Instant::now();
    let vars = agi.ask("event", &lines, &["held"]).await;
    assert!(begun.elapsed() < DEADLINE + SLACK, "{:?}", begun.elapsed());
    assert_eq!((get(&vars, "TRUNKLINE_EVENT"), get(&vars, "TRUNKLINE_HOOK")), ("late", "partial"));
    let begun = Instant::now();
    assert_eq!(get(&agi.ask("route", &lines, &[]).await, "TRUNKLINE_HOOK"), "ok");
    assert!(begun.elapsed() < DEADLINE, "what needs no database does not wait for it: {:?}", begun.elapsed());
    held.rollback().await.unwrap();

    eventually(async || get(&agi.ask("caller", &lines, &[]).await, "TRUNKLINE_CALLER_NAME") == "Ada").await;
    eventually(async || count(&app, &admin, "dialplan.held").await == 1).await;
    let text = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    for line in [
        r#"trunkline_hook_requests_total{hook="caller",outcome="partial",via="agi"} 20"#,
        r#"trunkline_hook_requests_total{hook="caller",outcome="partial",via="http"} 20"#,
        r#"trunkline_hook_requests_total{hook="event",outcome="partial",via="agi"} 1"#,
        r#"trunkline_hook_seconds_count{hook="caller",via="http"}"#,
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[tokio::test]
async fn without_a_database_memory_answers() {
    let app = App::start_alone().await;
    let (agi, admin) = (Agi::start(&app).await, app.admin().await);
    let secret = secret(&token(&admin).await);
    app.stop_database().await;
    let lines = [("callerid", "+12125550123"), ("dnid", SALES)];
    for hook in ["hours", "route"] {
        assert_eq!(get(&agi.ask(hook, &lines, &[]).await, "TRUNKLINE_HOOK"), "ok", "{hook}");
        assert_eq!(http(&app, &secret, hook, &[("called", SALES)]).await.1["status"], "ok", "{hook}");
    }
    for hook in ["caller", "event"] {
        let begun = Instant::now();
        let vars = agi.ask(hook, &lines, &["name=away"]).await;
        assert_eq!(get(&vars, "TRUNKLINE_HOOK"), "partial", "{hook}");
        assert!(begun.elapsed() < DEADLINE + SLACK, "{hook}: {:?}", begun.elapsed());
    }
    app.start_database().await;
    eventually(async || get(&agi.ask("caller", &lines, &[]).await, "TRUNKLINE_HOOK") == "ok").await;
}

#[tokio::test]
async fn who_speaks_no_fastagi_is_off_and_keeps_nobody_from_it() {
    let app = App::start().await;
    let agi = Agi::start(&app).await;
    let lines = [("callerid", "+12125550123"), ("dnid", SALES)];
    // Half a line each, and then nothing: the slowest of the slow.
    let mut silent = Vec::new();
    for _ in 0..50 {
        let mut socket = TcpStream::connect(agi.address).await.unwrap();
        socket.write_all(b"agi_network: yes\nagi_netw").await.unwrap();
        silent.push(socket);
    }
    for bytes in [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice(),
        b"\n\n",
        &[0; 4096],
        &vec![b'a'; 64 * 1024],
        b"agi_network: yes\nagi_network_script: caller\nagi_dnid: +15550100\nagi_dnid: +15550101\nagi_threadid: 1\n\n",
        b"agi_network: yes\nagi_network_script: reboot\nagi_threadid: 1\n\n",
        b"agi_network: yes\nagi_threadid: 1\n\nSET VARIABLE A 1\n",
    ] {
        let took = agi.says_nothing_to(bytes).await;
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    assert_eq!(get(&agi.ask("hours", &lines, &[]).await, "TRUNKLINE_HOOK"), "ok");
    for mut socket in silent {
        let mut said = Vec::new();
        let _ = tokio::time::timeout(SOON, socket.read_to_end(&mut said)).await.expect("it is closed");
        assert!(said.is_empty());
    }
    let took = agi.says_nothing_to(b"agi_network: yes\n").await;
    assert!((1..5).contains(&took.as_secs()), "{took:?}");
    // Somebody who takes no commands is off as well.
    let mut socket = TcpStream::connect(agi.address).await.unwrap();
    socket
        .write_all(b"agi_network: yes\nagi_network_script: hours\nagi_dnid: +15550100\nagi_threadid: 1\n\n")
        .await
        .unwrap();
    let mut said = String::new();
    tokio::time::timeout(SOON, socket.read_to_string(&mut said)).await.expect("it is closed").unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn fastagi_is_taken_from_the_configured_networks_alone() {
    let app = App::configured(&[("AGI_NETWORKS", "10.0.0.0/8, 192.0.2.1")]).await;
    let agi = Agi::start(&app).await;
    agi.says_nothing_to(b"agi_network: yes\nagi_network_script: hours\nagi_dnid: +15550100\nagi_threadid: 1\n\n").await;
    let text = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains(r#"trunkline_hook_agi_refused_total{reason="network"} 1"#), "{text}");
}

#[tokio::test]
async fn the_panel_describes_and_tries_them() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let told = admin.get_json("/api/v1/hooks").await;
    assert_eq!((&told["agi"], &told["deadline_ms"]), (&"127.0.0.1:4573".into(), &250.into()));
    assert_eq!(told["items"].as_array().unwrap().len(), 4);
    assert_eq!(told["items"][1]["variables"][0], json!({ "name": "TRUNKLINE_OPEN", "fallback": "1" }));
    let tried: Value =
        admin.post("/api/v1/hooks/try", &json!({ "hook": "route", "called": SALES })).await.json().await.unwrap();
    assert_eq!((&tried["status"], &tried["variables"]["TRUNKLINE_ROUTE_EXTEN"]), (&"ok".into(), &"700".into()));
    assert!(tried["took_ms"].as_f64().unwrap() >= 0.0);
    assert_eq!(problem(operator.post("/api/v1/hooks/try", &json!({ "hook": "hours" })).await).await["status"], 403);
    assert_eq!(problem(admin.post("/api/v1/hooks/try", &json!({ "hook": "reboot" })).await).await["status"], 422);
}

#[tokio::test]
async fn a_numbers_own_hours_and_ways_are_followed() {
    let app = App::start().await;
    let (agi, operator) = (Agi::start(&app).await, app.operator().await);
    let mut owner = app.owner().await;
    let hours = json!({ "time_zone": "Europe/Rome", "week": [] });
    let decided = json!({ "open": false, "until": null, "note": "Flood", "by": null, "since": chrono::Utc::now() });
    sqlx::query("INSERT INTO schedules (tenant_id, id, name, hours) VALUES ($1, gen_random_uuid(), 'Office', $2)")
        .bind(app.tenant)
        .bind(&hours)
        .execute(&mut owner)
        .await
        .unwrap();
    let number = "UPDATE numbers SET schedule_id = (SELECT id FROM schedules), closed_type = 'agent', closed_agent_id = $1 WHERE number = '+15550100'";
    sqlx::query(number).bind(operator.id).execute(&mut owner).await.unwrap();
    let ask = async |hook: &str| agi.ask(hook, &[("callerid", "+12125550123"), ("dnid", SALES)], &[]).await;
    eventually(async || get(&ask("hours").await, "TRUNKLINE_OPEN") == "0").await;
    assert_eq!(get(&ask("hours").await, "TRUNKLINE_HOURS_REASON"), "out_of_hours");
    let route = ask("route").await;
    assert_eq!((get(&route, "TRUNKLINE_ROUTE"), get(&route, "TRUNKLINE_ROUTE_REASON")), ("agent", "closed"));
    assert_eq!(get(&route, "TRUNKLINE_ROUTE_ID"), operator.id.to_string());

    sqlx::query("UPDATE numbers SET closed_type = 'hang_up', closed_agent_id = NULL")
        .execute(&mut owner)
        .await
        .unwrap();
    sqlx::query("UPDATE schedules SET decided = $1").bind(&decided).execute(&mut owner).await.unwrap();
    eventually(async || get(&ask("hours").await, "TRUNKLINE_HOURS_REASON") == "override").await;
    eventually(async || get(&ask("route").await, "TRUNKLINE_ROUTE") == "voicemail").await;
    sqlx::query("UPDATE schedules SET decided = jsonb_set($1, '{open}', 'true')")
        .bind(&decided)
        .execute(&mut owner)
        .await
        .unwrap();
    eventually(async || get(&ask("hours").await, "TRUNKLINE_OPEN") == "1").await;
    assert_eq!(get(&ask("route").await, "TRUNKLINE_ROUTE"), "queue");
    // A number that leads nowhere says so.
    sqlx::query("UPDATE numbers SET target_type = 'hang_up', queue_id = NULL WHERE number = '+15550100'")
        .execute(&mut owner)
        .await
        .unwrap();
    eventually(async || get(&ask("route").await, "TRUNKLINE_ROUTE") == "hang_up").await;
    assert_eq!(get(&ask("hours").await, "TRUNKLINE_HOOK"), "ok");
}
