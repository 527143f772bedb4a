//! PostgreSQL goes away in the middle of everything, and comes back.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trunkline_db::{EventId, TenantId};
use trunkline_journal::{CommandError, Filter, Journal, JournalConfig, ReadError, Seq, Start};
use trunkline_stack::PostgresOptions;

use crate::support::{Cluster, Node, PATIENCE, Reader, append, event, make_tenant};

/// What writers were told of each event that they tried to append.
#[derive(Debug, Default)]
struct Answers {
    /// Surely written, there.
    written: BTreeMap<EventId, Seq>,
    /// Surely not written.
    refused: BTreeSet<EventId>,
    /// Either.
    unknown: BTreeSet<EventId>,
}

/// Writes without a pause until told to stop, whatever happens.
fn start_writers(journal: &Journal, tenant: TenantId, stop: &CancellationToken) -> JoinSet<Answers> {
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (journal, stop) = (journal.clone(), stop.clone());
        writers.spawn(async move {
            let mut answers = Answers::default();
            let mut n = 0;
            while !stop.is_cancelled() {
                n += 1;
                let event = event(writer * 1_000_000 + n);
                let id = event.id;
                let asked = Instant::now();
                match journal.append(tenant, vec![event]).await {
                    Ok(range) => {
                        answers.written.insert(id, range.first);
                    }
                    Err(CommandError::Unknown) => {
                        answers.unknown.insert(id);
                    }
                    Err(error) if error.is_unavailable() => {
                        answers.refused.insert(id);
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    Err(error) => panic!("{error:?}"),
                }
                assert!(asked.elapsed() < Duration::from_secs(8), "answered late: {:?}", asked.elapsed());
            }
            answers
        });
    }
    writers
}

async fn gather(writers: JoinSet<Answers>) -> Answers {
    let mut all = Answers::default();
    for answers in writers.join_all().await {
        all.written.extend(answers.written);
        all.refused.extend(answers.refused);
        all.unknown.extend(answers.unknown);
    }
    all
}

/// What was answered, what is in the log and what was shown agree.
async fn agree(node: &Node, tenant: TenantId, answers: &Answers, watcher: &mut Reader) {
    let mut log = BTreeMap::new();
    let mut after = Seq(0);
    loop {
        let page = node.journal.read(tenant, after, 1_000, &Filter::all()).await.unwrap();
        for frame in &page.items {
            assert!(log.insert(frame.id(), frame.seq()).is_none(), "written twice");
        }
        after = page.next_after;
        if after == page.as_of_seq {
            break;
        }
    }
    for (id, seq) in &answers.written {
        assert_eq!(log.get(id), Some(seq), "what was answered is in its place");
    }
    assert!(answers.refused.iter().all(|id| !log.contains_key(id)), "what was refused is not written");
    let explained = log.keys().filter(|id| answers.written.contains_key(id) || answers.unknown.contains(id)).count();
    assert_eq!(explained, log.len());
    watcher.until(after.get()).await;
    let shown: BTreeMap<_, _> = watcher.events.iter().map(|frame| (frame.id(), frame.seq())).collect();
    assert_eq!(shown.len(), watcher.events.len(), "shown twice");
    assert_eq!(shown, log);
}

async fn watch(node: &Node, tenant: TenantId) -> Reader {
    let start = Start::after(Seq(0));
    Reader::new(node.journal.hub().subscribe(tenant, start, Filter::all()).await.unwrap(), start)
}

/// Reads along while the writers write, as clients do.
async fn read_along(watcher: &mut Reader, until: impl Future<Output = ()>) {
    let mut until = std::pin::pin!(until);
    loop {
        tokio::select! {
            () = &mut until => return,
            batch = watcher.subscription.next() => watcher.take(batch),
        }
    }
}

/// Waits until at least `n` more commands were committed.
async fn committed(node: &Node, n: u64) {
    let goal = node.journal.stats().commands + n;
    let deadline = Instant::now() + PATIENCE;
    while node.journal.stats().commands < goal {
        assert!(Instant::now() < deadline, "{:?}", node.journal.stats());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a command was answered as unavailable.
async fn refused(node: &Node) {
    let before = node.journal.stats().unavailable;
    let deadline = Instant::now() + PATIENCE;
    while node.journal.stats().unavailable == before {
        assert!(Instant::now() < deadline, "{:?}", node.journal.stats());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_stopped_killed_and_started_again_loses_and_doubles_nothing() {
    let mut cluster = Cluster::start(PostgresOptions::default()).await;
    let node = cluster.database().node(JournalConfig::default()).await;
    let tenant = make_tenant(&node.db).await;
    let mut watcher = watch(&node, tenant).await;
    let stop = CancellationToken::new();
    let writers = start_writers(&node.journal, tenant, &stop);
    for killed in [false, true, false, true] {
        read_along(&mut watcher, committed(&node, 200)).await;
        if killed {
            cluster.postgres.kill();
        } else {
            cluster.postgres.stop();
        }
        read_along(&mut watcher, refused(&node)).await;
        cluster.postgres.start_again().await.unwrap();
    }
    read_along(&mut watcher, committed(&node, 200)).await;
    stop.cancel();
    let answers = gather(writers).await;
    assert!(answers.written.len() > 1_000 && !answers.refused.is_empty());
    agree(&node, tenant, &answers, &mut watcher).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_under_load_are_made_anew_and_their_outcome_is_proved() {
    let cluster = Arc::new(Cluster::start(PostgresOptions::default()).await);
    let node = cluster.database().node(JournalConfig::default()).await;
    let tenant = make_tenant(&node.db).await;
    let mut watcher = watch(&node, tenant).await;
    let stop = CancellationToken::new();
    let writers = start_writers(&node.journal, tenant, &stop);
    let mut superuser = PgConnection::connect(&cluster.postgres.superuser_url("postgres")).await.unwrap();
    for _ in 0..20 {
        read_along(&mut watcher, committed(&node, 50)).await;
        sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'trunkline'")
            .execute(&mut superuser)
            .await
            .unwrap();
    }
    read_along(&mut watcher, committed(&node, 50)).await;
    stop.cancel();
    let answers = gather(writers).await;
    assert!(answers.unknown.is_empty(), "the server was there to be asked: {}", answers.unknown.len());
    agree(&node, tenant, &answers, &mut watcher).await;
}

#[tokio::test]
async fn with_the_database_away_commands_fail_soon_and_the_hub_serves_what_it_has() {
    let mut cluster = Cluster::start(PostgresOptions::default()).await;
    let node = cluster.database().node(JournalConfig::default()).await;
    let tenant = make_tenant(&node.db).await;
    let idle = make_tenant(&node.db).await;
    let mut watcher = watch(&node, tenant).await;
    append(&node.journal, tenant, 0, 20).await;
    watcher.until(20).await;
    cluster.postgres.stop();

    let asked = Instant::now();
    let error = node.journal.append(tenant, vec![event(99)]).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    // One who comes back to a tenant that others listen to is served from memory.
    let start = Start::after(Seq(5));
    let mut back = Reader::new(node.journal.hub().subscribe(tenant, start, Filter::all()).await.unwrap(), start);
    back.until_caught_up().await;
    assert_eq!(back.numbers(), (5..20).collect::<Vec<_>>());
    // Of others nothing is known.
    let error = node.journal.hub().subscribe(idle, Start::live(), Filter::all()).await.unwrap_err();
    assert!(matches!(error, ReadError::Db(error) if error.is_unavailable()));
    let error = node.journal.read(tenant, Seq(0), 10, &Filter::all()).await.unwrap_err();
    assert!(matches!(error, ReadError::Db(error) if error.is_unavailable()));

    cluster.postgres.start_again().await.unwrap();
    append(&node.journal, tenant, 20, 1).await;
    watcher.until(21).await;
    back.until(21).await;
    node.journal.hub().subscribe(idle, Start::live(), Filter::all()).await.unwrap();
}

#[tokio::test]
async fn a_reader_behind_the_ring_waits_for_the_database_to_come_back() {
    let mut cluster = Cluster::start(PostgresOptions::default()).await;
    let config = JournalConfig { ring_frames: 8, ..JournalConfig::default() };
    let node = cluster.database().node(config).await;
    let tenant = make_tenant(&node.db).await;
    let mut slow = watch(&node, tenant).await;
    append(&node.journal, tenant, 0, 100).await;
    cluster.postgres.stop();
    let waited = tokio::time::timeout(Duration::from_millis(300), slow.subscription.next()).await;
    assert!(waited.is_err(), "there is nothing to be had");
    cluster.postgres.start_again().await.unwrap();
    slow.until(100).await;
    assert_eq!(slow.numbers(), (0..100).collect::<Vec<_>>());
}
