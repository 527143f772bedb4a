//! Changing one's password, and the password that somebody else chose.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::provision::DEMO_PASSWORD;

use crate::support::{App, User, problem};

const NEW: &str = "a much better password";

async fn change(user: &User, current: &str, new: &str) -> Response {
    user.post("/api/v1/auth/password", &json!({ "current": current, "new": new })).await
}

#[tokio::test]
async fn a_new_password_ends_the_other_sign_ins_and_keeps_this_one() {
    let app = App::start().await;
    let (here, elsewhere) = (app.operator().await, app.operator().await);
    let answer = change(&here, DEMO_PASSWORD, NEW).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()["set-cookie"].to_str().unwrap().starts_with("trunkline_refresh="));
    let body: Value = answer.json().await.unwrap();
    let fresh = app.client.get(app.url("/api/v1/me")).bearer_auth(body["access_token"].as_str().unwrap());
    assert_eq!(fresh.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(here.get("/api/v1/me").await.status(), StatusCode::OK, "this sign-in goes on");
    assert_eq!(problem(elsewhere.get("/api/v1/me").await).await["status"], 401);

    assert_eq!(app.login("operator@demo.test", DEMO_PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(app.login("operator@demo.test", NEW).await.status(), StatusCode::OK);
    let event = &app.admin().await.get_json("/api/v1/events").await["items"][0];
    assert_eq!((&event["kind"], &event["data"]), (&"user.password_changed".into(), &json!({})));
    assert_eq!(app.sign_in("operator2@demo.test").await.get_json("/api/v1/events").await["items"], json!([]));
}

#[tokio::test]
async fn a_wrong_or_weak_password_is_refused_and_guessing_is_limited() {
    let app = App::start().await;
    let operator = app.operator().await;
    for (current, new, field) in
        [("wrong password", NEW, "current"), (DEMO_PASSWORD, "short", "new"), (DEMO_PASSWORD, DEMO_PASSWORD, "new")]
    {
        let refused = problem(change(&operator, current, new).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &field.into()));
    }
    for _ in 0..7 {
        change(&operator, "wrong password", NEW).await;
    }
    let limited = change(&operator, DEMO_PASSWORD, NEW).await;
    assert!(limited.headers().contains_key("retry-after"));
    assert_eq!(problem(limited).await["status"], 429);
}

#[tokio::test]
async fn a_password_chosen_by_somebody_else_opens_nothing_but_its_change() {
    let app = App::start().await;
    let mut owner = app.owner().await;
    sqlx::query("UPDATE users SET must_change_password = true WHERE email = 'operator@demo.test'")
        .execute(&mut owner)
        .await
        .unwrap();
    let operator = app.operator().await;
    assert_eq!(operator.get_json("/api/v1/me").await["user"]["must_change_password"], true);
    for path in ["/api/v1/calls", "/api/v1/agents", "/api/v1/events", "/api/v1/queues/live"] {
        let refused = problem(operator.get(path).await).await;
        assert_eq!((&refused["status"], &refused["code"]), (&403.into(), &"password-change-required".into()), "{path}");
    }
    let refused = problem(operator.post("/api/v1/stream/tickets", &json!({})).await).await;
    assert_eq!(refused["code"], "password-change-required");

    let changed: Value = change(&operator, DEMO_PASSWORD, NEW).await.json().await.unwrap();
    assert_eq!(changed["user"]["must_change_password"], false);
    let calls = app.client.get(app.url("/api/v1/calls")).bearer_auth(changed["access_token"].as_str().unwrap());
    assert_eq!(calls.send().await.unwrap().status(), StatusCode::OK);
}
