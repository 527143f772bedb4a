//! The state of a tenant's routing and the loop that takes inputs in.
//!
//! What the parts decide: `agents` what an agent may take, `queues` what a queue's set-up means for what is in it,
//! `waiting` where work stands and when it leaves, `offers` who is asked and what their answer means; `lines` and
//! `timers` find the next match and the next deadline without looking at everything; `views` and `snapshot` tell.

mod agents;
mod lines;
mod offers;
mod queues;
mod snapshot;
mod timers;
mod views;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use self::agents::Agent;
use self::lines::Lines;
use self::queues::QueueBook;
use self::timers::{Timer, Timers};
use self::waiting::Waiting;
use crate::config::Settings;
use crate::io::{Input, Output};
use crate::model::Domain;

pub use self::views::{AgentView, HoldView, QueueView, WorkView};

/// The queues, agents and waiting work of one tenant.
#[derive(Debug)]
pub struct Router<D: Domain> {
    settings: Settings,
    now: u64,
    arrivals: u64,
    turns: u64,
    queues: BTreeMap<D::Queue, QueueBook<D>>,
    agents: BTreeMap<D::Agent, Agent<D>>,
    waiting: BTreeMap<D::Work, Waiting<D>>,
    /// Who has which work in hand or in wrap-up.
    holders: BTreeMap<D::Work, BTreeSet<D::Agent>>,
    lines: Lines<D>,
    timers: Timers<D>,
    /// Agents whose state may have changed in the running input.
    touched: BTreeSet<D::Agent>,
    outbox: Vec<Output<D>>,
}

impl<D: Domain> Default for Router<D> {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl<D: Domain> Router<D> {
    /// A router that knows nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            now: 0,
            arrivals: 0,
            turns: 0,
            queues: BTreeMap::new(),
            agents: BTreeMap::new(),
            waiting: BTreeMap::new(),
            holders: BTreeMap::new(),
            lines: Lines::default(),
            timers: Timers::default(),
            touched: BTreeSet::new(),
            outbox: Vec::new(),
        }
    }

    /// Takes in one thing that happened and says what has to be done.
    pub fn handle(&mut self, now: u64, input: Input<D>) -> Vec<Output<D>> {
        self.handle_all(now, [input])
    }

    /// Takes in several things as if they had happened at once: work is offered only when all of them are in.
    pub fn handle_all(&mut self, now: u64, inputs: impl IntoIterator<Item = Input<D>>) -> Vec<Output<D>> {
        self.now = self.now.max(now);
        for input in inputs {
            self.apply(input);
        }
        while let Some(timer) = self.timers.pop_due(self.now) {
            match timer {
                Timer::Agent(agent) => self.agent_timer(agent),
                Timer::Offer(work, agent) => self.offer_timer(work, agent),
                Timer::Work(work) => self.work_timer(work),
            }
        }
        self.offer_waiting();
        self.join_rings();
        self.show_agents();
        std::mem::take(&mut self.outbox)
    }

    /// When the router wants to be asked again although nothing happened.
    pub fn next_deadline(&self) -> Option<u64> {
        self.timers.next()
    }

    fn apply(&mut self, input: Input<D>) {
        match input {
            Input::Queue { queue, config } => self.set_queue(queue, config),
            Input::QueueRemoved { queue } => self.remove_queue(queue),
            Input::Hours { queue, open } => self.set_hours(queue, open),
            Input::Agent { agent, profile, history } => self.set_agent(agent, &profile, history),
            Input::AgentRemoved { agent } => self.remove_agent(agent),
            Input::Presence { agent, presence, by } => self.set_presence(agent, presence, by),
            Input::Reach { agent, medium, here } => self.set_reach(agent, medium, here),
            Input::Enqueue { work, item, stay } => self.enqueue(work, item, stay),
            Input::Move { work, to } => self.move_by_hand(work, to),
            Input::Prioritise { work, priority } => self.prioritise(work, priority),
            Input::Withdraw { work } => self.withdraw(work),
            Input::Accept { work, agent } => self.accept(work, agent),
            Input::Take { work, agent } => self.take_by_hand(work, agent),
            Input::Pass { work, agent, why } => self.pass(work, agent, why),
            Input::Engaged { work, agent, medium, queue } => self.engaged(work, agent, medium, queue),
            Input::Released { work, agent } => self.released(work, agent),
            Input::WrappingUp { work, agent, medium, queue, until, disposed } => {
                self.wrapping_up(work, agent, medium, queue, until, disposed);
            }
            Input::Disposed { work, agent } => self.disposed(work, agent),
            Input::Ready { agent } => self.ready(agent),
            Input::NewDay => self.new_day(),
            Input::Tick => {}
        }
    }
}
