-- Who belongs to which tenant, as what; the agents; and what keeps a person signed in.

CREATE TABLE memberships (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    -- Users stand above tenants: a foreign key without tenant_id on purpose.
    user_id uuid NOT NULL CONSTRAINT memberships_user_fkey REFERENCES users (id),
    role text NOT NULL CHECK (role IN ('admin', 'manager', 'operator')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);
SELECT make_tenant_table('memberships');
SELECT let_system_read('memberships');
GRANT SELECT, INSERT, UPDATE, DELETE ON memberships TO trunkline_app;

-- A member who takes work. `id` is the user's id; name and e-mail are the tenant's copies.
CREATE TABLE agents (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    email text NOT NULL,
    state text NOT NULL DEFAULT 'offline' CHECK (state IN ('available', 'paused', 'offline')),
    reason text,
    state_since timestamptz NOT NULL DEFAULT now(),
    last_contact_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT agents_member_fkey FOREIGN KEY (tenant_id, id) REFERENCES memberships (tenant_id, user_id)
);
SELECT make_tenant_table('agents');
SELECT let_system_read('agents');
GRANT SELECT, INSERT, UPDATE, DELETE ON agents TO trunkline_app;

-- Refresh tokens rotate: a family is one sign-in, and a replaced token that comes back revokes its family.
CREATE TABLE refresh_tokens (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    family_id uuid NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT refresh_tokens_hash_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    replaced_at timestamptz,
    revoked_at timestamptz,
    FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_member ON refresh_tokens (tenant_id, user_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);
SELECT make_system_table('refresh_tokens');
GRANT SELECT, INSERT, UPDATE, DELETE ON refresh_tokens TO trunkline_system;

-- Single-use tickets with which a browser opens the stream (it can set no header).
CREATE TABLE stream_tickets (
    ticket_hash bytea PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX stream_tickets_member ON stream_tickets (tenant_id, user_id);
CREATE INDEX stream_tickets_expiry ON stream_tickets (expires_at);
SELECT make_system_table('stream_tickets');
GRANT SELECT, INSERT, DELETE ON stream_tickets TO trunkline_system;

-- The first answer to a POST with an Idempotency-Key; `status` is null while it is in flight.
CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status smallint,
    content_type text,
    response bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id, route, key),
    FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
SELECT make_tenant_table('idempotency_keys');
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO trunkline_app;
-- The system sweeps what is past its 24 hours, and sees nothing else of it.
CREATE POLICY system_sweeps ON idempotency_keys TO trunkline_system USING (created_at < now() - interval '24 hours');
GRANT SELECT, DELETE ON idempotency_keys TO trunkline_system;
