//! Ordering keys: one at a time, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use trunkline_jobs::{Done, Failure, Job};

use crate::support::{World, enqueue, job, make_tenant, next, number, quick, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_key_run_one_at_a_time_in_their_order() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let running = Arc::new(AtomicUsize::new(0));
    let handler = move |job: Job| {
        let (said, running) = (said.clone(), Arc::clone(&running));
        async move {
            assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "another one of the key runs");
            tokio::time::sleep(Duration::from_millis(1)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            said.send(number(&job.payload)).unwrap();
            // Some fail at first: the later ones wait for them.
            if number(&job.payload).is_multiple_of(7) && job.attempt == 1 {
                Err(Failure::retry("not yet"))
            } else {
                Ok(Done)
            }
        }
    };
    let handler = Arc::new(handler);
    let (one, other) = (Arc::clone(&handler), handler);
    let _workers = [world.worker(quick(), move |job| one(job)), world.worker(quick(), move |job| other(job))];
    // All but the first before it runs, and with priorities that would turn them round.
    for n in 1..=60 {
        world.enqueue(job(n).key("chat/1").priority(n as i16)).await;
    }
    let mut done = Vec::new();
    while done.len() < 60 {
        let n = next(&mut heard).await;
        if n.is_multiple_of(7) {
            assert_eq!(next(&mut heard).await, n, "nothing overtakes what is tried again");
        }
        done.push(n);
    }
    assert_eq!(done, (1..=60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_key_holds_up_neither_other_keys_nor_other_tenants_nor_what_has_none() {
    let world = World::new().await;
    let other = make_tenant(&world.db).await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let _worker = world.worker(told(), move |job| {
        let said = said.clone();
        async move {
            said.send(number(&job.payload)).unwrap();
            if number(&job.payload) == 0 { std::future::pending().await } else { Ok(Done) }
        }
    });
    world.enqueue(job(0).key("a")).await;
    assert_eq!(next(&mut heard).await, 0);
    let held = world.enqueue(job(9).key("a")).await;
    world.enqueue(job(1).key("b")).await;
    enqueue(&world.db, other, job(2).key("a")).await;
    world.enqueue(job(3)).await;
    let mut done = [next(&mut heard).await, next(&mut heard).await, next(&mut heard).await];
    done.sort_unstable();
    assert_eq!(done, [1, 2, 3]);
    world.until(held, "held").await;
}

#[tokio::test]
async fn a_dead_job_and_a_dropped_one_let_the_next_of_their_key_go() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let _worker = world.worker(told(), move |job| {
        said.send(number(&job.payload)).unwrap();
        std::future::ready(match number(&job.payload) {
            1 => Err(Failure::dead("no")),
            2 => Err(Failure::retry_after("later", Duration::from_secs(1000))),
            _ => Ok(Done),
        })
    });
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(trunkline_jobs::enqueue(&mut tx, job(n).key("a")).await.unwrap());
    }
    tx.commit().await.unwrap();
    assert_eq!((next(&mut heard).await, next(&mut heard).await), (1, 2));
    world.until(ids[1], "scheduled").await;
    world.until(ids[2], "held").await;
    let mut tx = world.db.tenant(world.tenant).await.unwrap();
    trunkline_jobs::drop_job(&mut tx, ids[1]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(next(&mut heard).await, 3);
}

#[tokio::test]
async fn a_job_whose_transaction_took_longer_than_a_later_ones_does_not_run_beside_it() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let (let_go, may_go) = tokio::sync::watch::channel(false);
    let _worker = world.worker(told(), move |job| {
        let (said, mut may_go) = (said.clone(), may_go.clone());
        async move {
            said.send(number(&job.payload)).unwrap();
            if number(&job.payload) == 2 {
                may_go.wait_for(|may| *may).await.unwrap();
            }
            said.send(number(&job.payload) + 10).unwrap();
            Ok(Done)
        }
    });
    let mut slow = world.db.tenant(world.tenant).await.unwrap();
    let first = trunkline_jobs::enqueue(&mut slow, job(1).key("a")).await.unwrap();
    world.enqueue(job(2).key("a")).await;
    assert_eq!(next(&mut heard).await, 2);
    slow.commit().await.unwrap();
    world.until(first, "held").await;
    let_go.send(true).unwrap();
    assert_eq!([next(&mut heard).await, next(&mut heard).await, next(&mut heard).await], [12, 1, 11]);
}
