//! Somebody outside calls: where their number leads, and what becomes of those whom no queue takes.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, FlowId, TenantId};
use trunkline_dialing::Mark;

use super::call::Call;
use super::direct::Purpose;
use super::io::{ChannelView, HangupWhy, Output, Request};
use super::speech::Speech;
use super::{CAUSE_REJECTED, Center, Dialled, refuse, taps};
use crate::directory::{Target, e164};
use crate::model::{Direction, EndReason, LegKind, Way};

/// How long the phones of an agent ring whom a number leads to.
const RINGING_SECONDS: u32 = 30;

impl Call {
    /// How a call ends whose caller did not wait for what was to come, where no queue had it.
    pub(super) fn given_up(&self) -> EndReason {
        self.speech.as_ref().and_then(Speech::ends_as).unwrap_or(EndReason::NoAnswer)
    }
}

impl Center {
    /// A call came in by a trunk.
    pub(super) fn customer_called(
        &mut self,
        now: DateTime<Utc>,
        channel: &ChannelView,
        trunk: &str,
        called: &str,
        out: &mut Vec<Output>,
    ) {
        let directory = Arc::clone(&self.directory);
        let Some((to, number)) = directory.number_called(called) else {
            self.stranger_called(now, channel, trunk, called, out);
            return;
        };
        let dialled = Dialled { direction: Direction::Inbound, to: to.to_owned(), calling_agent: None };
        if self.mark(number.tenant, &e164(&channel.caller_number)) == Some(Mark::Blocked) {
            let refused = (EndReason::Blocked, CAUSE_REJECTED);
            Self::record_refused_call(now, number.tenant, channel, dialled, refused, out);
            refuse(channel, HangupWhy::Rejected, out);
            return;
        }
        let (target, is_closed) = directory.way_of(number, now);
        let queue = match target {
            Target::Queue(queue) => directory.queues.get(&queue),
            _ => None,
        };
        if let Some(queue) = queue {
            self.queue_call(now, channel, dialled, queue, out);
            return;
        }
        let agent = match target {
            Target::Agent(agent) => Some(agent),
            _ => None,
        };
        let id = self.take_call(now, channel, number.tenant, dialled.to, agent, out);
        if let Some(call) = self.calls.get_mut(&id) {
            call.traced(now, "number", json!({ "number": to, "target": target.word(), "closed": is_closed }));
        }
        self.lead(now, id, target, is_closed, out);
    }

    /// Begins a call that no queue has.
    fn take_call(
        &mut self,
        now: DateTime<Utc>,
        channel: &ChannelView,
        tenant: TenantId,
        to: String,
        agent: Option<AgentId>,
        out: &mut Vec<Output>,
    ) -> CallId {
        let mut row = Self::new_row(now, channel, Direction::Inbound, to);
        row.agent_id = agent;
        let mut call = Call::new(tenant, row);
        call.ring_seconds = RINGING_SECONDS;
        let details = json!({
            "direction": Direction::Inbound,
            "from": call.row.from_number,
            "to": call.row.to_number,
            "queue_id": null,
            "agent_id": agent,
        });
        call.happened("call.started", now, None, details);
        out.push(call.request(Request::CreateBridge { bridge: call.bridge() }));
        out.push(call.record(None));
        let id = call.id();
        self.customers.insert(&channel.server, channel.id.clone(), id);
        self.calls.insert(id, call);
        id
    }

    /// Takes a call where its number leads.
    fn lead(&mut self, now: DateTime<Utc>, id: CallId, target: Target, is_closed: bool, out: &mut Vec<Output>) {
        match target {
            Target::Agent(agent) => self.agent_called(now, id, agent, out),
            Target::Flow(flow) => self.flow_called(now, id, flow, out),
            Target::HangUp if is_closed => self.turn_away(now, id, EndReason::OutOfHours, out),
            Target::HangUp => self.turn_away(now, id, EndReason::Rejected, out),
            Target::Queue(queue) => {
                tracing::error!(call = %id, %queue, "a number leads to a queue that is not there");
                self.turn_away(now, id, EndReason::Failed, out);
            }
        }
    }

    /// A number leads to one agent: their phones ring, and the caller hears that they do.
    fn agent_called(&mut self, now: DateTime<Utc>, id: CallId, agent: AgentId, out: &mut Vec<Output>) {
        if self.may_ring(id, agent).is_err() {
            self.not_reached(now, id, out);
            return;
        }
        if let Some(call) = self.calls.get(&id) {
            out.push(call.request(Request::Ring { channel: call.customer() }));
        }
        self.ring_directly(now, id, agent, Purpose::Reach, out);
    }

    /// The agent picked up.
    pub(super) fn reached(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        channel: &str,
        out: &mut Vec<Output>,
    ) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.flow_over();
        }
        self.colleague_answered(now, id, agent, channel, out);
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.recording.is_none() && self.directory.is_recorded(call.tenant, &call.row) {
            taps::begin(call, now, out);
            out.push(call.record(None));
        }
    }

    /// The agent did not come.
    pub(super) fn not_reached(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.row.agent_id = None;
        out.push(call.request(Request::StopRing { channel: call.customer() }));
        if self.flow_unanswered(now, id, out) {
            return;
        }
        self.turn_away(now, id, EndReason::NoAnswer, out);
    }

    /// A word of regret, and the call is over.
    pub(super) fn turn_away(&mut self, now: DateTime<Utc>, id: CallId, reason: EndReason, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let customer = call.customer();
        if let Some(leg) = call.leg_mut(&customer)
            && leg.answered_at.is_none()
        {
            leg.answered_at = Some(now);
            out.push(call.request(Request::Answer { channel: customer }));
        }
        out.push(call.record(None));
        self.apologise(now, id, reason, out);
    }

    /// The caller is still there, and nobody could tell us what went on meanwhile.
    pub(super) fn arrives_again(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let directory = Arc::clone(&self.directory);
        let Some(call) = self.calls.get(&id).filter(|call| call.closing.is_none()) else { return };
        // Whether it is still being said nobody can tell: what was to follow follows now.
        if let Some(playback) = call.speech.as_ref().map(|speech| speech.playback.clone()) {
            out.push(call.request(Request::StopPlayback { playback: playback.clone() }));
            self.played(now, &playback, out);
            return;
        }
        if self.flow_again(now, id, out) {
            return;
        }
        let Some(call) = self.calls.get(&id) else { return };
        if call.direct.is_some() || call.outside.is_some() {
            return;
        }
        // Phones that an earlier life of this gateway rang.
        for leg in call.open_legs().filter(|leg| leg.kind == LegKind::Agent) {
            out.push(call.request(Request::Hangup { channel: leg.id.clone(), why: HangupWhy::NoAnswer }));
        }
        if let Some(Way::Flow(place)) = &call.row.way {
            let flow = FlowId(place.flow);
            self.flow_called(now, id, flow, out);
            return;
        }
        let number = directory.numbers.get(&call.row.to_number).filter(|number| number.tenant == call.tenant);
        let (target, is_closed) = number.map_or((Target::HangUp, false), |number| directory.way_of(number, now));
        match target {
            Target::Agent(_) | Target::Flow(_) => self.lead(now, id, target, is_closed, out),
            // What it was told is known to nobody: it has waited for long enough.
            Target::Queue(_) | Target::HangUp => self.turn_away(now, id, EndReason::NoAnswer, out),
        }
    }
}
