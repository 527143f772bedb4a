//! What goes wrong on purpose: rules that a test sets, each for the next few requests of a name.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is done to a request in place of answering it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Fault {
    /// This answer. A text is sent as it is, `null` as nothing, anything else as JSON.
    Answer {
        status: u16,
        #[serde(default)]
        body: Value,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// What was asked for is done all the same: a proxy on the way lost the true answer.
        #[serde(default)]
        done: bool,
    },
    /// 429 as this provider says it. Seconds.
    TooMany { retry_after: u64 },
    /// A refusal by the provider's own code, in its own form: `131047`, `21610`, `403`.
    Refuse { code: i64 },
    /// It is done and recorded, and no answer comes: the connection closes, or stays open and silent.
    NeverAnswer {
        #[serde(default)]
        hang: bool,
    },
    /// Answered as ever, but later.
    Delay { ms: u64 },
    /// The connection closes before the body is read: nothing is done.
    Drop,
    /// The answer breaks off after so many bytes of its body.
    Cut { bytes: usize },
}

/// A fault for the next `times` requests of this name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// `messages.send`; `messages` for all that begin so; `*` for every request.
    pub name: String,
    #[serde(default = "once")]
    pub times: usize,
    #[serde(flatten)]
    pub fault: Fault,
}

fn once() -> usize {
    1
}

/// The rules that are set. The first that fits is used up first.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
}

impl Faults {
    /// The next `times` requests of this name meet with `fault`. [`Fault::Drop`] acts before a body is read, so it cannot tell `messages.send` from
    /// `messages.read`: it goes by what stands before the dot.
    pub fn add(&self, name: impl Into<String>, times: usize, fault: Fault) {
        self.set(Rule { name: name.into(), times, fault });
    }

    pub fn set(&self, rule: Rule) {
        self.lock().push(rule);
    }

    /// What was not used up.
    pub fn left(&self) -> Vec<Rule> {
        self.lock().clone()
    }

    pub fn clear(&self) {
        self.lock().clear();
    }

    /// For a request whose head is read. `family` is its name up to the dot.
    pub(crate) fn take_drop(&self, family: &str) -> bool {
        let fits = |rule: &Rule| {
            rule.fault == Fault::Drop && (rule.name == "*" || rule.name.split('.').next() == Some(family))
        };
        self.take_first(fits).is_some()
    }

    /// For a request that is read.
    pub(crate) fn take(&self, name: &str) -> Option<Fault> {
        let fits = |rule: &Rule| {
            let behind = name.strip_prefix(rule.name.as_str());
            rule.fault != Fault::Drop
                && (rule.name == "*" || behind.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        };
        self.take_first(fits)
    }

    fn take_first(&self, fits: impl Fn(&Rule) -> bool) -> Option<Fault> {
        let mut rules = self.lock();
        rules.retain(|rule| rule.times > 0);
        let rule = rules.iter_mut().find(|rule| fits(rule))?;
        rule.times -= 1;
        let fault = rule.fault.clone();
        rules.retain(|rule| rule.times > 0);
        Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_used_up_by_the_requests_of_its_name_alone() {
        let faults = Faults::default();
        faults.add("messages.send", 2, Fault::TooMany { retry_after: 1 });
        faults.add("media", 1, Fault::Delay { ms: 1 });
        assert_eq!(faults.take("messages.read"), None);
        assert_eq!(faults.take("mediator"), None);
        assert_eq!(faults.take("media.find"), Some(Fault::Delay { ms: 1 }));
        assert!(faults.take("messages.send").is_some() && faults.take("messages.send").is_some());
        assert_eq!(faults.take("messages.send"), None);
        assert!(faults.left().is_empty());
    }

    #[test]
    fn a_drop_goes_by_what_is_known_before_the_body() {
        let faults = Faults::default();
        faults.add("messages.send", 1, Fault::Drop);
        assert_eq!(faults.take("messages.send"), None);
        assert!(!faults.take_drop("media"));
        assert!(faults.take_drop("messages"));
        assert!(!faults.take_drop("messages"));
    }

    #[test]
    fn a_rule_is_written_as_one_flat_object() {
        let rule: Rule = serde_json::from_str(r#"{"name":"*","do":"answer","status":503}"#).unwrap();
        let body = Value::Null;
        let fault = Fault::Answer { status: 503, body, headers: BTreeMap::new(), done: false };
        assert_eq!(rule, Rule { name: "*".to_owned(), times: 1, fault });
    }
}
