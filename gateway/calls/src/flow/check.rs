//! What is wrong with a flow, before it is published.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::{Action, DialTo, Flow, MAX_NODES, Node, Part, RecordingMode, Say};
use super::template::{is_name, variables};
use crate::directory::e164;

/// Whether a flow that has it can be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FlowSeverity)]
pub enum Severity {
    /// No.
    Error,
    /// Yes.
    Warning,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = FlowFault)]
pub struct Fault {
    /// At which node; none: of the flow itself.
    pub node: Option<String>,
    /// In which field.
    pub field: Option<String>,
    /// What, in a word.
    pub code: String,
    /// The same for people.
    pub message: String,
    /// Whether a flow that has it can be published.
    pub severity: Severity,
}

/// What a flow may refer to.
pub trait Known {
    /// Whether there is such a queue.
    fn queue(&self, id: Uuid) -> bool;
    /// Whether there is such an agent.
    fn agent(&self, id: Uuid) -> bool;
    /// Whether there is such a sound, and it can be heard in some language.
    fn sound(&self, id: Uuid) -> bool;
    /// Whether there are such opening hours.
    fn schedule(&self, id: Uuid) -> bool;
    /// Whether there is such a flow, and it is published.
    fn flow(&self, id: Uuid) -> bool;
}

const MAX_TEXT: usize = 2_000;
const MAX_URL: usize = 2_000;
const MAX_PARTS: usize = 20;
const MAX_CASES: usize = 30;
const MAX_PAIRS: usize = 30;
const KEYS: &str = "0123456789*#";

struct Faults(Vec<Fault>);

impl Faults {
    fn error(&mut self, node: Option<&str>, field: Option<&str>, code: &str, message: impl Into<String>) {
        self.push(node, field, code, message.into(), Severity::Error);
    }

    fn push(&mut self, node: Option<&str>, field: Option<&str>, code: &str, message: String, severity: Severity) {
        let (node, field) = (node.map(str::to_owned), field.map(str::to_owned));
        self.0.push(Fault { node, field, code: code.to_owned(), message, severity });
    }
}

/// What is wrong with a flow.
pub fn check(flow: &Flow, known: &dyn Known) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    if flow.nodes.len() > MAX_NODES {
        faults.error(None, Some("nodes"), "too_long", format!("a flow has at most {MAX_NODES} steps"));
        return faults.0;
    }
    if !is_language(&flow.language) {
        faults.error(None, Some("language"), "bad_value", "the language is one such as en or pt-BR");
    }
    let mut nodes: BTreeMap<&str, &Node> = BTreeMap::new();
    for node in &flow.nodes {
        if !is_id(&node.id) {
            let words = "an id has 1 to 40 lower-case letters, digits and _";
            faults.error(Some(&node.id), Some("id"), "bad_value", words);
        }
        if nodes.insert(&node.id, node).is_some() {
            faults.error(Some(&node.id), Some("id"), "duplicate_id", "two steps have this id");
        }
        if node.name.chars().count() > 100 {
            faults.error(Some(&node.id), Some("name"), "too_long", "a name has at most 100 characters");
        }
    }
    if !nodes.contains_key(flow.start.as_str()) {
        faults.error(None, Some("start"), "no_start", "it is not said where a caller begins");
    }
    for node in &flow.nodes {
        check_exits(node, &nodes, &mut faults);
        check_texts(node, known, &mut faults);
        check_action(node, known, &mut faults);
    }
    check_reach(flow, &nodes, &mut faults);
    faults.0
}

fn is_id(id: &str) -> bool {
    (1..=40).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// BCP 47, as far as it is one.
pub(crate) fn is_language(language: &str) -> bool {
    (2..=35).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && language.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
}

fn check_exits(node: &Node, nodes: &BTreeMap<&str, &Node>, faults: &mut Faults) {
    for exit in node.action.exits() {
        let field = match exit.key {
            Some(key) => format!("keys.{key}"),
            None => exit.field.to_owned(),
        };
        if exit.to.is_empty() {
            faults.error(Some(&node.id), Some(&field), "no_next", "it is not said where it goes on");
        } else if !nodes.contains_key(exit.to) {
            faults.error(Some(&node.id), Some(&field), "unknown_node", "the step to which it leads is not there");
        }
    }
}

/// What is wrong with what is said, but for sounds that are not there.
pub(crate) fn say_fault(say: &Say) -> Option<String> {
    if say.len() > MAX_PARTS {
        return Some(format!("at most {MAX_PARTS} things are said at once"));
    }
    say.iter().find_map(|part| match part {
        Part::Text(text) | Part::Digits(text) if text.chars().count() > MAX_TEXT => {
            Some(format!("at most {MAX_TEXT} characters"))
        }
        _ => part_fault(part).map(str::to_owned),
    })
}

fn part_fault(part: &Part) -> Option<&'static str> {
    match part {
        Part::Text(text) if text.trim().is_empty() => Some("a text that is spoken must say something"),
        Part::Builtin(name) if !is_builtin(name) => Some("a sound of Asterisk has letters, digits, -, _ and /"),
        _ => None,
    }
}

fn check_texts(node: &Node, known: &dyn Known, faults: &mut Faults) {
    let id = Some(node.id.as_str());
    for (field, say) in node.action.says() {
        if say.len() > MAX_PARTS {
            faults.error(id, Some(field), "too_long", format!("at most {MAX_PARTS} things are said at once"));
        }
        for part in say {
            match part {
                Part::SoundId(sound) if !known.sound(*sound) => {
                    faults.error(id, Some(field), "no_sound", "the sound is not there, or is empty");
                }
                part => {
                    if let Some(words) = part_fault(part) {
                        faults.error(id, Some(field), "bad_value", words);
                    }
                }
            }
        }
    }
    for (field, text) in node.action.templates() {
        if text.chars().count() > MAX_TEXT {
            faults.error(id, Some(field), "too_long", format!("at most {MAX_TEXT} characters"));
        }
        if let Some(name) = variables(text).find(|name| !is_name(name)) {
            let name: String = name.chars().take(50).collect();
            faults.error(id, Some(field), "bad_value", format!("{name:?} cannot be the name of a variable"));
        }
    }
    for (field, name) in node.action.writes() {
        if !is_name(name) || name.starts_with("call.") {
            let words =
                "a variable has 1 to 40 lower-case letters, digits, _ and ., a letter first, and is none of call.…";
            faults.error(id, Some(field), "bad_value", words);
        }
    }
}

/// A name in Asterisk's folder of sounds, and nowhere else.
fn is_builtin(name: &str) -> bool {
    (1..=80).contains(&name.len())
        && !name.starts_with('/')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte))
}

fn check_action(node: &Node, known: &dyn Known, faults: &mut Faults) {
    let id = Some(node.id.as_str());
    let mut error = |field: &str, code: &str, words: &str| faults.error(id, Some(field), code, words);
    match &node.action {
        Action::Play { say, .. } if say.is_empty() => error("say", "bad_value", "nothing is said"),
        Action::Menu { say, keys, timeout_seconds, tries, .. } => {
            if say.is_empty() {
                error("say", "bad_value", "the question says nothing");
            }
            if keys.is_empty() || keys.keys().any(|key| !KEYS.contains(*key)) {
                error("keys", "bad_value", "a menu has at least one key, of 0 to 9, * and #");
            }
            check_question(*timeout_seconds, *tries, &mut error);
        }
        Action::Gather { say, min, max, terminator, timeout_seconds, tries, .. } => {
            if say.is_empty() {
                error("say", "bad_value", "the question says nothing");
            }
            if *max == 0 || *max > 32 || min > max {
                error("max", "bad_value", "at least min, and 1 to 32");
            }
            if terminator.is_some_and(|key| !"*#".contains(key)) {
                error("terminator", "bad_value", "* or #");
            }
            check_question(*timeout_seconds, *tries, &mut error);
        }
        Action::Hours { schedule_id, .. } if !known.schedule(*schedule_id) => {
            error("schedule_id", "no_schedule", "these opening hours are not there");
        }
        Action::Language { language, .. } if !is_language(language) => {
            error("language", "bad_value", "a language such as en or pt-BR");
        }
        Action::Http { url, headers, save, deadline_ms, .. } => {
            if !is_url(url) {
                error("url", "bad_url", "an address that begins with https:// or http:// and a host without variables");
            }
            if headers.len() > MAX_PAIRS || headers.keys().any(|name| !is_header(name)) {
                error("headers", "bad_value", "at most 30 headers, whose names have letters, digits and -");
            }
            if save.len() > MAX_PAIRS || save.values().any(|at| !at.is_empty() && !at.starts_with('/')) {
                error("save", "bad_value", "at most 30 variables, each with a JSON pointer such as /order/state");
            }
            if !(100..=10_000).contains(deadline_ms) {
                error("deadline_ms", "bad_value", "100 to 10000");
            }
        }
        Action::Branch { cases, .. } => {
            if cases.is_empty() || cases.len() > MAX_CASES {
                error("cases", "bad_value", "1 to 30 cases");
            }
            if cases.iter().any(|case| !is_name(&case.variable)) {
                error("cases", "bad_value", "each case looks at a variable");
            }
        }
        Action::Recording { mode, say, accept, .. } => {
            if *mode != RecordingMode::Never && say.is_empty() {
                error("say", "bad_value", "nothing is said");
            }
            if *mode == RecordingMode::Ask && !accept.is_some_and(|key| KEYS.contains(key)) {
                error("accept", "bad_value", "the key by which they agree, of 0 to 9, * and #");
            }
        }
        Action::Queue { queue_id, priority } => {
            if !known.queue(*queue_id) {
                error("queue_id", "no_queue", "the queue is not there");
            }
            if !(-100..=100).contains(priority) {
                error("priority", "bad_value", "-100 to 100");
            }
        }
        Action::Dial { to, ring_seconds, .. } => {
            match to {
                DialTo::AgentId(agent) if !known.agent(*agent) => error("to", "no_agent", "the agent is not there"),
                DialTo::Number(number) if !is_number(number) => {
                    error("to", "bad_value", "+ and 7 to 15 digits, or a variable");
                }
                _ => {}
            }
            if !(5..=120).contains(ring_seconds) {
                error("ring_seconds", "bad_value", "5 to 120");
            }
        }
        Action::Voicemail { queue_id, say, max_seconds } => {
            if !known.queue(*queue_id) {
                error("queue_id", "no_queue", "the queue is not there");
            }
            if say.is_empty() {
                error("say", "bad_value", "the greeting says nothing");
            }
            if !(5..=600).contains(max_seconds) {
                error("max_seconds", "bad_value", "5 to 600");
            }
        }
        Action::Callback { queue_id, say, .. } => {
            if !known.queue(*queue_id) {
                error("queue_id", "no_queue", "the queue is not there");
            }
            if say.is_empty() {
                error("say", "bad_value", "the question says nothing");
            }
        }
        Action::Flow { flow_id } if !known.flow(*flow_id) => {
            error("flow_id", "no_flow", "the flow is not there, or not published");
        }
        _ => {}
    }
}

fn check_question(timeout_seconds: u32, tries: u32, error: &mut impl FnMut(&str, &str, &str)) {
    if !(1..=30).contains(&timeout_seconds) {
        error("timeout_seconds", "bad_value", "1 to 30");
    }
    if !(1..=5).contains(&tries) {
        error("tries", "bad_value", "1 to 5");
    }
}

/// Who is asked does not depend on what a caller typed.
fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty()
            && !host.contains("{{")
            && !host.contains('@')
            && url.len() <= MAX_URL
            && !url.contains(char::is_whitespace)
    })
}

fn is_header(name: &str) -> bool {
    let forbidden = ["host", "content-length", "transfer-encoding", "connection"];
    (1..=60).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !forbidden.contains(&name.to_ascii_lowercase().as_str())
}

fn is_number(number: &str) -> bool {
    let is_variable = number.starts_with("{{") && number.ends_with("}}");
    is_variable || (number.starts_with('+') && e164(number) == number && number.len() > 7)
}

/// Steps that nobody comes to, and circles in which nobody is asked anything.
fn check_reach(flow: &Flow, nodes: &BTreeMap<&str, &Node>, faults: &mut Faults) {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut waiting = vec![flow.start.as_str()];
    while let Some(id) = waiting.pop() {
        if let Some(node) = nodes.get(id)
            && reached.insert(id)
        {
            waiting.extend(node.action.exits().iter().map(|exit| exit.to));
        }
    }
    for node in &flow.nodes {
        if !reached.contains(node.id.as_str()) {
            let words = "no way leads here".to_owned();
            faults.push(Some(&node.id), None, "unreachable", words, Severity::Warning);
        }
    }
    for id in circle(&reached, nodes) {
        let words = "from here it goes round for ever, and nobody has to press a key";
        faults.error(Some(id), None, "endless", words);
    }
}

/// The nodes of circles that are gone round without a key: what is left once everything that leads out of them, or nowhere, is taken away.
fn circle<'a>(reached: &BTreeSet<&'a str>, nodes: &BTreeMap<&'a str, &'a Node>) -> Vec<&'a str> {
    let silent = |id: &str| -> Vec<&'a str> {
        let Some(node) = nodes.get(id) else { return Vec::new() };
        node.action
            .exits()
            .iter()
            .filter(|exit| !exit.by_key)
            .filter_map(|exit| nodes.get_key_value(exit.to))
            .map(|(id, _)| *id)
            .collect()
    };
    // On a circle is who comes back to itself.
    let comes_back = |start: &&'a str| {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut waiting = silent(start);
        while let Some(id) = waiting.pop() {
            if id == *start {
                return true;
            }
            if seen.insert(id) {
                waiting.extend(silent(id));
            }
        }
        false
    };
    reached.iter().filter(|id| nodes.contains_key(**id)).filter(|id| comes_back(id)).copied().collect()
}
