//! `trunkline-stage`: a whole stack for tests that are written in another language, such as those of the panel in a real browser.
//!
//! It starts PostgreSQL, Asterisk and the gateway with the demo tenant on free ports and prints one line, `{"ready":{…}}`. Then it obeys: each
//! line of its standard input is a request, `{"id":1,"do":"kill_gateway"}`, and has one answer on standard output, `{"id":1,"ok":{…}}`
//! or `{"id":1,"error":"…"}`. Requests are obeyed at once, beside each other, so that one which waits for a sound holds up no other.
//! With the end of its input (or SIGTERM, SIGINT) it stops all that it started.
//!
//! With `--carrier` a second Asterisk is there for trunks to lead to; `ready` says where, and who may use its ARI. What it does with calls, a
//! test says over that ARI.
//!
//! `trunkline-stage --hold` ends with a signal only, for a person who wants to look at the panel.

mod customers;
mod stage;

use std::process::ExitCode;
use std::rc::Rc;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use stage::Stage;

/// A stack that obeys JSON lines.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Do not end with the end of the standard input, only with a signal.
    #[arg(long)]
    hold: bool,
    /// Port of the gateway, instead of a free one.
    #[arg(long)]
    http_port: Option<u16>,
    /// Port of SIP, instead of a free one.
    #[arg(long)]
    sip_port: Option<u16>,
    /// Start a second Asterisk that plays the carrier of trunks.
    #[arg(long)]
    carrier: bool,
    /// Further configuration of the gateway: `TRUNKLINE_NAME=VALUE`.
    #[arg(long = "set", value_parser = setting)]
    settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected TRUNKLINE_NAME=VALUE".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new().expect("the runtime starts");
    // Requests are tasks of one thread: they wait, they do not compute.
    let result = tokio::task::LocalSet::new().block_on(&runtime, run(arguments));
    // What still runs must not hold up the end.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
    let stage = tokio::select! {
        stage = Stage::start(arguments.http_port, arguments.sip_port, arguments.carrier, arguments.settings) => Rc::new(stage?),
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    // One task writes, so that answers never mix.
    let (answers, mut lines) = mpsc::unbounded_channel::<Value>();
    let writer = tokio::task::spawn_blocking(move || {
        while let Some(line) = lines.blocking_recv() {
            println!("{line}");
        }
    });
    let _reader_is_gone = answers.send(json!({ "ready": stage.ready().await }));

    // A thread of its own: reading standard input cannot be interrupted.
    let (typed, mut input) = mpsc::unbounded_channel::<String>();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if typed.send(line).is_err() {
                break;
            }
        }
    });
    let mut open = true;
    loop {
        tokio::select! {
            line = input.recv(), if open => match line {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => {
                    let (stage, answers) = (Rc::clone(&stage), answers.clone());
                    tokio::task::spawn_local(async move {
                        let _reader_is_gone = answers.send(obey(&stage, &line).await);
                    });
                }
                None if arguments.hold => open = false,
                None => break,
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    drop(answers);
    stage.end().await;
    // Requests that still run end with the runtime; the writer need not be waited for.
    drop(writer);
    Ok(())
}

async fn obey(stage: &Stage, line: &str) -> Value {
    let request: Value = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => return json!({ "id": null, "error": format!("not a JSON line: {error}") }),
    };
    match stage.obey(&request).await {
        Ok(answer) => json!({ "id": request["id"], "ok": answer }),
        Err(error) => json!({ "id": request["id"], "error": format!("{error:#}") }),
    }
}
