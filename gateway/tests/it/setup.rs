//! A tenant of one's own, and the end of the demo.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use trunkline::auth::Passwords;
use trunkline::provision;
use trunkline_db::TenantId;

use crate::calls::{Made, make_call, queue};
use crate::recordings::make_recording;
use crate::support::{App, User, problem};

const PASSWORD: &str = "correct horse battery";

fn wanted() -> Value {
    json!({
        "name": "Rossi & Figli",
        "time_zone": "Europe/Rome",
        "language": "it",
        "number": "+39 06 12345678",
        "hours": [{ "day": 1, "open": "09:00", "close": "13:00" }, { "day": 1, "open": "14:00", "close": "24:00" }],
        "admin": { "name": "Ada Rossi", "email": "Ada@Rossi.example", "password": PASSWORD },
        "users": [
            { "name": "Olga Operaia", "email": "olga@rossi.example", "role": "operator" },
            { "name": "Mario", "email": "mario@rossi.example", "role": "manager" },
        ],
        "queue": { "name": "Assistenza" },
    })
}

async fn set_up(user: &User, body: &Value) -> Response {
    user.post("/api/v1/setup", body).await
}

async fn remove_demo(user: &User) -> Response {
    user.request(Method::DELETE, "/api/v1/setup/demo").send().await.unwrap()
}

async fn signed_in(app: &App, email: &str, password: &str) -> (User, Value) {
    let answer = app.login(email, password).await;
    assert_eq!(answer.status(), StatusCode::OK, "{email}");
    let body: Value = answer.json().await.unwrap();
    (app.user_of(&body), body)
}

#[tokio::test]
async fn a_tenant_is_made_whole_and_its_people_sign_in() {
    let app = App::start().await;
    let answer = set_up(&app.admin().await, &wanted()).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let made: Value = answer.json().await.unwrap();
    assert_eq!(made["tenant"]["slug"], "rossi-figli");
    assert_eq!((&made["queue"]["extension"], &made["queue"]["number"]), (&"700".into(), &"+390612345678".into()));
    assert_eq!(made["users"][0]["one_time_password"], Value::Null);

    let (admin, body) = signed_in(&app, "ada@rossi.example", PASSWORD).await;
    assert_eq!((&body["tenant"]["time_zone"], &body["tenant"]["language"]), (&"Europe/Rome".into(), &"it".into()));
    let queues = admin.get_json("/api/v1/queues").await;
    assert_eq!(queues["items"].as_array().unwrap().len(), 1);
    assert_eq!(queues["items"][0]["numbers"], json!(["+390612345678"]));
    assert_eq!(queues["items"][0]["agent_ids"], json!([made["users"][1]["id"]]), "operators serve the queue");
    let events = admin.get_json("/api/v1/events").await;
    let kinds: Vec<&str> =
        events["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["tenant.created", "user.created", "user.created", "user.created", "queue.created"]);
    assert!(!events.to_string().contains(made["users"][1]["one_time_password"].as_str().unwrap()));

    let one_time = made["users"][1]["one_time_password"].as_str().unwrap();
    let (operator, body) = signed_in(&app, "olga@rossi.example", one_time).await;
    assert_eq!(body["user"]["must_change_password"], true);
    assert_eq!(problem(operator.get("/api/v1/calls").await).await["code"], "password-change-required");

    let mut owner = app.owner().await;
    let hours: Vec<(i16, i16, i16)> = sqlx::query_as("SELECT day, opens, closes FROM business_hours ORDER BY 1, 2")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert_eq!(hours, [(1, 540, 780), (1, 840, 1440)]);
}

#[tokio::test]
async fn a_repeated_setup_makes_one_tenant_and_shows_the_same_passwords() {
    let app = App::start().await;
    let admin = app.admin().await;
    let send = async || {
        let request = admin.request(Method::POST, "/api/v1/setup").header("idempotency-key", "first").json(&wanted());
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    assert_eq!(send().await, send().await);
    let mut owner = app.owner().await;
    let tenants: i64 = sqlx::query_scalar("SELECT count(*) FROM tenants").fetch_one(&mut owner).await.unwrap();
    assert_eq!(tenants, 2);
}

#[tokio::test]
async fn what_is_taken_is_named_and_nothing_of_it_is_made() {
    let app = App::start().await;
    let admin = app.admin().await;
    let fields = async |change: &dyn Fn(&mut Value)| -> Vec<String> {
        let mut body = wanted();
        change(&mut body);
        let refused = problem(set_up(&admin, &body).await).await;
        assert_eq!(refused["status"], 422, "{refused}");
        refused["errors"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(fields(&|body| body["users"][1]["email"] = "operator@demo.test".into()).await, ["users[1].email"]);
    assert_eq!(fields(&|body| body["slug"] = "demo".into()).await, ["slug"]);
    assert_eq!(fields(&|body| body["number"] = "+15550100".into()).await, ["number"]);
    assert_eq!(fields(&|body| body["time_zone"] = "Mars/Olympus".into()).await, ["time_zone"]);
    let mut owner = app.owner().await;
    let left: (i64, i64) = sqlx::query_as("SELECT (SELECT count(*) FROM tenants), (SELECT count(*) FROM users)")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(left, (1, 4));
    // A slug that was made of the name is numbered instead.
    assert_eq!(set_up(&admin, &wanted()).await.status(), StatusCode::CREATED);
    let mut again = wanted();
    again["number"] = Value::Null;
    again["admin"]["email"] = "other@rossi.example".into();
    again["users"] = json!([{ "name": "Mia", "email": "mia@rossi.example", "role": "manager" }]);
    let made: Value = set_up(&admin, &again).await.json().await.unwrap();
    assert_eq!(made["tenant"]["slug"], "rossi-figli-2");
    // Without operators the admin serves the queue.
    let (admin, _) = signed_in(&app, "other@rossi.example", PASSWORD).await;
    let queues = admin.get_json("/api/v1/queues").await;
    assert_eq!(queues["items"][0]["agent_ids"], json!([made["users"][0]["id"]]));
}

#[tokio::test]
async fn only_an_admin_of_the_demo_sets_up() {
    let app = App::start().await;
    assert_eq!(problem(set_up(&app.operator().await, &wanted()).await).await["status"], 403);
    let (_, stranger) = app.other_tenant().await;
    assert_eq!(problem(set_up(&stranger, &wanted()).await).await["status"], 403);
}

#[tokio::test]
async fn before_sign_in_only_the_demo_is_told() {
    let app = App::start().await;
    let public: Value = app.client.get(app.url("/api/v1/setup")).send().await.unwrap().json().await.unwrap();
    assert_eq!(public, json!({ "demo_present": true }));
    let demo = app.operator().await.get_json("/api/v1/setup").await;
    assert_eq!(demo, json!({ "demo_present": true, "needed": true, "demo": true, "removing": false }));
    let (_, stranger) = app.other_tenant().await;
    let other = stranger.get_json("/api/v1/setup").await;
    assert_eq!(other, json!({ "demo_present": true, "needed": false, "demo": false, "removing": false }));
}

/// Rows of a tenant in any table, and the tenant itself.
async fn rows_of(app: &App, tenant: TenantId) -> Vec<(String, i64)> {
    let mut owner = app.owner().await;
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
          WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let mut rows = Vec::new();
    for (table,) in tables {
        let count = format!("SELECT count(*) FROM {table} WHERE tenant_id = $1");
        let count: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(count)).bind(tenant).fetch_one(&mut owner).await.unwrap();
        if count > 0 {
            rows.push((table, count));
        }
    }
    rows
}

#[tokio::test]
async fn the_demo_goes_with_everything_of_it_and_stays_away() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let sales = queue(&admin, "sales").await;
    assert_eq!(set_up(&admin, &wanted()).await.status(), StatusCode::CREATED);
    let (own, _) = signed_in(&app, "ada@rossi.example", PASSWORD).await;
    let before = own.get_json("/api/v1/events").await;

    // More than one step's worth of some of it, and one of everything else.
    let recording = make_recording(&app, operator.id, Some(sales)).await;
    let mut owner = app.owner().await;
    sqlx::query("UPDATE calls SET recording_id = $1").bind(recording).execute(&mut owner).await.unwrap();
    for _ in 0..3 {
        make_call(&app, Made { queue: Some(sales), agent: Some(operator.id), ..Made::default() }).await;
    }
    sqlx::query(
        "INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, started_at, ended_at)
         SELECT $1, gen_random_uuid(), 'inbound', '+15551234567', '+15550100', 'ended', now(), now() FROM generate_series(1, 1200)",
    )
    .bind(app.tenant)
    .execute(&mut owner)
    .await
    .unwrap();
    operator.post(&format!("/api/v1/agents/{}/devices", operator.id), &json!({ "name": "phone" })).await;
    operator.set_state("available").await;
    app.append(trunkline_journal::Scope::Tenant).await;
    let elsewhere = app.recordings_dir().join(app.tenant.to_string());
    std::fs::create_dir_all(elsewhere.join("2026")).unwrap();
    std::fs::write(elsewhere.join("2026/left.wav.part"), b"x").unwrap();

    assert_eq!(remove_demo(&own).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(rows_of(&app, app.tenant).await, []);
    assert!(!app.recordings_dir().join(format!("{recording}.wav")).exists() && !elsewhere.exists());
    let users: Vec<(String,)> =
        sqlx::query_as("SELECT email FROM users ORDER BY 1").fetch_all(&mut owner).await.unwrap();
    let users: Vec<&str> = users.iter().map(|(email,)| email.as_str()).collect();
    assert_eq!(users, ["ada@rossi.example", "mario@rossi.example", "olga@rossi.example"]);

    // The demo's people are out, the others' work goes on.
    assert_eq!(operator.get("/api/v1/calls").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(app.login("admin@demo.test", provision::DEMO_PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(own.get_json("/api/v1/events").await["items"], before["items"]);
    assert_eq!(own.get_json("/api/v1/setup").await["demo_present"], false);
    // Once more is as good as once, and the seed of the next start leaves it at that.
    assert_eq!(remove_demo(&own).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(provision::seed_demo(&app.state.db, &Passwords::new()).await.unwrap(), None);
    assert_eq!(own.get_json("/api/v1/setup").await["demo_present"], false);
    let metrics = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"trunkline_tenant_removals_total{result="done"} 1"#), "{metrics}");
}

#[tokio::test]
async fn the_demo_stays_while_it_is_alone_or_talks() {
    let app = App::start().await;
    let admin = app.admin().await;
    let alone = problem(remove_demo(&admin).await).await;
    assert_eq!((&alone["status"], &alone["code"]), (&409.into(), &"only-tenant".into()));
    assert_eq!(problem(remove_demo(&app.operator().await).await).await["status"], 403);

    let (_, stranger) = app.other_tenant().await;
    make_call(&app, Made { state: "active", end_reason: None, ..Made::default() }).await;
    let talking = problem(remove_demo(&stranger).await).await;
    assert_eq!((&talking["status"], &talking["code"]), (&409.into(), &"calls-running".into()));
    // Nothing was begun.
    assert_eq!(admin.get_json("/api/v1/setup").await["removing"], false);
    assert_eq!(app.login("operator@demo.test", provision::DEMO_PASSWORD).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_person_of_two_tenants_outlives_the_demo() {
    let app = App::start().await;
    let (other, stranger) = app.other_tenant().await;
    let member = provision::NewMember {
        email: "operator@demo.test",
        name: "Olga",
        role: trunkline_db::Role::Operator,
        takes_work: true,
    };
    provision::add_member(&app.state.db, &app.state.passwords, other, member, provision::DEMO_PASSWORD).await.unwrap();
    assert_eq!(remove_demo(&stranger).await.status(), StatusCode::NO_CONTENT);
    let answer: Value = app.login("operator@demo.test", provision::DEMO_PASSWORD).await.json().await.unwrap();
    assert_eq!(answer["tenant"]["slug"], "other");
}

#[tokio::test]
async fn a_tenant_is_taken_apart_only_when_its_removal_was_begun() {
    let app = App::start().await;
    let mut tx = app.state.db.system().await.unwrap();
    let error =
        sqlx::query("SELECT tenant_remove_some($1, 500)").bind(app.tenant).execute(tx.conn()).await.unwrap_err();
    assert!(error.to_string().contains("was not begun"), "{error}");
    // The tenants' role may not even ask.
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    let denied =
        sqlx::query("SELECT tenant_remove_some($1, 500)").bind(app.tenant).execute(tx.conn()).await.unwrap_err();
    assert!(denied.to_string().contains("permission denied"), "{denied}");
}
