//! A cluster that the tests share while they run, a database of its own for each, and a reader that checks the stream's promise.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use trunkline_db::{CallId, Db, EventId, PoolOptions, TenantId, bootstrap, migrate};
use trunkline_journal::{
    Batch, Filter, Frame, Item, Journal, JournalConfig, Kind, NewEvent, Ref, Reset, Scope, Seq, Start, Subscription,
};
use trunkline_stack::{Postgres, PostgresOptions};

const PASSWORD: &str = "test";
const TEMPLATE: &str = "trunkline_template";
/// A failing test ends rather than hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const HAPPENED: Kind = Kind::from_static("test.happened");
pub(crate) const OTHER: Kind = Kind::from_static("other.happened");

/// Lives as long as any test holds it: the last one stops it and removes its folder.
static SHARED: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) postgres: Postgres,
    databases: AtomicU32,
    // Removed after the server has stopped.
    _dir: TempDir,
}

impl Cluster {
    pub(crate) async fn start(options: PostgresOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let postgres = Postgres::start_with(dir.path(), options).await.unwrap();
        bootstrap::run(&postgres.superuser_url("postgres"), TEMPLATE, PASSWORD, PASSWORD).await.unwrap();
        migrate(&postgres.url("trunkline_owner", PASSWORD, TEMPLATE)).await.unwrap();
        Self { postgres, databases: AtomicU32::new(0), _dir: dir }
    }

    pub(crate) fn database(&self) -> Database {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.postgres.clone_database(TEMPLATE, &name).unwrap();
        Database {
            name: name.clone(),
            url: self.postgres.url("trunkline", PASSWORD, &name),
            owner_url: self.postgres.url("trunkline_owner", PASSWORD, &name),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) owner_url: String,
}

impl Database {
    pub(crate) async fn db(&self) -> Db {
        Db::connect(&self.url, PoolOptions::default()).await.unwrap()
    }

    pub(crate) async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.owner_url).await.unwrap()
    }

    /// One more node on this database.
    pub(crate) async fn node(&self, config: JournalConfig) -> Node {
        let db = self.db().await;
        let cancel = CancellationToken::new();
        let journal = Journal::start(db.clone(), config, cancel.clone()).await.unwrap();
        Node { journal, db, cancel }
    }
}

/// A journal; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) journal: Journal,
    pub(crate) db: Db,
    pub(crate) cancel: CancellationToken,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// What most tests need: one node on a database of its own, and a tenant.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) node: Node,
    pub(crate) tenant: TenantId,
    pub(crate) database: Database,
    // The last test to end stops it.
    cluster: Arc<Cluster>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(JournalConfig::default()).await
    }

    pub(crate) async fn with(config: JournalConfig) -> Self {
        let cluster = {
            let mut shared = SHARED.lock().await;
            if let Some(cluster) = shared.upgrade() {
                cluster
            } else {
                let cluster = Arc::new(Cluster::start(PostgresOptions::default()).await);
                *shared = Arc::downgrade(&cluster);
                cluster
            }
        };
        let database = cluster.database();
        let node = database.node(config).await;
        let tenant = make_tenant(&node.db).await;
        Self { node, tenant, database, cluster }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.node.journal
    }

    pub(crate) fn superuser_url(&self) -> String {
        self.cluster.postgres.superuser_url(&self.database.name)
    }

    /// Appends `n` events, numbered in their data from `from`.
    pub(crate) async fn append(&self, from: usize, n: usize) {
        append(self.journal(), self.tenant, from, n).await;
    }

    pub(crate) async fn subscribe(&self, start: Start, filter: Filter) -> Reader {
        Reader::new(self.journal().hub().subscribe(self.tenant, start, filter).await.unwrap(), start)
    }
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

/// An event that everybody sees.
pub(crate) fn event(n: usize) -> NewEvent {
    NewEvent::new(HAPPENED, Ref::call(CallId::new()), json!({"n": n}))
}

/// An event that only those with this scope see.
pub(crate) fn scoped(n: usize, scope: Scope) -> NewEvent {
    event(n).scopes([scope])
}

pub(crate) async fn append(journal: &Journal, tenant: TenantId, from: usize, n: usize) {
    for start in (from..from + n).step_by(100) {
        let events = (start..(start + 100).min(from + n)).map(event).collect();
        journal.append(tenant, events).await.unwrap();
    }
}

/// The number in an event's data.
pub(crate) fn number(frame: &Frame) -> usize {
    let event: Value = serde_json::from_str(frame.event_str()).unwrap();
    event["data"]["n"].as_u64().unwrap() as usize
}

/// A client: counts what it is told, and fails as soon as that has a gap or a double.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) subscription: Subscription,
    /// Everything up to here was told, as an event or as skipped; `None` until a live one learns where it began.
    counted: Option<Seq>,
    pub(crate) events: Vec<Frame>,
    pub(crate) caught_up: Option<Seq>,
    pub(crate) reset: Option<Reset>,
    pub(crate) signals: Vec<Value>,
    pub(crate) skips: usize,
}

impl Reader {
    pub(crate) fn new(subscription: Subscription, start: Start) -> Self {
        Self {
            subscription,
            counted: start.after,
            events: Vec::new(),
            caught_up: None,
            reset: None,
            signals: Vec::new(),
            skips: 0,
        }
    }

    /// Waits for one batch.
    pub(crate) async fn step(&mut self) {
        let batch = tokio::time::timeout(PATIENCE, self.subscription.next()).await.expect("nothing came");
        self.take(batch);
    }

    pub(crate) fn take(&mut self, batch: Batch) {
        assert!(!batch.items.is_empty());
        for item in batch.items {
            assert_eq!(self.reset, None, "nothing follows a reset");
            match item {
                Item::Event(frame) => {
                    if let Some(counted) = self.counted {
                        assert_eq!(frame.seq(), counted.next(), "a gap or a double");
                    }
                    self.counted = Some(frame.seq());
                    self.events.push(frame);
                }
                Item::Skipped(through) => {
                    if let Some(counted) = self.counted {
                        assert!(through > counted, "skipped what was told");
                    }
                    self.counted = Some(through);
                    self.skips += 1;
                }
                Item::CaughtUp(seq) => {
                    assert_eq!(self.caught_up, None, "said once");
                    if let Some(counted) = self.counted {
                        assert_eq!(seq, counted, "everything up to the head was told");
                    }
                    self.counted = Some(seq);
                    self.caught_up = Some(seq);
                }
                Item::Signal(signal) => self.signals.push(serde_json::from_str(signal.text().as_str()).unwrap()),
                Item::Reset(reset) => self.reset = Some(reset),
            }
        }
    }

    /// Takes batches until everything up to `seq` was told.
    pub(crate) async fn until(&mut self, seq: i64) {
        while self.counted.is_none_or(|counted| counted.get() < seq) {
            self.step().await;
        }
    }

    pub(crate) async fn until_caught_up(&mut self) -> Seq {
        while self.caught_up.is_none() {
            self.step().await;
        }
        self.caught_up.unwrap()
    }

    pub(crate) async fn until_reset(&mut self) -> Reset {
        while self.reset.is_none() {
            self.step().await;
        }
        self.reset.unwrap()
    }

    pub(crate) fn counted(&self) -> i64 {
        self.counted.unwrap_or_default().get()
    }

    pub(crate) fn ids(&self) -> Vec<EventId> {
        self.events.iter().map(Frame::id).collect()
    }

    pub(crate) fn numbers(&self) -> Vec<usize> {
        self.events.iter().map(number).collect()
    }
}
