//! What is said, once variables have their values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::{Part, Say};
use super::template::{fill, plain};

/// Digits that are read out at most.
const MAX_DIGITS: usize = 60;

/// One thing that is played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// A sound that Asterisk brings along.
    Builtin(String),
    /// A sound of the tenant's, in this language or else in any.
    Sound {
        /// Which.
        id: Uuid,
        /// The call's language.
        language: String,
    },
    /// A text that is spoken.
    Speech {
        /// The text.
        text: String,
        /// Its language.
        language: String,
    },
    /// Digits, one by one.
    Digits(String),
    /// A number.
    Number(u32),
}

impl Media {
    /// Asterisk's own sounds.
    pub fn builtin(names: &[&str]) -> Vec<Self> {
        names.iter().map(|name| Self::Builtin((*name).to_owned())).collect()
    }
}

/// What is said where there are no variables.
pub(crate) fn spoken(say: &Say, language: &str) -> Vec<Media> {
    media(say, &BTreeMap::new(), language)
}

/// What is said with these variables in this language; parts that come to nothing are left out.
pub(super) fn media(say: &Say, variables: &BTreeMap<String, String>, language: &str) -> Vec<Media> {
    let language = language.to_owned();
    let of_part = |part: &Part| match part {
        Part::SoundId(id) => Some(Media::Sound { id: *id, language: language.clone() }),
        Part::Builtin(name) => Some(Media::Builtin(name.clone())),
        Part::Text(text) => {
            let text = fill(text, variables, plain);
            (!text.trim().is_empty()).then(|| Media::Speech { text, language: language.clone() })
        }
        Part::Digits(text) => {
            let digits: String =
                fill(text, variables, plain).chars().filter(char::is_ascii_digit).take(MAX_DIGITS).collect();
            (!digits.is_empty()).then_some(Media::Digits(digits))
        }
    };
    say.iter().filter_map(of_part).collect()
}
