//! Text that is spoken: by a program of this machine (`speech_command`), once for each text, language and program.
//!
//! What was spoken lies in `state_dir/speech`, named by the sum of what makes it, and goes when nobody asked for it for a while or there is
//! too much. Two callers who need the same text wait for one program.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;
use trunkline_media::sound::{Sound, SoundError};
use uuid::Uuid;

use super::metrics::SoundMetrics;
use super::program;
use crate::auth::digest;
use crate::config::SpeechCommand;

/// Longest text, in characters.
pub(crate) const MAX_TEXT_CHARS: usize = 2_000;
/// Longest that is spoken.
pub(crate) const LONGEST: Duration = Duration::from_mins(10);
/// Programs that speak at the same time.
const TURNS: usize = 2;
/// Texts that wait for them at most.
const MAX_WAITING: usize = 64;
/// What nobody asked for since is thrown away.
const MAX_AGE: Duration = Duration::from_hours(24 * 30);
/// Beyond this, what was not asked for longest is thrown away, in bytes: nine hours of speech.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// How often it is looked at what may go, and how exactly it is noted when something was asked for.
const TIDY_EVERY: Duration = Duration::from_hours(1);
/// How unfinished work is called.
const WORK: &str = "work-";

/// What names something spoken.
pub(crate) type SpeechSum = [u8; 32];
type Rendering = Shared<BoxFuture<'static, Result<(), SpeechError>>>;

/// Why a text is not spoken, in words for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SpeechError {
    /// It is switched off.
    #[error("this installation does not speak (speech_command is off)")]
    Off,
    /// There is no such program.
    #[error("the program {0} is not installed on the gateway's machine (speech_command)")]
    Missing(String),
    /// It said no: most likely it does not know the language.
    #[error("the program that speaks refused: {0}")]
    Refused(String),
    /// It took too long, or wrote too much.
    #[error("the program that speaks {0}")]
    Unruly(&'static str),
    /// It made no sound, or one that cannot be played.
    #[error("what the program that speaks made {0}")]
    NoSound(SoundError),
    /// There is nothing to say.
    #[error("there is nothing in the text to say")]
    Empty,
    /// Others wait already.
    #[error("too much is to be spoken at this moment; try again")]
    Busy,
    /// Our own fault.
    #[error("{0}")]
    Failed(String),
}

impl SpeechError {
    /// Whether another attempt may do, with the same text.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Busy | Self::Failed(_) | Self::Unruly(_))
    }
}

impl From<io::Error> for SpeechError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Speaks, and keeps what was spoken. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Speech(Arc<Inner>);

struct Inner {
    command: Option<SpeechCommand>,
    folder: PathBuf,
    metrics: SoundMetrics,
    turns: Semaphore,
    /// Held for a look, never across an await.
    running: Mutex<HashMap<SpeechSum, Rendering>>,
    tidied: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Speech").field("command", &self.command).field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Speech {
    /// By this program; what it spoke is kept in `folder`, which is made when it is needed.
    pub(super) fn new(command: Option<SpeechCommand>, folder: PathBuf, metrics: SoundMetrics) -> Self {
        Self(Arc::new(Inner {
            command,
            folder,
            metrics,
            turns: Semaphore::new(TURNS),
            running: Mutex::default(),
            tidied: Mutex::default(),
        }))
    }

    /// Speaks a text, unless it was before. Whoever stops waiting does not stop the work: the next one finds it done.
    pub(crate) async fn speak(&self, text: &str, language: &str) -> Result<SpeechSum, SpeechError> {
        let text = clean(text);
        if text.is_empty() {
            return Err(SpeechError::Empty);
        }
        let Some(command) = &self.0.command else { return Err(SpeechError::Off) };
        let sum = sum(command, language, &text);
        let file = self.file(&sum);
        if tokio::task::spawn_blocking(move || is_there(&file)).await.unwrap_or(false) {
            self.0.metrics.speech("cached");
            return Ok(sum);
        }
        let rendering = self.rendering(sum, command, language, text)?;
        rendering.await.map(|()| sum)
    }

    fn rendering(
        &self,
        sum: SpeechSum,
        command: &SpeechCommand,
        language: &str,
        text: String,
    ) -> Result<Rendering, SpeechError> {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rendering) = running.get(&sum) {
            return Ok(rendering.clone());
        }
        if running.len() >= MAX_WAITING {
            self.0.metrics.speech("busy");
            return Err(SpeechError::Busy);
        }
        let (this, command, language) = (self.clone(), command.clone(), language.to_owned());
        let task = tokio::spawn(async move {
            let begun = Instant::now();
            let made = this.render(&sum, &command, &language, &text).await;
            this.0.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&sum);
            this.0.metrics.spoken(begun.elapsed(), made.is_ok());
            if let Err(error) = &made {
                tracing::warn!(%error, language, "a text could not be spoken");
            }
            this.tidy_now_and_then();
            made
        });
        let broken = |error: tokio::task::JoinError| Err(SpeechError::Failed(error.to_string()));
        let rendering = async move { task.await.unwrap_or_else(broken) }.boxed().shared();
        running.insert(sum, rendering.clone());
        Ok(rendering)
    }

    async fn render(
        &self,
        sum: &SpeechSum,
        command: &SpeechCommand,
        language: &str,
        text: &str,
    ) -> Result<(), SpeechError> {
        let _turn = self.0.turns.acquire().await.map_err(|error| SpeechError::Failed(error.to_string()))?;
        let folder = self.0.folder.clone();
        let work = tokio::task::spawn_blocking(move || Work::new(&folder)).await.map_err(io::Error::other)??;
        let (input, output) = (work.path.join("text"), work.path.join("speech.wav"));
        tokio::fs::write(&input, text).await?;
        program::run(command, language, &input, &output).await?;
        let place = self.file(sum);
        let finished = work.path.join("finished.wav");
        let converted = tokio::task::spawn_blocking(move || {
            let bytes = std::fs::read(&output)?;
            let sound = Sound::read(&bytes, LONGEST).map_err(SpeechError::NoSound)?;
            std::fs::write(&finished, sound.to_wav())?;
            // There whole or not at all.
            std::fs::rename(&finished, &place)?;
            Ok::<(), SpeechError>(())
        });
        converted.await.map_err(io::Error::other)?
    }

    /// Where something spoken is, or would be.
    pub(super) fn file(&self, sum: &SpeechSum) -> PathBuf {
        self.0.folder.join(format!("{}.wav", crate::audit::hex(sum)))
    }

    fn tidy_now_and_then(&self) {
        let mut tidied = self.0.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        if tidied.is_some_and(|at| at.elapsed() < TIDY_EVERY) {
            return;
        }
        *tidied = Some(Instant::now());
        let folder = self.0.folder.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = tidy(&folder, SystemTime::now(), MAX_BYTES) {
                tracing::warn!(%error, "what was spoken long ago cannot be thrown away");
            }
        });
    }
}

/// One line, without what no program would say.
fn clean(text: &str) -> String {
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(MAX_TEXT_CHARS).collect()
}

fn sum(command: &SpeechCommand, language: &str, text: &str) -> SpeechSum {
    let mut parts: Vec<&[u8]> = vec![text.as_bytes(), language.as_bytes(), command.program.as_bytes()];
    parts.extend(command.arguments.iter().map(String::as_bytes));
    digest(&parts)
}

/// Whether a file is there; if so, it is noted that it was asked for.
fn is_there(file: &Path) -> bool {
    let Ok(asked) = std::fs::metadata(file).and_then(|metadata| metadata.modified()) else { return false };
    let now = SystemTime::now();
    if now.duration_since(asked).is_ok_and(|ago| ago > TIDY_EVERY) {
        // Another may have thrown it away in between: then it is spoken anew.
        let noted = std::fs::File::options().write(true).open(file).and_then(|file| file.set_modified(now));
        return noted.is_ok();
    }
    true
}

/// Throws away what is old, what is too much, and work that was left.
fn tidy(folder: &Path, now: SystemTime, most: u64) -> io::Result<()> {
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        let age = now.duration_since(metadata.modified()?).unwrap_or_default();
        if metadata.is_dir() {
            if entry.file_name().to_string_lossy().starts_with(WORK) && age > TIDY_EVERY {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        } else if age > MAX_AGE {
            let _ = std::fs::remove_file(entry.path());
        } else {
            kept.push((age, metadata.len(), entry.path()));
        }
    }
    kept.sort();
    let mut total = 0;
    for (_, bytes, path) in kept {
        total += bytes;
        if total > most {
            let _ = std::fs::remove_file(path);
        }
    }
    Ok(())
}

/// A folder for one text, which may be a caller's own: nobody else reads it.
struct Work {
    path: PathBuf,
}

impl Work {
    fn new(folder: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("{WORK}{}", Uuid::now_v7()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What stays behind a crash is tidied away.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Speaks with a script in place of a program.
    fn speech(script: &str) -> (tempfile::TempDir, Speech) {
        let folder = tempfile::tempdir().unwrap();
        let command = SpeechCommand {
            program: "/bin/sh".to_owned(),
            arguments: ["-c", script, "sh", "{in}", "{out}"].map(str::to_owned).into(),
        };
        let speech = Speech::new(Some(command), folder.path().join("speech"), SoundMetrics::new());
        (folder, speech)
    }

    /// A second of silence, made by a shell.
    const SECOND: &str = r#"echo x >> "$1".runs; { printf 'RIFF\244\076\000\000WAVEfmt \020\000\000\000\001\000\001\000\100\037\000\000\200\076\000\000\002\000\020\000data\200\076\000\000'; head -c 16000 /dev/zero; } > "$2""#;

    #[tokio::test]
    async fn a_text_is_spoken_once_for_all_who_wait() {
        let runs = tempfile::NamedTempFile::new().unwrap();
        let script = SECOND.replace("\"$1\".runs", &runs.path().display().to_string());
        let (_folder, speech) = speech(&script);
        let (one, other) = tokio::join!(speech.speak("Hello  you\n", "en"), speech.speak(" Hello you", "en"));
        assert_eq!(one, other);
        let sum = one.unwrap();
        assert_eq!(speech.speak("Hello you", "en").await, Ok(sum));
        assert_eq!(std::fs::read_to_string(runs.path()).unwrap(), "x\n");
        let wav = std::fs::read(speech.file(&sum)).unwrap();
        assert_eq!(Sound::read(&wav, LONGEST).unwrap().duration(), Duration::from_secs(1));
        assert_ne!(speech.speak("Hello you", "it").await.unwrap(), sum);
        // Nothing else is left, and others see none of it.
        let left: Vec<_> =
            std::fs::read_dir(&speech.0.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        assert_eq!(std::fs::metadata(&speech.0.folder).unwrap().permissions().mode() & 0o077, 0);
    }

    #[tokio::test]
    async fn why_nothing_is_spoken_is_told_in_words() {
        let (_folder, failing) = speech("echo 'no voice: xx' >&2; exit 1");
        assert_eq!(failing.speak("Hello", "xx").await, Err(SpeechError::Refused("no voice: xx".to_owned())));
        let (_folder, silent) = speech("true");
        assert!(matches!(silent.speak("Hello", "en").await, Err(SpeechError::Refused(_))));
        let (_folder, garbage) = speech("echo garbage > \"$2\"");
        assert_eq!(garbage.speak("Hello", "en").await, Err(SpeechError::NoSound(SoundError::NotWav)));
        assert_eq!(garbage.speak(" \u{7} \n", "en").await, Err(SpeechError::Empty));
        let absent = SpeechCommand { program: "no-such-program".to_owned(), arguments: Vec::new() };
        let absent = Speech::new(Some(absent), garbage.0.folder.clone(), SoundMetrics::new());
        let error = absent.speak("Hello", "en").await.unwrap_err();
        assert_eq!(error, SpeechError::Missing("no-such-program".to_owned()));
        let off = Speech::new(None, garbage.0.folder.clone(), SoundMetrics::new());
        assert_eq!(off.speak("Hello", "en").await, Err(SpeechError::Off));
    }

    #[test]
    fn what_is_old_or_too_much_is_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let hours = |hours| Duration::from_hours(hours);
        for (name, age) in
            [("new.wav", hours(0)), ("used.wav", hours(5)), ("unused.wav", hours(9)), ("old.wav", hours(24 * 31))]
        {
            let file = std::fs::File::create(folder.path().join(name)).unwrap();
            file.set_len(100).unwrap();
            file.set_modified(now - age).unwrap();
        }
        let left = Work::new(folder.path()).unwrap();
        tidy(folder.path(), now + hours(2), 250).unwrap();
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["new.wav", "used.wav"]);
        drop(left);
    }

    #[test]
    fn the_program_is_part_of_what_names_a_speech() {
        let command = |arguments: &[&str]| SpeechCommand {
            program: "say".to_owned(),
            arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
        };
        let one = sum(&command(&["a", "b"]), "en", "text");
        assert_ne!(one, sum(&command(&["ab"]), "en", "text"));
        assert_ne!(one, sum(&command(&["a", "b"]), "e", "ntext"));
    }
}
