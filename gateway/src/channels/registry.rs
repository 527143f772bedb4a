//! The connected accounts of all tenants, in memory: a webhook and a message that is to be sent find theirs without asking the database.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use trunkline_channels::Adapter;
use trunkline_channels::client::{Client, Timing};
use trunkline_conversations::{Account, Rules};
use trunkline_db::{ChannelAccountId, Db, DbError, QueueId, TenantId};

use super::ingest::Ingest;
use super::metrics::ChannelMetrics;
use super::model::Kind;
use super::settings::Provider;
use super::store::{self, Row};
use crate::config::Config;
use crate::secrets::{OpenError, Place, Sealed, Vault};
use crate::state::AppState;

/// The notification that the trigger of `0022_channels.sql` sends, with the tenant.
const CHANNEL: &str = "trunkline_channels";
/// How often everything is read although nothing was said: a notification may be lost with its connection.
const READ_EVERY: Duration = Duration::from_secs(30);
/// Between two attempts while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// An account that is connected.
pub struct Connected {
    /// Whose it is.
    pub tenant: TenantId,
    /// The account.
    pub id: ChannelAccountId,
    /// The provider.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Whose work its conversations are.
    pub queue_id: Option<QueueId>,
    /// Whether anything is sent by it.
    pub enabled: bool,
    /// The provider's adapter by its own type.
    pub provider: Provider,
    /// What every provider can.
    pub adapter: Arc<dyn Adapter>,
    /// The account as receiving knows it.
    pub account: Account,
    /// Where the provider posts to.
    pub webhook_url: String,
}

impl fmt::Debug for Connected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connected")
            .field("tenant", &self.tenant)
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

impl Connected {
    /// From its row. It fails when its secrets do not open, or its type is none that we know.
    pub(super) fn of(vault: &Vault, config: &Config, row: &Row) -> Result<Self, Unusable> {
        let kind = Kind::parse(&row.kind).ok_or(Unusable::Kind)?;
        let channel = Account::channel_of(&row.kind).ok_or(Unusable::Kind)?;
        let secrets = open_secrets(vault, row)?;
        let webhook_url = webhook_url(config, kind, row.id);
        let provider = Provider::new(kind, &row.settings, &secrets, &webhook_url);
        let account = Account {
            tenant: row.tenant,
            id: row.id,
            channel,
            name: row.name.clone(),
            queue_id: row.queue_id,
            country: row.settings.get("country").and_then(Value::as_str).map(str::to_owned),
            rules: Rules::of(&row.settings),
        };
        Ok(Self {
            tenant: row.tenant,
            id: row.id,
            kind,
            name: row.name.clone(),
            queue_id: row.queue_id,
            enabled: row.enabled,
            adapter: provider.adapter(),
            provider,
            account,
            webhook_url,
        })
    }

    /// The provider's own line that the account is, where one webhook may tell of several.
    pub(super) fn line(&self) -> Option<&str> {
        match &self.provider {
            Provider::Whatsapp(whatsapp) => Some(&whatsapp.account.phone_number_id),
            Provider::Telegram(_) | Provider::Twilio(_) => None,
        }
    }
}

/// Why an account cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("its type is not known")]
    Kind,
    #[error("its secrets do not open: {0}")]
    Sealed(#[from] OpenError),
    #[error("its secrets are no JSON object")]
    Secrets,
}

/// Where an account's secrets are sealed for.
pub(super) fn place(tenant: TenantId, id: ChannelAccountId) -> Place {
    Place { tenant: Some(tenant), table: "channel_accounts", column: "secrets_sealed", row: id.to_string() }
}

/// An account's secrets.
pub(super) fn open_secrets(vault: &Vault, row: &Row) -> Result<Map<String, Value>, Unusable> {
    let plain = vault.open(&place(row.tenant, row.id), &Sealed::from(row.secrets.clone()))?;
    serde_json::from_slice(&plain).map_err(|_| Unusable::Secrets)
}

/// Where an account's provider posts to.
pub(super) fn webhook_url(config: &Config, kind: Kind, id: ChannelAccountId) -> String {
    format!("{}/webhooks/{}/{id}", config.public_url.as_str().trim_end_matches('/'), kind.as_str())
}

/// The connected accounts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Channels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    // Held for a look or an exchange, never across an await.
    accounts: RwLock<HashMap<ChannelAccountId, Arc<Connected>>>,
    /// Whether what is here is what the database has, as far as we were told.
    fresh: AtomicBool,
    client: Client,
    ingest: Ingest,
    metrics: ChannelMetrics,
}

impl Channels {
    /// None yet; [`watch`] reads them.
    pub(crate) fn start(db: Db, metrics: ChannelMetrics, cancel: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            accounts: RwLock::default(),
            fresh: AtomicBool::new(false),
            client: Client::new(Timing::default()),
            ingest: Ingest::start(db, metrics.clone(), cancel),
            metrics,
        }))
    }

    /// An account that is not removed, enabled or not.
    pub fn get(&self, id: ChannelAccountId) -> Option<Arc<Connected>> {
        self.0.accounts.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// The account of a tenant's that is this line of the provider's.
    pub(super) fn of_line(&self, tenant: TenantId, kind: Kind, line: &str) -> Option<Arc<Connected>> {
        let accounts = self.0.accounts.read().unwrap_or_else(PoisonError::into_inner);
        let is_it = |one: &&Arc<Connected>| one.tenant == tenant && one.kind == kind && one.line() == Some(line);
        accounts.values().find(is_it).cloned()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Connected>> {
        self.0.accounts.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether an account that is not here does not exist: false while the database is away.
    pub(super) fn is_fresh(&self) -> bool {
        self.0.fresh.load(Ordering::Acquire)
    }

    /// Sends requests to providers: one for the whole process.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// Stores what providers tell.
    pub(super) fn ingest(&self) -> &Ingest {
        &self.0.ingest
    }

    /// Figures of files: by what became of them.
    pub(crate) fn media(&self) -> &prometheus::IntCounterVec {
        &self.0.metrics.media
    }

    /// Figures.
    pub(super) fn metrics(&self) -> &ChannelMetrics {
        &self.0.metrics
    }

    /// Reads a tenant's accounts, or all, anew: also after a change of this node's own, so that it counts at once.
    pub async fn refresh(&self, state: &AppState, tenant: Option<TenantId>) -> Result<(), DbError> {
        let mut tx = state.db.system().await?;
        let rows = store::read(&mut tx, tenant).await?;
        tx.commit().await?;
        let mut read = HashMap::with_capacity(rows.len());
        for row in rows {
            match Connected::of(&state.vault, &state.config, &row) {
                Ok(connected) => {
                    read.insert(row.id, Arc::new(connected));
                }
                Err(error) => {
                    tracing::error!(account = %row.id, tenant = %row.tenant, %error, "a channel account cannot be used");
                }
            }
        }
        let mut accounts = self.0.accounts.write().unwrap_or_else(PoisonError::into_inner);
        match tenant {
            Some(tenant) => accounts.retain(|_, one| one.tenant != tenant),
            None => accounts.clear(),
        }
        accounts.extend(read);
        Ok(())
    }
}

/// An account whose secrets are needed although it may be removed: what it was told is applied still.
pub(crate) async fn load(
    state: &AppState,
    tenant: TenantId,
    id: ChannelAccountId,
) -> Result<Option<Arc<Connected>>, DbError> {
    if let Some(connected) = state.channels.get(id).filter(|one| one.tenant == tenant) {
        return Ok(Some(connected));
    }
    let mut tx = state.db.tenant(tenant).await?;
    let row = store::find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(row.and_then(|row| Connected::of(&state.vault, &state.config, &row).ok()).map(Arc::new))
}

/// Keeps the accounts as the database has them.
pub async fn watch(state: AppState, cancel: CancellationToken) {
    let watching = async {
        loop {
            if let Err(error) = watch_once(&state).await {
                state.channels.0.fresh.store(false, Ordering::Release);
                tracing::debug!(%error, "cannot watch channel accounts; trying again");
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
    let mut tenant = None;
    loop {
        state.channels.refresh(state, tenant).await?;
        state.channels.0.fresh.store(true, Ordering::Release);
        tenant = match tokio::time::timeout(READ_EVERY, listener.next()).await {
            Ok(told) => told?.payload.parse().ok(),
            Err(_) => None,
        };
    }
}
