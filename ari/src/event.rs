//! From a frame's text to a typed event.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use crate::generated::events::Event;

/// An event that this version of the crate does not know, or that does not have the shape that the api-docs promise.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UnknownEvent {
    /// Its `type`.
    pub kind: String,
    /// The whole event as Asterisk sent it.
    pub raw: Box<RawValue>,
    /// Why the typed parse failed; `None` where the name is not known.
    pub reason: Option<String>,
}

/// What one frame was.
#[derive(Debug)]
pub enum Parsed {
    /// A typed event.
    Known(Box<Event>),
    /// JSON with a `type`, kept as [`Event::Unknown`].
    Unknown(Box<Event>),
    /// The answer to a request that was sent over the same WebSocket.
    Response,
}

/// Reads one frame. Fails only for what is no JSON object with a text `type`.
pub fn parse(text: &str) -> serde_json::Result<Parsed> {
    let kind = kind_of(text)?;
    if kind == "RESTResponse" {
        return Ok(Parsed::Response);
    }
    let reason = match Event::parse_kind(&kind, text) {
        Some(Ok(event)) => return Ok(Parsed::Known(Box::new(event))),
        Some(Err(error)) => Some(error.to_string()),
        None => None,
    };
    let raw: Box<RawValue> = serde_json::from_str(text)?;
    Ok(Parsed::Unknown(Box::new(Event::Unknown(UnknownEvent { kind: kind.into_owned(), raw, reason }))))
}

impl Event {
    /// Reads an event of any kind, `RESTResponse` too.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        match parse(text)? {
            Parsed::Known(event) | Parsed::Unknown(event) => Ok(*event),
            Parsed::Response => serde_json::from_str(text).map(Self::RESTResponse),
        }
    }

    /// True if the event speaks of `key`.
    pub fn concerns(&self, key: &Key) -> bool {
        let mut found = false;
        match key {
            Key::Channel(id) => {
                self.for_each_channel(|channel| found |= channel.id == *id);
                let target = match self {
                    Self::PlaybackStarted(event) => Some(&event.playback.target_uri),
                    Self::PlaybackContinuing(event) => Some(&event.playback.target_uri),
                    Self::PlaybackFinished(event) => Some(&event.playback.target_uri),
                    Self::RecordingStarted(event) => Some(&event.recording.target_uri),
                    Self::RecordingFinished(event) => Some(&event.recording.target_uri),
                    Self::RecordingFailed(event) => Some(&event.recording.target_uri),
                    _ => None,
                };
                found |= target.and_then(|uri| uri.strip_prefix("channel:")) == Some(id);
            }
            Key::Bridge(id) => self.for_each_bridge(|bridge| found |= bridge.id == *id),
            Key::Playback(id) => {
                found = match self {
                    Self::PlaybackStarted(event) => event.playback.id == *id,
                    Self::PlaybackContinuing(event) => event.playback.id == *id,
                    Self::PlaybackFinished(event) => event.playback.id == *id,
                    _ => false,
                }
            }
            Key::Recording(name) => {
                found = match self {
                    Self::RecordingStarted(event) => event.recording.name == *name,
                    Self::RecordingFinished(event) => event.recording.name == *name,
                    Self::RecordingFailed(event) => event.recording.name == *name,
                    _ => false,
                }
            }
        }
        found
    }
}

/// Something in one Asterisk that events speak of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Key {
    /// A channel's id.
    Channel(String),
    /// A bridge's id.
    Bridge(String),
    /// A playback's id.
    Playback(String),
    /// A live recording's name.
    Recording(String),
}

/// The value of the top-level `type`. Asterisk mostly writes it first, where it costs nothing to find; otherwise the
/// object is walked once.
pub(crate) fn kind_of(text: &str) -> serde_json::Result<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Tag<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    if let Some(rest) = text.strip_prefix("{\"type\":\"") {
        let end = rest.bytes().position(|byte| byte == b'"' || byte == b'\\');
        if let Some(end) = end.filter(|end| rest.as_bytes()[*end] == b'"') {
            return Ok(Cow::Borrowed(&rest[..end]));
        }
    }
    serde_json::from_str::<Tag<'_>>(text).map(|tag| tag.kind)
}

/// A payload with its `type` in front.
pub(crate) fn tagged<T: Serialize>(kind: &str, payload: &T) -> serde_json::Result<Box<RawValue>> {
    #[derive(Serialize)]
    struct Tagged<'a, T> {
        r#type: &'a str,
        #[serde(flatten)]
        payload: &'a T,
    }
    serde_json::value::to_raw_value(&Tagged { r#type: kind, payload })
}

/// Reads a time as Asterisk writes it, e.g. `AsteriskPing::timestamp`.
pub fn parse_timestamp(text: &str) -> Option<DateTime<Utc>> {
    crate::lenient::parse_timestamp(text)
}
