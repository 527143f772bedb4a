//! Removes what has ended: refresh tokens, tickets, kept answers, jobs.

use std::time::Duration;

use trunkline_db::{Db, DbError};
use trunkline_jobs::{Done, Failure};

use crate::{auth, http, stream};

pub(crate) const KIND: &str = "system.sweep";
/// For how long jobs that were done are kept, to be looked at.
const KEEP_DONE: Duration = Duration::from_hours(24);
/// And dead ones.
const KEEP_DEAD: Duration = Duration::from_hours(24 * 30);

pub(super) async fn run(db: Db) -> Result<Done, Failure> {
    let results: [(&str, Result<(), DbError>); 4] = [
        ("refresh tokens", auth::sweep(&db).await.map(drop)),
        ("stream tickets", stream::sweep(&db).await.map(drop)),
        ("idempotency keys", http::idempotency::sweep(&db).await.map(drop)),
        ("jobs", trunkline_jobs::sweep(&db, KEEP_DONE, KEEP_DEAD).await.map(drop)),
    ];
    // One that fails does not keep the others from being swept.
    let failed: Vec<String> = results
        .into_iter()
        .filter_map(|(what, result)| result.err().map(|error| format!("cannot sweep {what}: {error}")))
        .collect();
    if failed.is_empty() { Ok(Done) } else { Err(Failure::retry(failed.join("; "))) }
}
