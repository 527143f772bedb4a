//! What Twilio posts, and whether it is Twilio.

use crate::support::{deep_json, line, recorded, samples};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::Value;
use sha1::Sha1;
use trunkline_channels::Adapter;
use trunkline_channels::adapter::{Refused, Webhook};
use trunkline_channels::model::{Content, Identity, MediaAt, Told, What};
use trunkline_channels::twilio::{Account, SIGNATURE_HEADER};

pub(crate) fn account() -> Account {
    let mut account = Account::new("AC00000000000000000000000000000001", "a-token", "+15550199");
    account.status_callback = Some("https://desk.example/webhooks/twilio/1".to_owned());
    account
}

fn read(url: &str, body: &str) -> Vec<Told> {
    account().read(Webhook { url, headers: &HeaderMap::new(), body: body.as_bytes() }).unwrap()
}

#[test]
fn each_sample_says_what_stands_beside_it() {
    let mut wrong = Vec::new();
    for sample in samples("twilio.json") {
        let url = sample["url"].as_str().unwrap_or("https://desk.example/webhooks/twilio/1");
        let is: Vec<String> = read(url, sample["body"].as_str().unwrap()).iter().map(|told| line(&told.what)).collect();
        let wanted: Vec<&str> = sample["is"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        if is != wanted {
            wrong.push(format!("{}\n  is     {is:?}\n  wanted {wanted:?}", sample["name"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn keys_tell_things_apart() {
    let mut keys = std::collections::HashSet::new();
    for sample in samples("twilio.json").iter().filter(|sample| sample["name"] != "status with a reference") {
        for told in account().parse(sample["body"].as_str().unwrap().as_bytes()).unwrap() {
            let failed = told.key == "SM9/failed";
            assert!(keys.insert(told.key.clone()) || failed, "{}", told.key);
        }
    }
}

#[test]
fn every_recorded_webhook_is_understood() {
    let Some(files) = recorded("twilio") else { return };
    let mut count = 0;
    for (name, body) in files.iter().filter(|(name, _)| name.starts_with("courier_")) {
        count += 1;
        let file: Value = serde_json::from_slice(body).unwrap();
        let raw = file["raw"].as_str().unwrap();
        let all = account().parse(raw.as_bytes()).unwrap();
        let lines: Vec<String> = all.iter().map(|told| line(&told.what)).collect();
        println!("{name}: {lines:?}");
        let begins = match name.as_str() {
            "courier_statusInvalid" => "unsupported MessageStatus huh",
            name if name.contains("tatus") => "status ",
            _ => "message ",
        };
        assert!(lines.iter().all(|line| line.starts_with(begins)), "{name}: {lines:?}");
        for end in 0..raw.len() {
            let _ = account().parse(&raw.as_bytes()[..end]);
        }
    }
    assert!(count > 15);
}

#[test]
fn a_whatsapp_sender_has_every_identity_that_was_told() {
    let sample = samples("twilio.json").into_iter().find(|sample| sample["name"] == "whatsapp with a user id").unwrap();
    let all = read("https://desk.example/", sample["body"].as_str().unwrap());
    let What::Message(message) = &all[0].what else { panic!() };
    assert_eq!(
        message.from.identities,
        [
            Identity::Phone("+15550142".to_owned()),
            Identity::WhatsappId("15550142".to_owned()),
            Identity::WhatsappUser("US.9x8".to_owned())
        ]
    );
    assert_eq!((all[0].line.as_deref(), all[0].at), (Some("whatsapp:+15550199"), None));
}

#[test]
fn what_is_badly_written_names_its_field() {
    let refused = |body: &[u8]| account().parse(body).unwrap_err();
    assert_eq!(refused(b"MessageSid=SM1&From=%2B1555&Body=a%2").at, "Body");
    assert_eq!(refused(b"MessageSid=SM1&From=%2B1555&Body=%zz").why, "a broken escape at byte 0 of the field");
    assert_eq!(refused(b"MessageSid=SM1&Body=%ff").why, "not UTF-8 at byte 0 of the field");
    assert_eq!(refused(b"").at, "byte 0");
    assert_eq!(refused(b"MessageSid=SM1&SmsStatus=received").at, "From");
    assert!(account().parse(&deep_json("", "")).is_err());
}

#[test]
fn duplicate_fields_are_kept() {
    let all = read("https://desk.example/", "CallSid=CA1&To=%2B1&To=%2B2&To=%2B1");
    let What::Unsupported { raw, .. } = &all[0].what else { panic!() };
    assert_eq!(raw["To"], serde_json::json!(["+1", "+2", "+1"]));
}

#[test]
fn a_webhook_by_get_has_its_fields_in_the_url() {
    let url = "https://desk.example/webhooks/twilio/1?reference=a-1&MessageSid=SM1&From=%2B15550142&To=%2B15550199&Body=hi&SmsStatus=received";
    assert_eq!(line(&read(url, "")[0].what), "message +15550142 text: hi");
}

#[test]
fn files_beyond_ten_and_wrong_counts() {
    let body = "MessageSid=SM1&From=%2B15550142&SmsStatus=received&NumMedia=4000000000";
    let all = read("https://desk.example/", body);
    assert_eq!(all.len(), 10);
    for told in all {
        let What::Message(message) = told.what else { panic!() };
        let Content::Media(media) = message.content else { panic!() };
        assert_eq!(media.at, MediaAt::Gone);
    }
}

#[test]
fn ten_megabytes_are_read() {
    let body = format!("MessageSid=SM1&From=%2B15550142&SmsStatus=received&Body={}", "%E2%9B%B5".repeat(1_100_000));
    let all = read("https://desk.example/", &body);
    let What::Message(message) = &all[0].what else { panic!() };
    let Content::Text { text } = &message.content else { panic!() };
    assert_eq!(text.chars().count(), 1_100_000);
}

fn verify(token: &str, url: &str, body: &str, signature: &str) -> Result<(), Refused> {
    let mut headers = HeaderMap::new();
    headers.insert(SIGNATURE_HEADER, signature.parse().unwrap());
    Account::new("AC1", token, "+1").verify(Webhook { url, headers: &headers, body: body.as_bytes() })
}

fn sign(token: &str, signed: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

const URL: &str = "https://desk.example/webhooks/twilio/1?reference=a-1";

#[test]
fn the_signature_is_over_the_url_and_the_sorted_fields() {
    let right = sign("t", &format!("{URL}Body⛵ aTo+1"));
    assert_eq!(verify("t", URL, "To=%2B1&Body=%E2%9B%B5+a", &right), Ok(()));
    assert_eq!(verify("t", URL, "Body=%E2%9B%B5+a&To=%2B1", &right), Ok(()));
    assert_eq!(verify("t", URL, "Body=%E2%9B%B5+b&To=%2B1", &right), Err(Refused::Wrong));
    assert_eq!(verify("u", URL, "Body=%E2%9B%B5+a&To=%2B1", &right), Err(Refused::Wrong));
    assert_eq!(verify("t", &URL.replace("a-1", "a-2"), "Body=%E2%9B%B5+a&To=%2B1", &right), Err(Refused::Wrong));
    assert_eq!(verify("t", URL, "Body=%E2%9B%B5+a&To=%2B1", ""), Err(Refused::Wrong));
    assert_eq!(verify("", URL, "", &sign("", URL)), Err(Refused::Wrong), "an account without a token believes nobody");
    let headers = HeaderMap::new();
    assert_eq!(account().verify(Webhook { url: URL, headers: &headers, body: b"" }), Err(Refused::Missing));
}

#[test]
fn the_port_may_be_signed_or_not_but_the_rest_is_exact() {
    let with_port = "https://desk.example:443/webhooks/twilio/1?reference=a-1";
    assert_eq!(verify("t", URL, "", &sign("t", with_port)), Ok(()));
    assert_eq!(verify("t", with_port, "", &sign("t", URL)), Ok(()));
    assert_eq!(verify("t", "https://desk.example:8443/x", "", &sign("t", "https://desk.example/x")), Ok(()));
    assert_eq!(
        verify("t", "https://desk.example/x", "", &sign("t", "https://desk.example:8443/x")),
        Err(Refused::Wrong)
    );
    assert_eq!(verify("t", "http://desk.example/x", "", &sign("t", "http://desk.example:80/x")), Ok(()));
    assert_eq!(verify("t", "https://a:b@desk.example/x", "", &sign("t", "https://a:b@desk.example:443/x")), Ok(()));
    assert_eq!(verify("t", "https://[::1]/x", "", &sign("t", "https://[::1]:443/x")), Ok(()));
    assert_eq!(verify("t", "https://desk.example/x", "", &sign("t", "https://desk.example/X")), Err(Refused::Wrong));
}

#[test]
fn a_json_body_is_signed_by_its_digest() {
    // sha256 of {"a":1}
    let digest = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    let url = format!("https://desk.example/x?bodySHA256={digest}");
    assert_eq!(verify("t", &url, "{\"a\":1}", &sign("t", &url)), Ok(()));
    assert_eq!(verify("t", &url, "{\"a\":2}", &sign("t", &url)), Err(Refused::Wrong));
    assert_eq!(verify("t", &url, "{\"a\":1}", &sign("u", &url)), Err(Refused::Wrong));
}

/// The vectors that the provider's own libraries are tested with.
#[test]
fn the_providers_own_vectors() {
    let Some(files) = recorded("twilio") else { return };
    let file = &files.iter().find(|(name, _)| name == "signature_vectors").unwrap().1;
    let file: Value = serde_json::from_slice(file).unwrap();
    let form = |fields: &mut dyn Iterator<Item = (String, String)>| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        form.finish()
    };
    let mut count = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let Some(signature) = vector["signature"].as_str() else { continue };
        let body = if let Some(params) = vector["params"].as_object() {
            form(&mut params.iter().map(|(name, value)| (name.clone(), word(value))))
        } else {
            let pairs = vector["params_multi"].as_array().unwrap();
            form(&mut pairs.iter().map(|pair| (word(&pair[0]), word(&pair[1]))))
        };
        let verified = verify("12345", vector["url"].as_str().unwrap(), &body, signature).is_ok();
        assert_eq!(verified, vector["valid"].as_bool().unwrap(), "{}", vector["name"]);
        count += 1;
    }
    assert!(count >= 6);

    // From the other library's test: credentials in the URL, an apostrophe, a list, a body's digest.
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let params = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";
    let at = |place: &str| url.replace("mycompany.com", place);
    for (url, body, signature) in [
        (at("user:pass@mycompany.com"), params, "CukzLTc1tT5dXEDIHm/tKBanW10="),
        (at("user@mycompany.com"), params, "2YRLlVAflCqxaNicjMpJcSTgzSs="),
        (at("user:pass@mycompany.com"), params, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
        (at("mycompany.com:1234"), params, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (format!("{url}&Body=It's+amazing"), params, "TfZzewPq8wqrGlMfyAud8+/IvJ0="),
        (
            url.to_owned(),
            "MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx",
            "83O6e2vORAoJHUNzJjDWN1jz+BA=",
        ),
        (
            format!("{url}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"),
            "{\"property\": \"value\", \"boolean\": true}",
            "a9nBmqA0ju/hNViExpshrM61xv4=",
        ),
        (
            format!("{url}&bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
            "{}",
            "Ldidvp12m26NI7eqEvxnEpkd9Hc=",
        ),
    ] {
        assert_eq!(verify("12345", &url, body, signature), Ok(()), "{url}");
    }
}

proptest! {
    #[test]
    fn no_bytes_do_harm(body in proptest::collection::vec(any::<u8>(), 0..300), url in ".{0,60}", signature in "[ -~]{0,40}") {
        let _ = account().parse(&body);
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE_HEADER, signature.parse().unwrap());
        let webhook = Webhook { url: &url, headers: &headers, body: &body };
        let _ = account().read(webhook);
        prop_assert!(account().verify(webhook).is_err());
    }

    /// Any value in any known field: never an error, always something told, and it can be stored.
    #[test]
    fn no_value_does_harm(field in 0_usize..20, value in ".{0,30}") {
        const FIELDS: [&str; 20] = ["Body", "From", "To", "NumMedia", "MediaUrl0", "MediaContentType0", "SmsStatus", "MessageStatus",
            "ErrorCode", "Latitude", "Longitude", "ButtonText", "ButtonPayload", "OptOutType", "ExternalUserId", "ProfileName",
            "MessageType", "OriginalRepliedMessageSid", "InteractiveData", "ReferralSourceId"];
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair(FIELDS[field], &value);
        form.extend_pairs([("MessageSid", "SM1"), ("From", "whatsapp:+15550142"), ("Latitude", "1")]);
        let all = account().parse(form.finish().as_bytes()).unwrap();
        prop_assert!(!all.is_empty());
        for told in all {
            let stored = serde_json::to_string(&told).unwrap();
            prop_assert_eq!(serde_json::from_str::<Told>(&stored).unwrap(), told);
        }
    }

    /// What is signed as Twilio signs is believed, whatever it says and in whatever order it comes.
    #[test]
    fn what_is_signed_is_believed(fields in proptest::collection::vec(("[A-Za-z0-9]{1,8}", ".{0,20}"), 0..8)) {
        let mut sorted: Vec<_> = fields.clone();
        sorted.sort();
        sorted.dedup();
        let signed: String = sorted.into_iter().map(|(name, value)| name + &value).collect();
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        prop_assert_eq!(verify("t", URL, &body, &sign("t", &format!("{URL}{signed}"))), Ok(()));
    }
}
