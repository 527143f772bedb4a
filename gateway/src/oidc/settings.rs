//! Naming a tenant's identity provider.

use serde_json::{Value, json};
use trunkline_db::TenantId;
use trunkline_journal::Ref;
use url::{Host, Url};
use uuid::Uuid;

use super::model::{IdentityProvider, SetIdentityProvider};
use super::store::{self, Row};
use crate::audit;
use crate::http::{AppError, Rights};
use crate::roles::Asking;
use crate::secrets::{Place, Sealed, Secret};
use crate::state::AppState;

/// Longest name, address and id, in bytes.
const MAX_BYTES: usize = 300;
/// Most domains.
const MAX_DOMAINS: usize = 50;

/// Where providers send people back to.
pub(super) fn redirect_uri(state: &AppState) -> String {
    format!("{}/api/v1/auth/oidc/callback", state.config.public_url.as_str().trim_end_matches('/'))
}

fn secret_place(tenant: TenantId) -> Place {
    Place { tenant: Some(tenant), table: "identity_providers", column: "client_secret_sealed", row: tenant.to_string() }
}

/// The client secret, if there is one.
pub(super) fn opened_secret(
    state: &AppState,
    tenant: TenantId,
    sealed: Option<Vec<u8>>,
) -> Result<Option<Secret>, AppError> {
    sealed
        .map(|sealed| state.vault.open_text(&secret_place(tenant), &Sealed::from(sealed)))
        .transpose()
        .map_err(AppError::internal)
}

fn view(state: &AppState, row: Row) -> IdentityProvider {
    IdentityProvider {
        name: row.name,
        issuer: row.issuer,
        client_id: row.client_id,
        has_client_secret: row.secret.is_some(),
        allowed_domains: row.allowed_domains,
        auto_role: row.auto_role,
        redirect_uri: redirect_uri(state),
        updated_at: row.updated_at,
    }
}

/// What the audit log keeps: all but the secret.
fn told(row: &Row) -> Value {
    json!({ "name": row.name, "issuer": row.issuer, "client_id": row.client_id, "has_secret": row.secret.is_some(),
            "allowed_domains": row.allowed_domains, "auto_role": row.auto_role })
}

pub(super) async fn get(state: &AppState, tenant: TenantId) -> Result<IdentityProvider, AppError> {
    let mut tx = state.db.tenant(tenant).await?;
    let row = store::lock(&mut tx).await?.ok_or_else(|| AppError::not_found("identity provider"))?;
    Ok(view(state, row))
}

/// Names the provider. It is asked at once whether it is there, so that a mistake shows now and not at the next sign-in.
pub(super) async fn set(
    state: &AppState,
    asking: &Asking,
    wanted: SetIdentityProvider,
) -> Result<IdentityProvider, AppError> {
    let tenant = asking.by.tenant;
    let text = |field: &str, text: &str| -> Result<String, AppError> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_BYTES || text.chars().any(char::is_control) {
            return Err(AppError::invalid_field(field, format!("must have from 1 to {MAX_BYTES} bytes")));
        }
        Ok(text.to_owned())
    };
    let (name, client_id) = (text("name", &wanted.name)?, text("client_id", &wanted.client_id)?);
    let issuer = text("issuer", &wanted.issuer)?;
    if !Url::parse(&issuer).is_ok_and(|url| url.query().is_none() && url.fragment().is_none() && url.has_host()) {
        return Err(AppError::invalid_field("issuer", "must be an address such as https://accounts.example.org"));
    }
    let allowed_domains = domains(&wanted.allowed_domains)?;
    if let Some(role) = wanted.auto_role {
        asking.by.require_to_give(Rights::of(role))?;
    }
    if wanted.client_secret.as_ref().is_some_and(|secret| secret.expose().len() > MAX_BYTES) {
        return Err(AppError::invalid_field("client_secret", format!("must have at most {MAX_BYTES} bytes")));
    }
    state
        .providers
        .discovery(&issuer)
        .await
        .map_err(|error| AppError::invalid_field("issuer", format!("the provider cannot be used: {error}")))?;
    let mut tx = state.db.tenant(tenant).await?;
    let before = store::lock(&mut tx).await?;
    let secret = match &wanted.client_secret {
        // A secret is not sent to another issuer than the one that it was given for.
        None => before.as_ref().filter(|before| before.issuer == issuer).and_then(|before| before.secret.clone()),
        Some(secret) if secret.expose().is_empty() => None,
        Some(secret) => Some(state.vault.seal(&secret_place(tenant), secret.expose().as_bytes()).into_bytes()),
    };
    let mut row = Row {
        name,
        issuer,
        client_id,
        secret,
        allowed_domains,
        auto_role: wanted.auto_role,
        updated_at: chrono::Utc::now(),
    };
    row.updated_at = store::set(&mut tx, &row).await?;
    let subject = Ref::new("identity_provider", Uuid::nil());
    let entry = asking.entry("identity_provider.set", subject, before.as_ref().map(told), Some(told(&row)));
    audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(view(state, row))
}

pub(super) async fn remove(state: &AppState, asking: &Asking) -> Result<(), AppError> {
    let mut tx = state.db.tenant(asking.by.tenant).await?;
    let before = store::lock(&mut tx).await?.ok_or_else(|| AppError::not_found("identity provider"))?;
    store::remove(&mut tx).await?;
    let subject = Ref::new("identity_provider", Uuid::nil());
    audit::append(&mut tx, asking.entry("identity_provider.removed", subject, Some(told(&before)), None)).await?;
    Ok(tx.commit().await?)
}

fn domains(given: &[String]) -> Result<Vec<String>, AppError> {
    let wrong = || AppError::invalid_field("allowed_domains", "must be from 1 to 50 domains such as example.org");
    if given.is_empty() || given.len() > MAX_DOMAINS {
        return Err(wrong());
    }
    given
        .iter()
        .map(|domain| match Host::parse(domain.trim().trim_start_matches('@')) {
            Ok(Host::Domain(domain)) if domain.contains('.') && domain.len() <= 253 => Ok(domain.to_lowercase()),
            _ => Err(wrong()),
        })
        .collect()
}
