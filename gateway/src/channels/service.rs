//! Connecting, changing and removing accounts.

use serde_json::{Value, json};
use trunkline_db::{ChannelAccountId, QueueId, SiteId, TenantTx};
use trunkline_jobs::NewJob;
use trunkline_journal::{Fault, Kind as EventKind, NewEvent, Ref};

use super::jobs;
use super::model::{ChannelAccount, Condition, CreateChannelAccount, Health, Kind, UpdateChannelAccount};
use super::registry::{open_secrets, place, webhook_url};
use super::settings::{self, Settled};
use super::store::{self, Row};
use crate::audit;
use crate::http::{AppError, IfMatch};
use crate::roles::Asking;
use crate::state::AppState;

const CREATED: EventKind = EventKind::from_static("channel_account.created");
const UPDATED: EventKind = EventKind::from_static("channel_account.updated");
const REMOVED: EventKind = EventKind::from_static("channel_account.removed");

/// Most accounts of a tenant.
const MAX_ACCOUNTS: i64 = 200;
/// Longest name, in characters.
const MAX_NAME: usize = 100;

pub(super) fn subject(id: ChannelAccountId) -> Ref {
    Ref::new("channel_account", id.uuid())
}

/// An account as the API shows it.
pub(super) fn view(state: &AppState, row: Row) -> Result<ChannelAccount, AppError> {
    let kind =
        Kind::parse(&row.kind).ok_or_else(|| AppError::internal(anyhow::anyhow!("an account of an unknown type")))?;
    let secrets = open_secrets(&state.vault, &row).map_err(AppError::internal)?;
    let condition: Condition = serde_json::from_value(row.health).unwrap_or_default();
    Ok(ChannelAccount {
        id: row.id,
        kind,
        name: row.name,
        secrets: Settled::secrets_set(kind, &secrets),
        verify_token: row.settings.get("verify_token").and_then(Value::as_str).map(str::to_owned),
        webhook_url: webhook_url(&state.config, kind, row.id),
        settings: row.settings,
        queue_id: row.queue_id,
        site_id: row.site_id,
        enabled: row.enabled,
        health: Health {
            webhook: condition.webhook,
            problem: condition.problem,
            token_expires_at: condition.token_expires_at,
            last_received_at: row.last_received_at,
            last_sent_at: row.last_sent_at,
        },
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// What the audit log keeps: the settings without what anybody could use, and never a secret.
fn told(account: &ChannelAccount) -> Value {
    let mut settings = account.settings.clone();
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("verify_token");
    }
    json!({
        "type": account.kind, "name": account.name, "settings": settings, "queue_id": account.queue_id,
        "site_id": account.site_id, "enabled": account.enabled,
    })
}

fn event(kind: EventKind, asking: &Asking, account: &ChannelAccount) -> NewEvent {
    let data =
        json!({ "account_id": account.id, "type": account.kind, "name": account.name, "enabled": account.enabled });
    NewEvent::new(kind, subject(account.id), data).actor(Ref::new("user", asking.by.user))
}

fn checked_name(name: &str) -> Result<String, AppError> {
    let name = name.trim();
    if !(1..=MAX_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(AppError::invalid_field("name", format!("must have 1 to {MAX_NAME} characters")));
    }
    Ok(name.to_owned())
}

async fn check_places(
    tx: &mut TenantTx<'_>,
    queue: Option<QueueId>,
    site: Option<SiteId>,
) -> Result<(), Fault<AppError>> {
    match store::places_exist(tx, queue, site).await? {
        (false, _) => Err(AppError::invalid_field("queue_id", "there is no such queue").into()),
        (_, false) => Err(AppError::invalid_field("site_id", "there is no such site").into()),
        _ => Ok(()),
    }
}

async fn locked(tx: &mut TenantTx<'_>, id: ChannelAccountId) -> Result<Row, Fault<AppError>> {
    store::lock(tx, id).await?.ok_or_else(|| AppError::not_found("channel account").into())
}

fn sealed(state: &AppState, row: &Row, settled: &Settled) -> Vec<u8> {
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(&settled.secrets).expect("texts are JSON"));
    state.vault.seal(&place(row.tenant, row.id), &plain).into_bytes()
}

/// Connects an account. Whether the provider knows it is found out by a job.
pub(super) async fn create(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &CreateChannelAccount,
) -> Result<(ChannelAccount, NewEvent), Fault<AppError>> {
    let name = checked_name(&wanted.name)?;
    let settled = settings::settle(wanted.kind, None, &wanted.settings).map_err(AppError::invalid)?;
    let settled = settings::with_tokens(wanted.kind, settled);
    check_places(tx, wanted.queue_id, wanted.site_id).await?;
    if store::count(tx).await? >= MAX_ACCOUNTS {
        let detail = format!("at most {MAX_ACCOUNTS} accounts can be connected");
        return Err(AppError::conflict("too-many-accounts", detail).into());
    }
    let now = chrono::Utc::now();
    let mut row = Row {
        tenant: tx.tenant(),
        id: ChannelAccountId::new(),
        kind: wanted.kind.as_str().to_owned(),
        name,
        settings: Value::Object(settled.open.clone()),
        secrets: Vec::new(),
        queue_id: wanted.queue_id,
        site_id: wanted.site_id,
        enabled: true,
        health: json!({}),
        last_received_at: None,
        last_sent_at: None,
        created_at: now,
        updated_at: now,
        removed_at: None,
    };
    row.secrets = sealed(state, &row, &settled);
    store::insert(tx, &row).await?;
    set_up(tx, row.id).await?;
    let account = view(state, locked(tx, row.id).await?)?;
    audit::append(tx, asking.entry("channel_account.connected", subject(account.id), None, Some(told(&account))))
        .await?;
    let happened = event(CREATED, asking, &account);
    Ok((account, happened))
}

/// The provider is told of us, and asked whether it knows the account.
async fn set_up(tx: &mut TenantTx<'_>, id: ChannelAccountId) -> Result<(), Fault<AppError>> {
    let job = NewJob::new(jobs::CONNECT, json!({ "account_id": id })).key(format!("connect/{id}")).max_attempts(8);
    trunkline_jobs::enqueue(tx, job).await?;
    Ok(())
}

/// Changes an account.
pub(super) async fn update(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ChannelAccountId,
    seen: &IfMatch,
    wanted: &UpdateChannelAccount,
) -> Result<(ChannelAccount, Option<NewEvent>), Fault<AppError>> {
    let before = locked(tx, id).await?;
    seen.check(before.updated_at)?;
    let shown_before = view(state, before.clone())?;
    let mut after = before.clone();
    let mut reaches_provider = false;
    if let Some(name) = &wanted.name {
        after.name = checked_name(name)?;
    }
    if let Some(changed) = &wanted.settings {
        let secrets = open_secrets(&state.vault, &before).map_err(AppError::internal)?;
        let open = before.settings.as_object().cloned().unwrap_or_default();
        let known = Settled { open, secrets };
        let settled = settings::settle(shown_before.kind, Some(&known), changed).map_err(AppError::invalid)?;
        let settled = settings::with_tokens(shown_before.kind, settled);
        if settled != known {
            after.settings = Value::Object(settled.open.clone());
            after.secrets = sealed(state, &before, &settled);
            reaches_provider = true;
        }
    }
    after.queue_id = wanted.queue_id.over(after.queue_id);
    after.site_id = wanted.site_id.over(after.site_id);
    check_places(tx, after.queue_id, after.site_id).await?;
    if let Some(enabled) = wanted.enabled {
        reaches_provider |= enabled && !after.enabled;
        after.enabled = enabled;
    }
    let secret_changed = after.secrets != before.secrets;
    store::update(tx, &after).await?;
    if reaches_provider {
        set_up(tx, id).await?;
    }
    let account = view(state, locked(tx, id).await?)?;
    let (old, new) = audit::changed(&told(&shown_before), &told(&account));
    if old == new && !secret_changed {
        return Ok((account, None));
    }
    let new = new.map(|mut new| {
        if let (true, Some(new)) = (secret_changed, new.as_object_mut()) {
            new.insert("secrets_changed".to_owned(), Value::Bool(true));
        }
        new
    });
    audit::append(tx, asking.entry("channel_account.updated", subject(id), old, new)).await?;
    let happened = event(UPDATED, asking, &account);
    Ok((account, Some(happened)))
}

/// Removes an account: its conversations stay, its secrets do not.
pub(super) async fn remove(
    state: &AppState,
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ChannelAccountId,
) -> Result<NewEvent, Fault<AppError>> {
    let row = locked(tx, id).await?;
    let nothing = state.vault.seal(&place(row.tenant, id), b"{}").into_bytes();
    let account = view(state, row)?;
    store::remove(tx, id, &nothing).await?;
    audit::append(tx, asking.entry("channel_account.removed", subject(id), Some(told(&account)), None)).await?;
    Ok(event(REMOVED, asking, &account))
}
