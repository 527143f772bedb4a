//! What callers of a queue hear while they wait, and which keys lead them out of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::flow::model::{Part, Say};
use crate::flow::walk::Media;
use crate::flow::{is_language, say_fault};
use crate::queueing::Destination;

/// Keys that a phone has.
const KEYS: &str = "0123456789*#";

/// What a caller hears, and can do, while they wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WhileWaiting {
    /// One of the tenant's sounds, played over and over; null: the house's music.
    pub music: Option<Uuid>,
    /// Every so many seconds the music gives way to what follows here; null: never.
    #[schema(minimum = 15, maximum = 600)]
    pub every_seconds: Option<u32>,
    /// Their place in the line.
    pub position: bool,
    /// How long it may take, once the queue has served somebody by whom that can be told.
    pub expected_wait: bool,
    /// What else they are told, such as what keys do.
    pub say: Say,
    /// The language of texts that are spoken.
    pub language: String,
    /// Where each key leads.
    #[schema(value_type = BTreeMap<String, Destination>)]
    pub keys: BTreeMap<char, Destination>,
}

impl Default for WhileWaiting {
    fn default() -> Self {
        Self {
            music: None,
            every_seconds: None,
            position: false,
            expected_wait: false,
            say: Vec::new(),
            language: "en".to_owned(),
            keys: BTreeMap::new(),
        }
    }
}

impl WhileWaiting {
    /// What is played in place of the house's music.
    pub(crate) fn own_music(&self) -> Option<Media> {
        self.music.map(|id| Media::Sound { id, language: self.language.clone() })
    }

    /// What is wrong with it: the field, and what was expected.
    pub(crate) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if self.every_seconds.is_some_and(|seconds| !(15..=600).contains(&seconds)) {
            faults.push(("while_waiting.every_seconds", "must be from 15 to 600, or null".to_owned()));
        }
        if self.every_seconds.is_some() && !self.position && !self.expected_wait && self.say.is_empty() {
            faults.push(("while_waiting.every_seconds", "needs something to be said".to_owned()));
        }
        if !is_language(&self.language) {
            faults.push(("while_waiting.language", "must be a language such as en or pt-BR".to_owned()));
        }
        faults.extend(say_fault(&self.say).map(|words| ("while_waiting.say", words)));
        if self.keys.keys().any(|key| !KEYS.contains(*key)) {
            faults.push(("while_waiting.keys", "a key is one of 0 to 9, * and #".to_owned()));
        }
        if self.keys.values().any(|to| *to == Destination::HangUp) {
            faults.push(("while_waiting.keys", "whoever wants to end the call hangs up".to_owned()));
        }
        faults
    }
}

/// What callers are told of the recording before anybody is rung for them: whoever goes on waiting agrees. It is said where a call may be recorded at
/// all, and where no flow has told or asked them already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingNotice {
    /// What is said; nothing: nobody is told.
    pub say: Say,
    /// The language of texts that are spoken.
    pub language: String,
}

impl Default for RecordingNotice {
    fn default() -> Self {
        Self { say: Vec::new(), language: "en".to_owned() }
    }
}

impl RecordingNotice {
    pub(crate) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        faults.extend(say_fault(&self.say).map(|words| ("recording_notice.say", words)));
        if !is_language(&self.language) {
            faults.push(("recording_notice.language", "must be a language such as en or pt-BR".to_owned()));
        }
        faults
    }
}

/// The box of a queue's messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VoicemailBox {
    /// What is said before the tone.
    pub greeting: Say,
    /// The language of texts that are spoken.
    pub language: String,
    /// The longest message.
    #[schema(minimum = 5, maximum = 600)]
    pub max_seconds: u32,
}

impl Default for VoicemailBox {
    fn default() -> Self {
        Self { greeting: vec![Part::Builtin("vm-intro".to_owned())], language: "en".to_owned(), max_seconds: 180 }
    }
}

impl VoicemailBox {
    pub(crate) fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if self.greeting.is_empty() {
            faults.push(("voicemail.greeting", "must say something".to_owned()));
        }
        faults.extend(say_fault(&self.greeting).map(|words| ("voicemail.greeting", words)));
        if !is_language(&self.language) {
            faults.push(("voicemail.language", "must be a language such as en or pt-BR".to_owned()));
        }
        if !(5..=600).contains(&self.max_seconds) {
            faults.push(("voicemail.max_seconds", "must be from 5 to 600".to_owned()));
        }
        faults
    }
}

/// The tenant's sounds in what is said.
pub(crate) fn sounds<'a>(says: impl IntoIterator<Item = &'a Say>) -> BTreeSet<Uuid> {
    let of_part = |part: &Part| match part {
        Part::SoundId(id) => Some(*id),
        Part::Text(_) | Part::Digits(_) | Part::Builtin(_) => None,
    };
    says.into_iter().flatten().filter_map(of_part).collect()
}
