//! One agent rung by name, past the router: for a transfer, a consultation, a conference, or to give a call back.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, TenantId};
use trunkline_routing::{self as routing, Medium};

use super::Center;
use super::call::Ringing;
use super::io::{HangupWhy, Output, Request};
use crate::CallCommandError;
use crate::model::{CallState, Server};
use crate::queueing::Desk;

/// What the agent is rung for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To take the call over from somebody who is gone already.
    TakeOver {
        /// Who handed it on.
        from: AgentId,
    },
    /// To have it back: who was to take it over did not.
    TakeBack,
    /// A colleague calls them.
    Call,
    /// Somebody outside called a number that leads to them.
    Reach,
    /// To be asked by the one who talks, while the customer hears music.
    Consult {
        /// Who asks.
        by: AgentId,
    },
    /// To join those who talk.
    Join {
        /// Who asked them in.
        by: AgentId,
    },
}

/// An agent who is being rung by name.
#[derive(Debug)]
pub(super) struct Direct {
    pub(super) agent: AgentId,
    pub(super) purpose: Purpose,
    pub(super) ringing: Ringing,
    pub(super) until: DateTime<Utc>,
}

impl Center {
    /// Whether an agent can be rung by name now.
    pub(super) fn may_ring(&self, id: CallId, agent: AgentId) -> Result<(), CallCommandError> {
        let call = self.calls.get(&id).ok_or(CallCommandError::NotFound)?;
        self.can_ring(call.tenant, &call.row.server, agent)
    }

    /// The same, for a call of this server, whatever for.
    pub(super) fn can_ring(&self, tenant: TenantId, of: &Server, agent: AgentId) -> Result<(), CallCommandError> {
        if !self.directory.agents.contains_key(&(tenant, agent)) {
            return Err(CallCommandError::NoSuchTarget);
        }
        let mut devices = self.directory.devices_of(tenant, agent).into_iter();
        if !devices.any(|device| self.fleet.place(&device.username, of).is_some()) {
            return Err(CallCommandError::TargetAway);
        }
        if self.is_busy(tenant, agent) {
            return Err(CallCommandError::TargetBusy);
        }
        Ok(())
    }

    /// Rings all phones of one agent. That there is one was made sure of, or nothing rings and it fails at once.
    pub(super) fn ring_directly(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        purpose: Purpose,
        out: &mut Vec<Output>,
    ) {
        if self.calls.get(&id).is_none_or(|call| call.closing.is_some()) {
            return;
        }
        let ringing = self.ring_phones(now, id, agent, out);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let until = now + TimeDelta::seconds(i64::from(call.ring_seconds));
        let rings = !ringing.is_empty();
        call.direct = Some(Direct { agent, purpose, ringing, until });
        if matches!(purpose, Purpose::TakeOver { .. } | Purpose::TakeBack | Purpose::Call | Purpose::Reach) {
            call.set_state(CallState::Ringing);
        }
        let word = match purpose {
            Purpose::TakeOver { .. } => "transfer",
            Purpose::TakeBack => "take_back",
            Purpose::Call | Purpose::Reach => "call",
            Purpose::Consult { .. } => "consult",
            Purpose::Join { .. } => "conference",
        };
        let details = json!({ "agent_id": agent, "queue_id": call.row.queue_id, "for": word });
        call.happened("call.offered", now, None, details);
        out.push(call.record(None));
        if rings {
            self.engage(now, id, agent, false, out);
        } else {
            self.direct_failed(now, id, "unreachable", out);
        }
    }

    /// The router is to know that an agent is busy with this call; who talks in it wraps it up by the queue's rules.
    pub(super) fn engage(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        talks: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.engaged.insert(agent);
        if talks {
            call.served.insert(agent);
        }
        let (tenant, queue) = (call.tenant, call.row.queue_id.filter(|_| call.served.contains(&agent)));
        let queue = queue.map(Desk::of_calls);
        let told = routing::Input::Engaged { work: id.into(), agent, medium: Medium::Call, queue };
        self.route(now, tenant, [told], out);
    }

    /// One of the phones of the agent who is rung by name was picked up. Whether it was one of those.
    pub(super) fn direct_answered(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &str,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return false };
        let Some(direct) = call.direct.take_if(|direct| direct.ringing.contains_key(channel)) else { return false };
        for other in direct.ringing.into_keys().filter(|other| other != channel) {
            out.push(call.request(Request::Hangup { channel: other, why: HangupWhy::AnsweredElsewhere }));
        }
        if let Some(leg) = call.leg_mut(channel) {
            leg.answered_at = Some(now);
        }
        // Who is only asked does not talk with the customer yet.
        let talks = !matches!(direct.purpose, Purpose::Consult { .. });
        self.engage(now, id, direct.agent, talks, out);
        match direct.purpose {
            Purpose::TakeOver { from } => self.taken_over(now, id, (Some(from), direct.agent), channel, out),
            Purpose::TakeBack => self.taken_over(now, id, (None, direct.agent), channel, out),
            Purpose::Call => self.colleague_answered(now, id, direct.agent, channel, out),
            Purpose::Reach => self.reached(now, id, direct.agent, channel, out),
            Purpose::Consult { by } => self.consulting(now, id, (by, direct.agent), channel, out),
            Purpose::Join { by } => self.joined(now, id, (by, direct.agent), channel, out),
        }
        true
    }

    /// A leg to the agent who is rung by name is gone. Whether it was one of those.
    pub(super) fn direct_leg_gone(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &str,
        word: &str,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(direct) = self.calls.get_mut(&id).and_then(|call| call.direct.as_mut()) else { return false };
        if direct.ringing.remove(channel).is_none() {
            return false;
        }
        if direct.ringing.is_empty() {
            self.direct_failed(now, id, word, out);
        }
        true
    }

    /// The agent who was rung by name did not come.
    pub(super) fn direct_failed(&mut self, now: DateTime<Utc>, id: CallId, why: &str, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let Some(direct) = call.direct.take() else { return };
        for channel in direct.ringing.into_keys() {
            out.push(call.request(Request::Hangup { channel, why: HangupWhy::NoAnswer }));
        }
        call.missed_offer(now, direct.agent, why);
        out.push(call.record(None));
        self.disengage(now, id, direct.agent, false, out);
        match direct.purpose {
            Purpose::TakeOver { from } => {
                self.give_back(now, id, from, &json!({ "agent_id": direct.agent }), why, out);
            }
            Purpose::TakeBack => self.nobody_took_it(now, id, out),
            Purpose::Call => self.colleague_failed(now, id, why, out),
            Purpose::Reach => self.not_reached(now, id, out),
            Purpose::Consult { by } => self.consult_failed(now, id, by, out),
            Purpose::Join { .. } => {}
        }
    }

    /// An agent has no part in the call any more; wrap-up may follow if they talked in it.
    pub(super) fn disengage(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        talked: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if !call.engaged.remove(&agent) {
            return;
        }
        let talked = talked || call.served.contains(&agent);
        let (tenant, queue) = (call.tenant, call.row.queue_id.filter(|_| talked));
        self.release(now, (tenant, id), &[agent], queue, out);
    }

    pub(super) fn direct_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let direct = self.calls.get(&id).and_then(|call| call.direct.as_ref());
        if direct.is_some_and(|direct| direct.until <= now) {
            self.direct_failed(now, id, "no_answer", out);
        }
    }
}
