//! Two Asterisk servers, whose names for channels are the same: one that fails leaves the other alone.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_stack::phones::{Baresip, BaresipOptions};
use trunkline_stack::{Asterisk, AsteriskOptions, PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{AGENT_HZ, CUSTOMER_HZ, EventStream, Scene, SipSocket, eventually, hears_now, run};

const SOON: Duration = Duration::from_secs(15);
const PASSWORD: &str = "the-same-for-both";

/// A stack with a second Asterisk; its own is called `west`, the other `east`.
async fn two_servers(folder: &Path) -> Result<(Stack, Asterisk)> {
    let options = || AsteriskOptions { ari_password: Some(PASSWORD.to_owned()), ..AsteriskOptions::default() };
    let stack = StackOptions { demo: false, start_gateway: false, asterisk: options(), ..StackOptions::default() };
    let mut stack = Stack::start(stack).await?;
    let east = Asterisk::start(&folder.join("east"), options()).await?;
    let table = |name: &str, asterisk: &Asterisk| {
        let sip_port = asterisk.sip_port();
        format!(
            "[[asterisk]]\nname = \"{name}\"\nari_url = \"{}\"\nsip_port = {sip_port}\nsip_peer_address = \"127.0.0.1:{sip_port}\"\n\n",
            asterisk.ari_url(),
        )
    };
    let file = folder.join("trunkline.toml");
    std::fs::write(&file, table("west", &stack.asterisk) + &table("east", &east))?;
    stack.gateway.set_env("TRUNKLINE_CONFIG", &file.display().to_string());
    stack.gateway.start_again().await?;
    Ok((stack, east))
}

/// An agent's phone at a server of its own choice.
async fn plug_in_at(scene: &mut Scene, index: usize, sip_port: u16) -> Result<()> {
    let folder = scene.folder("phone");
    let (username, password) = scene.agents[index].credentials.clone();
    let mut phone =
        Baresip::start(&folder, BaresipOptions::desk_phone(sip_port, &username, &password, AGENT_HZ)).await?;
    phone.wait_registered(SOON).await?;
    scene.agents[index].phone = Some(phone);
    scene.wait_reachable(index).await?;
    scene.agents[index].api.set_state("available").await?;
    Ok(())
}

async fn customer_at(scene: &Scene, sip_port: u16) -> Result<Baresip> {
    let options = BaresipOptions::caller(sip_port, "15557654321", CUSTOMER_HZ);
    let phone = Baresip::start(&scene.folder("customer"), options).await?;
    phone.dial(&scene.number).await?;
    Ok(phone)
}

async fn server_of(scene: &Scene, call: &str) -> Result<Value> {
    Ok(scene.admin.get(&format!("/calls/{call}")).await?["asterisk"].clone())
}

/// What has the two halves of a call at an Asterisk.
async fn channels(asterisk: &Asterisk) -> Result<usize> {
    Ok(asterisk.rx("core show channels concise").await?.lines().filter(|line| line.contains('!')).count())
}

#[test]
fn phone_at_one_server_takes_the_calls_of_both_and_each_call_is_whole() {
    run(async {
        let folder = tempfile::tempdir()?;
        let (stack, east) = two_servers(folder.path()).await?;
        let mut scene = Scene::new(&stack, 1).await?;
        plug_in_at(&mut scene, 0, stack.asterisk.sip_port()).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        for (name, sip_port) in [("west", stack.asterisk.sip_port()), ("east", east.sip_port())] {
            let mut customer = customer_at(&scene, sip_port).await?;
            let offered = stream.wait_kind("call.offered", None).await?;
            let call = offered.subject().to_owned();
            assert_eq!(server_of(&scene, &call).await?, json!(name));
            scene.phone(0).wait_for(PhoneEventKind::Incoming, SOON).await?;
            scene.phone(0).answer().await?;
            customer.wait_for(PhoneEventKind::Established, SOON).await?;
            stream.wait_kind("call.answered", Some(&call)).await?;
            // Both are heard at the other end, whichever server is between them.
            hears_now(scene.phone(0), CUSTOMER_HZ).await?;
            hears_now(&customer, AGENT_HZ).await?;
            scene.phone(0).hang_up().await?;
            let ended = stream.wait_kind("call.ended", Some(&call)).await?;
            assert_eq!(ended.event["data"]["end_reason"], "completed_agent");
            stream.wait_kind("recording.ready", None).await?;
            eventually(SOON, async || {
                let left = (channels(&stack.asterisk).await?, channels(&east).await?);
                ensure!(left == (0, 0), "left in {name}: {left:?}");
                Ok(())
            })
            .await?;
        }
        Ok(())
    });
}

#[test]
fn browser_signs_in_at_a_server_that_is_there() {
    run(async {
        let folder = tempfile::tempdir()?;
        let (mut stack, east) = two_servers(folder.path()).await?;
        let scene = Scene::new(&stack, 1).await?;
        let api = &scene.agents[0].api;
        stack.asterisk.kill();
        let session = api.send(Method::POST, "/softphone/session", &json!({})).await?;
        let mut browser = SipSocket::open(&session).await?;
        ensure!(browser.register().await? == 200, "not signed in");
        scene.wait_reachable(0).await?;
        api.set_state("available").await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let _customer = customer_at(&scene, east.sip_port()).await?;
        let invite = browser.ring().await?;
        let call = invite.must("X-Trunkline-Call")?.to_owned();
        let mut dialog = browser.answer(&invite).await?;
        stream.wait_kind("call.answered", Some(&call)).await?;
        browser.hang_up(&mut dialog).await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        // It was told to the other one, too, and can be rung there when that is back.
        stack.asterisk.start_again().await?;
        let _customer = customer_at(&scene, stack.asterisk.sip_port()).await?;
        let invite = browser.ring().await?;
        let other = invite.must("X-Trunkline-Call")?.to_owned();
        ensure!(other != call, "another call");
        assert_eq!(server_of(&scene, &other).await?, json!("west"));
        let mut dialog = browser.answer(&invite).await?;
        stream.wait_kind("call.answered", Some(&other)).await?;
        browser.hang_up(&mut dialog).await?;
        stream.wait_kind("call.ended", Some(&other)).await?;
        Ok(())
    });
}

#[test]
fn server_that_dies_takes_its_own_calls_and_leaves_the_others_alone() {
    run(async {
        let folder = tempfile::tempdir()?;
        let (stack, mut east) = two_servers(folder.path()).await?;
        let mut scene = Scene::new(&stack, 2).await?;
        plug_in_at(&mut scene, 0, stack.asterisk.sip_port()).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        // Nobody is at the east yet: who calls there is answered by the west's phone.
        let mut talking = customer_at(&scene, stack.asterisk.sip_port()).await?;
        let call = stream.wait_kind("call.offered", None).await?.subject().to_owned();
        scene.phone(0).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(0).answer().await?;
        stream.wait_kind("call.answered", Some(&call)).await?;
        plug_in_at(&mut scene, 1, east.sip_port()).await?;
        let _other = customer_at(&scene, east.sip_port()).await?;
        let lost = stream.wait_kind("call.offered", None).await?.subject().to_owned();
        assert_eq!(server_of(&scene, &lost).await?, json!("east"));
        scene.phone(1).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(1).answer().await?;
        stream.wait_kind("call.answered", Some(&lost)).await?;

        east.kill();
        eventually(SOON, async || {
            let health: Value = reqwest::get(format!("{}/health", scene.admin.base())).await?.json().await?;
            let servers = health["dependencies"]["asterisk"]["servers"].as_array().context("servers")?.clone();
            let state = |name: &str| servers.iter().find(|it| it["name"] == name).map(|it| it["state"].clone());
            ensure!(state("west") == Some(json!("live")) && state("east") == Some(json!("backoff")), "{health}");
            ensure!(health["status"] == "degraded", "{health}");
            Ok(())
        })
        .await?;
        // The call at the west knows of nothing, and the next one there is offered and answered.
        assert_eq!(scene.admin.get(&format!("/calls/{call}")).await?["state"], "active");
        scene.phone(0).hang_up().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        talking.wait_for(PhoneEventKind::Closed, SOON).await?;
        assert_eq!(scene.admin.get(&format!("/calls/{call}")).await?["gaps"], json!([]));
        let _next = customer_at(&scene, stack.asterisk.sip_port()).await?;
        let next = stream.wait_kind("call.offered", None).await?.subject().to_owned();
        scene.phone(0).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(0).answer().await?;
        stream.wait_kind("call.answered", Some(&next)).await?;

        // What was at the other is told when it is back: it has nothing of the call.
        east.start_again().await?;
        let ended = stream.wait_kind("call.ended", Some(&lost)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "lost");
        let lost = scene.admin.get(&format!("/calls/{lost}")).await?;
        ensure!(lost["gaps"].as_array().is_some_and(|gaps| gaps.len() == 1), "{lost}");
        let hangup = scene.admin.request(Method::POST, &format!("/calls/{next}/hangup")).send().await?;
        ensure!(hangup.status().is_success(), "{}", hangup.status());
        stream.wait_kind("call.ended", Some(&next)).await?;
        Ok(())
    });
}
