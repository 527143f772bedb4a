//! The job `media.fetch`: a file of a message is fetched from its provider, looked at, and kept.
//!
//! A provider that is away for a day loses nothing: the job is tried again with growing pauses. What the provider has no more is gone,
//! and what is not what it says it is, or too large, is refused; each is said in the message.

use std::time::Duration;

use chrono::Utc;
use serde::Deserialize as _;
use serde_json::json;
use trunkline_channels::adapter::Outcome;
use trunkline_channels::client::{DownloadError, Limits, NoFiles};
use trunkline_channels::model::{MediaAt, MediaSort, Why};
use trunkline_conversations::change::What;
use trunkline_conversations::{Change, touch};
use trunkline_db::{AttachmentId, DbError, TenantId};
use trunkline_jobs::{Done, Failure, Job};
use trunkline_journal::{Fault, Kind, Outcome as Commanded};

use super::intake::{self, Claimed, Kept, Laid, Unkept};
use super::store::{self, Wanted};
use crate::channels::{Connected, health, registry};
use crate::http::AppError;
use crate::state::AppState;

/// A file of a message is here, or will not come.
const READY: Kind = Kind::from_static("message.attachment_ready");
/// Longest words that are kept of why, in characters.
const MAX_ERROR: usize = 500;

/// How an attempt ends that does not have the file.
enum End {
    /// Another attempt may do.
    Later(String, Option<Duration>),
    /// It will not come: `refused`, `gone`.
    Never(&'static str, String),
}

impl From<Unkept> for End {
    fn from(unkept: Unkept) -> Self {
        match unkept {
            Unkept::Refused(why) => Self::Never("refused", why),
            Unkept::Later(why) => Self::Later(why, None),
        }
    }
}

impl From<DbError> for End {
    fn from(error: DbError) -> Self {
        Self::Later(error.to_string(), None)
    }
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        Self::Later(error.to_string(), None)
    }
}

/// Fetches one.
pub(crate) async fn run(state: AppState, job: Job) -> Result<Done, Failure> {
    let id: Option<AttachmentId> = job.payload["attachment_id"].as_str().and_then(|id| id.parse().ok());
    let (Some(tenant), Some(id)) = (job.tenant, id) else {
        return Err(Failure::dead("the job names no attachment"));
    };
    let mut tx = state.db.tenant(tenant).await?;
    let wanted = store::wanted(&mut tx, id).await?;
    tx.commit().await?;
    let Some(wanted) = wanted else { return Ok(Done) };
    let metrics = state.channels.media();
    match get(&state, tenant, id, &wanted).await {
        Ok(kept) => {
            finish(&state, tenant, id, &wanted, Ok(kept)).await?;
            metrics.with_label_values(&["stored"]).inc();
            Ok(Done)
        }
        Err(End::Never(word, why)) => {
            finish(&state, tenant, id, &wanted, Err((word, why))).await?;
            metrics.with_label_values(&[word]).inc();
            Ok(Done)
        }
        Err(End::Later(why, _)) if job.is_last_attempt => {
            finish(&state, tenant, id, &wanted, Err(("failed", why.clone()))).await?;
            metrics.with_label_values(&["failed"]).inc();
            Err(Failure::dead(why))
        }
        Err(End::Later(why, after)) => {
            metrics.with_label_values(&["retried"]).inc();
            Err(match after {
                Some(after) => Failure::retry_after(why, after),
                None => Failure::retry(why),
            })
        }
    }
}

async fn get(state: &AppState, tenant: TenantId, id: AttachmentId, wanted: &Wanted) -> Result<Kept, End> {
    let account = registry::load(state, tenant, wanted.account).await?;
    let Some(account) = account else {
        return Err(End::Never("gone", "its account is not connected any more".to_owned()));
    };
    let mut tx = state.db.tenant(tenant).await?;
    let room = store::room(&mut tx).await?;
    tx.commit().await?;
    if room == Some(0) {
        // Somebody makes room, or has more.
        return Err(End::Later("the company's storage is full".to_owned(), Some(Duration::from_mins(30))));
    }
    let at = MediaAt::deserialize(&wanted.source)
        .map_err(|_| End::Never("failed", "where the file is cannot be read".to_owned()))?;
    let place = find(state, &account, at).await?;
    let most = intake::largest();
    if place.size.is_some_and(|size| size > most) {
        return Err(End::Never("refused", format!("the file is larger than {most} bytes")));
    }
    let (laid, mut file) = Laid::new(&state.files).await?;
    let limits = Limits { size: most, api_base: account.provider.api_base(), sha256: place.sha256.as_deref() };
    let downloaded = state
        .channels
        .client()
        .download(&place.url, &place.headers, limits, &mut file)
        .await
        .map_err(|error| missed(&error))?;
    drop(file);
    let sort = MediaSort::deserialize(&json!(wanted.sort)).unwrap_or(MediaSort::Document);
    let claimed = Claimed { sort, mime: wanted.declared_mime.clone().or(place.mime) };
    if room.is_some_and(|room| i64::try_from(downloaded.size).is_ok_and(|size| size > room)) {
        return Err(End::Later("the company's storage has no room for it".to_owned(), Some(Duration::from_mins(30))));
    }
    Ok(intake::keep(&state.files, tenant, id, &laid, (downloaded.size, &downloaded.sha256), &claimed).await?)
}

/// Where a file is.
struct Place {
    url: String,
    headers: http::HeaderMap,
    mime: Option<String>,
    size: Option<u64>,
    sha256: Option<String>,
}

async fn find(state: &AppState, account: &Connected, at: MediaAt) -> Result<Place, End> {
    let id = match at {
        MediaAt::Gone => return Err(End::Never("gone", "the provider has it no more".to_owned())),
        MediaAt::Url(url) => {
            let headers = account.adapter.download_headers(&url);
            return Ok(Place { url, headers, mime: None, size: None, sha256: None });
        }
        MediaAt::Id(id) => id,
    };
    let Some(request) = account.adapter.media(&id) else {
        return Err(End::Never("failed", "this channel has no files by their ids".to_owned()));
    };
    let name = request.name;
    let reply = state
        .channels
        .client()
        .send(request, &NoFiles)
        .await
        .map_err(|error| End::Later(format!("the provider cannot be asked: {error}"), None))?;
    match account.adapter.understand(name, reply.answer()) {
        Outcome::Found { url, headers, mime, size, sha256 } => Ok(Place { url, headers, mime, size, sha256 }),
        Outcome::Failed { failure, after } => {
            if let Some(change) = health::Change::of(&failure) {
                // What is wrong with the account may be mended tomorrow, and the file is still there.
                let _ = health::change(state, account.tenant, account.id, change).await;
            }
            let words = format!("{} ({})", failure.detail, failure.code);
            if matches!(reply.status, 404 | 410) {
                return Err(End::Never("gone", words));
            }
            match failure.why {
                Why::NotAccepted | Why::NoSuchRecipient | Why::Unknown if (400..429).contains(&reply.status) => {
                    Err(End::Never("gone", words))
                }
                _ => Err(End::Later(words, after)),
            }
        }
        Outcome::Unclear { detail } => Err(End::Later(detail, None)),
        Outcome::Done { .. } | Outcome::Uploaded { .. } => {
            Err(End::Later("the provider's answer does not say where the file is".to_owned(), None))
        }
    }
}

fn missed(error: &DownloadError) -> End {
    let words = error.to_string();
    match error {
        DownloadError::Status { status: 404 | 410, .. } => End::Never("gone", words),
        DownloadError::Status { after, .. } => End::Later(words, *after),
        DownloadError::TooLarge { .. } | DownloadError::Address | DownloadError::Redirects => {
            End::Never("refused", words)
        }
        DownloadError::Broken(_) | DownloadError::Checksum | DownloadError::Write(_) => End::Later(words, None),
    }
}

/// Notes it, and tells everybody who sees the conversation.
async fn finish(
    state: &AppState,
    tenant: TenantId,
    id: AttachmentId,
    wanted: &Wanted,
    end: Result<Kept, (&'static str, String)>,
) -> Result<(), Failure> {
    let (message, conversation) = (wanted.message, wanted.conversation);
    let end = std::sync::Arc::new(end.map_err(|(word, why)| {
        let why: String = why.chars().filter(|letter| *letter != '\0').take(MAX_ERROR).collect();
        (word, why)
    }));
    let committed = state.journal.command::<_, AppError, _>(tenant, move |tx| {
        let end = std::sync::Arc::clone(&end);
        Box::pin(async move {
            let (news, word) = match end.as_ref() {
                Ok(kept) => (store::stored(tx, id, kept).await.map_err(Fault::Db)?, "stored"),
                Err((word, why)) => (store::ended(tx, id, word, why).await.map_err(Fault::Db)?, *word),
            };
            if !news {
                return Ok(Commanded::new(()));
            }
            let change = Change::new(What::Message { kind: READY, message })
                .at(Utc::now())
                .with("message_id", message.to_string())
                .with("attachment_id", id.to_string())
                .with("state", word);
            let event = touch(tx, conversation, change).await.map_err(Fault::Db)?;
            Ok(Commanded::new(()).events(event))
        })
    });
    committed.await.map(drop).map_err(|error| Failure::retry(format!("{error:?}")))
}
