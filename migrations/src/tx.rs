//! The two transactions: a tenant's and the system's.

use sqlx::{PgPool, Postgres, SqlSafeStr as _, Transaction, postgres::PgConnection};

use crate::{DbError, TenantId, announce::Announced};

/// Where a tenant's journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalHead {
    /// Sequence number of the newest event; 0 before the first.
    pub seq: i64,
    /// The oldest sequence number that is still kept.
    pub oldest: i64,
}

/// A transaction for one tenant, as `trunkline_app`: row-level security shows that tenant's rows only.
///
/// Dropped without [`commit`](Self::commit) it is rolled back.
#[derive(Debug)]
pub struct TenantTx<'c> {
    held: Held<'c>,
    tenant: TenantId,
}

#[derive(Debug)]
enum Held<'c> {
    /// A transaction of its own, on a connection of the pool.
    Own(Transaction<'static, Postgres>, Announced),
    /// A part of a lane's transaction, which the lane ends.
    Lane(&'c mut PgConnection, &'c mut Announced),
}

impl TenantTx<'static> {
    pub(crate) async fn begin(pool: &PgPool, announced: Announced, tenant: TenantId) -> Result<Self, DbError> {
        let mut tx = begin(pool, "BEGIN").await?;
        enter_tenant(&mut tx, tenant).await?;
        Ok(Self { held: Held::Own(tx, announced), tenant })
    }

    pub(crate) async fn begin_snapshot(pool: &PgPool, announced: Announced, tenant: TenantId) -> Result<Self, DbError> {
        let mut tx = begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        enter_tenant(&mut tx, tenant).await?;
        Ok(Self { held: Held::Own(tx, announced), tenant })
    }

    /// Commits.
    pub async fn commit(self) -> Result<(), DbError> {
        match self.held {
            Held::Own(tx, announced) => {
                tx.commit().await?;
                announced.committed();
                Ok(())
            }
            // Only a lane makes such a value, and it never gives it away.
            Held::Lane(..) => Ok(()),
        }
    }

    /// Rolls back at once, rather than when the connection is next used.
    pub async fn rollback(self) -> Result<(), DbError> {
        match self.held {
            Held::Own(tx, _) => Ok(tx.rollback().await?),
            Held::Lane(..) => Ok(()),
        }
    }

    /// Goes on as a transaction of the system, with what was written so far: for a member of one tenant who makes another.
    pub async fn into_system(self) -> Result<SystemTx, DbError> {
        let (mut tx, announced) = self.into_own();
        enter_system(&mut tx).await?;
        Ok(SystemTx { tx, announced })
    }

    /// Goes on as a transaction of another tenant.
    pub async fn into_tenant(self, tenant: TenantId) -> Result<Self, DbError> {
        let (mut tx, announced) = self.into_own();
        enter_tenant(&mut tx, tenant).await?;
        Ok(Self { held: Held::Own(tx, announced), tenant })
    }

    fn into_own(self) -> (Transaction<'static, Postgres>, Announced) {
        match self.held {
            Held::Own(tx, announced) => (tx, announced),
            Held::Lane(..) => {
                unreachable!("a lane lends its connection for shorter than 'static, and never gives it away")
            }
        }
    }
}

impl<'c> TenantTx<'c> {
    pub(crate) fn within(connection: &'c mut PgConnection, announced: &'c mut Announced, tenant: TenantId) -> Self {
        Self { held: Held::Lane(connection, announced), tenant }
    }

    /// The tenant it is for.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The connection to run statements on.
    pub fn conn(&mut self) -> &mut PgConnection {
        match &mut self.held {
            Held::Own(tx, _) => tx,
            Held::Lane(connection, _) => connection,
        }
    }

    /// Once this is committed, whoever waits on [`Db::committed`](crate::Db::committed) for `topic` is woken, once however often it
    /// was announced. In this process only.
    pub fn announce(&mut self, topic: &'static str) {
        match &mut self.held {
            Held::Own(_, announced) => announced.add(topic),
            Held::Lane(_, announced) => announced.add(topic),
        }
    }

    /// Where the tenant's journal stands, in this transaction's snapshot.
    pub async fn journal_head(&mut self) -> Result<JournalHead, DbError> {
        let head = sqlx::query!(r#"SELECT seq AS "seq!", oldest AS "oldest!" FROM journal_head()"#)
            .fetch_optional(self.conn())
            .await?
            .ok_or(DbError::NoSuchTenant)?;
        Ok(JournalHead { seq: head.seq, oldest: head.oldest })
    }

    /// What a list that is read in this snapshot calls `as_of_seq`: it holds everything up to that event.
    pub async fn as_of_seq(&mut self) -> Result<i64, DbError> {
        Ok(self.journal_head().await?.seq)
    }
}

/// A transaction on what belongs to no tenant, as `trunkline_system`: named tables only.
///
/// Dropped without [`commit`](Self::commit) it is rolled back.
#[derive(Debug)]
pub struct SystemTx {
    tx: Transaction<'static, Postgres>,
    announced: Announced,
}

impl SystemTx {
    pub(crate) async fn begin(pool: &PgPool, announced: Announced) -> Result<Self, DbError> {
        let mut tx = begin(pool, "BEGIN").await?;
        enter_system(&mut tx).await?;
        Ok(Self { tx, announced })
    }

    /// The connection to run statements on.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Goes on as a transaction of one tenant: to make a tenant and what is in it together.
    pub async fn into_tenant(mut self, tenant: TenantId) -> Result<TenantTx<'static>, DbError> {
        enter_tenant(&mut self.tx, tenant).await?;
        Ok(TenantTx { held: Held::Own(self.tx, self.announced), tenant })
    }

    /// As [`TenantTx::announce`].
    pub fn announce(&mut self, topic: &'static str) {
        self.announced.add(topic);
    }

    /// Commits.
    pub async fn commit(self) -> Result<(), DbError> {
        self.tx.commit().await?;
        self.announced.committed();
        Ok(())
    }

    /// Rolls back at once, rather than when the connection is next used.
    pub async fn rollback(self) -> Result<(), DbError> {
        Ok(self.tx.rollback().await?)
    }
}

/// A transaction on a connection of the pool.
///
/// A request may be given up at any await. sqlx 0.9 forgets a transaction whose `BEGIN` is under way then: the connection would go back to the
/// pool inside of it, and whoever takes it next would work in a transaction of another's. So a `BEGIN` is always waited for, by a task of its own.
async fn begin(pool: &PgPool, statement: &'static str) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let connection = pool.acquire().await?;
    let begun = tokio::spawn(Transaction::begin(connection, Some(statement.into_sql_str())));
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

/// Role and tenant of the rest of the transaction; both end with it.
pub(crate) async fn enter_tenant(connection: &mut PgConnection, tenant: TenantId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT set_config('role', 'trunkline_app', true) AS role, set_config('app.tenant_id', $1, true) AS tenant",
        tenant.to_string(),
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// The system's role for the rest of the transaction.
pub(crate) async fn enter_system(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT set_config('role', 'trunkline_system', true) AS role, set_config('app.tenant_id', '', true) AS tenant"
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}
