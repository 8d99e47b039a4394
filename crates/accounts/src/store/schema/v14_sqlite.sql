-- Standard names. SQLite rewrites the triggers that use a renamed table or column.
ALTER TABLE generation RENAME COLUMN one TO id;
ALTER TABLE generation RENAME TO credential_epoch;
ALTER TABLE users RENAME COLUMN generation TO credential_epoch;
ALTER TABLE credential_events RENAME COLUMN generation TO epoch;
ALTER TABLE forgiven_places RENAME COLUMN generation TO epoch;
ALTER TABLE forgiven_places RENAME COLUMN place TO source;
ALTER TABLE forgiven_places RENAME TO unblocked_sources;
ALTER TABLE servers RENAME COLUMN told_at TO reported_at;
ALTER TABLE servers RENAME TO server_instances;
ALTER TABLE app_passwords RENAME COLUMN wipe TO wipe_requested;
ALTER TABLE turns RENAME TO rate_limit_events;
DROP INDEX turns_subject;
DROP INDEX turns_at;
CREATE INDEX rate_limit_events_subject ON rate_limit_events (scope, subject, at);
CREATE INDEX rate_limit_events_at ON rate_limit_events (at);
