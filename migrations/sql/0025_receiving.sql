-- What receiving has to remember: tellings that came before the message that they are of, and when somebody last said what they want.

-- A provider's order is not the order in which things happened: a status, an edit or a reaction that comes before its message waits here for it.
CREATE TABLE inbound_waiting (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    -- the message that it is of
    provider_id text NOT NULL CHECK (octet_length(provider_id) <= 512),
    -- the adapter's What, of this message alone
    what jsonb NOT NULL CHECK (octet_length(what::text) <= 524288),
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES channel_accounts (tenant_id, id)
);
CREATE INDEX inbound_waiting_message_idx ON inbound_waiting (tenant_id, account_id, provider_id);
CREATE INDEX inbound_waiting_received_idx ON inbound_waiting (tenant_id, account_id, received_at);
SELECT make_tenant_table('inbound_waiting');
GRANT SELECT, INSERT, DELETE ON inbound_waiting TO trunkline_app;

-- Answers whose question is not here yet.
CREATE INDEX messages_answers_idx ON messages (tenant_id, account_id, reply_to_provider) WHERE reply_to IS NULL AND reply_to_provider IS NOT NULL;

-- An attempt is found by its message, when a status settles it.
CREATE INDEX IF NOT EXISTS send_attempts_message_idx ON send_attempts (tenant_id, message_id);

-- What they said last counts, in whichever order it comes.
ALTER TABLE contacts ADD COLUMN consent_at timestamptz;
