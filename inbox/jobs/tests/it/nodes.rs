//! Several nodes on one database.

use serde_json::json;
use sqlx::postgres::PgListener;
use trunkline_jobs::{NewJob, Worker};

use crate::support::{Node, PATIENCE, World, job, next, teller, told};

#[tokio::test]
async fn one_batch_is_one_notification() {
    let world = World::new().await;
    let mut listener = PgListener::connect(world.url()).await.unwrap();
    listener.listen("trunkline_jobs").await.unwrap();
    let (handler, mut heard) = teller();
    let _worker = world.worker(told(), handler);
    let mut told_of = 0;
    for _ in 0..2 {
        let mut tx = world.db.tenant(world.tenant).await.unwrap();
        for n in 0..50 {
            trunkline_jobs::enqueue(&mut tx, job(n)).await.unwrap();
        }
        tx.commit().await.unwrap();
        for _ in 0..50 {
            next(&mut heard).await;
        }
        tokio::time::timeout(PATIENCE, listener.recv()).await.unwrap().unwrap();
        told_of += 1;
    }
    // Whatever else was sent came before this.
    let mut tx = world.db.system().await.unwrap();
    sqlx::query("SELECT pg_notify('trunkline_jobs', 'end')").execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    let last = tokio::time::timeout(PATIENCE, listener.recv()).await.unwrap().unwrap();
    assert_eq!((told_of, last.payload()), (2, "end"));
}

#[tokio::test]
async fn another_node_is_told_at_once() {
    let world = World::new().await;
    let (handler, mut heard) = teller();
    // This node only enqueues and tells.
    let _here = Node::start(Worker::new(world.db.clone(), told()));
    let _there = Node::start(Worker::new(world.another_db().await, told()).handle("test", handler));
    // It may begin to listen a moment after it has started: the one that it hears makes it look for the others too.
    let listening = async {
        loop {
            world.enqueue(NewJob::new("test", json!(null))).await;
            if tokio::time::timeout(std::time::Duration::from_millis(50), heard.recv()).await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, listening).await.unwrap();
}
