-- Hashes of app passwords and service tokens that have ended, whichever statement did it: a device that goes on with one is
-- refused here, and no backend sees it as a guess at the password of its owner. Not the owner but a number, because the rows
-- of a deleted user are kept as well. At most 200 of each user, and none for more than 90 days after the next one ended.
CREATE TABLE ended_app_passwords (
    key INTEGER PRIMARY KEY,
    user_key INTEGER NOT NULL,
    token BLOB NOT NULL UNIQUE,
    ended_at INTEGER NOT NULL
) STRICT;
CREATE INDEX ended_app_passwords_user ON ended_app_passwords (user_key, key);
CREATE INDEX ended_app_passwords_at ON ended_app_passwords (ended_at);
CREATE TRIGGER ended_app_password_is_bounded AFTER INSERT ON ended_app_passwords
BEGIN
    DELETE FROM ended_app_passwords WHERE ended_at < NEW.ended_at - 7776000000;
    DELETE FROM ended_app_passwords WHERE user_key = NEW.user_key AND key <=
        (SELECT key FROM ended_app_passwords WHERE user_key = NEW.user_key ORDER BY key DESC LIMIT 1 OFFSET 200);
END;
CREATE TRIGGER deleted_app_password_is_kept AFTER DELETE ON app_passwords
BEGIN
    INSERT INTO ended_app_passwords (user_key, token, ended_at)
    VALUES (OLD.user_key, OLD.token, CAST(unixepoch('subsec') * 1000 AS INTEGER)) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER rotated_app_password_is_kept AFTER UPDATE OF token ON app_passwords
WHEN OLD.token <> NEW.token
BEGIN
    INSERT INTO ended_app_passwords (user_key, token, ended_at)
    VALUES (OLD.user_key, OLD.token, CAST(unixepoch('subsec') * 1000 AS INTEGER)) ON CONFLICT DO NOTHING;
END;
