//! The stores that the suite goes over, and what tests put into them.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;
use trunkline_blob::{BlobConfig, BlobError, BlobKey, Blobs, read_part};
use uuid::Uuid;

use crate::bucket::{Server, Shelf};

pub(crate) const MIB: usize = 1024 * 1024;
/// Of the S3 server's parts: the least that S3 takes.
pub(crate) const PART: usize = 5 * MIB;

pub(crate) struct Store {
    pub(crate) blobs: Blobs,
    pub(crate) config: BlobConfig,
    /// Of the S3 server.
    pub(crate) shelf: Option<Arc<Shelf>>,
    folder: tempfile::TempDir,
    _server: Option<Server>,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.shelf.is_some() { "s3" } else { "local" })
    }
}

impl Store {
    pub(crate) async fn local() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = BlobConfig::Local { path: folder.path().join("files") };
        let blobs = Blobs::connect(&config).await.unwrap();
        Self { blobs, config, shelf: None, folder, _server: None }
    }

    pub(crate) async fn s3() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path()).await;
        let config = server.config();
        let blobs = Blobs::connect(&config).await.unwrap();
        Self { blobs, config, shelf: Some(Arc::clone(&server.shelf)), folder, _server: Some(server) }
    }

    pub(crate) async fn both() -> [Self; 2] {
        [Self::local().await, Self::s3().await]
    }

    /// Files of any name below the store's folder that hold something: what was left behind.
    pub(crate) fn files_on_disk(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
            entries
                .map(|entry| match entry.file_type().unwrap() {
                    kind if kind.is_dir() => count(&entry.path()),
                    // What the server notes about a file lies beside it.
                    _ if entry.file_name().to_string_lossy().ends_with(".json") => 0,
                    _ => 1,
                })
                .sum()
        }
        count(self.folder.path())
    }

    pub(crate) async fn everything(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let mut opened = self.blobs.open(key, None).await?;
        let bytes = read_part(&mut opened.content, usize::MAX).await?;
        assert_eq!((bytes.len() as u64, 0..opened.meta.size), (opened.meta.size, opened.range));
        Ok(bytes)
    }
}

pub(crate) fn key() -> BlobKey {
    BlobKey::new(Uuid::now_v7())
}

/// Bytes of which no two parts are the same.
pub(crate) fn content(size: usize) -> Bytes {
    (0..size).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Gives these bytes and then breaks.
pub(crate) fn breaks_after(bytes: &Bytes) -> impl AsyncRead + Send + Unpin + use<> {
    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "the line is cut");
    StreamReader::new(stream::iter([Ok(bytes.clone()), Err(broken)]))
}
