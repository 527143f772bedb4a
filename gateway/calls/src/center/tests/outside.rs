//! Calls that are handed to somebody outside: by an agent, blind or after asking, or by a queue that overflows.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::json;
use trunkline_dialing::{Mark, Rule};

use super::world::{OUTSIDE, World};
use crate::center::{Ask, DialProgress, OnPhone, Request, SuperviseMode, TransferKind, TransferStep, TransferTo};
use crate::model::{AgentActivity, CallState, EndReason, Leg, LegKind, RecordingState};
use crate::queueing::{Destination, Overflow, TooLong};
use crate::{CallCommandError, DialRefusal};

const E164: &str = "+390644121234";

/// A customer talks with the first agent; gives both channels.
fn talking(world: &mut World) -> (String, String) {
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    (customer, leg)
}

fn outside() -> TransferTo {
    TransferTo::Number(OUTSIDE.to_owned())
}

fn room(members: &[&String]) -> BTreeSet<String> {
    members.iter().map(|member| (*member).clone()).collect()
}

fn outside_leg(world: &World) -> Leg {
    world.database.legs.values().find(|leg| leg.kind == LegKind::Outside).cloned().expect("a leg to the outside")
}

fn one_whole_record(world: &World) {
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.database.calls.len(), 1, "one call, however often it was handed on");
    assert_eq!(world.database.recordings.len(), 1, "and one recording");
    assert!(world.database.recordings.values().all(|recording| recording.state == RecordingState::Ready));
    assert!(world.database.legs.values().all(|leg| leg.ended_at.is_some()));
    assert_eq!(world.notes_of("call.ended").len(), 1);
}

#[test]
fn blind_the_customer_hears_it_ring_and_then_talks_with_who_answers() {
    let mut world = World::with_agents(2);
    world.queue_works(|queue| queue.wrap_up_seconds = 10);
    let (customer, first) = talking(&mut world);
    assert_eq!(world.hands_on(0, TransferKind::Blind, outside()), Ok(()));
    assert!(!world.parties().contains(&first), "who handed it on is gone");
    assert_eq!(world.activity(0), Some(AgentActivity::WrapUp));
    assert!(world.hears_ringing(&customer) && !world.hears_music(&customer));
    let dialled = world.dialled_legs().pop().expect("dialled");
    assert_eq!(outside_leg(&world).number.as_deref(), Some(E164));
    assert_eq!(world.rooms(), [room(&[&customer, &dialled])], "what the network says is heard");
    assert_eq!(world.notes_of("call.transferred").len(), 0);
    world.gets_on(&dialled, DialProgress::Answered);
    assert!(!world.hears_ringing(&customer) && !world.hears_music(&customer));
    let transferred = json!({
        "kind": "blind", "from_agent_id": world.agents[0], "to": { "number": E164 }, "queue_id": world.queue,
    });
    assert_eq!(world.notes_of("call.transferred"), [&transferred]);
    assert_eq!((world.the_call().state, world.the_call().agent_id), (CallState::Active, Some(world.agents[0])));
    world.time_passes(TimeDelta::seconds(20));
    assert_eq!(world.activity(0), Some(AgentActivity::Available), "free for the next while the two talk");
    world.hang_up(&dialled, 16);
    one_whole_record(&world);
    assert_eq!(world.the_call().end_reason, Some(EndReason::Transferred));
    assert_eq!(world.finished.len(), 1);
}

#[test]
fn a_number_that_does_not_answer_gives_the_call_back() {
    for (cause, word) in [(Some(17), "busy"), (Some(1), "invalid_number"), (Some(21), "rejected"), (None, "no_answer")]
    {
        let mut world = World::with_agents(2);
        let (customer, _) = talking(&mut world);
        world.hands_on(0, TransferKind::Blind, outside()).expect("taken");
        let dialled = world.dialled_legs().pop().expect("dialled");
        match cause {
            Some(cause) => world.hang_up(&dialled, cause),
            None => world.time_passes(TimeDelta::seconds(90)),
        }
        assert!(!world.hears_ringing(&customer) && world.hears_music(&customer));
        let failed = world.notes_of("call.transfer_failed");
        assert_eq!((&failed[0]["reason"], &failed[0]["to"]), (&json!(word), &json!({ "number": E164 })));
        let back = world.leg_at(0).expect("rings at who handed it on");
        world.answer(&back);
        assert_eq!(world.rooms(), [room(&[&customer, &back])]);
        world.hang_up(&customer, 16);
        one_whole_record(&world);
        assert_eq!(outside_leg(&world).cause, cause.or(Some(16)));
        assert_eq!(world.the_call().end_reason, Some(EndReason::CompletedCustomer));
    }
}

#[test]
fn a_call_that_nobody_has_any_more_waits_in_its_queue() {
    let mut world = World::with_agents(2);
    let (customer, _) = talking(&mut world);
    world.hands_on(0, TransferKind::Blind, outside()).expect("taken");
    world.feed(crate::center::Input::Report(crate::center::Report::Endpoint {
        username: World::phone(0),
        online: false,
    }));
    let dialled = world.dialled_legs().pop().expect("dialled");
    world.hang_up(&dialled, 17);
    let second = world.leg_at(1).expect("rings at whoever serves the queue");
    world.answer(&second);
    assert_eq!(world.rooms(), [room(&[&customer, &second])]);
    world.hang_up(&customer, 16);
    one_whole_record(&world);
}

#[test]
fn what_may_not_be_called_is_refused_and_nothing_changes() {
    let mut world = World::with_agents(2);
    let (customer, first) = talking(&mut world);
    let denied =
        |world: &mut World, number: &str, kind| match world.hands_on(0, kind, TransferTo::Number(number.to_owned())) {
            Err(CallCommandError::NotDialled(DialRefusal::Denied { rule, .. })) => Some(rule),
            _ => None,
        };
    assert_eq!(denied(&mut world, "+447400123456", TransferKind::Blind), Some(Rule::Country));
    assert_eq!(denied(&mut world, "899 123456", TransferKind::Attended), Some(Rule::CostlyKind));
    world.change_policy(|policy| {
        policy.do_not_call.insert(E164.to_owned(), None);
    });
    assert_eq!(denied(&mut world, OUTSIDE, TransferKind::Blind), Some(Rule::DoNotCall));
    let tenant = world.tenant;
    world.change_policy(|policy| policy.do_not_call.clear());
    world.change_directory(|directory| {
        directory.spent.insert(tenant);
    });
    assert_eq!(
        world.hands_on(0, TransferKind::Blind, outside()),
        Err(CallCommandError::NotDialled(DialRefusal::Spent))
    );
    assert_eq!(world.rooms(), [room(&[&customer, &first])]);
    assert!(world.dialled_legs().is_empty());
    world.hang_up(&customer, 16);
    one_whole_record(&world);
}

#[test]
fn nobody_outside_is_dialled_before_the_database_has_the_leg() {
    for kind in [TransferKind::Blind, TransferKind::Attended] {
        let mut world = World::with_agents(1);
        let (customer, first) = talking(&mut world);
        world.database_is_silent = true;
        world.hands_on(0, kind, outside()).expect("taken");
        assert!(world.dialled_legs().is_empty());
        world.time_passes(TimeDelta::seconds(10));
        assert_eq!(world.notes_of("call.transfer_failed")[0]["reason"], "not_written");
        if kind == TransferKind::Attended {
            assert_eq!(world.rooms(), [room(&[&customer, &first])]);
        }
        assert!(!world.requests.iter().any(|request| matches!(request, Request::CreateTrunkLeg { .. })));
        world.hang_up(&customer, 16);
        one_whole_record(&world);
    }
}

#[test]
fn a_customer_who_leaves_before_the_leg_is_written_leaves_no_limbo() {
    let mut world = World::with_agents(1);
    let (customer, _) = talking(&mut world);
    world.database_is_silent = true;
    world.hands_on(0, TransferKind::Blind, outside()).expect("taken");
    world.hang_up(&customer, 16);
    one_whole_record(&world);
    assert!(!world.the_call().estimated);
}

#[test]
fn legs_to_the_outside_count_against_the_caps_while_they_run() {
    let mut world = World::with_agents(2);
    world.change_policy(|policy| policy.rules.as_mut().expect("rules").caps.concurrent = Some(1));
    let (customer, _) = talking(&mut world);
    world.hands_on(0, TransferKind::Blind, outside()).expect("taken");
    let dialled = world.dialled_legs().pop().expect("dialled");
    world.gets_on(&dialled, DialProgress::Answered);
    world.clicks(1, OUTSIDE);
    assert!(matches!(world.dialled.pop(), Some(Err(DialRefusal::Denied { rule: Rule::Concurrent, .. }))));
    // The agent who handed it on is free, and on no call.
    world.hang_up(&customer, 16);
    one_whole_record(&world);
    world.clicks(0, OUTSIDE);
    assert_eq!(world.dialled.pop(), Some(Ok(())));
}

#[test]
fn asked_first_they_take_the_call_when_it_is_completed() {
    let mut world = World::with_agents(2);
    let (customer, first) = talking(&mut world);
    world.hands_on(0, TransferKind::Attended, outside()).expect("taken");
    assert!(world.hears_music(&customer));
    let dialled = world.dialled_legs().pop().expect("dialled");
    assert_eq!(world.rooms(), [room(&[&customer]), room(&[&first, &dialled])], "the agent hears the network");
    world.gets_on(&dialled, DialProgress::Ringing);
    assert!(world.hears_ringing(&first));
    assert_eq!(world.step(0, TransferStep::Swap), Err(CallCommandError::NotNow));
    world.gets_on(&dialled, DialProgress::Answered);
    assert!(!world.hears_ringing(&first));
    assert_eq!(world.notes_of("call.consulted"), [&json!({ "to": { "number": E164 }, "by": world.agents[0] })]);
    world.step(0, TransferStep::Swap).expect("swaps");
    assert_eq!(world.rooms(), [room(&[&customer, &first]), room(&[&dialled])]);
    assert!(world.hears_music(&dialled) && !world.hears_music(&customer));
    world.step(0, TransferStep::Swap).expect("swaps back");
    world.step(0, TransferStep::Complete).expect("completes");
    assert_eq!(world.rooms(), [room(&[&customer, &dialled])]);
    assert!(!world.hears_music(&customer) && !world.hears_music(&dialled));
    assert_eq!(world.notes_of("call.transferred")[0]["kind"], "attended");
    assert_eq!(world.activity(0), Some(AgentActivity::Available));
    world.hang_up(&customer, 16);
    one_whole_record(&world);
    assert_eq!(world.the_call().end_reason, Some(EndReason::Transferred));
}

#[test]
fn cancelled_or_failed_all_is_as_it_was() {
    for end in ["cancelled", "cancelled at work", "busy", "hung up"] {
        let mut world = World::with_agents(2);
        let (customer, first) = talking(&mut world);
        world.hands_on(0, TransferKind::Attended, outside()).expect("taken");
        let dialled = world.dialled_legs().pop().expect("dialled");
        match end {
            "busy" => world.hang_up(&dialled, 17),
            "cancelled" => world.step(0, TransferStep::Cancel).expect("cancels"),
            _ => world.gets_on(&dialled, DialProgress::Answered),
        }
        match end {
            "cancelled at work" => world.step(0, TransferStep::Cancel).expect("cancels"),
            "hung up" => world.hang_up(&dialled, 16),
            _ => {}
        }
        assert_eq!(world.rooms(), [room(&[&customer, &first])], "{end}");
        assert!(!world.hears_music(&customer) && !world.hears_ringing(&first));
        assert!(!world.parties().contains(&dialled));
        // And it can be handed on once more.
        world.hands_on(0, TransferKind::Blind, outside()).expect("taken");
        world.hang_up(&customer, 16);
        one_whole_record(&world);
    }
}

#[test]
fn who_asks_and_hangs_up_hands_the_call_over() {
    for answered in [false, true] {
        let mut world = World::with_agents(2);
        let (customer, first) = talking(&mut world);
        world.hands_on(0, TransferKind::Attended, outside()).expect("taken");
        let dialled = world.dialled_legs().pop().expect("dialled");
        if answered {
            world.gets_on(&dialled, DialProgress::Answered);
            world.hang_up(&first, 16);
        } else {
            world.hang_up(&first, 16);
            assert!(world.hears_ringing(&customer) && !world.hears_music(&customer));
            world.gets_on(&dialled, DialProgress::Answered);
        }
        assert_eq!(world.rooms(), [room(&[&customer, &dialled])]);
        world.hang_up(&customer, 16);
        one_whole_record(&world);
        assert_eq!(world.the_call().end_reason, Some(EndReason::Transferred));
    }
}

#[test]
fn three_talk_and_the_agent_may_leave_them_alone() {
    let mut world = World::with_agents(3);
    let (customer, first) = talking(&mut world);
    world.hands_on(0, TransferKind::Attended, outside()).expect("taken");
    let dialled = world.dialled_legs().pop().expect("dialled");
    world.gets_on(&dialled, DialProgress::Answered);
    world.step(0, TransferStep::Merge).expect("merges");
    assert_eq!(world.rooms(), [room(&[&customer, &dialled, &first])]);
    assert_eq!(world.hands_on(0, TransferKind::Blind, outside()), Err(CallCommandError::NotNow), "one at a time");
    let call = world.the_call().id;
    world.supervises(1, call, SuperviseMode::Listen).expect("listens");
    world.answer(&world.leg_at(1).or_else(|| world.ringing_legs().pop()).expect("rings"));
    world.hang_up(&first, 16);
    assert_eq!(world.rooms(), [room(&[&customer, &dialled])]);
    assert_eq!(world.notes_of("call.transferred")[0]["kind"], "conference");
    assert_eq!(world.notes_of("call.supervision_ended")[0]["why"], "transferred");
    assert_eq!(
        world.asks(2, Some(call), Ask::Supervise(SuperviseMode::Listen, OnPhone::Any)),
        Err(CallCommandError::NotNow)
    );
    world.hang_up(&dialled, 16);
    one_whole_record(&world);

    // Or whoever is outside leaves the agent and the customer.
    let mut world = World::with_agents(1);
    let (customer, first) = talking(&mut world);
    world.hands_on(0, TransferKind::Attended, outside()).expect("taken");
    let dialled = world.dialled_legs().pop().expect("dialled");
    world.gets_on(&dialled, DialProgress::Answered);
    world.step(0, TransferStep::Merge).expect("merges");
    world.hang_up(&dialled, 16);
    assert_eq!(world.rooms(), [room(&[&customer, &first])]);
    world.hang_up(&first, 16);
    one_whole_record(&world);
    assert_eq!(world.the_call().end_reason, Some(EndReason::CompletedAgent));
}

#[test]
fn who_asks_and_leaves_another_agent_with_the_customer_takes_the_question_along() {
    let mut world = World::with_agents(2);
    let (customer, first) = talking(&mut world);
    world.asks_in(0, world.agents[1]).expect("asked");
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    world.hands_on(0, TransferKind::Attended, outside()).expect("taken");
    world.hang_up(&first, 16);
    assert!(world.dialled_legs().is_empty());
    assert_eq!(world.rooms(), [room(&[&customer, &second])]);
    assert!(!world.hears_ringing(&customer) && !world.hears_music(&customer));
    assert_eq!(world.the_call().agent_id, Some(world.agents[1]));
    world.hang_up(&second, 16);
    one_whole_record(&world);
}

#[test]
fn a_cut_and_a_new_gateway_leave_the_two_together() {
    let mut world = World::with_agents(1);
    let (customer, _) = talking(&mut world);
    world.hands_on(0, TransferKind::Blind, outside()).expect("taken");
    let dialled = world.dialled_legs().pop().expect("dialled");
    // The answer comes while nobody looks.
    let from = world.now;
    world.connection_is_cut();
    world.gets_on(&dialled, DialProgress::Answered);
    world.connection_comes_back(from, "connection_lost");
    assert_eq!(world.the_call().state, CallState::Active);
    world.gateway_is_killed();
    world.connection_comes_back(from, "gateway_restart");
    assert_eq!(world.rooms(), [room(&[&customer, &dialled])]);
    assert_eq!(world.activity(0), Some(AgentActivity::Available), "the agent has no part in it");
    world.hang_up(&customer, 16);
    one_whole_record(&world);
    assert_eq!(world.the_call().end_reason, Some(EndReason::Transferred));
}

#[test]
fn a_gateway_that_dies_while_it_rings_outside_lets_the_customer_wait_for_anybody() {
    for kind in [TransferKind::Blind, TransferKind::Attended] {
        let mut world = World::with_agents(1);
        let (customer, _) = talking(&mut world);
        world.hands_on(0, kind, outside()).expect("taken");
        let before = world.now;
        world.gateway_is_killed();
        world.connection_comes_back(before, "gateway_restart");
        assert!(world.dialled_legs().is_empty());
        let leg = world.leg_at(0).expect("rings, or is still there");
        if kind == TransferKind::Blind {
            world.answer(&leg);
        }
        assert_eq!(world.rooms(), [room(&[&customer, &leg])]);
        assert!(!world.hears_music(&customer) && !world.hears_ringing(&customer));
        world.hang_up(&customer, 16);
        one_whole_record(&world);
    }
}

/// A queue with nobody to serve it, which sends callers to a number when they have waited half a minute.
fn overflowing() -> World {
    let mut world = World::with_agents(1);
    world.agent_chooses(0, crate::AgentState::Paused);
    world.queue_works(|queue| {
        queue.overflow = Some(Overflow { after_seconds: 30, to: Destination::Number(E164.to_owned()) });
        queue.unattended.grace_seconds = 300;
    });
    world
}

#[test]
fn a_queue_sends_whom_it_does_not_serve_to_a_number() {
    let mut world = overflowing();
    let customer = world.customer_calls();
    world.time_passes(TimeDelta::seconds(31));
    let overflowed = world.notes_of("call.overflowed");
    assert_eq!((&overflowed[0]["to_number"], &overflowed[0]["reason"]), (&json!(E164), &json!("waited")));
    let dialled = world.dialled_legs().pop().expect("dialled");
    assert!(world.hears_ringing(&customer) && !world.hears_music(&customer));
    world.gets_on(&dialled, DialProgress::Answered);
    assert_eq!(world.rooms(), [room(&[&customer, &dialled])]);
    assert_eq!((world.the_call().state, world.the_call().agent_id), (CallState::Active, None));
    world.time_passes(TimeDelta::seconds(10));
    world.hang_up(&customer, 16);
    one_whole_record(&world);
    assert_eq!(world.the_call().end_reason, Some(EndReason::Transferred));
    assert_eq!(outside_leg(&world).agent_id, None);
}

#[test]
fn an_overflow_that_leads_nowhere_is_none() {
    for denied in [false, true] {
        let mut world = overflowing();
        if denied {
            world.change_policy(|policy| {
                policy.do_not_call.insert(E164.to_owned(), None);
                policy.marks.insert(E164.to_owned(), Mark::Vip);
            });
        }
        world.customer_calls();
        world.time_passes(TimeDelta::seconds(31));
        if !denied {
            let dialled = world.dialled_legs().pop().expect("dialled");
            world.hang_up(&dialled, 17);
        }
        let failed = world.notes_of("call.transfer_failed");
        assert_eq!(failed[0]["reason"], if denied { "denied" } else { "busy" });
        world.speeches_end();
        assert!(world.nothing_is_left(), "{}", world.left_overs());
        assert_eq!(world.the_call().end_reason, Some(EndReason::Overflow));
        assert!(world.database.recordings.is_empty());
    }
}

#[test]
fn a_full_queue_sends_the_next_caller_to_a_number_at_once() {
    let mut world = overflowing();
    world.queue_works(|queue| queue.too_long = Some(TooLong { at: 1, to: Destination::Number(E164.to_owned()) }));
    world.customer_calls();
    let second = world.customer_calls();
    let dialled = world.dialled_legs().pop().expect("dialled");
    assert!(world.hears_ringing(&second));
    world.hang_up(&second, 16);
    assert!(!world.parties().contains(&dialled));
    assert_eq!(world.the_call().end_reason, Some(EndReason::AbandonedQueue));
}
