//! Phones that call Asterisk, with no gateway: what the dialplan does by itself.

use std::path::Path;
use std::time::{Duration, Instant};

use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::{Asterisk, AsteriskOptions, Baresip, BaresipOptions, PhoneEventKind, Sipp, SippCall};

const SHORT: Duration = Duration::from_secs(10);

/// Pushes a phone as the gateway does, into the context given.
async fn push_phone(asterisk: &Asterisk, name: &str, password: &str, context: &str) {
    let http = reqwest::Client::new();
    let fields = |pairs: &[(&str, &str)]| {
        let list: Vec<_> = pairs
            .iter()
            .map(|(attribute, value)| serde_json::json!({ "attribute": attribute, "value": value }))
            .collect();
        serde_json::json!({ "fields": list })
    };
    let objects = [
        ("auth", fields(&[("auth_type", "userpass"), ("username", name), ("password", password)])),
        ("aor", fields(&[("max_contacts", "1"), ("remove_existing", "yes")])),
        (
            "endpoint",
            fields(&[
                ("auth", name),
                ("aors", name),
                ("context", context),
                ("disallow", "all"),
                ("allow", "ulaw"),
                ("direct_media", "no"),
                ("transport", "transport-udp"),
            ]),
        ),
    ];
    for (kind, body) in objects {
        let url = format!("{}/asterisk/config/dynamic/res_pjsip/{kind}/{name}", asterisk.ari_url());
        let config = asterisk.config();
        let answer = http
            .put(url)
            .basic_auth(&config.ari_username, Some(&config.ari_password))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{kind}: {}", answer.text().await.unwrap());
    }
}

fn last_heard(phone: &Baresip) -> Wav {
    Wav::read(phone.heard().unwrap().last().expect("something was heard")).unwrap()
}

async fn caller(root: &Path, asterisk: &Asterisk) -> Baresip {
    Baresip::start(&root.join("caller"), BaresipOptions::caller(asterisk.sip_port(), "+15551234567", 440))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_desk_phone_signs_in_and_hears_its_own_echo() {
    let root = tempfile::tempdir().unwrap();
    let asterisk = Asterisk::start(&root.path().join("asterisk"), AsteriskOptions::default()).await.unwrap();
    push_phone(&asterisk, "demo-abc", "right", "trunkline-echo").await;

    let options = BaresipOptions::desk_phone(asterisk.sip_port(), "demo-abc", "right", 700);
    let mut phone = Baresip::start(&root.path().join("phone"), options).await.unwrap();
    phone.wait_registered(SHORT).await.unwrap();
    phone.dial("600").await.unwrap();
    phone.wait_for(PhoneEventKind::Established, SHORT).await.unwrap();
    // A beep, then the echo.
    tokio::time::sleep(Duration::from_secs(3)).await;
    phone.hang_up().await.unwrap();
    phone.wait_for(PhoneEventKind::Closed, SHORT).await.unwrap();
    let wav = last_heard(&phone);
    let end = wav.seconds();
    let share = tone_share_windowed(wav.cut(0, end - 1.0, end), wav.rate, 700.0);
    assert!(share > 0.9, "{share} of {end} s");
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let asterisk = Asterisk::start(&root.path().join("asterisk"), AsteriskOptions::default()).await.unwrap();
    push_phone(&asterisk, "demo-abc", "right", "trunkline-phones").await;
    let options = BaresipOptions::desk_phone(asterisk.sip_port(), "demo-abc", "wrong", 700);
    let mut phone = Baresip::start(&root.path().join("phone"), options).await.unwrap();
    assert!(phone.wait_registered(SHORT).await.is_err());
}

#[tokio::test]
async fn without_a_gateway_a_call_hears_music_and_then_an_apology() {
    let root = tempfile::tempdir().unwrap();
    let options = AsteriskOptions { patience_seconds: 4, ..AsteriskOptions::default() };
    let asterisk = Asterisk::start(&root.path().join("asterisk"), options).await.unwrap();
    let mut caller = caller(root.path(), &asterisk).await;
    let started = Instant::now();
    caller.dial("+15550100").await.unwrap();
    caller.wait_for(PhoneEventKind::Progress, SHORT).await.unwrap();
    caller.wait_for(PhoneEventKind::Audio, SHORT).await.unwrap();
    let closed = caller.wait_for(PhoneEventKind::Closed, Duration::from_secs(30)).await.unwrap();
    let waited = started.elapsed();
    assert!(waited > Duration::from_secs(4) && waited < Duration::from_secs(20), "{waited:?}");
    assert!(closed.text.contains("503"), "{closed:?}");
    let wav = last_heard(&caller);
    let loud = |from: f64, to: f64| wav.cut(0, from, to).iter().any(|sample| sample.unsigned_abs() > 500);
    assert!(loud(1.0, 3.5), "music");
    assert!(loud(4.5, wav.seconds()), "apology");
}

#[tokio::test]
async fn sipp_reaches_the_trunk_with_and_without_the_plus() {
    let root = tempfile::tempdir().unwrap();
    let options = AsteriskOptions { patience_seconds: 0, ..AsteriskOptions::default() };
    let asterisk = Asterisk::start(&root.path().join("asterisk"), options).await.unwrap();
    for number in ["+15550100", "15550100"] {
        let sipp =
            Sipp::start(&root.path().join(number), &SippCall::new(asterisk.sip_port(), number, Duration::from_secs(1)))
                .unwrap();
        let result = sipp.wait().await.unwrap();
        // Nobody is there to take it, but it was let in and apologised to.
        assert!(result.errors.contains("503"), "{result:?}");
    }
    // A name is no number: there is nothing to call.
    let sipp =
        Sipp::start(&root.path().join("name"), &SippCall::new(asterisk.sip_port(), "sales", Duration::from_secs(1)))
            .unwrap();
    let result = sipp.wait().await.unwrap();
    assert!(result.errors.contains("404"), "{result:?}");
}
