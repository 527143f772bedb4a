//! A message that came: in its chat's conversation, with its writer, its files, and what waited for it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use trunkline_channels::model::{By, Card, Content, MediaAt, Message, Party};
use trunkline_db::{AttachmentId, ContactId, ConversationId, DbError, MessageId, TenantTx};
use trunkline_jobs::NewJob;
use trunkline_journal::{NewEvent, Ref};
use trunkline_people::{Evidence, Resolved, Seen, resolve, shared_card};
use uuid::Uuid;

use super::chat::{Chat, Speaker};
use super::contents::{Contents, File};
use super::message_store::{self, Held};
use super::{Setting, auto_reply, chat_store, clean, waiting};
use crate::change::{Actor, Change, What, touch};
use crate::messages::{self, NewMessage};
use crate::model::{Author, AuthorType, Direction, MessageState, State};

/// Bytes of a provider's id of a message.
pub(super) const MAX_PROVIDER_ID: usize = 512;
/// Cards of one message that are looked at for who sent it.
const MAX_CARDS: usize = 5;
/// Bytes of an album's id, of a line's.
const MAX_ID: usize = 256;
/// Characters of names and titles.
const MAX_NAME: usize = 200;
/// Pictures are looked at soon; those of the history may wait.
const HISTORY_PRIORITY: i16 = -10;
/// Attempts to fetch a file: providers are away for hours.
const FETCHES: u16 = 20;

/// What is to become a line of a thread.
pub(super) struct Coming<'a> {
    pub(super) chat: Chat,
    pub(super) title: Option<String>,
    pub(super) from: Option<&'a Party>,
    pub(super) by: By,
    pub(super) history: bool,
    pub(super) contents: Contents,
    pub(super) provider_id: Option<String>,
    pub(super) reply_to: Option<String>,
    pub(super) forwarded: bool,
    pub(super) album: Option<String>,
    pub(super) command: Option<&'a str>,
    /// Cards that it holds.
    pub(super) cards: &'a [Card],
}

/// A message came. `false`: it says no chat that one could have.
pub(super) async fn came(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    message: &Message,
    news: &mut Vec<NewEvent>,
) -> Result<bool, DbError> {
    let channel = setting.account.channel;
    let title = message.title.as_deref().and_then(|title| clean::line(title, MAX_NAME));
    let chat = match message.by {
        By::Us => Chat::of(channel, &message.chat, title.as_deref()),
        By::Customer | By::Bot => Chat::with(channel, &message.chat, title.as_deref(), &message.from),
    };
    let provider_id = clean::id(&message.id.0, MAX_PROVIDER_ID);
    let (Some(chat), Some(provider_id)) = (chat, provider_id) else { return Ok(false) };
    chat_store::lock(tx, setting.account.id, &chat.address).await?;
    if let Some(held) = message_store::hold(tx, setting.account.id, &provider_id).await? {
        came_again(tx, setting, &held, message, news).await?;
        return Ok(true);
    }
    let mut contents = Contents::of(&message.content);
    contents.refer(message.referral.as_ref());
    let command = match &message.content {
        Content::Command { name, .. } => Some(name.as_str()),
        _ => None,
    };
    let cards: &[Card] = match &message.content {
        Content::Contacts { cards } => cards,
        _ => &[],
    };
    let coming = Coming {
        chat,
        // A chat of two has no name but the customer's.
        title,
        from: Some(&message.from),
        by: message.by,
        history: message.history,
        contents,
        provider_id: Some(provider_id),
        reply_to: message.reply_to.as_ref().and_then(|id| clean::id(&id.0, MAX_PROVIDER_ID)),
        forwarded: message.forwarded,
        album: message.album.as_deref().and_then(|album| clean::id(album, MAX_ID)),
        command,
        cards,
    };
    write(tx, setting, coming, news).await?;
    Ok(true)
}

/// Writes a line into the chat's conversation, whose lock the caller holds.
pub(super) async fn write(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    coming: Coming<'_>,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let account = setting.account;
    if !coming.chat.private && chat_store::is_staff(tx, account.id, &coming.chat.address).await? {
        return Ok(());
    }
    let speaker = match (coming.by, coming.from) {
        (By::Us, _) => Speaker::Us,
        (_, Some(from)) => coming.chat.speaker(from),
        (_, None) => Speaker::Customer,
    };
    let found = chat_store::find(tx, account.id, &coming.chat.address).await?;
    let customer = match (&found, speaker) {
        (Some(_), Speaker::Us) => None,
        _ => Some(whose_chat(tx, setting, &coming, speaker, news).await?),
    };
    let member = match (speaker, coming.from) {
        (Speaker::Member, Some(from)) => Some(meet(tx, setting, from, news).await?),
        _ => None,
    };
    let blocked = [customer.as_ref(), member.as_ref()].into_iter().flatten().any(|who| who.blocked);
    let theirs = speaker != Speaker::Us;
    let wakes = theirs && coming.by == By::Customer && !coming.history && !blocked;

    let going_on = found.filter(|found| {
        found.state != State::Resolved
            || found.spam
            || found.resolved_at.is_some_and(|at| at + account.rules.reopen_within() > setting.received_at)
    });
    let is_spam = going_on.as_ref().is_some_and(|found| found.spam);
    let wakes = wakes && !is_spam;
    let is_new = going_on.is_none();
    let (conversation, contact) = if let Some(found) = going_on {
        if wakes && found.state != State::Open {
            let reopened = Change::new(What::Reopened).at(setting.received_at);
            news.extend(touch(tx, found.id, reopened).await?);
        }
        (found.id, customer.as_ref().map_or(found.contact, |who| who.contact))
    } else {
        let contact = match &customer {
            Some(who) => who.contact,
            None => whose_chat(tx, setting, &coming, speaker, news).await?.contact,
        };
        let new = chat_store::NewConversation {
            account,
            chat: &coming.chat,
            contact,
            title: coming.title.as_deref(),
            line: setting.line,
            resolved_at: (!wakes).then_some(setting.received_at),
            spam: blocked,
            at: setting.at,
        };
        let id = chat_store::make(tx, new).await?;
        news.extend(touch(tx, id, Change::new(What::Opened).at(setting.received_at)).await?);
        (id, contact)
    };

    let written = Written { conversation, contact, speaker, wakes, member: member.as_ref() };
    let id = write_message(tx, setting, &coming, &written, news).await?;
    if let Some(provider_id) = &coming.provider_id {
        waiting::catch_up(tx, setting.account, id, provider_id, news).await?;
    }
    if speaker == Speaker::Customer && coming.chat.private {
        for card in coming.cards.iter().take(MAX_CARDS) {
            let country = account.country.as_deref();
            news.extend(shared_card(tx, contact, card, country, &evidence(setting, None)).await?);
        }
    }
    if wakes && coming.chat.private {
        let first = auto_reply::First { conversation, contact, is_new, command: coming.command };
        auto_reply::answer(tx, setting, first, news).await?;
    }
    Ok(())
}

/// Where a line goes, and how.
struct Written<'a> {
    conversation: ConversationId,
    contact: ContactId,
    speaker: Speaker,
    wakes: bool,
    member: Option<&'a Resolved>,
}

async fn write_message(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    coming: &Coming<'_>,
    to: &Written<'_>,
    news: &mut Vec<NewEvent>,
) -> Result<MessageId, DbError> {
    let account = setting.account;
    let ours = to.speaker == Speaker::Us;
    let told_name = coming.from.and_then(|from| from.name.as_deref()).and_then(|name| clean::line(name, MAX_NAME));
    let author = match (ours, coming.by) {
        (true, By::Bot) => Author { kind: AuthorType::Bot, id: None, name: told_name },
        (true, _) => Author { kind: AuthorType::App, id: None, name: told_name },
        (false, by) => Author {
            kind: if by == By::Bot { AuthorType::Bot } else { AuthorType::Contact },
            id: Some(to.member.map_or(to.contact, |member| member.contact).uuid()),
            name: told_name.or_else(|| to.member.map(|member| member.name.clone())),
        },
    };
    let direction = if ours { Direction::Out } else { Direction::In };
    let line = NewMessage {
        account: Some(account.id),
        text: coming.contents.text.clone(),
        content: coming.contents.rest.clone(),
        provider_id: coming.provider_id.clone(),
        reply_to_provider: coming.reply_to.clone(),
        forwarded: coming.forwarded,
        album: coming.album.clone(),
        state: if ours { MessageState::Sent } else { MessageState::Received },
        history: coming.history,
        ..NewMessage::new(to.conversation, direction, author, coming.contents.kind, setting.at)
    };
    let is_new = messages::write(tx, &line).await?;
    if let Some(file) = &coming.contents.file {
        want_file(tx, line.id, to.conversation, file, coming.history).await?;
    }
    let weight = chat_store::Weight {
        message: &line,
        preview: &coming.contents.preview,
        waits: to.wakes,
        answers: ours && !coming.history,
        title: coming.title.as_deref(),
        line: setting.line,
    };
    // One that was there already, in whichever chat, counts once.
    if is_new {
        chat_store::weigh(tx, weight).await?;
    }
    if !coming.history {
        crate::messages_store::count(tx, setting.at).await?;
    }
    if let Some(provider_id) = &coming.provider_id {
        message_store::answer_to(tx, account.id, provider_id, line.id).await?;
    }
    let kind = if ours { messages::SENT } else { messages::RECEIVED };
    let told = messages::tell(tx, line.id, to.conversation, kind, Actor::System, setting.at).await?;
    news.extend(told.map(|mut event| {
        if !ours {
            event.actor = Some(Ref::new("contact", to.member.map_or(to.contact, |member| member.contact)));
        }
        if !to.wakes
            && let Some(data) = event.data.as_object_mut()
        {
            // Whoever rings, notifies or routes leaves it alone.
            data.insert("quiet".to_owned(), Value::Bool(true));
        }
        event
    }));
    Ok(line.id)
}

/// The same message once more, under another key. The history brings a file after the line that stands for it.
async fn came_again(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    held: &Held,
    message: &Message,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let Content::Media(media) = &message.content else { return Ok(()) };
    if held.kind != "media" || media.at == MediaAt::Gone || message_store::has_any_file(tx, held.id).await? {
        return Ok(());
    }
    let contents = Contents::of(&message.content);
    let Some(file) = &contents.file else { return Ok(()) };
    message_store::detach(tx, held.id).await?;
    want_file(tx, held.id, held.conversation, file, message.history).await?;
    if held.edited_at.is_none() {
        message_store::rewrite(tx, held.id, contents.kind, &contents.text, &contents.rest, None).await?;
        chat_store::preview_again(tx, held.id, contents.kind, &contents.preview).await?;
    }
    let kind = if held.direction == Direction::Out { messages::SENT } else { messages::RECEIVED };
    let told = messages::tell(tx, held.id, held.conversation, kind, Actor::System, setting.at).await?;
    news.extend(told.map(|mut event| {
        if let Some(data) = event.data.as_object_mut() {
            data.insert("quiet".to_owned(), Value::Bool(true));
        }
        event
    }));
    Ok(())
}

/// A file of a message, and the job that fetches it.
pub(super) async fn want_file(
    tx: &mut TenantTx<'_>,
    message: MessageId,
    conversation: ConversationId,
    file: &File,
    history: bool,
) -> Result<AttachmentId, DbError> {
    let id = message_store::attach(tx, message, conversation, file).await?;
    if file.source.is_some() {
        let job = NewJob::new("media.fetch", json!({ "attachment_id": id })).max_attempts(FETCHES);
        let job = if history { job.priority(HISTORY_PRIORITY) } else { job };
        trunkline_jobs::enqueue(tx, job).await?;
    }
    Ok(id)
}

/// Who the chat is with: the customer, or the group.
async fn whose_chat(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    coming: &Coming<'_>,
    speaker: Speaker,
    news: &mut Vec<NewEvent>,
) -> Result<Resolved, DbError> {
    if let (Speaker::Customer, Some(from)) = (speaker, coming.from) {
        return meet(tx, setting, from, news).await;
    }
    let party = Party { identities: coming.chat.identities.clone(), name: coming.title.clone(), language: None };
    meet(tx, setting, &party, news).await
}

/// Who somebody is.
pub(super) async fn meet(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    party: &Party,
    news: &mut Vec<NewEvent>,
) -> Result<Resolved, DbError> {
    let mut resolved = resolve(tx, &seen(setting, party, None)).await?;
    news.append(&mut resolved.events);
    Ok(resolved)
}

/// Somebody as this account's provider told of them.
pub(super) fn seen(setting: &Setting<'_>, party: &Party, words: Option<&str>) -> Seen {
    Seen {
        identities: party.identities.clone(),
        name: party.name.as_deref().and_then(|name| clean::line(name, MAX_NAME)),
        language: party.language.as_deref().and_then(|language| clean::line(language, 35)),
        country: setting.account.country.clone(),
        evidence: evidence(setting, words),
        at: setting.at,
    }
}

fn evidence(setting: &Setting<'_>, words: Option<&str>) -> Evidence {
    Evidence {
        by: setting.account.provider().to_owned(),
        account_id: Some(setting.account.id.uuid()),
        call_id: None,
        user_id: None,
        text: words.and_then(|words| clean::line(words, 500)),
    }
}

/// A line that tells what happened in a conversation.
pub(super) async fn happened(
    tx: &mut TenantTx<'_>,
    conversation: ConversationId,
    kind: &str,
    text: &str,
    content: Value,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    let author = Author { kind: AuthorType::System, id: None::<Uuid>, name: None };
    let line = NewMessage {
        text: clean::text(text),
        content,
        ..NewMessage::new(conversation, Direction::Event, author, kind, at)
    };
    messages::write(tx, &line).await?;
    Ok(())
}
