//! Removes what has ended: refresh tokens, tickets, kept answers, jobs, settings of sign-ins, old recordings.

use std::time::Duration;

use trunkline_jobs::{Done, Failure};

use crate::state::AppState;
use crate::{auth, callbacks, channels, files, http, recordings, settings, sounds, stream, voicemails};

pub(crate) const KIND: &str = "system.sweep";
/// For how long jobs that were done are kept, to be looked at.
const KEEP_DONE: Duration = Duration::from_hours(24);
/// And dead ones.
const KEEP_DEAD: Duration = Duration::from_hours(24 * 30);

pub(super) async fn run(state: AppState) -> Result<Done, Failure> {
    let db = &state.db;
    let results: [(&str, anyhow::Result<()>); 11] = [
        ("refresh tokens", auth::sweep(db).await.map_err(Into::into)),
        ("stream tickets", stream::sweep(db).await.map(drop).map_err(Into::into)),
        ("idempotency keys", http::idempotency::sweep(db).await.map(drop).map_err(Into::into)),
        ("jobs", trunkline_jobs::sweep(db, KEEP_DONE, KEEP_DEAD).await.map(drop).map_err(Into::into)),
        ("settings of sign-ins", settings::sweep(db).await.map_err(Into::into)),
        ("old recordings", recordings::sweep(&state).await),
        ("old voicemails", voicemails::sweep(&state).await),
        ("files of messages", files::sweep(&state).await),
        ("sounds that nobody plays", sounds::sweep(&state).await),
        ("calls to return", callbacks::sweep(&state).await),
        ("what providers told", channels::sweep(&state).await),
    ];
    // One that fails does not keep the others from being swept.
    let failed: Vec<String> = results
        .into_iter()
        .filter_map(|(what, result)| result.err().map(|error| format!("cannot sweep {what}: {error}")))
        .collect();
    if failed.is_empty() { Ok(Done) } else { Err(Failure::retry(failed.join("; "))) }
}
