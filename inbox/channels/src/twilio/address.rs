//! Who wrote: a number, a short code, a sender's name, or with a channel before it `whatsapp:+1…`, `whatsapp:US.1234` (a BSUID), `rcs:…`.

use crate::model::{self, Address, Identity};

pub(super) const WHATSAPP: &str = "whatsapp:";

/// A sender, with the address as Twilio wants it back.
pub(super) struct Party {
    address: String,
    identities: Vec<Identity>,
}

impl Party {
    /// `external` is the BSUID that comes beside a number (`ExternalUserId`). One that is not of that form is left out: the number does.
    pub(super) fn read(from: &str, external: Option<&str>) -> Option<Self> {
        let (channel, user) = from.split_at(from.find(':').map_or(0, |at| at + 1));
        let number = phone(user);
        let mut identities: Vec<Identity> = match (channel, &number) {
            (WHATSAPP, Some(number)) => {
                let id = number.trim_start_matches('+').to_owned();
                vec![Identity::Phone(number.clone()), Identity::WhatsappId(id)]
            }
            (WHATSAPP, None) => bsuid(user).into_iter().collect(),
            // RCS names its users by number, as SMS does.
            (_, Some(number)) => vec![Identity::Phone(number.clone())],
            // A short code and a sender's name stay as they came.
            ("", None) => vec![Identity::Phone(from.to_owned())],
            (_, None) => vec![Identity::Username(from.to_owned())],
        };
        let external = external.map(|user| user.strip_prefix(WHATSAPP).unwrap_or(user)).and_then(bsuid);
        identities.extend(external.filter(|user| !identities.contains(user)));
        let address = number.map_or_else(|| from.to_owned(), |number| format!("{channel}{number}"));
        (!identities.is_empty()).then_some(Self { address, identities })
    }

    pub(super) fn is_whatsapp(&self) -> bool {
        self.address.starts_with(WHATSAPP)
    }

    pub(super) fn address(&self) -> Address {
        Address(self.address.clone())
    }

    pub(super) fn party(&self, name: Option<&str>) -> model::Party {
        model::Party { identities: self.identities.clone(), name: name.map(str::to_owned), language: None }
    }
}

/// E.164: a plus and up to 15 digits. A plus that was not escaped in the form is read as a space. Without either it is a short code, or not international.
fn phone(written: &str) -> Option<String> {
    let digits = written.strip_prefix(['+', ' '])?;
    let plausible = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plausible.then(|| format!("+{digits}"))
}

/// A country's two letters, a dot, and letters or digits.
fn bsuid(user: &str) -> Option<Identity> {
    let (country, id) = user.split_once('.')?;
    let right = country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    right.then(|| Identity::WhatsappUser(user.to_owned()))
}
