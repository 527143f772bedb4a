//! Offers: how they begin and end.

use trunkline_routing::{AgentState, Input, Medium, Output, PassWhy, Pause, Presence, Queue, Strategy};

use crate::floor::{Floor, about_work, offers, queue};

#[test]
fn unanswered_offer_goes_to_the_next_and_who_let_it_pass_rests() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.agent(2, &[0], &[]);
    assert_eq!(offers(&floor.call(10, 0)), [(10, 1)]);
    let told = about_work(&floor.wait(20_000));
    assert_eq!(told, ["10 no longer offered to 1: NoAnswer", "10 unanswered", "10 offered to 2"]);
    let refused = floor.does(Input::Pass { work: 10, agent: 2, why: PassWhy::Refused });
    assert!(offers(&refused).is_empty(), "both rest");
    assert_eq!(offers(&floor.wait(3_000)), [(10, 1)], "and then the turn is the first one's");
}

#[test]
fn who_let_it_pass_is_asked_again_only_after_everybody_else() {
    let mut floor = Floor::new(Queue { strategy: Strategy::FewestContacts, pause_after_missed: None, ..queue() });
    floor.agent(1, &[0], &[]);
    floor.agent(2, &[0], &[]);
    // 3 has served most, so their turn would come last.
    floor.agent(3, &[0], &[]);
    floor.call(9, 0);
    floor.does(Input::Take { work: 9, agent: 3 });
    floor.released(9, 3);
    floor.call(10, 0);
    assert_eq!(offers(&floor.wait(59_999)), [(10, 2), (10, 3)]);
    assert_eq!(offers(&floor.wait(1)), [(10, 1)]);
}

#[test]
fn answer_is_the_first_ones_and_the_others_fall_silent() {
    let mut floor = Floor::new(Queue { strategy: Strategy::RingAll, ..queue() });
    for agent in 1..=3 {
        floor.agent(agent, &[0], &[]);
    }
    assert_eq!(offers(&floor.call(10, 0)), [(10, 1), (10, 2), (10, 3)]);
    assert!(floor.call(11, 0).is_empty(), "everybody is being rung");
    let told = about_work(&floor.accept(10, 2));
    let expected = [
        "10 no longer offered to 1: AnsweredElsewhere",
        "10 no longer offered to 3: AnsweredElsewhere",
        "10 assigned to 2",
        "11 offered to 1",
        "11 offered to 3",
    ];
    assert_eq!(told, expected);
    assert_eq!(about_work(&floor.accept(10, 3)), ["3 too late for 10"]);
}

#[test]
fn who_becomes_free_joins_a_ring_and_who_refused_does_not_before_the_next() {
    let mut floor = Floor::new(Queue { strategy: Strategy::RingAll, ..queue() });
    floor.agent(1, &[0], &[]);
    floor.agent(2, &[0], &[]);
    floor.call(9, 0);
    floor.accept(9, 2);
    assert_eq!(offers(&floor.call(10, 0)), [(10, 1)]);
    floor.wait(5_000);
    assert_eq!(offers(&floor.released(9, 2)), [(10, 2)]);
    floor.does(Input::Pass { work: 10, agent: 2, why: PassWhy::Refused });
    assert_eq!(offers(&floor.wait(14_999)), []);
    assert_eq!(offers(&floor.wait(1)), [(10, 2)], "1 did not answer: a new ring, of who has rested");
    assert_eq!(offers(&floor.wait(3_000)), [(10, 1)], "and then 1 joins");
}

#[test]
fn who_had_the_same_work_in_hand_joins_its_ring_when_they_have_not() {
    let mut floor = Floor::new(Queue { strategy: Strategy::RingAll, ..queue() });
    floor.agent(1, &[0], &[]);
    floor.agent(2, &[0], &[]);
    assert_eq!(offers(&floor.chat(10, 0)), [(10, 1), (10, 2)]);
    let own = Input::Engaged { work: 10, agent: 1, medium: Medium::Chat, queue: None };
    assert_eq!(offers(&floor.does(own)), []);
    assert_eq!(offers(&floor.released(10, 1)), [(10, 1)]);
}

#[test]
fn waiting_work_comes_before_joining_a_ring() {
    let mut floor = Floor::new(Queue { strategy: Strategy::RingAll, ..queue() });
    floor.does(Input::Queue { queue: 1, config: queue() });
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    floor.call(11, 1);
    assert_eq!(offers(&floor.agent(2, &[0, 1], &[])), [(11, 2)]);
}

#[test]
fn withdrawn_work_silences_the_phone_and_frees_the_agent_for_the_next() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    floor.call(11, 0);
    let told = about_work(&floor.does(Input::Withdraw { work: 10 }));
    assert_eq!(told, ["10 no longer offered to 1: Withdrawn", "11 offered to 1"]);
}

#[test]
fn agent_who_misses_too_many_in_a_row_is_paused_and_an_answer_clears_the_count() {
    let mut floor = Floor::new(Queue { pause_after_missed: Some(2), ..queue() });
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    floor.wait(23_000);
    floor.accept(10, 1);
    floor.released(10, 1);
    floor.call(11, 0);
    floor.wait(23_000);
    floor.does(Input::Pass { work: 11, agent: 1, why: PassWhy::Refused });
    assert_eq!(offers(&floor.wait(3_000)), [(11, 1)], "a refusal is no miss");
    let out = floor.does(Input::Pass { work: 11, agent: 1, why: PassWhy::Failed });
    let paused = AgentState::Paused(Pause::Missed);
    assert!(out.iter().any(|it| matches!(it, Output::Agent { agent: 1, state, .. } if *state == paused)));
    assert!(offers(&floor.wait(30_000)).is_empty());
    assert_eq!(offers(&floor.presence(1, Presence::Available)), [(11, 1)]);
}

#[test]
fn work_given_without_asking_is_assigned_at_once() {
    let mut floor = Floor::new(Queue { ring_ms: None, ..queue() });
    floor.agent(1, &[0], &[]);
    for work in 10..14 {
        assert_eq!(about_work(&floor.chat(work, 0)), [format!("{work} assigned to 1")]);
    }
    assert!(floor.chat(14, 0).is_empty(), "four chats are enough");
}

#[test]
fn work_taken_by_hand_goes_also_to_who_is_full() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.agent(2, &[0], &[]);
    floor.call(9, 0);
    floor.accept(9, 1);
    floor.call(10, 0);
    let told = about_work(&floor.does(Input::Take { work: 10, agent: 1 }));
    assert_eq!(told, ["10 no longer offered to 2: AnsweredElsewhere", "10 assigned to 1"]);
    assert_eq!(about_work(&floor.does(Input::Take { work: 10, agent: 2 })), ["2 too late for 10"]);
}

#[test]
fn answer_that_comes_before_the_time_out_was_acted_on_counts() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    floor.now += 25_000;
    assert_eq!(about_work(&floor.accept(10, 1)), ["10 assigned to 1"]);
}
