//! Channel variables, and what may stand in them.
//!
//! A dialplan puts a variable's value into expressions, arguments and lists, where quotes, commas, brackets and a dollar sign would be syntax.
//! Names of people come from callers. So a value is made of letters, digits and a few signs that mean nothing anywhere in a dialplan; the rest
//! becomes a space or goes. One rule for FastAGI, for lines and for JSON: whichever way it came, a variable is safe to use.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Most characters of a value.
const MAX_CHARS: usize = 120;
/// Signs beside letters and digits that a value may hold.
const SIGNS: &[char] = &[' ', '-', '_', '.', '+', ':', '@', '\u{2019}'];

/// Variables with their values, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Vars(Vec<(&'static str, String)>);

impl Vars {
    /// Adds one, or changes it.
    pub(crate) fn set(&mut self, name: &'static str, value: impl AsRef<str>) {
        let value = safe(value.as_ref());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Adds a `1` or a `0`.
    pub(crate) fn set_flag(&mut self, name: &'static str, value: bool) {
        self.set(name, if value { "1" } else { "0" });
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    #[cfg(test)]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Lines `NAME=value`.
    pub(crate) fn lines(&self) -> String {
        self.iter().fold(String::new(), |mut lines, (name, value)| {
            let _ = writeln!(lines, "{name}={value}");
            lines
        })
    }

    /// One line `NAME=value&NAME=value`, percent-encoded: what `CURL()` takes apart with `CURLOPT(hashcompat)=yes`, for which a plus is a plus.
    pub(crate) fn form(&self) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.iter());
        form.finish().replace('+', "%20")
    }

    /// As a JSON object.
    pub(crate) fn json(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect()
    }
}

/// A text as a value.
pub(crate) fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut chars = 0;
    for sign in text.chars() {
        let sign = match sign {
            '\'' | '`' | '\u{2018}' => '\u{2019}',
            // Quotes around a nickname are dropped, not turned into gaps.
            '"' | '\u{201c}' | '\u{201d}' => continue,
            sign if is_plain(sign) => sign,
            _ => ' ',
        };
        if sign == ' ' && (safe.is_empty() || safe.ends_with(' ')) {
            continue;
        }
        if chars == MAX_CHARS {
            break;
        }
        safe.push(sign);
        chars += 1;
    }
    safe.truncate(safe.trim_end().len());
    safe
}

fn is_plain(sign: char) -> bool {
    sign.is_alphanumeric() || SIGNS.contains(&sign) || is_mark(sign)
}

/// Signs that belong to the letter before them (Unicode's combining marks of the scripts that need them), which are no letters themselves.
fn is_mark(sign: char) -> bool {
    matches!(u32::from(sign), 0x0300..=0x036f | 0x0483..=0x0487 | 0x0591..=0x05c7 | 0x0610..=0x061a | 0x064b..=0x065f | 0x0900..=0x0dff | 0x0e31..=0x0e4e)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stay_readable() {
        for (name, shown) in [
            ("Mario Rossi", "Mario Rossi"),
            ("O'Brien, Conan", "O\u{2019}Brien Conan"),
            ("Николай «Коля» Ёлкин", "Николай Коля Ёлкин"),
            ("${SHELL(reboot)}", "SHELL reboot"),
            ("$[1+1]&PJSIP/x|;\"\\", "1+1 PJSIP x"),
            ("a\r\nTRUNKLINE_CALLER_VIP=1", "a TRUNKLINE_CALLER_VIP 1"),
            ("  ", ""),
            ("\u{202e}evil", "evil"),
        ] {
            assert_eq!(safe(name), shown, "{name:?}");
        }
        assert_eq!(safe(&"é".repeat(500)).chars().count(), MAX_CHARS);
    }

    #[test]
    fn a_variable_is_there_once() {
        let mut vars = Vars::default();
        vars.set_flag("TRUNKLINE_CALLER_VIP", false);
        vars.set("TRUNKLINE_CALLER_NAME", "Ada & Co");
        vars.set_flag("TRUNKLINE_CALLER_VIP", true);
        assert_eq!(vars.lines(), "TRUNKLINE_CALLER_VIP=1\nTRUNKLINE_CALLER_NAME=Ada Co\n");
        assert_eq!(vars.form(), "TRUNKLINE_CALLER_VIP=1&TRUNKLINE_CALLER_NAME=Ada%20Co");
    }

    proptest! {
        #[test]
        fn no_value_is_dialplan_syntax(text in "(.|\n|[$\\[\\](){},;&|\"'`\\\\^%=/!?<>~#*]){0,200}") {
            let value = safe(&text);
            prop_assert!(!value.contains(|sign: char| sign.is_control() || "$[](){},;&|\"'`\\^%=/!?<>~#*".contains(sign)), "{:?}", value);
            prop_assert!(value.chars().count() <= MAX_CHARS);
            prop_assert_eq!(safe(&value), value.clone());
            let mut vars = Vars::default();
            vars.set("A", &text);
            prop_assert_eq!(vars.lines().lines().count(), 1);
        }
    }
}
