//! Quarter hours as the hours, days, weeks and months of a time zone.
//!
//! Each quarter hour is asked what the clock on the wall shows when it begins, and neighbours that belong together are one bucket. So a
//! day of 23 or 25 hours has 92 or 100 of them, a day that begins at one o'clock begins there, and the hour that comes twice is two
//! hours.

use chrono::{DateTime, Datelike, Days, NaiveDate, Offset, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::quarter::Quarter;

/// Into which pieces a report cuts time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Quarter hours.
    Quarter,
    /// Hours of the clock on the wall.
    Hour,
    /// Days, from midnight.
    #[default]
    Day,
    /// Weeks, from Monday (ISO 8601).
    Week,
    /// Calendar months.
    Month,
    /// All of it.
    Total,
}

impl Interval {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quarter => "quarter",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }
}

/// A piece of time: whole quarter hours, the end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Its first quarter hour.
    pub from: Quarter,
    /// The first one after it.
    pub to: Quarter,
}

/// What tells one bucket from its neighbour.
fn label(quarter: Quarter, interval: Interval, zone: Tz) -> Option<(NaiveDate, u32, i32)> {
    let at = quarter.start()?.with_timezone(&zone);
    let day = at.date_naive();
    Some(match interval {
        Interval::Quarter => (day, 0, (quarter.0 % 2) as i32),
        // With the offset: the hour that comes twice when the clock goes back is two hours.
        Interval::Hour => (day, at.hour(), at.offset().fix().local_minus_utc()),
        Interval::Day => (day, 0, 0),
        Interval::Week => (day.week(chrono::Weekday::Mon).checked_first_day()?, 0, 0),
        Interval::Month => (day.with_day(1)?, 0, 0),
        Interval::Total => (NaiveDate::MIN, 0, 0),
    })
}

/// Cuts the time from one quarter hour up to another. The first and the last bucket may be parts of a day, week or month.
pub fn buckets(from: Quarter, to: Quarter, interval: Interval, zone: Tz) -> Vec<Bucket> {
    let mut cut: Vec<Bucket> = Vec::new();
    let mut last = None;
    let mut at = from;
    while at < to {
        let this = label(at, interval, zone);
        match cut.last_mut() {
            Some(bucket) if last == this => bucket.to = at.next(),
            _ => cut.push(Bucket { from: at, to: at.next() }),
        }
        last = this;
        at = at.next();
    }
    cut
}

/// When a day begins in a time zone: its first moment, which need not be midnight.
pub fn day_start(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    // A zone's offset is less than a day, and its clock goes forward by less than a day and a bit: Samoa left one out.
    let around = day.and_hms_opt(0, 0, 0)?.and_utc();
    let first = Quarter::of(around.timestamp_millis()).0 - 4 * 26;
    (first..first + 4 * 78)
        .filter_map(|quarter| Quarter(quarter).start())
        .find(|at| zone.from_utc_datetime(&at.naive_utc()).date_naive() >= day)
}

/// When a day ends in a time zone: when the next one begins.
pub fn day_end(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    day_start(day.checked_add_days(Days::new(1))?, zone)
}
