//! Telling parts of this process that something was committed, without asking the database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Who waits for which topic.
#[derive(Debug, Default)]
pub(crate) struct Topics(Mutex<BTreeMap<&'static str, watch::Sender<u64>>>);

impl Topics {
    pub(crate) fn subscribe(&self, topic: &'static str) -> watch::Receiver<u64> {
        self.with(topic, watch::Sender::subscribe)
    }

    /// Held for one look, never across an await.
    fn with<T>(&self, topic: &'static str, look: impl FnOnce(&watch::Sender<u64>) -> T) -> T {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(topics.entry(topic).or_insert_with(|| watch::Sender::new(0)))
    }
}

/// What a transaction will announce.
#[derive(Debug, Clone)]
pub(crate) struct Announced {
    topics: Arc<Topics>,
    named: Vec<&'static str>,
}

impl Announced {
    pub(crate) const fn to(topics: Arc<Topics>) -> Self {
        Self { topics, named: Vec::new() }
    }

    pub(crate) fn add(&mut self, topic: &'static str) {
        if !self.named.contains(&topic) {
            self.named.push(topic);
        }
    }

    /// The transaction is committed.
    pub(crate) fn committed(self) {
        for topic in self.named {
            self.topics.with(topic, |waiting| waiting.send_modify(|count| *count += 1));
        }
    }
}
