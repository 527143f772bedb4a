//! The schema, as numbered steps that are applied once each.

use std::{collections::HashSet, str::FromStr};

use sqlx::{
    Connection,
    migrate::{Migrate, Migrator},
    postgres::{PgConnectOptions, PgConnection},
};

use crate::DbError;

static MIGRATOR: Migrator = sqlx::migrate!("./sql");

/// Brings the schema up to date. `owner_url` signs in as `trunkline_owner`.
///
/// Several nodes may do so at once: an advisory lock lets one of them work while the others wait.
pub async fn migrate(owner_url: &str) -> Result<(), DbError> {
    let mut connection = connect(owner_url).await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await.ok();
    Ok(())
}

/// How many migrations the database still lacks: what `trunkline doctor` tells.
pub async fn pending_migrations(owner_url: &str) -> Result<usize, DbError> {
    let mut connection = connect(owner_url).await?;
    connection.ensure_migrations_table(&MIGRATOR.table_name).await?;
    let applied: HashSet<i64> =
        connection.list_applied_migrations(&MIGRATOR.table_name).await?.iter().map(|m| m.version).collect();
    connection.close().await.ok();
    Ok(MIGRATOR.iter().filter(|m| !applied.contains(&m.version)).count())
}

async fn connect(owner_url: &str) -> Result<PgConnection, DbError> {
    // A migration may wait for locks, but never for ever: it would make everybody else wait behind it.
    let options = PgConnectOptions::from_str(owner_url)?
        .application_name("trunkline-migrate")
        .options([("lock_timeout", "10s"), ("timezone", "UTC")]);
    tokio::time::timeout(std::time::Duration::from_secs(10), PgConnection::connect_with(&options))
        .await
        .map_err(|_| DbError::timed_out("no connection within 10 s"))?
        .map_err(DbError::from)
}
