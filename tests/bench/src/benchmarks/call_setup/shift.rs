//! A shift in which everybody does what they like: customers call at random and hang up at any stage, agents pick up, decline or let it
//! ring, calls are handed on blindly and after asking, moved, held and joined through the API, and agents come and go.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_stack::Stack;
use trunkline_tests::{Chance, Scene, nothing_left_in_asterisk};

use super::account::{self, Customer};
use super::{Amount, Cpu, sip_of};
use crate::machine::load;
use crate::results::{Better, Row};
use crate::sip::{Answering, Manners, Setup, Switchboard, What};

const AGENTS: usize = 10;
/// Customers at the same time.
const CUSTOMERS: usize = 12;
const TRUNK: usize = 0;

/// What is asked of running calls, how often each.
const WISHES: [(&str, usize); 13] = [
    ("blind", 5),
    ("attended", 6),
    ("transfer/complete", 2),
    ("transfer/swap", 1),
    ("transfer/merge", 1),
    ("transfer/cancel", 1),
    ("conference", 1),
    ("hold", 1),
    ("resume", 2),
    ("recording/pause", 1),
    ("recording/resume", 1),
    ("move", 2),
    ("hangup", 1),
];

fn milliseconds(chance: &mut Chance, from: usize, to: usize) -> Duration {
    Duration::from_millis((from + chance.below(to - from)) as u64)
}

/// How an agent takes calls.
fn manners(mut chance: Chance) -> Manners {
    Box::new(move || match chance.below(20) {
        0 => Answering::PickUp { after: Duration::ZERO, talk: milliseconds(&mut chance, 0, 300) },
        1..=14 => {
            let after = milliseconds(&mut chance, 100, 2500);
            // Every other one leaves the end to the customer.
            let talk = if chance.below(2) == 0 { 60_000 } else { 1_000 + chance.below(7_000) };
            Answering::PickUp { after, talk: Duration::from_millis(talk as u64) }
        }
        15 | 16 => Answering::Decline { after: milliseconds(&mut chance, 0, 1000) },
        _ => Answering::LetRing,
    })
}

/// How long a customer stays.
fn stay(chance: &mut Chance) -> Duration {
    match chance.below(20) {
        0 | 1 => milliseconds(chance, 0, 60),
        2 | 3 => milliseconds(chance, 60, 600),
        4..=6 => milliseconds(chance, 600, 3_000),
        _ => milliseconds(chance, 4_000, 22_000),
    }
}

struct Shift {
    scene: Scene,
    phones: Switchboard,
    chance: Chance,
    queues: Vec<String>,
    customers: BTreeMap<String, Customer>,
    /// Calls at our phones, customers' and agents'.
    at_phones: usize,
    /// The call in which somebody was asked last.
    consulted: Option<String>,
    asked: BTreeMap<String, usize>,
}

pub(super) async fn run(amount: Amount, stack: &mut Stack) -> anyhow::Result<Vec<Row>> {
    let mut shift = Shift::begin(stack, amount.seed).await?;
    let loads = vec![load()];
    let before = Cpu::of(stack)?;
    let began = Instant::now();
    shift.work(began + amount.shift).await?;
    shift.go_home().await?;
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    let cpu = Cpu::of(stack)?.since(before);
    nothing_left_in_asterisk(stack).await?;
    let account = account::of(&shift.scene, &shift.customers).await?;
    ensure!(shift.scene.figures_agree(stack).await?, "the figures are not those that the journal gives");

    let loads = [loads, vec![load()]].concat();
    let per_call = cpu.gateway.as_secs_f64() * 1000.0 / account.calls as f64;
    let asked: Vec<String> = shift.asked.iter().map(|(what, times)| format!("{what} {times}")).collect();
    let rate = Row::new(
        "call_setup",
        "calls per minute in a shift",
        Better::Higher,
        account.calls as f64 / minutes,
        loads.clone(),
    )
    .note(format!("--shift-seconds {} --seed {}: {}", amount.shift.as_secs(), amount.seed, account.said()))
    .note(format!("asked through the API, with the answer: {}", asked.join(", ")));
    let cost = Row::new("call_setup", "CPU-ms of the gateway per call of the shift", Better::Lower, per_call, loads)
        .note(cpu.said(account.calls));
    Ok(vec![rate, cost])
}

impl Shift {
    async fn begin(stack: &Stack, seed: u64) -> anyhow::Result<Self> {
        let scene = Scene::new(stack, AGENTS).await?;
        scene.add_queue(stack, "701").await?;
        let queues = scene.admin.get("/queues").await?;
        let queues = queues["items"].as_array().context("queues")?;
        let id = |slug: &str| {
            let queue = queues.iter().find(|queue| queue["slug"] == slug);
            queue.and_then(|queue| queue["id"].as_str()).map(str::to_owned).context("a queue")
        };
        let (sales, more) = (id("sales")?, id("one-more")?);
        // Who waits too long goes to a queue where nobody is, and is told so.
        let unattended = json!({ "grace_seconds": 3, "rounds": 2, "to": "hang_up" });
        let overflow = json!({ "after_seconds": 10, "to": { "queue_id": more } });
        let works = |routing: Value| json!({ "ring_seconds": 5, "routing": routing });
        scene.queue_works(&works(json!({ "overflow": overflow, "unattended": unattended }))).await?;
        let path = format!("/queues/{more}/routing");
        scene.admin.send(Method::PUT, &path, &works(json!({ "unattended": unattended }))).await?;

        let mut setups =
            vec![Setup { address: Ipv4Addr::LOCALHOST, name: "trunk".to_owned(), password: None, manners: None }];
        for (index, agent) in scene.agents.iter().enumerate() {
            setups.push(Setup {
                address: Ipv4Addr::LOCALHOST,
                name: agent.credentials.0.clone(),
                password: Some(agent.credentials.1.clone()),
                manners: Some(manners(Chance::new(seed ^ (index as u64 + 1)))),
            });
        }
        let phones = Switchboard::start(sip_of(stack), setups).await?;
        for index in 0..AGENTS {
            scene.wait_reachable(index).await?;
            scene.agents[index].api.set_state("available").await?;
        }
        Ok(Self {
            scene,
            phones,
            chance: Chance::new(seed),
            queues: vec![sales, more],
            customers: BTreeMap::new(),
            at_phones: 0,
            consulted: None,
            asked: BTreeMap::new(),
        })
    }

    /// Takes what happened at the phones.
    fn see(&mut self, phone: usize, number: &str, at: Instant, what: What) {
        match what {
            What::Sent | What::Rang => self.at_phones += 1,
            What::Over(_) => self.at_phones = self.at_phones.saturating_sub(1),
            What::Answered | What::SignedIn => {}
        }
        let Some(customer) = self.customers.get_mut(number).filter(|_| phone == TRUNK) else { return };
        match what {
            What::Sent => customer.sent = Some(at),
            What::Answered => customer.answered = true,
            What::Over(_) => customer.over = Some(at),
            What::Rang | What::SignedIn => {}
        }
    }

    fn present(&self) -> usize {
        self.customers.values().filter(|customer| customer.over.is_none()).count()
    }

    /// Until the end of the shift, sees what happens and does something now and then.
    async fn work(&mut self, end: Instant) -> anyhow::Result<()> {
        let mut next_call = Instant::now();
        let mut next_wish = Instant::now();
        while Instant::now() < end {
            let wake = next_call.min(next_wish).min(end);
            if let Ok(happened) = tokio::time::timeout_at(wake.into(), self.phones.next()).await {
                let happened = happened?;
                self.see(happened.phone, &happened.customer, happened.at, happened.what);
                continue;
            }
            let now = Instant::now();
            if now >= next_call {
                next_call = now + milliseconds(&mut self.chance, 300, 2_100);
                if self.present() < CUSTOMERS {
                    self.customer_calls();
                }
            }
            if now >= next_wish {
                next_wish = now + milliseconds(&mut self.chance, 50, 450);
                self.somebody_wishes().await?;
            }
        }
        Ok(())
    }

    fn customer_calls(&mut self) {
        let number = format!("1555{:07}", 2_000_000 + self.customers.len());
        let stays = stay(&mut self.chance);
        self.phones.call(TRUNK, &self.scene.number, &format!("+{number}"), stays);
        self.customers.insert(number, Customer::new(stays));
    }

    async fn somebody_wishes(&mut self) -> anyhow::Result<()> {
        if self.chance.below(4) == 0 {
            let agent = self.chance.below(AGENTS);
            let state = match self.chance.below(10) {
                0 => "paused",
                1 => "offline",
                _ => "available",
            };
            let path = format!("/agents/{}/state", self.scene.agents[agent].api.user);
            return self.ask(Method::PUT, &path, &json!({ "state": state }), state).await;
        }
        let running = self.scene.admin.get("/calls?state=queued,ringing,active&limit=50").await?;
        let running: Vec<(String, Option<String>)> = running["items"]
            .as_array()
            .context("calls")?
            .iter()
            .filter_map(|call| Some((call["id"].as_str()?.to_owned(), call["agent_id"].as_str().map(str::to_owned))))
            .collect();
        // Those who talk, rather.
        let talking: Vec<_> = running.iter().filter(|(_, agent)| agent.is_some()).cloned().collect();
        let some = if self.chance.below(5) == 0 || talking.is_empty() { &running } else { &talking };
        let Some((mut call, _)) = self.chance.pick(some).cloned() else { return Ok(()) };
        let total = WISHES.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.chance.below(total);
        let mut wish = WISHES[0].0;
        for (name, weight) in WISHES {
            if drawn < weight {
                wish = name;
                break;
            }
            drawn -= weight;
        }
        // Who asked goes on with it, mostly.
        if let Some(consulted) = self.consulted.take().filter(|asked| running.iter().any(|(id, _)| id == asked))
            && self.chance.below(4) > 0
        {
            let ways = ["transfer/complete", "transfer/complete", "transfer/swap", "transfer/merge", "transfer/cancel"];
            (call, wish) = (consulted, *self.chance.pick(&ways).context("a way")?);
        }
        let colleague = self.scene.agents[self.chance.below(AGENTS)].api.user.clone();
        let queue = self.chance.pick(&self.queues).context("a queue")?.clone();
        let to =
            if self.chance.below(3) == 0 { json!({ "queue_id": queue }) } else { json!({ "agent_id": colleague }) };
        let (path, body) = match wish {
            "blind" => ("transfer", json!({ "kind": "blind", "to": to })),
            "attended" => ("transfer", json!({ "kind": "attended", "to": { "agent_id": colleague } })),
            "conference" => (wish, json!({ "agent_id": colleague })),
            "move" => (wish, json!({ "queue_id": queue })),
            _ => (wish, Value::Null),
        };
        if matches!(wish, "attended" | "transfer/swap") {
            self.consulted = Some(call.clone());
        }
        self.ask(Method::POST, &format!("/calls/{call}/{path}"), &body, wish).await
    }

    /// What is asked of a running call may be refused: it has changed meanwhile. It is never an error of ours, and never without an answer.
    async fn ask(&mut self, method: Method, path: &str, body: &Value, name: &str) -> anyhow::Result<()> {
        let answer = self.scene.admin.request(method.clone(), path).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(
            status.is_success() || matches!(status.as_u16(), 404 | 409 | 422),
            "{method} {path} {body}: {status} {text}"
        );
        *self.asked.entry(format!("{name}: {}", status.as_u16())).or_default() += 1;
        Ok(())
    }

    /// Everybody hangs up, until nobody has a call.
    async fn go_home(&mut self) -> anyhow::Result<()> {
        let limit = Instant::now() + Duration::from_secs(20);
        for agent in &self.scene.agents {
            agent.api.set_state("offline").await?;
        }
        while self.at_phones > 0 {
            ensure!(Instant::now() < limit, "{} calls do not end", self.at_phones);
            self.phones.everybody_hangs_up();
            let look = Instant::now() + Duration::from_millis(300);
            while let Ok(happened) = tokio::time::timeout_at(look.into(), self.phones.next()).await {
                let happened = happened?;
                self.see(happened.phone, &happened.customer, happened.at, happened.what);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_plays_the_same_people_again() {
        let play = |seed| {
            let mut agent = manners(Chance::new(seed));
            let mut customers = Chance::new(seed);
            (0..50).map(|_| (agent(), stay(&mut customers))).collect::<Vec<_>>()
        };
        assert_eq!(play(7), play(7));
        assert_ne!(play(7), play(8));
    }
}
