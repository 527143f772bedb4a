//! What a conversation owes: pure.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use trunkline_calls::hours::Hours;
use trunkline_db::{ChannelAccountId, QueueId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::BusinessClock;
use crate::model::{Channel, State};

/// Which conversations a policy is for: all that is there must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyApplies {
    /// Of one of these queues.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Uuid>>)]
    pub queue_ids: Option<Vec<QueueId>>,
    /// Over one of these accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Uuid>>)]
    pub account_ids: Option<Vec<ChannelAccountId>>,
    /// By one of these ways; absent: by every way but calls, which have service levels of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<Channel>>,
    /// Of this priority or a higher one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 4)]
    pub min_priority: Option<i16>,
}

/// How soon we answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The policy.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// For which conversations.
    pub applies: PolicyApplies,
    /// Business minutes until the first answer.
    pub first_reply_minutes: Option<i32>,
    /// Business minutes until every later answer.
    pub next_reply_minutes: Option<i32>,
    /// Business minutes until it is resolved.
    pub resolution_minutes: Option<i32>,
    /// When time counts; none: day and night.
    pub hours: Option<Hours>,
    /// The clock stands while a conversation is pending or snoozed.
    pub pauses: bool,
}

impl Policy {
    fn minutes(&self, goal: GoalKind) -> Option<i32> {
        match goal {
            GoalKind::FirstReply => self.first_reply_minutes,
            GoalKind::NextReply => self.next_reply_minutes,
            GoalKind::Resolution => self.resolution_minutes,
        }
    }
}

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoalKind {
    /// The first answer.
    FirstReply,
    /// An answer to what they wrote last.
    NextReply,
    /// The end.
    Resolution,
}

impl GoalKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FirstReply, Self::NextReply, Self::Resolution];

    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstReply => "first_reply",
            Self::NextReply => "next_reply",
            Self::Resolution => "resolution",
        }
    }

    /// The goal of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What of a conversation decides what it owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// By which way.
    pub channel: Channel,
    /// Over which account.
    pub account: Option<ChannelAccountId>,
    /// Whose work.
    pub queue: Option<QueueId>,
    /// How urgent.
    pub priority: i16,
    /// Nobody is owed anything.
    pub spam: bool,
    /// Where it stands.
    pub state: State,
    /// When it began, or was taken up again.
    pub began_at: DateTime<Utc>,
    /// They wrote at least once.
    pub they_wrote: bool,
    /// When we first answered.
    pub first_reply_at: Option<DateTime<Utc>>,
    /// Since when they wait.
    pub waiting_since: Option<DateTime<Utc>>,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
}

/// One goal of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// Which.
    pub kind: GoalKind,
    /// By which policy.
    pub policy: Uuid,
    /// Its name then.
    pub policy_name: String,
    /// When time counts.
    pub hours: Option<Hours>,
    /// The clock stands while the conversation is pending or snoozed.
    pub pauses: bool,
    /// Since when it counts.
    pub began_at: DateTime<Utc>,
    /// When it is due; none while the clock stands, or if it never opens again.
    pub due_at: Option<DateTime<Utc>>,
    /// Business time that was left when the clock was stopped, in milliseconds.
    pub left_ms: Option<i64>,
    /// When it was met, or there was no need any more.
    pub met_at: Option<DateTime<Utc>>,
    /// When it was missed.
    pub breached_at: Option<DateTime<Utc>>,
}

/// The first policy that fits.
pub fn choose<'a>(policies: &'a [Policy], facts: &Facts) -> Option<&'a Policy> {
    policies.iter().find(|policy| {
        let PolicyApplies { queue_ids, account_ids, channels, min_priority } = &policy.applies;
        let within = |channels: &Vec<Channel>| channels.contains(&facts.channel);
        !facts.spam
            && channels.as_ref().map_or(facts.channel != Channel::Call, within)
            && queue_ids.as_ref().is_none_or(|ids| facts.queue.is_some_and(|queue| ids.contains(&queue)))
            && account_ids.as_ref().is_none_or(|ids| facts.account.is_some_and(|account| ids.contains(&account)))
            && min_priority.is_none_or(|least| facts.priority >= least)
    })
}

/// What the conversation owes from now on: its goals, each kind at most once.
pub fn review(facts: &Facts, policy: Option<&Policy>, before: &[Goal], now: DateTime<Utc>) -> Vec<Goal> {
    GoalKind::ALL.into_iter().filter_map(|kind| goal(kind, facts, policy, before, now)).collect()
}

/// When the goal began to count, and when it was met.
fn span(kind: GoalKind, facts: &Facts) -> Option<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    match kind {
        GoalKind::FirstReply => facts.they_wrote.then(|| {
            // Who resolves without a word has decided that none is due.
            (facts.began_at, facts.first_reply_at.or(facts.resolved_at))
        }),
        GoalKind::NextReply => {
            let since = facts.waiting_since.filter(|_| facts.first_reply_at.is_some())?;
            Some((since, facts.resolved_at))
        }
        GoalKind::Resolution => Some((facts.began_at, facts.resolved_at)),
    }
}

fn goal(kind: GoalKind, facts: &Facts, policy: Option<&Policy>, before: &[Goal], now: DateTime<Utc>) -> Option<Goal> {
    let old = before.iter().find(|goal| goal.kind == kind);
    let Some((began_at, met_at)) = span(kind, facts) else {
        // Nobody waits for the next answer any more: it was given.
        return old.cloned().map(|goal| met(goal, now));
    };
    if let Some(old) = old.filter(|old| old.began_at == began_at) {
        if old.met_at.is_some() {
            return Some(old.clone());
        }
        if let Some(met_at) = met_at {
            return Some(met(old.clone(), met_at));
        }
        // Another policy holds, or none: what is owed is counted anew, from the same moment on.
        if policy.is_some_and(|policy| policy.id == old.policy) {
            return Some(paused_or_running(old.clone(), facts, now));
        }
    } else if met_at.is_some_and(|met_at| met_at <= began_at) {
        return None;
    }
    let policy = policy?;
    let time = Duration::minutes(i64::from(policy.minutes(kind)?));
    let due_at = BusinessClock::new(policy.hours.as_ref()).after(began_at, time);
    let goal = Goal {
        kind,
        policy: policy.id,
        policy_name: policy.name.clone(),
        hours: policy.hours.clone(),
        pauses: policy.pauses,
        began_at,
        left_ms: if due_at.is_none() { Some(time.num_milliseconds()) } else { None },
        due_at,
        met_at: None,
        breached_at: None,
    };
    Some(match met_at {
        Some(met_at) => met(goal, met_at),
        None => paused_or_running(goal, facts, now),
    })
}

fn met(mut goal: Goal, at: DateTime<Utc>) -> Goal {
    if goal.met_at.is_none() {
        if goal.due_at.is_some_and(|due| due < at) && goal.breached_at.is_none() {
            goal.breached_at = goal.due_at;
        }
        goal.met_at = Some(at);
    }
    goal
}

fn paused_or_running(mut goal: Goal, facts: &Facts, now: DateTime<Utc>) -> Goal {
    let stands = goal.pauses && matches!(facts.state, State::Pending | State::Snoozed);
    let clock = BusinessClock::new(goal.hours.as_ref());
    match (stands, goal.due_at, goal.left_ms) {
        (true, Some(due), _) => {
            if due <= now && goal.breached_at.is_none() {
                goal.breached_at = Some(due);
            }
            goal.left_ms = Some(clock.between(now, due).num_milliseconds());
            goal.due_at = None;
        }
        (false, None, Some(left)) => {
            if let Some(due) = clock.after(now, Duration::milliseconds(left)) {
                goal.due_at = Some(due);
                goal.left_ms = None;
            }
        }
        _ => {}
    }
    goal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        "2026-11-30T09:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::minutes(minute)
    }

    fn policy() -> Policy {
        Policy {
            id: Uuid::from_u128(1),
            name: "Quick".to_owned(),
            applies: PolicyApplies::default(),
            first_reply_minutes: Some(10),
            next_reply_minutes: Some(20),
            resolution_minutes: Some(120),
            hours: None,
            pauses: true,
        }
    }

    fn facts() -> Facts {
        Facts {
            channel: Channel::Whatsapp,
            account: None,
            queue: None,
            priority: 0,
            spam: false,
            state: State::Open,
            began_at: at(0),
            they_wrote: true,
            first_reply_at: None,
            waiting_since: Some(at(0)),
            resolved_at: None,
        }
    }

    fn find(goals: &[Goal], kind: GoalKind) -> Option<&Goal> {
        goals.iter().find(|goal| goal.kind == kind)
    }

    #[test]
    fn each_goal_is_due_from_its_own_beginning() {
        let (policy, mut facts) = (policy(), facts());
        let goals = review(&facts, Some(&policy), &[], at(0));
        assert_eq!(find(&goals, GoalKind::FirstReply).unwrap().due_at, Some(at(10)));
        assert_eq!(find(&goals, GoalKind::Resolution).unwrap().due_at, Some(at(120)));
        assert_eq!(find(&goals, GoalKind::NextReply), None);

        (facts.first_reply_at, facts.waiting_since) = (Some(at(12)), None);
        let goals = review(&facts, Some(&policy), &goals, at(12));
        let first = find(&goals, GoalKind::FirstReply).unwrap();
        assert_eq!((first.met_at, first.breached_at), (Some(at(12)), Some(at(10))), "two minutes late");

        facts.waiting_since = Some(at(30));
        let goals = review(&facts, Some(&policy), &goals, at(31));
        assert_eq!(find(&goals, GoalKind::NextReply).unwrap().due_at, Some(at(50)));
        facts.waiting_since = None;
        let goals = review(&facts, Some(&policy), &goals, at(40));
        let next = find(&goals, GoalKind::NextReply).unwrap();
        assert_eq!((next.met_at, next.breached_at), (Some(at(40)), None));
    }

    #[test]
    fn the_clock_stands_while_we_wait_for_them() {
        let (policy, mut facts) = (policy(), facts());
        let goals = review(&facts, Some(&policy), &[], at(0));
        facts.state = State::Pending;
        let goals = review(&facts, Some(&policy), &goals, at(4));
        let first = find(&goals, GoalKind::FirstReply).unwrap();
        assert_eq!((first.due_at, first.left_ms), (None, Some(6 * 60_000)));
        facts.state = State::Open;
        let goals = review(&facts, Some(&policy), &goals, at(1_000));
        assert_eq!(find(&goals, GoalKind::FirstReply).unwrap().due_at, Some(at(1_006)));
    }

    #[test]
    fn who_resolves_without_a_word_owes_none() {
        let (policy, mut facts) = (policy(), facts());
        let goals = review(&facts, Some(&policy), &[], at(0));
        (facts.state, facts.resolved_at) = (State::Resolved, Some(at(5)));
        let goals = review(&facts, Some(&policy), &goals, at(5));
        assert!(goals.iter().all(|goal| goal.met_at == Some(at(5)) && goal.breached_at.is_none()));
    }

    #[test]
    fn the_first_policy_that_fits_holds() {
        let queue = QueueId::new();
        let urgent = Policy {
            id: Uuid::from_u128(2),
            applies: PolicyApplies { min_priority: Some(4), queue_ids: Some(vec![queue]), ..PolicyApplies::default() },
            ..policy()
        };
        let policies = [urgent, policy()];
        let mut facts = facts();
        assert_eq!(choose(&policies, &facts).unwrap().id, Uuid::from_u128(1));
        facts.priority = 4;
        assert_eq!(choose(&policies, &facts).unwrap().id, Uuid::from_u128(1));
        facts.queue = Some(queue);
        assert_eq!(choose(&policies, &facts).unwrap().id, Uuid::from_u128(2));
        facts.channel = Channel::Call;
        assert_eq!(choose(&policies, &facts), None, "calls have service levels of their own");
        (facts.channel, facts.spam) = (Channel::Sms, true);
        assert_eq!(choose(&policies, &facts), None);
    }

    #[test]
    fn another_policy_counts_from_the_same_moment() {
        let (quick, mut facts) = (policy(), facts());
        let goals = review(&facts, Some(&quick), &[], at(0));
        facts.priority = 4;
        let quicker = Policy { id: Uuid::from_u128(2), first_reply_minutes: Some(3), ..policy() };
        let goals = review(&facts, Some(&quicker), &goals, at(1));
        assert_eq!(find(&goals, GoalKind::FirstReply).unwrap().due_at, Some(at(3)));
        assert_eq!(review(&facts, None, &goals, at(2)), [], "no policy, no promise");
    }

    fn any_state() -> impl Strategy<Value = State> {
        prop_oneof![Just(State::Open), Just(State::Pending), Just(State::Snoozed)]
    }

    proptest! {
        /// However often it is paused, a goal gets exactly the time that it was promised.
        #[test]
        fn pauses_neither_give_nor_take_time(states in prop::collection::vec((any_state(), 1i64..30), 0..20)) {
            let (policy, mut facts) = (policy(), facts());
            let mut goals = review(&facts, Some(&policy), &[], at(0));
            let (mut now, mut counted) = (0, 0);
            for (state, minutes) in states {
                facts.state = state;
                goals = review(&facts, Some(&policy), &goals, at(now));
                // Looking twice changes nothing.
                prop_assert_eq!(&review(&facts, Some(&policy), &goals, at(now)), &goals);
                now += minutes;
                if state == State::Open {
                    counted += minutes;
                }
            }
            facts.state = State::Open;
            goals = review(&facts, Some(&policy), &goals, at(now));
            let goal = find(&goals, GoalKind::Resolution).unwrap();
            if goal.breached_at.is_none() && counted <= 120 {
                prop_assert_eq!(goal.due_at, Some(at(now + 120 - counted)));
            }
        }
    }
}
