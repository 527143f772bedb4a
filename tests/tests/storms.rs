//! Many things in the same moment: keys pressed by the hundred, and phones that answer at once. All tests share one stack.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use trunkline_ari::{Client, Config, Event, State, Update, Updates};
use trunkline_stack::phones::{Baresip, BaresipOptions};
use trunkline_stack::{PhoneEventKind, Stack};
use trunkline_tests::{CUSTOMER_HZ, EchoPhone, EventStream, Keys, Scene, eventually, run, shared_stack};

const SOON: Duration = Duration::from_secs(15);
/// A storm takes as long as Asterisk gives each key: an eighth of a second.
const STORM: Duration = Duration::from_secs(90);
/// Nobody presses them but to say that the storm is over: among the sound and as INFO, since what travels in one way does not wait for the other.
const LAST: [(char, Keys); 2] = [('D', Keys::Events), ('C', Keys::Info)];

/// Who listens to Asterisk beside the gateway: what keys it told of each channel.
struct Witness {
    // The session ends with it.
    _client: Client,
    updates: Updates,
    keys: BTreeMap<String, String>,
}

impl Witness {
    async fn of(stack: &Stack, name: &str) -> Result<Self> {
        let conf = stack.asterisk.config();
        let mut config = Config::new(stack.asterisk.ari_url(), &conf.ari_username, &conf.ari_password, [name]);
        config.subscribe_all = true;
        let (client, mut updates) = trunkline_ari::connect(config)?;
        let live = async {
            while !matches!(updates.next().await.context("the session ended")?, Update::State(State::Live)) {}
            anyhow::Ok(())
        };
        tokio::time::timeout(SOON, live).await.context("no session")??;
        Ok(Self { _client: client, updates, keys: BTreeMap::new() })
    }

    /// Waits until these channels have told of the last keys.
    async fn end_of_storm(&mut self, channels: &[&str]) -> Result<()> {
        let over = async {
            let over = |keys: &String| LAST.iter().all(|(last, _)| keys.contains(*last));
            while !channels.iter().all(|channel| self.keys.get(*channel).is_some_and(over)) {
                let update = self.updates.next().await.context("the session ended")?;
                if let Update::Event(event) = update
                    && let Event::ChannelDtmfReceived(key) = *event
                {
                    self.keys.entry(key.channel.id).or_default().push_str(&key.digit);
                }
            }
            anyhow::Ok(())
        };
        match tokio::time::timeout(STORM, over).await {
            Ok(done) => done,
            Err(_) => bail!("the storm does not end: {:?}", self.keys),
        }
    }
}

/// So many keys, in which `*1` is found so often; a lone `*` and a lone `1` are there too.
fn storm(keys: usize, pauses: usize) -> String {
    let every = keys / pauses;
    let filler = "7*#0*21*";
    let mut storm = String::new();
    for _ in 0..pauses {
        storm.extend(filler.chars().cycle().take(every - 3));
        storm.push_str("#*1");
    }
    storm
}

async fn press_last(phone: &EchoPhone) -> Result<()> {
    for (last, how) in LAST {
        phone.press(&last.to_string(), how).await?;
    }
    Ok(())
}

fn pauses_in(keys: &str) -> usize {
    keys.matches("*1").count()
}

#[test]
fn a_storm_of_keys_pauses_the_recording_as_often_as_it_says_and_loses_no_call() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 1).await?;
        let mut witness = Witness::of(stack, "witness").await?;
        let (name, password) = scene.agents[0].credentials.clone();
        let mut stream = EventStream::next_only(&scene.admin).await?;

        // While they wait, keys do nothing, whoever presses them how.
        let customer = EchoPhone::dial(scene.sip_port(), "15557654321", &scene.number).await?;
        let call = stream.wait_kind("call.queued", None).await?.subject().to_owned();
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        let customers = record["legs"][0]["id"].as_str().context("a leg")?.to_owned();
        customer.press(&storm(40, 4), Keys::Events).await?;
        customer.press(&storm(40, 4), Keys::Info).await?;
        press_last(&customer).await?;
        witness.end_of_storm(&[&customers]).await?;
        ensure!(witness.keys[&customers].len() > 70, "no storm: {:?}", witness.keys);

        let agent = EchoPhone::sign_in(scene.sip_port(), &name, &password).await?;
        scene.wait_reachable(0).await?;
        scene.agents[0].api.set_state("available").await?;
        stream.wait_kind("call.answered", Some(&call)).await?;
        stream.wait_kind("recording.started", None).await?;
        ensure!(!stream.kinds_of(&call).contains(&"recording.paused"), "{:?}", stream.kinds_of(&call));
        let record = scene.admin.get(&format!("/calls/{call}")).await?;
        let legs = record["legs"].as_array().context("legs")?;
        let agents = legs.iter().find(|leg| leg["kind"] == "agent").and_then(|leg| leg["id"].as_str());
        let agents = agents.context("the agent's leg")?.to_owned();

        // While they talk, both at once; the customer's pause nothing.
        witness.keys.clear();
        let (events, info) = (storm(50, 5), storm(60, 6));
        tokio::try_join!(
            async {
                agent.press(&events, Keys::Events).await?;
                agent.press(&info, Keys::Info).await?;
                press_last(&agent).await
            },
            async {
                customer.press(&events, Keys::Info).await?;
                customer.press(&info, Keys::Events).await?;
                press_last(&customer).await
            },
        )?;
        witness.end_of_storm(&[&agents, &customers]).await?;
        println!("{:?} of {}", witness.keys, events.len() + info.len());
        let pauses = pauses_in(&witness.keys[&agents]);

        // Whatever is asked now is done at once.
        let api = &scene.agents[0].api;
        api.send(Method::POST, &format!("/calls/{call}/hold"), &Value::Null).await?;
        stream.wait_kind("call.held", Some(&call)).await?;
        let told =
            |stream: &EventStream, kind: &str| stream.kinds_of(&call).iter().filter(|told| **told == kind).count();
        let (paused, resumed) = (told(&stream, "recording.paused"), told(&stream, "recording.resumed"));
        assert_eq!((paused, resumed), (pauses.div_ceil(2), pauses / 2));
        customer.hang_up().await?;
        let ended = stream.wait_kind("call.ended", Some(&call)).await?;
        ensure!(ended.event["data"]["end_reason"] == "completed_customer", "{}", ended.event);
        let ready = stream.wait_kind("recording.ready", None).await?;
        let gaps = ready.event["data"]["gaps"].as_array().context("gaps")?;
        assert_eq!(gaps.iter().filter(|gap| gap["reason"] == "paused").count(), paused, "{}", ready.event);
        scene.nothing_left(stack).await
    });
}

#[test]
fn of_two_who_answer_at_once_one_has_the_call_and_the_other_missed_nothing() {
    run(async {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, 2).await?;
        scene.queue_works(&json!({ "routing": { "strategy": "ring_all", "pause_after_missed": 1 } })).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let options = BaresipOptions::caller(scene.sip_port(), "15557654321", CUSTOMER_HZ);
        let mut customer = Baresip::start(&scene.folder("customer"), options).await?;
        let mut won = [0; 2];
        let mut rang = 0;
        for round in 0..10 {
            for index in 0..2 {
                scene.phone(index).forget();
            }
            customer.dial(&scene.number).await?;
            let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
            let record = scene.admin.get(&format!("/calls/{call}")).await?;
            let winner = scene.agents.iter().position(|agent| record["agent_id"] == agent.api.user.as_str());
            let winner = winner.context("an agent")?;
            let loser = 1 - winner;
            won[winner] += 1;
            // The other's phone is let go, for the reason that it is, and they are free while the call goes on. On a slow machine it was let go
            // before it rang.
            let released = |call: &Value| {
                let legs = call["legs"].as_array().map_or(&[] as &[Value], Vec::as_slice);
                let of = legs.iter().find(|leg| leg["agent_id"] == scene.agents[loser].api.user.as_str());
                of.is_some_and(|leg| leg["ended_at"].is_string() && leg["answered_at"].is_null() && leg["cause"] == 26)
            };
            scene.admin.call_when(&call, released).await.with_context(|| format!("round {round}"))?;
            let heard = scene.phone(loser).events();
            rang += usize::from(heard.last().is_some_and(|event| event.kind == PhoneEventKind::Closed));
            doing(&scene, [(winner, "on_contact"), (loser, "available")]).await?;
            customer.hang_up().await?;
            customer.wait_for(PhoneEventKind::Closed, SOON).await?;
            stream.wait_kind("call.ended", Some(&call)).await?;
            let kinds = stream.kinds_of(&call);
            let times = |wanted: &str| kinds.iter().filter(|kind| **kind == wanted).count();
            let told = (times("call.offered"), times("call.answered"), times("call.missed_offer"), times("call.ended"));
            assert_eq!(told, (2, 1, 0, 1), "round {round}: {kinds:?}");
            doing(&scene, [(winner, "available"), (loser, "available")]).await?;
        }
        println!("won: {won:?}; the other's phone had rung, too, in {rang} rounds");
        scene.nothing_left(stack).await
    });
}

/// Waits until agents do this.
async fn doing(scene: &Scene, wanted: [(usize, &str); 2]) -> Result<()> {
    eventually(SOON, async || {
        let agents = scene.admin.get("/agents").await?;
        for (index, activity) in wanted {
            let items = agents["items"].as_array().context("agents")?;
            let own = items.iter().find(|agent| agent["id"] == scene.agents[index].api.user.as_str());
            ensure!(
                own.is_some_and(|agent| agent["activity"] == activity),
                "agent {index} is not {activity}: {agents}"
            );
        }
        Ok(())
    })
    .await
}
