//! The list of calls in a long history: the very statement of the program, planned and run as the tenant's role.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::calls::queue;
use crate::support::App;

const CALLS: i32 = 100_000;

/// The statement as the program has it, out of what the build knows of its queries.
fn statement() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../.sqlx");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .filter_map(|text| serde_json::from_str::<Value>(&text).unwrap()["query"].as_str().map(str::to_owned))
        .find(|query| query.contains("FROM calls c") && query.contains("ORDER BY c.id DESC LIMIT"))
        .expect("the list of calls is among the queries")
}

/// A history of two years: one call in 50 is missed, one in 1,000 outbound, 20 are running, and a stranger's is as long.
async fn fill(owner: &mut PgConnection, tenant: Uuid, other: Uuid, sales: Uuid, support: Uuid, agent: Uuid) {
    for (tenant, queues, agent) in [(tenant, Some((sales, support)), Some(agent)), (other, None, None)] {
        sqlx::query(
            "INSERT INTO calls (tenant_id, id, direction, from_number, to_number, state, queue_id, agent_id, started_at, answered_at,
                 ended_at, end_reason)
             SELECT $1, (lpad(to_hex((extract(epoch FROM t.at) * 1000)::bigint), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
                    CASE WHEN n % 1000 = 7 THEN 'outbound' ELSE 'inbound' END,
                    '+1' || (2000000000 + (n::bigint * 7919) % 7999999999)::text, '+15550100',
                    CASE WHEN n > $6 - 20 THEN 'active' ELSE 'ended' END,
                    CASE WHEN n % 500 = 3 THEN $3::uuid ELSE $2::uuid END,
                    CASE WHEN n % 400 = 5 THEN $4::uuid END, t.at,
                    CASE WHEN n % 50 <> 1 THEN t.at END, CASE WHEN n > $6 - 20 THEN NULL ELSE t.at END,
                    CASE WHEN n > $6 - 20 THEN NULL WHEN n % 50 = 1 THEN 'abandoned_queue' WHEN n % 2000 = 9 THEN 'lost' ELSE $5 END
               FROM generate_series(1, $6) n, LATERAL (SELECT timestamptz '2024-11-20' + n * interval '10 minutes' AS at) t",
        )
        .bind(tenant)
        .bind(queues.map(|(sales, _)| sales))
        .bind(queues.map(|(_, support)| support))
        .bind(agent)
        .bind("completed_customer")
        .bind(CALLS)
        .execute(&mut *owner)
        .await
        .unwrap();
    }
    // Every fourth call rang at the agent's phone or a colleague's.
    sqlx::query(
        "INSERT INTO call_legs (tenant_id, call_id, id, kind, agent_id, started_at)
         SELECT c.tenant_id, c.id, 'leg', 'agent',
                CASE WHEN row_number() OVER (ORDER BY c.id) % 50 = 0 THEN $2::uuid
                     ELSE (SELECT a.id FROM agents a WHERE a.tenant_id = $1 AND a.id <> $2 LIMIT 1) END, c.started_at
           FROM calls c WHERE c.tenant_id = $1 AND right(c.id::text, 1) IN ('0', '4', '8', 'c')",
    )
    .bind(tenant)
    .bind(agent)
    .execute(&mut *owner)
    .await
    .unwrap();
    // The rare tag is on the oldest ones, where a search from the newest on would come last.
    for (tag, calls) in [("rare", 30), ("frequent", 20_000)] {
        sqlx::query(
            "INSERT INTO call_tags SELECT tenant_id, id, $2 FROM calls WHERE tenant_id = $1 ORDER BY id LIMIT $3",
        )
        .bind(tenant)
        .bind(tag)
        .bind(calls)
        .execute(&mut *owner)
        .await
        .unwrap();
    }
    owner.execute("VACUUM ANALYZE calls, call_legs, call_tags").await.unwrap();
}

/// Pages that the statement touched, and its plan.
async fn pages_touched(connection: &mut PgConnection, tenant: Uuid, arguments: &str) -> (i64, String) {
    let mut tx = connection.begin().await.unwrap();
    tx.execute(AssertSqlSafe(format!(
        "SELECT set_config('role', 'trunkline_app', true), set_config('app.tenant_id', '{tenant}', true),
                set_config('plan_cache_mode', 'force_custom_plan', true)"
    )))
    .await
    .unwrap();
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) EXECUTE calls_list ({arguments})");
    let plan: Value = tx.fetch_one(AssertSqlSafe(explain)).await.unwrap().get(0);
    tx.rollback().await.unwrap();
    let top = &plan[0]["Plan"];
    let pages = top["Shared Hit Blocks"].as_i64().unwrap() + top["Shared Read Blocks"].as_i64().unwrap();
    (pages, serde_json::to_string_pretty(&plan).unwrap())
}

#[tokio::test]
async fn every_filter_of_the_calls_is_quick_in_a_long_history() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let (other, _) = app.other_tenant().await;
    let (sales, support) = (queue(&admin, "sales").await.uuid(), queue(&admin, "support").await.uuid());
    let agent = operator.id.uuid();
    let mut owner = app.owner().await;
    fill(&mut owner, app.tenant.uuid(), other.uuid(), sales, support, agent).await;

    // As the gateway signs in: the login role, which becomes the tenant's for a transaction.
    let login = app.owner_url.replace("trunkline_owner", "trunkline");
    let mut connection = PgConnection::connect(&login).await.unwrap();
    // The parameters' types follow from the statement.
    connection.execute("SET statement_timeout = '20s'").await.unwrap();
    connection.execute(AssertSqlSafe(format!("PREPARE calls_list AS {}", statement()))).await.unwrap();

    let everything = [
        "NULL", "NULL", "NULL", "NULL", "NULL", "NULL", "false", "NULL", "NULL", "NULL", "NULL", "true", "NULL",
        "'{}'", "51", "NULL",
    ];
    let with = |changes: &[(usize, String)]| {
        let mut arguments: Vec<String> = everything.iter().map(ToString::to_string).collect();
        for (place, value) in changes {
            arguments[place - 1].clone_from(value);
        }
        arguments.join(", ")
    };
    let pages: (i64,) = sqlx::query_as("SELECT relpages::bigint FROM pg_class WHERE relname = 'calls'")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert!(pages.0 > 3_000, "the table is so large that reading all of it would show: {}", pages.0);
    let before = (11, "'01950000-0000-7000-8000-000000000000'".to_owned());
    for (what, changes) in [
        ("the newest", vec![]),
        ("further down", vec![before.clone()]),
        ("running", vec![(2, "'{new,queued,ringing,active}'".to_owned())]),
        ("one queue", vec![(3, format!("'{support}'"))]),
        ("one agent", vec![(4, format!("'{agent}'"))]),
        ("outbound", vec![(5, "'outbound'".to_owned())]),
        ("a direction that no call has", vec![(5, "'internal'".to_owned())]),
        ("lost", vec![(6, "'{lost,failed}'".to_owned())]),
        ("tagged", vec![(16, "'rare'".to_owned())]),
        ("a tag that no call has", vec![(16, "'none'".to_owned())]),
        ("missed", vec![(7, "true".to_owned())]),
        ("missed, further down", vec![(7, "true".to_owned()), before.clone()]),
        ("a day long ago", vec![(9, "'2025-03-01'".to_owned()), (10, "'2025-03-02'".to_owned())]),
        (
            "a queue on a day",
            vec![(3, format!("'{sales}'")), (9, "'2025-03-01'".to_owned()), (10, "'2025-03-02'".to_owned())],
        ),
        (
            "an operator of none",
            vec![(12, "false".to_owned()), (13, format!("'{{{agent}}}'")), (14, "'{}'".to_owned())],
        ),
        (
            "an operator of a queue",
            vec![(12, "false".to_owned()), (13, format!("'{{{agent}}}'")), (14, format!("'{{{sales}}}'"))],
        ),
    ] {
        let (touched, plan) = pages_touched(&mut connection, app.tenant.uuid(), &with(&changes)).await;
        assert!(touched < 600, "{what}: {touched} pages\n{plan}");
        assert!(!plan.contains("\"Seq Scan\""), "{what}\n{plan}");
    }

    // By digits: what the program does first, as the program does it.
    let started = std::time::Instant::now();
    let found = admin.get_json("/api/v1/calls?q=0079190").await;
    assert!(!found["items"].as_array().unwrap().is_empty());
    assert!(started.elapsed().as_millis() < 1_000, "{:?}", started.elapsed());
    let mut tx = connection.begin().await.unwrap();
    tx.execute(AssertSqlSafe(format!(
        "SELECT set_config('role', 'trunkline_app', true), set_config('app.tenant_id', '{}', true)",
        app.tenant
    )))
    .await
    .unwrap();
    let plan: Value = tx
        .fetch_one(
            "EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) SELECT * FROM calls_with_digits('0079190', NULL, 1001)",
        )
        .await
        .unwrap()
        .get(0);
    let pages = plan[0]["Plan"]["Shared Hit Blocks"].as_i64().unwrap();
    assert!(pages < 600, "by digits: {pages} pages\n{plan}");
}
