//! `ari_events`: what an event from Asterisk costs until it is handed off, typed, beside a reader that only parses the JSON.
//!
//! Both read the same WebSocket, which a small Asterisk of ours feeds at a fixed rate near what a real one can give.

mod readers;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

pub(crate) use self::readers::{Reader, run as part};
use super::Plan;
use crate::asterisk::{Asterisk, Samples};
use crate::machine::load;
use crate::part::Part;
use crate::results::{Better, Row};
use crate::stats::{median, significant};
use crate::usage::{Bound, cpu_of_tree};

/// Events per second: what a busy Asterisk sends on one core.
const RATE: u32 = 20_000;

pub(crate) async fn run(plan: &Plan, recorded: Option<&Path>) -> anyhow::Result<Vec<Row>> {
    let mut rows = vec![row(plan, &Samples::own()?, "a call of ours").await?];
    if let Some(path) = recorded {
        let samples = Samples::read(path)?;
        rows.push(row(plan, &samples, "a recorded sequence").await?);
    }
    Ok(rows)
}

async fn row(plan: &Plan, samples: &Samples, name: &str) -> anyhow::Result<Row> {
    let mut loads = Vec::new();
    let (mut ours, mut json) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        loads.push(load());
        ours.push(once(plan, samples, Reader::Typed).await.context("trunkline-ari")?);
        json.push(once(plan, samples, Reader::JsonOnly).await.context("the reader of JSON")?);
    }
    loads.push(load());
    let cost = |all: &[Read]| median(all.iter().map(|read| read.micros));
    let said = |all: &[Read]| {
        let words = all.iter().map(|read| format!("{} at {:.0}/s", significant(read.micros, 3), read.per_second));
        words.collect::<Vec<_>>().join(", ")
    };
    let unit = format!("CPU-µs per event, {name}");
    Ok(Row::new("ari_events", &unit, Better::Lower, cost(&ours), loads)
        .peer("tungstenite and serde_json::Value", "same libraries", cost(&json), None)
        .note(format!("{RATE} events/s were meant, of {} bytes on average", samples.mean_length()))
        .note(format!("trunkline: {}; JSON only: {}", said(&ours), said(&json))))
}

/// What reading cost.
#[derive(Debug, Clone, Copy)]
struct Read {
    /// CPU-µs per event.
    micros: f64,
    /// Events per second; far below the rate that was meant, the machine was busy with something else.
    per_second: f64,
}

async fn once(plan: &Plan, samples: &Samples, reader: Reader) -> anyhow::Result<Read> {
    let asterisk = Asterisk::start().await?;
    let core = plan.cores.server.to_string();
    let url = asterisk.url();
    let mut part = Part::start(&["ari-reader", "--core", &core, "--reader", reader.name(), "--url", &url])?;
    let _bound = Bound::to(plan.cores.driver)?;
    let mut line = asterisk.accept().await?;
    part.ready::<()>().await?;
    line.send_for(samples, RATE, plan.warm_up()).await?;
    let before = cpu_of_tree(part.pid())?;
    let started = Instant::now();
    let sent = line.send_for(samples, RATE, plan.span).await?;
    line.send_end().await?;
    let seen: u64 = part.done(Duration::from_secs(20)).await?;
    let cpu = cpu_of_tree(part.pid())?.saturating_sub(before);
    let seconds = started.elapsed().as_secs_f64();
    ensure!(sent.total == seen, "{} events were sent and {seen} were read", sent.total);
    Ok(Read { micros: cpu.as_secs_f64() * 1e6 / sent.now as f64, per_second: sent.now as f64 / seconds })
}
