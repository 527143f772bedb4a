//! Files: the WAV under its working name, the sidecar beside it, and what is made of them after a crash.

mod error;
mod finished;
mod storage;

pub use error::WriteError;
pub use finished::{Finished, Gap, GapReason};
pub use storage::{Disk, Sink, Storage};

use std::path::{Path, PathBuf};

/// Makes a finished recording of a `.part` that a dead process left behind and that nobody continues: the header is
/// recomputed from the file's length, the file synced and renamed to `path` (the **final** name). Where that has
/// happened already it only reads the result.
///
/// Blocks on the disk.
pub fn recover(path: &Path) -> Result<Finished, WriteError> {
    let _ = path;
    todo!()
}

/// The working name: `call.wav` → `call.wav.part`.
pub fn part_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// The sidecar's name: `call.wav` → `call.wav.part.json`.
pub fn sidecar_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part.json");
    name.into()
}
