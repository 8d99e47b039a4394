-- Whatever remembers an app password learns that it has changed or ended, whichever statement did it. Only `last_used` may
-- change without that. The rows of a deleted user go after the user, whose own event counts.
CREATE FUNCTION accounts_app_password_ended() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    owner TEXT;
    raised BIGINT;
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - 'last_used' = to_jsonb(NEW) - 'last_used' THEN
        RETURN NULL;
    END IF;
    SELECT name INTO owner FROM users WHERE key = OLD.user_key;
    IF FOUND THEN
        UPDATE generation SET value = value + 1 WHERE one = 1 RETURNING value INTO raised;
        INSERT INTO credential_events (generation, name, at)
        VALUES (raised, owner, (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER app_password_ends AFTER UPDATE OR DELETE ON app_passwords
FOR EACH ROW EXECUTE FUNCTION accounts_app_password_ended();

-- Secrets that the servers of this store share, such as the one that request tokens of pages are made with.
CREATE TABLE server_secrets (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);
