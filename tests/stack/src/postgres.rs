//! A private PostgreSQL cluster: TCP on loopback, one superuser with a random password, no Unix socket.
//!
//! No Unix socket because its path may hold at most 107 bytes and `RUN_DIR` may be long.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::{IoContext, Result, StackError};
use crate::files;
use crate::ports::Ports;
use crate::process::{Identity, Process, ProcessSpec, end_leftover};

/// The oldest major version that Trunkline works with.
const OLDEST_MAJOR: u32 = 15;
/// Name of the superuser.
const SUPERUSER: &str = "postgres";
/// How long a start may take: recovery after a hard kill included.
const START_LIMIT: Duration = Duration::from_mins(1);

/// How the cluster is run.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The port, or any free one.
    pub port: Option<u16>,
    /// Whether a commit waits for the disk. Off in tests: a commit survives every end of the server, not one of the machine.
    pub durable: bool,
    /// Connections allowed.
    pub max_connections: u16,
    /// Further lines for `postgresql.conf`.
    pub extra: Vec<String>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { port: None, durable: false, max_connections: 100, extra: Vec::new() }
    }
}

/// A running cluster; dropping it stops it.
#[derive(Debug)]
pub struct Postgres {
    binaries: PathBuf,
    home: PathBuf,
    data: PathBuf,
    port: u16,
    password: String,
    identity: Identity,
    process: Option<Process>,
}

impl Postgres {
    /// Starts the cluster in `dir` (created, and the cluster made, at the first start) for a test: not durable, any free port.
    pub async fn start(dir: &Path) -> Result<Self> {
        Self::start_with(dir, PostgresOptions::default()).await
    }

    /// Starts the cluster in `dir` (created, and the cluster made, at the first start).
    pub async fn start_with(dir: &Path, options: PostgresOptions) -> Result<Self> {
        files::private_dir(dir)?;
        let identity = Identity::unprivileged();
        let home = home_for(dir, identity)?;
        let data = home.join("data");
        end_leftover(&home.join("pid"));

        let password = files::kept_secret(&home.join("password"), 16)?;
        let major = fs::read_to_string(data.join("PG_VERSION")).ok().and_then(|text| text.trim().parse::<u32>().ok());
        let binaries = find_binaries(major)?;
        if identity == Identity::Postgres {
            give_to_postgres(&home)?;
        }
        if major.is_none() {
            init_cluster(&binaries, &home, &data, identity)?;
        }
        let port = match options.port {
            Some(port) => port,
            None => Ports::free()?,
        };
        write_settings(&data, port, &options)?;
        let mut postgres = Self { binaries, home, data, port, password, identity, process: None };
        postgres.start_again().await?;
        Ok(postgres)
    }

    /// Starts the server again after [`Postgres::stop`] or [`Postgres::kill`]: same port, same data.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = None;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match self.launch().await {
                // Helpers of a killed server hold its shared memory for a moment longer.
                Err(StackError::Ended { log_tail, .. })
                    if Instant::now() < deadline
                        && (log_tail.contains("is still in use") || log_tail.contains("lock file")) =>
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                other => return other,
            }
        }
    }

    async fn launch(&mut self) -> Result<()> {
        let log = self.home.join("log");
        let program = self.binaries.join("postgres");
        let mut spec = ProcessSpec::new(
            "PostgreSQL",
            [program.as_os_str(), "-D".as_ref(), self.data.as_os_str()],
            &self.data,
            &log,
        );
        spec.identity = self.identity;
        spec.pid_file = Some(self.home.join("pid"));
        // "Immediate" shutdown: at once, and with its helpers.
        spec.death_signal = Signal::SIGQUIT;
        let spec = spec.env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        let status_file = self.data.join("postmaster.pid");
        let mut process = spec.start()?;
        let pid = process.pid().to_string();
        let ready = process
            .wait_ready(START_LIMIT, async || {
                // Its eighth line is the state, its first the server's own pid (a file left behind has another).
                fs::read_to_string(&status_file).is_ok_and(|text| {
                    let lines: Vec<&str> = text.lines().map(str::trim).collect();
                    lines.first().is_some_and(|first| *first == pid)
                        && lines.get(7).is_some_and(|state| *state == "ready")
                })
            })
            .await;
        ready?;
        self.process = Some(process);
        Ok(())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// Address of a database for the superuser, with its password.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url(SUPERUSER, &self.password, database)
    }

    /// Address of a database for another role.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL as the superuser with psql and returns what it prints (unaligned, no headers). Stops at the first error.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String> {
        let output = Command::new(self.binaries.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", SUPERUSER, "-d", database])
            .args(["-p", &self.port.to_string(), "-c", sql])
            .env("PGPASSWORD", &self.password)
            .stdin(Stdio::null())
            .output()
            .context(|| "cannot start psql".to_owned())?;
        Ok(succeeded("psql", &output)?.trim_end().to_owned())
    }

    /// A new database as a copy of `template`, in less than a tenth of a second. Nobody may be connected to `template`.
    pub fn clone_database(&self, template: &str, name: &str) -> Result<()> {
        self.psql("postgres", &format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\" STRATEGY file_copy"))
            .map(drop)
    }

    /// Whether the server process runs.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_none())
    }

    /// The process, while it runs.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// Stops the server ("fast": clients are disconnected, everything is written).
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop(Signal::SIGINT, Duration::from_secs(10));
        }
    }

    /// `kill -9` of the server and all its helpers.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder with the server's programs: of the cluster's own version, else the newest.
fn find_binaries(major: Option<u32>) -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(version, bin)| {
            *version >= OLDEST_MAJOR && bin.join("postgres").exists() && bin.join("initdb").exists()
        })
        .collect();
    found.sort();
    let chosen = match major {
        Some(major) => found.into_iter().find(|(version, _)| *version == major),
        None => found.pop(),
    };
    chosen.map(|(_, bin)| bin).ok_or_else(|| StackError::MissingTool {
        tool: major.map_or_else(
            || format!("PostgreSQL {OLDEST_MAJOR} or newer"),
            |major| format!("PostgreSQL {major} (which made this cluster)"),
        ),
        install: "run `make deps`, or `apt-get install postgresql` as root".to_owned(),
    })
}

/// Where the cluster lives: in `dir`, unless it has to be run as the user `postgres`, who cannot get there.
fn home_for(dir: &Path, identity: Identity) -> Result<PathBuf> {
    if identity != Identity::Postgres {
        return Ok(dir.to_owned());
    }
    let reachable = Command::new("setpriv")
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", "test", "-x"])
        .arg(dir.parent().unwrap_or(dir))
        .status()
        .is_ok_and(|status| status.success());
    if reachable {
        return Ok(dir.to_owned());
    }
    // The real folder stands elsewhere, and `dir` remembers which, so that deleting RUN_DIR is still a clean slate.
    let note = dir.join("elsewhere");
    let name = files::kept_secret(&note, 8)?;
    let home = PathBuf::from(format!("/var/tmp/trunkline-postgresql-{name}"));
    files::private_dir(&home)?;
    Ok(home)
}

fn give_to_postgres(home: &Path) -> Result<()> {
    let output = Command::new("chown").args(["-R", "postgres:postgres"]).arg(home).output();
    succeeded("chown", &output.context(|| "cannot start chown".to_owned())?).map(drop)
}

fn init_cluster(binaries: &Path, home: &Path, data: &Path, identity: Identity) -> Result<()> {
    // Made beside and renamed, so that an interrupted start leaves no half of a cluster.
    let part = home.join("data.part");
    let _absent = fs::remove_dir_all(&part);
    let log = home.join("initdb.log");
    let _absent = fs::remove_file(&log);
    let password_file = home.join("password");
    let program = binaries.join("initdb");
    let mut words: Vec<std::ffi::OsString> = vec![program.into_os_string(), "-D".into(), part.clone().into_os_string()];
    words.extend(
        ["-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--data-checksums", "--no-sync"]
            .map(Into::into),
    );
    words.push({
        let mut word = std::ffi::OsString::from("--pwfile=");
        word.push(&password_file);
        word
    });
    let mut spec = ProcessSpec::new("initdb", words, home, &log);
    spec.identity = identity;
    let mut process = spec.start()?;
    let deadline = Instant::now() + START_LIMIT;
    let status = loop {
        if let Some(status) = process.ended() {
            break status;
        }
        if Instant::now() > deadline {
            return Err(StackError::NotReady {
                name: "initdb".to_owned(),
                waited: START_LIMIT,
                log_tail: files::tail(&log, 15),
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    if !status.success() {
        return Err(StackError::Ended {
            name: "initdb".to_owned(),
            status: crate::process::status_words(status),
            log_tail: files::tail(&log, 15),
        });
    }
    fs::rename(&part, data).context(|| format!("cannot rename {}", part.display()))
}

fn write_settings(data: &Path, port: u16, options: &PostgresOptions) -> Result<()> {
    let PostgresOptions { durable, max_connections, extra, .. } = options;
    let on_off = if *durable { "on" } else { "off" };
    let mut text = format!(
        "# Written at each start.\n\
         listen_addresses = '127.0.0.1'\n\
         port = {port}\n\
         unix_socket_directories = ''\n\
         max_connections = {max_connections}\n\
         shared_buffers = '128MB'\n\
         max_wal_size = '1GB'\n\
         fsync = {on_off}\n\
         full_page_writes = {on_off}\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         log_line_prefix = '%m [%p] %u@%d '\n\
         log_min_duration_statement = '1s'\n\
         logging_collector = off\n"
    );
    for line in extra {
        text.push_str(line);
        text.push('\n');
    }
    let file = data.join("trunkline.conf");
    let owner = fs::metadata(data).context(|| format!("cannot read {}", data.display()))?;
    fs::write(&file, text).context(|| format!("cannot write {}", file.display()))?;
    let permissions = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&file, permissions).context(|| format!("cannot write {}", file.display()))?;
    let main = data.join("postgresql.conf");
    let current = fs::read_to_string(&main).context(|| format!("cannot read {}", main.display()))?;
    if !current.contains("\ninclude = 'trunkline.conf'") {
        fs::write(&main, current + "\ninclude = 'trunkline.conf'\n")
            .context(|| format!("cannot write {}", main.display()))?;
    }
    // Written by us, read by the server's user.
    std::os::unix::fs::chown(
        &file,
        Some(std::os::unix::fs::MetadataExt::uid(&owner)),
        Some(std::os::unix::fs::MetadataExt::gid(&owner)),
    )
    .context(|| format!("cannot give {} to the server", file.display()))
}

fn succeeded(command: &str, output: &Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(StackError::Command {
        command: command.to_owned(),
        status: crate::process::status_words(output.status),
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
