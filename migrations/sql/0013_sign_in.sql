-- Sign-ins that can be seen and ended, links that work once, one-time codes, invitations, identity providers of a tenant's own, and
-- members who may no longer come in.

ALTER TABLE users
    -- null: signs in through an identity provider only
    ALTER COLUMN password_hash DROP NOT NULL,
    -- when the person proved to read what is sent to the address
    ADD COLUMN email_verified_at timestamptz;

ALTER TABLE memberships
    -- may not come in, while everything that the person did stays
    ADD COLUMN disabled_at timestamptz;

ALTER TABLE tenants
    -- whoever signs in with a password has to set up one-time codes first
    ADD COLUMN second_step_required boolean NOT NULL DEFAULT false;

-- A sign-in: the family of its refresh tokens, and from where it was last used. It lives as long as one of those tokens does.
CREATE TABLE sign_ins (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    method text NOT NULL CHECK (method IN ('password', 'oidc')),
    -- a one-time or recovery code was given
    second_step boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    address text,
    user_agent text,
    FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX sign_ins_user ON sign_ins (user_id);
CREATE INDEX sign_ins_member ON sign_ins (tenant_id, user_id);
CREATE INDEX sign_ins_age ON sign_ins (last_used_at);
SELECT make_system_table('sign_ins');
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_ins TO trunkline_system;
INSERT INTO sign_ins (id, tenant_id, user_id, method, created_at, last_used_at)
SELECT r.family_id, r.tenant_id, r.user_id, 'password', min(r.created_at), max(r.created_at)
  FROM refresh_tokens r WHERE r.revoked_at IS NULL AND r.expires_at > now()
 GROUP BY r.family_id, r.tenant_id, r.user_id;

-- What a letter's link carries; only its hash is kept.
CREATE TABLE account_links (
    token_hash bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose text NOT NULL CHECK (purpose IN ('reset', 'verify')),
    -- the address that it was sent to, and thereby proves
    email text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX account_links_user ON account_links (user_id);
CREATE INDEX account_links_expiry ON account_links (expires_at);
SELECT make_system_table('account_links');
GRANT SELECT, INSERT, UPDATE, DELETE ON account_links TO trunkline_system;

-- One-time codes (RFC 6238).
CREATE TABLE account_totp (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret_sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- null: being set up
    confirmed_at timestamptz,
    -- the step of the last code that was taken: it and those before are used up
    last_step bigint NOT NULL DEFAULT 0
);
SELECT make_system_table('account_totp');
GRANT SELECT, INSERT, UPDATE, DELETE ON account_totp TO trunkline_system;

CREATE TABLE account_recovery_codes (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (user_id, code_hash)
);
SELECT make_system_table('account_recovery_codes');
GRANT SELECT, INSERT, UPDATE, DELETE ON account_recovery_codes TO trunkline_system;

CREATE TABLE invitations (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    email text NOT NULL CONSTRAINT invitations_email_check CHECK (email = lower(email) AND email LIKE '%_@_%'),
    role text NOT NULL,
    -- a role of the tenant's own, which counts instead; the invitation goes with it
    custom_role_id uuid,
    takes_work boolean NOT NULL,
    invited_by uuid NOT NULL,
    -- found by it before the tenant is known: unique without tenant_id on purpose
    token_hash bytea NOT NULL CONSTRAINT invitations_token_key UNIQUE,
    -- it went by e-mail: following it proves the address
    mailed boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    withdrawn_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT invitations_custom_role_fkey FOREIGN KEY (tenant_id, custom_role_id) REFERENCES roles (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT invitations_custom_role_check CHECK (custom_role_id IS NULL OR role = 'client'),
    CONSTRAINT invitations_inviter_fkey FOREIGN KEY (tenant_id, invited_by) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX invitations_inviter ON invitations (tenant_id, invited_by);
CREATE INDEX invitations_custom_role ON invitations (tenant_id, custom_role_id);
-- One open invitation of an address.
CREATE UNIQUE INDEX invitations_open_key ON invitations (tenant_id, email) WHERE accepted_at IS NULL AND withdrawn_at IS NULL;
SELECT make_tenant_table('invitations');
SELECT let_system_read('invitations');
GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO trunkline_app;

-- Where a tenant's people may sign in instead of here (OpenID Connect).
CREATE TABLE identity_providers (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    -- what the button says
    name text NOT NULL CHECK (name <> ''),
    issuer text NOT NULL CHECK (issuer <> ''),
    client_id text NOT NULL CHECK (client_id <> ''),
    client_secret_sealed bytea,
    -- addresses of these domains may come in; none: nobody new
    allowed_domains text[] NOT NULL,
    -- whoever comes from there and is no member becomes one, as this
    auto_role text,
    updated_at timestamptz NOT NULL DEFAULT now()
);
SELECT make_tenant_table('identity_providers');
SELECT let_system_read('identity_providers');
GRANT SELECT, INSERT, UPDATE, DELETE ON identity_providers TO trunkline_app;

-- Who somebody is to a tenant's identity provider. Of that tenant alone: a provider speaks for nobody elsewhere.
CREATE TABLE identities (
    tenant_id uuid NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, issuer, subject),
    CONSTRAINT identities_member_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX identities_member ON identities (tenant_id, user_id);
SELECT make_tenant_table('identities');
SELECT let_system_read('identities');
GRANT SELECT, INSERT, UPDATE, DELETE ON identities TO trunkline_app;

-- As before, and whoever is no active member is no admin either.
CREATE OR REPLACE FUNCTION tenant_other_admins(p_user uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
BEGIN
    PERFORM FROM memberships m WHERE m.tenant_id = v_tenant AND m.role = 'admin' ORDER BY m.user_id FOR UPDATE;
    RETURN (SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.tenant_id = v_tenant AND m.role = 'admin' AND m.user_id <> p_user AND u.disabled_at IS NULL
               AND m.disabled_at IS NULL);
END
$$;
GRANT EXECUTE ON FUNCTION tenant_other_admins TO trunkline_app;

-- As before, and a member who may not come in changes nothing.
CREATE OR REPLACE FUNCTION member_set_password(p_user uuid, p_old_hash text, p_hash text, p_keep uuid) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_ended uuid[];
BEGIN
    UPDATE users u SET password_hash = p_hash, must_change_password = false
     WHERE u.id = p_user AND u.password_hash = p_old_hash AND u.disabled_at IS NULL
       AND EXISTS (SELECT FROM memberships m
                    WHERE m.user_id = p_user AND m.disabled_at IS NULL
                      AND m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    WITH ended AS (
        UPDATE refresh_tokens r SET revoked_at = now()
         WHERE r.user_id = p_user AND r.family_id <> p_keep AND r.revoked_at IS NULL RETURNING r.family_id
    )
    SELECT coalesce(array_agg(DISTINCT e.family_id), '{}') INTO v_ended FROM ended e;
    RETURN v_ended;
END
$$;
