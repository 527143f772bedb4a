//! What happened: an event before it has its place in the journal.

use std::{borrow::Cow, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trunkline_db::{AgentId, CallId, EventId, QueueId, RecordingId};
use uuid::Uuid;

/// Most bytes of an event's `data`, encoded as JSON. What is larger belongs in a table; the event carries its id.
pub const MAX_DATA_BYTES: usize = 16 * 1024;
/// Most events of one command: bulk work commits in chunks.
pub const MAX_EVENTS: usize = 500;
/// Most scopes of one event.
pub const MAX_SCOPES: usize = 16;
/// Longest name of a kind or of a reference's type, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// An event's place in its tenant's journal: 1, 2, 3 … without a gap, in the order of the commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub i64);

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The number itself.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place before this one.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0 - 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<i64> for Seq {
    fn from(seq: i64) -> Self {
        Self(seq)
    }
}

/// What kind of event: `call.answered`, `recording.ready` … Lower-case words joined by dots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// A kind known when the program is written; in a `const` a wrong one does not compile.
    ///
    /// # Panics
    /// When it is not of the form `word.word`.
    pub const fn from_static(kind: &'static str) -> Self {
        assert!(is_kind(kind.as_bytes()), "a kind is lower-case words joined by dots, such as call.answered");
        Self(Cow::Borrowed(kind))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Kind {
    type Err = InvalidEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_kind(text.as_bytes()) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(InvalidEvent::Kind(text.chars().take(MAX_NAME_BYTES).collect()))
        }
    }
}

/// `word(.word)+`, each word `[a-z][a-z0-9_]*`.
const fn is_kind(text: &[u8]) -> bool {
    if text.len() > MAX_NAME_BYTES {
        return false;
    }
    let (mut i, mut dots, mut word_begins) = (0, 0, true);
    while i < text.len() {
        match text[i] {
            b'a'..=b'z' => word_begins = false,
            b'0'..=b'9' | b'_' if !word_begins => {}
            b'.' if !word_begins => {
                dots += 1;
                word_begins = true;
            }
            _ => return false,
        }
        i += 1;
    }
    dots > 0 && !word_begins
}

/// What an event is about, or who caused it: a type's name and an id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ref {
    /// `call`, `agent`, `recording` …
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// Its id.
    pub id: Uuid,
}

impl Ref {
    /// Any reference.
    pub fn new(kind: impl Into<Cow<'static, str>>, id: impl Into<Uuid>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }

    /// A call.
    pub fn call(id: CallId) -> Self {
        Self::new("call", id)
    }

    /// An agent.
    pub fn agent(id: AgentId) -> Self {
        Self::new("agent", id)
    }

    /// A recording.
    pub fn recording(id: RecordingId) -> Self {
        Self::new("recording", id)
    }
}

/// Who may see an event. Text form: `tenant`, `queue:UUID`, `team:UUID`, `agent:UUID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every member of the tenant.
    Tenant,
    /// Who belongs to the queue.
    Queue(QueueId),
    /// Who belongs to the team.
    Team(Uuid),
    /// The agent itself.
    Agent(AgentId),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str("tenant"),
            Self::Queue(id) => write!(f, "queue:{id}"),
            Self::Team(id) => write!(f, "team:{id}"),
            Self::Agent(id) => write!(f, "agent:{id}"),
        }
    }
}

/// A text that is no [`Scope`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a scope: {0:?}")]
pub struct ParseScopeError(String);

impl FromStr for Scope {
    type Err = ParseScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseScopeError(text.chars().take(MAX_NAME_BYTES).collect());
        if text == "tenant" {
            return Ok(Self::Tenant);
        }
        let (kind, id) = text.split_once(':').ok_or_else(wrong)?;
        let id = Uuid::from_str(id).map_err(|_| wrong())?;
        match kind {
            "queue" => Ok(Self::Queue(QueueId(id))),
            "team" => Ok(Self::Team(id)),
            "agent" => Ok(Self::Agent(AgentId(id))),
            _ => Err(wrong()),
        }
    }
}

/// An event that is to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Its id, chosen by who writes it: one that was written stays recognisable.
    pub id: EventId,
    /// What happened.
    pub kind: Kind,
    /// When it happened, which may be before it is recorded. Kept to the millisecond.
    pub at: DateTime<Utc>,
    /// What it is about.
    pub subject: Ref,
    /// Who caused it, when somebody did.
    pub actor: Option<Ref>,
    /// Who may see it: at least one, at most [`MAX_SCOPES`].
    pub scopes: Vec<Scope>,
    /// What else there is to say: an object of at most [`MAX_DATA_BYTES`].
    pub data: Value,
}

impl NewEvent {
    /// An event that happened now, seen by the whole tenant.
    pub fn new(kind: Kind, subject: Ref, data: Value) -> Self {
        Self { id: EventId::new(), kind, at: Utc::now(), subject, actor: None, scopes: vec![Scope::Tenant], data }
    }

    /// When it happened.
    #[must_use]
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.at = at;
        self
    }

    /// Who caused it.
    #[must_use]
    pub fn actor(mut self, actor: Ref) -> Self {
        self.actor = Some(actor);
        self
    }

    /// Who may see it, in place of the whole tenant.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.scopes = scopes.into_iter().collect();
        self
    }
}

/// An event that the journal does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    /// The kind is not of the form `word.word`.
    #[error("not a kind of event: {0:?} (lower-case words joined by dots, such as call.answered)")]
    Kind(String),
    /// A subject's or actor's type is not a lower-case word.
    #[error("not a type of subject or actor: {0:?} (a lower-case word, such as call)")]
    RefType(String),
    /// `data` is no object.
    #[error("the data of {kind} is not a JSON object")]
    NotAnObject {
        /// Which event.
        kind: String,
    },
    /// `data` is too large.
    #[error("the data of {kind} has {bytes} bytes (at most {MAX_DATA_BYTES}; larger things belong in a table)")]
    TooLarge {
        /// Which event.
        kind: String,
        /// How large it is, encoded.
        bytes: usize,
    },
    /// Nobody, or too many, may see it.
    #[error("{kind} has {count} scopes (1 to {MAX_SCOPES})")]
    Scopes {
        /// Which event.
        kind: String,
        /// How many it has.
        count: usize,
    },
    /// There is nothing to append.
    #[error("no event to append")]
    None,
    /// One command has too many events.
    #[error("{0} events in one command (at most {MAX_EVENTS}: larger work is done in chunks)")]
    TooMany(usize),
}

/// An event that was found right, its data encoded: what a lane writes.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) event: NewEvent,
    /// `data` as JSON, the very text that is stored and sent.
    pub(crate) data: String,
}

impl Sealed {
    pub(crate) fn seal(event: NewEvent) -> Result<Self, InvalidEvent> {
        for reference in std::iter::once(&event.subject).chain(&event.actor) {
            if !is_word(reference.kind.as_bytes()) {
                return Err(InvalidEvent::RefType(reference.kind.chars().take(MAX_NAME_BYTES).collect()));
            }
        }
        if event.scopes.is_empty() || event.scopes.len() > MAX_SCOPES {
            return Err(InvalidEvent::Scopes { kind: event.kind.to_string(), count: event.scopes.len() });
        }
        if !event.data.is_object() {
            return Err(InvalidEvent::NotAnObject { kind: event.kind.to_string() });
        }
        let data = event.data.to_string();
        if data.len() > MAX_DATA_BYTES {
            return Err(InvalidEvent::TooLarge { kind: event.kind.to_string(), bytes: data.len() });
        }
        Ok(Self { event, data })
    }

    pub(crate) fn seal_all(events: Vec<NewEvent>) -> Result<Vec<Self>, InvalidEvent> {
        if events.len() > MAX_EVENTS {
            return Err(InvalidEvent::TooMany(events.len()));
        }
        events.into_iter().map(Self::seal).collect()
    }
}

fn is_word(text: &[u8]) -> bool {
    matches!(text, [b'a'..=b'z', rest @ ..] if rest.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')))
        && text.len() <= MAX_NAME_BYTES
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ANSWERED: Kind = Kind::from_static("call.answered");

    fn event(data: Value) -> NewEvent {
        NewEvent::new(ANSWERED, Ref::call(CallId::new()), data)
    }

    #[test]
    fn kinds_are_lower_case_words_joined_by_dots() {
        for kind in ["call.answered", "agent.state_changed", "a.b.c2"] {
            assert_eq!(kind.parse::<Kind>().unwrap().as_str(), kind);
        }
        for kind in ["", "call", "call.", ".call", "call..x", "Call.x", "call.2x", "call x.y", "call.*", "call.\0"] {
            assert!(kind.parse::<Kind>().is_err(), "{kind:?}");
        }
    }

    #[test]
    fn data_over_16_kib_is_refused_with_its_size() {
        let fits = event(json!({"text": "x".repeat(MAX_DATA_BYTES - 11)}));
        assert_eq!(Sealed::seal(fits).unwrap().data.len(), MAX_DATA_BYTES);
        let too_large = event(json!({"text": "x".repeat(MAX_DATA_BYTES - 10)}));
        let error = Sealed::seal(too_large).unwrap_err();
        assert_eq!(error, InvalidEvent::TooLarge { kind: "call.answered".into(), bytes: MAX_DATA_BYTES + 1 });
        assert!(error.to_string().contains("16385 bytes"), "{error}");
    }

    #[test]
    fn what_is_no_event_is_refused() {
        assert!(matches!(Sealed::seal(event(json!([]))), Err(InvalidEvent::NotAnObject { .. })));
        assert!(matches!(Sealed::seal(event(json!({})).scopes([])), Err(InvalidEvent::Scopes { count: 0, .. })));
        let odd = event(json!({})).actor(Ref::new("no word", Uuid::nil()));
        assert!(matches!(Sealed::seal(odd), Err(InvalidEvent::RefType(_))));
        assert_eq!(
            Sealed::seal_all(vec![event(json!({})); MAX_EVENTS + 1]).unwrap_err(),
            InvalidEvent::TooMany(MAX_EVENTS + 1)
        );
    }

    proptest! {
        #[test]
        fn parsing_a_scope_or_a_kind_never_panics(text in ".{0,80}") {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
            }
            if let Ok(kind) = text.parse::<Kind>() {
                prop_assert_eq!(kind.as_str(), text);
            }
        }

        #[test]
        fn a_scope_survives_its_text(id: u128, which in 0..4) {
            let id = Uuid::from_u128(id);
            let scope = [Scope::Tenant, Scope::Queue(id.into()), Scope::Team(id), Scope::Agent(id.into())][which as usize];
            prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
        }
    }
}
