//! Counting: each event once, whatever is killed; what cannot be counted put aside; and a recomputation that agrees to the millisecond.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use prometheus::Registry;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use trunkline::figures::{self, FigureMetrics, Step, Timing};
use trunkline_db::TenantId;
use trunkline_journal::{Kind, NewEvent, Ref};
use uuid::Uuid;

use crate::commands::{SECRET, trunkline, words};
use crate::support::App;

/// Random numbers that are the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// `FIGURES_SEED=…` plays another journal, or one that failed again.
fn seed() -> u64 {
    std::env::var("FIGURES_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_129)
}

fn id(what: u128, nth: u64) -> Uuid {
    Uuid::from_u128(what << 64 | u128::from(nth))
}

/// So many events of a busy day: calls that wait, are offered, missed, answered, held, handed on and ended, agents who come and go, events
/// that nobody counts, and a clock that is not always right.
fn journal(chance: &mut Chance, events: usize) -> Vec<NewEvent> {
    let mut at: DateTime<Utc> = "2026-10-24T20:00:00Z".parse().unwrap();
    let mut all = Vec::new();
    let (mut calls, mut next) = (Vec::new(), 0);
    while all.len() < events {
        at += TimeDelta::milliseconds(chance.below(20_000) as i64 - 200);
        if chance.below(400) == 0 {
            at += TimeDelta::hours(chance.below(60) as i64 - 30);
        }
        let (agent, queue) = (id(0xa, chance.below(6)), id(0xb, chance.below(4)));
        let mut push = |kind: &'static str, subject: (&'static str, Uuid), data: Value| {
            all.push(NewEvent::new(Kind::from_static(kind), Ref::new(subject.0, subject.1), data).at(at));
        };
        if calls.len() < 8 && chance.below(3) == 0 {
            let call = id(0xc, next);
            next += 1;
            calls.push(call);
            push("call.started", ("call", call), json!({ "direction": "inbound", "queue_id": queue }));
            push(
                "call.queued",
                ("call", call),
                json!({ "queue_id": queue, "service_level_s": 20, "short_abandon_s": 5 }),
            );
            continue;
        }
        if chance.below(5) == 0 || calls.is_empty() {
            if chance.below(2) == 0 {
                let activity = ["available", "on_contact", "wrap_up", "paused", "offline", "unreachable"];
                let activity = activity[chance.below(6) as usize];
                let data = json!({ "activity": activity });
                push("agent.activity_changed", ("agent", agent), data);
                continue;
            }
            let state = ["available", "paused", "offline"][chance.below(3) as usize];
            let reason = ["", "lunch", "déjeuner"][chance.below(3) as usize];
            let data = json!({ "state": state, "reason": reason });
            push("agent.state_changed", ("agent", agent), data);
            continue;
        }
        let nth = chance.below(calls.len() as u64) as usize;
        let call = calls[nth];
        let of = json!({ "agent_id": agent, "queue_id": queue });
        match chance.below(12) {
            0 | 1 => push("call.offered", ("call", call), of),
            2 => push("call.queued", ("call", call), json!({ "queue_id": queue, "passed_by": agent })),
            3 => push("call.missed_offer", ("call", call), of),
            4 => push("call.held", ("call", call), of),
            5 => push("call.resumed", ("call", call), of),
            6 => {
                let to = if chance.below(2) == 0 { json!({ "agent_id": agent }) } else { json!({ "queue_id": queue }) };
                push(
                    "call.transferred",
                    ("call", call),
                    json!({ "from_agent_id": id(0xa, chance.below(6)), "to": to }),
                );
            }
            7 | 8 => {
                calls.swap_remove(nth);
                let reason = ["abandoned_queue", "completed_customer", "overflow", "failed"][chance.below(4) as usize];
                push("call.ended", ("call", call), json!({ "end_reason": reason }));
            }
            _ => push("call.answered", ("call", call), of),
        }
    }
    all
}

async fn append(app: &App, tenant: TenantId, events: Vec<NewEvent>) {
    let mut events = events.into_iter();
    loop {
        let piece: Vec<NewEvent> = events.by_ref().take(200).collect();
        if piece.is_empty() {
            return;
        }
        app.state.journal.append(tenant, piece).await.unwrap();
    }
}

/// Counts what there is to be counted.
pub(crate) async fn count(app: &App, tenant: TenantId) {
    loop {
        match figures::step(&app.state.db, tenant, 500).await.unwrap() {
            Step::Counted(_) => {}
            Step::Level => return,
            other => panic!("{other:?}"),
        }
    }
}

async fn number(app: &App, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(&mut app.owner().await).await.unwrap()
}

/// A loop that looks without rest.
fn watch(app: &App, registry: &Registry) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let metrics = FigureMetrics::register(registry).unwrap();
    let soon = Duration::from_millis(2);
    let timing = Timing { gather: soon, poll: soon, rest: soon };
    let cancel = CancellationToken::new();
    let (db, journal) = (app.state.db.clone(), app.state.journal.clone());
    (cancel.clone(), tokio::spawn(figures::watch(db, journal, metrics, timing, cancel)))
}

async fn level(app: &App, cursor: i64) {
    let reached = async {
        while number(app, "SELECT coalesce(max(seq), 0) FROM journal_cursors").await < cursor {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reached).await.expect("the cursor comes to the journal's head");
}

/// Attempts are dropped wherever they are, their connections are cut, two loops run beside each other: in the end every event was counted
/// once, as if all had been counted in one go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_journal_is_counted_exactly_once_whatever_is_killed() {
    let app = App::start().await;
    let mut chance = Chance(seed());
    println!("FIGURES_SEED={}", seed());
    let events = journal(&mut chance, 3_000);
    let total = events.len();
    append(&app, app.tenant, events).await;
    let mut cut = 0;
    for _ in 0..60 {
        let (db, tenant, most) = (app.state.db.clone(), app.tenant, 1 + chance.below(40) as i64);
        let attempt = tokio::spawn(async move { figures::step(&db, tenant, most).await });
        tokio::time::sleep(Duration::from_micros(chance.below(6_000))).await;
        if chance.below(8) == 0 {
            sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%figure%'")
                .execute(&mut app.owner().await)
                .await
                .unwrap();
        }
        cut += usize::from(!attempt.is_finished());
        attempt.abort();
    }
    assert!(cut > 0, "some attempts are cut off");
    let ((stop, one), (halt, other)) = (watch(&app, &Registry::new()), watch(&app, &Registry::new()));
    level(&app, total as i64).await;
    stop.cancel();
    halt.cancel();
    one.await.unwrap();
    other.await.unwrap();

    let found = figures::rebuild(&app.state.db, app.tenant, true).await.unwrap();
    assert!(found.agrees(), "{:?}", found.wrong.first());
    assert_eq!((found.as_of_seq, found.parked), (total as i64, 0));
    assert!(found.cells > 100, "{}", found.cells);
    let offered = number(&app, "SELECT sum(offered)::bigint FROM call_figures").await;
    let outcomes =
        number(&app, "SELECT sum(answered + abandoned + overflowed + unserved)::bigint FROM call_figures").await;
    assert!(offered > 100 && outcomes <= offered && offered - outcomes <= 8, "{outcomes} of {offered}");
    // Whoever ended is forgotten: what is left are the running calls and the agents.
    assert!(number(&app, "SELECT count(*) FROM figure_memory").await <= 8 + 6);
}

#[tokio::test]
async fn a_check_finds_what_is_wrong_and_a_rebuild_puts_it_right() {
    let app = App::start().await;
    let events = journal(&mut Chance(seed() + 1), 600);
    let total = events.len() as i64;
    append(&app, app.tenant, events).await;
    count(&app, app.tenant).await;
    let database = app.state.config.database_url.expose().to_owned();
    let rebuild = |check: bool| {
        let environment = [
            ("TRUNKLINE_DATABASE_URL", database.as_str()),
            ("TRUNKLINE_SECRET_KEY", SECRET),
            ("TRUNKLINE_ARI_PASSWORD", "x"),
        ];
        let check: &[&str] = if check { &["--check"] } else { &[] };
        let output = trunkline(&[&["figures", "rebuild", "--tenant", "demo"], check].concat(), &environment);
        (output.status.code(), words(&output))
    };
    let (code, said) = rebuild(true);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("are right") && said.contains(&format!("event {total}")), "{said}");

    sqlx::query("UPDATE call_figures SET offered = offered + 1 WHERE ctid IN (SELECT ctid FROM call_figures WHERE offered > 0 LIMIT 2)")
        .execute(&mut app.owner().await)
        .await
        .unwrap();
    let (code, said) = rebuild(true);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("2 of ") && said.contains("are not right"), "{said}");
    let (code, said) = rebuild(false);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("were put right"), "{said}");
    assert_eq!(rebuild(true).0, Some(0));
    // And the loop goes on from there.
    append(&app, app.tenant, journal(&mut Chance(seed() + 2), 200)).await;
    count(&app, app.tenant).await;
    assert!(figures::rebuild(&app.state.db, app.tenant, true).await.unwrap().agrees());
    let output = trunkline(
        &["figures", "rebuild", "--tenant", "nobody"],
        &[
            ("TRUNKLINE_DATABASE_URL", database.as_str()),
            ("TRUNKLINE_SECRET_KEY", SECRET),
            ("TRUNKLINE_ARI_PASSWORD", "x"),
        ],
    );
    assert_eq!((output.status.code(), words(&output)), (Some(1), "trunkline: there is no tenant nobody\n".to_owned()));
}

#[tokio::test]
async fn an_event_that_cannot_be_counted_is_put_aside_with_its_subjects_later_ones() {
    let app = App::start().await;
    let (bad, good) = (id(0xc, 1), id(0xc, 2));
    let queue = id(0xb, 1);
    let poison = id(0xb, 666);
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'no such figure'; END $$;
         GRANT EXECUTE ON FUNCTION refuse TO trunkline_app;
         CREATE TRIGGER refuse BEFORE INSERT ON call_figures FOR EACH ROW WHEN (NEW.queue_id = '{poison}') EXECUTE FUNCTION refuse()"
    )))
    .execute(&mut app.owner().await)
    .await
    .unwrap();
    let event = |kind: &'static str, call: Uuid, data: Value| {
        NewEvent::new(Kind::from_static(kind), Ref::new("call", call), data)
    };
    let events = vec![
        event("call.queued", good, json!({ "queue_id": queue })),
        event("call.queued", bad, json!({ "queue_id": poison })),
        event("call.answered", good, json!({ "agent_id": id(0xa, 1), "queue_id": queue })),
        event("call.ended", bad, json!({ "end_reason": "abandoned_queue" })),
        event("call.ended", good, json!({ "end_reason": "completed_agent" })),
    ];
    append(&app, app.tenant, events).await;
    let registry = Registry::new();
    let (stop, watching) = watch(&app, &registry);
    level(&app, 5).await;
    // Once more around, so that the gauge has seen it.
    let text = || prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let told = async {
        while !text().contains("trunkline_figures_parked_events 2") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told).await.unwrap_or_else(|_| panic!("{}", text()));
    stop.cancel();
    watching.await.unwrap();
    assert!(text().contains("trunkline_figures_failures_total 6"), "once together, five times alone: {}", text());
    assert!(text().contains("trunkline_figures_behind_events 0"), "{}", text());
    assert_eq!(number(&app, "SELECT sum(seq)::bigint FROM journal_parked").await, 2 + 4);
    assert_eq!(number(&app, "SELECT sum(contacts)::bigint FROM call_figures").await, 1);
    let found = figures::rebuild(&app.state.db, app.tenant, true).await.unwrap();
    assert!(found.agrees() && found.parked == 2, "{found:?}");

    // Once mended, a rebuild counts them too.
    sqlx::query("DROP TRIGGER refuse ON call_figures").execute(&mut app.owner().await).await.unwrap();
    figures::rebuild(&app.state.db, app.tenant, false).await.unwrap();
    let found = figures::rebuild(&app.state.db, app.tenant, true).await.unwrap();
    assert!(found.agrees() && found.parked == 0, "{found:?}");
    assert_eq!(number(&app, "SELECT sum(abandoned)::bigint FROM call_figures").await, 1);
}

#[tokio::test]
async fn each_tenant_is_counted_by_itself() {
    let app = App::start().await;
    let (other, _) = app.other_tenant().await;
    append(&app, app.tenant, journal(&mut Chance(1), 200)).await;
    append(&app, other, journal(&mut Chance(1), 200)).await;
    count(&app, app.tenant).await;
    assert_eq!(number(&app, "SELECT count(DISTINCT tenant_id) FROM call_figures").await, 1);
    count(&app, other).await;
    assert_eq!(
        number(&app, "SELECT count(*) FROM (SELECT quarter, queue_id, agent_id FROM call_figures GROUP BY 1, 2, 3 HAVING count(*) <> 2) odd").await,
        0,
        "the same journal, the same figures, for each"
    );
}
