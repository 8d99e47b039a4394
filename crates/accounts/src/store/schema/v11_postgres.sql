-- Devices that wait for their owner to sign in with a browser (login flow). The device has one token, its page another; the page
-- names the user who agreed. The app password is made when the device comes for it: nothing here opens an account.
CREATE TABLE login_flows (
    poll_token BYTEA PRIMARY KEY,
    page_token BYTEA NOT NULL UNIQUE,
    client TEXT COLLATE "C" NOT NULL,
    begun_from TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    user_key BIGINT REFERENCES users (key) ON DELETE CASCADE
);
CREATE INDEX login_flows_expires ON login_flows (expires_at);
CREATE INDEX login_flows_user ON login_flows (user_key) WHERE user_key IS NOT NULL;
