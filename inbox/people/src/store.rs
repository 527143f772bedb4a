//! The SQL of who is who.

use chrono::{DateTime, Utc};
use serde_json::Value;
use trunkline_db::{ContactId, DbError, TenantTx, UserId};
use uuid::Uuid;

use crate::events::ContactLine;
use crate::identity::Known;
use crate::resolve::Holder;

/// Who gave a contact its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Number,
    Provider,
}

impl Named {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Provider => "provider",
        }
    }
}

#[derive(Debug)]
pub(crate) struct NewIdentity<'a> {
    pub(crate) known: &'a Known,
    pub(crate) evidence: &'a Value,
}

/// Keeps others from deciding about the same identities until the transaction ends. In one order for all, so that two do not wait for each other.
pub(crate) async fn lock_identities(tx: &mut TenantTx<'_>, known: &[Known]) -> Result<(), DbError> {
    let tenant = tx.tenant();
    let names: Vec<String> = known
        .iter()
        .filter(|known| known.kind.recognises())
        .map(|known| format!("contact {tenant} {} {}", known.kind.as_str(), known.value))
        .collect();
    lock(tx, &names).await
}

/// Keeps others from changing which contacts are one person until the transaction ends.
pub(crate) async fn lock_merges(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    let name = format!("contact merges {}", tx.tenant());
    lock(tx, &[name]).await
}

async fn lock(tx: &mut TenantTx<'_>, names: &[String]) -> Result<(), DbError> {
    sqlx::query!(
        "SELECT count(pg_advisory_xact_lock(k.key)) FROM (
             SELECT DISTINCT hashtextextended(n.name, 0) AS key FROM unnest($1::text[]) AS n (name) ORDER BY 1
         ) AS k",
        names,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// Who holds each of the identities.
pub(crate) async fn holders(tx: &mut TenantTx<'_>, known: &[Known]) -> Result<Vec<Option<Holder>>, DbError> {
    let types: Vec<String> = known.iter().map(|known| known.kind.as_str().to_owned()).collect();
    let values: Vec<String> = known.iter().map(|known| known.value.clone()).collect();
    let rows = sqlx::query!(
        r#"SELECT i.type AS "kind!", i.value, c.id, c.person_id
             FROM unnest((SELECT $1::text[]), (SELECT $2::text[])) AS u (type, value)
            CROSS JOIN LATERAL (SELECT i.type, i.value, i.contact_id FROM contact_identities i
                                 WHERE i.type = u.type AND i.value = u.value AND i.ended_at IS NULL AND i.type <> 'username' LIMIT 1) AS i
            CROSS JOIN LATERAL (SELECT * FROM contacts WHERE contacts.id = i.contact_id OFFSET 0) AS c"#,
        &types,
        &values,
    )
    .fetch_all(tx.conn())
    .await?;
    let holder = |known: &Known| {
        rows.iter()
            .find(|row| row.kind == known.kind.as_str() && row.value == known.value)
            .map(|row| Holder { contact: ContactId(row.id), person: ContactId(row.person_id) })
    };
    Ok(known.iter().map(holder).collect())
}

pub(crate) async fn insert_contact(
    tx: &mut TenantTx<'_>,
    id: ContactId,
    name: &str,
    named: Named,
    language: Option<&str>,
) -> Result<(), DbError> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO contacts (tenant_id, id, person_id, display_name, named_by, language) VALUES ($1, $2, $2, $3, $4, $5)",
        tenant.uuid(),
        id.uuid(),
        name,
        named.as_str(),
        language,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// `false` if somebody holds it already.
pub(crate) async fn insert_identity(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    identity: &NewIdentity<'_>,
) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "INSERT INTO contact_identities (tenant_id, id, contact_id, type, value, shown, evidence)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant_id, type, value) WHERE ended_at IS NULL AND type <> 'username' DO NOTHING",
        tenant.uuid(),
        Uuid::now_v7(),
        contact.uuid(),
        identity.known.kind.as_str(),
        identity.known.value,
        identity.known.shown,
        identity.evidence,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The name that they go by at a provider now, in place of the one before. `false` if they went by it already.
pub(crate) async fn set_username(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    identity: &NewIdentity<'_>,
    by: &str,
) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "WITH known AS (
             SELECT FROM contact_identities
              WHERE contact_id = $3 AND type = 'username' AND value = $4 AND ended_at IS NULL AND evidence ->> 'by' = $7
         ), older AS (
             UPDATE contact_identities SET ended_at = now()
              WHERE contact_id = $3 AND type = 'username' AND ended_at IS NULL AND evidence ->> 'by' = $7 AND NOT EXISTS (SELECT FROM known)
         )
         INSERT INTO contact_identities (tenant_id, id, contact_id, type, value, shown, evidence)
         SELECT $1, $2, $3, 'username', $4, $5, $6 WHERE NOT EXISTS (SELECT FROM known)",
        tenant.uuid(),
        Uuid::now_v7(),
        contact.uuid(),
        identity.known.value,
        identity.known.shown,
        identity.evidence,
        by,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Keeps what a provider calls them. `false` if it is what it called them before, or older than that.
pub(crate) async fn told_name(
    tx: &mut TenantTx<'_>,
    by: &Known,
    name: &str,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE contact_identities SET name = $3, named_at = $4
          WHERE type = $1 AND value = $2 AND ended_at IS NULL AND type <> 'username'
            AND name IS DISTINCT FROM $3 AND (named_at IS NULL OR named_at < $4)",
        by.kind.as_str(),
        by.value,
        name,
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A person's word stays. Whether the name is another now.
pub(crate) async fn rename_by_provider(tx: &mut TenantTx<'_>, contact: ContactId, name: &str) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE contacts SET display_name = $2, named_by = 'provider', updated_at = greatest(now(), updated_at + interval '1 microsecond')
          WHERE id = $1 AND named_by <> 'agent' AND display_name <> $2",
        contact.uuid(),
        name,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether it is another now. `if_none`: only where none is known.
pub(crate) async fn set_language(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    language: &str,
    if_none: bool,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE contacts SET language = $2, updated_at = greatest(now(), updated_at + interval '1 microsecond')
          WHERE id = $1 AND language IS DISTINCT FROM $2 AND (language IS NULL OR NOT $3)",
        contact.uuid(),
        language,
        if_none,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A contact that is there.
pub(crate) async fn line(tx: &mut TenantTx<'_>, contact: ContactId) -> Result<ContactLine, DbError> {
    find_line(tx, contact).await?.ok_or_else(|| DbError::from(sqlx::Error::RowNotFound))
}

/// A contact.
pub(crate) async fn find_line(tx: &mut TenantTx<'_>, contact: ContactId) -> Result<Option<ContactLine>, DbError> {
    let row = sqlx::query!(
        r#"SELECT id, person_id, display_name, named_by, language, blocked_at IS NOT NULL AS "blocked!", opted_out_at IS NOT NULL AS "opted_out!"
             FROM contacts WHERE id = $1"#,
        contact.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| ContactLine {
        id: ContactId(row.id),
        person_id: ContactId(row.person_id),
        name: row.display_name,
        named_by: row.named_by,
        language: row.language,
        blocked: row.blocked,
        opted_out: row.opted_out,
    }))
}

/// Others who go by one of the user names: (who, the name).
pub(crate) async fn namesakes(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    usernames: &[String],
) -> Result<Vec<(ContactId, String)>, DbError> {
    let rows = sqlx::query!(
        "SELECT i.contact_id, i.shown FROM contact_identities i
          WHERE i.type = 'username' AND i.ended_at IS NULL AND i.value = ANY($1) AND i.contact_id <> $2
          ORDER BY i.contact_id LIMIT 10",
        usernames,
        contact.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (ContactId(row.contact_id), row.shown)).collect())
}

/// Keeps a suggestion. `None` if the two were suggested before.
pub(crate) async fn insert_suggestion(
    tx: &mut TenantTx<'_>,
    pair: (ContactId, ContactId),
    proof: &Value,
) -> Result<Option<Uuid>, DbError> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "INSERT INTO merge_suggestions (tenant_id, id, contact_id, other_id, proof) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT merge_suggestions_pair_key DO NOTHING RETURNING id",
        tenant.uuid(),
        Uuid::now_v7(),
        pair.0.uuid(),
        pair.1.uuid(),
        proof,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| row.id))
}

/// They have it no more.
pub(crate) async fn end_identities(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    known: &[Known],
) -> Result<bool, DbError> {
    let types: Vec<String> = known.iter().map(|known| known.kind.as_str().to_owned()).collect();
    let values: Vec<String> = known.iter().map(|known| known.value.clone()).collect();
    let done = sqlx::query!(
        "UPDATE contact_identities i SET ended_at = now() FROM unnest($2::text[], $3::text[]) AS u (type, value)
          WHERE i.contact_id = $1 AND i.type = u.type AND i.value = u.value AND i.ended_at IS NULL",
        contact.uuid(),
        &types,
        &values,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What they had once, as evidence.
pub(crate) async fn insert_ended_identity(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    identity: &NewIdentity<'_>,
) -> Result<bool, DbError> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "INSERT INTO contact_identities (tenant_id, id, contact_id, type, value, shown, evidence, ended_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, now()
          WHERE NOT EXISTS (SELECT FROM contact_identities WHERE contact_id = $3 AND type = $4 AND value = $5)",
        tenant.uuid(),
        Uuid::now_v7(),
        contact.uuid(),
        identity.known.kind.as_str(),
        identity.known.value,
        identity.known.shown,
        identity.evidence,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether it is another now.
pub(crate) async fn set_opted_out(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    at: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE contacts SET opted_out_at = $2, updated_at = greatest(now(), updated_at + interval '1 microsecond')
          WHERE person_id = (SELECT person_id FROM contacts WHERE id = $1) AND (opted_out_at IS NULL) <> ($2::timestamptz IS NULL)",
        contact.uuid(),
        at,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A merge.
#[derive(Debug)]
pub(crate) struct MergeRow {
    pub(crate) winner: ContactId,
    pub(crate) loser: ContactId,
    pub(crate) proof: Value,
    pub(crate) undone: bool,
}

pub(crate) async fn insert_merge(
    tx: &mut TenantTx<'_>,
    (winner, loser): (ContactId, ContactId),
    proof: &Value,
    by: Option<UserId>,
) -> Result<Uuid, DbError> {
    let tenant = tx.tenant();
    let id = Uuid::now_v7();
    sqlx::query!(
        "INSERT INTO contact_merges (tenant_id, id, winner_id, loser_id, proof, merged_by) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant.uuid(),
        id,
        winner.uuid(),
        loser.uuid(),
        proof,
        by.map(UserId::uuid),
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(crate) async fn find_merge(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<MergeRow>, DbError> {
    let row = sqlx::query!(
        r#"SELECT winner_id, loser_id, proof, undone_at IS NOT NULL AS "undone!" FROM contact_merges WHERE id = $1"#,
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| MergeRow {
        winner: ContactId(row.winner_id),
        loser: ContactId(row.loser_id),
        proof: row.proof,
        undone: row.undone,
    }))
}

pub(crate) async fn undo_merge(tx: &mut TenantTx<'_>, id: Uuid, by: Option<UserId>) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE contact_merges SET undone_at = now(), undone_by = $2 WHERE id = $1 AND undone_at IS NULL",
        id,
        by.map(UserId::uuid),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Everything below a contact has its person again.
pub(crate) async fn follow(tx: &mut TenantTx<'_>, root: ContactId) -> Result<(), DbError> {
    sqlx::query!("SELECT contacts_follow($1)", root.uuid()).execute(tx.conn()).await?;
    Ok(())
}

/// What was suggested and is so now.
pub(crate) async fn settle_suggestions(
    tx: &mut TenantTx<'_>,
    person: ContactId,
    by: Option<UserId>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE merge_suggestions s SET state = 'merged', decided_at = now(), decided_by = $2
           FROM contacts a, contacts b
          WHERE a.person_id = $1 AND b.person_id = $1 AND s.contact_id = a.id AND s.other_id = b.id AND s.state = 'open'",
        person.uuid(),
        by.map(UserId::uuid),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What was merged and is not so any more: not to be suggested again.
pub(crate) async fn unsettle_suggestions(
    tx: &mut TenantTx<'_>,
    (one, other): (ContactId, ContactId),
    by: Option<UserId>,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE merge_suggestions s SET state = 'dismissed', decided_at = now(), decided_by = $3
           FROM contacts a, contacts b
          WHERE s.contact_id = a.id AND s.other_id = b.id AND s.state = 'merged'
            AND ((a.person_id = $1 AND b.person_id = $2) OR (a.person_id = $2 AND b.person_id = $1))",
        one.uuid(),
        other.uuid(),
        by.map(UserId::uuid),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether they were called otherwise, or by somebody else's word.
pub(crate) async fn rename_by_agent(tx: &mut TenantTx<'_>, contact: ContactId, name: &str) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE contacts SET display_name = $2, named_by = 'agent', updated_at = greatest(now(), updated_at + interval '1 microsecond')
          WHERE id = $1 AND (named_by <> 'agent' OR display_name <> $2)",
        contact.uuid(),
        name,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether it is another now.
pub(crate) async fn put_language(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    language: Option<&str>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE contacts SET language = $2, updated_at = greatest(now(), updated_at + interval '1 microsecond')
          WHERE id = $1 AND language IS DISTINCT FROM $2",
        contact.uuid(),
        language,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Every contact of the person: a merge that is undone leaves both as they were. Whether any is otherwise now.
pub(crate) async fn set_blocked(
    tx: &mut TenantTx<'_>,
    contact: ContactId,
    blocked: bool,
    by: Option<UserId>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE contacts SET blocked_at = CASE WHEN $2 THEN now() END, blocked_by = CASE WHEN $2 THEN $3::uuid END,
                updated_at = greatest(now(), updated_at + interval '1 microsecond')
          WHERE person_id = (SELECT person_id FROM contacts WHERE id = $1) AND (blocked_at IS NOT NULL) <> $2",
        contact.uuid(),
        blocked,
        by.map(UserId::uuid),
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends one identity of the person.
pub(crate) async fn end_identity(tx: &mut TenantTx<'_>, contact: ContactId, identity: Uuid) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "UPDATE contact_identities i SET ended_at = now() FROM contacts asked JOIN contacts c ON c.person_id = asked.person_id
          WHERE asked.id = $1 AND i.contact_id = c.id AND i.id = $2 AND i.ended_at IS NULL",
        contact.uuid(),
        identity,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() > 0)
}
