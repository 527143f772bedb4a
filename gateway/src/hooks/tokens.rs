//! The hook tokens of all tenants, in memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError, TenantId, UserId};
use uuid::Uuid;

use super::tokens_store as store;
use crate::api_keys::parse_marked;
use crate::state::AppState;

/// Every token begins with it, so that whoever finds one knows what it is.
pub(super) const MARK: &str = "tlh_";
/// The notification that the trigger of `0048_hook_tokens.sql` sends.
const CHANNEL: &str = "trunkline_hook_tokens";
/// How often everything is read, and noted what was used, although nothing was said.
const READ_EVERY: Duration = Duration::from_secs(20);
/// Between two attempts while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) tenant: TenantId,
    /// The token.
    pub(crate) id: Uuid,
    /// Who made it.
    pub(crate) maker: UserId,
}

struct Known {
    holder: Holder,
    secret_hash: [u8; 32],
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("holder", &self.holder).finish_non_exhaustive()
    }
}

/// The tokens that may be used. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    // Both held for a look or an exchange, never across an await.
    by_prefix: RwLock<HashMap<String, Known>>,
    used: Mutex<HashMap<(TenantId, Uuid), DateTime<Utc>>>,
    /// One reads at a time, so that an older reading never replaces a newer one.
    reading: tokio::sync::Mutex<()>,
}

impl Tokens {
    /// Whose token this is, if it is one.
    pub(crate) fn holder(&self, token: &str) -> Option<Holder> {
        let (prefix, hash) = parse_marked(MARK, token)?;
        let tokens = self.0.by_prefix.read().unwrap_or_else(PoisonError::into_inner);
        let known = tokens.get(prefix).filter(|known| bool::from(known.secret_hash.ct_eq(&hash)))?;
        let holder = known.holder;
        drop(tokens);
        self.0.used.lock().unwrap_or_else(PoisonError::into_inner).insert((holder.tenant, holder.id), Utc::now());
        Some(holder)
    }

    /// Reads all of them: also after a change of this node's own, so that it counts at once.
    pub(crate) async fn refresh(&self, db: &Db) -> Result<(), DbError> {
        let _one_at_a_time = self.0.reading.lock().await;
        let mut tx = db.system().await?;
        let rows = store::read(&mut tx).await?;
        tx.commit().await?;
        let read = rows.into_iter().filter_map(|row| {
            let secret_hash = row.secret_hash.try_into().ok()?;
            let holder = Holder { tenant: row.tenant, id: row.id, maker: row.created_by };
            Some((row.prefix, Known { holder, secret_hash }))
        });
        *self.0.by_prefix.write().unwrap_or_else(PoisonError::into_inner) = read.collect();
        Ok(())
    }

    /// Takes a token out at once, whatever becomes of the next reading.
    pub(super) fn forget(&self, id: Uuid) {
        let mut tokens = self.0.by_prefix.write().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, known| known.holder.id != id);
    }

    /// Writes which were used since this was last written.
    async fn note_used(&self, db: &Db) -> Result<(), DbError> {
        let used = std::mem::take(&mut *self.0.used.lock().unwrap_or_else(PoisonError::into_inner));
        for ((tenant, id), at) in used {
            let mut tx = db.tenant(tenant).await?;
            store::used(&mut tx, id, at).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Keeps the tokens as the database has them, until cancelled.
pub async fn watch(state: AppState, cancel: CancellationToken) {
    let watching = async {
        loop {
            if let Err(error) = watch_once(&state).await {
                tracing::debug!(%error, "cannot watch hook tokens; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    };
    tokio::select! {
        () = cancel.cancelled() => {}
        () = watching => {}
    }
}

async fn watch_once(state: &AppState) -> Result<(), DbError> {
    let mut listener = state.db.listen(&[CHANNEL]).await?;
    let tokens = state.hooks.tokens();
    loop {
        tokens.refresh(&state.db).await?;
        // A use that is not noted is no harm.
        tokens.note_used(&state.db).await?;
        if let Ok(told) = tokio::time::timeout(READ_EVERY, listener.next()).await {
            told?;
        }
    }
}
