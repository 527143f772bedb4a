//! Random histories: nodes that come, stop and die, jobs that fail, panic and take long. For longer and other ones:
//! `TRUNKLINE_JOBS_SECONDS=60 TRUNKLINE_JOBS_SEED=7 cargo test -p trunkline-jobs --test it histories -- --nocapture`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use trunkline_db::{JobId, TenantId};
use trunkline_jobs::{Done, Failure, Job, NewJob, Worker, WorkerConfig, Working};

use crate::support::{World, connect, enqueue, job, make_tenant, quick};

const LEASE: Duration = Duration::from_millis(1500);

/// What the handlers of all nodes see.
#[derive(Debug, Default)]
struct Seen {
    running: HashMap<JobId, u32>,
    running_keys: HashMap<(TenantId, String), JobId>,
    /// Numbers of the jobs of each key that were done, in the order in which they were.
    done: BTreeMap<(TenantId, String), Vec<u64>>,
    effects: HashMap<JobId, usize>,
    attempts: usize,
    mistakes: Vec<String>,
}

/// A running attempt. Dropped also when its node dies.
struct Running {
    seen: Arc<Mutex<Seen>>,
    id: JobId,
    key: Option<(TenantId, String)>,
}

impl Running {
    fn begin(seen: &Arc<Mutex<Seen>>, job: &Job) -> Self {
        let key = job.payload["key"].as_str().map(|key| (job.tenant.unwrap(), key.to_owned()));
        let mut all = seen.lock().unwrap();
        all.attempts += 1;
        if let Some(other) = all.running.insert(job.id, job.attempt) {
            all.mistakes.push(format!("{} runs as attempt {other} and {}", job.id, job.attempt));
        }
        if let Some(key) = &key
            && let Some(other) = all.running_keys.insert(key.clone(), job.id)
        {
            all.mistakes.push(format!("{} and {other} of one key run", job.id));
        }
        Self { seen: Arc::clone(seen), id: job.id, key }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut all = self.seen.lock().unwrap();
        all.running.remove(&self.id);
        if let Some(key) = &self.key {
            all.running_keys.remove(key);
        }
    }
}

/// A node in a runtime of its own, so that it can die.
struct Process {
    runtime: Option<Runtime>,
    working: Working,
    cancel: CancellationToken,
}

impl Process {
    fn start(url: &str, seen: &Arc<Mutex<Seen>>, seed: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = WorkerConfig { lease: LEASE, slots: 6, stop_patience: Duration::from_millis(30), ..quick() };
        let (seen, dice) = (Arc::clone(seen), Arc::new(Mutex::new(StdRng::seed_from_u64(seed))));
        let cancel = CancellationToken::new();
        let (url, stop) = (url.to_owned(), cancel.clone());
        let started = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    runtime.block_on(async move {
                        let worker = Worker::new(connect(&url).await, config);
                        worker.handle("test", move |job| handle(job, Arc::clone(&seen), Arc::clone(&dice))).start(stop)
                    })
                })
                .join()
        });
        Self { runtime: Some(runtime), working: started.unwrap(), cancel }
    }

    /// Nothing is told to anybody.
    fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    async fn stop(mut self) {
        self.cancel.cancel();
        self.working.stopped().await;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn handle(job: Job, seen: Arc<Mutex<Seen>>, dice: Arc<Mutex<StdRng>>) -> Result<Done, Failure> {
    let running = Running::begin(&seen, &job);
    let (what, pause) = {
        let mut dice = dice.lock().unwrap();
        (dice.random_range(0..20), dice.random_range(0..12))
    };
    tokio::time::sleep(Duration::from_millis(pause)).await;
    match what {
        0 => panic!("as it should in this test"),
        1 | 2 => Err(Failure::retry("not today")),
        3 => Err(Failure::retry_after("too many", Duration::from_millis(30))),
        4 => Err(Failure::dead("never")),
        5 => {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Err(Failure::retry("slowly"))
        }
        _ => {
            let mut all = seen.lock().unwrap();
            *all.effects.entry(job.id).or_default() += 1;
            if let Some(key) = &running.key {
                let n = job.payload["n"].as_u64().unwrap();
                let done = all.done.entry(key.clone()).or_default();
                // A node that died after this and before it could say so has it done once more.
                if done.last() != Some(&n) {
                    done.push(n);
                }
            }
            drop(all);
            Ok(Done)
        }
    }
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_each_job_ends_and_each_key_keeps_its_order() {
    let seed = from_env("TRUNKLINE_JOBS_SEED").unwrap_or_else(rand::random);
    let seconds = from_env("TRUNKLINE_JOBS_SECONDS").unwrap_or(3);
    println!("TRUNKLINE_JOBS_SEED={seed} TRUNKLINE_JOBS_SECONDS={seconds}");
    // Handlers panic on purpose; other panics are still told.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.to_string().contains("as it should in this test") {
            usual(info);
        }
    }));

    let world = World::new().await;
    let mut dice = StdRng::seed_from_u64(seed);
    let mut tenants = vec![world.tenant];
    for _ in 0..3 {
        tenants.push(make_tenant(&world.db).await);
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut nodes: Vec<Process> = (0..3).map(|_| Process::start(world.url(), &seen, dice.random())).collect();
    let mut ids = Vec::new();
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        let tenant = tenants[dice.random_range(0..tenants.len())];
        for _ in 0..dice.random_range(1..8) {
            let n = ids.len();
            let mut new: NewJob = job(n).max_attempts(dice.random_range(2..30)).priority(dice.random_range(-2..3));
            if dice.random_bool(0.6) {
                let key = format!("key {}", dice.random_range(0..4));
                new = NewJob::new("test", serde_json::json!({ "n": n, "key": key }))
                    .max_attempts(30)
                    .priority(dice.random_range(-2..3))
                    .key(key);
            }
            if dice.random_bool(0.1) {
                new = new.run_at(chrono::Utc::now() + Duration::from_millis(dice.random_range(0..200)));
            }
            ids.push(enqueue(&world.db, tenant, new).await);
        }
        if dice.random_bool(0.1) {
            let node = nodes.swap_remove(dice.random_range(0..nodes.len()));
            if dice.random_bool(0.5) {
                node.kill();
            } else {
                node.stop().await;
            }
            nodes.push(Process::start(world.url(), &seen, dice.random()));
        }
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..40))).await;
    }

    let mut owner = world.owner().await;
    let patience = Instant::now() + Duration::from_secs(60 + seconds);
    let left = async || -> Vec<(String, i64)> {
        let mut owner = world.owner().await;
        sqlx::query_as("SELECT state, count(*) FROM jobs WHERE state NOT IN ('done', 'dead') GROUP BY 1")
            .fetch_all(&mut owner)
            .await
            .unwrap()
    };
    while !left().await.is_empty() {
        assert!(Instant::now() < patience, "they do not end: {:?}", left().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for node in nodes {
        node.stop().await;
    }

    let done: Vec<(JobId,)> =
        sqlx::query_as("SELECT id FROM jobs WHERE state = 'done'").fetch_all(&mut owner).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.mistakes.is_empty(), "{:?}", seen.mistakes);
    assert!(seen.running.is_empty());
    for (key, done) in &seen.done {
        assert!(done.is_sorted(), "{key:?}: {done:?}");
    }
    for (id,) in &done {
        assert!(seen.effects.contains_key(id), "{id} is done, but nobody did it");
    }
    println!("{} jobs, {} attempts, {} done", ids.len(), seen.attempts, done.len());
    assert!(done.len() > ids.len() / 2);
}
