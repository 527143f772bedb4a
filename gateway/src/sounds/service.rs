//! Making, filling and removing sounds.

use bytes::Bytes;
use serde_json::json;
use tokio::sync::Semaphore;
use trunkline_blob::{BlobError, Expected};
use trunkline_db::{DbError, SoundId, TenantId, TenantTx};
use trunkline_journal::{Fault, Kind, NewEvent, Outcome, Ref};
use trunkline_media::sound::Sound as Audio;
use uuid::Uuid;

use super::link::Content;
use super::model::Sound;
use super::speech::{LONGEST, MAX_TEXT_CHARS, SpeechError};
use super::store::{self, Stored};
use super::uses_store;
use crate::audit;
use crate::files::{self, Files};
use crate::http::{AppError, IfMatch};
use crate::roles::{Asking, checked_name};
use crate::state::AppState;

const CREATED: Kind = Kind::from_static("sound.created");
const CHANGED: Kind = Kind::from_static("sound.changed");
const REMOVED: Kind = Kind::from_static("sound.removed");

/// Most sounds of a tenant: call control has them in memory.
const MAX_SOUNDS: i64 = 1_000;
/// Most languages of a sound.
const MAX_LANGUAGES: usize = 30;
/// Flows that are named at most when they stand in the way.
const MAX_NAMED: usize = 5;
/// Files that are converted at the same time: each may take a hundred megabytes.
static CONVERTING: Semaphore = Semaphore::const_new(2);

fn subject(id: SoundId) -> Ref {
    Ref::new("sound", id.uuid())
}

fn state_of(sound: &Sound) -> serde_json::Value {
    json!({ "name": sound.name, "files": sound.files })
}

fn told(kind: Kind, asking: &Asking, sound: &Sound) -> NewEvent {
    let languages: Vec<&str> = sound.files.iter().map(|file| file.language.as_str()).collect();
    let data = json!({ "sound_id": sound.id, "name": sound.name, "languages": languages });
    NewEvent::new(kind, subject(sound.id), data).actor(Ref::new("user", asking.by.user))
}

fn name_taken(error: DbError) -> Fault<AppError> {
    if error.constraint() == Some("sounds_name_key") {
        AppError::conflict("name-taken", "there is a sound with this name already").into()
    } else {
        error.into()
    }
}

async fn locked(tx: &mut TenantTx<'_>, id: SoundId) -> Result<Sound, Fault<AppError>> {
    store::lock(tx, id).await?.ok_or_else(|| AppError::not_found("sound").into())
}

/// A language tag (BCP 47) in its usual spelling: `pt-BR`, `zh-Hant-TW`.
pub(super) fn checked_language(written: &str) -> Result<String, AppError> {
    let parts: Vec<&str> = written.split('-').collect();
    let primary = parts[0];
    let fits = (2..=8).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.len() <= 4
        && parts.iter().all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_alphanumeric()));
    if !fits {
        return Err(AppError::invalid_field("language", "must be a language such as en or pt-BR"));
    }
    let spelled = parts.iter().enumerate().map(|(at, part)| match (at, part.len()) {
        (0, _) => part.to_ascii_lowercase(),
        (_, 2) => part.to_ascii_uppercase(),
        (_, 4) => part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase(),
        _ => part.to_ascii_lowercase(),
    });
    Ok(spelled.collect::<Vec<_>>().join("-"))
}

/// Makes a sound that has no file yet.
pub(super) async fn create(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    name: &str,
) -> Result<(Sound, NewEvent), Fault<AppError>> {
    let name = checked_name(name)?;
    if store::count(tx).await? >= MAX_SOUNDS {
        return Err(AppError::conflict("too-many-sounds", format!("at most {MAX_SOUNDS} sounds can be made")).into());
    }
    let id = SoundId::new();
    store::insert(tx, id, &name).await.map_err(name_taken)?;
    let sound = locked(tx, id).await?;
    audit::append(tx, asking.entry("sound.created", subject(id), None, Some(state_of(&sound)))).await?;
    let event = told(CREATED, asking, &sound);
    Ok((sound, event))
}

/// Renames a sound.
pub(super) async fn rename(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: SoundId,
    seen: &IfMatch,
    name: &str,
) -> Result<(Sound, Option<NewEvent>), Fault<AppError>> {
    let name = checked_name(name)?;
    let before = locked(tx, id).await?;
    seen.check(before.updated_at)?;
    if before.name == name {
        return Ok((before, None));
    }
    store::rename(tx, id, &name).await.map_err(name_taken)?;
    changed(tx, asking, &before).await.map(|(sound, event)| (sound, Some(event)))
}

/// The sound as it is after a change, with what is told and noted of it.
async fn changed(tx: &mut TenantTx<'_>, asking: &Asking, before: &Sound) -> Result<(Sound, NewEvent), Fault<AppError>> {
    store::touch(tx, before.id).await?;
    let after = locked(tx, before.id).await?;
    let entry = asking.entry("sound.changed", subject(before.id), Some(state_of(before)), Some(state_of(&after)));
    audit::append(tx, entry).await?;
    let event = told(CHANGED, asking, &after);
    Ok((after, event))
}

/// Removes a sound that neither a flow nor a queue needs.
pub(super) async fn remove(tx: &mut TenantTx<'_>, asking: &Asking, id: SoundId) -> Result<NewEvent, Fault<AppError>> {
    let before = locked(tx, id).await?;
    let uses = uses_store::of(tx, &[id]).await?.remove(&id).unwrap_or_default();
    let number = uses.iter().count();
    if number > 0 {
        let names: Vec<&str> = uses.iter().take(MAX_NAMED).map(|one| one.name.as_str()).collect();
        let more = number.saturating_sub(MAX_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let words = format!("it is heard in {}{more}", names.join(", "));
        return Err(AppError::conflict("sound-in-use", words).into());
    }
    store::remove(tx, id).await?;
    audit::append(tx, asking.entry("sound.removed", subject(id), Some(state_of(&before)), None)).await?;
    Ok(told(REMOVED, asking, &before))
}

/// Takes a file out of a sound. The sound's other languages are heard in its place.
pub(super) async fn remove_file(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: SoundId,
    language: &str,
) -> Result<(Sound, NewEvent), Fault<AppError>> {
    let before = locked(tx, id).await?;
    if !before.files.iter().any(|file| file.language == language) {
        return Err(AppError::not_found("file of the sound in this language").into());
    }
    store::remove_file(tx, id, language).await?;
    changed(tx, asking, &before).await
}

/// Asterisk's word for playing a sound to a caller of this language; none when it has no file. By the database, where calls go by memory.
pub async fn media_of(
    state: &AppState,
    tenant: TenantId,
    id: SoundId,
    language: &str,
) -> Result<Option<String>, DbError> {
    let mut tx = state.db.tenant(tenant).await?;
    let files = store::blobs(&mut tx, id).await?;
    tx.commit().await?;
    let sound = trunkline_calls::sound::Sound { tenant, files };
    Ok(sound.file(language).map(|blob| state.sounds.address(Content::File { tenant: tenant.uuid(), blob })))
}

/// What a file is made of.
#[derive(Debug)]
pub(super) enum Given {
    /// A WAV file.
    Upload(Bytes),
    /// A text.
    Text(String),
}

/// Puts a file into a sound, in the place of the one that was there. It is made and kept before the rows name it.
pub(super) async fn put_file(
    state: &AppState,
    asking: Asking,
    id: SoundId,
    language: String,
    given: Given,
) -> Result<Sound, AppError> {
    let tenant = asking.by.tenant;
    let mut tx = state.db.tenant(tenant).await?;
    let known = store::list(&mut tx, Some(id), None, 1).await?.pop().ok_or_else(|| AppError::not_found("sound"))?;
    let room = files::room(&mut tx).await?;
    tx.commit().await?;
    if known.files.len() >= MAX_LANGUAGES && !known.files.iter().any(|file| file.language == language) {
        let words = format!("a sound has at most {MAX_LANGUAGES} languages");
        return Err(AppError::conflict("too-many-languages", words));
    }
    let (wav, milliseconds, text) = made(state, given, &language).await?;
    if room.is_some_and(|room| i64::try_from(wav.len()).is_ok_and(|size| size > room)) {
        return Err(AppError::conflict("storage-full", "the company's storage has no room for it"));
    }
    let blob = Uuid::now_v7();
    let blobs = state.files.blobs().await.map_err(unkept)?;
    let key = Files::key(tenant, blob);
    blobs.put(&key, &mut wav.as_slice(), Expected::at_most(wav.len() as u64)).await.map_err(unkept)?;
    let file = Stored { language, text, milliseconds, bytes: i64::try_from(wav.len()).unwrap_or(i64::MAX), blob };
    let committed = state.journal.command(tenant, move |tx| {
        let (asking, file) = (asking.clone(), file.clone());
        Box::pin(async move {
            let before = locked(tx, id).await?;
            store::put_file(tx, id, &file).await?;
            let (sound, event) = changed(tx, &asking, &before).await?;
            Ok::<_, Fault<AppError>>(Outcome::new(sound).event(event))
        })
    });
    match committed.await {
        Ok(committed) => {
            // Who hears it next hears this one.
            let there = |sound: &trunkline_calls::sound::Sound| sound.files.values().any(|file| *file == blob);
            state.calls.goes_by(|directory| directory.sound(tenant, id).is_some_and(there)).await;
            Ok(committed.value)
        }
        Err(error) => {
            // Nobody names it. What is not removed now is lost room, and no more.
            let _ = blobs.delete(&key).await;
            Err(error.into())
        }
    }
}

/// The file as it is kept, how long it plays, and what was spoken.
async fn made(state: &AppState, given: Given, language: &str) -> Result<(Vec<u8>, i64, Option<String>), AppError> {
    let (bytes, text) = match given {
        Given::Upload(bytes) => (bytes, None),
        Given::Text(text) => {
            let text = text.trim().to_owned();
            if text.is_empty() || text.chars().count() > MAX_TEXT_CHARS {
                return Err(AppError::invalid_field("text", format!("must have 1 to {MAX_TEXT_CHARS} characters")));
            }
            let sum = state.sounds.speech().speak(&text, language).await.map_err(unspoken)?;
            let spoken = tokio::fs::read(state.sounds.speech().file(&sum)).await.map_err(AppError::internal)?;
            (spoken.into(), Some(text))
        }
    };
    let _turn = CONVERTING.acquire().await.map_err(AppError::internal)?;
    let converted = tokio::task::spawn_blocking(move || {
        let audio = Audio::read(&bytes, LONGEST)?;
        Ok((audio.to_wav(), audio.duration().as_millis()))
    });
    let (wav, milliseconds) = converted
        .await
        .map_err(AppError::internal)?
        .map_err(|error: trunkline_media::sound::SoundError| AppError::invalid_field("body", error.to_string()))?;
    Ok((wav, i64::try_from(milliseconds).unwrap_or(i64::MAX).max(1), text))
}

fn unspoken(error: SpeechError) -> AppError {
    if error.may_pass() {
        return AppError::unavailable("speech", anyhow::Error::new(error));
    }
    AppError::invalid_field("text", format!("cannot be spoken: {error}"))
}

fn unkept(error: BlobError) -> AppError {
    if error.may_pass() { AppError::unavailable("store of files", error) } else { AppError::internal(error) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::checked_language;

    #[test]
    fn languages_have_one_spelling() {
        for (written, spelled) in
            [("EN", "en"), ("pt-br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("haw", "haw")]
        {
            assert_eq!(checked_language(written).ok().as_deref(), Some(spelled));
        }
        for wrong in ["", "e", "-en", "en-", "en--us", "e1", "en_US", "../en", "englishlanguage", "en-a-b-c-d", "été"]
        {
            assert!(checked_language(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_a_language_or_refused(written in "\\PC{0,20}|[a-zA-Z0-9-]{0,20}") {
            if let Ok(language) = checked_language(&written) {
                // It is an argument of a program: no option, no path.
                prop_assert!(language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
                prop_assert!(language.as_bytes()[0].is_ascii_lowercase());
                prop_assert_eq!(checked_language(&language).ok(), Some(language));
            }
        }
    }
}
