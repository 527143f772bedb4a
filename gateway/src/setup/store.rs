//! SQL of setting up and of removing.

use trunkline_db::{AgentId, DbError, QueueId, SystemTx, TenantId, TenantTx, UserId};
use trunkline_journal::NewEvent;
use uuid::Uuid;

use super::hours::Opening;
use super::plan::PlannedUser;

/// The tenants of the installation, as far as the setup asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tenants {
    /// The demo tenant, and whether its removal was begun.
    pub(super) demo: Option<(TenantId, bool)>,
    /// How many others there are.
    pub(super) others: i64,
}

pub(super) async fn tenants(tx: &mut SystemTx) -> Result<Tenants, DbError> {
    let row = sqlx::query!(
        r#"SELECT (SELECT id FROM tenants WHERE demo) AS "demo?: TenantId",
                  EXISTS (SELECT FROM tenants WHERE demo AND removal_started_at IS NOT NULL) AS "removing!",
                  (SELECT count(*) FROM tenants WHERE NOT demo AND removal_started_at IS NULL) AS "others!""#
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Tenants { demo: row.demo.map(|demo| (demo, row.removing)), others: row.others })
}

/// Which of these addresses belong to somebody already.
pub(super) async fn taken(tx: &mut SystemTx, emails: &[String]) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!("SELECT email FROM users WHERE email = ANY($1)", emails).fetch_all(tx.conn()).await?)
}

/// A slug that nobody has: this one, or numbered.
pub(super) async fn free_slug(tx: &mut SystemTx, slug: &str) -> Result<String, DbError> {
    let taken =
        sqlx::query_scalar!("SELECT slug FROM tenants WHERE starts_with(slug, $1)", slug).fetch_all(tx.conn()).await?;
    if !taken.iter().any(|taken| taken == slug) {
        return Ok(slug.to_owned());
    }
    let free = (2..100).map(|number| format!("{slug}-{number}")).find(|candidate| !taken.contains(candidate));
    // A hundred of one name: something unique, if not pretty.
    Ok(free.unwrap_or_else(|| format!("t{}", &Uuid::now_v7().simple().to_string()[..24])))
}

/// Language and zone are settings: `settings::choose` sets them, as the tenant's.
pub(crate) async fn insert_tenant(tx: &mut SystemTx, id: TenantId, slug: &str, name: &str) -> Result<(), DbError> {
    sqlx::query!("INSERT INTO tenants (id, slug, name) VALUES ($1, $2, $3)", id.uuid(), slug, name)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(crate) async fn insert_user(
    tx: &mut SystemTx,
    id: UserId,
    user: &PlannedUser,
    password_hash: &str,
    must_change_password: bool,
) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO users (id, email, name, password_hash, must_change_password) VALUES ($1, $2, $3, $4, $5)",
        id.uuid(),
        user.email,
        user.name,
        password_hash,
        must_change_password,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A member; one who takes work is an agent too.
pub(crate) async fn insert_member(
    tx: &mut TenantTx<'_>,
    id: UserId,
    user: &PlannedUser,
    takes_work: bool,
) -> Result<(), DbError> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO memberships (tenant_id, user_id, role) VALUES ($1, $2, $3)",
        tenant,
        id.uuid(),
        user.role.as_str(),
    )
    .execute(tx.conn())
    .await?;
    if takes_work {
        sqlx::query!(
            "INSERT INTO agents (tenant_id, id, name, email) VALUES ($1, $2, $3, $4)",
            tenant,
            id.uuid(),
            user.name,
            user.email,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

pub(super) async fn insert_queue(
    tx: &mut TenantTx<'_>,
    id: QueueId,
    slug: &str,
    name: &str,
    extension: &str,
    number: Option<&str>,
    members: &[AgentId],
) -> Result<(), DbError> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO queues (tenant_id, id, slug, name, extension) VALUES ($1, $2, $3, $4, $5)",
        tenant,
        id.uuid(),
        slug,
        name,
        extension,
    )
    .execute(tx.conn())
    .await?;
    if let Some(number) = number {
        sqlx::query!(
            "INSERT INTO numbers (tenant_id, number, queue_id) VALUES ($1, $2, $3)",
            tenant,
            number,
            id.uuid(),
        )
        .execute(tx.conn())
        .await?;
    }
    let members: Vec<Uuid> = members.iter().map(|member| member.uuid()).collect();
    sqlx::query!(
        "INSERT INTO queue_members (tenant_id, queue_id, agent_id) SELECT $1, $2, agent FROM unnest($3::uuid[]) AS agent",
        tenant,
        id.uuid(),
        &members,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert_hours(tx: &mut TenantTx<'_>, hours: &[Opening]) -> Result<(), DbError> {
    let days: Vec<i16> = hours.iter().map(|opening| opening.day).collect();
    let opens: Vec<i16> = hours.iter().map(|opening| opening.opens).collect();
    let closes: Vec<i16> = hours.iter().map(|opening| opening.closes).collect();
    sqlx::query!(
        "INSERT INTO business_hours (tenant_id, day, opens, closes)
         SELECT $1, day, opens, closes FROM unnest($2::smallint[], $3::smallint[], $4::smallint[]) AS line (day, opens, closes)",
        tx.tenant().uuid(),
        &days,
        &opens,
        &closes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The first events of a tenant that is made in this very transaction: nobody listens to it yet, so its lane need not be asked.
pub(crate) async fn append_first_events(tx: &mut TenantTx<'_>, events: &[NewEvent]) -> Result<(), DbError> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.id.uuid()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    let ats: Vec<_> = events.iter().map(|event| event.at).collect();
    let subject_types: Vec<&str> = events.iter().map(|event| &*event.subject.kind).collect();
    let subject_ids: Vec<Uuid> = events.iter().map(|event| event.subject.id).collect();
    let actor_types: Vec<Option<&str>> = events.iter().map(|event| event.actor.as_ref().map(|it| &*it.kind)).collect();
    let actor_ids: Vec<Option<Uuid>> = events.iter().map(|event| event.actor.as_ref().map(|actor| actor.id)).collect();
    let scopes: Vec<String> =
        events.iter().map(|event| event.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")).collect();
    let data: Vec<String> = events.iter().map(|event| event.data.to_string()).collect();
    sqlx::query!(
        r#"SELECT first_seq FROM journal_append($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
        &ids,
        &kinds as &[&str],
        &ats,
        &subject_types as &[&str],
        &subject_ids,
        &actor_types as &[Option<&str>],
        &actor_ids as &[Option<Uuid>],
        &scopes,
        &data,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

/// What [`begin_removal`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Begun {
    /// There is no demo tenant.
    Absent,
    /// It is the only tenant.
    Only,
    /// Calls of it run, so many.
    Calls(i64),
    /// Its removal is begun, now or before; with the sign-ins that this ends.
    Removing(TenantId, Vec<Uuid>),
}

/// Begins the removal of the demo tenant, unless something stands against it.
pub(super) async fn begin_removal(tx: &mut SystemTx) -> Result<Begun, DbError> {
    let demo = sqlx::query_scalar!(r#"SELECT id AS "id: TenantId" FROM tenants WHERE demo FOR UPDATE"#)
        .fetch_optional(tx.conn())
        .await?;
    let Some(demo) = demo else { return Ok(Begun::Absent) };
    if tenants(tx).await?.others == 0 {
        return Ok(Begun::Only);
    }
    match open_calls(tx, demo).await? {
        0 => {}
        calls => return Ok(Begun::Calls(calls)),
    }
    sqlx::query!(
        "UPDATE tenants SET removal_started_at = coalesce(removal_started_at, now()) WHERE id = $1",
        demo.uuid(),
    )
    .execute(tx.conn())
    .await?;
    let sessions = sqlx::query_scalar!(
        "SELECT DISTINCT family_id FROM refresh_tokens WHERE tenant_id = $1 AND revoked_at IS NULL",
        demo.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(Begun::Removing(demo, sessions))
}

/// Takes a removal back that had deleted nothing yet.
pub(super) async fn call_off_removal(tx: &mut SystemTx, tenant: TenantId) -> Result<(), DbError> {
    sqlx::query!("UPDATE tenants SET removal_started_at = NULL WHERE id = $1", tenant.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Calls of a tenant that run, or whose recording is still being written.
pub(super) async fn open_calls(tx: &mut SystemTx, tenant: TenantId) -> Result<i64, DbError> {
    let calls = sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM calls WHERE tenant_id = $1 AND state <> 'ended')
                + (SELECT count(*) FROM recordings r JOIN calls c ON c.tenant_id = r.tenant_id AND c.id = r.call_id
                    WHERE r.tenant_id = $1 AND r.state = 'recording' AND c.state = 'ended') AS "calls!""#,
        tenant.uuid(),
    );
    Ok(calls.fetch_one(tx.conn()).await?)
}

/// Tenants whose removal was begun and not finished.
pub(super) async fn unfinished_removals(tx: &mut SystemTx) -> Result<Vec<TenantId>, DbError> {
    let tenants =
        sqlx::query_scalar!(r#"SELECT id AS "id: TenantId" FROM tenants WHERE removal_started_at IS NOT NULL"#);
    Ok(tenants.fetch_all(tx.conn()).await?)
}

/// Some recordings of the tenant, with their files.
pub(super) async fn some_recordings(tx: &mut TenantTx<'_>, limit: i64) -> Result<Vec<(Uuid, String)>, DbError> {
    let rows = sqlx::query!("SELECT id, path FROM recordings ORDER BY id LIMIT $1", limit).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.path)).collect())
}

pub(super) async fn delete_recordings(tx: &mut TenantTx<'_>, ids: &[Uuid]) -> Result<u64, DbError> {
    Ok(sqlx::query!("DELETE FROM recordings WHERE id = ANY($1)", ids).execute(tx.conn()).await?.rows_affected())
}

/// Deletes some rows of a tenant that is being removed; 0 when nothing is left of it.
pub(super) async fn remove_some(tx: &mut SystemTx, tenant: TenantId, limit: i32) -> Result<i32, DbError> {
    let rows = sqlx::query_scalar!(r#"SELECT tenant_remove_some($1, $2) AS "rows!""#, tenant.uuid(), limit);
    Ok(rows.fetch_one(tx.conn()).await?)
}
