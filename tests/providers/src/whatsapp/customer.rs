//! What customers say, as the webhook tells it:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages>, one page per kind.

use super::{Inner, wamid};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Somebody who writes. One of `wa_id` and `user_id` is there at least.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Customer {
    /// Digits.
    pub wa_id: Option<String>,
    /// The number that stands in `from`, where it is another than the `wa_id`.
    pub number: Option<String>,
    /// The business-scoped user id (BSUID).
    pub user_id: Option<String>,
    pub username: Option<String>,
    pub name: Option<String>,
}

impl Customer {
    pub fn new(wa_id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { wa_id: Some(wa_id.into()), name: Some(name.into()), ..Self::default() }
    }

    /// Somebody who keeps their number to themselves.
    pub fn without_number(user_id: impl Into<String>, username: impl Into<String>) -> Self {
        Self { user_id: Some(user_id.into()), username: Some(username.into()), ..Self::default() }
    }

    /// The element of `contacts`.
    fn card(&self) -> Value {
        let mut profile = Map::new();
        insert(&mut profile, "name", self.name.as_ref());
        insert(&mut profile, "username", self.username.as_ref());
        let mut card = Map::from_iter([("profile".to_owned(), Value::Object(profile))]);
        insert(&mut card, "wa_id", self.wa_id.as_ref());
        insert(&mut card, "user_id", self.user_id.as_ref());
        Value::Object(card)
    }
}

/// One thing that a customer does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Says {
    Text {
        body: String,
    },
    /// `file` is the id of a file from [`WhatsApp::add_file`](super::WhatsApp::add_file); so below.
    Image {
        file: String,
        caption: Option<String>,
    },
    Video {
        file: String,
        caption: Option<String>,
    },
    Audio {
        file: String,
        #[serde(default)]
        voice: bool,
    },
    Document {
        file: String,
        caption: Option<String>,
    },
    Sticker {
        file: String,
        #[serde(default)]
        animated: bool,
    },
    Location {
        latitude: f64,
        longitude: f64,
        name: Option<String>,
        address: Option<String>,
    },
    /// As the provider writes cards.
    Contacts {
        contacts: Value,
    },
    ButtonReply {
        id: String,
        title: String,
    },
    ListReply {
        id: String,
        title: String,
        description: Option<String>,
    },
    FlowReply {
        name: String,
        response: Value,
    },
    /// The quick reply of a template.
    Button {
        text: String,
        payload: String,
    },
    /// Without an emoji the reaction is taken away.
    Reaction {
        message_id: String,
        emoji: Option<String>,
    },
    Order {
        catalog_id: String,
        text: Option<String>,
        product_items: Value,
    },
    Edit {
        message_id: String,
        body: String,
    },
    Revoke {
        message_id: String,
    },
    NumberChanged {
        new_wa_id: String,
    },
    UserIdChanged {
        new_user_id: String,
    },
    RequestWelcome,
    /// What the API cannot carry: a poll, a view-once picture.
    Unsupported,
    /// Anything else, by the provider's name, with the object under it.
    Other {
        kind: String,
        content: Value,
    },
}

impl Says {
    pub fn text(body: impl Into<String>) -> Self {
        Self::Text { body: body.into() }
    }
}

/// What was said and all that goes with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Said {
    pub says: Says,
    /// The message's id; a new one if none is given. The same one twice is a duplicate.
    pub id: Option<String>,
    pub reply_to: Option<String>,
    #[serde(default)]
    pub forwarded: bool,
    /// The advertisement that they came by, as the provider writes it.
    pub referral: Option<Value>,
    /// When; now, if it is not said.
    pub at: Option<DateTime<Utc>>,
    /// The number that it came to (`phone_number_id`); the account's first, if it is not said.
    pub to: Option<String>,
}

impl From<Says> for Said {
    fn from(says: Says) -> Self {
        Self { says, id: None, reply_to: None, forwarded: false, referral: None, at: None, to: None }
    }
}

impl Inner {
    /// The message's id and the webhook's body. From now on the stand-in knows the message, and the window is open.
    pub(super) fn said(&self, who: &Customer, said: &Said) -> (String, Value) {
        let id = said.id.clone().unwrap_or_else(wamid);
        let at = said.at.unwrap_or_else(Utc::now);
        let (kind, content) = self.content(who, &said.says);
        let mut message = Map::new();
        insert(&mut message, "from", who.number.as_ref().or(who.wa_id.as_ref()));
        insert(&mut message, "from_user_id", who.user_id.as_ref());
        message.insert("id".to_owned(), id.as_str().into());
        message.insert("timestamp".to_owned(), at.timestamp().to_string().into());
        message.insert("type".to_owned(), kind.into());
        if kind == "unsupported" {
            message.insert(
                "errors".to_owned(),
                json!([{ "code": 131_051, "title": "Message type unknown", "message": "Message type unknown",
                    "error_data": { "details": "Message type is currently not supported." } }]),
            );
        }
        if !content.is_null() {
            message.insert(kind.to_owned(), content);
        }
        let mut context = Map::new();
        if let Some(to) = &said.reply_to {
            let number = self.options.numbers.first().map(super::Number::digits);
            insert(&mut context, "from", number.as_ref());
            context.insert("id".to_owned(), to.as_str().into());
        }
        if said.forwarded {
            context.insert("forwarded".to_owned(), true.into());
        }
        if !context.is_empty() {
            message.insert("context".to_owned(), Value::Object(context));
        }
        if let Some(referral) = &said.referral {
            message.insert("referral".to_owned(), referral.clone());
        }
        {
            let mut state = self.state();
            state.received.insert(id.clone());
            for who in [&who.wa_id, &who.user_id].into_iter().flatten() {
                let last = state.last_wrote.entry(who.clone()).or_insert(at);
                *last = at.max(*last);
            }
        }
        let value = json!({ "contacts": [who.card()], "messages": [message] });
        (id, self.change("messages", value, said.to.as_deref()))
    }

    /// The `type`, and what stands under its name.
    fn content<'a>(&self, who: &Customer, says: &'a Says) -> (&'a str, Value) {
        match says {
            Says::Text { body } => ("text", json!({ "body": body })),
            Says::Image { file, caption } => ("image", self.media(file, &[("caption", caption.as_deref())])),
            Says::Video { file, caption } => ("video", self.media(file, &[("caption", caption.as_deref())])),
            Says::Document { file, caption } => {
                let name = self.state().files.get(file).and_then(|file| file.file_name.clone());
                ("document", self.media(file, &[("caption", caption.as_deref()), ("filename", name.as_deref())]))
            }
            Says::Audio { file, voice } => {
                let mut content = self.media(file, &[]);
                content["voice"] = (*voice).into();
                ("audio", content)
            }
            Says::Sticker { file, animated } => {
                let mut content = self.media(file, &[]);
                content["animated"] = (*animated).into();
                ("sticker", content)
            }
            Says::Location { latitude, longitude, name, address } => {
                let mut place = Map::new();
                place.insert("latitude".to_owned(), json!(latitude));
                place.insert("longitude".to_owned(), json!(longitude));
                insert(&mut place, "name", name.as_ref());
                insert(&mut place, "address", address.as_ref());
                ("location", Value::Object(place))
            }
            Says::Contacts { contacts } => ("contacts", contacts.clone()),
            Says::ButtonReply { id, title } => {
                ("interactive", json!({ "type": "button_reply", "button_reply": { "id": id, "title": title } }))
            }
            Says::ListReply { id, title, description } => {
                let mut reply = json!({ "id": id, "title": title });
                if let Some(description) = description {
                    reply["description"] = description.as_str().into();
                }
                ("interactive", json!({ "type": "list_reply", "list_reply": reply }))
            }
            Says::FlowReply { name, response } => {
                let reply = json!({ "name": name, "body": "Sent", "response_json": response.to_string() });
                ("interactive", json!({ "type": "nfm_reply", "nfm_reply": reply }))
            }
            Says::Button { text, payload } => ("button", json!({ "text": text, "payload": payload })),
            Says::Reaction { message_id, emoji } => {
                let mut reaction = json!({ "message_id": message_id });
                if let Some(emoji) = emoji {
                    reaction["emoji"] = emoji.as_str().into();
                }
                ("reaction", reaction)
            }
            Says::Order { catalog_id, text, product_items } => {
                let mut order = json!({ "catalog_id": catalog_id, "product_items": product_items });
                if let Some(text) = text {
                    order["text"] = text.as_str().into();
                }
                ("order", order)
            }
            Says::Edit { message_id, body } => {
                let message = json!({ "context": { "id": message_id }, "type": "text", "text": { "body": body } });
                ("edit", json!({ "original_message_id": message_id, "message": message }))
            }
            Says::Revoke { message_id } => ("revoke", json!({ "original_message_id": message_id })),
            Says::NumberChanged { new_wa_id } => {
                let old = who.wa_id.as_deref().unwrap_or_default();
                let name = who.name.as_deref().unwrap_or_default();
                let body = format!("User {name} changed from {old} to {new_wa_id}");
                ("system", json!({ "type": "user_changed_number", "wa_id": new_wa_id, "body": body }))
            }
            Says::UserIdChanged { new_user_id } => {
                let old = who.user_id.as_deref().unwrap_or_default();
                let body = format!("User changed their user id from {old} to {new_user_id}");
                let system = json!({
                    "type": "user_changed_user_id", "user_id": new_user_id, "previous_user_id": old, "body": body,
                });
                ("system", system)
            }
            Says::RequestWelcome => ("request_welcome", Value::Null),
            Says::Unsupported => ("unsupported", Value::Null),
            Says::Other { kind, content } => (kind, content.clone()),
        }
    }

    /// A file's object. One that is not there has an id all the same: a test may want it missing.
    fn media(&self, id: &str, more: &[(&str, Option<&str>)]) -> Value {
        let state = self.state();
        let mut content = json!({ "id": id });
        if let Some(file) = state.files.get(id) {
            content["mime_type"] = file.mime.as_str().into();
            content["sha256"] = file.sha256_base64().into();
        }
        for (name, value) in more {
            if let Some(value) = value {
                content[*name] = (*value).into();
            }
        }
        content
    }
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.as_str().into());
    }
}
