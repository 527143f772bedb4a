-- Jobs: what is to be done outside of a transaction, at least once, by some worker of some node.
--
-- A claim is cheap whatever waits: only what may run at once stands in the index that it reads (`ready`). What is not due yet is
-- `scheduled`; what must wait for an earlier job of its key is `held`, and made ready when that one ends. Times are this server's, so the
-- nodes' clocks do not matter.

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    -- null: the installation's own
    tenant_id uuid CONSTRAINT jobs_tenant_fkey REFERENCES tenants (id),
    -- Who takes turns: the tenants, and the installation as the last of them.
    lane uuid NOT NULL GENERATED ALWAYS AS (coalesce(tenant_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')) STORED,
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CONSTRAINT jobs_kind_check CHECK (kind ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$' AND octet_length(kind) <= 64),
    -- At most one job of a key runs, in the order in which they were enqueued.
    key text CONSTRAINT jobs_key_check CHECK (octet_length(key) BETWEEN 1 AND 256),
    -- the higher first, within a tenant
    priority smallint NOT NULL,
    -- json: nothing searches in it
    payload json NOT NULL CONSTRAINT jobs_payload_check CHECK (octet_length(payload::text) <= 65536),
    -- the payload is encrypted, and shown to nobody
    sealed boolean NOT NULL,
    state text NOT NULL CONSTRAINT jobs_state_check CHECK (state IN ('scheduled', 'ready', 'held', 'running', 'done', 'dead')),
    -- Number of the newest attempt. It only ever rises: who finishes a job proves by it that the job is still theirs.
    attempt integer NOT NULL DEFAULT 0,
    -- attempts that it was given
    max_attempts smallint NOT NULL CONSTRAINT jobs_max_attempts_check CHECK (max_attempts >= 1),
    -- number of the attempt after which it is dead; raised when somebody tries it again, or a worker gave it back
    last_attempt integer NOT NULL,
    run_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    finished_at timestamptz,
    owner uuid,
    lease_until timestamptz,
    -- what the newest failure said
    error text CONSTRAINT jobs_error_check CHECK (octet_length(error) <= 8192),
    CONSTRAINT jobs_lease_check CHECK ((state = 'running') = (owner IS NOT NULL) AND (state = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT jobs_finished_check CHECK ((state IN ('done', 'dead')) = (finished_at IS NOT NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
-- What may run at once, in the order in which a tenant's jobs are taken.
CREATE INDEX jobs_ready ON jobs (lane, priority DESC, seq) WHERE state = 'ready';
CREATE INDEX jobs_scheduled ON jobs (run_at) WHERE state = 'scheduled';
CREATE INDEX jobs_leases ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_keys ON jobs (lane, key, seq) WHERE key IS NOT NULL AND state IN ('scheduled', 'ready', 'held');
CREATE UNIQUE INDEX jobs_one_running_per_key ON jobs (lane, key) WHERE state = 'running';
CREATE INDEX jobs_finished ON jobs (state, finished_at) WHERE state IN ('done', 'dead');
-- The lists that a tenant's admin sees, the newest first.
CREATE INDEX jobs_list ON jobs (tenant_id, id);
CREATE INDEX jobs_list_waiting ON jobs (tenant_id, id) WHERE state IN ('scheduled', 'ready', 'held');
CREATE INDEX jobs_list_running ON jobs (tenant_id, id) WHERE state = 'running';
CREATE INDEX jobs_list_dead ON jobs (tenant_id, id) WHERE state = 'dead';
SELECT make_tenant_table('jobs');
SELECT let_system_read('jobs');
-- A tenant sees its own; everything else goes through the functions below.
GRANT SELECT ON jobs TO trunkline_app;

-- What comes again and again. A tick is taken with the row's lock, so that several nodes make one job of it.
CREATE TABLE job_schedules (
    name text PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 64),
    -- how the schedule was written when next_at was set: another rule begins anew
    rule text NOT NULL,
    next_at timestamptz NOT NULL,
    last_at timestamptz
);
SELECT make_system_table('job_schedules');
GRANT SELECT, INSERT, UPDATE, DELETE ON job_schedules TO trunkline_system;

CREATE FUNCTION job_insert(
    p_tenant uuid, p_id uuid, p_kind text, p_payload text, p_sealed boolean, p_key text, p_priority smallint,
    p_run_at timestamptz, p_max_attempts smallint
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO jobs (id, tenant_id, kind, key, priority, payload, sealed, state, max_attempts, last_attempt, run_at)
    VALUES (p_id, p_tenant, p_kind, p_key, p_priority, p_payload::json, p_sealed,
            CASE WHEN p_run_at > clock_timestamp() THEN 'scheduled' ELSE 'ready' END,
            p_max_attempts, p_max_attempts, coalesce(p_run_at, clock_timestamp()))
$$;

-- Enqueues for the tenant of the transaction.
CREATE FUNCTION job_enqueue(
    p_id uuid, p_kind text, p_payload text, p_sealed boolean, p_key text, p_priority smallint, p_run_at timestamptz, p_max_attempts smallint
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
BEGIN
    IF v_tenant IS NULL THEN
        RAISE EXCEPTION 'no tenant is set' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM job_insert(v_tenant, p_id, p_kind, p_payload, p_sealed, p_key, p_priority, p_run_at, p_max_attempts);
END
$$;
GRANT EXECUTE ON FUNCTION job_enqueue TO trunkline_app;

-- Enqueues for the installation itself.
CREATE FUNCTION job_enqueue_system(
    p_id uuid, p_kind text, p_payload text, p_sealed boolean, p_key text, p_priority smallint, p_run_at timestamptz, p_max_attempts smallint
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT job_insert(NULL, p_id, p_kind, p_payload, p_sealed, p_key, p_priority, p_run_at, p_max_attempts)
$$;
GRANT EXECUTE ON FUNCTION job_enqueue_system TO trunkline_system;

-- The number of a key's lock, which orders all that decides which job of the key is next. Enqueueing takes none: callers never wait.
CREATE FUNCTION job_key_lock(p_lane uuid, p_key text) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended('job ' || p_lane::text || ' ' || p_key, 0)
$$;

-- The first of a key is next, once none of it runs. To be called with the key's lock.
CREATE FUNCTION job_unblock(p_lane uuid, p_key text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE jobs SET state = 'ready'
     WHERE state = 'held'
       AND id = (SELECT j.id FROM jobs j
                  WHERE j.lane = p_lane AND j.key = p_key AND j.state IN ('scheduled', 'ready', 'held') ORDER BY j.seq LIMIT 1)
       AND NOT EXISTS (SELECT FROM jobs j WHERE j.lane = p_lane AND j.key = p_key AND j.state = 'running')
$$;

-- What changes by time alone: leases that ran out, and what falls due. At most p_limit of each.
CREATE FUNCTION job_turn_clock(p_limit integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_job record;
BEGIN
    FOR v_job IN
        SELECT j.id, j.lane, j.key, j.attempt >= j.last_attempt AS spent FROM jobs j
         WHERE j.state = 'running' AND j.lease_until < v_now ORDER BY j.lease_until LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        IF NOT v_job.spent THEN
            UPDATE jobs SET state = 'ready', owner = NULL, lease_until = NULL, error = 'the worker vanished in the middle of it' WHERE id = v_job.id;
        ELSIF v_job.key IS NULL OR pg_try_advisory_xact_lock(job_key_lock(v_job.lane, v_job.key)) THEN
            UPDATE jobs SET state = 'dead', owner = NULL, lease_until = NULL, finished_at = v_now, error = 'the worker vanished in the middle of its last attempt'
             WHERE id = v_job.id;
            PERFORM job_unblock(v_job.lane, v_job.key) WHERE v_job.key IS NOT NULL;
        END IF;
    END LOOP;
    UPDATE jobs SET state = 'ready'
     WHERE id = ANY (ARRAY(SELECT j.id FROM jobs j WHERE j.state = 'scheduled' AND j.run_at <= v_now
                            ORDER BY j.run_at LIMIT p_limit FOR UPDATE SKIP LOCKED));
END
$$;

-- Claims at most p_free jobs for a worker. The tenants take turns, beginning behind p_after (the lane served last): one job each, then
-- again. p_lanes and p_running: what the worker runs already. A tenant takes a slot only while it runs fewer jobs than twice the slots
-- that are free, so that no number of tenants with much to do leaves nothing for the next one.
--
-- Index scans alone, whatever the statistics say: those of a queue are never right.
CREATE FUNCTION job_claim(
    p_owner uuid, p_lease interval, p_free integer, p_kinds text[], p_after uuid, p_lanes uuid[], p_running integer[]
) RETURNS SETOF jobs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
    c_first CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    v_free integer := p_free;
    v_lanes uuid[] := p_lanes;
    v_running integer[] := p_running;
    v_lane uuid := p_after;
    v_at integer;
    v_job jobs;
    v_head record;
    v_one_runs boolean;
    v_busy_keys text[];
    -- jobs looked at: in all, and at this tenant's turn
    v_looked integer := 0;
    v_at_turn integer;
    v_progress boolean := true;
    v_from_first boolean := false;
BEGIN
    PERFORM job_turn_clock(500);
    <<turns>>
    WHILE v_free > 0 AND v_looked < 1000 LOOP
        SELECT j.lane INTO v_lane FROM jobs j
         WHERE j.state = 'ready' AND j.lane > v_lane AND j.kind = ANY (p_kinds) ORDER BY j.lane LIMIT 1;
        IF NOT FOUND THEN
            -- A whole round without anything: nothing can be had.
            EXIT turns WHEN v_from_first AND NOT v_progress;
            v_lane := c_first;
            v_from_first := true;
            v_progress := false;
            CONTINUE turns;
        END IF;
        v_at := array_position(v_lanes, v_lane);
        IF v_at IS NULL THEN
            v_lanes := v_lanes || v_lane;
            v_running := v_running || 0;
            v_at := cardinality(v_lanes);
        END IF;
        CONTINUE turns WHEN v_running[v_at] >= 2 * v_free;

        v_busy_keys := '{}';
        v_at_turn := 0;
        <<candidates>>
        WHILE v_at_turn < 50 LOOP
            SELECT j.* INTO v_job FROM jobs j
             WHERE j.state = 'ready' AND j.lane = v_lane AND j.kind = ANY (p_kinds)
               AND (j.key IS NULL OR NOT j.key = ANY (v_busy_keys))
             ORDER BY j.priority DESC, j.seq LIMIT 1 FOR UPDATE SKIP LOCKED;
            EXIT candidates WHEN NOT FOUND;
            v_at_turn := v_at_turn + 1;
            v_looked := v_looked + 1;
            IF v_job.key IS NOT NULL THEN
                IF NOT pg_try_advisory_xact_lock(job_key_lock(v_lane, v_job.key)) THEN
                    v_busy_keys := v_busy_keys || v_job.key;
                    CONTINUE candidates;
                END IF;
                -- With the lock: what these see does not change until we commit.
                v_one_runs := EXISTS (SELECT FROM jobs j WHERE j.lane = v_lane AND j.key = v_job.key AND j.state = 'running');
                SELECT j.id, j.state INTO v_head FROM jobs j
                 WHERE j.lane = v_lane AND j.key = v_job.key AND j.state IN ('scheduled', 'ready', 'held') ORDER BY j.seq LIMIT 1;
                IF v_one_runs OR v_head.id <> v_job.id THEN
                    -- And those behind it, so that many of a key are put aside at once.
                    UPDATE jobs SET state = 'held'
                     WHERE id = ANY (ARRAY(
                        SELECT j.id FROM jobs j
                         WHERE j.state = 'ready'
                           AND j.id = ANY (ARRAY(
                            SELECT b.id FROM jobs b
                             WHERE b.lane = v_lane AND b.key = v_job.key AND b.state IN ('scheduled', 'ready', 'held') AND b.seq >= v_job.seq
                             ORDER BY b.seq LIMIT 500))
                           FOR UPDATE SKIP LOCKED));
                    IF NOT v_one_runs AND v_head.state = 'held' THEN
                        PERFORM job_unblock(v_lane, v_job.key);
                    END IF;
                    v_progress := true;
                    CONTINUE candidates;
                END IF;
            END IF;
            UPDATE jobs j
               SET state = 'running', attempt = j.attempt + 1, owner = p_owner, lease_until = clock_timestamp() + p_lease,
                   started_at = clock_timestamp()
             WHERE j.id = v_job.id RETURNING j.* INTO v_job;
            RETURN NEXT v_job;
            v_free := v_free - 1;
            v_running[v_at] := v_running[v_at] + 1;
            v_progress := true;
            EXIT candidates;
        END LOOP;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION job_claim TO trunkline_system;

-- Renews the leases of these attempts. Returns the jobs that are still the owner's.
CREATE FUNCTION job_renew(p_owner uuid, p_lease interval, p_ids uuid[], p_attempts integer[]) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE jobs j SET lease_until = clock_timestamp() + p_lease
      FROM unnest(p_ids, p_attempts) AS mine (id, attempt)
     WHERE j.id = mine.id AND j.attempt = mine.attempt AND j.owner = p_owner AND j.state = 'running'
    RETURNING j.id
$$;
GRANT EXECUTE ON FUNCTION job_renew TO trunkline_system;

-- Ends an attempt: p_state is `done`, `dead`, or `scheduled` to be tried again after p_after. False: the job is no longer this attempt's.
-- Of a job that was done its payload is not kept.
CREATE FUNCTION job_finish(p_id uuid, p_owner uuid, p_attempt integer, p_state text, p_error text, p_after interval) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_lane uuid;
    v_key text;
BEGIN
    IF p_state NOT IN ('done', 'dead', 'scheduled') THEN
        RAISE EXCEPTION 'an attempt does not end as %', p_state USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT j.lane, j.key INTO v_lane, v_key FROM jobs j WHERE j.id = p_id;
    IF v_key IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(job_key_lock(v_lane, v_key));
    END IF;
    UPDATE jobs j
       SET state = p_state, owner = NULL, lease_until = NULL, error = p_error,
           run_at = CASE WHEN p_state = 'scheduled' THEN clock_timestamp() + p_after ELSE j.run_at END,
           finished_at = CASE WHEN p_state = 'scheduled' THEN NULL ELSE clock_timestamp() END,
           payload = CASE WHEN p_state = 'done' THEN 'null' ELSE j.payload END
     WHERE j.id = p_id AND j.state = 'running' AND j.owner = p_owner AND j.attempt = p_attempt;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF v_key IS NOT NULL AND p_state <> 'scheduled' THEN
        PERFORM job_unblock(v_lane, v_key);
    END IF;
    RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION job_finish TO trunkline_system;

-- Gives everything of a worker that stops back, without counting the attempt against the job.
CREATE FUNCTION job_release(p_owner uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_rows integer;
BEGIN
    UPDATE jobs SET state = 'ready', owner = NULL, lease_until = NULL, last_attempt = last_attempt + 1
     WHERE state = 'running' AND owner = p_owner;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END
$$;
GRANT EXECUTE ON FUNCTION job_release TO trunkline_system;

-- Of a dead job, or one that waits: has it run now, with as many attempts as it was given at first. Returns the state that it was found
-- in, which is not changed when the job is running or done; null when the tenant of the transaction has no such job.
CREATE FUNCTION job_retry(p_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    v_state text;
BEGIN
    SELECT j.state INTO v_state FROM jobs j WHERE j.id = p_id AND j.tenant_id = v_tenant FOR UPDATE;
    IF v_state IN ('dead', 'scheduled') THEN
        UPDATE jobs SET state = 'ready', run_at = clock_timestamp(), finished_at = NULL, last_attempt = attempt + max_attempts WHERE id = p_id;
    END IF;
    RETURN v_state;
END
$$;
GRANT EXECUTE ON FUNCTION job_retry TO trunkline_app;

-- Removes a job, unless it is running. Returns the state that it was found in; null when the tenant has no such job.
CREATE FUNCTION job_drop(p_id uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    v_lane uuid;
    v_key text;
    v_state text;
BEGIN
    SELECT j.lane, j.key INTO v_lane, v_key FROM jobs j WHERE j.id = p_id AND j.tenant_id = v_tenant;
    IF v_key IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(job_key_lock(v_lane, v_key));
    END IF;
    SELECT j.state INTO v_state FROM jobs j WHERE j.id = p_id AND j.tenant_id = v_tenant FOR UPDATE;
    IF v_state <> 'running' THEN
        DELETE FROM jobs WHERE id = p_id;
        IF v_key IS NOT NULL THEN
            PERFORM job_unblock(v_lane, v_key);
        END IF;
    END IF;
    RETURN v_state;
END
$$;
GRANT EXECUTE ON FUNCTION job_drop TO trunkline_app;

-- Deletes at most p_limit of what ended long ago. Returns how many.
CREATE FUNCTION job_sweep(p_done interval, p_dead interval, p_limit integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_rows integer;
BEGIN
    DELETE FROM jobs WHERE id = ANY (ARRAY(
        SELECT j.id FROM jobs j
         WHERE (j.state = 'done' AND j.finished_at < clock_timestamp() - p_done)
            OR (j.state = 'dead' AND j.finished_at < clock_timestamp() - p_dead)
         LIMIT p_limit FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END
$$;
GRANT EXECUTE ON FUNCTION job_sweep TO trunkline_system;
