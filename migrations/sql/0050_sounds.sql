-- Sounds that callers hear: what a company uploads, or has spoken, once for each language.

CREATE TABLE sounds (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> '' AND char_length(name) <= 100),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX sounds_name_key ON sounds (tenant_id, lower(name));
SELECT make_tenant_table('sounds');
SELECT let_system_read('sounds');
GRANT SELECT, INSERT, UPDATE, DELETE ON sounds TO trunkline_app;

-- WAV, 8 kHz, mono, 16 bits, in the store of files. What is in a file never changes: another one has another id.
CREATE TABLE sound_files (
    tenant_id uuid NOT NULL,
    sound_id uuid NOT NULL,
    language text NOT NULL CHECK (language ~ '^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8}){0,3}$'),
    source text NOT NULL CHECK (source IN ('upload', 'speech')),
    -- what is spoken
    text text CHECK (text <> '' AND char_length(text) <= 2000),
    milliseconds bigint NOT NULL CHECK (milliseconds > 0),
    bytes bigint NOT NULL CHECK (bytes > 0),
    blob_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, sound_id, language),
    CONSTRAINT sound_files_spoken_check CHECK ((source = 'speech') = (text IS NOT NULL)),
    FOREIGN KEY (tenant_id, sound_id) REFERENCES sounds (tenant_id, id) ON DELETE CASCADE
);
SELECT make_tenant_table('sound_files');
SELECT let_system_read('sound_files');
GRANT SELECT, INSERT, UPDATE, DELETE ON sound_files TO trunkline_app;
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON sound_files
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();

-- Files that no sound names any more. They stay in the store for a while: a call may be about to play one.
CREATE TABLE sound_leftovers (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    blob_id uuid NOT NULL,
    left_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, blob_id)
);
CREATE INDEX sound_leftovers_left_at ON sound_leftovers (tenant_id, left_at);
SELECT make_tenant_table('sound_leftovers');
GRANT SELECT, INSERT, DELETE ON sound_leftovers TO trunkline_app;

-- They take room of the tenant's, as recordings do, and leave their file behind.
CREATE FUNCTION sound_file_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END;
    v_bytes bigint := (CASE WHEN TG_OP = 'DELETE' THEN 0 ELSE NEW.bytes END) - (CASE WHEN TG_OP = 'INSERT' THEN 0 ELSE OLD.bytes END);
BEGIN
    -- Of a tenant that is being removed, files and counters go on their own.
    IF EXISTS (SELECT FROM tenants t WHERE t.id = v_tenant AND t.removal_started_at IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    IF v_bytes <> 0 THEN
        INSERT INTO tenant_storage AS s (tenant_id, bytes) VALUES (v_tenant, greatest(0, v_bytes))
        ON CONFLICT (tenant_id) DO UPDATE SET bytes = greatest(0, s.bytes + v_bytes);
    END IF;
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.blob_id <> NEW.blob_id) THEN
        INSERT INTO sound_leftovers (tenant_id, blob_id) VALUES (v_tenant, OLD.blob_id) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON sound_files FOR EACH ROW EXECUTE FUNCTION sound_file_changed();
