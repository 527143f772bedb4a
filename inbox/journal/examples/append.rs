//! How many durable appends a second go through the lanes, beside pgbench on the same cluster.
//!
//! `cargo run --release -p trunkline-journal --example append [SECONDS] [WRITERS] [TENANTS]`: every writer appends one event, waits
//! until it is committed, and appends the next. The peers are single-row inserts by 64 clients and UNNEST batches of 100 by 2, both into a
//! table of the same size of row. Runs are interleaved and repeated.

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trunkline_db::{CallId, Db, PoolOptions, TenantId, bootstrap, migrate};
use trunkline_journal::{Journal, JournalConfig, Kind, NewEvent, Ref};
use trunkline_stack::{Postgres, PostgresOptions};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const ROUNDS: usize = 3;
const PEER_TABLE: &str = "CREATE TABLE peer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source uuid NOT NULL, ext_id bigint NOT NULL,
    at timestamptz NOT NULL, body jsonb NOT NULL, UNIQUE (source, ext_id)); CREATE SEQUENCE peer_ext;";
const SINGLE: &str = "INSERT INTO peer (source, ext_id, at, body) VALUES
    ('00000000-0000-0000-0000-000000000001', nextval('peer_ext'), now(), jsonb_build_object('n', :client_id::int, 'text', repeat('x', 150)));";
const UNNEST: &str = "INSERT INTO peer (source, ext_id, at, body)
    SELECT s, e, now(), b::jsonb FROM unnest(
        array_fill('00000000-0000-0000-0000-000000000001'::uuid, ARRAY[100]),
        (SELECT array_agg(nextval('peer_ext')) FROM generate_series(1, 100)),
        array_fill('{\"n\": 1, \"text\": \"' || repeat('x', 150) || '\"}', ARRAY[100])) AS t (s, e, b);";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1).map(|word| word.parse::<usize>());
    let seconds = arguments.next().transpose()?.unwrap_or(5);
    let writers = arguments.next().transpose()?.unwrap_or(512);
    let tenants = arguments.next().transpose()?.unwrap_or(16);

    let dir = tempfile::tempdir()?;
    let options = PostgresOptions { durable: true, max_connections: 200, ..PostgresOptions::default() };
    let postgres = Postgres::start_with(dir.path(), options).await?;
    bootstrap::run(&postgres.superuser_url("postgres"), "trunkline", "bench", "bench").await?;
    migrate(&postgres.url("trunkline_owner", "bench", "trunkline")).await?;
    postgres.psql("trunkline", PEER_TABLE)?;
    let db = Db::connect(&postgres.url("trunkline", "bench", "trunkline"), PoolOptions::default()).await?;
    let mut ids = Vec::new();
    for n in 0..tenants {
        ids.push(make_tenant(&db, n).await?);
    }

    println!("{writers} writers, {tenants} tenants, {seconds} s each; rows/s");
    for round in 1..=ROUNDS {
        let ours = lanes(&db, &ids, writers, Duration::from_secs(seconds as u64)).await?;
        let single = pgbench(&postgres, dir.path(), SINGLE, 64, seconds)?;
        let unnest = pgbench(&postgres, dir.path(), UNNEST, 2, seconds)? * 100.0;
        println!(
            "round {round}: lanes {ours:.0}  single-row x64 {single:.0} ({:.1}x)  unnest-100 x2 {unnest:.0} ({:.2}x)",
            ours / single,
            ours / unnest
        );
    }
    Ok(())
}

async fn make_tenant(db: &Db, n: usize) -> Result<TenantId, Failure> {
    let tenant = TenantId::new();
    let mut tx = db.system().await?;
    sqlx::query("INSERT INTO tenants (id, slug, name) VALUES ($1, $2, 'Bench')")
        .bind(tenant)
        .bind(format!("bench-{n}"))
        .execute(tx.conn())
        .await?;
    tx.commit().await?;
    Ok(tenant)
}

/// Appends through the lanes; returns events per second.
async fn lanes(db: &Db, tenants: &[TenantId], writers: usize, span: Duration) -> Result<f64, Failure> {
    let cancel = CancellationToken::new();
    let journal = Journal::start(db.clone(), JournalConfig::default(), cancel.clone()).await?;
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let (journal, tenant) = (journal.clone(), tenants[writer % tenants.len()]);
        tasks.spawn(async move {
            while started.elapsed() < span {
                let data = json!({"n": writer, "text": "x".repeat(150)});
                let event = NewEvent::new(Kind::from_static("bench.happened"), Ref::call(CallId::new()), data);
                journal.append(tenant, vec![event]).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let elapsed = started.elapsed().as_secs_f64();
    let stats = journal.stats();
    cancel.cancel();
    journal.stopped().await;
    println!("         {} events in {} transactions", stats.events, stats.batches);
    Ok(stats.events as f64 / elapsed)
}

/// Runs a statement with pgbench; returns transactions per second.
fn pgbench(
    postgres: &Postgres,
    dir: &std::path::Path,
    sql: &str,
    clients: usize,
    seconds: usize,
) -> Result<f64, Failure> {
    let script = dir.join("script.sql");
    std::fs::write(&script, sql.replace('\n', " "))?;
    let output = Command::new("/usr/lib/postgresql/15/bin/pgbench")
        .args(["-n", "-M", "prepared", "-j", "2", "-c", &clients.to_string(), "-T", &seconds.to_string(), "-f"])
        .arg(&script)
        .arg(postgres.superuser_url("trunkline"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok()).ok_or_else(|| {
        let error = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("said nothing").to_owned();
        error.into()
    })
}
