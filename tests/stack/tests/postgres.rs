//! The private cluster starts, stops, dies and comes back, as root too.

use trunkline_stack::Postgres;

#[tokio::test]
async fn a_cluster_starts_answers_and_survives_its_kill() {
    // A long, private folder: socket paths and other users must not matter.
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a-rather-long-folder-name-".repeat(6));
    let mut postgres = Postgres::start(&dir).await.unwrap();
    assert_eq!(postgres.psql("postgres", "SELECT 40 + 2").unwrap(), "42");
    postgres.psql("postgres", "CREATE TABLE t(x int)").unwrap();
    postgres.psql("postgres", "INSERT INTO t VALUES (1)").unwrap();

    postgres.kill();
    assert!(postgres.psql("postgres", "SELECT 1").is_err());
    postgres.start_again().await.unwrap();
    assert_eq!(postgres.psql("postgres", "SELECT x FROM t").unwrap(), "1");

    postgres.stop();
    let port = postgres.port();
    postgres.start_again().await.unwrap();
    assert_eq!(postgres.port(), port);
    assert_eq!(postgres.psql("postgres", "SELECT x FROM t").unwrap(), "1");
}

#[tokio::test]
async fn a_database_is_cloned_and_a_new_start_finds_the_old_data() {
    let root = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(root.path()).await.unwrap();
    postgres.psql("postgres", "CREATE DATABASE model").unwrap();
    postgres.psql("model", "CREATE TABLE t AS SELECT 7 AS x").unwrap();
    postgres.clone_database("model", "copy").unwrap();
    drop(postgres);
    let postgres = Postgres::start(root.path()).await.unwrap();
    assert_eq!(postgres.psql("copy", "SELECT x FROM t").unwrap(), "7");
}
