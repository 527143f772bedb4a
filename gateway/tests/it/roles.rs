//! Roles of a tenant's own, giving roles, teams: how soon a change counts, and that nobody gives what they do not have.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline::audit::Origin;
use trunkline::auth::Principal;
use trunkline::http::{AppError, authenticate};
use trunkline::roles::{self, Asking, Assignment};
use trunkline_db::{Role, RoleId, UserId};
use trunkline_journal::{Fault, Outcome, Scope};

use crate::calls::{Made, make_call};
use crate::recordings::make_recording;
use crate::support::{App, Socket, User, problem};

const AT_ONCE: Duration = Duration::from_secs(1);

pub(crate) fn principal(app: &App, user: &User) -> Principal {
    authenticate(&app.state, &user.token, "127.0.0.1".parse().unwrap()).unwrap()
}

/// Gives a role as another node would: this one is told by the database.
pub(crate) async fn assign(app: &App, by: Principal, user: UserId, assignment: Assignment) -> Result<(), AppError> {
    let asking = Asking { by, origin: Origin::default() };
    let command = app.state.journal.command(by.tenant, move |tx| {
        let asking = asking.clone();
        Box::pin(async move {
            let event = roles::assign(tx, &asking, user, assignment).await?;
            Ok::<_, Fault<AppError>>(Outcome::new(()).event(event))
        })
    });
    command.await.map(|_| ()).map_err(AppError::from)
}

pub(crate) async fn custom(admin: &User, name: &str, permissions: &[&str], reach: &str) -> RoleId {
    let body = json!({ "name": name, "permissions": permissions, "reach": reach });
    let made = admin.post("/api/v1/roles", &body).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    made.json::<Value>().await.unwrap()["id"].as_str().unwrap().parse().unwrap()
}

pub(crate) async fn until_status(user: &User, path: &str, status: StatusCode) -> Duration {
    let begun = Instant::now();
    while user.get(path).await.status() != status {
        assert!(begun.elapsed() < Duration::from_secs(10), "{path} is never {status}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_changed_role_counts_within_a_second_whatever_the_token_says() {
    let app = App::start().await;
    let (admin, manager) = (app.admin().await, app.sign_in("manager@demo.test").await);
    assert_eq!(manager.get("/api/v1/roles").await.status(), StatusCode::OK);
    assign(&app, principal(&app, &admin), manager.id, Assignment::BuiltIn(Role::Operator)).await.unwrap();
    let took = until_status(&manager, "/api/v1/roles", StatusCode::FORBIDDEN).await;
    assert!(took < AT_ONCE, "{took:?}");
    let event = admin.get_json("/api/v1/events?kinds=user.role_changed").await["items"][0].clone();
    assert_eq!((&event["subject"]["id"], &event["data"]), (&json!(manager.id), &json!({ "role": "operator" })));
}

#[tokio::test]
async fn a_role_of_the_tenants_own_is_made_given_changed_and_removed() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let role = custom(&admin, "Listener", &["recordings:read", "calls:read", "events:read"], "all").await;
    assign(&app, principal(&app, &admin), operator.id, Assignment::Custom(role)).await.unwrap();
    until_status(&operator, "/api/v1/queues", StatusCode::FORBIDDEN).await;
    let me = operator.get_json("/api/v1/me").await;
    assert_eq!((&me["role_name"], &me["reach"]), (&"Listener".into(), &"all".into()));
    assert_eq!(me["permissions"], json!(["calls:read", "recordings:read", "events:read"]));

    // Changed on this node: from the next request on.
    let path = format!("/api/v1/roles/{role}");
    let change = json!({ "permissions": ["queues:read"], "reach": "member" });
    let changed = admin.request(Method::PATCH, &path).json(&change).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let tag = changed.headers()["etag"].clone();
    assert_eq!(operator.get("/api/v1/queues").await.status(), StatusCode::OK);
    assert_eq!(operator.get("/api/v1/calls").await.status(), StatusCode::FORBIDDEN);
    let again = admin.request(Method::PATCH, &path).header("if-match", "\"0\"").json(&change).send().await.unwrap();
    assert_eq!(problem(again).await["status"], 412);
    let again = admin.request(Method::PATCH, &path).header("if-match", tag).json(&json!({ "name": "Queues" })).send();
    assert_eq!(again.await.unwrap().status(), StatusCode::OK);

    let remove = async || admin.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(problem(remove().await).await["code"], "role-in-use");
    assert_eq!(admin.get_json("/api/v1/roles").await["items"][0]["members"], 1);
    assign(&app, principal(&app, &admin), operator.id, Assignment::BuiltIn(Role::Operator)).await.unwrap();
    assert_eq!(remove().await.status(), StatusCode::NO_CONTENT);
    assert_eq!(problem(remove().await).await["status"], 404);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_field() {
    let app = App::start().await;
    let admin = app.admin().await;
    custom(&admin, "Taken", &["calls:read"], "member").await;
    for (body, field) in [
        (json!({ "name": " ", "permissions": ["calls:read"], "reach": "member" }), "name"),
        (json!({ "name": "x", "permissions": ["calls:write"], "reach": "member" }), "permissions"),
        (json!({ "name": "x", "permissions": ["platform:manage"], "reach": "member" }), "permissions"),
        (json!({ "name": "x", "permissions": ["calls:read"], "reach": "world" }), "reach"),
        (json!({ "name": "x", "permissions": ["calls:read"] }), "reach"),
        (json!({ "name": "x", "permissions": [], "reach": "all", "admin": true }), "admin"),
    ] {
        let refused = problem(admin.post("/api/v1/roles", &body).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &field.into()), "{body}");
    }
    let body = json!({ "name": "TAKEN", "permissions": ["calls:read"], "reach": "member" });
    assert_eq!(problem(admin.post("/api/v1/roles", &body).await).await["code"], "name-taken");
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_have() {
    let app = App::start().await;
    let (admin, giver) = (app.admin().await, app.operator().await);
    let strong = custom(&admin, "Strong", &["recordings:download"], "member").await;
    let wide = custom(&admin, "Wide", &["calls:read"], "all").await;
    let granting = ["roles:manage", "teams:manage", "api_keys:manage", "calls:read"];
    let grants = custom(&admin, "Grants", &granting, "member").await;
    assign(&app, principal(&app, &admin), giver.id, Assignment::Custom(grants)).await.unwrap();
    until_status(&giver, "/api/v1/queues", StatusCode::FORBIDDEN).await;

    let refused = async |answer: reqwest::Response| assert_eq!(problem(answer).await["status"], 403);
    for (permissions, reach) in [(json!(["recordings:download"]), "member"), (json!(["calls:read"]), "all")] {
        let body = json!({ "name": "More", "permissions": permissions, "reach": reach });
        refused(giver.post("/api/v1/roles", &body).await).await;
    }
    let own = custom(&giver, "Less", &["calls:read"], "member").await;
    for (role, change) in [
        (own, json!({ "permissions": ["recordings:download"] })),
        (own, json!({ "reach": "all" })),
        (strong, json!({ "permissions": ["calls:read"] })),
        (wide, json!({ "name": "Mine" })),
    ] {
        let path = format!("/api/v1/roles/{role}");
        refused(giver.request(Method::PATCH, &path).json(&change).send().await.unwrap()).await;
    }
    refused(giver.request(Method::DELETE, &format!("/api/v1/roles/{strong}")).send().await.unwrap()).await;
    let body = json!({ "name": "key", "permissions": ["queues:read"] });
    refused(giver.post("/api/v1/api-keys", &body).await).await;

    let by = principal(&app, &giver);
    let (client, manager) = (app.member(Role::Client).await, app.sign_in("manager@demo.test").await);
    for (user, assignment) in [
        (client, Assignment::BuiltIn(Role::Operator)),
        (client, Assignment::Custom(strong)),
        (client, Assignment::Custom(wide)),
        (giver.id, Assignment::BuiltIn(Role::Admin)),
        (manager.id, Assignment::BuiltIn(Role::Client)),
    ] {
        let error = assign(&app, by, user, assignment).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::FORBIDDEN, "{user} {assignment:?}");
    }
    assign(&app, by, client, Assignment::Custom(own)).await.unwrap();

    // To lead a team is to see its members' work.
    let team: Value = giver.post("/api/v1/teams", &json!({ "name": "Team" })).await.json().await.unwrap();
    let path = format!("/api/v1/teams/{}/members/{}", team["id"].as_str().unwrap(), giver.id);
    refused(giver.request(Method::PUT, &path).json(&json!({ "lead": true })).send().await.unwrap()).await;
    let joined = giver.request(Method::PUT, &path).json(&json!({})).send().await.unwrap();
    assert_eq!(joined.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let app = App::start().await;
    let admin = app.admin().await;
    let by = principal(&app, &admin);
    let refused = assign(&app, by, admin.id, Assignment::BuiltIn(Role::Manager)).await.unwrap_err();
    assert_eq!(refused.code(), Some("last-admin"));
    // One who may not sign in is none.
    let second = app.member(Role::Admin).await;
    let disable = async |disabled: bool| {
        let sql = "UPDATE users SET disabled_at = CASE WHEN $2 THEN now() END WHERE id = $1";
        sqlx::query(sql).bind(second).bind(disabled).execute(&mut app.owner().await).await.unwrap();
    };
    disable(true).await;
    let refused = assign(&app, by, admin.id, Assignment::BuiltIn(Role::Manager)).await.unwrap_err();
    assert_eq!(refused.code(), Some("last-admin"));
    disable(false).await;
    // Of two who step down at once, one stays.
    let other = principal(&app, &app.with_token(second, app.token(second, Role::Admin, 60)));
    let (one, two) = tokio::join!(
        assign(&app, by, admin.id, Assignment::BuiltIn(Role::Manager)),
        assign(&app, other, second, Assignment::BuiltIn(Role::Manager)),
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test]
async fn a_member_who_is_no_more_is_out_within_a_second() {
    let app = App::start().await;
    let (removed, disabled) = (app.member(Role::Operator).await, app.member(Role::Operator).await);
    // Tokens that are younger than what the roster knows would be believed for a moment.
    let [user, disabled] = [removed, disabled].map(|id| app.with_token(id, app.old_token(id, Role::Operator)));
    let mut streams = [Socket::open(&app, &user.token).await, Socket::open(&app, &disabled.token).await];
    for stream in &mut streams {
        stream.json_of("hello").await;
    }
    let mut owner = app.owner().await;
    let begun = Instant::now();
    sqlx::query("DELETE FROM memberships WHERE user_id = $1").bind(removed).execute(&mut owner).await.unwrap();
    let sql = "UPDATE users SET disabled_at = now() WHERE id = $1";
    sqlx::query(sql).bind(disabled.id).execute(&mut owner).await.unwrap();
    for stream in &mut streams {
        assert_eq!(stream.closed().await.code, 4401);
    }
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(user.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(disabled.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_may_not_read_events_any_more_loses_the_stream() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let mut stream = Socket::open(&app, &operator.token).await;
    stream.json_of("hello").await;
    assign(&app, principal(&app, &admin), operator.id, Assignment::BuiltIn(Role::Client)).await.unwrap();
    assert_eq!(stream.closed().await.code, 4403);
}

#[tokio::test]
async fn who_leads_a_team_sees_its_members_work_and_nobody_elses() {
    let app = App::start().await;
    let (admin, lead) = (app.admin().await, app.member(Role::Closer).await);
    let (mate, stranger) = (app.operator().await, app.sign_in("operator2@demo.test").await);
    let lead = app.with_token(lead, app.token(lead, Role::Closer, 600));
    let seen = make_call(&app, Made { agent: Some(mate.id), ..Made::default() }).await;
    let unseen = make_call(&app, Made { agent: Some(stranger.id), ..Made::default() }).await;
    let recording = make_recording(&app, mate.id, None).await;
    app.append(Scope::Agent(mate.id.into())).await;
    app.append(Scope::Agent(stranger.id.into())).await;
    let calls = async || lead.get_json("/api/v1/calls").await["items"].as_array().unwrap().len();
    assert_eq!(calls().await, 0);

    let (mut stream, _) = Socket::subscribed(&app, &lead.token, json!({ "type": "subscribe" })).await;
    assert_eq!(stream.json().await["type"], "caught_up");
    let team: Value = admin.post("/api/v1/teams", &json!({ "name": "Closers" })).await.json().await.unwrap();
    let team = format!("/api/v1/teams/{}", team["id"].as_str().unwrap());
    let join = async |user: UserId, is_lead: bool| {
        let request = admin.request(Method::PUT, &format!("{team}/members/{user}")).json(&json!({ "lead": is_lead }));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    };
    join(mate.id, false).await;
    join(lead.id, true).await;
    assert_eq!(stream.json_of("reset").await["reason"], "permissions");

    assert_eq!(calls().await, 2, "the call, and that of the recording");
    assert_eq!(lead.get(&format!("/api/v1/calls/{seen}")).await.status(), StatusCode::OK);
    assert_eq!(lead.get(&format!("/api/v1/calls/{unseen}")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(lead.get(&format!("/api/v1/recordings/{recording}")).await.status(), StatusCode::OK);
    let events = lead.get_json("/api/v1/events?kinds=call.started").await;
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
    assert_eq!(mate.get(&format!("/api/v1/calls/{unseen}")).await.status(), StatusCode::NOT_FOUND);

    let left = admin.request(Method::DELETE, &format!("{team}/members/{}", mate.id)).send().await.unwrap();
    assert_eq!(left.status(), StatusCode::NO_CONTENT);
    assert_eq!(calls().await, 0);
    let gone = admin.request(Method::DELETE, &team).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_catalogue_is_the_table() {
    let app = App::start().await;
    let catalogue = app.operator().await.get_json("/api/v1/permissions").await;
    let calls = catalogue["permissions"].as_array().unwrap().iter().find(|one| one["name"] == "calls:read").unwrap();
    assert_eq!(calls["yours"], true);
    assert!(calls["roles"].as_array().unwrap().contains(&"viewer".into()), "{calls}");
    assert_eq!(catalogue["roles"].as_array().unwrap().len(), 8);
    assert!(!catalogue.to_string().contains("platform:"), "what no role of a tenant's can have is not shown");
}
