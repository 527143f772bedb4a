//! The guard against toll fraud: who cannot call is one thing, who keeps trying is another.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_db::{AgentId, EventId, TenantId};
use trunkline_dialing::Rule;

use super::Center;
use super::io::Output;
use crate::model::{Happening, Record, Subject};

/// So many denied calls to foreign, costly or unknown numbers …
const DENIALS: usize = 5;
/// … within so many minutes are an alarm.
const WITHIN: TimeDelta = TimeDelta::minutes(10);
/// An alarm of one kind is given once in so many minutes.
const QUIET: TimeDelta = TimeDelta::minutes(10);

/// What a tenant's agents were denied lately.
#[derive(Debug, Default)]
pub(super) struct Guard {
    denials: VecDeque<DateTime<Utc>>,
    alarmed: BTreeMap<Rule, DateTime<Utc>>,
}

impl Guard {
    /// Whether a denial is worth an alarm, and by how many denials.
    fn denied(&mut self, now: DateTime<Utc>, rule: Rule) -> Option<usize> {
        let count = if rule.is_cap() {
            1
        } else if rule.is_costly_target() {
            self.denials.push_back(now);
            while self.denials.front().is_some_and(|at| *at <= now - WITHIN) {
                self.denials.pop_front();
            }
            if self.denials.len() < DENIALS {
                return None;
            }
            self.denials.len()
        } else {
            return None;
        };
        if self.alarmed.get(&rule).is_some_and(|at| *at > now - QUIET) {
            return None;
        }
        self.alarmed.insert(rule, now);
        Some(count)
    }
}

impl Center {
    /// A rule denied an agent's call: at a cap, or when such denials pile up, the tenant is told.
    pub(super) fn note_denial(
        &mut self,
        now: DateTime<Utc>,
        tenant: TenantId,
        agent: Option<AgentId>,
        rule: Rule,
        words: &str,
        out: &mut Vec<Output>,
    ) {
        let Some(denials) = self.guards.entry(tenant).or_default().denied(now, rule) else { return };
        tracing::warn!(%tenant, ?agent, rule = rule.as_str(), denials, "alarm: calls out are being denied");
        out.push(Output::Alarm(rule));
        out.push(Output::Record(Box::new(Record {
            happenings: vec![Happening {
                id: EventId::new(),
                kind: "dialing.alarm".to_owned(),
                at: now,
                subject: Subject::Telephony(tenant),
                actor: agent,
                queue: None,
                agents: Vec::new(),
                data: json!({ "rule": rule, "words": words, "agent_id": agent, "denials": denials }),
            }],
            ..Record::of(tenant)
        })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_an_alarm_at_once_and_then_quiet_for_a_while() {
        let (mut guard, now) = (Guard::default(), Utc::now());
        assert_eq!(guard.denied(now, Rule::PerHour), Some(1));
        assert_eq!(guard.denied(now + TimeDelta::minutes(9), Rule::PerHour), None);
        assert_eq!(guard.denied(now + TimeDelta::minutes(9), Rule::Concurrent), Some(1));
        assert_eq!(guard.denied(now + TimeDelta::minutes(10), Rule::PerHour), Some(1));
    }

    #[test]
    fn several_denials_of_costly_numbers_within_minutes_are_an_alarm() {
        let (mut guard, now) = (Guard::default(), Utc::now());
        for minute in 0..4 {
            assert_eq!(guard.denied(now + TimeDelta::minutes(minute), Rule::Country), None);
        }
        assert_eq!(guard.denied(now + TimeDelta::minutes(4), Rule::CostlyKind), Some(5));
        let mut slow = Guard::default();
        for tenth in 0..20 {
            assert_eq!(slow.denied(now + TimeDelta::minutes(tenth * 3), Rule::Country), None);
        }
        for _ in 0..100 {
            assert_eq!(slow.denied(now, Rule::DoNotCall), None);
        }
    }
}
