//! Desk phones that hand calls on by their own transfer key (REFER), on a real Asterisk. All tests share one stack and one world outside.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use trunkline_stack::phones::Baresip;
use trunkline_stack::{PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{AGENT_HZ, CUSTOMER_HZ, Callee, EchoPhone, EventStream, Scene, hears_now, run};

const SOON: Duration = Duration::from_secs(15);
/// What a second agent sounds like.
const COLLEAGUE_HZ: u32 = 1_300;

struct Outside {
    stack: Stack,
    // It answers as long as it lives.
    _callee: Callee,
}

async fn outside() -> Result<&'static Outside> {
    static OUTSIDE: OnceCell<Outside> = OnceCell::const_new();
    OUTSIDE
        .get_or_try_init(async || {
            let callee = Callee::start().await?;
            let env = vec![callee.trunk(), ("TRUNKLINE_PHONE_TRANSFERS".to_owned(), "true".to_owned())];
            let stack = Stack::start(StackOptions { demo: false, env, ..StackOptions::default() }).await?;
            Ok(Outside { stack, _callee: callee })
        })
        .await
}

async fn extension(scene: &Scene, index: usize) -> Result<String> {
    let agents = scene.admin.get("/agents").await?;
    let id = json!(scene.agents[index].api.user);
    let agent = agents["items"].as_array().and_then(|all| all.iter().find(|agent| agent["id"] == id));
    Ok(agent.and_then(|agent| agent["extension"].as_str()).context("an extension")?.to_owned())
}

/// The first agent's phone, which sends back what it hears, and a customer who talks with them; gives the call too.
async fn talking(scene: &Scene, stream: &mut EventStream) -> Result<(EchoPhone, Baresip, String)> {
    let (name, password) = &scene.agents[0].credentials;
    let phone = EchoPhone::sign_in(scene.sip_port(), name, password).await?;
    scene.wait_reachable(0).await?;
    scene.agents[0].api.set_state("available").await?;
    let customer = scene.customer().await?;
    let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
    hears_now(&customer, CUSTOMER_HZ).await.context("the agent's echo")?;
    Ok((phone, customer, call))
}

/// Ends the call from the customer's side, and looks at what is left of it: one record with all legs closed, and one whole recording.
async fn ends_well(scene: &Scene, stream: &mut EventStream, customer: &Baresip, call: &str) -> Result<Value> {
    customer.hang_up().await?;
    stream.wait_kind("call.ended", Some(call)).await?;
    stream
        .wait_for("the recording", SOON, |seen| seen.kind == "recording.ready" && seen.event["data"]["call_id"] == call)
        .await?;
    let record = scene.admin.get(&format!("/calls/{call}")).await?;
    let legs = record["legs"].as_array().context("legs")?;
    ensure!(legs.iter().all(|leg| leg["ended_at"].is_string()), "{record}");
    ensure!(record["recording_id"].is_string(), "{record}");
    Ok(record)
}

#[test]
fn blind_to_a_colleague_from_hold() {
    run(async {
        let Outside { stack, .. } = outside().await?;
        let mut scene = Scene::new(stack, 2).await?;
        scene.plug_in(0, true).await?;
        scene.agents[0].api.set_state("available").await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        hears_now(&customer, AGENT_HZ).await.context("the agent")?;
        scene.plug_in_sounding(1, true, COLLEAGUE_HZ).await?;
        let colleague = extension(&scene, 1).await?;
        let server = format!("127.0.0.1:{}", scene.sip_port());

        scene.phone(0).hold().await?;
        stream.wait_kind("call.held", Some(&call)).await?;
        scene.phone(0).command("transfer", &format!("sip:{colleague}@{server}")).await?;
        let transferred = stream.wait_kind("call.transferred", Some(&call)).await?;
        let data = &transferred.event["data"];
        assert_eq!((&data["kind"], &data["to"]["agent_id"]), (&json!("blind"), &json!(scene.agents[1].api.user)));
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        hears_now(&customer, COLLEAGUE_HZ).await.context("the colleague")?;
        let record = ends_well(&scene, &mut stream, &customer, &call).await?;
        assert_eq!(record["agent_id"], json!(scene.agents[1].api.user));
        scene.nothing_left(stack).await
    });
}

#[test]
fn after_asking_nobody_and_then_a_colleague_by_its_second_line_the_customer_talks_with_them() {
    run(async {
        let Outside { stack, .. } = outside().await?;
        let mut scene = Scene::new(stack, 2).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (phone, customer, call) = talking(&scene, &mut stream).await?;
        scene.plug_in_sounding(1, true, COLLEAGUE_HZ).await?;
        let colleague = extension(&scene, 1).await?;
        // There is no such number: the phone is told, and keeps the call.
        phone.refer("77", None).await?;
        assert_eq!(phone.told_of_transfer().await?, "SIP/2.0 603 Decline");
        hears_now(&customer, CUSTOMER_HZ).await.context("still the agent")?;

        let (name, password) = &scene.agents[0].credentials;
        let second = EchoPhone::second_line(scene.sip_port(), (name, password), &colleague).await?;
        let asked =
            stream.wait_for("the second call", SOON, |seen| seen.kind == "call.answered" && seen.subject() != call);
        let asked = asked.await?.subject().to_owned();

        phone.refer(&colleague, Some(&second)).await?;
        assert_eq!(phone.told_of_transfer().await?, "SIP/2.0 200 OK");
        let transferred = stream.wait_kind("call.transferred", Some(&call)).await?;
        let data = &transferred.event["data"];
        assert_eq!((&data["kind"], &data["to"]["agent_id"]), (&json!("attended"), &json!(scene.agents[1].api.user)));
        hears_now(&customer, COLLEAGUE_HZ).await.context("the colleague")?;
        let ended = stream.wait_kind("call.ended", Some(&asked)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "transferred");

        // It is their call now, as any other.
        let theirs = &scene.agents[1].api;
        theirs.send(Method::POST, &format!("/calls/{call}/hold"), &Value::Null).await?;
        stream.wait_kind("call.held", Some(&call)).await?;
        theirs.send(Method::POST, &format!("/calls/{call}/resume"), &Value::Null).await?;
        hears_now(&customer, COLLEAGUE_HZ).await.context("the colleague once more")?;
        let record = ends_well(&scene, &mut stream, &customer, &call).await?;
        assert_eq!(record["agent_id"], json!(scene.agents[1].api.user));
        assert_eq!(record["legs"].as_array().map(Vec::len), Some(3), "{record}");
        scene.nothing_left(stack).await
    });
}

#[test]
fn after_asking_somebody_outside_the_customer_talks_with_them() {
    run(async {
        let Outside { stack, .. } = outside().await?;
        let scene = Scene::new(stack, 1).await?;
        let rules = json!({ "country": "US", "caller_id": scene.number });
        scene.admin.send(Method::PUT, "/dialing", &rules).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let (phone, customer, call) = talking(&scene, &mut stream).await?;
        let (name, password) = &scene.agents[0].credentials;
        let second = EchoPhone::second_line(scene.sip_port(), (name, password), Callee::ANSWERS).await?;
        let asked =
            stream.wait_for("the second call", SOON, |seen| seen.kind == "call.answered" && seen.subject() != call);
        let asked = asked.await?.subject().to_owned();

        phone.refer(Callee::ANSWERS, Some(&second)).await?;
        assert_eq!(phone.told_of_transfer().await?, "SIP/2.0 200 OK");
        let transferred = stream.wait_kind("call.transferred", Some(&call)).await?;
        assert_eq!(transferred.event["data"]["to"], json!({ "number": Callee::ANSWERS }));
        stream.wait_kind("call.ended", Some(&asked)).await?;
        // Who is outside sends back what they hear.
        hears_now(&customer, CUSTOMER_HZ).await.context("the outside party")?;
        let record = ends_well(&scene, &mut stream, &customer, &call).await?;
        assert_eq!(record["end_reason"], "transferred");
        scene.nothing_left(stack).await
    });
}
