//! Evidence in words.

use serde_json::Value;

/// How we know of an identity.
pub(super) fn of_identity(evidence: &Value) -> String {
    let text = |name: &str| evidence.get(name).and_then(Value::as_str);
    let mut words = match text("by") {
        Some("whatsapp") => "WhatsApp told it with a message".to_owned(),
        Some("telegram") => "Telegram told it with a message".to_owned(),
        Some("twilio") => "it came with a message of the SMS provider".to_owned(),
        Some("call") => "it came with a call".to_owned(),
        Some("agent") => "somebody of ours wrote it".to_owned(),
        Some(other) => format!("{other} told it"),
        None => "it is not known how".to_owned(),
    };
    if text("implied_by") == Some("whatsapp_id") {
        "it follows from the WhatsApp id, which is a number".clone_into(&mut words);
    }
    quoted(words, text("text"))
}

/// Why two are, or may be, one person.
pub(super) fn of_proof(proof: &Value) -> Vec<String> {
    proof.as_array().map(|all| all.iter().map(one_proof).collect()).unwrap_or_default()
}

fn one_proof(proof: &Value) -> String {
    let text = |name: &str| proof.get(name).and_then(Value::as_str);
    let value = text("value").unwrap_or("?");
    let words = match text("what") {
        Some("same_phone") => format!("both have the number {value}"),
        Some("same_email") => format!("both have the address {value}"),
        Some("same_identity") => format!("both are {value}"),
        Some("told_together") => format!("{value} was told in one message with the other's"),
        Some("same_username") => format!("both go by {value}, and are called alike"),
        Some("shared_card") => format!("a card of their own name has {value}"),
        Some("provider_says") => {
            format!("the provider says that {} is {} now", text("old").unwrap_or("?"), text("new").unwrap_or("?"))
        }
        Some("agent") => "somebody of ours says so".to_owned(),
        Some(other) => other.to_owned(),
        None => "no reason was given".to_owned(),
    };
    let said = text("text").or_else(|| proof.get("evidence")?.get("text")?.as_str());
    quoted(words, said)
}

fn quoted(words: String, said: Option<&str>) -> String {
    match said {
        Some(said) => format!("{words}: “{said}”"),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn evidence_is_told_in_a_sentence() {
        assert_eq!(of_identity(&json!({"by": "call"})), "it came with a call");
        assert_eq!(
            of_identity(&json!({"by": "whatsapp", "implied_by": "whatsapp_id"})),
            "it follows from the WhatsApp id, which is a number"
        );
        assert_eq!(of_identity(&json!(null)), "it is not known how");
    }

    #[test]
    fn a_proof_is_told_with_its_value_and_the_providers_words() {
        let proof = json!([
            {"what": "same_phone", "value": "+393331234567"},
            {"what": "provider_says", "old": "1", "new": "2", "evidence": {"text": "changed"}},
            {"what": "agent", "text": "told me on the phone"},
            7,
        ]);
        assert_eq!(
            of_proof(&proof),
            [
                "both have the number +393331234567",
                "the provider says that 1 is 2 now: “changed”",
                "somebody of ours says so: “told me on the phone”",
                "no reason was given",
            ]
        );
        assert!(of_proof(&json!({})).is_empty());
    }
}
