//! Small files of the stack: folders, secrets, ends of logs.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{IoContext, Result};

/// Creates a folder and its parents, readable by its owner only.
pub(crate) fn private_dir(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .context(|| format!("cannot create the folder {}", path.display()))
}

/// Writes a file that only its owner may read, by way of a temporary one, so that nobody ever reads half of it.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&part, path)
    };
    write().context(|| format!("cannot write {}", path.display()))
}

/// Random text of `bytes` bytes from the kernel, in hexadecimal.
pub fn random_hex(bytes: usize) -> Result<String> {
    let mut raw = vec![0_u8; bytes];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut raw))
        .context(|| "cannot read /dev/urandom".to_owned())?;
    Ok(raw.iter().fold(String::with_capacity(2 * bytes), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    }))
}

/// A secret that is made once and kept in `path` (mode 0600) from then on.
pub(crate) fn kept_secret(path: &Path, bytes: usize) -> Result<String> {
    if let Ok(text) = fs::read_to_string(path) {
        let text = text.trim();
        if !text.is_empty() {
            return Ok(text.to_owned());
        }
    }
    let secret = random_hex(bytes)?;
    write_private(path, &secret)?;
    Ok(secret)
}

/// The last lines of a log, or a remark that there is none.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    const WINDOW: u64 = 16 * 1024;
    let read = || -> std::io::Result<String> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(WINDOW)))?;
        let mut raw = Vec::new();
        file.read_to_end(&mut raw)?;
        Ok(String::from_utf8_lossy(&raw).into_owned())
    };
    match read() {
        Ok(text) if !text.trim().is_empty() => {
            let all: Vec<&str> = text.lines().collect();
            all[all.len().saturating_sub(lines)..].join("\n")
        }
        Ok(_) => format!("({} is empty)", path.display()),
        Err(error) => format!("({}: {error})", path.display()),
    }
}
