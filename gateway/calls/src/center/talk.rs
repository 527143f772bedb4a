//! What an agent's phone does while the parties talk: it holds, and it moves to another leg.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, TenantId};

use super::io::{Answers, HangupWhy, Output, Request};
use super::{Center, NET_SECONDS};
use crate::CallCommandError;
use crate::model::{CallState, EndReason, Leg, LegKind};

/// How long a phone that wants its call back may take to answer.
const REATTACH_SECONDS: u32 = 10;

/// A second leg to the agent who talks, to take the place of the first.
#[derive(Debug)]
pub(super) struct Reattach {
    pub(super) channel: String,
    pub(super) until: DateTime<Utc>,
}

impl Center {
    /// The agent's phone put the other party on hold, or took it back. Asterisk itself plays the music.
    pub(super) fn hold_changed(&mut self, now: DateTime<Utc>, channel: &str, held: bool, out: &mut Vec<Output>) {
        let Some(call) = self.calls.values_mut().find(|call| call.open_legs().any(|leg| leg.id == channel)) else {
            return;
        };
        let talks = call.talking_agent_leg().is_some_and(|leg| leg.id == channel);
        // Who holds by command holds already.
        if talks
            && call.row.state == CallState::Active
            && !call.controls.is_held()
            && held != call.row.held_since.is_some()
        {
            let agent = call.row.agent_id;
            if held {
                call.row.held_since = Some(now);
                call.happened("call.held", now, agent, json!({ "agent_id": agent }));
            } else {
                call.resumed(now);
            }
            out.push(call.record(None));
        }
    }

    /// An agent's phone lost its leg without ending the call, as a browser does whose page is loaded anew: it is rung once more, and
    /// the new leg takes the place of the old one. Until then, and if nothing comes of it, all stays as it is.
    pub(super) fn reattach(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        by: AgentId,
        username: &str,
        out: &mut Vec<Output>,
    ) {
        let answer = self.try_reattach(now, (tenant, id), by, username, out);
        out.push(Output::CommandAnswered(answer));
    }

    fn try_reattach(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        by: AgentId,
        username: &str,
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let queue = self.queue_name(id);
        let call = self
            .calls
            .get_mut(&id)
            .filter(|call| call.tenant == tenant && call.row.agent_id == Some(by))
            .filter(|call| call.row.state == CallState::Active && call.closing.is_none())
            .filter(|call| !call.is_left_to_outside())
            .ok_or(CallCommandError::NotFound)?;
        let device = self
            .directory
            .devices
            .get(username)
            .filter(|device| (device.tenant, device.agent) == (tenant, by))
            .ok_or(CallCommandError::PhoneAway)?;
        let at = self.fleet.place(username, &call.row.server).ok_or(CallCommandError::PhoneAway)?;
        // Asked twice, as by a page that is loaded anew twice: the last one is rung.
        if let Some(earlier) = call.reattach.take() {
            out.push(call.request(Request::Hangup { channel: earlier.channel, why: HangupWhy::AnsweredElsewhere }));
        }
        let channel = call.next_leg_name();
        call.add_leg(Leg {
            id: channel.clone(),
            kind: LegKind::Agent,
            agent_id: Some(by),
            device_id: Some(device.id),
            started_at: now,
            answered_at: None,
            ended_at: None,
            cause: None,
            number: None,
        });
        let until = now + TimeDelta::seconds(i64::from(REATTACH_SECONDS));
        call.reattach = Some(Reattach { channel: channel.clone(), until });
        out.push(call.request(Request::Originate {
            channel,
            username: username.to_owned(),
            at,
            caller: call.row.from_number.clone(),
            timeout_s: REATTACH_SECONDS + NET_SECONDS,
            originator: Some(call.customer()),
            call: id,
            queue,
            answers: Answers::Reattached,
        }));
        out.push(call.record(None));
        Ok(())
    }

    /// The phone answered: the new leg joins the other party, then the old one goes. Whether it was such a leg.
    pub(super) fn reattached(&mut self, now: DateTime<Utc>, id: CallId, channel: &str, out: &mut Vec<Output>) -> bool {
        let Some(call) = self.calls.get_mut(&id) else { return false };
        if call.closing.is_some() || call.reattach.take_if(|reattach| reattach.channel == channel).is_none() {
            return false;
        }
        let old = call.talking_agent_leg().map(|leg| leg.id.clone());
        if let Some(leg) = call.leg_mut(channel) {
            leg.answered_at = Some(now);
        }
        let bridge = call.row.agent_id.map_or_else(|| call.bridge(), |agent| call.talks_in(agent));
        if bridge == call.bridge() {
            // What was asked of somebody else may have come to an end while nobody was there to go back.
            call.music_ends(out);
            call.let_in(vec![channel.to_owned()], out);
        } else {
            out.push(call.request(Request::AddChannels { bridge, channels: vec![channel.to_owned()] }));
        }
        if let Some(old) = old {
            // Its end is no longer the end of the call.
            call.leg_ended(&old, now, None);
            call.forget_mute(now, &old, call.row.agent_id);
            out.push(call.request(Request::Hangup { channel: old, why: HangupWhy::Normal }));
        }
        // A new leg begins without hold, whatever the old one did.
        if call.consult.is_none() {
            call.resumed(now);
        }
        let agent = call.row.agent_id;
        call.happened("call.reattached", now, agent, json!({ "agent_id": agent }));
        out.push(call.record(None));
        true
    }

    /// Nothing came of it. If the old leg has gone meanwhile, the agent has.
    pub(super) fn reattach_failed(&mut self, now: DateTime<Utc>, id: CallId, channel: &str, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.reattach.take_if(|reattach| reattach.channel == channel).is_none() {
            return;
        }
        if call.talking_agent_leg().is_none() {
            self.begin_end(now, id, EndReason::CompletedAgent, false, out);
        }
    }

    pub(super) fn reattach_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let overdue =
            self.calls.get(&id).and_then(|call| call.reattach.as_ref()).filter(|reattach| reattach.until <= now);
        let Some(channel) = overdue.map(|reattach| reattach.channel.clone()) else { return };
        if let Some(call) = self.calls.get(&id) {
            out.push(call.request(Request::Hangup { channel: channel.clone(), why: HangupWhy::NoAnswer }));
        }
        self.reattach_failed(now, id, &channel, out);
    }

    /// The name of the queue for which a phone is rung, for its display.
    pub(super) fn queue_name(&self, id: CallId) -> Option<String> {
        let queue = self.calls.get(&id)?.offering_queue()?;
        self.directory.queues.get(&queue).map(|queue| queue.name.clone())
    }
}
