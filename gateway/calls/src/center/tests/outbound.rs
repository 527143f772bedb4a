//! Agents call out.

use chrono::TimeDelta;
use trunkline_dialing::{Mark, PrefixRule, Rule};

use super::world::World;
use crate::DialRefusal;
use crate::center::{Answers, DialProgress, HangupWhy, Input, Request};
use crate::model::{CallState, Direction, EndReason};

const ROME: &str = "06 44121234";
const ROME_E164: &str = "+390644121234";

/// An agent clicked, picked their phone up, and the other side is dialled; gives both legs.
fn dialled(world: &mut World) -> (String, String) {
    world.clicks(0, ROME);
    let phone = world.ringing_legs().pop().expect("the agent's phone rings");
    world.answer(&phone);
    let callee = world.dialled_legs().pop().expect("the other side is dialled");
    (phone, callee)
}

#[test]
fn a_clock_that_is_set_lets_it_ring_as_long_as_it_would_have() {
    for hours in [-1, 1] {
        let mut world = World::with_agents(1);
        let (_, callee) = dialled(&mut world);
        world.gets_on(&callee, DialProgress::Ringing);
        world.time_passes(TimeDelta::seconds(5));
        world.now += TimeDelta::hours(hours);
        world.feed(Input::ClockSet { by: TimeDelta::hours(hours) });
        world.time_passes(TimeDelta::seconds(80));
        assert!(world.parties().contains(&callee), "{hours} h: it rings on");
        world.time_passes(TimeDelta::seconds(10));
        assert!(world.nothing_is_left(), "{hours} h: {}", world.left_overs());
        assert_eq!(world.the_call().end_reason, Some(EndReason::NoAnswer));
    }
}

#[test]
fn a_click_rings_the_agent_then_the_number_and_the_call_is_recorded() {
    let mut world = World::with_agents(1);
    world.clicks(0, ROME);
    assert_eq!(world.dialled, [Ok(())]);
    let phone = world.ringing_legs().pop().expect("the agent's phone rings");
    let rings = world.requests.iter().find_map(|request| match request {
        Request::Originate { caller, answers, originator, .. } => Some((caller.clone(), *answers, originator.clone())),
        _ => None,
    });
    assert_eq!(rings, Some((ROME_E164.to_owned(), Answers::ToDial, None)));
    assert!(world.dialled_legs().is_empty(), "nobody is dialled before the agent is there");
    world.answer(&phone);
    let callee = world.dialled_legs().pop().expect("the other side is dialled");
    let made = world.requests.iter().find_map(|request| match request {
        Request::CreateTrunkLeg { endpoint, .. } => Some(endpoint.as_str()),
        _ => None,
    });
    assert_eq!(made, Some("PJSIP/+390644121234@demo-trunk"));
    assert_eq!(
        world.talking(),
        vec![[phone.clone(), callee.clone()].into()],
        "joined before the answer: early media is heard"
    );
    world.gets_on(&callee, DialProgress::Ringing);
    world.gets_on(&callee, DialProgress::Ringing);
    world.gets_on(&callee, DialProgress::Answered);
    let rang =
        world.requests.iter().filter(|request| matches!(request, Request::Ring { .. } | Request::StopRing { .. }));
    assert_eq!(rang.count(), 2, "once on, once off");
    world.time_passes(TimeDelta::seconds(20));
    world.hang_up(&callee, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    let told = ["call.started", "call.dialled", "call.answered", "recording.started", "call.ended", "recording.ready"];
    assert_eq!(world.kinds(), told);
    let row = world.the_call();
    assert_eq!((row.direction, row.to_number.as_str()), (Direction::Outbound, ROME_E164));
    assert_eq!((row.end_reason, row.agent_id), (Some(EndReason::CompletedCustomer), Some(world.agents[0])));
    assert_eq!(world.finished[0].talk_ms, Some(20_000));
    assert!(world.finished[0].is_outbound);
}

#[test]
fn nobody_is_dialled_before_the_database_has_the_record() {
    let mut world = World::with_agents(1);
    world.database_is_silent = true;
    world.clicks(0, ROME);
    assert!(world.ringing_legs().is_empty() && world.dialled.is_empty());
    world.time_passes(TimeDelta::seconds(10));
    assert_eq!(world.dialled, [Err(DialRefusal::NotWritten)]);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.the_call().end_reason, Some(EndReason::Failed));
    let dialled = |request: &Request| matches!(request, Request::Originate { .. } | Request::CreateTrunkLeg { .. });
    assert!(!world.requests.iter().any(dialled));
}

#[test]
fn how_the_other_side_refuses_is_how_the_call_ends() {
    for (cause, reason) in [
        (17, EndReason::Busy),
        (1, EndReason::InvalidNumber),
        (21, EndReason::Rejected),
        (20, EndReason::Unreachable),
        (34, EndReason::Failed),
    ] {
        let mut world = World::with_agents(1);
        let (_, callee) = dialled(&mut world);
        world.hang_up(&callee, cause);
        assert!(world.nothing_is_left(), "{}", world.left_overs());
        assert_eq!((world.the_call().end_reason, world.the_call().cause), (Some(reason), Some(cause)));
    }
}

#[test]
fn a_number_that_nobody_answers_is_given_up() {
    let mut world = World::with_agents(1);
    dialled(&mut world);
    world.time_passes(TimeDelta::seconds(90));
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.the_call().end_reason, Some(EndReason::NoAnswer));
}

#[test]
fn an_agent_who_hangs_up_takes_the_call_along_at_each_step() {
    let mut world = World::with_agents(1);
    world.clicks(0, ROME);
    let phone = world.ringing_legs().pop().expect("it rings");
    world.hang_up(&phone, 21);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.the_call().end_reason, Some(EndReason::NoAnswer));

    let mut world = World::with_agents(1);
    world.clicks(0, ROME);
    world.time_passes(TimeDelta::seconds(25));
    assert!(world.nothing_is_left(), "{}", world.left_overs());

    let mut world = World::with_agents(1);
    let (phone, _) = dialled(&mut world);
    world.hang_up(&phone, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.the_call().end_reason, Some(EndReason::NoAnswer));

    let mut world = World::with_agents(1);
    let (phone, callee) = dialled(&mut world);
    world.gets_on(&callee, DialProgress::Answered);
    world.hang_up(&phone, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.the_call().end_reason, Some(EndReason::CompletedAgent));
}

#[test]
fn a_phone_that_dials_a_number_outside_goes_the_same_way() {
    let mut world = World::with_agents(1);
    let phone = world.phone_dials(0, ROME);
    let callee = world.dialled_legs().pop().expect("dialled");
    assert!(world.ringing_legs().is_empty(), "the phone is there already");
    world.gets_on(&callee, DialProgress::Answered);
    assert_eq!(world.talking(), vec![[phone.clone(), callee].into()]);
    world.hang_up(&phone, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.the_call().end_reason, Some(EndReason::CompletedAgent));
}

#[test]
fn a_phone_is_held_to_the_same_rules() {
    let mut world = World::with_agents(1);
    let phone = world.phone_dials(0, "+447400123456");
    assert_eq!(world.denied, [Rule::Country]);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert!(world.requests.contains(&Request::Hangup { channel: phone, why: HangupWhy::Rejected }));
    let row = world.the_call();
    assert_eq!((row.direction, row.end_reason), (Direction::Outbound, Some(EndReason::Blocked)));
    // A number that is none is told as such.
    let phone = world.phone_dials(0, "4242");
    assert!(world.requests.contains(&Request::Hangup { channel: phone, why: HangupWhy::Unallocated }));
}

#[test]
fn who_may_not_call_is_told_why() {
    let mut world = World::with_agents(2);
    world.clicks(0, "899 123456");
    assert!(matches!(world.dialled.pop(), Some(Err(DialRefusal::Denied { rule: Rule::CostlyKind, .. }))));
    world.change_policy(|policy| {
        policy.do_not_call.insert(ROME_E164.to_owned(), None);
    });
    world.clicks(0, ROME);
    assert!(matches!(world.dialled.pop(), Some(Err(DialRefusal::Denied { rule: Rule::DoNotCall, .. }))));
    world.change_policy(|policy| policy.do_not_call.clear());
    world.clicks(0, ROME);
    assert_eq!(world.dialled.pop(), Some(Ok(())));
    world.clicks(0, ROME);
    assert_eq!(world.dialled.pop(), Some(Err(DialRefusal::OnACall)));
    world.change_policy(|policy| policy.rules.as_mut().expect("rules").caps.concurrent = Some(1));
    world.clicks(1, ROME);
    assert!(matches!(world.dialled.pop(), Some(Err(DialRefusal::Denied { rule: Rule::Concurrent, .. }))));
    assert_eq!(world.kinds().iter().filter(|kind| **kind == "dialing.alarm").count(), 1, "a cap is an alarm");
    let tenant = world.tenant;
    world.change_directory(|directory| {
        directory.trunks.remove(&tenant);
    });
    world.change_policy(|policy| policy.rules.as_mut().expect("rules").caps.concurrent = None);
    world.clicks(1, ROME);
    assert_eq!(world.dialled.pop(), Some(Err(DialRefusal::NoTrunk)));
}

#[test]
fn an_agent_who_calls_out_is_offered_nothing() {
    let mut world = World::with_agents(1);
    let (phone, _) = dialled(&mut world);
    world.customer_calls();
    assert!(world.ringing_legs().is_empty());
    world.hang_up(&phone, 16);
    assert_eq!(world.ringing_legs().len(), 1);
}

#[test]
fn a_blocked_caller_is_turned_away_and_the_journal_knows() {
    let mut world = World::with_agents(1);
    world.change_policy(|policy| {
        policy.marks.insert("+15550999".to_owned(), Mark::Blocked);
    });
    let caller = world.customer_calls();
    assert!(world.nothing_is_left() && world.ringing_legs().is_empty());
    assert!(world.requests.contains(&Request::Hangup { channel: caller, why: HangupWhy::Rejected }));
    assert_eq!(world.kinds(), ["call.started", "call.ended"]);
    let row = world.the_call();
    assert_eq!((row.direction, row.end_reason), (Direction::Inbound, Some(EndReason::Blocked)));
}

#[test]
fn a_vip_is_told_as_one_when_they_are_queued() {
    let mut world = World::with_agents(1);
    world.change_policy(|policy| {
        policy.marks.insert("+15550999".to_owned(), Mark::Vip);
    });
    world.customer_calls();
    let queued = world.database.happenings.iter().find(|happening| happening.kind == "call.queued").expect("queued");
    assert_eq!(queued.data["vip"], true);
}

#[test]
fn an_emergency_call_goes_out_where_the_tenant_made_sure_of_it_whatever_else_is_set() {
    let mut world = World::with_agents(1);
    let phone = world.phone_dials(0, "112");
    assert_eq!(world.denied, [Rule::Emergency]);
    assert!(world.requests.contains(&Request::Hangup { channel: phone, why: HangupWhy::Rejected }));
    let tenant = world.tenant;
    world.change_directory(|directory| {
        directory.spent.insert(tenant);
        // An extension that somebody gave away by mistake.
        directory.queues.values_mut().find(|queue| queue.tenant == tenant).expect("a queue").extension =
            Some("112".to_owned());
    });
    world.change_policy(|policy| {
        let rules = policy.rules.as_mut().expect("rules");
        rules.emergency = true;
        rules.caps.concurrent = Some(0);
        rules.prefixes.push(PrefixRule { prefix: "1".to_owned(), allow: false, note: String::new() });
    });
    world.phone_dials(0, "112");
    assert_eq!(world.dialled_legs().len(), 1);
    assert_eq!(world.the_call().to_number, "112");
}

#[test]
fn a_call_out_survives_a_new_gateway() {
    let mut world = World::with_agents(1);
    let (phone, callee) = dialled(&mut world);
    world.gateway_is_killed();
    let away_since = world.now;
    world.connection_comes_back(away_since, "gateway_restart");
    world.gets_on(&callee, DialProgress::Answered);
    assert_eq!(world.the_call().state, CallState::Active);
    world.gateway_is_killed();
    world.connection_comes_back(away_since, "gateway_restart");
    assert_eq!(world.the_call().state, CallState::Active);
    assert_eq!(world.talking(), vec![[phone.clone(), callee].into()]);
    world.hang_up(&phone, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.the_call().end_reason, Some(EndReason::CompletedAgent));
}

#[test]
fn an_answer_that_nobody_saw_is_found() {
    let mut world = World::with_agents(1);
    let (_, callee) = dialled(&mut world);
    let from = world.now;
    world.connection_is_cut();
    world.gets_on(&callee, DialProgress::Answered);
    world.connection_comes_back(from, "connection_lost");
    assert_eq!(world.the_call().state, CallState::Active);
}
