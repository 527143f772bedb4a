//! What an input costs when 10,000 pieces of work wait and 1,000 agents serve them:
//! `cargo run -p trunkline-routing --example scale -- [SEED] [WAITING] [AGENTS] [INPUTS]`.
//!
//! Prints nanoseconds per input: the mean, and the worst that one in a hundred and one in a thousand exceeds.

use std::collections::VecDeque;
use std::time::Instant;

use trunkline_routing::{
    AgentHistory, AgentProfile, By, Capacity, Domain, Input, Medium, Output, Presence, Queue, RelaxStep, Router,
    Strategy, WorkItem,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Bench;

impl Domain for Bench {
    type Agent = u128;
    type Queue = u128;
    type Work = u128;
    type Skill = u128;
    type Exit = ();
    type Reason = ();
}

/// SplitMix64: a seed is all it needs.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick(&mut self, sides: u64) -> u128 {
        u128::from(self.roll(sides))
    }
}

const QUEUES: u64 = 20;
const SKILLS: u64 = 10;

struct Bed {
    router: Router<Bench>,
    dice: Dice,
    now: u64,
    next_work: u128,
    talking: VecDeque<(u128, u128)>,
    spent: Vec<(&'static str, Vec<u64>)>,
}

impl Bed {
    fn does(&mut self, name: &'static str, input: Input<Bench>) -> Vec<Output<Bench>> {
        let began = Instant::now();
        let out = self.router.handle(self.now, input);
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        match self.spent.iter_mut().find(|row| row.0 == name) {
            Some((_, times)) => times.push(took),
            None => self.spent.push((name, vec![took])),
        }
        out
    }

    fn item(&mut self) -> WorkItem<Bench> {
        let queue = self.dice.pick(QUEUES);
        let mut item = WorkItem::new(queue, Medium::Call, self.now);
        if self.dice.roll(2) == 0 {
            item.required.insert(self.dice.pick(SKILLS), if self.dice.roll(2) == 0 { 50 } else { 80 });
        }
        if self.dice.roll(4) == 0 {
            item.last_agent = Some(self.dice.pick(1_000));
        }
        item.priority = i16::try_from(self.dice.roll(3)).unwrap_or(0);
        item
    }

    fn arrives(&mut self) {
        let work = self.next_work;
        self.next_work += 1;
        let item = self.item();
        let out = self.does("enqueue", Input::Enqueue { work, item, stay: None });
        self.answers(out);
    }

    fn answers(&mut self, out: Vec<Output<Bench>>) {
        let mut asked: VecDeque<Output<Bench>> = out.into();
        while let Some(output) = asked.pop_front() {
            if let Output::Offer { work, agent, .. } = output {
                asked.extend(self.does("accept", Input::Accept { work, agent }));
                self.talking.push_back((work, agent));
            }
        }
    }
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let mut next = |otherwise| numbers.next().unwrap_or(otherwise);
    let (seed, waiting, agents, inputs) = (next(1), next(10_000), next(1_000), next(200_000));
    println!("seed {seed}: {waiting} waiting, {agents} agents, {QUEUES} queues, {SKILLS} skills, {inputs} rounds");

    let mut bed = Bed {
        router: Router::default(),
        dice: Dice(seed),
        now: 1_000_000,
        next_work: 0,
        talking: VecDeque::new(),
        spent: Vec::new(),
    };
    let strategies = [Strategy::LongestIdle, Strategy::RoundRobin, Strategy::FewestContacts, Strategy::SkillBest];
    for queue in 0..QUEUES {
        let step = RelaxStep { after_ms: 3_000_000, lower_by: 30, drop: [].into(), raise_priority: 0 };
        let config = Queue {
            strategy: strategies[queue as usize % strategies.len()],
            max_wait_ms: 1_000_000_000,
            sticky_ms: 600_000,
            relax: vec![step],
            ..Queue::new(())
        };
        bed.does("set up", Input::Queue { queue: u128::from(queue), config });
    }
    for agent in 0..u128::from(agents) {
        let queues = (0..3).map(|_| bed.dice.pick(QUEUES)).collect();
        let skills = (0..4).map(|_| (bed.dice.pick(SKILLS), 40 + bed.dice.roll(61) as u8)).collect();
        let profile = AgentProfile { queues, skills, capacity: Capacity::default() };
        bed.does("set up", Input::Agent { agent, profile, history: AgentHistory::default() });
        bed.does("set up", Input::Reach { agent, medium: Medium::Call, here: true });
        let presence = Presence::Available;
        bed.does("set up", Input::Presence { agent, presence, by: By::Agent });
    }
    while bed.router.waiting() < waiting as usize {
        bed.now += 10;
        bed.arrives();
    }
    bed.spent.clear();

    let began = Instant::now();
    for _ in 0..inputs {
        bed.now += bed.dice.roll(40);
        match bed.dice.roll(10) {
            // Somebody hangs up, their agent takes the next; another calls.
            0..=7 => {
                if let Some((work, agent)) = bed.talking.pop_front() {
                    let out = bed.does("release", Input::Released { work, agent });
                    bed.answers(out);
                }
                while bed.router.waiting() < waiting as usize {
                    bed.arrives();
                }
            }
            // Somebody gives up waiting.
            8 => {
                let queue = bed.dice.pick(QUEUES);
                let gives_up = bed.router.waiting_in(queue).nth(bed.dice.roll(50) as usize);
                if let Some(work) = gives_up {
                    let out = bed.does("withdraw", Input::Withdraw { work });
                    bed.answers(out);
                }
                bed.arrives();
            }
            // An agent pauses and comes back.
            _ => {
                let agent = bed.dice.pick(agents);
                for presence in [Presence::Paused(trunkline_routing::Pause::Chosen(())), Presence::Available] {
                    let out = bed.does("presence", Input::Presence { agent, presence, by: By::Agent });
                    bed.answers(out);
                }
            }
        }
        if bed.router.next_deadline().is_some_and(|due| due <= bed.now) {
            let out = bed.does("tick", Input::Tick);
            bed.answers(out);
        }
    }
    let wall = began.elapsed();
    let handled: usize = bed.spent.iter().map(|row| row.1.len()).sum();
    println!("{:<10} {:>9} {:>9} {:>9} {:>9} {:>9}", "input", "count", "mean ns", "p50", "p99", "p999");
    for (name, times) in &mut bed.spent {
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        let mean = times.iter().sum::<u64>() / times.len() as u64;
        println!("{name:<10} {:>9} {mean:>9} {:>9} {:>9} {:>9}", times.len(), at(0.5), at(0.99), at(0.999));
    }
    println!(
        "{handled} inputs in {wall:?}, {} ns each; {} wait",
        wall.as_nanos() / handled as u128,
        bed.router.waiting()
    );
}
