//! SQL of the consumer: cursors, events, parked events and cells.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use trunkline_db::{DbError, SystemTx, TenantId, TenantTx};
use trunkline_figures::{Cells, Event, Figures, Key, Quarter};
use uuid::Uuid;

/// The name of this consumer.
pub(super) const CONSUMER: &str = "figures";
/// Tenants that are looked after in one round.
const ROUND: i64 = 1_000;

/// A tenant whose journal goes further than what was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind {
    pub(super) tenant: TenantId,
    pub(super) events: i64,
}

/// Tenants with events that are not counted yet, those with the most last: small ones need not wait for a large one.
pub(super) async fn behind(tx: &mut SystemTx) -> Result<Vec<Behind>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT h.tenant_id AS "tenant_id: TenantId", h.seq - coalesce(c.seq, 0) AS "events!"
             FROM journal_heads h
             JOIN tenants t ON t.id = h.tenant_id AND t.removal_started_at IS NULL
             LEFT JOIN journal_cursors c ON c.tenant_id = h.tenant_id AND c.consumer = $1
            WHERE h.seq > coalesce(c.seq, 0)
            ORDER BY 2, 1 LIMIT $2"#,
        CONSUMER,
        ROUND,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| Behind { tenant: row.tenant_id, events: row.events }).collect())
}

/// How many events are parked.
pub(super) async fn parked_count(tx: &mut SystemTx) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM journal_parked WHERE consumer = $1"#, CONSUMER)
        .fetch_one(tx.conn())
        .await?)
}

/// A tenant by its slug.
pub(super) async fn tenant_of(tx: &mut SystemTx, slug: &str) -> Result<Option<TenantId>, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT id AS "id: TenantId" FROM tenants WHERE slug = $1"#, slug)
        .fetch_optional(tx.conn())
        .await?)
}

/// How far a tenant's journal was counted, and how often the event after it failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    pub(super) seq: i64,
    pub(super) tries: i32,
}

/// Makes the cursor of a tenant that has none.
pub(super) async fn begin(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO journal_cursors (tenant_id, consumer) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        tenant.uuid(),
        CONSUMER,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the cursor until the transaction ends. `None`: there is none, or somebody else has it.
pub(super) async fn take(tx: &mut TenantTx<'_>) -> Result<Option<Cursor>, DbError> {
    Ok(sqlx::query_as!(
        Cursor,
        "SELECT seq, tries FROM journal_cursors WHERE consumer = $1 FOR UPDATE SKIP LOCKED",
        CONSUMER
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Waits for the cursor and takes it.
pub(super) async fn wait_for(tx: &mut TenantTx<'_>) -> Result<Cursor, DbError> {
    Ok(sqlx::query_as!(Cursor, "SELECT seq, tries FROM journal_cursors WHERE consumer = $1 FOR UPDATE", CONSUMER)
        .fetch_one(tx.conn())
        .await?)
}

/// How far a tenant's journal was counted.
pub(super) async fn read(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    let seq = sqlx::query_scalar!("SELECT seq FROM journal_cursors WHERE consumer = $1", CONSUMER);
    Ok(seq.fetch_optional(tx.conn()).await?.unwrap_or(0))
}

/// Moves the cursor that was taken.
pub(super) async fn advance(tx: &mut TenantTx<'_>, seq: i64) -> Result<(), DbError> {
    sqlx::query!("UPDATE journal_cursors SET seq = $2, tries = 0 WHERE consumer = $1", CONSUMER, seq)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The event after the cursor failed once more.
pub(super) async fn failed(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    sqlx::query!("UPDATE journal_cursors SET tries = tries + 1 WHERE consumer = $1", CONSUMER)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// An event as it is counted.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) kind: String,
    pub(super) at: DateTime<Utc>,
    pub(super) subject: Uuid,
    pub(super) actor: Option<Uuid>,
    pub(super) data: Value,
}

impl Row {
    pub(super) fn event(&self) -> Event<'_> {
        Event { kind: &self.kind, at: self.at, subject: self.subject, actor: self.actor, data: &self.data }
    }
}

/// Events after a position, in order; details of those that are counted.
pub(super) async fn events(tx: &mut TenantTx<'_>, after: i64, most: i64) -> Result<Vec<Row>, DbError> {
    let tenant = tx.tenant();
    let kinds = Event::KINDS.map(str::to_owned);
    let rows = sqlx::query!(
        r#"SELECT seq, kind, at, subject_id, actor_id,
                  CASE WHEN kind = ANY($3) THEN data::text END AS data
             FROM events
            WHERE tenant_id = $1 AND seq > $2 AND recorded_at >= (SELECT journal_month_of($2 + 1))
            ORDER BY seq LIMIT $4"#,
        tenant.uuid(),
        after,
        &kinds,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let data = row.data.map_or(Ok(Value::Null), |text| serde_json::from_str(&text));
            let data = data.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            let (seq, subject, actor) = (row.seq, row.subject_id, row.actor_id);
            Ok(Row { seq, kind: row.kind, at: row.at, subject, actor, data })
        })
        .collect()
}

/// Which of these subjects have parked events.
pub(super) async fn parked_of(tx: &mut TenantTx<'_>, subjects: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "SELECT DISTINCT subject_id FROM journal_parked WHERE consumer = $1 AND subject_id = ANY($2)",
        CONSUMER,
        subjects,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The parked events, in order.
pub(super) async fn parked(tx: &mut TenantTx<'_>) -> Result<Vec<i64>, DbError> {
    Ok(sqlx::query_scalar!("SELECT seq FROM journal_parked WHERE consumer = $1 ORDER BY seq", CONSUMER)
        .fetch_all(tx.conn())
        .await?)
}

/// Puts an event aside.
pub(super) async fn park(tx: &mut TenantTx<'_>, seq: i64, subject: Uuid, error: &str) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO journal_parked (tenant_id, consumer, seq, subject_id, error) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        tenant.uuid(),
        CONSUMER,
        seq,
        subject,
        error,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets what was parked: it is counted anew.
pub(super) async fn unpark(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM journal_parked WHERE consumer = $1", CONSUMER).execute(tx.conn()).await?;
    Ok(())
}

/// Cells as one JSON text, for `json_to_recordset`: a statement with as many parameters as figures could not be read.
fn as_json(cells: &Cells) -> (String, String) {
    let (mut sums, mut pauses) = (Vec::new(), Vec::new());
    for (key, figures) in cells.iter() {
        let mut sum = serde_json::to_value(figures).expect("figures are numbers");
        sum["quarter"] = key.quarter.0.into();
        sum["queue_id"] = json!(key.queue);
        sum["agent_id"] = json!(key.agent);
        sums.push(sum);
        for (reason, ms) in &figures.pauses {
            pauses.push(json!({ "quarter": key.quarter, "agent_id": key.agent, "reason": reason, "ms": ms }));
        }
    }
    (Value::from(sums).to_string(), Value::from(pauses).to_string())
}

/// Adds to the stored cells.
pub(super) async fn add(tx: &mut TenantTx<'_>, cells: &Cells) -> Result<(), DbError> {
    let tenant = tx.tenant();
    let (sums, pauses) = as_json(cells);
    add_sums(tx.conn(), tenant, &sums).await?;
    sqlx::query!(
        r#"INSERT INTO pause_figures AS p (tenant_id, quarter, agent_id, reason, ms)
           SELECT $1, c.quarter, c.agent_id, c.reason, c.ms
             FROM json_to_recordset($2::text::json) AS c (quarter bigint, agent_id uuid, reason text, ms bigint)
           ON CONFLICT (tenant_id, quarter, agent_id, reason) DO UPDATE SET ms = p.ms + excluded.ms"#,
        tenant.uuid(),
        pauses,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn add_sums(connection: &mut PgConnection, tenant: TenantId, sums: &str) -> Result<(), DbError> {
    sqlx::query!(
        r#"INSERT INTO call_figures AS f (
                tenant_id, quarter, queue_id, agent_id, offered, answered, answered_in_level, abandoned, short_abandoned,
                overflowed, unserved, answer_wait_ms, abandon_wait_ms, longest_wait_ms, offers, missed_offers, contacts,
                talk_ms, hold_ms, wrap_up_ms, transfers_in, transfers_out, available_ms, on_contact_ms, wrapping_up_ms,
                paused_ms, unreachable_ms, offline_ms)
           SELECT $1, c.quarter, c.queue_id, c.agent_id, c.offered, c.answered, c.answered_in_level, c.abandoned,
                  c.short_abandoned, c.overflowed, c.unserved, c.answer_wait_ms, c.abandon_wait_ms, c.longest_wait_ms,
                  c.offers, c.missed_offers, c.contacts, c.talk_ms, c.hold_ms, c.wrap_up_ms, c.transfers_in,
                  c.transfers_out, c.available_ms, c.on_contact_ms, c.wrapping_up_ms, c.paused_ms, c.unreachable_ms,
                  c.offline_ms
             FROM json_to_recordset($2::text::json) AS c (
                quarter bigint, queue_id uuid, agent_id uuid, offered bigint, answered bigint, answered_in_level bigint,
                abandoned bigint, short_abandoned bigint, overflowed bigint, unserved bigint, answer_wait_ms bigint,
                abandon_wait_ms bigint, longest_wait_ms bigint, offers bigint, missed_offers bigint, contacts bigint,
                talk_ms bigint, hold_ms bigint, wrap_up_ms bigint, transfers_in bigint, transfers_out bigint,
                available_ms bigint, on_contact_ms bigint, wrapping_up_ms bigint, paused_ms bigint,
                unreachable_ms bigint, offline_ms bigint)
           ON CONFLICT (tenant_id, quarter, queue_id, agent_id) DO UPDATE SET
                offered = f.offered + excluded.offered,
                answered = f.answered + excluded.answered,
                answered_in_level = f.answered_in_level + excluded.answered_in_level,
                abandoned = f.abandoned + excluded.abandoned,
                short_abandoned = f.short_abandoned + excluded.short_abandoned,
                overflowed = f.overflowed + excluded.overflowed,
                unserved = f.unserved + excluded.unserved,
                answer_wait_ms = f.answer_wait_ms + excluded.answer_wait_ms,
                abandon_wait_ms = f.abandon_wait_ms + excluded.abandon_wait_ms,
                longest_wait_ms = greatest(f.longest_wait_ms, excluded.longest_wait_ms),
                offers = f.offers + excluded.offers,
                missed_offers = f.missed_offers + excluded.missed_offers,
                contacts = f.contacts + excluded.contacts,
                talk_ms = f.talk_ms + excluded.talk_ms,
                hold_ms = f.hold_ms + excluded.hold_ms,
                wrap_up_ms = f.wrap_up_ms + excluded.wrap_up_ms,
                transfers_in = f.transfers_in + excluded.transfers_in,
                transfers_out = f.transfers_out + excluded.transfers_out,
                available_ms = f.available_ms + excluded.available_ms,
                on_contact_ms = f.on_contact_ms + excluded.on_contact_ms,
                wrapping_up_ms = f.wrapping_up_ms + excluded.wrapping_up_ms,
                paused_ms = f.paused_ms + excluded.paused_ms,
                unreachable_ms = f.unreachable_ms + excluded.unreachable_ms,
                offline_ms = f.offline_ms + excluded.offline_ms"#,
        tenant.uuid(),
        sums,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Every stored cell: what a check compares.
pub(super) async fn all(tx: &mut TenantTx<'_>) -> Result<Cells, DbError> {
    // By way of JSON as well: the names of columns and figures are the same.
    let sums = sqlx::query_scalar!(r#"SELECT to_json(f)::text AS "cell!" FROM call_figures f"#).fetch_all(tx.conn());
    let mut cells: Vec<(Key, Figures)> = Vec::new();
    for text in sums.await? {
        let (Ok(key), Ok(figures)) = (serde_json::from_str::<StoredKey>(&text), serde_json::from_str(&text)) else {
            return Err(sqlx::Error::Decode(format!("not a cell: {text}").into()).into());
        };
        cells.push((key.key(), figures));
    }
    let pauses = sqlx::query!("SELECT quarter, agent_id, reason, ms FROM pause_figures").fetch_all(tx.conn());
    for row in pauses.await? {
        let key = Key { quarter: Quarter(row.quarter), queue: None, agent: Some(row.agent_id) };
        cells.push((key, Figures { pauses: [(row.reason, row.ms)].into(), ..Figures::default() }));
    }
    Ok(cells.into_iter().collect())
}

#[derive(serde::Deserialize)]
struct StoredKey {
    quarter: i64,
    queue_id: Option<Uuid>,
    agent_id: Option<Uuid>,
}

impl StoredKey {
    fn key(&self) -> Key {
        Key { quarter: Quarter(self.quarter), queue: self.queue_id, agent: self.agent_id }
    }
}

/// Removes every cell.
pub(super) async fn clear(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM call_figures").execute(tx.conn()).await?;
    sqlx::query!("DELETE FROM pause_figures").execute(tx.conn()).await?;
    Ok(())
}

/// A recomputation may take longer than a request: its statements are not cut off.
pub(super) async fn take_your_time(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    sqlx::query!("SELECT set_config('statement_timeout', '0', true) AS statement, set_config('lock_timeout', '60s', true) AS lock")
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}
