//! Colleagues call each other.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::json;

use super::world::{OUTSIDE, World};
use crate::DialRefusal;
use crate::center::{Ask, DialProgress, DialWish, HangupWhy, Input, Report, Request, TransferKind, TransferTo};
use crate::model::{AgentActivity, CallState, Direction, EndReason};

fn room(members: &[&String]) -> BTreeSet<String> {
    members.iter().map(|member| (*member).clone()).collect()
}

fn one_record(world: &World, reason: EndReason) {
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.database.calls.len(), 1);
    assert!(world.database.recordings.is_empty(), "colleagues are not recorded");
    assert!(world.database.legs.values().all(|leg| leg.ended_at.is_some()));
    assert_eq!(world.notes_of("call.ended").len(), 1);
    let row = world.the_call();
    assert_eq!((row.direction, row.end_reason), (Direction::Internal, Some(reason)));
    assert_eq!((row.from_number.as_str(), row.to_number.as_str()), ("2001", "2002"));
    assert_eq!((row.agent_id, row.queue_id), (Some(world.agents[1]), None));
}

#[test]
fn a_desk_phone_that_dials_an_extension_rings_the_colleague() {
    let mut world = World::with_agents(2);
    world.queue_works(|queue| queue.wrap_up_seconds = 30);
    let caller = world.phone_dials(0, "2002");
    assert!(world.requests.contains(&Request::Ring { channel: caller.clone() }));
    assert!(!world.requests.contains(&Request::Answer { channel: caller.clone() }), "not before the colleague does");
    let callee = world.leg_at(1).expect("rings");
    let shows =
        world.requests.iter().any(|request| matches!(request, Request::Originate { caller, .. } if caller == "2001"));
    assert!(shows, "the phone shows who calls");
    world.answer(&callee);
    assert_eq!(world.rooms(), [room(&[&caller, &callee])]);
    assert!(!world.hears_ringing(&caller));
    assert_eq!(
        (world.activity(0), world.activity(1)),
        (Some(AgentActivity::OnContact), Some(AgentActivity::OnContact))
    );
    world.customer_calls();
    assert!(world.ringing_legs().is_empty(), "neither is offered anything");
    assert_eq!(world.kinds()[..3], ["call.started", "call.offered", "call.answered"]);
    let customer = world.database.calls.keys().next_back().copied().expect("the customer's call");
    world.hang_up(&caller, 16);
    let told = world.database.happenings.iter().find(|it| it.kind == "call.ended").expect("it ended");
    assert_eq!(told.data["agent_id"], json!(world.agents[1]));
    assert_eq!(world.ringing_legs().len(), 1, "no wrap-up: the customer who waits is offered at once");
    assert_ne!(world.database.calls[&customer].1.state, CallState::Ended);
}

#[test]
fn whoever_hangs_up_ends_it() {
    for (by_caller, reason) in [(true, EndReason::CompletedCustomer), (false, EndReason::CompletedAgent)] {
        let mut world = World::with_agents(2);
        let caller = world.phone_dials(0, "2002");
        let callee = world.leg_at(1).expect("rings");
        world.answer(&callee);
        world.hang_up(if by_caller { &caller } else { &callee }, 16);
        one_record(&world, reason);
        assert_eq!(
            (world.activity(0), world.activity(1)),
            (Some(AgentActivity::Available), Some(AgentActivity::Available))
        );
    }
}

#[test]
fn by_a_click_the_caller_s_own_phone_rings_first() {
    let mut world = World::with_agents(2);
    let call = world.clicks(0, " 2002 ");
    assert_eq!(world.dialled, [Ok(())]);
    assert!(world.leg_at(1).is_none(), "not before the caller is there");
    let own = world.leg_at(0).expect("the caller's rings");
    world.answer(&own);
    assert!(world.hears_ringing(&own));
    let callee = world.leg_at(1).expect("then the colleague's");
    world.answer(&callee);
    assert_eq!(world.rooms(), [room(&[&own, &callee])]);
    assert_eq!(world.the_call().id, call);
    // A hold is the colleague's to make, as in any call.
    assert_eq!(world.asks(1, Some(call), Ask::Hold), Ok(()));
    assert!(world.hears_music(&own));
    assert_eq!(world.asks(1, Some(call), Ask::Resume), Ok(()));
    // A new gateway finds them together, and records nothing.
    let before = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(before, "gateway_restart");
    assert_eq!(world.rooms(), [room(&[&own, &callee])]);
    assert_eq!(
        (world.activity(0), world.activity(1)),
        (Some(AgentActivity::OnContact), Some(AgentActivity::OnContact))
    );
    world.hang_up(&own, 16);
    one_record(&world, EndReason::CompletedCustomer);
}

#[test]
fn by_id_it_needs_no_extension() {
    let mut world = World::with_agents(2);
    let (tenant, agent, colleague) = (world.tenant, world.agents[0], world.agents[1]);
    world.change_directory(|directory| {
        directory.agents.values_mut().for_each(|agent| agent.extension = None);
    });
    let wish = |colleague| DialWish {
        call: trunkline_db::CallId::new(),
        tenant,
        agent,
        to: String::new(),
        colleague: Some(colleague),
        queue: None,
        phone: None,
        auto_answer: false,
    };
    world.feed(Input::Dial(wish(trunkline_db::AgentId::new())));
    assert_eq!(world.dialled.pop(), Some(Err(DialRefusal::NoColleague)));
    world.feed(Input::Dial(wish(agent)));
    assert_eq!(world.dialled.pop(), Some(Err(DialRefusal::ColleagueBusy)), "oneself is busy");
    world.feed(Input::Dial(wish(colleague)));
    assert_eq!(world.dialled.pop(), Some(Ok(())));
    let own = world.leg_at(0).expect("rings");
    world.answer(&own);
    world.hang_up(&own, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.the_call().end_reason, Some(EndReason::NoAnswer));
}

#[test]
fn a_colleague_on_a_call_hears_nothing_and_the_caller_hears_busy() {
    let mut world = World::with_agents(2);
    world.agent_chooses(0, crate::AgentState::Paused);
    let customer = world.customer_calls();
    let leg = world.leg_at(1).expect("rings");
    world.answer(&leg);
    let caller = world.phone_dials(0, "2002");
    assert!(world.requests.contains(&Request::Hangup { channel: caller, why: HangupWhy::Busy }));
    assert!(world.ringing_legs().is_empty());
    let row = world.the_call();
    assert_eq!((row.end_reason, row.cause, row.agent_id), (Some(EndReason::Busy), Some(17), Some(world.agents[1])));
    world.clicks(0, "2002");
    assert_eq!(world.dialled.pop(), Some(Err(DialRefusal::ColleagueBusy)));
    // Busy by the time the caller has picked up.
    world.hang_up(&customer, 16);
    world.clicks(0, "2002");
    world.customer_calls();
    let theirs = world.leg_at(1).expect("rings");
    world.answer(&theirs);
    let own = world.leg_at(0).expect("rings");
    world.answer(&own);
    assert!(!world.parties().contains(&own));
    assert!(
        world.database.calls.values().any(|(_, row)| row.end_reason == Some(EndReason::Busy) && row.cause != Some(17))
    );
}

#[test]
fn a_colleague_who_is_away_does_not_answer_or_refuses_is_told_as_such() {
    let mut world = World::with_agents(2);
    world.phone_dials(0, "2002");
    world.time_passes(TimeDelta::seconds(29));
    assert_eq!(world.the_call().state, CallState::Ringing);
    world.time_passes(TimeDelta::seconds(1));
    one_record(&world, EndReason::NoAnswer);

    let mut world = World::with_agents(2);
    let caller = world.phone_dials(0, "2002");
    world.hang_up(&world.leg_at(1).expect("rings"), 21);
    one_record(&world, EndReason::Rejected);
    assert!(world.requests.contains(&Request::Hangup { channel: caller, why: HangupWhy::Rejected }));

    let mut world = World::with_agents(2);
    let caller = world.phone_dials(0, "2002");
    world.hang_up(&caller, 16);
    one_record(&world, EndReason::NoAnswer);

    let mut world = World::with_agents(2);
    world.feed(Input::Report(Report::Endpoint { username: World::phone(1), online: false }));
    world.phone_dials(0, "2002");
    one_record(&world, EndReason::Unreachable);
    world.clicks(0, "2002");
    assert_eq!(world.dialled.pop(), Some(Err(DialRefusal::ColleagueAway)));
}

#[test]
fn it_asks_for_no_rules_and_no_minutes() {
    let mut world = World::with_agents(2);
    let tenant = world.tenant;
    world.change_directory(|directory| {
        directory.dialing.remove(&tenant);
        directory.spent.insert(tenant);
    });
    let caller = world.phone_dials(0, "2002");
    assert!(world.leg_at(1).is_some());
    world.hang_up(&caller, 16);
    world.clicks(0, "2002");
    assert_eq!(world.dialled.pop(), Some(Ok(())));
}

#[test]
fn the_colleague_may_hand_it_on() {
    let mut world = World::with_agents(3);
    let caller = world.phone_dials(0, "2002");
    let callee = world.leg_at(1).expect("rings");
    world.answer(&callee);
    let third = TransferTo::Agent(world.agents[2]);
    world.hands_on(1, TransferKind::Blind, third).expect("taken");
    let leg = world.leg_at(2).expect("rings");
    world.answer(&leg);
    assert_eq!(world.rooms(), [room(&[&caller, &leg])]);
    assert!(world.database.recordings.is_empty());
    // And on to somebody outside: from then on it is a call as any other.
    world.hands_on(2, TransferKind::Blind, TransferTo::Number(OUTSIDE.to_owned())).expect("taken");
    let dialled = world.dialled_legs().pop().expect("dialled");
    world.gets_on(&dialled, DialProgress::Answered);
    assert_eq!(world.rooms(), [room(&[&caller, &dialled])]);
    world.hang_up(&dialled, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!((world.the_call().end_reason, world.database.recordings.len()), (Some(EndReason::Transferred), 1));
}

#[test]
fn a_click_survives_a_cut_at_each_step() {
    for steps in 0..3 {
        let mut world = World::with_agents(2);
        world.clicks(0, "2002");
        let own = world.leg_at(0).expect("rings");
        if steps > 0 {
            world.answer(&own);
        }
        if steps > 1 {
            world.answer(&world.leg_at(1).expect("rings"));
        }
        let from = world.now;
        world.connection_is_cut();
        world.connection_comes_back(from, "connection_lost");
        if steps == 0 {
            world.answer(&own);
        }
        if steps < 2 {
            world.answer(&world.leg_at(1).expect("rings"));
        }
        assert_eq!(world.rooms(), [room(&[&own, &world.leg_at(1).expect("talks")])], "{steps}");
        world.hang_up(&own, 16);
        one_record(&world, EndReason::CompletedCustomer);
    }
}
