-- What is known about a setting of an app stands beside its value. Before, it was a value of the app "occ" named APP/NAME, which
-- could be deleted like any other, and did not say which part of the name is the app. One that cannot be read hides the value.
ALTER TABLE app_config ADD COLUMN type TEXT NOT NULL DEFAULT 'mixed';
ALTER TABLE app_config ADD COLUMN lazy INTEGER NOT NULL DEFAULT 0 CHECK (lazy IN (0, 1));
ALTER TABLE app_config ADD COLUMN sensitive INTEGER NOT NULL DEFAULT 0 CHECK (sensitive IN (0, 1));
UPDATE app_config SET type = 'string' WHERE EXISTS
    (SELECT 1 FROM app_config AS note WHERE note.app = 'occ' AND note.key = app_config.app || '/' || app_config.key
     AND note.value LIKE '%"type":"string"%');
UPDATE app_config SET type = 'integer' WHERE EXISTS
    (SELECT 1 FROM app_config AS note WHERE note.app = 'occ' AND note.key = app_config.app || '/' || app_config.key
     AND note.value LIKE '%"type":"integer"%');
UPDATE app_config SET type = 'float' WHERE EXISTS
    (SELECT 1 FROM app_config AS note WHERE note.app = 'occ' AND note.key = app_config.app || '/' || app_config.key
     AND note.value LIKE '%"type":"float"%');
UPDATE app_config SET type = 'boolean' WHERE EXISTS
    (SELECT 1 FROM app_config AS note WHERE note.app = 'occ' AND note.key = app_config.app || '/' || app_config.key
     AND note.value LIKE '%"type":"boolean"%');
UPDATE app_config SET type = 'array' WHERE EXISTS
    (SELECT 1 FROM app_config AS note WHERE note.app = 'occ' AND note.key = app_config.app || '/' || app_config.key
     AND note.value LIKE '%"type":"array"%');
UPDATE app_config SET lazy = 1 WHERE EXISTS
    (SELECT 1 FROM app_config AS note WHERE note.app = 'occ' AND note.key = app_config.app || '/' || app_config.key
     AND note.value LIKE '%"lazy":true%');
UPDATE app_config SET sensitive = 1 WHERE EXISTS
    (SELECT 1 FROM app_config AS note WHERE note.app = 'occ' AND note.key = app_config.app || '/' || app_config.key
     AND note.value NOT LIKE '%"sensitive":false%');
DELETE FROM app_config WHERE app = 'occ' AND key LIKE '%/%' AND value LIKE '{%}';
-- What an administrator lets the program of a login flow do; without it, it gets the app password of a device.
ALTER TABLE login_flows ADD COLUMN scopes TEXT;
