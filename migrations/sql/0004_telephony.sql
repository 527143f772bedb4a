-- Queues, numbers, devices, and what is kept of each call. Names and formats are those of the API.

CREATE TABLE queues (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    slug text NOT NULL CHECK (slug ~ '^[a-z][a-z0-9-]{0,62}$'),
    name text NOT NULL CHECK (name <> ''),
    -- what the tenant's phones dial to reach it
    extension text NOT NULL CHECK (extension ~ '^[0-9]{2,6}$'),
    ring_seconds integer NOT NULL DEFAULT 15 CHECK (ring_seconds BETWEEN 5 AND 300),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT queues_slug_key UNIQUE (tenant_id, slug),
    CONSTRAINT queues_extension_key UNIQUE (tenant_id, extension)
);
SELECT make_tenant_table('queues');
SELECT let_system_read('queues');
GRANT SELECT, INSERT, UPDATE, DELETE ON queues TO trunkline_app;

CREATE TABLE queue_members (
    tenant_id uuid NOT NULL,
    queue_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, queue_id, agent_id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX queue_members_agent ON queue_members (tenant_id, agent_id);
SELECT make_tenant_table('queue_members');
SELECT let_system_read('queue_members');
GRANT SELECT, INSERT, UPDATE, DELETE ON queue_members TO trunkline_app;

CREATE TABLE numbers (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    number text NOT NULL CHECK (number ~ '^\+[1-9][0-9]{6,14}$'),
    queue_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, number),
    -- A number of the public network belongs to one tenant: unique without tenant_id on purpose.
    CONSTRAINT numbers_number_key UNIQUE (number),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id)
);
CREATE INDEX numbers_queue ON numbers (tenant_id, queue_id);
SELECT make_tenant_table('numbers');
SELECT let_system_read('numbers');
GRANT SELECT, INSERT, UPDATE, DELETE ON numbers TO trunkline_app;

-- A phone that signs in by SIP. The password is shown once; what is kept is what digest authentication needs.
CREATE TABLE devices (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    agent_id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    -- Asterisk knows endpoints by name alone: unique without tenant_id on purpose.
    username text NOT NULL CONSTRAINT devices_username_key UNIQUE CHECK (username ~ '^[a-z0-9-]{3,64}$'),
    -- hex MD5 of username:trunkline:password (RFC 8760 calls it HA1)
    ha1 text NOT NULL CHECK (ha1 ~ '^[0-9a-f]{32}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
CREATE INDEX devices_agent ON devices (tenant_id, agent_id);
SELECT make_tenant_table('devices');
SELECT let_system_read('devices');
GRANT SELECT, INSERT, UPDATE, DELETE ON devices TO trunkline_app;

CREATE TABLE calls (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    direction text NOT NULL CHECK (direction IN ('inbound', 'outbound', 'internal')),
    from_number text NOT NULL,
    to_number text NOT NULL,
    state text NOT NULL CHECK (state IN ('new', 'queued', 'ringing', 'active', 'ended')),
    queue_id uuid,
    agent_id uuid,
    contact_id uuid,
    -- Asterisk's names of the customer's channel and of the bridge: by them a restarted gateway takes the call over
    customer_channel text,
    bridge_id text,
    started_at timestamptz NOT NULL,
    queued_at timestamptz,
    answered_at timestamptz,
    ended_at timestamptz,
    end_reason text,
    -- Q.850
    cause smallint,
    sip_code smallint,
    -- the end was not seen, but concluded later
    estimated boolean NOT NULL DEFAULT false,
    -- [{"from":…,"to":…}]: when no gateway was watching
    gaps jsonb NOT NULL DEFAULT '[]',
    recording_id uuid,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT calls_ended_check CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
CREATE INDEX calls_open ON calls (tenant_id) WHERE state <> 'ended';
CREATE INDEX calls_queue ON calls (tenant_id, queue_id, id);
CREATE INDEX calls_agent ON calls (tenant_id, agent_id, id);
SELECT make_tenant_table('calls');
SELECT let_system_read('calls');
GRANT SELECT, INSERT, UPDATE, DELETE ON calls TO trunkline_app;

-- One party's side of a call; `id` is Asterisk's channel id.
CREATE TABLE call_legs (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('customer', 'agent')),
    agent_id uuid,
    device_id uuid,
    started_at timestamptz NOT NULL,
    answered_at timestamptz,
    ended_at timestamptz,
    cause smallint,
    PRIMARY KEY (tenant_id, call_id, id),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES devices (tenant_id, id)
);
CREATE INDEX call_legs_agent ON call_legs (tenant_id, agent_id);
CREATE INDEX call_legs_device ON call_legs (tenant_id, device_id);
SELECT make_tenant_table('call_legs');
SELECT let_system_read('call_legs');
GRANT SELECT, INSERT, UPDATE, DELETE ON call_legs TO trunkline_app;

CREATE TABLE recordings (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    call_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('recording', 'ready', 'failed')),
    path text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    duration_ms bigint,
    bytes bigint,
    -- [{"from_ms":…,"to_ms":…,"reason":…}]: stretches of silence that stand for audio nobody received
    gaps jsonb NOT NULL DEFAULT '[]',
    lost_packets bigint NOT NULL DEFAULT 0,
    error text,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT recordings_call_key UNIQUE (tenant_id, call_id),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id)
);
CREATE INDEX recordings_open ON recordings (tenant_id) WHERE state = 'recording';
SELECT make_tenant_table('recordings');
SELECT let_system_read('recordings');
GRANT SELECT, INSERT, UPDATE, DELETE ON recordings TO trunkline_app;

ALTER TABLE calls ADD CONSTRAINT calls_recording_fkey
    FOREIGN KEY (tenant_id, recording_id) REFERENCES recordings (tenant_id, id) ON DELETE SET NULL (recording_id);
CREATE INDEX calls_recording ON calls (tenant_id, recording_id);
