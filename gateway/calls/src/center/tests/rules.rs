use std::sync::Arc;

use chrono::TimeDelta;

use trunkline_db::{AgentId, TenantId};

use super::world::{FOREIGN_EXTENSION, FOREIGN_NUMBER, World};
use crate::Sight;
use crate::center::{HangupWhy, Input, Report, Request};
use crate::model::Server;
use crate::model::{CallState, EndReason, RecordingState, Subject};
use crate::{AgentState, By};

#[test]
fn call_is_queued_offered_answered_recorded_and_ended() {
    let mut world = World::with_agents(1);
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("the phone rings");
    world.time_passes(TimeDelta::seconds(3));
    world.answer(&leg);
    assert_eq!(world.talking(), vec![[customer.clone(), leg].into()]);
    world.time_passes(TimeDelta::seconds(20));
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(
        world.kinds(),
        [
            "call.started",
            "call.queued",
            "call.offered",
            "call.answered",
            "recording.started",
            "call.ended",
            "recording.ready"
        ]
    );
    let (_, row) = world.database.calls.values().next().expect("a CDR");
    assert_eq!(row.end_reason, Some(EndReason::CompletedCustomer));
    assert_eq!(row.cause, Some(16));
    assert!(!row.estimated);
    assert_eq!(world.finished[0].wait_ms, Some(3_000));
    assert_eq!(world.finished[0].talk_ms, Some(20_000));
    assert!(world.database.legs.values().all(|leg| leg.ended_at.is_some()));
    assert_eq!(world.database.recordings.values().next().expect("one").state, RecordingState::Ready);
}

#[test]
fn agent_hanging_up_ends_the_customers_leg_too() {
    let mut world = World::with_agents(1);
    world.customer_calls();
    let leg = world.ringing_legs().pop().expect("the phone rings");
    world.answer(&leg);
    world.hang_up(&leg, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.finished[0].reason, EndReason::CompletedAgent);
}

#[test]
fn unanswered_phone_rings_fifteen_seconds_then_the_next() {
    let mut world = World::with_agents(2);
    world.customer_calls();
    let first = world.ringing_legs();
    world.time_passes(TimeDelta::milliseconds(14_900));
    assert_eq!(world.ringing_legs(), first);
    world.time_passes(TimeDelta::milliseconds(200));
    let second = world.ringing_legs();
    assert_eq!(second.len(), 1);
    assert_ne!(second, first);
    world.answer(&second[0]);
    let (_, row) = world.database.calls.values().next().expect("a CDR");
    assert_eq!(row.agent_id, Some(world.agents[1]));
}

#[test]
fn customer_who_gives_up_silences_the_phone() {
    let mut world = World::with_agents(1);
    let customer = world.customer_calls();
    assert_eq!(world.ringing_legs().len(), 1);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.finished[0].reason, EndReason::AbandonedQueue);
    // The agent is free for the next caller at once.
    world.customer_calls();
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn paused_agent_is_not_rung_until_available_again() {
    let mut world = World::with_agents(1);
    let (tenant, agent) = (world.tenant, world.agents[0]);
    world.feed(Input::AgentState { tenant, agent, state: AgentState::Paused, reason: None, by: By::Agent });
    world.customer_calls();
    assert!(world.ringing_legs().is_empty());
    world.feed(Input::AgentState { tenant, agent, state: AgentState::Available, reason: None, by: By::Agent });
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn agent_who_is_gone_leaves_what_rings_to_the_next_and_a_conversation_to_its_end() {
    let mut world = World::with_agents(2);
    let (tenant, gone, next) = (world.tenant, world.agents[0], world.agents[1]);
    let customer = world.customer_calls();
    let first = world.ringing_legs();
    world.feed(Input::AgentState { tenant, agent: gone, state: AgentState::Offline, reason: None, by: By::Agent });
    let second = world.ringing_legs();
    assert_eq!(second.len(), 1, "the next is rung at once");
    assert_ne!(second, first);
    world.answer(&second[0]);
    world.feed(Input::AgentState { tenant, agent: next, state: AgentState::Offline, reason: None, by: By::Agent });
    assert_eq!(world.talking(), vec![[customer.clone(), second[0].clone()].into()]);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    let (_, row) = world.database.calls.values().next().expect("a CDR");
    assert_eq!((row.agent_id, row.end_reason), (Some(next), Some(EndReason::CompletedCustomer)));
}

#[test]
fn phone_that_comes_back_is_rung() {
    let mut world = World::with_agents(1);
    let username = World::phone(0);
    world.feed(Input::Report(Server::default(), Report::Endpoint { username: username.clone(), online: false }));
    world.customer_calls();
    assert!(world.ringing_legs().is_empty());
    world.feed(Input::Report(Server::default(), Report::Endpoint { username, online: true }));
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn number_given_out_a_moment_ago_is_read_before_its_caller_is_turned_away() {
    let mut world = World::with_agents(1);
    let numbers = std::mem::take(&mut Arc::make_mut(&mut world.directory).numbers);
    world.change_directory(|_| {});
    world.database_is_silent = true;
    world.customer_calls();
    assert!(world.ringing_legs().is_empty());
    // What was read before anybody asked decides nothing.
    let asked = *world.readings.last().expect("it is read again");
    world.feed(Input::DirectoryRead { reading: asked - 1 });
    assert!(!world.requests.iter().any(|request| matches!(request, Request::Hangup { .. })));
    world.database_is_silent = false;
    world.change_directory(|directory| directory.numbers = numbers);
    world.feed(Input::DirectoryRead { reading: asked });
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn caller_of_a_strange_number_is_turned_away_when_the_database_is_silent_and_may_leave_before() {
    let mut world = World::with_agents(1);
    world.change_directory(|directory| directory.numbers.clear());
    world.database_is_silent = true;
    let impatient = world.customer_calls();
    world.hang_up(&impatient, 16);
    let patient = world.customer_calls();
    world.time_passes(TimeDelta::seconds(4));
    let refused: Vec<&str> = world
        .requests
        .iter()
        .filter_map(|request| match request {
            Request::Hangup { channel, why: HangupWhy::Unallocated } => Some(channel.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(refused, [patient.as_str()]);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn number_of_nobody_is_refused_as_unallocated() {
    let mut world = World::with_agents(1);
    world.phone_dials(0, "4711");
    assert!(
        world.requests.iter().any(|request| matches!(request, Request::Hangup { why: HangupWhy::Unallocated, .. }))
    );
    assert!(world.nothing_is_left());
    let (_, row) = world.database.calls.values().next().expect("somebody tried, and it is on record");
    assert_eq!(row.end_reason, Some(EndReason::InvalidNumber));
}

#[test]
fn phone_reaches_neither_number_nor_extension_of_another_tenant() {
    for foreign in [FOREIGN_NUMBER, FOREIGN_EXTENSION] {
        let mut world = World::with_agents(1);
        world.phone_dials(0, foreign);
        let refused = |request: &Request| matches!(request, Request::Hangup { why: HangupWhy::Unallocated, .. });
        assert!(world.requests.iter().any(refused), "{foreign}: {:?}", world.requests);
        assert!(world.nothing_is_left(), "{}", world.left_overs());
        let (tenant, row) = world.database.calls.values().next().expect("somebody tried, and it is on record");
        assert_eq!((*tenant, row.end_reason), (world.tenant, Some(EndReason::InvalidNumber)), "{foreign}");
        assert_eq!(row.queue_id, None, "{foreign}");
    }
}

#[test]
fn of_a_tenant_without_minutes_phones_begin_no_call_and_customers_are_taken() {
    let mut world = World::with_agents(2);
    let tenant = world.tenant;
    world.change_directory(|directory| {
        directory.spent.insert(tenant);
    });
    world.phone_dials(0, "700");
    let refused = |request: &Request| matches!(request, Request::Hangup { why: HangupWhy::Congestion, .. });
    assert!(world.requests.iter().any(refused), "{:?}", world.requests);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    let (_, row) = world.database.calls.values().next().expect("somebody tried, and it is on record");
    assert_eq!(row.end_reason, Some(EndReason::Blocked));
    world.customer_calls();
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn calls_of_a_tenant_that_does_not_record_are_answered_without_a_recording() {
    let mut world = World::with_agents(1);
    let tenant = world.tenant;
    world.change_directory(|directory| {
        directory.unrecorded.insert(tenant);
    });
    let customer = world.customer_calls();
    let leg = world.ringing_legs().remove(0);
    world.answer(&leg);
    assert_eq!(world.talking().len(), 1);
    assert!(!world.requests.iter().any(|request| matches!(request, Request::Snoop { .. })));
    // Nor does it begin when the gateway comes back in the middle.
    world.gateway_is_killed();
    world.connection_comes_back(world.now, "gateway_restart");
    assert!(!world.requests.iter().any(|request| matches!(request, Request::Snoop { .. })));
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert!(!world.kinds().iter().any(|kind| kind.starts_with("recording.")), "{:?}", world.kinds());
}

#[test]
fn a_call_goes_on_while_its_tenant_is_suspended() {
    let mut world = World::with_agents(1);
    let customer = world.customer_calls();
    let leg = world.ringing_legs().remove(0);
    world.answer(&leg);
    let tenant = world.tenant;
    world.change_directory(|directory| {
        directory.tenants.remove(&tenant);
        directory.forget_strangers();
    });
    world.time_passes(TimeDelta::minutes(2));
    assert_eq!(world.talking().len(), 1);
    // Whoever calls meanwhile is refused.
    let asked = world.requests.len();
    world.customer_calls();
    let refused = |request: &Request| matches!(request, Request::Hangup { why: HangupWhy::Unallocated, .. });
    assert!(world.requests[asked..].iter().any(refused), "{:?}", &world.requests[asked..]);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn customer_waits_with_music_until_the_answer() {
    let mut world = World::with_agents(1);
    world.customer_calls();
    assert_eq!(world.wrongly_entertained(), [""; 0]);
    let leg = world.ringing_legs().pop().expect("the phone rings");
    world.time_passes(TimeDelta::seconds(20));
    assert_eq!(world.wrongly_entertained(), [""; 0]);
    let leg = world.ringing_legs().pop().unwrap_or(leg);
    world.answer(&leg);
    assert_eq!(world.talking().len(), 1);
    assert_eq!(world.wrongly_entertained(), [""; 0]);
}

#[test]
fn phone_dials_the_echo_test() {
    let mut world = World::with_agents(1);
    world.phone_dials(0, "600");
    assert!(matches!(&world.requests[..], [Request::Continue { context: "trunkline-echo", .. }]));
    assert!(world.database.calls.is_empty());
}

#[test]
fn agent_who_calls_a_queue_is_not_offered_their_own_call() {
    let mut world = World::with_agents(1);
    world.phone_dials(0, "700");
    assert!(world.ringing_legs().is_empty());
    let (_, row) = world.database.calls.values().next().expect("a call");
    assert_eq!(row.state, CallState::Queued);
}

#[test]
fn killed_gateway_takes_the_call_over_and_finishes_its_record() {
    let mut world = World::with_agents(1);
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("the phone rings");
    world.answer(&leg);
    world.time_passes(TimeDelta::seconds(5));
    world.gateway_is_killed();
    let from = world.now;
    world.time_passes(TimeDelta::seconds(8));
    world.connection_comes_back(from, "gateway_restart");
    assert_eq!(world.talking(), vec![[customer, leg.clone()].into()]);
    world.time_passes(TimeDelta::seconds(5));
    world.hang_up(&leg, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    let (_, row) = world.database.calls.values().next().expect("a CDR");
    assert_eq!(row.end_reason, Some(EndReason::CompletedAgent));
    assert_eq!(row.gaps.len(), 1);
    assert_eq!(row.gaps[0].reason, "gateway_restart");
    assert!(!row.estimated);
    assert_eq!(world.database.recordings.len(), 1, "it goes on in the same recording");
    let gaps = world.database.happenings.iter().filter(|it| it.kind == "telephony.gap");
    assert_eq!(gaps.filter(|it| it.subject == Subject::Telephony(world.tenant)).count(), 1);
}

#[test]
fn customer_left_alone_while_the_gateway_was_away_is_released() {
    let mut world = World::with_agents(1);
    world.customer_calls();
    let leg = world.ringing_legs().pop().expect("the phone rings");
    world.answer(&leg);
    world.gateway_is_killed();
    let from = world.now;
    world.hang_up(&leg, 16);
    world.time_passes(TimeDelta::seconds(8));
    world.connection_comes_back(from, "gateway_restart");
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    let (_, row) = world.database.calls.values().next().expect("a CDR");
    assert_eq!(row.end_reason, Some(EndReason::CompletedAgent));
    assert!(row.estimated);
}

#[test]
fn call_that_ended_while_the_gateway_was_away_gets_its_record() {
    let mut world = World::with_agents(1);
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("the phone rings");
    world.answer(&leg);
    world.gateway_is_killed();
    let from = world.now;
    world.hang_up(&customer, 16);
    world.hang_up(&leg, 16);
    world.connection_comes_back(from, "gateway_restart");
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    let (_, row) = world.database.calls.values().next().expect("a CDR");
    assert_eq!(row.end_reason, Some(EndReason::CompletedCustomer));
    assert!(row.estimated);
}

#[test]
fn restarted_asterisk_leaves_lost_calls_and_no_waiting_ones() {
    let mut world = World::with_agents(1);
    world.customer_calls();
    let leg = world.ringing_legs().pop().expect("the phone rings");
    world.answer(&leg);
    world.customer_calls();
    world.connection_is_cut();
    let from = world.now;
    world.asterisk_restarts();
    world.time_passes(TimeDelta::seconds(2));
    world.connection_comes_back(from, "connection_lost");
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert!(world.database.calls.values().all(|(_, row)| row.end_reason == Some(EndReason::Lost) && row.estimated));
}

#[test]
fn queued_caller_keeps_the_place_in_line_over_a_restart() {
    let mut world = World::with_agents(1);
    let first = world.customer_calls();
    world.time_passes(TimeDelta::seconds(1));
    world.customer_calls();
    world.gateway_is_killed();
    let from = world.now;
    world.time_passes(TimeDelta::seconds(2));
    world.connection_comes_back(from, "gateway_restart");
    let leg = world.ringing_legs().pop().expect("the phone rings again");
    world.answer(&leg);
    assert!(world.talking().iter().any(|members| members.contains(&first)));
}

#[test]
fn caller_whom_the_dialplan_kept_comes_in_when_the_gateway_is_back() {
    let mut world = World::with_agents(1);
    world.gateway_is_killed();
    let from = world.now;
    world.customer_calls();
    assert!(world.database.calls.is_empty());
    world.connection_comes_back(from, "gateway_restart");
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn caller_who_came_and_went_without_a_gateway_gets_a_record_once() {
    let mut world = World::with_agents(1);
    world.gateway_is_killed();
    let from = world.now;
    let customer = world.customer_calls();
    world.hang_up(&customer, 16);
    let phone = world.phone_dials(0, "700");
    world.hang_up(&phone, 34);
    world.connection_comes_back(from, "gateway_restart");
    let rows: Vec<_> = world.database.calls.values().map(|(tenant, row)| (*tenant, row.clone())).collect();
    assert_eq!(rows.len(), 2);
    for (tenant, row) in &rows {
        assert_eq!((*tenant, row.state, row.estimated), (world.tenant, CallState::Ended, true));
        assert!(row.queue_id.is_some() && row.ended_at.is_some());
    }
    let reason_of =
        |channel: &str| rows.iter().find(|(_, row)| row.customer_channel == channel).expect("one").1.end_reason;
    assert_eq!(reason_of(&customer), Some(EndReason::AbandonedQueue));
    assert_eq!(reason_of(&phone), Some(EndReason::Failed), "the dialplan apologised");
    let kinds = world.kinds();
    for kind in ["call.started", "call.queued", "call.ended"] {
        assert_eq!(kinds.iter().filter(|it| **it == kind).count(), 2, "{kind} in {kinds:?}");
    }
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    // The agent is free for the next caller.
    world.customer_calls();
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn hangup_command_ends_both_legs() {
    let mut world = World::with_agents(1);
    world.customer_calls();
    let leg = world.ringing_legs().pop().expect("the phone rings");
    world.answer(&leg);
    let call = *world.database.calls.keys().next().expect("a call");
    let (tenant, agent) = (world.tenant, world.agents[0]);
    let sight = |user: AgentId, led: &[AgentId], all| Sight { all, user: user.into(), led: led.to_vec() };
    world.feed(Input::Hangup { tenant: TenantId::new(), call, sight: sight(agent, &[], true) });
    world.feed(Input::Hangup { tenant, call, sight: sight(AgentId::new(), &[AgentId::new()], false) });
    assert_eq!(world.talking().len(), 1, "not theirs to hang up");
    world.feed(Input::Hangup { tenant, call, sight: sight(AgentId::new(), &[agent], false) });
    assert!(world.nothing_is_left(), "a team's lead may: {}", world.left_overs());
}
