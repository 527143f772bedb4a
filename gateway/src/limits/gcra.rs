//! The generic cell rate algorithm (ITU-T I.371, annex A): a leaky bucket whose whole state is one moment.
//!
//! Pure: the clock is an argument. Times are nanoseconds since any fixed moment.

use super::Quota;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// The bucket's state afterwards: when it will be full again.
    pub(super) full_at: u64,
    /// How long to wait for the next one; 0: taken.
    pub(super) wait: u64,
    /// How many may be taken at once after this one.
    pub(super) remaining: u32,
}

/// Takes one request at `now` from a bucket that is full at `full_at`.
pub(super) fn take(full_at: u64, quota: Quota, now: u64) -> Taken {
    let (each, depth) = (quota.every, quota.every.saturating_mul(u64::from(quota.burst)));
    let taken = full_at.max(now).saturating_add(each);
    let missing = taken - now;
    if missing > depth {
        return Taken { full_at, wait: missing - depth, remaining: 0 };
    }
    let remaining = u32::try_from((depth - missing) / each).unwrap_or(u32::MAX);
    Taken { full_at: taken, wait: 0, remaining }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn quota(rate: u64, burst: u32) -> Quota {
        Quota { every: SECOND / rate, burst }
    }

    #[test]
    fn a_burst_passes_then_one_per_interval() {
        let quota = quota(10, 3);
        let mut full_at = 0;
        for remaining in [2, 1, 0] {
            let taken = take(full_at, quota, SECOND);
            assert_eq!((taken.wait, taken.remaining), (0, remaining));
            full_at = taken.full_at;
        }
        let refused = take(full_at, quota, SECOND);
        assert_eq!((refused.wait, refused.full_at), (SECOND / 10, full_at), "a refused request takes nothing");
        assert_eq!(take(full_at, quota, SECOND + SECOND / 10).wait, 0);
    }

    proptest! {
        /// Whatever the moments, never more pass than the burst and what has come in since.
        #[test]
        fn no_more_pass_than_the_quota(rate in 1u64..2_000, burst in 1u32..50, pauses in prop::collection::vec(0u64..200_000_000, 1..200)) {
            let quota = quota(rate, burst);
            let (mut full_at, mut now, mut passed) = (0, 5 * SECOND, 0u64);
            let begun = now;
            for pause in pauses {
                now += pause;
                let taken = take(full_at, quota, now);
                full_at = taken.full_at;
                if taken.wait == 0 {
                    passed += 1;
                } else {
                    // Who waits as told passes.
                    prop_assert_eq!(take(full_at, quota, now + taken.wait).wait, 0);
                }
                prop_assert!(passed <= u64::from(burst) + (now - begun) / quota.every);
            }
        }
    }
}
