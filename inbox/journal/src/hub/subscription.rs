//! A subscription: a position in the log, and the rules of what its reader is told.

use std::{
    future::{Future, pending},
    pin::Pin,
    time::{Duration, Instant},
};

use smallvec::SmallVec;

use super::{
    Reset, Seat,
    channel::{LOG_PAGE, read_stretch},
    ring::Bounds,
};
use crate::{
    event::{Scope, Seq},
    filter::Filter,
    frame::{Frame, Signal},
    log::hole,
};

/// Most items that are handed out at once.
const BATCH_ITEMS: usize = 512;
/// About as many bytes are handed out at once.
const BATCH_BYTES: usize = 256 * 1024;
/// Of no version: there is something to look at.
const UNSEEN: u64 = u64::MAX;
/// How long a reader behind the ring waits before it asks a database that failed again.
const LOG_RETRY: Duration = Duration::from_millis(500);

/// Something for a reader.
#[derive(Debug, Clone)]
pub enum Item {
    /// An event.
    Event(Frame),
    /// Everything up to here, after the last event or `Skipped`, was not for this reader.
    Skipped(Seq),
    /// The reader is level with the head; said once.
    CaughtUp(Seq),
    /// Live, and never kept.
    Signal(Signal),
    /// The reader starts over from a snapshot; nothing follows.
    Reset(Reset),
}

/// What is pending for a reader: it is written in one go.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// At least one, in order.
    pub items: Items,
}

/// A few items need no memory of their own.
pub type Items = SmallVec<[Item; 4]>;

/// Gets every event of a tenant after its position exactly once, in order.
#[derive(Debug)]
pub struct Subscription {
    seat: Seat,
    cursor: Cursor,
}

/// A reader's place, and what it was told. There may be very many, most of them waiting: it is kept small.
#[derive(Debug)]
struct Cursor {
    filter: Box<Filter>,
    /// Everything up to here was looked at.
    position: Seq,
    /// Everything up to here was told: as an event, or as skipped.
    told: Seq,
    /// Since when there is something to be told as skipped.
    skipping_since: Option<Instant>,
    /// The channel's version that was looked at.
    seen: u64,
    signals: u64,
    permissions: u64,
    generation: u32,
    caught_up: bool,
    ended: bool,
    /// Whether the filter lets pass whatever the whole tenant may see: the usual case, found without hashing a scope.
    all_of_tenants: bool,
}

enum Look {
    /// Nothing more for now.
    Level,
    /// The position is behind the ring.
    Behind,
}

impl Subscription {
    pub(super) fn new(seat: Seat, after: Seq, filter: Filter) -> Self {
        let (signals, permissions, generation) = {
            let state = seat.channel.state();
            (state.signalled(), state.permissions, state.generation)
        };
        let cursor = Cursor {
            all_of_tenants: filter.kinds.is_empty() && filter.viewer.sees(&[Scope::Tenant]),
            filter: Box::new(filter),
            position: after,
            told: after,
            skipping_since: None,
            seen: UNSEEN,
            signals,
            permissions,
            generation,
            caught_up: false,
            ended: false,
        };
        Self { seat, cursor }
    }

    /// The seat it listens from.
    pub fn seat(&self) -> &Seat {
        &self.seat
    }

    /// Everything up to here was looked at.
    pub fn position(&self) -> Seq {
        self.cursor.position
    }

    /// Waits for what comes next. Cancel-safe. After a [`Item::Reset`] nothing comes any more.
    ///
    /// While the database is away, what is in memory is still served; what is not waits for it to come back.
    pub async fn next(&mut self) -> Batch {
        let Self { seat, cursor } = self;
        loop {
            if cursor.ended {
                pending::<()>().await;
            }
            seat.channel.changed(cursor.seen).await;
            let mut items = Items::new();
            let look = cursor.look(seat, &mut items);
            if items.is_empty() && matches!(look, Look::Behind) {
                read_log(seat, cursor, &mut items).await;
            }
            if !items.is_empty() {
                return Batch { items };
            }
        }
    }
}

impl Cursor {
    /// Takes what is in memory.
    fn look(&mut self, seat: &Seat, items: &mut Items) -> Look {
        // Before looking: what comes from now on is a change.
        self.seen = seat.channel.version();
        let state = seat.channel.state();
        if state.generation != self.generation {
            self.end(state.reset, items);
            return Look::Level;
        }
        if state.permissions != self.permissions {
            let mine = self.filter.viewer.user.and_then(|user| state.permissions_of.get(&user));
            if mine.is_some_and(|change| *change > self.permissions) {
                self.end(Reset::Permissions, items);
                return Look::Level;
            }
            self.permissions = state.permissions;
        }
        if state.signalled() != self.signals {
            let wanted = |signal: &&Signal| self.filter.passes(signal.kind().as_str(), signal.scopes());
            items.extend(state.signals_after(self.signals).filter(wanted).cloned().map(Item::Signal));
            self.signals = state.signalled();
        }
        if self.position.next() < state.ring.first() {
            self.seen = UNSEEN;
            return Look::Behind;
        }
        let mut bytes = 0;
        for frame in state.ring.after(self.position) {
            if items.len() >= BATCH_ITEMS || bytes >= BATCH_BYTES {
                self.seen = UNSEEN;
                return Look::Level;
            }
            bytes += frame.text().len();
            self.pass(frame, items);
        }
        drop(state);
        if !self.caught_up {
            self.caught_up = true;
            self.tell_skipped(items);
            items.push(Item::CaughtUp(self.position));
        }
        self.tell_skipped_in_time(seat, items);
        Look::Level
    }

    /// Looks at the frame after the position.
    fn pass(&mut self, frame: &Frame, items: &mut Items) {
        let seq = frame.seq();
        let scopes = frame.scopes();
        let passes = self.all_of_tenants && scopes.contains(&Scope::Tenant);
        if passes || self.filter.passes(frame.kind().as_str(), scopes) {
            // What was not shown is told before the next event.
            if self.told.next() < seq {
                items.push(Item::Skipped(seq.previous()));
            }
            items.push(Item::Event(frame.clone()));
            self.told = seq;
            self.skipping_since = None;
        } else if self.skipping_since.is_none() {
            self.skipping_since = Some(Instant::now());
        }
        self.position = seq;
    }

    fn tell_skipped_in_time(&mut self, seat: &Seat, items: &mut Items) {
        if let Some(since) = self.skipping_since {
            // The hub ticks five times in that span: told at four fifths, it is never late.
            if since.elapsed() >= seat.hub.config.skipped_every * 4 / 5 {
                self.tell_skipped(items);
            } else {
                seat.channel.has_skips();
            }
        }
    }

    fn tell_skipped(&mut self, items: &mut Items) {
        if self.told < self.position {
            items.push(Item::Skipped(self.position));
            self.told = self.position;
        }
        self.skipping_since = None;
    }

    fn end(&mut self, reset: Reset, items: &mut Items) {
        self.ended = true;
        items.push(Item::Reset(reset));
    }
}

/// Takes a page of the log. Boxed: its state is large, and hardly any reader is here at any time.
fn read_log<'a>(
    seat: &'a Seat,
    cursor: &'a mut Cursor,
    items: &'a mut Items,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    let (channel, hub) = (&seat.channel, &seat.hub);
    let bounds = Bounds { frames: hub.config.ring_frames, bytes: hub.config.ring_bytes };
    // Those who come back together after a break are behind by the same little: one reads it for all.
    let near = move |position: Seq| {
        let state = channel.state();
        let missing = state.ring.first().get() - position.get() - 1;
        (missing, missing > 0 && state.ring.has_room(bounds) && missing <= bounds.frames as i64)
    };
    Box::pin(async move {
        let (mut missing, mut warm) = near(cursor.position);
        let _warming = if warm { Some(channel.warming.lock().await) } else { None };
        if warm {
            (missing, warm) = near(cursor.position);
            if missing <= 0 {
                return;
            }
        }
        let limit = if warm { missing as usize } else { LOG_PAGE };
        let stretch = match read_stretch(hub, channel.tenant(), cursor.position, limit).await {
            Ok(Some(stretch)) => stretch,
            Ok(None) => return cursor.end(Reset::Diverged, items),
            Err(error) => {
                tracing::debug!(tenant = %channel.tenant(), %error, "the log could not be read; trying again");
                tokio::time::sleep(LOG_RETRY).await;
                return;
            }
        };
        if cursor.position.next() < stretch.oldest {
            return cursor.end(Reset::Truncated, items);
        }
        if stretch.frames.is_empty() {
            // The ring begins later, so there must be something.
            return cursor.end(hole(channel.tenant(), cursor.position, stretch.head), items);
        }
        if warm {
            channel.state().ring.extend_back(&stretch.frames, bounds);
        }
        for frame in &stretch.frames {
            if frame.seq() != cursor.position.next() {
                return cursor.end(hole(channel.tenant(), cursor.position, frame.seq()), items);
            }
            cursor.pass(frame, items);
        }
        cursor.tell_skipped_in_time(seat, items);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_reader_is_small() {
        // What a connection costs is mostly its buffers; a reader's place must not show beside them.
        assert!(size_of::<Subscription>() <= 128, "{}", size_of::<Subscription>());
        fn future_of<F>(_: impl FnOnce(&'static mut Subscription) -> F) -> usize {
            size_of::<F>()
        }
        let waiting = future_of(Subscription::next);
        assert!(waiting <= 320, "{waiting}");
    }
}
