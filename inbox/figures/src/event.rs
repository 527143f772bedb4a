//! An event of the journal, and what of it is understood. Nothing in an event's details can fail: what is missing or of another shape
//! counts as not said.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

/// Seconds within which a call should be answered, when the queue does not say.
const SERVICE_LEVEL_S: i64 = 20;
/// Seconds before which a caller who hangs up had hardly begun to wait, when the queue does not say.
const SHORT_ABANDON_S: i64 = 5;
/// The most seconds that either may be.
const MOST_SECONDS: i64 = 24 * 60 * 60;
/// Characters of a pause reason that are kept.
const REASON_CHARS: usize = 200;

/// An event of the journal, as far as figures need it.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// `call.queued`, `agent.state_changed`, …
    pub kind: &'a str,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What it is about.
    pub subject: Uuid,
    /// Who did it.
    pub actor: Option<Uuid>,
    /// The details.
    pub data: &'a Value,
}

impl Event<'_> {
    /// The kinds that are counted. Of others, nothing but the kind need be known.
    pub const KINDS: [&'static str; 10] = [
        "call.queued",
        "call.offered",
        "call.missed_offer",
        "call.answered",
        "call.held",
        "call.resumed",
        "call.transferred",
        "call.ended",
        "agent.state_changed",
        "agent.activity_changed",
    ];
}

/// Where a transferred call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Agent(Uuid),
    Queue(Uuid),
    Elsewhere,
}

/// How a call that still waited ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    Abandoned,
    Overflowed,
    Unserved,
}

/// What an agent wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wish {
    Available,
    Paused,
    Offline,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fact {
    Queued {
        queue: Uuid,
        level_ms: i64,
        short_ms: i64,
        passed_by: Option<Uuid>,
    },
    Offered {
        agent: Uuid,
        queue: Option<Uuid>,
    },
    Missed {
        agent: Uuid,
    },
    Answered {
        agent: Uuid,
        queue: Option<Uuid>,
    },
    Held {
        agent: Option<Uuid>,
    },
    Resumed {
        agent: Option<Uuid>,
    },
    Transferred {
        by: Option<Uuid>,
        to: Target,
        queue: Option<Uuid>,
    },
    Ended {
        waiting: Unanswered,
    },
    /// What the agent, or somebody for them, asked for.
    State {
        wish: Wish,
        reason: String,
    },
    /// What the agent does, as the router sees it.
    Activity {
        activity: crate::Activity,
        work: Option<Uuid>,
    },
}

fn id(data: &Value, field: &str) -> Option<Uuid> {
    Uuid::parse_str(data.get(field)?.as_str()?).ok()
}

fn seconds(data: &Value, field: &str, otherwise: i64) -> i64 {
    data.get(field).and_then(Value::as_i64).unwrap_or(otherwise).clamp(0, MOST_SECONDS) * 1_000
}

impl Fact {
    /// `None`: nothing that is counted.
    pub(crate) fn of(event: &Event<'_>) -> Option<Self> {
        let data = event.data;
        let agent = || id(data, "agent_id");
        Some(match event.kind {
            // Who is to be called back hears no music: they were counted when they called.
            "call.queued" if data.get("callback") == Some(&Value::Bool(true)) => return None,
            "call.queued" => Self::Queued {
                queue: id(data, "queue_id")?,
                level_ms: seconds(data, "service_level_s", SERVICE_LEVEL_S),
                short_ms: seconds(data, "short_abandon_s", SHORT_ABANDON_S),
                passed_by: id(data, "passed_by"),
            },
            "call.offered" => Self::Offered { agent: agent()?, queue: id(data, "queue_id") },
            "call.missed_offer" => Self::Missed { agent: agent()? },
            "call.answered" => Self::Answered { agent: agent().or(event.actor)?, queue: id(data, "queue_id") },
            "call.held" => Self::Held { agent: agent().or(event.actor) },
            "call.resumed" => Self::Resumed { agent: agent().or(event.actor) },
            "call.transferred" => {
                let to = data.get("to").unwrap_or(&Value::Null);
                let to = match (id(to, "agent_id"), id(to, "queue_id")) {
                    (Some(agent), _) => Target::Agent(agent),
                    (None, Some(queue)) => Target::Queue(queue),
                    (None, None) => Target::Elsewhere,
                };
                Self::Transferred { by: id(data, "from_agent_id").or(event.actor), to, queue: id(data, "queue_id") }
            }
            "call.ended" => Self::Ended {
                waiting: match data.get("end_reason").and_then(Value::as_str).unwrap_or_default() {
                    "abandoned_queue" | "abandoned_ivr" | "completed_customer" => Unanswered::Abandoned,
                    "overflow" | "voicemail" | "callback" | "transferred" => Unanswered::Overflowed,
                    _ => Unanswered::Unserved,
                },
            },
            "agent.state_changed" => Self::State {
                wish: match data.get("state").and_then(Value::as_str)? {
                    "available" => Wish::Available,
                    "paused" => Wish::Paused,
                    "offline" => Wish::Offline,
                    _ => return None,
                },
                reason: reason(data),
            },
            "agent.activity_changed" => Self::Activity {
                activity: serde_json::from_value(data.get("activity")?.clone()).ok()?,
                work: id(data, "call_id"),
            },
            _ => return None,
        })
    }
}

fn reason(data: &Value) -> String {
    let text = data.get("reason").and_then(Value::as_str).unwrap_or_default();
    text.chars().filter(|letter| !letter.is_control()).take(REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any JSON, with the field names that are looked for among its own.
    fn json() -> impl Strategy<Value = Value> {
        let field = prop_oneof![
            "[a-z_]{0,6}",
            prop::sample::select(vec![
                "queue_id",
                "agent_id",
                "to",
                "state",
                "activity",
                "reason",
                "service_level_s",
                "end_reason",
                "call_id"
            ])
            .prop_map(str::to_owned),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            any::<u128>().prop_map(|bits| Value::from(Uuid::from_u128(bits).to_string())),
        ];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(field.clone(), inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_details_are_borne(data in json(), kind in 0_usize..11, subject: u128) {
            let kind = ["call.queued", "call.offered", "call.missed_offer", "call.answered", "call.held", "call.resumed",
                "call.transferred", "call.ended", "agent.state_changed", "agent.activity_changed", "contact.merged"][kind];
            let event = Event { kind, at: DateTime::UNIX_EPOCH, subject: Uuid::from_u128(subject), actor: None, data: &data };
            let fact = Fact::of(&event);
            prop_assert!(Event::KINDS.contains(&kind) || fact.is_none());
            if let Some(Fact::State { reason, .. }) = fact {
                prop_assert!(reason.chars().count() <= REASON_CHARS && !reason.contains('\0'));
            }
        }
    }
}
