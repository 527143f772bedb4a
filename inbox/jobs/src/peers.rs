//! Agreement with the other nodes' workers: one `NOTIFY` for all that was committed since the last one. It is sent in a transaction of its
//! own: within the callers' it would put all their commits in a queue. It may be lost; everybody polls.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError, Listener};
use uuid::Uuid;

use crate::{TOPIC, store};

const CHANNEL: &str = "trunkline_jobs";
/// Commits are gathered for so long: a notification costs as much as a small transaction.
const GATHER: Duration = Duration::from_millis(5);

/// Tells the other nodes of what was committed here.
pub(crate) async fn tell(db: Db, node: Uuid, cancel: CancellationToken) {
    let mut committed = db.committed(TOPIC);
    while let Some(Ok(())) = cancel.run_until_cancelled(committed.changed()).await {
        // What is committed while we gather or send is told by the next round.
        tokio::time::sleep(GATHER).await;
        committed.mark_unchanged();
        if let Err(error) = send(&db, node).await {
            tracing::debug!(%error, "the other workers could not be told; they poll");
        }
    }
}

async fn send(db: &Db, node: Uuid) -> Result<(), DbError> {
    let mut tx = db.system().await?;
    store::notify(&mut tx, CHANNEL, &node.to_string()).await?;
    tx.commit().await
}

/// Wakes the worker when another node says that there is work.
pub(crate) async fn listen(db: Db, node: Uuid, heard: &Notify, cancel: CancellationToken) {
    loop {
        match cancel.run_until_cancelled(listen_once(&db, node, heard)).await {
            None => return,
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::debug!(%error, "other nodes' jobs are found by polling alone; trying again"),
        }
        // Jitter, so that the nodes do not come back all at once.
        let pause = Duration::from_millis(250 + u64::from(rand::random::<u8>()));
        if cancel.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

async fn listen_once(db: &Db, node: Uuid, heard: &Notify) -> Result<(), DbError> {
    let mut listener: Listener = db.listen(&[CHANNEL]).await?;
    let ourselves = node.to_string();
    loop {
        if listener.next().await?.payload != ourselves {
            heard.notify_one();
        }
    }
}
