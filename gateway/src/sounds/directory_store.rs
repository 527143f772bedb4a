//! SQL of the sounds that call control keeps in memory.

use std::collections::BTreeMap;

use trunkline_calls::sound::Sound;
use trunkline_db::{DbError, SoundId, SystemTx, TenantId};

use crate::calls::directory::Directory;

/// Reads all tenants' sounds that have a file.
pub(crate) async fn read(tx: &mut SystemTx, directory: &mut Directory) -> Result<(), DbError> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", sound_id AS "sound: SoundId", language, blob_id FROM sound_files"#
    )
    .fetch_all(tx.conn())
    .await?;
    for row in rows {
        let sound = directory.sounds.entry(row.sound);
        let sound = sound.or_insert_with(|| Sound { tenant: row.tenant, files: BTreeMap::new() });
        sound.files.insert(row.language, row.blob_id);
    }
    Ok(())
}
