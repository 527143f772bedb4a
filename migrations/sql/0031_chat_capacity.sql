-- How many chats an agent has at once, beside a call.
ALTER TABLE agents ADD COLUMN chat_capacity smallint NOT NULL DEFAULT 4 CHECK (chat_capacity BETWEEN 0 AND 50);

DROP TRIGGER directory_changed ON agents;
CREATE TRIGGER directory_changed AFTER INSERT OR DELETE OR UPDATE OF name, email, extension, chat_capacity ON agents
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
