//! Where files of messages lie: a local folder, or S3.
//!
//! [`Blobs`] is the one door. Behind it, a file is there whole or not at all: it is written beside its place and moved into it when its
//! size and checksum are the expected ones. Keys are made of two ids ([`BlobKey`]) and never of what somebody sent.
//!
//! What is in a file is judged by pure functions that know no store: [`sniff`] (what it really is), [`thumbnail`], [`link`] (signed
//! addresses), [`serve`] (headers under which no browser runs it).
//!
//! Invariants: this is the only crate that knows S3; it has no database, so it does not know which files are wanted; a key kept twice
//! is replaced, so a job may run again; no error and no log line holds a secret.

mod config;
mod content;
mod error;
mod key;
pub mod link;
mod local;
mod s3;
pub mod serve;
pub mod sniff;
pub mod thumbnail;
mod upload;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::AsyncRead;

pub use config::{BlobConfig, ConfigError, S3Config, SecretText};
pub use content::{BadSum, Content, Expected, Stored, Sum, read_part};
pub use error::BlobError;
pub use key::{BadKey, BlobKey};
pub use upload::{Part, PartOutcome, Sending, Upload};

use local::Local;
use s3::S3;

/// What a store knows of a file. Its type and name are the caller's to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Of the whole file, in bytes.
    pub size: u64,
    /// When it was kept, by the store's clock.
    pub modified: DateTime<Utc>,
}

/// A file that is being read.
pub struct Opened {
    /// Of the whole file.
    pub meta: Meta,
    /// The bytes that [`Opened::content`] gives.
    pub range: Range<u64>,
    /// It fails, and does not merely end, when the store breaks off.
    pub content: Content,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("meta", &self.meta).field("range", &self.range).finish_non_exhaustive()
    }
}

/// The store of files. Clones are the same store.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Store,
}

#[derive(Debug, Clone)]
enum Store {
    Local(Arc<Local>),
    S3(Arc<S3>),
}

impl Blobs {
    /// Prepares the store: a folder is made, of a bucket nothing is asked yet ([`Blobs::probe`] does).
    pub async fn connect(config: &BlobConfig) -> Result<Self, BlobError> {
        config.check()?;
        let store = match config {
            BlobConfig::Local { path } => Store::Local(Arc::new(Local::open(path).await?)),
            BlobConfig::S3(config) => Store::S3(Arc::new(S3::connect(config)?)),
        };
        Ok(Self { store })
    }

    /// Whether files can be kept now: writes one, reads it and removes it. For health checks and `doctor`.
    pub async fn probe(&self) -> Result<(), BlobError> {
        let key = BlobKey::new(uuid::Uuid::nil());
        let text = b"trunkline";
        self.put(&key, &mut text.as_slice(), Expected::at_most(64)).await?;
        let mut opened = self.open(&key, None).await?;
        let read = read_part(&mut opened.content, 64).await;
        self.delete(&key).await?;
        match read {
            Ok(read) if read == text.as_slice() => Ok(()),
            Ok(_) => Err(BlobError::Checksum),
            Err(error) => Err(BlobError::Unavailable(error.to_string())),
        }
    }

    /// Keeps what `source` gives until its end, if it is as expected. Of a file that is not, nothing stays.
    ///
    /// A file that is sent to S3 this way begins again when this is interrupted, and what was sent of it is left for the sweep;
    /// [`Blobs::begin`] is for those who keep the state.
    pub async fn put(
        &self,
        key: &BlobKey,
        source: &mut (impl AsyncRead + Send + Unpin),
        expected: Expected,
    ) -> Result<Stored, BlobError> {
        match &self.store {
            Store::Local(local) => local.put(key, source, expected).await,
            Store::S3(s3) => self.put_to_s3(s3, key, source, expected).await,
        }
    }

    async fn put_to_s3(
        &self,
        s3: &Arc<S3>,
        key: &BlobKey,
        source: &mut (impl AsyncRead + Send + Unpin),
        expected: Expected,
    ) -> Result<Stored, BlobError> {
        let limit = s3.part_bytes();
        let first = read_part(source, limit).await?;
        let second = if first.len() < limit { bytes::Bytes::new() } else { read_part(source, limit).await? };
        if second.is_empty() {
            let mut tally = content::Tally::new(expected)?;
            tally.add(&first)?;
            let stored = tally.finish()?;
            s3.put(key, first, &stored).await?;
            return Ok(stored);
        }
        let mut sending = self.begin(key, expected).await?;
        let sent = async {
            sending.put_part(first).await?;
            let mut next = second;
            while !next.is_empty() {
                sending.put_part(next).await?;
                next = read_part(source, limit).await?;
            }
            Ok(())
        }
        .await;
        match sent {
            Ok(()) => sending.finish().await,
            Err(error) => {
                sending.give_up().await;
                Err(error)
            }
        }
    }

    /// Begins an upload in parts, whose state ([`Sending::upload`]) may be kept so that another process goes on with it.
    pub async fn begin(&self, key: &BlobKey, expected: Expected) -> Result<Sending, BlobError> {
        Sending::begin(self.clone(), key, expected).await
    }

    /// Goes on with an upload. The source is read from its beginning again: parts that the store has are not sent again, and the
    /// checksum is of all of it.
    pub async fn resume(&self, upload: Upload) -> Result<Sending, BlobError> {
        Sending::resume(self.clone(), upload).await
    }

    /// Throws an upload away. One that is gone is no error.
    pub async fn abort(&self, upload: &Upload) -> Result<(), BlobError> {
        upload::abort(self, upload).await
    }

    /// Removes uploads, and files that were never finished: in a folder those that nobody has written to for `age`, in S3 those that were
    /// begun so long ago. How many there were. A day is a good age; a shorter one must be longer than any upload takes.
    pub async fn sweep(&self, age: Duration) -> Result<u64, BlobError> {
        match &self.store {
            Store::Local(local) => local.sweep(age).await,
            Store::S3(s3) => s3.sweep(age).await,
        }
    }

    /// What is known of a file.
    pub async fn head(&self, key: &BlobKey) -> Result<Meta, BlobError> {
        match &self.store {
            Store::Local(local) => local.head(key).await,
            Store::S3(s3) => s3.head(key).await,
        }
    }

    /// Opens a file, or a range of its bytes. A range that goes beyond the end is cut there.
    pub async fn open(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Opened, BlobError> {
        match &self.store {
            Store::Local(local) => local.read(key, range).await,
            Store::S3(s3) => s3.read(key, range).await,
        }
    }

    /// Removes a file. One that is not there is no error.
    pub async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        match &self.store {
            Store::Local(local) => local.delete(key).await,
            Store::S3(s3) => s3.delete(key).await,
        }
    }

    /// An address at which the store itself gives the file to whoever has it, for `life` (at most a week). The local store has none:
    /// there a route of ours serves it ([`link`]).
    ///
    /// The type and the name go with it under the rules of [`serve`]; the other headers of [`serve::headers`] are not the store's to
    /// set, so only types that a browser may show are ever shown, and they are so on the store's origin and not on ours.
    pub async fn presigned(
        &self,
        key: &BlobKey,
        media_type: &str,
        name: &str,
        wanted: serve::Use,
        life: Duration,
    ) -> Result<Option<String>, BlobError> {
        match &self.store {
            Store::Local(_) => Ok(None),
            Store::S3(s3) => s3.presigned(key, &serve::headers(media_type, name, wanted), life).await.map(Some),
        }
    }
}

/// The bytes of a file of `size` bytes that are asked for.
fn cut(range: Option<Range<u64>>, size: u64) -> Result<Range<u64>, BlobError> {
    let Some(range) = range else { return Ok(0..size) };
    let cut = range.start..range.end.min(size);
    if cut.start >= cut.end { Err(BlobError::Range { size }) } else { Ok(cut) }
}
