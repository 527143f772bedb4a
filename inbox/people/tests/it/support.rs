//! A cluster that the tests share while they run, and a database of its own for each.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tokio::sync::Mutex;
use trunkline_channels::model::Identity;
use trunkline_db::{ContactId, Db, PoolOptions, TenantId, bootstrap, migrate};
use trunkline_people::{Evidence, Resolved, Seen, resolve};
use trunkline_stack::Postgres;

const PASSWORD: &str = "test";
const TEMPLATE: &str = "trunkline_template";

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
        let db =
            Db::connect(&cluster.postgres.url("trunkline", PASSWORD, &name), PoolOptions::default()).await.unwrap();
        let tenant = make_tenant(&db).await;
        Self { db, tenant, _cluster: cluster }
    }

    /// Meets somebody.
    pub(crate) async fn meet(&self, seen: Seen) -> Resolved {
        let mut tx = self.db.tenant(self.tenant).await.unwrap();
        let resolved = resolve(&mut tx, &seen).await.unwrap();
        tx.commit().await.unwrap();
        resolved
    }

    /// A contact that holds a Telegram id of its own.
    pub(crate) async fn somebody(&self, id: i64) -> ContactId {
        self.meet(seen(vec![Identity::TelegramId(id)], Some(&format!("Somebody {id}")))).await.contact
    }

    /// The identities of a contact that count: type, value, and whether they have it still.
    pub(crate) async fn identities(&self, contact: ContactId) -> Vec<(String, String, bool)> {
        let mut tx = self.db.tenant(self.tenant).await.unwrap();
        sqlx::query_as(
            "SELECT type, value, ended_at IS NULL FROM contact_identities WHERE contact_id = $1 ORDER BY type, value",
        )
        .bind(contact)
        .fetch_all(tx.conn())
        .await
        .unwrap()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let mut tx = self.db.tenant(self.tenant).await.unwrap();
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(tx.conn())
            .await
            .unwrap()
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

pub(crate) fn evidence(by: &str) -> Evidence {
    Evidence { by: by.to_owned(), account_id: None, call_id: None, user_id: None, text: None }
}

/// At the given minute of a day long gone.
pub(crate) fn minute(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000 + minute * 60, 0).unwrap()
}

pub(crate) fn seen(identities: Vec<Identity>, name: Option<&str>) -> Seen {
    Seen {
        identities,
        name: name.map(str::to_owned),
        language: None,
        country: None,
        evidence: evidence("whatsapp"),
        at: minute(0),
    }
}

/// The kinds of events, in their order.
pub(crate) fn kinds(resolved: &Resolved) -> Vec<&str> {
    resolved.events.iter().map(|event| event.kind.as_str()).collect()
}
