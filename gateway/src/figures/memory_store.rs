//! SQL of what is remembered of running calls and of agents between two events.

use serde::Serialize;
use serde::de::DeserializeOwned;
use trunkline_db::{DbError, TenantTx};
use trunkline_figures::{AgentMemory, CallMemory, Changes, Ledger};
use uuid::Uuid;

fn remembered<T: DeserializeOwned>(text: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)).into())
}

fn text(memory: &impl Serialize) -> String {
    serde_json::to_string(memory).expect("what is remembered is plain values")
}

/// What is remembered of these calls and agents.
pub(super) async fn load(
    tx: &mut TenantTx<'_>,
    ids: &[Uuid],
) -> Result<(Vec<(Uuid, CallMemory)>, Vec<(Uuid, AgentMemory)>), DbError> {
    let rows = sqlx::query!(r#"SELECT id, kind, memory::text AS "memory!" FROM figure_memory WHERE id = ANY($1)"#, ids)
        .fetch_all(tx.conn())
        .await?;
    let (mut calls, mut agents) = (Vec::new(), Vec::new());
    for row in rows {
        if row.kind == "call" {
            calls.push((row.id, remembered(&row.memory)?));
        } else {
            agents.push((row.id, remembered(&row.memory)?));
        }
    }
    Ok((calls, agents))
}

/// Everything that is remembered.
pub(super) async fn all(tx: &mut TenantTx<'_>) -> Result<Ledger, DbError> {
    let rows = sqlx::query!(r#"SELECT id, kind, memory::text AS "memory!" FROM figure_memory"#);
    let mut ledger = Ledger::default();
    for row in rows.fetch_all(tx.conn()).await? {
        if row.kind == "call" {
            ledger.put_call(row.id, remembered(&row.memory)?);
        } else {
            ledger.put_agent(row.id, remembered(&row.memory)?);
        }
    }
    Ok(ledger)
}

/// What is remembered of agents, for a report.
pub(super) async fn agents(tx: &mut TenantTx<'_>, one: Option<Uuid>) -> Result<Vec<(Uuid, AgentMemory)>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT id, memory::text AS "memory!" FROM figure_memory
            WHERE kind = 'agent' AND ($1::uuid IS NULL OR id = $1)"#,
        one
    );
    rows.fetch_all(tx.conn()).await?.into_iter().map(|row| Ok((row.id, remembered(&row.memory)?))).collect()
}

/// Stores what changed.
pub(super) async fn save(tx: &mut TenantTx<'_>, changes: &Changes) -> Result<(), DbError> {
    let (mut ids, mut kinds, mut memories, mut over) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, memory) in &changes.calls {
        match memory {
            Some(memory) => {
                ids.push(*id);
                kinds.push("call".to_owned());
                memories.push(text(memory));
            }
            None => over.push(*id),
        }
    }
    for (id, memory) in &changes.agents {
        ids.push(*id);
        kinds.push("agent".to_owned());
        memories.push(text(memory));
    }
    let tenant = tx.tenant();
    if !ids.is_empty() {
        sqlx::query!(
            "INSERT INTO figure_memory (tenant_id, id, kind, memory)
             SELECT $1, m.id, m.kind, m.memory::json FROM unnest($2::uuid[], $3::text[], $4::text[]) AS m (id, kind, memory)
             ON CONFLICT (tenant_id, id) DO UPDATE SET memory = excluded.memory",
            tenant.uuid(),
            &ids,
            &kinds,
            &memories,
        )
        .execute(tx.conn())
        .await?;
    }
    if !over.is_empty() {
        sqlx::query!("DELETE FROM figure_memory WHERE id = ANY($1) AND kind = 'call'", &over)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// Forgets everything.
pub(super) async fn clear(tx: &mut TenantTx<'_>) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM figure_memory").execute(tx.conn()).await?;
    Ok(())
}
