//! Agents call out through a real Asterisk to a callee of our own behind the trunk.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_stack::{PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{Agent, Callee, EventStream, Scene, run};

const SOON: Duration = Duration::from_secs(15);
async fn stack_with(callee: &Callee) -> Result<Stack> {
    Ok(Stack::start(StackOptions { demo: false, env: vec![callee.trunk()], ..StackOptions::default() }).await?)
}

async fn call(agent: &Agent, to: &str) -> Result<(StatusCode, Value)> {
    let answer = agent.api.request(Method::POST, "/calls").json(&json!({ "to": to })).send().await?;
    Ok((answer.status(), answer.json().await?))
}

#[test]
fn an_agent_calls_out_by_a_click_and_every_ending_is_told() {
    run(async {
        let callee = Callee::start().await?;
        let stack = stack_with(&callee).await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(true).await?;
        let rules = json!({ "country": "US", "caller_id": scene.number });
        scene.admin.send(Method::PUT, "/dialing", &rules).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;

        // Denied in words, and nobody is dialled.
        let (status, problem) = call(&scene.agents[0], "+390644121234").await?;
        ensure!(status == StatusCode::CONFLICT && problem["type"].as_str().is_some(), "{status} {problem}");
        ensure!(problem["detail"].as_str().is_some_and(|words| words.contains("IT")), "{problem}");
        ensure!(callee.requests("INVITE").is_empty());

        // Answered: both hear each other, it is recorded, and the other side sees the company's number.
        let (status, placed) = call(&scene.agents[0], "(212) 555-0123").await?;
        ensure!(status == StatusCode::CREATED, "{status} {placed}");
        let id = placed["id"].as_str().context("an id")?.to_owned();
        scene.phone(0).wait_for(PhoneEventKind::Established, SOON).await?;
        stream.wait_kind("call.answered", Some(&id)).await?;
        stream.wait_kind("recording.started", None).await?;
        let invite = callee.requests("INVITE").pop().context("an INVITE")?;
        ensure!(invite.starts_with(&format!("INVITE sip:{}@", Callee::ANSWERS)), "{invite}");
        let from = invite.lines().find(|line| line.starts_with("From:")).context("From")?;
        ensure!(from.contains(&scene.number), "{from}");
        scene.phone(0).hang_up().await?;
        stream.wait_kind("call.ended", Some(&id)).await?;
        stream.wait_kind("recording.ready", None).await?;
        ensure!(callee.requests("BYE").len() == 1);
        let record = scene.admin.get(&format!("/calls/{id}")).await?;
        assert_eq!((&record["direction"], &record["to"]), (&json!("outbound"), &json!(Callee::ANSWERS)));
        assert_eq!((&record["end_reason"], &record["from"]), (&json!("completed_agent"), &json!(scene.number)));
        assert_eq!(record["agent_id"], json!(scene.agents[0].api.user));
        let told = stream.kinds_of(&id);
        let wanted =
            ["call.started", "call.dialled", "call.answered", "recording.started", "call.ended", "recording.ready"];
        assert_eq!(told, wanted);
        scene.nothing_left(&stack).await?;

        // Busy.
        let (_, placed) = call(&scene.agents[0], Callee::BUSY).await?;
        let id = placed["id"].as_str().context("an id")?.to_owned();
        stream.wait_kind("call.ended", Some(&id)).await?;
        let record = scene.admin.get(&format!("/calls/{id}")).await?;
        assert_eq!((&record["end_reason"], &record["sip_code"]), (&json!("busy"), &json!(486)), "{record}");

        // The agent gives up while it rings: the other side is told.
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        let (_, placed) = call(&scene.agents[0], Callee::RINGS).await?;
        let id = placed["id"].as_str().context("an id")?.to_owned();
        stream.wait_kind("call.dialled", Some(&id)).await?;
        trunkline_tests::eventually(SOON, async || {
            ensure!(callee.requests("INVITE").iter().any(|invite| invite.contains(Callee::RINGS)), "not dialled yet");
            Ok(())
        })
        .await?;
        scene.phone(0).hang_up().await?;
        stream.wait_kind("call.ended", Some(&id)).await?;
        ensure!(callee.requests("CANCEL").len() == 1, "{:?}", callee.requests("CANCEL"));
        let record = scene.admin.get(&format!("/calls/{id}")).await?;
        assert_eq!(record["end_reason"], "no_answer", "{record}");

        // A desk phone that dials goes the same way, and is held to the same rules.
        scene.phone(0).dial("2125550123").await?;
        let started = stream.wait_kind("call.started", None).await?;
        let id = started.subject().to_owned();
        stream.wait_kind("call.answered", Some(&id)).await?;
        scene.phone(0).hang_up().await?;
        stream.wait_kind("call.ended", Some(&id)).await?;
        scene.phone(0).dial("+390644121234").await?;
        let id = stream.wait_kind("call.started", None).await?.subject().to_owned();
        let ended = stream.wait_kind("call.ended", Some(&id)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "blocked");
        scene.nothing_left(&stack).await
    });
}

#[test]
fn a_blocked_caller_is_turned_away() {
    run(async {
        let callee = Callee::start().await?;
        let stack = stack_with(&callee).await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        // The caller's number is fictional: in no range, and still somebody's.
        scene.agents[0].api.send(Method::PUT, "/caller-marks/%2B15557654321", &json!({ "mark": "blocked" })).await?;
        stream.wait_kind("caller.marked", None).await?;
        trunkline_tests::eventually(SOON, async || {
            let customer = scene.sipp_customer(Duration::from_millis(200))?;
            let result = customer.wait().await?;
            ensure!(result.failed == 1, "not turned away yet: {result:?}");
            // That call control has the number is told by a call that it wrote down.
            let calls = scene.admin.get("/calls?limit=1").await?;
            ensure!(calls["items"][0]["end_reason"] == "blocked", "{calls}");
            Ok(())
        })
        .await?;
        scene.nothing_left(&stack).await
    });
}
