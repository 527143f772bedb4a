-- Conversations: calls and messages of one contact over one channel, in one list.

CREATE TABLE conversations (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    channel text NOT NULL CHECK (channel IN ('whatsapp', 'telegram', 'sms', 'call')),
    -- none: calls
    account_id uuid,
    contact_id uuid NOT NULL,
    -- where an answer goes, as the provider wants it; a number, for calls
    address text NOT NULL CHECK (octet_length(address) <= 256),
    -- which of our numbers it came to
    line text CHECK (octet_length(line) <= 256),
    -- a group's name
    title text CHECK (char_length(title) <= 200),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'pending', 'snoozed', 'resolved')),
    snoozed_until timestamptz,
    queue_id uuid,
    team_id uuid,
    agent_id uuid,
    assigned_at timestamptz,
    -- 0 none, 1 low, 2 normal, 3 high, 4 urgent
    priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 4),
    spam boolean NOT NULL DEFAULT false,
    opened_at timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by uuid,
    reopened_at timestamptz,
    first_reply_at timestamptz,
    -- since when the contact waits for an answer of ours
    waiting_since timestamptz,
    -- the newest message of theirs: providers' windows count from it
    last_in_at timestamptz,
    last_out_at timestamptz,
    -- what the list shows, and what it is sorted by
    last_at timestamptz NOT NULL,
    last_message_id uuid,
    preview text NOT NULL DEFAULT '' CHECK (char_length(preview) <= 200),
    preview_kind text NOT NULL DEFAULT 'text',
    preview_direction text NOT NULL DEFAULT 'in',
    messages integer NOT NULL DEFAULT 0,
    -- a call that runs now
    call_id uuid,
    -- replies that are sent once
    greeted_at timestamptz,
    told_closed_at timestamptz,
    -- rises with each change that anybody sees
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT conversations_snoozed_check CHECK ((state = 'snoozed') = (snoozed_until IS NOT NULL)),
    CONSTRAINT conversations_resolved_check CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
    CONSTRAINT conversations_account_check CHECK ((channel = 'call') = (account_id IS NULL)),
    FOREIGN KEY (tenant_id, account_id) REFERENCES channel_accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE SET NULL (queue_id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id) ON DELETE SET NULL (team_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id) ON DELETE SET NULL (agent_id)
);
-- A chat has one conversation that goes on.
CREATE UNIQUE INDEX conversations_running_key ON conversations (tenant_id, account_id, address) WHERE state <> 'resolved' AND account_id IS NOT NULL;
CREATE UNIQUE INDEX conversations_running_calls_key ON conversations (tenant_id, contact_id) WHERE state <> 'resolved' AND account_id IS NULL;
-- The newest of a chat, to take it up again.
CREATE INDEX conversations_chat_idx ON conversations (tenant_id, account_id, address, opened_at DESC);
CREATE INDEX conversations_contact_idx ON conversations (tenant_id, contact_id, last_at DESC);
-- The lists: the newest first.
CREATE INDEX conversations_state_idx ON conversations (tenant_id, state, last_at DESC, id DESC) WHERE NOT spam;
CREATE INDEX conversations_agent_idx ON conversations (tenant_id, agent_id, state, last_at DESC, id DESC) WHERE NOT spam;
CREATE INDEX conversations_queue_idx ON conversations (tenant_id, queue_id, state, last_at DESC, id DESC) WHERE NOT spam;
CREATE INDEX conversations_team_idx ON conversations (tenant_id, team_id, state, last_at DESC, id DESC) WHERE NOT spam;
CREATE INDEX conversations_unassigned_idx ON conversations (tenant_id, state, last_at DESC, id DESC) WHERE agent_id IS NULL AND NOT spam;
CREATE INDEX conversations_account_idx ON conversations (tenant_id, account_id, last_at DESC, id DESC);
CREATE INDEX conversations_all_idx ON conversations (tenant_id, last_at DESC, id DESC);
CREATE INDEX conversations_spam_idx ON conversations (tenant_id, last_at DESC, id DESC) WHERE spam;
CREATE INDEX conversations_snoozed_idx ON conversations (tenant_id, snoozed_until) WHERE state = 'snoozed';
CREATE INDEX conversations_call_idx ON conversations (tenant_id, call_id) WHERE call_id IS NOT NULL;
SELECT make_tenant_table('conversations');
-- What is due (snoozes) and what waits for the router is looked for over all tenants.
SELECT let_system_read('conversations');
GRANT SELECT, INSERT, UPDATE ON conversations TO trunkline_app;

CREATE TABLE messages (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    account_id uuid,
    -- in: theirs; out: ours; note: among ourselves; event: a line that tells what happened
    direction text NOT NULL CHECK (direction IN ('in', 'out', 'note', 'event')),
    author_type text NOT NULL CHECK (author_type IN ('contact', 'agent', 'bot', 'system', 'app')),
    -- an agent, or the contact who wrote in a group
    author_id uuid,
    author_name text CHECK (char_length(author_name) <= 200),
    -- text, media, location, contacts, choice, form, order, command, notice, template, choices, call, unsupported, and for events their name
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
    text text NOT NULL DEFAULT '' CHECK (octet_length(text) <= 65536),
    -- the rest of it: the adapter's Content or Say
    content jsonb NOT NULL DEFAULT '{}' CHECK (octet_length(content::text) <= 262144),
    provider_id text CHECK (octet_length(provider_id) <= 512),
    reply_to uuid,
    reply_to_provider text CHECK (octet_length(reply_to_provider) <= 512),
    forwarded boolean NOT NULL DEFAULT false,
    album text CHECK (octet_length(album) <= 256),
    -- in, note, event: received. Of ours: scheduled (later, or within the seconds of undo) → queued → sending → sent → delivered → read;
    -- failed, uncertain (an attempt without an answer), canceled
    state text NOT NULL CHECK (state IN ('received', 'scheduled', 'queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'uncertain', 'canceled')),
    -- {"code", "detail", "why"}
    failure jsonb,
    pricing jsonb,
    send_at timestamptz,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    edited_at timestamptz,
    deleted_at timestamptz,
    -- [{"by": "contact"|"us", "emoji": [...]}]
    reactions jsonb NOT NULL DEFAULT '[]' CHECK (octet_length(reactions::text) <= 8192),
    -- older than the connection
    history boolean NOT NULL DEFAULT false,
    call_id uuid,
    -- when it was said, by the provider's clock as far as it is plausible: the thread's order
    at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, account_id) REFERENCES channel_accounts (tenant_id, id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX messages_thread_idx ON messages (tenant_id, conversation_id, at, id);
CREATE UNIQUE INDEX messages_provider_key ON messages (tenant_id, account_id, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX messages_unsettled_idx ON messages (tenant_id, conversation_id) WHERE state IN ('scheduled', 'queued', 'sending', 'uncertain');
CREATE UNIQUE INDEX messages_call_key ON messages (tenant_id, call_id) WHERE call_id IS NOT NULL;
SELECT make_tenant_table('messages');
GRANT SELECT, INSERT, UPDATE ON messages TO trunkline_app;

-- One request (or two, with a file) to the provider. Committed before it is made; its id goes along as the reference.
CREATE TABLE send_attempts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    number smallint NOT NULL CHECK (number >= 1),
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcome text CHECK (outcome IN ('sent', 'failed', 'not_sent', 'uncertain')),
    provider_id text CHECK (octet_length(provider_id) <= 512),
    detail text CHECK (octet_length(detail) <= 4096),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT send_attempts_number_key UNIQUE (tenant_id, message_id, number),
    CONSTRAINT send_attempts_ended_check CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id) ON DELETE CASCADE
);
SELECT make_tenant_table('send_attempts');
GRANT SELECT, INSERT, UPDATE ON send_attempts TO trunkline_app;

-- A file of a message. One that an agent uploads has no message until it is sent.
CREATE TABLE attachments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id uuid,
    conversation_id uuid,
    place smallint NOT NULL DEFAULT 0,
    sort text NOT NULL CHECK (sort IN ('image', 'audio', 'voice', 'video', 'video_note', 'document', 'sticker', 'animation')),
    -- wanted: to be fetched; stored; refused (too large, not what it says it is); gone (the provider has it no more); failed (given up)
    state text NOT NULL CHECK (state IN ('wanted', 'stored', 'refused', 'gone', 'failed')),
    -- how it is had from the provider: {"by","value"}
    source jsonb,
    declared_mime text CHECK (octet_length(declared_mime) <= 256),
    -- what it is
    mime text CHECK (octet_length(mime) <= 256),
    file_name text CHECK (char_length(file_name) <= 255),
    bytes bigint CHECK (bytes >= 0),
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    seconds integer,
    width integer,
    height integer,
    blob_id uuid,
    thumbnail_id uuid,
    error text CHECK (octet_length(error) <= 2048),
    uploaded_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT attachments_stored_check CHECK ((state = 'stored') = (blob_id IS NOT NULL)),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX attachments_message_idx ON attachments (tenant_id, message_id, place);
CREATE INDEX attachments_conversation_idx ON attachments (tenant_id, conversation_id);
CREATE INDEX attachments_loose_idx ON attachments (tenant_id, created_at) WHERE message_id IS NULL;
SELECT make_tenant_table('attachments');
GRANT SELECT, INSERT, UPDATE, DELETE ON attachments TO trunkline_app;

-- They take room of the tenant's, as recordings do.
CREATE FUNCTION attachment_weighed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END;
    v_bytes bigint := (CASE WHEN TG_OP = 'DELETE' THEN 0 ELSE coalesce(NEW.bytes, 0) END)
                    - (CASE WHEN TG_OP = 'INSERT' THEN 0 ELSE coalesce(OLD.bytes, 0) END);
BEGIN
    IF v_bytes <> 0 AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = v_tenant AND t.removal_started_at IS NOT NULL) THEN
        INSERT INTO tenant_storage AS s (tenant_id, bytes) VALUES (v_tenant, greatest(0, v_bytes))
        ON CONFLICT (tenant_id) DO UPDATE SET bytes = greatest(0, s.bytes + v_bytes);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER weighed AFTER INSERT OR DELETE OR UPDATE OF bytes ON attachments FOR EACH ROW EXECUTE FUNCTION attachment_weighed();

-- How far a person has read.
CREATE TABLE conversation_reads (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, user_id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_reads_user_idx ON conversation_reads (tenant_id, user_id);
SELECT make_tenant_table('conversation_reads');
GRANT SELECT, INSERT, UPDATE, DELETE ON conversation_reads TO trunkline_app;

CREATE TABLE drafts (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    user_id uuid NOT NULL,
    text text NOT NULL CHECK (text <> '' AND octet_length(text) <= 65536),
    private boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, conversation_id, user_id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX drafts_user_idx ON drafts (tenant_id, user_id);
SELECT make_tenant_table('drafts');
GRANT SELECT, INSERT, UPDATE, DELETE ON drafts TO trunkline_app;

-- Who is named in a note, and whether they have seen it.
CREATE TABLE mentions (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    user_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    at timestamptz NOT NULL,
    seen_at timestamptz,
    PRIMARY KEY (tenant_id, message_id, user_id),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX mentions_user_idx ON mentions (tenant_id, user_id, at DESC) WHERE seen_at IS NULL;
CREATE INDEX mentions_conversation_idx ON mentions (tenant_id, conversation_id, user_id);
SELECT make_tenant_table('mentions');
GRANT SELECT, INSERT, UPDATE ON mentions TO trunkline_app;

-- How far the calls of the journal stand in conversations: moved in the transaction of what is written.
CREATE TABLE inbox_cursors (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    seq bigint NOT NULL CHECK (seq >= 0),
    tries integer NOT NULL DEFAULT 0
);
SELECT make_tenant_table('inbox_cursors');
SELECT let_system_read('inbox_cursors');
GRANT SELECT, INSERT, UPDATE ON inbox_cursors TO trunkline_app;

-- Words in conversations, by the simple dictionary: the tenants' languages differ. See contacts_search for why it is a function.
CREATE INDEX messages_words_idx ON messages USING gin (to_tsvector('simple', text)) WHERE direction IN ('in', 'out', 'note') AND text <> '';
CREATE FUNCTION conversations_search(p_text text, p_limit integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE
        'SELECT m.conversation_id FROM messages m
          WHERE m.tenant_id = $1 AND m.direction IN (''in'', ''out'', ''note'') AND m.text <> ''''
            AND to_tsvector(''simple'', m.text) @@ websearch_to_tsquery(''simple'', $2)
          GROUP BY m.conversation_id ORDER BY max(m.at) DESC LIMIT $3'
        USING nullif(current_setting('app.tenant_id', true), '')::uuid, p_text, p_limit;
END
$$;
GRANT EXECUTE ON FUNCTION conversations_search TO trunkline_app;
