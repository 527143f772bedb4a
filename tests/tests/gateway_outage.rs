//! The gateway dies. Calls go on in Asterisk, and a new gateway takes them over.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::{PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{
    AGENT_HZ, CUSTOMER_HZ, EventStream, MOSTLY, Scene, eventually, hears_now, nothing_left_in_asterisk, outage_stack,
    run,
};

const SOON: Duration = Duration::from_secs(15);

#[test]
fn killed_in_mid_call_it_takes_the_call_over_and_the_recording_goes_on() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        let call = answered.subject().to_owned();
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        // What the recorder had not written yet dies with it, a second or so: there has to be something older.
        for _ in 0..3 {
            hears_now(&customer, AGENT_HZ).await?;
        }

        stack.gateway.kill_9();
        hears_now(&customer, AGENT_HZ).await.context("the customer, with the gateway dead")?;
        hears_now(scene.phone(0), CUSTOMER_HZ).await.context("the agent, with the gateway dead")?;
        stack.gateway.start_again().await?;

        stream.cut_and_resume().await?;
        stream.wait_kind("telephony.gap", None).await?;
        let running =
            scene.admin.call_when(&call, |call| call["gaps"].as_array().is_some_and(|gaps| !gaps.is_empty())).await?;
        assert_eq!(running["state"], "active");
        assert_eq!(running["gaps"][0]["reason"], "gateway_restart");
        hears_now(&customer, AGENT_HZ).await.context("the customer, with the gateway back")?;
        scene.phone(0).hang_up().await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        let ready = stream
            .wait_for("the recording's end", SOON, |seen| {
                ["recording.ready", "recording.failed"].contains(&seen.kind.as_str())
            })
            .await?;
        assert_eq!(ready.kind, "recording.ready", "{}", ready.event);
        let kinds = stream.kinds_of(&call);
        for once in ["call.started", "call.answered", "recording.started", "call.ended", "recording.ready"] {
            assert_eq!(kinds.iter().filter(|kind| **kind == once).count(), 1, "{once} in {kinds:?}");
        }

        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        assert_eq!(record["end_reason"], "completed_agent");
        assert_eq!(record["estimated"], false);
        let recording = record["recording_id"].as_str().context("a recording")?;
        let facts = scene.admin.get(&format!("/recordings/{recording}")).await?;
        let gaps = facts["gaps"].as_array().context("gaps")?;
        ensure!(gaps.iter().any(|gap| gap["reason"] == "outage"), "{facts}");
        let path = scene.folder("recording.wav");
        std::fs::write(&path, scene.admin.audio(recording).await?)?;
        let wav = Wav::read(&path)?;
        let talked = seconds_between(&record["answered_at"], &record["ended_at"])?;
        ensure!((wav.seconds() - talked).abs() < 0.3, "{} s of sound for {talked} s of talk", wav.seconds());
        let share =
            |channel, hz: u32, from, to| tone_share_windowed(wav.cut(channel, from, to), wav.rate, f64::from(hz));
        for (channel, hz) in [(0, AGENT_HZ), (1, CUSTOMER_HZ)] {
            ensure!(share(channel, hz, 0.3, 1.0) > MOSTLY, "before the outage, channel {channel}");
            let end = wav.seconds();
            ensure!(share(channel, hz, end - 0.8, end - 0.2) > MOSTLY, "after the outage, channel {channel}");
        }
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn caller_waits_with_music_for_a_gateway_that_is_away_and_is_then_answered() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(true).await?;
        stack.gateway.kill_9();
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Progress, SOON).await.context("music before the answer")?;
        stack.gateway.start_again().await?;
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        scene.phone(0).wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(&customer, AGENT_HZ).await?;
        customer.hang_up().await?;
        let calls = eventually(SOON, async || {
            let calls = scene.admin.get("/calls?state=ended").await?;
            ensure!(calls["items"].as_array().is_some_and(|all| all.len() == 1), "{calls}");
            Ok(calls)
        })
        .await?;
        assert_eq!(calls["items"][0]["end_reason"], "completed_customer");
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn caller_who_gives_up_while_no_gateway_is_there_gets_a_record() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        stack.gateway.kill_9();
        let (mut impatient, mut patient) = (scene.customer().await?, scene.customer().await?);
        for customer in [&mut impatient, &mut patient] {
            customer.wait_for(PhoneEventKind::Progress, SOON).await?;
        }
        impatient.hang_up().await?;
        impatient.wait_for(PhoneEventKind::Closed, SOON).await?;
        eventually(SOON, async || {
            let globals = stack.asterisk.rx("dialplan show globals").await?;
            ensure!(globals.contains("TRUNKLINE_MISSED_1="), "{globals}");
            Ok(())
        })
        .await?;

        stack.gateway.start_again().await?;
        stream.cut_and_resume().await?;
        let answered = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        patient.wait_for(PhoneEventKind::Established, SOON).await?;
        patient.hang_up().await?;
        stream.wait_kind("call.ended", Some(&answered)).await?;
        let calls = eventually(SOON, async || {
            let calls = scene.admin.get("/calls?state=ended").await?;
            let items = calls["items"].as_array().context("calls")?.clone();
            ensure!(items.len() == 2, "{calls}");
            Ok(items)
        })
        .await?;
        let gone = calls.iter().find(|call| call["id"] != answered).context("the other one")?;
        assert_eq!((&gone["end_reason"], &gone["estimated"]), (&json!("abandoned_queue"), &json!(true)), "{gone}");
        assert_eq!((&gone["direction"], &gone["to"]), (&json!("inbound"), &json!(scene.number)), "{gone}");
        assert_eq!(gone["from"], "+15557654321");
        ensure!(gone["queue_id"].is_string() && gone["answered_at"].is_null(), "{gone}");
        let waited = seconds_between(&gone["started_at"], &gone["ended_at"])?;
        ensure!((0.0..30.0).contains(&waited), "{waited} s: {gone}");
        let id = gone["id"].as_str().context("an id")?;
        assert_eq!(stream.kinds_of(id), ["call.started", "call.queued", "call.ended"]);

        // The note was taken down, and who was answered in the end left none: the next gateway adds nothing.
        let globals = stack.asterisk.rx("dialplan show globals").await?;
        ensure!(!globals.contains("TRUNKLINE_MISSED_1="), "{globals}");
        ensure!(globals.contains("TRUNKLINE_MISSED=1\n"), "{globals}");
        stack.gateway.kill_9();
        stack.gateway.start_again().await?;
        stream.cut_and_resume().await?;
        stream.wait_kind("telephony.gap", None).await?;
        let again = scene.admin.get("/calls").await?;
        assert_eq!(again["items"].as_array().map(Vec::len), Some(2), "{again}");
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn caller_whom_no_gateway_takes_hears_music_and_then_an_apology() {
    run(async {
        let mut options = StackOptions { demo: false, ..StackOptions::default() };
        options.asterisk.patience_seconds = 4;
        let mut stack = Stack::start(options).await?;
        let scene = Scene::new(&stack, 0).await?;
        stack.gateway.kill_9();
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Progress, SOON).await?;
        let closed = customer.wait_for(PhoneEventKind::Closed, 2 * SOON).await?;
        ensure!(closed.text.contains("503"), "{closed:?}");
        // Music and speech, neither of them answered: nobody pays for it.
        ensure!(customer.events().iter().all(|event| event.kind != PhoneEventKind::Established), "it was answered");
        let heard = customer.heard()?.into_iter().filter_map(|file| Wav::read(&file).ok()).map(|wav| {
            let end = wav.seconds();
            let loudest = |from: f64, to: f64| wav.cut(0, from, to).iter().map(|sample| sample.unsigned_abs()).max();
            (end, loudest(0.0, 3.0), loudest(4.5, end))
        });
        let heard: Vec<_> = heard.collect();
        ensure!(
            heard.iter().any(|(end, music, speech)| *end > 6.0 && *music > Some(500) && *speech > Some(500)),
            "seconds, music, speech: {heard:?}"
        );
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn call_that_ended_meanwhile_gets_its_record_and_orphans_are_collected() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        let call = answered.subject().to_owned();
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(&customer, AGENT_HZ).await?;
        stack.gateway.kill_9();
        customer.hang_up().await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        // The agent is left alone in silence: nobody told their phone.
        stack.gateway.start_again().await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        let record = scene.admin.call_when(&call, |call| call["state"] == "ended").await?;
        assert_eq!(record["estimated"], true);
        assert_eq!(record["end_reason"], "completed_customer");
        stream.cut_and_resume().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        let closed = stream
            .wait_for("the recording's end", SOON, |seen| {
                ["recording.ready", "recording.failed"].contains(&seen.kind.as_str())
            })
            .await?;
        assert_eq!(closed.kind, "recording.ready", "what was heard is kept: {}", closed.event);
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn restarts_in_a_row_lose_no_event_and_double_none() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        for _ in 0..3 {
            let customer = scene.sipp_customer(Duration::from_secs(3))?;
            let answered = match stream.wait_kind("call.answered", None).await {
                Ok(answered) => answered,
                Err(error) => return Err(error.context(told(&stack).await)),
            };
            stack.gateway.kill_9();
            stack.gateway.start_again().await?;
            stream.cut_and_resume().await?;
            let result = customer.wait().await?;
            ensure!(result.succeeded == 1, "{result:?}");
            stream.wait_kind("call.ended", Some(answered.subject())).await?;
        }
        let calls = scene.admin.get("/calls").await?;
        let calls = calls["items"].as_array().context("calls")?;
        ensure!(calls.len() == 3 && calls.iter().all(|call| call["state"] == "ended"), "{calls:?}");
        nothing_left_in_asterisk(&stack).await
    });
}

/// What the parts have to say for themselves when a call does not get through.
async fn told(stack: &Stack) -> String {
    let mut told = String::new();
    for command in ["core show channels verbose", "ari show apps", "pjsip show channels"] {
        told += &stack.asterisk.rx(command).await.unwrap_or_else(|error| error.to_string());
    }
    let log = std::fs::read_to_string(stack.gateway.log()).unwrap_or_default();
    let tail: Vec<&str> = log.lines().rev().take(30).collect();
    told + &tail.into_iter().rev().collect::<Vec<_>>().join("\n")
}

fn seconds_between(from: &Value, to: &Value) -> Result<f64> {
    let clock = |time: &Value| -> Result<f64> {
        let text = time.as_str().context("a time")?;
        let (_, clock) = text.trim_end_matches('Z').split_once('T').context("RFC 3339")?;
        let parts: Vec<f64> = clock.split(':').map(str::parse).collect::<Result<_, _>>()?;
        Ok(parts[0] * 3_600.0 + parts[1] * 60.0 + parts[2])
    };
    Ok((clock(to)? - clock(from)?).rem_euclid(86_400.0))
}
