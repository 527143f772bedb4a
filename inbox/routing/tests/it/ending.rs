//! Every wait ends: overflow, hours, nobody there, everybody silent, the longest wait.

use trunkline_routing::{Closed, Destination, Input, Medium, Overflow, Presence, Queue, TooLong, Unattended, WorkItem};

use crate::floor::{Floor, Lab, about_work, offers, queue};

fn with_other(first: Queue<Lab>, second: Queue<Lab>) -> Floor {
    let mut floor = Floor::new(first);
    floor.does(Input::Queue { queue: 1, config: second });
    floor
}

/// Nobody ever takes it, and it minds nothing but its longest wait.
fn patient() -> Queue<Lab> {
    let unattended = Unattended { grace_ms: 10_000_000, ..queue().unattended };
    Queue { unattended, ..queue() }
}

#[test]
fn nobody_there_is_announced_and_then_it_goes_elsewhere() {
    let unattended = Unattended { grace_ms: 30_000, rounds: 1, to: Destination::Queue(1) };
    let mut floor = with_other(Queue { unattended, ..queue() }, patient());
    assert_eq!(about_work(&floor.call(10, 0)), ["10 told Nobody"]);
    assert!(about_work(&floor.wait(29_999)).is_empty());
    assert_eq!(about_work(&floor.wait(1)), ["10 moved 0 to 1: Nobody", "10 told Nobody"]);
}

#[test]
fn last_agent_leaving_is_announced_to_all_and_one_who_comes_in_time_serves_them() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.call(9, 0);
    floor.accept(9, 1);
    floor.call(10, 0);
    floor.call(11, 0);
    floor.wait(50_000);
    assert_eq!(about_work(&floor.presence(1, Presence::Offline)), ["10 told Nobody", "11 told Nobody"]);
    floor.wait(59_000);
    assert_eq!(offers(&floor.agent(2, &[0], &[])), [(10, 2)]);
    floor.accept(10, 2);
    assert_eq!(about_work(&floor.wait(400_000)), Vec::<String>::new(), "somebody is there, if busy");
}

#[test]
fn who_does_not_hear_it_wait_stays_whatever_the_queue_has_decided_and_goes_first_in_the_morning() {
    let unattended = Unattended { grace_ms: 1_000, rounds: 1, to: Destination::Exit("nobody") };
    let overflow = Some(Overflow { after_ms: 2_000, to: Destination::Exit("overflow") });
    let closed = Some(Closed { to: Destination::Exit("closed"), keep_waiting: false });
    let mut floor = Floor::new(Queue { unattended, overflow, closed, max_wait_ms: 5_000, ..queue() });
    let item = WorkItem { patient: true, ..WorkItem::new(0, Medium::Call, floor.now) };
    assert!(about_work(&floor.enqueue(10, item)).is_empty());
    floor.does(Input::Hours { queue: 0, open: false });
    assert!(about_work(&floor.wait(40_000_000)).is_empty());
    assert!(offers(&floor.agent(1, &[0], &[])).is_empty(), "closed is closed, whoever is still there");
    assert_eq!(offers(&floor.does(Input::Hours { queue: 0, open: true })), [(10, 1)]);
}

#[test]
fn everybody_silent_is_announced_and_then_it_goes_elsewhere() {
    let unattended = Unattended { grace_ms: 30_000, rounds: 1, to: Destination::Exit("callback") };
    let mut floor = Floor::new(Queue { unattended, pause_after_missed: None, ..queue() });
    floor.agent(1, &[0], &[]);
    floor.agent(2, &[0], &[]);
    floor.call(10, 0);
    assert!(!about_work(&floor.wait(39_999)).contains(&"10 told Silent".to_owned()));
    assert!(about_work(&floor.wait(1)).contains(&"10 told Silent".to_owned()));
    assert_eq!(about_work(&floor.wait(30_000)).last().unwrap(), "10 offered to 2", "it rings, so the limit waits");
    assert_eq!(about_work(&floor.wait(13_000)).last().unwrap(), "10 leaves to callback: Silent");
}

#[test]
fn paused_all_for_what_they_missed_is_nobody_there() {
    let mut floor = Floor::new(Queue { pause_after_missed: Some(1), ..queue() });
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    let told = about_work(&floor.wait(20_000));
    assert_eq!(told, ["10 no longer offered to 1: NoAnswer", "10 unanswered", "10 told Nobody"]);
    assert_eq!(about_work(&floor.wait(60_000)), ["10 leaves to voicemail: Nobody"]);
}

#[test]
fn long_wait_overflows_with_its_place_and_at_last_leaves() {
    let overflow = Some(Overflow { after_ms: 20_000, to: Destination::Queue(1) });
    let mut floor = with_other(Queue { overflow, ..patient() }, patient());
    floor.call(10, 0);
    floor.wait(10_000);
    floor.call(11, 1);
    assert_eq!(about_work(&floor.wait(10_000)), ["10 moved 0 to 1: Waited", "10 told Nobody"]);
    assert_eq!(floor.router.waiting_in(1).collect::<Vec<_>>(), [10, 11]);
    assert_eq!(about_work(&floor.wait(580_000)), ["10 leaves to voicemail: MaxWait"], "ten minutes in all");
}

#[test]
fn long_queue_turns_new_work_away_but_not_what_was_there_before_a_restart() {
    let too_long = Some(TooLong { at: 2, to: Destination::Exit("busy") });
    let mut floor = Floor::new(Queue { too_long, ..patient() });
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    floor.call(11, 0);
    assert_eq!(about_work(&floor.call(12, 0)), ["12 leaves to busy: TooLong"]);
    let inputs = floor.router.snapshot();
    let mut again = Floor::new(queue());
    let out = again.router.handle_all(again.now, inputs);
    assert_eq!(about_work(&out), ["10 offered to 1"]);
    assert_eq!(again.router.waiting(), 2);
}

#[test]
fn closed_queue_turns_away_and_keeps_or_sends_on_what_waits() {
    for keep_waiting in [true, false] {
        let closed = Some(Closed { to: Destination::Exit("night"), keep_waiting });
        let mut floor = Floor::new(Queue { closed, ..patient() });
        floor.agent(1, &[0], &[]);
        floor.call(10, 0);
        floor.call(11, 0);
        let told = about_work(&floor.does(Input::Hours { queue: 0, open: false }));
        assert_eq!(told.as_slice(), if keep_waiting { &[][..] } else { &["11 leaves to night: Closed"][..] });
        assert_eq!(about_work(&floor.call(12, 0)), ["12 leaves to night: Closed"]);
        assert_eq!(about_work(&floor.accept(10, 1)), ["10 assigned to 1"], "what rings rings on");
        floor.does(Input::Hours { queue: 0, open: true });
        assert!(about_work(&floor.call(13, 0)).is_empty());
    }
}

#[test]
fn overflow_in_a_circle_ends_at_the_last_resort() {
    let to = |queue| Some(Closed { to: Destination::Queue(queue), keep_waiting: false });
    let mut floor = with_other(Queue { closed: to(1), ..queue() }, Queue { closed: to(0), ..queue() });
    for queue in [0, 1] {
        floor.does(Input::Hours { queue, open: false });
    }
    assert_eq!(about_work(&floor.call(10, 0)), ["10 moved 0 to 1: Closed", "10 leaves to voicemail: DeadEnd"]);
}

#[test]
fn overflow_to_a_queue_that_is_no_more_ends_at_the_last_resort() {
    let overflow = Some(Overflow { after_ms: 5_000, to: Destination::Queue(7) });
    let mut floor = Floor::new(Queue { overflow, ..patient() });
    floor.call(10, 0);
    assert_eq!(about_work(&floor.wait(5_000)), ["10 leaves to voicemail: DeadEnd"]);
}

#[test]
fn removed_queue_lets_its_work_go_and_an_unknown_one_takes_none() {
    let mut floor = Floor::new(queue());
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    let told = about_work(&floor.does(Input::QueueRemoved { queue: 0 }));
    assert_eq!(told, ["10 no longer offered to 1: Withdrawn", "10 leaves to voicemail: QueueRemoved"]);
    assert_eq!(about_work(&floor.call(11, 0)), ["11 found no queue 0"]);
}

#[test]
fn limit_that_falls_due_while_it_rings_waits_for_the_answer() {
    let mut floor = Floor::new(Queue { max_wait_ms: 30_000, ..queue() });
    floor.call(10, 0);
    floor.wait(20_000);
    floor.agent(1, &[0], &[]);
    assert!(about_work(&floor.wait(15_000)).is_empty());
    assert_eq!(about_work(&floor.accept(10, 1)), ["10 assigned to 1"]);
}

#[test]
fn work_moved_by_hand_keeps_its_place_and_may_come_back() {
    let mut floor = with_other(patient(), patient());
    floor.agent(1, &[0], &[]);
    floor.call(10, 0);
    let told = about_work(&floor.does(Input::Move { work: 10, to: 1 }));
    assert_eq!(told, ["10 no longer offered to 1: Moved", "10 moved 0 to 1: ByHand", "10 told Nobody"]);
    let told = about_work(&floor.does(Input::Move { work: 10, to: 0 }));
    assert_eq!(told, ["10 moved 1 to 0: ByHand", "10 offered to 1"]);
}

#[test]
fn a_clock_that_jumps_forward_ends_waits_and_one_that_jumps_back_stands_still() {
    let mut floor = Floor::new(patient());
    floor.call(10, 0);
    floor.now -= 500_000;
    floor.call(11, 0);
    let since = floor.router.work(10).unwrap().since;
    assert!(floor.router.work(11).unwrap().since <= since);
    assert!(floor.does(Input::Tick).is_empty());
    floor.now += 86_400_000 * 365;
    assert_eq!(floor.does(Input::Tick).len(), 2);
    assert_eq!(floor.router.waiting(), 0);
    floor.enqueue(12, WorkItem::new(0, Medium::Call, u64::MAX));
    assert_eq!(floor.router.work(12).unwrap().since, floor.now, "nothing waits since tomorrow");
}
