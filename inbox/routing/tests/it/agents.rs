//! The states of agents, and how much fits into their hands.

use trunkline_routing::{
    AgentHistory, AgentProfile, AgentState, By, Capacity, Input, Medium, Output, Pause, Presence, Queue,
};

use crate::floor::{Floor, Lab, Out, about_work, offers, queue};

fn states(out: &[Out]) -> Vec<(u8, AgentState<Lab>, Option<By>)> {
    out.iter()
        .filter_map(|output| match output {
            Output::Agent { agent, state, by } => Some((*agent, *state, *by)),
            _ => None,
        })
        .collect()
}

fn with_capacity(floor: &mut Floor, capacity: Capacity) {
    floor.agent(1, &[0], &[]);
    let profile = AgentProfile { queues: [0].into(), skills: [].into(), capacity };
    floor.does(Input::Agent { agent: 1, profile, history: AgentHistory::default() });
}

#[test]
fn call_blocks_chats_and_chats_do_not_block_a_call() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    assert_eq!(offers(&floor.chat(10, 0)), [(10, 1)]);
    floor.accept(10, 1);
    assert_eq!(offers(&floor.call(11, 0)), [(11, 1)]);
    assert!(offers(&floor.chat(12, 0)).is_empty());
    floor.accept(11, 1);
    assert_eq!(offers(&floor.released(11, 1)), [(12, 1)]);
}

#[test]
fn chats_block_a_call_when_so_configured_and_media_can_be_apart() {
    let mut floor = Floor::new(queue());
    with_capacity(&mut floor, Capacity { chats_block_calls: true, ..Capacity::default() });
    floor.chat(10, 0);
    floor.accept(10, 1);
    assert!(offers(&floor.call(11, 0)).is_empty());
    let mut floor = Floor::new(queue());
    with_capacity(&mut floor, Capacity { calls: 2, call_blocks_chats: false, ..Capacity::default() });
    for work in 10..12 {
        assert_eq!(offers(&floor.call(work, 0)), [(work, 1)]);
    }
    assert!(offers(&floor.call(12, 0)).is_empty());
    assert_eq!(offers(&floor.chat(13, 0)), [(13, 1)]);
}

#[test]
fn chats_in_hand_are_not_seen_and_a_call_beside_them_is() {
    let mut floor = Floor::new(Queue { ring_ms: None, ..queue() });
    with_capacity(&mut floor, Capacity { call_blocks_chats: false, ..Capacity::default() });
    assert!(states(&floor.chat(10, 0)).is_empty(), "given, and still available for calls");
    assert_eq!(floor.router.agent(1).unwrap().occupied, [0, 1]);
    assert_eq!(states(&floor.call(11, 0)), [(1, AgentState::OnContact, None)]);
    floor.chat(12, 0);
    assert_eq!(floor.router.agent(1).unwrap().occupied, [1, 2], "side by side");
    assert_eq!(states(&floor.released(11, 1)), [(1, AgentState::Available, None)]);
    assert_eq!(states(&floor.presence(1, Presence::Paused(Pause::Chosen(1)))).len(), 1, "chats hide no pause");
}

#[test]
fn no_chat_is_offered_while_a_call_is_wrapped_up() {
    let mut floor = Floor::new(Queue { wrap_up_ms: 8_000, ..queue() });
    with_capacity(&mut floor, Capacity { call_blocks_chats: false, ..Capacity::default() });
    floor.call(10, 0);
    floor.accept(10, 1);
    floor.released(10, 1);
    assert!(offers(&floor.chat(11, 0)).is_empty());
    assert_eq!(offers(&floor.wait(8_000)), [(11, 1)]);
}

#[test]
fn what_is_given_without_asking_does_not_show_that_anybody_is_there() {
    let mut floor = Floor::new(Queue { pause_after_missed: Some(2), ..queue() });
    floor.does(Input::Queue { queue: 1, config: Queue { ring_ms: None, ..queue() } });
    floor.agent(1, &[0, 1], &[]);
    let capacity = Capacity { call_blocks_chats: false, ..Capacity::default() };
    let profile = AgentProfile { queues: [0, 1].into(), skills: [].into(), capacity };
    floor.does(Input::Agent { agent: 1, profile, history: AgentHistory::default() });
    floor.call(10, 0);
    floor.wait(20_000);
    floor.chat(11, 1);
    floor.wait(3_000);
    assert_eq!(floor.router.agent(1).unwrap().in_hand.len(), 2, "the chat, and the call that rings again");
    floor.wait(20_000);
    assert_eq!(floor.router.agent(1).unwrap().state, AgentState::Paused(Pause::Missed));
}

#[test]
fn a_call_of_their_own_occupies_an_agent() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    let out = floor.does(Input::Engaged { work: 9, agent: 1, medium: Medium::Call, queue: None });
    assert_eq!(states(&out), [(1, AgentState::OnContact, None)]);
    assert!(offers(&floor.call(10, 0)).is_empty());
    assert_eq!(offers(&floor.released(9, 1)), [(10, 1)]);
}

#[test]
fn wrap_up_ends_by_its_timer() {
    let mut floor = Floor::new(Queue { wrap_up_ms: 8_000, ..queue() });
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    floor.accept(10, 1);
    floor.call(11, 0);
    assert_eq!(states(&floor.released(10, 1)), [(1, AgentState::WrapUp, None)]);
    assert!(offers(&floor.wait(7_999)).is_empty());
    assert_eq!(offers(&floor.wait(1)), [(11, 1)]);
}

#[test]
fn wrap_up_waits_for_a_required_disposition_however_long() {
    let mut floor = Floor::new(Queue { wrap_up_ms: 8_000, disposition_required: true, ..queue() });
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    floor.accept(10, 1);
    floor.released(10, 1);
    floor.wait(20_000);
    floor.does(Input::Ready { agent: 1 });
    assert_eq!(floor.router.agent(1).unwrap().state, AgentState::WrapUp);
    let out = floor.does(Input::Disposed { work: 10, agent: 1 });
    assert_eq!(states(&out), [(1, AgentState::Available, None)]);
    // Given during the contact it is there already; and a manager needs none.
    floor.call(11, 0);
    floor.accept(11, 1);
    floor.does(Input::Disposed { work: 11, agent: 1 });
    floor.released(11, 1);
    assert_eq!(states(&floor.does(Input::Ready { agent: 1 })), [(1, AgentState::Available, None)]);
    floor.call(12, 0);
    floor.accept(12, 1);
    floor.released(12, 1);
    let out = floor.does(Input::Presence { agent: 1, presence: Presence::Available, by: By::Manager });
    assert_eq!(states(&out), [(1, AgentState::Available, Some(By::Manager))]);
}

#[test]
fn pause_during_a_contact_begins_after_it() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    floor.accept(10, 1);
    assert!(states(&floor.presence(1, Presence::Paused(Pause::Chosen(4)))).is_empty());
    floor.call(11, 0);
    let out = floor.released(10, 1);
    assert_eq!(states(&out), [(1, AgentState::Paused(Pause::Chosen(4)), None)]);
    assert!(offers(&out).is_empty());
}

#[test]
fn pause_takes_back_what_rings_and_nobody_is_blamed() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.agent(2, &[0], &[]);
    floor.call(10, 0);
    let told = about_work(&floor.presence(1, Presence::Paused(Pause::Chosen(1))));
    assert_eq!(told, ["10 no longer offered to 1: AgentGone", "10 unanswered", "10 offered to 2"]);
    assert!(floor.router.work(10).unwrap().passes.is_empty());
}

#[test]
fn agent_gone_for_twenty_seconds_is_unreachable_and_returns_by_itself() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    let reach = |medium, here| Input::Reach { agent: 1, medium, here };
    floor.does(reach(Medium::Chat, false));
    floor.does(reach(Medium::Call, false));
    assert!(offers(&floor.call(10, 0)).is_empty(), "no phone, no offer");
    assert!(states(&floor.wait(19_999)).is_empty());
    assert_eq!(states(&floor.wait(1)), [(1, AgentState::Unreachable, None)]);
    let out = floor.does(reach(Medium::Call, true));
    assert_eq!(states(&out), [(1, AgentState::Available, None)]);
    assert_eq!(offers(&out), [(10, 1)]);
}

#[test]
fn a_reloaded_page_changes_nothing_that_others_see() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    for medium in Medium::ALL {
        floor.does(Input::Reach { agent: 1, medium, here: false });
    }
    floor.wait(5_000);
    for medium in Medium::ALL {
        assert!(floor.does(Input::Reach { agent: 1, medium, here: true }).is_empty());
    }
    assert!(states(&floor.wait(60_000)).is_empty());
}

#[test]
fn without_a_phone_chats_are_offered_and_calls_are_not() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.does(Input::Reach { agent: 1, medium: Medium::Call, here: false });
    floor.wait(30_000);
    assert_eq!(floor.router.agent(1).unwrap().state, AgentState::Unreachable);
    assert!(offers(&floor.call(10, 0)).is_empty());
    assert_eq!(offers(&floor.chat(11, 0)), [(11, 1)]);
}

#[test]
fn removed_agent_leaves_nothing_ringing() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    let told = about_work(&floor.does(Input::AgentRemoved { agent: 1 }));
    assert_eq!(told, ["10 no longer offered to 1: AgentGone", "10 unanswered", "10 told Nobody"]);
}
