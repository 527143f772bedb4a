//! Quotas and how they are written: `600/s burst 1200`, `30/min`, `off`.

use std::str::FromStr;

/// So many in a while, and how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Nanoseconds after which one more may be taken.
    pub every: u64,
    /// How many may be taken at once.
    pub burst: u32,
}

/// A text that is no quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a quota")]
pub struct ParseQuotaError;

const SECOND: u64 = 1_000_000_000;
/// Most that can be asked for, per second and at once.
const MAX: u32 = 1_000_000;

impl Quota {
    /// So many a second, and two seconds' worth at once.
    pub const fn per_second(number: u32) -> Self {
        let number = if number == 0 { 1 } else { number };
        Self { every: SECOND / number as u64, burst: number.saturating_mul(2) }
    }

    /// Seconds in which a whole burst comes in again.
    pub fn window(self) -> u64 {
        self.every.saturating_mul(u64::from(self.burst)).div_ceil(SECOND).max(1)
    }
}

impl FromStr for Quota {
    type Err = ParseQuotaError;

    fn from_str(text: &str) -> Result<Self, ParseQuotaError> {
        let mut words = text.split_whitespace();
        let (number, unit) = words.next().and_then(|rate| rate.split_once('/')).ok_or(ParseQuotaError)?;
        let while_ = match unit {
            "s" => SECOND,
            "min" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return Err(ParseQuotaError),
        };
        let count = |text: &str| text.parse().ok().filter(|number| (1..=MAX).contains(number)).ok_or(ParseQuotaError);
        let number: u32 = count(number)?;
        let burst = match (words.next(), words.next(), words.next()) {
            (None, ..) => number,
            (Some("burst"), Some(burst), None) => count(burst)?,
            _ => return Err(ParseQuotaError),
        };
        Ok(Self { every: while_ / u64::from(number), burst })
    }
}

/// The configured limits; `None`: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// All requests of one address.
    pub address: Option<Quota>,
    /// All requests of one person.
    pub user: Option<Quota>,
    /// All requests of one API key that has no limit of its own.
    pub key: Option<Quota>,
    /// All requests of one tenant.
    pub tenant: Option<Quota>,
    /// Sign-ins and refreshes of one address.
    pub sign_in: Option<Quota>,
    /// Webhooks of one provider's account, and of one address.
    pub webhook: Option<Quota>,
    /// Softphone sockets that one address opens.
    pub sip: Option<Quota>,
    /// Live streams that one address, or one person, opens.
    pub stream: Option<Quota>,
}

/// Reads a quota, or `off`.
pub(crate) fn parse_limit(text: &str) -> Result<Option<Quota>, ParseQuotaError> {
    if text.trim() == "off" { Ok(None) } else { text.parse().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_read() {
        assert_eq!("600/s burst 1200".parse(), Ok(Quota { every: SECOND / 600, burst: 1200 }));
        assert_eq!("30/min".parse(), Ok(Quota { every: 2 * SECOND, burst: 30 }));
        assert_eq!("30/min".parse::<Quota>().unwrap().window(), 60);
        assert_eq!(Quota::per_second(100), "100/s burst 200".parse().unwrap());
        assert_eq!(parse_limit("off"), Ok(None));
    }

    #[test]
    fn what_is_no_quota_is_refused() {
        for text in [
            "",
            "0/s",
            "10",
            "10/",
            "/s",
            "10/day",
            "10/s burst",
            "10/s burst 0",
            "10/s burst 5 more",
            "-1/s",
            "1e3/s",
            "9999999/s",
        ] {
            assert!(parse_limit(text).is_err(), "{text:?}");
        }
    }
}
