//! `LISTEN`: being told that something changed.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use crate::DbError;

/// What was sent with `NOTIFY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The channel it was sent on.
    pub channel: String,
    /// Its payload, at most 8,000 bytes.
    pub payload: String,
}

/// A connection that listens.
///
/// It does not reconnect by itself: whoever listens has to look at the state anew after a break, since what was
/// sent meanwhile is lost.
#[derive(Debug)]
pub struct Listener {
    inner: PgListener,
}

impl Listener {
    pub(crate) async fn open(options: PgConnectOptions, timeout: Duration, channels: &[&str]) -> Result<Self, DbError> {
        let open = async {
            // A listener keeps its connection for good. Taken from the pool it would be one less for everybody else, and with as many listeners as
            // the pool has connections nothing would work any more.
            let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
            let mut inner = PgListener::connect_with(&own).await?;
            inner.eager_reconnect(false);
            inner.listen_all(channels.iter().copied()).await?;
            Ok::<_, DbError>(inner)
        };
        let inner =
            tokio::time::timeout(timeout, open).await.map_err(|_| DbError::timed_out("no connection in time"))??;
        Ok(Self { inner })
    }

    /// Waits for the next notification. An error means that the connection is gone: open another listener.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Result<Notification, DbError> {
        match self.inner.try_recv().await? {
            Some(n) => Ok(Notification { channel: n.channel().to_owned(), payload: n.payload().to_owned() }),
            None => Err(DbError::timed_out("the listening connection was lost")),
        }
    }
}
