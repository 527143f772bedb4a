//! Passwords: argon2id on blocking threads, a few at a time.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;

/// Shortest password that is taken, in characters.
pub(super) const MIN_CHARS: usize = 10;
/// Longest password that is looked at, in bytes.
pub(super) const MAX_BYTES: usize = 1024;

/// How long a sign-in waits for its turn before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(5);

/// OWASP's second parameter set for argon2id: 19 MiB, 2 passes, 1 lane.
fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("19 MiB, 2 passes, 1 lane are valid parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A hash that no password has, so that an unknown e-mail costs what a wrong password costs.
static DECOY: LazyLock<String> = LazyLock::new(|| {
    let nobody: [u8; 32] = rand::random();
    hash_blocking(&nobody).unwrap_or_default()
});

/// Why a password could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many sign-ins at once.
    #[error("too many sign-ins at once")]
    Busy,
    /// The stored hash cannot be read, or hashing failed.
    #[error("password hashing failed: {0}")]
    Hash(String),
}

/// Hashes and verifies with bounded concurrency: each hash holds a core and 19 MiB for some 20 ms.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
}

impl Passwords {
    /// Half of the cores may hash at a time, so that calls and streams keep the others.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { turns: Arc::new(Semaphore::new((cores / 2).max(1))) }
    }

    /// Whether `password` has the hash `stored`; for an unknown user pass `None`, which takes as long and is false.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, PasswordError> {
        self.on_blocking_thread(move || {
            let known = stored.is_some();
            let stored = stored.as_deref().unwrap_or(&DECOY);
            let parsed = PasswordHash::new(stored).map_err(|error| PasswordError::Hash(error.to_string()))?;
            let fits = password.len() <= MAX_BYTES && hasher().verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(fits && known)
        })
        .await
    }

    /// The PHC string of a new password.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.on_blocking_thread(move || hash_blocking(password.as_bytes())).await
    }

    async fn on_blocking_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| PasswordError::Busy)?
            .map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        })
        .await
        .map_err(|error| PasswordError::Hash(error.to_string()))?
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

fn hash_blocking(password: &[u8]) -> Result<String, PasswordError> {
    hasher()
        .hash_password(password)
        .map(|hash: argon2::password_hash::phc::PasswordHash| hash.to_string())
        .map_err(|error| PasswordError::Hash(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = Passwords::new();
        let hash = passwords.hash("trunkline-demo".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("trunkline-demo".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("trunkline-dem0".to_owned(), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn an_unknown_user_fits_no_password() {
        assert!(!Passwords::new().verify(String::new(), None).await.unwrap());
    }

    #[tokio::test]
    async fn a_broken_hash_is_an_error_and_no_sign_in() {
        assert!(Passwords::new().verify("x".to_owned(), Some("plain".to_owned())).await.is_err());
    }
}
