//! The jobs `voicemail.fetch` and `voicemail.remove`.
//!
//! A message is put into the store of files under its own id, marked, and only then removed from Asterisk: killed anywhere, the next run finds what is
//! left to do. It is lost only when the Asterisk that took it says, again and again, that it has no such file; one that is away, or a full store, is
//! waited for, and after the last attempt the job stays, to be run by hand.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_ari::{Error as AriError, OrGone as _};
use trunkline_blob::{BlobError, Expected};
use trunkline_db::{DbError, TenantId};
use trunkline_jobs::{Done, Failure, Job, NewJob};
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref};
use uuid::Uuid;

use super::store::{self, Waiting};
use super::wav::{self, Message};
use crate::calls::Reachable;
use crate::files::{self, Files};
use crate::http::AppError;
use crate::state::AppState;

const READY: Kind = Kind::from_static("voicemail.ready");
const LOST: Kind = Kind::from_static("voicemail.lost");
/// For so long after its end Asterisk may not have it yet; who is asked later and has nothing has lost it.
const MAY_COME: TimeDelta = TimeDelta::minutes(2);
/// Pause before it is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long a full store is left alone.
const NO_ROOM: Duration = Duration::from_mins(30);
/// How often Asterisk is asked to forget one, over about a day.
const REMOVALS: u16 = 40;
/// Longest words that are kept of why, in characters.
const MAX_ERROR: usize = 500;

/// How an attempt ends that does not have the message.
enum End {
    /// Another attempt may do.
    Later(String, Option<Duration>),
    /// There is none.
    Never(String),
}

impl From<DbError> for End {
    fn from(error: DbError) -> Self {
        Self::Later(error.to_string(), None)
    }
}

impl From<BlobError> for End {
    fn from(error: BlobError) -> Self {
        Self::Later(error.to_string(), None)
    }
}

fn id_in(job: &Job) -> Option<Uuid> {
    job.payload["voicemail_id"].as_str().and_then(|id| id.parse().ok())
}

/// Fetches one.
pub(crate) async fn fetch(state: AppState, job: Job) -> Result<Done, Failure> {
    let (Some(tenant), Some(id)) = (job.tenant, id_in(&job)) else {
        return Err(Failure::dead("the job names no message"));
    };
    let mut tx = state.db.tenant(tenant).await?;
    let waiting = store::waiting(&mut tx, id).await?;
    tx.commit().await?;
    let Some(waiting) = waiting else { return Ok(Done) };
    match get(&state, tenant, id, &waiting).await {
        Ok(message) => {
            let bytes = i64::try_from(message.bytes.len()).unwrap_or(i64::MAX);
            if finish(&state, tenant, id, Ok((message.length_ms, bytes))).await? {
                state.voicemails.ended("ready");
                let lag = Utc::now() - waiting.at - TimeDelta::milliseconds(message.length_ms);
                state.voicemails.heard_after(lag.as_seconds_f64());
            }
            Ok(Done)
        }
        Err(End::Never(why)) => {
            tracing::error!(%tenant, voicemail = %id, why, "a message of a caller is lost");
            if finish(&state, tenant, id, Err(why)).await? {
                state.voicemails.ended("lost");
            }
            Ok(Done)
        }
        Err(End::Later(why, after)) => {
            state.voicemails.ended("retried");
            let mut tx = state.db.tenant(tenant).await?;
            store::note(&mut tx, id, &cut(&why)).await?;
            tx.commit().await?;
            Err(match after {
                Some(after) => Failure::retry_after(why, after),
                None => Failure::retry(why),
            })
        }
    }
}

async fn get(state: &AppState, tenant: TenantId, id: Uuid, waiting: &Waiting) -> Result<Message, End> {
    let mut tx = state.db.tenant(tenant).await?;
    let room = files::room(&mut tx).await?;
    tx.commit().await?;
    if room == Some(0) {
        return Err(End::Later("the company's storage is full".to_owned(), Some(NO_ROOM)));
    }
    let Some(server) = state.calls.server(&waiting.asterisk) else {
        return Err(End::Later(format!("no Asterisk is called {:?} here", waiting.asterisk), None));
    };
    let file = ask(server, waiting).await?;
    let message = wav::read(&file).map_err(|error| End::Never(error.to_string()))?;
    if room.is_some_and(|room| i64::try_from(message.bytes.len()).is_ok_and(|size| size > room)) {
        return Err(End::Later("the company's storage has no room for it".to_owned(), Some(NO_ROOM)));
    }
    let expected = Expected { size: Some(message.bytes.len() as u64), ..Expected::at_most(message.bytes.len() as u64) };
    // Put twice, it replaces itself.
    state.files.blobs().await?.put(&Files::key(tenant, id), &mut message.bytes.as_slice(), expected).await?;
    Ok(message)
}

/// The file, once Asterisk has closed it.
async fn ask(server: &Reachable, waiting: &Waiting) -> Result<bytes::Bytes, End> {
    match server.client.recordings().get_live(&waiting.name).await {
        Ok(_) => return Err(End::Later("Asterisk is still writing it".to_owned(), Some(LOOK_AGAIN))),
        Err(AriError::NotFound { .. }) => {}
        Err(error) => return Err(End::Later(error.to_string(), None)),
    }
    let file = server.stored.get(&waiting.name).await.map_err(|why| End::Later(why, None))?;
    let over = waiting.at + TimeDelta::milliseconds(waiting.length_ms);
    file.ok_or_else(|| {
        if Utc::now() < over + MAY_COME {
            End::Later("Asterisk does not have it yet".to_owned(), Some(LOOK_AGAIN * 5))
        } else {
            End::Never(format!("Asterisk {} has it no more", waiting.asterisk))
        }
    })
}

fn cut(why: &str) -> String {
    why.chars().filter(|letter| *letter != '\0').take(MAX_ERROR).collect()
}

/// Notes what became of it, and tells everybody who sees the call. `false`: somebody did before.
async fn finish(
    state: &AppState,
    tenant: TenantId,
    id: Uuid,
    end: Result<(i64, i64), String>,
) -> Result<bool, Failure> {
    let end = std::sync::Arc::new(end.map_err(|why| cut(&why)));
    let committed = state.journal.command::<_, AppError, _>(tenant, move |tx| {
        let end = std::sync::Arc::clone(&end);
        Box::pin(async move {
            let changed = match end.as_ref() {
                Ok((length_ms, bytes)) => store::ready(tx, id, *length_ms, *bytes).await,
                Err(why) => store::lost(tx, id, why).await,
            };
            let Some(told) = changed.map_err(Fault::Db)? else { return Ok(Outcome::new(false)) };
            if end.is_ok() {
                let payload = json!({ "asterisk": told.asterisk, "name": told.name, "voicemail_id": id });
                let job = NewJob::new(super::REMOVE, payload).max_attempts(REMOVALS);
                trunkline_jobs::enqueue(tx, job).await.map_err(Fault::Db)?;
            }
            let kind = if end.is_ok() { READY } else { LOST };
            Ok(Outcome::new(true).events([told.event(kind, Utc::now(), None)]))
        })
    });
    Ok(committed.await.map_err(|error| Failure::retry(format!("{error:?}")))?.value)
}

impl store::Told {
    /// What is told of a message: to whom its queue's calls are told.
    pub(super) fn event(&self, kind: Kind, at: DateTime<Utc>, by: Option<Ref>) -> NewEvent {
        let data = json!({
            "voicemail_id": self.id,
            "queue_id": self.queue_id,
            "number": self.number,
            "length_ms": self.length_ms,
            "state": self.state,
            "done_at": self.done_at,
        });
        let mut event = NewEvent::new(kind, Ref::call(self.call_id), data).at(at);
        event.actor = by;
        match self.queue_id {
            Some(queue) => event.scopes([trunkline_journal::Scope::Queue(queue)]),
            None => event,
        }
    }
}

/// Removes one from the Asterisk that took it.
pub(crate) async fn remove(state: AppState, job: Job) -> Result<Done, Failure> {
    let (Some(asterisk), Some(name)) = (job.payload["asterisk"].as_str(), job.payload["name"].as_str()) else {
        return Err(Failure::dead("the job names no message"));
    };
    let Some(server) = state.calls.server(asterisk) else {
        return Err(Failure::retry(format!("no Asterisk is called {asterisk:?} here")));
    };
    server.client.recordings().delete_stored(name).await.or_gone().map_err(Failure::retry)?;
    if let (Some(tenant), Some(id)) = (job.tenant, id_in(&job)) {
        let mut tx = state.db.tenant(tenant).await?;
        store::removed(&mut tx, id).await?;
        tx.commit().await?;
    }
    Ok(Done)
}
