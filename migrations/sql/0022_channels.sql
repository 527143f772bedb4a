-- Channel accounts (a WhatsApp number, a Telegram bot, an SMS sender), what providers told, and the files that came with it.

CREATE TABLE channel_accounts (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('whatsapp', 'telegram', 'twilio')),
    name text NOT NULL CHECK (name <> '' AND char_length(name) <= 100),
    -- without its secrets
    settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object' AND octet_length(settings::text) <= 16384),
    -- an envelope of the account's secrets, as a JSON object
    secrets_sealed bytea NOT NULL,
    -- whose work its conversations are; none: everybody's
    queue_id uuid,
    site_id uuid,
    enabled boolean NOT NULL DEFAULT true,
    -- What its health shows. {"webhook": "unknown"|"verified"|"failing", "problem"?: {"what", "detail", "at"}, …}
    health jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(health) = 'object' AND octet_length(health::text) <= 16384),
    last_received_at timestamptz,
    last_sent_at timestamptz,
    -- Telegram's next update, when it is asked for updates
    poll_offset bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- its conversations stay
    removed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id) ON DELETE SET NULL (queue_id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id) ON DELETE SET NULL (site_id)
);
CREATE INDEX channel_accounts_queue_idx ON channel_accounts (tenant_id, queue_id);
CREATE INDEX channel_accounts_site_idx ON channel_accounts (tenant_id, site_id);
SELECT make_tenant_table('channel_accounts');
-- A provider's webhook names the account alone.
SELECT let_system_read('channel_accounts');
GRANT SELECT, INSERT, UPDATE ON channel_accounts TO trunkline_app;

-- Gateways keep the accounts in memory: they are told which tenant's changed. Health and times are no news.
CREATE FUNCTION channel_accounts_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('trunkline_channels', NEW.tenant_id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OF name, settings, secrets_sealed, queue_id, enabled, removed_at ON channel_accounts
    FOR EACH ROW EXECUTE FUNCTION channel_accounts_changed();

-- A provider's request, raw, committed before it is answered.
CREATE TABLE inbound_webhooks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    -- the order of arrival within the installation
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL,
    url text NOT NULL CHECK (octet_length(url) <= 4096),
    -- those that reading it may need
    headers jsonb NOT NULL DEFAULT '{}',
    body bytea NOT NULL,
    state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'applied', 'ignored', 'unsupported', 'failed')),
    -- attempts to apply it
    tries integer NOT NULL DEFAULT 0,
    applied_at timestamptz,
    error text CHECK (octet_length(error) <= 4096),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES channel_accounts (tenant_id, id)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
-- What is to be applied, in its order.
CREATE INDEX inbound_webhooks_waiting ON inbound_webhooks (tenant_id, account_id, seq) WHERE state = 'received';
CREATE INDEX inbound_webhooks_account_idx ON inbound_webhooks (tenant_id, account_id, id);
CREATE INDEX inbound_webhooks_state_idx ON inbound_webhooks (tenant_id, state, id) WHERE state IN ('unsupported', 'failed');
SELECT make_tenant_table('inbound_webhooks');
GRANT SELECT, UPDATE ON inbound_webhooks TO trunkline_app;

-- Stores a batch, of any tenants, and has each account's applied: one job of an account waits at most.
CREATE FUNCTION inbound_store(
    p_tenants uuid[], p_ids uuid[], p_accounts uuid[], p_ats timestamptz[], p_urls text[], p_headers text[], p_bodies bytea[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_account record;
BEGIN
    INSERT INTO inbound_webhooks (tenant_id, id, account_id, received_at, url, headers, body)
    SELECT * FROM (
        SELECT u.tenant, u.id, u.account, u.at, u.url, u.headers::jsonb, u.body
          FROM unnest(p_tenants, p_ids, p_accounts, p_ats, p_urls, p_headers, p_bodies)
               WITH ORDINALITY AS u (tenant, id, account, at, url, headers, body, place)
         ORDER BY u.place) AS w;
    FOR v_account IN
        SELECT DISTINCT u.tenant, u.account FROM unnest(p_tenants, p_accounts) AS u (tenant, account) ORDER BY 1, 2
    LOOP
        -- A waiting job of the account will see these rows too: it reads what is there when it begins.
        IF NOT EXISTS (SELECT FROM jobs j WHERE j.lane = v_account.tenant AND j.key = 'inbound/' || v_account.account::text
                          AND j.state IN ('ready', 'held')) THEN
            PERFORM job_insert(v_account.tenant, gen_random_uuid(), 'inbound.apply',
                               json_build_object('account_id', v_account.account)::text, false,
                               'inbound/' || v_account.account::text, 5::smallint, NULL, 1000::smallint);
        END IF;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION inbound_store TO trunkline_system;

-- What was told, by the adapter's key: the same thing told twice changes nothing. `key` is its SHA-256.
CREATE TABLE inbound_told (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    key bytea NOT NULL CHECK (octet_length(key) = 32),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, account_id, key),
    FOREIGN KEY (tenant_id, account_id) REFERENCES channel_accounts (tenant_id, id)
);
CREATE INDEX inbound_told_at_idx ON inbound_told (tenant_id, at);
SELECT make_tenant_table('inbound_told');
GRANT SELECT, INSERT, DELETE ON inbound_told TO trunkline_app;

-- WhatsApp's templates, as the provider last told.
CREATE TABLE message_templates (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL CHECK (octet_length(name) <= 512),
    language text NOT NULL CHECK (octet_length(language) <= 35),
    provider_id text,
    category text NOT NULL,
    -- as the provider calls it: APPROVED, PENDING, REJECTED, PAUSED …
    status text NOT NULL,
    quality text,
    reason text,
    components jsonb NOT NULL CHECK (octet_length(components::text) <= 65536),
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, account_id, name, language),
    FOREIGN KEY (tenant_id, account_id) REFERENCES channel_accounts (tenant_id, id)
);
SELECT make_tenant_table('message_templates');
GRANT SELECT, INSERT, UPDATE, DELETE ON message_templates TO trunkline_app;

-- Staff of a linked Telegram group, and what is told there.
CREATE TABLE staff_chats (
    tenant_id uuid NOT NULL,
    account_id uuid NOT NULL,
    chat text NOT NULL CHECK (octet_length(chat) <= 128),
    title text,
    linked_at timestamptz NOT NULL DEFAULT now(),
    linked_by uuid,
    PRIMARY KEY (tenant_id, account_id, chat),
    FOREIGN KEY (tenant_id, account_id) REFERENCES channel_accounts (tenant_id, id)
);
SELECT make_tenant_table('staff_chats');
GRANT SELECT, INSERT, UPDATE, DELETE ON staff_chats TO trunkline_app;
