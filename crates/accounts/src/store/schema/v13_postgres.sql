-- Failed logins of each user at each backend, counted for all servers. `subject` is a keyed hash of the user. An entry is the time
-- in ms, shifted left by 20 bits, and 20 random bits, so that it names one attempt. `reserved` has attempts under way and those
-- without an answer, `wrong` those with a wrong password.
CREATE TABLE backend_failures (
    backend TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    wrong BIGINT[] NOT NULL,
    reserved BIGINT[] NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (backend, subject)
);
CREATE INDEX backend_failures_expires ON backend_failures (expires_at);
