//! The softphone's server side, with a browser's SIP but without its sound, which is tested in Chromium: credentials, the socket that
//! carries SIP through the gateway, and calls that move from one page to the next.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_stack::{PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{
    Api, Dialog, EventStream, Proxy, Scene, SipSocket, eventually, nothing_left_in_asterisk, open_sip, outage_stack,
    run, shared_stack,
};

const SOON: Duration = Duration::from_secs(15);

async fn session(api: &Api) -> Result<Value> {
    api.send(Method::POST, "/softphone/session", &json!({})).await
}

/// Waits until the gateway holds the agent for reachable, or for unreachable.
async fn reachable(api: &Api, wanted: bool) -> Result<()> {
    eventually(SOON, async || {
        let agents = api.get("/agents").await?;
        let own = agents["items"].as_array().and_then(|all| all.iter().find(|agent| agent["id"] == api.user.as_str()));
        ensure!(own.is_some_and(|agent| agent["reachable"] == wanted), "reachable is not {wanted}: {agents}");
        Ok(())
    })
    .await
}

/// A browser that signed in, of an agent who takes work.
async fn at_work(api: &Api) -> Result<SipSocket> {
    let mut browser = SipSocket::open(&session(api).await?).await?;
    ensure!(browser.register().await? == 200, "not signed in");
    reachable(api, true).await?;
    api.set_state("available").await?;
    Ok(browser)
}

/// The page is loaded anew: its socket ends without a word, another one signs in.
async fn reload(api: &Api, old: SipSocket) -> Result<SipSocket> {
    drop(old);
    let mut browser = SipSocket::open(&session(api).await?).await?;
    ensure!(browser.register().await? == 200, "not signed in again");
    Ok(browser)
}

/// Asks for the call on this browser until the gateway knows that it can be rung.
async fn reattach(api: &Api, call: &str) -> Result<()> {
    eventually(SOON, async || {
        let answer = api.request(Method::POST, &format!("/calls/{call}/reattach")).send().await?;
        ensure!(answer.status().is_success(), "{}: {}", answer.status(), answer.text().await?);
        Ok(())
    })
    .await
}

#[test]
fn credentials_are_for_those_who_take_work() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let refused = scene.admin.request(Method::POST, "/softphone/session").send().await?;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "an admin who takes no work");
        let nobody = reqwest::Client::builder().no_proxy().build()?;
        let nobody = nobody.post(format!("{}/api/v1/softphone/session", scene.admin.base())).send().await?;
        assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
        let answer = scene.agents[0].api.request(Method::POST, "/softphone/session").send().await?;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        Ok(())
    });
}

#[test]
fn browser_signs_in_and_a_renewal_costs_it_nothing() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let api = &scene.agents[0].api;
        let first = session(api).await?;
        let mut browser = SipSocket::open(&first).await?;
        assert_eq!(browser.register().await?, 200);
        reachable(api, true).await?;

        let second = session(api).await?;
        assert_eq!(second["username"], first["username"]);
        assert_ne!(second["password"], first["password"]);
        let agents = api.get("/agents").await?;
        assert_eq!(agents["items"][0]["reachable"], true, "the registration stays");
        assert_eq!(browser.register().await?, 401, "the old password is none any more");
        let text = |name: &str| second[name].as_str().context("text").map(str::to_owned);
        browser.pretend(&text("username")?, &text("password")?);
        assert_eq!(browser.register().await?, 200, "on the socket that was open");

        // Also after a renewal Asterisk knows that the phone is gone with its socket.
        drop(browser);
        reachable(api, false).await
    });
}

#[test]
fn socket_opens_for_pages_of_ours_with_the_key_of_the_softphone() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 2).await?;
        let (one, other) = (session(&scene.agents[0].api).await?, session(&scene.agents[1].api).await?);
        let url = one["ws_url"].as_str().context("ws_url")?.to_owned();
        let key = |url: &str| url.rsplit("key=").next().unwrap_or_default().to_owned();
        let others = url.replace(&key(&url), &key(other["ws_url"].as_str().context("ws_url")?));
        let base = scene.admin.base();
        let status = async |url: &str, origin: &str, protocol: Option<&str>| {
            Ok::<_, anyhow::Error>(open_sip(url, origin, protocol).await?.err())
        };
        assert_eq!(status(&url, base, Some("sip")).await?, None);
        assert_eq!(status(&url, "http://elsewhere.test", Some("sip")).await?, Some(403));
        assert_eq!(status(&url, "null", Some("sip")).await?, Some(403));
        assert_eq!(status(&others, base, Some("sip")).await?, Some(401), "the key of another softphone");
        assert_eq!(status(&url.replace("key=", "key=x"), base, Some("sip")).await?, Some(401));
        assert_eq!(status(url.split('?').next().unwrap_or_default(), base, Some("sip")).await?, Some(401));
        assert_eq!(status(&url, base, None).await?, Some(400));
        Ok(())
    });
}

#[test]
fn socket_carries_one_name_and_its_guesses_bar_nobody() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        let guessed = session(&scene.agents[0].api).await?;
        let (username, password) = scene.agents[1].credentials.clone();
        let mut browser = SipSocket::open(&guessed).await?;
        browser.pretend(&username, &password);
        assert!(browser.register().await.is_err(), "another's name came through");
        let mut browser = SipSocket::open(&guessed).await?;
        browser.pretend(&username, &password);
        browser.say(format!("OPTIONS sip:x SIP/2.0\r\nFrom: <sip:{username}@x>;tag=a\r\nTo: <sip:x>\r\n\r\n")).await?;
        assert_eq!(browser.closed().await?, 1008);

        // More wrong passwords than bar an address that comes over UDP.
        let mut browser = SipSocket::open(&guessed).await?;
        browser.pretend(guessed["username"].as_str().context("username")?, "wrong");
        for _ in 0..15 {
            assert_eq!(browser.register().await?, 401);
        }
        let mut other = at_work(&scene.agents[1].api).await?;
        assert_eq!(other.register().await?, 200, "the gateway itself is barred");
        scene.plug_in(0, false).await.context("a desk phone at the same address")
    });
}

#[test]
fn softphone_ends_with_its_sign_in() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let api = &scene.agents[0].api;
        let granted = session(api).await?;
        let mut browser = SipSocket::open(&granted).await?;
        assert_eq!(browser.register().await?, 200);
        reachable(api, true).await?;
        api.sign_out().await?;
        assert_eq!(browser.closed().await?, 4401);
        eventually(SOON, async || {
            let agents = scene.admin.get("/agents").await?;
            ensure!(agents["items"][0]["reachable"] == false, "{agents}");
            Ok(())
        })
        .await?;
        let url = granted["ws_url"].as_str().context("ws_url")?;
        assert_eq!(open_sip(url, scene.admin.base(), Some("sip")).await?.err(), Some(401), "the credentials ended");
        Ok(())
    });
}

/// Rings the browser, and answers; the call's id beside its dialog.
async fn take_a_call(browser: &mut SipSocket, stream: &mut EventStream) -> Result<(String, Dialog)> {
    let invite = browser.ring().await?;
    let call = invite.header("X-Trunkline-Call").context("the ring says nothing of its call")?.to_owned();
    assert_eq!(invite.header("X-Trunkline-Queue"), Some("Sales"));
    assert_eq!(invite.header("X-Trunkline-Reattach"), None);
    let dialog = browser.answer(&invite).await?;
    let answered = stream.wait_kind("call.answered", None).await?;
    assert_eq!(answered.subject(), call);
    Ok((call, dialog))
}

#[test]
fn call_is_held_and_follows_the_page_that_is_loaded_anew() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let api = scene.agents[0].api.clone();
        let mut browser = at_work(&api).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut customer = scene.customer().await?;
        let (call, mut dialog) = take_a_call(&mut browser, &mut stream).await?;
        customer.wait_for(PhoneEventKind::Established, SOON).await?;

        browser.set_held(&mut dialog, true).await?;
        let held = stream.wait_kind("call.held", Some(&call)).await?;
        assert_eq!(held.event["data"]["agent_id"], api.user.as_str());
        api.call_when(&call, |call| call["held_since"].is_string()).await?;
        browser.set_held(&mut dialog, false).await?;
        stream.wait_kind("call.resumed", Some(&call)).await?;
        api.call_when(&call, |call| call["held_since"].is_null()).await?;

        let mut browser = reload(&api, browser).await?;
        reattach(&api, &call).await?;
        let invite = browser.ring().await?;
        assert_eq!(invite.header("X-Trunkline-Reattach"), Some(call.as_str()));
        let mut again = browser.answer(&invite).await?;
        stream.wait_kind("call.reattached", Some(&call)).await?;
        let running = api.get(&format!("/calls/{call}")).await?;
        assert_eq!(running["state"], "active");
        assert_eq!(running["legs"].as_array().map(Vec::len), Some(3), "{running}");
        ensure!(customer.events().iter().all(|event| event.kind != PhoneEventKind::Closed), "the customer was cut off");

        browser.hang_up(&mut again).await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        stream.wait_kind("recording.ready", None).await?;
        let kinds = stream.kinds_of(&call);
        for once in ["call.answered", "recording.started", "call.reattached", "call.ended", "recording.ready"] {
            assert_eq!(kinds.iter().filter(|kind| **kind == once).count(), 1, "{once} in {kinds:?}");
        }
        let record = api.get(&format!("/calls/{call}")).await?;
        assert_eq!(record["end_reason"], "completed_agent");
        Ok(())
    });
}

#[test]
fn page_that_does_not_come_back_leaves_the_call_as_it_was() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 2).await?;
        let api = scene.agents[0].api.clone();
        let mut browser = at_work(&api).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        let (call, dialog) = take_a_call(&mut browser, &mut stream).await?;

        let path = format!("/calls/{call}/reattach");
        session(&scene.agents[1].api).await?;
        let other = scene.agents[1].api.request(Method::POST, &path).send().await?;
        assert_eq!(other.status(), StatusCode::NOT_FOUND, "the call of another agent");

        reattach(&api, &call).await?;
        let invite = browser.ring().await?;
        browser.respond(&invite, "486 Busy Here").await?;
        browser.wait("an ACK", |sip| sip.method() == Some("ACK")).await?;
        let running = api.call_when(&call, |call| call["legs"][2]["ended_at"].is_string()).await?;
        assert_eq!(running["state"], "active");
        ensure!(customer.events().iter().all(|event| event.kind != PhoneEventKind::Closed), "the customer was cut off");

        let hung_up = api.request(Method::POST, &format!("/calls/{call}/hangup")).send().await?;
        assert_eq!(hung_up.status(), StatusCode::NO_CONTENT);
        browser.hung_up(&dialog).await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        assert_eq!(stream.kinds_of(&call).iter().filter(|kind| **kind == "call.reattached").count(), 0);
        let gone = api.request(Method::POST, &path).send().await?;
        assert_eq!(gone.status(), StatusCode::NOT_FOUND, "a call that is over");
        Ok(())
    });
}

#[test]
fn killed_gateway_knows_its_softphones_and_their_calls_again() {
    run(async {
        let mut stack = outage_stack().await?;
        let scene = Scene::new(&stack, 1).await?;
        let api = scene.agents[0].api.clone();
        let mut browser = at_work(&api).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        let (call, mut dialog) = take_a_call(&mut browser, &mut stream).await?;

        stack.gateway.kill_9();
        drop(browser);
        stack.gateway.start_again().await?;
        stream.cut_and_resume().await?;
        let granted = eventually(SOON, async || session(&api).await).await?;
        let mut browser = eventually(SOON, async || SipSocket::open(&granted).await).await?;
        assert_eq!(browser.register().await?, 200);
        // The dialog goes on over another socket: its target is told with the offer.
        browser.set_held(&mut dialog, true).await?;
        stream.wait_kind("call.held", Some(&call)).await?;
        browser.set_held(&mut dialog, false).await?;
        stream.wait_kind("call.resumed", Some(&call)).await?;
        customer.hang_up().await?;
        browser.hung_up(&dialog).await.context("the BYE comes over the new socket")?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        let record = api.get(&format!("/calls/{call}")).await?;
        assert_eq!(record["end_reason"], "completed_customer");
        nothing_left_in_asterisk(&stack).await
    });
}

#[test]
fn cut_between_gateway_and_asterisk_leaves_a_softphone_tied_to_its_socket() {
    run(async {
        let options = StackOptions { demo: false, start_gateway: false, ..StackOptions::default() };
        let mut stack = Stack::start(options).await?;
        let config = stack.asterisk.config();
        let asterisk = (config.listen, config.http_port);
        let line = Proxy::start(asterisk.into()).await?;
        stack.gateway.set_env("TRUNKLINE_ARI_URL", &format!("http://{}/ari", line.address()));
        // SIP goes past the cut.
        stack.gateway.set_env("TRUNKLINE_SIP_WEBSOCKET_URL", &format!("http://{}:{}/ws", asterisk.0, asterisk.1));
        stack.gateway.start_again().await?;
        let scene = Scene::new(&stack, 1).await?;
        let api = &scene.agents[0].api;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let browser = at_work(api).await?;

        let before = line.accepted();
        line.cut();
        eventually(SOON, async || {
            ensure!(line.accepted() > before, "the gateway noticed nothing");
            Ok(())
        })
        .await?;
        line.mend();
        stream.wait_kind("telephony.gap", None).await?;
        reachable(api, true).await?;
        drop(browser);
        reachable(api, false).await?;

        // A restart takes it from Asterisk's memory: it is pushed anew, and signs in without new credentials.
        let granted = session(api).await?;
        stack.asterisk.restart().await?;
        stream.wait_kind("telephony.gap", None).await?;
        let browser = eventually(SOON, async || {
            let mut browser = SipSocket::open(&granted).await?;
            ensure!(browser.register().await? == 200, "not signed in");
            Ok(browser)
        })
        .await?;
        reachable(api, true).await?;
        drop(browser);
        reachable(api, false).await
    });
}
