//! Several nodes on one database, and databases that are no longer the same.

use std::time::Duration;

use chrono::Utc;
use sqlx::PgConnection;
use trunkline_db::{Db, TenantId, UserId};
use trunkline_journal::{Filter, JournalConfig, ReadError, Reset, Seq, Start, Viewer};
use uuid::Uuid;

use crate::support::{Reader, World, append, event};

/// Never polls within a test: what is seen was told by NOTIFY.
const NOTIFIED_ONLY: Duration = Duration::from_hours(1);

async fn watch(node: &crate::support::Node, tenant: TenantId) -> Reader {
    let start = Start::after(Seq(0));
    Reader::new(node.journal.hub().subscribe(tenant, start, Filter::all()).await.unwrap(), start)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_on_one_database_show_the_same_sequence() {
    let world = World::with(JournalConfig { poll_every: NOTIFIED_ONLY, ..JournalConfig::default() }).await;
    let other = world.database.node(JournalConfig { poll_every: NOTIFIED_ONLY, ..JournalConfig::default() }).await;
    assert_eq!(world.journal().epoch(), other.journal.epoch());
    let mut here = watch(&world.node, world.tenant).await;
    let mut there = watch(&other, world.tenant).await;
    // Both listen before anything happens: from here on NOTIFY must do.
    here.until_caught_up().await;
    there.until_caught_up().await;
    other.heard(&world).await;

    let write = async |journal: &trunkline_journal::Journal, from: usize| {
        for n in 0..200 {
            journal.append(world.tenant, vec![event(from + n)]).await.unwrap();
        }
    };
    tokio::join!(write(world.journal(), 0), write(&other.journal, 1_000));
    // Only what is written last may go without a follower that closes the gap: it is told by NOTIFY.
    here.until(400).await;
    there.until(400).await;
    assert_eq!(here.ids(), there.ids());
    let mut numbers = here.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).chain(1_000..1_200).collect::<Vec<_>>());
}

impl crate::support::Node {
    /// Waits until this node hears what another one writes.
    async fn heard(&self, world: &World) {
        let tenant = crate::support::make_tenant(&self.db).await;
        let mut watcher = watch(self, tenant).await;
        watcher.until_caught_up().await;
        let mut wrote = 0;
        while watcher.counted() == 0 {
            append(world.journal(), tenant, wrote, 1).await;
            wrote += 1;
            let _ = tokio::time::timeout(Duration::from_millis(50), watcher.step()).await;
        }
    }
}

/// Appends as somebody would who tells nobody.
async fn append_quietly(db: &Db, tenant: TenantId, n: usize) {
    let mut tx = db.tenant(tenant).await.unwrap();
    sqlx::query("SELECT journal_append($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind((0..n).map(|_| Uuid::now_v7()).collect::<Vec<_>>())
        .bind(vec!["test.happened"; n])
        .bind(vec![Utc::now(); n])
        .bind(vec!["call"; n])
        .bind(vec![Uuid::nil(); n])
        .bind(vec![None::<&str>; n])
        .bind(vec![None::<Uuid>; n])
        .bind(vec!["tenant"; n])
        .bind(vec!["{\"n\":0}"; n])
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_nobody_was_told_of_is_found_by_the_poll_or_by_the_next_write() {
    let world = World::with(JournalConfig { poll_every: Duration::from_millis(50), ..JournalConfig::default() }).await;
    let mut watcher = watch(&world.node, world.tenant).await;
    append_quietly(&world.node.db, world.tenant, 3).await;
    watcher.until(3).await;

    let quiet = World::with(JournalConfig { poll_every: NOTIFIED_ONLY, ..JournalConfig::default() }).await;
    let mut watcher = watch(&quiet.node, quiet.tenant).await;
    watcher.until_caught_up().await;
    append_quietly(&quiet.node.db, quiet.tenant, 3).await;
    quiet.append(3, 1).await;
    watcher.until(4).await;
    // More than a ring holds: everybody reads it from the log.
    append_quietly(&quiet.node.db, quiet.tenant, 1_500).await;
    quiet.append(0, 1).await;
    watcher.until(1_505).await;
}

#[tokio::test]
async fn a_position_seen_on_another_node_is_not_ahead() {
    let world = World::with(JournalConfig { poll_every: NOTIFIED_ONLY, ..JournalConfig::default() }).await;
    let mut keeper = watch(&world.node, world.tenant).await;
    keeper.until_caught_up().await;
    append_quietly(&world.node.db, world.tenant, 5).await;
    let mut moved = world.subscribe(Start::after(Seq(5)), Filter::all()).await;
    moved.until_caught_up().await;
    world.append(5, 1).await;
    moved.until(6).await;
    keeper.until(6).await;
}

#[tokio::test]
async fn changed_grants_are_heard_on_every_node() {
    let world = World::new().await;
    let other = world.database.node(JournalConfig::default()).await;
    let user = UserId::new();
    other.heard(&world).await;
    let filter = Filter::of(Viewer::member([]).user(user));
    let there = other.journal.hub().subscribe(world.tenant, Start::live(), filter).await.unwrap();
    let mut there = Reader::new(there, Start::live());
    world.journal().hub().permissions_changed(world.tenant, user);
    assert_eq!(there.until_reset().await, Reset::Permissions);
}

/// As if the server had been promoted: the epoch on record was begun on another timeline.
async fn change_timeline(owner: &mut PgConnection) {
    sqlx::query("UPDATE journal_epoch SET timeline = timeline + 1").execute(owner).await.unwrap();
}

#[tokio::test]
async fn another_timeline_is_another_epoch() {
    let world = World::new().await;
    world.append(0, 3).await;
    let old = world.journal().epoch();
    let mut watcher = world.subscribe(Start::after(Seq(3)), Filter::all()).await;
    watcher.until_caught_up().await;
    let mut owner = world.database.owner().await;
    change_timeline(&mut owner).await;

    // One that starts begins it.
    let later = world.database.node(JournalConfig::default()).await;
    let new = later.journal.epoch();
    assert_ne!(new, old);
    let start = Start { after: Some(Seq(3)), epoch: Some(old), after_id: None };
    let error = later.journal.hub().subscribe(world.tenant, start, Filter::all()).await.unwrap_err();
    assert!(matches!(error, ReadError::Reset(Reset::Epoch)));
    // A second one finds it on record.
    assert_eq!(world.database.node(JournalConfig::default()).await.journal.epoch(), new);

    // One that was running hears of it when its connections break, as they do in a promotion.
    let cut: Vec<(bool,)> = sqlx::query_as(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND usename = 'trunkline' AND pid <> pg_backend_pid()",
    )
    .fetch_all(&mut superuser(&world).await)
    .await
    .unwrap();
    assert!(!cut.is_empty());
    assert_eq!(watcher.until_reset().await, Reset::Epoch);
    assert_eq!(world.journal().epoch(), new);
    let mut back = world.subscribe(Start { epoch: Some(new), ..Start::after(Seq(0)) }, Filter::all()).await;
    world.append(3, 1).await;
    back.until(4).await;
}

async fn superuser(world: &World) -> PgConnection {
    use sqlx::Connection as _;
    PgConnection::connect(&world.superuser_url()).await.unwrap()
}

#[tokio::test]
async fn a_journal_that_lost_what_was_shown_is_diverged() {
    let world = World::with(JournalConfig { poll_every: Duration::from_millis(50), ..JournalConfig::default() }).await;
    let mut watcher = watch(&world.node, world.tenant).await;
    world.append(0, 10).await;
    watcher.until(10).await;
    // As after a fail-over that lost the newest commits, on a server that says nothing of it.
    let mut owner = world.database.owner().await;
    sqlx::raw_sql("DELETE FROM events WHERE seq > 6; UPDATE journal_heads SET seq = 6")
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(watcher.until_reset().await, Reset::Diverged);
    let mut back = world.subscribe(Start::after(Seq(6)), Filter::all()).await;
    world.append(100, 1).await;
    back.until(7).await;
    assert_eq!(back.numbers(), [100]);
}
