use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sqlx::Row as _;
use trunkline::http::idempotency::{Answer, Effect};
use trunkline::http::{AppError, Idempotency};
use trunkline_journal::{Kind, NewEvent, Ref};

use crate::support::{App, User, problem};

async fn make(user: &User, key: &str, name: &str) -> Response {
    let path = format!("/api/v1/agents/{}/devices", user.id);
    let request = user.request(Method::POST, &path).header("idempotency-key", key);
    request.json(&json!({ "name": name })).send().await.unwrap()
}

async fn devices(user: &User) -> usize {
    user.get_json(&format!("/api/v1/agents/{}/devices", user.id)).await["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_request_gets_the_first_answer_again_and_another_one_a_conflict() {
    let app = App::start().await;
    let operator = app.operator().await;
    let first = make(&operator, "key-1", "phone").await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let first: Value = first.json().await.unwrap();
    let again = make(&operator, "key-1", "phone").await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.status(), StatusCode::CREATED);
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    assert_eq!(problem(make(&operator, "key-1", "other").await).await["code"], "idempotency-key-reused");
    assert_eq!(devices(&operator).await, 1);
    make(&operator, "key-2", "phone").await;
    assert_eq!(devices(&operator).await, 2);
}

#[tokio::test]
async fn a_key_belongs_to_its_user_and_route() {
    let app = App::start().await;
    let (operator, other) = (app.operator().await, app.sign_in("operator2@demo.test").await);
    assert_eq!(make(&operator, "key", "phone").await.status(), StatusCode::CREATED);
    assert_eq!(make(&other, "key", "phone").await.status(), StatusCode::CREATED);
    assert_eq!(devices(&other).await, 1);
    let ticket = operator.request(Method::POST, "/api/v1/stream/tickets").header("idempotency-key", "key").send().await;
    assert_eq!(ticket.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn of_many_at_once_one_takes_effect() {
    let app = App::start().await;
    let operator = app.operator().await;
    let answers = futures_util::future::join_all((0..12).map(|_| make(&operator, "burst", "phone"))).await;
    let mut created = 0;
    for answer in answers {
        match answer.status() {
            StatusCode::CREATED => created += 1,
            StatusCode::CONFLICT => assert_eq!(problem(answer).await["code"], "in-progress"),
            other => panic!("{other}"),
        }
    }
    assert!(created >= 1);
    assert_eq!(devices(&operator).await, 1);
}

#[tokio::test]
async fn another_nodes_transaction_with_the_key_is_in_progress() {
    let app = App::start().await;
    let operator = app.operator().await;
    let route = "POST /api/v1/agents/{id}/devices";
    let context = format!("idempotency/{}/{}/{route}/key", app.tenant, operator.id);
    let mut node = app.owner().await;
    let lock = "SELECT pg_advisory_lock(hashtextextended($1, 0))";
    sqlx::query(lock).bind(&context).execute(&mut node).await.unwrap();
    assert_eq!(problem(make(&operator, "key", "phone").await).await["code"], "in-progress");
    let unlock = "SELECT pg_advisory_unlock(hashtextextended($1, 0))";
    sqlx::query(unlock).bind(&context).execute(&mut node).await.unwrap();
    assert_eq!(make(&operator, "key", "phone").await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_refusal_of_the_effect_is_kept_and_answers_are_stored_encrypted() {
    let app = App::start().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    let stranger = uuid::Uuid::now_v7();
    let path = format!("/api/v1/agents/{stranger}/devices");
    let refused = async || {
        let request = admin.request(Method::POST, &path).header("idempotency-key", "gone");
        request.json(&json!({ "name": "phone" })).send().await.unwrap()
    };
    assert_eq!(problem(refused().await).await["status"], 404);
    let again = refused().await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(problem(again).await["status"], 404);

    let device: Value = make(&operator, "secret", "phone").await.json().await.unwrap();
    let mut owner = app.owner().await;
    let stored: Vec<u8> = sqlx::query("SELECT response FROM idempotency_keys WHERE key = 'secret'")
        .fetch_one(&mut owner)
        .await
        .unwrap()
        .get(0);
    let password = device["password"].as_str().unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains(password));
}

#[tokio::test]
async fn a_key_past_its_day_is_free_again() {
    let app = App::start().await;
    let operator = app.operator().await;
    make(&operator, "old", "phone").await;
    let mut owner = app.owner().await;
    sqlx::query("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
        .execute(&mut owner)
        .await
        .unwrap();
    let next = make(&operator, "old", "another phone").await;
    assert_eq!(next.status(), StatusCode::CREATED);
    assert!(!next.headers().contains_key("idempotency-replayed"));
    assert_eq!(devices(&operator).await, 2);
}

#[tokio::test]
async fn a_malformed_key_is_refused() {
    let app = App::start().await;
    let operator = app.operator().await;
    let refused = problem(make(&operator, &"k".repeat(256), "phone").await).await;
    assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&400.into(), &"Idempotency-Key".into()));
}

/// A route whose effect is a journal command: it appends one event and answers with a number of its own.
async fn appending(
    axum::extract::State(state): axum::extract::State<trunkline::state::AppState>,
    idempotency: Idempotency,
) -> Result<axum::response::Response, AppError> {
    let answer = idempotency
        .command(&state, |_| {
            Box::pin(async {
                let subject = Ref::new("call", uuid::Uuid::now_v7());
                let body = json!({ "number": uuid::Uuid::now_v7() });
                let event = NewEvent::new(Kind::from_static("call.started"), subject, json!({}));
                Ok((Effect { status: StatusCode::ACCEPTED, body, value: () }, vec![event]))
            })
        })
        .await?;
    let (Answer::First(response, ()) | Answer::Repeated(response)) = answer;
    Ok(response)
}

#[tokio::test]
async fn a_journal_command_its_events_and_its_key_commit_together() {
    let app = App::start().await;
    let operator = app.operator().await;
    let router = axum::Router::new().route("/append", axum::routing::post(appending)).with_state(app.state.clone());
    let listener = trunkline::server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}/append", listener.local_addr().unwrap());
    tokio::spawn(trunkline::server::serve(listener, router, app.state.cancel.clone()));
    let append = async |key: &str| {
        let request = app.client.post(&url).bearer_auth(&operator.token).header("idempotency-key", key.to_owned());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        answer.json::<Value>().await.unwrap()
    };
    let first = append("one").await;
    assert_eq!(append("one").await, first);
    assert_ne!(append("two").await, first);
    assert_eq!(operator.get_json("/api/v1/events").await["as_of_seq"], 2);
}
