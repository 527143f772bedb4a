//! All figures of a tenant from scratch: to see whether the stored ones are right, or to put them right.

use trunkline_db::{Db, DbError, TenantId, TenantTx};
use trunkline_figures::{Cells, Changes, Figures, Key, Ledger};

use super::{memory_store, store};

/// Events read in one go.
const PAGE: i64 = 5_000;
/// Cells written in one go.
const CHUNK: usize = 2_000;

/// What a recomputation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Up to which event.
    pub as_of_seq: i64,
    /// Cells that there are.
    pub cells: usize,
    /// Cells that were otherwise, with what was stored and what is right.
    pub wrong: Vec<(Key, Figures, Figures)>,
    /// Whether what is remembered of running calls and agents was otherwise.
    pub memory_differs: bool,
    /// Events that are put aside and were not counted. A rebuild counts them again.
    pub parked: usize,
}

impl Rebuilt {
    /// Whether the stored figures were right.
    pub fn agrees(&self) -> bool {
        self.wrong.is_empty() && !self.memory_differs
    }
}

/// Counts a tenant's journal from its first event on. With `check` it only compares; else it stores what is right, and the loop goes on from
/// there. Fails when the journal's beginning is no longer kept.
pub async fn rebuild(db: &Db, tenant: TenantId, check: bool) -> anyhow::Result<Rebuilt> {
    if check {
        let mut tx = db.tenant_snapshot(tenant).await?;
        store::take_your_time(&mut tx).await?;
        let seq = store::read(&mut tx).await?;
        let parked = store::parked(&mut tx).await?;
        let (cells, ledger) = count(&mut tx, seq, &parked).await?;
        let found = compare(&mut tx, seq, &parked, &cells, &ledger).await?;
        tx.commit().await?;
        return Ok(found);
    }
    let mut tx = db.tenant(tenant).await?;
    store::take_your_time(&mut tx).await?;
    store::begin(&mut tx).await?;
    // The loop passes by while this has the cursor.
    store::wait_for(&mut tx).await?;
    let parked = store::parked(&mut tx).await?;
    let head = tx.journal_head().await?.seq;
    let (cells, mut ledger) = count(&mut tx, head, &[]).await?;
    let found = compare(&mut tx, head, &parked, &cells, &ledger).await?;
    store::clear(&mut tx).await?;
    memory_store::clear(&mut tx).await?;
    store::unpark(&mut tx).await?;
    let all: Vec<(&Key, &Figures)> = cells.iter().collect();
    for chunk in all.chunks(CHUNK) {
        let piece: Cells = chunk.iter().map(|(key, figures)| (**key, (*figures).clone())).collect();
        store::add(&mut tx, &piece).await?;
    }
    memory_store::save(&mut tx, &everything(&mut ledger)).await?;
    store::advance(&mut tx, head).await?;
    tx.commit().await?;
    Ok(found)
}

fn everything(ledger: &mut Ledger) -> Changes {
    let mut changes = ledger.take_changes();
    changes.calls.retain(|_, memory| memory.is_some());
    changes
}

async fn count(tx: &mut TenantTx<'_>, to: i64, without: &[i64]) -> anyhow::Result<(Cells, Ledger)> {
    let oldest = tx.journal_head().await?.oldest;
    anyhow::ensure!(
        oldest <= 1,
        "the journal is kept from event {oldest} on: what was before it cannot be counted again"
    );
    let (mut cells, mut ledger, mut after) = (Cells::default(), Ledger::default(), 0);
    while after < to {
        let rows = store::events(tx, after, PAGE.min(to - after)).await?;
        for row in &rows {
            anyhow::ensure!(row.seq == after + 1, "event {} is missing", after + 1);
            after = row.seq;
            if without.binary_search(&row.seq).is_err() {
                ledger.apply(&row.event(), &mut cells);
            }
        }
        anyhow::ensure!(!rows.is_empty(), "event {} is missing", after + 1);
    }
    cells.prune();
    Ok((cells, ledger))
}

async fn compare(
    tx: &mut TenantTx<'_>,
    as_of_seq: i64,
    parked: &[i64],
    cells: &Cells,
    ledger: &Ledger,
) -> anyhow::Result<Rebuilt> {
    let stored = store::all(tx).await?;
    let mut keys: Vec<&Key> = stored.iter().chain(cells.iter()).map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys.dedup();
    let at = |cells: &Cells, key: &Key| cells.get(key).cloned().unwrap_or_default();
    let wrong = keys
        .into_iter()
        .map(|key| (*key, at(&stored, key), at(cells, key)))
        .filter(|(_, stored, right)| stored != right)
        .collect();
    let remembered = memory_store::all(tx).await?;
    let memory_differs = !(remembered.calls().eq(ledger.calls()) && remembered.agents().eq(ledger.agents()));
    Ok(Rebuilt { as_of_seq, cells: cells.len(), wrong, memory_differs, parked: parked.len() })
}

/// The tenant with this slug.
pub async fn tenant_of(db: &Db, slug: &str) -> Result<Option<TenantId>, DbError> {
    let mut tx = db.system().await?;
    let tenant = store::tenant_of(&mut tx, slug).await?;
    tx.commit().await?;
    Ok(tenant)
}
