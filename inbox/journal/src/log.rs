//! The log, read by pages.

use trunkline_db::{CallId, Db, DbError, TenantId};
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

/// Most places of the log that are looked at for one call: days of a busy tenant.
const STORY_LIMIT: i64 = 500_000;
/// Places looked at first; each further step is twice as long.
const STORY_STEP: i64 = 2_000;

pub(crate) async fn call_story(
    db: &Db,
    tenant: TenantId,
    call: CallId,
    subjects: &[Uuid],
    filter: &Filter,
    is_whole: impl Fn(&[Frame]) -> bool,
) -> Result<About, DbError> {
    let mut tx = db.tenant_snapshot(tenant).await?;
    let as_of_seq = Seq(tx.as_of_seq().await?);
    let mut items = Vec::new();
    if let Some(first) = store::call_started(&mut tx, call).await.map_err(DbError::from)? {
        let (mut from, mut step) = (first, STORY_STEP);
        while from <= as_of_seq && from.get() - first.get() < STORY_LIMIT && items.len() < PAGE_LIMIT {
            let to = Seq(from.get() + step);
            items.extend(store::about(&mut tx, subjects, from, to, PAGE_LIMIT).await.map_err(DbError::from)?);
            if is_whole(&items) {
                break;
            }
            (from, step) = (to, step * 2);
        }
        items.truncate(PAGE_LIMIT);
    }
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
