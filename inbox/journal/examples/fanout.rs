//! What the hub itself costs per delivery, without sockets: appends go through the lanes and wake ten readers each.
//!
//! `cargo run --release -p trunkline-journal --example fanout [SECONDS] [TENANTS] [READERS]`

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trunkline_db::{CallId, Db, PoolOptions, TenantId, bootstrap, migrate};
use trunkline_journal::{
    Filter, Item, Journal, JournalConfig, Kind, NewEvent, Ref, Scope, Start, Subscription, Viewer,
};
use trunkline_stack::Postgres;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1).map(|word| word.parse::<usize>());
    let seconds = arguments.next().transpose()?.unwrap_or(5);
    let tenants = arguments.next().transpose()?.unwrap_or(200);
    let readers = arguments.next().transpose()?.unwrap_or(10);

    let dir = tempfile::tempdir()?;
    let postgres = Postgres::start(dir.path()).await?;
    bootstrap::run(&postgres.superuser_url("postgres"), "trunkline", "bench", "bench").await?;
    migrate(&postgres.url("trunkline_owner", "bench", "trunkline")).await?;
    let db = Db::connect(&postgres.url("trunkline", "bench", "trunkline"), PoolOptions::default()).await?;
    let cancel = CancellationToken::new();
    let journal = Journal::start(db.clone(), JournalConfig::default(), cancel.clone()).await?;

    let before = resident_kib()?;
    let delivered = Arc::new(AtomicU64::new(0));
    let mut ids = Vec::new();
    let mut tasks = JoinSet::new();
    for n in 0..tenants {
        let tenant = make_tenant(&db, n).await?;
        ids.push(tenant);
        for _ in 0..readers {
            let filter = Filter::of(Viewer::member([Scope::Tenant]));
            let subscription = journal.hub().subscribe(tenant, Start::live(), filter).await?;
            tasks.spawn(read(subscription, delivered.clone()));
        }
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let idle = (resident_kib()? - before) as f64 / (tenants * readers) as f64;
    println!("{idle:.2} KiB per idle reader, of which its subscription {} bytes", size_of::<Subscription>());

    for (name, with_readers) in [("appends and deliveries", true), ("appends alone", false)] {
        if !with_readers {
            tasks.shutdown().await;
        }
        delivered.store(0, Ordering::Relaxed);
        let (started, cpu) = (Instant::now(), cpu_seconds()?);
        let mut writers = JoinSet::new();
        for writer in 0..256_usize {
            let (journal, tenant) = (journal.clone(), ids[writer * 7 % ids.len()]);
            writers.spawn(async move {
                let mut appended = 0_u64;
                while started.elapsed() < Duration::from_secs(seconds as u64) {
                    let data = json!({"n": writer, "text": "x".repeat(100)});
                    let event = NewEvent::new(Kind::from_static("bench.happened"), Ref::call(CallId::new()), data);
                    journal.append(tenant, vec![event]).await?;
                    appended += 1;
                }
                Ok::<_, Failure>(appended)
            });
        }
        let mut appended = 0;
        while let Some(done) = writers.join_next().await {
            appended += done??;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (cpu, delivered) = (cpu_seconds()? - cpu, delivered.load(Ordering::Relaxed));
        println!(
            "{name}: {appended} appends, {delivered} deliveries in {seconds} s; {:.2} µs of our CPU per append, {:.3} per delivery",
            cpu * 1e6 / appended as f64,
            cpu * 1e6 / delivered as f64,
        );
    }
    cancel.cancel();
    journal.stopped().await;
    Ok(())
}

async fn read(mut subscription: Subscription, delivered: Arc<AtomicU64>) {
    loop {
        let events = subscription.next().await.items.iter().filter(|item| matches!(item, Item::Event(_))).count();
        delivered.fetch_add(events as u64, Ordering::Relaxed);
    }
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

/// User and system time of this process so far.
fn cpu_seconds() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    // the 14th and 15th field of the whole line, in ticks of 10 ms
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}

fn resident_kib() -> Result<i64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
