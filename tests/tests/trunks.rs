//! Trunks made over the API, with a second Asterisk that plays the carrier: it is signed in to, calls come and go, and it fails and comes back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_stack::{Asterisk, AsteriskOptions, Stack, StackOptions};
use trunkline_tests::{EventStream, Scene, eventually, run};

const SOON: Duration = Duration::from_secs(20);
const USERNAME: &str = "account";
const PASSWORD: &str = "the-carriers-secret";

/// A carrier with one account.
struct Carrier {
    asterisk: Asterisk,
    http: reqwest::Client,
}

impl Carrier {
    async fn start(scene: &Scene) -> Result<Self> {
        let options = AsteriskOptions { system_name: "carrier".to_owned(), ..AsteriskOptions::default() };
        let asterisk = Asterisk::start(&scene.folder("carrier"), options).await?;
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        let carrier = Self { asterisk, http };
        carrier.open_account().await?;
        Ok(carrier)
    }

    async fn request(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let config = self.asterisk.config();
        let request = self.http.request(method, format!("{}/{path}", self.asterisk.ari_url())).json(body);
        let answer = request.basic_auth(&config.ari_username, Some(&config.ari_password)).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    /// The account, and what becomes of calls that it makes: they are answered, and hear themselves.
    async fn open_account(&self) -> Result<()> {
        let objects: [(&str, &[(&str, &str)]); 3] = [
            ("auth", &[("auth_type", "userpass"), ("username", USERNAME), ("password", PASSWORD)]),
            (
                "endpoint",
                &[
                    ("context", "carrier"),
                    ("disallow", "all"),
                    ("allow", "alaw,ulaw"),
                    ("direct_media", "no"),
                    ("trust_id_inbound", "yes"),
                    ("trust_id_outbound", "yes"),
                    ("send_pai", "yes"),
                    ("auth", USERNAME),
                    ("aors", USERNAME),
                ],
            ),
            ("aor", &[("max_contacts", "3"), ("remove_existing", "yes")]),
        ];
        for (kind, fields) in objects {
            let fields: Vec<Value> =
                fields.iter().map(|(name, value)| json!({ "attribute": name, "value": value })).collect();
            let path = format!("asterisk/config/dynamic/res_pjsip/{kind}/{USERNAME}");
            self.request(Method::PUT, &path, &json!({ "fields": fields })).await?;
        }
        for step in ["1,Answer()", "2,Echo()"] {
            self.asterisk.rx(&format!("dialplan add extension _[+0-9]!,{step} into carrier")).await?;
        }
        Ok(())
    }

    /// Somebody calls a number of the account's, as the carrier writes it; gives the channel.
    async fn calls(&self, number: &str, from: &str) -> Result<String> {
        let body = json!({
            "endpoint": format!("PJSIP/{number}@{USERNAME}"), "context": "carrier", "extension": "0", "priority": 1,
            "callerId": from, "timeout": 60,
        });
        let channel = self.request(Method::POST, "channels", &body).await?;
        Ok(channel["id"].as_str().context("a channel")?.to_owned())
    }

    async fn hang_up(&self, channel: &str) -> Result<()> {
        self.request(Method::DELETE, &format!("channels/{channel}"), &json!({})).await.map(drop)
    }

    /// What its channels are about.
    async fn channels(&self) -> Result<String> {
        Ok(self.asterisk.rx("core show channels concise").await?)
    }
}

/// A trunk to a carrier.
async fn connect(scene: &Scene, carrier: &Carrier, password: &str) -> Result<String> {
    let settings = json!({
        "kind": "registration", "host": "127.0.0.1", "port": carrier.asterisk.sip_port(), "username": USERNAME,
        "country": "US", "qualify_seconds": 5, "expires_seconds": 60, "from_user": USERNAME,
    });
    let trunk = json!({ "name": "Carrier", "settings": settings, "password": password });
    let made = scene.admin.send(Method::POST, "/trunks", &trunk).await?;
    Ok(made["id"].as_str().context("an id")?.to_owned())
}

async fn status_when(scene: &Scene, trunk: &str, until: impl Fn(&Value) -> bool) -> Result<Value> {
    eventually(Duration::from_mins(1), async || {
        let shown = scene.admin.get(&format!("/trunks/{trunk}")).await?;
        let status = shown["status"][0].clone();
        ensure!(until(&status), "the trunk is still {status}");
        Ok(status)
    })
    .await
}

fn state(status: &Value) -> &str {
    status["registration"]["state"].as_str().unwrap_or_default()
}

async fn registered(scene: &Scene, trunk: &str) -> Result<Value> {
    status_when(scene, trunk, |status| state(status) == "registered" && status["reachable"] == true).await
}

#[test]
fn a_trunk_registers_and_takes_calls_both_ways() {
    run(async {
        let stack = Stack::start(StackOptions { demo: false, ..StackOptions::default() }).await?;
        let mut scene = Scene::new(&stack, 2).await?;
        let stranger = Scene::new(&stack, 0).await?;
        let mut carrier = Carrier::start(&scene).await?;
        scene.everybody_works(true).await?;
        scene.agents[1].api.set_state("paused").await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let trunk = connect(&scene, &carrier, PASSWORD).await?;
        let status = registered(&scene, &trunk).await?;
        ensure!(status["rtt_ms"].as_f64().is_some_and(|rtt| rtt > 0.0), "{status}");

        // In, to a queue; the caller says who they are in the country's own form.
        let channel = carrier.calls(&scene.number, "2125550123").await?;
        let started = stream.wait_kind("call.started", None).await?;
        let call = started.subject().to_owned();
        assert_eq!(started.event["data"]["trunk_id"], json!(trunk));
        assert_eq!(
            (&started.event["data"]["from"], &started.event["data"]["to"]),
            (&json!("+12125550123"), &json!(scene.number))
        );
        stream.wait_kind("call.answered", Some(&call)).await?;
        let busy = status_when(&scene, &trunk, |status| status["channels"] == 1).await?;
        ensure!(state(&busy) == "registered", "{busy}");
        carrier.hang_up(&channel).await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        assert_eq!(ended.event["data"]["end_reason"], "completed_customer");

        // In, to an agent, by a number that was added a moment ago; nobody says who calls.
        let agent = &scene.agents[1].api.user;
        let number =
            json!({ "number": "+12125550199", "target": { "type": "agent", "agent_id": agent }, "recording": "never" });
        scene.admin.send(Method::POST, "/numbers", &number).await?;
        let channel = carrier.calls("12125550199", "Anonymous <anonymous>").await?;
        let started = stream.wait_kind("call.started", None).await?;
        let call = started.subject().to_owned();
        assert_eq!(
            (&started.event["data"]["from"], &started.event["data"]["agent_id"]),
            (&json!("anonymous"), &json!(agent))
        );
        stream.wait_kind("call.answered", Some(&call)).await?;
        carrier.hang_up(&channel).await?;
        stream.wait_kind("call.ended", Some(&call)).await?;
        ensure!(!stream.kinds_of(&call).contains(&"recording.started"), "never recorded");

        // Another tenant's number is nobody's here.
        carrier.calls(&stranger.number, "2125550123").await?;
        eventually(SOON, async || {
            let left = carrier.channels().await?;
            ensure!(!left.contains('!'), "{left}");
            Ok(())
        })
        .await?;
        assert_eq!(stranger.admin.get("/calls").await?["items"], json!([]));

        // Out.
        scene.admin.send(Method::PUT, "/dialing", &json!({ "country": "US", "caller_id": scene.number })).await?;
        let placed = eventually(SOON, async || {
            scene.agents[0].api.send(Method::POST, "/calls", &json!({ "to": "(212) 555-0142" })).await
        })
        .await?;
        let call = placed["id"].as_str().context("an id")?.to_owned();
        let dialled = stream.wait_kind("call.dialled", Some(&call)).await?;
        assert_eq!(dialled.event["data"]["trunk_id"], json!(trunk));
        stream.wait_kind("call.answered", Some(&call)).await?;
        let there = carrier.channels().await?;
        ensure!(there.contains("+12125550142") && there.contains(&scene.number), "{there}");
        scene.phone(0).hang_up().await?;
        stream.wait_kind("call.ended", Some(&call)).await?;

        // A trunk that is removed is signed out, and Asterisk forgets it.
        scene.admin.request(Method::DELETE, &format!("/trunks/{trunk}")).send().await?.error_for_status()?;
        eventually(SOON, async || {
            let endpoints = stack.asterisk.rx("pjsip show endpoints").await?;
            let registrations = stack.asterisk.rx("pjsip show registrations").await?;
            ensure!(!endpoints.contains("trunk-0") && !registrations.contains("trunk-0"), "{endpoints}{registrations}");
            let contacts = carrier.asterisk.rx("pjsip show contacts").await?;
            ensure!(!contacts.contains(USERNAME), "{contacts}");
            Ok(())
        })
        .await?;
        scene.nothing_left(&stack).await?;
        carrier.asterisk.stop();
        Ok(())
    });
}

#[test]
fn a_wrong_password_is_told_and_a_carrier_that_dies_comes_back() {
    run(async {
        let mut stack = Stack::start(StackOptions { demo: false, ..StackOptions::default() }).await?;
        let scene = Scene::new(&stack, 0).await?;
        let mut carrier = Carrier::start(&scene).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let trunk = connect(&scene, &carrier, "not-this-one").await?;
        let path = format!("/trunks/{trunk}");
        let status = status_when(&scene, &trunk, |status| state(status) == "rejected").await?;
        assert_eq!(status["registration"]["reason"], "refused", "{status}");
        ensure!(status["registration"]["detail"].as_str().is_some_and(|words| words.contains("password")), "{status}");
        let down = stream.wait_kind("trunk.down", Some(&trunk)).await?;
        assert_eq!(down.event["data"]["reason"], "refused");
        scene.admin.send(Method::PATCH, &path, &json!({ "password": PASSWORD })).await?;
        registered(&scene, &trunk).await?;
        stream.wait_kind("trunk.up", Some(&trunk)).await?;

        // A gateway that comes back finds the sign-in as it was.
        let before = stack.asterisk.rx("pjsip show registrations").await?;
        ensure!(before.contains("Registered"), "{before}");
        stack.gateway.kill_9();
        stack.gateway.start_again().await?;
        registered(&scene, &trunk).await?;
        let contacts = carrier.asterisk.rx("pjsip show contacts").await?;
        assert_eq!(contacts.matches("line=").count(), 1, "{contacts}");

        let mut stream = EventStream::next_only(&scene.admin).await?;
        carrier.asterisk.kill();
        let status = status_when(&scene, &trunk, |status| status["reachable"] == false).await?;
        assert_eq!(status["rtt_ms"], Value::Null);
        let down = stream.wait_kind("trunk.down", Some(&trunk)).await?;
        assert_eq!(down.event["data"]["reason"], "no_answer");
        carrier.asterisk.start_again().await?;
        carrier.open_account().await?;
        registered(&scene, &trunk).await?;
        stream.wait_kind("trunk.up", Some(&trunk)).await?;

        // An Asterisk that forgot everything is told again.
        stack.asterisk.restart().await?;
        registered(&scene, &trunk).await?;
        let metrics = reqwest::get(format!("{}/metrics", stack.gateway.base_url())).await?.text().await?;
        ensure!(
            metrics
                .lines()
                .any(|line| line.starts_with("trunkline_trunk_states") && line.contains("up") && line.ends_with(" 1")),
            "{metrics}"
        );
        carrier.asterisk.stop();
        Ok(())
    });
}
