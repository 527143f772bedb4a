//! Calls that are handed to somebody outside, and calls between colleagues, on a real Asterisk. All tests share one stack and one world outside.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::phones::Baresip;
use trunkline_stack::{PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{AGENT_HZ, CUSTOMER_HZ, Callee, EventStream, MOSTLY, Scene, eventually, hears_now, run};

const SOON: Duration = Duration::from_secs(15);
/// What is heard in a recording needs an Asterisk that keeps time: such calls are made one after the other.
static QUIET: Mutex<()> = Mutex::const_new(());

struct Outside {
    stack: Stack,
    callee: Callee,
}

async fn outside() -> Result<&'static Outside> {
    static OUTSIDE: OnceCell<Outside> = OnceCell::const_new();
    OUTSIDE
        .get_or_try_init(async || {
            let callee = Callee::start().await?;
            let env = vec![callee.trunk()];
            let stack = Stack::start(StackOptions { demo: false, env, ..StackOptions::default() }).await?;
            Ok(Outside { stack, callee })
        })
        .await
}

/// A tenant that may call the United States, and whose agents' phones answer by themselves.
async fn scene(stack: &Stack, agents: usize) -> Result<Scene> {
    let mut scene = Scene::new(stack, agents).await?;
    for index in 0..agents {
        scene.plug_in(index, true).await?;
    }
    let rules = json!({ "country": "US", "caller_id": scene.number });
    scene.admin.send(Method::PUT, "/dialing", &rules).await?;
    Ok(scene)
}

/// A customer who talks with the first agent; gives the call too.
async fn talking(scene: &mut Scene, stream: &mut EventStream) -> Result<(Baresip, String)> {
    scene.agents[0].api.set_state("available").await?;
    let customer = scene.customer().await?;
    let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
    hears_now(&customer, AGENT_HZ).await.context("the agent")?;
    Ok((customer, call))
}

async fn hand_on(scene: &Scene, call: &str, kind: &str, number: &str) -> Result<(StatusCode, Value)> {
    let body = json!({ "kind": kind, "to": { "number": number } });
    let api = &scene.agents[0].api;
    let answer = api.request(Method::POST, &format!("/calls/{call}/transfer")).json(&body).send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    Ok((status, serde_json::from_str(&text).unwrap_or_default()))
}

/// What the admin allowed reaches call control by a notification: tried until it is there.
async fn handed_on(scene: &Scene, call: &str, kind: &str, number: &str) -> Result<()> {
    eventually(SOON, async || {
        let (status, problem) = hand_on(scene, call, kind, number).await?;
        ensure!(status == StatusCode::ACCEPTED, "{status} {problem}");
        Ok(())
    })
    .await
}

async fn step(scene: &Scene, call: &str, step: &str) -> Result<()> {
    scene.agents[0].api.send(Method::POST, &format!("/calls/{call}/transfer/{step}"), &Value::Null).await?;
    Ok(())
}

/// One record with all legs closed, and one recording in which, on the agents' side, each of these tones is heard.
async fn one_whole_recording(scene: &Scene, stream: &mut EventStream, call: &str, tones: &[u32]) -> Result<Value> {
    stream.wait_kind("call.ended", Some(call)).await?;
    stream.wait_kind("recording.ready", None).await?;
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

fn outside_leg(record: &Value) -> Result<&Value> {
    let legs = record["legs"].as_array().context("legs")?;
    legs.iter().find(|leg| leg["kind"] == "outside").with_context(|| format!("no leg to the outside: {record}"))
}

#[test]
fn blind_to_a_number_the_call_goes_on_outside_with_record_and_recording_whole() {
    run(async {
        let Outside { stack, callee } = outside().await?;
        let _quiet = QUIET.lock().await;
        let mut scene = scene(stack, 1).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;

        // Denied by the rules: told as for a call out, and nothing changes.
        eventually(SOON, async || {
            let (status, problem) = hand_on(&scene, &call, "blind", "+390644121234").await?;
            ensure!(status == StatusCode::CONFLICT, "{status} {problem}");
            let words = problem["detail"].as_str().unwrap_or_default();
            ensure!(problem["type"].as_str().is_some_and(|kind| kind.ends_with("call-denied")), "{problem}");
            ensure!(words.contains("IT"), "not these rules yet: {problem}");
            Ok(())
        })
        .await?;
        hears_now(&customer, AGENT_HZ).await.context("still the agent")?;

        handed_on(&scene, &call, "blind", "(212) 555-0123").await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        let transferred = stream.wait_kind("call.transferred", Some(&call)).await?;
        assert_eq!(transferred.event["data"]["to"], json!({ "number": Callee::ANSWERS }));
        // Who is outside sends back what they hear.
        hears_now(&customer, CUSTOMER_HZ).await.context("the outside party")?;
        let invite = callee.requests("INVITE").pop().context("an INVITE")?;
        let from = invite.lines().find(|line| line.starts_with("From:")).context("From")?;
        ensure!(from.contains(&scene.number), "the company's number is shown: {from}");
        let agents = scene.admin.get("/agents").await?;
        assert_eq!(agents["items"][0]["activity"], "available", "the agent is free: {agents}");

        customer.hang_up().await?;
        let record = one_whole_recording(&scene, &mut stream, &call, &[AGENT_HZ, CUSTOMER_HZ]).await?;
        assert_eq!(
            (&record["end_reason"], &record["agent_id"]),
            (&"transferred".into(), &json!(scene.agents[0].api.user))
        );
        let leg = outside_leg(&record)?;
        assert_eq!((&leg["number"], leg["answered_at"].is_string()), (&json!(Callee::ANSWERS), true), "{leg}");
        ensure!(scene.figures_agree(stack).await?, "the figures agree with the journal");
        scene.nothing_left(stack).await
    });
}

#[test]
fn a_dead_number_gives_the_call_back_to_the_agent() {
    run(async {
        let Outside { stack, .. } = outside().await?;
        let _quiet = QUIET.lock().await;
        let mut scene = scene(stack, 1).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;
        for (number, reason) in [(Callee::DEAD, "invalid_number"), (Callee::BUSY, "busy")] {
            handed_on(&scene, &call, "blind", number).await?;
            let failed = stream.wait_kind("call.transfer_failed", Some(&call)).await?;
            assert_eq!(failed.event["data"]["reason"], reason, "{}", failed.event);
            assert_eq!(failed.event["data"]["to"], json!({ "number": number }));
            stream.wait_kind("call.answered", Some(&call)).await?;
            hears_now(&customer, AGENT_HZ).await.context("the agent again")?;
        }
        customer.hang_up().await?;
        let record = one_whole_recording(&scene, &mut stream, &call, &[AGENT_HZ]).await?;
        assert_eq!(record["end_reason"], "completed_customer");
        scene.nothing_left(stack).await
    });
}

#[test]
fn attended_to_a_number_is_cancelled_and_completed() {
    run(async {
        let Outside { stack, callee } = outside().await?;
        let _quiet = QUIET.lock().await;
        let mut scene = scene(stack, 1).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (customer, call) = talking(&mut scene, &mut stream).await?;

        // Given up while it rings: the other side is told, and the customer has the agent again.
        let given_up = callee.requests("CANCEL").len();
        handed_on(&scene, &call, "attended", Callee::RINGS).await?;
        stream.wait_kind("call.dialled", Some(&call)).await?;
        eventually(SOON, async || {
            ensure!(callee.requests("INVITE").iter().any(|invite| invite.contains(Callee::RINGS)), "not dialled yet");
            Ok(())
        })
        .await?;
        step(&scene, &call, "cancel").await?;
        hears_now(&customer, AGENT_HZ).await.context("the agent again")?;
        eventually(SOON, async || {
            ensure!(callee.requests("CANCEL").len() > given_up, "still rings");
            Ok(())
        })
        .await?;

        handed_on(&scene, &call, "attended", Callee::ANSWERS).await?;
        let consulted = stream.wait_kind("call.consulted", Some(&call)).await?;
        assert_eq!(consulted.event["data"]["to"], json!({ "number": Callee::ANSWERS }));
        hears_now(scene.phone(0), AGENT_HZ)
            .await
            .context("the agent hears the outside party, who sends back their tone")?;
        step(&scene, &call, "swap").await?;
        hears_now(&customer, AGENT_HZ).await.context("with the customer again")?;
        step(&scene, &call, "swap").await?;
        hears_now(scene.phone(0), AGENT_HZ).await.context("and with the outside party again")?;
        step(&scene, &call, "complete").await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        hears_now(&customer, CUSTOMER_HZ).await.context("the customer with the outside party")?;
        customer.hang_up().await?;
        let record = one_whole_recording(&scene, &mut stream, &call, &[AGENT_HZ, CUSTOMER_HZ]).await?;
        assert_eq!(record["end_reason"], "transferred");
        scene.nothing_left(stack).await
    });
}

#[test]
fn a_queue_that_nobody_serves_overflows_to_a_number() {
    run(async {
        let Outside { stack, .. } = outside().await?;
        let _quiet = QUIET.lock().await;
        let scene = scene(stack, 1).await?;
        let overflow = json!({ "after_seconds": 2, "to": { "number": Callee::ANSWERS } });
        let unattended = json!({ "grace_seconds": 60, "rounds": 1, "to": "hang_up" });
        scene.queue_works(&json!({ "routing": { "overflow": overflow, "unattended": unattended } })).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        let overflowed = stream.wait_kind("call.overflowed", None).await?;
        assert_eq!(overflowed.event["data"]["to_number"], Callee::ANSWERS);
        let call = overflowed.subject().to_owned();
        stream.wait_kind("call.transferred", Some(&call)).await?;
        // Long enough for a recording of which the ends are not looked at.
        for _ in 0..2 {
            hears_now(&customer, CUSTOMER_HZ).await.context("the outside party")?;
        }
        customer.hang_up().await?;
        let record = one_whole_recording(&scene, &mut stream, &call, &[CUSTOMER_HZ]).await?;
        assert_eq!((&record["end_reason"], &record["agent_id"]), (&"transferred".into(), &Value::Null));
        scene.nothing_left(stack).await
    });
}

#[test]
fn colleagues_call_each_other_from_a_desk_phone_and_by_the_api() {
    run(async {
        let Outside { stack, .. } = outside().await?;
        let mut scene = Scene::new(stack, 2).await?;
        scene.plug_in(0, true).await?;
        scene.plug_in(1, false).await?;
        for agent in &scene.agents {
            agent.api.set_state("available").await?;
        }
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let agents = scene.admin.get("/agents").await?;
        let extension = |index: usize| -> Result<String> {
            let id = json!(scene.agents[index].api.user);
            let all = agents["items"].as_array().context("agents")?;
            let agent = all.iter().find(|agent| agent["id"] == id).context("the agent")?;
            Ok(agent["extension"].as_str().context("an extension from the beginning")?.to_owned())
        };
        let (first, second) = (extension(0)?, extension(1)?);
        let callee = json!(scene.agents[1].api.user);

        // From a desk phone: rings, is answered, both are on a contact, and nothing is recorded.
        scene.phone(0).dial(&second).await?;
        let started = stream.wait_kind("call.started", None).await?;
        let data = &started.event["data"];
        assert_eq!(
            (&data["direction"], &data["from"], &data["to"]),
            (&json!("internal"), &json!(first), &json!(second))
        );
        let call = started.subject().to_owned();
        scene.phone(1).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(1).answer().await?;
        let answered = stream.wait_kind("call.answered", Some(&call)).await?;
        assert_eq!(answered.event["data"]["agent_id"], callee);
        scene.phone(0).wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(scene.phone(0), AGENT_HZ).await.context("the colleague")?;
        let agents = scene.admin.get("/agents").await?;
        let on_contact = |agent: &Value| agent["activity"] == "on_contact";
        ensure!(agents["items"].as_array().is_some_and(|all| all.iter().all(on_contact)), "{agents}");
        // The one is busy, and so is oneself.
        let placed = scene.agents[0].api.request(Method::POST, "/calls").json(&json!({ "to": second })).send().await?;
        assert_eq!(placed.status(), StatusCode::CONFLICT);
        scene.phone(0).hang_up().await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "completed_customer", "{}", ended.event);
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        assert_eq!((&record["recording_id"], &record["agent_id"]), (&Value::Null, &callee), "{record}");
        scene.phone(1).wait_for(PhoneEventKind::Closed, SOON).await?;

        // By the API: the caller's own phone first, then the colleague's, who refuses.
        let wanted = json!({ "to_agent_id": callee });
        let placed = scene.agents[0].api.send(Method::POST, "/calls", &wanted).await?;
        let call = placed["id"].as_str().context("an id")?.to_owned();
        scene.phone(1).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(1).hang_up().await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        ensure!(["rejected", "busy"].map(Value::from).contains(&ended.event["data"]["end_reason"]), "{}", ended.event);
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;

        // Busy: a third who is not heard at all, and hears busy.
        let customer = scene.customer().await?;
        let offered = stream.wait_kind("call.answered", None).await?;
        assert_eq!(
            offered.event["data"]["agent_id"],
            json!(scene.agents[0].api.user),
            "only the first picks up by itself"
        );
        let answer = scene.agents[1].api.request(Method::POST, "/calls").json(&json!({ "to": first })).send().await?;
        let (status, problem) = (answer.status(), answer.json::<Value>().await?);
        ensure!(status == StatusCode::CONFLICT, "{status} {problem}");
        ensure!(problem["type"].as_str().is_some_and(|kind| kind.ends_with("target-busy")), "{problem}");
        scene.phone(1).dial(&first).await?;
        let busy = stream
            .wait_for("busy", SOON, |seen| seen.kind == "call.ended" && seen.event["data"]["end_reason"] == "busy");
        busy.await?;
        customer.hang_up().await?;
        scene.nothing_left(stack).await
    });
}
