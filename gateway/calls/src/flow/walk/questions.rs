//! Questions, keys, and answers of programs elsewhere.
//!
//! A key may come before, during and after what is said. During a question it answers it; before, it is kept, and answers the next question without
//! that being asked.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::super::model::{Action, Case, Is};
use super::super::template::{self, fill};
use super::{ASK_SECONDS, Answer, Doing, Effect, End, MOST_AHEAD, Media, Then, Walk, World, short};

/// The key that asks to be called back.
const AGREES: char = '1';

impl Walk {
    /// Asks the question of the node, after these words; a key that is there already answers it at once.
    pub(super) fn ask(
        &mut self,
        now: DateTime<Utc>,
        first: Vec<Media>,
        world: &dyn World,
        out: &mut Vec<Effect>,
    ) -> Option<String> {
        if !self.ahead.is_empty() {
            self.listen(now, world, out);
            return None;
        }
        let say = match self.action() {
            Some(Action::Menu { say, .. } | Action::Gather { say, .. }) => self.media(&say),
            _ => Vec::new(),
        };
        let say: Vec<Media> = first.into_iter().chain(say).collect();
        self.say(now, say, Then::Listen, world, out)
    }

    /// Waits for a key, and takes those that are there.
    pub(super) fn listen(&mut self, now: DateTime<Utc>, world: &dyn World, out: &mut Vec<Effect>) {
        let seconds = match self.action() {
            Some(Action::Menu { timeout_seconds, .. } | Action::Gather { timeout_seconds, .. }) => {
                i64::from(timeout_seconds)
            }
            _ => ASK_SECONDS,
        };
        self.doing = Doing::Listening { until: now + TimeDelta::seconds(seconds) };
        let node = self.node.clone();
        while self.node == node && matches!(self.doing, Doing::Listening { .. }) {
            let Some(key) = self.ahead.pop_front() else { break };
            self.pressed(now, key, world, out);
        }
    }

    pub(super) fn key(
        &mut self,
        now: DateTime<Utc>,
        key: char,
        doing: Doing,
        world: &dyn World,
        out: &mut Vec<Effect>,
    ) {
        match (doing, self.action()) {
            (Doing::Listening { .. }, _) => self.pressed(now, key, world, out),
            (Doing::Saying { then: Then::Listen, .. }, _) => {
                out.push(Effect::Silence);
                self.doing = Doing::Listening { until: now };
                self.listen_again(now);
                self.pressed(now, key, world, out);
            }
            (Doing::Saying { then: Then::Go(next), .. }, Some(Action::Play { .. })) => {
                self.keep(key);
                out.push(Effect::Silence);
                self.go(now, next, world, out);
            }
            // What has to be heard is heard; the key is for what comes after.
            _ => self.keep(key),
        }
    }

    fn keep(&mut self, key: char) {
        if self.ahead.len() < MOST_AHEAD {
            self.ahead.push_back(key);
        }
    }

    /// From this key on the next one is waited for.
    fn listen_again(&mut self, now: DateTime<Utc>) {
        if let (
            Doing::Listening { until },
            Some(Action::Menu { timeout_seconds, .. } | Action::Gather { timeout_seconds, .. }),
        ) = (&mut self.doing, self.published.flow.node(&self.node).map(|node| &node.action))
        {
            *until = now + TimeDelta::seconds(i64::from(*timeout_seconds));
        }
    }

    fn pressed(&mut self, now: DateTime<Utc>, key: char, world: &dyn World, out: &mut Vec<Effect>) {
        match self.action() {
            Some(Action::Menu { keys, .. }) => match keys.get(&key) {
                Some(next) => {
                    self.note(now, "key", json!({ "key": key }));
                    self.go(now, next.clone(), world, out);
                }
                None => self.wrong(now, json!({ "key": key }), world, out),
            },
            Some(Action::Gather { variable, min, max, terminator, next, .. }) => {
                if Some(key) != terminator {
                    self.typed.push(key);
                    self.listen_again(now);
                }
                let count = u32::try_from(self.typed.len()).unwrap_or(u32::MAX);
                let is_over = Some(key) == terminator || count >= max;
                if is_over && count >= min {
                    self.gathered(now, variable, next, world, out);
                } else if is_over {
                    self.wrong(now, json!({ "typed": self.typed.len() }), world, out);
                }
            }
            Some(Action::Recording { accept, next, .. }) => {
                let agreed = Some(key) == accept;
                out.push(Effect::Record(agreed));
                self.note(now, if agreed { "agreed" } else { "not_agreed" }, json!({ "key": key }));
                self.go(now, next, world, out);
            }
            Some(Action::Callback { queue_id, next, .. }) => {
                if key == AGREES {
                    self.note(now, "callback", json!({ "queue_id": queue_id }));
                    self.end(End::Callback { queue: queue_id }, out);
                } else {
                    self.note(now, "no_callback", json!({ "key": key }));
                    self.go(now, next, world, out);
                }
            }
            _ => {}
        }
    }

    fn gathered(
        &mut self,
        now: DateTime<Utc>,
        variable: String,
        next: String,
        world: &dyn World,
        out: &mut Vec<Effect>,
    ) {
        let value = std::mem::take(&mut self.typed);
        self.note(now, "gathered", json!({ "variable": variable, "value": value }));
        self.keep_variable(variable, &value);
        self.go(now, next, world, out);
    }

    /// No key came in time.
    pub(super) fn no_key(&mut self, now: DateTime<Utc>, world: &dyn World, out: &mut Vec<Effect>) {
        match self.action() {
            Some(Action::Gather { variable, min, next, .. })
                if self.typed.len() >= usize::try_from(min).unwrap_or(usize::MAX) && !self.typed.is_empty() =>
            {
                self.gathered(now, variable, next, world, out);
            }
            Some(Action::Recording { next, .. }) => {
                out.push(Effect::Record(false));
                self.note(now, "not_agreed", json!({}));
                self.go(now, next, world, out);
            }
            Some(Action::Callback { next, .. }) => {
                self.note(now, "no_callback", json!({}));
                self.go(now, next, world, out);
            }
            _ => {
                self.note(now, "no_key", json!({}));
                self.once_more(now, Vec::new(), world, out);
            }
        }
    }

    fn wrong(&mut self, now: DateTime<Utc>, data: Value, world: &dyn World, out: &mut Vec<Effect>) {
        self.note(now, "wrong_key", data);
        // What was typed after a wrong key was meant for another question.
        self.ahead.clear();
        let words = match self.action() {
            Some(Action::Menu { wrong, .. } | Action::Gather { wrong, .. }) => self.media(&wrong),
            _ => Vec::new(),
        };
        self.once_more(now, words, world, out);
    }

    fn once_more(&mut self, now: DateTime<Utc>, words: Vec<Media>, world: &dyn World, out: &mut Vec<Effect>) {
        self.typed.clear();
        self.tries = self.tries.saturating_sub(1);
        if self.tries > 0 {
            if let Some(next) = self.ask(now, words, world, out) {
                self.go(now, next, world, out);
            }
            return;
        }
        if let Some(Action::Menu { otherwise, .. } | Action::Gather { otherwise, .. }) = self.action() {
            self.note(now, "otherwise", json!({}));
            self.go(now, otherwise, world, out);
        }
    }

    /// The first case that is so.
    pub(super) fn branch(&mut self, now: DateTime<Utc>, cases: &[Case], otherwise: String) -> String {
        let holds = |case: &Case| {
            let value = self.variables.get(&case.variable).map_or("", String::as_str);
            let with = fill(&case.value, &self.variables, template::plain);
            match case.is {
                Is::Equals => value == with,
                Is::NotEquals => value != with,
                Is::StartsWith => !with.is_empty() && value.starts_with(&with),
                Is::Set => !value.is_empty(),
                Is::NotSet => value.is_empty(),
            }
        };
        let Some((place, case)) = cases.iter().enumerate().find(|(_, case)| holds(case)) else {
            self.note(now, "otherwise", json!({}));
            return otherwise;
        };
        let value = self.variables.get(&case.variable).cloned().unwrap_or_default();
        self.note(now, "case", json!({ "case": place + 1, "variable": case.variable, "value": short(&value) }));
        case.next.clone()
    }

    /// The program elsewhere answered, or did not.
    pub(super) fn fetched(
        &mut self,
        now: DateTime<Utc>,
        answer: Result<Answer, String>,
        world: &dyn World,
        out: &mut Vec<Effect>,
    ) {
        let Some(Action::Http { save, next, failed, .. }) = self.action() else { return };
        out.push(Effect::Music(false));
        match answer.and_then(|answer| Ok((answer.status, values_of(&answer, &save)?))) {
            Ok((status, values)) => {
                self.saved(now, status, values);
                self.go(now, next, world, out);
            }
            Err(why) => {
                self.note(now, "fetch_failed", json!({ "why": short(&why) }));
                self.go(now, failed, world, out);
            }
        }
    }

    /// What a program elsewhere answered when the call was there.
    pub(super) fn recalled(
        &mut self,
        now: DateTime<Utc>,
        values: BTreeMap<String, String>,
        world: &dyn World,
        out: &mut Vec<Effect>,
    ) {
        let Some(Action::Http { next, .. }) = self.action() else { return };
        self.saved(now, 200, values.into_iter().collect());
        self.go(now, next, world, out);
    }

    fn saved(&mut self, now: DateTime<Utc>, status: u16, values: Vec<(String, String)>) {
        let shown: BTreeMap<&String, String> = values.iter().map(|(name, value)| (name, short(value))).collect();
        self.note(now, "fetched", json!({ "status": status, "values": shown }));
        for (name, value) in values {
            self.keep_variable(name, &value);
        }
    }
}

/// What of an answer is to be kept.
fn values_of(answer: &Answer, save: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, String> {
    if !(200..300).contains(&answer.status) {
        return Err(format!("status {}", answer.status));
    }
    if save.is_empty() {
        return Ok(Vec::new());
    }
    let body: Value = serde_json::from_str(&answer.body).map_err(|_| "the answer is no JSON".to_owned())?;
    let value = |pointer: &str| match body.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    Ok(save.iter().map(|(name, pointer)| (name.clone(), value(pointer))).collect())
}
