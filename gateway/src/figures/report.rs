//! A report: what is asked for, checked, and put together.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use trunkline_figures::{Bucket, Cells, Figures, Interval, Quarter, buckets, day_end, day_start};
use uuid::Uuid;

use super::model::{By, Report, ReportRow, Who};
use super::report_store::{self, Scope};
use super::{memory_store, store};
use crate::auth::Principal;
use crate::http::{AppError, FieldError};
use crate::state::AppState;

/// Most rows of a report.
pub(super) const MOST_ROWS: usize = 10_000;
/// The longest time that a report looks at: ten years.
const LONGEST: TimeDelta = TimeDelta::days(3_660);

/// The years that a report may be of.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9998;

/// What is asked for.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReportQuery {
    /// The first day (`2026-11-01`, in the tenant's time zone), or a moment (RFC 3339) at which a quarter hour begins.
    pub from: String,
    /// The last day, which is included, or a moment at which a quarter hour begins, which is not.
    pub to: String,
    /// `quarter` (of an hour), `hour`, `day`, `week`, `month` or `total`.
    #[param(inline, value_type = Option<Interval>, default = "day")]
    pub interval: Option<String>,
    /// `none`, `queue` or `agent`.
    #[param(inline, value_type = Option<By>, default = "none")]
    pub by: Option<String>,
    /// Only what belongs to this queue.
    pub queue_id: Option<Uuid>,
    /// Only what belongs to this agent.
    pub agent_id: Option<Uuid>,
    /// `json`, `csv` or `xlsx`; else as `Accept` says.
    #[param(default = "json")]
    pub format: Option<String>,
}

/// What is asked for, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    from: Quarter,
    to: Quarter,
    pub(super) interval: Interval,
    pub(super) by: By,
    queue: Option<Uuid>,
    agent: Option<Uuid>,
    zone: Tz,
}

fn word<T: serde::de::DeserializeOwned + Default>(text: Option<&str>) -> Option<T> {
    match text {
        None | Some("") => Some(T::default()),
        Some(text) => serde_json::from_value(text.into()).ok(),
    }
}

/// One end of the range: the day's beginning or end, or the moment itself.
fn end(text: &str, zone: Tz, of_day: impl Fn(NaiveDate, Tz) -> Option<DateTime<Utc>>) -> Result<Quarter, &'static str> {
    let at = match text.parse::<NaiveDate>() {
        Ok(day) => of_day(day, zone),
        // `+` of an offset comes as a blank when somebody did not escape it.
        Err(_) => DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok().map(|at| at.to_utc()),
    };
    let at = at.ok_or("must be a day such as 2026-11-01, or a moment such as 2026-11-01T08:00:00Z")?;
    let quarter = Quarter::beginning(at).ok_or("must be a moment at which a quarter hour begins")?;
    // What calendars and spreadsheets both can tell.
    if YEARS.contains(&at.year()) { Ok(quarter) } else { Err("must be from 1970 to 9998") }
}

impl ReportQuery {
    pub(super) fn parse(&self, zone: Tz) -> Result<Wanted, AppError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: String| {
            errors.push(FieldError { field: field.to_owned(), message });
        };
        let from = end(&self.from, zone, day_start).map_err(|message| wrong("from", message.to_owned())).ok();
        let to = end(&self.to, zone, day_end).map_err(|message| wrong("to", message.to_owned())).ok();
        let interval = word::<Interval>(self.interval.as_deref());
        let by = word::<By>(self.by.as_deref());
        if interval.is_none() {
            wrong("interval", "must be one of quarter, hour, day, week, month, total".to_owned());
        }
        if by.is_none() {
            wrong("by", "must be one of none, queue, agent".to_owned());
        }
        if let (Some(from), Some(to)) = (from, to) {
            if to <= from {
                wrong("to", "must be after from".to_owned());
            } else if (to.0 - from.0).saturating_mul(900) > LONGEST.num_seconds() {
                wrong("to", "must be at most ten years after from".to_owned());
            }
        }
        match (from, to, interval, by) {
            (Some(from), Some(to), Some(interval), Some(by)) if errors.is_empty() => {
                Ok(Wanted { from, to, interval, by, queue: self.queue_id, agent: self.agent_id, zone })
            }
            _ => Err(AppError::bad_request("the parameters do not fit").with_errors(errors)),
        }
    }
}

/// The tenant's time zone.
pub(super) async fn zone_of(state: &AppState, principal: &Principal) -> Result<Tz, AppError> {
    let mut tx = state.db.system().await?;
    let name = report_store::time_zone(&mut tx, principal.tenant).await?;
    tx.commit().await?;
    Ok(name.and_then(|name| name.parse().ok()).unwrap_or(Tz::UTC))
}

fn too_many() -> AppError {
    AppError::bad_parameter(
        "interval",
        format!("makes more than {MOST_ROWS} rows: ask for a longer interval or a shorter time"),
    )
}

/// Reads a report.
pub(super) async fn read(
    state: &AppState,
    principal: &Principal,
    wanted: &Wanted,
    now: DateTime<Utc>,
) -> Result<Report, AppError> {
    let cut = buckets(wanted.from, wanted.to, wanted.interval, wanted.zone);
    if cut.len() > MOST_ROWS {
        return Err(too_many());
    }
    let mut tx = state.db.tenant_snapshot(principal.tenant).await?;
    let as_of_seq = store::read(&mut tx).await?;
    let scope = Scope::of(&mut tx, &state.roster.sight(principal), wanted.queue, wanted.agent).await?;
    let most = MOST_ROWS as i64 + 1;
    let sums = report_store::sums(&mut tx, &cut, wanted.by, &scope, most).await?;
    // A row may have several reasons.
    let pauses = report_store::pauses(&mut tx, &cut, wanted.by, &scope, most * 8).await?;
    let agents = if wanted.queue.is_none() { memory_store::agents(&mut tx, wanted.agent).await? } else { Vec::new() };
    let mut rows: BTreeMap<(usize, Option<Uuid>), Figures> = BTreeMap::new();
    if wanted.by == By::None {
        // A quiet hour is a row too: a chart shows it.
        rows.extend((0..cut.len()).map(|bucket| ((bucket, None), Figures::default())));
    }
    for (place, figures) in sums.into_iter().chain(pauses) {
        rows.entry(place).or_default().add(&figures);
    }
    let mut running = Cells::default();
    for (agent, memory) in agents.iter().filter(|(agent, _)| scope.has_agent(*agent)) {
        memory.until(*agent, now.timestamp_millis(), &mut running);
    }
    for (key, figures) in running.iter() {
        if let Some(bucket) = bucket_of(&cut, key.quarter) {
            let who = if wanted.by == By::Agent { key.agent } else { None };
            rows.entry((bucket, who)).or_default().add(figures);
        }
    }
    if rows.len() > MOST_ROWS {
        return Err(too_many());
    }
    let mut ids: Vec<Uuid> = rows.keys().filter_map(|(_, who)| *who).collect();
    ids.sort_unstable();
    ids.dedup();
    let names = report_store::names(&mut tx, wanted.by, &ids).await?;
    tx.commit().await?;

    let mut items: Vec<(usize, ReportRow)> = rows
        .into_iter()
        .filter_map(|((bucket, who), figures)| {
            let Bucket { from, to } = *cut.get(bucket)?;
            let who = who.map(|id| Who { id, name: names.get(&id).cloned() });
            let (queue, agent) = if wanted.by == By::Queue { (who, None) } else { (None, who) };
            let derived = figures.derived();
            Some((bucket, ReportRow { from: from.start()?, to: to.start()?, queue, agent, figures, derived }))
        })
        .collect();
    // What belongs to nobody is last.
    let name = |row: &ReportRow| {
        let who = row.queue.as_ref().or(row.agent.as_ref());
        (who.is_none(), who.map(|who| (who.name.clone(), who.id)))
    };
    items.sort_by_cached_key(|(bucket, row)| (*bucket, name(row)));
    Ok(Report {
        items: items.into_iter().map(|(_, row)| row).collect(),
        as_of_seq,
        as_of: now,
        time_zone: wanted.zone.name().to_owned(),
        interval: wanted.interval,
        by: wanted.by,
        from: wanted.from.start().unwrap_or(now),
        to: wanted.to.start().unwrap_or(now),
    })
}

fn bucket_of(cut: &[Bucket], quarter: Quarter) -> Option<usize> {
    let after = cut.partition_point(|bucket| bucket.from <= quarter);
    let bucket = after.checked_sub(1)?;
    (quarter < cut[bucket].to).then_some(bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(from: &str, to: &str) -> ReportQuery {
        let (from, to) = (from.to_owned(), to.to_owned());
        ReportQuery { from, to, interval: None, by: None, queue_id: None, agent_id: None, format: None }
    }

    #[test]
    fn days_are_the_tenants_and_both_are_included() {
        let zone: Tz = "Europe/Rome".parse().unwrap();
        let wanted = query("2026-10-25", "2026-10-25").parse(zone).unwrap();
        assert_eq!(wanted.to.0 - wanted.from.0, 100, "a day of 25 hours");
        let moments = query("2026-10-24T22:00:00Z", "2026-10-26T00:00:00+01:00").parse(zone).unwrap();
        assert_eq!(moments, wanted);
        assert_eq!(query("2026-10-24T22:00:00Z", "2026-10-26T00:00:00 01:00").parse(zone).unwrap(), wanted);
    }

    #[test]
    fn each_parameter_that_does_not_fit_is_named() {
        let asked = ReportQuery {
            interval: Some("minute".to_owned()),
            by: Some("team".to_owned()),
            ..query("2026-13-01", "2026-11-01T08:07:00Z")
        };
        let problem = asked.parse(Tz::UTC).unwrap_err().problem();
        let fields: Vec<&str> = problem.errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["from", "to", "interval", "by"]);
        for (from, to) in [("2026-11-02", "2026-11-01"), ("2016-01-01", "2026-11-01")] {
            let problem = query(from, to).parse(Tz::UTC).unwrap_err().problem();
            assert_eq!(problem.errors[0].field, "to", "{from} {to}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_range_is_borne(from in ".{0,24}|[0-9]{4}-[0-9]{2}-[0-9]{2}", to in ".{0,24}|[0-9+-]{1,7}-12-31T00:00:00Z") {
            let _ = query(&from, &to).parse(Tz::UTC);
        }
    }
}
