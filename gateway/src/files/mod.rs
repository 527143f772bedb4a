//! Files of messages: where they lie, how they come in, and how people see them.
//!
//! What is in a file is judged before anybody sees it (`trunkline_blob::sniff`), and whatever it is, no browser runs it.

mod fetch;
mod http;
mod intake;
mod shared;
mod store;
mod sweep;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;
use trunkline_blob::{BlobConfig, BlobError, BlobKey, Blobs};
use trunkline_channels::client::{self, Content};
use trunkline_db::TenantId;
use uuid::Uuid;

pub(crate) use fetch::run as fetch;
pub(crate) use http::answer;
pub use http::router;
pub use shared::address as shared_address;
pub(crate) use shared::shared_router;
pub(crate) use store::room;
pub(crate) use sweep::{remove_all, sweep};

/// The store of files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: BlobConfig,
    /// Where files lie while they are looked at.
    incoming: PathBuf,
    blobs: OnceCell<Blobs>,
}

impl Files {
    /// As the configuration says; the store is not asked yet.
    pub fn new(config: BlobConfig, state_dir: &Path) -> Self {
        Self(Arc::new(Inner { config, incoming: state_dir.join("incoming"), blobs: OnceCell::new() }))
    }

    /// The store.
    pub async fn blobs(&self) -> Result<&Blobs, BlobError> {
        self.0.blobs.get_or_try_init(|| Blobs::connect(&self.0.config)).await
    }

    /// Where files lie while they are looked at.
    fn incoming(&self) -> &Path {
        &self.0.incoming
    }

    /// The key of a tenant's file.
    pub fn key(tenant: TenantId, blob: Uuid) -> BlobKey {
        BlobKey::of(tenant.uuid(), blob)
    }
}

impl client::Files for Files {
    async fn open(&self, key: &str) -> io::Result<Content> {
        let key: BlobKey = key.parse().map_err(|_| io::Error::new(io::ErrorKind::NotFound, "not the key of a file"))?;
        let opened = async { self.blobs().await?.open(&key, None).await };
        Ok(opened.await.map_err(io::Error::other)?.content)
    }
}
