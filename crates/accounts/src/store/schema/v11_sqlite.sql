-- Devices that wait for their owner to sign in with a browser (login flow). The device has one token, its page another; the page
-- names the user who agreed. The app password is made when the device comes for it: nothing here opens an account.
CREATE TABLE login_flows (
    poll_token BLOB PRIMARY KEY,
    page_token BLOB NOT NULL UNIQUE,
    client TEXT NOT NULL,
    begun_from TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    user_key INTEGER REFERENCES users (key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX login_flows_expires ON login_flows (expires_at);
CREATE INDEX login_flows_user ON login_flows (user_key) WHERE user_key IS NOT NULL;
