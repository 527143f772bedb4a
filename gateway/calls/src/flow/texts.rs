//! Texts of a flow that are the same for every caller, so that they can be spoken before the first one calls.

use std::collections::BTreeSet;

use super::model::{Action, Flow, Part};

/// How a variable begins.
const VARIABLE: &str = "{{";

impl Flow {
    /// Texts without variables, each with every language in which this flow may say it.
    pub fn fixed_texts(&self) -> BTreeSet<(&str, &str)> {
        let chosen = self.nodes.iter().filter_map(|node| match &node.action {
            Action::Language { language, .. } => Some(language.as_str()),
            _ => None,
        });
        let languages: BTreeSet<&str> = chosen.chain([self.language.as_str()]).collect();
        let says = self.nodes.iter().flat_map(|node| node.action.says());
        let texts = says.flat_map(|(_, say)| say).filter_map(|part| match part {
            Part::Text(text) if !text.contains(VARIABLE) => Some(text.as_str()),
            _ => None,
        });
        texts.flat_map(|text| languages.iter().map(move |language| (text, *language))).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_every_caller_hears_is_known_beforehand() {
        let flow: Flow = serde_json::from_value(json!({ "start": "a", "language": "en", "nodes": [
            { "id": "a", "do": { "type": "play", "say": [{ "text": "Hello" }, { "text": "You are {{caller.name}}" }], "next": "b" } },
            { "id": "b", "do": { "type": "language", "language": "it", "next": "c" } },
            { "id": "c", "do": { "type": "hang_up", "say": [{ "text": "Hello" }, { "builtin": "vm-goodbye" }, { "text": "Ciao" }] } },
        ] }))
        .unwrap();
        let expected = [("Ciao", "en"), ("Ciao", "it"), ("Hello", "en"), ("Hello", "it")];
        assert_eq!(flow.fixed_texts(), expected.into());
    }
}
