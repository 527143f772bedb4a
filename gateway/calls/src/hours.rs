//! Opening hours: a week in a time zone.

use std::str::FromStr as _;

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, NaiveTime, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days are the days")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Mon => Self::Monday,
            Weekday::Tue => Self::Tuesday,
            Weekday::Wed => Self::Wednesday,
            Weekday::Thu => Self::Thursday,
            Weekday::Fri => Self::Friday,
            Weekday::Sat => Self::Saturday,
            Weekday::Sun => Self::Sunday,
        }
    }
}

/// One stretch of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The day on which it begins.
    pub day: Day,
    /// `HH:MM`, local time.
    pub from: String,
    /// `HH:MM`, local time, later than `from`; `24:00` is the end of the day.
    pub to: String,
}

/// When somebody is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// IANA name, such as `Europe/Rome`.
    pub time_zone: String,
    /// The week; a day that is not named is closed.
    pub week: Vec<Opening>,
}

/// Minutes since midnight.
pub(crate) fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= 24 * 60).then_some(total)
}

impl Hours {
    /// What is wrong with it, if anything.
    pub fn fault(&self) -> Option<String> {
        if Tz::from_str(&self.time_zone).is_err() {
            return Some(format!("{:?} is not the name of a time zone, such as Europe/Rome", self.time_zone));
        }
        if self.week.len() > 50 {
            return Some("must have at most 50 openings".to_owned());
        }
        let wrong = self.week.iter().find(|opening| match (minutes(&opening.from), minutes(&opening.to)) {
            (Some(from), Some(to)) => from >= to,
            _ => true,
        });
        wrong.map(|opening| format!("{} to {} is not a stretch of a day", opening.from, opening.to))
    }

    pub(crate) fn zone(&self) -> Tz {
        Tz::from_str(&self.time_zone).unwrap_or(Tz::UTC)
    }

    /// The openings of one local day, as moments.
    pub(crate) fn of_day(&self, date: NaiveDate) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let (zone, day) = (self.zone(), Day::from(date.weekday()));
        self.week.iter().filter(move |opening| opening.day == day).filter_map(move |opening| {
            Some((moment(zone, date, minutes(&opening.from)?)?, moment(zone, date, minutes(&opening.to)?)?))
        })
    }

    /// Whether it is open then.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        let today = at.with_timezone(&self.zone()).date_naive();
        self.of_day(today).any(|(from, to)| from <= at && at < to)
    }

    /// When that changes next, within the coming week.
    pub fn next_change(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let open = self.is_open(after);
        let today = after.with_timezone(&self.zone()).date_naive();
        let days = (0..=8).filter_map(|ahead| today.checked_add_signed(Duration::days(ahead)));
        let mut edges: Vec<DateTime<Utc>> =
            days.flat_map(|date| self.of_day(date).flat_map(|(from, to)| [from, to]).collect::<Vec<_>>()).collect();
        edges.sort_unstable();
        // Two stretches that touch are one.
        edges.into_iter().find(|edge| *edge > after && self.is_open(*edge) != open)
    }
}

/// A local time as a moment. One that a clock change leaves out is the moment of the change; of one that comes twice, the first.
pub(crate) fn moment(zone: Tz, date: NaiveDate, minutes: u32) -> Option<DateTime<Utc>> {
    let (date, minutes) = if minutes == 24 * 60 { (date.succ_opt()?, 0) } else { (date, minutes) };
    let local = date.and_time(NaiveTime::from_num_seconds_from_midnight_opt(minutes * 60, 0)?);
    let found = (0..=180).find_map(|later| zone.from_local_datetime(&(local + Duration::minutes(later))).earliest());
    found.map(|moment| moment.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn office() -> Hours {
        let opening = |day, from: &str, to: &str| Opening { day, from: from.to_owned(), to: to.to_owned() };
        Hours {
            time_zone: "Europe/Rome".to_owned(),
            week: vec![
                opening(Day::Monday, "09:00", "12:30"),
                opening(Day::Monday, "12:30", "18:00"),
                opening(Day::Sunday, "22:00", "24:00"),
            ],
        }
    }

    #[test]
    fn hours_are_those_of_the_place() {
        let office = office();
        // Monday 2026-11-30; Rome is an hour ahead of UTC in winter, two in summer.
        assert!(!office.is_open(at("2026-11-30T07:59:59Z")));
        assert!(office.is_open(at("2026-11-30T08:00:00Z")));
        assert!(office.is_open(at("2026-07-06T07:00:00Z")));
        assert_eq!(office.next_change(at("2026-11-30T08:00:00Z")), Some(at("2026-11-30T17:00:00Z")));
        assert_eq!(office.next_change(at("2026-11-29T21:00:00Z")), Some(at("2026-11-29T23:00:00Z")));
    }

    #[test]
    fn what_is_no_week_is_told() {
        let with = |from: &str, to: &str| Hours {
            week: vec![Opening { day: Day::Friday, from: from.to_owned(), to: to.to_owned() }],
            ..office()
        };
        for (from, to) in
            [("9:00", "18:00"), ("18:00", "09:00"), ("09:00", "24:01"), ("aa:bb", "18:00"), ("09:60", "18:00")]
        {
            assert!(with(from, to).fault().is_some(), "{from} {to}");
        }
        assert!(Hours { time_zone: "Rome".to_owned(), ..office() }.fault().is_some());
        assert_eq!(office().fault(), None);
    }

    proptest! {
        #[test]
        fn nothing_changes_before_the_next_change(minute in 0i64..527_040, step in 1i64..2_000) {
            let office = office();
            let now = at("2026-01-01T00:00:00Z") + Duration::minutes(minute);
            if let Some(change) = office.next_change(now) {
                prop_assert_ne!(office.is_open(now), office.is_open(change));
                let between = (now + Duration::minutes(step)).min(change - Duration::seconds(1)).max(now);
                prop_assert_eq!(office.is_open(now), office.is_open(between));
            }
        }

        #[test]
        fn any_text_is_a_time_or_refused(text in "\\PC{0,8}") {
            let _ = minutes(&text);
        }
    }
}
