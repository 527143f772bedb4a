//! `panel_live`: how long an event takes to the screen, and a page until it can be worked with, in a real browser.
//!
//! The browser is driven by `npm run bench` in `gateway/web`, which has the same stack and the same harness as the browser tests; this
//! puts its figures beside the others.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use tokio::process::Command;

use super::Plan;
use crate::machine::load;
use crate::results::{Better, Row};
use crate::stats::median;

/// Where it is run from: `make bench` starts at the top of the checkout.
const PANEL: &str = "gateway/web";
/// From an event's stamp in the gateway to the painted screen.
const EVENT_GOAL_MS: f64 = 50.0;
/// From the address to a page that shows what goes on.
const START_GOAL_MS: f64 = 1000.0;

/// What one round of the browser says, in milliseconds.
#[derive(Debug, Deserialize)]
struct Round {
    /// Medians over the round's events.
    shown: f64,
    shown_p95: f64,
    /// The same event's WebSocket message in the same page.
    arrived: f64,
    /// A first visit, nothing kept by the browser.
    interactive: f64,
    /// What the browser said when the navigation's answer had arrived: the raw limit of any page.
    answered: f64,
    browser: String,
}

pub(crate) async fn run(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    ensure!(Path::new(PANEL).join("node_modules").exists(), "the panel's packages are not installed: .ci/panel build");
    let out = std::path::absolute(plan.folder.join("panel_live.json"))?;
    let before = load();
    let output = Command::new("../../.ci/node")
        .args(["npm", "run", "--silent", "bench"])
        .current_dir(PANEL)
        .env("BENCH_ROUNDS", plan.rounds.to_string())
        .env("BENCH_PANEL_OUT", &out)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot start the browser's half")?;
    ensure!(
        output.status.success(),
        "the browser's half failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let text = std::fs::read_to_string(&out).with_context(|| format!("cannot read {}", out.display()))?;
    let rounds: Vec<Round> =
        serde_json::from_str(&text).with_context(|| format!("{} is not as expected", out.display()))?;
    let browser = rounds.first().context("no round")?.browser.clone();
    let loads = vec![before, load()];
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    let event = Row::new(
        "panel_live",
        "ms from an event to the painted screen",
        Better::Lower,
        of(|round| round.shown),
        loads.clone(),
    )
    .peer("its WebSocket message in the page", &browser, of(|round| round.arrived), None)
    .goal(EVENT_GOAL_MS)
    .note(format!("95 % of the events: {:.1} ms", of(|round| round.shown_p95)));
    let start = Row::new(
        "panel_live",
        "ms from a first visit to a live screen",
        Better::Lower,
        of(|round| round.interactive),
        loads,
    )
    .peer("the page's own answer", &browser, of(|round| round.answered), None)
    .goal(START_GOAL_MS);
    Ok(vec![event, start])
}
