//! The pool, and how transactions begin.

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::watch;

use crate::announce::{Announced, Topics};
use crate::{DbError, LaneConnection, Listener, SystemTx, TenantId, TenantTx};

/// How [`Db::connect`] sets up its connections.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// Most connections of the pool. Writer lanes and listeners have their own beside it.
    pub max_connections: u32,
    /// How long a transaction waits for a connection: so that a database that is away is an error soon.
    pub acquire_timeout: Duration,
    /// The longest that one statement may run.
    pub statement_timeout: Duration,
    /// The longest that a statement waits for a lock.
    pub lock_timeout: Duration,
    /// What `pg_stat_activity` calls us.
    pub application_name: String,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_connections: 12,
            acquire_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(2),
            application_name: "trunkline".to_owned(),
        }
    }
}

/// The database, as the gateway sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
    options: PgConnectOptions,
    connect_timeout: Duration,
    topics: Arc<Topics>,
}

impl Db {
    /// Connects as the login role `trunkline`. Fails when the database cannot be reached now.
    pub async fn connect(url: &str, options: PoolOptions) -> Result<Self, DbError> {
        let connect = PgConnectOptions::from_str(url)?.application_name(&options.application_name).options([
            ("statement_timeout", options.statement_timeout.as_millis().to_string()),
            ("lock_timeout", options.lock_timeout.as_millis().to_string()),
            // A gateway that vanished in mid-transaction must not keep its locks.
            ("idle_in_transaction_session_timeout", "30s".to_owned()),
            ("timezone", "UTC".to_owned()),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .connect_with(connect.clone())
            .await?;
        Ok(Self { pool, options: connect, connect_timeout: options.acquire_timeout, topics: Arc::default() })
    }

    /// Begins a transaction for one tenant.
    pub async fn tenant(&self, tenant: TenantId) -> Result<TenantTx<'static>, DbError> {
        TenantTx::begin(&self.pool, self.announced(), tenant).await
    }

    /// Begins a read-only transaction whose statements all see the same moment: a list and the journal's
    /// [head](TenantTx::as_of_seq) read in it belong together.
    pub async fn tenant_snapshot(&self, tenant: TenantId) -> Result<TenantTx<'static>, DbError> {
        TenantTx::begin_snapshot(&self.pool, self.announced(), tenant).await
    }

    /// Begins a transaction on what belongs to no tenant.
    pub async fn system(&self) -> Result<SystemTx, DbError> {
        SystemTx::begin(&self.pool, self.announced()).await
    }

    /// Changes when something was committed that [announced](TenantTx::announce) `topic`, in this process, through this `Db` or a
    /// clone of it.
    pub fn committed(&self, topic: &'static str) -> watch::Receiver<u64> {
        self.topics.subscribe(topic)
    }

    fn announced(&self) -> Announced {
        Announced::to(Arc::clone(&self.topics))
    }

    /// A connection of its own for a writer lane, with time-outs of its own.
    pub async fn lane(&self, lock_timeout: Duration, statement_timeout: Duration) -> Result<LaneConnection, DbError> {
        use sqlx::ConnectOptions as _;
        let options = self.options.clone().options([
            ("lock_timeout", lock_timeout.as_millis().to_string()),
            ("statement_timeout", statement_timeout.as_millis().to_string()),
        ]);
        let open = async { LaneConnection::open(options.connect().await?, self.announced()).await };
        tokio::time::timeout(self.connect_timeout, open)
            .await
            .map_err(|_| DbError::timed_out("no connection in time"))?
    }

    /// A connection of its own that listens to `NOTIFY` on these channels.
    pub async fn listen(&self, channels: &[&str]) -> Result<Listener, DbError> {
        Listener::open(self.options.clone(), self.connect_timeout, channels).await
    }

    /// Whether the database answers: what `/health` asks.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Connections that are open, and how many of them are idle.
    pub fn connections(&self) -> (u32, usize) {
        (self.pool.size(), self.pool.num_idle())
    }

    /// Closes the pool; running transactions are let finish.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
