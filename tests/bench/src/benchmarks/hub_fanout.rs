//! `hub_fanout`: what delivering an event to everybody who listens costs the server.
//!
//! Two workloads: *groups*, a thousand listeners in a hundred tenants of ten, as inboxes are; and *broadcast*, one
//! tenant with five hundred. For us every event is first committed to PostgreSQL.

use anyhow::Context as _;

use super::Plan;
use crate::database::Database;
use crate::driver::{Connections, Endpoint, Load, Measured, measure};
use crate::gateway::Gateway;
use crate::machine::{kernel, load};
use crate::peers::nchan::{self, Nchan};
use crate::peers::send_loop::SendLoop;
use crate::results::{Better, Row};
use crate::stats::{median, significant};
use crate::usage::{Bound, bind_tree};

/// Goals of the issue: CPU per delivery against the raw loop and against nchan.
const GOAL_SEND_LOOP: f64 = 1.25;
const GOAL_NCHAN: f64 = 0.75;

#[derive(Debug, Clone, Copy)]
struct Workload {
    name: &'static str,
    channels: usize,
    per_channel: usize,
    /// Messages on their way.
    window: usize,
}

const WORKLOADS: [Workload; 2] = [
    Workload { name: "groups", channels: 100, per_channel: 10, window: 64 },
    Workload { name: "broadcast", channels: 1, per_channel: 500, window: 8 },
];

pub(crate) async fn run(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let tenants = WORKLOADS.iter().map(|workload| workload.channels).max().unwrap_or(1);
    let mut database = Database::start(&plan.folder).await?;
    // Away from the server's core, as everything that is not measured.
    bind_tree(database.pid()?, plan.cores.driver)?;
    let gateway = Gateway::start(plan.cores.server, &mut database, tenants).await.context("the gateway")?;
    let send_loop = SendLoop::start(plan.cores.server).await.context("the send loop")?;
    let nchan = Nchan::start(plan.cores.server).await?;

    let mut rows = Vec::new();
    for (number, workload) in WORKLOADS.iter().enumerate() {
        let mut loads = Vec::new();
        let (mut ours, mut raw, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..plan.rounds {
            loads.push(load());
            let channels = workload.channels;
            ours.push(once(plan, *workload, &gateway.endpoint(channels)).context("the gateway")?);
            raw.push(once(plan, *workload, &send_loop.endpoint(channels)).context("the send loop")?);
            let run = format!("{number}-{round}");
            theirs.push(once(plan, *workload, &nchan.endpoint(&run, channels)).context("nchan")?);
        }
        loads.push(load());
        rows.push(row(*workload, loads, &ours, &raw, &theirs));
    }
    Ok(rows)
}

fn once(plan: &Plan, workload: Workload, endpoint: &Endpoint) -> anyhow::Result<Measured> {
    let _bound = Bound::to(plan.cores.driver)?;
    let mut connections = Connections::open(endpoint, workload.per_channel)?;
    let load = Load { window: workload.window, warm_up: plan.warm_up(), span: plan.span };
    measure(endpoint, &mut connections, load)
}

fn row(workload: Workload, loads: Vec<f64>, ours: &[Measured], raw: &[Measured], theirs: &[Measured]) -> Row {
    let cpu = |all: &[Measured]| median(all.iter().map(Measured::cpu_per_million));
    let unit = format!("CPU-s per million deliveries, {}", workload.name);
    let said = |name: &str, all: &[Measured]| {
        let middle = |of: fn(&Measured) -> f64| median(all.iter().map(of));
        let costs: Vec<String> =
            all.iter().map(|measured| format!("{}", significant(measured.cpu_per_million(), 3))).collect();
        format!(
            "{name}: {:.0} deliveries/s, {:.0} bytes each, {:.2} per read, p50 {:.2} ms, p99 {:.2} ms; CPU-s per million {}",
            middle(Measured::per_second),
            middle(|measured| measured.bytes),
            middle(|measured| measured.per_read),
            middle(|measured| f64::from(measured.p50)) / 1000.0,
            middle(|measured| f64::from(measured.p99)) / 1000.0,
            costs.join(" "),
        )
    };
    let beside = median(ours.iter().map(Measured::beside_per_million));
    Row::new("hub_fanout", &unit, Better::Lower, cpu(ours), loads)
        .peer("raw send loop", &format!("Linux {}", kernel()), cpu(raw), Some(GOAL_SEND_LOOP))
        .peer("nchan", &nchan::version(), cpu(theirs), Some(GOAL_NCHAN))
        .note(said("trunkline", ours))
        .note(format!("beside it PostgreSQL: {} CPU-s per million deliveries", significant(beside, 3)))
        .note(said("raw send loop", raw))
        .note(said("nchan", theirs))
}
