//! How a call is taken down: nothing of it may stay behind in Asterisk, and its record has to be complete.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, RecordingId};
use trunkline_routing as routing;

use super::call::Closing;
use super::direct::Purpose;
use super::io::{Ending, FinishedCall, HangupWhy, Output, RecordingOutcome, Request};
use super::outside::Outside;
use super::{Center, supervise, taps};
use crate::model::{CallState, Direction, EndReason, Leg, LegKind, Server};
use crate::names::{Part, ResourceName};

/// How long the legs of a call may take to go. Measured: milliseconds; a phone that vanished takes its SIP timers.
const CLOSING_TIME: TimeDelta = TimeDelta::seconds(5);

impl Center {
    /// A party hung up. Both parties' legs go down within the same moment, so who was first has to be noted now.
    pub(super) fn hangup_requested(
        &mut self,
        now: DateTime<Utc>,
        server: &Server,
        channel: &str,
        ending: Ending,
        out: &mut Vec<Output>,
    ) {
        if let Some(id) = self.customers.get(server, channel) {
            if let Some(call) = self.calls.get_mut(&id) {
                call.customer_ending.cause = call.customer_ending.cause.or(ending.cause);
                call.customer_ending.sip_code = call.customer_ending.sip_code.or(ending.sip_code);
            }
            // Who never answered did not hang up: how the leg ended is told when it is gone.
            if self.calls.get(&id).is_none_or(|call| call.outbound.is_none()) {
                self.customer_left(now, id, out);
            }
        } else if let Some(id) = self.callers.get(server, channel) {
            self.agent_left(now, id, channel, out);
        } else if let Some(ResourceName { call: id, part: Part::OutsideLeg(_) }) = self.part(server, channel) {
            self.outside_hangs_up(now, id, channel, out);
        } else if let Some(ResourceName { call: id, part: Part::AgentLeg(_) | Part::SupervisorLeg(_) }) =
            self.part(server, channel)
            && !self.supervisor_leg_gone(now, id, channel, out)
        {
            self.agent_left(now, id, channel, out);
        }
    }

    /// A channel is gone.
    pub(super) fn destroyed(
        &mut self,
        now: DateTime<Utc>,
        server: &Server,
        channel: &str,
        ending: Ending,
        out: &mut Vec<Output>,
    ) {
        if let Some(id) = self.customers.get(server, channel) {
            if let Some(call) = self.calls.get_mut(&id) {
                call.customer_ending = Ending {
                    cause: ending.cause.or(call.customer_ending.cause),
                    sip_code: ending.sip_code.or(call.customer_ending.sip_code),
                };
                call.leg_ended(channel, now, call.customer_ending.cause);
            }
            self.customer_left(now, id, out);
            self.complete_if_gone(now, id, out);
            return;
        }
        if let Some(id) = self.callers.get(server, channel) {
            self.agent_left(now, id, channel, out);
            self.agent_leg_gone(now, id, channel, ending, out);
            self.complete_if_gone(now, id, out);
            return;
        }
        let Some(name) = self.part(server, channel) else {
            self.forget_strangers(|stranger| stranger.server == *server && stranger.id == channel);
            return;
        };
        match name.part {
            Part::SupervisorLeg(_) if self.supervisor_leg_gone(now, name.call, channel, out) => {}
            Part::Ear(_) | Part::Bell(_) => self.supervision_broken(now, name.call, channel, out),
            Part::OutsideLeg(_) => self.outside_gone(now, name.call, channel, ending, out),
            Part::AgentLeg(_) | Part::SupervisorLeg(_) => {
                self.agent_left(now, name.call, channel, out);
                self.agent_leg_gone(now, name.call, channel, ending, out);
                self.complete_if_gone(now, name.call, out);
            }
            part => {
                if let Some(call) = self.calls.get_mut(&name.call)
                    && call.closing.is_none()
                {
                    taps::broken(call, part, "a tap's channel ended", now, out);
                }
            }
        }
    }

    fn customer_left(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let left = call.left_message(now);
        if left.is_some() {
            self.keep_message(now, id, out);
        }
        let Some(call) = self.calls.get(&id) else { return };
        let reason = match (call.row.state, call.row.direction) {
            _ if let Some(reason) = left => reason,
            _ if call.ivr.is_some() => EndReason::AbandonedIvr,
            _ if call.is_left_to_outside() => EndReason::Transferred,
            (CallState::Active, _) => EndReason::CompletedCustomer,
            // Handed on, and had enough of it.
            _ if call.row.answered_at.is_some() => EndReason::CompletedCustomer,
            (_, Direction::Outbound) => {
                let ending = call.customer_ending;
                self.callee_gone(now, id, ending, out);
                return;
            }
            _ if call.row.queue_id.is_none() => call.given_up(),
            _ => EndReason::AbandonedQueue,
        };
        self.begin_end(now, id, reason, false, out);
    }

    /// The agent who talks hung up; a phone that only rang ends nothing.
    fn agent_left(&mut self, now: DateTime<Utc>, id: CallId, channel: &str, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id).filter(|call| call.closing.is_none()) else { return };
        let talks = |leg: &&Leg| leg.id == channel && leg.kind == LegKind::Agent && leg.answered_at.is_some();
        let Some(agent) = call.open_legs().find(talks).and_then(|leg| leg.agent_id) else { return };
        // One that is being replaced by another leg of the same agent ends nothing.
        if call.is_unanswered_outbound() {
            // An agent who hangs up before the answer gave up.
            self.begin_end(now, id, EndReason::NoAnswer, false, out);
            return;
        }
        let replaced = call.reattach.is_some() && call.row.agent_id == Some(agent);
        if !replaced {
            self.talker_left(now, id, agent, channel, out);
        }
    }

    /// Takes the call down. What comes first decides the reason.
    pub(super) fn begin_end(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        reason: EndReason,
        estimated: bool,
        out: &mut Vec<Output>,
    ) {
        let announced = self.calls.get(&id).is_some_and(|call| !self.directory.unannounced.contains(&call.tenant));
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.closing.is_some() || call.row.state == CallState::Ended {
            return;
        }
        supervise::end_all(call, "call_ended", announced, now, out);
        call.closing = Some(Closing { reason, at: now, until: now + CLOSING_TIME });
        call.row.estimated |= estimated;
        if let Some(unmade) = call.outside.take().filter(Outside::is_unmade) {
            call.leg_ended(&unmade.channel, now, None);
        }
        let why = match reason {
            EndReason::Failed => HangupWhy::Congestion,
            _ => HangupWhy::Normal,
        };
        // What a colleague's phone is told that called and was not answered.
        let unanswered = match reason {
            EndReason::Busy => HangupWhy::Busy,
            EndReason::Rejected => HangupWhy::Rejected,
            EndReason::NoAnswer | EndReason::Unreachable => HangupWhy::NoAnswer,
            _ => why,
        };
        for leg in call.open_legs() {
            let why = if leg.kind == LegKind::Customer && leg.answered_at.is_none() && call.is_between_colleagues() {
                unanswered
            } else {
                why
            };
            let why = if leg.kind == LegKind::Agent && leg.answered_at.is_none() { HangupWhy::NoAnswer } else { why };
            out.push(call.request(Request::Hangup { channel: leg.id.clone(), why }));
        }
        taps::remove(call, out);
        out.extend(call.finish_recording());
        call.offers.clear();
        if call.direct.take().is_some_and(|direct| direct.purpose == Purpose::Reach) {
            // They were rung, and never had it.
            call.row.agent_id = None;
        }
        if let Some(consult) = call.consult.take() {
            out.push(call.request(Request::DestroyBridge { bridge: consult.bridge }));
        }
        call.reattach = None;
        call.speech = None;
        call.flow_over();
        call.outbound = None;
        let tenant = call.tenant;
        self.route(now, tenant, [routing::Input::Withdraw { work: id.into() }], out);
        self.complete_if_gone(now, id, out);
    }

    pub(super) fn closing_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let overdue = self.calls.get(&id).and_then(|call| call.closing).is_some_and(|closing| closing.until <= now);
        if overdue {
            if let Some(call) = self.calls.get_mut(&id) {
                let open: Vec<String> = call.open_legs().map(|leg| leg.id.clone()).collect();
                tracing::warn!(call = %id, legs = ?open, "Asterisk did not confirm the end of these legs");
                for leg in open {
                    call.leg_ended(&leg, now, None);
                }
                call.row.estimated = true;
            }
            self.complete_if_gone(now, id, out);
        }
    }

    /// Once every leg is gone the call is over: its record is complete, its bridge can go.
    ///
    /// The bridge goes last, because removing it while its channels are being hung up overwrites their causes.
    pub(super) fn complete_if_gone(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if !call.all_legs_ended() {
            return;
        }
        let Some(closing) = call.closing.take() else {
            return;
        };
        out.push(call.request(Request::DestroyBridge { bridge: call.bridge() }));
        let wait_ms =
            call.row.queued_at.map(|queued| (call.row.answered_at.unwrap_or(closing.at) - queued).num_milliseconds());
        let talk_ms = call.row.answered_at.map(|answered| (closing.at - answered).num_milliseconds());
        call.row.ended_at = Some(closing.at);
        call.row.end_reason = Some(closing.reason);
        call.row.held_since = None;
        call.row.cause = call.customer_ending.cause;
        call.row.sip_code = call.customer_ending.sip_code;
        call.set_state(CallState::Ended);
        let actor = (closing.reason == EndReason::CompletedAgent).then_some(call.row.agent_id).flatten();
        let details = json!({
            "end_reason": closing.reason,
            "cause": call.row.cause,
            "sip_code": call.row.sip_code,
            "agent_id": call.row.agent_id,
            "queue_id": call.row.queue_id,
            "duration_ms": (closing.at - call.row.started_at).num_milliseconds(),
            "talk_ms": talk_ms,
            "estimated": call.row.estimated,
        });
        call.happened("call.ended", closing.at, actor, details);
        let is_outbound = call.row.direction == Direction::Outbound;
        out.push(Output::Finished(FinishedCall { call: id, is_outbound, reason: closing.reason, wait_ms, talk_ms }));
        if is_outbound {
            self.ledgers.entry(call.tenant).or_default().ended(id.uuid(), closing.at);
        }

        let released: Vec<AgentId> = std::mem::take(&mut call.engaged).into_iter().collect();
        // Whoever handed it to somebody outside had their last contact then.
        let had_it = call.row.agent_id.filter(|_| closing.reason != EndReason::Transferred);
        let last_contact = had_it.map(|agent| (agent, now));
        let (tenant, queue) = (call.tenant, call.row.queue_id);
        self.release(now, (tenant, id), &released, queue, out);
        if let Some(queue) = self.calls.get_mut(&id).and_then(|call| call.owed.take()) {
            self.call_back(now, id, queue, out);
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if let Some(outcome) = call.recording_outcome.take() {
            call.apply_recording_outcome(outcome, now);
            out.push(call.record(last_contact));
            self.forget(now, id);
        } else if call.finish_recording().is_some() {
            // `recording.ready` or `recording.failed` follows when the file is closed.
            let recording = call.row.recording_id;
            out.push(call.record(last_contact));
            if let Some(recording) = recording {
                self.closing_recordings.insert(recording, id);
            }
        } else {
            out.push(call.record(last_contact));
            self.forget(now, id);
        }
    }

    /// The recorder closed a file, or it broke.
    pub(super) fn recorded(
        &mut self,
        now: DateTime<Utc>,
        recording: RecordingId,
        outcome: RecordingOutcome,
        out: &mut Vec<Output>,
    ) {
        if let Some(id) = self.closing_recordings.remove(&recording) {
            if let Some(call) = self.calls.get_mut(&id) {
                let outcome = call.recording_outcome.take().unwrap_or(outcome);
                call.apply_recording_outcome(outcome, now);
                out.push(call.record(None));
            }
            self.forget(now, id);
            return;
        }
        // The call is not over yet: what is said of its recording follows `call.ended`.
        let running = self.calls.values_mut().find(|call| call.row.recording_id == Some(recording));
        if let Some(call) = running
            && !matches!(call.recording_outcome, Some(RecordingOutcome::Failed(_)))
        {
            call.recording_outcome = Some(outcome);
        }
    }

    fn forget(&mut self, now: DateTime<Utc>, id: CallId) {
        self.close_usage(now, id);
        if self.calls.remove(&id).is_some() {
            self.customers.forget(id);
            self.callers.forget(id);
            self.taken_in.forget(id);
        }
    }
}
