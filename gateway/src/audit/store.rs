//! SQL of the audit log.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{DbError, SystemTx, TenantId, TenantTx, UserId};
use uuid::Uuid;

use super::Entry;
use super::chain::Row;
use super::model::{kept, short};
use super::query::{AuditEntry, AuditRef, Wanted};

/// Appends an entry to the tenant's chain when the transaction commits; it may be called at any place of it.
pub async fn append(tx: &mut TenantTx<'_>, entry: Entry) -> Result<(), DbError> {
    let columns = Columns::of(&entry);
    sqlx::query!(
        "SELECT audit_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::json, $14::text::json)",
        entry.actor.kind,
        entry.actor.id,
        columns.actor_name,
        columns.via_type,
        columns.via_id,
        entry.action,
        &*entry.subject.kind,
        columns.subject_id,
        columns.subject_name,
        entry.origin.request_id,
        columns.address,
        entry.origin.user_agent,
        columns.before,
        columns.after,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The same in a transaction of the system: to a tenant's chain, or (`None`) to the platform's.
pub async fn append_system(tx: &mut SystemTx, tenant: Option<TenantId>, entry: Entry) -> Result<(), DbError> {
    let columns = Columns::of(&entry);
    sqlx::query!(
        "SELECT audit_append_to($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::text::json, $15::text::json)",
        tenant.map(TenantId::uuid),
        entry.actor.kind,
        entry.actor.id,
        columns.actor_name,
        columns.via_type,
        columns.via_id,
        entry.action,
        &*entry.subject.kind,
        columns.subject_id,
        columns.subject_name,
        entry.origin.request_id,
        columns.address,
        entry.origin.user_agent,
        columns.before,
        columns.after,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

struct Columns {
    actor_name: Option<String>,
    via_type: Option<&'static str>,
    via_id: Option<Uuid>,
    subject_id: Option<Uuid>,
    subject_name: Option<String>,
    address: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

impl Columns {
    fn of(entry: &Entry) -> Self {
        Self {
            actor_name: entry.actor.name.as_deref().map(short),
            via_type: entry.actor.via.map(|(kind, _)| kind),
            via_id: entry.actor.via.map(|(_, id)| id),
            subject_id: entry.subject_id(),
            subject_name: entry.subject_name(),
            address: entry.origin.address.map(|address| address.to_string()),
            before: entry.before.as_ref().map(kept),
            after: entry.after.as_ref().map(kept),
        }
    }
}

/// Erases, for good, the values of all entries of the tenant in which a person acts or is acted on. Returns how many entries it were.
pub async fn erase_person(tx: &mut TenantTx<'_>, person: UserId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT audit_erase($1) AS "rows!""#, person.uuid()).fetch_one(tx.conn()).await?)
}

/// The newest entry of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) tenant: Uuid,
    pub(super) seq: i64,
    pub(super) link: Vec<u8>,
}

/// All heads.
pub(super) async fn heads(tx: &mut SystemTx) -> Result<Vec<Head>, DbError> {
    let rows =
        sqlx::query!("SELECT tenant_id, seq, link FROM audit_heads ORDER BY tenant_id").fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| Head { tenant: row.tenant_id, seq: row.seq, link: row.link }).collect())
}

/// The slugs of all tenants.
pub(super) async fn slugs(tx: &mut SystemTx) -> Result<Vec<(Uuid, String)>, DbError> {
    let rows = sqlx::query!("SELECT id, slug FROM tenants").fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.slug)).collect())
}

/// Entries of the transaction's chain behind `after`, as [`Walk`](super::chain::Walk) looks at them.
pub(super) async fn rows_after(tx: &mut TenantTx<'_>, after: i64, limit: i64) -> Result<Vec<Row>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT seq, at, actor_type, actor_id, via_type, via_id, action, subject_type, subject_id, request_id, actor_name,
                  subject_name, address, user_agent, before::text AS before, after::text AS after, salt, digest, link
             FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT $2"#,
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

struct Shown {
    seq: i64,
    at: DateTime<Utc>,
    actor_type: String,
    actor_id: Option<Uuid>,
    actor_name: Option<String>,
    via_type: Option<String>,
    via_id: Option<Uuid>,
    action: String,
    subject_type: String,
    subject_id: Option<Uuid>,
    subject_name: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
    request_id: Option<Uuid>,
    before: Option<Value>,
    after: Option<Value>,
    erased_at: Option<DateTime<Utc>>,
}

/// Entries that fit, the newest first.
pub(super) async fn list(tx: &mut TenantTx<'_>, wanted: &Wanted, limit: i64) -> Result<Vec<AuditEntry>, DbError> {
    // Planned for these filters each time: one plan for all of them would use none of their indexes.
    sqlx::query!("SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS mode")
        .fetch_one(tx.conn())
        .await?;
    let like = wanted.text.as_ref().map(|text| {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("%{escaped}%")
    });
    let rows = sqlx::query_as!(
        Shown,
        r#"SELECT seq, at, actor_type, actor_id, actor_name, via_type, via_id, action, subject_type, subject_id, subject_name,
                  address, user_agent, request_id, before AS "before: Value", after AS "after: Value", erased_at
             FROM audit_entries
            WHERE ($1::bigint IS NULL OR seq < $1)
              AND ($2::uuid IS NULL OR actor_id = $2)
              AND ($3::text IS NULL OR (action COLLATE "C" >= $3 COLLATE "C" AND action COLLATE "C" < $4 COLLATE "C"))
              AND ($5::text IS NULL OR subject_type = $5)
              AND ($6::uuid IS NULL OR subject_id = $6)
              AND ($7::timestamptz IS NULL OR at >= $7)
              AND ($8::timestamptz IS NULL OR at < $8)
              AND ($9::text IS NULL OR concat_ws(' ', actor_name, action, subject_name, address, user_agent, before, after) ILIKE $9)
            ORDER BY seq DESC LIMIT $10"#,
        wanted.before,
        wanted.actor,
        wanted.action.as_ref().map(|(from, _)| from.as_str()),
        wanted.action.as_ref().map(|(_, to)| to.as_str()),
        wanted.subject_type,
        wanted.subject_id,
        wanted.from,
        wanted.to,
        like,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AuditEntry {
            seq: row.seq,
            at: row.at,
            actor: AuditRef { kind: row.actor_type, id: row.actor_id, name: row.actor_name },
            via: row.via_type.map(|kind| AuditRef { kind, id: row.via_id, name: None }),
            action: row.action,
            subject: AuditRef { kind: row.subject_type, id: row.subject_id, name: row.subject_name },
            address: row.address,
            user_agent: row.user_agent,
            request_id: row.request_id,
            before: row.before,
            after: row.after,
            erased_at: row.erased_at,
        })
        .collect())
}
