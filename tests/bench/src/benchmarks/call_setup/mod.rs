//! `call_setup`: how long a call takes from the trunk's INVITE to the agent's phone, beside `app_queue` on the same Asterisk; and a
//! shift in which everybody does what they like, at the end of which every call has to be accounted for.
//!
//! Trunk and phones of both are ours ([`crate::sip`]).

mod account;
mod compare;
mod shift;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use trunkline_stack::{Stack, StackOptions};

use super::Plan;
use crate::results::Row;
use crate::usage::cpu_of_tree;

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    /// Calls of each round, through each.
    pub(crate) calls: usize,
    /// Calls per second.
    pub(crate) rate: f64,
    /// How long the shift is.
    pub(crate) shift: Duration,
    /// What the shift's choices begin with.
    pub(crate) seed: u64,
}

pub(crate) async fn run(plan: &Plan, amount: Amount) -> anyhow::Result<Vec<Row>> {
    println!(
        "call_setup: {} calls a round at {} per second; a shift of {} s with --seed {}",
        amount.calls,
        amount.rate,
        amount.shift.as_secs(),
        amount.seed
    );
    let mut rows = Vec::new();
    if amount.calls > 0 {
        let mut stack = stack().await?;
        rows.extend(compare::run(plan, amount, &mut stack).await.context("calls one by one")?);
    }
    if !amount.shift.is_zero() {
        // A new one: what the calls before left behind, if anything, is not the shift's.
        let mut stack = stack().await?;
        rows.extend(
            shift::run(amount, &mut stack).await.with_context(|| format!("the shift of --seed {}", amount.seed))?,
        );
    }
    Ok(rows)
}

async fn stack() -> anyhow::Result<Stack> {
    let mut options = StackOptions { demo: false, ..StackOptions::default() };
    options.asterisk.rtp_ports = 2_000;
    Ok(Stack::start(options).await?)
}

/// SIP's address of the stack's Asterisk.
fn sip_of(stack: &Stack) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, stack.asterisk.sip_port()))
}

/// CPU time that the parts of a stack have used.
#[derive(Debug, Clone, Copy)]
struct Cpu {
    gateway: Duration,
    asterisk: Duration,
    postgres: Duration,
}

impl Cpu {
    fn of(stack: &mut Stack) -> anyhow::Result<Self> {
        let pid = |process: Option<u32>, name: &str| process.with_context(|| format!("{name} has ended"));
        let gateway = pid(stack.gateway.process().map(|process| process.pid()), "the gateway")?;
        let asterisk = pid(stack.asterisk.process().map(|process| process.pid()), "Asterisk")?;
        let postgres = pid(stack.postgres.process().map(|process| process.pid()), "PostgreSQL")?;
        Ok(Self { gateway: cpu_of_tree(gateway)?, asterisk: cpu_of_tree(asterisk)?, postgres: cpu_of_tree(postgres)? })
    }

    fn since(self, before: Self) -> Self {
        Self {
            gateway: self.gateway.saturating_sub(before.gateway),
            asterisk: self.asterisk.saturating_sub(before.asterisk),
            postgres: self.postgres.saturating_sub(before.postgres),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            gateway: self.gateway + other.gateway,
            asterisk: self.asterisk + other.asterisk,
            postgres: self.postgres + other.postgres,
        }
    }

    const NONE: Self = Self { gateway: Duration::ZERO, asterisk: Duration::ZERO, postgres: Duration::ZERO };

    /// Milliseconds per call, in words.
    fn said(self, calls: usize) -> String {
        let per_call = |cpu: Duration| cpu.as_secs_f64() * 1000.0 / calls as f64;
        format!(
            "CPU-ms per call: gateway {:.1}, Asterisk {:.1}, PostgreSQL {:.1}",
            per_call(self.gateway),
            per_call(self.asterisk),
            per_call(self.postgres)
        )
    }
}
