//! Letters as jobs.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use serde_json::json;
use trunkline_db::{DbError, JobId};
use trunkline_jobs::{Done, Enqueue, Failure, Job, NewJob};

use super::model::Letter;
use super::render;
use super::transport::{MailConfig, Transport};
use crate::http::AppError;
use crate::state::AppState;

/// The kind of job that sends a letter.
pub const KIND: &str = "mail.send";
/// What a sealed letter is bound to.
const CONTEXT: &str = "job/mail.send";

/// Why a letter cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// There is no mail server.
    #[error("this installation cannot send e-mail: smtp_url and mail_from are not set")]
    NotConfigured,
    /// Its link leads elsewhere.
    #[error(transparent)]
    Link(#[from] render::LeadsElsewhere),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<MailError> for AppError {
    fn from(error: MailError) -> Self {
        match error {
            MailError::NotConfigured => Self::conflict("no-mail", error.to_string()),
            MailError::Link(error) => Self::internal(error),
            MailError::Db(error) => error.into(),
        }
    }
}

/// Has a letter sent once the transaction is committed: as a job of its tenant, or of the installation.
///
/// Without a mail server it is refused here (409 `no-mail`), rather than kept for ever.
pub async fn enqueue(state: &AppState, tx: &mut impl Enqueue, letter: &Letter) -> Result<JobId, MailError> {
    if state.config.mail.is_none() {
        return Err(MailError::NotConfigured);
    }
    // A mistake in a letter is found by who wrote it.
    render::render(letter, &state.config.public_url)?;
    let plain = serde_json::to_vec(letter).expect("a letter is plain values");
    let sealed = STANDARD.encode(state.keys.seal(CONTEXT, &plain));
    Ok(tx.enqueue_job(NewJob::new(KIND, json!({ "sealed": sealed })).sealed().priority(10)).await?)
}

/// What the worker does with such a job.
pub fn handler(state: AppState) -> impl Fn(Job) -> futures_util::future::BoxFuture<'static, Result<Done, Failure>> {
    // Made once: the system's certificates are read for it.
    let transport = state.config.mail.as_ref().map(|config: &MailConfig| Transport::new(config).map(Arc::new));
    let transport = Arc::new(transport.map(|made| made.map_err(|error| error.to_string())));
    move |job| {
        let (state, transport) = (state.clone(), Arc::clone(&transport));
        Box::pin(async move {
            let transport = match &*transport {
                Some(Ok(transport)) => Arc::clone(transport),
                Some(Err(error)) => return Err(Failure::retry(format!("TLS cannot be set up: {error}"))),
                None => return Err(Failure::retry(MailError::NotConfigured)),
            };
            let letter = unseal(&state, &job)
                .ok_or_else(|| Failure::dead("the letter does not open; was secret_key changed?"))?;
            if letter.template.useless_from(job.created_at).is_some_and(|useless| useless <= Utc::now()) {
                return Err(Failure::dead("its link expired before the letter could be sent"));
            }
            let rendered = render::render(&letter, &state.config.public_url).map_err(Failure::dead)?;
            transport.send(&letter.to, &rendered, job.id).await?;
            Ok(Done)
        })
    }
}

fn unseal(state: &AppState, job: &Job) -> Option<Letter> {
    let sealed = STANDARD.decode(job.payload["sealed"].as_str()?).ok()?;
    serde_json::from_slice(&state.keys.open(CONTEXT, &sealed)?).ok()
}
