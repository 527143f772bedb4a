//! What a waiting customer is told: an announcement, after which the music goes on, or a word of regret, after which the call is over.

use chrono::{DateTime, TimeDelta, Utc};
use trunkline_db::CallId;

use super::Center;
use super::call::Call;
use super::io::{Output, Request};
use crate::flow::walk::Media;
use crate::model::EndReason;
use crate::names::{Part, ResourceName};

/// All are busy, somebody will come.
const PATIENCE: &[&str] = &["tt-allbusy"];
/// All are busy, and it ends here.
const REGRET: &[&str] = &["im-sorry", "tt-allbusy", "please-try-call-later", "goodbye"];
/// Nobody comes, for whatever reason.
const SORRY: &[&str] = &["im-sorry", "please-try-call-later", "goodbye"];
/// The longest that any of them may last, should nobody tell us of its end.
const LONGEST: TimeDelta = TimeDelta::seconds(30);

/// The longest greeting.
const LONGEST_GREETING: TimeDelta = TimeDelta::minutes(10);

/// Something that is being said.
#[derive(Debug)]
pub(super) struct Speech {
    pub(super) playback: String,
    pub(super) until: DateTime<Utc>,
    then: Then,
}

/// What follows what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It goes on waiting, with music.
    Wait,
    /// The call ends.
    End(EndReason),
    /// The caller's message is taken.
    TakeMessage,
    /// They know of the recording, and wait for an agent from now on.
    JoinQueue,
}

impl Speech {
    /// The call ends after it.
    pub(super) fn is_the_last(&self) -> bool {
        self.ends_as().is_some()
    }

    /// How the call ends after it, if it does.
    pub(super) fn ends_as(&self) -> Option<EndReason> {
        match self.then {
            Then::End(reason) => Some(reason),
            Then::Wait | Then::TakeMessage | Then::JoinQueue => None,
        }
    }
}

impl Center {
    /// Tells the customer that it takes longer.
    pub(super) fn announce(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        self.say(now, id, Media::builtin(PATIENCE), Then::Wait, out);
    }

    /// Tells the customer that nobody will come, and ends the call.
    pub(super) fn regret(&mut self, now: DateTime<Utc>, id: CallId, reason: EndReason, out: &mut Vec<Output>) {
        self.say(now, id, Media::builtin(REGRET), Then::End(reason), out);
    }

    /// The same, to one who did not wait for anybody.
    pub(super) fn apologise(&mut self, now: DateTime<Utc>, id: CallId, reason: EndReason, out: &mut Vec<Output>) {
        self.say(now, id, Media::builtin(SORRY), Then::End(reason), out);
    }

    pub(super) fn say(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        sounds: Vec<Media>,
        then: Then,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let playback = call.next_playback_name();
        call.music_ends(out);
        out.push(call.request(Request::Play { channel: call.customer(), playback: playback.clone(), sounds }));
        let longest = if matches!(then, Then::TakeMessage | Then::JoinQueue) { LONGEST_GREETING } else { LONGEST };
        call.speech = Some(Speech { playback, until: now + longest, then });
    }

    /// A playback is over, however it went.
    pub(super) fn played(&mut self, now: DateTime<Utc>, playback: &str, out: &mut Vec<Output>) {
        let Ok(ResourceName { call: id, part: part @ (Part::Playback(_) | Part::Music(_)) }) = playback.parse() else {
            return;
        };
        let Some(call) = self.calls.get_mut(&id) else { return };
        if let Part::Music(round) = part {
            call.music_played(now, round, out);
            return;
        }
        if super::supervise::played(call, playback, out) {
            return;
        }
        let Some(speech) = call.speech.take_if(|speech| speech.playback == playback) else {
            self.flow_said(now, id, playback, out);
            return;
        };
        match speech.then {
            Then::End(reason) => self.begin_end(now, id, reason, false, out),
            Then::TakeMessage => self.take_message(now, id, out),
            Then::JoinQueue => self.told_of_recording(now, id, out),
            Then::Wait => {
                let queue = call.row.queue_id.and_then(|queue| self.directory.queues.get(&queue));
                call.wait_music(now, queue.map(|queue| &queue.routing.while_waiting), out);
            }
        }
    }

    pub(super) fn speech_timer(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        let overdue = self.calls.get(&id).and_then(|call| call.speech.as_ref()).filter(|speech| speech.until <= now);
        if let Some(playback) = overdue.map(|speech| speech.playback.clone()) {
            self.played(now, &playback, out);
        }
    }

    /// Whatever was being said, a person takes over. A channel that plays takes no other order.
    pub(super) fn fall_silent(call: &mut Call, out: &mut Vec<Output>) {
        call.own_music_ends(out);
        if let Some(speech) = call.speech.take() {
            out.push(call.request(Request::StopPlayback { playback: speech.playback }));
        }
    }
}
