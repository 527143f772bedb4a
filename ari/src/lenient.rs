//! Reading what Asterisk really sends: fields that the api-docs call required may be left out or `null`, times carry
//! their zone as `+0000`, and lists of words grow from release to release. None of it may break an event.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Deserializer};

/// A value, or its default where Asterisk wrote `null`.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A time as ARI writes it, `2026-11-20T15:15:59.322+0000`, or RFC 3339. `None` where it cannot be read.
pub(crate) fn timestamp<'de, D>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Visitor;

    impl serde::de::Visitor<'_> for Visitor {
        type Value = Option<DateTime<Utc>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a time such as 2026-11-20T15:15:59.322+0000")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(parse_timestamp(text))
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(Visitor)
}

/// Reads `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HHMM|±HH:MM)`. Written by hand because chrono's general parser takes
/// several times as long, and every event holds two or more of these.
pub(crate) fn parse_timestamp(text: &str) -> Option<DateTime<Utc>> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || !text.is_ascii() {
        return None;
    }
    for (position, expected) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        if bytes[position] != expected {
            return None;
        }
    }
    let number = |from: usize, to: usize| -> Option<u32> {
        bytes[from..to]
            .iter()
            .try_fold(0u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, number(5, 7)?, number(8, 10)?)?;

    let mut rest = &bytes[19..];
    let mut nanos = 0;
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || digits > 9 {
            return None;
        }
        for index in 0..9 {
            nanos =
                nanos * 10 + fraction.get(index).filter(|_| index < digits).map_or(0, |digit| u32::from(digit - b'0'));
        }
        rest = &fraction[digits..];
    }
    let local = date.and_hms_nano_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, nanos)?;

    let offset_minutes = match rest {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, m1, m2] | [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
            let minutes = (digit(h1)? * 10 + digit(h2)?) * 60 + digit(m1)? * 10 + digit(m2)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    local.checked_sub_signed(TimeDelta::minutes(offset_minutes)).map(|utc| utc.and_utc())
}

/// `Serialize`, `Deserialize`, `Display` and `Default` for an enum of words that has a variant `Other(String)`.
macro_rules! word_enum {
    ($name:ident) => {
        impl std::default::Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;

                impl serde::de::Visitor<'_> for Word {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a word")
                    }

                    fn visit_str<E>(self, word: &str) -> Result<$name, E> {
                        Ok(<$name>::from(word))
                    }
                }

                deserializer.deserialize_str(Word)
            }
        }
    };
}

pub(crate) use word_enum;

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use super::parse_timestamp;

    fn rfc3339(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    #[test]
    fn times_are_read_as_asterisk_writes_them() {
        let expected = rfc3339("2026-11-20T15:15:59.322Z");
        for text in [
            "2026-11-20T15:15:59.322+0000",
            "2026-11-20T15:15:59.322Z",
            "2026-11-20T16:15:59.322+01:00",
            "2026-11-20T10:15:59.322000-0500",
        ] {
            assert_eq!(parse_timestamp(text), Some(expected), "{text}");
        }
        assert_eq!(parse_timestamp("2026-11-20T15:15:59+0000"), Some(rfc3339("2026-11-20T15:15:59Z")));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-11-20",
            "2026-13-20T15:15:59.322+0000",
            "2026-11-20T15:15:59.+0000",
            "2026-11-20T15:15:59.322",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = parse_timestamp(&text);
        }

        #[test]
        fn a_written_time_is_read_back(seconds in 0i64..4_000_000_000, millis in 0u32..1000) {
            let time = DateTime::from_timestamp(seconds, millis * 1_000_000).unwrap();
            let text = time.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string();
            prop_assert_eq!(parse_timestamp(&text), Some(time));
        }
    }
}
