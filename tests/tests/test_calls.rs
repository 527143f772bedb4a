//! Test calls: a customer whom nobody has to be.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_stack::PhoneEventKind;
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_tests::{
    AGENT_HZ, EventStream, MOSTLY, Scene, left_in_asterisk, nothing_left_in_asterisk, outage_stack, run,
};

const SOON: Duration = Duration::from_secs(15);

async fn place(scene: &Scene) -> Result<Value> {
    let queues = scene.admin.get("/queues").await?;
    scene.admin.send(Method::POST, "/test-calls", &json!({ "queue_id": queues["items"][0]["id"] })).await
}

#[test]
fn simulated_customer_speaks_hears_is_recorded_and_leaves_nothing() {
    run(async {
        let stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;

        let placed = place(&scene).await?;
        assert_eq!(placed["to"], json!(scene.number));
        let answered = stream.wait_kind("call.answered", None).await?;
        let call = answered.subject().to_owned();
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        assert_eq!((&record["direction"], &record["state"]), (&json!("inbound"), &json!("active")));
        assert_eq!((&record["from"], &record["to"]), (&placed["from"], &placed["to"]));

        // After its hello the customer repeats what the agent's phone sends.
        scene.phone(0).wait_for(PhoneEventKind::Established, SOON).await?;
        trunkline_tests::eventually(SOON, async || {
            let files = scene.agents[0].phone.as_ref().context("a phone")?.heard()?;
            let sounds = files.iter().filter_map(|file| Wav::read(file).ok());
            let best = sounds
                .map(|wav| {
                    let last = wav.cut(0, (wav.seconds() - 2.5).max(0.0), wav.seconds());
                    tone_share_windowed(last, wav.rate, f64::from(AGENT_HZ))
                })
                .fold(0.0, f64::max);
            ensure!(best > 0.9, "{best} of {AGENT_HZ} Hz in what it heard last");
            Ok(())
        })
        .await?;
        scene.phone(0).hang_up().await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "completed_agent");
        stream.wait_kind("recording.ready", None).await?;

        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        let audio = scene.admin.audio(record["recording_id"].as_str().context("a recording")?).await?;
        let path = scene.folder("recording.wav");
        std::fs::write(&path, audio)?;
        let heard = Wav::read(&path)?;
        let late = heard.cut(1, heard.seconds() - 1.3, heard.seconds() - 0.5);
        let echo = tone_share_windowed(late, heard.rate, f64::from(AGENT_HZ));
        ensure!(echo > MOSTLY, "the customer's side holds the echo: {echo}");
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn fourth_customer_waits_outside_and_a_restart_forgets_none() {
    run(async {
        let mut stack = outage_stack().await?;
        let scene = Scene::new(&stack, 0).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        for _ in 0..3 {
            place(&scene).await?;
            stream.wait_kind("call.queued", None).await?;
        }
        let queues = scene.admin.get("/queues").await?;
        let fourth = async || -> Result<reqwest::Response> {
            let body = json!({ "queue_id": queues["items"][0]["id"] });
            Ok(scene.admin.request(Method::POST, "/test-calls").json(&body).send().await?)
        };
        let refused = fourth().await?;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        assert_eq!(refused.json::<Value>().await?["code"], "too-many-test-calls");

        // The customers live in Asterisk, and call control takes their calls up like any others.
        stack.gateway.kill_9();
        stack.gateway.start_again().await?;
        let running = scene.admin.get("/calls?state=queued").await?;
        assert_eq!(running["items"].as_array().context("items")?.len(), 3);
        trunkline_tests::eventually(SOON, async || {
            let status = fourth().await?.status();
            ensure!(status == StatusCode::CONFLICT, "{status}");
            Ok(())
        })
        .await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        for call in running["items"].as_array().context("items")? {
            let path = format!("/calls/{}/hangup", call["id"].as_str().context("an id")?);
            ensure!(scene.admin.request(Method::POST, &path).send().await?.status() == StatusCode::NO_CONTENT);
            stream.wait_kind("call.ended", call["id"].as_str()).await?;
        }
        nothing_left_in_asterisk(&stack).await?;
        let (channels, _) = left_in_asterisk(&stack).await?;
        assert_eq!(channels, 0, "the customers' own halves are gone too");
        Ok(())
    });
}
