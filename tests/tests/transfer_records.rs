//! Record and recording of calls that are handed on, against what was really said and done. Each test is named after a thread in which
//! another product lost them; the call goes through a blind transfer, an attended one and a conference. All tests share one stack.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::phones::Baresip;
use trunkline_stack::{PhoneEventKind, Stack};
use trunkline_tests::{AGENT_HZ, CUSTOMER_HZ, EventStream, Scene, Seen, eventually, hears_now, run, shared_stack};

const SOON: Duration = Duration::from_secs(15);
/// The agents' tones; none is a multiple of another.
const HZ: [u32; 4] = [AGENT_HZ, 1_300, 1_700, 2_300];
/// A recording is looked at in pieces of this length, in seconds.
const PIECE: f64 = 0.1;
/// What is shorter than so many pieces is on its way from one to the other.
const SHORTEST: usize = 4;

/// What is heard in a recording needs an Asterisk that keeps time: such calls are made one after the other.
static QUIET: Mutex<()> = Mutex::const_new(());

/// A customer's call with agents whose phones are answered by hand.
struct Desk {
    stack: &'static Stack,
    scene: Scene,
    stream: EventStream,
    customer: Baresip,
    call: String,
}

impl Desk {
    /// The customer talks with the first agent; the others don't take calls of the queue, whose phones all ring at once.
    async fn begin(agents: usize) -> Result<Self> {
        let stack = shared_stack().await?;
        let mut scene = Scene::new(stack, agents).await?;
        scene.queue_works(&json!({ "ring_seconds": 5, "routing": { "strategy": "ring_all" } })).await?;
        for (index, hz) in HZ.iter().enumerate().take(agents) {
            scene.plug_in_sounding(index, false, *hz).await?;
        }
        scene.agents[0].api.set_state("available").await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let customer = scene.customer().await?;
        scene.phone(0).wait_for(PhoneEventKind::Incoming, SOON).await?;
        scene.phone(0).answer().await?;
        let call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        let desk = Self { stack, scene, stream, customer, call };
        desk.talks(0).await?;
        Ok(desk)
    }

    /// The customer hears this agent.
    async fn talks(&self, agent: usize) -> Result<()> {
        hears_now(&self.customer, HZ[agent]).await.with_context(|| format!("agent {agent}"))
    }

    /// The customer hears music.
    async fn waits(&self) -> Result<()> {
        let file = self.customer.heard()?.pop().context("nothing heard")?;
        let before = Wav::read(&file)?.seconds();
        eventually(SOON, async || {
            let wav = Wav::read(&file)?;
            ensure!(wav.seconds() > before + 1.0, "no new sound yet");
            let last = wav.cut(0, wav.seconds() - 0.7, wav.seconds());
            ensure!(
                sound(last, wav.rate).is_empty() && last.iter().any(|sample| sample.unsigned_abs() > 500),
                "no music"
            );
            Ok(())
        })
        .await
        .context("music")
    }

    async fn ask(&self, by: usize, what: &str, body: &Value) -> Result<()> {
        let path = format!("/calls/{}/{what}", self.call);
        self.scene.agents[by].api.send(Method::POST, &path, body).await?;
        Ok(())
    }

    fn agent(&self, index: usize) -> Value {
        json!({ "agent_id": self.scene.agents[index].api.user })
    }

    async fn hand_on(&self, by: usize, kind: &str, to: Value) -> Result<()> {
        self.ask(by, "transfer", &json!({ "kind": kind, "to": to })).await
    }

    async fn hand_on_to_queue(&mut self, by: usize, agents: &[usize]) -> Result<()> {
        for agent in agents {
            self.scene.agents[*agent].api.set_state("available").await?;
        }
        let record = self.scene.admin.get(&format!("/calls/{}", self.call)).await?;
        self.hand_on(by, "blind", json!({ "queue_id": record["queue_id"] })).await
    }

    async fn rings(&mut self, agent: usize) -> Result<()> {
        self.scene.phone(agent).wait_for(PhoneEventKind::Incoming, SOON).await?;
        Ok(())
    }

    async fn answers(&mut self, agent: usize) -> Result<()> {
        Ok(self.scene.phone(agent).answer().await?)
    }

    async fn hangs_up(&mut self, agent: usize) -> Result<()> {
        Ok(self.scene.phone(agent).hang_up().await?)
    }

    async fn told(&mut self, kind: &str) -> Result<Seen> {
        self.stream.wait_kind(kind, Some(&self.call)).await
    }

    /// The call is over: it has one record and one recording, in which the agents are heard in these turns, and the customer all the time.
    async fn ended(&mut self, turns: &[&[usize]]) -> Result<Value> {
        let ended = self.told("call.ended").await?;
        let call = self.call.clone();
        let ready = self.stream.wait_kind("recording.ready", None).await?;
        ensure!(ready.event["data"]["call_id"] == call.as_str(), "{}", ready.event);
        let kinds = self.stream.kinds_of(&call);
        for once in ["call.started", "recording.started", "call.ended", "recording.ready"] {
            ensure!(kinds.iter().filter(|kind| **kind == once).count() == 1, "{once} once: {kinds:?}");
        }
        let calls = self.scene.admin.get("/calls").await?;
        ensure!(calls["items"].as_array().is_some_and(|calls| calls.len() == 1), "one record: {calls}");
        let record = self.scene.admin.get(&format!("/calls/{call}")).await?;

        let audio = self.scene.admin.audio(record["recording_id"].as_str().context("a recording")?).await?;
        let path = self.scene.folder("recording.wav");
        std::fs::write(&path, audio)?;
        let wav = Wav::read(&path)?;
        let own = tone_share_windowed(wav.cut(1, 0.5, wav.seconds() - 0.5), wav.rate, f64::from(CUSTOMER_HZ));
        ensure!(own > 0.8, "the customer's side has {own} of their tone");
        let talk_ms = ended.event["data"]["talk_ms"].as_f64().context("talk_ms")?;
        let lacking = talk_ms / 1_000.0 - wav.seconds();
        ensure!(lacking.abs() < 0.8, "{} s are recorded of {talk_ms} ms", wav.seconds());
        let duration_ms = ready.event["data"]["duration_ms"].as_f64().context("duration_ms")?;
        ensure!((duration_ms / 1_000.0 - wav.seconds()).abs() < 0.1, "{duration_ms} ms of {} s", wav.seconds());
        let wanted: Vec<BTreeSet<u32>> =
            turns.iter().map(|turn| turn.iter().map(|agent| HZ[*agent]).collect()).collect();
        let heard = turns_of(&wav);
        ensure!(heard == wanted, "the recording has {heard:?}, not {wanted:?}");
        ensure!(ready.event["data"]["gaps"].as_array().is_some_and(Vec::is_empty), "{}", ready.event);
        self.scene.nothing_left(self.stack).await?;
        Ok(record)
    }

    /// The legs to agents, as they were made: whose, and whether it was answered.
    fn legs(&self, record: &Value) -> Result<Vec<(usize, bool)>> {
        let legs = record["legs"].as_array().context("legs")?;
        ensure!(legs.iter().all(|leg| leg["ended_at"].is_string()), "{record}");
        let whose = |leg: &Value| self.scene.agents.iter().position(|agent| leg["agent_id"] == agent.api.user.as_str());
        Ok(legs.iter().filter_map(|leg| Some((whose(leg)?, leg["answered_at"].is_string()))).collect())
    }

    /// Everybody who got the call from somebody else: how, from whom, to whom.
    fn transfers(&self) -> Vec<(String, Option<usize>, Option<usize>)> {
        let whose = |id: &Value| self.scene.agents.iter().position(|agent| *id == agent.api.user.as_str());
        let transfers = self.stream.seen.iter().filter(|seen| seen.kind == "call.transferred");
        transfers
            .map(|seen| &seen.event["data"])
            .map(|data| {
                let kind = data["kind"].as_str().unwrap_or_default().to_owned();
                (kind, whose(&data["from_agent_id"]), whose(&data["to"]["agent_id"]))
            })
            .collect()
    }
}

/// The agents' tones of which a sound consists; none where it is something else, or silence.
fn sound(samples: &[i16], rate: u32) -> BTreeSet<u32> {
    let shares = HZ.map(|hz| (hz, tone_share_windowed(samples, rate, f64::from(hz))));
    let tones = shares.iter().filter(|(_, share)| *share > 0.15);
    if tones.clone().map(|(_, share)| share).sum::<f64>() < 0.6 {
        return BTreeSet::new();
    }
    tones.map(|(hz, _)| *hz).collect()
}

/// Who is heard on the agents' side of a recording, one after the other; nobody while there is music.
fn turns_of(wav: &Wav) -> Vec<BTreeSet<u32>> {
    let pieces = (wav.seconds() / PIECE) as usize;
    let pieces = (0..pieces).map(|piece| f64::from(u32::try_from(piece).unwrap_or(u32::MAX)) * PIECE);
    let mut runs: Vec<(BTreeSet<u32>, usize)> = Vec::new();
    let sounds: Vec<BTreeSet<u32>> = pieces.map(|from| sound(wav.cut(0, from, from + PIECE), wav.rate)).collect();
    for at in 0..sounds.len() {
        // What most of its neighbours say, too: one piece alone is a packet that came late.
        let near = &sounds[at.saturating_sub(2)..(at + 3).min(sounds.len())];
        let now = near.iter().max_by_key(|one| near.iter().filter(|other| other == one).count()).cloned();
        let now = now.unwrap_or_default();
        match runs.last_mut() {
            Some((before, length)) if *before == now => *length += 1,
            _ => runs.push((now, 1)),
        }
    }
    let long = runs.into_iter().filter(|(_, length)| *length >= SHORTEST);
    let mut turns: Vec<BTreeSet<u32>> = long.map(|(sound, _)| sound).collect();
    turns.dedup();
    turns
}

fn sorted(mut legs: Vec<(usize, bool)>) -> Vec<(usize, bool)> {
    legs.sort_unstable();
    legs
}

/// Several phones ring for a transferred call; one refuses it in the moment in which another answers. There the refusal closed the record of
/// the answer, and the recording was no call's any more: <https://github.com/mikopbx/Core/issues/1084>.
#[test]
fn mikopbx_1084_a_refusal_beside_the_answer_loses_no_record() {
    run(async {
        let _quiet = QUIET.lock().await;
        let mut desk = Desk::begin(4).await?;
        let mut other_phone = desk.scene.second_phone(3).await?;
        desk.hand_on_to_queue(0, &[1, 2]).await?;
        for agent in 1..=2 {
            desk.rings(agent).await?;
        }
        desk.waits().await?;
        desk.hangs_up(2).await?;
        desk.answers(1).await?;
        desk.told("call.answered").await?;
        desk.talks(1).await?;

        desk.hand_on(1, "attended", desk.agent(3)).await?;
        other_phone.wait_for(PhoneEventKind::Incoming, SOON).await?;
        desk.rings(3).await?;
        other_phone.hang_up().await?;
        desk.answers(3).await?;
        desk.told("call.consulted").await?;
        desk.waits().await?;
        desk.ask(1, "transfer/complete", &Value::Null).await?;
        desk.talks(3).await?;

        desk.ask(3, "conference", &desk.agent(2)).await?;
        desk.rings(2).await?;
        desk.answers(2).await?;
        desk.told("call.conferenced").await?;
        desk.hear_both(3, 2).await?;
        desk.hangs_up(3).await?;
        desk.talks(2).await?;
        desk.customer.hang_up().await?;

        let record = desk.ended(&[&[0], &[], &[1], &[], &[3], &[3, 2], &[2]]).await?;
        let wanted = [(0, true), (1, true), (2, false), (2, true), (3, false), (3, true)];
        assert_eq!(sorted(desk.legs(&record)?), wanted);
        assert_eq!(record["agent_id"], desk.agent(2)["agent_id"]);
        Ok(())
    });
}

/// The first round of ringing passes without an answer, the second one is answered. There the record said «not answered», of one second, and
/// knew nothing of the recording of 19 minutes: <https://github.com/mikopbx/Core/issues/1100>.
#[test]
fn mikopbx_1100_an_answer_in_the_second_round_is_recorded_as_one() {
    run(async {
        let _quiet = QUIET.lock().await;
        let mut desk = Desk::begin(3).await?;
        desk.hand_on_to_queue(0, &[1, 2]).await?;
        for round in 0..2 {
            desk.rings(1).await?;
            desk.rings(2).await?;
            if round == 0 {
                for _ in 0..2 {
                    desk.told("call.missed_offer").await?;
                }
            }
        }
        desk.waits().await?;
        desk.answers(1).await?;
        desk.told("call.answered").await?;
        desk.talks(1).await?;

        desk.hand_on(1, "attended", desk.agent(2)).await?;
        desk.rings(2).await?;
        desk.hangs_up(2).await?;
        desk.told("call.resumed").await?;
        desk.hand_on(1, "attended", desk.agent(2)).await?;
        desk.rings(2).await?;
        desk.answers(2).await?;
        desk.told("call.consulted").await?;
        desk.waits().await?;
        desk.ask(1, "transfer/complete", &Value::Null).await?;
        desk.talks(2).await?;

        desk.ask(2, "conference", &desk.agent(0)).await?;
        desk.rings(0).await?;
        desk.hangs_up(0).await?;
        desk.told("call.missed_offer").await?;
        desk.ask(2, "conference", &desk.agent(0)).await?;
        desk.rings(0).await?;
        desk.answers(0).await?;
        desk.told("call.conferenced").await?;
        desk.hear_both(2, 0).await?;
        desk.hangs_up(2).await?;
        desk.talks(0).await?;
        desk.hangs_up(0).await?;

        let record = desk.ended(&[&[0], &[], &[1], &[], &[2], &[2, 0], &[0]]).await?;
        let wanted =
            [(0, false), (0, true), (0, true), (1, false), (1, true), (2, false), (2, false), (2, false), (2, true)];
        assert_eq!(sorted(desk.legs(&record)?), wanted);
        assert_eq!(
            (&record["end_reason"], &record["agent_id"]),
            (&json!("completed_agent"), &desk.agent(0)["agent_id"])
        );
        Ok(())
    });
}

/// Nobody takes what is to be handed on, and the customer is with the first agent again. There the recording had been stopped and was not
/// resumed, and the history had two lengths of the call: <https://github.com/mikopbx/Core/issues/1125>.
#[test]
fn mikopbx_1125_a_transfer_that_fails_does_not_end_the_recording() {
    run(async {
        let _quiet = QUIET.lock().await;
        let mut desk = Desk::begin(2).await?;
        desk.hand_on(0, "blind", desk.agent(1)).await?;
        desk.rings(1).await?;
        desk.waits().await?;
        desk.hangs_up(1).await?;
        desk.told("call.transfer_failed").await?;
        desk.rings(0).await?;
        desk.answers(0).await?;
        desk.told("call.answered").await?;
        desk.talks(0).await?;

        desk.hand_on(0, "attended", desk.agent(1)).await?;
        desk.rings(1).await?;
        desk.waits().await?;
        desk.hangs_up(1).await?;
        desk.told("call.resumed").await?;
        desk.talks(0).await?;

        desk.hand_on(0, "attended", desk.agent(1)).await?;
        desk.rings(1).await?;
        desk.answers(1).await?;
        desk.told("call.consulted").await?;
        desk.waits().await?;
        desk.ask(0, "transfer/cancel", &Value::Null).await?;
        desk.told("call.resumed").await?;
        desk.talks(0).await?;

        desk.ask(0, "conference", &desk.agent(1)).await?;
        desk.rings(1).await?;
        desk.hangs_up(1).await?;
        desk.told("call.missed_offer").await?;
        desk.talks(0).await?;
        desk.customer.hang_up().await?;

        let record = desk.ended(&[&[0], &[], &[0], &[], &[0], &[], &[0]]).await?;
        let wanted = [(0, true), (0, true), (1, false), (1, false), (1, false), (1, true)];
        assert_eq!(sorted(desk.legs(&record)?), wanted);
        ensure!(desk.transfers().is_empty(), "{:?}", desk.transfers());
        assert_eq!(record["agent_id"], desk.agent(0)["agent_id"]);
        Ok(())
    });
}

/// Every transfer is told, once, with who had the call and who has it. There the log of the queue did not know of attended ones, and the
/// first agent was on the phone until the last one hung up: <https://github.com/asterisk/asterisk/issues/759>.
#[test]
fn asterisk_759_each_transfer_is_told_and_ends_the_talk_of_who_handed_on() {
    run(async {
        let _quiet = QUIET.lock().await;
        let mut desk = Desk::begin(3).await?;
        desk.hand_on(0, "attended", desk.agent(1)).await?;
        desk.rings(1).await?;
        desk.answers(1).await?;
        desk.told("call.consulted").await?;
        desk.waits().await?;
        desk.ask(0, "transfer/complete", &Value::Null).await?;
        desk.told("call.transferred").await?;
        desk.talks(1).await?;

        desk.hand_on(1, "blind", desk.agent(2)).await?;
        desk.rings(2).await?;
        desk.waits().await?;
        desk.answers(2).await?;
        desk.told("call.transferred").await?;
        desk.talks(2).await?;

        desk.ask(2, "conference", &desk.agent(0)).await?;
        desk.rings(0).await?;
        desk.answers(0).await?;
        desk.told("call.conferenced").await?;
        desk.hear_both(2, 0).await?;
        desk.hangs_up(2).await?;
        desk.told("call.transferred").await?;
        desk.talks(0).await?;
        desk.hangs_up(0).await?;

        let record = desk.ended(&[&[0], &[], &[1], &[], &[2], &[2, 0], &[0]]).await?;
        assert_eq!(sorted(desk.legs(&record)?), [(0, true), (0, true), (1, true), (2, true)]);
        let told = |kind: &str, from, to| (kind.to_owned(), Some(from), Some(to));
        assert_eq!(desk.transfers(), [told("attended", 0, 1), told("blind", 1, 2), told("conference", 2, 0)]);
        desk.everybody_has_their_own_talk().await
    });
}

impl Desk {
    /// The customer hears both of them at once.
    async fn hear_both(&self, one: usize, other: usize) -> Result<()> {
        let file = self.customer.heard()?.pop().context("nothing heard")?;
        let before = Wav::read(&file)?.seconds();
        let wanted = BTreeSet::from([HZ[one], HZ[other]]);
        eventually(SOON, async || {
            let wav = Wav::read(&file)?;
            ensure!(wav.seconds() > before + 1.0, "no new sound yet");
            let heard = sound(wav.cut(0, wav.seconds() - 0.7, wav.seconds()), wav.rate);
            ensure!(heard == wanted, "{heard:?}");
            Ok(())
        })
        .await
        .with_context(|| format!("agents {one} and {other}"))
    }

    /// When something was told of the call for the n-th time, in milliseconds.
    fn at(&self, kind: &str, number: usize) -> Result<i64> {
        let told = self.stream.seen.iter().filter(|seen| seen.kind == kind && seen.subject() == self.call).nth(number);
        let at = told.and_then(|seen| seen.event["at"].as_str()).with_context(|| format!("{kind} number {number}"))?;
        Ok(chrono::DateTime::parse_from_rfc3339(at)?.timestamp_millis())
    }

    /// By the figures everybody had the call for as long as they had it, and handed it on once.
    async fn everybody_has_their_own_talk(&self) -> Result<()> {
        let today = chrono::Utc::now().date_naive();
        let (from, to) = (today - chrono::Days::new(1), today + chrono::Days::new(1));
        let path = format!("/reports/calls?from={from}&to={to}&interval=total&by=agent");
        let had = eventually(SOON, async || {
            let report = self.scene.admin.get(&path).await?;
            let rows = report["items"].as_array().context("rows")?;
            let mut had = 0;
            for agent in 0..3 {
                let own = |row: &&Value| row["agent"]["id"] == self.scene.agents[agent].api.user.as_str();
                let figures = &rows.iter().find(own).with_context(|| format!("no agent {agent}: {report}"))?["figures"];
                ensure!(figures["contacts"] == 1 && figures["transfers_out"] == 1, "agent {agent}: {figures}");
                had +=
                    figures["talk_ms"].as_i64().context("talk_ms")? + figures["hold_ms"].as_i64().context("hold_ms")?;
            }
            Ok(had)
        })
        .await?;
        let whole = self.at("call.ended", 0)? - self.at("call.answered", 0)?;
        ensure!(had <= whole, "one after the other they had it for {had} ms of {whole}");
        Ok(())
    }
}
