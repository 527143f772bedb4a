//! SQL of test calls.

use trunkline_db::{DbError, QueueId, TenantTx};

/// The number that leads to a queue, the first of several. Outer none: no such queue; inner none: no number leads to it.
pub(super) async fn number_of_queue(tx: &mut TenantTx<'_>, queue: QueueId) -> Result<Option<Option<String>>, DbError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT n.number FROM numbers n WHERE n.tenant_id = q.tenant_id AND n.queue_id = q.id ORDER BY n.number LIMIT 1)
                  AS number
             FROM queues q WHERE q.id = $1"#,
        queue.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| row.number))
}
