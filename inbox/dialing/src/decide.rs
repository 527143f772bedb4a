//! Whether a number may be called.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hours::rule_for;
use crate::rules::CostlyKind;
use crate::{Country, Kind, Load, Number, Rules, normalise};

/// Somebody wants to call.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// What they typed or clicked.
    pub to: &'a str,
    /// On behalf of which queue.
    pub queue: Option<Uuid>,
    /// When.
    pub now: DateTime<Utc>,
}

/// The tenant's lists of numbers, E.164.
pub trait Lists {
    /// Whether a number is on the do-not-call list at that time.
    fn do_not_call(&self, e164: &str, now: DateTime<Utc>) -> bool;
    /// Whether a number is blocked.
    fn blocked(&self, e164: &str) -> bool;
}

/// What denies a call. The words are those of the API, the journal and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Nobody said yet from which country the tenant calls.
    NotSetUp,
    /// It is no telephone number.
    InvalidNumber,
    /// An emergency call, and no trunk for it.
    Emergency,
    /// A code within a network, which no prefix allows.
    ShortCode,
    /// A prefix denies it.
    Prefix,
    /// A costly kind of number.
    CostlyKind,
    /// A range that is in no plan, which no prefix allows.
    UnknownRange,
    /// A country that is not allowed.
    Country,
    /// The number is on the do-not-call list.
    DoNotCall,
    /// The number is blocked.
    Blocked,
    /// It is not the hour to call there.
    Hours,
    /// Too many calls at once.
    Concurrent,
    /// Too many calls of one agent at once.
    ConcurrentAgent,
    /// Too many calls within an hour.
    PerHour,
    /// Too many calls within a day.
    PerDay,
    /// Too many calls of one agent within an hour.
    PerHourAgent,
    /// Too many calls of one agent within a day.
    PerDayAgent,
    /// Too many minutes with other countries within an hour.
    InternationalMinutes,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 18] = [
        Self::NotSetUp,
        Self::InvalidNumber,
        Self::Emergency,
        Self::ShortCode,
        Self::Prefix,
        Self::CostlyKind,
        Self::UnknownRange,
        Self::Country,
        Self::DoNotCall,
        Self::Blocked,
        Self::Hours,
        Self::Concurrent,
        Self::ConcurrentAgent,
        Self::PerHour,
        Self::PerDay,
        Self::PerHourAgent,
        Self::PerDayAgent,
        Self::InternationalMinutes,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSetUp => "not_set_up",
            Self::InvalidNumber => "invalid_number",
            Self::Emergency => "emergency",
            Self::ShortCode => "short_code",
            Self::Prefix => "prefix",
            Self::CostlyKind => "costly_kind",
            Self::UnknownRange => "unknown_range",
            Self::Country => "country",
            Self::DoNotCall => "do_not_call",
            Self::Blocked => "blocked",
            Self::Hours => "hours",
            Self::Concurrent => "concurrent",
            Self::ConcurrentAgent => "concurrent_agent",
            Self::PerHour => "per_hour",
            Self::PerDay => "per_day",
            Self::PerHourAgent => "per_hour_agent",
            Self::PerDayAgent => "per_day_agent",
            Self::InternationalMinutes => "international_minutes",
        }
    }

    /// Whether it guards against fraud by counting: one such denial is worth an alarm.
    pub const fn is_cap(self) -> bool {
        matches!(
            self,
            Self::Concurrent
                | Self::ConcurrentAgent
                | Self::PerHour
                | Self::PerDay
                | Self::PerHourAgent
                | Self::PerDayAgent
                | Self::InternationalMinutes
        )
    }

    /// Whether it guards against fraud by where the call goes: several such denials within minutes are worth an alarm.
    pub const fn is_costly_target(self) -> bool {
        matches!(self, Self::CostlyKind | Self::Country | Self::UnknownRange)
    }
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be called.
    Allowed {
        /// The number.
        number: Number,
        /// The number shown to who is called.
        caller_id: Option<String>,
    },
    /// It may not.
    Denied {
        /// The number, if it is one.
        number: Option<Number>,
        /// What denies it.
        rule: Rule,
        /// The same in words.
        words: String,
    },
}

impl Decision {
    /// There are no rules to decide by.
    pub fn not_set_up() -> Self {
        let words = "Outbound calls are not set up: an admin has to say from which country calls are made.".to_owned();
        Self::Denied { number: None, rule: Rule::NotSetUp, words }
    }

    /// Whether it may be called.
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// Whether the tenant's rules let a number be called now.
///
/// The order decides which reason is told, never whether the call is allowed: emergency numbers first, then what the number is (prefix, costly
/// kind, plan, country), then who it is (do-not-call, blocked), then when, then how many. An allowed prefix opens ranges and countries; it
/// opens no costly kind, takes nobody off a list and lifts no cap.
pub fn decide(attempt: &Attempt<'_>, rules: &Rules, lists: &impl Lists, load: &Load) -> Decision {
    let Ok(number) = normalise(attempt.to, rules.country) else {
        let words = "This is no telephone number.".to_owned();
        return Decision::Denied { number: None, rule: Rule::InvalidNumber, words };
    };
    if let Some((rule, words)) = denial(attempt, &number, rules, lists, load) {
        return Decision::Denied { number: Some(number), rule, words };
    }
    let caller_id = rules.caller_id(attempt.queue).map(str::to_owned);
    Decision::Allowed { number, caller_id }
}

fn denial(
    attempt: &Attempt<'_>,
    number: &Number,
    rules: &Rules,
    lists: &impl Lists,
    load: &Load,
) -> Option<(Rule, String)> {
    if number.kind == Kind::Emergency {
        let words = "Emergency calls do not go out by this telephone system. Use another telephone at once.";
        return (!rules.emergency).then(|| (Rule::Emergency, words.to_owned()));
    }
    by_number(number, rules)
        .or_else(|| by_list(attempt, number, lists))
        .or_else(|| by_hours(attempt, number, rules))
        .or_else(|| by_caps(rules, number, load))
}

fn by_number(number: &Number, rules: &Rules) -> Option<(Rule, String)> {
    let prefix = rules.by_prefix(number);
    if let Some(denying) = prefix.filter(|rule| !rule.allow) {
        return Some((Rule::Prefix, format!("Numbers that begin with {} are not called.", denying.prefix)));
    }
    if let Some(costly) = CostlyKind::of(number.kind).filter(|costly| !rules.costly.contains(costly)) {
        let what = match costly {
            CostlyKind::Premium => "premium-rate numbers",
            CostlyKind::SharedCost => "shared-cost numbers",
            CostlyKind::Satellite => "satellite telephones and international networks",
            CostlyKind::Personal => "personal numbers and pagers",
        };
        return Some((Rule::CostlyKind, format!("Calls to {what} are not allowed.")));
    }
    if prefix.is_some() {
        return None;
    }
    if number.kind == Kind::ShortCode {
        return Some((Rule::ShortCode, "Short numbers are called only if they are allowed one by one.".to_owned()));
    }
    if number.kind == Kind::Unknown {
        let words =
            "This number is in no range that is known: look whether it is complete, or have its prefix allowed.";
        return Some((Rule::UnknownRange, words.to_owned()));
    }
    let allowed = |country: Country| country == rules.country || rules.countries.contains(&country);
    match number.country {
        Some(country) if allowed(country) => None,
        // An international network has no country to allow; it was opened by its kind.
        None if CostlyKind::of(number.kind).is_some() => None,
        Some(country) => Some((Rule::Country, format!("Calls to the country {country} are not allowed."))),
        None => Some((Rule::Country, "Calls to international services are not allowed.".to_owned())),
    }
}

fn by_list(attempt: &Attempt<'_>, number: &Number, lists: &impl Lists) -> Option<(Rule, String)> {
    if lists.do_not_call(&number.text, attempt.now) {
        return Some((Rule::DoNotCall, "This number is on the do-not-call list.".to_owned()));
    }
    lists.blocked(&number.text).then(|| (Rule::Blocked, "This number is blocked.".to_owned()))
}

fn by_hours(attempt: &Attempt<'_>, number: &Number, rules: &Rules) -> Option<(Rule, String)> {
    let rule = rule_for(&rules.hours, number.country)?;
    let words = "It is not the hour at which people there may be called.";
    (!rule.allows(&number.text, attempt.now)).then(|| (Rule::Hours, words.to_owned()))
}

fn by_caps(rules: &Rules, number: &Number, load: &Load) -> Option<(Rule, String)> {
    let caps = &rules.caps;
    let is_international = number.country != Some(rules.country);
    let caps = [
        (Rule::Concurrent, caps.concurrent, load.concurrent, "calls at once"),
        (Rule::ConcurrentAgent, caps.concurrent_per_agent, load.concurrent_of_agent, "calls of one agent at once"),
        (Rule::PerHour, caps.per_hour, load.hour, "calls within an hour"),
        (Rule::PerDay, caps.per_day, load.day, "calls within 24 hours"),
        (Rule::PerHourAgent, caps.per_hour_per_agent, load.hour_of_agent, "calls of one agent within an hour"),
        (Rule::PerDayAgent, caps.per_day_per_agent, load.day_of_agent, "calls of one agent within 24 hours"),
        (
            Rule::InternationalMinutes,
            caps.international_minutes_per_hour.filter(|_| is_international),
            load.international_minutes,
            "minutes with other countries within an hour",
        ),
    ];
    let full = caps.into_iter().find(|(_, cap, now, _)| cap.is_some_and(|cap| *now >= cap));
    full.map(|(rule, cap, _, what)| (rule, format!("The limit is reached: {} {what}.", cap.unwrap_or(0))))
}
