//! SQL of reports: stored cells, added up.

use std::collections::HashMap;

use trunkline_db::{AgentId, DbError, QueueId, SystemTx, TenantId, TenantTx};
use trunkline_figures::{Bucket, Figures};
use uuid::Uuid;

use super::model::By;
use crate::queues;
use crate::roster::Sight;

/// Which cells are wanted, and whose sight they have to be in.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) queue: Option<Uuid>,
    pub(super) agent: Option<Uuid>,
    all: bool,
    agents: Vec<Uuid>,
    queues: Vec<Uuid>,
}

impl Scope {
    /// As the user sees the tenant's work: all of it, or what one's queues, oneself, and the members of one's teams do.
    pub(super) async fn of(
        tx: &mut TenantTx<'_>,
        sight: &Sight,
        queue: Option<Uuid>,
        agent: Option<Uuid>,
    ) -> Result<Self, DbError> {
        let queues = if sight.all {
            Vec::new()
        } else {
            queues::store::of_agent(tx, AgentId::from(sight.user)).await?.into_iter().map(QueueId::uuid).collect()
        };
        Ok(Self { queue, agent, all: sight.all, agents: sight.agents(), queues })
    }

    /// Whether what an agent does with their time is in it.
    pub(super) fn has_agent(&self, agent: Uuid) -> bool {
        self.queue.is_none()
            && self.agent.is_none_or(|wanted| wanted == agent)
            && (self.all || self.agents.contains(&agent))
    }
}

/// The sums of one bucket (by its number, from 0), queue or agent.
pub(super) type Sum = ((usize, Option<Uuid>), Figures);

/// Adds up cells by bucket, and by queue or agent.
pub(super) async fn sums(
    tx: &mut TenantTx<'_>,
    buckets: &[Bucket],
    by: By,
    scope: &Scope,
    most: i64,
) -> Result<Vec<Sum>, DbError> {
    let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else { return Ok(Vec::new()) };
    let starts: Vec<i64> = buckets.iter().map(|bucket| bucket.from.0).collect();
    let rows = sqlx::query!(
        r#"SELECT width_bucket(f.quarter, $1::bigint[]) AS "bucket!",
                  CASE $2 WHEN 'queue' THEN f.queue_id WHEN 'agent' THEN f.agent_id END AS who,
                  sum(f.offered)::bigint AS "offered!", sum(f.answered)::bigint AS "answered!",
                  sum(f.answered_in_level)::bigint AS "answered_in_level!", sum(f.abandoned)::bigint AS "abandoned!",
                  sum(f.short_abandoned)::bigint AS "short_abandoned!", sum(f.overflowed)::bigint AS "overflowed!",
                  sum(f.unserved)::bigint AS "unserved!", sum(f.answer_wait_ms)::bigint AS "answer_wait_ms!",
                  sum(f.abandon_wait_ms)::bigint AS "abandon_wait_ms!", max(f.longest_wait_ms) AS "longest_wait_ms!",
                  sum(f.offers)::bigint AS "offers!", sum(f.missed_offers)::bigint AS "missed_offers!",
                  sum(f.contacts)::bigint AS "contacts!", sum(f.talk_ms)::bigint AS "talk_ms!",
                  sum(f.hold_ms)::bigint AS "hold_ms!", sum(f.wrap_up_ms)::bigint AS "wrap_up_ms!",
                  sum(f.transfers_in)::bigint AS "transfers_in!", sum(f.transfers_out)::bigint AS "transfers_out!",
                  sum(f.available_ms)::bigint AS "available_ms!", sum(f.on_contact_ms)::bigint AS "on_contact_ms!",
                  sum(f.wrapping_up_ms)::bigint AS "wrapping_up_ms!", sum(f.paused_ms)::bigint AS "paused_ms!",
                  sum(f.unreachable_ms)::bigint AS "unreachable_ms!", sum(f.offline_ms)::bigint AS "offline_ms!"
             FROM call_figures f
            WHERE f.quarter >= $3 AND f.quarter < $4
              AND ($5::uuid IS NULL OR f.queue_id = $5) AND ($6::uuid IS NULL OR f.agent_id = $6)
              AND ($7 OR f.queue_id = ANY($8) OR f.agent_id = ANY($9))
            GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $10"#,
        &starts,
        by.as_str(),
        first.from.0,
        last.to.0,
        scope.queue,
        scope.agent,
        scope.all,
        &scope.queues,
        &scope.agents,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let figures = Figures {
                offered: row.offered,
                answered: row.answered,
                answered_in_level: row.answered_in_level,
                abandoned: row.abandoned,
                short_abandoned: row.short_abandoned,
                overflowed: row.overflowed,
                unserved: row.unserved,
                answer_wait_ms: row.answer_wait_ms,
                abandon_wait_ms: row.abandon_wait_ms,
                longest_wait_ms: row.longest_wait_ms,
                offers: row.offers,
                missed_offers: row.missed_offers,
                contacts: row.contacts,
                talk_ms: row.talk_ms,
                hold_ms: row.hold_ms,
                wrap_up_ms: row.wrap_up_ms,
                transfers_in: row.transfers_in,
                transfers_out: row.transfers_out,
                available_ms: row.available_ms,
                on_contact_ms: row.on_contact_ms,
                wrapping_up_ms: row.wrapping_up_ms,
                paused_ms: row.paused_ms,
                unreachable_ms: row.unreachable_ms,
                offline_ms: row.offline_ms,
                pauses: std::collections::BTreeMap::new(),
            };
            ((row.bucket as usize - 1, row.who), figures)
        })
        .collect())
}

/// Pauses by reason, of the same buckets. They belong to no queue.
pub(super) async fn pauses(
    tx: &mut TenantTx<'_>,
    buckets: &[Bucket],
    by: By,
    scope: &Scope,
    most: i64,
) -> Result<Vec<Sum>, DbError> {
    let (Some(first), Some(last), None) = (buckets.first(), buckets.last(), scope.queue) else { return Ok(Vec::new()) };
    let starts: Vec<i64> = buckets.iter().map(|bucket| bucket.from.0).collect();
    let rows = sqlx::query!(
        r#"SELECT width_bucket(p.quarter, $1::bigint[]) AS "bucket!", CASE WHEN $2 THEN p.agent_id END AS who, p.reason,
                  sum(p.ms)::bigint AS "ms!"
             FROM pause_figures p
            WHERE p.quarter >= $3 AND p.quarter < $4 AND ($5::uuid IS NULL OR p.agent_id = $5)
              AND ($6 OR p.agent_id = ANY($7))
            GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT $8"#,
        &starts,
        by == By::Agent,
        first.from.0,
        last.to.0,
        scope.agent,
        scope.all,
        &scope.agents,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let figures = Figures { pauses: [(row.reason, row.ms)].into(), ..Figures::default() };
            ((row.bucket as usize - 1, row.who), figures)
        })
        .collect())
}

/// Names of queues or agents.
pub(super) async fn names(tx: &mut TenantTx<'_>, by: By, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, DbError> {
    let rows = match by {
        By::None => return Ok(HashMap::new()),
        By::Queue => {
            let rows = sqlx::query!("SELECT id, name FROM queues WHERE id = ANY($1)", ids).fetch_all(tx.conn()).await?;
            rows.into_iter().map(|row| (row.id, row.name)).collect()
        }
        By::Agent => {
            let rows = sqlx::query!("SELECT id, name FROM agents WHERE id = ANY($1)", ids).fetch_all(tx.conn()).await?;
            rows.into_iter().map(|row| (row.id, row.name)).collect()
        }
    };
    Ok(rows)
}

/// The tenant's time zone.
pub(super) async fn time_zone(tx: &mut SystemTx, tenant: TenantId) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!("SELECT time_zone FROM tenants WHERE id = $1", tenant.uuid())
        .fetch_optional(tx.conn())
        .await?)
}
