-- The call centre: what agents can do, how queues choose, what agents are doing, and what a contact leaves to be done.

-- How a queue works, as the API's QueueRouting; what is left out has its default.
ALTER TABLE queues ADD COLUMN routing jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(routing) = 'object');
ALTER TABLE queues ADD COLUMN routing_updated_at timestamptz NOT NULL DEFAULT now();

-- What an agent is doing, as call control last knew it; `state` is what they asked for.
ALTER TABLE agents ADD COLUMN activity text NOT NULL DEFAULT 'offline'
    CHECK (activity IN ('available', 'on_contact', 'wrap_up', 'paused', 'offline', 'unreachable'));
ALTER TABLE agents ADD COLUMN activity_since timestamptz NOT NULL DEFAULT now();
UPDATE agents SET activity = state, activity_since = state_since;

CREATE TABLE skills (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX skills_name_key ON skills (tenant_id, lower(name));
SELECT make_tenant_table('skills');
GRANT SELECT, INSERT, UPDATE, DELETE ON skills TO trunkline_app;

CREATE TABLE agent_skills (
    tenant_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 1 AND 100),
    PRIMARY KEY (tenant_id, agent_id, skill_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX agent_skills_skill_idx ON agent_skills (tenant_id, skill_id);
SELECT make_tenant_table('agent_skills');
SELECT let_system_read('agent_skills');
GRANT SELECT, INSERT, UPDATE, DELETE ON agent_skills TO trunkline_app;

-- One row per agent and call that the agent had something to finish of.
CREATE TABLE wrap_ups (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    -- whose rules held; the queue may be gone
    queue_id uuid NOT NULL,
    began_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, call_id, agent_id),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX wrap_ups_open_idx ON wrap_ups (tenant_id, agent_id) WHERE ended_at IS NULL;
SELECT make_tenant_table('wrap_ups');
SELECT let_system_read('wrap_ups');
GRANT SELECT, INSERT, UPDATE, DELETE ON wrap_ups TO trunkline_app;

-- What an agent says a call came to.
CREATE TABLE dispositions (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    agent_id uuid NOT NULL,
    code text NOT NULL,
    -- as it read then
    label text NOT NULL,
    note text,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, call_id, agent_id),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX dispositions_agent_idx ON dispositions (tenant_id, agent_id);
SELECT make_tenant_table('dispositions');
SELECT let_system_read('dispositions');
GRANT SELECT, INSERT, UPDATE, DELETE ON dispositions TO trunkline_app;

CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON agent_skills
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
