//! What a waiting customer is told: an announcement, after which the music goes on, or a word of regret, after which the call is over.

use chrono::{DateTime, TimeDelta, Utc};
use trunkline_db::CallId;

use super::Center;
use super::call::Call;
use super::io::{Output, Request};
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

/// Something that is being said.
#[derive(Debug)]
pub(super) struct Speech {
    pub(super) playback: String,
    pub(super) until: DateTime<Utc>,
    /// How the call ends after it; otherwise it goes on waiting.
    then_end: Option<EndReason>,
}

impl Speech {
    /// The call ends after it.
    pub(super) fn is_the_last(&self) -> bool {
        self.then_end.is_some()
    }

    /// How the call ends after it, if it does.
    pub(super) fn ends_as(&self) -> Option<EndReason> {
        self.then_end
    }
}

impl Center {
    /// Tells the customer that it takes longer.
    pub(super) fn announce(&mut self, now: DateTime<Utc>, id: CallId, out: &mut Vec<Output>) {
        self.say(now, id, PATIENCE, None, out);
    }

    /// Tells the customer that nobody will come, and ends the call.
    pub(super) fn regret(&mut self, now: DateTime<Utc>, id: CallId, reason: EndReason, out: &mut Vec<Output>) {
        self.say(now, id, REGRET, Some(reason), out);
    }

    /// The same, to one who did not wait for anybody.
    pub(super) fn apologise(&mut self, now: DateTime<Utc>, id: CallId, reason: EndReason, out: &mut Vec<Output>) {
        self.say(now, id, SORRY, Some(reason), out);
    }

    fn say(
        &mut self,
        now: DateTime<Utc>,
        id: CallId,
        sounds: &'static [&'static str],
        then_end: Option<EndReason>,
        out: &mut Vec<Output>,
    ) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.closing.is_none()) else { return };
        let playback = call.next_playback_name();
        out.push(call.request(Request::StopMusic { channel: call.customer() }));
        out.push(call.request(Request::Play { channel: call.customer(), playback: playback.clone(), sounds }));
        call.speech = Some(Speech { playback, until: now + LONGEST, then_end });
    }

    /// A playback is over, however it went.
    pub(super) fn played(&mut self, now: DateTime<Utc>, playback: &str, out: &mut Vec<Output>) {
        let Ok(ResourceName { call: id, part: Part::Playback(_) }) = playback.parse() else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        if super::supervise::played(call, playback, out) {
            return;
        }
        let Some(speech) = call.speech.take_if(|speech| speech.playback == playback) else { return };
        match speech.then_end {
            Some(reason) => self.begin_end(now, id, reason, false, out),
            None => out.push(call.request(Request::StartMusic { channel: call.customer() })),
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
        if let Some(speech) = call.speech.take() {
            out.push(call.request(Request::StopPlayback { playback: speech.playback }));
        }
    }
}
