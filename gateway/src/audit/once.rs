//! Things that are worth one entry, however many requests they take: a player asks for a recording piece by piece.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After this long the same thing is told again.
const FRESH: Duration = Duration::from_mins(10);
/// Most things that are remembered; beyond, some are told twice.
const MOST: usize = 50_000;

/// Remembers what was told within ten minutes. Nothing of it outlives the process: then a thing is told twice.
#[derive(Debug)]
pub struct Once<K>(Mutex<HashMap<K, Instant>>);

impl<K> Default for Once<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash + Clone> Once<K> {
    /// Whether this is to be told now. Ten minutes from the last telling, not from the last asking.
    pub fn is_new(&self, key: &K, now: Instant) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(key).is_some_and(|at| now.saturating_duration_since(*at) < FRESH) {
            return false;
        }
        if told.len() >= MOST {
            told.retain(|_, at| now.saturating_duration_since(*at) < FRESH);
            if told.len() >= MOST {
                told.clear();
            }
        }
        told.insert(key.clone(), now);
        true
    }

    /// It could not be told: the next time is the first.
    pub fn forget(&self, key: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_told_once_in_ten_minutes() {
        let (once, now) = (Once::default(), Instant::now());
        assert!(once.is_new(&"a", now));
        assert!(!once.is_new(&"a", now + FRESH / 2));
        assert!(once.is_new(&"b", now));
        assert!(once.is_new(&"a", now + FRESH));
        once.forget(&"a");
        assert!(once.is_new(&"a", now + FRESH));
    }
}
