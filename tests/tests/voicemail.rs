//! A caller leaves a message at a real Asterisk: it arrives once and is what was spoken, whatever becomes of the gateway meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::{PhoneEventKind, Stack};
use trunkline_tests::{
    CUSTOMER_HZ, EchoPhone, EventStream, Keys, MOSTLY, Scene, eventually, nothing_left_in_asterisk, outage_stack, run,
};

const SOON: Duration = Duration::from_secs(15);
/// Bytes of a second in Asterisk's file.
const SECOND: u64 = 16_000;

/// The scene's number takes messages for its queue.
async fn takes_messages(scene: &Scene) -> Result<()> {
    let queues = scene.admin.get("/queues").await?;
    let queue = queues["items"][0]["id"].clone();
    let node = json!({
        "id": "message", "name": "Message",
        "do": { "type": "voicemail", "queue_id": queue, "say": [{ "builtin": "vm-goodbye" }], "max_seconds": 60 },
    });
    let definition = json!({ "start": "message", "nodes": [node] });
    let flow =
        scene.admin.send(Method::POST, "/flows", &json!({ "name": "Messages", "definition": definition })).await?;
    let id = flow["id"].as_str().context("a flow")?;
    scene.admin.send(Method::POST, &format!("/flows/{id}/publish"), &json!({ "note": "" })).await?;
    let target = json!({ "target": { "type": "flow", "flow_id": id } });
    let number = scene.number.replace('+', "%2B");
    scene.admin.send(Method::PATCH, &format!("/numbers/{number}"), &target).await?;
    Ok(())
}

/// What Asterisk writes at this moment.
fn being_written(stack: &Stack) -> Option<(PathBuf, u64)> {
    let files = std::fs::read_dir(stack.asterisk.dir().join("spool/recording")).ok()?.flatten();
    let mut waves = files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|kind| kind == "wav"));
    let path = waves.next()?;
    let bytes = path.metadata().ok()?.len();
    Some((path, bytes))
}

/// Waits until so many seconds of the message are in Asterisk's file.
async fn spoken(stack: &Stack, seconds: u64) -> Result<()> {
    eventually(SOON + Duration::from_secs(seconds), async || {
        let (_, bytes) = being_written(stack).context("nothing is recorded yet")?;
        ensure!(bytes > seconds * SECOND, "{bytes} bytes so far");
        Ok(())
    })
    .await
}

async fn only_message(scene: &Scene) -> Result<Value> {
    let list = scene.admin.get("/voicemails").await?;
    let items = list["items"].as_array().context("messages")?;
    ensure!(items.len() == 1, "{list}");
    Ok(items[0].clone())
}

/// The one message there is, as it can be heard: the caller's tone, for at least so long.
async fn is_what_was_spoken(scene: &Scene, seconds: f64) -> Result<()> {
    let message = eventually(SOON, async || {
        let message = only_message(scene).await?;
        ensure!(message["state"] == "ready", "{message}");
        Ok(message)
    })
    .await?;
    let id = message["id"].as_str().context("its id")?;
    let answer = scene.admin.request(Method::GET, &format!("/voicemails/{id}/audio")).send().await?;
    let path = scene.folder("message.wav");
    std::fs::write(&path, answer.error_for_status()?.bytes().await?)?;
    let wav = Wav::read(&path)?;
    ensure!(wav.seconds() >= seconds, "{} s of {seconds}", wav.seconds());
    let told = message["length_ms"].as_f64().context("its length")? / 1000.0;
    ensure!((told - wav.seconds()).abs() < 0.1, "{told} s are told of {} s", wav.seconds());
    let share = tone_share_windowed(wav.cut(0, 0.3, wav.seconds() - 0.3), wav.rate, f64::from(CUSTOMER_HZ));
    ensure!(share > MOSTLY, "{share} of the caller's tone");
    Ok(())
}

async fn told_once(stream: &mut EventStream) -> Result<()> {
    let ready = stream.wait_kind("voicemail.ready", None).await?;
    let call = ready.subject().to_owned();
    let kinds = stream.kinds_of(&call);
    for once in ["voicemail.left", "voicemail.ready"] {
        ensure!(kinds.iter().filter(|kind| **kind == once).count() == 1, "{once} in {kinds:?}");
    }
    Ok(())
}

/// Asterisk is asked to forget what was fetched.
async fn forgotten(stack: &Stack) -> Result<()> {
    eventually(SOON, async || {
        ensure!(being_written(stack).is_none(), "Asterisk still has it");
        Ok(())
    })
    .await
}

#[test]
fn a_message_is_heard_as_it_was_spoken_and_its_caller_is_to_be_called_back() {
    run(async {
        let stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        takes_messages(&scene).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        spoken(&stack, 3).await?;
        customer.hang_up().await?;
        told_once(&mut stream).await?;
        is_what_was_spoken(&scene, 2.5).await?;
        forgotten(&stack).await?;
        let row = eventually(SOON, async || {
            let rows = scene.admin.get("/callbacks?state=open").await?;
            ensure!(rows["items"].as_array().is_some_and(|rows| rows.len() == 1), "{rows}");
            Ok(rows["items"][0].clone())
        })
        .await?;
        let message = only_message(&scene).await?;
        assert_eq!((&row["why"], &row["voicemail_id"]), (&json!("voicemail"), &message["id"]));
        eventually(SOON, async || {
            let conversation = only_message(&scene).await?["conversation_id"].clone();
            let conversation = conversation.as_str().context("no conversation yet")?;
            let all = scene.admin.get(&format!("/conversations/{conversation}/messages")).await?;
            let kinds: Vec<&str> =
                all["items"].as_array().context("items")?.iter().filter_map(|one| one["kind"].as_str()).collect();
            ensure!(kinds == ["call", "voicemail"], "{kinds:?}");
            Ok(())
        })
        .await?;
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn the_light_of_a_desk_phone_is_lit_until_somebody_is_done_with_the_message() {
    run(async {
        let stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        takes_messages(&scene).await?;
        let (name, password) = &scene.agents[0].credentials;
        let desk = EchoPhone::sign_in(scene.sip_port(), name, password).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        spoken(&stack, 2).await?;
        customer.hang_up().await?;
        stream.wait_kind("voicemail.left", None).await?;
        desk.told("Messages-Waiting: yes\r\nVoice-Message: 1/0").await?;
        // One that was switched off has forgotten it.
        drop(desk);
        let desk = EchoPhone::sign_in(scene.sip_port(), name, password).await?;
        desk.told("Messages-Waiting: yes\r\nVoice-Message: 1/0").await?;
        let id = only_message(&scene).await?["id"].as_str().context("its id")?.to_owned();
        scene.agents[0].api.send(Method::POST, &format!("/voicemails/{id}/done"), &json!({})).await?;
        desk.told("Messages-Waiting: no\r\nVoice-Message: 0/0").await?;
        scene.agents[0].api.send(Method::POST, &format!("/voicemails/{id}/reopen"), &json!({})).await?;
        desk.told("Messages-Waiting: yes\r\nVoice-Message: 1/0").await?;
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn who_waits_leaves_a_message_or_asks_to_be_called_back_by_a_key() {
    run(async {
        let stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        let queues = scene.admin.get("/queues").await?;
        let queue = queues["items"][0]["id"].as_str().context("a queue")?;
        let path = format!("/queues/{queue}/routing");
        let mut works = scene.admin.get(&path).await?;
        works["routing"]["while_waiting"] =
            json!({ "every_seconds": 15, "position": true, "keys": { "1": "voicemail", "5": "callback" } });
        scene.admin.send(Method::PUT, &path, &works).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = EchoPhone::dial(scene.sip_port(), "15557654321", &scene.number).await?;
        let call = stream.wait_kind("call.queued", None).await?.subject().to_owned();
        // A key that leads nowhere leads nowhere.
        customer.press("7", Keys::Events).await?;
        customer.press("1", Keys::Events).await?;
        let went = stream.wait_kind("call.overflowed", Some(&call)).await?;
        assert_eq!((&went.event["data"]["to"], &went.event["data"]["reason"]), (&json!("voicemail"), &json!("key")));
        // Over the greeting and the tone, too.
        tokio::select! {
            over = customer.speak(Duration::from_secs(30)) => over?,
            heard = spoken(&stack, 2) => heard?,
        }
        customer.hang_up().await?;
        told_once(&mut stream).await?;
        let message = only_message(&scene).await?;
        assert_eq!((&message["call_id"], &message["queue_id"]), (&json!(call), &json!(queue)));
        // Another only wants to be called back.
        let customer = EchoPhone::dial(scene.sip_port(), "15557654322", &scene.number).await?;
        let call = stream.wait_kind("call.queued", None).await?.subject().to_owned();
        customer.press("5", Keys::Info).await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "callback");
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn a_gateway_that_dies_while_a_message_is_left_loses_nothing_of_it() {
    run(async {
        let mut stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        takes_messages(&scene).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        spoken(&stack, 2).await?;
        stack.gateway.kill_9();
        spoken(&stack, 4).await?;
        stack.gateway.start_again().await?;
        stream.cut_and_resume().await?;
        spoken(&stack, 6).await?;
        customer.hang_up().await?;
        told_once(&mut stream).await?;
        is_what_was_spoken(&scene, 5.5).await?;
        forgotten(&stack).await?;
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn a_caller_who_hangs_up_while_the_gateway_is_away_has_left_their_message() {
    run(async {
        let mut stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        takes_messages(&scene).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        spoken(&stack, 2).await?;
        stack.gateway.kill_9();
        spoken(&stack, 4).await?;
        customer.hang_up().await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        stack.gateway.start_again().await?;
        stream.cut_and_resume().await?;
        told_once(&mut stream).await?;
        is_what_was_spoken(&scene, 3.5).await?;
        forgotten(&stack).await
    });
}

#[test]
fn a_gateway_that_dies_while_a_message_is_fetched_fetches_it_once() {
    run(async {
        let mut stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        takes_messages(&scene).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        spoken(&stack, 3).await?;
        customer.hang_up().await?;
        // Its job is committed with it, and begins at once.
        stream.wait_kind("voicemail.left", None).await?;
        stack.gateway.kill_9();
        stack.gateway.start_again().await?;
        stream.cut_and_resume().await?;
        is_what_was_spoken(&scene, 2.5).await?;
        told_once(&mut stream).await?;
        forgotten(&stack).await
    });
}
