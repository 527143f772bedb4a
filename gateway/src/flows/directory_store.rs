//! SQL of the flows and opening hours that call control keeps in memory.

use std::sync::Arc;

use sqlx::PgConnection;
use trunkline_calls::flow::walk::Published;
use trunkline_calls::schedule::Schedule;
use trunkline_db::{DbError, FlowId, ScheduleId, TenantId};

use crate::calls::directory::Directory;

/// Reads the opening hours and published flows of whom the transaction sees. One that cannot be read (a newer program wrote it) is left out, and said so.
pub(crate) async fn read(conn: &mut PgConnection, directory: &mut Directory) -> Result<(), DbError> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", id AS "id: ScheduleId", name, hours, special, decided FROM schedules"#
    );
    for row in rows.fetch_all(&mut *conn).await? {
        let hours = serde_json::from_value(row.hours);
        let special = serde_json::from_value(row.special);
        let (Ok(hours), Ok(special)) = (hours, special) else {
            tracing::error!(schedule = %row.id, "opening hours cannot be read");
            continue;
        };
        let decided = row.decided.and_then(|decided| serde_json::from_value(decided).ok());
        let schedule = Schedule { id: row.id, tenant: row.tenant, name: row.name, hours, special, decided };
        directory.schedules.insert(row.id, schedule);
    }
    let rows = sqlx::query!(
        r#"SELECT f.tenant_id AS "tenant: TenantId", f.id AS "id: FlowId", f.name, v.version, v.definition
             FROM flows f JOIN flow_versions v ON v.tenant_id = f.tenant_id AND v.flow_id = f.id AND v.version = f.published"#
    );
    for row in rows.fetch_all(&mut *conn).await? {
        match serde_json::from_value(row.definition) {
            Ok(flow) => {
                let published = Published { id: row.id.uuid(), version: row.version, name: row.name, flow };
                directory.flows.insert(row.id, (row.tenant, Arc::new(published)));
            }
            Err(error) => tracing::error!(flow = %row.id, %error, "a flow cannot be read"),
        }
    }
    Ok(())
}
