-- The worklist of who is to be called back, kept by a consumer of the journal; voicemails take room of their tenant's.

ALTER TABLE callbacks
    -- how often they called, and when last: several calls of one number are one row while it is open
    ADD COLUMN calls integer NOT NULL DEFAULT 1,
    ADD COLUMN last_in_at timestamptz,
    ADD COLUMN taken_at timestamptz,
    ADD CONSTRAINT callbacks_taken_check CHECK ((taken_by IS NULL) = (taken_at IS NULL));
UPDATE callbacks SET last_in_at = at WHERE last_in_at IS NULL;
ALTER TABLE callbacks ALTER COLUMN last_in_at SET NOT NULL;
DROP INDEX callbacks_number_idx;
CREATE UNIQUE INDEX callbacks_open_number_key ON callbacks (tenant_id, number) WHERE state = 'open';
CREATE INDEX callbacks_queue_idx ON callbacks (tenant_id, queue_id, id DESC);
CREATE INDEX callbacks_last_call_idx ON callbacks (tenant_id, last_call_id) WHERE state = 'open';
SELECT let_system_read('callbacks');
SELECT let_system_read('voicemails');

-- Which calls a row comes from, and which were made for it: each counts once, however often it is told of.
CREATE TABLE callback_calls (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    callback_id uuid NOT NULL,
    -- in: theirs · out: an attempt of ours
    way text NOT NULL CHECK (way IN ('in', 'out')),
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, call_id),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, callback_id) REFERENCES callbacks (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX callback_calls_callback_idx ON callback_calls (tenant_id, callback_id, at);
SELECT make_tenant_table('callback_calls');
GRANT SELECT, INSERT, UPDATE, DELETE ON callback_calls TO trunkline_app;
INSERT INTO callback_calls (tenant_id, call_id, callback_id, way, at) SELECT tenant_id, call_id, id, 'in', at FROM callbacks;

-- How far the calls of the journal stand in the worklist: moved in the transaction of what is written.
CREATE TABLE worklist_cursors (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    seq bigint NOT NULL CHECK (seq >= 0),
    tries integer NOT NULL DEFAULT 0
);
SELECT make_tenant_table('worklist_cursors');
SELECT let_system_read('worklist_cursors');
GRANT SELECT, INSERT, UPDATE ON worklist_cursors TO trunkline_app;
-- Nobody wants last year's missed calls on their list.
INSERT INTO worklist_cursors (tenant_id, seq) SELECT tenant_id, seq FROM journal_heads WHERE seq > 0 ON CONFLICT DO NOTHING;

ALTER TABLE voicemails
    DROP CONSTRAINT voicemails_state_check,
    -- expired: it was ready, and is kept no longer
    ADD CONSTRAINT voicemails_state_check CHECK (state IN ('fetching', 'ready', 'lost', 'expired')),
    -- since when Asterisk has it no more
    ADD COLUMN removed_at timestamptz,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

CREATE TRIGGER weighed AFTER INSERT OR DELETE OR UPDATE OF bytes ON voicemails FOR EACH ROW EXECUTE FUNCTION attachment_weighed();
