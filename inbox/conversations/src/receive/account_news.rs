//! What a provider tells of the account itself: its health, and its templates.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use trunkline_channels::model::{AccountChange, TemplateChange};
use trunkline_db::{DbError, TenantTx};
use trunkline_jobs::NewJob;
use trunkline_journal::{Kind, NewEvent, Ref};

use super::{Setting, account_store as store, clean};

const HEALTH: Kind = Kind::from_static("channel_account.health_changed");
const TEMPLATE: Kind = Kind::from_static("channel_account.template_changed");

/// Different things of an account whose last word is kept.
const MAX_TOLD: usize = 20;

/// Something about the account changed: its health keeps the last word on each thing, and what is worst of them is its problem.
pub(super) async fn account(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    change: &AccountChange,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let account = setting.account.id;
    let Some(Value::Object(health)) = store::health(tx, account).await? else { return Ok(()) };
    let Some(next) = health_after(&health, change, setting.at) else { return Ok(()) };
    let health = Value::Object(next);
    store::set_health(tx, account, &health).await?;
    let event = NewEvent::new(HEALTH, Ref::new("channel_account", account), json!({ "account_id": account, "health": health }));
    news.push(event.at(setting.at));
    Ok(())
}

/// `None`: something later is known of it.
fn health_after(health: &Map<String, Value>, change: &AccountChange, at: DateTime<Utc>) -> Option<Map<String, Value>> {
    let what = clean::line(&change.what, 64)?;
    let mut told = health.get("told").and_then(Value::as_object).cloned().unwrap_or_default();
    let time_of = |word: &Value| {
        word.get("at").and_then(Value::as_str).and_then(|at| DateTime::parse_from_rfc3339(at).ok()).map(|at| at.to_utc())
    };
    if told.get(&what).and_then(time_of).is_some_and(|known| known > at) {
        return None;
    }
    let value = clean::line(&change.value, 300).unwrap_or_default();
    told.insert(what, json!({ "value": value, "level": change.level, "at": at }));
    while told.len() > MAX_TOLD {
        let oldest = told.iter().min_by_key(|(_, word)| time_of(word)).map(|(what, _)| what.clone())?;
        told.remove(&oldest);
    }
    let level = |word: &Value| match word.get("level").and_then(Value::as_str) {
        Some("stopped") => 2,
        Some("warning") => 1,
        _ => 0,
    };
    let worst = told.iter().filter(|(_, word)| level(word) > 0).max_by_key(|(_, word)| (level(word), time_of(word)));
    let problem = worst.map(|(what, word)| {
        json!({ "what": what, "detail": word["value"], "level": word["level"], "at": word["at"], "by": "provider" })
    });
    let mut next = health.clone();
    // A problem that somebody else found (no token, no webhook) is theirs to take away.
    let is_providers = next.get("problem").is_none_or(|problem| problem.get("by") == Some(&json!("provider")));
    match problem {
        Some(problem) if is_providers => {
            next.insert("problem".to_owned(), problem);
        }
        None if is_providers => {
            next.remove("problem");
        }
        _ => {}
    }
    next.insert("told".to_owned(), Value::Object(told));
    Some(next)
}

/// A template was approved, paused, judged, put into another category. What its text is now is asked for.
pub(super) async fn template(
    tx: &mut TenantTx<'_>,
    setting: &Setting<'_>,
    change: &TemplateChange,
    news: &mut Vec<NewEvent>,
) -> Result<(), DbError> {
    let account = setting.account.id;
    let (Some(name), Some(language)) = (clean::id(&change.name, 512), clean::id(&change.language, 35)) else {
        return Ok(());
    };
    let value = clean::line(&change.value, 100).unwrap_or_default();
    let reason = change.reason.as_deref().and_then(|reason| clean::line(reason, 500));
    let word = store::Word { name: &name, language: &language, what: &change.what, value: &value, reason: reason.as_deref() };
    let is_known = store::change_template(tx, account, &word, setting.at).await?;
    if !is_known || change.what == "components" {
        let job = NewJob::new("templates.sync", json!({ "account_id": account }));
        trunkline_jobs::enqueue(tx, job.key(format!("templates/{account}"))).await?;
    }
    let data = json!({
        "account_id": account, "name": name, "language": language, "what": change.what, "value": value, "reason": reason,
    });
    news.push(NewEvent::new(TEMPLATE, Ref::new("channel_account", account), data).at(setting.at));
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trunkline_channels::model::Level;

    use super::*;

    fn change(what: &str, value: &str, level: Level) -> AccountChange {
        AccountChange { what: what.to_owned(), value: value.to_owned(), level, raw: Value::Null }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn the_worst_that_was_told_last_is_the_problem_until_it_is_taken_back() {
        let health = health_after(&Map::new(), &change("quality", "FLAGGED", Level::Warning), at(1)).unwrap();
        let health = health_after(&health, &change("account", "DISABLE", Level::Stopped), at(2)).unwrap();
        assert_eq!(health["problem"]["detail"], "DISABLE");
        let health = health_after(&health, &change("account", "REINSTATE", Level::Note), at(3)).unwrap();
        assert_eq!(health["problem"]["detail"], "FLAGGED");
        assert_eq!(health_after(&health, &change("account", "DISABLE", Level::Stopped), at(2)), None);
        let health = health_after(&health, &change("quality", "GREEN", Level::Note), at(4)).unwrap();
        assert_eq!(health.get("problem"), None);
    }

    #[test]
    fn a_problem_that_was_found_otherwise_stays() {
        let mut health = Map::new();
        health.insert("problem".to_owned(), json!({ "what": "token", "detail": "expired" }));
        let health = health_after(&health, &change("quality", "FLAGGED", Level::Warning), at(1)).unwrap();
        assert_eq!(health["problem"]["what"], "token");
    }

    proptest! {
        #[test]
        fn the_order_of_what_was_told_says_nothing(
            mut told in prop::collection::vec((0_u8..4, 0_u8..3), 1..8),
            keys in prop::collection::vec(any::<u64>(), 8),
        ) {
            let changes: Vec<_> = told.drain(..).enumerate().map(|(n, (what, level))| {
                let level = [Level::Note, Level::Warning, Level::Stopped][level as usize];
                (change(&format!("w{what}"), &n.to_string(), level), at(n as i64))
            }).collect();
            let apply = |changes: &[(AccountChange, DateTime<Utc>)]| changes.iter().fold(Map::new(), |health, (change, at)| {
                health_after(&health, change, *at).unwrap_or(health)
            });
            let mut shuffled: Vec<_> = changes.iter().cloned().zip(keys).collect();
            shuffled.sort_by_key(|(_, key)| *key);
            let shuffled: Vec<_> = shuffled.into_iter().map(|(change, _)| change).collect();
            prop_assert_eq!(apply(&changes), apply(&shuffled));
        }
    }
}
