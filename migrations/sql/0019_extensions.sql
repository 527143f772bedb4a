-- Calls that are handed to somebody outside, and calls between colleagues.

-- A leg to the outside is one of its call's: the number that was dialled, and for whom (`agent_id`; none: for a queue).
ALTER TABLE call_legs DROP CONSTRAINT call_legs_kind_check;
ALTER TABLE call_legs
    ADD CONSTRAINT call_legs_kind_check CHECK (kind IN ('customer', 'agent', 'outside')),
    ADD COLUMN number text,
    ADD CONSTRAINT call_legs_number_check CHECK ((kind = 'outside') = (number IS NOT NULL));
-- What was dialled lately: caps on calls out go by it.
CREATE INDEX call_legs_outside_idx ON call_legs (tenant_id, started_at) WHERE kind = 'outside';

-- It takes minutes of its own, beside those of its call.
CREATE FUNCTION outside_leg_counted() RETURNS trigger
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
CREATE TRIGGER counted AFTER INSERT OR UPDATE OF ended_at ON call_legs FOR EACH ROW
    WHEN (NEW.kind = 'outside' AND NEW.ended_at IS NOT NULL AND NEW.answered_at IS NOT NULL)
    EXECUTE FUNCTION outside_leg_counted();

-- A call between two colleagues costs nobody anything. One that came to a queue counts as before.
DROP TRIGGER counted ON calls;
CREATE TRIGGER counted AFTER INSERT OR UPDATE OF ended_at ON calls FOR EACH ROW
    WHEN (NEW.ended_at IS NOT NULL AND NEW.answered_at IS NOT NULL AND NOT (NEW.direction = 'internal' AND NEW.queue_id IS NULL))
    EXECUTE FUNCTION call_counted();

-- What colleagues dial to reach an agent. 600 is the echo test, in every tenant.
ALTER TABLE agents ADD COLUMN extension text CHECK (extension ~ '^[0-9]{2,6}$' AND extension <> '600');

-- The first extension from 2001 on that neither an agent nor a queue has.
CREATE FUNCTION free_extension(p_tenant uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.n::text FROM generate_series(2001, 999999) AS e (n)
     WHERE NOT EXISTS (SELECT FROM agents a WHERE a.tenant_id = p_tenant AND a.extension = e.n::text)
       AND NOT EXISTS (SELECT FROM queues q WHERE q.tenant_id = p_tenant AND q.extension = e.n::text)
     LIMIT 1
$$;

UPDATE agents AS a SET extension = given.extension
  FROM (SELECT n.tenant_id, n.id, f.extension
          FROM (SELECT tenant_id, id, row_number() OVER (PARTITION BY tenant_id ORDER BY name, id) AS place FROM agents) AS n
          JOIN LATERAL (
                SELECT e.n::text AS extension, row_number() OVER (ORDER BY e.n) AS place
                  FROM generate_series(2001, 99999) AS e (n)
                 WHERE NOT EXISTS (SELECT FROM queues q WHERE q.tenant_id = n.tenant_id AND q.extension = e.n::text)
                 LIMIT n.place
               ) AS f ON f.place = n.place) AS given
 WHERE a.tenant_id = given.tenant_id AND a.id = given.id;
ALTER TABLE agents ADD CONSTRAINT agents_extension_key UNIQUE (tenant_id, extension);

-- An extension leads to one place. The lock makes one wait who gives the same one to the other kind of thing at the same time.
CREATE FUNCTION extension_of_one() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('extensions/' || NEW.tenant_id::text, 0));
    -- A new agent has one from the beginning.
    IF TG_TABLE_NAME = 'agents' AND TG_OP = 'INSERT' THEN
        NEW.extension := coalesce(NEW.extension, free_extension(NEW.tenant_id));
    END IF;
    IF (TG_TABLE_NAME = 'agents' AND EXISTS (
            SELECT FROM queues q WHERE q.tenant_id = NEW.tenant_id AND q.extension = NEW.extension))
        OR (TG_TABLE_NAME = 'queues' AND EXISTS (
            SELECT FROM agents a WHERE a.tenant_id = NEW.tenant_id AND a.extension = NEW.extension)) THEN
        RAISE EXCEPTION 'extension % leads somewhere else already', NEW.extension
            USING ERRCODE = 'unique_violation', CONSTRAINT = TG_TABLE_NAME || '_extension_key';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER extension_of_one BEFORE INSERT OR UPDATE OF extension ON agents FOR EACH ROW EXECUTE FUNCTION extension_of_one();
CREATE TRIGGER extension_of_one BEFORE INSERT OR UPDATE OF extension ON queues FOR EACH ROW EXECUTE FUNCTION extension_of_one();

DROP TRIGGER directory_changed ON agents;
CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE OF name, email, extension ON agents
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
