//! A caller leaves a message, or asks to be called back.
//!
//! Asterisk writes the message on its own; that it is there, and where, is in the database as soon as it is over, and a job fetches it. So a gateway
//! that dies costs nobody what they said.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{CallId, QueueId};

use super::Center;
use super::call::Call;
use super::io::{Output, Request};
use super::ivr::beep;
use super::speech::Then;
use crate::flow::walk::Media;
use crate::model::{CallState, CallbackRow, EndReason, Leaving, VoicemailRow, Way};
use crate::names::{Part, ResourceName};

/// Shorter ones are somebody who hung up, in milliseconds.
const SHORTEST_MS: i64 = 1_000;
/// How long Asterisk may take beyond the longest message.
const GRACE: TimeDelta = TimeDelta::seconds(5);

impl Call {
    fn leaving(&self) -> Option<&Leaving> {
        match &self.row.way {
            Some(Way::Voicemail(leaving)) => Some(leaving),
            _ => None,
        }
    }

    /// When a message that is being left is over at the latest.
    pub(super) fn message_deadline(&self) -> Option<DateTime<Utc>> {
        let leaving = self.leaving().filter(|_| self.closing.is_none())?;
        Some(leaving.since? + TimeDelta::seconds(i64::from(leaving.max_seconds)) + GRACE)
    }

    /// How a call ends whose caller hangs up while they leave a message.
    pub(super) fn left_message(&self, now: DateTime<Utc>) -> Option<EndReason> {
        let since = self.leaving()?.since;
        let spoke = since.is_some_and(|since| (now - since).num_milliseconds() >= SHORTEST_MS);
        Some(if spoke { EndReason::Voicemail } else { EndReason::AbandonedIvr })
    }
}

impl Center {
    /// Greets the caller, and then takes their message.
    pub(super) fn begin_voicemail(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        queue: QueueId,
        say: Vec<Media>,
        max_seconds: u32,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        call.row.queue_id = Some(queue);
        call.set_state(CallState::New);
        let leaving = Leaving { queue_id: queue, say: say.clone(), max_seconds, since: None };
        call.row.way = Some(Way::Voicemail(leaving));
        out.push(call.record(None));
        let say = say.into_iter().chain([beep()]).collect();
        self.say(now, id, say, Then::TakeMessage, out);
    }

    /// The greeting is over.
    pub(super) fn take_message(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let channel = call.customer();
        let name = ResourceName::new(id, Part::Message).to_string();
        let Some(Way::Voicemail(leaving)) = &mut call.row.way else { return };
        leaving.since = Some(now);
        let max_seconds = leaving.max_seconds;
        out.push(call.record(None));
        out.push(call.request(Request::TakeMessage { channel, name, max_seconds }));
    }

    /// Asterisk closed the message: the caller pressed a key, said nothing for long, or the time was up.
    pub(super) fn message_taken(&mut self, now: DateTime<Utc>, name: &str, out: &mut Vec<Output>) {
        let Ok(ResourceName { call: id, part: Part::Message }) = name.parse() else { return };
        if self.calls.get(&id).is_none_or(|call| call.closing.is_some() || call.leaving().is_none()) {
            return;
        }
        self.keep_message(now, id, out);
        self.say(now, id, Media::builtin(&["vm-goodbye"]), Then::End(EndReason::Voicemail), out);
    }

    /// Asterisk could not take it, or did not tell of its end.
    pub(super) fn voicemail_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let overdue = self.calls.get(&id).and_then(Call::message_deadline);
        if overdue.is_some_and(|until| until <= now) {
            self.message_taken(now, &ResourceName::new(id, Part::Message).to_string(), out);
        }
    }

    /// No message could be taken.
    pub(super) fn message_refused(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.leaving().is_some() {
            call.row.way = None;
            self.apologise(now, id, EndReason::Failed, out);
        }
    }

    /// What was said so far is a message: its row goes into the database with the call's.
    pub(super) fn keep_message(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(Leaving { queue_id: queue, since: Some(since), .. }) = call.leaving().cloned() else { return };
        call.row.way = None;
        let length_ms = (now - since).num_milliseconds();
        if length_ms < SHORTEST_MS {
            return;
        }
        let row = VoicemailRow {
            call_id: id,
            queue_id: queue,
            server: call.row.server.clone(),
            name: ResourceName::new(id, Part::Message).to_string(),
            at: since,
            length_ms,
        };
        call.happened("voicemail.left", now, None, json!({ "queue_id": queue, "length_ms": length_ms }));
        call.left = Some(row);
        out.push(call.record(None));
    }

    /// The caller is still there, and nobody could tell us what went on meanwhile. Whether they leave a message.
    pub(super) fn message_again(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) -> bool {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return false };
        let Some(leaving) = call.leaving().cloned() else { return false };
        // One that is being written goes on being written; of a greeting nobody knows whether it was heard.
        if leaving.since.is_none() {
            Self::fall_silent(call, out);
            self.begin_voicemail(now, id, leaving.queue_id, leaving.say, leaving.max_seconds, out);
        }
        true
    }

    /// The caller is called back later.
    pub(super) fn wants_callback(&mut self, now: DateTime<Utc>, id: CallId, queue: QueueId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.row.queue_id = Some(queue);
        let details = json!({ "queue_id": queue, "number": call.row.from_number });
        call.happened("callback.requested", now, None, details);
        let number = call.row.from_number.clone();
        call.callback = Some(CallbackRow { call_id: id, queue_id: queue, number, at: now });
        call.owed = Some(queue);
        out.push(call.record(None));
        self.say(now, id, Media::builtin(&["auth-thankyou", "vm-goodbye"]), Then::End(EndReason::Callback), out);
    }
}
