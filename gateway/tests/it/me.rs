//! The signed-in user: who it is, in which time zone and language, and what it may change of itself.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{App, User, problem};

async fn patch(user: &User, body: Value) -> Response {
    user.request(Method::PATCH, "/api/v1/me").json(&body).send().await.unwrap()
}

#[tokio::test]
async fn me_names_the_zone_and_the_language() {
    let app = App::start().await;
    let me = app.operator().await.get_json("/api/v1/me").await;
    assert_eq!((&me["tenant"]["time_zone"], &me["tenant"]["language"]), (&"UTC".into(), &"en".into()));
    assert_eq!((&me["user"]["language"], &me["user"]["must_change_password"]), (&Value::Null, &false.into()));
}

#[tokio::test]
async fn a_change_of_the_name_reaches_colleagues_and_the_journal() {
    let app = App::start().await;
    let operator = app.operator().await;
    let answer = patch(&operator, json!({ "name": "  Olga O.  " })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Value>().await.unwrap()["user"]["name"], "Olga O.");
    let agents = app.admin().await.get_json("/api/v1/agents").await;
    let names: Vec<&str> =
        agents["items"].as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"Olga O."), "{names:?}");
    let event = &app.admin().await.get_json("/api/v1/events").await["items"][0];
    assert_eq!((&event["kind"], &event["data"]), (&"user.updated".into(), &json!({ "name": "Olga O." })));
    assert_eq!(event["subject"], json!({ "type": "user", "id": operator.id }));
}

#[tokio::test]
async fn the_language_is_chosen_and_given_back() {
    let app = App::start().await;
    let operator = app.operator().await;
    let language = async |body: Value| -> Value {
        patch(&operator, body).await.json::<Value>().await.unwrap()["user"]["language"].clone()
    };
    assert_eq!(language(json!({ "language": "it" })).await, "it");
    assert_eq!(language(json!({ "name": "Olga" })).await, "it", "what is absent stays");
    assert_eq!(language(json!({ "language": null })).await, Value::Null);
    assert_eq!(language(json!({})).await, Value::Null);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_field() {
    let app = App::start().await;
    let operator = app.operator().await;
    for (body, field) in [
        (json!({ "name": " " }), "name"),
        (json!({ "name": "x".repeat(101) }), "name"),
        (json!({ "language": "xx" }), "language"),
        (json!({ "role": "admin" }), "role"),
    ] {
        let refused = problem(patch(&operator, body.clone()).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &field.into()), "{body}");
    }
}
