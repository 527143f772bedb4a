//! What can go wrong while the parts are started, with words for the person who has to mend it.

use std::path::PathBuf;
use std::time::Duration;

/// A failure to start, reach or stop a part of the stack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// A program that must be installed is not.
    #[error("{tool} is not installed: {install}")]
    MissingTool {
        /// The program.
        tool: String,
        /// What to type.
        install: String,
    },
    /// Another program listens where we have to.
    #[error("port {port}/{protocol} is taken: set {variable} to a free port, or stop the program that holds it")]
    PortTaken {
        /// The port.
        port: u16,
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// The environment variable that chooses this port.
        variable: &'static str,
    },
    /// No free port was left in the range that is searched.
    #[error("found no {wanted} free ports in a row between {from} and {to}")]
    NoFreePorts {
        /// How many were wanted.
        wanted: u16,
        /// First port tried.
        from: u16,
        /// Last port tried.
        to: u16,
    },
    /// A part ended while we waited for it to be ready.
    #[error("{name} ended at once ({status}); the end of its log:\n{log_tail}")]
    Ended {
        /// Which part.
        name: String,
        /// Its exit status, in words.
        status: String,
        /// The last lines that it wrote.
        log_tail: String,
    },
    /// A part did not become ready in time.
    #[error("{name} was not ready after {} s; the end of its log:\n{log_tail}", .waited.as_secs())]
    NotReady {
        /// Which part.
        name: String,
        /// How long we waited.
        waited: Duration,
        /// The last lines that it wrote.
        log_tail: String,
    },
    /// A helper program failed.
    #[error("{command} failed ({status}): {output}")]
    Command {
        /// What was run (never with secrets).
        command: String,
        /// Its exit status, in words.
        status: String,
        /// What it said.
        output: String,
    },
    /// A template names a value that nobody gives, or the other way round.
    #[error("{template}: {reason}")]
    Template {
        /// The template.
        template: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or a socket could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// `RUN_DIR` is in use by another `make run`.
    #[error("{} is in use by another run (process {pid}): stop it, or set RUN_DIR to another folder", .dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
        /// The process that holds it.
        pid: u32,
    },
    /// An answer that was not the expected one.
    #[error("{what}: {detail}")]
    Unexpected {
        /// What was asked.
        what: String,
        /// What came.
        detail: String,
    },
}

/// Result of everything in this crate.
pub type Result<T, E = StackError> = std::result::Result<T, E>;

/// Gives an I/O error the words of what was tried.
pub(crate) trait IoContext<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| StackError::Io { what: what(), source })
    }
}
