//! What a tenant allows: plain data, and what is wrong with it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::hours::HoursRule;
use crate::number::Kind;
use crate::{Country, Number};

const MAX_PREFIXES: usize = 1_000;
const MAX_HOURS: usize = 100;
const MAX_WINDOWS: usize = 50;
const MAX_QUEUES: usize = 1_000;
const MAX_NOTE: usize = 200;
/// Highest cap: a number that means `as many as you like`.
const MAX_CAP: u32 = 1_000_000;

/// Allows or denies all numbers that begin so. The longest that fits decides; of two as long as each other, the one that denies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrefixRule {
    /// `+39899`; without `+`: the beginning of a short code.
    #[schema(pattern = r"^\+?[0-9]{1,15}$")]
    pub prefix: String,
    /// Whether such numbers may be called.
    pub allow: bool,
    /// Why, for people.
    #[serde(default)]
    #[schema(max_length = 200, required = false)]
    pub note: String,
}

/// A kind of number that costs more than a call: denied until it is opened by name, whatever else allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostlyKind {
    /// Premium-rate numbers, international ones (+979) too.
    Premium,
    /// Shared-cost numbers.
    SharedCost,
    /// Satellite telephones and international networks.
    Satellite,
    /// Numbers that follow a person.
    Personal,
}

impl CostlyKind {
    /// The costly kind of a kind, if it is one.
    pub fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Premium => Some(Self::Premium),
            Kind::SharedCost => Some(Self::SharedCost),
            Kind::Satellite => Some(Self::Satellite),
            Kind::Personal | Kind::Pager => Some(Self::Personal),
            _ => None,
        }
    }
}

/// How much is allowed. Absent: as much as the trunk bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Calls at once.
    #[schema(maximum = 1_000_000)]
    pub concurrent: Option<u32>,
    /// Calls of one agent at once.
    #[schema(maximum = 1_000_000)]
    pub concurrent_per_agent: Option<u32>,
    /// Calls within an hour.
    #[schema(maximum = 1_000_000)]
    pub per_hour: Option<u32>,
    /// Calls within 24 hours.
    #[schema(maximum = 1_000_000)]
    pub per_day: Option<u32>,
    /// Calls of one agent within an hour.
    #[schema(maximum = 1_000_000)]
    pub per_hour_per_agent: Option<u32>,
    /// Calls of one agent within 24 hours.
    #[schema(maximum = 1_000_000)]
    pub per_day_per_agent: Option<u32>,
    /// Minutes talked with other countries within an hour. What a minute costs is known to the carrier alone, so minutes are what is capped.
    #[schema(maximum = 1_000_000)]
    pub international_minutes_per_hour: Option<u32>,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            concurrent: Some(30),
            concurrent_per_agent: Some(2),
            per_hour: Some(600),
            per_day: Some(5_000),
            per_hour_per_agent: Some(120),
            per_day_per_agent: Some(800),
            international_minutes_per_hour: Some(60),
        }
    }
}

/// The number that calls for a queue show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueCallerId {
    /// The queue.
    pub queue_id: Uuid,
    /// One of the tenant's own numbers.
    pub number: String,
}

/// What a tenant allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The tenant's own country: numbers without a country's code are of it.
    #[schema(value_type = String, pattern = "^[A-Z]{2}$")]
    pub country: Country,
    /// Other countries that may be called. The own one always may.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = false)]
    pub countries: BTreeSet<Country>,
    /// Prefixes that are allowed or denied.
    #[serde(default)]
    #[schema(required = false)]
    pub prefixes: Vec<PrefixRule>,
    /// Costly kinds that may be called.
    #[serde(default)]
    #[schema(required = false)]
    pub costly: BTreeSet<CostlyKind>,
    /// When people may be called; without a rule at any time.
    #[serde(default)]
    #[schema(required = false)]
    pub hours: Vec<HoursRule>,
    /// How much is allowed.
    #[serde(default)]
    #[schema(required = false)]
    pub caps: Caps,
    /// The number that is shown to who is called.
    #[serde(default)]
    pub caller_id: Option<String>,
    /// The same, for calls on behalf of a queue.
    #[serde(default)]
    #[schema(required = false)]
    pub queue_caller_ids: Vec<QueueCallerId>,
    /// Emergency calls go out by the tenant's trunk: whoever says so has made sure that it leads to the right control room.
    #[serde(default)]
    #[schema(required = false)]
    pub emergency: bool,
}

/// What is wrong with rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// The field.
    pub field: String,
    /// What is expected.
    pub message: String,
}

impl Rules {
    /// What a tenant starts with: its own country's ordinary numbers.
    pub fn of_country(country: Country) -> Self {
        Self {
            country,
            countries: BTreeSet::new(),
            prefixes: Vec::new(),
            costly: BTreeSet::new(),
            hours: Vec::new(),
            caps: Caps::default(),
            caller_id: None,
            queue_caller_ids: Vec::new(),
            emergency: false,
        }
    }

    /// Whether rules can be kept; else the first thing that is wrong.
    pub fn check(&self) -> Result<(), Invalid> {
        let wrong = |field: String, message: &str| Err(Invalid { field, message: message.to_owned() });
        if self.prefixes.len() > MAX_PREFIXES {
            return wrong("prefixes".to_owned(), "must be at most 1000");
        }
        for (index, rule) in self.prefixes.iter().enumerate() {
            if !is_prefix(&rule.prefix) {
                return wrong(
                    format!("prefixes.{index}.prefix"),
                    "must be + and up to 15 digits, or the digits of a short code",
                );
            }
            if rule.note.chars().count() > MAX_NOTE {
                return wrong(format!("prefixes.{index}.note"), "must have at most 200 characters");
            }
        }
        if self.hours.len() > MAX_HOURS {
            return wrong("hours".to_owned(), "must be at most 100");
        }
        for (index, rule) in self.hours.iter().enumerate() {
            if rule.windows.len() > MAX_WINDOWS {
                return wrong(format!("hours.{index}.windows"), "must be at most 50");
            }
            if rule.windows.iter().any(|window| window.from >= window.until || window.until > 24 * 60) {
                return wrong(format!("hours.{index}.windows"), "must end after they begin, at 1440 at the latest");
            }
            let before = &self.hours[..index];
            let twice = if rule.countries.is_empty() {
                before.iter().any(|other| other.countries.is_empty())
            } else {
                before.iter().any(|other| !other.countries.is_disjoint(&rule.countries))
            };
            if twice {
                return wrong(format!("hours.{index}.countries"), "must have no country that another rule has");
            }
        }
        let caps = &self.caps;
        for (name, cap) in [
            ("concurrent", caps.concurrent),
            ("concurrent_per_agent", caps.concurrent_per_agent),
            ("per_hour", caps.per_hour),
            ("per_day", caps.per_day),
            ("per_hour_per_agent", caps.per_hour_per_agent),
            ("per_day_per_agent", caps.per_day_per_agent),
            ("international_minutes_per_hour", caps.international_minutes_per_hour),
        ] {
            if cap.is_some_and(|cap| cap > MAX_CAP) {
                return wrong(format!("caps.{name}"), "must be at most 1000000");
            }
        }
        if self.caller_id.as_ref().is_some_and(|number| !is_e164(number)) {
            return wrong("caller_id".to_owned(), "must be a number in the international form, such as +390612345678");
        }
        if self.queue_caller_ids.len() > MAX_QUEUES {
            return wrong("queue_caller_ids".to_owned(), "must be at most 1000");
        }
        for (index, of_queue) in self.queue_caller_ids.iter().enumerate() {
            if !is_e164(&of_queue.number) {
                return wrong(
                    format!("queue_caller_ids.{index}.number"),
                    "must be a number in the international form, such as +390612345678",
                );
            }
            if self.queue_caller_ids[..index].iter().any(|other| other.queue_id == of_queue.queue_id) {
                return wrong(format!("queue_caller_ids.{index}.queue_id"), "must be named once");
            }
        }
        Ok(())
    }

    /// What the prefixes say of a number: allowed, denied, or nothing.
    pub(crate) fn by_prefix(&self, number: &Number) -> Option<&PrefixRule> {
        let fitting = self.prefixes.iter().filter(|rule| number.text.starts_with(rule.prefix.as_str()));
        fitting.max_by_key(|rule| (rule.prefix.len(), !rule.allow))
    }

    /// The number that is shown to who is called: the queue's, else the tenant's.
    pub fn caller_id(&self, queue: Option<Uuid>) -> Option<&str> {
        let of_queue = queue.and_then(|queue| self.queue_caller_ids.iter().find(|known| known.queue_id == queue));
        of_queue.map(|known| known.number.as_str()).or(self.caller_id.as_deref())
    }
}

fn is_prefix(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is an E.164 number: `+` and 7 to 15 digits.
pub fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    })
}
