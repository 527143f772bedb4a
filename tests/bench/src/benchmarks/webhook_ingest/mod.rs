//! `webhook_ingest`: signed webhooks over HTTP, committed before they are answered, beside rows of the same bytes that SQL alone inserts.
//!
//! Measured twice, each with a cluster of its own: with the jobs held back, beside the raw limits, and with the jobs running, which is what
//! a user gets. At the end every webhook that was answered with 200 is in the table once, or the run fails.

mod driver;
mod request;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};

use self::driver::{Driver, Pace, Sent};
use self::request::{DIGITS, Requests};
use super::Plan;
use crate::database::Database;
use crate::gateway::{Gateway, Inbox};
use crate::machine::load;
use crate::peers::pgbench;
use crate::results::{Better, Row};
use crate::stats::{median, significant};
use crate::usage::cpu_of_tree;

const GOAL_SINGLE: f64 = 3.0;
const GOAL_UNNEST: f64 = 0.6;
const GOAL_P99_MS: f64 = 100.0;
const SINGLE_CLIENTS: usize = 64;
const UNNEST_CLIENTS: usize = 2;
/// A provider's accounts: one in each of the tenants.
const TENANTS: usize = 4;
/// What share of what could be taken is sent at the steady load.
const STEADY: f64 = 0.5;
const SECRET: &str = "an-app-secret";
const LINE: &str = "106540352242922";

/// A span, and what it cost.
#[derive(Debug, Clone, Copy)]
struct Measured {
    sent: Sent,
    gateway: Duration,
    server: Duration,
    /// How many were applied meanwhile.
    applied: i64,
}

impl Measured {
    fn per_second(&self) -> f64 {
        self.sent.per_second()
    }

    fn p99_ms(&self) -> f64 {
        f64::from(self.sent.p99) / 1000.0
    }

    /// CPU-ms of the gateway and of PostgreSQL for a thousand webhooks.
    fn cost(&self) -> (f64, f64) {
        let of = |cpu: Duration| cpu.as_secs_f64() * 1e6 / self.sent.answered as f64;
        (of(self.gateway), of(self.server))
    }

    fn said(&self) -> String {
        let (gateway, server) = self.cost();
        let ms = |micros: u32| significant(f64::from(micros) / 1000.0, 3);
        format!(
            "{:.0} webhooks/s, answered after p50 {} ms, p99 {} ms, at most {} ms; CPU-ms per thousand: gateway {}, PostgreSQL {}",
            self.per_second(),
            ms(self.sent.p50),
            ms(self.sent.p99),
            ms(self.sent.longest),
            significant(gateway, 3),
            significant(server, 3),
        )
    }
}

/// Rows per second, as SQL alone inserts them.
fn peer(database: &mut Database, sql: &str, clients: usize, rows: f64, span: Duration) -> anyhow::Result<f64> {
    let seconds = span.as_secs().max(1);
    Ok(pgbench::run(&database.superuser_url(), database.dir(), sql, clients, seconds)?.tps * rows)
}

pub(crate) async fn run(plan: &Plan, connections: u16) -> anyhow::Result<Vec<Row>> {
    let alone = alone(plan, connections).await.context("with the jobs held back")?;
    let beside = beside(plan, connections).await.context("with the jobs running")?;
    Ok([alone, beside].concat())
}

async fn alone(plan: &Plan, connections: u16) -> anyhow::Result<Vec<Row>> {
    let mut scene = Scene::start(plan, connections, false).await?;
    let peers = pgbench::Webhooks { body: scene.length };
    scene.database.psql(pgbench::Webhooks::TABLE)?;
    let mut loads = Vec::new();
    let (mut full, mut steady, mut single, mut unnest) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        loads.push(load());
        let most = scene.measure(Pace::Saturated, plan)?;
        full.push(most);
        single.push(peer(&mut scene.database, &peers.single_row(), SINGLE_CLIENTS, 1.0, plan.span)?);
        unnest.push(peer(&mut scene.database, &peers.unnest_100(), UNNEST_CLIENTS, 100.0, plan.span)?);
        steady.push(scene.measure(Pace::PerSecond(most.per_second() * STEADY), plan)?);
        scene.database.psql("CHECKPOINT")?;
    }
    loads.push(load());
    let stored = scene.every_answered_one_is_stored_once()?;

    let middle = |all: &[Measured], of: fn(&Measured) -> f64| median(all.iter().map(of));
    let version = format!("PostgreSQL {}, pgbench {}", scene.database.version(), pgbench::version());
    let mut rate =
        Row::new("webhook_ingest", "durable webhooks per second", Better::Higher, middle(&full, Measured::per_second), loads.clone())
            .peer("single-row INSERT, 64 clients", &version, median(single.iter().copied()), Some(GOAL_SINGLE))
            .peer("UNNEST of 100, 2 clients", &version, median(unnest.iter().copied()), Some(GOAL_UNNEST))
            .note(format!(
                "{connections} connections, {TENANTS} accounts, bodies of {} bytes; driver, gateway and PostgreSQL share all cores; jobs are held back",
                scene.length
            ))
            .note(stored);
    for (name, all) in [("saturated", &full), ("half of it", &steady)] {
        for measured in all {
            rate = rate.note(format!("{name}: {}", measured.said()));
        }
    }
    let millis = |unit: &str, all: &[Measured]| {
        Row::new("webhook_ingest", unit, Better::Lower, middle(all, Measured::p99_ms), loads.clone()).goal(GOAL_P99_MS)
    };
    let p99 = millis("ms to the answer, p99, saturated", &full);
    let p99_steady = millis("ms to the answer, p99, at half of it", &steady);
    let cost = middle(&full, |one| one.cost().0);
    let cost = Row::new("webhook_ingest", "CPU-ms of the gateway per thousand", Better::Lower, cost, loads.clone())
        .note(format!("beside it PostgreSQL: {}", significant(middle(&full, |one| one.cost().1), 3)));
    Ok(vec![rate, p99, p99_steady, cost])
}

async fn beside(plan: &Plan, connections: u16) -> anyhow::Result<Vec<Row>> {
    let mut scene = Scene::start(plan, connections, true).await?;
    let mut loads = Vec::new();
    let (mut full, mut steady, mut drained) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        loads.push(load());
        full.push(scene.measure(Pace::Saturated, plan)?);
        // Now what waits is applied, with nothing else to do.
        let (before, since) = (scene.applied()?, Instant::now());
        tokio::time::sleep(plan.span).await;
        let rate = (scene.applied()? - before) as f64 / since.elapsed().as_secs_f64();
        drained.push(rate);
        steady.push(scene.measure(Pace::PerSecond(rate * STEADY), plan)?);
    }
    loads.push(load());
    let stored = scene.every_answered_one_is_stored_once()?;
    let middle = |all: &[Measured], of: fn(&Measured) -> f64| median(all.iter().map(of));
    let mut rate = Row::new(
        "webhook_ingest",
        "durable webhooks per second while others are applied",
        Better::Higher,
        middle(&full, Measured::per_second),
        loads.clone(),
    )
    .note(stored);
    for measured in &full {
        let applied = measured.applied as f64 / measured.sent.seconds;
        rate = rate.note(format!("saturated: {}; {applied:.0}/s are applied meanwhile", measured.said()));
    }
    for measured in &steady {
        rate = rate.note(format!("half of what is applied: {}", measured.said()));
    }
    let p99 = |unit: &str, all: &[Measured]| {
        Row::new("webhook_ingest", unit, Better::Lower, middle(all, Measured::p99_ms), loads.clone()).goal(GOAL_P99_MS)
    };
    let full = p99("ms to the answer, p99, saturated, while others are applied", &full);
    let steady = p99("ms to the answer, p99, at half of what is applied, while others are applied", &steady);
    let applied = Row::new("webhook_ingest", "webhooks applied per second", Better::Higher, median(drained), loads.clone())
        .note("messages of 20,000 customers, nothing comes in meanwhile: contact, conversation, message and events of each are committed");
    Ok(vec![rate, full, steady, applied])
}

struct Scene {
    // Ends before its database.
    driver: Driver,
    gateway: Gateway,
    database: Database,
    /// Bytes of a body.
    length: usize,
}

impl Scene {
    async fn start(plan: &Plan, connections: u16, works: bool) -> anyhow::Result<Self> {
        let mut database = Database::start(&plan.folder).await?;
        let inbox = Inbox { tenants: TENANTS, agents: 0, works };
        let gateway = Gateway::start_inbox(inbox, &mut database).await?;
        let mut accounts = Vec::with_capacity(TENANTS);
        for admin in gateway.admins() {
            accounts.push(connect_account(&gateway, &admin.token).await?);
        }
        let requests = Requests::new(&accounts, LINE, SECRET);
        let length = requests.length();
        let driver = Driver::connect(gateway.http(), usize::from(connections), requests)?;
        Ok(Self { driver, gateway, database, length })
    }

    fn measure(&mut self, pace: Pace, plan: &Plan) -> anyhow::Result<Measured> {
        let (gateway, server) = (self.gateway.pid(), self.database.pid()?);
        let counts = || anyhow::Ok((cpu_of_tree(gateway)?, cpu_of_tree(server)?, applied(&self.database)?));
        let mut marks = Vec::with_capacity(2);
        let spans = (plan.warm_up(), plan.span);
        let sent = self
            .driver
            .send(pace, spans, |_| {
                marks.push(counts()?);
                Ok(())
            })
            .with_context(|| format!("the gateway's last words: {}", self.gateway.last_words()))?;
        let [before, after] = marks[..] else { anyhow::bail!("a span has two ends") };
        Ok(Measured {
            sent,
            gateway: after.0.saturating_sub(before.0),
            server: after.1.saturating_sub(before.1),
            applied: after.2 - before.2,
        })
    }

    fn applied(&self) -> anyhow::Result<i64> {
        applied(&self.database)
    }

    fn every_answered_one_is_stored_once(&self) -> anyhow::Result<String> {
        let sql = format!(
            "SELECT convert_from(substring(body FROM {} FOR {DIGITS}), 'UTF8') FROM inbound_webhooks",
            self.driver.place() + 1
        );
        let mut stored = vec![0_u32; self.driver.answered().len()];
        for line in self.database.psql(&sql)?.lines() {
            let number: usize = line.parse().with_context(|| format!("{line:?} is no number of a webhook"))?;
            *stored.get_mut(number).with_context(|| format!("{number} was never sent"))? += 1;
        }
        let mut answered = 0;
        for (number, (stored, _)) in stored.iter().zip(self.driver.answered()).enumerate().filter(|(_, (_, was))| **was)
        {
            ensure!(*stored == 1, "webhook {number} was answered with 200 and is stored {stored} times");
            answered += 1;
        }
        Ok(format!("each of {answered} answered webhooks is in the table once"))
    }
}

/// How many were applied until now.
fn applied(database: &Database) -> anyhow::Result<i64> {
    let text = database.psql("SELECT count(*) FROM inbound_webhooks WHERE state <> 'received'")?;
    text.trim().parse().with_context(|| format!("{text:?} is no count"))
}

/// A WhatsApp number whose provider is away: nobody listens on the discard port.
pub(super) async fn connect_account(gateway: &Gateway, token: &str) -> anyhow::Result<String> {
    let wanted = json!({ "type": "whatsapp", "name": "Bench", "settings": {
        "phone_number_id": LINE, "waba_id": "102290129340398", "access_token": "EAAG-token", "app_secret": SECRET,
        "verify_token": "a-verify-token", "api_base": "http://127.0.0.1:9" } });
    let client = reqwest::Client::builder().no_proxy().build()?;
    let url = format!("http://{}/api/v1/channel-accounts", gateway.http());
    let answer = client.post(url).bearer_auth(token).json(&wanted).send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    ensure!(status == StatusCode::CREATED || status == StatusCode::OK, "no channel account: {status} {text}");
    let account: Value = serde_json::from_str(&text)?;
    Ok(account["id"].as_str().context("an account has an id")?.to_owned())
}
