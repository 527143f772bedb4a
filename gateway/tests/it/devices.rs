use reqwest::{Method, StatusCode};
use serde_json::json;
use sqlx::Row as _;
use trunkline::secrets::Place;

use crate::support::{App, problem};

#[tokio::test]
async fn a_device_is_made_while_asterisk_is_away_and_only_a_digest_of_its_password_is_kept() {
    let app = App::start().await;
    let operator = app.operator().await;
    let devices = format!("/api/v1/agents/{}/devices", operator.id);
    let answer = operator.post(&devices, &json!({ "name": "desk phone" })).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let device: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&device["domain"], &device["port"]), (&"127.0.0.1".into(), &5070.into()));
    let (username, password) = (device["username"].as_str().unwrap(), device["password"].as_str().unwrap());
    assert!(username.starts_with("demo-"), "{username}");

    let mut owner = app.owner().await;
    let row = sqlx::query("SELECT id::text, ha1, ha1_sealed FROM devices WHERE username = $1")
        .bind(username)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(row.get::<Option<String>, _>("ha1"), None);
    let place = Place { tenant: Some(app.tenant), table: "devices", column: "ha1_sealed", row: row.get("id") };
    let ha1 = app.state.vault.open_text(&place, &row.get::<Vec<u8>, _>("ha1_sealed").into()).unwrap();
    let expected = md5_hex(&format!("{username}:trunkline:{password}"));
    assert_eq!(ha1.expose(), expected);

    let list = operator.get_json(&devices).await;
    assert_eq!(list["items"][0]["username"], username);
    assert!(!list.to_string().contains(password));

    let id = device["id"].as_str().unwrap();
    let gone = operator.request(Method::DELETE, &format!("{devices}/{id}")).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    let again = operator.request(Method::DELETE, &format!("{devices}/{id}")).send().await.unwrap();
    assert_eq!(problem(again).await["status"], 404);
    assert_eq!(operator.get_json(&devices).await["items"], json!([]));
}

#[tokio::test]
async fn an_agent_makes_devices_for_itself_and_an_admin_for_anyone() {
    let app = App::start().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    let other = app.sign_in("operator2@demo.test").await;
    let manager = app.sign_in("manager@demo.test").await;
    let path = |id| format!("/api/v1/agents/{id}/devices");
    let body = json!({ "name": "phone" });
    assert_eq!(problem(operator.post(&path(other.id), &body).await).await["status"], 403);
    assert_eq!(problem(manager.post(&path(other.id), &body).await).await["status"], 403);
    assert_eq!(admin.post(&path(other.id), &body).await.status(), StatusCode::CREATED);
    // A manager who takes no work has no phone either.
    assert_eq!(problem(manager.post(&path(manager.id), &body).await).await["status"], 404);
    let invalid = problem(operator.post(&path(operator.id), &json!({ "name": "  " })).await).await;
    assert_eq!(invalid["errors"][0]["field"], "name");
}

#[tokio::test]
async fn a_state_is_set_without_a_phone_and_told_in_the_journal() {
    let app = App::start().await;
    let operator = app.operator().await;
    let agent = operator.set_state("available").await;
    assert_eq!((&agent["state"], &agent["reachable"]), (&"available".into(), &false.into()));
    // The same again is no event.
    operator.set_state("available").await;
    let request = operator.request(Method::PUT, "/api/v1/agents/me/state");
    let paused = request.json(&json!({ "state": "paused", "reason": " lunch " })).send().await.unwrap();
    let paused: serde_json::Value = paused.json().await.unwrap();
    assert_eq!(paused["reason"], "lunch");

    let page = operator.get_json("/api/v1/events?after=0&kinds=agent.state_changed").await;
    let told: Vec<_> = page["items"].as_array().unwrap().iter().map(|event| event["data"].clone()).collect();
    assert_eq!(
        told,
        [
            json!({ "state": "available", "previous": "offline", "reason": null }),
            json!({ "state": "paused", "previous": "available", "reason": "lunch" }),
        ]
    );
    let list = operator.get_json("/api/v1/agents").await;
    // Two states, and what call control says that the agent does when it comes to it.
    assert!((2..=4).contains(&list["as_of_seq"].as_i64().unwrap()), "{}", list["as_of_seq"]);
    assert_eq!(list["items"][0]["state_since"], paused["state_since"]);

    let manager = app.sign_in("manager@demo.test").await;
    let answer =
        manager.request(Method::PUT, "/api/v1/agents/me/state").json(&json!({ "state": "paused" })).send().await;
    assert_eq!(problem(answer.unwrap()).await["status"], 404);
    let wrong =
        operator.request(Method::PUT, "/api/v1/agents/me/state").json(&json!({ "state": "asleep" })).send().await;
    assert_eq!(problem(wrong.unwrap()).await["errors"][0]["field"], "state");
}

#[tokio::test]
async fn lists_are_paged_by_an_opaque_cursor() {
    let app = App::start().await;
    let admin = app.admin().await;
    let first = admin.get_json("/api/v1/agents?limit=1").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = admin.get_json(&format!("/api/v1/agents?limit=1&cursor={cursor}")).await;
    assert_eq!(first["items"][0]["email"], "operator@demo.test");
    assert_eq!(second["items"][0]["email"], "operator2@demo.test");
    assert!(second["next_cursor"].is_null());
    for query in ["limit=0", "limit=201", "limit=x", "cursor=nonsense"] {
        let refused = problem(admin.get(&format!("/api/v1/agents?{query}")).await).await;
        assert_eq!(refused["status"], 400, "{query}");
        assert_eq!(refused["errors"][0]["field"], query.split('=').next().unwrap());
    }
    let queues = admin.get_json("/api/v1/queues").await;
    let names: Vec<_> = queues["items"].as_array().unwrap().iter().map(|queue| queue["extension"].clone()).collect();
    assert_eq!(names, ["700", "701"]);
    assert_eq!(queues["items"][0]["agent_ids"].as_array().unwrap().len(), 2);
}

fn md5_hex(text: &str) -> String {
    use md5::Digest as _;
    use std::fmt::Write as _;
    md5::Md5::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}
