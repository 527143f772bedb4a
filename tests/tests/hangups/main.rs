//! Whoever hangs up at whatever step of a call: it ends once, with the right word, nothing of it stays in Asterisk, and everybody is free.
//!
//! One table for each flow; a test walks through it on a tenant of its own. All tests share one stack.

mod table;
mod walk;

use trunkline_tests::run;

use crate::table::{CALLED_OUT, CONSULTED, Case, HANDED_ON, OF_THREE, RELOADED, SUPERVISED, TALKING, WAITING};
use crate::walk::Walk;

/// Goes through a table with as many agents and supervisors; of them these let it ring.
fn walk(agents: usize, supervisors: usize, silent: &[usize], cases: &'static [Case]) {
    run(async { Walk::begin(agents, supervisors, silent).await?.through(cases).await });
}

#[test]
fn while_the_customer_waits() {
    walk(3, 0, &[1, 2], WAITING);
}

#[test]
fn while_they_talk() {
    walk(1, 0, &[], TALKING);
}

#[test]
fn while_somebody_listens_in_or_takes_over() {
    walk(1, 2, &[2], SUPERVISED);
}

#[test]
fn while_the_call_is_handed_on() {
    walk(4, 0, &[2, 3], HANDED_ON);
}

#[test]
fn while_somebody_is_asked_first() {
    walk(3, 0, &[2], CONSULTED);
}

#[test]
fn while_three_talk() {
    walk(3, 0, &[2], OF_THREE);
}

#[test]
fn while_a_page_is_loaded_anew() {
    run(async { Walk::with_browser().await?.through(RELOADED).await });
}

#[test]
fn while_an_agent_calls_out() {
    walk(2, 0, &[1], CALLED_OUT);
}
