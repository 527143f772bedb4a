//! In which time zones a number may be.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono_tz::Tz;

/// `1212 America/New_York`: the first digits of an E.164 number, then its zones.
const LINES: &str = include_str!("../data/zones.txt");

static ZONES: LazyLock<HashMap<&str, Vec<Tz>>> = LazyLock::new(|| {
    let lines = LINES.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &'static str| {
        let (prefix, names) = line.split_once(' ')?;
        Some((prefix, names.split(' ').filter_map(|name| name.parse().ok()).collect()))
    };
    lines.filter_map(read).collect()
});

/// The zones of an E.164 number, by the longest prefix that is known: one where the number says its region, all of the country's
/// where it does not, none for numbers that belong to no country.
pub fn zones(e164: &str) -> &'static [Tz] {
    let digits = e164.strip_prefix('+').unwrap_or(e164);
    let mut prefixes = (1..=digits.len()).rev().filter_map(|length| digits.get(..length));
    prefixes.find_map(|prefix| ZONES.get(prefix)).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_zone_that_is_known() {
        for line in LINES.lines().filter(|line| !line.starts_with('#')) {
            let (prefix, names) = line.split_once(' ').unwrap();
            assert_eq!(ZONES[prefix].len(), names.split(' ').count(), "{line}");
        }
    }

    #[test]
    fn the_longest_prefix_decides() {
        assert_eq!(zones("+12125550100"), [Tz::America__New_York]);
        assert!(zones("+18005550100").len() > 10, "a toll-free number may be anywhere in the plan");
        assert_eq!(zones("+74951234567"), [Tz::Europe__Moscow]);
        assert!(zones("+870773111632").is_empty());
    }
}
