//! Callers in a flow: at a small Asterisk, with hang-ups, cuts and crashes at each step.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{OUTSIDE, World, says};
use crate::center::{HangupWhy, Request};
use crate::flow::walk::Media;
use crate::model::{CallState, EndReason, Way};

/// A flow through every kind of node.
fn front(queue: Uuid, agent: Uuid) -> Value {
    let text = |text: &str| json!([{ "text": text }]);
    json!({ "start": "hello", "nodes": [
        { "id": "hello", "do": { "type": "play", "say": text("hello"), "next": "notice" } },
        { "id": "notice", "do": { "type": "recording", "mode": "ask", "say": text("recorded?"), "accept": "1", "next": "menu" } },
        { "id": "menu", "do": { "type": "menu", "say": text("menu"), "keys": {
            "1": "queue", "2": "code", "3": "agent", "4": "outside", "5": "message", "6": "later", "9": "bye" },
            "timeout_seconds": 5, "tries": 2, "wrong": [{ "builtin": "pbx-invalid" }], "otherwise": "bye" } },
        { "id": "code", "do": { "type": "gather", "say": text("code"), "variable": "code", "min": 1, "max": 4, "terminator": "#",
            "timeout_seconds": 5, "tries": 1, "next": "ask", "otherwise": "bye" } },
        { "id": "ask", "do": { "type": "http", "method": "GET", "url": "https://a.test/{{code}}", "deadline_ms": 2000,
            "save": { "name": "/name" }, "next": "tell", "failed": "bye" } },
        { "id": "tell", "do": { "type": "play", "say": text("hello {{name}}"), "next": "queue" } },
        { "id": "queue", "do": { "type": "queue", "queue_id": queue, "priority": 7 } },
        { "id": "agent", "do": { "type": "dial", "to": { "agent_id": agent }, "ring_seconds": 10, "next": "menu" } },
        { "id": "outside", "do": { "type": "dial", "to": { "number": "+390644121234" }, "ring_seconds": 10, "next": "menu" } },
        { "id": "message", "do": { "type": "voicemail", "queue_id": queue, "say": text("leave a message"), "max_seconds": 30 } },
        { "id": "later", "do": { "type": "callback", "queue_id": queue, "say": text("call back?"), "next": "menu" } },
        { "id": "bye", "do": { "type": "hang_up", "say": [{ "builtin": "vm-goodbye" }], "reason": "completed" } },
    ] })
}

fn calling() -> (World, String) {
    let mut world = World::with_agents(2);
    let flow = front(world.queue_uuid(), world.agents[1].uuid());
    world.number_leads_to_flow(&flow);
    let customer = world.customer_calls();
    (world, customer)
}

/// In the menu, having agreed to be recorded.
fn in_menu() -> (World, String) {
    let (mut world, customer) = calling();
    world.speeches_end_once();
    world.presses(&customer, "1");
    (world, customer)
}

fn text(text: &str) -> Vec<Media> {
    vec![Media::Speech { text: text.to_owned(), language: "en".to_owned() }]
}

fn one_record(world: &World, reason: EndReason) {
    assert!(world.nothing_is_left(), "{}", world.left_overs());
    assert_eq!(world.database.calls.len(), 1);
    assert!(world.database.legs.values().all(|leg| leg.ended_at.is_some()));
    assert_eq!(world.notes_of("call.ended").len(), 1);
    assert_eq!((world.the_call().end_reason, world.the_call().way.clone()), (Some(reason), None));
}

#[test]
fn a_caller_goes_through_a_flow_to_an_agent() {
    let (mut world, customer) = in_menu();
    assert!(world.requests.contains(&Request::Answer { channel: customer.clone() }));
    assert_eq!(world.said_last(), text("menu"));
    assert!(world.ringing_legs().is_empty());
    world.presses(&customer, "1");
    assert_eq!(world.the_call().state, CallState::Ringing);
    assert_eq!((world.the_call().priority, world.the_call().may_record), (7, Some(true)));
    let leg = world.ringing_legs().remove(0);
    world.answer(&leg);
    assert_eq!(world.talking(), vec![[customer.clone(), leg].into()]);
    world.time_passes(TimeDelta::seconds(3));
    world.hang_up(&customer, 16);
    one_record(&world, EndReason::CompletedCustomer);
    assert_eq!(world.database.recordings.len(), 1);
    assert_eq!(world.decisions(), ["number", "started", "said", "agreed", "key", "queue"]);
    assert_eq!(
        world.kinds(),
        [
            "call.started",
            "call.queued",
            "call.offered",
            "call.answered",
            "recording.started",
            "call.ended",
            "recording.ready"
        ]
    );
}

#[test]
fn who_does_not_agree_is_not_recorded() {
    let (mut world, customer) = calling();
    world.speeches_end_once();
    world.presses(&customer, "21");
    let leg = world.ringing_legs().remove(0);
    world.answer(&leg);
    world.time_passes(TimeDelta::seconds(3));
    world.hang_up(&customer, 16);
    one_record(&world, EndReason::CompletedCustomer);
    assert!(world.database.recordings.is_empty());
}

#[test]
fn a_program_elsewhere_is_asked_with_music() {
    let (mut world, customer) = in_menu();
    world.presses(&customer, "242#");
    assert!(world.hears_music(&customer));
    let asked = world.program_answers(Ok(r#"{"name":"Ada"}"#));
    assert_eq!(asked.url, "https://a.test/42");
    assert!(!world.hears_music(&customer));
    assert_eq!(world.said_last(), text("hello Ada"));
    world.speeches_end_once();
    assert_eq!(world.the_call().state, CallState::Ringing);
}

#[test]
fn a_program_that_never_answers_is_not_waited_for() {
    let (mut world, customer) = in_menu();
    world.presses(&customer, "242#");
    world.time_passes(TimeDelta::seconds(3));
    assert!(says(world.requests.iter().rev().find(|it| matches!(it, Request::Play { .. })).unwrap(), "vm-goodbye"));
    world.speeches_end();
    one_record(&world, EndReason::CompletedCustomer);
    // An answer that comes afterwards is nobody's.
    world.program_answers(Ok("{}"));
}

#[test]
fn an_agent_who_does_not_answer_leaves_the_caller_in_the_flow() {
    let (mut world, customer) = in_menu();
    world.presses(&customer, "3");
    assert!(world.hears_ringing(&customer));
    let leg = world.leg_at(1).expect("rings");
    world.time_passes(TimeDelta::seconds(11));
    assert!(!world.hears_ringing(&customer));
    assert_eq!(world.said_last(), text("menu"));
    assert!(world.leg_at(1).is_none(), "{leg}");
    world.presses(&customer, "3");
    let leg = world.leg_at(1).expect("rings again");
    world.answer(&leg);
    assert_eq!(world.talking(), vec![[customer.clone(), leg].into()]);
    assert_eq!(world.the_call().agent_id, Some(world.agents[1]));
    world.hang_up(&customer, 16);
    one_record(&world, EndReason::CompletedCustomer);
}

#[test]
fn a_number_that_is_refused_leaves_the_caller_in_the_flow() {
    let (mut world, customer) = in_menu();
    world.presses(&customer, "4");
    let leg = world.dialled_legs().pop().expect("is dialled");
    world.hang_up(&leg, 17);
    assert_eq!(world.said_last(), text("menu"));
    assert!(!world.hears_ringing(&customer));
    world.presses(&customer, "4");
    let leg = world.dialled_legs().pop().expect("is dialled again");
    world.answer(&leg);
    world.time_passes(TimeDelta::seconds(3));
    world.hang_up(&leg, 16);
    one_record(&world, EndReason::Transferred);
    assert!(OUTSIDE.ends_with("44121234"));
}

#[test]
fn a_message_is_left() {
    let (mut world, customer) = in_menu();
    world.presses(&customer, "5");
    world.speeches_end_once();
    assert!(
        world
            .requests
            .iter()
            .any(|it| matches!(it, Request::TakeMessage { channel, max_seconds: 30, .. } if *channel == customer))
    );
    world.time_passes(TimeDelta::seconds(8));
    world.message_is_over();
    world.speeches_end();
    one_record(&world, EndReason::Voicemail);
    let left = world.database.voicemails.values().next().expect("a message");
    assert_eq!((left.length_ms, left.queue_id), (8_000, world.queue));
    assert_eq!(world.notes_of("voicemail.left").len(), 1);
}

#[test]
fn who_hangs_up_after_their_message_has_left_it_and_who_says_nothing_has_not() {
    for (spoke, reason, left) in [(3_000, EndReason::Voicemail, 1), (500, EndReason::AbandonedIvr, 0)] {
        let (mut world, customer) = in_menu();
        world.presses(&customer, "5");
        world.speeches_end_once();
        world.time_passes(TimeDelta::milliseconds(spoke));
        world.hang_up(&customer, 16);
        one_record(&world, reason);
        assert_eq!(world.database.voicemails.len(), left);
    }
}

#[test]
fn a_message_whose_end_is_never_told_ends() {
    let (mut world, customer) = in_menu();
    world.presses(&customer, "5");
    world.speeches_end_once();
    world.time_passes(TimeDelta::seconds(36));
    world.speeches_end();
    one_record(&world, EndReason::Voicemail);
    assert_eq!(world.database.voicemails.len(), 1);
}

#[test]
fn who_wants_to_be_called_back_is_kept() {
    let (mut world, customer) = in_menu();
    world.presses(&customer, "6");
    world.presses(&customer, "1");
    world.speeches_end();
    one_record(&world, EndReason::Callback);
    let wanted = world.database.callbacks.values().next().expect("a callback");
    assert_eq!(wanted.queue_id, world.queue);
    assert_eq!(world.notes_of("callback.requested").len(), 1);
}

#[test]
fn what_is_known_of_the_caller_is_waited_for_and_no_longer() {
    let flow = |queue: Uuid| {
        json!({ "start": "who", "nodes": [
            { "id": "who", "do": { "type": "branch", "cases": [
                { "variable": "caller.name", "is": "equals", "value": "Ada", "next": "queue" }], "otherwise": "bye" } },
            { "id": "queue", "do": { "type": "queue", "queue_id": queue } },
            { "id": "bye", "do": { "type": "hang_up", "reason": "rejected" } },
        ] })
    };
    let mut world = World::with_agents(1);
    let drawn = flow(world.queue_uuid());
    world.number_leads_to_flow(&drawn);
    let ada = BTreeMap::from([("caller.name".to_owned(), "Ada".to_owned())]);
    world.flows.callers.insert("+15550999".to_owned(), ada);
    world.customer_calls();
    assert_eq!(world.the_call().state, CallState::Ringing);

    let mut world = World::with_agents(1);
    let drawn = flow(world.queue_uuid());
    world.number_leads_to_flow(&drawn);
    world.customer_calls();
    assert_eq!(world.the_call().end_reason, None);
    world.time_passes(TimeDelta::milliseconds(400));
    one_record(&world, EndReason::Rejected);
    assert!(world.decisions().contains(&"caller_not_known_in_time".to_owned()));
}

/// What leads to each place of the flow: keys, and how the world goes on.
fn ways() -> Vec<(&'static str, &'static str)> {
    vec![
        ("", "hello"),
        (".", "notice"),
        (".1", "menu"),
        (".1.", "menu"),
        (".12", "code"),
        (".124", "code"),
        (".1242#", "ask"),
        (".13", "agent"),
        (".14", "outside"),
        (".15", "message"),
        (".15.", "message"),
        (".16", "later"),
        (".19", "bye"),
    ]
}

fn goes(world: &mut World, customer: &str, way: &str) {
    for step in way.chars() {
        if step == '.' {
            world.speeches_end_once();
        } else {
            world.presses(customer, &step.to_string());
        }
    }
}

#[test]
fn a_hang_up_at_each_node_leaves_nothing_behind() {
    for (way, at) in ways() {
        let (mut world, customer) = calling();
        goes(&mut world, &customer, way);
        world.hang_up(&customer, 16);
        world.speeches_end();
        let reason = world.the_call().end_reason.unwrap_or_else(|| panic!("at {at} it goes on"));
        assert!(matches!(reason, EndReason::AbandonedIvr | EndReason::NoAnswer), "at {at}: {reason:?}");
        one_record(&world, reason);
    }
}

#[test]
fn a_gateway_that_dies_at_each_node_goes_on_there() {
    for (way, at) in ways() {
        let (mut world, customer) = calling();
        goes(&mut world, &customer, way);
        let place = world.the_call().way.clone();
        let from = world.now;
        world.gateway_is_killed();
        world.time_passes(TimeDelta::seconds(2));
        world.connection_comes_back(from, "gateway_restart");
        match (&place, &world.the_call().way) {
            (Some(Way::Flow(before)), Some(Way::Flow(after))) => assert_eq!(before, after, "at {at}"),
            (Some(Way::Voicemail(_)), Some(Way::Voicemail(_))) => {}
            other => panic!("at {at}: {other:?}"),
        }
        // Whatever is said or rung ends some time, and so does the call.
        for _ in 0..60 {
            world.speeches_end();
            world.time_passes(TimeDelta::seconds(8));
        }
        assert!(world.the_call().end_reason.is_some(), "at {at} the caller hears silence for ever");
        assert!(world.nothing_is_left(), "at {at}: {}", world.left_overs());
    }
}

#[test]
fn a_flow_that_is_gone_apologises() {
    let mut world = World::with_agents(1);
    let flow = front(world.queue_uuid(), world.agents[0].uuid());
    let id = world.number_leads_to_flow(&flow);
    world.change_directory(|directory| {
        directory.flows.remove(&id);
    });
    world.customer_calls();
    assert!(world.requests.iter().any(|request| says(request, "im-sorry")));
    world.speeches_end();
    one_record(&world, EndReason::Failed);
    assert!(!world.requests.iter().any(|it| matches!(it, Request::Hangup { why: HangupWhy::Unallocated, .. })));
}

#[test]
fn who_left_a_message_and_went_while_the_gateway_was_away_has_left_it() {
    let (mut world, customer) = in_menu();
    world.presses(&customer, "5");
    world.speeches_end_once();
    world.time_passes(TimeDelta::seconds(3));
    world.gateway_is_killed();
    let from = world.now;
    world.hang_up(&customer, 16);
    world.connection_comes_back(from, "gateway_restart");
    one_record(&world, EndReason::Voicemail);
    assert_eq!(world.database.voicemails.len(), 1);
    assert!(world.the_call().estimated);
}
