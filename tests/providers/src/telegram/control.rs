//! What the control API does with this stand-in alone.

use super::{Group, Person, Said, Telegram};
use crate::control::{Given, Obeyed, Order, Refused, burst, file};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct PersonSays {
    from: Person,
    #[serde(flatten)]
    said: Said,
}

/// What is done to a message; in the chat of two, if no other is named.
#[derive(Deserialize)]
struct Does {
    from: Person,
    chat: Option<i64>,
    message: i64,
    text: Option<String>,
    data: Option<String>,
    emoji: Option<String>,
}

#[derive(Deserialize)]
struct Blocks {
    from: Person,
    blocked: bool,
}

#[derive(Deserialize)]
struct Membership {
    from: Person,
    group: Group,
    joins: bool,
}

#[derive(Deserialize)]
struct Update {
    kind: String,
    value: Value,
}

pub(crate) async fn obey(telegram: &Telegram, order: &Order<'_>) -> Obeyed {
    let missing = |what: &str| Refused::Wrong(format!("{what} is missing"));
    Ok(match (order.method, order.path) {
        ("POST", ["person"]) => {
            let PersonSays { from, said } = order.read()?;
            json!(telegram.person_says(&from, said).await)
        }
        ("POST", ["edit"]) => {
            let does: Does = order.read()?;
            let text = does.text.ok_or_else(|| missing("text"))?;
            let chat = does.chat.unwrap_or(does.from.id);
            json!(telegram.person_edits(&does.from, chat, does.message, &text).await)
        }
        ("POST", ["press"]) => {
            let does: Does = order.read()?;
            let data = does.data.ok_or_else(|| missing("data"))?;
            let chat = does.chat.unwrap_or(does.from.id);
            json!(telegram.person_presses(&does.from, chat, does.message, &data).await)
        }
        ("POST", ["react"]) => {
            let does: Does = order.read()?;
            let chat = does.chat.unwrap_or(does.from.id);
            json!(telegram.person_reacts(&does.from, chat, does.message, does.emoji.as_deref()).await)
        }
        ("POST", ["block"]) => {
            let Blocks { from, blocked } = order.read()?;
            json!(telegram.person_blocks(&from, blocked).await)
        }
        ("POST", ["join"]) => {
            let Membership { from, group, joins } = order.read()?;
            json!(telegram.bot_joins(&from, &group, joins).await)
        }
        ("POST", ["update"]) => {
            let Update { kind, value } = order.read()?;
            json!(telegram.push(&kind, value).await)
        }
        ("POST", ["pending"]) => json!({ "pending": telegram.push_pending().await }),
        ("GET", ["pending"]) => json!({ "pending": telegram.pending() }),
        ("GET", ["message", chat, message]) => {
            let (chat, message) = (chat.parse()?, message.parse()?);
            json!({
                "message": telegram.message(chat, message),
                "reaction": telegram.reaction(chat, message),
            })
        }
        ("GET", ["pressed", query]) => json!({ "answer": telegram.pressed(query) }),
        ("GET", ["commands", scope @ ..]) => json!({ "commands": telegram.commands(&scope.join("/")) }),
        ("POST", ["files"]) => {
            let given: Given = order.read()?;
            json!({ "id": telegram.add_file(&given.mime, given.file_name.as_deref(), given.content()?) })
        }
        ("GET", ["files", id]) => {
            let found = telegram.file(id).ok_or(Refused::NotFound)?;
            file(&found.mime, found.file_name.as_deref(), &found.content)
        }
        ("GET", ["fetched"]) => json!({ "items": telegram.fetched().all() }),
        ("POST", ["burst"]) => json!(telegram.burst(&burst(order)?).finish().await),
        _ => return Err(Refused::NotFound),
    })
}
