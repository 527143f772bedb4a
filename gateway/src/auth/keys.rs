//! Keys derived from the configured `secret_key`, each for one use.
//!
//! Derived, not stored: the same `secret_key` gives the same keys after a restart and on every node, so access tokens verify
//! without the database.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::config::SecretKey;

/// Bytes of an XChaCha20 nonce.
const NONCE_BYTES: usize = 24;

/// All derived keys; never shown.
#[derive(Clone)]
pub struct Keys {
    access_token: [u8; 32],
    opaque_token: [u8; 32],
    seal: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Derives all keys.
    pub fn derive(secret: &SecretKey) -> Self {
        let derive = |purpose: &str| mac(secret.bytes(), purpose.as_bytes());
        Self {
            access_token: derive("trunkline/1/access-token"),
            opaque_token: derive("trunkline/1/opaque-token"),
            seal: derive("trunkline/1/seal"),
        }
    }

    /// Signs and verifies access tokens (HS256).
    pub(crate) fn access_token(&self) -> &[u8; 32] {
        &self.access_token
    }

    /// What is stored of a refresh token or ticket: whoever reads the database cannot present it.
    pub fn hash_opaque(&self, token: &str) -> [u8; 32] {
        mac(&self.opaque_token, token.as_bytes())
    }

    /// Encrypts `plain` for storage; it opens again only under the same `context`.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let cipher = XChaCha20Poly1305::new(&Key::from(self.seal));
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context.as_bytes() })
            .expect("XChaCha20-Poly1305 takes any message that fits into memory");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Decrypts what [`Keys::seal`] made; `None` when it was made under another key or context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let cipher = XChaCha20Poly1305::new(&Key::from(self.seal));
        cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: context.as_bytes() }).ok()
    }
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// SHA-256 of several parts, each told apart by its length.
pub fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// A new opaque token: 256 random bits, base64url.
pub fn random_token() -> String {
    use base64::Engine as _;
    let bytes: [u8; 32] = rand::random();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(first: &str) -> Keys {
        Keys::derive(&format!("{first}0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").parse().unwrap())
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_context_and_under_its_key() {
        let sealed = keys("00").seal("here", b"password");
        assert_eq!(keys("00").open("here", &sealed).as_deref(), Some(b"password".as_slice()));
        assert_eq!(keys("00").open("there", &sealed), None);
        assert_eq!(keys("01").open("here", &sealed), None);
        assert_eq!(keys("00").open("here", &sealed[..10]), None);
    }

    #[test]
    fn parts_of_a_digest_do_not_run_together() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
