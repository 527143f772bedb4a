-- Figures: what the journal says, added up per quarter hour, queue and agent; and how far whoever derives something from it has come.

-- Consumers of the journal: how far each has applied a tenant's, moved in the transaction of what it writes.
CREATE TABLE journal_cursors (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    consumer text NOT NULL CHECK (octet_length(consumer) BETWEEN 1 AND 64),
    -- everything up to here was applied
    seq bigint NOT NULL DEFAULT 0 CHECK (seq >= 0),
    -- how often the event after it failed
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    PRIMARY KEY (tenant_id, consumer)
);
SELECT make_tenant_table('journal_cursors');
GRANT SELECT, INSERT, UPDATE ON journal_cursors TO trunkline_app;
SELECT let_system_read('journal_cursors');

-- Events that a consumer could not apply, and the later ones of their subjects.
CREATE TABLE journal_parked (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    consumer text NOT NULL,
    seq bigint NOT NULL,
    subject_id uuid NOT NULL,
    error text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, consumer, seq)
);
CREATE INDEX journal_parked_subject ON journal_parked (tenant_id, consumer, subject_id);
SELECT make_tenant_table('journal_parked');
GRANT SELECT, INSERT, DELETE ON journal_parked TO trunkline_app;
SELECT let_system_read('journal_parked');

-- One row per quarter hour, queue (or none) and agent (or none). What a column means stands in docs/metrics.md.
-- No keys to queues and agents: figures outlive them.
CREATE TABLE call_figures (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    -- quarter hours since 1970-01-01T00:00:00Z
    quarter bigint NOT NULL,
    queue_id uuid,
    agent_id uuid,
    offered bigint NOT NULL,
    answered bigint NOT NULL,
    answered_in_level bigint NOT NULL,
    abandoned bigint NOT NULL,
    short_abandoned bigint NOT NULL,
    overflowed bigint NOT NULL,
    unserved bigint NOT NULL,
    answer_wait_ms bigint NOT NULL,
    abandon_wait_ms bigint NOT NULL,
    -- the only one that is not added up: the greatest counts
    longest_wait_ms bigint NOT NULL,
    offers bigint NOT NULL,
    missed_offers bigint NOT NULL,
    contacts bigint NOT NULL,
    talk_ms bigint NOT NULL,
    hold_ms bigint NOT NULL,
    wrap_up_ms bigint NOT NULL,
    transfers_in bigint NOT NULL,
    transfers_out bigint NOT NULL,
    available_ms bigint NOT NULL,
    on_contact_ms bigint NOT NULL,
    wrapping_up_ms bigint NOT NULL,
    paused_ms bigint NOT NULL,
    unreachable_ms bigint NOT NULL,
    offline_ms bigint NOT NULL,
    CONSTRAINT call_figures_key UNIQUE NULLS NOT DISTINCT (tenant_id, quarter, queue_id, agent_id)
);
SELECT make_tenant_table('call_figures');
GRANT SELECT, INSERT, UPDATE, DELETE ON call_figures TO trunkline_app;

-- Agents' pauses by reason; '' is no reason.
CREATE TABLE pause_figures (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    quarter bigint NOT NULL,
    agent_id uuid NOT NULL,
    reason text NOT NULL,
    ms bigint NOT NULL,
    PRIMARY KEY (tenant_id, quarter, agent_id, reason)
);
SELECT make_tenant_table('pause_figures');
GRANT SELECT, INSERT, UPDATE, DELETE ON pause_figures TO trunkline_app;

-- What has to be remembered of a running call, or of an agent, between two events.
CREATE TABLE figure_memory (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('call', 'agent')),
    memory json NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX figure_memory_kind ON figure_memory (tenant_id, kind);
SELECT make_tenant_table('figure_memory');
GRANT SELECT, INSERT, UPDATE, DELETE ON figure_memory TO trunkline_app;
