//! SQL of sealed columns.
//!
//! Which columns are sealed is a list ([`SEALED`](super::SEALED)), so the statements here are put together from its names, which are
//! written in the program and come from nowhere else.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};
use trunkline_db::{Db, DbError, DeviceId, TenantId, TenantTx};
use zeroize::Zeroizing;

use super::SealedColumn;
use super::keys::KeyId;

/// An envelope in its row.
pub(super) struct Found {
    /// The row's key, as text.
    pub(super) row: String,
    pub(super) sealed: Vec<u8>,
    /// Where the row lies, for as long as it is locked.
    ctid: String,
}

/// All tenants, those too that are being removed.
pub(super) async fn tenants(db: &Db) -> Result<Vec<TenantId>, DbError> {
    let mut tx = db.system().await?;
    let tenants =
        sqlx::query_scalar!(r#"SELECT id AS "id: TenantId" FROM tenants ORDER BY id"#).fetch_all(tx.conn()).await?;
    tx.commit().await?;
    Ok(tenants)
}

/// Some envelopes behind a row that are not under `newest`, locked. What somebody else has locked is passed over.
pub(super) async fn under_other_keys(
    connection: &mut PgConnection,
    SealedColumn { table, column, row, .. }: SealedColumn,
    newest: KeyId,
    after: &str,
    limit: i64,
) -> Result<Vec<Found>, DbError> {
    let statement = format!(
        "SELECT {row} AS row, {column} AS sealed, ctid::text AS place FROM {table}
          WHERE {column} IS NOT NULL AND substring({column} FROM 2 FOR 8) <> $1 AND {row} > $2
          ORDER BY 1 LIMIT $3 FOR UPDATE SKIP LOCKED"
    );
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(newest.bytes().as_slice())
        .bind(after)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| Ok(Found { row: row.try_get("row")?, sealed: row.try_get("sealed")?, ctid: row.try_get("place")? }))
        .collect()
}

/// Puts new envelopes in the place of those that were found, in one statement.
pub(super) async fn replace(
    connection: &mut PgConnection,
    SealedColumn { table, column, .. }: SealedColumn,
    found: &[(Found, Vec<u8>)],
) -> Result<u64, DbError> {
    let places: Vec<&str> = found.iter().map(|(found, _)| found.ctid.as_str()).collect();
    let sealed: Vec<&[u8]> = found.iter().map(|(_, sealed)| sealed.as_slice()).collect();
    let statement = format!(
        "UPDATE {table} AS kept SET {column} = fresh.sealed
           FROM unnest($1::text[], $2::bytea[]) AS fresh (place, sealed) WHERE kept.ctid = fresh.place::tid"
    );
    Ok(sqlx::query(AssertSqlSafe(statement)).bind(places).bind(sealed).execute(connection).await?.rows_affected())
}

/// How many envelopes are not under `newest`.
pub(super) async fn count_under_other_keys(
    connection: &mut PgConnection,
    SealedColumn { table, column, .. }: SealedColumn,
    newest: KeyId,
) -> Result<i64, DbError> {
    let statement =
        format!("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND substring({column} FROM 2 FOR 8) <> $1");
    Ok(sqlx::query_scalar(AssertSqlSafe(statement)).bind(newest.bytes().as_slice()).fetch_one(connection).await?)
}

/// Some phones' digests that an earlier version stored as they are.
pub(super) async fn plain_digests(
    tx: &mut TenantTx<'_>,
    limit: i64,
) -> Result<Vec<(DeviceId, Zeroizing<String>)>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: DeviceId", ha1 AS "ha1!" FROM devices WHERE ha1 IS NOT NULL ORDER BY id LIMIT $1 FOR UPDATE"#,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, Zeroizing::new(row.ha1))).collect())
}

/// Puts sealed digests in the place of plain ones.
pub(super) async fn seal_digests(tx: &mut TenantTx<'_>, sealed: &[(DeviceId, Vec<u8>)]) -> Result<(), DbError> {
    let ids: Vec<_> = sealed.iter().map(|(id, _)| id.uuid()).collect();
    let envelopes: Vec<&[u8]> = sealed.iter().map(|(_, sealed)| sealed.as_slice()).collect();
    sqlx::query!(
        "UPDATE devices AS kept SET ha1_sealed = fresh.sealed, ha1 = NULL
           FROM unnest($1::uuid[], $2::bytea[]) AS fresh (id, sealed) WHERE kept.id = fresh.id",
        &ids,
        &envelopes as &[&[u8]],
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
