//! Texts with `{{variables}}`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Characters of a text once its variables have their values.
pub(super) const MAX_FILLED: usize = 4_000;

/// What a text is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// The pieces of a text. Braces that are never closed are text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let Some(end) = rest[at..].find("}}") else { break };
        if at > 0 {
            pieces.push(Piece::Text(&rest[..at]));
        }
        pieces.push(Piece::Variable(rest[at + 2..at + end].trim()));
        rest = &rest[at + end + 2..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// The variables of a text.
pub(super) fn variables(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Variable(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The text with its variables' values, each written by `write`. One that has none is empty.
pub(super) fn fill(text: &str, variables: &BTreeMap<String, String>, write: impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable(name) => filled.push_str(&write(variables.get(name).map_or("", String::as_str))),
        }
    }
    if filled.chars().count() > MAX_FILLED {
        filled = filled.chars().take(MAX_FILLED).collect();
    }
    filled
}

/// As it is.
pub(super) fn plain(value: &str) -> String {
    value.to_owned()
}

/// For an address: nothing of a value has a meaning there (RFC 3986 §2.3).
pub(super) fn in_url(value: &str) -> String {
    let mut written = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            written.push(char::from(byte));
        } else {
            let _ = write!(written, "%{byte:02X}");
        }
    }
    written
}

/// Within a string of JSON.
pub(super) fn in_json(value: &str) -> String {
    let quoted = serde_json::Value::String(value.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// In a header: one line (RFC 9110 §5.5).
pub(super) fn in_header(value: &str) -> String {
    value.chars().filter(|letter| !letter.is_control()).collect()
}

/// Whether it can be a variable's name: 1 to 40 lower-case letters, digits, `_` and `.`, a letter or `_` first.
pub(super) fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte))
        && name.as_bytes().first().is_some_and(|first| first.is_ascii_lowercase() || *first == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn variables_have_their_values() {
        let values = BTreeMap::from([("order".to_owned(), "4 2&\"".to_owned())]);
        assert_eq!(fill("Order {{ order }} {{none}}!", &values, plain), "Order 4 2&\" !");
        assert_eq!(fill("/o?n={{order}}", &values, in_url), "/o?n=4%202%26%22");
        assert_eq!(fill("{\"n\":\"{{order}}\"}", &values, in_json), "{\"n\":\"4 2&\\\"\"}");
        assert_eq!(fill("{{order", &values, plain), "{{order");
        assert_eq!(variables("{{a}} {{ b.c }} {{").collect::<Vec<_>>(), ["a", "b.c"]);
    }

    proptest! {
        #[test]
        fn any_text_can_be_filled(text in "\\PC{0,60}", value in "\\PC{0,20}") {
            let values = BTreeMap::from([("a".to_owned(), value)]);
            let _ = fill(&text, &values, in_json);
            let _ = fill(&text, &values, in_url);
            let without = text.replace(['{', '}'], "");
            prop_assert_eq!(fill(&without, &values, plain), without);
        }
    }
}
