//! Handing a call on: blind, or after asking; and bringing a third party in.
//!
//! The customer stays in the call's own bridge whatever happens, with music while nobody talks to them, so that what listens on their
//! channel for the recording never moves. A consultation has a bridge of its own.

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId, TenantId};

use super::Center;
use super::call::Call;
use super::commands::{TransferKind, TransferTo};
use super::consult::Asked;
use super::direct::Purpose;
use super::io::{HangupWhy, Output, Request};
use super::outside::Errand;
use crate::CallCommandError;
use crate::Sight;
use crate::model::{CallState, EndReason, LegKind};

impl Call {
    /// The leg on which an agent talks.
    pub(super) fn leg_of(&self, agent: AgentId) -> Option<String> {
        let talks = |leg: &&crate::model::Leg| {
            leg.kind == LegKind::Agent && leg.answered_at.is_some() && leg.agent_id == Some(agent)
        };
        self.open_legs().find(talks).map(|leg| leg.id.clone())
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

    pub(super) fn try_transfer(
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
            (kind, TransferTo::Queue(queue)) => {
                let known = self.directory.queues.get(&queue).filter(|known| known.tenant == tenant);
                known.ok_or(CallCommandError::NoSuchTarget)?;
                if kind == TransferKind::Attended {
                    self.ask_queue(now, id, (by, queue), out);
                    return Ok(());
                }
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
        }
        Ok(())
    }

    /// The one who talks goes, and the customer hears music until somebody else comes.
    fn leave_customer(&mut self, now: DateTime<Utc>, id: CallId, by: AgentId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.resumed(now);
        call.house_music(out);
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

    pub(super) fn transferred_to_queue(
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
        call.begins_to_wait(now, details);
        call.other_music(now, known.map(|known| &known.routing.while_waiting), out);
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
        call.music_ends(out);
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
        call.begins_to_wait(now, json!({ "queue_id": queue, "reason": "transfer_failed" }));
        out.push(call.record(None));
        self.enqueue(now, id, None, false, out);
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
                        self.left_to_others(now, id, agent, out);
                        return;
                    }
                    self.begin_end(now, id, EndReason::CompletedAgent, false, out);
                    return;
                };
                call.leg_ended(channel, now, None);
                if consult.is_some() {
                    call.entertain_if_alone(now, next, out);
                }
                self.left_to_others(now, id, agent, out);
            }
        }
    }

    /// One who talked is gone, and others go on with the customer.
    pub(super) fn left_to_others(&mut self, now: DateTime<Utc>, id: CallId, agent: AgentId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let asked = call.consult.as_ref().map(|consult| consult.to);
        let next = call.talkers().into_iter().find(|left| *left != agent && asked != Some(Asked::Agent(*left)));
        match next {
            None => call.transferred_outside(now, "conference", Some(agent)),
            Some(next) if call.row.agent_id == Some(agent) => {
                call.row.agent_id = Some(next);
                call.transferred(now, "conference", (agent, next));
            }
            Some(_) => call.happened("call.left", now, Some(agent), json!({ "agent_id": agent })),
        }
        out.push(call.record(Some((agent, now))));
        self.disengage(now, id, agent, true, out);
        self.no_more_to_hear(now, id, out);
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
}
