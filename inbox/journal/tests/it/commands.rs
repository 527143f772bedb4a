//! Commands: rows and events together, failures alone, lost races again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt as _;
use sqlx::Connection as _;
use tokio::task::JoinSet;
use trunkline_db::{QueueId, TenantTx};
use trunkline_journal::{CommandError, Fault, Filter, JournalConfig, Outcome, Seq, Start};

use crate::support::{World, event, make_tenant};

async fn add_queue(tx: &mut TenantTx<'_>, slug: &str) -> Result<QueueId, sqlx::Error> {
    let id = QueueId::new();
    sqlx::query("INSERT INTO queues (tenant_id, id, slug, name, extension) VALUES ($1, $2, $3, $3, $4)")
        .bind(tx.tenant())
        .bind(id)
        .bind(format!("q-{slug}"))
        .bind(format!("7{slug:0>4}"))
        .execute(tx.conn())
        .await?;
    Ok(id)
}

async fn queues(world: &World) -> Vec<String> {
    let mut tx = world.node.db.tenant(world.tenant).await.unwrap();
    sqlx::query_scalar("SELECT slug FROM queues ORDER BY slug").fetch_all(tx.conn()).await.unwrap()
}

#[tokio::test]
async fn rows_and_events_commit_together() {
    let world = World::new().await;
    let mut watcher = world.subscribe(Start::after(Seq(0)), Filter::all()).await;
    let done = world
        .journal()
        .command(world.tenant, |tx| {
            async move {
                let id = add_queue(tx, "1").await?;
                Ok::<_, Fault<()>>(Outcome::new(id).event(event(1)).events([event(2), event(3)]))
            }
            .boxed()
        })
        .await
        .unwrap();
    let range = done.seqs.unwrap();
    assert_eq!((range.first, range.last), (Seq(1), Seq(3)));
    assert_eq!(queues(&world).await, ["q-1"]);
    watcher.until(3).await;
    assert_eq!(watcher.numbers(), [1, 2, 3]);

    // Without events it is a transaction like any other.
    let done = world
        .journal()
        .command(world.tenant, |tx| async move { Ok::<_, Fault<()>>(Outcome::new(add_queue(tx, "2").await?)) }.boxed())
        .await
        .unwrap();
    assert_eq!((done.seqs, done.recorded_at), (None, None));
    assert_eq!(queues(&world).await.len(), 2);
}

#[tokio::test]
async fn a_command_that_says_no_is_undone_alone() {
    let world = World::new().await;
    let refused = world
        .journal()
        .command(world.tenant, |tx| {
            async move {
                add_queue(tx, "1").await?;
                Err::<Outcome<()>, _>(Fault::Rejected("closed on Sundays"))
            }
            .boxed()
        })
        .await
        .unwrap_err();
    assert!(matches!(refused, CommandError::Rejected("closed on Sundays")));
    assert!(queues(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_failing_commands_leave_no_gap_and_no_row() {
    // One lane: all meet in the same batches.
    let world = World::with(JournalConfig { lanes: 1, ..JournalConfig::default() }).await;
    let other = make_tenant(&world.node.db).await;
    let mut commands = JoinSet::new();
    for n in 0..200_usize {
        let journal = world.journal().clone();
        let tenant = if n % 7 == 0 { other } else { world.tenant };
        commands.spawn(async move {
            let done = journal
                .command(tenant, move |tx| {
                    async move {
                        match n % 5 {
                            // says no after it wrote
                            0 => {
                                add_queue(tx, &n.to_string()).await?;
                                Err(Fault::Rejected(n))
                            }
                            // breaks a constraint
                            1 => {
                                add_queue(tx, "WRONG").await?;
                                Ok(Outcome::new(n).event(event(n)))
                            }
                            // swallows an error and goes on as if nothing were
                            2 => {
                                let _ = sqlx::query("SELECT 1/0").execute(tx.conn()).await;
                                Ok(Outcome::new(n).event(event(n)))
                            }
                            _ => {
                                add_queue(tx, &n.to_string()).await?;
                                Ok(Outcome::new(n).event(event(n)))
                            }
                        }
                    }
                    .boxed()
                })
                .await;
            (n, tenant, done)
        });
    }
    let mut places = Vec::new();
    for (n, tenant, done) in commands.join_all().await {
        match (n % 5, done) {
            (0, Err(CommandError::Rejected(m))) => assert_eq!(m, n),
            (1 | 2, Err(CommandError::Db(_))) => {}
            (3 | 4, Ok(done)) => {
                if tenant == world.tenant {
                    places.push(done.seqs.unwrap().first.get());
                }
            }
            (_, done) => panic!("command {n}: {done:?}"),
        }
    }
    places.sort_unstable();
    assert_eq!(places, (1..=places.len() as i64).collect::<Vec<_>>());
    let written = queues(&world).await;
    assert_eq!(written.len(), places.len());
    let page = world.journal().read(world.tenant, Seq(0), 1_000, &Filter::all()).await.unwrap();
    assert_eq!(page.items.len(), places.len());
}

#[tokio::test]
async fn a_command_with_an_event_that_is_none_is_undone() {
    let world = World::new().await;
    let refused = world
        .journal()
        .command(world.tenant, |tx| {
            async move {
                add_queue(tx, "1").await?;
                Ok::<_, Fault<()>>(Outcome::new(()).event(event(1).scopes([])))
            }
            .boxed()
        })
        .await
        .unwrap_err();
    assert!(matches!(refused, CommandError::Invalid(_)), "{refused:?}");
    assert!(queues(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_race_is_run_again_and_costs_the_others_nothing() {
    let world = World::with(JournalConfig { lanes: 1, ..JournalConfig::default() }).await;
    world
        .journal()
        .command(world.tenant, |tx| async move { Ok::<_, Fault<()>>(Outcome::new(add_queue(tx, "1").await?)) }.boxed())
        .await
        .unwrap();
    // Somebody else holds the row for longer than a lane waits for a lock.
    let mut owner = world.database.owner().await;
    let mut holding = owner.begin().await.unwrap();
    sqlx::query("SELECT FROM queues FOR UPDATE").execute(&mut *holding).await.unwrap();

    let runs = Arc::new(AtomicUsize::new(0));
    let mut commands = JoinSet::new();
    let (journal, tenant) = (world.journal().clone(), world.tenant);
    let counted = runs.clone();
    commands.spawn(async move {
        let done = journal
            .command(tenant, move |tx| {
                let counted = counted.clone();
                async move {
                    counted.fetch_add(1, Ordering::SeqCst);
                    sqlx::query("UPDATE queues SET name = 'Mine'").execute(tx.conn()).await?;
                    Ok::<_, Fault<()>>(Outcome::new(()).event(event(1_000)))
                }
                .boxed()
            })
            .await
            .unwrap();
        done.seqs.unwrap().first
    });
    for n in 0..20 {
        let (journal, tenant) = (world.journal().clone(), world.tenant);
        commands.spawn(async move { journal.append(tenant, vec![event(n)]).await.unwrap().first });
    }
    // Let go once the command has been stopped by the lock time-out at least once.
    while runs.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    holding.rollback().await.unwrap();
    let mut places: Vec<i64> = commands.join_all().await.into_iter().map(Seq::get).collect();
    places.sort_unstable();
    assert_eq!(places, (1..=21).collect::<Vec<_>>());
    assert!(world.journal().stats().contended > 0);
}

#[tokio::test]
async fn a_race_that_is_lost_for_good_is_said_to_be_and_writes_nothing() {
    let world = World::new().await;
    world
        .journal()
        .command(world.tenant, |tx| async move { Ok::<_, Fault<()>>(Outcome::new(add_queue(tx, "1").await?)) }.boxed())
        .await
        .unwrap();
    let mut owner = world.database.owner().await;
    let mut holding = owner.begin().await.unwrap();
    sqlx::query("SELECT FROM queues FOR UPDATE").execute(&mut *holding).await.unwrap();
    let error = world
        .journal()
        .command(world.tenant, |tx| {
            async move {
                sqlx::query("UPDATE queues SET name = 'Mine'").execute(tx.conn()).await?;
                Ok::<_, Fault<()>>(Outcome::new(()).event(event(1)))
            }
            .boxed()
        })
        .await
        .unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    holding.rollback().await.unwrap();
    let page = world.journal().read(world.tenant, Seq(0), 10, &Filter::all()).await.unwrap();
    assert_eq!(page.as_of_seq, Seq(0));
}

#[tokio::test]
async fn what_waits_at_shutdown_is_still_written() {
    let world = World::new().await;
    let mut appends = JoinSet::new();
    for n in 0..50 {
        let (journal, tenant) = (world.journal().clone(), world.tenant);
        appends.spawn(async move { journal.append(tenant, vec![event(n)]).await });
    }
    // All have been handed to the lane before it hears that it should stop.
    while appends.len() < 50 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    world.node.cancel.cancel();
    world.journal().stopped().await;
    let results = appends.join_all().await;
    let written = results.iter().filter(|result| result.is_ok()).count();
    assert!(
        results
            .iter()
            .all(|result| result.as_ref().is_ok_and(|_| true)
                || result.as_ref().is_err_and(CommandError::is_unavailable))
    );
    let mut tx = world.node.db.tenant(world.tenant).await.unwrap();
    assert_eq!(tx.as_of_seq().await.unwrap(), written as i64, "what was answered is what was written");
    let late = world.journal().append(world.tenant, vec![event(0)]).await.unwrap_err();
    assert!(late.is_unavailable());
}
