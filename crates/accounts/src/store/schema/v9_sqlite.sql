-- The spelling of the name that the owner accepted first: the only one that is sent there.
ALTER TABLE pins ADD COLUMN spelling TEXT;
