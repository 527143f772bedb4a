//! Subscribe before you act. Events come before the answer to the request that caused them, so whoever waits for one
//! chooses the id, registers interest in it, and only then sends the request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::error::Error;
use crate::event::{Event, Key};

/// Events that one watch may leave waiting.
const QUEUE: usize = 256;

/// All watches of one session.
#[derive(Default)]
pub(crate) struct Watches {
    /// Lets the common case, that nobody watches, cost one load.
    count: AtomicUsize,
    /// The lock is held while one event is handed out, never across an await.
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    next: u64,
    by_id: HashMap<u64, Entry>,
}

struct Entry {
    key: Key,
    events: mpsc::Sender<Notice>,
    lagged: bool,
}

#[derive(Debug, Clone)]
enum Notice {
    Event(Box<Event>),
    Gap,
}

impl Watches {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(self: &Arc<Self>, key: Key) -> Watch {
        let (sender, events) = mpsc::channel(QUEUE);
        let mut entries = self.lock();
        let id = entries.next;
        entries.next += 1;
        entries.by_id.insert(id, Entry { key: key.clone(), events: sender, lagged: false });
        self.count.store(entries.by_id.len(), Ordering::Release);
        Watch { key, id, events, watches: Arc::clone(self) }
    }

    pub(crate) fn event(&self, event: &Event) {
        if self.count.load(Ordering::Acquire) > 0 {
            for entry in self.lock().by_id.values_mut().filter(|entry| event.concerns(&entry.key)) {
                entry.hand(Notice::Event(Box::new(event.clone())));
            }
        }
    }

    pub(crate) fn gap(&self) {
        if self.count.load(Ordering::Acquire) > 0 {
            for entry in self.lock().by_id.values_mut() {
                entry.hand(Notice::Gap);
            }
        }
    }

    fn remove(&self, id: u64) {
        let mut entries = self.lock();
        entries.by_id.remove(&id);
        self.count.store(entries.by_id.len(), Ordering::Release);
    }
}

impl Entry {
    fn hand(&mut self, notice: Notice) {
        // One who fell behind is told so before anything else.
        if self.lagged {
            match self.events.try_send(Notice::Gap) {
                Ok(()) => self.lagged = false,
                Err(_) => return,
            }
        }
        if let Err(TrySendError::Full(_)) = self.events.try_send(notice) {
            self.lagged = true;
        }
    }
}

/// What a watch saw.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Sight {
    /// An event about the thing watched.
    Event(Box<Event>),
    /// Events may have been missed: look at Asterisk's present state.
    Gap,
}

/// Interest in one channel, bridge, playback or recording; it ends when this is dropped.
pub struct Watch {
    key: Key,
    id: u64,
    events: mpsc::Receiver<Notice>,
    watches: Arc<Watches>,
}

impl Watch {
    /// What is watched.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// The next event about it. Cancel-safe. Waits for ever if nothing happens to it.
    pub async fn next(&mut self) -> Sight {
        match self.events.recv().await {
            Some(Notice::Event(event)) => Sight::Event(event),
            Some(Notice::Gap) => Sight::Gap,
            // The sender lives in `watches` until this is dropped.
            None => std::future::pending().await,
        }
    }

    /// Sends a request now that its events cannot be missed: the watch stands, whatever comes first.
    pub async fn exec<T>(&mut self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        request.await
    }

    /// Waits for the first event for which `pick` has an answer. `Err(Timeout)` after `within`, `Err(Disconnected)` when
    /// events may have been missed.
    pub async fn until<T>(&mut self, within: Duration, mut pick: impl FnMut(&Event) -> Option<T>) -> Result<T, Error> {
        let found = async {
            loop {
                match self.next().await {
                    Sight::Event(event) => {
                        if let Some(found) = pick(&event) {
                            return Ok(found);
                        }
                    }
                    Sight::Gap => {
                        return Err(Error::Disconnected { reason: "events may have been missed".to_owned() });
                    }
                }
            }
        };
        tokio::time::timeout(within, found).await.unwrap_or(Err(Error::Timeout { after: within }))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watches.remove(self.id);
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("key", &self.key).finish_non_exhaustive()
    }
}
