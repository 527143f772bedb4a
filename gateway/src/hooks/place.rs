//! What stands behind the number that was called.

use chrono::{DateTime, TimeZone as _, Utc};
use trunkline_calls::directory::{Directory, DirectoryQueue, Number, Target, e164};
use trunkline_db::TenantId;

use super::ask::Ask;
use super::tokens::Holder;

/// Where a call stands: whose it is, and for which queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'d> {
    pub(super) tenant: TenantId,
    pub(super) queue: Option<&'d DirectoryQueue>,
}

/// Whose call it is, and what the number stands for.
///
/// A number belongs to one tenant of the whole platform, and Asterisk knows which one was called; so the number says whose call it is, and FastAGI
/// (which has no sign-in) needs no secret in a dialplan that all tenants' calls go through. A token, where there is one, says it instead: then a number
/// of another tenant's stands for nothing.
pub(super) fn of<'d>(directory: &'d Directory, ask: &Ask, holder: Option<&Holder>) -> Option<Place<'d>> {
    let by_number = ask.called.as_deref().and_then(|called| behind_number(directory, called));
    let tenant = match holder {
        Some(holder) => Some(holder.tenant).filter(|tenant| directory.tenants.contains_key(tenant)),
        None => by_number.map(|place| place.tenant),
    }?;
    let by_extension = || {
        let extension = ask.queue.as_deref().or(ask.called.as_deref())?;
        directory.queue_of_extension(tenant, extension)
    };
    let of_number = by_number.filter(|place| place.tenant == tenant).and_then(|place| place.queue);
    let queue = if ask.queue.is_some() { by_extension() } else { of_number.or_else(by_extension) };
    Some(Place { tenant, queue })
}

/// What a number leads to. Whatever else numbers come to lead to (flows, agents, hours of their own) is told here, and nowhere else in the hooks.
fn behind_number<'d>(directory: &'d Directory, called: &str) -> Option<Place<'d>> {
    let number = directory.numbers.get(&e164(called))?;
    let queue = match number.target {
        Target::Queue(queue) => directory.queues.get(&queue),
        Target::Flow(_) | Target::Agent(_) | Target::HangUp => None,
    };
    Some(Place { tenant: number.tenant, queue })
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenNow {
    pub(super) open: bool,
    /// `always_open`, `in_hours`, `out_of_hours`.
    pub(super) why: &'static str,
    /// When that changes next, if it does within the coming week.
    pub(super) changes: Option<DateTime<Utc>>,
}

/// Whether a queue is open.
pub(super) fn open_now(queue: &DirectoryQueue, now: DateTime<Utc>) -> OpenNow {
    match &queue.routing.hours {
        None => OpenNow { open: true, why: "always_open", changes: None },
        Some(hours) => {
            let open = hours.is_open(now);
            let why = if open { "in_hours" } else { "out_of_hours" };
            OpenNow { open, why, changes: hours.next_change(now) }
        }
    }
}

/// A moment in a queue's own zone, as people there write it.
pub(super) fn local(queue: &DirectoryQueue, at: DateTime<Utc>) -> String {
    let zone = queue.routing.hours.as_ref().and_then(|hours| hours.time_zone.parse().ok()).unwrap_or(chrono_tz::UTC);
    zone.from_utc_datetime(&at.naive_utc()).format("%Y-%m-%d %H:%M").to_string()
}
