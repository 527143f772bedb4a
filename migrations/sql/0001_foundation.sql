-- The ground rules of the schema, and the two tables that stand above tenants.

-- Nobody may do anything that is not granted by name.
DO $database$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO trunkline', current_database());
END
$database$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- The owner by name: whoever owns the database owns the schema, and that may be a superuser in a copy of it.
GRANT USAGE, CREATE ON SCHEMA public TO trunkline_owner;
GRANT USAGE ON SCHEMA public TO trunkline, trunkline_app, trunkline_system;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Makes a table one of a tenant's: the application sees and writes only rows of the tenant in `app.tenant_id`.
-- The setting is '' (not NULL) on a connection that has served a tenant before: hence nullif.
CREATE FUNCTION make_tenant_table(p_table regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
    EXECUTE format(
        'CREATE POLICY tenant_rows ON %s TO trunkline_app'
        ' USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)'
        ' WITH CHECK (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)',
        p_table);
END
$$;

-- Makes a table one of the system's: only trunkline_system passes, and only with what is granted to it by name.
CREATE FUNCTION make_system_table(p_table regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
    EXECUTE format('CREATE POLICY system_rows ON %s TO trunkline_system USING (true) WITH CHECK (true)', p_table);
END
$$;

-- Lets trunkline_system read all tenants' rows of a tenant table: sign-in, and the telephony directory at start.
CREATE FUNCTION let_system_read(p_table regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE POLICY system_reads ON %s FOR SELECT TO trunkline_system USING (true)', p_table);
    EXECUTE format('GRANT SELECT ON %s TO trunkline_system', p_table);
END
$$;

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    slug text NOT NULL CONSTRAINT tenants_slug_key UNIQUE
        CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z][a-z0-9-]{0,30}[a-z0-9]$'),
    name text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now()
);
SELECT make_system_table('tenants');
GRANT SELECT, INSERT, UPDATE ON tenants TO trunkline_system;

-- A person who signs in. One person may belong to several tenants (memberships).
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL CONSTRAINT users_email_key UNIQUE
        CONSTRAINT users_email_check CHECK (email = lower(email) AND email LIKE '%_@_%'),
    name text NOT NULL CHECK (name <> ''),
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);
SELECT make_system_table('users');
GRANT SELECT, INSERT, UPDATE ON users TO trunkline_system;
