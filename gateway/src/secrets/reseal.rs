//! Rotation: after the master key was changed, everything is sealed anew under the newest, in small steps, while the gateway works.
//!
//! There is nothing to resume: an envelope names its key, so what is still to be done is what is found.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use trunkline_db::{Db, DbError, TenantId};

use super::store::{self, Found};
use super::{KeySource, Place, Sealed, Vault};

/// Most rows of one transaction.
const CHUNK: i64 = 100;
/// How often the keys' file is looked at.
const LOOK: Duration = Duration::from_secs(15);
/// Between two attempts that the database did not let end.
const RETRY: Duration = Duration::from_secs(30);

/// A column whose values are envelopes of the [`Vault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// SQL that gives the row's key as text: [`Place::row`].
    pub row: &'static str,
    /// Whether it is a tenant's table; else one that the system's role may read and update.
    pub of_tenants: bool,
}

/// Every sealed column. A new one is added here, and rotates with the others.
pub const SEALED: &[SealedColumn] = &[
    SealedColumn { table: "devices", column: "ha1_sealed", row: "id::text", of_tenants: true },
    SealedColumn { table: "account_totp", column: "secret_sealed", row: "user_id::text", of_tenants: false },
    SealedColumn {
        table: "identity_providers",
        column: "client_secret_sealed",
        row: "tenant_id::text",
        of_tenants: true,
    },
    SealedColumn { table: "channel_accounts", column: "secrets_sealed", row: "id::text", of_tenants: true },
    SealedColumn { table: "trunks", column: "password_sealed", row: "id::text", of_tenants: true },
    SealedColumn {
        table: "idempotency_keys",
        column: "response",
        row: "(user_id::text || ' ' || route || ' ' || key)",
        of_tenants: true,
    },
];

/// Figures of the vault.
#[derive(Debug, Clone)]
pub(crate) struct SecretMetrics {
    /// Envelopes sealed anew, by table.
    resealed: IntCounterVec,
    /// Envelopes that are not under the newest key, by table, when last counted.
    under_old_keys: IntGaugeVec,
    /// Readings of the keys by result (`same`, `changed`, `failed`).
    reloads: IntCounterVec,
}

impl SecretMetrics {
    /// Makes and registers them.
    ///
    /// # Panics
    /// When a name is taken: a mistake in the code, found at the first start.
    pub(crate) fn register(registry: &Registry) -> Self {
        let counters = |name: &str, help: &str, label: &str| {
            IntCounterVec::new(Opts::new(name, help), &[label]).expect("the name and labels are valid")
        };
        let metrics = Self {
            resealed: counters("trunkline_secrets_resealed_total", "Envelopes sealed anew after a rotation", "table"),
            under_old_keys: IntGaugeVec::new(
                Opts::new("trunkline_secrets_under_old_keys", "Envelopes that are not under the newest master key"),
                &["table"],
            )
            .expect("the name and labels are valid"),
            reloads: counters("trunkline_master_key_reloads_total", "Readings of the master keys", "result"),
        };
        for result in ["same", "changed", "failed"] {
            metrics.reloads.with_label_values(&[result]);
        }
        for column in SEALED {
            metrics.resealed.with_label_values(&[column.table]);
            metrics.under_old_keys.with_label_values(&[column.table]);
        }
        let register = |collector: Box<dyn prometheus::core::Collector>| {
            registry.register(collector).expect("every metric has a name of its own");
        };
        register(Box::new(metrics.resealed.clone()));
        register(Box::new(metrics.under_old_keys.clone()));
        register(Box::new(metrics.reloads.clone()));
        metrics
    }
}

/// Reads the keys again on SIGHUP and when their file changes, and seals anew what is not under the newest.
pub(crate) async fn keep_current(vault: Vault, db: Db, metrics: SecretMetrics, cancel: CancellationToken) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::error!("cannot watch for SIGHUP; the master keys are read at the start alone");
        return;
    };
    let file = match vault.source() {
        KeySource::File(path) => Some(path.clone()),
        _ => None,
    };
    let mut seen = changed_at(file.as_ref());
    let mut due = true;
    loop {
        if due {
            due = match reseal(&vault, &db, &metrics).await {
                Ok(_) => false,
                Err(error) => {
                    tracing::warn!(%error, "not everything could be sealed under the newest master key; trying again");
                    true
                }
            };
        }
        let wait = if due { RETRY } else { LOOK };
        let asked = tokio::select! {
            () = cancel.cancelled() => return,
            _ = hangup.recv() => true,
            () = tokio::time::sleep(wait) => false,
        };
        let now = changed_at(file.as_ref());
        if asked || now != seen {
            seen = now;
            due |= reload(&vault, &metrics).await;
        }
    }
}

async fn reload(vault: &Vault, metrics: &SecretMetrics) -> bool {
    let result = vault.reload().await;
    let (word, changed) = match &result {
        Ok(true) => ("changed", true),
        Ok(false) => ("same", false),
        Err(_) => ("failed", false),
    };
    metrics.reloads.with_label_values(&[word]).inc();
    match result {
        Ok(_) => {
            tracing::info!(newest = vault.ring().newest_in_words(), keys = vault.ring().len(), "read the master keys");
        }
        Err(error) => tracing::error!(%error, "the master keys cannot be read; those from before stay in use"),
    }
    changed
}

/// When a file was changed: time and length, since an edit may keep the time's second.
fn changed_at(file: Option<&PathBuf>) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(file?).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Everything once.
async fn reseal(vault: &Vault, db: &Db, metrics: &SecretMetrics) -> Result<u64, DbError> {
    let tenants = store::tenants(db).await?;
    let mut whole = 0;
    for column in SEALED {
        let mut total = 0;
        if column.of_tenants {
            for tenant in &tenants {
                total += reseal_column(vault, db, *column, Some(*tenant), metrics).await?;
            }
        } else {
            total += reseal_column(vault, db, *column, None, metrics).await?;
        }
        let left = count(vault, db, *column, &tenants).await?;
        metrics.under_old_keys.with_label_values(&[column.table]).set(left);
        if total > 0 || left > 0 {
            tracing::info!(table = column.table, resealed = total, left, "sealed under the newest master key");
        }
        whole += total;
    }
    Ok(whole)
}

async fn reseal_column(
    vault: &Vault,
    db: &Db,
    column: SealedColumn,
    tenant: Option<TenantId>,
    metrics: &SecretMetrics,
) -> Result<u64, DbError> {
    let (mut total, mut after) = (0, String::new());
    loop {
        let (last, replaced) = if let Some(owner) = tenant {
            let mut tx = db.tenant(owner).await?;
            let done = step(vault, tx.conn(), column, tenant, &after).await?;
            tx.commit().await?;
            done
        } else {
            let mut tx = db.system().await?;
            let done = step(vault, tx.conn(), column, tenant, &after).await?;
            tx.commit().await?;
            done
        };
        metrics.resealed.with_label_values(&[column.table]).inc_by(replaced);
        total += replaced;
        let Some(last) = last else { return Ok(total) };
        after = last;
        // Between two steps others have their turn at the rows.
        tokio::task::yield_now().await;
    }
}

/// Some rows behind one: the last of them (none at the end), and how many were sealed anew.
async fn step(
    vault: &Vault,
    connection: &mut sqlx::PgConnection,
    column: SealedColumn,
    tenant: Option<TenantId>,
    after: &str,
) -> Result<(Option<String>, u64), DbError> {
    let found = store::under_other_keys(connection, column, vault.newest(), after, CHUNK).await?;
    let last = found.last().map(|found| found.row.clone());
    let fresh = anew(vault, column, tenant, found);
    let replaced = if fresh.is_empty() { 0 } else { store::replace(connection, column, &fresh).await? };
    Ok((last, replaced))
}

/// New envelopes for those that open; the others are left, and counted.
fn anew(vault: &Vault, column: SealedColumn, tenant: Option<TenantId>, found: Vec<Found>) -> Vec<(Found, Vec<u8>)> {
    found
        .into_iter()
        .filter_map(|found| {
            let place = Place { tenant, table: column.table, column: column.column, row: found.row.clone() };
            match vault.open(&place, &Sealed::from(found.sealed.clone())) {
                Ok(plain) => {
                    let sealed = vault.seal(&place, &plain).into_bytes();
                    Some((found, sealed))
                }
                Err(error) => {
                    tracing::error!(table = column.table, row = found.row, %error, "an envelope does not open");
                    None
                }
            }
        })
        .collect()
}

/// Seals everything anew that is not under the newest key, once. Returns how many envelopes it were.
pub async fn reseal_all(vault: &Vault, db: &Db) -> Result<u64, DbError> {
    reseal(vault, db, &SecretMetrics::register(&Registry::new())).await
}

async fn count(vault: &Vault, db: &Db, column: SealedColumn, tenants: &[TenantId]) -> Result<i64, DbError> {
    let mut total = 0;
    if column.of_tenants {
        for tenant in tenants {
            let mut tx = db.tenant(*tenant).await?;
            total += store::count_under_other_keys(tx.conn(), column, vault.newest()).await?;
            tx.commit().await?;
        }
    } else {
        let mut tx = db.system().await?;
        total = store::count_under_other_keys(tx.conn(), column, vault.newest()).await?;
        tx.commit().await?;
    }
    Ok(total)
}

/// How many envelopes of each sealed column are not under the newest key: what `trunkline doctor` tells.
pub async fn under_old_keys(vault: &Vault, db: &Db) -> Result<Vec<(&'static str, i64)>, DbError> {
    let tenants = store::tenants(db).await?;
    let mut counts = Vec::with_capacity(SEALED.len());
    for column in SEALED {
        counts.push((column.table, count(vault, db, *column, &tenants).await?));
    }
    Ok(counts)
}
