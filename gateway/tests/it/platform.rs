//! Tenants, for those who run the platform: made, suspended, deleted with grace; and people who belong to several.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use trunkline::{provision, tenants};
use trunkline_db::TenantId;

use crate::calls::{Made, make_call};
use crate::support::{App, Socket, User, problem};

/// The demo's admin, who may run the platform.
pub(crate) async fn superadmin(app: &App) -> User {
    provision::set_superadmin(&app.state.db, "admin@demo.test", true).await.unwrap();
    app.read_roster().await;
    app.admin().await
}

pub(crate) async fn send(user: &User, method: Method, path: &str, body: &Value) -> Response {
    user.request(method, path).json(body).send().await.unwrap()
}

pub(crate) async fn ok(answer: Response) -> Value {
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{status} {body}");
    body
}

fn wanted() -> Value {
    json!({
        "name": "Rossi & Figli", "slug": "rossi", "time_zone": "Europe/Rome", "language": "it",
        "admin": { "name": "Ada Rossi", "email": "Ada@Rossi.example" }, "queue": "Assistenza", "number": "+39 06 1234 5678",
        "limits": { "agents": 3 },
    })
}

#[tokio::test]
async fn a_tenant_is_made_with_an_admin_who_can_begin() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let made = ok(root.post("/api/v1/platform/tenants", &wanted()).await).await;
    let tenant = &made["tenant"];
    assert_eq!((&tenant["slug"], &tenant["state"], &tenant["members"]), (&"rossi".into(), &"active".into(), &1.into()));
    assert_eq!((&tenant["time_zone"], &tenant["language"]), (&"Europe/Rome".into(), &"it".into()));
    assert_eq!((&tenant["limits"]["agents"], &tenant["limits"]["minutes"]), (&3.into(), &Value::Null));
    let once = made["one_time_password"].as_str().unwrap();
    let signed_in = ok(app.login("ada@rossi.example", once).await).await;
    assert_eq!(signed_in["user"]["must_change_password"], true);
    let admin = app.user_of(&signed_in);
    let change = json!({ "current": once, "new": "a better password 7" });
    let admin = app.user_of(&ok(admin.post("/api/v1/auth/password", &change).await).await);
    assert_eq!(admin.get_json("/api/v1/queues").await["items"][0]["name"], "Assistenza");
    assert_eq!(admin.get_json("/api/v1/numbers").await["items"][0]["number"], "+390612345678");
    let audit = admin.get_json("/api/v1/audit").await;
    let actions: Vec<&str> =
        audit["items"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"tenant.created") && actions.contains(&"user.created"), "{actions:?}");

    let listed = root.get_json("/api/v1/platform/tenants").await;
    let slugs: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|one| one["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["demo", "rossi"]);
    // Nothing of the platform is for an admin of a tenant.
    assert_eq!(problem(admin.get("/api/v1/platform/tenants").await).await["status"], 403);
}

#[tokio::test]
async fn what_does_not_fit_is_named_field_by_field_and_leaves_nothing() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let fields = async |change: &dyn Fn(&mut Value)| -> Vec<String> {
        let mut body = wanted();
        change(&mut body);
        let refused = problem(root.post("/api/v1/platform/tenants", &body).await).await;
        assert_eq!(refused["status"], 422, "{refused}");
        refused["errors"].as_array().unwrap().iter().map(|it| it["field"].as_str().unwrap().to_owned()).collect()
    };
    let all = fields(&|body| {
        body["slug"] = "api".into();
        body["language"] = "xx".into();
        body["admin"]["email"] = "nobody".into();
    });
    assert_eq!(all.await, ["slug", "language", "admin.email"]);
    assert_eq!(fields(&|body| body["slug"] = "demo-x-".into()).await, ["slug"]);
    assert_eq!(fields(&|body| body["limits"]["minutes"] = (-1).into()).await, ["limits.minutes"]);
    assert_eq!(fields(&|body| body["number"] = "+15550100".into()).await, ["number"], "the demo has it");
    assert_eq!(root.get_json("/api/v1/platform/tenants").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_comes_into_a_suspended_tenant_and_everything_is_there_when_it_is_resumed() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let (tenant, admin) = app.other_tenant().await;
    let key = json!({ "name": "Key", "permissions": ["agents:read"] });
    let key = ok(admin.post("/api/v1/api-keys", &key).await).await;
    let program = app.with_token(admin.id, key["token"].as_str().unwrap());
    let phone =
        ok(admin.post(&format!("/api/v1/agents/{}/devices", admin.id), &json!({ "name": "phone" })).await).await;
    assert_eq!(program.get("/api/v1/agents").await.status(), StatusCode::OK);
    assert_eq!(admin.request(Method::POST, "/api/v1/softphone/session").send().await.unwrap().status(), StatusCode::OK);
    let mut stream = Socket::open(&app, &admin.token).await;
    stream.json_of("hello").await;

    let path = format!("/api/v1/platform/tenants/{tenant}/suspension");
    let told = ok(root.post(&path, &json!({ "reason": "The bill is not paid." })).await).await;
    assert_eq!((&told["state"], &told["suspended_reason"]), (&"suspended".into(), &"The bill is not paid.".into()));
    assert_eq!(stream.closed().await.code, 4401);
    assert_eq!(admin.get("/api/v1/agents").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(program.get("/api/v1/agents").await.status(), StatusCode::UNAUTHORIZED);
    let refused = problem(app.login("admin@other.test", provision::DEMO_PASSWORD).await).await;
    assert_eq!((&refused["code"], &refused["detail"]), (&"tenant-suspended".into(), &"The bill is not paid.".into()));
    // Only those who know the password are told.
    assert_eq!(problem(app.login("admin@other.test", "another one").await).await["code"], "wrong-credentials");
    // Call control knows neither its numbers nor its phones.
    app.state.calls.forgets_tenant(tenant).await;
    assert_eq!(app.state.calls.slug_for_agent(tenant, admin.id.into()).unwrap(), None);

    assert_eq!(ok(root.request(Method::DELETE, &path).send().await.unwrap()).await["state"], "active");
    let admin = app.sign_in("admin@other.test").await;
    assert_eq!(program.get("/api/v1/agents").await.status(), StatusCode::OK);
    let phones = admin.get_json(&format!("/api/v1/agents/{}/devices", admin.id)).await;
    assert_eq!(phones["items"][0]["id"], phone["id"]);
    let audit = admin.get_json("/api/v1/audit?action=tenant.suspended").await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 1, "the tenant may see who did it");
}

#[tokio::test]
async fn nobody_suspends_or_deletes_the_tenant_that_they_are_in() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let path = format!("/api/v1/platform/tenants/{}", app.tenant);
    let suspend = problem(root.post(&format!("{path}/suspension"), &json!({ "reason": "x" })).await).await;
    assert_eq!(suspend["code"], "own-tenant");
    let delete = problem(root.post(&format!("{path}/deletion"), &json!({ "slug": "demo" })).await).await;
    assert_eq!(delete["code"], "own-tenant");
}

/// Makes the days of grace over.
async fn grace_is_over(app: &App, tenant: TenantId) {
    sqlx::query("UPDATE tenants SET delete_at = now() - interval '1 minute' WHERE id = $1")
        .bind(tenant)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
}

async fn is_there(app: &App, tenant: TenantId) -> bool {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM tenants WHERE id = $1)")
        .bind(tenant)
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_deleted_tenant_is_removed_after_its_grace_and_after_its_last_call() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let (tenant, admin) = app.other_tenant().await;
    let path = format!("/api/v1/platform/tenants/{tenant}/deletion");
    let wrong = problem(root.post(&path, &json!({ "slug": "demo", "days": 3 })).await).await;
    assert_eq!((&wrong["status"], &wrong["errors"][0]["field"]), (&422.into(), &"slug".into()));
    let told = ok(root.post(&path, &json!({ "slug": "other", "days": 3 })).await).await;
    assert_eq!(told["state"], "to_be_deleted");
    assert_eq!(admin.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    tenants::remove(app.state.clone()).await.unwrap();
    assert!(is_there(&app, tenant).await, "its grace is not over");

    // Somebody thinks better of it, and then not.
    assert_eq!(ok(root.request(Method::DELETE, &path).send().await.unwrap()).await["state"], "suspended");
    ok(root.post(&path, &json!({ "slug": "other", "days": 1 })).await).await;
    grace_is_over(&app, tenant).await;
    let call: uuid::Uuid = sqlx::query_scalar(
        "INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, started_at)
         VALUES ($1, gen_random_uuid(), 'inbound', '+15551234567', '+15550199', 'active', now()) RETURNING id",
    )
    .bind(tenant)
    .fetch_one(&mut app.owner().await)
    .await
    .unwrap();
    tenants::remove(app.state.clone()).await.unwrap();
    assert!(is_there(&app, tenant).await, "a call of it runs");
    sqlx::query("UPDATE calls SET state = 'ended', ended_at = now() WHERE id = $1")
        .bind(call)
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    make_call(&app, Made::default()).await;
    tenants::remove(app.state.clone()).await.unwrap();
    assert!(!is_there(&app, tenant).await);
    assert!(is_there(&app, app.tenant).await);
    assert_eq!(root.get_json("/api/v1/calls").await["items"].as_array().unwrap().len(), 1, "others lose nothing");
    assert_eq!(problem(root.post(&path, &json!({ "slug": "other" })).await).await["status"], 404);

    // Phones and links were named after it: nobody else gets its name.
    let mut again = wanted();
    again["slug"] = "other".into();
    let refused = problem(root.post("/api/v1/platform/tenants", &again).await).await;
    assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &"slug".into()));
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE email = 'admin@other.test'")
        .fetch_one(&mut app.owner().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_person_of_two_tenants_goes_from_one_to_the_other() {
    let app = App::start().await;
    let root = superadmin(&app).await;
    let mut body = wanted();
    body["admin"] = json!({ "name": "Somebody else", "email": "operator@demo.test" });
    let made = ok(root.post("/api/v1/platform/tenants", &body).await).await;
    assert_eq!(made["one_time_password"], Value::Null, "somebody who is known keeps their password");
    let operator = app.operator().await;
    let own = operator.get_json("/api/v1/me/tenants").await;
    let own: Vec<(&str, &str, bool)> = own["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["slug"].as_str().unwrap(), one["role"].as_str().unwrap(), one["current"].as_bool().unwrap()))
        .collect();
    assert_eq!(own, [("demo", "operator", true), ("rossi", "admin", false)]);

    let there = ok(operator.post("/api/v1/auth/switch", &json!({ "tenant": "rossi" })).await).await;
    assert_eq!((&there["tenant"]["slug"], &there["user"]["role"]), (&"rossi".into(), &"admin".into()));
    assert_eq!(there["user"]["name"], "Olga Operator");
    let admin = app.user_of(&there);
    assert_eq!(admin.get_json("/api/v1/queues").await["items"][0]["name"], "Assistenza");
    assert_eq!(operator.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED, "that sign-in has ended");

    // Neither to a stranger's, nor to one that is suspended, nor to where one is.
    let switch = async |slug: &str| problem(admin.post("/api/v1/auth/switch", &json!({ "tenant": slug })).await).await;
    app.other_tenant().await;
    assert_eq!(switch("other").await["status"], 404);
    assert_eq!(switch("rossi").await["code"], "current-tenant");
    let path = format!("/api/v1/platform/tenants/{}/suspension", there["tenant"]["id"].as_str().unwrap());
    ok(root.post(&path, &json!({ "reason": "x" })).await).await;
    let operator = app.operator().await;
    assert_eq!(operator.get_json("/api/v1/me/tenants").await["items"].as_array().unwrap().len(), 1);
    let refused = problem(operator.post("/api/v1/auth/switch", &json!({ "tenant": "rossi" })).await).await;
    assert_eq!(refused["status"], 404);
}

#[tokio::test]
async fn a_superadmin_is_made_at_the_command_line_and_it_is_written_down() {
    let app = App::start().await;
    let admin = app.admin().await;
    assert_eq!(problem(admin.get("/api/v1/platform/tenants").await).await["status"], 403);
    let root = superadmin(&app).await;
    assert_eq!(root.get("/api/v1/platform/tenants").await.status(), StatusCode::OK);
    provision::set_superadmin(&app.state.db, "ADMIN@demo.test", false).await.unwrap();
    app.read_roster().await;
    assert_eq!(root.get("/api/v1/platform/tenants").await.status(), StatusCode::FORBIDDEN);
    assert!(provision::set_superadmin(&app.state.db, "nobody@demo.test", true).await.is_err());
    let told: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit_entries WHERE action LIKE 'user.superadmin%' ORDER BY seq")
            .fetch_all(&mut app.owner().await)
            .await
            .unwrap();
    assert_eq!(told, ["user.superadmin_given", "user.superadmin_taken"]);
}
