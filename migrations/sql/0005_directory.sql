-- The telephony directory is kept in memory by every gateway, so that calls never wait for the database.
-- This number rises with every change of what is in it; a NOTIFY says that it did.

CREATE TABLE directory_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL
);
INSERT INTO directory_version (version) VALUES (1);
SELECT make_system_table('directory_version');
GRANT SELECT ON directory_version TO trunkline_system;

CREATE FUNCTION directory_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE directory_version SET version = version + 1;
    PERFORM pg_notify('trunkline_directory', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON tenants
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON memberships
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON queues
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON queue_members
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON numbers
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER directory_changed AFTER INSERT OR UPDATE OR DELETE ON devices
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
-- An agent's state changes all day long and is no part of the directory: it is in the journal.
CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE OF name, email ON agents
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
