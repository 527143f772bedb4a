//! What is remembered of a running call: how it waits, who is asked, and who has it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::agent::{Handled, LONGEST_MS};
use crate::event::{Target, Unanswered};
use crate::figures::Cells;
use crate::quarter::Quarter;

/// A call's stay in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stay {
    queue: Uuid,
    since: i64,
    level_ms: i64,
    short_ms: i64,
}

impl Stay {
    fn quarter(&self) -> Quarter {
        Quarter::of(self.since)
    }
}

/// An agent's part in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    queue: Option<Uuid>,
    since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_since: Option<i64>,
    #[serde(default)]
    held_ms: i64,
}

/// What has to be remembered of a running call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallMemory {
    /// Its stay in a queue, until that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stay: Option<Stay>,
    /// The queue that it was in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<Uuid>,
    /// Agents whose phones ring, and where that is counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    offers: BTreeMap<Uuid, Handled>,
    /// Agents who answered and have not finished.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<Uuid, Part>,
}

fn span(from: i64, to: i64) -> i64 {
    to.saturating_sub(from).clamp(0, LONGEST_MS)
}

impl CallMemory {
    /// The agents who have the call.
    pub fn agents(&self) -> impl Iterator<Item = Uuid> {
        self.parts.keys().copied()
    }

    pub(crate) fn has(&self, agent: Uuid) -> bool {
        self.parts.contains_key(&agent)
    }

    pub(crate) fn queued(&mut self, at: i64, queue: Uuid, (level_ms, short_ms): (i64, i64), cells: &mut Cells) {
        match &self.stay {
            // An offer passed, or a gateway began anew: it waits on.
            Some(stay) if stay.queue == queue => return,
            Some(_) => self.leave(at, Unanswered::Overflowed, cells),
            None => {}
        }
        self.offers.clear();
        self.queue = Some(queue);
        self.stay = Some(Stay { queue, since: at, level_ms, short_ms });
        cells.at(Quarter::of(at), Some(queue), None).offered += 1;
    }

    pub(crate) fn offered(&mut self, at: i64, agent: Uuid, queue: Option<Uuid>, cells: &mut Cells) {
        let offer = Handled { queue: queue.or(self.queue), quarter: Quarter::of(at) };
        cells.at(offer.quarter, offer.queue, Some(agent)).offers += 1;
        self.offers.insert(agent, offer);
    }

    /// An offer passed. Told twice, by an event of its own and by the call that waits again, it is counted once.
    pub(crate) fn missed(&mut self, agent: Uuid, cells: &mut Cells) {
        if let Some(offer) = self.offers.remove(&agent) {
            cells.at(offer.quarter, offer.queue, Some(agent)).missed_offers += 1;
        }
    }

    /// An agent answered. `None`: they had the call already.
    pub(crate) fn answered(&mut self, at: i64, agent: Uuid, queue: Option<Uuid>, cells: &mut Cells) -> Option<Handled> {
        self.offers.clear();
        let stay = self.stay.take();
        if let Some(stay) = stay {
            let wait = span(stay.since, at);
            let cell = cells.at(stay.quarter(), Some(stay.queue), Some(agent));
            cell.answered += 1;
            cell.answered_in_level += i64::from(wait <= stay.level_ms);
            cell.answer_wait_ms = cell.answer_wait_ms.saturating_add(wait);
            cell.longest_wait_ms = cell.longest_wait_ms.max(wait);
        }
        if self.has(agent) {
            return None;
        }
        let queue = stay.map(|stay| stay.queue).or(queue).or(self.queue);
        self.parts.insert(agent, Part { queue, since: at, held_since: None, held_ms: 0 });
        Some(Handled { queue, quarter: Quarter::of(at) })
    }

    /// Whose hold an event speaks of: the agent named, else the only one who has the call.
    fn part(&mut self, agent: Option<Uuid>) -> Option<&mut Part> {
        match agent {
            Some(agent) => self.parts.get_mut(&agent),
            None if self.parts.len() == 1 => self.parts.values_mut().next(),
            None => None,
        }
    }

    pub(crate) fn held(&mut self, at: i64, agent: Option<Uuid>) {
        if let Some(part) = self.part(agent) {
            part.held_since.get_or_insert(at);
        }
    }

    pub(crate) fn resumed(&mut self, at: i64, agent: Option<Uuid>) {
        if let Some(part) = self.part(agent)
            && let Some(since) = part.held_since.take()
        {
            part.held_ms = part.held_ms.saturating_add(span(since, at));
        }
    }

    /// An agent handed the call on: where that is counted for them and for whoever gets it. Their own part is over with it
    /// ([`finished`](Self::finished)).
    pub(crate) fn transferred(
        &mut self,
        at: i64,
        by: Option<Uuid>,
        to: Target,
        queue: Option<Uuid>,
        cells: &mut Cells,
    ) {
        if let Some(by) = by {
            let (queue, quarter) = match self.parts.get(&by) {
                Some(part) => (part.queue, Quarter::of(part.since)),
                None => (queue.or(self.queue), Quarter::of(at)),
            };
            cells.at(quarter, queue, Some(by)).transfers_out += 1;
        }
        match to {
            Target::Agent(agent) => cells.at(Quarter::of(at), None, Some(agent)).transfers_in += 1,
            Target::Queue(queue) => cells.at(Quarter::of(at), Some(queue), None).transfers_in += 1,
            Target::Elsewhere => {}
        }
    }

    /// An agent's part is over. Whether there was one.
    pub(crate) fn finished(&mut self, at: i64, agent: Uuid, cells: &mut Cells) -> bool {
        let Some(part) = self.parts.remove(&agent) else { return false };
        let whole = span(part.since, at);
        let held = part.held_ms.saturating_add(part.held_since.map_or(0, |since| span(since, at))).min(whole);
        let cell = cells.at(Quarter::of(part.since), part.queue, Some(agent));
        cell.contacts += 1;
        cell.talk_ms = cell.talk_ms.saturating_add(whole - held);
        cell.hold_ms = cell.hold_ms.saturating_add(held);
        true
    }

    /// The call no longer waits, and nobody answered.
    pub(crate) fn leave(&mut self, at: i64, how: Unanswered, cells: &mut Cells) {
        let Some(stay) = self.stay.take() else { return };
        let wait = span(stay.since, at);
        let cell = cells.at(stay.quarter(), Some(stay.queue), None);
        cell.longest_wait_ms = cell.longest_wait_ms.max(wait);
        match how {
            Unanswered::Abandoned => {
                cell.abandoned += 1;
                cell.short_abandoned += i64::from(wait < stay.short_ms);
                cell.abandon_wait_ms = cell.abandon_wait_ms.saturating_add(wait);
            }
            Unanswered::Overflowed => cell.overflowed += 1,
            Unanswered::Unserved => cell.unserved += 1,
        }
    }
}
