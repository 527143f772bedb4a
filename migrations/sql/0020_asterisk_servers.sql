-- Several Asterisk servers: ids of channels and bridges are one server's.

-- The server on which the call is or was. Until now there was one, and an installation that names none has it still.
ALTER TABLE calls ADD COLUMN asterisk text NOT NULL DEFAULT 'asterisk' CHECK (asterisk <> '');
