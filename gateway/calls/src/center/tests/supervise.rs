//! Supervisors: heard by the right ears only, wherever the call goes.

use chrono::TimeDelta;
use serde_json::json;
use trunkline_db::CallId;

use super::world::World;
use crate::CallCommandError;
use crate::center::{Answers, Ask, OnPhone, Request, SuperviseMode, TransferKind, TransferStep, TransferTo};
use crate::model::{AgentActivity, EndReason, Subject};

use SuperviseMode::{Barge, Listen, Whisper};

fn set(members: &[&String]) -> std::collections::BTreeSet<String> {
    members.iter().map(|member| (*member).clone()).collect()
}

/// A customer, the first agent who talks with them, and the last who supervises; of three.
struct Scene {
    world: World,
    call: CallId,
    customer: String,
    agent: String,
    supervisor: String,
}

const BOSS: usize = 2;

fn scene(mode: SuperviseMode) -> Scene {
    let mut world = World::with_agents(3);
    let customer = world.customer_calls();
    let agent = world.ringing_legs().pop().expect("rings");
    world.answer(&agent);
    let call = world.the_call().id;
    assert_eq!(world.supervises(BOSS, call, mode), Ok(()));
    let supervisor = world.ringing_legs().pop().expect("rings");
    world.answer(&supervisor);
    Scene { world, call, customer, agent, supervisor }
}

#[test]
fn who_listens_hears_both_and_is_heard_by_nobody() {
    let Scene { world, customer, agent, supervisor, .. } = scene(Listen);
    assert!(world.heard_by(&supervisor).is_empty());
    assert_eq!(world.heard_by(&customer), set(&[&agent, &supervisor]));
    assert_eq!(world.heard_by(&agent), set(&[&customer, &supervisor]));
    assert_eq!(world.activity(BOSS), None, "nothing changes for them: it is no call of theirs");
}

#[test]
fn a_whisper_is_heard_by_the_agent_alone() {
    let Scene { world, customer, agent, supervisor, .. } = scene(Whisper);
    assert_eq!(world.heard_by(&supervisor), set(&[&agent]));
    assert_eq!(world.heard_by(&customer), set(&[&agent, &supervisor]));
}

#[test]
fn who_barges_in_talks_with_all_of_them() {
    let Scene { mut world, call, customer, agent, supervisor } = scene(Barge);
    assert_eq!(world.heard_by(&supervisor), set(&[&agent, &customer]));
    assert_eq!(world.heard_by(&agent), set(&[&customer, &supervisor]));
    // The other modes at once, without a new ring.
    for (mode, heard) in
        [(Listen, set(&[])), (Whisper, set(&[&agent])), (Barge, set(&[&agent, &customer])), (Listen, set(&[]))]
    {
        assert_eq!(world.supervises(BOSS, call, mode), Ok(()));
        assert!(world.ringing_legs().is_empty());
        assert_eq!(world.heard_by(&supervisor), heard, "{mode:?}");
        assert!(world.heard_by(&customer).contains(&supervisor));
    }
    world.hang_up(&supervisor, 16);
    assert!(world.finished.is_empty(), "the call goes on");
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn a_supervisor_is_no_talker() {
    let Scene { mut world, agent, .. } = scene(Barge);
    world.hang_up(&agent, 16);
    assert_eq!(world.finished[0].reason, EndReason::CompletedAgent, "the last agent left");
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.notes_of("call.supervision_ended")[0]["why"], "call_ended");
    assert_eq!(world.activity(BOSS), None);
    assert_eq!(world.database.legs.len(), 2, "a supervisor's leg is none of the call's");
}

#[test]
fn the_supervisor_goes_where_the_call_goes() {
    let Scene { mut world, customer, supervisor, .. } = scene(Listen);
    world.hands_on(0, TransferKind::Blind, TransferTo::Agent(world.agents[1])).expect("handed on");
    assert!(world.heard_by(&customer).is_empty(), "nobody talks");
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    assert_eq!(world.heard_by(&customer), set(&[&second, &supervisor]));
    assert!(world.heard_by(&supervisor).is_empty());
    let told = world.notes_of("call.supervised");
    assert_eq!(told.len(), 2);
    assert_eq!(told[1]["supervised_agent_id"], json!(world.agents[1]));
    world.hang_up(&second, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn who_barges_follows_the_agent_into_a_consultation_and_back() {
    let Scene { mut world, call, customer, agent, supervisor } = scene(Barge);
    // The one who is asked is the third agent there is; the supervisor's own phone is taken.
    world.hands_on(0, TransferKind::Attended, TransferTo::Agent(world.agents[1])).expect("rings");
    assert_eq!(world.heard_by(&supervisor), set(&[&agent]));
    let second = world.leg_at(1).expect("rings");
    world.answer(&second);
    assert_eq!(world.heard_by(&supervisor), set(&[&agent, &second]));
    world.step(0, TransferStep::Swap).expect("with the customer");
    assert_eq!(world.heard_by(&supervisor), set(&[&agent, &customer]));
    world.step(0, TransferStep::Complete).expect("done");
    assert_eq!(world.heard_by(&supervisor), set(&[&second, &customer]));
    assert_eq!(world.asks(BOSS, Some(call), Ask::EndSupervision), Ok(()));
    assert!(!world.parties().contains(&supervisor));
    assert_eq!(world.asks(BOSS, Some(call), Ask::EndSupervision), Err(CallCommandError::NotNow));
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn a_phone_that_takes_its_call_back_takes_the_supervisor_along() {
    let Scene { mut world, call, customer, supervisor, .. } = scene(Whisper);
    let (tenant, by) = (world.tenant, world.agents[0]);
    world.feed(crate::center::Input::Reattach { tenant, call, by, username: World::phone(0) });
    let new = world.ringing_legs().pop().expect("rings");
    world.answer(&new);
    assert_eq!(world.heard_by(&supervisor), set(&[&new]));
    assert_eq!(world.heard_by(&customer), set(&[&new, &supervisor]));
    assert_eq!(world.notes_of("call.supervised").len(), 1, "it is the same agent");
}

#[test]
fn who_holds_is_heard_by_the_supervisor_alone() {
    let Scene { mut world, customer, agent, supervisor, .. } = scene(Barge);
    world.asks(0, None, Ask::Hold).expect("held");
    assert_eq!(world.heard_by(&supervisor), set(&[&agent]), "the customer hears music");
    assert_eq!(world.heard_by(&agent), set(&[&supervisor]));
    assert!(world.hears_music(&customer));
    world.asks(0, None, Ask::Resume).expect("back");
    assert_eq!(world.heard_by(&supervisor), set(&[&agent, &customer]));
}

#[test]
fn a_call_is_taken_over() {
    for mode in [Listen, Whisper, Barge] {
        let Scene { mut world, call, customer, agent, supervisor } = scene(mode);
        world.queue_works(|queue| queue.wrap_up_seconds = 10);
        assert_eq!(world.asks(BOSS, Some(call), Ask::TakeOver(OnPhone::Any)), Ok(()));
        assert!(!world.parties().contains(&agent));
        assert_eq!(world.heard_by(&supervisor), set(&[&customer]));
        assert_eq!(world.heard_by(&customer), set(&[&supervisor]));
        let transferred = world.notes_of("call.transferred");
        assert_eq!(
            (&transferred[0]["kind"], &transferred[0]["to"]["agent_id"]),
            (&"take_over".into(), &json!(world.agents[BOSS]))
        );
        assert_eq!(world.the_call().agent_id, Some(world.agents[BOSS]));
        assert_eq!(world.activity(0), Some(AgentActivity::WrapUp));
        assert_eq!(world.activity(BOSS), Some(AgentActivity::OnContact));
        assert_eq!(world.asks(BOSS, Some(call), Ask::TakeOver(OnPhone::Any)), Err(CallCommandError::NotNow));
        // From now on it is a call as any other.
        world.asks(BOSS, None, Ask::Hold).expect("held");
        assert!(world.hears_music(&customer));
        world.asks(BOSS, None, Ask::Resume).expect("back");
        world.hands_on(BOSS, TransferKind::Blind, TransferTo::Agent(world.agents[1])).expect("handed on");
        let second = world.leg_at(1).expect("rings");
        world.answer(&second);
        world.hang_up(&second, 16);
        assert!(world.nothing_is_left(), "{}", world.left_overs());
        assert_eq!(world.database.recordings.len(), 1);
        assert!(world.database.legs.values().all(|leg| leg.ended_at.is_some()));
    }
}

#[test]
fn who_takes_over_without_listening_is_rung_first() {
    let mut world = World::with_agents(2);
    let customer = world.customer_calls();
    let agent = world.ringing_legs().pop().expect("rings");
    world.answer(&agent);
    let call = world.the_call().id;
    let phone = OnPhone::Rather(World::phone(1));
    assert_eq!(world.asks(1, Some(call), Ask::TakeOver(phone)), Ok(()));
    assert!(
        world.requests.iter().any(|request| matches!(request, Request::Originate { answers: Answers::ToDial, .. }))
    );
    assert_eq!(world.heard_by(&customer), set(&[&agent]), "until then nothing changes");
    let leg = world.ringing_legs().pop().expect("rings");
    world.answer(&leg);
    assert_eq!(world.rooms(), [set(&[&customer, &leg])]);
    assert!(world.notes_of("call.supervised").is_empty());
    // A gateway that dies finds a call as any other.
    let from = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(from, "gateway_restart");
    assert_eq!(world.rooms(), [set(&[&customer, &leg])]);
    world.hang_up(&leg, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.finished[0].reason, EndReason::CompletedAgent);
}

#[test]
fn nobody_is_let_in_who_cannot_be() {
    let mut world = World::with_agents(3);
    world.customer_calls();
    let call = world.the_call().id;
    let listen = |phone: OnPhone| Ask::Supervise(Listen, phone);
    assert_eq!(world.asks(BOSS, Some(call), listen(OnPhone::Any)), Err(CallCommandError::NotNow), "nobody talks");
    let agent = world.ringing_legs().pop().expect("rings");
    world.answer(&agent);
    assert_eq!(world.asks(0, Some(call), listen(OnPhone::Any)), Err(CallCommandError::NotNow), "one's own call");
    let away = OnPhone::This("demo-phone1".to_owned());
    assert_eq!(world.asks(BOSS, Some(call), listen(away)), Err(CallCommandError::PhoneAway), "somebody else's phone");
    assert_eq!(world.asks(BOSS, Some(CallId::new()), listen(OnPhone::Any)), Err(CallCommandError::NotFound));
    // Who has a call in hand listens to no other.
    world.customer_calls();
    let leg = world.leg_at(1).expect("rings");
    world.answer(&leg);
    assert_eq!(world.asks(1, Some(call), listen(OnPhone::Any)), Err(CallCommandError::TargetBusy));
    assert_eq!(world.asks(BOSS, Some(call), listen(OnPhone::Rather("demo-other".to_owned()))), Ok(()), "then any");
    world.time_passes(TimeDelta::seconds(30));
    assert_eq!(world.notes_of("call.supervision_ended")[0]["why"], "no_answer");
    assert!(world.ringing_legs().is_empty());
}

#[test]
fn the_agent_is_told_by_a_tone_unless_the_tenant_says_otherwise() {
    let Scene { mut world, agent, .. } = scene(Listen);
    let bell = world.requests.iter().find_map(|request| match request {
        Request::Spy { channel, snoop, hears: false, speaks: true } if *channel == agent => Some(snoop.clone()),
        _ => None,
    });
    let bell = bell.expect("a tone for the agent alone");
    assert!(world.requests.iter().any(|request| matches!(request, Request::Play { channel, .. } if *channel == bell)));
    world.speeches_end();
    assert!(!world.left_overs().contains("bell"), "{}", world.left_overs());
    let supervised = |world: &World| {
        let told = world.database.happenings.iter().rev().find(|happening| happening.kind == "call.supervised");
        told.map(|told| (told.agents.clone(), told.queue)).expect("told")
    };
    assert_eq!(supervised(&world), (vec![world.agents[BOSS], world.agents[0]], None));

    let mut world = World::with_agents(3);
    let tenant = world.tenant;
    world.change_directory(|directory| {
        directory.unannounced.insert(tenant);
    });
    let customer = world.customer_calls();
    let agent = world.ringing_legs().pop().expect("rings");
    world.answer(&agent);
    let call = world.the_call().id;
    world.supervises(BOSS, call, Whisper).expect("rings");
    let supervisor = world.ringing_legs().pop().expect("rings");
    world.answer(&supervisor);
    assert!(!world.requests.iter().any(|request| matches!(request, Request::Spy { hears: false, .. })));
    assert_eq!(supervised(&world), (vec![world.agents[BOSS]], None));
    world.hang_up(&customer, 16);
    let about = |kind: &str| world.database.happenings.iter().find(|it| it.kind == kind).expect("told").clone();
    let ended = about("call.supervision_ended");
    assert_eq!((ended.agents, ended.queue), (vec![world.agents[BOSS]], None));
    assert_eq!(ended.subject, Subject::Call(call));
    // And nothing else that happened to the call is told to the one who listened, as if it were their own.
    assert!(!about("call.ended").agents.contains(&world.agents[BOSS]));
}

#[test]
fn after_a_cut_the_supervisor_hears_again_and_after_a_death_nobody_listens() {
    let Scene { mut world, customer, agent, supervisor, .. } = scene(Whisper);
    let from = world.now;
    world.connection_is_cut();
    world.connection_comes_back(from, "connection_lost");
    assert_eq!(world.heard_by(&supervisor), set(&[&agent]));
    assert_eq!(world.heard_by(&customer), set(&[&agent, &supervisor]));

    let from = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(from, "gateway_restart");
    assert!(!world.parties().contains(&supervisor), "of whom nobody knows any more");
    assert_eq!(world.rooms(), [set(&[&customer, &agent])]);
    let call = world.the_call().id;
    assert_eq!(world.supervises(BOSS, call, Listen), Ok(()));
    let again = world.ringing_legs().pop().expect("rings");
    assert_ne!(again, supervisor, "a name is given once");
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}
