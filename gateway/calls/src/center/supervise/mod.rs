//! Supervisors: who hears a call, whispers to its agent, joins it, or takes it over.
//!
//! A supervisor's leg is none of the call's: it never counts as somebody who talks. It stands in a bridge of its own (the booth) together
//! with a snoop channel on the agent's leg (the ear); only who barges is in the bridge of the call. Where the leg and the ear belong
//! follows from who talks now and from the mode; after each step [`settle`] brings Asterisk in line with it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, TenantId};

use super::call::{Call, Ringing};
use super::commands::{OnPhone, SuperviseMode};
use super::io::{Answers, HangupWhy, Output, Request};
use super::{Center, NET_SECONDS, controls};
use crate::model::{CallState, Leg, LegKind, Server, Subject};
use crate::names::{Part, ResourceName};
use crate::{CallCommandError, DirectoryDevice, Sight};

mod take_over;

/// How long a supervisor's phone rings.
const RINGING_SECONDS: u32 = 25;
/// How long an ear may take to come about. Measured: milliseconds.
const EAR_TIME: TimeDelta = TimeDelta::seconds(5);
/// How often in a row an ear may fail.
const MOST_FAILURES: u32 = 5;
/// Most supervisors of one call.
const MOST_SUPERVISORS: usize = 8;
/// What an agent hears when somebody begins to listen.
const TONE: &[&str] = &["beep"];

/// Somebody who listens, or is rung for it.
#[derive(Debug)]
pub(super) struct Supervision {
    pub(super) by: AgentId,
    pub(super) mode: SuperviseMode,
    /// The phones that ring.
    ringing: Ringing,
    until: DateTime<Utc>,
    /// They take the call over as soon as they are there.
    takes_over: bool,
    there: Option<There>,
}

/// Somebody who picked up.
#[derive(Debug)]
struct There {
    leg: Leg,
    booth: String,
    /// The bridge in which the leg is.
    room: Option<String>,
    ear: Option<Ear>,
    /// How often in a row the ear failed.
    failures: u32,
    bell: Option<Bell>,
    /// Whom the journal says they listen to, and how.
    told: Option<(AgentId, SuperviseMode)>,
}

/// A snoop channel on the leg of who talks.
#[derive(Debug)]
struct Ear {
    channel: String,
    on: String,
    /// What is said into it is heard there.
    speaks: bool,
    entered: bool,
    until: DateTime<Utc>,
}

/// A snoop channel that plays a tone to an agent.
#[derive(Debug)]
struct Bell {
    channel: String,
    playback: Option<String>,
}

impl Supervision {
    pub(super) fn deadline(&self) -> Option<DateTime<Utc>> {
        match &self.there {
            None => Some(self.until),
            Some(there) => there.ear.as_ref().filter(|ear| !ear.entered).map(|ear| ear.until),
        }
    }

    /// The clock was set: what is waited for is no nearer and no farther.
    pub(super) fn clock_set(&mut self, by: TimeDelta) {
        self.until += by;
        if let Some(ear) = self.there.as_mut().and_then(|there| there.ear.as_mut()) {
            ear.until += by;
        }
    }

    /// Whether a channel or bridge is one of theirs.
    pub(super) fn owns(&self, id: &str) -> bool {
        self.ringing.contains_key(id)
            || self.there.as_ref().is_some_and(|there| {
                there.leg.id == id
                    || there.booth == id
                    || there.ear.as_ref().is_some_and(|ear| ear.channel == id)
                    || there.bell.as_ref().is_some_and(|bell| bell.channel == id)
            })
    }
}

impl Call {
    fn supervision(&mut self, of: impl Fn(&Supervision) -> bool) -> Option<&mut Supervision> {
        self.supervisors.iter_mut().find(|one| of(one))
    }

    /// Who rings or listens on a leg.
    fn supervisor_on(&self, channel: &str) -> Option<AgentId> {
        let on = |one: &&Supervision| {
            one.ringing.contains_key(channel) || one.there.as_ref().is_some_and(|there| there.leg.id == channel)
        };
        self.supervisors.iter().find(on).map(|one| one.by)
    }

    fn supervision_name(&mut self, part: fn(u32) -> Part) -> String {
        let number = self.next_leg_number();
        ResourceName::new(self.id(), part(number)).to_string()
    }

    /// Notes something of a supervision, for who listens and whom it concerns.
    fn note_supervision(
        &mut self,
        kind: &str,
        now: DateTime<Utc>,
        by: AgentId,
        concerned: Option<AgentId>,
        data: serde_json::Value,
    ) {
        let agents: Vec<AgentId> = [by].into_iter().chain(concerned.filter(|agent| *agent != by)).collect();
        let subject = Subject::Call(self.id());
        self.note_for(kind, now, subject, Some(by), (agents, None), data);
    }
}

/// Where the leg and the ear of a supervisor belong.
struct Place {
    room: String,
    /// The leg that is listened to, and whether what the supervisor says is heard there.
    ear: Option<(String, bool)>,
}

fn place(call: &Call, mode: SuperviseMode, booth: &str) -> Place {
    let talks = call.talking_agent_leg().filter(|_| call.row.state == CallState::Active);
    let on = talks.map(|leg| leg.id.clone());
    // Who holds is in no bridge: whoever barges is with the agent alone until then.
    let room = talks.and_then(|leg| leg.agent_id).filter(|agent| !call.controls.holds(*agent));
    match room {
        Some(agent) if mode == SuperviseMode::Barge => Place { room: call.talks_in(agent), ear: None },
        _ => Place { room: booth.to_owned(), ear: on.map(|leg| (leg, mode != SuperviseMode::Listen)) },
    }
}

/// Brings every supervisor to where they belong, and says so. `announced`: the agent is told too.
pub(super) fn settle(call: &mut Call, announced: bool, now: DateTime<Utc>, out: &mut Vec<Output>) {
    if call.closing.is_some() {
        return;
    }
    let everybody: Vec<AgentId> = call.supervisors.iter().filter(|one| one.there.is_some()).map(|one| one.by).collect();
    for by in everybody {
        settle_one(call, by, announced, now, out);
    }
}

fn settle_one(call: &mut Call, by: AgentId, announced: bool, now: DateTime<Utc>, out: &mut Vec<Output>) {
    let (id, server) = (call.id(), call.row.server.clone());
    let request = |request: Request| Output::Request { server: server.clone(), call: Some(id), request };
    let talks = call.talking_agent_leg().filter(|_| call.row.state == CallState::Active);
    let supervised = talks.and_then(|leg| Some((leg.agent_id?, leg.id.clone())));
    let Some(one) = call.supervisors.iter().find(|one| one.by == by) else { return };
    let (mode, Some(there)) = (one.mode, &one.there) else { return };
    let place = place(call, mode, &there.booth);
    // An ear that is not as it should be goes first: nobody is heard a moment longer than they should be.
    let kept = match (&there.ear, &place.ear) {
        (Some(ear), Some((on, speaks))) => ear.on == *on && ear.speaks == *speaks,
        (None, None) => true,
        _ => false,
    };
    let moves = there.room.as_ref() != Some(&place.room);
    let new_ear = place.ear.filter(|_| !kept).map(|ear| (call.supervision_name(Part::Ear), ear));
    let Some(there) = call.supervision(|one| one.by == by).and_then(|one| one.there.as_mut()) else { return };
    if !kept && let Some(ear) = there.ear.take() {
        out.push(request(Request::Hangup { channel: ear.channel, why: HangupWhy::Normal }));
    }
    if moves {
        let channels = vec![there.leg.id.clone()];
        out.push(request(Request::AddChannels { bridge: place.room.clone(), channels }));
        there.room = Some(place.room);
    }
    if let Some((channel, (on, speaks))) = new_ear {
        let (listened, snoop) = (on.clone(), channel.clone());
        out.push(request(Request::Spy { channel: listened, snoop, hears: true, speaks }));
        there.ear = Some(Ear { channel, on, speaks, entered: false, until: now + EAR_TIME });
    }
    let Some((agent, leg)) = supervised.filter(|(agent, _)| there.told != Some((*agent, mode))) else { return };
    let is_new = there.told.is_none_or(|(told, _)| told != agent);
    there.told = Some((agent, mode));
    if announced && is_new {
        if let Some(bell) = there.bell.take() {
            out.push(request(Request::Hangup { channel: bell.channel, why: HangupWhy::Normal }));
        }
        let channel = call.supervision_name(Part::Bell);
        let snoop = channel.clone();
        out.push(request(Request::Spy { channel: leg, snoop, hears: false, speaks: true }));
        if let Some(there) = call.supervision(|one| one.by == by).and_then(|one| one.there.as_mut()) {
            there.bell = Some(Bell { channel, playback: None });
        }
    }
    let data = json!({ "agent_id": by, "mode": mode, "supervised_agent_id": agent });
    call.note_supervision("call.supervised", now, by, Some(agent).filter(|_| announced), data);
    out.push(call.record(None));
}

/// Takes everything of a supervisor down; their leg too, unless it goes on as the agent's.
fn take_down(call: &mut Call, by: AgentId, out: &mut Vec<Output>) -> Option<Supervision> {
    let at = call.supervisors.iter().position(|one| one.by == by)?;
    let one = call.supervisors.remove(at);
    for channel in one.ringing.keys() {
        out.push(call.request(Request::Hangup { channel: channel.clone(), why: HangupWhy::NoAnswer }));
    }
    if let Some(there) = &one.there {
        let spies = there.ear.iter().map(|ear| &ear.channel).chain(there.bell.iter().map(|bell| &bell.channel));
        for channel in spies {
            out.push(call.request(Request::Hangup { channel: channel.clone(), why: HangupWhy::Normal }));
        }
    }
    Some(one)
}

/// A supervisor listens no more.
fn end(call: &mut Call, by: AgentId, why: &str, announced: bool, now: DateTime<Utc>, out: &mut Vec<Output>) {
    let Some(one) = take_down(call, by, out) else { return };
    let told = one.there.as_ref().and_then(|there| there.told).map(|(agent, _)| agent);
    if let Some(there) = one.there {
        out.push(call.request(Request::Hangup { channel: there.leg.id, why: HangupWhy::Normal }));
        out.push(call.request(Request::DestroyBridge { bridge: there.booth }));
    }
    let data = json!({ "agent_id": by, "why": why });
    call.note_supervision("call.supervision_ended", now, by, told.filter(|_| announced), data);
}

/// There is nothing to hear any more: every supervision is over.
pub(super) fn end_all(call: &mut Call, why: &str, announced: bool, now: DateTime<Utc>, out: &mut Vec<Output>) {
    while let Some(by) = call.supervisors.first().map(|one| one.by) {
        end(call, by, why, announced, now, out);
    }
}

/// An ear or a bell is there.
pub(super) fn entered(call: &mut Call, channel: &str, out: &mut Vec<Output>) {
    let (id, server) = (call.id(), call.row.server.clone());
    let request = |request: Request| Output::Request { server: server.clone(), call: Some(id), request };
    let playback = call.next_playback_name();
    for there in call.supervisors.iter_mut().filter_map(|one| one.there.as_mut()) {
        if let Some(ear) = there.ear.as_mut().filter(|ear| ear.channel == channel) {
            ear.entered = true;
            there.failures = 0;
            let channels = vec![ear.channel.clone()];
            out.push(request(Request::AddChannels { bridge: there.booth.clone(), channels }));
        } else if let Some(bell) = there.bell.as_mut().filter(|bell| bell.channel == channel) {
            bell.playback = Some(playback.clone());
            let channel = bell.channel.clone();
            out.push(request(Request::Play {
                channel,
                playback: playback.clone(),
                sounds: crate::flow::walk::Media::builtin(TONE),
            }));
        }
    }
}

/// A bell has rung, or could not.
fn rung(call: &mut Call, is: impl Fn(&Bell) -> bool, out: &mut Vec<Output>) -> bool {
    let mut there = call.supervisors.iter_mut().filter_map(|one| one.there.as_mut());
    let Some(bell) = there.find_map(|there| there.bell.take_if(|bell| is(bell))) else { return false };
    out.push(call.request(Request::Hangup { channel: bell.channel, why: HangupWhy::Normal }));
    true
}

/// What was played is over. Whether it was a bell's tone.
pub(super) fn played(call: &mut Call, playback: &str, out: &mut Vec<Output>) -> bool {
    rung(call, |bell| bell.playback.as_deref() == Some(playback), out)
}

impl Center {
    /// Whether agents of a tenant are told who listens.
    fn announces(&self, tenant: TenantId) -> bool {
        !self.directory.unannounced.contains(&tenant)
    }

    /// Somebody wants to hear a call, or to hear it in another way.
    pub(super) fn try_supervise(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        sight: &Sight,
        (mode, phone, takes_over): (SuperviseMode, &OnPhone, bool),
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let by = AgentId::from(sight.user);
        let call = self.seen((tenant, id), sight)?;
        let (talkers, state) = (call.talkers(), call.row.state);
        if let Some(call) = self.calls.get_mut(&id)
            && let Some(one) = call.supervision(|one| one.by == by)
        {
            (one.mode, one.takes_over) = (mode, one.takes_over || takes_over);
            return Ok(());
        }
        let call = self.seen((tenant, id), sight)?;
        if state != CallState::Active || talkers.is_empty() || talkers.contains(&by) {
            return Err(CallCommandError::NotNow);
        }
        if call.supervisors.len() >= MOST_SUPERVISORS {
            return Err(CallCommandError::NotNow);
        }
        if self.is_busy(tenant, by) {
            return Err(CallCommandError::TargetBusy);
        }
        let (phones, answers) = self.supervisors_phones(tenant, &call.row.server, by, phone);
        if phones.is_empty() {
            return Err(CallCommandError::PhoneAway);
        }
        let queue = self.queue_name(id);
        let call = self.calls.get_mut(&id).ok_or(CallCommandError::NotFound)?;
        let mut ringing = Ringing::new();
        for (device, at) in phones {
            let channel = call.supervision_name(Part::SupervisorLeg);
            ringing.insert(channel.clone(), device.id);
            out.push(call.request(Request::Originate {
                channel,
                username: device.username,
                at,
                caller: call.row.from_number.clone(),
                timeout_s: RINGING_SECONDS + NET_SECONDS,
                originator: None,
                call: id,
                queue: queue.clone(),
                answers,
            }));
        }
        let until = now + TimeDelta::seconds(i64::from(RINGING_SECONDS));
        call.supervisors.push(Supervision { by, mode, ringing, until, takes_over, there: None });
        Ok(())
    }

    /// The phones that are rung for a supervisor, and whether they answer by themselves.
    fn supervisors_phones(
        &self,
        tenant: TenantId,
        of: &Server,
        by: AgentId,
        on: &OnPhone,
    ) -> (Vec<(DirectoryDevice, Server)>, Answers) {
        let known = self.directory.devices_of(tenant, by).into_iter();
        let online: Vec<(DirectoryDevice, Server)> =
            known.filter_map(|device| Some((device.clone(), self.fleet.place(&device.username, of)?))).collect();
        let named = match on {
            OnPhone::Any => None,
            OnPhone::This(username) | OnPhone::Rather(username) => {
                online.iter().find(|(device, _)| device.username == *username)
            }
        };
        match (on, named) {
            (_, Some(found)) => (vec![found.clone()], Answers::ToDial),
            (OnPhone::This(_), None) => (Vec::new(), Answers::ByHand),
            _ => (online, Answers::ByHand),
        }
    }

    /// Whether an agent has a call in hand, or listens to one.
    pub(super) fn is_busy(&self, tenant: TenantId, agent: AgentId) -> bool {
        // Who talks may not be known to the router yet, after a restart.
        let busy = |call: &Call| {
            call.engaged.contains(&agent)
                || call.talkers().contains(&agent)
                || call.supervisors.iter().any(|one| one.by == agent)
        };
        self.calls.values().filter(|call| call.tenant == tenant).any(busy)
    }

    pub(super) fn try_end_supervision(
        &mut self,
        now: DateTime<Utc>,
        of: (TenantId, CallId),
        sight: &Sight,
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let by = AgentId::from(sight.user);
        let call = self.seen(of, sight)?;
        if !call.supervisors.iter().any(|one| one.by == by) {
            return Err(CallCommandError::NotNow);
        }
        self.end_supervision(now, of.1, by, "ended", out);
        Ok(())
    }

    fn end_supervision(&mut self, now: DateTime<Utc>, id: CallId, by: AgentId, why: &str, out: &mut Vec<Output>) {
        let Some(tenant) = self.calls.get(&id).map(|call| call.tenant) else { return };
        let announced = self.announces(tenant);
        let Some(call) = self.calls.get_mut(&id) else { return };
        end(call, by, why, announced, now, out);
        out.push(call.record(None));
    }

    /// A supervisor's phone was picked up. Whether it was one.
    pub(super) fn supervisor_answered(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &str,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return false };
        let rings = |one: &Supervision| one.ringing.contains_key(channel);
        if !call.supervisors.iter().any(rings) {
            return false;
        }
        let booth = call.supervision_name(Part::Booth);
        out.push(call.request(Request::CreateBridge { bridge: booth.clone() }));
        let Some(one) = call.supervision(rings) else { return false };
        let by = one.by;
        let ringing = std::mem::take(&mut one.ringing);
        one.there = Some(There {
            leg: Leg {
                id: channel.to_owned(),
                kind: LegKind::Agent,
                agent_id: Some(by),
                device_id: ringing.get(channel).copied(),
                started_at: now,
                answered_at: Some(now),
                ended_at: None,
                cause: None,
                number: None,
            },
            booth,
            room: None,
            ear: None,
            failures: 0,
            bell: None,
            told: None,
        });
        let takes_over = std::mem::take(&mut one.takes_over);
        for other in ringing.into_keys().filter(|other| other != channel) {
            out.push(call.request(Request::Hangup { channel: other, why: HangupWhy::AnsweredElsewhere }));
        }
        // If it is too late for that, they listen.
        if takes_over && take_over::is_possible(call) {
            self.take_over(now, id, by, out);
        }
        true
    }

    /// A supervisor's leg entered our application: it was picked up, or it is one that nobody waits for any more.
    pub(super) fn supervisor_entered(&mut self, now: DateTime<Utc>, id: CallId, channel: &str, out: &mut Vec<Output>) {
        let known =
            |call: &Call| call.open_legs().any(|leg| leg.id == channel) || call.supervisor_on(channel).is_some();
        if self.supervisor_answered(now, id, channel, out) {
            return;
        }
        if let Some(call) = self.calls.get(&id).filter(|call| !known(call)) {
            let late = Request::Hangup { channel: channel.to_owned(), why: HangupWhy::AnsweredElsewhere };
            out.push(call.request(late));
        }
    }

    /// A supervisor's leg is gone, or could not be made. Whether it was one.
    pub(super) fn supervisor_leg_gone(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channel: &str,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let Some(by) = call.supervisor_on(channel) else { return false };
        let Some(one) = call.supervision(|one| one.by == by) else { return false };
        one.ringing.remove(channel);
        let why = match &one.there {
            Some(there) if there.leg.id == channel => "hung_up",
            None if one.ringing.is_empty() => "no_answer",
            _ => return true,
        };
        self.end_supervision(now, id, by, why, out);
        true
    }

    /// An ear, a bell or a booth is gone or could not be made, while the call goes on.
    pub(super) fn supervision_broken(&mut self, now: DateTime<Utc>, id: CallId, what: &str, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        if rung(call, |bell| bell.channel == what, out) {
            return;
        }
        let theirs = |there: &There| there.booth == what || there.ear.as_ref().is_some_and(|ear| ear.channel == what);
        let Some(one) = call.supervision(|one| one.there.as_ref().is_some_and(theirs)) else { return };
        let by = one.by;
        let Some(there) = &mut one.there else { return };
        there.failures += 1;
        let is_hopeless = there.booth == what || there.failures >= MOST_FAILURES;
        let ear = there.ear.take();
        out.extend(ear.map(|ear| call.request(Request::Hangup { channel: ear.channel, why: HangupWhy::Normal })));
        if is_hopeless {
            tracing::warn!(call = %id, %by, "a supervisor cannot be let in");
            self.end_supervision(now, id, by, "failed", out);
        }
    }

    /// A supervisor could not be put where they belong. Whether these were one's.
    pub(super) fn supervisor_not_joined(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        channels: &[String],
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(call) = self.calls.get(&id) else { return false };
        let Some(by) = channels.iter().find_map(|channel| call.supervisor_on(channel)) else { return false };
        self.end_supervision(now, id, by, "failed", out);
        true
    }

    pub(super) fn supervision_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let due: Vec<(AgentId, Option<String>)> = self
            .calls
            .get(&id)
            .into_iter()
            .flat_map(|call| &call.supervisors)
            .filter(|one| one.deadline().is_some_and(|until| until <= now))
            .map(|one| (one.by, one.there.as_ref().and_then(|there| there.ear.as_ref()).map(|ear| ear.channel.clone())))
            .collect();
        for (by, ear) in due {
            match ear {
                Some(ear) => self.supervision_broken(now, id, &ear, out),
                None => self.end_supervision(now, id, by, "no_answer", out),
            }
        }
    }

    /// After each step: everybody where they belong.
    pub(super) fn settle(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        controls::settle(call, now, out);
        if !call.supervisors.is_empty() {
            let announced = !self.directory.unannounced.contains(&call.tenant);
            settle(call, announced, now, out);
        }
    }

    /// What became of supervisors while nobody could tell us: what is not as it should be is made anew.
    pub(super) fn reconcile_supervision(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        is_up: impl Fn(&str) -> Option<bool>,
        joined: impl Fn(&str, &[&str]) -> bool,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get(&id).filter(|call| call.closing.is_none()) else { return };
        let legs: Vec<String> = call
            .supervisors
            .iter()
            .flat_map(|one| one.ringing.keys().chain(one.there.as_ref().map(|there| &there.leg.id)))
            .cloned()
            .collect();
        for leg in legs {
            match is_up(&leg) {
                None => {
                    self.supervisor_leg_gone(now, id, &leg, out);
                }
                Some(true) => {
                    self.supervisor_answered(now, id, &leg, out);
                }
                Some(false) => {}
            }
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        let mut requests = Vec::new();
        for there in call.supervisors.iter_mut().filter_map(|one| one.there.as_mut()) {
            requests.push(Request::CreateBridge { bridge: there.booth.clone() });
            if there.room.as_ref().is_some_and(|room| !joined(room, &[&there.leg.id])) {
                there.room = None;
            }
            let heard = there.ear.as_ref().is_some_and(|ear| joined(&there.booth, &[&there.leg.id, &ear.channel]));
            let spies = there.ear.take_if(|_| !heard).map(|ear| ear.channel);
            for channel in spies.into_iter().chain(there.bell.take().map(|bell| bell.channel)) {
                requests.push(Request::Hangup { channel, why: HangupWhy::Normal });
            }
        }
        out.extend(requests.into_iter().map(|request| call.request(request)));
    }
}
