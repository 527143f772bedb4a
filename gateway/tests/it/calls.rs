//! Lists of calls: what each filter brings, who sees what, and a call's timeline.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::StatusCode;
use serde_json::{Value, json};
use trunkline_db::{AgentId, CallId, QueueId, UserId};
use trunkline_journal::{Kind, NewEvent, Ref, Scope};

use crate::recordings::make_recording;
use crate::support::{App, User, problem};

/// A call as a test wants it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) direction: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) state: &'static str,
    pub(crate) queue: Option<QueueId>,
    pub(crate) agent: Option<UserId>,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) answered: bool,
    pub(crate) end_reason: Option<&'static str>,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            direction: "inbound",
            from: "+15551234567",
            to: "+15550100",
            state: "ended",
            queue: None,
            agent: None,
            started_at: "2026-11-20T10:00:00Z".parse().unwrap(),
            answered: true,
            end_reason: Some("completed_customer"),
        }
    }
}

pub(crate) async fn make_call(app: &App, made: Made) -> CallId {
    let id = CallId::new();
    let mut tx = app.state.db.tenant(app.tenant).await.unwrap();
    sqlx::query(
        "INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, queue_id, agent_id, started_at, queued_at,
             answered_at, ended_at, end_reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN $7::uuid IS NOT NULL THEN $9 END, CASE WHEN $10 THEN $9 END,
             CASE WHEN $6 = 'ended' THEN $9 END, $11)",
    )
    .bind(app.tenant)
    .bind(id)
    .bind(made.direction)
    .bind(made.from)
    .bind(made.to)
    .bind(made.state)
    .bind(made.queue)
    .bind(made.agent)
    .bind(made.started_at)
    .bind(made.answered)
    .bind(made.end_reason)
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    id
}

pub(crate) async fn queue(user: &User, slug: &str) -> QueueId {
    let queues = user.get_json("/api/v1/queues").await;
    let queue = queues["items"].as_array().unwrap().iter().find(|queue| queue["slug"] == slug).unwrap();
    queue["id"].as_str().unwrap().parse().unwrap()
}

async fn ids(user: &User, query: &str) -> Vec<CallId> {
    let page = user.get_json(&format!("/api/v1/calls?{query}")).await;
    page["items"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn each_filter_brings_what_it_names_the_newest_first() {
    let app = App::start().await;
    let admin = app.admin().await;
    let operator = app.operator().await;
    let (sales, support) = (queue(&admin, "sales").await, queue(&admin, "support").await);
    let noon: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
    let talked = make_call(&app, Made { queue: Some(sales), agent: Some(operator.id), ..Made::default() }).await;
    let missed = make_call(
        &app,
        Made { queue: Some(support), answered: false, end_reason: Some("abandoned_queue"), ..Made::default() },
    )
    .await;
    let out = make_call(
        &app,
        Made {
            direction: "outbound",
            from: "+15550100",
            to: "+4930901820",
            answered: false,
            end_reason: Some("no_answer"),
            ..Made::default()
        },
    )
    .await;
    let running = make_call(
        &app,
        Made {
            state: "ringing",
            queue: Some(sales),
            answered: false,
            end_reason: None,
            started_at: noon,
            ..Made::default()
        },
    )
    .await;

    for (query, expected) in [
        ("", vec![running, out, missed, talked]),
        ("state=ended", vec![out, missed, talked]),
        ("state=new,queued,ringing,active", vec![running]),
        ("direction=outbound", vec![out]),
        ("end_reason=abandoned_queue,no_answer", vec![out, missed]),
        // A running call and one that we made are not missed.
        ("missed=true", vec![missed]),
        ("q=%2B49%2030%20901-820", vec![out]),
        ("q=123456", vec![running, missed, talked]),
        // Too short for the index of trigrams.
        ("q=82", vec![out]),
        ("q=999999", vec![]),
        ("from=2026-11-20T12:00:00Z", vec![running]),
        ("to=2026-11-20T12:00:00Z", vec![out, missed, talked]),
        ("from=2026-11-20T11:00:00%2B01:00&to=2026-11-20T10:00:01Z&missed=true", vec![missed]),
    ] {
        assert_eq!(ids(&admin, query).await, expected, "{query}");
    }
    assert_eq!(ids(&admin, &format!("queue_id={sales}")).await, [running, talked]);
    assert_eq!(ids(&admin, &format!("agent_id={}", operator.id)).await, [talked]);
    assert_eq!(ids(&admin, &format!("queue_id={sales}&q=555&state=ended")).await, [talked]);

    let refused = problem(admin.get("/api/v1/calls?state=ended,talking").await).await;
    assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&400.into(), &"state".into()));
}

#[tokio::test]
async fn pages_follow_one_another_without_a_hole_or_a_double_while_calls_come_in() {
    let app = App::start().await;
    let admin = app.admin().await;
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(make_call(&app, Made { answered: false, end_reason: Some("no_answer"), ..Made::default() }).await);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get_json(&format!("/api/v1/calls?missed=true&q=5551234&limit=3&cursor={cursor}")).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()));
        // One that comes in between is newer than all that is still to come.
        make_call(&app, Made { answered: false, end_reason: Some("no_answer"), ..Made::default() }).await;
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    made.reverse();
    assert_eq!(seen, made.iter().map(ToString::to_string).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_operator_sees_the_own_and_the_queues_calls_only() {
    let app = App::start().await;
    let (operator, other) = (app.operator().await, app.sign_in("operator2@demo.test").await);
    let sales = queue(&operator, "sales").await;
    let own = make_call(&app, Made { agent: Some(operator.id), ..Made::default() }).await;
    let of_queue = make_call(&app, Made { queue: Some(sales), ..Made::default() }).await;
    let asked = make_call(&app, Made { answered: false, ..Made::default() }).await;
    let nobodys = make_call(&app, Made::default()).await;
    let mut owner = app.owner().await;
    sqlx::query(
        "INSERT INTO call_legs (tenant_id, call_id, id, kind, agent_id, started_at) VALUES ($1, $2, 'tl-x', 'agent', $3, now())",
    )
    .bind(app.tenant)
    .bind(asked)
    .bind(operator.id)
    .execute(&mut owner)
    .await
    .unwrap();

    assert_eq!(ids(&operator, "").await, [asked, of_queue, own]);
    assert_eq!(ids(&other, "").await, [of_queue]);
    // A search brings no more than a list.
    assert_eq!(ids(&operator, "q=5551234567").await, [asked, of_queue, own]);
    assert_eq!(ids(&other, "q=555").await, [of_queue]);
    assert_eq!(ids(&app.admin().await, "").await, [nobodys, asked, of_queue, own]);
}

#[tokio::test]
async fn a_calls_timeline_holds_its_and_its_recordings_events_that_one_may_see() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let recording = make_recording(&app, operator.id, None).await;
    let mut owner = app.owner().await;
    let call: CallId = sqlx::query_scalar("UPDATE calls SET recording_id = $1 RETURNING id")
        .bind(recording)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    let event = |kind, subject, scope| NewEvent::new(kind, subject, json!({})).scopes([scope]);
    let (mine, colleague) = (Scope::Agent(AgentId::from(operator.id)), Scope::Agent(AgentId::new()));
    let events = vec![
        event(Kind::from_static("call.started"), Ref::call(call), mine),
        event(Kind::from_static("call.started"), Ref::call(CallId::new()), mine),
        event(Kind::from_static("call.offered"), Ref::call(call), colleague),
        event(Kind::from_static("recording.ready"), Ref::recording(recording), mine),
    ];
    // Much may happen between two events of a call: more than is looked at in one step.
    let mut events = events.into_iter();
    app.state.journal.append(app.tenant, events.by_ref().take(3).collect()).await.unwrap();
    for _ in 0..7 {
        let others = (0..500).map(|_| event(Kind::from_static("call.ended"), Ref::call(CallId::new()), mine)).collect();
        app.state.journal.append(app.tenant, others).await.unwrap();
    }
    app.state.journal.append(app.tenant, events.collect()).await.unwrap();

    let path = format!("/api/v1/calls/{call}/events");
    let kinds = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    };
    let all = admin.get_json(&path).await;
    assert_eq!(kinds(&all), ["call.started", "call.offered", "recording.ready"]);
    assert_eq!((&all["items"][0]["seq"], &all["as_of_seq"]), (&1.into(), &3504.into()));
    assert_eq!(kinds(&operator.get_json(&path).await), ["call.started", "recording.ready"]);
    // The same bytes as in the journal's own pages.
    assert_eq!(all["items"][0], admin.get_json("/api/v1/events?limit=1").await["items"][0]);

    let stranger = app.sign_in("operator2@demo.test").await;
    assert_eq!(problem(stranger.get(&path).await).await["status"], 404);
    let (_, elsewhere) = app.other_tenant().await;
    assert_eq!(problem(elsewhere.get(&path).await).await["status"], 404);
    assert_eq!(ids(&elsewhere, "q=5551234567").await, []);
}

#[tokio::test]
async fn live_queues_tell_who_waits_and_what_the_members_do() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let (sales, support) = (queue(&admin, "sales").await, queue(&admin, "support").await);
    operator.set_state("available").await;
    let since: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().unwrap();
    let waiting = Made { state: "queued", queue: Some(sales), answered: false, end_reason: None, ..Made::default() };
    let second = make_call(&app, Made { started_at: since + TimeDelta::seconds(5), ..waiting.clone() }).await;
    let first = make_call(&app, Made { state: "ringing", ..waiting.clone() }).await;
    let active =
        Made { state: "active", queue: Some(support), agent: Some(operator.id), answered: true, ..waiting.clone() };
    make_call(&app, active).await;
    make_call(&app, Made { queue: Some(sales), ..Made::default() }).await;

    let live = admin.get_json("/api/v1/queues/live").await;
    let names: Vec<&Value> = live["items"].as_array().unwrap().iter().map(|queue| &queue["queue_id"]).collect();
    assert_eq!(names, [&json!(sales), &json!(support)], "by name");
    let expected = json!([
        { "call_id": first, "from": "+15551234567", "state": "ringing", "since": "2026-11-20T10:00:00Z", "priority": 0 },
        { "call_id": second, "from": "+15551234567", "state": "queued", "since": "2026-11-20T10:00:05Z", "priority": 0 },
    ]);
    assert_eq!(live["items"][0]["waiting"], expected);
    assert_eq!((&live["items"][0]["ringing"], &live["items"][0]["active"]), (&1.into(), &0.into()));
    assert_eq!(live["items"][0]["longest_waiting_since"], "2026-11-20T10:00:00Z");
    // One talks (in the other queue), the other is not at work.
    let agents = json!({ "on_call": 1, "ringing": 0, "available": 0, "unreachable": 0, "paused": 0, "offline": 1 });
    assert_eq!(live["items"][0]["agents"], agents);
    // The agent's state, and what call control says that they do when it comes to it.
    assert!((1..=2).contains(&live["as_of_seq"].as_i64().unwrap()), "{}", live["as_of_seq"]);

    let one = admin.get_json(&format!("/api/v1/queues/{support}/live")).await;
    assert_eq!((&one["queue_id"], &one["active"], &one["waiting"]), (&json!(support), &1.into(), &json!([])));
    assert_eq!(problem(admin.get(&format!("/api/v1/queues/{}/live", QueueId::new())).await).await["status"], 404);
}

#[tokio::test]
async fn who_is_no_member_of_a_queue_does_not_see_who_waits_there() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let (sales, support) = (queue(&admin, "sales").await, queue(&admin, "support").await);
    let mut owner = app.owner().await;
    sqlx::query("DELETE FROM queue_members WHERE queue_id = $1").bind(sales).execute(&mut owner).await.unwrap();
    let live = operator.get_json("/api/v1/queues/live").await;
    assert_eq!(live["items"].as_array().unwrap().len(), 1);
    assert_eq!(live["items"][0]["queue_id"], json!(support));
    let path = format!("/api/v1/queues/{sales}/live");
    assert_eq!(problem(operator.get(&path).await).await["status"], 404);
    assert_eq!(admin.get(&path).await.status(), StatusCode::OK);
    let (_, stranger) = app.other_tenant().await;
    assert_eq!(problem(stranger.get(&path).await).await["status"], 404);
    assert_eq!(stranger.get_json("/api/v1/queues/live").await["items"], json!([]));
}
