-- Opening hours with a name, flows, what was decided of a call and why, messages that callers leave, and callers who are to be called back.

CREATE TABLE schedules (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> '' AND char_length(name) <= 100),
    -- checked by trunkline-calls: time_zone and week
    hours jsonb NOT NULL CHECK (octet_length(hours::text) <= 65536),
    -- holidays and the like
    special jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(special) = 'array' AND octet_length(special::text) <= 262144),
    -- what somebody decided for now; null: the calendar counts
    decided jsonb CHECK (octet_length(decided::text) <= 4096),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX schedules_name_key ON schedules (tenant_id, lower(name));
SELECT make_tenant_table('schedules');
SELECT let_system_read('schedules');
GRANT SELECT, INSERT, UPDATE, DELETE ON schedules TO trunkline_app;
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON schedules
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();

CREATE TABLE flows (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> '' AND char_length(name) <= 100),
    -- what is being drawn; null: nothing but what is published
    draft jsonb CHECK (octet_length(draft::text) <= 1048576),
    draft_at timestamptz,
    draft_by uuid,
    -- which version callers go through
    published integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT flows_drawn_check CHECK ((draft IS NULL) = (draft_at IS NULL))
);
CREATE UNIQUE INDEX flows_name_key ON flows (tenant_id, lower(name));
SELECT make_tenant_table('flows');
SELECT let_system_read('flows');
GRANT SELECT, INSERT, UPDATE, DELETE ON flows TO trunkline_app;

-- What was published is never changed.
CREATE TABLE flow_versions (
    tenant_id uuid NOT NULL,
    flow_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    definition jsonb NOT NULL CHECK (octet_length(definition::text) <= 1048576),
    note text NOT NULL DEFAULT '' CHECK (char_length(note) <= 500),
    at timestamptz NOT NULL DEFAULT now(),
    by uuid,
    PRIMARY KEY (tenant_id, flow_id, version),
    FOREIGN KEY (tenant_id, flow_id) REFERENCES flows (tenant_id, id) ON DELETE CASCADE
);
SELECT make_tenant_table('flow_versions');
SELECT let_system_read('flow_versions');
GRANT SELECT, INSERT, DELETE ON flow_versions TO trunkline_app;
ALTER TABLE flows ADD CONSTRAINT flows_published_fkey
    FOREIGN KEY (tenant_id, id, published) REFERENCES flow_versions (tenant_id, flow_id, version);
CREATE INDEX flows_published_idx ON flows (tenant_id, id, published);
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OF published, name OR DELETE ON flows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();

-- What a number leads to cannot be deleted beneath it.
ALTER TABLE numbers
    ADD CONSTRAINT numbers_flow_fkey FOREIGN KEY (tenant_id, flow_id) REFERENCES flows (tenant_id, id),
    ADD CONSTRAINT numbers_closed_flow_fkey FOREIGN KEY (tenant_id, closed_flow_id) REFERENCES flows (tenant_id, id),
    ADD CONSTRAINT numbers_schedule_fkey FOREIGN KEY (tenant_id, schedule_id) REFERENCES schedules (tenant_id, id);

ALTER TABLE calls
    -- where it is before it waits for an agent, so that the next gateway goes on from there
    ADD COLUMN way jsonb CHECK (octet_length(way::text) <= 262144),
    -- whether the caller agreed to be recorded, where they were asked or told
    ADD COLUMN may_record boolean,
    -- what a flow added to its priority
    ADD COLUMN priority smallint NOT NULL DEFAULT 0;

-- Why a call went where it went: the decisions, in order.
CREATE TABLE call_steps (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    place integer NOT NULL,
    at timestamptz NOT NULL,
    node text,
    name text,
    type text NOT NULL,
    what text NOT NULL,
    data jsonb NOT NULL CHECK (octet_length(data::text) <= 16384),
    PRIMARY KEY (tenant_id, call_id, place),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE
);
SELECT make_tenant_table('call_steps');
GRANT SELECT, INSERT, DELETE ON call_steps TO trunkline_app;

-- A message that a caller left. Asterisk has it until it is fetched into the blob store.
CREATE TABLE voicemails (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    call_id uuid NOT NULL,
    queue_id uuid,
    at timestamptz NOT NULL,
    -- fetching: Asterisk has it · ready · lost: Asterisk has it no more
    state text NOT NULL DEFAULT 'fetching' CHECK (state IN ('fetching', 'ready', 'lost')),
    asterisk text NOT NULL,
    name text NOT NULL,
    length_ms bigint NOT NULL,
    blob_id uuid,
    bytes bigint,
    error text CHECK (octet_length(error) <= 1000),
    -- the worklist: heard, and done with
    done_at timestamptz,
    done_by uuid,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT voicemails_call_key UNIQUE (tenant_id, call_id),
    CONSTRAINT voicemails_blob_check CHECK ((state = 'ready') = (blob_id IS NOT NULL)),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE SET NULL (queue_id)
);
CREATE INDEX voicemails_open_idx ON voicemails (tenant_id, at DESC, id DESC) WHERE done_at IS NULL;
CREATE INDEX voicemails_all_idx ON voicemails (tenant_id, at DESC, id DESC);
CREATE INDEX voicemails_queue_idx ON voicemails (tenant_id, queue_id, at DESC, id DESC);
SELECT make_tenant_table('voicemails');
GRANT SELECT, INSERT, UPDATE, DELETE ON voicemails TO trunkline_app;

-- Somebody who is to be called back: who asked for it, gave up waiting, or was not served.
CREATE TABLE callbacks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    -- the call that left it
    call_id uuid NOT NULL,
    queue_id uuid,
    number text NOT NULL CHECK (octet_length(number) <= 64),
    why text NOT NULL CHECK (why IN ('asked', 'abandoned', 'missed', 'voicemail')),
    at timestamptz NOT NULL,
    -- open · done: somebody talked with them · closed: by hand · unreached: all attempts were in vain
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'closed', 'unreached')),
    attempts integer NOT NULL DEFAULT 0,
    last_attempt_at timestamptz,
    last_call_id uuid,
    -- not before, not after
    not_before timestamptz,
    until timestamptz,
    taken_by uuid,
    ended_at timestamptz,
    ended_by uuid,
    note text NOT NULL DEFAULT '' CHECK (char_length(note) <= 500),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT callbacks_call_key UNIQUE (tenant_id, call_id),
    CONSTRAINT callbacks_ended_check CHECK ((state = 'open') = (ended_at IS NULL)),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE SET NULL (queue_id)
);
CREATE INDEX callbacks_open_idx ON callbacks (tenant_id, at, id) WHERE state = 'open';
CREATE INDEX callbacks_number_idx ON callbacks (tenant_id, number) WHERE state = 'open';
CREATE INDEX callbacks_all_idx ON callbacks (tenant_id, at DESC, id DESC);
SELECT make_tenant_table('callbacks');
GRANT SELECT, INSERT, UPDATE, DELETE ON callbacks TO trunkline_app;
