//! What the API shows of entries, and what it may be asked for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::http::{AppError, PageQuery};

/// Longest text that is searched for, in characters.
const MAX_TEXT_CHARS: usize = 100;

/// Somebody or something: a type, an id where it has one, and its name of that moment until that is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct AuditRef {
    /// `user`, `device`, `call` …
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// Its id.
    pub(super) id: Option<Uuid>,
    /// What it was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(super) name: Option<String>,
}

/// Who did what to which record, from where, before and after.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct AuditEntry {
    /// Its number in the tenant's log: 1, 2, 3 … without a gap.
    pub(super) seq: i64,
    /// When it was committed.
    pub(super) at: DateTime<Utc>,
    /// Who did it: `user`, `api_key`, `system` (the gateway by itself), `command_line`, or `unknown`.
    pub(super) actor: AuditRef,
    /// How the actor was signed in: a `session` or an `api_key`.
    pub(super) via: Option<AuditRef>,
    /// What was done, such as `device.created`.
    #[schema(example = "device.created")]
    pub(super) action: String,
    /// To which record.
    pub(super) subject: AuditRef,
    /// The client's address.
    pub(super) address: Option<String>,
    /// What the client calls itself.
    pub(super) user_agent: Option<String>,
    /// Id of the request, as in the answer's `X-Request-Id` and in the log.
    pub(super) request_id: Option<Uuid>,
    /// The fields that changed, as they were.
    #[schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>)]
    pub(super) before: Option<Value>,
    /// The fields that changed, as they are.
    #[schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>)]
    pub(super) after: Option<Value>,
    /// When names, addresses and values of this entry were erased.
    pub(super) erased_at: Option<DateTime<Utc>>,
}

/// Filters of the audit log; all that are given must fit.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(super) limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
    /// Id of the user or key that acted.
    actor: Option<Uuid>,
    /// An action, or the beginning of one: `device.created`, `device.`, `sign_in`.
    action: Option<String>,
    /// Type of the record, such as `device`.
    subject_type: Option<String>,
    /// Id of the record.
    subject: Option<Uuid>,
    /// From this time on.
    from: Option<DateTime<Utc>>,
    /// Before this time.
    to: Option<DateTime<Utc>>,
    /// Part of a name, an action, an address, a user agent or a value.
    #[param(max_length = 100)]
    q: Option<String>,
}

/// What is wanted, checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) before: Option<i64>,
    pub(super) actor: Option<Uuid>,
    /// Actions from the first text on and before the second, by bytes.
    pub(super) action: Option<(String, String)>,
    pub(super) subject_type: Option<String>,
    pub(super) subject_id: Option<Uuid>,
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
    pub(super) text: Option<String>,
}

impl AuditQuery {
    /// The limit and what is wanted.
    pub(super) fn parse(&self) -> Result<(u32, Wanted), AppError> {
        let page = PageQuery { limit: self.limit, cursor: self.cursor.clone() };
        let action = self.action.as_deref().map(str::trim).filter(|action| !action.is_empty());
        if action
            .is_some_and(|action| !action.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_')))
        {
            return Err(AppError::bad_parameter(
                "action",
                "must be an action or the beginning of one, such as device.",
            ));
        }
        let text = self.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if text.is_some_and(|text| text.chars().count() > MAX_TEXT_CHARS || text.contains('\0')) {
            return Err(AppError::bad_parameter("q", format!("must have at most {MAX_TEXT_CHARS} characters")));
        }
        if self.from.zip(self.to).is_some_and(|(from, to)| from >= to) {
            return Err(AppError::bad_parameter("to", "must be later than from"));
        }
        let wanted = Wanted {
            before: page.position()?,
            actor: self.actor,
            // `~` is beyond all letters of an action.
            action: action.map(|action| (action.to_owned(), format!("{action}~"))),
            subject_type: self.subject_type.clone().filter(|kind| !kind.is_empty() && !kind.contains('\0')),
            subject_id: self.subject,
            from: self.from,
            to: self.to,
            text: text.map(str::to_owned),
        };
        Ok((page.limit()?, wanted))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_beginning_of_an_action_is_a_stretch_of_them() {
        let query = AuditQuery { action: Some("device.".to_owned()), ..AuditQuery::default() };
        let (from, to) = query.parse().unwrap().1.action.unwrap();
        for (action, within) in
            [("device.created", true), ("device.", true), ("devices.created", false), ("call.ended", false)]
        {
            assert_eq!((from.as_str()..to.as_str()).contains(&action), within, "{action}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let bad = [
            AuditQuery { action: Some("Device%".to_owned()), ..AuditQuery::default() },
            AuditQuery { q: Some("x".repeat(101)), ..AuditQuery::default() },
            AuditQuery { limit: Some(0), ..AuditQuery::default() },
        ];
        for query in bad {
            assert_eq!(query.parse().unwrap_err().status(), 400);
        }
    }

    proptest! {
        #[test]
        fn no_query_panics(action in "\\PC{0,20}", q in "\\PC{0,120}", cursor in "\\PC{0,40}") {
            let query = AuditQuery { action: Some(action), q: Some(q), cursor: Some(cursor), ..AuditQuery::default() };
            let _ = query.parse();
        }
    }
}
