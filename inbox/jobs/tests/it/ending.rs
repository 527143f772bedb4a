//! What becomes of a job that fails.

use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use trunkline_jobs::{Done, Failure, Found, NewJob, WorkerConfig};

use crate::support::{World, job, make_tenant, next, quick, teller, told};

#[tokio::test]
async fn a_job_that_fails_is_tried_again_until_it_is_dead() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let worker = world.worker(quick(), move |job| {
        said.send((job.attempt, job.is_last_attempt)).unwrap();
        std::future::ready(Err(Failure::retry("the other side is away")))
    });
    let id = world.enqueue(job(1).max_attempts(3)).await;
    for expected in [(1, false), (2, false), (3, true)] {
        assert_eq!(next(&mut heard).await, expected);
    }
    let dead = world.until(id, "dead").await;
    assert_eq!((dead.attempt, dead.error.as_deref()), (3, Some("the other side is away")));
    worker.stop().await;

    // Somebody who knows better: as many attempts again, and the numbers go on.
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    assert_eq!(trunkline_jobs::retry(&mut tx, id).await.unwrap(), Some(Found::Dead));
    tx.commit().await.unwrap();
    let (handler, mut heard) = teller();
    let _worker = world.worker(told(), handler);
    let again = next(&mut heard).await;
    assert_eq!((again.attempt, again.is_last_attempt), (4, false));
    world.until(id, "done").await;
}

#[tokio::test]
async fn what_cannot_succeed_is_dead_at_once() {
    let world = World::new().await;
    let _worker = world.worker(told(), |_| std::future::ready(Err(Failure::dead("there is no such mailbox"))));
    let id = world.enqueue(job(1)).await;
    let dead = world.until(id, "dead").await;
    assert_eq!((dead.attempt, dead.error.as_deref()), (1, Some("there is no such mailbox")));
}

#[tokio::test]
async fn nobody_comes_back_before_they_were_asked_to() {
    let world = World::new().await;
    let _worker =
        world.worker(told(), |_| std::future::ready(Err(Failure::retry_after("too many", Duration::from_mins(10)))));
    let id = world.enqueue(job(1)).await;
    let waiting = world.until(id, "scheduled").await;
    assert!(waiting.wait > 590.0 && waiting.wait <= 660.0, "{waiting:?}");
    assert_eq!(waiting.error.as_deref(), Some("too many"));

    // Unless somebody wants it now.
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    assert_eq!(trunkline_jobs::retry(&mut tx, id).await.unwrap(), Some(Found::Waiting));
    tx.commit().await.unwrap();
    while world.job(id).await.attempt < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_dead_in_the_end() {
    let world = World::new().await;
    let id = world.enqueue(job(1).max_attempts(2)).await;
    let mut owner = world.owner().await;
    for _ in 0..3 {
        sqlx::query(
            "SELECT job_claim($1, interval '-1 s', 1, '{test}', '00000000-0000-0000-0000-000000000000', '{}', '{}')",
        )
        .bind(uuid::Uuid::now_v7())
        .execute(&mut owner)
        .await
        .unwrap();
    }
    let dead = world.job(id).await;
    assert_eq!((dead.state.as_str(), dead.attempt), ("dead", 2));
    assert!(dead.error.unwrap().contains("vanished"));
}

#[tokio::test]
async fn a_job_is_dropped_unless_it_runs_and_only_by_its_tenant() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let config = WorkerConfig { stop_patience: Duration::ZERO, ..told() };
    let worker = world.worker(config, move |_| {
        said.send(()).unwrap();
        std::future::pending::<Result<Done, Failure>>()
    });
    let running = world.enqueue(job(1)).await;
    next(&mut heard).await;
    let waiting = world.enqueue(NewJob::new("other", json!(null))).await;
    let stranger = make_tenant(&world.db).await;

    let mut tx = world.db.tenant(stranger).await.unwrap();
    assert_eq!(trunkline_jobs::drop_job(&mut tx, waiting).await.unwrap(), None);
    assert_eq!(trunkline_jobs::retry(&mut tx, waiting).await.unwrap(), None);
    let (seen,): (i64,) = sqlx::query_as("SELECT count(*) FROM jobs").fetch_one(tx.conn()).await.unwrap();
    assert_eq!(seen, 0);
    tx.commit().await.unwrap();

    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    assert_eq!(trunkline_jobs::drop_job(&mut tx, running).await.unwrap(), Some(Found::Running));
    assert_eq!(trunkline_jobs::drop_job(&mut tx, waiting).await.unwrap(), Some(Found::Waiting));
    assert_eq!(trunkline_jobs::drop_job(&mut tx, waiting).await.unwrap(), None);
    // Nor may a tenant write past the functions.
    let denied = sqlx::query("DELETE FROM jobs").execute(tx.conn()).await.unwrap_err();
    assert!(denied.to_string().contains("permission denied"), "{denied}");
    drop(tx);
    worker.stop().await;
    assert_eq!(world.job(running).await.state, "ready");
}

#[tokio::test]
async fn what_ended_long_ago_is_swept() {
    let world = World::new().await;
    let mut owner = world.owner().await;
    for (state, age) in [("done", "1 hour"), ("done", "3 days"), ("dead", "3 days"), ("dead", "40 days")] {
        sqlx::query(
            "INSERT INTO jobs (id, tenant_id, kind, priority, payload, sealed, state, max_attempts, last_attempt, run_at, finished_at)
             VALUES (gen_random_uuid(), $1, 'test', 0, 'null', false, $2, 1, 1, now(), now() - $3::interval)",
        )
        .bind(world.tenant)
        .bind(state)
        .bind(age)
        .execute(&mut owner)
        .await
        .unwrap();
    }
    let day = Duration::from_hours(24);
    assert_eq!(trunkline_jobs::sweep(&world.db, day, day * 30).await.unwrap(), 2);
    let left: Vec<(String,)> =
        sqlx::query_as("SELECT state FROM jobs ORDER BY state").fetch_all(&mut owner).await.unwrap();
    assert_eq!(left, [("dead".to_owned(),), ("done".to_owned(),)]);
    let backlog = trunkline_jobs::backlog(&world.db).await.unwrap();
    assert_eq!((backlog[0].kind.as_str(), backlog[0].dead, backlog[0].waiting), ("test", 1, 0));
}
