//! Who listens in, and what an agent does with a call while they talk: heard by real phones. All tests share one stack.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use trunkline_stack::PhoneEventKind;
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::phones::Baresip;
use trunkline_tests::{AGENT_HZ, CUSTOMER_HZ, EventStream, MOSTLY, Scene, eventually, hears_now, run, shared_stack};

const SOON: Duration = Duration::from_secs(15);
/// The supervisor's tone.
const SUPERVISOR_HZ: u32 = 1_500;

/// What is heard needs an Asterisk that keeps time: such calls are made one after the other.
static QUIET: Mutex<()> = Mutex::const_new(());

/// The agent is the first of the scene, the supervisor the second; their phones answer by themselves.
const AGENT: usize = 0;
const SUPERVISOR: usize = 1;

/// A customer who talks with the agent; gives the call too.
async fn talking(scene: &mut Scene, stream: &mut EventStream) -> Result<(Baresip, String)> {
    scene.plug_in(AGENT, true).await?;
    scene.agents[AGENT].api.set_state("available").await?;
    let mut customer = scene.customer().await?;
    let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
    customer.wait_for(PhoneEventKind::Established, SOON).await?;
    hears_now(&customer, AGENT_HZ).await.context("the agent")?;
    Ok((customer, call))
}

/// The same with a supervisor beside them.
async fn supervised(stack: &trunkline_stack::Stack) -> Result<(Scene, EventStream, Baresip, String)> {
    let mut scene = Scene::new(stack, 1).await?;
    scene.add_supervisor(stack).await?;
    scene.plug_in_sounding(SUPERVISOR, true, SUPERVISOR_HZ).await?;
    let mut stream = EventStream::next_only(&scene.admin).await?;
    let (customer, call) = talking(&mut scene, &mut stream).await?;
    Ok((scene, stream, customer, call))
}

async fn ask(scene: &Scene, who: usize, path: &str, body: &Value) -> Result<()> {
    scene.agents[who].api.send(Method::POST, path, body).await?;
    Ok(())
}

/// Listens to what is new on a phone, until it fits.
async fn hears(phone: &Baresip, what: &str, fits: impl Fn(&dyn Fn(u32) -> f64, f64) -> bool) -> Result<()> {
    let lengths = || -> Result<f64> {
        let seconds = phone.heard()?.into_iter().map(|file| Wav::read(&file).map_or(0.0, |wav| wav.seconds()));
        Ok(seconds.fold(0.0, f64::max))
    };
    let before = lengths()?;
    eventually(SOON, async || {
        for file in phone.heard()? {
            let Ok(wav) = Wav::read(&file) else { continue };
            if wav.seconds() < before + 0.8 {
                continue;
            }
            let last = wav.cut(0, wav.seconds() - 0.6, wav.seconds());
            let loudest = last.iter().map(|sample| f64::from(sample.unsigned_abs())).fold(0.0, f64::max);
            let share = |hz: u32| tone_share_windowed(last, wav.rate, f64::from(hz));
            let shares = [AGENT_HZ, CUSTOMER_HZ, SUPERVISOR_HZ].map(share);
            ensure!(fits(&share, loudest), "{what}: agent, customer, supervisor {shares:?}, loudest {loudest}");
            return Ok(());
        }
        bail!("{what}: no new sound yet")
    })
    .await
}

/// For two seconds: neither a sound nor, where only two talk, a packet.
async fn hears_nothing(phone: &Baresip) -> Result<()> {
    let length = || -> Result<f64> {
        let seconds = phone.heard()?.into_iter().map(|file| Wav::read(&file).map_or(0.0, |wav| wav.seconds()));
        Ok(seconds.fold(0.0, f64::max))
    };
    // What was on its way has arrived.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = length()?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for file in phone.heard()? {
        let Ok(wav) = Wav::read(&file) else { continue };
        if wav.seconds() > before {
            let loudest = wav.cut(0, before, wav.seconds()).iter().map(|sample| sample.unsigned_abs()).max();
            ensure!(loudest.unwrap_or(0) < 100, "something is heard: {loudest:?}");
        }
    }
    Ok(())
}

async fn hears_both(phone: &Baresip, tones: [u32; 2]) -> Result<()> {
    hears(phone, "both", |share, _| tones.iter().all(|hz| share(*hz) > 0.2)).await
}

#[test]
fn a_supervisor_listens_whispers_and_barges_in_and_is_heard_by_the_right_ears_only() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let (mut scene, mut stream, customer, call) = supervised(stack).await?;
        let path = format!("/calls/{call}/supervise");
        ask(&scene, SUPERVISOR, &path, &json!({ "mode": "listen" })).await?;
        let told = stream.wait_kind("call.supervised", Some(&call)).await?;
        let data = &told.event["data"];
        ensure!(
            data["mode"] == "listen" && data["supervised_agent_id"] == json!(scene.agents[AGENT].api.user),
            "{data}"
        );
        hears_both(scene.phone(SUPERVISOR), [AGENT_HZ, CUSTOMER_HZ]).await.context("the supervisor listens")?;
        hears_now(&customer, AGENT_HZ).await.context("the customer hears the agent alone")?;
        hears_now(scene.phone(AGENT), CUSTOMER_HZ).await.context("the agent hears the customer alone")?;

        ask(&scene, SUPERVISOR, &path, &json!({ "mode": "whisper" })).await?;
        hears_both(scene.phone(AGENT), [CUSTOMER_HZ, SUPERVISOR_HZ]).await.context("the agent hears the whisper")?;
        hears_now(&customer, AGENT_HZ).await.context("the customer does not")?;
        hears_both(scene.phone(SUPERVISOR), [AGENT_HZ, CUSTOMER_HZ]).await.context("the supervisor still hears")?;

        ask(&scene, SUPERVISOR, &path, &json!({ "mode": "barge" })).await?;
        hears_both(&customer, [AGENT_HZ, SUPERVISOR_HZ]).await.context("the customer hears who barged in")?;
        hears_both(scene.phone(AGENT), [CUSTOMER_HZ, SUPERVISOR_HZ]).await.context("so does the agent")?;

        ask(&scene, SUPERVISOR, &path, &json!({ "mode": "listen" })).await?;
        hears_now(&customer, AGENT_HZ).await.context("and no more")?;
        hears_both(scene.phone(SUPERVISOR), [AGENT_HZ, CUSTOMER_HZ]).await.context("who listens again")?;

        scene.agents[SUPERVISOR].api.request(Method::DELETE, &path).send().await?.error_for_status()?;
        scene.phone(SUPERVISOR).wait_for(PhoneEventKind::Closed, SOON).await?;
        stream.wait_kind("call.supervision_ended", Some(&call)).await?;
        hears_now(&customer, AGENT_HZ).await.context("the call goes on")?;
        let seen = scene.agents[AGENT].api.get("/events?kinds=call.supervised").await?;
        ensure!(seen["items"].as_array().is_some_and(|told| told.len() == 4), "the agent is told: {seen}");
        // Who only talks in calls supervises none.
        let refused =
            scene.agents[AGENT].api.request(Method::POST, &path).json(&json!({ "mode": "listen" })).send().await?;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        customer.hang_up().await?;
        stream.wait_kind("recording.ready", None).await?;
        let audited = scene.admin.get("/audit?limit=100").await?;
        let entries = audited["items"].as_array().context("entries")?;
        ensure!(entries.iter().filter(|entry| entry["action"] == "call.supervised").count() == 4, "{audited}");
        scene.nothing_left(stack).await
    });
}

#[test]
fn where_the_tenant_says_so_an_agent_is_told_nothing() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        let off = json!({ "value": false });
        scene.admin.send(Method::PUT, "/settings/tenant/supervision.announced", &off).await?;
        scene.add_supervisor(stack).await?;
        scene.plug_in_sounding(SUPERVISOR, true, SUPERVISOR_HZ).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;
        ask(&scene, SUPERVISOR, &format!("/calls/{call}/supervise"), &json!({ "mode": "listen" })).await?;
        stream.wait_kind("call.supervised", Some(&call)).await?;
        hears_now(scene.phone(AGENT), CUSTOMER_HZ).await.context("no tone, only the customer")?;
        scene.phone(SUPERVISOR).hang_up().await?;
        let ended = stream.wait_kind("call.supervision_ended", Some(&call)).await?;
        ensure!(ended.event["data"]["why"] == "hung_up", "{}", ended.event);
        customer.hang_up().await?;
        stream.wait_kind("recording.ready", None).await?;
        let agent = &scene.agents[AGENT].api;
        for path in ["/events?limit=1000".to_owned(), format!("/calls/{call}/events"), format!("/calls/{call}")] {
            let seen = agent.get(&path).await?.to_string();
            ensure!(seen.contains(&call) && !seen.contains("call.supervis"), "{path}: {seen}");
            ensure!(!seen.contains(&scene.agents[SUPERVISOR].api.user), "{path}: {seen}");
        }
        let seen = scene.agents[SUPERVISOR].api.get(&format!("/calls/{call}/events")).await?.to_string();
        ensure!(seen.contains("call.supervised"), "{seen}");
        scene.nothing_left(stack).await
    });
}

#[test]
fn a_supervisor_takes_a_call_over_and_the_recording_is_whole() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let (mut scene, mut stream, customer, call) = supervised(stack).await?;
        // Rung first: the phone answers by itself.
        ask(&scene, SUPERVISOR, &format!("/calls/{call}/take-over"), &Value::Null).await?;
        let transferred = stream.wait_kind("call.transferred", Some(&call)).await?;
        ensure!(transferred.event["data"]["kind"] == "take_over", "{}", transferred.event);
        scene.phone(AGENT).wait_for(PhoneEventKind::Closed, SOON).await?;
        hears_now(&customer, SUPERVISOR_HZ).await.context("the supervisor")?;
        hears_now(scene.phone(SUPERVISOR), CUSTOMER_HZ).await.context("the customer")?;
        scene.phone(SUPERVISOR).hang_up().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        stream.wait_kind("recording.ready", None).await?;
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        assert_eq!(record["agent_id"], json!(scene.agents[SUPERVISOR].api.user));
        assert_eq!(record["end_reason"], "completed_agent");
        let audio = scene.admin.audio(record["recording_id"].as_str().context("a recording")?).await?;
        let file = scene.folder("recording.wav");
        std::fs::write(&file, audio)?;
        let wav = Wav::read(&file)?;
        for hz in [AGENT_HZ, SUPERVISOR_HZ] {
            let loudest = (0..600)
                .map(|half| f64::from(half) * 0.5)
                .take_while(|from| from + 0.5 <= wav.seconds())
                .map(|from| tone_share_windowed(wav.cut(0, from, from + 0.5), wav.rate, f64::from(hz)))
                .fold(0.0, f64::max);
            ensure!(loudest > 0.9, "{hz} Hz is nowhere in the recording: {loudest}");
        }
        scene.nothing_left(stack).await
    });
}

#[test]
fn a_waiting_call_is_moved_with_its_wait() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        scene.add_supervisor(stack).await?;
        scene.add_queue(stack, "701").await?;
        let queues = scene.admin.get("/queues").await?;
        let other = queues["items"].as_array().and_then(|all| all.iter().find(|queue| queue["slug"] == "one-more"));
        let other = other.context("the other queue")?["id"].clone();
        let mut stream = EventStream::next_only(&scene.admin).await?;
        scene.plug_in(AGENT, false).await?;
        scene.agents[AGENT].api.set_state("available").await?;
        let customer = scene.customer().await?;
        let call = stream.wait_kind("call.offered", None).await?.subject().to_owned();
        scene.phone(AGENT).wait_for(PhoneEventKind::Incoming, SOON).await?;
        let before = scene.admin.get(&format!("/calls/{call}")).await?;
        ask(&scene, SUPERVISOR, &format!("/calls/{call}/move"), &json!({ "queue_id": other })).await?;
        let queued = stream.wait_kind("call.queued", Some(&call)).await?;
        ensure!(
            queued.event["data"]["reason"] == "moved" && queued.event["data"]["queue_id"] == other,
            "{}",
            queued.event
        );
        scene.phone(AGENT).wait_for(PhoneEventKind::Closed, SOON).await?;
        let after = scene.admin.call_when(&call, |call| call["queue_id"] == other).await?;
        assert_eq!(after["queued_at"], before["queued_at"]);
        customer.hang_up().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn a_held_customer_hears_music_and_a_muted_agent_is_not_heard() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;
        let path = |what: &str| format!("/calls/{call}/{what}");
        ask(&scene, AGENT, &path("hold"), &Value::Null).await?;
        stream.wait_kind("call.held", Some(&call)).await?;
        hears(&customer, "music", |share, loudest| share(AGENT_HZ) < 0.3 && loudest > 500.0).await?;
        scene.admin.call_when(&call, |call| call["held_since"].is_string()).await?;
        ask(&scene, AGENT, &path("resume"), &Value::Null).await?;
        stream.wait_kind("call.resumed", Some(&call)).await?;
        hears_now(&customer, AGENT_HZ).await.context("the agent again")?;
        hears_now(scene.phone(AGENT), CUSTOMER_HZ).await.context("the customer again")?;

        ask(&scene, AGENT, &path("mute"), &Value::Null).await?;
        stream.wait_kind("call.muted", Some(&call)).await?;
        hears_nothing(&customer).await?;
        hears_now(scene.phone(AGENT), CUSTOMER_HZ).await.context("who is muted hears")?;
        ask(&scene, AGENT, &path("unmute"), &Value::Null).await?;
        stream.wait_kind("call.unmuted", Some(&call)).await?;
        hears_now(&customer, AGENT_HZ).await.context("the agent once more")?;

        ask(&scene, AGENT, &path("dtmf"), &json!({ "digits": "12#" })).await?;
        // A customer who hangs up while they are held ends the call as ever.
        ask(&scene, AGENT, &path("hold"), &Value::Null).await?;
        stream.wait_kind("call.held", Some(&call)).await?;
        customer.hang_up().await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        ensure!(ended.event["data"]["end_reason"] == "completed_customer", "{}", ended.event);
        scene.nothing_left(stack).await
    });
}

#[test]
fn a_paused_recording_is_silent_for_the_time_and_says_so() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;
        ask(&scene, AGENT, &format!("/calls/{call}/recording/pause"), &Value::Null).await?;
        let paused = stream.wait_kind("recording.paused", None).await?;
        ensure!(paused.event["data"]["call_id"] == json!(call), "{}", paused.event);
        hears_now(&customer, AGENT_HZ).await.context("what is not recorded is said all the same")?;
        // The phone ends it.
        scene.phone(AGENT).dtmf('*').await?;
        scene.phone(AGENT).dtmf('1').await?;
        let resumed = stream.wait_kind("recording.resumed", None).await?;
        let paused_ms = resumed.event["data"]["paused_ms"].as_f64().context("a length")?;
        ensure!(paused_ms > 1_000.0, "{paused_ms}");
        hears_now(&customer, AGENT_HZ).await?;
        customer.hang_up().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        let ready = stream.wait_kind("recording.ready", None).await?;
        let gaps = ready.event["data"]["gaps"].as_array().context("gaps")?.clone();
        let gap = gaps.iter().find(|gap| gap["reason"] == "paused").with_context(|| format!("{gaps:?}"))?;
        let at = |name: &str| gap[name].as_f64().map(|ms| ms / 1_000.0).context("ms");
        let (from, to) = (at("from_ms")?, at("to_ms")?);
        ensure!((to - from - paused_ms / 1_000.0).abs() < 0.4, "{gap} for {paused_ms}");
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        let audio = scene.admin.audio(record["recording_id"].as_str().context("a recording")?).await?;
        let file = scene.folder("recording.wav");
        std::fs::write(&file, audio)?;
        let wav = Wav::read(&file)?;
        for (channel, hz) in [(0, AGENT_HZ), (1, CUSTOMER_HZ)] {
            let pause = wav.cut(channel, from + 0.002, to - 0.002);
            ensure!(pause.iter().all(|sample| *sample == 0), "a word in the pause, on side {channel}");
            let before = tone_share_windowed(wav.cut(channel, from - 0.6, from - 0.1), wav.rate, f64::from(hz));
            let after = tone_share_windowed(wav.cut(channel, to + 0.3, to + 0.8), wav.rate, f64::from(hz));
            ensure!(before > MOSTLY && after > MOSTLY, "around it on side {channel}: {before} {after}");
        }
        scene.nothing_left(stack).await
    });
}
