//! Hold, mute, tones and pauses, by command.

use chrono::TimeDelta;

use super::world::World;
use crate::CallCommandError;
use crate::center::{Ask, Input, OnPhone, Report, Request, TransferKind, TransferStep, TransferTo};
use crate::model::EndReason;

/// A customer who talks with the first of the agents; both channels.
fn talking(world: &mut World) -> (String, String) {
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    (customer, leg)
}

fn room(members: &[&String]) -> std::collections::BTreeSet<String> {
    members.iter().map(|member| (*member).clone()).collect()
}

fn press(world: &mut World, channel: &str, keys: &str) {
    for digit in keys.chars() {
        world.feed(Input::Report(Report::Dtmf { channel: channel.to_owned(), digit }));
    }
}

#[test]
fn who_holds_is_out_of_the_room_and_the_customer_hears_music() {
    let mut world = World::with_agents(1);
    let (customer, leg) = talking(&mut world);
    assert_eq!(world.asks(0, None, Ask::Hold), Ok(()));
    assert_eq!(world.rooms(), [room(&[&customer])]);
    assert!(world.hears_music(&customer));
    assert_eq!(world.the_call().held_since, Some(world.now));
    // Once is enough.
    assert_eq!(world.asks(0, None, Ask::Hold), Ok(()));
    world.time_passes(TimeDelta::seconds(7));
    assert_eq!(world.asks(0, None, Ask::Resume), Ok(()));
    assert_eq!(world.rooms(), [room(&[&customer, &leg])]);
    assert!(!world.hears_music(&customer));
    assert_eq!(world.the_call().held_since, None);
    assert_eq!((world.notes_of("call.held").len(), world.notes_of("call.resumed").len()), (1, 1));
    assert_eq!(world.notes_of("call.resumed")[0]["held_ms"], 7_000);
    assert_eq!(world.asks(0, None, Ask::Resume), Ok(()));
    assert_eq!(world.notes_of("call.resumed").len(), 1);
}

#[test]
fn who_hangs_up_while_they_hold_ends_the_call_as_ever() {
    let mut world = World::with_agents(1);
    let (_, leg) = talking(&mut world);
    world.asks(0, None, Ask::Hold).expect("held");
    world.hang_up(&leg, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.finished[0].reason, EndReason::CompletedAgent);

    let mut world = World::with_agents(1);
    let (customer, _) = talking(&mut world);
    world.asks(0, None, Ask::Hold).expect("held");
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.finished[0].reason, EndReason::CompletedCustomer);
}

#[test]
fn of_three_one_holds_and_the_others_go_on_talking() {
    let mut world = World::with_agents(2);
    let (customer, first) = talking(&mut world);
    world.asks_in(0, world.agents[1]).expect("rings");
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    world.asks(0, None, Ask::Hold).expect("held");
    assert_eq!(world.rooms(), [room(&[&customer, &second])]);
    assert!(!world.hears_music(&customer));
    assert_eq!(world.the_call().held_since, None, "somebody talks with them");
    // The other one goes: the customer is alone.
    world.hang_up(&second, 16);
    assert!(world.hears_music(&customer));
    assert!(world.the_call().held_since.is_some());
    world.asks(0, None, Ask::Resume).expect("back");
    assert_eq!(world.rooms(), [room(&[&customer, &first])]);
    assert!(!world.hears_music(&customer));
}

#[test]
fn who_joins_a_held_call_ends_the_customers_music() {
    let mut world = World::with_agents(2);
    let (customer, first) = talking(&mut world);
    world.asks(0, None, Ask::Hold).expect("held");
    world.asks_in(0, world.agents[1]).expect("rings");
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    assert_eq!(world.rooms(), [room(&[&customer, &second])]);
    assert!(!world.hears_music(&customer));
    world.asks(0, None, Ask::Resume).expect("back");
    assert_eq!(world.rooms(), [room(&[&customer, &first, &second])]);
}

#[test]
fn a_held_call_is_handed_on_in_every_way() {
    for kind in [TransferKind::Blind, TransferKind::Attended] {
        for step in [TransferStep::Complete, TransferStep::Merge, TransferStep::Cancel] {
            let mut world = World::with_agents(2);
            let (customer, first) = talking(&mut world);
            world.asks(0, None, Ask::Hold).expect("held");
            world.hands_on(0, kind, TransferTo::Agent(world.agents[1])).expect("rings");
            assert!(world.asks(0, None, Ask::Hold).is_err(), "not while somebody is asked");
            assert!(world.hears_music(&customer));
            let second = world.leg_at(1).expect("rings");
            world.answer(&second);
            let expected = match (kind, step) {
                (TransferKind::Blind, _) => room(&[&customer, &second]),
                (_, step) => {
                    world.step(0, step).expect("goes on");
                    match step {
                        TransferStep::Complete => room(&[&customer, &second]),
                        TransferStep::Merge => room(&[&customer, &first, &second]),
                        _ => room(&[&customer, &first]),
                    }
                }
            };
            assert_eq!(world.rooms(), [expected], "{kind:?} {step:?}");
            assert!(!world.hears_music(&customer));
            assert_eq!(world.the_call().held_since, None);
            world.hang_up(&customer, 16);
            assert!(world.nothing_is_left(), "{}", world.left_overs());
        }
    }
}

#[test]
fn a_hold_outlives_a_cut_and_the_gateway() {
    for killed in [false, true] {
        let mut world = World::with_agents(1);
        let (customer, leg) = talking(&mut world);
        world.asks(0, None, Ask::Hold).expect("held");
        let from = world.now;
        if killed {
            world.gateway_is_killed();
        } else {
            world.connection_is_cut();
        }
        world.time_passes(TimeDelta::seconds(3));
        world.connection_comes_back(from, "connection_lost");
        assert_eq!(world.rooms(), [room(&[&customer])]);
        assert!(world.hears_music(&customer));
        world.asks(0, None, Ask::Resume).expect("back");
        assert_eq!(world.rooms(), [room(&[&customer, &leg])]);
        assert!(!world.hears_music(&customer));
        assert_eq!(world.notes_of("call.resumed")[0]["held_ms"], 3_000);
    }
}

#[test]
fn a_page_that_is_loaded_anew_holds_and_mutes_nobody() {
    let mut world = World::with_agents(1);
    let (customer, old) = talking(&mut world);
    world.asks(0, None, Ask::Mute).expect("muted");
    world.asks(0, None, Ask::Hold).expect("held");
    let (tenant, call, by) = (world.tenant, world.the_call().id, world.agents[0]);
    world.feed(Input::Reattach { tenant, call, by, username: World::phone(0) });
    assert_eq!(world.asks(0, None, Ask::Hold), Err(CallCommandError::NotNow));
    let new = world.ringing_legs().pop().expect("rings");
    world.answer(&new);
    assert_ne!(old, new);
    assert_eq!(world.rooms(), [room(&[&customer, &new])]);
    assert!(!world.hears_music(&customer));
    assert_eq!(world.heard_by(&new), room(&[&customer]));
    assert_eq!((world.notes_of("call.unmuted").len(), world.notes_of("call.resumed").len()), (1, 1));
}

#[test]
fn nobody_hears_who_is_muted() {
    let mut world = World::with_agents(1);
    let (customer, leg) = talking(&mut world);
    world.asks(0, None, Ask::Mute).expect("muted");
    world.asks(0, None, Ask::Mute).expect("is");
    assert!(world.heard_by(&leg).is_empty());
    assert_eq!(world.heard_by(&customer), room(&[&leg]));
    world.asks(0, None, Ask::Unmute).expect("unmuted");
    assert_eq!(world.heard_by(&leg), room(&[&customer]));
    assert_eq!((world.notes_of("call.muted").len(), world.notes_of("call.unmuted").len()), (1, 1));
}

#[test]
fn a_phone_that_holds_by_itself_takes_back_by_itself() {
    let mut world = World::with_agents(1);
    let (customer, leg) = talking(&mut world);
    let held = |held| Input::Report(Report::Hold { channel: leg.clone(), held });
    world.feed(held(true));
    assert_eq!(world.asks(0, None, Ask::Hold), Ok(()), "it is");
    assert_eq!(world.rooms(), [room(&[&customer, &leg])]);
    assert_eq!(world.asks(0, None, Ask::Resume), Err(CallCommandError::NotNow));
    world.feed(held(false));
    world.asks(0, None, Ask::Hold).expect("held");
    // What the phone does meanwhile changes nothing.
    world.feed(held(true));
    world.feed(held(false));
    assert!(world.the_call().held_since.is_some());
    assert_eq!(world.notes_of("call.held").len(), 2);
}

#[test]
fn tones_go_to_the_customer_and_only_what_is_a_key() {
    let mut world = World::with_agents(2);
    let (customer, _) = talking(&mut world);
    world.asks(0, None, Ask::Dtmf("12#*".to_owned())).expect("sent");
    assert!(world.requests.contains(&Request::Dtmf { channel: customer, digits: "12#*".to_owned() }));
    for wrong in ["", "x", "1 2", &"1".repeat(33)] {
        assert!(world.asks(0, None, Ask::Dtmf(wrong.to_owned())).is_err(), "{wrong}");
    }
    let call = world.the_call().id;
    for ask in [Ask::Hold, Ask::Mute, Ask::Dtmf("1".to_owned()), Ask::PauseRecording] {
        assert_eq!(world.asks(1, Some(call), ask), Err(CallCommandError::NotFound), "of others' calls");
    }
}

#[test]
fn a_recording_pauses_by_command_and_by_keys() {
    let mut world = World::with_agents(1);
    let (customer, leg) = talking(&mut world);
    world.asks(0, None, Ask::PauseRecording).expect("pauses");
    assert_eq!(world.paused.len(), 1);
    world.time_passes(TimeDelta::seconds(4));
    press(&mut world, &leg, "*1");
    assert!(world.paused.is_empty());
    assert_eq!(world.notes_of("recording.resumed")[0]["paused_ms"], 4_000);
    press(&mut world, &leg, "9*1");
    assert_eq!(world.paused.len(), 1);
    world.asks(0, None, Ask::ResumeRecording).expect("goes on");
    // Neither apart, nor the other way round, nor by the customer.
    press(&mut world, &leg, "*");
    world.time_passes(TimeDelta::seconds(4));
    press(&mut world, &leg, "1*21");
    press(&mut world, &customer, "*1");
    assert!(world.paused.is_empty());
    world.asks(0, None, Ask::PauseRecording).expect("pauses");
    world.hang_up(&customer, 16);
    assert_eq!(world.paused.len(), 1, "it stays paused");
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn a_pause_outlives_the_gateway() {
    let mut world = World::with_agents(1);
    let (customer, leg) = talking(&mut world);
    world.asks(0, None, Ask::PauseRecording).expect("pauses");
    let from = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(from, "gateway_restart");
    assert_eq!(world.paused.len(), 1);
    press(&mut world, &leg, "*1");
    assert!(world.paused.is_empty(), "the keys end it, since it was paused");
    world.hang_up(&customer, 16);
    assert_eq!(world.notes_of("recording.paused").len(), 1);
}

#[test]
fn a_storm_of_keys_costs_nothing() {
    let mut world = World::with_agents(1);
    let (customer, leg) = talking(&mut world);
    let requests = world.requests.len();
    let notes = world.database.happenings.len();
    for _ in 0..1_000 {
        press(&mut world, &leg, "*#0");
        press(&mut world, &customer, "*1");
    }
    assert_eq!((world.requests.len(), world.database.happenings.len()), (requests, notes));
}

#[test]
fn a_call_that_waits_is_moved_and_keeps_its_wait() {
    let mut world = World::with_agents(1);
    let second = world.second_queue();
    let (_, leg) = talking(&mut world);
    world.customer_calls();
    let waits = *world.database.calls.keys().next_back().expect("waits");
    world.time_passes(TimeDelta::seconds(20));
    assert_eq!(
        world.asks(0, Some(waits), Ask::Move(trunkline_db::QueueId::new())),
        Err(CallCommandError::NoSuchTarget)
    );
    assert_eq!(world.asks(0, Some(waits), Ask::Move(second)), Ok(()));
    let (_, row) = &world.database.calls[&waits];
    assert_eq!(row.queue_id, Some(second));
    assert_eq!(row.queued_at, Some(world.now - TimeDelta::seconds(20)));
    let queued = world.notes_of("call.queued");
    let last = queued.last().expect("told");
    assert_eq!((&last["reason"], &last["from_queue_id"]), (&"moved".into(), &serde_json::json!(world.queue)));
    let talks = world.the_call().id;
    assert!(world.asks(0, Some(talks), Ask::Move(second)).is_ok() || talks != waits);
    world.hang_up(&leg, 16);
    assert!(world.leg_at(0).is_some(), "it rings from there");
}

#[test]
fn only_what_waits_is_moved() {
    let mut world = World::with_agents(2);
    let second = world.second_queue();
    talking(&mut world);
    let call = world.the_call().id;
    assert_eq!(world.asks(0, Some(call), Ask::Move(second)), Err(CallCommandError::NotNow));
    assert_eq!(
        world.asks(1, Some(call), Ask::TakeOver(OnPhone::This("nobody".to_owned()))),
        Err(CallCommandError::PhoneAway)
    );
}
