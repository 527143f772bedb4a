//! What a queue's set-up means for what is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Router;
use super::lines::{Line, LineId, Need, Place};
use crate::config::Queue;
use crate::io::{CancelWhy, LeaveWhy};
use crate::model::{Domain, Medium};

/// How many lines with nothing in them a queue keeps for work that is like what it had.
const SPARE_LINES: usize = 16;

#[derive(Debug)]
pub(super) struct QueueBook<D: Domain> {
    pub(super) config: Arc<Queue<D>>,
    pub(super) open: bool,
    /// The agents who serve it, there or not.
    pub(super) members: BTreeSet<D::Agent>,
    /// Those who are there: signed in, wanting work, reachable.
    pub(super) attending: BTreeSet<D::Agent>,
    /// Since when nobody is there.
    pub(super) nobody_since: Option<u64>,
    /// Everything that waits in it, offered or not.
    pub(super) places: BTreeMap<Place, D::Work>,
    /// The same by since when it waits.
    pub(super) ages: BTreeSet<(u64, D::Work)>,
    lines: BTreeMap<(Medium, Need<D>), LineId>,
    /// At how many lines it is time to remove the empty ones.
    sweep_at: usize,
}

impl<D: Domain> Router<D> {
    pub(super) fn set_queue(&mut self, id: D::Queue, config: Queue<D>) {
        let config = Arc::new(config);
        if let Some(book) = self.queues.get_mut(&id) {
            if book.config == config {
                return;
            }
            book.config = config;
            self.settle_anew(id);
            return;
        }
        let members: Vec<D::Agent> =
            self.agents.iter().filter(|(_, it)| it.profile.queues.contains(&id)).map(|(agent, _)| *agent).collect();
        let book = QueueBook {
            config,
            open: true,
            members: BTreeSet::new(),
            attending: BTreeSet::new(),
            nobody_since: Some(self.now),
            places: BTreeMap::new(),
            ages: BTreeSet::new(),
            lines: BTreeMap::new(),
            sweep_at: SPARE_LINES,
        };
        self.queues.insert(id, book);
        for agent in members {
            self.agent_joins_queue(agent, id);
        }
    }

    /// Everything may be different: its lines are made anew, and what waits there takes its place in them. What rings
    /// rings on, and is not joined any more.
    fn settle_anew(&mut self, id: D::Queue) {
        let waiting = self.work_in(id);
        for work in &waiting {
            self.leave_line(*work);
        }
        self.close_lines(id, |_, _| true);
        for work in waiting {
            self.resettle(work);
        }
    }

    pub(super) fn remove_queue(&mut self, id: D::Queue) {
        for work in self.work_in(id) {
            self.cancel_offers(work, None, CancelWhy::Withdrawn);
            self.leave_line(work);
            self.leave_by_last_resort(work, LeaveWhy::QueueRemoved);
        }
        self.close_lines(id, |_, _| true);
        self.queues.remove(&id);
    }

    pub(super) fn set_hours(&mut self, id: D::Queue, open: bool) {
        let Some(book) = self.queues.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut book.open, open) != open {
            for work in self.work_in(id) {
                self.resettle(work);
            }
        }
    }

    /// An agent serves the queue from now on.
    pub(super) fn agent_joins_queue(&mut self, agent: D::Agent, id: D::Queue) {
        let Some(book) = self.queues.get_mut(&id) else {
            return;
        };
        book.members.insert(agent);
        let lines: Vec<LineId> = book.lines.values().copied().collect();
        for line in lines {
            self.attend_line(agent, line);
        }
        if self.agents.get(&agent).is_some_and(|it| it.attends) {
            self.attends(id, agent, true);
        }
    }

    /// An agent serves the queue no more; they have left its lines. Tells whether nobody is there now who was.
    pub(super) fn agent_leaves_queue(&mut self, agent: D::Agent, id: D::Queue) -> bool {
        if let Some(book) = self.queues.get_mut(&id) {
            book.members.remove(&agent);
        }
        self.attends(id, agent, false)
    }

    /// Writes down whether an agent is there. Tells whether nobody is now who was.
    pub(super) fn attends(&mut self, id: D::Queue, agent: D::Agent, there: bool) -> bool {
        let Some(book) = self.queues.get_mut(&id) else {
            return false;
        };
        if there {
            // What was told that nobody is there notices when its grace is over.
            book.nobody_since = None;
            book.attending.insert(agent);
            return false;
        }
        let emptied = book.attending.remove(&agent) && book.attending.is_empty();
        if emptied {
            book.nobody_since = Some(self.now);
        }
        emptied
    }

    /// What waits in a queue, offered or not, in its order.
    pub(super) fn work_in(&self, id: D::Queue) -> Vec<D::Work> {
        self.queues.get(&id).map(|book| book.places.values().copied().collect()).unwrap_or_default()
    }

    /// The line for work of this queue and need; opened if there is none.
    pub(super) fn line_for(&mut self, id: D::Queue, medium: Medium, need: Need<D>) -> Option<LineId> {
        let book = self.queues.get_mut(&id)?;
        let key = (medium, need);
        if let Some(line) = book.lines.get(&key) {
            return Some(*line);
        }
        let full = book.lines.len() >= book.sweep_at;
        if full {
            self.close_lines(id, |router, line| router.lines.get(line).is_none_or(Line::is_empty));
        }
        let book = self.queues.get_mut(&id)?;
        if full {
            book.sweep_at = SPARE_LINES.max(2 * book.lines.len());
        }
        let line = self.lines.open(id, medium, key.1.clone(), book.config.strategy);
        let may_take: Vec<D::Agent> = match key.1.only {
            Some(only) => book.members.contains(&only).then_some(only).into_iter().collect(),
            None => book.members.iter().copied().collect(),
        };
        book.lines.insert(key, line);
        for agent in may_take {
            self.attend_line(agent, line);
        }
        Some(line)
    }

    fn close_lines(&mut self, id: D::Queue, which: impl Fn(&Self, LineId) -> bool) {
        let Some(book) = self.queues.get(&id) else {
            return;
        };
        let closing: BTreeSet<LineId> = book.lines.values().copied().filter(|line| which(self, *line)).collect();
        if closing.is_empty() {
            return;
        }
        let Some(book) = self.queues.get_mut(&id) else {
            return;
        };
        book.lines.retain(|_, line| !closing.contains(line));
        for line in closing {
            let Some(closed) = self.lines.close(line) else {
                continue;
            };
            let everybody = book.members.iter().filter(|_| closed.need.only.is_none());
            for member in closed.need.only.iter().chain(everybody) {
                if let Some(agent) = self.agents.get_mut(member) {
                    agent.lines.remove(&line);
                }
            }
        }
    }

    /// An offer that this queue gave no answer to counts as missed; the agent may be paused for it.
    pub(super) fn misses_allowed(&self, id: D::Queue) -> Option<u32> {
        self.queues.get(&id).and_then(|book| book.config.pause_after_missed)
    }

    /// Writes down that work is in the queue, with the place it has.
    pub(super) fn write_in(&mut self, id: D::Queue, place: Place, work: D::Work) {
        if let Some(book) = self.queues.get_mut(&id) {
            book.places.insert(place, work);
            book.ages.insert((place.since, work));
        }
    }

    /// Strikes work off the queue.
    pub(super) fn strike_off(&mut self, id: D::Queue, place: Place, work: D::Work) {
        if let Some(book) = self.queues.get_mut(&id) {
            book.places.remove(&place);
            book.ages.remove(&(place.since, work));
        }
    }
}
