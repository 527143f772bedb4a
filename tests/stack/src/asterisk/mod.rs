//! A private Asterisk: rendered configuration, started without privileges, watched until ARI answers.

mod config;
mod prefix;

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

pub use config::{AsteriskConfig, OutboundAri};
pub use prefix::Prefix;

use self::config::Folders;
use crate::error::{IoContext, Result, StackError};
use crate::files;
use crate::ports::{Ports, RtpRange};
use crate::process::{Identity, Process, ProcessSpec, end_leftover};

/// How long a start may take.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long Asterisk may take to end its calls and modules (2–3 s are usual) before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Bytes that the path of a Unix socket may have (`sun_path` less its closing zero).
const SOCKET_PATH: usize = 107;

/// What a caller may choose; every port that is not chosen is found free.
#[derive(Debug, Clone)]
pub struct AsteriskOptions {
    /// SIP over UDP and TCP.
    pub sip_port: Option<u16>,
    /// ARI.
    pub http_port: Option<u16>,
    /// Where the gateway takes FastAGI, or any free one.
    pub agi_port: Option<u16>,
    /// How many ports RTP gets: two per stream, so eight per recorded call.
    pub rtp_ports: u16,
    /// The ARI user's password, or a random one.
    pub ari_password: Option<String>,
    /// First part of every channel id.
    pub system_name: String,
    /// Seconds that a call waits with music for a gateway that is away.
    pub patience_seconds: u32,
    /// Seconds between two tries to reach the gateway.
    pub retry_seconds: u32,
    /// Where Asterisk opens an ARI WebSocket to, if the gateway is not to open it.
    pub outbound: Option<OutboundAri>,
}

impl Default for AsteriskOptions {
    fn default() -> Self {
        Self {
            sip_port: None,
            http_port: None,
            agi_port: None,
            rtp_ports: 1_000,
            ari_password: None,
            system_name: "trunkline".to_owned(),
            patience_seconds: 120,
            retry_seconds: 2,
            outbound: None,
        }
    }
}

/// A running Asterisk; dropping it stops it.
#[derive(Debug)]
pub struct Asterisk {
    prefix: Prefix,
    folders: Folders,
    config: AsteriskConfig,
    rtp: RtpRange,
    http: reqwest::Client,
    process: Option<Process>,
}

impl Asterisk {
    /// Starts Asterisk with its files in `dir`; returns when it is fully booted.
    pub async fn start(dir: &Path, options: AsteriskOptions) -> Result<Self> {
        let prefix = Prefix::find().await?;
        let rtp = Ports::rtp(options.rtp_ports)?;
        let port = |chosen: Option<u16>| chosen.map_or_else(Ports::free, Ok);
        let config = AsteriskConfig {
            listen: Ipv4Addr::LOCALHOST,
            sip_port: port(options.sip_port)?,
            http_port: port(options.http_port)?,
            rtp_first: rtp.first,
            rtp_last: rtp.last,
            ari_username: "trunkline".to_owned(),
            ari_password: options.ari_password.map_or_else(|| files::random_hex(16), Ok)?,
            ami_port: Ports::free()?,
            ami_username: "trunkline".to_owned(),
            ami_password: files::random_hex(16)?,
            ari_app: "trunkline".to_owned(),
            agi_port: port(options.agi_port)?,
            system_name: options.system_name,
            patience_seconds: options.patience_seconds,
            retry_seconds: options.retry_seconds,
            trunk_match: "127.0.0.1".to_owned(),
            outbound: options.outbound,
        };
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build().map_err(|error| {
                StackError::Unexpected { what: "HTTP client".to_owned(), detail: error.to_string() }
            })?;

        files::private_dir(dir)?;
        let folders = Folders {
            prefix: prefix.root().to_owned(),
            etc: dir.join("etc"),
            var: dir.to_owned(),
            run: run_folder(dir)?,
        };
        end_leftover(&dir.join("pid"));
        let mut asterisk = Self { prefix, folders, config, rtp, http, process: None };
        asterisk.start_again().await?;
        Ok(asterisk)
    }

    /// Starts it again after [`Asterisk::stop`] or [`Asterisk::kill`]: same ports, same files, rendered anew.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = None;
        self.write_files()?;
        let var = &self.folders.var;
        let mut words = self.prefix.command();
        // In the foreground, no colours, no console.
        words.extend(["-f".into(), "-n".into(), "-C".into(), self.folders.etc.join("asterisk.conf").into()]);
        let mut spec = ProcessSpec::new("Asterisk", words, var, &var.join("log/asterisk.out"));
        spec.pid_file = Some(var.join("pid"));
        // Also where the user `postgres` is needed for PostgreSQL, Asterisk itself may run as root.
        spec.identity = match Identity::unprivileged() {
            Identity::Postgres => Identity::Same,
            other => other,
        };
        // The prefix brings its own OpenSSL, which must not read the settings of this machine's.
        let mut process = spec.env("HOME", var).env("OPENSSL_CONF", "/dev/null").env("LC_ALL", "C.UTF-8").start()?;
        process.wait_ready(START_LIMIT, async || self.is_booted().await).await?;
        self.process = Some(process);
        Ok(())
    }

    fn write_files(&self) -> Result<()> {
        let Folders { etc, var, run, .. } = &self.folders;
        files::private_dir(etc)?;
        files::private_dir(run)?;
        for name in ["lib/keys", "spool/recording", "cache", "log"] {
            files::private_dir(&var.join(name))?;
        }
        // A socket left behind by a killed Asterisk is in the way of nobody, but its pid file is.
        for name in ["asterisk.ctl", "asterisk.pid"] {
            let _absent = fs::remove_file(run.join(name));
        }
        for (name, text) in self.config.render(&self.folders)? {
            files::write_private(&etc.join(name), &text)?;
        }
        Ok(())
    }

    /// Whether ARI answers and Asterisk says when it was fully booted.
    async fn is_booted(&self) -> bool {
        let answer = self.ari_get("asterisk/info?only=status").await;
        // Until the last module is loaded the time of start is the epoch.
        answer.is_some_and(|info| info["status"]["startup_time"].as_str().is_some_and(|time| !time.starts_with("19")))
    }

    async fn ari_get(&self, path: &str) -> Option<serde_json::Value> {
        let request = self.http.get(format!("{}/{path}", self.ari_url()));
        let request = request.basic_auth(&self.config.ari_username, Some(&self.config.ari_password));
        request.send().await.ok()?.error_for_status().ok()?.json().await.ok()
    }

    /// The configuration it runs with.
    pub fn config(&self) -> &AsteriskConfig {
        &self.config
    }

    /// `http://127.0.0.1:PORT/ari`
    pub fn ari_url(&self) -> String {
        format!("http://{}:{}/ari", self.config.listen, self.config.http_port)
    }

    /// Port of SIP over UDP and TCP.
    pub fn sip_port(&self) -> u16 {
        self.config.sip_port
    }

    /// The ports of its RTP.
    pub fn rtp(&self) -> std::ops::RangeInclusive<u16> {
        self.rtp.first..=self.rtp.last
    }

    /// The program it is.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// Its folder; logs are in `log/`.
    pub fn dir(&self) -> &Path {
        &self.folders.var
    }

    /// Runs one command of Asterisk's console and returns what it prints.
    pub async fn rx(&self, command: &str) -> Result<String> {
        let mut words = self.prefix.command();
        words.extend(["-C".into(), self.folders.etc.join("asterisk.conf").into(), "-rx".into(), command.into()]);
        let mut program = Command::new(&words[0]);
        program.args(&words[1..]).env("HOME", &self.folders.var).stdin(Stdio::null());
        let run = tokio::task::spawn_blocking(move || program.output()).await;
        let output = run
            .map_err(std::io::Error::other)
            .and_then(|output| output)
            .context(|| format!("cannot run `{command}`"))?;
        if !output.status.success() {
            return Err(StackError::Command {
                command: format!("asterisk -rx '{command}'"),
                status: crate::process::status_words(output.status),
                output: String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether the process runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_none())
    }

    /// The process, while it runs.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// `SIGTERM`, five seconds, `SIGKILL`. True if it ended by itself.
    pub fn stop(&mut self) -> bool {
        self.process.take().is_none_or(|mut process| process.stop(Signal::SIGTERM, STOP_GRACE))
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// [`Asterisk::stop`] and [`Asterisk::start_again`].
    pub async fn restart(&mut self) -> Result<()> {
        self.stop();
        self.start_again().await
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        self.stop();
        if !self.folders.run.starts_with(&self.folders.var) {
            let _absent = fs::remove_dir_all(&self.folders.run);
        }
    }
}

/// The folder of the control socket: inside `dir`, or a short one in the temporary folder where the path would be too long.
fn run_folder(dir: &Path) -> Result<PathBuf> {
    let inside = dir.join("run");
    if inside.join("asterisk.ctl").as_os_str().len() <= SOCKET_PATH {
        return Ok(inside);
    }
    let short = PathBuf::from(format!("/tmp/trunkline-{}", files::kept_secret(&dir.join("run-folder"), 8)?));
    files::private_dir(&short)?;
    // /tmp is everybody's: a folder that another user made first under this name is refused.
    let owner = fs::symlink_metadata(&short).context(|| format!("cannot read {}", short.display()))?;
    if !owner.is_dir() || owner.uid() != nix::unistd::geteuid().as_raw() {
        return Err(StackError::Unexpected {
            what: short.display().to_string(),
            detail: "belongs to another user".to_owned(),
        });
    }
    Ok(short)
}
