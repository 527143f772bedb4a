//! SQL of where sounds are heard.

use std::collections::HashMap;

use trunkline_db::{DbError, SoundId, TenantTx};

use super::model::{SoundUse, SoundUses};

/// The flows in which these sounds are heard (in what is published and in what is being drawn) and the queues. Earlier versions do not count: who
/// takes one back is told what it lacks.
pub(super) async fn of(tx: &mut TenantTx<'_>, sounds: &[SoundId]) -> Result<HashMap<SoundId, SoundUses>, DbError> {
    let ids: Vec<String> = sounds.iter().map(|id| id.uuid().to_string()).collect();
    let rows = sqlx::query!(
        r#"SELECT DISTINCT f.id, f.name, s.sound #>> '{}' AS "sound!"
             FROM flows f
             LEFT JOIN flow_versions v ON v.tenant_id = f.tenant_id AND v.flow_id = f.id AND v.version = f.published
            CROSS JOIN LATERAL (SELECT jsonb_path_query(f.draft, '$.**.sound_id')
                                UNION ALL SELECT jsonb_path_query(v.definition, '$.**.sound_id')) s(sound)
            WHERE s.sound #>> '{}' = ANY($1)
            ORDER BY f.name, f.id"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut uses: HashMap<SoundId, SoundUses> = HashMap::new();
    for row in rows {
        if let Ok(sound) = row.sound.parse() {
            uses.entry(SoundId(sound)).or_default().flows.push(SoundUse { id: row.id, name: row.name });
        }
    }
    let queues = sqlx::query!(
        r#"SELECT DISTINCT q.id, q.name, s.sound #>> '{}' AS "sound!"
             FROM queues q
            CROSS JOIN LATERAL (SELECT jsonb_path_query(q.routing, '$.**.sound_id') UNION ALL SELECT q.routing #> '{while_waiting,music}') s(sound)
            WHERE s.sound #>> '{}' = ANY($1)
            ORDER BY q.name, q.id"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in queues {
        if let Ok(sound) = row.sound.parse() {
            uses.entry(SoundId(sound)).or_default().queues.push(SoundUse { id: row.id, name: row.name });
        }
    }
    Ok(uses)
}
