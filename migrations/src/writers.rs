//! Cursors of spool files: how far each has been applied, moved in the transaction of what it writes.

use crate::{DbError, SystemTx, TenantTx};

/// Moves the cursor of `writer` to `applied` within the transaction.
///
/// `false`: that record was applied already (the cursor stood there or beyond), and must not be applied again.
pub async fn advance(tx: &mut TenantTx<'_>, writer: &str, applied: i64) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT journal_writer_advance($1, $2) AS "advanced!""#, writer, applied)
        .fetch_one(tx.conn())
        .await?)
}

/// The number of the last record of `writer` that was applied; `None` before the first.
pub async fn applied(tx: &mut SystemTx, writer: &str) -> Result<Option<i64>, DbError> {
    Ok(sqlx::query_scalar!("SELECT applied FROM journal_writers WHERE writer = $1", writer)
        .fetch_optional(tx.conn())
        .await?)
}
