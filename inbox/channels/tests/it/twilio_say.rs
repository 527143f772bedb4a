//! What we say by Twilio, what it answers, how a text is cut, and how a lost attempt is found.

use crate::support::{answer, form_of, outgoing, text, upload};
use crate::twilio::account;
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use http::HeaderMap;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;
use trunkline_channels::Adapter;
use trunkline_channels::adapter::{CannotSay, Look, Outcome};
use trunkline_channels::model::{MediaSort, Outgoing, ProviderId, Say, Upload, Why};
use trunkline_channels::twilio::segments::{Encoding, count, split};
use trunkline_channels::twilio::{Account, errors};

const MOBILE: &str = "+15550142";

fn refused(say: Say) -> CannotSay {
    account().render(&outgoing(MOBILE, say)).unwrap_err()
}

fn file(mime: &str, size: u64, url: Option<&str>, caption: Option<&str>) -> Say {
    let file = Upload { url: url.map(str::to_owned), ..upload(mime, size) };
    Say::File { sort: MediaSort::Image, file, caption: caption.map(str::to_owned) }
}

#[test]
fn a_text_goes_to_the_account_with_our_reference_in_the_callback() {
    let request = account().render(&outgoing(MOBILE, text("hi"))).unwrap();
    assert_eq!(
        request.url,
        "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json"
    );
    assert_eq!(
        form_of(&request),
        [
            ("To", MOBILE),
            ("From", "+15550199"),
            ("Body", "hi"),
            ("StatusCallback", "https://desk.example/webhooks/twilio/1?reference=attempt-7")
        ]
    );
    assert!(!request.repeatable);
    let basic = &request.headers[AUTHORIZATION];
    assert!(basic.is_sensitive());
    assert_eq!(basic, "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTphLXRva2Vu");
    assert!(!format!("{:?}", account()).contains("a-token"));
}

#[test]
fn a_service_a_callback_with_a_query_and_a_validity() {
    let mut account = account();
    account.from = "MG00000000000000000000000000000001".to_owned();
    account.status_callback = Some("https://desk.example/t?x=1".to_owned());
    account.validity_period = Some(99_999);
    account.api_base = "http://127.0.0.1:7/".to_owned();
    let request = account.render(&outgoing(MOBILE, text("hi"))).unwrap();
    assert!(request.url.starts_with("http://127.0.0.1:7/2010-04-01/"));
    let form = form_of(&request);
    assert_eq!(form[1], ("MessagingServiceSid", "MG00000000000000000000000000000001"));
    assert_eq!(form[3], ("StatusCallback", "https://desk.example/t?x=1&reference=attempt-7"));
    assert_eq!(form[4], ("ValidityPeriod", "36000"));
}

#[test]
fn on_whatsapp_both_ends_have_the_channel_before_them() {
    let request = account().render(&outgoing("whatsapp:US.9x8", text("hi"))).unwrap();
    assert_eq!(form_of(&request)[..2], [("To", "whatsapp:US.9x8"), ("From", "whatsapp:+15550199")]);
    let place = Say::Location { latitude: 53.5, longitude: 8.25, name: Some("Slip|way".to_owned()), address: None };
    let request = account().render(&outgoing("whatsapp:+15550142", place.clone())).unwrap();
    assert_eq!(form_of(&request)[3], ("PersistentAction", "geo:53.5,8.25|Slip/way"));
    assert!(matches!(refused(place), CannotSay::NoSuchThing(_)));
}

#[test]
fn a_file_goes_by_its_link() {
    let request =
        account().render(&outgoing(MOBILE, file("image/png", 5, Some("https://f.example/a"), Some("mast")))).unwrap();
    assert_eq!(form_of(&request)[2..4], [("Body", "mast"), ("MediaUrl", "https://f.example/a")]);
    assert!(matches!(refused(file("image/png", 5, None, None)), CannotSay::NoSuchThing(_)));
    let link = Some("https://f.example/a");
    assert_eq!(
        refused(file("image/png", (5 << 20) + 1, link, None)),
        CannotSay::TooLarge { limit: 5 << 20, is: (5 << 20) + 1 }
    );
    assert!(matches!(refused(file("application/zip", 5, link, None)), CannotSay::FileType { .. }));
    assert!(account().render(&outgoing(MOBILE, file("text/vcard; charset=utf-8", 5, link, None))).is_ok());
}

#[test]
fn what_cannot_be_said_is_told_before() {
    assert!(account().render(&outgoing(MOBILE, text(&"x".repeat(1600)))).is_ok());
    assert_eq!(refused(text(&"x".repeat(1601))), CannotSay::TooLong { limit: 1600, is: 1601 });
    assert_eq!(refused(text("")), CannotSay::Empty);
    let message = ProviderId("SM1".to_owned());
    for say in [
        Say::Typing { message: None },
        Say::Read { message: message.clone() },
        Say::Delete { message: message.clone() },
        Say::React { message, emoji: None },
        Say::Choices { text: "?".to_owned(), choices: Vec::new() },
    ] {
        assert!(matches!(refused(say), CannotSay::NoSuchThing(_)));
    }
    assert_eq!(account().render(&outgoing("", text("x"))).unwrap_err(), CannotSay::Address(String::new()));
}

#[test]
fn a_template_goes_by_its_content_sid() {
    let say = |name: &str| Say::Template {
        name: name.to_owned(),
        language: "en".to_owned(),
        header: None,
        body: vec!["Ada".to_owned(), "berth \"4\"".to_owned()],
        names: Vec::new(),
        buttons: Vec::new(),
    };
    let request = account().render(&outgoing("whatsapp:+15550142", say("HX1"))).unwrap();
    assert_eq!(
        form_of(&request)[2..4],
        [("ContentSid", "HX1"), ("ContentVariables", r#"{"1":"Ada","2":"berth \"4\""}"#)]
    );
    assert!(matches!(refused(say("greeting")), CannotSay::NoSuchThing(_)));
}

fn understood(name: &'static str, status: u16, body: &str) -> Outcome {
    account().understand(name, answer(status, &HeaderMap::new(), body))
}

#[test]
fn a_message_that_was_taken_has_its_sid() {
    let body = json!({"sid": "SM7", "status": "queued", "error_code": null}).to_string();
    assert_eq!(understood("messages.send", 201, &body), Outcome::Done { id: Some(ProviderId("SM7".to_owned())) });
    let body = json!({"sid": "SM7", "status": "failed", "error_code": 30007, "error_message": "filtered"}).to_string();
    let Outcome::Failed { failure, .. } = understood("messages.send", 201, &body) else { panic!() };
    assert_eq!((failure.code.as_str(), failure.why), ("30007", Why::Filtered));
    assert!(matches!(understood("messages.send", 201, "{}"), Outcome::Unclear { .. }));
    assert!(matches!(understood("messages.send", 200, "<html>"), Outcome::Unclear { .. }));
}

#[test]
fn refusals_by_their_code() {
    for (status, code, why) in [
        (400, 21211, Why::NoSuchRecipient),
        (400, 21610, Why::Refused),
        (400, 21614, Why::NoSuchRecipient),
        (400, 21408, Why::Account),
        (400, 21617, Why::NotAccepted),
        (401, 20003, Why::Account),
        (429, 20429, Why::TooMany),
        (400, 99_999, Why::Unknown),
        (403, 99_999, Why::Account),
    ] {
        let body = json!({"code": code, "message": "words", "more_info": "…", "status": status}).to_string();
        let Outcome::Failed { failure, after } = understood("messages.send", status, &body) else { panic!("{code}") };
        assert_eq!((failure.why, failure.code, after), (why, code.to_string(), None), "{code}");
    }
    for (code, why) in [
        ("30001", Why::TooMany),
        ("30002", Why::Account),
        ("30003", Why::NoSuchRecipient),
        ("30004", Why::Refused),
        ("30005", Why::NoSuchRecipient),
        ("30006", Why::NoSuchRecipient),
        ("30007", Why::Filtered),
        ("30008", Why::Unknown),
        ("63016", Why::WindowClosed),
        ("63018", Why::TooMany),
        ("63024", Why::NoSuchRecipient),
        ("huh", Why::Unknown),
    ] {
        assert_eq!(errors::why(code), why, "{code}");
    }
}

#[test]
fn a_flood_says_how_long_and_a_lost_server_is_unclear() {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, "7".parse().unwrap());
    let body = r#"{"code":20429,"message":"Too Many Requests","status":429}"#;
    let outcome = account().understand("messages.send", answer(429, &headers, body));
    let Outcome::Failed { after, .. } = outcome else { panic!() };
    assert_eq!(after, Some(Duration::from_secs(7)));
    assert!(matches!(understood("messages.send", 503, "{\"code\":20503}"), Outcome::Unclear { .. }));
    let Outcome::Failed { failure, .. } = understood("messages.list", 503, "") else { panic!() };
    assert_eq!(failure.why, Why::ProviderDown);
}

#[test]
fn credentials_go_to_the_accounts_own_host_alone() {
    let account = account();
    assert_eq!(account.media("https://api.twilio.com/x"), None);
    let own = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1";
    assert!(account.download_headers(own).contains_key(AUTHORIZATION));
    assert!(account.download_headers("https://api.twilio.com:443/x").contains_key(AUTHORIZATION));
    for other in [
        "http://api.twilio.com/x",
        "https://api.twilio.com:8443/x",
        "https://api.twilio.com.evil.example/x",
        "https://api.twilio.com@evil.example/x",
        "https://evil.example/api.twilio.com",
        "https://mcs.us1.twilio.com/x",
        "file:///etc/passwd",
        "cat.jpg",
        "",
    ] {
        assert!(account.download_headers(other).is_empty(), "{other}");
    }
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 29, 12, 0, 0).unwrap()
}

fn listed(sid: &str, seconds: i64, body: &str) -> Value {
    json!({
        "sid": sid, "to": MOBILE, "from": "+15550199", "body": body, "direction": "outbound-api", "num_media": "0",
        "status": "sent", "date_created": (noon() + TimeDelta::seconds(seconds)).to_rfc2822(),
    })
}

fn look(outgoing: &Outgoing, status: u16, body: &Value) -> Look {
    let between = (noon(), noon() + TimeDelta::seconds(30));
    account().looked(outgoing, between, answer(status, &HeaderMap::new(), &body.to_string()))
}

#[test]
fn the_list_is_asked_for_this_number_and_day() {
    let hi = outgoing(MOBILE, text("hi"));
    let request = account().look_for(&hi).unwrap();
    assert_eq!((request.name, request.repeatable, request.method.as_str()), ("messages.list", true, "GET"));
    assert!(request.url.ends_with("/Messages.json?To=%2B15550142&From=%2B15550199&PageSize=200"), "{}", request.url);
    let since = account().look_for_since(&hi, noon().date_naive());
    assert!(since.url.contains("DateSent%3E=2026-11-29"), "{}", since.url);
}

#[test]
fn an_attempt_is_found_missing_or_unclear() {
    let hi = outgoing(MOBILE, text("hi"));
    let list = |messages: Vec<Value>| json!({"messages": messages, "next_page_uri": null});
    let sent = |sid: &str| Look::Sent { id: ProviderId(sid.to_owned()) };
    let unclear = |look: Look| matches!(look, Look::Unclear { .. });

    assert_eq!(look(&hi, 200, &list(vec![listed("SM2", 5, "hi"), listed("SM1", 4, "other")])), sent("SM2"));
    assert_eq!(look(&hi, 200, &list(vec![])), Look::NotThere);
    // Of another hour, another text, another direction.
    let mut theirs = listed("SM3", 5, "hi");
    theirs["direction"] = json!("inbound");
    assert_eq!(look(&hi, 200, &list(vec![listed("SM1", -3600, "hi"), listed("SM2", 3, "ho"), theirs])), Look::NotThere);
    // Twice the same.
    assert!(unclear(look(&hi, 200, &list(vec![listed("SM2", 5, "hi"), listed("SM1", 4, "hi")]))));
    // What Twilio itself makes of a text.
    assert_eq!(look(&hi, 200, &list(vec![listed("SM2", 5, "Sent from your Twilio trial account - hi")])), sent("SM2"));
    let quoted = outgoing(MOBILE, text("it’s “on”"));
    assert_eq!(look(&quoted, 200, &list(vec![listed("SM2", 5, "it's \"on\"")])), sent("SM2"));
    // A text that is not shown may be this one.
    assert!(unclear(look(&hi, 200, &list(vec![listed("SM2", 5, "")]))));
    // The page ends before the time of the attempt.
    let mut page = list(vec![listed("SM1", 900, "other")]);
    page["next_page_uri"] = json!("/2010-04-01/…");
    assert!(unclear(look(&hi, 200, &page)));
    page["messages"] = json!([listed("SM1", 900, "other"), listed("SM0", -900, "other")]);
    assert_eq!(look(&hi, 200, &page), Look::NotThere);
    // An answer that is none.
    assert!(unclear(look(&hi, 500, &list(vec![]))));
    assert!(unclear(look(&hi, 200, &json!({}))));
    assert!(unclear(look(&hi, 200, &list(vec![json!({"to": MOBILE})]))));
}

#[test]
fn known_cuts() {
    let gsm = |text: &str| {
        let counted = count(text);
        assert_eq!(counted.encoding, Encoding::Gsm7, "{text}");
        (counted.units, counted.segments, counted.left)
    };
    let ucs = |text: &str| {
        let counted = count(text);
        assert_eq!(counted.encoding, Encoding::Ucs2, "{text}");
        (counted.units, counted.segments, counted.left)
    };
    assert_eq!(gsm(""), (0, 0, 160));
    assert_eq!(gsm("a"), (1, 1, 159));
    assert_eq!(gsm(&"a".repeat(160)), (160, 1, 0));
    assert_eq!(gsm(&"a".repeat(161)), (161, 2, 145));
    assert_eq!(gsm(&"a".repeat(306)), (306, 2, 0));
    assert_eq!(gsm(&"a".repeat(307)), (307, 3, 152));
    assert_eq!(gsm("€"), (2, 1, 158));
    assert_eq!(gsm(&"€".repeat(80)), (160, 1, 0));
    // 76 pairs to a segment: the 153rd place stays empty.
    assert_eq!(gsm(&"€".repeat(81)), (162, 2, 143));
    assert_eq!(gsm("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\n\r"), (44, 1, 116));
    assert_eq!(gsm("^{}\\[~]|€\u{c}"), (20, 1, 140));
    assert_eq!(ucs("ç"), (1, 1, 69));
    assert_eq!(ucs(&"я".repeat(70)), (70, 1, 0));
    assert_eq!(ucs(&"я".repeat(71)), (71, 2, 63));
    assert_eq!(ucs(&"я".repeat(134)), (134, 2, 0));
    assert_eq!(ucs(&"я".repeat(135)), (135, 3, 66));
    assert_eq!(ucs(&"😆".repeat(35)), (70, 1, 0));
    // 33 pairs to a segment: the 67th place stays empty.
    assert_eq!(ucs(&"😆".repeat(36)), (72, 2, 61));
    assert_eq!(ucs(&"😆".repeat(67)), (134, 3, 65));
    assert_eq!(count("naïve “quotes” and – naïve").forced_by, ['ï', '“', '”', '–']);
    // Accented capitals and the grave accent are not in the alphabet, though they look as if.
    for character in ['Á', 'ê', '`', '\t', '’', '\u{a0}'] {
        assert_eq!(count(&character.to_string()).forced_by, [character]);
    }
}

proptest! {
    #[test]
    fn segments_are_the_text_and_none_is_too_long(text in "[a-z€^ ]{0,500}|[a-zя😆€]{0,300}|.{0,300}") {
        let counted = count(&text);
        let parts = split(&text);
        prop_assert_eq!(parts.concat(), text.as_str());
        prop_assert_eq!(parts.len(), counted.segments);
        let units = |part: &str| match counted.encoding {
            Encoding::Ucs2 => part.encode_utf16().count(),
            Encoding::Gsm7 => part.chars().map(|c| if "^{}\\[~]|€\u{c}".contains(c) { 2 } else { 1 }).sum(),
        };
        prop_assert_eq!(parts.iter().map(|part| units(part)).sum::<usize>(), counted.units);
        let room = if parts.len() > 1 { counted.encoding.of_several() } else { counted.encoding.alone() };
        prop_assert!(parts.iter().all(|part| units(part) <= room && !part.is_empty()));
        // No segment is begun while the one before has room for its first letter.
        for pair in parts.windows(2) {
            let first = pair[1].chars().next().unwrap().to_string();
            prop_assert!(units(pair[0]) + units(&first) > room);
        }
        prop_assert_eq!(counted.left, room - parts.last().map_or(0, |part| units(part)));
        prop_assert_eq!(counted.encoding == Encoding::Gsm7, counted.forced_by.is_empty());
    }

    #[test]
    fn no_answer_does_harm(status in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let headers = HeaderMap::new();
        let answer = trunkline_channels::adapter::Answer { status, headers: &headers, body: &body };
        for name in ["messages.send", "messages.list"] {
            let _ = account().understand(name, answer);
        }
        let _ = account().looked(&outgoing(MOBILE, text("hi")), (noon(), noon()), answer);
    }
}

#[test]
fn settings_are_read_as_they_are_stored() {
    let account: Account = serde_json::from_value(
        json!({"account_sid": "AC1", "auth_token": "t", "from": "+1", "api_base": "http://127.0.0.1:9"}),
    )
    .unwrap();
    assert_eq!(account.check().url, "http://127.0.0.1:9/2010-04-01/Accounts/AC1.json");
}
