-- Hashes of app passwords and service tokens that have ended, whichever statement did it: a device that goes on with one is
-- refused here, and no backend sees it as a guess at the password of its owner. Not the owner but a number, because the rows
-- of a deleted user are kept as well. At most 200 of each user, and none for more than 90 days after the next one ended.
CREATE TABLE ended_app_passwords (
    key BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_key BIGINT NOT NULL,
    token BYTEA NOT NULL UNIQUE,
    ended_at BIGINT NOT NULL
);
CREATE INDEX ended_app_passwords_user ON ended_app_passwords (user_key, key);
CREATE INDEX ended_app_passwords_at ON ended_app_passwords (ended_at);
CREATE FUNCTION accounts_keep_ended_app_password() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    now_ms BIGINT := (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.token = NEW.token THEN
        RETURN NULL;
    END IF;
    INSERT INTO ended_app_passwords (user_key, token, ended_at)
    VALUES (OLD.user_key, OLD.token, now_ms) ON CONFLICT DO NOTHING;
    -- What another transaction deletes at this moment is not waited for.
    DELETE FROM ended_app_passwords WHERE key IN
        (SELECT key FROM ended_app_passwords WHERE ended_at < now_ms - 7776000000 FOR UPDATE SKIP LOCKED);
    DELETE FROM ended_app_passwords WHERE user_key = OLD.user_key AND key <=
        (SELECT key FROM ended_app_passwords WHERE user_key = OLD.user_key ORDER BY key DESC LIMIT 1 OFFSET 200);
    RETURN NULL;
END
$$;
CREATE TRIGGER ended_app_password_is_kept AFTER UPDATE OR DELETE ON app_passwords
FOR EACH ROW EXECUTE FUNCTION accounts_keep_ended_app_password();
