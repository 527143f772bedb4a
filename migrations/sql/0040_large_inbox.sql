-- What a large inbox asks for: searching, and storing webhooks.

-- Searching costs what is found, not what there is: a common word is looked for among the newest messages first, and a number is found by its end too.

-- Those who look for a number often have only its last digits.
CREATE INDEX contact_identities_tail_idx ON contact_identities (tenant_id, reverse(value) text_pattern_ops)
    WHERE ended_at IS NULL AND type IN ('phone', 'whatsapp_id');

-- As in 0021, and by the last four digits or more of a number, however it is written.
CREATE OR REPLACE FUNCTION contacts_search(p_text text, p_limit integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    v_text text := replace(replace(replace(lower(p_text), '\', '\\'), '%', '\%'), '_', '\_');
    -- none: the text is no part of a number
    v_digits text := CASE WHEN p_text ~ '^[-+0-9 ()./]+$' THEN substring(regexp_replace(p_text, '[^0-9]', '', 'g') FROM '^.{4,}$') END;
BEGIN
    RETURN QUERY EXECUTE
        'SELECT found.person_id FROM (
            (SELECT c.person_id, 0 AS place, c.display_name FROM contact_identities i
               JOIN contacts c ON c.tenant_id = i.tenant_id AND c.id = i.contact_id
              WHERE i.tenant_id = $1 AND i.ended_at IS NULL AND lower(i.value) LIKE $2 || ''%'' LIMIT 200)
            UNION ALL
            (SELECT c.person_id, 0, c.display_name FROM contact_identities i
               JOIN contacts c ON c.tenant_id = i.tenant_id AND c.id = i.contact_id
              WHERE i.tenant_id = $1 AND i.ended_at IS NULL AND i.type IN (''phone'', ''whatsapp_id'')
                AND reverse(i.value) LIKE reverse($4) || ''%'' LIMIT 200)
            UNION ALL
            (SELECT c.person_id, 1, c.display_name FROM contacts c
              WHERE c.tenant_id = $1 AND lower(c.display_name) LIKE ''%'' || $2 || ''%'' LIMIT 200)
         ) AS found GROUP BY found.person_id ORDER BY min(found.place), min(found.display_name), found.person_id LIMIT $3'
        USING v_tenant, v_text, p_limit, v_digits;
END
$$;

-- As in 0023, but the newest messages first (their ids rise with the time at which they were stored), and further back only while there are too few.
-- A word that stands in every tenth message would otherwise have all of those read before the newest of them are known.
CREATE OR REPLACE FUNCTION conversations_search(p_text text, p_limit integer) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    c_first CONSTANT integer := 25000;
    -- To find where this many begin takes longer than to read what is found in all of them.
    c_most CONSTANT integer := 200000;
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    v_found uuid[] := '{}';
    v_some uuid[];
    v_size integer := c_first;
    v_from uuid;
    v_before uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
BEGIN
    LOOP
        -- Not found: the rest of them is less, or is not worth being cut.
        v_from := NULL;
        IF v_size <= c_most THEN
            SELECT m.id INTO v_from FROM messages m
             WHERE m.tenant_id = v_tenant AND m.id < v_before ORDER BY m.id DESC OFFSET v_size LIMIT 1;
        END IF;
        EXECUTE
            'SELECT coalesce(array_agg(newest.conversation_id), ''{}'') FROM (
                SELECT m.conversation_id FROM messages m
                 WHERE m.tenant_id = $1 AND m.id >= $3 AND m.id < $4
                   AND m.direction IN (''in'', ''out'', ''note'') AND m.text <> '''' AND m.deleted_at IS NULL
                   AND to_tsvector(''simple'', m.text) @@ websearch_to_tsquery(''simple'', $2)
                   AND m.conversation_id <> ALL ($5)
                 GROUP BY m.conversation_id ORDER BY max(m.at) DESC LIMIT $6) AS newest'
            INTO v_some
            USING v_tenant, p_text, coalesce(v_from, '00000000-0000-0000-0000-000000000000'::uuid), v_before, v_found,
                  p_limit - cardinality(v_found);
        v_found := v_found || v_some;
        EXIT WHEN v_from IS NULL OR cardinality(v_found) >= p_limit;
        -- As many more as it takes if the word is as frequent there, and some.
        v_size := least(1.5 * c_first * (p_limit - cardinality(v_found)) / greatest(cardinality(v_found), 1), 2 * c_most)::integer;
        v_before := v_from;
    END LOOP;
    RETURN QUERY SELECT unnest(v_found);
END
$$;

-- The key was looked up, and the account's row locked, for each webhook: a sixth of what storing one costs. Webhooks are stored by inbound_store alone,
-- which does it once for all of an account's.
ALTER TABLE inbound_webhooks DROP CONSTRAINT inbound_webhooks_tenant_id_account_id_fkey;

-- As in 0038, and with the accounts looked at.
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
        PERFORM FROM channel_accounts a WHERE a.tenant_id = v_account.tenant AND a.id = v_account.account FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'a webhook of an account that is not there' USING ERRCODE = 'foreign_key_violation';
        END IF;
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
