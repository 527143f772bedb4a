//! From nothing to the schema, and again.

use trunkline_db::{Db, DbError, PoolOptions, bootstrap, migrate, pending_migrations};

use crate::support::TestDb;

#[tokio::test]
async fn bootstrap_and_migration_may_be_run_again() {
    let database = TestDb::unmade().await;
    let superuser_url = database.superuser_url("postgres");
    for _ in 0..2 {
        bootstrap::run(&superuser_url, database.name(), "test", "test").await.unwrap();
    }
    let all = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sql")).unwrap().count();
    assert_eq!(pending_migrations(&database.owner_url()).await.unwrap(), all);
    let (one, other) =
        tokio::join!(async { migrate(&database.owner_url()).await }, async { migrate(&database.owner_url()).await });
    one.unwrap();
    other.unwrap();
    assert_eq!(pending_migrations(&database.owner_url()).await.unwrap(), 0);
    database.db().await.ping().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_away_is_said_so_soon() {
    let nobody = trunkline_stack::Ports::free().unwrap();
    let started = std::time::Instant::now();
    let error =
        Db::connect(&format!("postgres://trunkline@127.0.0.1:{nobody}/x"), PoolOptions::default()).await.unwrap_err();
    assert!(matches!(error, DbError::Unavailable(_)), "{error}");
    assert!(started.elapsed() < std::time::Duration::from_secs(4));
}
