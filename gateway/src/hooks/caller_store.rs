//! SQL of the caller's hook: who it is, by what they are known by. Equality alone, which is leakproof, so that the indexes serve it below
//! row-level security.

use trunkline_db::{AgentId, ContactId, ConversationId, DbError, TenantTx};

/// Somebody we know.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) contact: ContactId,
    pub(crate) name: String,
    pub(crate) language: Option<String>,
    pub(crate) blocked: bool,
    /// Who last had to do with them.
    pub(crate) last_agent: Option<AgentId>,
    /// Whether that agent wants work.
    pub(crate) last_agent_available: bool,
    /// What is open with them, the newest.
    pub(crate) conversation: Option<ConversationId>,
}

/// Ends what takes longer: nobody waits for it any more.
pub(crate) async fn limit_time(tx: &mut TenantTx<'_>, milliseconds: u64) -> Result<(), DbError> {
    sqlx::query!("SELECT set_config('statement_timeout', $1, true) AS set", milliseconds.to_string())
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

/// Whom one of these numbers belongs to; the first one counts most.
pub(crate) async fn person(tx: &mut TenantTx<'_>, numbers: &[String]) -> Result<Option<Person>, DbError> {
    let row = sqlx::query!(
        r#"SELECT p.id AS "id: ContactId", p.display_name, p.language, p.blocked_at IS NOT NULL AS "blocked!",
                  l.agent_id AS "last_agent?: AgentId", coalesce(a.activity = 'available', false) AS "available!",
                  o.id AS "conversation?: ConversationId"
             FROM contact_identities i
             JOIN contacts c ON c.id = i.contact_id
             JOIN contacts p ON p.id = c.person_id
             LEFT JOIN LATERAL (SELECT v.agent_id FROM contacts k JOIN conversations v ON v.contact_id = k.id
                                 WHERE k.person_id = p.id AND v.agent_id IS NOT NULL ORDER BY v.last_at DESC LIMIT 1) l ON true
             LEFT JOIN agents a ON a.id = l.agent_id
             LEFT JOIN LATERAL (SELECT v.id FROM contacts k JOIN conversations v ON v.contact_id = k.id
                                 WHERE k.person_id = p.id AND v.state <> 'resolved' AND NOT v.spam ORDER BY v.last_at DESC LIMIT 1) o ON true
            WHERE i.type = 'phone' AND i.type <> 'username' AND i.value = ANY($1) AND i.ended_at IS NULL
            ORDER BY array_position($1, i.value) LIMIT 1"#,
        numbers,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Person {
        contact: row.id,
        name: row.display_name,
        language: row.language,
        blocked: row.blocked,
        last_agent: row.last_agent,
        last_agent_available: row.available,
        conversation: row.conversation,
    }))
}
