//! Starting everything, and keeping it running.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use trunkline_stack::run_dir::{RunDir, RunState};
use trunkline_stack::{AsteriskOptions, Ports, PostgresOptions, Stack, StackOptions};

use crate::signals::Ending;
use crate::supervision::supervise;

/// Where FastAGI is expected.
const AGI_PORT: u16 = 4573;

/// Ports that are promised to people; all others are found free.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of the panel and the API.
    #[arg(long, env = "HTTP_PORT", default_value = "8080", value_parser = port)]
    http_port: u16,
    /// Port of SIP over UDP and TCP.
    #[arg(long, env = "SIP_PORT", default_value = "5060", value_parser = port)]
    sip_port: u16,
    /// Port of FastAGI, for dialplan hooks; without it 4573, or any free one where another copy has that.
    #[arg(long, env = "AGI_PORT", value_parser = port)]
    agi_port: Option<u16>,
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
    let agi_port = if let Some(port) = options.agi_port {
        Ports::require_tcp(port, "AGI_PORT")?;
        Some(port)
    } else {
        Some(AGI_PORT).filter(|port| Ports::require_tcp(*port, "AGI_PORT").is_ok())
    };

    let stack_options = StackOptions {
        dir: Some(dir.path().to_owned()),
        postgres: PostgresOptions { durable: true, ..PostgresOptions::default() },
        asterisk: AsteriskOptions {
            sip_port: Some(options.sip_port),
            agi_port,
            rtp_ports: 4_000,
            ..AsteriskOptions::default()
        },
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

    let why = tokio::select! {
        why = ending.wished() => why,
        never = supervise(&mut stack) => match never {},
    };
    say(&format!("{why}: stopping"));
    let stopping = Instant::now();
    drop(stack);
    drop(dir);
    say(&format!("stopped in {:.1} s", stopping.elapsed().as_secs_f64()));
    Ok(())
}

pub(crate) fn say(text: &str) {
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
