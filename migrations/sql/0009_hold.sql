-- Since when an agent's phone holds the other party of a running call.
ALTER TABLE calls ADD COLUMN held_since timestamptz;
