//! At which hours somebody may be called, on their own clock.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Timelike, Utc, Weekday};
use serde::{Deserialize, Serialize};

use crate::{Country, zones};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DialingDay)]
#[expect(missing_docs, reason = "they are the days of the week")]
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

/// A stretch of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The day.
    pub day: Day,
    /// Minutes after midnight from which calls are allowed.
    #[schema(minimum = 0, maximum = 1439)]
    pub from: u16,
    /// Minutes after midnight before which calls are allowed; 1440 is the day's end.
    #[schema(minimum = 1, maximum = 1440)]
    pub until: u16,
}

/// Hours for some countries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursRule {
    /// Whose numbers it is for; empty: all that no other rule names.
    #[schema(value_type = Vec<String>)]
    pub countries: BTreeSet<Country>,
    /// When calls are allowed; at no other time.
    pub windows: Vec<Window>,
}

/// The rule for a country, if there is one.
pub(crate) fn rule_for(rules: &[HoursRule], country: Option<Country>) -> Option<&HoursRule> {
    let named = |rule: &&HoursRule| country.is_some_and(|country| rule.countries.contains(&country));
    rules.iter().find(named).or_else(|| rules.iter().find(|rule| rule.countries.is_empty()))
}

impl HoursRule {
    /// Whether a number may be called now. Where the number does not say in which of several zones it is, every one of them has to
    /// allow it. A number that lies in no zone is called at any hour.
    pub(crate) fn allows(&self, e164: &str, now: DateTime<Utc>) -> bool {
        zones(e164).iter().all(|zone| {
            let there = now.with_timezone(zone);
            let minute = there.hour() * 60 + there.minute();
            let (day, within) = (Day::from(there.weekday()), |window: &Window| {
                (u32::from(window.from)..u32::from(window.until)).contains(&minute)
            });
            self.windows.iter().any(|window| window.day == day && within(window))
        })
    }
}
