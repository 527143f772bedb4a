//! Waiting work that the same agents may take stands in one line, together with those of them who are free. A line with
//! both is *ready*; between inputs none is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::config::Strategy;
use crate::model::{AgentProfile, Domain, Medium};

/// Where work stands in the one order of all waiting work: the smaller is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) priority: Reverse<i32>,
    pub(super) since: u64,
    pub(super) arrival: u64,
}

/// An agent's turn within a line by its strategy: the smaller is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(pub(super) u64, pub(super) u64);

/// Whom a line accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need<D: Domain> {
    /// The one agent waited for.
    pub(super) only: Option<D::Agent>,
    pub(super) except: BTreeSet<D::Agent>,
    /// The least level of each skill.
    pub(super) skills: BTreeMap<D::Skill, u8>,
    /// The skills that decide who is best; empty unless the strategy asks for the best.
    pub(super) wanted: BTreeSet<D::Skill>,
}

impl<D: Domain> Need<D> {
    pub(super) fn accepts(&self, agent: D::Agent, profile: &AgentProfile<D>) -> bool {
        self.only.is_none_or(|only| only == agent)
            && !self.except.contains(&agent)
            && self.skills.iter().all(|(skill, least)| profile.skills.get(skill).is_some_and(|level| level >= least))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineId(u64);

#[derive(Debug)]
pub(super) struct Line<D: Domain> {
    pub(super) queue: D::Queue,
    pub(super) medium: Medium,
    pub(super) need: Need<D>,
    pub(super) strategy: Strategy,
    /// Offered to nobody.
    items: BTreeMap<Place, D::Work>,
    /// Ringing, and open to whoever becomes free.
    ringing: BTreeMap<Place, D::Work>,
    takers: BTreeSet<(Rank, D::Agent)>,
    ready: Option<Place>,
}

impl<D: Domain> Line<D> {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.ringing.is_empty()
    }

    pub(super) fn items(&self) -> impl Iterator<Item = D::Work> {
        self.items.values().copied()
    }

    /// The agents who may take what stands here, in the order of their turns.
    pub(super) fn takers(&self) -> impl Iterator<Item = D::Agent> {
        self.takers.iter().map(|(_, agent)| *agent)
    }

    pub(super) fn rings(&self) -> impl Iterator<Item = (Place, D::Work)> {
        self.ringing.iter().map(|(place, work)| (*place, *work))
    }
}

#[derive(Debug)]
pub(super) struct Lines<D: Domain> {
    all: BTreeMap<LineId, Line<D>>,
    ready: BTreeSet<(Place, LineId)>,
    made: u64,
    /// Agents who may join something that rings and could not before.
    fresh: BTreeSet<D::Agent>,
}

impl<D: Domain> Default for Lines<D> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), ready: BTreeSet::new(), made: 0, fresh: BTreeSet::new() }
    }
}

impl<D: Domain> Lines<D> {
    pub(super) fn get(&self, id: LineId) -> Option<&Line<D>> {
        self.all.get(&id)
    }

    pub(super) fn open(&mut self, queue: D::Queue, medium: Medium, need: Need<D>, strategy: Strategy) -> LineId {
        self.made += 1;
        let id = LineId(self.made);
        let line = Line {
            queue,
            medium,
            need,
            strategy,
            items: BTreeMap::new(),
            ringing: BTreeMap::new(),
            takers: BTreeSet::new(),
            ready: None,
        };
        self.all.insert(id, line);
        id
    }

    /// Removes a line. The agents who note it are to forget it.
    pub(super) fn close(&mut self, id: LineId) -> Option<Line<D>> {
        let line = self.all.remove(&id)?;
        if let Some(place) = line.ready {
            self.ready.remove(&(place, id));
        }
        Some(line)
    }

    pub(super) fn stand(&mut self, id: LineId, place: Place, work: D::Work) {
        self.change(id, |line| {
            line.items.insert(place, work);
        });
    }

    /// Takes work out of a line, whether it waits or rings there.
    pub(super) fn leave(&mut self, id: LineId, place: Place) {
        self.change(id, |line| {
            line.items.remove(&place);
            line.ringing.remove(&place);
        });
    }

    /// Waiting work rings now, and may be joined.
    pub(super) fn ring(&mut self, id: LineId, place: Place) {
        self.change(id, |line| {
            if let Some(work) = line.items.remove(&place) {
                line.ringing.insert(place, work);
            }
        });
    }

    /// An agent's turn at a line is another, or they are not free for it (any more).
    pub(super) fn set_turn(&mut self, id: LineId, agent: D::Agent, known: &mut Option<Rank>, rank: Option<Rank>) {
        if *known == rank {
            return;
        }
        let old = std::mem::replace(known, rank);
        self.change(id, |line| {
            if let Some(old) = old {
                line.takers.remove(&(old, agent));
            }
            if let Some(new) = rank {
                line.takers.insert((new, agent));
            }
        });
        if old.is_none() && self.all.get(&id).is_some_and(|line| !line.ringing.is_empty()) {
            self.fresh.insert(agent);
        }
    }

    /// The line with the first work that a free agent may take, and that work.
    pub(super) fn first_ready(&self) -> Option<(LineId, D::Work)> {
        let (place, id) = self.ready.first()?;
        let work = self.all.get(id)?.items.get(place)?;
        Some((*id, *work))
    }

    /// What kept an agent out of a ring, though free, may be over.
    pub(super) fn look_again(&mut self, agent: D::Agent) {
        self.fresh.insert(agent);
    }

    /// The agents who may join what rings now and could not before.
    pub(super) fn take_fresh(&mut self) -> BTreeSet<D::Agent> {
        std::mem::take(&mut self.fresh)
    }

    fn change(&mut self, id: LineId, how: impl FnOnce(&mut Line<D>)) {
        let Some(line) = self.all.get_mut(&id) else {
            return;
        };
        how(line);
        let ready = if line.takers.is_empty() { None } else { line.items.keys().next().copied() };
        if ready != line.ready {
            if let Some(old) = line.ready {
                self.ready.remove(&(old, id));
            }
            if let Some(new) = ready {
                self.ready.insert((new, id));
            }
            line.ready = ready;
        }
    }
}
