//! The functions of the journal, and the counters beside it.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _};
use trunkline_db::{Db, DbError, PoolOptions, TenantId, TenantTx, writers};
use uuid::Uuid;

use crate::support::{TestDb, make_tenant, sqlstate};

/// Appends `n` events to the transaction's tenant; returns the first seq and the time recorded.
async fn append(tx: &mut TenantTx<'_>, n: usize, data: &str) -> Result<(i64, DateTime<Utc>), sqlx::Error> {
    let row = sqlx::query("SELECT first_seq, recorded_at FROM journal_append($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind((0..n).map(|_| Uuid::now_v7()).collect::<Vec<_>>())
        .bind(vec!["test.happened"; n])
        .bind(vec![Utc::now(); n])
        .bind(vec!["call"; n])
        .bind(vec![Uuid::nil(); n])
        .bind(vec![None::<&str>; n])
        .bind(vec![None::<Uuid>; n])
        .bind(vec!["tenant agent:00000000-0000-0000-0000-000000000000"; n])
        .bind(vec![data; n])
        .fetch_one(tx.conn())
        .await?;
    Ok((row.get(0), row.get(1)))
}

/// As if the newest event had been recorded then: the next one is recorded no earlier.
async fn set_time(owner: &mut PgConnection, tenant: TenantId, time: &str) {
    sqlx::query("UPDATE journal_heads SET recorded_at = $2::timestamptz WHERE tenant_id = $1")
        .bind(tenant)
        .bind(time)
        .execute(owner)
        .await
        .unwrap();
}

#[tokio::test]
async fn events_are_numbered_per_tenant_from_one() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let ours = make_tenant(&db, "ours").await.id;
    let theirs = make_tenant(&db, "theirs").await.id;
    for (tenant, n, first) in [(ours, 3, 1), (theirs, 1, 1), (ours, 2, 4)] {
        let mut tx = db.tenant(tenant).await.unwrap();
        assert_eq!(append(&mut tx, n, "{}").await.unwrap().0, first);
        tx.commit().await.unwrap();
    }
    let mut tx = db.tenant(ours).await.unwrap();
    append(&mut tx, 10, "{}").await.unwrap();
    tx.rollback().await.unwrap();

    let mut tx = db.tenant_snapshot(ours).await.unwrap();
    assert_eq!(tx.as_of_seq().await.unwrap(), 5, "what was rolled back leaves no gap");
    let seqs: Vec<(i64, Vec<String>)> =
        sqlx::query_as("SELECT seq, scopes FROM events ORDER BY seq").fetch_all(tx.conn()).await.unwrap();
    assert_eq!(seqs.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(seqs[0].1, ["tenant", "agent:00000000-0000-0000-0000-000000000000"]);
}

#[tokio::test]
async fn the_turn_of_the_month_makes_its_partition_and_is_noted() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let tenant = make_tenant(&db, "ours").await.id;
    let mut owner = database.owner().await;
    for (time, n) in [
        ("2031-01-31T23:59:59.999Z", 2),
        ("2031-02-01T00:00:00Z", 2),
        ("2031-02-10T00:00:00Z", 1),
        ("2031-12-31T23:59:59Z", 1),
    ] {
        set_time(&mut owner, tenant, time).await;
        let mut tx = db.tenant(tenant).await.unwrap();
        let (_, recorded) = append(&mut tx, n, "{}").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(recorded, time.parse::<DateTime<Utc>>().unwrap(), "the time recorded never goes back");
    }
    let months: Vec<(String, i64)> = sqlx::query_as(
        "SELECT to_char(month AT TIME ZONE 'UTC', 'YYYY-MM'), first_seq FROM journal_months ORDER BY month",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let months: Vec<_> = months.iter().map(|(month, first)| (month.as_str(), *first)).collect();
    assert_eq!(months, [("2031-01", 1), ("2031-02", 3), ("2031-12", 6)]);
    let partitions: Vec<(String, i64)> =
        sqlx::query_as("SELECT tableoid::regclass::text, count(*) FROM events GROUP BY 1 ORDER BY 1")
            .fetch_all(&mut owner)
            .await
            .unwrap();
    let partitions: Vec<_> = partitions.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    assert_eq!(partitions, [("events_2031_01", 2), ("events_2031_02", 3), ("events_2031_12", 1)]);

    // A read begins at the right partition.
    let mut tx = db.tenant(tenant).await.unwrap();
    for (seq, month) in
        [(1, "2031-01"), (2, "2031-01"), (3, "2031-02"), (5, "2031-02"), (6, "2031-12"), (99, "2031-12")]
    {
        let (found,): (String,) = sqlx::query_as("SELECT to_char(journal_month_of($1) AT TIME ZONE 'UTC', 'YYYY-MM')")
            .bind(i64::from(seq))
            .fetch_one(tx.conn())
            .await
            .unwrap();
        assert_eq!(found, month, "seq {seq}");
    }
}

#[tokio::test]
async fn two_writers_make_one_partition() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let mut owner = database.owner().await;
    let mut appends = tokio::task::JoinSet::new();
    for n in 0..8 {
        let tenant = make_tenant(&db, &format!("tenant-{n}")).await.id;
        set_time(&mut owner, tenant, "2032-05-05T00:00:00Z").await;
        let db = db.clone();
        appends.spawn(async move {
            let mut tx = db.tenant(tenant).await.unwrap();
            append(&mut tx, 1, "{}").await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    appends.join_all().await;
}

#[tokio::test]
async fn data_over_16_kib_is_refused_by_the_schema_too() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let tenant = make_tenant(&db, "ours").await.id;
    let mut tx = db.tenant(tenant).await.unwrap();
    let data = format!("{{\"x\":\"{}\"}}", "y".repeat(16_384 - 8));
    append(&mut tx, 1, &data).await.unwrap();
    let error: DbError = append(&mut tx, 1, &data.replace("{\"", "{ \"")).await.unwrap_err().into();
    assert_eq!(error.constraint(), Some("events_data_check"));
}

#[tokio::test]
async fn a_tenant_appends_to_its_own_journal_only() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let ours = make_tenant(&db, "ours").await.id;
    // Around the function.
    let mut tx = db.tenant(ours).await.unwrap();
    let error = sqlx::query(
        "INSERT INTO events (tenant_id, seq, recorded_at, at, id, subject_id, kind, subject_type, scopes, data)
                             VALUES ($1, 1, now(), now(), $1, $1, 'a.b', 'call', '{tenant}', '{}')",
    )
    .bind(ours)
    .execute(tx.conn())
    .await
    .unwrap_err();
    assert_eq!(sqlstate(&error), "42501");
    // Through the one that takes tenants as an argument.
    let mut tx = db.tenant(ours).await.unwrap();
    let error =
        sqlx::query("SELECT journal_append_batch('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')")
            .execute(tx.conn())
            .await
            .unwrap_err();
    assert_eq!(sqlstate(&error), "42501");
    // And what is written stays written.
    for statement in ["UPDATE events SET kind = 'x.y'", "DELETE FROM events", "TRUNCATE events"] {
        let mut tx = db.tenant(ours).await.unwrap();
        assert_eq!(sqlstate(&sqlx::query(statement).execute(tx.conn()).await.unwrap_err()), "42501", "{statement}");
    }
    // A tenant that does not exist has no journal.
    let mut tx = db.tenant(TenantId::new()).await.unwrap();
    assert!(matches!(append(&mut tx, 1, "{}").await.unwrap_err().into(), DbError::NoSuchTenant));
    let mut tx = db.tenant(TenantId::new()).await.unwrap();
    assert!(matches!(tx.as_of_seq().await, Err(DbError::NoSuchTenant)));
}

#[tokio::test]
async fn reading_the_log_uses_its_index_under_row_level_security() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let ours = make_tenant(&db, "ours").await.id;
    for tenant in [ours, make_tenant(&db, "theirs").await.id] {
        let mut tx = db.tenant(tenant).await.unwrap();
        append(&mut tx, 20_000, "{}").await.unwrap();
        tx.commit().await.unwrap();
    }
    sqlx::query("ANALYZE events").execute(&mut database.owner().await).await.unwrap();
    let mut tx = db.tenant(ours).await.unwrap();
    let plan: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "EXPLAIN SELECT * FROM events WHERE tenant_id = '{ours}' AND seq > 500
            AND recorded_at >= (SELECT journal_month_of(501)) ORDER BY seq LIMIT 100"
    )))
    .fetch_all(tx.conn())
    .await
    .unwrap();
    let plan = plan.into_iter().map(|(line,)| line).collect::<Vec<_>>().join("\n");
    assert!(plan.contains("Index Scan") && !plan.contains("Seq Scan"), "{plan}");
}

#[tokio::test]
async fn a_spools_cursor_moves_forward_only_and_with_its_transaction() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let tenant = make_tenant(&db, "ours").await.id;
    let applied = async || writers::applied(&mut db.system().await.unwrap(), "node-1").await.unwrap();
    assert_eq!(applied().await, None);
    for (to, commit, moves, stands) in
        [(7, true, true, 7), (7, true, false, 7), (3, true, false, 7), (9, false, true, 7), (9, true, true, 9)]
    {
        let mut tx = db.tenant(tenant).await.unwrap();
        assert_eq!(writers::advance(&mut tx, "node-1", to).await.unwrap(), moves, "to {to}");
        if commit {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        assert_eq!(applied().await, Some(stands));
    }
}

#[tokio::test]
async fn the_directorys_version_rises_with_what_is_in_it_and_tells() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let tenant = make_tenant(&db, "ours").await;
    let mut listener = db.listen(&["trunkline_directory"]).await.unwrap();
    let version = async || -> i64 {
        let mut tx = db.system().await.unwrap();
        sqlx::query_scalar("SELECT version FROM directory_version").fetch_one(tx.conn()).await.unwrap()
    };
    let run = async |statement: &'static str| {
        let mut tx = db.tenant(tenant.id).await.unwrap();
        sqlx::query(statement).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
    };
    let before = version().await;
    run("UPDATE agents SET state = 'available', state_since = now()").await;
    assert_eq!(version().await, before, "an agent's state is no part of the directory");
    run("UPDATE agents SET name = 'Somebody Else'").await;
    assert_eq!(version().await, before + 1);
    let told = tokio::time::timeout(std::time::Duration::from_secs(5), listener.next()).await.unwrap().unwrap();
    assert_eq!(told.channel, "trunkline_directory");
    run("UPDATE queues SET ring_seconds = 20").await;
    assert_eq!(version().await, before + 2);
}

#[tokio::test]
async fn listeners_take_nothing_away_from_the_pool() {
    let database = TestDb::new().await;
    let options = PoolOptions { max_connections: 2, ..PoolOptions::default() };
    let db = Db::connect(&database.login_url(), options).await.unwrap();
    let mut listeners = Vec::new();
    for _ in 0..4 {
        listeners.push(db.listen(&["trunkline_directory"]).await.unwrap());
    }
    let _both = (db.system().await.unwrap(), db.system().await.unwrap());
}
