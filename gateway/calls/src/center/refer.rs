//! A desk phone hands its call on by itself (REFER, RFC 3515; RFC 5589): Asterisk leaves it to us, and it is done as if the agent had asked for it.
//!
//! Blind, the phone names who is to have the call. After asking (RFC 3891) it names its own second call, by which it asked: whoever it talks to
//! there comes into the first, whose record and recording go on, and the second is over. Their channel carries the second call's name from then
//! on, so that [`Center::part`] has to be asked whose it is.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, CallId, TenantId, UserId};

use super::call::Call;
use super::commands::{TransferKind, TransferTo};
use super::consult::{Asked, Consult};
use super::io::{Output, Request};
use super::{Center, ECHO_EXTENSION};
use crate::model::{CallState, Direction, EndReason, Leg, LegKind, Server};
use crate::names::{Part, ResourceName};
use crate::{CallCommandError, Sight};

impl Center {
    /// What one of our channels is, and of which call: as its name says, unless it was taken into another call.
    pub(super) fn part(&self, server: &Server, channel: &str) -> Option<ResourceName> {
        let name: ResourceName = channel.parse().ok()?;
        let Some(call) = self.taken_in.get(server, channel) else { return Some(name) };
        let part = match name.part {
            // The other side of a call out: here one more party outside.
            Part::TrunkLeg => Part::OutsideLeg(0),
            part => part,
        };
        Some(ResourceName { call, part })
    }

    /// Legs of a call that carry another call's name; told when it is taken up again.
    pub(super) fn remember_taken_in(&mut self, server: &Server, call: CallId, legs: &[Leg]) {
        let of_another = |leg: &&Leg| leg.id.parse::<ResourceName>().is_ok_and(|name| name.call != call);
        for leg in legs.iter().filter(|leg| leg.ended_at.is_none()).filter(of_another) {
            self.taken_in.insert(server, leg.id.clone(), call);
        }
    }

    /// A phone asks to hand its call on. `second`: the phone's own channel in the call by which it asked.
    pub(super) fn phone_refers(
        &mut self,
        now: DateTime<Utc>,
        server: &Server,
        channel: &str,
        (to, second): (&str, Option<&str>),
        out: &mut Vec<Output>,
    ) {
        let Some((tenant, id, by)) = self.talks_on(server, channel) else {
            tracing::warn!(%server, channel, "a phone that talks in no call wants one handed on");
            return;
        };
        let mut then = Vec::new();
        let done = match second {
            None => self.refer_blind(now, (tenant, id), by, to, &mut then),
            Some(second) => self.refer_after_asking(now, id, by, (server, second), &mut then),
        };
        tracing::info!(call = %id, %by, to, asked = second.is_some(), ?done, "a phone hands its call on");
        // The phone is told before its leg goes.
        if let Some(call) = self.calls.get(&id) {
            out.push(call.request(Request::Referred { channel: channel.to_owned(), done: done.is_ok() }));
        }
        out.append(&mut then);
    }

    /// The running call in which an agent talks on this channel.
    fn talks_on(&self, server: &Server, channel: &str) -> Option<(TenantId, CallId, AgentId)> {
        let named = || self.part(server, channel).map(|name| name.call);
        let id = self.callers.get(server, channel).or_else(named)?;
        let call = self.calls.get(&id).filter(|call| call.closing.is_none())?;
        let talks = |leg: &&Leg| leg.id == channel && leg.kind == LegKind::Agent && leg.answered_at.is_some();
        Some((call.tenant, id, call.open_legs().find(talks)?.agent_id?))
    }

    fn refer_blind(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, CallId),
        by: AgentId,
        to: &str,
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let to = if self.is_emergency(tenant, to) {
            TransferTo::Number(to.to_owned())
        } else if to == ECHO_EXTENSION {
            return Err(CallCommandError::NoSuchTarget);
        } else if let Some(colleague) = self.directory.agent_of_extension(tenant, to) {
            TransferTo::Agent(colleague)
        } else if let Some(queue) = self.directory.queue_of_extension(tenant, to) {
            TransferTo::Queue(queue.id)
        } else {
            TransferTo::Number(to.to_owned())
        };
        let sight = Sight { all: false, user: UserId(by.uuid()), led: Vec::new() };
        self.try_transfer(now, (tenant, id), &sight, TransferKind::Blind, to, out)
    }

    fn refer_after_asking(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        by: AgentId,
        (server, second): (&Server, &str),
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let named = || self.part(server, second).map(|name| name.call);
        let other = self.customers.get(server, second).or_else(|| self.callers.get(server, second)).or_else(named);
        let other = other.filter(|other| *other != id).ok_or(CallCommandError::NoSuchTarget)?;
        let (first, asked_by) = (self.calls.get(&id), self.calls.get(&other).ok_or(CallCommandError::NoSuchTarget)?);
        let first = first.ok_or(CallCommandError::NotFound)?;
        let is_free = first.consult.is_none() && first.direct.is_none() && first.outside.is_none();
        if first.row.state != CallState::Active || !is_free || first.reattach.is_some() {
            return Err(CallCommandError::NotNow);
        }
        let leg = asked_by.answered_by_other_side(by, second).ok_or(CallCommandError::NotNow)?;
        let same = asked_by.tenant == first.tenant && asked_by.row.server == first.row.server;
        // A call to the outside has one party outside at a time.
        if !same || (leg.kind == LegKind::Outside && first.outside_leg().is_some()) {
            return Err(CallCommandError::NotNow);
        }
        let bridge = asked_by.row.bridge_id.clone();
        let asked = leg.agent_id.filter(|_| leg.kind == LegKind::Agent).map_or(Asked::Outside, Asked::Agent);
        // The second call lets them go, and the first has them.
        if let Some(call) = self.calls.get_mut(&other) {
            call.leg_ended(&leg.id, now, None);
        }
        self.customers.remove(server, &leg.id);
        self.taken_in.insert(server, leg.id.clone(), id);
        if let Some(call) = self.calls.get_mut(&id) {
            call.resumed(now);
            call.add_leg(leg);
            call.consult = Some(Consult { by, to: asked, bridge, answered: true, with_customer: false });
        }
        self.complete_transfer(now, id, out);
        self.begin_end(now, other, EndReason::Transferred, false, out);
        Ok(())
    }
}

impl Call {
    /// The leg of whom an agent asks in a call of their own, as the call to which they come has it: a colleague's, or a party's outside.
    fn answered_by_other_side(&self, by: AgentId, channel: &str) -> Option<Leg> {
        let is_theirs = |leg: &Leg| leg.id == channel && leg.agent_id == Some(by) && leg.answered_at.is_some();
        let asks = self.row.state == CallState::Active
            && self.closing.is_none()
            && self.consult.is_none()
            && (self.row.direction == Direction::Outbound || self.is_between_colleagues())
            && self.open_legs().any(is_theirs)
            && self.open_legs().count() == 2;
        let other = self.open_legs().find(|leg| leg.id != channel).filter(|leg| asks && leg.answered_at.is_some())?;
        let mut leg = other.clone();
        if leg.kind == LegKind::Customer && leg.agent_id.is_none() {
            leg.kind = LegKind::Outside;
            leg.number = Some(self.row.to_number.clone());
        }
        (leg.kind != LegKind::Customer).then_some(leg)
    }
}
