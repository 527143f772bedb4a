//! The session in virtual time.

mod convergence;
mod harness;
mod hearing;
mod robustness;

use std::time::Duration;

use harness::{Harness, bridge, channel, event, names};
use serde_json::json;

use super::{Input, Role};
use crate::update::{Failure, Gap, Snapshot, Update};

fn lost() -> Failure {
    Failure::Lost { reason: "cut".to_owned() }
}

#[test]
fn the_first_connection_tells_a_snapshot_and_no_differences() {
    let mut session = Harness::dialing();
    session.input(Input::Connected);
    session.answer(Snapshot { channels: vec![channel("a", "Up")], ..Snapshot::default() });
    assert_eq!(names(&session.told()), ["connecting", "syncing", "snapshot", "live"]);
}

#[test]
fn a_reconnect_tells_the_gap_then_the_snapshot_then_the_differences() {
    let mut session = Harness::dialing();
    session.input(Input::Connected);
    session.answer(Snapshot {
        channels: vec![channel("a", "Ring"), channel("b", "Up"), channel("c", "Up")],
        bridges: vec![bridge("m", &["b", "c"]), bridge("n", &[])],
        ..Snapshot::default()
    });
    session.pass(Duration::from_secs(2));
    session.frame(&event("ChannelStateChange", json!({"channel": {"id": "a", "state": "Up"}})));
    let last_heard = session.now().wall;
    session.told();

    session.pass(Duration::from_secs(1));
    session.input(Input::Disconnected(lost()));
    session.pass_until_connect();
    session.input(Input::Connected);
    let opened = session.now().wall;
    session.pass(Duration::from_millis(30));
    session.answer(Snapshot {
        channels: vec![channel("a", "Up"), channel("c", "Down"), channel("d", "Up")],
        bridges: vec![bridge("m", &["c", "d"]), bridge("o", &["d"])],
        ..Snapshot::default()
    });
    let told = session.told();
    assert_eq!(
        names(&told),
        [
            "backoff",
            "connecting",
            "syncing",
            "gap",
            "snapshot",
            "left m b",
            "bridge gone n",
            "channel gone b",
            "state c Up to Down",
            "channel new d",
            "entered m d",
            "bridge new o",
            "live"
        ]
    );
    let gaps: Vec<Gap> =
        told.iter().filter_map(|update| if let Update::Gap(gap) = update { Some(*gap) } else { None }).collect();
    assert_eq!(gaps, [Gap { from: last_heard, to: opened }]);
}

#[test]
fn what_came_while_syncing_is_told_once() {
    let mut session = Harness::dialing();
    session.input(Input::Connected);
    // Before the snapshot was read: created, ringing, up, in the bridge. After it: another state, out of the bridge.
    session.frame(&event("ChannelCreated", json!({"channel": {"id": "a", "state": "Ring"}})));
    session.frame(&event("StasisStart", json!({"channel": {"id": "a", "state": "Ring"}, "args": ["x"]})));
    session.frame(&event("ChannelStateChange", json!({"channel": {"id": "a", "state": "Up"}})));
    session.frame(&event(
        "ChannelEnteredBridge",
        json!({"bridge": {"id": "m", "channels": ["a"]}, "channel": {"id": "a", "state": "Up"}}),
    ));
    session.frame(&event("ChannelDtmfReceived", json!({"digit": "1", "channel": {"id": "a", "state": "Up"}})));
    session.frame(&event(
        "ChannelLeftBridge",
        json!({"bridge": {"id": "m", "channels": []}, "channel": {"id": "a", "state": "Up"}}),
    ));
    session.frame(&event("ChannelCreated", json!({"channel": {"id": "b", "state": "Down"}})));
    session.frame(&event("ChannelDestroyed", json!({"cause": 16, "channel": {"id": "b", "state": "Down"}})));
    assert_eq!(names(&session.told()), ["connecting", "syncing"], "events are held");
    session.answer(Snapshot {
        channels: vec![channel("a", "Up")],
        bridges: vec![bridge("m", &["a"])],
        ..Snapshot::default()
    });
    assert_eq!(
        names(&session.told()),
        [
            "snapshot",
            "event StasisStart a",
            "event ChannelDtmfReceived a",
            "event ChannelLeftBridge a",
            "event ChannelCreated b",
            "event ChannelDestroyed b",
            "live"
        ]
    );
    assert_eq!(session.counters().deduplicated, 3);
}

#[test]
fn an_ending_that_was_heard_is_not_told_a_second_time() {
    let mut session = Harness::dialing();
    session.input(Input::Connected);
    session.answer(Snapshot {
        channels: vec![channel("a", "Up"), channel("b", "Up")],
        bridges: vec![bridge("m", &["a", "b"])],
        ..Snapshot::default()
    });
    session.input(Input::Disconnected(lost()));
    session.pass_until_connect();
    session.input(Input::Connected);
    session
        .frame(&event("ChannelLeftBridge", json!({"bridge": {"id": "m", "channels": ["b"]}, "channel": {"id": "a"}})));
    session.frame(&event("ChannelDestroyed", json!({"cause": 17, "channel": {"id": "a"}})));
    session.told();
    session.answer(Snapshot {
        channels: vec![channel("b", "Up")],
        bridges: vec![bridge("m", &["b"])],
        ..Snapshot::default()
    });
    assert_eq!(names(&session.told()), ["gap", "snapshot", "left m a", "event ChannelDestroyed a", "live"]);
}

#[test]
fn an_application_that_was_replaced_is_not_fought_for() {
    let mut session = Harness::live();
    session.frame(&event("ApplicationReplaced", json!({"application": "other"})));
    assert_eq!(names(&session.told()), ["event ApplicationReplaced "]);
    session.frame(&event("ApplicationReplaced", json!({"application": "app"})));
    assert_eq!(names(&session.told()), ["event ApplicationReplaced ", "replaced app"]);
    assert_eq!(session.take_actions(), ["close"]);
    session.pass(Duration::from_hours(1));
    session.input(Input::Disconnected(lost()));
    assert_eq!(session.take_actions(), [""; 0], "it stays away");

    session.input(Input::TakeOver);
    assert_eq!(session.take_actions(), ["connect"]);
    session.input(Input::Connected);
    session.answer(Snapshot::default());
    assert_eq!(names(&session.told()), ["connecting", "syncing", "gap", "snapshot", "live"]);
}

#[test]
fn a_ping_goes_out_every_five_seconds_and_silence_is_death_after_fifteen() {
    let mut session = Harness::live();
    session.pass(Duration::from_millis(14_999));
    assert_eq!(
        session.take_actions(),
        ["test app", "ping", "ping"],
        "a test whose request is not answered is no reason to go"
    );
    session.input(Input::Traffic);
    session.pass(Duration::from_millis(14_999));
    assert_eq!(names(&session.told()), [""; 0]);
    session.take_actions();
    session.pass(Duration::from_millis(1));
    assert_eq!(session.take_actions()[0], "close");
    let told = session.told();
    assert!(
        matches!(&told[0], Update::State(crate::State::Backoff { failure: Failure::Silent { .. }, .. })),
        "{told:?}"
    );
    assert_eq!(session.counters().silences, 1);
}

#[test]
fn the_backoff_grows_with_full_jitter_and_never_gives_up() {
    let mut session = Harness::dialing();
    let mut longest = Duration::ZERO;
    for attempt in 0..200u32 {
        session.input(Input::ConnectFailed(Failure::Unauthorized));
        let delay = session.backoff_delay();
        let step = Duration::from_millis(200).saturating_mul(2u32.saturating_pow(attempt)).min(Duration::from_secs(10));
        assert!(delay <= step, "attempt {attempt}: {delay:?} of {step:?}");
        longest = longest.max(delay);
        session.pass_until_connect();
    }
    assert!(longest > Duration::from_secs(5), "{longest:?}");
    assert_eq!(session.counters().failures, 200);
}

#[test]
fn a_connection_that_lived_starts_the_backoff_anew() {
    let mut session = Harness::dialing();
    for _ in 0..20 {
        session.input(Input::ConnectFailed(Failure::Unauthorized));
        session.pass_until_connect();
    }
    session.input(Input::Connected);
    session.answer(Snapshot::default());
    session.pass(Duration::from_secs(5));
    session.told();
    session.input(Input::Disconnected(lost()));
    assert!(session.backoff_delay() <= Duration::from_millis(200));
}

#[test]
fn a_connection_that_dies_at_once_does_not() {
    let mut session = Harness::dialing();
    let mut longest = Duration::ZERO;
    for _ in 0..50 {
        session.input(Input::Connected);
        session.answer(Snapshot::default());
        session.input(Input::Disconnected(lost()));
        longest = longest.max(session.backoff_delay());
        session.pass_until_connect();
    }
    assert!(longest > Duration::from_secs(5), "{longest:?}");
}

#[test]
fn malformed_frames_are_counted_and_skipped() {
    let mut session = Harness::live();
    for frame in ["", "no JSON", "{\"type\":", "[]", "{}", "{\"type\":7}", "{\"type\":\"StasisStart\""] {
        session.frame(frame);
    }
    assert_eq!(names(&session.told()), [""; 0]);
    assert_eq!(session.counters().malformed, 7);
    session.frame("{\"type\":\"NewInAsterisk99\",\"x\":[1]}");
    session.frame("{\"type\":\"ChannelDestroyed\",\"channel\":7}");
    assert_eq!(names(&session.told()), ["event NewInAsterisk99 ", "event ChannelDestroyed "]);
    assert_eq!(session.counters().unknown, 2);
}

#[test]
fn dropped_frames_are_a_gap_and_a_resynchronisation() {
    let mut session = Harness::live();
    let from = session.now().wall;
    session.pass(Duration::from_secs(1));
    let gap = Gap { from, to: session.now().wall };
    session.input(Input::Overflow { dropped: 12, gap });
    session.frame(&event("ChannelCreated", json!({"channel": {"id": "z", "state": "Up"}})));
    session.answer(Snapshot { channels: vec![channel("y", "Up")], ..Snapshot::default() });
    assert_eq!(
        names(&session.told()),
        ["syncing", "gap", "snapshot", "channel new y", "event ChannelCreated z", "live"]
    );
    assert_eq!((session.counters().dropped, session.counters().overflows), (12, 1));
}

#[test]
fn too_many_held_events_are_a_gap_too() {
    let mut session = Harness::with(Role::Dialing, |limits| limits.held_events = 3);
    session.input(Input::Connected);
    let opened = session.now().wall;
    session.pass(Duration::from_secs(1));
    for _ in 0..4 {
        session.frame(&event("ChannelDtmfReceived", json!({"digit": "1"})));
    }
    let overflowed = session.now().wall;
    session.frame(&event("ChannelDtmfReceived", json!({"digit": "2"})));
    session.answer_generation(1, Snapshot::default());
    assert_eq!(names(&session.told()), ["connecting", "syncing"], "the first snapshot is too old");
    session.answer(Snapshot::default());
    let told = session.told();
    assert_eq!(names(&told), ["gap", "snapshot", "event ChannelDtmfReceived ", "live"]);
    assert!(matches!(told[0], Update::Gap(gap) if gap == Gap { from: opened, to: overflowed }));
    assert_eq!(session.counters().dropped, 4);
}

#[test]
fn a_snapshot_that_cannot_be_fetched_is_tried_again_over_the_same_socket() {
    let mut session = Harness::live();
    session.input(Input::Disconnected(lost()));
    session.pass_until_connect();
    session.input(Input::Connected);
    session.take_actions();
    session.frame(&event("ChannelDtmfReceived", json!({"digit": "1"})));
    session.told();
    for _ in 0..5 {
        session.fail_snapshot();
        assert_eq!(session.take_actions(), [""; 0]);
        // An answer that comes twice changes nothing.
        session.fail_snapshot();
        session.pass_traffic(Duration::from_secs(10));
        assert!(session.take_actions().iter().any(|action| action == "fetch"));
    }
    session.answer(Snapshot::default());
    assert_eq!(names(&session.told()), ["gap", "snapshot", "event ChannelDtmfReceived ", "live"]);
}

#[test]
fn a_synchronisation_that_is_cut_off_is_covered_by_the_next_gap() {
    let mut session = Harness::dialing();
    session.input(Input::Connected);
    let first_opened = session.now().wall;
    session.pass(Duration::from_secs(1));
    session.frame(&event("ChannelDtmfReceived", json!({"digit": "1"})));
    session.input(Input::Disconnected(lost()));
    session.pass_until_connect();
    session.input(Input::Connected);
    let opened = session.now().wall;
    session.told();
    session.answer(Snapshot::default());
    let told = session.told();
    assert_eq!(names(&told), ["gap", "snapshot", "live"]);
    assert!(matches!(told[0], Update::Gap(gap) if gap == Gap { from: first_opened, to: opened }));
}

#[test]
fn a_listening_session_waits_for_asterisk() {
    let mut session = Harness::with(Role::Listening, |_| {});
    session.input(Input::Connected);
    session.answer(Snapshot::default());
    session.input(Input::Disconnected(lost()));
    session.pass(Duration::from_hours(1));
    session.input(Input::Connected);
    session.answer(Snapshot::default());
    assert_eq!(
        names(&session.told()),
        ["connecting", "syncing", "snapshot", "live", "backoff", "connecting", "syncing", "gap", "snapshot", "live"]
    );
    session.frame(&event("ApplicationReplaced", json!({"application": "app"})));
    session.input(Input::Connected);
    assert_eq!(names(&session.told()), ["event ApplicationReplaced ", "replaced app", "syncing"]);
}

#[test]
fn a_channel_that_left_the_application_is_forgotten_unless_all_is_subscribed() {
    for (subscribe_all, expected) in
        [(false, vec!["gap", "snapshot", "live"]), (true, vec!["gap", "snapshot", "channel gone a", "live"])]
    {
        let mut session = Harness::live();
        session.set_subscribe_all(subscribe_all);
        session.frame(&event("StasisStart", json!({"channel": {"id": "a", "state": "Up"}})));
        session.frame(&event("StasisEnd", json!({"channel": {"id": "a", "state": "Up"}})));
        session.input(Input::Disconnected(lost()));
        session.pass_until_connect();
        session.input(Input::Connected);
        session.told();
        session.answer(Snapshot::default());
        assert_eq!(names(&session.told()), expected);
    }
}
