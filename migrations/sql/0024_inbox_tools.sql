-- What makes an inbox quick: labels, canned replies, macros, service levels, surveys, saved views, notifications.

CREATE TABLE labels (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> '' AND char_length(name) <= 60),
    -- of the panel's palette
    colour text NOT NULL DEFAULT 'grey' CHECK (colour IN ('grey', 'red', 'orange', 'yellow', 'green', 'teal', 'blue', 'purple', 'pink')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX labels_name_key ON labels (tenant_id, lower(name));
SELECT make_tenant_table('labels');
GRANT SELECT, INSERT, UPDATE, DELETE ON labels TO trunkline_app;

CREATE TABLE conversation_labels (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    label_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, conversation_id, label_id),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, label_id) REFERENCES labels (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_labels_label_idx ON conversation_labels (tenant_id, label_id, conversation_id);
SELECT make_tenant_table('conversation_labels');
GRANT SELECT, INSERT, DELETE ON conversation_labels TO trunkline_app;

CREATE TABLE canned_replies (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    shortcut text NOT NULL CHECK (shortcut ~ '^[[:alnum:]_-]{1,40}$'),
    -- may hold {{contact.name}}, {{agent.name}}, …
    text text NOT NULL CHECK (text <> '' AND char_length(text) <= 4096),
    -- whose it is: the tenant's, or one person's
    user_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX canned_replies_shortcut_key ON canned_replies
    (tenant_id, coalesce(user_id, '00000000-0000-0000-0000-000000000000'), lower(shortcut));
SELECT make_tenant_table('canned_replies');
GRANT SELECT, INSERT, UPDATE, DELETE ON canned_replies TO trunkline_app;

CREATE TABLE macros (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> '' AND char_length(name) <= 100),
    -- [{"do": "reply"|"note"|"label"|"unlabel"|"assign"|"priority"|"snooze"|"resolve", …}]
    steps jsonb NOT NULL CHECK (jsonb_typeof(steps) = 'array' AND octet_length(steps::text) <= 65536),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX macros_name_key ON macros (tenant_id, lower(name));
SELECT make_tenant_table('macros');
GRANT SELECT, INSERT, UPDATE, DELETE ON macros TO trunkline_app;

-- How soon we answer. The first policy by `place` that fits a conversation holds.
CREATE TABLE sla_policies (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CHECK (name <> '' AND char_length(name) <= 100),
    place integer NOT NULL DEFAULT 0,
    -- {"queue_ids"?: […], "account_ids"?: […], "channels"?: […], "min_priority"?: n}; all that is there must fit
    applies jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(applies) = 'object' AND octet_length(applies::text) <= 16384),
    -- minutes of business hours
    first_reply_minutes integer CHECK (first_reply_minutes BETWEEN 1 AND 100000),
    next_reply_minutes integer CHECK (next_reply_minutes BETWEEN 1 AND 100000),
    resolution_minutes integer CHECK (resolution_minutes BETWEEN 1 AND 1000000),
    -- as a queue's opening hours; none: day and night
    hours jsonb,
    -- whether the clock stands while a conversation is pending or snoozed
    pauses boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
SELECT make_tenant_table('sla_policies');
SELECT let_system_read('sla_policies');
GRANT SELECT, INSERT, UPDATE, DELETE ON sla_policies TO trunkline_app;

-- What a conversation owes. A clock that stands has no due time, but what was left.
CREATE TABLE conversation_slas (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    goal text NOT NULL CHECK (goal IN ('first_reply', 'next_reply', 'resolution')),
    policy_id uuid,
    policy_name text NOT NULL,
    hours jsonb,
    pauses boolean NOT NULL,
    began_at timestamptz NOT NULL,
    due_at timestamptz,
    -- business time that was left when it was paused
    left_ms bigint,
    met_at timestamptz,
    breached_at timestamptz,
    PRIMARY KEY (tenant_id, conversation_id, goal),
    CONSTRAINT conversation_slas_clock_check CHECK (met_at IS NOT NULL OR (due_at IS NULL) <> (left_ms IS NULL)),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, policy_id) REFERENCES sla_policies (tenant_id, id) ON DELETE SET NULL (policy_id)
);
CREATE INDEX conversation_slas_due_idx ON conversation_slas (due_at) WHERE met_at IS NULL AND breached_at IS NULL;
CREATE INDEX conversation_slas_policy_idx ON conversation_slas (tenant_id, policy_id);
SELECT make_tenant_table('conversation_slas');
SELECT let_system_read('conversation_slas');
GRANT SELECT, INSERT, UPDATE, DELETE ON conversation_slas TO trunkline_app;

-- How it was for them. Asked once for each time that a conversation was resolved.
CREATE TABLE csat_surveys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    agent_id uuid,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    score smallint CHECK (score BETWEEN 1 AND 5),
    comment text CHECK (char_length(comment) <= 2000),
    answered_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT csat_surveys_answer_check CHECK ((score IS NULL) = (answered_at IS NULL)),
    FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX csat_surveys_conversation_idx ON csat_surveys (tenant_id, conversation_id, asked_at DESC);
CREATE INDEX csat_surveys_answered_idx ON csat_surveys (tenant_id, answered_at DESC) WHERE answered_at IS NOT NULL;
SELECT make_tenant_table('csat_surveys');
GRANT SELECT, INSERT, UPDATE ON csat_surveys TO trunkline_app;

-- A list with filters under a name: one person's, or everybody's.
CREATE TABLE inbox_views (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    user_id uuid,
    name text NOT NULL CHECK (name <> '' AND char_length(name) <= 60),
    place integer NOT NULL DEFAULT 0,
    -- the query parameters of GET /conversations
    filter jsonb NOT NULL CHECK (jsonb_typeof(filter) = 'object' AND octet_length(filter::text) <= 8192),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX inbox_views_user_idx ON inbox_views (tenant_id, user_id);
SELECT make_tenant_table('inbox_views');
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox_views TO trunkline_app;

-- Browsers that are told when nobody looks (RFC 8030). What a push service gives to reach one is a secret of its own.
CREATE TABLE push_subscriptions (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    endpoint text NOT NULL CHECK (octet_length(endpoint) <= 2048),
    p256dh bytea NOT NULL CHECK (octet_length(p256dh) = 65),
    auth bytea NOT NULL CHECK (octet_length(auth) = 16),
    user_agent text CHECK (octet_length(user_agent) <= 512),
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT push_subscriptions_endpoint_key UNIQUE (tenant_id, endpoint)
);
CREATE INDEX push_subscriptions_user_idx ON push_subscriptions (tenant_id, user_id);
SELECT make_tenant_table('push_subscriptions');
GRANT SELECT, INSERT, UPDATE, DELETE ON push_subscriptions TO trunkline_app;

-- What a bulk action changed, so that it can be taken back.
CREATE TABLE bulk_actions (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    action jsonb NOT NULL,
    -- [{"conversation_id", "version", "before": {…}}]
    before jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    undone_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX bulk_actions_at_idx ON bulk_actions (tenant_id, at);
SELECT make_tenant_table('bulk_actions');
GRANT SELECT, INSERT, UPDATE, DELETE ON bulk_actions TO trunkline_app;
