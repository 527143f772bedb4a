-- Who may do what: all built-in roles, roles of a tenant's own, teams, API keys.

ALTER TABLE users
    -- runs the platform that all tenants share; says nothing of what the person may do within a tenant
    ADD COLUMN superadmin boolean NOT NULL DEFAULT false;

-- A role of a tenant's own: a name for a set of permissions.
CREATE TABLE roles (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    -- names as in `x-permission`; one that a version does not know means nothing to it
    permissions text[] NOT NULL,
    -- all: the whole tenant's work; member: one's own, one's queues' and one's teams'
    reach text NOT NULL CHECK (reach IN ('all', 'member')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX roles_name_key ON roles (tenant_id, lower(name));
SELECT make_tenant_table('roles');
SELECT let_system_read('roles');
GRANT SELECT, INSERT, UPDATE, DELETE ON roles TO trunkline_app;

ALTER TABLE memberships DROP CONSTRAINT memberships_role_check;
ALTER TABLE memberships
    ADD CONSTRAINT memberships_role_check
        CHECK (role IN ('admin', 'manager', 'closer', 'setter', 'sales_rep', 'operator', 'viewer', 'client')),
    ADD COLUMN custom_role_id uuid,
    ADD CONSTRAINT memberships_custom_role_fkey FOREIGN KEY (tenant_id, custom_role_id) REFERENCES roles (tenant_id, id),
    -- It stands on the least of the built-in roles: whoever does not know of it errs on the safe side.
    ADD CONSTRAINT memberships_custom_role_check CHECK (custom_role_id IS NULL OR role = 'client');
CREATE INDEX memberships_custom_role ON memberships (tenant_id, custom_role_id);

-- People who work together. Whoever leads a team sees its members' work; the others only belong.
CREATE TABLE teams (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX teams_name_key ON teams (tenant_id, lower(name));
SELECT make_tenant_table('teams');
GRANT SELECT, INSERT, UPDATE, DELETE ON teams TO trunkline_app;

CREATE TABLE team_members (
    tenant_id uuid NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    lead boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, team_id, user_id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT team_members_member_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX team_members_user ON team_members (tenant_id, user_id);
SELECT make_tenant_table('team_members');
SELECT let_system_read('team_members');
GRANT SELECT, INSERT, UPDATE, DELETE ON team_members TO trunkline_app;

-- A program's way in. It acts for the member who made it, with some of what that member may do.
CREATE TABLE api_keys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    -- the part of the key that is no secret. Found by it before the tenant is known: unique without tenant_id on purpose.
    prefix text NOT NULL CONSTRAINT api_keys_prefix_key UNIQUE CHECK (prefix ~ '^[a-z0-9]{10}$'),
    -- SHA-256 of the secret, which has 256 random bits
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    -- the secret before the last rotation, good until then
    previous_hash bytea CHECK (octet_length(previous_hash) = 32),
    previous_until timestamptz,
    permissions text[] NOT NULL,
    -- networks (CIDR) from which it may be used; none: from everywhere
    allowed_addresses text[] NOT NULL DEFAULT '{}',
    -- null: the configured limit
    requests_per_second integer CHECK (requests_per_second BETWEEN 1 AND 10000),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    rotated_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    -- written in batches, some seconds behind
    requests bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    last_used_at timestamptz,
    last_used_from text,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_previous_check CHECK ((previous_hash IS NULL) = (previous_until IS NULL)),
    CONSTRAINT api_keys_member_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX api_keys_member ON api_keys (tenant_id, user_id);
SELECT make_tenant_table('api_keys');
SELECT let_system_read('api_keys');
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO trunkline_app;

-- Adds to the counters of keys: what one node saw within some seconds.
CREATE FUNCTION api_keys_used(p_tenants uuid[], p_ids uuid[], p_requests bigint[], p_refused bigint[], p_at timestamptz[], p_from text[])
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE api_keys k
       SET requests = k.requests + u.requests, refused = k.refused + u.refused,
           last_used_from = CASE WHEN u.at >= coalesce(k.last_used_at, u.at) THEN u.address ELSE k.last_used_from END,
           last_used_at = greatest(k.last_used_at, u.at)
      FROM unnest(p_tenants, p_ids, p_requests, p_refused, p_at, p_from) AS u (tenant_id, id, requests, refused, at, address)
     WHERE k.tenant_id = u.tenant_id AND k.id = u.id;
END
$$;
GRANT EXECUTE ON FUNCTION api_keys_used TO trunkline_system;

-- How many other admins the transaction's tenant has who may sign in. Locks the admins: of two changes at once the second waits,
-- and sees what the first one left.
CREATE FUNCTION tenant_other_admins(p_user uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
BEGIN
    PERFORM FROM memberships m WHERE m.tenant_id = v_tenant AND m.role = 'admin' ORDER BY m.user_id FOR UPDATE;
    RETURN (SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.tenant_id = v_tenant AND m.role = 'admin' AND m.user_id <> p_user AND u.disabled_at IS NULL);
END
$$;
GRANT EXECUTE ON FUNCTION tenant_other_admins TO trunkline_app;

-- What members may do is kept in memory by every gateway; the payload is the tenant whose part has changed. PostgreSQL sends
-- the same one once per transaction.
CREATE FUNCTION rights_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_notify('trunkline_rights', OLD.tenant_id::text);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_notify('trunkline_rights', NEW.tenant_id::text);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE ON memberships
    FOR EACH ROW EXECUTE FUNCTION rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE ON roles
    FOR EACH ROW EXECUTE FUNCTION rights_changed();
CREATE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE ON team_members
    FOR EACH ROW EXECUTE FUNCTION rights_changed();
-- Not of the counters.
CREATE TRIGGER rights_changed
    AFTER INSERT OR DELETE OR UPDATE OF user_id, secret_hash, previous_hash, previous_until, permissions, allowed_addresses,
                                        requests_per_second, expires_at, revoked_at ON api_keys
    FOR EACH ROW EXECUTE FUNCTION rights_changed();

CREATE FUNCTION user_rights_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('trunkline_rights', m.tenant_id::text) FROM memberships m WHERE m.user_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER rights_changed AFTER UPDATE OF disabled_at, superadmin ON users
    FOR EACH ROW EXECUTE FUNCTION user_rights_changed();

CREATE FUNCTION tenant_rights_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('trunkline_rights', NEW.id::text);
    RETURN NULL;
END
$$;
-- Not INSERT: a new tenant has no members yet.
CREATE TRIGGER rights_changed AFTER UPDATE OF removal_started_at ON tenants
    FOR EACH ROW EXECUTE FUNCTION tenant_rights_changed();
