//! `hub_fanout`: what delivering an event to everybody who listens costs the server.
//!
//! Two shapes: *groups*, a thousand listeners in a hundred tenants of ten, as inboxes are; and *broadcast*, one tenant with five
//! hundred. For us every event is first committed to PostgreSQL, which takes milliseconds: under load, groups therefore have ten
//! messages on their way in every tenant, for all servers alike, so that the one measured is busy and not waiting for the disk.
//! The same groups at a pace that keeps all of them far from busy show the other end: one event, ten single writes; and a pace in
//! between shows the step from the one to the other, all servers delivering the same number per second.

use anyhow::Context as _;

use super::Plan;
use crate::database::Database;
use crate::driver::{Connections, Endpoint, Load, Measured, Pace, measure};
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
    pace: Pace,
    /// Whether the goals are for this one.
    judged: bool,
}

const WORKLOADS: [Workload; 4] = [
    Workload { name: "groups", channels: 100, per_channel: 10, pace: Pace::Window(1000), judged: true },
    Workload { name: "broadcast", channels: 1, per_channel: 500, pace: Pace::Window(8), judged: true },
    Workload {
        name: "groups at 8,000 events per second",
        channels: 100,
        per_channel: 10,
        pace: Pace::PerSecond(8000),
        judged: false,
    },
    Workload {
        name: "groups at 1,000 events per second",
        channels: 100,
        per_channel: 10,
        pace: Pace::PerSecond(1000),
        judged: false,
    },
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
            let measured = once(plan, *workload, &gateway.endpoint(channels));
            ours.push(measured.with_context(|| format!("the gateway, whose log ends\n{}", gateway.last_words()))?);
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
    let pace = match (workload.pace, plan.window) {
        (Pace::Window(_), Some(window)) => Pace::Window(window),
        (pace, _) => pace,
    };
    let load = Load { pace, warm_up: plan.warm_up(), span: plan.span };
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
    let goal = |goal: f64| workload.judged.then_some(goal);
    let beside = median(ours.iter().map(Measured::beside_per_million));
    Row::new("hub_fanout", &unit, Better::Lower, cpu(ours), loads)
        .peer("raw send loop", &format!("Linux {}", kernel()), cpu(raw), goal(GOAL_SEND_LOOP))
        .peer("nchan", &nchan::version(), cpu(theirs), goal(GOAL_NCHAN))
        .note(said("trunkline", ours))
        .note(format!("beside it PostgreSQL: {} CPU-s per million deliveries", significant(beside, 3)))
        .note(said("raw send loop", raw))
        .note(said("nchan", theirs))
}
