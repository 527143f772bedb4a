//! SQL of the roster: reads of all tenants, or of one, as the system.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use trunkline_db::{AgentId, ApiKeyId, Db, DbError, RoleId, TenantId, UserId};

use super::{KeyFacts, KnownKey, Member, Tenant};
use crate::http::{Permissions, Reach, Rights};

/// Members and keys as they are now. Somebody who may not sign in is no member here: disabled users, and
/// those of tenants that are suspended or being removed.
pub(super) async fn read(db: &Db, tenant: Option<TenantId>) -> Result<HashMap<TenantId, Tenant>, DbError> {
    // Before the reading begins: who was made a member afterwards may be missing.
    let read_at = Utc::now();
    let one = tenant.map(TenantId::uuid);
    let mut tx = db.system().await?;
    let members = sqlx::query!(
        r#"SELECT m.tenant_id AS "tenant_id!", m.user_id AS "user_id!", m.role AS "role!", m.custom_role_id, u.superadmin AS "superadmin!",
                  r.name AS "custom_name?", r.permissions AS "custom_permissions?", r.reach AS "custom_reach?"
             FROM memberships m
             JOIN users u ON u.id = m.user_id
             JOIN tenants t ON t.id = m.tenant_id
             LEFT JOIN roles r ON r.tenant_id = m.tenant_id AND r.id = m.custom_role_id
            WHERE ($1::uuid IS NULL OR m.tenant_id = $1) AND u.disabled_at IS NULL AND m.disabled_at IS NULL
              AND t.removal_started_at IS NULL AND t.suspended_at IS NULL"#,
        one,
    )
    .fetch_all(tx.conn())
    .await?;
    let led = sqlx::query!(
        "SELECT DISTINCT l.tenant_id, l.user_id AS lead, m.user_id
           FROM team_members l JOIN team_members m ON m.tenant_id = l.tenant_id AND m.team_id = l.team_id
          WHERE l.lead AND m.user_id <> l.user_id AND ($1::uuid IS NULL OR l.tenant_id = $1)
          ORDER BY l.tenant_id, l.user_id, m.user_id",
        one,
    )
    .fetch_all(tx.conn())
    .await?;
    let keys = sqlx::query!(
        "SELECT tenant_id, id, user_id, prefix, secret_hash, previous_hash, previous_until, permissions, allowed_addresses,
                requests_per_second, expires_at
           FROM api_keys
          WHERE ($1::uuid IS NULL OR tenant_id = $1) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
        one,
    )
    .fetch_all(tx.conn())
    .await?;
    let closed = sqlx::query_scalar!(
        "SELECT id FROM tenants
          WHERE ($1::uuid IS NULL OR id = $1) AND (suspended_at IS NOT NULL OR removal_started_at IS NOT NULL)",
        one,
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;

    let mut tenants: HashMap<TenantId, Tenant> = HashMap::new();
    if let Some(tenant) = tenant {
        tenants.insert(tenant, Tenant::empty(read_at));
    }
    for id in closed {
        tenants.entry(TenantId(id)).or_insert_with(|| Tenant::empty(read_at)).closed = true;
    }
    for row in members {
        // The schema allows no other words.
        let Ok(role) = row.role.parse() else { continue };
        let mut rights = match (&row.custom_permissions, &row.custom_reach) {
            (Some(permissions), Some(reach)) => Rights { permissions: given(permissions), reach: Reach::parse(reach) },
            _ => Rights::of(role),
        };
        if row.superadmin {
            rights.permissions = rights.permissions.or(Permissions::of_superadmin());
        }
        let custom_role = row.custom_role_id.map(RoleId).zip(row.custom_name);
        let tenant = tenants.entry(TenantId(row.tenant_id)).or_insert_with(|| Tenant::empty(read_at));
        tenant.members.insert(UserId(row.user_id), Member { role, custom_role, rights, led: Vec::new() });
    }
    for row in led {
        let tenant = tenants.get_mut(&TenantId(row.tenant_id));
        if let Some(lead) = tenant.and_then(|tenant| tenant.members.get_mut(&UserId(row.lead))) {
            lead.led.push(AgentId(row.user_id));
        }
    }
    for row in keys {
        let previous = row.previous_hash.as_deref().and_then(hash).zip(row.previous_until);
        // The schema allows no other length.
        let Some(secret_hash) = hash(&row.secret_hash) else { continue };
        let facts = KeyFacts {
            id: ApiKeyId(row.id),
            tenant: TenantId(row.tenant_id),
            user: UserId(row.user_id),
            prefix: row.prefix,
            secret_hash,
            previous,
            permissions: given(&row.permissions),
            restricted: !row.allowed_addresses.is_empty(),
            // One that cannot be read lets nobody in, rather than everybody.
            networks: row.allowed_addresses.iter().filter_map(|text| text.parse().ok()).collect(),
            per_second: row.requests_per_second.and_then(|number| u32::try_from(number).ok()),
            expires_at: row.expires_at,
        };
        let tenant = tenants.entry(facts.tenant).or_insert_with(|| Tenant::empty(read_at));
        tenant.keys.insert(facts.id, Arc::new(KnownKey { facts, uses: Arc::default() }));
    }
    Ok(tenants)
}

/// What a tenant gave by these names.
fn given(names: &[String]) -> Permissions {
    Permissions::of_names(names).without(Permissions::of_platform())
}

fn hash(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.try_into().ok()
}
