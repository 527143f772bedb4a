-- Running many tenants: suspended, deleted with grace, limited and counted; their sites; settings on four levels.

ALTER TABLE tenants
    -- nobody signs in and nobody is called, and everything stays
    ADD COLUMN suspended_at timestamptz,
    -- in words, for whoever is refused
    ADD COLUMN suspended_reason text CONSTRAINT tenants_suspended_reason_check CHECK (char_length(suspended_reason) BETWEEN 1 AND 300),
    -- Its removal begins then, unless somebody thinks better of it.
    ADD COLUMN delete_at timestamptz,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD CONSTRAINT tenants_suspended_check CHECK (suspended_reason IS NULL OR suspended_at IS NOT NULL),
    -- Who waits for the end is suspended meanwhile.
    ADD CONSTRAINT tenants_delete_check CHECK (delete_at IS NULL OR suspended_at IS NOT NULL);
CREATE INDEX tenants_to_delete ON tenants (delete_at) WHERE delete_at IS NOT NULL AND removal_started_at IS NULL;

-- As 0011 has it, and for suspensions too.
DROP TRIGGER rights_changed ON tenants;
CREATE TRIGGER rights_changed AFTER UPDATE OF removal_started_at, suspended_at ON tenants
    FOR EACH ROW EXECUTE FUNCTION tenant_rights_changed();

-- What stays of a tenant that was removed. Not `tenant_id`: tenant_remove_some takes everything that is called so.
CREATE TABLE tenant_tombstones (
    id uuid PRIMARY KEY,
    -- Phones and links were named after it: it is not given away again.
    slug text NOT NULL CONSTRAINT tenant_tombstones_slug_key UNIQUE,
    created_at timestamptz NOT NULL,
    removed_at timestamptz NOT NULL DEFAULT now()
);
SELECT make_system_table('tenant_tombstones');
GRANT SELECT ON tenant_tombstones TO trunkline_system;

CREATE FUNCTION tenant_removed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- The demo comes and goes under one name.
    IF NOT OLD.demo THEN
        INSERT INTO tenant_tombstones (id, slug, created_at) VALUES (OLD.id, OLD.slug, OLD.created_at);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER tenant_removed AFTER DELETE ON tenants FOR EACH ROW EXECUTE FUNCTION tenant_removed();

CREATE FUNCTION tenant_slug_buried() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM tenant_tombstones t WHERE t.slug = NEW.slug) THEN
        RAISE EXCEPTION 'the slug belonged to a tenant that was removed'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'tenants_slug_key';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER tenant_slug_buried BEFORE INSERT OR UPDATE OF slug ON tenants
    FOR EACH ROW EXECUTE FUNCTION tenant_slug_buried();

-- Sites: a tenant's outlets, with their numbers. Channel accounts will refer to a site the same way.
CREATE TABLE sites (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    -- as people write it
    address text NOT NULL DEFAULT '' CHECK (char_length(address) <= 500),
    -- IANA name, checked by who writes it; null: the tenant's
    time_zone text CHECK (time_zone <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX sites_name_key ON sites (tenant_id, lower(name));
SELECT make_tenant_table('sites');
GRANT SELECT, INSERT, UPDATE, DELETE ON sites TO trunkline_app;

ALTER TABLE numbers
    ADD COLUMN site_id uuid,
    ADD CONSTRAINT numbers_site_fkey FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id) ON DELETE SET NULL (site_id);
CREATE INDEX numbers_site ON numbers (tenant_id, site_id);

-- What a tenant may use; null: as much as there is. No row: no limits.
CREATE TABLE tenant_limits (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    agents integer CHECK (agents >= 0),
    -- per month
    messages bigint CHECK (messages >= 0),
    -- per month
    minutes bigint CHECK (minutes >= 0),
    storage_bytes bigint CHECK (storage_bytes >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
);
SELECT make_tenant_table('tenant_limits');
SELECT let_system_read('tenant_limits');
-- A tenant sees its limits; whoever runs the platform sets them.
GRANT SELECT ON tenant_limits TO trunkline_app;

CREATE FUNCTION tenant_set_limits(p_tenant uuid, p_agents integer, p_messages bigint, p_minutes bigint, p_storage_bytes bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO tenant_limits (tenant_id, agents, messages, minutes, storage_bytes)
    VALUES (p_tenant, p_agents, p_messages, p_minutes, p_storage_bytes)
    ON CONFLICT (tenant_id) DO UPDATE SET agents = excluded.agents, messages = excluded.messages, minutes = excluded.minutes,
        storage_bytes = excluded.storage_bytes, updated_at = now()
$$;
GRANT EXECUTE ON FUNCTION tenant_set_limits TO trunkline_system;

-- What is counted by the month, in the tenant's own time zone.
CREATE TABLE tenant_usage (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    -- its first day
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    messages bigint NOT NULL DEFAULT 0,
    -- of answered calls, from the answer to the end
    call_ms bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, month)
) WITH (fillfactor = 50);
SELECT make_tenant_table('tenant_usage');
SELECT let_system_read('tenant_usage');
GRANT SELECT ON tenant_usage TO trunkline_app;

-- What lies in files now.
CREATE TABLE tenant_storage (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    bytes bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
SELECT make_tenant_table('tenant_storage');
SELECT let_system_read('tenant_storage');
GRANT SELECT ON tenant_storage TO trunkline_app;

-- Which warnings were given: one per resource, period and threshold.
CREATE TABLE tenant_limit_warnings (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    resource text NOT NULL CHECK (resource IN ('agents', 'messages', 'minutes', 'storage')),
    -- of what is counted by the month; otherwise 'infinity', and it goes when there is room again
    month date NOT NULL,
    percent smallint NOT NULL CHECK (percent IN (80, 100)),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, resource, month, percent)
);
SELECT make_tenant_table('tenant_limit_warnings');
GRANT SELECT, INSERT, DELETE ON tenant_limit_warnings TO trunkline_app;

-- The month of a moment, as the tenant's people reckon. A zone that PostgreSQL does not know must not cost a call its end.
CREATE FUNCTION tenant_month(p_tenant uuid, p_at timestamptz) RETURNS date
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_zone text;
BEGIN
    SELECT t.time_zone INTO v_zone FROM tenants t WHERE t.id = p_tenant;
    RETURN date_trunc('month', p_at AT TIME ZONE coalesce(v_zone, 'UTC'))::date;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN date_trunc('month', p_at AT TIME ZONE 'UTC')::date;
END
$$;

CREATE FUNCTION tenant_count(p_tenant uuid, p_at timestamptz, p_messages bigint, p_call_ms bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO tenant_usage AS u (tenant_id, month, messages, call_ms)
    VALUES (p_tenant, tenant_month(p_tenant, p_at), p_messages, p_call_ms)
    ON CONFLICT (tenant_id, month) DO UPDATE SET messages = u.messages + excluded.messages, call_ms = u.call_ms + excluded.call_ms;
END
$$;

-- Counts messages of the transaction's tenant; for whoever stores them, in the same transaction.
CREATE FUNCTION tenant_count_messages(p_at timestamptz, p_number bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
BEGIN
    IF v_tenant IS NULL THEN
        RAISE EXCEPTION 'no tenant is set' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM tenant_count(v_tenant, p_at, p_number, 0);
END
$$;
GRANT EXECUTE ON FUNCTION tenant_count_messages TO trunkline_app;

-- A call counts when it ends, once: its row may be written again.
CREATE FUNCTION call_counted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.ended_at IS NOT NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM tenant_count(NEW.tenant_id, NEW.ended_at, 0,
                         greatest(0, (extract(epoch FROM NEW.ended_at - NEW.answered_at) * 1000)::bigint));
    RETURN NULL;
END
$$;
CREATE TRIGGER counted AFTER INSERT OR UPDATE OF ended_at ON calls FOR EACH ROW
    WHEN (NEW.ended_at IS NOT NULL AND NEW.answered_at IS NOT NULL) EXECUTE FUNCTION call_counted();

CREATE FUNCTION recording_counted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid;
    v_bytes bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_tenant := NEW.tenant_id;
        v_bytes := coalesce(NEW.bytes, 0);
    ELSIF TG_OP = 'UPDATE' THEN
        v_tenant := NEW.tenant_id;
        v_bytes := coalesce(NEW.bytes, 0) - coalesce(OLD.bytes, 0);
    ELSE
        v_tenant := OLD.tenant_id;
        v_bytes := -coalesce(OLD.bytes, 0);
        -- Of a tenant that is being removed the counter may have gone before the recording.
        IF EXISTS (SELECT FROM tenants t WHERE t.id = v_tenant AND t.removal_started_at IS NOT NULL) THEN
            RETURN NULL;
        END IF;
    END IF;
    IF v_bytes <> 0 THEN
        INSERT INTO tenant_storage AS s (tenant_id, bytes) VALUES (v_tenant, greatest(0, v_bytes))
        ON CONFLICT (tenant_id) DO UPDATE SET bytes = greatest(0, s.bytes + v_bytes);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER counted AFTER INSERT OR DELETE OR UPDATE OF bytes ON recordings FOR EACH ROW EXECUTE FUNCTION recording_counted();

INSERT INTO tenant_storage (tenant_id, bytes) SELECT r.tenant_id, sum(coalesce(r.bytes, 0)) FROM recordings r GROUP BY r.tenant_id;
INSERT INTO tenant_usage (tenant_id, month, call_ms)
SELECT c.tenant_id, tenant_month(c.tenant_id, c.ended_at),
       sum(greatest(0, (extract(epoch FROM c.ended_at - c.answered_at) * 1000)::bigint))
  FROM calls c WHERE c.ended_at IS NOT NULL AND c.answered_at IS NOT NULL GROUP BY 1, 2;

-- No agents beyond the limit, whoever makes them. The limit's row is locked: of two at once the second sees the first. After the row,
-- so that one that was there already is not counted as new.
CREATE FUNCTION agent_limited() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_limit integer;
BEGIN
    SELECT l.agents INTO v_limit FROM tenant_limits l WHERE l.tenant_id = NEW.tenant_id AND l.agents IS NOT NULL FOR UPDATE;
    IF v_limit IS NOT NULL AND (SELECT count(*) FROM agents a WHERE a.tenant_id = NEW.tenant_id) > v_limit THEN
        RAISE EXCEPTION 'tenant % has as many agents as it may have', NEW.tenant_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'tenant_limits_agents';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER limited AFTER INSERT ON agents FOR EACH ROW EXECUTE FUNCTION agent_limited();

-- Settings that were set. What there is to be set, and its defaults, the program knows (`settings/registry.rs`).
CREATE TABLE platform_settings (
    key text PRIMARY KEY CHECK (key ~ '^[a-z_]+(\.[a-z_]+)+$'),
    value jsonb NOT NULL,
    lock text NOT NULL DEFAULT 'none' CHECK (lock IN ('none', 'soft', 'hard')),
    changed_at timestamptz NOT NULL DEFAULT now(),
    -- no reference: what was set stays when the person goes
    changed_by uuid
);
SELECT make_system_table('platform_settings');
GRANT SELECT, INSERT, UPDATE, DELETE ON platform_settings TO trunkline_system;

CREATE TABLE tenant_settings (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    key text NOT NULL CHECK (key ~ '^[a-z_]+(\.[a-z_]+)+$'),
    value jsonb NOT NULL,
    lock text NOT NULL DEFAULT 'none' CHECK (lock IN ('none', 'soft', 'hard')),
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by uuid,
    PRIMARY KEY (tenant_id, key)
);
SELECT make_tenant_table('tenant_settings');
SELECT let_system_read('tenant_settings');
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_settings TO trunkline_app;

-- A member's own, and those of one sign-in.
CREATE TABLE member_settings (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- the sign-in (family of refresh tokens); nil: of the member
    session_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    key text NOT NULL CHECK (key ~ '^[a-z_]+(\.[a-z_]+)+$'),
    value jsonb NOT NULL,
    -- a member may bind later sign-ins: a kiosk whose looks are not to change
    lock text NOT NULL DEFAULT 'none' CHECK (lock IN ('none', 'soft', 'hard')),
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, session_id, key),
    CONSTRAINT member_settings_member_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE,
    CONSTRAINT member_settings_session_check CHECK (lock = 'none' OR session_id = '00000000-0000-0000-0000-000000000000')
);
SELECT make_tenant_table('member_settings');
GRANT SELECT, INSERT, UPDATE, DELETE ON member_settings TO trunkline_app;
-- The system sweeps those of sign-ins that are over, and sees nothing of the members' own.
CREATE POLICY system_sweeps ON member_settings TO trunkline_system USING (session_id <> '00000000-0000-0000-0000-000000000000');
GRANT SELECT, DELETE ON member_settings TO trunkline_system;

-- What the platform set, for a tenant's transaction: nothing of it is secret.
CREATE FUNCTION platform_settings_now() RETURNS TABLE (key text, value jsonb, lock text, changed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.key, s.value, s.lock, s.changed_at FROM platform_settings s
$$;
GRANT EXECUTE ON FUNCTION platform_settings_now TO trunkline_app, trunkline_system;

-- The language that a member of the transaction's tenant chose; null: none.
CREATE FUNCTION member_language(p_user uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT u.language FROM users u JOIN memberships m ON m.user_id = u.id
     WHERE u.id = p_user AND m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
$$;
GRANT EXECUTE ON FUNCTION member_language TO trunkline_app;

-- Call control obeys some of them.
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON platform_settings
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON tenant_settings
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE ON tenant_limits
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
GRANT EXECUTE ON FUNCTION tenant_month TO trunkline_app, trunkline_system;

-- Language and zone were columns of the tenant before they were settings, and much reads them there: they follow the settings. This is
-- the cascade (`settings/cascade.rs`) for the upper two levels. p_tenant null: every tenant.
CREATE FUNCTION tenants_mirror_settings(p_tenant uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE tenants t SET language = said.language, time_zone = said.time_zone
      FROM (SELECT w.id,
                   coalesce(max(w.value) FILTER (WHERE w.key = 'looks.language'), 'en') AS language,
                   coalesce(max(w.value) FILTER (WHERE w.key = 'looks.time_zone'), 'UTC') AS time_zone
              FROM (SELECT x.id, k.key,
                           CASE WHEN p.lock = 'hard' THEN p.value #>> '{}' ELSE coalesce(s.value #>> '{}', p.value #>> '{}') END AS value
                      FROM tenants x CROSS JOIN (VALUES ('looks.language'), ('looks.time_zone')) AS k (key)
                      LEFT JOIN platform_settings p ON p.key = k.key
                      LEFT JOIN tenant_settings s ON s.tenant_id = x.id AND s.key = k.key
                     WHERE p_tenant IS NULL OR x.id = p_tenant) w
             GROUP BY w.id) said
     WHERE t.id = said.id AND (t.language, t.time_zone) IS DISTINCT FROM (said.language, said.time_zone);
END
$$;

CREATE FUNCTION settings_mirrored() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'tenants' THEN
        PERFORM tenants_mirror_settings(NEW.id);
    ELSIF TG_TABLE_NAME = 'platform_settings' THEN
        PERFORM tenants_mirror_settings(NULL);
    ELSE
        PERFORM tenants_mirror_settings(coalesce(NEW.tenant_id, OLD.tenant_id));
    END IF;
    RETURN NULL;
END
$$;

-- What was chosen until now was chosen by the tenants; what nobody chose stays open.
INSERT INTO tenant_settings (tenant_id, key, value) SELECT id, 'looks.language', to_jsonb(language) FROM tenants WHERE language <> 'en';
INSERT INTO tenant_settings (tenant_id, key, value) SELECT id, 'looks.time_zone', to_jsonb(time_zone) FROM tenants WHERE time_zone <> 'UTC';

CREATE TRIGGER settings_mirrored AFTER INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION settings_mirrored();
CREATE TRIGGER settings_mirrored AFTER INSERT OR UPDATE OR DELETE ON tenant_settings FOR EACH ROW EXECUTE FUNCTION settings_mirrored();
CREATE TRIGGER settings_mirrored AFTER INSERT OR UPDATE OR DELETE ON platform_settings FOR EACH ROW EXECUTE FUNCTION settings_mirrored();
