//! One call as a line of a conversation.
//!
//! - Calls with one contact are one conversation that goes on; one that was resolved is taken up again within [`REOPEN`], as chats are.
//! - Who hides their number is nobody we know: each such call is a conversation of its own, with a contact that has a name and no identity.
//! - A call that nobody answered leaves its conversation open, and the caller waits since then. One that was answered is the agent's who talked,
//!   and is resolved at its end unless it is a tenant's wish to do that by hand, somebody put it elsewhere meanwhile, or another call runs.
//! - Calls among ourselves are none of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use trunkline_channels::model::Identity;
use trunkline_conversations::messages::{self, Inserted, NewMessage};
use trunkline_conversations::{Actor, Assignee, Author, AuthorType, Change, Direction, State, What, change, touch};
use trunkline_db::{CallId, ContactId, ConversationId, DbError, MessageId, TenantTx};
use trunkline_journal::{Kind, NewEvent, Ref};
use trunkline_people::{Evidence, Seen, resolve};

use super::calls_store::{self as store, Call};

/// Within this time after it was resolved a conversation goes on with the next call.
const REOPEN: TimeDelta = TimeDelta::hours(72);
/// Digits without which a caller's id is no number.
const NUMBER: usize = 3;
/// Characters of a caller's id that is no number, as a name.
const MAX_NAME: usize = 200;

const CREATED: Kind = Kind::from_static("contact.created");

/// The line that a call has.
struct Line {
    message: MessageId,
    conversation: ConversationId,
    /// It is new.
    is_new: bool,
    /// It said before that the call had ended.
    had_ended: bool,
    /// Nobody has to look at it: spam, or somebody who is blocked.
    quiet: bool,
}

/// Brings a call's line, and its conversation, to where the call is.
pub(super) async fn keep(
    tx: &mut TenantTx<'_>,
    id: CallId,
    resolves: bool,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let Some(call) = store::call(tx, id).await? else { return Ok(()) };
    if call.direction == "internal" {
        return Ok(());
    }
    let content = content(&call);
    let now = call.ended_at.or(call.answered_at).unwrap_or(call.started_at);
    let line = match store::line(tx, id).await? {
        Some(line) if line.content == content => return Ok(()),
        Some(known) => {
            store::rewrite(tx, known.message, &content).await?;
            Line {
                message: known.message,
                conversation: known.conversation,
                is_new: false,
                had_ended: known.content["state"] == "ended",
                quiet: known.quiet,
            }
        }
        None => begin(tx, id, &call, &content, news).await?,
    };
    let conversation = line.conversation;
    let ends = call.ended_at.is_some() && !line.had_ended;
    if let Some(at) = call.answered_at {
        store::answered(tx, conversation, at).await?;
    } else if ends && call.direction == "inbound" && !line.quiet && call.end_reason.as_deref() != Some("blocked") {
        store::missed(tx, conversation, call.started_at).await?;
    }
    let mut told = Vec::new();
    let Some(standing) = change::hold(tx, conversation).await? else { return Ok(()) };
    if let Some(agent) = call.agent_id.filter(|_| call.answered_at.is_some() && !line.had_ended) {
        let assignee = change::assigned(standing.assignee, Assignee { agent_id: Some(agent), ..Assignee::default() });
        told.extend(touch(tx, conversation, Change::new(What::Assigned(assignee)).at(now)).await?);
    }
    let running = if call.ended_at.is_none() { Some(id) } else { standing.call.filter(|other| *other != id) };
    if running != standing.call {
        told.extend(touch(tx, conversation, Change::new(What::Call(running)).at(now)).await?);
    }
    if !line.is_new {
        told.extend(messages::tell(tx, line.message, conversation, messages::EDITED, Actor::System, now).await?);
    }
    if ends && resolves && running.is_none() && standing.state == State::Open && !store::waits(tx, conversation).await?
    {
        told.extend(touch(tx, conversation, Change::new(What::Resolved).at(now)).await?);
    }
    news.extend(told.into_iter().map(|mut event| {
        if line.quiet
            && let Some(data) = event.data.as_object_mut()
        {
            data.insert("quiet".to_owned(), Value::Bool(true));
        }
        event
    }));
    Ok(())
}

fn content(call: &Call) -> Value {
    let duration = call.ended_at.map(|ended| (ended - call.started_at).num_milliseconds());
    let talk = call.ended_at.zip(call.answered_at).map(|(ended, answered)| (ended - answered).num_milliseconds());
    json!({
        "direction": call.direction,
        "from": call.from_number,
        "to": call.to_number,
        "state": call.state,
        "queue_id": call.queue_id,
        "agent_id": call.agent_id,
        "answered_at": call.answered_at,
        "end_reason": call.end_reason,
        "duration_ms": duration,
        "talk_ms": talk,
        "recording_id": call.recording_id,
    })
}

/// The first line of a call: in the conversation of whom it is with.
async fn begin(
    tx: &mut TenantTx<'_>,
    id: CallId,
    call: &Call,
    content: &Value,
    news: &mut Vec<NewEvent>,
) -> Result<Line, DbError> {
    let (theirs, ours) = if call.direction == "inbound" {
        (&call.from_number, &call.to_number)
    } else {
        (&call.to_number, &call.from_number)
    };
    let who = whose(tx, id, theirs, call.started_at, news).await?;
    store::know(tx, id, who.contact).await?;
    store::lock(tx, who.contact).await?;
    let found = store::find(tx, who.contact).await?.filter(|found| {
        found.state != State::Resolved
            || found.spam
            || found.resolved_at.is_some_and(|at| at + REOPEN > call.started_at)
    });
    let quiet = who.blocked || found.as_ref().is_some_and(|found| found.spam);
    let conversation = if let Some(found) = found {
        // A call of ours wakes nothing that sleeps: it is answered first.
        if !quiet && (found.state == State::Resolved || call.direction == "inbound") {
            let reopened = Change::new(What::Reopened).at(call.started_at);
            news.extend(touch(tx, found.id, reopened).await?);
        }
        found.id
    } else {
        let new = store::NewConversation {
            contact: who.contact,
            address: theirs,
            line: ours,
            queue: call.queue_id,
            resolved_at: quiet.then_some(call.started_at),
            at: call.started_at,
        };
        let made = store::make(tx, &new).await?;
        news.extend(touch(tx, made, Change::new(What::Opened).at(call.started_at)).await?);
        made
    };
    let author = if call.direction == "inbound" {
        Author { kind: AuthorType::Contact, id: Some(who.contact.uuid()), name: Some(who.name) }
    } else {
        Author { kind: AuthorType::Agent, id: call.agent_id.map(trunkline_db::AgentId::uuid), name: None }
    };
    let line = NewMessage {
        content: content.clone(),
        call: Some(id),
        ..NewMessage::new(conversation, Direction::Event, author, "call", call.started_at)
    };
    if let Inserted::New(event) = messages::insert(tx, &line, Actor::System).await? {
        news.extend(event);
    }
    Ok(Line { message: line.id, conversation, is_new: true, had_ended: false, quiet })
}

/// Whom a call is with.
struct Who {
    contact: ContactId,
    name: String,
    blocked: bool,
}

async fn whose(
    tx: &mut TenantTx<'_>,
    id: CallId,
    number: &str,
    at: DateTime<Utc>,
    news: &mut Vec<NewEvent>,
) -> Result<Who, DbError> {
    if !is_number(number) {
        let name: String = number.chars().filter(|sign| !sign.is_control()).take(MAX_NAME).collect();
        let name = if is_hidden(&name) { "Anonymous".to_owned() } else { name };
        let contact = store::make_nameless(tx, &name).await?;
        let line = json!({
            "id": contact, "person_id": contact, "name": name, "named_by": "number", "language": null, "blocked": false,
            "opted_out": false,
        });
        let data = json!({ "contact": line, "identities": [], "by": "call" });
        news.push(NewEvent::new(CREATED, Ref::new("contact", contact), data).at(at));
        return Ok(Who { contact, name, blocked: false });
    }
    let seen = Seen {
        identities: vec![Identity::Phone(number.to_owned())],
        name: None,
        language: None,
        country: None,
        evidence: Evidence {
            by: "call".to_owned(),
            account_id: None,
            call_id: Some(id.uuid()),
            user_id: None,
            text: None,
        },
        at,
    };
    let mut resolved = resolve(tx, &seen).await?;
    news.append(&mut resolved.events);
    Ok(Who { contact: resolved.contact, name: resolved.name, blocked: resolved.blocked })
}

fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let others = text.chars().all(|sign| sign.is_ascii_digit() || "+-() .*#".contains(sign));
    others && (NUMBER..=32).contains(&digits)
}

/// As networks and phones name who does not want to be named.
fn is_hidden(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    ["", "anonymous", "unknown", "unavailable", "restricted", "private", "withheld", "asserted", "<unknown>"]
        .contains(&name.as_str())
        || name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_told_from_names() {
        for number in ["+15550100", "0039 02 1234", "112", "(02) 12-34"] {
            assert!(is_number(number), "{number}");
        }
        for name in ["", "anonymous", "alice", "12", "sip:1234", "+", "1234x"] {
            assert!(!is_number(name), "{name}");
        }
        assert!(is_hidden(" Anonymous ") && is_hidden("") && !is_hidden("alice"));
    }

    proptest! {
        #[test]
        fn any_caller_is_one_or_the_other(text in "\\PC{0,60}|.{0,20}") {
            let _ = is_number(&text);
            let _ = is_hidden(&text);
        }
    }
}
