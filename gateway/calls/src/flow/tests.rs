use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::model::{Flow, HangUpReason};
use super::simulate::{Ends, HttpAnswer, Keys, Script, simulate};
use super::walk::{Answer, Effect, End, Event, Media, Openness, Published, Waits, Walk, World};
use super::{Known, Severity, check};

const SALES: Uuid = Uuid::from_u128(1);
const OFFICE: Uuid = Uuid::from_u128(2);
const OTHER: Uuid = Uuid::from_u128(3);
const AGENT: Uuid = Uuid::from_u128(4);
const SOUND: Uuid = Uuid::from_u128(5);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn now() -> DateTime<Utc> {
    at("2026-11-30T10:00:00Z")
}

/// Open from nine to five, UTC.
struct Town(BTreeMap<Uuid, Arc<Published>>);

impl World for Town {
    fn openness(&self, schedule: Uuid, at: DateTime<Utc>) -> Option<Openness> {
        let hour = at.format("%H").to_string().parse::<u32>().unwrap();
        (schedule == OFFICE).then(|| Openness { open: (9..17).contains(&hour), why: "week", name: "Office".to_owned() })
    }

    fn flow(&self, id: Uuid) -> Option<Arc<Published>> {
        self.0.get(&id).cloned()
    }

    fn has_queue(&self, id: Uuid) -> bool {
        id == SALES
    }
}

impl Known for Town {
    fn queue(&self, id: Uuid) -> bool {
        id == SALES
    }
    fn agent(&self, id: Uuid) -> bool {
        id == AGENT
    }
    fn sound(&self, id: Uuid) -> bool {
        id == SOUND
    }
    fn schedule(&self, id: Uuid) -> bool {
        id == OFFICE
    }
    fn flow(&self, id: Uuid) -> bool {
        id == OTHER
    }
}

fn town() -> Town {
    Town(BTreeMap::new())
}

fn flow(start: &str, nodes: serde_json::Value) -> Flow {
    let mut drawn = json!({ "start": start, "language": "en" });
    drawn["nodes"] = nodes;
    serde_json::from_value(drawn).unwrap()
}

fn published(flow: Flow) -> Arc<Published> {
    Arc::new(Published { id: Uuid::from_u128(9), version: 1, name: "Front".to_owned(), flow })
}

fn front() -> Flow {
    flow(
        "hours",
        json!([
            { "id": "hours", "do": { "type": "hours", "schedule_id": OFFICE, "open": "hello", "closed": "closed" } },
            { "id": "hello", "do": { "type": "play", "say": [{ "text": "Hello" }], "next": "menu" } },
            { "id": "menu", "name": "Main menu", "do": {
                "type": "menu", "say": [{ "text": "Sales 1, order 2" }], "keys": { "1": "sales", "2": "order" },
                "timeout_seconds": 5, "tries": 2, "wrong": [{ "builtin": "pbx-invalid" }], "otherwise": "sales" } },
            { "id": "order", "do": {
                "type": "gather", "say": [{ "sound_id": SOUND }], "variable": "order", "min": 2, "max": 4, "terminator": "#",
                "timeout_seconds": 5, "tries": 2, "next": "ask", "otherwise": "bye" } },
            { "id": "ask", "do": {
                "type": "http", "method": "GET", "url": "https://shop.test/orders/{{order}}", "deadline_ms": 1000,
                "save": { "state": "/state" }, "next": "tell", "failed": "sales" } },
            { "id": "tell", "do": { "type": "play", "say": [{ "text": "It is {{state}}" }, { "digits": "{{order}}" }], "next": "bye" } },
            { "id": "sales", "do": { "type": "queue", "queue_id": SALES, "priority": 5 } },
            { "id": "closed", "do": { "type": "hang_up", "say": [{ "builtin": "vm-goodbye" }], "reason": "out_of_hours" } },
            { "id": "bye", "do": { "type": "hang_up", "say": [{ "builtin": "vm-goodbye" }] } },
        ]),
    )
}

fn words(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .map(|effect| match effect {
            Effect::Say(media) => format!("say {}", media.len()),
            Effect::Silence => "silence".to_owned(),
            Effect::Music(on) => format!("music {on}"),
            Effect::Fetch(fetch) => format!("fetch {}", fetch.url),
            Effect::Dial { .. } => "dial".to_owned(),
            Effect::Record(on) => format!("record {on}"),
            Effect::End(end) => format!("end {end:?}"),
        })
        .collect()
}

fn whats(walk: &mut Walk) -> Vec<String> {
    walk.take_steps().into_iter().map(|step| format!("{}:{}", step.node.unwrap_or_default(), step.what)).collect()
}

const IN_SALES: &str = "end Queue { queue: 00000000-0000-0000-0000-000000000001, priority: 5 }";

#[test]
fn a_caller_is_greeted_asked_and_led() {
    let world = town();
    let mut walk = Walk::new(published(front()), BTreeMap::new());
    assert_eq!(words(&walk.begin(now(), &world)), ["say 1"]);
    assert_eq!(words(&walk.handle(now(), Event::Said, &world)), ["say 1"]);
    assert!(walk.handle(now(), Event::Said, &world).is_empty());
    assert_eq!(walk.waits(), Some(("menu", Waits::Key)));
    assert_eq!(walk.deadline(), Some(now() + TimeDelta::seconds(5)));
    assert_eq!(words(&walk.handle(now(), Event::Key('1'), &world)), [IN_SALES]);
    assert_eq!(walk.waits(), None);
    assert_eq!(whats(&mut walk), [":started", "hours:open", "hello:said", "menu:key", "sales:queue"]);
}

#[test]
fn keys_come_before_during_and_after_what_is_said() {
    let world = town();
    // Before: while the greeting is said. It is cut short, and the question is answered without being asked.
    let mut walk = Walk::new(published(front()), BTreeMap::new());
    walk.begin(now(), &world);
    assert_eq!(words(&walk.handle(now(), Event::Key('1'), &world)), ["silence", IN_SALES]);
    // During: the question is cut short.
    let mut walk = Walk::new(published(front()), BTreeMap::new());
    walk.begin(now(), &world);
    walk.handle(now(), Event::Said, &world);
    assert_eq!(words(&walk.handle(now(), Event::Key('1'), &world)), ["silence", IN_SALES]);
    // A whole way typed ahead.
    let mut walk = Walk::new(published(front()), BTreeMap::new());
    walk.begin(now(), &world);
    walk.handle(now(), Event::Said, &world);
    assert_eq!(words(&walk.handle(now(), Event::Key('2'), &world)), ["silence", "say 1"]);
    for key in ['4', '2'] {
        walk.handle(now(), Event::Key(key), &world);
    }
    assert_eq!(
        words(&walk.handle(now(), Event::Key('#'), &world)),
        ["music true", "fetch https://shop.test/orders/42"]
    );
    let answer = Answer { status: 200, body: r#"{"state":"sent"}"#.to_owned() };
    assert_eq!(words(&walk.handle(now(), Event::Fetched(Ok(answer)), &world)), ["music false", "say 2"]);
    assert_eq!(walk.variable("state"), Some("sent"));
    assert_eq!(words(&walk.handle(now(), Event::Said, &world)), ["say 1"]);
    assert_eq!(words(&walk.handle(now(), Event::Said, &world)), ["end HangUp(Completed)"]);
}

#[test]
fn who_says_nothing_or_the_wrong_thing_is_asked_again_and_then_led_on() {
    let world = town();
    let mut walk = Walk::new(published(front()), BTreeMap::new());
    walk.begin(now(), &world);
    walk.handle(now(), Event::Said, &world);
    // Wrong during the question: a word of it, and the question again.
    assert_eq!(words(&walk.handle(now(), Event::Key('9'), &world)), ["silence", "say 2"]);
    walk.handle(now(), Event::Said, &world);
    let late = now() + TimeDelta::seconds(5);
    assert!(walk.handle(late - TimeDelta::milliseconds(1), Event::Tick, &world).is_empty());
    assert_eq!(words(&walk.handle(late, Event::Tick, &world)), [IN_SALES]);
    assert_eq!(
        whats(&mut walk),
        [":started", "hours:open", "hello:said", "menu:wrong_key", "menu:no_key", "menu:otherwise", "sales:queue"]
    );
}

#[test]
fn a_program_that_hangs_or_fails_costs_nobody_the_call() {
    let world = town();
    let script = |http: Vec<HttpAnswer>| Script {
        at: now(),
        variables: BTreeMap::new(),
        keys: vec![Keys { node: None, digits: "2".to_owned() }, Keys { node: None, digits: "42#".to_owned() }],
        http,
        picks_up: false,
    };
    let answer = |status, body: &str, fails| HttpAnswer {
        node: "ask".to_owned(),
        status,
        body: body.to_owned(),
        fails,
        values: None,
    };
    for bad in [answer(500, "{}", false), answer(200, "<html>", false), answer(200, "", true)] {
        let simulated = simulate(published(front()), script(vec![bad]), &world);
        assert_eq!(simulated.ends, Ends::Queue { queue_id: SALES, priority: 5 });
        assert!(simulated.path.iter().any(|step| step.what == "fetch_failed"));
    }
    let waiting = simulate(published(front()), script(Vec::new()), &world);
    assert_eq!(waiting.ends, Ends::Waiting { node: "ask".to_owned(), wants: "answer".to_owned() });

    let mut walk = Walk::new(published(front()), BTreeMap::new());
    walk.begin(now(), &world);
    for event in [Event::Said, Event::Key('2'), Event::Key('4'), Event::Key('2'), Event::Key('#')] {
        walk.handle(now(), event, &world);
    }
    assert_eq!(walk.waits(), Some(("ask", Waits::Answer)));
    let until = walk.deadline().unwrap();
    assert_eq!(words(&walk.handle(until, Event::Tick, &world)), ["music false", IN_SALES]);
}

#[test]
fn it_is_closed_at_night() {
    let script = Script {
        at: at("2026-11-30T20:00:00Z"),
        variables: BTreeMap::new(),
        keys: Vec::new(),
        http: Vec::new(),
        picks_up: false,
    };
    let simulated = simulate(published(front()), script, &town());
    assert_eq!(simulated.ends, Ends::HangUp { reason: HangUpReason::OutOfHours });
}

#[test]
fn a_flow_goes_on_where_it_was() {
    let world = town();
    let mut walk = Walk::new(published(front()), BTreeMap::new());
    walk.begin(now(), &world);
    walk.handle(now(), Event::Said, &world);
    walk.handle(now(), Event::Key('2'), &world);
    let place = walk.place();
    assert_eq!(place.node, "order");
    let mut again = Walk::new(published(front()), BTreeMap::new());
    assert_eq!(words(&again.resume(now(), place, &world)), ["say 1"]);
    assert_eq!(again.waits().map(|(node, _)| node), Some("order"));
}

#[test]
fn a_circle_ends_with_a_word_of_regret() {
    let round = flow(
        "a",
        json!([
            { "id": "a", "do": { "type": "set", "variable": "x", "value": "1", "next": "b" } },
            { "id": "b", "do": { "type": "play", "say": [{ "builtin": "beep" }], "next": "a" } },
        ]),
    );
    let codes: Vec<String> = check(&round, &town()).into_iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["endless", "endless"]);
    let script = Script { at: now(), variables: BTreeMap::new(), keys: Vec::new(), http: Vec::new(), picks_up: false };
    let simulated = simulate(published(round), script, &town());
    assert_eq!(simulated.ends, Ends::Broken);
    assert_eq!(simulated.path.last().map(|step| step.what.as_str()), Some("endless"));
}

#[test]
fn what_is_gone_is_told_and_the_caller_hears_it() {
    let gone = flow("q", json!([{ "id": "q", "do": { "type": "queue", "queue_id": OTHER } }]));
    assert_eq!(check(&gone, &town())[0].code, "no_queue");
    let mut walk = Walk::new(published(gone), BTreeMap::new());
    assert_eq!(walk.begin(now(), &town()), [Effect::End(End::Broken)]);
    // Opening hours that are gone count as open.
    let hours = flow(
        "h",
        json!([
            { "id": "h", "do": { "type": "hours", "schedule_id": OTHER, "open": "q", "closed": "no" } },
            { "id": "q", "do": { "type": "queue", "queue_id": SALES } },
            { "id": "no", "do": { "type": "hang_up" } },
        ]),
    );
    let mut walk = Walk::new(published(hours), BTreeMap::new());
    assert_eq!(walk.begin(now(), &town()), [Effect::End(End::Queue { queue: SALES, priority: 0 })]);
}

#[test]
fn recording_is_announced_asked_for_or_left_out() {
    let asks = |mode: &str| {
        flow(
            "r",
            json!([
                { "id": "r", "do": { "type": "recording", "mode": mode, "say": [{ "text": "Recorded" }], "accept": "1", "next": "q" } },
                { "id": "q", "do": { "type": "queue", "queue_id": SALES } },
            ]),
        )
    };
    let world = town();
    let mut walk = Walk::new(published(asks("ask")), BTreeMap::new());
    walk.begin(now(), &world);
    assert_eq!(words(&walk.handle(now(), Event::Key('1'), &world))[..2], ["silence", "record true"]);
    let mut walk = Walk::new(published(asks("ask")), BTreeMap::new());
    walk.begin(now(), &world);
    walk.handle(now(), Event::Said, &world);
    let until = walk.deadline().unwrap();
    assert_eq!(words(&walk.handle(until, Event::Tick, &world))[0], "record false");
    let mut walk = Walk::new(published(asks("never")), BTreeMap::new());
    assert_eq!(words(&walk.begin(now(), &world)), ["record false", "say 1"]);
    // What is announced is heard to its end.
    let mut walk = Walk::new(published(asks("announce")), BTreeMap::new());
    walk.begin(now(), &world);
    assert!(walk.handle(now(), Event::Key('1'), &world).is_empty());
}

#[test]
fn another_flow_goes_on_with_the_variables() {
    let second = published(flow(
        "s",
        json!([
            { "id": "s", "do": { "type": "branch", "cases": [
                { "variable": "caller.vip", "is": "equals", "value": "yes", "next": "q" }], "otherwise": "bye" } },
            { "id": "q", "do": { "type": "queue", "queue_id": SALES } },
            { "id": "bye", "do": { "type": "hang_up" } },
        ]),
    ));
    let world = Town(BTreeMap::from([(OTHER, second)]));
    let first = flow("f", json!([{ "id": "f", "do": { "type": "flow", "flow_id": OTHER } }]));
    for (vip, end) in [("yes", End::Queue { queue: SALES, priority: 0 }), ("", End::HangUp(HangUpReason::Completed))] {
        let variables = BTreeMap::from([("caller.vip".to_owned(), vip.to_owned())]);
        let mut walk = Walk::new(published(first.clone()), variables);
        assert_eq!(walk.begin(now(), &world), [Effect::End(end)]);
    }
    // Two flows that lead to each other end, too.
    let ring = Town(BTreeMap::from([(OTHER, published(first.clone()))]));
    let mut walk = Walk::new(published(first), BTreeMap::new());
    assert_eq!(walk.begin(now(), &ring), [Effect::End(End::Broken)]);
}

#[test]
fn each_fault_is_told() {
    let codes = |nodes: serde_json::Value| -> Vec<String> {
        check(&flow("a", nodes), &town())
            .into_iter()
            .filter(|fault| fault.severity == Severity::Error)
            .map(|fault| fault.code)
            .collect()
    };
    let bye = json!({ "id": "b", "do": { "type": "hang_up" } });
    assert_eq!(codes(json!([bye])), ["no_start"]);
    for (node, code) in [
        (json!({ "type": "play", "say": [], "next": "b" }), "bad_value"),
        (json!({ "type": "play", "say": [{ "text": "x" }], "next": "c" }), "unknown_node"),
        (json!({ "type": "play", "say": [{ "text": "x" }], "next": "" }), "no_next"),
        (json!({ "type": "play", "say": [{ "text": "{{Not ok}}" }], "next": "b" }), "bad_value"),
        (json!({ "type": "play", "say": [{ "sound_id": OTHER }], "next": "b" }), "no_sound"),
        (json!({ "type": "play", "say": [{ "builtin": "/etc/passwd" }], "next": "b" }), "bad_value"),
        (json!({ "type": "hours", "schedule_id": OTHER, "open": "b", "closed": "b" }), "no_schedule"),
        (json!({ "type": "dial", "to": { "agent_id": OTHER }, "ring_seconds": 20, "next": "b" }), "no_agent"),
        (json!({ "type": "dial", "to": { "number": "123" }, "ring_seconds": 20, "next": "b" }), "bad_value"),
        (json!({ "type": "flow", "flow_id": SALES }), "no_flow"),
        (json!({ "type": "voicemail", "queue_id": OTHER, "say": [{ "text": "x" }], "max_seconds": 60 }), "no_queue"),
        (json!({ "type": "language", "language": "!", "next": "b" }), "bad_value"),
        (
            json!({ "type": "http", "method": "GET", "url": "https://{{host}}/", "deadline_ms": 500, "next": "b", "failed": "b" }),
            "bad_url",
        ),
        (
            json!({ "type": "http", "method": "GET", "url": "file:///etc/passwd", "deadline_ms": 500, "next": "b", "failed": "b" }),
            "bad_url",
        ),
        (json!({ "type": "set", "variable": "call.id", "value": "x", "next": "b" }), "bad_value"),
    ] {
        assert_eq!(codes(json!([{ "id": "a", "do": node }, bye])), [code], "{node}");
    }
    let two = json!({ "id": "a", "do": { "type": "hang_up" } });
    assert_eq!(codes(json!([two, two])), ["duplicate_id"]);
    assert_eq!(check(&front(), &town()), []);
}

#[test]
fn languages_follow_the_caller() {
    let nodes = json!([
        { "id": "a", "do": { "type": "language", "language": "it", "next": "b" } },
        { "id": "b", "do": { "type": "play", "say": [{ "sound_id": SOUND }, { "text": "Ciao {{name}}" }], "next": "c" } },
        { "id": "c", "do": { "type": "hang_up" } },
    ]);
    let mut walk = Walk::new(published(flow("a", nodes)), BTreeMap::from([("name".to_owned(), "Ada".to_owned())]));
    let said = walk.begin(now(), &town());
    let sound = Media::Sound { id: SOUND, language: "it".to_owned() };
    let speech = Media::Speech { text: "Ciao Ada".to_owned(), language: "it".to_owned() };
    assert_eq!(said, [Effect::Say(vec![sound, speech])]);
}

fn any_action() -> impl Strategy<Value = serde_json::Value> {
    let node = || prop_oneof![4 => (0..6_u8).prop_map(|place| format!("n{place}")), 1 => Just(String::new())];
    let id = || prop_oneof![Just(SALES), Just(OFFICE), Just(OTHER), Just(AGENT), Just(SOUND)];
    let say = || {
        prop_oneof![
            Just(json!([])),
            Just(json!([{ "text": "Hello {{x}}" }])),
            Just(json!([{ "digits": "{{x}}" }, { "builtin": "beep" }])),
        ]
    };
    prop_oneof![
        (say(), node()).prop_map(|(say, next)| json!({ "type": "play", "say": say, "next": next })),
        (say(), node(), node(), 0..3_u32).prop_map(|(say, one, otherwise, tries)| json!({
            "type": "menu", "say": say, "keys": { "1": one }, "timeout_seconds": 3, "tries": tries, "otherwise": otherwise })),
        (say(), node(), node(), 0..3_u32, 0..4_u32).prop_map(|(say, next, otherwise, min, max)| json!({
            "type": "gather", "say": say, "variable": "x", "min": min, "max": max, "terminator": "#",
            "timeout_seconds": 3, "tries": 2, "next": next, "otherwise": otherwise })),
        (id(), node(), node()).prop_map(|(id, open, closed)| json!({
            "type": "hours", "schedule_id": id, "open": open, "closed": closed })),
        (node(), node()).prop_map(|(next, failed)| json!({
            "type": "http", "method": "GET", "url": "https://a.test/{{x}}", "deadline_ms": 500, "save": { "x": "/x" },
            "next": next, "failed": failed })),
        (node(), node()).prop_map(|(next, otherwise)| json!({
            "type": "branch", "cases": [{ "variable": "x", "is": "set", "next": next }], "otherwise": otherwise })),
        node().prop_map(|next| json!({ "type": "set", "variable": "x", "value": "{{x}}{{x}}1", "next": next })),
        (say(), node()).prop_map(|(say, next)| json!({ "type": "recording", "mode": "ask", "say": say, "accept": "1", "next": next })),
        (say(), id(), node()).prop_map(|(say, id, next)| json!({ "type": "callback", "queue_id": id, "say": say, "next": next })),
        node().prop_map(|next| json!({ "type": "dial", "to": { "number": "+390612345" }, "ring_seconds": 10, "next": next })),
        id().prop_map(|id| json!({ "type": "queue", "queue_id": id })),
        Just(json!({ "type": "flow", "flow_id": OTHER })),
        say().prop_map(|say| json!({ "type": "hang_up", "say": say })),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Said),
        proptest::sample::select("12#9".chars().collect::<Vec<_>>()).prop_map(Event::Key),
        Just(Event::Tick),
        Just(Event::Unanswered),
        Just(Event::Fetched(Err("gone".to_owned()))),
        Just(Event::Fetched(Ok(Answer { status: 200, body: r#"{"x":"7"}"#.to_owned() }))),
    ]
}

proptest! {
    /// Whatever is drawn, and whatever happens: nobody hears silence without an end, and nobody goes round for ever.
    #[test]
    fn every_walk_comes_to_an_end(actions in proptest::collection::vec(any_action(), 6), events in proptest::collection::vec(any_event(), 0..40)) {
        let nodes: Vec<_> = actions.into_iter().enumerate().map(|(place, action)| json!({ "id": format!("n{place}"), "do": action })).collect();
        let drawn = flow("n0", json!(nodes));
        let _ = check(&drawn, &town());
        let world = Town(BTreeMap::from([(OTHER, published(drawn.clone()))]));
        let mut walk = Walk::new(published(drawn), BTreeMap::new());
        let mut time = now();
        let mut effects = walk.begin(time, &world);
        let mut ended = effects.iter().filter(|effect| matches!(effect, Effect::End(_))).count();
        for event in events {
            time += TimeDelta::milliseconds(700);
            effects = walk.handle(time, event, &world);
            prop_assert!(effects.len() < 400);
            ended += effects.iter().filter(|effect| matches!(effect, Effect::End(_))).count();
        }
        // From now on nobody does anything.
        let mut turns = 0;
        while let Some((_, waits)) = walk.waits() {
            turns += 1;
            prop_assert!(turns < 3_000, "it goes round for ever");
            let event = if waits == Waits::Party {
                Event::Unanswered
            } else {
                time = time.max(walk.deadline().expect("what is waited for has an end"));
                Event::Tick
            };
            let effects = walk.handle(time, event, &world);
            ended += effects.iter().filter(|effect| matches!(effect, Effect::End(_))).count();
        }
        prop_assert_eq!(ended, 1);
        prop_assert!(walk.handle(time, Event::Key('1'), &world).is_empty());
    }

    /// Any text is a definition or none.
    #[test]
    fn any_json_is_a_flow_or_refused(text in "\\PC{0,80}") {
        let _ = serde_json::from_str::<Flow>(&text);
    }
}

#[test]
fn who_served_a_caller_last_is_rung_and_whom_nobody_served_goes_on() {
    let world = town();
    let nodes = || {
        json!([
            { "id": "last", "do": { "type": "dial", "to": "last_agent", "ring_seconds": 20, "next": "sales" } },
            { "id": "sales", "do": { "type": "queue", "queue_id": SALES, "priority": 5 } },
        ])
    };
    assert_eq!(super::reads(&flow("last", nodes())).collect::<Vec<_>>(), ["caller.last_agent"]);
    let served = BTreeMap::from([("caller.last_agent".to_owned(), AGENT.to_string())]);
    let mut walk = Walk::new(published(flow("last", nodes())), served);
    assert_eq!(words(&walk.begin(now(), &world)), ["dial"]);
    assert_eq!(words(&walk.handle(now(), Event::Unanswered, &world)), [IN_SALES]);
    for nobody in [BTreeMap::new(), BTreeMap::from([("caller.last_agent".to_owned(), String::new())])] {
        let mut walk = Walk::new(published(flow("last", nodes())), nobody);
        assert_eq!(words(&walk.begin(now(), &world)), [IN_SALES]);
        assert_eq!(whats(&mut walk), [":started", "last:no_last_agent", "sales:queue"]);
    }
}
