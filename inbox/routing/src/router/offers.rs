//! Who is asked, and what their answer means.

use super::Router;
use super::agents::{Hold, Phase};
use super::lines::{Line, LineId};
use super::timers::Timer;
use crate::config::Strategy;
use crate::io::{By, CancelWhy, Output, PassWhy};
use crate::model::{Domain, Pause, Presence};

impl<D: Domain> Router<D> {
    /// Offers what waits to whom may take it, in the order of places, until no free agent may take anything.
    pub(super) fn offer_waiting(&mut self) {
        while let Some((line, work)) = self.lines.first_ready() {
            let Some(found) = self.lines.get(line) else {
                return;
            };
            let queue = found.queue;
            let ring_ms = self.queues.get(&queue).and_then(|book| book.config.ring_ms);
            let everybody = found.strategy == Strategy::RingAll && found.need.only.is_none() && ring_ms.is_some();
            if everybody {
                let all: Vec<D::Agent> = found.takers().collect();
                if let Some(waiting) = self.waiting.get(&work) {
                    self.lines.ring(line, waiting.place);
                }
                for agent in all {
                    self.offer(work, agent);
                }
                continue;
            }
            let Some(agent) = self.choose(work, line, found) else {
                return;
            };
            if ring_ms.is_some() {
                if let Some(waiting) = self.waiting.get_mut(&work) {
                    waiting.line = None;
                    self.lines.leave(line, waiting.place);
                }
                self.offer(work, agent);
            } else {
                self.assign(work, agent, false);
            }
        }
    }

    /// Of those who are free for a line: who served this contact last, then who let the work pass least often, then
    /// whose turn it is.
    fn choose(&self, work: D::Work, line: LineId, found: &Line<D>) -> Option<D::Agent> {
        let waiting = self.waiting.get(&work)?;
        let passes = |agent: &D::Agent| waiting.passes.get(agent).copied().unwrap_or(0);
        if let Some(last) = waiting.item.last_agent
            && passes(&last) == 0
            && self.agents.get(&last).is_some_and(|agent| matches!(agent.lines.get(&line), Some(Some(_))))
        {
            return Some(last);
        }
        // At most as many are looked at as let it pass, and one.
        found
            .takers()
            .find(|agent| passes(agent) == 0)
            .or_else(|| found.takers().enumerate().min_by_key(|(turn, agent)| (passes(agent), *turn)).map(|it| it.1))
    }

    /// Who became free joins what rings for everybody, if they have not let it pass in this round and its time in the
    /// queue is not up.
    pub(super) fn join_rings(&mut self) {
        for id in self.lines.take_fresh() {
            let Some(agent) = self.agents.get(&id) else {
                continue;
            };
            let free_for = agent.lines.iter().filter(|(_, turn)| turn.is_some()).map(|(line, _)| *line);
            let mut ringing: Vec<_> = free_for
                .filter_map(|line| Some((line, self.lines.get(line)?)))
                .flat_map(|(line, found)| found.rings().map(move |(place, work)| (place, work, line)))
                .collect();
            ringing.sort_unstable();
            for (_, work, line) in ringing {
                let still_free = self.agents.get(&id).is_some_and(|it| matches!(it.lines.get(&line), Some(Some(_))));
                if still_free && self.may_join(work, id) {
                    self.offer(work, id);
                }
            }
        }
    }

    fn may_join(&self, work: D::Work, agent: D::Agent) -> bool {
        let Some(waiting) = self.waiting.get(&work) else {
            return false;
        };
        let in_time = self.queues.get(&waiting.item.queue).is_some_and(|book| self.now < waiting.limit(&book.config));
        in_time
            && !waiting.round.contains(&agent)
            && self.agents.get(&agent).is_some_and(|it| !it.in_hand.contains_key(&work))
    }

    fn offer(&mut self, work: D::Work, id: D::Agent) {
        let (Some(waiting), Some(agent)) = (self.waiting.get_mut(&work), self.agents.get_mut(&id)) else {
            return;
        };
        let (queue, medium) = (waiting.item.queue, waiting.item.medium);
        let ring_ms = self.queues.get(&queue).and_then(|book| book.config.ring_ms).unwrap_or_default();
        let until = self.now.saturating_add(ring_ms.max(1));
        // Its limits wait for the end of the ring.
        self.timers.set(Timer::Work(work), &mut waiting.due, None);
        waiting.offers.insert(id, until);
        self.timers.start(Timer::Offer(work, id), until);
        self.turns += 1;
        agent.history.last_turn = self.turns;
        agent.in_hand.insert(work, Hold { medium, queue: Some(queue), phase: Phase::Offered });
        self.outbox.push(Output::Offer { work, agent: id, queue, until });
        self.agent_changed(id);
    }

    /// Ends an offer, whatever the reason; tells whether there was one. Who calls this says what becomes of both.
    pub(super) fn end_offer(&mut self, work: D::Work, id: D::Agent) -> bool {
        let Some(until) = self.waiting.get_mut(&work).and_then(|waiting| waiting.offers.remove(&id)) else {
            return false;
        };
        self.timers.stop(Timer::Offer(work, id), until);
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.in_hand.remove(&work);
        }
        true
    }

    /// Stops every ring for a piece of work, but for one agent.
    pub(super) fn cancel_offers(&mut self, work: D::Work, but: Option<D::Agent>, why: CancelWhy) {
        let Some(waiting) = self.waiting.get_mut(&work) else {
            return;
        };
        waiting.round.clear();
        let rung: Vec<D::Agent> = waiting.offers.keys().copied().filter(|agent| Some(*agent) != but).collect();
        for agent in rung {
            self.end_offer(work, agent);
            self.outbox.push(Output::Cancel { work, agent, why });
            self.agent_changed(agent);
        }
    }

    pub(super) fn accept(&mut self, work: D::Work, agent: D::Agent) {
        if self.waiting.get(&work).is_some_and(|waiting| waiting.offers.contains_key(&agent)) {
            self.assign(work, agent, true);
        } else {
            self.outbox.push(Output::TooLate { work, agent });
        }
    }

    pub(super) fn take_by_hand(&mut self, work: D::Work, agent: D::Agent) {
        if !self.agents.contains_key(&agent) {
            return;
        }
        if self.waiting.contains_key(&work) {
            self.assign(work, agent, true);
        } else {
            self.outbox.push(Output::TooLate { work, agent });
        }
    }

    /// The agent has the work: all other phones fall silent, and it waits no more. `acted`: they took it themselves, which shows
    /// that they are there; what is given without asking shows nothing.
    fn assign(&mut self, work: D::Work, id: D::Agent, acted: bool) {
        self.cancel_offers(work, Some(id), CancelWhy::AnsweredElsewhere);
        self.end_offer(work, id);
        let Some(waiting) = self.remove(work) else {
            return;
        };
        let (queue, medium) = (waiting.item.queue, waiting.item.medium);
        self.turns += 1;
        if let Some(agent) = self.agents.get_mut(&id) {
            agent.history.contacts += 1;
            if acted {
                agent.history.missed = 0;
            }
            agent.history.last_turn = self.turns;
            let phase = Phase::Working { disposed: false };
            agent.in_hand.insert(work, Hold { medium, queue: Some(queue), phase });
        }
        self.holders.entry(work).or_default().insert(id);
        let waited_ms = self.now - waiting.item.since;
        self.outbox.push(Output::Assigned { work, agent: id, queue, waited_ms });
        self.agent_changed(id);
    }

    pub(super) fn offer_timer(&mut self, work: D::Work, agent: D::Agent) {
        self.outbox.push(Output::Cancel { work, agent, why: CancelWhy::NoAnswer });
        self.pass(work, agent, PassWhy::NoAnswer);
    }

    pub(super) fn pass(&mut self, work: D::Work, id: D::Agent, why: PassWhy) {
        if !self.end_offer(work, id) {
            return;
        }
        let Some(waiting) = self.waiting.get_mut(&work) else {
            return;
        };
        *waiting.passes.entry(id).or_default() += 1;
        waiting.round.insert(id);
        let (queue, was_last) = (waiting.item.queue, waiting.offers.is_empty());
        let allowed = self.misses_allowed(queue);
        if was_last {
            self.outbox.push(Output::Unanswered { work });
        }
        self.rests(id);
        if let Some(agent) = self.agents.get_mut(&id)
            && why != PassWhy::Refused
        {
            agent.history.missed += 1;
            if allowed.is_some_and(|allowed| agent.history.missed >= allowed.max(1)) {
                agent.history.missed = 0;
                self.set_presence(id, Presence::Paused(Pause::Missed), By::Router);
            }
        }
        self.agent_changed(id);
        if was_last {
            self.stands_again(work);
        }
    }
}
