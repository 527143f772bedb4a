//! SQL of the numbers that call control keeps in memory.

use trunkline_db::{AgentId, DbError, FlowId, QueueId, ScheduleId, SystemTx, TenantId};

use super::model::Recording;
use super::store::target;
use crate::calls::directory::{Directory, Number};

/// Reads all tenants' numbers.
pub(crate) async fn read(tx: &mut SystemTx, directory: &mut Directory) -> Result<(), DbError> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", number, target_type, queue_id AS "queue: QueueId", flow_id AS "flow: FlowId",
                  agent_id AS "agent: AgentId", schedule_id AS "schedule: ScheduleId", closed_type,
                  closed_queue_id AS "closed_queue: QueueId", closed_flow_id AS "closed_flow: FlowId",
                  closed_agent_id AS "closed_agent: AgentId", recording
             FROM numbers"#
    )
    .fetch_all(tx.conn())
    .await?;
    directory.numbers.extend(rows.into_iter().map(|row| {
        let number = Number {
            tenant: row.tenant,
            target: target(&row.target_type, row.queue, row.flow, row.agent).into(),
            schedule: row.schedule,
            closed: target(&row.closed_type, row.closed_queue, row.closed_flow, row.closed_agent).into(),
            recorded: Recording::parse(&row.recording) != Recording::Never,
        };
        (row.number, number)
    }));
    Ok(())
}
