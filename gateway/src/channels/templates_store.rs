//! SQL of message templates.

use trunkline_channels::whatsapp::templates::Template;
use trunkline_db::{ChannelAccountId, DbError, TenantTx};

use super::templates::MessageTemplate;

/// What the provider tells of a template.
pub(super) async fn set(tx: &mut TenantTx<'_>, account: ChannelAccountId, template: &Template) -> Result<(), DbError> {
    let components = serde_json::to_value(&template.components).unwrap_or_default();
    sqlx::query!(
        "INSERT INTO message_templates (tenant_id, account_id, name, language, provider_id, category, status, quality, reason, components, synced_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp())
         ON CONFLICT (tenant_id, account_id, name, language) DO UPDATE
            SET provider_id = excluded.provider_id, category = excluded.category, status = excluded.status, quality = excluded.quality,
                reason = excluded.reason, components = excluded.components, synced_at = excluded.synced_at",
        tx.tenant().uuid(),
        account.uuid(),
        template.name,
        template.language,
        template.id,
        template.category,
        template.status,
        template.quality,
        template.rejected,
        components,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Those that were not set in this transaction are not there any more.
pub(super) async fn forget_others(tx: &mut TenantTx<'_>, account: ChannelAccountId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM message_templates WHERE account_id = $1 AND synced_at < now()", account.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// An account's templates, behind the position (name, language).
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    account: ChannelAccountId,
    after: Option<&(String, String)>,
    limit: i64,
) -> Result<Vec<MessageTemplate>, DbError> {
    let rows = sqlx::query_as!(
        MessageTemplate,
        "SELECT name, language, category, status, quality, reason, components, synced_at
           FROM message_templates
          WHERE account_id = $1 AND ($2::text IS NULL OR (name, language) > ($2, $3))
          ORDER BY name, language LIMIT $4",
        account.uuid(),
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, language)| language.as_str()),
        limit,
    );
    Ok(rows.fetch_all(tx.conn()).await?)
}
