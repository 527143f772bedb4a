//! A point in time that another process understands.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// When a recording began.
///
/// The wall clock may be set in the middle of a call; the boot clock is not, but means something only until the next
/// boot. So both are kept, and the better one is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Beginning {
    /// µs since 1970, UTC.
    unix_us: u64,
    /// The boot clock, if the system tells it.
    boot: Option<Boot>,
}

/// `CLOCK_BOOTTIME` of one boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Boot {
    id: String,
    us: u64,
}

impl Beginning {
    /// So long ago.
    pub(crate) fn before_now(ago: Duration) -> Self {
        let ago = ago.as_micros() as u64;
        Self {
            unix_us: unix_micros(SystemTime::now()).saturating_sub(ago),
            boot: boot().and_then(|boot| Some(Boot { us: boot.us.checked_sub(ago)?, ..boot })),
        }
    }

    /// How long ago that is.
    pub(crate) fn elapsed(&self) -> Duration {
        self.until(unix_micros(SystemTime::now()), boot().as_ref())
    }

    fn until(&self, unix_us: u64, boot: Option<&Boot>) -> Duration {
        let micros = match (&self.boot, boot) {
            (Some(then), Some(now)) if then.id == now.id => now.us.saturating_sub(then.us),
            _ => unix_us.saturating_sub(self.unix_us),
        };
        Duration::from_micros(micros)
    }

    /// As wall time.
    pub(crate) fn wall_time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.unix_us)
    }
}

fn unix_micros(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

fn boot() -> Option<Boot> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let time = Duration::from(clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?);
    Some(Boot { id: id.trim().to_owned(), us: time.as_micros() as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beginning(unix_us: u64, boot: Option<(&str, u64)>) -> Beginning {
        Beginning { unix_us, boot: boot.map(|(id, us)| Boot { id: id.to_owned(), us }) }
    }

    #[test]
    fn a_changed_wall_clock_does_not_matter_within_one_boot() {
        let then = beginning(1_000_000_000, Some(("a", 5_000_000)));
        let now = Boot { id: "a".to_owned(), us: 7_500_000 };
        assert_eq!(then.until(3_600_000_000, Some(&now)), Duration::from_millis(2_500));
    }

    #[test]
    fn after_another_boot_the_wall_clock_counts() {
        let then = beginning(1_000_000_000, Some(("a", 5_000_000)));
        let now = Boot { id: "b".to_owned(), us: 1 };
        assert_eq!(then.until(1_060_000_000, Some(&now)), Duration::from_mins(1));
        assert_eq!(then.until(1_060_000_000, None), Duration::from_mins(1));
        // Set back: never a negative time.
        assert_eq!(then.until(5, None), Duration::ZERO);
    }

    #[test]
    fn what_was_a_second_ago_is_a_second_ago() {
        let elapsed = Beginning::before_now(Duration::from_secs(1)).elapsed();
        assert!(elapsed >= Duration::from_secs(1) && elapsed < Duration::from_secs(30), "{elapsed:?}");
    }
}
