//! What callers hear by a flow: their company's own sounds and spoken text, as a phone records it.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline_stack::audio::{Wav, tone, tone_share_windowed};
use trunkline_stack::phones::Baresip;
use trunkline_stack::{PhoneEventKind, Stack};
use trunkline_tests::{Scene, eventually, run, shared_stack};

const SOON: Duration = Duration::from_secs(20);
/// For calls that are made until they go by what was changed.
const PATIENCE: Duration = Duration::from_mins(1);
/// For the first of a sound to be heard.
const SHORTLY: Duration = Duration::from_secs(6);
/// Tenths of a tone of two seconds; a phone that gets no turn on a busy machine leaves holes in it.
const TWO_SECONDS: RangeInclusive<usize> = 14..=21;
/// What an uploaded sound is.
const HZ: f64 = 1000.0;

/// A tone as a file of a studio: 44.1 kHz.
fn uploaded(scene: &Scene, seconds: f64) -> Result<Vec<u8>> {
    file(scene, 44_100, seconds)
}

fn file(scene: &Scene, rate: u32, seconds: f64) -> Result<Vec<u8>> {
    let path = scene.folder("tone.wav");
    Wav::write_mono(&path, rate, &tone(HZ, rate, seconds))?;
    Ok(std::fs::read(path)?)
}

async fn sound(scene: &Scene, name: &str, wav: Vec<u8>) -> Result<String> {
    let made = scene.admin.send(Method::POST, "/sounds", &json!({ "name": name })).await?;
    let id = made["id"].as_str().context("an id")?.to_owned();
    let put = scene.admin.request(Method::PUT, &format!("/sounds/{id}/files/en"));
    let answer = put.header("content-type", "audio/wav").body(wav).send().await?;
    ensure!(answer.status() == StatusCode::OK, "{}", answer.text().await?);
    Ok(id)
}

/// Publishes a flow that says this and hangs up, and leads the scene's number there.
async fn says(scene: &Scene, name: &str, say: Value) -> Result<()> {
    let definition = json!({ "start": "say", "language": "it", "nodes": [
        { "id": "say", "name": "Say", "x": 0, "y": 0, "do": { "type": "play", "say": say, "next": "bye" } },
        { "id": "bye", "name": "Bye", "x": 0, "y": 0, "do": { "type": "hang_up", "say": [], "reason": "completed" } },
    ] });
    let flow = json!({ "name": name, "definition": definition });
    let flow = scene.admin.send(Method::POST, "/flows", &flow).await?;
    let id = flow["id"].as_str().context("an id")?;
    scene.admin.send(Method::POST, &format!("/flows/{id}/publish"), &json!({})).await?;
    let target = json!({ "target": { "type": "flow", "flow_id": id } });
    scene.admin.send(Method::PATCH, &format!("/numbers/{}", scene.number), &target).await?;
    Ok(())
}

/// What a phone heard in its one call.
fn heard(phone: &Baresip) -> Result<Wav> {
    let files = phone.heard()?;
    let longest =
        files.iter().filter_map(|file| Wav::read(file).ok()).max_by(|a, b| a.seconds().total_cmp(&b.seconds()));
    longest.context("it heard nothing")
}

/// The seconds of a sound, in tenths, in which there is this much of the tone.
fn tenths_of_tone(wav: &Wav) -> Vec<usize> {
    let tenths = (0..(wav.seconds() * 10.0) as usize).filter(|tenth| {
        let from = *tenth as f64 / 10.0;
        tone_share_windowed(wav.cut(0, from, from + 0.1), wav.rate, HZ) > 0.9
    });
    tenths.collect()
}

/// The loudest tenth of a second, as the root of the mean square.
fn loudest(wav: &Wav) -> f64 {
    let window = (wav.rate / 10) as usize;
    let power = |part: &[i16]| part.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>() / part.len() as f64;
    wav.cut(0, 0.0, wav.seconds()).chunks_exact(window).map(|part| power(part).sqrt()).fold(0.0, f64::max)
}

/// Calls and listens until the call is over; again while it is not as it should be, for calls go by a flow a moment after it was published.
async fn call(scene: &Scene, is_right: impl Fn(&Wav) -> Result<()>) -> Result<()> {
    eventually(PATIENCE, async || {
        let mut customer = scene.customer().await?;
        customer.wait_for(PhoneEventKind::Closed, SOON).await?;
        is_right(&heard(&customer)?)
    })
    .await
}

/// Whether the tone was heard for so long, in tenths of a second.
fn has_tone(wav: &Wav, tenths: RangeInclusive<usize>) -> Result<()> {
    let heard = tenths_of_tone(wav).len();
    ensure!(tenths.contains(&heard), "{heard} tenths of a second of the tone in {} s", wav.seconds());
    Ok(())
}

#[test]
fn a_caller_hears_what_was_uploaded_and_what_is_spoken() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 0).await?;
        let tone = sound(&scene, "Tone", uploaded(&scene, 2.0)?).await?;
        says(&scene, "Tone alone", json!([{ "sound_id": tone }])).await?;
        call(&scene, |wav| has_tone(wav, TWO_SECONDS)).await?;

        // Speech that is in no language of the house's file, then the tone: in this order.
        let say =
            json!([{ "text": "Buongiorno, numero {{caller.number}}, con virgole, e {graffe}." }, { "sound_id": tone }]);
        says(&scene, "Both", say).await?;
        call(&scene, |wav| {
            has_tone(wav, TWO_SECONDS)?;
            let began = tenths_of_tone(wav)[0] as f64 / 10.0;
            ensure!(began > 1.5, "nothing was spoken before the tone began at {began} s");
            let spoken = Wav { rate: wav.rate, channels: vec![wav.cut(0, 0.0, began).to_vec()] };
            ensure!(loudest(&spoken) > 500.0, "the loudest of what was spoken: {}", loudest(&spoken));
            Ok(())
        })
        .await?;
        scene.nothing_left(stack).await
    });
}

/// The tenant's files in the store.
fn stored(stack: &Stack) -> Result<PathBuf> {
    Ok(Path::new(stack.gateway.env("TRUNKLINE_STATE_DIR").context("a state folder")?).join("files"))
}

/// Removes every file in a folder and below that is as long as this one.
fn lose(folder: &Path, bytes: u64) -> Result<usize> {
    let mut lost = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            lost += lose(&entry.path(), bytes)?;
        } else if entry.metadata()?.len() == bytes {
            std::fs::remove_file(entry.path())?;
            lost += 1;
        }
    }
    Ok(lost)
}

#[test]
fn a_sound_whose_file_is_gone_holds_no_call_up() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 0).await?;
        // A length that no other test's file has.
        let wav = file(&scene, 8_000, 1.234)?;
        let bytes = 44 + 2 * tone(HZ, 8_000, 1.234).len() as u64;
        let gone = sound(&scene, "Gone", wav).await?;
        let lost = lose(&stored(stack)?, bytes)?;
        ensure!(lost == 1, "{lost} files were lost");
        says(&scene, "Gone alone", json!([{ "sound_id": gone }])).await?;
        let begun = Instant::now();
        call(&scene, |wav| has_tone(wav, 0..=0)).await?;
        ensure!(begun.elapsed() < Duration::from_secs(8), "the call took {:?}", begun.elapsed());

        // What is said beside it is heard.
        let there = sound(&scene, "There", uploaded(&scene, 1.0)?).await?;
        says(&scene, "Gone and there", json!([{ "sound_id": gone }, { "sound_id": there }])).await?;
        call(&scene, |wav| has_tone(wav, 7..=11)).await?;
        scene.nothing_left(stack).await
    });
}

#[test]
fn nobody_waits_long_for_a_long_sound() {
    run(async {
        let stack = shared_stack().await?;
        let scene = Scene::new(stack, 0).await?;
        let long = sound(&scene, "Long", file(&scene, 8_000, 300.0)?).await?;
        says(&scene, "Long", json!([{ "sound_id": long }])).await?;
        for which in ["first", "second"] {
            let began = eventually(PATIENCE, async || {
                let mut customer = scene.customer().await?;
                customer.wait_for(PhoneEventKind::Established, SOON).await?;
                let began = eventually(SHORTLY, async || {
                    let first = *tenths_of_tone(&heard(&customer)?).first().context("no tone yet")?;
                    Ok(first as f64 / 10.0)
                })
                .await;
                customer.hang_up().await?;
                customer.wait_for(PhoneEventKind::Closed, SOON).await?;
                began
            })
            .await?;
            println!("{which} play of five minutes: heard {began:.1} s into the sound of the call");
            ensure!(began < 2.0, "the caller of the {which} call heard nothing for {began} s");
        }
        scene.nothing_left(stack).await
    });
}
