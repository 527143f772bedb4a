//! A claim costs the same whatever waits.

use std::time::{Duration, Instant};

use crate::support::{World, make_tenant};

/// 100,000 waiting jobs: half of them of one tenant, and a good part of those of one key; many that are not due yet. Statistics as a
/// fresh table has them: none.
#[tokio::test]
async fn a_claim_of_a_hundred_thousand_waiting_jobs_reads_a_handful_of_them() {
    let world = World::new().await;
    let mut owner = world.owner().await;
    let mut tenants = vec![world.tenant];
    for _ in 0..50 {
        tenants.push(make_tenant(&world.db).await);
    }
    sqlx::query(
        "INSERT INTO jobs (id, tenant_id, kind, key, priority, payload, sealed, state, max_attempts, last_attempt, run_at)
         SELECT gen_random_uuid(), ($1::uuid[])[CASE WHEN n % 2 = 0 THEN 1 ELSE 1 + n % 51 END], 'test',
                CASE WHEN n % 4 = 0 THEN 'one key' END, n % 3, '{\"n\":0}', false,
                CASE WHEN n % 10 = 9 THEN 'scheduled' WHEN n % 4 = 0 AND n > 4 THEN 'held' ELSE 'ready' END, 5, 5,
                CASE WHEN n % 10 = 9 THEN now() + interval '1 day' ELSE now() END
           FROM generate_series(1, 100000) AS n",
    )
    .bind(&tenants)
    .execute(&mut owner)
    .await
    .unwrap();

    let worker = uuid::Uuid::now_v7();
    let mut took = Vec::new();
    let mut claimed = 0;
    for round in 0..50 {
        let begun = Instant::now();
        let rows: Vec<(uuid::Uuid, i32)> = sqlx::query_as(
            "SELECT id, attempt FROM job_claim($1, interval '1 min', 16, '{test}', '00000000-0000-0000-0000-000000000000', '{}', '{}')",
        )
        .bind(worker)
        .fetch_all(&mut owner)
        .await
        .unwrap();
        took.push(begun.elapsed());
        assert_eq!(rows.len(), 16, "round {round}");
        for (id, attempt) in rows {
            sqlx::query("SELECT job_finish($1, $2, $3, 'done', NULL, NULL)")
                .bind(id)
                .bind(worker)
                .bind(attempt)
                .execute(&mut owner)
                .await
                .unwrap();
            claimed += 1;
        }
    }
    assert_eq!(claimed, 800);
    took.sort_unstable();
    println!("claims of 16 among 100,000: median {:?}, slowest {:?}", took[25], took[49]);
    assert!(took[25] < Duration::from_millis(60), "{took:?}");

    // And not because the machine is quick: few rows are looked at, none of them by reading the table.
    // A connection that has done nothing else: what it counts is this claim's.
    let mut fresh = world.owner().await;
    let mut tx = sqlx::Connection::begin(&mut fresh).await.unwrap();
    sqlx::query(
        "SELECT id FROM job_claim($1, interval '1 min', 16, '{test}', '00000000-0000-0000-0000-000000000000', '{}', '{}')",
    )
    .bind(worker)
    .execute(&mut *tx)
    .await
    .unwrap();
    let (sequential, fetched): (i64, i64) =
        sqlx::query_as("SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'jobs'")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    println!("a claim of 16 looks at {fetched} rows");
    assert_eq!(sequential, 0);
    assert!((16..200).contains(&fetched), "{fetched}");
}

#[tokio::test]
async fn ten_thousand_jobs_of_one_key_do_not_hold_up_the_rest_of_their_tenant() {
    let world = World::new().await;
    let mut owner = world.owner().await;
    sqlx::query(
        "INSERT INTO jobs (id, tenant_id, kind, key, priority, payload, sealed, state, max_attempts, last_attempt, run_at)
         SELECT gen_random_uuid(), $1, 'test', CASE WHEN n < 10000 THEN 'one key' END, 0, 'null', false, 'ready', 5, 5, now()
           FROM generate_series(1, 10000) AS n",
    )
    .bind(world.tenant)
    .execute(&mut owner)
    .await
    .unwrap();
    let (mut claims, mut got) = (0, 0);
    let begun = Instant::now();
    while got < 2 {
        let rows = sqlx::query(
            "SELECT id FROM job_claim($1, interval '1 min', 16, '{test}', '00000000-0000-0000-0000-000000000000', '{}', '{}')",
        )
        .bind(uuid::Uuid::now_v7())
        .fetch_all(&mut owner)
        .await
        .unwrap();
        got += rows.len();
        claims += 1;
        assert!(claims <= 15, "{got} claimed");
    }
    println!("10,000 of one key were put aside in {:?}, {claims} claims", begun.elapsed());
}
