//! Who asked to be called back keeps their place in line, and is dialled once: when an agent has taken their call.
//!
//! Such a call is one of its own: outbound, in its queue since the customer was, with nothing of it in Asterisk but an empty bridge until an agent picks
//! up. Nobody hears it wait, so no limit of the queue ends it, and while the queue is closed it is offered to nobody. It survives the gateway and Asterisk
//! as its row does. It is dropped as soon as somebody of the house talks with the customer, dials them, or takes or closes their row of the worklist.
//! One that is not picked up is not tried again by itself: the worklist has the customer, for people.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId, TenantId};
use trunkline_dialing::{Decision, Rule};

use super::call::Call;
use super::io::{Ending, HangupWhy, Output, Request};
use super::outside::Allowed;
use super::reconcile::Present;
use super::{Center, queued};
use crate::model::{CallRow, CallState, Direction, EndReason, LegKind};
use crate::names::{Part, ResourceName};

/// A number that has fewer digits is none.
const FEWEST_DIGITS: usize = 3;

/// Whether a rule may not be in the way any more when the customer's turn has come.
const fn passes(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::Hours
            | Rule::Concurrent
            | Rule::PerHour
            | Rule::PerDay
            | Rule::ConcurrentAgent
            | Rule::PerHourAgent
            | Rule::PerDayAgent
            | Rule::InternationalMinutes
    )
}

impl Call {
    /// Nobody was dialled for it, and no agent has it.
    pub(super) fn is_waiting_callback(&self) -> bool {
        self.is_unanswered_outbound()
            && self.row.queued_at.is_some()
            && self.outbound.is_none()
            && self.closing.is_none()
            && self.row.state != CallState::Ended
            && self.talking_agent_leg().is_none()
            && !self.legs.iter().any(|leg| leg.id == self.row.customer_channel)
    }

    /// Whether its caller shows a number that can be called.
    pub(super) fn can_be_called_back(&self) -> bool {
        self.row.direction == Direction::Inbound
            && self.row.from_number.bytes().filter(u8::is_ascii_digit).count() >= FEWEST_DIGITS
    }

    /// The other side's number.
    fn theirs(&self) -> &str {
        if self.row.direction == Direction::Outbound { &self.row.to_number } else { &self.row.from_number }
    }
}

impl Center {
    /// The call of somebody who asked for it is over: theirs begins to wait where they stood.
    pub(super) fn call_back(&mut self, now: DateTime<Utc>, of: CallId, queue: QueueId, out: &mut Vec<Output>) {
        let directory = Arc::clone(&self.directory);
        let Some((tenant, asked)) = self.calls.get(&of).map(|call| (call.tenant, call.row.clone())) else { return };
        let number = asked.from_number;
        let Some(queue) = directory.queues.get(&queue).filter(|queue| queue.tenant == tenant) else { return };
        let waits = |call: &Call| call.tenant == tenant && call.is_waiting_callback() && call.theirs() == number;
        if self.calls.values().any(waits) {
            return;
        }
        if let Decision::Denied { rule, .. } = self.decides(now, (tenant, None), Some(queue.id), &number)
            && !passes(rule)
        {
            tracing::info!(%tenant, rule = rule.as_str(), "who asked to be called back is left to people");
            return;
        }
        let id = CallId::new();
        let row = CallRow {
            // Until it is known under which number they are called: the one that they called.
            from_number: asked.to_number,
            to_number: number,
            state: CallState::Queued,
            queue_id: Some(queue.id),
            queued_at: Some(asked.queued_at.unwrap_or(asked.started_at)),
            may_record: asked.may_record,
            priority: asked.priority,
            ..CallRow::begun(
                (id, Direction::Outbound),
                (asked.server, ResourceName::new(id, Part::TrunkLeg).to_string()),
                now,
            )
        };
        let mut call = Call::outbound(tenant, row);
        call.ring_seconds = queue.ring_seconds;
        let started = json!({
            "direction": Direction::Outbound,
            "from": call.row.from_number,
            "to": call.row.to_number,
            "queue_id": queue.id,
            "agent_id": null,
            "callback_of": of,
        });
        call.happened("call.started", now, None, started);
        let mut waits = queued(queue, false);
        (waits["callback_of"], waits["since"]) = (json!(of), json!(call.row.queued_at));
        call.begins_to_wait(now, waits);
        out.push(call.request(Request::CreateBridge { bridge: call.bridge() }));
        // It joins the line when it cannot be forgotten any more.
        out.push(call.record_first());
        self.calls.insert(id, call);
    }

    /// Whether the rules are against a call back whose turn has come: no agent is rung for it in vain.
    pub(super) fn may_not_call_back(&self, now: DateTime<Utc>, id: CallId) -> bool {
        let Some(call) = self.calls.get(&id).filter(|call| call.is_waiting_callback()) else { return false };
        let (tenant, queue, to) = (call.tenant, call.row.queue_id, call.row.to_number.clone());
        matches!(self.decides(now, (tenant, None), queue, &to), Decision::Denied { .. })
    }

    /// The database has it: it stands in line. Whether it was that.
    pub(super) fn callback_written(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) -> bool {
        let waits = self.calls.get(&id).is_some_and(Call::is_waiting_callback);
        if waits {
            self.enqueue(now, id, None, false, out);
        }
        waits
    }

    /// An agent took it, and their leg is up: now the customer is dialled, once.
    pub(super) fn calls_back(&mut self, now: DateTime<Utc>, id: CallId, agent: AgentId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        (call.row.agent_id, call.calling_agent) = (Some(agent), Some(agent));
        let (tenant, queue, server, to) =
            (call.tenant, call.row.queue_id, call.row.server.clone(), call.row.to_number.clone());
        match self.may_call(now, (tenant, Some(agent)), Some(&server), queue, &to, out) {
            Ok(Allowed { number, caller_id, ways }) => {
                self.dials_back(now, id, agent, (number, caller_id, ways), out);
            }
            Err(refusal) => {
                tracing::warn!(call = %id, ?refusal, "a customer could not be called back");
                self.begin_end(now, id, EndReason::Blocked, false, out);
            }
        }
    }

    /// What becomes of it when nobody could tell us what went on: it waits on, or the one who picked up meanwhile has it.
    pub(super) fn reconcile_callback(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        gone: &[String],
        present: &Present<'_>,
        out: &mut Vec<Output>,
    ) {
        for channel in gone {
            self.agent_leg_gone(now, id, channel, Ending::default(), out);
        }
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.is_waiting_callback()) else { return };
        let mut ringing = call.offers.values().flat_map(|ringing| ringing.keys());
        if let Some(up) = ringing.find(|leg| present.is_up(leg)).cloned() {
            self.agent_answered(now, id, &up, out);
            return;
        }
        if !call.offers.is_empty() || call.unwritten > 0 {
            return;
        }
        // Phones that an earlier life of this gateway rang: the offer begins anew.
        for leg in call.open_legs().filter(|leg| leg.kind == LegKind::Agent) {
            out.push(call.request(Request::Hangup { channel: leg.id.clone(), why: HangupWhy::NoAnswer }));
        }
        if call.row.state != CallState::Queued {
            call.set_state(CallState::Queued);
            call.begins_to_wait(now, json!({ "queue_id": call.row.queue_id, "reason": "gateway_restart" }));
            out.push(call.record(None));
        }
        self.enqueue(now, id, None, true, out);
    }

    /// Somebody took the customer's row of the worklist, or closed it.
    pub(super) fn callback_settled(
        &mut self,
        now: DateTime<Utc>,
        tenant: TenantId,
        number: &str,
        out: &mut Vec<Output>,
    ) {
        let waits = |call: &&Call| call.tenant == tenant && call.is_waiting_callback() && call.theirs() == number;
        let waiting: Vec<CallId> = self.calls.values().filter(waits).map(Call::id).collect();
        for id in waiting {
            self.begin_end(now, id, EndReason::Withdrawn, false, out);
        }
    }

    /// Nobody is called back with whom the house talks already, or whom it dials.
    pub(super) fn callbacks_outrun(&mut self, now: DateTime<Utc>, out: &mut Vec<Output>) {
        let waiting: Vec<CallId> =
            self.calls.values().filter(|call| call.is_waiting_callback()).map(Call::id).collect();
        if waiting.is_empty() {
            return;
        }
        let has_them = |call: &&Call| {
            call.closing.is_none()
                && call.row.state != CallState::Ended
                && call.row.direction != Direction::Internal
                && (call.row.answered_at.is_some() || (call.is_unanswered_outbound() && !call.is_waiting_callback()))
        };
        let talked: BTreeSet<(TenantId, String)> =
            self.calls.values().filter(has_them).map(|call| (call.tenant, call.theirs().to_owned())).collect();
        for id in waiting {
            let outrun = self.calls.get(&id).is_some_and(|it| talked.contains(&(it.tenant, it.theirs().to_owned())));
            if outrun {
                self.begin_end(now, id, EndReason::Withdrawn, false, out);
            }
        }
    }
}
