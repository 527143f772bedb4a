//! The program `trunkline`: its commands, and `serve` as a child that can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::{IoContext, Result, StackError};
use crate::files;
use crate::process::{Process, ProcessSpec, end_leftover, status_words};

/// How long `serve` may take to be ready.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to end what it is doing.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// The configuration of a gateway as environment variables: `TRUNKLINE_…`.
pub type Environment = Vec<(String, String)>;

/// What is needed to start a gateway.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// Its configuration; [`crate::Stack`] makes it.
    pub env: Environment,
    /// Port of `TRUNKLINE_HTTP_LISTEN`.
    pub http_port: u16,
    /// The program, or the one built beside us ([`Gateway::binary`]).
    pub binary: Option<PathBuf>,
}

/// A running gateway; dropping it stops it.
#[derive(Debug)]
pub struct Gateway {
    dir: PathBuf,
    binary: PathBuf,
    env: Environment,
    http_port: u16,
    http: reqwest::Client,
    process: Option<Process>,
}

impl Gateway {
    /// The program that was built together with this one: `$TRUNKLINE_BIN`, or `trunkline` in the folder of the running
    /// program or the one above (tests run in `deps/`).
    pub fn binary() -> Result<PathBuf> {
        if let Some(chosen) = std::env::var_os("TRUNKLINE_BIN") {
            return Ok(chosen.into());
        }
        let own = std::env::current_exe().context(|| "cannot find the running program".to_owned())?;
        let found = own.ancestors().skip(1).take(2).map(|folder| folder.join("trunkline")).find(|path| path.is_file());
        found.ok_or_else(|| StackError::MissingTool {
            tool: "the program `trunkline`".to_owned(),
            install: "run `cargo build --workspace --bins`".to_owned(),
        })
    }

    /// Starts `trunkline serve` with its log in `dir` and returns when it is ready.
    pub async fn start(dir: &Path, options: GatewayOptions) -> Result<Self> {
        let mut gateway = Self::prepare(dir, options)?;
        gateway.start_again().await?;
        Ok(gateway)
    }

    /// A gateway that is not started yet.
    pub fn prepare(dir: &Path, options: GatewayOptions) -> Result<Self> {
        files::private_dir(dir)?;
        end_leftover(&dir.join("pid"));
        let binary = options.binary.map_or_else(Self::binary, Ok)?;
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build().map_err(|error| {
                StackError::Unexpected { what: "HTTP client".to_owned(), detail: error.to_string() }
            })?;
        Ok(Self { dir: dir.to_owned(), binary, env: options.env, http_port: options.http_port, http, process: None })
    }

    /// Starts it again after [`Gateway::stop`] or [`Gateway::kill_9`], with the same configuration; returns when it is ready.
    pub async fn start_again(&mut self) -> Result<()> {
        self.launch()?;
        let (http, url) = (self.http.clone(), format!("{}/health/ready", self.base_url()));
        let process = self.process.as_mut().expect("launched above");
        let ready = process
            .wait_ready(START_LIMIT, async || {
                http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success())
            })
            .await;
        if ready.is_err() {
            self.process = None;
        }
        ready
    }

    /// Starts it and does not wait.
    pub fn launch(&mut self) -> Result<()> {
        self.process = None;
        let mut spec =
            ProcessSpec::new("the gateway", [self.binary.as_os_str(), "serve".as_ref()], &self.dir, &self.log());
        spec.pid_file = Some(self.dir.join("pid"));
        // What serves needs no right to change the schema.
        for (key, value) in self.env.iter().filter(|(key, _)| key != "TRUNKLINE_DATABASE_OWNER_URL") {
            spec = spec.env(key, value);
        }
        self.process = Some(spec.start()?);
        Ok(())
    }

    /// Runs another command of the program with the same configuration, and returns what it prints.
    pub async fn command(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.binary);
        command
            .args(words)
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null());
        let run = tokio::task::spawn_blocking(move || command.output()).await;
        let name = format!("trunkline {}", words.join(" "));
        let output =
            run.map_err(std::io::Error::other).and_then(|output| output).context(|| format!("cannot run `{name}`"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let output_text = format!("{said}{complaint}").trim().to_owned();
            return Err(StackError::Command {
                command: name,
                status: status_words(output.status),
                output: output_text,
            });
        }
        Ok(said)
    }

    /// `http://127.0.0.1:PORT`
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// The value of one of its variables.
    pub fn env(&self, key: &str) -> Option<&str> {
        self.env.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Changes one of its variables, from the next start on.
    pub fn set_env(&mut self, key: &str, value: &str) {
        self.env.retain(|(known, _)| known != key);
        self.env.push((key.to_owned(), value.to_owned()));
    }

    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Whether the process runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_none())
    }

    /// The process, while it runs.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// `kill -9`.
    pub fn kill_9(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// `SIGTERM`, ten seconds, `SIGKILL`. True if it ended by itself.
    pub fn stop(&mut self) -> bool {
        self.process.take().is_none_or(|mut process| process.stop(Signal::SIGTERM, STOP_GRACE))
    }

    /// [`Gateway::stop`] and [`Gateway::start_again`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop();
        self.start_again().await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
    }
}
