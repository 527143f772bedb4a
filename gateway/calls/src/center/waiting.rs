//! What a caller is told while they wait for an agent, and what they do about it with a key.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{CallId, QueueId};
use trunkline_routing as routing;

use super::Center;
use super::call::Call;
use super::io::Output;
use super::speech::Then;
use crate::flow::spoken;
use crate::flow::walk::Media;
use crate::model::{CallState, Direction, EndReason};
use crate::queueing::{Desk, Destination, WayOut};

/// When a caller is told something for the first time, at the latest.
const FIRST_WORD: TimeDelta = TimeDelta::seconds(10);
/// Nobody is told of more minutes than these.
const MOST_MINUTES: u64 = 60;

/// How fast a queue serves those who wait in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    /// When the last of them was served, while others waited; in the router's time.
    last: Option<u64>,
    /// From one to the next, in milliseconds: of the last ones, those before them less and less.
    each: Option<u64>,
}

impl Pace {
    /// Somebody is served.
    pub(super) fn served(&mut self, at: u64, others_wait: bool) {
        if let Some(last) = self.last {
            let took = at.saturating_sub(last);
            self.each = Some(self.each.map_or(took, |each| (each * 3 + took) / 4));
        }
        self.last = others_wait.then_some(at);
    }

    /// How long it may take until somebody is served who has so many before them, in minutes.
    fn minutes(self, ahead: usize) -> Option<u32> {
        let turns = u64::try_from(ahead).unwrap_or(u64::MAX).saturating_add(1);
        let minutes = self.each?.saturating_mul(turns).div_ceil(60_000).clamp(1, MOST_MINUTES);
        u32::try_from(minutes).ok()
    }
}

impl Call {
    /// The queue in which it waits, with nothing else decided of it.
    fn waits_in_queue(&self) -> Option<QueueId> {
        let waits = self.closing.is_none()
            && matches!(self.row.state, CallState::Queued | CallState::Ringing)
            && self.direct.is_none()
            && self.outside.is_none()
            && !self.is_unanswered_outbound()
            && self.speech.as_ref().is_none_or(|speech| !speech.is_the_last());
        self.row.queue_id.filter(|_| waits)
    }
}

impl Center {
    /// A call begins to wait, or goes on waiting after a restart (`again`): first they are told of the recording, if they have to be.
    pub(super) fn joins_line(&mut self, now: DateTime<Utc>, id: CallId, again: bool, out: &mut Vec<Output>) {
        let notice = self.calls.get(&id).map(|call| self.notice_for(call)).unwrap_or_default();
        if notice.is_empty() {
            self.enqueue(now, id, None, again, out);
        } else {
            self.say(now, id, notice, Then::JoinQueue, out);
        }
    }

    /// What a caller has to be told of the recording: not who was told or asked by a flow, or was with an agent already.
    fn notice_for(&self, call: &Call) -> Vec<Media> {
        let untold = call.row.direction == Direction::Inbound
            && call.row.may_record.is_none()
            && call.row.answered_at.is_none()
            && self.directory.is_recorded(call.tenant, &call.row);
        let queue = call.row.queue_id.filter(|_| untold).and_then(|queue| self.directory.queues.get(&queue));
        queue.map(|queue| &queue.routing.recording_notice).map_or(Vec::new(), |it| spoken(&it.say, &it.language))
    }

    /// The caller heard of the recording, and is still there.
    pub(super) fn told_of_recording(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        call.row.may_record = Some(true);
        call.traced(now, "recording_notice", json!({ "queue_id": call.row.queue_id }));
        let queue = call.row.queue_id.and_then(|queue| self.directory.queues.get(&queue));
        call.wait_music(now, queue.map(|queue| &queue.routing.while_waiting), out);
        out.push(call.record(None));
        self.enqueue(now, id, None, false, out);
    }

    /// When a call that waits is told something next. Not while a phone rings for it: it would be cut short.
    pub(super) fn word_due(&self, call: &Call) -> Option<DateTime<Utc>> {
        if call.speech.is_some() || call.row.state != CallState::Queued {
            return None;
        }
        let queue = self.directory.queues.get(&call.waits_in_queue()?)?;
        let every = TimeDelta::seconds(i64::from(queue.routing.while_waiting.every_seconds?));
        let since = call.row.queued_at.unwrap_or(call.row.started_at);
        Some(call.told_at.map_or(since + every.min(FIRST_WORD), |told| told + every))
    }

    pub(super) fn waiting_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get(&id) else { return };
        if self.word_due(call).is_none_or(|due| due > now) {
            return;
        }
        let words = call.waits_in_queue().map(|queue| self.words_for(call, queue)).unwrap_or_default();
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.told_at = Some(now);
        if !words.is_empty() {
            self.say(now, id, words, Then::Wait, out);
        }
    }

    fn words_for(&self, call: &Call, queue: QueueId) -> Vec<Media> {
        let Some(known) = self.directory.queues.get(&queue) else { return Vec::new() };
        let told = &known.routing.while_waiting;
        let floor = self.floors.get(&call.tenant);
        let ahead = floor.and_then(|floor| floor.router.ahead_of(call.id().into()));
        let mut words = Vec::new();
        if let Some(ahead) = ahead.filter(|_| told.position) {
            match u32::try_from(ahead) {
                Ok(0) => words.extend(Media::builtin(&["queue-youarenext"])),
                Ok(ahead) => {
                    words.extend(Media::builtin(&["queue-thereare"]));
                    words.push(Media::Number(ahead + 1));
                    words.extend(Media::builtin(&["queue-callswaiting"]));
                }
                Err(_) => {}
            }
        }
        let pace = floor.and_then(|floor| floor.paces.get(&queue)).copied().unwrap_or_default();
        if let Some(minutes) = ahead.filter(|_| told.expected_wait).and_then(|ahead| pace.minutes(ahead)) {
            words.extend(Media::builtin(&["queue-holdtime"]));
            words.push(Media::Number(minutes));
            words.extend(Media::builtin(&[if minutes == 1 { "queue-minute" } else { "queue-minutes" }]));
        }
        words.extend(spoken(&told.say, &told.language));
        words
    }

    /// One of those who wait in a queue is served.
    pub(super) fn counts_pace(&mut self, id: CallId, desk: Desk) {
        let Some(tenant) = self.calls.get(&id).map(|call| call.tenant) else { return };
        let (steady, floor) = (self.steady, self.floors.entry(tenant).or_default());
        let others_wait = floor.router.queue(desk).is_some_and(|queue| queue.waiting > 0);
        floor.paces.entry(desk.queue).or_default().served(steady, others_wait);
    }

    /// A caller who waits pressed a key: where the queue says that it leads.
    pub(super) fn queue_key(&mut self, now: DateTime<Utc>, id: CallId, key: char, out: &mut Vec<Output>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(queue) = call.waits_in_queue() else { return };
        let known = self.directory.queues.get(&queue);
        let Some(to) = known.and_then(|queue| queue.routing.while_waiting.keys.get(&key)).cloned() else { return };
        call.traced(now, "queue_key", json!({ "queue_id": queue, "key": key, "to": to }));
        if to == Destination::Callback && !call.can_be_called_back() {
            call.traced(now, "no_number", json!({ "queue_id": queue }));
            return;
        }
        let tenant = call.tenant;
        if let Destination::QueueId(other) = to {
            if self.directory.queues.get(&QueueId(other)).is_some_and(|queue| queue.tenant == tenant) {
                let to = Desk::of_calls(QueueId(other));
                self.route(now, tenant, [routing::Input::Move { work: id.into(), to }], out);
            }
            return;
        }
        let routing::Destination::Exit(to) = routing::Destination::from(&to) else { return };
        self.route(now, tenant, [routing::Input::Withdraw { work: id.into() }], out);
        self.goes_out(now, id, queue, &to, ("key", EndReason::Overflow), out);
    }

    /// A call leaves its queue for something else than an agent.
    pub(super) fn goes_out(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        queue: QueueId,
        to: &WayOut,
        (why, reason): (&'static str, EndReason),
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get(&id) else { return };
        if call.is_unanswered_outbound() {
            // Nobody hears what would be said.
            self.begin_end(now, id, reason, false, out);
            return;
        }
        // Who hides their number is not called back, but heard.
        let is_heard = *to == WayOut::Callback && !call.can_be_called_back();
        let to = if is_heard { &WayOut::Voicemail } else { to };
        let word = match to {
            WayOut::HangUp => return self.regret(now, id, reason, out),
            WayOut::Number(number) => return self.overflows_to(now, id, queue, number, (why, reason), out),
            WayOut::Voicemail => "voicemail",
            WayOut::Callback => "callback",
        };
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        call.happened("call.overflowed", now, None, json!({ "queue_id": queue, "to": word, "reason": why }));
        Self::fall_silent(call, out);
        if *to == WayOut::Callback {
            self.wants_callback(now, id, queue, out);
            return;
        }
        let of_queue = self.directory.queues.get(&queue).map(|queue| queue.routing.voicemail.clone());
        let taken = of_queue.unwrap_or_default();
        let greeting = spoken(&taken.greeting, &taken.language);
        self.begin_voicemail(now, id, queue, greeting, taken.max_seconds, out);
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn a_queues_pace_is_that_of_the_last_ones_it_served_while_others_waited() {
        let mut pace = Pace::default();
        assert_eq!(pace.minutes(0), None);
        pace.served(1_000, true);
        assert_eq!(pace.minutes(0), None, "one alone tells nothing");
        pace.served(121_000, true);
        assert_eq!((pace.minutes(0), pace.minutes(2)), (Some(2), Some(6)));
        pace.served(121_000, false);
        assert_eq!(pace.each, Some(90_000));
        // Nobody waited meanwhile: that an hour passed says nothing.
        pace.served(3_721_000, true);
        assert_eq!((pace.each, pace.minutes(1_000)), (Some(90_000), Some(60)));
    }
}
