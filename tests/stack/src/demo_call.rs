//! `make demo-call`: a customer for the demo queue.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;
use trunkline_stack::asterisk::Prefix;
use trunkline_stack::audio::Wav;
use trunkline_stack::run_dir::RunState;
use trunkline_stack::{Baresip, BaresipOptions, PhoneEventKind};

use crate::run::running;
use crate::signals::Ending;

/// How the customer behaves.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Number called.
    #[arg(long, env = "DEMO_NUMBER", default_value = "+15550100")]
    number: String,
    /// Number calling.
    #[arg(long, env = "DEMO_FROM", default_value = "+15557654321")]
    from: String,
    /// Seconds of talking before the customer hangs up.
    #[arg(long, env = "DEMO_TALK", default_value = "20")]
    talk: u64,
    /// Seconds of waiting for an agent before the customer gives up.
    #[arg(long, env = "DEMO_PATIENCE", default_value = "45")]
    patience: u64,
}

pub(crate) async fn call(run_dir: &Path, options: Options) -> Result<()> {
    let mut ending = Ending::new()?;
    let state = running(run_dir)?;
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let speech = speech(folder.path()).await?;

    let mut phone_options = BaresipOptions::caller(state.sip_port, &options.from, 440);
    phone_options.speaks = Some(speech);
    let mut phone = Baresip::start(&folder.path().join("phone"), phone_options).await?;
    let mut journal = Journal::open(&state).await;

    println!("a customer ({}) calls {} on port {}", options.from, options.number, state.sip_port);
    let started = Instant::now();
    phone.dial(&options.number).await?;
    let outcome = tokio::select! {
        outcome = follow(&mut phone, &mut journal, &options, started) => outcome,
        why = ending.wished() => {
            say(started, &format!("{why}: the customer hangs up"));
            Ok(())
        }
    };
    if outcome.is_ok() {
        phone.hang_up().await?;
        // The last events of the call are committed a moment after it is over.
        tokio::time::sleep(Duration::from_millis(700)).await;
        journal.tell(started).await;
    }
    phone.quit().await?;
    outcome
}

fn say(started: Instant, text: &str) {
    println!("  {:5.1} s  {text}", started.elapsed().as_secs_f64());
}

/// Tells what happens until it is time to hang up.
async fn follow(phone: &mut Baresip, journal: &mut Journal, options: &Options, started: Instant) -> Result<()> {
    let talk = Duration::from_secs(options.talk);
    let patience = Duration::from_secs(options.patience);
    let (mut told, mut agent_since) = (0, None::<Instant>);
    loop {
        for event in phone.events().iter().skip(told) {
            told += 1;
            match event.kind {
                PhoneEventKind::Ringing => say(started, "phone: it rings"),
                PhoneEventKind::Progress => say(started, "phone: early media"),
                PhoneEventKind::Established => say(started, "phone: connected"),
                PhoneEventKind::Audio => say(started, "phone: hears audio"),
                PhoneEventKind::Closed => {
                    journal.tell(started).await;
                    if agent_since.is_some() || started.elapsed() > Duration::from_secs(2) {
                        say(started, &format!("phone: the far side hung up ({})", event.text));
                        return Ok(());
                    }
                    bail!("the call was refused: {}", event.text);
                }
                _ => {}
            }
        }
        if journal.tell(started).await && agent_since.is_none() {
            agent_since = Some(Instant::now());
        }
        match agent_since {
            Some(since) if since.elapsed() >= talk => {
                say(started, &format!("the customer has talked for {} s and hangs up", options.talk));
                return Ok(());
            }
            None if started.elapsed() >= patience => {
                say(started, "nobody answered; the customer gives up");
                say(
                    started,
                    "sign a SIP phone in with POST /api/v1/agents/{id}/devices and set the agent available to take the next call",
                );
                return Ok(());
            }
            _ => tokio::time::sleep(Duration::from_millis(250)).await,
        }
    }
}

/// Follows the demo tenant's journal, as any integrator would: sign in, read where it stands, ask for what is newer.
#[derive(Debug)]
struct Journal {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    after: u64,
}

impl Journal {
    async fn open(state: &RunState) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().unwrap_or_default();
        let mut journal = Self { http, base: format!("{}/api/v1", state.url), token: None, after: 0 };
        if let Err(error) = journal.sign_in().await {
            eprintln!("  (the journal cannot be followed: {error:#})");
        }
        journal
    }

    async fn sign_in(&mut self) -> Result<()> {
        let body = serde_json::json!({ "email": "admin@demo.test", "password": "trunkline-demo" });
        let answer =
            self.http.post(format!("{}/auth/login", self.base)).json(&body).send().await?.error_for_status()?;
        let answer: Value = answer.json().await?;
        let token = answer["access_token"].as_str().context("no access_token in the answer")?.to_owned();
        self.token = Some(token);
        // A list says up to which event it is complete: from there on we follow.
        let calls = self.get("calls?limit=1").await.context("cannot list calls")?;
        self.after = calls["as_of_seq"].as_u64().unwrap_or(0);
        Ok(())
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let request = self.http.get(format!("{}/{path}", self.base)).bearer_auth(self.token.as_ref()?);
        request.send().await.ok()?.error_for_status().ok()?.json().await.ok()
    }

    /// Prints what is new. True if a call was answered among it.
    async fn tell(&mut self, started: Instant) -> bool {
        let Some(page) = self.get(&format!("events?after={}&limit=100", self.after)).await else { return false };
        self.after = page["next_after"].as_u64().unwrap_or(self.after);
        let mut answered = false;
        for event in page["items"].as_array().into_iter().flatten() {
            let kind = event["kind"].as_str().unwrap_or("?");
            if !(kind.starts_with("call.") || kind.starts_with("recording.")) {
                continue;
            }
            say(started, &format!("journal: #{} {kind} {}", event["seq"], event["data"]));
            answered |= kind == "call.answered";
        }
        answered
    }
}

/// A minute of speech from the sounds that come with Asterisk.
async fn speech(folder: &Path) -> Result<PathBuf> {
    let prefix = Prefix::find().await?;
    let mut samples = Vec::new();
    let mut rate = 8_000;
    for name in ["hello-world", "demo-thanks", "demo-moreinfo", "demo-congrats"] {
        if let Ok(wav) = Wav::read(&prefix.sounds().join(format!("{name}.wav"))) {
            rate = wav.rate;
            samples.extend(wav.channels.into_iter().next().unwrap_or_default());
            samples.extend(vec![0; rate as usize / 2]);
        }
    }
    if samples.is_empty() {
        bail!("found no speech in {}", prefix.sounds().display());
    }
    let minute = rate as usize * 60;
    let speech: Vec<i16> = samples.iter().copied().cycle().take(minute.max(samples.len())).collect();
    let path = folder.join("speech.wav");
    Wav::write_mono(&path, rate, &speech)?;
    Ok(path)
}
