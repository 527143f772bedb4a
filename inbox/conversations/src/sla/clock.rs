//! A clock that runs while somebody is there.

use chrono::{DateTime, Duration, Utc};
use trunkline_calls::hours::Hours;

/// Looks ahead no further than this: a week that is never open again has no due time.
const FURTHEST: Duration = Duration::days(366 * 3);

/// Counts time within opening hours; without any, day and night.
#[derive(Debug, Clone, Copy)]
pub struct BusinessClock<'a> {
    hours: Option<&'a Hours>,
}

impl<'a> BusinessClock<'a> {
    /// The clock of these hours.
    pub const fn new(hours: Option<&'a Hours>) -> Self {
        Self { hours }
    }

    /// When so much business time has gone by since `from`; `None`: never, since it does not open any more. Nothing at all is due at once,
    /// whether it is open or not.
    pub fn after(self, from: DateTime<Utc>, time: Duration) -> Option<DateTime<Utc>> {
        let Some(hours) = self.hours else { return from.checked_add_signed(time) };
        let last = from.checked_add_signed(FURTHEST)?;
        let (mut now, mut left) = (from, time);
        if left <= Duration::zero() {
            return Some(from);
        }
        while now < last {
            let change = hours.next_change(now);
            if hours.is_open(now) {
                let Some(closes) = change else { return now.checked_add_signed(left) };
                if closes - now >= left {
                    return Some(now + left);
                }
                left -= closes - now;
                now = closes;
            } else {
                now = change?;
            }
        }
        None
    }

    /// How much business time lies between two moments; nothing if they are the other way round.
    pub fn between(self, from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
        let whole = (to - from).max(Duration::zero());
        let Some(hours) = self.hours else { return whole };
        let (mut now, mut sum) = (from, Duration::zero());
        while now < to {
            let until = hours.next_change(now).unwrap_or(to).min(to);
            if hours.is_open(now) {
                sum += until - now;
            }
            now = until;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trunkline_calls::hours::{Day, Opening};

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn office() -> Hours {
        let opening = |day, from: &str, to: &str| Opening { day, from: from.to_owned(), to: to.to_owned() };
        Hours {
            time_zone: "Europe/Rome".to_owned(),
            week: vec![
                opening(Day::Monday, "09:00", "13:00"),
                opening(Day::Monday, "14:00", "18:00"),
                opening(Day::Saturday, "22:00", "24:00"),
                opening(Day::Sunday, "00:00", "04:00"),
            ],
        }
    }

    #[test]
    fn time_stands_over_lunch_and_over_the_week() {
        let office = office();
        let clock = BusinessClock::new(Some(&office));
        // Monday; Rome is an hour ahead of UTC.
        assert_eq!(clock.after(at("2026-11-30T11:30:00Z"), Duration::minutes(60)), Some(at("2026-11-30T13:30:00Z")));
        assert_eq!(clock.after(at("2026-11-30T16:30:00Z"), Duration::minutes(60)), Some(at("2026-12-05T21:30:00Z")));
        assert_eq!(clock.between(at("2026-11-30T00:00:00Z"), at("2026-12-01T00:00:00Z")), Duration::hours(8));
    }

    #[test]
    fn the_night_of_the_clock_change_has_its_real_length() {
        let office = office();
        let clock = BusinessClock::new(Some(&office));
        // Sunday 2026-03-29: from 02:00 to 03:00 there is no time in Rome.
        assert_eq!(clock.between(at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z")), Duration::hours(5));
        // Sunday 2026-10-25: that hour comes twice.
        assert_eq!(clock.between(at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z")), Duration::hours(7));
    }

    #[test]
    fn what_never_opens_is_never_due() {
        let never = Hours { time_zone: "UTC".to_owned(), week: Vec::new() };
        let clock = BusinessClock::new(Some(&never));
        assert_eq!(clock.after(at("2026-11-30T11:30:00Z"), Duration::minutes(1)), None);
        assert_eq!(clock.after(at("2026-11-30T11:30:00Z"), Duration::zero()), Some(at("2026-11-30T11:30:00Z")));
        assert_eq!(clock.between(at("2026-11-30T11:30:00Z"), at("2026-12-30T11:30:00Z")), Duration::zero());
    }

    proptest! {
        #[test]
        fn what_lies_between_is_what_was_asked_for(minute in 0i64..527_040, wanted in 1i64..5_000) {
            let office = office();
            for hours in [None, Some(&office)] {
                let clock = BusinessClock::new(hours);
                let from = at("2026-01-01T00:00:00Z") + Duration::minutes(minute);
                let due = clock.after(from, Duration::minutes(wanted)).unwrap();
                prop_assert_eq!(clock.between(from, due), Duration::minutes(wanted));
                // And not a second earlier.
                prop_assert!(clock.between(from, due - Duration::seconds(1)) < Duration::minutes(wanted));
            }
        }

        #[test]
        fn stretches_add_up(minute in 0i64..527_040, first in 0i64..20_000, second in 0i64..20_000) {
            let office = office();
            let clock = BusinessClock::new(Some(&office));
            let a = at("2026-01-01T00:00:00Z") + Duration::minutes(minute);
            let b = a + Duration::minutes(first);
            let c = b + Duration::minutes(second);
            prop_assert_eq!(clock.between(a, b) + clock.between(b, c), clock.between(a, c));
        }
    }
}
