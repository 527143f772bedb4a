//! The gateway dies again and again while webhooks pour in: what was answered with 200 is there, once.
//!
//! `TRUNKLINE_INBOX_MESSAGES=20000 TRUNKLINE_INBOX_SEED=7 cargo test -p trunkline-tests --test inbox_outage -- --nocapture`.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use trunkline_providers::BurstOptions;
use trunkline_tests::inbox::{messages, whatsapp};
use trunkline_tests::{Api, Chance, Scene, eventually, outage_stack, run};

/// How many customers write.
const CUSTOMERS: usize = 12;
/// How often the gateway is killed meanwhile.
const DEATHS: usize = 4;

#[test]
fn every_webhook_that_was_answered_is_there_exactly_once() {
    run(async {
        let seed = from_env("TRUNKLINE_INBOX_SEED").unwrap_or_else(|| u64::from(std::process::id()));
        let total = from_env("TRUNKLINE_INBOX_MESSAGES").map_or(1_500, |total| total as usize);
        println!("TRUNKLINE_INBOX_SEED={seed} TRUNKLINE_INBOX_MESSAGES={total}");
        let mut chance = Chance::new(seed);
        let mut stack = outage_stack().await?;
        let scene = Scene::new(&stack, 0).await?;
        let (standin, _) = whatsapp(&scene, json!({})).await?;
        let burst = standin.burst(&BurstOptions {
            messages: total,
            connections: 8,
            customers: CUSTOMERS,
            every_nth_twice: 7,
            give_up_ms: 240_000,
            ..BurstOptions::default()
        });
        for death in 1..=DEATHS {
            let share = total * death / (DEATHS + 1);
            let at = share.saturating_sub(chance.below(total / (DEATHS + 1) / 2)).max(1);
            burst.acknowledged_at_least(at, Duration::from_mins(1)).await?;
            stack.gateway.kill_9();
            stack.gateway.start_again().await?;
        }
        let report = burst.finish().await;
        println!(
            "{} attempts, {} without an answer, {:?}, p99 {:?}",
            report.attempts, report.no_answer, report.statuses, report.p99
        );
        ensure!(report.unacknowledged.is_empty(), "{} were never taken", report.unacknowledged.len());
        let wrong: Vec<_> = report.statuses.keys().filter(|status| **status >= 500 && **status != 503).collect();
        ensure!(wrong.is_empty(), "{:?}", report.statuses);

        eventually(Duration::from_mins(1), async || {
            let texts = texts(&scene.admin).await?;
            ensure!(texts.len() == total, "{} of {total} messages", texts.len());
            let each: BTreeSet<&String> = texts.iter().collect();
            ensure!(each.len() == total, "{} of them are there twice", total - each.len());
            Ok(())
        })
        .await?;
        let states = scene.admin.get("/inbound-webhooks?state=failed").await?;
        ensure!(states["items"].as_array().is_some_and(Vec::is_empty), "{states}");
        Ok(())
    });
}

/// What the customers wrote, over all conversations.
async fn texts(api: &Api) -> Result<Vec<String>> {
    let page = api.get("/conversations?state=all&limit=200").await?;
    let mut texts = Vec::new();
    for conversation in page["items"].as_array().context("items")? {
        let id = conversation["id"].as_str().context("id")?;
        let mut all = messages(api, id).await?;
        // The page before, as long as there is one.
        while let Some(first) = all.first().and_then(|message| message["id"].as_str()).map(str::to_owned) {
            let page = api.get(&format!("/conversations/{id}/messages?limit=200&before={first}")).await?;
            let mut before = page["items"].as_array().context("items")?.clone();
            if before.is_empty() {
                break;
            }
            before.append(&mut all);
            all = before;
        }
        let theirs = all.iter().filter(|message| message["direction"] == "in");
        texts.extend(theirs.filter_map(|message| message["text"].as_str().map(str::to_owned)));
    }
    Ok(texts)
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}
