//! A flow without a caller: what somebody would hear who calls at this time and presses these keys. Nothing is called, and no program elsewhere is asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::{DialTo, HangUpReason};
use super::walk::{Answer, Effect, End, Event, Published, Step, Waits, Walk, World};

/// How long it takes, on the clock of a simulation, to say something.
const SPEECH: TimeDelta = TimeDelta::seconds(3);
/// Things that happen in one simulation.
const MOST_EVENTS: usize = 2_000;

/// Keys that the caller presses when they are asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowKeys)]
pub struct Keys {
    /// At which node; none: at the next that asks.
    #[serde(default)]
    pub node: Option<String>,
    /// Which; none of them: the caller waits until the question is over.
    pub digits: String,
}

/// What a program elsewhere answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowHttpAnswer)]
pub struct HttpAnswer {
    /// At which node.
    pub node: String,
    /// HTTP's status.
    #[serde(default = "ok")]
    pub status: u16,
    /// The body.
    #[serde(default)]
    pub body: String,
    /// It does not answer.
    #[serde(default)]
    pub fails: bool,
    /// In place of an answer: the values that its variables have then.
    #[serde(default)]
    pub values: Option<BTreeMap<String, String>>,
}

fn ok() -> u16 {
    200
}

/// How a simulation goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// When the call comes.
    pub at: DateTime<Utc>,
    /// What is known of the caller.
    pub variables: BTreeMap<String, String>,
    /// What they press, in the order of being asked.
    pub keys: Vec<Keys>,
    /// What programs elsewhere answer.
    pub http: Vec<HttpAnswer>,
    /// Whether who is rung answers.
    pub picks_up: bool,
}

/// How a simulation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = FlowEnds)]
pub enum Ends {
    /// The caller waits in a queue.
    Queue {
        /// Which.
        queue_id: Uuid,
        /// What is added to their priority.
        priority: i16,
    },
    /// They leave a message.
    Voicemail {
        /// Whose inbox has it.
        queue_id: Uuid,
    },
    /// They are called back.
    Callback {
        /// By whose agents.
        queue_id: Uuid,
    },
    /// They talk with who was rung.
    Talk {
        /// Whom.
        to: DialTo,
    },
    /// The call is over.
    HangUp {
        /// How it counts.
        reason: HangUpReason,
    },
    /// The flow cannot go on, and a word of regret is said.
    Broken,
    /// More keys, or answers, are needed.
    Waiting {
        /// At which node.
        node: String,
        /// For what: `key` or `answer`.
        #[serde(rename = "for")]
        wants: String,
    },
}

/// A simulated way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FlowSimulated)]
pub struct Simulated {
    /// What was decided, and why.
    pub path: Vec<Step>,
    /// How it ended.
    pub ends: Ends,
    /// Whether the call may be recorded.
    pub recorded: bool,
}

/// Walks a flow.
pub fn simulate(published: Arc<Published>, script: Script, world: &dyn World) -> Simulated {
    let mut now = script.at;
    let mut keys: VecDeque<Keys> = script.keys.into();
    let mut walk = Walk::new(published, script.variables);
    let mut path = Vec::new();
    let mut recorded = true;
    let mut dialled = None;
    let mut effects = walk.begin(now, world);
    for _ in 0..MOST_EVENTS {
        path.extend(walk.take_steps());
        let mut end = None;
        for effect in effects {
            match effect {
                Effect::Record(may) => recorded = may,
                Effect::Dial { to, .. } => dialled = Some(to),
                Effect::End(how) => end = Some(how),
                Effect::Say(_) | Effect::Silence | Effect::Music(_) | Effect::Fetch(_) => {}
            }
        }
        if let Some(end) = end {
            return Simulated { path, ends: ended(&end), recorded };
        }
        let Some((node, waits)) = walk.waits() else { break };
        let node = node.to_owned();
        let event = match waits {
            Waits::Speech => {
                now += SPEECH;
                Event::Said
            }
            Waits::Key => match keys.iter().position(|one| one.node.as_ref().is_none_or(|at| *at == node)) {
                None => {
                    return Simulated { path, ends: Ends::Waiting { node, wants: "key".to_owned() }, recorded };
                }
                Some(place) => {
                    if let Some(key) = keys[place].digits.chars().next() {
                        now += TimeDelta::seconds(1);
                        keys[place].digits.remove(0);
                        if keys[place].digits.is_empty() {
                            // What was typed is over: the next question has the next keys.
                            keys.remove(place);
                        }
                        Event::Key(key)
                    } else {
                        keys.remove(place);
                        now = walk.deadline().unwrap_or(now).max(now);
                        Event::Tick
                    }
                }
            },
            Waits::Answer => match script.http.iter().find(|answer| answer.node == node) {
                None => {
                    return Simulated { path, ends: Ends::Waiting { node, wants: "answer".to_owned() }, recorded };
                }
                Some(HttpAnswer { values: Some(values), .. }) => Event::Recalled(values.clone()),
                Some(answer) if answer.fails => Event::Fetched(Err("no answer".to_owned())),
                Some(answer) => Event::Fetched(Ok(Answer { status: answer.status, body: answer.body.clone() })),
            },
            Waits::Party => match dialled.take() {
                Some(to) if script.picks_up => return Simulated { path, ends: Ends::Talk { to }, recorded },
                _ => Event::Unanswered,
            },
        };
        effects = walk.handle(now, event, world);
    }
    path.extend(walk.take_steps());
    Simulated { path, ends: Ends::Broken, recorded }
}

fn ended(end: &End) -> Ends {
    match *end {
        End::Queue { queue, priority } => Ends::Queue { queue_id: queue, priority },
        End::Voicemail { queue, .. } => Ends::Voicemail { queue_id: queue },
        End::Callback { queue } => Ends::Callback { queue_id: queue },
        End::HangUp(reason) => Ends::HangUp { reason },
        End::Broken => Ends::Broken,
    }
}
