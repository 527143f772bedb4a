//! Events as Asterisk 22 sends them: our own samples, and a folder of captures where there is one.

use std::fs;
use std::path::{Path, PathBuf};

use trunkline_ari::{Event, Parsed, parse};

fn samples() -> Vec<(String, String)> {
    include_str!("samples/events.jsonl").lines().map(|line| ("sample".to_owned(), line.to_owned())).collect()
}

/// Captures, where `TRUNKLINE_FIXTURES` or `../shared/fixtures` beside the workspace has them.
fn captures() -> Vec<(String, String)> {
    let folder = std::env::var_os("TRUNKLINE_FIXTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"), PathBuf::from)
        .join("asterisk-events");
    let mut found = Vec::new();
    let mut open = vec![folder];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let name = path.display().to_string();
            let is_response = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("_resp"));
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path.is_dir() => open.push(path),
                Some("json") if !is_response => found.push((name, fs::read_to_string(&path).unwrap())),
                Some("jsonl") => {
                    found
                        .extend(fs::read_to_string(&path).unwrap().lines().map(|line| (name.clone(), line.to_owned())));
                }
                _ => {}
            }
        }
    }
    if found.is_empty() {
        println!("skipped: no captures (TRUNKLINE_FIXTURES)");
    }
    found
}

#[test]
fn every_real_event_is_typed_and_none_of_its_values_is_lost() {
    for (name, text) in samples().into_iter().chain(captures()) {
        let event = match parse(&text).unwrap() {
            Parsed::Known(event) => *event,
            Parsed::Response => Event::from_json(&text).unwrap(),
            Parsed::Unknown(event) => panic!("{name}: {event:?}"),
        };
        assert!(event.timestamp().is_some(), "{name}: no time");
        assert!(event.application().is_some_and(|application| !application.is_empty()), "{name}");
        let sent: serde_json::Value = serde_json::from_str(&text).unwrap();
        let kept: serde_json::Value = serde_json::from_str(event.to_json().unwrap().get()).unwrap();
        assert_kept(&name, "", &sent, &kept);
    }
}

/// Everything that was sent is in what is kept; times may be written another way.
fn assert_kept(name: &str, place: &str, sent: &serde_json::Value, kept: &serde_json::Value) {
    use serde_json::Value;
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            // What begins with an underscore is a note of whoever captured it.
            for (key, value) in sent.iter().filter(|(key, _)| !key.starts_with('_')) {
                let place = format!("{place}.{key}");
                let kept = kept.get(key).unwrap_or_else(|| panic!("{name}: {place} is lost"));
                assert_kept(name, &place, value, kept);
            }
        }
        (Value::Array(sent), Value::Array(kept)) => {
            assert_eq!(sent.len(), kept.len(), "{name}: {place}");
            for (sent, kept) in sent.iter().zip(kept) {
                assert_kept(name, place, sent, kept);
            }
        }
        (Value::String(sent), Value::String(kept)) if place.ends_with("time") || place.ends_with("timestamp") => {
            assert_eq!(trunkline_ari::parse_timestamp(sent), trunkline_ari::parse_timestamp(kept), "{name}: {place}");
        }
        _ => assert_eq!(sent, kept, "{name}: {place}"),
    }
}

#[test]
fn left_out_and_null_fields_do_not_break_an_event() {
    for text in [
        r#"{"type":"StasisStart"}"#,
        r#"{"type":"StasisStart","args":null,"channel":null,"timestamp":null,"application":null}"#,
        r#"{"application":"a","channel":{"state":"A new word","caller":{"name":null}},"type":"StasisStart","timestamp":"once"}"#,
    ] {
        let Parsed::Known(event) = parse(text).unwrap() else { panic!("not typed: {text}") };
        assert!(matches!(*event, Event::StasisStart(_)));
    }
    let Event::StasisStart(start) =
        Event::from_json(r#"{"type":"StasisStart","channel":{"state":"A new word"}}"#).unwrap()
    else {
        panic!("not typed");
    };
    assert_eq!(start.channel.state.as_str(), "A new word");
}
