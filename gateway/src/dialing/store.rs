//! SQL of outbound calls' rules and lists, within one tenant.

use chrono::{DateTime, Utc};
use trunkline_db::{AgentId, DbError, TenantTx, UserId};
use trunkline_dialing::{Load, Mark, Rules};

use super::import::Said;
use super::model::{CallerMark, DncEntry};

/// The rules that were set, and when.
pub(super) async fn rules(tx: &mut TenantTx<'_>) -> Result<Option<(Rules, DateTime<Utc>)>, DbError> {
    let row = sqlx::query!("SELECT rules, updated_at FROM dialing_rules").fetch_optional(tx.conn()).await?;
    row.map(|row| Ok((decode(row.rules)?, row.updated_at))).transpose()
}

/// The same, locked until the transaction ends.
pub(super) async fn lock_rules(tx: &mut TenantTx<'_>) -> Result<Option<(Rules, DateTime<Utc>)>, DbError> {
    let row = sqlx::query!("SELECT rules, updated_at FROM dialing_rules FOR UPDATE").fetch_optional(tx.conn()).await?;
    row.map(|row| Ok((decode(row.rules)?, row.updated_at))).transpose()
}

pub(super) fn decode(rules: serde_json::Value) -> Result<Rules, DbError> {
    serde_json::from_value(rules).map_err(|error| DbError::from(sqlx::Error::Decode(Box::new(error))))
}

/// Sets the rules.
pub(super) async fn set_rules(tx: &mut TenantTx<'_>, rules: &Rules, by: UserId) -> Result<DateTime<Utc>, DbError> {
    let rules = serde_json::to_value(rules).map_err(|error| DbError::from(sqlx::Error::Encode(Box::new(error))))?;
    let set = sqlx::query_scalar!(
        "INSERT INTO dialing_rules (tenant_id, rules, updated_by) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id) DO UPDATE SET rules = excluded.rules, updated_by = excluded.updated_by, updated_at = now()
         RETURNING updated_at",
        tx.tenant().uuid(),
        rules,
        by.uuid(),
    );
    Ok(set.fetch_one(tx.conn()).await?)
}

/// The tenant's own numbers.
pub(super) async fn own_numbers(tx: &mut TenantTx<'_>) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!("SELECT number FROM numbers ORDER BY number").fetch_all(tx.conn()).await?)
}

/// Which of these queues are not the tenant's.
pub(super) async fn unknown_queues(tx: &mut TenantTx<'_>, queues: &[uuid::Uuid]) -> Result<Vec<uuid::Uuid>, DbError> {
    let unknown = sqlx::query_scalar!(
        r#"SELECT w.id AS "id!" FROM unnest($1::uuid[]) AS w (id) WHERE NOT EXISTS (SELECT FROM queues q WHERE q.id = w.id)"#,
        queues,
    );
    Ok(unknown.fetch_all(tx.conn()).await?)
}

/// What is known of one number: until when it is not called (none: it is called; `Some(None)`: never), and its mark.
pub(super) async fn of_number(
    tx: &mut TenantTx<'_>,
    number: &str,
) -> Result<(Option<Option<DateTime<Utc>>>, Option<Mark>), DbError> {
    let entry = sqlx::query_scalar!("SELECT until FROM dnc_entries WHERE number = $1", number);
    let entry = entry.fetch_optional(tx.conn()).await?;
    let mark = sqlx::query_scalar!("SELECT mark FROM caller_marks WHERE number = $1", number);
    Ok((entry, mark.fetch_optional(tx.conn()).await?.and_then(|word| Mark::parse(&word))))
}

/// What is going on, as the database has it. Minutes with other countries are left to call control, which knows the countries.
pub(super) async fn load(tx: &mut TenantTx<'_>, agent: AgentId) -> Result<Load, DbError> {
    let row = sqlx::query!(
        r#"SELECT count(*) FILTER (WHERE ended_at IS NULL) AS "concurrent!",
                  count(*) FILTER (WHERE ended_at IS NULL AND agent_id = $1) AS "concurrent_of_agent!",
                  count(*) FILTER (WHERE started_at > now() - interval '1 hour') AS "hour!",
                  count(*) FILTER (WHERE started_at > now() - interval '1 hour' AND agent_id = $1) AS "hour_of_agent!",
                  count(*) AS "day!", count(*) FILTER (WHERE agent_id = $1) AS "day_of_agent!"
             FROM (SELECT started_at, ended_at, agent_id FROM calls
                    WHERE direction = 'outbound' AND started_at > now() - interval '1 day'
                      AND end_reason IS DISTINCT FROM 'blocked' AND (agent_id IS NOT NULL OR queued_at IS NULL)
                   UNION ALL
                   SELECT started_at, ended_at, agent_id FROM call_legs
                    WHERE kind = 'outside' AND started_at > now() - interval '1 day') AS dialled"#,
        agent.uuid(),
    )
    .fetch_one(tx.conn())
    .await?;
    let whole = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Load {
        concurrent: whole(row.concurrent),
        concurrent_of_agent: whole(row.concurrent_of_agent),
        hour: whole(row.hour),
        hour_of_agent: whole(row.hour_of_agent),
        day: whole(row.day),
        day_of_agent: whole(row.day_of_agent),
        international_minutes: 0,
    })
}

/// The do-not-call list behind a number; only numbers that begin so, where that is asked for.
pub(super) async fn list_dnc(
    tx: &mut TenantTx<'_>,
    beginning: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<DncEntry>, DbError> {
    let entries = sqlx::query_as!(
        DncEntry,
        r#"SELECT number, reason, until, created_at, created_by AS "created_by: UserId" FROM dnc_entries
            WHERE starts_with(number, $1) AND ($2::text IS NULL OR number > $2) ORDER BY number LIMIT $3"#,
        beginning,
        after,
        limit,
    );
    Ok(entries.fetch_all(tx.conn()).await?)
}

/// An entry, locked until the transaction ends.
pub(super) async fn lock_dnc(tx: &mut TenantTx<'_>, number: &str) -> Result<Option<DncEntry>, DbError> {
    let entry = sqlx::query_as!(
        DncEntry,
        r#"SELECT number, reason, until, created_at, created_by AS "created_by: UserId" FROM dnc_entries
            WHERE number = $1 FOR UPDATE"#,
        number,
    );
    Ok(entry.fetch_optional(tx.conn()).await?)
}

/// How many numbers are on the list.
pub(super) async fn count_dnc(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM dnc_entries"#).fetch_one(tx.conn()).await?)
}

/// Puts numbers on the list; those that are there get the new reason and time. Returns how many are new.
pub(super) async fn put_dnc<'a>(
    tx: &mut TenantTx<'_>,
    entries: impl IntoIterator<Item = (&'a String, &'a Said)>,
    by: UserId,
) -> Result<usize, DbError> {
    let (mut numbers, mut reasons, mut untils) = (Vec::new(), Vec::new(), Vec::new());
    for (number, said) in entries {
        numbers.push(number.clone());
        reasons.push(said.reason.clone());
        untils.push(said.until);
    }
    let new = sqlx::query_scalar!(
        r#"INSERT INTO dnc_entries (tenant_id, number, reason, until, created_by)
           SELECT $1, w.number, w.reason, w.until, $5
             FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS w (number, reason, until)
           ON CONFLICT (tenant_id, number) DO UPDATE SET reason = excluded.reason, until = excluded.until
           RETURNING (xmax = 0) AS "is_new!""#,
        tx.tenant().uuid(),
        &numbers,
        &reasons,
        &untils as &[Option<DateTime<Utc>>],
        by.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(new.into_iter().filter(|is_new| *is_new).count())
}

/// Takes a number from the list.
pub(super) async fn remove_dnc(tx: &mut TenantTx<'_>, number: &str) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM dnc_entries WHERE number = $1", number).execute(tx.conn()).await?;
    Ok(())
}

/// Callers with a mark behind a number; one alone, where that is asked for.
pub(super) async fn list_marks(
    tx: &mut TenantTx<'_>,
    number: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<CallerMark>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT number, mark, reason, created_at, created_by AS "created_by: UserId" FROM caller_marks
            WHERE ($1::text IS NULL OR number = $1) AND ($2::text IS NULL OR number > $2) ORDER BY number LIMIT $3"#,
        number,
        after,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let marks = rows.into_iter().filter_map(|row| {
        let mark = Mark::parse(&row.mark)?;
        Some(CallerMark {
            number: row.number,
            mark,
            reason: row.reason,
            created_at: row.created_at,
            created_by: row.created_by,
        })
    });
    Ok(marks.collect())
}

/// How many callers have a mark.
pub(super) async fn count_marks(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM caller_marks"#).fetch_one(tx.conn()).await?)
}

/// Marks a caller.
pub(super) async fn put_mark(
    tx: &mut TenantTx<'_>,
    number: &str,
    mark: Mark,
    reason: &str,
    by: UserId,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO caller_marks (tenant_id, number, mark, reason, created_by) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, number) DO UPDATE SET mark = excluded.mark, reason = excluded.reason,
             created_at = now(), created_by = excluded.created_by",
        tx.tenant().uuid(),
        number,
        mark.as_str(),
        reason,
        by.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a caller's mark away.
pub(super) async fn remove_mark(tx: &mut TenantTx<'_>, number: &str) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM caller_marks WHERE number = $1", number).execute(tx.conn()).await?;
    Ok(())
}
