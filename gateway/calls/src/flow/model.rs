//! A flow as it is drawn, kept and published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Nodes that a flow may have.
pub const MAX_NODES: usize = 200;

/// A flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowDefinition)]
pub struct Flow {
    /// The node at which a caller begins.
    pub start: String,
    /// The language of what is said until another is set (BCP 47).
    #[serde(default = "english")]
    pub language: String,
    /// Its nodes.
    pub nodes: Vec<Node>,
}

fn english() -> String {
    "en".to_owned()
}

/// One step of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowNode)]
pub struct Node {
    /// Its id in the flow: 1 to 40 lower-case letters, digits and `_`.
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// Where it stands on the drawing.
    #[serde(default)]
    pub x: i32,
    /// Where it stands on the drawing.
    #[serde(default)]
    pub y: i32,
    /// What happens there.
    #[serde(rename = "do")]
    pub action: Action,
}

/// A part of what is said, one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FlowPart)]
pub enum Part {
    /// A sound of the tenant's, in the call's language where there is one.
    SoundId(Uuid),
    /// A text that is spoken. `{{variables}}` in it have their values.
    Text(String),
    /// Digits, one by one. `{{variables}}` in it have their values.
    Digits(String),
    /// A sound that Asterisk brings along, such as `vm-goodbye`.
    Builtin(String),
}

/// What is said.
pub type Say = Vec<Part>;

/// What happens at a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = FlowAction)]
pub enum Action {
    /// Something is said. A key cuts it short and is kept for the next question.
    Play {
        /// What.
        say: Say,
        /// Where it goes on.
        next: String,
    },
    /// A question that one key answers.
    Menu {
        /// The question.
        say: Say,
        /// Where each key leads.
        keys: BTreeMap<char, String>,
        /// How long, in seconds, a key is waited for.
        timeout_seconds: u32,
        /// How often the question is asked.
        tries: u32,
        /// What is said to a key that leads nowhere, before the question comes again.
        #[serde(default)]
        wrong: Say,
        /// Where it goes on without an answer.
        otherwise: String,
    },
    /// A question that several keys answer.
    Gather {
        /// The question.
        say: Say,
        /// The variable that has the answer.
        variable: String,
        /// Digits at least.
        min: u32,
        /// Digits at most; at so many it goes on.
        max: u32,
        /// The key that ends it earlier.
        #[serde(default)]
        terminator: Option<char>,
        /// How long, in seconds, each key is waited for.
        timeout_seconds: u32,
        /// How often the question is asked.
        tries: u32,
        /// What is said to too few digits, before the question comes again.
        #[serde(default)]
        wrong: Say,
        /// Where it goes on.
        next: String,
        /// Where it goes on without an answer.
        otherwise: String,
    },
    /// Whether it is open.
    Hours {
        /// The opening hours.
        schedule_id: Uuid,
        /// Where it goes on when it is open …
        open: String,
        /// … and when it is not.
        closed: String,
    },
    /// From here on it is spoken in this language.
    Language {
        /// BCP 47.
        language: String,
        /// Where it goes on.
        next: String,
    },
    /// A program elsewhere is asked. The caller hears music.
    Http {
        /// `GET` or `POST`.
        method: Method,
        /// The address, with `{{variables}}`.
        url: String,
        /// Headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body of a `POST`, with `{{variables}}`, as JSON.
        #[serde(default)]
        body: Option<String>,
        /// How long, in milliseconds, the answer is waited for.
        deadline_ms: u32,
        /// Variables, and where in the answer (a JSON pointer, RFC 6901) each has its value.
        #[serde(default)]
        save: BTreeMap<String, String>,
        /// Where it goes on.
        next: String,
        /// Where it goes on if the answer is none, not in time, no JSON where something is to be saved, or no 2xx.
        failed: String,
    },
    /// A variable has another value.
    Set {
        /// Which.
        variable: String,
        /// The value, with `{{variables}}`.
        value: String,
        /// Where it goes on.
        next: String,
    },
    /// It depends.
    Branch {
        /// The first that is so decides.
        cases: Vec<Case>,
        /// Where it goes on if none is.
        otherwise: String,
    },
    /// What the caller is told of the recording, or asked, or that there is none.
    Recording {
        /// Which of them.
        mode: RecordingMode,
        /// What is said. It is heard to its end.
        #[serde(default)]
        say: Say,
        /// The key that agrees, where the caller is asked.
        #[serde(default)]
        accept: Option<char>,
        /// Where it goes on.
        next: String,
    },
    /// The caller waits for an agent of a queue. The flow is over.
    Queue {
        /// Which.
        queue_id: Uuid,
        /// What is added to the caller's priority.
        #[serde(default)]
        priority: i16,
    },
    /// An agent, or a number outside, is rung.
    Dial {
        /// Whom.
        to: DialTo,
        /// How long, in seconds.
        ring_seconds: u32,
        /// Where it goes on if nobody answers.
        next: String,
    },
    /// The caller leaves a message. The flow is over.
    Voicemail {
        /// Whose inbox has it.
        queue_id: Uuid,
        /// The greeting.
        say: Say,
        /// How long the message may be, in seconds.
        max_seconds: u32,
    },
    /// The caller may ask to be called back.
    Callback {
        /// By whose agents.
        queue_id: Uuid,
        /// The question: key 1 agrees.
        say: Say,
        /// Where it goes on if they do not.
        next: String,
    },
    /// It goes on in another flow, with the same variables.
    Flow {
        /// Which.
        flow_id: Uuid,
    },
    /// The call is over.
    HangUp {
        /// What is said before.
        #[serde(default)]
        say: Say,
        /// How it counts.
        #[serde(default)]
        reason: HangUpReason,
    },
}

/// How a program elsewhere is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = FlowMethod)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

/// When a case is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FlowIs)]
pub enum Is {
    /// It has this value.
    Equals,
    /// It has another, or none.
    NotEquals,
    /// Its value begins with this.
    StartsWith,
    /// It has a value.
    Set,
    /// It has none.
    NotSet,
}

/// One case of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowCase)]
pub struct Case {
    /// The variable that is looked at.
    pub variable: String,
    /// How.
    pub is: Is,
    /// The value that it is compared with, with `{{variables}}`.
    #[serde(default)]
    pub value: String,
    /// Where it goes on.
    pub next: String,
}

/// What a caller is told of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FlowRecordingMode)]
pub enum RecordingMode {
    /// That the call is recorded.
    Announce,
    /// Whether it may be: without the key that agrees it is not.
    Ask,
    /// Nothing: it is not recorded.
    Never,
}

/// Whom to ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FlowDialTo)]
pub enum DialTo {
    /// An agent.
    AgentId(Uuid),
    /// A number outside (E.164), as far as the company's rules for calls out allow it.
    Number(String),
    /// The agent who served this caller last. Where nobody has, it goes on at once.
    LastAgent,
}

/// How a call counts that a flow ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FlowHangUpReason)]
pub enum HangUpReason {
    /// The caller has what they wanted.
    #[default]
    Completed,
    /// It is closed.
    OutOfHours,
    /// The caller is turned away.
    Rejected,
    /// The caller is blocked.
    Blocked,
}

impl Flow {
    /// A node by its id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }
}
