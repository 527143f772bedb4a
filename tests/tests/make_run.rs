//! What `make run` starts, from outside: the program that it ends in, with a folder and ports of its own, and everything that
//! a stranger is told to do with it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_stack::asterisk::Prefix;
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::process::{Process, ProcessSpec};
use trunkline_stack::run_dir::RunState;
use trunkline_stack::{Baresip, BaresipOptions, Gateway, PhoneEventKind, Ports};
use trunkline_tests::{AGENT_HZ, Api, EventStream, MOSTLY, eventually, run};

const SOON: Duration = Duration::from_secs(20);
const PASSWORD: &str = "trunkline-demo";
/// The user `nobody` of every Debian: no file is its own but those that the test gives it.
const NOBODY: u32 = 65_534;

/// As whom the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    Same,
    /// An ordinary user. It may read what we may, because checkout and cache usually are its own, and write nothing of ours.
    Nobody,
}

/// A running `trunkline-stack run`.
struct Run {
    dir: PathBuf,
    http_port: u16,
    sip_port: u16,
    process: Process,
    ready_after: Duration,
}

impl Run {
    /// Starts it as the Makefile does, in `folder`, and waits until it says that it is ready.
    async fn start(folder: &Path, http_port: u16, sip_port: u16, user: User) -> Result<Self> {
        let dir = folder.join("run");
        let mut spec = spec("make run", folder, &dir, user, "run")?
            .env("HTTP_PORT", http_port.to_string())
            .env("SIP_PORT", sip_port.to_string());
        if user == User::Nobody {
            // Asterisk is in our cache already; `nobody` has no home of its own.
            let prefix = Prefix::find().await?;
            let cache = prefix.root().ancestors().nth(3).context("a cache folder")?;
            spec = spec.env("XDG_CACHE_HOME", cache).env("HOME", folder);
        }
        let began = Instant::now();
        let mut made = Self { dir, http_port, sip_port, process: spec.start()?, ready_after: Duration::default() };
        made.says("Ctrl-C stops everything.", Duration::from_mins(1)).await?;
        made.ready_after = began.elapsed();
        let said = made.said();
        for words in [&format!("Trunkline is ready at {}", made.url()), "admin@demo.test", PASSWORD, "make demo-call"] {
            ensure!(said.contains(words), "no {words:?} in: {said}");
        }
        Ok(made)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// All that it has said.
    fn said(&self) -> String {
        std::fs::read_to_string(self.process.log()).unwrap_or_default()
    }

    async fn says(&mut self, words: &str, limit: Duration) -> Result<()> {
        let log = self.process.log().to_owned();
        let said = || std::fs::read_to_string(&log).is_ok_and(|text| text.contains(words));
        self.process.wait_ready(limit, async || said()).await.with_context(|| format!("it never said {words:?}"))
    }

    async fn sign_in(&self, who: &str) -> Result<Api> {
        Api::sign_in(&self.url(), &format!("{who}@demo.test"), PASSWORD).await
    }

    /// A desk phone of an operator's, with credentials from the API: signed in. The operator is available.
    async fn desk_phone(&self, operator: &Api, folder: &Path) -> Result<Baresip> {
        let devices = format!("/agents/{}/devices", operator.user);
        let device = operator.send(Method::POST, &devices, &json!({ "name": "desk" })).await?;
        let text = |name: &str| device[name].as_str().context("credentials");
        ensure!(device["port"] == json!(self.sip_port) && text("domain")? == "127.0.0.1", "{device}");
        let options = BaresipOptions::desk_phone(self.sip_port, text("username")?, text("password")?, AGENT_HZ);
        let mut phone = Baresip::start(&folder.join("phone"), options).await?;
        phone.wait_registered(SOON).await?;
        operator.set_state("available").await?;
        eventually(SOON, async || {
            let agents = operator.get("/agents").await?;
            let own = agents["items"].as_array().and_then(|all| all.iter().find(|one| one["id"] == operator.user));
            ensure!(own.is_some_and(|agent| agent["reachable"] == true), "not reachable: {agents}");
            Ok(())
        })
        .await?;
        Ok(phone)
    }

    /// A call with a stock SIPp, typed as in the README but for port and length. Gives the call's id, once it is over, has its
    /// recording, and everything can be read back.
    async fn stock_call(&self, admin: &Api, stream: &mut EventStream, phone: &mut Baresip) -> Result<String> {
        let folder = tempfile::tempdir()?;
        let words = sipp_of_the_readme(self.sip_port, 2_500)?;
        let spec = ProcessSpec::new("sipp", words, folder.path(), &folder.path().join("log")).env("TERM", "dumb");
        let mut sipp = spec.start()?;
        answer(phone).await?;
        let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        let ended = sipp.wait(SOON).await.context("SIPp does not end")?;
        ensure!(ended.success(), "SIPp: {ended} {}", std::fs::read_to_string(sipp.log())?);
        let record = self.over(admin, stream, &call).await?;
        ensure!(record["to"] == "+15550100" && record["end_reason"] == "completed_customer", "{record}");
        Ok(call)
    }

    /// Waits for a call's end and its recording; gives its record.
    async fn over(&self, admin: &Api, stream: &mut EventStream, call: &str) -> Result<Value> {
        stream.wait_kind("call.ended", Some(call)).await?;
        let closed = stream
            .wait_for("the recording's end", SOON, |seen| {
                ["recording.ready", "recording.failed"].contains(&seen.kind.as_str())
                    && seen.event["data"]["call_id"] == call
            })
            .await?;
        ensure!(closed.kind == "recording.ready", "{}", closed.event);
        let record = admin.get(&format!("/calls/{call}")).await?;
        ensure!(record["state"] == "ended" && record["agent_id"].is_string(), "{record}");
        Ok(record)
    }

    /// `make demo-call`; gives what it said.
    async fn demo_call(&self, folder: &Path) -> Result<String> {
        let spec = spec("make demo-call", folder, &self.dir, User::Same, "demo-call")?.env("DEMO_TALK", "4");
        let mut customer = spec.start()?;
        let ended = customer.wait(Duration::from_mins(1)).await.context("the customer does not end")?;
        let said = std::fs::read_to_string(customer.log())?;
        ensure!(ended.success(), "{ended}: {said}");
        Ok(said)
    }

    /// The id of the process of one of the parts.
    fn pid_of(&self, part: &str) -> Result<u32> {
        let note = std::fs::read_to_string(self.dir.join(part).join("pid"))?;
        Ok(note.split_whitespace().next().context("a pid")?.parse()?)
    }

    /// `kill -9` of a part, which is started again at once.
    async fn kill(&mut self, part: &str, name: &str) -> Result<()> {
        let pid = self.pid_of(part)?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), Signal::SIGKILL)?;
        self.says(&format!("{name} ended (signal SIGKILL): starting it again now"), SOON).await?;
        eventually(SOON, async || {
            ensure!(self.pid_of(part)? != pid, "no new process yet");
            Ok(())
        })
        .await
    }

    /// Interrupts it, and sees that nothing is left of all that it started.
    fn stop(mut self) -> Result<()> {
        let state = RunState::of(&self.dir).context("no state.json")?;
        let started = descendants(self.process.pid());
        ensure!(started.len() >= 3, "only {started:?}");
        ensure!(self.process.stop(Signal::SIGINT, Duration::from_secs(30)), "it had to be killed: {}", self.said());
        let status = self.process.ended().context("it ended")?;
        ensure!(status.success(), "{status}: {}", self.said());
        let left: Vec<_> = started.iter().filter(|(pid, since, _)| alive(*pid) == Some(*since)).collect();
        ensure!(left.is_empty(), "left running: {left:?}");
        let ari_port = state.ari_url.rsplit(':').next().and_then(|rest| rest.split('/').next()).context("a port")?;
        for port in [self.http_port, self.sip_port, state.postgres_port, ari_port.parse()?] {
            Ports::require_tcp(port, "of the run")?;
        }
        Ports::require_udp(self.sip_port, "SIP_PORT")?;
        ensure!(RunState::of(&self.dir).is_none(), "state.json is still there");
        Ok(())
    }
}

/// A goal's last line in the Makefile: the program, told by the environment.
fn spec(name: &str, folder: &Path, dir: &Path, user: User, word: &str) -> Result<ProcessSpec> {
    let program = Gateway::binary()?.with_file_name("trunkline-stack");
    let mut command: Vec<std::ffi::OsString> = as_user(user).iter().map(Into::into).collect();
    command.extend([program.into(), word.into()]);
    let log = tempfile::Builder::new().prefix("said-").tempfile_in(folder)?.into_temp_path().keep()?;
    Ok(ProcessSpec::new(name, command, folder, &log).env("RUN_DIR", dir))
}

/// The words that run a program as that user. To change the user takes the parent's death away from a process: it is set again.
fn as_user(user: User) -> &'static [&'static str] {
    match user {
        User::Same => &[],
        User::Nobody => &[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=+dac_read_search",
            "--ambient-caps=+dac_read_search",
            "--",
            "setpriv",
            "--pdeathsig=KILL",
            "--",
        ],
    }
}

/// The call with SIPp as the README has it, to another port and shorter.
fn sipp_of_the_readme(sip_port: u16, talk_ms: u32) -> Result<Vec<String>> {
    let readme = include_str!("../../README.md");
    let line = readme.lines().find(|line| line.starts_with("sipp -sn uac ")).context("no SIPp in the README")?;
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    for (before, after) in [("127.0.0.1:5060", format!("127.0.0.1:{sip_port}")), ("10000", talk_ms.to_string())] {
        *words.iter_mut().find(|word| *word == before).with_context(|| format!("no {before} in {line}"))? = after;
    }
    Ok(words)
}

/// When a process started, in ticks since boot, and its parent; `None` for none and for a zombie.
fn stat(pid: u32) -> Option<(u32, u64, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (name, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    (fields.first()? != &"Z").then_some(())?;
    Some((fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?, name.split('(').nth(1)?.to_owned()))
}

fn alive(pid: u32) -> Option<u64> {
    stat(pid).map(|(_, since, _)| since)
}

/// All processes beneath one: id, start, name.
fn descendants(of: u32) -> Vec<(u32, u64, String)> {
    let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<(u32, (u32, u64, String))> = pids
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?)))
        .collect();
    let (mut found, mut parents) = (Vec::new(), vec![of]);
    while let Some(parent) = parents.pop() {
        for (pid, (_, since, name)) in all.iter().filter(|(_, (its, ..))| *its == parent) {
            found.push((*pid, *since, name.clone()));
            parents.push(*pid);
        }
    }
    found
}

/// Takes the next call that rings.
async fn answer(phone: &mut Baresip) -> Result<()> {
    phone.wait_for(PhoneEventKind::Incoming, SOON).await.context("the phone does not ring")?;
    phone.answer().await?;
    phone.wait_for(PhoneEventKind::Established, SOON).await?;
    Ok(())
}

async fn audio_of(admin: &Api, record: &Value, folder: &Path) -> Result<Wav> {
    let recording = record["recording_id"].as_str().context("a recording")?;
    let path = folder.join("recording.wav");
    std::fs::write(&path, admin.audio(recording).await?)?;
    Ok(Wav::read(&path)?)
}

#[test]
fn a_stranger_takes_a_stock_call_and_what_dies_comes_back() {
    run(async {
        let folder = tempfile::tempdir()?;
        let (http_port, sip_port) = (Ports::free()?, Ports::free()?);
        let mut made = Run::start(folder.path(), http_port, sip_port, User::Same).await?;
        for who in ["manager", "operator2"] {
            made.sign_in(who).await?;
        }
        let (admin, operator) = (made.sign_in("admin").await?, made.sign_in("operator").await?);
        // A caller whom no gateway takes is tried again every 2 s for 120 s.
        let dialplan = std::fs::read_to_string(made.dir.join("asterisk/etc/extensions.conf"))?;
        for line in ["TRUNKLINE_PATIENCE = 120", "TRUNKLINE_RETRY = 2"] {
            ensure!(dialplan.lines().any(|is| is == line), "no {line:?} in extensions.conf");
        }

        let mut stream = EventStream::next_only(&admin).await?;
        let mut phone = made.desk_phone(&operator, folder.path()).await?;
        let first = made.stock_call(&admin, &mut stream, &mut phone).await?;
        let record = admin.get(&format!("/calls/{first}")).await?;
        let heard = audio_of(&admin, &record, folder.path()).await?;
        let share = tone_share_windowed(heard.cut(0, 0.5, heard.seconds() - 0.5), heard.rate, f64::from(AGENT_HZ));
        ensure!(share > MOSTLY, "{share} of the agent's tone in {} s", heard.seconds());

        let (said, answered) = tokio::join!(made.demo_call(folder.path()), answer(&mut phone));
        let (said, ()) = (said?, answered?);
        ensure!(said.contains("phone: connected") && said.contains("call.answered"), "{said}");
        let second = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        let record = made.over(&admin, &mut stream, &second).await?;
        let heard = audio_of(&admin, &record, folder.path()).await?;
        let loudest = heard.channels[1].iter().map(|sample| sample.unsigned_abs()).max();
        ensure!(loudest > Some(2_000), "the customer says nothing: {loudest:?} in {} s", heard.seconds());
        let share = tone_share_windowed(&heard.channels[1], heard.rate, f64::from(AGENT_HZ));
        ensure!(share < 0.1, "{share} of the agent's tone on the customer's side");

        made.kill("gateway", "the gateway").await?;
        stream.cut_and_resume().await?;
        let third = made.stock_call(&admin, &mut stream, &mut phone).await.context("with a new gateway")?;
        made.kill("asterisk", "Asterisk").await?;
        made.says("Asterisk is back", SOON).await?;
        let fourth = made.stock_call(&admin, &mut stream, &mut phone).await.context("with a new Asterisk")?;

        // The stream has shown what the journal has, each event once (it counts as it reads).
        let from = stream.seen.first().context("no event")?.seq - 1;
        let journal = admin.get(&format!("/events?after={from}&limit=1000")).await?;
        let journal = journal["items"].as_array().context("a page")?;
        let seen: Vec<&Value> = stream.seen.iter().map(|seen| &seen.event).collect();
        ensure!(journal.len() >= seen.len() && seen.iter().copied().eq(&journal[..seen.len()]), "{seen:?} {journal:?}");
        let calls = admin.get("/calls").await?;
        let ids: Vec<&str> =
            calls["items"].as_array().context("calls")?.iter().filter_map(|it| it["id"].as_str()).collect();
        assert_eq!(ids, [&fourth, &third, &second, &first]);
        drop(stream);
        made.stop()?;

        let again = Run::start(folder.path(), http_port, sip_port, User::Same).await?;
        ensure!(again.ready_after < Duration::from_secs(10), "the second start took {:?}", again.ready_after);
        // Tokens, calls and recordings are still there.
        assert_eq!(admin.get("/calls").await?["items"], calls["items"]);
        let record = admin.get(&format!("/calls/{second}")).await?;
        assert_eq!(audio_of(&admin, &record, folder.path()).await?.channels, heard.channels);
        again.stop()
    });
}

#[test]
fn an_ordinary_user_runs_it_as_well() {
    run(async {
        if !nix::unistd::geteuid().is_root() {
            println!("the other test runs as one");
            return Ok(());
        }
        let words = as_user(User::Nobody);
        let reads = Command::new(words[0]).args(&words[1..]).args(["test", "-x"]).arg(Gateway::binary()?).status()?;
        if !reads.success() {
            // A container without CAP_DAC_READ_SEARCH, and a checkout that is root's alone.
            println!("NOT TESTED: no other user can be let read {}", Gateway::binary()?.display());
            return Ok(());
        }
        let folder = tempfile::tempdir()?;
        std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
        let made = Run::start(folder.path(), Ports::free()?, Ports::free()?, User::Nobody).await?;
        for (pid, _, name) in descendants(made.process.pid()) {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
            ensure!(status.contains(&format!("\nUid:\t{NOBODY}\t{NOBODY}")), "{name} is somebody else: {status}");
        }
        let (admin, operator) = (made.sign_in("admin").await?, made.sign_in("operator").await?);
        let mut stream = EventStream::next_only(&admin).await?;
        let phones = tempfile::tempdir()?;
        let mut phone = made.desk_phone(&operator, phones.path()).await?;
        made.stock_call(&admin, &mut stream, &mut phone).await?;
        made.stop()
    });
}
