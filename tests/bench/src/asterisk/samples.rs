//! Events to be sent: one whole call, over and over.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A call from the trunk that is answered by an agent, with the taps of its recording, written for this benchmark.
const CALL: &str = include_str!("../../samples/call.jsonl");

/// Events in the order in which they are sent.
#[derive(Debug, Clone)]
pub(crate) struct Samples(Vec<Utf8Bytes>);

impl Samples {
    /// Those that come with the benchmark.
    pub(crate) fn own() -> anyhow::Result<Self> {
        Self::parse(CALL)
    }

    /// Those of a file, one JSON object per line.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let lines = text.lines().filter(|line| !line.trim().is_empty()).map(compact);
        // A recording may hold answers to requests: they are no events, and nobody waits for them here.
        let events: Vec<Utf8Bytes> =
            lines.filter(|line| !line.contains(r#""type":"RESTResponse""#)).map(Utf8Bytes::from).collect();
        ensure!(!events.is_empty(), "there are no events");
        Ok(Self(events))
    }

    /// The event of that number, beginning again after the last.
    pub(crate) fn get(&self, number: usize) -> Utf8Bytes {
        self.0[number % self.0.len()].clone()
    }

    /// Bytes.
    pub(crate) fn mean_length(&self) -> usize {
        self.0.iter().map(|text| text.len()).sum::<usize>() / self.0.len()
    }
}

/// JSON without blanks between its tokens, keys in the order in which they stand: as Asterisk writes it unless told otherwise. A
/// recording may have gone through a tool that put blanks in.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .filter(|&character| {
            if in_string {
                in_string = escaped || character != '"';
                escaped = !escaped && character == '\\';
                return true;
            }
            in_string = character == '"';
            !character.is_whitespace()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trunkline_ari::{Parsed, parse};

    use super::*;

    #[test]
    fn our_own_events_are_all_typed() {
        let samples = Samples::own().unwrap();
        assert!(samples.0.len() > 30);
        for text in &samples.0 {
            let parsed = parse(text).unwrap();
            assert!(matches!(parsed, Parsed::Known(_)), "{parsed:?}");
        }
    }

    #[test]
    fn blanks_within_texts_stay() {
        assert_eq!(compact(r#"{ "a" : "b \" c" , "d": [ 1, 2 ] }"#), r#"{"a":"b \" c","d":[1,2]}"#);
        assert_eq!(compact(r#"{"a": "\\" , "b": " "}"#), r#"{"a":"\\","b":" "}"#);
    }

    #[test]
    fn after_the_last_event_comes_the_first() {
        let samples = Samples::parse("{\"type\": \"A\"}\n\n{\"type\": \"B\"}\n").unwrap();
        assert_eq!(samples.get(2).as_str(), r#"{"type":"A"}"#);
        assert!(Samples::parse("\n{\"type\": \"RESTResponse\"}\n").is_err(), "an answer is no event");
    }

    proptest! {
        #[test]
        fn compacting_changes_no_meaning(key in "\\PC{0,12}", value in "\\PC{0,12}") {
            let value = serde_json::json!({ key: [value, { "n": 1.5 }] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let compacted: serde_json::Value = serde_json::from_str(&compact(&pretty)).unwrap();
            prop_assert_eq!(compacted, value);
        }
    }
}
