//! An update (<https://core.telegram.org/bots/api#update>) as what was told.

use super::address::Chat;
use super::json::{flag, integer, list, object, owned, text, time};
use super::message::{self, chat_of, party, party_of_chat, title};
use super::service::money;
use super::{Account, member};
use crate::adapter::Malformed;
use crate::json;
use crate::model::{AccountChange, Address, By, Content, Level, Message, Party, ProviderId, Told, What};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Every kind of update that becomes something. Some (`chat_member`, reactions) come only when they are named, so all are.
pub const ALLOWED_UPDATES: &[&str] = &[
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "guest_message",
    "message_reaction",
    "message_reaction_count",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "subscription",
];

/// Known, and nothing of them is shown: they are for bots that do other things.
const IGNORED: &[&str] =
    &["inline_query", "chosen_inline_result", "poll", "poll_answer", "chat_boost", "removed_chat_boost", "managed_bot"];

pub(super) fn parse(account: &Account, body: &[u8]) -> Result<Vec<Told>, Malformed> {
    let update: Value = json::read(body).map_err(|broken| Malformed {
        why: broken.to_string(),
        at: format!("line {} column {}", broken.line(), broken.column()),
    })?;
    let fields = update
        .as_object()
        .ok_or_else(|| Malformed { why: "an update is a JSON object".to_owned(), at: "$".to_owned() })?;
    let id = integer(&update, "update_id")
        .ok_or_else(|| Malformed { why: "not an update".to_owned(), at: "$.update_id".to_owned() })?;

    let mut told = Vec::new();
    for (kind, value) in fields {
        if kind == "update_id" || value.is_null() {
            continue;
        }
        Update { account, id, kind, value }.tell(&mut told);
    }
    if told.is_empty() {
        told.push(Told {
            at: None,
            key: format!("{id}/empty"),
            line: None,
            what: What::Unsupported { what: "an empty update".to_owned(), from: None, chat: None, raw: update },
        });
    }
    Ok(told)
}

/// One update's one thing.
pub(super) struct Update<'a> {
    pub(super) account: &'a Account,
    pub(super) id: i64,
    pub(super) kind: &'a str,
    pub(super) value: &'a Value,
}

impl Update<'_> {
    fn tell(&self, told: &mut Vec<Told>) {
        let before = told.len();
        if IGNORED.contains(&self.kind) {
            told.push(self.told(What::Ignored { what: self.kind.to_owned() }));
            return;
        }
        match self.kind {
            "message" | "channel_post" | "business_message" | "guest_message" => message::came(self, told),
            "edited_message" | "edited_channel_post" | "edited_business_message" => message::edited(self, told),
            "deleted_business_messages" => told.extend(self.deleted()),
            "message_reaction" => told.extend(self.reacted()),
            "message_reaction_count" => told.extend(self.reactions_counted()),
            "callback_query" => told.extend(self.pressed()),
            "business_connection" => told.extend(self.connected()),
            "my_chat_member" | "chat_member" => told.extend(member::changed(self)),
            "chat_join_request" => told.extend(self.asks_to_join()),
            "shipping_query" | "pre_checkout_query" | "purchased_paid_media" | "subscription" => {
                told.extend(self.about_money());
            }
            _ => {}
        }
        if told.len() == before {
            told.push(self.unsupported(self.kind.to_owned()));
        }
    }

    /// What this update says, under the key of the update itself. The provider's number may jump to a random one after a quiet week, so the time is in the key too.
    pub(super) fn told(&self, what: What) -> Told {
        let at = self.at();
        let seconds = at.map_or(0, |at| at.timestamp());
        Told { at, key: format!("{}/{}/{seconds}", self.id, self.kind), line: self.line(), what }
    }

    fn at(&self) -> Option<DateTime<Utc>> {
        time(self.value, "edit_date").or_else(|| time(self.value, "date"))
    }

    /// The business connection is what an account may have several of.
    fn line(&self) -> Option<String> {
        owned(self.value, "business_connection_id")
    }

    pub(super) fn unsupported(&self, what: String) -> Told {
        let from = object(self.value, "from").or_else(|| object(self.value, "user")).and_then(party);
        let chat = chat_of(self.value).map(|chat| chat.address());
        self.told(What::Unsupported { what, from, chat, raw: self.value.clone() })
    }

    fn deleted(&self) -> Option<Told> {
        let chat = chat_of(self.value)?;
        let messages: Vec<ProviderId> = list(self.value, "message_ids")
            .iter()
            .filter_map(Value::as_i64)
            .map(|message| chat.message(message))
            .collect();
        (!messages.is_empty()).then(|| self.told(What::Deleted { messages, chat: chat.address() }))
    }

    /// The topic is not told with a reaction; the message's id finds it.
    fn reacted(&self) -> Option<Told> {
        let chat = chat_of(self.value)?;
        let message = integer(self.value, "message_id")?;
        let from = object(self.value, "user")
            .and_then(party)
            .or_else(|| object(self.value, "actor_chat").and_then(party_of_chat));
        let emoji = list(self.value, "new_reaction").iter().filter_map(emoji).collect();
        Some(self.told(What::Reacted { message: chat.message(message), from, chat: chat.address(), emoji }))
    }

    /// Where reactions are anonymous only their number is told: `from` is nobody, and each emoji stands with how many chose it (`❤️ ×2`).
    fn reactions_counted(&self) -> Option<Told> {
        let chat = chat_of(self.value)?;
        let message = integer(self.value, "message_id")?;
        let counted = |reaction: &Value| {
            let emoji = emoji(reaction.get("type")?)?;
            let count = integer(reaction, "total_count")?;
            Some(if count == 1 { emoji } else { format!("{emoji} ×{count}") })
        };
        let emoji = list(self.value, "reactions").iter().filter_map(counted).collect();
        Some(self.told(What::Reacted { message: chat.message(message), from: None, chat: chat.address(), emoji }))
    }

    /// A button under one of our messages. The message may be too old to be told, or be an inline one that belongs to no chat that we see: then the answer goes to who pressed.
    fn pressed(&self) -> Option<Told> {
        let press = text(self.value, "id")?;
        let sender = object(self.value, "from")?;
        let from = party(sender)?;
        let payload = text(self.value, "data").or_else(|| text(self.value, "game_short_name"))?;
        let under = object(self.value, "message");
        let chat = match under.and_then(chat_of) {
            Some(chat) => chat,
            None => Chat::of(integer(sender, "id")?),
        };
        let rows = under
            .and_then(|under| object(under, "reply_markup"))
            .map_or(&[][..], |markup| list(markup, "inline_keyboard"));
        let title_of_button = rows
            .iter()
            .flat_map(|row| row.as_array().map_or(&[][..], Vec::as_slice))
            .find(|button| text(button, "callback_data") == Some(payload))
            .and_then(|button| text(button, "text"))
            .unwrap_or(payload);
        let message = Message {
            id: ProviderId(format!("{PRESS}{press}")),
            from,
            title: under.and_then(|under| object(under, "chat")).and_then(title),
            by: By::Customer,
            history: false,
            content: Content::Choice { title: title_of_button.to_owned(), payload: payload.to_owned() },
            reply_to: match under.and_then(|under| integer(under, "message_id")) {
                Some(message) => Some(chat.message(message)),
                None => text(self.value, "inline_message_id").map(|id| ProviderId(format!("{INLINE}{id}"))),
            },
            forwarded: false,
            album: None,
            referral: None,
            chat: chat.address(),
        };
        let mut told = self.told(What::Message(Box::new(message)));
        told.key = format!("{PRESS}{press}");
        told.line = chat.business;
        Some(told)
    }

    /// A business account connected us, changed what we may do there, or let us go.
    fn connected(&self) -> Option<Told> {
        let id = text(self.value, "id")?;
        let may_answer = flag(self.value, "can_reply")
            || object(self.value, "rights").is_some_and(|rights| flag(rights, "can_reply"));
        let (value, level) = match (flag(self.value, "is_enabled"), may_answer) {
            (true, true) => ("enabled", Level::Note),
            (true, false) => ("read_only", Level::Warning),
            (false, _) => ("disabled", Level::Stopped),
        };
        let mut told = self.told(What::Account(AccountChange {
            what: "business_connection".to_owned(),
            value: value.to_owned(),
            level,
            raw: self.value.clone(),
        }));
        told.line = Some(id.to_owned());
        Some(told)
    }

    /// The bot may write to who asks (`user_chat_id`) for a day.
    fn asks_to_join(&self) -> Option<Told> {
        let sender = object(self.value, "from")?;
        let group = object(self.value, "chat")?;
        let chat = Chat::of(integer(self.value, "user_chat_id").or_else(|| integer(sender, "id"))?);
        let name = title(group).unwrap_or_else(|| "the chat".to_owned());
        let mut words = format!("asks to join {name}");
        if let Some(bio) = text(self.value, "bio") {
            words.push_str(": ");
            words.push_str(bio);
        }
        let id = format!("{}/join/{}", integer(group, "id")?, self.id);
        Some(self.notice(party(sender)?, chat.address(), id, words))
    }

    fn about_money(&self) -> Option<Told> {
        let sender = object(self.value, "from").or_else(|| object(self.value, "user"))?;
        let words = match self.kind {
            "pre_checkout_query" => format!("is about to pay {}", money(self.value)),
            "shipping_query" => "asks what the shipping costs".to_owned(),
            "subscription" => format!("subscription: {}", text(self.value, "state").unwrap_or("changed")),
            _ => "bought paid media".to_owned(),
        };
        let chat = Chat::of(integer(sender, "id")?);
        let id = format!("{}/{}/{}", chat.id, self.kind, self.id);
        Some(self.notice(party(sender)?, chat.address(), id, words))
    }

    fn notice(&self, from: Party, chat: Address, id: String, words: String) -> Told {
        self.told(What::Message(Box::new(Message {
            id: ProviderId(id),
            from,
            chat,
            title: None,
            by: By::Customer,
            history: false,
            content: Content::Notice { what: self.kind.to_owned(), text: words },
            reply_to: None,
            forwarded: false,
            album: None,
            referral: None,
        })))
    }
}

/// A press is a message with this before the callback query's id; [`crate::model::Say::Pressed`] takes it with or without.
pub(super) const PRESS: &str = "press/";

/// Whether this is a press of a button, which spins until it is answered.
pub fn is_press(id: &ProviderId) -> bool {
    id.0.starts_with(PRESS)
}

/// A message that stands in a chat that the bot does not see has this before its `inline_message_id`: it can be changed, and nothing else.
pub(super) const INLINE: &str = "inline/";

/// A custom emoji is a picture that only its number names.
fn emoji(reaction: &Value) -> Option<String> {
    match text(reaction, "type")? {
        "emoji" => owned(reaction, "emoji"),
        "custom_emoji" => text(reaction, "custom_emoji_id").map(|id| format!("custom_emoji:{id}")),
        "paid" => Some("⭐".to_owned()),
        other => Some(other.to_owned()),
    }
}
