//! The words of the database's closed sets.

use trunkline_channels::model::MediaSort;
use trunkline_db::DbError;

use crate::model::{AttachmentState, AuthorType, Channel, Direction, MessageState, State};

/// A word that the database holds for a value, and back.
pub trait Word: Copy + PartialEq + Sized + 'static {
    /// Every value with its word.
    const WORDS: &'static [(Self, &'static str)];

    /// The word.
    fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
    }

    /// The value of a word.
    fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
    }
}

macro_rules! words {
    ($($type:ident { $($value:ident = $word:literal),+ $(,)? })+) => {
        $(impl Word for $type {
            const WORDS: &'static [(Self, &'static str)] = &[$(($type::$value, $word)),+];
        })+
    };
}

words! {
    Channel { Whatsapp = "whatsapp", Telegram = "telegram", Sms = "sms", Call = "call" }
    State { Open = "open", Pending = "pending", Snoozed = "snoozed", Resolved = "resolved" }
    Direction { In = "in", Out = "out", Note = "note", Event = "event" }
    MessageState {
        Received = "received", Scheduled = "scheduled", Queued = "queued", Sending = "sending", Sent = "sent",
        Delivered = "delivered", Read = "read", Failed = "failed", Uncertain = "uncertain", Canceled = "canceled",
    }
    AuthorType { Contact = "contact", Agent = "agent", Bot = "bot", System = "system", App = "app" }
    AttachmentState { Wanted = "wanted", Stored = "stored", Refused = "refused", Gone = "gone", Failed = "failed" }
    MediaSort {
        Image = "image", Audio = "audio", Voice = "voice", Video = "video", VideoNote = "video_note",
        Document = "document", Sticker = "sticker", Animation = "animation",
    }
}

/// A word of a row. The table's constraint allows no other than ours; an older program may still meet a newer one's.
pub(crate) fn word<T: Word>(text: &str) -> Result<T, DbError> {
    T::parse(text)
        .ok_or_else(|| DbError::from(sqlx::Error::Decode(format!("a word that is not known: {text:?}").into())))
}

/// A JSON value of a row.
pub(crate) fn json<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, DbError> {
    serde_json::from_value(value).map_err(|error| DbError::from(sqlx::Error::Decode(error.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The API's words and the database's are the same.
    fn agree<T: Word + serde::Serialize + std::fmt::Debug>() {
        for (value, word) in T::WORDS {
            assert_eq!(serde_json::to_value(value).unwrap(), serde_json::json!(word), "{value:?}");
            assert_eq!(T::parse(word), Some(*value));
        }
    }

    #[test]
    fn each_value_has_one_word_everywhere() {
        agree::<Channel>();
        agree::<State>();
        agree::<Direction>();
        agree::<MessageState>();
        agree::<AuthorType>();
        agree::<AttachmentState>();
        agree::<MediaSort>();
    }
}
