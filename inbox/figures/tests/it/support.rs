//! Random histories of a call centre: plausible ones, with calls in any order of events and clocks that jump.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};
use trunkline_figures::{Cells, Event, Ledger};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Happened {
    pub(crate) kind: &'static str,
    pub(crate) at_ms: i64,
    pub(crate) subject: Uuid,
    pub(crate) data: Value,
}

impl Happened {
    pub(crate) fn event(&self) -> Event<'_> {
        let at: DateTime<Utc> = DateTime::from_timestamp_millis(self.at_ms).unwrap();
        Event { kind: self.kind, at, subject: self.subject, actor: None, data: &self.data }
    }

    pub(crate) fn id(&self, field: &str) -> Option<Uuid> {
        Uuid::parse_str(self.data.get(field)?.as_str()?).ok()
    }
}

pub(crate) fn call(n: u8) -> Uuid {
    Uuid::from_u128(0xca11_0000 + u128::from(n))
}

pub(crate) fn agent(n: u8) -> Uuid {
    Uuid::from_u128(0xa6e7_0000 + u128::from(n))
}

pub(crate) fn queue(n: u8) -> Uuid {
    Uuid::from_u128(0x9e9e_0000 + u128::from(n))
}

/// One event, at so many milliseconds after the one before.
fn happened() -> impl Strategy<Value = (i64, &'static str, Uuid, Value)> {
    let step = prop_oneof![
        8 => 0_i64..600_000,
        4 => 0_i64..4_000_000,
        2 => -30_000_i64..0,
        1 => -4_000_000_i64..90_000_000,
        1 => prop::sample::select(vec![-200_000_000_i64, 700_000_000, 2_000_000_000, -2_000_000_000]),
    ];
    let (calls, agents, queues) = (0_u8..4, 0_u8..3, 0_u8..3);
    let what = (0_u8..24, calls, agents.clone(), agents, queues.clone(), queues, 0_u8..6).prop_map(
        |(what, c, a, b, q, other, more)| {
            let state = |state: &str, activity: Option<&str>, work: bool| {
                let reason = ["lunch", "coffee"][usize::from(more % 2)];
                let Some(activity) = activity else {
                    return ("agent.state_changed", agent(a), json!({ "state": state, "reason": reason }));
                };
                let mut data = json!({ "activity": activity });
                if work {
                    data["call_id"] = call(c).to_string().into();
                }
                ("agent.activity_changed", agent(a), data)
            };
            match what {
                0..=4 => {
                    let mut data = json!({ "queue_id": queue(q) });
                    match more {
                        0 => data["passed_by"] = agent(a).to_string().into(),
                        1 => data["service_level_s"] = 200.into(),
                        2 => data["short_abandon_s"] = 300.into(),
                        3 => data["from_queue_id"] = queue(other).to_string().into(),
                        _ => {}
                    }
                    ("call.queued", call(c), data)
                }
                5 | 6 => ("call.offered", call(c), json!({ "agent_id": agent(a), "queue_id": queue(q) })),
                7 => {
                    ("call.missed_offer", call(c), json!({ "agent_id": agent(a), "queue_id": queue(q), "why": "rang" }))
                }
                8..=11 => ("call.answered", call(c), json!({ "agent_id": agent(a), "queue_id": queue(q) })),
                12 => ("call.held", call(c), json!({ "agent_id": agent(a) })),
                13 => ("call.resumed", call(c), json!({ "agent_id": agent(a) })),
                14 => {
                    let to = match more % 3 {
                        0 => json!({ "agent_id": agent(b) }),
                        1 => json!({ "queue_id": queue(other) }),
                        _ => json!({ "number": "+15550100" }),
                    };
                    ("call.transferred", call(c), json!({ "kind": "blind", "from_agent_id": agent(a), "to": to }))
                }
                15..=17 => {
                    let reasons =
                        ["abandoned_queue", "completed_customer", "completed_agent", "overflow", "failed", "lost"];
                    let reason = reasons[usize::from(more)];
                    ("call.ended", call(c), json!({ "end_reason": reason }))
                }
                18 | 19 => state(["available", "paused", "offline"][usize::from(more % 3)], None, false),
                20 => state("available", Some("available"), false),
                21 => state("available", Some("on_contact"), true),
                22 => state("available", Some("wrap_up"), more % 2 == 0),
                _ => state("paused", Some(["paused", "offline", "unreachable"][usize::from(more % 3)]), false),
            }
        },
    );
    (step, what).prop_map(|(step, (kind, subject, data))| (step, kind, subject, data))
}

prop_compose! {
    pub(crate) fn history(most: usize)(steps in prop::collection::vec(happened(), 0..most)) -> Vec<Happened> {
        let mut at_ms = 1_790_000_000_000_i64;
        steps.into_iter().map(|(step, kind, subject, data)| {
            at_ms += step;
            Happened { kind, at_ms, subject, data }
        }).collect()
    }
}

/// All of it in one go.
pub(crate) fn from_scratch(history: &[Happened]) -> (Cells, Ledger) {
    let (mut cells, mut ledger) = (Cells::default(), Ledger::default());
    for happened in history {
        ledger.apply(&happened.event(), &mut cells);
    }
    cells.prune();
    (cells, ledger)
}
