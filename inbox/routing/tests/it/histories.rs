//! Random histories, held against the naive router and against what must hold whatever happens. For longer, more and
//! other ones: `TRUNKLINE_ROUTING_STEPS=1000 PROPTEST_CASES=10000 PROPTEST_RNG_SEED=7 cargo test -p trunkline-routing
//! --test it histories`.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use trunkline_routing::{
    AgentHistory, AgentProfile, By, Capacity, Closed, Destination, HoldView, Input, Levels, Medium, Output, Overflow,
    PassWhy, Pause, Presence, Queue, RelaxStep, Router, Strategy as Ask, TooLong, Unattended, WorkItem, WorkView,
};

use crate::floor::{Lab, Out};
use crate::reference::Naive;

const AGENTS: u8 = 6;
const QUEUES: u8 = 3;
const WORKS: u16 = 40;
const SKILLS: u8 = 3;

fn steps() -> usize {
    std::env::var("TRUNKLINE_ROUTING_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(300)
}

/// What happens. What depends on the router's own answers is chosen when it is its turn.
#[derive(Debug, Clone)]
enum Step {
    Does(Box<Input<Lab>>),
    Answers(Index),
    Passes(Index, PassWhy),
    Finishes(Index),
    Disposes(Index),
    Waits(u64),
    WaitsForDeadline,
}

fn levels() -> impl Strategy<Value = Levels<Lab>> {
    let level = select(vec![1, 30, 60, 100_u8]);
    prop_oneof![3 => Just(Levels::<Lab>::new()), 1 => prop::collection::btree_map(0..SKILLS, level, 1..2)]
}

fn destination() -> impl Strategy<Value = Destination<Lab>> {
    prop_oneof![
        (0..=QUEUES).prop_map(Destination::Queue),
        select(vec!["night", "callback"]).prop_map(Destination::Exit),
    ]
}

fn ms(most: u64) -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..=most]
}

fn relax_step() -> impl Strategy<Value = RelaxStep<Lab>> {
    (1..30_000_u64, 0..60_u8, prop::collection::btree_set(0..SKILLS, 0..2), 0..3_u8)
        .prop_map(|(after_ms, lower_by, drop, raise_priority)| RelaxStep { after_ms, lower_by, drop, raise_priority })
}

fn config() -> impl Strategy<Value = Queue<Lab>> {
    let strategies =
        vec![Ask::LongestIdle, Ask::RoundRobin, Ask::FewestContacts, Ask::RingAll, Ask::RingAll, Ask::SkillBest];
    let ring_ms = prop_oneof![1 => Just(None), 8 => (1..20_000_u64).prop_map(Some)];
    let asks = (select(strategies), -1..2_i16, ring_ms, prop::option::of(1..4_u32));
    let skills = (levels(), levels(), ms(10_000), prop::collection::vec(relax_step(), 0..3));
    let after = (ms(20_000), ms(5_000), prop::bool::weighted(0.3));
    let too_long = prop::option::weighted(0.25, (1..6_usize, destination()).prop_map(|(at, to)| TooLong { at, to }));
    let overflow = prop::option::weighted(
        0.3,
        (1..40_000_u64, destination()).prop_map(|(after_ms, to)| Overflow { after_ms, to }),
    );
    let closed = prop::option::weighted(
        0.3,
        (destination(), any::<bool>()).prop_map(|(to, keep_waiting)| Closed { to, keep_waiting }),
    );
    let unattended = (prop_oneof![1 => Just(0), 5 => 1..40_000_u64], 1..3_u32, destination())
        .prop_map(|(grace_ms, rounds, to)| Unattended { grace_ms, rounds, to });
    let max_wait = prop_oneof![1 => 1..20_000_u64, 4 => 60_000..600_000_u64];
    let ends = (too_long, overflow, closed, unattended, max_wait);
    (asks, skills, after, ends).prop_map(|(asks, skills, after, ends)| Queue {
        strategy: asks.0,
        priority: asks.1,
        ring_ms: asks.2,
        pause_after_missed: asks.3,
        required: skills.0,
        preferred: skills.1,
        prefer_ms: skills.2,
        relax: skills.3,
        sticky_ms: after.0,
        wrap_up_ms: after.1,
        disposition_required: after.2,
        too_long: ends.0,
        overflow: ends.1,
        closed: ends.2,
        unattended: ends.3,
        max_wait_ms: ends.4,
        last_resort: "voicemail",
    })
}

fn medium() -> impl Strategy<Value = Medium> {
    select(vec![Medium::Call, Medium::Call, Medium::Chat])
}

fn profile() -> impl Strategy<Value = AgentProfile<Lab>> {
    let capacity = (select(vec![0, 1, 1, 1, 2_u8]), 0..4_u8, any::<bool>(), any::<bool>()).prop_map(
        |(calls, chats, one, other)| Capacity { calls, chats, call_blocks_chats: one, chats_block_calls: other },
    );
    let skills = prop::collection::btree_map(0..SKILLS, select(vec![20, 50, 100_u8]), 0..3);
    (prop::collection::btree_set(0..QUEUES, 1..=3), skills, capacity)
        .prop_map(|(queues, skills, capacity)| AgentProfile { queues, skills, capacity })
}

fn presence() -> impl Strategy<Value = Presence<Lab>> {
    prop_oneof![
        8 => Just(Presence::Available),
        1 => Just(Presence::Paused(Pause::Chosen(1))),
        1 => Just(Presence::Offline),
    ]
}

fn item() -> impl Strategy<Value = WorkItem<Lab>> {
    let except = prop_oneof![4 => Just(BTreeSet::new()), 1 => prop::collection::btree_set(0..AGENTS, 1..2)];
    let queue = prop_oneof![20 => 0..QUEUES, 1 => Just(QUEUES)];
    let patient = prop::bool::weighted(0.2);
    (queue, medium(), -1..2_i16, 0..10_000_u64, levels(), levels(), prop::option::of(0..AGENTS), except, patient)
        .prop_map(|(queue, medium, priority, since, required, preferred, last_agent, except, patient)| WorkItem {
            queue,
            medium,
            priority,
            since,
            required,
            preferred,
            last_agent,
            except,
            patient,
        })
}

fn input() -> impl Strategy<Value = Input<Lab>> {
    let history = |idle_since| AgentHistory { idle_since, ..AgentHistory::default() };
    let by = || select(vec![By::Agent, By::Manager]);
    prop_oneof![
        30 => (0..WORKS, item()).prop_map(|(work, item)| Input::Enqueue { work, item, stay: None }),
        2 => (0..WORKS).prop_map(|work| Input::Withdraw { work }),
        1 => (0..WORKS, 0..=QUEUES).prop_map(|(work, to)| Input::Move { work, to }),
        1 => (0..WORKS, -2..3_i16).prop_map(|(work, priority)| Input::Prioritise { work, priority }),
        1 => (0..WORKS, 0..AGENTS).prop_map(|(work, agent)| Input::Accept { work, agent }),
        1 => (0..WORKS, 0..AGENTS).prop_map(|(work, agent)| Input::Take { work, agent }),
        1 => (0..WORKS, 0..AGENTS, medium(), prop::option::of(0..QUEUES))
            .prop_map(|(work, agent, medium, queue)| Input::Engaged { work, agent, medium, queue }),
        2 => (0..AGENTS, profile(), 0..9_000_u64)
            .prop_map(move |(agent, profile, idle)| Input::Agent { agent, profile, history: history(idle) }),
        4 => (0..AGENTS, presence(), by()).prop_map(|(agent, presence, by)| Input::Presence { agent, presence, by }),
        4 => (0..AGENTS, medium(), prop::bool::weighted(0.85))
            .prop_map(|(agent, medium, here)| Input::Reach { agent, medium, here }),
        2 => (0..AGENTS).prop_map(|agent| Input::Ready { agent }),
        1 => (0..AGENTS).prop_map(|agent| Input::AgentRemoved { agent }),
        1 => (0..QUEUES, config()).prop_map(|(queue, config)| Input::Queue { queue, config }),
        1 => (0..QUEUES, prop::bool::weighted(0.7)).prop_map(|(queue, open)| Input::Hours { queue, open }),
        1 => prop_oneof![1 => (0..QUEUES).prop_map(|queue| Input::QueueRemoved { queue }), 3 => Just(Input::NewDay)],
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let why = select(vec![PassWhy::NoAnswer, PassWhy::Failed, PassWhy::Refused]);
    prop_oneof![
        40 => input().prop_map(|input| Step::Does(Box::new(input))),
        10 => any::<Index>().prop_map(Step::Answers),
        5 => (any::<Index>(), why).prop_map(|(index, why)| Step::Passes(index, why)),
        12 => any::<Index>().prop_map(Step::Finishes),
        4 => any::<Index>().prop_map(Step::Disposes),
        3 => (1..3_000_u64).prop_map(Step::Waits),
        1 => (1..20_000_u64).prop_map(Step::Waits),
        5 => Just(Step::WaitsForDeadline),
    ]
}

/// Everybody signed in with a phone, and this many queues.
fn opening(configs: Vec<Queue<Lab>>, profiles: Vec<AgentProfile<Lab>>) -> Vec<Input<Lab>> {
    let queues = configs.into_iter().zip(0..).map(|(config, queue)| Input::Queue { queue, config });
    let mut inputs: Vec<Input<Lab>> = queues.collect();
    for (profile, agent) in profiles.into_iter().zip(0..) {
        inputs.push(Input::Agent { agent, profile, history: AgentHistory::default() });
        inputs.extend(Medium::ALL.map(|medium| Input::Reach { agent, medium, here: true }));
        inputs.push(Input::Presence { agent, presence: Presence::Available, by: By::Agent });
    }
    inputs
}

/// The fast router, the naive one, and what the world outside remembers.
#[derive(Default)]
struct Both {
    router: Router<Lab>,
    naive: Naive,
    now: u64,
    configs: BTreeMap<u8, Queue<Lab>>,
    closed: BTreeSet<u8>,
    profiles: BTreeMap<u8, AgentProfile<Lab>>,
    /// Work that waits, as its outputs tell.
    waiting: BTreeSet<u16>,
    items: BTreeMap<u16, WorkItem<Lab>>,
    offers: BTreeSet<(u16, u8)>,
    log: Vec<(u64, Vec<Input<Lab>>, Vec<Out>)>,
}

fn sorted(out: &[Out]) -> Vec<String> {
    let mut texts: Vec<String> = out.iter().map(|output| format!("{output:?}")).collect();
    texts.sort_unstable();
    texts
}

fn given(out: &[Out]) -> Vec<(u16, u8)> {
    let offered = |output: &Out| match output {
        Output::Offer { work, agent, .. } | Output::Assigned { work, agent, .. } => Some((*work, *agent)),
        _ => None,
    };
    out.iter().filter_map(offered).collect()
}

impl Both {
    fn does(&mut self, inputs: Vec<Input<Lab>>) -> Result<Vec<Out>, TestCaseError> {
        for input in &inputs {
            self.remember(input);
        }
        let out = self.router.handle_all(self.now, inputs.clone());
        let expected = self.naive.handle_all(self.now, inputs.clone());
        prop_assert_eq!(sorted(&out), sorted(&expected), "at {} after {:?}", self.now, inputs);
        prop_assert_eq!(given(&out), given(&expected), "in this order");
        self.log.push((self.now, inputs, out.clone()));
        self.compare_views()?;
        self.check(&out)?;
        Ok(out)
    }

    /// What the input itself says of the world.
    fn remember(&mut self, input: &Input<Lab>) {
        match input.clone() {
            Input::Queue { queue, config } => drop(self.configs.insert(queue, config)),
            Input::QueueRemoved { queue } => {
                self.configs.remove(&queue);
                self.closed.remove(&queue);
            }
            Input::Hours { queue, open } if self.configs.contains_key(&queue) => {
                if open {
                    self.closed.remove(&queue);
                } else {
                    self.closed.insert(queue);
                }
            }
            Input::Agent { agent, profile, .. } => drop(self.profiles.insert(agent, profile)),
            Input::Enqueue { work, item, .. }
                if self.configs.contains_key(&item.queue) && self.waiting.insert(work) =>
            {
                self.items.insert(work, item);
            }
            Input::Withdraw { work } => {
                self.waiting.remove(&work);
            }
            Input::Pass { work, agent, .. } | Input::Engaged { work, agent, .. } => {
                self.offers.remove(&(work, agent));
            }
            _ => {}
        }
    }

    fn compare_views(&self) -> Result<(), TestCaseError> {
        for agent in 0..=AGENTS {
            prop_assert_eq!(self.router.agent(agent), self.naive.agent(agent));
        }
        for work in 0..WORKS {
            prop_assert_eq!(self.router.work(work), self.naive.work(work));
        }
        for queue in 0..QUEUES {
            prop_assert_eq!(self.router.queue(queue), self.naive.queue(queue));
            let order: Vec<u16> = self.router.waiting_in(queue).collect();
            prop_assert_eq!(order, self.naive.waiting_in(queue));
        }
        let wants = self.naive.first_due().map(|due| due.0);
        prop_assert!(wants.is_none_or(|wants| self.router.next_deadline().is_some_and(|due| due <= wants)));
        prop_assert!(self.router.next_deadline().is_none_or(|due| due > self.now), "asks again at once");
        Ok(())
    }

    /// Nothing lost, nothing twice, nobody over capacity, nobody idle beside work that they could do.
    fn check(&mut self, out: &[Out]) -> Result<(), TestCaseError> {
        for output in out {
            match output {
                Output::Offer { work, agent, queue, until } => {
                    prop_assert!(self.waiting.contains(work), "offered what does not wait");
                    let asked: Vec<u8> = self.offers.iter().filter(|it| it.0 == *work).map(|it| it.1).collect();
                    prop_assert!(asked.is_empty() || self.configs[queue].strategy == Ask::RingAll, "offered twice");
                    prop_assert!(self.offers.insert((*work, *agent)), "offered twice to one agent");
                    prop_assert!(*until > self.now);
                    let view = self.router.agent(*agent).expect("an agent that exists");
                    let medium = self.items[work].medium;
                    let occupied = view.occupied[usize::from(medium == Medium::Chat)];
                    prop_assert!(occupied <= self.profiles[agent].capacity.of(medium).into(), "over capacity");
                }
                Output::Cancel { work, agent, .. } => prop_assert!(self.offers.remove(&(*work, *agent))),
                Output::Assigned { work, agent, .. } => {
                    prop_assert!(self.waiting.remove(work), "assigned what does not wait");
                    self.offers.remove(&(*work, *agent));
                }
                Output::Leave { work, .. } => prop_assert!(self.waiting.remove(work), "left without waiting"),
                _ => {}
            }
        }
        prop_assert_eq!(self.router.waiting(), self.waiting.len());
        for work in &self.waiting {
            let view = self.router.work(*work).expect("work that waits is known");
            let offered: BTreeSet<u8> = self.offers.iter().filter(|it| it.0 == *work).map(|it| it.1).collect();
            prop_assert_eq!(&view.offered_to, &offered);
            if offered.is_empty() {
                let idle = (0..AGENTS).find(|agent| self.could_take(*work, &view, *agent));
                prop_assert_eq!(idle, None, "{} waits beside a free agent", work);
            }
        }
        Ok(())
    }

    /// Whether an agent is free for work that waits for nobody in particular.
    fn could_take(&self, work: u16, view: &WorkView<Lab>, id: u8) -> bool {
        let (Some(agent), item) = (self.router.agent(id), &self.items[&work]) else {
            return false;
        };
        let profile = &self.profiles[&id];
        let needed = self.configs[&view.queue].needed_after(item, self.now - view.joined);
        agent.free[usize::from(item.medium == Medium::Chat)]
            && profile.queues.contains(&view.queue)
            && !(item.patient && self.closed.contains(&view.queue))
            && item.last_agent.is_none()
            && !item.except.contains(&id)
            && !agent.in_hand.contains_key(&work)
            && needed.iter().all(|(skill, least)| profile.skills.get(skill).is_some_and(|level| level >= least))
    }

    fn held(&self, which: fn(HoldView) -> bool) -> Vec<(u16, u8)> {
        let agents = (0..AGENTS).filter_map(|id| Some((id, self.router.agent(id)?)));
        agents
            .flat_map(|(id, view)| {
                view.in_hand.into_iter().filter(move |it| which(it.1)).map(move |(work, _)| (work, id))
            })
            .collect()
    }

    fn takes(&mut self, step: Step) -> Result<(), TestCaseError> {
        let pick = |index: Index, all: Vec<(u16, u8)>| (!all.is_empty()).then(|| all[index.index(all.len())]);
        let offered = || self.offers.iter().copied().collect::<Vec<_>>();
        let input = match step {
            Step::Does(input) => Some(match *input {
                // It was drawn as an age.
                Input::Enqueue { work, item, stay } => {
                    let since = self.now.saturating_sub(item.since);
                    Input::Enqueue { work, item: WorkItem { since, ..item }, stay }
                }
                other => other,
            }),
            Step::Answers(index) => pick(index, offered()).map(|(work, agent)| Input::Accept { work, agent }),
            Step::Passes(index, why) => pick(index, offered()).map(|(work, agent)| Input::Pass { work, agent, why }),
            Step::Finishes(index) => pick(index, self.held(|phase| phase == HoldView::Working))
                .map(|(work, agent)| Input::Released { work, agent }),
            Step::Disposes(index) => pick(index, self.held(|phase| phase != HoldView::Offered))
                .map(|(work, agent)| Input::Disposed { work, agent }),
            Step::Waits(ms) => {
                self.now += ms;
                Some(Input::Tick)
            }
            Step::WaitsForDeadline => {
                self.now = self.router.next_deadline().map_or(self.now, |due| due.max(self.now));
                Some(Input::Tick)
            }
        };
        if let Some(input) = input {
            self.does(vec![input])?;
        }
        Ok(())
    }

    fn lives(
        configs: Vec<Queue<Lab>>,
        profiles: Vec<AgentProfile<Lab>>,
        steps: Vec<Step>,
    ) -> Result<Self, TestCaseError> {
        let mut both = Self { now: 1_000_000, ..Self::default() };
        both.does(opening(configs, profiles))?;
        for step in steps {
            both.takes(step)?;
        }
        Ok(both)
    }
}

type History = (Vec<Queue<Lab>>, Vec<AgentProfile<Lab>>, Vec<Step>);

fn history() -> impl Strategy<Value = History> {
    let steps = prop::collection::vec(step(), 1..steps().max(2));
    (prop::collection::vec(config(), QUEUES as usize), prop::collection::vec(profile(), 2..=AGENTS as usize), steps)
}

proptest! {
    #[test]
    fn fast_router_says_what_the_naive_one_says((configs, profiles, steps) in history()) {
        Both::lives(configs, profiles, steps)?;
    }

    #[test]
    fn same_inputs_give_the_same_outputs((configs, profiles, steps) in history()) {
        let lived = Both::lives(configs, profiles, steps)?;
        let mut again = Router::<Lab>::default();
        for (now, inputs, out) in lived.log {
            prop_assert_eq!(again.handle_all(now, inputs), out);
        }
    }

    #[test]
    fn every_wait_ends_when_nobody_is_there((configs, profiles, steps) in history()) {
        let mut both = Both::lives(configs, profiles, steps)?;
        for agent in 0..AGENTS {
            both.does(vec![Input::AgentRemoved { agent }])?;
        }
        let longest = both.configs.values().map(|config| config.max_wait_ms).max().unwrap_or(0);
        let end = both.now + longest;
        while let Some(due) = both.router.next_deadline().filter(|due| *due <= end) {
            both.now = due;
            both.does(vec![Input::Tick])?;
        }
        // But for what nobody hears wait.
        let patient: Vec<u16> = both.waiting.iter().copied().filter(|work| both.items[work].patient).collect();
        prop_assert!(patient.len() == both.waiting.len(), "still waiting: {:?}", both.waiting);
        both.does(patient.into_iter().map(|work| Input::Withdraw { work }).collect())?;
        prop_assert_eq!(both.router.next_deadline(), None);
    }

    #[test]
    fn nothing_starves_while_somebody_serves((configs, profiles, steps) in history()) {
        let mut both = Both::lives(configs, profiles, steps)?;
        let plain = |config: &Queue<Lab>| Queue {
            max_wait_ms: 100_000_000,
            overflow: None,
            closed: None,
            wrap_up_ms: 0,
            disposition_required: false,
            sticky_ms: 0,
            ring_ms: config.ring_ms.map(|_| 20_000),
            ..config.clone()
        };
        let configs: Vec<Input<Lab>> =
            both.configs.iter().map(|(queue, config)| Input::Queue { queue: *queue, config: plain(config) }).collect();
        let master = AgentProfile {
            queues: (0..QUEUES).collect(),
            skills: (0..SKILLS).map(|skill| (skill, 100)).collect(),
            capacity: Capacity { calls: 1, chats: 1, call_blocks_chats: true, chats_block_calls: true },
        };
        let removed = (0..AGENTS).map(|agent| Input::AgentRemoved { agent });
        let mut all: Vec<Input<Lab>> = configs.into_iter().chain(removed).collect();
        all.extend((0..QUEUES).map(|queue| Input::Hours { queue, open: true }));
        all.push(Input::Agent { agent: AGENTS, profile: master, history: AgentHistory::default() });
        all.extend(Medium::ALL.map(|medium| Input::Reach { agent: AGENTS, medium, here: true }));
        all.push(Input::Presence { agent: AGENTS, presence: Presence::Available, by: By::Agent });
        both.does(all)?;
        let mut served = 0;
        let waiting = both.waiting.len();
        while !both.waiting.is_empty() {
            // One at a time, the first of all in the one order.
            let asked: Vec<(u16, u8)> = both.offers.iter().copied().collect();
            if let [(work, agent)] = asked.as_slice() {
                let (work, agent) = (*work, *agent);
                let view = both.router.work(work).expect("what is offered waits");
                let key = |view: &WorkView<Lab>| (-view.priority, view.since);
                for other in both.waiting.iter().filter_map(|other| both.router.work(*other)) {
                    prop_assert!(key(&view) <= key(&other), "{work} was served before its time");
                }
                both.does(vec![Input::Accept { work, agent }, Input::Released { work, agent }])?;
            } else {
                let held = both.held(|phase| phase == HoldView::Working);
                prop_assert!(asked.is_empty() && held.is_empty());
                let given: Vec<u16> = both.router.agent(AGENTS).expect("there").in_hand.into_keys().collect();
                let inputs = given.into_iter().map(|work| Input::Released { work, agent: AGENTS }).collect();
                both.does(inputs)?;
            }
            served += 1;
            prop_assert!(served <= 2 * waiting + 2, "{:?} are never asked for", both.waiting);
        }
    }

    #[test]
    fn rebuilt_router_has_the_same_work_in_the_same_order((configs, profiles, steps) in history()) {
        let both = Both::lives(configs, profiles, steps)?;
        let mut again = Router::<Lab>::default();
        let out = again.handle_all(both.now, both.router.snapshot());
        let assigned: BTreeSet<u16> = given(&out).into_iter().map(|it| it.0).filter(|it| again.work(*it).is_none()).collect();
        for queue in 0..QUEUES {
            let before: Vec<u16> = both.router.waiting_in(queue).filter(|work| !assigned.contains(work)).collect();
            // What nobody was there for may have to go at once when its grace is nought; it says so.
            let left = |work: &u16| out.iter().any(|it| matches!(it, Output::Leave { work: gone, .. } if gone == work));
            let moved = |work: &u16| out.iter().any(|it| matches!(it, Output::Moved { work: gone, .. } if gone == work));
            let before: Vec<u16> = before.into_iter().filter(|work| !left(work) && !moved(work)).collect();
            let after: Vec<u16> = again.waiting_in(queue).filter(|work| !moved(work)).collect();
            // The places of what is being offered are brought up to date.
            if both.offers.is_empty() {
                prop_assert_eq!(before, after);
            } else {
                prop_assert_eq!(BTreeSet::from_iter(before), BTreeSet::from_iter(after));
            }
        }
        for agent in 0..AGENTS {
            let (before, after) = (both.router.agent(agent), again.agent(agent));
            prop_assert_eq!(before.is_some(), after.is_some());
            let (Some(before), Some(after)) = (before, after) else { continue };
            prop_assert_eq!((before.presence, before.here), (after.presence, after.here));
            let kept = |it: &BTreeMap<u16, HoldView>| -> BTreeMap<u16, HoldView> {
                it.iter().filter(|it| *it.1 != HoldView::Offered && !assigned.contains(it.0)).map(|it| (*it.0, *it.1)).collect()
            };
            prop_assert_eq!(kept(&before.in_hand), kept(&after.in_hand));
        }
    }

    #[test]
    fn what_is_needed_only_ever_sinks(config in config(), item in item(), times in prop::collection::vec(0..60_000_u64, 2)) {
        let (early, late) = (times[0].min(times[1]), times[0].max(times[1]));
        let (before, after) = (config.needed_after(&item, early), config.needed_after(&item, late));
        for (skill, level) in &after {
            prop_assert!(before.get(skill).is_some_and(|earlier| earlier >= level));
        }
    }
}
