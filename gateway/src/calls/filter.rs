//! Which calls a list asks for: the words of the query, checked before any SQL sees them.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use trunkline_db::CallId;
use uuid::Uuid;

use crate::http::{AppError, PageQuery};
use trunkline_calls::model::{CallState, Direction, EndReason};

/// Most digits of a number that are searched for (E.164 has 15; a little more for what is dialled around them).
const MAX_DIGITS: usize = 20;

/// Which calls to list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CallQuery {
    /// Only calls in one of these states, separated by commas: `new`, `queued`, `ringing`, `active`, `ended`.
    #[param(example = "queued,ringing,active")]
    pub state: Option<String>,
    /// Only calls of this queue.
    pub queue_id: Option<Uuid>,
    /// Only calls that this agent answered.
    pub agent_id: Option<Uuid>,
    /// Only `inbound`, `outbound` or `internal` calls.
    pub direction: Option<String>,
    /// Only calls that ended for one of these reasons, separated by commas.
    #[param(example = "abandoned_queue,no_answer")]
    pub end_reason: Option<String>,
    /// `true`: only inbound calls that ended before anybody answered.
    pub missed: Option<bool>,
    /// Only calls with these digits somewhere in one of their numbers; blanks, `+`, `-`, `.`, `/` and brackets are passed over.
    #[param(example = "555 0100")]
    pub q: Option<String>,
    /// Only calls with this tag.
    pub tag: Option<String>,
    /// Only calls that came in at this moment or later (RFC 3339).
    #[param(example = "2026-11-20T00:00:00Z")]
    pub from: Option<String>,
    /// Only calls that came in before this moment (RFC 3339).
    #[param(example = "2026-11-21T00:00:00Z")]
    pub to: Option<String>,
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// The same, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// None: in any state.
    pub(super) states: Option<Vec<CallState>>,
    pub(super) queue: Option<Uuid>,
    pub(super) agent: Option<Uuid>,
    pub(super) direction: Option<Direction>,
    /// None: for any reason, or running.
    pub(super) end_reasons: Option<Vec<EndReason>>,
    pub(super) missed: bool,
    /// Digits, nothing else; at least one.
    pub(super) digits: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
    /// Behind this one; the newest come first, and ids sort by time.
    pub(super) before: Option<CallId>,
}

impl CallQuery {
    /// Limit and filters, each checked; the first that does not fit is named.
    pub(super) fn parse(&self) -> Result<(u32, Wanted), AppError> {
        let page = PageQuery { limit: self.limit, cursor: self.cursor.clone() };
        let wanted = Wanted {
            states: words("state", self.state.as_deref(), CallState::parse, CallState::ALL, CallState::as_str)?,
            queue: self.queue_id,
            agent: self.agent_id,
            direction: self.direction.as_deref().filter(|word| !word.is_empty()).map(direction).transpose()?,
            end_reasons: words(
                "end_reason",
                self.end_reason.as_deref(),
                EndReason::parse,
                EndReason::ALL,
                EndReason::as_str,
            )?,
            missed: self.missed.unwrap_or(false),
            digits: self.q.as_deref().map(digits).transpose()?.flatten(),
            tag: self.tag.clone().filter(|tag| !tag.is_empty()),
            from: self.from.as_deref().map(|text| moment("from", text)).transpose()?,
            to: self.to.as_deref().map(|text| moment("to", text)).transpose()?,
            before: page.position()?,
        };
        if let (Some(from), Some(to)) = (wanted.from, wanted.to)
            && from >= to
        {
            return Err(AppError::bad_parameter("to", "must be later than from"));
        }
        Ok((page.limit()?, wanted))
    }
}

/// A list of words of a closed set, without doubles. An empty list is no filter.
fn words<T: Copy + PartialEq>(
    field: &'static str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Option<Vec<T>>, AppError> {
    let mut values = Vec::new();
    for word in text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let value = parse(word).ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|value| name(*value)).collect();
            AppError::bad_parameter(field, format!("must be one or more of {}", known.join(", ")))
        })?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok((!values.is_empty()).then_some(values))
}

fn direction(word: &str) -> Result<Direction, AppError> {
    Direction::parse(word).ok_or_else(|| AppError::bad_parameter("direction", "must be inbound, outbound or internal"))
}

/// The digits of what people write as a number. `None` when nothing was written at all.
fn digits(text: &str) -> Result<Option<String>, AppError> {
    let mut digits = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' | '-' | '.' | '/' | '(' | ')' => {}
            blank if blank.is_whitespace() => {}
            _ => return Err(AppError::bad_parameter("q", "must be digits of a phone number")),
        }
        if digits.len() > MAX_DIGITS {
            return Err(AppError::bad_parameter("q", format!("must have at most {MAX_DIGITS} digits")));
        }
    }
    if digits.is_empty() && !text.trim().is_empty() {
        return Err(AppError::bad_parameter("q", "must have at least one digit"));
    }
    Ok((!digits.is_empty()).then_some(digits))
}

fn moment(field: &'static str, text: &str) -> Result<DateTime<Utc>, AppError> {
    DateTime::parse_from_rfc3339(text).map(|moment| moment.with_timezone(&Utc)).map_err(|_| {
        AppError::bad_parameter(
            field,
            "must be a time as in 2026-11-20T15:04:05Z (RFC 3339; the + of an offset is sent as %2B)",
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field_of(error: &AppError) -> String {
        error.problem().errors[0].field.clone()
    }

    #[test]
    fn a_query_without_words_asks_for_every_call() {
        assert_eq!(CallQuery::default().parse().unwrap(), (50, Wanted::default()));
        let blank = CallQuery {
            state: Some(" , ".to_owned()),
            q: Some("  ".to_owned()),
            direction: Some(String::new()),
            ..CallQuery::default()
        };
        assert_eq!(blank.parse().unwrap().1, Wanted::default());
    }

    #[test]
    fn lists_are_read_word_by_word() {
        let query = CallQuery {
            state: Some("queued, ringing,queued".to_owned()),
            end_reason: Some("no_answer,abandoned_queue".to_owned()),
            ..CallQuery::default()
        };
        let wanted = query.parse().unwrap().1;
        assert_eq!(wanted.states, Some(vec![CallState::Queued, CallState::Ringing]));
        assert_eq!(wanted.end_reasons, Some(vec![EndReason::NoAnswer, EndReason::AbandonedQueue]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let cases = [
            ("state", CallQuery { state: Some("talking".to_owned()), ..CallQuery::default() }),
            ("end_reason", CallQuery { end_reason: Some("no_answer,bored".to_owned()), ..CallQuery::default() }),
            ("direction", CallQuery { direction: Some("sideways".to_owned()), ..CallQuery::default() }),
            ("q", CallQuery { q: Some("5551 or 2".to_owned()), ..CallQuery::default() }),
            ("q", CallQuery { q: Some("+".to_owned()), ..CallQuery::default() }),
            ("q", CallQuery { q: Some("1".repeat(21)), ..CallQuery::default() }),
            ("from", CallQuery { from: Some("yesterday".to_owned()), ..CallQuery::default() }),
            ("limit", CallQuery { limit: Some(201), ..CallQuery::default() }),
            ("cursor", CallQuery { cursor: Some("x".to_owned()), ..CallQuery::default() }),
            (
                "to",
                CallQuery {
                    from: Some("2026-11-20T10:00:00Z".to_owned()),
                    to: Some("2026-11-20T11:00:00+02:00".to_owned()),
                    ..CallQuery::default()
                },
            ),
        ];
        for (field, query) in cases {
            assert_eq!(field_of(&query.parse().unwrap_err()), field, "{query:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_a_query_never_panics_and_lets_only_digits_through(
            state in proptest::option::of(".{0,30}"),
            q in proptest::option::of(".{0,40}"),
            from in proptest::option::of("[-0-9TZ:+. ]{0,30}"),
            cursor in proptest::option::of(".{0,40}"),
        ) {
            let query = CallQuery { state, q, from, cursor, ..CallQuery::default() };
            if let Ok((_, wanted)) = query.parse() {
                prop_assert!(wanted.states.is_none_or(|states| !states.is_empty()));
                prop_assert!(wanted.digits.is_none_or(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())));
            }
        }

        #[test]
        fn a_number_is_found_however_people_write_it(groups in proptest::collection::vec("[0-9]{1,4}", 1..5), space in "[ ./()-]{1,2}") {
            let written = format!("+{}", groups.join(&space));
            prop_assert_eq!(digits(&written).unwrap(), Some(groups.concat()));
        }

        #[test]
        fn every_set_of_states_survives_its_text(states in proptest::sample::subsequence(CallState::ALL.to_vec(), 1..=5)) {
            let text: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
            let query = CallQuery { state: Some(text.join(",")), ..CallQuery::default() };
            prop_assert_eq!(query.parse().unwrap().1.states, Some(states));
        }
    }
}
