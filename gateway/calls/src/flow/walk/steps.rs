//! What was decided, and why: the trace.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Walk;

/// Decisions of one call that are kept.
const MOST_STEPS: usize = 500;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CallStep)]
pub struct Step {
    /// When.
    pub at: DateTime<Utc>,
    /// At which node; of the flow itself: none.
    pub node: Option<String>,
    /// What the node, or the flow, is called.
    pub name: Option<String>,
    /// What kind of node it is; `flow` for the flow itself, `call` for what was decided outside of one.
    #[serde(rename = "type")]
    pub kind: String,
    /// What was decided, in a word.
    pub what: String,
    /// What it was decided by.
    pub data: Value,
}

impl Step {
    /// A decision of the call itself.
    pub fn of_call(at: DateTime<Utc>, what: &str, data: Value) -> Self {
        Self { at, node: None, name: None, kind: "call".to_owned(), what: what.to_owned(), data }
    }
}

impl Walk {
    pub(super) fn note(&mut self, at: DateTime<Utc>, what: &str, data: Value) {
        let node = self.current();
        let step = Step {
            at,
            node: Some(self.node.clone()),
            name: node.map(|node| node.name.clone()).filter(|name| !name.is_empty()),
            kind: node.map_or("flow", |node| node.action.word()).to_owned(),
            what: what.to_owned(),
            data,
        };
        self.push(step);
    }

    pub(super) fn note_flow(&mut self, at: DateTime<Utc>, what: &str) {
        let published = &self.published;
        let step = Step {
            at,
            node: None,
            name: Some(published.name.clone()),
            kind: "flow".to_owned(),
            what: what.to_owned(),
            data: json!({ "flow_id": published.id, "version": published.version }),
        };
        self.push(step);
    }

    fn push(&mut self, step: Step) {
        if self.steps.len() < MOST_STEPS {
            self.steps.push(step);
        }
    }
}
