//! What is expected of a file, and whether it came so.

use std::fmt;
use std::str::FromStr;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::BlobError;

/// The bytes of a file, as they come from the store.
pub type Content = Box<dyn AsyncRead + Send + Unpin>;

/// A SHA-256, written as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sum([u8; 32]);

/// The text is not 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256: expected 64 hex digits")]
pub struct BadSum;

impl Sum {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The raw digest.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sum {
    type Err = BadSum;

    fn from_str(text: &str) -> Result<Self, BadSum> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(BadSum);
        }
        let digit = |letter: u8| char::from(letter).to_digit(16).ok_or(BadSum);
        let mut sum = [0; 32];
        for (byte, pair) in sum.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Ok(Self(sum))
    }
}

impl TryFrom<String> for Sum {
    type Error = BadSum;

    fn try_from(text: String) -> Result<Self, BadSum> {
        text.parse()
    }
}

impl From<Sum> for String {
    fn from(sum: Sum) -> Self {
        sum.to_string()
    }
}

/// What a file must be to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Bytes.
    pub max_bytes: u64,
    /// Bytes, where somebody told. Without it (or a sum) a stream that is cut short cannot be told from a whole one.
    pub size: Option<u64>,
    /// Where somebody told.
    pub sha256: Option<Sum>,
}

impl Expected {
    /// At most so many bytes, and nothing else is known.
    pub fn at_most(max_bytes: u64) -> Self {
        Self { max_bytes, size: None, sha256: None }
    }

    /// Exactly what was kept or fetched before.
    pub fn exactly(stored: Stored) -> Self {
        Self { max_bytes: stored.size, size: Some(stored.size), sha256: Some(stored.sha256) }
    }
}

/// A file as it was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// Of all of it.
    pub sha256: Sum,
}

/// Counts and sums what comes, and stops as soon as it cannot be what is expected.
#[derive(Debug)]
pub(crate) struct Tally {
    expected: Expected,
    size: u64,
    sum: Sha256,
}

impl Tally {
    /// Refuses at once what is known to be too large.
    pub(crate) fn new(expected: Expected) -> Result<Self, BlobError> {
        if expected.size.is_some_and(|size| size > expected.max_bytes) {
            return Err(BlobError::TooLarge { limit: expected.max_bytes });
        }
        Ok(Self { expected, size: 0, sum: Sha256::new() })
    }

    pub(crate) fn add(&mut self, piece: &[u8]) -> Result<(), BlobError> {
        self.size += piece.len() as u64;
        if self.size > self.expected.max_bytes {
            return Err(BlobError::TooLarge { limit: self.expected.max_bytes });
        }
        if let Some(told) = self.expected.size.filter(|told| self.size > *told) {
            return Err(BlobError::Size { told, got: self.size });
        }
        self.sum.update(piece);
        Ok(())
    }

    pub(crate) fn finish(&self) -> Result<Stored, BlobError> {
        if let Some(told) = self.expected.size.filter(|told| self.size != *told) {
            return Err(BlobError::Size { told, got: self.size });
        }
        let sha256 = Sum(self.sum.clone().finalize().into());
        if self.expected.sha256.is_some_and(|told| told != sha256) {
            return Err(BlobError::Checksum);
        }
        Ok(Stored { size: self.size, sha256 })
    }
}

/// The next `limit` bytes of a source, fewer at its end, none behind it.
pub async fn read_part(source: &mut (impl AsyncRead + Unpin), limit: usize) -> Result<Bytes, BlobError> {
    // Not all of it at once: most files are far smaller than a part.
    let mut part = BytesMut::with_capacity(limit.min(64 * 1024));
    let mut source = source.take(limit as u64);
    while source.read_buf(&mut part).await.map_err(BlobError::Source)? > 0 {}
    Ok(part.freeze())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sum_is_read_in_either_case_and_written_in_one() {
        let sum = Sum::of(b"abc");
        assert_eq!(sum.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sum.to_string().to_uppercase().parse(), Ok(sum));
        for bad in ["", "ba78", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert_eq!(bad.parse::<Sum>(), Err(BadSum), "{bad}");
        }
    }

    #[test]
    fn what_is_told_to_be_too_large_is_refused_before_a_byte_is_read() {
        let expected = Expected { size: Some(11), ..Expected::at_most(10) };
        assert!(matches!(Tally::new(expected), Err(BlobError::TooLarge { limit: 10 })));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reading_of_sums(text in "\\PC{0,80}") {
            if let Ok(sum) = text.parse::<Sum>() {
                prop_assert_eq!(sum.to_string(), text.to_lowercase());
            }
        }

        #[test]
        fn pieces_do_not_matter(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 1_usize..50) {
            let stored = Stored { size: bytes.len() as u64, sha256: Sum::of(&bytes) };
            let mut tally = Tally::new(Expected::exactly(stored)).unwrap();
            for piece in bytes.chunks(cut) {
                tally.add(piece).unwrap();
            }
            prop_assert_eq!(tally.finish().unwrap(), stored);
        }
    }
}
