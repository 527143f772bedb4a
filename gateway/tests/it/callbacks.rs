//! The worklist of calls to return: who comes on it, who leaves it, who may do what.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline::callbacks::{self, Step};
use trunkline_db::{CallId, QueueId};
use trunkline_journal::{Kind, NewEvent, Ref};
use uuid::Uuid;

use crate::calls::queue;
use crate::support::{App, User, problem};

const ADA: &str = "+14155550107";
const OTTO: &str = "+14155550108";

/// What calls do, as call control writes it: the row and its event.
struct Desk {
    app: App,
    admin: User,
    operator: User,
    sales: QueueId,
}

impl Desk {
    async fn new() -> Self {
        let app = App::start().await;
        let (admin, operator) = (app.admin().await, app.operator().await);
        let sales = queue(&admin, "sales").await;
        Self { app, admin, operator, sales }
    }

    async fn tell(&self, kind: &str, call: CallId) {
        let event = NewEvent::new(kind.parse::<Kind>().unwrap(), Ref::call(call), json!({}));
        self.app.state.journal.append(self.app.tenant, vec![event]).await.unwrap();
    }

    /// A call of which all is known: when it began, whether it waited, was answered, and how and after how many seconds it ended.
    async fn call(&self, call: &Told) -> CallId {
        let id = CallId::new();
        let (from, to) =
            if call.direction == "inbound" { (call.theirs, "+14155550100") } else { ("+14155550100", call.theirs) };
        let began = minute(call.minute);
        let ended = began + TimeDelta::seconds(call.seconds);
        let answered = call.answered.then(|| began + TimeDelta::seconds(1));
        let mut owner = self.app.owner().await;
        sqlx::query(
            "INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, queue_id, agent_id, started_at, queued_at, answered_at,
                 ended_at, end_reason)
             VALUES ($1, $2, $3, $4, $5, 'ended', $6, $7, $8, $8, $9, $10, $11)",
        )
        .bind(self.app.tenant)
        .bind(id)
        .bind(call.direction)
        .bind(from)
        .bind(to)
        .bind(self.sales)
        .bind(call.answered.then_some(self.operator.id))
        .bind(began)
        .bind(answered)
        .bind(ended)
        .bind(call.reason)
        .execute(&mut owner)
        .await
        .unwrap();
        if call.direction == "outbound" && call.dialled {
            sqlx::query(
                "INSERT INTO call_legs (tenant_id, call_id, id, kind, started_at) VALUES ($1, $2, $3, 'customer', $4)",
            )
            .bind(self.app.tenant)
            .bind(id)
            .bind(format!("leg-{id}"))
            .bind(began)
            .execute(&mut owner)
            .await
            .unwrap();
        }
        if call.answered {
            self.tell("call.answered", id).await;
        }
        self.tell("call.ended", id).await;
        id
    }

    async fn missed(&self, theirs: &'static str, at: i64) -> CallId {
        self.call(&Told { theirs, minute: at, ..Told::default() }).await
    }

    async fn keep(&self) -> Vec<&'static str> {
        let mut all = Vec::new();
        loop {
            match callbacks::step(&self.app.state.db, &self.app.state.journal, self.app.tenant, 500).await.unwrap() {
                Step::Done(_, told) => all.extend(told),
                Step::Level => return all,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn rows(&self, query: &str) -> Vec<Value> {
        list(&self.admin, query).await
    }

    async fn only(&self) -> Value {
        let mut rows = self.rows("").await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }
}

async fn list(user: &User, query: &str) -> Vec<Value> {
    user.get_json(&format!("/api/v1/callbacks?{query}")).await["items"].as_array().unwrap().clone()
}

#[derive(Debug, Clone)]
struct Told {
    direction: &'static str,
    theirs: &'static str,
    minute: i64,
    seconds: i64,
    answered: bool,
    dialled: bool,
    reason: &'static str,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            direction: "inbound",
            theirs: ADA,
            minute: 0,
            seconds: 40,
            answered: false,
            dialled: true,
            reason: "abandoned_queue",
        }
    }
}

fn minute(minute: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::hours(1) + TimeDelta::minutes(minute)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_not_to_be_served_is_on_the_list_and_no_other() {
    let desk = Desk::new().await;
    for (reason, seconds, why) in [
        ("abandoned_queue", 40, Some("abandoned")),
        ("abandoned_queue", 2, None),
        ("abandoned_ivr", 20, Some("abandoned")),
        ("abandoned_ivr", 2, None),
        ("no_answer", 40, Some("missed")),
        ("overflow", 1, Some("missed")),
        ("out_of_hours", 1, Some("missed")),
        ("blocked", 40, None),
        ("invalid_number", 40, None),
        ("failed", 40, None),
    ] {
        let theirs: &'static str =
            Box::leak(format!("+1415555{:04}", desk.rows("").await.len() + 200).into_boxed_str());
        desk.call(&Told { theirs, seconds, reason, ..Told::default() }).await;
        desk.keep().await;
        let rows: Vec<Value> = desk.rows("").await.into_iter().filter(|row| row["number"] == theirs).collect();
        assert_eq!(rows.first().map(|row| row["why"].as_str().unwrap()), why, "{reason} after {seconds} s");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_says_how_soon_hanging_up_does_not_count() {
    let desk = Desk::new().await;
    sqlx::query("UPDATE queues SET routing = routing || '{\"short_abandon_seconds\": 60}' WHERE id = $1")
        .bind(desk.sales)
        .execute(&mut desk.app.owner().await)
        .await
        .unwrap();
    desk.missed(ADA, 0).await;
    desk.keep().await;
    assert!(desk.rows("").await.is_empty());
    desk.call(&Told { seconds: 61, ..Told::default() }).await;
    desk.keep().await;
    assert_eq!(desk.only().await["why"], "abandoned");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_calls_again_stands_on_the_list_once() {
    let desk = Desk::new().await;
    let first = desk.missed(ADA, 0).await;
    desk.missed(OTTO, 1).await;
    desk.missed(ADA, 2).await;
    assert_eq!(desk.keep().await.len(), 3);
    // Told twice, it counts once.
    desk.tell("call.ended", first).await;
    assert!(desk.keep().await.is_empty());
    let rows = desk.rows("state=open").await;
    let ada = rows.iter().find(|row| row["number"] == ADA).unwrap();
    assert_eq!((rows.len(), &ada["calls"], &ada["call_id"]), (2, &json!(2), &json!(first)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hides_their_number_is_not_on_the_list() {
    let desk = Desk::new().await;
    desk.missed("anonymous", 0).await;
    desk.keep().await;
    assert!(desk.rows("").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn talking_with_them_is_what_takes_them_off_whoever_called() {
    let desk = Desk::new().await;
    for direction in ["outbound", "inbound"] {
        desk.missed(ADA, 0).await;
        let talk = Told { direction, minute: 5, answered: true, reason: "completed_agent", ..Told::default() };
        let talk = desk.call(&talk).await;
        let told = desk.keep().await;
        assert_eq!(told, ["callback.requested", "callback.done"], "{direction}");
        let row = desk.rows("state=done").await.remove(0);
        assert_eq!((&row["state"], &row["last_call_id"]), (&json!("done"), &json!(talk)));
        assert_eq!(row["ended_by"], json!(desk.operator.id));
        assert!(desk.rows("state=open").await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_talk_from_before_they_called_in_vain_settles_nothing() {
    let desk = Desk::new().await;
    desk.missed(ADA, 5).await;
    desk.keep().await;
    desk.call(&Told { minute: 1, answered: true, seconds: 600, reason: "completed_customer", ..Told::default() }).await;
    desk.keep().await;
    assert_eq!(desk.only().await["state"], "open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_in_vain_end_it_and_a_phone_that_was_not_picked_up_is_none() {
    let desk = Desk::new().await;
    desk.missed(ADA, 0).await;
    let attempt = |minute| Told { direction: "outbound", minute, reason: "no_answer", ..Told::default() };
    desk.call(&Told { dialled: false, ..attempt(1) }).await;
    desk.keep().await;
    assert_eq!(desk.only().await["attempts"], 0);
    for minute in 2..4 {
        desk.call(&attempt(minute)).await;
    }
    assert_eq!(desk.keep().await, ["callback.attempted", "callback.attempted"]);
    let row = desk.only().await;
    assert_eq!((&row["state"], &row["attempts"]), (&json!("open"), &json!(2)));
    let last = desk.call(&attempt(4)).await;
    assert_eq!(desk.keep().await, ["callback.unreached"]);
    let row = desk.only().await;
    assert_eq!((&row["state"], &row["attempts"], &row["last_call_id"]), (&json!("unreached"), &json!(3), &json!(last)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_has_it_and_the_others_are_told_who() {
    let desk = Desk::new().await;
    desk.missed(ADA, 0).await;
    desk.keep().await;
    let id = desk.only().await["id"].as_str().unwrap().to_owned();
    let act =
        async |user: &User, what: &str, body: Value| user.post(&format!("/api/v1/callbacks/{id}/{what}"), &body).await;
    let taken: Value = act(&desk.operator, "take", json!({})).await.json().await.unwrap();
    assert_eq!(taken["taken_by"], json!(desk.operator.id));
    assert_eq!(act(&desk.operator, "take", json!({})).await.status(), StatusCode::OK);
    let refused = problem(act(&desk.admin, "take", json!({})).await).await;
    assert_eq!((&refused["status"], &refused["code"]), (&json!(409), &json!("taken")));
    let name = taken["taken_by_name"].as_str().unwrap();
    assert!(refused["detail"].as_str().unwrap().contains(name), "{refused}");
    assert_eq!(list(&desk.operator, "mine=true").await.len(), 1);
    assert!(desk.rows("mine=true").await.is_empty());

    // Who sees all may put back what is another's.
    assert_eq!(act(&desk.admin, "release", json!({})).await.status(), StatusCode::OK);
    assert_eq!(act(&desk.admin, "take", json!({})).await.status(), StatusCode::OK);
    assert_eq!(problem(act(&desk.operator, "release", json!({})).await).await["code"], "taken");
    assert_eq!(problem(act(&desk.operator, "close", json!({})).await).await["code"], "taken");

    let closed: Value = act(&desk.admin, "close", json!({ "note": "wrote a letter" })).await.json().await.unwrap();
    assert_eq!((&closed["state"], &closed["note"]), (&json!("closed"), &json!("wrote a letter")));
    assert_eq!(problem(act(&desk.admin, "take", json!({})).await).await["code"], "not-open");
    let again: Value = act(&desk.admin, "reopen", json!({})).await.json().await.unwrap();
    assert_eq!((&again["state"], &again["ended_at"]), (&json!("open"), &Value::Null));
    assert_eq!(problem(act(&desk.admin, "reopen", json!({})).await).await["code"], "is-open");
    let long = problem(act(&desk.admin, "close", json!({ "note": "x".repeat(501) })).await).await;
    assert_eq!(long["status"], 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_is_not_opened_beside_another_of_its_number() {
    let desk = Desk::new().await;
    desk.missed(ADA, 0).await;
    desk.keep().await;
    let id = desk.only().await["id"].as_str().unwrap().to_owned();
    desk.admin.post(&format!("/api/v1/callbacks/{id}/close"), &json!({})).await;
    desk.missed(ADA, 3).await;
    desk.keep().await;
    let refused = problem(desk.admin.post(&format!("/api/v1/callbacks/{id}/reopen"), &json!({})).await).await;
    assert_eq!(refused["code"], "is-open");
    let counts = desk.admin.get_json("/api/v1/callbacks/counts").await;
    assert_eq!(counts, json!({ "open": 1, "mine": 0, "voicemails": 0 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_time_is_over_leaves_the_list() {
    let mut desk = Desk::new().await;
    desk.missed(ADA, 0).await;
    desk.keep().await;
    let until: DateTime<Utc> = desk.only().await["until"].as_str().unwrap().parse().unwrap();
    let days = until - Utc::now();
    assert!(days > TimeDelta::hours(70) && days < TimeDelta::hours(73), "{days}");
    sqlx::query("UPDATE callbacks SET until = now() - interval '1 second'")
        .execute(&mut desk.app.owner().await)
        .await
        .unwrap();
    let mut tx = desk.app.state.db.system().await.unwrap();
    trunkline_jobs::enqueue_system(&mut tx, trunkline_jobs::NewJob::new("system.sweep", Value::Null)).await.unwrap();
    tx.commit().await.unwrap();
    desk.app.work();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while desk.only().await["state"] != "unreached" {
        assert!(tokio::time::Instant::now() < deadline, "the sweep did not come");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_do_not_see_each_others_rows() {
    let desk = Desk::new().await;
    desk.missed(ADA, 0).await;
    desk.keep().await;
    let id = desk.only().await["id"].as_str().unwrap().to_owned();
    let (_, stranger) = desk.app.other_tenant().await;
    assert!(list(&stranger, "").await.is_empty());
    assert_eq!(problem(stranger.get(&format!("/api/v1/callbacks/{id}")).await).await["status"], 404);
    for what in ["take", "release", "close", "reopen"] {
        let answer = stranger.request(Method::POST, &format!("/api/v1/callbacks/{id}/{what}")).json(&json!({}));
        assert_eq!(problem(answer.send().await.unwrap()).await["status"], 404, "{what}");
    }
}

/// One that is on the list, for those who need one.
pub(crate) async fn listed(app: &App, call: Uuid, queue: QueueId) -> Uuid {
    let id = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO callbacks (tenant_id, id, call_id, queue_id, number, why, at, last_in_at) VALUES ($1, $2, $3, $4, '+14155550199', 'missed', now(), now())",
    )
    .bind(app.tenant)
    .bind(id)
    .bind(call)
    .bind(queue)
    .execute(&mut app.owner().await)
    .await
    .unwrap();
    id
}
