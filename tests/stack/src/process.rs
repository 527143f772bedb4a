//! A child process that cannot outlive us by accident.
//!
//! Three nets: [`Process`] stops its child when dropped; each child asks the kernel for a signal when its parent dies
//! (`setpriv --pdeathsig`), which also holds when we are killed with -9; and a pid file lets the next run find what nevertheless stayed.
//!
//! The kernel sends the parent-death signal when the *thread* that started the child ends. All children are therefore
//! started by one thread that lives as long as the process does.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::error::{IoContext, Result, StackError};
use crate::files;

/// How often a child that is expected to end is looked at.
const POLL: Duration = Duration::from_millis(10);

/// As whom a child runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// As we do.
    Same,
    /// In a user namespace of its own, where we look like an ordinary user: for programs that refuse to run as root.
    /// Files stay ours, and no capability of root's is left.
    Mapped,
    /// As the user `postgres` of this machine: where user namespaces are refused. Files must be that user's.
    Postgres,
}

impl Identity {
    /// How a program that must not run as root can be run here.
    pub fn unprivileged() -> Self {
        static FOUND: OnceLock<Identity> = OnceLock::new();
        *FOUND.get_or_init(|| {
            if !nix::unistd::geteuid().is_root() {
                return Self::Same;
            }
            let mapped = Command::new("unshare")
                .args(["--user", "--map-user=1000", "--map-group=1000", "--", "true"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if mapped.is_ok_and(|status| status.success()) { Self::Mapped } else { Self::Postgres }
        })
    }

    /// The words before a program's own that make it run so.
    fn prefix(self) -> &'static [&'static str] {
        match self {
            Self::Same => &[],
            Self::Mapped => &["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"],
            Self::Postgres => &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"],
        }
    }
}

/// What to start.
#[derive(Debug)]
pub struct ProcessSpec {
    /// For messages: `PostgreSQL`, `Asterisk` …
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Variables set on top of our own environment.
    pub env: Vec<(OsString, OsString)>,
    /// Working folder.
    pub dir: PathBuf,
    /// Where its standard output and error go (appended).
    pub log: PathBuf,
    /// Where its pid is noted while it runs.
    pub pid_file: Option<PathBuf>,
    /// As whom it runs.
    pub identity: Identity,
    /// What it gets when we die.
    pub death_signal: Signal,
    /// Whether standard input is a pipe ([`Process::stdin`]) or empty.
    pub piped_stdin: bool,
}

impl ProcessSpec {
    /// A command with the usual settings: own environment, no input, killed when we die.
    pub fn new(
        name: impl Into<String>,
        command: impl IntoIterator<Item = impl AsRef<OsStr>>,
        dir: &Path,
        log: &Path,
    ) -> Self {
        Self {
            name: name.into(),
            command: command.into_iter().map(|word| word.as_ref().to_owned()).collect(),
            env: Vec::new(),
            dir: dir.to_owned(),
            log: log.to_owned(),
            pid_file: None,
            identity: Identity::Same,
            death_signal: Signal::SIGKILL,
            piped_stdin: false,
        }
    }

    /// Sets one variable.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Starts it.
    pub fn start(self) -> Result<Process> {
        let log = open_log(&self.log)?;
        let death_signal = self.death_signal.as_str().trim_start_matches("SIG");
        let mut words: Vec<OsString> = self.identity.prefix().iter().map(OsString::from).collect();
        words.extend(["setpriv", "--pdeathsig", death_signal, "--"].map(OsString::from));
        words.extend(self.command.iter().cloned());

        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .current_dir(&self.dir)
            .stdin(if self.piped_stdin { Stdio::piped() } else { Stdio::null() })
            .stdout(log.try_clone().context(|| format!("cannot use {}", self.log.display()))?)
            .stderr(log)
            // Its own group: Ctrl-C in our terminal reaches only us, and its helpers can be ended with it.
            .process_group(0);
        let child = spawn(command).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => StackError::MissingTool {
                tool: words[0].to_string_lossy().into_owned(),
                install: "run `make deps`".to_owned(),
            },
            _ => StackError::Io { what: format!("cannot start {}", self.name), source },
        })?;
        let pid = child.id();
        if let Some(pid_file) = &self.pid_file {
            files::write_private(pid_file, &format!("{pid} {}\n", start_time(pid).unwrap_or(0)))?;
        }
        Ok(Process { name: self.name, child, pid, log: self.log, pid_file: self.pid_file, ended: None })
    }
}

/// A running child. Dropping it ends the child (`SIGTERM`, two seconds, `SIGKILL`).
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: u32,
    log: PathBuf,
    pid_file: Option<PathBuf>,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The pipe to its standard input, once, if it was asked for.
    pub fn stdin(&mut self) -> Option<std::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
            if self.ended.is_some() {
                self.forget_pid();
            }
        }
        self.ended
    }

    /// Sends it a signal, unless it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            // It has not been waited for, so its number cannot belong to another process.
            let _gone = kill(raw(self.pid), signal);
        }
    }

    /// `SIGKILL` to it and its helpers; returns when it is gone.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            let _gone = killpg(raw(self.pid), Signal::SIGKILL);
            self.ended = self.child.wait().ok();
            self.forget_pid();
        }
    }

    /// Sends `signal`, waits up to `grace`, then [`Process::kill`]. True if it ended by itself.
    pub fn stop(&mut self, signal: Signal, grace: Duration) -> bool {
        self.signal(signal);
        let deadline = Instant::now() + grace;
        while self.ended().is_none() {
            if Instant::now() >= deadline {
                self.kill();
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }

    /// Waits for its end.
    pub async fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Asks `ready` every 20 ms until it says yes; an error with the end of the log when the process ends or `limit` is over.
    pub async fn wait_ready(&mut self, limit: Duration, mut ready: impl AsyncFnMut() -> bool) -> Result<()> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return Err(StackError::Ended {
                    name: self.name.clone(),
                    status: status_words(status),
                    log_tail: files::tail(&self.log, 15),
                });
            }
            if ready().await {
                return Ok(());
            }
            if started.elapsed() > limit {
                return Err(StackError::NotReady {
                    name: self.name.clone(),
                    waited: limit,
                    log_tail: files::tail(&self.log, 15),
                });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn forget_pid(&self) {
        if let Some(pid_file) = &self.pid_file {
            let _absent = fs::remove_file(pid_file);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop(Signal::SIGTERM, Duration::from_secs(2));
    }
}

/// An exit status in words: `exit code 3`, `signal SIGSEGV`.
pub fn status_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(number)) => {
            Signal::try_from(number).map_or_else(|_| format!("signal {number}"), |signal| format!("signal {signal}"))
        }
        (None, None) => "unknown".to_owned(),
    }
}

/// Ends what a pid file of an earlier run names, if that very process is still there. True if there was one.
pub(crate) fn end_leftover(pid_file: &Path) -> bool {
    let Ok(text) = fs::read_to_string(pid_file) else {
        return false;
    };
    let mut words = text.split_whitespace();
    let noted = words
        .next()
        .and_then(|word| word.parse::<u32>().ok())
        .zip(words.next().and_then(|word| word.parse::<u64>().ok()));
    let alive = |pid: u32, since: u64| start_time(pid) == Some(since);
    let found = noted.is_some_and(|(pid, since)| alive(pid, since));
    if let (true, Some((pid, since))) = (found, noted) {
        // The same start time means the same process: numbers are used again, pairs are not.
        let _gone = kill(raw(pid), Signal::SIGTERM);
        let deadline = Instant::now() + Duration::from_secs(5);
        while alive(pid, since) && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
        if alive(pid, since) {
            let _gone = killpg(raw(pid), Signal::SIGKILL);
            let _gone = kill(raw(pid), Signal::SIGKILL);
            while alive(pid, since) && Instant::now() < deadline + Duration::from_secs(2) {
                std::thread::sleep(POLL);
            }
        }
    }
    let _absent = fs::remove_file(pid_file);
    found
}

/// When a process started, in clock ticks since boot (field 22 of `/proc/PID/stat`); `None` for none and for a zombie.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets and may hold anything: count from its end.
    let mut fields = stat[stat.rfind(')')? + 1..].split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn raw(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed())
}

/// Opens a log for appending. One that has grown large makes room first; one old file is kept.
fn open_log(path: &Path) -> Result<File> {
    const LARGE: u64 = 32 << 20;
    if fs::metadata(path).is_ok_and(|log| log.len() > LARGE) {
        let mut old = path.as_os_str().to_owned();
        old.push(".old");
        let _kept = fs::rename(path, old);
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .context(|| format!("cannot write the log {}", path.display()))
}

type Order = (Command, mpsc::Sender<std::io::Result<Child>>);

/// Starts a child from the one thread that never ends.
fn spawn(command: Command) -> std::io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || {
                for (mut command, answer) in inbox {
                    let _caller_gone = answer.send(command.spawn());
                }
            })
            .expect("a thread can be started");
        orders
    });
    let (answer, result) = mpsc::channel();
    let gone = || std::io::Error::other("the spawner thread has ended");
    spawner.send((command, answer)).map_err(|_| gone())?;
    result.recv().map_err(|_| gone())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(dir: &Path) -> Process {
        let mut spec = ProcessSpec::new("sleeper", ["sleep", "600"], dir, &dir.join("log"));
        spec.pid_file = Some(dir.join("pid"));
        spec.start().unwrap()
    }

    #[test]
    fn drop_ends_the_child_and_its_pid_file() {
        let dir = tempfile::tempdir().unwrap();
        let process = sleeper(dir.path());
        let pid = process.pid();
        assert!(start_time(pid).is_some());
        assert!(dir.path().join("pid").exists());
        drop(process);
        assert!(start_time(pid).is_none());
        assert!(!dir.path().join("pid").exists());
    }

    #[test]
    fn a_leftover_is_found_by_its_pid_file_and_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mut process = sleeper(dir.path());
        assert!(end_leftover(&dir.path().join("pid")));
        assert_eq!(status_words(process.ended().unwrap()), "signal SIGTERM");
        assert!(!end_leftover(&dir.path().join("pid")));
    }

    #[test]
    fn a_process_of_the_same_number_but_another_start_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut process = sleeper(dir.path());
        let pid_file = dir.path().join("other");
        fs::write(&pid_file, format!("{} 1\n", process.pid())).unwrap();
        assert!(!end_leftover(&pid_file));
        assert!(process.ended().is_none());
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut process =
            ProcessSpec::new("Broken", ["sh", "-c", "echo no such thing; exit 3"], dir.path(), &dir.path().join("log"))
                .start()
                .unwrap();
        let error = process.wait_ready(Duration::from_secs(5), async || false).await.unwrap_err().to_string();
        assert_eq!(error, "Broken ended at once (exit code 3); the end of its log:\nno such thing");
    }
}
