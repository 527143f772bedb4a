//! SQL of webhooks that are applied.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{ChannelAccountId, DbError, InboundWebhookId, SystemTx, TenantId, TenantTx};

/// Bytes of bodies that are read at once, unless one alone is larger.
const BYTES: i64 = 8 * 1024 * 1024;

/// A webhook that waits.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) id: InboundWebhookId,
    pub(super) account: ChannelAccountId,
    pub(super) seq: i64,
    pub(super) received_at: DateTime<Utc>,
    pub(super) url: String,
    pub(super) headers: Value,
    pub(super) body: Vec<u8>,
    pub(super) tries: i32,
    /// Not one that waits to be tried again.
    pub(super) is_due: bool,
}

/// The account's webhooks that wait, behind a place, in the order of arrival.
pub(super) async fn waiting(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    after: i64,
    limit: i64,
) -> Result<Vec<Piece>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", seq AS "seq!", received_at AS "received_at!", url AS "url!", headers AS "headers!", body AS "body!",
                  tries AS "tries!", is_due AS "is_due!"
             FROM (SELECT w.id, w.seq, w.received_at, w.url, w.headers, w.body, w.tries, coalesce(w.retry_at <= now(), true) AS is_due,
                          sum(octet_length(w.body)) OVER (ORDER BY w.seq) - octet_length(w.body) AS before
                     FROM (SELECT * FROM inbound_webhooks
                            WHERE account_id = $1 AND state = 'received' AND seq > $2 ORDER BY seq LIMIT $3) w) AS pieces
            WHERE before < $4 ORDER BY seq"#,
        account.uuid(),
        after,
        limit,
        BYTES,
    )
    .fetch_all(tx.conn())
    .await?;
    let pieces = rows.into_iter().map(|row| Piece {
        id: InboundWebhookId(row.id),
        account,
        seq: row.seq,
        received_at: row.received_at,
        url: row.url,
        headers: row.headers,
        body: row.body,
        tries: row.tries,
        is_due: row.is_due,
    });
    Ok(pieces.collect())
}

/// Whether this was never told before; from now on it was.
pub(super) async fn is_new(tx: &mut TenantTx<'_>, account: ChannelAccountId, key: &[u8; 32]) -> Result<bool, DbError> {
    let inserted = sqlx::query!(
        "INSERT INTO inbound_told (tenant_id, account_id, key) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        account.uuid(),
        key.as_slice(),
    );
    Ok(inserted.execute(tx.conn()).await?.rows_affected() == 1)
}

/// These were not told, as far as anybody remembers.
pub(super) async fn forget(tx: &mut TenantTx<'_>, account: ChannelAccountId, keys: &[Vec<u8>]) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM inbound_told WHERE account_id = $1 AND key = ANY($2)", account.uuid(), keys)
        .execute(tx.conn())
        .await?;
    Ok(())
}

// What waits is found by all of its index's columns. By its id alone a table of which nothing is known yet would be searched through everything of the
// tenant's that waits, for each webhook of a burst.

/// It was applied, and came to this state.
pub(super) async fn applied(tx: &mut TenantTx<'_>, piece: &Piece, state: &str) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE inbound_webhooks SET state = $4, tries = tries + 1, applied_at = now(), error = NULL, retry_at = NULL
          WHERE id = $1 AND account_id = $2 AND seq = $3 AND state = 'received'",
        piece.id.uuid(),
        piece.account.uuid(),
        piece.seq,
        state,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The provider told something; how the webhook was until now.
pub(super) async fn received(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    at: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    let webhook = sqlx::query_scalar!(
        "UPDATE channel_accounts SET last_received_at = greatest(last_received_at, $2) WHERE id = $1 RETURNING health ->> 'webhook'",
        account.uuid(),
        at,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(webhook.flatten())
}

/// It has failed.
pub(super) async fn failed(tx: &mut TenantTx<'_>, piece: &Piece, error: &str) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE inbound_webhooks SET state = 'failed', tries = tries + 1, error = $4, retry_at = NULL
          WHERE id = $1 AND account_id = $2 AND seq = $3 AND state = 'received'",
        piece.id.uuid(),
        piece.account.uuid(),
        piece.seq,
        error,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// It is tried again, but not before this time.
pub(super) async fn put_off(
    tx: &mut TenantTx<'_>,
    piece: &Piece,
    retry_at: DateTime<Utc>,
    error: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE inbound_webhooks SET tries = tries + 1, error = $5, retry_at = $4
          WHERE id = $1 AND account_id = $2 AND seq = $3 AND state = 'received'",
        piece.id.uuid(),
        piece.account.uuid(),
        piece.seq,
        retry_at,
        error,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A stored webhook, for the list.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) id: InboundWebhookId,
    pub(super) account: ChannelAccountId,
    pub(super) kind: String,
    pub(super) received_at: DateTime<Utc>,
    pub(super) state: String,
    pub(super) tries: i32,
    pub(super) applied_at: Option<DateTime<Utc>>,
    pub(super) error: Option<String>,
    pub(super) bytes: i32,
}

/// The newest first, behind an id.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    account: Option<ChannelAccountId>,
    state: Option<&str>,
    before: Option<InboundWebhookId>,
    limit: i64,
) -> Result<Vec<Stored>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT w.id, w.account_id, a.type AS kind, w.received_at, w.state, w.tries, w.applied_at, w.error,
                  octet_length(w.body) AS "bytes!"
             FROM inbound_webhooks w JOIN channel_accounts a ON a.tenant_id = w.tenant_id AND a.id = w.account_id
            WHERE ($1::uuid IS NULL OR w.account_id = $1) AND ($2::text IS NULL OR w.state = $2) AND ($3::uuid IS NULL OR w.id < $3)
            ORDER BY w.id DESC LIMIT $4"#,
        account.map(ChannelAccountId::uuid),
        state,
        before.map(InboundWebhookId::uuid),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let stored = rows.into_iter().map(|row| Stored {
        id: InboundWebhookId(row.id),
        account: ChannelAccountId(row.account_id),
        kind: row.kind,
        received_at: row.received_at,
        state: row.state,
        tries: row.tries,
        applied_at: row.applied_at,
        error: row.error,
        bytes: row.bytes,
    });
    Ok(stored.collect())
}

/// One with its body, and where it stands in the list.
pub(super) async fn find(tx: &mut TenantTx<'_>, id: InboundWebhookId) -> Result<Option<(Piece, Stored)>, DbError> {
    let row = sqlx::query!(
        "SELECT w.id, w.account_id, a.type AS kind, w.seq, w.received_at, w.url, w.headers, w.body, w.state, w.tries, w.applied_at, w.error
           FROM inbound_webhooks w JOIN channel_accounts a ON a.tenant_id = w.tenant_id AND a.id = w.account_id
          WHERE w.id = $1",
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| {
        let account = ChannelAccountId(row.account_id);
        let stored = Stored {
            id,
            account,
            kind: row.kind,
            received_at: row.received_at,
            state: row.state,
            tries: row.tries,
            applied_at: row.applied_at,
            error: row.error,
            bytes: i32::try_from(row.body.len()).unwrap_or(i32::MAX),
        };
        let piece = Piece {
            id,
            account,
            seq: row.seq,
            received_at: row.received_at,
            url: row.url,
            headers: row.headers,
            body: row.body,
            tries: row.tries,
            is_due: true,
        };
        (piece, stored)
    }))
}

/// It waits to be applied again. False: it waits already.
pub(super) async fn replay(tx: &mut TenantTx<'_>, id: InboundWebhookId) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE inbound_webhooks SET state = 'received', tries = 0, error = NULL, applied_at = NULL, retry_at = NULL
          WHERE id = $1 AND state <> 'received'",
        id.uuid(),
    );
    Ok(done.execute(tx.conn()).await?.rows_affected() == 1)
}

/// Tenants that have accounts, removed ones too.
pub(super) async fn tenants(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    let ids = sqlx::query_scalar!(
        "SELECT DISTINCT a.tenant_id FROM channel_accounts a JOIN tenants t ON t.id = a.tenant_id WHERE t.removal_started_at IS NULL"
    );
    Ok(ids.fetch_all(tx.conn()).await?.into_iter().map(TenantId).collect())
}

/// Bodies of webhooks that were applied before this time are not kept any more; those that failed or were not understood are. How many there were.
pub(super) async fn empty(tx: &mut TenantTx<'_>, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "UPDATE inbound_webhooks SET body = '', headers = '{}'
          WHERE id = ANY (ARRAY(SELECT w.id FROM inbound_webhooks w
                                 WHERE w.state IN ('applied', 'ignored') AND w.applied_at < $1 AND octet_length(w.body) > 0 LIMIT $2))",
        before,
        limit,
    );
    Ok(done.execute(tx.conn()).await?.rows_affected())
}

/// What was told before this time is forgotten. How much it was.
pub(super) async fn forget_before(tx: &mut TenantTx<'_>, before: DateTime<Utc>, limit: i64) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "DELETE FROM inbound_told
          WHERE (account_id, key) IN (SELECT t.account_id, t.key FROM inbound_told t WHERE t.at < $1 ORDER BY t.at LIMIT $2)",
        before,
        limit,
    );
    Ok(done.execute(tx.conn()).await?.rows_affected())
}
