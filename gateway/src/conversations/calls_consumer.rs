//! Calls in the list of conversations: a consumer of the journal that keeps, for each call with somebody outside, one line in their conversation.
//!
//! What it writes is a projection of the call's row, which its events are committed with: applied twice, or late, it ends the same. Its cursor
//! (`inbox_cursors`) moves in the command that writes the rows and their events. It looks after each tenant from the day on which it has conversations.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;

use tokio_util::sync::CancellationToken;
use trunkline_db::{CallId, Db, DbError, TenantId, TenantTx};
use trunkline_journal::{CommandError, Fault, Journal, NewEvent, Outcome};

use super::call_thread;
use super::calls_store::{self as store, Cursor, Row};
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
pub async fn watch(db: Db, journal: Journal, timing: Timing, cancel: CancellationToken) {
    let mut woken = journal.hub().committed();
    // Tenants of which a piece failed, and how many of its events are still to be taken one by one.
    let mut careful: HashMap<TenantId, i64> = HashMap::new();
    loop {
        let pause = match round(&db, &journal, &mut careful).await {
            Ok(true) => timing.gather,
            Ok(false) => timing.rest,
            Err(error) => {
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

/// Looks after every tenant that is behind. `false`: something failed.
async fn round(db: &Db, journal: &Journal, careful: &mut HashMap<TenantId, i64>) -> Result<bool, DbError> {
    let mut tx = db.system().await?;
    let behind = store::behind(&mut tx).await?;
    tx.commit().await?;
    let mut well = true;
    for tenant in behind {
        for _ in 0..TURNS {
            let left = careful.get(&tenant).copied().unwrap_or(0);
            let most = if left > 0 { 1 } else { BATCH };
            match step(db, journal, tenant, most).await? {
                Step::Done(_) if left > 0 => {
                    careful.insert(tenant, left - 1);
                }
                Step::Done(_) => {}
                Step::Level => {
                    careful.remove(&tenant);
                    break;
                }
                Step::Busy => break,
                Step::Failed => {
                    careful.insert(tenant, BATCH);
                    well = false;
                    break;
                }
            }
        }
    }
    Ok(well)
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
    }
    Ok(news)
}
