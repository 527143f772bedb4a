//! Changing what a tenant allows, and asking what would become of a call.

use std::collections::BTreeMap;

use chrono::Utc;
use serde_json::json;
use trunkline_db::{DbError, QueueId, TenantTx};
use trunkline_dialing::{Attempt, Country, Decision, Mark, Policy, Rules, normalise};
use trunkline_journal::{Fault, Kind, NewEvent, Ref};

use super::import::{self, MAX_LINES, MAX_REASON, Said};
use super::model::{AddDnc, CallerMark, CheckNumber, Checked, DialingRules, DncEntry, ImportDnc, Imported, SetMark};
use super::store;
use crate::audit;
use crate::auth::Principal;
use crate::http::{AppError, IfMatch};
use crate::roles::Asking;

const RULES_UPDATED: Kind = Kind::from_static("dialing.updated");
const DNC_ADDED: Kind = Kind::from_static("dnc.added");
const DNC_REMOVED: Kind = Kind::from_static("dnc.removed");
const DNC_IMPORTED: Kind = Kind::from_static("dnc.imported");
const MARKED: Kind = Kind::from_static("caller.marked");
const UNMARKED: Kind = Kind::from_static("caller.unmarked");

/// Most numbers of a do-not-call list: call control has them in memory.
const MAX_DNC: i64 = 500_000;
/// Most callers with a mark.
const MAX_MARKS: i64 = 50_000;

/// The tenant as a whole: numbers have no id of their own.
fn subject(tx: &TenantTx<'_>, kind: &'static str) -> Ref {
    Ref::new(kind, tx.tenant().uuid())
}

fn told(kind: Kind, subject: Ref, asking: &Asking, data: serde_json::Value) -> NewEvent {
    NewEvent::new(kind, subject, data).actor(Ref::new("user", asking.by.user))
}

/// The rules that count.
pub(super) async fn rules(tx: &mut TenantTx<'_>) -> Result<DialingRules, DbError> {
    let set = store::rules(tx).await?;
    let numbers = store::own_numbers(tx).await?;
    let (is_set, updated_at) = (set.is_some(), set.as_ref().map(|(_, at)| *at));
    let rules = Policy::rules(set.map(|(rules, _)| rules), &numbers);
    Ok(DialingRules { rules, is_set, numbers, updated_at })
}

/// The country by which national numbers are read; none: nobody has said.
pub(crate) async fn home(tx: &mut TenantTx<'_>) -> Result<Option<Country>, DbError> {
    Ok(rules(tx).await?.rules.map(|rules| rules.country))
}

/// Sets the rules.
pub(super) async fn set_rules(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    seen: &IfMatch,
    wanted: &Rules,
) -> Result<(DialingRules, Option<NewEvent>), Fault<AppError>> {
    wanted.check().map_err(|invalid| AppError::invalid_field(invalid.field, invalid.message))?;
    let before = store::lock_rules(tx).await?;
    if let Some((_, updated_at)) = &before {
        seen.check(*updated_at)?;
    }
    let numbers = store::own_numbers(tx).await?;
    if wanted.caller_id.as_ref().is_some_and(|number| !numbers.contains(number)) {
        return Err(AppError::invalid_field("caller_id", "must be one of the company's own numbers").into());
    }
    if let Some(index) = wanted.queue_caller_ids.iter().position(|of_queue| !numbers.contains(&of_queue.number)) {
        let field = format!("queue_caller_ids.{index}.number");
        return Err(AppError::invalid_field(field, "must be one of the company's own numbers").into());
    }
    let queues: Vec<_> = wanted.queue_caller_ids.iter().map(|of_queue| of_queue.queue_id).collect();
    if let Some(unknown) = store::unknown_queues(tx, &queues).await?.first() {
        return Err(AppError::invalid_field("queue_caller_ids", format!("{unknown} is no queue of the company")).into());
    }
    if before.as_ref().is_some_and(|(rules, _)| rules == wanted) {
        return Ok((rules(tx).await?, None));
    }
    store::set_rules(tx, wanted, asking.by.user).await?;
    let subject = subject(tx, "dialing");
    let before = before.map(|(rules, _)| json!(rules));
    audit::append(tx, asking.entry("dialing.updated", subject.clone(), before, Some(json!(wanted)))).await?;
    let event = told(RULES_UPDATED, subject, asking, json!({ "country": wanted.country }));
    Ok((rules(tx).await?, Some(event)))
}

/// What would become of a call.
pub(super) async fn check(tx: &mut TenantTx<'_>, by: &Principal, wanted: &CheckNumber) -> Result<Checked, DbError> {
    let mut policy = Policy { rules: rules(tx).await?.rules, ..Policy::default() };
    if let Some(number) = policy.rules.as_ref().and_then(|rules| normalise(&wanted.to, rules.country).ok()) {
        let (entry, mark) = store::of_number(tx, &number.text).await?;
        policy.do_not_call.extend(entry.map(|until| (number.text.clone(), until)));
        policy.marks.extend(mark.map(|mark| (number.text, mark)));
    }
    let load = store::load(tx, by.user.into()).await?;
    let attempt = Attempt { to: &wanted.to, queue: wanted.queue_id.map(QueueId::uuid), now: Utc::now() };
    Ok(match policy.decide(&attempt, &load) {
        Decision::Allowed { number, caller_id } => Checked {
            allowed: true,
            number: Some(number.text),
            country: number.country,
            kind: Some(number.kind),
            caller_id,
            rule: None,
            words: None,
        },
        Decision::Denied { number, rule, words } => Checked {
            allowed: false,
            country: number.as_ref().and_then(|number| number.country),
            kind: number.as_ref().map(|number| number.kind),
            number: number.map(|number| number.text),
            caller_id: None,
            rule: Some(rule),
            words: Some(words),
        },
    })
}

fn check_reason(reason: &str) -> Result<(), AppError> {
    if reason.chars().count() > MAX_REASON {
        return Err(AppError::invalid_field("reason", format!("must have at most {MAX_REASON} characters")));
    }
    Ok(())
}

async fn room(tx: &mut TenantTx<'_>, more: usize) -> Result<(), Fault<AppError>> {
    if store::count_dnc(tx).await? + i64::try_from(more).unwrap_or(i64::MAX) > MAX_DNC {
        return Err(
            AppError::conflict("too-many-numbers", format!("at most {MAX_DNC} numbers can be on the list")).into()
        );
    }
    Ok(())
}

/// Puts a number on the do-not-call list.
pub(super) async fn add_dnc(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &AddDnc,
) -> Result<(DncEntry, NewEvent), Fault<AppError>> {
    check_reason(&wanted.reason)?;
    let home = home(tx).await?;
    let number = import::number(&wanted.number, home).map_err(|message| AppError::invalid_field("number", message))?;
    room(tx, 1).await?;
    let before = store::lock_dnc(tx, &number).await?;
    let said = Said { reason: wanted.reason.trim().to_owned(), until: wanted.until };
    store::put_dnc(tx, [(&number, &said)], asking.by.user).await?;
    let entry = store::lock_dnc(tx, &number).await?.ok_or_else(|| AppError::not_found("number"))?;
    let state = |entry: &DncEntry| json!({ "number": entry.number, "reason": entry.reason, "until": entry.until });
    let subject = subject(tx, "dnc");
    let entry_of_audit = asking.entry("dnc.added", subject.clone(), before.as_ref().map(state), Some(state(&entry)));
    audit::append(tx, entry_of_audit).await?;
    let event = told(DNC_ADDED, subject, asking, json!({ "number": number }));
    Ok((entry, event))
}

/// Puts many numbers on the list.
pub(super) async fn import_dnc(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &ImportDnc,
) -> Result<(Imported, Option<NewEvent>), Fault<AppError>> {
    if wanted.text.lines().count() > MAX_LINES {
        return Err(AppError::invalid_field("text", format!("must have at most {MAX_LINES} lines")).into());
    }
    let home = home(tx).await?;
    let (taken, refused): (BTreeMap<String, Said>, _) = import::lines(&wanted.text, home);
    room(tx, taken.len()).await?;
    let added = store::put_dnc(tx, &taken, asking.by.user).await?;
    let whole = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let imported = Imported { added: whole(added), updated: whole(taken.len() - added), refused };
    if taken.is_empty() {
        return Ok((imported, None));
    }
    let subject = subject(tx, "dnc");
    let counts = json!({ "added": imported.added, "updated": imported.updated });
    audit::append(tx, asking.entry("dnc.imported", subject.clone(), None, Some(counts.clone()))).await?;
    Ok((imported, Some(told(DNC_IMPORTED, subject, asking, counts))))
}

/// Takes a number from the list.
pub(super) async fn remove_dnc(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    number: &str,
) -> Result<NewEvent, Fault<AppError>> {
    let entry = store::lock_dnc(tx, number).await?.ok_or_else(|| AppError::not_found("number on the list"))?;
    store::remove_dnc(tx, number).await?;
    let subject = subject(tx, "dnc");
    let before = json!({ "number": entry.number, "reason": entry.reason, "until": entry.until });
    audit::append(tx, asking.entry("dnc.removed", subject.clone(), Some(before), None)).await?;
    Ok(told(DNC_REMOVED, subject, asking, json!({ "number": number })))
}

fn state_of(mark: &CallerMark) -> serde_json::Value {
    json!({ "number": mark.number, "mark": mark.mark, "reason": mark.reason })
}

/// Marks a caller.
pub(super) async fn set_mark(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    number: &str,
    wanted: &SetMark,
) -> Result<(CallerMark, NewEvent), Fault<AppError>> {
    check_reason(&wanted.reason)?;
    let home = home(tx).await?;
    let number = import::number(number, home).map_err(|message| AppError::invalid_field("number", message))?;
    if store::count_marks(tx).await? >= MAX_MARKS {
        return Err(AppError::conflict("too-many-marks", format!("at most {MAX_MARKS} callers can be marked")).into());
    }
    let before = store::list_marks(tx, Some(&number), None, 1).await?.pop();
    store::put_mark(tx, &number, wanted.mark, wanted.reason.trim(), asking.by.user).await?;
    let after = store::list_marks(tx, Some(&number), None, 1).await?.pop();
    let after = after.ok_or_else(|| AppError::not_found("marked caller"))?;
    let subject = subject(tx, "caller");
    let entry = asking.entry("caller.marked", subject.clone(), before.as_ref().map(state_of), Some(state_of(&after)));
    audit::append(tx, entry).await?;
    let event = told(MARKED, subject, asking, json!({ "number": number, "mark": after.mark }));
    Ok((after, event))
}

/// Takes a caller's mark away.
pub(super) async fn remove_mark(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    number: &str,
) -> Result<NewEvent, Fault<AppError>> {
    let before = store::list_marks(tx, Some(number), None, 1).await?.pop();
    let before = before.ok_or_else(|| AppError::not_found("marked caller"))?;
    store::remove_mark(tx, number).await?;
    let subject = subject(tx, "caller");
    audit::append(tx, asking.entry("caller.unmarked", subject.clone(), Some(state_of(&before)), None)).await?;
    Ok(told(UNMARKED, subject, asking, json!({ "number": number })))
}

/// Has the calls of a person's numbers turned away as well, or let in again. Numbers that are no international ones are passed over, and so
/// are the marks that say something else (VIPs).
pub(crate) async fn block_callers(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    numbers: &[String],
    blocked: bool,
) -> Result<Vec<NewEvent>, Fault<AppError>> {
    let mut events = Vec::new();
    for number in numbers.iter().filter(|number| number.starts_with('+')) {
        let mark = store::list_marks(tx, Some(number), None, 1).await?.pop();
        match mark {
            None if blocked => {
                let wanted = SetMark { mark: Mark::Blocked, reason: "The contact is blocked".to_owned() };
                events.push(set_mark(tx, asking, number, &wanted).await?.1);
            }
            Some(mark) if !blocked && mark.mark == Mark::Blocked => {
                events.push(remove_mark(tx, asking, number).await?);
            }
            _ => {}
        }
    }
    Ok(events)
}
