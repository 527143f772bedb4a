//! The figures counted a second time, in another way: no memory between events, but for each thing that begins the whole history is
//! searched for where it ends. Slow, and plain.

use std::collections::BTreeSet;

use trunkline_figures::{Cells, Quarter};
use uuid::Uuid;

use crate::support::Happened;

const DAY: i64 = 86_400_000;

fn span(from: i64, to: i64) -> i64 {
    (to - from).clamp(0, 7 * DAY)
}

/// A call from its first event that begins something to its end, as places in the history.
fn lives(history: &[Happened]) -> Vec<Vec<usize>> {
    let mut lives = Vec::new();
    let calls: BTreeSet<Uuid> = history.iter().filter(|it| it.kind.starts_with("call.")).map(|it| it.subject).collect();
    for call in calls {
        let mut places = (0..history.len()).filter(|at| history[*at].subject == call);
        loop {
            let mut life: Vec<usize> = Vec::new();
            let mut over = false;
            for at in places.by_ref() {
                let begins = matches!(history[at].kind, "call.queued" | "call.offered" | "call.answered");
                if !life.is_empty() || begins {
                    life.push(at);
                    if history[at].kind == "call.ended" {
                        over = true;
                        break;
                    }
                }
            }
            if life.is_empty() {
                break;
            }
            lives.push(life);
            if !over {
                break;
            }
        }
    }
    lives
}

/// An agent's part in a call.
struct Part {
    call: Uuid,
    agent: Uuid,
    queue: Option<Uuid>,
    from: usize,
    to: Option<usize>,
}

fn parts(history: &[Happened], life: &[usize]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (nth, at) in life.iter().copied().enumerate().filter(|(_, at)| history[*at].kind == "call.answered") {
        let agent = history[at].id("agent_id").unwrap();
        let has_it = parts.iter().any(|part| part.agent == agent && part.from < at && part.to.is_none_or(|to| to > at));
        if has_it {
            continue;
        }
        let to = life[nth + 1..].iter().copied().find(|later| match history[*later].kind {
            "call.ended" => true,
            "call.transferred" => history[*later].id("from_agent_id") == Some(agent),
            _ => false,
        });
        let queue = stay_at(history, life, nth).map(|(_, queue)| queue).or(history[at].id("queue_id"));
        parts.push(Part { call: history[at].subject, agent, queue, from: at, to });
    }
    parts
}

/// In which queue the call waits just before the nth event of its life, and since when.
fn stay_at(history: &[Happened], life: &[usize], nth: usize) -> Option<(usize, Uuid)> {
    let answered = life[..nth].iter().rposition(|at| history[*at].kind == "call.answered").map_or(0, |at| at + 1);
    let queued: Vec<usize> =
        life[answered..nth].iter().copied().filter(|at| history[*at].kind == "call.queued").collect();
    let queue = history[*queued.last()?].id("queue_id")?;
    // The same queue said again and again is one stay.
    let begin = queued.iter().rev().copied().take_while(|at| history[*at].id("queue_id") == Some(queue)).last()?;
    Some((begin, queue))
}

fn waiting(history: &[Happened], life: &[usize], cells: &mut Cells) {
    for (nth, at) in life.iter().copied().enumerate() {
        let event = &history[at];
        let stay = stay_at(history, life, nth);
        let ends = match event.kind {
            "call.answered" | "call.ended" => true,
            "call.queued" => stay.is_some_and(|(_, queue)| event.id("queue_id") != Some(queue)),
            _ => false,
        };
        if event.kind == "call.queued" && (ends || stay.is_none()) {
            cells.at(Quarter::of(event.at_ms), event.id("queue_id"), None).offered += 1;
        }
        let Some((begin, queue)) = stay.filter(|_| ends) else { continue };
        let wait = span(history[begin].at_ms, event.at_ms);
        let limit = |field: &str, otherwise: i64| history[begin].data[field].as_i64().unwrap_or(otherwise) * 1_000;
        let agent = if event.kind == "call.answered" { event.id("agent_id") } else { None };
        let cell = cells.at(Quarter::of(history[begin].at_ms), Some(queue), agent);
        cell.longest_wait_ms = cell.longest_wait_ms.max(wait);
        match (event.kind, event.data["end_reason"].as_str()) {
            ("call.answered", _) => {
                cell.answered += 1;
                cell.answer_wait_ms += wait;
                if wait <= limit("service_level_s", 20) {
                    cell.answered_in_level += 1;
                }
            }
            ("call.queued", _) | (_, Some("overflow")) => cell.overflowed += 1,
            (_, Some("abandoned_queue" | "completed_customer")) => {
                cell.abandoned += 1;
                cell.abandon_wait_ms += wait;
                if wait < limit("short_abandon_s", 5) {
                    cell.short_abandoned += 1;
                }
            }
            _ => cell.unserved += 1,
        }
    }
}

fn offers(history: &[Happened], life: &[usize], cells: &mut Cells) {
    for (nth, at) in life.iter().copied().enumerate().filter(|(_, at)| history[*at].kind == "call.offered") {
        let (agent, queue) = (history[at].id("agent_id"), history[at].id("queue_id"));
        let cell = cells.at(Quarter::of(history[at].at_ms), queue, agent);
        cell.offers += 1;
        for (beyond, later) in life.iter().copied().enumerate().skip(nth + 1) {
            let event = &history[later];
            let passed = match event.kind {
                "call.missed_offer" => event.id("agent_id") == agent,
                "call.queued" => event.id("passed_by") == agent,
                _ => false,
            };
            if passed {
                cell.missed_offers += 1;
                break;
            }
            let moved = event.kind == "call.queued"
                && stay_at(history, life, beyond).is_none_or(|(_, queue)| event.id("queue_id") != Some(queue));
            let again = event.kind == "call.offered" && event.id("agent_id") == agent;
            if moved || again || event.kind == "call.answered" {
                break;
            }
        }
    }
}

fn handling(history: &[Happened], life: &[usize], all: &[Part], cells: &mut Cells) {
    for part in all {
        let Some(to) = part.to else { continue };
        let whole = span(history[part.from].at_ms, history[to].at_ms);
        let (mut held, mut since) = (0, None);
        for at in life.iter().copied().filter(|at| (part.from..=to).contains(at)) {
            let event = &history[at];
            let ours = event.id("agent_id") == Some(part.agent);
            match event.kind {
                "call.held" if ours => since = since.or(Some(event.at_ms)),
                "call.resumed" if ours => held += since.take().map_or(0, |since| span(since, event.at_ms)),
                _ if at == to => held += since.take().map_or(0, |since| span(since, event.at_ms)),
                _ => {}
            }
        }
        let cell = cells.at(Quarter::of(history[part.from].at_ms), part.queue, Some(part.agent));
        cell.contacts += 1;
        cell.hold_ms += held.min(whole);
        cell.talk_ms += whole - held.min(whole);
    }
    for (nth, at) in life.iter().copied().enumerate().filter(|(_, at)| history[*at].kind == "call.transferred") {
        let event = &history[at];
        let by = event.id("from_agent_id").unwrap();
        let theirs = all.iter().find(|part| part.agent == by && part.from < at && part.to == Some(at));
        let last_queue = || {
            life[..nth]
                .iter()
                .rev()
                .copied()
                .find(|at| history[*at].kind == "call.queued")
                .and_then(|at| history[at].id("queue_id"))
        };
        let (queue, at_ms) = match theirs {
            Some(part) => (part.queue, history[part.from].at_ms),
            None => (last_queue(), event.at_ms),
        };
        cells.at(Quarter::of(at_ms), queue, Some(by)).transfers_out += 1;
        let to = |field: &str| event.data["to"][field].as_str().map(|id| Uuid::parse_str(id).unwrap());
        match (to("agent_id"), to("queue_id")) {
            (Some(agent), _) => cells.at(Quarter::of(event.at_ms), None, Some(agent)).transfers_in += 1,
            (None, Some(queue)) => cells.at(Quarter::of(event.at_ms), Some(queue), None).transfers_in += 1,
            (None, None) => {}
        }
    }
}

fn times(history: &[Happened], all: &[Part], cells: &mut Cells) {
    let of_agents = ["agent.state_changed", "agent.activity_changed"];
    let states: Vec<usize> = (0..history.len()).filter(|at| of_agents.contains(&history[*at].kind)).collect();
    let agents: BTreeSet<Uuid> =
        states.iter().map(|at| history[*at].subject).chain(all.iter().map(|part| part.agent)).collect();
    for me in agents {
        let mine: Vec<&Part> = all.iter().filter(|part| part.agent == me).collect();
        let said: Vec<usize> = states.iter().copied().filter(|at| history[*at].subject == me).collect();
        let mut moments: BTreeSet<usize> = said.iter().copied().collect();
        moments.extend(mine.iter().map(|part| part.from));
        moments.extend(mine.iter().filter_map(|part| part.to));
        let mut since: Option<i64> = None;
        let mut last: Option<usize> = None;
        for moment in moments {
            let now = history[moment].at_ms;
            if let (Some(last), Some(from)) = (last, since) {
                // What was so just after the last moment.
                let before = || said.iter().rev().filter(|at| **at <= last).map(|at| &history[*at].data);
                let word = before().find(|data| data["state"].is_string());
                let busy = mine.iter().any(|part| part.from <= last && part.to.is_none_or(|to| to > last));
                let told = before().find_map(|data| data["activity"].as_str());
                let doing =
                    told.or(busy.then_some("on_contact")).or_else(|| word.and_then(|word| word["state"].as_str()));
                if let Some(doing) = doing {
                    let to = now.min(from + if doing == "offline" { DAY } else { 7 * DAY });
                    let reason = word.and_then(|word| word["reason"].as_str()).unwrap_or_default();
                    for quarter in Quarter::of(from).0..=Quarter::of(to).0 {
                        let begin = quarter * 900_000;
                        let overlap = to.min(begin + 900_000) - from.max(begin);
                        if overlap <= 0 {
                            continue;
                        }
                        let cell = cells.at(Quarter(quarter), None, Some(me));
                        match doing {
                            "available" => cell.available_ms += overlap,
                            "on_contact" => cell.on_contact_ms += overlap,
                            "wrap_up" => cell.wrapping_up_ms += overlap,
                            "unreachable" => cell.unreachable_ms += overlap,
                            "offline" => cell.offline_ms += overlap,
                            _ => {
                                cell.paused_ms += overlap;
                                *cell.pauses.entry(reason.to_owned()).or_default() += overlap;
                            }
                        }
                    }
                } else {
                    since = None;
                }
            }
            since = match since {
                Some(from) if now < from && from - now <= DAY => Some(from),
                _ => Some(now),
            };
            last = Some(moment);
        }
        wrap_ups(history, &said, &mine, cells);
    }
}

fn wrap_ups(history: &[Happened], said: &[usize], mine: &[&Part], cells: &mut Cells) {
    let told: Vec<usize> = said.iter().copied().filter(|at| history[*at].data["activity"].is_string()).collect();
    for pair in told.windows(2).filter(|pair| history[pair[0]].data["activity"] == "wrap_up") {
        let (begin, end) = (pair[0], pair[1]);
        let latest = mine.iter().filter(|part| part.to.is_some_and(|to| to < begin)).max_by_key(|part| part.to);
        let of = match history[begin].id("call_id") {
            Some(work) => mine
                .iter()
                .find(|part| part.call == work && part.from < begin && part.to.is_none_or(|to| to > begin))
                .or(latest.filter(|part| part.call == work)),
            None => latest,
        };
        let (queue, at_ms) = match of {
            Some(part) => (part.queue, history[part.from].at_ms),
            None => (None, history[begin].at_ms),
        };
        let me = history[begin].subject;
        cells.at(Quarter::of(at_ms), queue, Some(me)).wrap_up_ms += span(history[begin].at_ms, history[end].at_ms);
    }
}

pub(crate) fn figures(history: &[Happened]) -> Cells {
    let mut cells = Cells::default();
    let mut all = Vec::new();
    for life in lives(history) {
        let parts = parts(history, &life);
        waiting(history, &life, &mut cells);
        offers(history, &life, &mut cells);
        handling(history, &life, &parts, &mut cells);
        all.extend(parts);
    }
    times(history, &all, &mut cells);
    cells.prune();
    cells
}
