//! A file on its way in: laid down on this machine, looked at, and only then kept.

use std::io::{self, Seek as _};
use std::path::PathBuf;

use tokio::sync::Semaphore;
use trunkline_blob::sniff::{self, Judged, Kind, Limits};
use trunkline_blob::thumbnail::{Thumbnail, thumbnail};
use trunkline_blob::{BlobError, BlobKey, Expected, Stored, Sum};
use trunkline_channels::model::MediaSort;
use trunkline_db::{AttachmentId, TenantId};
use uuid::Uuid;

use super::Files;

/// Largest picture of which a small one is made, in bytes.
const MAX_PICTURE: u64 = 32 * 1024 * 1024;
/// Pictures that are unpacked at the same time: each may take much memory.
static UNPACKING: Semaphore = Semaphore::const_new(2);
/// Types that a browser would run, whatever they are called.
const PAGES: &[&str] = &["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml"];

/// A file of this machine that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Laid {
    path: PathBuf,
}

impl Laid {
    /// A new file, and the way to write it.
    pub(super) async fn new(files: &Files) -> io::Result<(Self, tokio::fs::File)> {
        tokio::fs::create_dir_all(files.incoming()).await?;
        let path = files.incoming().join(Uuid::now_v7().to_string());
        let file = tokio::fs::File::create_new(&path).await?;
        Ok((Self { path }, file))
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        // What stays behind a crash is swept.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Why a file is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unkept {
    /// For good, and why.
    #[error("{0}")]
    Refused(String),
    /// Another attempt may do.
    #[error("{0}")]
    Later(String),
}

impl From<io::Error> for Unkept {
    fn from(error: io::Error) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<BlobError> for Unkept {
    fn from(error: BlobError) -> Self {
        if error.may_pass() { Self::Later(error.to_string()) } else { Self::Refused(error.to_string()) }
    }
}

/// A file that was kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) mime: &'static str,
    pub(super) bytes: u64,
    /// Lower-case hex.
    pub(super) sha256: String,
    pub(super) blob: Uuid,
    pub(super) thumbnail: Option<Uuid>,
    /// Pixels.
    pub(super) size: Option<(u32, u32)>,
}

/// What is told of a file before it is looked into.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub(super) sort: MediaSort,
    pub(super) mime: Option<String>,
}

/// The largest file that may come at all, in bytes.
pub(super) fn largest() -> u64 {
    Limits::default().largest()
}

/// Looks into a file and keeps it. `id` names it: kept twice, it replaces itself.
pub(super) async fn keep(
    files: &Files,
    tenant: TenantId,
    id: AttachmentId,
    laid: &Laid,
    (size, sum): (u64, &str),
    claimed: &Claimed,
) -> Result<Kept, Unkept> {
    let path = laid.path.clone();
    let judged = tokio::task::spawn_blocking(move || sniff::judge(&mut std::fs::File::open(path)?))
        .await
        .map_err(|error| Unkept::Later(error.to_string()))??;
    check(&judged, claimed, size)?;
    let picture = match judged.kind {
        Kind::Image if size <= MAX_PICTURE => picture(laid).await?,
        _ => None,
    };
    let blobs = files.blobs().await?;
    let key = Files::key(tenant, id.uuid());
    let sha256: Sum = sum.parse().map_err(|_| Unkept::Later("the checksum cannot be read".to_owned()))?;
    let mut file = tokio::fs::File::open(&laid.path).await?;
    let stored = blobs.put(&key, &mut file, Expected::exactly(Stored { size, sha256 })).await?;
    let small = match &picture {
        Some(small) => {
            let key = BlobKey::of(tenant.uuid(), Uuid::new_v5(&id.uuid(), b"thumbnail"));
            let expected = Expected::at_most(small.bytes.len() as u64);
            blobs.put(&key, &mut small.bytes.as_slice(), expected).await?;
            Some(key.blob())
        }
        None => None,
    };
    Ok(Kept {
        mime: judged.mime,
        bytes: stored.size,
        sha256: stored.sha256.to_string(),
        blob: key.blob(),
        thumbnail: small,
        size: picture.map(|small| small.original),
    })
}

/// A picture that cannot be unpacked is kept without a small one: it may be whole for other programs.
async fn picture(laid: &Laid) -> Result<Option<Thumbnail>, Unkept> {
    let turn = UNPACKING.acquire().await.map_err(|error| Unkept::Later(error.to_string()))?;
    let path = laid.path.clone();
    let made = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        let mut file = std::fs::File::open(path)?;
        file.rewind()?;
        io::Read::read_to_end(&mut file, &mut bytes)?;
        Ok::<_, io::Error>(thumbnail(&bytes).ok())
    })
    .await
    .map_err(|error| Unkept::Later(error.to_string()))??;
    drop(turn);
    Ok(made)
}

/// Whether a file may be kept: by its size, and by whether it is what it says it is.
fn check(judged: &Judged, claimed: &Claimed, size: u64) -> Result<(), Unkept> {
    if size == 0 {
        return Err(Unkept::Refused("the file is empty".to_owned()));
    }
    Limits::default().check(judged, size).map_err(|error| Unkept::Refused(error.to_string()))?;
    let fits = match claimed.sort {
        MediaSort::Image => judged.kind == Kind::Image,
        MediaSort::Audio | MediaSort::Voice => matches!(judged.kind, Kind::Audio | Kind::Video),
        MediaSort::Video | MediaSort::VideoNote => judged.kind == Kind::Video,
        MediaSort::Animation => matches!(judged.kind, Kind::Video | Kind::Image),
        // Telegram's animated ones are packed drawings.
        MediaSort::Sticker => matches!(judged.kind, Kind::Image | Kind::Video | Kind::Archive),
        MediaSort::Document => true,
    };
    let lies = || Unkept::Refused(format!("the file is not what it says it is: it is {}", judged.mime));
    if !fits {
        return Err(lies());
    }
    let declared = claimed.mime.as_deref().unwrap_or_default();
    // A page or a program under another name is a trap; a table that is called a text is not.
    let is_trap =
        PAGES.contains(&judged.mime) || (judged.kind == Kind::Other && judged.mime != "application/octet-stream");
    if is_trap && !declared.is_empty() && !judged.agrees_with(declared) {
        return Err(lies());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(bytes: &[u8], sort: MediaSort, mime: Option<&str>) -> bool {
        let claimed = Claimed { sort, mime: mime.map(str::to_owned) };
        check(&sniff::judge_bytes(bytes), &claimed, bytes.len() as u64).is_ok()
    }

    #[test]
    fn a_file_is_what_it_says_it_is_or_it_is_not_kept() {
        let page = b"<!DOCTYPE html><html><script>alert(1)</script></html>";
        let png = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
        assert!(checked(png, MediaSort::Image, Some("image/png")));
        assert!(!checked(page, MediaSort::Image, Some("image/png")));
        assert!(!checked(page, MediaSort::Document, Some("application/pdf")));
        assert!(checked(page, MediaSort::Document, Some("text/html")), "one that says so is saved, never shown");
        assert!(checked(b"a,b\n1,2\n", MediaSort::Document, Some("application/vnd.ms-excel")));
        assert!(!checked(b"", MediaSort::Document, None));
        assert!(!checked(png, MediaSort::Video, Some("video/mp4")));
    }
}
