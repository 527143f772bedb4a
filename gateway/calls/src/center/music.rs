//! What a caller hears while they wait: the house's music, or what their queue has chosen, over and over.

use chrono::{DateTime, TimeDelta, Utc};

use super::call::Call;
use super::io::{Output, Request};
use crate::flow::walk::Media;
use crate::names::{Part, ResourceName};
use crate::while_waiting::WhileWaiting;

/// What is over sooner than this could not be played: the house's music is heard instead.
const SHORTEST: TimeDelta = TimeDelta::seconds(1);
/// The numbers under which it is played. The next round begins while Asterisk still tidies up the last one.
const ROUNDS: [u32; 2] = [0, 1];
/// The number after a restart, when nobody knows which round it was.
const ANEW: u32 = 2;

/// A queue's own music.
#[derive(Debug)]
pub(super) struct Music {
    round: u32,
    began: DateTime<Utc>,
    sound: Media,
}

impl Music {
    pub(super) fn clock_set(&mut self, by: TimeDelta) {
        self.began += by;
    }
}

impl Call {
    /// The caller waits for an agent of a queue.
    pub(super) fn wait_music(&mut self, now: DateTime<Utc>, queue: Option<&WhileWaiting>, out: &mut Vec<Output>) {
        match queue.and_then(WhileWaiting::own_music) {
            Some(sound) => self.plays(now, ROUNDS[0], sound, out),
            None => self.house_music(out),
        }
    }

    /// The same, when nobody knows what they hear.
    pub(super) fn wait_music_anew(&mut self, now: DateTime<Utc>, queue: Option<&WhileWaiting>, out: &mut Vec<Output>) {
        match queue.and_then(WhileWaiting::own_music) {
            Some(sound) => {
                self.music = None;
                out.push(self.request(Request::StopMusic { channel: self.customer() }));
                for round in ROUNDS.into_iter().chain([ANEW]) {
                    out.push(self.request(Request::StopPlayback { playback: self.music_name(round) }));
                }
                self.plays(now, ANEW, sound, out);
            }
            None => self.house_music(out),
        }
    }

    /// They wait in another queue now. Words that are being said are followed by its music; who hears what they are to hear goes on hearing it.
    pub(super) fn other_music(&mut self, now: DateTime<Utc>, queue: Option<&WhileWaiting>, out: &mut Vec<Output>) {
        let own = queue.and_then(WhileWaiting::own_music);
        if self.speech.is_none() && own != self.music.as_ref().map(|music| music.sound.clone()) {
            self.music_ends(out);
            self.wait_music(now, queue, out);
        }
    }

    /// The house's music, as on hold.
    pub(super) fn house_music(&mut self, out: &mut Vec<Output>) {
        self.own_music_ends(out);
        out.push(self.request(Request::StartMusic { channel: self.customer() }));
    }

    /// Whatever they hear, something else follows.
    pub(super) fn music_ends(&mut self, out: &mut Vec<Output>) {
        if !self.own_music_ends(out) {
            out.push(self.request(Request::StopMusic { channel: self.customer() }));
        }
    }

    /// A channel that plays takes no other order. Whether there was something to be stopped.
    pub(super) fn own_music_ends(&mut self, out: &mut Vec<Output>) -> bool {
        let music = self.music.take();
        if let Some(Music { round, .. }) = music {
            out.push(self.request(Request::StopPlayback { playback: self.music_name(round) }));
        }
        music.is_some()
    }

    /// It has been played once; it is played again.
    pub(super) fn music_played(&mut self, now: DateTime<Utc>, round: u32, out: &mut Vec<Output>) {
        let Some(Music { began, sound, .. }) = self.music.take_if(|music| music.round == round) else { return };
        if self.closing.is_some() {
            return;
        }
        if now - began < SHORTEST {
            tracing::warn!(call = %self.id(), ?sound, "a queue's music cannot be played");
            self.house_music(out);
            return;
        }
        self.plays(now, if round == ROUNDS[0] { ROUNDS[1] } else { ROUNDS[0] }, sound, out);
    }

    fn plays(&mut self, now: DateTime<Utc>, round: u32, sound: Media, out: &mut Vec<Output>) {
        self.own_music_ends(out);
        let (channel, playback) = (self.customer(), self.music_name(round));
        out.push(self.request(Request::Play { channel, playback, sounds: vec![sound.clone()] }));
        self.music = Some(Music { round, began: now, sound });
    }

    fn music_name(&self, round: u32) -> String {
        ResourceName::new(self.id(), Part::Music(round)).to_string()
    }
}
