//! A session finds out whether events come.

use std::time::Duration;

use chrono::TimeDelta;

use super::harness::{Harness, names};
use crate::session::{Input, Role, SelfTest};
use crate::update::{Failure, Gap, Snapshot, State, Update};

const INTERVAL: Duration = Duration::from_secs(5);

impl Harness {
    fn tested(&mut self, outcome: SelfTest) {
        self.input(Input::SelfTest { application: "app".to_owned(), outcome });
    }

    fn heard(&mut self) {
        self.input(Input::Heard { application: "app" });
    }

    fn tests(&mut self) -> usize {
        self.take_actions().iter().filter(|action| *action == "test app").count()
    }

    /// Just live, its first test under way.
    fn testing() -> Self {
        let mut session = Self::live();
        session.pass(Duration::ZERO);
        assert_eq!(session.tests(), 1, "at once");
        session
    }
}

fn gap(told: &[Update]) -> Gap {
    told.iter().find_map(|update| if let Update::Gap(gap) = update { Some(*gap) } else { None }).expect("a gap")
}

#[test]
fn a_test_that_comes_back_is_followed_by_the_next_and_never_told() {
    let mut session = Harness::testing();
    for _ in 0..20 {
        session.tested(SelfTest::Sent);
        session.pass(Duration::from_millis(3));
        session.heard();
        assert_eq!(session.tests(), 0, "one at a time");
        session.input(Input::Traffic);
        session.pass(INTERVAL);
        assert_eq!(session.tests(), 1);
    }
    assert_eq!((names(&session.told()), session.counters().deaf), (vec![], 0));
}

#[test]
fn an_event_that_comes_before_the_answer_to_its_request_counts() {
    let mut session = Harness::testing();
    session.heard();
    session.tested(SelfTest::Sent);
    session.pass(Duration::from_millis(4_999));
    assert_eq!(session.tests(), 0);
    session.pass(Duration::from_millis(1));
    assert_eq!((session.tests(), session.counters().deaf), (1, 0));
}

#[test]
fn a_socket_on_which_no_event_comes_is_given_up_and_the_gap_begins_where_events_last_came() {
    let mut session = Harness::testing();
    let proven = session.now().wall;
    session.tested(SelfTest::Sent);
    session.heard();
    session.pass(INTERVAL);
    assert_eq!(session.tests(), 1);
    session.tested(SelfTest::Sent);
    // Answers to PINGs do come, and prove nothing.
    for _ in 0..4 {
        session.pass(Duration::from_secs(1));
        session.input(Input::Traffic);
    }
    assert_eq!(names(&session.told()), [] as [&str; 0]);
    session.pass(Duration::from_secs(1));
    let told = session.told();
    assert!(matches!(&told[0], Update::State(State::Backoff { failure: Failure::Deaf, .. })), "{told:?}");
    assert!(session.take_actions().contains(&"close".to_owned()));
    assert_eq!(session.counters().deaf, 1);

    session.pass_until_connect();
    session.input(Input::Connected);
    let opened = session.now().wall;
    session.answer(Snapshot::default());
    let told = session.told();
    assert_eq!(names(&told), ["connecting", "syncing", "gap", "snapshot", "live"]);
    assert_eq!(gap(&told), Gap { from: proven, to: opened });
}

#[test]
fn an_application_that_asterisk_does_not_know_is_deaf_at_once() {
    let mut session = Harness::testing();
    let opened = session.now().wall;
    session.pass(Duration::from_millis(2));
    session.tested(SelfTest::NoApplication);
    assert_eq!(names(&session.told()), ["backoff"]);
    session.pass_until_connect();
    session.input(Input::Connected);
    session.answer(Snapshot::default());
    assert_eq!(gap(&session.told()).from, opened, "since the socket was opened nothing is proven");
}

#[test]
fn a_test_that_could_not_be_sent_says_nothing() {
    let mut session = Harness::testing();
    for _ in 0..20 {
        session.tested(SelfTest::Failed);
        session.input(Input::Traffic);
        session.pass(INTERVAL);
        assert_eq!(session.tests(), 1);
    }
    // Nor does one whose request is not answered.
    session.pass_traffic(Duration::from_mins(1));
    assert_eq!((session.tests(), session.counters().deaf), (0, 0));
}

#[test]
fn what_belongs_to_an_earlier_socket_changes_nothing() {
    let mut session = Harness::testing();
    session.input(Input::Disconnected(Failure::Lost { reason: "cut".to_owned() }));
    session.tested(SelfTest::NoApplication);
    session.heard();
    session.pass_until_connect();
    session.input(Input::Connected);
    session.tested(SelfTest::NoApplication);
    session.heard();
    session.told();
    session.answer(Snapshot::default());
    assert_eq!(names(&session.told()), ["gap", "snapshot", "live"]);
    session.heard();
    session.pass(Duration::ZERO);
    assert_eq!((session.tests(), session.counters().deaf), (1, 0));
}

#[test]
fn an_asterisk_that_calls_us_is_not_tested() {
    let mut session = Harness::with(Role::Listening, |_| {});
    session.input(Input::Connected);
    session.answer(Snapshot::default());
    session.take_actions();
    session.pass_traffic(Duration::from_mins(1));
    assert_eq!(session.tests(), 0);
}

#[test]
fn a_lost_socket_is_not_followed_by_the_next_in_the_same_moment() {
    let mut session = Harness::live();
    for _ in 0..50 {
        session.pass_traffic(Duration::from_secs(5));
        session.told();
        session.input(Input::Disconnected(Failure::Lost { reason: "cut".to_owned() }));
        let lost = session.now().wall;
        session.pass_until_connect();
        assert!(session.now().wall - lost >= TimeDelta::milliseconds(100), "Asterisk needs time to clean up");
        session.input(Input::Connected);
        session.answer(Snapshot::default());
    }
}
