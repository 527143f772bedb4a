use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Domain, Levels, WorkItem};

/// What holds for every queue of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long, in milliseconds, an agent who let an offer pass is offered nothing.
    pub rest_ms: u64,
    /// How long, in milliseconds, an agent's phone (the panel, of one who takes chats alone) may be gone before the agent counts
    /// as unreachable.
    pub unreachable_after_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rest_ms: 3_000, unreachable_after_ms: 20_000 }
    }
}

/// Which of the agents who may take a piece of work is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Who has least in hand, then who has had nothing to do for longest.
    LongestIdle,
    /// Whose last turn, in any queue, is longest ago.
    RoundRobin,
    /// Who served fewest contacts since [`crate::Input::NewDay`], in any queue; then the longest idle.
    FewestContacts,
    /// Everybody at once.
    RingAll,
    /// Who masters best what the work requires and prefers, levels added up; then the longest idle.
    SkillBest,
}

/// Where work goes that leaves a queue unserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination<D: Domain> {
    /// Another queue, with the place it had.
    Queue(D::Queue),
    /// Out of the router.
    Exit(D::Exit),
}

/// Work that waited this long in the queue goes elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overflow<D: Domain> {
    /// How long, in milliseconds, since it came to this queue.
    pub after_ms: u64,
    /// Where to.
    pub to: Destination<D>,
}

/// Work that finds this many in the queue goes elsewhere at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLong<D: Domain> {
    /// How many, waiting or being offered, are too many to join.
    pub at: usize,
    /// Where to.
    pub to: Destination<D>,
}

/// What a closed queue does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed<D: Domain> {
    /// Where work goes.
    pub to: Destination<D>,
    /// Who was in the queue before it closed is still served.
    pub keep_waiting: bool,
}

/// What becomes of work that nobody is there for, or that everybody has left unanswered: it is told so
/// ([`crate::Output::Announce`]), and if that has not changed by then it goes elsewhere.
///
/// *Nobody* is there when no agent of the queue is signed in, wants work and is reachable; who is busy counts as there.
/// *Silent* are all who are there when each of them let this work pass; that is judged when an offer of it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unattended<D: Domain> {
    /// How long, in milliseconds, from the announcement to the way out.
    pub grace_ms: u64,
    /// How often each has to let it pass.
    pub rounds: u32,
    /// Where to.
    pub to: Destination<D>,
}

/// From `after_ms` in the queue on, work asks for less or weighs more. Steps add up, so that the more it waited the
/// more agents may take it, never fewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaxStep<D: Domain> {
    /// When, in milliseconds since the work came to the queue.
    pub after_ms: u64,
    /// What is taken off every required and preferred level.
    pub lower_by: u8,
    /// Skills no longer asked for at all.
    pub drop: BTreeSet<D::Skill>,
    /// What is added to the priority.
    pub raise_priority: u8,
}

/// How a queue works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue<D: Domain> {
    /// Who is asked.
    pub strategy: Strategy,
    /// Added to the work's own priority; the higher goes first.
    pub priority: i16,
    /// How long, in milliseconds, an offer stands. `None`: work is given without asking.
    pub ring_ms: Option<u64>,
    /// After how many unanswered offers in a row, over all queues, an agent is paused.
    pub pause_after_missed: Option<u32>,
    /// Skills that an agent must have.
    pub required: Levels<D>,
    /// Skills that are held out for during `prefer_ms`.
    pub preferred: Levels<D>,
    /// How long, in milliseconds since the work came to the queue, preferred skills count as required.
    pub prefer_ms: u64,
    /// How it asks for less as it waits.
    pub relax: Vec<RelaxStep<D>>,
    /// How long, in milliseconds since the work came to the queue, it waits for who served this contact last and no one
    /// else, as long as they are there, serve the queue and have the required skills. 0: they are only asked first.
    pub sticky_ms: u64,
    /// How long, in milliseconds, an agent has for what a contact leaves to do. 0: no time of its own.
    pub wrap_up_ms: u64,
    /// Wrap-up does not end before a disposition was given.
    pub disposition_required: bool,
    /// Too many to join.
    pub too_long: Option<TooLong<D>>,
    /// Waited too long, with somewhere better to go.
    pub overflow: Option<Overflow<D>>,
    /// Out of hours. `None`: hours do not matter.
    pub closed: Option<Closed<D>>,
    /// Nobody there, or everybody silent.
    pub unattended: Unattended<D>,
    /// How long, in milliseconds since it began to wait anywhere, work may wait at most.
    pub max_wait_ms: u64,
    /// Where work goes at the end of the longest wait, or when nothing else is left.
    pub last_resort: D::Exit,
}

impl<D: Domain> Queue<D> {
    /// A plain queue: longest idle, 20 s a ring, paused after three misses, ten minutes at most, and out by the last
    /// resort a minute after there is nobody or everybody was asked twice.
    pub fn new(last_resort: D::Exit) -> Self {
        Self {
            strategy: Strategy::LongestIdle,
            priority: 0,
            ring_ms: Some(20_000),
            pause_after_missed: Some(3),
            required: BTreeMap::new(),
            preferred: BTreeMap::new(),
            prefer_ms: 0,
            relax: Vec::new(),
            sticky_ms: 0,
            wrap_up_ms: 0,
            disposition_required: false,
            too_long: None,
            overflow: None,
            closed: None,
            unattended: Unattended { grace_ms: 60_000, rounds: 2, to: Destination::Exit(last_resort.clone()) },
            max_wait_ms: 600_000,
            last_resort,
        }
    }

    /// The least level of each skill that an agent needs for work of this queue, `waited_ms` after it came here.
    pub fn needed_after(&self, item: &WorkItem<D>, waited_ms: u64) -> Levels<D> {
        self.levels_after(item, waited_ms, waited_ms < self.prefer_ms)
    }

    /// The same without what is only preferred.
    pub(crate) fn required_after(&self, item: &WorkItem<D>, waited_ms: u64) -> Levels<D> {
        self.levels_after(item, waited_ms, false)
    }

    fn levels_after(&self, item: &WorkItem<D>, waited_ms: u64, prefers: bool) -> Levels<D> {
        let taken = || self.relax.iter().filter(|step| step.after_ms <= waited_ms);
        let lowered = taken().fold(0_u8, |sum, step| sum.saturating_add(step.lower_by));
        let required = self.required.iter().chain(&item.required);
        let preferred = self.preferred.iter().chain(&item.preferred).filter(|_| prefers);
        let mut needed = Levels::<D>::new();
        for (skill, level) in required.chain(preferred) {
            let level = level.saturating_sub(lowered);
            if level > 0 && !taken().any(|step| step.drop.contains(skill)) {
                let known = needed.entry(*skill).or_insert(level);
                *known = level.max(*known);
            }
        }
        needed
    }

    /// Every skill that work of this queue asks for, however long it waited.
    pub(crate) fn wanted(&self, item: &WorkItem<D>) -> BTreeSet<D::Skill> {
        let levels = [&self.required, &self.preferred, &item.required, &item.preferred];
        levels.into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    /// The priority of work of this queue, `waited_ms` after it came here.
    pub(crate) fn priority_after(&self, item: &WorkItem<D>, waited_ms: u64) -> i32 {
        let raised: i32 = self
            .relax
            .iter()
            .filter(|step| step.after_ms <= waited_ms)
            .map(|step| i32::from(step.raise_priority))
            .sum();
        i32::from(self.priority) + i32::from(item.priority) + raised
    }

    /// How many relaxation steps work has taken, `waited_ms` after it came here.
    pub(crate) fn steps_after(&self, waited_ms: u64) -> usize {
        self.relax.iter().filter(|step| step.after_ms <= waited_ms).count()
    }
}
