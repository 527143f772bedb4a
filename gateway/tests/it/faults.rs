use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{App, Socket, problem};

#[tokio::test]
async fn with_the_database_away_answers_are_quick_and_say_nothing_of_the_inside() {
    let app = App::start_alone().await;
    let operator = app.operator().await;
    app.stop_database().await;

    let began = Instant::now();
    let answer = operator.get("/api/v1/agents").await;
    assert!(began.elapsed() < Duration::from_secs(5));
    let request_id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert!(answer.headers().contains_key("retry-after"));
    let problem = problem(answer).await;
    assert_eq!((&problem["status"], &problem["code"]), (&503.into(), &"unavailable".into()));
    assert_eq!(problem["request_id"], request_id);
    assert!(!problem.to_string().contains("trunkline\""), "{problem}");

    let ready = app.client.get(app.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let live = app.client.get(app.url("/health/live")).send().await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);
    let health: Value = app.client.get(app.url("/health")).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&health["status"], &health["dependencies"]["database"]["status"]),
        (&"degraded".into(), &"unavailable".into())
    );

    app.start_database().await;
    assert_eq!(operator.get("/api/v1/agents").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stream_outlives_the_database_and_shows_what_comes_after() {
    let app = App::start_alone().await;
    let operator = app.operator().await;
    let (mut socket, _) = Socket::subscribed(&app, &operator.token, json!({ "type": "subscribe" })).await;
    assert_eq!(socket.json().await["type"], "caught_up");
    app.stop_database().await;
    assert_eq!(operator.get("/api/v1/agents").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    app.start_database().await;
    operator.set_state("available").await;
    assert_eq!(socket.json_of("event").await["event"]["seq"], 1);
}

#[tokio::test]
async fn health_tells_everything_at_a_glance() {
    let app = App::start().await;
    let health: Value = app.client.get(app.url("/health")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&health["service"], &health["version"]), (&"trunkline".into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!(health["status"], "degraded", "Asterisk is away");
    assert_eq!(health["dependencies"]["database"]["status"], "ok");
    assert!(health["uptime_seconds"].is_u64() && health["channels"].is_object() && health["system"].is_object());
    let ready = app.client.get(app.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_documentation_is_served_without_anything_from_elsewhere() {
    let app = App::start().await;
    let get = async |path: &str| app.client.get(app.url(path)).send().await.unwrap();
    let page = get("/dev").await;
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let page = page.text().await.unwrap();
    assert!(page.contains("/api/v1/agents/{id}/devices") && !page.contains("<script"));
    let openapi: Value = get("/dev/openapi.json").await.json().await.unwrap();
    assert_eq!(openapi["info"]["title"], "Trunkline");
    let asyncapi: Value = get("/dev/asyncapi.json").await.json().await.unwrap();
    assert_eq!(asyncapi["channels"]["stream"]["address"], "/api/v1/stream");
}
