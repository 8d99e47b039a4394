CREATE TABLE generation (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO generation (one, value) VALUES (1, 0);

CREATE TABLE credential_events (
    generation INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL,
    backend TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    display_name TEXT,
    email TEXT,
    quota INTEGER CHECK (quota >= 0 OR quota = -3),
    language TEXT,
    locale TEXT,
    search TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    first_login INTEGER,
    last_login INTEGER,
    generation INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX users_search ON users (name, search, enabled);
-- Finds rare texts; frequent ones are found by walking through users_search.
CREATE VIRTUAL TABLE users_fts USING fts5 (
    search, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1', detail = none
);
CREATE TRIGGER users_fts_insert AFTER INSERT ON users
BEGIN INSERT INTO users_fts (rowid, search) VALUES (NEW.key, NEW.search); END;
CREATE TRIGGER users_fts_delete AFTER DELETE ON users
BEGIN DELETE FROM users_fts WHERE rowid = OLD.key; END;
CREATE TRIGGER users_fts_update AFTER UPDATE OF search ON users WHEN OLD.search <> NEW.search
BEGIN
    DELETE FROM users_fts WHERE rowid = OLD.key;
    INSERT INTO users_fts (rowid, search) VALUES (NEW.key, NEW.search);
END;
CREATE INDEX users_email ON users (email) WHERE email IS NOT NULL;
CREATE INDEX users_recent ON users (last_login, name) WHERE last_login IS NOT NULL;
CREATE INDEX users_disabled ON users (name) WHERE NOT enabled;
CREATE INDEX users_backend ON users (backend);

CREATE TABLE profile (
    user_key INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    field TEXT NOT NULL,
    position INTEGER NOT NULL,
    value TEXT NOT NULL,
    scope TEXT,
    PRIMARY KEY (user_key, field, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_phone ON profile (value) WHERE field = 'phone';

CREATE TABLE groups (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    display_name TEXT,
    search TEXT NOT NULL
) STRICT;
INSERT INTO groups (key, id, display_name, search) VALUES (1, 'admin', NULL, 'admin');

-- The user's name is here too so that a page of a group is read in order, without looking at all its members.
CREATE TABLE members (
    group_key INTEGER NOT NULL REFERENCES groups (key) ON DELETE CASCADE,
    name TEXT NOT NULL,
    user_key INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    PRIMARY KEY (group_key, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_user ON members (user_key);

CREATE TABLE subadmins (
    group_key INTEGER NOT NULL REFERENCES groups (key) ON DELETE CASCADE,
    user_key INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    PRIMARY KEY (group_key, user_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX subadmins_user ON subadmins (user_key);

CREATE TABLE passwords (
    user_key INTEGER PRIMARY KEY REFERENCES users (key) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE password_history (
    key INTEGER PRIMARY KEY,
    user_key INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX password_history_user ON password_history (user_key, key);

CREATE TABLE pins (
    name TEXT PRIMARY KEY,
    backend TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pins_backend ON pins (backend);

CREATE TABLE app_passwords (
    key INTEGER PRIMARY KEY,
    user_key INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    name TEXT NOT NULL,
    token BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_used INTEGER,
    expires_at INTEGER,
    wipe INTEGER NOT NULL DEFAULT 0 CHECK (wipe IN (0, 1))
) STRICT;
CREATE INDEX app_passwords_user ON app_passwords (user_key);

CREATE TABLE sessions (
    token BLOB PRIMARY KEY,
    user_key INTEGER REFERENCES users (key) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_key);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE resets (
    token BLOB PRIMARY KEY,
    user_key INTEGER NOT NULL UNIQUE REFERENCES users (key) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE app_config (
    app TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (app, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE preferences (
    user_key INTEGER NOT NULL REFERENCES users (key) ON DELETE CASCADE,
    app TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (user_key, app, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    origin TEXT,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT
) STRICT;
CREATE INDEX audit_target ON audit (target, seq);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'append_only'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'append_only'); END;

CREATE TRIGGER admin_group_stays BEFORE DELETE ON groups WHEN OLD.key = 1
BEGIN SELECT RAISE(ABORT, 'last_admin'); END;

CREATE TRIGGER last_admin_leaves BEFORE DELETE ON members WHEN OLD.group_key = 1
BEGIN
    SELECT RAISE(ABORT, 'last_admin')
    WHERE EXISTS (SELECT 1 FROM users WHERE key = OLD.user_key AND enabled)
        AND NOT EXISTS (SELECT 1 FROM members JOIN users ON users.key = members.user_key
            WHERE members.group_key = 1 AND users.enabled AND users.key <> OLD.user_key);
END;
CREATE TRIGGER last_admin_is_deleted BEFORE DELETE ON users WHEN OLD.enabled
BEGIN
    SELECT RAISE(ABORT, 'last_admin')
    WHERE EXISTS (SELECT 1 FROM members WHERE group_key = 1 AND user_key = OLD.key)
        AND NOT EXISTS (SELECT 1 FROM members JOIN users ON users.key = members.user_key
            WHERE members.group_key = 1 AND users.enabled AND users.key <> OLD.key);
END;
CREATE TRIGGER last_admin_is_disabled BEFORE UPDATE OF enabled ON users WHEN OLD.enabled AND NOT NEW.enabled
BEGIN
    SELECT RAISE(ABORT, 'last_admin')
    WHERE EXISTS (SELECT 1 FROM members WHERE group_key = 1 AND user_key = OLD.key)
        AND NOT EXISTS (SELECT 1 FROM members JOIN users ON users.key = members.user_key
            WHERE members.group_key = 1 AND users.enabled AND users.key <> OLD.key);
END;
