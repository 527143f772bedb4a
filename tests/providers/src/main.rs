//! `trunkline-providers`: the stand-ins for tests that are written in another language.
//!
//! It starts one of each on free ports of loopback and prints one line, `{"ready":{"control":…,"settings":{…}}}`: the base of the control API, and what a
//! channel account's settings are to be. It serves until the end of its standard input, or SIGTERM, or SIGINT.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use trunkline_providers::{Control, Providers};

/// Stand-ins for WhatsApp, Telegram and Twilio on loopback.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Do not end with the end of the standard input, only with a signal.
    #[arg(long)]
    hold: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    let result = runtime.block_on(run(&arguments));
    // A request that hangs on purpose must not hold up the end.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
    let providers = Arc::new(Providers::start().await.context("no port of loopback")?);
    let control = Control::start(Arc::clone(&providers)).await.context("no port of loopback")?;
    println!("{}", json!({ "ready": { "control": control.base(), "settings": providers.settings() } }));

    let (ended, end_of_input) = oneshot::channel::<()>();
    if arguments.hold {
        // Never told: a signal is the only end.
        std::mem::forget(ended);
    } else {
        // A thread of its own: reading standard input cannot be interrupted.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            drop(ended);
        });
    }
    tokio::select! {
        _ = end_of_input => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
