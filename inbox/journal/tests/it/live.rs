//! The hub: what a reader is told, and what is kept for it.

use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use serde_json::json;
use trunkline_db::{AgentId, CallId, QueueId, UserId};
use trunkline_journal::{
    Filter, HubStats, Item, JournalConfig, Kind, MAX_DATA_BYTES, NewEvent, Ref, Reset, Scope, Seq, Start, Viewer,
};

use crate::support::{HAPPENED, OTHER, PATIENCE, World, event, scoped};

#[tokio::test]
async fn a_filtered_reader_counts_seq_without_a_gap() {
    let world = World::new().await;
    let (mine, other, queue) = (AgentId::new(), AgentId::new(), QueueId::new());
    let viewer = Viewer::member([Scope::Agent(mine), Scope::Queue(queue)]);
    let asked = Filter::of(viewer).kinds(["test.*".parse().unwrap()]);
    let mut watcher = world.subscribe(Start::after(Seq(0)), asked.clone()).await;
    watcher.until_caught_up().await;
    let mut visible = Vec::new();
    for n in 0..60 {
        let event = match n % 6 {
            0 => scoped(n, Scope::Agent(mine)),
            1 => scoped(n, Scope::Agent(other)),
            2 => event(n),
            3 => NewEvent::new(OTHER, Ref::call(CallId::new()), json!({"n": n})),
            4 => scoped(n, Scope::Queue(queue)),
            _ => scoped(n, Scope::Queue(QueueId::new())),
        };
        if matches!(n % 6, 0 | 2 | 4) {
            visible.push(n);
        }
        world.journal().append(world.tenant, vec![event]).await.unwrap();
    }
    // The last one is hidden: everything up to the one before it is told at once.
    watcher.until(59).await;
    assert_eq!(watcher.numbers(), visible);
    assert!(watcher.skips >= 29, "hidden ones before each next: {}", watcher.skips);

    // The same over the log, page by page, and for one who comes later.
    let page = world.journal().read(world.tenant, Seq(0), 1_000, &asked).await.unwrap();
    assert_eq!(page.items.iter().map(crate::support::number).collect::<Vec<_>>(), visible);
    assert_eq!((page.next_after, page.as_of_seq), (Seq(60), Seq(60)));
    let mut late = world.subscribe(Start::after(Seq(0)), asked).await;
    assert_eq!(late.until_caught_up().await, Seq(60));
    assert_eq!(late.ids(), watcher.ids());
}

#[tokio::test]
async fn a_reader_that_is_shown_nothing_is_told_so_in_time() {
    let skipped_every = Duration::from_millis(400);
    let world = World::with(JournalConfig { skipped_every, ..JournalConfig::default() }).await;
    let nothing = Filter::of(Viewer::member([]));
    let mut watcher = world.subscribe(Start::live(), nothing).await;
    watcher.until_caught_up().await;
    let started = Instant::now();
    for n in 0..5 {
        world.journal().append(world.tenant, vec![scoped(n, Scope::Agent(AgentId::new()))]).await.unwrap();
    }
    watcher.until(5).await;
    assert!(started.elapsed() < skipped_every + Duration::from_millis(300), "{:?}", started.elapsed());
    assert!(watcher.events.is_empty() && watcher.skips == 1);
}

#[tokio::test]
async fn ten_readers_share_one_encoded_frame() {
    let world = World::new().await;
    let mut readers = Vec::new();
    for _ in 0..10 {
        readers.push(world.subscribe(Start::live(), Filter::all()).await);
    }
    for reader in &mut readers {
        reader.until_caught_up().await;
    }
    world.append(0, 1).await;
    let mut addresses = Vec::new();
    for reader in &mut readers {
        reader.until(1).await;
        addresses.push(reader.events[0].text().websocket().as_ptr());
    }
    addresses.dedup();
    assert_eq!(addresses.len(), 1);
}

#[tokio::test]
async fn a_live_reader_gets_only_what_comes_next() {
    let world = World::new().await;
    world.append(0, 10).await;
    let mut watcher = world.subscribe(Start::live(), Filter::all()).await;
    assert_eq!(watcher.until_caught_up().await, Seq(10));
    world.append(10, 1).await;
    watcher.until(11).await;
    assert_eq!(watcher.numbers(), [10]);
}

#[tokio::test]
async fn what_the_hub_keeps_is_bounded_and_a_slow_reader_takes_the_rest_from_the_log() {
    let world = World::new().await;
    let mut slow = world.subscribe(Start::after(Seq(0)), Filter::all()).await;
    let mut quick = world.subscribe(Start::after(Seq(0)), Filter::all()).await;
    world.append(0, 3_000).await;
    quick.until(3_000).await;
    let kept = world.journal().hub().stats();
    assert_eq!((kept.tenants, kept.seats, kept.frames), (1, 2, 1_024));

    let large =
        || NewEvent::new(HAPPENED, Ref::call(CallId::new()), json!({"n": 0, "x": "y".repeat(MAX_DATA_BYTES - 20)}));
    for _ in 0..30 {
        world.journal().append(world.tenant, (0..20).map(|_| large()).collect()).await.unwrap();
    }
    quick.until(3_600).await;
    let kept = world.journal().hub().stats();
    assert!(kept.bytes <= 4 * 1024 * 1024 && kept.frames < 300, "{kept:?}");

    slow.until(3_600).await;
    assert_eq!(slow.ids(), quick.ids());
}

#[tokio::test]
async fn tenants_that_nobody_listens_to_hold_nothing() {
    let world = World::new().await;
    world.append(0, 100).await;
    assert_eq!(world.journal().hub().stats(), HubStats::default());
    let mut first = world.subscribe(Start::after(Seq(0)), Filter::all()).await;
    let second = world.subscribe(Start::live(), Filter::all()).await;
    world.append(100, 100).await;
    first.until(200).await;
    drop(second);
    assert_eq!(world.journal().hub().stats().seats, 1);
    drop(first);
    assert_eq!(world.journal().hub().stats(), HubStats::default());
}

#[tokio::test]
async fn waiting_may_be_given_up_at_any_time() {
    let world = World::new().await;
    let mut watcher = world.subscribe(Start::after(Seq(0)), Filter::all()).await;
    let mut writing = std::pin::pin!(world.append(0, 300));
    let mut written = false;
    let mut seen = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while seen.len() < 300 {
        assert!(Instant::now() < deadline);
        // Polled once and dropped, ready or not.
        if let Some(batch) = watcher.subscription.next().now_or_never() {
            seen.extend(batch.items.into_iter().filter_map(|item| match item {
                Item::Event(frame) => Some(frame.seq().get()),
                _ => None,
            }));
        }
        if written {
            tokio::task::yield_now().await;
        } else {
            written = tokio::time::timeout(Duration::from_millis(1), &mut writing).await.is_ok();
        }
    }
    assert_eq!(seen, (1..=300).collect::<Vec<_>>());
}

#[tokio::test]
async fn signals_are_for_those_who_listen_now_and_may_see_them() {
    const TYPING: Kind = Kind::from_static("conversation.typing");
    let world = World::new().await;
    let hub = world.journal().hub();
    let queue = QueueId::new();
    // Nobody listens: nothing is kept for later.
    hub.signal(world.tenant, &[Scope::Tenant], TYPING, &json!({"n": 0}));
    let member = Filter::of(Viewer::member([Scope::Queue(queue)]));
    let mut inside = world.subscribe(Start::live(), member).await;
    let mut outside = world.subscribe(Start::live(), Filter::of(Viewer::member([]))).await;
    inside.until_caught_up().await;
    outside.until_caught_up().await;
    hub.signal(world.tenant, &[Scope::Queue(queue)], TYPING, &json!({"n": 1}));
    hub.signal(world.tenant, &[Scope::Tenant], TYPING, &json!({"n": 2}));
    while inside.signals.len() < 2 {
        inside.step().await;
    }
    outside.step().await;
    let signal = |n: i32| json!({"type": "signal", "kind": "conversation.typing", "data": {"n": n}});
    assert_eq!(inside.signals, [signal(1), signal(2)]);
    assert_eq!(outside.signals, [signal(2)]);
    let mut tx = world.node.db.tenant(world.tenant).await.unwrap();
    assert_eq!(tx.as_of_seq().await.unwrap(), 0);
}

#[tokio::test]
async fn a_user_whose_grants_changed_starts_over_and_nobody_else() {
    let world = World::new().await;
    let (user, other) = (UserId::new(), UserId::new());
    let mut theirs = world.subscribe(Start::live(), Filter::of(Viewer::member([]).user(user))).await;
    let mut others = world.subscribe(Start::live(), Filter::of(Viewer::member([]).user(other))).await;
    let mut nobodys = world.subscribe(Start::live(), Filter::all()).await;
    world.journal().hub().permissions_changed(world.tenant, user);
    assert_eq!(theirs.until_reset().await, Reset::Permissions);
    assert!(theirs.subscription.next().now_or_never().is_none(), "nothing follows a reset");
    world.append(0, 1).await;
    others.until(1).await;
    nobodys.until(1).await;
    // Coming back is all it takes.
    let mut back = world.subscribe(Start::after(Seq(0)), Filter::of(Viewer::member([]).user(user))).await;
    back.until(1).await;
}
