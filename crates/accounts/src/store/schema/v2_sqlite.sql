-- Mails to be sent. No row holds a secret: the worker draws a token when it sends one.
CREATE TABLE outbox (
    key INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    address TEXT,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_due ON outbox (due_at);

-- One row per thing that was done and may be done only so often: by whom or for whom, and when.
CREATE TABLE turns (
    key INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX turns_subject ON turns (scope, subject, at);
CREATE INDEX turns_at ON turns (at);
