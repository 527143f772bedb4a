-- What people write on a call: notes, and tags to find it by.

CREATE TABLE call_notes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    call_id uuid NOT NULL,
    -- who wrote it; they may have left since
    user_id uuid NOT NULL,
    text text NOT NULL CHECK (text <> ''),
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX call_notes_call_idx ON call_notes (tenant_id, call_id, at);
SELECT make_tenant_table('call_notes');
GRANT SELECT, INSERT, DELETE ON call_notes TO trunkline_app;

CREATE TABLE call_tags (
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    tag text NOT NULL CHECK (tag <> ''),
    PRIMARY KEY (tenant_id, call_id, tag),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX call_tags_tag_idx ON call_tags (tenant_id, tag, call_id);
SELECT make_tenant_table('call_tags');
GRANT SELECT, INSERT, DELETE ON call_tags TO trunkline_app;
