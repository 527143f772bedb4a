//! How much a tenant is calling: counted from the calls themselves, so that a restart can count again.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

/// One outbound call, for counting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The call.
    pub call: Uuid,
    /// Who called.
    pub agent: Option<Uuid>,
    /// It left the tenant's own country.
    pub international: bool,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it was answered.
    pub answered: Option<DateTime<Utc>>,
    /// When it ended; none while it runs.
    pub ended: Option<DateTime<Utc>>,
}

/// What is going on when somebody wants to call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Calls that run.
    pub concurrent: u32,
    /// Those of the agent.
    pub concurrent_of_agent: u32,
    /// Calls that began within the last hour.
    pub hour: u32,
    /// Those of the agent.
    pub hour_of_agent: u32,
    /// Calls that began within the last 24 hours.
    pub day: u32,
    /// Those of the agent.
    pub day_of_agent: u32,
    /// Whole minutes talked with other countries within the last hour, each call's begun minute counted as one.
    pub international_minutes: u32,
}

/// The outbound calls of one tenant within the last day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    calls: VecDeque<Usage>,
}

impl Ledger {
    /// Notes a call; one that is known already is replaced.
    pub fn note(&mut self, usage: Usage) {
        match self.calls.iter_mut().rev().find(|known| known.call == usage.call) {
            Some(known) => *known = usage,
            None => self.calls.push_back(usage),
        }
    }

    /// A call was answered.
    pub fn answered(&mut self, call: Uuid, at: DateTime<Utc>) {
        if let Some(known) = self.calls.iter_mut().rev().find(|known| known.call == call) {
            known.answered.get_or_insert(at);
        }
    }

    /// A call ended.
    pub fn ended(&mut self, call: Uuid, at: DateTime<Utc>) {
        if let Some(known) = self.calls.iter_mut().rev().find(|known| known.call == call) {
            known.ended.get_or_insert(at);
        }
    }

    /// Forgets what no cap looks at any more.
    pub fn prune(&mut self, now: DateTime<Utc>) {
        let day_ago = now - Duration::days(1);
        self.calls
            .retain(|call| call.began > day_ago || call.ended.is_none_or(|ended| ended > now - Duration::hours(1)));
    }

    /// What is going on, seen by one agent.
    pub fn load(&self, now: DateTime<Utc>, agent: Option<Uuid>) -> Load {
        let (hour_ago, day_ago) = (now - Duration::hours(1), now - Duration::days(1));
        let mut load = Load::default();
        for call in &self.calls {
            let of_agent = u32::from(agent.is_some() && call.agent == agent);
            let counted = |when: bool| (u32::from(when), u32::from(when) * of_agent);
            let (running, running_of_agent) = counted(call.ended.is_none());
            let (hour, hour_of_agent) = counted(call.began > hour_ago);
            let (day, day_of_agent) = counted(call.began > day_ago);
            load.concurrent += running;
            load.concurrent_of_agent += running_of_agent;
            load.hour += hour;
            load.hour_of_agent += hour_of_agent;
            load.day += day;
            load.day_of_agent += day_of_agent;
            if let Some(answered) = call.answered.filter(|_| call.international) {
                // Only what was talked within the hour: a long call does not count for ever.
                let talked = call.ended.unwrap_or(now).min(now) - answered.max(hour_ago);
                let seconds = u32::try_from(talked.num_seconds()).unwrap_or(0);
                load.international_minutes += seconds.div_ceil(60);
            }
        }
        load
    }
}
