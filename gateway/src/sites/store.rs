//! SQL of sites.

use trunkline_db::{DbError, SiteId, TenantTx};

use super::model::Site;

/// Sites by name, behind the position (name, id); or the one with that id.
pub(super) async fn list(
    tx: &mut TenantTx<'_>,
    one: Option<SiteId>,
    after: Option<&(String, SiteId)>,
    limit: i64,
) -> Result<Vec<Site>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT s.id AS "id: SiteId", s.name, s.address, s.time_zone, s.created_at, s.updated_at,
                  ARRAY(SELECT n.number FROM numbers n WHERE n.tenant_id = s.tenant_id AND n.site_id = s.id ORDER BY n.number) AS "numbers!"
             FROM sites s
            WHERE ($1::uuid IS NULL OR s.id = $1) AND ($2::text IS NULL OR (s.name, s.id) > ($2, $3))
            ORDER BY s.name, s.id LIMIT $4"#,
        one.map(SiteId::uuid),
        after.map(|(name, _)| name.as_str()),
        after.map(|(_, id)| id.uuid()),
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let sites = rows.into_iter().map(|row| Site {
        id: row.id,
        name: row.name,
        address: row.address,
        time_zone: row.time_zone,
        numbers: row.numbers,
        created_at: row.created_at,
        updated_at: row.updated_at,
    });
    Ok(sites.collect())
}

/// A site, locked until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx<'_>, id: SiteId) -> Result<Option<Site>, DbError> {
    let known = sqlx::query_scalar!("SELECT id FROM sites WHERE id = $1 FOR UPDATE", id.uuid());
    if known.fetch_optional(tx.conn()).await?.is_none() {
        return Ok(None);
    }
    Ok(list(tx, Some(id), None, 1).await?.pop())
}

/// How many there are.
pub(super) async fn count(tx: &mut TenantTx<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM sites"#).fetch_one(tx.conn()).await?)
}

/// Makes a site. The violated constraint of a name that is taken is `sites_name_key`.
pub(super) async fn insert(
    tx: &mut TenantTx<'_>,
    id: SiteId,
    name: &str,
    address: &str,
    time_zone: Option<&str>,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO sites (tenant_id, id, name, address, time_zone) VALUES ($1, $2, $3, $4, $5)",
        tx.tenant().uuid(),
        id.uuid(),
        name,
        address,
        time_zone,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes a site.
pub(super) async fn update(tx: &mut TenantTx<'_>, site: &Site) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE sites SET name = $2, address = $3, time_zone = $4, updated_at = now() WHERE id = $1",
        site.id.uuid(),
        site.name,
        site.address,
        site.time_zone,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes a site; its numbers are the tenant's as a whole again.
pub(super) async fn remove(tx: &mut TenantTx<'_>, id: SiteId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM sites WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

/// Which of these numbers are not the tenant's.
pub(super) async fn unknown_numbers(tx: &mut TenantTx<'_>, numbers: &[String]) -> Result<Vec<String>, DbError> {
    let unknown = sqlx::query_scalar!(
        r#"SELECT w.number AS "number!" FROM unnest($1::text[]) AS w (number)
            WHERE NOT EXISTS (SELECT FROM numbers n WHERE n.number = w.number)"#,
        numbers,
    );
    Ok(unknown.fetch_all(tx.conn()).await?)
}

/// Makes these the site's numbers, and no others.
pub(super) async fn set_numbers(tx: &mut TenantTx<'_>, id: SiteId, numbers: &[String]) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE numbers SET site_id = CASE WHEN number = ANY($2) THEN $1 END, updated_at = now()
          WHERE (number = ANY($2)) <> (site_id IS NOT DISTINCT FROM $1)",
        id.uuid(),
        numbers,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
