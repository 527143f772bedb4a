//! SQL that stores webhooks.

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, SystemTx};
use uuid::Uuid;

use super::ingest::Arriving;

/// Stores a batch, of any tenants, and has each account's applied.
pub(super) async fn store(tx: &mut SystemTx, webhooks: &[&Arriving]) -> Result<(), DbError> {
    let tenants: Vec<Uuid> = webhooks.iter().map(|one| one.tenant.uuid()).collect();
    let ids: Vec<Uuid> = webhooks.iter().map(|one| one.id.uuid()).collect();
    let accounts: Vec<Uuid> = webhooks.iter().map(|one| one.account.uuid()).collect();
    let ats: Vec<DateTime<Utc>> = webhooks.iter().map(|one| one.at).collect();
    let urls: Vec<&str> = webhooks.iter().map(|one| one.url.as_str()).collect();
    let headers: Vec<&str> = webhooks.iter().map(|one| one.headers.as_str()).collect();
    let bodies: Vec<&[u8]> = webhooks.iter().map(|one| one.body.as_slice()).collect();
    sqlx::query!(
        "SELECT inbound_store($1, $2, $3, $4, $5, $6, $7)",
        &tenants,
        &ids,
        &accounts,
        &ats,
        &urls as &[&str],
        &headers as &[&str],
        &bodies as &[&[u8]],
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
