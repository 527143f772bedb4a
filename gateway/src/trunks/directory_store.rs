//! SQL of the trunks that call control keeps in memory.

use std::sync::Arc;

use trunkline_calls::lines::Line;
use trunkline_db::{DbError, SystemTx, TenantId, TrunkId};

use super::password_place;
use crate::calls::directory::Directory;
use crate::secrets::{Sealed, Vault};

/// Reads all tenants' trunks that are connected.
pub(crate) async fn read(tx: &mut SystemTx, vault: &Vault, directory: &mut Directory) -> Result<(), DbError> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", id AS "id: TrunkId", name, settings, password_sealed, priority
             FROM trunks WHERE enabled"#
    )
    .fetch_all(tx.conn())
    .await?;
    for row in rows {
        let settings = match serde_json::from_value(row.settings) {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!(trunk = %row.id, %error, "how the trunk is connected cannot be read; it is not connected");
                continue;
            }
        };
        let sealed = row.password_sealed.map(Sealed::from);
        let opened = sealed.map(|sealed| vault.open_text(&password_place(row.tenant, row.id), &sealed)).transpose();
        let password = match opened {
            Ok(password) => password,
            Err(error) => {
                tracing::error!(trunk = %row.id, %error, "a trunk's password does not open; the trunk is not connected");
                continue;
            }
        };
        let (id, tenant, name, priority) = (row.id, row.tenant, row.name, row.priority);
        let line = Line { id, tenant, name, priority, settings, password };
        directory.lines.insert(line.endpoint(), Arc::new(line));
    }
    Ok(())
}
