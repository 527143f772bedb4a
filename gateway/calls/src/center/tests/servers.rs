//! Several Asterisk servers: one that fails leaves the others alone.

use chrono::TimeDelta;

use super::world::World;
use crate::center::{AsteriskSnapshot, Ending, Input, Report, Request};
use crate::model::{CallState, Server};

fn other() -> Server {
    Server::new("other")
}

/// The server, and the one at which the phone is, of every phone that was rung.
fn rung(world: &World) -> Vec<Server> {
    let at = world.requests.iter().filter_map(|request| match request {
        Request::Originate { at, .. } => Some(at.clone()),
        _ => None,
    });
    at.collect()
}

#[test]
fn what_another_server_says_of_a_channel_with_the_same_name_is_about_another_channel() {
    let mut world = World::with_agents(1);
    let customer = world.customer_calls();
    let leg = world.ringing_legs().remove(0);
    world.answer(&leg);
    let ending = Ending { cause: Some(16), sip_code: None };
    world.feed(Input::Report(other(), Report::Destroyed { channel: customer.clone(), ending }));
    world.feed(Input::Report(other(), Report::HangupRequested { channel: customer.clone(), ending }));
    world.feed(Input::Snapshot(AsteriskSnapshot { server: other(), ..AsteriskSnapshot::default() }));
    world.feed(Input::Gap { server: other(), from: world.now, reason: "connection_lost" });
    assert_eq!(world.talking().len(), 1);
    let (_, row) = world.database.calls.values().next().expect("a call");
    assert_eq!((row.state, row.gaps.len()), (CallState::Active, 0));
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn a_phone_at_another_server_rings_where_the_servers_are_linked() {
    for linked in [false, true] {
        let mut world = World::with_agents(1);
        if linked {
            world.center.link([Server::default(), other()]);
        }
        let username = World::phone(0);
        world.feed(Input::Report(Server::default(), Report::Endpoint { username: username.clone(), online: false }));
        world.feed(Input::Report(other(), Report::Endpoint { username, online: true }));
        world.customer_calls();
        assert_eq!(rung(&world), if linked { vec![other()] } else { Vec::new() });
    }
}

#[test]
fn what_waits_on_a_server_that_is_away_is_offered_to_nobody_and_keeps_its_place() {
    let mut world = World::with_agents(1);
    world.center.link([Server::default(), other()]);
    let username = World::phone(0);
    world.feed(Input::Report(other(), Report::Endpoint { username, online: true }));
    world.agent_chooses(0, crate::AgentState::Paused);
    let customer = world.customer_calls();
    world.connection_is_cut();
    let cut = world.now;
    world.feed(Input::Away(Server::default()));
    // Somebody could be rung, at the other server.
    world.agent_chooses(0, crate::AgentState::Available);
    world.time_passes(TimeDelta::minutes(2));
    assert_eq!(rung(&world), []);
    assert!(world.kinds().iter().all(|kind| *kind != "call.offered"), "{:?}", world.kinds());
    world.connection_comes_back(cut, "connection_lost");
    assert_eq!(rung(&world), [Server::default()]);
    world.hang_up(&customer, 16);
    assert!(world.nothing_is_left(), "{}", world.left_overs());
}

#[test]
fn phones_of_a_server_that_is_away_are_nobodys() {
    let mut world = World::with_agents(1);
    assert_eq!(world.center.reachable_agents().count(), 1);
    world.feed(Input::Away(Server::default()));
    assert_eq!(world.center.reachable_agents().count(), 0);
    let cut = world.now;
    world.connection_comes_back(cut, "connection_lost");
    assert_eq!(world.center.reachable_agents().count(), 1);
}
