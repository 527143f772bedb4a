//! Who came into a chat and who left it; and in a chat of two, who blocked the bot (<https://core.telegram.org/bots/api#chatmemberupdated>).

use super::json::{flag, integer, object, text};
use super::message::{chat_of, party, title};
use super::update::Update;
use crate::model::{Told, What};
use serde_json::Value;

/// What [`crate::model::What::Consent`] is about: a bot that is blocked can send nothing at all.
pub const EVERYTHING: &str = "all";

pub(super) fn changed(update: &Update<'_>) -> Option<Told> {
    let chat = chat_of(update.value)?;
    let now = object(update.value, "new_chat_member")?;
    let member = object(now, "user")?;
    let was_in = object(update.value, "old_chat_member").and_then(is_in);
    let Some(is_in) = is_in(now) else {
        let status = text(now, "status").unwrap_or("none");
        return Some(update.unsupported(format!("{}: status {status}", update.kind)));
    };
    // Rights, titles: nothing that shows in a conversation.
    if was_in == Some(is_in) {
        return Some(update.told(What::Ignored { what: format!("{}: rights", update.kind) }));
    }

    let ours = update.kind == "my_chat_member";
    let place = object(update.value, "chat")?;
    if ours && text(place, "type") == Some("private") {
        let from = party(object(update.value, "from")?)?;
        return Some(update.told(What::Consent { from, category: EVERYTHING.to_owned(), wanted: is_in }));
    }
    let who = party(member)?;
    let mut told = update.told(What::Member {
        chat: chat.address(),
        title: title(place),
        who,
        ours: ours || integer(member, "id") == update.account.bot_id(),
        joined: is_in,
    });
    told.key = key(chat.id, integer(member, "id")?, is_in, integer(update.value, "date"));
    Some(told)
}

/// The same coming or going is told as a service message and as an update of members: one thing, one key.
pub(super) fn key(chat: i64, member: i64, joined: bool, date: Option<i64>) -> String {
    let what = if joined { "joined" } else { "left" };
    format!("{chat}/{what}/{member}/{}", date.unwrap_or_default())
}

/// `None` for a status that is not known.
fn is_in(member: &Value) -> Option<bool> {
    match text(member, "status")? {
        "creator" | "administrator" | "member" => Some(true),
        "restricted" => Some(flag(member, "is_member")),
        "left" | "kicked" => Some(false),
        _ => None,
    }
}
