//! Asterisk dies, is not there yet, or cannot be reached for a while.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::{PhoneEvent, PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{
    AGENT_HZ, CUSTOMER_HZ, EventStream, MOSTLY, Proxy, Scene, eventually, hears_now, nothing_left_in_asterisk,
    outage_stack, run,
};

const SOON: Duration = Duration::from_secs(15);

async fn health(stack: &Stack) -> Result<Value> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    Ok(http.get(format!("{}/health", stack.gateway.base_url())).send().await?.json().await?)
}

/// Waits until the gateway's view of Asterisk is this one.
async fn asterisk_is(stack: &Stack, status: &str) -> Result<Value> {
    eventually(Duration::from_secs(25), async || {
        let health = health(stack).await?;
        ensure!(health["dependencies"]["asterisk"]["status"] == status, "{health}");
        Ok(health)
    })
    .await
}

#[test]
fn its_death_loses_the_calls_in_it_and_nothing_of_what_is_known_of_them() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 2).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        let call = answered.subject().to_owned();
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        for _ in 0..2 {
            hears_now(&customer, AGENT_HZ).await?;
        }

        stack.asterisk.kill();
        let health = asterisk_is(&stack, "unavailable").await?;
        assert_eq!(health["status"], "degraded", "{health}");
        ensure!(health["dependencies"]["asterisk"]["detail"].is_string(), "{health}");
        stack.asterisk.start_again().await?;

        let gap = stream.wait_kind("telephony.gap", None).await?;
        assert_eq!(gap.event["data"]["reason"], "connection_lost");
        assert_eq!(gap.event["data"]["calls"], json!([call]));
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "lost");
        let closed = stream
            .wait_for("the recording's end", SOON, |seen| {
                ["recording.ready", "recording.failed"].contains(&seen.kind.as_str())
            })
            .await?;
        assert_eq!(closed.kind, "recording.ready", "{}", closed.event);
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        assert_eq!((&record["end_reason"], &record["estimated"]), (&json!("lost"), &json!(true)), "{record}");
        assert_eq!(record["gaps"][0]["reason"], "connection_lost");
        let path = scene.folder("recording.wav");
        std::fs::write(&path, scene.admin.audio(record["recording_id"].as_str().context("a recording")?).await?)?;
        let wav = Wav::read(&path)?;
        for (channel, hz) in [(0, AGENT_HZ), (1, CUSTOMER_HZ)] {
            let share = tone_share_windowed(wav.cut(channel, 0.3, 1.8), wav.rate, f64::from(hz));
            ensure!(share > MOSTLY, "channel {channel} has {share} of {hz} Hz");
        }

        // The phones' configuration lived in Asterisk's memory. It is there again: a phone that starts now signs in.
        scene.plug_in(1, true).await.context("signing in at the new Asterisk")?;
        customer.hang_up().await?;
        // The other phone, which noticed nothing, still believes in the old call.
        scene.phone(0).hang_up().await?;
        let mut again = scene.customer().await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        again.wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(&again, AGENT_HZ).await?;
        again.hang_up().await?;
        stream.wait_kind("call.ended", Some(answered.subject())).await?;
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn its_death_while_calls_are_handed_on_ends_them_once_and_frees_everybody() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 4).await?;
        // The first two answer by themselves, the others let it ring.
        for index in 0..4 {
            scene.plug_in(index, index < 2).await?;
        }
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (mut customers, mut calls) = (Vec::new(), Vec::new());
        for (by, to, kind) in [(0, 2, "blind"), (1, 3, "attended")] {
            scene.agents[by].api.set_state("available").await?;
            customers.push(scene.customer().await?);
            let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
            stream.wait_kind("recording.started", None).await?;
            hears_now(&customers[calls.len()], AGENT_HZ).await?;
            let body = json!({ "kind": kind, "to": { "agent_id": scene.agents[to].api.user } });
            let path = format!("/calls/{call}/transfer");
            // Nobody is given the next call before this one is handed on.
            scene.agents[by].api.set_state("offline").await?;
            scene.agents[by].api.send(Method::POST, &path, &body).await?;
            scene.phone(to).wait_for(PhoneEventKind::Incoming, SOON).await?;
            calls.push(call);
        }
        scene.phone(3).answer().await?;
        stream.wait_kind("call.consulted", Some(&calls[1])).await?;

        stack.asterisk.kill();
        asterisk_is(&stack, "unavailable").await?;
        stack.asterisk.start_again().await?;
        stream.wait_kind("telephony.gap", None).await?;
        let (mut ended, mut closed) = (0, 0);
        while ended < 2 || closed < 2 {
            let of_a_call = |kind: &str| ["call.ended", "recording.ready", "recording.failed"].contains(&kind);
            let seen = stream.wait_for("the ends", SOON, |seen| of_a_call(&seen.kind)).await?;
            *(if seen.kind == "call.ended" { &mut ended } else { &mut closed }) += 1;
        }
        for customer in customers {
            customer.quit().await?;
        }
        for index in 0..4 {
            scene.phone(index).command("hangupall", "").await?;
        }
        for call in &calls {
            let record = scene.admin.get(&format!("/calls/{call}")).await?;
            assert_eq!((&record["end_reason"], &record["estimated"]), (&json!("lost"), &json!(true)), "{record}");
            assert_eq!(record["gaps"][0]["reason"], "connection_lost");
            let legs = record["legs"].as_array().context("legs")?;
            ensure!(legs.iter().all(|leg| leg["ended_at"].is_string()), "{record}");
        }

        // Nobody is still taken for busy: each of them is rung, and the one who was asked takes a call.
        for index in 0..4 {
            scene.wait_reachable(index).await?;
        }
        let agents = scene.admin.get("/agents").await?;
        let busy = |agent: &Value| agent["activity"] == "on_contact";
        ensure!(!agents["items"].as_array().context("agents")?.iter().any(busy), "{agents}");
        scene.agents[3].api.set_state("available").await?;
        scene.phone(3).forget();
        let mut again = scene.customer().await?;
        scene.phone(3).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(3).answer().await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        again.wait_for(PhoneEventKind::Established, SOON).await?;
        again.hang_up().await?;
        stream.wait_kind("call.ended", Some(answered.subject())).await?;
        for call in &calls {
            let kinds = stream.kinds_of(call);
            for once in ["call.started", "call.ended", "recording.started"] {
                assert_eq!(kinds.iter().filter(|kind| **kind == once).count(), 1, "{once} in {kinds:?}");
            }
            let closed = kinds.iter().filter(|kind| ["recording.ready", "recording.failed"].contains(kind));
            assert_eq!(closed.count(), 1, "{kinds:?}");
        }
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn phones_that_noticed_nothing_of_its_death_are_rung_again() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 2).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        // One of them has a call, which is lost; the other one rests.
        let customer = scene.customer().await?;
        stream.wait_kind("call.answered", None).await?;
        // Where phones are is written to disk once a second.
        hears_now(&customer, AGENT_HZ).await?;
        hears_now(&customer, AGENT_HZ).await?;
        stack.asterisk.kill();
        asterisk_is(&stack, "unavailable").await?;
        customer.hang_up().await?;
        scene.phone(0).hang_up().await?;
        stack.asterisk.start_again().await?;
        let started = Instant::now();
        stream.wait_kind("call.ended", None).await?;

        // Both at once: each of the phones is needed.
        let mut customers = [scene.customer().await?, scene.customer().await?];
        for _ in 0..2 {
            stream.wait_kind("call.answered", None).await?;
        }
        let waited = started.elapsed();
        for customer in &mut customers {
            customer.wait_for(PhoneEventKind::Established, SOON).await?;
            customer.hang_up().await?;
        }
        for _ in 0..2 {
            stream.wait_kind("call.ended", None).await?;
        }
        // A connection comes back after seconds, and Asterisk asks a phone whether it is there within one more.
        ensure!(waited < Duration::from_secs(10), "rung after {waited:?}");
        for index in 0..2 {
            let signed_in = |event: &PhoneEvent| event.kind == PhoneEventKind::Registered;
            let events = scene.phone(index).events();
            ensure!(events.iter().filter(|event| event.at > started).all(|event| !signed_in(event)), "{events:?}");
        }
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn a_gateway_that_starts_without_it_serves_and_connects_when_it_comes() {
    run(async {
        let mut stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 1).await?;
        stack.gateway.stop();
        stack.asterisk.kill();
        stack.gateway.start_again().await.context("starting without Asterisk")?;
        let health = asterisk_is(&stack, "unavailable").await?;
        assert_eq!(health["status"], "degraded", "{health}");
        let why = eventually(SOON, async || {
            let health = self::health(&stack).await?;
            health["dependencies"]["asterisk"]["detail"].as_str().map(str::to_owned).context("no reason yet")
        })
        .await?;
        ensure!(why.contains("cannot connect"), "{why}");
        let agents = scene.admin.get("/agents").await?;
        assert_eq!(agents["items"][0]["reachable"], false);

        stack.asterisk.start_again().await?;
        let health = asterisk_is(&stack, "ok").await?;
        assert_eq!(health["status"], "ok", "{health}");
        scene.everybody_works(true).await?;
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        customer.hang_up().await?;
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn a_cut_between_the_two_is_a_gap_and_neither_call_nor_recording_notices() {
    run(async {
        let options = StackOptions { demo: false, start_gateway: false, ..StackOptions::default() };
        let mut stack = Stack::start(options).await?;
        let config = stack.asterisk.config();
        let line = Proxy::start((config.listen, config.http_port).into()).await?;
        stack.gateway.set_env("TRUNKLINE_ARI_URL", &format!("http://{}/ari", line.address()));
        stack.gateway.start_again().await?;
        let mut scene = Scene::new(&stack, 2).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        let answered = stream.wait_kind("call.answered", None).await?;
        let call = answered.subject().to_owned();
        customer.wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(&customer, AGENT_HZ).await?;

        line.cut();
        asterisk_is(&stack, "unavailable").await?;
        hears_now(&customer, AGENT_HZ).await.context("the customer, with the line cut")?;
        hears_now(scene.phone(0), CUSTOMER_HZ).await.context("the agent, with the line cut")?;
        let mut second = scene.customer().await?;
        second.wait_for(PhoneEventKind::Progress, SOON).await.context("music for who calls meanwhile")?;
        line.mend();
        let gap = stream.wait_kind("telephony.gap", None).await?;
        assert_eq!(gap.event["data"]["reason"], "connection_lost");
        assert_eq!(gap.event["data"]["calls"], json!([call]));
        second.wait_for(PhoneEventKind::Established, SOON).await?;
        let second_call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        hears_now(&customer, AGENT_HZ).await.context("the customer, with the line mended")?;
        second.hang_up().await?;
        stream.wait_kind("call.ended", Some(&second_call)).await?;
        scene.phone(0).hang_up().await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        stream.wait_kind("recording.ready", None).await?;

        for call in [&call, &second_call] {
            let kinds = stream.kinds_of(call);
            for once in
                ["call.started", "call.queued", "call.offered", "call.answered", "recording.started", "call.ended"]
            {
                assert_eq!(kinds.iter().filter(|kind| **kind == once).count(), 1, "{once} in {kinds:?}");
            }
        }
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        assert_eq!(record["end_reason"], "completed_agent");
        assert_eq!(record["estimated"], false, "the end was seen: {record}");
        assert_eq!(record["gaps"][0]["reason"], "connection_lost");
        let recording = record["recording_id"].as_str().context("a recording")?;
        let facts = scene.admin.get(&format!("/recordings/{recording}")).await?;
        assert_eq!(facts["gaps"], json!([]), "audio takes another way: {facts}");
        let path = scene.folder("recording.wav");
        std::fs::write(&path, scene.admin.audio(recording).await?)?;
        let wav = Wav::read(&path)?;
        for (channel, hz) in [(0, AGENT_HZ), (1, CUSTOMER_HZ)] {
            for (when, from) in [("before the cut", 1.0), ("at the end", wav.seconds() - 1.8)] {
                let share = tone_share_windowed(wav.cut(channel, from, from + 1.0), wav.rate, f64::from(hz));
                ensure!(share > MOSTLY, "{when} channel {channel} has {share} of {hz} Hz");
            }
        }
        nothing_left_in_asterisk(&stack).await
    });
}
