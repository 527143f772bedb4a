//! SQL of calls in conversations: the consumer's cursor, and what it writes.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_conversations::State;
use trunkline_conversations::words::Word as _;
use trunkline_db::{
    AgentId, CallId, ContactId, ConversationId, DbError, MessageId, QueueId, RecordingId, SystemTx, TenantId, TenantTx,
};
use uuid::Uuid;

/// The name of this consumer.
const CONSUMER: &str = "inbox";
/// Tenants that are looked after in one round.
const ROUND: i64 = 1_000;

/// A tenant with events that were not gone through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind {
    pub(super) tenant: TenantId,
    pub(super) events: i64,
}

/// Tenants with events that were not gone through, those with the most last.
pub(super) async fn behind(tx: &mut SystemTx) -> Result<Vec<Behind>, DbError> {
    Ok(sqlx::query_as!(
        Behind,
        r#"SELECT h.tenant_id AS "tenant: TenantId", h.seq - coalesce(c.seq, 0) AS "events!"
             FROM journal_heads h
             JOIN tenants t ON t.id = h.tenant_id AND t.removal_started_at IS NULL
             LEFT JOIN inbox_cursors c ON c.tenant_id = h.tenant_id
            WHERE h.seq > coalesce(c.seq, 0)
            ORDER BY h.seq - coalesce(c.seq, 0), 1 LIMIT $1"#,
        ROUND,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// How far a tenant's journal was gone through, and how often the event after it failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    pub(super) seq: i64,
    pub(super) tries: i32,
}

/// Makes the cursor of a tenant that has none.
pub(super) async fn begin(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!("INSERT INTO inbox_cursors (tenant_id, seq) VALUES ($1, 0) ON CONFLICT DO NOTHING", tenant.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes the cursor until the transaction ends. `None`: there is none, or somebody else has it.
pub(super) async fn take(tx: &mut TenantTx<'_>) -> Result<Option<Cursor>, DbError> {
    Ok(sqlx::query_as!(Cursor, "SELECT seq, tries FROM inbox_cursors FOR UPDATE SKIP LOCKED")
        .fetch_optional(tx.conn())
        .await?)
}

/// Moves the cursor that was taken.
pub(super) async fn advance(tx: &mut TenantTx<'_>, seq: i64) -> Result<(), DbError> {
    sqlx::query!("UPDATE inbox_cursors SET seq = $1, tries = 0", seq).execute(tx.conn()).await?;
    Ok(())
}

/// The event after the cursor failed once more.
pub(super) async fn failed(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    sqlx::query!("UPDATE inbox_cursors SET tries = tries + 1").execute(tx.conn()).await?;
    Ok(())
}

/// An event, and the call that it is about, if a conversation shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) subject: Uuid,
    pub(super) call: Option<CallId>,
}

/// Events after a position, in order.
pub(super) async fn events(tx: &mut TenantTx<'_>, after: i64, most: i64) -> Result<Vec<Row>, DbError> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"SELECT seq, subject_id,
                  CASE WHEN kind IN ('call.started', 'call.queued', 'call.answered', 'call.transferred', 'call.ended') THEN subject_id::text
                       WHEN kind IN ('voicemail.left', 'voicemail.ready', 'voicemail.lost', 'voicemail.done', 'voicemail.reopened', 'voicemail.expired') THEN subject_id::text
                       WHEN kind = 'recording.ready' THEN data ->> 'call_id' END AS call
             FROM events
            WHERE tenant_id = $1 AND seq > $2 AND recorded_at >= (SELECT journal_month_of($2 + 1))
            ORDER BY seq LIMIT $3"#,
        tenant.uuid(),
        after,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    let rows = rows.into_iter().map(|row| Row {
        seq: row.seq,
        subject: row.subject_id,
        call: row.call.and_then(|call| call.parse().ok()),
    });
    Ok(rows.collect())
}

/// Which of these calls have parked events.
pub(super) async fn parked_of(tx: &mut TenantTx<'_>, calls: &BTreeSet<CallId>) -> Result<BTreeSet<CallId>, DbError> {
    let calls: Vec<Uuid> = calls.iter().map(|call| call.uuid()).collect();
    let parked = sqlx::query_scalar!(
        r#"SELECT DISTINCT subject_id AS "call: CallId" FROM journal_parked WHERE consumer = $1 AND subject_id = ANY($2)"#,
        CONSUMER,
        &calls,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(parked.into_iter().collect())
}

/// Puts an event aside.
pub(super) async fn park(tx: &mut TenantTx<'_>, seq: i64, call: Uuid, error: &str) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO journal_parked (tenant_id, consumer, seq, subject_id, error) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        tenant.uuid(),
        CONSUMER,
        seq,
        call,
        error,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What of a call a conversation shows.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) direction: String,
    pub(super) from_number: String,
    pub(super) to_number: String,
    pub(super) state: String,
    pub(super) queue_id: Option<QueueId>,
    pub(super) agent_id: Option<AgentId>,
    pub(super) started_at: DateTime<Utc>,
    pub(super) answered_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) end_reason: Option<String>,
    /// Once it can be heard.
    pub(super) recording_id: Option<RecordingId>,
}

pub(super) async fn call(tx: &mut TenantTx<'_>, id: CallId) -> Result<Option<Call>, DbError> {
    Ok(sqlx::query_as!(
        Call,
        r#"SELECT c.direction, c.from_number, c.to_number, c.state, c.queue_id AS "queue_id: QueueId", c.agent_id AS "agent_id: AgentId",
                  c.started_at, c.answered_at, c.ended_at, c.end_reason, r.id AS "recording_id?: RecordingId"
             FROM calls c LEFT JOIN recordings r ON r.call_id = c.id AND r.state = 'ready' WHERE c.id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The call is with them.
pub(super) async fn know(tx: &mut TenantTx<'_>, id: CallId, contact: ContactId) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE calls SET contact_id = $2 WHERE id = $1 AND contact_id IS DISTINCT FROM $2",
        id.uuid(),
        contact.uuid()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The line that a call has already.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) message: MessageId,
    pub(super) conversation: ConversationId,
    pub(super) content: Value,
    pub(super) quiet: bool,
}

pub(super) async fn line(tx: &mut TenantTx<'_>, call: CallId) -> Result<Option<Known>, DbError> {
    Ok(sqlx::query_as!(
        Known,
        r#"SELECT m.id AS "message: MessageId", m.conversation_id AS "conversation: ConversationId", m.content,
                  c.spam OR k.blocked_at IS NOT NULL AS "quiet!"
             FROM messages m JOIN conversations c ON c.id = m.conversation_id JOIN contacts k ON k.id = c.contact_id
            WHERE m.call_id = $1"#,
        call.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn rewrite(tx: &mut TenantTx<'_>, message: MessageId, content: &Value) -> Result<(), DbError> {
    sqlx::query!("UPDATE messages SET content = $2 WHERE id = $1", message.uuid(), content).execute(tx.conn()).await?;
    Ok(())
}

/// A message that was left in a call.
#[derive(Debug, Clone)]
pub(super) struct Left {
    pub(super) id: MessageId,
    pub(super) at: DateTime<Utc>,
    pub(super) state: String,
    pub(super) length_ms: i64,
    pub(super) done_at: Option<DateTime<Utc>>,
    pub(super) done_by: Option<Uuid>,
}

/// The message that was left in a call, if one was.
pub(super) async fn left(tx: &mut TenantTx<'_>, call: CallId) -> Result<Option<Left>, DbError> {
    Ok(sqlx::query_as!(
        Left,
        r#"SELECT id AS "id: MessageId", at, state, length_ms, done_at, done_by FROM voicemails WHERE call_id = $1"#,
        call.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// What a message says, and in which conversation.
pub(super) async fn content_of(
    tx: &mut TenantTx<'_>,
    message: MessageId,
) -> Result<Option<(ConversationId, Value)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT conversation_id AS "conversation: ConversationId", content FROM messages WHERE id = $1"#,
        message.uuid(),
    );
    Ok(row.fetch_optional(tx.conn()).await?.map(|row| (row.conversation, row.content)))
}

/// Whose conversation it is.
pub(super) async fn contact_of(
    tx: &mut TenantTx<'_>,
    conversation: ConversationId,
) -> Result<Option<(ContactId, String)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT k.id AS "id: ContactId", k.display_name FROM conversations c JOIN contacts k ON k.id = c.contact_id WHERE c.id = $1"#,
        conversation.uuid(),
    );
    Ok(row.fetch_optional(tx.conn()).await?.map(|row| (row.id, row.display_name)))
}

/// Holds the calls of a contact until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, contact: ContactId) -> Result<(), DbError> {
    let calls = format!("calls/{contact}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", calls).execute(tx.conn()).await?;
    Ok(())
}

/// A conversation of calls.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: ConversationId,
    pub(super) state: State,
    pub(super) spam: bool,
    pub(super) resolved_at: Option<DateTime<Utc>>,
}

/// The person's conversation of calls that goes on, or else the newest; the contact's own before another's of the same person.
pub(super) async fn find(tx: &mut TenantTx<'_>, contact: ContactId) -> Result<Option<Found>, DbError> {
    let row = sqlx::query!(
        r#"SELECT c.id AS "id: ConversationId", c.state, c.spam, c.resolved_at
             FROM contacts asked JOIN contacts k ON k.person_id = asked.person_id
             JOIN conversations c ON c.contact_id = k.id AND c.account_id IS NULL
            WHERE asked.id = $1
            ORDER BY c.state <> 'resolved' DESC, c.contact_id = $1 DESC, c.opened_at DESC, c.id DESC LIMIT 1"#,
        contact.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Found {
        id: row.id,
        // The table's constraint knows no other words.
        state: State::parse(&row.state).unwrap_or(State::Open),
        spam: row.spam,
        resolved_at: row.resolved_at,
    }))
}

/// A conversation of calls that is to be made.
#[derive(Debug)]
pub(super) struct NewConversation<'a> {
    pub(super) contact: ContactId,
    pub(super) address: &'a str,
    /// Our number.
    pub(super) line: &'a str,
    pub(super) queue: Option<QueueId>,
    /// It is made as spam that is done.
    pub(super) resolved_at: Option<DateTime<Utc>>,
    pub(super) at: DateTime<Utc>,
}

pub(super) async fn make(tx: &mut TenantTx<'_>, new: &NewConversation<'_>) -> Result<ConversationId, DbError> {
    let id = ConversationId::new();
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO conversations (tenant_id, id, channel, contact_id, address, line, state, resolved_at, spam, queue_id, opened_at, last_at,
                                    preview_kind, preview_direction)
         VALUES ($1, $2, 'call', $3, left($4, 60), left($5, 60), CASE WHEN $6::timestamptz IS NULL THEN 'open' ELSE 'resolved' END, $6,
                 $6::timestamptz IS NOT NULL, $7, $8, $8, 'call', 'event')",
        tenant.uuid(),
        id.uuid(),
        new.contact.uuid(),
        new.address,
        new.line,
        new.resolved_at,
        new.queue.map(QueueId::uuid),
        new.at,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// A contact whom nobody will recognise again.
pub(super) async fn make_nameless(tx: &mut TenantTx<'_>, name: &str) -> Result<ContactId, DbError> {
    let id = ContactId::new();
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO contacts (tenant_id, id, person_id, display_name, named_by) VALUES ($1, $2, $2, $3, 'number')",
        tenant.uuid(),
        id.uuid(),
        name,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// One of us talks with them: they wait no more.
pub(super) async fn answered(tx: &mut TenantTx<'_>, id: ConversationId, at: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE conversations SET waiting_since = CASE WHEN waiting_since <= $2 THEN NULL ELSE waiting_since END,
                first_reply_at = least(first_reply_at, $2), last_out_at = greatest(last_out_at, $2) WHERE id = $1",
        id.uuid(),
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// They called and nobody answered: they wait, unless one of us spoke with them since.
pub(super) async fn missed(tx: &mut TenantTx<'_>, id: ConversationId, at: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE conversations SET last_in_at = greatest(last_in_at, $2),
                waiting_since = CASE WHEN $2 > coalesce(last_out_at, '-infinity') THEN least(waiting_since, $2) ELSE waiting_since END
          WHERE id = $1",
        id.uuid(),
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether they wait for us.
pub(super) async fn waits(tx: &mut TenantTx<'_>, id: ConversationId) -> Result<bool, DbError> {
    let waits = sqlx::query_scalar!(
        r#"SELECT waiting_since IS NOT NULL AS "waits!" FROM conversations WHERE id = $1"#,
        id.uuid()
    );
    Ok(waits.fetch_one(tx.conn()).await?)
}
