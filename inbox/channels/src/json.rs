//! Reading JSON of providers', who pass on what people type: half of a pair of surrogates (a cut emoji) is no reason to lose a whole webhook.

use std::borrow::Cow;

use serde_json::Value;

/// A document. A lone surrogate becomes U+FFFD, as RFC 3629 has it for what is no character.
pub(crate) fn read(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(body).or_else(|error| match paired(body) {
        Cow::Owned(mended) => serde_json::from_slice(&mended).map_err(|_| error),
        Cow::Borrowed(_) => Err(error),
    })
}

/// With `\ufffd` in place of each surrogate that stands alone: as long as before, so that places in it stay what they were.
fn paired(body: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(body);
    let mut at = 0;
    while at < body.len() {
        if body[at] != b'\\' {
            at += 1;
            continue;
        }
        at += match unit(body, at) {
            Some(0xD800..=0xDBFF) if matches!(unit(body, at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                mended.to_mut()[at..at + 6].copy_from_slice(b"\\ufffd");
                6
            }
            Some(_) => 6,
            None => 2,
        };
    }
    mended
}

/// The code unit of an escape that begins there.
fn unit(body: &[u8], at: usize) -> Option<u16> {
    let digits = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn half_a_character_costs_that_character_alone() {
        assert_eq!(read(br#"{"a":"x\ud83dy","b":"\udc00"}"#).unwrap(), json!({ "a": "x\u{fffd}y", "b": "\u{fffd}" }));
        assert_eq!(read(br#"["\ud83d\ude00","\ud83d\ud83d\ude00"]"#).unwrap(), json!(["😀", "\u{fffd}😀"]));
        assert_eq!(read(br#"["\\ud83d","\"\ud83d"]"#).unwrap(), json!(["\\ud83d", "\"\u{fffd}"]));
        assert!(read(br#"{"a":"\ud83d""#).is_err());
    }

    proptest! {
        #[test]
        fn what_can_be_read_is_read_as_before(text in any::<String>()) {
            let body = serde_json::to_vec(&json!([text])).unwrap();
            prop_assert_eq!(read(&body).unwrap(), json!([text]));
        }

        #[test]
        fn nobody_falls_over_anything(body in prop::collection::vec(prop::sample::select(br#"\\u"d8cf0[]{},:"#.to_vec()), 0..40)) {
            let _ = read(&body);
        }
    }
}
