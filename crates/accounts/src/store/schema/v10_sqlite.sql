-- Failed sign-ins by network and by user: what the limits on guessing count, in one table. Keys are never used twice, so that
-- readers miss none.
CREATE TABLE failed_logins (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    -- A network, or a keyed hash of a name.
    subject TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('source', 'user')),
    -- The password was wrong, or the answer to it was not recognised; or the user signed in, which ends what was counted before.
    result TEXT NOT NULL CHECK (result IN ('wrong', 'unanswered', 'right')),
    at INTEGER NOT NULL,
    server TEXT NOT NULL
) STRICT;
INSERT INTO failed_logins (subject, kind, result, at, server)
SELECT place, 'source', 'wrong', at, server FROM failures ORDER BY key;
CREATE INDEX failed_logins_subject ON failed_logins (kind, subject, at);
CREATE INDEX failed_logins_at ON failed_logins (kind, at);
DROP TABLE failures;
-- Failures in a row were counted apart where the password policy limits them; they are among the others now.
DROP TABLE login_failures;
