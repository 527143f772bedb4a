//! What tenants use, and what becomes of those that use all of it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline::provision::{self, NewMember};
use trunkline::tenants;
use trunkline_db::Role;

use crate::calls::{Made, make_call};
use crate::platform::{ok, send, superadmin};
use crate::recordings::make_recording;
use crate::support::{App, User, problem};

async fn limit(app: &App, root: &User, limits: Value) -> Value {
    let path = format!("/api/v1/platform/tenants/{}", app.tenant);
    ok(send(root, Method::PATCH, &path, &limits).await).await
}

/// Used, limit and standing of a resource.
async fn used(user: &User, resource: &str) -> (u64, Option<u64>, String) {
    let usage = user.get_json("/api/v1/usage").await;
    let one = usage["items"].as_array().unwrap().iter().find(|one| one["resource"] == resource).unwrap();
    (one["used"].as_u64().unwrap(), one["limit"].as_u64(), one["standing"].as_str().unwrap().to_owned())
}

async fn add(app: &App, number: usize) -> Result<(), provision::ProvisionError> {
    let email = format!("agent{number}@demo.test");
    let member = NewMember { email: &email, name: "Agent", role: Role::Operator, takes_work: true };
    let db = &app.state.db;
    provision::add_member(db, &app.state.passwords, app.tenant, member, provision::DEMO_PASSWORD).await.map(drop)
}

#[tokio::test]
async fn agents_stop_at_the_limit_also_when_two_are_made_at_once() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    assert_eq!(used(&root, "agents").await, (2, None, "fine".to_owned()));
    limit(&app, &root, json!({ "agents": 4 })).await;
    let (a, b, c) = tokio::join!(add(&app, 1), add(&app, 2), add(&app, 3));
    let refused: Vec<_> = [a, b, c].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].to_string().contains("as many agents"), "{}", refused[0]);
    assert_eq!(used(&root, "agents").await, (4, Some(4), "reached".to_owned()));
    // Who is there stays, and what is made again is nothing new.
    provision::seed_demo(&app.state.db, &app.state.passwords).await.unwrap();
    // A lower limit takes nobody away.
    limit(&app, &root, json!({ "agents": 1 })).await;
    assert_eq!(used(&root, "agents").await, (4, Some(1), "reached".to_owned()));
    limit(&app, &root, json!({ "agents": null })).await;
    add(&app, 4).await.unwrap();
    assert_eq!(used(&root, "agents").await, (5, None, "fine".to_owned()));
}

/// An answered call that ends now, after so many seconds of talk; its row is written twice, as call control may.
async fn talk(app: &App, seconds: i32) {
    let call = make_call(app, Made { state: "active", ..Made::default() }).await;
    for _ in 0..2 {
        sqlx::query(
            "UPDATE calls SET state = 'ended', answered_at = now() - make_interval(secs => $2), ended_at = now() WHERE id = $1",
        )
        .bind(call)
        .bind(f64::from(seconds))
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn minutes_are_counted_once_a_call_warned_of_and_stop_what_the_tenant_begins() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    limit(&app, &root, json!({ "minutes": 10, "agents": 100 })).await;
    talk(&app, 7 * 60 + 30).await;
    assert_eq!(used(&root, "minutes").await, (8, Some(10), "near".to_owned()), "begun minutes count");
    for _ in 0..2 {
        tenants::warn(app.state.clone()).await.unwrap();
    }
    let kinds = "/api/v1/events?kinds=limit.near,limit.reached";
    let events = root.get_json(kinds).await;
    assert_eq!(events["items"].as_array().unwrap().len(), 1, "{events}");
    assert_eq!(events["items"][0]["data"], json!({ "resource": "minutes", "used": 8, "limit": 10 }));

    let queues = root.get_json("/api/v1/queues").await;
    let test_call = json!({ "queue_id": queues["items"][0]["id"] });
    // Asterisk is away in this test: that is as far as it gets.
    assert_eq!(problem(root.post("/api/v1/test-calls", &test_call).await).await["status"], 503);
    talk(&app, 150).await;
    assert_eq!(used(&root, "minutes").await.2, "reached");
    let refused = problem(root.post("/api/v1/test-calls", &test_call).await).await;
    assert_eq!((&refused["status"], &refused["code"]), (&409.into(), &"limit-reached".into()));
    tenants::warn(app.state.clone()).await.unwrap();
    assert_eq!(root.get_json(kinds).await["items"][1]["kind"], "limit.reached");
    // More room: a later shortage is warned of anew.
    limit(&app, &root, json!({ "minutes": 100 })).await;
    tenants::warn(app.state.clone()).await.unwrap();
    limit(&app, &root, json!({ "minutes": 10 })).await;
    tenants::warn(app.state.clone()).await.unwrap();
    assert_eq!(root.get_json(kinds).await["items"].as_array().unwrap().len(), 3);
    assert_eq!(used(&root, "messages").await, (0, None, "fine".to_owned()), "until there are channels");
}

#[tokio::test]
async fn storage_is_what_recordings_take_and_goes_with_them() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let operator = app.operator().await;
    for _ in 0..3 {
        make_recording(&app, operator.id, None).await;
    }
    assert_eq!(used(&root, "storage").await.0, 300);
    limit(&app, &root, json!({ "storage_bytes": 300 })).await;
    assert_eq!(used(&root, "storage").await.2, "reached");
    // Those older than a day go, when that is wanted.
    let old = make_recording(&app, operator.id, None).await;
    sqlx::query("UPDATE recordings SET ended_at = now() - interval '25 hours' WHERE id = $1")
        .bind(old)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    trunkline::recordings::sweep(&app.state).await.unwrap();
    assert_eq!(used(&root, "storage").await.0, 400, "nobody wanted it");
    let keep = json!({ "value": 1 });
    ok(send(&root, Method::PUT, "/api/v1/settings/tenant/recordings.keep_days", &keep).await).await;
    trunkline::recordings::sweep(&app.state).await.unwrap();
    assert_eq!(used(&root, "storage").await.0, 300);
    assert!(!app.recordings_dir().join(format!("{old}.wav")).exists());
    assert_eq!(root.get(&format!("/api/v1/recordings/{old}")).await.status(), StatusCode::NOT_FOUND);
    let audit = root.get_json("/api/v1/audit?action=recordings.expired").await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn usage_is_for_admins_and_managers_and_of_ones_own_tenant() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let (other, stranger) = app.other_tenant().await;
    limit(&app, &root, json!({ "agents": 7 })).await;
    assert_eq!(used(&stranger, "agents").await, (1, None, "fine".to_owned()));
    let theirs = root.get_json(&format!("/api/v1/platform/tenants/{other}/usage")).await;
    assert_eq!(theirs["items"][0], json!({ "resource": "agents", "used": 1, "limit": null, "standing": "fine" }));
    assert_eq!(problem(app.operator().await.get("/api/v1/usage").await).await["status"], 403);
}
