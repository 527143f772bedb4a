//! Who is rung, and what their answer means.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, TenantId};

use super::call::{Call, RingingOffer};
use super::io::{Ending, HangupWhy, Output, Request};
use super::{Center, NET_SECONDS, millis, taps};
use crate::model::{CallState, Leg, LegKind};

impl Center {
    /// Makes every offer that can be made now.
    pub(super) fn make_offers(&mut self, now: DateTime<Utc>, out: &mut Vec<Output>) {
        let offers: Vec<_> = self.routers.values_mut().flat_map(|router| router.next_offers(millis(now))).collect();
        for offer in offers {
            self.ring(now, offer.work, offer.agent, out);
        }
    }

    /// Rings all phones of an agent at once.
    fn ring(&mut self, now: DateTime<Utc>, id: CallId, agent: AgentId, out: &mut Vec<Output>) {
        let queue = self.queue_name(id);
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let until = now + TimeDelta::seconds(i64::from(call.ring_seconds));
        call.offer = Some(RingingOffer { agent, ringing: BTreeMap::new(), until });
        let phones = self
            .directory
            .devices_of(call.tenant, agent)
            .into_iter()
            .filter(|device| self.online.contains(&device.username));
        for device in phones {
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
            });
            if let Some(offer) = &mut call.offer {
                offer.ringing.insert(channel.clone(), device.id);
            }
            out.push(call.request(Request::Originate {
                channel,
                username: device.username.clone(),
                caller: call.row.from_number.clone(),
                timeout_s: call.ring_seconds + NET_SECONDS,
                originator: call.customer(),
                call: id,
                queue: queue.clone(),
                reattach: false,
            }));
        }
        call.set_state(CallState::Ringing);
        let details = json!({ "agent_id": agent, "queue_id": call.row.queue_id });
        call.happened("call.offered", now, None, details);
        out.push(call.record(None));
        if call.offer.as_ref().is_some_and(|offer| offer.ringing.is_empty()) {
            self.offer_passed(now, id, out);
        }
    }

    /// One of the agent's phones was picked up: the parties are joined, the other phones fall silent.
    pub(super) fn agent_answered(&mut self, now: DateTime<Utc>, id: CallId, channel: &str, out: &mut Vec<Output>) {
        if self.reattached(now, id, channel, out) {
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let ringing_here =
            call.offer.as_ref().is_some_and(|offer| offer.ringing.contains_key(channel)) && call.closing.is_none();
        let Some(offer) = call.offer.take_if(|_| ringing_here) else {
            // Too late: another phone was quicker, or the customer is gone.
            let late = Request::Hangup { channel: channel.to_owned(), why: HangupWhy::AnsweredElsewhere };
            out.push(call.request(late));
            return;
        };
        for other in offer.ringing.keys().filter(|other| *other != channel) {
            out.push(call.request(Request::Hangup { channel: other.clone(), why: HangupWhy::AnsweredElsewhere }));
        }
        if let Some(leg) = call.leg_mut(channel) {
            leg.answered_at = Some(now);
        }
        call.row.agent_id = Some(offer.agent);
        call.row.answered_at = Some(now);
        call.set_state(CallState::Active);
        out.push(call.request(Request::StopMusic { channel: call.customer() }));
        out.push(call.request(Request::AddChannels {
            bridge: call.bridge(),
            channels: vec![call.customer(), channel.to_owned()],
        }));
        let wait_ms = call.row.queued_at.map(|queued| (now - queued).num_milliseconds());
        let details = json!({ "agent_id": offer.agent, "queue_id": call.row.queue_id, "wait_ms": wait_ms });
        call.happened("call.answered", now, Some(offer.agent), details);
        if !self.directory.unrecorded.contains(&call.tenant) {
            taps::begin(call, now, out);
        }
        out.push(call.record(None));
        if let Some(router) = self.routers.get_mut(&call.tenant) {
            router.accepted(id, offer.agent);
        }
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
        let Some(offer) = &mut call.offer else { return };
        if offer.ringing.remove(channel).is_none() {
            return;
        }
        if offer.ringing.is_empty() {
            self.offer_passed(now, id, out);
        }
    }

    /// The time to answer is up.
    pub(super) fn offer_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(offer) = &call.offer else { return };
        if offer.until > now {
            return;
        }
        for channel in offer.ringing.keys() {
            out.push(call.request(Request::Hangup { channel: channel.clone(), why: HangupWhy::NoAnswer }));
        }
        self.offer_passed(now, id, out);
    }

    /// The agent is gone: what rings for them waits again, and the next is asked. A conversation goes on.
    pub(super) fn take_offers_back(
        &mut self,
        now: DateTime<Utc>,
        tenant: TenantId,
        agent: AgentId,
        out: &mut Vec<Output>,
    ) {
        let offered =
            |call: &Call| call.tenant == tenant && call.offer.as_ref().is_some_and(|offer| offer.agent == agent);
        let calls: Vec<CallId> = self.calls.iter().filter(|(_, call)| offered(call)).map(|(id, _)| *id).collect();
        for id in calls {
            let Some(call) = self.calls.get_mut(&id) else { continue };
            let Some(offer) = &call.offer else { continue };
            for channel in offer.ringing.keys() {
                out.push(call.request(Request::Hangup { channel: channel.clone(), why: HangupWhy::NoAnswer }));
            }
            self.offer_passed(now, id, out);
        }
    }

    /// The agent let it pass: the call waits again, and the next is asked.
    pub(super) fn offer_passed(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(offer) = call.offer.take() else {
            return;
        };
        call.set_state(CallState::Queued);
        let details = json!({ "queue_id": call.row.queue_id, "passed_by": offer.agent });
        call.happened("call.queued", now, None, details);
        out.push(call.record(None));
        if let Some(router) = self.routers.get_mut(&call.tenant) {
            router.passed(id, offer.agent, millis(now));
        }
    }
}
