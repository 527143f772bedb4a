//! SQL of people, for the API.

use serde_json::Value;
use trunkline_db::{ContactId, ConversationId, DbError, TenantTx, UserId};
use trunkline_people::IdentityType;
use uuid::Uuid;

use super::model::{
    Contact, ContactIdentity, ContactItem, ContactMerge, IdentityShort, MergeSuggestion, SuggestedContact,
};
use super::words;

/// Most identities, merges and suggestions that are shown of one person.
const MOST_SHOWN: i64 = 200;

fn kind_of(text: &str) -> Result<IdentityType, DbError> {
    let unknown = || sqlx::Error::Decode(format!("no type of identity: {text}").into());
    Ok(IdentityType::parse(text).ok_or_else(unknown)?)
}

/// People by name behind the position (name, id).
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    after: Option<&(String, ContactId)>,
    limit: i64,
) -> Result<Vec<ContactItem>, DbError> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM contacts WHERE person_id = id AND ($1::text IS NULL OR (display_name, id) > ($1, $2))
          ORDER BY display_name, id LIMIT $3",
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    items(tx, &ids).await
}

/// People of whom a text is a part of the name or the beginning of what they are known by.
pub(super) async fn search(tx: &mut TenantTx<'_>, text: &str, limit: i32) -> Result<Vec<Uuid>, DbError> {
    let found = sqlx::query_scalar!(r#"SELECT id AS "id!" FROM contacts_search($1, $2) AS id"#, text, limit);
    Ok(found.fetch_all(tx.conn()).await?)
}

/// These people, in this order.
pub(super) async fn items(tx: &mut TenantTx<'_>, ids: &[Uuid]) -> Result<Vec<ContactItem>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT c.id AS "id: ContactId", c.display_name, c.named_by, c.language, c.blocked_at IS NOT NULL AS "blocked!",
                  c.opted_out_at IS NOT NULL AS "opted_out!", c.created_at, c.updated_at,
                  (SELECT coalesce(jsonb_agg(jsonb_build_object('type', i.type, 'value', i.value, 'shown', i.shown)), '[]')
                     FROM (SELECT i.type, i.value, i.shown FROM contact_identities i JOIN contacts k ON k.id = i.contact_id
                            WHERE k.person_id = c.id AND i.ended_at IS NULL ORDER BY i.id LIMIT 5) i) AS "identities!"
             FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place) JOIN contacts c ON c.id = asked.id ORDER BY asked.place"#,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let identities: Vec<IdentityShort> =
                serde_json::from_value(row.identities).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok(ContactItem {
                id: row.id,
                name: row.display_name,
                named_by: row.named_by,
                language: row.language,
                blocked: row.blocked,
                opted_out: row.opted_out,
                identities,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}

/// The contact that stands for the person of a contact. `lock`: until the transaction ends.
pub(super) async fn person(tx: &mut TenantTx<'_>, id: ContactId, lock: bool) -> Result<Option<ContactId>, DbError> {
    let person = sqlx::query_scalar!(r#"SELECT person_id AS "id: ContactId" FROM contacts WHERE id = $1"#, id.uuid());
    let Some(person) = person.fetch_optional(tx.conn()).await? else { return Ok(None) };
    if lock {
        sqlx::query!("SELECT id FROM contacts WHERE id = $1 FOR NO KEY UPDATE", person.uuid())
            .fetch_one(tx.conn())
            .await?;
    }
    Ok(Some(person))
}

/// The person of a contact, with everything that is known of them.
pub(super) async fn find(tx: &mut TenantTx<'_>, id: ContactId) -> Result<Option<Contact>, DbError> {
    let row = sqlx::query!(
        r#"SELECT c.id AS "id: ContactId", c.display_name, c.named_by, c.language, c.blocked_at, c.blocked_by AS "blocked_by: UserId",
                  c.opted_out_at, c.created_at, c.updated_at,
                  ARRAY(SELECT k.id FROM contacts k WHERE k.person_id = c.id ORDER BY k.id) AS "contact_ids!"
             FROM contacts asked JOIN contacts c ON c.id = asked.person_id WHERE asked.id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Contact {
        identities: identities(tx, &row.contact_ids).await?,
        merges: merges(tx, &row.contact_ids).await?,
        suggestions: suggestions(tx, &Asked { of: Some(&row.contact_ids), ..Asked::open(MOST_SHOWN) }).await?,
        id: row.id,
        contact_ids: row.contact_ids.into_iter().map(ContactId).collect(),
        name: row.display_name,
        named_by: row.named_by,
        language: row.language,
        blocked_at: row.blocked_at,
        blocked_by: row.blocked_by,
        opted_out_at: row.opted_out_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}

async fn identities(tx: &mut TenantTx<'_>, contacts: &[Uuid]) -> Result<Vec<ContactIdentity>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id, contact_id AS "contact_id: ContactId", type AS "kind!", value, shown, name, evidence, created_at, ended_at
             FROM contact_identities WHERE contact_id = ANY($1) ORDER BY ended_at IS NOT NULL, id LIMIT $2"#,
        contacts,
        MOST_SHOWN,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ContactIdentity {
                id: row.id,
                contact_id: row.contact_id,
                kind: kind_of(&row.kind)?,
                value: row.value,
                shown: row.shown,
                name: row.name,
                evidence: words::of_identity(&row.evidence),
                evidence_data: row.evidence,
                created_at: row.created_at,
                ended_at: row.ended_at,
            })
        })
        .collect()
}

async fn merges(tx: &mut TenantTx<'_>, contacts: &[Uuid]) -> Result<Vec<ContactMerge>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT m.id, m.winner_id AS "winner_id: ContactId", w.display_name AS winner_name, m.loser_id AS "loser_id: ContactId",
                  l.display_name AS loser_name, m.proof, m.merged_by AS "merged_by: UserId", m.merged_at, m.undone_at
             FROM contact_merges m JOIN contacts w ON w.id = m.winner_id JOIN contacts l ON l.id = m.loser_id
            WHERE m.winner_id = ANY($1) OR m.loser_id = ANY($1) ORDER BY m.id DESC LIMIT $2"#,
        contacts,
        MOST_SHOWN,
    )
    .fetch_all(tx.conn())
    .await?;
    let merge = rows.into_iter().map(|row| ContactMerge {
        id: row.id,
        winner_id: row.winner_id,
        winner_name: row.winner_name,
        loser_id: row.loser_id,
        loser_name: row.loser_name,
        proof: words::of_proof(&row.proof),
        merged_by: row.merged_by,
        merged_at: row.merged_at,
        undone_at: row.undone_at,
    });
    Ok(merge.collect())
}

/// Which suggestions are asked for.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// Of one of these contacts.
    pub(super) of: Option<&'a [Uuid]>,
    /// This one alone, in whatever state it is.
    pub(super) one: Option<Uuid>,
    /// Older than this one.
    pub(super) before: Option<Uuid>,
    pub(super) limit: i64,
}

impl Asked<'_> {
    pub(super) const fn open(limit: i64) -> Self {
        Self { of: None, one: None, before: None, limit }
    }
}

/// Suggestions, the newest first: those that nobody has decided, between two who are not one yet.
pub(super) async fn suggestions(tx: &mut TenantTx<'_>, asked: &Asked<'_>) -> Result<Vec<MergeSuggestion>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT s.id, s.proof, s.state, s.created_at, a.id AS "a_id: ContactId", a.display_name AS a_name, a.named_by AS a_named_by,
                  b.id AS "b_id: ContactId", b.display_name AS b_name, b.named_by AS b_named_by
             FROM merge_suggestions s
             JOIN contacts x ON x.id = s.contact_id JOIN contacts a ON a.id = x.person_id
             JOIN contacts y ON y.id = s.other_id JOIN contacts b ON b.id = y.person_id
            WHERE (s.id = $2 OR ($2::uuid IS NULL AND s.state = 'open' AND a.id <> b.id))
              AND ($1::uuid[] IS NULL OR s.contact_id = ANY($1) OR s.other_id = ANY($1))
              AND ($3::uuid IS NULL OR s.id < $3)
            ORDER BY s.id DESC LIMIT $4"#,
        asked.of,
        asked.one,
        asked.before,
        asked.limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let suggestion = rows.into_iter().map(|row| MergeSuggestion {
        id: row.id,
        contact: SuggestedContact { id: row.a_id, name: row.a_name, named_by: row.a_named_by },
        other: SuggestedContact { id: row.b_id, name: row.b_name, named_by: row.b_named_by },
        proof: words::of_proof(&row.proof),
        state: row.state,
        created_at: row.created_at,
    });
    Ok(suggestion.collect())
}

/// What was suggested, as it was kept: its proof. Locked until the transaction ends.
pub(super) async fn lock_suggestion(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<Value>, DbError> {
    let proof = sqlx::query_scalar!("SELECT proof FROM merge_suggestions WHERE id = $1 FOR UPDATE", id);
    Ok(proof.fetch_optional(tx.conn()).await?)
}

/// It is not so, somebody of ours says.
pub(super) async fn dismiss(tx: &mut TenantTx<'_>, id: Uuid, by: UserId) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE merge_suggestions SET state = 'dismissed', decided_at = now(), decided_by = $2 WHERE id = $1 AND state = 'open'",
        id,
        by.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The two contacts of a merge.
pub(super) async fn merge_pair(tx: &mut TenantTx<'_>, id: Uuid) -> Result<Option<(ContactId, ContactId)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT winner_id AS "winner: ContactId", loser_id AS "loser: ContactId" FROM contact_merges WHERE id = $1"#,
        id
    );
    Ok(row.fetch_optional(tx.conn()).await?.map(|row| (row.winner, row.loser)))
}

/// Of a person who is blocked what is not done; of one who is heard again what was put away.
pub(super) async fn conversations_to_hide(
    tx: &mut TenantTx<'_>,
    person: ContactId,
    blocked: bool,
) -> Result<Vec<ConversationId>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT c.id AS "id: ConversationId" FROM contacts k
             JOIN conversations c ON c.tenant_id = k.tenant_id AND c.contact_id = k.id
            WHERE k.person_id = $1 AND c.spam <> $2 AND (c.state <> 'resolved' OR NOT $2)
            ORDER BY c.id LIMIT 500"#,
        person.uuid(),
        blocked,
    )
    .fetch_all(tx.conn())
    .await?)
}
