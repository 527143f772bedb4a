//! `hub_memory`: resident memory per idle listener, after it has subscribed. The kernel's buffers are not in it, for nobody.

use std::time::Duration;

use anyhow::Context as _;

use super::Plan;
use crate::database::Database;
use crate::driver::{Connections, Endpoint};
use crate::gateway::Gateway;
use crate::machine::{kernel, load};
use crate::peers::nchan::{self, Nchan};
use crate::peers::send_loop::SendLoop;
use crate::results::{Better, Row};
use crate::stats::median;
use crate::usage::resident_kib;

/// KiB per connection.
const GOAL: f64 = 10.0;
/// Tenants, and listeners of each.
const CHANNELS: usize = 300;
const PER_CHANNEL: usize = 10;
/// Until a server has done what it does after a handshake.
const SETTLE: Duration = Duration::from_millis(1500);

/// Each round starts the servers anew: memory that was once used is not given back.
pub(crate) async fn run(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let mut database = Database::start(&plan.folder).await?;
    let mut loads = Vec::new();
    let (mut ours, mut raw, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        loads.push(load());
        let gateway = Gateway::start(plan.cores.server, &mut database, CHANNELS).await.context("the gateway")?;
        ours.push(once(&gateway.endpoint(CHANNELS)).await.context("the gateway")?);
        let send_loop = SendLoop::start(plan.cores.server).await.context("the send loop")?;
        raw.push(once(&send_loop.endpoint(CHANNELS)).await.context("the send loop")?);
        let nchan = Nchan::start(plan.cores.server).await?;
        theirs.push(once(&nchan.endpoint("idle", CHANNELS)).await.context("nchan")?);
    }
    loads.push(load());
    let row = Row::new("hub_memory", "KiB resident per idle connection", Better::Lower, median(ours), loads)
        .goal(GOAL)
        .peer("raw send loop", &format!("Linux {}", kernel()), median(raw), None)
        .peer("nchan", &nchan::version(), median(theirs), None)
        .note(format!("{} connections in {CHANNELS} tenants, {} rounds", CHANNELS * PER_CHANNEL, plan.rounds));
    Ok(vec![row])
}

async fn once(endpoint: &Endpoint) -> anyhow::Result<f64> {
    let before = resident_kib(endpoint.pid)?;
    let connections = Connections::open(endpoint, PER_CHANNEL)?;
    tokio::time::sleep(SETTLE).await;
    let grown = resident_kib(endpoint.pid)?.saturating_sub(before);
    drop(connections);
    Ok(grown as f64 / (CHANNELS * PER_CHANNEL) as f64)
}
