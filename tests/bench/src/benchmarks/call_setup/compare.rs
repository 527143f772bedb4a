//! Calls one by one, in turn through Trunkline and through `app_queue`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;
use tokio::time::timeout;
use trunkline_stack::Stack;
use trunkline_tests::{Scene, nothing_left_in_asterisk};

use super::{Amount, Cpu, sip_of};
use crate::benchmarks::Plan;
use crate::machine::load;
use crate::peers::app_queue;
use crate::results::{Better, Row};
use crate::sip::{Answering, Happened, Setup, Switchboard, What};
use crate::stats::percentile;

/// Agents of each.
const AGENTS: usize = 4;
const RING_SECONDS: u32 = 15;
/// An agent picks up, and hangs up.
const PICK_UP: Duration = Duration::from_millis(100);
const TALK: Duration = Duration::from_millis(500);
/// No call lasts so long.
const PATIENCE: Duration = Duration::from_secs(20);
/// Calls at the beginning of a round that are not counted.
const WARM_UP: usize = 4;

/// A way from a trunk to agents.
struct Way {
    /// Which phone is the trunk.
    trunk: usize,
    number: String,
    agents: std::ops::Range<usize>,
    /// Of every round, in µs.
    waits: Vec<u32>,
    medians: Vec<u32>,
    cpu: Cpu,
    /// When no agent was free for a call, it came later.
    put_off: usize,
}

impl Way {
    fn new(trunk: usize, number: &str, agents: std::ops::Range<usize>) -> Self {
        let number = number.to_owned();
        Self { trunk, number, agents, waits: Vec::new(), medians: Vec::new(), cpu: Cpu::NONE, put_off: 0 }
    }

    fn milliseconds(&self, share: f64) -> anyhow::Result<f64> {
        let wait = percentile(&mut self.waits.clone(), share).context("no call was measured")?;
        Ok(f64::from(wait) / 1000.0)
    }
}

pub(super) async fn run(plan: &Plan, amount: Amount, stack: &mut Stack) -> anyhow::Result<Vec<Row>> {
    let scene = Scene::new(stack, AGENTS).await?;
    scene.queue_works(&json!({ "ring_seconds": RING_SECONDS, "routing": { "strategy": "longest_idle" } })).await?;
    let members = app_queue::set_up(stack, AGENTS, RING_SECONDS).await.context("app_queue")?;

    let trunk = |address, name: &str| Setup { address, name: name.to_owned(), password: None, manners: None };
    let phone = |name: &str, password: &str| Setup {
        address: Ipv4Addr::LOCALHOST,
        name: name.to_owned(),
        password: Some(password.to_owned()),
        manners: Some(Box::new(|| Answering::PickUp { after: PICK_UP, talk: TALK })),
    };
    let mut setups = vec![trunk(Ipv4Addr::LOCALHOST, "trunk"), trunk(app_queue::TRUNK, "trunk")];
    setups.extend(scene.agents.iter().map(|agent| phone(&agent.credentials.0, &agent.credentials.1)));
    setups.extend(members.iter().map(|member| phone(&member.name, &member.password)));
    let mut phones = Switchboard::start(sip_of(stack), setups).await?;
    for index in 0..AGENTS {
        scene.wait_reachable(index).await?;
        scene.agents[index].api.set_state("available").await?;
    }

    let mut ours = Way::new(0, &scene.number, 2..2 + AGENTS);
    let mut theirs = Way::new(1, app_queue::NUMBER, 2 + AGENTS..2 + 2 * AGENTS);
    let (mut loads, mut customer) = (Vec::new(), 15_551_000_000);
    for _ in 0..plan.rounds {
        loads.push(load());
        round(amount, stack, &mut phones, &mut ours, &mut customer).await.context("Trunkline")?;
        round(amount, stack, &mut phones, &mut theirs, &mut customer).await.context("app_queue")?;
    }
    loads.push(load());
    nothing_left_in_asterisk(stack).await?;

    let version = format!("Asterisk {}", app_queue::version(&stack.asterisk).await);
    let row = |share: f64, name: &str| -> anyhow::Result<Row> {
        let unit = format!("ms from the trunk's INVITE to the phone's, {name}");
        Ok(Row::new("call_setup", &unit, Better::Lower, ours.milliseconds(share)?, loads.clone()).peer(
            "app_queue",
            &version,
            theirs.milliseconds(share)?,
            None,
        ))
    };
    let said = |name: &str, way: &Way| {
        let medians: Vec<String> =
            way.medians.iter().map(|median| format!("{:.2}", f64::from(*median) / 1000.0)).collect();
        let extremes = (way.waits.iter().min().unwrap_or(&0), way.waits.iter().max().unwrap_or(&0));
        format!(
            "{name}: {} calls, medians of the rounds {}, {:.2} to {:.2} ms; {} put off; {}",
            way.waits.len(),
            medians.join(" "),
            f64::from(*extremes.0) / 1000.0,
            f64::from(*extremes.1) / 1000.0,
            way.put_off,
            way.cpu.said(plan.rounds * (amount.calls + WARM_UP)),
        )
    };
    Ok(vec![row(0.5, "p50")?.note(said("trunkline", &ours)).note(said("app_queue", &theirs)), row(0.99, "p99")?])
}

async fn round(
    amount: Amount,
    stack: &mut Stack,
    phones: &mut Switchboard,
    way: &mut Way,
    customer: &mut u64,
) -> anyhow::Result<()> {
    let before = Cpu::of(stack)?;
    let mut calls: BTreeMap<String, Call> = BTreeMap::new();
    let mut busy = BTreeSet::new();
    let gap = Duration::from_secs_f64(1.0 / amount.rate);
    let mut due = Instant::now() + gap;
    let mut waits = Vec::with_capacity(amount.calls);
    let total = amount.calls + WARM_UP;
    while calls.len() < total || !busy.is_empty() || calls.values().any(|call| !call.over) {
        let waiting = calls.len() < total && busy.len() < AGENTS;
        let happened = if waiting {
            let Ok(happened) = tokio::time::timeout_at(due.into(), phones.next()).await else {
                *customer += 1;
                let from = customer.to_string();
                phones.call(way.trunk, &way.number, &format!("+{from}"), PATIENCE);
                calls.insert(from, Call::default());
                due += gap;
                continue;
            };
            happened?
        } else {
            timeout(2 * PATIENCE, phones.next()).await.context("a call does not end")??
        };
        if !waiting && calls.len() < total && due <= Instant::now() {
            // Nobody is free: this one comes when somebody is.
            way.put_off += 1;
            due = Instant::now() + gap;
        }
        let Happened { at, phone, customer, what } = happened;
        if way.agents.contains(&phone) {
            let call = calls.get_mut(&customer).with_context(|| format!("{customer}, who called nobody, rings"))?;
            match what {
                What::Rang => {
                    busy.insert(phone);
                    ensure!(call.rang.replace(at).is_none(), "{customer} rings twice");
                }
                What::Over(_) => _ = busy.remove(&phone),
                _ => {}
            }
        } else if phone == way.trunk {
            let call = calls.get_mut(&customer).context("a call that nobody made")?;
            match what {
                What::Sent => call.sent = Some(at),
                What::Answered => call.answered = true,
                What::Over(code) => {
                    ensure!(call.answered, "{customer} was refused: {code:?}");
                    call.over = true;
                }
                _ => {}
            }
        }
    }
    for call in calls.values().skip(WARM_UP) {
        let (sent, rang) = call.sent.zip(call.rang).context("a call rang nowhere")?;
        waits.push(u32::try_from(rang.duration_since(sent).as_micros())?);
    }
    way.medians.extend(percentile(&mut waits, 0.5));
    way.waits.extend(waits);
    way.cpu = way.cpu.plus(Cpu::of(stack)?.since(before));
    Ok(())
}

#[derive(Debug, Default)]
struct Call {
    sent: Option<Instant>,
    rang: Option<Instant>,
    answered: bool,
    over: bool,
}
