//! Messages: how one is written, what it does to its conversation, and a thread's pages.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use trunkline_db::{CallId, ChannelAccountId, ConversationId, DbError, MessageId, TenantTx};
use trunkline_journal::{Kind, NewEvent};

use crate::change::{Actor, Change, What, touch};
use crate::messages_store as store;
use crate::model::{Author, AuthorType, Direction, MessageState, MessageView};

/// Something of theirs came.
pub const RECEIVED: Kind = Kind::from_static("message.received");
/// The provider took one of ours.
pub const SENT: Kind = Kind::from_static("message.sent");
/// It is on their device.
pub const DELIVERED: Kind = Kind::from_static("message.delivered");
/// They saw it.
pub const READ: Kind = Kind::from_static("message.read");
/// It was not sent.
pub const FAILED: Kind = Kind::from_static("message.failed");
/// It may have been sent.
pub const UNCERTAIN: Kind = Kind::from_static("message.uncertain");
/// One of ours waits for its time or its turn.
pub const QUEUED: Kind = Kind::from_static("message.queued");
/// It was taken back before it was sent.
pub const CANCELED: Kind = Kind::from_static("message.canceled");
/// Its writer changed it.
pub const EDITED: Kind = Kind::from_static("message.edited");
/// Its writer took it back.
pub const DELETED: Kind = Kind::from_static("message.deleted");
/// Somebody put a sign under it, or took it away.
pub const REACTED: Kind = Kind::from_static("message.reacted");
/// A note among ourselves.
pub const NOTED: Kind = Kind::from_static("message.noted");

/// Bytes of a message's text.
const MAX_TEXT: usize = 65_536;
/// Characters of the list's preview.
const MAX_PREVIEW: usize = 200;
/// Characters of an event's preview.
const MAX_TOLD: usize = 120;

/// A message that is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMessage {
    /// The message.
    pub id: MessageId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Over which account; none: notes and lines of calls may have none.
    pub account: Option<ChannelAccountId>,
    /// Whose.
    pub direction: Direction,
    /// By whom.
    pub author: Author,
    /// See [`MessageView::kind`].
    pub kind: String,
    /// What a person reads.
    pub text: String,
    /// The rest of it.
    pub content: Value,
    /// The provider's id of it: one that is there already is not written again.
    pub provider_id: Option<String>,
    /// The message that it answers …
    pub reply_to: Option<MessageId>,
    /// … or the provider's id of that.
    pub reply_to_provider: Option<String>,
    /// They passed it on.
    pub forwarded: bool,
    /// Messages of one album carry the same.
    pub album: Option<String>,
    /// How far it is.
    pub state: MessageState,
    /// When it is to be sent.
    pub send_at: Option<DateTime<Utc>>,
    /// Older than the connection.
    pub history: bool,
    /// The call that it tells of: one call has one line.
    pub call: Option<CallId>,
    /// When it was said.
    pub at: DateTime<Utc>,
}

impl NewMessage {
    /// A message with nothing in it.
    pub fn new(
        conversation: ConversationId,
        direction: Direction,
        author: Author,
        kind: &str,
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: MessageId::new(),
            conversation,
            account: None,
            direction,
            author,
            kind: kind.to_owned(),
            text: String::new(),
            content: json!({}),
            provider_id: None,
            reply_to: None,
            reply_to_provider: None,
            forwarded: false,
            album: None,
            state: MessageState::Received,
            send_at: None,
            history: false,
            call: None,
            at,
        }
    }
}

/// What became of a message that was to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Inserted {
    /// It is written. Its event is the caller's to append; lines that tell what happened have none.
    New(Option<NewEvent>),
    /// It was there already (the provider's id of it, or its call): nothing was changed.
    Known,
}

/// Writes a message, and what it does to its conversation: its preview and order in the list, since when they wait, and the tenant's count of messages.
pub async fn insert(tx: &mut TenantTx<'_>, message: &NewMessage, by: Actor) -> Result<Inserted, DbError> {
    if !write(tx, message).await? {
        return Ok(Inserted::Known);
    }
    let kind = match (message.direction, message.state) {
        (Direction::Event, _) if message.call.is_none() => return Ok(Inserted::New(None)),
        (Direction::In | Direction::Event, _) => RECEIVED,
        (Direction::Note, _) => NOTED,
        (Direction::Out, MessageState::Scheduled | MessageState::Queued | MessageState::Sending) => QUEUED,
        (Direction::Out, _) => SENT,
    };
    // What a caller leaves came over no channel that is paid by the message.
    let counts = !message.history && message.call.is_none() && message.kind != "voicemail";
    if counts && matches!((message.direction, kind == SENT), (Direction::In, _) | (Direction::Out, true)) {
        store::count(tx, message.at).await?;
    }
    // What waits for its time is no news of the conversation yet: see `release`.
    if message.state != MessageState::Scheduled {
        store::weigh(tx, message.id, &preview(&message.text, MAX_PREVIEW)).await?;
    }
    let event = tell(tx, message.id, message.conversation, kind, by, message.at).await?;
    Ok(Inserted::New(event))
}

/// The event of a message, with how it is by now.
pub async fn tell(
    tx: &mut TenantTx<'_>,
    id: MessageId,
    conversation: ConversationId,
    kind: Kind,
    by: Actor,
    at: DateTime<Utc>,
) -> Result<Option<NewEvent>, DbError> {
    let Some(message) = views(tx, &[id]).await?.pop() else { return Ok(None) };
    let mut change = Change::new(What::Message { kind, message: id })
        .by(by)
        .at(at)
        .with("message_id", json!(id))
        .with("direction", json!(message.direction))
        .with("kind", message.kind)
        .with("state", json!(message.state))
        .with("author", json!(message.author))
        .with("preview", preview(&message.text, MAX_TOLD));
    if let Some(failure) = message.failure {
        change = change.with("failure", json!({ "code": failure.code, "why": failure.why }));
    }
    touch(tx, conversation, change).await
}

/// A message that waited for its time has its turn: from now on it counts as said.
pub async fn release(tx: &mut TenantTx<'_>, id: MessageId, now: DateTime<Utc>) -> Result<bool, DbError> {
    let Some(text) = store::release(tx, id, now).await? else { return Ok(false) };
    store::weigh(tx, id, &preview(&text, MAX_PREVIEW)).await?;
    Ok(true)
}

/// Writes the row alone. `false`: it is there already.
pub(crate) async fn write(tx: &mut TenantTx<'_>, message: &NewMessage) -> Result<bool, DbError> {
    let text = storable(&message.text, MAX_TEXT);
    let mut content = message.content.clone();
    strip(&mut content);
    store::insert(tx, message, &text, &content).await
}

/// These messages, in this order; those that are not there are left out.
pub async fn views(tx: &mut TenantTx<'_>, ids: &[MessageId]) -> Result<Vec<MessageView>, DbError> {
    store::views(tx, ids).await
}

/// Which part of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its end.
    Newest,
    /// Before this message.
    Before(MessageId),
    /// After this message.
    After(MessageId),
}

/// A part of a thread, the newest last, and whether there is more in that direction.
pub async fn page(
    tx: &mut TenantTx<'_>,
    conversation: ConversationId,
    part: Part,
    limit: i64,
) -> Result<(Vec<MessageView>, bool), DbError> {
    let (mut ids, forward) = match part {
        Part::Newest => (store::before(tx, conversation, None, limit + 1).await?, false),
        Part::Before(id) => (store::before(tx, conversation, Some(id), limit + 1).await?, false),
        Part::After(id) => (store::after(tx, conversation, id, limit + 1).await?, true),
    };
    let wanted = usize::try_from(limit).unwrap_or(0);
    let more = ids.len() > wanted;
    ids.truncate(wanted);
    if !forward {
        ids.reverse();
    }
    Ok((views(tx, &ids).await?, more))
}

/// A line of a text: no line breaks, no signs that turn or hide what follows.
pub fn preview(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut blank = false;
    let mut length = 0;
    for sign in text.chars() {
        if sign.is_whitespace() || sign.is_control() {
            blank = length > 0;
            continue;
        }
        if matches!(sign, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        {
            continue;
        }
        let room = most - length;
        if room < 2 + usize::from(blank) {
            if room > 0 {
                line.push('…');
            }
            break;
        }
        if blank {
            line.push(' ');
            length += 1;
            blank = false;
        }
        line.push(sign);
        length += 1;
    }
    line
}

/// What PostgreSQL keeps in a text, cut at a character's end.
fn storable(text: &str, most: usize) -> String {
    let mut text = text.replace('\0', "");
    if text.len() > most {
        let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

fn strip(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', ""),
        Value::Array(values) => values.iter_mut().for_each(strip),
        Value::Object(fields) => {
            fields.values_mut().for_each(strip);
            if fields.keys().any(|name| name.contains('\0')) {
                let renamed = std::mem::take(fields).into_iter().map(|(name, value)| (name.replace('\0', ""), value));
                *fields = renamed.collect();
            }
        }
        _ => {}
    }
}

/// Whether somebody's answer ends that they wait: an automatic reply does not.
pub(crate) fn answers(author: AuthorType) -> bool {
    matches!(author, AuthorType::Agent | AuthorType::App)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_preview_is_one_line_without_tricks() {
        assert_eq!(preview("  one\n\n two\u{202e}\u{200b}three ", 200), "one twothree");
        assert_eq!(preview("abcdef", 5), "abcd…");
        assert_eq!(preview("", 5), "");
    }

    proptest! {
        #[test]
        fn a_preview_is_never_longer_than_its_room(text in "\\PC{0,40}|.{0,300}", most in 1usize..210) {
            let line = preview(&text, most);
            prop_assert!(line.chars().count() <= most, "{line:?}");
            let tricks = line.contains(['\n', '\0', '\u{202e}']);
            prop_assert!(!tricks, "{line:?}");
        }

        #[test]
        fn what_is_stored_is_what_came_but_for_what_cannot_be(text in ".{0,50}", most in 0usize..60) {
            let kept = storable(&text, most);
            prop_assert!(kept.len() <= most && text.replace('\0', "").starts_with(&kept));
        }
    }
}
