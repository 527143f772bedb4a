//! Where master keys come from.

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Secret;
use super::keys::{Ring, RingError};
use crate::config::SecretKey;

/// How long a command may take to print the keys.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest list of keys, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Where the newest keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// From `secret_key`.
    Derived,
    /// `master_key`: from the configuration itself.
    Given(Secret),
    /// `master_key_file`: from a file, which is read again when it changes.
    File(PathBuf),
    /// `master_key_command`: what a command of the shell prints.
    Command(Secret),
}

/// Why there are no keys. Never says what was read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read.
    #[error("master_key_file: cannot read {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Others may read the file.
    #[error("master_key_file: {} can be read by everybody; `chmod o= {}`", .0.display(), .0.display())]
    Open(PathBuf),
    /// The command cannot be run, failed, or took too long.
    #[error("master_key_command: {0}")]
    Command(String),
    /// What was read is no list of keys.
    #[error("{key}: {error}")]
    Keys {
        /// The configuration key.
        key: &'static str,
        /// What is wrong.
        error: RingError,
    },
}

impl KeySource {
    /// Reads the keys; those of `old` and the one that `secret_key` implies open, too.
    pub(super) async fn read(&self, old: Option<&Secret>, secret: &SecretKey) -> Result<Ring, SourceError> {
        let in_words = |key| move |error| SourceError::Keys { key, error };
        let derived = Ring::derived(secret);
        let newest = match self {
            Self::Derived => derived.clone(),
            Self::Given(key) => Ring::parse(key.expose()).map_err(in_words("master_key"))?,
            Self::File(path) => Ring::parse(&read_file(path.clone()).await?).map_err(in_words("master_key_file"))?,
            Self::Command(command) => Ring::parse(&run(command).await?).map_err(in_words("master_key_command"))?,
        };
        let older = match old {
            Some(old) => {
                let lines = Zeroizing::new(old.expose().replace(',', "\n"));
                Ring::parse(&lines).map_err(in_words("master_keys_old"))?.with_older(derived)
            }
            None => derived,
        };
        Ok(newest.with_older(older))
    }
}

async fn read_file(path: PathBuf) -> Result<Zeroizing<String>, SourceError> {
    use std::os::unix::fs::PermissionsExt as _;
    let in_words = {
        let path = path.clone();
        move |error| SourceError::File { path: path.clone(), error }
    };
    let metadata = tokio::fs::metadata(&path).await.map_err(&in_words)?;
    if metadata.permissions().mode() & 0o007 != 0 {
        return Err(SourceError::Open(path));
    }
    if metadata.len() > MAX_BYTES {
        return Err(SourceError::Keys { key: "master_key_file", error: RingError::NoKey(1) });
    }
    tokio::fs::read_to_string(&path).await.map(Zeroizing::new).map_err(&in_words)
}

/// What the command says on its standard error goes where ours goes; it is the administrator's own.
async fn run(command: &Secret) -> Result<Zeroizing<String>, SourceError> {
    let failed = |words: String| SourceError::Command(words);
    let child = tokio::process::Command::new("/bin/sh")
        .arg("-c")
        .arg(command.expose())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .map_err(|_| failed(format!("took longer than {} s", PATIENCE.as_secs())))?
        .map_err(|error| failed(format!("cannot be run: {error}")))?;
    let text = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(format!("failed: {}", output.status)));
    }
    String::from_utf8(text.to_vec()).map(Zeroizing::new).map_err(|_| failed("printed no text".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222222222222222222222222222";

    fn secret() -> SecretKey {
        "5a".repeat(32).parse().unwrap()
    }

    async fn read(source: KeySource) -> Result<Ring, SourceError> {
        source.read(None, &secret()).await
    }

    #[tokio::test]
    async fn keys_come_from_the_configuration_a_file_or_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        std::fs::write(&path, ONE).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let wanted = Ring::parse(ONE).unwrap().newest_in_words();
        for source in [
            KeySource::Given(Secret::new(ONE)),
            KeySource::File(path.clone()),
            KeySource::Command(Secret::new(format!("cat '{}'", path.display()))),
        ] {
            let ring = read(source).await.unwrap();
            assert_eq!(ring.newest_in_words(), wanted);
            assert_eq!(ring.len(), 2, "the one that secret_key implies opens, too");
        }
        let old = Secret::new(format!("a:{TWO},{ONE}"));
        let ring = KeySource::Given(Secret::new(ONE)).read(Some(&old), &secret()).await.unwrap();
        assert_eq!(ring.len(), 3);
        assert_eq!(read(KeySource::Derived).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_had_is_told_without_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let words = async |source| read(source).await.unwrap_err().to_string();
        assert!(words(KeySource::File(path.clone())).await.contains("cannot read"));
        std::fs::write(&path, ONE).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(words(KeySource::File(path.clone())).await.contains("chmod o="));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "hunter2").unwrap();
        let said = words(KeySource::File(path)).await;
        assert!(said.starts_with("master_key_file: line 1 is no key") && !said.contains("hunter2"), "{said}");
        let said = words(KeySource::Command(Secret::new("echo hunter2; exit 3"))).await;
        assert!(said.starts_with("master_key_command: failed: exit status: 3") && !said.contains("hunter2"), "{said}");
    }
}
