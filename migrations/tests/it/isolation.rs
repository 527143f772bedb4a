//! What each role may see and do.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use trunkline_db::{Db, DbError, PoolOptions, TenantId};

use crate::support::{TestDb, make_tenant, sqlstate};

const DENIED: &str = "42501";

#[tokio::test]
async fn another_tenants_rows_are_neither_seen_nor_touched() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let ours = make_tenant(&db, "ours").await;
    let theirs = make_tenant(&db, "theirs").await;

    let mut tx = db.tenant(ours.id).await.unwrap();
    let queues: Vec<(TenantId,)> = sqlx::query_as("SELECT tenant_id FROM queues").fetch_all(tx.conn()).await.unwrap();
    assert_eq!(queues, [(ours.id,)]);
    let named: Option<(String,)> = sqlx::query_as("SELECT name FROM queues WHERE id = $1")
        .bind(theirs.queue)
        .fetch_optional(tx.conn())
        .await
        .unwrap();
    assert_eq!(named, None);
    let renamed = sqlx::query("UPDATE queues SET name = 'Ours'").execute(tx.conn()).await.unwrap();
    assert_eq!(renamed.rows_affected(), 1);
    let deleted = sqlx::query("DELETE FROM queues WHERE id = $1").bind(theirs.queue).execute(tx.conn()).await.unwrap();
    assert_eq!(deleted.rows_affected(), 0);
    let planted =
        sqlx::query("INSERT INTO queues (tenant_id, id, slug, name, extension) VALUES ($1, $2, 'x1', 'X', '799')")
            .bind(theirs.id)
            .bind(trunkline_db::QueueId::new())
            .execute(tx.conn())
            .await
            .unwrap_err();
    assert_eq!(sqlstate(&planted), DENIED);
}

#[tokio::test]
async fn a_row_cannot_refer_to_another_tenants() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let ours = make_tenant(&db, "ours").await;
    let theirs = make_tenant(&db, "theirs").await;
    let mut tx = db.tenant(ours.id).await.unwrap();
    let error: DbError = sqlx::query("INSERT INTO numbers (tenant_id, number, queue_id) VALUES ($1, '+15550100', $2)")
        .bind(ours.id)
        .bind(theirs.queue)
        .execute(tx.conn())
        .await
        .unwrap_err()
        .into();
    assert_eq!(error.constraint(), Some("numbers_tenant_id_queue_id_fkey"));
}

/// A request may be given up at any await: of each, the next one on that connection must know nothing.
#[tokio::test]
async fn a_transaction_that_was_given_up_while_it_began_is_over() {
    let database = TestDb::new().await;
    let one = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let db = Db::connect(&database.login_url(), one).await.unwrap();
    let ours = make_tenant(&db, "ours").await;
    for looks in 1..=12 {
        let mut beginning = Box::pin(db.tenant_snapshot(ours.id));
        for _ in 0..looks {
            if futures_util::poll!(&mut beginning).is_ready() {
                break;
            }
            // Lets the server's next answer come.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        drop(beginning);
        let mut tx = db.tenant(ours.id).await.unwrap();
        let kind: (String, String) =
            sqlx::query_as("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')")
                .fetch_one(tx.conn())
                .await
                .unwrap();
        assert_eq!(kind, ("read committed".to_owned(), "off".to_owned()), "given up after {looks} looks");
        tx.commit().await.unwrap();
        let mut tx = db.system().await.unwrap();
        let begun: (bool,) = sqlx::query_as(
            "SELECT now() > clock_timestamp() - interval '1 second' AND pg_current_xact_id_if_assigned() IS NULL",
        )
        .fetch_one(tx.conn())
        .await
        .unwrap();
        assert!(begun.0, "a transaction of its own");
    }
}

#[tokio::test]
async fn a_reused_connection_remembers_neither_tenant_nor_role() {
    let database = TestDb::new().await;
    let one = PoolOptions { max_connections: 1, ..PoolOptions::default() };
    let db = Db::connect(&database.login_url(), one).await.unwrap();
    let ours = make_tenant(&db, "ours").await;

    let backend = async |db: &Db| {
        let mut tx = db.system().await.unwrap();
        let row: (i32, String, String) =
            sqlx::query_as("SELECT pg_backend_pid(), current_user::text, current_setting('app.tenant_id', true)")
                .fetch_one(tx.conn())
                .await
                .unwrap();
        row
    };
    let before = backend(&db).await;
    for commit in [true, false] {
        let mut tx = db.tenant(ours.id).await.unwrap();
        let seen: (i64,) = sqlx::query_as("SELECT count(*) FROM queues").fetch_one(tx.conn()).await.unwrap();
        assert_eq!(seen, (1,));
        if commit {
            tx.commit().await.unwrap();
        } else {
            drop(tx);
        }
        let after = backend(&db).await;
        assert_eq!(after, (before.0, "trunkline_system".to_owned(), String::new()), "the same connection, no tenant");
    }

    // As the policies see it: the setting is empty on such a connection, and lets through nothing, without an error.
    let mut login = database.login().await;
    let mut tx = login.begin().await.unwrap();
    tx.execute(AssertSqlSafe(format!(
        "SELECT set_config('role', 'trunkline_app', true), set_config('app.tenant_id', '{}', true)",
        ours.id
    )))
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let mut tx = login.begin().await.unwrap();
    tx.execute("SET LOCAL ROLE trunkline_app").await.unwrap();
    let setting: (Option<String>, i64) =
        sqlx::query_as("SELECT current_setting('app.tenant_id', true), count(*) FROM queues")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    assert_eq!(setting, (Some(String::new()), 0));
}

#[tokio::test]
async fn the_tenants_role_cannot_read_what_is_the_systems() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let ours = make_tenant(&db, "ours").await;
    for table in [
        "tenants",
        "users",
        "refresh_tokens",
        "stream_tickets",
        "audit_heads",
        "audit_pending",
        "journal_heads",
        "journal_months",
        "journal_epoch",
        "journal_writers",
        "directory_version",
        "platform_settings",
        "tenant_tombstones",
        "_sqlx_migrations",
    ] {
        let mut tx = db.tenant(ours.id).await.unwrap();
        let error = sqlx::query(AssertSqlSafe(format!("SELECT 1 FROM {table}"))).execute(tx.conn()).await.unwrap_err();
        assert_eq!(sqlstate(&error), DENIED, "{table}");
    }
    // Nor a month's partition around its parent.
    let mut tx = db.tenant(ours.id).await.unwrap();
    let partition: String = {
        let mut owner = database.owner().await;
        let (name,): (String,) = sqlx::query_as(
            "SELECT min(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'events'::regclass",
        )
        .fetch_one(&mut owner)
        .await
        .unwrap();
        name
    };
    let error = sqlx::query(AssertSqlSafe(format!("SELECT 1 FROM {partition}"))).execute(tx.conn()).await.unwrap_err();
    assert_eq!(sqlstate(&error), DENIED);
}

#[tokio::test]
async fn the_systems_role_reads_the_directory_and_not_the_rest() {
    let database = TestDb::new().await;
    let db = database.db().await;
    let ours = make_tenant(&db, "ours").await;
    make_tenant(&db, "theirs").await;
    for (table, rows) in [
        ("queues", 2),
        ("memberships", 2),
        ("agents", 2),
        ("queue_members", 0),
        ("numbers", 0),
        ("devices", 0),
        ("calls", 0),
        ("call_legs", 0),
        ("recordings", 0),
    ] {
        let mut tx = db.system().await.unwrap();
        let seen: (i64,) =
            sqlx::query_as(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(tx.conn()).await.unwrap();
        assert_eq!(seen, (rows,), "{table}");
        let error = sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}"))).execute(tx.conn()).await.unwrap_err();
        assert_eq!(sqlstate(&error), DENIED, "{table}");
    }
    let mut tx = db.system().await.unwrap();
    let error = sqlx::query("SELECT 1 FROM events").execute(tx.conn()).await.unwrap_err();
    assert_eq!(sqlstate(&error), DENIED);

    // Of the idempotency keys it sees those that are past their day, to sweep them.
    let mut tx = db.tenant(ours.id).await.unwrap();
    for (key, age) in [("old", "25 hours"), ("young", "23 hours")] {
        sqlx::query(
            "INSERT INTO idempotency_keys (tenant_id, user_id, route, key, request_hash, created_at)
                     VALUES ($1, $2, 'POST /x', $3, '', now() - $4::interval)",
        )
        .bind(ours.id)
        .bind(ours.user)
        .bind(key)
        .bind(age)
        .execute(tx.conn())
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = db.system().await.unwrap();
    let swept: Vec<(String,)> =
        sqlx::query_as("DELETE FROM idempotency_keys RETURNING key").fetch_all(tx.conn()).await.unwrap();
    assert_eq!(swept, [("old".to_owned(),)]);
}

#[tokio::test]
async fn the_login_role_alone_can_do_nothing() {
    // Not a copy: the rights on the database itself are not copied.
    let database = TestDb::migrated().await;
    let mut login = database.login().await;
    for statement in [
        "SELECT 1 FROM tenants",
        "SELECT 1 FROM queues",
        "SELECT * FROM journal_head()",
        "CREATE TABLE t (x int)",
        "CREATE TEMP TABLE t (x int)",
    ] {
        let error = login.execute(statement).await.unwrap_err();
        assert_eq!(sqlstate(&error), DENIED, "{statement}");
    }
    let error = login.execute("SET ROLE trunkline_owner").await.unwrap_err();
    assert_eq!(sqlstate(&error), DENIED);
}

#[tokio::test]
async fn constraints_are_told_by_their_names() {
    let database = TestDb::new().await;
    let db = database.db().await;
    make_tenant(&db, "ours").await;
    let mut tx = db.system().await.unwrap();
    let error: DbError = sqlx::query("INSERT INTO tenants (id, slug, name) VALUES (gen_random_uuid(), 'ours', 'X')")
        .execute(tx.conn())
        .await
        .unwrap_err()
        .into();
    assert_eq!(error.constraint(), Some("tenants_slug_key"));
    assert!(!error.is_unavailable());
}
