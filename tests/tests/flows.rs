//! Flows on a real Asterisk: in and out of hours, with keys before, during and after what is said, across a death of the gateway.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_stack::Stack;
use trunkline_tests::{
    EchoPhone, EventStream, Keys, Scene, eventually, nothing_left_in_asterisk, outage_stack, run, shared_stack,
};

const SOON: Duration = Duration::from_secs(10);

/// A tenant whose number leads to a flow.
struct Front {
    scene: Scene,
    flow: String,
    schedule: String,
}

impl Front {
    async fn new(stack: &Stack) -> Result<Self> {
        let scene = Scene::new(stack, 1).await?;
        let admin = &scene.admin;
        let queues = admin.get("/queues").await?;
        let queue = queues["items"][0]["id"].clone();
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let week: Vec<Value> = days.iter().map(|day| json!({ "day": day, "from": "00:00", "to": "24:00" })).collect();
        let hours = json!({ "name": "Always", "time_zone": "UTC", "week": week });
        let schedule =
            admin.send(Method::POST, "/schedules", &hours).await?["id"].as_str().context("an id")?.to_owned();
        let definition = json!({ "start": "hours", "nodes": [
            { "id": "hours", "do": { "type": "hours", "schedule_id": schedule, "open": "hello", "closed": "closed" } },
            { "id": "hello", "do": { "type": "play", "say": [{ "builtin": "hello-world" }], "next": "menu" } },
            { "id": "menu", "do": { "type": "menu", "say": [{ "builtin": "vm-enter-num-to-call" }], "keys": {
                "1": "queue", "2": "code", "3": "ask" }, "timeout_seconds": 3, "tries": 2,
                "wrong": [{ "builtin": "pbx-invalid" }], "otherwise": "bye" } },
            { "id": "code", "do": { "type": "gather", "say": [{ "builtin": "vm-password" }], "variable": "code", "min": 1, "max": 6,
                "terminator": "#", "timeout_seconds": 5, "tries": 1, "next": "known", "otherwise": "bye" } },
            { "id": "known", "do": { "type": "branch", "cases": [
                { "variable": "code", "is": "equals", "value": "4711", "next": "queue" }], "otherwise": "bye" } },
            { "id": "ask", "do": { "type": "http", "method": "GET", "url": "http://127.0.0.1:1/", "deadline_ms": 2000,
                "next": "bye", "failed": "queue" } },
            { "id": "queue", "do": { "type": "queue", "queue_id": queue, "priority": 3 } },
            { "id": "closed", "do": { "type": "hang_up", "say": [{ "builtin": "vm-goodbye" }], "reason": "out_of_hours" } },
            { "id": "bye", "do": { "type": "hang_up", "say": [{ "builtin": "vm-goodbye" }] } },
        ] });
        let made = admin.send(Method::POST, "/flows", &json!({ "name": "Front", "definition": definition })).await?;
        let flow = made["id"].as_str().context("an id")?.to_owned();
        admin.send(Method::POST, &format!("/flows/{flow}/publish"), &json!({})).await?;
        let front = Self { scene, flow, schedule };
        front.lead().await?;
        Ok(front)
    }

    async fn lead(&self) -> Result<()> {
        let target = json!({ "target": { "type": "flow", "flow_id": self.flow } });
        let path = format!("/numbers/{}", self.scene.number);
        self.scene.admin.send(Method::PATCH, &path, &target).await?;
        Ok(())
    }

    async fn dial(&self) -> Result<EchoPhone> {
        EchoPhone::dial(self.scene.sip_port(), "15557654321", &self.scene.number).await
    }

    async fn stream(&self) -> Result<EventStream> {
        EventStream::next_only(&self.scene.admin).await
    }

    /// What was decided of a call, in a word each.
    async fn decisions(&self, call: &str) -> Result<Vec<String>> {
        let trace = self.scene.admin.get(&format!("/calls/{call}/trace")).await?;
        let steps = trace["steps"].as_array().context("steps")?;
        Ok(steps.iter().map(|step| step["what"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// Waits until a decision was made.
    async fn decided(&self, call: &str, what: &str) -> Result<()> {
        eventually(SOON, async || {
            let trace = self.scene.admin.get(&format!("/calls/{call}/trace")).await?;
            let steps = trace["steps"].as_array().context("steps")?;
            ensure!(steps.iter().any(|step| step["what"] == what), "not {what}: {trace}");
            Ok(())
        })
        .await
    }
}

#[test]
fn who_calls_again_reaches_the_agent_whom_they_talked_with() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        scene.plug_in(0, true).await?;
        scene.plug_in(1, true).await?;
        scene.agents[1].api.set_state("available").await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let served = async |scene: &Scene, stream: &mut EventStream| {
            let customer = EchoPhone::dial(scene.sip_port(), "15557654321", &scene.number).await?;
            let answered = stream.wait_kind("call.answered", None).await?;
            customer.hang_up().await?;
            stream.wait_kind("call.ended", Some(answered.subject())).await?;
            anyhow::Ok(answered)
        };
        let second = json!(scene.agents[1].api.user);
        let first = served(&scene, &mut stream).await?;
        assert_eq!(first.event["data"]["agent_id"], second);
        // The queue would give the next call to somebody else: the other one has been idle for longer.
        scene.agents[0].api.set_state("available").await?;
        let definition = json!({ "start": "again", "nodes": [
            { "id": "again", "do": { "type": "dial", "to": "last_agent", "ring_seconds": 15, "next": "bye" } },
            { "id": "bye", "do": { "type": "hang_up" } },
        ] });
        let flow = json!({ "name": "Again", "definition": definition });
        let flow = scene.admin.send(Method::POST, "/flows", &flow).await?["id"].as_str().context("an id")?.to_owned();
        scene.admin.send(Method::POST, &format!("/flows/{flow}/publish"), &json!({})).await?;
        let target = json!({ "target": { "type": "flow", "flow_id": flow } });
        scene.admin.send(Method::PATCH, &format!("/numbers/{}", scene.number), &target).await?;
        let again = served(&scene, &mut stream).await?;
        assert_eq!(again.event["data"]["agent_id"], second);
        let trace = scene.admin.get(&format!("/calls/{}/trace", again.subject())).await?;
        ensure!(trace["steps"].as_array().is_some_and(|all| all.iter().any(|step| step["node"] == "again")), "{trace}");
        scene.nothing_left(stack).await
    });
}

#[test]
fn callers_go_through_a_flow() {
    run(async {
        let stack = shared_stack().await?;
        let front = Front::new(stack).await?;
        let mut stream = front.stream().await?;
        // A key in the menu, each way that a key travels.
        for keys in [Keys::Events, Keys::Info] {
            let customer = front.dial().await?;
            let call = stream.wait_kind("call.started", None).await?.subject().to_owned();
            front.decided(&call, "said").await?;
            customer.press("1", keys).await?;
            stream.wait_kind("call.queued", Some(&call)).await?;
            customer.hang_up().await?;
            let ended = stream.wait_kind("call.ended", Some(&call)).await?;
            ensure!(ended.event["data"]["end_reason"] == "abandoned_queue", "{}", ended.event);
        }
        // Everything typed ahead: a menu's key, a code, and the code's end.
        let customer = front.dial().await?;
        let call = stream.wait_kind("call.started", None).await?.subject().to_owned();
        customer.press("24711#", Keys::Events).await?;
        stream.wait_kind("call.queued", Some(&call)).await?;
        customer.hang_up().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        let decisions = front.decisions(&call).await?;
        ensure!(
            decisions.ends_with(&["key".to_owned(), "gathered".to_owned(), "case".to_owned(), "queue".to_owned()]),
            "{decisions:?}"
        );
        // A program that may not be asked costs nobody the call.
        let customer = front.dial().await?;
        let call = stream.wait_kind("call.started", None).await?.subject().to_owned();
        customer.press("3", Keys::Events).await?;
        stream.wait_kind("call.queued", Some(&call)).await?;
        customer.hang_up().await?;
        front.decided(&call, "fetch_failed").await?;
        // Nobody presses anything: the menu comes twice, and then a goodbye.
        let customer = front.dial().await?;
        let call = stream.wait_kind("call.started", None).await?.subject().to_owned();
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        ensure!(ended.event["data"]["end_reason"] == "completed_customer", "{}", ended.event);
        let decisions = front.decisions(&call).await?;
        ensure!(decisions.iter().filter(|what| *what == "no_key").count() == 2, "{decisions:?}");
        drop(customer);
        // Somebody hangs up in the middle.
        let customer = front.dial().await?;
        let call = stream.wait_kind("call.started", None).await?.subject().to_owned();
        front.decided(&call, "said").await?;
        customer.hang_up().await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        ensure!(ended.event["data"]["end_reason"] == "abandoned_ivr", "{}", ended.event);
        // What was is taken through what is drawn now.
        let draft = front.scene.admin.get(&format!("/flows/{}", front.flow)).await?["published"]["definition"].clone();
        let mut draft = draft;
        draft["nodes"][2]["do"]["keys"] = json!({ "1": "bye" });
        let path = format!("/flows/{}/draft", front.flow);
        front.scene.admin.send(Method::PUT, &path, &json!({ "definition": draft })).await?;
        let calls = front.scene.admin.get("/calls").await?;
        let first = calls["items"].as_array().and_then(|all| all.last()).context("a call")?["id"].clone();
        let path = format!("/calls/{}/simulate", first.as_str().context("an id")?);
        let compared =
            front.scene.admin.send(Method::POST, &path, &json!({ "flow_id": front.flow, "version": "draft" })).await?;
        ensure!(compared["ends"]["type"] == "hang_up", "{compared}");
        ensure!(compared["differs_at"].is_u64(), "{compared}");
        nothing_left_in_asterisk(stack).await
    });
}

#[test]
fn it_is_closed_in_one_click() {
    run(async {
        let stack = shared_stack().await?;
        let front = Front::new(stack).await?;
        let mut stream = front.stream().await?;
        let path = format!("/schedules/{}/override", front.schedule);
        front.scene.admin.send(Method::PUT, &path, &json!({ "state": "closed", "note": "Storm" })).await?;
        // The directory is read again a moment later.
        eventually(SOON, async || {
            let tried = json!({ "from": "+15557654321", "to": front.scene.number });
            let path = format!("/flows/{}/simulate", front.flow);
            let simulated = front.scene.admin.send(Method::POST, &path, &tried).await?;
            ensure!(simulated["ends"]["type"] == "hang_up", "{simulated}");
            Ok(())
        })
        .await?;
        let customer = front.dial().await?;
        let call = stream.wait_kind("call.started", None).await?.subject().to_owned();
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        ensure!(ended.event["data"]["end_reason"] == "out_of_hours", "{}", ended.event);
        drop(customer);
        Ok(())
    });
}

#[test]
fn a_caller_in_a_menu_does_not_notice_that_the_gateway_died() {
    run(async {
        let mut stack = outage_stack().await?;
        let front = Front::new(&stack).await?;
        let call = {
            let mut stream = front.stream().await?;
            let customer = front.dial().await?;
            let call = stream.wait_kind("call.started", None).await?.subject().to_owned();
            customer.press("2", Keys::Events).await?;
            front.decided(&call, "key").await?;
            stack.gateway.kill_9();
            stack.gateway.start_again().await?;
            let scene = &front.scene;
            eventually(SOON, async || {
                let trace = scene.admin.get(&format!("/calls/{call}/trace")).await?;
                ensure!(trace.to_string().contains("resumed"), "{trace}");
                Ok(())
            })
            .await?;
            customer.press("4711#", Keys::Events).await?;
            front.decided(&call, "queue").await?;
            customer.hang_up().await?;
            call
        };
        eventually(SOON, async || {
            let row = front.scene.admin.get(&format!("/calls/{call}")).await?;
            ensure!(row["end_reason"] == "abandoned_queue", "{row}");
            Ok(())
        })
        .await?;
        nothing_left_in_asterisk(&stack).await
    });
}
