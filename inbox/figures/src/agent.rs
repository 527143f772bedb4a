//! What is remembered of an agent: what they do, since when, and which calls they have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::Wish;
use crate::figures::Cells;
use crate::quarter::{Quarter, split};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// The longest that one stretch of anything may count: beyond it the clock was wrong, or an event is missing.
pub(crate) const LONGEST_MS: i64 = 7 * DAY_MS;
/// An absence counts for a day: else each quarter hour of a holiday would be a cell.
const LONGEST_ABSENCE_MS: i64 = DAY_MS;
/// An event that is older than the one before by less came late (call control writes from a spool), and time does not go back for it. By
/// more, and the clock had been wrong.
const LATE_MS: i64 = DAY_MS;

/// What an agent is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Ready for a call.
    Available,
    /// With a call.
    OnContact,
    /// Finishing one.
    WrapUp,
    /// Wants no call for a while.
    Paused,
    /// Signed out.
    Offline,
    /// Would take calls, and no phone can be reached.
    Unreachable,
}

/// The cell of a call that the agent answered: its queue, and the quarter hour of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handled {
    pub(crate) queue: Option<Uuid>,
    pub(crate) quarter: Quarter,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct WrapUp {
    of: Handled,
    since: i64,
}

/// What has to be remembered of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentMemory {
    /// What the agent wants, once it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wish: Option<Wish>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    /// What the router says that the agent does; without it, it is told by wish and calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<Activity>,
    /// Up to when time is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    /// Calls that the agent answered and has not finished with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    on: BTreeMap<Uuid, Handled>,
    /// The last one that was finished with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<(Uuid, Handled)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wrapping_up: Option<WrapUp>,
}

impl AgentMemory {
    /// What the agent is doing; `None` before anything was said.
    pub fn activity(&self) -> Option<Activity> {
        if self.told.is_some() {
            return self.told;
        }
        if !self.on.is_empty() {
            return Some(Activity::OnContact);
        }
        Some(match self.wish? {
            Wish::Available => Activity::Available,
            Wish::Paused => Activity::Paused,
            Wish::Offline => Activity::Offline,
        })
    }

    /// Counts the time up to now, which the next event would count too: for a report that is read in between.
    pub fn until(&self, me: Uuid, now_ms: i64, cells: &mut Cells) {
        self.clone().settle(me, now_ms, cells);
    }

    /// Counts what the agent did up to a moment.
    fn settle(&mut self, me: Uuid, at: i64, cells: &mut Cells) {
        let (Some(activity), Some(since)) = (self.activity(), self.since) else {
            self.since = Some(at);
            return;
        };
        let longest = if activity == Activity::Offline { LONGEST_ABSENCE_MS } else { LONGEST_MS };
        for (quarter, ms) in split(since, at.min(since.saturating_add(longest))) {
            let cell = cells.at(quarter, None, Some(me));
            let sum = match activity {
                Activity::Available => &mut cell.available_ms,
                Activity::OnContact => &mut cell.on_contact_ms,
                Activity::WrapUp => &mut cell.wrapping_up_ms,
                Activity::Paused => &mut cell.paused_ms,
                Activity::Offline => &mut cell.offline_ms,
                Activity::Unreachable => &mut cell.unreachable_ms,
            };
            *sum = sum.saturating_add(ms);
            if activity == Activity::Paused {
                cell.pause(&self.reason, ms);
            }
        }
        if at >= since || since.saturating_sub(at) > LATE_MS {
            self.since = Some(at);
        }
    }

    pub(crate) fn answered(&mut self, me: Uuid, at: i64, call: Uuid, handled: Handled, cells: &mut Cells) {
        self.settle(me, at, cells);
        self.on.insert(call, handled);
    }

    pub(crate) fn finished(&mut self, me: Uuid, at: i64, call: Uuid, cells: &mut Cells) {
        self.settle(me, at, cells);
        if let Some(handled) = self.on.remove(&call) {
            self.latest = Some((call, handled));
        }
    }

    /// What the agent, or somebody for them, asked for.
    pub(crate) fn wishes(&mut self, me: Uuid, at: i64, (wish, reason): (Wish, String), cells: &mut Cells) {
        self.settle(me, at, cells);
        (self.wish, self.reason) = (Some(wish), reason);
    }

    /// What the router says that the agent does from now on.
    pub(crate) fn does(&mut self, me: Uuid, at: i64, (told, work): (Activity, Option<Uuid>), cells: &mut Cells) {
        self.settle(me, at, cells);
        if let Some(WrapUp { of, since }) = self.wrapping_up.take() {
            let sum = &mut cells.at(of.quarter, of.queue, Some(me)).wrap_up_ms;
            *sum = sum.saturating_add(at.saturating_sub(since).clamp(0, LONGEST_MS));
        }
        self.told = Some(told);
        if told == Activity::WrapUp {
            self.wrapping_up = Some(WrapUp { of: self.wrapped(work, at), since: at });
        }
    }

    /// Which call is wrapped up: the one that is named, else the last one.
    fn wrapped(&self, work: Option<Uuid>, at: i64) -> Handled {
        let named = |call: Uuid| {
            let latest = self.latest.filter(|(latest, _)| *latest == call).map(|(_, handled)| handled);
            self.on.get(&call).copied().or(latest)
        };
        let handled = match work {
            Some(call) => named(call),
            None => self.latest.map(|(_, handled)| handled),
        };
        handled.unwrap_or(Handled { queue: None, quarter: Quarter::of(at) })
    }
}
