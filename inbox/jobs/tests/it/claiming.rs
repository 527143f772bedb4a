//! Who gets a job, and for how long.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use tokio::sync::mpsc;
use trunkline_jobs::{Done, Failure, NewJob, Worker, WorkerConfig};

use crate::support::{NEVER, Node, PATIENCE, World, connect, job, next, number, quick, teller, told};

#[tokio::test]
async fn a_job_that_was_committed_is_done_at_once_with_what_it_was_given() {
    let world = World::new().await;
    let (handler, mut heard) = teller();
    let _worker = world.worker(told(), handler);
    let id = world.enqueue(NewJob::new("test", json!({ "to": "you" }))).await;
    let done = next(&mut heard).await;
    assert_eq!((done.id, done.tenant, done.attempt), (id, Some(world.tenant), 1));
    assert_eq!(done.payload, json!({ "to": "you" }));
    world.until(id, "done").await;
    // What it was given is not kept.
    let mut owner = world.owner().await;
    let (payload,): (String,) = sqlx::query_as("SELECT payload::text FROM jobs").fetch_one(&mut owner).await.unwrap();
    assert_eq!(payload, "null");
}

#[tokio::test]
async fn a_job_that_was_rolled_back_never_was() {
    let world = World::new().await;
    let (handler, mut heard) = teller();
    let _worker = world.worker(told(), handler);
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    trunkline_jobs::enqueue(&mut tx, job(1)).await.unwrap();
    tx.rollback().await.unwrap();
    world.enqueue(job(2)).await;
    assert_eq!(number(&next(&mut heard).await.payload), 2);
}

#[tokio::test]
async fn what_belongs_to_no_tenant_is_done_too() {
    let world = World::new().await;
    let (handler, mut heard) = teller();
    let _worker = world.worker(told(), handler);
    let mut tx = world.db.system().await.unwrap();
    trunkline_jobs::enqueue_system(&mut tx, job(1)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(next(&mut heard).await.tenant, None);
}

#[tokio::test]
async fn a_kind_that_nobody_knows_waits() {
    let world = World::new().await;
    let (handler, mut heard) = teller();
    let unknown = world.enqueue(NewJob::new("other", json!(null)).priority(9)).await;
    let _worker = world.worker(quick(), handler);
    world.enqueue(job(1)).await;
    next(&mut heard).await;
    assert_eq!(world.job(unknown).await.state, "ready");
}

#[tokio::test]
async fn a_job_waits_for_its_time() {
    let world = World::new().await;
    let (handler, mut heard) = teller();
    let _worker = world.worker(quick(), handler);
    let at = Utc::now() + TimeDelta::milliseconds(300);
    world.enqueue(job(1).run_at(at)).await;
    world.enqueue(job(2)).await;
    assert_eq!(number(&next(&mut heard).await.payload), 2);
    assert_eq!(number(&next(&mut heard).await.payload), 1);
    assert!(Utc::now() >= at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_never_run_one_job_twice_at_once() {
    let world = World::new().await;
    let running = Arc::new(Mutex::new(HashSet::new()));
    let (said, mut heard) = mpsc::unbounded_channel();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let (running, said) = (Arc::clone(&running), said.clone());
        let handler = move |job: trunkline_jobs::Job| {
            let (running, said) = (Arc::clone(&running), said.clone());
            async move {
                assert!(running.lock().unwrap().insert(job.id), "it runs already");
                tokio::time::sleep(Duration::from_millis(2)).await;
                running.lock().unwrap().remove(&job.id);
                said.send(number(&job.payload)).unwrap();
                Ok(Done)
            }
        };
        nodes.push(Node::start(Worker::new(world.another_db().await, quick()).handle("test", handler)));
    }
    for n in 0..300 {
        world.enqueue(job(n)).await;
    }
    let mut done = Vec::new();
    for _ in 0..300 {
        done.push(next(&mut heard).await);
    }
    done.sort_unstable();
    assert_eq!(done, (0..300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_job_of_a_worker_that_died_is_done_by_another() {
    let world = World::new().await;
    let lease = Duration::from_millis(400);
    let (said, mut heard) = mpsc::unbounded_channel();
    // A process of its own, as far as a test can have one: when its runtime goes, nothing is told to anybody.
    let doomed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (url, said_there) = (world.url().to_owned(), said.clone());
    doomed.spawn(async move {
        let worker = Worker::new(connect(&url).await, WorkerConfig { lease, ..quick() }).handle("test", move |job| {
            said_there.send(("doomed", job.attempt)).unwrap();
            std::future::pending()
        });
        let node = Node::start(worker);
        std::future::pending::<()>().await;
        drop(node);
    });
    let id = world.enqueue(job(1)).await;
    assert_eq!(next(&mut heard).await, ("doomed", 1));

    let second = world.worker(WorkerConfig { lease, ..quick() }, move |job| {
        said.send(("second", job.attempt)).unwrap();
        std::future::ready(Ok(Done))
    });
    // While it lives its lease is renewed.
    tokio::time::sleep(lease * 2).await;
    assert_eq!(world.job(id).await.state, "running");
    let died = std::time::Instant::now();
    doomed.shutdown_background();
    assert_eq!(next(&mut heard).await, ("second", 2));
    assert!(died.elapsed() < lease * 2, "{:?}", died.elapsed());
    world.until(id, "done").await;
    second.stop().await;
}

#[tokio::test]
async fn no_lease_is_longer_than_half_a_minute() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let worker = world.worker(WorkerConfig { lease: NEVER, stop_patience: Duration::ZERO, ..told() }, move |_| {
        said.send(()).unwrap();
        std::future::pending()
    });
    world.enqueue(job(1)).await;
    next(&mut heard).await;
    let mut owner = world.owner().await;
    let (longest,): (f64,) =
        sqlx::query_as("SELECT extract(epoch FROM max(lease_until) - clock_timestamp())::float8 FROM jobs")
            .fetch_one(&mut owner)
            .await
            .unwrap();
    assert!(longest <= 30.0, "{longest}");
    worker.stop().await;
}

#[tokio::test]
async fn an_attempt_whose_lease_was_lost_is_given_up_and_its_end_refused() {
    let world = World::new().await;
    let count = Arc::new(AtomicUsize::new(0));
    let (said, mut heard) = mpsc::unbounded_channel();
    let lease = Duration::from_millis(200);
    let _worker = world.worker(WorkerConfig { lease, slots: 1, ..quick() }, move |job| {
        struct Gone(Arc<AtomicUsize>);
        impl Drop for Gone {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        said.send((job.attempt, count.load(Ordering::SeqCst))).unwrap();
        let gone = Gone(Arc::clone(&count));
        async move {
            if job.attempt == 1 {
                std::future::pending::<()>().await;
            }
            drop(gone);
            Ok(Done)
        }
    });
    let id = world.enqueue(job(1)).await;
    assert_eq!(next(&mut heard).await, (1, 0));
    // Somebody thinks that we are dead.
    let mut owner = world.owner().await;
    sqlx::query("UPDATE jobs SET state = 'ready', owner = NULL, lease_until = NULL").execute(&mut owner).await.unwrap();
    assert_eq!(next(&mut heard).await, (2, 1), "the first is gone before the second begins: there is one slot");
    world.until(id, "done").await;
}

#[tokio::test]
async fn the_end_of_a_stale_attempt_is_refused() {
    let world = World::new().await;
    let id = world.enqueue(job(1)).await;
    let mut owner = world.owner().await;
    let (one, other) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
    let mut claim = async |worker: uuid::Uuid| {
        let (attempt,): (i32,) = sqlx::query_as(
            "SELECT attempt FROM job_claim($1, interval '-1 s', 1, '{test}', '00000000-0000-0000-0000-000000000000', '{}', '{}')",
        )
        .bind(worker)
        .fetch_one(&mut owner)
        .await
        .unwrap();
        attempt
    };
    assert_eq!((claim(one).await, claim(other).await), (1, 2));
    let mut owner = world.owner().await;
    for (worker, attempt, fits) in
        [(one, 1, false), (one, 2, false), (other, 1, false), (other, 2, true), (other, 2, false)]
    {
        let renewed: Vec<(uuid::Uuid,)> = sqlx::query_as("SELECT job_renew($1, interval '1 h', ARRAY[$2], ARRAY[$3])")
            .bind(worker)
            .bind(id)
            .bind(attempt)
            .fetch_all(&mut owner)
            .await
            .unwrap();
        assert_eq!(renewed.len(), usize::from(fits));
        let (finished,): (bool,) = sqlx::query_as("SELECT job_finish($1, $2, $3, 'done', NULL, NULL)")
            .bind(id)
            .bind(worker)
            .bind(attempt)
            .fetch_one(&mut owner)
            .await
            .unwrap();
        assert_eq!(finished, fits, "attempt {attempt}");
    }
}

#[tokio::test]
async fn a_worker_that_stops_claims_nothing_and_lets_what_runs_end() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let (let_go, may_go) = tokio::sync::watch::channel(false);
    let worker = world.worker(WorkerConfig { slots: 1, ..told() }, move |_| {
        let (said, mut may_go) = (said.clone(), may_go.clone());
        async move {
            said.send(()).unwrap();
            may_go.wait_for(|may| *may).await.unwrap();
            Ok(Done)
        }
    });
    let first = world.enqueue(job(1)).await;
    next(&mut heard).await;
    worker.cancel.cancel();
    let later = world.enqueue(job(2)).await;
    let_go.send(true).unwrap();
    tokio::time::timeout(PATIENCE, worker.working.stopped()).await.unwrap();
    assert_eq!(world.job(first).await.state, "done");
    assert_eq!(world.job(later).await.state, "ready");
}

#[tokio::test]
async fn what_does_not_end_in_time_is_given_back_and_costs_no_attempt() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let config = WorkerConfig { stop_patience: Duration::from_millis(50), ..told() };
    let worker = world.worker(config, move |_| {
        said.send(()).unwrap();
        std::future::pending()
    });
    let id = world.enqueue(job(1).max_attempts(1)).await;
    next(&mut heard).await;
    worker.stop().await;
    assert_eq!(world.job(id).await.state, "ready");
    let (handler, mut heard) = teller();
    let _second = world.worker(told(), handler);
    let again = next(&mut heard).await;
    assert_eq!((again.attempt, again.is_last_attempt), (2, true));
    world.until(id, "done").await;
}

#[tokio::test]
async fn a_handler_that_panics_or_takes_too_long_has_failed() {
    let world = World::new().await;
    let worker = Worker::new(world.db.clone(), told())
        .handle("panics", |_| async { panic!("as it should in this test") })
        .handle_within("sleeps", Duration::from_millis(20), |_| std::future::pending::<Result<Done, Failure>>());
    let _node = Node::start(worker);
    let panics = world.enqueue(NewJob::new("panics", json!(null)).max_attempts(1)).await;
    let sleeps = world.enqueue(NewJob::new("sleeps", json!(null)).max_attempts(1)).await;
    assert!(world.until(panics, "dead").await.error.unwrap().contains("panicked"));
    assert!(world.until(sleeps, "dead").await.error.unwrap().contains("longer than 0.02 s"));
}
