//! What is said of a message afterwards: it has another text, it was taken back, somebody put a sign under it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trunkline_channels::model::{Address, Content, Party, ProviderId, What};
use trunkline_db::{DbError, TenantTx};
use trunkline_journal::{NewEvent, Ref};
use uuid::Uuid;

use super::chat::{Chat, Speaker};
use super::contents::Contents;
use super::message::{self, MAX_PROVIDER_ID};
use super::message_store::{self, Held};
use super::{Setting, chat_store, clean, waiting};
use crate::change::Actor;
use crate::messages;

/// People who can have a sign under one message, and signs of one of them.
const MAX_REACTIONS: usize = 40;
const MAX_EMOJI: usize = 12;

/// A message has another text now. Of two edits the later by the provider's clock counts.
pub(super) async fn edited(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    id: &ProviderId,
    content: &Content,
    what: &What,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let Some(provider_id) = clean::id(&id.0, MAX_PROVIDER_ID) else { return Ok(()) };
    let Some(held) = message_store::hold(tx, setting.account.id, &provider_id).await? else {
        return waiting::keep(tx, setting, &provider_id, what).await;
    };
    if held.edited_at.is_some_and(|at| at > setting.at) {
        return Ok(());
    }
    let contents = Contents::of(content);
    message_store::rewrite(tx, held.id, contents.kind, &contents.text, &contents.rest, Some(setting.at)).await?;
    if let Some(file) = &contents.file
        && let Some(source) = &file.source
        && !message_store::has_file(tx, held.id, source).await?
    {
        message_store::detach(tx, held.id).await?;
        message::want_file(tx, held.id, held.conversation, file, false).await?;
    }
    if held.deleted_at.is_none() {
        chat_store::preview_again(tx, held.id, contents.kind, &contents.preview).await?;
    }
    news.extend(messages::tell(tx, held.id, held.conversation, messages::EDITED, Actor::System, setting.at).await?);
    Ok(())
}

/// Somebody took messages back. Their text stays in the thread's table, marked; the list does not show it any more.
pub(super) async fn deleted(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    ids: &[ProviderId],
    chat: &Address,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    for id in ids {
        let Some(provider_id) = clean::id(&id.0, MAX_PROVIDER_ID) else { continue };
        let Some(held) = message_store::hold(tx, setting.account.id, &provider_id).await? else {
            let what = What::Deleted { messages: vec![id.clone()], chat: chat.clone() };
            waiting::keep(tx, setting, &provider_id, &what).await?;
            continue;
        };
        message_store::delete(tx, held.id, setting.at).await?;
        if held.deleted_at.is_some() {
            continue;
        }
        chat_store::preview_again(tx, held.id, "deleted", "").await?;
        let told = messages::tell(tx, held.id, held.conversation, messages::DELETED, Actor::System, setting.at).await?;
        news.extend(told.map(without_text));
    }
    Ok(())
}

fn without_text(mut event: NewEvent) -> NewEvent {
    if let Some(data) = event.data.as_object_mut() {
        data.insert("preview".to_owned(), Value::String(String::new()));
    }
    event
}

/// A sign under a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reacted<'a> {
    pub(super) message: &'a ProviderId,
    pub(super) from: Option<&'a Party>,
    pub(super) chat: &'a Address,
    pub(super) emoji: &'a [String],
}

/// One's signs under a message, as they are kept. Signs that were taken away stay as none, so that an older telling that comes late brings nothing
/// back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    by: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    who: Option<Uuid>,
    emoji: Vec<String>,
    #[serde(default)]
    at: DateTime<Utc>,
}

/// Somebody put signs under a message; none: took them away.
pub(super) async fn reacted(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    reacted: Reacted<'_>,
    what: &What,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let Some(provider_id) = clean::id(&reacted.message.0, MAX_PROVIDER_ID) else { return Ok(()) };
    let Some(held) = message_store::hold(tx, setting.account.id, &provider_id).await? else {
        return waiting::keep(tx, setting, &provider_id, what).await;
    };
    let (by, who) = whose(tx, setting, reacted, news).await?;
    let emoji = reacted.emoji.iter().filter_map(|emoji| clean::line(emoji, 64)).take(MAX_EMOJI).collect();
    let mark = Mark { by: by.to_owned(), who, emoji, at: setting.at };
    let Some(marks) = marked(&held, mark) else { return Ok(()) };
    message_store::react(tx, held.id, &marks).await?;
    let told = messages::tell(tx, held.id, held.conversation, messages::REACTED, Actor::System, setting.at).await?;
    news.extend(told.map(|mut event| {
        event.actor = who.map(|who| Ref::new("contact", who));
        if let Some(data) = event.data.as_object_mut() {
            data.insert("emoji".to_owned(), reacted.emoji.iter().take(MAX_EMOJI).cloned().collect());
            data.insert("by".to_owned(), by.into());
        }
        event
    }));
    Ok(())
}

/// Who it was: the customer, a member of the group, or our own side by the provider's app.
async fn whose(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    reacted: Reacted<'_>,
    news: &mut Vec<NewEvent>,
) -> Result<(&'static str, Option<Uuid>), DbError> {
    let Some(from) = reacted.from else { return Ok(("contact", None)) };
    let speaker = match Chat::with(setting.account.channel, reacted.chat, None, from) {
        Some(chat) => chat.speaker(from),
        None => Speaker::Member,
    };
    match speaker {
        Speaker::Us => Ok(("us", None)),
        Speaker::Customer => Ok(("contact", None)),
        Speaker::Member => Ok(("contact", Some(message::meet(tx, setting, from, news).await?.contact.uuid()))),
    }
}

/// The marks with this one; `None`: they are as they were.
fn marked(held: &Held, mark: Mark) -> Option<Value> {
    let mut marks: Vec<Mark> = serde_json::from_value(held.reactions.clone()).unwrap_or_default();
    match marks.iter().position(|one| one.by == mark.by && one.who == mark.who) {
        Some(place) if marks[place].at > mark.at || marks[place] == mark => return None,
        Some(place) => marks[place] = mark,
        None if marks.len() >= MAX_REACTIONS => return None,
        None => marks.push(mark),
    }
    marks.sort_by(|one, other| (&one.by, one.who).cmp(&(&other.by, other.who)));
    serde_json::to_value(marks).ok()
}
