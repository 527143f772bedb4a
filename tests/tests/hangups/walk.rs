//! How a call is led to each step, and what has to be true of it once it is over.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use trunkline_stack::phones::{Baresip, BaresipOptions};
use trunkline_stack::{PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{
    CUSTOMER_HZ, Callee, Dialog, EventStream, Invitation, Scene, Sip, SipSocket, eventually, hears_now,
};

use crate::table::Who::{Agent, Customer};
use crate::table::{Case, ENDED, Step, Who};

const SOON: Duration = Duration::from_secs(15);

/// The stack of all tests here, with our own callee behind its trunk.
async fn house() -> Result<&'static (Callee, Stack)> {
    static HOUSE: OnceCell<(Callee, Stack)> = OnceCell::const_new();
    HOUSE
        .get_or_try_init(async || {
            let callee = Callee::start().await?;
            let options = StackOptions { demo: false, env: vec![callee.trunk()], ..StackOptions::default() };
            let stack = Stack::start(options).await?;
            anyhow::Ok((callee, stack))
        })
        .await
}

/// A tenant whose calls are hung up.
pub(crate) struct Walk {
    stack: &'static Stack,
    callee: &'static Callee,
    scene: Scene,
    stream: EventStream,
    customer: Baresip,
    /// The queue in which nobody is.
    other: Value,
    /// How each of the agents is put to work now.
    available: Vec<bool>,
    browser: Option<Browser>,
    /// The call out as our callee has it, and whether it was answered.
    invitation: Option<(Invitation, bool)>,
    /// It is a customer with a phone.
    customer_calls: bool,
    calls: Vec<(String, &'static Case)>,
}

/// An agent's browser, its call, and what rings in it beside.
struct Browser {
    socket: SipSocket,
    dialog: Option<Dialog>,
    ring: Option<Sip>,
}

impl Walk {
    /// A tenant with agents, of whom these let it ring.
    pub(crate) async fn begin(agents: usize, supervisors: usize, silent: &[usize]) -> Result<Self> {
        let (callee, stack) = house().await?;
        let mut scene = Scene::new(stack, agents).await?;
        for _ in 0..supervisors {
            scene.add_supervisor(stack).await?;
        }
        scene.add_queue(stack, "701").await?;
        let rules = json!({ "country": "US", "caller_id": scene.number });
        scene.admin.send(Method::PUT, "/dialing", &rules).await?;
        for index in 0..agents + supervisors {
            scene.plug_in(index, !silent.contains(&index)).await?;
        }
        Self::with(callee, stack, scene).await
    }

    async fn with(callee: &'static Callee, stack: &'static Stack, scene: Scene) -> Result<Self> {
        let queues = scene.admin.get("/queues").await?;
        let other = queues["items"].as_array().and_then(|all| all.iter().find(|queue| queue["slug"] == "one-more"));
        let options = BaresipOptions::caller(scene.sip_port(), "15557654321", CUSTOMER_HZ);
        let walk = Self {
            stack,
            callee,
            stream: EventStream::next_only(&scene.admin).await?,
            customer: Baresip::start(&scene.folder("customer"), options).await?,
            other: other.map_or(Value::Null, |queue| queue["id"].clone()),
            available: vec![false; scene.agents.len()],
            browser: None,
            invitation: None,
            customer_calls: true,
            calls: Vec::new(),
            scene,
        };
        walk.queue_works("longest_idle", 60).await?;
        Ok(walk)
    }

    /// Wrap-up lasts until somebody ends it.
    async fn queue_works(&self, strategy: &str, grace_seconds: u32) -> Result<()> {
        let routing = json!({
            "strategy": strategy,
            "wrap_up_seconds": 300,
            "unattended": { "grace_seconds": grace_seconds, "rounds": 5, "to": "hang_up" },
        });
        self.scene.queue_works(&json!({ "routing": routing })).await?;
        Ok(())
    }

    /// Goes through a table.
    pub(crate) async fn through(mut self, cases: &'static [Case]) -> Result<()> {
        for case in cases {
            let begun = std::time::Instant::now();
            self.walk(case).await.with_context(|| format!("{:?}, then {:?}", case.step, case.hang_ups))?;
            println!("{:?}, then {:?}: {} ms", case.step, case.hang_ups, begun.elapsed().as_millis());
        }
        // Whatever else was told of these calls comes before this.
        self.scene.admin.send(Method::PUT, "/caller-marks/%2B15557654321", &json!({ "mark": "vip" })).await?;
        self.stream.wait_kind("caller.marked", None).await?;
        for (call, case) in &self.calls {
            let kinds = self.stream.kinds_of(call);
            let times = |wanted: &[&str]| kinds.iter().filter(|kind| wanted.contains(*kind)).count();
            ensure!((times(&["call.started"]), times(&[ENDED])) == (1, 1), "{case:?}: {kinds:?}");
            let recordings = usize::from(case.recorded);
            ensure!(times(&["recording.started"]) == recordings, "{case:?}: {kinds:?}");
            ensure!(times(&["recording.ready", "recording.failed"]) == recordings, "{case:?}: {kinds:?}");
        }
        Ok(())
    }

    async fn walk(&mut self, case: &'static Case) -> Result<()> {
        let call = self.reach(case.step).await.context("on the way there")?;
        self.calls.push((call.clone(), case));
        for (who, told) in case.hang_ups {
            self.hang_up(*who).await?;
            if *told == ENDED {
                self.ended(&call, case).await?;
            } else {
                self.stream.wait_kind(told, Some(&call)).await?;
            }
        }
        Ok(())
    }

    async fn hang_up(&mut self, who: Who) -> Result<()> {
        match who {
            Customer => match self.invitation.take() {
                Some((invitation, answered)) if answered => self.callee.hang_up(&invitation).await,
                Some((invitation, _)) => self.callee.refuse(&invitation, "603 Decline").await,
                None => Ok(self.customer.hang_up().await?),
            },
            Agent(0) if self.browser.is_some() => self.browser_hangs_up().await,
            Agent(index) => Ok(self.scene.phone(index).hang_up().await?),
        }
    }

    /// The call is over, once and for all: its record says why, and nothing and nobody is kept by it.
    async fn ended(&mut self, call: &str, case: &Case) -> Result<()> {
        let ended = self.stream.wait_kind(ENDED, Some(call)).await?;
        ensure!(ended.event["data"]["end_reason"] == case.reason, "{}", ended.event);
        if case.recorded {
            let closed = |seen: &trunkline_tests::Seen| {
                ["recording.ready", "recording.failed"].contains(&seen.kind.as_str())
                    && seen.event["data"]["call_id"] == call
            };
            self.stream.wait_for("the recording's end", SOON, closed).await?;
        }
        if let Some(browser) = &mut self.browser {
            browser.let_go().await?;
        } else if self.customer_calls {
            self.customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        }
        let record = self.scene.admin.get(&format!("/calls/{call}")).await?;
        ensure!(record["end_reason"] == case.reason && record["state"] == "ended", "{record}");
        ensure!(record["held_since"].is_null(), "{record}");
        let legs = record["legs"].as_array().context("legs")?;
        ensure!(legs.iter().all(|leg| leg["ended_at"].is_string()), "{record}");
        let (admin, agents) = (self.scene.admin.clone(), &self.scene.agents);
        let wrapping_up = eventually(SOON, async || {
            let seen = admin.get("/agents").await?;
            let items = seen["items"].as_array().context("agents")?;
            let of = |index: &usize| items.iter().find(|item| item["id"] == agents[*index].api.user.as_str());
            let of_this_call = |index: &usize| of(index).is_some_and(|item| item["wrap_up"]["call_id"] == call);
            let wraps_up: Vec<usize> = (0..agents.len()).filter(of_this_call).collect();
            ensure!(wraps_up == case.wrap_up, "{wraps_up:?} wrap up, not {:?}: {seen}", case.wrap_up);
            ensure!(items.iter().all(|item| item["activity"] != "on_contact"), "somebody is still busy: {seen}");
            let wraps_up = |index: &usize| of(index).is_some_and(|item| item["activity"] == "wrap_up");
            Ok((0..agents.len()).filter(wraps_up).collect::<Vec<usize>>())
        })
        .await?;
        // Who is made available by a manager is done with it.
        for index in wrapping_up {
            let path = format!("/agents/{}/state", agents[index].api.user);
            admin.send(Method::PUT, &path, &json!({ "state": "available" })).await?;
            self.available[index] = true;
        }
        eventually(SOON, async || {
            let seen = admin.get("/agents").await?;
            let free =
                |item: &Value| !["on_contact", "wrap_up"].contains(&item["activity"].as_str().unwrap_or_default());
            ensure!(
                seen["items"].as_array().is_some_and(|items| items.iter().all(free)),
                "not everybody is free: {seen}"
            );
            Ok(())
        })
        .await?;
        self.scene.nothing_left(self.stack).await
    }
}

/// To each step.
impl Walk {
    /// Leads a new call there.
    async fn reach(&mut self, step: Step) -> Result<String> {
        self.customer.forget();
        for agent in &mut self.scene.agents {
            if let Some(phone) = &mut agent.phone {
                phone.forget();
            }
        }
        match step {
            Step::Music | Step::Announcement | Step::Regret => self.wait_unserved(step).await,
            Step::RingsOne | Step::RingsAll | Step::BetweenOffers => self.ring_in_queue(step).await,
            Step::MovedWhileWaiting | Step::MovedWhileRinging => self.be_moved(step).await,
            Step::JustAnswered | Step::Talking => self.talk(step == Step::Talking).await,
            Step::Held => self.after("hold", &Value::Null, "call.held").await,
            Step::Muted => self.after("mute", &Value::Null, "call.muted").await,
            Step::RecordingPaused => self.after("recording/pause", &Value::Null, "recording.paused").await,
            Step::HeldByPhone => {
                let call = self.talk(true).await?;
                self.scene.phone(0).hold().await?;
                self.stream.wait_kind("call.held", Some(&call)).await?;
                Ok(call)
            }
            Step::SupervisorRings
            | Step::Listened
            | Step::Whispered
            | Step::Barged
            | Step::TakeOverRings
            | Step::TakenOver => self.be_supervised(step).await,
            Step::BlindRings | Step::BlindAnswered | Step::GivenBackRings => self.hand_on_blindly(step).await,
            Step::WaitsInOtherQueue | Step::RingsInQueueAgain => self.hand_on_to_queue(step).await,
            Step::ConsultRings | Step::ConsultBlindRings => {
                let call = self.talk(true).await?;
                self.hand_on(&call, 0, "attended", self.agent_id(2)).await?;
                self.scene.phone(2).wait_for(PhoneEventKind::Incoming, SOON).await?;
                if step == Step::ConsultBlindRings {
                    self.scene.phone(0).hang_up().await?;
                    self.scene.phone(0).wait_for(PhoneEventKind::Closed, SOON).await?;
                }
                Ok(call)
            }
            Step::Consulted | Step::Swapped | Step::SwappedTwice | Step::ConsultCancelled | Step::Merged => {
                self.consult(step).await
            }
            Step::ThirdRings | Step::Three | Step::ThreeOneHolds => self.ask_in(step).await,
            Step::ReattachRings | Step::Reattached => self.reload(step).await,
            Step::OwnPhoneRings
            | Step::TrunkRings
            | Step::TrunkRingsForPhone
            | Step::EarlyMedia
            | Step::OutAnswered => self.call_out(step).await,
        }
    }

    /// These take calls now, and nobody else.
    async fn at_work(&mut self, agents: &[usize]) -> Result<()> {
        for index in 0..self.available.len() {
            let wanted = agents.contains(&index);
            if self.available[index] != wanted {
                let state = if wanted { "available" } else { "offline" };
                self.scene.agents[index].api.set_state(state).await?;
                self.available[index] = wanted;
            }
        }
        Ok(())
    }

    fn agent_id(&self, index: usize) -> Value {
        json!({ "agent_id": self.scene.agents[index].api.user })
    }

    async fn ask(&self, who: usize, call: &str, what: &str, body: &Value) -> Result<()> {
        self.scene.agents[who].api.send(Method::POST, &format!("/calls/{call}/{what}"), body).await?;
        Ok(())
    }

    async fn hand_on(&self, call: &str, by: usize, kind: &str, to: Value) -> Result<()> {
        self.ask(by, call, "transfer", &json!({ "kind": kind, "to": to })).await
    }

    /// The customer calls.
    async fn call_in(&mut self) -> Result<String> {
        self.customer_calls = true;
        self.customer.dial(&self.scene.number).await?;
        Ok(self.stream.wait_kind("call.started", None).await?.subject().to_owned())
    }

    /// The customer talks with the first agent.
    async fn talk(&mut self, until_recorded: bool) -> Result<String> {
        self.at_work(&[0]).await?;
        let call = self.call_in().await?;
        self.stream.wait_kind("call.answered", Some(&call)).await?;
        if until_recorded {
            self.stream.wait_kind("recording.started", None).await?;
        }
        Ok(call)
    }

    /// The same; and then these take calls, too: wrap-up is for who is at work.
    async fn talk_with_help(&mut self, others: &[usize]) -> Result<String> {
        let call = self.talk(true).await?;
        let everybody: Vec<usize> = [0].iter().chain(others).copied().collect();
        self.at_work(&everybody).await?;
        Ok(call)
    }

    /// The same, and then the first agent asks something of the call.
    async fn after(&mut self, what: &str, body: &Value, told: &str) -> Result<String> {
        let call = self.talk(true).await?;
        self.ask(0, &call, what, body).await?;
        self.stream.wait_kind(told, None).await?;
        Ok(call)
    }

    /// Waits until something is being said to the customer.
    async fn is_said(&self, call: &str, number: u32) -> Result<()> {
        let conf = self.stack.asterisk.config();
        let http = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("{}/playbacks/tl-{call}-say{number}", self.stack.asterisk.ari_url());
        eventually(SOON, async || {
            let asked = http.get(&url).basic_auth(&conf.ari_username, Some(&conf.ari_password));
            let playback: Value = asked.send().await?.json().await?;
            ensure!(playback["state"] == "playing", "{playback}");
            Ok(())
        })
        .await
    }

    async fn wait_unserved(&mut self, step: Step) -> Result<String> {
        if step == Step::Music {
            // Who wraps up is there, and busy: nobody has anything to announce.
            let before = self.talk(false).await?;
            self.customer.hang_up().await?;
            self.stream.wait_kind(ENDED, Some(&before)).await?;
            self.customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        } else {
            self.at_work(&[]).await?;
            self.queue_works("longest_idle", if step == Step::Regret { 1 } else { 60 }).await?;
        }
        let call = self.call_in().await?;
        self.stream.wait_kind("call.queued", Some(&call)).await?;
        self.customer.wait_for(PhoneEventKind::Established, SOON).await?;
        match step {
            Step::Announcement => self.is_said(&call, 0).await?,
            Step::Regret => self.is_said(&call, 1).await?,
            _ => {}
        }
        Ok(call)
    }

    async fn ring_in_queue(&mut self, step: Step) -> Result<String> {
        let (strategy, ring): (_, &[usize]) =
            if step == Step::RingsAll { ("ring_all", &[1, 2]) } else { ("longest_idle", &[1]) };
        self.queue_works(strategy, 60).await?;
        self.at_work(ring).await?;
        let call = self.call_in().await?;
        for index in ring {
            self.scene.phone(*index).wait_for(PhoneEventKind::Incoming, SOON).await?;
        }
        if step == Step::BetweenOffers {
            self.scene.phone(1).hang_up().await?;
            self.stream
                .wait_for("the wait to go on", SOON, |seen| {
                    seen.kind == "call.queued" && seen.event["data"]["reason"] == "unanswered"
                })
                .await?;
        }
        Ok(call)
    }

    async fn be_moved(&mut self, step: Step) -> Result<String> {
        let call = if step == Step::MovedWhileRinging {
            self.ring_in_queue(Step::RingsOne).await?
        } else {
            self.wait_unserved(Step::Announcement).await?
        };
        let body = json!({ "queue_id": self.other });
        self.scene.admin.send(Method::POST, &format!("/calls/{call}/move"), &body).await?;
        let moved =
            |seen: &trunkline_tests::Seen| seen.kind == "call.queued" && seen.event["data"]["reason"] == "moved";
        self.stream.wait_for("the move", SOON, moved).await?;
        if step == Step::MovedWhileRinging {
            self.scene.phone(1).wait_for(PhoneEventKind::Closed, SOON).await?;
        }
        Ok(call)
    }

    async fn be_supervised(&mut self, step: Step) -> Result<String> {
        let call = self.talk_with_help(&[1]).await?;
        let (who, what, body) = match step {
            Step::SupervisorRings => (2, "supervise", json!({ "mode": "listen" })),
            Step::Listened => (1, "supervise", json!({ "mode": "listen" })),
            Step::Whispered => (1, "supervise", json!({ "mode": "whisper" })),
            Step::Barged => (1, "supervise", json!({ "mode": "barge" })),
            Step::TakeOverRings => (2, "take-over", Value::Null),
            Step::TakenOver => (1, "take-over", Value::Null),
            _ => bail!("no step of a supervisor's"),
        };
        self.ask(who, &call, what, &body).await?;
        match (step, who) {
            (_, 2) => _ = self.scene.phone(2).wait_for(PhoneEventKind::Incoming, SOON).await?,
            (Step::TakenOver, _) => _ = self.stream.wait_kind("call.transferred", Some(&call)).await?,
            _ => _ = self.stream.wait_kind("call.supervised", Some(&call)).await?,
        }
        Ok(call)
    }

    async fn hand_on_blindly(&mut self, step: Step) -> Result<String> {
        if step == Step::GivenBackRings {
            // Who hands it on lets it ring, too, when it comes back.
            self.at_work(&[2]).await?;
            let call = self.call_in().await?;
            self.scene.phone(2).wait_for(PhoneEventKind::Incoming, SOON).await?;
            self.scene.phone(2).answer().await?;
            self.stream.wait_kind("recording.started", None).await?;
            self.hand_on(&call, 2, "blind", self.agent_id(3)).await?;
            self.scene.phone(3).wait_for(PhoneEventKind::Incoming, SOON).await?;
            self.scene.phone(3).hang_up().await?;
            self.stream.wait_kind("call.transfer_failed", Some(&call)).await?;
            self.scene.phone(2).wait_for(PhoneEventKind::Incoming, SOON).await?;
            return Ok(call);
        }
        let call = self.talk_with_help(&[1]).await?;
        let to = if step == Step::BlindRings { 2 } else { 1 };
        self.hand_on(&call, 0, "blind", self.agent_id(to)).await?;
        if step == Step::BlindRings {
            self.scene.phone(2).wait_for(PhoneEventKind::Incoming, SOON).await?;
        } else {
            self.stream.wait_kind("call.answered", Some(&call)).await?;
        }
        Ok(call)
    }

    async fn hand_on_to_queue(&mut self, step: Step) -> Result<String> {
        let call = self.talk(true).await?;
        if step == Step::WaitsInOtherQueue {
            self.hand_on(&call, 0, "blind", json!({ "queue_id": self.other })).await?;
            self.stream.wait_kind("call.queued", Some(&call)).await?;
            return Ok(call);
        }
        self.at_work(&[0, 2]).await?;
        let record = self.scene.admin.get(&format!("/calls/{call}")).await?;
        self.hand_on(&call, 0, "blind", json!({ "queue_id": record["queue_id"] })).await?;
        self.scene.phone(2).wait_for(PhoneEventKind::Incoming, SOON).await?;
        Ok(call)
    }

    async fn consult(&mut self, step: Step) -> Result<String> {
        let call = self.talk_with_help(&[1]).await?;
        self.hand_on(&call, 0, "attended", self.agent_id(1)).await?;
        self.stream.wait_kind("call.consulted", Some(&call)).await?;
        match step {
            Step::Swapped | Step::SwappedTwice => {
                self.ask(0, &call, "transfer/swap", &Value::Null).await?;
                self.stream.wait_kind("call.resumed", Some(&call)).await?;
                if step == Step::SwappedTwice {
                    self.ask(0, &call, "transfer/swap", &Value::Null).await?;
                    self.stream.wait_kind("call.held", Some(&call)).await?;
                }
            }
            Step::ConsultCancelled => {
                self.ask(0, &call, "transfer/cancel", &Value::Null).await?;
                self.scene.phone(1).wait_for(PhoneEventKind::Closed, SOON).await?;
            }
            Step::Merged => {
                self.ask(0, &call, "transfer/merge", &Value::Null).await?;
                self.stream.wait_kind("call.conferenced", Some(&call)).await?;
            }
            _ => {}
        }
        Ok(call)
    }

    async fn ask_in(&mut self, step: Step) -> Result<String> {
        let call = self.talk_with_help(&[1]).await?;
        let whom = if step == Step::ThirdRings { 2 } else { 1 };
        self.ask(0, &call, "conference", &self.agent_id(whom)).await?;
        if step == Step::ThirdRings {
            self.scene.phone(2).wait_for(PhoneEventKind::Incoming, SOON).await?;
            return Ok(call);
        }
        self.stream.wait_kind("call.conferenced", Some(&call)).await?;
        if step == Step::ThreeOneHolds {
            self.ask(0, &call, "hold", &Value::Null).await?;
            self.stream.wait_kind("call.held", Some(&call)).await?;
        }
        Ok(call)
    }

    async fn call_out(&mut self, step: Step) -> Result<String> {
        self.customer_calls = false;
        let (who, number) = match step {
            Step::OwnPhoneRings => (1, Callee::RINGS),
            Step::EarlyMedia => (0, Callee::SPEAKS),
            Step::OutAnswered => (0, Callee::ANSWERS),
            _ => (0, Callee::RINGS),
        };
        let call = if step == Step::TrunkRingsForPhone {
            self.scene.phone(0).dial(number).await?;
            self.stream.wait_kind("call.started", None).await?.subject().to_owned()
        } else {
            let api = &self.scene.agents[who].api;
            // What the tenant set reaches call control by a notification.
            let placed =
                eventually(SOON, async || api.send(Method::POST, "/calls", &json!({ "to": number })).await).await?;
            placed["id"].as_str().context("an id")?.to_owned()
        };
        if step == Step::OwnPhoneRings {
            self.scene.phone(1).wait_for(PhoneEventKind::Incoming, SOON).await?;
            return Ok(call);
        }
        let invitation = self.callee.invited(number, &self.scene.number).await?;
        match step {
            Step::EarlyMedia => hears_now(self.scene.phone(0), Callee::HZ).await?,
            Step::OutAnswered => _ = self.stream.wait_kind("recording.started", None).await?,
            _ => {}
        }
        self.invitation = Some((invitation, step == Step::OutAnswered));
        Ok(call)
    }
}

/// With a browser in place of the phone.
impl Walk {
    /// A tenant with one agent, who has a browser.
    pub(crate) async fn with_browser() -> Result<Self> {
        let (callee, stack) = house().await?;
        let scene = Scene::new(stack, 1).await?;
        let session = scene.agents[0].api.send(Method::POST, "/softphone/session", &json!({})).await?;
        let mut socket = SipSocket::open(&session).await?;
        ensure!(socket.register().await? == 200, "not signed in");
        scene.wait_reachable(0).await?;
        let mut walk = Self::with(callee, stack, scene).await?;
        walk.browser = Some(Browser { socket, dialog: None, ring: None });
        Ok(walk)
    }

    async fn reload(&mut self, step: Step) -> Result<String> {
        self.at_work(&[0]).await?;
        let call = self.call_in().await?;
        let browser = self.browser.as_mut().context("a browser")?;
        let ring = browser.socket.ring().await?;
        let dialog = browser.socket.answer(&ring).await?;
        self.stream.wait_kind("recording.started", None).await?;
        self.scene.agents[0].api.send(Method::POST, &format!("/calls/{call}/reattach"), &Value::Null).await?;
        let ring = browser.socket.ring().await?;
        if step == Step::Reattached {
            browser.dialog = Some(browser.socket.answer(&ring).await?);
            browser.socket.hung_up(&dialog).await?;
            self.stream.wait_kind("call.reattached", Some(&call)).await?;
        } else {
            (browser.dialog, browser.ring) = (Some(dialog), Some(ring));
        }
        Ok(call)
    }

    async fn browser_hangs_up(&mut self) -> Result<()> {
        let browser = self.browser.as_mut().context("a browser")?;
        let mut dialog = browser.dialog.take().context("a call")?;
        browser.socket.hang_up(&mut dialog).await?;
        if let Some(ring) = browser.ring.take() {
            browser.socket.respond(&ring, "486 Busy Here").await?;
        }
        Ok(())
    }
}

impl Browser {
    /// What it had of the call ends.
    async fn let_go(&mut self) -> Result<()> {
        if let Some(dialog) = self.dialog.take() {
            self.socket.hung_up(&dialog).await?;
        }
        // Cancelled by the other side.
        if let Some(ring) = self.ring.take() {
            self.socket.respond(&ring, "487 Request Terminated").await?;
        }
        Ok(())
    }
}
