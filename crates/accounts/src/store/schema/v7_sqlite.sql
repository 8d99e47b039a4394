-- Service tokens are app passwords with scopes, and from where they work. NULL: the app password of a device.
ALTER TABLE app_passwords ADD COLUMN scopes TEXT;
ALTER TABLE app_passwords ADD COLUMN networks TEXT CHECK (networks IS NULL OR scopes IS NOT NULL);
ALTER TABLE app_passwords ADD COLUMN last_used_from TEXT;

-- Only `last_used` and `last_used_from` may change without a new epoch; any other new column belongs into the list.
DROP TRIGGER app_password_changes;
CREATE TRIGGER app_password_changes AFTER UPDATE OF
    key, user_key, name, token, created_at, expires_at, wipe, scopes, networks ON app_passwords
WHEN EXISTS (SELECT 1 FROM users WHERE key = OLD.user_key)
BEGIN
    UPDATE generation SET value = value + 1 WHERE one = 1;
    INSERT INTO credential_events (generation, name, at)
    SELECT generation.value, users.name, CAST(unixepoch('subsec') * 1000 AS INTEGER)
    FROM generation, users WHERE generation.one = 1 AND users.key = OLD.user_key;
END;

-- Service tokens end when their owner is disabled, leaves the group `admin` or administers a group no longer, whichever
-- statement did it. Otherwise they would come back with the rights, years later.
CREATE TRIGGER service_tokens_of_disabled AFTER UPDATE OF enabled ON users WHEN OLD.enabled AND NOT NEW.enabled
BEGIN
    INSERT INTO audit (at, actor, action, target, detail)
    SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER), 'system', 'service_token.revoked', users.name, app_passwords.name
    FROM app_passwords JOIN users ON users.key = app_passwords.user_key
    WHERE app_passwords.user_key = OLD.key AND scopes IS NOT NULL ORDER BY app_passwords.key;
    DELETE FROM app_passwords WHERE user_key = OLD.key AND scopes IS NOT NULL;
END;
CREATE TRIGGER service_tokens_of_admin AFTER DELETE ON members WHEN OLD.group_key = 1
BEGIN
    INSERT INTO audit (at, actor, action, target, detail)
    SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER), 'system', 'service_token.revoked', users.name, app_passwords.name
    FROM app_passwords JOIN users ON users.key = app_passwords.user_key
    WHERE app_passwords.user_key = OLD.user_key AND scopes IS NOT NULL ORDER BY app_passwords.key;
    DELETE FROM app_passwords WHERE user_key = OLD.user_key AND scopes IS NOT NULL;
END;
CREATE TRIGGER service_tokens_of_subadmin AFTER DELETE ON subadmins
BEGIN
    INSERT INTO audit (at, actor, action, target, detail)
    SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER), 'system', 'service_token.revoked', users.name, app_passwords.name
    FROM app_passwords JOIN users ON users.key = app_passwords.user_key
    WHERE app_passwords.user_key = OLD.user_key AND scopes IS NOT NULL ORDER BY app_passwords.key;
    DELETE FROM app_passwords WHERE user_key = OLD.user_key AND scopes IS NOT NULL;
END;
