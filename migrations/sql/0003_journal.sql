-- The journal: one append-only, gapless sequence of events per tenant.

-- The head of each tenant's journal. Its row lock is the last one that a transaction takes: it orders the commits.
CREATE TABLE journal_heads (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    -- the newest event's seq; 0 before the first
    seq bigint NOT NULL DEFAULT 0 CHECK (seq >= 0),
    -- the oldest seq that is still kept
    oldest bigint NOT NULL DEFAULT 1 CHECK (oldest >= 1),
    -- when the newest event was recorded: recorded_at never goes back within a tenant, whatever the clock does
    recorded_at timestamptz NOT NULL DEFAULT to_timestamp(0),
    -- the newest month of the tenant in journal_months
    month timestamptz NOT NULL DEFAULT to_timestamp(0)
) WITH (fillfactor = 40);
SELECT make_system_table('journal_heads');
GRANT SELECT ON journal_heads TO trunkline_system;

-- Which month begins at which seq: lets a read start at the right partition.
CREATE TABLE journal_months (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    -- start of the month, UTC
    month timestamptz NOT NULL,
    first_seq bigint NOT NULL,
    PRIMARY KEY (tenant_id, month)
);
SELECT make_system_table('journal_months');
GRANT SELECT ON journal_months TO trunkline_system;

-- A sequence number means something only within its epoch. There is one row: a new epoch is begun when the
-- PostgreSQL timeline or cluster is another one than before, since committed events may then have been lost.
CREATE TABLE journal_epoch (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch uuid NOT NULL,
    timeline integer NOT NULL,
    cluster bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);
SELECT make_system_table('journal_epoch');
GRANT SELECT, INSERT, UPDATE ON journal_epoch TO trunkline_system;

-- How far each spool file has been applied; moved in the transaction of what it writes (journal_writer_advance).
CREATE TABLE journal_writers (
    writer text PRIMARY KEY CHECK (octet_length(writer) BETWEEN 1 AND 128),
    applied bigint NOT NULL CHECK (applied >= 0)
);
SELECT make_system_table('journal_writers');
GRANT SELECT, INSERT, UPDATE, DELETE ON journal_writers TO trunkline_system;

-- `data` is json, not jsonb: it is kept as it was written, so the frame of a live event and the one read back from
-- the log are the same bytes, its size is known without encoding it again, and writing it costs less.
CREATE TABLE events (
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL,
    -- when it was committed; `at` is when it happened
    recorded_at timestamptz NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    subject_id uuid NOT NULL,
    actor_id uuid,
    kind text NOT NULL,
    subject_type text NOT NULL,
    actor_type text,
    scopes text[] NOT NULL,
    data json NOT NULL,
    PRIMARY KEY (tenant_id, seq, recorded_at),
    CONSTRAINT events_kind_check CHECK (octet_length(kind) BETWEEN 3 AND 64),
    CONSTRAINT events_actor_check CHECK ((actor_type IS NULL) = (actor_id IS NULL)),
    CONSTRAINT events_scopes_check CHECK (cardinality(scopes) BETWEEN 1 AND 16),
    CONSTRAINT events_data_check CHECK (octet_length(data::text) <= 16384)
) PARTITION BY RANGE (recorded_at);
SELECT make_tenant_table('events');
-- Append-only: the application may read, and write through journal_append alone.
GRANT SELECT ON events TO trunkline_app;

-- Each tenant has a journal from its first moment on.
CREATE FUNCTION tenants_begin_journal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO journal_heads (tenant_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER begin_journal AFTER INSERT ON tenants FOR EACH ROW EXECUTE FUNCTION tenants_begin_journal();

-- Makes the partition of a month when it is missing. It is attached rather than created in place, so that
-- neither readers nor writers of the other months wait for it.
CREATE FUNCTION journal_ensure_partition(p_month timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_from timestamptz := date_trunc('month', p_month);
    v_name text := 'events_' || to_char(v_from, 'YYYY_MM');
BEGIN
    IF to_regclass(v_name) IS NOT NULL THEN
        RETURN;
    END IF;
    -- One at a time, with the lock that attaching takes anyway. Taking a table's lock, unlike an advisory one, also
    -- makes what others committed meanwhile visible to the look-up below.
    LOCK TABLE ONLY events IN SHARE UPDATE EXCLUSIVE MODE;
    IF to_regclass(v_name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', v_name);
    PERFORM make_tenant_table(v_name::regclass);
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   v_name, v_from, v_from + interval '1 month');
END
$$;

-- Appends the events of one transaction, for all of its tenants: takes the heads in the order given (the caller
-- sorts by tenant), numbers the events without a gap, and keeps months and partitions right.
--
-- p_tenants, p_counts: which tenants, and how many events each; the other arrays hold the events, tenant after
-- tenant, in order. A scope list is one text, its scopes separated by blanks. Returns, for each tenant, the first
-- seq and the time recorded, and the transaction's id, by which a client that lost its connection around COMMIT can ask
-- what became of it.
CREATE FUNCTION journal_append_batch(
    p_tenants uuid[], p_counts integer[],
    p_ids uuid[], p_kinds text[], p_ats timestamptz[],
    p_subject_types text[], p_subject_ids uuid[],
    p_actor_types text[], p_actor_ids uuid[],
    p_scopes text[], p_data text[],
    OUT first_seqs bigint[], OUT recorded timestamptz[], OUT xid text
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_this text := to_char(v_now AT TIME ZONE 'UTC', 'YYYY_MM');
    v_month timestamptz;
    v_seq bigint;
    v_at timestamptz;
    v_start bigint := 0;
    v_owner integer[];
    v_bases bigint[];
BEGIN
    -- Partitions first, before any head is locked; the next month's too, so that the turn of the month costs nothing.
    IF to_regclass('events_' || v_this) IS NULL
       OR to_regclass('events_' || to_char(v_now AT TIME ZONE 'UTC' + interval '1 month', 'YYYY_MM')) IS NULL THEN
        PERFORM journal_ensure_partition(v_now);
        PERFORM journal_ensure_partition(v_now + interval '1 month');
    END IF;

    FOR i IN 1 .. cardinality(p_tenants) LOOP
        SELECT h.seq, h.recorded_at, h.month INTO v_seq, v_at, v_month
          FROM journal_heads h WHERE h.tenant_id = p_tenants[i] FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no tenant %', p_tenants[i] USING ERRCODE = 'no_data_found';
        END IF;
        -- Read under the lock: within a tenant the time recorded rises with seq.
        v_at := greatest(clock_timestamp(), v_at);
        IF v_month <> date_trunc('month', v_at, 'UTC') THEN
            v_month := date_trunc('month', v_at, 'UTC');
            PERFORM journal_ensure_partition(v_month);
            INSERT INTO journal_months (tenant_id, month, first_seq) VALUES (p_tenants[i], v_month, v_seq + 1);
        END IF;
        UPDATE journal_heads h SET seq = v_seq + p_counts[i], recorded_at = v_at, month = v_month
         WHERE h.tenant_id = p_tenants[i];

        first_seqs[i] := v_seq + 1;
        recorded[i] := v_at;
        -- seq of a row = base of its tenant + its place in the arrays
        v_bases[i] := v_seq - v_start;
        v_start := v_start + p_counts[i];
        v_owner := v_owner || array_fill(i, ARRAY[p_counts[i]]);
    END LOOP;

    INSERT INTO events (tenant_id, seq, recorded_at, at, id, subject_id, actor_id, kind, subject_type, actor_type, scopes, data)
    SELECT p_tenants[e.owner], v_bases[e.owner] + e.place, recorded[e.owner], e.at, e.id, e.subject_id, e.actor_id,
           e.kind, e.subject_type, e.actor_type, string_to_array(e.scopes, ' '), e.data::json
      FROM unnest(v_owner, p_ids, p_kinds, p_ats, p_subject_types, p_subject_ids, p_actor_types, p_actor_ids, p_scopes, p_data)
           WITH ORDINALITY AS e (owner, id, kind, at, subject_type, subject_id, actor_type, actor_id, scopes, data, place);

    xid := pg_current_xact_id()::text;
END
$$;
GRANT EXECUTE ON FUNCTION journal_append_batch TO trunkline_system;

-- The same for the tenant of the transaction alone: what the application role may call.
CREATE FUNCTION journal_append(
    p_ids uuid[], p_kinds text[], p_ats timestamptz[],
    p_subject_types text[], p_subject_ids uuid[],
    p_actor_types text[], p_actor_ids uuid[],
    p_scopes text[], p_data text[],
    OUT first_seq bigint, OUT recorded_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
BEGIN
    IF v_tenant IS NULL THEN
        RAISE EXCEPTION 'no tenant is set' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT b.first_seqs[1], b.recorded[1] INTO first_seq, recorded_at
      FROM journal_append_batch(ARRAY[v_tenant], ARRAY[cardinality(p_ids)], p_ids, p_kinds, p_ats,
                                p_subject_types, p_subject_ids, p_actor_types, p_actor_ids, p_scopes, p_data) b;
END
$$;
GRANT EXECUTE ON FUNCTION journal_append TO trunkline_app;

-- Head and oldest seq of the transaction's tenant. Of a tenant that does not exist: no row.
CREATE FUNCTION journal_head(OUT seq bigint, OUT oldest bigint) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT h.seq, h.oldest FROM journal_heads h
     WHERE h.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
$$;
GRANT EXECUTE ON FUNCTION journal_head TO trunkline_app;

-- Start of the month in which a seq of the transaction's tenant was recorded: a read from there on needs no earlier partition.
CREATE FUNCTION journal_month_of(p_seq bigint) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(max(m.month), to_timestamp(0)) FROM journal_months m
     WHERE m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND m.first_seq <= p_seq
$$;
GRANT EXECUTE ON FUNCTION journal_month_of TO trunkline_app;

-- Moves a spool's cursor to p_applied. False: that record was applied before, and must not be applied again.
CREATE FUNCTION journal_writer_advance(p_writer text, p_applied bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO journal_writers AS w (writer, applied) VALUES (p_writer, p_applied)
    ON CONFLICT (writer) DO UPDATE SET applied = excluded.applied WHERE w.applied < excluded.applied;
    RETURN FOUND;
END
$$;
GRANT EXECUTE ON FUNCTION journal_writer_advance TO trunkline_app, trunkline_system;

SELECT journal_ensure_partition(now()), journal_ensure_partition(now() + interval '1 month');
