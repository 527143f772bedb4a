//! What somebody is known by, in its one normal form.

use serde::{Deserialize, Serialize};
use trunkline_channels::model::Identity;
use utoipa::ToSchema;

use crate::names;
use crate::phone::Phone;

/// Most bytes of a value, as the table has it.
const MAX_BYTES: usize = 256;

/// By what somebody may be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityType {
    /// A telephone number.
    Phone,
    /// `WhatsApp`'s own id: a number, mostly.
    WhatsappId,
    /// `WhatsApp`'s business-scoped user id.
    WhatsappUser,
    /// Telegram's id of a person.
    TelegramId,
    /// A name that its owner may change and another may take: nobody is recognised by it.
    Username,
    /// An e-mail address.
    Email,
    /// A visitor of a web site.
    Visitor,
}

impl IdentityType {
    /// As the table and the API have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::WhatsappId => "whatsapp_id",
            Self::WhatsappUser => "whatsapp_user",
            Self::TelegramId => "telegram_id",
            Self::Username => "username",
            Self::Email => "email",
            Self::Visitor => "visitor",
        }
    }

    /// The one with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Phone,
            Self::WhatsappId,
            Self::WhatsappUser,
            Self::TelegramId,
            Self::Username,
            Self::Email,
            Self::Visitor,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == name)
    }

    /// Whether somebody is recognised by it.
    pub const fn recognises(self) -> bool {
        !matches!(self, Self::Username)
    }
}

/// Something that somebody is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Known {
    /// What it is.
    pub kind: IdentityType,
    /// In its one normal form.
    pub value: String,
    /// As it was met.
    pub shown: String,
    /// Not told itself, but follows from what was: a `WhatsApp` id is a number.
    pub implied: bool,
}

impl Known {
    /// Reads one that somebody wrote. `None` for what cannot be one.
    pub fn read(kind: IdentityType, text: &str, country: Option<&str>) -> Option<Self> {
        let text = clean(text)?;
        let (value, shown) = match kind {
            IdentityType::Phone => {
                let phone = Phone::read(&text, country)?;
                (phone.value().to_owned(), phone.shown().to_owned())
            }
            IdentityType::WhatsappId => {
                let digits = text.trim_start_matches('+');
                let is_id = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                if !is_id {
                    return None;
                }
                (digits.to_owned(), digits.to_owned())
            }
            IdentityType::TelegramId => {
                let id: i64 = text.parse().ok()?;
                (id.to_string(), id.to_string())
            }
            IdentityType::Username => {
                let name = text.trim_start_matches(|character: char| character == '@' || character.is_whitespace());
                (name.to_lowercase(), format!("@{name}"))
            }
            IdentityType::Email => (email(&text)?, text),
            IdentityType::WhatsappUser | IdentityType::Visitor => (text.clone(), text),
        };
        Self { kind, value, shown, implied: false }.if_it_fits()
    }

    /// What a channel told, and what follows from it.
    pub fn all_of(identity: &Identity, country: Option<&str>) -> Vec<Self> {
        let mut all = Vec::new();
        match identity {
            // A short code or a sender's name stays as it came.
            Identity::Phone(number) => {
                all.extend(Self::read(IdentityType::Phone, number, country).or_else(|| Self::sender(number)));
            }
            Identity::WhatsappId(id) => {
                all.extend(Self::read(IdentityType::WhatsappId, id, None));
                let number = format!("+{}", id.trim().trim_start_matches('+'));
                let phone = Self::read(IdentityType::Phone, &number, None);
                all.extend(phone.map(|phone| Self { implied: true, ..phone }));
            }
            Identity::WhatsappUser(id) => all.extend(Self::read(IdentityType::WhatsappUser, id, None)),
            Identity::TelegramId(id) => all.extend(Self::read(IdentityType::TelegramId, &id.to_string(), None)),
            Identity::Username(name) => all.extend(Self::read(IdentityType::Username, name, None)),
        }
        all
    }

    /// Everything that was told of somebody, each once, in the order in which it was told; what only follows from it stands last.
    pub fn of_seen(identities: &[Identity], country: Option<&str>) -> Vec<Self> {
        let (told, implied): (Vec<_>, Vec<_>) =
            identities.iter().flat_map(|identity| Self::all_of(identity, country)).partition(|known| !known.implied);
        let mut all: Vec<Self> = Vec::new();
        for known in told.into_iter().chain(implied) {
            if !all.iter().any(|other| other.is(&known)) {
                all.push(known);
            }
        }
        all
    }

    /// Whether both are the same identity.
    pub fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.value == other.value
    }

    fn sender(text: &str) -> Option<Self> {
        let shown = clean(text)?;
        Self { kind: IdentityType::Phone, value: shown.to_lowercase(), shown, implied: false }.if_it_fits()
    }

    /// `None` for what the table has no room for. A small letter may take more bytes than its capital (Ⱥ has two, ⱥ three), so the value counts
    /// as it would be shown: who is read is read again from it.
    fn if_it_fits(self) -> Option<Self> {
        let sign = if self.kind == IdentityType::Username { "@".len() } else { 0 };
        let fits = |text: &str, more: usize| !text.is_empty() && text.len() + more <= MAX_BYTES;
        (fits(&self.value, sign) && fits(&self.shown, 0)).then_some(self)
    }
}

/// Lower-cased; `None` for what has not one `@` between two parts.
fn email(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let plausible = !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
    (plausible && !text.contains(char::is_whitespace)).then(|| text.to_lowercase())
}

fn clean(text: &str) -> Option<String> {
    let text = names::printable(text);
    (!text.is_empty()).then_some(text)
}
