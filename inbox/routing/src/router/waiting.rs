//! Where work stands, and when it leaves.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Router;
use super::lines::{LineId, Need, Place};
use super::timers::Timer;
use crate::config::{Destination, Queue, Strategy};
use crate::io::{AnnounceWhy, CancelWhy, LeaveWhy, Output};
use crate::model::{Domain, Stay, WorkItem};

#[derive(Debug)]
pub(super) struct Waiting<D: Domain> {
    pub(super) item: WorkItem<D>,
    pub(super) place: Place,
    /// When it came to the queue.
    pub(super) joined: u64,
    pub(super) been: BTreeSet<D::Queue>,
    /// Relaxation steps taken.
    pub(super) steps: usize,
    pub(super) passes: BTreeMap<D::Agent, u32>,
    /// Who is asked, and until when.
    pub(super) offers: BTreeMap<D::Agent, u64>,
    /// Who let it pass since it began to ring.
    pub(super) round: BTreeSet<D::Agent>,
    /// The line it stands in, or rings in for all to join.
    pub(super) line: Option<LineId>,
    /// It waits for who served this contact last, and no one else.
    sticks: bool,
    /// When its place in line was last decided.
    looked_at: u64,
    /// Since when everybody who is there has let it pass.
    silent_since: Option<u64>,
    told_nobody: bool,
    told_silent: bool,
    pub(super) due: Option<u64>,
}

/// What a look at waiting work comes to.
enum Verdict<D: Domain> {
    Stays,
    LastResort(LeaveWhy),
    Goes(Destination<D>, LeaveWhy),
}

impl<D: Domain> Waiting<D> {
    /// When a limit falls due that ends its time in the queue, whoever is there.
    pub(super) fn limit(&self, config: &Queue<D>) -> u64 {
        if self.item.patient {
            return u64::MAX;
        }
        let overflow = config.overflow.as_ref().map(|it| self.joined.saturating_add(it.after_ms));
        let end = self.item.since.saturating_add(config.max_wait_ms);
        overflow.map_or(end, |at| at.min(end))
    }

    fn begins_anew(&mut self, queue: D::Queue, now: u64) {
        self.item.queue = queue;
        self.joined = now;
        self.steps = 0;
        self.passes.clear();
        self.sticks = true;
        self.silent_since = None;
        self.told_nobody = false;
        self.told_silent = false;
    }
}

impl<D: Domain> Router<D> {
    pub(super) fn enqueue(&mut self, id: D::Work, mut item: WorkItem<D>, stay: Option<Stay<D>>) {
        if self.waiting.contains_key(&id) {
            return;
        }
        let queue = item.queue;
        if !self.queues.contains_key(&queue) {
            self.outbox.push(Output::NoSuchQueue { work: id, queue });
            return;
        }
        item.since = item.since.min(self.now);
        self.arrivals += 1;
        let place = Place { priority: Reverse(0), since: item.since, arrival: self.arrivals };
        let is_new = stay.is_none();
        let stay = stay.unwrap_or(Stay { joined: self.now, been: BTreeSet::new(), passes: BTreeMap::new() });
        let waiting = Waiting {
            item,
            place,
            joined: stay.joined.min(self.now),
            been: stay.been,
            steps: 0,
            passes: stay.passes,
            offers: BTreeMap::new(),
            round: BTreeSet::new(),
            line: None,
            sticks: true,
            looked_at: 0,
            silent_since: None,
            told_nobody: false,
            told_silent: false,
            due: None,
        };
        self.waiting.insert(id, waiting);
        self.settle(id, is_new);
    }

    pub(super) fn withdraw(&mut self, id: D::Work) {
        self.cancel_offers(id, None, CancelWhy::Withdrawn);
        self.remove(id);
    }

    pub(super) fn move_by_hand(&mut self, id: D::Work, to: D::Queue) {
        let Some(from) = self.waiting.get(&id).map(|it| it.item.queue) else {
            return;
        };
        if from == to || !self.queues.contains_key(&to) {
            return;
        }
        self.cancel_offers(id, None, CancelWhy::Moved);
        self.leave_line(id);
        self.change_queue(id, from, to, LeaveWhy::ByHand);
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.been.clear();
        }
        self.settle(id, false);
    }

    pub(super) fn prioritise(&mut self, id: D::Work, priority: i16) {
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.item.priority = priority;
            self.resettle(id);
        }
    }

    pub(super) fn work_timer(&mut self, id: D::Work) {
        let deadline = self.deadline(id);
        let Some(waiting) = self.waiting.get_mut(&id) else {
            return;
        };
        let was_due = waiting.due.take();
        if deadline > was_due {
            // Somebody came, and the grace that was running does not count any more.
            self.set_deadline(id);
            return;
        }
        self.judge_lasting_silence(id);
        self.resettle(id);
    }

    /// Looks anew at work that is offered to nobody.
    pub(super) fn resettle(&mut self, id: D::Work) {
        if self.waiting.get(&id).is_some_and(|waiting| waiting.offers.is_empty()) {
            self.leave_line(id);
            self.settle(id, false);
        }
    }

    /// An offer ended, and it was not the agent's fault. If it was the last, the work waits again.
    pub(super) fn back_in_line(&mut self, id: D::Work) {
        if self.waiting.get(&id).is_some_and(|waiting| waiting.offers.is_empty()) {
            self.outbox.push(Output::Unanswered { work: id });
            self.stands_again(id);
        }
    }

    /// The ring is over: everybody may be asked again, and whether all are silent is judged.
    pub(super) fn stands_again(&mut self, id: D::Work) {
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.round.clear();
            self.judge_silence(id);
            self.resettle(id);
        }
    }

    /// Decides what becomes of work that stands in no line: it leaves, goes to another queue, or takes its place in line.
    /// `entering`: it has only come to its queue, which may turn it away.
    fn settle(&mut self, id: D::Work, mut entering: bool) {
        loop {
            let Some(waiting) = self.waiting.get(&id) else {
                return;
            };
            let from = waiting.item.queue;
            let (to, why) = match self.verdict(id, entering) {
                Verdict::Stays => return self.stand_in_line(id),
                Verdict::LastResort(why) => return self.leave_by_last_resort(id, why),
                Verdict::Goes(Destination::Exit(exit), why) => return self.leave_by(id, exit, why),
                Verdict::Goes(Destination::Queue(to), why) => (to, why),
            };
            let dead_end = self
                .waiting
                .get(&id)
                .is_none_or(|it| to == from || it.been.contains(&to) || !self.queues.contains_key(&to));
            if dead_end {
                return self.leave_by_last_resort(id, LeaveWhy::DeadEnd);
            }
            self.change_queue(id, from, to, why);
            entering = true;
        }
    }

    fn verdict(&mut self, id: D::Work, entering: bool) -> Verdict<D> {
        let now = self.now;
        let Some(waiting) = self.waiting.get_mut(&id) else {
            return Verdict::Stays;
        };
        let Some(book) = self.queues.get(&waiting.item.queue) else {
            return Verdict::Stays;
        };
        if waiting.item.patient {
            return Verdict::Stays;
        }
        let config = &book.config;
        if now >= waiting.item.since.saturating_add(config.max_wait_ms) {
            return Verdict::LastResort(LeaveWhy::MaxWait);
        }
        if let Some(closed) = config.closed.as_ref().filter(|it| !book.open && (entering || !it.keep_waiting)) {
            return Verdict::Goes(closed.to.clone(), LeaveWhy::Closed);
        }
        if let Some(too_long) = config.too_long.as_ref().filter(|it| entering && book.places.len() >= it.at) {
            return Verdict::Goes(too_long.to.clone(), LeaveWhy::TooLong);
        }

        let nobody = book.nobody_since.map(|since| since.max(waiting.joined));
        let grounds = [
            (nobody, &mut waiting.told_nobody, AnnounceWhy::Nobody, LeaveWhy::Nobody),
            (waiting.silent_since, &mut waiting.told_silent, AnnounceWhy::Silent, LeaveWhy::Silent),
        ];
        for (since, told, announce, leave) in grounds {
            let Some(since) = since else {
                continue;
            };
            if !std::mem::replace(told, true) {
                self.outbox.push(Output::Announce { work: id, why: announce });
            }
            if now >= since.saturating_add(config.unattended.grace_ms) {
                return Verdict::Goes(config.unattended.to.clone(), leave);
            }
        }
        match &config.overflow {
            Some(overflow) if now >= waiting.joined.saturating_add(overflow.after_ms) => {
                Verdict::Goes(overflow.to.clone(), LeaveWhy::Waited)
            }
            _ => Verdict::Stays,
        }
    }

    /// Whether everybody who is there has let the work pass as often as they may.
    fn judge_silence(&mut self, id: D::Work) {
        let now = self.now;
        let Some(waiting) = self.waiting.get_mut(&id) else {
            return;
        };
        let Some(book) = self.queues.get(&waiting.item.queue) else {
            return;
        };
        let rounds = book.config.unattended.rounds.max(1);
        let silent = |agent: &D::Agent| waiting.passes.get(agent).is_some_and(|times| *times >= rounds);
        let all_silent = !book.attending.is_empty() && book.attending.iter().all(silent);
        waiting.silent_since = if all_silent { waiting.silent_since.or(Some(now)) } else { None };
    }

    /// Somebody may have come since; that matters when the grace is over.
    fn judge_lasting_silence(&mut self, id: D::Work) {
        let Some(waiting) = self.waiting.get(&id) else {
            return;
        };
        let grace = self.queues.get(&waiting.item.queue).map_or(0, |book| book.config.unattended.grace_ms);
        if waiting.silent_since.is_some_and(|since| since.saturating_add(grace) <= self.now) {
            self.judge_silence(id);
        }
    }

    fn stand_in_line(&mut self, id: D::Work) {
        let now = self.now;
        let Some(need) = self.need(id) else {
            return;
        };
        let Some(waiting) = self.waiting.get_mut(&id) else {
            return;
        };
        waiting.looked_at = now;
        let (queue, medium) = (waiting.item.queue, waiting.item.medium);
        let Some(book) = self.queues.get(&queue) else {
            return;
        };
        let (config, is_closed_to_it) = (Arc::clone(&book.config), waiting.item.patient && !book.open);
        let waited = now - waiting.joined;
        let steps = config.steps_after(waited);
        if steps > waiting.steps {
            self.outbox.push(Output::Relaxed { work: id, steps });
        }
        waiting.steps = steps;
        waiting.place.priority = Reverse(config.priority_after(&waiting.item, waited));
        let place = waiting.place;
        self.set_deadline(id);
        self.write_in(queue, place, id);
        if is_closed_to_it {
            return;
        }
        let line = self.line_for(queue, medium, need);
        if let (Some(line), Some(waiting)) = (line, self.waiting.get_mut(&id)) {
            waiting.line = Some(line);
            self.lines.stand(line, place, id);
        }
    }

    fn set_deadline(&mut self, id: D::Work) {
        let due = self.deadline(id);
        if let Some(waiting) = self.waiting.get_mut(&id) {
            self.timers.set(Timer::Work(id), &mut waiting.due, due);
        }
    }

    /// When what work needs, or its stay in the queue, changes by itself, for the first time after the last look at it.
    fn deadline(&self, id: D::Work) -> Option<u64> {
        let waiting = self.waiting.get(&id)?;
        let book = self.queues.get(&waiting.item.queue)?;
        let config = &book.config;
        let since_joined = |ms: u64| waiting.joined.saturating_add(ms);
        let nobody_since = book.nobody_since.map(|since| since.max(waiting.joined));
        let graces = nobody_since.into_iter().chain(waiting.silent_since).filter(|_| !waiting.item.patient);
        let graces = graces.map(|since| since.saturating_add(config.unattended.grace_ms));
        let steps = config.relax.iter().map(|step| since_joined(step.after_ms));
        let patience = waiting.sticks.then(|| since_joined(config.sticky_ms));
        let changes = steps.chain(graces).chain(patience).chain([since_joined(config.prefer_ms)]);
        let limit = Some(waiting.limit(config)).filter(|limit| *limit < u64::MAX);
        changes.filter(|at| *at > waiting.looked_at).chain(limit).min()
    }

    /// Whom work needs now. Who served this contact last is waited for once; that ends for good when they let it pass,
    /// leave, cannot serve it any more, or patience is at its end.
    fn need(&mut self, id: D::Work) -> Option<Need<D>> {
        let now = self.now;
        let waiting = self.waiting.get(&id)?;
        let item = &waiting.item;
        let book = self.queues.get(&item.queue)?;
        let config = &book.config;
        let waited = now - waiting.joined;
        let mut except = item.except.clone();
        except.extend(self.holders.get(&id).into_iter().flatten());
        let need_of = |skills| Need { only: None, except, skills, wanted: BTreeSet::new() };

        let may_stick = waiting.sticks && waited < config.sticky_ms;
        let last = item
            .last_agent
            .filter(|last| may_stick && !waiting.passes.contains_key(last) && book.attending.contains(last));
        let (last, mut need) = match last {
            Some(last) => {
                let required = need_of(config.required_after(item, waited));
                if self.could_serve(last, &required, item) {
                    let nothing = BTreeMap::new();
                    (Some(last), Need { only: Some(last), except: BTreeSet::new(), skills: nothing, ..required })
                } else {
                    (None, Need { skills: config.needed_after(item, waited), ..required })
                }
            }
            None => (None, need_of(config.needed_after(item, waited))),
        };
        if last.is_none() && config.strategy == Strategy::SkillBest {
            need.wanted = config.wanted(item);
        }
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.sticks = last.is_some();
        }
        Some(need)
    }

    fn could_serve(&self, agent: D::Agent, need: &Need<D>, item: &WorkItem<D>) -> bool {
        self.agents
            .get(&agent)
            .is_some_and(|it| need.accepts(agent, &it.profile) && it.profile.capacity.of(item.medium) > 0)
    }

    /// Takes work out of the line it stands or rings in. It keeps its place in the queue's book until it moves on.
    pub(super) fn leave_line(&mut self, id: D::Work) {
        if let Some(waiting) = self.waiting.get_mut(&id) {
            if let Some(line) = waiting.line.take() {
                self.lines.leave(line, waiting.place);
            }
            let (queue, place) = (waiting.item.queue, waiting.place);
            if waiting.offers.is_empty() {
                self.strike_off(queue, place, id);
            }
        }
    }

    fn change_queue(&mut self, id: D::Work, from: D::Queue, to: D::Queue, why: LeaveWhy) {
        let now = self.now;
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.been.insert(from);
            waiting.begins_anew(to, now);
            self.outbox.push(Output::Moved { work: id, from, to, why });
        }
    }

    pub(super) fn leave_by_last_resort(&mut self, id: D::Work, why: LeaveWhy) {
        let queue = self.waiting.get(&id).and_then(|waiting| self.queues.get(&waiting.item.queue));
        if let Some(exit) = queue.map(|book| book.config.last_resort.clone()) {
            self.leave_by(id, exit, why);
        }
    }

    fn leave_by(&mut self, id: D::Work, to: D::Exit, why: LeaveWhy) {
        if let Some(waiting) = self.remove(id) {
            let waited_ms = self.now - waiting.item.since;
            self.outbox.push(Output::Leave { work: id, queue: waiting.item.queue, to, why, waited_ms });
        }
    }

    /// Forgets that work waited. Its offers are over already.
    pub(super) fn remove(&mut self, id: D::Work) -> Option<Waiting<D>> {
        self.leave_line(id);
        let mut waiting = self.waiting.remove(&id)?;
        self.timers.set(Timer::Work(id), &mut waiting.due, None);
        self.strike_off(waiting.item.queue, waiting.place, id);
        Some(waiting)
    }

    /// Sorts waiting work by its place.
    pub(super) fn in_order(&self, work: impl IntoIterator<Item = D::Work>) -> Vec<D::Work> {
        let placed: BTreeMap<Place, D::Work> =
            work.into_iter().filter_map(|id| Some((self.waiting.get(&id)?.place, id))).collect();
        placed.into_values().collect()
    }
}
