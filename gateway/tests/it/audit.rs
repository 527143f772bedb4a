//! The audit log: what is written into it, what is read out of it, and how it tells that somebody changed it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use trunkline::audit::{self, Finding};
use trunkline_db::{TenantId, UserId};
use uuid::Uuid;

use crate::recordings::make_recording;
use crate::support::{App, User, problem};

async fn entries(admin: &User, query: &str) -> Vec<Value> {
    let page = admin.get_json(&format!("/api/v1/audit?{query}")).await;
    page["items"].as_array().unwrap().clone()
}

async fn actions(admin: &User, query: &str) -> Vec<String> {
    let told = entries(admin, query).await;
    told.iter().rev().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

async fn make_device(user: &User, name: &str) -> String {
    let made = user.post(&format!("/api/v1/agents/{}/devices", user.id), &json!({ "name": name })).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    made.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

/// What doctor finds of a chain.
async fn finding(app: &App, chain: &str) -> Finding {
    let findings = audit::verify(&app.state.db, &app.state.config.state_dir).await.unwrap();
    findings.into_iter().find(|finding| finding.chain == chain).unwrap()
}

async fn broken(app: &App) -> String {
    finding(app, "demo").await.broken.expect("the chain is whole").to_string()
}

/// As somebody who may do anything in the database.
async fn as_owner(app: &App, statement: &'static str) -> u64 {
    let mut owner = app.owner().await;
    sqlx::query(statement).bind(app.tenant).execute(&mut owner).await.unwrap().rows_affected()
}

/// The platform's log, which no API shows yet.
async fn platform(app: &App) -> Vec<(String, String)> {
    let mut tx = app.state.db.tenant(TenantId(Uuid::nil())).await.unwrap();
    sqlx::query_as("SELECT action, coalesce(after::text, '') FROM audit_entries ORDER BY seq")
        .fetch_all(tx.conn())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_change_is_told_with_who_what_where_before_and_after() {
    let app = App::start().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    let device = make_device(&operator, "desk phone").await;
    let rename = operator
        .request(Method::PATCH, "/api/v1/me")
        .header("user-agent", "test/1")
        .json(&json!({ "name": "Olga Neu" }));
    let renamed = rename.send().await.unwrap();
    let request_id = renamed.headers()["x-request-id"].to_str().unwrap().to_owned();

    let told = entries(&admin, &format!("subject={device}")).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["action"], "device.created");
    assert_eq!((&told[0]["subject"]["type"], &told[0]["subject"]["name"]), (&"device".into(), &"desk phone".into()));
    assert_eq!((&told[0]["before"], &told[0]["after"]["agent_id"]), (&Value::Null, &operator.id.to_string().into()));

    let told = entries(&admin, "action=user.updated").await;
    assert_eq!(told[0]["actor"], json!({ "type": "user", "id": operator.id, "name": "Olga Neu" }));
    assert_eq!((&told[0]["address"], &told[0]["user_agent"]), (&"127.0.0.1".into(), &"test/1".into()));
    assert_eq!((&told[0]["request_id"], &told[0]["via"]["type"]), (&request_id.into(), &"session".into()));
    assert_eq!(told[0]["after"], json!({ "name": "Olga Neu" }));
    assert!(told[0]["before"]["name"].is_string());

    let gone = format!("/api/v1/agents/{}/devices/{device}", operator.id);
    operator.request(Method::DELETE, &gone).send().await.unwrap();
    let told = entries(&admin, &format!("subject={device}&action=device.removed")).await;
    assert_eq!((&told[0]["before"]["name"], &told[0]["after"]), (&"desk phone".into(), &Value::Null));
    assert!(finding(&app, "demo").await.broken.is_none());
}

#[tokio::test]
async fn sign_ins_are_told_whether_they_succeed_or_not() {
    let app = App::start().await;
    for _ in 0..9 {
        app.login("operator@demo.test", "a wrong password").await;
    }
    app.login("nobody@demo.test", "a wrong password").await;
    app.login("typed-the-password-here", "a wrong password").await;
    let admin = app.admin().await;
    admin.post("/api/v1/auth/logout", &json!({})).await;
    let admin = app.admin().await;
    let told = actions(&admin, "action=sign_in.").await;
    let failed = vec!["sign_in.failed"; 8];
    let rest = ["sign_in.limited", "sign_in.succeeded", "sign_in.ended", "sign_in.succeeded"];
    assert_eq!(told, [failed.as_slice(), &rest].concat());
    let told = entries(&admin, "action=sign_in.failed").await;
    assert_eq!((&told[0]["actor"]["type"], &told[0]["subject"]["type"]), (&"unknown".into(), &"user".into()));
    assert_eq!(told[0]["after"], json!({ "email": "operator@demo.test" }));
    let platform: Vec<_> = platform(&app).await.into_iter().filter(|(action, _)| action == "sign_in.failed").collect();
    assert_eq!(
        platform,
        [
            ("sign_in.failed".to_owned(), r#"{"email":"nobody@demo.test"}"#.to_owned()),
            ("sign_in.failed".to_owned(), r#"{"email":"(no address)"}"#.to_owned()),
        ]
    );
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_and_a_changed_password_are_told() {
    let app = App::start().await;
    let answer = app.login("operator@demo.test", trunkline::provision::DEMO_PASSWORD).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let refresh = async || {
        let request = app.client.post(app.url("/api/v1/auth/refresh")).header("cookie", &cookie);
        request.send().await.unwrap().status()
    };
    assert_eq!((refresh().await, refresh().await), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    let user = app.operator().await;
    let change = |current: &str| json!({ "current": current, "new": "quite another password" });
    user.post("/api/v1/auth/password", &change("not it at all")).await;
    let changed = user.post("/api/v1/auth/password", &change(trunkline::provision::DEMO_PASSWORD)).await;
    assert_eq!(changed.status(), StatusCode::OK);
    let told = actions(&app.admin().await, &format!("subject={}", user.id)).await;
    assert_eq!(
        told,
        [
            "user.created",
            "sign_in.succeeded",
            "sign_in.token_reused",
            "sign_in.succeeded",
            "user.password_refused",
            "user.password_changed"
        ]
    );
}

#[tokio::test]
async fn hearing_a_recording_is_told_once_and_saving_it_apart() {
    let app = App::start().await;
    let manager = app.sign_in("manager@demo.test").await;
    let id = make_recording(&app, app.operator().await.id, None).await;
    let audio = format!("/api/v1/recordings/{id}/audio");
    for range in ["bytes=0-9", "bytes=10-19", "bytes=20-29"] {
        let part = manager.request(Method::GET, &audio).header("range", range).send().await.unwrap();
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    }
    manager.request(Method::HEAD, &audio).send().await.unwrap();
    manager.get(&format!("{audio}?download=true")).await;
    let admin = app.admin().await;
    assert_eq!(actions(&admin, "action=recording.").await, ["recording.heard", "recording.downloaded"]);
    admin.get(&audio).await;
    let told = entries(&admin, &format!("subject_type=recording&actor={}", admin.id)).await;
    assert_eq!(told.len(), 1, "another listener is told apart");
}

#[tokio::test]
async fn a_repeated_request_is_one_entry_and_a_refused_one_is_none() {
    let app = App::start().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    let path = format!("/api/v1/agents/{}/devices", operator.id);
    for name in ["phone", "phone", ""] {
        let request = operator.request(Method::POST, &path).header("idempotency-key", "one");
        request.json(&json!({ "name": name })).send().await.unwrap();
    }
    assert_eq!(actions(&admin, "action=device.").await, ["device.created"]);
}

#[tokio::test]
async fn the_log_is_searched_and_paged() {
    let app = App::start().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    for name in ["Alpha 100%", "Beta"] {
        make_device(&operator, name).await;
    }
    assert_eq!(entries(&admin, "q=alpha%20100%25").await.len(), 1);
    assert_eq!(entries(&admin, "q=100%25%25").await.len(), 0, "no pattern, a text");
    assert_eq!(entries(&admin, "action=device").await.len(), 2);
    assert_eq!(entries(&admin, "action=device.&from=2100-01-01T00:00:00Z").await.len(), 0);
    assert_eq!(entries(&admin, &format!("actor={}&subject_type=device", operator.id)).await.len(), 2);
    let first = admin.get_json("/api/v1/audit?action=device.&limit=1").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = admin.get_json(&format!("/api/v1/audit?action=device.&limit=1&cursor={cursor}")).await;
    assert_eq!(first["items"][0]["subject"]["name"], "Beta");
    assert_eq!(second["items"][0]["subject"]["name"], "Alpha 100%");
    assert!(second["next_cursor"].is_null());
    for query in
        ["action=Device", "limit=0", "from=yesterday", "actor=me", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"]
    {
        assert_eq!(problem(admin.get(&format!("/api/v1/audit?{query}")).await).await["status"], 400, "{query}");
    }
}

#[tokio::test]
async fn the_log_is_for_admins_of_the_tenant_alone() {
    let app = App::start().await;
    let (_, stranger) = app.other_tenant().await;
    make_device(&app.operator().await, "ours").await;
    for path in ["/api/v1/audit", "/api/v1/audit/export"] {
        let manager = app.sign_in("manager@demo.test").await;
        assert_eq!(problem(manager.get(path).await).await["status"], 403);
        let seen = stranger.get(path).await.text().await.unwrap();
        assert!(!seen.contains("device.created") && !seen.contains("ours"), "{seen}");
    }
}

#[tokio::test]
async fn an_export_is_complete_guarded_and_told() {
    let app = App::start().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    make_device(&operator, "=HYPERLINK(\"http://evil\")").await;
    // More than one piece.
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    sqlx::query(
        "SELECT audit_append('system', NULL, NULL, NULL, NULL, 'test.repeated', 'thing', NULL, NULL, NULL, NULL, NULL, NULL, NULL)
           FROM generate_series(1, 1100)",
    )
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();

    let csv = admin.get("/api/v1/audit/export?action=device.created").await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    assert!(csv.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"audit-"));
    let csv = csv.text().await.unwrap();
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains(",\"'=HYPERLINK(\"\"http://evil\"\")\","), "{csv}");

    let lines = admin.get("/api/v1/audit/export?format=jsonl&action=test.").await;
    assert_eq!(lines.headers()["content-type"], "application/x-ndjson");
    let lines = lines.text().await.unwrap();
    let seqs: Vec<i64> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs.len(), 1100);
    assert!(seqs.windows(2).all(|pair| pair[0] == pair[1] + 1));

    let told = entries(&admin, "action=audit.exported").await;
    assert_eq!(told[1]["after"], json!({ "format": "csv", "filters": { "action": "device.created" } }));
    assert_eq!(told[0]["after"]["format"], "jsonl");
    assert_eq!(problem(admin.get("/api/v1/audit/export?format=xlsx").await).await["status"], 400);
}

#[tokio::test]
async fn whatever_is_changed_in_the_database_is_found() {
    for (statement, words) in [
        ("UPDATE audit_entries SET after = '{\"name\":\"other\"}' WHERE tenant_id = $1 AND seq = 3", "the values of entry 3 were changed"),
        ("UPDATE audit_entries SET actor_id = gen_random_uuid() WHERE tenant_id = $1 AND seq = 3", "entry 3 does not follow"),
        ("UPDATE audit_entries SET at = at - interval '1 day' WHERE tenant_id = $1 AND seq = 3", "entry 3 does not follow"),
        ("DELETE FROM audit_entries WHERE tenant_id = $1 AND seq = 3", "entries are missing before entry 4"),
        ("DELETE FROM audit_entries WHERE tenant_id = $1 AND seq >= 4", "entries are missing from entry 4 on"),
        (
            "WITH cut AS (DELETE FROM audit_entries WHERE tenant_id = $1 AND seq >= 4)
             UPDATE audit_heads SET seq = 3 WHERE tenant_id = $1",
            "the chain's head is not entry 3",
        ),
        (
            "UPDATE audit_entries a SET actor_id = b.actor_id, action = b.action, subject_type = b.subject_type,
                    subject_id = b.subject_id, request_id = b.request_id, after = b.after, salt = b.salt, digest = b.digest,
                    actor_name = b.actor_name, subject_name = b.subject_name, via_id = b.via_id, link = b.link
               FROM audit_entries b
              WHERE a.tenant_id = $1 AND b.tenant_id = $1 AND a.seq IN (2, 3) AND b.seq = 5 - a.seq",
            "entry 2 does not follow",
        ),
        ("UPDATE audit_entries SET subject_name = NULL WHERE tenant_id = $1 AND seq = 2", "the values of entry 2 were changed"),
        ("DELETE FROM audit_heads WHERE tenant_id = $1", "the chain's head is not entry"),
    ] {
        let app = App::start().await;
        let operator = app.operator().await;
        for name in ["one", "two", "three", "four"] {
            make_device(&operator, name).await;
        }
        assert!(finding(&app, "demo").await.broken.is_none());
        assert!(as_owner(&app, statement).await > 0);
        let said = broken(&app).await;
        assert!(said.starts_with(words), "{statement}: {said}");
        assert!(finding(&app, "platform").await.broken.is_none());
    }
}

#[tokio::test]
async fn a_chain_that_was_cut_off_or_written_anew_is_told_by_the_anchors() {
    let app = App::start().await;
    let operator = app.operator().await;
    for name in ["one", "two", "three"] {
        make_device(&operator, name).await;
    }
    let stopped = CancellationToken::new();
    stopped.cancel();
    audit::keep_anchors(app.state.db.clone(), app.state.config.state_dir.clone(), stopped).await;
    make_device(&operator, "four").await;
    let whole = finding(&app, "demo").await;
    assert!(whole.broken.is_none() && whole.anchors == 1, "{whole:?}");

    // Somebody who knows how chains are made cuts off the end, and moves the head along.
    as_owner(&app, "DELETE FROM audit_entries WHERE tenant_id = $1 AND seq > (SELECT max(seq) - 3 FROM audit_entries WHERE tenant_id = $1)").await;
    as_owner(
        &app,
        "UPDATE audit_heads h SET seq = a.seq, link = a.link
           FROM audit_entries a WHERE h.tenant_id = $1 AND a.tenant_id = $1 AND a.seq = (SELECT max(seq) FROM audit_entries WHERE tenant_id = $1)",
    )
    .await;
    let said = broken(&app).await;
    assert!(said.contains("is not the one that an anchor remembers"), "{said}");
    // And goes on from there, until there are as many as before.
    for name in ["another", "yet another", "a third"] {
        make_device(&operator, name).await;
    }
    let said = broken(&app).await;
    assert!(said.contains("is not the one that an anchor remembers"), "{said}");
}

#[tokio::test]
async fn a_persons_values_are_erased_and_the_chain_still_holds() {
    let app = App::start().await;
    let (operator, admin) = (app.operator().await, app.admin().await);
    make_device(&operator, "Olga's phone").await;
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    let erased = audit::erase_person(&mut tx, operator.id).await.unwrap();
    tx.commit().await.unwrap();
    let found = finding(&app, "demo").await;
    assert!(found.broken.is_none() && found.erased == erased.unsigned_abs() && erased >= 2, "{found:?}");
    let all = admin.get("/api/v1/audit").await.text().await.unwrap();
    assert!(!all.contains("Olga's phone"), "{all}");
    let told = entries(&admin, "action=device.created").await;
    assert_eq!((&told[0]["after"], &told[0]["address"]), (&Value::Null, &Value::Null));
    assert!(told[0]["erased_at"].is_string());
    assert_eq!(told[0]["actor"]["id"], operator.id.to_string());
}

#[tokio::test]
async fn many_at_once_make_one_chain_without_gaps() {
    let app = App::start().await;
    let (operator, other) = (app.operator().await, app.other_tenant().await.1);
    // Direct transactions and the journal's lanes, of two tenants.
    let mut doing = tokio::task::JoinSet::new();
    for round in 0..8 {
        for user in [operator.clone(), other.clone()] {
            doing.spawn(async move {
                make_device(&user, &format!("phone {round}")).await;
                let rename =
                    user.request(Method::PATCH, "/api/v1/me").json(&json!({ "name": format!("Name {round}") }));
                assert_eq!(rename.send().await.unwrap().status(), StatusCode::OK);
            });
        }
    }
    while let Some(done) = doing.join_next().await {
        done.unwrap();
    }
    for chain in ["demo", "other"] {
        let found = finding(&app, chain).await;
        assert!(found.broken.is_none() && found.entries >= 16, "{found:?}");
    }
    let mut owner = app.owner().await;
    let (left,): (i64,) = sqlx::query_as("SELECT count(*) FROM audit_pending").fetch_one(&mut owner).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_application_can_neither_change_nor_forge_an_entry() {
    let app = App::start().await;
    make_device(&app.operator().await, "phone").await;
    for statement in [
        "UPDATE audit_entries SET after = NULL",
        "DELETE FROM audit_entries",
        "INSERT INTO audit_entries (tenant_id, seq) VALUES (gen_random_uuid(), 1)",
        "UPDATE audit_heads SET seq = 0",
        "INSERT INTO audit_pending (tenant_id, actor_type, action, subject_type) VALUES (gen_random_uuid(), 'x', 'a.b', 'x')",
        "SELECT audit_append_to(gen_random_uuid(), 'x', NULL, NULL, NULL, NULL, 'a.b', 'x', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    ] {
        let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
        let error = sqlx::query(statement).execute(tx.conn()).await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"), "{statement}");
    }
    // Nor does an act without the database's leave to tell of it take place.
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    let actor = audit::Actor::user(UserId::new());
    let subject = trunkline_journal::Ref::new("thing", Uuid::now_v7());
    let entry = audit::Entry {
        actor,
        action: "Not an action",
        subject,
        before: None,
        after: None,
        origin: audit::Origin::default(),
    };
    audit::append(&mut tx, entry).await.unwrap();
    assert!(tx.commit().await.unwrap_err().constraint() == Some("audit_entries_action_check"));
}
