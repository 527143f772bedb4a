//! The loop that counts: it waits for the journal, and takes what is new of each tenant in bounded pieces.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError, TenantId, TenantTx};
use trunkline_figures::{Cells, Ledger, agents_of, subjects};
use trunkline_journal::Journal;
use uuid::Uuid;

use super::memory_store;
use super::metrics::FigureMetrics;
use super::store::{self, Cursor, Row};

/// Events of one transaction.
const BATCH: i64 = 500;
/// Pieces that one tenant gets before the next has its turn.
const TURNS: usize = 20;
/// After so many attempts an event is put aside.
const TRIES: i32 = 5;

/// How often the loop does what.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// What comes within this time is counted together.
    pub gather: Duration,
    /// How often it looks although nobody woke it: another node may have died.
    pub poll: Duration,
    /// How long it rests when something failed.
    pub rest: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { gather: Duration::from_millis(100), poll: Duration::from_secs(1), rest: Duration::from_secs(1) }
    }
}

/// What became of one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many events were counted; there may be more.
    Counted(usize),
    /// All was counted before.
    Level,
    /// Another node is at it.
    Busy,
    /// An event could not be counted; it is tried again.
    Failed,
}

/// Counts until it is told to stop.
pub async fn watch(db: Db, journal: Journal, metrics: FigureMetrics, timing: Timing, cancel: CancellationToken) {
    let mut woken = journal.hub().committed();
    let mut counting = Counting { db, metrics, careful: HashMap::new(), behind_since: HashMap::new() };
    loop {
        let pause = match counting.round().await {
            Ok(true) => timing.gather,
            Ok(false) => timing.rest,
            Err(error) => {
                tracing::warn!(%error, "figures are not counted; trying again");
                timing.rest
            }
        };
        let waited = async {
            tokio::time::sleep(pause).await;
            let _ = tokio::time::timeout(timing.poll, woken.changed()).await;
        };
        if cancel.run_until_cancelled(waited).await.is_none() {
            return;
        }
    }
}

struct Counting {
    db: Db,
    metrics: FigureMetrics,
    /// Tenants of which a piece failed, and how many of its events are still to be taken one by one.
    careful: HashMap<TenantId, i64>,
    behind_since: HashMap<TenantId, Instant>,
}

impl Counting {
    /// Looks after every tenant that is behind. `false`: something failed.
    async fn round(&mut self) -> Result<bool, DbError> {
        let mut tx = self.db.system().await?;
        let behind = store::behind(&mut tx).await?;
        let parked = store::parked_count(&mut tx).await?;
        tx.commit().await?;
        self.metrics.parked.set(parked);
        self.metrics.behind.set(behind.iter().map(|one| one.events).sum());
        let now = Instant::now();
        self.behind_since.retain(|tenant, _| behind.iter().any(|one| one.tenant == *tenant));
        for one in &behind {
            self.behind_since.entry(one.tenant).or_insert(now);
        }
        let longest = self.behind_since.values().map(|since| now - *since).max().unwrap_or_default();
        self.metrics.behind_seconds.set(longest.as_secs_f64());
        let mut well = true;
        for one in behind {
            well &= self.look_after(one.tenant).await?;
        }
        Ok(well)
    }

    async fn look_after(&mut self, tenant: TenantId) -> Result<bool, DbError> {
        for _ in 0..TURNS {
            let careful = self.careful.get(&tenant).copied().unwrap_or(0);
            let most = if careful > 0 { 1 } else { BATCH };
            let stepped = step(&self.db, tenant, most).await;
            match stepped {
                Ok(Step::Counted(events)) => {
                    self.metrics.events.inc_by(events as u64);
                    if careful > 0 {
                        self.careful.insert(tenant, careful - 1);
                    }
                    if careful == 0 && (events as i64) < most {
                        self.level(tenant);
                        return Ok(true);
                    }
                }
                Ok(Step::Level) => {
                    self.level(tenant);
                    return Ok(true);
                }
                Ok(Step::Busy) => return Ok(true),
                Ok(Step::Failed) => {
                    self.metrics.failures.inc();
                    self.careful.insert(tenant, BATCH);
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn level(&mut self, tenant: TenantId) {
        self.careful.remove(&tenant);
        self.behind_since.remove(&tenant);
    }
}

/// Counts up to `most` events of a tenant in one transaction. An event that fails alone, and for the fifth time, is put aside with its
/// subject's later ones.
pub async fn step(db: &Db, tenant: TenantId, most: i64) -> Result<Step, DbError> {
    let failed = match try_step(db, tenant, most).await {
        // Somebody else was quicker, which says nothing of the events.
        Err(error) if error.is_contention() => return Ok(Step::Busy),
        Err(error) if !error.is_unavailable() => error,
        done => return done,
    };
    tracing::warn!(%tenant, error = %failed, "events could not be counted");
    let mut tx = db.tenant(tenant).await?;
    let Some(cursor) = take(&mut tx).await? else { return Ok(Step::Busy) };
    // Of several events nobody knows which one it was.
    if most == 1 {
        let next = match store::events(&mut tx, cursor.seq, 1).await {
            Ok(rows) => rows.into_iter().next(),
            Err(error) => return Err(error),
        };
        match next {
            Some(row) if cursor.tries + 1 >= TRIES => {
                tracing::error!(%tenant, seq = row.seq, kind = row.kind, error = %failed, "an event cannot be counted and is put aside");
                store::park(&mut tx, row.seq, row.subject, &failed.to_string()).await?;
                store::advance(&mut tx, row.seq).await?;
            }
            _ => store::failed(&mut tx).await?,
        }
        tx.commit().await?;
    }
    Ok(Step::Failed)
}

/// The cursor, begun if there is none yet; `None`: somebody else has it.
async fn take(tx: &mut TenantTx<'_>) -> Result<Option<Cursor>, DbError> {
    if let Some(cursor) = store::take(tx).await? {
        return Ok(Some(cursor));
    }
    store::begin(tx).await?;
    store::take(tx).await
}

async fn try_step(db: &Db, tenant: TenantId, most: i64) -> Result<Step, DbError> {
    let mut tx = db.tenant(tenant).await?;
    let Some(cursor) = take(&mut tx).await? else { return Ok(Step::Busy) };
    // What is no longer kept cannot be counted.
    let after = cursor.seq.max(tx.journal_head().await?.oldest - 1);
    let rows = store::events(&mut tx, after, most).await?;
    let whole: Vec<Row> = rows
        .into_iter()
        .enumerate()
        .take_while(|(n, row)| row.seq == after + 1 + *n as i64)
        .map(|(_, row)| row)
        .collect();
    let Some(last) = whole.last().map(|row| row.seq) else { return Ok(Step::Level) };
    apply(&mut tx, &whole).await?;
    store::advance(&mut tx, last).await?;
    tx.commit().await?;
    Ok(Step::Counted(whole.len()))
}

/// Counts events that follow each other.
async fn apply(tx: &mut TenantTx<'_>, rows: &[Row]) -> Result<(), DbError> {
    let named: BTreeSet<Uuid> = subjects(rows.iter().map(Row::event));
    if named.is_empty() {
        return Ok(());
    }
    let named: Vec<Uuid> = named.into_iter().collect();
    let parked = store::parked_of(tx, &named).await?;
    let mut ledger = Ledger::default();
    let (calls, agents) = memory_store::load(tx, &named).await?;
    let others: Vec<Uuid> = agents_of(calls.iter().map(|(_, call)| call))
        .into_iter()
        .filter(|id| named.binary_search(id).is_err())
        .collect();
    let (_, others) = if others.is_empty() { Default::default() } else { memory_store::load(tx, &others).await? };
    for (id, memory) in calls {
        ledger.put_call(id, memory);
    }
    for (id, memory) in agents.into_iter().chain(others) {
        ledger.put_agent(id, memory);
    }
    let mut cells = Cells::default();
    for row in rows {
        if parked.contains(&row.subject) {
            store::park(tx, row.seq, row.subject, "an earlier event of the same subject is parked").await?;
        } else {
            ledger.apply(&row.event(), &mut cells);
        }
    }
    cells.prune();
    if !cells.is_empty() {
        store::add(tx, &cells).await?;
    }
    memory_store::save(tx, &ledger.take_changes()).await
}
