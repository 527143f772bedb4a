//! baresip as a desk phone: a tone for a microphone, and a WAV file for a loudspeaker.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::control::{Control, PhoneEvent, PhoneEventKind};
use crate::error::{IoContext, Result, StackError};
use crate::files;
use crate::ports::Ports;
use crate::process::{Process, ProcessSpec};

/// How long the program may take to start.
const START_LIMIT: Duration = Duration::from_secs(10);
/// Where Debian keeps the modules.
const MODULES: &str = "/usr/lib/baresip/modules";

/// What a phone signs in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

/// How SIP travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

/// What kind of phone.
#[derive(Debug, Clone)]
pub struct BaresipOptions {
    /// SIP server: address and port.
    pub server: SocketAddr,
    /// Signs in with these; without, it can only call.
    pub credentials: Option<Credentials>,
    /// User part of its own address when it has no credentials.
    pub from: String,
    /// Seconds that a registration is asked for.
    pub register_seconds: u32,
    /// How SIP travels.
    pub transport: Transport,
    /// The tone that it sends, in Hz.
    pub tone_hz: u32,
    /// Answers every call by itself.
    pub answers: bool,
    /// Speaks this WAV file (8 kHz, mono, 16 bit) instead of the tone.
    pub speaks: Option<PathBuf>,
}

impl BaresipOptions {
    /// A phone that may call on a server of this machine, without signing in.
    pub fn caller(sip_port: u16, from: &str, tone_hz: u32) -> Self {
        Self {
            server: SocketAddr::from((Ipv4Addr::LOCALHOST, sip_port)),
            credentials: None,
            from: from.to_owned(),
            register_seconds: 120,
            transport: Transport::Udp,
            tone_hz,
            answers: false,
            speaks: None,
        }
    }

    /// A phone that signs in at a server of this machine.
    pub fn desk_phone(sip_port: u16, username: &str, password: &str, tone_hz: u32) -> Self {
        let credentials = Credentials { username: username.to_owned(), password: password.to_owned() };
        Self { credentials: Some(credentials), ..Self::caller(sip_port, username, tone_hz) }
    }

    /// The same phone, answering by itself.
    #[must_use]
    pub fn answering(mut self) -> Self {
        self.answers = true;
        self
    }
}

/// A running phone; dropping it ends it, without a word to the server.
#[derive(Debug)]
pub struct Baresip {
    dir: PathBuf,
    server: SocketAddr,
    control: Control,
    /// Events before this position have been waited for.
    seen: usize,
    process: Process,
}

impl Baresip {
    /// Starts a phone with its files in `dir`.
    pub async fn start(dir: &Path, options: BaresipOptions) -> Result<Self> {
        files::private_dir(dir)?;
        let control_port = Ports::free()?;
        write_files(dir, &options, control_port)?;
        let spec =
            ProcessSpec::new("baresip", ["baresip".as_ref(), "-f".as_ref(), dir.as_os_str()], dir, &dir.join("log"));
        let mut process = spec.start()?;
        let mut control = None;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, control_port));
        process
            .wait_ready(START_LIMIT, async || {
                control = Control::connect(address).await.ok();
                control.is_some()
            })
            .await?;
        let control = control.ok_or_else(|| StackError::Unexpected {
            what: "baresip".to_owned(),
            detail: "no control socket".to_owned(),
        })?;
        Ok(Self { dir: dir.to_owned(), server: options.server, control, seen: 0, process })
    }

    /// Waits until it is signed in; an error when it is refused.
    pub async fn wait_registered(&mut self, limit: Duration) -> Result<()> {
        // Events of before the control socket was connected are lost; the phone's own log has them.
        let log = self.dir.join("log");
        let said = move |words: &str| fs::read_to_string(&log).is_ok_and(|text| text.contains(words));
        self.process
            .wait_ready(limit, async || {
                said("200 OK") || said(" 401 ") || said(" 403 ") || said(" 404 ") || said("Register: ")
            })
            .await?;
        let text = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        if text.contains("200 OK") {
            return Ok(());
        }
        Err(StackError::Unexpected { what: "registration".to_owned(), detail: files::tail(&self.dir.join("log"), 3) })
    }

    /// Waits for the next event of one of these kinds, and takes it and all before it as seen.
    pub async fn wait_for_any(&mut self, kinds: &[PhoneEventKind], limit: Duration) -> Result<PhoneEvent> {
        let waited = self.control.wait_for(self.seen, kinds, limit).await;
        let (event, seen) = waited.map_err(|error| match error {
            StackError::Unexpected { what, detail } => {
                StackError::Unexpected { what, detail: format!("{detail}\n{}", files::tail(&self.log(), 15)) }
            }
            other => other,
        })?;
        self.seen = seen;
        Ok(event)
    }

    /// Waits for the next event of this kind, and takes it and all before it as seen.
    pub async fn wait_for(&mut self, kind: PhoneEventKind, limit: Duration) -> Result<PhoneEvent> {
        self.wait_for_any(&[kind], limit).await
    }

    /// Takes everything until now as seen: waits for what comes after.
    pub fn forget(&mut self) {
        self.seen = self.control.events().len();
    }

    /// All events since it was started.
    pub fn events(&self) -> Vec<PhoneEvent> {
        self.control.events()
    }

    /// Calls a number at its server.
    pub async fn dial(&self, number: &str) -> Result<()> {
        self.control.command("dial", &format!("sip:{number}@{}", self.server)).await
    }

    /// Takes the call that rings.
    pub async fn answer(&self) -> Result<()> {
        self.control.command("accept", "").await
    }

    /// Ends the call, or refuses the one that rings.
    pub async fn hang_up(&self) -> Result<()> {
        self.control.command("hangup", "").await
    }

    /// Puts the far side on hold.
    pub async fn hold(&self) -> Result<()> {
        self.control.command("hold", "").await
    }

    /// Takes the far side back from hold.
    pub async fn resume(&self) -> Result<()> {
        self.control.command("resume", "").await
    }

    /// Sends one digit (RFC 4733).
    pub async fn dtmf(&self, digit: char) -> Result<()> {
        self.control.command("sndcode", &digit.to_string()).await
    }

    /// Any other command of baresip's, such as `transfer` with a SIP address.
    pub async fn command(&self, command: &str, params: &str) -> Result<()> {
        self.control.command(command, params).await
    }

    /// What it heard: one WAV file per call, the oldest first. Complete once the call is over.
    pub fn heard(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.dir).context(|| format!("cannot read {}", self.dir.display()))?;
        let mut heard: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        heard.sort();
        Ok(heard)
    }

    /// The process: to kill it in the middle of a call.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Signs out and ends, within two seconds.
    pub async fn quit(mut self) -> Result<()> {
        self.control.command("quit", "").await?;
        self.process.wait(Duration::from_secs(2)).await;
        Ok(())
    }
}

fn write_files(dir: &Path, options: &BaresipOptions, control_port: u16) -> Result<()> {
    // baresip takes the port above for TLS, and each stream two from its range.
    let sip_port = Ports::free_run(2)?;
    let rtp_port = Ports::free_run(8)?;
    let transport = match options.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    };
    let (source, source_module, rate, channels) = match &options.speaks {
        Some(path) => (format!("aufile,{}", path.display()), "aufile", 8_000, 1),
        // The generator knows no other format; it is converted for the line.
        None => (format!("ausine,{}", options.tone_hz), "ausine", 48_000, 2),
    };
    // No jitter buffer: baresip's throws away everything of a new source (music, then a person) whose sequence numbers happen to lie
    // below the old one's.
    let mut config = format!(
        "poll_method epoll\n\
         sip_listen 127.0.0.1:{sip_port}\n\
         net_interface 127.0.0.1\n\
         audio_source {source}\n\
         audio_player aubridge,sink\n\
         ausrc_srate {rate}\n\
         ausrc_channels {channels}\n\
         auplay_srate 8000\n\
         auplay_channels 1\n\
         audio_level no\n\
         jitter_buffer_delay 0-0\n\
         rtp_ports {rtp_port}-{}\n\
         snd_path {}\n\
         ctrl_tcp_listen 127.0.0.1:{control_port}\n\
         module_path {MODULES}\n",
        rtp_port + 7,
        dir.display(),
    );
    for module in ["g711", "aubridge", source_module, "sndfile", "ctrl_tcp"] {
        let _infallible = writeln!(config, "module {module}.so");
    }
    config.push_str("module_tmp account.so\nmodule_app menu.so\n");

    let server = options.server;
    let answers = if options.answers { "auto" } else { "manual" };
    let account = match &options.credentials {
        Some(Credentials { username, password }) => format!(
            "<sip:{username}@{server};transport={transport}>;auth_user={username};auth_pass={password};regint={};answermode={answers}\n",
            options.register_seconds
        ),
        None => format!("<sip:{}@{server};transport={transport}>;regint=0;answermode={answers}\n", options.from),
    };
    files::write_private(&dir.join("config"), &config)?;
    files::write_private(&dir.join("accounts"), &account)?;
    files::write_private(&dir.join("contacts"), "")
}
