//! What happens to templates and to the account:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview>, one page per field.

use super::read;
use super::webhook::{Change, account};
use crate::model::{Level, TemplateChange, Told, What};
use serde_json::Value;

/// `None`: a field that is not known.
pub(super) fn read(change: &Change<'_>) -> Option<Told> {
    if read::id(change.value, "message_template_id").is_some()
        || read::text(change.value, "message_template_name").is_some()
    {
        return Some(template(change));
    }
    let value = change.value;
    let field = change.field;
    let text = |key: &str| read::text(value, key).unwrap_or_default();
    let (line, level) = match field {
        "account_update" => account_update(value),
        "account_review_update" => match text("decision") {
            "REJECTED" => ("REJECTED".to_owned(), Level::Stopped),
            "DEFERRED" => ("DEFERRED".to_owned(), Level::Warning),
            other => (other.to_owned(), Level::Note),
        },
        "account_alerts" => {
            let info = value.get("alert_info").unwrap_or(value);
            let severity = read::text(info, "alert_severity").unwrap_or_default();
            let level = if severity == "INFORMATIONAL" { Level::Note } else { Level::Warning };
            (read::text(info, "alert_type").unwrap_or(severity).to_owned(), level)
        }
        "account_settings_update"
        | "business_capability_update"
        | "automatic_events"
        | "tracking_events"
        | "flows"
        | "partner_solutions"
        | "messaging_handovers" => (summary(value), Level::Note),
        "business_status_update" => (summary(value), Level::Warning),
        "phone_number_name_update" => match text("decision") {
            decision @ ("REJECTED" | "DECLINED") => (
                format!("{decision}: {} {}", text("requested_verified_name"), text("rejection_reason")),
                Level::Warning,
            ),
            decision => (format!("{decision}: {}", text("requested_verified_name")), Level::Note),
        },
        "phone_number_quality_update" => {
            let event = text("event");
            let limit = read::text(value, "current_limit")
                .or_else(|| read::text(value, "max_daily_conversations_per_business"));
            let level = if matches!(event, "FLAGGED" | "DOWNGRADE") { Level::Warning } else { Level::Note };
            (format!("{event} {}", limit.unwrap_or_default()), level)
        }
        // Somebody touches the number's PIN: whoever did not ask for it wants to know.
        "security" => (text("event").to_owned(), Level::Warning),
        "payment_configuration_update" => {
            let status = text("status");
            (status.to_owned(), if status.eq_ignore_ascii_case("active") { Level::Note } else { Level::Warning })
        }
        _ => return None,
    };
    let line = if line.trim().is_empty() { field.to_owned() } else { line.trim().to_owned() };
    // What has no time of its own at the entry has one inside (`automatic_events`).
    let inner = read::list(value, "automatic_events").first().and_then(|event| read::time(event, "timestamp"));
    Some(change.told(change.key(field), change.at.or(inner), account(field, line, level, value)))
}

/// <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/account_update>
fn account_update(value: &Value) -> (String, Level) {
    let event = read::text(value, "event").unwrap_or_default();
    let restrictions = read::list(value, "restriction_info");
    let ban = value.get("ban_info").and_then(|ban| read::text(ban, "waba_ban_state"));
    match (event, ban) {
        ("DISABLED_UPDATE", Some("DISABLE")) => ("DISABLED_UPDATE: DISABLE".to_owned(), Level::Stopped),
        ("DISABLED_UPDATE", Some("REINSTATE")) => ("DISABLED_UPDATE: REINSTATE".to_owned(), Level::Note),
        ("DISABLED_UPDATE", state) => (format!("DISABLED_UPDATE: {}", state.unwrap_or_default()), Level::Warning),
        ("ACCOUNT_RESTRICTION", _) => {
            let names: Vec<&str> = restrictions.iter().filter_map(|one| read::text(one, "restriction_type")).collect();
            let silent = names.iter().any(|name| name.contains("CUSTOMER_INITIATED_MESSAGING"));
            (names.join(", "), if silent { Level::Stopped } else { Level::Warning })
        }
        ("ACCOUNT_VIOLATION", _) => {
            let sort = value.get("violation_info").and_then(|info| read::text(info, "violation_type"));
            (format!("ACCOUNT_VIOLATION {}", sort.unwrap_or_default()), Level::Warning)
        }
        ("ACCOUNT_DELETED" | "ACCOUNT_OFFBOARDED" | "PARTNER_REMOVED" | "PARTNER_APP_UNINSTALLED", _) => {
            (event.to_owned(), Level::Stopped)
        }
        _ => (event.to_owned(), Level::Note),
    }
}

fn template(change: &Change<'_>) -> Told {
    let value = change.value;
    let text = |key: &str| read::text(value, key);
    let (what, new, reason) = if let Some(new) = text("new_quality_score") {
        ("quality", new.to_owned(), text("previous_quality_score").map(|old| format!("was {old}")))
    } else if let Some(event) = text("event") {
        let info = ["disable_info", "other_info", "rejection_info"].into_iter().find_map(|key| value.get(key));
        let details = info.filter(|info| info.is_object()).map(summary);
        let reason = text("reason").filter(|reason| *reason != "NONE").map(str::to_owned);
        ("status", event.to_owned(), reason.into_iter().chain(details).reduce(|one, other| format!("{one}; {other}")))
    } else if let Some(category) = text("new_category") {
        match text("correct_category") {
            // Told a day ahead: it is going to be the other one.
            Some(correct) if text("previous_category").is_none() => {
                let when = read::time(value, "category_update_timestamp").map(|at| format!("from {}", at.to_rfc3339()));
                ("category", correct.to_owned(), when)
            }
            _ => ("category", category.to_owned(), text("previous_category").map(|old| format!("was {old}"))),
        }
    } else {
        ("components", text("message_template_element").unwrap_or_default().to_owned(), None)
    };
    let id = read::id(value, "message_template_id");
    let template = TemplateChange {
        id,
        name: text("message_template_name").unwrap_or_default().to_owned(),
        // Webhooks write `en-US`, the API `en_US`: the name that a message is sent with.
        language: text("message_template_language").unwrap_or_default().replace('-', "_"),
        what: what.to_owned(),
        value: new,
        reason,
    };
    change.told(change.key("template"), change.at, What::Template(template))
}

/// An error that belongs to no message of ours.
pub(super) fn trouble(what: &str, error: &Value) -> What {
    let failure = super::errors::failure(error);
    account(what, format!("{}: {}", failure.code, failure.detail), Level::Warning, error)
}

/// The plain values of an object, in one line.
fn summary(value: &Value) -> String {
    let plain = value.as_object().into_iter().flatten().filter_map(|(key, value)| match value {
        Value::String(text) => Some(format!("{key} {text}")),
        Value::Number(number) => Some(format!("{key} {number}")),
        Value::Bool(yes) => Some(format!("{key} {yes}")),
        _ => None,
    });
    plain.collect::<Vec<_>>().join(", ")
}
