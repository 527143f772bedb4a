//! What became of the calls while nobody could tell us: after a cut connection, after a restart of the gateway, after
//! a restart of Asterisk. All three come down to the same comparison: what we know of against what Asterisk has.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, EventId};

use super::call::Call;
use super::io::{AsteriskSnapshot, BridgeView, ChannelView, Ending, HangupWhy, Output, Request};
use super::{Center, controls, taps};
use crate::lines::trunk_of_channel;
use crate::model::{
    CallGap, CallState, Direction, EndReason, Happening, Leg, LegKind, Record, RecordingState, Server, Subject,
};
use crate::names::{Part, ResourceName, Side};

/// A snapshot, ready to be asked.
pub(super) struct Present<'a> {
    channels: HashMap<&'a str, &'a ChannelView>,
    bridges: HashMap<&'a str, &'a BridgeView>,
}

impl<'a> Present<'a> {
    fn new(snapshot: &'a AsteriskSnapshot) -> Self {
        Self {
            channels: snapshot.channels.iter().map(|channel| (channel.id.as_str(), channel)).collect(),
            bridges: snapshot.bridges.iter().map(|bridge| (bridge.id.as_str(), bridge)).collect(),
        }
    }

    fn channel(&self, id: &str) -> Option<&'a ChannelView> {
        self.channels.get(id).copied()
    }

    pub(super) fn is_up(&self, channel: &str) -> bool {
        self.channel(channel).is_some_and(ChannelView::is_up)
    }

    fn has_joined(&self, bridge: &str, channels: &[&str]) -> bool {
        self.bridges
            .get(bridge)
            .is_some_and(|bridge| channels.iter().all(|channel| bridge.channels.iter().any(|in_it| in_it == channel)))
    }

    /// Whether one generation of a call's taps is complete and wired.
    fn has_taps(&self, call: CallId, generation: u32) -> bool {
        Side::BOTH.into_iter().all(|side| {
            let name = |part| ResourceName::new(call, part).to_string();
            let (snoop, media) = (name(Part::Snoop(generation, side)), name(Part::Media(generation, side)));
            self.channel(&snoop).is_some()
                && self.channel(&media).is_some()
                && self.has_joined(&name(Part::TapBridge(generation, side)), &[&snoop, &media])
        })
    }
}

impl Center {
    /// Asterisk could not tell us anything from `from` till now: every running call's record says so, and so does the
    /// journal of every tenant who could have had a call.
    pub(super) fn gap(
        &mut self,
        now: DateTime<Utc>,
        server: &Server,
        from: DateTime<Utc>,
        reason: &'static str,
        out: &mut Vec<Output>,
    ) {
        let runs = |call: &Call| call.row.server == *server && call.row.state != CallState::Ended;
        for call in self.calls.values_mut().filter(|call| runs(call)) {
            call.gap(CallGap { from, to: now, reason: reason.to_owned() });
            out.push(call.record(None));
        }
        let tenants: BTreeSet<_> = self.directory.queues.values().map(|queue| queue.tenant).collect();
        for tenant in tenants {
            let calls: Vec<CallId> =
                self.calls.values().filter(|call| call.tenant == tenant && runs(call)).map(Call::id).collect();
            out.push(Output::Record(Box::new(Record {
                happenings: vec![Happening {
                    id: EventId::new(),
                    kind: "telephony.gap".to_owned(),
                    at: now,
                    subject: Subject::Telephony(tenant),
                    actor: None,
                    queue: None,
                    agents: Vec::new(),
                    data: json!({ "asterisk": server, "from": from, "to": now, "reason": reason, "calls": calls }),
                }],
                ..Record::of(tenant)
            })));
        }
    }

    /// Brings every call in line with what Asterisk has, and removes from Asterisk what belongs to no call.
    pub(super) fn reconcile(&mut self, now: DateTime<Utc>, snapshot: &AsteriskSnapshot, out: &mut Vec<Output>) {
        let present = Present::new(snapshot);
        self.server_back(now, &snapshot.server, out);
        let on_it = self.calls.values().filter(|call| call.row.server == snapshot.server);
        let ids: Vec<CallId> = on_it.map(Call::id).collect();
        // A phone that is rung in the middle of this would not be in the snapshot.
        self.route_at_once(now, out, |center, out| {
            for name in snapshot_names(snapshot) {
                if let Some(call) = center.calls.get_mut(&name.call) {
                    call.name_is_taken(name.part);
                }
            }
            for id in ids {
                center.reconcile_call(now, id, &present, out);
                let is_up = |channel: &str| present.channel(channel).map(ChannelView::is_up);
                center.reconcile_supervision(now, id, is_up, |bridge, legs| present.has_joined(bridge, legs), out);
            }
            center.remove_orphans(snapshot, out);
            center.forget_strangers(|channel| {
                channel.server == snapshot.server && present.channel(&channel.id).is_none()
            });
            for channel in &snapshot.channels {
                center.adopt_newcomer(now, channel, out);
            }
        });
    }

    fn reconcile_call(&mut self, now: DateTime<Utc>, id: CallId, present: &Present<'_>, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        if call.row.state == CallState::Ended {
            return;
        }
        let on_trunk = |leg: &str| present.channel(leg).and_then(|channel| trunk_of_channel(&channel.name));
        call.line = call.line.or_else(|| on_trunk(&call.row.customer_channel));
        let outside = call.open_legs().find(|leg| leg.kind == LegKind::Outside).map(|leg| leg.id.clone());
        call.outside_line = call.outside_line.or_else(|| on_trunk(&outside?));
        // One that is not made yet cannot be gone.
        let unmade = call.outside.as_ref().filter(|outside| outside.is_unmade()).map(|outside| outside.channel.clone());
        let gone: Vec<String> = call
            .open_legs()
            .filter(|leg| present.channel(&leg.id).is_none() && Some(&leg.id) != unmade.as_ref())
            .map(|leg| leg.id.clone())
            .collect();
        let talked: Vec<AgentId> = call.talkers();
        for channel in &gone {
            call.leg_ended(channel, now, None);
        }
        if call.closing.is_some() {
            // Our requests may have been lost with the connection.
            for leg in call.open_legs() {
                out.push(call.request(Request::Hangup { channel: leg.id.clone(), why: HangupWhy::Normal }));
            }
            self.complete_if_gone(now, id, out);
            return;
        }
        let bridge_here = present.bridges.contains_key(call.row.bridge_id.as_str());
        if call.is_unanswered_outbound() {
            if !bridge_here {
                out.push(call.request(Request::CreateBridge { bridge: call.bridge() }));
            }
            if call.is_waiting_callback() {
                self.reconcile_callback(now, id, &gone, present, out);
                return;
            }
            self.reconcile_outbound(now, id, |channel| present.channel(channel).map(ChannelView::is_up), out);
            return;
        }
        if call.waits_for_its_caller() {
            if !bridge_here {
                out.push(call.request(Request::CreateBridge { bridge: call.bridge() }));
            }
            self.reconcile_caller(now, id, |channel| present.channel(channel).map(ChannelView::is_up), out);
            return;
        }
        let Some(customer) = present.channel(&call.row.customer_channel) else {
            // What they said before they went is with Asterisk, however long ago that was.
            let left = call.left_message(now);
            if left.is_some() {
                self.keep_message(now, id, out);
            }
            let Some(call) = self.calls.get(&id) else { return };
            let reason = match call.row.state {
                _ if let Some(reason) = left => reason,
                // Bridges outlive everybody in them, but not Asterisk.
                _ if !bridge_here => EndReason::Lost,
                _ if call.is_left_to_outside() => EndReason::Transferred,
                CallState::Active => EndReason::CompletedCustomer,
                _ if call.row.queue_id.is_none() => call.given_up(),
                _ => EndReason::AbandonedQueue,
            };
            self.begin_end(now, id, reason, true, out);
            return;
        };
        if !bridge_here {
            out.push(call.request(Request::CreateBridge { bridge: call.bridge() }));
        }
        self.reconcile_outside(now, id, &gone, |channel| present.channel(channel).map(ChannelView::is_up), out);
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else {
            return;
        };
        if call.row.state == CallState::Active {
            for channel in &gone {
                self.direct_leg_gone(now, id, channel, "failed", out);
            }
            self.reconcile_question(now, id, &gone, |leg| present.channel(leg).is_some_and(ChannelView::is_up), out);
            self.reconcile_reattach(now, id, present, out);
            self.reconcile_talkers(now, id, &talked, present, out);
        } else {
            self.reconcile_wait(now, id, customer, &gone, present, out);
        }
    }

    /// Who of those who talked is still there, and what that means.
    fn reconcile_talkers(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        talked: &[AgentId],
        present: &Present<'_>,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else {
            return;
        };
        let talkers = call.talkers();
        if talkers.is_empty() {
            // The phone that is rung for its call may still come.
            if call.outside_leg().is_some() {
                // Whoever handed it on to them may have gone meanwhile.
                for agent in talked {
                    self.talker_left(now, id, *agent, "", out);
                }
                self.reconcile_talk(now, id, present, out);
            } else if call.reattach.is_none() {
                self.begin_end(now, id, EndReason::CompletedAgent, true, out);
            }
            return;
        }
        // What an earlier life of this gateway had begun to ask is not known any more: the customer is with who is responsible.
        let forgotten = |leg: &String| {
            present.bridges.iter().any(|(bridge, view)| {
                let part = bridge.parse::<ResourceName>().ok().filter(|name| name.call == id).map(|name| name.part);
                matches!(part, Some(Part::Consult(_))) && view.channels.contains(leg)
            })
        };
        if call.consult.is_none() {
            let responsible = call.row.agent_id;
            for agent in talkers.iter().filter(|agent| Some(**agent) != responsible) {
                if let Some(leg) = call.leg_of(*agent).filter(forgotten) {
                    call.leg_ended(&leg, now, None);
                    out.push(call.request(Request::Hangup { channel: leg, why: HangupWhy::Normal }));
                }
            }
            if call.outside_with_customer().is_some_and(|leg| forgotten(&leg)) {
                call.dismiss_outside(now, out);
            }
        }
        let lost: Vec<AgentId> = talked.iter().copied().filter(|agent| !talkers.contains(agent)).collect();
        for agent in lost {
            self.talker_left(now, id, agent, "", out);
        }
        if self.calls.get(&id).is_some_and(|call| call.closing.is_none() && call.row.state == CallState::Active) {
            self.reconcile_talk(now, id, present, out);
        }
    }

    /// A phone that was being rung for its own call: it answered, or is still rung, or nobody knows of it any more.
    fn reconcile_reattach(&mut self, now: DateTime<Utc>, id: CallId, present: &Present<'_>, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        if let Some(channel) = call.reattach.as_ref().map(|reattach| reattach.channel.clone()) {
            match present.channel(&channel) {
                None => self.reattach_failed(now, id, &channel, out),
                Some(there) if there.is_up() => {
                    self.agent_answered(now, id, &channel, out);
                }
                Some(_) => {}
            }
            return;
        }
        let rung = call.direct.as_ref().map(|direct| direct.ringing.keys().cloned().collect::<Vec<_>>());
        if let Some(up) = rung.iter().flatten().find(|leg| present.channel(leg).is_some_and(ChannelView::is_up)) {
            self.direct_answered(now, id, up, out);
            return;
        }
        let ours = |leg: &str| rung.iter().flatten().any(|rung| rung == leg) || call.asked_on(leg).is_some();
        let unanswered = |leg: &&Leg| leg.kind == LegKind::Agent && leg.answered_at.is_none() && !ours(&leg.id);
        for leg in call.open_legs().filter(unanswered) {
            out.push(call.request(Request::Hangup { channel: leg.id.clone(), why: HangupWhy::NoAnswer }));
        }
    }

    /// The parties are both there: are they joined, and does the recorder hear them?
    fn reconcile_talk(&mut self, now: DateTime<Utc>, id: CallId, present: &Present<'_>, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let customer = call.customer();
        // Everybody is where they belong: with the customer, or, while one asks the other, beside them.
        let in_bridge =
            |leg: &str| present.bridges.values().any(|bridge| bridge.channels.iter().any(|in_it| in_it == leg));
        controls::reconcile_hold(call, now, in_bridge, out);
        let aside = |agent: AgentId| call.consult.as_ref().is_some_and(|consult| consult.has_aside(agent));
        let (aside, together): (Vec<AgentId>, Vec<AgentId>) =
            call.talkers().into_iter().filter(|agent| !call.controls.holds(*agent)).partition(|agent| aside(*agent));
        let legs =
            |agents: &[AgentId]| -> Vec<String> { agents.iter().filter_map(|agent| call.leg_of(*agent)).collect() };
        let (mut aside, mut together) = (legs(&aside), legs(&together));
        match call.outside_with_customer() {
            Some(outside) => together.push(outside),
            None => aside.extend(call.outside_leg().map(|leg| leg.id.clone())),
        }
        if !together.is_empty() {
            together.insert(0, customer.clone());
        }
        let joined = |bridge: &str, legs: &[String]| {
            legs.is_empty() || present.has_joined(bridge, &legs.iter().map(String::as_str).collect::<Vec<_>>())
        };
        if !joined(&call.row.bridge_id, &together) {
            call.music_ends(out);
            out.push(call.request(Request::AddChannels { bridge: call.bridge(), channels: together }));
        }
        if let Some(bridge) = call.consult.as_ref().map(|consult| consult.bridge.clone())
            && !joined(&bridge, &aside)
        {
            out.push(call.request(Request::CreateBridge { bridge: bridge.clone() }));
            out.push(call.request(Request::AddChannels { bridge, channels: aside }));
        }
        match &call.taps {
            Some(taps) if taps.is_wired() && !present.has_taps(id, taps.generation()) => {
                let lost = Part::Snoop(taps.generation(), Side::Customer);
                taps::broken(call, lost, "the taps were gone after a cut", now, out);
            }
            // Being wired, with a deadline of their own.
            Some(_) => {}
            None if call.recording.is_none()
                && (call.is_between_colleagues() || !self.directory.is_recorded(call.tenant, &call.row)) => {}
            None => resume_recording(call, now, present, out),
        }
        let (talkers, calling) = (call.talkers(), call.calling_agent);
        // Whoever called out and handed it on has no part in it any more.
        let calling = calling.filter(|agent| !talkers.contains(agent) && call.row.direction != Direction::Outbound);
        for agent in talkers {
            self.engage(now, id, agent, true, out);
        }
        if let Some(agent) = calling {
            self.engage(now, id, agent, false, out);
        }
    }

    /// The customer waits: so does the call, with the place in line it had.
    fn reconcile_wait(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        customer: &ChannelView,
        gone: &[String],
        present: &Present<'_>,
        out: &mut Vec<Output>,
    ) {
        for channel in gone {
            self.agent_leg_gone(now, id, channel, Ending::default(), out);
        }
        let answered = self.calls.get(&id).and_then(|call| {
            let direct = call.direct.iter().flat_map(|direct| direct.ringing.keys());
            let mut ringing = call.offers.values().flat_map(|ringing| ringing.keys()).chain(direct);
            ringing.find(|leg| present.channel(leg).is_some_and(ChannelView::is_up)).cloned()
        });
        if let Some(channel) = answered {
            self.agent_answered(now, id, &channel, out);
            return;
        }
        if self.message_again(now, id, out) {
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(queue) = call.row.queue_id else {
            if call.row.direction == Direction::Inbound {
                self.arrives_again(now, id, out);
            } else if call.direct.is_none() && call.outside.is_none() {
                self.begin_end(now, id, EndReason::NoAnswer, true, out);
            }
            return;
        };
        if call.outside.is_some() {
            return;
        }
        // Whether it is still being said nobody can tell: what was to follow follows now.
        if let Some(playback) = call.speech.as_ref().map(|speech| speech.playback.clone()) {
            out.push(call.request(Request::StopPlayback { playback: playback.clone() }));
            self.played(now, &playback, out);
        }
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else {
            return;
        };
        if let Some(known) = self.directory.queues.get(&queue) {
            call.ring_seconds = known.ring_seconds;
        }
        if !customer.is_up() {
            out.push(call.request(Request::Answer { channel: customer.id.clone() }));
        }
        // What was being said when we lost sight of it may have ended in silence.
        let while_waiting = self.directory.queues.get(&queue).map(|queue| &queue.routing.while_waiting);
        call.wait_music_anew(now, while_waiting, out);
        if !call.offers.is_empty() || call.direct.is_some() {
            return;
        }
        // Phones that an earlier life of this gateway rang: nobody knows for how long, so the offer begins anew.
        let ringing: Vec<String> =
            call.open_legs().filter(|leg| leg.kind == LegKind::Agent).map(|leg| leg.id.clone()).collect();
        for channel in &ringing {
            out.push(call.request(Request::Hangup { channel: channel.clone(), why: HangupWhy::NoAnswer }));
        }
        if call.row.state != CallState::Queued {
            call.set_state(CallState::Queued);
            call.begins_to_wait(now, json!({ "queue_id": queue, "reason": "gateway_restart" }));
            out.push(call.record(None));
        }
        self.joins_line(now, id, true, out);
    }

    /// What carries a name of ours but belongs to no running call has been left behind by somebody who hung up while
    /// no gateway was there, or by a step that was cut in the middle.
    fn remove_orphans(&mut self, snapshot: &AsteriskSnapshot, out: &mut Vec<Output>) {
        for channel in &snapshot.channels {
            let Some(name) = self.part(&snapshot.server, &channel.id) else {
                continue;
            };
            if !self.owns(&snapshot.server, name, &channel.id) {
                tracing::info!(channel = %channel.id, "removing a channel that belongs to no call");
                let request = Request::Hangup { channel: channel.id.clone(), why: HangupWhy::Normal };
                out.push(Output::Request { server: snapshot.server.clone(), call: None, request });
            }
        }
        for bridge in &snapshot.bridges {
            let Ok(name) = bridge.id.parse::<ResourceName>() else {
                continue;
            };
            if !self.owns(&snapshot.server, name, &bridge.id) {
                tracing::info!(bridge = %bridge.id, "removing a bridge that belongs to no call");
                let request = Request::DestroyBridge { bridge: bridge.id.clone() };
                out.push(Output::Request { server: snapshot.server.clone(), call: None, request });
            }
        }
    }

    fn owns(&self, server: &Server, name: ResourceName, id: &str) -> bool {
        let runs = |call: &&Call| call.row.state != CallState::Ended && call.row.server == *server;
        let Some(call) = self.calls.get(&name.call).filter(runs) else {
            return false;
        };
        match name.part {
            Part::Booth(_) | Part::Ear(_) | Part::Bell(_) => call.supervisors.iter().any(|one| one.owns(id)),
            Part::SupervisorLeg(_) if call.supervisors.iter().any(|one| one.owns(id)) => true,
            Part::Playback(_) | Part::Music(_) | Part::Message => true,
            Part::Bridge | Part::Mix => call.row.bridge_id == id,
            Part::Consult(_) => call.consult.as_ref().is_some_and(|consult| consult.bridge == id),
            Part::AgentLeg(_) | Part::SupervisorLeg(_) | Part::TrunkLeg | Part::OutsideLeg(_) => {
                call.open_legs().any(|leg| leg.id == id)
            }
            Part::Snoop(generation, _) | Part::Media(generation, _) | Part::TapBridge(generation, _) => {
                call.taps.as_ref().is_some_and(|taps| taps.generation() == generation)
            }
        }
    }

    /// A channel that the dialplan handed to us in the moment when nobody listened.
    fn adopt_newcomer(&mut self, now: DateTime<Utc>, channel: &ChannelView, out: &mut Vec<Output>) {
        if channel.app_name != "Stasis"
            || self.customers.get(&channel.server, &channel.id).is_some()
            || self.callers.get(&channel.server, &channel.id).is_some()
        {
            return;
        }
        let mut parts = channel.app_data.split(',').map(str::to_owned);
        if parts.next().as_ref() == self.apps.get(&channel.server) && channel.id.parse::<ResourceName>().is_err() {
            let args: Vec<String> = parts.collect();
            self.entered(now, channel, &args, out);
        }
    }
}

/// The names of ours in a snapshot.
fn snapshot_names(snapshot: &AsteriskSnapshot) -> impl Iterator<Item = ResourceName> {
    let channels = snapshot.channels.iter().map(|channel| &channel.id);
    channels.chain(snapshot.bridges.iter().map(|bridge| &bridge.id)).filter_map(|id| id.parse().ok())
}

/// The gateway was away while the parties talked: the recording goes on in its file, from the taps that are still there
/// or from new ones.
fn resume_recording(call: &mut Call, now: DateTime<Utc>, present: &Present<'_>, out: &mut Vec<Output>) {
    match &call.recording {
        None => taps::begin(call, now, out),
        Some(recording) if recording.state == RecordingState::Recording => {
            let newest = present
                .channels
                .keys()
                .filter_map(|channel| channel.parse::<ResourceName>().ok())
                .filter(|name| name.call == call.id())
                .filter_map(|name| match name.part {
                    Part::Snoop(generation, _) | Part::Media(generation, _) => Some(generation),
                    _ => None,
                })
                .max();
            match newest {
                Some(generation) if present.has_taps(call.id(), generation) => taps::adopt(call, generation, out),
                Some(generation) => taps::renew(call, generation + 1, now, out),
                None => taps::renew(call, 1, now, out),
            }
        }
        Some(_) => {}
    }
}
