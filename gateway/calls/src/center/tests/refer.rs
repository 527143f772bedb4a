//! Desk phones that hand their calls on by themselves.

use chrono::TimeDelta;
use std::collections::BTreeSet;

use super::world::{OUTSIDE, World};
use crate::center::{DialProgress, Request, TransferTo};
use crate::model::{CallState, Direction, EndReason, LegKind, RecordingState};

/// A customer talks with the first agent; gives both channels.
fn talking(world: &mut World) -> (String, String) {
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    (customer, leg)
}

fn room(members: [&String; 2]) -> BTreeSet<String> {
    members.into_iter().cloned().collect()
}

fn told(world: &World, channel: &str, done: bool) -> bool {
    world.requests.contains(&Request::Referred { channel: channel.to_owned(), done })
}

/// Every call has one end, every leg and recording too.
fn whole_records(world: &World, calls: usize) {
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.database.calls.len(), calls);
    assert_eq!(world.notes_of("call.ended").len(), calls);
    assert!(world.database.legs.values().all(|leg| leg.ended_at.is_some()));
    assert!(world.database.recordings.values().all(|recording| recording.state == RecordingState::Ready));
}

#[test]
fn blind_it_goes_to_a_colleague_a_queue_or_a_number_as_if_the_agent_had_asked_for_it() {
    let second = World::extension(1);
    for to in [second.as_str(), "700", OUTSIDE] {
        let mut world = World::with_agents(2);
        let (customer, leg) = talking(&mut world);
        world.refers(&leg, to, None);
        assert!(told(&world, &leg, true), "{to}");
        assert!(!world.parties().contains(&leg), "{to}: the phone is let go");
        let theirs = if to == OUTSIDE {
            let dialled = world.dialled_legs().pop().expect("dialled");
            world.gets_on(&dialled, DialProgress::Answered);
            dialled
        } else {
            let rings = world.leg_at(1).expect("rings at the other");
            world.answer(&rings);
            rings
        };
        assert_eq!(world.rooms(), [room([&customer, &theirs])], "{to}");
        world.hang_up(&customer, 16);
        whole_records(&world, 1);
    }
}

#[test]
fn what_cannot_be_is_declined_and_the_call_goes_on() {
    let mut world = World::with_agents(2);
    let (customer, leg) = talking(&mut world);
    for nowhere in ["", "600", "12", "+9999999999999999"] {
        world.requests.clear();
        world.refers(&leg, nowhere, None);
        assert!(told(&world, &leg, false), "{nowhere:?}");
    }
    // Neither a customer's phone nor a stranger's hands anything on; nor does one by a call that is not its own.
    let oneself = World::extension(0);
    world.requests.clear();
    world.refers(&customer, &oneself, None);
    world.refers("1795.99", &oneself, None);
    assert!(world.requests.is_empty(), "{:?}", world.requests);
    for second in ["1795.99", customer.as_str(), leg.as_str(), "tl-0193aaaa-0000-7000-8000-000000000000-leg0"] {
        world.requests.clear();
        world.refers(&leg, "", Some(second));
        assert_eq!(world.requests, [Request::Referred { channel: leg.clone(), done: false }], "{second}");
    }
    assert_eq!(world.rooms(), [room([&customer, &leg])]);
    world.hang_up(&customer, 16);
    whole_records(&world, 1);
}

#[test]
fn after_asking_a_colleague_the_customer_is_theirs_and_the_record_one() {
    let mut world = World::with_agents(2);
    world.queue_works(|queue| queue.wrap_up_seconds = 10);
    let (customer, leg) = talking(&mut world);
    let second = world.phone_dials(0, &World::extension(1));
    // Nobody is there yet: the phone keeps both.
    world.refers(&leg, "", Some(&second));
    assert!(told(&world, &leg, false));
    let asked = world.leg_at(1).expect("rings");
    world.answer(&asked);
    world.refers(&leg, "", Some(&second));
    assert!(told(&world, &leg, true));
    assert_eq!(world.rooms(), [room([&customer, &asked])]);
    assert_eq!(world.parties().len(), 2, "both legs of the phone are let go");
    let transferred = world.notes_of("call.transferred");
    assert_eq!((transferred.len(), transferred[0]["kind"].as_str()), (1, Some("attended")));
    let by_direction = |world: &World, direction| {
        let mut rows = world.database.calls.values().map(|(_, row)| row.clone());
        rows.find(|row| row.direction == direction).expect("a call")
    };
    assert_eq!(by_direction(&world, Direction::Internal).end_reason, Some(EndReason::Transferred));
    // It is a call as any other: on hold, taken up again after a death, handed on once more.
    world.gateway_is_killed();
    world.connection_comes_back(world.now, "gateway_restart");
    assert_eq!(world.rooms(), [room([&customer, &asked])]);
    world.refers(&asked, &World::extension(0), None);
    world.time_passes(TimeDelta::seconds(11));
    let back = world.leg_at(0).expect("rings");
    world.answer(&back);
    assert_eq!(world.rooms(), [room([&customer, &back])]);
    world.hang_up(&back, 16);
    let row = by_direction(&world, Direction::Inbound);
    assert_eq!((row.state, row.agent_id), (CallState::Ended, Some(world.agents[0])));
    world.time_passes(TimeDelta::seconds(11));
    whole_records(&world, 2);
    assert_eq!(world.database.recordings.len(), 1);
}

#[test]
fn after_asking_somebody_outside_the_customer_talks_with_them() {
    for customer_hangs_up in [false, true] {
        let mut world = World::with_agents(1);
        let (customer, leg) = talking(&mut world);
        let second = world.phone_dials(0, OUTSIDE);
        let outside = world.dialled_legs().pop().expect("dialled");
        world.gets_on(&outside, DialProgress::Answered);
        world.refers(&leg, "", Some(&second));
        assert!(told(&world, &leg, true));
        assert_eq!(world.rooms(), [room([&customer, &outside])]);
        let taken_in = world.database.legs.values().find(|leg| leg.kind == LegKind::Outside);
        assert_eq!(taken_in.and_then(|leg| leg.number.clone()).as_deref(), Some("+390644121234"));
        world.gateway_is_killed();
        world.connection_comes_back(world.now, "gateway_restart");
        assert_eq!(world.rooms(), [room([&customer, &outside])]);
        world.hang_up(if customer_hangs_up { &customer } else { &outside }, 16);
        whole_records(&world, 2);
    }
}

#[test]
fn a_call_that_is_being_handed_on_is_not_handed_on_twice() {
    let mut world = World::with_agents(3);
    let (customer, leg) = talking(&mut world);
    let second = world.phone_dials(0, &World::extension(1));
    let asked = world.leg_at(1).expect("rings");
    world.answer(&asked);
    let third = TransferTo::Agent(world.agents[2]);
    assert_eq!(world.hands_on(0, crate::center::TransferKind::Attended, third), Ok(()));
    world.refers(&leg, "", Some(&second));
    assert!(told(&world, &leg, false));
    world.hang_up(&customer, 16);
    world.hang_up(&second, 16);
    whole_records(&world, 2);
}
