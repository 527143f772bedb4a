//! What the router decides, as callers and agents notice it.

use chrono::{DateTime, TimeDelta, Utc};

use super::world::{NUMBER, World, says};
use crate::center::{HangupWhy, Input, Report, Request};
use crate::hours::{Day, Hours, Opening};
use crate::model::Server;
use crate::model::{AgentActivity, CallState, EndReason};
use crate::queueing::{Closed, Destination, Overflow, SkillLevel, Strategy, TooLong, Unattended};
use crate::{AgentState, By};

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

fn phone(world: &mut World, index: usize, online: bool) {
    world.feed(Input::Report(Server::default(), Report::Endpoint { username: World::phone(index), online }));
}

fn asked(world: &World) -> Vec<usize> {
    let agent = |data: &serde_json::Value| data["agent_id"].as_str().and_then(|id| id.parse().ok());
    let place = |id| world.agents.iter().position(|agent| *agent == id);
    world.notes_of("call.offered").into_iter().filter_map(agent).filter_map(place).collect()
}

#[test]
fn with_ring_all_every_phone_rings_and_the_first_answer_silences_the_others() {
    let mut world = World::with_agents(3);
    world.queue_works(|queue| queue.strategy = Strategy::RingAll);
    let customer = world.customer_calls();
    let legs = world.ringing_legs();
    assert_eq!(legs.len(), 3);
    world.answer(&legs[1]);
    assert!(world.ringing_legs().is_empty());
    assert_eq!(world.talking(), vec![[customer.clone(), legs[1].clone()].into()]);
    let elsewhere = world
        .requests
        .iter()
        .filter(|request| matches!(request, Request::Hangup { why: HangupWhy::AnsweredElsewhere, .. }));
    assert_eq!(elsewhere.count(), 2, "nobody counts a missed call");
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn two_who_answer_in_the_same_moment_do_not_both_get_the_call() {
    let mut world = World::with_agents(2);
    world.queue_works(|queue| queue.strategy = Strategy::RingAll);
    let customer = world.customer_calls();
    let legs = world.ringing_legs();
    world.answer_all(&legs);
    assert_eq!(world.talking().len(), 1);
    assert_eq!(world.talking()[0].len(), 2);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn nobody_there_is_told_and_then_the_call_ends_never_endless_music() {
    let mut world = World::with_agents(1);
    world.agent_chooses(0, AgentState::Offline);
    world.customer_calls();
    assert!(world.requests.iter().any(|request| says(request, "tt-allbusy")));
    world.speeches_end();
    assert!(world.wrongly_entertained().is_empty(), "music again after the announcement");
    world.time_passes(seconds(61));
    assert!(world.requests.iter().any(|request| says(request, "im-sorry")));
    world.speeches_end();
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.finished[0].reason, EndReason::NoAnswer);
}

#[test]
fn a_word_of_regret_whose_end_is_never_told_still_ends_the_call() {
    let mut world = World::with_agents(1);
    world.agent_chooses(0, AgentState::Offline);
    world.customer_calls();
    world.time_passes(seconds(130));
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn who_answers_during_an_announcement_is_heard_at_once() {
    let mut world = World::with_agents(1);
    world.agent_chooses(0, AgentState::Offline);
    let customer = world.customer_calls();
    world.agent_chooses(0, AgentState::Available);
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    let stop = world.requests.iter().position(|request| matches!(request, Request::StopPlayback { .. }));
    let join = world
        .requests
        .iter()
        .position(|request| matches!(request, Request::AddChannels { bridge, .. } if bridge.ends_with("-b")));
    assert!(stop.expect("stopped") < join.expect("joined"), "a channel that plays takes no other order");
    assert!(world.wrongly_entertained().is_empty());
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn three_missed_calls_pause_the_agent_and_the_journal_says_so() {
    let mut world = World::with_agents(1);
    world.queue_works(|queue| queue.unattended.rounds = 10);
    let customer = world.customer_calls();
    world.time_passes(seconds(15 * 3 + 3 * 2 + 1));
    assert_eq!(world.notes_of("call.missed_offer").len(), 3);
    let states = world.notes_of("agent.state_changed");
    assert_eq!((states[0]["state"].as_str(), states[0]["reason"].as_str()), (Some("paused"), Some("missed")));
    assert_eq!(world.activity(0), Some(AgentActivity::Paused));
    world.time_passes(seconds(20));
    assert!(world.ringing_legs().is_empty());
    // They come back by their own choice.
    world.agent_chooses(0, AgentState::Available);
    assert_eq!(world.ringing_legs().len(), 1);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn who_declines_is_asked_again_later_and_is_not_paused() {
    let mut world = World::with_agents(1);
    world.queue_works(|queue| queue.unattended.rounds = 20);
    world.customer_calls();
    for _ in 0..5 {
        let leg = world.ringing_legs().pop().expect("rings");
        world.hang_up(&leg, 21);
        assert!(world.ringing_legs().is_empty(), "a phone that refuses at once is not rung in a tight loop");
        world.time_passes(seconds(3));
    }
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn wrap_up_keeps_the_agent_free_for_its_time() {
    let mut world = World::with_agents(1);
    world.queue_works(|queue| queue.wrap_up_seconds = 30);
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    assert_eq!(world.activity(0), Some(AgentActivity::OnContact));
    world.hang_up(&customer, 16);
    assert_eq!(world.activity(0), Some(AgentActivity::WrapUp));
    world.customer_calls();
    world.time_passes(seconds(29));
    assert!(world.ringing_legs().is_empty());
    world.time_passes(seconds(2));
    assert_eq!(world.ringing_legs().len(), 1);
    let row = world.database.wrap_ups.values().next().expect("a row");
    assert_eq!(
        (row.until - row.began_at, row.ended_at.map(|end| end - row.began_at)),
        (seconds(30), Some(seconds(30)))
    );
}

#[test]
fn wrap_up_that_needs_a_disposition_lasts_until_it_is_there() {
    let mut world = World::with_agents(1);
    world.queue_works(|queue| (queue.wrap_up_seconds, queue.disposition_required) = (30, true));
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    world.hang_up(&customer, 16);
    world.time_passes(seconds(300));
    assert_eq!(world.activity(0), Some(AgentActivity::WrapUp));
    world.agent_chooses(0, AgentState::Available);
    assert_eq!(world.activity(0), Some(AgentActivity::WrapUp), "one's own choice does not do");
    let (tenant, agent) = (world.tenant, world.agents[0]);
    let call = *world.database.calls.keys().next().expect("a call");
    world.feed(Input::Disposed { tenant, agent, call });
    assert_eq!(world.activity(0), Some(AgentActivity::Available));
}

#[test]
fn a_manager_may_cut_a_wrap_up_short() {
    let mut world = World::with_agents(1);
    world.queue_works(|queue| (queue.wrap_up_seconds, queue.disposition_required) = (300, true));
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    world.hang_up(&customer, 16);
    let (tenant, agent) = (world.tenant, world.agents[0]);
    world.feed(Input::AgentState { tenant, agent, state: AgentState::Available, reason: None, by: By::Manager });
    assert_eq!(world.activity(0), Some(AgentActivity::Available));
}

#[test]
fn a_gateway_that_dies_remembers_who_wraps_up() {
    let mut world = World::with_agents(1);
    world.queue_works(|queue| queue.wrap_up_seconds = 60);
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    world.hang_up(&customer, 16);
    world.time_passes(seconds(20));
    let before = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(before, "gateway_restart");
    world.customer_calls();
    world.time_passes(seconds(39));
    assert!(world.ringing_legs().is_empty());
    world.time_passes(seconds(2));
    assert_eq!(world.ringing_legs().len(), 1);
    let activities = world.notes_of("agent.activity_changed");
    assert_eq!(activities.len(), 3, "the restart itself changes nothing: {activities:?}");
}

#[test]
fn an_agent_whose_phone_is_gone_for_twenty_seconds_is_unreachable_and_comes_back_alone() {
    let mut world = World::with_agents(1);
    phone(&mut world, 0, false);
    world.time_passes(seconds(19));
    assert_eq!(world.activity(0), None, "nothing has changed yet");
    world.time_passes(seconds(2));
    assert_eq!(world.activity(0), Some(AgentActivity::Unreachable));
    phone(&mut world, 0, true);
    assert_eq!(world.activity(0), Some(AgentActivity::Available));
}

#[test]
fn who_waits_too_long_goes_to_the_other_queue_with_the_place_they_had() {
    let mut world = World::with_agents(1);
    let second = world.second_queue();
    world.queue_works(|queue| {
        queue.overflow = Some(Overflow { after_seconds: 30, to: Destination::QueueId(second.uuid()) });
    });
    let first = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    world.customer_calls();
    world.time_passes(seconds(31));
    let (_, row) = world.database.calls.values().last().expect("a call");
    assert_eq!((row.queue_id, row.state), (Some(second), CallState::Queued));
    let queued = world.notes_of("call.queued");
    assert_eq!(queued.last().expect("noted")["reason"], "waited");
    world.hang_up(&first, 16);
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn a_queue_that_is_full_turns_the_next_away() {
    let mut world = World::with_agents(1);
    world.queue_works(|queue| queue.too_long = Some(TooLong { at: 1, to: Destination::HangUp }));
    world.customer_calls();
    let second = world.customer_calls();
    world.speeches_end();
    assert_eq!(world.finished[0].reason, EndReason::Overflow);
    assert!(!world.parties().contains(&second));
}

#[test]
fn a_closed_queue_says_so_and_opens_by_itself() {
    let mut world = World::with_agents(1);
    // 2027-01-15 08:00 UTC, a Friday.
    let opening = Opening { day: Day::Friday, from: "09:00".to_owned(), to: "18:00".to_owned() };
    let hours = Hours { time_zone: "UTC".to_owned(), week: vec![opening] };
    world.queue_works(|queue| {
        queue.hours = Some(hours);
        queue.closed = Closed { to: Destination::HangUp, keep_waiting: true };
    });
    world.customer_calls();
    world.speeches_end();
    assert_eq!(world.finished[0].reason, EndReason::OutOfHours);
    let nine: DateTime<Utc> = "2027-01-15T09:00:00Z".parse().expect("a time");
    world.time_passes(nine - world.now);
    world.customer_calls();
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn a_required_skill_decides_who_is_asked() {
    let mut world = World::with_agents(2);
    let skill = trunkline_db::SkillId::new();
    let (tenant, italian) = (world.tenant, world.agents[1]);
    world.change_directory(|directory| {
        directory.agents.get_mut(&(tenant, italian)).expect("an agent").skills.insert(skill, 80);
    });
    world.queue_works(|queue| queue.required = vec![SkillLevel { skill_id: skill, level: 60 }]);
    world.customer_calls();
    assert_eq!(asked(&world), [1]);
}

#[test]
fn a_clock_that_is_set_back_an_hour_lets_no_phone_ring_for_an_hour() {
    let mut world = World::with_agents(2);
    world.customer_calls();
    let first = world.ringing_legs();
    world.time_passes(seconds(5));
    world.now -= TimeDelta::hours(1);
    world.feed(Input::ClockSet { by: TimeDelta::hours(-1) });
    world.time_passes(seconds(11));
    assert_ne!(world.ringing_legs(), first, "the next is asked");
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn a_queue_that_is_removed_ends_its_waiting_calls() {
    let mut world = World::with_agents(1);
    world.agent_chooses(0, AgentState::Paused);
    world.customer_calls();
    let queue = world.queue;
    world.change_directory(|directory| {
        directory.queues.remove(&queue);
        directory.numbers.remove(NUMBER);
    });
    world.speeches_end();
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn everybody_silent_twice_ends_the_wait() {
    let mut world = World::with_agents(2);
    world.queue_works(|queue| {
        queue.pause_after_missed = None;
        queue.unattended = Unattended { grace_seconds: 10, rounds: 2, to: Destination::HangUp };
    });
    world.customer_calls();
    for _ in 0..40 {
        world.time_passes(seconds(5));
        world.speeches_end();
    }
    assert_eq!(world.finished.first().map(|finished| finished.reason), Some(EndReason::NoAnswer));
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}
