-- Service tokens are app passwords with scopes, and from where they work. NULL: the app password of a device.
ALTER TABLE app_passwords ADD COLUMN scopes TEXT COLLATE "C";
ALTER TABLE app_passwords ADD COLUMN networks TEXT COLLATE "C" CHECK (networks IS NULL OR scopes IS NOT NULL);
ALTER TABLE app_passwords ADD COLUMN last_used_from TEXT COLLATE "C";

-- Only `last_used` and `last_used_from` may change without a new epoch.
CREATE OR REPLACE FUNCTION accounts_app_password_ended() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    owner TEXT;
    raised BIGINT;
BEGIN
    IF TG_OP = 'UPDATE'
        AND to_jsonb(OLD) - 'last_used' - 'last_used_from' = to_jsonb(NEW) - 'last_used' - 'last_used_from' THEN
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

-- Service tokens end when their owner is disabled, leaves the group `admin` or administers a group no longer, whichever
-- statement did it. Otherwise they would come back with the rights, years later.
CREATE FUNCTION accounts_end_service_tokens(owner_key BIGINT) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (at, actor, action, target, detail)
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT, 'system', 'service_token.revoked',
        users.name, app_passwords.name
    FROM app_passwords JOIN users ON users.key = app_passwords.user_key
    WHERE app_passwords.user_key = owner_key AND scopes IS NOT NULL ORDER BY app_passwords.key;
    DELETE FROM app_passwords WHERE user_key = owner_key AND scopes IS NOT NULL;
END
$$;
CREATE FUNCTION accounts_service_tokens_of_disabled() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM accounts_end_service_tokens(OLD.key);
    RETURN NULL;
END
$$;
CREATE FUNCTION accounts_service_tokens_of_role() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM accounts_end_service_tokens(OLD.user_key);
    RETURN NULL;
END
$$;
CREATE TRIGGER service_tokens_of_disabled AFTER UPDATE OF enabled ON users
FOR EACH ROW WHEN (OLD.enabled AND NOT NEW.enabled) EXECUTE FUNCTION accounts_service_tokens_of_disabled();
CREATE TRIGGER service_tokens_of_admin AFTER DELETE ON members
FOR EACH ROW WHEN (OLD.group_key = 1) EXECUTE FUNCTION accounts_service_tokens_of_role();
CREATE TRIGGER service_tokens_of_subadmin AFTER DELETE ON subadmins
FOR EACH ROW EXECUTE FUNCTION accounts_service_tokens_of_role();
