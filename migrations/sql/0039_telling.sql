-- Browsers are told for as long as they are signed in: a subscription belongs to a sign-in, and goes with it.
DELETE FROM push_subscriptions;
ALTER TABLE push_subscriptions
    ADD COLUMN session_id uuid NOT NULL,
    ADD COLUMN device text CHECK (octet_length(device) <= 480),
    ADD COLUMN problem text CHECK (octet_length(problem) <= 500),
    DROP COLUMN user_agent;
ALTER TABLE push_subscriptions RENAME COLUMN last_used_at TO last_sent_at;

-- A browser is one person's, of whichever tenant: whoever signs in there next takes it over.
CREATE INDEX push_subscriptions_endpoint_idx ON push_subscriptions USING hash (endpoint);
SELECT let_system_read('push_subscriptions');
CREATE POLICY system_sweeps ON push_subscriptions TO trunkline_system USING (true);
GRANT DELETE ON push_subscriptions TO trunkline_system;

-- How far the journal was gone through for those who are told. Kept only of tenants of whom somebody is.
CREATE TABLE push_cursors (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    seq bigint NOT NULL CHECK (seq >= 0)
);
SELECT make_tenant_table('push_cursors');
SELECT let_system_read('push_cursors');
GRANT SELECT, INSERT, UPDATE ON push_cursors TO trunkline_app;

-- Whoever writes to a customer has a name, also those who take no calls and so are no agents.
CREATE FUNCTION member_name(p_user uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT u.name FROM memberships m JOIN users u ON u.id = m.user_id
     WHERE m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid AND m.user_id = p_user
$$;
GRANT EXECUTE ON FUNCTION member_name TO trunkline_app;

-- What names somebody is found again after it was read.
CREATE INDEX mentions_named_idx ON mentions (tenant_id, user_id, at DESC);
