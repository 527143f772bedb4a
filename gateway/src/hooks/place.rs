//! What stands behind the number that was called.

use chrono::{DateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use trunkline_calls::directory::{Directory, DirectoryQueue, Number, Target, e164};
use trunkline_calls::hours::Hours;
use trunkline_calls::schedule::Schedule;
use trunkline_db::TenantId;

use super::ask::Ask;
use super::tokens::Holder;

/// Where a call stands: whose it is, and for which queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'d> {
    pub(super) tenant: TenantId,
    pub(super) queue: Option<&'d DirectoryQueue>,
    /// The number that was called, as E.164, and what it leads to.
    pub(super) number: Option<(&'d str, &'d Number)>,
}

/// Whose call it is, and what the number stands for.
///
/// A number belongs to one tenant of the whole platform, and Asterisk knows which one was called; so the number says whose call it is, and FastAGI
/// (which has no sign-in) needs no secret in a dialplan that all tenants' calls go through. A token, where there is one, says it instead: then a number
/// of another tenant's stands for nothing.
pub(super) fn of<'d>(directory: &'d Directory, ask: &Ask, holder: Option<&Holder>) -> Option<Place<'d>> {
    let number = ask.called.as_deref().and_then(|called| {
        directory.numbers.get_key_value(&e164(called)).map(|(called, number)| (called.as_str(), number))
    });
    let tenant = match holder {
        Some(holder) => Some(holder.tenant).filter(|tenant| directory.tenants.contains_key(tenant)),
        None => number.map(|(_, number)| number.tenant),
    }?;
    // A queue that is named by its extension stands for itself, whatever was called.
    let number = number.filter(|(_, number)| number.tenant == tenant && ask.queue.is_none());
    let queue = if let Some((_, number)) = number {
        queue_behind(directory, number.target)
    } else {
        let extension = ask.queue.as_deref().or(ask.called.as_deref());
        extension.and_then(|extension| directory.queue_of_extension(tenant, extension))
    };
    Some(Place { tenant, queue, number })
}

/// The queue that a number leads to, if it leads to one.
pub(super) fn queue_behind(directory: &Directory, target: Target) -> Option<&DirectoryQueue> {
    match target {
        Target::Queue(queue) => directory.queues.get(&queue),
        Target::Flow(_) | Target::Agent(_) | Target::HangUp => None,
    }
}

/// A number of the tenant's that leads to a queue: the one that was called, or the first of those that do.
pub(super) fn number_of<'d>(directory: &'d Directory, ask: &Ask, queue: &DirectoryQueue) -> Option<&'d str> {
    let leads_here = |(_, number): &(&String, &Number)| number.target == Target::Queue(queue.id);
    let mut numbers: Vec<&str> =
        directory.numbers.iter().filter(leads_here).map(|(number, _)| number.as_str()).collect();
    numbers.sort_unstable();
    let called = ask.called.as_deref().map(e164);
    numbers.iter().find(|number| Some(**number) == called.as_deref()).or(numbers.first()).copied()
}

/// Whether somebody is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenNow {
    pub(super) open: bool,
    /// `always_open`, `in_hours`, `out_of_hours`, `special_day`, `override`.
    pub(super) why: &'static str,
    /// When that changes next, if it does within the coming week.
    pub(super) changes: Option<DateTime<Utc>>,
    /// The zone in which people there tell the time.
    zone: Tz,
}

impl OpenNow {
    fn by_hours(hours: &Hours, now: DateTime<Utc>) -> Self {
        let open = hours.is_open(now);
        let why = if open { "in_hours" } else { "out_of_hours" };
        Self { open, why, changes: hours.next_change(now), zone: zone_of(hours) }
    }

    fn by_schedule(schedule: &Schedule, now: DateTime<Utc>) -> Self {
        let decided = schedule.openness(now);
        let why = match decided.why {
            "special" => "special_day",
            "override" => "override",
            _ if decided.open => "in_hours",
            _ => "out_of_hours",
        };
        let changes = schedule.next_change(now);
        Self { open: decided.open, why, changes, zone: zone_of(&schedule.hours) }
    }

    /// A moment as people there write it.
    pub(super) fn local(&self, at: DateTime<Utc>) -> String {
        self.zone.from_utc_datetime(&at.naive_utc()).format("%Y-%m-%d %H:%M").to_string()
    }
}

fn zone_of(hours: &Hours) -> Tz {
    hours.time_zone.parse().unwrap_or(Tz::UTC)
}

/// Whether a place is open: by the number's opening hours first, then by those of the queue that it leads to. `None`: there is nothing that could be.
pub(super) fn open_now(directory: &Directory, place: &Place<'_>, now: DateTime<Utc>) -> Option<OpenNow> {
    let schedule = place.number.and_then(|(_, number)| directory.schedule(number.tenant, number.schedule?));
    let by_number = schedule.map(|schedule| OpenNow::by_schedule(schedule, now));
    let by_queue =
        place.queue.and_then(|queue| queue.routing.hours.as_ref()).map(|hours| OpenNow::by_hours(hours, now));
    match (by_number, by_queue) {
        // Both have to be open; it lasts until the first of them closes.
        (Some(number), Some(queue)) if number.open && queue.open => {
            let changes = [number.changes, queue.changes].into_iter().flatten().min();
            Some(OpenNow { changes, ..number })
        }
        (Some(number), Some(queue)) => Some(if number.open { queue } else { number }),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => {
            let known = place.number.is_some() || place.queue.is_some();
            known.then_some(OpenNow { open: true, why: "always_open", changes: None, zone: Tz::UTC })
        }
    }
}
