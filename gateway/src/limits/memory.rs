//! Counting in memory, for one node.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::{Answer, Ask, Class, RateLimiter, Subject, Verdict, gcra};

/// Parts that are locked apart.
const SHARDS: usize = 32;
/// Buckets kept at most in a part. Full ones are dropped first, which changes nothing; then those that are full soonest.
const MAX_BUCKETS: usize = 8_192;

type Key = (Class, Subject);

/// Buckets of this process: at most some 260,000, which is 20 MB.
#[derive(Debug)]
pub struct InMemory {
    begun: Instant,
    hasher: RandomState,
    // Each is held for one look, never across an await.
    shards: Vec<Mutex<HashMap<Key, u64>>>,
}

impl InMemory {
    /// Without a bucket yet.
    pub fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { begun: Instant::now(), hasher: RandomState::new(), shards }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn take_one(&self, ask: &Ask, now: u64) -> Verdict {
        let key = (ask.class, ask.subject);
        let shard = self.hasher.hash_one(key) as usize % SHARDS;
        let mut buckets = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let taken = if let Some(full_at) = buckets.get_mut(&key) {
            let taken = gcra::take(*full_at, ask.quota, now);
            *full_at = taken.full_at;
            taken
        } else {
            if buckets.len() >= MAX_BUCKETS {
                make_room(&mut buckets, now);
            }
            let taken = gcra::take(0, ask.quota, now);
            buckets.insert(key, taken.full_at);
            taken
        };
        drop(buckets);
        Verdict { ask: *ask, wait: taken.wait, remaining: taken.remaining, full_in: taken.full_at.saturating_sub(now) }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

/// Leaves at most half: what it costs is spread over as many requests of strangers.
fn make_room(buckets: &mut HashMap<Key, u64>, now: u64) {
    buckets.retain(|_, full_at| *full_at > now);
    if buckets.len() > MAX_BUCKETS / 2 {
        let mut moments: Vec<u64> = buckets.values().copied().collect();
        let excess = moments.len() - MAX_BUCKETS / 2;
        let (_, &mut last, _) = moments.select_nth_unstable(excess - 1);
        buckets.retain(|_, full_at| *full_at > last);
    }
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl RateLimiter for InMemory {
    fn take<'a>(&'a self, asks: &'a [Ask]) -> Answer<'a> {
        let now = self.now();
        let mut tightest: Option<Verdict> = None;
        for ask in asks {
            let verdict = self.take_one(ask, now);
            if !verdict.passes() {
                return Answer::Now(Some(verdict));
            }
            tightest = super::tighter(tightest, Some(verdict));
        }
        Answer::Now(tightest)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::limits::Quota;

    fn ask(address: u32, quota: Quota) -> Ask {
        Ask { class: Class::Api, subject: Subject::Network(Ipv4Addr::from(address).into()), quota }
    }

    fn take(limiter: &InMemory, asks: &[Ask]) -> Verdict {
        match limiter.take(asks) {
            Answer::Now(verdict) => verdict.unwrap(),
            Answer::Later(_) => unreachable!("it counts here"),
        }
    }

    #[test]
    fn the_bucket_that_refuses_is_named_and_else_the_one_with_least_left() {
        let limiter = InMemory::new();
        let (narrow, wide) = ("3/h".parse().unwrap(), "100/h".parse().unwrap());
        for remaining in [2, 1, 0] {
            let verdict = take(&limiter, &[ask(1, wide), ask(2, narrow)]);
            assert_eq!((verdict.passes(), verdict.ask, verdict.remaining), (true, ask(2, narrow), remaining));
        }
        let refused = take(&limiter, &[ask(1, wide), ask(2, narrow)]);
        assert_eq!((refused.passes(), refused.ask), (false, ask(2, narrow)));
        let other = take(&limiter, &[ask(1, wide), ask(3, narrow)]);
        assert!(other.passes(), "another's bucket");
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory() {
        let limiter = InMemory::new();
        let quota = "1/h burst 5".parse().unwrap();
        for address in 0..400_000 {
            take(&limiter, &[ask(address, quota)]);
        }
        assert!(limiter.len() <= SHARDS * MAX_BUCKETS, "{}", limiter.len());
    }
}
