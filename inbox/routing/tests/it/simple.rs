//! The rules of routing, as sentences, and as properties over random histories.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use trunkline_routing::simple::{AgentProfile, Offer, RETRY_AFTER_MS, Router};

type TestRouter = Router<u8, u8, u16>;

fn serving(queues: &[u8]) -> AgentProfile<u8> {
    AgentProfile { available: true, reachable: true, queues: queues.iter().copied().collect() }
}

#[test]
fn longest_idle_agent_is_asked_first() {
    let mut router = TestRouter::default();
    router.set_agent(1, serving(&[0]), 500);
    router.set_agent(2, serving(&[0]), 100);
    router.enqueue(10, 0, 1_000);
    assert_eq!(router.next_offers(1_000), vec![Offer { work: 10, agent: 2 }]);
    assert!(router.next_offers(1_000).is_empty(), "no second offer while the first stands");
}

#[test]
fn unanswered_offer_goes_to_the_next_agent_and_comes_back_after_a_rest() {
    let mut router = TestRouter::default();
    router.set_agent(1, serving(&[0]), 0);
    router.set_agent(2, serving(&[0]), 5);
    router.enqueue(10, 0, 10);
    assert_eq!(router.next_offers(10)[0].agent, 1);
    router.passed(10, 1, 15_010);
    assert_eq!(router.next_offers(15_010)[0].agent, 2);
    router.passed(10, 2, 30_010);
    assert!(router.next_offers(30_010).is_empty());
    assert_eq!(router.next_deadline(30_010), Some(30_010 + RETRY_AFTER_MS));
    assert_eq!(router.next_offers(30_010 + RETRY_AFTER_MS)[0].agent, 1);
}

#[test]
fn oldest_call_is_served_first_even_when_it_was_taken_up_later() {
    let mut router = TestRouter::default();
    router.enqueue(20, 0, 2_000);
    router.enqueue(10, 0, 1_000);
    router.set_agent(1, serving(&[0]), 0);
    assert_eq!(router.next_offers(3_000), vec![Offer { work: 10, agent: 1 }]);
}

#[test]
fn agents_who_are_away_or_unreachable_or_of_another_queue_are_not_asked() {
    let mut router = TestRouter::default();
    router.set_agent(1, AgentProfile { available: false, ..serving(&[0]) }, 0);
    router.set_agent(2, AgentProfile { reachable: false, ..serving(&[0]) }, 0);
    router.set_agent(3, serving(&[1]), 0);
    router.enqueue(10, 0, 0);
    assert!(router.next_offers(0).is_empty());
    router.set_agent(2, serving(&[0]), 0);
    assert_eq!(router.next_offers(0)[0].agent, 2);
}

#[test]
fn withdrawn_call_frees_the_agent_who_was_ringing() {
    let mut router = TestRouter::default();
    router.set_agent(1, serving(&[0]), 0);
    router.enqueue(10, 0, 0);
    router.enqueue(11, 0, 1);
    assert_eq!(router.next_offers(1)[0].work, 10);
    router.withdraw(10);
    assert_eq!(router.next_offers(2), vec![Offer { work: 11, agent: 1 }]);
}

#[derive(Debug, Clone)]
enum Step {
    Agent(u8, bool, bool, u8),
    Enqueue(u16, u8),
    Withdraw(u16),
    Answer,
    Pass,
    Release,
    Forget(u8),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6u8, any::<bool>(), any::<bool>(), 0..3u8).prop_map(|(a, v, r, q)| Step::Agent(a, v, r, q)),
        (0..30u16, 0..3u8).prop_map(|(w, q)| Step::Enqueue(w, q)),
        (0..30u16).prop_map(Step::Withdraw),
        Just(Step::Answer),
        Just(Step::Pass),
        Just(Step::Release),
        (0..6u8).prop_map(Step::Forget),
        (1..5_000u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nobody_gets_two_things_at_once(steps in prop::collection::vec(step(), 1..200)) {
        let mut router = TestRouter::default();
        let mut now = 0;
        let mut waiting = BTreeSet::new();
        let mut ringing: BTreeMap<u8, u16> = BTreeMap::new();
        let mut talking: BTreeMap<u8, u16> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Agent(id, available, reachable, queue) => {
                    router.set_agent(id, AgentProfile { available, reachable, ..serving(&[queue]) }, now);
                }
                Step::Enqueue(work, queue) => {
                    if !talking.values().any(|busy| *busy == work) {
                        router.enqueue(work, queue, now);
                        waiting.insert(work);
                    }
                }
                Step::Withdraw(work) => {
                    router.withdraw(work);
                    waiting.remove(&work);
                    ringing.retain(|_, rung| *rung != work);
                }
                Step::Answer => {
                    if let Some((agent, work)) = ringing.pop_first() {
                        router.accepted(work, agent);
                        waiting.remove(&work);
                        talking.insert(agent, work);
                    }
                }
                Step::Pass => {
                    if let Some((agent, work)) = ringing.pop_first() {
                        router.passed(work, agent, now);
                    }
                }
                Step::Release => {
                    if let Some((agent, work)) = talking.pop_first() {
                        router.released(agent, work, now);
                    }
                }
                Step::Forget(id) => {
                    router.retain_agents(|known| known != id);
                    ringing.remove(&id);
                    talking.remove(&id);
                }
                Step::Wait(ms) => now += ms,
            }
            for offer in router.next_offers(now) {
                prop_assert!(waiting.contains(&offer.work));
                prop_assert!(!ringing.values().any(|work| *work == offer.work), "offered twice at once");
                prop_assert!(!talking.contains_key(&offer.agent), "offered to somebody who talks");
                prop_assert!(ringing.insert(offer.agent, offer.work).is_none(), "two offers for one agent");
            }
            prop_assert_eq!(router.waiting(), waiting.len());
        }
        // Nothing starves: with one free agent for everything, all that waits is served, oldest first.
        router.retain_agents(|_| false);
        router.set_agent(99, serving(&[0, 1, 2]), now);
        now += 2 * RETRY_AFTER_MS;
        while !waiting.is_empty() {
            let offers = router.next_offers(now);
            prop_assert_eq!(offers.len(), 1);
            router.accepted(offers[0].work, 99);
            waiting.remove(&offers[0].work);
            router.released(99, offers[0].work, now);
        }
    }
}
