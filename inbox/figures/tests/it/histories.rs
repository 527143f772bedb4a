//! Any history gives the same figures: in one go, in pieces with what is remembered stored between them, and counted in another way.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::naive;
use crate::support::{Happened, agent, call, from_scratch, history, queue};
use trunkline_figures::{AgentMemory, CallMemory, Cells, Figures, Ledger, QUARTER_MS, Quarter, agents_of, subjects};
use uuid::Uuid;

/// What a consumer stores: the memory of each call and agent as text, and the cells.
#[derive(Default)]
struct Store {
    calls: BTreeMap<Uuid, String>,
    agents: BTreeMap<Uuid, String>,
    cells: Cells,
}

impl Store {
    /// Takes in a piece of the history with no more than is needed of what is stored.
    fn take_in(&mut self, piece: &[Happened]) {
        let mut ledger = Ledger::default();
        let named = subjects(piece.iter().map(Happened::event));
        let calls: Vec<(Uuid, CallMemory)> =
            named.iter().filter_map(|id| Some((*id, serde_json::from_str(self.calls.get(id)?).unwrap()))).collect();
        let agents = agents_of(calls.iter().map(|(_, call)| call));
        for id in named.iter().chain(&agents) {
            if let Some(text) = self.agents.get(id) {
                ledger.put_agent(*id, serde_json::from_str::<AgentMemory>(text).unwrap());
            }
        }
        for (id, call) in calls {
            ledger.put_call(id, call);
        }
        let mut cells = Cells::default();
        for happened in piece {
            ledger.apply(&happened.event(), &mut cells);
        }
        let changes = ledger.take_changes();
        for (id, memory) in changes.calls {
            match memory {
                Some(memory) => self.calls.insert(id, serde_json::to_string(&memory).unwrap()),
                None => self.calls.remove(&id),
            };
        }
        for (id, memory) in changes.agents {
            self.agents.insert(id, serde_json::to_string(&memory).unwrap());
        }
        self.cells.merge(&cells);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn pieces_give_what_one_run_from_scratch_gives(history in history(120), cuts in prop::collection::vec(1_usize..20, 1..40)) {
        let mut store = Store::default();
        let (mut rest, mut cuts) = (history.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, later) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            store.take_in(piece);
            rest = later;
        }
        store.cells.prune();
        let (cells, ledger) = from_scratch(&history);
        prop_assert_eq!(&store.cells, &cells);
        // And what is remembered at the end is the same.
        let calls: BTreeMap<Uuid, String> =
            ledger.calls().map(|(id, call)| (*id, serde_json::to_string(call).unwrap())).collect();
        prop_assert_eq!(store.calls, calls);
        let agents: BTreeMap<Uuid, String> =
            ledger.agents().map(|(id, agent)| (*id, serde_json::to_string(agent).unwrap())).collect();
        prop_assert_eq!(store.agents, agents);
    }

    #[test]
    fn counting_in_another_way_gives_the_same(history in history(60)) {
        let (cells, _) = from_scratch(&history);
        let naive = naive::figures(&history);
        for (key, figures) in naive.iter() {
            let ours = cells.iter().find(|(ours, _)| *ours == key).map(|(_, figures)| figures);
            prop_assert_eq!(ours, Some(figures), "{:?}", key);
        }
        prop_assert_eq!(cells, naive);
    }

    #[test]
    fn nothing_is_negative_and_every_offered_call_is_accounted_for_once(history in history(120)) {
        let (cells, ledger) = from_scratch(&history);
        for (key, figures) in cells.iter() {
            prop_assert!(figures.values().all(|value| value >= 0), "{key:?}: {figures:?}");
            prop_assert!(figures.pauses.values().all(|value| *value >= 0));
            prop_assert_eq!(figures.pauses.values().sum::<i64>(), figures.paused_ms);
            let derived = figures.derived();
            for share in [derived.service_level, derived.abandon_rate, derived.occupancy, derived.adherence] {
                prop_assert!(share.is_none_or(|share| (0.0..=1.0).contains(&share)), "{key:?}: {derived:?}");
            }
        }
        let total = cells.total();
        let outcomes = total.answered + total.abandoned + total.overflowed + total.unserved;
        prop_assert!(outcomes <= total.offered && total.offered - outcomes <= ledger.calls().count() as i64);
        prop_assert!(total.short_abandoned <= total.abandoned && total.answered_in_level <= total.answered);
        prop_assert!(total.missed_offers <= total.offers);
    }

    /// Cells by queue and quarter hour balance too: outcomes are counted where the call came in.
    #[test]
    fn no_cell_has_more_outcomes_than_offers_of_its_queue(history in history(120)) {
        let (cells, _) = from_scratch(&history);
        let mut queues: BTreeMap<(Quarter, Uuid), Figures> = BTreeMap::new();
        for (key, figures) in cells.iter() {
            if let Some(queue) = key.queue {
                queues.entry((key.quarter, queue)).or_default().add(figures);
            }
        }
        for sums in queues.values() {
            prop_assert!(sums.answered + sums.abandoned + sums.overflowed + sums.unserved <= sums.offered, "{sums:?}");
        }
    }
}

/// Quarter hour 0 of the examples.
const START: i64 = 1_790_001_000_000 - 1_790_001_000_000 % QUARTER_MS;

fn at(seconds: i64, kind: &'static str, subject: Uuid, data: Value) -> Happened {
    Happened { kind, at_ms: START + seconds * 1_000, subject, data }
}

fn cell(history: &[Happened], nth: i64, queue: Option<Uuid>, agent: Option<Uuid>) -> Figures {
    from_scratch(history).0.at(Quarter(Quarter::of(START).0 + nth), queue, agent).clone()
}

/// The worked example of docs/metrics.md.
#[test]
fn the_example_of_the_documentation_is_right() {
    let (sales, ada) = (queue(0), agent(0));
    let state = |seconds, activity: &str, work: Option<Uuid>| {
        at(seconds, "agent.activity_changed", ada, json!({ "activity": activity, "call_id": work }))
    };
    let queued = |seconds, n| at(seconds, "call.queued", call(n), json!({ "queue_id": sales }));
    let answered = |seconds, n| at(seconds, "call.answered", call(n), json!({ "agent_id": ada, "queue_id": sales }));
    let ended = |seconds, n, reason: &str| at(seconds, "call.ended", call(n), json!({ "end_reason": reason }));
    let history = [
        state(0, "available", None),
        queued(60, 0),
        at(60, "call.offered", call(0), json!({ "agent_id": ada, "queue_id": sales })),
        answered(72, 0),
        state(72, "on_contact", Some(call(0))),
        queued(100, 1),
        ended(103, 1, "abandoned_queue"),
        queued(120, 2),
        at(132, "call.held", call(0), json!({ "agent_id": ada })),
        at(162, "call.resumed", call(0), json!({ "agent_id": ada })),
        ended(192, 2, "abandoned_queue"),
        ended(252, 0, "completed_customer"),
        state(252, "wrap_up", Some(call(0))),
        state(282, "available", None),
        queued(300, 3),
        at(300, "call.offered", call(3), json!({ "agent_id": ada, "queue_id": sales })),
        at(320, "call.missed_offer", call(3), json!({ "agent_id": ada, "queue_id": sales, "why": "no_answer" })),
        at(320, "call.queued", call(3), json!({ "queue_id": sales, "passed_by": ada })),
        at(320, "call.offered", call(3), json!({ "agent_id": ada, "queue_id": sales })),
        answered(330, 3),
        state(330, "on_contact", Some(call(3))),
        ended(450, 3, "completed_agent"),
        state(450, "paused", None),
        state(900, "offline", None),
    ];
    let (cells, _) = from_scratch(&history);
    let total = cells.total();
    assert_eq!((total.offered, total.answered, total.answered_in_level), (4, 2, 1));
    assert_eq!((total.abandoned, total.short_abandoned, total.offers, total.missed_offers), (2, 1, 3, 1));
    assert_eq!((total.answer_wait_ms, total.longest_wait_ms), (42_000, 72_000));
    assert_eq!((total.contacts, total.talk_ms, total.hold_ms, total.wrap_up_ms), (2, 270_000, 30_000, 30_000));
    assert_eq!((total.available_ms, total.on_contact_ms, total.wrapping_up_ms), (120_000, 300_000, 30_000));
    assert_eq!(total.paused_ms, 450_000);
    let derived = total.derived();
    assert_eq!((derived.service_level, derived.abandon_rate), (Some(0.3333), Some(0.3333)));
    assert_eq!((derived.asa_ms, derived.aht_ms), (Some(21_000), Some(165_000)));
    assert_eq!((derived.occupancy, derived.adherence), (Some(0.7333), Some(0.5)));
}

#[test]
fn an_outcome_is_counted_in_the_quarter_hour_of_its_call() {
    let history = [
        at(890, "call.queued", call(0), json!({ "queue_id": queue(0) })),
        at(910, "call.answered", call(0), json!({ "agent_id": agent(0), "queue_id": queue(0) })),
        at(1_900, "call.ended", call(0), json!({ "end_reason": "completed_agent" })),
    ];
    assert_eq!(cell(&history, 0, Some(queue(0)), None).offered, 1);
    let answered = cell(&history, 0, Some(queue(0)), Some(agent(0)));
    assert_eq!((answered.answered, answered.answered_in_level, answered.contacts), (1, 1, 0));
    let handled = cell(&history, 1, Some(queue(0)), Some(agent(0)));
    assert_eq!((handled.answered, handled.contacts, handled.talk_ms), (0, 1, 990_000));
    // The agent's own time is counted as it passes.
    assert_eq!(cell(&history, 1, None, Some(agent(0))).on_contact_ms, 890_000);
    assert_eq!(cell(&history, 2, None, Some(agent(0))).on_contact_ms, 100_000);
}

#[test]
fn a_call_that_overflows_is_offered_to_both_queues() {
    let history = [
        at(0, "call.queued", call(0), json!({ "queue_id": queue(0) })),
        at(
            30,
            "call.queued",
            call(0),
            json!({ "queue_id": queue(1), "from_queue_id": queue(0), "service_level_s": 10 }),
        ),
        at(41, "call.answered", call(0), json!({ "agent_id": agent(0), "queue_id": queue(1) })),
    ];
    let first = cell(&history, 0, Some(queue(0)), None);
    assert_eq!((first.offered, first.overflowed, first.longest_wait_ms), (1, 1, 30_000));
    assert_eq!(first.derived().service_level, Some(0.0));
    let next = cell(&history, 0, Some(queue(1)), Some(agent(0)));
    assert_eq!((next.answered, next.answered_in_level, next.answer_wait_ms), (1, 0, 11_000));
}

#[test]
fn a_transfer_ends_one_part_and_begins_another() {
    let history = [
        at(0, "call.queued", call(0), json!({ "queue_id": queue(0) })),
        at(5, "call.answered", call(0), json!({ "agent_id": agent(0), "queue_id": queue(0) })),
        at(
            65,
            "call.transferred",
            call(0),
            json!({ "kind": "blind", "from_agent_id": agent(0), "to": { "queue_id": queue(1) } }),
        ),
        at(65, "call.queued", call(0), json!({ "queue_id": queue(1), "from_queue_id": queue(0) })),
        at(75, "call.answered", call(0), json!({ "agent_id": agent(1), "queue_id": queue(1) })),
        at(175, "call.ended", call(0), json!({ "end_reason": "completed_customer" })),
    ];
    let first = cell(&history, 0, Some(queue(0)), Some(agent(0)));
    assert_eq!((first.answered, first.contacts, first.talk_ms, first.transfers_out), (1, 1, 60_000, 1));
    assert_eq!(cell(&history, 0, Some(queue(0)), None).overflowed, 0);
    let next = cell(&history, 0, Some(queue(1)), None);
    assert_eq!((next.offered, next.transfers_in), (1, 1));
    let second = cell(&history, 0, Some(queue(1)), Some(agent(1)));
    assert_eq!((second.answered, second.answer_wait_ms, second.talk_ms), (1, 10_000, 100_000));
}

#[test]
fn a_holiday_counts_for_a_day() {
    let offline =
        |days: i64, state: &str| at(days * 86_400, "agent.state_changed", agent(0), json!({ "state": state }));
    let (cells, _) = from_scratch(&[offline(0, "offline"), offline(30, "available")]);
    assert_eq!((cells.total().offline_ms, cells.len()), (86_400_000, 96));
}

#[test]
fn a_report_in_between_counts_up_to_now() {
    let history = [at(0, "agent.state_changed", agent(0), json!({ "state": "available" }))];
    let (mut cells, ledger) = from_scratch(&history);
    assert!(cells.is_empty());
    let (id, memory) = ledger.agents().next().unwrap();
    memory.until(*id, START + 1_000_000, &mut cells);
    assert_eq!((cells.total().available_ms, cells.len()), (1_000_000, 2));
}
