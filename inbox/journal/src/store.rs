//! The journal's SQL.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnection;
use trunkline_db::{CallId, EventId, SystemTx, TenantId, TenantTx};
use uuid::Uuid;

use crate::{
    event::{Kind, Ref, Scope, Sealed, Seq},
    frame::{Frame, Parts},
};

/// What [`append`] says of one tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appended {
    pub(crate) tenant: TenantId,
    pub(crate) first: Seq,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// Appends the events of several tenants. `batches` is sorted by tenant: heads are locked in that order.
///
/// Returns what each tenant got, and the transaction's id.
pub(crate) async fn append(
    connection: &mut PgConnection,
    batches: &[(TenantId, Vec<&Sealed>)],
) -> Result<(Vec<Appended>, String), sqlx::Error> {
    let tenants: Vec<Uuid> = batches.iter().map(|(tenant, _)| tenant.uuid()).collect();
    let counts: Vec<i32> = batches.iter().map(|(_, events)| events.len() as i32).collect();
    let total = batches.iter().map(|(_, events)| events.len()).sum();
    let mut columns = Columns::with_capacity(total);
    for sealed in batches.iter().flat_map(|(_, events)| events) {
        columns.push(sealed);
    }
    let row = sqlx::query!(
        r#"SELECT first_seqs AS "first_seqs!", recorded AS "recorded!", xid AS "xid!"
             FROM journal_append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"#,
        &tenants,
        &counts,
        &columns.ids,
        &columns.kinds as &[&str],
        &columns.ats,
        &columns.subject_types as &[&str],
        &columns.subject_ids,
        &columns.actor_types as &[Option<&str>],
        &columns.actor_ids as &[Option<Uuid>],
        &columns.scopes as &[String],
        &columns.data as &[&str],
    )
    .fetch_one(connection)
    .await?;
    let appended = batches
        .iter()
        .zip(row.first_seqs.into_iter().zip(row.recorded))
        .map(|((tenant, _), (first, recorded_at))| Appended { tenant: *tenant, first: Seq(first), recorded_at })
        .collect();
    Ok((appended, row.xid))
}

/// The events as `journal_append_batch` takes them: one array per column.
struct Columns<'a> {
    ids: Vec<Uuid>,
    kinds: Vec<&'a str>,
    ats: Vec<DateTime<Utc>>,
    subject_types: Vec<&'a str>,
    subject_ids: Vec<Uuid>,
    actor_types: Vec<Option<&'a str>>,
    actor_ids: Vec<Option<Uuid>>,
    scopes: Vec<String>,
    data: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn with_capacity(n: usize) -> Self {
        Self {
            ids: Vec::with_capacity(n),
            kinds: Vec::with_capacity(n),
            ats: Vec::with_capacity(n),
            subject_types: Vec::with_capacity(n),
            subject_ids: Vec::with_capacity(n),
            actor_types: Vec::with_capacity(n),
            actor_ids: Vec::with_capacity(n),
            scopes: Vec::with_capacity(n),
            data: Vec::with_capacity(n),
        }
    }

    fn push(&mut self, sealed: &'a Sealed) {
        use std::fmt::Write as _;
        let event = &sealed.event;
        self.ids.push(event.id.uuid());
        self.kinds.push(event.kind.as_str());
        self.ats.push(event.at);
        self.subject_types.push(&event.subject.kind);
        self.subject_ids.push(event.subject.id);
        self.actor_types.push(event.actor.as_ref().map(|actor| &*actor.kind));
        self.actor_ids.push(event.actor.as_ref().map(|actor| actor.id));
        let mut scopes = String::new();
        for scope in &event.scopes {
            if !scopes.is_empty() {
                scopes.push(' ');
            }
            write!(scopes, "{scope}").expect("a String takes all");
        }
        self.scopes.push(scopes);
        self.data.push(&sealed.data);
    }
}

/// Head, oldest, and up to `limit` frames after a position: all of one moment.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) head: Seq,
    pub(crate) oldest: Seq,
    pub(crate) frames: Vec<Frame>,
}

/// Reads a stretch of the tenant's log. `None`: there is no such tenant.
pub(crate) async fn stretch(tx: &mut TenantTx<'_>, after: Seq, limit: usize) -> Result<Option<Stretch>, sqlx::Error> {
    let tenant = tx.tenant();
    // One statement, so that head and rows are of one snapshot. The month lets the planner leave out earlier partitions.
    let rows = sqlx::query!(
        r#"SELECT h.seq AS "head!", h.oldest AS "oldest!", e.seq AS "seq?", e.id AS "id?: EventId", e.kind AS "kind?", e.at AS "at?",
                  e.subject_type AS "subject_type?", e.subject_id AS "subject_id?", e.actor_type, e.actor_id,
                  e.scopes AS "scopes?", e.data::text AS "data?"
             FROM journal_head() h
             LEFT JOIN LATERAL (
                  SELECT * FROM events
                   WHERE tenant_id = $1 AND seq > $2 AND recorded_at >= (SELECT journal_month_of($2 + 1))
                   ORDER BY seq LIMIT $3
             ) e ON true
            ORDER BY e.seq"#,
        tenant.uuid(),
        after.get(),
        limit as i64,
    )
    .fetch_all(tx.conn())
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let (head, oldest) = (Seq(first.head), Seq(first.oldest));
    let mut frames = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(seq), Some(id), Some(kind), Some(at), Some(subject_type), Some(subject_id), Some(scopes), Some(data)) =
            (row.seq, row.id, row.kind, row.at, row.subject_type, row.subject_id, row.scopes, row.data)
        else {
            // No event after the position: the head alone.
            continue;
        };
        let actor = row.actor_type.zip(row.actor_id).map(|(kind, id)| Ref::new(kind, id));
        let kind: Kind = kind.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        frames.push(Frame::new(Parts {
            seq: Seq(seq),
            id,
            kind,
            at,
            subject: &Ref::new(subject_type, subject_id),
            actor: actor.as_ref(),
            // A scope that this version does not know lets nobody see more.
            scopes: scopes.iter().filter_map(|scope| scope.parse::<Scope>().ok()).collect(),
            data: &data,
        }));
    }
    Ok(Some(Stretch { head, oldest, frames }))
}

/// Where a call's story begins.
pub(crate) async fn call_started(tx: &mut TenantTx<'_>, call: CallId) -> Result<Option<Seq>, sqlx::Error> {
    let tenant = tx.tenant();
    let seq = sqlx::query_scalar!(
        "SELECT seq FROM events WHERE tenant_id = $1 AND subject_id = $2 AND kind = 'call.started' ORDER BY seq LIMIT 1",
        tenant.uuid(),
        call.uuid(),
    );
    Ok(seq.fetch_optional(tx.conn()).await?.map(Seq))
}

/// Frames of the events about these subjects from one place up to another, in order.
pub(crate) async fn about(
    tx: &mut TenantTx<'_>,
    subjects: &[Uuid],
    from: Seq,
    to: Seq,
    limit: usize,
) -> Result<Vec<Frame>, sqlx::Error> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"SELECT seq, id AS "id: EventId", kind, at, subject_type, subject_id, actor_type, actor_id, scopes, data::text AS "data!"
             FROM events
            WHERE tenant_id = $1 AND seq >= $3 AND seq < $4 AND recorded_at >= (SELECT journal_month_of($3))
              AND subject_id = ANY($2)
            ORDER BY seq LIMIT $5"#,
        tenant.uuid(),
        subjects,
        from.get(),
        to.get(),
        limit as i64,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let actor = row.actor_type.zip(row.actor_id).map(|(kind, id)| Ref::new(kind, id));
            Ok(Frame::new(Parts {
                seq: Seq(row.seq),
                id: row.id,
                kind: row
                    .kind
                    .parse()
                    .map_err(|error: crate::event::InvalidEvent| sqlx::Error::Decode(Box::new(error)))?,
                at: row.at,
                subject: &Ref::new(row.subject_type, row.subject_id),
                actor: actor.as_ref(),
                // A scope that this version does not know lets nobody see more.
                scopes: row.scopes.iter().filter_map(|scope| scope.parse::<Scope>().ok()).collect(),
                data: &row.data,
            }))
        })
        .collect()
}

/// The id of the event at a place.
pub(crate) async fn id_at(tx: &mut TenantTx<'_>, seq: Seq) -> Result<Option<EventId>, sqlx::Error> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        r#"SELECT id AS "id: EventId" FROM events
            WHERE tenant_id = $1 AND seq = $2 AND recorded_at >= (SELECT journal_month_of($2))"#,
        tenant.uuid(),
        seq.get(),
    )
    .fetch_optional(tx.conn())
    .await
}

/// Head and oldest of a tenant's journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) tenant: TenantId,
    pub(crate) seq: Seq,
    pub(crate) oldest: Seq,
}

/// Heads of these tenants; those that do not exist are left out.
pub(crate) async fn heads(tx: &mut SystemTx, tenants: &[Uuid]) -> Result<Vec<Head>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant_id: TenantId", seq, oldest FROM journal_heads WHERE tenant_id = ANY($1)"#,
        tenants,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| Head { tenant: row.tenant_id, seq: Seq(row.seq), oldest: Seq(row.oldest) }).collect())
}

/// Sends a `NOTIFY`.
pub(crate) async fn notify(tx: &mut SystemTx, channel: &str, payload: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"SELECT pg_notify($1, $2) AS "sent""#, channel, payload).execute(tx.conn()).await?;
    Ok(())
}

/// Which PostgreSQL it is: its timeline (a new one after each promotion or point-in-time recovery) and its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lineage {
    pub(crate) timeline: i32,
    pub(crate) cluster: i64,
}

/// The lineage of the server that is asked.
pub(crate) async fn lineage(tx: &mut SystemTx) -> Result<Lineage, sqlx::Error> {
    // The name of a WAL file begins with its timeline, in 8 hexadecimal digits.
    let row = sqlx::query!(
        r#"SELECT ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer AS "timeline!",
                  system_identifier AS "cluster!" FROM pg_control_system()"#
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Lineage { timeline: row.timeline, cluster: row.cluster })
}

/// The epoch on record, locked, and the lineage it was begun on.
pub(crate) async fn recorded_epoch(tx: &mut SystemTx) -> Result<Option<(Uuid, Lineage)>, sqlx::Error> {
    let row =
        sqlx::query!("SELECT epoch, timeline, cluster FROM journal_epoch FOR UPDATE").fetch_optional(tx.conn()).await?;
    Ok(row.map(|row| (row.epoch, Lineage { timeline: row.timeline, cluster: row.cluster })))
}

/// Puts an epoch on record, unless (there was none, and) another node was quicker.
pub(crate) async fn record_epoch(tx: &mut SystemTx, epoch: Uuid, lineage: Lineage) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO journal_epoch (epoch, timeline, cluster) VALUES ($1, $2, $3)
         ON CONFLICT (only_row) DO UPDATE
            SET epoch = excluded.epoch, timeline = excluded.timeline, cluster = excluded.cluster, since = now()
          WHERE (journal_epoch.timeline, journal_epoch.cluster) <> (excluded.timeline, excluded.cluster)",
        epoch,
        lineage.timeline,
        lineage.cluster,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
