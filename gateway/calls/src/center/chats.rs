//! Chats: who writes shares the agents with who calls. What the records say of a chat is told here, whoever changed it; what the router
//! decides goes into the records, which have the last word.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, ConversationId, QueueId, TenantId};
use trunkline_routing::{self as routing, LeaveWhy, Medium, WorkItem};

use super::Center;
use super::floor::{Said, Told, leave_word};
use super::io::Output;
use crate::queueing::{Desk, House, Serves, Work};

/// What the records say of a chat at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatRecord {
    /// Whose.
    pub tenant: TenantId,
    /// The conversation.
    pub chat: ConversationId,
    /// The conversation's version: of two records the one with the higher counts.
    pub version: i64,
    /// Where it stands.
    pub stands: ChatStands,
}

/// Where a chat stands, as far as agents' work goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatStands {
    /// It is open, in a queue, and nobody's.
    Waits {
        /// The queue.
        queue: QueueId,
        /// 0 none, 1 low, 2 normal, 3 high, 4 urgent.
        priority: i16,
        /// Since when it waits.
        since: DateTime<Utc>,
        /// Who served this contact last.
        last_agent: Option<AgentId>,
    },
    /// It is open, and somebody's.
    Held {
        /// Whose.
        agent: AgentId,
        /// The queue it is of.
        queue: Option<QueueId>,
    },
    /// It is resolved, put off, nobody's business, or gone.
    Over,
}

/// A chat as the router knows it. One that is over is kept until all are read anew: what was read of it before may come later.
#[derive(Debug)]
pub(super) struct Chat {
    version: i64,
    stands: ChatStands,
    /// Who had it last and gave it back.
    given_back_by: Option<AgentId>,
    /// How many of our wishes are on their way into the records. Until they are settled the records are behind.
    unsettled: u32,
    /// The newest record that came meanwhile.
    meanwhile: Option<ChatRecord>,
}

impl Chat {
    /// What else its wait is to be, when it waits.
    fn item(&self, desk: Serves, now: DateTime<Utc>, steady: u64) -> Option<WorkItem<House>> {
        let ChatStands::Waits { queue, priority, since, last_agent } = &self.stands else {
            return None;
        };
        let waited = u64::try_from((now - *since).num_milliseconds()).unwrap_or(0);
        let desk = Desk { queue: *queue, serves: desk };
        let mut item = WorkItem::new(desk, Medium::Chat, steady.saturating_sub(waited));
        item.priority = weight(*priority);
        // Whoever gave it back is not given it again, however few others there are.
        item.except = self.given_back_by.into_iter().collect();
        item.last_agent = last_agent.filter(|last| Some(*last) != self.given_back_by);
        Some(item)
    }
}

/// What a conversation's priority weighs: urgent as much as a VIP's call.
fn weight(priority: i16) -> i16 {
    match priority {
        1 => -5,
        3 => 5,
        4 => 10,
        _ => 0,
    }
}

/// The queue a waiting chat is in, or the agent who has it.
fn engaged(chat: ConversationId, agent: AgentId, queue: Option<QueueId>) -> Told {
    let queue = queue.map(Desk::of_chats);
    Told::Engaged { work: Work::Chat(chat), agent, medium: Medium::Chat, queue }
}

impl Center {
    /// The records of a chat changed.
    pub(super) fn chat_told(&mut self, now: DateTime<Utc>, record: ChatRecord, out: &mut Vec<Output>) {
        let tenant = record.tenant;
        let told = self.chat_inputs(now, record, false);
        if !told.is_empty() {
            self.route(now, tenant, told, out);
        }
    }

    /// One of our wishes is in the records, or will never be.
    pub(super) fn chat_settled(&mut self, now: DateTime<Utc>, record: ChatRecord, out: &mut Vec<Output>) {
        let floor = self.floors.entry(record.tenant).or_default();
        if let Some(chat) = floor.chats.get_mut(&record.chat) {
            chat.unsettled = chat.unsettled.saturating_sub(1);
        }
        self.chat_told(now, record, out);
    }

    /// All chats of a tenant were read: at the start, and when something may have been missed. Nothing is given away before all
    /// of them are known.
    pub(super) fn chats_read(
        &mut self,
        now: DateTime<Utc>,
        tenant: TenantId,
        all: Vec<ChatRecord>,
        out: &mut Vec<Output>,
    ) {
        let there: BTreeSet<ConversationId> = all.iter().map(|record| record.chat).collect();
        let floor = self.floors.entry(tenant).or_default();
        let known = floor.chats.iter().filter(|(id, chat)| !there.contains(id) && chat.unsettled == 0);
        let gone: Vec<ChatRecord> = known
            .map(|(id, chat)| ChatRecord { tenant, chat: *id, version: chat.version, stands: ChatStands::Over })
            .collect();
        // Places become free before they are taken.
        let mut told = Vec::new();
        for record in gone.into_iter().chain(all) {
            told.extend(self.chat_inputs(now, record, true));
        }
        // Whatever is told from now on was read later than this.
        let floor = self.floors.entry(tenant).or_default();
        floor.chats.retain(|_, chat| chat.stands != ChatStands::Over || chat.unsettled > 0);
        if !told.is_empty() {
            self.route(now, tenant, told, out);
        }
    }

    /// Takes a record in; gives what is new in it as inputs for the router. `again`: what waits was waiting before we looked.
    fn chat_inputs(&mut self, now: DateTime<Utc>, record: ChatRecord, again: bool) -> Vec<Told> {
        let steady = self.steady;
        let floor = self.floors.entry(record.tenant).or_default();
        let id = record.chat;
        let chat = floor.chats.entry(id).or_insert(Chat {
            version: i64::MIN,
            stands: ChatStands::Over,
            given_back_by: None,
            unsettled: 0,
            meanwhile: None,
        });
        let newer = |than: &ChatRecord| record.version >= than.version;
        let record = if chat.meanwhile.as_ref().is_none_or(newer) { Some(record) } else { chat.meanwhile.take() };
        if chat.unsettled > 0 {
            chat.meanwhile = record;
            return Vec::new();
        }
        chat.meanwhile = None;
        let Some(record) = record.filter(|record| record.version >= chat.version) else {
            return Vec::new();
        };
        chat.version = record.version;
        let work = Work::Chat(id);
        let before = std::mem::replace(&mut chat.stands, record.stands);
        let mut told = Vec::new();
        match (&before, &chat.stands) {
            (before, stands) if before == stands => {}
            (ChatStands::Waits { queue: from, priority: was, .. }, ChatStands::Waits { queue, priority, .. }) => {
                if from != queue {
                    told.push(Told::Move { work, to: Desk::of_chats(*queue) });
                }
                if was != priority {
                    told.push(Told::Prioritise { work, priority: weight(*priority) });
                }
                // It may have waited for a queue that is not known.
                told.extend(enqueued(id, chat, now, steady, again));
            }
            (before, stands) => {
                match before {
                    ChatStands::Waits { .. } => told.push(Told::Withdraw { work }),
                    ChatStands::Held { agent, .. } => told.push(Told::Released { work, agent: *agent }),
                    ChatStands::Over => {}
                }
                match (before, stands) {
                    (ChatStands::Held { agent, .. }, ChatStands::Waits { .. }) => chat.given_back_by = Some(*agent),
                    (_, ChatStands::Waits { .. }) => {}
                    (_, ChatStands::Held { .. } | ChatStands::Over) => chat.given_back_by = None,
                }
                if let ChatStands::Held { agent, queue } = stands {
                    told.push(engaged(id, *agent, *queue));
                }
                told.extend(enqueued(id, chat, now, steady, again));
            }
        }
        told
    }

    /// What a router is to know of chats whose queue or agent it did not know before.
    pub(super) fn chats_for_newcomers(
        &self,
        now: DateTime<Utc>,
        tenant: TenantId,
        agents: &BTreeSet<AgentId>,
    ) -> Vec<Told> {
        let Some(floor) = self.floors.get(&tenant) else {
            return Vec::new();
        };
        let told = floor.chats.iter().filter_map(|(id, chat)| match &chat.stands {
            ChatStands::Waits { .. } => {
                let unknown = floor.router.work(Work::Chat(*id)).is_none();
                unknown.then(|| enqueued(*id, chat, now, self.steady, true)).flatten()
            }
            ChatStands::Held { agent, queue } => agents.contains(agent).then(|| engaged(*id, *agent, *queue)),
            ChatStands::Over => None,
        });
        told.collect()
    }

    /// Does what the router said of a chat.
    pub(super) fn obey_for_chat(
        &mut self,
        now: DateTime<Utc>,
        (tenant, id): (TenantId, ConversationId),
        said: &Said,
        out: &mut Vec<Output>,
    ) -> Option<Told> {
        let steady = self.steady;
        let floor = self.floors.get_mut(&tenant)?;
        let chat = floor.chats.get_mut(&id)?;
        match *said {
            // Desks of chats do not ring.
            Said::Offer { work, agent, .. } => return Some(Told::Accept { work, agent }),
            Said::Assigned { agent, queue: Desk { queue, .. }, waited_ms, .. } => {
                chat.stands = ChatStands::Held { agent, queue: Some(queue) };
                chat.given_back_by = None;
                chat.unsettled += 1;
                out.push(Output::AssignChat { tenant, chat: id, agent, queue, waited_ms });
            }
            Said::Moved { from, to, why, .. } if why != LeaveWhy::ByHand => {
                if let ChatStands::Waits { queue, .. } = &mut chat.stands {
                    *queue = to.queue;
                    chat.unsettled += 1;
                    let (from, to, why) = (from.queue, to.queue, leave_word(why));
                    out.push(Output::MoveChat { tenant, chat: id, from, to, why });
                }
            }
            Said::Leave { work, why: LeaveWhy::DeadEnd, queue: Desk { serves: Serves::Chats, .. }, .. } => {
                let item = chat.item(Serves::ChatsThatStay, now, steady)?;
                return Some(Told::Enqueue { work, item, stay: None });
            }
            Said::Leave { queue: Desk { queue, .. }, why, .. } => {
                out.push(Output::ChatLeft { tenant, chat: id, queue, why: leave_word(why) });
                chat.stands = ChatStands::Over;
            }
            // Moved by hand: the records said so. What waits for a queue that is not known yet is told again with the directory that has it.
            Said::Moved { .. }
            | Said::NoSuchQueue { .. }
            | Said::Cancel { .. }
            | Said::TooLate { .. }
            | Said::Unanswered { .. }
            | Said::Announce { .. }
            | Said::Relaxed { .. }
            | Said::Agent { .. } => {}
        }
        None
    }
}

/// A chat that waits, as the router is told.
fn enqueued(id: ConversationId, chat: &Chat, now: DateTime<Utc>, steady: u64, again: bool) -> Option<Told> {
    let item = chat.item(Serves::Chats, now, steady)?;
    let stay = again.then(|| routing::Stay { joined: item.since, been: BTreeSet::new(), passes: BTreeMap::new() });
    Some(Told::Enqueue { work: Work::Chat(id), item, stay })
}
