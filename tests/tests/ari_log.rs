//! A session with Asterisk, written down and played back.

use std::time::Duration;

use anyhow::{Context, ensure};
use trunkline_stack::{Stack, StackOptions};
use trunkline_tests::{EventStream, Scene, run};

/// The lines of a replay that speak of a channel's event.
fn told<'a>(replay: &'a str, event: &str, channel: &str) -> Vec<&'a str> {
    let (event, id) = (format!("Event({event}("), format!("id: \"{channel}\""));
    replay.lines().filter(|line| line.contains(&event) && line.contains(&id)).collect()
}

#[test]
fn replay_tells_what_became_of_a_call() {
    run(async {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("ari.log");
        let env = vec![("TRUNKLINE_ARI_LOG".to_owned(), log.display().to_string())];
        let mut stack = Stack::start(StackOptions { demo: false, env, ..StackOptions::default() }).await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.sipp_customer(Duration::from_secs(1))?;
        let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        let result = customer.wait().await?;
        ensure!(result.succeeded == 1, "{result:?}");
        stream.wait_kind("recording.ready", None).await?;
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        let legs = record["legs"].as_array().context("legs")?.clone();
        ensure!(legs.len() == 2, "{record}");
        scene.nothing_left(&stack).await?;
        stack.gateway.stop();

        let text = std::fs::read_to_string(&log)?;
        let password = stack.gateway.env("TRUNKLINE_ARI_PASSWORD").context("a password")?;
        ensure!(!text.contains(password), "the password is in the log");
        let replay = stack.gateway.command(&["replay", &log.display().to_string()]).await?;
        // What the record has of each leg is what the replay tells: it came in once, and ended with this cause.
        for leg in legs {
            let id = leg["id"].as_str().context("an id")?;
            let entered = told(&replay, "StasisStart", id);
            ensure!(entered.len() == 1, "{id} entered {} times", entered.len());
            // Asterisk says it once for each way in which the application is subscribed to the channel.
            let ended = told(&replay, "ChannelDestroyed", id);
            let cause = format!("cause: {},", leg["cause"]);
            ensure!(!ended.is_empty() && ended.iter().all(|line| line.contains(&cause)), "not {cause} in {ended:#?}");
        }
        let joined = told(&replay, "ChannelEnteredBridge", &format!("tl-{call}-b"));
        ensure!(joined.len() == 2, "{joined:#?}");
        Ok(())
    });
}
