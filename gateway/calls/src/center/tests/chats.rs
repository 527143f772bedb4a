//! Who writes shares the agents with who calls.

use chrono::TimeDelta;
use trunkline_db::QueueId;

use super::world::World;
use crate::AgentState;
use crate::center::{Input, Report};
use crate::model::{AgentActivity, Server};
use crate::queueing::{Destination, Overflow, TooLong};

#[test]
fn a_chat_is_given_at_once_to_who_has_least_and_nothing_rings() {
    let mut world = World::with_agents(2);
    let queue = world.queue;
    let chats: Vec<_> = (0..4).map(|_| world.somebody_writes(queue, 0)).collect();
    let given: Vec<_> = chats.iter().map(|chat| world.agent_of(*chat)).collect();
    assert_eq!(given, [Some(0), Some(1), Some(0), Some(1)]);
    assert!(world.ringing_legs().is_empty());
    assert_eq!(world.activity(0), None, "still available, as before");
}

#[test]
fn full_hands_are_given_nothing_and_what_is_over_makes_room() {
    let mut world = World::with_agents(1);
    let queue = world.queue;
    let chats: Vec<_> = (0..6).map(|_| world.somebody_writes(queue, 0)).collect();
    assert_eq!(chats.iter().filter(|chat| world.agent_of(**chat).is_some()).count(), 4);
    world.chat_is_over(chats[1]);
    assert_eq!((world.agent_of(chats[4]), world.agent_of(chats[5])), (Some(0), None), "the oldest first");
    let urgent = world.somebody_writes(queue, 4);
    world.chat_is_over(chats[2]);
    assert_eq!((world.agent_of(urgent), world.agent_of(chats[5])), (Some(0), None));
    let key = (world.tenant, world.agents[0]);
    world.change_directory(|directory| directory.agents.get_mut(&key).unwrap().chats = 5);
    assert_eq!(world.agent_of(chats[5]), Some(0), "more room was set up");
}

#[test]
fn what_is_taken_by_hand_counts() {
    let mut world = World::with_agents(1);
    let queue = world.queue;
    world.agent_chooses(0, AgentState::Paused);
    let own: Vec<_> = (0..4).map(|_| world.somebody_writes(queue, 0)).collect();
    assert!(own.iter().all(|chat| world.agent_of(*chat).is_none()), "not in a pause");
    for chat in &own {
        world.takes_chat(0, *chat);
    }
    world.agent_chooses(0, AgentState::Available);
    let other = world.somebody_writes(queue, 0);
    assert_eq!(world.agent_of(other), None);
    world.chat_is_over(own[0]);
    assert_eq!(world.agent_of(other), Some(0));
}

#[test]
fn who_has_chats_is_rung_for_a_call_and_who_talks_is_given_chats_but_not_in_wrap_up() {
    let mut world = World::with_agents(1);
    world.queue_works(|queue| queue.wrap_up_seconds = 20);
    let queue = world.queue;
    for _ in 0..2 {
        world.somebody_writes(queue, 0);
    }
    let customer = world.customer_calls();
    let legs = world.ringing_legs();
    world.answer(&legs[0]);
    assert_eq!(world.activity(0), Some(AgentActivity::OnContact));
    let beside = world.somebody_writes(queue, 0);
    assert_eq!(world.agent_of(beside), Some(0), "side by side");
    world.hang_up(&customer, 16);
    assert_eq!(world.activity(0), Some(AgentActivity::WrapUp));
    let later = world.somebody_writes(queue, 0);
    assert_eq!(world.agent_of(later), None);
    world.time_passes(TimeDelta::seconds(20));
    assert_eq!(world.agent_of(later), Some(0));
    assert_eq!(world.activity(0), Some(AgentActivity::Available), "chats are no contact that one is on");
}

#[test]
fn chats_need_no_phone_and_wait_for_the_morning() {
    let mut world = World::with_agents(1);
    let queue = world.queue;
    world.agent_chooses(0, AgentState::Offline);
    let chat = world.somebody_writes(queue, 0);
    world.time_passes(TimeDelta::hours(12));
    assert_eq!(world.agent_of(chat), None, "nothing ends its wait");
    let gone = Report::Endpoint { username: World::phone(0), online: false };
    world.feed(Input::Report(Server::default(), gone));
    world.agent_chooses(0, AgentState::Available);
    assert_eq!(world.agent_of(chat), Some(0));
    world.time_passes(TimeDelta::seconds(30));
    assert_eq!(world.activity(0), Some(AgentActivity::Unreachable), "for calls");
    let another = world.somebody_writes(queue, 0);
    assert_eq!(world.agent_of(another), Some(0));
}

#[test]
fn it_goes_to_who_served_them_last_and_not_back_to_who_gave_it_away() {
    let mut world = World::with_agents(2);
    let queue = world.queue;
    let last = world.agents[1];
    let chat = world.somebody_writes_again(queue, 0, Some(last));
    assert_eq!(world.agent_of(chat), Some(1));
    world.gives_back(chat);
    assert_eq!(world.agent_of(chat), Some(0));
    world.agent_chooses(1, AgentState::Offline);
    world.gives_back(chat);
    assert_eq!(world.agent_of(chat), None, "the only one there just gave it back");
    world.agent_chooses(1, AgentState::Available);
    assert_eq!(world.agent_of(chat), Some(1));
}

/// The first queue overflows to the second, and the second to the first.
fn two_queues_that_overflow(world: &mut World) -> QueueId {
    let (first, second) = (world.queue, world.second_queue());
    world.change_directory(|directory| {
        for (queue, to) in [(first, second), (second, first)] {
            let to = Destination::QueueId(to.uuid());
            let routing = &mut directory.queues.get_mut(&queue).unwrap().routing;
            routing.overflow = Some(Overflow { after_seconds: 30, to });
        }
        directory.queues.get_mut(&first).unwrap().members.clear();
    });
    second
}

#[test]
fn what_waits_too_long_goes_to_another_queue_and_stays_where_there_is_no_other() {
    let mut world = World::with_agents(1);
    let (first, second) = (world.queue, two_queues_that_overflow(&mut world));
    world.agent_chooses(0, AgentState::Paused);
    let chat = world.somebody_writes(first, 0);
    world.time_passes(TimeDelta::seconds(30));
    assert_eq!(world.chats.rows[&chat].queue, second);
    world.time_passes(TimeDelta::hours(1));
    assert_eq!(world.chats.rows[&chat].queue, second, "not back and forth");
    world.agent_chooses(0, AgentState::Available);
    assert_eq!(world.agent_of(chat), Some(0));
    world.queue_works(|queue| queue.too_long = Some(TooLong { at: 1, to: Destination::QueueId(second.uuid()) }));
    let direct = world.somebody_writes(second, 0);
    assert_eq!(world.agent_of(direct), Some(0));
    assert_eq!(world.chats.refused, 0);
}

#[test]
fn a_queue_that_is_removed_leaves_its_chats_to_who_looks() {
    let mut world = World::with_agents(1);
    let second = world.second_queue();
    world.agent_chooses(0, AgentState::Paused);
    let chat = world.somebody_writes(second, 0);
    world.change_directory(|directory| {
        directory.queues.remove(&second);
    });
    assert_eq!(world.chats.left, [chat]);
    world.agent_chooses(0, AgentState::Available);
    assert_eq!(world.agent_of(chat), None);
}

#[test]
fn a_gateway_that_comes_back_goes_on_with_what_the_records_say() {
    let mut world = World::with_agents(1);
    let queue = world.queue;
    let chats: Vec<_> = (0..6).map(|_| world.somebody_writes(queue, 0)).collect();
    world.gateway_is_killed();
    assert_eq!(chats.iter().filter(|chat| world.agent_of(**chat).is_some()).count(), 4, "nobody is given more");
    world.chat_is_over(chats[0]);
    assert_eq!(world.agent_of(chats[4]), Some(0));
}

#[test]
fn chats_of_a_queue_or_an_agent_that_comes_later_are_not_forgotten() {
    let mut world = World::with_agents(1);
    let later = QueueId::new();
    let early = world.somebody_writes(later, 0);
    assert_eq!(world.agent_of(early), None);
    let first = world.queue;
    world.change_directory(|directory| {
        let queue = directory.queues[&first].clone();
        directory.queues.insert(later, crate::directory::DirectoryQueue { id: later, extension: None, ..queue });
    });
    assert_eq!(world.agent_of(early), Some(0));
}
