//! Days, weeks and months of time zones, through changes of the clock.

use chrono::{DateTime, NaiveDate, TimeZone as _, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use trunkline_figures::{Bucket, Interval, Quarter, buckets, day_end, day_start};

fn quarters(bucket: &Bucket) -> i64 {
    bucket.to.0 - bucket.from.0
}

fn day(zone: &str, (year, month, day): (i32, u32, u32)) -> (DateTime<Utc>, DateTime<Utc>) {
    let zone: Tz = zone.parse().unwrap();
    let date = NaiveDate::from_ymd_opt(year, month, day).unwrap();
    (day_start(date, zone).unwrap(), day_end(date, zone).unwrap())
}

#[test]
fn days_have_23_24_and_25_hours_and_other_lengths() {
    for (zone, date, minutes) in [
        ("UTC", (2026, 3, 29), 24 * 60),
        ("Europe/Rome", (2026, 3, 29), 23 * 60),
        ("Europe/Rome", (2026, 10, 25), 25 * 60),
        ("America/New_York", (2026, 3, 8), 23 * 60),
        ("America/New_York", (2026, 11, 1), 25 * 60),
        // Its clock goes by half an hour.
        ("Australia/Lord_Howe", (2026, 4, 5), 24 * 60 + 30),
        // Its day begins at one o'clock.
        ("America/Santiago", (2026, 9, 6), 23 * 60),
        // Offsets that are no whole hours.
        ("Asia/Kathmandu", (2026, 1, 1), 24 * 60),
        ("Pacific/Chatham", (2026, 9, 27), 23 * 60),
        // A day that never was.
        ("Pacific/Apia", (2011, 12, 30), 0),
    ] {
        let (from, to) = day(zone, date);
        assert_eq!((to - from).num_minutes(), minutes, "{zone} {date:?}");
        assert!(Quarter::beginning(from).is_some() && Quarter::beginning(to).is_some());
    }
}

#[test]
fn the_hour_that_comes_twice_is_two_hours() {
    let zone: Tz = "Europe/Rome".parse().unwrap();
    let (from, to) = day("Europe/Rome", (2026, 10, 25));
    let (from, to) = (Quarter::beginning(from).unwrap(), Quarter::beginning(to).unwrap());
    let hours = buckets(from, to, Interval::Hour, zone);
    assert_eq!(hours.len(), 25);
    assert!(hours.iter().all(|hour| quarters(hour) == 4));
    assert_eq!(buckets(from, to, Interval::Day, zone), [Bucket { from, to }]);
    assert_eq!(buckets(from, to, Interval::Quarter, zone).len(), 100);
}

#[test]
fn weeks_begin_on_monday_and_months_on_their_first_day() {
    let zone: Tz = "America/Santiago".parse().unwrap();
    let from = Quarter::beginning(day("America/Santiago", (2026, 8, 31)).0).unwrap();
    let to = Quarter::beginning(day("America/Santiago", (2026, 10, 1)).0).unwrap();
    let months = buckets(from, to, Interval::Month, zone);
    assert_eq!(months.iter().map(quarters).collect::<Vec<_>>(), [96, 30 * 96 - 4]);
    let weeks = buckets(from, to, Interval::Week, zone);
    // 31 August 2026 is a Monday; the clock goes forward on the Sunday.
    assert_eq!(weeks.iter().map(quarters).collect::<Vec<_>>(), [7 * 96 - 4, 672, 672, 672, 288]);
    assert_eq!(buckets(from, to, Interval::Total, zone), [Bucket { from, to }]);
}

fn zone() -> impl Strategy<Value = Tz> {
    prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Nothing is lost between buckets and nothing is in two of them.
    #[test]
    fn buckets_cover_the_range_once(zone in zone(), from in 1_800_000_i64..2_300_000, length in 0_i64..6_000,
                                    interval in prop::sample::select(vec![Interval::Quarter, Interval::Hour, Interval::Day,
                                        Interval::Week, Interval::Month, Interval::Total])) {
        let cut = buckets(Quarter(from), Quarter(from + length), interval, zone);
        let mut at = Quarter(from);
        for bucket in &cut {
            prop_assert!(bucket.from == at && bucket.to > at);
            at = bucket.to;
        }
        prop_assert_eq!(at, Quarter(from + length));
    }

    /// Each day's bucket is that day: from its first moment to the next day's.
    #[test]
    fn days_begin_where_the_wall_says_so(zone in zone(), days in 11_000_i64..24_000) {
        let date = NaiveDate::from_num_days_from_ce_opt(719_163 + days as i32).unwrap();
        let (from, to) = (day_start(date, zone).unwrap(), day_end(date, zone).unwrap());
        prop_assert!(from <= to);
        if from < to {
            let minute = chrono::TimeDelta::minutes(1);
            for (moment, expected) in [(from, true), (from - minute, false), (to - minute, true), (to, false)] {
                prop_assert_eq!(zone.from_utc_datetime(&moment.naive_utc()).date_naive() == date, expected);
            }
            let cut = buckets(Quarter::beginning(from).unwrap(), Quarter::beginning(to).unwrap(), Interval::Day, zone);
            prop_assert_eq!(cut.len(), 1);
        }
    }
}
