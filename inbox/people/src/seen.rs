//! Somebody was met: what a channel or a call tells about them, and who that is.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_channels::model::Identity;
use trunkline_db::{ContactId, UserId};
use trunkline_journal::NewEvent;
use uuid::Uuid;

/// Somebody, as they were met.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// What they are known by; never empty. The first is the one that the provider itself holds on to.
    pub identities: Vec<Identity>,
    /// The name that was told.
    pub name: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// Country (ISO 3166-1 alpha-2) by which a national number is read.
    pub country: Option<String>,
    /// How we know.
    pub evidence: Evidence,
    /// When.
    pub at: DateTime<Utc>,
}

/// By what an identity is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `whatsapp`, `telegram`, `twilio`, `call` or `agent`.
    pub by: String,
    /// The channel account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account_id: Option<Uuid>,
    /// The call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub call_id: Option<Uuid>,
    /// The person of ours who said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_id: Option<Uuid>,
    /// The provider's words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

impl Evidence {
    /// The word of somebody of ours.
    pub fn of_agent(user: UserId) -> Self {
        Self { by: "agent".to_owned(), user_id: Some(user.uuid()), ..Self::default() }
    }

    /// Fit to be kept: texts of bounded length without what no text of ours holds.
    pub(crate) fn bounded(&self) -> Self {
        let cut = |text: &str, most: usize| -> String {
            text.chars().filter(|character| !character.is_control() || *character == '\n').take(most).collect()
        };
        Self {
            by: cut(&self.by, 40),
            text: self.text.as_deref().map(|text| cut(text, 500)).filter(|text| !text.is_empty()),
            ..self.clone()
        }
    }
}

/// Who that is.
#[derive(Debug)]
pub struct Resolved {
    /// The contact.
    pub contact: ContactId,
    /// The contact that stands for the person.
    pub person: ContactId,
    /// What the person is called.
    pub name: String,
    /// They were not known before.
    pub new: bool,
    /// They were blocked by us.
    pub blocked: bool,
    /// What happened, for the caller to append with its own.
    pub events: Vec<NewEvent>,
}
