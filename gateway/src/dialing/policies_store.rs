//! All tenants' rules and lists, for call control. A tenant's lists may be long: they are read again only when they changed.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use trunkline_calls::names::ResourceName;
use trunkline_db::{AgentId, CallId, Db, DbError, SystemTx, TenantId};
use trunkline_dialing::{Mark, Policy, Rules, Usage, country_of};

use super::store::decode;

/// What was read so far, with the version that each tenant had.
#[derive(Debug, Default)]
pub(crate) struct Policies(HashMap<TenantId, Known>);

#[derive(Debug)]
struct Known {
    version: i64,
    /// The tenant's numbers, which tell its country and what it may show.
    numbers: Vec<String>,
    policy: Arc<Policy>,
}

impl Policies {
    /// The policies of these tenants now.
    pub(crate) async fn refreshed(
        &mut self,
        tx: &mut SystemTx,
        tenants: impl Iterator<Item = TenantId>,
        numbers: &HashMap<TenantId, Vec<String>>,
    ) -> Result<HashMap<TenantId, Arc<Policy>>, DbError> {
        let versions = sqlx::query!(r#"SELECT tenant_id AS "tenant: TenantId", version FROM dialing_versions"#)
            .fetch_all(tx.conn())
            .await?;
        let versions: HashMap<TenantId, i64> = versions.into_iter().map(|row| (row.tenant, row.version)).collect();
        let mut policies = HashMap::new();
        let mut known = HashMap::new();
        for tenant in tenants {
            let version = versions.get(&tenant).copied().unwrap_or(0);
            let own = numbers.get(&tenant).cloned().unwrap_or_default();
            let same = self.0.remove(&tenant).filter(|it| it.version == version && it.numbers == own);
            let read = if let Some(same) = same {
                same
            } else {
                let policy = Arc::new(read(tx, tenant, &own).await?);
                Known { version, numbers: own, policy }
            };
            policies.insert(tenant, Arc::clone(&read.policy));
            known.insert(tenant, read);
        }
        self.0 = known;
        Ok(policies)
    }
}

async fn read(tx: &mut SystemTx, tenant: TenantId, numbers: &[String]) -> Result<Policy, DbError> {
    let set = sqlx::query_scalar!("SELECT rules FROM dialing_rules WHERE tenant_id = $1", tenant.uuid())
        .fetch_optional(tx.conn())
        .await?;
    let set: Option<Rules> = match set.map(decode).transpose() {
        Ok(set) => set,
        Err(error) => {
            // Written by a version that is newer than this one. Nobody is called by rules that are not understood, and calls that come in go on.
            tracing::error!(%tenant, %error, "a tenant's rules for outbound calls cannot be read; it calls nobody");
            return Ok(Policy { rules: None, ..lists(tx, tenant).await? });
        }
    };
    Ok(Policy { rules: Policy::rules(set, numbers), ..lists(tx, tenant).await? })
}

async fn lists(tx: &mut SystemTx, tenant: TenantId) -> Result<Policy, DbError> {
    let entries = sqlx::query!("SELECT number, until FROM dnc_entries WHERE tenant_id = $1", tenant.uuid())
        .fetch_all(tx.conn())
        .await?;
    let marks = marks(tx.conn(), tenant).await?;
    let do_not_call: HashMap<String, Option<DateTime<Utc>>> =
        entries.into_iter().map(|row| (row.number, row.until)).collect();
    Ok(Policy { rules: None, do_not_call, marks })
}

/// Whom a tenant marked.
pub(crate) async fn marks(conn: &mut PgConnection, tenant: TenantId) -> Result<HashMap<String, Mark>, DbError> {
    let marks = sqlx::query!("SELECT number, mark FROM caller_marks WHERE tenant_id = $1", tenant.uuid())
        .fetch_all(conn)
        .await?;
    Ok(marks.into_iter().filter_map(|row| Some((row.number, Mark::parse(&row.mark)?))).collect())
}

/// The outbound calls of the last day, for caps that count across a restart.
pub(crate) async fn recent_usage(
    db: &Db,
    policies: &HashMap<TenantId, Arc<Policy>>,
) -> Result<Vec<(TenantId, Usage)>, DbError> {
    let mut tx = db.system().await?;
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", id AS "id: CallId", agent_id AS "agent: AgentId", to_number, started_at,
                  answered_at, ended_at
             FROM calls
            WHERE direction = 'outbound' AND started_at > now() - interval '1 day' AND end_reason IS DISTINCT FROM 'blocked'
              -- One that is to be made by itself, or was, and nobody was dialled.
              AND (agent_id IS NOT NULL OR queued_at IS NULL)
            ORDER BY started_at"#
    )
    .fetch_all(tx.conn())
    .await?;
    let legs = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", id, agent_id AS "agent: AgentId", number AS "number!", started_at,
                  answered_at, ended_at
             FROM call_legs
            WHERE kind = 'outside' AND started_at > now() - interval '1 day'
            ORDER BY started_at"#
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    let international = |tenant: TenantId, number: &str| {
        let home = policies.get(&tenant).and_then(|policy| policy.rules.as_ref()).map(|rules| rules.country);
        // A short code or an emergency number is of the own country.
        number.starts_with('+') && country_of(number) != home
    };
    let calls = rows.into_iter().map(|row| {
        let usage = Usage {
            call: row.id.uuid(),
            agent: row.agent.map(AgentId::uuid),
            international: international(row.tenant, &row.to_number),
            began: row.started_at,
            answered: row.answered_at,
            ended: row.ended_at,
        };
        (row.tenant, usage)
    });
    let legs = legs.into_iter().filter_map(|row| {
        let usage = Usage {
            call: row.id.parse::<ResourceName>().ok()?.usage(),
            agent: row.agent.map(AgentId::uuid),
            international: international(row.tenant, &row.number),
            began: row.started_at,
            answered: row.answered_at,
            ended: row.ended_at,
        };
        Some((row.tenant, usage))
    });
    Ok(calls.chain(legs).collect())
}
