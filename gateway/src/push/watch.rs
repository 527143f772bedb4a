//! Goes through the journal of tenants of whom somebody asked to be told. It sends nothing: it enqueues a job for each browser.

use chrono::{TimeDelta, Utc};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError, TenantId};
use trunkline_jobs::NewJob;
use trunkline_journal::Journal;

use super::rule::Reason;
use super::send::{Payload, SEND};
use super::store;
use crate::figures::Timing;

/// Events that one transaction goes through.
const BATCH: i64 = 200;
/// Pieces that one tenant gets before the next has its turn.
const TURNS: usize = 20;
/// Older events are what was missed: the list shows them.
const OLD: TimeDelta = TimeDelta::minutes(10);
/// For so long it may yet be seen, or read, by other ways.
pub(super) const WAIT: TimeDelta = TimeDelta::seconds(5);
/// How often a push service is tried: with what lies between attempts, for some minutes.
const ATTEMPTS: u16 = 6;

/// Looks at the journal until it is told to stop.
pub async fn watch(db: Db, journal: Journal, timing: Timing, cancel: CancellationToken) {
    let mut woken = journal.hub().committed();
    loop {
        let pause = match round(&db).await {
            Ok(()) => timing.gather,
            Err(error) => {
                tracing::warn!(%error, "nobody can be told of what came into the inbox; trying again");
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

async fn round(db: &Db) -> Result<(), DbError> {
    let mut tx = db.system().await?;
    let behind = store::behind(&mut tx).await?;
    tx.commit().await?;
    for tenant in behind {
        for _ in 0..TURNS {
            if !step(db, tenant).await? {
                break;
            }
        }
    }
    Ok(())
}

/// One transaction: the cursor moves with the jobs that it makes. `false`: there is no more, or another node is at it.
async fn step(db: &Db, tenant: TenantId) -> Result<bool, DbError> {
    let mut tx = db.tenant(tenant).await?;
    let Some(cursor) = store::take(&mut tx).await? else { return Ok(false) };
    // The head first: whatever is committed up to it is seen by what is read after.
    let head = tx.journal_head().await?;
    let after = cursor.max(head.oldest - 1);
    let news = store::news(&mut tx, after, head.seq, BATCH).await?;
    let more = i64::try_from(news.len()).is_ok_and(|found| found == BATCH);
    let reached = if more { news.last().map_or(head.seq, |last| last.seq) } else { head.seq };
    let readers = if news.is_empty() { Vec::new() } else { store::readers(&mut tx).await? };
    let now = Utc::now();
    for event in news.iter().filter(|event| event.at > now - OLD) {
        for (reader, browsers) in &readers {
            let Some(reason) = event.reason(reader) else { continue };
            for browser in browsers {
                trunkline_jobs::enqueue(&mut tx, job(*browser, event.seq, reason)).await?;
            }
        }
    }
    store::advance(&mut tx, reached).await?;
    tx.commit().await?;
    Ok(more)
}

fn job(browser: uuid::Uuid, seq: i64, reason: Reason) -> NewJob {
    let payload = Payload { subscription_id: browser, news: Some((seq, reason)) };
    NewJob::new(SEND, json!(payload)).run_at(Utc::now() + WAIT).max_attempts(ATTEMPTS)
}
