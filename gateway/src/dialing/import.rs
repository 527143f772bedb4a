//! Reads a list of numbers as people keep them: a column of a spreadsheet, a text file.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use trunkline_dialing::{Country, is_e164, normalise};

use super::model::RefusedLine;

/// Most lines of one request.
pub(super) const MAX_LINES: usize = 500;
/// How much of a refused line is shown, in characters.
const SHOWN_CHARS: usize = 80;
/// Longest reason, in characters.
pub(super) const MAX_REASON: usize = 200;

/// What a line says of its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) reason: String,
    pub(super) until: Option<DateTime<Utc>>,
}

/// A number as somebody wrote it, in E.164; the message says what is expected. Without a country only international ones can be read.
pub(super) fn number(text: &str, home: Option<Country>) -> Result<String, &'static str> {
    let read = match home {
        Some(home) => normalise(text, home).map(|number| number.text),
        // Whichever country: a number with a plus is read the same from everywhere.
        None if text.trim_start().starts_with('+') => {
            normalise(text, "US".parse().expect("a country with a plan")).map(|number| number.text)
        }
        None => return Err("must be in the international form, such as +390612345678"),
    };
    match read {
        Ok(number) if is_e164(&number) => Ok(number),
        _ => Err("is no telephone number"),
    }
}

/// Reads lines. A number that comes twice counts as it comes last; a first line that holds no digit is a heading.
pub(super) fn lines(text: &str, home: Option<Country>) -> (BTreeMap<String, Said>, Vec<RefusedLine>) {
    let (mut taken, mut refused) = (BTreeMap::new(), Vec::new());
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let is_heading = index == 0 && !line.chars().any(|character| character.is_ascii_digit());
        if line.trim().is_empty() || is_heading {
            continue;
        }
        match read(line, home) {
            Ok((number, said)) => {
                taken.insert(number, said);
            }
            Err(message) => refused.push(RefusedLine {
                line: u32::try_from(index + 1).unwrap_or(u32::MAX),
                text: line.trim().chars().take(SHOWN_CHARS).collect(),
                message: message.to_owned(),
            }),
        }
    }
    (taken, refused)
}

fn read(line: &str, home: Option<Country>) -> Result<(String, Said), &'static str> {
    let separator = [';', '\t', ','].into_iter().find(|separator| line.contains(*separator)).unwrap_or(',');
    let mut fields = line.split(separator).map(|field| field.trim().trim_matches('"').trim());
    let number = number(fields.next().unwrap_or_default(), home)?;
    let reason = fields.next().unwrap_or_default().to_owned();
    if reason.chars().count() > MAX_REASON {
        return Err("has a reason of more than 200 characters");
    }
    let until = match fields.next().unwrap_or_default() {
        "" => None,
        text => Some(time(text).ok_or("has a third field that is neither a date such as 2027-01-31 nor a time")?),
    };
    if fields.any(|field| !field.is_empty()) {
        return Err("has more than three fields");
    }
    Ok((number, Said { reason, until }))
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    let day = || text.parse::<NaiveDate>().ok()?.succ_opt().map(|next| next.and_time(NaiveTime::MIN).and_utc());
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()).or_else(day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn italy() -> Option<Country> {
        "IT".parse().ok()
    }

    #[test]
    fn a_spreadsheet_is_read_line_by_line() {
        let text = "number;reason;until\r\n06 44121234;asked us not to;2027-01-31\n\n\"+39 333 1234567\"\n0612;\n+390644121234;again\nno number here 5\n+393331234567;x;tomorrow";
        let (taken, refused) = lines(text, italy());
        let numbers: Vec<_> = taken.iter().map(|(number, said)| (number.as_str(), said.reason.as_str())).collect();
        assert_eq!(numbers, [("+390644121234", "again"), ("+393331234567", "")]);
        let lines: Vec<_> = refused.iter().map(|refused| (refused.line, refused.message.as_str())).collect();
        assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5, 7, 8], "{lines:?}");
    }

    #[test]
    fn a_day_counts_until_its_end() {
        assert_eq!(time("2027-01-31").unwrap().to_rfc3339(), "2027-02-01T00:00:00+00:00");
        assert_eq!(time("2027-01-31T10:00:00+01:00").unwrap().to_rfc3339(), "2027-01-31T09:00:00+00:00");
        assert_eq!(time("31.01.2027"), None);
    }

    #[test]
    fn without_a_country_only_international_numbers_are_read() {
        assert_eq!(number("+39 06 44121234", None), Ok("+390644121234".to_owned()));
        assert!(number("06 44121234", None).is_err());
        assert!(number("112", italy()).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused_line_by_line(text in "(\\PC|[\\n,;\\t0-9+]){0,200}") {
            let (taken, refused) = lines(&text, italy());
            prop_assert!(taken.len() + refused.len() <= text.lines().count());
            prop_assert!(taken.keys().all(|number| is_e164(number)));
        }
    }
}
