//! A tenant's rules and lists together: what call control keeps in memory, so that calls are decided while the database is away.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Attempt, Decision, Lists, Load, Rules, country_of, decide};

/// What a tenant does with a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Their calls are turned away, and they are not called.
    Blocked,
    /// They are served before others.
    Vip,
}

impl Mark {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Vip => "vip",
        }
    }

    /// The mark that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Blocked, Self::Vip].into_iter().find(|mark| mark.as_str() == word)
    }
}

/// A tenant's rules and lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// What is allowed; none before the tenant has a country.
    pub rules: Option<Rules>,
    /// Numbers that are not called, and until when; without a time for good.
    pub do_not_call: HashMap<String, Option<DateTime<Utc>>>,
    /// Callers with a mark.
    pub marks: HashMap<String, Mark>,
}

impl Policy {
    /// The rules that count: those that were set, without caller ids that are no longer the tenant's numbers; or those of the country of
    /// its first number; or none.
    pub fn rules(set: Option<Rules>, own_numbers: &[String]) -> Option<Rules> {
        match set {
            Some(mut rules) => {
                rules.caller_id = rules.caller_id.filter(|number| own_numbers.contains(number));
                rules.queue_caller_ids.retain(|of_queue| own_numbers.contains(&of_queue.number));
                Some(rules)
            }
            None => own_numbers.iter().find_map(|number| country_of(number)).map(Rules::of_country),
        }
    }

    /// Whether a number may be called now.
    pub fn decide(&self, attempt: &Attempt<'_>, load: &Load) -> Decision {
        match &self.rules {
            Some(rules) => decide(attempt, rules, self, load),
            None => Decision::not_set_up(),
        }
    }

    /// The mark of a caller.
    pub fn mark(&self, e164: &str) -> Option<Mark> {
        self.marks.get(e164).copied()
    }
}

impl Lists for Policy {
    fn do_not_call(&self, e164: &str, now: DateTime<Utc>) -> bool {
        self.do_not_call.get(e164).is_some_and(|until| until.is_none_or(|until| until > now))
    }

    fn blocked(&self, e164: &str) -> bool {
        self.mark(e164) == Some(Mark::Blocked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{QueueCallerId, Rule};

    #[test]
    fn without_rules_the_own_numbers_tell_the_country() {
        let rules = |numbers: &[&str]| {
            let numbers: Vec<_> = numbers.iter().map(|number| (*number).to_owned()).collect();
            Policy::rules(None, &numbers).map(|rules| rules.country.to_string())
        };
        assert_eq!(rules(&["+390644121234"]).as_deref(), Some("IT"));
        assert_eq!(rules(&["+15550100"]).as_deref(), Some("US"));
        assert_eq!(rules(&[]), None);
        let nobody = Policy::default();
        let decision = nobody.decide(&Attempt { to: "112", queue: None, now: Utc::now() }, &Load::default());
        assert!(matches!(decision, Decision::Denied { rule: Rule::NotSetUp, .. }));
    }

    #[test]
    fn a_number_that_went_is_shown_no_more() {
        let mut set = Rules::of_country("IT".parse().unwrap());
        set.caller_id = Some("+390611111111".to_owned());
        let queue = QueueCallerId { queue_id: uuid::Uuid::from_u128(1), number: "+390622222222".to_owned() };
        set.queue_caller_ids = vec![queue.clone()];
        let rules = Policy::rules(Some(set), &["+390622222222".to_owned()]).unwrap();
        assert_eq!((rules.caller_id, rules.queue_caller_ids), (None, vec![queue]));
    }

    #[test]
    fn an_entry_of_the_do_not_call_list_ends() {
        let now = Utc::now();
        let entry = |until| Policy { do_not_call: [("+390644121234".to_owned(), until)].into(), ..Policy::default() };
        assert!(entry(None).do_not_call("+390644121234", now));
        assert!(entry(Some(now + chrono::Duration::hours(1))).do_not_call("+390644121234", now));
        assert!(!entry(Some(now)).do_not_call("+390644121234", now));
    }
}
