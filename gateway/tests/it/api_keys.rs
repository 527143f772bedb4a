//! API keys, from being made to being revoked.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_db::Role;

use crate::support::{App, Options, Socket, User, problem};

const KEYS: &str = "/api/v1/api-keys";

async fn make(admin: &User, body: Value) -> Value {
    let made = admin.post(KEYS, &body).await;
    assert_eq!((made.status(), &made.headers()["cache-control"]), (StatusCode::CREATED, &"no-store".parse().unwrap()));
    made.json().await.unwrap()
}

fn user_of(app: &App, admin: &User, made: &Value) -> User {
    app.with_token(admin.id, made["token"].as_str().unwrap())
}

fn path(made: &Value) -> String {
    format!("{KEYS}/{}", made["api_key"]["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_key_works_at_once_for_what_it_may_and_acts_for_its_maker() {
    let app = App::start().await;
    let admin = app.admin().await;
    let made =
        make(&admin, json!({ "name": "reports", "permissions": ["queues:read", "events:read", "teams:manage"] })).await;
    let prefix = made["api_key"]["prefix"].as_str().unwrap();
    assert!(made["token"].as_str().unwrap().starts_with(&format!("tlk_{prefix}_")));
    let key = user_of(&app, &admin, &made);
    assert_eq!(key.get("/api/v1/queues").await.status(), StatusCode::OK);
    let refused = problem(key.get("/api/v1/calls").await).await;
    assert_eq!(refused["status"], 403);
    assert!(refused["detail"].as_str().unwrap().contains("API key"), "{refused}");
    let me = key.get_json("/api/v1/me").await;
    assert_eq!(
        (&me["user"]["id"], &me["permissions"]),
        (&json!(admin.id), &json!(["queues:read", "events:read", "teams:manage"]))
    );
    let team = key.post("/api/v1/teams", &json!({ "name": "Made by a program" })).await;
    assert_eq!(team.status(), StatusCode::CREATED);
    let event = admin.get_json("/api/v1/events?kinds=team.created").await["items"][0].clone();
    assert_eq!(event["actor"]["id"], json!(admin.id));
    let told = admin.get_json("/api/v1/audit?action=team.created").await["items"][0].clone();
    assert_eq!((&told["actor"]["id"], &told["via"]["type"]), (&json!(admin.id), &"api_key".into()));
    assert_eq!(told["via"]["id"], made["api_key"]["id"]);
}

#[tokio::test]
async fn the_secret_is_shown_once_and_kept_nowhere() {
    let app = App::start().await;
    let admin = app.admin().await;
    let body = json!({ "name": "once", "permissions": ["queues:read"] });
    let ask = async || {
        let request = admin.request(Method::POST, KEYS).header("idempotency-key", "k1").json(&body);
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let (made, repeated) = (ask().await, ask().await);
    assert_eq!(made, repeated, "a repeated request gets the first answer");
    let secret = made["token"].as_str().unwrap().rsplit('_').next().unwrap().to_owned();
    for text in [
        admin.get_json(KEYS).await.to_string(),
        admin.get_json(&path(&made)).await.to_string(),
        admin.get_json("/api/v1/events").await.to_string(),
    ] {
        assert!(text.contains("once") && !text.contains(&secret), "{text}");
    }
    let row: (Value,) = sqlx::query_as(
        "SELECT json_build_object('keys', (SELECT json_agg(k) FROM api_keys k), 'kept', (SELECT json_agg(i) FROM idempotency_keys i),
                                  'events', (SELECT json_agg(e) FROM events e))",
    )
    .fetch_one(&mut app.owner().await)
    .await
    .unwrap();
    assert!(row.0.to_string().contains("once") && !row.0.to_string().contains(&secret));
}

#[tokio::test]
async fn what_is_for_people_refuses_keys_in_words() {
    let app = App::start().await;
    let admin = app.admin().await;
    let key = user_of(&app, &admin, &make(&admin, json!({ "name": "k", "permissions": ["queues:read"] })).await);
    let body = json!({ "current": "trunkline-demo", "new": "something else entirely" });
    assert_eq!(problem(key.post("/api/v1/auth/password", &body).await).await["code"], "person-required");
    let name = key.request(Method::PATCH, "/api/v1/me").json(&json!({ "name": "Robot" })).send().await.unwrap();
    assert_eq!(problem(name).await["code"], "person-required");
}

#[tokio::test]
async fn a_revoked_key_and_its_stream_end_at_once() {
    let app = App::start().await;
    let admin = app.admin().await;
    let made = make(&admin, json!({ "name": "k", "permissions": ["events:read"] })).await;
    let key = user_of(&app, &admin, &made);
    let mut stream = Socket::open(&app, &key.token).await;
    stream.json_of("hello").await;
    let ticket: Value = key.post("/api/v1/stream/tickets", &json!({})).await.json().await.unwrap();
    let begun = Instant::now();
    assert_eq!(admin.request(Method::DELETE, &path(&made)).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(problem(key.get("/api/v1/events").await).await["status"], 401);
    assert_eq!(stream.closed().await.code, 4401);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let query = format!("?ticket={}", ticket["ticket"].as_str().unwrap());
    assert!(Socket::try_open(&app, &query, None).await.is_err(), "a ticket ends with the key it was made with");
    assert_eq!(problem(admin.get(&path(&made)).await).await["status"], 404);
    assert_eq!(admin.get_json(KEYS).await["items"], json!([]));
}

#[tokio::test]
async fn a_key_that_another_node_revokes_ends_within_a_second() {
    let app = App::start().await;
    let admin = app.admin().await;
    let key = user_of(&app, &admin, &make(&admin, json!({ "name": "k", "permissions": ["events:read"] })).await);
    let mut stream = Socket::open(&app, &key.token).await;
    stream.json_of("hello").await;
    let begun = Instant::now();
    sqlx::query("UPDATE api_keys SET revoked_at = now()").execute(&mut app.owner().await).await.unwrap();
    assert_eq!(stream.closed().await.code, 4401);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(key.get("/api/v1/events").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_rotated_key_has_two_secrets_for_a_while() {
    let app = App::start().await;
    let admin = app.admin().await;
    let made = make(&admin, json!({ "name": "k", "permissions": ["queues:read"] })).await;
    let old = user_of(&app, &admin, &made);
    let rotate = async |overlap: i64| {
        let body = json!({ "overlap_seconds": overlap });
        let rotated = admin.post(&format!("{}/rotate", path(&made)), &body).await;
        assert_eq!(rotated.status(), StatusCode::OK);
        user_of(&app, &admin, &rotated.json().await.unwrap())
    };
    let works = async |key: &User| key.get("/api/v1/queues").await.status() == StatusCode::OK;
    let new = rotate(3600).await;
    assert!(works(&old).await && works(&new).await);
    assert!(admin.get_json(&path(&made)).await["previous_until"].is_string());
    let newest = rotate(0).await;
    assert!(!works(&old).await && !works(&new).await && works(&newest).await);

    // Whoever has the secret acts in the maker's name.
    let second = app.member(Role::Admin).await;
    let second = app.with_token(second, app.token(second, Role::Admin, 60));
    let refused = second.post(&format!("{}/rotate", path(&made)), &json!({})).await;
    assert_eq!(problem(refused).await["status"], 403);
    let revoked = second.request(Method::DELETE, &path(&made)).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_key_never_may_more_than_its_maker() {
    let app = App::start().await;
    let maker = app.member(Role::Admin).await;
    let admin = app.with_token(maker, app.token(maker, Role::Admin, 600));
    let key = user_of(
        &app,
        &admin,
        &make(&admin, json!({ "name": "k", "permissions": ["roles:read", "queues:read"] })).await,
    );
    assert_eq!(key.get("/api/v1/roles").await.status(), StatusCode::OK);
    let mut owner = app.owner().await;
    let sql = "UPDATE memberships SET role = 'operator' WHERE user_id = $1";
    sqlx::query(sql).bind(maker).execute(&mut owner).await.unwrap();
    app.read_roster().await;
    assert_eq!(key.get("/api/v1/roles").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(key.get("/api/v1/queues").await.status(), StatusCode::OK);
    let sql = "UPDATE users SET disabled_at = now() WHERE id = $1";
    sqlx::query(sql).bind(maker).execute(&mut owner).await.unwrap();
    app.read_roster().await;
    assert_eq!(key.get("/api/v1/queues").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_ends_at_its_time() {
    let app = App::start().await;
    let admin = app.admin().await;
    let end = chrono::Utc::now() + chrono::TimeDelta::seconds(2);
    let made = make(&admin, json!({ "name": "k", "permissions": ["events:read"], "expires_at": end })).await;
    let key = user_of(&app, &admin, &made);
    let mut stream = Socket::open(&app, &key.token).await;
    stream.json_of("hello").await;
    assert_eq!(stream.closed().await.code, 4401);
    assert_eq!(key.get("/api/v1/events").await.status(), StatusCode::UNAUTHORIZED);
    let change = |body: Value| admin.request(Method::PATCH, &path(&made)).json(&body).send();
    let refused = problem(change(json!({ "expires_at": "2020-01-01T00:00:00Z" })).await.unwrap()).await;
    assert_eq!(refused["errors"][0]["field"], "expires_at");
    assert_eq!(change(json!({ "expires_at": null })).await.unwrap().status(), StatusCode::OK);
    assert_eq!(key.get("/api/v1/events").await.status(), StatusCode::OK, "an end that was taken away");
}

#[tokio::test]
async fn a_key_is_used_from_its_addresses_alone() {
    let app =
        App::start_with(Options { config: vec![("TRUSTED_PROXIES", "127.0.0.1".to_owned())], ..Options::default() })
            .await;
    let admin = app.admin().await;
    let networks = json!(["192.0.2.0/24", "2001:db8::1"]);
    let made =
        make(&admin, json!({ "name": "k", "permissions": ["queues:read"], "allowed_addresses": networks })).await;
    assert_eq!(made["api_key"]["allowed_addresses"], json!(["192.0.2.0/24", "2001:db8::1/128"]));
    let key = user_of(&app, &admin, &made);
    let status = async |address: &str| {
        let request = key.request(Method::GET, "/api/v1/queues").header("x-forwarded-for", address);
        request.send().await.unwrap().status()
    };
    assert_eq!(status("192.0.2.9").await, StatusCode::OK);
    assert_eq!(status("2001:db8::1").await, StatusCode::OK);
    assert_eq!(status("198.51.100.1").await, StatusCode::UNAUTHORIZED);
    assert_eq!(status("2001:db8::2").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_has_its_own_limit_and_its_uses_are_counted() {
    let app = App::start().await;
    let admin = app.admin().await;
    let made = make(&admin, json!({ "name": "k", "permissions": ["queues:read"], "requests_per_second": 1 })).await;
    let key = user_of(&app, &admin, &made);
    let first = key.get("/api/v1/queues").await;
    assert_eq!(first.headers()["ratelimit-policy"], "\"key\";q=2;w=2");
    let (mut passed, mut refused) = (1, 0);
    for _ in 0..5 {
        let answer = key.get("/api/v1/queues").await;
        if answer.status() == StatusCode::OK {
            passed += 1;
        } else {
            assert!(answer.headers().contains_key("retry-after"));
            assert_eq!(problem(answer).await["status"], 429);
            refused += 1;
        }
    }
    assert!(passed >= 2 && refused >= 2, "{passed} {refused}");
    let begun = Instant::now();
    let counted = loop {
        let counted = admin.get_json(&path(&made)).await;
        let all = counted["requests"].as_i64().unwrap() + counted["refused"].as_i64().unwrap();
        if all == 6 || begun.elapsed() > Duration::from_secs(15) {
            break counted;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!((&counted["requests"], &counted["refused"]), (&json!(passed), &json!(refused)));
    assert_eq!(counted["last_used_from"], "127.0.0.1");
    assert!(counted["last_used_at"].is_string());
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_field() {
    let app = App::start().await;
    let admin = app.admin().await;
    for (body, field) in [
        (json!({ "name": "", "permissions": ["queues:read"] }), "name"),
        (json!({ "name": "k", "permissions": [] }), "permissions"),
        (json!({ "name": "k", "permissions": ["queues:burn"] }), "permissions"),
        (
            json!({ "name": "k", "permissions": ["queues:read"], "allowed_addresses": ["localhost"] }),
            "allowed_addresses[0]",
        ),
        (json!({ "name": "k", "permissions": ["queues:read"], "requests_per_second": 0 }), "requests_per_second"),
        (json!({ "name": "k", "permissions": ["queues:read"], "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
        (json!({ "name": "k", "permissions": ["queues:read"], "secret": "mine" }), "secret"),
    ] {
        let refused = problem(admin.post(KEYS, &body).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &field.into()), "{body}");
    }
    let made = make(&admin, json!({ "name": "k", "permissions": ["queues:read"] })).await;
    for overlap in [-1, 2_592_001, i64::MAX] {
        let refused = admin.post(&format!("{}/rotate", path(&made)), &json!({ "overlap_seconds": overlap })).await;
        assert_eq!(problem(refused).await["errors"][0]["field"], "overlap_seconds");
    }
}
