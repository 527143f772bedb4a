//! Files that are kept part by part, so that a process that dies in the middle is followed by one that goes on.
//!
//! ```text
//! let mut sending = blobs.begin(&key, expected).await?;          // or blobs.resume(saved).await?
//! loop {
//!     let part = read_part(&mut source, sending.part_bytes()).await?;
//!     if part.is_empty() { break }
//!     if sending.put_part(part).await? == PartOutcome::Sent { save(sending.upload()) }
//! }
//! let stored = sending.finish().await?;
//! ```
//!
//! The source is given from its beginning in every run. What a store has of it is recognised by the sums that the state holds, and is not
//! sent again. So a source that changed in between cannot be mixed with what it was, and the file's checksum is of what was read now.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::content::{Expected, Stored, Sum, Tally};
use crate::s3::{Listed, S3};
use crate::{BlobError, BlobKey, Blobs, Store};

/// Part size of the local store, in bytes.
const LOCAL_PART: usize = 1024 * 1024;

/// The state of an upload, for keeping as JSON. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    key: BlobKey,
    expected: Expected,
    part_bytes: usize,
    place: Place,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Local(Uuid),
    S3(String),
}

/// A part that the store has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Bytes.
    pub size: u64,
    /// Of this part.
    pub sha256: Sum,
    /// What the store calls it.
    pub(crate) etag: Option<String>,
}

impl Upload {
    /// Of what file.
    pub fn key(&self) -> &BlobKey {
        &self.key
    }

    /// The parts that were sent, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartOutcome {
    /// It is new to the store: now is the time to keep the state.
    Sent,
    /// The store had it.
    AlreadyThere,
}

/// An upload that is under way.
pub struct Sending {
    blobs: Blobs,
    upload: Upload,
    tally: Tally,
    /// Parts of this run.
    given: usize,
    /// A short part came: it was the last.
    ended: bool,
    /// By part number, when this run goes on with another's.
    there: HashMap<usize, Listed>,
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("upload", &self.upload).field("given", &self.given).finish_non_exhaustive()
    }
}

impl Sending {
    pub(crate) async fn begin(blobs: Blobs, key: &BlobKey, expected: Expected) -> Result<Self, BlobError> {
        let tally = Tally::new(expected)?;
        let (place, part_bytes) = match &blobs.store {
            Store::Local(local) => (Place::Local(local.begin().await?), LOCAL_PART),
            Store::S3(s3) => (Place::S3(s3.begin(key).await?), s3.part_bytes()),
        };
        let upload = Upload { key: *key, expected, part_bytes, place, parts: Vec::new() };
        Ok(Self { blobs, upload, tally, given: 0, ended: false, there: HashMap::new() })
    }

    pub(crate) async fn resume(blobs: Blobs, upload: Upload) -> Result<Self, BlobError> {
        let tally = Tally::new(upload.expected)?;
        if upload.part_bytes == 0 {
            return Err(BlobError::Part("a state of no part size"));
        }
        let there = match (&blobs.store, &upload.place) {
            (Store::Local(local), Place::Local(name)) => {
                // A write costs no more than proving that it is not needed: all parts are written again.
                local.unfinished_file(*name).await?;
                HashMap::new()
            }
            (Store::S3(s3), Place::S3(id)) => s3.parts(&upload.key, id).await?,
            _ => return Err(BlobError::OtherStore),
        };
        Ok(Self { blobs, upload, tally, given: 0, ended: false, there })
    }

    /// The state, to be kept after each part that was [sent](PartOutcome::Sent).
    pub fn upload(&self) -> &Upload {
        &self.upload
    }

    /// The size of every part but the last.
    pub fn part_bytes(&self) -> usize {
        self.upload.part_bytes
    }

    /// Gives the next part. After an error the same part may not be given again: resume, or give up.
    pub async fn put_part(&mut self, part: Bytes) -> Result<PartOutcome, BlobError> {
        if part.is_empty() || part.len() > self.upload.part_bytes {
            return Err(BlobError::Part("it is empty, or larger than parts are"));
        }
        if self.ended {
            return Err(BlobError::Part("one behind a short one, which was the last"));
        }
        self.ended = part.len() < self.upload.part_bytes;
        self.tally.add(&part)?;
        self.send(part).await
    }

    async fn send(&mut self, part: Bytes) -> Result<PartOutcome, BlobError> {
        let at = self.given;
        let (size, sha256) = (part.len() as u64, Sum::of(&part));
        let etag = match (&self.blobs.store, &self.upload.place) {
            (Store::Local(local), Place::Local(name)) => {
                local.put_part(*name, at as u64 * self.upload.part_bytes as u64, &part).await?;
                None
            }
            (Store::S3(s3), Place::S3(id)) => {
                let known = self.upload.parts.get(at).filter(|known| known.size == size && known.sha256 == sha256);
                if let Some(listed) = self.there.get(&at)
                    && let Some(etag) = listed.is(size, &sha256, known)
                {
                    self.note(Part { size, sha256, etag: Some(etag) });
                    return Ok(PartOutcome::AlreadyThere);
                }
                Some(Box::pin(s3.put_part(&self.upload.key, id, at, part, &sha256)).await?)
            }
            _ => return Err(BlobError::OtherStore),
        };
        self.note(Part { size, sha256, etag });
        Ok(PartOutcome::Sent)
    }

    fn note(&mut self, part: Part) {
        // What an earlier run noted behind this part stays: the store may have it still.
        match self.upload.parts.get_mut(self.given) {
            Some(known) => *known = part,
            None => self.upload.parts.push(part),
        }
        self.given += 1;
    }

    /// Puts the file in its place, if it is as expected; else nothing stays of it.
    pub async fn finish(mut self) -> Result<Stored, BlobError> {
        let stored = match self.tally.finish() {
            Ok(stored) => stored,
            Err(error) => {
                self.give_up().await;
                return Err(error);
            }
        };
        if self.given == 0 {
            // An upload has one part at least, and so has the file without a byte.
            self.send(Bytes::new()).await?;
        }
        let key = self.upload.key;
        match (&self.blobs.store, &self.upload.place) {
            (Store::Local(local), Place::Local(name)) => local.finish(*name, stored.size, &key).await?,
            (Store::S3(s3), Place::S3(id)) => {
                finish_s3(s3, &key, id, &self.upload.parts[..self.given], &stored).await?;
            }
            _ => return Err(BlobError::OtherStore),
        }
        Ok(stored)
    }

    /// Throws it away, as far as the store lets us; the sweep does the rest.
    pub async fn give_up(self) {
        if let Err(error) = abort(&self.blobs, &self.upload).await {
            tracing::warn!(key = %self.upload.key, %error, "an upload was left for the sweep");
        }
    }
}

async fn finish_s3(s3: &Arc<S3>, key: &BlobKey, id: &str, parts: &[Part], stored: &Stored) -> Result<(), BlobError> {
    match Box::pin(s3.finish(key, id, parts)).await {
        // The answer to an earlier attempt may have been lost on its way: then the upload is gone because the file is there.
        Err(BlobError::UploadGone) => match s3.head(key).await {
            Ok(meta) if meta.size == stored.size => Ok(()),
            Ok(_) | Err(BlobError::NotFound) => Err(BlobError::UploadGone),
            Err(error) => Err(error),
        },
        finished => finished,
    }
}

pub(crate) async fn abort(blobs: &Blobs, upload: &Upload) -> Result<(), BlobError> {
    match (&blobs.store, &upload.place) {
        (Store::Local(local), Place::Local(name)) => local.abort(*name).await,
        (Store::S3(s3), Place::S3(id)) => s3.abort(&upload.key, id).await,
        _ => Err(BlobError::OtherStore),
    }
}
