//! Skills, how queues work, states set by managers, and dispositions.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_db::CallId;

use crate::calls::{Made, make_call, queue};
use crate::platform::{ok, send};
use crate::support::{App, User, problem};

async fn routing_path(user: &User) -> String {
    format!("/api/v1/queues/{}/routing", queue(user, "sales").await)
}

#[tokio::test]
async fn a_skill_is_made_given_asked_for_and_kept_while_it_is() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let skill = ok(admin.post("/api/v1/skills", &json!({ "name": " Italian " })).await).await;
    assert_eq!(skill["name"], "Italian");
    let again = problem(admin.post("/api/v1/skills", &json!({ "name": "italian" })).await).await;
    assert_eq!(again["status"], 409, "{again}");
    let id = skill["id"].as_str().unwrap();

    let path = format!("/api/v1/agents/{}/skills", operator.id);
    let given = json!({ "skills": [{ "skill_id": id, "level": 80 }] });
    let agent = ok(send(&admin, Method::PUT, &path, &given).await).await;
    assert_eq!(agent["skills"], given["skills"]);
    let listed = operator.get_json("/api/v1/agents").await;
    let listed = listed["items"].as_array().unwrap().iter().find(|agent| agent["id"] == json!(operator.id)).unwrap();
    assert_eq!(listed["skills"], given["skills"]);
    // Said once more it is no news.
    ok(send(&admin, Method::PUT, &path, &given).await).await;
    let events = admin.get_json("/api/v1/events?after=0&limit=1000").await;
    let changed = |event: &&Value| event["kind"] == "agent.skills_changed";
    let changed: Vec<&Value> = events["items"].as_array().unwrap().iter().filter(changed).collect();
    assert_eq!(changed.len(), 1, "{events}");
    assert_eq!((&changed[0]["data"]["skills"], &changed[0]["data"]["previous"]), (&given["skills"], &json!([])));
    for wrong in [
        json!({ "skills": [{ "skill_id": uuid::Uuid::now_v7(), "level": 80 }] }),
        json!({ "skills": [{ "skill_id": id, "level": 0 }] }),
        json!({ "skills": [{ "skill_id": id, "level": 1 }, { "skill_id": id, "level": 2 }] }),
    ] {
        let refused = problem(send(&admin, Method::PUT, &path, &wrong).await).await;
        assert_eq!((refused["status"].as_u64(), &refused["errors"][0]["field"]), (Some(422), &"skills".into()));
    }

    let routing = json!({ "routing": { "required": [{ "skill_id": id, "level": 50 }] } });
    ok(send(&admin, Method::PUT, &routing_path(&admin).await, &routing).await).await;
    let path = format!("/api/v1/skills/{id}");
    let kept = problem(admin.request(Method::DELETE, &path).send().await.unwrap()).await;
    assert_eq!((kept["status"].as_u64(), kept["detail"].as_str()), (Some(409), Some("these queues ask for it: Sales")));
    ok(send(&admin, Method::PUT, &routing_path(&admin).await, &json!({})).await).await;
    let gone = admin.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(operator.get_json("/api/v1/agents").await["items"][0]["skills"], json!([]));
}

#[tokio::test]
async fn what_callers_hear_while_they_wait_is_there_to_be_heard() {
    let app = App::start().await;
    let admin = app.admin().await;
    let path = routing_path(&admin).await;
    let wrong = [
        (json!({ "while_waiting": { "every_seconds": 5, "position": true } }), "while_waiting.every_seconds"),
        (json!({ "while_waiting": { "every_seconds": 30 } }), "while_waiting.every_seconds"),
        (json!({ "while_waiting": { "keys": { "a": "voicemail" } } }), "while_waiting.keys"),
        (json!({ "while_waiting": { "keys": { "1": "hang_up" } } }), "while_waiting.keys"),
        (json!({ "while_waiting": { "keys": { "1": { "number": "112" } } } }), "while_waiting.keys.number"),
        (json!({ "while_waiting": { "keys": { "1": { "queue_id": uuid::Uuid::now_v7() } } } }), "to"),
        (json!({ "while_waiting": { "say": [{ "builtin": "../etc" }] } }), "while_waiting.say"),
        (json!({ "while_waiting": { "music": uuid::Uuid::now_v7() } }), "while_waiting.music"),
        (json!({ "voicemail": { "greeting": [] } }), "voicemail.greeting"),
        (json!({ "voicemail": { "greeting": [{ "sound_id": uuid::Uuid::now_v7() }] } }), "say"),
        (json!({ "voicemail": { "max_seconds": 4000 } }), "voicemail.max_seconds"),
    ];
    for (routing, field) in wrong {
        let refused = problem(send(&admin, Method::PUT, &path, &json!({ "routing": routing })).await).await;
        assert_eq!(
            (refused["status"].as_u64(), &refused["errors"][0]["field"]),
            (Some(422), &field.into()),
            "{refused}"
        );
    }
    let good = json!({ "overflow": { "after_seconds": 60, "to": "callback" }, "while_waiting": {
        "every_seconds": 30, "expected_wait": true, "keys": { "1": "voicemail", "*": "callback" } } });
    let set = ok(send(&admin, Method::PUT, &path, &json!({ "routing": good })).await).await;
    assert_eq!(set["routing"]["while_waiting"]["keys"], good["while_waiting"]["keys"]);
    assert_eq!(set["routing"]["overflow"], good["overflow"]);
}

#[tokio::test]
async fn an_extension_is_there_from_the_beginning_and_leads_to_one_place() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let agents = operator.get_json("/api/v1/agents").await;
    let all = agents["items"].as_array().unwrap();
    let of =
        |id: &Value| all.iter().find(|agent| agent["id"] == *id).unwrap()["extension"].as_str().unwrap().to_owned();
    let mut given: Vec<String> = all.iter().map(|agent| of(&agent["id"])).collect();
    given.sort();
    let first_free: Vec<String> = (2001..).take(given.len()).map(|number: u32| number.to_string()).collect();
    assert_eq!(given, first_free);

    let path = format!("/api/v1/agents/{}/extension", operator.id);
    let agent = ok(send(&admin, Method::PUT, &path, &json!({ "extension": "42" })).await).await;
    assert_eq!(agent["extension"], "42");
    let taken = operator.get_json("/api/v1/queues").await["items"][0]["extension"].clone();
    let refused = problem(send(&admin, Method::PUT, &path, &json!({ "extension": taken })).await).await;
    assert_eq!(refused["status"], 409, "a queue has it: {refused}");
    for wrong in ["1", "1234567", "600", "12a", ""] {
        let refused = problem(send(&admin, Method::PUT, &path, &json!({ "extension": wrong })).await).await;
        assert_eq!((refused["status"].as_u64(), &refused["errors"][0]["field"]), (Some(422), &"extension".into()));
    }
    let refused = problem(send(&operator, Method::PUT, &path, &json!({ "extension": "43" })).await).await;
    assert_eq!(refused["status"], 403, "{refused}");
    let none = ok(send(&admin, Method::PUT, &path, &json!({ "extension": null })).await).await;
    assert_eq!(none["extension"], Value::Null);
}

#[tokio::test]
async fn a_queue_may_overflow_to_a_number_that_is_one() {
    let app = App::start().await;
    let admin = app.admin().await;
    let path = routing_path(&admin).await;
    let to = |number: &str| json!({ "routing": { "overflow": { "after_seconds": 30, "to": { "number": number } } } });
    let works = ok(send(&admin, Method::PUT, &path, &to("+12125550123")).await).await;
    assert_eq!(works["routing"]["overflow"]["to"], json!({ "number": "+12125550123" }));
    for wrong in ["12125550123", "+1", "", "anonymous"] {
        let refused = problem(send(&admin, Method::PUT, &path, &to(wrong)).await).await;
        assert_eq!(
            (refused["status"].as_u64(), &refused["errors"][0]["field"]),
            (Some(422), &"overflow.to.number".into())
        );
    }
}

#[tokio::test]
async fn how_a_queue_works_is_read_changed_and_guarded() {
    let app = App::start().await;
    let admin = app.admin().await;
    let path = routing_path(&admin).await;
    let answer = admin.request(Method::GET, &path).send().await.unwrap();
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let plain: Value = answer.json().await.unwrap();
    assert_eq!((&plain["ring_seconds"], &plain["routing"]["strategy"]), (&json!(15), &"longest_idle".into()));

    let wanted = json!({
        "ring_seconds": 20,
        "routing": {
            "strategy": "ring_all",
            "wrap_up_seconds": 30,
            "dispositions": [{ "code": "sale", "label": "Sale" }],
            "disposition_required": true,
            "hours": { "time_zone": "Europe/Rome", "week": [{ "day": "monday", "from": "09:00", "to": "18:00" }] },
        },
    });
    let changed = admin.request(Method::PUT, &path).header("If-Match", &tag).json(&wanted).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(changed["routing"]["wrap_up_seconds"], 30);
    assert_eq!(admin.get_json(&path).await, changed);
    let stale = admin.request(Method::PUT, &path).header("If-Match", &tag).json(&wanted).send().await.unwrap();
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
    let events = admin.get_json("/api/v1/events?kinds=queue.updated").await;
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
    let audit = admin.get_json("/api/v1/audit?action=queue.updated").await;
    assert_eq!(audit["items"][0]["before"]["ring_seconds"], 15, "{audit}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_every_field_of_it_at_once() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (path, sales) = (routing_path(&admin).await, queue(&admin, "sales").await);
    let wanted = json!({
        "ring_seconds": 1,
        "routing": {
            "priority": 1000,
            "overflow": { "after_seconds": 10, "to": { "queue_id": sales } },
            "closed": { "to": { "queue_id": uuid::Uuid::now_v7() } },
            "hours": { "time_zone": "Rome", "week": [] },
        },
    });
    let refused = problem(send(&admin, Method::PUT, &path, &wanted).await).await;
    let fields: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["priority", "hours", "ring_seconds", "to", "to"], "{refused}");
    for slip in [json!({ "routing": { "stratgy": "ring_all" } }), json!({ "routing": { "strategy": "loudest" } })] {
        assert_eq!(problem(send(&admin, Method::PUT, &path, &slip).await).await["status"], 422);
    }
    let operator = app.operator().await;
    let refused = send(&operator, Method::PUT, &path, &json!({})).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_manager_sets_an_agents_state_and_it_is_known_who_did() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let path = format!("/api/v1/agents/{}/state", operator.id);
    let wanted = json!({ "state": "paused", "reason": "Briefing" });
    let agent = ok(send(&admin, Method::PUT, &path, &wanted).await).await;
    assert_eq!((&agent["state"], &agent["reason"]), (&"paused".into(), &"Briefing".into()));
    let events = admin.get_json("/api/v1/events?kinds=agent.state_changed").await;
    let event = &events["items"][0];
    assert_eq!((&event["data"]["by"], &event["actor"]["type"]), (&"manager".into(), &"user".into()));
    assert_eq!((&event["actor"]["id"], &event["subject"]["id"]), (&json!(admin.id), &json!(operator.id)));
    let audit = admin.get_json("/api/v1/audit?action=agent.state_set").await;
    assert_eq!(audit["items"][0]["after"]["state"], "paused", "{audit}");
    let refused = send(&operator, Method::PUT, &path, &wanted).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN, "not even for oneself");
    let nobody = format!("/api/v1/agents/{}/state", uuid::Uuid::now_v7());
    assert_eq!(send(&admin, Method::PUT, &nobody, &wanted).await.status(), StatusCode::NOT_FOUND);
}

/// A call of the queue that the operator answered.
async fn talked(app: &App, operator: &User) -> CallId {
    let queue = queue(operator, "sales").await;
    let made = Made { agent: Some(operator.id), queue: Some(queue), answered: true, ..Made::default() };
    let call = make_call(app, made).await;
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    sqlx::query(
        "INSERT INTO call_legs (tenant_id, call_id, id, kind, agent_id, started_at, answered_at)
         VALUES ($1, $2, $3, 'agent', $4, now(), now())",
    )
    .bind(app.tenant)
    .bind(call)
    .bind(format!("leg-{call}"))
    .bind(operator.id)
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    call
}

#[tokio::test]
async fn who_talked_says_what_the_call_came_to_and_may_say_it_better() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let codes = json!([{ "code": "sale", "label": "Sale" }, { "code": "no", "label": "Not interested" }]);
    let works = json!({ "routing": { "dispositions": codes } });
    ok(send(&admin, Method::PUT, &routing_path(&admin).await, &works).await).await;
    let call = talked(&app, &operator).await;
    let path = format!("/api/v1/calls/{call}/disposition");
    let said = ok(operator.post(&path, &json!({ "code": "no", "note": " busy " })).await).await;
    assert_eq!((&said["label"], &said["note"]), (&"Not interested".into(), &"busy".into()));
    ok(operator.post(&path, &json!({ "code": "sale" })).await).await;
    let shown = operator.get_json(&format!("/api/v1/calls/{call}")).await;
    let dispositions = shown["dispositions"].as_array().unwrap();
    assert_eq!((dispositions.len(), &dispositions[0]["code"]), (1, &"sale".into()));
    let events = operator.get_json("/api/v1/events?kinds=call.disposed").await;
    assert_eq!(events["items"].as_array().unwrap().len(), 2);

    let unknown = problem(operator.post(&path, &json!({ "code": "maybe" })).await).await;
    assert_eq!((unknown["status"].as_u64(), &unknown["errors"][0]["field"]), (Some(422), &"code".into()));
    let long = json!({ "code": "sale", "note": "x".repeat(2_001) });
    assert_eq!(problem(operator.post(&path, &long).await).await["errors"][0]["field"], "note");
    let stranger = admin.post(&path, &json!({ "code": "sale" })).await;
    assert_eq!(stranger.status(), StatusCode::NOT_FOUND, "only who talked");
}
