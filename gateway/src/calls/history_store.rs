//! SQL of calls as the API shows them.

use std::collections::HashMap;

use trunkline_db::{AgentId, CallId, DbError, DeviceId, QueueId, RecordingId, TenantTx};
use uuid::Uuid;

use super::filter::Wanted;
use super::http::Call;
use super::store::word;
use super::{disposition_store, notes_store};
use crate::queues;
use crate::roster::Sight;
use trunkline_calls::model::{CallState, Direction, EndReason, Leg, LegKind};

/// Most calls that a search for digits brings at once. With more than that the digits tell little, and looking at the newest calls
/// one by one fills a page sooner.
const MOST_FOUND: usize = 1_000;
/// With fewer digits there is no trigram to look up.
const FEWEST_DIGITS: usize = 3;

/// Calls that the user may see: those who see all, the agents who were asked or talked, who leads a team of
/// theirs, and members of the queue.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    wanted: &Wanted,
    limit: i64,
    sight: &Sight,
) -> Result<Vec<Call>, DbError> {
    let found = match &wanted.digits {
        Some(digits) if digits.len() >= FEWEST_DIGITS => with_digits(tx, digits, wanted.before).await?,
        _ => None,
    };
    read(tx, found, wanted, limit, sight).await
}

/// One call, if the user may see it.
pub(crate) async fn find(tx: &mut TenantTx<'_>, id: CallId, sight: &Sight) -> Result<Option<Call>, DbError> {
    Ok(read(tx, Some(vec![id.uuid()]), &Wanted::default(), 1, sight).await?.pop())
}

/// Those of these calls that the user may see.
pub(crate) async fn of_ids(tx: &mut TenantTx<'_>, ids: Vec<Uuid>, sight: &Sight) -> Result<Vec<Call>, DbError> {
    let most = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    read(tx, Some(ids), &Wanted::default(), most, sight).await
}

/// All calls with these digits in a number; `None` when there are too many to name.
async fn with_digits(
    tx: &mut TenantTx<'_>,
    digits: &str,
    before: Option<CallId>,
) -> Result<Option<Vec<Uuid>>, DbError> {
    let found = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM calls_with_digits($1, $2, $3) AS id"#,
        digits,
        before.map(CallId::uuid),
        MOST_FOUND as i32 + 1,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok((found.len() <= MOST_FOUND).then_some(found))
}

async fn read(
    tx: &mut TenantTx<'_>,
    ids: Option<Vec<Uuid>>,
    wanted: &Wanted,
    limit: i64,
    sight: &Sight,
) -> Result<Vec<Call>, DbError> {
    let seen = sight.agents();
    let queues: Vec<Uuid> = if sight.all {
        Vec::new()
    } else {
        queues::store::of_agent(tx, AgentId::from(sight.user)).await?.into_iter().map(QueueId::uuid).collect()
    };
    let states: Option<Vec<String>> = names(wanted.states.as_deref(), CallState::as_str);
    let end_reasons: Option<Vec<String>> = names(wanted.end_reasons.as_deref(), EndReason::as_str);
    let like = wanted.digits.as_ref().map(|digits| format!("%{digits}%"));
    // Planned for these filters each time: a plan that has to do for all of them would use none of their indexes.
    sqlx::query!("SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS mode")
        .fetch_one(tx.conn())
        .await?;
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id: CallId", c.direction, c.from_number, c.to_number, c.state, c.queue_id AS "queue_id: QueueId",
                  c.agent_id AS "agent_id: AgentId", c.contact_id, c.started_at, c.queued_at, c.answered_at, c.ended_at,
                  c.end_reason, c.cause, c.sip_code, c.estimated, c.gaps, c.held_since, c.asterisk,
                  c.recording_id AS "recording_id: RecordingId"
             FROM calls c
            WHERE ($1::uuid[] IS NULL OR c.id = ANY($1))
              AND ($2::text[] IS NULL OR c.state = ANY($2))
              AND ($3::uuid IS NULL OR c.queue_id = $3)
              AND ($4::uuid IS NULL OR c.agent_id = $4)
              AND ($5::text IS NULL OR c.direction = $5)
              AND ($6::text[] IS NULL OR c.end_reason = ANY($6))
              AND (NOT $7 OR (c.direction = 'inbound' AND c.state = 'ended' AND c.answered_at IS NULL))
              AND ($8::text IS NULL OR c.from_number LIKE $8 OR c.to_number LIKE $8)
              AND ($9::timestamptz IS NULL OR c.started_at >= $9)
              AND ($10::timestamptz IS NULL OR c.started_at < $10)
              AND ($11::uuid IS NULL OR c.id < $11)
              AND ($12 OR c.agent_id = ANY($13) OR c.queue_id = ANY($14)
                   OR c.id IN (SELECT l.call_id FROM call_legs l WHERE l.agent_id = ANY($13)))
              AND ($16::text IS NULL OR c.id = ANY(ARRAY(SELECT t.call_id FROM call_tags t WHERE t.tag = $16)))
            ORDER BY c.id DESC LIMIT $15"#,
        ids.as_deref(),
        states.as_deref(),
        wanted.queue,
        wanted.agent,
        wanted.direction.map(Direction::as_str),
        end_reasons.as_deref(),
        wanted.missed,
        like,
        wanted.from,
        wanted.to,
        wanted.before.map(CallId::uuid),
        sight.all,
        &seen,
        &queues,
        limit,
        wanted.tag,
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let mut legs = legs_of(tx, &ids).await?;
    let mut dispositions = disposition_store::of_calls(tx, &ids).await?;
    let mut notes = notes_store::notes_of(tx, &ids).await?;
    let mut tags = notes_store::tags_of(tx, &ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Call {
                id: row.id,
                direction: word(&row.direction, Direction::parse)?,
                from: row.from_number,
                to: row.to_number,
                state: word(&row.state, CallState::parse)?,
                queue_id: row.queue_id,
                agent_id: row.agent_id,
                contact_id: row.contact_id,
                started_at: row.started_at,
                queued_at: row.queued_at,
                answered_at: row.answered_at,
                held_since: row.held_since,
                ended_at: row.ended_at,
                end_reason: row.end_reason.as_deref().map(|reason| word(reason, EndReason::parse)).transpose()?,
                cause: row.cause,
                sip_code: row.sip_code,
                estimated: row.estimated,
                asterisk: row.asterisk,
                legs: legs.remove(&row.id).unwrap_or_default(),
                recording_id: row.recording_id,
                dispositions: dispositions.remove(&row.id).unwrap_or_default(),
                notes: notes.remove(&row.id).unwrap_or_default(),
                tags: tags.remove(&row.id).unwrap_or_default(),
                gaps: serde_json::from_value(row.gaps).unwrap_or_default(),
            })
        })
        .collect()
}

fn names<T: Copy>(values: Option<&[T]>, name: impl Fn(T) -> &'static str) -> Option<Vec<String>> {
    Some(values?.iter().map(|value| name(*value).to_owned()).collect())
}

async fn legs_of(tx: &mut TenantTx<'_>, calls: &[Uuid]) -> Result<HashMap<CallId, Vec<Leg>>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT call_id AS "call_id: CallId", id, kind, agent_id AS "agent_id: AgentId", device_id AS "device_id: DeviceId",
                  started_at, answered_at, ended_at, cause, number
             FROM call_legs WHERE call_id = ANY($1) ORDER BY started_at, kind DESC, id"#,
        calls,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut legs: HashMap<CallId, Vec<Leg>> = HashMap::new();
    for row in rows {
        legs.entry(row.call_id).or_default().push(Leg {
            id: row.id,
            kind: word(&row.kind, LegKind::parse)?,
            agent_id: row.agent_id,
            device_id: row.device_id,
            started_at: row.started_at,
            answered_at: row.answered_at,
            ended_at: row.ended_at,
            cause: row.cause,
            number: row.number,
        });
    }
    Ok(legs)
}
