//! Handing a call on: blind, or after asking; and bringing a third party in.
//!
//! The customer stays in the call's own bridge whatever happens, with music while nobody talks to them, so that what listens on their
//! channel for the recording never moves. A consultation has a bridge of its own.

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId, TenantId};

use super::Center;
use super::call::Call;
use super::commands::{TransferKind, TransferStep, TransferTo};
use super::direct::Purpose;
use super::io::{HangupWhy, Output, Request};
use super::outside::Errand;
use crate::CallCommandError;
use crate::Sight;
use crate::model::{CallState, EndReason, LegKind};
use crate::names::{Part, ResourceName};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// An agent.
    Agent(AgentId),
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
    /// The leg on which an agent talks.
    pub(super) fn leg_of(&self, agent: AgentId) -> Option<String> {
        let talks = |leg: &&crate::model::Leg| {
            leg.kind == LegKind::Agent && leg.answered_at.is_some() && leg.agent_id == Some(agent)
        };
        self.open_legs().find(talks).map(|leg| leg.id.clone())
    }

    /// The leg on which somebody who is asked talks.
    fn leg_of_asked(&self, asked: Asked) -> Option<String> {
        match asked {
            Asked::Agent(agent) => self.leg_of(agent),
            Asked::Outside => self.outside_leg().map(|leg| leg.id.clone()),
        }
    }

    /// Everybody of the house who talks in it, the one who is responsible first.
    pub(super) fn talkers(&self) -> Vec<AgentId> {
        let mut talkers: Vec<AgentId> = self
            .open_legs()
            .filter(|leg| leg.kind == LegKind::Agent && leg.answered_at.is_some())
            .filter_map(|leg| leg.agent_id)
            .collect();
        talkers.sort_unstable_by_key(|agent| (Some(*agent) != self.row.agent_id, *agent));
        talkers.dedup();
        talkers
    }

    /// Where an agent talks now: with the customer, or beside them.
    pub(super) fn talks_in(&self, agent: AgentId) -> String {
        let consult = self.consult.as_ref().filter(|consult| consult.has_aside(agent));
        consult.map_or_else(|| self.bridge(), |consult| consult.bridge.clone())
    }

    /// Whether nobody talks to the customer.
    pub(super) fn customer_is_alone(&self) -> bool {
        let aside = |agent: &AgentId| {
            self.controls.holds(*agent) || self.consult.as_ref().is_some_and(|consult| consult.has_aside(*agent))
        };
        self.outside_with_customer().is_none() && self.talkers().iter().all(aside)
    }

    /// While nobody talks to them, the customer hears music, and is held.
    fn entertain_if_alone(&mut self, now: DateTime<Utc>, by: AgentId, out: &mut Vec<Output>) {
        if self.customer_is_alone() {
            out.push(self.request(Request::StartMusic { channel: self.customer() }));
            self.row.held_since.get_or_insert(now);
            self.happened("call.held", now, Some(by), json!({ "agent_id": by, "for": "consult" }));
        }
    }

    /// Ends an agent's leg on our own account: that it goes is no news.
    pub(super) fn dismiss(&mut self, agent: AgentId, now: DateTime<Utc>, out: &mut Vec<Output>) {
        if let Some(leg) = self.leg_of(agent) {
            self.leg_ended(&leg, now, None);
            out.push(self.request(Request::Hangup { channel: leg, why: HangupWhy::Normal }));
        }
        // A phone of theirs that was to have the call back has no use for it either.
        if let Some(reattach) = self.reattach.take_if(|_| self.row.agent_id == Some(agent)) {
            out.push(self.request(Request::Hangup { channel: reattach.channel, why: HangupWhy::Normal }));
        }
    }
}

impl Center {
    /// Somebody wants a call handed on.
    pub(super) fn transfer(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        sight: &Sight,
        kind: TransferKind,
        to: TransferTo,
        out: &mut Vec<Output>,
    ) {
        let done = self.try_transfer(now, (tenant, id), sight, kind, to, out);
        out.push(Output::CommandAnswered(done));
    }

    /// The call, if it is one that people talk in and who asks may hand it on.
    pub(super) fn talked_in(
        &self,
        (tenant, id): (TenantId, CallId),
        sight: &Sight,
    ) -> Result<AgentId, CallCommandError> {
        let call = self
            .calls
            .get(&id)
            .filter(|call| call.tenant == tenant && call.closing.is_none() && self.is_seen(call, sight))
            .ok_or(CallCommandError::NotFound)?;
        let user = AgentId::from(sight.user);
        let talkers = call.talkers();
        if talkers.contains(&user) {
            return Ok(user);
        }
        // Who sees all acts for the one who is responsible.
        match talkers.first() {
            Some(agent) if sight.all => Ok(*agent),
            Some(_) => Err(CallCommandError::NotFound),
            None => Err(CallCommandError::NotNow),
        }
    }

    fn try_transfer(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        sight: &Sight,
        kind: TransferKind,
        to: TransferTo,
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let by = self.talked_in((tenant, id), sight)?;
        let call = self.calls.get(&id).ok_or(CallCommandError::NotFound)?;
        let busy = call.direct.is_some() || call.outside.is_some() || call.consult.is_some() || call.reattach.is_some();
        if call.row.state != CallState::Active || busy {
            return Err(CallCommandError::NotNow);
        }
        match (kind, to) {
            (TransferKind::Blind, TransferTo::Agent(agent)) => {
                self.may_ring(id, agent)?;
                self.leave_customer(now, id, by, out);
                self.ring_directly(now, id, agent, Purpose::TakeOver { from: by }, out);
            }
            (TransferKind::Blind, TransferTo::Queue(queue)) => {
                let known = self.directory.queues.get(&queue).filter(|known| known.tenant == tenant);
                known.ok_or(CallCommandError::NoSuchTarget)?;
                self.leave_customer(now, id, by, out);
                self.transferred_to_queue(now, id, by, queue, out);
            }
            (TransferKind::Attended, TransferTo::Agent(agent)) => {
                self.may_ring(id, agent)?;
                self.begin_consult(now, id, (by, Asked::Agent(agent)), out);
                self.ring_directly(now, id, agent, Purpose::Consult { by }, out);
            }
            (kind, TransferTo::Number(number)) => {
                if call.outside_leg().is_some() {
                    return Err(CallCommandError::NotNow);
                }
                let (queue, server) = (call.row.queue_id, call.row.server.clone());
                let allowed = self.may_call(now, (tenant, Some(by)), Some(&server), queue, &number, out)?;
                let errand = if kind == TransferKind::Blind {
                    self.leave_customer(now, id, by, out);
                    Errand::TakeOver { from: by }
                } else {
                    self.begin_consult(now, id, (by, Asked::Outside), out);
                    Errand::Consult { by }
                };
                self.begin_outside(now, id, allowed, errand, out);
            }
            (TransferKind::Attended, TransferTo::Queue(_)) => return Err(CallCommandError::NoSuchTarget),
        }
        Ok(())
    }

    /// The one who talks goes, and the customer hears music until somebody else comes.
    fn leave_customer(&mut self, now: DateTime<Utc>, id: CallId, by: AgentId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.resumed(now);
        out.push(call.request(Request::StartMusic { channel: call.customer() }));
        for agent in call.talkers() {
            call.dismiss(agent, now, out);
        }
        call.dismiss_outside(now, out);
        let others: Vec<AgentId> = call.talkers().into_iter().chain(call.engaged.iter().copied()).collect();
        for agent in others {
            self.disengage(now, id, agent, true, out);
        }
        tracing::debug!(call = %id, %by, "the customer is handed on");
    }

    fn transferred_to_queue(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        from: AgentId,
        queue: QueueId,
        out: &mut Vec<Output>,
    ) {
        let known = self.directory.queues.get(&queue);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let details = json!({
            "kind": "blind", "from_agent_id": from, "to": { "queue_id": queue }, "queue_id": queue,
        });
        call.happened("call.transferred", now, Some(from), details);
        let before = call.row.queue_id.replace(queue);
        call.row.agent_id = None;
        call.row.queued_at = Some(now);
        call.ring_seconds = known.map_or(call.ring_seconds, |known| known.ring_seconds);
        call.set_state(CallState::Queued);
        let details = json!({
            "queue_id": queue,
            "queue": known.map(|known| &known.name),
            "from_queue_id": before,
            "reason": "transfer",
            "service_level_s": known.map(|known| known.routing.service_level_seconds),
            "short_abandon_s": known.map(|known| known.routing.short_abandon_seconds),
        });
        call.happened("call.queued", now, None, details);
        out.push(call.record(None));
        self.enqueue(now, id, Some(from), false, out);
    }

    /// Who was rung to take the call over picked up.
    pub(super) fn taken_over(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        (from, to): (Option<AgentId>, AgentId),
        channel: &str,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.row.agent_id = Some(to);
        call.set_state(CallState::Active);
        out.push(call.request(Request::StopMusic { channel: call.customer() }));
        call.let_in(vec![channel.to_owned()], out);
        call.answered_again(now, to);
        if let Some(from) = from {
            call.transferred(now, "blind", (from, to));
        }
        out.push(call.record(None));
    }

    /// Who was to take the call over did not: it goes back to who handed it on.
    pub(super) fn give_back(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        from: AgentId,
        to: &serde_json::Value,
        why: &str,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let details = json!({ "kind": "blind", "from_agent_id": from, "to": to, "reason": why, "why": why });
        call.happened("call.transfer_failed", now, None, details);
        out.push(call.record(None));
        if self.may_ring(id, from).is_ok() {
            self.ring_directly(now, id, from, Purpose::TakeBack, out);
        } else {
            self.nobody_took_it(now, id, out);
        }
    }

    /// Neither of them takes it: it waits in its queue for anybody, or ends with a word of regret.
    pub(super) fn nobody_took_it(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.row.agent_id = None;
        let Some(queue) = call.row.queue_id else {
            self.regret(now, id, EndReason::NoAnswer, out);
            return;
        };
        call.row.queued_at = Some(now);
        call.set_state(CallState::Queued);
        call.happened("call.queued", now, None, json!({ "queue_id": queue, "reason": "transfer_failed" }));
        out.push(call.record(None));
        self.enqueue(now, id, None, false, out);
    }

    fn begin_consult(&mut self, now: DateTime<Utc>, id: CallId, (by, to): (AgentId, Asked), out: &mut Vec<Output>) {
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
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(consult) = call.consult.take() else { return };
        if !consult.with_customer
            && let Some(leg) = call.leg_of(by)
        {
            out.push(call.request(Request::StopMusic { channel: call.customer() }));
            call.let_in(vec![leg], out);
        }
        out.push(call.request(Request::DestroyBridge { bridge: consult.bridge }));
        call.resumed(now);
        out.push(call.record(None));
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
            Asked::Outside => call.talkers().first().copied().or(Some(by)),
        };
        out.push(call.request(Request::StopMusic { channel: call.customer() }));
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
    fn consult_becomes_blind(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(consult) = call.consult.take() else { return };
        call.dismiss(consult.by, now, out);
        call.resumed(now);
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
            out.push(call.request(Request::StopMusic { channel: call.customer() }));
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
        out.push(call.request(Request::StopMusic { channel: call.customer() }));
        for leg in &legs {
            out.push(call.request(Request::StopMusic { channel: leg.clone() }));
        }
        call.let_in(legs, out);
        out.push(call.request(Request::DestroyBridge { bridge: consult.bridge }));
        call.resumed(now);
        let details = match consult.to {
            Asked::Agent(agent) => json!({ "agent_id": agent, "by": consult.by }),
            Asked::Outside => {
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

    /// Somebody wants one more agent in the call.
    pub(super) fn conference(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        sight: &Sight,
        agent: AgentId,
        out: &mut Vec<Output>,
    ) {
        let done = self.talked_in((tenant, id), sight).and_then(|by| {
            let call = self.calls.get(&id).ok_or(CallCommandError::NotFound)?;
            let is_handed_on = call.direct.is_some() || call.outside.is_some() || call.consult.is_some();
            if call.row.state != CallState::Active || is_handed_on {
                return Err(CallCommandError::NotNow);
            }
            self.may_ring(id, agent)?;
            self.ring_directly(now, id, agent, Purpose::Join { by }, out);
            Ok(())
        });
        out.push(Output::CommandAnswered(done));
    }

    /// Who was asked in picked up.
    pub(super) fn joined(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        (by, agent): (AgentId, AgentId),
        channel: &str,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.let_in(vec![channel.to_owned()], out);
        call.happened("call.conferenced", now, Some(agent), json!({ "agent_id": agent, "by": by }));
        out.push(call.record(None));
    }

    /// An agent who talked hung up. The call goes on with whoever is left, and ends with the last.
    pub(super) fn talker_left(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        channel: &str,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let consult = call.consult.as_ref().map(|consult| (consult.by, consult.to, consult.answered));
        match consult {
            Some((by, _, true)) if by == agent => {
                call.leg_ended(channel, now, None);
                self.complete_transfer(now, id, out);
            }
            Some((by, _, false)) if by == agent => {
                call.leg_ended(channel, now, None);
                self.consult_becomes_blind(now, id, out);
            }
            Some((by, to, _)) if to == Asked::Agent(agent) => {
                call.leg_ended(channel, now, None);
                self.disengage(now, id, agent, false, out);
                self.consult_failed(now, id, by, out);
            }
            _ => {
                let asked = consult.map(|(_, to, _)| to);
                let is_asked = |agent: AgentId| asked == Some(Asked::Agent(agent));
                let left = call.talkers().into_iter().find(|left| *left != agent && !is_asked(*left));
                let Some(next) = left else {
                    if call.outside_with_customer().is_some() {
                        call.leg_ended(channel, now, None);
                        call.let_go(now, agent);
                        call.transferred_outside(now, "conference", Some(agent));
                        out.push(call.record(Some((agent, now))));
                        self.disengage(now, id, agent, true, out);
                        self.no_more_to_hear(now, id, out);
                        return;
                    }
                    self.begin_end(now, id, EndReason::CompletedAgent, false, out);
                    return;
                };
                call.leg_ended(channel, now, None);
                if call.row.agent_id == Some(agent) {
                    call.row.agent_id = Some(next);
                    call.transferred(now, "conference", (agent, next));
                } else {
                    call.happened("call.left", now, Some(agent), json!({ "agent_id": agent }));
                }
                if consult.is_some() {
                    call.entertain_if_alone(now, next, out);
                }
                out.push(call.record(Some((agent, now))));
                self.disengage(now, id, agent, true, out);
            }
        }
    }
}

impl Call {
    pub(super) fn transferred(&mut self, now: DateTime<Utc>, kind: &str, (from, to): (AgentId, AgentId)) {
        let details = json!({
            "kind": kind, "from_agent_id": from, "to": { "agent_id": to }, "queue_id": self.row.queue_id,
        });
        self.happened("call.transferred", now, Some(from), details);
    }

    /// Another agent talks to the customer now.
    pub(super) fn answered_again(&mut self, now: DateTime<Utc>, agent: AgentId) {
        let details = json!({ "agent_id": agent, "queue_id": self.row.queue_id, "again": true });
        self.happened("call.answered", now, Some(agent), details);
    }

    fn next_consult_name(&mut self) -> String {
        let number = self.next_leg_number();
        ResourceName::new(self.id(), Part::Consult(number)).to_string()
    }
}
