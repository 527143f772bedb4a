-- What the panel reads: calls by what they were, a call's events, and who a tenant and its members are.

-- Numbers are searched by some of their digits, and only trigrams find those with an index. In a schema of its own, so that
-- nothing of it can be called by our roles: the index needs no rights.
CREATE SCHEMA extensions;
CREATE EXTENSION pg_trgm WITH SCHEMA extensions;

CREATE INDEX calls_digits ON calls USING gin (from_number extensions.gin_trgm_ops, to_number extensions.gin_trgm_ops);
CREATE INDEX calls_started ON calls (tenant_id, started_at);
CREATE INDEX calls_end_reason ON calls (tenant_id, end_reason, id);
CREATE INDEX calls_direction ON calls (tenant_id, direction, id);
CREATE INDEX calls_missed ON calls (tenant_id, id) WHERE direction = 'inbound' AND state = 'ended' AND answered_at IS NULL;
-- With the id: the running calls, the newest first.
DROP INDEX calls_open;
CREATE INDEX calls_open ON calls (tenant_id, id) WHERE state <> 'ended';
-- With the call: which calls an agent was asked for is told by the index alone.
DROP INDEX call_legs_agent;
CREATE INDEX call_legs_agent ON call_legs (tenant_id, agent_id, call_id);

-- Calls of the transaction's tenant with these digits in one of their numbers, in no order; at most p_limit of them.
-- A function with the owner's rights because LIKE is not leakproof: below row-level security it may not be looked up in an index.
CREATE FUNCTION calls_with_digits(p_digits text, p_before uuid, p_limit integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF p_digits !~ '^[0-9]+$' THEN
        RAISE EXCEPTION 'digits only' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- EXECUTE: planned for these very values each time.
    RETURN QUERY EXECUTE
        'SELECT c.id FROM calls c
          WHERE c.tenant_id = $1 AND ($2 IS NULL OR c.id < $2) AND (c.from_number LIKE $3 OR c.to_number LIKE $3)
          LIMIT $4'
        USING nullif(current_setting('app.tenant_id', true), '')::uuid, p_before, '%' || p_digits || '%', p_limit;
END
$$;
GRANT EXECUTE ON FUNCTION calls_with_digits TO trunkline_app;

-- A call's timeline begins here, and is read from there on by seq. An index of all events by subject was measured to cost a third of
-- what the journal can take in; of beginnings alone it costs next to nothing.
CREATE INDEX events_call_started ON events (tenant_id, subject_id) WHERE kind = 'call.started';

ALTER TABLE tenants
    -- IANA name, checked by who writes it
    ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC' CHECK (time_zone <> ''),
    ADD COLUMN language text NOT NULL DEFAULT 'en' CONSTRAINT tenants_language_check CHECK (language IN ('en', 'ru', 'it'));

ALTER TABLE users
    -- null: the tenant's
    ADD COLUMN language text CONSTRAINT users_language_check CHECK (language IN ('en', 'ru', 'it')),
    -- somebody else chose the password: nothing else is allowed until it was changed
    ADD COLUMN must_change_password boolean NOT NULL DEFAULT false;

-- Changes what a member of the transaction's tenant may change of the own account, and the tenant's copy of the name.
-- False: no such member. A name of null stays; the language is set when p_set_language says so (null: the tenant's).
CREATE FUNCTION member_update(p_user uuid, p_name text, p_set_language boolean, p_language text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM memberships m WHERE m.tenant_id = v_tenant AND m.user_id = p_user) THEN
        RETURN false;
    END IF;
    UPDATE users u
       SET name = coalesce(p_name, u.name), language = CASE WHEN p_set_language THEN p_language ELSE u.language END
     WHERE u.id = p_user;
    IF p_name IS NOT NULL THEN
        UPDATE agents a SET name = p_name WHERE a.tenant_id = v_tenant AND a.id = p_user AND a.name <> p_name;
    END IF;
    RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION member_update TO trunkline_app;
