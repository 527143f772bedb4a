//! A message that a caller left, as a message of the conversation that shows their call: it has the id of the voicemail, so that there is one however
//! often it is told of.

use serde_json::{Value, json};
use trunkline_conversations::messages::{self, Inserted, NewMessage};
use trunkline_conversations::{Actor, Author, AuthorType, Direction};
use trunkline_db::{CallId, DbError, TenantTx};
use trunkline_journal::NewEvent;

use super::calls_store::{self as store, Left};

/// Its kind.
const VOICEMAIL: &str = "voicemail";

/// Brings the message to where the voicemail is.
pub(super) async fn keep(tx: &mut TenantTx<'_>, call: CallId, news: &mut Vec<NewEvent>) -> Result<(), DbError> {
    let Some(left) = store::left(tx, call).await? else { return Ok(()) };
    let content = content(call, &left);
    match store::content_of(tx, left.id).await? {
        Some((_, known)) if known == content => {}
        Some((conversation, _)) => {
            store::rewrite(tx, left.id, &content).await?;
            let told = messages::tell(tx, left.id, conversation, messages::EDITED, Actor::System, left.at).await?;
            news.extend(told);
        }
        None => {
            // Its call has a line by now, unless it is one that conversations do not show.
            let Some(line) = store::line(tx, call).await? else { return Ok(()) };
            let who = store::contact_of(tx, line.conversation).await?;
            let author = Author {
                kind: AuthorType::Contact,
                id: who.as_ref().map(|(contact, _)| contact.uuid()),
                name: who.map(|(_, name)| name),
            };
            let message = NewMessage {
                id: left.id,
                content,
                ..NewMessage::new(line.conversation, Direction::In, author, VOICEMAIL, left.at)
            };
            if let Inserted::New(event) = messages::insert(tx, &message, Actor::System).await? {
                news.extend(event.map(|mut event| {
                    if line.quiet
                        && let Some(data) = event.data.as_object_mut()
                    {
                        data.insert("quiet".to_owned(), Value::Bool(true));
                    }
                    event
                }));
            }
        }
    }
    Ok(())
}

fn content(call: CallId, left: &Left) -> Value {
    json!({
        "voicemail_id": left.id,
        "call_id": call,
        "state": left.state,
        "length_ms": left.length_ms,
        "done_at": left.done_at,
        "done_by": left.done_by,
    })
}
