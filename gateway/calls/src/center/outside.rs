//! Somebody outside to whom a call is handed: by an agent, blind or after asking, or by a queue that overflows.
//!
//! Their leg is one of the call's, beside the agents'. Its row is in the database before anybody is dialled, and it counts against the tenant's
//! caps as any call out. It is joined before it is dialled, so that what the network says before the answer is heard by whoever waits for it.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId};
use trunkline_dialing::{Number, Usage};

use super::call::Call;
use super::consult::Asked;
use super::io::{DialProgress, Ending, HangupWhy, Output, Request};
use super::outbound::{DIALLING_SECONDS, WRITING_SECONDS, unanswered};
use super::ways::{Way, is_of_the_trunk};
use super::{Center, NET_SECONDS, supervise, taps};
use crate::model::{CallState, EndReason, Leg, LegKind};
use crate::names::{Part, ResourceName};

/// What somebody outside is dialled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// To take the call over from somebody who is gone already.
    TakeOver {
        /// Who handed it on.
        from: AgentId,
    },
    /// To be asked by the one who talks, while the customer hears music.
    Consult {
        /// Who asks.
        by: AgentId,
    },
    /// To take a caller whom a queue did not serve.
    Overflow {
        /// How the call ends if they do not.
        otherwise: EndReason,
    },
}

impl Errand {
    /// The agent for whom it is dialled.
    fn agent(self) -> Option<AgentId> {
        match self {
            Self::TakeOver { from: agent } | Self::Consult { by: agent } => Some(agent),
            Self::Overflow { .. } => None,
        }
    }
}

/// A number that may be dialled, and how.
#[derive(Debug)]
pub(super) struct Allowed {
    pub(super) number: Number,
    /// The number shown, as the tenant's rules choose it.
    pub(super) caller_id: Option<String>,
    /// The ways there, the first to be tried first.
    pub(super) ways: VecDeque<Way>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The leg's row is on its way into the database.
    Writing,
    /// The leg is being made, or is dialled.
    Dialling {
        /// It is there.
        entered: bool,
    },
}

/// Somebody outside, before the answer.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) channel: String,
    pub(super) until: DateTime<Utc>,
    pub(super) errand: Errand,
    number: String,
    stage: Stage,
    /// How long they are rung.
    seconds: u32,
    ways: VecDeque<Way>,
    /// The network took the call and said so.
    progressed: bool,
    /// Whoever waits hears that it rings there.
    rings: bool,
}

impl Outside {
    /// Asterisk has nothing of it yet.
    pub(super) fn is_unmade(&self) -> bool {
        self.stage == Stage::Writing
    }
}

impl Call {
    /// The leg of somebody outside who answered.
    pub(super) fn outside_leg(&self) -> Option<&Leg> {
        self.open_legs().find(|leg| leg.kind == LegKind::Outside && leg.answered_at.is_some())
    }

    /// The same, where they are with the customer.
    pub(super) fn outside_with_customer(&self) -> Option<String> {
        let aside = self.consult.as_ref().is_some_and(|consult| consult.to == Asked::Outside);
        self.outside_leg().filter(|_| !aside).map(|leg| leg.id.clone())
    }

    /// Whether the customer talks with somebody outside, and no agent has a part in it any more.
    pub(super) fn is_left_to_outside(&self) -> bool {
        self.outside_with_customer().is_some() && self.talkers().is_empty()
    }

    /// The leg on which it is heard that somebody outside is rung.
    fn waits_for_outside(&self) -> Option<String> {
        match self.outside.as_ref()?.errand {
            Errand::Consult { by } => self.leg_of(by),
            Errand::TakeOver { .. } | Errand::Overflow { .. } => Some(self.customer()),
        }
    }

    fn ring_for_outside(&mut self, rings: bool, out: &mut Vec<Output>) {
        let waits = self.waits_for_outside();
        let Some(outside) = self.outside.as_mut().filter(|outside| outside.rings != rings) else { return };
        outside.rings = rings;
        if let Some(channel) = waits {
            out.push(self.request(if rings { Request::Ring { channel } } else { Request::StopRing { channel } }));
        }
    }

    /// Ends an outside party's leg on our own account.
    pub(super) fn dismiss_outside(&mut self, now: DateTime<Utc>, out: &mut Vec<Output>) {
        let there = self.outside_leg().map(|leg| leg.id.clone());
        if let Some(channel) = there {
            self.leg_ended(&channel, now, None);
            out.push(self.request(Request::Hangup { channel, why: HangupWhy::Normal }));
        }
    }

    /// Notes that somebody outside has the call now.
    pub(super) fn transferred_outside(&mut self, now: DateTime<Utc>, kind: &str, from: Option<AgentId>) {
        let number = self.outside_leg().and_then(|leg| leg.number.clone());
        let details = json!({
            "kind": kind, "from_agent_id": from, "to": { "number": number }, "queue_id": self.row.queue_id,
        });
        self.happened("call.transferred", now, from, details);
    }
}

impl Center {
    /// Has somebody outside dialled as soon as the database knows of it.
    pub(super) fn begin_outside(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        allowed: Allowed,
        errand: Errand,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let tenant = call.tenant;
        let Allowed { number, ways, .. } = allowed;
        let channel = ResourceName::new(id, Part::OutsideLeg(call.next_leg_number()));
        let usage = channel.usage();
        let channel = channel.to_string();
        call.add_leg(Leg {
            id: channel.clone(),
            kind: LegKind::Outside,
            agent_id: errand.agent(),
            device_id: None,
            started_at: now,
            answered_at: None,
            ended_at: None,
            cause: None,
            number: Some(number.text.clone()),
        });
        let until = now + TimeDelta::seconds(WRITING_SECONDS);
        let (stage, text) = (Stage::Writing, number.text.clone());
        call.outside = Some(Outside {
            channel: channel.clone(),
            until,
            errand,
            number: text,
            stage,
            seconds: DIALLING_SECONDS,
            ways,
            progressed: false,
            rings: false,
        });
        if !matches!(errand, Errand::Consult { .. }) {
            call.music_ends(out);
            call.ring_for_outside(true, out);
            call.set_state(CallState::Ringing);
        }
        out.push(call.record_first());
        call.counted.insert(channel);
        let home = self.directory.dialing.get(&tenant).and_then(|policy| policy.rules.as_ref()).map(|it| it.country);
        let ledger = self.ledgers.entry(tenant).or_default();
        ledger.prune(now);
        ledger.note(Usage {
            call: usage,
            agent: errand.agent().map(AgentId::uuid),
            international: number.country != home,
            began: now,
            answered: None,
            ended: None,
        });
    }

    /// A queue sends a caller to a number, by the tenant's rules for calls out on the queue's behalf. `otherwise`: how the call ends if that leads nowhere.
    pub(super) fn overflows_to(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        queue: QueueId,
        to: &str,
        (why, otherwise): (&str, EndReason),
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let (tenant, server) = (call.tenant, call.row.server.clone());
        let details = json!({ "queue_id": queue, "to": { "number": to }, "to_number": to, "reason": why });
        call.happened("call.overflowed", now, None, details);
        Self::fall_silent(call, out);
        match self.may_call(now, (tenant, None), Some(&server), Some(queue), to, out) {
            Ok(allowed) => self.begin_outside(now, id, allowed, Errand::Overflow { otherwise }, out),
            Err(refusal) => {
                tracing::warn!(call = %id, %queue, %refusal, "a queue's overflow may not be dialled");
                let why = "denied";
                self.overflow_failed(now, id, &json!({ "number": to }), (why, otherwise), out);
            }
        }
    }

    /// They are rung for so long at most.
    pub(super) fn outside_rings_for(&mut self, id: CallId, seconds: u32) {
        if let Some(outside) = self.calls.get_mut(&id).and_then(|call| call.outside.as_mut()) {
            outside.seconds = seconds.min(DIALLING_SECONDS);
        }
    }

    fn overflow_failed(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        to: &serde_json::Value,
        (why, otherwise): (&str, EndReason),
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let details = json!({ "kind": "overflow", "to": to, "reason": why, "why": why });
        call.happened("call.transfer_failed", now, None, details);
        out.push(call.record(None));
        self.regret(now, id, otherwise, out);
    }

    /// The database has the leg's row: now it may be dialled.
    pub(super) fn outside_written(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        if self.calls.get(&id).and_then(|call| call.outside.as_ref()).is_some_and(Outside::is_unmade) {
            self.try_next_way_outside(now, id, out);
        }
    }

    /// Dials by the first of the ways that are left. Whether there was one.
    fn try_next_way_outside(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) -> bool {
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let Some(originator) = call.waits_for_outside() else { return false };
        let Some(outside) = call.outside.as_mut() else { return false };
        let Some(Way { endpoint, caller_id, line }) = outside.ways.pop_front() else { return false };
        outside.stage = Stage::Dialling { entered: false };
        outside.until = now + TimeDelta::seconds(i64::from(outside.seconds));
        let (channel, agent, to) = (outside.channel.clone(), outside.errand.agent(), outside.number.clone());
        call.outside_line = line;
        if let Some(leg) = call.leg_mut(&channel) {
            (leg.ended_at, leg.cause) = (None, None);
        }
        out.push(call.request(Request::CreateTrunkLeg { channel, endpoint, caller_id, originator }));
        let details = json!({ "agent_id": agent, "to": to, "trunk_id": line });
        call.happened("call.dialled", now, agent, details);
        out.push(call.record(None));
        true
    }

    /// The leg is there: it is joined with whoever waits for it, then dialled.
    pub(super) fn outside_entered(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &str,
        is_up: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(outside) = call.outside.as_mut().filter(|outside| outside.channel == channel) else {
            // Nobody waits for it any more.
            if !call.open_legs().any(|leg| leg.id == channel) {
                out.push(call.request(Request::Hangup { channel: channel.to_owned(), why: HangupWhy::Normal }));
            }
            return;
        };
        outside.stage = Stage::Dialling { entered: true };
        call.join_outside(channel, out);
        if is_up {
            self.outside_answered(now, id, out);
        } else {
            let timeout_s = DIALLING_SECONDS + NET_SECONDS;
            out.push(call.request(Request::Dial { channel: channel.to_owned(), timeout_s }));
        }
    }

    /// The leg that is dialled got on.
    pub(super) fn outside_dialling(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &str,
        progress: DialProgress,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        if call.outside.as_ref().is_none_or(|outside| outside.channel != channel) {
            return;
        }
        if let Some(outside) = &mut call.outside {
            outside.progressed = true;
        }
        match progress {
            DialProgress::Ringing => call.ring_for_outside(true, out),
            DialProgress::Speaking => call.ring_for_outside(false, out),
            DialProgress::Answered => self.outside_answered(now, id, out),
        }
    }

    /// Whoever was dialled answered.
    pub(super) fn outside_answered(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        call.ring_for_outside(false, out);
        let Some(Outside { channel, errand, number, .. }) = call.outside.take() else { return };
        if let Some(leg) = call.leg_mut(&channel) {
            leg.answered_at = Some(now);
        }
        match errand {
            Errand::Consult { by } => {
                if let Some(consult) = call.consult.as_mut().filter(|consult| consult.to == Asked::Outside) {
                    consult.answered = true;
                }
                call.happened("call.consulted", now, Some(by), json!({ "to": { "number": number }, "by": by }));
            }
            Errand::TakeOver { from } => {
                call.set_state(CallState::Active);
                call.transferred_outside(now, "blind", Some(from));
            }
            Errand::Overflow { .. } => {
                call.set_state(CallState::Active);
                call.row.answered_at.get_or_insert(now);
                call.flow_over();
                call.transferred_outside(now, "overflow", None);
            }
        }
        if !matches!(errand, Errand::Consult { .. }) {
            // One recording per call, however often it is handed on.
            if call.recording.is_none() && self.directory.is_recorded(call.tenant, &call.row) {
                taps::begin(call, now, out);
            }
        }
        out.push(call.record(None));
        let tenant = call.tenant;
        if let Ok(name) = channel.parse::<ResourceName>() {
            self.ledgers.entry(tenant).or_default().answered(name.usage(), now);
        }
        self.no_more_to_hear(now, id, out);
    }

    /// Whoever was dialled did not come: the call goes back, each in its way.
    pub(super) fn outside_failed(&mut self, now: DateTime<Utc>, id: CallId, why: &str, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        call.ring_for_outside(false, out);
        let Some(Outside { channel, errand, number, stage, .. }) = call.outside.take() else { return };
        if call.open_legs().any(|leg| leg.id == channel) {
            call.leg_ended(&channel, now, None);
            if stage != Stage::Writing {
                out.push(call.request(Request::Hangup { channel, why: HangupWhy::NoAnswer }));
            }
        }
        let to = json!({ "number": number });
        match errand {
            Errand::TakeOver { from } => {
                call.house_music(out);
                self.give_back(now, id, from, &to, why, out);
            }
            Errand::Consult { by } => {
                let details = json!({ "kind": "attended", "from_agent_id": by, "to": to, "reason": why, "why": why });
                call.happened("call.transfer_failed", now, None, details);
                self.consult_failed(now, id, by, out);
            }
            Errand::Overflow { .. } if self.flow_unanswered(now, id, out) => {}
            Errand::Overflow { otherwise } => {
                self.overflow_failed(now, id, &to, (why, otherwise), out);
            }
        }
    }

    /// Somebody outside who talked is gone. The call goes on with whoever is left, and ends with the last.
    pub(super) fn outside_left(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        leg: &Leg,
        estimated: bool,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let asked_by = call.consult.as_ref().filter(|it| it.to == Asked::Outside && it.answered).map(|it| it.by);
        let talkers = call.talkers();
        if asked_by.is_none() && talkers.is_empty() {
            call.leg_ended(&leg.id, now, None);
            self.begin_end(now, id, EndReason::Transferred, estimated, out);
            return;
        }
        call.leg_ended(&leg.id, now, None);
        call.happened("call.left", now, None, json!({ "number": leg.number }));
        out.push(call.record(None));
        if let Some(by) = asked_by {
            self.consult_failed(now, id, by, out);
        }
    }

    /// A leg to the outside is hanging up: one that nobody answered tells how when it is gone.
    pub(super) fn outside_hangs_up(&mut self, now: DateTime<Utc>, id: CallId, channel: &str, out: &mut Vec<Output>) {
        let leg = self.calls.get(&id).and_then(|call| call.outside_leg()).filter(|leg| leg.id == channel).cloned();
        if let Some(leg) = leg {
            self.outside_left(now, id, &leg, false, out);
        }
    }

    /// A leg to the outside is gone, or could not be made.
    pub(super) fn outside_gone(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &str,
        ending: Ending,
        out: &mut Vec<Output>,
    ) {
        self.outside_hangs_up(now, id, channel, out);
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.leg_ended(channel, now, ending.cause);
        let waits = call.closing.is_none() && call.outside.as_ref().is_some_and(|outside| outside.channel == channel);
        let refused = call.outside.as_ref().is_some_and(|outside| !outside.progressed) && is_of_the_trunk(ending);
        if waits && refused && self.try_next_way_outside(now, id, out) {
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        if waits {
            self.outside_failed(now, id, unanswered(ending).as_str(), out);
        } else if call.closing.is_none() && call.row.state != CallState::Ended {
            out.push(call.record(None));
        }
        self.complete_if_gone(now, id, out);
    }

    pub(super) fn outside_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let outside = self.calls.get(&id).and_then(|call| call.outside.as_ref());
        let Some(overdue) = outside.filter(|outside| outside.until <= now) else { return };
        let why = if overdue.is_unmade() { "not_written" } else { EndReason::NoAnswer.as_str() };
        self.outside_failed(now, id, why, out);
    }

    /// Whoever asked somebody outside is gone before the answer: the customer waits for it in their place, unless another agent is with them.
    pub(super) fn outside_for_customer(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        from: AgentId,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.outside.is_some()) else { return };
        if let Some(next) = call.talkers().first().copied() {
            if call.row.agent_id == Some(from) {
                call.row.agent_id = Some(next);
                call.transferred(now, "conference", (from, next));
            }
            self.outside_failed(now, id, "cancelled", out);
            return;
        }
        let Some(outside) = &mut call.outside else { return };
        outside.errand = Errand::TakeOver { from };
        outside.rings = false;
        let entered = outside.stage == Stage::Dialling { entered: true };
        let channel = outside.channel.clone();
        call.music_ends(out);
        call.ring_for_outside(true, out);
        if entered {
            call.join_outside(&channel, out);
        }
        call.set_state(CallState::Ringing);
    }

    /// With the last agent there is nothing left for a supervisor to hear.
    pub(super) fn no_more_to_hear(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let announced = self.calls.get(&id).is_some_and(|call| !self.directory.unannounced.contains(&call.tenant));
        let left = self.calls.get_mut(&id).filter(|call| call.is_left_to_outside() && !call.supervisors.is_empty());
        if let Some(call) = left {
            supervise::end_all(call, "transferred", announced, now, out);
            out.push(call.record(None));
        }
    }

    /// What became of a leg to the outside while nobody could tell us. `gone`: legs that Asterisk has no more; `is_up` knows those it has.
    pub(super) fn reconcile_outside(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        gone: &[String],
        is_up: impl Fn(&str) -> Option<bool>,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let waited = call.outside.as_ref().map(|outside| (outside.channel.clone(), outside.is_unmade()));
        match waited {
            Some((_, true)) => {}
            Some((channel, false)) => match is_up(&channel) {
                None => self.outside_failed(now, id, EndReason::Failed.as_str(), out),
                Some(true) => self.outside_answered(now, id, out),
                Some(false) => {}
            },
            None => {
                // An earlier life of this gateway had it dialled; for what nobody knows.
                let unanswered = |leg: &&Leg| leg.kind == LegKind::Outside && leg.answered_at.is_none();
                let forgotten: Vec<String> = call
                    .legs
                    .iter()
                    .filter(unanswered)
                    .filter(|leg| leg.ended_at.is_none_or(|at| at == now))
                    .map(|leg| leg.id.clone())
                    .collect();
                if !forgotten.is_empty() {
                    // Nor who heard it ring.
                    let heard =
                        call.talkers().into_iter().filter_map(|agent| call.leg_of(agent)).chain([call.customer()]);
                    for channel in heard.collect::<Vec<_>>() {
                        out.push(call.request(Request::StopRing { channel }));
                    }
                }
                for channel in forgotten {
                    call.leg_ended(&channel, now, None);
                    out.push(call.request(Request::Hangup { channel, why: HangupWhy::NoAnswer }));
                }
            }
        }
        let Some(call) = self.calls.get(&id) else { return };
        let left = |leg: &&Leg| leg.kind == LegKind::Outside && leg.answered_at.is_some() && gone.contains(&leg.id);
        if let Some(leg) = call.legs.iter().find(left).cloned() {
            self.outside_left(now, id, &leg, true, out);
        }
    }

    /// Legs to the outside that are over count no longer as running.
    pub(super) fn close_usage(&mut self, now: DateTime<Utc>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| !call.counted.is_empty()) else { return };
        let ended = |channel: &String| {
            let leg = call.legs.iter().find(|leg| leg.id == *channel)?;
            Some((channel.clone(), leg.ended_at?))
        };
        let over: Vec<(String, DateTime<Utc>)> = call.counted.iter().filter_map(ended).collect();
        let ledger = self.ledgers.entry(call.tenant).or_default();
        for (channel, at) in over {
            call.counted.remove(&channel);
            if let Ok(name) = channel.parse::<ResourceName>() {
                ledger.ended(name.usage(), at.min(now));
            }
        }
    }
}

impl Call {
    /// Puts a leg to the outside where it is heard.
    fn join_outside(&mut self, channel: &str, out: &mut Vec<Output>) {
        let consult = self.consult.as_ref().filter(|consult| consult.to == Asked::Outside);
        match consult.map(|consult| consult.bridge.clone()) {
            Some(bridge) => out.push(self.request(Request::AddChannels { bridge, channels: vec![channel.to_owned()] })),
            None => self.let_in(vec![self.customer(), channel.to_owned()], out),
        }
    }
}
