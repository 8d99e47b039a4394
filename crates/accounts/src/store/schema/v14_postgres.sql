-- Standard names. The bodies of functions are texts, which are not rewritten.
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
ALTER INDEX turns_subject RENAME TO rate_limit_events_subject;
ALTER INDEX turns_at RENAME TO rate_limit_events_at;
ALTER INDEX IF EXISTS generation_pkey RENAME TO credential_epoch_pkey;
ALTER INDEX IF EXISTS forgiven_places_pkey RENAME TO unblocked_sources_pkey;
ALTER INDEX IF EXISTS servers_pkey RENAME TO server_instances_pkey;
ALTER INDEX IF EXISTS turns_pkey RENAME TO rate_limit_events_pkey;
ALTER SEQUENCE IF EXISTS turns_key_seq RENAME TO rate_limit_events_key_seq;

CREATE OR REPLACE FUNCTION accounts_app_password_ended() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
    owner TEXT;
    raised BIGINT;
BEGIN
    IF TG_OP = 'UPDATE'
        AND to_jsonb(OLD) - 'last_used' - 'last_used_from' = to_jsonb(NEW) - 'last_used' - 'last_used_from' THEN
        RETURN NULL;
    END IF;
    SELECT name INTO owner FROM users WHERE key = OLD.user_key;
    IF FOUND THEN
        UPDATE credential_epoch SET value = value + 1 WHERE id = 1 RETURNING value INTO raised;
        INSERT INTO credential_events (epoch, name, at)
        VALUES (raised, owner, (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT);
    END IF;
    RETURN NULL;
END
$$;
