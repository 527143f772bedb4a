//! Where a stream's timestamps lie on the timeline.
//!
//! `position = timestamp + offset`. A packet's *skew* is how much later it came than its position says: the delay on
//! its way beyond that of the quickest packets.

/// Skew beyond which packets are held until it is clear what happened, in samples. Below (5 ms per 40): earlier than
/// any packet before, so the offset was learnt from slow ones. Above: 100 ms; the network, a stalled process, or a
/// sender whose timestamps stood still.
const DOUBTFUL: std::ops::RangeInclusive<i64> = -320..=800;
/// An offset that differs less (40 ms) from what packets now say is kept.
const TOLERANCE: i64 = 320;
/// An offset is judged by the least skew of at least so many packets …
const JUDGED_PACKETS: u32 = 50;
/// … and samples of time (2 s).
const JUDGED_TIME: i64 = 16_000;
/// A least skew beyond this (10 ms) is drift, and is made good.
const DRIFT: i64 = 80;
/// By at most so many samples per packet. One in 160 is not heard.
const QUICKEST_SLIP: i64 = 8;

/// The offset of one stream, followed as the sender's clock drifts against ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offset {
    value: i64,
    /// Still to be made good, in samples.
    slip: i64,
    least_skew: i64,
    judged_packets: u32,
    judging_since: i64,
}

/// What a packet's arrival says about the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing unusual: the packet belongs at this position.
    Place(i64),
    /// It is too early or too late to be believed at once.
    Doubtful,
}

impl Offset {
    pub(super) fn new(value: i64, now: i64) -> Self {
        Self { value, slip: 0, least_skew: i64::MAX, judged_packets: 0, judging_since: now }
    }

    /// `timestamp + value` is the position.
    pub(super) fn value(self) -> i64 {
        self.value
    }

    /// Whether `estimate`, learnt from arrivals, is another offset, or this one seen through jitter.
    pub(super) fn agrees_with(self, estimate: i64) -> bool {
        (estimate - self.value).abs() <= TOLERANCE
    }

    /// Judges a packet, and follows the drift.
    pub(super) fn judge(&mut self, timestamp: i64, arrival: i64) -> Verdict {
        let skew = arrival - (timestamp + self.value);
        if !DOUBTFUL.contains(&skew) {
            return Verdict::Doubtful;
        }
        if self.slip == 0 {
            self.watch(skew, arrival);
        } else {
            let step = (self.slip / 32).clamp(-QUICKEST_SLIP, QUICKEST_SLIP);
            let step = if step == 0 { self.slip.signum() } else { step };
            self.value += step;
            self.slip -= step;
            if self.slip == 0 {
                *self = Self::new(self.value, arrival);
            }
        }
        Verdict::Place(timestamp + self.value)
    }

    fn watch(&mut self, skew: i64, arrival: i64) {
        self.least_skew = self.least_skew.min(skew);
        self.judged_packets += 1;
        if self.judged_packets >= JUDGED_PACKETS && arrival - self.judging_since >= JUDGED_TIME {
            let least = self.least_skew;
            *self = Self::new(self.value, arrival);
            if least.abs() > DRIFT {
                self.slip = least;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 20 ms from a clock that runs `parts` per million fast; gives the last skew in samples.
    fn drift_for(seconds: i64, parts: i64) -> i64 {
        let mut offset = Offset::new(0, 0);
        let mut last = 0;
        for n in 0..seconds * 50 {
            let timestamp = n * 160;
            let arrival = timestamp - timestamp * parts / 1_000_000;
            match offset.judge(timestamp, arrival) {
                Verdict::Place(position) => last = arrival - position,
                Verdict::Doubtful => panic!("doubt after {n} packets"),
            }
        }
        last
    }

    #[test]
    fn a_drifting_clock_is_followed_within_twenty_milliseconds() {
        for parts in [-500, -50, 50, 500] {
            // One hour; uncorrected it would be 0.18 to 1.8 s.
            let skew = drift_for(3_600, parts);
            assert!(skew.abs() <= 160, "{parts} ppm: {skew} samples");
        }
    }

    #[test]
    fn jitter_is_not_taken_for_drift() {
        let mut offset = Offset::new(0, 0);
        for n in 0..10_000_i64 {
            let jitter = (n * 7_919) % 640;
            assert_eq!(offset.judge(n * 160, n * 160 + jitter), Verdict::Place(n * 160));
        }
    }

    #[test]
    fn what_comes_far_too_early_or_late_is_doubtful() {
        let mut offset = Offset::new(1_000, 0);
        assert_eq!(offset.judge(0, 1_000), Verdict::Place(1_000));
        assert_eq!(offset.judge(160, 2_161), Verdict::Doubtful);
        assert_eq!(offset.judge(8_000, 1_500), Verdict::Doubtful);
        assert!(offset.agrees_with(1_300) && offset.agrees_with(700) && !offset.agrees_with(1_400));
    }
}
