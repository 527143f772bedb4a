//! Verifies every chain: what `trunkline doctor --audit` does.

use std::path::Path;

use trunkline_db::{Db, DbError, TenantId};
use uuid::Uuid;

use super::anchors;
use super::chain::{Break, Walk};
use super::store::{self, Head};

/// Entries looked at in one go.
const CHUNK: i64 = 1_000;

/// What was found of one chain.
#[derive(Debug)]
pub struct Finding {
    /// The tenant's slug, or `platform`.
    pub chain: String,
    /// Entries that were looked at and are whole.
    pub entries: i64,
    /// Those of them whose values were erased.
    pub erased: u64,
    /// How many heads were noted beside the database.
    pub anchors: usize,
    /// Where it is broken.
    pub broken: Option<Break>,
}

/// Verifies all chains against themselves and against the anchors in `state_dir`.
pub async fn verify(db: &Db, state_dir: &Path) -> anyhow::Result<Vec<Finding>> {
    let anchors = anchors::read(state_dir)?;
    let mut tx = db.system().await?;
    let slugs = store::slugs(&mut tx).await?;
    let heads = store::heads(&mut tx).await?;
    tx.commit().await?;

    let mut chains: Vec<(Uuid, String)> = vec![(Uuid::nil(), "platform".to_owned())];
    chains.extend(slugs);
    let mut findings = Vec::with_capacity(chains.len());
    for (tenant, chain) in chains {
        let head = heads.iter().find(|head| head.tenant == tenant);
        let noted = anchors.get(&tenant).cloned().unwrap_or_default();
        let count = noted.len();
        let mut walk = Walk::new(tenant, noted);
        let broken = walk_along(db, &mut walk, tenant, head).await?.err();
        findings.push(Finding { chain, entries: walk.seq(), erased: walk.erased(), anchors: count, broken });
    }
    Ok(findings)
}

async fn walk_along(db: &Db, walk: &mut Walk, tenant: Uuid, head: Option<&Head>) -> Result<Result<(), Break>, DbError> {
    // The head was read before: what is appended meanwhile lies beyond it and is the next one's to look at.
    let end = head.map_or(0, |head| head.seq);
    loop {
        // The platform's rows are those of the nil tenant.
        let mut tx = db.tenant(TenantId(tenant)).await?;
        let rows = store::rows_after(&mut tx, walk.seq(), CHUNK).await?;
        tx.commit().await?;
        let full = rows.len() as i64 == CHUNK;
        for row in rows {
            if head.is_some() && row.seq > end && walk.seq() == end {
                // Appended since, or by somebody who did not move the head: the next look tells.
                return Ok(walk.end(end, head.map_or(&[], |head| &head.link)));
            }
            if let Err(broken) = walk.step(&row) {
                return Ok(Err(broken));
            }
        }
        if !full {
            return Ok(walk.end(end, head.map_or(&[], |head| &head.link)));
        }
    }
}
