//! A cluster that the tests share while they run, and a database of its own for each.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicU32, Ordering},
};

use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::sync::Mutex;
use trunkline_db::{Db, PoolOptions, QueueId, TenantId, UserId, bootstrap, migrate};
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

#[derive(Debug)]
pub(crate) struct TestDb {
    cluster: Arc<Cluster>,
    name: String,
}

impl TestDb {
    /// A database with the schema and nothing in it.
    pub(crate) async fn new() -> Self {
        let database = Self::unmade().await;
        database.cluster.postgres.clone_database(TEMPLATE, &database.name).unwrap();
        database
    }

    /// A database that was made and migrated as in production, which takes longer.
    pub(crate) async fn migrated() -> Self {
        let database = Self::unmade().await;
        bootstrap::run(&database.superuser_url("postgres"), &database.name, PASSWORD, PASSWORD).await.unwrap();
        migrate(&database.owner_url()).await.unwrap();
        database
    }

    /// The name of a database that does not exist yet.
    pub(crate) async fn unmade() -> Self {
        let mut shared = SHARED.lock().await;
        let cluster = if let Some(cluster) = shared.upgrade() {
            cluster
        } else {
            let dir = tempfile::tempdir().unwrap();
            let postgres = Postgres::start(dir.path()).await.unwrap();
            bootstrap::run(&postgres.superuser_url("postgres"), TEMPLATE, PASSWORD, PASSWORD).await.unwrap();
            migrate(&postgres.url("trunkline_owner", PASSWORD, TEMPLATE)).await.unwrap();
            let cluster = Arc::new(Cluster { postgres, databases: AtomicU32::new(0), _dir: dir });
            *shared = Arc::downgrade(&cluster);
            cluster
        };
        let name = format!("test_{}", cluster.databases.fetch_add(1, Ordering::Relaxed));
        Self { cluster, name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn superuser_url(&self, database: &str) -> String {
        self.cluster.postgres.superuser_url(database)
    }

    pub(crate) fn owner_url(&self) -> String {
        self.cluster.postgres.url("trunkline_owner", PASSWORD, &self.name)
    }

    pub(crate) fn login_url(&self) -> String {
        self.cluster.postgres.url("trunkline", PASSWORD, &self.name)
    }

    /// As the gateway connects.
    pub(crate) async fn db(&self) -> Db {
        Db::connect(&self.login_url(), PoolOptions::default()).await.unwrap()
    }

    /// A connection as the schema's owner, whom row-level security does not bind.
    pub(crate) async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.owner_url()).await.unwrap()
    }

    /// A connection as the login role.
    pub(crate) async fn login(&self) -> PgConnection {
        PgConnection::connect(&self.login_url()).await.unwrap()
    }
}

/// A tenant with one member, who is an agent, and one queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) user: UserId,
    pub(crate) queue: QueueId,
}

pub(crate) async fn make_tenant(db: &Db, slug: &str) -> Tenant {
    let tenant = Tenant { id: TenantId::new(), user: UserId::new(), queue: QueueId::new() };
    let mut tx = db.system().await.unwrap();
    sqlx::query("INSERT INTO tenants (id, slug, name) VALUES ($1, $2, $2)")
        .bind(tenant.id)
        .bind(slug)
        .execute(tx.conn())
        .await
        .unwrap();
    sqlx::query("INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, 'Somebody', 'x')")
        .bind(tenant.user)
        .bind(format!("somebody@{slug}.test"))
        .execute(tx.conn())
        .await
        .unwrap();
    let mut tx = tx.into_tenant(tenant.id).await.unwrap();
    sqlx::query("INSERT INTO memberships (tenant_id, user_id, role) VALUES ($1, $2, 'operator')")
        .bind(tenant.id)
        .bind(tenant.user)
        .execute(tx.conn())
        .await
        .unwrap();
    sqlx::query("INSERT INTO agents (tenant_id, id, name, email) VALUES ($1, $2, 'Somebody', 'x@y.test')")
        .bind(tenant.id)
        .bind(tenant.user)
        .execute(tx.conn())
        .await
        .unwrap();
    sqlx::query("INSERT INTO queues (tenant_id, id, slug, name, extension) VALUES ($1, $2, 'sales', 'Sales', '700')")
        .bind(tenant.id)
        .bind(tenant.queue)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    tenant
}

/// The SQLSTATE of an error.
pub(crate) fn sqlstate(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(Into::into).unwrap_or_default()
}
