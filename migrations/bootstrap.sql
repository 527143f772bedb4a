-- What a superuser does once per PostgreSQL cluster, before the first migration: the roles.
--
-- Plain SQL, safe to run again (it only sets the passwords anew). Two parameters are filled in as text by
-- whoever runs it, already quoted as SQL string literals: {owner_password} and {login_password}.
-- Afterwards the database itself is made with:   CREATE DATABASE trunkline OWNER trunkline_owner
--
--   trunkline_owner   owns the schema; migrations and backups sign in with it; row-level security does not bind it
--   trunkline_app     what runs for one tenant; row-level security is forced on it
--   trunkline_system  what belongs to no tenant: sign-in, tickets, journal heads, the telephony directory (named tables only)
--   trunkline         what the gateway signs in as; it can do nothing until a transaction takes one of the two roles above
DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trunkline_owner') THEN
        CREATE ROLE trunkline_owner;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trunkline_app') THEN
        CREATE ROLE trunkline_app;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trunkline_system') THEN
        CREATE ROLE trunkline_system;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trunkline') THEN
        CREATE ROLE trunkline;
    END IF;
END
$roles$;

ALTER ROLE trunkline_owner WITH LOGIN BYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {owner_password};
ALTER ROLE trunkline_app WITH NOLOGIN NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE trunkline_system WITH NOLOGIN NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
ALTER ROLE trunkline WITH LOGIN NOINHERIT NOBYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {login_password};

GRANT trunkline_app TO trunkline;
GRANT trunkline_system TO trunkline;
