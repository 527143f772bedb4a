-- The people who call and write: contacts, what they are known by, and which contacts are one person.

-- A contact is made when somebody is met for the first time and is never deleted by a merge: two contacts that turn out to be one person
-- stay what they are, and share a `person_id`. So a merge can be undone: nothing was moved.
CREATE TABLE contacts (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    -- The contact that stands for the person: itself, or the root of the tree of active merges. Kept by contacts_follow().
    person_id uuid NOT NULL,
    display_name text NOT NULL CHECK (display_name <> '' AND char_length(display_name) <= 200),
    -- who gave the name: a provider's profile may be newer, a person's word stays
    named_by text NOT NULL DEFAULT 'provider' CHECK (named_by IN ('number', 'provider', 'agent')),
    -- BCP 47, as told
    language text CHECK (char_length(language) <= 35),
    -- an agent blocked them: what they write is kept and shown to nobody by itself
    blocked_at timestamptz,
    blocked_by uuid,
    -- they want no messages that they did not ask for
    opted_out_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES contacts (tenant_id, id)
);
CREATE INDEX contacts_person_idx ON contacts (tenant_id, person_id);
CREATE INDEX contacts_name_idx ON contacts (tenant_id, display_name, id);
SELECT make_tenant_table('contacts');
GRANT SELECT, INSERT, UPDATE ON contacts TO trunkline_app;

-- What somebody is known by. `value` is in its one normal form; `shown` as it was met.
CREATE TABLE contact_identities (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('phone', 'whatsapp_id', 'whatsapp_user', 'telegram_id', 'username', 'email', 'visitor')),
    value text NOT NULL CHECK (value <> '' AND octet_length(value) <= 256),
    shown text NOT NULL CHECK (shown <> '' AND octet_length(shown) <= 256),
    -- {"by": "whatsapp"|"telegram"|"twilio"|"call"|"agent", "account_id"?, "message_id"?, "call_id"?, "user_id"?, "text"?}
    evidence jsonb NOT NULL CHECK (jsonb_typeof(evidence) = 'object' AND octet_length(evidence::text) <= 4096),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- they have it no more: it is kept as evidence, and nobody is recognised by it
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
);
-- A name may be taken by somebody else tomorrow: nobody is recognised by it, and two may have it.
CREATE UNIQUE INDEX contact_identities_value_key ON contact_identities (tenant_id, type, value) WHERE ended_at IS NULL AND type <> 'username';
CREATE INDEX contact_identities_contact_idx ON contact_identities (tenant_id, contact_id);
CREATE INDEX contact_identities_username_idx ON contact_identities (tenant_id, value) WHERE type = 'username' AND ended_at IS NULL;
SELECT make_tenant_table('contact_identities');
GRANT SELECT, INSERT, UPDATE ON contact_identities TO trunkline_app;

-- Merges: while a row is active, `loser_id` (a root until then) hangs below `winner_id`.
CREATE TABLE contact_merges (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    winner_id uuid NOT NULL,
    loser_id uuid NOT NULL,
    -- why they are one: [{"what": "same_phone", "value": …, …}]
    proof jsonb NOT NULL CHECK (jsonb_typeof(proof) = 'array' AND octet_length(proof::text) <= 8192),
    -- null: by what a provider told
    merged_by uuid,
    merged_at timestamptz NOT NULL DEFAULT now(),
    undone_by uuid,
    undone_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT contact_merges_two_check CHECK (winner_id <> loser_id),
    FOREIGN KEY (tenant_id, winner_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, loser_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX contact_merges_loser_key ON contact_merges (tenant_id, loser_id) WHERE undone_at IS NULL;
CREATE INDEX contact_merges_winner_idx ON contact_merges (tenant_id, winner_id);
SELECT make_tenant_table('contact_merges');
GRANT SELECT, INSERT, UPDATE ON contact_merges TO trunkline_app;

-- Two contacts that may be one person. The smaller id stands first.
CREATE TABLE merge_suggestions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    other_id uuid NOT NULL,
    proof jsonb NOT NULL CHECK (jsonb_typeof(proof) = 'array' AND octet_length(proof::text) <= 8192),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'merged', 'dismissed')),
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    decided_by uuid,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT merge_suggestions_pair_key UNIQUE (tenant_id, contact_id, other_id),
    CONSTRAINT merge_suggestions_order_check CHECK (contact_id < other_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, other_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX merge_suggestions_open_idx ON merge_suggestions (tenant_id, id) WHERE state = 'open';
CREATE INDEX merge_suggestions_other_idx ON merge_suggestions (tenant_id, other_id);
SELECT make_tenant_table('merge_suggestions');
GRANT SELECT, INSERT, UPDATE ON merge_suggestions TO trunkline_app;

-- After a merge or its undoing: everything that hangs below p_root has it as its person, unless p_root hangs below another.
CREATE FUNCTION contacts_follow(p_root uuid) RETURNS void
LANGUAGE sql SECURITY INVOKER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE below AS (
        SELECT p_root AS id
        UNION
        SELECT m.loser_id FROM contact_merges m JOIN below b ON m.winner_id = b.id WHERE m.undone_at IS NULL
    ), above AS (
        SELECT p_root AS id
        UNION
        SELECT m.winner_id FROM contact_merges m JOIN above a ON m.loser_id = a.id WHERE m.undone_at IS NULL
    ), root AS (
        SELECT a.id FROM above a
         WHERE NOT EXISTS (SELECT FROM contact_merges m WHERE m.loser_id = a.id AND m.undone_at IS NULL)
    )
    UPDATE contacts c SET person_id = root.id, updated_at = greatest(now(), c.updated_at + interval '1 microsecond')
      FROM below, root WHERE c.id = below.id AND c.person_id <> root.id
$$;
GRANT EXECUTE ON FUNCTION contacts_follow TO trunkline_app;

-- Finds contacts by a part of their name or by the beginning of what they are known by. Under row-level security LIKE could use no index: hence
-- the owner's right, and the tenant taken from the setting.
CREATE INDEX contacts_name_trgm ON contacts USING gin (lower(display_name) extensions.gin_trgm_ops);
CREATE INDEX contact_identities_prefix_idx ON contact_identities (tenant_id, lower(value) text_pattern_ops) WHERE ended_at IS NULL;
CREATE FUNCTION contacts_search(p_text text, p_limit integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    v_text text := replace(replace(replace(lower(p_text), '\', '\\'), '%', '\%'), '_', '\_');
BEGIN
    RETURN QUERY EXECUTE
        'SELECT found.person_id FROM (
            (SELECT c.person_id, 0 AS place, c.display_name FROM contact_identities i
               JOIN contacts c ON c.tenant_id = i.tenant_id AND c.id = i.contact_id
              WHERE i.tenant_id = $1 AND i.ended_at IS NULL AND lower(i.value) LIKE $2 || ''%'' LIMIT 200)
            UNION ALL
            (SELECT c.person_id, 1, c.display_name FROM contacts c
              WHERE c.tenant_id = $1 AND lower(c.display_name) LIKE ''%'' || $2 || ''%'' LIMIT 200)
         ) AS found GROUP BY found.person_id ORDER BY min(found.place), min(found.display_name), found.person_id LIMIT $3'
        USING v_tenant, v_text, p_limit;
END
$$;
GRANT EXECUTE ON FUNCTION contacts_search TO trunkline_app;
