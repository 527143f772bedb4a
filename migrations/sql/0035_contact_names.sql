-- What a provider calls somebody, beside the identity that it told it with: a name is replaced when the same provider tells another one later,
-- not when two providers call them differently by turns.
ALTER TABLE contact_identities
    ADD COLUMN name text CHECK (name <> '' AND char_length(name) <= 200),
    ADD COLUMN named_at timestamptz;
