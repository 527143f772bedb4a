//! JSON bodies of requests.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::ConfigTuple;

/// Channel or bridge variables to set, by name.
///
/// ```
/// use trunkline_ari::body::{Variable, Variables};
/// let variables = Variables::from([("CALLERID(name)", "Alice")]).with("Call_State", Variable::reported("waiting"));
/// assert_eq!(variables.len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, Variable>);

/// One variable's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The value.
    pub value: String,
    /// Include later changes in the events of the channel or bridge (Asterisk 22.10 and later).
    pub report_events: bool,
}

impl Variable {
    /// A value whose changes Asterisk puts into the events (`channelvars`, `bridgevars`).
    pub fn reported(value: impl Into<String>) -> Self {
        Self { value: value.into(), report_events: true }
    }
}

impl<T: Into<String>> From<T> for Variable {
    fn from(value: T) -> Self {
        Self { value: value.into(), report_events: false }
    }
}

impl Variables {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Variable>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Number of variables.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<Variable>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl<N: Into<String>, V: Into<Variable>, const COUNT: usize> From<[(N, V); COUNT]> for Variables {
    fn from(pairs: [(N, V); COUNT]) -> Self {
        pairs.into_iter().collect()
    }
}

/// Variables of a channel: plain text where nothing is to be reported, which every Asterisk 22 understands.
pub(crate) fn variables(variables: &Variables) -> Value {
    let values: Map<String, Value> = variables
        .0
        .iter()
        .map(|(name, variable)| {
            let value = if variable.report_events { reported(variable) } else { json!(variable.value) };
            (name.clone(), value)
        })
        .collect();
    json!({ "variables": values })
}

/// Variables of a bridge: always objects, a bridge takes no plain text.
pub(crate) fn bridge_variables(variables: &Variables) -> Value {
    let values: Map<String, Value> =
        variables.0.iter().map(|(name, variable)| (name.clone(), reported(variable))).collect();
    json!({ "variables": values })
}

fn reported(variable: &Variable) -> Value {
    json!({ "value": variable.value, "report_events": variable.report_events })
}

/// Fields of a dynamic configuration object.
pub(crate) fn fields(fields: &[ConfigTuple]) -> Value {
    json!({ "fields": fields })
}

/// What a user event carries.
pub(crate) fn user_event(variables: &Map<String, Value>) -> Value {
    json!({ "variables": variables })
}

/// An application's event filter: the body as it is.
pub(crate) fn filter(filter: &Map<String, Value>) -> Value {
    Value::Object(filter.clone())
}
