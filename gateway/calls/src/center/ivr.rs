//! A caller's way through a flow: what the flow decides is done here, and what happens to the call is told to the flow.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, FlowId, QueueId};
use trunkline_dialing::Mark;

use super::Center;
use super::call::Call;
use super::direct::Purpose;
use super::io::{Output, Request};
use super::outside::Errand;
use crate::directory::TenantView;
use crate::flow::model::{DialTo, HangUpReason};
use crate::flow::walk::{Answer, Effect, End, Event, Media, Published, Step, Waits};
use crate::flow::{Walk, reads};
use crate::model::{CallState, EndReason, Way};

/// How long it is waited for what the database knows of a caller. Without it the flow begins all the same.
const LOOK_UP: TimeDelta = TimeDelta::milliseconds(400);
/// What is known of a caller without asking anybody.
const IN_MEMORY: [&str; 5] = ["caller.number", "caller.vip", "caller.blocked", "call.number", "call.id"];

/// The way of one call.
#[derive(Debug)]
pub(super) struct Ivr {
    stage: Stage,
    /// What is being said.
    playback: Option<String>,
}

#[derive(Debug)]
enum Stage {
    /// It is asked who calls.
    LookingUp { flow: Arc<Published>, variables: BTreeMap<String, String>, until: DateTime<Utc> },
    /// It is walked.
    Walking(Box<Walk>),
}

impl Ivr {
    pub(super) fn deadline(&self) -> Option<DateTime<Utc>> {
        match &self.stage {
            Stage::LookingUp { until, .. } => Some(*until),
            Stage::Walking(walk) => walk.deadline(),
        }
    }

    pub(super) fn clock_set(&mut self, by: TimeDelta) {
        match &mut self.stage {
            Stage::LookingUp { until, .. } => *until += by,
            Stage::Walking(walk) => walk.clock_set(by),
        }
    }
}

impl Call {
    /// Remembers a decision and what it was made by.
    pub(super) fn traced(&mut self, at: DateTime<Utc>, what: &str, data: serde_json::Value) {
        self.steps.push(Step::of_call(at, what, data));
    }

    /// Somebody talks with the caller, or they are gone: the flow has nothing more to decide.
    pub(super) fn flow_over(&mut self) {
        if let Some(Ivr { stage: Stage::Walking(mut walk), .. }) = self.ivr.take() {
            self.steps.extend(walk.take_steps());
        }
        self.row.way = None;
    }

    /// Somebody is rung for the flow.
    fn flow_rings(&self) -> bool {
        let walks = |ivr: &Ivr| matches!(&ivr.stage, Stage::Walking(walk) if walk.waits().is_some_and(|(_, it)| it == Waits::Party));
        self.ivr.as_ref().is_some_and(walks)
    }
}

impl Center {
    /// A number leads to a flow.
    pub(super) fn flow_called(&mut self, now: DateTime<Utc>, id: CallId, flow: FlowId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id) else { return };
        let tenant = call.tenant;
        let Some(published) = self.directory.flow(tenant, flow.uuid()) else {
            tracing::warn!(call = %id, %flow, "a number leads to a flow that is not there");
            self.turn_away(now, id, EndReason::Failed, out);
            return;
        };
        let mark = self.mark(tenant, &call.row.from_number);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let yes = |is: bool| if is { "yes".to_owned() } else { String::new() };
        let variables = BTreeMap::from([
            ("caller.number".to_owned(), call.row.from_number.clone()),
            ("caller.vip".to_owned(), yes(mark == Some(Mark::Vip))),
            ("caller.blocked".to_owned(), yes(mark == Some(Mark::Blocked))),
            ("call.number".to_owned(), call.row.to_number.clone()),
            ("call.id".to_owned(), id.to_string()),
        ]);
        // Keys are heard, and sounds played, on an answered call alone.
        let customer = call.customer();
        if let Some(leg) = call.leg_mut(&customer)
            && leg.answered_at.is_none()
        {
            leg.answered_at = Some(now);
            out.push(call.request(Request::Answer { channel: customer }));
        }
        let asks = reads(&published.flow).any(|name| name.starts_with("caller.") && !IN_MEMORY.contains(&name));
        if asks && call.row.way.is_none() {
            let number = call.row.from_number.clone();
            out.push(Output::WhoCalls { call: id, tenant, number });
            let stage = Stage::LookingUp { flow: published, variables, until: now + LOOK_UP };
            call.ivr = Some(Ivr { stage, playback: None });
        } else {
            self.walk(now, id, published, variables, out);
        }
    }

    /// What the database knows of a caller.
    pub(super) fn caller_known(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        facts: BTreeMap<String, String>,
        out: &mut Vec<Output>,
    ) {
        self.looked_up(now, id, Some(facts), out);
    }

    fn looked_up(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        facts: Option<BTreeMap<String, String>>,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let Some(Ivr { stage: Stage::LookingUp { flow, variables, .. }, .. }) = &mut call.ivr else { return };
        let (flow, mut variables) = (Arc::clone(flow), std::mem::take(variables));
        if facts.is_none() {
            call.traced(now, "caller_not_known_in_time", json!({}));
        }
        variables.extend(facts.into_iter().flatten());
        self.walk(now, id, flow, variables, out);
    }

    /// Begins, or goes on where an earlier life of the gateway was.
    fn walk(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        flow: Arc<Published>,
        variables: BTreeMap<String, String>,
        out: &mut Vec<Output>,
    ) {
        let directory = Arc::clone(&self.directory);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let view = TenantView { directory: &directory, tenant: call.tenant };
        let mut walk = Walk::new(flow, variables);
        let effects = match call.row.way.clone() {
            Some(Way::Flow(place)) => walk.resume(now, place, &view),
            _ => walk.begin(now, &view),
        };
        call.ivr = Some(Ivr { stage: Stage::Walking(Box::new(walk)), playback: None });
        self.flow_decided(now, id, effects, out);
    }

    /// Something happened that the call's flow may wait for.
    pub(super) fn flow_told(&mut self, now: DateTime<Utc>, id: CallId, event: Event, out: &mut Vec<Output>) {
        let directory = Arc::clone(&self.directory);
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let view = TenantView { directory: &directory, tenant: call.tenant };
        let Some(Ivr { stage: Stage::Walking(walk), .. }) = &mut call.ivr else { return };
        let effects = walk.handle(now, event, &view);
        self.flow_decided(now, id, effects, out);
    }

    /// A program elsewhere answered, or did not.
    pub(super) fn flow_fetched(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        answer: Result<Answer, String>,
        out: &mut Vec<Output>,
    ) {
        self.flow_told(now, id, Event::Fetched(answer), out);
    }

    /// The caller pressed a key. Whether a flow is there to hear it.
    pub(super) fn flow_key(&mut self, now: DateTime<Utc>, id: CallId, key: char, out: &mut Vec<Output>) {
        self.flow_told(now, id, Event::Key(key), out);
    }

    /// What was being said is over. Whether it was the flow that said it.
    pub(super) fn flow_said(&mut self, now: DateTime<Utc>, id: CallId, playback: &str, out: &mut Vec<Output>) -> bool {
        let Some(ivr) = self.calls.get_mut(&id).and_then(|call| call.ivr.as_mut()) else { return false };
        if ivr.playback.take_if(|own| own == playback).is_none() {
            return false;
        }
        self.flow_told(now, id, Event::Said, out);
        true
    }

    /// Who was rung for the flow did not come. Whether a flow is there to go on.
    pub(super) fn flow_unanswered(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) -> bool {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.flow_rings()) else { return false };
        call.row.agent_id = None;
        call.set_state(CallState::New);
        self.flow_told(now, id, Event::Unanswered, out);
        true
    }

    pub(super) fn flow_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(ivr) = self.calls.get(&id).and_then(|call| call.ivr.as_ref()) else { return };
        if ivr.deadline().is_none_or(|until| until > now) {
            return;
        }
        match ivr.stage {
            Stage::LookingUp { .. } => self.looked_up(now, id, None, out),
            Stage::Walking(_) => self.flow_told(now, id, Event::Tick, out),
        }
    }

    /// Nobody could tell us what the caller heard meanwhile: they hear it again.
    pub(super) fn flow_again(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) -> bool {
        let directory = Arc::clone(&self.directory);
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let view = TenantView { directory: &directory, tenant: call.tenant };
        if call.direct.is_some() || call.outside.is_some() {
            return call.ivr.is_some();
        }
        let Some(Ivr { stage: Stage::Walking(walk), playback, .. }) = &mut call.ivr else { return false };
        let (place, playback) = (walk.place(), playback.take());
        let effects = walk.resume(now, place, &view);
        if let Some(playback) = playback {
            out.push(call.request(Request::StopPlayback { playback }));
        }
        self.flow_decided(now, id, effects, out);
        true
    }

    fn flow_decided(&mut self, now: DateTime<Utc>, id: CallId, effects: Vec<Effect>, out: &mut Vec<Output>) {
        let mut news = false;
        if let Some(call) = self.calls.get_mut(&id)
            && let Some(Ivr { stage: Stage::Walking(walk), .. }) = &mut call.ivr
        {
            let steps = walk.take_steps();
            let way = walk.waits().is_some().then(|| Way::Flow(walk.place()));
            news = !steps.is_empty() || call.row.way != way;
            call.steps.extend(steps);
            call.row.way = way;
        }
        let ends = effects.iter().any(|effect| matches!(effect, Effect::End(_)));
        for effect in effects {
            self.flow_effect(now, id, effect, out);
        }
        // The end of a flow writes its own record.
        if news
            && !ends
            && let Some(call) = self.calls.get_mut(&id)
        {
            out.push(call.record(None));
        }
    }

    fn flow_effect(&mut self, now: DateTime<Utc>, id: CallId, effect: Effect, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        match effect {
            Effect::Say(sounds) => {
                let (playback, channel) = (call.next_playback_name(), call.customer());
                out.push(call.request(Request::Play { channel, playback: playback.clone(), sounds }));
                if let Some(ivr) = &mut call.ivr {
                    ivr.playback = Some(playback);
                }
            }
            Effect::Silence => {
                if let Some(playback) = call.ivr.as_mut().and_then(|ivr| ivr.playback.take()) {
                    out.push(call.request(Request::StopPlayback { playback }));
                }
            }
            Effect::Music(on) => {
                if on {
                    call.house_music(out);
                } else {
                    call.music_ends(out);
                }
            }
            Effect::Fetch(fetch) => out.push(Output::Fetch { call: id, fetch }),
            Effect::Record(may) => call.row.may_record = Some(may),
            Effect::Dial { to: DialTo::AgentId(agent), ring_seconds } => {
                call.ring_seconds = ring_seconds;
                self.flow_rings_agent(now, id, AgentId(agent), out);
            }
            // The walk says who that is.
            Effect::Dial { to: DialTo::LastAgent, .. } => _ = self.flow_unanswered(now, id, out),
            Effect::Dial { to: DialTo::Number(number), ring_seconds } => {
                self.flow_dials(now, id, &number, ring_seconds, out);
            }
            Effect::End(end) => self.flow_ended(now, id, end, out),
        }
    }

    fn flow_rings_agent(&mut self, now: DateTime<Utc>, id: CallId, agent: AgentId, out: &mut Vec<Output>) {
        if self.may_ring(id, agent).is_err() {
            self.flow_unanswered(now, id, out);
            return;
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.row.agent_id = Some(agent);
            out.push(call.request(Request::Ring { channel: call.customer() }));
        }
        self.ring_directly(now, id, agent, Purpose::Reach, out);
    }

    fn flow_dials(&mut self, now: DateTime<Utc>, id: CallId, number: &str, ring_seconds: u32, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id) else { return };
        let (tenant, server) = (call.tenant, call.row.server.clone());
        match self.may_call(now, (tenant, None), Some(&server), None, number, out) {
            Ok(allowed) => {
                self.begin_outside(now, id, allowed, Errand::Overflow { otherwise: EndReason::NoAnswer }, out);
                self.outside_rings_for(id, ring_seconds);
            }
            Err(refusal) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.traced(now, "dial_denied", json!({ "why": refusal.to_string() }));
                }
                self.flow_unanswered(now, id, out);
            }
        }
    }

    fn flow_ended(&mut self, now: DateTime<Utc>, id: CallId, end: End, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.flow_over();
        match end {
            End::Queue { queue, priority } => self.flow_queues(now, id, QueueId(queue), priority, out),
            End::Voicemail { queue, say, max_seconds } => {
                self.begin_voicemail(now, id, QueueId(queue), say, max_seconds, out);
            }
            End::Callback { queue } => self.wants_callback(now, id, QueueId(queue), out),
            End::HangUp(reason) => {
                let reason = match reason {
                    HangUpReason::Completed => EndReason::CompletedCustomer,
                    HangUpReason::OutOfHours => EndReason::OutOfHours,
                    HangUpReason::Rejected => EndReason::Rejected,
                    HangUpReason::Blocked => EndReason::Blocked,
                };
                self.begin_end(now, id, reason, false, out);
            }
            End::Broken => self.turn_away(now, id, EndReason::Failed, out),
        }
    }

    fn flow_queues(&mut self, now: DateTime<Utc>, id: CallId, queue: QueueId, priority: i16, out: &mut Vec<Output>) {
        let directory = Arc::clone(&self.directory);
        let Some(queue) = directory.queues.get(&queue) else {
            self.turn_away(now, id, EndReason::Failed, out);
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.row.priority = priority;
        self.wait_in(now, id, queue, out);
    }
}

/// What Asterisk says to a caller before they leave a message.
pub(super) fn beep() -> Media {
    Media::Builtin("beep".to_owned())
}
