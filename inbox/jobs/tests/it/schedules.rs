//! What comes again and again.

use std::time::Duration;

use tokio::sync::mpsc;
use trunkline_jobs::{Done, Job, Schedule, Worker};

use crate::support::{Node, World, next, quick};

async fn make_due(world: &World, name: &str) {
    let mut owner = world.owner().await;
    let moved = sqlx::query("UPDATE job_schedules SET next_at = now() - interval '1 s' WHERE name = $1")
        .bind(name)
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(moved.rows_affected(), 1);
}

async fn jobs(world: &World) -> i64 {
    let mut owner = world.owner().await;
    sqlx::query_scalar("SELECT count(*) FROM jobs").fetch_one(&mut owner).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_nodes_make_one_job_of_a_tick() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let mut nodes = Vec::new();
    for _ in 0..4 {
        let said = said.clone();
        let worker = Worker::new(world.another_db().await, quick())
            .schedule(Schedule::every("often", Duration::from_secs(1), "test").payload(serde_json::json!({ "n": 7 })))
            .handle("test", move |job: Job| {
                said.send(job.payload.clone()).unwrap();
                std::future::ready(Ok(Done))
            });
        nodes.push(Node::start(worker));
    }
    for _ in 0..3 {
        assert_eq!(next(&mut heard).await["n"], 7);
    }
    let mut owner = world.owner().await;
    let (count, seconds): (i64, f64) = sqlx::query_as(
        "SELECT count(*), coalesce(extract(epoch FROM max(created_at) - min(created_at)), 0)::float8 FROM jobs",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert!(f64::from(u32::try_from(count).unwrap()) <= seconds + 2.0, "{count} jobs in {seconds} s");
}

#[tokio::test]
async fn a_tick_is_left_out_while_the_job_of_the_one_before_is_not_finished() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let worker = Worker::new(world.db.clone(), quick())
        .schedule(Schedule::every("slow", Duration::from_secs(1), "test"))
        .handle("test", move |_| {
            said.send(()).unwrap();
            std::future::pending::<Result<Done, _>>()
        });
    let _node = Node::start(worker);
    next(&mut heard).await;
    make_due(&world, "slow").await;
    // It was looked at when its next time is ahead again.
    loop {
        let mut owner = world.owner().await;
        let ahead: bool =
            sqlx::query_scalar("SELECT next_at > now() FROM job_schedules").fetch_one(&mut owner).await.unwrap();
        if ahead {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(jobs(&world).await, 1);
}
