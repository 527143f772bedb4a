//! Store first: what a provider told is committed before it is answered.
//!
//! One task stores for all requests. While a transaction commits, those that come meanwhile gather, and are the next one's: under load
//! they share a commit, alone nobody waits for company.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use trunkline_db::{ChannelAccountId, Db, DbError, InboundWebhookId, TenantId};

use super::ingest_store;
use super::metrics::ChannelMetrics;

/// Most webhooks of one transaction.
const BATCH: usize = 256;
/// Most webhooks that wait.
const QUEUE: usize = 4_096;
/// Most KiB of bodies that wait.
const QUEUE_KIB: usize = 128 * 1024;
/// How often a transaction that met another one is tried again.
const RACES: usize = 3;

/// A provider's request as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Arriving {
    pub(super) tenant: TenantId,
    pub(super) id: InboundWebhookId,
    pub(super) account: ChannelAccountId,
    pub(super) at: DateTime<Utc>,
    pub(super) url: String,
    /// A JSON object.
    pub(super) headers: String,
    pub(super) body: Vec<u8>,
}

/// Why something was not stored. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotStored {
    #[error("too much is waiting to be stored")]
    Busy,
    #[error("{0}")]
    Away(String),
    #[error("the database refused it: {0}")]
    Refused(String),
    #[error("the gateway is stopping")]
    Stopping,
}

struct Waiting {
    webhook: Arriving,
    answer: oneshot::Sender<Result<(), NotStored>>,
    _room: OwnedSemaphorePermit,
}

/// The way to the task that stores.
#[derive(Debug, Clone)]
pub(super) struct Ingest {
    sender: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    metrics: ChannelMetrics,
}

impl Ingest {
    /// Starts the task. After `cancel` it stores what waits, takes nothing more, and ends.
    pub(super) fn start(db: Db, metrics: ChannelMetrics, cancel: CancellationToken) -> Self {
        let (sender, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(run(db, waiting, metrics.clone(), cancel));
        Self { sender, room: Arc::new(Semaphore::new(QUEUE_KIB)), metrics }
    }

    /// Stores one; it is committed when this returns.
    pub(super) async fn store(&self, webhook: Arriving) -> Result<(), NotStored> {
        let kib = u32::try_from(webhook.body.len() / 1024 + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib).map_err(|_| NotStored::Busy)?;
        let (answer, answered) = oneshot::channel();
        self.sender.try_send(Waiting { webhook, answer, _room: room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotStored::Busy,
            mpsc::error::TrySendError::Closed(_) => NotStored::Stopping,
        })?;
        self.metrics.queue.inc();
        answered.await.unwrap_or(Err(NotStored::Stopping))
    }
}

async fn run(db: Db, mut waiting: mpsc::Receiver<Waiting>, metrics: ChannelMetrics, cancel: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let came = tokio::select! {
            biased;
            came = waiting.recv_many(&mut batch, BATCH) => came,
            () = cancel.cancelled() => 0,
        };
        if came == 0 {
            break;
        }
        store_batch(&db, &mut batch, &metrics).await;
    }
    waiting.close();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        store_batch(&db, &mut batch, &metrics).await;
    }
}

async fn store_batch(db: &Db, batch: &mut Vec<Waiting>, metrics: &ChannelMetrics) {
    metrics.queue.sub(i64::try_from(batch.len()).unwrap_or(0));
    metrics.batch.observe(batch.len() as f64);
    let webhooks: Vec<&Arriving> = batch.iter().map(|waiting| &waiting.webhook).collect();
    match store_some(db, &webhooks).await {
        Ok(()) => {
            for waiting in batch.drain(..) {
                // Whoever asked may have gone away meanwhile: it is stored.
                let _ = waiting.answer.send(Ok(()));
            }
        }
        // One that the database refuses must not keep the others out.
        Err(NotStored::Refused(_)) if batch.len() > 1 => {
            for waiting in batch.drain(..) {
                let stored = store_some(db, &[&waiting.webhook]).await;
                let _ = waiting.answer.send(stored);
            }
        }
        Err(error) => {
            tracing::warn!(%error, webhooks = batch.len(), "webhooks could not be stored; their providers are asked to come again");
            let mut first = Some(error);
            for waiting in batch.drain(..) {
                let error =
                    first.take().unwrap_or_else(|| NotStored::Away("as the others of its transaction".to_owned()));
                let _ = waiting.answer.send(Err(error));
            }
        }
    }
}

async fn store_some(db: &Db, webhooks: &[&Arriving]) -> Result<(), NotStored> {
    let mut races = 0;
    loop {
        match try_store(db, webhooks).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_contention() && races < RACES => races += 1,
            Err(error) if error.is_unavailable() || error.is_contention() => {
                return Err(NotStored::Away(error.to_string()));
            }
            Err(error) => return Err(NotStored::Refused(error.to_string())),
        }
    }
}

async fn try_store(db: &Db, webhooks: &[&Arriving]) -> Result<(), DbError> {
    let mut tx = db.system().await?;
    ingest_store::store(&mut tx, webhooks).await?;
    // Each account's job is among them.
    tx.announce("jobs");
    tx.commit().await
}
