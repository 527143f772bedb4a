//! PostgreSQL goes away. Calls go on without it, and once it is back it is told all of what happened, once.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::phones::Baresip;
use trunkline_stack::{BaresipOptions, PhoneEventKind, Stack};
use trunkline_tests::{
    AGENT_HZ, CUSTOMER_HZ, EventStream, Scene, eventually, hears_now, nothing_left_in_asterisk, outage_stack, run,
};

const SOON: Duration = Duration::from_secs(15);

/// What a call with one agent leaves in the journal.
const WHOLE_CALL: [&str; 7] = [
    "call.started",
    "call.queued",
    "call.offered",
    "call.answered",
    "recording.started",
    "call.ended",
    "recording.ready",
];

fn time(value: &Value) -> Result<DateTime<Utc>> {
    let text = value.as_str().context("a time")?;
    Ok(DateTime::parse_from_rfc3339(text)?.to_utc())
}

/// Waits until the spool holds what `holds` looks for: from then on not even `kill -9` can lose it.
async fn spooled(stack: &Stack, what: &str, holds: impl Fn(&str) -> bool) -> Result<()> {
    let spool = PathBuf::from(stack.gateway.env("TRUNKLINE_STATE_DIR").context("no state folder")?).join("calls.spool");
    eventually(SOON, async || {
        let text = std::fs::read_to_string(&spool)?;
        ensure!(text.lines().any(&holds), "the spool does not hold {what}");
        Ok(())
    })
    .await
}

/// The events of a call are all there, in order and once; so is its record, and its recording can be heard.
async fn complete(scene: &Scene, stream: &EventStream, call: &str, end_reason: &str) -> Result<()> {
    assert_eq!(stream.kinds_of(call), WHOLE_CALL);
    let times: Vec<_> = stream
        .seen
        .iter()
        .filter(|seen| seen.subject() == call)
        .map(|seen| time(&seen.event["at"]))
        .collect::<Result<_>>()?;
    ensure!(times.is_sorted(), "{times:?}");

    let record = scene.admin.get(&format!("/calls/{call}")).await?;
    assert_eq!(record["state"], "ended", "{record}");
    assert_eq!(record["end_reason"], end_reason, "{record}");
    let legs = record["legs"].as_array().context("legs")?;
    ensure!(legs.len() == 2 && legs.iter().all(|leg| leg["ended_at"].is_string()), "{record}");
    let recording = record["recording_id"].as_str().context("a recording")?;
    let path = scene.folder("recording.wav");
    std::fs::write(&path, scene.admin.audio(recording).await?)?;
    let wav = Wav::read(&path)?;
    let talked = (time(&record["ended_at"])? - time(&record["answered_at"])?).as_seconds_f64();
    ensure!((wav.seconds() - talked).abs() < 0.5, "{} s of sound for {talked} s of talk", wav.seconds());
    for (channel, hz) in [(0, AGENT_HZ), (1, CUSTOMER_HZ)] {
        let share = tone_share_windowed(wav.cut(channel, 0.5, wav.seconds() - 0.3), wav.rate, f64::from(hz));
        // The second call lasts two seconds: what its phone needs to begin with is much of it.
        ensure!(share > 0.6, "channel {channel} has {share} of {hz} Hz");
    }
    Ok(())
}

#[test]
fn calls_go_on_and_come_and_end_and_all_of_it_is_told_afterwards() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 2).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut first = scene.customer().await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        let first_call = answered.subject().to_owned();
        stream.wait_kind("recording.started", None).await?;
        first.wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(&first, AGENT_HZ).await?;
        let told = stream.through;
        let key = first_call.clone();

        stack.postgres.stop();
        hears_now(&first, AGENT_HZ).await.context("the customer, without a database")?;
        hears_now(scene.phone(0), CUSTOMER_HZ).await.context("the agent, without a database")?;
        let health: Value = reqwest::Client::builder()
            .no_proxy()
            .build()?
            .get(format!("{}/health", stack.gateway.base_url()))
            .send()
            .await?
            .json()
            .await?;
        assert_eq!(health["status"], "degraded", "{health}");
        assert_eq!(health["dependencies"]["database"]["status"], "unavailable", "{health}");
        assert_eq!(health["dependencies"]["asterisk"]["status"], "ok", "{health}");
        let refused = scene.admin.request(Method::GET, "/calls").send().await?;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");

        // A second call is taken from memory: the queue, its agents and their states.
        let mut second = scene.customer().await?;
        second.wait_for(PhoneEventKind::Established, SOON).await.context("a call that came without a database")?;
        scene.phone(1).wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(&second, AGENT_HZ).await?;
        hears_now(scene.phone(1), CUSTOMER_HZ).await?;
        second.hang_up().await?;
        scene.phone(1).wait_for(PhoneEventKind::Closed, SOON).await?;

        // A phone that starts now may sign in.
        scene.agents[1].phone = None;
        let (username, password) = &scene.agents[1].credentials;
        let options = BaresipOptions::desk_phone(stack.asterisk.sip_port(), username, password, AGENT_HZ);
        let mut phone = Baresip::start(&scene.folder("phone"), options).await?;
        phone.wait_registered(SOON).await.context("signing in without a database")?;

        // With an Idempotency-Key the request could not be made safe to repeat; without one it needs no database.
        let hangup = format!("/calls/{first_call}/hangup");
        let keyed = scene.admin.request(Method::POST, &hangup).header("idempotency-key", &key).send().await?;
        assert_eq!(keyed.status(), StatusCode::SERVICE_UNAVAILABLE);
        let done = scene.admin.request(Method::POST, &hangup).send().await?;
        assert_eq!(done.status(), StatusCode::NO_CONTENT);
        first.wait_for(PhoneEventKind::Closed, SOON).await?;
        nothing_left_in_asterisk(&stack).await?;
        spooled(&stack, "the end of the first call", |line| line.contains("call.ended") && line.contains(&first_call))
            .await?;

        let back = Utc::now();
        stack.postgres.start_again().await?;
        stream.cut_and_resume().await?;
        for _ in 0..2 {
            stream.wait_kind("call.ended", None).await?;
            stream.wait_kind("recording.ready", None).await.context("each call's recording follows its end")?;
        }
        let calls = scene.admin.get("/calls").await?;
        let calls: Vec<&str> =
            calls["items"].as_array().context("calls")?.iter().filter_map(|call| call["id"].as_str()).collect();
        ensure!(calls.len() == 2 && calls[1] == first_call, "{calls:?}");
        complete(&scene, &stream, &first_call, "completed_agent").await?;
        complete(&scene, &stream, calls[0], "completed_customer").await?;
        for seen in stream.seen.iter().filter(|seen| seen.seq > told && seen.kind.starts_with("call.")) {
            ensure!(time(&seen.event["at"])? < back, "told at another time than it happened: {}", seen.event);
        }
        Ok(())
    });
}

#[test]
fn killed_with_records_in_the_spool_alone_it_loses_and_doubles_nothing() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 2).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut first = scene.customer().await?;
        let first_call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        first.wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(&first, AGENT_HZ).await?;

        stack.postgres.kill();
        first.hang_up().await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        let mut second = scene.customer().await?;
        second.wait_for(PhoneEventKind::Established, SOON).await?;
        // What the recorder had not written yet dies with the gateway, a second or so: there has to be something older.
        for _ in 0..3 {
            hears_now(&second, AGENT_HZ).await?;
        }
        spooled(&stack, "the end of the first recording", |line| {
            line.contains("recording.ready") && line.contains(&first_call)
        })
        .await?;
        spooled(&stack, "the second recording's beginning", |line| {
            line.contains("recording.started") && !line.contains(&first_call)
        })
        .await?;

        stack.gateway.kill_9();
        stack.postgres.start_again().await?;
        stack.gateway.start_again().await?;
        stream.cut_and_resume().await?;
        stream.wait_kind("recording.ready", None).await?;
        let second_call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        ensure!(second_call != first_call, "answered twice");
        stream.wait_kind("telephony.gap", None).await?;
        hears_now(&second, AGENT_HZ).await.context("the second call, taken over")?;
        second.hang_up().await?;
        stream.wait_kind("call.ended", Some(&second_call)).await?;
        stream.wait_kind("recording.ready", None).await?;

        complete(&scene, &stream, &first_call, "completed_customer").await?;
        assert_eq!(stream.kinds_of(&second_call), WHOLE_CALL);
        let record = scene.admin.get(&format!("/calls/{second_call}")).await?;
        assert_eq!(record["end_reason"], "completed_customer");
        assert_eq!(record["estimated"], false);
        assert_eq!(record["gaps"][0]["reason"], json!("gateway_restart"));
        nothing_left_in_asterisk(&stack).await
    });
}
