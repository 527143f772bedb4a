-- Tokens by which a dialplan asks over HTTP. One opens its tenant's dialplan hooks and nothing else.
CREATE TABLE hook_tokens (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CONSTRAINT hook_tokens_name_check CHECK (name <> '' AND char_length(name) <= 60),
    -- the part that is no secret. Found by it before the tenant is known: unique without tenant_id on purpose.
    prefix text NOT NULL CONSTRAINT hook_tokens_prefix_key UNIQUE CHECK (prefix ~ '^[a-z0-9]{10}$'),
    -- SHA-256 of the secret, which has 256 random bits
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid NOT NULL,
    -- written now and then, some seconds behind
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
SELECT make_tenant_table('hook_tokens');
-- Every gateway keeps them in memory, so that a hook is let in while the database is away.
SELECT let_system_read('hook_tokens');
GRANT SELECT, INSERT, UPDATE, DELETE ON hook_tokens TO trunkline_app;

-- The gateways are told which tenant's changed. When one was used is no news.
CREATE FUNCTION hook_tokens_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('trunkline_hook_tokens', NEW.tenant_id::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OF secret_hash, revoked_at ON hook_tokens
    FOR EACH ROW EXECUTE FUNCTION hook_tokens_changed();
