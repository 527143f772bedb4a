//! SQL of the messages that wait for each phone.

use std::collections::BTreeMap;

use trunkline_db::{Db, DbError};

/// All tenants' desk phones, where there ever was a message, with the messages of their agent's queues that nobody is done with.
pub(super) async fn waiting(db: &Db) -> Result<BTreeMap<String, u32>, DbError> {
    let mut tx = db.system().await?;
    let rows = sqlx::query!(
        r#"WITH waiting AS (SELECT tenant_id, queue_id, count(*) AS count FROM voicemails
                             WHERE done_at IS NULL AND state IN ('fetching', 'ready') GROUP BY tenant_id, queue_id)
           SELECT d.username, coalesce(sum(w.count), 0)::bigint AS "count!"
             FROM devices d
             LEFT JOIN queue_members m ON m.tenant_id = d.tenant_id AND m.agent_id = d.agent_id
             LEFT JOIN waiting w ON w.tenant_id = m.tenant_id AND w.queue_id = m.queue_id
            WHERE d.removed_at IS NULL AND EXISTS (SELECT FROM voicemails v WHERE v.tenant_id = d.tenant_id)
            GROUP BY d.username"#
    )
    .fetch_all(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(rows.into_iter().map(|row| (row.username, u32::try_from(row.count).unwrap_or(u32::MAX))).collect())
}
