-- Numbers that lead to more than a queue.

ALTER TABLE numbers
    ADD COLUMN label text NOT NULL DEFAULT '' CHECK (char_length(label) <= 60),
    ADD COLUMN target_type text NOT NULL DEFAULT 'queue' CHECK (target_type IN ('queue', 'flow', 'agent', 'hang_up')),
    ALTER COLUMN queue_id DROP NOT NULL,
    -- No foreign keys to flows and schedules here: those tables get theirs to this one.
    ADD COLUMN flow_id uuid,
    ADD COLUMN agent_id uuid,
    ADD COLUMN schedule_id uuid,
    -- where it leads while it is closed
    ADD COLUMN closed_type text NOT NULL DEFAULT 'hang_up' CHECK (closed_type IN ('queue', 'flow', 'agent', 'hang_up')),
    ADD COLUMN closed_queue_id uuid,
    ADD COLUMN closed_flow_id uuid,
    ADD COLUMN closed_agent_id uuid,
    ADD COLUMN recording text NOT NULL DEFAULT 'as_queue' CHECK (recording IN ('as_queue', 'never')),
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD CONSTRAINT numbers_target_check CHECK (
        (queue_id IS NOT NULL) = (target_type = 'queue')
        AND (flow_id IS NOT NULL) = (target_type = 'flow')
        AND (agent_id IS NOT NULL) = (target_type = 'agent')),
    ADD CONSTRAINT numbers_closed_check CHECK (
        (closed_queue_id IS NOT NULL) = (closed_type = 'queue')
        AND (closed_flow_id IS NOT NULL) = (closed_type = 'flow')
        AND (closed_agent_id IS NOT NULL) = (closed_type = 'agent')),
    -- What a number leads to cannot be deleted beneath it.
    ADD CONSTRAINT numbers_agent_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id),
    ADD CONSTRAINT numbers_closed_queue_fkey FOREIGN KEY (tenant_id, closed_queue_id) REFERENCES queues (tenant_id, id),
    ADD CONSTRAINT numbers_closed_agent_fkey FOREIGN KEY (tenant_id, closed_agent_id) REFERENCES agents (tenant_id, id);
CREATE INDEX numbers_agent ON numbers (tenant_id, agent_id);
CREATE INDEX numbers_closed_queue ON numbers (tenant_id, closed_queue_id);
CREATE INDEX numbers_closed_agent ON numbers (tenant_id, closed_agent_id);
CREATE INDEX numbers_flow ON numbers (tenant_id, flow_id) WHERE flow_id IS NOT NULL;
CREATE INDEX numbers_closed_flow ON numbers (tenant_id, closed_flow_id) WHERE closed_flow_id IS NOT NULL;
CREATE INDEX numbers_schedule ON numbers (tenant_id, schedule_id) WHERE schedule_id IS NOT NULL;
