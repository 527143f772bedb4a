//! What can go wrong with a file, told apart by what the caller can do about it.

use std::io;

/// Why a file could not be kept, read or removed. It holds no key, no address and no name of a file.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is none of this key.
    #[error("there is no such file")]
    NotFound,
    /// What was read of it is gone again.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// Bytes.
        limit: u64,
    },
    /// It ended early, or did not end where it should have.
    #[error("the file has {got} bytes and not the {told} that were told")]
    Size {
        /// Bytes that were expected.
        told: u64,
        /// Bytes that came, as far as they were read.
        got: u64,
    },
    /// Its SHA-256 is not the expected one.
    #[error("the file is not the one that was told: its checksum is another")]
    Checksum,
    /// The caller's stream failed; the store is well.
    #[error("the file's source failed: {0}")]
    Source(#[source] io::Error),
    /// The disk, the quota or the bucket is full. Somebody has to make room.
    #[error("there is no room for more files")]
    Full,
    /// The range begins at the file's end or behind it, or is empty.
    #[error("the range lies outside of the file's {size} bytes")]
    Range {
        /// Bytes.
        size: u64,
    },
    /// It was finished, aborted or swept away: begin again.
    #[error("the upload is gone")]
    UploadGone,
    /// It was begun in another store than the one that is configured now: begin again.
    #[error("the upload was begun in another store")]
    OtherStore,
    /// The caller cut the file into parts in a way that no store takes.
    #[error("a part of an upload: {0}")]
    Part(&'static str),
    /// The store says no, and will say so again: a permission, a bucket's name, a key that has ended.
    #[error("the store refuses: {0}")]
    Refused(String),
    /// The store does not answer, or not now.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// The configuration is not usable.
    #[error("{0}")]
    Config(#[from] crate::config::ConfigError),
}

impl BlobError {
    /// Whether the same may succeed later without anybody's doing. [`BlobError::Full`] counts: room is made, and jobs wait.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Full | Self::Unavailable(_) | Self::Source(_) | Self::UploadGone)
    }

    /// What the local file system said.
    pub(crate) fn local(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotADirectory => {
                Self::Refused(error.kind().to_string())
            }
            // The kind alone: the text may hold a path.
            kind => Self::Unavailable(kind.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_lost_file_and_a_closed_door() {
        const ENOENT: i32 = 2;
        const EACCES: i32 = 13;
        const ENOSPC: i32 = 28;
        const EDQUOT: i32 = 122;
        let error = |number| BlobError::local(&io::Error::from_raw_os_error(number));
        assert!(matches!(error(ENOSPC), BlobError::Full) && error(ENOSPC).may_pass());
        assert!(matches!(error(EDQUOT), BlobError::Full));
        assert!(matches!(error(ENOENT), BlobError::NotFound) && !error(ENOENT).may_pass());
        assert!(matches!(error(EACCES), BlobError::Refused(_)) && !error(EACCES).may_pass());
    }
}
