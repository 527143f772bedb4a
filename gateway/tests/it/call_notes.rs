//! Notes and tags on calls.

use reqwest::{Method, StatusCode};
use serde_json::json;
use trunkline_db::CallId;

use crate::calls::{Made, make_call};
use crate::support::{App, problem};

#[tokio::test]
async fn notes_are_written_seen_and_taken_back_by_who_wrote_them() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let call = make_call(&app, Made { agent: Some(operator.id), ..Made::default() }).await;
    let path = format!("/api/v1/calls/{call}/notes");
    let written = operator.post(&path, &json!({ "text": "  Call back on Monday " })).await;
    assert_eq!(written.status(), StatusCode::CREATED);
    let note: serde_json::Value = written.json().await.unwrap();
    assert_eq!((&note["text"], &note["user_id"]), (&"Call back on Monday".into(), &json!(operator.id)));
    assert_eq!(admin.post(&path, &json!({ "text": "Why?" })).await.status(), StatusCode::CREATED);
    let shown = operator.get_json(&format!("/api/v1/calls/{call}")).await;
    assert_eq!(shown["notes"].as_array().unwrap().len(), 2);
    assert_eq!(shown["notes"][0], note);

    let theirs = format!("{path}/{}", shown["notes"][1]["id"].as_str().unwrap());
    let refused = operator.request(Method::DELETE, &theirs).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::NOT_FOUND, "another's note");
    let own = format!("{path}/{}", note["id"].as_str().unwrap());
    assert_eq!(operator.request(Method::DELETE, &own).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(operator.request(Method::DELETE, &own).send().await.unwrap().status(), StatusCode::NOT_FOUND);

    // The journal tells that something was written, not what: words that are removed are gone.
    let events = operator.get_json("/api/v1/events?kinds=call.noted,call.note_removed").await;
    let kinds: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["call.noted", "call.noted", "call.note_removed"]);
    assert!(!events.to_string().contains("Monday"), "{events}");

    for text in ["  ".to_owned(), "x".repeat(2_001)] {
        let refused = problem(operator.post(&path, &json!({ "text": text })).await).await;
        assert_eq!((refused["status"].as_u64(), &refused["errors"][0]["field"]), (Some(422), &"text".into()));
    }
}

#[tokio::test]
async fn calls_are_found_by_their_tags() {
    let app = App::start().await;
    let operator = app.operator().await;
    let mine = async || make_call(&app, Made { agent: Some(operator.id), ..Made::default() }).await;
    let (first, second, _) = (mine().await, mine().await, mine().await);
    let tag = async |call: CallId, tags: serde_json::Value| {
        let path = format!("/api/v1/calls/{call}/tags");
        operator.request(Method::PUT, &path).json(&json!({ "tags": tags })).send().await.unwrap()
    };
    let tagged = tag(first, json!([" refund", "VIP", "refund"])).await;
    assert_eq!(tagged.json::<serde_json::Value>().await.unwrap(), json!({ "tags": ["VIP", "refund"] }));
    assert_eq!(tag(second, json!(["refund"])).await.status(), StatusCode::OK);
    let found = operator.get_json("/api/v1/calls?tag=refund").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 2);
    let used = operator.get_json("/api/v1/call-tags").await;
    assert_eq!(used["items"], json!([{ "tag": "refund", "calls": 2 }, { "tag": "VIP", "calls": 1 }]));

    // The same once more is no news; other tags take the place of those before.
    assert_eq!(tag(second, json!(["refund"])).await.status(), StatusCode::OK);
    assert_eq!(tag(first, json!(["VIP"])).await.status(), StatusCode::OK);
    let shown = operator.get_json(&format!("/api/v1/calls/{first}")).await;
    assert_eq!(shown["tags"], json!(["VIP"]));
    let events = operator.get_json("/api/v1/events?kinds=call.tagged").await;
    assert_eq!(events["items"].as_array().unwrap().len(), 3);
    let long: Vec<String> = (0..21).map(|n| n.to_string()).collect();
    assert_eq!(tag(first, json!(long)).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
