-- Failed sign-ins by place, written behind by the servers. Keys are never used twice, so that readers miss none.
CREATE TABLE failures (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    place TEXT NOT NULL,
    at INTEGER NOT NULL,
    server TEXT NOT NULL
) STRICT;
CREATE INDEX failures_place ON failures (place, at);
CREATE INDEX failures_at ON failures (at);

-- Places whose failures were forgiven, by the generation at which every process learns of it.
CREATE TABLE forgiven_places (
    generation INTEGER PRIMARY KEY,
    place TEXT NOT NULL
) STRICT;

-- Servers that run, and what they told of themselves last.
CREATE TABLE servers (
    id TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    status TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Attempts at local passwords in a row, where the policy limits them; also at names that nobody has.
CREATE TABLE login_failures (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    failures INTEGER NOT NULL,
    first_at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_failures_first ON login_failures (first_at);
