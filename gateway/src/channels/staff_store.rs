//! SQL of the staff's groups.

use chrono::{DateTime, Utc};
use trunkline_channels::telegram::staff::{Lead, Stats};
use trunkline_db::{ChannelAccountId, DbError, SystemTx, TenantId, TenantTx};

use uuid::Uuid;

use super::staff_http::StaffChat;

/// Whether the chat is linked.
pub(super) async fn is_linked(tx: &mut TenantTx<'_>, account: ChannelAccountId, chat: &str) -> Result<bool, DbError> {
    let linked = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM staff_chats WHERE account_id = $1 AND chat = $2) AS "linked!""#,
        account.uuid(),
        chat,
    );
    Ok(linked.fetch_one(tx.conn()).await?)
}

/// Links a chat.
pub(super) async fn link(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    chat: &str,
    title: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO staff_chats (tenant_id, account_id, chat, title) VALUES ($1, $2, $3, left($4, 200))
         ON CONFLICT (tenant_id, account_id, chat) DO UPDATE SET title = excluded.title",
        tx.tenant().uuid(),
        account.uuid(),
        chat,
        title,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Unlinks a chat. False: it was not linked.
pub(super) async fn unlink(tx: &mut TenantTx<'_>, account: ChannelAccountId, chat: &str) -> Result<bool, DbError> {
    let gone = sqlx::query!("DELETE FROM staff_chats WHERE account_id = $1 AND chat = $2", account.uuid(), chat);
    Ok(gone.execute(tx.conn()).await?.rows_affected() == 1)
}

/// A linked chat has another id from now on. False: it was not linked.
pub(super) async fn move_chat(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    old: &str,
    new: &str,
) -> Result<bool, DbError> {
    let moved = sqlx::query!(
        "WITH gone AS (DELETE FROM staff_chats WHERE account_id = $1 AND chat = $2 RETURNING *)
         INSERT INTO staff_chats (tenant_id, account_id, chat, title, linked_at, linked_by, muted)
         SELECT tenant_id, account_id, $3, title, linked_at, linked_by, muted FROM gone
         ON CONFLICT (tenant_id, account_id, chat) DO NOTHING",
        account.uuid(),
        old,
        new,
    );
    moved.execute(tx.conn()).await?;
    is_linked(tx, account, new).await
}

/// The linked chats of an account.
pub(super) async fn list(tx: &mut TenantTx<'_>, account: ChannelAccountId) -> Result<Vec<StaffChat>, DbError> {
    let rows = sqlx::query_as!(
        StaffChat,
        "SELECT chat, title, linked_at, muted FROM staff_chats WHERE account_id = $1 ORDER BY linked_at, chat",
        account.uuid(),
    );
    Ok(rows.fetch_all(tx.conn()).await?)
}

/// Has a chat told of something no more, or again.
pub(super) async fn hear(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    chat: &str,
    topic: &str,
    wanted: bool,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE staff_chats SET muted = array_remove(muted, $3) || CASE WHEN $4 THEN '{}'::text[] ELSE ARRAY[$3] END
          WHERE account_id = $1 AND chat = $2",
        account.uuid(),
        chat,
        topic,
        wanted,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a conversation's contact is called.
pub(super) async fn contact_of(tx: &mut TenantTx<'_>, conversation: Uuid) -> Result<Option<String>, DbError> {
    let name = sqlx::query_scalar!(
        "SELECT k.display_name FROM conversations c JOIN contacts k ON k.tenant_id = c.tenant_id AND k.id = c.contact_id WHERE c.id = $1",
        conversation,
    );
    Ok(name.fetch_optional(tx.conn()).await?)
}

/// The linked chats of the tenant that want to be told of this.
pub(super) async fn all(tx: &mut TenantTx<'_>, topic: &str) -> Result<Vec<(ChannelAccountId, String)>, DbError> {
    let rows = sqlx::query!(
        "SELECT s.account_id, s.chat FROM staff_chats s
           JOIN channel_accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
          WHERE a.removed_at IS NULL AND a.enabled AND NOT $1 = ANY (s.muted) ORDER BY s.account_id, s.chat LIMIT 20",
        topic,
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (ChannelAccountId(row.account_id), row.chat)).collect())
}

/// The tenant's time zone.
pub(super) async fn time_zone(tx: &mut SystemTx, tenant: TenantId) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!("SELECT time_zone FROM tenants WHERE id = $1", tenant.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// The figures of a stretch of time.
pub(super) async fn stats(tx: &mut TenantTx<'_>, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Stats, DbError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM calls WHERE direction = 'inbound' AND started_at >= $1 AND started_at < $2) AS "calls!",
                  (SELECT count(*) FROM calls WHERE direction = 'inbound' AND started_at >= $1 AND started_at < $2
                          AND answered_at IS NOT NULL) AS "answered!",
                  (SELECT count(*) FROM calls WHERE direction = 'inbound' AND started_at >= $1 AND started_at < $2
                          AND end_reason LIKE 'abandoned%') AS "abandoned!",
                  (SELECT avg(extract(epoch FROM answered_at - queued_at))::bigint FROM calls
                    WHERE direction = 'inbound' AND started_at >= $1 AND started_at < $2 AND answered_at > queued_at) AS average_wait,
                  (SELECT count(*) FROM conversations WHERE channel <> 'call' AND opened_at >= $1 AND opened_at < $2) AS "chats!",
                  (SELECT count(*) FROM conversations WHERE channel <> 'call' AND resolved_at >= $1 AND resolved_at < $2) AS "resolved!",
                  (SELECT avg(extract(epoch FROM first_reply_at - opened_at))::bigint FROM conversations
                    WHERE channel <> 'call' AND opened_at >= $1 AND opened_at < $2 AND first_reply_at > opened_at) AS first_reply,
                  (SELECT count(*) FROM conversations WHERE channel <> 'call' AND state = 'open' AND waiting_since IS NOT NULL AND NOT spam)
                    + (SELECT count(*) FROM calls WHERE state = 'queued') AS "waiting!",
                  (SELECT count(*) FROM agents WHERE state = 'available') AS "available!",
                  (SELECT count(*) FROM contacts WHERE created_at >= $1 AND created_at < $2 AND person_id = id AND blocked_at IS NULL) AS "leads!""#,
        from,
        to,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Stats {
        calls: row.calls.unsigned_abs(),
        calls_answered: row.answered.unsigned_abs(),
        calls_abandoned: row.abandoned.unsigned_abs(),
        chats: row.chats.unsigned_abs(),
        chats_resolved: row.resolved.unsigned_abs(),
        waiting_now: row.waiting.unsigned_abs(),
        agents_available: row.available.unsigned_abs(),
        average_wait_seconds: row.average_wait.map(i64::unsigned_abs),
        first_reply_seconds: row.first_reply.map(i64::unsigned_abs),
        service_level: None,
        new_leads: row.leads.unsigned_abs(),
    })
}

/// The contacts that were met last, with what they wrote first.
pub(super) async fn leads(tx: &mut TenantTx<'_>, count: i64) -> Result<Vec<Lead>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT c.display_name, greatest(0, extract(epoch FROM now() - c.created_at))::bigint AS "age!", v.channel AS "channel?",
                  f.preview AS "preview?"
             FROM contacts c
             LEFT JOIN LATERAL (SELECT id, channel FROM conversations WHERE contact_id = c.id ORDER BY opened_at LIMIT 1) v ON true
             LEFT JOIN LATERAL (SELECT text AS preview FROM messages
                                 WHERE conversation_id = v.id AND direction = 'in' AND deleted_at IS NULL ORDER BY at, id LIMIT 1) f ON true
            WHERE c.person_id = c.id AND c.blocked_at IS NULL
            ORDER BY c.created_at DESC, c.id DESC LIMIT $1"#,
        count,
    )
    .fetch_all(tx.conn())
    .await?;
    let leads = rows.into_iter().map(|row| Lead {
        name: row.display_name,
        channel: match row.channel.as_deref() {
            Some("whatsapp") => "WhatsApp",
            Some("telegram") => "Telegram",
            Some("sms") => "SMS",
            _ => "Call",
        }
        .to_owned(),
        age_seconds: row.age.unsigned_abs(),
        preview: row.preview.filter(|text| !text.is_empty()),
        link: None,
    });
    Ok(leads.collect())
}
