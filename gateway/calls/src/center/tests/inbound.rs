//! Where a number of the outside world leads.

use chrono::TimeDelta;
use trunkline_db::{AgentId, FlowId};

use super::world::{NUMBER, World};
use crate::center::{HangupWhy, Request};
use crate::directory::Target;
use crate::model::{CallState, Direction, EndReason};

fn one_record(world: &World, reason: EndReason) {
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.database.calls.len(), 1);
    assert!(world.database.legs.values().all(|leg| leg.ended_at.is_some()));
    assert_eq!(world.notes_of("call.ended").len(), 1);
    let row = world.the_call();
    assert_eq!((row.direction, row.end_reason, row.queue_id), (Direction::Inbound, Some(reason), None));
}

fn calling_an_agent() -> (World, String) {
    let mut world = World::with_agents(2);
    world.number_leads_to(Target::Agent(world.agents[1]));
    let customer = world.customer_calls();
    (world, customer)
}

#[test]
fn a_number_that_leads_to_an_agent_rings_that_agent_alone_and_the_call_is_recorded() {
    let (mut world, customer) = calling_an_agent();
    assert!(world.hears_ringing(&customer));
    assert!(!world.requests.contains(&Request::Answer { channel: customer.clone() }), "not before the agent does");
    assert!(world.leg_at(0).is_none());
    let leg = world.leg_at(1).expect("rings");
    world.answer(&leg);
    assert_eq!(world.talking(), vec![[customer.clone(), leg].into()]);
    assert!(!world.hears_ringing(&customer));
    world.time_passes(TimeDelta::seconds(5));
    world.hang_up(&customer, 16);
    one_record(&world, EndReason::CompletedCustomer);
    assert_eq!(world.the_call().agent_id, Some(world.agents[1]));
    assert_eq!(world.database.recordings.len(), 1);
    assert_eq!(
        world.kinds(),
        ["call.started", "call.offered", "call.answered", "recording.started", "call.ended", "recording.ready"]
    );
}

#[test]
fn nobody_at_the_agents_phone_is_told_with_a_word_of_regret() {
    let (mut world, customer) = calling_an_agent();
    world.time_passes(TimeDelta::seconds(31));
    assert!(!world.hears_ringing(&customer));
    assert!(world.ringing_legs().is_empty());
    assert!(world.requests.contains(&Request::Answer { channel: customer.clone() }));
    world.speeches_end();
    one_record(&world, EndReason::NoAnswer);
    assert_eq!(world.the_call().agent_id, None, "who never had it");
}

#[test]
fn an_agent_who_is_away_or_unknown_is_told_at_once() {
    for agent in [0, 1] {
        let mut world = World::with_agents(1);
        let target = if agent == 0 { world.agents[0] } else { AgentId::new() };
        world.change_directory(|directory| directory.devices.clear());
        world.number_leads_to(Target::Agent(target));
        world.customer_calls();
        world.speeches_end();
        one_record(&world, EndReason::NoAnswer);
    }
}

#[test]
fn who_gives_up_while_an_agent_is_rung_silences_the_phone() {
    let (mut world, customer) = calling_an_agent();
    world.hang_up(&customer, 16);
    one_record(&world, EndReason::NoAnswer);
    assert_eq!(world.the_call().agent_id, None);
}

#[test]
fn a_number_that_leads_nowhere_says_so() {
    for target in [Target::HangUp, Target::Flow(FlowId::new())] {
        let mut world = World::with_agents(1);
        world.number_leads_to(target);
        let customer = world.customer_calls();
        assert!(world.ringing_legs().is_empty());
        assert!(world.requests.iter().any(|it| matches!(it, Request::Play { channel, .. } if *channel == customer)));
        world.speeches_end();
        let reason = if target == Target::HangUp { EndReason::Rejected } else { EndReason::Failed };
        one_record(&world, reason);
    }
}

#[test]
fn who_hangs_up_during_the_word_of_regret_ends_the_call_no_otherwise() {
    let mut world = World::with_agents(1);
    world.number_leads_to(Target::HangUp);
    let customer = world.customer_calls();
    world.hang_up(&customer, 16);
    one_record(&world, EndReason::Rejected);
}

#[test]
fn callers_of_a_number_that_is_never_recorded_are_not() {
    let mut world = World::with_agents(1);
    world.change_directory(|directory| {
        directory.numbers.get_mut(NUMBER).expect("there").recorded = false;
    });
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    // Nor when the gateway finds them talking.
    let now = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(now, "gateway_restart");
    assert_eq!(world.talking().len(), 1);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert!(world.database.recordings.is_empty());
}

#[test]
fn a_gateway_that_comes_back_rings_the_agent_again() {
    let (mut world, customer) = calling_an_agent();
    let before = world.leg_at(1).expect("rings");
    let now = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(now, "gateway_restart");
    let gone = Request::Hangup { channel: before.clone(), why: HangupWhy::NoAnswer };
    assert!(world.requests.contains(&gone));
    let leg = world.leg_at(1).expect("rings again");
    assert_ne!(leg, before);
    world.answer(&leg);
    assert_eq!(world.talking(), vec![[customer.clone(), leg].into()]);
    assert_eq!(world.the_call().state, CallState::Active);
    world.hang_up(&customer, 16);
    one_record(&world, EndReason::CompletedCustomer);
}
