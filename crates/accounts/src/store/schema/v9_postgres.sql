-- Who set the mail address of a user, and the address that is confirmed: by a link that was followed, or by an administrator.
-- `email` is the address that was set last; as long as it is not the confirmed one, it is pending.
ALTER TABLE users ADD COLUMN email_by TEXT COLLATE "C" NOT NULL DEFAULT 'other'
    CHECK (email_by IN ('administrator', 'owner', 'other'));
ALTER TABLE users ADD COLUMN confirmed_email TEXT COLLATE "C";
-- The canonical form of the confirmed address, which is that of one user.
ALTER TABLE users ADD COLUMN confirmed_key TEXT COLLATE "C" CHECK ((confirmed_key IS NULL) = (confirmed_email IS NULL));
ALTER TABLE users ADD COLUMN confirmed_by TEXT COLLATE "C" CHECK (
    (confirmed_by IS NULL) = (confirmed_email IS NULL) AND confirmed_by IN ('administrator', 'owner', 'other')
);
CREATE UNIQUE INDEX users_confirmed ON users (confirmed_key) WHERE confirmed_key IS NOT NULL;
CREATE INDEX users_unconfirmed ON users (name) WHERE email IS NOT NULL AND (confirmed_email IS NULL OR confirmed_email <> email);

-- Links that confirm an address.
CREATE TABLE address_confirmations (
    token BYTEA PRIMARY KEY,
    user_key BIGINT NOT NULL UNIQUE REFERENCES users (key) ON DELETE CASCADE,
    address TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Addresses of one user that were there before count as confirmed. Those beyond ASCII are looked at by the program.
UPDATE users SET confirmed_email = email, confirmed_key = email, confirmed_by = 'other'
WHERE email IS NOT NULL AND email !~ '[^ -~]'
    AND email IN (SELECT email FROM users WHERE email IS NOT NULL GROUP BY email HAVING COUNT(*) = 1)
    AND NOT EXISTS (SELECT 1 FROM users AS other WHERE other.name = users.email AND other.key <> users.key);
