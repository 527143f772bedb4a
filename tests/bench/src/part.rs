//! The servers that are measured are processes of their own: this program again, as one of its parts.
//!
//! A part says that it is ready, and what it found out, by JSON files in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use trunkline_stack::process::{Process, ProcessSpec};

const READY: &str = "ready.json";
const DONE: &str = "done.json";
/// How long a part may take to be ready.
const START_LIMIT: Duration = Duration::from_mins(1);

/// A running part; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Part {
    process: Process,
    dir: TempDir,
}

impl Part {
    /// Starts this program as `bench part WORDS… --dir DIR`, in a folder of its own.
    pub(crate) fn start(words: &[&str]) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir().context("no folder for a part")?;
        let program = std::env::current_exe().context("cannot find this program")?;
        let folder = dir.path().to_string_lossy().into_owned();
        let program = program.to_string_lossy();
        let command = [&program, "part"].into_iter().chain(words.iter().copied()).chain(["--dir", &folder]);
        let log = dir.path().join("log");
        let process = ProcessSpec::new(words.join(" "), command, dir.path(), &log).start()?;
        Ok(Self { process, dir })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The end of what it wrote to its log.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read_to_string(self.process.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Waits until it is ready, and returns what it said then.
    pub(crate) async fn ready<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        self.wait_for(READY, START_LIMIT).await
    }

    /// Waits until it is done, and returns what it says about it.
    pub(crate) async fn done<T: DeserializeOwned>(&mut self, limit: Duration) -> anyhow::Result<T> {
        self.wait_for(DONE, limit).await
    }

    async fn wait_for<T: DeserializeOwned>(&mut self, file: &str, limit: Duration) -> anyhow::Result<T> {
        let path = self.dir.path().join(file);
        self.process.wait_ready(limit, async || path.exists()).await?;
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("cannot understand {file}"))
    }
}

/// The part's own side of its folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Says that the part is ready.
    pub(crate) fn say_ready(&self, what: &impl Serialize) -> anyhow::Result<()> {
        self.say(READY, what)
    }

    /// Says that the part is done.
    pub(crate) fn say_done(&self, what: &impl Serialize) -> anyhow::Result<()> {
        self.say(DONE, what)
    }

    fn say(&self, file: &str, what: &impl Serialize) -> anyhow::Result<()> {
        let part = self.0.join(format!("{file}.part"));
        fs::write(&part, serde_json::to_string(what)?).with_context(|| format!("cannot write {}", part.display()))?;
        // Renamed, so that nobody reads half of it.
        fs::rename(&part, self.0.join(file)).with_context(|| format!("cannot write {file}"))
    }
}
