//! Calls in the list of conversations: a consumer of the journal that keeps, for each call with somebody outside, one line in their conversation.
//!
//! What it writes is a projection of the call's row, which its events are committed with: applied twice, or late, it ends the same. Its cursor
//! (`inbox_cursors`) moves in the command that writes the rows and their events. It looks after each tenant from the day on which it has conversations.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::time::Instant;

use tokio_util::sync::CancellationToken;
use trunkline_db::{CallId, Db, DbError, TenantId, TenantTx};
use trunkline_journal::{CommandError, Fault, Journal, NewEvent, Outcome};

use super::call_thread;
use super::calls_store::{self as store, Cursor, Row};
use super::metrics::ThreadMetrics;
use super::voicemail_thread;
use crate::figures::Timing;
use crate::settings::of_all_tenants;
use crate::settings::registry::{RESOLVE_ANSWERED, SettingValue};

/// Events that one command goes through.
const BATCH: i64 = 500;
/// Calls that one command writes of: each makes a few events.
const CALLS: usize = 40;
/// Pieces that one tenant gets before the next has its turn.
const TURNS: usize = 20;
/// After so many attempts an event is put aside.
const TRIES: i32 = 5;

/// What became of one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many events were gone through; there may be more.
    Done(usize),
    /// All was gone through before.
    Level,
    /// Another node is at it, or the database is away.
    Busy,
    /// An event could not be applied; it is tried again.
    Failed,
}

/// Keeps calls in conversations until it is told to stop.
pub async fn watch(db: Db, journal: Journal, metrics: ThreadMetrics, timing: Timing, cancel: CancellationToken) {
    let mut woken = journal.hub().committed();
    let mut keeping = Keeping { db, journal, metrics, careful: HashMap::new(), behind_since: HashMap::new() };
    loop {
        let pause = match keeping.round().await {
            Ok(true) => timing.gather,
            Ok(false) => timing.rest,
            Err(error) => {
                keeping.metrics.failures.inc();
                tracing::warn!(%error, "calls do not come into conversations; trying again");
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

struct Keeping {
    db: Db,
    journal: Journal,
    metrics: ThreadMetrics,
    /// Tenants of which a piece failed, and how many of its events are still to be taken one by one.
    careful: HashMap<TenantId, i64>,
    /// Since when a tenant is behind.
    behind_since: HashMap<TenantId, Instant>,
}

impl Keeping {
    /// Looks after every tenant that is behind. `false`: something failed.
    async fn round(&mut self) -> Result<bool, DbError> {
        let mut tx = self.db.system().await?;
        let behind = store::behind(&mut tx).await?;
        tx.commit().await?;
        let now = Instant::now();
        self.metrics.behind.set(behind.iter().map(|one| one.events).sum());
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
            let left = self.careful.get(&tenant).copied().unwrap_or(0);
            let most = if left > 0 { 1 } else { BATCH };
            match step(&self.db, &self.journal, tenant, most).await? {
                Step::Done(events) => {
                    self.metrics.events.inc_by(events as u64);
                    if left > 0 {
                        self.careful.insert(tenant, left - 1);
                    }
                }
                Step::Level => {
                    self.careful.remove(&tenant);
                    self.behind_since.remove(&tenant);
                    return Ok(true);
                }
                Step::Busy => return Ok(true),
                Step::Failed => {
                    self.metrics.failures.inc();
                    self.careful.insert(tenant, BATCH);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// Goes through up to `most` events of a tenant in one command. An event that fails alone, and for the fifth time, is put aside with its
/// call's later ones.
pub async fn step(db: &Db, journal: &Journal, tenant: TenantId, most: i64) -> Result<Step, DbError> {
    let mut tx = db.system().await?;
    let resolves = of_all_tenants(&mut tx, &[&RESOLVE_ANSWERED]).await?;
    tx.commit().await?;
    let resolves = resolves.value(tenant, &RESOLVE_ANSWERED) == SettingValue::Switch(true);
    let ran = journal.command::<_, Infallible, _>(tenant, move |tx| Box::pin(go_through(tx, most, resolves))).await;
    let failed = match ran {
        Ok(committed) => return Ok(committed.value),
        // Nothing was written, or all of it: the cursor knows.
        Err(CommandError::Unavailable(_) | CommandError::Unknown) => return Ok(Step::Busy),
        Err(CommandError::Rejected(never)) => match never {},
        Err(error) => error.to_string(),
    };
    tracing::warn!(%tenant, error = failed, "calls could not be brought into conversations");
    // Of several events nobody knows which one it was.
    if most == 1 {
        let mut tx = db.tenant(tenant).await?;
        let Some(cursor) = take(&mut tx).await? else { return Ok(Step::Busy) };
        match store::events(&mut tx, cursor.seq, 1).await?.into_iter().next() {
            Some(row) if cursor.tries + 1 >= TRIES => {
                tracing::error!(%tenant, seq = row.seq, error = failed, "an event of a call cannot be applied and is put aside");
                let call = row.call.map_or(row.subject, CallId::uuid);
                store::park(&mut tx, row.seq, call, &failed).await?;
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

async fn go_through(tx: &mut TenantTx<'_>, most: i64, resolves: bool) -> Result<Outcome<Step>, Fault<Infallible>> {
    let Some(cursor) = take(tx).await? else { return Ok(Outcome::new(Step::Busy)) };
    // What is no longer kept tells nothing any more.
    let after = cursor.seq.max(tx.journal_head().await?.oldest - 1);
    let rows = store::events(tx, after, most).await?;
    let mut calls: BTreeSet<CallId> = BTreeSet::new();
    let mut whole: Vec<Row> = Vec::new();
    for (place, row) in rows.into_iter().enumerate() {
        let is_next = i64::try_from(place).is_ok_and(|place| row.seq == after + 1 + place);
        if !is_next || (calls.len() >= CALLS && row.call.is_some_and(|call| !calls.contains(&call))) {
            break;
        }
        calls.extend(row.call);
        whole.push(row);
    }
    let Some(last) = whole.last().map(|row| row.seq) else { return Ok(Outcome::new(Step::Level)) };
    let events = apply(tx, &whole, &calls, resolves).await?;
    store::advance(tx, last).await?;
    Ok(Outcome::new(Step::Done(whole.len())).events(events))
}

async fn apply(
    tx: &mut TenantTx<'_>,
    rows: &[Row],
    calls: &BTreeSet<CallId>,
    resolves: bool,
) -> Result<Vec<NewEvent>, DbError> {
    let mut news = Vec::new();
    if calls.is_empty() {
        return Ok(news);
    }
    let parked = store::parked_of(tx, calls).await?;
    for row in rows {
        if let Some(call) = row.call.filter(|call| parked.contains(call)) {
            store::park(tx, row.seq, call.uuid(), "an earlier event of the same call is parked").await?;
        }
    }
    // In the order in which they began.
    for call in calls.iter().filter(|call| !parked.contains(call)) {
        call_thread::keep(tx, *call, resolves, &mut news).await?;
        voicemail_thread::keep(tx, *call, &mut news).await?;
    }
    Ok(news)
}
