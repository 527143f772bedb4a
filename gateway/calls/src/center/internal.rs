//! Colleagues call each other by their extensions: no queue, no rules for calls out, no minutes, no recording.
//!
//! Whoever calls has the customer's place in such a call, whoever is called the agent's: hold, transfer and the rest work for the latter as in
//! any call. A desk phone that dials hears it ring before anything is answered; by a click the caller's own phone rings first.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, TenantId};

use super::call::Call;
use super::direct::Purpose;
use super::io::{ChannelView, DialWish, HangupWhy, Output, Request};
use super::outbound::{Outbound, WRITING_SECONDS};
use super::{Center, refuse};
use crate::model::{CallRow, CallState, Direction, EndReason, LegKind, Server};
use crate::names::{Part, ResourceName};
use crate::{CallCommandError, DialRefusal, DirectoryDevice};

/// How long a colleague's phones ring.
const RINGING_SECONDS: u32 = 30;

impl Call {
    /// A call between two colleagues, as long as no queue has it.
    pub(super) fn is_between_colleagues(&self) -> bool {
        self.row.direction == Direction::Internal && self.row.queue_id.is_none()
    }

    /// One of them calls by a click, and their own phone has not been picked up yet.
    pub(super) fn waits_for_its_caller(&self) -> bool {
        self.is_between_colleagues() && self.outbound.is_some()
    }
}

/// How a call to a colleague ends who did not come.
fn ended_by(why: &str) -> EndReason {
    match why {
        "no_answer" => EndReason::NoAnswer,
        "refused" => EndReason::Rejected,
        "busy" => EndReason::Busy,
        _ => EndReason::Unreachable,
    }
}

impl Center {
    /// Whether a colleague can be rung, and if not, how a call to them ends.
    fn may_ring_colleague(
        &self,
        tenant: TenantId,
        server: &Server,
        (caller, callee): (AgentId, AgentId),
    ) -> Result<(), EndReason> {
        match self.can_ring(tenant, server, callee) {
            // Oneself is on this very call.
            Err(CallCommandError::TargetBusy) => Err(EndReason::Busy),
            Ok(()) if caller == callee => Err(EndReason::Busy),
            Ok(()) => Ok(()),
            Err(_) => Err(EndReason::Unreachable),
        }
    }

    fn call_between(
        &self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        (caller, callee): (AgentId, AgentId),
        (server, channel): (Server, String),
    ) -> Call {
        let extension = |agent| self.directory.agents.get(&(tenant, agent)).and_then(|agent| agent.extension.clone());
        let row = CallRow {
            from_number: extension(caller).unwrap_or_default(),
            to_number: extension(callee).unwrap_or_default(),
            agent_id: Some(callee),
            ..CallRow::begun((id, Direction::Internal), (server, channel), now)
        };
        let mut call = Call::new(tenant, row);
        call.calling_agent = Some(caller);
        call.ring_seconds = RINGING_SECONDS;
        let details = json!({
            "direction": Direction::Internal,
            "from": call.row.from_number,
            "to": call.row.to_number,
            "queue_id": null,
            "agent_id": callee,
        });
        call.happened("call.started", now, Some(caller), details);
        call
    }

    /// A phone of the house dialled a colleague's extension.
    pub(super) fn phone_calls_colleague(
        &mut self,
        now: DateTime<Utc>,
        channel: &ChannelView,
        device: &DirectoryDevice,
        callee: AgentId,
        out: &mut Vec<Output>,
    ) {
        let (tenant, caller, id) = (device.tenant, device.agent, CallId::new());
        let mut call =
            self.call_between(now, (tenant, id), (caller, callee), (channel.server.clone(), channel.id.clone()));
        if let Some(leg) = call.leg_mut(&channel.id) {
            (leg.agent_id, leg.device_id) = (Some(caller), Some(device.id));
        }
        if let Err(reason) = self.may_ring_colleague(tenant, &channel.server, (caller, callee)) {
            let (cause, why) = if reason == EndReason::Busy {
                (super::CAUSE_BUSY, HangupWhy::Busy)
            } else {
                (super::CAUSE_ABSENT, HangupWhy::NoAnswer)
            };
            call.leg_ended(&channel.id, now, Some(cause));
            call.set_state(CallState::Ended);
            (call.row.ended_at, call.row.end_reason, call.row.cause) = (Some(now), Some(reason), Some(cause));
            call.happened("call.ended", now, None, json!({ "end_reason": reason, "agent_id": callee }));
            out.push(call.record(None));
            refuse(channel, why, out);
            return;
        }
        out.push(call.request(Request::CreateBridge { bridge: call.bridge() }));
        out.push(call.record(None));
        self.customers.insert(&channel.server, channel.id.clone(), id);
        self.calls.insert(id, call);
        self.engage(now, id, caller, false, out);
        self.ring_colleague(now, id, out);
    }

    /// The colleague whom somebody wants to call, if it is one.
    pub(super) fn colleague(&self, wish: &DialWish) -> Option<AgentId> {
        let by_extension = || {
            let to = wish.to.trim();
            self.directory.agent_of_extension(wish.tenant, to).filter(|_| !self.is_emergency(wish.tenant, to))
        };
        wish.colleague.or_else(by_extension)
    }

    /// An agent clicked a colleague.
    pub(super) fn dial_colleague(
        &mut self,
        now: DateTime<Utc>,
        wish: &DialWish,
        callee: AgentId,
        out: &mut Vec<Output>,
    ) -> Result<(), DialRefusal> {
        let directory = Arc::clone(&self.directory);
        let &DialWish { call: id, tenant, agent, .. } = wish;
        if !directory.agents.contains_key(&(tenant, agent)) {
            return Err(DialRefusal::NoAgent);
        }
        if !directory.agents.contains_key(&(tenant, callee)) {
            return Err(DialRefusal::NoColleague);
        }
        let (phones, server) = self.phones_to_call_from(wish)?;
        match self.may_ring_colleague(tenant, &server, (agent, callee)) {
            Ok(()) => {}
            Err(EndReason::Busy) => return Err(DialRefusal::ColleagueBusy),
            Err(_) => return Err(DialRefusal::ColleagueAway),
        }
        // Which phone it will be is told when one is picked up.
        let channel = ResourceName::new(id, Part::AgentLeg(0)).to_string();
        let mut call = self.call_between(now, (tenant, id), (agent, callee), (server, channel));
        call.forget_legs();
        out.push(call.request(Request::CreateBridge { bridge: call.bridge() }));
        let until = now + TimeDelta::seconds(WRITING_SECONDS);
        call.outbound = Some(Outbound::to_a_colleague(until, phones, wish.auto_answer));
        out.push(call.record_first());
        self.calls.insert(id, call);
        self.engage(now, id, agent, false, out);
        Ok(())
    }

    /// The caller's phone was picked up: now the colleague's ring.
    pub(super) fn caller_is_there(&mut self, now: DateTime<Utc>, id: CallId, channel: &str, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.outbound = None;
        channel.clone_into(&mut call.row.customer_channel);
        if let Some(leg) = call.leg_mut(channel) {
            leg.kind = LegKind::Customer;
        }
        self.customers.insert(&call.row.server, channel.to_owned(), id);
        self.ring_colleague(now, id, out);
    }

    fn ring_colleague(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id) else { return };
        let (tenant, Some(caller), Some(callee)) = (call.tenant, call.calling_agent, call.row.agent_id) else { return };
        match self.may_ring_colleague(tenant, &call.row.server, (caller, callee)) {
            Ok(()) => {
                out.push(call.request(Request::Ring { channel: call.customer() }));
                self.ring_directly(now, id, callee, Purpose::Call, out);
            }
            Err(reason) => self.begin_end(now, id, reason, false, out),
        }
    }

    /// The colleague picked up.
    pub(super) fn colleague_answered(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        callee: AgentId,
        channel: &str,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let caller = call.customer();
        out.push(call.request(Request::StopRing { channel: caller.clone() }));
        if let Some(leg) = call.leg_mut(&caller)
            && leg.answered_at.is_none()
        {
            leg.answered_at = Some(now);
            out.push(call.request(Request::Answer { channel: caller.clone() }));
        }
        call.row.answered_at = Some(now);
        call.set_state(CallState::Active);
        call.let_in(vec![caller, channel.to_owned()], out);
        let details = json!({ "agent_id": callee, "queue_id": null });
        call.happened("call.answered", now, Some(callee), details);
        out.push(call.record(None));
    }

    /// The colleague did not come.
    pub(super) fn colleague_failed(&mut self, now: DateTime<Utc>, id: CallId, why: &str, out: &mut Vec<Output>) {
        self.begin_end(now, id, ended_by(why), false, out);
    }

    /// What became of a call by a click while nobody could tell us, before the caller's own phone was picked up.
    pub(super) fn reconcile_caller(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        is_up: impl Fn(&str) -> Option<bool>,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get(&id) else { return };
        let answered = call.open_legs().find(|leg| is_up(&leg.id) == Some(true)).map(|leg| leg.id.clone());
        match answered {
            Some(channel) => {
                self.caller_answered(now, id, &channel, out);
            }
            None => self.end_if_no_phone_rings(now, id, out),
        }
    }
}
