//! Making, changing, rotating and revoking keys. Nobody gives what they do not have.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use serde_json::json;
use trunkline_db::{ApiKeyId, TenantTx};
use trunkline_journal::{Fault, Kind, NewEvent, Ref, Scope};

use super::model::{ApiKey, CreateApiKey, NewApiKey, RotateApiKey, UpdateApiKey};
use super::secret::{NewSecret, random_prefix};
use super::store;
use crate::audit;
use crate::auth::Principal;
use crate::http::{AppError, IfMatch, Permissions, Rights};
use crate::roles::{Asking, checked_name, checked_permissions};

const CREATED: Kind = Kind::from_static("api_key.created");
const UPDATED: Kind = Kind::from_static("api_key.updated");
const ROTATED: Kind = Kind::from_static("api_key.rotated");
const REVOKED: Kind = Kind::from_static("api_key.revoked");

/// Most keys of a tenant that may be used at a time.
const MAX_KEYS: i64 = 200;
/// Most networks of a key.
const MAX_NETWORKS: usize = 50;
/// Highest limit of a key's own.
const MAX_PER_SECOND: i32 = 10_000;
/// How long an old secret is good beside the new one unless said.
const OVERLAP: TimeDelta = TimeDelta::days(1);
/// The longest that may be said.
const MAX_OVERLAP: TimeDelta = TimeDelta::days(30);

fn event(kind: Kind, key: &ApiKey, by: &Principal, data: serde_json::Value) -> NewEvent {
    // For those who see everything, and the one for whom it acts.
    NewEvent::new(kind, subject(key.id), data)
        .actor(Ref::new("user", by.user))
        .scopes([Scope::Agent(key.user_id.into())])
}

fn subject(id: ApiKeyId) -> Ref {
    Ref::new("api_key", id)
}

/// What the journal and the audit log keep of a key.
fn state_of(key: &ApiKey) -> serde_json::Value {
    json!({
        "name": key.name, "prefix": key.prefix, "permissions": key.permissions, "allowed_addresses": key.allowed_addresses,
        "requests_per_second": key.requests_per_second, "expires_at": key.expires_at,
    })
}

/// Some of what `by` may do.
fn permissions(by: &Principal, names: &[String]) -> Result<Vec<String>, AppError> {
    let permissions = checked_permissions(names)?;
    if permissions.is_empty() {
        return Err(AppError::invalid_field("permissions", "must name at least one; GET /permissions lists them"));
    }
    by.require_to_give(Rights { permissions, reach: by.reach })?;
    Ok(permissions.names().into_iter().map(str::to_owned).collect())
}

/// Networks as they are kept: an address is a network of one.
fn networks(texts: &[String]) -> Result<Vec<String>, AppError> {
    if texts.len() > MAX_NETWORKS {
        return Err(AppError::invalid_field("allowed_addresses", format!("takes at most {MAX_NETWORKS}")));
    }
    let mut networks = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        let text = text.trim();
        let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse::<IpNet>()).map_err(|_| {
            AppError::invalid_field(
                format!("allowed_addresses[{at}]"),
                "must be an address or a network such as 192.0.2.0/24 or 2001:db8::/32",
            )
        })?;
        networks.push(network.trunc().to_string());
    }
    networks.sort_unstable();
    networks.dedup();
    Ok(networks)
}

fn limit(number: Option<i32>) -> Result<Option<i32>, AppError> {
    if number.is_some_and(|number| !(1..=MAX_PER_SECOND).contains(&number)) {
        return Err(AppError::invalid_field("requests_per_second", format!("must be from 1 to {MAX_PER_SECOND}")));
    }
    Ok(number)
}

fn end(at: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>, AppError> {
    if at.is_some_and(|at| at <= Utc::now()) {
        return Err(AppError::invalid_field("expires_at", "must lie in the future; to end a key now, revoke it"));
    }
    Ok(at)
}

/// Makes a key that acts for `by`.
pub(super) async fn create(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &CreateApiKey,
) -> Result<(NewApiKey, NewEvent), Fault<AppError>> {
    let by = &asking.by;
    let name = checked_name(&wanted.name)?;
    let permissions = permissions(by, &wanted.permissions)?;
    let allowed_addresses = networks(&wanted.allowed_addresses)?;
    let (requests_per_second, expires_at) = (limit(wanted.requests_per_second)?, end(wanted.expires_at)?);
    if store::count(tx).await? >= MAX_KEYS {
        return Err(
            AppError::conflict("too-many-keys", format!("at most {MAX_KEYS} keys can be used at a time")).into()
        );
    }
    let (id, prefix, secret) = (ApiKeyId::new(), random_prefix(), NewSecret::random());
    let row = store::NewRow {
        id,
        user: by.user,
        name: &name,
        prefix: &prefix,
        secret_hash: &secret.hash,
        permissions: &permissions,
        allowed_addresses: &allowed_addresses,
        requests_per_second,
        expires_at,
    };
    store::insert(tx, &row).await?;
    let api_key = found(tx, id).await?;
    let after = state_of(&api_key);
    audit::append(tx, asking.entry("api_key.created", subject(id), None, Some(after.clone()))).await?;
    let event = event(CREATED, &api_key, by, after);
    Ok((NewApiKey { token: secret.key(&prefix), api_key }, event))
}

/// Changes a key.
pub(super) async fn update(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ApiKeyId,
    seen: &IfMatch,
    wanted: &UpdateApiKey,
) -> Result<(ApiKey, NewEvent), Fault<AppError>> {
    let by = &asking.by;
    let mut key = locked(tx, id).await?;
    seen.check(key.updated_at)?;
    let before = state_of(&key);
    if let Some(name) = &wanted.name {
        key.name = checked_name(name)?;
    }
    if let Some(names) = &wanted.permissions {
        key.permissions = permissions(by, names)?;
    }
    if let Some(texts) = &wanted.allowed_addresses {
        key.allowed_addresses = networks(texts)?;
    }
    key.requests_per_second = limit(wanted.requests_per_second.over(key.requests_per_second))?;
    if wanted.expires_at != crate::http::Patch::Keep {
        key.expires_at = end(wanted.expires_at.over(key.expires_at))?;
    }
    key.updated_at = store::update(tx, &key).await?;
    let after = state_of(&key);
    audit::append(tx, asking.entry("api_key.updated", subject(id), Some(before), Some(after.clone()))).await?;
    let event = event(UPDATED, &key, by, after);
    Ok((key, event))
}

/// Gives a key another secret. Only its maker may: whoever has the secret acts in the maker's name.
pub(super) async fn rotate(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: ApiKeyId,
    wanted: RotateApiKey,
) -> Result<(NewApiKey, NewEvent), Fault<AppError>> {
    let overlap = wanted.overlap_seconds.map_or(Some(OVERLAP), TimeDelta::try_seconds);
    let overlap = overlap.filter(|overlap| (TimeDelta::zero()..=MAX_OVERLAP).contains(overlap)).ok_or_else(|| {
        AppError::invalid_field("overlap_seconds", format!("must be from 0 to {}", MAX_OVERLAP.num_seconds()))
    })?;
    let by = &asking.by;
    let key = locked(tx, id).await?;
    if key.user_id != by.user {
        return Err(AppError::forbidden(
            "only who made a key may have its secret; revoke it, and make one of your own",
        )
        .into());
    }
    by.require_to_give(Rights { permissions: Permissions::of_names(&key.permissions), reach: by.reach })?;
    let secret = NewSecret::random();
    let until = Utc::now() + overlap;
    store::rotate(tx, id, &secret.hash, until).await?;
    let api_key = found(tx, id).await?;
    let after = json!({ "name": api_key.name, "previous_until": until });
    audit::append(tx, asking.entry("api_key.rotated", subject(id), None, Some(after))).await?;
    let event = event(ROTATED, &api_key, by, json!({ "name": api_key.name, "previous_until": until }));
    Ok((NewApiKey { token: secret.key(&api_key.prefix), api_key }, event))
}

/// Ends a key.
pub(super) async fn revoke(tx: &mut TenantTx<'_>, asking: &Asking, id: ApiKeyId) -> Result<NewEvent, Fault<AppError>> {
    let key = locked(tx, id).await?;
    store::revoke(tx, id).await?;
    audit::append(tx, asking.entry("api_key.revoked", subject(id), Some(state_of(&key)), None)).await?;
    Ok(event(REVOKED, &key, &asking.by, json!({ "name": key.name, "prefix": key.prefix })))
}

async fn locked(tx: &mut TenantTx<'_>, id: ApiKeyId) -> Result<ApiKey, Fault<AppError>> {
    if !store::lock(tx, id).await? {
        return Err(AppError::not_found("API key").into());
    }
    found(tx, id).await
}

async fn found(tx: &mut TenantTx<'_>, id: ApiKeyId) -> Result<ApiKey, Fault<AppError>> {
    store::find(tx, id).await?.ok_or_else(|| AppError::not_found("API key").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_kept_in_one_shape() {
        let given = ["192.0.2.7", "10.1.2.3/8", "2001:DB8::1/32", "10.0.0.0/8"].map(str::to_owned);
        assert_eq!(networks(&given).unwrap(), ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);
        for wrong in ["", "example.org", "192.0.2.0/33", "192.0.2.0/24/1"] {
            assert!(networks(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
