//! Members and invitations.

use std::time::{Duration, Instant};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use trunkline::provision::{self, DEMO_PASSWORD, NewMember};
use trunkline_db::Role;

use crate::support::{App, Options, Smtp, Socket, User, problem};

const NEW: &str = "a much better password";

async fn post(app: &App, path: &str, body: Value) -> Response {
    app.client.post(app.url(path)).json(&body).send().await.unwrap()
}

async fn member(admin: &User, email: &str) -> Value {
    let members = admin.get_json("/api/v1/members").await["items"].clone();
    members.as_array().unwrap().iter().find(|one| one["email"] == email).unwrap().clone()
}

#[tokio::test]
async fn an_invitation_by_letter_makes_a_member() {
    let mut smtp = Smtp::start().await;
    let config = vec![("SMTP_URL", smtp.url()), ("MAIL_FROM", "trunkline@calls.example".to_owned())];
    let app = App::start_with(Options { config, works: true, ..Options::default() }).await;
    let admin = app.admin().await;
    let invited = admin.post("/api/v1/invitations", &json!({ "email": "Grace@example.org", "role": "operator" })).await;
    assert_eq!(invited.status(), StatusCode::CREATED);
    let invited: Value = invited.json().await.unwrap();
    assert_eq!((&invited["mailed"], &invited["link"]), (&true.into(), &Value::Null));
    let letter = smtp.next().await;
    assert_eq!(letter["to"], json!(["grace@example.org"]));
    let text = letter["text"].as_str().unwrap();
    let token = text.lines().find(|line| line.contains("/join#")).unwrap().split_once('#').unwrap().1.to_owned();

    let seen: Value =
        post(&app, "/api/v1/auth/invitations/look", json!({ "token": token })).await.json().await.unwrap();
    assert_eq!((&seen["email"], &seen["tenant_slug"]), (&"grace@example.org".into(), &"demo".into()));
    let accept = async |password: &str| {
        let body = json!({ "token": token, "name": "Grace Hopper", "password": password });
        post(&app, "/api/v1/auth/invitations/accept", body).await
    };
    assert_eq!(problem(accept("grace hopper").await).await["errors"][0]["field"], "password");
    assert_eq!(accept(NEW).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(problem(accept(NEW).await).await["code"], "link-void");
    let body: Value = app.login("grace@example.org", NEW).await.json().await.unwrap();
    assert_eq!((&body["user"]["role"], &body["user"]["email_verified"]), (&"operator".into(), &true.into()));
    assert_eq!(member(&admin, "grace@example.org").await["takes_work"], true);
}

#[tokio::test]
async fn without_a_mail_server_the_link_is_handed_over_and_an_account_joins_with_its_own_password() {
    let app = App::start().await;
    let (_, stranger) = app.other_tenant().await;
    let admin = app.admin().await;
    let invite = async || -> Value {
        let body = json!({ "email": "admin@other.test", "role": "viewer" });
        admin.post("/api/v1/invitations", &body).await.json().await.unwrap()
    };
    let token = |made: &Value| made["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let first = token(&invite().await);
    let second = token(&invite().await);
    let accept = async |token: &str, password: &str| {
        post(&app, "/api/v1/auth/invitations/accept", json!({ "token": token, "name": "X", "password": password }))
            .await
    };
    assert_eq!(problem(accept(&first, DEMO_PASSWORD).await).await["code"], "link-void", "replaced by the second");
    let wrong = problem(accept(&second, "not the password of Otis").await).await;
    assert_eq!(wrong["errors"][0]["field"], "password", "the link alone joins nobody");
    assert_eq!(accept(&second, DEMO_PASSWORD).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(stranger.get_json("/api/v1/me/tenants").await["items"].as_array().unwrap().len(), 2);
    assert_eq!(member(&admin, "admin@other.test").await["name"], "Otis Other", "an account keeps its name");

    let third = admin.post("/api/v1/invitations", &json!({ "email": "ada@example.org", "role": "admin" })).await;
    let third: Value = third.json().await.unwrap();
    let path = format!("/api/v1/invitations/{}", third["id"].as_str().unwrap());
    assert_eq!(stranger.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(problem(accept(&token(&third), NEW).await).await["code"], "link-void");
    let manager = app.sign_in("manager@demo.test").await;
    let refused = manager.post("/api/v1/invitations", &json!({ "email": "a@example.org", "role": "viewer" })).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_is_deactivated_is_out_at_once_and_what_they_did_stays() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    operator.set_state("available").await;
    let made = operator.post(&format!("/api/v1/agents/{}/devices", operator.id), &json!({ "name": "phone" })).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let mut socket = Socket::open(&app, &operator.token).await;
    socket.json().await;

    let path = format!("/api/v1/members/{}", operator.id);
    let done = admin.post(&format!("{path}/deactivate"), &json!({})).await;
    let since = Instant::now();
    assert_eq!(done.status(), StatusCode::OK);
    let done: Value = done.json().await.unwrap();
    assert_eq!((&done["sessions"], &done["devices"], &done["was_working"]), (&1.into(), &1.into(), &true.into()));
    assert_eq!(socket.closed().await.code, 4401);
    assert!(since.elapsed() < Duration::from_secs(1));
    assert_eq!(operator.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(app.login("operator@demo.test", DEMO_PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    let agents = admin.get_json("/api/v1/agents").await["items"].clone();
    let agent = agents.as_array().unwrap().iter().find(|one| one["id"] == operator.id.to_string()).unwrap().clone();
    assert_eq!(agent["state"], "offline");
    assert!(member(&admin, "operator@demo.test").await["disabled_at"].is_string());
    assert_eq!(admin.get_json(&format!("/api/v1/agents/{}/devices", operator.id)).await["items"], json!([]));

    let back = admin.post(&format!("{path}/reactivate"), &json!({})).await;
    assert_eq!(back.status(), StatusCode::NO_CONTENT);
    assert_eq!(app.login("operator@demo.test", DEMO_PASSWORD).await.status(), StatusCode::OK);
    let log = admin.get_json("/api/v1/audit?limit=200").await.to_string();
    assert!(log.contains("user.deactivated") && log.contains("user.reactivated"), "{log}");
}

#[tokio::test]
async fn a_key_ends_with_whoever_made_it() {
    let app = App::start().await;
    let (admin, id) = (app.admin().await, app.member(Role::Manager).await);
    let granted = own_role(&admin, "Keys", &["api_keys:manage", "queues:read"]).await;
    let path = format!("/api/v1/members/{id}");
    let patched = admin.request(Method::PATCH, &path).json(&json!({ "role_id": granted })).send().await.unwrap();
    assert_eq!(patched.status(), StatusCode::NO_CONTENT);
    let maker = app.with_token(id, app.token(id, Role::Client, 60));
    let made = maker.post("/api/v1/api-keys", &json!({ "name": "Wallboard", "permissions": ["queues:read"] })).await;
    let made: Value = made.json().await.unwrap();
    let key = app.with_token(id, made["token"].as_str().unwrap());
    assert_eq!(key.get("/api/v1/queues").await.status(), StatusCode::OK);
    assert_eq!(admin.post(&format!("{path}/deactivate"), &json!({})).await.status(), StatusCode::OK);
    assert_eq!(key.get("/api/v1/queues").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_tenant_keeps_an_admin_and_nobody_acts_on_strangers() {
    let app = App::start().await;
    let (_, stranger) = app.other_tenant().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let path = format!("/api/v1/members/{}", admin.id);
    assert_eq!(problem(admin.post(&format!("{path}/deactivate"), &json!({})).await).await["code"], "oneself");
    let patch = async |user: &User, path: &str, body: Value| {
        user.request(Method::PATCH, path).json(&body).send().await.unwrap()
    };
    assert_eq!(problem(patch(&admin, &path, json!({ "role": "viewer" })).await).await["code"], "last-admin");
    let theirs = format!("/api/v1/members/{}", operator.id);
    assert_eq!(patch(&stranger, &theirs, json!({ "role": "viewer" })).await.status(), StatusCode::NOT_FOUND);
    for act in ["deactivate", "reactivate"] {
        let refused = stranger.post(&format!("{theirs}/{act}"), &json!({})).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{act}");
    }
    let sessions = format!("{theirs}/sessions");
    assert_eq!(stranger.request(Method::DELETE, &sessions).send().await.unwrap().status(), StatusCode::NOT_FOUND);

    assert_eq!(patch(&admin, &theirs, json!({ "role": "manager" })).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(member(&admin, "operator@demo.test").await["role"], "manager");
    let mut socket = Socket::open(&app, &operator.token).await;
    socket.json().await;
    assert_eq!(admin.request(Method::DELETE, &sessions).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let since = Instant::now();
    assert_eq!(socket.closed().await.code, 4401);
    assert!(since.elapsed() < Duration::from_secs(1));
}

/// A role of the tenant's own; its id.
async fn own_role(admin: &User, name: &str, permissions: &[&str]) -> Value {
    let body = json!({ "name": name, "permissions": permissions, "reach": "member" });
    admin.post("/api/v1/roles", &body).await.json::<Value>().await.unwrap()["id"].clone()
}

#[tokio::test]
async fn a_role_of_the_tenants_own_is_given_to_members_and_to_whoever_is_invited() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let listener = own_role(&admin, "Listener", &["calls:read"]).await;
    let patch = async |user: &User, id: &dyn std::fmt::Display, body: Value| {
        user.request(Method::PATCH, &format!("/api/v1/members/{id}")).json(&body).send().await.unwrap()
    };
    let both = json!({ "role": "viewer", "role_id": listener });
    assert_eq!(problem(patch(&admin, &operator.id, both).await).await["errors"][0]["field"], "role");
    assert_eq!(patch(&admin, &operator.id, json!({ "role_id": listener })).await.status(), StatusCode::NO_CONTENT);
    let shown = member(&admin, "operator@demo.test").await;
    assert_eq!((&shown["role_id"], &shown["role_name"]), (&listener, &"Listener".into()));
    assert_eq!(operator.get("/api/v1/queues").await.status(), StatusCode::FORBIDDEN, "from the next request on");

    let invite = async |by: &User, body: Value| by.post("/api/v1/invitations", &body).await;
    let made = invite(&admin, json!({ "email": "grace@example.org", "role_id": listener })).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: Value = made.json().await.unwrap();
    assert_eq!((&made["role_name"], &made["takes_work"]), (&"Listener".into(), &false.into()));
    let token = made["link"].as_str().unwrap().split_once('#').unwrap().1;
    let accept = json!({ "token": token, "name": "Grace Hopper", "password": NEW });
    let accepted = post(&app, "/api/v1/auth/invitations/accept", accept).await;
    assert_eq!(accepted.status(), StatusCode::NO_CONTENT);
    assert_eq!(member(&admin, "grace@example.org").await["role_id"], listener);

    // Whoever looks after members gives no more than they have, and does nothing to those who may do more.
    let (hr, listener) = (own_role(&admin, "HR", &["members:read", "members:manage", "roles:manage"]).await, &listener);
    assert_eq!(patch(&admin, &operator.id, json!({ "role_id": hr })).await.status(), StatusCode::NO_CONTENT);
    for role in [json!({ "role": "admin" }), json!({ "role_id": listener })] {
        let mut body = role.clone();
        body["email"] = "ada@example.org".into();
        assert_eq!(invite(&operator, body).await.status(), StatusCode::FORBIDDEN, "{role}");
        assert_eq!(patch(&operator, &operator.id, role).await.status(), StatusCode::FORBIDDEN);
    }
    let grace = member(&admin, "grace@example.org").await["id"].as_str().unwrap().to_owned();
    for id in [admin.id.to_string(), grace] {
        for act in ["deactivate", "reactivate"] {
            let refused = operator.post(&format!("/api/v1/members/{id}/{act}"), &json!({})).await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{act}");
        }
        for thing in ["sessions", "second-step"] {
            let path = format!("/api/v1/members/{id}/{thing}");
            let refused = operator.request(Method::DELETE, &path).send().await.unwrap();
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{thing}");
        }
    }
}

#[tokio::test]
async fn whoever_lost_phone_and_recovery_codes_is_helped_by_an_admin() {
    let mut smtp = Smtp::start().await;
    let config = vec![("SMTP_URL", smtp.url()), ("MAIL_FROM", "trunkline@calls.example".to_owned())];
    let app = App::start_with(Options { config, works: true, ..Options::default() }).await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let path = format!("/api/v1/members/{}/second-step", operator.id);
    let reset = async |path: &str| admin.request(Method::DELETE, path).send().await.unwrap();
    assert_eq!(problem(reset(&path).await).await["code"], "second-step-off");
    crate::accounts::set_up(&operator).await;
    assert_eq!(smtp.next().await["to"], json!(["operator@demo.test"]));
    assert_eq!(member(&admin, "operator@demo.test").await["second_step"], true);
    assert_eq!(app.login("operator@demo.test", DEMO_PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(reset(&path).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(app.login("operator@demo.test", DEMO_PASSWORD).await.status(), StatusCode::OK);
    let letter = smtp.next().await;
    assert_eq!(
        (&letter["to"], &letter["subject"]),
        (&json!(["operator@demo.test"]), &"A change to your account".into())
    );
    let log = admin.get_json("/api/v1/audit?action=user.second_step_reset").await;
    assert_eq!(log["items"][0]["subject"]["id"], json!(operator.id));
    let own = format!("/api/v1/members/{}/second-step", admin.id);
    assert_eq!(problem(reset(&own).await).await["code"], "oneself");

    // Of somebody who signs in to another company too, it is not this one's to weaken.
    let (other, _) = app.other_tenant().await;
    let elsewhere = NewMember { email: "operator@demo.test", name: "Olga", role: Role::Viewer, takes_work: false };
    provision::add_member(&app.state.db, &app.state.passwords, other, elsewhere, NEW).await.unwrap();
    crate::accounts::set_up(&operator).await;
    assert_eq!(problem(reset(&path).await).await["code"], "member-elsewhere");
    assert_eq!(app.login("operator@demo.test", DEMO_PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
}
