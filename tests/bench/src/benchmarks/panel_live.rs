//! `panel_live`: how long an event takes to the screen, a page until it can be worked with, and how smooth a long list is, in a real browser.
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

/// Two frames of a screen with sixty a second: more is seen as a jerk.
const FRAME_GOAL_MS: f64 = 34.0;

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
    /// 95 % of the frames are shorter while 10,000 calls are scrolled through; the same page at rest.
    list_frame_p95: f64,
    list_rest_p95: f64,
    /// Median from a call's first message to its row on top of the 10,000.
    list_event: f64,
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
        loads.clone(),
    )
    .peer("the page's own answer", &browser, of(|round| round.answered), None)
    .goal(START_GOAL_MS);
    let list = Row::new(
        "panel_live",
        "ms of a frame while 10,000 calls are scrolled (95 %)",
        Better::Lower,
        of(|round| round.list_frame_p95),
        loads,
    )
    .peer("the same page at rest", &browser, of(|round| round.list_rest_p95), None)
    .goal(FRAME_GOAL_MS)
    .note(format!("a new call is on top of them {:.1} ms after its message", of(|round| round.list_event)));
    Ok(vec![event, start, list])
}
