//! Agents call out through a real Asterisk to a callee of our own behind the trunk.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use trunkline_stack::{PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{Agent, EventStream, Scene, run};

const SOON: Duration = Duration::from_secs(15);
/// Answers.
const ANSWERS: &str = "+12125550123";
/// Is busy.
const BUSY: &str = "+12125550117";
/// Rings until the caller gives up.
const RINGS: &str = "+12125550180";

/// The outside world: a SIP server that answers, rings or is busy, depending on the number.
struct Callee {
    /// Requests as they came in.
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Callee {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Callee {
    async fn start() -> Result<(Self, SocketAddr)> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 8192];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                for answer in answers(&text, address) {
                    let _ = socket.send_to(answer.as_bytes(), from).await;
                }
                requests.lock().unwrap().push(text);
            }
        });
        Ok((Self { seen, task }, address))
    }

    fn requests(&self, method: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|text| text.starts_with(method)).cloned().collect()
    }
}

/// What the server says to a request.
fn answers(request: &str, own: SocketAddr) -> Vec<String> {
    let header = |name: &str| request.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    let vias: Vec<&str> = request.lines().filter(|line| line.starts_with("Via:")).collect();
    let response = |status: &str, body: &str| {
        let to = header("To:");
        let tag = if to.contains(";tag=") { "" } else { ";tag=callee" };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "SIP/2.0 {status}\r\n{}\r\n{}\r\n{to}{tag}\r\n{}\r\n{}\r\nContact: <sip:callee@{own}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            vias.join("\r\n"),
            header("From:"),
            header("Call-ID:"),
            header("CSeq:"),
            body.len(),
        )
    };
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";
    match request.split(' ').next() {
        Some("INVITE") if request.contains(BUSY) => vec![response("486 Busy Here", "")],
        Some("INVITE") if request.contains(RINGS) => vec![response("180 Ringing", "")],
        Some("INVITE") => vec![response("180 Ringing", ""), response("200 OK", sdp)],
        // The INVITE that is given up is answered too; its CSeq has another method.
        Some("CANCEL") => {
            let terminated = response("487 Request Terminated", "").replace("CANCEL", "INVITE");
            vec![response("200 OK", ""), terminated]
        }
        Some("BYE" | "OPTIONS") => vec![response("200 OK", "")],
        _ => Vec::new(),
    }
}

async fn stack_with(callee: SocketAddr) -> Result<Stack> {
    let trunk = format!("PJSIP/demo-trunk/sip:{{number}}@{callee}");
    let env = [("TRUNKLINE_OUTBOUND_TRUNK".to_owned(), trunk)].into();
    Ok(Stack::start(StackOptions { demo: false, env, ..StackOptions::default() }).await?)
}

async fn call(agent: &Agent, to: &str) -> Result<(StatusCode, Value)> {
    let answer = agent.api.request(Method::POST, "/calls").json(&json!({ "to": to })).send().await?;
    Ok((answer.status(), answer.json().await?))
}

#[test]
fn an_agent_calls_out_by_a_click_and_every_ending_is_told() {
    run(async {
        let (callee, address) = Callee::start().await?;
        let stack = stack_with(address).await?;
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

        // Answered: both hear each other, it is recorded, and the other side sees the company's number. What the admin set reaches call control
        // by a notification, hence more than one attempt is no failure.
        let (status, placed) = call(&scene.agents[0], "(212) 555-0123").await?;
        ensure!(status == StatusCode::CREATED, "{status} {placed}");
        let id = placed["id"].as_str().context("an id")?.to_owned();
        scene.phone(0).wait_for(PhoneEventKind::Established, SOON).await?;
        stream.wait_kind("call.answered", Some(&id)).await?;
        stream.wait_kind("recording.started", None).await?;
        let invite = callee.requests("INVITE").pop().context("an INVITE")?;
        ensure!(invite.starts_with(&format!("INVITE sip:{ANSWERS}@")), "{invite}");
        let from = invite.lines().find(|line| line.starts_with("From:")).context("From")?;
        ensure!(from.contains(&scene.number), "{from}");
        scene.phone(0).hang_up().await?;
        stream.wait_kind("call.ended", Some(&id)).await?;
        stream.wait_kind("recording.ready", None).await?;
        ensure!(callee.requests("BYE").len() == 1);
        let record = scene.admin.get(&format!("/calls/{id}")).await?;
        assert_eq!((&record["direction"], &record["to"]), (&json!("outbound"), &json!(ANSWERS)));
        assert_eq!((&record["end_reason"], &record["from"]), (&json!("completed_agent"), &json!(scene.number)));
        assert_eq!(record["agent_id"], json!(scene.agents[0].api.user));
        let told = stream.kinds_of(&id);
        let wanted =
            ["call.started", "call.dialled", "call.answered", "recording.started", "call.ended", "recording.ready"];
        assert_eq!(told, wanted);
        scene.nothing_left(&stack).await?;

        // Busy.
        let (_, placed) = call(&scene.agents[0], BUSY).await?;
        let id = placed["id"].as_str().context("an id")?.to_owned();
        stream.wait_kind("call.ended", Some(&id)).await?;
        let record = scene.admin.get(&format!("/calls/{id}")).await?;
        assert_eq!((&record["end_reason"], &record["sip_code"]), (&json!("busy"), &json!(486)), "{record}");

        // The agent gives up while it rings: the other side is told.
        scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
        let (_, placed) = call(&scene.agents[0], RINGS).await?;
        let id = placed["id"].as_str().context("an id")?.to_owned();
        stream.wait_kind("call.dialled", Some(&id)).await?;
        trunkline_tests::eventually(SOON, async || {
            ensure!(callee.requests("INVITE").iter().any(|invite| invite.contains(RINGS)), "not dialled yet");
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
        let (_callee, address) = Callee::start().await?;
        let stack = stack_with(address).await?;
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
