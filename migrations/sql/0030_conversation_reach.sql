-- Who is named in a conversation keeps it in sight: their lists look for it by them.
CREATE INDEX mentions_whom_idx ON mentions (tenant_id, user_id, conversation_id);
