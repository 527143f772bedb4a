//! A cluster that the tests share while they run, and a database of its own for each.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, JobId, PoolOptions, TenantId, bootstrap, migrate};
use trunkline_jobs::{Backoff, Done, Failure, Job, NewJob, Worker, WorkerConfig, Working};
use trunkline_stack::Postgres;

const PASSWORD: &str = "test";
const TEMPLATE: &str = "trunkline_template";
/// A failing test ends rather than hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// What is seen within a test was told, not polled.
pub(crate) const NEVER: Duration = Duration::from_hours(1);

/// Lives as long as any test holds it: the last one stops it and removes its folder.
static SHARED: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

#[derive(Debug)]
struct Cluster {
    postgres: Postgres,
    databases: AtomicU32,
    // Removed after the server has stopped.
    _dir: TempDir,
}

/// A database of its own, with one tenant.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) tenant: TenantId,
    url: String,
    owner_url: String,
    _cluster: Arc<Cluster>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let cluster = {
            let mut shared = SHARED.lock().await;
            if let Some(cluster) = shared.upgrade() {
                cluster
            } else {
                let dir = tempfile::tempdir().unwrap();
                let postgres = Postgres::start(dir.path()).await.unwrap();
                bootstrap::run(&postgres.superuser_url("postgres"), TEMPLATE, PASSWORD, PASSWORD).await.unwrap();
                migrate(&postgres.url("trunkline_owner", PASSWORD, TEMPLATE)).await.unwrap();
                let cluster = Arc::new(Cluster { postgres, databases: AtomicU32::new(0), _dir: dir });
                *shared = Arc::downgrade(&cluster);
                cluster
            }
        };
        let name = format!("test_{}", cluster.databases.fetch_add(1, Ordering::Relaxed));
        cluster.postgres.clone_database(TEMPLATE, &name).unwrap();
        let url = cluster.postgres.url("trunkline", PASSWORD, &name);
        let owner_url = cluster.postgres.url("trunkline_owner", PASSWORD, &name);
        let db = Db::connect(&url, PoolOptions::default()).await.unwrap();
        let tenant = make_tenant(&db).await;
        Self { db, tenant, url, owner_url, _cluster: cluster }
    }

    /// Another node's way to the same database.
    pub(crate) async fn another_db(&self) -> Db {
        connect(&self.url).await
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.owner_url).await.unwrap()
    }

    pub(crate) async fn enqueue(&self, job: NewJob) -> JobId {
        enqueue(&self.db, self.tenant, job).await
    }

    /// A worker that does what `handler` says for jobs of the kind `test`.
    pub(crate) fn worker<F, R>(&self, config: WorkerConfig, handler: F) -> Node
    where
        F: Fn(Job) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Done, Failure>> + Send + 'static,
    {
        Node::start(Worker::new(self.db.clone(), config).handle("test", handler))
    }

    pub(crate) async fn job(&self, id: JobId) -> Row {
        let mut owner = self.owner().await;
        let (state, attempt, error, wait): (String, i32, Option<String>, f64) = sqlx::query_as(
            "SELECT state, attempt, error, extract(epoch FROM run_at - clock_timestamp())::float8 FROM jobs WHERE id = $1",
        )
        .bind(id)
        .fetch_one(&mut owner)
        .await
        .unwrap();
        Row { state, attempt, error, wait }
    }

    /// Waits until a job is in this state.
    pub(crate) async fn until(&self, id: JobId, state: &str) -> Row {
        let looking = async {
            loop {
                let row = self.job(id).await;
                if row.state == state {
                    return row;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let Ok(row) = tokio::time::timeout(PATIENCE, looking).await else {
            panic!("the job is not {state}: {:?}", self.job(id).await)
        };
        row
    }
}

/// What is stored of a job.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) state: String,
    pub(crate) attempt: i32,
    pub(crate) error: Option<String>,
    /// Seconds until it is due.
    pub(crate) wait: f64,
}

pub(crate) async fn connect(url: &str) -> Db {
    Db::connect(url, PoolOptions::default()).await.unwrap()
}

pub(crate) async fn make_tenant(db: &Db) -> TenantId {
    let tenant = TenantId::new();
    let mut tx = db.system().await.unwrap();
    sqlx::query("INSERT INTO tenants (id, slug, name) VALUES ($1, $2, 'Test')")
        .bind(tenant)
        .bind(format!("t-{}", &tenant.uuid().simple().to_string()[16..]))
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    tenant
}

pub(crate) async fn enqueue(db: &Db, tenant: TenantId, job: NewJob) -> JobId {
    let mut tx = db.tenant(tenant).await.unwrap();
    let id = trunkline_jobs::enqueue(&mut tx, job).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// A job with a number.
pub(crate) fn job(n: usize) -> NewJob {
    NewJob::new("test", json!({ "n": n }))
}

pub(crate) fn number(payload: &Value) -> usize {
    payload["n"].as_u64().unwrap() as usize
}

/// Nothing happens by polling, and pauses are short.
pub(crate) fn told() -> WorkerConfig {
    WorkerConfig { poll_every: NEVER, ..quick() }
}

/// Short pauses between attempts, and frequent polls.
pub(crate) fn quick() -> WorkerConfig {
    WorkerConfig {
        poll_every: Duration::from_millis(20),
        backoff: Backoff {
            base: Duration::from_millis(20),
            cap: Duration::from_millis(40),
            floor: Duration::ZERO,
            ..Backoff::default()
        },
        ..WorkerConfig::default()
    }
}

/// A worker; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) working: Working,
    pub(crate) cancel: CancellationToken,
}

impl Node {
    pub(crate) fn start(worker: Worker) -> Self {
        let cancel = CancellationToken::new();
        Self { working: worker.start(cancel.clone()), cancel }
    }

    pub(crate) async fn stop(&self) {
        self.cancel.cancel();
        tokio::time::timeout(PATIENCE, self.working.stopped()).await.expect("the worker does not stop");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// A handler that says which jobs it does, and says that they are done.
pub(crate) fn teller()
-> (impl Fn(Job) -> std::future::Ready<Result<Done, Failure>> + Send + Sync, mpsc::UnboundedReceiver<Job>) {
    let (said, heard) = mpsc::unbounded_channel();
    let handler = move |job| {
        let _ = said.send(job);
        std::future::ready(Ok(Done))
    };
    (handler, heard)
}

/// The next thing that is said.
pub(crate) async fn next<T>(heard: &mut mpsc::UnboundedReceiver<T>) -> T {
    tokio::time::timeout(PATIENCE, heard.recv()).await.expect("nothing came").expect("nobody is left to say anything")
}
