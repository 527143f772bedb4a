//! Calls as they should go. All tests share one stack, each with a tenant of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_stack::PhoneEventKind;
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_tests::{
    AGENT_HZ, CUSTOMER_HZ, EchoPhone, EventStream, MOSTLY, Scene, Seen, eventually, run, shared_stack,
};

const SOON: Duration = Duration::from_secs(15);

/// The share of a tone in one channel of a sound, without its first and last half second.
fn tone_in(wav: &Wav, channel: usize, hz: u32) -> f64 {
    tone_share_windowed(wav.cut(channel, 0.5, wav.seconds() - 0.5), wav.rate, f64::from(hz))
}

#[test]
fn a_call_is_answered_heard_recorded_and_told() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;

        let customer = scene.sipp_customer(Duration::from_secs(4))?;
        let started = stream.wait_kind("call.started", None).await?;
        let call = started.subject().to_owned();
        let answered = stream.wait_kind("call.answered", Some(&call)).await?;
        ensure!(answered.event["actor"]["id"] == json!(scene.agents[0].api.user), "{}", answered.event);
        // What each test looks for at its end is there while somebody talks: two parties, and two taps of two channels.
        stream.wait_kind("recording.started", None).await?;
        let there = scene.left(stack).await?;
        ensure!(there.len() >= 2 + 4 + 3, "{there:#?}");
        let result = customer.wait().await?;
        ensure!(result.succeeded == 1, "{result:?}");
        stream.wait_kind("call.ended", Some(&call)).await?;
        stream.wait_kind("recording.ready", None).await?;
        assert_eq!(
            stream.kinds_of(&call),
            [
                "call.started",
                "call.queued",
                "call.offered",
                "call.answered",
                "recording.started",
                "call.ended",
                "recording.ready"
            ]
        );

        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        assert_eq!(record["state"], "ended");
        assert_eq!(record["direction"], "inbound");
        assert_eq!(record["to"], json!(scene.number));
        assert_eq!(record["from"], "+15557654321");
        assert_eq!(record["end_reason"], "completed_customer");
        assert_eq!(record["cause"], 16);
        assert_eq!(record["estimated"], false);
        assert_eq!(record["agent_id"], json!(scene.agents[0].api.user));
        assert_eq!(record["gaps"], json!([]));
        let legs = record["legs"].as_array().context("legs")?;
        ensure!(legs.len() == 2 && legs.iter().all(|leg| leg["ended_at"].is_string()), "{record}");

        let recording = record["recording_id"].as_str().context("a recording")?;
        let audio = scene.admin.audio(recording).await?;
        let path = scene.folder("recording.wav");
        std::fs::write(&path, &audio)?;
        let heard = Wav::read(&path)?;
        assert_eq!((heard.rate, heard.channels.len()), (8_000, 2));
        ensure!((3.5..6.0).contains(&heard.seconds()), "{} s", heard.seconds());
        for (channel, ours, theirs) in [(0, AGENT_HZ, CUSTOMER_HZ), (1, CUSTOMER_HZ, AGENT_HZ)] {
            let (own, other) = (tone_in(&heard, channel, ours), tone_in(&heard, channel, theirs));
            ensure!(own > MOSTLY && other < 0.02, "channel {channel}: {own} of its own, {other} of the other's tone");
        }

        let part = scene
            .admin
            .request(Method::GET, &format!("/recordings/{recording}/audio"))
            .header("range", "bytes=44-8043")
            .send()
            .await?;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.bytes().await?.as_ref(), &audio[44..8044]);
        scene.nothing_left(stack).await
    });
}

#[test]
fn both_sides_hear_each_other_at_their_phones() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        scene.everybody_works(false).await?;
        let mut customer = scene.customer().await?;
        scene.phone(0).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(0).answer().await?;
        scene.phone(0).wait_for(PhoneEventKind::Established, SOON).await?;
        // Both must have heard two seconds: their files grow while they listen.
        for (phone, hz) in [(&mut customer, AGENT_HZ), (scene.phone(0), CUSTOMER_HZ)] {
            eventually(SOON, async || {
                let files = phone.heard()?;
                let best = files
                    .iter()
                    .filter_map(|file| Wav::read(file).ok())
                    .map(|wav| {
                        let from = (wav.seconds() - 1.0).max(0.0);
                        tone_share_windowed(wav.cut(0, from, wav.seconds()), wav.rate, f64::from(hz))
                    })
                    .fold(0.0, f64::max);
                let lengths: Vec<_> =
                    files.iter().map(|file| Wav::read(file).map_or(-1.0, |wav| wav.seconds())).collect();
                ensure!(best > 0.9, "{best} of {hz} Hz in {files:?}, {lengths:?} s long");
                Ok(())
            })
            .await?;
        }
        scene.phone(0).hang_up().await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn agent_hanging_up_ends_the_call_for_the_customer() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        scene.phone(0).hang_up().await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        let ended = stream.wait_kind("call.ended", Some(answered.subject())).await?;
        assert_eq!(ended.event["data"]["end_reason"], "completed_agent");
        stream
            .wait_for("the recording's end", SOON, |seen| {
                seen.kind.starts_with("recording.") && seen.kind != "recording.started"
            })
            .await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn customer_who_gives_up_is_recorded_as_abandoned() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        scene.everybody_works(false).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        scene.phone(0).wait_for(PhoneEventKind::Incoming, SOON).await?;
        customer.hang_up().await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        let ended = stream.wait_kind("call.ended", None).await?;
        assert_eq!(ended.event["data"]["end_reason"], "abandoned_queue");
        let record = scene.admin.get(&format!("/calls/{}", ended.subject())).await?;
        assert_eq!(record["recording_id"], Value::Null);
        assert_eq!(record["answered_at"], Value::Null);
        scene.nothing_left(stack).await
    });
}

#[test]
fn refused_call_goes_to_the_next_agent() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        scene.everybody_works(false).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        let first = stream.wait_kind("call.offered", None).await?;
        let call = first.subject().to_owned();
        assert_eq!(first.event["data"]["agent_id"], json!(scene.agents[0].api.user), "longest idle first");
        scene.phone(0).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(0).hang_up().await?;
        let second = stream.wait_kind("call.offered", Some(&call)).await?;
        assert_eq!(second.event["data"]["agent_id"], json!(scene.agents[1].api.user));
        scene.phone(1).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(1).answer().await?;
        let answered = stream.wait_kind("call.answered", Some(&call)).await?;
        assert_eq!(answered.event["actor"]["id"], json!(scene.agents[1].api.user));
        customer.hang_up().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn unanswered_call_goes_to_the_next_agent_after_fifteen_seconds() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        scene.everybody_works(false).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        let first = stream.wait_kind("call.offered", None).await?;
        let second = stream.wait_kind("call.offered", Some(first.subject())).await?;
        assert_eq!(first.event["data"]["agent_id"], json!(scene.agents[0].api.user));
        assert_eq!(second.event["data"]["agent_id"], json!(scene.agents[1].api.user));
        let at = |seen: &Seen| -> Result<f64> {
            let text = seen.event["at"].as_str().context("at")?;
            let (_, clock) = text.trim_end_matches('Z').split_once('T').context("a time")?;
            let parts: Vec<f64> = clock.split(':').map(str::parse).collect::<Result<_, _>>()?;
            Ok(parts[0] * 3_600.0 + parts[1] * 60.0 + parts[2])
        };
        let rang = (at(&second)? - at(&first)?).rem_euclid(86_400.0);
        ensure!((14.9..17.0).contains(&rang), "the first phone rang {rang} s");
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        customer.hang_up().await?;
        stream.wait_kind("call.ended", Some(first.subject())).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn all_phones_of_an_agent_ring_and_one_answers() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        scene.everybody_works(false).await?;
        let second = scene.second_phone(0).await?;
        let mut second = second;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        scene.phone(0).wait_for(PhoneEventKind::Incoming, SOON).await?;
        second.wait_for(PhoneEventKind::Incoming, SOON).await?;
        second.answer().await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        customer.hang_up().await?;
        stream.wait_kind("call.ended", Some(answered.subject())).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn call_is_hung_up_through_the_api() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        let path = format!("/calls/{}/hangup", answered.subject());
        let stranger = Scene::new(stack, 0).await?;
        let refused = stranger.admin.request(Method::POST, &path).send().await?;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "another tenant's call");
        let done = scene.agents[0].api.request(Method::POST, &path).send().await?;
        assert_eq!(done.status(), StatusCode::NO_CONTENT);
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        stream.wait_kind("call.ended", Some(answered.subject())).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn phone_reaches_its_own_extensions_and_nothing_outside() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        scene.everybody_works(true).await?;
        // The echo test gives back what it hears.
        scene.phone(0).dial("600").await?;
        scene.phone(0).wait_for(PhoneEventKind::Established, SOON).await?;
        scene.phone(0).hang_up().await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        // The queue, where the other agent answers.
        let mut stream = EventStream::next_only(&scene.admin).await?;
        scene.phone(0).dial("700").await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        assert_eq!(answered.event["actor"]["id"], json!(scene.agents[1].api.user));
        scene.phone(0).hang_up().await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        stream.wait_kind("call.ended", Some(answered.subject())).await?;
        // The world, which is not reached from here.
        scene.phone(0).dial("4711").await?;
        let ended = stream.wait_kind("call.ended", None).await?;
        assert_eq!(ended.event["data"]["end_reason"], "invalid_number");
        let closed = scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        ensure!(closed.text.contains("404"), "{closed:?}");
        scene.nothing_left(stack).await
    });
}

#[test]
fn phone_reaches_neither_number_nor_extension_of_another_tenant() {
    run(async {
        let stack = shared_stack().await?;
        let (mut scene, mut other) = (Scene::new(stack, 1).await?, Scene::new(stack, 1).await?);
        other.add_queue(stack, "701").await?;
        scene.plug_in(0, false).await?;
        other.plug_in(0, false).await?;
        let mut others = EventStream::next_only(&other.admin).await?;
        // Its own phones reach it, as soon as the gateway has been told.
        let asked = Instant::now();
        loop {
            other.phone(0).dial("701").await?;
            let ends = [PhoneEventKind::Established, PhoneEventKind::Closed];
            let end = other.phone(0).wait_for_any(&ends, SOON).await?;
            if end.kind == PhoneEventKind::Established {
                break;
            }
            ensure!(asked.elapsed() < SOON, "{end:?}");
        }
        other.phone(0).hang_up().await?;
        other.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        let was_let_in =
            |seen: &Seen| seen.kind == "call.ended" && seen.event["data"]["end_reason"] == "abandoned_queue";
        others.wait_for("end of its own call", SOON, was_let_in).await?;

        let mut stream = EventStream::next_only(&scene.admin).await?;
        let before = other.admin.get("/calls").await?["items"].clone();
        for foreign in ["701".to_owned(), other.number.clone()] {
            scene.phone(0).dial(&foreign).await?;
            let closed = scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
            ensure!(closed.text.contains("404"), "{foreign}: {closed:?}");
            let ended = stream.wait_kind("call.ended", None).await?;
            assert_eq!(ended.event["data"]["end_reason"], "invalid_number", "{foreign}");
        }
        let after = other.admin.get("/calls").await?["items"].clone();
        assert_eq!(after.as_array().map(Vec::len), before.as_array().map(Vec::len), "{after}");
        other.nothing_left(stack).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn customer_hears_music_while_waiting_in_the_queue() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 1).await?;
        scene.everybody_works(false).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        scene.phone(0).wait_for(PhoneEventKind::Incoming, SOON).await.context("the phone only rings")?;
        eventually(SOON, async || {
            let heard: Vec<Wav> = customer.heard()?.iter().filter_map(|file| Wav::read(file).ok()).collect();
            let music = heard.iter().any(|wav| {
                let end = wav.seconds();
                end > 2.0 && wav.cut(0, end - 1.0, end).iter().any(|sample| sample.unsigned_abs() > 500)
            });
            ensure!(music, "nothing but silence in {:?} s", heard.iter().map(Wav::seconds).collect::<Vec<_>>());
            Ok(())
        })
        .await?;
        customer.hang_up().await?;
        let ended = stream.wait_kind("call.ended", None).await?;
        assert_eq!(ended.event["data"]["end_reason"], "abandoned_queue");
        scene.nothing_left(stack).await
    });
}

/// By how many milliseconds `second` lags behind `first`, both at 8 kHz: where they resemble each other most, and how much.
fn lag_ms(first: &[i16], second: &[i16], most_ms: usize) -> (f64, f64) {
    let most = most_ms * 8;
    let window = first.len().min(second.len()) - 2 * most;
    let energy = |samples: &[i16]| samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    let still = &first[most..most + window];
    let likeness = |shift: usize| {
        let moved = &second[shift..shift + window];
        let product: f64 = still.iter().zip(moved).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        product / (energy(still) * energy(moved)).sqrt().max(1.0)
    };
    let shifts = (0..=2 * most).map(|shift| (shift, likeness(shift)));
    let (shift, best) = shifts.max_by(|a, b| a.1.total_cmp(&b.1)).expect("one at least");
    let samples = |count: usize| f64::from(u32::try_from(count).expect("less than a second"));
    ((samples(shift) - samples(most)) / 8.0, best)
}

#[test]
fn both_sides_of_a_recording_are_aligned() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let (name, password) = scene.agents[0].credentials.clone();
        // The agent's phone sends back what it hears, at once: what the agent's side lags by is the way there and back, on
        // loopback and without a jitter buffer, and how badly the two taps are aligned.
        let _phone = EchoPhone::sign_in(scene.sip_port(), &name, &password).await?;
        eventually(SOON, async || {
            let agents = scene.admin.get("/agents").await?;
            let ours =
                agents["items"].as_array().and_then(|all| all.iter().find(|it| it["id"] == scene.agents[0].api.user));
            ensure!(ours.is_some_and(|agent| agent["reachable"] == true), "{agents}");
            Ok(())
        })
        .await?;
        scene.agents[0].api.set_state("available").await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        // Noise, which resembles itself at no other place.
        let mut state = 1_u32;
        let noise: Vec<i16> = (0..8 * 8_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                i16::try_from(state >> 17).expect("15 bits") / 4 - 4_096
            })
            .collect();
        let file = scene.folder("noise.wav");
        Wav::write_mono(&file, 8_000, &noise)?;
        let customer = scene.customer_speaking(file).await?;
        let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        let before =
            customer.heard()?.iter().filter_map(|file| Wav::read(file).ok()).map(|wav| wav.seconds()).sum::<f64>();
        eventually(SOON, async || {
            let heard: f64 =
                customer.heard()?.iter().filter_map(|file| Wav::read(file).ok()).map(|wav| wav.seconds()).sum();
            ensure!(heard > before + 3.0, "{heard} s after {before} s");
            Ok(())
        })
        .await?;
        customer.hang_up().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        stream.wait_kind("recording.ready", None).await?;
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        let path = scene.folder("recording.wav");
        std::fs::write(&path, scene.admin.audio(record["recording_id"].as_str().context("a recording")?).await?)?;
        let wav = Wav::read(&path)?;
        ensure!(wav.seconds() > 2.5, "{} s", wav.seconds());
        let (from, to) = (1.0, wav.seconds() - 0.5);
        let (lag, likeness) = lag_ms(wav.cut(1, from, to), wav.cut(0, from, to), 200);
        println!("the echo is {lag} ms behind, and resembles what was said by {likeness:.2}");
        ensure!(likeness > 0.5, "no echo: {likeness} at {lag} ms");
        ensure!(lag.abs() <= 40.0, "{lag} ms apart");
        scene.nothing_left(stack).await
    });
}

#[test]
fn number_of_nobody_is_not_found() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 0).await?;
        scene.number = "+15550999999".to_owned();
        let mut customer = scene.customer().await?;
        let closed = customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        ensure!(closed.text.contains("404"), "{closed:?}");
        scene.nothing_left(stack).await
    });
}
