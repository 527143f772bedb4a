//! The log, read by pages.

use trunkline_db::{Db, DbError, TenantId};
use uuid::Uuid;

use crate::{
    event::Seq,
    filter::Filter,
    frame::Frame,
    hub::{ReadError, Reset, Start},
    store::{self, Stretch},
};

/// Most events of a page.
pub(crate) const PAGE_LIMIT: usize = 1_000;
/// Most rows that are looked at for one page: a reader that is shown little gets a short page rather than a late one.
const SCAN_LIMIT: i64 = 10_000;

/// A page of the log.
#[derive(Debug, Clone)]
pub struct Page {
    /// The events that passed the filter, in order.
    pub items: Vec<Frame>,
    /// Where the next page begins: everything up to here was looked at.
    pub next_after: Seq,
    /// The journal's head when the page was read. With `next_after` there, this was the last page.
    pub as_of_seq: Seq,
    /// In which epoch.
    pub epoch: Uuid,
    /// The oldest event that is kept.
    pub oldest: Seq,
}

/// The events about some subjects.
#[derive(Debug, Clone)]
pub struct About {
    /// Those that passed the filter, in order.
    pub items: Vec<Frame>,
    /// The journal's head when they were read: what comes after it may be about the subjects too.
    pub as_of_seq: Seq,
}

pub(crate) async fn about(
    db: &Db,
    tenant: TenantId,
    subjects: &[Uuid],
    limit: usize,
    filter: &Filter,
) -> Result<About, DbError> {
    let limit = limit.clamp(1, PAGE_LIMIT);
    let mut tx = db.tenant_snapshot(tenant).await?;
    let as_of_seq = Seq(tx.as_of_seq().await?);
    let mut items = store::about(&mut tx, subjects, limit).await.map_err(DbError::from)?;
    tx.commit().await?;
    items.retain(|frame| filter.passes(frame.kind().as_str(), frame.scopes()));
    Ok(About { items, as_of_seq })
}

pub(crate) async fn read(
    db: &Db,
    epoch: Uuid,
    tenant: TenantId,
    start: Start,
    limit: usize,
    filter: &Filter,
) -> Result<Page, ReadError> {
    if start.epoch.is_some_and(|theirs| theirs != epoch) {
        return Err(Reset::Epoch.into());
    }
    let limit = limit.clamp(1, PAGE_LIMIT);
    let mut tx = db.tenant_snapshot(tenant).await?;
    let head = tx.journal_head().await?;
    let (head, oldest) = (Seq(head.seq), Seq(head.oldest));
    let after = start.after.unwrap_or(oldest.previous());
    check_position(after, head, oldest)?;
    if let Some(id) = start.after_id
        && store::id_at(&mut tx, after).await.map_err(DbError::from)? != Some(id)
    {
        return Err(Reset::Diverged.into());
    }
    let mut page = Page { items: Vec::new(), next_after: after, as_of_seq: head, epoch, oldest };
    while page.next_after < head && page.items.len() < limit && page.next_after.get() - after.get() < SCAN_LIMIT {
        // Who sees all takes exactly as many rows; who sees little takes more at once.
        let missing = limit - page.items.len();
        let rows = if filter.shows_all() { missing } else { missing.max(200) };
        let Some(Stretch { frames, .. }) =
            store::stretch(&mut tx, page.next_after, rows).await.map_err(DbError::from)?
        else {
            break;
        };
        if frames.is_empty() {
            break;
        }
        for frame in frames {
            if page.items.len() == limit {
                break;
            }
            if frame.seq() != page.next_after.next() {
                return Err(hole(tenant, page.next_after, frame.seq()).into());
            }
            page.next_after = frame.seq();
            if filter.passes(frame.kind().as_str(), frame.scopes()) {
                page.items.push(frame);
            }
        }
    }
    tx.commit().await?;
    Ok(page)
}

/// Whether reading may begin after this position.
pub(crate) fn check_position(after: Seq, head: Seq, oldest: Seq) -> Result<(), Reset> {
    if after > head {
        Err(Reset::Ahead)
    } else if after.next() < oldest {
        Err(Reset::Truncated)
    } else {
        Ok(())
    }
}

/// A gap in the log itself: it must not be, and a reader that passed over it would miss something.
pub(crate) fn hole(tenant: TenantId, after: Seq, next: Seq) -> Reset {
    tracing::error!(%tenant, %after, %next, "the journal has a hole");
    Reset::Diverged
}
