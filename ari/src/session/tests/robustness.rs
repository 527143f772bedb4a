//! Nothing that comes from outside makes a session panic, and what it tells is always in a legal order.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::harness::{Harness, event, names};
use crate::session::{Input, SelfTest};
use crate::update::{Failure, Gap, Snapshot};

#[derive(Debug, Clone)]
enum Step {
    Connected,
    ConnectFailed,
    Disconnected,
    Frame(String),
    Traffic,
    Answer(u64),
    FailedAnswer,
    Overflow,
    TakeOver,
    SelfTest(SelfTest),
    Heard(&'static str),
    Pass(u64),
}

fn frame() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(event("ChannelCreated", json!({"channel": {"id": "a", "state": "Up"}}))),
        Just(event("ChannelDestroyed", json!({"channel": {"id": "a", "state": "Up"}}))),
        Just(event("ApplicationReplaced", json!({"application": "app"}))),
        Just(event("BridgeCreated", json!({"bridge": {"id": "m"}}))),
        "\\PC{0,30}",
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Connected),
        Just(Step::ConnectFailed),
        Just(Step::Disconnected),
        frame().prop_map(Step::Frame),
        Just(Step::Traffic),
        (0u64..4).prop_map(Step::Answer),
        Just(Step::FailedAnswer),
        Just(Step::Overflow),
        Just(Step::TakeOver),
        prop::sample::select(vec![SelfTest::Sent, SelfTest::NoApplication, SelfTest::Failed]).prop_map(Step::SelfTest),
        prop::sample::select(vec!["app", "another"]).prop_map(Step::Heard),
        (0u64..20_000).prop_map(Step::Pass),
    ]
}

proptest! {
    #[test]
    fn what_is_told_is_always_in_order(steps in prop::collection::vec(step(), 1..200)) {
        let mut session = Harness::dialing();
        let mut told = Vec::new();
        for step in steps {
            let failure = Failure::Lost { reason: String::new() };
            match step {
                Step::Connected => session.input(Input::Connected),
                Step::ConnectFailed => session.input(Input::ConnectFailed(failure)),
                Step::Disconnected => session.input(Input::Disconnected(failure)),
                Step::Frame(text) => session.frame(&text),
                Step::Traffic => session.input(Input::Traffic),
                Step::Answer(generation) => session.answer_generation(generation, Snapshot::default()),
                Step::FailedAnswer => session.fail_snapshot(),
                Step::Overflow => {
                    let now = session.now().wall;
                    session.input(Input::Overflow { dropped: 1, gap: Gap { from: now, to: now } });
                }
                Step::TakeOver => session.input(Input::TakeOver),
                Step::SelfTest(outcome) => session.input(Input::SelfTest { application: "app".to_owned(), outcome }),
                Step::Heard(application) => session.input(Input::Heard { application }),
                Step::Pass(millis) => session.pass(Duration::from_millis(millis)),
            }
            told.extend(names(&session.told()));
        }
        let mut before = "";
        let mut state = "connecting";
        for name in &told {
            match name.as_str() {
                "syncing" => prop_assert!(matches!(state, "connecting" | "live"), "{told:?}"),
                "live" => prop_assert_eq!(state, "syncing"),
                "gap" => prop_assert_eq!(before, "syncing"),
                "snapshot" => prop_assert!(matches!(before, "syncing" | "gap"), "{told:?}"),
                "connecting" => prop_assert!(matches!(before, "" | "backoff") || before.starts_with("replaced"), "{told:?}"),
                name if name.starts_with("event") && state == "syncing" => {
                    prop_assert!(before != "syncing" && before != "gap" || name.contains("Replaced"), "{told:?}");
                }
                _ => {}
            }
            if matches!(name.as_str(), "connecting" | "syncing" | "live" | "backoff") || name.starts_with("replaced") {
                state = name;
            }
            before = name;
        }
    }

    #[test]
    fn mutated_events_are_read_or_refused(
        kind in prop::sample::select(crate::Event::KINDS),
        key in prop::sample::select(vec!["channel", "bridge", "args", "timestamp", "cause", "playback", "application", "peer"]),
        value in json_value(),
        cut in 0usize..400,
    ) {
        let mut payload = json!({"channel": {"id": "a", "state": "Up"}, "timestamp": "2026-11-20T15:15:59.322+0000"});
        payload[key] = value;
        let text = event(kind, payload);
        let mut session = Harness::live();
        session.frame(&text);
        let end = (0..=cut.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        session.frame(&text[..end]);
        let counters = session.counters();
        prop_assert!(matches!(counters.frames, 1 | 2));
        if let Ok(crate::Parsed::Known(parsed)) = crate::parse(&text) {
            let back = parsed.to_json().unwrap();
            let again = crate::Event::from_json(back.get()).unwrap();
            prop_assert_eq!(again.kind(), parsed.kind());
            let again = again.to_json().unwrap();
            prop_assert_eq!(again.get(), back.get());
        }
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
