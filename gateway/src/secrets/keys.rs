//! Master keys: the newest seals, all of them open.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::config::SecretKey;

/// Names a key in envelopes. Derived from the key, so that no two keys can be mistaken for one another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(super) [u8; 8]);

impl KeyId {
    /// The bytes in an envelope.
    pub const fn bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A master key, as far as it is needed.
#[derive(Clone)]
pub(super) struct MasterKey {
    pub(super) id: KeyId,
    /// What people call it.
    label: Option<String>,
    pub(super) envelope: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    fn new(label: Option<String>, material: &[u8]) -> Self {
        let id = *derive(material, "trunkline/1/envelope-key-id").first_chunk().expect("32 bytes have a first eight");
        Self { id: KeyId(id), label, envelope: derive(material, "trunkline/1/envelope") }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

fn derive(material: &[u8], purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(material).expect("HMAC takes keys of any length");
    mac.update(purpose.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// Why a list of keys is none. Says where, never what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// There is no key.
    #[error("there is no key in it")]
    Empty,
    /// A line is no key.
    #[error(
        "line {0} is no key: expected at least 32 random bytes in hex or base64, behind a name and a colon if you like"
    )]
    NoKey(usize),
}

/// Keys, the newest first.
#[derive(Clone)]
pub struct Ring {
    keys: Vec<MasterKey>,
}

impl Ring {
    /// The key that `secret_key` implies: what an installation has that says nothing of master keys.
    pub fn derived(secret: &SecretKey) -> Self {
        let material = derive(secret.bytes(), "trunkline/1/master-key");
        Self { keys: vec![MasterKey::new(Some("from secret_key".to_owned()), &*material)] }
    }

    /// Reads keys, one a line: `KEY` or `NAME:KEY`, the newest first. Empty lines and those behind a `#` are passed over.
    pub fn parse(text: &str) -> Result<Self, RingError> {
        let mut keys = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (label, key) = match text.split_once(':') {
                Some((label, key)) => (Some(label.trim().to_owned()).filter(|label| !label.is_empty()), key),
                None => (None, text),
            };
            let key: SecretKey = key.parse().map_err(|_| RingError::NoKey(line))?;
            keys.push(MasterKey::new(label, key.bytes()));
        }
        if keys.is_empty() { Err(RingError::Empty) } else { Ok(Self { keys }) }
    }

    /// These keys and, behind them, older ones.
    #[must_use]
    pub fn with_older(mut self, older: Self) -> Self {
        for key in older.keys {
            if self.find(key.id).is_none() {
                self.keys.push(key);
            }
        }
        self
    }

    pub(super) fn newest(&self) -> &MasterKey {
        self.keys.first().expect("a ring has a key")
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// What the newest key is called, for people.
    pub fn newest_in_words(&self) -> String {
        let key = self.newest();
        key.label.as_ref().map_or_else(|| key.id.to_string(), |label| format!("{} ({label})", key.id))
    }

    /// How many keys there are.
    #[allow(clippy::len_without_is_empty)] // There is always one.
    pub fn len(&self) -> usize {
        self.keys.len()
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.keys).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222222222222222222222222222";

    #[test]
    fn the_first_line_seals_and_all_open() {
        let ring = Ring::parse(&format!("# ours\n2026-11: {TWO}\n\n{ONE}\n")).unwrap();
        let old = Ring::parse(ONE).unwrap();
        assert_eq!(ring.len(), 2);
        assert!(ring.find(old.newest().id).is_some());
        assert!(ring.newest_in_words().ends_with("(2026-11)"));
        assert_eq!(ring.with_older(old).len(), 2, "no key twice");
    }

    #[test]
    fn what_is_no_key_is_told_by_its_line_alone() {
        assert_eq!(Ring::parse("\n# nothing\n").unwrap_err(), RingError::Empty);
        let error = Ring::parse(&format!("{ONE}\nold:hunter2\n")).unwrap_err();
        assert_eq!(error, RingError::NoKey(2));
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn keys_do_not_show() {
        let shown = format!("{:?}", Ring::parse(ONE).unwrap());
        assert!(shown.starts_with("[MasterKey(") && !shown.contains("1111"), "{shown}");
    }
}
