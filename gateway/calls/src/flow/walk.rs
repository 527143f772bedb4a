//! One caller's way through a flow: pure. It is told what happened and says what is to be done; what it decided and why is its trace.

mod questions;
mod steps;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::model::{Action, DialTo, Flow, HangUpReason, Method, Node, RecordingMode};
use super::parts::LAST_AGENT;
pub use super::say::Media;
use super::say::media;
use super::template::{self, fill};
pub use steps::Step;

/// Nodes that are passed without the caller pressing a key: a flow that goes round by itself ends here.
const MOST_NODES_UNASKED: u32 = 60;
/// Nodes that are passed in one call.
const MOST_NODES: u32 = 1_000;
/// The longest that something is said, should nobody tell us of its end.
const LONGEST_SPEECH: TimeDelta = TimeDelta::minutes(10);
/// Keys that are kept for questions to come.
const MOST_AHEAD: usize = 32;
/// What is waited for an answer beyond its deadline, until it counts as none.
const GRACE_MS: i64 = 500;
/// How long an answer of one key is waited for where the flow says nothing of it.
const ASK_SECONDS: i64 = 5;

/// Variables of a call.
const MOST_VARIABLES: usize = 100;
/// Bytes of a variable's value.
const MAX_VALUE: usize = 1_000;
/// Characters of a value in the trace.
const MAX_SHOWN: usize = 100;

/// A value as the trace has it.
fn short(value: &str) -> String {
    value.chars().filter(|letter| *letter != '\0').take(MAX_SHOWN).collect()
}

/// A flow that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its id.
    pub id: Uuid,
    /// Which version of it.
    pub version: i32,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub flow: Flow,
}

/// Whether it is open, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Openness {
    /// Whether.
    pub open: bool,
    /// Why, in a word: `week`, `special`, `override`.
    pub why: &'static str,
    /// The name of what decides: of a special day, of who closed it.
    pub name: String,
}

/// What a flow asks of the rest.
pub trait World {
    /// Whether somebody is there by these opening hours. `None`: there are no such hours.
    fn openness(&self, schedule: Uuid, at: DateTime<Utc>) -> Option<Openness>;
    /// A published flow.
    fn flow(&self, id: Uuid) -> Option<Arc<Published>>;
    /// Whether there is such a queue.
    fn has_queue(&self, id: Uuid) -> bool;
}

/// What a flow is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// What was being said is over.
    Said,
    /// The caller pressed a key.
    Key(char),
    /// The program elsewhere answered, or did not.
    Fetched(Result<Answer, String>),
    /// The same for a call that is gone through once more: what its variables had then.
    Recalled(BTreeMap<String, String>),
    /// Who was rung did not answer.
    Unanswered,
    /// Time went by.
    Tick,
}

/// What a program elsewhere answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP's status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// How a program elsewhere is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// How.
    pub method: Method,
    /// Where.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// How long it may take, in milliseconds.
    pub deadline_ms: u32,
}

/// How a flow ends for a caller who is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// They wait for an agent.
    Queue {
        /// Of which queue.
        queue: Uuid,
        /// What is added to their priority.
        priority: i16,
    },
    /// They leave a message.
    Voicemail {
        /// Whose inbox has it.
        queue: Uuid,
        /// The greeting.
        say: Vec<Media>,
        /// How long it may be, in seconds.
        max_seconds: u32,
    },
    /// They are called back.
    Callback {
        /// By whose agents.
        queue: Uuid,
    },
    /// They heard everything.
    HangUp(HangUpReason),
    /// The flow cannot go on: they are owed a word of regret.
    Broken,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Say this.
    Say(Vec<Media>),
    /// Stop what is being said.
    Silence,
    /// Play music, or stop it.
    Music(bool),
    /// Ask a program elsewhere.
    Fetch(Fetch),
    /// Ring somebody.
    Dial {
        /// Whom.
        to: DialTo,
        /// How long, in seconds.
        ring_seconds: u32,
    },
    /// The call may be recorded, or not.
    Record(bool),
    /// The flow is over.
    End(End),
}

/// What is known of a caller's way, so that it can be taken up again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The flow.
    pub flow: Uuid,
    /// The node.
    pub node: String,
    /// The language.
    pub language: String,
    /// The variables.
    pub variables: BTreeMap<String, String>,
}

/// What follows when something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Then {
    /// The next node.
    Go(String),
    /// The answer is listened for.
    Listen,
    /// The end.
    End(End),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Doing {
    Saying { then: Then, until: DateTime<Utc> },
    Listening { until: DateTime<Utc> },
    Fetching { until: DateTime<Utc> },
    Dialling,
    Ended,
}

/// One caller's way.
#[derive(Debug, Clone)]
pub struct Walk {
    published: Arc<Published>,
    node: String,
    language: String,
    variables: BTreeMap<String, String>,
    ahead: VecDeque<char>,
    doing: Doing,
    /// Of the question that is asked: how often it may be asked again, and what was pressed so far.
    tries: u32,
    typed: String,
    /// Nodes passed since the last key, and in all.
    unasked: u32,
    passed: u32,
    steps: Vec<Step>,
}

impl Walk {
    /// A caller's way, not yet begun.
    pub fn new(published: Arc<Published>, variables: BTreeMap<String, String>) -> Self {
        Self {
            node: published.flow.start.clone(),
            language: published.flow.language.clone(),
            published,
            variables,
            ahead: VecDeque::new(),
            doing: Doing::Ended,
            tries: 0,
            typed: String::new(),
            unasked: 0,
            passed: 0,
            steps: Vec::new(),
        }
    }

    /// Begins.
    pub fn begin(&mut self, now: DateTime<Utc>, world: &dyn World) -> Vec<Effect> {
        let mut out = Vec::new();
        self.note_flow(now, "started");
        self.go(now, self.node.clone(), world, &mut out);
        out
    }

    /// Goes on where it was, with the node's beginning: what was said there is said again.
    pub fn resume(&mut self, now: DateTime<Utc>, place: Place, world: &dyn World) -> Vec<Effect> {
        let mut out = Vec::new();
        (self.language, self.variables) = (place.language, place.variables);
        self.note_flow(now, "resumed");
        // A version that has no such node any more begins at its beginning.
        let node = if self.published.flow.node(&place.node).is_some() { place.node } else { self.node.clone() };
        self.go(now, node, world, &mut out);
        out
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place {
            flow: self.published.id,
            node: self.node.clone(),
            language: self.language.clone(),
            variables: self.variables.clone(),
        }
    }

    /// What was decided since this was last asked, and why.
    pub fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// A variable's value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The node that is waited at, and for what; nothing once it has ended.
    pub fn waits(&self) -> Option<(&str, Waits)> {
        let what = match &self.doing {
            Doing::Saying { .. } => Waits::Speech,
            Doing::Listening { .. } => Waits::Key,
            Doing::Fetching { .. } => Waits::Answer,
            Doing::Dialling => Waits::Party,
            Doing::Ended => return None,
        };
        Some((&self.node, what))
    }

    /// When it wants to be told that time went by.
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        match &self.doing {
            Doing::Saying { until, .. } | Doing::Listening { until } | Doing::Fetching { until } => Some(*until),
            Doing::Dialling | Doing::Ended => None,
        }
    }

    /// The machine's clock was set.
    pub fn clock_set(&mut self, by: TimeDelta) {
        if let Doing::Saying { until, .. } | Doing::Listening { until } | Doing::Fetching { until } = &mut self.doing {
            *until += by;
        }
    }

    /// Takes in one thing that happened and says what is to be done.
    pub fn handle(&mut self, now: DateTime<Utc>, event: Event, world: &dyn World) -> Vec<Effect> {
        let mut out = Vec::new();
        if matches!(event, Event::Key(_)) {
            self.unasked = 0;
        }
        match (event, self.doing.clone()) {
            (_, Doing::Ended) => {}
            (Event::Said, Doing::Saying { then, .. }) => self.said(now, then, world, &mut out),
            (Event::Tick, Doing::Saying { then, until }) if until <= now => self.said(now, then, world, &mut out),
            (Event::Key(key), doing) => self.key(now, key, doing, world, &mut out),
            (Event::Tick, Doing::Listening { until }) if until <= now => self.no_key(now, world, &mut out),
            (Event::Fetched(answer), Doing::Fetching { .. }) => self.fetched(now, answer, world, &mut out),
            (Event::Recalled(values), Doing::Fetching { .. }) => self.recalled(now, values, world, &mut out),
            (Event::Tick, Doing::Fetching { until }) if until <= now => {
                self.fetched(now, Err("no answer in time".to_owned()), world, &mut out);
            }
            (Event::Unanswered, Doing::Dialling) => {
                self.note(now, "unanswered", json!({}));
                if let Some(Action::Dial { next, .. }) = self.action() {
                    self.go(now, next, world, &mut out);
                }
            }
            _ => {}
        }
        out
    }

    /// A variable has this value from now on. All of them together are kept beside the call, and have to fit there.
    fn keep_variable(&mut self, name: String, value: &str) {
        if self.variables.len() >= MOST_VARIABLES && !self.variables.contains_key(&name) {
            return;
        }
        let mut kept = String::new();
        for letter in value.chars().filter(|letter| !letter.is_control()) {
            if kept.len() + letter.len_utf8() > MAX_VALUE {
                break;
            }
            kept.push(letter);
        }
        self.variables.insert(name, kept);
    }

    fn action(&self) -> Option<Action> {
        self.published.flow.node(&self.node).map(|node| node.action.clone())
    }

    fn current(&self) -> Option<&Node> {
        self.published.flow.node(&self.node)
    }

    fn media(&self, say: &super::model::Say) -> Vec<Media> {
        media(say, &self.variables, &self.language)
    }

    /// Says something, or goes on at once where there is nothing to say.
    fn say(
        &mut self,
        now: DateTime<Utc>,
        say: Vec<Media>,
        then: Then,
        world: &dyn World,
        out: &mut Vec<Effect>,
    ) -> Option<String> {
        if say.is_empty() {
            return match then {
                Then::Go(next) => Some(next),
                then => {
                    self.said(now, then, world, out);
                    None
                }
            };
        }
        out.push(Effect::Say(say));
        self.doing = Doing::Saying { then, until: now + LONGEST_SPEECH };
        None
    }

    fn said(&mut self, now: DateTime<Utc>, then: Then, world: &dyn World, out: &mut Vec<Effect>) {
        match then {
            Then::Go(next) => self.go(now, next, world, out),
            Then::Listen => self.listen(now, world, out),
            Then::End(end) => self.end(end, out),
        }
    }

    fn end(&mut self, end: End, out: &mut Vec<Effect>) {
        self.doing = Doing::Ended;
        out.push(Effect::End(end));
    }

    fn broken(&mut self, now: DateTime<Utc>, why: &str, data: serde_json::Value, out: &mut Vec<Effect>) {
        self.note(now, why, data);
        self.end(End::Broken, out);
    }

    /// Goes to a node, and on from there for as long as nothing has to be waited for.
    fn go(&mut self, now: DateTime<Utc>, node: String, world: &dyn World, out: &mut Vec<Effect>) {
        let mut next = Some(node);
        while let Some(node) = next {
            self.node = node;
            self.unasked += 1;
            self.passed += 1;
            if self.unasked > MOST_NODES_UNASKED || self.passed > MOST_NODES {
                self.broken(now, "endless", json!({}), out);
                return;
            }
            let Some(action) = self.action() else {
                self.broken(now, "no_node", json!({ "node": self.node }), out);
                return;
            };
            next = self.enter(now, action, world, out);
        }
    }

    /// Begins with a node. The next one, where nothing has to be waited for.
    fn enter(
        &mut self,
        now: DateTime<Utc>,
        action: Action,
        world: &dyn World,
        out: &mut Vec<Effect>,
    ) -> Option<String> {
        match action {
            Action::Play { say, next } => {
                self.note(now, "said", json!({}));
                // Who types ahead has heard it before.
                if !self.ahead.is_empty() {
                    return Some(next);
                }
                let say = self.media(&say);
                self.say(now, say, Then::Go(next), world, out)
            }
            Action::Menu { tries, .. } | Action::Gather { tries, .. } => {
                self.tries = tries;
                self.typed.clear();
                self.ask(now, Vec::new(), world, out)
            }
            Action::Recording { mode, say, next, .. } => {
                if mode == RecordingMode::Never {
                    out.push(Effect::Record(false));
                    self.note(now, "never", json!({}));
                }
                // An answer belongs to this very question.
                self.ahead.clear();
                let then = if mode == RecordingMode::Ask { Then::Listen } else { Then::Go(next) };
                if mode == RecordingMode::Announce {
                    self.note(now, "announced", json!({}));
                }
                let say = self.media(&say);
                self.say(now, say, then, world, out)
            }
            Action::Callback { queue_id, say, next } => {
                if !world.has_queue(queue_id) {
                    self.note(now, "no_queue", json!({ "queue_id": queue_id }));
                    return Some(next);
                }
                // Who hides their number cannot be called.
                if self.variable("caller.number").is_some_and(str::is_empty) {
                    self.note(now, "no_number", json!({ "queue_id": queue_id }));
                    return Some(next);
                }
                let say = self.media(&say);
                self.say(now, say, Then::Listen, world, out)
            }
            Action::Hours { schedule_id, open, closed } => {
                let Some(openness) = world.openness(schedule_id, now) else {
                    // Better a caller too many than one who is turned away by a mistake of ours.
                    self.note(now, "no_schedule", json!({ "schedule_id": schedule_id }));
                    return Some(open);
                };
                let data = json!({ "schedule_id": schedule_id, "why": openness.why, "name": openness.name });
                self.note(now, if openness.open { "open" } else { "closed" }, data);
                Some(if openness.open { open } else { closed })
            }
            Action::Language { language, next } => {
                self.note(now, "language", json!({ "language": language }));
                self.keep_variable("caller.language".to_owned(), &language);
                self.language = language;
                Some(next)
            }
            Action::Set { variable, value, next } => {
                let value = fill(&value, &self.variables, template::plain);
                self.note(now, "set", json!({ "variable": variable, "value": short(&value) }));
                self.keep_variable(variable, &value);
                Some(next)
            }
            Action::Branch { cases, otherwise } => Some(self.branch(now, &cases, otherwise)),
            Action::Http { method, url, headers, body, deadline_ms, .. } => {
                let values = &self.variables;
                let fetch = Fetch {
                    method,
                    url: fill(&url, values, template::in_url),
                    headers: headers
                        .into_iter()
                        .map(|(name, value)| (name, fill(&value, values, template::in_header)))
                        .collect(),
                    body: body.map(|body| fill(&body, values, template::in_json)),
                    deadline_ms,
                };
                out.extend([Effect::Music(true), Effect::Fetch(fetch)]);
                let until = now + TimeDelta::milliseconds(i64::from(deadline_ms) + GRACE_MS);
                self.doing = Doing::Fetching { until };
                None
            }
            Action::Dial { to, ring_seconds, next } => {
                let to = match to {
                    DialTo::Number(number) => DialTo::Number(fill(&number, &self.variables, template::plain)),
                    to @ DialTo::AgentId(_) => to,
                    DialTo::LastAgent => {
                        let last = self.variables.get(LAST_AGENT).and_then(|agent| agent.parse().ok());
                        let Some(agent) = last else {
                            self.note(now, "no_last_agent", json!({}));
                            return Some(next);
                        };
                        DialTo::AgentId(agent)
                    }
                };
                self.note(now, "dial", json!({ "to": to }));
                self.doing = Doing::Dialling;
                out.push(Effect::Dial { to, ring_seconds });
                None
            }
            Action::Flow { flow_id } => {
                let Some(published) = world.flow(flow_id) else {
                    self.broken(now, "no_flow", json!({ "flow_id": flow_id }), out);
                    return None;
                };
                self.note(now, "flow", json!({ "flow_id": flow_id, "name": published.name }));
                let start = published.flow.start.clone();
                self.published = published;
                self.node.clone_from(&start);
                self.note_flow(now, "started");
                Some(start)
            }
            Action::Queue { queue_id, priority } => {
                if world.has_queue(queue_id) {
                    self.note(now, "queue", json!({ "queue_id": queue_id, "priority": priority }));
                    self.end(End::Queue { queue: queue_id, priority }, out);
                } else {
                    self.broken(now, "no_queue", json!({ "queue_id": queue_id }), out);
                }
                None
            }
            Action::Voicemail { queue_id, say, max_seconds } => {
                self.note(now, "voicemail", json!({ "queue_id": queue_id }));
                let say = self.media(&say);
                self.end(End::Voicemail { queue: queue_id, say, max_seconds }, out);
                None
            }
            Action::HangUp { say, reason } => {
                self.note(now, "hang_up", json!({ "reason": reason }));
                let say = self.media(&say);
                self.say(now, say, Then::End(End::HangUp(reason)), world, out)
            }
        }
    }
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// That something is said.
    Speech,
    /// A key.
    Key,
    /// A program elsewhere.
    Answer,
    /// Somebody who is rung.
    Party,
}
