//! Calls that are handed on, and calls of three.

use chrono::TimeDelta;

use super::world::World;
use crate::CallCommandError;
use crate::center::{TransferKind, TransferStep, TransferTo};
use crate::model::Server;
use crate::model::{AgentActivity, CallState, EndReason, RecordingState};

/// A customer talks with the first agent; gives both channels.
fn talking(world: &mut World) -> (String, String) {
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    (customer, leg)
}

fn room(members: &[&String]) -> std::collections::BTreeSet<String> {
    members.iter().map(|member| (*member).clone()).collect()
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
fn a_blind_transfer_joins_the_customer_with_who_picks_up() {
    let mut world = World::with_agents(2);
    world.queue_works(|queue| queue.wrap_up_seconds = 10);
    let (customer, first) = talking(&mut world);
    let to = TransferTo::Agent(world.agents[1]);
    assert_eq!(world.hands_on(0, TransferKind::Blind, to), Ok(()));
    assert!(!world.parties().contains(&first), "who handed it on is gone");
    assert!(world.hears_music(&customer));
    assert_eq!((world.activity(0), world.activity(1)), (Some(AgentActivity::WrapUp), Some(AgentActivity::OnContact)));
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    assert_eq!(world.rooms(), [room(&[&customer, &second])]);
    assert!(!world.hears_music(&customer));
    let transferred = world.notes_of("call.transferred");
    assert_eq!(transferred[0]["to"]["agent_id"], serde_json::json!(world.agents[1]));
    world.hang_up(&customer, 16);
    assert_eq!(world.activity(1), Some(AgentActivity::WrapUp), "by the same queue's rules");
    one_whole_record(&world);
    let (_, row) = world.database.calls.values().next().expect("a CDR");
    assert_eq!((row.agent_id, row.end_reason), (Some(world.agents[1]), Some(EndReason::CompletedCustomer)));
}

#[test]
fn who_does_not_pick_up_leaves_the_call_to_who_handed_it_on() {
    let mut world = World::with_agents(2);
    let (customer, _) = talking(&mut world);
    let to = TransferTo::Agent(world.agents[1]);
    world.hands_on(0, TransferKind::Blind, to).expect("taken");
    world.time_passes(TimeDelta::seconds(16));
    let back = world.leg_at(0).expect("rings at who handed it on");
    assert_eq!(world.ringing_legs(), std::slice::from_ref(&back));
    world.answer(&back);
    assert_eq!(world.rooms(), [room(&[&customer, &back])]);
    assert_eq!(world.notes_of("call.transfer_failed").len(), 1);
    world.hang_up(&back, 16);
    one_whole_record(&world);
}

#[test]
fn a_call_that_neither_takes_waits_for_anybody() {
    let mut world = World::with_agents(3);
    let (customer, _) = talking(&mut world);
    let to = TransferTo::Agent(world.agents[1]);
    world.hands_on(0, TransferKind::Blind, to).expect("taken");
    world.time_passes(TimeDelta::seconds(32));
    let (_, row) = world.database.calls.values().next().expect("a call");
    assert_eq!((row.agent_id, row.state), (None, CallState::Ringing));
    let third = world.leg_at(2).expect("rings at the third");
    world.answer(&third);
    assert_eq!(world.rooms(), [room(&[&customer, &third])]);
    world.hang_up(&customer, 16);
    one_whole_record(&world);
}

#[test]
fn a_phone_that_refuses_gives_the_call_back_at_once() {
    let mut world = World::with_agents(2);
    let (customer, _) = talking(&mut world);
    let to = TransferTo::Agent(world.agents[1]);
    world.hands_on(0, TransferKind::Blind, to).expect("taken");
    let second = world.leg_at(1).expect("rings");
    world.hang_up(&second, 21);
    assert!(world.leg_at(0).is_some());
    world.hang_up(&customer, 16);
    one_whole_record(&world);
}

#[test]
fn to_a_queue_it_goes_by_that_queues_rules() {
    let mut world = World::with_agents(2);
    let second = world.second_queue();
    let (customer, _) = talking(&mut world);
    world.hands_on(0, TransferKind::Blind, TransferTo::Queue(second)).expect("taken");
    let leg = world.leg_at(1).expect("the longest idle is asked");
    world.answer(&leg);
    let (_, row) = world.database.calls.values().next().expect("a call");
    assert_eq!((row.queue_id, row.agent_id), (Some(second), Some(world.agents[1])));
    assert_eq!(world.rooms(), [room(&[&customer, &leg])]);
    world.hang_up(&leg, 16);
    one_whole_record(&world);
}

/// The first agent asks the second queue; gives customer, asker and the leg that rings for it.
fn asking_a_queue(world: &mut World) -> (String, String, String) {
    let second = world.second_queue();
    let (customer, first) = talking(world);
    world.hands_on(0, TransferKind::Attended, TransferTo::Queue(second)).expect("taken");
    assert!(world.hears_music(&customer));
    let asked = world.ringing_legs().pop().expect("somebody of the queue is rung");
    (customer, first, asked)
}

#[test]
fn a_queue_is_asked_by_whoever_of_it_is_free_and_takes_the_call() {
    let mut world = World::with_agents(2);
    world.queue_works(|queue| queue.wrap_up_seconds = 10);
    let (customer, first, asked) = asking_a_queue(&mut world);
    let (_, row) = world.database.calls.values().next().expect("a call");
    let queue = row.queue_id;
    assert_eq!((row.state, row.agent_id), (CallState::Active, Some(world.agents[0])), "it waits nowhere itself");
    world.answer(&asked);
    assert!(world.rooms().contains(&room(&[&first, &asked])), "{:?}", world.rooms());
    assert_eq!(world.step(0, TransferStep::Swap), Ok(()));
    assert_eq!(world.step(0, TransferStep::Complete), Ok(()));
    assert_eq!(world.rooms(), [room(&[&customer, &asked])]);
    assert_eq!((world.activity(0), world.activity(1)), (Some(AgentActivity::WrapUp), Some(AgentActivity::OnContact)));
    let offered = world.notes_of("call.offered");
    assert_eq!(offered[1]["for"], "consult");
    assert_ne!(offered[1]["queue_id"], serde_json::json!(queue), "by the queue that is asked");
    world.hang_up(&customer, 16);
    let (_, row) = world.database.calls.values().next().expect("a CDR");
    assert_eq!((row.queue_id, row.agent_id), (queue, Some(world.agents[1])), "its own queue counts it");
    one_whole_record(&world);
}

#[test]
fn whoever_is_only_asked_by_a_queue_wraps_nothing_up() {
    let mut world = World::with_agents(2);
    world.queue_works(|queue| queue.wrap_up_seconds = 10);
    let (customer, first, asked) = asking_a_queue(&mut world);
    world.answer(&asked);
    assert_eq!(world.step(0, TransferStep::Cancel), Ok(()));
    assert_eq!(world.activity(1), Some(AgentActivity::Available));
    assert_eq!(world.rooms(), [room(&[&customer, &first])]);
    world.hang_up(&customer, 16);
    one_whole_record(&world);
}

#[test]
fn a_question_to_a_queue_is_given_up_by_who_asks_or_by_the_queue() {
    for given_up_by_the_queue in [false, true] {
        let mut world = World::with_agents(2);
        let (customer, first, _) = asking_a_queue(&mut world);
        if given_up_by_the_queue {
            // Their phone rings in vain, again and again, until the queue's last resort.
            world.time_passes(TimeDelta::minutes(40));
            assert!(world.notes_of("call.transfer_failed")[0]["to"]["queue_id"].is_string());
        } else {
            assert_eq!(world.step(0, TransferStep::Cancel), Ok(()));
        }
        assert!(world.ringing_legs().is_empty());
        assert_eq!(world.rooms(), [room(&[&customer, &first])]);
        assert!(!world.hears_music(&customer));
        world.hang_up(&customer, 16);
        one_whole_record(&world);
    }
}

#[test]
fn who_does_not_wait_for_a_queue_leaves_the_customer_waiting_there() {
    for hangs_up in [false, true] {
        let mut world = World::with_agents(2);
        let (customer, first, _) = asking_a_queue(&mut world);
        if hangs_up {
            world.hang_up(&first, 16);
        } else {
            assert_eq!(world.step(0, TransferStep::Complete), Ok(()));
        }
        let (_, row) = world.database.calls.values().next().expect("a call");
        assert_eq!((row.state, row.agent_id), (CallState::Ringing, None));
        assert!(world.hears_music(&customer));
        let leg = world.leg_at(1).expect("rings for the customer now");
        world.answer(&leg);
        assert_eq!(world.rooms(), [room(&[&customer, &leg])]);
        world.hang_up(&customer, 16);
        one_whole_record(&world);
    }
}

#[test]
fn nobody_is_rung_who_is_busy_away_or_not_there() {
    let mut world = World::with_agents(2);
    let (first_customer, _) = talking(&mut world);
    let second_customer = world.customer_calls();
    let leg = world.leg_at(1).expect("rings");
    world.answer(&leg);
    let busy = TransferTo::Agent(world.agents[1]);
    assert_eq!(world.hands_on(0, TransferKind::Blind, busy.clone()), Err(CallCommandError::TargetBusy));
    let nobody = TransferTo::Agent(trunkline_db::AgentId::new());
    assert_eq!(world.hands_on(0, TransferKind::Attended, nobody), Err(CallCommandError::NoSuchTarget));
    let nowhere = TransferTo::Queue(trunkline_db::QueueId::new());
    assert_eq!(world.hands_on(0, TransferKind::Blind, nowhere.clone()), Err(CallCommandError::NoSuchTarget));
    assert_eq!(world.hands_on(0, TransferKind::Attended, nowhere), Err(CallCommandError::NoSuchTarget));
    let oneself = TransferTo::Agent(world.agents[0]);
    assert_eq!(world.hands_on(0, TransferKind::Blind, oneself), Err(CallCommandError::TargetBusy));
    world.hang_up(&second_customer, 16);
    world.feed(crate::center::Input::Report(
        Server::default(),
        crate::center::Report::Endpoint { username: World::phone(1), online: false },
    ));
    assert_eq!(world.hands_on(0, TransferKind::Blind, busy), Err(CallCommandError::TargetAway));
    assert_eq!(world.rooms().len(), 1, "and nothing has changed");
    world.hang_up(&first_customer, 16);
}

#[test]
fn an_attended_transfer_asks_swaps_and_completes() {
    let mut world = World::with_agents(2);
    let (customer, first) = talking(&mut world);
    let to = TransferTo::Agent(world.agents[1]);
    world.hands_on(0, TransferKind::Attended, to).expect("taken");
    assert!(world.hears_music(&customer));
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    assert_eq!(world.rooms(), [room(&[&customer]), room(&[&first, &second])], "the customer does not hear them");
    world.step(0, TransferStep::Swap).expect("swaps");
    assert_eq!(world.rooms(), [room(&[&customer, &first]), room(&[&second])]);
    assert!(world.hears_music(&second) && !world.hears_music(&customer));
    world.step(0, TransferStep::Swap).expect("swaps back");
    assert_eq!(world.rooms(), [room(&[&customer]), room(&[&first, &second])]);
    assert!(world.hears_music(&customer) && !world.hears_music(&second));
    world.step(0, TransferStep::Complete).expect("completes");
    assert_eq!(world.rooms(), [room(&[&customer, &second])]);
    assert!(!world.hears_music(&customer) && !world.hears_music(&second));
    world.hang_up(&second, 16);
    one_whole_record(&world);
    assert_eq!(world.notes_of("call.transferred")[0]["kind"], "attended");
}

#[test]
fn an_attended_transfer_that_is_cancelled_leaves_all_as_it_was() {
    for answered in [false, true] {
        let mut world = World::with_agents(2);
        let (customer, first) = talking(&mut world);
        let to = TransferTo::Agent(world.agents[1]);
        world.hands_on(0, TransferKind::Attended, to).expect("taken");
        let second = world.leg_at(1).expect("rings");
        if answered {
            world.answer(&second);
        }
        world.step(0, TransferStep::Cancel).expect("cancels");
        assert_eq!(world.rooms(), [room(&[&customer, &first])]);
        assert!(!world.hears_music(&customer));
        assert!(!world.parties().contains(&second));
        assert_eq!(world.activity(1), Some(AgentActivity::Available));
        world.hang_up(&customer, 16);
        one_whole_record(&world);
    }
}

#[test]
fn who_is_asked_and_hangs_up_gives_the_customer_back() {
    let mut world = World::with_agents(2);
    let (customer, first) = talking(&mut world);
    let to = TransferTo::Agent(world.agents[1]);
    world.hands_on(0, TransferKind::Attended, to).expect("taken");
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    world.hang_up(&second, 16);
    assert_eq!(world.rooms(), [room(&[&customer, &first])]);
    assert!(!world.hears_music(&customer));
    world.hang_up(&first, 16);
    one_whole_record(&world);
}

#[test]
fn who_asks_and_hangs_up_hands_the_call_over() {
    for answered in [false, true] {
        let mut world = World::with_agents(2);
        let (customer, first) = talking(&mut world);
        let to = TransferTo::Agent(world.agents[1]);
        world.hands_on(0, TransferKind::Attended, to).expect("taken");
        let second = world.leg_at(1).expect("rings");
        if answered {
            world.answer(&second);
            world.hang_up(&first, 16);
        } else {
            world.hang_up(&first, 16);
            world.answer(&second);
        }
        assert_eq!(world.rooms(), [room(&[&customer, &second])]);
        world.hang_up(&customer, 16);
        one_whole_record(&world);
    }
}

#[test]
fn three_talk_and_the_call_goes_on_with_the_last_two() {
    let mut world = World::with_agents(3);
    let (customer, first) = talking(&mut world);
    world.asks_in(0, world.agents[1]).expect("asked");
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    assert_eq!(world.rooms(), [room(&[&customer, &first, &second])]);
    // A fourth comes by way of a consultation.
    world.hands_on(0, TransferKind::Attended, TransferTo::Agent(world.agents[2])).expect("asked");
    let third = world.leg_at(2).expect("rings");
    world.answer(&third);
    world.step(0, TransferStep::Merge).expect("merged");
    assert_eq!(world.rooms(), [room(&[&customer, &first, &second, &third])]);
    world.hang_up(&first, 16);
    assert_eq!(world.rooms(), [room(&[&customer, &second, &third])]);
    world.hang_up(&third, 16);
    world.hang_up(&second, 16);
    one_whole_record(&world);
}

#[test]
fn a_customer_who_hangs_up_at_any_step_leaves_nothing_behind() {
    let steps = 6;
    for leave_after in 0..steps {
        let mut world = World::with_agents(2);
        let (customer, _) = talking(&mut world);
        let to = TransferTo::Agent(world.agents[1]);
        for step in 0..leave_after {
            match step {
                0 => world.hands_on(0, TransferKind::Attended, to.clone()).expect("taken"),
                1 => world.answer(&world.leg_at(1).expect("rings")),
                2 | 3 => world.step(0, TransferStep::Swap).expect("swaps"),
                _ => world.step(0, TransferStep::Complete).expect("completes"),
            }
        }
        world.hang_up(&customer, 16);
        one_whole_record(&world);
    }
}

#[test]
fn a_gateway_that_dies_in_the_middle_brings_customer_and_agent_together_again() {
    let mut world = World::with_agents(2);
    let (customer, first) = talking(&mut world);
    let to = TransferTo::Agent(world.agents[1]);
    world.hands_on(0, TransferKind::Attended, to).expect("taken");
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    let before = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(before, "gateway_restart");
    assert_eq!(world.rooms(), [room(&[&customer, &first])]);
    assert!(!world.hears_music(&customer));
    world.hang_up(&customer, 16);
    one_whole_record(&world);
}

#[test]
fn a_gateway_that_dies_while_a_transfer_rings_lets_the_customer_wait_for_anybody() {
    let mut world = World::with_agents(2);
    let (customer, _) = talking(&mut world);
    let to = TransferTo::Agent(world.agents[1]);
    world.hands_on(0, TransferKind::Blind, to).expect("taken");
    let before = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(before, "gateway_restart");
    let leg = world.ringing_legs().pop().expect("somebody is asked");
    world.answer(&leg);
    assert_eq!(world.rooms(), [room(&[&customer, &leg])]);
    world.hang_up(&customer, 16);
    one_whole_record(&world);
}
