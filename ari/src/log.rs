//! The log of raw frames (`--ari-log`): JSON lines with time, kind and text, enough to run the same session again.
//!
//! Nothing waits for it: lines go through a bounded queue to a thread of its own, and if the disk is slower than
//! Asterisk, lines are left out and a line says how many. Credentials are not in frames; passwords of phones are, in the
//! requests and answers of the dynamic configuration, and their bodies are replaced.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::error::ConfigError;
use crate::request::RequestParts;
use crate::session::SelfTest;
use crate::update::{Failure, Gap, Snapshot};

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Line {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Entry {
    /// The session began. First line of a run.
    Begin {
        /// The applications that are ours.
        apps: Vec<String>,
        /// Whether everything is subscribed to.
        subscribe_all: bool,
    },
    /// The socket was opened.
    Open,
    /// It could not be opened.
    ConnectFailed {
        /// Why not.
        failure: Failure,
    },
    /// It was lost.
    Closed {
        /// Why.
        failure: Failure,
    },
    /// A text frame that went to the session.
    In {
        /// As it came.
        text: String,
    },
    /// A frame of another kind (an answer to a PING).
    Traffic,
    /// A frame that was dropped because the queue was full.
    Dropped {
        /// As it came.
        text: String,
    },
    /// Frames were dropped; the session was told.
    Overflow {
        /// How many.
        dropped: u64,
        /// When.
        gap: Gap,
    },
    /// The snapshot, as the session was told.
    Snapshot {
        /// Which fetch it answers.
        generation: u64,
        /// What Asterisk holds.
        snapshot: Box<Snapshot>,
    },
    /// The snapshot could not be fetched.
    SnapshotFailed {
        /// Which fetch it answers.
        generation: u64,
        /// Why not.
        failure: Failure,
    },
    /// A session that is live asked Asterisk to send an event of its own.
    SelfTest {
        /// To which application.
        application: String,
        /// What Asterisk said.
        outcome: SelfTest,
    },
    /// That event came back.
    Heard {
        /// From which application.
        application: String,
    },
    /// The owner asked to connect again.
    TakeOver,
    /// A request, either as a frame or over HTTP.
    Out {
        /// The frame, or `METHOD path body`.
        text: String,
    },
    /// An answer to a request.
    Response {
        /// The frame, or `STATUS body`.
        text: String,
    },
    /// Lines that are missing here because the disk was too slow.
    Missing {
        /// How many.
        lines: u64,
    },
}

/// Lines that wait for the disk.
const QUEUE: usize = 4096;

/// Writes lines, or nothing where no log was asked for. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct RawLog(Option<Arc<Writer>>);

struct Writer {
    lines: SyncSender<Line>,
    missing: Arc<AtomicU64>,
}

impl RawLog {
    /// Appends to `path`, or writes nowhere.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Ok(Self::default());
        };
        let refuse =
            |error: std::io::Error| ConfigError::Log { path: path.display().to_string(), reason: error.to_string() };
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // Frames hold callers' numbers: for the owner's eyes only.
            options.mode(0o600);
        }
        let file = options.open(path).map_err(refuse)?;
        let (lines, receiver) = sync_channel(QUEUE);
        let missing = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&missing);
        std::thread::Builder::new()
            .name("ari-log".to_owned())
            .spawn(move || write_lines(BufWriter::new(file), &receiver, &counter))
            .map_err(refuse)?;
        Ok(Self(Some(Arc::new(Writer { lines, missing }))))
    }

    pub(crate) fn write(&self, at: DateTime<Utc>, entry: impl FnOnce() -> Entry) {
        if let Some(writer) = &self.0
            && writer.lines.try_send(Line { at, entry: entry() }).is_err()
        {
            writer.missing.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self, text: &Utf8Bytes) {
        self.write(Utc::now(), || Entry::Dropped { text: text.to_string() });
    }

    pub(crate) fn request_frame(&self, text: &str) {
        self.write(Utc::now(), || Entry::Out { text: redact_frame(text) });
    }

    pub(crate) fn response_frame(&self, text: &str) {
        self.write(Utc::now(), || Entry::Response { text: redact_frame(text) });
    }

    pub(crate) fn request(&self, parts: &RequestParts) {
        self.write(Utc::now(), || {
            let body = match &parts.body {
                Some(_) if is_secret(parts.path.as_str()) => " [redacted]".to_owned(),
                Some(body) => format!(" {body}"),
                None => String::new(),
            };
            Entry::Out { text: format!("{} {}{body}", parts.method.as_str(), parts.path_and_query()) }
        });
    }

    pub(crate) fn response(&self, parts: &RequestParts, status: u16, body: &Bytes) {
        self.write(Utc::now(), || {
            let body = if is_secret(parts.path.as_str()) { "[redacted]".into() } else { String::from_utf8_lossy(body) };
            Entry::Response { text: format!("{status} {body}") }
        });
    }
}

/// Paths whose bodies hold passwords.
fn is_secret(path: &str) -> bool {
    path.contains("asterisk/config/dynamic")
}

/// Replaces the body of a `RESTRequest` or `RESTResponse` that may hold a password.
fn redact_frame(text: &str) -> String {
    #[derive(Deserialize)]
    struct Uri {
        uri: String,
    }
    // Without the words anywhere in it (a `/` may be written `\/`) there is nothing to look for.
    if !text.contains("dynamic") {
        return text.to_owned();
    }
    match serde_json::from_str::<Uri>(text) {
        Ok(frame) if !is_secret(&frame.uri) => text.to_owned(),
        _ => match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
            Ok(mut frame) => {
                if let Some(body) = frame.get_mut("message_body") {
                    *body = "[redacted]".into();
                }
                serde_json::Value::Object(frame).to_string()
            }
            Err(_) => "[redacted]".to_owned(),
        },
    }
}

fn write_lines(mut file: BufWriter<std::fs::File>, lines: &Receiver<Line>, missing: &AtomicU64) {
    let mut broken = false;
    loop {
        let line = match lines.try_recv() {
            Ok(line) => line,
            Err(TryRecvError::Empty) => {
                let _ = file.flush();
                match lines.recv() {
                    Ok(line) => line,
                    Err(_) => return,
                }
            }
            Err(TryRecvError::Disconnected) => return,
        };
        let lost = missing.swap(0, Ordering::Relaxed);
        let note = (lost > 0).then_some(Line { at: line.at, entry: Entry::Missing { lines: lost } });
        for line in note.iter().chain([&line]) {
            let Ok(mut text) = serde_json::to_string(line) else {
                continue;
            };
            text.push('\n');
            match file.write_all(text.as_bytes()) {
                Ok(()) => broken = false,
                Err(error) if !broken => {
                    tracing::error!(%error, "cannot write the log of ARI frames");
                    broken = true;
                }
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asterisk::{self, UpdateObject};
    use crate::model::ConfigTuple;

    #[test]
    fn passwords_of_phones_do_not_reach_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ari.jsonl");
        let log = RawLog::open(Some(&path)).unwrap();
        let fields = UpdateObject::default().fields([ConfigTuple::new("password", "s3cret-word")]);
        let request = asterisk::update_object("res_pjsip", "auth", "demo-1", fields);
        log.request(request.parts());
        log.response(
            request.parts(),
            200,
            &Bytes::from_static(b"[{\"attribute\":\"password\",\"value\":\"s3cret-word\"}]"),
        );
        for frame in [
            r#"{"type":"RESTResponse","uri":"asterisk/config/dynamic/res_pjsip/auth/demo-1","message_body":"s3cret-word"}"#,
            r#"{"type":"RESTRequest","message_body":"s3cret-word","uri":"asterisk\/config\/dynamic\/res_pjsip\/auth\/x"}"#,
            r#"{"dynamic":"s3cret-word"#,
        ] {
            log.response_frame(frame);
        }
        log.request_frame(r#"{"type":"RESTRequest","uri":"channels/dynamic","message_body":"kept"}"#);
        assert!(!format!("{request:?}").contains("s3cret-word"));
        assert!(!format!("{:?}", ConfigTuple::new("md5_cred", "s3cret-word")).contains("s3cret-word"));
        drop(log);
        let text = loop {
            let text = std::fs::read_to_string(&path).unwrap();
            if text.lines().count() == 6 {
                break text;
            }
            std::thread::yield_now();
        };
        assert!(!text.contains("s3cret-word"), "{text}");
        assert!(text.contains("PUT /asterisk/config/dynamic/res_pjsip/auth/demo-1 [redacted]"), "{text}");
        assert!(text.contains("kept"));
    }

    #[test]
    fn a_line_is_read_back() {
        let line = Line { at: DateTime::UNIX_EPOCH, entry: Entry::In { text: "{\"type\":\"x\"}".to_owned() } };
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(text, r#"{"at":"1970-01-01T00:00:00Z","kind":"in","text":"{\"type\":\"x\"}"}"#);
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
    }
}
