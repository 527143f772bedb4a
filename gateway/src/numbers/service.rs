//! Adding, changing and removing numbers.

use chrono::Utc;
use serde_json::json;
use trunkline_db::{DbError, TenantTx};
use trunkline_journal::{Fault, Kind, NewEvent, Ref};

use super::model::{AddNumber, Number, Target, UpdateNumber};
use super::store;
use crate::audit;
use crate::http::{AppError, IfMatch};
use crate::roles::Asking;

const ADDED: Kind = Kind::from_static("number.added");
const CHANGED: Kind = Kind::from_static("number.changed");
const REMOVED: Kind = Kind::from_static("number.removed");

/// Most numbers of a tenant: call control has them in memory.
const MAX_NUMBERS: i64 = 10_000;
/// Longest label, in characters.
const MAX_LABEL_CHARS: usize = 60;

/// The tenant as a whole: numbers have no id of their own.
fn subject(tx: &TenantTx<'_>) -> Ref {
    Ref::new("number", tx.tenant().uuid())
}

fn state_of(number: &Number) -> serde_json::Value {
    json!({
        "number": number.number,
        "label": number.label,
        "site_id": number.site_id,
        "target": number.target,
        "schedule_id": number.schedule_id,
        "closed_target": number.closed_target,
        "recording": number.recording,
    })
}

fn told(kind: Kind, subject: Ref, asking: &Asking, number: &Number) -> NewEvent {
    let data = json!({ "number": number.number, "label": number.label, "target": number.target });
    NewEvent::new(kind, subject, data).actor(Ref::new("user", asking.by.user))
}

/// What the table itself would not have. It does not say whose a number is.
fn refused(error: DbError) -> Fault<AppError> {
    let unknown = |field, what| AppError::invalid_field(field, format!("is no {what} of the company")).into();
    match error.constraint() {
        Some("numbers_number_key" | "numbers_pkey") => {
            AppError::conflict("number-taken", "the number is taken already").into()
        }
        Some("numbers_tenant_id_queue_id_fkey") => unknown("target.queue_id", "queue"),
        Some("numbers_agent_fkey") => unknown("target.agent_id", "agent"),
        Some("numbers_closed_queue_fkey") => unknown("closed_target.queue_id", "queue"),
        Some("numbers_closed_agent_fkey") => unknown("closed_target.agent_id", "agent"),
        Some("numbers_site_fkey") => unknown("site_id", "site"),
        _ => error.into(),
    }
}

/// A number as people write it, as E.164 (ITU-T E.164 §6.2.1).
fn checked_number(written: &str) -> Result<String, AppError> {
    let number: String = written.trim().chars().filter(|it| !matches!(it, ' ' | '-' | '(' | ')' | '.' | '/')).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    let fits = (7..=15).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && !digits.starts_with('0');
    if fits {
        Ok(number)
    } else {
        Err(AppError::invalid_field("number", "must be an international number such as +39 06 1234 5678"))
    }
}

fn checked_label(label: &str) -> Result<String, AppError> {
    let label = label.trim();
    if label.chars().count() > MAX_LABEL_CHARS {
        return Err(AppError::invalid_field("label", format!("must have at most {MAX_LABEL_CHARS} characters")));
    }
    Ok(label.to_owned())
}

async fn locked(tx: &mut TenantTx<'_>, number: &str) -> Result<Number, Fault<AppError>> {
    store::lock(tx, number).await?.ok_or_else(|| AppError::not_found("number").into())
}

/// Adds a number.
pub(super) async fn add(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &AddNumber,
) -> Result<(Number, NewEvent), Fault<AppError>> {
    let number = Number {
        number: checked_number(&wanted.number)?,
        label: checked_label(&wanted.label)?,
        site_id: wanted.site_id,
        target: wanted.target,
        schedule_id: wanted.schedule_id,
        closed_target: wanted.closed_target.unwrap_or(Target::HangUp),
        recording: wanted.recording,
        queue_id: None,
        created_at: Utc::now(),
        updated_at: Utc::now(),
    };
    if store::count(tx).await? >= MAX_NUMBERS {
        let words = format!("at most {MAX_NUMBERS} numbers can be added");
        return Err(AppError::conflict("too-many-numbers", words).into());
    }
    store::insert(tx, &number).await.map_err(refused)?;
    let number = locked(tx, &number.number).await?;
    let subject = subject(tx);
    audit::append(tx, asking.entry("number.added", subject.clone(), None, Some(state_of(&number)))).await?;
    let event = told(ADDED, subject, asking, &number);
    Ok((number, event))
}

/// Changes a number.
pub(super) async fn update(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    number: &str,
    seen: &IfMatch,
    wanted: &UpdateNumber,
) -> Result<(Number, Option<NewEvent>), Fault<AppError>> {
    let before = locked(tx, number).await?;
    seen.check(before.updated_at)?;
    let mut after = before.clone();
    if let Some(label) = &wanted.label {
        after.label = checked_label(label)?;
    }
    after.site_id = wanted.site_id.over(after.site_id);
    after.schedule_id = wanted.schedule_id.over(after.schedule_id);
    after.target = wanted.target.unwrap_or(after.target);
    after.closed_target = wanted.closed_target.unwrap_or(after.closed_target);
    after.recording = wanted.recording.unwrap_or(after.recording);
    if after == before {
        return Ok((after, None));
    }
    store::update(tx, &after).await.map_err(refused)?;
    let after = locked(tx, number).await?;
    let (old, new) = audit::changed(&state_of(&before), &state_of(&after));
    let subject = subject(tx);
    audit::append(tx, asking.entry("number.changed", subject.clone(), old, new)).await?;
    let event = told(CHANGED, subject, asking, &after);
    Ok((after, Some(event)))
}

/// Removes a number: who calls it hears that nobody has it.
pub(super) async fn remove(tx: &mut TenantTx<'_>, asking: &Asking, number: &str) -> Result<NewEvent, Fault<AppError>> {
    let before = locked(tx, number).await?;
    store::remove(tx, number).await?;
    let subject = subject(tx);
    audit::append(tx, asking.entry("number.removed", subject.clone(), Some(state_of(&before)), None)).await?;
    Ok(told(REMOVED, subject, asking, &before))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::checked_number;

    #[test]
    fn numbers_are_taken_as_people_write_them() {
        for written in ["+39 06 1234 5678", "+39 (06) 1234-5678", " +390612345678 ", "+39.06.1234/5678"] {
            assert_eq!(checked_number(written).ok().as_deref(), Some("+390612345678"));
        }
        for wrong in
            ["", "+", "0612345678", "+0612345678", "+12345", "+1234567890123456", "+39x06123456", "++39061234567"]
        {
            assert!(checked_number(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_becomes_a_number_or_an_error(written in "\\PC{0,40}|[+0-9 ()./-]{0,24}") {
            if let Ok(number) = checked_number(&written) {
                prop_assert!(number.len() <= 16 && number.starts_with('+'));
                prop_assert_eq!(checked_number(&number).ok(), Some(number));
            }
        }
    }
}
