//! Who may place a test call, and what is said when it cannot be placed. That it is heard is tested with a real Asterisk.

use reqwest::StatusCode;
use serde_json::{Value, json};
use trunkline_db::QueueId;

use crate::calls::queue;
use crate::support::{App, User, problem};

async fn refused(user: &User, queue: QueueId) -> Value {
    problem(user.post("/api/v1/test-calls", &json!({ "queue_id": queue })).await).await
}

#[tokio::test]
async fn test_calls_are_for_those_who_may_and_need_asterisk() {
    let app = App::start().await;
    let (admin, operator) = (app.admin().await, app.operator().await);
    let sales = queue(&admin, "sales").await;
    assert_eq!(refused(&operator, sales).await["status"], StatusCode::FORBIDDEN.as_u16());
    // Nobody is Asterisk in these tests.
    for user in [&admin, &app.sign_in("manager@demo.test").await] {
        assert_eq!(refused(user, sales).await["code"], "unavailable");
    }
    assert_eq!(refused(&admin, QueueId::new()).await["status"], 404);
    let (_, stranger) = app.other_tenant().await;
    assert_eq!(refused(&stranger, sales).await["status"], 404, "another tenant's queue");
    let metrics = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains(r#"trunkline_test_calls_total{result="failed"} 2"#), "{metrics}");
}

#[tokio::test]
async fn a_queue_that_no_number_leads_to_cannot_be_tried() {
    let app = App::start().await;
    let admin = app.admin().await;
    let sales = queue(&admin, "sales").await;
    let mut owner = app.owner().await;
    sqlx::query("DELETE FROM numbers WHERE queue_id = $1").bind(sales).execute(&mut owner).await.unwrap();
    let refused = refused(&admin, sales).await;
    assert_eq!((&refused["status"], &refused["code"]), (&409.into(), &"queue-without-number".into()));
}
