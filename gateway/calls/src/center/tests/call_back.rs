//! Who asked to be called back keeps their place, and is dialled once.

use chrono::TimeDelta;
use trunkline_dialing::Mark;

use super::world::World;
use crate::center::{DialProgress, Input, Request};
use crate::hours::Hours;
use crate::model::{CallRow, CallState, Direction, EndReason};
use crate::queueing::{Destination, Overflow};
use crate::while_waiting::WhileWaiting;

const ANNA: &str = "+390644121234";
const OTTO: &str = "+390644125678";

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

/// Somebody calls who shows this number.
fn calls(world: &mut World, number: &str) -> String {
    number.clone_into(&mut world.caller);
    world.customer_calls()
}

/// Agents who all talk; gives the leg of one.
fn busy(agents: usize) -> (World, String) {
    let mut world = World::with_agents(agents);
    world.queue_works(|queue| {
        queue.while_waiting = WhileWaiting { keys: [('2', Destination::Callback)].into(), ..WhileWaiting::default() };
    });
    let mut leg = String::new();
    for _ in 0..agents {
        world.customer_calls();
        leg = world.ringing_legs().pop().expect("rings");
        world.answer(&leg);
    }
    (world, leg)
}

/// Anna asks for it, while the agent talks.
fn asked() -> (World, String) {
    asked_of(1)
}

/// The same, of so many agents.
fn asked_of(agents: usize) -> (World, String) {
    let (mut world, leg) = busy(agents);
    let anna = calls(&mut world, ANNA);
    world.time_passes(seconds(10));
    world.presses(&anna, "2");
    world.speeches_end();
    assert!(!world.parties().contains(&anna));
    (world, leg)
}

/// The call out to this number.
fn callback<'a>(world: &'a World, number: &str) -> &'a CallRow {
    let is_it = |row: &&CallRow| row.direction == Direction::Outbound && row.to_number == number;
    world.database.calls.values().map(|(_, row)| row).rfind(is_it).expect("a call back")
}

fn count(world: &World) -> usize {
    world.database.calls.values().filter(|(_, row)| row.direction == Direction::Outbound).count()
}

/// The other side of which the phones that ring are told.
fn shown(world: &World) -> Option<(String, Option<String>)> {
    world.requests.iter().rev().find_map(|request| match request {
        Request::Originate { caller, originator, .. } => Some((caller.clone(), originator.clone())),
        _ => None,
    })
}

/// The agent is rung and picks up: gives their leg, and the one that is dialled.
fn taken(world: &mut World) -> (String, String) {
    let phone = world.ringing_legs().pop().expect("the agent's phone rings");
    world.answer(&phone);
    (phone, world.dialled_legs().pop().expect("the customer is dialled"))
}

#[test]
fn their_turn_comes_before_those_who_came_later_and_they_are_dialled_when_an_agent_is_there() {
    let (mut world, leg) = asked();
    let otto = calls(&mut world, OTTO);
    assert_eq!((callback(&world, ANNA).state, world.database.callbacks.len()), (CallState::Queued, 1));
    world.time_passes(seconds(300));
    assert!(world.ringing_legs().is_empty() && world.dialled_legs().is_empty());
    world.hang_up(&leg, 16);
    assert_eq!(world.ringing_legs().len(), 1);
    assert_eq!(shown(&world), Some((ANNA.to_owned(), None)));
    assert!(world.dialled_legs().is_empty(), "nobody is dialled before somebody is there for them");
    let (phone, callee) = taken(&mut world);
    assert_eq!(world.notes_of("call.dialled").len(), 1);
    world.gets_on(&callee, DialProgress::Ringing);
    assert!(world.hears_ringing(&phone));
    world.gets_on(&callee, DialProgress::Answered);
    let row = callback(&world, ANNA);
    assert_eq!((row.state, row.agent_id), (CallState::Active, Some(world.agents[0])));
    assert!(row.recording_id.is_some());
    assert_eq!(row.started_at - row.queued_at.expect("it waited"), seconds(10));
    assert!(world.talking().iter().any(|room| room.contains(&phone) && room.contains(&callee)));
    world.hang_up(&callee, 16);
    assert_eq!(world.finished.last().expect("it ended").reason, EndReason::CompletedCustomer);
    assert_eq!(world.ringing_legs().len(), 1, "then it is the next one's turn");
    let next = world.ringing_legs().remove(0);
    world.answer(&next);
    assert!(world.talking().iter().any(|room| room.contains(&otto)));
}

#[test]
fn who_does_not_pick_up_is_left_to_people() {
    let (mut world, leg) = asked();
    world.hang_up(&leg, 16);
    let (phone, callee) = taken(&mut world);
    world.time_passes(seconds(90));
    assert!(!world.parties().contains(&callee) && !world.parties().contains(&phone));
    assert_eq!(callback(&world, ANNA).end_reason, Some(EndReason::NoAnswer));
    world.time_passes(seconds(3_600));
    assert!(world.ringing_legs().is_empty() && world.dialled_legs().is_empty());
    assert_eq!(count(&world), 1);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn an_agent_who_hangs_up_before_the_answer_ends_it() {
    let (mut world, leg) = asked();
    world.hang_up(&leg, 16);
    let (phone, callee) = taken(&mut world);
    world.hang_up(&phone, 16);
    assert!(!world.parties().contains(&callee));
    assert_eq!((callback(&world, ANNA).end_reason, count(&world)), (Some(EndReason::NoAnswer), 1));
}

#[test]
fn one_that_an_agent_lets_pass_is_offered_again() {
    let (mut world, leg) = asked();
    world.hang_up(&leg, 16);
    let phone = world.ringing_legs().remove(0);
    world.hang_up(&phone, 21);
    world.time_passes(seconds(4));
    assert_eq!((world.ringing_legs().len(), world.dialled_legs().len()), (1, 0));
    taken(&mut world);
}

#[test]
fn it_waits_through_a_gateway_that_dies_and_an_asterisk_that_does() {
    for asterisk in [false, true] {
        for ringing in [false, true] {
            let (mut world, leg) = asked();
            if ringing {
                world.hang_up(&leg, 16);
            }
            world.time_passes(seconds(5));
            if asterisk {
                world.connection_is_cut();
                world.asterisk_restarts();
            } else {
                world.gateway_is_killed();
            }
            let from = world.now;
            world.connection_comes_back(from, "gateway_restart");
            if !ringing && !asterisk {
                assert!(world.ringing_legs().is_empty(), "the agent still talks");
                world.hang_up(&leg, 16);
            }
            world.time_passes(seconds(4));
            let (_, callee) = taken(&mut world);
            world.gets_on(&callee, DialProgress::Answered);
            assert_eq!((callback(&world, ANNA).state, count(&world)), (CallState::Active, 1), "{asterisk} {ringing}");
            world.hang_up(&callee, 16);
            assert!(world.nothing_is_left(), "{asterisk} {ringing}: {}", world.left_overs());
        }
    }
}

#[test]
fn a_gateway_that_dies_while_they_are_dialled_dials_them_no_second_time() {
    let (mut world, leg) = asked();
    world.hang_up(&leg, 16);
    let (_, callee) = taken(&mut world);
    world.gateway_is_killed();
    let from = world.now;
    world.connection_comes_back(from, "gateway_restart");
    assert_eq!(world.dialled_legs(), std::slice::from_ref(&callee));
    world.gets_on(&callee, DialProgress::Answered);
    assert_eq!((callback(&world, ANNA).state, count(&world)), (CallState::Active, 1));
}

#[test]
fn nobody_is_called_back_who_was_served_meanwhile_or_whom_somebody_dials() {
    // They called again, and another agent was quicker than the one whose phone rings for them.
    let (mut world, leg) = asked_of(2);
    let second = world.talking().into_iter().flatten().find(|one| one.contains("-leg") && *one != leg).expect("talks");
    world.hang_up(&leg, 16);
    let rings_in_vain = world.ringing_legs().remove(0);
    let again = calls(&mut world, ANNA);
    world.hang_up(&second, 16);
    let quicker = world.ringing_legs().into_iter().find(|leg| *leg != rings_in_vain).expect("the other one rings");
    world.answer(&quicker);
    assert!(world.talking().iter().any(|room| room.contains(&again) && room.contains(&quicker)));
    assert_eq!(callback(&world, ANNA).end_reason, Some(EndReason::Withdrawn));
    assert!(world.ringing_legs().is_empty() && world.dialled_legs().is_empty());

    // A colleague has taken, or closed, their row.
    let (mut world, _) = asked();
    let tenant = world.tenant;
    world.feed(Input::CallbackSettled { tenant, number: OTTO.to_owned() });
    assert_eq!(callback(&world, ANNA).state, CallState::Queued);
    world.feed(Input::CallbackSettled { tenant, number: ANNA.to_owned() });
    assert_eq!(callback(&world, ANNA).end_reason, Some(EndReason::Withdrawn));

    // The agent dials them by hand.
    let (mut world, leg) = asked();
    world.hang_up(&leg, 16);
    let phone = world.ringing_legs().remove(0);
    world.hang_up(&phone, 21);
    world.clicks(0, ANNA);
    let ended = world.database.calls.values().filter(|(_, row)| row.end_reason == Some(EndReason::Withdrawn)).count();
    assert_eq!((ended, count(&world)), (1, 2));
}

#[test]
fn who_asks_twice_waits_once_where_they_stood_first() {
    let (mut world, _) = asked();
    let again = calls(&mut world, ANNA);
    world.time_passes(seconds(60));
    world.presses(&again, "2");
    world.speeches_end();
    assert_eq!((count(&world), world.database.callbacks.len()), (1, 2));
}

#[test]
fn who_hides_their_number_stays_in_line() {
    let (mut world, _) = busy(1);
    let hidden = calls(&mut world, "anonymous");
    world.presses(&hidden, "2");
    assert!(world.parties().contains(&hidden));
    assert_eq!((world.the_call().state, count(&world)), (CallState::Queued, 0));
    // And speaks where the queue would have called them back.
    world.queue_works(|queue| queue.overflow = Some(Overflow { after_seconds: 20, to: Destination::Callback }));
    world.time_passes(seconds(21));
    world.speeches_end_once();
    world.time_passes(seconds(4));
    world.hang_up(&hidden, 16);
    assert_eq!((world.database.voicemails.len(), count(&world)), (1, 0));
}

#[test]
fn whom_the_house_may_not_call_is_left_to_people() {
    let (mut world, _) = busy(1);
    world.change_policy(|policy| _ = policy.do_not_call.insert(ANNA.to_owned(), None));
    world.change_policy(|policy| _ = policy.marks.insert(OTTO.to_owned(), Mark::Vip));
    for number in [ANNA, OTTO] {
        let customer = calls(&mut world, number);
        world.presses(&customer, "2");
        world.speeches_end();
    }
    assert_eq!((world.database.callbacks.len(), count(&world)), (2, 1));
    assert_eq!(callback(&world, OTTO).state, CallState::Queued);
}

#[test]
fn no_agent_is_rung_for_a_number_that_may_not_be_called_any_more() {
    let (mut world, leg) = asked();
    world.change_policy(|policy| _ = policy.do_not_call.insert(ANNA.to_owned(), None));
    let otto = calls(&mut world, OTTO);
    world.hang_up(&leg, 16);
    assert_eq!(callback(&world, ANNA).end_reason, Some(EndReason::Blocked));
    assert_eq!(world.ringing_legs().len(), 1, "for who is next");
    let next = world.ringing_legs().remove(0);
    world.answer(&next);
    assert!(world.talking().iter().any(|room| room.contains(&otto)));
}

#[test]
fn it_waits_until_the_queue_opens_again_whatever_its_limits() {
    let (mut world, leg) = asked();
    world.queue_works(|queue| {
        queue.max_wait_seconds = 60;
        queue.hours = Some(Hours { time_zone: "Europe/Rome".to_owned(), week: Vec::new() });
    });
    world.hang_up(&leg, 16);
    world.time_passes(seconds(7_200));
    assert!(world.ringing_legs().is_empty());
    assert_eq!(callback(&world, ANNA).state, CallState::Queued);
    world.queue_works(|queue| queue.hours = None);
    taken(&mut world);
}

#[test]
fn nobody_is_rung_for_it_before_the_database_has_it() {
    let (mut world, leg) = busy(1);
    world.database_is_silent = true;
    let anna = calls(&mut world, ANNA);
    world.presses(&anna, "2");
    world.speeches_end();
    world.hang_up(&leg, 16);
    assert!(world.ringing_legs().is_empty());
    let call = callback(&world, ANNA).id;
    world.feed(Input::Committed { call });
    assert_eq!(world.ringing_legs().len(), 1);
}
