//! Entries of acts that do not wait for the database: a call is hung up while it is away, and told of when it is back.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError, TenantId};

use super::{Entry, append};

/// Most entries that wait. Beyond, they are only in the log.
const MOST: usize = 1_000;
/// Between two attempts.
const RETRY: Duration = Duration::from_secs(1);

/// Takes entries and writes them as soon as the database lets it. What waits is lost with the process; the log has it then.
#[derive(Debug, Clone)]
pub struct Late(mpsc::Sender<(TenantId, Entry)>);

impl Late {
    /// Starts the task that writes. It ends, with what it can still write, after `cancel`.
    pub fn start(db: Db, cancel: CancellationToken) -> Self {
        let (sender, waiting) = mpsc::channel(MOST);
        tokio::spawn(write(db, waiting, cancel));
        Self(sender)
    }

    /// Notes an act that has taken place.
    pub fn note(&self, tenant: TenantId, entry: Entry) {
        if let Err(error) = self.0.try_send((tenant, entry)) {
            let (mpsc::error::TrySendError::Full((tenant, entry)) | mpsc::error::TrySendError::Closed((tenant, entry))) =
                error;
            lost(tenant, &entry);
        }
    }
}

fn lost(tenant: TenantId, entry: &Entry) {
    tracing::error!(
        %tenant, action = entry.action, subject = %entry.subject.id, actor = ?entry.actor.id,
        "an act could not be written into the audit log"
    );
}

async fn write(db: Db, mut waiting: mpsc::Receiver<(TenantId, Entry)>, cancel: CancellationToken) {
    while let Some(next) = tokio::select! {
        biased;
        next = waiting.recv() => next,
        () = cancel.cancelled() => None,
    } {
        let (tenant, entry) = next;
        let mut told = false;
        while let Err(error) = write_one(&db, tenant, &entry).await {
            if !(error.is_unavailable() || error.is_contention()) || cancel.is_cancelled() {
                tracing::error!(%error, "an entry of the audit log was refused");
                lost(tenant, &entry);
                break;
            }
            if !std::mem::replace(&mut told, true) {
                tracing::warn!(%error, "the audit log cannot be written; acts that are done wait for it");
            }
            let _ = cancel.run_until_cancelled(tokio::time::sleep(RETRY)).await;
        }
    }
    while let Ok((tenant, entry)) = waiting.try_recv() {
        if write_one(&db, tenant, &entry).await.is_err() {
            lost(tenant, &entry);
        }
    }
}

async fn write_one(db: &Db, tenant: TenantId, entry: &Entry) -> Result<(), DbError> {
    let mut tx = db.tenant(tenant).await?;
    append(&mut tx, entry.clone()).await?;
    tx.commit().await
}
