//! What a key looks like.

use sha2::{Digest as _, Sha256};

use crate::agents::random_text;

/// Every key begins with it, so that whoever finds one knows what it is.
const MARK: &str = "tlk_";
/// Characters of the open part.
pub(super) const PREFIX_CHARS: usize = 10;
/// Characters of the secret: 256 bits in hex.
const SECRET_CHARS: usize = 64;

/// A new key, as its maker sees it once.
pub(crate) struct NewSecret {
    /// The secret's SHA-256: what is kept.
    pub(crate) hash: [u8; 32],
    secret: String,
}

impl NewSecret {
    /// 256 random bits.
    pub(crate) fn random() -> Self {
        use std::fmt::Write as _;
        let bytes: [u8; 32] = rand::random();
        let secret = bytes.iter().fold(String::with_capacity(SECRET_CHARS), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self { hash: hash(&secret), secret }
    }

    /// The whole key.
    pub(super) fn key(&self, prefix: &str) -> String {
        self.marked(MARK, prefix)
    }

    /// The whole of something like a key, which begins with another mark.
    pub(crate) fn marked(&self, mark: &str, prefix: &str) -> String {
        format!("{mark}{prefix}_{}", self.secret)
    }
}

/// A new open part.
pub(crate) fn random_prefix() -> String {
    random_text(PREFIX_CHARS)
}

/// Whether a token is meant to be a key, right or wrong.
pub(crate) fn looks_like_one(token: &str) -> bool {
    token.starts_with(MARK)
}

/// The open part and the secret's hash; `None` when it is no key.
pub(super) fn parse(key: &str) -> Option<(&str, [u8; 32])> {
    parse_marked(MARK, key)
}

/// The same of something like a key, which begins with another mark.
pub(crate) fn parse_marked<'a>(mark: &str, key: &'a str) -> Option<(&'a str, [u8; 32])> {
    let (prefix, secret) = key.strip_prefix(mark)?.split_once('_')?;
    let fits = prefix.len() == PREFIX_CHARS
        && secret.len() == SECRET_CHARS
        && secret.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    fits.then(|| (prefix, hash(secret)))
}

/// No salt and no slow hash: there is nothing to guess in 256 random bits.
fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_back() {
        let (prefix, secret) = (random_prefix(), NewSecret::random());
        let key = secret.key(&prefix);
        assert!(looks_like_one(&key));
        assert_eq!(parse(&key), Some((prefix.as_str(), secret.hash)));
        assert_eq!(parse(&key.to_uppercase()), None);
        assert_eq!(parse(&key[..key.len() - 1]), None);
        assert_eq!(parse(&format!("{key}0")), None);
    }

    proptest! {
        #[test]
        fn garbage_is_no_key(text in "(tlk_)?[a-z0-9_]{0,80}|\\PC{0,40}") {
            prop_assert!(parse(&text).is_none());
        }
    }
}
