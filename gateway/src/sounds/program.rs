//! Runs the program that speaks: without a shell, with an end in time, and with as much room as it may need.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::speech::SpeechError;
use crate::config::SpeechCommand;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// Largest file that it may write, in bytes: ten minutes of its best.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// How often the file is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What is read of what it complains about, in bytes.
const MAX_COMPLAINT: u64 = 4096;
/// What is told of it, in characters.
const MAX_WORDS: usize = 200;

/// The whole group of a program, ended when this is dropped: what it began itself goes with it.
struct Group(Option<Pid>);

impl Group {
    fn of(id: Option<u32>) -> Self {
        Self(id.and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Most often there is nobody left.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Has the text in `input` spoken into `output`.
pub(super) async fn run(
    command: &SpeechCommand,
    language: &str,
    input: &Path,
    output: &Path,
) -> Result<(), SpeechError> {
    let (Some(from), Some(to)) = (input.to_str(), output.to_str()) else {
        return Err(SpeechError::Failed("state_dir has a name that is no text".to_owned()));
    };
    let mut child = Command::new(&command.program)
        .args(command.filled(language, from, to))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                SpeechError::Missing(command.program.clone())
            }
            _ => SpeechError::Failed(format!("{}: {error}", command.program)),
        })?;
    let group = Group::of(child.id());
    let complaints = child.stderr.take();
    let complaint = tokio::spawn(async move {
        let mut said = Vec::new();
        if let Some(mut complaints) = complaints {
            let _ = (&mut complaints).take(MAX_COMPLAINT).read_to_end(&mut said).await;
            // The rest is read, so that it never waits for us, and forgotten.
            let _ = tokio::io::copy(&mut complaints, &mut tokio::io::sink()).await;
        }
        said
    });
    let ended = tokio::select! {
        ended = child.wait() => ended?,
        () = tokio::time::sleep(PATIENCE) => return Err(SpeechError::Unruly("took too long")),
        () = too_large(output) => return Err(SpeechError::Unruly("wrote too much")),
    };
    // Whoever it left behind may hold its standard error open.
    drop(group);
    if ended.success() && tokio::fs::metadata(output).await.is_ok_and(|file| file.len() <= MAX_BYTES) {
        return Ok(());
    }
    let said = complaint.await.unwrap_or_default();
    let said: String = String::from_utf8_lossy(&said).split_whitespace().collect::<Vec<_>>().join(" ");
    let words = said.chars().filter(|letter| !letter.is_control()).take(MAX_WORDS).collect::<String>();
    Err(SpeechError::Refused(match words.is_empty() {
        false => words,
        true if ended.success() => "it wrote no file".to_owned(),
        true => ended.to_string(),
    }))
}

/// Comes back when the file has become too large.
async fn too_large(file: &Path) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if tokio::fs::metadata(file).await.is_ok_and(|file| file.len() > MAX_BYTES) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ends_with(script: &str) -> (SpeechError, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-c", script, "sh", "{in}", "{out}"].map(str::to_owned).into();
        let command = SpeechCommand { program: "/bin/sh".to_owned(), arguments };
        let ended = run(&command, "en", &folder.path().join("in"), &folder.path().join("out")).await;
        (ended.unwrap_err(), folder)
    }

    #[tokio::test]
    async fn one_that_writes_without_end_is_ended_and_what_it_began_too() {
        let (error, folder) = ends_with("echo $$ > \"$1\"; cat /dev/zero > \"$2\" & cat /dev/zero >> \"$2\"").await;
        assert_eq!(error, SpeechError::Unruly("wrote too much"));
        let group = std::fs::read_to_string(folder.path().join("in")).unwrap();
        let group = Pid::from_raw(group.trim().parse().unwrap());
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        // A signal that is none asks whether somebody is there.
        while killpg(group, None::<Signal>).is_ok() {
            assert!(std::time::Instant::now() < deadline, "somebody of the group still runs");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_flood_of_complaints_is_cut() {
        let (error, _folder) = ends_with("yes complaint | head -c 1000000 >&2; exit 3").await;
        let SpeechError::Refused(words) = error else { panic!("{error}") };
        assert_eq!(words.chars().count(), MAX_WORDS);
    }
}
