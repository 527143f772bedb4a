//! `RUN_DIR`: who holds it, and what another program may want to know of the run in it.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::error::{IoContext, Result, StackError};
use crate::files;

/// A folder that this process alone runs a stack in, for as long as the value lives. The kernel lets go of it however the process ends.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: Flock<File>,
}

/// What a run tells others (`RUN_DIR/state.json`): no secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunState {
    /// The supervising process.
    pub pid: u32,
    /// Address of the gateway.
    pub url: String,
    /// SIP over UDP and TCP on 127.0.0.1.
    pub sip_port: u16,
    /// Asterisk's REST interface.
    pub ari_url: String,
    /// PostgreSQL on 127.0.0.1.
    pub postgres_port: u16,
}

impl RunDir {
    /// Creates the folder if need be and takes hold of it.
    pub fn take(path: &Path) -> Result<Self> {
        files::private_dir(path)?;
        let path = path.canonicalize().context(|| format!("cannot read {}", path.display()))?;
        let lock_file = path.join("lock");
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&lock_file);
        let file = opened.context(|| format!("cannot write {}", lock_file.display()))?;
        if let Ok(mut lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            let noted = lock.set_len(0).and_then(|()| lock.write_all(std::process::id().to_string().as_bytes()));
            noted.context(|| format!("cannot write {}", lock_file.display()))?;
            return Ok(Self { path, _lock: lock });
        }
        let pid = fs::read_to_string(&lock_file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        Err(StackError::InUse { dir: path, pid })
    }

    /// The folder, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells others about the run.
    pub fn publish(&self, state: &RunState) -> Result<()> {
        let text = serde_json::to_string_pretty(state)
            .map_err(|error| StackError::Unexpected { what: "state.json".to_owned(), detail: error.to_string() })?;
        files::write_private(&self.path.join("state.json"), &text)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        let _absent = fs::remove_file(self.path.join("state.json"));
    }
}

impl RunState {
    /// What the run in `dir` says of itself; `None` when there is none.
    pub fn of(dir: &Path) -> Option<Self> {
        let state: Self = serde_json::from_str(&fs::read_to_string(dir.join("state.json")).ok()?).ok()?;
        // A run that was killed could not take its note away.
        crate::process::start_time(state.pid).is_some().then_some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_run_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("run");
        let held = RunDir::take(&dir).unwrap();
        // flock is about open files, so a second try in the same process is refused as another process's would be.
        let error = RunDir::take(&dir).unwrap_err().to_string();
        assert!(error.contains(&format!("(process {})", std::process::id())), "{error}");
        drop(held);
        RunDir::take(&dir).unwrap();
    }

    #[test]
    fn the_state_of_a_dead_run_is_none() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::take(root.path()).unwrap();
        let mut state = RunState {
            pid: std::process::id(),
            url: "http://127.0.0.1:1".to_owned(),
            sip_port: 2,
            ari_url: String::new(),
            postgres_port: 3,
        };
        run.publish(&state).unwrap();
        assert_eq!(RunState::of(root.path()).unwrap().sip_port, 2);
        state.pid = u32::MAX >> 2;
        run.publish(&state).unwrap();
        assert!(RunState::of(root.path()).is_none());
    }
}
