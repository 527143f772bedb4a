//! A message (<https://core.telegram.org/bots/api#message>): who, where, and what is in it.

use super::address::Chat;
use super::json::{flag, integer, list, object, owned, text};
use super::text::{command, rich, with_links};
use super::update::Update;
use super::{member, service};
use crate::model::{By, Card, Content, Identity, Media, MediaAt, MediaSort, Message, Party, Referral, Told, What};
use serde_json::Value;

pub(super) fn came(update: &Update<'_>, told: &mut Vec<Told>) {
    let message = update.value;
    let Some(chat) = chat_of(message) else { return };
    let Some(id) = integer(message, "message_id") else { return };

    if let Some(new) = integer(message, "migrate_to_chat_id") {
        told.push(moved(update, chat.id, new));
        return;
    }
    if let Some(old) = integer(message, "migrate_from_chat_id") {
        told.push(moved(update, old, chat.id));
        return;
    }
    let coming = list(message, "new_chat_members");
    if !coming.is_empty() {
        told.extend(coming.iter().filter_map(|who| crossed(update, &chat, who, true)));
        return;
    }
    if let Some(who) = object(message, "left_chat_member") {
        told.extend(crossed(update, &chat, who, false));
        return;
    }

    let Some((from, by)) = sender(update, &chat) else { return };
    let Some(content) = content(update, &chat) else {
        told.push(update.unsupported(unknown_part(message)));
        return;
    };
    let referral = match &content {
        Content::Command { name, argument } if name == "start" && !argument.is_empty() => {
            Some(Referral { url: None, title: None, body: None, source: Some(argument.clone()) })
        }
        _ => None,
    };
    let whole = Message {
        id: chat.message(id),
        from,
        chat: chat.address(),
        title: object(message, "chat").and_then(title),
        by,
        history: false,
        content,
        reply_to: reply_to(message, &chat),
        forwarded: ["forward_origin", "forward_date", "forward_from"].iter().any(|key| message.get(key).is_some())
            || flag(message, "is_automatic_forward"),
        album: owned(message, "media_group_id"),
        referral,
    };
    told.push(update.told(What::Message(Box::new(whole))));
}

pub(super) fn edited(update: &Update<'_>, told: &mut Vec<Told>) {
    let Some(chat) = chat_of(update.value) else { return };
    let Some(id) = integer(update.value, "message_id") else { return };
    match content(update, &chat) {
        Some(content) => {
            let edited = What::Edited { message: chat.message(id), chat: chat.address(), content };
            told.push(update.told(edited));
        }
        None => told.push(update.unsupported(format!("{}: {}", update.kind, unknown_part(update.value)))),
    }
}

/// A group that became a supergroup has another id from now on: the same chat, as a person with a new number is the same person. Both groups tell it, under one key.
fn moved(update: &Update<'_>, old: i64, new: i64) -> Told {
    let Told { at, line, .. } = update.told(What::Ignored { what: String::new() });
    Told { at, line, ..became(old, new) }
}

/// That a group became a supergroup, as a refused request tells it ([`moved_to`](super::moved_to)): the same thing as the update that says so.
pub fn became(old: i64, new: i64) -> Told {
    Told {
        at: None,
        key: format!("{old}/moved/{new}"),
        line: None,
        what: What::Moved {
            old: Identity::TelegramId(old),
            new: Identity::TelegramId(new),
            body: "the group became a supergroup".to_owned(),
        },
    }
}

fn crossed(update: &Update<'_>, chat: &Chat, who: &Value, joined: bool) -> Option<Told> {
    let member = integer(who, "id")?;
    let mut told = update.told(What::Member {
        chat: Chat::of(chat.id).address(),
        title: object(update.value, "chat").and_then(title),
        who: party(who)?,
        ours: Some(member) == update.account.bot_id(),
        joined,
    });
    told.key = member::key(chat.id, member, joined, integer(update.value, "date"));
    Some(told)
}

/// Where an answer goes. A thread counts only as a forum's topic: replies in a group's General topic carry a thread too, and writing to that one is refused.
pub(super) fn chat_of(value: &Value) -> Option<Chat> {
    let chat = object(value, "chat")?;
    Some(Chat {
        id: integer(chat, "id")?,
        topic: integer(value, "message_thread_id").filter(|_| flag(value, "is_topic_message")),
        direct: object(value, "direct_messages_topic").and_then(|topic| integer(topic, "topic_id")),
        business: owned(value, "business_connection_id"),
        guest: owned(value, "guest_query_id"),
    })
}

/// The name of a group or channel.
pub(super) fn title(chat: &Value) -> Option<String> {
    if text(chat, "type") == Some("private") {
        return None;
    }
    owned(chat, "title")
}

pub(super) fn name(person: &Value) -> Option<String> {
    match (text(person, "first_name"), text(person, "last_name")) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

/// A user.
pub(super) fn party(user: &Value) -> Option<Party> {
    let mut identities = vec![Identity::TelegramId(integer(user, "id")?)];
    identities.extend(owned(user, "username").map(Identity::Username));
    Some(Party { identities, name: name(user), language: owned(user, "language_code") })
}

/// A chat that speaks itself: a channel, or a group by its anonymous admins.
pub(super) fn party_of_chat(chat: &Value) -> Option<Party> {
    let mut party = party(chat)?;
    party.name = owned(chat, "title").or(party.name);
    Some(party)
}

/// Who wrote it. In a channel only its own admins post, so that is our side; in a business account's chats everybody but the customer is our side.
fn sender(update: &Update<'_>, chat: &Chat) -> Option<(Party, By)> {
    let message = update.value;
    let user = object(message, "from");
    let is_bot = user.is_some_and(|user| flag(user, "is_bot"));
    if update.kind == "channel_post" {
        let speaker = object(message, "sender_chat").or_else(|| object(message, "chat")).and_then(party_of_chat);
        return user.and_then(party).or(speaker).map(|party| (party, By::Us));
    }
    if let Some(speaker) = object(message, "sender_chat").and_then(party_of_chat) {
        return Some((speaker, By::Customer));
    }
    let by = if object(message, "sender_business_bot").is_some() || is_bot {
        By::Bot
    } else if update.kind == "business_message" && user.and_then(|user| integer(user, "id")) != Some(chat.id) {
        By::Us
    } else {
        By::Customer
    };
    Some((user.and_then(party)?, by))
}

/// A topic's messages "reply" to the message that opened it, unless they reply to another: that one is left out.
fn reply_to(message: &Value, chat: &Chat) -> Option<crate::model::ProviderId> {
    let answered = object(message, "reply_to_message")?;
    let id = integer(answered, "message_id")?;
    (object(answered, "forum_topic_created").is_none() && chat.topic != Some(id)).then(|| chat.message(id))
}

fn content(update: &Update<'_>, chat: &Chat) -> Option<Content> {
    let message = update.value;
    if let Some(written) = text(message, "text") {
        let private = object(message, "chat").and_then(|chat| text(chat, "type")) == Some("private");
        let ours = |bot: Option<&str>| match (bot, update.account.username.as_deref()) {
            (None, _) => true,
            (Some(named), Some(own)) => named.eq_ignore_ascii_case(own.trim_start_matches('@')),
            // Our own name is not known yet: in a chat of two there is nobody else to mean.
            (Some(_), None) => private,
        };
        // In a business account's chats we are not a bot but its owner: a stroke is a stroke.
        let command = command(message).filter(|command| chat.business.is_none() && ours(command.bot.as_deref()));
        return Some(match command {
            Some(command) => Content::Command { name: command.name, argument: command.argument },
            None => Content::Text { text: with_links(written, list(message, "entities")) },
        });
    }
    if let Some(media) = media(message) {
        return Some(Content::Media(media));
    }
    if let Some(venue) = object(message, "venue") {
        return location(object(venue, "location")?, owned(venue, "title"), owned(venue, "address"));
    }
    if let Some(place) = object(message, "location") {
        return location(place, None, None);
    }
    if let Some(contact) = object(message, "contact") {
        return Some(Content::Contacts { cards: vec![card(contact)] });
    }
    if let Some(form) = object(message, "web_app_data") {
        let data = text(form, "data").unwrap_or_default();
        let answers = serde_json::from_str(data).unwrap_or_else(|_| Value::String(data.to_owned()));
        return Some(Content::Form { name: owned(form, "button_text"), answers });
    }
    if let Some(document) = object(message, "rich_message") {
        return Some(Content::Text { text: rich(document) });
    }
    let (what, words) = service::notice(message)?;
    Some(Content::Notice { what: what.to_owned(), text: words })
}

fn location(place: &Value, name: Option<String>, address: Option<String>) -> Option<Content> {
    let coordinate = |key| place.get(key).and_then(Value::as_f64);
    Some(Content::Location { latitude: coordinate("latitude")?, longitude: coordinate("longitude")?, name, address })
}

/// In this order: an animation comes with a `document` beside it, for clients that do not know animations.
const FILES: &[(&str, MediaSort)] = &[
    ("animation", MediaSort::Animation),
    ("audio", MediaSort::Audio),
    ("voice", MediaSort::Voice),
    ("video", MediaSort::Video),
    ("video_note", MediaSort::VideoNote),
    ("live_photo", MediaSort::Video),
    ("sticker", MediaSort::Sticker),
    ("document", MediaSort::Document),
];

fn media(message: &Value) -> Option<Media> {
    let (sort, file) = match largest(list(message, "photo")) {
        Some(photo) => (MediaSort::Image, photo),
        None => FILES.iter().find_map(|(key, sort)| {
            object(message, key).filter(|file| text(file, "file_id").is_some()).map(|file| (*sort, file))
        })?,
    };
    let mime = owned(file, "mime_type").or_else(|| {
        let known = match sort {
            MediaSort::Image => "image/jpeg",
            MediaSort::VideoNote | MediaSort::Video => "video/mp4",
            MediaSort::Sticker if flag(file, "is_animated") => "application/x-tgsticker",
            MediaSort::Sticker if flag(file, "is_video") => "video/webm",
            MediaSort::Sticker => "image/webp",
            _ => return None,
        };
        Some(known.to_owned())
    });
    let caption = text(message, "caption").map(|caption| with_links(caption, list(message, "caption_entities")));
    Some(Media {
        sort,
        at: MediaAt::Id(owned(file, "file_id")?),
        mime,
        file_name: owned(file, "file_name"),
        // What a sticker stands for is its emoji: it is read where the picture is not shown.
        caption: caption.or_else(|| if sort == MediaSort::Sticker { owned(file, "emoji") } else { None }),
        size: integer(file, "file_size").and_then(|size| u64::try_from(size).ok()),
        seconds: integer(file, "duration").and_then(|seconds| u32::try_from(seconds).ok()),
        sha256: None,
    })
}

/// One photo comes in several sizes, in no promised order.
fn largest(sizes: &[Value]) -> Option<&Value> {
    let area = |size: &&Value| {
        integer(size, "width").unwrap_or_default().saturating_mul(integer(size, "height").unwrap_or_default())
    };
    sizes
        .iter()
        .filter(|size| text(size, "file_id").is_some())
        .max_by_key(|size| (area(size), integer(size, "file_size").unwrap_or_default()))
}

fn card(contact: &Value) -> Card {
    let vcard = text(contact, "vcard").unwrap_or_default();
    let lines = |property: &str| {
        vcard
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(head, _)| head.split(';').next().is_some_and(|name| name.eq_ignore_ascii_case(property)))
            .map(|(_, value)| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect::<Vec<_>>()
    };
    Card {
        name: name(contact).unwrap_or_default(),
        phones: owned(contact, "phone_number").into_iter().collect(),
        emails: lines("EMAIL"),
        organisation: lines("ORG").into_iter().next(),
    }
}

/// What says nothing of a message's content.
const ABOUT: &[&str] = &[
    "message_id",
    "message_thread_id",
    "direct_messages_topic",
    "from",
    "sender_chat",
    "sender_boost_count",
    "sender_business_bot",
    "sender_tag",
    "date",
    "business_connection_id",
    "chat",
    "forward_origin",
    "is_topic_message",
    "is_automatic_forward",
    "reply_to_message",
    "external_reply",
    "quote",
    "reply_to_story",
    "reply_to_checklist_task_id",
    "via_bot",
    "edit_date",
    "has_protected_content",
    "is_from_offline",
    "is_paid_post",
    "media_group_id",
    "author_signature",
    "paid_star_count",
    "link_preview_options",
    "effect_id",
    "reply_markup",
];

fn unknown_part(message: &Value) -> String {
    let fields = message.as_object();
    fields
        .and_then(|fields| fields.keys().find(|key| !ABOUT.contains(&key.as_str())))
        .map_or_else(|| "an empty message".to_owned(), Clone::clone)
}
