//! SQL of web push.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, SystemTx, TenantId, TenantTx, UserId};
use uuid::Uuid;

use super::http::PushSubscription;
use super::rule::{KINDS, News, Reader};

/// Tenants that are looked after in one round.
const ROUND: i64 = 1_000;

/// A browser that asked to be told.
#[derive(Debug, Clone)]
pub(super) struct Browser {
    pub(super) user: UserId,
    pub(super) session: Uuid,
    pub(super) endpoint: String,
    pub(super) p256dh: Vec<u8>,
    pub(super) auth: Vec<u8>,
    pub(super) device: Option<String>,
}

/// Keeps it, or renews what is known of the same browser.
pub(super) async fn put(tx: &mut TenantTx<'_>, id: Uuid, browser: &Browser) -> Result<PushSubscription, DbError> {
    let row = sqlx::query!(
        "INSERT INTO push_subscriptions (tenant_id, id, user_id, session_id, endpoint, p256dh, auth, device)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT push_subscriptions_endpoint_key DO UPDATE
            SET user_id = excluded.user_id, session_id = excluded.session_id, p256dh = excluded.p256dh, auth = excluded.auth,
                device = excluded.device, problem = NULL
         RETURNING id, endpoint, device, created_at, last_sent_at, problem",
        tx.tenant().uuid(),
        id,
        browser.user.uuid(),
        browser.session,
        browser.endpoint,
        browser.p256dh,
        browser.auth,
        browser.device,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(PushSubscription::new(row.id, &row.endpoint, row.device, row.created_at, row.last_sent_at, row.problem))
}

/// One's own, the newest first.
pub(super) async fn list(tx: &mut TenantTx<'_>, user: UserId) -> Result<Vec<PushSubscription>, DbError> {
    let rows = sqlx::query!(
        "SELECT id, endpoint, device, created_at, last_sent_at, problem FROM push_subscriptions
          WHERE user_id = $1 ORDER BY created_at DESC, id LIMIT 200",
        user.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    let items = rows.into_iter().map(|row| {
        PushSubscription::new(row.id, &row.endpoint, row.device, row.created_at, row.last_sent_at, row.problem)
    });
    Ok(items.collect())
}

/// Leaves a person no more than so many: those that were made first go.
pub(super) async fn trim(tx: &mut TenantTx<'_>, user: UserId, most: i64) -> Result<(), DbError> {
    sqlx::query!(
        "DELETE FROM push_subscriptions WHERE (tenant_id, id) IN (
            SELECT tenant_id, id FROM push_subscriptions WHERE user_id = $1 ORDER BY created_at DESC, id OFFSET $2)",
        user.uuid(),
        most,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether there was such a one of theirs.
pub(super) async fn delete(tx: &mut TenantTx<'_>, user: UserId, id: Uuid) -> Result<bool, DbError> {
    let done = sqlx::query!("DELETE FROM push_subscriptions WHERE user_id = $1 AND id = $2", user.uuid(), id)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The browser is somebody's of another tenant now.
pub(super) async fn leave_others(tx: &mut SystemTx, endpoint: &str, tenant: TenantId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM push_subscriptions WHERE endpoint = $1 AND tenant_id <> $2", endpoint, tenant.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Tenants of whom somebody is to be told, and whose journal was not gone through.
pub(super) async fn behind(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT c.tenant_id AS "tenant_id: TenantId"
             FROM push_cursors c
             JOIN journal_heads h ON h.tenant_id = c.tenant_id AND h.seq > c.seq
            WHERE EXISTS (SELECT FROM push_subscriptions s WHERE s.tenant_id = c.tenant_id)
            ORDER BY h.seq - c.seq, 1 LIMIT $1"#,
        ROUND,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// From here on the tenant's journal is gone through; from where it stands, if it is already.
pub(super) async fn begin(tx: &mut TenantTx<'_>, head: i64) -> Result<(), DbError> {
    // Nobody was told of what came while nobody was to be told: it is no news any more.
    sqlx::query!(
        "INSERT INTO push_cursors AS c (tenant_id, seq) VALUES ($1, $2)
         ON CONFLICT (tenant_id) DO UPDATE SET seq = greatest(c.seq, excluded.seq)
          WHERE NOT EXISTS (SELECT FROM push_subscriptions s WHERE s.tenant_id = excluded.tenant_id)",
        tx.tenant().uuid(),
        head,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the cursor until the transaction ends. `None`: somebody else has it.
pub(super) async fn take(tx: &mut TenantTx<'_>) -> Result<Option<i64>, DbError> {
    Ok(sqlx::query_scalar!("SELECT seq FROM push_cursors FOR UPDATE SKIP LOCKED").fetch_optional(tx.conn()).await?)
}

/// Moves the cursor that was taken.
pub(super) async fn advance(tx: &mut TenantTx<'_>, seq: i64) -> Result<(), DbError> {
    sqlx::query!("UPDATE push_cursors SET seq = $1", seq).execute(tx.conn()).await?;
    Ok(())
}

/// Who may be told, and their browsers.
pub(super) async fn readers(tx: &mut TenantTx<'_>) -> Result<Vec<(Reader, Vec<Uuid>)>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT s.user_id, array_agg(s.id ORDER BY s.id) AS "browsers!",
                  ARRAY(SELECT m.queue_id FROM queue_members m WHERE m.agent_id = s.user_id) AS "queues!"
             FROM push_subscriptions s GROUP BY s.user_id"#,
    )
    .fetch_all(tx.conn())
    .await?;
    let reader = |user, queues: Vec<Uuid>| Reader { user, queues: queues.into_iter().collect::<BTreeSet<_>>() };
    Ok(rows.into_iter().map(|row| (reader(row.user_id, row.queues), row.browsers)).collect())
}

/// Events after a position and up to another of which somebody may be told, in order.
pub(super) async fn news(tx: &mut TenantTx<'_>, after: i64, until: i64, most: i64) -> Result<Vec<News>, DbError> {
    let kinds: Vec<String> = KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        News,
        r#"SELECT seq, id, kind, at, actor_id AS actor, scopes, data AS "data: serde_json::Value" FROM events
            WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 AND kind = ANY($4)
              AND recorded_at >= (SELECT journal_month_of($2 + 1))
            ORDER BY seq LIMIT $5"#,
        tenant.uuid(),
        after,
        until,
        &kinds,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// A browser, if it still asks to be told.
pub(super) async fn browser(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Browser>, DbError> {
    Ok(sqlx::query_as!(
        Browser,
        r#"SELECT user_id AS "user: UserId", session_id AS session, endpoint, p256dh, auth, device
             FROM push_subscriptions WHERE id = $1"#,
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Where a conversation stands for a person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) agent: Option<Uuid>,
    pub(super) resolved: bool,
    pub(super) spam: bool,
    /// The newest that its customer wrote.
    pub(super) last_in_at: Option<DateTime<Utc>>,
    pub(super) read_at: Option<DateTime<Utc>>,
}

/// `None`: there is no such conversation.
pub(super) async fn standing(
    tx: &mut TenantTx<'_>,
    conversation: Uuid,
    user: UserId,
) -> Result<Option<Standing>, DbError> {
    Ok(sqlx::query_as!(
        Standing,
        r#"SELECT c.agent_id AS agent, c.state = 'resolved' AS "resolved!", c.spam, c.last_in_at, r.read_at AS "read_at?"
             FROM conversations c
             LEFT JOIN conversation_reads r ON r.tenant_id = c.tenant_id AND r.conversation_id = c.id AND r.user_id = $2
            WHERE c.id = $1"#,
        conversation,
        user.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether a sign-in still holds.
pub(super) async fn is_signed_in(tx: &mut SystemTx, session: Uuid) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM refresh_tokens WHERE family_id = $1 AND revoked_at IS NULL AND replaced_at IS NULL
                                                       AND expires_at > now()) AS "holds!""#,
        session,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// It was told.
pub(super) async fn sent(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("UPDATE push_subscriptions SET last_sent_at = now(), problem = NULL WHERE id = $1", id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// It could not be told.
pub(super) async fn failed(tx: &mut TenantTx<'_>, id: Uuid, problem: &str) -> Result<(), DbError> {
    sqlx::query!("UPDATE push_subscriptions SET problem = $2 WHERE id = $1", id, problem).execute(tx.conn()).await?;
    Ok(())
}

/// There is no such browser any more.
pub(super) async fn remove(tx: &mut TenantTx<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM push_subscriptions WHERE id = $1", id).execute(tx.conn()).await?;
    Ok(())
}
