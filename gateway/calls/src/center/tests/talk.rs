//! Hold, and a phone that takes its own call back.

use chrono::TimeDelta;
use trunkline_db::{AgentId, CallId};

use super::world::World;
use crate::center::{Answers, Input, Report, Request};
use crate::model::Server;
use crate::model::{CallRow, EndReason};

/// One customer and one agent who talk; the customer's channel and the agent's leg.
fn talking() -> (World, String, String) {
    let mut world = World::with_agents(1);
    let customer = world.customer_calls();
    let leg = world.ringing_legs().pop().expect("the phone rings");
    world.answer(&leg);
    (world, customer, leg)
}

impl World {
    fn call(&self) -> CallId {
        *self.database.calls.keys().next().expect("a call")
    }

    fn row(&self) -> &CallRow {
        &self.database.calls.values().next().expect("a call").1
    }

    fn asks_for_its_call(&mut self) -> Option<String> {
        let (tenant, call, by) = (self.tenant, self.call(), self.agents[0]);
        self.feed(Input::Reattach { tenant, call, by, username: Self::phone(0) });
        self.ringing_legs().pop()
    }

    fn holds(&mut self, leg: &str, held: bool) {
        self.feed(Input::Report(Server::default(), Report::Hold { channel: leg.to_owned(), held }));
    }

    fn kinds_since(&self, kind: &str) -> Vec<String> {
        self.kinds().iter().skip_while(|one| **one != kind).skip(1).map(|one| (*one).to_owned()).collect()
    }
}

#[test]
fn a_phone_takes_its_call_back_and_the_customer_notices_nothing() {
    let (mut world, customer, old) = talking();
    world.time_passes(TimeDelta::seconds(5));
    let new = world.asks_for_its_call().expect("the phone rings");
    assert!(
        world.requests.iter().any(|request| matches!(request, Request::Originate { answers: Answers::Reattached, .. }))
    );
    assert_eq!(world.talking(), vec![[customer.clone(), old.clone()].into()], "until then nothing changes");
    world.answer(&new);
    assert_eq!(world.talking(), vec![[customer.clone(), new.clone()].into()]);
    assert_eq!(world.kinds_since("recording.started"), ["call.reattached"]);
    world.time_passes(TimeDelta::seconds(5));
    world.hang_up(&new, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!((world.finished.len(), world.finished[0].reason), (1, EndReason::CompletedAgent));
    assert_eq!(world.finished[0].talk_ms, Some(10_000));
    assert!(world.database.legs.values().all(|leg| leg.ended_at.is_some()));
}

#[test]
fn a_phone_that_does_not_answer_leaves_all_as_it_was() {
    let (mut world, customer, old) = talking();
    world.asks_for_its_call().expect("the phone rings");
    world.time_passes(TimeDelta::seconds(11));
    assert_eq!(world.ringing_legs(), [] as [String; 0]);
    assert_eq!(world.talking(), vec![[customer.clone(), old].into()]);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn an_old_leg_that_ends_first_waits_for_the_new_one() {
    let (mut world, customer, old) = talking();
    let new = world.asks_for_its_call().expect("the phone rings");
    world.hang_up(&old, 16);
    assert!(world.finished.is_empty(), "the agent is coming back");
    world.answer(&new);
    assert_eq!(world.talking(), vec![[customer.clone(), new].into()]);

    let (mut world, _, old) = talking();
    world.asks_for_its_call().expect("the phone rings");
    world.hang_up(&old, 16);
    world.time_passes(TimeDelta::seconds(11));
    assert_eq!(world.finished[0].reason, EndReason::CompletedAgent, "nobody came back");
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn asked_twice_the_last_leg_rings() {
    let (mut world, customer, _) = talking();
    let first = world.asks_for_its_call().expect("the phone rings");
    let second = world.asks_for_its_call().expect("the phone rings");
    assert_ne!(first, second);
    assert_eq!(world.ringing_legs(), std::slice::from_ref(&second));
    world.answer(&second);
    assert_eq!(world.talking(), vec![[customer, second].into()]);
}

#[test]
fn nobody_takes_anothers_call() {
    let (mut world, _, _) = talking();
    let (tenant, call) = (world.tenant, world.call());
    world.feed(Input::Reattach { tenant, call, by: AgentId::new(), username: World::phone(0) });
    world.feed(Input::Reattach { tenant, call, by: world.agents[0], username: "demo-nobody".to_owned() });
    assert_eq!(world.ringing_legs(), [] as [String; 0]);
}

#[test]
fn a_gateway_that_dies_in_between_hangs_the_forgotten_leg_up() {
    let (mut world, customer, old) = talking();
    world.asks_for_its_call().expect("the phone rings");
    let from = world.now;
    world.gateway_is_killed();
    world.connection_comes_back(from, "gateway_restart");
    assert_eq!(world.ringing_legs(), [] as [String; 0]);
    assert_eq!(world.talking(), vec![[customer, old].into()]);
}

#[test]
fn hold_is_told_and_ends_with_the_call() {
    let (mut world, customer, leg) = talking();
    world.holds(&leg, true);
    assert_eq!(world.row().held_since, Some(world.now));
    world.holds(&leg, true);
    world.time_passes(TimeDelta::seconds(7));
    world.holds(&leg, false);
    assert_eq!(world.row().held_since, None);
    assert_eq!(world.kinds_since("recording.started"), ["call.held", "call.resumed"]);
    let resumed = world.database.happenings.iter().find(|happening| happening.kind == "call.resumed").expect("one");
    assert_eq!(resumed.data["held_ms"], 7_000);
    world.holds(&leg, true);
    world.holds(&customer, true);
    world.hang_up(&customer, 16);
    assert_eq!(world.row().held_since, None);
}

#[test]
fn a_call_that_is_taken_back_is_no_longer_held() {
    let (mut world, _, leg) = talking();
    world.holds(&leg, true);
    let new = world.asks_for_its_call().expect("the phone rings");
    world.answer(&new);
    assert_eq!(world.row().held_since, None);
    assert_eq!(world.kinds_since("call.held"), ["call.resumed", "call.reattached"]);
}
