//! What a client may say on the stream.

use serde::Deserialize;
use trunkline_journal::KindFilter;
use uuid::Uuid;

/// Largest frame of a client, in bytes.
pub(super) const MAX_CLIENT_FRAME: usize = 64 * 1024;
/// Most entries of `kinds`.
pub(super) const MAX_KINDS: usize = 64;

/// A frame from the client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ClientFrame {
    /// Where to go on and what to see; may be sent again, the last one holds.
    Subscribe(Subscribe),
    /// A fresh access token for the same user, before the old one ends.
    Auth {
        /// The token.
        token: String,
    },
}

/// Where to go on and what to see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Subscribe {
    /// The last `seq` the client has; null or absent: only what comes next.
    #[serde(default)]
    pub after: Option<i64>,
    /// The epoch in which it has it.
    #[serde(default)]
    pub epoch: Option<Uuid>,
    /// Id of the event with that `seq`: a second lock against a database that was put back.
    #[serde(default)]
    pub after_id: Option<Uuid>,
    /// Kinds to see, exact (`call.ended`) or all of a family (`call.*`); absent: all.
    #[serde(default)]
    pub kinds: Option<Vec<String>>,
}

/// Why a client frame is refused; the connection is closed with 4400 and these words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    /// Not JSON of a known shape.
    #[error("not a frame of trunkline.v1: {0}")]
    Shape(String),
    /// A binary frame.
    #[error("binary frames are not spoken here")]
    Binary,
    /// `after` is negative.
    #[error("after must be 0 or more")]
    After,
    /// `epoch` or `after_id` without `after`.
    #[error("epoch and after_id go with after")]
    WithoutAfter,
    /// Too many or malformed kinds.
    #[error("kinds takes at most 64 entries such as call.ended or call.*")]
    Kinds,
}

impl ClientFrame {
    /// Reads one text frame.
    pub(super) fn parse(text: &str) -> Result<Self, FrameError> {
        let frame: Self = serde_json::from_str(text).map_err(|error| {
            // serde quotes the input; a close frame carries 123 bytes.
            FrameError::Shape(error.to_string().chars().take(60).collect())
        })?;
        if let Self::Subscribe(subscribe) = &frame {
            subscribe.check()?;
        }
        Ok(frame)
    }
}

impl Subscribe {
    /// The rules that the types do not carry.
    pub(super) fn check(&self) -> Result<(), FrameError> {
        if self.after.is_some_and(|after| after < 0) {
            return Err(FrameError::After);
        }
        // An epoch with `after: null` is harmless (the client says what it knows); an id without its seq says nothing.
        if self.after.is_none() && self.after_id.is_some() {
            return Err(FrameError::WithoutAfter);
        }
        match &self.kinds {
            Some(kinds) if kinds.len() > MAX_KINDS || kinds.iter().any(|kind| kind.parse::<KindFilter>().is_err()) => {
                Err(FrameError::Kinds)
            }
            _ => Ok(()),
        }
    }
}

/// `Last-Event-ID` of server-sent events: `epoch:seq`.
pub(super) fn parse_last_event_id(text: &str) -> Option<(Uuid, i64)> {
    let (epoch, seq) = text.trim().split_once(':')?;
    if seq.is_empty() || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((epoch.parse().ok()?, seq.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_subscription_is_read() {
        let frame =
            ClientFrame::parse(r#"{"type":"subscribe","after":41,"kinds":["call.*","agent.state_changed"]}"#).unwrap();
        assert_eq!(
            frame,
            ClientFrame::Subscribe(Subscribe {
                after: Some(41),
                epoch: None,
                after_id: None,
                kinds: Some(vec!["call.*".to_owned(), "agent.state_changed".to_owned()]),
            })
        );
        assert_eq!(
            ClientFrame::parse(r#"{"type":"subscribe"}"#).unwrap(),
            ClientFrame::Subscribe(Subscribe::default())
        );
        assert!(
            ClientFrame::parse(r#"{"type":"subscribe","after":null,"later":"unknown fields are for newer servers"}"#)
                .is_ok()
        );
    }

    #[test]
    fn what_is_no_frame_is_refused_with_words() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"type":"publish"}"#,
            r#"{"type":"subscribe","after":-1}"#,
            r#"{"type":"subscribe","after":1.5}"#,
            r#"{"type":"subscribe","after_id":"0193f3a0-0000-7000-8000-000000000000"}"#,
            r#"{"type":"subscribe","kinds":["CALL.*"]}"#,
            r#"{"type":"subscribe","kinds":["call"]}"#,
            r#"{"type":"auth"}"#,
        ] {
            let error = ClientFrame::parse(text).expect_err(text).to_string();
            assert!(error.len() <= 120, "{error} fits into a close frame");
        }
        let many = vec!["call.*"; MAX_KINDS + 1];
        let text = serde_json::json!({"type": "subscribe", "kinds": many}).to_string();
        assert_eq!(ClientFrame::parse(&text), Err(FrameError::Kinds));
    }

    #[test]
    fn a_last_event_id_names_epoch_and_seq() {
        let epoch = Uuid::now_v7();
        assert_eq!(parse_last_event_id(&format!("{epoch}:42")), Some((epoch, 42)));
        for text in [
            "",
            "42",
            ":42",
            "x:42",
            &format!("{epoch}:"),
            &format!("{epoch}:-1"),
            &format!("{epoch}:99999999999999999999"),
        ] {
            assert_eq!(parse_last_event_id(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = ClientFrame::parse(&text);
            let _ = parse_last_event_id(&text);
        }

        #[test]
        fn mutated_frames_are_read_or_refused(at in 0usize..80, byte in any::<u8>()) {
            let mut text = br#"{"type":"subscribe","after":41,"epoch":null,"kinds":["call.*"]}"#.to_vec();
            let at = at % text.len();
            text[at] = byte;
            if let Ok(text) = String::from_utf8(text) {
                let _ = ClientFrame::parse(&text);
            }
        }
    }
}
