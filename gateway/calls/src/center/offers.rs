//! Who is rung, and what their answer means. Who it is the router decides (`floor`).

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId};
use trunkline_routing::{self as routing, CancelWhy, LeaveWhy, PassWhy};

use super::call::Ringing;
use super::floor::{leave_word, missed_word};
use super::io::{Answers, Ending, HangupWhy, Output, Request};
use super::{Center, NET_SECONDS, taps};
use crate::model::{CallState, Leg, LegKind};

/// Q.850: the called party does not want the call.
const CAUSE_REJECTED: i16 = 21;
/// Q.850: the called party is in another call.
const CAUSE_BUSY: i16 = 17;

impl Center {
    /// Rings every phone of an agent that can ring; each has a leg of its own.
    pub(super) fn ring_phones(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        out: &mut Vec<Output>,
    ) -> Ringing {
        let mut ringing = Ringing::new();
        let queue = self.queue_name(id);
        let Some(call) = self.calls.get_mut(&id) else {
            return ringing;
        };
        let asked = call.asked_queue().and_then(|asked| self.directory.queues.get(&asked));
        let is_callback = call.is_waiting_callback();
        let ring_seconds = asked.map_or(call.ring_seconds, |asked| asked.ring_seconds);
        let phones = self
            .directory
            .devices_of(call.tenant, agent)
            .into_iter()
            .filter_map(|device| Some((device, self.fleet.place(&device.username, &call.row.server)?)))
            .collect::<Vec<_>>();
        for (device, at) in phones {
            let channel = call.next_leg_name();
            call.add_leg(Leg {
                id: channel.clone(),
                kind: LegKind::Agent,
                agent_id: Some(agent),
                device_id: Some(device.id),
                started_at: now,
                answered_at: None,
                ended_at: None,
                cause: None,
                number: None,
            });
            ringing.insert(channel.clone(), device.id);
            out.push(call.request(Request::Originate {
                channel,
                username: device.username.clone(),
                at,
                caller: if is_callback { call.row.to_number.clone() } else { call.row.from_number.clone() },
                timeout_s: ring_seconds + NET_SECONDS,
                originator: (!is_callback).then(|| call.customer()),
                call: id,
                queue: queue.clone(),
                answers: Answers::ByHand,
            }));
        }
        ringing
    }

    /// Rings all phones of an agent at once. Whether there was one to ring.
    pub(super) fn ring(&mut self, now: DateTime<Utc>, id: CallId, agent: AgentId, out: &mut Vec<Output>) -> bool {
        let ringing = self.ring_phones(now, id, agent, out);
        let Some(call) = self.calls.get_mut(&id) else {
            return false;
        };
        let rings = !ringing.is_empty();
        // Even an offer that reaches nobody is one: the agent sees that they were asked.
        call.offers.insert(agent, ringing);
        let mut details = json!({ "agent_id": agent, "queue_id": call.offering_queue() });
        if call.asked_queue().is_some() {
            details["for"] = json!("consult");
        } else if rings {
            call.set_state(CallState::Ringing);
        }
        call.happened("call.offered", now, None, details);
        if !rings {
            call.offers.remove(&agent);
            call.missed_offer(now, agent, "unreachable");
        }
        out.push(call.record(None));
        rings
    }

    /// One of an agent's phones was picked up. Whether it was in time is the router's to say.
    pub(super) fn agent_answered(&mut self, now: DateTime<Utc>, id: CallId, channel: &str, out: &mut Vec<Output>) {
        if self.reattached(now, id, channel, out)
            || self.caller_answered(now, id, channel, out)
            || self.direct_answered(now, id, channel, out)
        {
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(agent) = call.asked_on(channel).filter(|_| call.closing.is_none()) else {
            // Another phone was quicker, or the customer is gone.
            let late = Request::Hangup { channel: channel.to_owned(), why: HangupWhy::AnsweredElsewhere };
            out.push(call.request(late));
            return;
        };
        call.picked_up = Some(channel.to_owned());
        let tenant = call.tenant;
        self.route(now, tenant, [routing::Input::Accept { work: id.into(), agent }], out);
    }

    /// The router gave the call to an agent: the parties are joined, the agent's other phones fall silent.
    pub(super) fn join(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        queue: QueueId,
        waited_ms: u64,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(channel) = call.picked_up.take() else {
            return;
        };
        // Others who were asked are told by the router's `Cancel`.
        for other in call.offers.remove(&agent).into_iter().flatten().map(|(other, _)| other) {
            if other != channel {
                out.push(call.request(Request::Hangup { channel: other, why: HangupWhy::AnsweredElsewhere }));
            }
        }
        if let Some(leg) = call.leg_mut(&channel) {
            leg.answered_at = Some(now);
        }
        call.engaged.insert(agent);
        if call.asked_queue().is_some() {
            self.queue_answered(now, id, agent, &channel, out);
            return;
        }
        if call.is_unanswered_outbound() {
            self.calls_back(now, id, agent, out);
            return;
        }
        call.served.insert(agent);
        call.row.agent_id = Some(agent);
        let again = call.row.answered_at.is_some();
        call.row.answered_at.get_or_insert(now);
        call.set_state(CallState::Active);
        Self::fall_silent(call, out);
        call.music_ends(out);
        call.let_in(vec![call.customer(), channel], out);
        let mut details = json!({ "agent_id": agent, "queue_id": queue, "wait_ms": waited_ms });
        if again {
            details["again"] = json!(true);
        }
        call.happened("call.answered", now, Some(agent), details);
        // One recording per call, however often it is handed on.
        if call.recording.is_none() && self.directory.is_recorded(call.tenant, &call.row) {
            taps::begin(call, now, out);
        }
        out.push(call.record(None));
    }

    /// The agent picked up what was not theirs any more.
    pub(super) fn too_late(&mut self, id: CallId, agent: AgentId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.picked_up = None;
        for channel in call.offers.remove(&agent).into_iter().flatten().map(|(channel, _)| channel) {
            out.push(call.request(Request::Hangup { channel, why: HangupWhy::AnsweredElsewhere }));
        }
    }

    /// An offer is over: the agent's phones fall silent. A call that is being taken down hangs its legs up itself.
    pub(super) fn silence(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        why: CancelWhy,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else {
            return;
        };
        let hangup = match why {
            CancelWhy::AnsweredElsewhere => HangupWhy::AnsweredElsewhere,
            CancelWhy::NoAnswer | CancelWhy::Withdrawn | CancelWhy::Moved | CancelWhy::AgentGone => HangupWhy::NoAnswer,
        };
        let Some(ringing) = call.offers.remove(&agent) else {
            return;
        };
        for channel in ringing.into_keys() {
            out.push(call.request(Request::Hangup { channel, why: hangup }));
        }
        if let Some(word) = missed_word(why) {
            call.missed_offer(now, agent, word);
            out.push(call.record(None));
        }
    }

    /// Nobody took it: it waits again.
    pub(super) fn waits_again(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else {
            return;
        };
        if call.row.state == CallState::Ringing {
            call.set_state(CallState::Queued);
            call.begins_to_wait(now, json!({ "queue_id": call.row.queue_id, "reason": "unanswered" }));
            out.push(call.record(None));
        }
    }

    /// It waits in another queue now.
    pub(super) fn moved(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        from: QueueId,
        to: QueueId,
        why: LeaveWhy,
        out: &mut Vec<Output>,
    ) {
        let queue = self.directory.queues.get(&to);
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else {
            return;
        };
        call.row.queue_id = Some(to);
        call.set_state(CallState::Queued);
        call.ring_seconds = queue.map_or(call.ring_seconds, |queue| queue.ring_seconds);
        let details = json!({
            "queue_id": to,
            "queue": queue.map(|queue| &queue.name),
            "from_queue_id": from,
            "reason": leave_word(why),
            "service_level_s": queue.map(|queue| queue.routing.service_level_seconds),
            "short_abandon_s": queue.map(|queue| queue.routing.short_abandon_seconds),
        });
        call.begins_to_wait(now, details);
        if !call.is_unanswered_outbound() {
            call.other_music(now, queue.map(|queue| &queue.routing.while_waiting), out);
        }
        out.push(call.record(None));
    }

    /// A leg to one of the agent's phones is over. Before the answer the offer goes on as long as another phone rings.
    pub(super) fn agent_leg_gone(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &str,
        ending: Ending,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let was_open = call.open_legs().any(|leg| leg.id == channel);
        call.leg_ended(channel, now, ending.cause);
        if call.row.state == CallState::Active && call.closing.is_none() && was_open {
            // One that came to nothing beside the leg that talks, or the old one before the new one is there; the row knows.
            out.push(call.record(None));
        }
        if call.reattach.as_ref().is_some_and(|reattach| reattach.channel == channel) {
            self.reattach_failed(now, id, channel, out);
            return;
        }
        if call.outbound.is_some() {
            out.push(call.record(None));
            self.end_if_no_phone_rings(now, id, out);
            return;
        }
        let (word, why) = match ending.cause {
            Some(CAUSE_REJECTED) => ("refused", PassWhy::Refused),
            Some(CAUSE_BUSY) => ("busy", PassWhy::Failed),
            _ => ("failed", PassWhy::Failed),
        };
        if self.direct_leg_gone(now, id, channel, word, out) {
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(agent) = call.asked_on(channel) else { return };
        let Some(ringing) = call.offers.get_mut(&agent) else { return };
        ringing.remove(channel);
        if !ringing.is_empty() {
            return;
        }
        call.offers.remove(&agent);
        call.missed_offer(now, agent, word);
        out.push(call.record(None));
        let tenant = call.tenant;
        self.route(now, tenant, [routing::Input::Pass { work: id.into(), agent, why }], out);
    }
}
