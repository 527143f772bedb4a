//! An event as it is sent: encoded once, shared by all who read it.

use std::{fmt, fmt::Write as _, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use trunkline_db::EventId;

use crate::event::{Kind, Ref, Scope, Sealed, Seq};

/// Room for the longest header of a server's WebSocket frame (RFC 6455, section 5.2: no mask).
const HEADER: usize = 10;
const EVENT_PREFIX: &str = r#"{"type":"event","event":"#;

/// A text that is shared by all who send it, with its WebSocket header ready before it.
///
/// A server's frames are not masked, so header and payload are the same for every connection.
#[derive(Clone)]
pub struct Text {
    /// Header and payload.
    wire: Bytes,
    header: u8,
}

impl Text {
    /// `buffer` starts with [`HEADER`] bytes of room.
    fn seal(mut buffer: Vec<u8>) -> Self {
        let length = buffer.len() - HEADER;
        // FIN and opcode 1 (text), then the shortest of the three forms of a length
        let mut header = [0_u8; HEADER];
        header[0] = 0x81;
        let size = if length < 126 {
            header[1] = length as u8;
            2
        } else if let Ok(length) = u16::try_from(length) {
            header[1] = 126;
            header[2..4].copy_from_slice(&length.to_be_bytes());
            4
        } else {
            header[1] = 127;
            header[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            10
        };
        let start = HEADER - size;
        buffer[start..HEADER].copy_from_slice(&header[..size]);
        Self { wire: Bytes::from(buffer).slice(start..), header: size as u8 }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.wire[self.header.into()..]).expect("it was written as UTF-8")
    }

    /// The text itself, shared.
    pub fn text(&self) -> Bytes {
        self.wire.slice(usize::from(self.header)..)
    }

    /// A whole WebSocket frame of a server: header and text (RFC 6455, section 5.2).
    pub fn websocket(&self) -> &Bytes {
        &self.wire
    }

    /// Length of the text in bytes.
    pub fn len(&self) -> usize {
        self.wire.len() - usize::from(self.header)
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// A committed event, encoded as `{"type":"event","event":{…}}`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Frame(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    seq: Seq,
    id: EventId,
    kind: Kind,
    scopes: Box<[Scope]>,
    text: Text,
}

/// What a frame is made of, from wherever it comes.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) seq: Seq,
    pub(crate) id: EventId,
    pub(crate) kind: Kind,
    pub(crate) at: DateTime<Utc>,
    pub(crate) subject: &'a Ref,
    pub(crate) actor: Option<&'a Ref>,
    pub(crate) scopes: Box<[Scope]>,
    pub(crate) data: &'a str,
}

impl Frame {
    pub(crate) fn new(parts: Parts<'_>) -> Self {
        let Parts { seq, id, kind, at, subject, actor, scopes, data } = parts;
        let mut text = String::with_capacity(HEADER + 288 + data.len());
        text.push_str(ROOM);
        text.push_str(EVENT_PREFIX);
        // Kinds and types are plain words and need no escape.
        write!(
            text,
            r#"{{"seq":{seq},"id":"{id}","kind":"{kind}","at":"{}","subject":{{"type":"{}","id":"{}"}},"actor":"#,
            at.to_rfc3339_opts(SecondsFormat::Millis, true),
            subject.kind,
            subject.id,
        )
        .expect("a String takes all");
        match actor {
            Some(actor) => write!(text, r#"{{"type":"{}","id":"{}"}}"#, actor.kind, actor.id),
            None => write!(text, "null"),
        }
        .expect("a String takes all");
        text.push_str(r#","data":"#);
        text.push_str(data);
        text.push_str("}}");
        Self(Arc::new(Inner { seq, id, kind, scopes, text: Text::seal(text.into_bytes()) }))
    }

    pub(crate) fn of(sealed: &Sealed, seq: Seq) -> Self {
        let event = &sealed.event;
        Self::new(Parts {
            seq,
            id: event.id,
            kind: event.kind.clone(),
            at: event.at,
            subject: &event.subject,
            actor: event.actor.as_ref(),
            scopes: event.scopes.as_slice().into(),
            data: &sealed.data,
        })
    }

    /// Its place in the journal.
    pub fn seq(&self) -> Seq {
        self.0.seq
    }

    /// The event's id.
    pub fn id(&self) -> EventId {
        self.0.id
    }

    /// What happened.
    pub fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// Who may see it.
    pub fn scopes(&self) -> &[Scope] {
        &self.0.scopes
    }

    /// The whole message, `{"type":"event","event":{…}}`.
    pub fn text(&self) -> &Text {
        &self.0.text
    }

    /// The event alone, `{"seq":…}`: what `GET /events` and server-sent events carry.
    pub fn event_json(&self) -> Bytes {
        let text = self.0.text.text();
        text.slice(EVENT_PREFIX.len()..text.len() - 1)
    }

    /// The event alone, as text.
    pub fn event_str(&self) -> &str {
        let text = self.0.text.as_str();
        &text[EVENT_PREFIX.len()..text.len() - 1]
    }

    /// What it costs to keep, in bytes, about.
    pub(crate) fn cost(&self) -> usize {
        self.0.text.len() + size_of::<Inner>() + self.0.scopes.len() * size_of::<Scope>()
    }
}

/// [`HEADER`] bytes that the header will take.
const ROOM: &str = "\0\0\0\0\0\0\0\0\0\0";

/// A message that is sent live and never kept: `{"type":"signal","kind":…,"data":…}`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Signal(Arc<SignalInner>);

#[derive(Debug)]
struct SignalInner {
    kind: Kind,
    scopes: Box<[Scope]>,
    text: Text,
}

impl Signal {
    pub(crate) fn new(kind: Kind, scopes: &[Scope], data: &Value) -> Self {
        let mut text = String::from(ROOM);
        write!(text, r#"{{"type":"signal","kind":"{kind}","data":{data}}}"#).expect("a String takes all");
        Self(Arc::new(SignalInner { kind, scopes: scopes.into(), text: Text::seal(text.into_bytes()) }))
    }

    /// What it tells.
    pub fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// Who may see it.
    pub fn scopes(&self) -> &[Scope] {
        &self.0.scopes
    }

    /// The whole message.
    pub fn text(&self) -> &Text {
        &self.0.text
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;
    use serde_json::json;
    use trunkline_db::{AgentId, CallId};
    use uuid::Uuid;

    use super::*;
    use crate::event::NewEvent;

    fn sealed(data: Value) -> Sealed {
        let at = Utc.with_ymd_and_hms(2026, 11, 20, 15, 4, 5).unwrap() + chrono::Duration::microseconds(123_999);
        let mut event = NewEvent::new(Kind::from_static("call.answered"), Ref::call(CallId(Uuid::from_u128(1))), data)
            .at(at)
            .actor(Ref::agent(AgentId(Uuid::from_u128(2))));
        event.id = EventId(Uuid::from_u128(3));
        Sealed::seal(event).unwrap()
    }

    #[test]
    fn a_frame_is_the_documented_message() {
        let frame = Frame::of(&sealed(json!({"queue": "sales \"1\""})), Seq(42));
        let event = concat!(
            r#"{"seq":42,"id":"00000000-0000-0000-0000-000000000003","kind":"call.answered","at":"2026-11-20T15:04:05.123Z","#,
            r#""subject":{"type":"call","id":"00000000-0000-0000-0000-000000000001"},"#,
            r#""actor":{"type":"agent","id":"00000000-0000-0000-0000-000000000002"},"data":{"queue":"sales \"1\""}}"#,
        );
        assert_eq!(frame.event_str(), event);
        assert_eq!(frame.event_json(), event.as_bytes());
        assert_eq!(frame.text().as_str(), format!(r#"{{"type":"event","event":{event}}}"#));
        serde_json::from_str::<Value>(frame.text().as_str()).unwrap();
    }

    #[test]
    fn the_websocket_header_fits_every_length() {
        for (size, header) in [(10, 4), (120, 4), (16_000, 4)] {
            let frame = Frame::of(&sealed(json!({"x": "y".repeat(size)})), Seq(1));
            let wire = frame.text().websocket();
            assert_eq!(wire.len() - frame.text().len(), header);
            assert_eq!(wire[..2], [0x81, 126]);
            assert_eq!(usize::from(u16::from_be_bytes([wire[2], wire[3]])), frame.text().len());
        }
        let short = Signal::new(Kind::from_static("call.typing"), &[Scope::Tenant], &json!({}));
        assert_eq!(short.text().as_str(), r#"{"type":"signal","kind":"call.typing","data":{}}"#);
        assert_eq!(short.text().websocket()[..2], [0x81, short.text().len() as u8]);
        let long = Signal::new(Kind::from_static("call.typing"), &[], &json!({"x": "y".repeat(70_000)}));
        assert_eq!(long.text().websocket()[..2], [0x81, 127]);
        assert_eq!(long.text().websocket().len() - long.text().len(), 10);
    }
}
