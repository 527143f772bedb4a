//! Trunks over the API: what is kept, what is shown, and what is read out of a `pjsip.conf`. How they do is seen with two Asterisks.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_db::Role;

use crate::platform::{ok, send};
use crate::support::{App, User, problem};

const PASSWORD: &str = "a-carriers-password";

fn carrier() -> Value {
    json!({
        "name": "Carrier", "password": PASSWORD,
        "settings": { "kind": "registration", "host": "sip.example.net", "username": "390612345", "country": "IT" },
    })
}

async fn kinds(admin: &User) -> Vec<String> {
    let events = admin.get_json("/api/v1/events?kinds=trunk.*").await;
    events["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_trunk_is_made_changed_and_removed_and_its_password_is_shown_to_nobody() {
    let app = App::start().await;
    let admin = app.admin().await;
    let made = ok(admin.post("/api/v1/trunks", &carrier()).await).await;
    assert_eq!((&made["has_password"], &made["priority"], &made["enabled"]), (&true.into(), &10.into(), &true.into()));
    assert_eq!((&made["settings"]["transport"], &made["settings"]["outbound"]), (&"udp".into(), &true.into()));
    assert_eq!(made["status"], json!([]), "no Asterisk here");
    let path = format!("/api/v1/trunks/{}", made["id"].as_str().unwrap());

    let mut settings = made["settings"].clone();
    settings["max_channels"] = json!(10);
    settings["shown"] = json!({ "show": "number", "number": "+390612345000" });
    let changed =
        ok(send(&admin, Method::PATCH, &path, &json!({ "settings": settings, "enabled": false })).await).await;
    assert_eq!((&changed["settings"]["max_channels"], &changed["enabled"]), (&10.into(), &false.into()));
    assert_eq!(changed["settings"]["shown"]["number"], "+390612345000");
    // The same password anew is a change, and nothing else would be one.
    ok(send(&admin, Method::PATCH, &path, &json!({ "password": PASSWORD })).await).await;
    ok(send(&admin, Method::PATCH, &path, &json!({ "name": "Carrier" })).await).await;
    let read = admin.get(&path).await;
    let tag = read.headers()["etag"].to_str().unwrap().to_owned();
    ok(send(&admin, Method::PATCH, &path, &json!({ "priority": 3 })).await).await;
    let late = admin.request(Method::PATCH, &path).header("if-match", tag).json(&json!({ "priority": 4 }));
    assert_eq!(late.send().await.unwrap().status(), StatusCode::PRECONDITION_FAILED);

    let shown = format!(
        "{} {} {}",
        admin.get_json("/api/v1/trunks").await,
        admin.get_json("/api/v1/audit").await,
        admin.get_json("/api/v1/events").await
    );
    assert!(shown.contains("390612345") && !shown.contains(PASSWORD));
    let mut owner = app.owner().await;
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT password_sealed FROM trunks").fetch_one(&mut owner).await.unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains(PASSWORD));

    assert_eq!(admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(admin.get(&path).await.status(), StatusCode::NOT_FOUND);
    let told = kinds(&admin).await;
    assert_eq!(told, ["trunk.created", "trunk.changed", "trunk.changed", "trunk.changed", "trunk.removed"]);
}

#[tokio::test]
async fn what_cannot_work_is_named() {
    let app = App::start().await;
    let admin = app.admin().await;
    let field = async |body: Value| -> Value {
        let refused = problem(admin.post("/api/v1/trunks", &body).await).await;
        assert_eq!(refused["status"], 422, "{refused}");
        refused["errors"][0]["field"].clone()
    };
    let with = |path: &str, value: Value| {
        let mut body = carrier();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    assert_eq!(field(with("/name", json!(""))).await, "name");
    assert_eq!(field(with("/password", json!("two\nlines"))).await, "password");
    assert_eq!(field(with("/password", Value::Null)).await, "password");
    assert_eq!(field(with("/settings/host", json!("a;b"))).await, "settings.host");
    assert_eq!(field(with("/settings/username", json!("a@b"))).await, "settings.username");
    let mut wide = carrier();
    wide["settings"]["sources"] = json!(["0.0.0.0/0"]);
    assert_eq!(field(wide).await, "settings.sources.0");
    let mut unknown = carrier();
    unknown["settings"]["colour"] = json!("red");
    assert_eq!(problem(admin.post("/api/v1/trunks", &unknown).await).await["status"], 422);
    let mut early = carrier();
    early["priority"] = json!(-1);
    assert_eq!(field(early).await, "priority");
    ok(admin.post("/api/v1/trunks", &carrier()).await).await;
    assert_eq!(problem(admin.post("/api/v1/trunks", &carrier()).await).await["code"], "name-taken");
}

#[tokio::test]
async fn managers_look_and_operators_do_not() {
    let app = App::start().await;
    ok(app.admin().await.post("/api/v1/trunks", &carrier()).await).await;
    let manager = app.member(Role::Manager).await;
    app.read_roster().await;
    let manager = app.with_token(manager, app.token(manager, Role::Manager, 60));
    assert_eq!(manager.get_json("/api/v1/trunks").await["items"][0]["name"], "Carrier");
    assert_eq!(problem(manager.post("/api/v1/trunks", &carrier()).await).await["status"], 403);
    assert_eq!(problem(app.operator().await.get("/api/v1/trunks").await).await["status"], 403);
}

const FILE: &str = "[carrier](!)\ntype=endpoint\nallow=!all,alaw\n[one](carrier)\naors=one\noutbound_auth=one\ncontext=in\n[one]\ntype=aor\n\
contact=sip:sip.one.example\n[one]\ntype=auth\nusername=me\npassword=not-to-be-shown\n[one]\ntype=registration\nserver_uri=sip:sip.one.example\n\
client_uri=sip:me@sip.one.example\noutbound_auth=one\n[two]\ntype=registration\nserver_uri=sip:sip.two.example\nclient_uri=sip:you@sip.two.example\n\
#include \"more.conf\"\n";

#[tokio::test]
async fn an_existing_file_is_read_first_and_taken_over_when_it_is_wanted() {
    let app = App::start().await;
    let admin = app.admin().await;
    let read = ok(admin.post("/api/v1/trunks/import", &json!({ "text": FILE })).await).await;
    assert_eq!((read["trunks"].as_array().unwrap().len(), &read["created"]), (2, &json!([])), "{read}");
    let one = &read["trunks"][0];
    assert_eq!((&one["name"], &one["has_password"], &one["problem"]), (&"one".into(), &true.into(), &Value::Null));
    assert_eq!((&one["notes"][0]["line"], &one["notes"][0]["text"]), (&7.into(), &"context = in".into()));
    assert_eq!(read["trunks"][1]["problem"]["field"], "password");
    assert_eq!(read["not_understood"][0]["line"], FILE.lines().count());
    assert!(!read.to_string().contains("not-to-be-shown"));
    assert_eq!(admin.get_json("/api/v1/trunks").await["items"], json!([]));

    let apply = json!({ "text": FILE, "apply": true });
    for name in ["one", "one 2"] {
        let taken = ok(admin.post("/api/v1/trunks/import", &apply).await).await;
        assert_eq!((taken["created"].as_array().unwrap().len(), &taken["created"][0]["name"]), (1, &name.into()));
        assert_eq!(taken["created"][0]["has_password"], true);
    }
    assert_eq!(kinds(&admin).await, ["trunk.created", "trunk.created"]);
    let long = json!({ "text": "x".repeat(600_000) });
    assert!(admin.post("/api/v1/trunks/import", &long).await.status().is_client_error());
}
