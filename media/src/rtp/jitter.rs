//! Interarrival jitter, RFC 3550, 6.4.1 and A.8.

use std::time::Duration;

use super::CLOCK_RATE;

/// The running estimate: a sixteenth of each new difference of transit times.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Jitter {
    /// Transit time of the last packet in timestamp units, modulo 2³²; its absolute value means nothing.
    transit: Option<u32>,
    /// The estimate times 16, in timestamp units, as A.8 keeps it to avoid rounding.
    scaled: u64,
}

impl Jitter {
    /// Takes in a packet, in order of arrival.
    pub(super) fn observe(&mut self, arrival: Duration, timestamp: u32) {
        let ticks = arrival.as_secs() * u64::from(CLOCK_RATE)
            + u64::from(arrival.subsec_micros()) * u64::from(CLOCK_RATE) / 1_000_000;
        let transit = (ticks as u32).wrapping_sub(timestamp);
        if let Some(last) = self.transit.replace(transit) {
            let difference = u64::from((transit.wrapping_sub(last) as i32).unsigned_abs());
            // A jump of the timestamps is no jitter; RFC 3550 leaves open what to do about it.
            if difference < u64::from(CLOCK_RATE) {
                self.scaled = self.scaled + difference - ((self.scaled + 8) >> 4);
            }
        }
    }

    /// Forgets the last transit time, not the estimate: the stream begins anew.
    pub(super) fn restart(&mut self) {
        self.transit = None;
    }

    /// The estimate in µs.
    pub(super) fn micros(self) -> u64 {
        (self.scaled * 1_000_000 / u64::from(CLOCK_RATE)) >> 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_stream_has_no_jitter() {
        let mut jitter = Jitter::default();
        for n in 0..100_u32 {
            jitter.observe(Duration::from_millis(u64::from(n) * 20), (u32::MAX - 800).wrapping_add(n * 160));
        }
        assert_eq!(jitter.micros(), 0);
    }

    #[test]
    fn the_estimate_converges_to_the_mean_difference() {
        let mut jitter = Jitter::default();
        for n in 0..2_000_u64 {
            // Every other packet is 10 ms late: each difference of transit times is 10 ms.
            jitter.observe(Duration::from_millis(n * 20 + (n % 2) * 10), n as u32 * 160);
        }
        assert!((9_000..=10_500).contains(&jitter.micros()), "{} µs", jitter.micros());
    }

    #[test]
    fn a_jump_of_the_timestamps_is_not_taken_for_jitter() {
        let mut jitter = Jitter::default();
        jitter.observe(Duration::ZERO, 0);
        jitter.observe(Duration::from_millis(20), 0x8000_0000);
        assert_eq!(jitter.micros(), 0);
    }
}
