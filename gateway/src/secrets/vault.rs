//! The vault: seals with the newest master key, opens with all of them, and takes new keys while it is in use.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use zeroize::Zeroizing;

use super::Secret;
use super::envelope::{self, OpenError, Place, Sealed};
use super::keys::{KeyId, Ring};
use super::source::{KeySource, SourceError};
use crate::config::{Config, SecretKey};

/// Seals and opens. Cheap to clone; all clones share their keys.
#[derive(Debug, Clone)]
pub struct Vault(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: KeySource,
    old: Option<Secret>,
    secret: SecretKey,
    // Held for a look or an exchange, never across an await.
    ring: RwLock<Arc<Ring>>,
    changed: watch::Sender<()>,
}

impl Vault {
    /// With the keys that the configuration names.
    pub async fn unlock(config: &Config) -> Result<Self, SourceError> {
        let (source, old, secret) =
            (config.master_key.clone(), config.master_keys_old.clone(), config.secret_key.clone());
        let ring = source.read(old.as_ref(), &secret).await?;
        let changed = watch::Sender::new(());
        Ok(Self(Arc::new(Inner { source, old, secret, ring: RwLock::new(Arc::new(ring)), changed })))
    }

    /// With the key that a `secret_key` implies, and no other.
    pub fn derived(secret: &SecretKey) -> Self {
        Self(Arc::new(Inner {
            source: KeySource::Derived,
            old: None,
            secret: secret.clone(),
            ring: RwLock::new(Arc::new(Ring::derived(secret))),
            changed: watch::Sender::new(()),
        }))
    }

    /// Encrypts `plain`; it opens again only in the same place.
    pub fn seal(&self, place: &Place, plain: &[u8]) -> Sealed {
        envelope::seal(self.ring().newest(), place, plain)
    }

    /// Decrypts what [`Vault::seal`] made for this place.
    pub fn open(&self, place: &Place, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        envelope::open(&self.ring(), place, sealed)
    }

    /// The same of a text.
    pub fn open_text(&self, place: &Place, sealed: &Sealed) -> Result<Secret, OpenError> {
        let plain = self.open(place, sealed)?;
        std::str::from_utf8(&plain).map(Secret::new).map_err(|_| OpenError::NoText)
    }

    /// The key that seals now.
    pub fn newest(&self) -> KeyId {
        self.ring().newest().id
    }

    /// The keys as they are now.
    pub fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the keys come from.
    pub fn source(&self) -> &KeySource {
        &self.0.source
    }

    /// Reads the keys again. Whether another one seals from now on. Keys that cannot be had leave everything as it is.
    pub async fn reload(&self) -> Result<bool, SourceError> {
        let ring = self.0.source.read(self.0.old.as_ref(), &self.0.secret).await?;
        let before = {
            let mut current = self.0.ring.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, Arc::new(ring))
        };
        let changed = before.newest().id != self.newest();
        if changed {
            self.0.changed.send_replace(());
        }
        Ok(changed)
    }

    /// Wakes whenever another key seals.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }
}
