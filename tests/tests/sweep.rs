//! Random shifts of a call centre with real phones: whatever everybody does, no call ends in limbo, nothing stays behind in Asterisk, and
//! every offered call is accounted for once.
//!
//! `TRUNKLINE_SWEEP_SECONDS=600 TRUNKLINE_SWEEP_SEED=7 cargo test -p trunkline-tests --test sweep -- --nocapture`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_stack::Stack;
use trunkline_stack::phones::Baresip;
use trunkline_tests::{Api, Chance, EventStream, Scene, run, shared_stack};

const AGENTS: usize = 4;
/// Who listens, behind the agents.
const SUPERVISOR: usize = AGENTS;
/// Customers at the same time.
const CUSTOMERS: usize = 3;

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// What is asked of a running call may be refused: it has changed meanwhile. It is never an error of ours, and never without an answer.
async fn ask(api: &Api, method: Method, path: &str, body: &Value, asked: &mut BTreeMap<String, usize>) -> Result<()> {
    let answer = api.request(method.clone(), path).json(body).send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(
        status.is_success() || matches!(status.as_u16(), 404 | 409 | 422),
        "{method} {path} {body}: {status} {text}"
    );
    let word = path.rsplit('/').next().unwrap_or(path);
    *asked.entry(format!("{word} {}", status.as_u16())).or_default() += 1;
    Ok(())
}

struct Shift<'a> {
    scene: Scene,
    stack: &'a Stack,
    chance: Chance,
    customers: Vec<Baresip>,
    queues: Vec<String>,
    /// The agents' and the queues', and one that nobody has.
    extensions: Vec<String>,
    /// The call in which somebody was asked last.
    consulted: Option<String>,
    came: usize,
    asked: BTreeMap<String, usize>,
}

impl Shift<'_> {
    async fn begin(stack: &Stack, seed: u64) -> Result<Shift<'_>> {
        let mut scene = Scene::new(stack, AGENTS).await?;
        scene.add_supervisor(stack).await?;
        scene.add_queue(stack, "701").await?;
        scene.queue_works(&json!({ "ring_seconds": 5, "routing": { "unattended": { "grace_seconds": 5, "rounds": 1, "to": "hang_up" } } })).await?;
        let queues = scene.admin.get("/queues").await?;
        let queues = queues["items"].as_array().context("queues")?;
        let queues = queues.iter().filter_map(|queue| queue["id"].as_str().map(str::to_owned)).collect();
        let agents = scene.admin.get("/agents").await?;
        let agents = agents["items"].as_array().context("agents")?.iter();
        let mut extensions: Vec<String> =
            agents.filter_map(|agent| agent["extension"].as_str().map(str::to_owned)).collect();
        extensions.extend(["700", "701", "77"].map(str::to_owned));
        // One of them lets it ring.
        for index in 0..=AGENTS {
            scene.plug_in(index, index != 1).await?;
        }
        for index in 0..AGENTS {
            scene.agents[index].api.set_state("available").await?;
        }
        Ok(Shift {
            scene,
            stack,
            chance: Chance::new(seed),
            customers: Vec::new(),
            queues,
            extensions,
            consulted: None,
            came: 0,
            asked: BTreeMap::new(),
        })
    }

    async fn running(&self) -> Result<Vec<String>> {
        let calls = self.scene.admin.get("/calls?limit=20").await?;
        let calls = calls["items"].as_array().context("calls")?.iter();
        Ok(calls
            .filter(|call| call["state"] != "ended")
            .filter_map(|call| call["id"].as_str().map(str::to_owned))
            .collect())
    }

    /// Somebody does something.
    async fn step(&mut self) -> Result<()> {
        if self.customers.len() < CUSTOMERS && self.chance.below(3) > 0 {
            self.customers.push(self.scene.customer().await?);
            self.came += 1;
            return Ok(());
        }
        let agent = self.chance.below(AGENTS);
        match self.chance.below(13) {
            0 if !self.customers.is_empty() => {
                let who = self.chance.below(self.customers.len());
                Ok(self.customers.swap_remove(who).quit().await?)
            }
            1 => Ok(self.scene.phone(agent).command("hangupall", "").await?),
            2 => Ok(self.scene.phone(SUPERVISOR).command("hangupall", "").await?),
            3 => {
                let state = *self
                    .chance
                    .pick(&["available", "available", "available", "paused", "offline"])
                    .context("a state")?;
                let body = json!({ "state": state });
                let api = &self.scene.agents[agent].api;
                ask(api, Method::PUT, "/agents/me/state", &body, &mut self.asked).await
            }
            4 => Ok(self.scene.phone(agent).dtmf(*self.chance.pick(&['*', '1', '#', '7']).context("a digit")?).await?),
            5 => Ok(self.scene.phone(agent).dial(self.chance.pick(&self.extensions).context("an extension")?).await?),
            _ => self.command(agent).await,
        }
    }

    /// Somebody asks something of a call.
    async fn command(&mut self, agent: usize) -> Result<()> {
        let running = self.running().await?;
        let Some(mut call) = self.chance.pick(&running).cloned() else { return Ok(()) };
        // Who asked goes on with it, mostly.
        let mut what = self.chance.below(20);
        if let Some(consulted) = self.consulted.take().filter(|consulted| running.contains(consulted))
            && self.chance.below(4) > 0
        {
            (call, what) = (consulted, 5 + self.chance.below(4));
        }
        let other = self.scene.agents[self.chance.below(AGENTS)].api.user.clone();
        let queue = self.chance.pick(&self.queues).context("a queue")?.clone();
        let to = if self.chance.below(3) == 0 { json!({ "queue_id": queue }) } else { json!({ "agent_id": other }) };
        let (path, body) = match what {
            0 | 1 => ("transfer", json!({ "kind": "blind", "to": to })),
            2..=4 => ("transfer", json!({ "kind": "attended", "to": to })),
            5 => ("transfer/complete", Value::Null),
            6 => ("transfer/swap", Value::Null),
            7 => ("transfer/merge", Value::Null),
            8 => ("transfer/cancel", Value::Null),
            9 => ("conference", json!({ "agent_id": other })),
            10 => ("hold", Value::Null),
            11 => ("resume", Value::Null),
            12 => ("mute", Value::Null),
            13 => ("recording/pause", Value::Null),
            14 => ("recording/resume", Value::Null),
            15 => ("dtmf", json!({ "digits": "1" })),
            16 | 17 => {
                let mode = *self.chance.pick(&["listen", "whisper", "barge"]).context("a mode")?;
                ("supervise", json!({ "mode": mode }))
            }
            18 => ("take-over", Value::Null),
            _ => ("move", json!({ "queue_id": queue })),
        };
        if body["kind"] == "attended" || path == "transfer/swap" {
            self.consulted = Some(call.clone());
        }
        // Those who talk, mostly; and whoever may do it for anybody.
        let who = match path {
            "supervise" | "take-over" | "move" => &self.scene.agents[SUPERVISOR].api,
            _ if self.chance.below(3) == 0 => &self.scene.agents[agent].api,
            _ => &self.scene.admin,
        };
        ask(who, Method::POST, &format!("/calls/{call}/{path}"), &body, &mut self.asked).await
    }

    /// Everybody goes home; what is left of it all?
    async fn end(mut self, stream: &mut EventStream) -> Result<()> {
        for customer in self.customers.drain(..) {
            customer.quit().await?;
        }
        // Colleagues talk on without a customer: their phones, too, hang up and sign out.
        for agent in &mut self.scene.agents {
            if let Some(phone) = agent.phone.take() {
                phone.quit().await?;
            }
        }
        self.scene.nothing_left(self.stack).await?;
        let admin = self.scene.admin.clone();
        let calls = trunkline_tests::eventually(Duration::from_secs(20), async || {
            let calls = admin.get("/calls?limit=200").await?;
            let calls = calls["items"].as_array().context("calls")?.clone();
            ensure!(calls.iter().all(|call| call["state"] == "ended"), "a call has not ended: {calls:#?}");
            Ok(calls)
        })
        .await?;
        for call in &calls {
            let legs = call["legs"].as_array().context("legs")?;
            ensure!(legs.iter().all(|leg| leg["ended_at"].is_string()), "a leg has not ended: {call:#}");
            ensure!(call["held_since"].is_null() && call["end_reason"].is_string(), "{call:#}");
        }
        self.told_once(stream, &calls).await?;
        self.counted_once().await
    }

    /// Each call began once and ended once, and nothing came after its end but its recording and what agents said of it.
    async fn told_once(&self, stream: &mut EventStream, calls: &[Value]) -> Result<()> {
        let mut open: BTreeSet<&str> = calls.iter().filter_map(|call| call["id"].as_str()).collect();
        let ids = open.clone();
        ensure!(open.len() <= 190, "more calls than one page shows: begin fewer");
        let ended = |stream: &EventStream, id: &str| stream.kinds_of(id).contains(&"call.ended");
        open.retain(|id| !ended(stream, id));
        while let Some(id) = open.pop_first() {
            if !ended(stream, id) {
                stream.wait_kind("call.ended", Some(id)).await?;
            }
        }
        for id in ids {
            let kinds = stream.kinds_of(id);
            let times = |wanted: &str| kinds.iter().filter(|kind| **kind == wanted).count();
            ensure!((times("call.started"), times("call.ended")) == (1, 1), "{id}: {kinds:?}");
            ensure!(times("recording.started") <= 1, "{id}: {kinds:?}");
        }
        Ok(())
    }

    async fn counted_once(&self) -> Result<()> {
        // Around midnight a shift has two days.
        let today = chrono::Utc::now().date_naive();
        let (from, to) = (today - chrono::Days::new(1), today + chrono::Days::new(1));
        let path = format!("/reports/calls?from={from}&to={to}&interval=day&by=none");
        let report = trunkline_tests::eventually(Duration::from_secs(20), async || {
            let report = self.scene.admin.get(&path).await?;
            let rows = report["items"].as_array().context("rows")?;
            let sum = |name: &str| rows.iter().filter_map(|row| row["figures"][name].as_i64()).sum::<i64>();
            let outcomes = sum("answered") + sum("abandoned") + sum("overflowed") + sum("unserved");
            ensure!(
                sum("offered") > 0 && sum("offered") == outcomes,
                "offered {}, of which something became: {outcomes}",
                sum("offered")
            );
            Ok(report)
        })
        .await?;
        let agrees = self.scene.figures_agree(self.stack).await?;
        ensure!(agrees, "the figures are not those of the journal: {report}");
        Ok(())
    }
}

#[test]
fn nothing_is_left_whatever_everybody_does() {
    let seed = from_env("TRUNKLINE_SWEEP_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let seconds = from_env("TRUNKLINE_SWEEP_SECONDS").unwrap_or(60);
    println!("TRUNKLINE_SWEEP_SEED={seed} TRUNKLINE_SWEEP_SECONDS={seconds}");
    run(async {
        let stack = shared_stack().await?;
        let until = Instant::now() + Duration::from_secs(seconds);
        let (mut came, mut asked) = (0, BTreeMap::new());
        let mut shift = 0;
        // Shifts of half a minute, so that what is left is found near what left it.
        while Instant::now() < until {
            let mut now = Shift::begin(stack, seed.wrapping_add(shift)).await?;
            let mut stream = EventStream::next_only(&now.scene.admin).await?;
            let end = until.min(Instant::now() + Duration::from_secs(30));
            while Instant::now() < end {
                now.step().await.with_context(|| format!("shift {shift}"))?;
                let pause = 10 + now.chance.below(200) as u64;
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            came += now.came;
            for (word, times) in &now.asked {
                *asked.entry(word.clone()).or_insert(0) += times;
            }
            now.end(&mut stream).await.with_context(|| format!("shift {shift}"))?;
            shift += 1;
        }
        println!("{came} calls in {shift} shifts; asked: {asked:?}");
        Ok(())
    });
}
