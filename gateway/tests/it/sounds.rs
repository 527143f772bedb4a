//! Sounds: uploaded or spoken, heard by their company alone, and fetched by whoever has a signed address.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use trunkline_media::analysis::{level, tone_level};
use trunkline_media::sound::{RATE, Sound};
use uuid::Uuid;

use crate::platform::{ok, send};
use crate::support::{App, User, problem};

/// A second of 1000 Hz.
fn wav(rate: u32, channels: u16, bits: u16) -> Vec<u8> {
    let mut data = Vec::new();
    for sample in trunkline_media::analysis::tone(1000.0, -6.0, rate, 0, rate as usize) {
        for _ in 0..channels {
            match bits {
                8 => data.push(u8::try_from((i32::from(sample) >> 8) + 128).unwrap()),
                16 => data.extend(sample.to_le_bytes()),
                24 => data.extend(&(i32::from(sample) << 8).to_le_bytes()[..3]),
                _ => unreachable!(),
            }
        }
    }
    header(1, channels, rate, bits, &data)
}

fn header(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let align = channels * bits.div_ceil(8);
    let length = u32::try_from(data.len()).unwrap();
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(align)).to_le_bytes());
    bytes.extend(align.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(data);
    bytes
}

async fn made(user: &User, name: &str) -> String {
    let sound = ok(user.post("/api/v1/sounds", &json!({ "name": name })).await).await;
    sound["id"].as_str().unwrap().to_owned()
}

async fn upload(user: &User, id: &str, language: &str, bytes: Vec<u8>) -> Response {
    let path = format!("/api/v1/sounds/{id}/files/{language}");
    user.request(Method::PUT, &path).header("content-type", "audio/wav").body(bytes).send().await.unwrap()
}

async fn speak(user: &User, id: &str, language: &str, text: &str) -> Response {
    send(user, Method::PUT, &format!("/api/v1/sounds/{id}/files/{language}"), &json!({ "text": text })).await
}

async fn heard(user: &User, id: &str, language: &str) -> Sound {
    let answer = user.get(&format!("/api/v1/sounds/{id}/files/{language}")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "audio/wav");
    Sound::read(&answer.bytes().await.unwrap(), Duration::from_mins(10)).unwrap()
}

/// A sound with a file in English.
pub(crate) async fn spoken_to_by(admin: &User) -> String {
    let id = made(admin, "Welcome").await;
    ok(upload(admin, &id, "en", wav(8_000, 1, 16)).await).await;
    id
}

async fn kinds(admin: &User) -> Vec<String> {
    let events = admin.get_json("/api/v1/events?kinds=sound.*").await;
    events["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_sound_is_made_filled_heard_and_removed() {
    let app = App::start().await;
    let admin = app.admin().await;
    let id = made(&admin, "Welcome").await;
    let empty = admin.get_json(&format!("/api/v1/sounds/{id}")).await;
    assert_eq!((&empty["name"], &empty["files"]), (&"Welcome".into(), &json!([])));
    assert_eq!(empty["used_by"], json!({ "flows": [], "queues": [] }));

    let with = ok(upload(&admin, &id, "EN-us", wav(44_100, 2, 24)).await).await;
    let file = &with["files"][0];
    assert_eq!((&file["language"], &file["source"], &file["text"]), (&"en-US".into(), &"upload".into(), &Value::Null));
    assert_eq!(file["bytes"], 44 + 16_000);
    assert!((file["seconds"].as_f64().unwrap() - 1.0).abs() < 0.01, "{file}");
    let sound = heard(&admin, &id, "en-us").await;
    let middle = &sound.samples()[1000..7000];
    assert!((tone_level(middle, RATE, 1000.0) + 6.0).abs() < 0.5 && level(middle) < -5.0);

    // Another in its place, and one more language.
    ok(upload(&admin, &id, "en-US", wav(8_000, 1, 8)).await).await;
    let two = ok(upload(&admin, &id, "it", wav(16_000, 1, 16)).await).await;
    let languages: Vec<&str> =
        two["files"].as_array().unwrap().iter().map(|file| file["language"].as_str().unwrap()).collect();
    assert_eq!(languages, ["en-US", "it"]);

    let path = format!("/api/v1/sounds/{id}");
    let renamed = ok(send(&admin, Method::PATCH, &path, &json!({ "name": "Hello" })).await).await;
    assert_eq!((&renamed["name"], renamed["files"].as_array().unwrap().len()), (&"Hello".into(), 2));
    let gone = ok(admin.request(Method::DELETE, &format!("{path}/files/it")).send().await.unwrap()).await;
    assert_eq!(gone["files"].as_array().unwrap().len(), 1);
    assert_eq!(admin.get(&format!("{path}/files/it")).await.status(), StatusCode::NOT_FOUND);
    let again = admin.request(Method::DELETE, &format!("{path}/files/it")).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
    assert_eq!(admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(admin.get(&path).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(admin.get_json("/api/v1/sounds").await["items"], json!([]));
    let told = ["sound.created", "sound.changed", "sound.changed", "sound.changed", "sound.changed", "sound.changed"];
    assert_eq!(kinds(&admin).await, [&told[..], &["sound.removed"]].concat());
    let audit = admin.get_json("/api/v1/audit").await.to_string();
    assert!(audit.contains("sound.created") && audit.contains("sound.changed") && audit.contains("sound.removed"));
}

#[tokio::test]
async fn what_a_queues_callers_hear_is_kept() {
    let app = App::start().await;
    let admin = app.admin().await;
    let id = made(&admin, "Leave a message").await;
    ok(upload(&admin, &id, "en", wav(8_000, 1, 16)).await).await;
    let queues = admin.get_json("/api/v1/queues").await;
    let queue = &queues["items"][0];
    let routing = format!("/api/v1/queues/{}/routing", queue["id"].as_str().unwrap());
    let rules = json!({ "routing": { "voicemail": { "greeting": [{ "sound_id": id }, { "builtin": "beep" }] } } });
    ok(send(&admin, Method::PUT, &routing, &rules).await).await;
    let path = format!("/api/v1/sounds/{id}");
    let used = admin.get_json(&path).await["used_by"].clone();
    assert_eq!(used, json!({ "flows": [], "queues": [{ "id": queue["id"], "name": queue["name"] }] }));
    let kept = problem(admin.request(Method::DELETE, &path).send().await.unwrap()).await;
    assert_eq!((kept["status"].as_u64(), kept["code"].as_str()), (Some(409), Some("sound-in-use")), "{kept}");
    assert!(kept["detail"].as_str().unwrap().contains(queue["name"].as_str().unwrap()), "{kept}");
    ok(send(&admin, Method::PUT, &routing, &json!({})).await).await;
    assert_eq!(admin.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_no_sound_is_refused_in_words() {
    let app = App::start().await;
    let admin = app.admin().await;
    let id = made(&admin, "Welcome").await;
    let refused = async |bytes: Vec<u8>| {
        let refused = problem(upload(&admin, &id, "en", bytes).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &"body".into()), "{refused}");
        refused["errors"][0]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(b"ID3 an MP3 file".to_vec()).await, "is no WAV file");
    assert!(refused(header(7, 1, 8_000, 8, &[0; 800])).await.contains("PCM"));
    assert!(refused(header(1, 6, 8_000, 16, &[0; 1200])).await.contains("6 channels"));
    assert!(refused(header(1, 1, 4_000, 16, &[0; 800])).await.contains("4000 Hz"));
    assert_eq!(refused(header(1, 1, 8_000, 16, &[])).await, "holds no sound");
    assert!(refused(wav(8_000, 1, 16)[..8_000].to_vec()).await.contains("cut off"));
    assert!(refused(header(1, 1, 8_000, 8, &vec![128; 8_000 * 601])).await.contains("10 minutes"));
    let large = upload(&admin, &id, "en", vec![0; 10 * 1024 * 1024 + 1]).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let path = format!("/api/v1/sounds/{id}/files/en");
    let typed = admin.request(Method::PUT, &path).header("content-type", "audio/mpeg").body("x").send().await.unwrap();
    assert_eq!(problem(typed).await["status"], 415);
    let tongue = problem(upload(&admin, &id, "klingon!", wav(8_000, 1, 16)).await).await;
    assert_eq!((&tongue["status"], &tongue["errors"][0]["field"]), (&422.into(), &"language".into()));
    let nobody = upload(&admin, &Uuid::now_v7().to_string(), "en", wav(8_000, 1, 16)).await;
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
    let twice = problem(admin.post("/api/v1/sounds", &json!({ "name": "welcome" })).await).await;
    assert_eq!((&twice["status"], &twice["code"]), (&409.into(), &"name-taken".into()));
    assert_eq!(admin.get_json(&format!("/api/v1/sounds/{id}")).await["files"], json!([]));
    // Whoever only reads changes nothing.
    let operator = app.operator().await;
    assert_eq!(upload(&operator, &id, "en", wav(8_000, 1, 16)).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_text_is_spoken_or_it_is_said_why_not() {
    let app = App::start().await;
    let admin = app.admin().await;
    let id = made(&admin, "Closed").await;
    let spoken = ok(speak(&admin, &id, "en", " We are closed today. ").await).await;
    let file = &spoken["files"][0];
    assert_eq!((&file["source"], &file["text"]), (&"speech".into(), &"We are closed today.".into()));
    let sound = heard(&admin, &id, "en").await;
    assert!(sound.duration() > Duration::from_millis(700), "{:?}", sound.duration());
    assert!(level(sound.samples()) > -40.0, "{} dB", level(sound.samples()));
    for (language, text, words) in
        [("xx", "Hello", "voice"), ("en", "  ", "1 to 2000"), ("en", &"x".repeat(2001), "1 to 2000")]
    {
        let refused = problem(speak(&admin, &id, language, text).await).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["field"]), (&422.into(), &"text".into()), "{refused}");
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains(words), "{refused}");
    }
    for (command, words) in [("no-such-program {in} {out}", "not installed"), ("off", "speech_command is off")] {
        let app = App::configured(&[("speech_command", command)]).await;
        let admin = app.admin().await;
        let id = made(&admin, "Closed").await;
        let refused = problem(speak(&admin, &id, "en", "Hello").await).await;
        assert_eq!(refused["status"], 422, "{refused}");
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn a_sound_that_a_flow_plays_stays() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (played, drawn, spare) =
        (made(&admin, "Played").await, made(&admin, "Drawn").await, made(&admin, "Spare").await);
    for id in [&played, &drawn, &spare] {
        ok(upload(&admin, id, "en", wav(8_000, 1, 16)).await).await;
    }
    let flow = |sound: &str| {
        json!({ "start": "bye", "language": "en", "nodes": [
            { "id": "bye", "name": "Bye", "x": 0, "y": 0,
              "do": { "type": "hang_up", "say": [{ "sound_id": sound }], "reason": "completed" } },
        ] })
    };
    let made = ok(admin.post("/api/v1/flows", &json!({ "name": "Night", "definition": flow(&played) })).await).await;
    let flow_id = made["id"].as_str().unwrap().to_owned();
    ok(admin.post(&format!("/api/v1/flows/{flow_id}/publish"), &json!({})).await).await;
    ok(send(&admin, Method::PUT, &format!("/api/v1/flows/{flow_id}/draft"), &json!({ "definition": flow(&drawn) }))
        .await)
    .await;

    for id in [&played, &drawn] {
        let sound = admin.get_json(&format!("/api/v1/sounds/{id}")).await;
        assert_eq!(sound["used_by"]["flows"], json!([{ "id": flow_id, "name": "Night" }]));
        let refused = admin.request(Method::DELETE, &format!("/api/v1/sounds/{id}")).send().await.unwrap();
        let refused = problem(refused).await;
        assert_eq!((&refused["status"], &refused["code"]), (&409.into(), &"sound-in-use".into()));
        assert!(refused["detail"].as_str().unwrap().contains("Night"), "{refused}");
    }
    let gone = admin.request(Method::DELETE, &format!("/api/v1/sounds/{spare}")).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    // A flow is told of a sound that nobody can hear.
    let draft = json!({ "definition": flow(&spare) });
    let faulty = ok(send(&admin, Method::PUT, &format!("/api/v1/flows/{flow_id}/draft"), &draft).await).await;
    assert!(faulty["draft"]["faults"].to_string().contains("no_sound"), "{faulty}");
}

#[tokio::test]
async fn one_companys_sounds_are_not_anothers() {
    let app = App::start().await;
    let admin = app.admin().await;
    let (_, stranger) = app.other_tenant().await;
    let id = spoken_to_by(&admin).await;
    assert_eq!(stranger.get_json("/api/v1/sounds").await["items"], json!([]));
    for path in [format!("/api/v1/sounds/{id}"), format!("/api/v1/sounds/{id}/files/en")] {
        assert_eq!(stranger.get(&path).await.status(), StatusCode::NOT_FOUND);
        assert_eq!(stranger.request(Method::DELETE, &path).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(upload(&stranger, &id, "en", wav(8_000, 1, 16)).await.status(), StatusCode::NOT_FOUND);
    // The same name is free.
    spoken_to_by(&stranger).await;
    heard(&admin, &id, "en").await;
}

#[tokio::test]
async fn asterisk_fetches_by_a_signed_address_alone() {
    let app = App::start().await;
    let admin = app.admin().await;
    let id = spoken_to_by(&admin).await;
    let media = trunkline::sounds::media_of(&app.state, app.tenant, id.parse().unwrap(), "it").await.unwrap();
    let media = media.expect("a file in another language");
    let url = media.strip_prefix("sound:http://").unwrap();
    let path = &url[url.find('/').unwrap()..];
    let get = async |path: &str| app.client.get(app.url(path)).send().await.unwrap();
    let given = get(path).await;
    assert_eq!(given.status(), StatusCode::OK);
    assert_eq!(given.headers()["content-type"], "audio/wav");
    assert!(given.headers()["cache-control"].to_str().unwrap().contains("max-age=31536000"));
    let sound = Sound::read(&given.bytes().await.unwrap(), Duration::from_mins(10)).unwrap();
    assert_eq!(sound.duration(), Duration::from_secs(1));

    let (plain, signature) = path.split_once('?').unwrap();
    let other = plain.replace(&app.tenant.to_string(), &Uuid::now_v7().to_string());
    let forged = [
        plain.to_owned(),
        format!("{plain}?signature="),
        format!("{plain}?{signature}&more=1"),
        format!("{plain}?{}", signature.replace("signature=", "signature=A")),
        format!("{other}?{signature}"),
        format!("{}?{signature}", plain.replace(".wav", ".mp3")),
        format!("/telephony/speech/{}.wav?{signature}", "0".repeat(64)),
        "/telephony/speech/..%2F..%2Fsecret.wav".to_owned(),
    ];
    for forged in forged {
        assert_eq!(get(&forged).await.status(), StatusCode::NOT_FOUND, "{forged}");
    }
    // What was replaced stays for the calls that are about to play it.
    ok(upload(&admin, &id, "en", wav(16_000, 1, 16)).await).await;
    assert_eq!(get(path).await.status(), StatusCode::OK);
    let figures = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(figures.contains("trunkline_sounds_fetched_total{outcome=\"given\"} 2"), "{figures}");
    assert!(figures.contains("trunkline_sounds_fetched_total{outcome=\"forged\"} 8"), "{figures}");
}

#[tokio::test]
async fn files_take_room_and_leave_it() {
    let app = App::start().await;
    let admin = app.admin().await;
    let id = spoken_to_by(&admin).await;
    let used = async || {
        let usage = admin.get_json("/api/v1/usage").await;
        let items = usage["items"].as_array().unwrap();
        items.iter().find(|item| item["resource"] == "storage").unwrap()["used"].as_u64().unwrap()
    };
    assert_eq!(used().await, 16_044);
    ok(upload(&admin, &id, "en", header(1, 1, 8_000, 16, &[0; 8_000])).await).await;
    assert_eq!(used().await, 8_044);
    admin.request(Method::DELETE, &format!("/api/v1/sounds/{id}")).send().await.unwrap();
    assert_eq!(used().await, 0);
}
