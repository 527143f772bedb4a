//! The envelope: version, key id, nonce, XChaCha20-Poly1305 ciphertext; bound to the place where it lies.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use trunkline_db::TenantId;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::keys::{KeyId, MasterKey, Ring};

const VERSION: u8 = 1;
/// Bytes of an XChaCha20 nonce.
const NONCE_BYTES: usize = 24;
/// Version and key id.
const HEAD_BYTES: usize = 9;

/// Where an envelope lies. It opens nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose row it is; `None` for what belongs to no tenant.
    pub tenant: Option<TenantId>,
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's key, as text.
    pub row: String,
}

impl Place {
    /// All of it, each part told apart by its length (RFC 8439 §2.8: additional data).
    fn additional_data(&self) -> Vec<u8> {
        let tenant = self.tenant.map_or(Uuid::nil(), TenantId::uuid);
        let mut bytes = b"trunkline/envelope/1".to_vec();
        for part in [tenant.as_bytes(), self.table.as_bytes(), self.column.as_bytes(), self.row.as_bytes()] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// An envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes to store.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The key that it opens with; `None` when it is no envelope of ours.
    pub fn key(&self) -> Option<KeyId> {
        let (version, rest) = self.0.split_first()?;
        let id = rest.first_chunk()?;
        (*version == VERSION).then_some(KeyId(*id))
    }
}

impl From<Vec<u8>> for Sealed {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes under {:?})", self.0.len(), self.key())
    }
}

/// Why an envelope does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is no envelope of ours.
    #[error("it is no envelope")]
    NoEnvelope,
    /// Its key is not among the master keys.
    #[error("it was sealed under the key {0}, which is not among the master keys")]
    UnknownKey(KeyId),
    /// It was changed, or comes from another place.
    #[error("it was changed, or sealed for another place")]
    Forged,
    /// What is in it is no text.
    #[error("what is in it is no text")]
    NoText,
}

pub(super) fn seal(key: &MasterKey, place: &Place, plain: &[u8]) -> Sealed {
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let cipher = XChaCha20Poly1305::new(&Key::from(*key.envelope));
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &place.additional_data() })
        .expect("XChaCha20-Poly1305 takes any message that fits into memory");
    Sealed([&[VERSION], key.id.bytes().as_slice(), &nonce, &sealed].concat())
}

pub(super) fn open(ring: &Ring, place: &Place, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let id = sealed.key().ok_or(OpenError::NoEnvelope)?;
    let (nonce, ciphertext) = sealed.0[HEAD_BYTES..].split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::NoEnvelope)?;
    let key = ring.find(id).ok_or(OpenError::UnknownKey(id))?;
    let cipher = XChaCha20Poly1305::new(&Key::from(*key.envelope));
    cipher
        .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &place.additional_data() })
        .map(Zeroizing::new)
        .map_err(|_| OpenError::Forged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(digit: &str) -> Ring {
        Ring::parse(&digit.repeat(64)).unwrap()
    }

    fn place() -> Place {
        Place { tenant: Some(TenantId(Uuid::from_u128(1))), table: "devices", column: "ha1", row: "7".to_owned() }
    }

    #[test]
    fn an_envelope_opens_in_its_place_alone() {
        let ring = ring("1");
        let sealed = seal(ring.newest(), &place(), b"secret");
        assert_eq!(open(&ring, &place(), &sealed).unwrap().as_slice(), b"secret");
        for other in [
            Place { tenant: None, ..place() },
            Place { tenant: Some(TenantId(Uuid::from_u128(2))), ..place() },
            Place { table: "device", ..place() },
            Place { table: "devicesh", column: "a1", ..place() },
            Place { row: "8".to_owned(), ..place() },
        ] {
            assert_eq!(open(&ring, &other, &sealed), Err(OpenError::Forged), "{other:?}");
        }
    }

    #[test]
    fn after_a_rotation_old_envelopes_open_and_new_ones_are_sealed_anew() {
        let (old, new) = (ring("1"), ring("2"));
        let sealed = seal(old.newest(), &place(), b"secret");
        assert_eq!(open(&new, &place(), &sealed), Err(OpenError::UnknownKey(old.newest().id)));
        let both = new.clone().with_older(old);
        assert_eq!(open(&both, &place(), &sealed).unwrap().as_slice(), b"secret");
        let again = seal(both.newest(), &place(), b"secret");
        assert_eq!(again.key(), Some(new.newest().id));
        assert_eq!(open(&new, &place(), &again).unwrap().as_slice(), b"secret");
    }

    #[test]
    fn an_envelope_does_not_show_what_is_in_it() {
        let sealed = seal(ring("1").newest(), &place(), b"secret");
        assert!(format!("{sealed:?}").starts_with("Sealed(55 bytes under Some(KeyId("));
    }

    proptest! {
        #[test]
        fn garbage_is_no_envelope(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(open(&ring("1"), &place(), &bytes.into()).is_err());
        }

        #[test]
        fn a_bent_envelope_does_not_open(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let ring = ring("1");
            let mut bytes = seal(ring.newest(), &place(), b"secret").into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            prop_assert!(open(&ring, &place(), &bytes.into()).is_err());
        }
    }
}
