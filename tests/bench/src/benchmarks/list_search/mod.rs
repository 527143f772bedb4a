//! `list_search`: the inbox of a tenant with a million messages, over HTTP, beside the bare rows by their index, or a scan of all of them.
//!
//! One request after another, over one connection: how long an answer takes when nobody else asks.

mod asks;
mod load;
mod rows;

use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use self::asks::{Ask, Client, Raw};
use super::Plan;
use crate::database::Database;
use crate::gateway::{Gateway, Inbox};
use crate::machine;
use crate::peers::pgbench;
use crate::results::{Better, Row};
use crate::stats::{percentile, significant};

/// Tenants that share the tables.
const TENANTS: usize = 10;
/// Agents of the large one.
const AGENTS: usize = 20;
/// A scan of everything takes seconds.
const SCANS: u32 = 5;

pub(crate) async fn run(plan: &Plan, messages: u32, times: u32) -> anyhow::Result<Vec<Row>> {
    let mut database = Database::start(&plan.folder).await?;
    let inbox = Inbox { tenants: TENANTS, agents: AGENTS, works: false };
    let gateway = Gateway::start_inbox(inbox, &mut database).await?;
    let began = Instant::now();
    let loaded = load::load(&database, &gateway, messages as usize).await.context("rows cannot be loaded")?;
    let known = &loaded.known;
    let about = format!(
        "{} messages in {} conversations with {} contacts; {} messages of all {TENANTS} tenants; loaded in {:.0} s",
        known.messages,
        known.conversations,
        known.contacts,
        loaded.messages,
        began.elapsed().as_secs_f64()
    );
    let client = Client::new(&gateway)?;
    let asks = asks::all(&client, &gateway, &loaded).await?;
    let mut measured: Vec<Measured> = asks.iter().map(|_| Measured::default()).collect();
    let mut loads = Vec::new();
    for round in 0..plan.rounds {
        loads.push(machine::load());
        for (ask, measured) in asks.iter().zip(&mut measured) {
            let asking = measured.ask(&client, ask, times as usize, round).await;
            asking.with_context(|| format!("{}; the gateway's last words: {}", ask.name, gateway.last_words()))?;
            measured.raw(&database, ask, times).with_context(|| ask.name)?;
        }
    }
    loads.push(machine::load());
    let version = format!("PostgreSQL {}", database.version());
    let mut rows: Vec<Row> =
        asks.iter().zip(measured).map(|(ask, measured)| measured.row(ask, &version, loads.clone())).collect();
    if let Some(first) = rows.first_mut() {
        *first = first.clone().note(about);
    }
    Ok(rows)
}

/// Microseconds.
#[derive(Debug, Default)]
struct Measured {
    ours: Vec<u32>,
    raw: Vec<u32>,
}

impl Measured {
    async fn ask(&mut self, client: &Client, ask: &Ask, times: usize, round: usize) -> anyhow::Result<()> {
        for (number, path) in ask.paths.iter().cycle().skip(round * times).take(times).enumerate() {
            let began = Instant::now();
            let answer = client.get(&ask.who, path).await?;
            let took = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
            self.ours.push(took);
            if ask.shows && number < ask.paths.len() {
                let answer: Value = serde_json::from_slice(&answer)?;
                let something = answer["items"].as_array().is_none_or(|items| !items.is_empty());
                ensure!(something, "GET {path} shows nothing: {answer}");
            }
        }
        Ok(())
    }

    fn raw(&mut self, database: &Database, ask: &Ask, times: u32) -> anyhow::Result<()> {
        let (sql, times, scans) = match &ask.raw {
            Raw::Rows(sql) => (sql, times, false),
            Raw::Scan(sql) => (sql, SCANS, true),
        };
        self.raw.extend(pgbench::latencies(&database.superuser_url(), database.dir(), sql, times, scans)?);
        Ok(())
    }

    fn row(mut self, ask: &Ask, version: &str, loads: Vec<f64>) -> Row {
        let of =
            |values: &mut [u32], share| percentile(values, share).map_or(f64::NAN, |micros| f64::from(micros) / 1000.0);
        let (ours, raw) = (of(&mut self.ours, 0.99), of(&mut self.raw, 0.99));
        let (ours_p50, raw_p50) = (of(&mut self.ours, 0.5), of(&mut self.raw, 0.5));
        let peer = match &ask.raw {
            Raw::Rows(_) => "the rows by their index",
            Raw::Scan(_) => "a scan of all rows",
        };
        Row::new("list_search", &format!("ms, p99: {}", ask.name), Better::Lower, ours, loads)
            .peer(peer, version, raw, None)
            .goal(ask.goal_ms)
            .note(format!("p50 {} ms; {peer}: p50 {} ms", significant(ours_p50, 3), significant(raw_p50, 3)))
    }
}
