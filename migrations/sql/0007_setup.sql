-- Setting up a tenant of one's own, and removing one with everything of it.

-- What is known of this installation as a whole.
CREATE TABLE installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- the demo was removed: it does not come back by itself
    demo_removed_at timestamptz
);
INSERT INTO installation DEFAULT VALUES;
SELECT make_system_table('installation');
GRANT SELECT, UPDATE ON installation TO trunkline_system;

ALTER TABLE tenants
    -- made to be tried and thrown away
    ADD COLUMN demo boolean NOT NULL DEFAULT false,
    -- its removal was begun: nobody signs in, nobody calls, and what is left of it goes
    ADD COLUMN removal_started_at timestamptz;
CREATE UNIQUE INDEX tenants_one_demo ON tenants (demo) WHERE demo;
UPDATE tenants SET demo = true WHERE slug = 'demo';

-- When the tenant is open, in its own time zone. Minutes of the day; a time that runs past midnight is two rows.
CREATE TABLE business_hours (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    -- ISO 8601: 1 is Monday
    day smallint NOT NULL CHECK (day BETWEEN 1 AND 7),
    opens smallint NOT NULL CHECK (opens BETWEEN 0 AND 1439),
    closes smallint NOT NULL CHECK (closes BETWEEN 1 AND 1440),
    PRIMARY KEY (tenant_id, day, opens),
    CONSTRAINT business_hours_order_check CHECK (opens < closes)
);
SELECT make_tenant_table('business_hours');
GRANT SELECT, INSERT, UPDATE, DELETE ON business_hours TO trunkline_app;

-- Gives a member of the transaction's tenant a new password, if the old one's hash is still p_old_hash, and ends all sign-ins of
-- the user but p_keep. Returns the sign-ins that it ended; null when the hash was another or there is no such member.
CREATE FUNCTION member_set_password(p_user uuid, p_old_hash text, p_hash text, p_keep uuid) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_ended uuid[];
BEGIN
    UPDATE users u SET password_hash = p_hash, must_change_password = false
     WHERE u.id = p_user AND u.password_hash = p_old_hash AND u.disabled_at IS NULL
       AND EXISTS (SELECT FROM memberships m
                    WHERE m.user_id = p_user AND m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    WITH ended AS (
        UPDATE refresh_tokens r SET revoked_at = now()
         WHERE r.user_id = p_user AND r.family_id <> p_keep AND r.revoked_at IS NULL RETURNING r.family_id
    )
    SELECT coalesce(array_agg(DISTINCT e.family_id), '{}') INTO v_ended FROM ended e;
    RETURN v_ended;
END
$$;
GRANT EXECUTE ON FUNCTION member_set_password TO trunkline_app;

-- Deletes some rows (at most p_limit) of a tenant whose removal was begun, from one table; with the last of them the tenant.
-- Returns how many rows: 0 when nothing is left, not even the tenant. To be called again and again, each time in a transaction of
-- its own, so that no lock is held for long.
--
-- Which tables there are is asked of the catalogue, so that a table of a later version is not forgotten: a table's turn comes when
-- no table that refers to it has rows of the tenant any more.
CREATE FUNCTION tenant_remove_some(p_tenant uuid, p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_table regclass;
    v_other regclass;
    v_any boolean;
    v_left boolean := false;
    v_rows integer;
    v_users uuid[];
BEGIN
    PERFORM FROM tenants t WHERE t.id = p_tenant AND t.removal_started_at IS NOT NULL FOR UPDATE;
    IF NOT FOUND THEN
        IF EXISTS (SELECT FROM tenants t WHERE t.id = p_tenant) THEN
            RAISE EXCEPTION 'the removal of tenant % was not begun', p_tenant USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        RETURN 0;
    END IF;

    <<tables>>
    FOR v_table IN
        SELECT c.oid::regclass FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         -- Partitions one by one: a row's ctid is its place within one of them.
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
         -- The journal's head last: whoever still reads finds it.
         ORDER BY c.relname LIKE 'journal%', c.relname
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE tenant_id = $1)', v_table) INTO v_any USING p_tenant;
        CONTINUE tables WHEN NOT v_any;
        v_left := true;
        FOR v_other IN
            SELECT DISTINCT k.conrelid::regclass FROM pg_constraint k
              JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped
             -- A reference that becomes null holds nothing up.
             WHERE k.contype = 'f' AND k.confrelid = v_table AND k.conrelid <> v_table AND k.confdeltype <> 'n'
        LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE tenant_id = $1)', v_other) INTO v_any USING p_tenant;
            CONTINUE tables WHEN v_any;
        END LOOP;

        IF v_table = 'memberships'::regclass THEN
            WITH gone AS (
                DELETE FROM memberships m WHERE m.ctid = ANY (ARRAY(
                    SELECT s.ctid FROM memberships s WHERE s.tenant_id = p_tenant LIMIT p_limit)) RETURNING m.user_id
            )
            SELECT count(*), array_agg(g.user_id) INTO v_rows, v_users FROM gone g;
            -- People who belonged to no other tenant.
            DELETE FROM users u WHERE u.id = ANY (v_users) AND NOT EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id);
        ELSE
            EXECUTE format('DELETE FROM %1$s WHERE ctid = ANY (ARRAY(SELECT ctid FROM %1$s WHERE tenant_id = $1 LIMIT $2))', v_table)
              USING p_tenant, p_limit;
            GET DIAGNOSTICS v_rows = ROW_COUNT;
        END IF;
        RETURN v_rows;
    END LOOP;

    IF v_left THEN
        RAISE EXCEPTION 'the tables of tenant % refer to one another in a circle', p_tenant USING ERRCODE = 'dependent_objects_still_exist';
    END IF;
    UPDATE installation SET demo_removed_at = now()
      FROM tenants t WHERE t.id = p_tenant AND t.demo;
    DELETE FROM tenants t WHERE t.id = p_tenant;
    RETURN 1;
END
$$;
GRANT EXECUTE ON FUNCTION tenant_remove_some TO trunkline_system;
