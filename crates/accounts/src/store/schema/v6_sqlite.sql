-- When the owner of a session last typed the password. Sessions from before are not confirmed.
ALTER TABLE sessions ADD COLUMN confirmed_at INTEGER;

-- Whether the password, or all that a user has, ended; 0 for an app password alone, which is no reason to forgive wrong guesses.
ALTER TABLE credential_events ADD COLUMN ends_password INTEGER NOT NULL DEFAULT 0;
UPDATE credential_events SET ends_password = 1;
