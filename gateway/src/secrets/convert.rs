//! Seals what versions before the vault stored as it is.

use trunkline_db::{Db, DbError};

use super::{Vault, store};
use crate::agents::digest_place;

/// Most rows of one transaction.
const CHUNK: i64 = 500;

/// Seals the digests of phones that are still plain. Returns how many it were. May be cut off and repeated.
pub async fn seal_what_is_plain(db: &Db, vault: &Vault) -> Result<usize, DbError> {
    let mut total = 0;
    for tenant in store::tenants(db).await? {
        loop {
            let mut tx = db.tenant(tenant).await?;
            let plain = store::plain_digests(&mut tx, CHUNK).await?;
            if plain.is_empty() {
                tx.commit().await?;
                break;
            }
            let sealed: Vec<_> = plain
                .iter()
                .map(|(id, ha1)| (*id, vault.seal(&digest_place(tenant, *id), ha1.as_bytes()).into_bytes()))
                .collect();
            store::seal_digests(&mut tx, &sealed).await?;
            tx.commit().await?;
            total += sealed.len();
        }
    }
    if total > 0 {
        tracing::info!(phones = total, "digests of phones that were stored as they are have been sealed");
    }
    Ok(total)
}
