//! The writer lanes' way in: one transaction in which several tenants' commands run, each in its own savepoint.

use sqlx::{Connection as _, Executor as _, postgres::PgConnection};

use crate::{
    DbError, TenantId, TenantTx,
    announce::Announced,
    tx::{enter_system, enter_tenant},
};

/// A lane's own connection.
#[derive(Debug)]
pub struct LaneConnection {
    connection: PgConnection,
    lineage: String,
    announced: Announced,
}

impl LaneConnection {
    pub(crate) async fn open(mut connection: PgConnection, announced: Announced) -> Result<Self, DbError> {
        // Fails on a server in recovery, which would refuse to write anyway.
        let lineage = sqlx::query_scalar!(
            r#"SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS "lineage!"
                 FROM pg_control_system()"#
        )
        .fetch_one(&mut connection)
        .await?;
        Ok(Self { connection, lineage, announced })
    }

    /// Which server it is, and on which timeline: transaction ids mean something only within one.
    pub fn lineage(&self) -> &str {
        &self.lineage
    }

    /// Begins a transaction. It must be ended by [`LaneTx::commit`] or [`LaneTx::rollback`]; a lane that cannot do
    /// either drops the connection.
    pub async fn begin(&mut self) -> Result<LaneTx<'_>, DbError> {
        self.connection.execute("BEGIN").await?;
        Ok(LaneTx {
            connection: &mut self.connection,
            lineage: &self.lineage,
            announced: self.announced.clone(),
            entered: None,
        })
    }

    /// What became of a transaction, by the id that the database gave it: after a connection broke around COMMIT.
    /// `None`: the database no longer knows, or it is still under way.
    pub async fn was_committed(&mut self, xid: &str) -> Result<Option<bool>, DbError> {
        let status =
            sqlx::query_scalar!("SELECT pg_xact_status($1::text::xid8)", xid).fetch_one(&mut self.connection).await?;
        Ok(match status.as_deref() {
            Some("committed") => Some(true),
            Some("aborted") => Some(false),
            _ => None,
        })
    }

    /// Says goodbye to the server.
    pub async fn close(self) {
        self.connection.close().await.ok();
    }
}

/// A lane's transaction.
#[derive(Debug)]
pub struct LaneTx<'c> {
    connection: &'c mut PgConnection,
    lineage: &'c str,
    announced: Announced,
    entered: Option<TenantId>,
}

impl LaneTx<'_> {
    /// The transaction as one tenant's.
    pub async fn tenant(&mut self, tenant: TenantId) -> Result<TenantTx<'_>, DbError> {
        if self.entered != Some(tenant) {
            enter_tenant(self.connection, tenant).await?;
            self.entered = Some(tenant);
        }
        Ok(TenantTx::within(self.connection, &mut self.announced, tenant))
    }

    /// The connection's [lineage](LaneConnection::lineage).
    pub const fn lineage(&self) -> &str {
        self.lineage
    }

    /// Sets a point to return to: what is done after it can be undone alone.
    pub async fn savepoint(&mut self) -> Result<(), DbError> {
        self.connection.execute("SAVEPOINT command").await?;
        Ok(())
    }

    /// Keeps what was done since the savepoint.
    pub async fn release(&mut self) -> Result<(), DbError> {
        self.connection.execute("RELEASE SAVEPOINT command").await?;
        Ok(())
    }

    /// Undoes what was done since the savepoint.
    pub async fn undo(&mut self) -> Result<(), DbError> {
        self.connection.execute("ROLLBACK TO SAVEPOINT command; RELEASE SAVEPOINT command").await?;
        // Role and tenant are undone with the rest when they were set after the savepoint.
        self.entered = None;
        Ok(())
    }

    /// The transaction as the system's: for the journal's own bookkeeping at its end.
    pub async fn system(&mut self) -> Result<&mut PgConnection, DbError> {
        enter_system(self.connection).await?;
        self.entered = None;
        Ok(self.connection)
    }

    /// The transaction's id, when it has written anything.
    pub async fn xid(&mut self) -> Result<Option<String>, DbError> {
        Ok(sqlx::query_scalar!("SELECT pg_current_xact_id_if_assigned()::text")
            .fetch_one(&mut *self.connection)
            .await?)
    }

    /// Commits.
    pub async fn commit(self) -> Result<(), DbError> {
        self.connection.execute("COMMIT").await?;
        // Also what was undone with its savepoint: being woken for nothing does no harm.
        self.announced.committed();
        Ok(())
    }

    /// Rolls back.
    pub async fn rollback(self) -> Result<(), DbError> {
        self.connection.execute("ROLLBACK").await?;
        Ok(())
    }
}
