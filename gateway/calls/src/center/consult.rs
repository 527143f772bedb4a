//! Asking before a call is handed on: one agent asks another, a queue, or somebody outside, in a bridge beside the customer's.

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId, TenantId};
use trunkline_routing as routing;

use super::Center;
use super::call::Call;
use super::commands::TransferStep;
use super::direct::Purpose;
use super::io::{Ending, Output, Request};
use crate::CallCommandError;
use crate::Sight;
use crate::model::CallState;
use crate::names::{Part, ResourceName};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// An agent.
    Agent(AgentId),
    /// Whoever of a queue is free first, as the router decides; then that agent.
    Queue(QueueId),
    /// Somebody outside; a call has one at a time.
    Outside,
}

/// An agent, somebody whom they ask, and a customer who is not to hear both of them yet.
#[derive(Debug)]
pub(super) struct Consult {
    /// Who asks.
    pub(super) by: AgentId,
    /// Who is asked.
    pub(super) to: Asked,
    pub(super) bridge: String,
    /// The one who is asked picked up.
    pub(super) answered: bool,
    /// The one who asks is with the customer again, and the other hears music.
    pub(super) with_customer: bool,
}

impl Consult {
    /// Whether an agent is beside the customer, not with them.
    pub(super) fn has_aside(&self, agent: AgentId) -> bool {
        self.to == Asked::Agent(agent) || (agent == self.by && !self.with_customer)
    }
}

impl Call {
    /// The leg on which somebody who is asked talks.
    fn leg_of_asked(&self, asked: Asked) -> Option<String> {
        match asked {
            Asked::Agent(agent) => self.leg_of(agent),
            Asked::Queue(_) => None,
            Asked::Outside => self.outside_leg().map(|leg| leg.id.clone()),
        }
    }

    /// The queue that is asked, and in which nobody has picked up yet.
    pub(super) fn asked_queue(&self) -> Option<QueueId> {
        match self.consult.as_ref()?.to {
            Asked::Queue(queue) => Some(queue),
            Asked::Agent(_) | Asked::Outside => None,
        }
    }

    /// The queue for which agents are rung now.
    pub(super) fn offering_queue(&self) -> Option<QueueId> {
        self.asked_queue().or(self.row.queue_id)
    }

    /// The one who asks hears that somebody is looked for.
    fn ring_for_asker(&self, rings: bool, out: &mut Vec<Output>) {
        let asker = self.consult.as_ref().map(|consult| consult.by);
        if let Some(channel) = asker.and_then(|by| self.leg_of(by)) {
            out.push(self.request(if rings { Request::Ring { channel } } else { Request::StopRing { channel } }));
        }
    }

    /// While nobody talks to them, the customer hears music, and is held.
    pub(super) fn entertain_if_alone(&mut self, now: DateTime<Utc>, by: AgentId, out: &mut Vec<Output>) {
        if self.customer_is_alone() {
            self.house_music(out);
            self.row.held_since.get_or_insert(now);
            self.happened("call.held", now, Some(by), json!({ "agent_id": by, "for": "consult" }));
        }
    }

    fn next_consult_name(&mut self) -> String {
        let number = self.next_leg_number();
        ResourceName::new(self.id(), Part::Consult(number)).to_string()
    }
}

impl Center {
    pub(super) fn begin_consult(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        (by, to): (AgentId, Asked),
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(leg) = call.leg_of(by) else { return };
        call.goes_elsewhere(now, by);
        call.resumed(now);
        let bridge = call.next_consult_name();
        out.push(call.request(Request::CreateBridge { bridge: bridge.clone() }));
        out.push(call.request(Request::AddChannels { bridge: bridge.clone(), channels: vec![leg] }));
        call.consult = Some(Consult { by, to, bridge, answered: false, with_customer: false });
        call.entertain_if_alone(now, by, out);
    }

    /// Somebody of a queue is to be asked: the router looks for them as for a customer who waits there.
    pub(super) fn ask_queue(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        (by, queue): (AgentId, QueueId),
        out: &mut Vec<Output>,
    ) {
        self.begin_consult(now, id, (by, Asked::Queue(queue)), out);
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.ring_for_asker(true, out);
        call.happened("call.asked", now, Some(by), json!({ "agent_id": by, "queue_id": queue }));
        out.push(call.record(None));
        self.await_answer(now, id, out);
    }

    /// The question waits in its queue; where it does so already, it goes on waiting.
    fn await_answer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id) else { return };
        let Some(queue) = call.asked_queue() else { return };
        let mut item = self.work_item(call, queue, self.steady);
        item.except.extend(call.talkers());
        let tenant = call.tenant;
        self.route(now, tenant, [routing::Input::Enqueue { work: id.into(), item, stay: None }], out);
    }

    /// The router found somebody in the queue, and they picked up.
    pub(super) fn queue_answered(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        channel: &str,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.ring_for_asker(false, out);
        let Some(consult) = &mut call.consult else { return };
        consult.to = Asked::Agent(agent);
        let by = consult.by;
        // Who is only asked wraps nothing up.
        self.engage(now, id, agent, false, out);
        self.consulting(now, id, (by, agent), channel, out);
    }

    /// Nobody of the queue answers the question, and the router has given it up.
    pub(super) fn queue_has_nobody(&mut self, now: DateTime<Utc>, id: CallId, why: &str, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let (Some(by), Some(queue)) = (call.consult.as_ref().map(|consult| consult.by), call.asked_queue()) else {
            return;
        };
        let to = json!({ "queue_id": queue });
        let details = json!({ "kind": "attended", "from_agent_id": by, "to": to, "reason": why, "why": why });
        call.happened("call.transfer_failed", now, None, details);
        self.consult_failed(now, id, by, out);
    }

    /// The question waits in another queue now.
    pub(super) fn question_moved(&mut self, now: DateTime<Utc>, id: CallId, to: QueueId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(consult) = &mut call.consult else { return };
        consult.to = Asked::Queue(to);
        let by = consult.by;
        call.happened("call.asked", now, None, json!({ "agent_id": by, "queue_id": to }));
        out.push(call.record(None));
    }

    /// What became of a question to a queue while nobody could tell us. `gone`: legs that Asterisk has no more.
    pub(super) fn reconcile_question(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        gone: &[String],
        is_up: impl Fn(&str) -> bool,
        out: &mut Vec<Output>,
    ) {
        if self.calls.get(&id).and_then(Call::asked_queue).is_none() {
            return;
        }
        for channel in gone {
            self.agent_leg_gone(now, id, channel, Ending::default(), out);
        }
        let answered = self
            .calls
            .get(&id)
            .and_then(|call| call.offers.values().flat_map(|ringing| ringing.keys()).find(|leg| is_up(leg)).cloned());
        match answered {
            Some(channel) => self.agent_answered(now, id, &channel, out),
            None => self.await_answer(now, id, out),
        }
    }

    /// Who is asked picked up.
    pub(super) fn consulting(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        (by, to): (AgentId, AgentId),
        channel: &str,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(consult) = call.consult.as_mut().filter(|consult| consult.to == Asked::Agent(to)) else {
            call.dismiss(to, now, out);
            self.disengage(now, id, to, false, out);
            return;
        };
        consult.answered = true;
        let bridge = consult.bridge.clone();
        out.push(call.request(Request::AddChannels { bridge, channels: vec![channel.to_owned()] }));
        call.happened("call.consulted", now, Some(to), json!({ "agent_id": to, "by": by }));
        out.push(call.record(None));
    }

    /// Who was to be asked did not come, or has gone: the one who asked is with the customer again.
    pub(super) fn consult_failed(&mut self, now: DateTime<Utc>, id: CallId, by: AgentId, out: &mut Vec<Output>) {
        self.give_question_up(now, id, out);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(consult) = call.consult.take() else { return };
        if !consult.with_customer
            && let Some(leg) = call.leg_of(by)
        {
            call.music_ends(out);
            call.let_in(vec![leg], out);
        }
        out.push(call.request(Request::DestroyBridge { bridge: consult.bridge }));
        call.resumed(now);
        out.push(call.record(None));
    }

    /// A queue is asked no longer.
    fn give_question_up(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id).filter(|call| call.asked_queue().is_some()) else { return };
        call.ring_for_asker(false, out);
        let tenant = call.tenant;
        self.route(now, tenant, [routing::Input::Withdraw { work: id.into() }], out);
    }

    /// A step of an attended transfer.
    pub(super) fn transfer_step(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        sight: &Sight,
        step: TransferStep,
        out: &mut Vec<Output>,
    ) {
        let done = self.try_step(now, (tenant, id), sight, step, out);
        out.push(Output::CommandAnswered(done));
    }

    fn try_step(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        sight: &Sight,
        step: TransferStep,
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let user = AgentId::from(sight.user);
        let call = self
            .calls
            .get(&id)
            .filter(|call| call.tenant == tenant && call.closing.is_none() && self.is_seen(call, sight))
            .ok_or(CallCommandError::NotFound)?;
        let consult = call.consult.as_ref().ok_or(CallCommandError::NotNow)?;
        if consult.by != user && !sight.all {
            return Err(CallCommandError::NotFound);
        }
        let (by, to, answered) = (consult.by, consult.to, consult.answered);
        match step {
            TransferStep::Complete if answered => self.complete_transfer(now, id, out),
            // Not answered yet: it becomes a blind one.
            TransferStep::Complete => self.consult_becomes_blind(now, id, out),
            TransferStep::Swap if answered => self.swap(now, id, out),
            TransferStep::Merge if answered => self.merge(now, id, out),
            TransferStep::Swap | TransferStep::Merge => return Err(CallCommandError::NotNow),
            TransferStep::Cancel => match to {
                Asked::Queue(_) => self.consult_failed(now, id, by, out),
                Asked::Agent(_) if !answered => self.direct_failed(now, id, "cancelled", out),
                Asked::Outside if !answered => self.outside_failed(now, id, "cancelled", out),
                Asked::Agent(agent) => {
                    if let Some(call) = self.calls.get_mut(&id) {
                        call.dismiss(agent, now, out);
                        // A swap, too, is a hold that ends: only this says that the question is over.
                        call.happened("call.left", now, Some(agent), json!({ "agent_id": agent }));
                    }
                    self.disengage(now, id, agent, false, out);
                    self.consult_failed(now, id, by, out);
                }
                Asked::Outside => {
                    if let Some(call) = self.calls.get_mut(&id) {
                        let number = call.outside_leg().and_then(|leg| leg.number.clone());
                        call.dismiss_outside(now, out);
                        call.happened("call.left", now, None, json!({ "number": number }));
                    }
                    self.consult_failed(now, id, by, out);
                }
            },
        }
        Ok(())
    }

    /// The customer goes over to who was asked; who asked is done.
    pub(super) fn complete_transfer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(consult) = call.consult.take() else { return };
        let (by, to) = (consult.by, consult.to);
        call.dismiss(by, now, out);
        // With somebody outside, whoever served last stays responsible, if no other agent is there.
        call.row.agent_id = match to {
            Asked::Agent(to) => Some(to),
            Asked::Queue(_) | Asked::Outside => call.talkers().first().copied().or(Some(by)),
        };
        call.music_ends(out);
        if let Some(leg) = call.leg_of_asked(to) {
            out.push(call.request(Request::StopMusic { channel: leg.clone() }));
            call.let_in(vec![leg], out);
        }
        out.push(call.request(Request::DestroyBridge { bridge: consult.bridge }));
        call.resumed(now);
        match to {
            Asked::Agent(to) => {
                call.answered_again(now, to);
                call.transferred(now, "attended", (by, to));
            }
            Asked::Queue(_) => {}
            Asked::Outside => call.transferred_outside(now, "attended", Some(by)),
        }
        out.push(call.record(Some((by, now))));
        self.disengage(now, id, by, true, out);
        if let Asked::Agent(to) = to {
            self.engage(now, id, to, true, out);
        }
        self.no_more_to_hear(now, id, out);
    }

    /// Who asked does not wait for the answer.
    pub(super) fn consult_becomes_blind(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        self.give_question_up(now, id, out);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(consult) = call.consult.take() else { return };
        call.dismiss(consult.by, now, out);
        call.resumed(now);
        if let Asked::Queue(queue) = consult.to {
            out.push(call.request(Request::DestroyBridge { bridge: consult.bridge }));
            if call.talkers().is_empty() && call.outside_with_customer().is_none() {
                self.transferred_to_queue(now, id, consult.by, queue, out);
            } else {
                self.left_to_others(now, id, consult.by, out);
            }
            // Whoever has left to others is disengaged already.
            self.disengage(now, id, consult.by, true, out);
            return;
        }
        if let Some(direct) = &mut call.direct {
            direct.purpose = Purpose::TakeOver { from: consult.by };
            call.set_state(CallState::Ringing);
        }
        self.outside_for_customer(now, id, consult.by, out);
        let Some(call) = self.calls.get_mut(&id) else { return };
        out.push(call.request(Request::DestroyBridge { bridge: consult.bridge }));
        out.push(call.record(Some((consult.by, now))));
        self.disengage(now, id, consult.by, true, out);
    }

    /// The one who asks talks to the customer again, or to the other again.
    fn swap(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(consult) = &mut call.consult else { return };
        consult.with_customer = !consult.with_customer;
        let (by, to, with_customer, consult_bridge) =
            (consult.by, consult.to, consult.with_customer, consult.bridge.clone());
        let (Some(asks), Some(asked)) = (call.leg_of(by), call.leg_of_asked(to)) else { return };
        if with_customer {
            call.music_ends(out);
            out.push(call.request(Request::StartMusic { channel: asked }));
            call.let_in(vec![asks], out);
            call.resumed(now);
        } else {
            out.push(call.request(Request::StopMusic { channel: asked }));
            out.push(call.request(Request::AddChannels { bridge: consult_bridge, channels: vec![asks] }));
            call.entertain_if_alone(now, by, out);
        }
        out.push(call.record(None));
    }

    /// All three talk.
    fn merge(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(consult) = call.consult.take() else { return };
        let legs: Vec<String> = call.leg_of(consult.by).into_iter().chain(call.leg_of_asked(consult.to)).collect();
        call.music_ends(out);
        for leg in &legs {
            out.push(call.request(Request::StopMusic { channel: leg.clone() }));
        }
        call.let_in(legs, out);
        out.push(call.request(Request::DestroyBridge { bridge: consult.bridge }));
        call.resumed(now);
        let details = match consult.to {
            Asked::Agent(agent) => json!({ "agent_id": agent, "by": consult.by }),
            Asked::Queue(_) | Asked::Outside => {
                let number = call.outside_leg().and_then(|leg| leg.number.clone());
                json!({ "number": number, "by": consult.by })
            }
        };
        call.happened("call.conferenced", now, Some(consult.by), details);
        out.push(call.record(None));
        if let Asked::Agent(agent) = consult.to {
            self.engage(now, id, agent, true, out);
        }
    }
}
