-- The network that a sign-in of a user came from, as a keyed hash: a right password ends only what failed from its own. 0 for rows
-- of sources, and for those from before this step, which end with their time.
ALTER TABLE failed_logins ADD COLUMN source_hash INTEGER NOT NULL DEFAULT 0;
