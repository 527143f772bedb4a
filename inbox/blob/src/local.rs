//! Files in a folder: `<tenant>/<two digits of the blob>/<blob>`, and `incoming/` for what is not whole yet.
//!
//! A file is written into `incoming`, synced, renamed into its place, and the folders are synced: after [`Local::put`] a power cut does not
//! lose it, and before, it is not there. `incoming` lies in the same file system, or the rename would be no rename.

use std::io::{self, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::fs::{self, DirBuilder, File, OpenOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncSeekExt as _, AsyncWrite, AsyncWriteExt as _};
use uuid::Uuid;

use crate::content::{Expected, Stored, Tally};
use crate::{BlobError, BlobKey, Meta, Opened, cut};

/// How much is read and written at a time, in bytes.
const PIECE: usize = 128 * 1024;

#[derive(Debug)]
pub(crate) struct Local {
    root: PathBuf,
}

/// A file that goes away unless it was moved into its place: errors, and callers who went away, leave nothing behind.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It is not there when it was moved. What cannot be removed now, the sweep removes.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Local {
    pub(crate) async fn open(root: &Path) -> Result<Self, BlobError> {
        let local = Self { root: root.to_owned() };
        make_folder(&local.incoming()).await?;
        Ok(local)
    }

    fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    pub(crate) fn unfinished(&self, name: Uuid) -> PathBuf {
        self.incoming().join(name.hyphenated().to_string())
    }

    fn place(&self, key: &BlobKey) -> PathBuf {
        let blob = key.blob().hyphenated().to_string();
        // The last digits are random in every version of UUID that we make; the first are the time.
        self.root.join(key.tenant().hyphenated().to_string()).join(&blob[blob.len() - 2..]).join(&blob)
    }

    pub(crate) async fn put(
        &self,
        key: &BlobKey,
        source: &mut (impl AsyncRead + Send + Unpin),
        expected: Expected,
    ) -> Result<Stored, BlobError> {
        let mut tally = Tally::new(expected)?;
        let unfinished = Unfinished(self.unfinished(Uuid::now_v7()));
        let mut file = create(&unfinished.0).await?;
        pour(source, &mut file, &mut tally).await?;
        let stored = tally.finish()?;
        self.settle(file, &unfinished.0, key).await?;
        Ok(stored)
    }

    /// Makes a whole file durable in its place.
    pub(crate) async fn settle(&self, file: File, from: &Path, key: &BlobKey) -> Result<(), BlobError> {
        file.sync_all().await.map_err(|error| BlobError::local(&error))?;
        drop(file);
        let place = self.place(key);
        let folder = place.parent().expect("a key's place is below the root");
        make_folder(folder).await?;
        fs::rename(from, &place).await.map_err(|error| BlobError::local(&error))?;
        sync_folder(folder).await
    }

    pub(crate) async fn begin(&self) -> Result<Uuid, BlobError> {
        let name = Uuid::now_v7();
        create(&self.unfinished(name)).await?;
        Ok(name)
    }

    /// The file of an upload that was begun.
    pub(crate) async fn unfinished_file(&self, name: Uuid) -> Result<File, BlobError> {
        let opened = OpenOptions::new().write(true).open(self.unfinished(name)).await;
        opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::UploadGone,
            _ => BlobError::local(&error),
        })
    }

    pub(crate) async fn put_part(&self, name: Uuid, at: u64, part: &Bytes) -> Result<(), BlobError> {
        let mut file = self.unfinished_file(name).await?;
        let written = async {
            file.seek(SeekFrom::Start(at)).await?;
            file.write_all(part).await?;
            file.flush().await
        };
        written.await.map_err(|error| BlobError::local(&error))
    }

    pub(crate) async fn finish(&self, name: Uuid, size: u64, key: &BlobKey) -> Result<(), BlobError> {
        let file = self.unfinished_file(name).await?;
        file.set_len(size).await.map_err(|error| BlobError::local(&error))?;
        self.settle(file, &self.unfinished(name), key).await
    }

    pub(crate) async fn abort(&self, name: Uuid) -> Result<(), BlobError> {
        remove(&self.unfinished(name)).await
    }

    pub(crate) async fn sweep(&self, age: Duration) -> Result<u64, BlobError> {
        let failed = |error: io::Error| BlobError::local(&error);
        let oldest = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut entries = fs::read_dir(self.incoming()).await.map_err(failed)?;
        let mut removed = 0;
        while let Some(entry) = entries.next_entry().await.map_err(failed)? {
            // It may be finished, and so gone, in this very moment.
            let Ok(meta) = entry.metadata().await else { continue };
            if meta.is_file() && meta.modified().is_ok_and(|touched| touched <= oldest) {
                remove(&entry.path()).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    pub(crate) async fn head(&self, key: &BlobKey) -> Result<Meta, BlobError> {
        fs::metadata(self.place(key)).await.map(|meta| told(&meta)).map_err(|error| BlobError::local(&error))
    }

    pub(crate) async fn read(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Opened, BlobError> {
        let failed = |error: io::Error| BlobError::local(&error);
        let mut file = File::open(self.place(key)).await.map_err(failed)?;
        let meta = told(&file.metadata().await.map_err(failed)?);
        let range = cut(range, meta.size)?;
        file.seek(SeekFrom::Start(range.start)).await.map_err(failed)?;
        file.set_max_buf_size(PIECE);
        let content = Box::new(file.take(range.end - range.start));
        Ok(Opened { meta, range, content })
    }

    pub(crate) async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        let place = self.place(key);
        remove(&place).await?;
        match sync_folder(place.parent().expect("a key's place is below the root")).await {
            Err(BlobError::NotFound) => Ok(()),
            synced => synced,
        }
    }
}

fn told(meta: &std::fs::Metadata) -> Meta {
    let modified: DateTime<Utc> = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH).into();
    Meta { size: meta.len(), modified }
}

async fn create(path: &Path) -> Result<File, BlobError> {
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await;
    created.map_err(|error| BlobError::local(&error))
}

/// Copies all of a source, telling a source that fails from a disk that does.
async fn pour(
    source: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    tally: &mut Tally,
) -> Result<(), BlobError> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = source.read(&mut piece).await.map_err(BlobError::Source)?;
        if read == 0 {
            break;
        }
        tally.add(&piece[..read])?;
        to.write_all(&piece[..read]).await.map_err(|error| BlobError::local(&error))?;
    }
    // A file writes behind our back: what the last write met is told here.
    to.flush().await.map_err(|error| BlobError::local(&error))
}

/// With those above it, so that they too are there after a power cut.
async fn make_folder(folder: &Path) -> Result<(), BlobError> {
    let mut missing = Vec::new();
    let mut above = folder;
    while !fs::try_exists(above).await.map_err(|error| BlobError::local(&error))? {
        missing.push(above);
        let Some(parent) = above.parent() else { break };
        above = parent;
    }
    for folder in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(folder).await {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(BlobError::local(&error)),
            _ => {}
        }
        if let Some(parent) = folder.parent() {
            sync_folder(parent).await?;
        }
    }
    Ok(())
}

async fn sync_folder(folder: &Path) -> Result<(), BlobError> {
    let synced = async { File::open(folder).await?.sync_all().await };
    synced.await.map_err(|error| BlobError::local(&error))
}

async fn remove(path: &Path) -> Result<(), BlobError> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BlobError::local(&error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `/dev/full` is a disk with no room: what is written to it fails as on a full one.
    #[tokio::test]
    async fn a_full_disk_is_told_as_such_even_by_a_file_too_small_to_be_written_at_once() {
        for size in [1, 3 * PIECE] {
            let mut full = OpenOptions::new().write(true).open("/dev/full").await.unwrap();
            let mut tally = Tally::new(Expected::at_most(u64::MAX)).unwrap();
            let result = pour(&mut vec![7; size].as_slice(), &mut full, &mut tally).await;
            assert!(matches!(result, Err(BlobError::Full)), "{size}: {result:?}");
        }
    }

    #[tokio::test]
    async fn files_and_folders_are_nobody_elses() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let local = Local::open(&root.path().join("files")).await.unwrap();
        let key = BlobKey::new(Uuid::now_v7());
        local.put(&key, &mut b"x".as_slice(), Expected::at_most(1)).await.unwrap();
        let place = local.place(&key);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place), 0o600);
        for folder in place.ancestors().skip(1).take(3) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
}
