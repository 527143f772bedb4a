//! What can be asked of a running call, refused where there is none; and notices, whole.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_db::Role;

use crate::calls::{Made, make_call, queue};
use crate::support::{App, User, problem};

const CONTROLS: [&str; 6] = ["hold", "resume", "mute", "unmute", "recording/pause", "recording/resume"];

async fn status(user: &User, path: &str, body: &Value) -> StatusCode {
    user.post(path, body).await.status()
}

#[tokio::test]
async fn what_is_asked_of_a_call_out_of_sight_is_not_found_and_without_call_control_unavailable() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let (_, stranger) = app.other_tenant().await;
    let sales = queue(&admin, "sales").await;
    let call = make_call(
        &app,
        Made { state: "active", queue: Some(sales), agent: Some(operator.id), end_reason: None, ..Made::default() },
    );
    let call = call.await;
    let asks = CONTROLS.map(|control| (control, Value::Null)).into_iter().chain([
        ("dtmf", json!({ "digits": "12#*" })),
        ("supervise", json!({ "mode": "listen" })),
        ("take-over", Value::Null),
        ("move", json!({ "queue_id": sales })),
    ]);
    for (ask, body) in asks {
        let path = format!("/api/v1/calls/{call}/{ask}");
        assert_eq!(status(&stranger, &path, &body).await, StatusCode::NOT_FOUND, "{ask} by a stranger");
        // No telephony knows it in these tests: there is no such running call, or nobody to ask.
        let answer = status(&admin, &path, &body).await;
        assert!([StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE].contains(&answer), "{ask}: {answer}");
    }
    let path = format!("/api/v1/calls/{call}/supervise");
    let ended = stranger.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn operators_control_their_calls_and_supervise_nobodys() {
    let app = App::start().await;
    let operator = app.operator().await;
    let call =
        make_call(&app, Made { state: "active", agent: Some(operator.id), end_reason: None, ..Made::default() }).await;
    for (ask, body) in [
        ("supervise", json!({ "mode": "barge" })),
        ("take-over", Value::Null),
        ("move", json!({ "queue_id": uuid::Uuid::now_v7() })),
    ] {
        let refused = problem(operator.post(&format!("/api/v1/calls/{call}/{ask}"), &body).await).await;
        assert_eq!(refused["status"], 403, "{ask}");
    }
    let refused = problem(operator.post("/api/v1/notices", &json!({ "text": "All hands" })).await).await;
    assert_eq!(refused["status"], 403);
    let viewer = app.member(Role::Viewer).await;
    let viewer = app.with_token(viewer, app.token(viewer, Role::Viewer, 60));
    assert_eq!(status(&viewer, &format!("/api/v1/calls/{call}/hold"), &Value::Null).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_its_field() {
    let app = App::start().await;
    let admin = app.admin().await;
    let call = make_call(&app, Made { state: "active", end_reason: None, ..Made::default() }).await;
    for digits in ["", "x", "1 2", "12a", &"1".repeat(33)] {
        let refused =
            problem(admin.post(&format!("/api/v1/calls/{call}/dtmf"), &json!({ "digits": digits })).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &"digits".into()), "{digits:?}");
    }
    let refused =
        problem(admin.post(&format!("/api/v1/calls/{call}/supervise"), &json!({ "mode": "spy" })).await).await;
    assert_eq!(refused["status"], 422);
    for body in [json!({ "text": " " }), json!({ "text": "x".repeat(501) }), json!({ "text": "a\u{0}b" })] {
        let refused = problem(admin.post("/api/v1/notices", &body).await).await;
        assert_eq!(refused["status"], 422, "{body}");
    }
    let nowhere = json!({ "text": "Hello", "queue_id": uuid::Uuid::now_v7() });
    let refused = problem(admin.post("/api/v1/notices", &nowhere).await).await;
    assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &"queue_id".into()));
}

async fn notices(user: &User) -> Vec<Value> {
    let page = user.get_json("/api/v1/events?kinds=notice.*").await;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_notice_reaches_everybody_it_is_for_once_and_nobody_else() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let manager = app.sign_in("manager@demo.test").await;
    let (_, stranger) = app.other_tenant().await;
    let outsider = app.member(Role::Operator).await;
    let outsider = app.with_token(outsider, app.token(outsider, Role::Operator, 60));

    let send = async |body: &Value| {
        let request = manager.request(Method::POST, "/api/v1/notices").header("idempotency-key", body.to_string());
        let answer = request.json(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let sent: Value = answer.json().await.unwrap();
        sent["id"].clone()
    };
    let to_all = json!({ "text": "  The line is slow today  " });
    let first = send(&to_all).await;
    // Sent twice, told once.
    assert_eq!(send(&to_all).await, first);
    for user in [&admin, &operator, &manager, &outsider] {
        let seen = notices(user).await;
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0]["subject"], json!({ "type": "notice", "id": first }));
        let data = &seen[0]["data"];
        assert_eq!((&data["id"], &data["text"]), (&first, &"The line is slow today".into()));
        assert_eq!(data["by"], json!({ "id": manager.id, "name": "Mona Manager" }));
        assert!(data.get("queue_id").is_none());
    }
    assert!(notices(&stranger).await.is_empty());

    let sales = queue(&admin, "sales").await;
    send(&json!({ "text": "Sales: new prices", "queue_id": sales })).await;
    for (user, count) in [(&admin, 2), (&operator, 2), (&outsider, 1), (&stranger, 0)] {
        assert_eq!(notices(user).await.len(), count);
    }
    assert_eq!(notices(&operator).await[1]["data"]["queue_id"], json!(sales));

    let audited = admin.get_json("/api/v1/audit?limit=50").await;
    let sent = audited["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == "notice.sent").count();
    assert_eq!(sent, 2, "{audited}");
}

#[tokio::test]
async fn whether_agents_are_told_is_a_setting_of_the_tenant() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let settings = admin.get_json("/api/v1/settings").await;
    let listed = settings["items"].as_array().unwrap().iter().find(|setting| setting["key"] == "supervision.announced");
    assert_eq!(listed.expect("the setting")["value"], true);
    let path = "/api/v1/settings/tenant/supervision.announced";
    let off = operator.request(Method::PUT, path).json(&json!({ "value": false })).send().await.unwrap();
    assert_eq!(off.status(), StatusCode::FORBIDDEN);
    let off = admin.request(Method::PUT, path).json(&json!({ "value": false })).send().await.unwrap();
    assert_eq!(off.status(), StatusCode::OK);
}
