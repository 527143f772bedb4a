//! Why a call went where it went, and where it would go by another flow.

use std::collections::BTreeMap;

use serde_json::Value;
use trunkline_calls::flow::simulate::{HttpAnswer, Keys};
use trunkline_calls::flow::walk::Step;

/// What a caller did and what was known of them, as a simulation needs it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) keys: Vec<Keys>,
    pub(super) http: Vec<HttpAnswer>,
    pub(super) picks_up: bool,
}

fn answer(step: &Step) -> HttpAnswer {
    let node = step.node.clone().unwrap_or_default();
    HttpAnswer { node, status: 200, body: String::new(), fails: false, values: None }
}

/// Reads it off the trace of a call.
pub(super) fn done(steps: &[Step]) -> Done {
    let mut done = Done { picks_up: true, ..Done::default() };
    for step in steps {
        let text = |name: &str| step.data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut press = |digits: String| done.keys.push(Keys { node: None, digits });
        match step.what.as_str() {
            "key" | "wrong_key" | "agreed" | "no_callback" if step.data.get("key").is_some() => press(text("key")),
            "callback" => press("1".to_owned()),
            "gathered" => press(format!("{}#", text("value"))),
            "no_key" | "not_agreed" => press(String::new()),
            "unanswered" => done.picks_up = false,
            "fetched" => {
                let values = step.data.get("values").and_then(|it| serde_json::from_value(it.clone()).ok());
                let values: BTreeMap<String, String> = values.unwrap_or_default();
                done.http.push(HttpAnswer { values: Some(values), ..answer(step) });
            }
            "fetch_failed" => done.http.push(HttpAnswer { fails: true, ..answer(step) }),
            _ => {}
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_caller_did_is_read_off_their_trace() {
        let step = |what: &str, data: Value| Step {
            at: Utc::now(),
            node: Some("a".to_owned()),
            name: None,
            kind: "menu".to_owned(),
            what: what.to_owned(),
            data,
        };
        let done = done(&[
            step("said", json!({})),
            step("no_key", json!({})),
            step("key", json!({ "key": "2" })),
            step("gathered", json!({ "variable": "order", "value": "42" })),
            step("fetched", json!({ "status": 200, "values": { "state": "sent" } })),
            step("unanswered", json!({})),
        ]);
        let digits: Vec<&str> = done.keys.iter().map(|keys| keys.digits.as_str()).collect();
        assert_eq!(digits, ["", "2", "42#"]);
        assert_eq!(done.http[0].values, Some(BTreeMap::from([("state".to_owned(), "sent".to_owned())])));
        assert!(!done.picks_up);
    }
}
