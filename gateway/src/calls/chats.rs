//! Chats between the records and the router: what the records say of them is told to the core, and what the router decides is written,
//! if the records have nothing against it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use trunkline_calls::center::{ChatRecord, ChatStands, Input, Output};
use trunkline_calls::directory::Directory;
use trunkline_conversations::{Assignee, Change, State, What, change, touch};
use trunkline_db::{AgentId, ConversationId, Db, DbError, QueueId, TenantId};
use trunkline_journal::{CommandError, Filter, Hub, Item, Journal, KindFilter, Outcome, ReadError, Start};
use uuid::Uuid;

use super::chats_store as store;

/// Between two attempts while the database is away.
const RETRY: Duration = Duration::from_millis(500);
/// How often all chats are read although the journal told of each change: a queue or an agent that is removed leaves its conversations
/// without one, and nothing tells of that.
const READ_ALL: Duration = Duration::from_mins(1);
/// How many wishes are written at once, each chat's in order.
const WRITERS: usize = 8;
/// What happens to conversations that may change whose work they are.
const KINDS: [&str; 8] = [
    "conversation.opened",
    "conversation.assigned",
    "conversation.unassigned",
    "conversation.snoozed",
    "conversation.pending",
    "conversation.resolved",
    "conversation.reopened",
    "conversation.updated",
];

/// What the router decided of a chat.
#[derive(Debug, Clone, Copy)]
struct Wish {
    tenant: TenantId,
    chat: ConversationId,
    /// Where the chat is, or the router thinks it is.
    queue: QueueId,
    decided: Decided,
}

#[derive(Debug, Clone, Copy)]
enum Decided {
    Assign { agent: AgentId, waited_ms: u64 },
    Move { to: QueueId, why: &'static str },
}

/// Writes what the router decides.
#[derive(Debug)]
pub(super) struct Chats {
    writers: Vec<mpsc::UnboundedSender<Wish>>,
}

impl Chats {
    /// Follows the records of every tenant of the directory, and writes wishes, until cancelled. What the core is to know comes by
    /// `inputs`.
    pub(super) fn start(
        db: &Db,
        journal: &Journal,
        directory: watch::Receiver<Arc<Directory>>,
        inputs: &mpsc::UnboundedSender<Input>,
        cancel: &CancellationToken,
    ) -> Self {
        let follow = Follow { db: db.clone(), hub: journal.hub().clone(), inputs: inputs.clone() };
        tokio::spawn(follow.tenants(directory, cancel.clone()));
        let writers = (0..WRITERS).map(|_| {
            let (sender, wishes) = mpsc::unbounded_channel();
            let writer = Writer { db: db.clone(), journal: journal.clone(), inputs: inputs.clone() };
            let cancel = cancel.clone();
            tokio::spawn(async move { cancel.run_until_cancelled(writer.run(wishes)).await });
            sender
        });
        Self { writers: writers.collect() }
    }

    /// Has something that the core said of a chat carried out.
    pub(super) fn carry_out(&self, output: &Output) {
        let wish = match *output {
            Output::AssignChat { tenant, chat, agent, queue, waited_ms } => {
                Wish { tenant, chat, queue, decided: Decided::Assign { agent, waited_ms } }
            }
            Output::MoveChat { tenant, chat, from, to, why } => {
                Wish { tenant, chat, queue: from, decided: Decided::Move { to, why } }
            }
            Output::ChatLeft { tenant, chat, queue, why } => {
                tracing::info!(%tenant, conversation = %chat, %queue, why, "nobody will be found for a chat");
                return;
            }
            _ => return,
        };
        let place = usize::try_from(wish.chat.uuid().as_u128() % self.writers.len() as u128).unwrap_or(0);
        if let Some(writer) = self.writers.get(place) {
            // The writers live as long as the shell; what comes after their end is decided anew by the next life.
            let _ = writer.send(wish);
        }
    }
}

struct Writer {
    db: Db,
    journal: Journal,
    inputs: mpsc::UnboundedSender<Input>,
}

impl Writer {
    async fn run(self, mut wishes: mpsc::UnboundedReceiver<Wish>) {
        while let Some(wish) = wishes.recv().await {
            let record = self.settle(wish).await;
            if self.inputs.send(Input::ChatSettled(record)).is_err() {
                return;
            }
        }
    }

    /// Writes a wish, however long it takes; gives what the records say then.
    async fn settle(&self, wish: Wish) -> ChatRecord {
        loop {
            match self.write(wish).await {
                Ok(record) => return record,
                Err(error @ (CommandError::Unavailable(_) | CommandError::Unknown)) => {
                    tracing::warn!(%error, conversation = %wish.chat, "what the router decided is not written; trying again");
                    tokio::time::sleep(RETRY).await;
                }
                Err(error) => {
                    // The agent or the queue was removed a moment ago: the records tell what to go on with.
                    tracing::warn!(%error, ?wish, "the records refuse what the router decided of a chat");
                    tokio::time::sleep(RETRY).await;
                    if let Ok(record) = self.read(wish).await {
                        return record;
                    }
                }
            }
        }
    }

    async fn write(&self, wish: Wish) -> Result<ChatRecord, CommandError<DbError>> {
        let written = self.journal.command(wish.tenant, move |tx| {
            Box::pin(async move {
                let mut event = None;
                let standing = change::hold(tx, wish.chat).await?;
                let is_as_thought = |standing: &change::Standing| {
                    let Assignee { agent_id, queue_id, .. } = standing.assignee;
                    standing.state == State::Open
                        && !standing.spam
                        && agent_id.is_none()
                        && queue_id == Some(wish.queue)
                };
                if let Some(standing) = standing.filter(is_as_thought) {
                    let mut assignee = standing.assignee;
                    let change = match wish.decided {
                        Decided::Assign { agent, waited_ms } => {
                            assignee.agent_id = Some(agent);
                            Change::new(What::Assigned(assignee)).with("waited_ms", waited_ms)
                        }
                        Decided::Move { to, why } => {
                            assignee.queue_id = Some(to);
                            Change::new(What::Assigned(assignee)).with("why", why)
                        }
                    };
                    event = touch(tx, wish.chat, change.with("by", "router")).await?;
                }
                let record = store::some(tx, &[wish.chat.uuid()]).await?.pop();
                Ok(Outcome::new(record.unwrap_or_else(|| gone(wish))).events(event))
            })
        });
        Ok(written.await?.value)
    }

    async fn read(&self, wish: Wish) -> Result<ChatRecord, DbError> {
        let mut tx = self.db.tenant(wish.tenant).await?;
        let record = store::some(&mut tx, &[wish.chat.uuid()]).await?.pop();
        tx.commit().await?;
        Ok(record.unwrap_or_else(|| gone(wish)))
    }
}

/// What is not in the records is over, whatever they said before.
fn gone(wish: Wish) -> ChatRecord {
    ChatRecord { tenant: wish.tenant, chat: wish.chat, version: i64::MAX, stands: ChatStands::Over }
}

#[derive(Clone)]
struct Follow {
    db: Db,
    hub: Hub,
    inputs: mpsc::UnboundedSender<Input>,
}

impl Follow {
    /// Follows every tenant that the directory has, for as long as it has it.
    async fn tenants(self, mut directory: watch::Receiver<Arc<Directory>>, cancel: CancellationToken) {
        let mut followed: HashMap<TenantId, CancellationToken> = HashMap::new();
        loop {
            let there: BTreeSet<TenantId> = directory.borrow_and_update().tenants.keys().copied().collect();
            followed.retain(|tenant, follows| {
                let stays = there.contains(tenant);
                if !stays {
                    follows.cancel();
                }
                stays
            });
            for tenant in there {
                followed.entry(tenant).or_insert_with(|| {
                    let (follows, follow) = (cancel.child_token(), self.clone());
                    let until = follows.clone();
                    tokio::spawn(async move { until.run_until_cancelled(follow.tenant(tenant)).await });
                    follows
                });
            }
            match cancel.run_until_cancelled(directory.changed()).await {
                Some(Ok(())) => {}
                Some(Err(_)) | None => return,
            }
        }
    }

    async fn tenant(self, tenant: TenantId) {
        loop {
            if let Err(error) = self.until_reset(tenant).await {
                tracing::warn!(%error, %tenant, "chats cannot be followed; trying again");
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Tells of all chats, and of each that changes from then on, until the journal cannot be followed any more.
    async fn until_reset(&self, tenant: TenantId) -> Result<(), ReadError> {
        let kinds = KINDS.map(|kind| kind.parse::<KindFilter>().expect("the kinds of ours are kinds"));
        // Before the reading: what changes while it goes on is told after it.
        let mut changes = self.hub.subscribe(tenant, Start::live(), Filter::all().kinds(kinds)).await?;
        let mut read_all = tokio::time::interval(READ_ALL);
        read_all.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let batch = tokio::select! {
                // The first comes at once.
                _ = read_all.tick() => {
                    self.all(tenant).await?;
                    continue;
                }
                batch = changes.next() => batch,
            };
            let mut chats = BTreeSet::new();
            for item in batch.items {
                match item {
                    Item::Event(frame) => chats.extend(subject(frame.event_str())),
                    Item::Reset(_) => return Ok(()),
                    Item::Skipped(_) | Item::CaughtUp(_) | Item::Signal(_) => {}
                }
            }
            if !chats.is_empty() {
                self.some(tenant, &Vec::from_iter(chats)).await?;
            }
        }
    }

    async fn all(&self, tenant: TenantId) -> Result<(), DbError> {
        let mut tx = self.db.tenant(tenant).await?;
        let all = store::all(&mut tx).await?;
        tx.commit().await?;
        // The core lives as long as its shell.
        let _ = self.inputs.send(Input::Chats { tenant, all });
        Ok(())
    }

    async fn some(&self, tenant: TenantId, chats: &[Uuid]) -> Result<(), DbError> {
        let mut tx = self.db.tenant(tenant).await?;
        let some = store::some(&mut tx, chats).await?;
        tx.commit().await?;
        for record in some {
            let _ = self.inputs.send(Input::Chat(record));
        }
        Ok(())
    }
}

/// Which conversation an event is about.
fn subject(event: &str) -> Option<Uuid> {
    #[derive(Deserialize)]
    struct Event {
        subject: Subject,
    }
    #[derive(Deserialize)]
    struct Subject {
        id: Uuid,
    }
    serde_json::from_str::<Event>(event).ok().map(|event| event.subject.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conversation_of_an_event_is_found() {
        let id = Uuid::now_v7();
        let event = format!(r#"{{"seq":1,"subject":{{"type":"conversation","id":"{id}"}},"data":{{"subject":5}}}}"#);
        assert_eq!(subject(&event), Some(id));
        assert_eq!(subject(r#"{"seq":1}"#), None);
    }
}
