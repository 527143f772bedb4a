//! What people do with conversations: write, open, read, draft, name each other. Changes of where one stands go through [`crate::touch`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trunkline_channels::model::MediaSort;
use trunkline_db::{
    AgentId, AttachmentId, ChannelAccountId, ContactId, ConversationId, DbError, MessageId, QueueId, TenantTx, UserId,
};
use trunkline_journal::{Kind, NewEvent, Ref, Scope};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::change::{Actor, Change, What, touch};
use crate::commands_store as store;
use crate::compose::Piece;
use crate::messages::{self, Inserted, NewMessage};
use crate::model::{Author, AuthorType, Channel, Direction, MessageState, Reaction};
use crate::rules::{Consent, Said};
use crate::send;

const READ: Kind = Kind::from_static("conversation.read");
const MENTIONED: Kind = Kind::from_static("conversation.mentioned");

/// A conversation, as far as one needs to know it to write in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// By which way.
    pub channel: Channel,
    /// Over which account.
    pub account: Option<ChannelAccountId>,
    /// With whom.
    pub contact: ContactId,
    /// Where an answer goes.
    pub address: String,
    /// When they last wrote.
    pub last_in_at: Option<DateTime<Utc>>,
    /// The provider's id of that message.
    pub last_in: Option<String>,
    /// What the person wants of us, by any of their contacts.
    pub consent: Consent,
}

/// The terms of a conversation.
pub async fn terms(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<Option<Terms>, DbError> {
    store::terms(tx, id).await
}

/// What came after a message, in the thread's order: at most 200. `None`: the conversation has no such message.
pub async fn newer(tx: &mut TenantTx<'_>, id: ConversationId, seen: MessageId) -> Result<Option<Vec<Said>>, DbError> {
    store::newer(tx, id, seen).await
}

/// A file that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loose {
    /// The attachment.
    pub id: AttachmentId,
    /// What sort of file.
    pub sort: MediaSort,
    /// The file.
    pub file: send::File,
}

/// Files that this person uploaded and that are in no message yet, in this order; those that are not there are left out.
pub async fn loose(tx: &mut TenantTx<'_>, user: UserId, ids: &[AttachmentId]) -> Result<Vec<Loose>, DbError> {
    store::loose(tx, user, ids).await
}

/// Who writes, in which conversation, and when it goes.
#[derive(Debug, Clone)]
pub struct Reply<'a> {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its account.
    pub account: ChannelAccountId,
    /// Who writes.
    pub author: &'a Author,
    /// For the events.
    pub by: Actor,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// When it is to be sent.
    pub send_at: DateTime<Utc>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Writes what is to be sent and has it sent: each piece is a message, in their order. The first message, and what happened.
pub async fn write(
    tx: &mut TenantTx<'_>,
    reply: &Reply<'_>,
    pieces: &[Piece],
) -> Result<(Option<MessageId>, Vec<NewEvent>), DbError> {
    let mut events = Vec::new();
    let mut first = None;
    let album = (pieces.len() > 1).then(|| Uuid::now_v7().to_string());
    for (place, piece) in pieces.iter().enumerate() {
        // One behind the other, also where the clock stands.
        let at = reply.now + chrono::TimeDelta::microseconds(i64::try_from(place).unwrap_or(0));
        let message = NewMessage {
            account: Some(reply.account),
            text: piece.text.clone(),
            content: piece.content.clone(),
            reply_to: reply.reply_to.filter(|_| place == 0),
            album: album.clone(),
            state: MessageState::Scheduled,
            send_at: Some(reply.send_at),
            ..NewMessage::new(reply.conversation, Direction::Out, reply.author.clone(), piece.kind, at)
        };
        if let Inserted::New(event) = messages::insert(tx, &message, reply.by).await? {
            if let Some(file) = piece.file {
                store::attach(tx, file, message.id, reply.conversation).await?;
            }
            send::enqueue(tx, message.id).await?;
            events.extend(event);
            first = first.or(Some(message.id));
        }
    }
    Ok((first, events))
}

/// Writes a note among ourselves, and tells those who are named in it.
#[expect(clippy::too_many_arguments, reason = "one note, in its parts")]
pub async fn note(
    tx: &mut TenantTx<'_>,
    conversation: ConversationId,
    author: &Author,
    by: AgentId,
    text: &str,
    mentions: &[UserId],
    files: &[AttachmentId],
    now: DateTime<Utc>,
) -> Result<(MessageId, Vec<NewEvent>), DbError> {
    let message = NewMessage {
        text: text.to_owned(),
        content: json!({ "mentions": mentions }),
        ..NewMessage::new(conversation, Direction::Note, author.clone(), "text", now)
    };
    let mut events = Vec::new();
    // Those who are named see it from now on: their rows come before the event.
    let inserted = messages::write(tx, &message).await?;
    if inserted {
        for file in files {
            store::attach(tx, *file, message.id, conversation).await?;
        }
        for user in mentions {
            store::mention(tx, message.id, *user, conversation, now).await?;
        }
        let actor = Actor::Person(by);
        events.extend(messages::tell(tx, message.id, conversation, messages::NOTED, actor, now).await?);
        for user in mentions {
            let data = json!({
                "conversation_id": conversation, "message_id": message.id, "by": by, "preview": messages::preview(text, 120),
            });
            let event = NewEvent::new(MENTIONED, Ref::new("conversation", conversation), data).at(now);
            events.push(event.actor(Ref::agent(by)).scopes([Scope::Agent(AgentId::from(*user))]));
        }
    }
    Ok((message.id, events))
}

/// Those of these people who belong to the tenant.
pub async fn members(tx: &mut TenantTx<'_>, users: &[UserId]) -> Result<Vec<UserId>, DbError> {
    store::members(tx, users).await
}

/// Somebody has read a conversation up to now, or has not; what one sees in it is one's own matter.
pub async fn mark(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    user: UserId,
    read_at: Option<DateTime<Utc>>,
) -> Result<Option<NewEvent>, DbError> {
    if !store::mark(tx, id, user, read_at).await? {
        return Ok(None);
    }
    let data = json!({ "conversation_id": id, "read_at": read_at });
    let event = NewEvent::new(READ, Ref::new("conversation", id), data);
    Ok(Some(event.actor(Ref::agent(user.into())).scopes([Scope::Agent(user.into())])))
}

/// What somebody has begun to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Draft {
    /// Their words.
    pub text: String,
    /// A note among ourselves.
    pub private: bool,
    /// When they were kept.
    pub updated_at: DateTime<Utc>,
}

/// Keeps what somebody has begun to write; without words there is nothing to keep.
pub async fn draft(
    tx: &mut TenantTx<'_>,
    id: ConversationId,
    user: UserId,
    text: &str,
    private: bool,
) -> Result<Option<Draft>, DbError> {
    let text = text.replace('\0', "");
    if text.trim().is_empty() {
        store::drop_draft(tx, id, user).await?;
        return Ok(None);
    }
    store::draft(tx, id, user, &text, private).await.map(Some)
}

/// What somebody has begun to write.
pub async fn drafted(tx: &mut TenantTx<'_>, id: ConversationId, user: UserId) -> Result<Option<Draft>, DbError> {
    store::drafted(tx, id, user).await
}

/// A conversation that we begin.
#[derive(Debug, Clone)]
pub struct Opening {
    /// By which way.
    pub channel: Channel,
    /// Over which account.
    pub account: ChannelAccountId,
    /// With whom.
    pub contact: ContactId,
    /// Where it goes.
    pub address: String,
    /// Whose work it is.
    pub queue: Option<QueueId>,
    /// Who begins it.
    pub agent: Option<AgentId>,
    /// Now.
    pub now: DateTime<Utc>,
}

/// The conversation of a chat that runs, or a new one with what happened.
pub async fn open(
    tx: &mut TenantTx<'_>,
    opening: &Opening,
    by: Actor,
) -> Result<(ConversationId, Option<NewEvent>), DbError> {
    if let Some(running) = store::running(tx, opening.account, &opening.address).await? {
        return Ok((running, None));
    }
    let id = ConversationId::new();
    store::open(tx, id, opening).await?;
    let event = touch(tx, id, Change::new(What::Opened).by(by).at(opening.now)).await?;
    Ok((id, event))
}

/// The conversation of a chat that runs.
pub async fn running(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    address: &str,
) -> Result<Option<ConversationId>, DbError> {
    store::running(tx, account, address).await
}

/// When they last wrote to an account from this address.
pub async fn last_in(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    address: &str,
) -> Result<Option<DateTime<Utc>>, DbError> {
    store::last_in(tx, account, address).await
}

/// What a person wants of us, by any of their contacts; `None`: there is no such contact.
pub async fn consent(tx: &mut TenantTx<'_>, contact: ContactId) -> Result<Option<Consent>, DbError> {
    store::consent(tx, contact).await
}

/// What a person is known by over WhatsApp, the newest first.
pub async fn whatsapp_ids(tx: &mut TenantTx<'_>, contact: ContactId) -> Result<Vec<String>, DbError> {
    store::whatsapp_ids(tx, contact).await
}

/// Where a message that the provider has is, for those who change it there.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its account.
    pub account: ChannelAccountId,
    /// By which way.
    pub channel: Channel,
    /// Where an answer goes.
    pub address: String,
    /// The provider's id of it.
    pub provider_id: String,
    /// Whose.
    pub direction: Direction,
    /// What sort of message.
    pub kind: String,
    /// Its text.
    pub text: String,
    /// What stands under it.
    pub reactions: Vec<Reaction>,
    /// It was taken back.
    pub deleted: bool,
}

/// Where a message is; `None`: no such message, or no provider has it.
pub async fn placed(tx: &mut TenantTx<'_>, id: MessageId) -> Result<Option<Placed>, DbError> {
    store::placed(tx, id).await
}

/// A change of a message that its provider has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Act {
    /// We put a sign under it; `None` takes it away.
    React {
        /// The sign.
        emoji: Option<String>,
    },
    /// It has another text.
    Edit {
        /// The text.
        text: String,
    },
    /// It is taken back.
    Delete,
}

/// Makes a change of a message here; the provider is told by a job. What it was before, so that a refusal can undo it, and what happened.
pub async fn act(
    tx: &mut TenantTx<'_>,
    id: MessageId,
    placed: &Placed,
    act: &Act,
    by: Actor,
    now: DateTime<Utc>,
) -> Result<(Value, Option<NewEvent>), DbError> {
    let before = json!({ "text": placed.text, "reactions": placed.reactions, "deleted": placed.deleted });
    let kind = match act {
        Act::React { emoji } => {
            let reactions = reacted(&placed.reactions, emoji.as_deref());
            store::react(tx, id, &json!(reactions)).await?;
            messages::REACTED
        }
        Act::Edit { text } => {
            store::edit(tx, id, &text.replace('\0', ""), Some(now)).await?;
            messages::EDITED
        }
        Act::Delete => {
            store::delete(tx, id, Some(now)).await?;
            messages::DELETED
        }
    };
    let event = messages::tell(tx, id, placed.conversation, kind, by, now).await?;
    Ok((before, event))
}

/// The provider refused a change: the message is as it was before.
pub async fn act_refused(
    tx: &mut TenantTx<'_>,
    id: MessageId,
    act: &Act,
    before: &Value,
    now: DateTime<Utc>,
) -> Result<Option<NewEvent>, DbError> {
    let Some(placed) = placed(tx, id).await? else { return Ok(None) };
    let kind = match act {
        Act::React { .. } => {
            let ours = serde_json::from_value::<Vec<Reaction>>(before["reactions"].clone()).unwrap_or_default();
            let ours = ours.into_iter().find(|reaction| reaction.by == "us").and_then(|mut ours| ours.emoji.pop());
            store::react(tx, id, &json!(reacted(&placed.reactions, ours.as_deref()))).await?;
            messages::REACTED
        }
        Act::Edit { .. } => {
            store::edit(tx, id, before["text"].as_str().unwrap_or_default(), None).await?;
            messages::EDITED
        }
        Act::Delete => {
            store::delete(tx, id, None).await?;
            messages::EDITED
        }
    };
    messages::tell(tx, id, placed.conversation, kind, Actor::System, now).await
}

/// What stands under a message once ours is this.
fn reacted(now: &[Reaction], emoji: Option<&str>) -> Vec<Reaction> {
    let theirs = now.iter().filter(|reaction| reaction.by != "us").cloned();
    let ours = emoji.map(|emoji| Reaction { by: "us".to_owned(), emoji: vec![emoji.to_owned()] });
    theirs.chain(ours).collect()
}

/// The name under which somebody writes.
pub async fn author(tx: &mut TenantTx<'_>, agent: AgentId) -> Result<Author, DbError> {
    let name = crate::change_store::agent_name(tx, agent).await?;
    Ok(Author { kind: AuthorType::Agent, id: Some(agent.uuid()), name })
}

/// Conversations that are to come back by now, over all tenants.
pub async fn to_wake(
    db: &trunkline_db::Db,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(trunkline_db::TenantId, ConversationId)>, DbError> {
    let mut tx = db.system().await?;
    let due = store::to_wake(&mut tx, now, limit).await?;
    tx.commit().await?;
    Ok(due)
}

/// A conversation comes back, if its time has come.
pub async fn wake(tx: &mut TenantTx<'_>, id: ConversationId, now: DateTime<Utc>) -> Result<Option<NewEvent>, DbError> {
    let Some(standing) = crate::change::hold(tx, id).await? else { return Ok(None) };
    if standing.snoozed_until.is_none_or(|until| until > now) {
        return Ok(None);
    }
    touch(tx, id, Change::new(What::Reopened).at(now).with("reason", "snooze_over")).await
}

/// The labels of a conversation are these from now on. `None`: they are so already, or one of them is none.
pub async fn put_labels(tx: &mut TenantTx<'_>, id: ConversationId, labels: &[Uuid]) -> Result<bool, DbError> {
    store::put_labels(tx, id, labels).await
}

/// Those of these that are labels.
pub async fn labels_known(tx: &mut TenantTx<'_>, labels: &[Uuid]) -> Result<i64, DbError> {
    store::labels_known(tx, labels).await
}
