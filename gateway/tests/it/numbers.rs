//! Numbers and where they lead.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::calls::queue;
use crate::platform::{ok, send};
use crate::support::{App, User, problem};

async fn kinds(admin: &User) -> Vec<String> {
    let events = admin.get_json("/api/v1/events?kinds=number.*").await;
    events["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_number_is_added_changed_and_removed() {
    let app = App::start().await;
    let admin = app.admin().await;
    let sales = queue(&admin, "sales").await;
    let operator = app.operator().await;
    let wanted = json!({
        "number": "+39 (06) 1234-5678", "label": " Roma ", "target": { "type": "queue", "queue_id": sales },
    });
    let made = ok(admin.post("/api/v1/numbers", &wanted).await).await;
    assert_eq!(
        (&made["number"], &made["label"], &made["queue_id"]),
        (&"+390612345678".into(), &"Roma".into(), &json!(sales))
    );
    assert_eq!((&made["closed_target"], &made["recording"]), (&json!({ "type": "hang_up" }), &"as_queue".into()));
    assert_eq!((&made["schedule_id"], &made["site_id"]), (&Value::Null, &Value::Null));

    let path = "/api/v1/numbers/+390612345678";
    let target = json!({ "type": "agent", "agent_id": operator.id });
    let schedule = Uuid::now_v7();
    let change = json!({
        "target": target, "recording": "never", "schedule_id": schedule,
        "closed_target": { "type": "queue", "queue_id": sales },
    });
    let changed = ok(send(&admin, Method::PATCH, path, &change).await).await;
    assert_eq!((&changed["target"], &changed["queue_id"]), (&target, &Value::Null));
    assert_eq!((&changed["label"], &changed["recording"]), (&"Roma".into(), &"never".into()));
    assert_eq!((&changed["schedule_id"], &changed["closed_target"]["queue_id"]), (&json!(schedule), &json!(sales)));
    let flow = json!({ "type": "flow", "flow_id": Uuid::now_v7() });
    let change = json!({ "target": flow, "schedule_id": null, "closed_target": { "type": "hang_up" } });
    let changed = ok(send(&admin, Method::PATCH, path, &change).await).await;
    assert_eq!((&changed["target"], &changed["schedule_id"]), (&flow, &Value::Null));
    // What changes nothing is no event.
    ok(send(&admin, Method::PATCH, path, &json!({ "label": "Roma" })).await).await;

    let listed = admin.get_json("/api/v1/numbers").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    assert_eq!(admin.request(Method::DELETE, path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(admin.request(Method::DELETE, path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(admin.get_json("/api/v1/numbers").await["items"].as_array().unwrap().len(), 2);
    assert_eq!(kinds(&admin).await, ["number.added", "number.changed", "number.changed", "number.removed"]);
    let audit = admin.get_json("/api/v1/audit").await.to_string();
    assert!(audit.contains("number.added") && audit.contains("number.removed"));
}

#[tokio::test]
async fn nobody_overwrites_a_number_that_they_have_not_seen() {
    let app = App::start().await;
    let admin = app.admin().await;
    let path = "/api/v1/numbers/+15550100";
    let seen = send(&admin, Method::PATCH, path, &json!({ "label": "One" })).await;
    let tag = seen.headers()["etag"].to_str().unwrap().to_owned();
    ok(send(&admin, Method::PATCH, path, &json!({ "label": "Two" })).await).await;
    let late = admin.request(Method::PATCH, path).header("if-match", tag).json(&json!({ "label": "Three" }));
    assert_eq!(late.send().await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn a_number_belongs_to_one_tenant_and_whose_it_is_nobody_is_told() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (_, stranger) = app.other_tenant().await;
    let wanted = json!({ "number": "+15550100", "target": { "type": "hang_up" } });
    let theirs = problem(stranger.post("/api/v1/numbers", &wanted).await).await;
    let ours = problem(admin.post("/api/v1/numbers", &wanted).await).await;
    assert_eq!((&theirs["status"], &theirs["code"]), (&409.into(), &"number-taken".into()));
    assert_eq!((&theirs["code"], &theirs["detail"]), (&ours["code"], &ours["detail"]));
    // Both at once: one of them has it.
    let wanted = json!({ "number": "+15550777", "target": { "type": "hang_up" } });
    let (one, other) = tokio::join!(admin.post("/api/v1/numbers", &wanted), stranger.post("/api/v1/numbers", &wanted));
    let mut answers = [one.status(), other.status()];
    answers.sort();
    assert_eq!(answers, [StatusCode::CREATED, StatusCode::CONFLICT]);
    assert!(!stranger.get_json("/api/v1/numbers").await.to_string().contains("+15550100"));
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    let app = App::start().await;
    let admin = app.admin().await;
    let nobody = Uuid::now_v7();
    let (_, stranger) = app.other_tenant().await;
    let field = async |body: Value| -> Value {
        let refused = problem(admin.post("/api/v1/numbers", &body).await).await;
        assert_eq!(refused["status"], 422, "{refused}");
        refused["errors"][0]["field"].clone()
    };
    let hang_up = json!({ "type": "hang_up" });
    let with = |name: &str, value: Value| {
        let mut body = json!({ "number": "+15550123", "target": hang_up });
        body[name] = value;
        body
    };
    assert_eq!(field(with("number", json!("06 1234"))).await, "number");
    assert_eq!(field(with("label", json!("x".repeat(61)))).await, "label");
    assert_eq!(field(with("target", json!({ "type": "queue", "queue_id": nobody }))).await, "target.queue_id");
    // Another tenant's is as nobody's.
    assert_eq!(field(with("target", json!({ "type": "agent", "agent_id": stranger.id }))).await, "target.agent_id");
    let closed = json!({ "type": "queue", "queue_id": nobody });
    assert_eq!(field(with("closed_target", closed)).await, "closed_target.queue_id");
    let closed = json!({ "type": "agent", "agent_id": nobody });
    assert_eq!(field(with("closed_target", closed)).await, "closed_target.agent_id");
    assert_eq!(field(with("site_id", json!(nobody))).await, "site_id");
    let refused = problem(admin.post("/api/v1/numbers", &with("target", json!({ "type": "moon" }))).await).await;
    assert_eq!(refused["status"], 422, "{refused}");
    let operator = app.operator().await;
    assert_eq!(problem(operator.get("/api/v1/numbers").await).await["status"], 403);
}

/// Nobody deletes queues over the API yet; the schema holds whoever will to it.
#[tokio::test]
async fn a_queue_that_a_number_leads_to_is_not_deleted_beneath_it() {
    let app = App::start().await;
    let admin = app.admin().await;
    let sales = queue(&admin, "sales").await;
    let mut owner = app.owner().await;
    let refused = sqlx::query("DELETE FROM queues WHERE id = $1").bind(sales).execute(&mut owner).await.unwrap_err();
    assert!(refused.as_database_error().unwrap().constraint().is_some(), "{refused}");
    assert_eq!(admin.get_json("/api/v1/numbers").await["items"].as_array().unwrap().len(), 2);
}
