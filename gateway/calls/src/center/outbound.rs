//! Agents call out: one rule for a click in the panel and for a number dialled on a phone.
//!
//! A click rings the agent's phone first and the other side when it is picked up; a phone that dialled is there already. Nobody outside is dialled before the
//! database has the call's record. The leg to the trunk is made, joined and only then dialled, so that the agent hears what the
//! network says before the answer.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId, TenantId};
use trunkline_dialing::{Attempt, Decision, Kind, Mark, Number, Rule, Usage, normalise};

use super::call::Call;
use super::io::{Answers, ChannelView, DialProgress, DialWish, Ending, HangupWhy, Output, Request};
use super::outside::Allowed;
use super::ways::{Way, is_of_the_trunk};
use super::{Center, NET_SECONDS, taps};
use crate::model::{CallRow, CallState, Direction, EndReason, Leg, LegKind, Server};
use crate::names::{Part, ResourceName};
use crate::{DialRefusal, DirectoryDevice};

/// How long the database may take to have the record. Past that the call is given up.
pub(super) const WRITING_SECONDS: i64 = 10;
/// How long the agent's own phone rings.
const CALLING_SECONDS: u32 = 25;
/// How long it rings on the other side.
pub(super) const DIALLING_SECONDS: u32 = 90;

/// An outbound call before the answer.
#[derive(Debug)]
pub(super) struct Outbound {
    stage: Stage,
    pub(super) until: DateTime<Utc>,
    /// The ways that have not been tried, the first to be tried first.
    ways: VecDeque<Way>,
    /// The network took the call and said so.
    progressed: bool,
    /// The phones to ring, where the agent's is not there already.
    phones: Vec<String>,
    answers: Answers,
    /// The agent hears that it rings there.
    rings: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The record is on its way into the database.
    Writing,
    /// The agent's phones ring.
    Calling,
    /// The other side is dialled.
    Dialling,
}

impl Outbound {
    /// An agent calls a colleague: only their own phone is rung in this way.
    pub(super) fn to_a_colleague(until: DateTime<Utc>, phones: Vec<String>, auto_answer: bool) -> Self {
        let answers = if auto_answer { Answers::ToDial } else { Answers::ByHand };
        Self { phones, answers, ..Self::at(Stage::Writing, until) }
    }

    fn at(stage: Stage, until: DateTime<Utc>) -> Self {
        Self {
            stage,
            until,
            ways: VecDeque::new(),
            progressed: false,
            phones: Vec::new(),
            answers: Answers::ByHand,
            rings: false,
        }
    }

    pub(super) fn deadline(&self) -> DateTime<Utc> {
        self.until
    }
}

/// What is needed to begin a call that is allowed.
struct Begin {
    call: CallId,
    server: Server,
    tenant: TenantId,
    agent: AgentId,
    queue: Option<QueueId>,
    number: Number,
    caller_id: Option<String>,
    ways: VecDeque<Way>,
    phones: Vec<String>,
    answers: Answers,
}

impl Center {
    /// An agent clicked a number.
    pub(super) fn dial(&mut self, now: DateTime<Utc>, wish: &DialWish, out: &mut Vec<Output>) {
        if let Some(colleague) = self.colleague(wish) {
            if let Err(refusal) = self.dial_colleague(now, wish, colleague, out) {
                out.push(Output::DialAnswered { call: wish.call, result: Err(refusal) });
            }
            return;
        }
        match self.may_dial(now, wish, out) {
            Ok(begin) => self.begin_outbound(now, begin, None, out),
            Err(refusal) => out.push(Output::DialAnswered { call: wish.call, result: Err(refusal) }),
        }
    }

    fn may_dial(&mut self, now: DateTime<Utc>, wish: &DialWish, out: &mut Vec<Output>) -> Result<Begin, DialRefusal> {
        let directory = Arc::clone(&self.directory);
        let &DialWish { call, tenant, agent, queue, auto_answer, .. } = wish;
        if !directory.agents.contains_key(&(tenant, agent)) {
            return Err(DialRefusal::NoAgent);
        }
        if queue.is_some_and(|queue| directory.queues.get(&queue).is_none_or(|known| known.tenant != tenant)) {
            return Err(DialRefusal::NoQueue);
        }
        let home = self.home_to_call_from(wish);
        let Allowed { number, caller_id, ways } =
            self.may_call(now, (tenant, Some(agent)), home.as_ref(), queue, &wish.to, out)?;
        let (phones, server) = self.phones_to_call_from(wish)?;
        let answers = if auto_answer { Answers::ToDial } else { Answers::ByHand };
        Ok(Begin { call, server, tenant, agent, queue, number, caller_id, ways, phones, answers })
    }

    fn home_to_call_from(&self, wish: &DialWish) -> Option<Server> {
        let phones =
            self.directory.devices_of(wish.tenant, wish.agent).into_iter().map(|device| device.username.as_str());
        self.fleet.home(phones.filter(|username| wish.phone.as_ref().is_none_or(|wanted| wanted == username)))
    }

    /// The phones of an agent's that are rung first, if they are free to call; and the server on which the call begins.
    pub(super) fn phones_to_call_from(&self, wish: &DialWish) -> Result<(Vec<String>, Server), DialRefusal> {
        let &DialWish { tenant, agent, .. } = wish;
        let phones = self.directory.devices_of(tenant, agent).into_iter().map(|device| device.username.clone());
        let phones: Vec<String> = phones
            .filter(|username| self.fleet.is_online(username))
            .filter(|username| wish.phone.as_ref().is_none_or(|wanted| wanted == username))
            .collect();
        let server = self.home_to_call_from(wish).ok_or(DialRefusal::PhoneAway)?;
        if self.is_on_a_call(tenant, agent) {
            return Err(DialRefusal::OnACall);
        }
        Ok((phones, server))
    }

    /// Whether a number may be called now, by an agent or by nobody in particular; with the number shown there, and the way there.
    pub(super) fn may_call(
        &mut self,
        now: DateTime<Utc>,
        (tenant, agent): (TenantId, Option<AgentId>),
        server: Option<&Server>,
        queue: Option<QueueId>,
        to: &str,
        out: &mut Vec<Output>,
    ) -> Result<Allowed, DialRefusal> {
        let directory = Arc::clone(&self.directory);
        match self.decides(now, (tenant, agent), queue, to) {
            Decision::Allowed { number, .. } if directory.spent.contains(&tenant) && number.kind != Kind::Emergency => {
                Err(DialRefusal::Spent)
            }
            Decision::Allowed { number, caller_id } => {
                let ways = self.ways_out(tenant, server, &number.text, caller_id.as_deref())?;
                Ok(Allowed { number, caller_id, ways })
            }
            Decision::Denied { rule, words, .. } => {
                tracing::info!(%tenant, ?agent, rule = rule.as_str(), "a call was denied");
                out.push(Output::Denied(rule));
                self.note_denial(now, tenant, agent, rule, &words, out);
                Err(DialRefusal::Denied { rule, words })
            }
        }
    }

    /// What the tenant's rules say of a call to a number now. Changes and tells nothing.
    pub(super) fn decides(
        &self,
        now: DateTime<Utc>,
        (tenant, agent): (TenantId, Option<AgentId>),
        queue: Option<QueueId>,
        to: &str,
    ) -> Decision {
        let load = self.ledgers.get(&tenant).map(|ledger| ledger.load(now, agent.map(AgentId::uuid)));
        let attempt = Attempt { to, queue: queue.map(QueueId::uuid), now };
        match self.directory.dialing.get(&tenant) {
            Some(policy) => policy.decide(&attempt, &load.unwrap_or_default()),
            None => Decision::not_set_up(),
        }
    }

    /// Whether a phone dialled an emergency number of its tenant's country, and such calls go out: it comes before the house's own extensions.
    pub(super) fn is_emergency(&self, tenant: TenantId, dialled: &str) -> bool {
        let rules = self.directory.dialing.get(&tenant).and_then(|policy| policy.rules.as_ref());
        rules.is_some_and(|rules| {
            rules.emergency && normalise(dialled, rules.country).is_ok_and(|number| number.kind == Kind::Emergency)
        })
    }

    /// A phone of the house dialled what is no extension of the house.
    pub(super) fn phone_dials_out(
        &mut self,
        now: DateTime<Utc>,
        channel: &ChannelView,
        device: &DirectoryDevice,
        dialled: &str,
        out: &mut Vec<Output>,
    ) -> Result<(), DialRefusal> {
        let (tenant, agent) = (device.tenant, device.agent);
        let Allowed { number, caller_id, ways } =
            self.may_call(now, (tenant, Some(agent)), Some(&channel.server), None, dialled, out)?;
        let begin = Begin {
            call: CallId::new(),
            server: channel.server.clone(),
            tenant,
            agent,
            queue: None,
            number,
            caller_id,
            ways,
            phones: Vec::new(),
            answers: Answers::ByHand,
        };
        self.begin_outbound(now, begin, Some((channel, device)), out);
        Ok(())
    }

    fn begin_outbound(
        &mut self,
        now: DateTime<Utc>,
        begin: Begin,
        caller: Option<(&ChannelView, &DirectoryDevice)>,
        out: &mut Vec<Output>,
    ) {
        let Begin { call: id, server, tenant, agent, queue, number, caller_id, ways, phones, answers } = begin;
        let row = CallRow {
            from_number: caller_id.unwrap_or_default(),
            to_number: number.text.clone(),
            queue_id: queue,
            agent_id: Some(agent),
            ..CallRow::begun(
                (id, Direction::Outbound),
                (server, ResourceName::new(id, Part::TrunkLeg).to_string()),
                now,
            )
        };
        let mut call = Call::outbound(tenant, row);
        call.calling_agent = Some(agent);
        let details = json!({
            "direction": Direction::Outbound,
            "from": call.row.from_number,
            "to": call.row.to_number,
            "queue_id": queue,
            "agent_id": agent,
        });
        call.happened("call.started", now, Some(agent), details);
        out.push(call.request(Request::CreateBridge { bridge: call.bridge() }));
        if let Some((channel, device)) = caller {
            call.add_leg(Leg { answered_at: Some(now), ..agent_leg(now, channel.id.clone(), device) });
            out.push(call.request(Request::Answer { channel: channel.id.clone() }));
            self.callers.insert(&channel.server, channel.id.clone(), id);
        }
        let until = now + TimeDelta::seconds(WRITING_SECONDS);
        call.outbound = Some(Outbound { ways, phones, answers, ..Outbound::at(Stage::Writing, until) });
        out.push(call.record_first());
        self.note_usage(now, id, (tenant, agent), &number);
        self.customers.insert(&call.row.server, call.customer(), id);
        self.calls.insert(id, call);
        self.engage(now, id, agent, false, out);
    }

    /// An agent has the call of somebody who is to be called back.
    pub(super) fn dials_back(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        agent: AgentId,
        (number, caller_id, ways): (Number, Option<String>, VecDeque<Way>),
        out: &mut Vec<Output>,
    ) {
        let Some(tenant) = self.tenant_of(id) else { return };
        self.note_usage(now, id, (tenant, agent), &number);
        let Some(call) = self.calls.get_mut(&id) else { return };
        self.customers.insert(&call.row.server, call.customer(), id);
        call.row.from_number = caller_id.unwrap_or_default();
        call.row.to_number = number.text;
        call.outbound = Some(Outbound { ways, ..Outbound::at(Stage::Dialling, now) });
        dial_out(call, now, out);
    }

    fn note_usage(&mut self, now: DateTime<Utc>, id: CallId, (tenant, agent): (TenantId, AgentId), number: &Number) {
        let home = self.directory.dialing.get(&tenant).and_then(|policy| policy.rules.as_ref()).map(|it| it.country);
        let ledger = self.ledgers.entry(tenant).or_default();
        ledger.prune(now);
        ledger.note(Usage {
            call: id.uuid(),
            agent: Some(agent.uuid()),
            international: number.country != home,
            began: now,
            answered: None,
            ended: None,
        });
    }

    /// The database has the record: now somebody may be dialled.
    pub(super) fn committed(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.unwritten = call.unwritten.saturating_sub(1);
        if call.closing.is_some() || call.unwritten > 0 {
            return;
        }
        if call.outbound.as_ref().is_none_or(|outbound| outbound.stage != Stage::Writing) {
            if !self.callback_written(now, id, out) {
                self.outside_written(now, id, out);
            }
            return;
        }
        out.push(Output::DialAnswered { call: id, result: Ok(()) });
        if call.talking_agent_leg().is_some() {
            dial_out(call, now, out);
            return;
        }
        let Some(outbound) = &mut call.outbound else { return };
        outbound.stage = Stage::Calling;
        outbound.until = now + TimeDelta::seconds(i64::from(CALLING_SECONDS));
        let (phones, answers) = (std::mem::take(&mut outbound.phones), outbound.answers);
        let queue = call.row.queue_id.and_then(|queue| self.directory.queues.get(&queue)).map(|it| it.name.clone());
        for username in phones {
            let Some(device) = self.directory.devices.get(&username) else { continue };
            let Some(at) = self.fleet.place(&username, &call.row.server) else { continue };
            let channel = call.next_leg_name();
            call.add_leg(agent_leg(now, channel.clone(), device));
            out.push(call.request(Request::Originate {
                channel,
                username,
                at,
                caller: call.row.to_number.clone(),
                timeout_s: CALLING_SECONDS + NET_SECONDS,
                originator: None,
                call: id,
                queue: queue.clone(),
                answers,
            }));
        }
        call.set_state(CallState::Ringing);
        out.push(call.record(None));
        self.end_if_no_phone_rings(now, id, out);
    }

    /// The agent picked their phone up: the other side is dialled. Whether it was for that.
    pub(super) fn caller_answered(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &str,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return false };
        if call.outbound.as_ref().is_none_or(|outbound| outbound.stage != Stage::Calling) {
            return false;
        }
        let others: Vec<String> = call.open_legs().filter(|leg| leg.id != channel).map(|leg| leg.id.clone()).collect();
        for other in others {
            out.push(call.request(Request::Hangup { channel: other, why: HangupWhy::AnsweredElsewhere }));
        }
        if let Some(leg) = call.leg_mut(channel) {
            leg.answered_at = Some(now);
        }
        if call.is_between_colleagues() {
            self.caller_is_there(now, id, channel, out);
        } else {
            dial_out(call, now, out);
        }
        true
    }

    /// The leg to the trunk is there: it is joined with the agent's, then dialled.
    pub(super) fn trunk_leg_entered(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &ChannelView,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.outbound.is_none() || call.talking_agent_leg().is_none() {
            return;
        }
        out.push(call.request(Request::AddChannels { bridge: call.bridge(), channels: vec![channel.id.clone()] }));
        if channel.is_up() {
            self.callee_answered(now, id, out);
        } else {
            let timeout_s = DIALLING_SECONDS + NET_SECONDS;
            out.push(call.request(Request::Dial { channel: channel.id.clone(), timeout_s }));
        }
    }

    /// A leg that we dial got on.
    pub(super) fn dialling(
        &mut self,
        now: DateTime<Utc>,
        server: &Server,
        channel: &str,
        progress: DialProgress,
        out: &mut Vec<Output>,
    ) {
        let Some(id) = self.customers.get(server, channel) else {
            if let Ok(ResourceName { call: id, part: Part::OutsideLeg(_) }) = channel.parse() {
                self.outside_dialling(now, id, channel, progress, out);
            }
            return;
        };
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let agent = call.talking_agent_leg().map(|leg| leg.id.clone());
        let (Some(outbound), Some(agent)) = (&mut call.outbound, agent) else { return };
        outbound.progressed = true;
        match progress {
            DialProgress::Ringing if !outbound.rings => {
                outbound.rings = true;
                out.push(call.request(Request::Ring { channel: agent }));
            }
            DialProgress::Ringing => {}
            DialProgress::Speaking => {
                if std::mem::take(&mut outbound.rings) {
                    out.push(call.request(Request::StopRing { channel: agent }));
                }
            }
            DialProgress::Answered => self.callee_answered(now, id, out),
        }
    }

    /// They talk.
    pub(super) fn callee_answered(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let Some(agent) = call.talking_agent_leg().map(|leg| leg.id.clone()) else { return };
        if call.outbound.take().is_some_and(|outbound| outbound.rings) {
            out.push(call.request(Request::StopRing { channel: agent }));
        }
        let customer = call.customer();
        if let Some(leg) = call.leg_mut(&customer) {
            leg.answered_at = Some(now);
        }
        call.row.answered_at = Some(now);
        call.set_state(CallState::Active);
        let details = json!({
            "agent_id": call.row.agent_id,
            "queue_id": call.row.queue_id,
            "rang_ms": (now - call.row.started_at).num_milliseconds(),
        });
        call.happened("call.answered", now, call.row.agent_id, details);
        if self.directory.is_recorded(call.tenant, &call.row) {
            taps::begin(call, now, out);
        }
        out.push(call.record(None));
        let (tenant, agent) = (call.tenant, call.row.agent_id);
        self.ledgers.entry(tenant).or_default().answered(id.uuid(), now);
        // From now on it is work of the queue, with its wrap-up; who reached nobody has nothing to write down.
        if let Some(agent) = agent {
            self.engage(now, id, agent, true, out);
        }
    }

    /// One of the agent's phones is gone before it was picked up; with the last one the call is over.
    pub(super) fn end_if_no_phone_rings(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id) else { return };
        let calling = call.outbound.as_ref().is_some_and(|outbound| outbound.stage == Stage::Calling);
        if calling && call.all_legs_ended() {
            self.begin_end(now, id, EndReason::NoAnswer, false, out);
        }
    }

    pub(super) fn outbound_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id).filter(|call| call.closing.is_none()) else { return };
        let Some(outbound) = call.outbound.as_ref().filter(|outbound| outbound.until <= now) else { return };
        let reason = match outbound.stage {
            Stage::Writing => {
                tracing::error!(call = %id, "the database did not take the record of a call in time; nobody is dialled");
                out.push(Output::DialAnswered { call: id, result: Err(DialRefusal::NotWritten) });
                EndReason::Failed
            }
            Stage::Calling | Stage::Dialling => EndReason::NoAnswer,
        };
        self.begin_end(now, id, reason, false, out);
    }

    /// What became of a call out while nobody could tell us, before the answer. `is_up` knows the channels that Asterisk has.
    pub(super) fn reconcile_outbound(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        is_up: impl Fn(&str) -> Option<bool>,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let customer = call.customer();
        let was_dialled = call.legs.iter().any(|leg| leg.id == customer);
        let there = is_up(&customer);
        let agent = call.talking_agent_leg().map(|leg| leg.id.clone());
        match (was_dialled, there, agent) {
            // The agent gave up, or the other side did.
            (true, _, None) | (true, None, Some(_)) => self.begin_end(now, id, EndReason::NoAnswer, true, out),
            (true, Some(answered), Some(agent)) => {
                let channels = vec![agent, customer];
                out.push(call.request(Request::AddChannels { bridge: call.bridge(), channels }));
                if answered {
                    self.callee_answered(now, id, out);
                } else if call.outbound.is_none() {
                    // An earlier life of this gateway dialled; for how long nobody knows.
                    let until = now + TimeDelta::seconds(i64::from(DIALLING_SECONDS));
                    call.outbound = Some(Outbound::at(Stage::Dialling, until));
                    if let Some(agent) = call.row.agent_id {
                        self.engage(now, id, agent, false, out);
                    }
                }
            }
            (false, _, agent) => match call.outbound.as_ref().map(|outbound| outbound.stage) {
                // It was begun by an earlier life of this gateway, and nobody was dialled.
                None => self.begin_end(now, id, EndReason::Failed, true, out),
                Some(Stage::Writing) if call.legs.is_empty() || agent.is_some() => {}
                Some(Stage::Calling) => {
                    let answered = call.open_legs().find(|leg| is_up(&leg.id) == Some(true));
                    match answered.map(|leg| leg.id.clone()) {
                        Some(channel) => {
                            self.caller_answered(now, id, &channel, out);
                        }
                        None => self.end_if_no_phone_rings(now, id, out),
                    }
                }
                Some(_) => self.begin_end(now, id, EndReason::NoAnswer, true, out),
            },
        }
    }

    /// How a call out ends that the other side never answered.
    pub(super) fn callee_gone(&mut self, now: DateTime<Utc>, id: CallId, ending: Ending, out: &mut Vec<Output>) {
        if self.takes_next_way(now, id, ending, out) {
            return;
        }
        self.begin_end(now, id, unanswered(ending), false, out);
    }

    /// The trunk would not take it: the next one is tried, under the same name, since nothing is left of the first leg. Whether there was one.
    pub(super) fn takes_next_way(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        ending: Ending,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return false };
        let agent_is_there = call.talking_agent_leg().is_some();
        let Some(outbound) = &call.outbound else { return false };
        let refused = outbound.stage == Stage::Dialling && !outbound.progressed;
        if !refused || outbound.ways.is_empty() || !agent_is_there || !is_of_the_trunk(ending) {
            return false;
        }
        tracing::warn!(call = %id, trunk = ?call.line, ?ending, "a trunk would not take a call; the next one is tried");
        call.customer_ending = Ending::default();
        dial_out(call, now, out);
        true
    }

    /// The mark that a tenant gave a caller.
    pub(super) fn mark(&self, tenant: TenantId, e164: &str) -> Option<Mark> {
        self.directory.dialing.get(&tenant)?.mark(e164)
    }

    /// What calls were made lately, as the database has it: caps count across a restart.
    pub fn remember_usage(&mut self, usage: impl IntoIterator<Item = (TenantId, Usage)>) {
        for (tenant, usage) in usage {
            self.ledgers.entry(tenant).or_default().note(usage);
        }
    }
}

fn agent_leg(now: DateTime<Utc>, channel: String, device: &DirectoryDevice) -> Leg {
    Leg {
        id: channel,
        kind: LegKind::Agent,
        agent_id: Some(device.agent),
        device_id: Some(device.id),
        started_at: now,
        answered_at: None,
        ended_at: None,
        cause: None,
        number: None,
    }
}

/// Makes the leg to the trunk; it is dialled once it is there.
fn dial_out(call: &mut Call, now: DateTime<Utc>, out: &mut Vec<Output>) {
    let Some(agent) = call.talking_agent_leg().map(|leg| leg.id.clone()) else { return };
    let customer = call.customer();
    let Some(outbound) = &mut call.outbound else { return };
    outbound.stage = Stage::Dialling;
    outbound.until = now + TimeDelta::seconds(i64::from(DIALLING_SECONDS));
    let Some(Way { endpoint, caller_id, line }) = outbound.ways.pop_front() else { return };
    call.line = line;
    if let Some(leg) = call.leg_mut(&customer) {
        (leg.ended_at, leg.cause) = (None, None);
    } else {
        call.add_leg(Leg {
            id: customer.clone(),
            kind: LegKind::Customer,
            agent_id: None,
            device_id: None,
            started_at: now,
            answered_at: None,
            ended_at: None,
            cause: None,
            number: None,
        });
    }
    out.push(call.request(Request::AddChannels { bridge: call.bridge(), channels: vec![agent.clone()] }));
    out.push(call.request(Request::CreateTrunkLeg { channel: customer, endpoint, caller_id, originator: agent }));
    call.set_state(CallState::Ringing);
    let agent = call.row.agent_id;
    call.happened("call.dialled", now, agent, json!({ "agent_id": agent, "to": call.row.to_number, "trunk_id": line }));
    out.push(call.record(None));
}

/// What a refusal of the network means: the SIP code where there is one (RFC 3261 §21), else the cause (ITU-T Q.850 §2.2.7).
pub(super) fn unanswered(ending: Ending) -> EndReason {
    let by_code = ending.sip_code.and_then(|code| match code {
        404 | 410 | 484 | 604 => Some(EndReason::InvalidNumber),
        486 | 600 => Some(EndReason::Busy),
        403 | 603 | 607 | 608 => Some(EndReason::Rejected),
        408 | 487 => Some(EndReason::NoAnswer),
        480 | 502 | 504 => Some(EndReason::Unreachable),
        400..=699 => Some(EndReason::Failed),
        _ => None,
    });
    by_code.unwrap_or(match ending.cause {
        Some(1 | 22 | 28) => EndReason::InvalidNumber,
        Some(17) => EndReason::Busy,
        Some(21) => EndReason::Rejected,
        Some(19) => EndReason::NoAnswer,
        Some(2 | 3 | 18 | 20 | 27 | 31 | 38) => EndReason::Unreachable,
        _ => EndReason::Failed,
    })
}

/// Whether a refusal of a phone's call is told as a number that does not exist.
pub(super) fn is_no_number(refusal: &DialRefusal) -> bool {
    match refusal {
        DialRefusal::Denied { rule, .. } => {
            matches!(rule, Rule::NotSetUp | Rule::InvalidNumber | Rule::ShortCode | Rule::UnknownRange)
        }
        DialRefusal::NoTrunk => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_s_answer_tells_how_a_call_ended() {
        let sip = |code| unanswered(Ending { cause: Some(16), sip_code: Some(code) });
        let cause = |cause| unanswered(Ending { cause: Some(cause), sip_code: None });
        assert_eq!((sip(486), cause(17)), (EndReason::Busy, EndReason::Busy));
        assert_eq!((sip(404), cause(1)), (EndReason::InvalidNumber, EndReason::InvalidNumber));
        assert_eq!((sip(603), cause(21)), (EndReason::Rejected, EndReason::Rejected));
        assert_eq!((sip(480), cause(20)), (EndReason::Unreachable, EndReason::Unreachable));
        assert_eq!((sip(408), cause(19)), (EndReason::NoAnswer, EndReason::NoAnswer));
        assert_eq!((sip(503), cause(34)), (EndReason::Failed, EndReason::Failed));
        assert_eq!(unanswered(Ending { cause: Some(17), sip_code: Some(200) }), EndReason::Busy);
    }
}
