//! What came from outside, made fit to be kept: no U+0000, bounded, and its times plausible.

use chrono::{DateTime, Duration, TimeZone as _, Utc};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Bytes of a message's text.
pub(crate) const MAX_TEXT: usize = 64 * 1024;
/// Stands behind what was cut.
const CUT: &str = " […]";
/// Characters of a preview.
pub(crate) const MAX_PREVIEW: usize = 200;
/// Bytes of JSON that is kept beside a message, as it is written without spaces: PostgreSQL writes it with some, and bounds that.
const MAX_JSON: usize = 120 * 1024;
/// Keys and elements of one object or list that is kept.
const MAX_PARTS: usize = 500;
/// How deep lists and objects may hold each other.
const MAX_DEPTH: usize = 24;

/// A text without U+0000, cut with a mark where it is too long.
pub(crate) fn text(text: &str) -> String {
    cut_bytes(&without_nul(text), MAX_TEXT)
}

/// Whether [`text`] cuts it.
pub(crate) fn is_cut(text: &str) -> bool {
    text.len() - text.bytes().filter(|byte| *byte == 0).count() > MAX_TEXT
}

/// A short text of at most so many characters, on one line; `None`: nothing is left of it.
pub(crate) fn line(text: &str, most: usize) -> Option<String> {
    let joined = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let joined = joined.collect::<Vec<_>>().join(" ");
    let cut = cut_chars(&joined, most);
    (!cut.is_empty()).then_some(cut)
}

/// What a list shows of a text: one line, bounded. Signs that turn the direction of text stay within it: they are taken out, and what they would
/// have turned stands isolated (Unicode's UAX 9, FSI and PDI), so that nothing beside it moves.
pub(crate) fn preview(text: &str) -> String {
    preview_of(text, MAX_PREVIEW)
}

/// As [`preview`], of at most so many characters.
pub(crate) fn preview_of(text: &str, most: usize) -> String {
    let mut line = String::new();
    let (mut chars, mut gap, mut turned) = (0, false, false);
    // Two more for the signs around it.
    let most = most.saturating_sub(2);
    for c in text.chars() {
        if is_turning(c) {
            turned = true;
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        if c.is_whitespace() || c.is_control() {
            gap = chars > 0;
            continue;
        }
        if chars + 1 + usize::from(gap) > most.saturating_sub(1) {
            line.push('…');
            break;
        }
        if gap {
            line.push(' ');
            chars += 1;
            gap = false;
        }
        line.push(c);
        chars += 1;
    }
    if turned && !line.is_empty() { format!("\u{2068}{line}\u{2069}") } else { line }
}

/// Marks, embeddings, overrides and isolates of direction.
fn is_turning(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Signs of no width that nothing needs to be read. The joiners stay: scripts and emoji are written with them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{180E}' | '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// An identifier of at most so many bytes. A longer one is known by its digest: what is cut off could be all that tells two apart. `None`: it is
/// empty.
pub(crate) fn id(text: &str, most: usize) -> Option<String> {
    let id = without_nul(text);
    match id.len() {
        0 => None,
        bytes if bytes <= most => Some(id),
        _ => Some(format!("sha256:{}", hex(&Sha256::digest(id.as_bytes())))),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// When it was said: by the provider's clock, where that is plausible beside ours.
pub(crate) fn moment(told: Option<DateTime<Utc>>, received_at: DateTime<Utc>) -> DateTime<Utc> {
    let first = Utc.with_ymd_and_hms(2010, 1, 1, 0, 0, 0).single().unwrap_or(DateTime::UNIX_EPOCH);
    told.filter(|at| *at >= first && *at <= received_at + Duration::minutes(5)).unwrap_or(received_at)
}

/// JSON that PostgreSQL can keep, and that is not too much: texts without U+0000 and bounded, numbers that are no longer written out than they are
/// here, at most so deep and so long. Of more than fits only `{"too_large": true}` is left.
pub(crate) fn json(value: &Value) -> Value {
    let clean = json_at(value, 0);
    if clean.to_string().len() > MAX_JSON {
        return Value::Object(Map::from_iter([("too_large".to_owned(), Value::Bool(true))]));
    }
    clean
}

fn json_at(value: &Value, depth: usize) -> Value {
    match value {
        Value::String(written) => Value::String(text(written)),
        Value::Number(number) => match number.as_f64() {
            // jsonb writes 1e300 with all its digits.
            Some(float) if number.is_f64() && float != 0.0 && !(1e-9..1e15).contains(&float.abs()) => {
                Value::String(number.to_string())
            }
            _ => value.clone(),
        },
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => Value::Null,
        Value::Array(parts) => Value::Array(parts.iter().take(MAX_PARTS).map(|part| json_at(part, depth + 1)).collect()),
        Value::Object(parts) => {
            let parts = parts.iter().take(MAX_PARTS);
            Value::Object(parts.map(|(key, part)| (cut_bytes(&without_nul(key), 256), json_at(part, depth + 1))).collect())
        }
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

fn cut_bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most - CUT.len()).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{CUT}", &text[..end])
}

/// The first characters of a text.
pub(crate) fn cut_chars(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_that_is_too_long_is_cut_with_a_mark_between_two_characters() {
        let long = "я".repeat(MAX_TEXT);
        let cut = text(&long);
        assert!(cut.len() <= MAX_TEXT && cut.len() > MAX_TEXT - 8, "{}", cut.len());
        assert!(cut.ends_with("я […]"));
        assert!(is_cut(&long));
        assert_eq!(text("a\0b"), "ab");
        assert!(!is_cut("a\0b"));
    }

    #[test]
    fn what_turns_the_direction_stays_within_its_preview() {
        assert_eq!(preview("pay \u{202E}fdp.exe\u{202C} now"), "\u{2068}pay fdp.exe now\u{2069}");
        assert_eq!(preview("two\n lines\t\u{200B}of it "), "two lines of it");
        assert_eq!(preview("👩\u{200D}💻"), "👩\u{200D}💻");
        assert_eq!(preview("\u{200B}\u{FEFF}"), "");
        assert_eq!(preview("שלום"), "שלום");
    }

    #[test]
    fn times_that_cannot_be_are_the_time_of_receipt() {
        let now = Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap();
        let told = |at: DateTime<Utc>| moment(Some(at), now);
        assert_eq!(told(now - Duration::days(400)), now - Duration::days(400));
        assert_eq!(told(now + Duration::minutes(4)), now + Duration::minutes(4));
        assert_eq!(told(now + Duration::minutes(6)), now);
        assert_eq!(told(DateTime::UNIX_EPOCH), now);
        assert_eq!(moment(None, now), now);
    }

    #[test]
    fn numbers_that_would_be_written_out_are_kept_as_texts() {
        assert_eq!(json(&json!([1e300, 0.5, 7, -1e-200])), json!(["1e+300", 0.5, 7, "-1e-200"]));
        assert_eq!(json(&json!({"a\0": "b\0"})), json!({"a": "b"}));
        assert_eq!(json(&json!(vec!["x".repeat(1000); 400])), json!({"too_large": true}));
    }

    proptest! {
        #[test]
        fn a_preview_is_short_and_turns_nothing(text in "\\PC{0,300}|[\u{2066}\u{202E}\u{200F}a \\n\0]{0,300}") {
            let preview = preview(&text);
            prop_assert!(preview.chars().count() <= MAX_PREVIEW);
            let inner = preview.strip_prefix('\u{2068}').and_then(|rest| rest.strip_suffix('\u{2069}')).unwrap_or(&preview);
            prop_assert!(!inner.chars().any(|c| is_turning(c) || c.is_control()));
        }

        #[test]
        fn lines_and_ids_keep_their_bounds(text in "\\PC{0,80}|[a\0\\n ]{0,80}", most in 1_usize..40) {
            let line = line(&text, most);
            prop_assert!(line.is_none_or(|line| (1..=most).contains(&line.chars().count()) && !line.contains(['\0', '\n'])));
            let known = id(&text, most);
            prop_assert!(known.is_none_or(|known| !known.contains('\0') && (known.len() <= most || known.len() == 71)));
        }

        #[test]
        fn two_long_ids_stay_two(one in "[ab]{65,80}", other in "[ab]{65,80}") {
            prop_assert_eq!(one == other, id(&one, 64) == id(&other, 64));
        }
    }
}
