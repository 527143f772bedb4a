//! Whether and when a failed job is tried again. Pure.

use std::time::Duration;

use crate::model::Failure;

/// Pauses between attempts: exponential, with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest pause after the first attempt; doubled with each further one.
    pub base: Duration,
    /// The longest pause at all.
    pub cap: Duration,
    /// The shortest pause at all: jitter may come to nothing.
    pub floor: Duration,
    /// The longest pause that the other side can ask for.
    pub longest_asked: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(4),
            cap: Duration::from_hours(1),
            floor: Duration::from_millis(500),
            longest_asked: Duration::from_hours(6),
        }
    }
}

/// What becomes of a job that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt, after this pause.
    Retry(Duration),
    /// It is dead.
    Dead,
}

impl Backoff {
    /// Decides. `attempt` counts from 1 since the job was enqueued or taken up again by hand; `dice` is a number from 0 to 1 drawn for
    /// this occasion.
    pub fn decide(&self, failure: &Failure, attempt: u32, is_last_attempt: bool, dice: f64) -> Verdict {
        match failure {
            Failure::Dead { .. } => Verdict::Dead,
            Failure::Retry { .. } if is_last_attempt => Verdict::Dead,
            Failure::Retry { after, .. } => Verdict::Retry(self.pause(attempt, *after, dice)),
        }
    }

    /// The pause before the next attempt: drawn from nothing to the ceiling of this attempt. What the other side asked for (clamped) comes
    /// first, and up to a tenth more, so that not all who were turned away come back in the same moment.
    fn pause(&self, attempt: u32, asked: Option<Duration>, dice: f64) -> Duration {
        let dice = if dice.is_finite() { dice.clamp(0.0, 1.0) } else { 1.0 };
        let drawn = self.ceiling(attempt).mul_f64(dice).max(self.floor);
        match asked {
            None => drawn,
            Some(asked) => {
                let asked = asked.min(self.longest_asked);
                (asked + asked.mul_f64(dice / 10.0)).max(drawn)
            }
        }
    }

    /// The longest pause after this attempt.
    fn ceiling(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.base.checked_mul(1 << doublings).map_or(self.cap, |pause| pause.min(self.cap))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn retry(after: Option<u64>) -> Failure {
        Failure::Retry { error: "away".to_owned(), after: after.map(Duration::from_secs) }
    }

    fn pause(verdict: Verdict) -> Duration {
        let Verdict::Retry(pause) = verdict else { panic!("it is dead") };
        pause
    }

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let backoff = Backoff::default();
        let ceilings: Vec<u64> =
            (1..=12).map(|n| pause(backoff.decide(&retry(None), n, false, 1.0)).as_secs()).collect();
        assert_eq!(ceilings, [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]);
    }

    #[test]
    fn a_wish_without_measure_is_clamped() {
        let backoff = Backoff::default();
        assert_eq!(pause(backoff.decide(&retry(Some(u64::MAX)), 1, false, 0.0)), backoff.longest_asked);
    }

    proptest! {
        #[test]
        fn every_pause_lies_between_floor_and_ceiling(attempt in 0..u32::MAX, dice in any::<f64>()) {
            let backoff = Backoff::default();
            let pause = pause(backoff.decide(&retry(None), attempt, false, dice));
            prop_assert!(pause >= backoff.floor && pause <= backoff.cap);
        }

        #[test]
        fn nobody_comes_back_before_they_were_asked_to(attempt in 0..100_u32, asked in 0..1_000_000_u64, dice in 0.0..=1.0) {
            let backoff = Backoff::default();
            let pause = pause(backoff.decide(&retry(Some(asked)), attempt, false, dice));
            let wish = Duration::from_secs(asked).min(backoff.longest_asked);
            prop_assert!(pause >= wish);
            prop_assert!(pause <= wish.mul_f64(1.1).max(backoff.cap) + Duration::from_micros(1));
        }

        #[test]
        fn full_jitter_reaches_from_nothing_to_the_ceiling(attempt in 1..40_u32, low in 0.0..0.5, high in 0.5..=1.0) {
            let backoff = Backoff { floor: Duration::ZERO, ..Backoff::default() };
            let (low, high) = (backoff.decide(&retry(None), attempt, false, low), backoff.decide(&retry(None), attempt, false, high));
            prop_assert!(pause(low) <= pause(high));
            prop_assert_eq!(pause(backoff.decide(&retry(None), attempt, false, 0.0)), Duration::ZERO);
        }

        #[test]
        fn the_last_attempt_and_what_cannot_succeed_are_dead(attempt in any::<u32>(), after in any::<Option<u64>>(), dice in any::<f64>()) {
            prop_assert_eq!(Backoff::default().decide(&retry(after), attempt, true, dice), Verdict::Dead);
            prop_assert_eq!(Backoff::default().decide(&Failure::dead("no"), attempt, false, dice), Verdict::Dead);
        }
    }
}
