//! Exponential backoff with full jitter: each delay is drawn from zero to the step, so that many clients of one Asterisk
//! do not come back at once. See "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

/// Delays between attempts. It never gives up.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    cap: Duration,
    attempt: u32,
    random: SmallRng,
}

impl Backoff {
    pub(super) fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self { base, cap: cap.max(base), attempt: 0, random: SmallRng::seed_from_u64(seed) }
    }

    /// The delay before the next attempt.
    pub(super) fn next_delay(&mut self) -> Duration {
        let step = self.base.saturating_mul(2u32.saturating_pow(self.attempt)).min(self.cap);
        self.attempt = self.attempt.saturating_add(1).min(31);
        step.mul_f64(self.random.random::<f64>())
    }

    /// The last connection was good.
    pub(super) fn reset(&mut self) {
        self.attempt = 0;
    }
}
