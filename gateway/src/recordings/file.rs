//! Opening a recording: only regular files beneath the recordings' folder, whatever a row says.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Why a recording's file is not opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// The path leads out of the folder.
    #[error("{0} lies outside of the recordings' folder")]
    Outside(PathBuf),
    /// The file is not there.
    #[error("{0} is not there")]
    Absent(PathBuf),
    /// The system refuses.
    #[error("cannot open {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// Opens `stored` (relative to `folder`, or absolute beneath it) and tells its length in bytes. Blocking.
pub(super) fn open(folder: &Path, stored: &Path) -> Result<(File, u64), OpenError> {
    let outside = || OpenError::Outside(stored.to_owned());
    let relative = if stored.is_absolute() { stored.strip_prefix(folder).map_err(|_| outside())? } else { stored };
    if relative.as_os_str().is_empty() || !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(outside());
    }
    let path = folder.join(relative);
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => OpenError::Absent(path.clone()),
        _ => OpenError::Io { path: path.clone(), source },
    };
    // Resolved before it is opened: a symbolic link may not lead out either.
    let (real_folder, real_path) = (folder.canonicalize().map_err(failed)?, path.canonicalize().map_err(failed)?);
    if !real_path.starts_with(&real_folder) {
        return Err(outside());
    }
    let file = File::open(&real_path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(outside());
    }
    Ok((file, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_beneath_the_folder_are_opened() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("recordings");
        std::fs::create_dir_all(folder.join("2026")).unwrap();
        std::fs::write(folder.join("2026/a.wav"), b"RIFF").unwrap();
        std::fs::write(root.path().join("secret"), b"no").unwrap();
        std::os::unix::fs::symlink(root.path().join("secret"), folder.join("link.wav")).unwrap();

        assert_eq!(open(&folder, Path::new("2026/a.wav")).unwrap().1, 4);
        assert_eq!(open(&folder, &folder.join("2026/a.wav")).unwrap().1, 4);
        for path in ["../secret", "2026/../../secret", "link.wav", "", "2026", "/etc/passwd"] {
            assert!(matches!(open(&folder, Path::new(path)), Err(OpenError::Outside(_))), "{path}");
        }
        assert!(matches!(open(&folder, Path::new("b.wav")), Err(OpenError::Absent(_))));
    }
}
