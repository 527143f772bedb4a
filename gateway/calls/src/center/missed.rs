//! Callers who came and went while no gateway was connected. The dialplan kept a note of each; from it the call gets its record,
//! marked `estimated`, because nobody saw it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::CallId;

use super::call::{Call, Closing};
use super::io::{ChannelView, Ending, Output};
use super::{Center, Dialled};
use crate::directory::{Target, e164};
use crate::lines::{Arrival, caller};
use crate::model::{CallState, Direction, EndReason, Server};
use crate::names::{Part, ResourceName};

/// Q.850 cause with which the dialplan itself ends a call, after the apology: no circuit available.
const APOLOGISED: i16 = 34;

/// What the dialplan noted of a caller whom no gateway took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedCall {
    /// The call's id: the same each time the same note is read, so that a call has one record whatever happens meanwhile.
    pub id: CallId,
    /// The server it came to.
    pub server: Server,
    /// Asterisk's id of the channel.
    pub channel: String,
    /// How it came in: `inbound` by a trunk, `phone` from a phone of the house.
    pub kind: String,
    /// The trunk, or the phone's user name.
    pub endpoint: String,
    /// The number or extension called, as received.
    pub called: String,
    /// The calling number, as received.
    pub caller: String,
    /// When it began to wait, to the second.
    pub since: DateTime<Utc>,
    /// When it ended, to the second.
    pub until: DateTime<Utc>,
    /// Q.850 cause, where Asterisk had one.
    pub cause: Option<i16>,
}

impl Center {
    /// Writes the record of a call that nobody saw.
    pub(super) fn missed(&mut self, now: DateTime<Utc>, missed: &MissedCall, out: &mut Vec<Output>) {
        if self.customers.get(&missed.server, &missed.channel).is_some() || self.calls.contains_key(&missed.id) {
            return;
        }
        let directory = Arc::clone(&self.directory);
        let device = directory.devices.get(&missed.endpoint).filter(|_| missed.kind == "phone");
        let line = directory.lines.get(&missed.endpoint).map(AsRef::as_ref);
        let queued = match device {
            Some(device) => {
                let queue = directory.queue_of_extension(device.tenant, &missed.called);
                queue.map(|queue| (queue.tenant, Some(queue)))
            }
            None if missed.kind == "inbound" => {
                let arrival =
                    Arrival { trunk: missed.endpoint.clone(), called: missed.called.clone(), ..Arrival::default() };
                let number = directory.number_called(&arrival).map(|(_, number, _)| number);
                number.map(|number| match directory.way_of(number, missed.since).0 {
                    Target::Queue(queue) => (number.tenant, directory.queues.get(&queue)),
                    _ => (number.tenant, None),
                })
            }
            None => None,
        };
        let Some((tenant, queue)) = queued else {
            tracing::info!(?missed, "a call that no gateway took would have led nowhere");
            return;
        };
        let dialled = if let Some(device) = device {
            Dialled { direction: Direction::Internal, to: missed.called.clone(), calling_agent: Some(device.agent) }
        } else {
            let to = line.map_or_else(|| e164(&missed.called), |line| line.read(&missed.called));
            Dialled { direction: Direction::Inbound, to, calling_agent: None }
        };
        let queue_id = queue.map(|queue| queue.id);
        let channel = ChannelView {
            server: missed.server.clone(),
            id: missed.channel.clone(),
            caller_number: if device.is_some() { missed.caller.clone() } else { caller(&missed.caller, line) },
            ..ChannelView::default()
        };
        let mut row = Self::new_row(missed.since, &channel, dialled.direction, dialled.to);
        row.id = missed.id;
        row.bridge_id = ResourceName::new(missed.id, Part::Bridge).to_string();
        row.queue_id = queue_id;
        row.queued_at = queue_id.map(|_| missed.since);
        row.estimated = true;
        let mut call = Call::new(tenant, row);
        call.calling_agent = dialled.calling_agent;
        call.set_state(CallState::Queued);
        let details = json!({
            "direction": dialled.direction,
            "from": call.row.from_number,
            "to": call.row.to_number,
            "queue_id": queue_id,
        });
        call.happened("call.started", missed.since, dialled.calling_agent, details);
        if let Some(queue) = queue {
            call.happened("call.queued", missed.since, None, json!({ "queue_id": queue.id, "queue": queue.name }));
        }
        call.customer_ending = Ending { cause: missed.cause, sip_code: None };
        call.leg_ended(&missed.channel, missed.until, missed.cause);
        let reason = match queue {
            _ if missed.cause == Some(APOLOGISED) => EndReason::Failed,
            Some(_) => EndReason::AbandonedQueue,
            None => EndReason::NoAnswer,
        };
        call.closing = Some(Closing { reason, at: missed.until, until: missed.until });
        tracing::info!(call = %missed.id, caller = missed.caller, "a caller came and went while no gateway was there");
        self.calls.insert(missed.id, call);
        self.complete_if_gone(now, missed.id, out);
    }
}
