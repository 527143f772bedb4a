//! SQL of what a flow may refer to.

use std::collections::HashSet;

use trunkline_calls::flow::Known;
use trunkline_db::{DbError, TenantTx};
use uuid::Uuid;

/// What a tenant has that a flow may refer to.
#[derive(Debug, Default)]
pub(super) struct House {
    queues: HashSet<Uuid>,
    agents: HashSet<Uuid>,
    schedules: HashSet<Uuid>,
    flows: HashSet<Uuid>,
    sounds: HashSet<Uuid>,
}

impl Known for House {
    fn queue(&self, id: Uuid) -> bool {
        self.queues.contains(&id)
    }

    fn agent(&self, id: Uuid) -> bool {
        self.agents.contains(&id)
    }

    fn sound(&self, id: Uuid) -> bool {
        self.sounds.contains(&id)
    }

    fn schedule(&self, id: Uuid) -> bool {
        self.schedules.contains(&id)
    }

    fn flow(&self, id: Uuid) -> bool {
        self.flows.contains(&id)
    }
}

/// Reads it.
pub(super) async fn read(tx: &mut TenantTx<'_>) -> Result<House, DbError> {
    let rows = sqlx::query!(
        r#"SELECT 'queue' AS "what!", id AS "id!" FROM queues
           UNION ALL SELECT 'agent', id FROM agents
           UNION ALL SELECT 'schedule', id FROM schedules
           UNION ALL SELECT 'flow', id FROM flows WHERE published IS NOT NULL
           UNION ALL SELECT DISTINCT 'sound', sound_id FROM sound_files"#
    );
    let mut house = House::default();
    for row in rows.fetch_all(tx.conn()).await? {
        match row.what.as_str() {
            "queue" => house.queues.insert(row.id),
            "agent" => house.agents.insert(row.id),
            "schedule" => house.schedules.insert(row.id),
            "sound" => house.sounds.insert(row.id),
            _ => house.flows.insert(row.id),
        };
    }
    Ok(house)
}
