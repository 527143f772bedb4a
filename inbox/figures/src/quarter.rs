//! Quarter hours: the grain of all figures. The offsets of today's time zones are whole quarter hours, so that every tenant's hour, day
//! and month is made of whole ones.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Milliseconds of a quarter hour.
pub const QUARTER_MS: i64 = 15 * 60 * 1_000;

/// A quarter hour, counted from 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quarter(pub i64);

impl Quarter {
    /// The quarter hour that a moment lies in.
    pub const fn of(at_ms: i64) -> Self {
        Self(at_ms.div_euclid(QUARTER_MS))
    }

    /// The quarter hour that begins then; `None` between two beginnings.
    pub fn beginning(at: DateTime<Utc>) -> Option<Self> {
        let ms = at.timestamp_millis();
        (ms.rem_euclid(QUARTER_MS) == 0 && at.timestamp_subsec_nanos() == 0).then(|| Self::of(ms))
    }

    /// When it begins, in milliseconds.
    pub const fn start_ms(self) -> i64 {
        self.0.saturating_mul(QUARTER_MS)
    }

    /// When it begins; `None` beyond what a calendar can tell.
    pub fn start(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.start_ms())
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Cuts a stretch of time at the quarter hours: which it touches, and for how many milliseconds.
pub(crate) fn split(from_ms: i64, to_ms: i64) -> impl Iterator<Item = (Quarter, i64)> {
    let mut at = from_ms;
    std::iter::from_fn(move || {
        if at >= to_ms {
            return None;
        }
        let quarter = Quarter::of(at);
        let end = quarter.next().start_ms().min(to_ms);
        let part = (quarter, end - at);
        at = end;
        Some(part)
    })
}
