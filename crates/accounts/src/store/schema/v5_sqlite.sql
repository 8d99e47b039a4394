-- Whatever remembers an app password learns that it has changed or ended, whichever statement did it. Only `last_used` may
-- change without that; a new column belongs into the list. The rows of a deleted user go after the user, whose own event counts.
CREATE TRIGGER app_password_changes AFTER UPDATE OF key, user_key, name, token, created_at, expires_at, wipe ON app_passwords
WHEN EXISTS (SELECT 1 FROM users WHERE key = OLD.user_key)
BEGIN
    UPDATE generation SET value = value + 1 WHERE one = 1;
    INSERT INTO credential_events (generation, name, at)
    SELECT generation.value, users.name, CAST(unixepoch('subsec') * 1000 AS INTEGER)
    FROM generation, users WHERE generation.one = 1 AND users.key = OLD.user_key;
END;
CREATE TRIGGER app_password_ends AFTER DELETE ON app_passwords
WHEN EXISTS (SELECT 1 FROM users WHERE key = OLD.user_key)
BEGIN
    UPDATE generation SET value = value + 1 WHERE one = 1;
    INSERT INTO credential_events (generation, name, at)
    SELECT generation.value, users.name, CAST(unixepoch('subsec') * 1000 AS INTEGER)
    FROM generation, users WHERE generation.one = 1 AND users.key = OLD.user_key;
END;

-- Secrets that the servers of this store share, such as the one that request tokens of pages are made with.
CREATE TABLE server_secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
