//! Whose a chat is: one customer's, or a group's with its own name.

use trunkline_channels::model::{Address, Identity, Party};
use trunkline_channels::telegram::address::Chat as TelegramChat;

use super::clean;
use crate::model::Channel;

/// Bytes of an address.
const MAX_ADDRESS: usize = 256;

/// A chat of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chat {
    /// Where an answer goes.
    pub(crate) address: String,
    /// What the chat itself is known by: the customer, or the group.
    pub(crate) identities: Vec<Identity>,
    /// Only one customer is there.
    pub(crate) private: bool,
}

/// Who speaks in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The customer whose chat it is.
    Customer,
    /// Somebody in a group.
    Member,
    /// Our own side.
    Us,
}

impl Chat {
    /// `None`: an address that is none.
    pub(crate) fn of(channel: Channel, address: &Address, title: Option<&str>) -> Option<Self> {
        let kept = clean::id(&address.0, MAX_ADDRESS)?;
        let (identities, private) = match channel {
            Channel::Telegram => telegram(&kept)?,
            Channel::Whatsapp => whatsapp(&kept),
            Channel::Sms | Channel::Call => (number(&kept), title.is_none()),
        };
        Some(Self { address: kept, identities, private })
    }

    /// The chat of a message of this writer: it is the writer's own, or a group's that they are in.
    pub(crate) fn with(channel: Channel, address: &Address, title: Option<&str>, from: &Party) -> Option<Self> {
        let mut chat = Self::of(channel, address, title)?;
        if chat.is_of(from) {
            chat.private = true;
        } else if chat.private && chat.is_named_after_another_place() {
            chat.identities.clone_from(&from.identities);
        }
        Some(chat)
    }

    /// Who this is in it.
    pub(crate) fn speaker(&self, from: &Party) -> Speaker {
        match (self.private, self.is_of(from)) {
            (_, true) => Speaker::Customer,
            (true, false) => Speaker::Us,
            (false, false) => Speaker::Member,
        }
    }

    /// It is the chat with this one: what it is known by is theirs, or was so written.
    fn is_of(&self, from: &Party) -> bool {
        self.identities.iter().any(|identity| from.identities.contains(identity))
    }

    /// A customer whose chat is named after another place: the direct messages of a channel, a guest's question.
    fn is_named_after_another_place(&self) -> bool {
        self.address.contains(['~', '!'])
    }
}

/// A Telegram user's chat has the user's id; groups and channels have negative ones. Who writes to a channel directly, or asks as a guest, is told by
/// the message alone.
fn telegram(address: &str) -> Option<(Vec<Identity>, bool)> {
    let chat: TelegramChat = address.parse().ok()?;
    let direct = chat.direct.is_some() || chat.guest.is_some();
    Some((vec![Identity::TelegramId(chat.id)], chat.id > 0 || direct))
}

/// A number, or a user id with a country before it; what is neither is a group's.
fn whatsapp(address: &str) -> (Vec<Identity>, bool) {
    let digits = address.trim_start_matches('+');
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_user = address.split_once('.').is_some_and(|(country, rest)| {
        country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()) && !rest.is_empty()
    });
    match (is_number, is_user) {
        (true, _) => (vec![Identity::WhatsappId(digits.to_owned()), Identity::Phone(format!("+{digits}"))], true),
        (_, true) => (vec![Identity::WhatsappUser(address.to_owned())], true),
        _ => (vec![Identity::WhatsappId(address.to_owned())], false),
    }
}

/// A number as Twilio writes it: `+1…`, `whatsapp:+1…`, `rcs:…`, a short code.
fn number(address: &str) -> Vec<Identity> {
    let (channel, user) = address.split_at(address.find(':').map_or(0, |at| at + 1));
    match (channel, user.starts_with('+')) {
        ("whatsapp:", true) => {
            vec![Identity::Phone(user.to_owned()), Identity::WhatsappId(user.trim_start_matches('+').to_owned())]
        }
        ("whatsapp:", false) => vec![Identity::WhatsappUser(user.to_owned())],
        (_, true) | ("", false) => vec![Identity::Phone(user.to_owned())],
        (_, false) => vec![Identity::Username(address.to_owned())],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn party(identities: &[Identity]) -> Party {
        Party { identities: identities.to_vec(), name: None, language: None }
    }

    fn at(text: &str) -> Address {
        Address(text.to_owned())
    }

    #[test]
    fn a_chat_of_two_is_the_customers() {
        let ada = party(&[Identity::TelegramId(7), Identity::Username("ada".to_owned())]);
        for address in ["7", "7@AbC"] {
            let chat = Chat::with(Channel::Telegram, &at(address), None, &ada).unwrap();
            assert_eq!((chat.private, chat.speaker(&ada)), (true, Speaker::Customer), "{address}");
            assert_eq!(chat.speaker(&party(&[Identity::TelegramId(8)])), Speaker::Us, "{address}");
        }
        let bob = party(&[Identity::WhatsappId("5511987654321".to_owned()), Identity::Phone("+551187654321".to_owned())]);
        let chat = Chat::with(Channel::Whatsapp, &at("5511987654321"), None, &bob).unwrap();
        assert_eq!((chat.private, chat.speaker(&bob)), (true, Speaker::Customer));
    }

    #[test]
    fn a_group_is_known_by_itself() {
        let ada = party(&[Identity::TelegramId(7)]);
        let chat = Chat::with(Channel::Telegram, &at("-100:3"), Some("Board"), &ada).unwrap();
        assert_eq!((chat.private, chat.speaker(&ada)), (false, Speaker::Member));
        assert_eq!(chat.identities, [Identity::TelegramId(-100)]);
        let eve = party(&[Identity::WhatsappId("1555".to_owned())]);
        let chat = Chat::with(Channel::Whatsapp, &at("Y2FwaV9ncm91cA"), None, &eve).unwrap();
        assert_eq!((chat.private, chat.speaker(&eve)), (false, Speaker::Member));
    }

    #[test]
    fn who_writes_to_a_channel_directly_has_a_chat_of_their_own() {
        let ada = party(&[Identity::TelegramId(7)]);
        for address in ["-100~9", "-100!q7"] {
            let chat = Chat::with(Channel::Telegram, &at(address), Some("News"), &ada).unwrap();
            assert_eq!((chat.private, chat.speaker(&ada)), (true, Speaker::Customer), "{address}");
            assert_eq!(chat.identities, ada.identities);
        }
    }

    proptest! {
        #[test]
        fn any_address_is_a_chat_of_somebody_or_none(address in "\\PC{0,300}|[0-9@:~!+.-]{0,20}") {
            for channel in [Channel::Whatsapp, Channel::Telegram, Channel::Sms] {
                if let Some(chat) = Chat::of(channel, &at(&address), None) {
                    prop_assert!(!chat.identities.is_empty() && chat.address.len() <= MAX_ADDRESS);
                }
            }
        }
    }
}
