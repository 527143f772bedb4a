-- Applying what providers told: one that failed waits a moment, and no webhook is left without a job.

-- One that failed by our own fault is not tried before this.
ALTER TABLE inbound_webhooks ADD COLUMN retry_at timestamptz;

-- As in 0022, with one difference: the waiting job is locked. Without that a worker could take it, and read what is there, between our look at it and
-- our commit: it would not see these rows, and nobody would come for them. A worker passes over a locked job, and is told after the commit.
CREATE OR REPLACE FUNCTION inbound_store(
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
        -- One that is being taken this moment is not waited for: there is another one then.
        PERFORM FROM jobs j
          WHERE j.lane = v_account.tenant AND j.key = 'inbound/' || v_account.account::text AND j.state IN ('ready', 'held')
          ORDER BY j.seq LIMIT 1 FOR SHARE SKIP LOCKED;
        IF NOT FOUND THEN
            PERFORM job_insert(v_account.tenant, gen_random_uuid(), 'inbound.apply',
                               json_build_object('account_id', v_account.account)::text, false,
                               'inbound/' || v_account.account::text, 5::smallint, NULL, 1000::smallint);
        END IF;
    END LOOP;
END
$$;

-- Which node asks a bot's provider for what is new, and until when it is believed to live.
ALTER TABLE channel_accounts ADD COLUMN poll_owner text CHECK (octet_length(poll_owner) <= 1024), ADD COLUMN poll_until timestamptz;
