//! What came, in the order in which it came, and a way to wait for it.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Nothing of what was waited for came in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not within {deadline:?}; {seen} came so far, the last of them: {last}")]
pub struct Late {
    pub deadline: Duration,
    /// Entries so far, wanted or not.
    pub seen: usize,
    /// The last of them, to see what came instead.
    pub last: String,
}

/// A list that only grows, and tells those who wait.
#[derive(Debug)]
pub struct Record<T> {
    // Held for a look or a push only, never over an await.
    inner: Mutex<Inner<T>>,
    grown: watch::Sender<u64>,
}

#[derive(Debug)]
struct Inner<T> {
    entries: Vec<T>,
    /// Entries that [`Record::next`] gave out.
    taken: usize,
}

impl<T> Default for Record<T> {
    fn default() -> Self {
        Self { inner: Mutex::new(Inner { entries: Vec::new(), taken: 0 }), grown: watch::Sender::new(0) }
    }
}

impl<T: Clone + Debug> Record<T> {
    /// Adds what `make` makes of the entry's number, counted from 1.
    pub(crate) fn push_with(&self, make: impl FnOnce(usize) -> T) -> T {
        let entry = {
            let mut inner = self.lock();
            let entry = make(inner.entries.len() + 1);
            inner.entries.push(entry.clone());
            entry
        };
        self.grown.send_modify(|times| *times += 1);
        entry
    }

    pub(crate) fn push(&self, entry: T) {
        self.push_with(|_| entry);
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<T> {
        self.lock().entries.clone()
    }

    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each entry once, in order; waits for one that has not come yet.
    pub async fn next(&self, deadline: Duration) -> Result<T, Late> {
        self.wait(deadline, |inner| {
            let entry = inner.entries.get(inner.taken).cloned();
            inner.taken += usize::from(entry.is_some());
            entry
        })
        .await
    }

    /// The first entry of all that is wanted, whether it is there or comes later. [`Record::next`] gives it out all the same.
    pub async fn find(&self, deadline: Duration, wanted: impl Fn(&T) -> bool) -> Result<T, Late> {
        self.wait(deadline, |inner| inner.entries.iter().find(|entry| wanted(entry)).cloned()).await
    }

    /// Waits until there are so many, and gives them all.
    pub async fn at_least(&self, count: usize, deadline: Duration) -> Result<Vec<T>, Late> {
        self.wait(deadline, |inner| (inner.entries.len() >= count).then(|| inner.entries.clone())).await
    }

    /// Those behind the first `after`; waits for one if there is none. Empty when none came in time.
    pub async fn beyond(&self, after: usize, deadline: Duration) -> Vec<T> {
        let more = |inner: &mut Inner<T>| inner.entries.get(after..).filter(|more| !more.is_empty()).map(<[T]>::to_vec);
        self.wait(deadline, more).await.unwrap_or_default()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.entries.clear();
        inner.taken = 0;
    }

    async fn wait<R>(&self, deadline: Duration, mut look: impl FnMut(&mut Inner<T>) -> Option<R>) -> Result<R, Late> {
        let mut grown = self.grown.subscribe();
        let found = async {
            loop {
                // Before the look, so that what comes after it is not missed.
                grown.mark_unchanged();
                if let Some(found) = look(&mut self.lock()) {
                    return found;
                }
                // It cannot end: we hold the other end ourselves.
                let _ = grown.changed().await;
            }
        };
        let found = tokio::time::timeout(deadline, found).await;
        found.map_err(|_| {
            let inner = self.lock();
            let last = inner.entries.last().map_or_else(|| "none".to_owned(), |last| format!("{last:?}"));
            Late { deadline, seen: inner.entries.len(), last }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn each_entry_is_given_out_once_and_in_order() {
        let record = Record::default();
        record.push(1);
        record.push(2);
        assert_eq!(record.next(SOON).await, Ok(1));
        assert_eq!(record.next(SOON).await, Ok(2));
        let (third, ()) = tokio::join!(record.next(SOON), async {
            tokio::task::yield_now().await;
            record.push(3);
        });
        assert_eq!(third, Ok(3));
    }

    #[tokio::test]
    async fn who_waits_in_vain_is_told_what_came_instead() {
        let record = Record::default();
        record.push("other");
        let late = record.find(Duration::ZERO, |entry| *entry == "wanted").await.unwrap_err();
        assert_eq!((late.seen, late.last.as_str()), (1, "\"other\""));
    }

    #[tokio::test]
    async fn several_wait_for_the_same_entry() {
        let record = Record::default();
        let (one, other, ()) =
            tokio::join!(record.find(SOON, |n| *n > 6), record.at_least(1, SOON), async { record.push(7) });
        assert_eq!((one, other), (Ok(7), Ok(vec![7])));
        assert_eq!(record.beyond(1, Duration::ZERO).await, Vec::<i32>::new());
    }
}
