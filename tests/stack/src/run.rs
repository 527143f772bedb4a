//! Starting everything, and keeping it running.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use trunkline_stack::process::status_words;
use trunkline_stack::run_dir::{RunDir, RunState};
use trunkline_stack::{AsteriskOptions, Ports, PostgresOptions, Stack, StackOptions};

use crate::signals::Ending;

/// How often the parts are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// A part that ran for so long did start: what ended it came from outside, and it is started again at once.
const STEADY: Duration = Duration::from_secs(2);
/// The longest pause before a part that keeps dying is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Ports that are promised to people; all others are found free.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of the panel and the API.
    #[arg(long, env = "HTTP_PORT", default_value = "8080", value_parser = port)]
    http_port: u16,
    /// Port of SIP over UDP and TCP.
    #[arg(long, env = "SIP_PORT", default_value = "5060", value_parser = port)]
    sip_port: u16,
    /// Only bring the database up to date and seed it, then stop.
    #[arg(long, hide = true)]
    prepare_only: bool,
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.trim().parse().ok().filter(|port| *port != 0).ok_or("expected a port from 1 to 65535")
}

pub(crate) async fn run(run_dir: &Path, options: Options) -> Result<()> {
    let mut ending = Ending::new()?;
    let started = Instant::now();
    let dir = RunDir::take(run_dir)?;
    Stack::end_leftovers(dir.path());
    Ports::require_tcp(options.http_port, "HTTP_PORT")?;
    Ports::require_udp(options.sip_port, "SIP_PORT")?;
    Ports::require_tcp(options.sip_port, "SIP_PORT")?;

    let stack_options = StackOptions {
        dir: Some(dir.path().to_owned()),
        postgres: PostgresOptions { durable: true, ..PostgresOptions::default() },
        asterisk: AsteriskOptions { sip_port: Some(options.sip_port), rtp_ports: 4_000, ..AsteriskOptions::default() },
        http_port: Some(options.http_port),
        start_gateway: !options.prepare_only,
        ..StackOptions::default()
    };
    let tell = |step: &str| say(&format!("{:5.1} s  {step}", started.elapsed().as_secs_f64()));
    let mut stack = tokio::select! {
        stack = Stack::start_telling(stack_options, tell) => {
            stack.with_context(|| format!("could not start (everything is kept in {})", dir.path().display()))?
        }
        why = ending.wished() => {
            say(&format!("{why} while starting"));
            return Ok(());
        }
    };
    if options.prepare_only {
        return Ok(());
    }
    dir.publish(&RunState {
        pid: std::process::id(),
        url: stack.gateway.base_url(),
        sip_port: stack.asterisk.sip_port(),
        ari_url: stack.asterisk.ari_url(),
        postgres_port: stack.postgres.port(),
    })?;
    let demo = demo_present(&stack.gateway.base_url()).await;
    welcome(&stack, dir.path(), started.elapsed(), demo);

    let why = supervise(&mut stack, &mut ending).await;
    say(&format!("{why}: stopping"));
    let stopping = Instant::now();
    drop(stack);
    drop(dir);
    say(&format!("stopped in {:.1} s", stopping.elapsed().as_secs_f64()));
    Ok(())
}

fn say(text: &str) {
    println!("{text}");
}

/// Whether the demo tenant is there: who has set up a tenant of their own may have removed it, and it stays away.
async fn demo_present(url: &str) -> bool {
    let ask = async {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        client.get(format!("{url}/api/v1/setup")).send().await?.json::<serde_json::Value>().await
    };
    // Without an answer the words for a first start do least harm.
    ask.await.map_or(true, |state| state["demo_present"] != false)
}

fn welcome(stack: &Stack, dir: &Path, took: Duration, demo: bool) {
    let sip = stack.asterisk.sip_port();
    let url = stack.gateway.base_url();
    let people = if demo {
        format!(
            "  sign in as     admin@demo.test, manager@demo.test, operator@demo.test or operator2@demo.test\n\
             \x20 password       trunkline-demo\n\
             \x20 call           sip:+15550100@127.0.0.1:{sip} (sales), sip:+15550101@127.0.0.1:{sip} (support), over UDP\n\
             \x20 a customer     make demo-call"
        )
    } else {
        format!("  sign in with your own accounts; the demo was removed\n\x20 SIP            127.0.0.1:{sip}")
    };
    say(&format!(
        "\n\
         Trunkline is ready at {url}\n\
         \n\
         {people}\n\
         \x20 logs           {0}/gateway/log, {0}/asterisk/log, {2}\n\
         \n\
         Started in {1:.1} s. Ctrl-C stops everything.",
        dir.display(),
        took.as_secs_f64(),
        stack.postgres.log().display(),
    ));
}

/// When a part was last started, and how long to wait before the next time.
#[derive(Debug)]
struct Watch {
    name: &'static str,
    since: Instant,
    pause: Duration,
    /// When to start it again, after it was seen dead.
    due: Option<Instant>,
}

impl Watch {
    fn new(name: &'static str) -> Self {
        Self { name, since: Instant::now(), pause: Duration::ZERO, due: None }
    }

    /// Takes note of a death; the first comes back at once, the ones in quick succession after ever longer pauses.
    fn died(&mut self, how: &str, now: Instant) {
        if now.duration_since(self.since) >= STEADY {
            self.pause = Duration::ZERO;
        }
        let pause = self.pause;
        self.due = Some(now + pause);
        self.pause = (pause * 2).clamp(Duration::from_millis(500), LONGEST_PAUSE);
        let when = if pause.is_zero() { "now".to_owned() } else { format!("in {:.1} s", pause.as_secs_f64()) };
        say(&format!("{} ended ({how}): starting it again {when}", self.name));
    }

    fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| now >= due)
    }

    fn started(&mut self) {
        self.since = Instant::now();
        self.due = None;
    }
}

/// Starts again what dies, until somebody wishes for the end.
async fn supervise(stack: &mut Stack, ending: &mut Ending) -> &'static str {
    let mut database = Watch::new("PostgreSQL");
    let mut telephony = Watch::new("Asterisk");
    let mut gateway = Watch::new("the gateway");
    loop {
        tokio::select! {
            why = ending.wished() => return why,
            () = tokio::time::sleep(LOOK) => {}
        }
        // A restart may take seconds; the wish to end must not wait for it.
        tokio::select! {
            why = ending.wished() => return why,
            () = look(stack, &mut database, &mut telephony, &mut gateway) => {}
        }
    }
}

async fn look(stack: &mut Stack, database: &mut Watch, telephony: &mut Watch, gateway: &mut Watch) {
    let now = Instant::now();
    for (watch, process) in [
        (&mut *database, stack.postgres.process()),
        (&mut *telephony, stack.asterisk.process()),
        (&mut *gateway, stack.gateway.process()),
    ] {
        if watch.due.is_none()
            && let Some(status) = process.and_then(trunkline_stack::process::Process::ended)
        {
            watch.died(&status_words(status), now);
        }
    }
    if gateway.is_due(now) {
        match stack.gateway.launch() {
            Ok(()) => {
                gateway.started();
                announce_when_ready(stack);
            }
            Err(error) => gateway.died(&error.to_string(), now),
        }
    }
    if telephony.is_due(now) {
        match stack.asterisk.start_again().await {
            Ok(()) => {
                telephony.started();
                say(&format!("Asterisk is back ({:.1} s)", now.elapsed().as_secs_f64()));
            }
            Err(error) => telephony.died(&error.to_string(), Instant::now()),
        }
    }
    if database.is_due(now) {
        match stack.postgres.start_again().await {
            Ok(()) => {
                database.started();
                say(&format!("PostgreSQL is back ({:.1} s)", now.elapsed().as_secs_f64()));
            }
            Err(error) => database.died(&error.to_string(), Instant::now()),
        }
    }
}

/// Says when a restarted gateway answers, without waiting for it: it may need PostgreSQL, which may need us.
fn announce_when_ready(stack: &Stack) {
    let url = format!("{}/health/ready", stack.gateway.base_url());
    let since = Instant::now();
    tokio::spawn(async move {
        let Ok(http) = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1)).build() else { return };
        while since.elapsed() < Duration::from_secs(30) {
            if http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                say(&format!("the gateway is back ({:.1} s)", since.elapsed().as_secs_f64()));
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

/// The state of the run in `dir`, or words on what to do.
pub(crate) fn running(dir: &Path) -> Result<RunState> {
    match RunState::of(dir) {
        Some(state) => Ok(state),
        None => bail!(
            "nothing runs in {}: start `make run` in another terminal first (with the same RUN_DIR)",
            dir.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_death_is_mended_at_once_and_quick_ones_ever_later() {
        let mut watch = Watch::new("it");
        let now = watch.since + Duration::from_secs(1);
        watch.died("x", now);
        assert!(watch.is_due(now));
        watch.died("x", now);
        assert!(!watch.is_due(now) && watch.is_due(now + Duration::from_millis(500)));
        for _ in 0..10 {
            watch.died("x", now);
        }
        assert!(watch.is_due(now + LONGEST_PAUSE) && !watch.is_due(now + LONGEST_PAUSE / 2));
        watch.started();
        watch.died("x", watch.since + STEADY);
        assert!(watch.is_due(watch.since + STEADY));
    }
}
