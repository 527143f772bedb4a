//! Using keys: who presents one, and how often.

use std::net::IpAddr;
use std::time::Duration;

use chrono::Utc;
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError};

use super::{secret, store};
use crate::auth::Principal;
use crate::http::AppError;
use crate::roster::Roster;
use crate::state::AppState;

/// How often counters are written.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// Who a key acts for, when it is presented from `address`.
pub(crate) fn authenticate(state: &AppState, key: &str, address: IpAddr) -> Result<Principal, AppError> {
    let (prefix, hash) = secret::parse(key).ok_or_else(not_valid)?;
    let (known, principal) = state.roster.key(prefix, &hash, Utc::now()).ok_or_else(not_valid)?;
    // Revoked on this node, should the roster not know yet.
    if state.sessions.is_ended(principal.session) {
        return Err(not_valid());
    }
    if !known.facts.admits(address) {
        tracing::info!(key = %known.facts.prefix, %address, "an API key was used from an address that it is not for");
        return Err(AppError::unauthorized("the API key may not be used from this address"));
    }
    Ok(principal)
}

/// The same for one that never was, has ended, was revoked, or whose maker has gone.
fn not_valid() -> AppError {
    AppError::unauthorized("the API key is not valid")
}

/// Writes the counters of all keys now and then, and a last time at the end.
pub async fn keep_count(roster: Roster, db: Db, cancel: CancellationToken) {
    loop {
        let goes_on = cancel.run_until_cancelled(tokio::time::sleep(WRITE_EVERY)).await.is_some();
        if let Err(error) = write(&roster, &db).await {
            tracing::debug!(%error, "cannot write how often API keys were used; trying again");
        }
        if !goes_on {
            return;
        }
    }
}

async fn write(roster: &Roster, db: &Db) -> Result<(), DbError> {
    let counted = roster.take_counted();
    if counted.is_empty() {
        return Ok(());
    }
    let written = store::add_counts(db, &counted).await;
    if written.is_err() {
        roster.put_back(&counted);
    }
    written
}
