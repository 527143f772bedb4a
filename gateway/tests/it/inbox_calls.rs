//! Calls come into conversations: one line per call, whoever consumes and whatever is killed.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use trunkline::conversations::ThreadMetrics;
use trunkline::conversations::calls_consumer::{self, Step};
use trunkline::figures::Timing;
use trunkline::metrics::Metrics;
use trunkline_db::CallId;
use trunkline_journal::{Kind, NewEvent, Ref};
use uuid::Uuid;

use crate::support::App;

const ADA: &str = "+14155550107";

/// What calls do, as call control writes it: the row and its event.
struct Desk {
    app: App,
    agent: Uuid,
}

impl Desk {
    async fn new() -> Self {
        let app = App::start().await;
        let agent = sqlx::query_scalar("SELECT id FROM agents ORDER BY id LIMIT 1")
            .fetch_one(&mut app.owner().await)
            .await
            .unwrap();
        Self { app, agent }
    }

    async fn tell(&self, kind: &str, call: CallId) {
        let kind: Kind = kind.parse().unwrap();
        let event = if kind.as_str().starts_with("recording.") {
            NewEvent::new(kind, Ref::new("recording", Uuid::now_v7()), json!({ "call_id": call }))
        } else {
            NewEvent::new(kind, Ref::call(call), json!({}))
        };
        self.app.state.journal.append(self.app.tenant, vec![event]).await.unwrap();
    }

    async fn begin(&self, direction: &str, theirs: &str, minutes: i64) -> CallId {
        let id = CallId::new();
        let (from, to) = if direction == "outbound" { ("+14155550100", theirs) } else { (theirs, "+14155550100") };
        sqlx::query("INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, started_at) VALUES ($1, $2, $3, $4, $5, 'new', $6)")
            .bind(self.app.tenant)
            .bind(id)
            .bind(direction)
            .bind(from)
            .bind(to)
            .bind(minute(minutes))
            .execute(&mut self.app.owner().await)
            .await
            .unwrap();
        self.tell("call.started", id).await;
        id
    }

    async fn answer(&self, call: CallId, minutes: i64) {
        sqlx::query("UPDATE calls SET state = 'active', answered_at = $2, agent_id = $3 WHERE id = $1")
            .bind(call)
            .bind(minute(minutes))
            .bind(self.agent)
            .execute(&mut self.app.owner().await)
            .await
            .unwrap();
        self.tell("call.answered", call).await;
    }

    async fn end(&self, call: CallId, minutes: i64, reason: &str) {
        sqlx::query("UPDATE calls SET state = 'ended', ended_at = $2, end_reason = $3 WHERE id = $1")
            .bind(call)
            .bind(minute(minutes))
            .bind(reason)
            .execute(&mut self.app.owner().await)
            .await
            .unwrap();
        self.tell("call.ended", call).await;
    }

    async fn consume(&self) {
        loop {
            match calls_consumer::step(&self.app.state.db, &self.app.state.journal, self.app.tenant, 500).await.unwrap()
            {
                Step::Done(_) => {}
                Step::Level => return,
                other => panic!("{other:?}"),
            }
        }
    }

    async fn all(&self, sql: &'static str) -> Vec<Value> {
        let asked = sqlx::AssertSqlSafe(format!("SELECT to_jsonb(q) FROM ({sql}) AS q"));
        sqlx::query_scalar(asked).fetch_all(&mut self.app.owner().await).await.unwrap()
    }

    async fn one(&self, sql: &'static str) -> Value {
        let mut rows = self.all(sql).await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }
}

fn minute(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap() + TimeDelta::minutes(minute)
}

const CONVERSATION: &str =
    "SELECT state, agent_id, call_id, waiting_since IS NOT NULL AS waits, messages FROM conversations";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answered_call_is_a_line_that_grows_and_is_done_at_its_end() {
    let desk = Desk::new().await;
    let call = desk.begin("inbound", ADA, 1).await;
    desk.consume().await;
    assert_eq!(
        desk.one(CONVERSATION).await,
        json!({"state": "open", "agent_id": null, "call_id": call, "waits": false, "messages": 1})
    );
    let who = desk.one("SELECT i.type, i.value, i.evidence->>'call_id' AS call FROM calls c JOIN contact_identities i ON i.contact_id = c.contact_id").await;
    assert_eq!(who, json!({"type": "phone", "value": ADA, "call": call}));
    desk.answer(call, 2).await;
    desk.consume().await;
    assert_eq!(desk.one(CONVERSATION).await["agent_id"], json!(desk.agent));
    desk.end(call, 5, "completed_customer").await;
    desk.consume().await;
    assert_eq!(
        desk.one(CONVERSATION).await,
        json!({"state": "resolved", "agent_id": desk.agent, "call_id": null, "waits": false, "messages": 1})
    );
    let line = desk.one("SELECT content, direction, call_id FROM messages WHERE kind = 'call'").await;
    assert_eq!(line["content"]["duration_ms"], 240_000);
    assert_eq!(line["content"]["end_reason"], "completed_customer");
    let told = desk.all("SELECT kind FROM events WHERE kind NOT LIKE 'call.%' ORDER BY seq").await;
    let told: Vec<&str> = told.iter().map(|row| row["kind"].as_str().unwrap()).collect();
    for kind in [
        "contact.created",
        "conversation.opened",
        "message.received",
        "conversation.assigned",
        "message.edited",
        "conversation.resolved",
    ] {
        assert!(told.contains(&kind), "{kind} in {told:?}");
    }
    // What comes again says nothing new.
    let before = told.len();
    desk.tell("call.ended", call).await;
    desk.consume().await;
    let after = desk.all("SELECT kind FROM events WHERE kind NOT LIKE 'call.%'").await;
    assert_eq!(after.len(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_call_waits_until_somebody_calls_back() {
    let desk = Desk::new().await;
    let missed = desk.begin("inbound", ADA, 1).await;
    desk.end(missed, 2, "abandoned_queue").await;
    desk.consume().await;
    assert_eq!(
        desk.one(CONVERSATION).await,
        json!({"state": "open", "agent_id": null, "call_id": null, "waits": true, "messages": 1})
    );
    let unanswered = desk.begin("outbound", ADA, 3).await;
    desk.end(unanswered, 4, "no_answer").await;
    desk.consume().await;
    assert_eq!(desk.one(CONVERSATION).await["waits"], true);
    assert_eq!(desk.one(CONVERSATION).await["state"], "open");
    let back = desk.begin("outbound", ADA, 5).await;
    desk.answer(back, 6).await;
    desk.end(back, 7, "completed_agent").await;
    desk.consume().await;
    assert_eq!(
        desk.one(CONVERSATION).await,
        json!({"state": "resolved", "agent_id": desk.agent, "call_id": null, "waits": false, "messages": 3})
    );
    // And the next goes on where they were.
    desk.begin("inbound", ADA, 8).await;
    desk.consume().await;
    assert_eq!(desk.one(CONVERSATION).await["state"], "open");
    let week = desk.begin("inbound", ADA, 60 * 24 * 7).await;
    desk.end(week, 60 * 24 * 7 + 1, "no_answer").await;
    desk.consume().await;
    assert_eq!(desk.all("SELECT 1 FROM conversations").await.len(), 1, "one goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_set_stays() {
    let desk = Desk::new().await;
    let call = desk.begin("inbound", ADA, 1).await;
    desk.answer(call, 2).await;
    desk.consume().await;
    sqlx::query("UPDATE conversations SET state = 'pending'").execute(&mut desk.app.owner().await).await.unwrap();
    desk.end(call, 3, "completed_agent").await;
    desk.consume().await;
    assert_eq!(desk.one(CONVERSATION).await["state"], "pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hides_is_nobody_we_know_and_colleagues_are_none_of_it() {
    let desk = Desk::new().await;
    for minutes in 1..=2 {
        let call = desk.begin("inbound", "anonymous", minutes).await;
        desk.end(call, minutes + 1, "no_answer").await;
    }
    let internal = desk.begin("internal", "600", 5).await;
    desk.end(internal, 6, "completed_agent").await;
    desk.consume().await;
    let names =
        desk.all("SELECT k.display_name, c.state FROM conversations c JOIN contacts k ON k.id = c.contact_id").await;
    assert_eq!(names, vec![json!({"display_name": "Anonymous", "state": "open"}); 2]);
    assert!(desk.all("SELECT 1 FROM contact_identities").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_blocked_are_kept_and_wake_nobody() {
    let desk = Desk::new().await;
    let call = desk.begin("inbound", ADA, 1).await;
    desk.end(call, 2, "no_answer").await;
    desk.consume().await;
    sqlx::query("UPDATE contacts SET blocked_at = now()").execute(&mut desk.app.owner().await).await.unwrap();
    sqlx::query(
        "UPDATE conversations SET state = 'resolved', resolved_at = last_at, waiting_since = NULL, spam = true",
    )
    .execute(&mut desk.app.owner().await)
    .await
    .unwrap();
    let call = desk.begin("inbound", ADA, 60 * 24 * 30).await;
    desk.end(call, 60 * 24 * 30 + 1, "blocked").await;
    desk.consume().await;
    assert_eq!(
        desk.one(CONVERSATION).await,
        json!({"state": "resolved", "agent_id": null, "call_id": null, "waits": false, "messages": 2})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_cannot_be_applied_is_put_aside_and_the_others_go_on() {
    let desk = Desk::new().await;
    sqlx::raw_sql(
        "CREATE FUNCTION no_line() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
         CREATE TRIGGER no_line BEFORE INSERT ON messages FOR EACH ROW WHEN (NEW.content->>'from' = '+14155550666') EXECUTE FUNCTION no_line()",
    )
    .execute(&mut desk.app.owner().await)
    .await
    .unwrap();
    let bad = desk.begin("inbound", "+14155550666", 1).await;
    let good = desk.begin("inbound", ADA, 2).await;
    desk.end(bad, 3, "no_answer").await;
    desk.end(good, 4, "no_answer").await;
    let soon = Duration::from_millis(2);
    let timing = Timing { gather: soon, poll: soon, rest: soon };
    let cancel = CancellationToken::new();
    let (db, journal) = (desk.app.state.db.clone(), desk.app.state.journal.clone());
    let metrics = ThreadMetrics::register(Metrics::new().registry()).unwrap();
    // Two at it, as two nodes are.
    let loops: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn(calls_consumer::watch(db.clone(), journal.clone(), metrics.clone(), timing, cancel.clone()))
        })
        .collect();
    let level = async {
        loop {
            let behind = desk.one("SELECT h.seq - coalesce((SELECT c.seq FROM inbox_cursors c), 0) AS behind FROM journal_heads h WHERE h.seq > 0").await;
            if behind["behind"] == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), level).await.expect("the cursor comes to the journal's head");
    cancel.cancel();
    for one in loops {
        one.await.unwrap();
    }
    let parked = desk.all("SELECT DISTINCT subject_id AS call FROM journal_parked WHERE consumer = 'inbox'").await;
    assert_eq!(parked, [json!({ "call": bad })]);
    assert_eq!(desk.all("SELECT 1 FROM journal_parked WHERE consumer = 'inbox'").await.len(), 2);
    assert_eq!(desk.one("SELECT count(*) AS n FROM messages WHERE kind = 'call'").await["n"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_are_one_line_each_whatever_is_killed() {
    let desk = Desk::new().await;
    for n in 0..60 {
        let call = desk.begin("inbound", &format!("+1415555{:04}", 200 + n % 7), n).await;
        if n % 2 == 0 {
            desk.answer(call, n + 1).await;
        }
        desk.end(call, n + 2, if n % 2 == 0 { "completed_agent" } else { "abandoned_queue" }).await;
    }
    for n in 0..30_u64 {
        let (db, journal, tenant) = (desk.app.state.db.clone(), desk.app.state.journal.clone(), desk.app.tenant);
        let attempt =
            tokio::spawn(async move { calls_consumer::step(&db, &journal, tenant, 1 + (n as i64 * 7) % 20).await });
        tokio::time::sleep(Duration::from_micros(n * 211 % 5_000)).await;
        attempt.abort();
    }
    desk.consume().await;
    assert_eq!(
        desk.one("SELECT count(*) AS n, count(DISTINCT call_id) AS calls FROM messages WHERE kind = 'call'").await,
        json!({"n": 60, "calls": 60})
    );
    assert_eq!(desk.one("SELECT count(*) AS n FROM conversations").await["n"], 7);
    assert_eq!(desk.one("SELECT count(*) AS n FROM contacts").await["n"], 7);
    let torn = desk.all("SELECT 1 FROM conversations c WHERE c.messages <> (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id AND m.kind = 'call') OR c.call_id IS NOT NULL").await;
    assert!(torn.is_empty(), "{torn:?}");
}
