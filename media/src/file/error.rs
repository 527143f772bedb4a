//! Why a file could not be written.

use std::io;
use std::path::{Path, PathBuf};

/// Why a recording's file could not be created, written, or brought to its final name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// `ENOSPC` or `EDQUOT`.
    #[error("no space left on the disk (or in the quota) for {}", .path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Another process, or another recording of this one, has the file locked.
    #[error("{} is being written by somebody else", .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file, nor its `.part`.
    #[error("{} does not exist", .path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// It is there already.
    #[error("{} exists already", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A WAV file holds at most 4 GiB (37 hours).
    #[error("{} has reached the 4 GiB that a WAV file can hold", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// The file is not one of ours.
    #[error("{} is not a recording of this program: {reason}", .path.display())]
    NotARecording {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Anything else that the system said.
    #[error("{}: {message}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The kind of the error.
        kind: io::ErrorKind,
        /// Its text.
        message: String,
    },
}

impl WriteError {
    /// Sorts an I/O error about `path`.
    pub(crate) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            io::ErrorKind::ResourceBusy => Self::Busy { path },
            kind => Self::Io { path, kind, message: error.to_string() },
        }
    }

    /// The same for hound, whose errors wrap the system's.
    pub(crate) fn from_hound(path: &Path, error: &hound::Error) -> Self {
        match error {
            hound::Error::IoError(error) => Self::from_io(path, error),
            other => Self::NotARecording { path: path.to_owned(), reason: other.to_string() },
        }
    }
}
