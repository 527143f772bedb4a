//! `journal_append`: durable appends through the journal's lanes beside rows that SQL alone inserts on the same cluster.
//!
//! Every writer of ours appends one event, waits until it is committed, and appends the next.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trunkline::provision;
use trunkline_db::{CallId, Db, PoolOptions, TenantId};
use trunkline_journal::{Journal, JournalConfig, Kind, NewEvent, Ref};

use super::Plan;
use crate::database::Database;
use crate::machine::load;
use crate::part::{Folder, Part};
use crate::peers::pgbench;
use crate::results::{Better, Row};
use crate::stats::{median, significant};
use crate::usage::cpu_of_tree;

const GOAL_SINGLE: f64 = 4.0;
const GOAL_UNNEST: f64 = 0.5;
/// Commands that wait for their commit at any time.
const WRITERS: usize = 512;
const TENANTS: usize = 16;
const SINGLE_CLIENTS: usize = 64;
const UNNEST_CLIENTS: usize = 2;
const KIND: Kind = Kind::from_static("bench.happened");

/// Rows, and what they cost.
#[derive(Debug, Clone, Copy)]
struct Inserted {
    rows: f64,
    seconds: f64,
    client: Duration,
    server: Duration,
}

impl Inserted {
    fn per_second(&self) -> f64 {
        self.rows / self.seconds
    }

    fn micros_per_row(&self) -> f64 {
        (self.client + self.server).as_secs_f64() * 1e6 / self.rows
    }

    fn said(&self) -> String {
        let per_row = |cpu: Duration| significant(cpu.as_secs_f64() * 1e6 / self.rows, 3);
        format!(
            "{:.0} rows/s, CPU per row: client {} µs, PostgreSQL {} µs",
            self.per_second(),
            per_row(self.client),
            per_row(self.server)
        )
    }
}

pub(crate) async fn run(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut database = Database::start(&plan.folder).await?;
    database.psql(pgbench::TABLE)?;
    let mut loads = Vec::new();
    let (mut ours, mut single, mut unnest) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        loads.push(load());
        ours.push(lanes(&mut database, plan.span).await.context("the journal")?);
        single.push(peer(&mut database, pgbench::SINGLE_ROW, SINGLE_CLIENTS, 1.0, plan.span)?);
        unnest.push(peer(&mut database, pgbench::UNNEST_100, UNNEST_CLIENTS, 100.0, plan.span)?);
        database.psql("CHECKPOINT")?;
    }
    loads.push(load());

    let rate = |all: &[Inserted]| median(all.iter().map(Inserted::per_second));
    let cost = |all: &[Inserted]| median(all.iter().map(Inserted::micros_per_row));
    let version = format!("PostgreSQL {}, pgbench {}", database.version(), pgbench::version());
    let (single_name, unnest_name) = ("single-row INSERT, 64 clients", "UNNEST of 100, 2 clients");
    let mut rows_per_second =
        Row::new("journal_append", "durable rows per second", Better::Higher, rate(&ours), loads.clone())
            .peer(single_name, &version, rate(&single), Some(GOAL_SINGLE))
            .peer(unnest_name, &version, rate(&unnest), Some(GOAL_UNNEST))
            .note(format!("{WRITERS} writers of one event each, {TENANTS} tenants; client and server share all cores"));
    for (name, all) in [("trunkline", &ours), (single_name, &single), (unnest_name, &unnest)] {
        for inserted in all {
            rows_per_second = rows_per_second.note(format!("{name}: {}", inserted.said()));
        }
    }
    let cpu =
        Row::new("journal_append", "CPU-µs per durable row, client and server", Better::Lower, cost(&ours), loads)
            .peer(single_name, &version, cost(&single), None)
            .peer(unnest_name, &version, cost(&unnest), None);
    Ok(vec![rows_per_second, cpu])
}

fn peer(database: &mut Database, sql: &str, clients: usize, rows: f64, span: Duration) -> anyhow::Result<Inserted> {
    let pid = database.pid()?;
    let before = cpu_of_tree(pid)?;
    let ran = pgbench::run(&database.superuser_url(), database.dir(), sql, clients, span.as_secs().max(1))?;
    let server = cpu_of_tree(pid)?.saturating_sub(before);
    Ok(Inserted { rows: ran.tps * ran.seconds * rows, seconds: ran.seconds, client: ran.cpu, server })
}

/// What the part says.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    events: u64,
    seconds: f64,
    cpu_seconds: f64,
}

async fn lanes(database: &mut Database, span: Duration) -> anyhow::Result<Inserted> {
    let pid = database.pid()?;
    let before = cpu_of_tree(pid)?;
    let seconds = span.as_secs().max(1).to_string();
    let mut part = Part::start(&["append", "--database-url", &database.url(), "--seconds", &seconds])?;
    let done: Done = part.done(span + Duration::from_mins(1)).await?;
    let server = cpu_of_tree(pid)?.saturating_sub(before);
    Ok(Inserted {
        rows: done.events as f64,
        seconds: done.seconds,
        client: Duration::from_secs_f64(done.cpu_seconds),
        server,
    })
}

/// The part that appends: a process of its own, so that its CPU time can be told.
pub(crate) fn part(url: &str, seconds: u64, folder: &Folder) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let done = runtime.block_on(append(url, Duration::from_secs(seconds)))?;
    folder.say_done(&done)?;
    // Killed from outside, once that was read.
    loop {
        std::thread::park();
    }
}

async fn append(url: &str, span: Duration) -> anyhow::Result<Done> {
    let db = Db::connect(url, PoolOptions::default()).await?;
    let mut tenants: Vec<TenantId> = Vec::with_capacity(TENANTS);
    for number in 0..TENANTS {
        tenants.push(provision::create_tenant(&db, &format!("append-{number}"), "Bench").await?);
    }
    let cancel = CancellationToken::new();
    let journal = Journal::start(db, JournalConfig::default(), cancel.clone()).await?;
    let pid = std::process::id();
    let (before, started) = (cpu_of_tree(pid)?, Instant::now());
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (journal, tenant) = (journal.clone(), tenants[writer % TENANTS]);
        writers.spawn(async move {
            while started.elapsed() < span {
                let data = json!({ "n": writer, "text": "x".repeat(150) });
                let event = NewEvent::new(KIND, Ref::call(CallId::new()), data);
                journal.append(tenant, vec![event]).await.context("an append failed")?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let cpu = cpu_of_tree(pid)?.saturating_sub(before);
    let events = journal.stats().events;
    cancel.cancel();
    journal.stopped().await;
    Ok(Done { events, seconds, cpu_seconds: cpu.as_secs_f64() })
}
