-- Outbound calls: what each tenant allows, whom it must not call, and callers that it marked.

-- One document per tenant, checked by trunkline-dialing. No row: its own country's ordinary numbers.
CREATE TABLE dialing_rules (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    rules jsonb NOT NULL CONSTRAINT dialing_rules_rules_check CHECK (jsonb_typeof(rules) = 'object'),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- who said so; the audit log knows the rest
    updated_by uuid NOT NULL
);
SELECT make_tenant_table('dialing_rules');
SELECT let_system_read('dialing_rules');
GRANT SELECT, INSERT, UPDATE, DELETE ON dialing_rules TO trunkline_app;

-- Numbers that are not called.
CREATE TABLE dnc_entries (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    number text NOT NULL CONSTRAINT dnc_entries_number_check CHECK (number ~ '^\+[1-9][0-9]{6,14}$'),
    reason text NOT NULL DEFAULT '' CHECK (char_length(reason) <= 200),
    -- null: for good
    until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid NOT NULL,
    PRIMARY KEY (tenant_id, number)
);
SELECT make_tenant_table('dnc_entries');
SELECT let_system_read('dnc_entries');
GRANT SELECT, INSERT, UPDATE, DELETE ON dnc_entries TO trunkline_app;

-- Callers that are turned away, or served before others.
CREATE TABLE caller_marks (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    number text NOT NULL CONSTRAINT caller_marks_number_check CHECK (number ~ '^\+[1-9][0-9]{6,14}$'),
    mark text NOT NULL CHECK (mark IN ('blocked', 'vip')),
    reason text NOT NULL DEFAULT '' CHECK (char_length(reason) <= 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid NOT NULL,
    PRIMARY KEY (tenant_id, number)
);
SELECT make_tenant_table('caller_marks');
SELECT let_system_read('caller_marks');
GRANT SELECT, INSERT, UPDATE, DELETE ON caller_marks TO trunkline_app;

-- The gateways keep all of this in memory. The number rises with each change, so that a tenant's lists, which may be long, are read again only when they changed.
CREATE TABLE dialing_versions (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    version bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 50);
SELECT make_tenant_table('dialing_versions');
SELECT let_system_read('dialing_versions');
GRANT SELECT ON dialing_versions TO trunkline_app;

CREATE FUNCTION dialing_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- A tenant's rows go one table after the other when it is removed: what is gone is not made anew.
        UPDATE dialing_versions v SET version = version + 1 WHERE v.tenant_id IN (SELECT c.tenant_id FROM changed c);
    ELSE
        INSERT INTO dialing_versions (tenant_id) SELECT DISTINCT c.tenant_id FROM changed c
        ON CONFLICT (tenant_id) DO UPDATE SET version = dialing_versions.version + 1;
    END IF;
    PERFORM pg_notify('trunkline_directory', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER dialing_inserted AFTER INSERT ON dialing_rules REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dialing_changed();
CREATE TRIGGER dialing_updated AFTER UPDATE ON dialing_rules REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dialing_changed();
CREATE TRIGGER dialing_deleted AFTER DELETE ON dialing_rules REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dialing_changed();
CREATE TRIGGER dialing_inserted AFTER INSERT ON dnc_entries REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dialing_changed();
CREATE TRIGGER dialing_updated AFTER UPDATE ON dnc_entries REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dialing_changed();
CREATE TRIGGER dialing_deleted AFTER DELETE ON dnc_entries REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dialing_changed();
CREATE TRIGGER dialing_inserted AFTER INSERT ON caller_marks REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dialing_changed();
CREATE TRIGGER dialing_updated AFTER UPDATE ON caller_marks REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dialing_changed();
CREATE TRIGGER dialing_deleted AFTER DELETE ON caller_marks REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION dialing_changed();

-- What outbound calls are counted by.
CREATE INDEX calls_outbound ON calls (tenant_id, started_at) WHERE direction = 'outbound';
