-- The audit log, and secrets that are sealed before they are stored.

-- Who did what to which record. Each tenant has a chain of its own, and the platform has one: `tenant_id` is then the nil UUID, which
-- no tenant has (hence no foreign key).
--
-- An entry consists of what stays and of values that may be erased. The values are covered by `digest`, made with a random salt; the
-- digest and what stays are covered by `link`, together with the link of the entry before. So values and salt can be erased, and
-- nobody can guess them from the digest, while the chain is verified as before.
CREATE TABLE audit_entries (
    tenant_id uuid NOT NULL,
    -- 1, 2, 3 … without a gap
    seq bigint NOT NULL CHECK (seq > 0),
    -- when it was committed; never goes back within a chain
    at timestamptz NOT NULL,
    -- user, api_key, system (the gateway by itself), command_line, unknown
    actor_type text NOT NULL,
    actor_id uuid,
    -- how the actor was signed in: session or api_key
    via_type text,
    via_id uuid,
    action text NOT NULL CONSTRAINT audit_entries_action_check CHECK (action ~ '^[a-z_]{1,40}\.[a-z_]{1,40}$'),
    subject_type text NOT NULL,
    subject_id uuid,
    request_id uuid,
    -- The values. Names are those of that moment. `before` and `after` hold the fields that changed; json, not jsonb: the digest
    -- covers them as they were written.
    actor_name text,
    subject_name text,
    address text,
    user_agent text,
    before json,
    after json,
    salt bytea,
    digest bytea NOT NULL,
    link bytea NOT NULL,
    erased_at timestamptz,
    PRIMARY KEY (tenant_id, seq),
    CONSTRAINT audit_entries_size_check
        CHECK (octet_length(before::text) <= 16384 AND octet_length(after::text) <= 16384
           AND octet_length(actor_name) <= 1024 AND octet_length(subject_name) <= 1024 AND octet_length(user_agent) <= 1024),
    CONSTRAINT audit_entries_erased_check CHECK ((salt IS NULL) = (erased_at IS NOT NULL))
);
CREATE INDEX audit_entries_at ON audit_entries (tenant_id, at);
CREATE INDEX audit_entries_actor ON audit_entries (tenant_id, actor_id, seq);
CREATE INDEX audit_entries_subject ON audit_entries (tenant_id, subject_id, seq);
CREATE INDEX audit_entries_action ON audit_entries (tenant_id, action COLLATE "C", seq);
SELECT make_tenant_table('audit_entries');
-- Append-only: the application may read, and write through audit_append alone.
GRANT SELECT ON audit_entries TO trunkline_app;

-- The newest entry of each chain.
CREATE TABLE audit_heads (
    tenant_id uuid PRIMARY KEY,
    seq bigint NOT NULL DEFAULT 0,
    link bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT to_timestamp(0)
) WITH (fillfactor = 40);
SELECT make_system_table('audit_heads');
GRANT SELECT ON audit_heads TO trunkline_system;

-- Entries of transactions that are under way. They are chained while their transaction commits (audit_chain), so that a chain is
-- locked for the moment of the commit alone, and in the same order by everybody: first whatever a transaction writes, then journal
-- heads in tenant order, then audit heads in tenant order. Thus it does not matter where in a transaction an entry is appended.
-- No committed transaction leaves a row here; hence unlogged.
CREATE UNLOGGED TABLE audit_pending (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    place bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id uuid NOT NULL,
    actor_type text NOT NULL,
    actor_id uuid,
    via_type text,
    via_id uuid,
    action text NOT NULL,
    subject_type text NOT NULL,
    subject_id uuid,
    request_id uuid,
    actor_name text,
    subject_name text,
    address text,
    user_agent text,
    before json,
    after json,
    PRIMARY KEY (tenant_id, xid, place)
);
CREATE INDEX audit_pending_xid ON audit_pending (xid);
SELECT make_system_table('audit_pending');

-- SHA-256 of p_first and of fields, each told apart by its length and from null.
CREATE FUNCTION audit_hash(p_first bytea, p_fields text[]) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(p_first || string_agg(
               CASE WHEN f.field IS NULL THEN '\x00'::bytea
                    ELSE '\x01'::bytea || int4send(octet_length(convert_to(f.field, 'UTF8'))) || convert_to(f.field, 'UTF8') END,
               ''::bytea ORDER BY f.place))
      FROM unnest(p_fields) WITH ORDINALITY AS f (field, place)
$$;

-- What stands before the first link of a chain.
CREATE FUNCTION audit_root(p_tenant uuid) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to('trunkline audit 1 ' || p_tenant::text, 'UTF8'))
$$;

-- Numbers and links the entries of the transaction that commits.
CREATE FUNCTION audit_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_row record;
    v_head audit_heads%ROWTYPE;
    v_salt bytea;
    v_digest bytea;
BEGIN
    -- The first firing takes all rows of the transaction; the others find none.
    FOR v_row IN
        WITH mine AS (DELETE FROM audit_pending p WHERE p.xid = pg_current_xact_id() RETURNING p.*)
        SELECT * FROM mine m ORDER BY m.tenant_id, m.place
    LOOP
        SELECT * INTO v_head FROM audit_heads h WHERE h.tenant_id = v_row.tenant_id FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no tenant %', v_row.tenant_id USING ERRCODE = 'no_data_found';
        END IF;
        v_head.seq := v_head.seq + 1;
        v_head.at := greatest(clock_timestamp(), v_head.at);
        v_salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
        v_digest := audit_hash(v_salt, ARRAY[
            v_row.actor_name, v_row.subject_name, v_row.address, v_row.user_agent, v_row.before::text, v_row.after::text]);
        v_head.link := audit_hash(v_head.link, ARRAY[
            v_row.tenant_id::text, v_head.seq::text, (extract(epoch FROM v_head.at) * 1000000)::bigint::text,
            v_row.actor_type, v_row.actor_id::text, v_row.via_type, v_row.via_id::text, v_row.action,
            v_row.subject_type, v_row.subject_id::text, v_row.request_id::text, encode(v_digest, 'hex')]);
        INSERT INTO audit_entries (tenant_id, seq, at, actor_type, actor_id, via_type, via_id, action, subject_type, subject_id,
                                   request_id, actor_name, subject_name, address, user_agent, before, after, salt, digest, link)
        VALUES (v_row.tenant_id, v_head.seq, v_head.at, v_row.actor_type, v_row.actor_id, v_row.via_type, v_row.via_id, v_row.action,
                v_row.subject_type, v_row.subject_id, v_row.request_id, v_row.actor_name, v_row.subject_name, v_row.address,
                v_row.user_agent, v_row.before, v_row.after, v_salt, v_digest, v_head.link);
        UPDATE audit_heads h SET seq = v_head.seq, at = v_head.at, link = v_head.link WHERE h.tenant_id = v_row.tenant_id;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER audit_chain AFTER INSERT ON audit_pending
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_chain();

-- Appends an entry to a chain (null: the platform's) when the transaction commits.
CREATE FUNCTION audit_append_to(
    p_tenant uuid,
    p_actor_type text, p_actor_id uuid, p_actor_name text, p_via_type text, p_via_id uuid,
    p_action text, p_subject_type text, p_subject_id uuid, p_subject_name text,
    p_request_id uuid, p_address text, p_user_agent text, p_before json, p_after json
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_pending (tenant_id, actor_type, actor_id, actor_name, via_type, via_id, action, subject_type, subject_id,
                               subject_name, request_id, address, user_agent, before, after)
    VALUES (coalesce(p_tenant, '00000000-0000-0000-0000-000000000000'), p_actor_type, p_actor_id,
            coalesce(p_actor_name, (SELECT u.name FROM users u WHERE p_actor_type = 'user' AND u.id = p_actor_id)),
            p_via_type, p_via_id, p_action, p_subject_type, p_subject_id,
            coalesce(p_subject_name, (SELECT u.name FROM users u WHERE p_subject_type IN ('user', 'agent') AND u.id = p_subject_id)),
            p_request_id, p_address, p_user_agent, p_before, p_after);
END
$$;
GRANT EXECUTE ON FUNCTION audit_append_to TO trunkline_system;

-- The same for the tenant of the transaction alone: what the application role may call.
CREATE FUNCTION audit_append(
    p_actor_type text, p_actor_id uuid, p_actor_name text, p_via_type text, p_via_id uuid,
    p_action text, p_subject_type text, p_subject_id uuid, p_subject_name text,
    p_request_id uuid, p_address text, p_user_agent text, p_before json, p_after json
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
BEGIN
    IF v_tenant IS NULL THEN
        RAISE EXCEPTION 'no tenant is set' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM audit_append_to(v_tenant, p_actor_type, p_actor_id, p_actor_name, p_via_type, p_via_id, p_action, p_subject_type,
                            p_subject_id, p_subject_name, p_request_id, p_address, p_user_agent, p_before, p_after);
END
$$;
GRANT EXECUTE ON FUNCTION audit_append TO trunkline_app;

-- Erases the values of all entries of the transaction's tenant in which a person acts or is acted on, for good. Ids, times and actions
-- stay, and so does the chain.
CREATE FUNCTION audit_erase(p_person uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_rows bigint;
BEGIN
    UPDATE audit_entries a
       SET actor_name = NULL, subject_name = NULL, address = NULL, user_agent = NULL, before = NULL, after = NULL, salt = NULL,
           erased_at = now()
     WHERE a.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
       AND (a.actor_id = p_person OR a.subject_id = p_person) AND a.salt IS NOT NULL;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END
$$;
GRANT EXECUTE ON FUNCTION audit_erase TO trunkline_app;

-- Each tenant has a chain from its first moment on, and so has the platform.
CREATE FUNCTION tenants_begin_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_heads (tenant_id, link) VALUES (NEW.id, audit_root(NEW.id));
    RETURN NULL;
END
$$;
CREATE TRIGGER begin_audit AFTER INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION tenants_begin_audit();
INSERT INTO audit_heads (tenant_id, link) SELECT t.id, audit_root(t.id) FROM tenants t;
INSERT INTO audit_heads (tenant_id, link)
VALUES ('00000000-0000-0000-0000-000000000000', audit_root('00000000-0000-0000-0000-000000000000'));
ALTER TABLE tenants ADD CONSTRAINT tenants_nil_check CHECK (id <> '00000000-0000-0000-0000-000000000000');

-- Who has a phone's HA1 can sign in with it, so it is sealed like any secret. SQL cannot seal: the gateway moves what is there over
-- when it starts, before it reads the directory. Until then `ha1` holds the plain digest.
ALTER TABLE devices
    ALTER COLUMN ha1 DROP NOT NULL,
    ADD COLUMN ha1_sealed bytea,
    ADD CONSTRAINT devices_secret_check CHECK ((ha1 IS NULL) <> (ha1_sealed IS NULL));
