//! How a chat and a message of Telegram's are written in our [`Address`] and [`ProviderId`].
//!
//! An address is `chat[:topic][~direct][@connection][!query]`: `123`, `-100123:7` (a forum topic), `-100123~9` (a customer's topic in a channel's direct
//! messages), `123@AbC` (a chat of a business account, answered in its name through that business connection), `-100123!q7` (a chat that the bot
//! is no member of: the question of a guest, which can be answered once).
//! A message is `chat[@connection]/message`: ids count per chat, and for a business account within that account.

use crate::model::{Address, ProviderId};
use std::fmt;
use std::str::FromStr;

/// Where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Chat {
    pub id: i64,
    /// `message_thread_id` of a forum topic. The General topic has none.
    pub topic: Option<i64>,
    /// `direct_messages_topic_id`: the customer's topic in the direct messages of a channel.
    pub direct: Option<i64>,
    /// `business_connection_id`, without which a business account's chat cannot be answered.
    pub business: Option<String>,
    /// `guest_query_id`: the bot was called by its name in a chat where it is not. One answer is taken.
    pub guest: Option<String>,
}

impl Chat {
    pub fn of(id: i64) -> Self {
        Self { id, topic: None, direct: None, business: None, guest: None }
    }

    pub fn address(&self) -> Address {
        Address(self.to_string())
    }

    /// The id of a message in this chat. Its topic is no part of it: the chat counts its messages over all topics.
    pub fn message(&self, message: i64) -> ProviderId {
        MessageId { chat: self.id, business: self.business.clone(), message }.id()
    }
}

impl fmt::Display for Chat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.id)?;
        if let Some(topic) = self.topic {
            write!(out, ":{topic}")?;
        }
        if let Some(direct) = self.direct {
            write!(out, "~{direct}")?;
        }
        if let Some(business) = &self.business {
            write!(out, "@{business}")?;
        }
        if let Some(guest) = &self.guest {
            write!(out, "!{guest}")?;
        }
        Ok(())
    }
}

/// It is not of the form above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a Telegram chat or message")]
pub struct NotTelegram;

impl FromStr for Chat {
    type Err = NotTelegram;

    fn from_str(written: &str) -> Result<Self, NotTelegram> {
        let (place, guest) = match written.split_once('!') {
            Some((_, "")) => return Err(NotTelegram),
            Some((place, query)) => (place, Some(query.to_owned())),
            None => (written, None),
        };
        let (place, business) = business(place)?;
        let (place, direct) = number_after(place, '~')?;
        let (place, topic) = number_after(place, ':')?;
        Ok(Self { id: place.parse().map_err(|_| NotTelegram)?, topic, direct, business, guest })
    }
}

/// A message, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId {
    pub chat: i64,
    pub business: Option<String>,
    pub message: i64,
}

impl MessageId {
    pub fn id(&self) -> ProviderId {
        match &self.business {
            Some(business) => ProviderId(format!("{}@{business}/{}", self.chat, self.message)),
            None => ProviderId(format!("{}/{}", self.chat, self.message)),
        }
    }
}

impl FromStr for MessageId {
    type Err = NotTelegram;

    fn from_str(written: &str) -> Result<Self, NotTelegram> {
        let (place, message) = written.rsplit_once('/').ok_or(NotTelegram)?;
        let (chat, business) = business(place)?;
        Ok(Self {
            chat: chat.parse().map_err(|_| NotTelegram)?,
            business,
            message: message.parse().map_err(|_| NotTelegram)?,
        })
    }
}

fn business(written: &str) -> Result<(&str, Option<String>), NotTelegram> {
    match written.split_once('@') {
        Some((_, "")) => Err(NotTelegram),
        Some((place, connection)) => Ok((place, Some(connection.to_owned()))),
        None => Ok((written, None)),
    }
}

fn number_after(written: &str, mark: char) -> Result<(&str, Option<i64>), NotTelegram> {
    match written.split_once(mark) {
        Some((place, number)) => Ok((place, Some(number.parse().map_err(|_| NotTelegram)?))),
        None => Ok((written, None)),
    }
}
