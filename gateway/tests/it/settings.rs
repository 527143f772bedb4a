//! The cascade of settings over HTTP: who may set what, what binds whom, and where a value comes from.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::platform::{ok, send, superadmin};
use crate::support::{App, User, problem};

async fn set(user: &User, level: &str, key: &str, body: Value) -> Response {
    let path =
        if level == "platform" { "/api/v1/platform/settings".to_owned() } else { format!("/api/v1/settings/{level}") };
    send(user, Method::PUT, &format!("{path}/{key}"), &body).await
}

async fn reset(user: &User, level: &str, key: &str) -> Response {
    let path =
        if level == "platform" { "/api/v1/platform/settings".to_owned() } else { format!("/api/v1/settings/{level}") };
    user.request(Method::DELETE, &format!("{path}/{key}")).send().await.unwrap()
}

async fn setting(user: &User, key: &str) -> Value {
    let list = user.get_json("/api/v1/settings").await;
    list["items"].as_array().unwrap().iter().find(|one| one["key"] == key).unwrap().clone()
}

async fn resolved(user: &User, key: &str) -> (Value, String) {
    let setting = setting(user, key).await;
    (setting["value"].clone(), setting["source"].as_str().unwrap().to_owned())
}

const THEME: &str = "looks.theme";

#[tokio::test]
async fn a_value_says_where_it_comes_from_on_every_level() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let operator = app.operator().await;
    assert_eq!(resolved(&operator, THEME).await, ("system".into(), "default".to_owned()));
    ok(set(&root, "platform", THEME, json!({ "value": "light" })).await).await;
    assert_eq!(resolved(&operator, THEME).await, ("light".into(), "platform".to_owned()));
    ok(set(&root, "tenant", THEME, json!({ "value": "dark" })).await).await;
    assert_eq!(resolved(&operator, THEME).await, ("dark".into(), "tenant".to_owned()));
    ok(set(&operator, "user", THEME, json!({ "value": "light" })).await).await;
    assert_eq!(resolved(&operator, THEME).await, ("light".into(), "user".to_owned()));
    ok(set(&operator, "session", THEME, json!({ "value": "dark" })).await).await;
    assert_eq!(resolved(&operator, THEME).await, ("dark".into(), "session".to_owned()));
    // Neither another sign-in of the same person, nor a colleague, nor another tenant has it so.
    assert_eq!(resolved(&app.operator().await, THEME).await, ("light".into(), "user".to_owned()));
    assert_eq!(resolved(&root, THEME).await, ("dark".into(), "tenant".to_owned()));
    let (_, stranger) = app.other_tenant().await;
    assert_eq!(resolved(&stranger, THEME).await, ("light".into(), "platform".to_owned()));
    // And back again, level by level.
    for (level, expected) in [("session", ("light", "user")), ("user", ("dark", "tenant"))] {
        ok(reset(&operator, level, THEME).await).await;
        assert_eq!(resolved(&operator, THEME).await, (expected.0.into(), expected.1.to_owned()));
    }
    ok(reset(&root, "tenant", THEME).await).await;
    ok(reset(&root, "platform", THEME).await).await;
    assert_eq!(resolved(&operator, THEME).await, ("system".into(), "default".to_owned()));
}

#[tokio::test]
async fn a_hard_lock_binds_those_below_and_a_soft_one_tells_them() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let operator = app.operator().await;
    ok(set(&operator, "user", THEME, json!({ "value": "light" })).await).await;
    ok(set(&root, "tenant", THEME, json!({ "value": "dark", "lock": "soft" })).await).await;
    let soft = setting(&operator, THEME).await;
    assert_eq!(
        (&soft["value"], &soft["recommended"], &soft["lock"]),
        (&"light".into(), &"dark".into(), &"soft".into())
    );

    ok(set(&root, "tenant", THEME, json!({ "value": "dark", "lock": "hard" })).await).await;
    let hard = setting(&operator, THEME).await;
    assert_eq!(
        (&hard["value"], &hard["source"], &hard["locked_by"]),
        (&"dark".into(), &"tenant".into(), &"tenant".into())
    );
    assert_eq!(hard["open_levels"], json!(["platform", "tenant"]));
    for level in ["user", "session"] {
        let refused = problem(set(&operator, level, THEME, json!({ "value": "light" })).await).await;
        assert_eq!((&refused["status"], &refused["code"]), (&409.into(), &"setting-locked".into()), "{level}");
    }
    // Who locked may change it, until somebody above locks too.
    ok(set(&root, "tenant", THEME, json!({ "value": "system", "lock": "hard" })).await).await;
    ok(set(&root, "platform", THEME, json!({ "value": "light", "lock": "hard" })).await).await;
    assert_eq!(resolved(&operator, THEME).await, ("light".into(), "platform".to_owned()));
    assert_eq!(problem(set(&root, "tenant", THEME, json!({ "value": "dark" })).await).await["code"], "setting-locked");
    // What was set counts again when the locks are gone.
    ok(reset(&root, "platform", THEME).await).await;
    ok(reset(&root, "tenant", THEME).await).await;
    assert_eq!(resolved(&operator, THEME).await, ("light".into(), "user".to_owned()));
}

#[tokio::test]
async fn only_what_the_registry_knows_can_be_set_and_only_by_those_whom_it_concerns() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let operator = app.operator().await;
    assert_eq!(problem(set(&operator, "user", "looks.colour", json!({ "value": "red" })).await).await["status"], 404);
    let wrong = problem(set(&operator, "user", THEME, json!({ "value": "pink" })).await).await;
    assert_eq!((&wrong["status"], &wrong["errors"][0]["field"]), (&422.into(), &"value".into()));
    let level = problem(set(&operator, "user", "calls.record", json!({ "value": false })).await).await;
    assert_eq!(level["code"], "level-not-allowed");
    let binds = problem(set(&operator, "session", THEME, json!({ "value": "dark", "lock": "hard" })).await).await;
    assert_eq!(binds["errors"][0]["field"], "lock");
    assert_eq!(problem(set(&operator, "tenant", THEME, json!({ "value": "dark" })).await).await["status"], 403);
    assert_eq!(problem(set(&operator, "platform", THEME, json!({ "value": "dark" })).await).await["status"], 403);
    let many = problem(set(&root, "tenant", "recordings.keep_days", json!({ "value": 3651 })).await).await;
    assert_eq!(many["status"], 422);
}

#[tokio::test]
async fn a_language_is_one_thing_wherever_it_is_set() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let operator = app.operator().await;
    const LANGUAGE: &str = "looks.language";
    let me = async |user: &User| {
        let me = user.get_json("/api/v1/me").await;
        (me["user"]["language"].clone(), me["tenant"]["language"].clone())
    };
    ok(set(&root, "platform", LANGUAGE, json!({ "value": "ru" })).await).await;
    assert_eq!(me(&operator).await, (Value::Null, "ru".into()));
    ok(set(&root, "tenant", LANGUAGE, json!({ "value": "it" })).await).await;
    ok(set(&operator, "user", LANGUAGE, json!({ "value": "en" })).await).await;
    assert_eq!(me(&operator).await, ("en".into(), "it".into()));
    ok(send(&operator, Method::PATCH, "/api/v1/me", &json!({ "language": "ru" })).await).await;
    assert_eq!(resolved(&operator, LANGUAGE).await, ("ru".into(), "user".to_owned()));
    ok(set(&root, "tenant", LANGUAGE, json!({ "value": "it", "lock": "hard" })).await).await;
    let refused = problem(send(&operator, Method::PATCH, "/api/v1/me", &json!({ "language": "en" })).await).await;
    assert_eq!(refused["code"], "setting-locked");
    ok(reset(&root, "tenant", LANGUAGE).await).await;
    assert_eq!(me(&operator).await.1, "ru", "as the platform has it");
    ok(set(&root, "tenant", "looks.time_zone", json!({ "value": "Asia/Tokyo" })).await).await;
    assert_eq!(operator.get_json("/api/v1/me").await["tenant"]["time_zone"], "Asia/Tokyo");
}

#[tokio::test]
async fn a_change_is_audited_and_told_to_whom_it_concerns() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    ok(set(&admin, "tenant", THEME, json!({ "value": "dark", "lock": "soft" })).await).await;
    ok(set(&admin, "user", THEME, json!({ "value": "light" })).await).await;
    // The same once more is no change.
    ok(set(&admin, "user", THEME, json!({ "value": "light" })).await).await;
    let events = operator.get_json("/api/v1/events?kinds=settings.changed").await;
    assert_eq!(events["items"].as_array().unwrap().len(), 1, "the admin's own is the admin's");
    assert_eq!(events["items"][0]["data"], json!({ "key": THEME, "level": "tenant" }));
    let audit = admin.get_json("/api/v1/audit?action=setting.changed").await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 2);
    assert_eq!(audit["items"][1]["after"], json!({ "name": THEME, "value": "dark", "lock": "soft" }));
}

#[tokio::test]
async fn call_control_goes_by_what_the_tenant_wants_recorded() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let (other, _) = app.other_tenant().await;
    let unrecorded = async |tenant, expected: bool| {
        tokio::time::timeout(std::time::Duration::from_secs(10), app.state.calls.records(tenant, !expected))
            .await
            .unwrap();
    };
    ok(set(&root, "platform", "calls.record", json!({ "value": false })).await).await;
    unrecorded(other, true).await;
    ok(set(&root, "tenant", "calls.record", json!({ "value": true })).await).await;
    unrecorded(app.tenant, false).await;
    unrecorded(other, true).await;
    ok(set(&root, "platform", "calls.record", json!({ "value": false, "lock": "hard" })).await).await;
    unrecorded(app.tenant, true).await;
}

#[tokio::test]
async fn settings_of_a_sign_in_that_is_over_are_swept() {
    let app = App::start_with(crate::support::Options { works: true, ..Default::default() }).await;
    let operator = app.operator().await;
    ok(set(&operator, "session", THEME, json!({ "value": "dark" })).await).await;
    assert_eq!(operator.post("/api/v1/auth/logout", &json!({})).await.status(), StatusCode::NO_CONTENT);
    let mut owner = app.owner().await;
    sqlx::query("UPDATE member_settings SET changed_at = now() - interval '2 hours'")
        .execute(&mut owner)
        .await
        .unwrap();
    let mut tx = app.state.db.system().await.unwrap();
    trunkline_jobs::enqueue_system(&mut tx, trunkline_jobs::NewJob::new("system.sweep", Value::Null)).await.unwrap();
    tx.commit().await.unwrap();
    let left = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM member_settings").fetch_one(&mut app.owner().await).await.unwrap()
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while left().await > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
}
