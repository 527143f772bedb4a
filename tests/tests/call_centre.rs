//! What makes one ringing phone a call centre: calls handed on, calls of three, wrap-up, and waits that end. All tests share one stack.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use trunkline_stack::PhoneEventKind;
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::phones::Baresip;
use trunkline_tests::{AGENT_HZ, CUSTOMER_HZ, EventStream, MOSTLY, Scene, eventually, hears_now, run, shared_stack};

const SOON: Duration = Duration::from_secs(15);
/// The second agent's tone.
const SECOND_HZ: u32 = 1_500;

/// What is heard in a recording needs an Asterisk that keeps time: such calls are made one after the other.
static QUIET: Mutex<()> = Mutex::const_new(());

/// A customer who talks with the first of two agents, whose second answers by itself; gives the call too.
async fn talking(scene: &mut Scene, stream: &mut EventStream) -> Result<(Baresip, String)> {
    scene.plug_in(0, true).await?;
    scene.plug_in_sounding(1, true, SECOND_HZ).await?;
    scene.agents[0].api.set_state("available").await?;
    let mut customer = scene.customer().await?;
    let answered = stream.wait_kind("call.answered", None).await?;
    customer.wait_for(PhoneEventKind::Established, SOON).await?;
    hears_now(&customer, AGENT_HZ).await.context("the first agent")?;
    Ok((customer, answered.subject().to_owned()))
}

async fn hand_on(scene: &Scene, call: &str, kind: &str, to: Value) -> Result<()> {
    let body = json!({ "kind": kind, "to": to });
    scene.agents[0].api.send(Method::POST, &format!("/calls/{call}/transfer"), &body).await?;
    Ok(())
}

async fn step(scene: &Scene, call: &str, step: &str) -> Result<()> {
    scene.agents[0].api.send(Method::POST, &format!("/calls/{call}/transfer/{step}"), &Value::Null).await?;
    Ok(())
}

/// One record and one recording, in which each of these tones is heard on the agents' side; on the customer's, theirs throughout.
async fn one_whole_recording(scene: &Scene, stream: &mut EventStream, call: &str, tones: &[u32]) -> Result<Value> {
    stream.wait_kind("call.ended", Some(call)).await?;
    let ready = stream.wait_kind("recording.ready", None).await?;
    ensure!(ready.event["data"]["call_id"] == json!(call), "{}", ready.event);
    let record = scene.admin.get(&format!("/calls/{call}")).await?;
    let legs = record["legs"].as_array().context("legs")?;
    ensure!(legs.iter().all(|leg| leg["ended_at"].is_string()), "{record}");
    let calls = scene.admin.get("/calls").await?;
    ensure!(calls["items"].as_array().is_some_and(|calls| calls.len() == 1), "one record: {calls}");
    let audio = scene.admin.audio(record["recording_id"].as_str().context("a recording")?).await?;
    let path = scene.folder("recording.wav");
    std::fs::write(&path, audio)?;
    let wav = Wav::read(&path)?;
    for hz in tones {
        let loudest = (0..600)
            .map(|half| f64::from(half) * 0.5)
            .take_while(|from| from + 0.5 <= wav.seconds())
            .map(|from| tone_share_windowed(wav.cut(0, from, from + 0.5), wav.rate, f64::from(*hz)))
            .fold(0.0, f64::max);
        ensure!(loudest > 0.9, "{hz} Hz is nowhere in the recording: {loudest}");
    }
    let own = tone_share_windowed(wav.cut(1, 0.5, wav.seconds() - 0.5), wav.rate, f64::from(CUSTOMER_HZ));
    ensure!(own > MOSTLY, "the customer's side has {own} of their tone");
    Ok(record)
}

#[test]
fn a_blind_transfer_goes_to_the_other_agent_with_record_and_recording_whole() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;
        let other = scene.agents[1].api.user.clone();
        hand_on(&scene, &call, "blind", json!({ "agent_id": other })).await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        hears_now(&customer, SECOND_HZ).await.context("the second agent")?;
        hears_now(&customer, SECOND_HZ).await.context("and goes on hearing them")?;
        customer.hang_up().await?;
        let record = one_whole_recording(&scene, &mut stream, &call, &[AGENT_HZ, SECOND_HZ]).await?;
        assert_eq!((&record["agent_id"], &record["end_reason"]), (&json!(other), &"completed_customer".into()));
        ensure!(stream.kinds_of(&call).contains(&"call.transferred"), "{:?}", stream.kinds_of(&call));
        scene.nothing_left(stack).await
    });
}

#[test]
fn a_target_that_does_not_answer_gives_the_call_back() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        scene.queue_works(&json!({ "ring_seconds": 5 })).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        scene.plug_in(0, true).await?;
        scene.plug_in(1, false).await?;
        scene.agents[0].api.set_state("available").await?;
        let customer = scene.customer().await?;
        let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        hears_now(&customer, AGENT_HZ).await?;
        let other = scene.agents[1].api.user.clone();
        hand_on(&scene, &call, "blind", json!({ "agent_id": other })).await?;
        scene.phone(1).wait_for(PhoneEventKind::Incoming, SOON).await?;
        stream.wait_kind("call.transfer_failed", Some(&call)).await?;
        stream.wait_kind("call.answered", Some(&call)).await?;
        hears_now(&customer, AGENT_HZ).await.context("the first agent again")?;
        customer.hang_up().await?;
        let record = one_whole_recording(&scene, &mut stream, &call, &[AGENT_HZ]).await?;
        assert_eq!(record["agent_id"], json!(scene.agents[0].api.user));
        scene.nothing_left(stack).await
    });
}

#[test]
fn an_attended_transfer_is_asked_swapped_and_completed() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;
        let other = scene.agents[1].api.user.clone();
        hand_on(&scene, &call, "attended", json!({ "agent_id": other })).await?;
        stream.wait_kind("call.consulted", Some(&call)).await?;
        hears_now(scene.phone(0), SECOND_HZ).await.context("the one who asks hears who is asked")?;
        let again = hand_on(&scene, &call, "blind", json!({ "agent_id": other })).await;
        ensure!(again.is_err_and(|error| error.to_string().contains("409")), "not while somebody is being asked");
        step(&scene, &call, "swap").await?;
        hears_now(&customer, AGENT_HZ).await.context("with the customer again")?;
        step(&scene, &call, "swap").await?;
        hears_now(scene.phone(1), AGENT_HZ).await.context("and with the other again")?;
        step(&scene, &call, "complete").await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        hears_now(&customer, SECOND_HZ).await.context("the customer with the other")?;
        scene.phone(1).hang_up().await?;
        let record = one_whole_recording(&scene, &mut stream, &call, &[AGENT_HZ, SECOND_HZ]).await?;
        assert_eq!((&record["agent_id"], &record["end_reason"]), (&json!(other), &"completed_agent".into()));
        scene.nothing_left(stack).await
    });
}

#[test]
fn a_queue_is_asked_and_whoever_of_it_answers_takes_the_call() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;
        // Nobody of it is free: the one who asks hears that it rings, and gives it up.
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        let queue = json!({ "queue_id": record["queue_id"] });
        hand_on(&scene, &call, "attended", queue.clone()).await?;
        stream.wait_kind("call.asked", Some(&call)).await?;
        step(&scene, &call, "cancel").await?;
        stream.wait_kind("call.resumed", Some(&call)).await?;
        hears_now(&customer, AGENT_HZ).await.context("with the customer again")?;

        hand_on(&scene, &call, "attended", queue).await?;
        stream.wait_kind("call.asked", Some(&call)).await?;
        let other = &scene.agents[1].api;
        other.set_state("available").await?;
        let consulted = stream.wait_kind("call.consulted", Some(&call)).await?;
        assert_eq!(consulted.event["data"]["agent_id"], json!(other.user));
        hears_now(scene.phone(0), SECOND_HZ).await.context("the one who asks hears who answered")?;
        step(&scene, &call, "complete").await?;
        hears_now(&customer, SECOND_HZ).await.context("the customer with the other")?;
        customer.hang_up().await?;
        let record = one_whole_recording(&scene, &mut stream, &call, &[AGENT_HZ, SECOND_HZ]).await?;
        assert_eq!(record["agent_id"], json!(scene.agents[1].api.user));
        scene.nothing_left(stack).await
    });
}

#[test]
fn three_hear_each_other_and_the_call_ends_with_the_last_agent() {
    run(async {
        let _quiet = QUIET.lock().await;
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (mut customer, call) = talking(&mut scene, &mut stream).await?;
        let body = json!({ "agent_id": scene.agents[1].api.user });
        scene.agents[0].api.send(Method::POST, &format!("/calls/{call}/conference"), &body).await?;
        stream.wait_kind("call.conferenced", Some(&call)).await?;
        // Two tones at once: neither is alone, and both are there.
        let both = async |phone: &Baresip, tones: [u32; 2]| {
            eventually(SOON, async || {
                let file = phone.heard()?.pop().context("nothing heard")?;
                let wav = Wav::read(&file)?;
                let last = wav.cut(0, (wav.seconds() - 0.5).max(0.0), wav.seconds());
                let shares = tones.map(|hz| tone_share_windowed(last, wav.rate, f64::from(hz)));
                ensure!(shares.iter().all(|share| *share > 0.2), "{shares:?}");
                Ok(())
            })
            .await
        };
        both(&customer, [AGENT_HZ, SECOND_HZ]).await.context("the customer")?;
        both(scene.phone(0), [CUSTOMER_HZ, SECOND_HZ]).await.context("the first agent")?;
        scene.phone(0).hang_up().await?;
        hears_now(&customer, SECOND_HZ).await.context("those who are left")?;
        scene.phone(1).hang_up().await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        one_whole_recording(&scene, &mut stream, &call, &[AGENT_HZ, SECOND_HZ]).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn wrap_up_lasts_until_the_agent_has_said_what_the_call_came_to() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        let codes = json!([{ "code": "sale", "label": "Sale" }]);
        let routing = json!({ "wrap_up_seconds": 1, "dispositions": codes, "disposition_required": true });
        scene.queue_works(&json!({ "routing": routing })).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        customer.hang_up().await?;
        let wraps = |data: &Value| data["activity"] == "wrap_up";
        stream
            .wait_for("wrap-up", SOON, |seen| seen.kind == "agent.activity_changed" && wraps(&seen.event["data"]))
            .await?;
        let agents = scene.admin.get("/agents").await?;
        assert_eq!(agents["items"][0]["wrap_up"]["call_id"], json!(call), "{agents}");
        let second = scene.customer().await?;
        let queued = stream.wait_kind("call.queued", None).await?.subject().to_owned();
        let path = format!("/calls/{call}/disposition");
        scene.agents[0].api.send(Method::POST, &path, &json!({ "code": "sale" })).await?;
        // The second call could not be offered before.
        let said = stream.wait_kind("call.disposed", Some(&call)).await?;
        let offered = stream.wait_kind("call.offered", Some(&queued)).await?;
        ensure!(offered.event["seq"].as_i64() > said.event["seq"].as_i64(), "{} {}", said.event, offered.event);
        second.hang_up().await?;
        stream.wait_kind("call.ended", Some(&queued)).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn all_phones_ring_at_once_and_the_first_answer_silences_the_others() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        scene.queue_works(&json!({ "routing": { "strategy": "ring_all" } })).await?;
        scene.everybody_works(false).await?;
        let customer = scene.customer().await?;
        for index in 0..2 {
            scene.phone(index).wait_for(PhoneEventKind::Incoming, SOON).await?;
        }
        scene.phone(1).answer().await?;
        scene.phone(1).wait_for(PhoneEventKind::Established, SOON).await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        customer.hang_up().await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn a_caller_for_whom_nobody_is_there_is_told_so_and_the_call_ends() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let unattended = json!({ "grace_seconds": 1, "rounds": 1, "to": "hang_up" });
        scene.queue_works(&json!({ "routing": { "unattended": unattended } })).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        let call = stream.wait_kind("call.started", None).await?.subject().to_owned();
        let ended = stream.wait_for("the end", Duration::from_secs(40), |seen| seen.kind == "call.ended").await?;
        assert_eq!((ended.subject(), &ended.event["data"]["end_reason"]), (call.as_str(), &"no_answer".into()));
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn nobody_but_who_talks_hands_a_call_on() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;
        let body = json!({ "kind": "blind", "to": { "agent_id": scene.agents[1].api.user } });
        let path = format!("/calls/{call}/transfer");
        let answer = scene.agents[1].api.request(Method::POST, &path).json(&body).send().await?;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let nobody = json!({ "kind": "blind", "to": { "agent_id": scene.admin.user } });
        let answer = scene.agents[0].api.request(Method::POST, &path).json(&nobody).send().await?;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        customer.hang_up().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        scene.nothing_left(stack).await
    });
}
