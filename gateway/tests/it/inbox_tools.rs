//! Labels, canned replies, macros, changes of many, service levels and surveys, over HTTP.

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::conversations::{Desk, hear_from};
use crate::support::{App, User, problem};

async fn made(user: &User, path: &str, body: Value) -> Value {
    let answer = user.post(&format!("/api/v1/{path}"), &body).await;
    assert_eq!(answer.status(), StatusCode::CREATED, "{}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

fn names(list: &Value, field: &str) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_everybodys_takes_a_right_and_what_is_ones_own_does_not() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let label = made(&admin, "labels", json!({ "name": " Refund ", "colour": "red" })).await;
    assert_eq!((&label["name"], &label["colour"]), (&"Refund".into(), &"red".into()));
    let again = admin.post("/api/v1/labels", &json!({ "name": "refund" })).await;
    assert_eq!(problem(again).await["code"], "name-taken");
    let odd = admin.post("/api/v1/labels", &json!({ "name": "X", "colour": "mauve" })).await;
    assert_eq!(problem(odd).await["errors"][0]["field"], "colour");
    assert_eq!(operator.post("/api/v1/labels", &json!({ "name": "Mine" })).await.status(), StatusCode::FORBIDDEN);

    // Who changes it has seen it.
    let path = format!("/api/v1/labels/{}", label["id"].as_str().unwrap());
    let put = |tag: &str| {
        admin.request(Method::PUT, &path).header("if-match", tag).json(&json!({ "name": "Refunds" })).send()
    };
    assert_eq!(put("\"0\"").await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
    let changed = put("*").await.unwrap();
    assert!(changed.headers().contains_key("etag"));
    let changed: Value = changed.json().await.unwrap();
    assert_eq!((&changed["name"], &changed["colour"]), (&"Refunds".into(), &"red".into()), "the colour stays");

    let own = made(&operator, "canned-replies", json!({ "shortcut": "/hi", "text": "Hi", "personal": true })).await;
    assert_eq!(own["shortcut"], "hi");
    let shared = json!({ "shortcut": "hours", "text": "Until six" });
    assert_eq!(operator.post("/api/v1/canned-replies", &shared).await.status(), StatusCode::FORBIDDEN);
    made(&admin, "canned-replies", shared).await;
    assert_eq!(names(&operator.get_json("/api/v1/canned-replies").await, "shortcut"), ["hi", "hours"]);
    assert_eq!(names(&admin.get_json("/api/v1/canned-replies").await, "shortcut"), ["hours"]);
    let theirs = format!("/api/v1/canned-replies/{}", own["id"].as_str().unwrap());
    let taken = admin.request(Method::DELETE, &theirs).send().await.unwrap();
    assert_eq!(taken.status(), StatusCode::NOT_FOUND, "another's own");

    let odd = json!({ "name": "V", "filter": { "colour": "red" } });
    assert_eq!(problem(admin.post("/api/v1/inbox-views", &odd).await).await["errors"][0]["field"], "filter");
    let odd = json!({ "name": "L", "pauses": true });
    assert_eq!(admin.post("/api/v1/sla-policies", &odd).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let removed = admin.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn many_are_changed_at_once_and_what_nobody_touched_since_is_changed_back() {
    let desk = Desk::open().await;
    let (app, admin) = (&desk.app, &desk.admin);
    for who in [21, 22, 23] {
        hear_from(app, desk.account, who, 1, "Hello", TimeDelta::seconds(1)).await;
    }
    let ids = names(&admin.get_json("/api/v1/conversations").await, "id");
    assert_eq!(ids.len(), 3);
    let label = made(admin, "labels", json!({ "name": "Storm" })).await;
    let steps = json!([{ "do": "label", "label_id": label["id"] }, { "do": "note", "text": "See the notice" }, { "do": "resolve" }]);
    let storm = made(admin, "macros", json!({ "name": "Storm", "steps": steps })).await;
    let run = format!("/api/v1/macros/{}/run", storm["id"].as_str().unwrap());
    let ran: Value = desk.operator.post(&run, &json!({ "conversation_ids": ids })).await.json().await.unwrap();
    assert_eq!(ran["changed"].as_array().unwrap().len(), 3, "{ran}");
    let resolved = admin.get_json("/api/v1/conversations?state=resolved").await;
    assert!(resolved["items"].as_array().unwrap().iter().all(|one| one["label_ids"] == json!([label["id"]])));

    // Somebody wants one of them otherwise meanwhile.
    let first = format!("/api/v1/conversations/{}", ids[0]);
    let urgent = admin.request(Method::PATCH, &first).json(&json!({ "priority": 4 })).send().await.unwrap();
    assert_eq!(urgent.status(), StatusCode::OK);
    let undo = format!("/api/v1/conversations/bulk/{}/undo", ran["id"].as_str().unwrap());
    assert_eq!(admin.post(&undo, &Value::Null).await.status(), StatusCode::NOT_FOUND, "another's");
    let undone: Value = desk.operator.post(&undo, &Value::Null).await.json().await.unwrap();
    assert_eq!(undone["left"], json!([ids[0]]), "{undone}");
    let open = admin.get_json("/api/v1/conversations").await;
    assert_eq!(open["items"].as_array().unwrap().len(), 2);
    assert!(open["items"].as_array().unwrap().iter().all(|one| one["label_ids"] == json!([])), "{open}");
    assert_eq!(desk.operator.post(&undo, &Value::Null).await.status(), StatusCode::NOT_FOUND, "once");

    let odd = json!({ "ids": [], "action": { "do": "resolve" } });
    assert_eq!(admin.post("/api/v1/conversations/bulk", &odd).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_service_level_that_is_missed_is_told_once() {
    let desk = Desk::open().await;
    made(&desk.admin, "sla-policies", json!({ "name": "Quick", "first_reply_minutes": 1 })).await;
    hear_from(&desk.app, desk.account, 31, 1, "Anybody?", TimeDelta::minutes(5)).await;
    desk.until("it is missed", async || {
        desk.admin.get_json("/api/v1/conversations").await["items"][0]["sla"]["breached"] == true
    })
    .await;
    let events = desk.admin.get_json("/api/v1/events?limit=1000").await;
    let told: Vec<_> =
        events["items"].as_array().unwrap().iter().filter(|event| event["kind"] == "sla.breached").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["data"]["goal"], &told[0]["data"]["policy"]), (&"first_reply".into(), &"Quick".into()));
}

#[tokio::test]
async fn a_survey_is_sent_after_the_end_and_answered_once() {
    let desk = Desk::open_with(&json!({ "csat": true })).await;
    let id = desk.hear(1, "Thanks!").await;
    let resolve = format!("/api/v1/conversations/{id}/resolve");
    assert!(desk.operator.post(&resolve, &Value::Null).await.status().is_success());
    // It waits a moment, in case the conversation is taken up again: now is soon enough.
    let jobs = desk.admin.get_json("/api/v1/jobs?kind=csat.ask").await;
    let retry = format!("/api/v1/jobs/{}/retry", jobs["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{jobs}")));
    assert!(desk.admin.post(&retry, &Value::Null).await.status().is_success());
    desk.until("it is asked", async || desk.texts().iter().any(|text| text.contains("/csat/"))).await;
    let text = desk.texts().pop().unwrap();
    let page = desk.app.url(&text[text.find("/csat/").unwrap()..]);

    let shown = desk.app.client.get(&page).header("accept-language", "it").send().await.unwrap();
    assert_eq!(shown.headers()["cache-control"], "no-store");
    let shown = shown.text().await.unwrap();
    assert!(shown.contains("<form") && shown.contains("lang=\"it\""), "{shown}");
    let answer = async |score: &str, comment: &str| {
        let form = format!("score={score}&comment={comment}");
        let sent = desk.app.client.post(&page).header("content-type", "application/x-www-form-urlencoded").body(form);
        sent.send().await.unwrap()
    };
    assert_eq!(answer("9", "").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer("5", "%3Cb%3Efast%3C%2Fb%3E%00").await.status(), StatusCode::OK);
    let second = answer("1", "").await;
    assert_eq!(second.status(), StatusCode::OK);
    assert!(!second.text().await.unwrap().contains("<form"), "it was answered");
    let answers = desk.admin.get_json("/api/v1/csat").await;
    assert_eq!(answers["items"].as_array().unwrap().len(), 1);
    let only = &answers["items"][0];
    assert_eq!(
        (&only["score"], &only["comment"], &only["conversation_id"]),
        (&5.into(), &"<b>fast</b>".into(), &json!(id))
    );

    // Nobody else's survey, and none that was made up.
    let made_up = desk.app.client.get(format!("{page}x")).send().await.unwrap();
    assert_eq!(made_up.status(), StatusCode::NOT_FOUND);
}
