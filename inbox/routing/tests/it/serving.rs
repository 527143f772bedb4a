//! Which work is served first, and by whom.

use std::collections::BTreeSet;

use trunkline_routing::{Input, Medium, PassWhy, Presence, Queue, RelaxStep, Strategy, WorkItem};

use crate::floor::{Floor, Lab, about_work, offers, queue};

fn by(strategy: Strategy) -> Queue<Lab> {
    Queue { strategy, ..queue() }
}

#[test]
fn oldest_of_the_highest_priority_is_first_over_all_queues_and_media() {
    let mut floor = Floor::new(queue());
    floor.does(Input::Queue { queue: 1, config: Queue { priority: 5, ..queue() } });
    let now = floor.now;
    let at = |ago| WorkItem::new(0, Medium::Call, now - ago);
    floor.enqueue(10, at(2_000));
    floor.enqueue(11, at(3_000));
    floor.enqueue(12, WorkItem { priority: 9, ..at(1) });
    floor.enqueue(13, WorkItem { queue: 1, ..at(0) });
    floor.enqueue(14, WorkItem { medium: Medium::Chat, ..at(9_000) });
    let mut order = offers(&floor.agent(1, &[0, 1], &[]));
    let mut served = 0;
    while let Some((work, agent)) = order.get(served).copied() {
        floor.accept(work, agent);
        order.extend(offers(&floor.released(work, agent)));
        served += 1;
    }
    assert_eq!(order, [(12, 1), (13, 1), (14, 1), (11, 1), (10, 1)]);
}

#[test]
fn older_work_is_passed_over_only_by_what_no_free_agent_may_take() {
    let mut floor = Floor::new(queue());
    floor.does(Input::Queue { queue: 1, config: queue() });
    let item = WorkItem::new(0, Medium::Call, floor.now - 500);
    floor.enqueue(10, WorkItem { required: [(7, 50)].into(), ..item.clone() });
    floor.enqueue(11, WorkItem { queue: 1, ..item });
    floor.call(12, 0);
    assert_eq!(offers(&floor.agent(1, &[0], &[(7, 49)])), [(12, 1)]);
    assert_eq!(offers(&floor.agent(2, &[0, 1], &[(7, 50)])), [(10, 2)]);
}

#[test]
fn longest_idle_is_asked_and_contact_by_contact_it_goes_round() {
    let mut floor = Floor::new(by(Strategy::LongestIdle));
    floor.agent(2, &[0], &[]);
    floor.agent(1, &[0], &[]);
    let mut asked = Vec::new();
    for work in 10..14 {
        let agent = offers(&floor.call(work, 0))[0].1;
        floor.accept(work, agent);
        floor.now += 1_000;
        floor.released(work, agent);
        asked.push(agent);
    }
    assert_eq!(asked, [1, 2, 1, 2]);
}

#[test]
fn longest_idle_gives_a_chat_to_who_has_least_in_hand() {
    let mut floor = Floor::new(by(Strategy::LongestIdle));
    floor.agent(1, &[0], &[]);
    floor.agent(2, &[0], &[]);
    let asked: Vec<u8> = (10..16).map(|work| offers(&floor.chat(work, 0))[0].1).collect();
    assert_eq!(asked, [1, 2, 1, 2, 1, 2]);
}

#[test]
fn round_robin_asks_whose_turn_is_longest_ago_however_long_they_talked() {
    let mut floor = Floor::new(by(Strategy::RoundRobin));
    for agent in 1..=3 {
        floor.agent(agent, &[0], &[]);
    }
    assert_eq!(offers(&floor.call(10, 0)), [(10, 1)]);
    floor.accept(10, 1);
    assert_eq!(offers(&floor.call(11, 0)), [(11, 2)]);
    floor.accept(11, 2);
    floor.released(11, 2);
    floor.now += 1_000;
    floor.released(10, 1);
    assert_eq!(offers(&floor.call(12, 0)), [(12, 3)]);
    assert_eq!(offers(&floor.call(13, 0)), [(13, 1)]);
}

#[test]
fn fewest_contacts_counts_from_the_new_day() {
    let mut floor = Floor::new(by(Strategy::FewestContacts));
    floor.agent(1, &[0], &[]);
    for work in 10..12 {
        floor.call(work, 0);
        floor.accept(work, 1);
        floor.released(work, 1);
    }
    floor.agent(2, &[0], &[]);
    for work in 12..14 {
        assert_eq!(offers(&floor.call(work, 0)), [(work, 2)]);
        floor.accept(work, 2);
        floor.now += 1_000;
        floor.released(work, 2);
    }
    assert_eq!(offers(&floor.call(14, 0)), [(14, 1)], "as many, but longer idle");
    floor.accept(14, 1);
    floor.now += 1_000;
    floor.released(14, 1);
    floor.does(Input::NewDay);
    assert_eq!(offers(&floor.call(15, 0)), [(15, 2)]);
}

#[test]
fn skill_best_asks_who_masters_most_of_what_is_wanted_also_after_it_was_relaxed() {
    let drop = RelaxStep { after_ms: 10_000, lower_by: 0, drop: BTreeSet::from([1]), raise_priority: 0 };
    let config = Queue { relax: vec![drop], required: [(1, 90)].into(), ..by(Strategy::SkillBest) };
    let mut floor = Floor::new(config);
    floor.agent(1, &[0], &[(1, 10)]);
    floor.agent(2, &[0], &[(1, 80)]);
    floor.agent(3, &[0], &[(2, 100)]);
    assert!(offers(&floor.call(10, 0)).is_empty());
    assert_eq!(about_work(&floor.wait(10_000)), ["10 relaxed to step 1", "10 offered to 2"]);
}

#[test]
fn required_levels_sink_step_by_step() {
    let step = |after_ms, lower_by| RelaxStep { after_ms, lower_by, drop: BTreeSet::new(), raise_priority: 0 };
    let mut floor = Floor::new(Queue { relax: vec![step(5_000, 20), step(9_000, 30)], ..queue() });
    floor.agent(1, &[0], &[(1, 50)]);
    floor.enqueue(10, WorkItem { required: [(1, 100)].into(), ..WorkItem::new(0, Medium::Call, floor.now) });
    assert_eq!(about_work(&floor.wait(8_999)), ["10 relaxed to step 1"]);
    assert_eq!(about_work(&floor.wait(1)), ["10 relaxed to step 2", "10 offered to 1"]);
}

#[test]
fn preferred_skills_are_held_out_for_and_then_forgotten() {
    let mut floor = Floor::new(Queue { prefer_ms: 4_000, ..queue() });
    floor.agent(1, &[0], &[]);
    floor.enqueue(10, WorkItem { preferred: [(3, 1)].into(), ..WorkItem::new(0, Medium::Call, floor.now) });
    floor.enqueue(11, WorkItem { preferred: [(3, 1)].into(), ..WorkItem::new(0, Medium::Call, floor.now) });
    floor.now += 1_000;
    assert_eq!(offers(&floor.agent(2, &[0], &[(3, 5)])), [(10, 2)], "who has it is asked at once");
    assert_eq!(offers(&floor.wait(3_000)), [(11, 1)]);
}

#[test]
fn a_step_can_raise_the_priority() {
    let raise = RelaxStep { after_ms: 5_000, lower_by: 0, drop: BTreeSet::new(), raise_priority: 9 };
    let mut floor = Floor::new(Queue { relax: vec![raise], ..queue() });
    floor.call(10, 0);
    floor.now += 1_000;
    floor.enqueue(11, WorkItem { priority: 5, ..WorkItem::new(0, Medium::Call, floor.now) });
    floor.wait(4_000);
    assert_eq!(floor.router.work(10).unwrap().priority, 9);
    assert_eq!(offers(&floor.agent(1, &[0], &[])), [(10, 1)]);
}

#[test]
fn work_waits_for_who_served_this_contact_last_while_they_are_there() {
    let mut floor = Floor::new(Queue { sticky_ms: 30_000, ..queue() });
    floor.agent(1, &[0], &[]);
    floor.agent(2, &[0], &[]);
    floor.call(9, 0);
    floor.accept(9, 1);
    let again = |now| WorkItem { last_agent: Some(1), ..WorkItem::new(0, Medium::Call, now) };
    assert!(offers(&floor.enqueue(10, again(floor.now))).is_empty(), "1 talks, 2 is not asked");
    assert!(offers(&floor.enqueue(11, again(floor.now))).is_empty());
    assert_eq!(offers(&floor.released(9, 1)), [(10, 1)]);
    assert_eq!(
        offers(&floor.wait(29_999)),
        [(10, 2), (11, 1)],
        "1 let the first pass, so 2 is asked; the second waits on"
    );
}

#[test]
fn patience_for_the_last_agent_ends_by_time_by_a_pass_and_by_their_leaving() {
    let mut floor = Floor::new(Queue { sticky_ms: 10_000, ..queue() });
    floor.agent(1, &[0], &[]);
    let again = |now| WorkItem { last_agent: Some(1), ..WorkItem::new(0, Medium::Call, now) };
    floor.call(9, 0);
    floor.accept(9, 1);
    floor.agent(2, &[0], &[]);
    floor.enqueue(10, again(floor.now));
    assert_eq!(offers(&floor.wait(10_000)), [(10, 2)]);
    floor.accept(10, 2);
    floor.released(10, 2);
    floor.enqueue(11, again(floor.now));
    assert_eq!(offers(&floor.presence(1, Presence::Offline)), [(11, 2)]);
    floor.accept(11, 2);
    floor.released(11, 2);
    floor.released(9, 1);
    floor.presence(1, Presence::Available);
    assert_eq!(offers(&floor.enqueue(12, again(floor.now))), [(12, 1)], "asked first though longest idle is 2");
    assert_eq!(offers(&floor.does(Input::Pass { work: 12, agent: 1, why: PassWhy::Refused })), [(12, 2)]);
}

#[test]
fn who_is_excluded_or_has_the_same_work_in_hand_is_not_asked() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.enqueue(10, WorkItem { except: [1].into(), ..WorkItem::new(0, Medium::Call, floor.now) });
    assert!(floor.router.work(10).unwrap().offered_to.is_empty());
    // A chat of the agent's own that they ask their colleagues to take over.
    floor.does(Input::Withdraw { work: 10 });
    floor.does(Input::Engaged { work: 11, agent: 1, medium: Medium::Chat, queue: None });
    assert!(offers(&floor.chat(11, 0)).is_empty());
    assert_eq!(offers(&floor.released(11, 1)), [(11, 1)], "not theirs any more, so theirs to be asked for");
}

#[test]
fn raised_by_hand_is_served_before_older_work() {
    let mut floor = Floor::new(queue());
    floor.call(10, 0);
    floor.call(11, 0);
    floor.does(Input::Prioritise { work: 11, priority: 1 });
    assert_eq!(floor.router.waiting_in(0).collect::<Vec<_>>(), [11, 10]);
    assert_eq!(floor.router.ahead_of(10), Some(1));
    assert_eq!(offers(&floor.agent(1, &[0], &[])), [(11, 1)]);
}
