//! SQL of sounds and their files.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use trunkline_db::{DbError, SoundId, TenantTx};
use uuid::Uuid;

use super::model::{Sound, SoundFile, SoundSource};
use super::uses_store;

/// A file as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) language: String,
    /// What was spoken; of an upload nothing.
    pub(super) text: Option<String>,
    pub(super) milliseconds: i64,
    pub(super) bytes: i64,
    pub(super) blob: Uuid,
}

/// Sounds by name, behind the position (name, id); or this one.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    one: Option<SoundId>,
    after: Option<&(String, SoundId)>,
    limit: i64,
) -> Result<Vec<Sound>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: SoundId", name, created_at, updated_at FROM sounds
            WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text IS NULL OR (name, id) > ($2, $3))
            ORDER BY name, id LIMIT $4"#,
        one.map(SoundId::uuid),
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<SoundId> = rows.iter().map(|row| row.id).collect();
    let mut uses = uses_store::of(tx, &ids).await?;
    let mut sounds: Vec<Sound> = rows
        .into_iter()
        .map(|row| Sound {
            id: row.id,
            name: row.name,
            files: Vec::new(),
            used_by: uses.remove(&row.id).unwrap_or_default(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
        .collect();
    let ids: Vec<Uuid> = ids.into_iter().map(SoundId::uuid).collect();
    let files = sqlx::query!(
        r#"SELECT sound_id AS "sound: SoundId", language, source, text, milliseconds, bytes
             FROM sound_files WHERE sound_id = ANY($1) ORDER BY language"#,
        &ids,
    );
    for file in files.fetch_all(tx.conn()).await? {
        let Some(sound) = sounds.iter_mut().find(|sound| sound.id == file.sound) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "at most ten minutes")]
        let seconds = file.milliseconds as f64 / 1000.0;
        let source = SoundSource::parse(&file.source);
        sound.files.push(SoundFile { language: file.language, source, text: file.text, seconds, bytes: file.bytes });
    }
    Ok(sounds)
}

/// A sound, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: SoundId) -> Result<Option<Sound>, DbError> {
    let known = sqlx::query_scalar!("SELECT id FROM sounds WHERE id = $1 FOR UPDATE", id.uuid());
    if known.fetch_optional(tx.conn()).await?.is_none() {
        return Ok(None);
    }
    Ok(list(tx, Some(id), None, 1).await?.pop())
}

/// How many there are.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM sounds"#).fetch_one(tx.conn()).await?)
}

/// Makes a sound without a file. The violated constraint of a name that is taken is `sounds_name_key`.
pub(super) async fn insert(tx: &mut TenantTx<'_>, id: SoundId, name: &str) -> Result<(), DbError> {
    let tenant = tx.tenant().uuid();
    sqlx::query!("INSERT INTO sounds (tenant_id, id, name) VALUES ($1, $2, $3)", tenant, id.uuid(), name)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Renames a sound.
pub(super) async fn rename(tx: &mut TenantTx<'_>, id: SoundId, name: &str) -> Result<(), DbError> {
    sqlx::query!("UPDATE sounds SET name = $2 WHERE id = $1", id.uuid(), name).execute(tx.conn()).await?;
    Ok(())
}

/// Notes that a sound was changed.
pub(super) async fn touch(tx: &mut TenantTx<'_>, id: SoundId) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE sounds SET updated_at = greatest(now(), updated_at + interval '1 microsecond') WHERE id = $1",
        id.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a sound with its files.
pub(super) async fn remove(tx: &mut TenantTx<'_>, id: SoundId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM sounds WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

/// Puts a file into a sound, in the place of the one that was there.
pub(super) async fn put_file(tx: &mut TenantTx<'_>, id: SoundId, file: &Stored) -> Result<(), DbError> {
    let source = if file.text.is_some() { "speech" } else { "upload" };
    sqlx::query!(
        "INSERT INTO sound_files (tenant_id, sound_id, language, source, text, milliseconds, bytes, blob_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, sound_id, language) DO UPDATE
            SET source = excluded.source, text = excluded.text, milliseconds = excluded.milliseconds, bytes = excluded.bytes,
                blob_id = excluded.blob_id, created_at = now()",
        tx.tenant().uuid(),
        id.uuid(),
        file.language,
        source,
        file.text,
        file.milliseconds,
        file.bytes,
        file.blob,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a file out of a sound.
pub(super) async fn remove_file(tx: &mut TenantTx<'_>, id: SoundId, language: &str) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM sound_files WHERE sound_id = $1 AND language = $2", id.uuid(), language)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Where a sound's files lie in the store, by language.
pub(super) async fn blobs(tx: &mut TenantTx<'_>, id: SoundId) -> Result<BTreeMap<String, Uuid>, DbError> {
    let rows = sqlx::query!("SELECT language, blob_id FROM sound_files WHERE sound_id = $1", id.uuid());
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(|row| (row.language, row.blob_id)).collect())
}

/// Where a sound's file lies in the store.
pub(super) async fn blob(tx: &mut TenantTx<'_>, id: SoundId, language: &str) -> Result<Option<Uuid>, DbError> {
    let blob = sqlx::query_scalar!(
        "SELECT blob_id FROM sound_files WHERE sound_id = $1 AND language = $2",
        id.uuid(),
        language
    );
    Ok(blob.fetch_optional(tx.conn()).await?)
}

/// Files that no sound has named since then.
pub(super) async fn leftovers(tx: &mut TenantTx<'_>, before: DateTime<Utc>, limit: i64) -> Result<Vec<Uuid>, DbError> {
    let blobs = sqlx::query_scalar!(
        "SELECT blob_id FROM sound_leftovers WHERE left_at < $1 ORDER BY left_at LIMIT $2",
        before,
        limit
    );
    Ok(blobs.fetch_all(tx.conn()).await?)
}

/// Forgets leftovers whose files are gone.
pub(super) async fn forget_leftovers(tx: &mut TenantTx<'_>, blobs: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM sound_leftovers WHERE blob_id = ANY($1)", blobs).execute(tx.conn()).await?;
    Ok(())
}

/// Some of the tenant's files, named or left.
pub(super) async fn some(tx: &mut TenantTx<'_>, limit: i64) -> Result<Vec<Uuid>, DbError> {
    let blobs = sqlx::query_scalar!(
        r#"SELECT blob_id AS "blob!" FROM (SELECT blob_id FROM sound_files UNION SELECT blob_id FROM sound_leftovers) b LIMIT $1"#,
        limit
    );
    Ok(blobs.fetch_all(tx.conn()).await?)
}

/// Forgets files of a tenant that is being removed.
pub(super) async fn forget(tx: &mut TenantTx<'_>, blobs: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM sound_files WHERE blob_id = ANY($1)", blobs).execute(tx.conn()).await?;
    forget_leftovers(tx, blobs).await
}
