//! Files: the WAV under its working name, the sidecar beside it, and what is made of them after a crash.

mod error;
mod finished;
mod part;
mod recover;
mod sidecar;
mod storage;

pub use error::WriteError;
pub use finished::{Finished, Gap, GapReason};
pub(crate) use part::PartFile;
pub use recover::recover;
pub(crate) use sidecar::Sidecar;
pub use storage::{Disk, Sink, Storage};

use std::path::{Path, PathBuf};

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
