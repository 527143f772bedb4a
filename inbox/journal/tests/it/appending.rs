//! Appends: gapless, in the order of the commits, refused clearly when they are none.

use std::collections::BTreeMap;

use serde_json::json;
use tokio::task::JoinSet;
use trunkline_db::{CallId, TenantId};
use trunkline_journal::{CommandError, Filter, InvalidEvent, MAX_DATA_BYTES, MAX_EVENTS, NewEvent, Ref, Seq, Start};

use crate::support::{HAPPENED, World, event, make_tenant, number};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_appends_from_16_writers_stay_gapless_and_in_commit_order() {
    let world = World::new().await;
    let mut watcher = world.subscribe(Start::after(Seq(0)), Filter::all()).await;
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let (journal, tenant) = (world.journal().clone(), world.tenant);
        writers.spawn(async move {
            let mut places = Vec::new();
            // 16 × 62 or 63 = 1,000
            for n in 0..62 + usize::from(writer < 8) {
                let range = journal.append(tenant, vec![event(writer * 1_000 + n)]).await.unwrap();
                assert_eq!(range.first, range.last);
                places.push((range.first, writer * 1_000 + n));
            }
            places
        });
    }
    let mut by_place = BTreeMap::new();
    for places in writers.join_all().await {
        assert!(places.is_sorted(), "what one writer was told first comes first");
        by_place.extend(places);
    }
    assert_eq!(by_place.keys().copied().collect::<Vec<_>>(), (1..=1_000).map(Seq).collect::<Vec<_>>());

    // What was answered, what was shown live and what the log says are the same.
    watcher.until(1_000).await;
    assert_eq!(watcher.numbers(), by_place.values().copied().collect::<Vec<_>>());
    let page = world.journal().read(world.tenant, Seq(0), 1_000, &Filter::all()).await.unwrap();
    assert_eq!(page.items.iter().map(number).collect::<Vec<_>>(), watcher.numbers());
    assert_eq!((page.as_of_seq, page.next_after), (Seq(1_000), Seq(1_000)));
    // In the order of the commits: the time recorded never goes back.
    let unordered: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT recorded_at < lag(recorded_at) OVER (ORDER BY seq) AS back FROM events) e WHERE back",
    )
    .fetch_one(&mut world.database.owner().await)
    .await
    .unwrap();
    assert_eq!(unordered, 0);
    let stats = world.journal().stats();
    assert_eq!((stats.commands, stats.events), (1_000, 1_000));
    assert!(stats.batches < 1_000, "what waited went together: {stats:?}");
}

#[tokio::test]
async fn live_and_logged_frames_are_the_same_bytes() {
    let world = World::new().await;
    let mut watcher = world.subscribe(Start::after(Seq(0)), Filter::all()).await;
    let odd = json!({"z": 1.0, "a": "ü \" \\ \u{0} \u{2028}", "n": null, "deep": [{"b": 1e300}, -0.0, 12_345_678_901_234_i64]});
    world.journal().append(world.tenant, vec![NewEvent::new(HAPPENED, Ref::call(CallId::new()), odd)]).await.unwrap();
    watcher.until(1).await;
    let page = world.journal().read(world.tenant, Seq(0), 10, &Filter::all()).await.unwrap();
    assert_eq!(page.items[0].text().websocket(), watcher.events[0].text().websocket());
    assert_eq!(page.items[0].scopes(), watcher.events[0].scopes());
    assert_eq!(page.items[0].id(), watcher.events[0].id());
}

#[tokio::test]
async fn what_is_no_event_is_refused_and_leaves_no_gap() {
    let world = World::new().await;
    let append =
        async |events: Vec<NewEvent>| world.journal().append(world.tenant, events).await.map(|range| range.first);
    let large = NewEvent::new(HAPPENED, Ref::call(CallId::new()), json!({"text": "x".repeat(MAX_DATA_BYTES)}));
    let refused = append(vec![event(1), large]).await.unwrap_err();
    assert!(matches!(refused, CommandError::Invalid(InvalidEvent::TooLarge { .. })), "{refused}");
    assert!(refused.to_string().contains("at most 16384"), "{refused}");
    let refused = append((0..=MAX_EVENTS).map(event).collect()).await.unwrap_err();
    assert!(matches!(refused, CommandError::Invalid(InvalidEvent::TooMany(_))));
    assert!(matches!(append(vec![]).await.unwrap_err(), CommandError::Invalid(InvalidEvent::None)));
    // The largest that is allowed goes in: in bytes, and in events.
    let largest = NewEvent::new(HAPPENED, Ref::call(CallId::new()), json!({"text": "x".repeat(MAX_DATA_BYTES - 11)}));
    assert_eq!(append(vec![largest]).await.unwrap(), Seq(1));
    assert_eq!(append((0..MAX_EVENTS).map(event).collect()).await.unwrap(), Seq(2));
}

#[tokio::test]
async fn a_tenant_that_does_not_exist_does_not_disturb_the_others() {
    let world = World::new().await;
    let mut appends = JoinSet::new();
    for n in 0..40 {
        let journal = world.journal().clone();
        let tenant = if n % 4 == 0 { TenantId::new() } else { world.tenant };
        appends.spawn(async move { (n % 4 == 0, journal.append(tenant, vec![event(n)]).await) });
    }
    for (stranger, result) in appends.join_all().await {
        match result {
            Ok(_) => assert!(!stranger),
            Err(error) => {
                assert!(stranger, "{error}");
                assert!(matches!(error, CommandError::Db(trunkline_db::DbError::NoSuchTenant)), "{error:?}");
            }
        }
    }
    let page = world.journal().read(world.tenant, Seq(0), 100, &Filter::all()).await.unwrap();
    assert_eq!(page.as_of_seq, Seq(30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tenants_in_one_batch_each_count_for_themselves() {
    let world = World::new().await;
    let mut tenants = vec![world.tenant];
    for _ in 0..9 {
        tenants.push(make_tenant(&world.node.db).await);
    }
    let mut appends = JoinSet::new();
    for n in 0..300 {
        let (journal, tenant) = (world.journal().clone(), tenants[n % 10]);
        appends.spawn(async move { (tenant, journal.append(tenant, vec![event(n), event(n)]).await.unwrap()) });
    }
    let mut places: BTreeMap<TenantId, Vec<i64>> = BTreeMap::new();
    for (tenant, range) in appends.join_all().await {
        assert_eq!(range.last, range.first.next());
        places.entry(tenant).or_default().extend([range.first.get(), range.last.get()]);
    }
    for seqs in places.values_mut() {
        seqs.sort_unstable();
        assert_eq!(*seqs, (1..=60).collect::<Vec<_>>());
    }
}
