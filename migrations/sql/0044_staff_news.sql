-- What a linked group of the staff's does not want to be told of.
ALTER TABLE staff_chats ADD COLUMN muted text[] NOT NULL DEFAULT '{}'
    CONSTRAINT staff_chats_muted_check CHECK (muted <@ ARRAY['leads', 'sla', 'surveys', 'channels']);
