//! What people do, as updates: <https://core.telegram.org/bots/api#update>.

use super::updates::Pushed;
use super::{Inner, Telegram};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Somebody who writes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    pub id: i64,
    pub first_name: String,
    pub last_name: Option<String>,
    pub username: Option<String>,
    pub language_code: Option<String>,
}

impl Person {
    pub fn new(id: i64, first_name: impl Into<String>) -> Self {
        Self { id, first_name: first_name.into(), ..Self::default() }
    }

    fn names(&self) -> Map<String, Value> {
        let mut names = Map::from_iter([
            ("id".to_owned(), Value::from(self.id)),
            ("first_name".to_owned(), self.first_name.as_str().into()),
        ]);
        for (name, value) in [("last_name", &self.last_name), ("username", &self.username)] {
            if let Some(value) = value {
                names.insert(name.to_owned(), value.as_str().into());
            }
        }
        names
    }

    fn user(&self) -> Value {
        let mut user = self.names();
        user.insert("is_bot".to_owned(), false.into());
        if let Some(language) = &self.language_code {
            user.insert("language_code".to_owned(), language.as_str().into());
        }
        Value::Object(user)
    }

    fn chat(&self) -> Value {
        let mut chat = self.names();
        chat.insert("type".to_owned(), "private".into());
        Value::Object(chat)
    }
}

/// A group, by its id (below zero; a supergroup's begins with -100).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    pub id: i64,
    pub title: String,
    /// It has topics.
    #[serde(default)]
    pub is_forum: bool,
}

impl Group {
    pub fn new(id: i64, title: impl Into<String>) -> Self {
        Self { id, title: title.into(), is_forum: false }
    }

    fn chat(&self) -> Value {
        let kind = if self.id <= -1_000_000_000_000 { "supergroup" } else { "group" };
        let mut chat = json!({ "id": self.id, "title": self.title, "type": kind });
        if self.is_forum {
            chat["is_forum"] = true.into();
        }
        chat
    }
}

/// One thing that somebody says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Says {
    Text {
        text: String,
    },
    /// `file_id` is from [`Telegram::add_file`]; so below. `as` is the field: `photo`, `document`, `voice`, `video`, `video_note`, `audio`,
    /// `animation`, `sticker`.
    File {
        file_id: String,
        #[serde(rename = "as")]
        field: String,
        caption: Option<String>,
    },
    Location {
        latitude: f64,
        longitude: f64,
    },
    Venue {
        latitude: f64,
        longitude: f64,
        title: String,
        address: String,
    },
    Contact {
        phone_number: String,
        first_name: String,
        last_name: Option<String>,
        vcard: Option<String>,
    },
    /// Anything else: these fields are put into the message.
    Other {
        fields: Value,
    },
}

impl Says {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    pub fn file(field: &str, file_id: &str, caption: Option<&str>) -> Self {
        Self::File { file_id: file_id.to_owned(), field: field.to_owned(), caption: caption.map(str::to_owned) }
    }
}

/// What was said and all that goes with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Said {
    pub says: Says,
    /// In a group; else in the chat with the bot.
    pub group: Option<Group>,
    /// The forum's topic.
    pub topic: Option<i64>,
    /// The message's id that is answered, in the same chat.
    pub reply_to: Option<i64>,
    /// Messages of one album have the same.
    pub album: Option<String>,
    /// Written to a business account that the bot is connected to.
    pub business_connection_id: Option<String>,
    pub at: Option<DateTime<Utc>>,
}

impl From<Says> for Said {
    fn from(says: Says) -> Self {
        Self { says, group: None, topic: None, reply_to: None, album: None, business_connection_id: None, at: None }
    }
}

impl Telegram {
    /// Somebody says something; from now on the bot may write to that chat.
    pub async fn person_says(&self, who: &Person, said: impl Into<Said> + Send) -> Pushed {
        let (kind, value) = self.inner.said(who, &said.into());
        self.inner.push(kind, value).await
    }

    /// Somebody changes what they wrote.
    pub async fn person_edits(&self, who: &Person, chat: i64, message: i64, text: &str) -> Pushed {
        let edited = {
            let mut state = self.inner.state();
            let known = state.messages.get(&(chat, message)).cloned();
            let mut edited = known.unwrap_or_else(|| {
                json!({ "message_id": message, "from": who.user(), "chat": who.chat(), "date": Utc::now().timestamp() })
            });
            edited["edit_date"] = Utc::now().timestamp().into();
            edited["text"] = text.into();
            state.messages.insert((chat, message), edited.clone());
            edited
        };
        self.inner.push("edited_message", edited).await
    }

    /// Somebody presses a button under a message of the bot's. The press's id is in the update.
    pub async fn person_presses(&self, who: &Person, chat: i64, message: i64, data: &str) -> Pushed {
        let id = (Uuid::now_v7().as_u128() % 1_000_000_000_000_000_000).to_string();
        let mut press = json!({
            "id": id, "from": who.user(), "chat_instance": "7716203144021", "data": data,
        });
        {
            let mut state = self.inner.state();
            state.queries.insert(id, None);
            press["message"] = match state.messages.get(&(chat, message)) {
                Some(message) => message.clone(),
                // Too old: Telegram tells no more than where it stood.
                None => json!({ "chat": { "id": chat, "type": "private" }, "message_id": message, "date": 0 }),
            };
        }
        self.inner.push("callback_query", press).await
    }

    /// Somebody reacts; without an emoji the reaction is taken away. It comes only if `allowed_updates` names `message_reaction`.
    pub async fn person_reacts(&self, who: &Person, chat: i64, message: i64, emoji: Option<&str>) -> Pushed {
        let new: Vec<Value> = emoji.into_iter().map(|emoji| json!({ "type": "emoji", "emoji": emoji })).collect();
        let place = self.inner.state().chats.get(&chat).cloned().unwrap_or_else(|| who.chat());
        let reaction = json!({
            "chat": place, "message_id": message, "user": who.user(), "date": Utc::now().timestamp(),
            "old_reaction": [], "new_reaction": new,
        });
        self.inner.push("message_reaction", reaction).await
    }

    /// Somebody blocks the bot, or takes it back. Messages to them are refused with 403 as long as it lasts.
    pub async fn person_blocks(&self, who: &Person, blocked: bool) -> Pushed {
        self.set_blocked(who.id, blocked);
        let bot = self.inner.options.bot();
        let member =
            |is_in: bool| json!({ "user": bot, "status": if is_in { "member" } else { "kicked" }, "until_date": 0 });
        let change = json!({
            "chat": who.chat(), "from": who.user(), "date": Utc::now().timestamp(),
            "old_chat_member": member(blocked), "new_chat_member": member(!blocked),
        });
        self.inner.push("my_chat_member", change).await
    }

    /// Somebody brings the bot into a group, or puts it out.
    pub async fn bot_joins(&self, who: &Person, group: &Group, joins: bool) -> Pushed {
        let bot = self.inner.options.bot();
        let member = |is_in: bool| json!({ "user": bot, "status": if is_in { "member" } else { "left" } });
        let change = json!({
            "chat": group.chat(), "from": who.user(), "date": Utc::now().timestamp(),
            "old_chat_member": member(!joins), "new_chat_member": member(joins),
        });
        {
            let mut state = self.inner.state();
            if joins {
                state.chats.insert(group.id, group.chat());
            } else {
                state.chats.remove(&group.id);
            }
        }
        self.inner.push("my_chat_member", change).await
    }

    /// A group becomes a supergroup with another id: messages to the old one are refused with the new one.
    pub async fn group_becomes(&self, who: &Person, group: &Group, new: i64) -> Pushed {
        let message = {
            let mut state = self.inner.state();
            let supergroup = Group { id: new, ..group.clone() };
            state.migrated.insert(group.id, new);
            state.chats.insert(new, supergroup.chat());
            let id = state.next_message(group.id);
            json!({
                "message_id": id, "from": who.user(), "chat": group.chat(), "date": Utc::now().timestamp(),
                "migrate_to_chat_id": new,
            })
        };
        self.inner.push("message", message).await
    }
}

impl Inner {
    /// The kind of update and the message; the chat and the message are known from now on.
    pub(super) fn said(&self, who: &Person, said: &Said) -> (&'static str, Value) {
        let chat = said.group.as_ref().map_or_else(|| who.chat(), Group::chat);
        let chat_id = said.group.as_ref().map_or(who.id, |group| group.id);
        let mut state = self.state();
        state.chats.insert(chat_id, chat.clone());
        let id = state.next_message(chat_id);
        let date = said.at.unwrap_or_else(Utc::now).timestamp();
        let mut message = json!({ "message_id": id, "from": who.user(), "chat": chat, "date": date });
        if let Some(topic) = said.topic {
            message["message_thread_id"] = topic.into();
            message["is_topic_message"] = true.into();
        }
        if let Some(to) = said.reply_to {
            let answered = state.messages.get(&(chat_id, to)).cloned();
            message["reply_to_message"] =
                answered.unwrap_or_else(|| json!({ "message_id": to, "chat": message["chat"], "date": date }));
        }
        if let Some(album) = &said.album {
            message["media_group_id"] = album.as_str().into();
        }
        match &said.says {
            Says::Text { text } => {
                message["text"] = text.as_str().into();
                if let Some(entities) = command(text) {
                    message["entities"] = entities;
                }
            }
            Says::File { file_id, field, caption } => {
                message[field] = state.media(field, file_id);
                // For those who do not know animations.
                if field == "animation" {
                    message["document"] = Value::Object(state.told(file_id));
                }
                if let Some(caption) = caption {
                    message["caption"] = caption.as_str().into();
                }
            }
            Says::Location { latitude, longitude } => {
                message["location"] = json!({ "latitude": latitude, "longitude": longitude });
            }
            Says::Venue { latitude, longitude, title, address } => {
                let place = json!({ "latitude": latitude, "longitude": longitude });
                message["venue"] = json!({ "location": place, "title": title, "address": address });
                message["location"] = place;
            }
            Says::Contact { phone_number, first_name, last_name, vcard } => {
                let mut contact = json!({ "phone_number": phone_number, "first_name": first_name });
                for (name, value) in [("last_name", last_name), ("vcard", vcard)] {
                    if let Some(value) = value {
                        contact[name] = value.as_str().into();
                    }
                }
                message["contact"] = contact;
            }
            Says::Other { fields } => {
                for (name, value) in fields.as_object().into_iter().flatten() {
                    message[name] = value.clone();
                }
            }
        }
        let kind = match &said.business_connection_id {
            Some(connection) => {
                message["business_connection_id"] = connection.as_str().into();
                "business_message"
            }
            None => "message",
        };
        state.messages.insert((chat_id, id), message.clone());
        (kind, message)
    }
}

/// The entity of a command that a text begins with. Commands are ASCII, so that bytes and UTF-16 units are the same.
fn command(text: &str) -> Option<Value> {
    let word = text.split_whitespace().next()?;
    let name = word.strip_prefix('/')?;
    let is_command = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'@');
    (is_command && text.starts_with('/')).then(|| json!([{ "type": "bot_command", "offset": 0, "length": word.len() }]))
}
