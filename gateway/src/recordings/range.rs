//! The `Range` header of a download (RFC 9110 §14): a single range of bytes.

/// Which bytes of a file an answer holds; `first` and `last` are both inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Offset of the last byte.
    pub last: u64,
}

impl ByteRange {
    /// Number of bytes.
    #[allow(clippy::len_without_is_empty)] // A range always holds at least one byte.
    pub(crate) fn len(self) -> u64 {
        self.last - self.first + 1
    }
}

/// What a `Range` header asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The whole file: no range, one in another unit, several ranges or one that cannot be read. RFC 9110 §14.2 lets a server
    /// ignore what it does not support, and asks it to ignore what is malformed.
    Whole,
    /// These bytes (206).
    Part(ByteRange),
    /// Nothing that the file has (416).
    Unsatisfiable,
}

/// Reads the header's value against a file of `length` bytes.
pub(crate) fn parse(header: &str, length: u64) -> Wanted {
    let Some((unit, set)) = header.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    // A list may hold empty elements (RFC 9110 §5.6.1); one real element is all we serve.
    let mut elements =
        set.split(',').map(|element| element.trim_matches([' ', '\t'])).filter(|element| !element.is_empty());
    let (Some(element), None) = (elements.next(), elements.next()) else { return Wanted::Whole };
    let Some((first, last)) = element.split_once('-') else { return Wanted::Whole };
    match (first, last) {
        ("", suffix) => match digits(suffix) {
            None => Wanted::Whole,
            Some(0) => Wanted::Unsatisfiable,
            Some(_) if length == 0 => Wanted::Unsatisfiable,
            Some(count) => Wanted::Part(ByteRange { first: length.saturating_sub(count), last: length - 1 }),
        },
        (first, "") => match digits(first) {
            None => Wanted::Whole,
            Some(first) if first >= length => Wanted::Unsatisfiable,
            Some(first) => Wanted::Part(ByteRange { first, last: length - 1 }),
        },
        (first, last) => match (digits(first), digits(last)) {
            (Some(first), Some(last)) if first > last => Wanted::Whole,
            (Some(first), Some(_)) if first >= length => Wanted::Unsatisfiable,
            (Some(first), Some(last)) => Wanted::Part(ByteRange { first, last: last.min(length - 1) }),
            _ => Wanted::Whole,
        },
    }
}

/// `1*DIGIT`; a number beyond 64 bits is beyond every file.
fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(first: u64, last: u64) -> Wanted {
        Wanted::Part(ByteRange { first, last })
    }

    #[test]
    fn single_ranges_are_served() {
        assert_eq!(parse("bytes=0-0", 10), part(0, 0));
        assert_eq!(parse("bytes=2-5", 10), part(2, 5));
        assert_eq!(parse("bytes=5-", 10), part(5, 9));
        assert_eq!(parse("bytes=-3", 10), part(7, 9));
        assert_eq!(parse("bytes=-30", 10), part(0, 9), "a suffix longer than the file is the file");
        assert_eq!(parse("bytes=5-99999999999999999999999", 10), part(5, 9));
        assert_eq!(parse("Bytes = 1-2", 10), part(1, 2));
        assert_eq!(parse("bytes=,1-2,", 10), part(1, 2));
    }

    #[test]
    fn a_range_outside_the_file_is_unsatisfiable() {
        assert_eq!(parse("bytes=10-", 10), Wanted::Unsatisfiable);
        assert_eq!(parse("bytes=10-12", 10), Wanted::Unsatisfiable);
        assert_eq!(parse("bytes=-0", 10), Wanted::Unsatisfiable);
        assert_eq!(parse("bytes=0-", 0), Wanted::Unsatisfiable);
        assert_eq!(parse("bytes=-1", 0), Wanted::Unsatisfiable);
    }

    #[test]
    fn what_cannot_be_served_as_one_range_is_the_whole_file() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=+1-2",
            "bytes=1--2",
        ] {
            assert_eq!(parse(header, 10), Wanted::Whole, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_asks_for_bytes_that_are_not_there(header in "(bytes ?= ?)?[-0-9, a]{0,24}|\\PC{0,30}", length in any::<u64>()) {
            if let Wanted::Part(range) = parse(&header, length) {
                prop_assert!(range.first <= range.last && range.last < length);
            }
        }

        #[test]
        fn a_well_formed_range_is_taken_at_its_word(first in 0u64..1000, more in 0u64..1000, length in 1u64..1000) {
            let last = first + more;
            let expected = if first >= length { Wanted::Unsatisfiable } else { part(first, last.min(length - 1)) };
            prop_assert_eq!(parse(&format!("bytes={first}-{last}"), length), expected);
        }
    }
}
