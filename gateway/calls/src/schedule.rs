//! Opening hours that queues, numbers and flows share: a week, special days, and what somebody decided for now.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use trunkline_db::{ScheduleId, TenantId};

use crate::flow::walk::Openness;
use crate::hours::{Hours, minutes, moment};

/// Special days that a schedule may have.
const MAX_SPECIAL: usize = 500;
/// The longest stretch of special days.
const MAX_DAYS: i64 = 366;

/// A stretch of a special day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleStretch)]
pub struct Stretch {
    /// `HH:MM`, local time.
    pub from: String,
    /// `HH:MM`, local time, later than `from`; `24:00` is the end of the day.
    pub to: String,
}

/// Days that are unlike others: holidays, an inventory, a late evening before Christmas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleSpecial)]
pub struct Special {
    /// What people call them.
    pub name: String,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// When it is open on these days; nothing: closed.
    #[serde(default)]
    pub openings: Vec<Stretch>,
}

/// What somebody decided for now, whatever the week says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Override {
    /// Open, or closed.
    pub open: bool,
    /// Until when; null: until somebody ends it.
    pub until: Option<DateTime<Utc>>,
    /// Why, for colleagues.
    pub note: Option<String>,
    /// Who.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub by: Option<uuid::Uuid>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Opening hours with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Their id.
    pub id: ScheduleId,
    /// Whose they are.
    pub tenant: TenantId,
    /// What people call them.
    pub name: String,
    /// The week.
    pub hours: Hours,
    /// Special days; of several that a day is in, the first counts.
    pub special: Vec<Special>,
    /// What somebody decided for now.
    pub decided: Option<Override>,
}

/// What is wrong with special days, if anything.
pub fn special_fault(special: &[Special]) -> Option<String> {
    if special.len() > MAX_SPECIAL {
        return Some(format!("must be at most {MAX_SPECIAL} special days"));
    }
    for day in special {
        let name = &day.name;
        if name.trim().is_empty() || name.chars().count() > 100 {
            return Some("a special day has a name of 1 to 100 characters".to_owned());
        }
        if day.to < day.from || (day.to - day.from).num_days() >= MAX_DAYS {
            return Some(format!("{name:?} must end on the day on which it begins or later, and within a year"));
        }
        let wrong = day.openings.iter().find(|opening| match (minutes(&opening.from), minutes(&opening.to)) {
            (Some(from), Some(to)) => from >= to,
            _ => true,
        });
        if let Some(wrong) = wrong {
            return Some(format!("{name:?}: {} to {} is not a stretch of a day", wrong.from, wrong.to));
        }
        if day.openings.len() > 20 {
            return Some(format!("{name:?} must have at most 20 openings"));
        }
    }
    None
}

impl Schedule {
    fn special_on(&self, date: NaiveDate) -> Option<&Special> {
        self.special.iter().find(|day| day.from <= date && date <= day.to)
    }

    /// The openings of one local day, as moments.
    fn of_day(&self, date: NaiveDate) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let Some(special) = self.special_on(date) else { return self.hours.of_day(date).collect() };
        let zone = self.hours.zone();
        let stretch = |opening: &Stretch| {
            Some((moment(zone, date, minutes(&opening.from)?)?, moment(zone, date, minutes(&opening.to)?)?))
        };
        special.openings.iter().filter_map(stretch).collect()
    }

    fn decided_at(&self, at: DateTime<Utc>) -> Option<&Override> {
        self.decided.as_ref().filter(|decided| decided.until.is_none_or(|until| at < until))
    }

    /// By the calendar alone.
    fn is_open_by_calendar(&self, at: DateTime<Utc>) -> bool {
        self.of_day(self.day_of(at)).into_iter().any(|(from, to)| from <= at && at < to)
    }

    fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.hours.zone()).date_naive()
    }

    /// Whether it is open then, and why.
    pub fn openness(&self, at: DateTime<Utc>) -> Openness {
        if let Some(decided) = self.decided_at(at) {
            let name = decided.note.clone().unwrap_or_default();
            return Openness { open: decided.open, why: "override", name };
        }
        let open = self.is_open_by_calendar(at);
        match self.special_on(self.day_of(at)) {
            Some(special) => Openness { open, why: "special", name: special.name.clone() },
            None => Openness { open, why: "week", name: self.name.clone() },
        }
    }

    /// When that changes next, within the coming weeks.
    pub fn next_change(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let open = self.openness(after).open;
        let until = match self.decided_at(after) {
            Some(decided) => Some(decided.until?),
            None => None,
        };
        let from = self.day_of(after);
        // A year of holidays is passed, and no more.
        let days = (0..=MAX_DAYS + 8).filter_map(|ahead| from.checked_add_signed(Duration::days(ahead)));
        let edges = days.flat_map(|date| {
            let mut edges: Vec<_> = self.of_day(date).into_iter().flat_map(|(from, to)| [from, to]).collect();
            edges.sort_unstable();
            edges
        });
        until.into_iter().chain(edges).find(|edge| *edge > after && self.openness(*edge).open != open)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hours::{Day, Opening};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn office() -> Schedule {
        let opening = |day| Opening { day, from: "09:00".to_owned(), to: "18:00".to_owned() };
        let days = [Day::Monday, Day::Tuesday, Day::Wednesday, Day::Thursday, Day::Friday];
        Schedule {
            id: ScheduleId::new(),
            tenant: TenantId::new(),
            name: "Office".to_owned(),
            hours: Hours { time_zone: "Europe/Rome".to_owned(), week: days.map(opening).to_vec() },
            special: vec![
                Special {
                    name: "Christmas Eve".to_owned(),
                    from: day("2026-12-24"),
                    to: day("2026-12-24"),
                    openings: vec![Stretch { from: "09:00".to_owned(), to: "13:00".to_owned() }],
                },
                Special {
                    name: "Holidays".to_owned(),
                    from: day("2026-12-25"),
                    to: day("2027-01-06"),
                    openings: Vec::new(),
                },
            ],
            decided: None,
        }
    }

    #[test]
    fn special_days_take_the_place_of_the_week() {
        let office = office();
        assert!(office.openness(at("2026-12-23T16:00:00Z")).open);
        let eve = office.openness(at("2026-12-24T12:30:00Z"));
        assert_eq!((eve.open, eve.why, eve.name.as_str()), (false, "special", "Christmas Eve"));
        assert!(office.openness(at("2026-12-24T11:30:00Z")).open);
        // From the eve's end over the holidays to Thursday the 7th.
        assert_eq!(office.next_change(at("2026-12-24T12:30:00Z")), Some(at("2027-01-07T08:00:00Z")));
    }

    #[test]
    fn what_somebody_decides_counts_until_it_ends() {
        let mut office = office();
        office.decided = Some(Override {
            open: false,
            until: Some(at("2026-12-01T11:00:00Z")),
            note: Some("Storm".to_owned()),
            by: None,
            since: at("2026-12-01T09:00:00Z"),
        });
        let storm = office.openness(at("2026-12-01T10:00:00Z"));
        assert_eq!((storm.open, storm.why, storm.name.as_str()), (false, "override", "Storm"));
        assert_eq!(office.next_change(at("2026-12-01T10:00:00Z")), Some(at("2026-12-01T11:00:00Z")));
        assert!(office.openness(at("2026-12-01T11:00:00Z")).open);
        office.decided.as_mut().unwrap().until = None;
        assert_eq!(office.next_change(at("2026-12-01T10:00:00Z")), None);
    }

    #[test]
    fn what_is_no_special_day_is_told() {
        let with = |from: &str, to: &str, opens: &str| {
            let stretch = Stretch { from: opens.to_owned(), to: "18:00".to_owned() };
            special_fault(&[Special { name: "X".to_owned(), from: day(from), to: day(to), openings: vec![stretch] }])
        };
        assert_eq!(with("2026-12-24", "2026-12-25", "09:00"), None);
        assert!(with("2026-12-25", "2026-12-24", "09:00").is_some());
        assert!(with("2026-12-24", "2028-12-24", "09:00").is_some());
        assert!(with("2026-12-24", "2026-12-24", "19:00").is_some());
    }

    proptest! {
        #[test]
        fn nothing_changes_before_the_next_change(minute in 0i64..527_040, step in 1i64..20_000) {
            let office = office();
            let now = at("2026-06-01T00:00:00Z") + Duration::minutes(minute);
            let change = office.next_change(now).expect("a week has openings");
            prop_assert_ne!(office.openness(now).open, office.openness(change).open);
            let between = (now + Duration::minutes(step)).min(change - Duration::seconds(1)).max(now);
            prop_assert_eq!(office.openness(now).open, office.openness(between).open);
        }
    }
}
