-- The spelling of the name that the owner accepted first: the only one that is sent there.
ALTER TABLE pins ADD COLUMN spelling TEXT;

-- Names and passwords that were accepted last, as hashes under a key that is not in this database.
CREATE TABLE proven_credentials (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE
) STRICT;
CREATE INDEX proven_credentials_of ON proven_credentials (name, key);
