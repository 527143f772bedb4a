//! Reads the directory, and again whenever it changes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use sqlx::PgConnection;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use trunkline_calls::model::{AgentActivity, Server, WrapUpRow};
use trunkline_calls::queueing::QueueRouting;
use trunkline_db::{AgentId, CallId, Db, DbError, DeviceId, QueueId, SkillId, SystemTx, TenantId};
use trunkline_dialing::Policy;

use crate::agents::digest_place;
use crate::calls::directory::{Directory, DirectoryAgent, DirectoryQueue, Number};
use crate::calls::{AgentState, DeviceKind, DirectoryDevice};
use crate::dialing::policies_store::{self, Policies};
use crate::flows::directory_store as flows_store;
use crate::numbers::directory_store as numbers_store;
use crate::secrets::{Sealed, Vault};
use crate::settings;
use crate::settings::registry::{ANNOUNCE_SUPERVISION, RECORD_CALLS, SettingValue};
use crate::sounds::directory_store as sounds_store;
use crate::trunks::directory_store as trunks_store;

/// The notification that the triggers of `0005_directory.sql` send.
const CHANNEL: &str = "trunkline_directory";
/// How often it is looked at although nothing was said: a notification may be lost with its connection, and what tenants use changes
/// without one.
const POLL: Duration = Duration::from_secs(10);
/// Between two readings that callers of unknown numbers cause.
const ASKED: Duration = Duration::from_millis(500);
/// Between two attempts while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// Reads the directory.
#[derive(Debug)]
pub(crate) struct Reader {
    db: Db,
    vault: Vault,
    /// How each server reaches the outside world; `{slug}` stands for the tenant's.
    trunks: BTreeMap<Server, String>,
    policies: Policies,
}

impl Reader {
    /// A reader that has read nothing yet.
    pub(crate) fn new(db: Db, vault: Vault, trunks: BTreeMap<Server, String>) -> Self {
        Self { db, vault, trunks, policies: Policies::default() }
    }

    /// Reads the directory once.
    pub(crate) async fn load(&mut self) -> Result<Directory, DbError> {
        let mut tx = self.db.system().await?;
        let mut directory = Directory::default();
        tenants(&mut tx, &mut directory).await?;
        limits(&mut tx, &mut directory).await?;
        queues(tx.conn(), &mut directory).await?;
        flows_store::read(tx.conn(), &mut directory).await?;
        sounds_store::read(&mut tx, &mut directory).await?;
        agents(&mut tx, &mut directory).await?;
        wrap_ups(&mut tx, &mut directory).await?;
        devices(&mut tx, &self.vault, &mut directory).await?;
        trunks_store::read(&mut tx, &self.vault, &mut directory).await?;
        let mut numbers: HashMap<TenantId, Vec<String>> = HashMap::new();
        for (number, Number { tenant, .. }) in &directory.numbers {
            numbers.entry(*tenant).or_default().push(number.clone());
        }
        for numbers in numbers.values_mut() {
            numbers.sort();
        }
        directory.dialing = self.policies.refreshed(&mut tx, directory.tenants.keys().copied(), &numbers).await?;
        tx.commit().await?;
        for (tenant, slug) in &directory.tenants {
            let own = self.trunks.iter().map(|(server, trunk)| (server.clone(), trunk.replace("{slug}", slug)));
            directory.trunks.insert(*tenant, own.collect());
        }
        directory.forget_strangers();
        Ok(directory)
    }

    /// Keeps the directory current until cancelled. While the database is away the last one goes on being used. Who asks for a reading
    /// (by its number) is told when one that began afterwards is done.
    pub(crate) async fn follow(
        mut self,
        current: watch::Sender<Arc<Directory>>,
        mut asked: mpsc::UnboundedReceiver<u64>,
        read: mpsc::UnboundedSender<u64>,
        cancel: CancellationToken,
    ) {
        let mut wanted = None;
        let mut not_before = Instant::now();
        while !cancel.is_cancelled() {
            let mut listener = match self.db.listen(&[CHANNEL]).await {
                Ok(listener) => listener,
                Err(error) => {
                    tracing::warn!(%error, "the directory cannot be watched; the last one known is used");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY) => continue,
                        () = cancel.cancelled() => return,
                    }
                }
            };
            // Whatever changed while nobody listened is in what is read now.
            loop {
                while let Ok(reading) = asked.try_recv() {
                    wanted = Some(reading);
                }
                match self.load().await {
                    Ok(fresh) => {
                        current.send_if_modified(|known| {
                            let changed = **known != fresh;
                            if changed {
                                *known = Arc::new(fresh);
                            }
                            changed
                        });
                        if let Some(reading) = wanted.take() {
                            // Call control lives as long as the reader.
                            let _ = read.send(reading);
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the directory cannot be read; the last one known is used");
                        break;
                    }
                }
                let changed = tokio::select! {
                    notification = listener.next() => notification.is_ok(),
                    () = tokio::time::sleep(POLL) => true,
                    Some(reading) = asked.recv() => {
                        wanted = Some(reading);
                        // Whoever dials numbers at random does not keep the database busy.
                        tokio::time::sleep_until(not_before).await;
                        not_before = Instant::now() + ASKED;
                        true
                    }
                    () = cancel.cancelled() => return,
                };
                if !changed {
                    break;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = cancel.cancelled() => return,
            }
        }
    }
}

/// What one tenant's flows ask for, as it is at this moment: who changed something a moment ago tries a flow with it, and on a gateway that
/// serves no calls.
pub(crate) async fn for_flows(db: &Db, tenant: TenantId) -> Result<Directory, DbError> {
    let mut tx = db.tenant_snapshot(tenant).await?;
    let mut directory = Directory::default();
    queues(tx.conn(), &mut directory).await?;
    flows_store::read(tx.conn(), &mut directory).await?;
    let marks = policies_store::marks(tx.conn(), tenant).await?;
    tx.commit().await?;
    directory.dialing.insert(tenant, Arc::new(Policy { marks, ..Policy::default() }));
    Ok(directory)
}

async fn tenants(tx: &mut SystemTx, directory: &mut Directory) -> Result<(), DbError> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: TenantId", slug FROM tenants WHERE removal_started_at IS NULL AND suspended_at IS NULL"#
    )
    .fetch_all(tx.conn())
    .await?;
    directory.tenants.extend(rows.into_iter().map(|row| (row.id, row.slug)));
    numbers_store::read(tx, directory).await
}

/// What tenants want recorded, and what they have room and minutes for.
async fn limits(tx: &mut SystemTx, directory: &mut Directory) -> Result<(), DbError> {
    let settings = settings::of_all_tenants(tx, &[&RECORD_CALLS, &ANNOUNCE_SUPERVISION]).await?;
    let off = |setting| {
        let tenants = directory.tenants.keys().copied();
        tenants.filter(|tenant| settings.value(*tenant, setting) == SettingValue::Switch(false)).collect()
    };
    (directory.unrecorded, directory.unannounced) = (off(&RECORD_CALLS), off(&ANNOUNCE_SUPERVISION));
    let rows = sqlx::query!(
        r#"SELECT l.tenant_id AS "tenant!: TenantId", coalesce(s.bytes, 0) >= l.storage_bytes AS "is_full?",
                  coalesce(u.call_ms, 0) >= l.minutes * 60000 AS "is_spent?"
             FROM tenant_limits l
             LEFT JOIN tenant_storage s ON s.tenant_id = l.tenant_id
             LEFT JOIN tenant_usage u ON u.tenant_id = l.tenant_id AND u.month = tenant_month(l.tenant_id, now())
            WHERE l.storage_bytes IS NOT NULL OR l.minutes IS NOT NULL"#
    )
    .fetch_all(tx.conn())
    .await?;
    for row in rows {
        if row.is_full == Some(true) {
            directory.unrecorded.insert(row.tenant);
        }
        if row.is_spent == Some(true) {
            directory.spent.insert(row.tenant);
        }
    }
    Ok(())
}

async fn queues(conn: &mut PgConnection, directory: &mut Directory) -> Result<(), DbError> {
    let rows = sqlx::query!(
        r#"SELECT q.tenant_id AS "tenant: TenantId", q.id AS "id: QueueId", q.name, q.extension, q.ring_seconds, q.routing,
                  coalesce(array_agg(m.agent_id) FILTER (WHERE m.agent_id IS NOT NULL), '{}') AS "members!: Vec<AgentId>"
             FROM queues q LEFT JOIN queue_members m ON m.tenant_id = q.tenant_id AND m.queue_id = q.id
            GROUP BY q.tenant_id, q.id"#
    )
    .fetch_all(conn)
    .await?;
    directory.queues.extend(rows.into_iter().map(|row| {
        let queue = DirectoryQueue {
            id: row.id,
            tenant: row.tenant,
            name: row.name,
            extension: Some(row.extension),
            ring_seconds: u32::try_from(row.ring_seconds).unwrap_or(15),
            members: row.members.into_iter().collect(),
            routing: serde_json::from_value(row.routing).unwrap_or_else(|error| {
                tracing::error!(queue = %row.id, %error, "how the queue works cannot be read; it works plainly");
                QueueRouting::default()
            }),
        };
        (row.id, queue)
    }));
    Ok(())
}

async fn agents(tx: &mut SystemTx, directory: &mut Directory) -> Result<(), DbError> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", id AS "id: AgentId", name, extension, state, reason, activity, state_since,
                  last_contact_at, chat_capacity
             FROM agents"#
    )
    .fetch_all(tx.conn())
    .await?;
    directory.agents.extend(rows.into_iter().map(|row| {
        let agent = DirectoryAgent {
            id: row.id,
            tenant: row.tenant,
            name: row.name,
            extension: row.extension,
            state: match row.state.as_str() {
                "available" => AgentState::Available,
                "paused" => AgentState::Paused,
                _ => AgentState::Offline,
            },
            reason: row.reason,
            activity: AgentActivity::parse(&row.activity).unwrap_or_default(),
            idle_since: row.last_contact_at.unwrap_or(row.state_since).min(Utc::now()),
            skills: BTreeMap::new(),
            chats: u8::try_from(row.chat_capacity).unwrap_or(0),
            wrap_ups: Vec::new(),
        };
        ((row.tenant, row.id), agent)
    }));
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", agent_id AS "agent: AgentId", skill_id AS "skill: SkillId", level
             FROM agent_skills"#
    )
    .fetch_all(tx.conn())
    .await?;
    for row in rows {
        if let Some(agent) = directory.agents.get_mut(&(row.tenant, row.agent)) {
            agent.skills.insert(row.skill, u8::try_from(row.level).unwrap_or(1));
        }
    }
    Ok(())
}

/// What agents have to finish. Counts only when the gateway starts: later ones come as they happen.
async fn wrap_ups(tx: &mut SystemTx, directory: &mut Directory) -> Result<(), DbError> {
    let rows = sqlx::query!(
        r#"SELECT w.tenant_id AS "tenant: TenantId", w.call_id AS "call: CallId", w.agent_id AS "agent: AgentId",
                  w.queue_id AS "queue: QueueId", w.began_at, w.until,
                  EXISTS (SELECT FROM dispositions d WHERE d.tenant_id = w.tenant_id AND d.call_id = w.call_id
                             AND d.agent_id = w.agent_id) AS "disposed!"
             FROM wrap_ups w WHERE w.ended_at IS NULL"#
    )
    .fetch_all(tx.conn())
    .await?;
    for row in rows {
        let rules = directory.queues.get(&row.queue);
        let required = rules.is_some_and(|queue| queue.routing.disposition_required);
        if let Some(agent) = directory.agents.get_mut(&(row.tenant, row.agent)) {
            agent.wrap_ups.push(WrapUpRow {
                call_id: row.call,
                agent_id: row.agent,
                queue_id: row.queue,
                began_at: row.began_at,
                until: row.until,
                ended_at: None,
                disposed: row.disposed || !required,
            });
        }
    }
    Ok(())
}

async fn devices(tx: &mut SystemTx, vault: &Vault, directory: &mut Directory) -> Result<(), DbError> {
    let rows = sqlx::query!(
        r#"SELECT tenant_id AS "tenant: TenantId", id AS "id: DeviceId", agent_id AS "agent: AgentId", username,
                  ha1_sealed AS "ha1!"
             FROM devices WHERE removed_at IS NULL AND ha1_sealed IS NOT NULL"#
    )
    .fetch_all(tx.conn())
    .await?;
    directory.devices.extend(rows.into_iter().filter_map(|row| {
        let ha1 = match vault.open_text(&digest_place(row.tenant, row.id), &Sealed::from(row.ha1)) {
            Ok(ha1) => ha1,
            Err(error) => {
                tracing::error!(device = %row.id, %error, "a phone's digest does not open; the phone cannot sign in");
                return None;
            }
        };
        let device = DirectoryDevice {
            id: row.id,
            tenant: row.tenant,
            agent: row.agent,
            username: row.username.clone(),
            ha1,
            kind: DeviceKind::Desk,
        };
        Some((row.username, device))
    }));
    Ok(())
}
