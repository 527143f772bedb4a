//! Where Asterisk is, and how its program is run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::sync::OnceCell;

use crate::error::{IoContext, Result, StackError};

/// A folder with Asterisk in it, as `asterisk/get-asterisk.sh` makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    root: PathBuf,
    loader: PathBuf,
}

impl Prefix {
    /// The cached prefix, verified; fetched first when there is none. Asked once per process.
    /// What the script has to say goes to our standard error.
    pub async fn find() -> Result<Self> {
        static FOUND: OnceCell<Prefix> = OnceCell::const_new();
        let find = || async {
            let run = tokio::task::spawn_blocking(Self::fetch).await;
            run.map_err(|error| StackError::Unexpected {
                what: "get-asterisk.sh".to_owned(),
                detail: error.to_string(),
            })?
        };
        FOUND.get_or_try_init(find).await.cloned()
    }

    fn fetch() -> Result<Self> {
        let script = script();
        let output = Command::new(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context(|| format!("cannot start {}", script.display()))?;
        if !output.status.success() {
            return Err(StackError::Command {
                command: "asterisk/get-asterisk.sh".to_owned(),
                status: crate::process::status_words(output.status),
                output: "what it said stands above".to_owned(),
            });
        }
        Self::at(Path::new(String::from_utf8_lossy(&output.stdout).trim()))
    }

    /// The prefix in `root`.
    pub fn at(root: &Path) -> Result<Self> {
        let lib = root.join("lib");
        let loader = std::fs::read_dir(&lib)
            .context(|| format!("cannot read {}", lib.display()))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux")));
        let loader = loader.ok_or_else(|| StackError::Unexpected {
            what: lib.display().to_string(),
            detail: "no dynamic loader in it".to_owned(),
        })?;
        Ok(Self { root: root.to_owned(), loader })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The description of the REST interface that this Asterisk ships (`*.json`).
    pub fn rest_api(&self) -> PathBuf {
        self.root.join("data/rest-api")
    }

    /// Folder of the English sounds.
    pub fn sounds(&self) -> PathBuf {
        self.root.join("data/sounds/en")
    }

    /// The words that run the program: its own loader, its own libraries.
    pub(crate) fn command(&self) -> Vec<OsString> {
        vec![
            self.loader.clone().into(),
            "--library-path".into(),
            self.root.join("lib").into(),
            "--argv0".into(),
            "asterisk".into(),
            self.root.join("sbin/asterisk").into(),
        ]
    }
}

/// The script lies in the source tree that this program was built from.
fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../asterisk/get-asterisk.sh")
}
