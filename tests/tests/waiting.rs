//! Who waits for an agent, on a real Asterisk: what they hear meanwhile, and how they are called back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_stack::audio::{Wav, tone, tone_share_windowed};
use trunkline_stack::phones::Baresip;
use trunkline_stack::{PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{
    AGENT_HZ, Callee, EchoPhone, EventStream, Keys, Scene, eventually, hears_now, run, shared_stack,
};

const SOON: Duration = Duration::from_secs(15);
/// Words come after some seconds of waiting, and take some.
const PATIENCE: Duration = Duration::from_secs(40);
/// A queue's own music, and what it says of the recording.
const MUSIC_HZ: u32 = 500;
const NOTICE_HZ: u32 = 900;

async fn sound(scene: &Scene, name: &str, hz: u32, seconds: f64) -> Result<String> {
    let path = scene.folder("sound.wav");
    Wav::write_mono(&path, 16_000, &tone(f64::from(hz), 16_000, seconds))?;
    let made = scene.admin.send(Method::POST, "/sounds", &json!({ "name": name })).await?;
    let id = made["id"].as_str().context("an id")?.to_owned();
    let put = scene.admin.request(Method::PUT, &format!("/sounds/{id}/files/en"));
    let answer = put.header("content-type", "audio/wav").body(std::fs::read(&path)?).send().await?;
    ensure!(answer.status() == StatusCode::OK, "{}", answer.text().await?);
    Ok(id)
}

/// Waits until what a phone heard last, for a good second, is as it should be: how loud it is, and the share of a tone in it.
async fn hears(phone: &Baresip, hz: u32, is_it: impl Fn(f64, f64) -> bool) -> Result<()> {
    eventually(PATIENCE, async || {
        let file = phone.heard()?.pop().context("nothing heard")?;
        let wav = Wav::read(&file)?;
        let last = wav.cut(0, (wav.seconds() - 1.2).max(0.0), wav.seconds());
        let power = last.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / last.len().max(1) as f64;
        let share = tone_share_windowed(last, wav.rate, f64::from(hz));
        ensure!(is_it(power.sqrt(), share), "{share} of {hz} Hz in {}", power.sqrt());
        Ok(())
    })
    .await
}

async fn hears_tone(phone: &Baresip, hz: u32) -> Result<()> {
    hears(phone, hz, |_, share| share > 0.9).await
}

async fn hears_words(phone: &Baresip, but: u32) -> Result<()> {
    hears(phone, but, |power, share| power > 300.0 && share < 0.3).await
}

#[test]
fn who_waits_hears_of_the_recording_then_the_queues_own_music_and_where_they_stand() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        let music = sound(&scene, "Music", MUSIC_HZ, 3.0).await?;
        let notice = sound(&scene, "Notice", NOTICE_HZ, 4.0).await?;
        let waiting = json!({ "music": music, "every_seconds": 15, "position": true, "expected_wait": true });
        let notice = json!({ "say": [{ "sound_id": notice }] });
        let unattended = json!({ "grace_seconds": 300, "rounds": 1, "to": "hang_up" });
        let routing = json!({ "while_waiting": waiting, "recording_notice": notice, "unattended": unattended });
        scene.queue_works(&json!({ "routing": routing })).await?;
        scene.plug_in(0, true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        let call = stream.wait_kind("call.queued", None).await?.subject().to_owned();
        hears_tone(&customer, NOTICE_HZ).await.context("the notice")?;
        // That nobody is there is said first, then their place: between the words the sound is played more than once.
        for round in 0..2 {
            hears_words(&customer, MUSIC_HZ).await.with_context(|| format!("words, {round}"))?;
            hears_tone(&customer, MUSIC_HZ).await.with_context(|| format!("the queue's music, {round}"))?;
        }
        scene.agents[0].api.set_state("available").await?;
        stream.wait_kind("call.answered", Some(&call)).await?;
        hears_now(&customer, AGENT_HZ).await.context("the agent")?;
        scene.phone(0).hang_up().await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        let trace = scene.admin.get(&format!("/calls/{call}/trace")).await?;
        ensure!(trace["steps"].as_array().is_some_and(|all| all.iter().any(|it| it["what"] == "recording_notice")));
        // What a queue plays is not deleted beneath it.
        let refused = scene.admin.request(Method::DELETE, &format!("/sounds/{music}")).send().await?;
        assert_eq!(refused.status(), StatusCode::CONFLICT);
        scene.nothing_left(stack).await
    });
}

/// Somebody whose number the callee answers waits, asks to be called back, and is gone; gives the call that waits for them.
async fn asks(scene: &Scene, stream: &mut EventStream) -> Result<String> {
    let number = Callee::ANSWERS.trim_start_matches('+');
    let customer = EchoPhone::dial(scene.sip_port(), number, &scene.number).await?;
    let call = stream.wait_kind("call.queued", None).await?.subject().to_owned();
    customer.press("2", Keys::Events).await?;
    stream.wait_kind("callback.requested", Some(&call)).await?;
    let started = stream
        .wait_for("the call back", SOON, |seen| {
            seen.kind == "call.queued" && seen.event["data"]["callback_of"] == json!(call)
        })
        .await?;
    Ok(started.subject().to_owned())
}

async fn row(scene: &Scene) -> Result<Value> {
    let rows = scene.admin.get("/callbacks").await?;
    let row = rows["items"].get(0).cloned().context("nobody on the list")?;
    assert_eq!(row["number"], Callee::ANSWERS);
    Ok(row)
}

async fn stack_with(callee: &Callee) -> Result<(Stack, Scene)> {
    let stack =
        Stack::start(StackOptions { demo: false, env: vec![callee.trunk()], ..StackOptions::default() }).await?;
    let scene = Scene::new(&stack, 1).await?;
    let rules = json!({ "country": "US", "caller_id": scene.number });
    scene.admin.send(Method::PUT, "/dialing", &rules).await?;
    let routing = json!({
        "while_waiting": { "keys": { "2": "callback" } }, "max_wait_seconds": 60,
        "unattended": { "grace_seconds": 300, "rounds": 1, "to": "hang_up" },
    });
    scene.queue_works(&json!({ "routing": routing })).await?;
    Ok((stack, scene))
}

#[test]
fn who_asks_for_it_is_called_back_once_by_the_first_free_agent_across_a_death_of_the_gateway() {
    run(async {
        let callee = Callee::start().await?;
        let (mut stack, mut scene) = stack_with(&callee).await?;
        scene.plug_in(0, true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let call = asks(&scene, &mut stream).await?;
        eventually(SOON, async || {
            let row = row(&scene).await?;
            ensure!(row["in_line"]["call_id"] == json!(call) && row["why"] == "asked", "{row}");
            Ok(())
        })
        .await?;
        let waiting = scene.admin.get(&format!("/calls/{call}")).await?;
        assert_eq!((&waiting["direction"], &waiting["state"]), (&json!("outbound"), &json!("queued")), "{waiting}");
        assert_eq!(waiting["queued_at"], row(&scene).await?["in_line"]["since"]);
        ensure!(callee.requests("INVITE").is_empty(), "nobody is there for them");

        stack.gateway.kill_9();
        stack.gateway.start_again().await?;
        stream.cut_and_resume().await?;
        scene.wait_reachable(0).await?;
        scene.agents[0].api.set_state("available").await?;
        stream.wait_kind("call.offered", Some(&call)).await?;
        scene.phone(0).wait_for(PhoneEventKind::Established, SOON).await?;
        stream.wait_kind("call.answered", Some(&call)).await?;
        // The callee sends back what it hears.
        hears_now(scene.phone(0), AGENT_HZ).await.context("the agent hears the customer")?;
        let invites = callee.requests("INVITE");
        ensure!(invites.len() == 1 && invites[0].contains(Callee::ANSWERS), "{invites:?}");
        scene.phone(0).hang_up().await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "completed_agent");
        eventually(SOON, async || {
            let row = row(&scene).await?;
            ensure!(row["state"] == "done" && row["in_line"].is_null(), "{row}");
            ensure!(row["last_call_id"] == json!(call), "{row}");
            Ok(())
        })
        .await?;
        ensure!(callee.requests("INVITE").len() == 1);
        scene.nothing_left(&stack).await
    });
}

#[test]
fn who_is_taken_by_hand_is_not_called_by_the_router() {
    run(async {
        let callee = Callee::start().await?;
        let (stack, mut scene) = stack_with(&callee).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let call = asks(&scene, &mut stream).await?;
        let id = row(&scene).await?["id"].as_str().context("an id")?.to_owned();
        scene.agents[0].api.send(Method::POST, &format!("/callbacks/{id}/take"), &json!({})).await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "withdrawn");
        ensure!(row(&scene).await?["in_line"].is_null() && row(&scene).await?["attempts"] == 0);
        scene.everybody_works(true).await?;
        ensure!(callee.requests("INVITE").is_empty());
        scene.nothing_left(&stack).await
    });
}
