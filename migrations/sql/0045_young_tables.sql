-- Statistics of tables that grow from nothing. The server looks once a minute whether a table has to be analysed; until then plans are those of an
-- empty table, in which every index looks as good as another, and a burst into a new installation would go through all of a tenant's rows for each of
-- its messages. Tables that have grown up are left to autovacuum.
CREATE FUNCTION analyze_young_tables() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_table regclass;
    v_analyzed integer := 0;
BEGIN
    FOR v_table IN
        SELECT s.relid::regclass FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
         WHERE s.schemaname = 'public' AND c.relowner = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)
           AND s.n_live_tup < 100000 AND s.n_mod_since_analyze > greatest(200, c.reltuples / 2)
         ORDER BY s.n_mod_since_analyze DESC LIMIT 10
    LOOP
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', v_table);
        v_analyzed := v_analyzed + 1;
    END LOOP;
    RETURN v_analyzed;
END
$$;
REVOKE EXECUTE ON FUNCTION analyze_young_tables FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_young_tables TO trunkline_system;

-- A message changes its conversation three times: with room on the page only one of them has to be entered in the indexes again.
ALTER TABLE conversations SET (fillfactor = 80);
