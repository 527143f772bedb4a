//! The messages that are sent around, and as much of them as the driver reads.

/// What is given to a server to be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageContent {
    /// The words of an event; the server makes the event around them.
    Text,
    /// The whole event, ready to be delivered.
    Event,
}

/// Length of an event's text in bytes: a short chat message. With the event around it about 330.
const TEXT_BYTES: usize = 100;
const EVENT: &[u8] = br#"{"type":"event","event":{"seq":"#;
const CAUGHT_UP: &[u8] = br#"{"type":"caught_up","seq":"#;

/// What a server said, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Event(i64),
    CaughtUp(i64),
    Other,
}

/// Reads a message's number.
pub(super) fn understand(payload: &[u8]) -> Said {
    if let Some(rest) = payload.strip_prefix(EVENT) {
        number(rest).map_or(Said::Other, Said::Event)
    } else if let Some(rest) = payload.strip_prefix(CAUGHT_UP) {
        number(rest).map_or(Said::Other, Said::CaughtUp)
    } else {
        Said::Other
    }
}

fn number(bytes: &[u8]) -> Option<i64> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let mut length = 0;
    let number = digits.take(18).fold(0_i64, |number, digit| {
        length += 1;
        number * 10 + i64::from(digit - b'0')
    });
    (length > 0).then_some(number)
}

/// The words of the message with that number.
pub(super) fn text(seq: i64) -> String {
    format!("{seq:0>TEXT_BYTES$}")
}

/// An event as the journal's stream shows it, same fields and same length: what the peers deliver.
pub(super) fn event_text(seq: i64) -> String {
    format!(
        concat!(
            r#"{{"type":"event","event":{{"seq":{seq},"id":"0193f3a0-0000-7000-8000-000000000000","kind":"message.received","#,
            r#""at":"2026-11-20T15:04:05.123Z","subject":{{"type":"message","id":"0193f3a0-0000-7000-8000-000000000001"}},"#,
            r#""actor":null,"data":{{"text":"{text}"}}}}}}"#
        ),
        seq = seq,
        text = text(seq)
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_peers_message_is_an_event_of_a_common_size() {
        let text = event_text(42);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["event"]["seq"], 42);
        assert_eq!(value["event"]["data"]["text"].as_str().map(str::len), Some(TEXT_BYTES));
        assert!((300..360).contains(&text.len()), "{}", text.len());
        assert_eq!(understand(text.as_bytes()), Said::Event(42));
    }

    #[test]
    fn other_messages_are_told_apart() {
        assert_eq!(understand(br#"{"type":"caught_up","seq":17}"#), Said::CaughtUp(17));
        assert_eq!(understand(br#"{"type":"hello","epoch":"x","head":3,"oldest":1}"#), Said::Other);
        assert_eq!(understand(br#"{"type":"event","event":{"seq":}}"#), Said::Other);
    }

    proptest! {
        #[test]
        fn nothing_said_panics(payload in prop::collection::vec(any::<u8>(), 0..80)) {
            understand(&payload);
            understand(&[EVENT, &payload].concat());
        }

        #[test]
        fn every_number_is_read(seq in 0..999_999_999_999_999_999_i64) {
            prop_assert_eq!(understand(event_text(seq).as_bytes()), Said::Event(seq));
        }
    }
}
