//! The promise: per tenant, in order, no gap, no double, over any number of disconnects.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::task::JoinSet;
use trunkline_db::AgentId;
use trunkline_journal::{Filter, Frame, JournalConfig, Scope, Seq, Start, Viewer};

use crate::support::{Reader, World, event, number, scoped};

/// A different walk each time; a failed one is repeated with the seed that it printed.
fn seed() -> u64 {
    std::env::var("TRUNKLINE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_come_and_go_get_each_event_once() {
    let seed = seed();
    println!("repeat with TRUNKLINE_SEED={seed}");
    // A small ring, so that the boundary between memory and log is crossed all the time.
    let world = World::with(JournalConfig { ring_frames: 32, ring_bytes: 12_000, ..JournalConfig::default() }).await;
    const EVENTS: i64 = 3_000;
    let mine = AgentId::new();

    let mut tasks = JoinSet::new();
    let (journal, tenant) = (world.journal().clone(), world.tenant);
    tasks.spawn(async move {
        let mut random = StdRng::seed_from_u64(seed);
        let mut n = 0;
        while n < EVENTS as usize {
            let burst = random.random_range(1..=60).min(EVENTS as usize - n);
            let events =
                (n..n + burst).map(|n| if n % 3 == 0 { scoped(n, Scope::Agent(mine)) } else { event(n) }).collect();
            journal.append(tenant, events).await.unwrap();
            n += burst;
            if random.random_bool(0.3) {
                tokio::task::yield_now().await;
            }
        }
        Vec::new()
    });
    for reader in 0..6_u64 {
        let journal = world.journal().clone();
        tasks.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed ^ (reader + 1));
            // Half of them see all, the others two of three.
            let filter = || if reader % 2 == 0 { Filter::all() } else { Filter::of(Viewer::member([])) };
            let mut seen = Vec::new();
            let (mut position, mut last) = (Seq(0), None);
            while position.get() < EVENTS {
                // With and without what a careful client says of itself.
                let epoch = random.random_bool(0.5).then(|| journal.epoch());
                let after_id = last.filter(|_| random.random_bool(0.5));
                let start = Start { after: Some(position), epoch, after_id };
                let subscription = journal.hub().subscribe(tenant, start, filter()).await.unwrap();
                let mut reader = Reader::new(subscription, start);
                // Stays for some batches, sleeps over some, then its line is cut.
                for _ in 0..random.random_range(1..12) {
                    if position.get().max(reader.counted()) >= EVENTS {
                        break;
                    }
                    reader.step().await;
                    if random.random_bool(0.2) {
                        tokio::task::yield_now().await;
                    }
                }
                last = reader.events.last().filter(|frame| frame.seq().get() == reader.counted()).map(Frame::id);
                position = Seq(reader.counted());
                seen.extend(reader.events);
            }
            let hidden = if reader % 2 == 0 { usize::MAX } else { 3 };
            let expected: Vec<_> = (0..EVENTS as usize).filter(|n| n % hidden != 0 || hidden == usize::MAX).collect();
            assert_eq!(seen.iter().map(number).collect::<Vec<_>>(), expected, "reader {reader}");
            seen.iter().map(|frame| frame.seq().get()).collect()
        });
    }
    for seqs in tasks.join_all().await {
        assert!(seqs.is_sorted());
    }
}

#[tokio::test]
async fn every_position_over_the_boundary_of_ring_and_log_resumes_exactly() {
    let world = World::with(JournalConfig { ring_frames: 16, ..JournalConfig::default() }).await;
    let mut keeper = world.subscribe(Start::live(), Filter::all()).await;
    world.append(0, 60).await;
    keeper.until(60).await;
    assert_eq!(world.journal().hub().stats().frames, 16);
    for after in 0..=60 {
        let mut reader = world.subscribe(Start::after(Seq(after)), Filter::all()).await;
        assert_eq!(reader.until_caught_up().await, Seq(60));
        assert_eq!(reader.numbers(), (after as usize..60).collect::<Vec<_>>(), "after {after}");
    }
}

#[tokio::test]
async fn those_who_come_back_together_read_the_log_once() {
    let world = World::new().await;
    world.append(0, 500).await;
    let mut readers = Vec::new();
    for n in 0..50 {
        readers.push(world.subscribe(Start::after(Seq(100 + n)), Filter::all()).await);
    }
    let mut first = world.subscribe(Start::after(Seq(100)), Filter::all()).await;
    first.until_caught_up().await;
    assert_eq!(world.journal().hub().stats().frames, 400, "what one read is there for all");
    let mut address = None;
    for reader in &mut readers {
        reader.until_caught_up().await;
        let frame = reader.events.last().unwrap();
        assert_eq!(*address.get_or_insert(frame.text().websocket().as_ptr()), frame.text().websocket().as_ptr());
    }
}
