//! What the API shows of channel accounts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trunkline_channels::model::Level;
use trunkline_db::{ChannelAccountId, QueueId, SiteId};

use crate::http::Patch;

/// Which provider an account is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ChannelAccountType)]
pub enum Kind {
    /// WhatsApp's Cloud API.
    Whatsapp,
    /// The Telegram Bot API.
    Telegram,
    /// SMS by the Twilio-compatible REST interface.
    Twilio,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Whatsapp, Self::Telegram, Self::Twilio];

    /// As in the database, in addresses and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Telegram => "telegram",
            Self::Twilio => "twilio",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// How what the provider tells reaches us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Receiving {
    /// Nothing was seen of it yet.
    #[default]
    Unknown,
    /// The provider has shown that it knows the webhook.
    Verified,
    /// The provider is asked for what is new (Telegram, where it cannot reach us).
    Polling,
    /// It does not, for the reason beside.
    Failing,
}

/// Why an account does not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct Trouble {
    /// `account` (token, suspension), `money`, `webhook`, `provider`, or what the provider calls it.
    pub(super) what: String,
    /// In words.
    pub(super) detail: String,
    /// Since when.
    pub(super) at: DateTime<Utc>,
    /// `stopped`: nothing is sent or received until somebody does something.
    #[serde(default = "warning")]
    #[schema(value_type = String)]
    pub(super) level: Level,
    /// `provider`: it told so by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<String>,
}

const fn warning() -> Level {
    Level::Warning
}

/// How an account does, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    /// How it receives.
    pub(super) webhook: Receiving,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<Trouble>,
    /// When the token ends, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_expires_at: Option<DateTime<Utc>>,
    /// What others keep there: what the provider told of each thing.
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// How an account does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// How it receives.
    pub(super) webhook: Receiving,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<Trouble>,
    /// When the token ends, as far as it is known.
    pub(super) token_expires_at: Option<DateTime<Utc>>,
    /// When the provider last told something.
    pub(super) last_received_at: Option<DateTime<Utc>>,
    /// When it last took something.
    pub(super) last_sent_at: Option<DateTime<Utc>>,
}

/// A connected WhatsApp number, Telegram bot or SMS sender.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct ChannelAccount {
    /// The account.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: ChannelAccountId,
    /// The provider.
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// Its name.
    pub(super) name: String,
    /// Its settings, without its secrets.
    #[schema(value_type = Object)]
    pub(super) settings: Value,
    /// The secrets that are set, by name.
    pub(super) secrets: Vec<&'static str>,
    /// Whose work its conversations are; null: everybody's.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) queue_id: Option<QueueId>,
    /// The site that it is of.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) site_id: Option<SiteId>,
    /// Nothing is sent by one that is not; what the provider tells is still kept.
    pub(super) enabled: bool,
    /// Where the provider posts to.
    pub(super) webhook_url: String,
    /// What WhatsApp shows when the webhook is set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) verify_token: Option<String>,
    /// How it does.
    pub(super) health: Health,
    /// When it was connected.
    pub(super) created_at: DateTime<Utc>,
    /// When it was last changed.
    pub(super) updated_at: DateTime<Utc>,
}

/// Body of `POST /channel-accounts`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateChannelAccount {
    /// The provider.
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// At most 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: String,
    /// What the provider needs, with its secrets; and `greeting`, `out_of_hours`, `hours`, `help`, `csat`, `reopen_hours`, `country`.
    #[schema(value_type = Object)]
    pub(super) settings: Map<String, Value>,
    /// Whose work its conversations are; absent: everybody's.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) queue_id: Option<QueueId>,
    /// The site that it is of.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) site_id: Option<SiteId>,
}

/// Body of `PATCH /channel-accounts/{id}`: what is absent stays as it is.
#[derive(Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateChannelAccount {
    /// At most 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub(super) name: Option<String>,
    /// Settings that change; null: as if it was not set.
    #[schema(value_type = Option<Object>)]
    pub(super) settings: Option<Map<String, Value>>,
    /// Whose work its conversations are; null: everybody's.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) queue_id: Patch<QueueId>,
    /// The site that it is of.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) site_id: Patch<SiteId>,
    /// Whether anything is sent by it.
    pub(super) enabled: Option<bool>,
}

// Their settings hold secrets.
impl std::fmt::Debug for CreateChannelAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateChannelAccount")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for UpdateChannelAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpdateChannelAccount").field("name", &self.name).finish_non_exhaustive()
    }
}
