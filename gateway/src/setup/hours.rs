//! When a tenant is open: the week as people write it, and as minutes.

use crate::http::FieldError;

use super::model::OpeningHours;

/// A stretch of one day, in minutes from its midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Opening {
    /// ISO 8601: 1 is Monday, 7 Sunday.
    pub(super) day: i16,
    /// First minute.
    pub(super) opens: i16,
    /// First minute after it; 1440 is the end of the day.
    pub(super) closes: i16,
}

/// Minutes of `HH:MM`. `24:00` is the end of a day.
fn minutes(text: &str) -> Option<i16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| -> Option<i16> {
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (minutes < 60 && (hours < 24 || (hours, minutes) == (24, 0))).then_some(hours * 60 + minutes)
}

/// The week in order, or what is wrong with it, line by line.
pub(super) fn week(hours: &[OpeningHours]) -> Result<Vec<Opening>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |index: usize, field: &str, message: &str| {
        errors.push(FieldError { field: format!("hours[{index}]{field}"), message: message.to_owned() });
    };
    let mut week: Vec<(Opening, usize)> = Vec::with_capacity(hours.len());
    for (index, line) in hours.iter().enumerate() {
        if !(1..=7).contains(&line.day) {
            wrong(index, ".day", "must be from 1 (Monday) to 7 (Sunday)");
            continue;
        }
        let opens = minutes(&line.open).filter(|minutes| *minutes < 1440);
        let closes = minutes(&line.close);
        if opens.is_none() {
            wrong(index, ".open", "must be a time from 00:00 to 23:59");
        }
        if closes.is_none() {
            wrong(index, ".close", "must be a time from 00:01 to 24:00");
        }
        let (Some(opens), Some(closes)) = (opens, closes) else { continue };
        if opens >= closes {
            wrong(index, ".close", "must be later than open; past midnight it is a second line on the next day");
            continue;
        }
        week.push((Opening { day: line.day, opens, closes }, index));
    }
    week.sort_unstable();
    // Sorted, so whoever overlaps anybody overlaps the one that reaches furthest before it.
    let mut furthest: Option<Opening> = None;
    for (opening, index) in &week {
        match furthest {
            Some(before) if before.day == opening.day && opening.opens < before.closes => {
                wrong(*index, "", "overlaps with another line of the same day");
                if opening.closes > before.closes {
                    furthest = Some(*opening);
                }
            }
            _ => furthest = Some(*opening),
        }
    }
    if errors.is_empty() { Ok(week.into_iter().map(|(opening, _)| opening).collect()) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(day: i16, open: &str, close: &str) -> OpeningHours {
        OpeningHours { day, open: open.to_owned(), close: close.to_owned() }
    }

    fn text(minutes: i16) -> String {
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }

    #[test]
    fn a_week_is_read_in_order() {
        let hours = [
            line(2, "13:00", "24:00"),
            line(1, "09:00", "18:00"),
            line(2, "00:00", "13:00"),
            line(1, "18:00", "18:01"),
        ];
        let openings: Vec<_> = week(&hours).unwrap().iter().map(|it| (it.day, it.opens, it.closes)).collect();
        assert_eq!(openings, [(1, 540, 1080), (1, 1080, 1081), (2, 0, 780), (2, 780, 1440)]);
        assert_eq!(week(&[]), Ok(Vec::new()));
    }

    #[test]
    fn what_does_not_fit_is_named_line_by_line() {
        let hours = [
            line(0, "09:00", "18:00"),
            line(1, "9:00", "18:00"),
            line(1, "09:00", "24:01"),
            line(1, "22:00", "06:00"),
            line(3, "09:00", "12:00"),
            line(3, "11:59", "13:00"),
            line(4, "24:00", "24:00"),
        ];
        let fields: Vec<String> = week(&hours).unwrap_err().into_iter().map(|error| error.field).collect();
        let expected =
            ["hours[0].day", "hours[1].open", "hours[2].close", "hours[3].close", "hours[6].open", "hours[5]"];
        assert_eq!(fields, expected);
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none(text in ".{0,8}") {
            if let Some(minutes) = minutes(&text) {
                prop_assert!((0..=1440).contains(&minutes));
            }
        }

        #[test]
        fn every_minute_survives_its_text(minute in 0_i16..=1440) {
            prop_assert_eq!(minutes(&text(minute)), Some(minute));
        }

        /// Against the slow way: mark every minute of the week.
        #[test]
        fn an_overlap_is_found_exactly_when_a_minute_is_taken_twice(
            lines in proptest::collection::vec((1_i16..=7, 0_i16..1440, 1_i16..300), 0..12),
        ) {
            let hours: Vec<OpeningHours> = lines
                .iter()
                .map(|(day, opens, length)| line(*day, &text(*opens), &text((opens + length).min(1440))))
                .collect();
            let mut taken = [0_u8; 7 * 1440];
            for (day, opens, length) in &lines {
                let first = (day - 1) * 1440 + opens;
                let last = (day - 1) * 1440 + (opens + length).min(1440);
                taken[first as usize..last as usize].iter_mut().for_each(|minute| *minute = minute.saturating_add(1));
            }
            prop_assert_eq!(week(&hours).is_ok(), taken.iter().all(|times| *times < 2));
        }
    }
}
