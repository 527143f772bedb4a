//! Fills the database: ten tenants that share the tables, one of them large.
//!
//! Foreign keys are not checked one by one and indexes are built afterwards; then everything is as it would be otherwise, and analysed.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::Context as _;
use chrono::Utc;
use trunkline_tests::Chance;
use uuid::Uuid;

use super::rows::{self, Known, TABLES, Tenant};
use crate::benchmarks::webhook_ingest::connect_account;
use crate::database::Database;
use crate::gateway::Gateway;

/// How much smaller each of the other tenants is.
const SMALLER: usize = 50;
const QUEUES: usize = 8;
const LABELS: usize = 6;
/// Queues of an agent.
const OWN_QUEUES: usize = 3;
/// What the rows begin with: the same ones each time, but for their dates.
const SEED: u64 = 6;

/// What was loaded for the large tenant.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) known: Known,
    pub(super) tenant: Tenant,
    /// Messages of all tenants.
    pub(super) messages: usize,
}

pub(super) async fn load(database: &Database, gateway: &Gateway, messages: usize) -> anyhow::Result<Loaded> {
    let folder = database.dir().join("rows");
    std::fs::create_dir(&folder).context("no folder for rows")?;
    let mut out = Vec::with_capacity(TABLES.len());
    for (table, _) in TABLES {
        let file = File::create(folder.join(table)).with_context(|| format!("cannot write rows of {table}"))?;
        out.push(BufWriter::with_capacity(1 << 20, file));
    }
    let mut out: [BufWriter<File>; 7] = out.try_into().map_err(|_| anyhow::anyhow!("a file for each table"))?;
    let (now, mut chance, mut first, mut all) = (Utc::now(), Chance::new(SEED), None, 0);
    for (number, (id, admin)) in gateway.tenants().iter().zip(gateway.admins()).enumerate() {
        let ids = |count: usize| (0..count).map(|_| Uuid::now_v7()).collect();
        let tenant = Tenant {
            id: *id,
            account: connect_account(gateway, &admin.token).await?.parse()?,
            admin: admin.user,
            agents: gateway.agents().iter().filter(|_| number == 0).map(|agent| agent.user).collect(),
            queues: ids(QUEUES),
            labels: ids(LABELS),
            messages: if number == 0 { messages } else { messages / SMALLER },
        };
        database.psql(&shelf(&tenant))?;
        let known = rows::write(&tenant, &mut chance, now, &mut out)?;
        all += known.messages;
        first.get_or_insert((known, tenant));
    }
    for file in out {
        file.into_inner().context("cannot write rows")?;
    }
    copy(database, &folder)?;
    std::fs::remove_dir_all(&folder).context("cannot remove the rows' folder")?;
    let (known, tenant) = first.context("there is a tenant")?;
    Ok(Loaded { known, tenant, messages: all })
}

/// Queues with their members, and labels.
fn shelf(tenant: &Tenant) -> String {
    let of = tenant.id;
    let mut sql = String::new();
    for (number, id) in tenant.queues.iter().enumerate() {
        let _ = write!(
            sql,
            "INSERT INTO queues (tenant_id, id, slug, name, extension) VALUES ('{of}', '{id}', 'q-{number}', 'Queue', '8{number:02}');"
        );
    }
    for (number, id) in tenant.labels.iter().enumerate() {
        let _ = write!(sql, "INSERT INTO labels (tenant_id, id, name) VALUES ('{of}', '{id}', 'label {number}');");
    }
    for (number, agent) in tenant.agents.iter().enumerate() {
        for queue in (0..OWN_QUEUES).map(|more| tenant.queues[(number + more) % QUEUES]) {
            let _ = write!(
                sql,
                "INSERT INTO queue_members (tenant_id, queue_id, agent_id) VALUES ('{of}', '{queue}', '{agent}');"
            );
        }
    }
    sql
}

fn copy(database: &Database, folder: &Path) -> anyhow::Result<()> {
    let names = TABLES.map(|(table, _)| table).join(", ");
    database.psql(&format!(
        "CREATE TABLE bench_indexes AS
         SELECT x.indexrelid::regclass::text AS name, x.indrelid::regclass::text AS of, pg_get_indexdef(x.indexrelid) AS definition FROM pg_index x
          WHERE x.indrelid = ANY ('{{{names}}}'::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid);
         DO $$ DECLARE v record; BEGIN
            FOR v IN SELECT * FROM bench_indexes LOOP EXECUTE 'DROP INDEX ' || v.name; END LOOP;
         END $$;
         ALTER ROLE CURRENT_USER SET session_replication_role = 'replica';"
    ))?;
    for (table, columns) in TABLES {
        database.psql(&format!("\\copy {table} ({columns}) FROM '{}'", folder.join(table).display()))?;
    }
    database.psql("ALTER ROLE CURRENT_USER RESET session_replication_role")?;
    // Those of the largest table beside all others.
    let build = |which: &str| {
        database.psql(&format!(
            "SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 0;
             DO $$ DECLARE v record; BEGIN
                FOR v IN SELECT * FROM bench_indexes WHERE of {which} 'messages' LOOP EXECUTE v.definition; END LOOP;
             END $$"
        ))
    };
    std::thread::scope(|scope| {
        let others = scope.spawn(|| build("<>"));
        let messages = build("=");
        others.join().map_err(|_| anyhow::anyhow!("building indexes broke down"))??;
        messages
    })?;
    database.psql("DROP TABLE bench_indexes")?;
    database.psql(&format!("VACUUM (ANALYZE) {names}"))?;
    database.psql("ANALYZE")?;
    database.psql("CHECKPOINT").map(drop)
}
