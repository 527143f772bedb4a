//! Who somebody is. Meta tells a `wa_id` (a number, mostly), a business-scoped user id (BSUID) or both:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids>.

use super::read;
use crate::model::{Address, Identity, Party};
use serde_json::Value;

/// Everything that a webhook says of one person.
#[derive(Debug, Default)]
pub(super) struct Person<'a> {
    pub(super) wa_id: Option<&'a str>,
    /// The number as they wrote with it. In some countries (Brazil, Mexico, Argentina) it is another than the `wa_id`.
    pub(super) number: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) parent_user_id: Option<&'a str>,
    pub(super) username: Option<&'a str>,
    pub(super) name: Option<&'a str>,
}

impl<'a> Person<'a> {
    /// The sender of a message: its own fields and its card in `contacts`.
    pub(super) fn sender(message: &'a Value, contacts: &'a [Value]) -> Self {
        let number = read::text(message, "from");
        let user_id = read::text(message, "from_user_id");
        let is_theirs = |contact: &&Value| {
            (number.is_some() && read::text(contact, "wa_id") == number)
                || (user_id.is_some() && read::text(contact, "user_id") == user_id)
        };
        // The only card is the sender's, even where its id is written another way than the number.
        let contact = contacts.iter().find(is_theirs).or(if let [only] = contacts { Some(only) } else { None });
        let mut person = contact.map(Self::card).unwrap_or_default();
        person.number = number;
        person.user_id = user_id.or(person.user_id);
        person.parent_user_id = read::text(message, "from_parent_user_id").or(person.parent_user_id);
        person
    }

    /// An element of `contacts`, or anything else that carries `wa_id` and `user_id`.
    pub(super) fn card(card: &'a Value) -> Self {
        let profile = card.get("profile").unwrap_or(&Value::Null);
        Self {
            wa_id: read::text(card, "wa_id"),
            number: None,
            user_id: read::text(card, "user_id"),
            parent_user_id: read::text(card, "parent_user_id"),
            username: read::text(profile, "username").or_else(|| read::text(card, "username")),
            name: read::text(profile, "name"),
        }
    }

    /// `wa_id` first: it is what the oldest of their messages came with. `None` for somebody of whom nothing was told.
    pub(super) fn party(&self) -> Option<Party> {
        let mut identities = Vec::new();
        identities.extend(self.wa_id.or(self.number).map(|id| Identity::WhatsappId(id.to_owned())));
        identities.extend(self.number.or(self.wa_id).and_then(e164).map(Identity::Phone));
        identities.extend(self.user_id.map(|id| Identity::WhatsappUser(id.to_owned())));
        identities.extend(self.parent_user_id.map(|id| Identity::WhatsappUser(id.to_owned())));
        if identities.is_empty() {
            return None;
        }
        identities.extend(self.username.map(|name| Identity::Username(name.trim_start_matches('@').to_owned())));
        Some(Party { identities, name: self.name.map(str::to_owned), language: None })
    }

    /// Where an answer goes.
    pub(super) fn address(&self) -> Option<Address> {
        self.wa_id.or(self.number).or(self.user_id).or(self.parent_user_id).map(|id| Address(id.to_owned()))
    }
}

/// The number that is meant, in E.164, where it is one.
pub(super) fn e164(text: &str) -> Option<String> {
    let digits = text.trim().trim_start_matches('+');
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("+{digits}"))
}
