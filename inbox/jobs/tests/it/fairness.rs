//! Whose turn it is.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use trunkline_db::TenantId;
use trunkline_jobs::{Done, Job, WorkerConfig};

use crate::support::{World, enqueue, job, make_tenant, next, number, teller, told};

/// Waiting jobs, as many as wanted, in one statement.
async fn fill(world: &World, tenant: TenantId, count: i32) {
    let mut owner = world.owner().await;
    sqlx::query(
        "INSERT INTO jobs (id, tenant_id, kind, priority, payload, sealed, state, max_attempts, last_attempt, run_at)
         SELECT gen_random_uuid(), $1, 'test', 0, '{\"n\":0}', false, 'ready', 1, 1, now() FROM generate_series(1, $2)",
    )
    .bind(tenant)
    .bind(count)
    .execute(&mut owner)
    .await
    .unwrap();
}

#[tokio::test]
async fn ten_thousand_waiting_jobs_of_one_tenant_delay_nobody_else() {
    let world = World::new().await;
    let others = [make_tenant(&world.db).await, make_tenant(&world.db).await];
    fill(&world, world.tenant, 10_000).await;
    for other in others {
        enqueue(&world.db, other, job(1)).await;
    }
    let (handler, mut heard) = teller();
    let _worker = world.worker(WorkerConfig { slots: 4, ..told() }, handler);
    let mut first = Vec::new();
    for _ in 0..4 {
        first.push(next(&mut heard).await.tenant.unwrap());
    }
    for other in others {
        assert!(first.contains(&other), "{first:?}");
    }
}

#[tokio::test]
async fn tenants_with_much_to_do_leave_a_slot_for_the_next_one() {
    let world = World::new().await;
    let (said, mut heard) = mpsc::unbounded_channel();
    let config = WorkerConfig { slots: 16, stop_patience: Duration::ZERO, ..told() };
    let worker = world.worker(config, move |job: Job| {
        said.send(job.tenant.unwrap()).unwrap();
        std::future::pending::<Result<Done, _>>()
    });
    // One after the other, each with jobs that never end: each gets something, however much the ones before took.
    let mut taken: HashMap<TenantId, usize> = HashMap::new();
    let mut tenants = vec![world.tenant];
    for _ in 0..2 {
        tenants.push(make_tenant(&world.db).await);
    }
    for tenant in &tenants {
        fill(&world, *tenant, 100).await;
        // Told of by one that is enqueued as usual.
        enqueue(&world.db, *tenant, job(1)).await;
        let first = next(&mut heard).await;
        assert_eq!(first, *tenant);
        *taken.entry(first).or_default() += 1;
        while let Ok(Some(more)) = tokio::time::timeout(Duration::from_millis(300), heard.recv()).await {
            assert_eq!(more, *tenant);
            *taken.entry(more).or_default() += 1;
        }
    }
    let taken: Vec<usize> = tenants.iter().map(|tenant| taken[tenant]).collect();
    assert_eq!(taken, [11, 4, 1]);
    worker.stop().await;
}

#[tokio::test]
async fn a_tenants_jobs_are_taken_by_priority_and_then_in_their_order() {
    let world = World::new().await;
    for (n, priority) in [(1, 0), (2, 5), (3, -5), (4, 5), (5, 0)] {
        world.enqueue(job(n).priority(priority)).await;
    }
    let (handler, mut heard) = teller();
    let _worker = world.worker(WorkerConfig { slots: 1, ..told() }, handler);
    let mut order = Vec::new();
    for _ in 0..5 {
        order.push(number(&next(&mut heard).await.payload));
    }
    assert_eq!(order, [2, 4, 1, 5, 3]);
}
