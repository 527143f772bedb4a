//! The worklist keeps itself: a consumer of the journal that looks at each call when it is answered and when it has ended.
//!
//! Its cursor (`worklist_cursors`) moves in the command that writes the rows and their events. It has no other effect.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use trunkline_db::{CallId, Db, DbError, TenantId, TenantTx};
use trunkline_journal::{CommandError, Fault, Journal, Outcome};

use super::keep::{self, Terms};
use super::metrics::WorklistMetrics;
use super::store::{self, Cursor, Row};
use crate::figures::Timing;

/// Events that one command goes through.
const BATCH: i64 = 500;
/// Calls that one command looks at: each makes an event or two.
const CALLS: usize = 100;
/// Pieces that one tenant gets before the next has its turn.
const TURNS: usize = 20;
/// How often what is open is counted.
const COUNT_EVERY: Duration = Duration::from_secs(15);
/// After so many attempts an event is put aside.
const TRIES: i32 = 5;

/// What became of one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// So many events were gone through, and these were told; there may be more.
    Done(usize, Vec<&'static str>),
    /// All was gone through before.
    Level,
    /// Another node is at it, or the database is away.
    Busy,
    /// An event could not be applied; it is tried again.
    Failed,
}

/// Keeps worklists until it is told to stop.
pub async fn watch(db: Db, journal: Journal, metrics: WorklistMetrics, timing: Timing, cancel: CancellationToken) {
    let mut woken = journal.hub().committed();
    let mut keeping =
        Keeping { db, journal, metrics, careful: HashMap::new(), behind_since: HashMap::new(), counted: None };
    loop {
        let pause = match keeping.round().await {
            Ok(true) => timing.gather,
            Ok(false) => timing.rest,
            Err(error) => {
                keeping.metrics.failures.inc();
                tracing::warn!(%error, "the worklists of calls to return do not go on; trying again");
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
    metrics: WorklistMetrics,
    /// Tenants of which a piece failed, and how many of its events are still to be taken one by one.
    careful: HashMap<TenantId, i64>,
    /// Since when a tenant is behind.
    behind_since: HashMap<TenantId, Instant>,
    /// When what is open was counted.
    counted: Option<Instant>,
}

impl Keeping {
    /// Looks after every tenant that is behind. `false`: something failed.
    async fn round(&mut self) -> Result<bool, DbError> {
        let mut tx = self.db.system().await?;
        let behind = store::behind(&mut tx).await?;
        let now = Instant::now();
        if self.counted.is_none_or(|counted| now - counted >= COUNT_EVERY) {
            let (open, voicemails) = store::open_of_all(&mut tx).await?;
            self.metrics.open.set(open);
            self.metrics.voicemails.set(voicemails);
            self.counted = Some(now);
        }
        tx.commit().await?;
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
                Step::Done(events, told) => {
                    self.metrics.events.inc_by(events as u64);
                    self.metrics.note(&told);
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

/// Goes through up to `most` events of a tenant in one command. An event that fails alone, and for the fifth time, is put aside.
pub async fn step(db: &Db, journal: &Journal, tenant: TenantId, most: i64) -> Result<Step, DbError> {
    let terms = Terms::of(db, tenant).await?;
    let ran = journal.command::<_, Infallible, _>(tenant, move |tx| Box::pin(go_through(tx, most, terms))).await;
    let failed = match ran {
        Ok(committed) => return Ok(committed.value),
        // Nothing was written, or all of it: the cursor knows.
        Err(CommandError::Unavailable(_) | CommandError::Unknown) => return Ok(Step::Busy),
        Err(CommandError::Rejected(never)) => match never {},
        Err(error) => error.to_string(),
    };
    tracing::warn!(%tenant, error = failed, "calls could not be brought into the worklist");
    // Of several events nobody knows which one it was.
    if most == 1 {
        let mut tx = db.tenant(tenant).await?;
        let Some(cursor) = take(&mut tx).await? else { return Ok(Step::Busy) };
        match store::events(&mut tx, cursor.seq, 1).await?.into_iter().next() {
            Some(row) if cursor.tries + 1 >= TRIES => {
                tracing::error!(%tenant, seq = row.seq, error = failed, "an event of a call cannot be applied and is put aside");
                store::park(&mut tx, row.seq, row.subject, &failed).await?;
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

async fn go_through(tx: &mut TenantTx<'_>, most: i64, terms: Terms) -> Result<Outcome<Step>, Fault<Infallible>> {
    let Some(cursor) = take(tx).await? else { return Ok(Outcome::new(Step::Busy)) };
    // What is no longer kept tells nothing any more.
    let after = cursor.seq.max(tx.journal_head().await?.oldest - 1);
    let mut calls: BTreeSet<CallId> = BTreeSet::new();
    let mut whole: Vec<Row> = Vec::new();
    for (place, row) in store::events(tx, after, most).await?.into_iter().enumerate() {
        let is_next = i64::try_from(place).is_ok_and(|place| row.seq == after + 1 + place);
        if !is_next || (calls.len() >= CALLS && row.call.is_some_and(|call| !calls.contains(&call))) {
            break;
        }
        calls.extend(row.call);
        whole.push(row);
    }
    let Some(last) = whole.last().map(|row| row.seq) else { return Ok(Outcome::new(Step::Level)) };
    let mut news = Vec::new();
    // In the order in which they began.
    for call in calls {
        keep::look_at(tx, call, terms, &mut news).await?;
    }
    store::advance(tx, last).await?;
    let told = news.iter().map(|news| news.kind).collect();
    let events: Vec<_> = news.into_iter().map(keep::News::event).collect();
    Ok(Outcome::new(Step::Done(whole.len(), told)).events(events))
}
