//! What is answered by itself: a greeting to whoever writes for the first time, a word that nobody is there, and what a bot's commands say.

use chrono::Duration;
use trunkline_db::{ContactId, ConversationId, DbError, TenantTx};
use trunkline_journal::NewEvent;

use super::{Setting, chat_store};
use crate::change::Actor;
use crate::compose::filled;
use crate::messages::{self, NewMessage};
use crate::model::{Author, AuthorType, Direction, MessageState};
use crate::send;

/// What was said longer ago (an outage, a provider's backlog) gets no word by itself any more.
const FRESH: Duration = Duration::hours(1);
/// Whoever asks for help again sooner has just read it.
const HELP_EVERY: Duration = Duration::seconds(20);

/// A message that may be answered by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct First<'a> {
    pub(super) conversation: ConversationId,
    pub(super) contact: ContactId,
    /// It opened its conversation.
    pub(super) is_new: bool,
    /// It is this command of a bot's.
    pub(super) command: Option<&'a str>,
}

/// Answers what is answered by itself; each at most once in a conversation, but for help.
pub(super) async fn answer(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    first: First<'_>,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let rules = &setting.account.rules;
    if setting.received_at - setting.at > FRESH {
        return Ok(());
    }
    let now = setting.received_at;
    let mut said = 0;
    let helped = if first.command == Some("help") { rules.help.as_ref().or(rules.greeting.as_ref()) } else { None };
    if let Some(text) = helped
        && !chat_store::said_by_itself(tx, first.conversation, now - HELP_EVERY).await?
    {
        say(tx, setting, first.conversation, text, &mut said, news).await?;
    }
    let account = setting.account.id;
    if let Some(text) = &rules.greeting
        && helped.is_none()
        && (first.command == Some("start")
            || first.is_new && !chat_store::is_known(tx, account, first.contact, first.conversation).await?)
        && chat_store::greeted(tx, first.conversation, now).await?
    {
        say(tx, setting, first.conversation, text, &mut said, news).await?;
    }
    if let (Some(text), Some(hours)) = (&rules.out_of_hours, &rules.hours)
        && !hours.is_open(now)
        && chat_store::told_closed(tx, first.conversation, now).await?
    {
        say(tx, setting, first.conversation, text, &mut said, news).await?;
    }
    Ok(())
}

/// A message of Trunkline's own: it goes out as any other, and does not count as an answer.
async fn say(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    conversation: ConversationId,
    text: &str,
    said: &mut i64,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    *said += 1;
    // Behind what it answers, whatever the provider's clock says.
    let at = setting.received_at.max(setting.at) + Duration::milliseconds(*said);
    let author = Author { kind: AuthorType::System, id: None, name: None };
    let message = NewMessage {
        account: Some(setting.account.id),
        text: super::clean::text(&filled(text, &chat_store::contact_name(tx, conversation).await?, "")),
        state: MessageState::Queued,
        ..NewMessage::new(conversation, Direction::Out, author, "text", at)
    };
    messages::write(tx, &message).await?;
    send::enqueue(tx, message.id).await?;
    news.extend(messages::tell(tx, message.id, conversation, messages::QUEUED, Actor::System, at).await?);
    Ok(())
}
