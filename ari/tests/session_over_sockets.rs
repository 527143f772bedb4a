//! The whole client against an Asterisk in miniature.

mod common;

use std::io::BufReader;
use std::time::Duration;

use common::{Mock, PASSWORD, empty, live, name, names, next, until_live};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use trunkline_ari::replay::Replay;
use trunkline_ari::values::HangupReason;
use trunkline_ari::{Error, Event, Failure, Key, State, Update, channels};

#[tokio::test]
async fn credentials_travel_in_a_header_only() {
    let mock = Mock::start().await;
    let (_client, _updates, line) = live(&mock, mock.config()).await;
    assert_eq!(line.uri, "/ari/events?app=app&subscribeAll=true");
    assert_eq!(line.authorization, "Basic Z2F0ZXdheTpzM2NyZXQtd29yZA==");
    assert_eq!(line.protocol, "ari");
}

#[tokio::test]
async fn a_wrong_password_is_said_and_tried_again() {
    let mock = Mock::start().await;
    let (_client, mut updates) = trunkline_ari::connect(mock.config()).unwrap();
    for _ in 0..2 {
        mock.refuse(401).await;
        let failure = loop {
            if let Update::State(State::Backoff { failure, .. }) = next(&mut updates).await {
                break failure;
            }
        };
        assert_eq!(failure, Failure::Unauthorized);
        assert_eq!(failure.to_string(), "Asterisk refused the user name or password");
    }
    let _line = mock.accept_empty().await;
    until_live(&mut updates).await;
}

#[tokio::test]
async fn an_absent_asterisk_is_said_and_tried_again() {
    let mock = Mock::start().await;
    let config = mock.config();
    drop(mock);
    let (client, mut updates) = trunkline_ari::connect(config).unwrap();
    for _ in 0..3 {
        assert_eq!(name(&next(&mut updates).await), "connecting");
        let Update::State(State::Backoff { failure: Failure::Unreachable { reason }, .. }) = next(&mut updates).await
        else {
            panic!("no backoff");
        };
        assert!(reason.contains("refused"), "{reason}");
    }
    assert!(matches!(client.asterisk().ping().await, Err(Error::Disconnected { .. })));
}

#[tokio::test]
async fn a_lost_connection_is_a_gap_and_differences() {
    let mock = Mock::start().await;
    let (_client, mut updates, line) = live(&mock, mock.config()).await;
    line.send_event("ChannelCreated", json!({"channel": {"id": "a", "state": "Up"}})).await;
    assert_eq!(name(&next(&mut updates).await), "event ChannelCreated");
    line.cut();
    let line = mock
        .accept(|method, uri| match uri {
            "channels" => (200, json!([{"id": "b", "state": "Up"}])),
            _ => empty(method, uri),
        })
        .await;
    assert_eq!(
        names(&until_live(&mut updates).await),
        ["backoff", "connecting", "syncing", "gap", "snapshot", "resynced", "resynced", "live"]
    );
    drop(line);
}

#[tokio::test]
async fn malformed_json_never_ends_the_connection() {
    let mock = Mock::start().await;
    let (client, mut updates, line) = live(&mock, mock.config()).await;
    line.send("{\"type\":\"StasisStart\",").await;
    line.send("\u{0}\u{1}garbage").await;
    line.send_message(Message::binary(vec![0xff, 0x00])).await;
    line.send("{\"type\":\"RESTResponse\",\"request_id\":[]}").await;
    line.send_event("FromTheFuture", json!({"x": {"y": 1}})).await;
    let Update::Event(event) = next(&mut updates).await else { panic!("no event") };
    let Event::Unknown(unknown) = *event else { panic!("a known event") };
    assert_eq!(unknown.kind, "FromTheFuture");
    assert!(unknown.raw.get().contains("\"y\":1"));
    assert_eq!((client.counters().malformed, client.counters().unknown), (2, 1));
    assert_eq!(client.state(), Some(State::Live));
}

#[tokio::test]
async fn an_owner_who_is_too_slow_gets_a_gap_and_loses_nothing_silently() {
    const EVENTS: u64 = 2000;
    let mock = Mock::start().await;
    let mut config = mock.config();
    config.limits.frame_queue = 16;
    config.limits.update_queue = 4;
    let (client, mut updates, line) = live(&mock, config).await;
    for number in 0..EVENTS {
        line.send_event("ChannelDtmfReceived", json!({"digit": number.to_string(), "channel": {"id": "a"}})).await;
    }
    // A request's answer comes after all of them: the reader has seen every one, while nobody took any.
    client.asterisk().ping().await.unwrap();
    assert!(client.asterisk().ping().await.is_ok(), "answers are not behind the events");

    let mut delivered = 0;
    let mut next_digit = 0;
    let mut in_gap = false;
    loop {
        for update in until_live(&mut updates).await {
            match update {
                Update::Gap(_) => in_gap = true,
                Update::Event(event) => {
                    let Event::ChannelDtmfReceived(event) = *event else { panic!("another event") };
                    let digit: u64 = event.digit.parse().unwrap();
                    assert!(digit == next_digit || (in_gap && digit > next_digit), "{digit} instead of {next_digit}");
                    (next_digit, in_gap) = (digit + 1, false);
                    delivered += 1;
                }
                _ => {}
            }
        }
        // Until every event was delivered or counted as dropped.
        let counters = client.counters();
        assert!(counters.overflows > 0 && delivered + counters.dropped <= EVENTS);
        if delivered + counters.dropped == EVENTS {
            break;
        }
    }
}

#[tokio::test]
async fn a_ping_goes_out_and_never_a_pong_that_was_not_asked_for() {
    let mock = Mock::start().await;
    let mut config = mock.config();
    config.limits.ping_interval = Duration::from_millis(20);
    let (_client, _updates, mut line) = live(&mock, config).await;
    for _ in 0..5 {
        assert!(matches!(line.frame().await, Message::Ping(_)));
    }
    assert!(!line.frames_so_far().iter().any(Message::is_pong));
    line.send_message(Message::Ping("are you there".into())).await;
    let pong = loop {
        if let Message::Pong(payload) = line.frame().await {
            break payload;
        }
    };
    assert_eq!(pong, "are you there", "a PING is answered, once");
    assert!(!line.frames_so_far().iter().any(Message::is_pong));
}

#[tokio::test]
async fn silence_is_death() {
    let mock = Mock::start().await;
    let mut config = mock.config();
    config.limits.dead_after = Duration::from_millis(300);
    config.limits.ping_interval = Duration::from_hours(1);
    let (client, mut updates, _line) = live(&mock, config).await;
    let Update::State(State::Backoff { failure, .. }) = next(&mut updates).await else { panic!("no backoff") };
    assert!(matches!(failure, Failure::Silent { .. }));
    assert_eq!(client.counters().silences, 1);
    let _line = mock.accept_empty().await;
    until_live(&mut updates).await;
}

#[tokio::test]
async fn a_socket_on_which_events_stopped_coming_is_replaced() {
    let mock = Mock::start().await;
    let mut config = mock.config();
    config.limits.self_test_interval = Duration::from_millis(20);
    config.limits.self_test_patience = Duration::from_millis(200);
    let (client, mut updates, line) = live(&mock, config).await;
    line.go_deaf();
    assert!(client.asterisk().ping().await.is_ok(), "everything else is as it should be");
    let Update::State(State::Backoff { failure, .. }) = next(&mut updates).await else { panic!("no backoff") };
    assert_eq!((failure, client.counters().deaf), (Failure::Deaf, 1));
    let _line = mock.accept_empty().await;
    assert_eq!(names(&until_live(&mut updates).await), ["connecting", "syncing", "gap", "snapshot", "live"]);
}

#[tokio::test]
async fn an_owner_who_is_slow_does_not_make_the_session_deaf() {
    let mock = Mock::start().await;
    let mut config = mock.config();
    config.limits.update_queue = 1;
    config.limits.self_test_interval = Duration::from_millis(20);
    config.limits.self_test_patience = Duration::from_millis(500);
    let (client, mut updates, line) = live(&mock, config).await;
    for _ in 0..50 {
        line.send_event("ChannelDtmfReceived", json!({"digit": "1", "channel": {"id": "a"}})).await;
    }
    // Longer than a test may take.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    for _ in 0..50 {
        assert_eq!(name(&next(&mut updates).await), "event ChannelDtmfReceived");
    }
    assert_eq!(client.counters().deaf, 0);
}

#[tokio::test]
async fn a_replaced_session_stays_away_until_it_is_told() {
    let mock = Mock::start().await;
    let (client, mut updates, line) = live(&mock, mock.config()).await;
    line.send_event("ApplicationReplaced", json!({})).await;
    assert_eq!(name(&next(&mut updates).await), "event ApplicationReplaced");
    assert_eq!(next_state(&mut updates).await, State::Replaced { application: "app".to_owned() });
    assert!(matches!(client.asterisk().ping().await, Err(Error::Disconnected { .. })));
    updates.take_over().await;
    let _line = mock.accept_empty().await;
    assert_eq!(names(&until_live(&mut updates).await), ["connecting", "syncing", "gap", "snapshot", "live"]);
}

async fn next_state(updates: &mut trunkline_ari::Updates) -> State {
    match next(updates).await {
        Update::State(state) => state,
        other => panic!("no state: {other:?}"),
    }
}

#[tokio::test]
async fn a_watch_sees_what_comes_before_the_answer() {
    let mock = Mock::start().await;
    let (client, mut updates) = trunkline_ari::connect(mock.config()).unwrap();
    let line =
        mock.accept(|method, uri| if uri == "channels/mine" { (0, json!(null)) } else { empty(method, uri) }).await;
    until_live(&mut updates).await;
    let mut watch = client.watch(Key::Channel("mine".to_owned()));
    let params = channels::OriginateWithId::default().app("app");
    // The answer never comes, the events do.
    let request = tokio::spawn(client.channels().originate_with_id("mine", "PJSIP/100", params));
    line.send_event("StasisStart", json!({"channel": {"id": "other"}, "args": []})).await;
    line.send_event("StasisStart", json!({"channel": {"id": "mine"}, "args": ["dialed"]})).await;
    let args = watch
        .until(Duration::from_secs(20), |event| match event {
            Event::StasisStart(start) => Some(start.args.clone()),
            _ => None,
        })
        .await
        .unwrap();
    assert_eq!(args, ["dialed"]);
    line.cut();
    assert!(matches!(request.await.unwrap(), Err(Error::Disconnected { .. })));
    let _line = mock.accept_empty().await;
    let missed = watch.until(Duration::from_secs(20), |_| None::<()>).await;
    assert!(matches!(missed, Err(Error::Disconnected { .. })), "a gap is said: {missed:?}");
}

#[tokio::test]
async fn a_late_hangup_is_success() {
    let mock = Mock::start().await;
    let (client, mut updates) = trunkline_ari::connect(mock.config()).unwrap();
    let mut line = mock
        .accept(|method, uri| match method {
            "DELETE" => (404, json!({"message": "Channel not found"})),
            _ => empty(method, uri),
        })
        .await;
    until_live(&mut updates).await;
    client.hangup("gone", HangupReason::NoAnswer).await.unwrap();
    let request = loop {
        let request = line.request().await;
        if request["method"] == "DELETE" {
            break request;
        }
    };
    assert_eq!(request["uri"], "channels/gone");
    assert_eq!(request["query_strings"], json!([{"name": "reason", "value": "no_answer"}]));
    client.stop_playback("gone").await.unwrap();
    client.destroy_bridge("gone").await.unwrap();
    let raw = client.channels().hangup("gone", channels::Hangup::default()).await;
    assert!(matches!(raw, Err(Error::NotFound { message }) if message == "Channel not found"));
}

#[tokio::test]
async fn a_log_without_credentials_tells_the_same_story_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ari.jsonl");
    let mock = Mock::start().await;
    let mut config = mock.config();
    config.log = Some(path.clone());
    let (client, mut updates) = trunkline_ari::connect(config).unwrap();
    let line = mock.accept_empty().await;
    let mut told = until_live(&mut updates).await;
    line.send_event("ChannelCreated", json!({"channel": {"id": "a", "state": "Up"}})).await;
    line.send("no JSON").await;
    line.send_event("FromTheFuture", json!({})).await;
    told.push(next(&mut updates).await);
    told.push(next(&mut updates).await);
    line.cut();
    let line = mock.accept_empty().await;
    told.extend(until_live(&mut updates).await);
    line.send_event("ApplicationReplaced", json!({})).await;
    told.push(next(&mut updates).await);
    told.push(next(&mut updates).await);
    updates.close().await;
    assert!(updates.next().await.is_none());
    drop((client, updates));

    let text = loop {
        let text = std::fs::read_to_string(&path).unwrap();
        if text.contains("ApplicationReplaced") && text.ends_with('\n') {
            break text;
        }
        tokio::task::yield_now().await;
    };
    assert!(!text.contains(PASSWORD) && !text.contains("Z2F0ZXdheTpzM2NyZXQtd29yZA"), "{text}");
    assert!(text.contains("no JSON"), "malformed frames are kept");
    let again: Vec<Update> = Replay::new(BufReader::new(text.as_bytes())).map(|told| told.unwrap().1).collect();
    assert_eq!(names(&again), names(&told));
    // What a crash cut off is not an error.
    let half = &text[..text.len() - 20];
    assert!(Replay::new(BufReader::new(half.as_bytes())).all(|told| told.is_ok()));
    assert!(Replay::new(BufReader::new(&b"nonsense\n"[..])).next().unwrap().is_err());
}
