//! SQL of the worklist.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, CallId, DbError, QueueId, SystemTx, TenantId, TenantTx};
use uuid::Uuid;

use super::http::{Callback, CallbackCounts, InLine};
use crate::queues;
use crate::roster::Sight;

/// The name of this consumer.
const CONSUMER: &str = "worklist";
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
             LEFT JOIN worklist_cursors c ON c.tenant_id = h.tenant_id
            WHERE h.seq > coalesce(c.seq, 0)
            ORDER BY h.seq - coalesce(c.seq, 0), 1 LIMIT $1"#,
        ROUND,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Who is to be called back, and which messages nobody is done with, of all tenants.
pub(super) async fn open_of_all(tx: &mut SystemTx) -> Result<(i64, i64), DbError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM callbacks WHERE state = 'open') AS "callbacks!",
                  (SELECT count(*) FROM voicemails WHERE done_at IS NULL) AS "voicemails!""#
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.callbacks, row.voicemails))
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
    sqlx::query!("INSERT INTO worklist_cursors (tenant_id, seq) VALUES ($1, 0) ON CONFLICT DO NOTHING", tenant.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes the cursor until the transaction ends. `None`: there is none, or somebody else has it.
pub(super) async fn take(tx: &mut TenantTx<'_>) -> Result<Option<Cursor>, DbError> {
    Ok(sqlx::query_as!(Cursor, "SELECT seq, tries FROM worklist_cursors FOR UPDATE SKIP LOCKED")
        .fetch_optional(tx.conn())
        .await?)
}

/// Moves the cursor that was taken.
pub(super) async fn advance(tx: &mut TenantTx<'_>, seq: i64) -> Result<(), DbError> {
    sqlx::query!("UPDATE worklist_cursors SET seq = $1, tries = 0", seq).execute(tx.conn()).await?;
    Ok(())
}

/// The event after the cursor failed once more.
pub(super) async fn failed(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    sqlx::query!("UPDATE worklist_cursors SET tries = tries + 1").execute(tx.conn()).await?;
    Ok(())
}

/// An event, and the call that it is about, if it says how that went.
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
        "SELECT seq, subject_id, kind IN ('call.answered', 'call.ended') AS counts
           FROM events
          WHERE tenant_id = $1 AND seq > $2 AND recorded_at >= (SELECT journal_month_of($2 + 1))
          ORDER BY seq LIMIT $3",
        tenant.uuid(),
        after,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    let rows = rows.into_iter().map(|row| Row {
        seq: row.seq,
        subject: row.subject_id,
        call: (row.counts == Some(true)).then_some(CallId(row.subject_id)),
    });
    Ok(rows.collect())
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

/// What of a call the worklist looks at.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) direction: String,
    pub(super) from_number: String,
    pub(super) to_number: String,
    pub(super) queue_id: Option<QueueId>,
    pub(super) agent_id: Option<AgentId>,
    pub(super) started_at: DateTime<Utc>,
    pub(super) queued_at: Option<DateTime<Utc>>,
    pub(super) answered_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) end_reason: Option<String>,
    /// Seconds in its queue before which hanging up does not count.
    pub(super) short_abandon_s: Option<i64>,
    pub(super) left_message: bool,
    /// There was a leg of theirs.
    pub(super) was_dialled: bool,
    /// Whose phone rang for it.
    pub(super) dialled_by: Option<AgentId>,
}

pub(super) async fn call(tx: &mut TenantTx<'_>, id: CallId) -> Result<Option<Call>, DbError> {
    Ok(sqlx::query_as!(
        Call,
        r#"SELECT c.direction, c.from_number, c.to_number, c.queue_id AS "queue_id: QueueId", c.agent_id AS "agent_id: AgentId",
                  c.started_at, c.queued_at, c.answered_at, c.ended_at, c.end_reason,
                  (SELECT (q.routing ->> 'short_abandon_seconds')::bigint FROM queues q WHERE q.id = c.queue_id) AS short_abandon_s,
                  EXISTS (SELECT FROM voicemails v WHERE v.call_id = c.id) AS "left_message!",
                  EXISTS (SELECT FROM call_legs l WHERE l.call_id = c.id AND l.kind = 'customer') AS "was_dialled!",
                  (SELECT l.agent_id FROM call_legs l WHERE l.call_id = c.id AND l.kind = 'agent' AND l.agent_id IS NOT NULL
                    ORDER BY l.started_at, l.id LIMIT 1) AS "dialled_by: AgentId"
             FROM calls c WHERE c.id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Why somebody is to be called back. The later ones weigh more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// They gave up waiting.
    Abandoned,
    /// Nobody served them.
    Missed,
    /// They left a message.
    Voicemail,
    /// They asked for it.
    Asked,
}

impl Why {
    const ALL: [Self; 4] = [Self::Abandoned, Self::Missed, Self::Voicemail, Self::Asked];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Missed => "missed",
            Self::Voicemail => "voicemail",
            Self::Asked => "asked",
        }
    }
}

/// Somebody who is to be called back.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'a> {
    pub(crate) call: CallId,
    pub(crate) queue: Option<QueueId>,
    pub(crate) number: &'a str,
    pub(crate) why: Why,
    pub(crate) at: DateTime<Utc>,
    pub(crate) until: Option<DateTime<Utc>>,
}

/// What became of an entry.
#[derive(Debug, Clone)]
pub(crate) enum Entered {
    /// There is something new to be told.
    News(Told),
    /// The call was counted before, or its number cannot be called.
    Nothing,
}

/// Puts somebody on the list, or counts a further call of theirs.
pub(crate) async fn enter(tx: &mut TenantTx<'_>, entry: &Entry<'_>) -> Result<Entered, DbError> {
    let counted = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM callback_calls WHERE call_id = $1) AS "counted!""#,
        entry.call.uuid()
    );
    if counted.fetch_one(tx.conn()).await? || !super::keep::can_be_called(entry.number) {
        return Ok(Entered::Nothing);
    }
    let id = match further(tx, entry).await? {
        Some(id) => id,
        None => match first(tx, entry).await? {
            Some(id) => id,
            // Somebody else was quicker by a moment.
            None => match further(tx, entry).await? {
                Some(id) => id,
                None => return Ok(Entered::Nothing),
            },
        },
    };
    count(tx, entry.call, id, "in", entry.at).await?;
    Ok(told(tx, id).await?.map_or(Entered::Nothing, Entered::News))
}

/// A further call of somebody on the list; the weightier reason stands.
async fn further(tx: &mut TenantTx<'_>, entry: &Entry<'_>) -> Result<Option<Uuid>, DbError> {
    let lighter: Vec<&str> = Why::ALL.iter().filter(|why| **why < entry.why).map(|why| why.as_str()).collect();
    let id = sqlx::query_scalar!(
        "UPDATE callbacks SET calls = calls + 1, last_in_at = greatest(last_in_at, $2),
                why = CASE WHEN why = ANY($3) THEN $4 ELSE why END,
                queue_id = coalesce((SELECT q.id FROM queues q WHERE q.id = $5), queue_id), until = greatest(until, $6)
          WHERE number = $1 AND state = 'open' RETURNING id",
        entry.number,
        entry.at,
        &lighter as &[&str],
        entry.why.as_str(),
        entry.queue.map(QueueId::uuid),
        entry.until,
    );
    Ok(id.fetch_optional(tx.conn()).await?)
}

async fn first(tx: &mut TenantTx<'_>, entry: &Entry<'_>) -> Result<Option<Uuid>, DbError> {
    let id = sqlx::query_scalar!(
        "INSERT INTO callbacks (tenant_id, id, call_id, queue_id, number, why, at, last_in_at, until)
         VALUES ($1, $2, $3, (SELECT q.id FROM queues q WHERE q.id = $4), $5, $6, $7, $7, $8) ON CONFLICT DO NOTHING RETURNING id",
        tx.tenant().uuid(),
        Uuid::now_v7(),
        entry.call.uuid(),
        entry.queue.map(QueueId::uuid),
        entry.number,
        entry.why.as_str(),
        entry.at,
        entry.until,
    );
    Ok(id.fetch_optional(tx.conn()).await?)
}

/// Counts a call. `false`: it was counted.
async fn count(
    tx: &mut TenantTx<'_>,
    call: CallId,
    callback: Uuid,
    way: &str,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let counted = sqlx::query!(
        "INSERT INTO callback_calls (tenant_id, call_id, callback_id, way, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        tx.tenant().uuid(),
        call.uuid(),
        callback,
        way,
        at,
    );
    Ok(counted.execute(tx.conn()).await?.rows_affected() == 1)
}

/// Says until when somebody stands on the list who was put there without it.
pub(super) async fn keep_until(tx: &mut TenantTx<'_>, call: CallId, until: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE callbacks SET until = $2 WHERE until IS NULL AND state = 'open'
            AND id = (SELECT callback_id FROM callback_calls WHERE call_id = $1)",
        call.uuid(),
        until,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What is told of a row.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(super) id: Uuid,
    pub(super) call_id: CallId,
    pub(super) queue_id: Option<QueueId>,
    pub(super) number: String,
    pub(super) why: String,
    pub(super) state: String,
    pub(super) calls: i32,
    pub(super) attempts: i32,
    pub(super) taken_by: Option<AgentId>,
    pub(super) last_call_id: Option<Uuid>,
    pub(super) ended_by: Option<AgentId>,
}

/// A row as it is now.
pub(super) async fn told(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Told>, DbError> {
    Ok(sqlx::query_as!(
        Told,
        r#"SELECT id, call_id AS "call_id: CallId", queue_id AS "queue_id: QueueId", number, why, state, calls, attempts,
                  taken_by AS "taken_by: AgentId", last_call_id, ended_by AS "ended_by: AgentId"
             FROM callbacks WHERE id = $1"#,
        id,
    )
    .fetch_optional(tx.conn())
    .await?)
}

async fn all_told(tx: &mut TenantTx<'_>, ids: Vec<Uuid>) -> Result<Vec<Told>, DbError> {
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        all.extend(told(tx, id).await?);
    }
    Ok(all)
}

/// One of the house talks with a number since then: who stood on the list before is done.
pub(super) async fn talked(
    tx: &mut TenantTx<'_>,
    call: CallId,
    number: &str,
    since: DateTime<Utc>,
    by: Option<AgentId>,
) -> Result<Vec<Told>, DbError> {
    let ids = sqlx::query_scalar!(
        "UPDATE callbacks SET state = 'done', ended_at = $3, ended_by = coalesce($4, taken_by), last_call_id = $2
          WHERE state = 'open' AND (number = $1 OR last_call_id = $2) AND last_in_at <= $3 RETURNING id",
        number,
        call.uuid(),
        since,
        by.map(AgentId::uuid),
    )
    .fetch_all(tx.conn())
    .await?;
    all_told(tx, ids).await
}

/// A call of ours was in vain: the rows for which it was.
pub(super) async fn attempted(
    tx: &mut TenantTx<'_>,
    call: CallId,
    number: &str,
    at: DateTime<Utc>,
) -> Result<Vec<Told>, DbError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM callbacks WHERE state = 'open' AND (number = $1 OR last_call_id = $2) AND at <= $3 FOR UPDATE",
        number,
        call.uuid(),
        at,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut tried = Vec::new();
    for id in ids {
        if count(tx, call, id, "out", at).await? {
            sqlx::query!(
                "UPDATE callbacks SET attempts = attempts + 1, last_attempt_at = $3, last_call_id = $2 WHERE id = $1",
                id,
                call.uuid(),
                at,
            )
            .execute(tx.conn())
            .await?;
            tried.push(id);
        }
    }
    all_told(tx, tried).await
}

/// All attempts were in vain.
pub(super) async fn give_up(tx: &mut TenantTx<'_>, id: Uuid, at: DateTime<Utc>) -> Result<Option<Told>, DbError> {
    sqlx::query!("UPDATE callbacks SET state = 'unreached', ended_at = $2 WHERE id = $1 AND state = 'open'", id, at)
        .execute(tx.conn())
        .await?;
    told(tx, id).await
}

/// Tenants with rows whose time is over.
pub(super) async fn overdue(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    let tenants = sqlx::query_scalar!(
        r#"SELECT DISTINCT b.tenant_id AS "tenant: TenantId" FROM callbacks b JOIN tenants t ON t.id = b.tenant_id
            WHERE b.state = 'open' AND b.until < now() AND t.removal_started_at IS NULL"#
    );
    Ok(tenants.fetch_all(tx.conn()).await?)
}

/// Ends some rows whose time is over.
pub(super) async fn expire(tx: &mut TenantTx<'_>, now: DateTime<Utc>, most: i64) -> Result<Vec<Told>, DbError> {
    let ids = sqlx::query_scalar!(
        "UPDATE callbacks SET state = 'unreached', ended_at = $1
          WHERE id = ANY (ARRAY(SELECT id FROM callbacks WHERE state = 'open' AND until < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING id",
        now,
        most,
    )
    .fetch_all(tx.conn())
    .await?;
    all_told(tx, ids).await
}

/// Somebody takes it. `None`: it is not open, or somebody else has it.
pub(super) async fn take_row(tx: &mut TenantTx<'_>, id: Uuid, by: AgentId) -> Result<Option<Told>, DbError> {
    let done = sqlx::query!(
        "UPDATE callbacks SET taken_by = $2, taken_at = coalesce(taken_at, now())
          WHERE id = $1 AND state = 'open' AND (taken_by IS NULL OR taken_by = $2)",
        id,
        by.uuid(),
    );
    let changed = done.execute(tx.conn()).await?.rows_affected() == 1;
    if changed { told(tx, id).await } else { Ok(None) }
}

/// Nobody has it any more. `None`: it is not open, or nobody had it.
pub(super) async fn release(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Told>, DbError> {
    let done = sqlx::query!(
        "UPDATE callbacks SET taken_by = NULL, taken_at = NULL WHERE id = $1 AND state = 'open' AND taken_by IS NOT NULL",
        id,
    );
    let changed = done.execute(tx.conn()).await?.rows_affected() == 1;
    if changed { told(tx, id).await } else { Ok(None) }
}

/// Somebody says that it is over. `None`: it was.
pub(super) async fn close(tx: &mut TenantTx<'_>, id: Uuid, by: AgentId, note: &str) -> Result<Option<Told>, DbError> {
    let done = sqlx::query!(
        "UPDATE callbacks SET state = 'closed', ended_at = now(), ended_by = $2, note = $3 WHERE id = $1 AND state = 'open'",
        id,
        by.uuid(),
        note,
    );
    let changed = done.execute(tx.conn()).await?.rows_affected() == 1;
    if changed { told(tx, id).await } else { Ok(None) }
}

/// It is open again, with all its attempts before it. `None`: it was, or another row of the number is.
pub(super) async fn reopen(tx: &mut TenantTx<'_>, id: Uuid, until: DateTime<Utc>) -> Result<Option<Told>, DbError> {
    let done = sqlx::query!(
        "UPDATE callbacks b SET state = 'open', ended_at = NULL, ended_by = NULL, attempts = 0, until = $2
          WHERE b.id = $1 AND b.state <> 'open' AND NOT EXISTS (SELECT FROM callbacks o WHERE o.number = b.number AND o.state = 'open')",
        id,
        until,
    );
    let changed = done.execute(tx.conn()).await?.rows_affected() == 1;
    if changed { told(tx, id).await } else { Ok(None) }
}

/// A call is made for a row: it is theirs who call, unless somebody else has it.
pub(super) async fn link(tx: &mut TenantTx<'_>, id: Uuid, call: CallId, by: AgentId) -> Result<Option<Told>, DbError> {
    let done = sqlx::query!(
        "UPDATE callbacks SET last_call_id = $2, taken_by = coalesce(taken_by, $3), taken_at = coalesce(taken_at, now())
          WHERE id = $1 AND state = 'open'",
        id,
        call.uuid(),
        by.uuid(),
    );
    let changed = done.execute(tx.conn()).await?.rows_affected() == 1;
    if changed { told(tx, id).await } else { Ok(None) }
}

/// Which rows a list asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) id: Option<Uuid>,
    /// Whether they are open; none: either.
    pub(super) open: Option<bool>,
    pub(super) queue: Option<Uuid>,
    pub(super) taken_by: Option<Uuid>,
    /// Behind this one, the newest first.
    pub(super) before: Option<Uuid>,
    pub(super) limit: i64,
}

/// Rows that the user may see: of calls in their sight, as in `/calls`, and those that they have taken.
pub(super) async fn list(tx: &mut TenantTx<'_>, wanted: &Wanted, sight: &Sight) -> Result<Vec<Callback>, DbError> {
    let queues: Vec<Uuid> = if sight.all {
        Vec::new()
    } else {
        queues::store::of_agent(tx, AgentId::from(sight.user)).await?.into_iter().map(QueueId::uuid).collect()
    };
    Ok(sqlx::query_as!(
        Callback,
        r#"SELECT b.id, b.call_id, b.queue_id, b.number, c.contact_id, k.display_name AS "contact_name?", b.why, b.at, b.last_in_at, b.calls,
                  b.state, b.attempts, b.last_attempt_at, b.last_call_id, b.until, b.taken_by,
                  CASE WHEN b.taken_by IS NOT NULL THEN member_name(b.taken_by) END AS taken_by_name, b.taken_at, b.ended_at, b.ended_by,
                  CASE WHEN b.ended_by IS NOT NULL THEN member_name(b.ended_by) END AS ended_by_name, b.note,
                  (SELECT v.id FROM callback_calls i JOIN voicemails v ON v.call_id = i.call_id
                    WHERE i.callback_id = b.id ORDER BY i.at DESC LIMIT 1) AS voicemail_id,
                  CASE WHEN b.state = 'open' THEN
                    (SELECT jsonb_build_object('call_id', o.id, 'since', o.queued_at) FROM calls o
                      WHERE o.tenant_id = b.tenant_id AND o.state <> 'ended' AND o.direction = 'outbound' AND o.to_number = b.number
                        AND o.queued_at IS NOT NULL AND o.answered_at IS NULL LIMIT 1)
                  END AS "in_line: sqlx::types::Json<InLine>"
             FROM callbacks b
             JOIN calls c ON c.id = b.call_id
             LEFT JOIN contacts k ON k.id = c.contact_id
            WHERE ($1::uuid IS NULL OR b.id = $1)
              AND ($2::boolean IS NULL OR (b.state = 'open') = $2)
              AND ($3::uuid IS NULL OR b.queue_id = $3)
              AND ($4::uuid IS NULL OR b.taken_by = $4)
              AND ($5::uuid IS NULL OR b.id < $5)
              AND ($6 OR b.queue_id = ANY($7) OR c.queue_id = ANY($7) OR c.agent_id = ANY($8) OR b.taken_by = ANY($8)
                   OR EXISTS (SELECT FROM call_legs l WHERE l.call_id = c.id AND l.agent_id = ANY($8)))
            ORDER BY b.id DESC LIMIT $9"#,
        wanted.id,
        wanted.open,
        wanted.queue,
        wanted.taken_by,
        wanted.before,
        sight.all,
        &queues,
        &sight.agents(),
        wanted.limit,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What is open in the user's sight: the rule is that of [`list`].
pub(super) async fn counts(tx: &mut TenantTx<'_>, sight: &Sight) -> Result<CallbackCounts, DbError> {
    let queues: Vec<Uuid> = if sight.all {
        Vec::new()
    } else {
        queues::store::of_agent(tx, AgentId::from(sight.user)).await?.into_iter().map(QueueId::uuid).collect()
    };
    let seen = sight.agents();
    let rows = sqlx::query!(
        r#"SELECT count(*) AS "open!", count(*) FILTER (WHERE b.taken_by = $4) AS "mine!"
             FROM callbacks b JOIN calls c ON c.id = b.call_id
            WHERE b.state = 'open'
              AND ($1 OR b.queue_id = ANY($2) OR c.queue_id = ANY($2) OR c.agent_id = ANY($3) OR b.taken_by = ANY($3)
                   OR EXISTS (SELECT FROM call_legs l WHERE l.call_id = c.id AND l.agent_id = ANY($3)))"#,
        sight.all,
        &queues,
        &seen,
        sight.user.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    let voicemails = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!"
             FROM voicemails v JOIN calls c ON c.id = v.call_id
            WHERE v.done_at IS NULL
              AND ($1 OR v.queue_id = ANY($2) OR c.queue_id = ANY($2) OR c.agent_id = ANY($3)
                   OR EXISTS (SELECT FROM call_legs l WHERE l.call_id = c.id AND l.agent_id = ANY($3)))"#,
        sight.all,
        &queues,
        &seen,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(CallbackCounts { open: rows.open, mine: rows.mine, voicemails })
}
