//! How accounts do: what is wrong with them, said once, to everybody.

use std::convert::Infallible;

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_channels::model::{Failure, Level, Why};
use trunkline_channels::telegram::staff::News;
use trunkline_db::{ChannelAccountId, DbError, TenantId, TenantTx};
use trunkline_journal::{CommandError, Fault, Kind as EventKind, NewEvent, Outcome, Ref};

use super::model::{Condition, Receiving, Trouble};
use super::{staff, store};

use crate::state::AppState;

const CHANGED: EventKind = EventKind::from_static("channel_account.health_changed");
/// Told to everybody, as a supervisor's words are.
const NOTICE: EventKind = EventKind::from_static("notice.sent");
/// Longest words of a provider's that are kept, in characters.
const MAX_DETAIL: usize = 500;

/// What was learnt of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The provider has shown that it knows the webhook.
    Verified,
    /// It is asked for what is new, and answers.
    Polls,
    /// Something is wrong. `receiving`: nothing comes in any more.
    Trouble {
        /// What, as in [`Trouble::what`].
        what: String,
        /// In words.
        detail: String,
        /// Until somebody does something.
        stopped: bool,
        /// Nothing comes in.
        receiving: bool,
    },
    /// Until when its token is good; `None`: it is not known to end.
    Token(Option<DateTime<Utc>>),
    /// It works: what was wrong by this name is not any more. `None`: whatever it was.
    Works(Option<&'static str>),
}

impl Change {
    /// What a provider's refusal says of the account itself; `None`: nothing.
    pub fn of(failure: &Failure) -> Option<Self> {
        let what = match failure.why {
            Why::Account => "account",
            Why::Money => "money",
            _ => return None,
        };
        let detail = format!("{} ({})", failure.detail, failure.code);
        Some(Self::Trouble { what: what.to_owned(), detail, stopped: true, receiving: false })
    }

    /// What comes of a condition.
    fn over(&self, before: &Condition) -> Condition {
        let mut after = before.clone();
        match self {
            Self::Verified => after.webhook = Receiving::Verified,
            Self::Polls => after.webhook = Receiving::Polling,
            Self::Trouble { what, detail, stopped, receiving } => {
                if *receiving {
                    after.webhook = Receiving::Failing;
                }
                // The same trouble goes on since it began.
                let same = before.problem.as_ref().filter(|problem| problem.what == *what);
                after.problem = Some(Trouble {
                    what: what.clone(),
                    detail: shortened(detail),
                    at: same.map_or_else(Utc::now, |problem| problem.at),
                    level: if *stopped { Level::Stopped } else { Level::Warning },
                    by: None,
                });
            }
            Self::Token(ends) => after.token_expires_at = *ends,
            Self::Works(what) => {
                if what.is_none_or(|what| before.problem.as_ref().is_some_and(|problem| problem.what == what)) {
                    after.problem = None;
                }
            }
        }
        after
    }
}

fn shortened(detail: &str) -> String {
    detail.chars().filter(|letter| !letter.is_control()).take(MAX_DETAIL).collect()
}

/// Writes what was learnt; the events of it, if it is news.
pub async fn apply(tx: &mut TenantTx<'_>, id: ChannelAccountId, change: &Change) -> Result<Vec<NewEvent>, DbError> {
    let Some(row) = store::lock(tx, id).await? else { return Ok(Vec::new()) };
    let before: Condition = serde_json::from_value(row.health.clone()).unwrap_or_default();
    let after = change.over(&before);
    if after == before {
        return Ok(Vec::new());
    }
    let health = serde_json::to_value(&after).unwrap_or_default();
    store::set_health(tx, id, &health).await?;
    let subject = Ref::new("channel_account", id.uuid());
    let mut events = vec![NewEvent::new(CHANGED, subject, json!({ "account_id": id, "health": health }))];
    let stopped =
        |condition: &Condition| condition.problem.as_ref().is_some_and(|problem| problem.level == Level::Stopped);
    if stopped(&after) && !stopped(&before) {
        let detail = after.problem.as_ref().map(|problem| problem.detail.clone()).unwrap_or_default();
        let text: String = format!("{} has stopped: {detail}", row.name).chars().take(500).collect();
        let notice = uuid::Uuid::now_v7();
        let data = json!({ "id": notice, "text": text, "by": { "id": id, "name": row.name } });
        events.push(NewEvent::new(NOTICE, Ref::new("notice", notice), data));
        staff::notify(tx, &News::ChannelStopped { account: row.name, reason: detail }).await?;
    } else if stopped(&before) && after.problem.is_none() {
        staff::notify(tx, &News::ChannelWorks { account: row.name }).await?;
    }
    Ok(events)
}

/// The same in a transaction of its own.
pub async fn change(
    state: &AppState,
    tenant: TenantId,
    id: ChannelAccountId,
    change: Change,
) -> Result<(), CommandError<Infallible>> {
    state
        .journal
        .command(tenant, move |tx| {
            let change = change.clone();
            Box::pin(async move {
                let events = apply(tx, id, &change).await.map_err(Fault::<Infallible>::Db)?;
                Ok(Outcome::new(()).events(events))
            })
        })
        .await?;
    Ok(())
}

/// What is over once the provider takes a message again: it knows the token, and has credit.
const OVER: [&str; 3] = ["account", "money", "provider"];

/// The provider took a message: an account that had failed is well again.
pub async fn sent(state: &AppState, tenant: TenantId, id: ChannelAccountId) -> Result<(), CommandError<Infallible>> {
    let problem = async {
        let mut tx = state.db.tenant(tenant).await?;
        let problem = store::problem(&mut tx, id).await?;
        tx.commit().await?;
        Ok(problem)
    };
    let problem = problem.await.map_err(CommandError::Db)?;
    match OVER.into_iter().find(|what| problem.as_deref() == Some(what)) {
        Some(what) => change(state, tenant, id, Change::Works(Some(what))).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(what: &str, detail: &str) -> Change {
        Change::Trouble { what: what.to_owned(), detail: detail.to_owned(), stopped: true, receiving: false }
    }

    #[test]
    fn the_same_trouble_is_as_old_as_it_began() {
        let first = trouble("account", "expired").over(&Condition::default());
        let again = trouble("account", "expired").over(&first);
        assert_eq!(first, again);
        let other = trouble("money", "none").over(&first);
        assert_eq!(other.problem.as_ref().map(|problem| problem.what.as_str()), Some("money"));
        assert_eq!(Change::Works(Some("account")).over(&other), other, "it is another trouble");
        assert_eq!(Change::Works(None).over(&other).problem, None);
    }
}
