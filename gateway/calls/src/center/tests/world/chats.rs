//! The records of chats, which have the last word: what people do with them, and what the core wishes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proptest::sample::Index;
use trunkline_db::{AgentId, ConversationId, QueueId};

use super::World;
use crate::center::{ChatRecord, ChatStands, Input};
use crate::queueing::Work;

#[derive(Debug, Clone)]
pub(in super::super) struct Row {
    version: i64,
    open: bool,
    pub(in super::super) queue: QueueId,
    pub(in super::super) agent: Option<AgentId>,
    given_back_by: Option<AgentId>,
    last_agent: Option<AgentId>,
    priority: i16,
    since: DateTime<Utc>,
}

#[derive(Debug, Default)]
pub(in super::super) struct Chats {
    pub(in super::super) rows: BTreeMap<ConversationId, Row>,
    /// Every record that was ever read.
    read: Vec<ChatRecord>,
    pub(in super::super) left: Vec<ConversationId>,
    /// Wishes that came too late.
    pub(in super::super) refused: usize,
}

impl Chats {
    /// Who gave what back is in no record.
    pub(super) fn gateway_is_killed(&mut self) {
        self.rows.values_mut().for_each(|row| row.given_back_by = None);
    }
}

impl World {
    pub(in super::super) fn somebody_writes(&mut self, queue: QueueId, priority: i16) -> ConversationId {
        self.somebody_writes_again(queue, priority, None)
    }

    /// Whom they had to do with before is known.
    pub(in super::super) fn somebody_writes_again(
        &mut self,
        queue: QueueId,
        priority: i16,
        last_agent: Option<AgentId>,
    ) -> ConversationId {
        let chat = ConversationId::new();
        let since = self.now;
        let row = Row { version: 0, open: true, queue, agent: None, given_back_by: None, last_agent, priority, since };
        self.chats.rows.insert(chat, row);
        self.change_chat(chat, |_| {});
        chat
    }

    pub(in super::super) fn takes_chat(&mut self, index: usize, chat: ConversationId) {
        let agent = self.agents[index];
        self.change_chat(chat, |row| row.agent = Some(agent));
    }

    pub(in super::super) fn gives_back(&mut self, chat: ConversationId) {
        self.change_chat(chat, |row| {
            if let Some(agent) = row.agent.take() {
                row.given_back_by = Some(agent);
            }
        });
    }

    pub(in super::super) fn chat_is_over(&mut self, chat: ConversationId) {
        self.change_chat(chat, |row| row.open = false);
    }

    pub(in super::super) fn chat_goes_to(&mut self, chat: ConversationId, queue: QueueId) {
        self.change_chat(chat, |row| row.queue = queue);
    }

    fn change_chat(&mut self, chat: ConversationId, change: impl FnOnce(&mut Row)) {
        let row = self.chats.rows.get_mut(&chat).expect("a chat of this world");
        row.version += 1;
        change(row);
        let record = self.record(chat);
        self.chats.read.push(record.clone());
        self.feed(Input::Chat(record));
    }

    fn record(&self, chat: ConversationId) -> ChatRecord {
        let row = &self.chats.rows[&chat];
        let Row { queue, priority, since, last_agent, .. } = *row;
        let stands = match row.agent {
            _ if !row.open => ChatStands::Over,
            Some(agent) => ChatStands::Held { agent, queue: Some(queue) },
            None => ChatStands::Waits { queue, priority, since, last_agent },
        };
        ChatRecord { tenant: self.tenant, chat, version: row.version, stands }
    }

    /// All chats are read anew.
    pub(in super::super) fn tell_chats(&mut self) {
        let open = self.chats.rows.iter().filter(|(_, row)| row.open).map(|(chat, _)| self.record(*chat)).collect();
        self.chats.read.clear();
        self.feed(Input::Chats { tenant: self.tenant, all: open });
    }

    pub(in super::super) fn late_record(&mut self, which: Index) {
        if !self.chats.read.is_empty() {
            let record = which.get(&self.chats.read).clone();
            self.feed(Input::Chat(record));
        }
    }

    pub(in super::super) fn open_chat(&self, which: Index) -> Option<ConversationId> {
        let open: Vec<_> = self.chats.rows.iter().filter(|(_, row)| row.open).map(|(chat, _)| *chat).collect();
        (!open.is_empty()).then(|| *which.get(&open))
    }

    pub(in super::super) fn agent_of(&self, chat: ConversationId) -> Option<usize> {
        let agent = self.chats.rows[&chat].agent?;
        self.agents.iter().position(|one| *one == agent)
    }

    fn held_by(&self, agent: AgentId) -> usize {
        self.chats.rows.values().filter(|row| row.open && row.agent == Some(agent)).count()
    }

    pub(super) fn chat_is_assigned(&mut self, chat: ConversationId, agent: AgentId, queue: QueueId) {
        let room = usize::from(self.directory.agents[&(self.tenant, agent)].chats);
        let held = self.held_by(agent);
        let row = self.chats.rows.get_mut(&chat).expect("a chat of this world");
        if row.open && row.agent.is_none() && row.queue == queue {
            assert!(held < room, "an agent with {held} chats was given one more, and has room for {room}");
            assert_ne!(row.given_back_by, Some(agent), "given to who gave it back");
            (row.agent, row.given_back_by) = (Some(agent), None);
            row.version += 1;
        } else {
            self.chats.refused += 1;
        }
        self.answers.push_back(Input::ChatSettled(self.record(chat)));
    }

    pub(super) fn chat_is_moved(&mut self, chat: ConversationId, from: QueueId, to: QueueId) {
        let row = self.chats.rows.get_mut(&chat).expect("a chat of this world");
        if row.open && row.agent.is_none() && row.queue == from {
            row.queue = to;
            row.version += 1;
        } else {
            self.chats.refused += 1;
        }
        self.answers.push_back(Input::ChatSettled(self.record(chat)));
    }

    /// The core knows what the records say, and no chat waits beside an agent who has room for it.
    pub(in super::super) fn check_chats(&self) {
        let floor = self.center.floors.get(&self.tenant).expect("the floor");
        let views: BTreeMap<_, _> =
            self.agents.iter().map(|agent| (*agent, floor.router.agent(*agent).expect("the agent"))).collect();
        for (agent, view) in &views {
            let [_, chats] = view.occupied;
            assert_eq!(chats, self.held_by(*agent), "what the router holds an agent for having");
        }
        for (chat, row) in self.chats.rows.iter().filter(|(_, row)| row.open && row.agent.is_none()) {
            let waits = floor.router.work(Work::Chat(*chat)).expect("a chat that waits is known");
            assert_eq!(waits.queue.queue, row.queue);
            for (agent, view) in &views {
                assert!(!view.free[1] || row.given_back_by == Some(*agent), "a chat waits beside an agent with room");
            }
        }
        assert_eq!(self.chats.left, [], "every queue is there");
    }
}
