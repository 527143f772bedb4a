//! What comes again and again: at each tick of a schedule a job is enqueued, by one node.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError};

use crate::model::NewJob;
use crate::{enqueue_system, store};

/// The longest that the database is not asked what is due: another node may have changed a rule.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
/// The shortest, also the pause after an error.
const SHORTEST_SLEEP: Duration = Duration::from_millis(200);

/// A job that comes again and again, known by its name to all nodes.
///
/// When a tick comes while the job of an earlier one is not finished, it is left out; ticks that were missed are not made up for.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub(crate) name: &'static str,
    rule: Rule,
    kind: &'static str,
    payload: Value,
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    Every(Duration),
    Daily(NaiveTime, Tz),
}

impl Schedule {
    /// A job of this kind every so often, at least a second.
    pub fn every(name: &'static str, period: Duration, kind: &'static str) -> Self {
        Self { name, rule: Rule::Every(period.max(Duration::from_secs(1))), kind, payload: Value::Null }
    }

    /// A job of this kind each day at this time of a zone. On a day on which the clock skips that time, when it has skipped it.
    pub fn daily(name: &'static str, at: NaiveTime, zone: Tz, kind: &'static str) -> Self {
        Self { name, rule: Rule::Daily(at, zone), kind, payload: Value::Null }
    }

    /// What the job's handler is given.
    #[must_use]
    pub fn payload(mut self, payload: Value) -> Self {
        self.payload = payload;
        self
    }

    /// The rule as stored, to tell another one.
    pub(crate) fn rule(&self) -> String {
        match self.rule {
            Rule::Every(period) => format!("every {} ms", period.as_millis()),
            Rule::Daily(at, zone) => format!("daily {at} {zone}"),
        }
    }

    /// The first tick after `now`, when the newest one was `last`.
    pub(crate) fn next(&self, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
        match self.rule {
            Rule::Every(period) => next_of(period, last, now),
            Rule::Daily(at, zone) => next_at(at, zone, now),
        }
    }

    /// Of its jobs at most one runs.
    fn key(&self) -> String {
        format!("schedule/{}", self.name)
    }
}

/// In step with the ticks before, so that a late one does not shift all that follow.
fn next_of(period: Duration, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    let period = TimeDelta::from_std(period).unwrap_or(TimeDelta::days(365));
    let Some(last) = last else { return now + period };
    if last > now {
        return now + period;
    }
    let passed = (now - last).num_milliseconds() / period.num_milliseconds().max(1);
    let next = i32::try_from(passed + 1).ok().and_then(|count| period.checked_mul(count)).map(|later| last + later);
    next.filter(|next| *next > now).unwrap_or(now + period)
}

fn next_at(at: NaiveTime, zone: Tz, now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    (0..3)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .filter_map(|day| {
            // A time that the clock skips comes when it has skipped it: an hour later, or two.
            (0..4).find_map(|quarter_steps| {
                let local = day.and_time(at) + TimeDelta::minutes(30) * quarter_steps;
                zone.from_local_datetime(&local).earliest()
            })
        })
        .map(|time| time.with_timezone(&Utc))
        .find(|time| *time > now)
        .unwrap_or(now + TimeDelta::days(1))
}

/// Makes the jobs of what is due, until `cancel` fires.
pub(crate) async fn keep(db: Db, schedules: Vec<Schedule>, cancel: CancellationToken) {
    if schedules.is_empty() {
        return;
    }
    let mut registered = false;
    loop {
        let turn = async {
            if !registered {
                register(&db, &schedules).await?;
                registered = true;
            }
            tick(&db, &schedules).await
        };
        let sleep = match cancel.run_until_cancelled(turn).await {
            None => return,
            Some(Ok(sleep)) => sleep.clamp(SHORTEST_SLEEP, LONGEST_SLEEP),
            Some(Err(error)) => {
                tracing::debug!(%error, "schedules cannot be looked at; trying again");
                Duration::from_secs(1)
            }
        };
        if cancel.run_until_cancelled(tokio::time::sleep(sleep)).await.is_none() {
            return;
        }
    }
}

async fn register(db: &Db, schedules: &[Schedule]) -> Result<(), DbError> {
    let mut tx = db.system().await?;
    let now = store::now(&mut tx).await?;
    for schedule in schedules {
        store::register_schedule(&mut tx, schedule.name, &schedule.rule(), schedule.next(None, now)).await?;
    }
    tx.commit().await
}

/// Enqueues the jobs of what is due, and says how long nothing else will be.
pub(crate) async fn tick(db: &Db, schedules: &[Schedule]) -> Result<Duration, DbError> {
    let names: Vec<&str> = schedules.iter().map(|schedule| schedule.name).collect();
    let mut tx = db.system().await?;
    let now = store::now(&mut tx).await?;
    for due in store::due_schedules(&mut tx, &names, now).await? {
        let Some(schedule) = schedules.iter().find(|schedule| schedule.name == due.name) else { continue };
        // Another node runs another version, with another rule: its tick.
        if due.rule == schedule.rule() {
            if store::is_unfinished(&mut tx, &schedule.key()).await? {
                tracing::debug!(schedule = schedule.name, "left out: the job of the tick before is not finished");
            } else {
                let job = NewJob::new(schedule.kind, schedule.payload.clone()).key(schedule.key()).max_attempts(5);
                enqueue_system(&mut tx, job).await?;
            }
            store::move_schedule(&mut tx, schedule.name, schedule.next(Some(due.next_at), now)).await?;
        }
    }
    let next = store::next_schedule(&mut tx, &names).await?;
    tx.commit().await?;
    Ok(next.and_then(|next| (next - now).to_std().ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn ticks_keep_in_step_and_missed_ones_are_not_made_up_for() {
        let every = Schedule::every("sweep", Duration::from_mins(10), "sweep");
        let last = at("2026-11-20T12:00:00Z");
        assert_eq!(every.next(Some(last), at("2026-11-20T12:00:03Z")), at("2026-11-20T12:10:00Z"));
        assert_eq!(every.next(Some(last), at("2026-11-20T18:04:00Z")), at("2026-11-20T18:10:00Z"));
    }

    #[test]
    fn a_daily_tick_follows_the_clock_on_the_wall() {
        let daily =
            Schedule::daily("report", NaiveTime::from_hms_opt(2, 30, 0).unwrap(), chrono_tz::Europe::Rome, "report");
        assert_eq!(daily.next(None, at("2026-01-10T12:00:00Z")), at("2026-01-11T01:30:00Z"));
        assert_eq!(daily.next(None, at("2026-07-10T12:00:00Z")), at("2026-07-11T00:30:00Z"));
        // 02:30 does not exist on 29 March 2026: 03:00 of summer time is the first that does.
        assert_eq!(daily.next(None, at("2026-03-28T12:00:00Z")), at("2026-03-29T01:00:00Z"));
        // 02:30 comes twice on 25 October 2026: the first is taken, and not the second.
        assert_eq!(daily.next(None, at("2026-10-24T12:00:00Z")), at("2026-10-25T00:30:00Z"));
        assert_eq!(daily.next(None, at("2026-10-25T00:30:00Z")), at("2026-10-26T01:30:00Z"));
    }

    proptest! {
        #[test]
        fn the_next_tick_is_ahead_and_not_too_far(now in 1_600_000_000_i64..2_000_000_000, seconds in 0..86_400_u32, period in 1..100_000_u64, ago in 0..10_000_000_i64) {
            let now = DateTime::from_timestamp(now, 0).unwrap();
            let every = Schedule::every("a", Duration::from_secs(period), "a");
            let next = every.next(Some(now - TimeDelta::seconds(ago)), now);
            prop_assert!(next > now && next <= now + TimeDelta::seconds(period as i64));
            let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).unwrap();
            for zone in [chrono_tz::Europe::Rome, chrono_tz::Australia::Lord_Howe, chrono_tz::America::Sao_Paulo, chrono_tz::UTC] {
                let next = Schedule::daily("b", time, zone, "b").next(None, now);
                prop_assert!(next > now && next <= now + TimeDelta::hours(26), "{zone}: {now} then {next}");
            }
        }
    }
}
