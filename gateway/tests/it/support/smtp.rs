//! A real SMTP server for one test.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/smtp_server.py");
/// Debian's own, which finds Debian's packages.
const PYTHON: &str = "/usr/bin/python3";
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// A server; dropping it ends it.
pub(crate) struct Smtp {
    pub(crate) port: u16,
    letters: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Smtp {
    pub(crate) async fn start() -> Self {
        Self::start_at(free_port(), &[]).await
    }

    /// With further words on its command line: certificate and key.
    pub(crate) async fn start_at(port: u16, words: &[&str]) -> Self {
        let mut process = Command::new(PYTHON)
            .arg(PROGRAM)
            .arg(port.to_string())
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 and python3-aiosmtpd are installed by .ci/deps test");
        let letters = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut smtp = Self { port, letters, _process: process };
        assert_eq!(smtp.next().await["ready"], true);
        smtp
    }

    /// The next letter that it took.
    pub(crate) async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.letters.next_line()).await.expect("no letter came").unwrap();
        serde_json::from_str(&line.expect("the mail server is gone")).unwrap()
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }
}

/// A port that nobody has at the moment.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
