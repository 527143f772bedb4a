//! Walks PostgreSQL's own catalogue: a table, key or function that breaks the rules is found whoever adds it.

use sqlx::Row as _;

use crate::support::TestDb;

/// Tables that belong to no tenant, or that the tenant's role must not touch. Everything else is a tenant's.
const SYSTEM_TABLES: [&str; 20] = [
    "_sqlx_migrations",
    "account_links",
    "account_recovery_codes",
    "account_totp",
    "audit_heads",
    "audit_pending",
    "directory_version",
    "installation",
    "job_schedules",
    "journal_epoch",
    "journal_heads",
    "journal_months",
    "journal_writers",
    "platform_settings",
    "refresh_tokens",
    "sign_ins",
    "stream_tickets",
    "tenant_tombstones",
    "tenants",
    "users",
];

/// Unique keys of tables with `tenant_id` that are unique across all tenants on purpose.
const GLOBAL_KEYS: [&str; 11] = [
    // A number of the public network belongs to one tenant.
    "numbers_number_key",
    // Asterisk knows an endpoint by its name alone.
    "devices_username_key",
    // Found by what the client holds, before its tenant is known.
    "api_keys_prefix_key",
    "hook_tokens_prefix_key",
    "invitations_token_key",
    "refresh_tokens_pkey",
    "refresh_tokens_hash_key",
    "sign_ins_pkey",
    "stream_tickets_pkey",
    // A worker finishes whatever it claimed; the installation's own jobs have no tenant.
    "jobs_pkey",
    // By lane, which is the tenant or the installation.
    "jobs_one_running_per_key",
];

/// Foreign keys that do not include `tenant_id` on purpose: users stand above tenants.
const GLOBAL_FOREIGN_KEYS: [&str; 1] = ["memberships_user_fkey"];

#[tokio::test]
async fn every_table_is_a_tenants_or_on_the_list_of_the_systems() {
    let database = TestDb::new().await;
    let mut owner = database.owner().await;
    let tables = sqlx::query(
        "SELECT c.relname::text, c.relrowsecurity AND c.relforcerowsecurity AS forced,
                EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS has_tenant,
                ARRAY(SELECT p.polname || ' for ' || p.polcmd::text || ' to ' || array_to_string(ARRAY(
                             SELECT r.rolname FROM pg_roles r WHERE r.oid = ANY(p.polroles) ORDER BY 1), ',')
                        FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY 1) AS policies,
                has_table_privilege('trunkline_app', c.oid, 'SELECT') OR has_table_privilege('trunkline_app', c.oid, 'INSERT')
                OR has_table_privilege('trunkline_app', c.oid, 'UPDATE') OR has_table_privilege('trunkline_app', c.oid, 'DELETE') AS app
           FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert!(tables.len() > 20);
    for table in tables {
        let name: String = table.get("relname");
        let policies: Vec<String> = table.get("policies");
        let system = SYSTEM_TABLES.contains(&name.as_str());
        if name == "_sqlx_migrations" {
            assert!(!table.get::<bool, _>("app"), "{name}");
            continue;
        }
        assert!(table.get::<bool, _>("forced"), "{name}: row-level security is not forced");
        if system {
            assert!(!table.get::<bool, _>("app"), "{name}: a system table that a tenant may touch");
            assert_eq!(policies, ["system_rows for * to trunkline_system"], "{name}");
        } else {
            assert!(
                table.get::<bool, _>("has_tenant"),
                "{name}: a table without tenant_id that is not on the system's list"
            );
            assert!(policies.contains(&"tenant_rows for * to trunkline_app".to_owned()), "{name}: {policies:?}");
            for policy in &policies {
                assert!(
                    [
                        "tenant_rows for * to trunkline_app",
                        "system_reads for r to trunkline_system",
                        "system_sweeps for * to trunkline_system"
                    ]
                    .contains(&policy.as_str()),
                    "{name}: {policy}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_policy_of_a_tenant_reads_the_setting_and_takes_empty_as_none() {
    let database = TestDb::new().await;
    let mut owner = database.owner().await;
    let policies: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "SELECT polrelid::regclass::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
           FROM pg_policy WHERE polname = 'tenant_rows'",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    let rule = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)";
    for (table, using, check) in policies {
        assert_eq!(using, rule, "{table}");
        assert_eq!(check.as_deref(), Some(rule), "{table}");
    }
}

#[tokio::test]
async fn every_key_between_tenant_tables_includes_the_tenant() {
    let database = TestDb::new().await;
    let mut owner = database.owner().await;
    let tenant_column = "SELECT a.attnum FROM pg_attribute a WHERE a.attname = 'tenant_id' AND a.attrelid = ";
    let foreign: Vec<(String, String, String, bool, bool)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT k.conname::text, k.conrelid::regclass::text, k.confrelid::regclass::text,
                EXISTS ({tenant_column} k.confrelid) AS other_has_tenant,
                EXISTS (SELECT FROM unnest(k.conkey, k.confkey) AS pair (ours, theirs)
                         WHERE pair.ours = ({tenant_column} k.conrelid)
                           AND (pair.theirs = ({tenant_column} k.confrelid) OR k.confrelid = 'tenants'::regclass)) AS with_tenant
           FROM pg_constraint k
          WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND EXISTS ({tenant_column} k.conrelid)"
    )))
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert!(foreign.len() > 15);
    for (key, from, to, other_has_tenant, with_tenant) in foreign {
        if GLOBAL_FOREIGN_KEYS.contains(&key.as_str()) {
            assert!(!other_has_tenant, "{key} on {from}");
        } else {
            assert!(with_tenant, "{key}: {from} refers to {to} without tenant_id");
        }
    }

    let unique: Vec<(String, String, bool, bool)> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text,
                coalesce(({tenant_column} i.indrelid) = ANY(i.indkey::smallint[]), false),
                i.indisprimary AND i.indkey[0] <> ({tenant_column} i.indrelid)
           FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
          WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND EXISTS ({tenant_column} i.indrelid)"
    )))
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert!(unique.len() > 15);
    for (key, table, with_tenant, tenant_is_not_first) in unique {
        if GLOBAL_KEYS.contains(&key.as_str()) {
            assert!(!with_tenant, "{key} on {table} is no exception any more");
        } else {
            assert!(with_tenant, "{key} on {table} is unique across tenants");
            assert!(!tenant_is_not_first, "{key}: the primary key of {table} does not begin with tenant_id");
        }
    }
}

#[tokio::test]
async fn every_foreign_key_has_an_index_to_be_checked_by() {
    let database = TestDb::new().await;
    let mut owner = database.owner().await;
    // The referring columns, as a set, must begin some index: else each delete of the other row scans this table.
    let missing: Vec<(String, String)> = sqlx::query_as(
        "SELECT k.conrelid::regclass::text, k.conname::text FROM pg_constraint k
          WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid
                 AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(missing, []);
}

#[tokio::test]
async fn functions_with_the_owners_rights_are_fenced_in() {
    let database = TestDb::new().await;
    let mut owner = database.owner().await;
    let functions: Vec<(String, bool, Option<Vec<String>>, bool)> = sqlx::query_as(
        "SELECT p.oid::regprocedure::text, p.prosecdef, p.proconfig,
                EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
           FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace",
    )
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert!(functions.len() > 8);
    for (function, definer, config, public) in functions {
        assert!(!public, "{function} may be called by everybody");
        if definer {
            let config = config.unwrap_or_default();
            assert!(config.iter().any(|setting| setting == "search_path=public, pg_temp"), "{function}: {config:?}");
        }
    }
}
