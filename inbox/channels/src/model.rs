//! What was told and what is to be said, in words that no provider owns.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The provider's own id of a message: `wamid.…`, `SM…`, or for Telegram `chat/message`, since its ids count per chat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProviderId(pub String);

/// Where an answer goes, as the provider wants it in a request: a WhatsApp id or BSUID, a Telegram chat (`123`, `-100123:7` with a topic), a number in E.164.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address(pub String);

/// One thing that a provider told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The provider's own time; absent where it gives none (Twilio), and then the time of receipt counts.
    pub at: Option<DateTime<Utc>>,
    /// Tells two webhooks apart that tell the same thing twice: equal keys within an account are one thing.
    pub key: String,
    /// Which of the provider's lines it came to, where an account has several (WhatsApp's `phone_number_id`, Twilio's `To`).
    pub line: Option<String>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    Message(Box<Message>),
    /// A message has another text now.
    Edited {
        message: ProviderId,
        chat: Address,
        content: Content,
    },
    /// Somebody took messages back.
    Deleted {
        messages: Vec<ProviderId>,
        chat: Address,
    },
    /// `emoji` empty: the reaction was taken away.
    Reacted {
        message: ProviderId,
        from: Option<Party>,
        chat: Address,
        emoji: Vec<String>,
    },
    Status(Status),
    /// A customer changed their number or id at the provider: both are the same person, and `body` is the evidence.
    Moved {
        old: Identity,
        new: Identity,
        body: String,
    },
    /// The customer does (not) want advertising any more, or blocked us.
    Consent {
        from: Party,
        category: String,
        wanted: bool,
    },
    /// Somebody came into or left a chat, or our bot did.
    Member {
        chat: Address,
        title: Option<String>,
        who: Party,
        ours: bool,
        joined: bool,
    },
    /// A contact of the phone app's own address book (coexistence).
    Book {
        phone: String,
        name: Option<String>,
        removed: bool,
    },
    Template(TemplateChange),
    Account(AccountChange),
    /// Known, and nothing of it is shown: `what` says which, by the provider's name.
    Ignored {
        what: String,
    },
    /// Not known: kept raw, and shown as such in the chat if one is known.
    Unsupported {
        what: String,
        from: Option<Party>,
        chat: Option<Address>,
        raw: Value,
    },
}

/// A message that came, or one of ours that was sent by other means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: ProviderId,
    pub from: Party,
    /// Where an answer goes. A group's chat is not its sender's.
    pub chat: Address,
    /// The name of a group or a channel; absent in a chat of two.
    pub title: Option<String>,
    pub by: By,
    /// Older than the connection: shown, but it opens nothing and wakes nobody.
    pub history: bool,
    pub content: Content,
    pub reply_to: Option<ProviderId>,
    pub forwarded: bool,
    /// Several messages of one album carry the same.
    pub album: Option<String>,
    /// The advertisement or the post that they came by.
    pub referral: Option<Referral>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    Customer,
    /// Written by our side in the provider's own app (WhatsApp's coexistence, Telegram Business): an echo, not to be sent again.
    Us,
    Bot,
}

/// Who somebody is at the provider, with everything that was told about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Never empty; the first is the one that the provider itself holds on to.
    pub identities: Vec<Identity>,
    pub name: Option<String>,
    /// BCP 47, as told.
    pub language: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Identity {
    /// E.164 with its `+`.
    Phone(String),
    WhatsappId(String),
    /// WhatsApp's business-scoped user id (BSUID): all there is of who keeps their number to themselves.
    WhatsappUser(String),
    TelegramId(i64),
    /// A name that its owner may change and another may take: it is shown, and nobody is recognised by it.
    Username(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    Text {
        text: String,
    },
    Media(Media),
    Location {
        latitude: f64,
        longitude: f64,
        name: Option<String>,
        address: Option<String>,
    },
    Contacts {
        cards: Vec<Card>,
    },
    /// What was chosen of the buttons or of the list that we had sent. `payload` is ours, `title` is what they saw.
    Choice {
        title: String,
        payload: String,
    },
    /// A form that was filled in (WhatsApp Flows, Telegram's web apps).
    Form {
        name: Option<String>,
        answers: Value,
    },
    Order {
        items: Vec<OrderItem>,
        note: Option<String>,
        catalogue: Option<String>,
    },
    /// A customer pressed a command: `/start` with its argument.
    Command {
        name: String,
        argument: String,
    },
    /// Something that a person reads in one line: a poll, a dice, a gift, who joined. `what` is the provider's name for it.
    Notice {
        what: String,
        text: String,
    },
    /// A template of ours as the echo or the history tells it.
    Template {
        name: Option<String>,
        text: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Media {
    pub sort: MediaSort,
    pub at: MediaAt,
    /// As the sender said: it may lie, and what is stored is looked at.
    pub mime: Option<String>,
    pub file_name: Option<String>,
    pub caption: Option<String>,
    /// Bytes.
    pub size: Option<u64>,
    /// Seconds.
    pub seconds: Option<u32>,
    /// SHA-256 as the provider gave it, in lower-case hex.
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSort {
    Image,
    Audio,
    Voice,
    Video,
    /// A round video message.
    VideoNote,
    Document,
    Sticker,
    Animation,
}

/// How the file is had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", content = "value", rename_all = "snake_case")]
pub enum MediaAt {
    /// By the provider's id of it.
    Id(String),
    Url(String),
    /// It was there and is not to be had (history's placeholders).
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub name: String,
    pub phones: Vec<String>,
    pub emails: Vec<String>,
    pub organisation: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderItem {
    pub product: String,
    pub quantity: f64,
    pub price: f64,
    /// ISO 4217.
    pub currency: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    pub url: Option<String>,
    pub title: Option<String>,
    pub body: Option<String>,
    /// The id of the advertisement, the payload of the link.
    pub source: Option<String>,
}

/// How far a message of ours has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub message: ProviderId,
    pub state: DeliveryState,
    /// The reference that was sent along ([`Outgoing::reference`]), where the provider gives it back: it settles an attempt without an answer.
    pub reference: Option<String>,
    pub to: Option<Address>,
    pub failure: Option<Failure>,
    pub pricing: Option<Pricing>,
}

/// In the order in which they come; a later one never goes back to an earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Accepted,
    Sent,
    Delivered,
    Read,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    pub billable: bool,
    /// `service`, `utility`, `marketing`, `authentication` …
    pub category: String,
    pub model: Option<String>,
}

/// Why something was not sent, by the provider's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    /// The provider's words, for those who look closer.
    pub detail: String,
    pub why: Why,
}

/// What a failure means for the one who wrote: each has its sentence in the panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    // Temporary: the same request may do a moment later.
    TooMany,
    ProviderDown,
    // For good.
    /// No such number, or nobody with this app there.
    NoSuchRecipient,
    /// They blocked us or said STOP.
    Refused,
    /// More than 24 hours since they wrote: a template is wanted.
    WindowClosed,
    TemplateWanting,
    /// Text too long, a file too large, a kind that the provider does not take.
    NotAccepted,
    /// Token expired or withdrawn, account suspended: the account's health shows it.
    Account,
    /// Out of credit or over the account's own limit.
    Money,
    /// Held by the carrier or by the provider's filter.
    Filtered,
    /// Known to neither table: for good, since a repeat might send it twice.
    Unknown,
}

impl Why {
    /// Whether the same request is sent again by itself.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::TooMany | Self::ProviderDown)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TemplateChange {
    pub id: Option<String>,
    pub name: String,
    pub language: String,
    /// `status`, `quality`, `category`, `components`.
    pub what: String,
    /// The new value, by the provider's name: `APPROVED`, `REJECTED`, `PAUSED`, `GREEN`…
    pub value: String,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountChange {
    /// The provider's name for what changed: `phone_number_quality_update`, `account_review_update` …
    pub what: String,
    pub value: String,
    pub level: Level,
    pub raw: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Note,
    /// Worth a look.
    Warning,
    /// Nothing is sent or received any more until somebody does something.
    Stopped,
}

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    pub to: Address,
    pub say: Say,
    pub reply_to: Option<ProviderId>,
    /// Ours, and of this attempt alone; at most 64 characters of `[0-9a-zA-Z-]`.
    pub reference: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Say {
    Text {
        text: String,
    },
    File {
        sort: MediaSort,
        file: Upload,
        caption: Option<String>,
    },
    Location {
        latitude: f64,
        longitude: f64,
        name: Option<String>,
        address: Option<String>,
    },
    Contacts {
        cards: Vec<Card>,
    },
    /// Text with buttons under it, or with a list to choose from where there are more than a provider's buttons hold.
    Choices {
        text: String,
        choices: Vec<Choice>,
    },
    Template {
        name: String,
        language: String,
        header: Option<TemplateHeader>,
        body: Vec<String>,
        /// The names of `body`'s values, in its order, where the template names its variables; empty where it numbers them.
        #[serde(default)]
        names: Vec<String>,
        buttons: Vec<TemplateButton>,
    },
    /// `None` takes the reaction away.
    React {
        message: ProviderId,
        emoji: Option<String>,
    },
    Edit {
        message: ProviderId,
        text: String,
    },
    Delete {
        message: ProviderId,
    },
    /// They see that it was read up to here.
    Read {
        message: ProviderId,
    },
    /// "is writing", for some seconds. `message` is the last one of theirs: some providers want it.
    Typing {
        message: Option<ProviderId>,
    },
    /// What a press of a button is answered with, so that it does not spin.
    Pressed {
        press: String,
        text: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    pub title: String,
    pub payload: String,
    pub description: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TemplateHeader {
    Text { text: String },
    File { sort: MediaSort, file: Upload },
    Location { latitude: f64, longitude: f64, name: String, address: String },
}

/// A variable of a template's button: `index` counts from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateButton {
    pub index: u8,
    /// `url`, `quick_reply`, `copy_code`.
    pub sort: String,
    pub value: String,
}

/// A file of ours that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The blob's key: the client opens it when it sends.
    pub key: String,
    pub mime: String,
    pub file_name: String,
    /// Bytes.
    pub size: u64,
    /// A link that the provider can fetch it by, for those who want one (Twilio).
    pub url: Option<String>,
    /// The provider's id of it, from an upload before.
    pub provider_id: Option<String>,
}
